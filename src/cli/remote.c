/* The one table of what can be asked of another host. */
#include "cli/remote_private.h"

#include "base/error.h"
#include "control/requests.h"

#include <string.h>

static void
decref(gpointer value)
{
	json_decref(value);
}

struct remote *
remote_new(const struct remote_login *login, GError **error)
{
	cairn_auto(remote) remote = g_new0(struct remote, 1);
	remote->services = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, decref);
	return remote_http_setup(remote, login, error) ? g_steal_pointer(&remote) : NULL;
}

void
remote_free(struct remote *remote)
{
	if (!remote)
		return;
	curl_easy_cleanup(remote->curl);
	curl_slist_free_all(remote->headers);
	if (remote->answer)
		g_string_free(remote->answer, TRUE);
	g_hash_table_unref(remote->services);
	g_free(remote->url);
	g_free(remote->host);
	g_free(remote);
}

/* ---- the daemon ---- */

static json_t *
query_version(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) identity = remote_identify(remote, error);
	if (!identity)
		return NULL;
	json_t *json = json_object();
	cairn_json_set_string(json, "version", property_text(identity, "ProductVersion"));
	cairn_json_set(json, "protocol", json_null());
	cairn_json_set_string(json, "vendor", property_text(identity, "ProductVendor"));
	return json;
}

/* Over CIM a job that waits reads as running. */
static json_t *
count_jobs(const json_t *jobs)
{
	guint64 running = 0;
	size_t i;
	json_t *job;
	json_array_foreach ((json_t *)jobs, i, job)
		running += json_is_null(json_object_get(job, "ended"));
	json_t *json = json_object();
	cairn_json_set(json, "waiting", json_null());
	cairn_json_set_uint(json, "running", running);
	cairn_json_set_uint(json, "finished", json_array_size(jobs) - running);
	return json;
}

static json_t *
query_status(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) identity = query_version(remote, NULL, error);
	g_autoptr(json_t) groups = identity ? remote_enumerate(remote, CLASS_GROUP, error) : NULL;
	g_autoptr(json_t) points = groups ? remote_enumerate(remote, CLASS_POINT, error) : NULL;
	g_autoptr(json_t) jobs = points ? remote_job_list(remote, NULL, error) : NULL;
	if (!jobs)
		return NULL;
	json_t *json = json_object();
	cairn_json_set_string(json, "version", property_text(identity, "version"));
	cairn_json_set(json, "instance", json_null());
	cairn_json_set(json, "uptime-us", json_null());
	cairn_json_set(
		json, "connections",
		json_pack("[{s:s, s:b, s:n}]", "uri", remote->url, "connected", TRUE, "error"));
	cairn_json_set_uint(json, "groups", json_array_size(groups));
	cairn_json_set_uint(json, "points", json_array_size(points));
	cairn_json_set(json, "held-points", json_null());
	cairn_json_set(json, "jobs", count_jobs(jobs));
	cairn_json_set(json, "config", json_object());
	return json;
}

/* ---- the table ---- */

#define REFUSED_MAX 20
#define RECOVERY    "on-failure", "retries", "retry-delay", "recovery", "notify"
#define IMAGES	    "format", "compress", "digest", "rate"
#define RETENTION   "keep-last", "keep-daily", "keep-weekly", "keep-monthly"
#define RUNS	    IMAGES, RETENTION, "consistency", "full", "every", "retries", "retry-delay"

static const struct row {
	const char *name;
	remote_request_fn call;
	const char *refused[REFUSED_MAX]; /* arguments that the classes have no place for */
} rows[] = {
	{"query-version", query_version, {NULL}},
	{"query-status", query_status, {NULL}},
	{"vm-list", remote_vm_list, {NULL}},
	{"group-create", remote_group_create, {NULL}},
	{"group-list", remote_group_list, {NULL}},
	{"group-show", remote_group_show, {NULL}},
	{"group-add", remote_group_add, {NULL}},
	{"group-remove", remote_group_remove, {NULL}},
	{"group-rename", remote_group_rename, {NULL}},
	{"group-delete", remote_group_delete, {NULL}},
	{"point-create", remote_point_create, {"no-barrier", "hold", "priority", RECOVERY}},
	{"point-list", remote_point_list, {NULL}},
	{"point-show", remote_point_show, {NULL}},
	{"point-release", remote_point_release, {NULL}},
	{"point-delete", remote_point_delete, {NULL}},
	{"export", remote_export, {IMAGES, "keep-held", "priority", RECOVERY}},
	{"backup", remote_backup, {IMAGES, "priority", RETENTION, RECOVERY}},
	{"job-list", remote_job_list, {"after"}},
	{"job-show", remote_job_show, {NULL}},
	{"job-errors", remote_job_errors, {NULL}},
	{"job-control", remote_job_control, {NULL}},
	{"job-set", remote_job_set, {"rate"}},
	{"job-remove", remote_job_remove, {NULL}},
	{"schedule-create", remote_schedule_create, {RUNS, "delete-on-completion"}},
	{"schedule-list", remote_schedule_list, {"properties"}},
	{"schedule-show", remote_schedule_show, {NULL}},
	/* Recovery is said once, when one is made; so are its name and folder. The days of the week
	 * are several conditions with cairnd, of which the classes change one. */
	{"schedule-set",
	 remote_schedule_set,
	 {RUNS, "name", "directory", "weekdays", "on-failure", "recovery"}},
	{"schedule-control", remote_schedule_control, {NULL}},
	{"schedule-delete", remote_schedule_delete, {NULL}},
};

static const struct row *
find_row(const char *name)
{
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* The option that sets an argument has its name, but for two. */
static const char *
option_of(const char *argument, const json_t *value)
{
	if (strcmp(argument, "full") == 0 && json_is_false(value))
		return "incremental";
	return strcmp(argument, "keep-last") == 0 ? "keep" : argument;
}

static gboolean
check(const struct row *row, const char *name, const json_t *arguments, GError **error)
{
	const struct request *request = request_find(name);
	if (!row || !request)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "not possible with --host: the classes have no \"%s\"; run it on "
				  "the host itself",
				  name);
	for (guint i = 0; i < REFUSED_MAX && row->refused[i]; i++) {
		const json_t *given = json_object_get(arguments, row->refused[i]);
		if (given && !json_is_null(given))
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "not possible with --host: the classes have no place for "
					  "\"%s\"; leave --%s out, or run this on the host itself",
					  row->refused[i], option_of(row->refused[i], given));
	}
	return request_check(request, arguments, error);
}

json_t *
remote_call(struct remote *remote, const char *request, const json_t *arguments, GError **error)
{
	const struct row *row = find_row(request);
	return check(row, request, arguments, error) ? row->call(remote, arguments, error) : NULL;
}
