/* When a calendar is due. Labels are what a local clock shows, counted in microseconds as if it
 * were UTC: which labels match is plain arithmetic of days; the zone only says when a clock first
 * shows a label or has passed it. Text and JSON are in calendar_text.c. */
#include "core/calendar.h"

#include "base/error.h"

#define JULIAN_1970    719163 /* GDate counts from the year 1 */
#define DAYS_LOOKED_AT (CALENDAR_YEARS_MAX * 366)
#define NO_LABEL       G_MININT64
#define DAYS_IN_WEEK   7
/* More than any offset from UTC (tzdata's largest are below 16 hours). */
#define OFFSET_MAX CALENDAR_DAY_US

/* ---- days ---- */

struct day {
	guint month;   /* 0: January, as RunMonth has it */
	gint mday;     /* 1.. */
	gint from_end; /* -1: the last of its month */
};

/* @number: days since 1970-01-01. */
static struct day
day_of(gint64 number)
{
	GDate date;
	g_date_clear(&date, 1);
	g_date_set_julian(&date, (guint32)(JULIAN_1970 + number));
	GDateMonth month = g_date_get_month(&date);
	gint mday = g_date_get_day(&date);
	return (struct day){
		.month = (guint)month - 1,
		.mday = mday,
		.from_end = mday - g_date_get_days_in_month(month, g_date_get_year(&date)) - 1,
	};
}

static gboolean
month_matches(const struct calendar *calendar, const struct day *day)
{
	return calendar->months == 0 || (calendar->months & 1u << day->month);
}

/* RunMonth and RunDay alone. */
static gboolean
is_run_day(const struct calendar *calendar, gint64 number)
{
	struct day day = day_of(number);
	return month_matches(calendar, &day) &&
	       (calendar->run_day == day.mday || calendar->run_day == day.from_end);
}

/* The first such day of the week on or after RunDay is the one that has RunDay among itself and the
 * six days before it, and the other way round. CIM_Job (CIM Schema 2.8 and later) tells the found
 * day from RunDay only: RunMonth says where RunDay is, and the found day may be in the month beside
 * it ("the first Saturday on or after 31 January" can be 6 February). */
static gboolean
is_near_run_day(const struct calendar *calendar, gint64 number)
{
	gint64 step = calendar->run_day_of_week > 0 ? -1 : 1;
	for (gint64 i = 0; i < DAYS_IN_WEEK; i++)
		if (is_run_day(calendar, number + i * step))
			return TRUE;
	return FALSE;
}

static gboolean
weekday_matches(const struct calendar *calendar, gint64 number)
{
	guint weekday = (guint)(number + JULIAN_1970) % DAYS_IN_WEEK; /* 0: Sunday, as in GDate */
	guint wanted = (guint)ABS(calendar->run_day_of_week);
	return (!calendar->weekdays || (calendar->weekdays & 1u << weekday)) &&
	       (!wanted || wanted == weekday + 1);
}

static gboolean
day_matches(const struct calendar *calendar, gint64 number)
{
	if (!weekday_matches(calendar, number))
		return FALSE;
	if (!calendar->run_day) {
		struct day day = day_of(number);
		return month_matches(calendar, &day);
	}
	return calendar->run_day_of_week ? is_near_run_day(calendar, number)
					 : is_run_day(calendar, number);
}

/* How many days on from one that does not match another may, at least: months that are not asked
 * for are passed at once. */
static gint64
days_to_next(const struct calendar *calendar, gint64 number, gboolean forward)
{
	if (!calendar->months || (calendar->run_day && calendar->run_day_of_week))
		return 1;
	struct day day = day_of(number);
	if (month_matches(calendar, &day))
		return 1;
	return forward ? -day.from_end : day.mday;
}

/* ---- labels ---- */

static gint64
day_number(gint64 label)
{
	return label / CALENDAR_DAY_US - (label % CALENDAR_DAY_US < 0);
}

/* Of the day's times the first after @time since its midnight, -1: none. */
static gint64
time_after(const struct calendar *calendar, gint64 time)
{
	gint64 found = calendar->start_us;
	if (time >= found && calendar->every_us == 0)
		return -1;
	if (time >= found)
		found += ((time - found) / calendar->every_us + 1) * calendar->every_us;
	return found < CALENDAR_DAY_US ? found : -1;
}

/* The last at or before @time, -1: none. */
static gint64
time_before(const struct calendar *calendar, gint64 time)
{
	if (time < calendar->start_us)
		return -1;
	gint64 beyond = time - calendar->start_us;
	return calendar->every_us ? time - beyond % calendar->every_us : calendar->start_us;
}

static gint64
label_after(const struct calendar *calendar, gint64 label)
{
	gint64 first = day_number(label);
	for (gint64 number = first; number <= first + DAYS_LOOKED_AT;
	     number += days_to_next(calendar, number, TRUE)) {
		gint64 midnight = number * CALENDAR_DAY_US;
		gint64 time = time_after(calendar, number == first ? label - midnight : -1);
		if (time >= 0 && day_matches(calendar, number))
			return midnight + time;
	}
	return NO_LABEL;
}

static gint64
label_before(const struct calendar *calendar, gint64 label)
{
	gint64 first = day_number(label);
	gint64 last = MAX(first - DAYS_LOOKED_AT, -JULIAN_1970 + DAYS_IN_WEEK);
	for (gint64 number = first; number >= last;
	     number -= days_to_next(calendar, number, FALSE)) {
		gint64 midnight = number * CALENDAR_DAY_US;
		gint64 time = time_before(calendar,
					  number == first ? label - midnight : CALENDAR_DAY_US - 1);
		if (time >= 0 && day_matches(calendar, number))
			return midnight + time;
	}
	return NO_LABEL;
}

/* ---- the zone ---- */

/* A span of time in which the offset does not change; whole seconds. */
struct segment {
	gint64 begin, end; /* [begin, end) */
	gint64 offset;	   /* of the local clock from UTC */
};

static gint64
whole_seconds(gint64 time)
{
	return time / G_USEC_PER_SEC - (time % G_USEC_PER_SEC < 0);
}

static gint
interval_at(GTimeZone *zone, gint64 seconds)
{
	return g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, seconds);
}

/* The segment from @begin on; its end is not looked for beyond @limit. GTimeZone does not tell when
 * an interval ends, only which one a time is in. */
static struct segment
segment_from(GTimeZone *zone, gint64 begin, gint64 limit)
{
	gint64 inside = whole_seconds(begin), beyond = whole_seconds(limit);
	gint interval = interval_at(zone, inside);
	gint64 offset = (gint64)g_time_zone_get_offset(zone, interval) * G_USEC_PER_SEC;
	if (interval_at(zone, beyond) == interval)
		return (struct segment){begin, limit + 1, offset};
	while (beyond - inside > 1) {
		gint64 middle = inside + (beyond - inside) / 2;
		if (interval_at(zone, middle) == interval)
			inside = middle;
		else
			beyond = middle;
	}
	return (struct segment){begin, beyond * G_USEC_PER_SEC, offset};
}

/* When the clock shows @label or more for the first time: of a label that comes twice the first,
 * for one that is skipped the jump. */
static gint64
time_of_label(GTimeZone *zone, gint64 label)
{
	gint64 limit = label + OFFSET_MAX;
	struct segment segment = segment_from(zone, label - OFFSET_MAX, limit);
	while (label - segment.offset >= segment.end)
		segment = segment_from(zone, segment.end, limit);
	return MAX(segment.begin, label - segment.offset);
}

/* The largest label that the clock has shown or passed until @time: more than it shows now after it
 * was put back. A label is due after @time exactly if it is larger. */
static gint64
label_reached(GTimeZone *zone, gint64 time)
{
	struct segment segment = segment_from(zone, time - 2 * OFFSET_MAX, time);
	gint64 reached = G_MININT64;
	for (; segment.end <= time; segment = segment_from(zone, segment.end, time))
		reached = MAX(reached, segment.end + segment.offset - 1);
	return MAX(reached, time + segment.offset);
}

/* ---- what is asked ---- */

gint64
calendar_next(const struct calendar *calendar, GTimeZone *local, gint64 after)
{
	if (after > CALENDAR_TIME_MAX)
		return 0;
	after = MAX(after, 0);
	gint64 reached = calendar->utc ? after : label_reached(local, after);
	gint64 label = label_after(calendar, reached);
	if (label == NO_LABEL)
		return 0;
	return calendar->utc ? label : time_of_label(local, label);
}

gint64
calendar_last(const struct calendar *calendar, GTimeZone *local, gint64 until)
{
	until = CLAMP(until, 0, CALENDAR_TIME_MAX);
	gint64 reached = calendar->utc ? until : label_reached(local, until);
	gint64 label = label_before(calendar, reached);
	if (label == NO_LABEL)
		return 0;
	return MAX(0, calendar->utc ? label : time_of_label(local, label));
}

static gboolean
check_range(const char *name, gint64 value, gint64 min, gint64 max, GError **error)
{
	if (value >= min && value <= max)
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_INVALID,
			  "%s is %" G_GINT64_FORMAT ": it must be from %" G_GINT64_FORMAT
			  " to %" G_GINT64_FORMAT,
			  name, value, min, max);
}

gboolean
calendar_check(const struct calendar *calendar, GError **error)
{
	if (!check_range("months", calendar->months, 0, (1 << 12) - 1, error) ||
	    !check_range("run-day", calendar->run_day, -31, 31, error) ||
	    !check_range("run-day-of-week", calendar->run_day_of_week, -DAYS_IN_WEEK, DAYS_IN_WEEK,
			 error) ||
	    !check_range("weekdays", calendar->weekdays, 0, (1 << DAYS_IN_WEEK) - 1, error) ||
	    !check_range("start-us", calendar->start_us, 0, CALENDAR_DAY_US - 1, error) ||
	    (calendar->every_us && !check_range("every-us", calendar->every_us, CALENDAR_EVERY_MIN,
						CALENDAR_DAY_US, error)))
		return FALSE;
	if (label_after(calendar, 0) == NO_LABEL)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "no day of any year is what the calendar asks for");
	return TRUE;
}
