/* Handlers that make jobs and look at them. */
#include "cairnd/handlers.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "cairnd/engine_schedules.h"
#include "core/job_cim.h"

#define JOB_LIST_MAX 10000		    /* in one answer */
#define HOLD_MAX     ((guint64)366 * 86400) /* seconds */

struct job *
job_asked(const struct daemon *daemon, const struct control_call *call, enum job_kind kind)
{
	g_autofree char *id = cairn_guid_new();
	struct job *job = job_new(id, kind);
	job->owner = g_strdup(control_call_user(call));
	job->priority = arg_uint(call, "priority", JOB_PRIORITY_DEFAULT);
	job->keep_us = (gint64)daemon->config->keep_jobs * G_USEC_PER_SEC;
	return job;
}

static gboolean
fill_recovery(struct daemon *daemon, const struct control_call *call, struct job *job,
	      GError **error)
{
	return arg_recovery(daemon, call, &job->recovery, error) &&
	       arg_notify(daemon, call, &job->notify, error);
}

/* ---- points ---- */

static struct job *
point_job(struct daemon *daemon, struct control_call *call, GError **error)
{
	struct group *group = engine_group(daemon->engine, arg_string(call, "group"), error);
	const char *consistency = arg_string(call, "consistency");
	if (!group)
		return NULL;
	if (group->members->len == 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "group \"%s\" has no members: add some with `cairn group add`",
			    group->name);
		return NULL;
	}
	cairn_auto(job) job = job_asked(daemon, call, JOB_POINT_CREATE);
	job->group = g_strdup(group->id);
	job->barrier = !arg_bool(call, "no-barrier");
	job->hold_seconds = arg_uint(call, "hold", 0);
	/* In the configuration 0 is no limit; here it would be the configuration's. */
	if (arg_uint(call, "hold", 1) == 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "argument \"hold\" is at least 1 (point-release lets the data go)");
		return NULL;
	}
	if (!consistency_parse(consistency ? consistency : "best", &job->consistency, error) ||
	    !arg_limited(call, "priority", PRIORITY_MAX, error) ||
	    !arg_limited(call, "hold", HOLD_MAX, error))
		return NULL;
	return g_steal_pointer(&job);
}

static json_t *
describe_submitted(const struct job *job)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "job", job->id);
	cairn_json_set_uint(json, "number", job->number);
	cairn_json_set_string(json, "point", job->point);
	cairn_json_set_string(json, "point-name", job->point_name);
	return json;
}

void
handle_point_create(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct job *job = point_job(daemon, call, &error);
	if (job && !fill_recovery(daemon, call, job, &error))
		g_clear_pointer(&job, job_free);
	if (job)
		job = engine_submit(daemon->engine, job, &error);
	if (job)
		control_call_return(call, describe_submitted(job));
	else
		call_fail(call, error);
}

/* ---- exports ---- */

static gboolean
fill_export(struct daemon *daemon, struct control_call *call, struct job *job, GError **error)
{
	job->directory = g_strdup(arg_string(call, "directory"));
	job->rate_limit = arg_uint(call, "rate", 0);
	return arg_images(call, &job->format, &job->compress, &job->digest, error) &&
	       arg_limited(call, "priority", PRIORITY_MAX, error) &&
	       arg_limited(call, "rate", RATE_MAX, error) &&
	       fill_recovery(daemon, call, job, error);
}

/* A base is named as a point, and kept as its GUID; "auto" is looked for when the job runs. */
static gboolean
fill_base(struct daemon *daemon, struct control_call *call, const struct point *point,
	  struct job *job, GError **error)
{
	const char *name = arg_string(call, "base");
	if (!name)
		return TRUE;
	if (strcmp(name, "auto") == 0) {
		job->base = g_strdup(name);
		return TRUE;
	}
	const struct point *base = engine_point(daemon->engine, name, error);
	if (!base)
		return FALSE;
	if (strcmp(base->group, point->group) != 0 || base->number >= point->number) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "\"%s\" is not an older point of the same group", name);
		return FALSE;
	}
	job->base = g_strdup(base->id);
	return TRUE;
}

static struct job *
export_job(struct daemon *daemon, struct control_call *call, GError **error)
{
	const struct point *point = engine_point(daemon->engine, arg_string(call, "point"), error);
	if (!point)
		return NULL;
	cairn_auto(job) job = job_asked(daemon, call, JOB_EXPORT);
	job->group = g_strdup(point->group);
	job->point = g_strdup(point->id);
	job->point_name = engine_point_name(daemon->engine, point);
	job->keep_held = arg_bool(call, "keep-held");
	g_clear_pointer(&job->wanted, g_strfreev);
	if (!cairn_json_get_strv_opt(call->arguments, "disks", &job->wanted, error) ||
	    !fill_export(daemon, call, job, error) || !fill_base(daemon, call, point, job, error))
		return NULL;
	return g_steal_pointer(&job);
}

static void
export_checked(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct job *job = export_job(daemon, call, &error);
	if (job)
		job = engine_submit(daemon->engine, job, &error);
	if (job)
		control_call_return(call, describe_submitted(job));
	else
		call_fail(call, error);
}

static struct job *
backup_export_job(struct daemon *daemon, struct control_call *call, const struct job *first,
		  GError **error)
{
	cairn_auto(job) job = job_asked(daemon, call, JOB_EXPORT);
	job->group = g_strdup(first->group);
	job->base = arg_bool(call, "full") ? NULL : g_strdup("auto");
	if (!arg_retention(call, &job->retention, error))
		return NULL;
	return fill_export(daemon, call, job, error) ? g_steal_pointer(&job) : NULL;
}

static void
backup_checked(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct job *first = point_job(daemon, call, &error);
	struct job *second = first ? backup_export_job(daemon, call, first, &error) : NULL;
	if (!second) {
		job_free(first);
		call_fail(call, error);
		return;
	}
	g_autofree char *first_id = g_strdup(first->id), *second_id = g_strdup(second->id);
	if (!engine_submit_pair(daemon->engine, first, second, &error)) {
		call_fail(call, error);
		return;
	}
	second = engine_job(daemon->engine, second_id, NULL);
	json_t *json = describe_submitted(second);
	cairn_json_set_string(json, "point-job", first_id);
	control_call_return(call, json);
}

void
handle_export(struct daemon *daemon, struct control_call *call)
{
	after_folder_check(daemon, call, export_checked);
}

void
handle_backup(struct daemon *daemon, struct control_call *call)
{
	after_folder_check(daemon, call, backup_checked);
}

/* ---- jobs ---- */

/* What a list is asked for. */
struct job_filter {
	const struct group *group; /* NULL: all */
	gboolean active, properties;
	gboolean paged; /* `after` was given */
	guint64 after, limit;
};

static gboolean
get_filter(const struct daemon *daemon, const struct control_call *call,
	   struct job_filter *ret_filter, GError **error)
{
	const char *name = arg_string(call, "group");
	ret_filter->group = name ? engine_group(daemon->engine, name, error) : NULL;
	ret_filter->active = arg_bool(call, "active");
	ret_filter->properties = arg_bool(call, "properties");
	ret_filter->paged = json_is_integer(json_object_get(call->arguments, "after"));
	ret_filter->after = arg_uint(call, "after", 0);
	ret_filter->limit = arg_uint(call, "limit", JOB_LIST_MAX);
	if (name && !ret_filter->group)
		return FALSE;
	return (ret_filter->limit >= 1 && ret_filter->limit <= JOB_LIST_MAX) ||
	       cairn_fail(error, CAIRN_ERROR_INVALID, "argument \"limit\" is from 1 to %d",
			  JOB_LIST_MAX);
}

static gboolean
is_wanted(const struct job_filter *filter, const struct job *job)
{
	return job->number > filter->after && !(filter->active && job->phase == PHASE_ENDED) &&
	       (!filter->group || strcmp(job->group, filter->group->id) == 0);
}

static void
reverse(GPtrArray *array)
{
	for (guint i = 0, j = array->len; i + 1 < j; i++) {
		gpointer last = array->pdata[--j];
		array->pdata[j] = array->pdata[i];
		array->pdata[i] = last;
	}
}

/* In the order of their numbers: the first after a number, or the last of all. */
static GPtrArray *
find_jobs(const struct daemon *daemon, const struct job_filter *filter)
{
	const struct engine *engine = daemon->engine;
	g_autoptr(GPtrArray) active = filter->active ? engine_active_jobs(engine) : NULL;
	guint len = active ? active->len : engine_job_count(engine);
	guint first = active ? 0 : engine_job_after(engine, filter->after);
	GPtrArray *found = g_ptr_array_new();
	for (guint i = first; i < len && found->len < filter->limit; i++) {
		guint at = filter->paged ? i : len - 1 - (i - first);
		struct job *job = active ? active->pdata[at] : engine_job_at(engine, at);
		if (is_wanted(filter, job))
			g_ptr_array_add(found, job);
	}
	if (!filter->paged)
		reverse(found);
	return found;
}

json_t *
job_whole_view(const struct daemon *daemon, const struct job *job)
{
	const struct schedule *schedule = engine_schedule_by_id(daemon->engine, job->schedule);
	json_t *json = engine_job_view(daemon->engine, job);
	cairn_json_set(json, "properties", job_cim_properties(job, schedule, g_get_real_time()));
	return json;
}

void
handle_job_list(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct job_filter filter;
	if (!get_filter(daemon, call, &filter, &error)) {
		call_fail(call, error);
		return;
	}
	g_autoptr(GPtrArray) jobs = find_jobs(daemon, &filter);
	json_t *list = json_array();
	for (guint i = 0; i < jobs->len; i++)
		json_array_append_new(
			list, filter.properties ? job_whole_view(daemon, jobs->pdata[i])
						: engine_job_view(daemon->engine, jobs->pdata[i]));
	control_call_return(call, list);
}

static struct job *
arg_job(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct job *job = engine_job(daemon->engine, arg_string(call, "job"), &error);
	if (!job)
		call_fail(call, error);
	return job;
}

void
handle_job_control(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	enum job_verb verb;
	struct job *job = arg_job(daemon, call);
	if (!job)
		return;
	g_autofree char *id = g_strdup(job->id);
	if (!job_verb_parse(arg_string(call, "action"), &verb, &error) ||
	    !engine_control_forget(daemon->engine, job, verb, arg_forget(call), &error)) {
		call_fail(call, error);
		return;
	}
	job = engine_job(daemon->engine, id, NULL);
	control_call_return(call, engine_job_view(daemon->engine, job));
}
