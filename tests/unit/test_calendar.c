/* Calendars, when they are due: each rule by hand. See test_calendar_walk.c for many more by
 * chance.
 */
#include "base/timefmt.h"
#include "core/calendar.h"

#define HOUR	     (3600ll * G_USEC_PER_SEC)
#define MINUTE	     (60ll * G_USEC_PER_SEC)
#define AT(h, m)     ((h)*HOUR + (m)*MINUTE)
#define MONTH(n)     (1u << ((n)-1))
#define MON_FRI	     0x3e
#define BERLIN	     "Europe/Berlin"
#define NEW_YORK     "America/New_York"
#define HAVANA	     "America/Havana"
#define LORD_HOWE    "Australia/Lord_Howe"
#define APIA	     "Pacific/Apia"
#define CASEY	     "Antarctica/Casey"
#define CASABLANCA   "Africa/Casablanca"
#define EXPECTED_MAX 4

static gint64
time_of(const char *text)
{
	gint64 time;
	g_autoptr(GError) error = NULL;
	cairn_time_from_iso(text, &time, &error);
	g_assert_no_error(error);
	return time;
}

/* NULL: this system does not know the zone. */
static GTimeZone *
zone_of(const char *name)
{
	GTimeZone *zone = g_time_zone_new_identifier(name);
	if (!zone)
		g_test_skip_printf("no time zone %s here", name);
	return zone;
}

/* ---- by hand ---- */

/* The due times after `after`, one after the other. */
static const struct {
	const char *rule, *zone;
	struct calendar calendar;
	const char *after;
	const char *expected[EXPECTED_MAX];
} cases[] = {
	{"every day",
	 BERLIN,
	 {.start_us = AT(2, 0)},
	 "2026-11-28T02:00:00+01:00",
	 {"2026-11-29T02:00:00+01:00", "2026-11-30T02:00:00+01:00", "2026-12-01T02:00:00+01:00"}},
	{"just before",
	 BERLIN,
	 {.start_us = AT(2, 0)},
	 "2026-11-28T01:59:59.999999+01:00",
	 {"2026-11-28T02:00:00+01:00"}},
	{"midnight of the year",
	 BERLIN,
	 {0},
	 "2026-12-31T12:00:00+01:00",
	 {"2027-01-01T00:00:00+01:00", "2027-01-02T00:00:00+01:00"}},
	{"seconds",
	 "UTC",
	 {.start_us = AT(23, 59) + 59999999},
	 "2026-11-28T00:00:00Z",
	 {"2026-11-28T23:59:59.999999Z", "2026-11-29T23:59:59.999999Z"}},
	{"weekdays",
	 BERLIN,
	 {.weekdays = MON_FRI, .start_us = AT(2, 0)}, /* the 27th: a Friday */
	 "2026-11-26T12:00:00+01:00",
	 {"2026-11-27T02:00:00+01:00", "2026-11-30T02:00:00+01:00", "2026-12-01T02:00:00+01:00"}},
	{"every Sunday",
	 "UTC",
	 {.run_day_of_week = 1},
	 "2026-11-28T00:00:00Z",
	 {"2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"}},
	{"every Sunday, sign",
	 "UTC",
	 {.run_day_of_week = -1},
	 "2026-11-28T00:00:00Z",
	 {"2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"}},
	{"every Sunday of a month",
	 "UTC",
	 {.run_day_of_week = 1, .months = MONTH(1)},
	 "2026-01-20T00:00:00Z",
	 {"2026-01-25T00:00:00Z", "2027-01-03T00:00:00Z"}},
	{"months",
	 "UTC",
	 {.months = MONTH(1) | MONTH(12)},
	 "2026-01-31T00:00:00Z",
	 {"2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z"}},
	/* RunDay */
	{"day of the month",
	 "UTC",
	 {.run_day = 15},
	 "2026-01-15T00:00:00Z",
	 {"2026-02-15T00:00:00Z", "2026-03-15T00:00:00Z"}},
	{"the 31st: not every month has one",
	 "UTC",
	 {.run_day = 31},
	 "2026-01-31T00:00:00Z",
	 {"2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z", "2026-07-31T00:00:00Z",
	  "2026-08-31T00:00:00Z"}},
	{"the last day",
	 "UTC",
	 {.run_day = -1},
	 "2027-12-31T00:00:00Z",
	 {"2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z",
	  "2028-04-30T00:00:00Z"}},
	{"last day of February",
	 "UTC",
	 {.run_day = -1, .months = MONTH(2)},
	 "2026-03-01T00:00:00Z",
	 {"2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z"}},
	{"29 days from the end",
	 "UTC",
	 {.run_day = -29, .months = MONTH(2)},
	 "2026-01-01T00:00:00Z",
	 {"2028-02-01T00:00:00Z", "2032-02-01T00:00:00Z"}},
	{"31 days from the end",
	 "UTC",
	 {.run_day = -31},
	 "2026-01-02T00:00:00Z",
	 {"2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z"}},
	{"leap days",
	 "UTC",
	 {.run_day = 29, .months = MONTH(2)},
	 "2094-01-01T00:00:00Z",
	 {"2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"}},
	{"2000 is a leap year",
	 "UTC",
	 {.run_day = 29, .months = MONTH(2)},
	 "1996-03-01T00:00:00Z",
	 {"2000-02-29T00:00:00Z"}},
	{"a leap day that is a Sunday",
	 "UTC",
	 {.run_day = 29, .months = MONTH(2), .weekdays = 1},
	 "2026-01-01T00:00:00Z",
	 {"2032-02-29T00:00:00Z", "2060-02-29T00:00:00Z", "2088-02-29T00:00:00Z",
	  "2128-02-29T00:00:00Z"}},
	{"Friday the 13th",
	 "UTC",
	 {.run_day = 13, .weekdays = 1 << 5},
	 "2026-01-01T00:00:00Z",
	 {"2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z", "2026-11-13T00:00:00Z"}},
	/* RunDay and RunDayOfWeek: the examples of CIM_Job are the first three */
	{"Saturday on or after the 15th",
	 "UTC",
	 {.run_day = 15, .run_day_of_week = 7},
	 "2026-08-01T00:00:00Z",
	 {"2026-08-15T00:00:00Z", "2026-09-19T00:00:00Z"}},
	{"Saturday on or before the 20th",
	 "UTC",
	 {.run_day = 20, .run_day_of_week = -7},
	 "2026-06-01T00:00:00Z",
	 {"2026-06-20T00:00:00Z", "2026-07-18T00:00:00Z"}},
	{"last Sunday",
	 "UTC",
	 {.run_day = -1, .run_day_of_week = -1},
	 "2026-10-26T00:00:00Z",
	 {"2026-11-29T00:00:00Z", "2026-12-27T00:00:00Z", "2027-01-31T00:00:00Z",
	  "2027-02-28T00:00:00Z"}},
	{"second Tuesday",
	 "UTC",
	 {.run_day = 8, .run_day_of_week = 3},
	 "2026-11-01T00:00:00Z",
	 {"2026-11-10T00:00:00Z", "2026-12-08T00:00:00Z", "2027-01-12T00:00:00Z"}},
	{"on or after, in the next month",
	 "UTC",
	 {.run_day = 31, .run_day_of_week = 7, .months = MONTH(1)},
	 "2026-01-31T00:00:00Z",
	 {"2027-02-06T00:00:00Z", "2028-02-05T00:00:00Z", "2029-02-03T00:00:00Z"}},
	{"on or after, in the next year",
	 "UTC",
	 {.run_day = -1, .run_day_of_week = 2, .months = MONTH(12)},
	 "2026-02-01T00:00:00Z",
	 {"2027-01-04T00:00:00Z", "2028-01-03T00:00:00Z"}},
	{"on or before, in the month before",
	 "UTC",
	 {.run_day = 1, .run_day_of_week = -6, .months = MONTH(3)},
	 "2026-01-01T00:00:00Z",
	 {"2026-02-27T00:00:00Z", "2027-02-26T00:00:00Z", "2028-02-25T00:00:00Z",
	  "2029-02-23T00:00:00Z"}},
	{"on or before, in the year before",
	 "UTC",
	 {.run_day = 1, .run_day_of_week = -5, .months = MONTH(1)},
	 "2026-01-02T00:00:00Z",
	 {"2026-12-31T00:00:00Z", "2027-12-30T00:00:00Z"}},
	{"a RunDay that is not there has no days near it",
	 "UTC",
	 {.run_day = 30, .run_day_of_week = 2, .months = MONTH(2) | MONTH(4)},
	 "2026-01-01T00:00:00Z",
	 {"2026-05-04T00:00:00Z", "2027-05-03T00:00:00Z"}},
	/* more than once a day */
	{"every 20 minutes",
	 "UTC",
	 {.every_us = 20 * MINUTE, .start_us = AT(22, 50)},
	 "2026-11-28T22:50:00Z",
	 {"2026-11-28T23:10:00Z", "2026-11-28T23:30:00Z", "2026-11-28T23:50:00Z",
	  "2026-11-29T22:50:00Z"}},
	{"every seven hours",
	 "UTC",
	 {.every_us = 7 * HOUR, .weekdays = 1 << 6},
	 "2026-11-28T13:00:00Z",
	 {"2026-11-28T14:00:00Z", "2026-11-28T21:00:00Z", "2026-12-05T00:00:00Z"}},
	{"every 24 hours",
	 "UTC",
	 {.every_us = 24 * HOUR, .start_us = AT(1, 0)},
	 "2026-11-28T01:00:00Z",
	 {"2026-11-29T01:00:00Z", "2026-11-30T01:00:00Z"}},
	/* a skipped time is due when the clock has jumped */
	{"Berlin, spring",
	 BERLIN,
	 {.start_us = AT(2, 30)},
	 "2026-03-28T12:00:00+01:00",
	 {"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
	{"Berlin, spring, first skipped",
	 BERLIN,
	 {.start_us = AT(2, 0)},
	 "2026-03-28T12:00:00+01:00",
	 {"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
	{"Berlin, spring, not skipped",
	 BERLIN,
	 {.start_us = AT(3, 0)},
	 "2026-03-28T12:00:00+01:00",
	 {"2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"}},
	{"Berlin, spring, several skipped make one",
	 BERLIN,
	 {.start_us = AT(1, 45), .every_us = 15 * MINUTE},
	 "2026-03-29T00:00:00+01:00",
	 {"2026-03-29T01:45:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:15:00+02:00"}},
	{"New York, spring",
	 NEW_YORK,
	 {.start_us = AT(2, 15)},
	 "2026-03-07T12:00:00-05:00",
	 {"2026-03-08T03:00:00-04:00", "2026-03-09T02:15:00-04:00"}},
	{"Havana skips midnight",
	 HAVANA,
	 {0},
	 "2026-03-07T12:00:00-05:00",
	 {"2026-03-08T01:00:00-04:00", "2026-03-09T00:00:00-04:00"}},
	{"Lord Howe skips half an hour",
	 LORD_HOWE,
	 {.start_us = AT(2, 15)},
	 "2026-10-03T12:00:00+10:30",
	 {"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
	{"Lord Howe, not skipped",
	 LORD_HOWE,
	 {.start_us = AT(2, 30)},
	 "2026-10-03T12:00:00+10:30",
	 {"2026-10-04T02:30:00+11:00", "2026-10-05T02:30:00+11:00"}},
	{"Apia skips a day",
	 APIA,
	 {.start_us = AT(2, 0)},
	 "2011-12-28T12:00:00-10:00",
	 {"2011-12-29T02:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T02:00:00+14:00",
	  "2012-01-01T02:00:00+14:00"}},
	{"Apia skips a day's midnight",
	 APIA,
	 {0},
	 "2011-12-28T12:00:00-10:00",
	 {"2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"}},
	{"Apia, the Friday that was not",
	 APIA,
	 {.run_day_of_week = 6, .start_us = AT(5, 0)},
	 "2011-12-24T00:00:00-10:00",
	 {"2011-12-31T00:00:00+14:00", "2012-01-06T05:00:00+14:00"}},
	{"Casablanca, after Ramadan",
	 CASABLANCA,
	 {.start_us = AT(2, 30)},
	 "2026-03-21T12:00:00Z",
	 {"2026-03-22T03:00:00+01:00", "2026-03-23T02:30:00+01:00"}},
	/* a doubled time is due the first time */
	{"Berlin, autumn",
	 BERLIN,
	 {.start_us = AT(2, 30)},
	 "2026-10-24T12:00:00+02:00",
	 {"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
	{"Berlin, autumn, the first is over",
	 BERLIN,
	 {.start_us = AT(2, 30)},
	 "2026-10-25T02:45:00+02:00",
	 {"2026-10-26T02:30:00+01:00"}},
	{"Berlin, autumn, asked in the second",
	 BERLIN,
	 {.start_us = AT(2, 30)},
	 "2026-10-25T02:15:00+01:00",
	 {"2026-10-26T02:30:00+01:00"}},
	{"Berlin, autumn, begin of the doubled",
	 BERLIN,
	 {.start_us = AT(2, 0)},
	 "2026-10-25T01:00:00+02:00",
	 {"2026-10-25T02:00:00+02:00", "2026-10-26T02:00:00+01:00"}},
	{"Berlin, autumn, end of the doubled",
	 BERLIN,
	 {.start_us = AT(3, 0)},
	 "2026-10-25T01:00:00+02:00",
	 {"2026-10-25T03:00:00+01:00", "2026-10-26T03:00:00+01:00"}},
	{"Berlin, autumn, none twice",
	 BERLIN,
	 {.start_us = AT(1, 30), .every_us = 30 * MINUTE},
	 "2026-10-25T01:00:00+02:00",
	 {"2026-10-25T01:30:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00",
	  "2026-10-25T03:00:00+01:00"}},
	{"New York, autumn",
	 NEW_YORK,
	 {.start_us = AT(1, 30)},
	 "2026-10-31T12:00:00-04:00",
	 {"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
	{"Havana has midnight twice",
	 HAVANA,
	 {0},
	 "2026-10-31T12:00:00-04:00",
	 {"2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"}},
	{"Lord Howe doubles half an hour",
	 LORD_HOWE,
	 {.start_us = AT(1, 45)},
	 "2026-04-04T12:00:00+11:00",
	 {"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
	{"Casablanca, before Ramadan",
	 CASABLANCA,
	 {.start_us = AT(2, 30)},
	 "2026-02-14T12:00:00+01:00",
	 {"2026-02-15T02:30:00+01:00", "2026-02-16T02:30:00Z"}},
	{"Casey goes back by three hours and a day",
	 CASEY,
	 {.start_us = AT(0, 30)},
	 "2010-03-04T12:00:00+11:00",
	 {"2010-03-05T00:30:00+11:00", "2010-03-06T00:30:00+08:00"}},
	{"Casey, two hours after that",
	 CASEY,
	 {.start_us = AT(0, 30)},
	 "2010-03-05T00:15:00+08:00",
	 {"2010-03-06T00:30:00+08:00"}},
	/* UTC has none of it */
	{"UTC, spring",
	 BERLIN,
	 {.start_us = AT(1, 30), .utc = TRUE},
	 "2026-03-28T12:00:00Z",
	 {"2026-03-29T01:30:00Z", "2026-03-30T01:30:00Z"}},
	{"UTC, autumn",
	 BERLIN,
	 {.start_us = AT(0, 30), .utc = TRUE},
	 "2026-10-24T12:00:00Z",
	 {"2026-10-25T00:30:00Z", "2026-10-26T00:30:00Z"}},
	{"UTC, another day there",
	 NEW_YORK,
	 {.run_day = 1, .utc = TRUE},
	 "2026-01-31T22:00:00-05:00",
	 {"2026-03-01T00:00:00Z"}},
};

static void
check_case(guint i, GTimeZone *zone)
{
	const struct calendar *calendar = &cases[i].calendar;
	gint64 at = time_of(cases[i].after);
	g_autoptr(GError) error = NULL;
	calendar_check(calendar, &error);
	g_assert_no_error(error);
	for (guint n = 0; n < EXPECTED_MAX && cases[i].expected[n]; n++) {
		gint64 wanted = time_of(cases[i].expected[n]);
		gint64 due = calendar_next(calendar, zone, at);
		g_autofree char *got = cairn_time_iso(due);
		if (due != wanted)
			g_error("%s: after %s: %s instead of %s", cases[i].rule, cases[i].after,
				got, cases[i].expected[n]);
		g_assert_cmpint(calendar_next(calendar, zone, due - 1), ==, due);
		g_assert_cmpint(calendar_last(calendar, zone, due), ==, due);
		g_assert_cmpint(calendar_last(calendar, zone, due - 1), <=, at);
		g_assert_cmpint(calendar_last(calendar, zone, due + 1), ==, due);
		at = due;
	}
}

static void
test_cases(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GTimeZone) zone = zone_of(cases[i].zone);
		if (!zone)
			return;
		check_case(i, zone);
	}
}

static void
test_ends(void)
{
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	const struct calendar daily = {0}, never = {.run_day = 30, .months = MONTH(2)};
	g_assert_cmpint(calendar_next(&daily, utc, G_MAXINT64), ==, 0);
	g_assert_cmpint(calendar_next(&daily, utc, CALENDAR_TIME_MAX + 1), ==, 0);
	g_assert_cmpint(calendar_next(&daily, utc, CALENDAR_TIME_MAX), >, CALENDAR_TIME_MAX);
	g_assert_cmpint(calendar_next(&daily, utc, G_MININT64), ==, CALENDAR_DAY_US);
	g_assert_cmpint(calendar_last(&daily, utc, G_MININT64), ==, 0);
	g_assert_cmpint(calendar_last(&daily, utc, G_MAXINT64), >, 0);
	g_assert_cmpint(calendar_next(&never, utc, time_of("2026-01-01T00:00:00Z")), ==, 0);
	g_assert_cmpint(calendar_last(&never, utc, time_of("2026-01-01T00:00:00Z")), ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/calendar/cases", test_cases);
	g_test_add_func("/calendar/ends", test_ends);
	return g_test_run();
}
