/* One line of progress, fitted to a width. */
#include "cli/format.h"
#include "cli/progress.h"
#include "cli/text.h"

#include <glib/gi18n.h>

#define BAR_MIN 8
#define BAR_MAX 40

static void
append_bar(GString *out, guint64 done, guint64 total, guint cells, gboolean utf8)
{
	static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	guint inner = cells - 2;
	double part = total ? MIN(1.0, (double)done / (double)total) : 0;
	guint filled = (guint)(part * inner * 8);
	g_string_append_c(out, '[');
	for (guint i = 0; i < inner; i++) {
		guint full = filled / 8;
		if (i < full)
			g_string_append(out, utf8 ? "█" : "=");
		else if (i == full)
			g_string_append(out, utf8 ? eighths[filled % 8] : ">");
		else
			g_string_append_c(out, ' ');
	}
	g_string_append_c(out, ']');
}

static guint
percent_of(const struct progress_item *item)
{
	if (item->total == 0)
		return 0;
	return (guint)(100.0 * (double)MIN(item->done, item->total) / (double)item->total);
}

/* The numbers after the bar with @parts of them, most needed first; widths are fixed so that the
 * line does not jitter. */
static char *
numbers(const struct progress_item *item, guint parts)
{
	g_autoptr(GString) out = g_string_new(NULL);
	guint64 left = item->total > item->done ? item->total - item->done : 0;
	if (parts > 0)
		g_string_append_printf(out, " %3u %%", percent_of(item));
	if (parts > 3) {
		g_autofree char *done = format_size(item->done);
		g_autofree char *total = format_size(item->total);
		g_string_append_printf(out, _("  %8s of %8s"), done, total);
	}
	if (parts > 2) {
		g_autofree char *rate = format_rate(item->rate);
		g_string_append_printf(out, "  %10s", rate);
	}
	if (parts > 1) {
		g_autofree char *text = item->rate > 0 && left > 0
						? format_countdown((guint64)MIN(
							  1e9, (double)left / item->rate + 0.5))
						: g_strdup(left > 0 ? "--:--" : "");
		g_string_append_printf(out, "  %7s", text);
	}
	return g_strdup(out->str);
}

char *
progress_line(const struct progress_item *item, guint width, gboolean utf8)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *label = text_clean(item->label);
	guint indent = MIN(item->indent, width);
	guint cells = MIN(item->label_cells, width - indent);
	g_autofree char *fitted = text_fit(label, cells);
	g_string_append_printf(out, "%*s", (int)indent, "");
	text_pad(out, fitted, cells, FALSE);
	guint used = indent + cells;
	if (item->note) {
		g_autofree char *note = text_clean(item->note);
		g_autofree char *rest = text_fit(note, width > used + 1 ? width - used - 1 : 0);
		g_string_append_printf(out, "%s%s", *rest ? " " : "", rest);
		return g_strdup(g_strchomp(out->str));
	}
	for (guint parts = 4; parts > 0; parts--) {
		g_autofree char *text = numbers(item, parts);
		guint need = used + text_width(text);
		guint bar = width > need + 1 ? MIN(width - need - 1, BAR_MAX) : 0;
		if (need > width || (bar < BAR_MIN && parts > 1))
			continue;
		if (bar >= BAR_MIN) {
			g_string_append_c(out, ' ');
			append_bar(out, item->done, item->total, bar, utf8);
		}
		g_string_append(out, text);
		break;
	}
	return g_strdup(g_strchomp(out->str));
}
