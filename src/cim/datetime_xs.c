/* XML Schema's date and time types, as WS-Management carries datetimes (DSP0230 6.2). */
#include "cim/datetime.h"

#include "base/error.h"
#include "cim/datetime_parts.h"

#include <string.h>

#define XS_TEXT_MAX   64	    /* bytes of one value */
#define INTERVAL_DAYS 100000000	    /* eight digits: one interval is shorter */
#define NUMBER_MAX    1000000000000 /* of one part of a duration */
#define OFFSET_MAX    (14 * 60)	    /* minutes (XML Schema 3.2.7.3) */

/* Exactly @count digits. */
static gboolean
fixed(const char **at, guint count, guint *ret_number)
{
	guint number = 0;
	for (; count > 0; count--, (*at)++) {
		if (!g_ascii_isdigit(**at))
			return FALSE;
		number = number * 10 + (guint)(**at - '0');
	}
	*ret_number = number;
	return TRUE;
}

static gboolean
step(const char **at, char byte)
{
	if (g_ascii_toupper(**at) != byte)
		return FALSE;
	(*at)++;
	return TRUE;
}

/* ".5" in microseconds; further digits are cut off. Without a point: 0. */
static gboolean
fraction(const char **at, guint *ret_usec)
{
	guint usec = 0, unit = 100000;
	if (step(at, '.')) {
		if (!g_ascii_isdigit(**at))
			return FALSE;
		for (; g_ascii_isdigit(**at); (*at)++, unit /= 10)
			usec += (guint)(**at - '0') * unit;
	}
	*ret_usec = usec;
	return TRUE;
}

/* "Z", "+02:00" or nothing, which is taken as UTC. */
static gboolean
zone(const char **at, gint16 *ret_offset)
{
	guint hours, minutes;
	gboolean west = **at == '-';
	*ret_offset = 0;
	if (**at == '\0' || step(at, 'Z'))
		return TRUE;
	if (!west && **at != '+')
		return FALSE;
	(*at)++;
	if (!fixed(at, 2, &hours) || !step(at, ':') || !fixed(at, 2, &minutes) || minutes > 59 ||
	    hours * 60 + minutes > OFFSET_MAX)
		return FALSE;
	*ret_offset = (gint16)(hours * 60 + minutes);
	if (west)
		*ret_offset = (gint16) - *ret_offset;
	return TRUE;
}

/* xs:dateTime, and xs:date, of which the time of day is not known. */
static gboolean
parse_stamp(const char *at, struct cim_datetime *ret_time)
{
	struct cim_datetime_parts parts = {0};
	gint16 offset;
	if (!fixed(&at, 4, &parts.year) || !step(&at, '-') || !fixed(&at, 2, &parts.month) ||
	    !step(&at, '-') || !fixed(&at, 2, &parts.day))
		return FALSE;
	gboolean has_time = step(&at, 'T');
	if (has_time &&
	    (!fixed(&at, 2, &parts.hour) || !step(&at, ':') || !fixed(&at, 2, &parts.minute) ||
	     !step(&at, ':') || !fixed(&at, 2, &parts.second) || !fraction(&at, &parts.usec)))
		return FALSE;
	/* 24:00:00 is the end of the day */
	gboolean midnight = parts.hour == 24 && !parts.minute && !parts.second && !parts.usec;
	if (midnight)
		parts.hour = 0;
	if (!zone(&at, &offset) || *at || !cim_datetime_set(&parts, offset, ret_time))
		return FALSE;
	if (midnight) {
		if (parts.year == 9999 && parts.month == 12 && parts.day == 31)
			return FALSE;
		ret_time->usec += CIM_USEC_PER_DAY;
	}
	if (!has_time)
		ret_time->known = 8;
	return TRUE;
}

/* ---- durations ---- */

static gboolean
amount(const char **at, guint64 *ret_amount)
{
	guint64 number = 0;
	if (!g_ascii_isdigit(**at))
		return FALSE;
	for (; g_ascii_isdigit(**at); (*at)++) {
		number = number * 10 + (guint64)(**at - '0');
		if (number > NUMBER_MAX)
			return FALSE;
	}
	*ret_amount = number;
	return TRUE;
}

/* "1D" and the like in their order; @units says how many seconds each letter of @letters stands
 * for: 0 for years and months, which have no length. */
static gboolean
parse_amounts(const char **at, const char *letters, const guint *units, guint64 *seconds,
	      guint *usec, guint *count)
{
	while (**at && **at != 'T' && **at != 't') {
		guint64 number;
		guint part = 0;
		if (!amount(at, &number) || !fraction(at, &part) || !**at)
			return FALSE;
		const char *found = strchr(letters, g_ascii_toupper(**at));
		if (!found || ((*at)[-1] != '.' && part && *found != 'S'))
			return FALSE;
		guint unit = units[found - letters];
		if (!unit && number)
			return FALSE;
		units += found - letters + 1;
		letters = found + 1;
		*seconds += number * unit;
		*usec += part;
		(*count)++;
		(*at)++;
	}
	return TRUE;
}

static gboolean
parse_duration(const char *at, struct cim_datetime *ret_time)
{
	static const guint day_units[] = {0, 0, 86400}, clock_units[] = {3600, 60, 1};
	gboolean negative = step(&at, '-');
	guint64 seconds = 0;
	guint usec = 0, days = 0, clock = 0;
	if (!step(&at, 'P') || !parse_amounts(&at, "YMD", day_units, &seconds, &usec, &days))
		return FALSE;
	gboolean has_clock = step(&at, 'T');
	if (has_clock &&
	    (!parse_amounts(&at, "HMS", clock_units, &seconds, &usec, &clock) || !clock))
		return FALSE;
	if (*at || days + clock == 0 || seconds >= (guint64)INTERVAL_DAYS * 86400 ||
	    (negative && (seconds || usec)))
		return FALSE;
	*ret_time = (struct cim_datetime){
		.is_interval = TRUE,
		.usec = (gint64)seconds * G_USEC_PER_SEC + usec,
		.known = 20,
	};
	return TRUE;
}

gboolean
cim_datetime_from_xs(const char *text, struct cim_datetime *ret_time, GError **error)
{
	gsize len = strnlen(text, XS_TEXT_MAX + 1);
	if (len == CIM_DATETIME_LEN && text[14] == '.')
		return cim_datetime_parse(text, ret_time, error);
	if (len > XS_TEXT_MAX)
		return cim_datetime_wrong(text, "it is too long", error);
	if (*text == 'P' || *text == 'p' || (*text == '-' && (text[1] | 0x20) == 'p')) {
		if (!parse_duration(text, ret_time))
			return cim_datetime_wrong(
				text, "a duration is written as P1DT2H3M4.5S, without years",
				error);
		return TRUE;
	}
	if (!parse_stamp(text, ret_time))
		return cim_datetime_wrong(
			text, "a time is written as 2010-07-14T11:35:11.9+02:00, or as CIM does",
			error);
	return TRUE;
}

/* ---- printing ---- */

/* "2010-07-14T11:35:11": lists have several in each item, too many for printf. */
static void
append_stamp(GString *text, const struct cim_datetime_parts *parts)
{
	const struct {
		guint number, width;
		char before;
	} fields[] = {
		{parts->year, 4, '\0'}, {parts->month, 2, '-'},	 {parts->day, 2, '-'},
		{parts->hour, 2, 'T'},	{parts->minute, 2, ':'}, {parts->second, 2, ':'},
	};
	char stamp[20];
	guint end = 0;
	for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
		guint number = fields[i].number;
		if (fields[i].before)
			stamp[end++] = fields[i].before;
		end += fields[i].width;
		for (guint at = 1; at <= fields[i].width; at++, number /= 10)
			stamp[end - at] = (char)('0' + number % 10);
	}
	g_string_append_len(text, stamp, end);
}

char *
cim_datetime_to_xs(const struct cim_datetime *time)
{
	struct cim_datetime_parts parts;
	if (time->known != 20 || cim_datetime_is_special(time))
		return NULL;
	cim_datetime_get(time, &parts);
	/* xs:duration has fractions, but clients that read whole numbers there have none (OMI) */
	if (time->is_interval && parts.usec)
		return NULL;
	/* year 0 is not in XML Schema 1.0, and offsets end at 14 hours */
	if (!time->is_interval && (parts.year == 0 || ABS(time->offset) > OFFSET_MAX))
		return NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	if (time->is_interval) {
		g_string_append_printf(text, "P%uDT%uH%uM%uS", parts.day, parts.hour, parts.minute,
				       parts.second);
		return g_string_free(g_steal_pointer(&text), FALSE);
	}
	append_stamp(text, &parts);
	if (parts.usec)
		g_string_append_printf(text, ".%06u", parts.usec);
	guint offset = (guint)ABS(time->offset);
	if (offset)
		g_string_append_printf(text, "%c%02u:%02u", time->offset < 0 ? '-' : '+',
				       offset / 60, offset % 60);
	else
		g_string_append_c(text, 'Z');
	return g_string_free(g_steal_pointer(&text), FALSE);
}
