/* Schedules: each rule of time by hand; see tests/sim/test_schedule.c for long random histories. */
#include "schedule_steps.h"

#include "base/error.h"

static void
check_waits(const struct schedule *schedule, gint64 next)
{
	g_assert_cmpint(schedule->state, ==, JOB_NEW);
	g_assert_cmpint(schedule->next, ==, next);
	g_assert_cmpint(schedule_wake(schedule), ==, next);
}

/* A tick that begins a run, and the job it gets. */
static void
check_begins(struct schedule *schedule, gint64 now, gint64 due, gint64 late, guint64 missed)
{
	guint64 runs = schedule->runs;
	struct schedule_effects effects = STEP(schedule, now, SCHEDULE_TICK);
	g_assert_true(effects.start && effects.store && !effects.by_hand);
	g_assert_cmpint(schedule->state, ==, JOB_RUNNING);
	g_assert_cmpint(schedule->last_due, ==, due);
	g_assert_cmpint(schedule->late_us, ==, late);
	g_assert_cmpuint(schedule->missed, ==, missed);
	g_assert_cmpuint(schedule->runs, ==, runs + 1);
	g_assert_null(schedule->job);
	STEP(schedule, now, SCHEDULE_RUN_STARTED, .job = "J", .number = 7);
	g_assert_cmpstr(schedule->job, ==, "J");
	g_assert_cmpuint(schedule->job_number, ==, 7);
	g_assert_cmpint(schedule_wake(schedule), ==, 0);
}

static struct schedule_effects
end(struct schedule *schedule, gint64 now, enum job_state outcome)
{
	return STEP(schedule, now, SCHEDULE_RUN_ENDED, .job = schedule->job, .outcome = outcome);
}

/* ---- due ---- */

static void
test_days(void)
{
	cairn_auto(schedule) schedule = daily();
	struct schedule_effects effects = STEP(schedule, AT(0, 1, 59), SCHEDULE_TICK);
	g_assert_false(effects.start || effects.store);
	for (gint64 day = 0; day < 3; day++) {
		check_waits(schedule, AT(day, 2, 0));
		check_begins(schedule, AT(day, 2, 0) + SECOND, AT(day, 2, 0), 0, 0);
		effects = STEP(schedule, AT(day, 2, 10), SCHEDULE_TICK);
		g_assert_false(effects.start || effects.store);
		effects = end(schedule, AT(day, 2, 20), JOB_COMPLETED);
		g_assert_true(effects.store && !effects.start);
		g_assert_cmpint(schedule->last_state, ==, JOB_COMPLETED);
		g_assert_cmpint(schedule->last_ended, ==, AT(day, 2, 20));
	}
	g_assert_cmpuint(schedule->runs, ==, 3);
}

static void
test_down(void)
{
	cairn_auto(schedule) schedule = daily();
	/* down for one due time */
	check_begins(schedule, AT(0, 10, 3), AT(0, 2, 0), 8 * HOUR + 3 * MINUTE, 0);
	g_autofree char *note = schedule_note(schedule);
	g_assert_cmpstr(note, ==, "8 h 3 min late");
	end(schedule, AT(0, 11, 0), JOB_COMPLETED);
	check_waits(schedule, AT(1, 2, 0));
	/* down for four; a day is one run */
	check_begins(schedule, AT(4, 2, 30), AT(4, 2, 0), 30 * MINUTE, 3);
	g_autofree char *more = schedule_note(schedule);
	g_assert_cmpstr(more, ==, "30 min late, makes up for 3 earlier runs");
	end(schedule, AT(4, 3, 0), JOB_COMPLETED);
	check_waits(schedule, AT(5, 2, 0));
	/* in time for the last of two */
	check_begins(schedule, AT(6, 2, 0), AT(6, 2, 0), 0, 1);
	g_autofree char *one = schedule_note(schedule);
	g_assert_cmpstr(one, ==, "makes up for 1 earlier run");
}

static void
test_long_down(void)
{
	cairn_auto(schedule) schedule = daily();
	schedule->calendar.every_us = MINUTE;
	STEP(schedule, AT(0, 0, 0), SCHEDULE_CHANGED);
	check_begins(schedule, AT(3650, 2, 30), AT(3650, 2, 30), 0, SCHEDULE_MISSED_MAX);
	g_autofree char *note = schedule_note(schedule);
	g_assert_cmpstr(note, ==, "makes up for at least 10000 earlier runs");
}

static void
test_overrun(void)
{
	cairn_auto(schedule) schedule = daily();
	schedule->calendar.every_us = HOUR;
	STEP(schedule, AT(0, 0, 0), SCHEDULE_CHANGED);
	check_begins(schedule, AT(0, 2, 0), AT(0, 2, 0), 0, 0);
	/* 03:00, 04:00 and 05:00 pass; one run makes up for them */
	g_assert_false(STEP(schedule, AT(0, 3, 0), SCHEDULE_TICK).start);
	g_assert_false(STEP(schedule, AT(0, 4, 30), SCHEDULE_TICK).start);
	g_assert_cmpint(schedule->next, ==, AT(0, 3, 0));
	struct schedule_effects effects = end(schedule, AT(0, 5, 10), JOB_COMPLETED);
	g_assert_true(effects.start && effects.store);
	g_assert_cmpint(schedule->state, ==, JOB_RUNNING);
	g_assert_cmpint(schedule->last_due, ==, AT(0, 5, 0));
	g_assert_cmpint(schedule->late_us, ==, 10 * MINUTE);
	g_assert_cmpuint(schedule->missed, ==, 2);
	g_assert_cmpint(schedule->next, ==, AT(0, 6, 0));
}

/* ---- limits ---- */

static void
test_run_times(void)
{
	cairn_auto(schedule) schedule = daily();
	schedule->run_times = 2;
	STEP(schedule, AT(0, 0, 0), SCHEDULE_CHANGED);
	check_begins(schedule, AT(0, 2, 0), AT(0, 2, 0), 0, 0);
	end(schedule, AT(0, 3, 0), JOB_EXCEPTION); /* a run that failed was a run */
	check_waits(schedule, AT(1, 2, 0));
	check_begins(schedule, AT(1, 2, 0), AT(1, 2, 0), 0, 0);
	g_assert_cmpint(schedule->next, ==, 0);
	end(schedule, AT(3, 3, 0), JOB_COMPLETED);
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
	/* another run is allowed */
	schedule->run_times = 3;
	g_assert_false(STEP(schedule, AT(3, 4, 0), SCHEDULE_CHANGED).start);
	check_waits(schedule, AT(4, 2, 0));
}

static void
test_until(void)
{
	cairn_auto(schedule) schedule = daily();
	schedule->until = AT(1, 2, 0); /* inclusive */
	STEP(schedule, AT(0, 0, 0), SCHEDULE_CHANGED);
	check_begins(schedule, AT(0, 2, 0), AT(0, 2, 0), 0, 0);
	end(schedule, AT(0, 3, 0), JOB_COMPLETED);
	check_begins(schedule, AT(1, 2, 0) + SECOND, AT(1, 2, 0), 0, 0);
	end(schedule, AT(1, 3, 0), JOB_COMPLETED);
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
}

static void
test_until_late(void)
{
	/* Due before the end, but it could only begin after it; what is due then is not on time. */
	cairn_auto(schedule) schedule = daily();
	schedule->calendar.every_us = MINUTE;
	schedule->until = AT(1, 12, 0) + 30 * SECOND;
	STEP(schedule, AT(0, 0, 0), SCHEDULE_CHANGED);
	struct schedule_effects effects = STEP(schedule, AT(1, 12, 1) + 10 * SECOND, SCHEDULE_TICK);
	g_assert_true(effects.store && !effects.start);
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
	/* late, but before it */
	cairn_auto(schedule) other = daily();
	other->until = AT(1, 12, 0);
	STEP(other, AT(0, 0, 0), SCHEDULE_CHANGED);
	check_begins(other, AT(1, 11, 0), AT(1, 2, 0), 9 * HOUR, 1);
	end(other, AT(1, 13, 0), JOB_COMPLETED);
	g_assert_cmpint(other->state, ==, JOB_COMPLETED);
}

static void
test_start(void)
{
	cairn_auto(schedule) schedule = daily();
	schedule->start = AT(3, 2, 0); /* inclusive */
	STEP(schedule, AT(0, 0, 0), SCHEDULE_CHANGED);
	check_waits(schedule, AT(3, 2, 0));
	schedule->start++;
	STEP(schedule, AT(0, 0, 0), SCHEDULE_CHANGED);
	check_waits(schedule, AT(4, 2, 0));
}

static void
test_once(void)
{
	cairn_auto(schedule) schedule = schedule_new("S");
	schedule->start_once = TRUE;
	schedule->start = AT(0, 5, 0);
	STEP(schedule, AT(0, 0, 0), SCHEDULE_CHANGED);
	check_waits(schedule, AT(0, 5, 0));
	check_begins(schedule, AT(0, 6, 0), AT(0, 5, 0), HOUR, 0);
	end(schedule, AT(0, 7, 0), JOB_COMPLETED);
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
	STEP(schedule, AT(0, 8, 0), SCHEDULE_CHANGED); /* not again */
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
	schedule->start = AT(0, 9, 0);
	STEP(schedule, AT(0, 8, 0), SCHEDULE_CHANGED);
	check_waits(schedule, AT(0, 9, 0));
	/* passed while it was suspended: not even after an edit */
	STEP(schedule, AT(0, 8, 0), SCHEDULE_SUSPEND);
	STEP(schedule, AT(0, 10, 0), SCHEDULE_TICK);
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
	STEP(schedule, AT(0, 11, 0), SCHEDULE_CHANGED);
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
	schedule->start = AT(0, 12, 0); /* now */
	g_assert_true(STEP(schedule, AT(0, 12, 0), SCHEDULE_CHANGED).start);
}

static void
test_once_at_once(void)
{
	cairn_auto(schedule) schedule = schedule_new("S");
	schedule->start_once = TRUE;
	schedule->start = AT(0, 5, 0);
	struct schedule_effects effects = STEP(schedule, AT(0, 5, 30), SCHEDULE_CHANGED);
	g_assert_true(effects.start);
	g_assert_cmpint(schedule->late_us, ==, 30 * MINUTE);
	STEP(schedule, AT(0, 5, 30), SCHEDULE_RUN_STARTED, .job = "J");
	STEP(schedule, AT(0, 5, 40), SCHEDULE_CHANGED);
	end(schedule, AT(0, 6, 0), JOB_COMPLETED);
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
}

/* ---- clocks ---- */

static void
test_clock_back(void)
{
	cairn_auto(schedule) schedule = daily();
	check_begins(schedule, AT(0, 2, 0), AT(0, 2, 0), 0, 0);
	end(schedule, AT(0, 2, 30), JOB_COMPLETED);
	/* before a time that was run: not again */
	STEP(schedule, AT(0, 1, 30), SCHEDULE_CLOCK_SET);
	check_waits(schedule, AT(1, 2, 0));
	g_assert_false(STEP(schedule, AT(0, 2, 0), SCHEDULE_TICK).start);
	check_begins(schedule, AT(1, 2, 0), AT(1, 2, 0), 0, 0);
	end(schedule, AT(1, 2, 30), JOB_COMPLETED);
	/* before one that was waited for */
	STEP(schedule, AT(1, 1, 0), SCHEDULE_CLOCK_SET);
	check_waits(schedule, AT(2, 2, 0));
}

static void
test_clock_ahead(void)
{
	cairn_auto(schedule) schedule = daily();
	/* ten years ahead by mistake */
	check_begins(schedule, AT(3650, 2, 10), AT(3650, 2, 0), 10 * MINUTE, 3650);
	end(schedule, AT(3650, 2, 20), JOB_COMPLETED);
	/* and right again */
	g_assert_true(STEP(schedule, AT(0, 3, 0), SCHEDULE_CLOCK_SET).store);
	check_waits(schedule, AT(1, 2, 0));
	check_begins(schedule, AT(1, 2, 0), AT(1, 2, 0), 0, 0);
	end(schedule, AT(1, 2, 20), JOB_COMPLETED);
	check_waits(schedule, AT(2, 2, 0));
	/* without being told, at a tick of another time */
	check_begins(schedule, AT(30, 2, 0), AT(30, 2, 0), 0, 28);
	end(schedule, AT(2, 1, 0), JOB_COMPLETED);
	check_waits(schedule, AT(2, 2, 0));
}

/* ---- people ---- */

static void
test_suspend(void)
{
	cairn_auto(schedule) schedule = daily();
	STEP(schedule, AT(0, 1, 0), SCHEDULE_SUSPEND);
	g_assert_cmpint(schedule_wake(schedule), ==, AT(0, 2, 0));
	g_assert_false(STEP(schedule, AT(0, 2, 0), SCHEDULE_TICK).start);
	g_assert_cmpint(schedule->state, ==, JOB_SUSPENDED);
	g_assert_cmpint(schedule->state_changed, ==, AT(0, 1, 0));
	g_assert_false(STEP(schedule, AT(2, 3, 0), SCHEDULE_RESUME).start);
	check_waits(schedule, AT(3, 2, 0));
	/* so is what is pending */
	STEP(schedule, AT(3, 3, 0), SCHEDULE_SUSPEND);
	g_assert_false(STEP(schedule, AT(3, 3, 1), SCHEDULE_RESUME).start);
	check_waits(schedule, AT(4, 2, 0));
	/* an end that has come completes it as well */
	STEP(schedule, AT(3, 3, 1), SCHEDULE_SUSPEND);
	schedule->until = AT(3, 3, 0);
	STEP(schedule, AT(3, 3, 2), SCHEDULE_CHANGED);
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
}

static void
test_suspend_running(void)
{
	cairn_auto(schedule) schedule = daily();
	check_begins(schedule, AT(0, 2, 0), AT(0, 2, 0), 0, 0);
	STEP(schedule, AT(0, 2, 10), SCHEDULE_SUSPEND);
	g_assert_cmpint(schedule->state, ==, JOB_RUNNING);
	g_assert_false(end(schedule, AT(1, 3, 0), JOB_COMPLETED).start);
	g_assert_cmpint(schedule->state, ==, JOB_SUSPENDED);
	g_assert_false(schedule->suspend);
	STEP(schedule, AT(1, 4, 0), SCHEDULE_RESUME);
	check_waits(schedule, AT(2, 2, 0));
	/* resumed before the end: what passed in between is not made up for */
	check_begins(schedule, AT(2, 2, 0), AT(2, 2, 0), 0, 0);
	STEP(schedule, AT(2, 2, 10), SCHEDULE_SUSPEND);
	STEP(schedule, AT(3, 2, 10), SCHEDULE_RESUME);
	g_assert_false(end(schedule, AT(3, 3, 0), JOB_COMPLETED).start);
	check_waits(schedule, AT(4, 2, 0));
}

static void
test_run_now(void)
{
	cairn_auto(schedule) schedule = daily();
	schedule->run_times = 2;
	struct schedule_effects effects = STEP(schedule, AT(0, 1, 0), SCHEDULE_RUN_NOW);
	g_assert_true(effects.start && effects.by_hand);
	g_assert_cmpuint(schedule->runs, ==, 1);
	g_assert_cmpint(schedule->last_due, ==, 0);
	g_assert_cmpint(schedule->next, ==, AT(0, 2, 0));
	STEP(schedule, AT(0, 1, 0), SCHEDULE_RUN_STARTED, .job = "J");
	/* over the time that is due */
	effects = end(schedule, AT(0, 2, 10), JOB_COMPLETED);
	g_assert_true(effects.start && !effects.by_hand);
	g_assert_cmpint(schedule->last_due, ==, AT(0, 2, 0));
	end(schedule, AT(0, 2, 20), JOB_COMPLETED);
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
	/* of a suspended one */
	cairn_auto(schedule) other = daily();
	STEP(other, AT(0, 1, 0), SCHEDULE_SUSPEND);
	g_assert_true(STEP(other, AT(0, 1, 30), SCHEDULE_RUN_NOW).start);
	g_assert_false(end(other, AT(0, 2, 10), JOB_COMPLETED).start);
	g_assert_cmpint(other->state, ==, JOB_SUSPENDED);
	/* the last run is taken by hand although one is pending */
	cairn_auto(schedule) last = daily();
	last->run_times = 1;
	g_assert_true(STEP(last, AT(0, 3, 0), SCHEDULE_RUN_NOW).start);
	g_assert_false(end(last, AT(0, 4, 0), JOB_COMPLETED).start);
	g_assert_cmpint(last->state, ==, JOB_COMPLETED);
}

static void
test_terminate(void)
{
	cairn_auto(schedule) schedule = daily();
	check_begins(schedule, AT(0, 2, 0), AT(0, 2, 0), 0, 0);
	struct schedule_effects effects = STEP(schedule, AT(0, 2, 10), SCHEDULE_TERMINATE);
	g_assert_true(effects.stop_run && effects.store);
	g_assert_cmpint(schedule->state, ==, JOB_SHUTTING_DOWN);
	g_assert_false(end(schedule, AT(1, 3, 0), JOB_TERMINATED).start);
	g_assert_cmpint(schedule->state, ==, JOB_TERMINATED);
	g_assert_cmpint(schedule->next, ==, 0);
	cairn_auto(schedule) other = daily();
	g_assert_false(STEP(other, AT(0, 1, 0), SCHEDULE_TERMINATE).stop_run);
	g_assert_cmpint(other->state, ==, JOB_TERMINATED);
}

/* KillJob(DeleteOnKill) of a schedule. */
static void
test_forget(void)
{
	for (guint forget = FORGET_AS_SET; forget <= FORGET_NEVER; forget++) {
		cairn_auto(schedule) schedule = daily();
		gint64 keep = schedule->keep_us;
		schedule->delete_on_completion = forget == FORGET_NEVER;
		STEP(schedule, AT(0, 1, 0), SCHEDULE_TERMINATE, .forget = (enum job_forget)forget);
		g_assert_cmpint(schedule->state, ==, JOB_TERMINATED);
		g_assert_cmpint(schedule->keep_us, ==, forget == FORGET_AT_ONCE ? 0 : keep);
		g_assert_cmpint(schedule->delete_on_completion, ==, forget == FORGET_AT_ONCE);
	}
}

static void
test_edit(void)
{
	cairn_auto(schedule) schedule = daily();
	schedule->calendar.start_us = 4 * HOUR;
	STEP(schedule, AT(0, 1, 0), SCHEDULE_CHANGED);
	check_waits(schedule, AT(0, 4, 0));
	/* pending: kept, whatever was edited */
	check_begins(schedule, AT(0, 4, 0), AT(0, 4, 0), 0, 0);
	STEP(schedule, AT(1, 4, 10), SCHEDULE_TICK);
	schedule->calendar.start_us = 20 * HOUR;
	STEP(schedule, AT(1, 5, 0), SCHEDULE_CHANGED);
	g_assert_cmpint(schedule->next, ==, AT(1, 4, 0));
	/* but not when it is before the new start */
	schedule->start = AT(1, 12, 0);
	STEP(schedule, AT(1, 5, 0), SCHEDULE_CHANGED);
	g_assert_cmpint(schedule->next, ==, AT(1, 20, 0));
	/* an end that is over */
	schedule->until = AT(1, 13, 0);
	STEP(schedule, AT(1, 14, 0), SCHEDULE_CHANGED);
	g_assert_cmpint(schedule->state, ==, JOB_RUNNING);
	end(schedule, AT(1, 15, 0), JOB_COMPLETED);
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
}

/* ---- failures ---- */

static void
test_stop(void)
{
	cairn_auto(schedule) schedule = daily();
	schedule->recovery.action = RECOVERY_STOP;
	check_begins(schedule, AT(0, 2, 0), AT(0, 2, 0), 0, 0);
	STEP(schedule, AT(0, 2, 5), SCHEDULE_SUSPEND);
	g_assert_false(end(schedule, AT(1, 2, 10), JOB_EXCEPTION).start);
	g_assert_true(schedule->state == JOB_EXCEPTION && !schedule->suspend);
	g_assert_cmpint(schedule_wake(schedule), ==, 0);
	g_assert_false(STEP(schedule, AT(2, 2, 10), SCHEDULE_TICK).start);
	STEP(schedule, AT(2, 3, 0), SCHEDULE_CHANGED);
	g_assert_cmpint(schedule->state, ==, JOB_EXCEPTION);
	g_assert_false(STEP(schedule, AT(2, 4, 0), SCHEDULE_RESUME).start);
	check_waits(schedule, AT(3, 2, 0));
	/* a person who ends a run does not fail it; nor does a warning */
	static const enum job_state good[] = {JOB_TERMINATED, JOB_KILLED, JOB_COMPLETED_WARNINGS};
	for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
		check_begins(schedule, AT(3 + i, 2, 0), AT(3 + i, 2, 0), 0, 0);
		end(schedule, AT(3 + i, 3, 0), good[i]);
		check_waits(schedule, AT(4 + i, 2, 0));
	}
}

static void
test_not_started(void)
{
	cairn_auto(schedule) schedule = daily();
	g_assert_true(STEP(schedule, AT(0, 2, 0), SCHEDULE_TICK).start);
	struct schedule_effects effects =
		STEP(schedule, AT(0, 2, 0), SCHEDULE_RUN_NOT_STARTED, .error = "no such group");
	g_assert_true(effects.store && !effects.start);
	g_assert_cmpstr(schedule->error, ==, "no such group");
	g_assert_cmpint(schedule->last_state, ==, JOB_EXCEPTION);
	check_waits(schedule, AT(1, 2, 0));
	g_assert_cmpuint(schedule->runs, ==, 1);
	schedule->recovery.action = RECOVERY_STOP;
	STEP(schedule, AT(1, 2, 0), SCHEDULE_TICK);
	g_assert_null(schedule->error);
	STEP(schedule, AT(1, 2, 0), SCHEDULE_RUN_NOT_STARTED, .error = "no such group");
	g_autofree char *text = schedule_status_text(schedule);
	g_assert_cmpstr(text, ==, "stopped, as run 2 has failed: no such group");
}

static void
test_retries(void)
{
	cairn_auto(schedule) schedule = daily();
	check_begins(schedule, AT(0, 2, 0), AT(0, 2, 0), 0, 0);
	STEP(schedule, AT(0, 3, 0), SCHEDULE_RUN_STARTED, .job = "J2", .number = 9);
	g_assert_cmpuint(schedule->runs, ==, 1);
	/* the end of the first attempt comes late */
	STEP(schedule, AT(0, 3, 1), SCHEDULE_RUN_ENDED, .job = "J", .outcome = JOB_EXCEPTION);
	g_assert_cmpint(schedule->state, ==, JOB_RUNNING);
	STEP(schedule, AT(0, 4, 0), SCHEDULE_RUN_ENDED, .job = "J2", .outcome = JOB_COMPLETED);
	check_waits(schedule, AT(1, 2, 0));
	g_assert_cmpint(schedule->last_state, ==, JOB_COMPLETED);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	utc = g_time_zone_new_utc();
	g_test_add_func("/schedule-rules/days", test_days);
	g_test_add_func("/schedule-rules/down", test_down);
	g_test_add_func("/schedule-rules/long-down", test_long_down);
	g_test_add_func("/schedule-rules/overrun", test_overrun);
	g_test_add_func("/schedule-rules/run-times", test_run_times);
	g_test_add_func("/schedule-rules/until", test_until);
	g_test_add_func("/schedule-rules/until-late", test_until_late);
	g_test_add_func("/schedule-rules/start", test_start);
	g_test_add_func("/schedule-rules/once", test_once);
	g_test_add_func("/schedule-rules/once-at-once", test_once_at_once);
	g_test_add_func("/schedule-rules/clock-back", test_clock_back);
	g_test_add_func("/schedule-rules/clock-ahead", test_clock_ahead);
	g_test_add_func("/schedule-rules/suspend", test_suspend);
	g_test_add_func("/schedule-rules/suspend-running", test_suspend_running);
	g_test_add_func("/schedule-rules/run-now", test_run_now);
	g_test_add_func("/schedule-rules/terminate", test_terminate);
	g_test_add_func("/schedule-rules/forget", test_forget);
	g_test_add_func("/schedule-rules/edit", test_edit);
	g_test_add_func("/schedule-rules/stop", test_stop);
	g_test_add_func("/schedule-rules/not-started", test_not_started);
	g_test_add_func("/schedule-rules/retries", test_retries);
	int rc = g_test_run();
	g_time_zone_unref(utc);
	return rc;
}
