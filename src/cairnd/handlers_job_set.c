/* job-set: the writable properties of a job (CIM_Job's Write qualifiers). Those of its calendar
 * make it the first run of a schedule, or change the schedule whose run it is. */
#include "cairnd/handlers.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/timefmt.h"
#include "cairnd/engine_schedules.h"

/* "start" alone only delays a job that waits. */
static gboolean
says_when(const struct control_call *call)
{
	return arg_calendar_given(call) || arg_given(call, "utc") || arg_given(call, "until") ||
	       arg_given(call, "times");
}

/* ---- the job alone ---- */

/* ScheduledStartTime of a job that has not begun. */
static gboolean
change_due(const struct control_call *call, struct job *changed, GError **error)
{
	if (!arg_given(call, "start"))
		return TRUE;
	return arg_time(call, "start", &changed->due, error);
}

static gboolean
change_job(struct daemon *daemon, const struct control_call *call, struct job *changed,
	   GError **error)
{
	guint64 keep = (guint64)(changed->keep_us / G_USEC_PER_SEC);
	if (!arg_limited(call, "priority", PRIORITY_MAX, error) ||
	    !arg_limited(call, "rate", RATE_MAX, error) ||
	    !arg_limited(call, "keep", KEEP_MAX, error) ||
	    !arg_notify(daemon, call, &changed->notify, error))
		return FALSE;
	changed->priority = arg_uint(call, "priority", changed->priority);
	changed->rate_limit = arg_uint(call, "rate", changed->rate_limit);
	if (arg_given(call, "keep"))
		changed->keep_us = (gint64)arg_uint(call, "keep", keep) * G_USEC_PER_SEC;
	if (arg_given(call, "delete-on-completion"))
		changed->delete_on_completion = arg_bool(call, "delete-on-completion");
	return says_when(call) || changed->phase != PHASE_WAIT || change_due(call, changed, error);
}

/* ---- a job that becomes a schedule ---- */

/* Clients of CIM name the disks, also when they mean all. */
static gboolean
has_all_disks(const struct daemon *daemon, const struct job *job)
{
	const struct point *point = engine_point_by_id(daemon->engine, job->point);
	guint disks = 0;
	for (guint i = 0; point && i < point->members->len; i++)
		disks += ((const struct point_member *)point->members->pdata[i])->disks->len;
	return !*job->wanted || (point && job->disks->len == disks);
}

static gboolean
can_repeat(const struct daemon *daemon, const struct job *job, GError **error)
{
	if (job->kind != JOB_EXPORT)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "job %llu is no export: only exports can be repeated",
				  (unsigned long long)job->number);
	if (!has_all_disks(daemon, job))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "job %llu exports some of the disks only: a schedule exports all",
				  (unsigned long long)job->number);
	return TRUE;
}

static struct schedule *
schedule_like(const struct daemon *daemon, const struct job *job)
{
	g_autofree char *id = cairn_guid_new();
	const struct point *point = engine_point_by_id(daemon->engine, job->point);
	struct schedule *schedule = schedule_new(id);
	schedule->group = g_strdup(job->group);
	schedule->directory = g_strdup(job->directory);
	schedule->owner = g_strdup(job->owner);
	schedule->consistency = point ? point->requested : CONSISTENCY_BEST;
	schedule->format = g_strdup(job->format);
	schedule->compress = g_strdup(job->compress);
	schedule->digest = g_strdup(job->digest);
	schedule->rate_limit = job->rate_limit;
	schedule->priority = job->priority;
	schedule->keep_us = job->keep_us;
	schedule->delete_on_completion = job->delete_on_completion;
	schedule->notify = g_strdup(job->notify);
	schedule->retention = job->retention;
	if (job->recovery.action > RECOVERY_STOP) {
		recovery_clear(&schedule->recovery);
		recovery_copy(&schedule->recovery, &job->recovery);
	}
	return schedule;
}

/* The job is the first of its runs: JobRunTimes counts it. */
static void
count_run(struct schedule *schedule, const struct job *job)
{
	gboolean over = job->phase == PHASE_ENDED;
	schedule->runs = 1;
	schedule->job = g_strdup(job->id);
	schedule->job_number = job->number;
	schedule->state = over ? JOB_NEW : JOB_RUNNING;
	schedule->last_state = over ? job->state : 0;
	schedule->last_ended = job->ended;
}

/* The first time that is due; 0: none. */
static gint64
first_due(const struct schedule *schedule)
{
	g_autoptr(GTimeZone) local = g_time_zone_new_local();
	if (schedule->start_once)
		return schedule->start;
	return calendar_next(&schedule->calendar, local,
			     MAX(g_get_real_time(), schedule->start - 1));
}

/* A job that waits does so until then: it is the run of that time. */
static gboolean
delay(struct schedule *schedule, struct job *changed, GError **error)
{
	gint64 due = first_due(schedule);
	if (due == 0 || (schedule->until && due > schedule->until))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "job %llu would never run: it ends before it is due",
				  (unsigned long long)changed->number);
	schedule->last_due = changed->due = due;
	return TRUE;
}

static gboolean
plan_new(struct daemon *daemon, const struct control_call *call, const struct job *job,
	 struct job *changed, struct schedule **ret_wanted, GError **error)
{
	gboolean waits = job->phase == PHASE_WAIT, once = arg_uint(call, "times", 1) == 1;
	cairn_auto(schedule) schedule = schedule_like(daemon, changed);
	if (!can_repeat(daemon, job, error) || !schedule_arguments(daemon, call, schedule, error) ||
	    (waits && !delay(schedule, changed, error)))
		return FALSE;
	if (once)
		return waits || cairn_fail(error, CAIRN_ERROR_INVALID,
					   "job %llu has begun: to repeat it, say how often, too "
					   "(JobRunTimes, 0 for no limit)",
					   (unsigned long long)job->number);
	count_run(schedule, job);
	g_free(changed->schedule);
	changed->schedule = g_strdup(schedule->id);
	*ret_wanted = g_steal_pointer(&schedule);
	return TRUE;
}

static gboolean
plan_edit(struct daemon *daemon, const struct control_call *call, const struct schedule *schedule,
	  struct schedule **ret_wanted, GError **error)
{
	cairn_auto(schedule) wanted = schedule_copy(schedule);
	if (!schedule_arguments(daemon, call, wanted, error))
		return FALSE;
	*ret_wanted = g_steal_pointer(&wanted);
	return TRUE;
}

/* What becomes of a schedule: *@ret_wanted is NULL when nothing does. */
static gboolean
plan_calendar(struct daemon *daemon, const struct control_call *call, const struct job *job,
	      struct job *changed, struct schedule **ret_wanted, GError **error)
{
	const struct schedule *schedule = engine_schedule_by_id(daemon->engine, job->schedule);
	gboolean delays = arg_given(call, "start") && job->phase != PHASE_WAIT;
	*ret_wanted = NULL;
	if (!says_when(call) && !delays)
		return TRUE;
	return schedule ? plan_edit(daemon, call, schedule, ret_wanted, error)
			: plan_new(daemon, call, job, changed, ret_wanted, error);
}

/* ---- the request ---- */

static gboolean
change(struct daemon *daemon, const struct control_call *call, const struct job *job,
       GError **error)
{
	cairn_auto(job) changed = job_copy(job);
	struct schedule *wanted;
	return change_job(daemon, call, changed, error) &&
	       plan_calendar(daemon, call, job, changed, &wanted, error) &&
	       engine_job_save(daemon->engine, g_steal_pointer(&changed), wanted, error);
}

void
handle_job_set(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	const struct job *job = engine_job(daemon->engine, arg_string(call, "job"), &error);
	g_autofree char *id = g_strdup(job ? job->id : NULL);
	if (!job || !change(daemon, call, job, &error)) {
		call_fail(call, error);
		return;
	}
	job = engine_job(daemon->engine, id, NULL);
	copies_share(daemon->world);
	control_call_return(call, engine_job_view(daemon->engine, job));
}
