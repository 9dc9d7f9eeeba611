/* A calendar as text for people, and as JSON. */
#include "base/error.h"
#include "base/json.h"
#include "core/calendar.h"

static const char *const month_names[] = {"January",   "February", "March",    "April",
					  "May",       "June",	   "July",     "August",
					  "September", "October",  "November", "December"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
					"Thursday", "Friday", "Saturday"};
static const char *const short_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
#define WEEKDAYS_ALL ((1u << G_N_ELEMENTS(short_names)) - 1)

/* ---- text ---- */

/* "January", "January and July", "January, April and July". */
static void
append_months(GString *text, guint months)
{
	gboolean first = TRUE;
	for (guint i = 0; i < G_N_ELEMENTS(month_names); i++) {
		if (!(months & 1u << i))
			continue;
		gboolean last = (months >> i) == 1;
		g_string_append(text, first ? "" : last ? " and " : ", ");
		g_string_append(text, month_names[i]);
		first = FALSE;
	}
}

/* "mon-fri", "mon,wed,fri": the week begins on Monday for people, so that a weekend is one span. */
static void
append_weekdays(GString *text, guint weekdays)
{
	const guint n = G_N_ELEMENTS(short_names);
	gboolean first = TRUE;
	for (guint i = 0; i < n; i++) {
		guint last = i;
		if (!(weekdays & 1u << (i + 1) % n))
			continue;
		while (last + 1 < n && (weekdays & 1u << (last + 2) % n))
			last++;
		g_string_append_printf(text, "%s%s", first ? "" : ",", short_names[(i + 1) % n]);
		if (last > i)
			g_string_append_printf(text, "%s%s", last > i + 1 ? "-" : ",",
					       short_names[(last + 1) % n]);
		first = FALSE;
		i = last;
	}
}

/* "day 15 of March", "the last day of every month", "day 3 from the end of June and July". */
static void
append_run_day(GString *text, const struct calendar *calendar)
{
	if (calendar->run_day == -1)
		g_string_append(text, "the last day of ");
	else if (calendar->run_day < 0)
		g_string_append_printf(text, "day %d from the end of ", -calendar->run_day);
	else
		g_string_append_printf(text, "day %d of ", calendar->run_day);
	if (calendar->months)
		append_months(text, calendar->months);
	else
		g_string_append(text, "every month");
}

static void
append_days(GString *text, const struct calendar *calendar)
{
	guint weekdays = calendar->weekdays == WEEKDAYS_ALL ? 0 : calendar->weekdays;
	gboolean after = calendar->run_day_of_week > 0;
	guint wanted = (guint)ABS(calendar->run_day_of_week);
	if (wanted && calendar->run_day)
		g_string_append_printf(text, "the %s %s on or %s ", after ? "first" : "last",
				       day_names[wanted - 1], after ? "after" : "before");
	else if (wanted)
		g_string_append_printf(text, "every %s", day_names[wanted - 1]);
	if (calendar->run_day)
		append_run_day(text, calendar);
	else if (!wanted && weekdays)
		append_weekdays(text, weekdays);
	else if (!wanted)
		g_string_append(text, "every day");
	if (calendar->months && !calendar->run_day) {
		g_string_append(text, " in ");
		append_months(text, calendar->months);
	}
	if (weekdays && (wanted || calendar->run_day)) {
		g_string_append(text, " if it is ");
		append_weekdays(text, weekdays);
	}
}

/* "02:00", "02:00:30". */
static void
append_time(GString *text, gint64 span)
{
	gint64 seconds = span / G_USEC_PER_SEC;
	g_string_append_printf(text, "%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60));
	if (seconds % 60)
		g_string_append_printf(text, ":%02d", (int)(seconds % 60));
}

static void
append_every(GString *text, gint64 every)
{
	gint64 seconds = every / G_USEC_PER_SEC;
	const struct {
		gint64 seconds;
		const char *unit;
	} units[] = {{3600, "hour"}, {60, "minute"}, {1, "second"}};
	guint i = 0;
	while (i + 1 < G_N_ELEMENTS(units) && seconds % units[i].seconds)
		i++;
	gint64 count = seconds / units[i].seconds;
	if (count == 1)
		g_string_append_printf(text, " every %s", units[i].unit);
	else
		g_string_append_printf(text, " every %d %ss", (int)count, units[i].unit);
}

char *
calendar_text(const struct calendar *calendar)
{
	g_autoptr(GString) text = g_string_new(NULL);
	append_days(text, calendar);
	if (calendar->every_us)
		append_every(text, calendar->every_us);
	g_string_append(text, calendar->every_us ? " from " : " at ");
	append_time(text, calendar->start_us);
	if (calendar->utc)
		g_string_append(text, " UTC");
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- JSON ---- */

json_t *
calendar_to_json(const struct calendar *calendar)
{
	json_t *json = json_object();
	cairn_json_set_uint(json, "months", calendar->months);
	cairn_json_set(json, "run-day", json_integer(calendar->run_day));
	cairn_json_set(json, "run-day-of-week", json_integer(calendar->run_day_of_week));
	cairn_json_set_uint(json, "weekdays", calendar->weekdays);
	cairn_json_set_uint(json, "start-us", (guint64)calendar->start_us);
	cairn_json_set_uint(json, "every-us", (guint64)calendar->every_us);
	cairn_json_set_bool(json, "utc", calendar->utc);
	return json;
}

/* The getters of base/json.h know no numbers below zero. */
static gboolean
get_signed(const json_t *json, const char *key, gint *ret, GError **error)
{
	const json_t *value = json_object_get(json, key);
	if (value && !json_is_null(value) && !json_is_integer(value))
		return cairn_fail(error, CAIRN_ERROR_INVALID, "\"%s\" must be a whole number", key);
	*ret = (gint)CLAMP(json_integer_value(value), G_MININT, G_MAXINT); /* calendar_check() */
	return TRUE;
}

gboolean
calendar_from_json(const json_t *json, struct calendar *ret, GError **error)
{
	struct calendar calendar = {0};
	guint64 months = 0, weekdays = 0, start = 0, every = 0;
	if (json &&
	    (!cairn_json_get_uint_opt(json, "months", G_MAXUINT16, 0, &months, error) ||
	     !get_signed(json, "run-day", &calendar.run_day, error) ||
	     !get_signed(json, "run-day-of-week", &calendar.run_day_of_week, error) ||
	     !cairn_json_get_uint_opt(json, "weekdays", G_MAXUINT16, 0, &weekdays, error) ||
	     !cairn_json_get_uint_opt(json, "start-us", CALENDAR_DAY_US, 0, &start, error) ||
	     !cairn_json_get_uint_opt(json, "every-us", CALENDAR_DAY_US, 0, &every, error) ||
	     !cairn_json_get_bool_opt(json, "utc", FALSE, &calendar.utc, error)))
		return FALSE;
	calendar.months = (guint)months;
	calendar.weekdays = (guint)weekdays;
	calendar.start_us = (gint64)start;
	calendar.every_us = (gint64)every;
	if (!calendar_check(&calendar, error))
		return FALSE;
	*ret = calendar;
	return TRUE;
}
