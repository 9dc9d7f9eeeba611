/* CIM datetimes: 25 characters to a number of microseconds and back. WS-Management's forms are
 * datetime_xs.c's. */
#include "cim/datetime.h"

#include "base/error.h"
#include "cim/datetime_parts.h"

#include <string.h>

#define DIGITS 20 /* of both forms, without the offset */

/* Where the digits stand, and how many of them belong together. A field is known as a whole, only
 * the microseconds may be known in part (DSP0004 5.2.4). */
static const guint8 stamp_fields[] = {4, 2, 2, 2, 2, 2, 6, 0};
static const guint8 interval_fields[] = {8, 2, 2, 2, 6, 0};

/* ---- days (proleptic Gregorian; years 0 to 9999) ---- */

gint64
cim_days_from_date(guint year, guint month, guint day)
{
	/* years begin with March, so that the odd day is the last; one era is 400 years */
	gint64 y = (gint64)year - (month <= 2);
	gint64 era = (y >= 0 ? y : y - 399) / 400;
	gint64 in_era = y - era * 400;
	gint64 in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static void
date_from_days(gint64 days, struct cim_datetime_parts *parts)
{
	days += 719468;
	gint64 era = (days >= 0 ? days : days - 146096) / 146097;
	gint64 day = days - era * 146097;
	gint64 year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	gint64 in_year = day - (365 * year + year / 4 - year / 100);
	gint64 month = (5 * in_year + 2) / 153;
	parts->day = (guint)(in_year - (153 * month + 2) / 5 + 1);
	parts->month = (guint)(month < 10 ? month + 3 : month - 9);
	parts->year = (guint)(year + era * 400 + (parts->month <= 2));
}

static guint
days_of_month(guint year, guint month)
{
	static const guint8 days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	gboolean leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

gboolean
cim_datetime_set(const struct cim_datetime_parts *parts, gint16 offset,
		 struct cim_datetime *ret_time)
{
	if (parts->year > 9999 || parts->month < 1 || parts->month > 12 || parts->day < 1 ||
	    parts->day > days_of_month(parts->year, parts->month) || parts->hour > 23 ||
	    parts->minute > 59 || parts->second > 59)
		return FALSE;
	gint64 seconds = cim_days_from_date(parts->year, parts->month, parts->day) * 86400 +
			 parts->hour * 3600 + parts->minute * 60 + parts->second - offset * 60;
	*ret_time = (struct cim_datetime){
		.usec = seconds * G_USEC_PER_SEC + parts->usec,
		.offset = offset,
		.known = DIGITS,
	};
	return TRUE;
}

void
cim_datetime_get(const struct cim_datetime *time, struct cim_datetime_parts *ret_parts)
{
	gint64 local = time->usec + (gint64)time->offset * 60 * G_USEC_PER_SEC;
	gint64 day = CIM_USEC_PER_DAY;
	gint64 days = (local >= 0 ? local : local - (day - 1)) / day;
	gint64 rest = local - days * day;
	*ret_parts = (struct cim_datetime_parts){0};
	if (time->is_interval)
		ret_parts->day = (guint)days;
	else
		date_from_days(days, ret_parts);
	ret_parts->usec = (guint)(rest % G_USEC_PER_SEC);
	rest /= G_USEC_PER_SEC;
	ret_parts->second = (guint)(rest % 60);
	ret_parts->minute = (guint)(rest / 60 % 60);
	ret_parts->hour = (guint)(rest / 3600);
}

gboolean
cim_datetime_is_special(const struct cim_datetime *time)
{
	return time->usec == CIM_DATETIME_ZEROES || time->usec == CIM_DATETIME_NINES;
}

/* ---- parsing ---- */

gboolean
cim_datetime_wrong(const char *text, const char *what, GError **error)
{
	g_autofree char *cut = g_strndup(text, strnlen(text, 40));
	g_autofree char *shown = g_utf8_make_valid(cut, -1);
	return cairn_fail(error, CAIRN_ERROR_INVALID, "\"%s\" is no datetime: %s", shown, what);
}

/* The digits without the point; how many are known, or -1. */
static int
read_digits(const char *text, char *digits)
{
	int known = -1;
	for (guint i = 0, n = 0; i < 21; i++) {
		if (i == 14)
			continue;
		if (text[i] == '*' && known < 0)
			known = (int)n;
		if (text[i] == '*' ? FALSE : !g_ascii_isdigit(text[i]) || known >= 0)
			return -1;
		digits[n++] = text[i];
	}
	return known < 0 ? DIGITS : known;
}

/* Whether @known ends where a field does, or among the microseconds. */
static gboolean
whole_fields(const guint8 *fields, guint known)
{
	guint at = 0;
	for (; *fields && at < known; fields++)
		at += *fields;
	return at == known || known > DIGITS - 6;
}

static guint
number(const char *digits, guint at, guint count, guint known, guint unknown)
{
	guint value = 0;
	if (at >= known)
		return unknown;
	for (guint i = at; i < at + count; i++)
		value = value * 10 + (i < known ? (guint)(digits[i] - '0') : 0);
	return value;
}

static gboolean
all_are(const char *digits, char digit)
{
	for (guint i = 0; i < DIGITS; i++)
		if (digits[i] != digit)
			return FALSE;
	return TRUE;
}

static void
fill_clock(const char *digits, guint known, struct cim_datetime_parts *parts)
{
	parts->hour = number(digits, 8, 2, known, 0);
	parts->minute = number(digits, 10, 2, known, 0);
	parts->second = number(digits, 12, 2, known, 0);
	parts->usec = number(digits, 14, 6, known, 0);
}

static gboolean
set_interval(const char *digits, guint known, struct cim_datetime *ret_time)
{
	struct cim_datetime_parts parts = {.day = number(digits, 0, 8, known, 0)};
	fill_clock(digits, known, &parts);
	if (parts.hour > 23 || parts.minute > 59 || parts.second > 59)
		return FALSE;
	gint64 seconds =
		(gint64)parts.day * 86400 + parts.hour * 3600 + parts.minute * 60 + parts.second;
	*ret_time = (struct cim_datetime){
		.is_interval = TRUE,
		.usec = seconds * G_USEC_PER_SEC + parts.usec,
		.known = (guint8)known,
	};
	return TRUE;
}

static gboolean
set_stamp(const char *digits, guint known, gint16 offset, struct cim_datetime *ret_time)
{
	struct cim_datetime_parts parts = {
		.year = number(digits, 0, 4, known, 1970),
		.month = number(digits, 4, 2, known, 1),
		.day = number(digits, 6, 2, known, 1),
	};
	fill_clock(digits, known, &parts);
	if (!cim_datetime_set(&parts, offset, ret_time))
		return FALSE;
	ret_time->known = (guint8)known;
	return TRUE;
}

/* "+060"; "+***" of clients that do not tell their offset is taken as UTC. */
static gboolean
read_offset(const char *text, gint16 *ret_offset)
{
	int minutes = 0;
	if (strcmp(text + 1, "***") == 0) {
		*ret_offset = 0;
		return TRUE;
	}
	for (guint i = 1; i < 4; i++) {
		if (!g_ascii_isdigit(text[i]))
			return FALSE;
		minutes = minutes * 10 + (text[i] - '0');
	}
	*ret_offset = (gint16)(text[0] == '-' ? -minutes : minutes);
	return TRUE;
}

gboolean
cim_datetime_parse(const char *text, struct cim_datetime *ret_time, GError **error)
{
	char digits[DIGITS];
	gint16 offset = 0;
	if (strnlen(text, CIM_DATETIME_LEN + 1) != CIM_DATETIME_LEN)
		return cim_datetime_wrong(text, "it has 25 characters", error);
	gboolean is_interval = strcmp(text + 21, ":000") == 0;
	int known = text[14] == '.' ? read_digits(text, digits) : -1;
	if (known < 0)
		return cim_datetime_wrong(text, "digits, then stars, and a point at the 15th place",
					  error);
	if (!whole_fields(is_interval ? interval_fields : stamp_fields, (guint)known))
		return cim_datetime_wrong(text, "stars replace whole fields", error);
	if (!is_interval &&
	    ((text[21] != '+' && text[21] != '-') || !read_offset(text + 21, &offset)))
		return cim_datetime_wrong(text, "it ends with :000, or + or - and three digits",
					  error);
	/* Values with a meaning of their own: not known, without end (CIM_Job). */
	gboolean nines = all_are(digits, '9');
	if (nines || (!is_interval && all_are(digits, '0'))) {
		*ret_time = (struct cim_datetime){
			.is_interval = is_interval,
			.usec = nines ? CIM_DATETIME_NINES : CIM_DATETIME_ZEROES,
			.offset = offset,
			.known = DIGITS,
		};
		return TRUE;
	}
	if (is_interval ? !set_interval(digits, (guint)known, ret_time)
			: !set_stamp(digits, (guint)known, offset, ret_time))
		return cim_datetime_wrong(text, "there is no such date or time of day", error);
	return TRUE;
}

/* ---- printing ---- */

static void
put(char *digits, guint count, guint value)
{
	for (; count > 0; value /= 10)
		digits[--count] = (char)('0' + value % 10);
	g_assert(value == 0);
}

static void
print_digits(const struct cim_datetime *time, char *digits)
{
	struct cim_datetime_parts parts;
	if (cim_datetime_is_special(time)) {
		memset(digits, time->usec == CIM_DATETIME_NINES ? '9' : '0', DIGITS);
		return;
	}
	cim_datetime_get(time, &parts);
	if (time->is_interval) {
		put(digits, 8, parts.day);
	} else {
		put(digits, 4, parts.year);
		put(digits + 4, 2, parts.month);
		put(digits + 6, 2, parts.day);
	}
	put(digits + 8, 2, parts.hour);
	put(digits + 10, 2, parts.minute);
	put(digits + 12, 2, parts.second);
	put(digits + 14, 6, parts.usec);
}

void
cim_datetime_print(const struct cim_datetime *time, char *buffer)
{
	char digits[DIGITS];
	print_digits(time, digits);
	g_assert(time->known <= DIGITS);
	memset(digits + time->known, '*', DIGITS - time->known);
	memcpy(buffer, digits, 14);
	buffer[14] = '.';
	memcpy(buffer + 15, digits + 14, 6);
	buffer[21] = time->is_interval ? ':' : time->offset < 0 ? '-' : '+';
	put(buffer + 22, 3, time->is_interval ? 0 : (guint)ABS(time->offset));
	buffer[CIM_DATETIME_LEN] = '\0';
}

int
cim_datetime_compare(const struct cim_datetime *a, const struct cim_datetime *b)
{
	g_assert(!a->is_interval == !b->is_interval);
	return (a->usec > b->usec) - (a->usec < b->usec);
}
