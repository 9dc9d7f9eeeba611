/* How a schedule moves: time and people in, runs out.
 *
 *   made --> NEW --due, run--> RUNNING --ended--> NEW, SUSPENDED, COMPLETED or EXCEPTION
 *            | ^                  |
 *    suspend | | resume           | terminate
 *            v |                  v
 *        SUSPENDED          SHUTTING_DOWN --ended--> TERMINATED
 *
 * `next` is the one due time that is waited for. When it has passed it is pending: it is run as
 * soon as nothing is in the way (the daemon was down, the clock jumped, the run before is under
 * way), and that one run makes up for all due times up to now. The newest of them is the run's own,
 * `last_due`; how late it is counts from there.
 *
 * - Nothing begins after `until`, not even late; a run that is under way then may end.
 * - While suspended, and in EXCEPTION, due times pass; to resume gives up what was pending.
 * - An edit keeps what is pending, unless it is before the new `start`.
 * - A run asked for by hand counts as a run and leaves `next` as it is.
 * - What is not pending is looked up again at each event, so that a clock or a time zone that was
 * set needs no memory. A clock set back does not run `last_due` again. But if the clock was ahead
 * by mistake, so that two due times or more lie between now and `last_due`, then `last_due` says
 *   nothing and is not heeded: else there would be no runs until the clock is there again.
 * - COMPLETED is final for the clock: put back before `until` it wakes nothing up. An edit does.
 */
#include "core/schedule.h"

#include "base/error.h"

#include <string.h>

/* ---- when ---- */

static gboolean
is_exhausted(const struct schedule *schedule)
{
	return schedule->run_times != 0 && schedule->runs >= schedule->run_times;
}

static gboolean
is_pending(const struct schedule *schedule, gint64 now)
{
	return schedule->next != 0 && schedule->next <= now;
}

static gint64
before_until(const struct schedule *schedule, gint64 due)
{
	return schedule->until != 0 && due > schedule->until ? 0 : due;
}

/* The next time to wait for after @now; 0: none. */
static gint64
first_due(const struct schedule *schedule, GTimeZone *local, gint64 now)
{
	if (is_exhausted(schedule))
		return 0;
	if (schedule->start_once)
		return schedule->start > now && schedule->last_due < schedule->start
			       ? before_until(schedule, schedule->start)
			       : 0;
	gint64 from = MAX(now, schedule->start - 1);
	gint64 due = calendar_next(&schedule->calendar, local, from);
	if (due != 0 && schedule->last_due >= due) {
		gint64 second = calendar_next(&schedule->calendar, local, due);
		if (schedule->last_due < second)
			due = second;
	}
	return before_until(schedule, due);
}

/* The newest due time that is over; there is one, as `next` is. */
static gint64
newest_due(const struct schedule *schedule, GTimeZone *local, gint64 now)
{
	gint64 end = schedule->until ? MIN(now, schedule->until) : now;
	if (schedule->start_once)
		return schedule->next;
	return MAX(schedule->next, calendar_last(&schedule->calendar, local, end));
}

/* Due times from `next` on, before @due. */
static guint64
count_missed(const struct schedule *schedule, GTimeZone *local, gint64 due)
{
	guint64 count = 0;
	for (gint64 at = schedule->next; at != 0 && at < due && count < SCHEDULE_MISSED_MAX;
	     count++)
		at = calendar_next(&schedule->calendar, local, at);
	return count;
}

guint
schedule_upcoming(const struct schedule *schedule, gint64 now, GTimeZone *local, gint64 *ret,
		  guint max)
{
	struct schedule then = *schedule; /* as it will be; its texts are borrowed */
	guint count = 0;
	if ((then.state != JOB_NEW && then.state != JOB_RUNNING) || then.suspend)
		return 0;
	then.runs += is_pending(&then, now);
	while (count < max && (now = first_due(&then, local, now)) != 0) {
		ret[count++] = then.last_due = now;
		then.runs++;
	}
	return count;
}

gint64
schedule_wake(const struct schedule *schedule)
{
	gboolean waits = schedule->state == JOB_NEW || schedule->state == JOB_SUSPENDED;
	return waits ? schedule->next : 0;
}

/* ---- moves ---- */

static void
enter(struct schedule *schedule, enum job_state state, gint64 now)
{
	if (schedule->state != state)
		schedule->state_changed = now;
	schedule->state = state;
}

static void
begin(struct schedule *schedule, gint64 now, struct schedule_effects *ret)
{
	schedule->runs++;
	schedule->job_number = 0;
	g_clear_pointer(&schedule->job, g_free);
	g_clear_pointer(&schedule->error, g_free);
	enter(schedule, JOB_RUNNING, now);
	ret->start = TRUE;
}

/* A little after `until` is on time for what was due then. */
static void
begin_due(struct schedule *schedule, gint64 now, GTimeZone *local, struct schedule_effects *ret)
{
	gint64 due = newest_due(schedule, local, now), late = now - due;
	gboolean on_time = late < SCHEDULE_LATE_MIN;
	if (schedule->until == 0 || now <= schedule->until || on_time) {
		schedule->late_us = on_time ? 0 : late;
		schedule->missed = count_missed(schedule, local, due);
		schedule->last_due = due;
		begin(schedule, now, ret);
	}
	schedule->next = first_due(schedule, local, now);
}

/* In state NEW: begins what is due. */
static void
settle(struct schedule *schedule, gint64 now, GTimeZone *local, struct schedule_effects *ret)
{
	if (!is_pending(schedule, now))
		schedule->next = first_due(schedule, local, now);
	if (schedule->next != 0 && schedule->next <= now)
		begin_due(schedule, now, local, ret);
	if (schedule->state == JOB_NEW && schedule->next == 0)
		enter(schedule, JOB_COMPLETED, now);
}

/* To @state, NEW or SUSPENDED; what was pending is given up. */
static void
wait_in(struct schedule *schedule, enum job_state state, gint64 now, GTimeZone *local)
{
	schedule->suspend = FALSE;
	schedule->next = first_due(schedule, local, now);
	enter(schedule, schedule->next ? state : JOB_COMPLETED, now);
}

static void
end_run(struct schedule *schedule, enum job_state outcome, gint64 now, GTimeZone *local,
	struct schedule_effects *ret)
{
	g_assert(job_state_final(outcome));
	schedule->last_state = outcome;
	schedule->last_ended = now;
	if (schedule->state == JOB_SHUTTING_DOWN) {
		enter(schedule, JOB_TERMINATED, now);
	} else if (outcome == JOB_EXCEPTION && schedule->recovery.action == RECOVERY_STOP) {
		schedule->suspend = FALSE;
		schedule->next = 0;
		enter(schedule, JOB_EXCEPTION, now);
	} else if (schedule->suspend) {
		wait_in(schedule, JOB_SUSPENDED, now, local);
	} else {
		enter(schedule, JOB_NEW, now);
		settle(schedule, now, local, ret);
	}
}

/* ---- events ---- */

static void
on_time(struct schedule *schedule, const struct schedule_event *event, gint64 now, GTimeZone *local,
	struct schedule_effects *ret)
{
	if (schedule->state == JOB_NEW)
		settle(schedule, now, local, ret);
	else if (schedule->state == JOB_SUSPENDED)
		wait_in(schedule, JOB_SUSPENDED, now, local);
	else if (schedule->suspend || !is_pending(schedule, now))
		schedule->next = first_due(schedule, local, now);
}

static void
on_run_started(struct schedule *schedule, const struct schedule_event *event, gint64 now,
	       GTimeZone *local, struct schedule_effects *ret)
{
	g_free(schedule->job);
	schedule->job = g_strdup(event->job);
	schedule->job_number = event->number;
}

static void
on_run_not_started(struct schedule *schedule, const struct schedule_event *event, gint64 now,
		   GTimeZone *local, struct schedule_effects *ret)
{
	g_free(schedule->error);
	schedule->error = g_strdup(event->error);
	end_run(schedule, JOB_EXCEPTION, now, local, ret);
}

/* The end of another job is no news: of an earlier attempt, or told twice. */
static void
on_run_ended(struct schedule *schedule, const struct schedule_event *event, gint64 now,
	     GTimeZone *local, struct schedule_effects *ret)
{
	if (event->job == NULL || g_strcmp0(event->job, schedule->job) == 0)
		end_run(schedule, event->outcome, now, local, ret);
}

static void
on_run_now(struct schedule *schedule, const struct schedule_event *event, gint64 now,
	   GTimeZone *local, struct schedule_effects *ret)
{
	schedule->suspend = schedule->state == JOB_SUSPENDED;
	schedule->late_us = 0;
	schedule->missed = 0;
	ret->by_hand = TRUE;
	begin(schedule, now, ret);
	if (schedule->suspend || is_exhausted(schedule) || !is_pending(schedule, now))
		schedule->next = first_due(schedule, local, now);
}

static void
on_suspend(struct schedule *schedule, const struct schedule_event *event, gint64 now,
	   GTimeZone *local, struct schedule_effects *ret)
{
	if (schedule->state == JOB_NEW) {
		wait_in(schedule, JOB_SUSPENDED, now, local);
		return;
	}
	schedule->suspend = TRUE;
	schedule->next = first_due(schedule, local, now);
}

static void
on_resume(struct schedule *schedule, const struct schedule_event *event, gint64 now,
	  GTimeZone *local, struct schedule_effects *ret)
{
	if (schedule->state != JOB_RUNNING) {
		wait_in(schedule, JOB_NEW, now, local);
		return;
	}
	schedule->suspend = FALSE;
	schedule->next = first_due(schedule, local, now);
}

static void
on_terminate(struct schedule *schedule, const struct schedule_event *event, gint64 now,
	     GTimeZone *local, struct schedule_effects *ret)
{
	ret->stop_run = schedule->state == JOB_RUNNING;
	/* No run begins any more that would have these from it. */
	if (event->forget != FORGET_AS_SET)
		schedule->delete_on_completion = event->forget == FORGET_AT_ONCE;
	if (event->forget == FORGET_AT_ONCE)
		schedule->keep_us = 0;
	schedule->suspend = FALSE;
	schedule->next = 0;
	enter(schedule, ret->stop_run ? JOB_SHUTTING_DOWN : JOB_TERMINATED, now);
}

/* One that is to run once may have been given a time that is over when it is made: it runs late. */
static gint64
first_due_edited(const struct schedule *schedule, GTimeZone *local, gint64 now)
{
	gboolean active = schedule->state == JOB_NEW || schedule->state == JOB_RUNNING;
	if (is_exhausted(schedule))
		return 0;
	if (schedule->start_once && schedule->last_due < schedule->start &&
	    (active || schedule->start >= now))
		return before_until(schedule, schedule->start);
	if (!schedule->start_once && active && is_pending(schedule, now) &&
	    schedule->next >= schedule->start)
		return before_until(schedule, schedule->next);
	return first_due(schedule, local, now);
}

static void
on_changed(struct schedule *schedule, const struct schedule_event *event, gint64 now,
	   GTimeZone *local, struct schedule_effects *ret)
{
	if (schedule->state == JOB_EXCEPTION)
		return;
	schedule->next = schedule->suspend ? first_due(schedule, local, now)
					   : first_due_edited(schedule, local, now);
	if (schedule->state == JOB_COMPLETED && schedule->next != 0)
		enter(schedule, JOB_NEW, now);
	if (schedule->state == JOB_SUSPENDED && schedule->next == 0)
		enter(schedule, JOB_COMPLETED, now);
	if (schedule->state == JOB_NEW)
		settle(schedule, now, local, ret);
}

/* ---- which event is legal when ---- */

#define IN(state) (1u << (state))
#define ALIVE	  (IN(JOB_NEW) | IN(JOB_RUNNING) | IN(JOB_SUSPENDED))
#define HAS_A_RUN (IN(JOB_RUNNING) | IN(JOB_SHUTTING_DOWN))
#define IN_ONE(s) ((guint)(s)->state < 32 ? IN((s)->state) : 0)

static const struct {
	const char *name;
	guint states;
	void (*handle)(struct schedule *schedule, const struct schedule_event *event, gint64 now,
		       GTimeZone *local, struct schedule_effects *ret);
} rows[SCHEDULE_EVENT_LAST] = {
	[SCHEDULE_TICK] = {"tick", ALIVE, on_time},
	[SCHEDULE_CLOCK_SET] = {"clock-set", ALIVE, on_time},
	[SCHEDULE_RUN_STARTED] = {"run-started", HAS_A_RUN, on_run_started},
	[SCHEDULE_RUN_NOT_STARTED] = {"run-not-started", HAS_A_RUN, on_run_not_started},
	[SCHEDULE_RUN_ENDED] = {"run-ended", HAS_A_RUN, on_run_ended},
	[SCHEDULE_RUN_NOW] = {"run", IN(JOB_NEW) | IN(JOB_SUSPENDED), on_run_now},
	[SCHEDULE_SUSPEND] = {"suspend", IN(JOB_NEW) | IN(JOB_RUNNING), on_suspend},
	[SCHEDULE_RESUME] = {"resume", IN(JOB_RUNNING) | IN(JOB_SUSPENDED) | IN(JOB_EXCEPTION),
			     on_resume},
	[SCHEDULE_TERMINATE] = {"terminate", ALIVE | IN(JOB_EXCEPTION), on_terminate},
	[SCHEDULE_CHANGED] = {"change", ALIVE | IN(JOB_COMPLETED) | IN(JOB_EXCEPTION), on_changed},
};

const char *
schedule_event_name(enum schedule_event_type type)
{
	return rows[type].name;
}

static gboolean
refuse(GError **error, const struct schedule *schedule, enum schedule_event_type type,
       const char *why)
{
	return cairn_fail(error, CAIRN_ERROR_STATE, "schedule \"%s\" cannot %s: %s",
			  schedule->name ? schedule->name : schedule->id, rows[type].name, why);
}

gboolean
schedule_control_check(const struct schedule *schedule, enum schedule_event_type type,
		       GError **error)
{
	if (!(rows[type].states & IN_ONE(schedule))) {
		g_autofree char *why = g_strdup_printf("it is %s", job_state_name(schedule->state));
		return refuse(error, schedule, type, why);
	}
	if (type == SCHEDULE_SUSPEND && schedule->suspend)
		return refuse(error, schedule, type, "it is suspended after this run already");
	if (type == SCHEDULE_RESUME && schedule->state == JOB_RUNNING && !schedule->suspend)
		return refuse(error, schedule, type, "it is not suspended");
	return TRUE;
}

/* Time alone is worth a write only if it changed something. */
void
schedule_step(struct schedule *schedule, const struct schedule_event *event, gint64 now,
	      GTimeZone *local, struct schedule_effects *ret)
{
	struct schedule before;
	*ret = (struct schedule_effects){0};
	if (!schedule_control_check(schedule, event->type, NULL))
		return;
	memcpy(&before, schedule, sizeof(before));
	rows[event->type].handle(schedule, event, now, local, ret);
	ret->store = (event->type != SCHEDULE_TICK && event->type != SCHEDULE_CLOCK_SET) ||
		     memcmp(&before, schedule, sizeof(before)) != 0;
}
