/* Handlers of the daemon itself and of points; the table of all. Groups are in handlers_groups.c,
 * jobs in handlers_jobs.c. */
#include "cairnd/handlers.h"

#include "cairnd/hosts.h"

#include "base/error.h"
#include "base/json.h"
#include "control/requests.h"

void
call_fail(struct control_call *call, GError *error)
{
	control_call_error(call, error);
	g_error_free(error);
}

/* ---- the daemon itself ---- */

static void
handle_version(struct daemon *daemon, struct control_call *call)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "version", CAIRN_VERSION);
	cairn_json_set_uint(json, "protocol", CONTROL_PROTOCOL);
	control_call_return(call, json);
}

static json_t *
describe_argument(const struct request_arg *arg)
{
	static const char *const types[] = {"string", "uint", "int", "bool", "strings"};
	json_t *json = json_object();
	cairn_json_set_string(json, "name", arg->name);
	cairn_json_set_string(json, "type", types[arg->type]);
	cairn_json_set_bool(json, "required", arg->required);
	cairn_json_set_string(json, "help", arg->help);
	return json;
}

static void
handle_requests(struct daemon *daemon, struct control_call *call)
{
	json_t *list = json_array();
	for (const struct request *request = requests; request->name; request++) {
		json_t *json = json_object(), *args = json_array();
		cairn_json_set_string(json, "name", request->name);
		cairn_json_set_bool(json, "read-only", request->flags & REQUEST_READ);
		cairn_json_set_string(json, "summary", request->summary);
		for (guint i = 0; i < REQUEST_ARGS_MAX && request->args[i].name; i++)
			json_array_append_new(args, describe_argument(&request->args[i]));
		cairn_json_set(json, "arguments", args);
		cairn_json_set_string(json, "returns", request->returns);
		json_array_append_new(list, json);
	}
	control_call_return(call, list);
}

static json_t *
describe_hosts(const struct world *world)
{
	json_t *list = json_array();
	for (guint i = 0; i < hosts_count(world->hosts); i++) {
		const struct host *host = hosts_get(world->hosts, i);
		json_t *json = json_object();
		cairn_json_set_string(json, "uri", host->uri);
		cairn_json_set_bool(json, "connected", !host->error);
		cairn_json_set_string(json, "error", host->error);
		json_array_append_new(list, json);
	}
	return list;
}

static void
handle_status(struct daemon *daemon, struct control_call *call)
{
	json_t *json = json_object(), *jobs = json_object();
	g_autoptr(GPtrArray) points = engine_points(daemon->engine, NULL, FALSE);
	guint held = 0, running = engine_running(daemon->engine),
	      waiting = engine_waiting(daemon->engine);
	for (guint i = 0; i < points->len; i++)
		held += ((struct point *)points->pdata[i])->held;
	cairn_json_set_string(json, "version", CAIRN_VERSION);
	cairn_json_set_uint(json, "uptime-us", (guint64)(g_get_monotonic_time() - daemon->started));
	cairn_json_set_string(json, "instance", engine_instance(daemon->engine));
	cairn_json_set(json, "connections", describe_hosts(daemon->world));
	cairn_json_set_uint(json, "groups", engine_groups(daemon->engine)->len);
	cairn_json_set_uint(json, "points", points->len);
	cairn_json_set_uint(json, "held-points", held);
	cairn_json_set_uint(jobs, "waiting", waiting);
	cairn_json_set_uint(jobs, "running", running);
	cairn_json_set_uint(jobs, "finished", engine_job_count(daemon->engine) - running - waiting);
	cairn_json_set(json, "jobs", jobs);
	cairn_json_set_uint(json, "errands", engine_errands(daemon->engine));
	cairn_json_set(json, "config", config_view(daemon->config));
	control_call_return(call, json);
}

static void
handle_subscribe(struct daemon *daemon, struct control_call *call)
{
	g_auto(GStrv) names = NULL;
	GError *error = NULL;
	if (!cairn_json_get_strv_opt(call->arguments, "events", &names, &error) ||
	    !control_call_subscribe(call, names, arg_bool(call, "properties"), &error))
		call_fail(call, error);
	else
		control_call_return(call, json_object());
}

/* ---- points ---- */

static void
handle_point_list(struct daemon *daemon, struct control_call *call)
{
	const char *id = NULL;
	if (arg_string(call, "group")) {
		struct group *group = arg_group(daemon, call);
		if (!group)
			return;
		id = group->id;
	}
	g_autoptr(GPtrArray) points = engine_points(daemon->engine, id, FALSE);
	json_t *list = json_array();
	for (guint i = 0; i < points->len; i++)
		json_array_append_new(list, engine_point_view(daemon->engine, points->pdata[i]));
	control_call_return(call, list);
}

static struct point *
arg_point(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct point *point = engine_point(daemon->engine, arg_string(call, "point"), &error);
	if (!point)
		call_fail(call, error);
	return point;
}

static void
handle_point_show(struct daemon *daemon, struct control_call *call)
{
	struct point *point = arg_point(daemon, call);
	if (point)
		control_call_return(call, engine_point_view(daemon->engine, point));
}

static void
handle_point_release(struct daemon *daemon, struct control_call *call)
{
	struct point *point = arg_point(daemon, call);
	GError *error = NULL;
	if (!point)
		return;
	if (engine_point_release(daemon->engine, point, "released on request", &error)) {
		engine_tick(daemon->engine);
		control_call_return(call, engine_point_view(daemon->engine, point));
	} else {
		call_fail(call, error);
	}
}

static void
handle_point_delete(struct daemon *daemon, struct control_call *call)
{
	struct point *point = arg_point(daemon, call);
	GError *error = NULL;
	if (!point)
		return;
	if (engine_point_delete(daemon->engine, point, &error)) {
		engine_tick(daemon->engine);
		control_call_return(call, json_object());
	} else {
		call_fail(call, error);
	}
}

/* ---- the table ---- */

static const struct {
	const char *name;
	void (*handle)(struct daemon *daemon, struct control_call *call);
} handlers[] = {
	{"query-version", handle_version},
	{"query-requests", handle_requests},
	{"query-status", handle_status},
	{"query-access", handle_query_access},
	{"subscribe", handle_subscribe},
	{"vm-list", handle_vm_list},
	{"group-create", handle_group_create},
	{"group-list", handle_group_list},
	{"group-show", handle_group_show},
	{"group-add", handle_group_add},
	{"group-remove", handle_group_remove},
	{"group-rename", handle_group_rename},
	{"group-delete", handle_group_delete},
	{"point-create", handle_point_create},
	{"point-list", handle_point_list},
	{"point-show", handle_point_show},
	{"point-release", handle_point_release},
	{"point-delete", handle_point_delete},
	{"export", handle_export},
	{"backup", handle_backup},
	{"retain", handle_retain},
	{"job-list", handle_job_list},
	{"job-history", handle_job_history},
	{"job-show", handle_job_show},
	{"job-errors", handle_job_errors},
	{"job-control", handle_job_control},
	{"job-set", handle_job_set},
	{"job-remove", handle_job_remove},
	{"limits-show", handle_limits_show},
	{"limits-set", handle_limits_set},
	{"schedule-create", handle_schedule_create},
	{"schedule-list", handle_schedule_list},
	{"schedule-show", handle_schedule_show},
	{"schedule-set", handle_schedule_set},
	{"schedule-control", handle_schedule_control},
	{"schedule-delete", handle_schedule_delete},
};

void
handlers_check(void)
{
	guint n = 0;
	for (const struct request *request = requests; request->name; request++)
		n++;
	g_assert_cmpuint(n, ==, G_N_ELEMENTS(handlers));
	for (guint i = 0; i < G_N_ELEMENTS(handlers); i++)
		g_assert_nonnull(request_find(handlers[i].name));
}

void
handlers_call(struct control_call *call, void *user_data)
{
	for (guint i = 0; i < G_N_ELEMENTS(handlers); i++)
		if (strcmp(handlers[i].name, call->request->name) == 0) {
			handlers[i].handle(user_data, call);
			return;
		}
	g_assert_not_reached();
}
