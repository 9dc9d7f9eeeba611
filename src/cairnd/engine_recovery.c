/* What follows the end of a job, in the transaction of that end: the next attempt, a run of the
 * schedule that is to help, and the errands owed to the outside. So each happens once for one
 * failure, whenever the daemon is killed. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"

#define PAYLOAD_DISKS_MAX 64   /* disks that somebody is told of one by one */
#define NOTE_ERROR_MAX	  1024 /* bytes of an error in the note of the next attempt */

static enum recovery_end
end_of(const struct job *job)
{
	const struct job_error *first = job->errors->len ? job->errors->pdata[0] : NULL;
	if (job->outcome == 0)
		return RECOVERY_END_WELL;
	/* A point that was terminated takes its export with it: that is a request too. */
	if (job->outcome != JOB_EXCEPTION || (first && first->code == CAIRN_ERROR_CANCELLED))
		return RECOVERY_END_ON_REQUEST;
	return RECOVERY_END_FAILED;
}

/* ---- the next attempt ---- */

static char *
retry_note(const struct job *job)
{
	const struct job_error *first = job->errors->len ? job->errors->pdata[0] : NULL;
	g_autofree char *why = g_strndup(first ? first->message : "it failed", NOTE_ERROR_MAX);
	g_autofree char *valid = g_utf8_make_valid(why, -1);
	return g_strdup_printf("retry %u of %u after: %s", (guint)job->attempt + 1,
			       (guint)job->recovery.retries, valid);
}

static void
set_attempt(struct job *next, const struct job *job, gint64 due)
{
	next->attempt = job->attempt + 1;
	next->due = due;
	g_free(next->note);
	next->note = retry_note(job);
}

/* The point of a backup was taken for it with these parameters. */
static struct job *
point_again(const struct job *job)
{
	g_autofree char *id = cairn_guid_new();
	struct job *point = job_new(id, JOB_POINT_CREATE);
	point->group = g_strdup(job->group);
	point->owner = g_strdup(job->owner);
	point->schedule = g_strdup(job->schedule);
	point->priority = job->priority;
	point->keep_us = job->keep_us;
	point->consistency = job->consistency;
	point->barrier = job->barrier;
	point->hold_seconds = job->hold_seconds;
	return point;
}

/* A point that stands is exported again; only a backup may take another one. */
static gboolean
make_attempt(struct engine *engine, const struct job *job, struct job *next, struct job **ret_point,
	     GError **error)
{
	const struct point *point = engine_point_by_id(engine, job->point);
	*ret_point = NULL;
	if (job->kind != JOB_EXPORT)
		return TRUE;
	if (point && point->held && !point->hidden) {
		next->point = g_strdup(point->id);
		next->point_name = engine_point_name(engine, point);
		return TRUE;
	}
	if (!job->backup)
		return cairn_fail(error, CAIRN_ERROR_STATE,
				  "the data of point \"%s\" is not held any more", job->point_name);
	*ret_point = point_again(job);
	return TRUE;
}

static gboolean
retry(struct engine *engine, struct job *job, gint64 due, struct engine_commit *out, GError **error)
{
	g_autofree char *id = cairn_guid_new();
	struct job *next = job_again(job, id), *point;
	if (!make_attempt(engine, job, next, &point, error)) {
		job_free(next);
		return FALSE;
	}
	set_attempt(next, job, due);
	if (point)
		set_attempt(point, job, due);
	if (!engine_batch_add(engine, &out->batch, out->txn, point ? point : next,
			      point ? next : NULL, error))
		return FALSE;
	g_free(job->retried_as);
	job->retried_as = g_strdup(id);
	return TRUE;
}

/* ---- what others are told ---- */

static json_t *
payload_of(const struct engine *engine, const struct job *job)
{
	json_t *json = json_object(), *view = engine_job_view(engine, job);
	if (job->disks->len > PAYLOAD_DISKS_MAX)
		json_object_del(view, "disks");
	cairn_json_set_string(json, "event", "job-ended");
	cairn_json_set_bool(json, "failed", job->outcome != 0);
	cairn_json_set_string(json, "instance", engine->instance);
	cairn_json_set(json, "job", view);
	cairn_json_set(json, "errors", job_errors_view(job));
	return json;
}

static void
add_errand(struct engine *engine, const struct job *job, enum errand_type type, const char *target,
	   struct engine_commit *out)
{
	json_t *payload = payload_of(engine, job);
	struct errand *errand = errand_new(type, target, payload);
	/* Told twice, it can be known for the same. */
	cairn_json_set_string(payload, "id", errand->id);
	engine_commit_errand(engine, out, job, errand);
}

/* ---- the end ---- */

static gboolean
run_schedule(struct engine *engine, const struct job *job, const char *name,
	     struct engine_commit *out, GError **error)
{
	const struct schedule *schedule = engine_schedule_find(engine, name, error);
	struct schedule_event event = {.type = SCHEDULE_RUN_NOW};
	if (!schedule)
		return FALSE;
	if (job->schedule && engine_schedule_leads_to(engine, schedule, job->schedule))
		return cairn_fail(error, CAIRN_ERROR_STATE,
				  "schedule \"%s\" would run the one that has failed", name);
	if (!schedule_control_check(schedule, SCHEDULE_RUN_NOW, error))
		return FALSE;
	engine_commit_schedule(engine, out, schedule->id, &event);
	return TRUE;
}

static void
follow(struct engine *engine, struct job *job, const struct recovery_plan *plan,
       struct engine_commit *out)
{
	g_autoptr(GError) error = NULL;
	gboolean ok = TRUE;
	if (plan->deed == RECOVERY_DEED_RETRY)
		ok = retry(engine, job, plan->due, out, &error);
	else if (plan->deed == RECOVERY_DEED_SCHEDULE)
		ok = run_schedule(engine, job, plan->name, out, &error);
	else if (plan->deed == RECOVERY_DEED_COMMAND)
		add_errand(engine, job, ERRAND_COMMAND, plan->name, out);
	if (ok)
		return;
	g_autofree char *text =
		g_strdup_printf("%s: %s",
				plan->deed == RECOVERY_DEED_RETRY ? "it is not tried again"
								  : "the recovery job was not run",
				error->message);
	job_add_warning(job, text);
}

void
engine_commit_recovery(struct engine *engine, struct job *job, struct engine_commit *out)
{
	struct recovery_plan plan =
		recovery_decide(&job->recovery, end_of(job), job->attempt, engine_now(engine));
	follow(engine, job, &plan, out);
	/* Whom the export has told is told no more of what follows it, unless folders fill up. */
	gboolean quiet = job->kind == JOB_RETAIN && job->outcome == 0;
	/* Only the last attempt is the end. */
	if (job->notify && !job->retried_as && !quiet)
		add_errand(engine, job, ERRAND_NOTIFY, job->notify, out);
}
