/* Schedules: which event is legal in which state, what may be set, JSON and text. The rules of time
 * are in test_schedule_rules.c. */
#include "schedule_steps.h"
#include "struct_words.h"

#include "base/error.h"
#include "base/json.h"
#include "core/schedule_cim.h"

/* ---- every pair ---- */

#define N JOB_NEW
#define R JOB_RUNNING
#define S JOB_SUSPENDED
#define D JOB_SHUTTING_DOWN
#define C JOB_COMPLETED
#define T JOB_TERMINATED
#define X JOB_EXCEPTION

/* What an event makes of a state at 01:00; 0: it is refused. The run of the last row ended well. */
static const enum job_state pairs[SCHEDULE_EVENT_LAST][7] = {
	/*                           new run susp down compl term exc */
	[SCHEDULE_TICK] = {N, R, S, 0, 0, 0, 0},
	[SCHEDULE_CLOCK_SET] = {N, R, S, 0, 0, 0, 0},
	[SCHEDULE_RUN_STARTED] = {0, R, 0, D, 0, 0, 0},
	[SCHEDULE_RUN_NOT_STARTED] = {0, N, 0, T, 0, 0, 0},
	[SCHEDULE_RUN_ENDED] = {0, N, 0, T, 0, 0, 0},
	[SCHEDULE_RUN_NOW] = {R, 0, R, 0, 0, 0, 0},
	[SCHEDULE_SUSPEND] = {S, R, 0, 0, 0, 0, 0},
	[SCHEDULE_RESUME] = {0, 0, N, 0, 0, 0, N},
	[SCHEDULE_TERMINATE] = {T, D, T, 0, 0, 0, T},
	[SCHEDULE_CHANGED] = {N, R, S, 0, N, 0, X},
};

static void
check_pair(enum schedule_event_type type, guint column)
{
	static const enum job_state states[] = {N, R, S, D, C, T, X};
	enum job_state wanted = pairs[type][column];
	cairn_auto(schedule) schedule = daily();
	g_autoptr(GError) error = NULL;
	schedule->state = states[column];
	g_autoptr(json_t) before = schedule_to_json(schedule);
	g_assert_true(schedule_control_check(schedule, type, &error) == (wanted != 0));
	struct schedule_effects effects =
		STEP(schedule, AT(0, 1, 0), type, .job = NULL, .outcome = JOB_COMPLETED);
	if (wanted) {
		g_assert_cmpint(schedule->state, ==, wanted);
		g_assert_true(effects.start == (type == SCHEDULE_RUN_NOW));
		return;
	}
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE);
	g_assert_nonnull(strstr(error->message, "nightly"));
	g_autoptr(json_t) after = schedule_to_json(schedule);
	g_assert_true(json_equal(before, after));
	g_assert_false(effects.start || effects.store || effects.stop_run);
}

static void
test_pairs(void)
{
	for (guint type = 0; type < SCHEDULE_EVENT_LAST; type++)
		for (guint column = 0; column < G_N_ELEMENTS(pairs[0]); column++)
			check_pair((enum schedule_event_type)type, column);
	/* what a flag decides */
	cairn_auto(schedule) schedule = daily();
	STEP(schedule, AT(0, 2, 0), SCHEDULE_TICK);
	STEP(schedule, AT(0, 2, 1), SCHEDULE_SUSPEND);
	g_assert_false(schedule_control_check(schedule, SCHEDULE_SUSPEND, NULL));
	g_assert_true(schedule_control_check(schedule, SCHEDULE_RESUME, NULL));
	STEP(schedule, AT(0, 2, 2), SCHEDULE_RESUME);
	g_assert_true(schedule_control_check(schedule, SCHEDULE_SUSPEND, NULL));
	g_assert_false(schedule_control_check(schedule, SCHEDULE_RESUME, NULL));
	/* a state that no schedule has */
	schedule->state = JOB_COMPLETED_WARNINGS;
	g_assert_false(schedule_control_check(schedule, SCHEDULE_TICK, NULL));
}

static void
test_zone(void)
{
	g_autoptr(GTimeZone) east = g_time_zone_new_offset(3600);
	struct schedule_effects effects;
	cairn_auto(schedule) schedule = daily();
	schedule_step(schedule, &(struct schedule_event){.type = SCHEDULE_CLOCK_SET}, AT(0, 0, 30),
		      east, &effects);
	g_assert_cmpint(schedule->next, ==, AT(0, 1, 0));
	g_assert_true(effects.store);
}

/* ---- what may be set ---- */

static void
test_names(void)
{
	static const char *const good[] = {"n", "nightly-2.x_y", "0"};
	static const char *const bad[] = {
		"", ".n", "-n", "a b", "a/b", "\xc3\xa4", "AA000000-0000-0000-0000-000000000001"};
	for (guint i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(schedule_name_check(good[i], NULL));
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(schedule_name_check(bad[i], NULL));
	g_assert_false(schedule_name_check(NULL, NULL));
	g_autofree char *longest = g_strnfill(SCHEDULE_NAME_MAX, 'x'),
			*longer = g_strnfill(SCHEDULE_NAME_MAX + 1, 'x');
	g_assert_true(schedule_name_check(longest, NULL));
	g_assert_false(schedule_name_check(longer, NULL));
}

static void
check_refused(struct schedule *schedule, const char *why)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(schedule_check(schedule, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, why));
}

static void
test_check(void)
{
	cairn_auto(schedule) schedule = daily();
	g_assert_true(schedule_check(schedule, NULL));
	schedule->run_times = SCHEDULE_RUNS_MAX + 1ull;
	check_refused(schedule, "runs");
	schedule->run_times = SCHEDULE_RUNS_MAX;
	schedule->start_once = TRUE;
	check_refused(schedule, "time to start");
	schedule->start = schedule->until = AT(1, 0, 0);
	g_assert_true(schedule_check(schedule, NULL));
	schedule->until--;
	check_refused(schedule, "before it starts");
	schedule->until = CALENDAR_TIME_MAX + 1;
	check_refused(schedule, "the end of");
	schedule->until = 0;
	schedule->start = -1;
	check_refused(schedule, "the start of");
	schedule->start = 0;
	schedule->start_once = FALSE;
	schedule->calendar.run_day = 32;
	check_refused(schedule, "run-day");
}

static void
test_times(void)
{
	static const struct {
		const char *text;
		gint64 time; /* -1: INVALID, -2: LIMIT */
	} cases[] = {
		{"20261128020000.000000+000", AT(0, 2, 0)},
		{"20261128020000.000001+060", AT(0, 1, 0) + 1},
		{"00000001020000.000000:000", AT(1, 3, 0)},
		{"00000000000000.000000:000", AT(0, 1, 0)},
		{"00000000000000.000000+000", AT(0, 1, 0)},
		{"99999999999999.999999:000", 0},
		{"99999999999999.999999+000", 0},
		{"99999999999999.999999+999", 0},
		{"20261128******.******+000", AT(0, 0, 0)},
		{"99990000000000.000000:000", -2},
		{"99999999235959.999999:000", -2},
		{"02920000000000.000000:000", -2}, /* not by itself, but from now on */
		{"19691231235959.999999+000", -2},
		{"19700101000000.000000+000", -2},
		{"99999999999999.999999*000", -1},
		{"20260230000000.000000+000", -1},
		{"20261128020000.000000", -1},
		{"", -1},
		{"tomorrow", -1},
	};
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		gint64 time = -3;
		g_autoptr(GError) error = NULL;
		gboolean ok = schedule_time_parse(cases[i].text, AT(0, 1, 0), &time, &error);
		if (ok != (cases[i].time >= 0) || (ok && time != cases[i].time))
			g_error("%s: %" G_GINT64_FORMAT " %s", cases[i].text, time,
				error ? error->message : "");
		int code = cases[i].time == -2 ? CAIRN_ERROR_LIMIT : CAIRN_ERROR_INVALID;
		if (!ok)
			g_assert_error(error, CAIRN_ERROR, code);
	}
}

/* ---- JSON and text ---- */

static struct schedule *
full_schedule(void)
{
	struct schedule *schedule = schedule_new("schedule-1");
	schedule->name = g_strdup("nightly");
	schedule->group = g_strdup("group-1");
	schedule->group_name = g_strdup("web");
	schedule->directory = g_strdup("/exports");
	schedule->owner = g_strdup("root");
	schedule->created = 101;
	schedule->calendar = (struct calendar){1, -2, 3, 4, 105, CALENDAR_EVERY_MIN, TRUE};
	schedule->run_times = 106;
	schedule->start = 107;
	schedule->start_once = TRUE;
	schedule->until = 108;
	schedule->consistency = CONSISTENCY_APPLICATION;
	schedule->full = TRUE;
	schedule->format = g_strdup("qcow2");
	schedule->compress = g_strdup("zstd");
	schedule->digest = g_strdup("xxh3");
	schedule->rate_limit = 109;
	schedule->priority = 110;
	schedule->keep_us = 111;
	schedule->delete_on_completion = TRUE;
	schedule->notify = g_strdup("journal:ops");
	schedule->recovery = (struct recovery){RECOVERY_RETRY, g_strdup("other"), 3, 112};
	schedule->retention = (struct retention){1, 2, 3, 4};
	schedule->state = JOB_RUNNING;
	schedule->suspend = TRUE;
	schedule->state_changed = 113;
	schedule->runs = 114;
	schedule->next = 115;
	schedule->last_due = 116;
	schedule->job = g_strdup("job-1");
	schedule->job_number = 117;
	schedule->last_state = JOB_COMPLETED_WARNINGS;
	schedule->last_ended = 118;
	schedule->late_us = 119;
	schedule->missed = 120;
	schedule->error = g_strdup("no such group");
	return schedule;
}

static void
test_json(void)
{
	cairn_auto(schedule) schedule = full_schedule();
	cairn_auto(schedule) back = schedule_copy(schedule);
	g_autoptr(json_t) first = schedule_to_json(schedule), second = schedule_to_json(back);
	g_assert_true(json_equal(first, second));
	STRUCT_WORDS_CHECK(schedule, schedule, back, offsetof(struct schedule, version), G_MAXSIZE);
}

static void
test_damage(void)
{
	cairn_auto(schedule) schedule = full_schedule();
	g_autoptr(json_t) json = schedule_to_json(schedule);
	const char *key;
	json_t *value;
	void *next;
	json_object_foreach_safe(json, next, key, value)
	{
		g_autoptr(json_t) old = json_incref(value);
		g_autoptr(GError) error = NULL;
		json_object_set_new(json, key, json_real(0.5));
		if (schedule_from_json(json, &error))
			g_error("\"%s\" of the wrong type was accepted", key);
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
		json_object_set(json, key, old);
	}
	static const char *const unknown[] = {"state", "last-state"};
	for (guint i = 0; i < G_N_ELEMENTS(unknown); i++) {
		g_autoptr(json_t) bad = json_copy(json);
		json_object_set_new(bad, unknown[i], json_integer(99));
		g_assert_null(schedule_from_json(bad, NULL));
	}
	g_autoptr(json_t) running = json_copy(json);
	json_object_set_new(running, "last-state", json_integer(JOB_RUNNING));
	g_assert_null(schedule_from_json(running, NULL));
}

static const char *
text_of(const json_t *view, const char *key)
{
	return json_string_value(json_object_get(view, key));
}

static void
test_view(void)
{
	cairn_auto(schedule) schedule = daily();
	g_autoptr(json_t) view = schedule_view(schedule, AT(0, 1, 0), utc);
	const json_t *upcoming = json_object_get(view, "upcoming");
	g_assert_cmpstr(text_of(view, "calendar-text"), ==, "every day at 02:00");
	g_assert_cmpstr(text_of(view, "state-name"), ==, "new");
	g_assert_cmpstr(text_of(view, "status"), ==, "waits for 2026-11-28T02:00:00.000000Z");
	g_assert_cmpstr(text_of(view, "next"), ==, "2026-11-28T02:00:00.000000Z");
	g_assert_cmpstr(text_of(view, "recovery-name"), ==, "continue");
	g_assert_cmpstr(text_of(view, "consistency"), ==, "best");
	g_assert_true(json_is_null(json_object_get(view, "until")));
	g_assert_cmpuint(json_array_size(upcoming), ==, SCHEDULE_UPCOMING);
	g_assert_cmpstr(json_string_value(json_array_get(upcoming, 4)), ==,
			"2026-12-02T02:00:00.000000Z");
	/* all that is stored is shown */
	g_autoptr(json_t) stored = schedule_to_json(schedule);
	const char *key;
	json_t *value;
	json_object_foreach (stored, key, value)
		g_assert_nonnull(json_object_get(view, key));
}

static json_int_t
runs_shown(const struct schedule *schedule)
{
	g_autoptr(json_t) shown = schedule_cim_properties(schedule);
	g_assert_true(json_is_null(json_object_get(shown, "RunDay")));
	return json_integer_value(json_object_get(shown, "JobRunTimes"));
}

/* 0 is "no limit" to a client, and what has no calendar runs once. */
static void
test_run_times(void)
{
	cairn_auto(schedule) schedule = daily();
	g_assert_cmpint(runs_shown(schedule), ==, 0);
	schedule->start_once = TRUE;
	schedule->start = AT(0, 12, 0);
	g_assert_cmpint(runs_shown(schedule), ==, 1);
	schedule->run_times = 3;
	g_assert_cmpint(runs_shown(schedule), ==, 3);
}

static void
test_upcoming(void)
{
	gint64 times[SCHEDULE_UPCOMING];
	cairn_auto(schedule) schedule = daily();
	schedule->run_times = 3;
	g_assert_cmpuint(schedule_upcoming(schedule, AT(0, 1, 0), utc, times, 5), ==, 3);
	g_assert_cmpint(times[2], ==, AT(2, 2, 0));
	/* one is pending: it takes a run */
	g_assert_cmpuint(schedule_upcoming(schedule, AT(0, 3, 0), utc, times, 5), ==, 2);
	g_assert_cmpint(times[0], ==, AT(1, 2, 0));
	schedule->until = AT(1, 12, 0);
	g_assert_cmpuint(schedule_upcoming(schedule, AT(0, 1, 0), utc, times, 5), ==, 2);
	g_assert_cmpuint(schedule_upcoming(schedule, AT(0, 1, 0), utc, times, 1), ==, 1);
	schedule->start_once = TRUE;
	schedule->start = AT(0, 12, 0);
	g_assert_cmpuint(schedule_upcoming(schedule, AT(0, 1, 0), utc, times, 5), ==, 1);
	g_autoptr(json_t) view = schedule_view(schedule, AT(0, 1, 0), utc);
	g_assert_cmpstr(text_of(view, "calendar-text"), ==, "once");
	schedule->suspend = TRUE;
	g_assert_cmpuint(schedule_upcoming(schedule, AT(0, 1, 0), utc, times, 5), ==, 0);
	schedule->suspend = FALSE;
	schedule->state = JOB_SUSPENDED;
	g_assert_cmpuint(schedule_upcoming(schedule, AT(0, 1, 0), utc, times, 5), ==, 0);
}

static void
check_status(const struct schedule *schedule, const char *wanted)
{
	g_autofree char *text = schedule_status_text(schedule);
	g_assert_cmpstr(text, ==, wanted);
}

static void
test_status(void)
{
	cairn_auto(schedule) schedule = daily();
	STEP(schedule, AT(3, 5, 0), SCHEDULE_TICK);
	check_status(schedule, "run 1 is under way, 3 h late, makes up for 3 earlier runs");
	STEP(schedule, AT(3, 5, 0), SCHEDULE_RUN_STARTED, .job = "J", .number = 17);
	STEP(schedule, AT(3, 5, 0), SCHEDULE_SUSPEND);
	check_status(schedule, "run 1 is under way as job 17, 3 h late, makes up for 3 earlier "
			       "runs, suspended after it");
	STEP(schedule, AT(3, 5, 0), SCHEDULE_TERMINATE);
	check_status(schedule, "terminated, its last run still ends");
	STEP(schedule, AT(3, 5, 0), SCHEDULE_RUN_ENDED, .job = "J", .outcome = JOB_TERMINATED);
	check_status(schedule, "terminated");
	schedule->state = JOB_EXCEPTION;
	check_status(schedule, "stopped, as run 1 has failed");
	/* units of lateness */
	static const struct {
		gint64 late;
		const char *note;
	} notes[] = {{90 * SECOND, "1 min 30 s late"},
		     {2 * DAY + 3 * HOUR + MINUTE, "2 d 3 h late"},
		     {DAY + MINUTE, "1 d late"}};
	schedule->missed = 0;
	for (guint i = 0; i < G_N_ELEMENTS(notes); i++) {
		schedule->late_us = notes[i].late;
		g_autofree char *note = schedule_note(schedule);
		g_assert_cmpstr(note, ==, notes[i].note);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	utc = g_time_zone_new_utc();
	g_test_add_func("/schedule/pairs", test_pairs);
	g_test_add_func("/schedule/zone", test_zone);
	g_test_add_func("/schedule/names", test_names);
	g_test_add_func("/schedule/check", test_check);
	g_test_add_func("/schedule/times", test_times);
	g_test_add_func("/schedule/json", test_json);
	g_test_add_func("/schedule/damage", test_damage);
	g_test_add_func("/schedule/view", test_view);
	g_test_add_func("/schedule/run-times", test_run_times);
	g_test_add_func("/schedule/upcoming", test_upcoming);
	g_test_add_func("/schedule/status", test_status);
	int rc = g_test_run();
	g_time_zone_unref(utc);
	return rc;
}
