/* Points in time as people type them; see when.h. */
#include "cli/when.h"

#include "base/error.h"
#include "cli/format.h"

#include <glib/gi18n.h>
#include <string.h>

#define WHEN_SPAN_MAX ((guint64)100 * 366 * 86400) /* seconds */

/* Midnight of a day of local time. */
static char *
day(GDateTime *now, gint days)
{
	g_autoptr(GDateTime) when = g_date_time_add_days(now, days);
	return g_date_time_format(when, "%Y-%m-%dT00:00:00");
}

static char *
word(const char *text, GDateTime *now)
{
	static const struct {
		const char *word;
		gint days;
	} words[] = {{"yesterday", -1}, {"today", 0}, {"tomorrow", 1}};
	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (strcmp(text, words[i].word) == 0)
			return day(now, words[i].days);
	return NULL;
}

static gboolean
fits(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++)
		if (*pattern == '0'   ? !g_ascii_isdigit(*text)
		    : *pattern == ' ' ? !strchr("Tt ", *text) || !*text
				      : *pattern != *text)
			return FALSE;
	return TRUE;
}

/* What is left out is filled in, so that GLib can read it. */
static char *
complete(const char *text, GDateTime *now)
{
	gsize len = strlen(text);
	const char *seconds = "";
	char *whole = word(text, now);
	if (whole)
		return whole;
	if (len == 10 && fits(text, "0000-00-00"))
		return g_strconcat(text, "T00:00:00", NULL);
	if (fits(text, "00:00")) {
		g_autofree char *date = g_date_time_format(now, "%Y-%m-%d");
		return g_strconcat(date, "T", text, len == 5 ? ":00" : "", NULL);
	}
	if (!fits(text, "0000-00-00 00:00"))
		return g_strdup(text);
	if (len == 16)
		seconds = ":00";
	whole = g_strconcat(text, seconds, NULL);
	whole[10] = 'T';
	return whole;
}

gboolean
parse_when(const char *text, gint64 now, gboolean later, gint64 *ret_usec, GError **error)
{
	guint64 span;
	g_autoptr(GTimeZone) zone = g_time_zone_new_local();
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(now / G_USEC_PER_SEC);
	g_autoptr(GDateTime) local = utc ? g_date_time_to_timezone(utc, zone) : NULL;
	if (local && *text && !strpbrk(text, ":-") &&
	    parse_span(text, WHEN_SPAN_MAX, &span, NULL)) {
		gint64 usec = (gint64)span * G_USEC_PER_SEC;
		*ret_usec = later ? now + usec : now - usec;
		return TRUE;
	}
	g_autofree char *whole = local ? complete(text, local) : NULL;
	g_autoptr(GDateTime) when = whole ? g_date_time_new_from_iso8601(whole, zone) : NULL;
	if (!when)
		return cairn_fail(error, CAIRN_ERROR_INVALID, _("\"%s\" is not %s"), text,
				  _("a time such as 2026-11-28, \"2026-11-28 02:00\", 02:00, "
				    "yesterday or 3d"));
	*ret_usec = g_date_time_to_unix(when) * G_USEC_PER_SEC + g_date_time_get_microsecond(when);
	return TRUE;
}
