/* The handler of retain: a job, or with dry-run its plan, which a thread makes. */
#include "cairnd/handlers.h"

#include "base/error.h"
#include "base/json.h"
#include "image/retain_plan.h"

/* Exports in the answer of a dry run: it must fit into a line of the protocol. */
#define PLAN_MAX 50000

/* ---- the plan ---- */

struct planning {
	struct control_call *call;
	char *directory, *group;
	struct retention retention;
	json_t *plan;
};

static void
planning_free(gpointer data)
{
	struct planning *planning = data;
	g_free(planning->directory);
	g_free(planning->group);
	json_decref(planning->plan);
	g_free(planning);
}

static void
plan_work(struct task *task)
{
	struct planning *planning = task->user;
	g_autoptr(GTimeZone) zone = g_time_zone_new_local();
	g_autofree char *dir =
		retain_dir(task->world->config, planning->directory, planning->group, &task->error);
	cairn_auto(retain_plan) plan =
		dir ? retain_plan_new(dir, &planning->retention, zone, &task->error) : NULL;
	if (plan && plan->entries->len > PLAN_MAX)
		cairn_fail(&task->error, CAIRN_ERROR_LIMIT,
			   "the folder has %u exports: more than %d are not listed",
			   plan->entries->len, PLAN_MAX);
	else if (plan)
		planning->plan = retain_plan_json(plan);
}

static void
plan_done(struct task *task)
{
	struct planning *planning = task->user;
	if (task->error)
		control_call_error(planning->call, task->error);
	else
		control_call_return(planning->call, g_steal_pointer(&planning->plan));
}

static void
answer_plan(struct daemon *daemon, struct control_call *call, const struct job *job)
{
	struct planning *planning = g_new0(struct planning, 1);
	struct task *task = task_new(daemon->world, plan_work, plan_done);
	*planning = (struct planning){.call = call,
				      .directory = g_strdup(job->directory),
				      .group = g_strdup(job->group),
				      .retention = job->retention};
	task->user = planning;
	task->user_free = planning_free;
	task->urgent = TRUE; /* others' folders need not wait for one that hangs */
	task_start(task);
}

/* ---- the job ---- */

static struct job *
retain_job(struct daemon *daemon, struct control_call *call, GError **error)
{
	const struct group *group = engine_group(daemon->engine, arg_string(call, "group"), error);
	if (!group)
		return NULL;
	cairn_auto(job) job = job_asked(daemon, call, JOB_RETAIN);
	job->group = g_strdup(group->id);
	job->directory = g_strdup(arg_string(call, "directory"));
	job->rate_limit = arg_uint(call, "rate", 0);
	if (!arg_limited(call, "priority", PRIORITY_MAX, error) ||
	    !arg_limited(call, "rate", RATE_MAX, error) ||
	    !arg_retention(call, &job->retention, error))
		return NULL;
	if (retention_is_set(&job->retention))
		return g_steal_pointer(&job);
	cairn_fail(error, CAIRN_ERROR_INVALID,
		   "nothing says what is kept: give keep-last, keep-daily, keep-weekly or "
		   "keep-monthly");
	return NULL;
}

static void
retain_checked(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct job *job = retain_job(daemon, call, &error);
	if (job && arg_bool(call, "dry-run")) {
		answer_plan(daemon, call, job);
		job_free(job);
		return;
	}
	if (job)
		job = engine_submit(daemon->engine, job, &error);
	if (!job) {
		call_fail(call, error);
		return;
	}
	json_t *json = json_object();
	cairn_json_set_string(json, "job", job->id);
	cairn_json_set_uint(json, "number", job->number);
	control_call_return(call, json);
}

void
handle_retain(struct daemon *daemon, struct control_call *call)
{
	after_folder_check(daemon, call, retain_checked);
}
