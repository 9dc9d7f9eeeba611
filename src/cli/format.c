/* Numbers and times as text. */
#include "cli/format.h"

#include "base/error.h"
#include "base/timefmt.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

char *
format_size(guint64 bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = bytes;
	guint unit = 0;
	/* 999.5 and not 1024, so that there are never four digits. */
	while (value >= 999.5 && unit + 1 < G_N_ELEMENTS(units)) {
		value /= 1024;
		unit++;
	}
	if (unit == 0)
		return g_strdup_printf("%" G_GUINT64_FORMAT " B", bytes);
	return g_strdup_printf("%.*f %s", value < 99.95 ? 1 : 0, value, units[unit]);
}

char *
format_rate(double rate)
{
	if (!(rate > 0)) /* also NaN */
		return g_strdup("");
	g_autofree char *size = format_size(rate < 1e18 ? (guint64)rate : (guint64)1e18);
	return g_strconcat(size, "/s", NULL);
}

char *
format_span(gint64 usec)
{
	if (usec < 0)
		usec = 0;
	if (usec < 1000)
		return g_strdup_printf("%d us", (int)usec);
	if (usec < G_USEC_PER_SEC)
		return g_strdup_printf("%.*f ms", usec < 100000 ? 1 : 0, usec / 1e3);
	if (usec < 60 * (gint64)G_USEC_PER_SEC)
		return g_strdup_printf("%.1f s", usec / 1e6);
	gint64 s = usec / G_USEC_PER_SEC;
	if (s < 3600)
		return g_strdup_printf("%d:%02d min", (int)(s / 60), (int)(s % 60));
	if (s < 86400)
		return g_strdup_printf("%d:%02d:%02d h", (int)(s / 3600), (int)(s / 60 % 60),
				       (int)(s % 60));
	return g_strdup_printf("%" G_GINT64_FORMAT " d %d h", s / 86400, (int)(s / 3600 % 24));
}

char *
format_countdown(guint64 seconds)
{
	if (seconds >= 100 * 3600)
		return g_strdup("--:--");
	guint s = seconds;
	if (s < 3600)
		return g_strdup_printf("%u:%02u", s / 60, s % 60);
	return g_strdup_printf("%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
}

char *
format_time(const char *iso)
{
	gint64 usec;
	if (!iso || !*iso)
		return g_strdup("-");
	if (!cairn_time_from_iso(iso, &usec, NULL))
		return g_strdup(iso);
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_local(usec / G_USEC_PER_SEC);
	return when ? g_date_time_format(when, "%Y-%m-%d %H:%M:%S") : g_strdup(iso);
}

/* One number with an optional fraction and suffix; @suffixes is "KMGT" with @factors. */
static gboolean
parse_scaled(const char *text, const char *const *suffixes, const guint64 *factors, guint64 max,
	     const char *what, guint64 *ret_value, GError **error)
{
	char *end = NULL;
	double value = g_ascii_isdigit(text[0]) ? g_ascii_strtod(text, &end) : -1;
	/* strtod also reads "0x10" and "1e9"; we do not. */
	if (!end || strspn(text, "0123456789.") != (gsize)(end - text))
		goto invalid;
	guint64 factor = 0;
	for (guint i = 0; suffixes[i] && !factor; i++)
		if (g_ascii_strcasecmp(end, suffixes[i]) == 0)
			factor = factors[i];
	if (!factor)
		goto invalid;
	if (value * (double)factor > (double)max) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT, _("\"%s\" is too much"), text);
		return FALSE;
	}
	*ret_value = (guint64)llround(value * (double)factor);
	return TRUE;
invalid:
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, _("\"%s\" is not %s"), text, what);
	return FALSE;
}

gboolean
parse_size(const char *text, guint64 max, guint64 *ret_bytes, GError **error)
{
	static const char *const suffixes[] = {"",  "B",   "K", "KiB", "M", "MiB",
					       "G", "GiB", "T", "TiB", NULL};
	static const guint64 k = 1024;
	const guint64 factors[] = {
		1, 1, k, k, k * k, k * k, k * k * k, k * k * k, k * k * k * k, k * k * k * k};
	return parse_scaled(text, suffixes, factors, max, _("a size such as 4096, 50M or 1.5G"),
			    ret_bytes, error);
}

gboolean
parse_span(const char *text, guint64 max, guint64 *ret_seconds, GError **error)
{
	static const char *const suffixes[] = {"", "s", "m", "min", "h", "d", NULL};
	static const guint64 factors[] = {1, 1, 60, 60, 3600, 86400};
	return parse_scaled(text, suffixes, factors, max, _("a time such as 90, 15m, 2h or 3d"),
			    ret_seconds, error);
}

gboolean
parse_count(const char *text, guint64 max, guint64 *ret_count, GError **error)
{
	g_autoptr(GError) local = NULL;
	if (g_ascii_string_to_unsigned(text, 10, 0, max, ret_count, &local))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    _("\"%s\" is not a whole number from 0 to %llu"), text,
		    (unsigned long long)max);
	return FALSE;
}
