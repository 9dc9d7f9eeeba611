/* The runs of schedules: a pair of jobs as `cairn backup` makes them, in the transaction in which
 * the schedule says that it has begun one; its end, in the transaction in which the job ends. So a
 * run happens once, whenever the daemon is killed. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"

/* "02:00", with the day when it is not that of @now; free with g_free(). */
static char *
time_text(const struct engine *engine, gint64 time, gint64 now)
{
	gint64 second = G_USEC_PER_SEC;
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time / second);
	g_autoptr(GDateTime) utc_now = g_date_time_new_from_unix_utc(now / second);
	g_autoptr(GDateTime) then = g_date_time_to_timezone(utc, engine->zone);
	g_autoptr(GDateTime) today = g_date_time_to_timezone(utc_now, engine->zone);
	gboolean same = g_date_time_get_year(then) == g_date_time_get_year(today) &&
			g_date_time_get_day_of_year(then) == g_date_time_get_day_of_year(today);
	return g_date_time_format(then, same ? "%H:%M" : "%Y-%m-%d %H:%M");
}

/* Said in JobStatus: whether it is late, and why if that is known here. */
static char *
run_note(const struct engine *engine, const struct schedule *schedule)
{
	g_autofree char *note = schedule_note(schedule);
	if (!note || !schedule->late_us)
		return g_steal_pointer(&note);
	g_autofree char *due = time_text(engine, schedule->last_due, engine_now(engine));
	if (schedule->last_due < engine->started_at && schedule->last_due >= schedule->created)
		return g_strdup_printf("%s: cairnd was not running at %s", note, due);
	if (schedule->last_due < schedule->last_ended)
		return g_strdup_printf("%s: the run before had not ended at %s", note, due);
	return g_strdup_printf("%s: it was due at %s", note, due);
}

static struct job *
new_job(const struct schedule *schedule, enum job_kind kind)
{
	g_autofree char *id = cairn_guid_new();
	struct job *job = job_new(id, kind);
	job->group = g_strdup(schedule->group);
	job->owner = g_strdup(schedule->owner);
	job->priority = schedule->priority;
	job->keep_us = schedule->keep_us;
	job->schedule = g_strdup(schedule->id);
	job->consistency = schedule->consistency;
	return job;
}

/* The export stands for the run: it is told about, tried again and followed by retention. */
static struct job *
new_export(const struct engine *engine, const struct schedule *schedule)
{
	struct job *job = new_job(schedule, JOB_EXPORT);
	job->note = run_note(engine, schedule);
	job->backup = TRUE;
	job->directory = g_strdup(schedule->directory);
	job->base = g_strdup(schedule->full ? NULL : "auto");
	job->format = g_strdup(schedule->format);
	job->compress = g_strdup(schedule->compress);
	job->digest = g_strdup(schedule->digest);
	job->rate_limit = schedule->rate_limit;
	job->delete_on_completion = schedule->delete_on_completion;
	job->notify = g_strdup(schedule->notify);
	recovery_clear(&job->recovery);
	recovery_copy(&job->recovery, &schedule->recovery);
	job->retention = schedule->retention;
	return job;
}

/* In the transaction, or the schedule remembers why not. */
static void
start_run(struct engine *engine, struct engine_commit *out, struct schedule *schedule,
	  struct schedule_effects *ret_effects)
{
	g_autoptr(GError) error = NULL;
	struct job *point = new_job(schedule, JOB_POINT_CREATE);
	struct job *export = new_export(engine, schedule);
	struct schedule_event event = {.type = SCHEDULE_RUN_STARTED};
	g_autofree char *id = g_strdup(export->id);
	if (engine_batch_add(engine, &out->batch, out->txn, point, export, &error)) {
		event.job = id;
		event.number = export->number;
	} else {
		g_warning("schedule \"%s\" cannot run: %s", schedule->name, error->message);
		event.type = SCHEDULE_RUN_NOT_STARTED;
		event.error = error->message;
	}
	schedule_step(schedule, &event, engine_now(engine), engine->zone, ret_effects);
}

void
engine_commit_schedule_step(struct engine *engine, struct engine_commit *out,
			    struct schedule *schedule, const struct schedule_event *event,
			    struct schedule_effects *ret_effects)
{
	struct schedule_effects next;
	schedule_step(schedule, event, engine_now(engine), engine->zone, ret_effects);
	next = *ret_effects;
	/* A run that cannot be made may let another one begin that was waiting. */
	while (next.start)
		start_run(engine, out, schedule, &next);
	if (ret_effects->store || ret_effects->start)
		engine_put_schedule(out->txn, schedule);
	g_ptr_array_add(out->schedules, schedule);
}

/* The copy that is in the transaction already, or a new one. */
static struct schedule *
take_copy(struct engine_commit *out, const struct schedule *schedule)
{
	for (guint i = 0; i < out->schedules->len; i++) {
		const struct schedule *changed = out->schedules->pdata[i];
		if (strcmp(changed->id, schedule->id) == 0)
			return g_ptr_array_steal_index(out->schedules, i);
	}
	return schedule_copy(schedule);
}

void
engine_commit_schedule(struct engine *engine, struct engine_commit *out, const char *id,
		       const struct schedule_event *event)
{
	const struct schedule *schedule = engine_schedule_by_id(engine, id);
	struct schedule_effects effects;
	if (schedule)
		engine_commit_schedule_step(engine, out, take_copy(out, schedule), event, &effects);
}

/* Another attempt of the same run that is made in this transaction. */
static const struct job *
next_attempt(const struct engine_commit *out, const struct job *job)
{
	for (guint i = 0; i < out->batch.jobs->len; i++) {
		const struct job *next = out->batch.jobs->pdata[i];
		if (next->kind == JOB_EXPORT && next->attempt > job->attempt &&
		    g_strcmp0(next->schedule, job->schedule) == 0)
			return next;
	}
	return NULL;
}

void
engine_commit_run_ended(struct engine *engine, struct engine_commit *out, const struct job *job)
{
	const struct schedule *schedule = engine_schedule_by_id(engine, job->schedule);
	if (!schedule || job->kind != JOB_EXPORT || g_strcmp0(schedule->job, job->id) != 0)
		return;
	const struct job *next = next_attempt(out, job);
	struct schedule_event event = {
		.type = SCHEDULE_RUN_ENDED, .job = job->id, .outcome = job->state};
	if (next) {
		event.type = SCHEDULE_RUN_STARTED;
		event.job = next->id;
		event.number = next->number;
	}
	engine_commit_schedule(engine, out, schedule->id, &event);
}
