/* Jobs of another host. */
#include "cli/remote_private.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/timefmt.h"
#include "cli/watch.h"

#include <string.h>

/* ---- reading ---- */

static json_t *
get_job(struct remote *remote, const char *id, GError **error)
{
	static const char *const classes[] = {CLASS_EXPORT_JOB, CLASS_JOB};
	g_autoptr(json_t) keys = json_pack("{s:s}", "InstanceID", id);
	for (guint i = 0; i < G_N_ELEMENTS(classes); i++) {
		g_autoptr(GError) local = NULL;
		json_t *job = remote_get(remote, classes[i], keys, &local);
		if (job)
			return job;
		if (!g_error_matches(local, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND)) {
			g_propagate_error(error, g_steal_pointer(&local));
			return NULL;
		}
	}
	cairn_fail(error, CAIRN_ERROR_NOT_FOUND,
		   "there is no job \"%s\" (ended jobs are kept for a while only)", id);
	return NULL;
}

/* Numbers are cairnd's own; over CIM a job has its GUID alone. */
static const char *
job_argument(const json_t *arguments, GError **error)
{
	const char *name = property_text(arguments, "job");
	if (name && cairn_guid_valid(name))
		return name;
	cairn_fail(error, CAIRN_ERROR_INVALID,
		   "not possible with --host: jobs have no numbers there; name \"%s\" by the GUID "
		   "that `cairn job list' shows",
		   name);
	return NULL;
}

/* ---- the view ---- */

static const struct {
	guint64 state;
	const char *name;
	gboolean final;
} states[] = {
	{2, "new", FALSE},
	{3, "starting", FALSE},
	{4, "running", FALSE},
	{5, "suspended", FALSE},
	{6, "shutting down", FALSE},
	{7, "completed", TRUE},
	{8, "terminated", TRUE},
	{9, "killed", TRUE},
	{10, "exception", TRUE},
	{11, "service", FALSE},
	{32768, "completed with warnings", TRUE},
};

static guint
find_state(guint64 state)
{
	guint i = 0;
	while (i < G_N_ELEMENTS(states) && states[i].state != state)
		i++;
	return i;
}

const char *
remote_job_state_name(guint64 state)
{
	guint i = find_state(state);
	return i < G_N_ELEMENTS(states) ? states[i].name : "unknown";
}

static gboolean
is_final(guint64 state)
{
	guint i = find_state(state);
	return i < G_N_ELEMENTS(states) && states[i].final;
}

/* "Export of reference point web@3": the last word, when it is a point's name. */
static const char *
point_name(const json_t *job)
{
	const char *text = property_text(job, "ElementName");
	const char *space = text ? strrchr(text, ' ') : NULL;
	return space && strchr(space, '@') ? space + 1 : NULL;
}

/* Name tells it; the class, for those who leave that out. */
const char *
remote_job_kind(const json_t *job)
{
	static const char *const kinds[] = {"export", "point-create", "retain", "schedule", NULL};
	const char *name = property_text(job, "Name");
	gboolean export = g_strcmp0(property_text(job, "__CLASS"), CLASS_EXPORT_JOB) == 0;
	if (name && g_strv_contains(kinds, name))
		return name;
	return export ? "export" : "point-create";
}

/* "Backup of group web: mon-fri at 02:00"; names have no colon. */
static char *
group_of_schedule(const json_t *job)
{
	static const char begin[] = "Backup of group ";
	const char *text = property_text(job, "Description");
	if (!text || !g_str_has_prefix(text, begin))
		return NULL;
	text += strlen(begin);
	return g_strndup(text, strcspn(text, ":"));
}

/* Of the point, or of "Removal of old exports of web". */
static char *
group_name(const json_t *job, const char *point)
{
	const char *at = point ? strrchr(point, '@') : NULL, *kind = remote_job_kind(job);
	const char *text = property_text(job, "ElementName");
	const char *space = text ? strrchr(text, ' ') : NULL;
	if (at)
		return g_strndup(point, (gsize)(at - point));
	if (strcmp(kind, "retain") == 0)
		return g_strdup(space ? space + 1 : NULL);
	return strcmp(kind, "schedule") == 0 ? group_of_schedule(job) : NULL;
}

static void
set_names(json_t *json, const json_t *job)
{
	const char *name = point_name(job);
	g_autofree char *group = group_name(job, name);
	cairn_json_set_string(json, "group", property_text(job, "CollectionId"));
	cairn_json_set_string(json, "group-name", group);
	cairn_json_set_string(json, "point", property_text(job, "ReferencePointGroupId"));
	cairn_json_set_string(json, "point-name", name);
}

/* What follows the health and what the job does: reasons of full exports go with their disks, the
 * rest are warnings. */
#define FULL_MARK " exported in full: "

static json_t *
view_warnings(const json_t *job)
{
	g_autoptr(json_t) texts = property_list(job, "StatusDescriptions");
	static const char *const words[] = {"Completed", "Starting",   "Stopping",
					    "Stopped",	 "In Service", NULL};
	json_t *warnings = json_array();
	for (size_t i = 1; i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));
		if (text && !g_strv_contains(words, text) && !strstr(text, FULL_MARK))
			json_array_append_new(warnings, json_string(text));
	}
	return warnings;
}

/* "Cairn:VM\TARGET", of jobs that have ended. */
static json_t *
view_disks(const json_t *job)
{
	g_autoptr(json_t) ids = property_list(job, "ExportedDisks");
	json_t *disks = json_array();
	size_t i;
	json_t *item;
	json_array_foreach (ids, i, item) {
		const char *id = json_string_value(item);
		const char *colon = id ? strchr(id, ':') : NULL;
		const char *slash = colon ? strchr(colon, '\\') : NULL;
		if (!slash)
			continue;
		g_autofree char *vm = g_strndup(colon + 1, (gsize)(slash - colon - 1));
		json_t *disk = json_object();
		cairn_json_set_string(disk, "vm", vm);
		cairn_json_set_string(disk, "target", slash + 1);
		json_array_append_new(disks, disk);
	}
	return disks;
}

static void
set_times(json_t *json, const json_t *job, gboolean ended)
{
	gint64 submitted = property_time(job, "TimeSubmitted");
	cairn_json_set_time(json, "submitted", submitted);
	cairn_json_set_time(json, "started", property_time(job, "StartTime"));
	cairn_json_set_time(json, "ended", ended ? property_time(job, "TimeOfLastStateChange") : 0);
	cairn_json_set_uint(json, "elapsed-us", (guint64)property_time(job, "ElapsedTime"));
}

static json_t *
view_job(const json_t *job)
{
	static const char *const unknown[] = {"number", "done-bytes", "total-bytes", "rate",
					      "rate-limit"};
	const guint64 state = property_uint(job, "JobState");
	const gboolean ended = is_final(state);
	json_t *json = json_object();
	cairn_json_set_string(json, "id", property_text(job, "InstanceID"));
	for (guint i = 0; i < G_N_ELEMENTS(unknown); i++)
		cairn_json_set(json, unknown[i], json_null());
	cairn_json_set_string(json, "kind", remote_job_kind(job));
	cairn_json_set_uint(json, "state", state);
	cairn_json_set_string(json, "state-name", remote_job_state_name(state));
	cairn_json_set_string(json, "phase", ended ? "ended" : NULL);
	cairn_json_set_string(json, "status", property_text(job, "JobStatus"));
	set_names(json, job);
	cairn_json_set_string(json, "base", property_text(job, "BaseReferencePointGroupId"));
	cairn_json_set_string(json, "directory", property_text(job, "ExportDirectory"));
	cairn_json_set_string(json, "owner", property_text(job, "Owner"));
	cairn_json_set_uint(json, "priority", property_uint(job, "Priority"));
	cairn_json_set_uint(json, "percent", property_uint(job, "PercentComplete"));
	cairn_json_set_bool(json, "cancellable",
			    g_strcmp0(property_text(job, "Cancellable"), "true") == 0);
	set_times(json, job, ended);
	cairn_json_set_string(json, "error", property_text(job, "ErrorSummaryDescription"));
	cairn_json_set(json, "warnings", view_warnings(job));
	cairn_json_set(json, "disks", view_disks(job));
	return json;
}

/* As cairnd has them: numbers, booleans and arrays by the classes' types. */
static json_t *
view_properties(const json_t *job)
{
	static const char *const arrays[] = {"OperationalStatus",
					     "StatusDescriptions",
					     "VirtualMachineId",
					     "ExportedDisks",
					     "ExportedLogFilePaths",
					     "ExportedConfigFilePaths",
					     "ExportedRuntimeFilePaths",
					     "ExportedGuestStateFilePaths",
					     NULL};
	static const char *const numbers[] = {"HealthState",	 "CommunicationStatus",
					      "DetailedStatus",	 "OperatingStatus",
					      "PrimaryStatus",	 "JobRunTimes",
					      "LocalOrUtcTime",	 "Priority",
					      "PercentComplete", "RecoveryAction",
					      "JobState",	 "ErrorCode",
					      "JobType",	 NULL};
	json_t *json = json_object();
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)job, name, value) {
		if (g_str_has_prefix(name, "__"))
			continue;
		const char *text = json_string_value(value);
		if (g_strv_contains(arrays, name))
			json_object_set_new(json, name, property_list(job, name));
		else if (text && g_strv_contains(numbers, name))
			cairn_json_set_uint(json, name, property_uint(job, name));
		else if (g_strcmp0(text, "true") == 0 || g_strcmp0(text, "false") == 0)
			cairn_json_set_bool(json, name, strcmp(text, "true") == 0);
		else
			json_object_set(json, name, value);
	}
	return json;
}

/* "NAME:TARGET exported in full: REASON" among the job's texts; NULL when there is none. */
static const char *
full_reason(const json_t *texts, const char *name, const char *target)
{
	g_autofree char *head = g_strdup_printf("%s:%s" FULL_MARK, name, target);
	for (size_t i = 0; i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));
		if (text && g_str_has_prefix(text, head))
			return text + strlen(head);
	}
	return NULL;
}

/* Of a job's view, with all machines and points of the host: what jobs themselves do not name. A
 * point's creation names neither its group nor its point, disks only the machine's GUID. */
static void
fill_names(json_t *view, const json_t *job, const json_t *points, const json_t *vms)
{
	const json_t *point =
		property_text(view, "point")
			? NULL
			: find_by(points, "ElementName", property_text(view, "point-name"));
	g_autoptr(json_t) texts = property_list(job, "StatusDescriptions");
	size_t i;
	json_t *disk;
	if (point) {
		json_object_set(view, "point", json_object_get(point, "CollectionID"));
		json_object_set(view, "group", json_object_get(point, "VirtualSystemCollectionId"));
	}
	json_array_foreach (json_object_get(view, "disks"), i, disk) {
		const char *name = property_text(find_by(vms, "Name", property_text(disk, "vm")),
						 "ElementName");
		const char *why =
			name ? full_reason(texts, name, property_text(disk, "target")) : NULL;
		gboolean full = why || !property_text(view, "base");
		cairn_json_set_string(disk, "vm-name", name);
		cairn_json_set_string(disk, "kind", full ? "full" : "incremental");
		cairn_json_set_string(disk, "reason", why);
	}
}

json_t *
remote_job_view(struct remote *remote, const char *id, GError **error)
{
	g_autoptr(json_t) job = get_job(remote, id, error);
	if (!job)
		return NULL;
	json_t *view = view_job(job);
	if (job_ended(view)) {
		g_autoptr(json_t) points = remote_enumerate(remote, CLASS_POINT, NULL);
		g_autoptr(json_t) vms = remote_list_vms(remote, NULL);
		fill_names(view, job, points, vms);
	}
	cairn_json_set(view, "properties", view_properties(job));
	return view;
}

json_t *
remote_job_wait(struct remote *remote, const char *id, GError **error)
{
	for (;;) {
		json_t *view = remote_job_view(remote, id, error);
		if (!view || job_ended(view))
			return view;
		json_decref(view);
		g_usleep(REMOTE_POLL_USEC);
	}
}

json_t *
remote_job_show(struct remote *remote, const json_t *arguments, GError **error)
{
	const char *id = job_argument(arguments, error);
	return id ? remote_job_view(remote, id, error) : NULL;
}

const char *
remote_job_id(const json_t *output, GError **error)
{
	const char *id = property_key(output, "Job", "InstanceID");
	if (!id)
		cairn_fail(error, CAIRN_ERROR_IO, "the host began no job");
	return id;
}

/* ---- lists ---- */

static int
by_time(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;
	gint64 s = property_time(*x, "TimeSubmitted"), t = property_time(*y, "TimeSubmitted");
	return (s > t) - (s < t);
}

/* Oldest first. */
static json_t *
sorted(const json_t *list)
{
	const gsize count = json_array_size(list);
	g_autofree json_t **items = g_new(json_t *, MAX(count, 1));
	json_t *result = json_array();
	for (gsize i = 0; i < count; i++)
		items[i] = json_array_get(list, i);
	qsort(items, count, sizeof(*items), by_time);
	for (gsize i = 0; i < count; i++)
		json_array_append(result, items[i]);
	return result;
}

/* Another server may list the one class with the other: each job counts once. Schedules have a list
 * of their own. */
static json_t *
list_jobs(struct remote *remote, GError **error)
{
	g_autoptr(json_t) exports = remote_enumerate(remote, CLASS_EXPORT_JOB, error);
	g_autoptr(json_t) others = exports ? remote_enumerate(remote, CLASS_JOB, error) : NULL;
	size_t i;
	json_t *job;
	if (!others)
		return NULL;
	json_array_foreach (others, i, job)
		if (g_strcmp0(property_text(job, "__CLASS"), CLASS_EXPORT_JOB) != 0)
			json_array_append(exports, job);
	for (i = json_array_size(exports); i-- > 0;)
		if (strcmp(remote_job_kind(json_array_get(exports, i)), "schedule") == 0)
			json_array_remove(exports, i);
	return sorted(exports);
}

static gboolean
is_of_group(const json_t *view, const json_t *group)
{
	const char *id = property_text(view, "group");
	const char *wanted = property_text(group, "CollectionID");
	if (id && wanted)
		return g_ascii_strcasecmp(id, wanted) == 0;
	return g_strcmp0(property_text(view, "group-name"), property_text(group, "ElementName")) ==
	       0;
}

static void
keep_last(json_t *list, json_int_t limit)
{
	while (limit > 0 && json_array_size(list) > (size_t)limit)
		json_array_remove(list, 0);
}

/* What a list is asked for. */
struct filter {
	const json_t *group; /* an instance, or NULL */
	gboolean active, whole;
};

static json_t *
view_list(const json_t *jobs, const json_t *points, const json_t *vms, const struct filter *filter)
{
	json_t *list = json_array();
	size_t i;
	json_t *job;
	json_array_foreach ((json_t *)jobs, i, job) {
		json_t *view = view_job(job);
		fill_names(view, job, points, vms);
		if (filter->whole)
			cairn_json_set(view, "properties", view_properties(job));
		if ((!filter->active || !job_ended(view)) &&
		    (!filter->group || is_of_group(view, filter->group)))
			json_array_append(list, view);
		json_decref(view);
	}
	return list;
}

json_t *
remote_job_list(struct remote *remote, const json_t *arguments, GError **error)
{
	const char *name = property_text(arguments, "group");
	g_autoptr(json_t) group = name ? remote_find_group(remote, name, error) : NULL;
	g_autoptr(json_t) jobs = !name || group ? list_jobs(remote, error) : NULL;
	g_autoptr(json_t) points = jobs ? remote_enumerate(remote, CLASS_POINT, error) : NULL;
	g_autoptr(json_t) vms = points ? remote_list_vms(remote, error) : NULL;
	struct filter filter = {
		.group = group,
		.active = json_is_true(json_object_get(arguments, "active")),
		.whole = json_is_true(json_object_get(arguments, "properties")),
	};
	if (!vms)
		return NULL;
	json_t *list = view_list(jobs, points, vms, &filter);
	keep_last(list, json_integer_value(json_object_get(arguments, "limit")));
	return list;
}

json_t *
remote_exports(struct remote *remote, GError **error)
{
	g_autoptr(json_t) jobs = remote_enumerate(remote, CLASS_EXPORT_JOB, error);
	json_t *list = jobs ? json_array() : NULL;
	size_t i;
	json_t *job;
	json_array_foreach (jobs, i, job) {
		guint64 state = property_uint(job, "JobState");
		if (state == JOB_COMPLETED || state == JOB_WARNINGS)
			json_array_append(list, job);
	}
	return list;
}
