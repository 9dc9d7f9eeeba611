/* When a schedule is due: the run properties of CIM_Job (RunMonth, RunDay, RunDayOfWeek,
 * RunStartInterval, LocalOrUtcTime) and what people need beyond them. Pure: the time and the time
 * zone are given. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

#define CALENDAR_EVERY_MIN (60ll * G_USEC_PER_SEC)
#define CALENDAR_DAY_US	   (86400ll * G_USEC_PER_SEC)
/* Looked ahead or back: 29 February comes after 8 years at the latest, on a given day of the week
 * after 40. */
#define CALENDAR_YEARS_MAX 40
#define CALENDAR_TIME_MAX  (253402300799ll * G_USEC_PER_SEC) /* the end of the year 9999 */

/* A day matches when its month, its day and its day of the week do; on each matching day the times
 * start_us, start_us + every_us, ... before midnight are due. A local time that the clock skips is
 * due when the clock has jumped; one that comes twice is due the first time. All zero: every day at
 * midnight, local time. */
struct calendar {
	guint months; /* bit 0: January (RunMonth 0); 0: every month */
	gint run_day; /* RunDay -31..31: 1 the first, -1 the last day of the month; 0: any */
	gint run_day_of_week; /* RunDayOfWeek -7..7, 1 Sunday: with run_day the first such day on or
			       * after it (positive) or the last on or before it (negative); that
			       * day may lie in the month beside. Without run_day: each such day. 0:
			       * any */
	guint weekdays;	      /* bit 0: Sunday; further condition, not in CIM_Job; 0: any */
	gint64 start_us;      /* RunStartInterval: since midnight, below CALENDAR_DAY_US */
	gint64 every_us;      /* 0: once a day; not in CIM_Job */
	gboolean utc;	      /* LocalOrUtcTime 2 */
};

/* INVALID names the member and its limits, or says that no day can ever match (30 February). */
gboolean calendar_check(const struct calendar *calendar, GError **error);
/* The first due time after @after (exclusive), microseconds since 1970; 0: none. @local is the zone
 * of local time. */
gint64 calendar_next(const struct calendar *calendar, GTimeZone *local, gint64 after);
/* The newest due time at or before @until; 0: none within CALENDAR_YEARS_MAX. */
gint64 calendar_last(const struct calendar *calendar, GTimeZone *local, gint64 until);
/* "mon-fri at 02:00", "the last Friday on or before day 15 of March at 04:30 UTC": for people; free
 * with g_free(). */
char *calendar_text(const struct calendar *calendar);
json_t *calendar_to_json(const struct calendar *calendar);
/* @json NULL: all zero. INVALID. */
gboolean calendar_from_json(const json_t *json, struct calendar *ret, GError **error);
