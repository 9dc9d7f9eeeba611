/* Time as text. */
#include "base/timefmt.h"

#include "base/error.h"

#include <string.h>

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

/* ---- reading the datetime of CIM ---- */

#define CIM_FIELDS_MAX 7
#define CIM_POINT      14 /* before the microseconds */
#define CIM_SIGN       21
#define CIM_UNKNOWN    (-1)

static gboolean
cim_wrong(const char *text, const char *what, GError **error)
{
	g_autofree char *cut = g_strndup(text, strnlen(text, 2 * CAIRN_CIM_TIME_LEN));
	return cairn_fail(error, CAIRN_ERROR_INVALID, "\"%s\" is not %s", cut, what);
}

/* One field of @width characters; the digits that are known, filled up with zeroes, CIM_UNKNOWN
 * when none is. Once a digit is unknown all are that follow. */
static gboolean
cim_field(const char *text, guint width, gboolean *is_open, gint *ret)
{
	guint known = 0;
	gint value = 0;
	for (guint i = 0; i < width; i++) {
		*is_open |= text[i] == '*';
		if (*is_open ? text[i] != '*' : !g_ascii_isdigit(text[i]))
			return FALSE;
		known += !*is_open;
		value = value * 10 + (*is_open ? 0 : text[i] - '0');
	}
	*ret = known ? value : CIM_UNKNOWN;
	return known == 0 || known == width || width == 6;
}

/* The fields before the sign; the last are the microseconds. @widths ends with 0. */
static gboolean
cim_fields(const char *text, const guint8 *widths, gint ret[CIM_FIELDS_MAX])
{
	gboolean is_open = FALSE;
	if (strnlen(text, CAIRN_CIM_TIME_LEN + 1) != CAIRN_CIM_TIME_LEN || text[CIM_POINT] != '.')
		return FALSE;
	for (guint i = 0, at = 0; widths[i]; at += widths[i++]) {
		at += at == CIM_POINT;
		if (!cim_field(text + at, widths[i], &is_open, &ret[i]))
			return FALSE;
	}
	for (guint i = CIM_SIGN + 1; i < CAIRN_CIM_TIME_LEN; i++)
		if (!g_ascii_isdigit(text[i]))
			return FALSE;
	return TRUE;
}

static gint
known_or(gint value, gint least)
{
	return value == CIM_UNKNOWN ? least : value;
}

gboolean
cairn_time_from_cim(const char *text, gint64 *ret_usec, GError **error)
{
	static const char what[] = "a time stamp of CIM (yyyymmddHHMMSS.mmmmmm+UUU)";
	static const guint8 widths[] = {4, 2, 2, 2, 2, 2, 6, 0};
	gint f[CIM_FIELDS_MAX];
	if (!cim_fields(text, widths, f) || f[0] == CIM_UNKNOWN ||
	    (text[CIM_SIGN] != '+' && text[CIM_SIGN] != '-'))
		return cim_wrong(text, what, error);
	g_autoptr(GDateTime) when =
		g_date_time_new_utc(f[0], known_or(f[1], 1), known_or(f[2], 1), known_or(f[3], 0),
				    known_or(f[4], 0), known_or(f[5], 0));
	if (!when)
		return cim_wrong(text, what, error);
	gint64 minutes = g_ascii_strtoll(text + CIM_SIGN, NULL, 10); /* with its sign */
	*ret_usec = (g_date_time_to_unix(when) - minutes * 60) * G_USEC_PER_SEC + known_or(f[6], 0);
	return TRUE;
}

gboolean
cairn_interval_from_cim(const char *text, gint64 *ret_usec, GError **error)
{
	static const char what[] = "an interval of CIM (ddddddddHHMMSS.mmmmmm:000)";
	static const guint8 widths[] = {8, 2, 2, 2, 6, 0};
	gint f[CIM_FIELDS_MAX];
	if (!cim_fields(text, widths, f) || !g_str_equal(text + CIM_SIGN, ":000") || f[1] > 23 ||
	    f[2] > 59 || f[3] > 59)
		return cim_wrong(text, what, error);
	gint64 hours = (gint64)known_or(f[0], 0) * 24 + known_or(f[1], 0);
	gint64 seconds = (hours * 60 + known_or(f[2], 0)) * 60 + known_or(f[3], 0);
	*ret_usec = seconds * G_USEC_PER_SEC + known_or(f[4], 0);
	return TRUE;
}
