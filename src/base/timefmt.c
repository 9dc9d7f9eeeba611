/* Time as text. */
#include "base/timefmt.h"

#include "base/error.h"

static char *
format_utc(gint64 usec, const char *format, const char *tail)
{
	gint64 seconds = usec / G_USEC_PER_SEC, micro = usec % G_USEC_PER_SEC;
	if (micro < 0) {
		micro += G_USEC_PER_SEC;
		seconds--;
	}
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(seconds);
	if (!when)
		return g_strdup("");
	g_autofree char *head = g_date_time_format(when, format);
	return g_strdup_printf("%s.%06d%s", head, (int)micro, tail);
}

char *
cairn_time_iso(gint64 usec)
{
	return format_utc(usec, "%Y-%m-%dT%H:%M:%S", "Z");
}

gboolean
cairn_time_from_iso(const char *text, gint64 *ret_usec, GError **error)
{
	g_autoptr(GDateTime) when = text ? g_date_time_new_from_iso8601(text, NULL) : NULL;
	if (!when) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "\"%s\" is not an ISO 8601 time with a zone", text ? text : "");
		return FALSE;
	}
	*ret_usec = g_date_time_to_unix(when) * G_USEC_PER_SEC + g_date_time_get_microsecond(when);
	return TRUE;
}

char *
cairn_time_cim(gint64 usec)
{
	return format_utc(usec, "%Y%m%d%H%M%S", "+000");
}

char *
cairn_interval_cim(gint64 usec)
{
	if (usec < 0)
		usec = 0;
	gint64 seconds = usec / G_USEC_PER_SEC;
	return g_strdup_printf("%08" G_GINT64_FORMAT "%02d%02d%02d.%06d:000", seconds / 86400,
			       (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60),
			       (int)(seconds % 60), (int)(usec % G_USEC_PER_SEC));
}
