/* Schedules that are stepped by hand: times of a week in November 2026, and one that runs daily. */
#pragma once

#include "core/schedule.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    CALENDAR_DAY_US

/* A Saturday, 00:00. */
#define EPOCH (1795824000 * SECOND) /* 2026-11-28T00:00:00Z */
/* Day @d (0: that Saturday) at @h:@m. */
#define AT(d, h, m) (EPOCH + (d)*DAY + (h)*HOUR + (m)*MINUTE)

static GTimeZone *utc; /* the test makes it */

static inline struct schedule_effects
step(struct schedule *schedule, gint64 now, struct schedule_event event)
{
	struct schedule_effects effects;
	schedule_step(schedule, &event, now, utc, &effects);
	return effects;
}

#define STEP(schedule, now, ...) step(schedule, now, (struct schedule_event){.type = __VA_ARGS__})

/* Every day at 02:00, made at 00:00 of day 0. */
static inline struct schedule *
daily(void)
{
	struct schedule *schedule = schedule_new("S");
	schedule->name = g_strdup("nightly");
	schedule->calendar.start_us = 2 * HOUR;
	STEP(schedule, AT(0, 0, 0), SCHEDULE_CHANGED);
	g_assert_cmpint(schedule->state, ==, JOB_NEW);
	g_assert_cmpint(schedule->next, ==, AT(0, 2, 0));
	return schedule;
}
