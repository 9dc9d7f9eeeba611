/* Schedules of another host: export jobs that wait for their time (CIM_Job.RunMonth and what goes
 * with it), to be read, run and ended. How they are made is in remote_calendar.c. */
#include "cli/remote_private.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/timefmt.h"
#include "core/calendar.h"
#include "core/recovery.h"

#include <string.h>

/* CIM_ConcreteJob.JobState */
enum { STATE_NEW = 2, STATE_RUNNING = 4, STATE_SUSPENDED = 5, STATE_EXCEPTION = 10 };

#define DEGRADED       3 /* OperationalStatus */
#define MONTH_MAX      11
#define RUN_DAY_MAX    31
#define WEEKDAY_MAX    7
#define SUSPENDED_THEN "suspended after it" /* JobStatus of one whose run is the last for now */
#define NINES	       "99999999999999.999999"

/* What schedules name, and those that recovery names. */
struct site {
	json_t *jobs, *schedules, *groups; /* instances; schedules: of the jobs, by name */
};

static void
site_free(struct site *site)
{
	if (!site)
		return;
	json_decref(site->jobs);
	json_decref(site->schedules);
	json_decref(site->groups);
	g_free(site);
}
CAIRN_DEFINE_AUTO(site, site_free)

static int
by_name(const void *a, const void *b)
{
	return g_strcmp0(property_text(*(const json_t *const *)a, "ElementName"),
			 property_text(*(const json_t *const *)b, "ElementName"));
}

static json_t *
pick_schedules(const json_t *jobs)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	json_t *list = json_array();
	size_t i;
	json_t *job;
	json_array_foreach ((json_t *)jobs, i, job)
		if (strcmp(remote_job_kind(job), "schedule") == 0)
			g_ptr_array_add(found, job);
	g_ptr_array_sort(found, by_name);
	for (guint n = 0; n < found->len; n++)
		json_array_append(list, found->pdata[n]);
	return list;
}

static struct site *
look(struct remote *remote, GError **error)
{
	cairn_auto(site) site = g_new0(struct site, 1);
	site->jobs = remote_enumerate(remote, CLASS_EXPORT_JOB, error);
	site->groups = site->jobs ? remote_enumerate(remote, CLASS_GROUP, error) : NULL;
	if (!site->groups)
		return NULL;
	site->schedules = pick_schedules(site->jobs);
	return g_steal_pointer(&site);
}

/* By name or GUID, as cairnd finds them: no name is a GUID. */
static const json_t *
find(const struct site *site, const char *name, GError **error)
{
	const char *key = cairn_guid_valid(name) ? "InstanceID" : "ElementName";
	const json_t *job = find_by(site->schedules, key, name);
	if (!job)
		cairn_fail(error, CAIRN_ERROR_NOT_FOUND,
			   "there is no schedule \"%s\": `cairn schedule list` shows them", name);
	return job;
}

/* ---- when ---- */

/* Zero when it is absent, or no number of the class. */
static gint
property_day(const json_t *job, const char *name, gint max)
{
	const char *text = property_text(job, name);
	gint64 value = 0;
	return text && g_ascii_string_to_signed(text, 10, -max, max, &value, NULL) ? (gint)value
										   : 0;
}

static struct calendar
read_calendar(const json_t *job)
{
	gboolean in_one = property_text(job, "RunMonth") != NULL;
	return (struct calendar){
		.months = in_one ? 1u << MIN(property_uint(job, "RunMonth"), MONTH_MAX) : 0,
		.run_day = property_day(job, "RunDay", RUN_DAY_MAX),
		.run_day_of_week = property_day(job, "RunDayOfWeek", WEEKDAY_MAX),
		.start_us = property_time(job, "RunStartInterval"),
		.utc = property_uint(job, "LocalOrUtcTime") == 2,
	};
}

/* What cairn says of it in the description is the whole of it; of others, what the properties say.
 * NULL: nothing. */
static char *
when_text(const json_t *job, const char *group)
{
	struct calendar calendar = read_calendar(job);
	g_autofree char *head = g_strdup_printf("Backup of group %s: ", group ? group : "");
	const char *text = property_text(job, "Description");
	if (text && g_str_has_prefix(text, head))
		return g_strdup(text + strlen(head));
	return property_text(job, "RunStartInterval") && calendar_check(&calendar, NULL)
		       ? calendar_text(&calendar)
		       : NULL;
}

/* A calendar of which the classes show a part only (several weekdays, every hour) is not known. */
static void
set_calendar(json_t *json, const json_t *job, const char *when)
{
	struct calendar calendar = read_calendar(job);
	gboolean once = !property_text(job, "RunStartInterval");
	g_autofree char *whole =
		!once && calendar_check(&calendar, NULL) ? calendar_text(&calendar) : NULL;
	gboolean known = whole && g_strcmp0(whole, when) == 0;
	gint64 start = 0;
	if (once && when)
		cairn_time_from_iso(when, &start, NULL);
	cairn_json_set_string(json, "calendar-text", once ? "once" : when);
	cairn_json_set(json, "calendar", known ? calendar_to_json(&calendar) : json_null());
	cairn_json_set_bool(json, "start-once", once);
	cairn_json_set_time(json, "start", start);
}

/* The one time that the classes show: ScheduledStartTime. */
static void
set_next(json_t *json, const json_t *job)
{
	guint64 state = property_uint(job, "JobState");
	const char *status = property_text(job, "JobStatus");
	const char *until = property_text(job, "UntilTime");
	gboolean stays =
		state == STATE_NEW ||
		(state == STATE_RUNNING && !(status && g_str_has_suffix(status, SUSPENDED_THEN)));
	json_t *upcoming = json_array();
	cairn_json_set_time(json, "next", property_time(job, "ScheduledStartTime"));
	if (stays && property_text(json, "next"))
		json_array_append(upcoming, json_object_get(json, "next"));
	cairn_json_set(json, "upcoming", upcoming);
	cairn_json_set_time(
		json, "until",
		until && g_str_has_prefix(until, NINES) ? 0 : property_time(job, "UntilTime"));
	cairn_json_set_uint(json, "run-times", property_uint(job, "JobRunTimes"));
}

/* ---- the view ---- */

/* How the newest run ended is told while it is no good end. */
static void
set_state(json_t *json, const json_t *job)
{
	guint64 state = property_uint(job, "JobState");
	g_autoptr(json_t) status = property_list(job, "OperationalStatus");
	const char *first = json_string_value(json_array_get(status, 0));
	gboolean warned = g_strcmp0(first, G_STRINGIFY(DEGRADED)) == 0;
	guint64 last = warned || state == STATE_EXCEPTION ? STATE_EXCEPTION : 0;
	cairn_json_set_uint(json, "state", state);
	cairn_json_set_string(json, "state-name", remote_job_state_name(state));
	cairn_json_set_time(json, "state-changed", property_time(job, "TimeOfLastStateChange"));
	cairn_json_set_string(json, "status", property_text(job, "JobStatus"));
	cairn_json_set(json, "last-state", last ? json_integer((json_int_t)last) : json_null());
	cairn_json_set_string(json, "last-state-name", last ? remote_job_state_name(last) : NULL);
	cairn_json_set_string(json, "error", property_text(job, "ErrorSummaryDescription"));
}

static void
set_recovery(json_t *json, const struct site *site, const json_t *job)
{
	guint64 action = property_uint(job, "RecoveryAction");
	const char *other = property_text(job, "OtherRecoveryAction");
	const json_t *schedule =
		action == RECOVERY_RUN_JOB ? find_by(site->schedules, "InstanceID", other) : NULL;
	gboolean known = action != RECOVERY_UNKNOWN && action < RECOVERY_LAST;
	cairn_json_set_string(json, "recovery-name",
			      known ? recovery_action_name((enum recovery_action)action) : NULL);
	cairn_json_set_string(json, "recovery-schedule", property_text(schedule, "ElementName"));
	cairn_json_set(json, "recovery", json_object());
	cairn_json_set_string(json_object_get(json, "recovery"), "other", other);
}

static void
set_settings(json_t *json, const json_t *job)
{
	cairn_json_set_string(json, "directory", property_text(job, "ExportDirectory"));
	cairn_json_set_string(json, "owner", property_text(job, "Owner"));
	cairn_json_set_time(json, "created", property_time(job, "TimeSubmitted"));
	cairn_json_set_uint(json, "priority", property_uint(job, "Priority"));
	cairn_json_set_uint(json, "keep-us", (guint64)property_time(job, "TimeBeforeRemoval"));
	cairn_json_set_bool(json, "delete-on-completion",
			    g_strcmp0(property_text(job, "DeleteOnCompletion"), "true") == 0);
	cairn_json_set_string(json, "notify", property_text(job, "Notify"));
}

static json_t *
view(const struct site *site, const json_t *job)
{
	static const char *const unknown[] = {
		"runs",	  "job",      "job-number", "late-us",	   "missed",
		"note",	  "last-due", "last-ended", "consistency", "full",
		"format", "compress", "digest",	    "rate-limit",  "retention"};
	const json_t *group =
		find_by(site->groups, "CollectionID", property_text(job, "CollectionId"));
	const char *group_name = property_text(group, "ElementName");
	g_autofree char *when = when_text(job, group_name);
	json_t *json = json_object();
	cairn_json_set_string(json, "id", property_text(job, "InstanceID"));
	cairn_json_set_string(json, "name", property_text(job, "ElementName"));
	cairn_json_set_string(json, "group", property_text(job, "CollectionId"));
	cairn_json_set_string(json, "group-name", group_name);
	set_settings(json, job);
	set_state(json, job);
	set_next(json, job);
	set_calendar(json, job, when);
	set_recovery(json, site, job);
	for (guint i = 0; i < G_N_ELEMENTS(unknown); i++)
		cairn_json_set(json, unknown[i], json_null());
	return json;
}

json_t *
remote_schedule_view(struct remote *remote, const char *id, GError **error)
{
	cairn_auto(site) site = look(remote, error);
	const json_t *job = site ? find(site, id, error) : NULL;
	return job ? view(site, job) : NULL;
}

json_t *
remote_find_schedule(struct remote *remote, const char *name, GError **error)
{
	cairn_auto(site) site = look(remote, error);
	const json_t *job = site ? find(site, name, error) : NULL;
	return json_incref((json_t *)reference_of(job));
}

/* ---- looking ---- */

json_t *
remote_schedule_list(struct remote *remote, const json_t *arguments, GError **error)
{
	const char *name = property_text(arguments, "group");
	g_autoptr(json_t) group = name ? remote_find_group(remote, name, error) : NULL;
	cairn_auto(site) site = !name || group ? look(remote, error) : NULL;
	if (!site)
		return NULL;
	const char *wanted = property_text(group, "CollectionID");
	json_t *list = json_array();
	size_t i;
	json_t *job;
	json_array_foreach (site->schedules, i, job) {
		const char *id = property_text(job, "CollectionId");
		if (!wanted || (id && g_ascii_strcasecmp(id, wanted) == 0))
			json_array_append_new(list, view(site, job));
	}
	return list;
}

/* What its newest run died of, where the host still tells it. */
static void
add_error(struct remote *remote, const json_t *job, json_t *json)
{
	gboolean running = property_uint(job, "JobState") == STATE_RUNNING;
	g_autoptr(json_t) errors = running ? NULL : remote_errors(remote, reference_of(job), NULL);
	const char *text = property_text(json_array_get(errors, 0), "message");
	if (!text)
		return;
	cairn_json_set_string(json, "error", text);
	cairn_json_set_uint(json, "last-state", STATE_EXCEPTION);
	cairn_json_set_string(json, "last-state-name", remote_job_state_name(STATE_EXCEPTION));
}

json_t *
remote_schedule_show(struct remote *remote, const json_t *arguments, GError **error)
{
	cairn_auto(site) site = look(remote, error);
	const json_t *job = site ? find(site, property_text(arguments, "schedule"), error) : NULL;
	json_t *json = job ? view(site, job) : NULL;
	if (json)
		add_error(remote, job, json);
	return json;
}

/* ---- control ---- */

/* Start (2) runs one that waits and resumes one that does not: what was not asked for must not come
 * of it. */
static gboolean
check_start(const json_t *job, const char *action, GError **error)
{
	guint64 state = property_uint(job, "JobState");
	const char *name = property_text(job, "ElementName");
	g_autofree char *is = g_strdup_printf("it is %s", remote_job_state_name(state));
	gboolean run = strcmp(action, "run") == 0;
	if (run && state == STATE_SUSPENDED)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "not possible with --host: schedule \"%s\" is suspended, and the "
				  "classes can only run one that waits; resume it, or run this on "
				  "the host itself",
				  name);
	return run == (state == STATE_NEW) ||
	       cairn_fail(error, CAIRN_ERROR_STATE, "schedule \"%s\" cannot %s: %s", name, action,
			  is);
}

static const char *
requested_state(const json_t *job, const char *action, GError **error)
{
	static const struct {
		const char *action, *state;
	} actions[] = {{"run", "2"}, {"resume", "2"}, {"suspend", "3"}, {"terminate", "4"}};
	guint i = 0;
	while (i < G_N_ELEMENTS(actions) && strcmp(actions[i].action, action) != 0)
		i++;
	if (i == G_N_ELEMENTS(actions)) {
		cairn_fail(error, CAIRN_ERROR_INVALID,
			   "\"%s\" is no action: use run, suspend, resume or terminate", action);
		return NULL;
	}
	gboolean start = strcmp(actions[i].state, "2") == 0;
	return !start || check_start(job, action, error) ? actions[i].state : NULL;
}

static gboolean
request_state(struct remote *remote, const json_t *job, const char *state, GError **error)
{
	g_autoptr(GString) parameters = g_string_new(NULL);
	remote_parameter_text(parameters, "RequestedState", state);
	g_autoptr(json_t) output =
		remote_invoke(remote, reference_of(job), "RequestStateChange", parameters, error);
	return output != NULL;
}

/* The jobs of a schedule's runs show its calendar, its group and its folder. */
static gboolean
is_run_of(const json_t *job, const json_t *schedule)
{
	static const char *const same[] = {"CollectionId",     "ExportDirectory", "RunMonth",
					   "RunDay",	       "RunDayOfWeek",	  "JobRunTimes",
					   "RunStartInterval", "LocalOrUtcTime"};
	if (strcmp(remote_job_kind(job), "export") != 0)
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(same); i++)
		if (g_strcmp0(property_text(job, same[i]), property_text(schedule, same[i])) != 0)
			return FALSE;
	return TRUE;
}

/* The GUID of the run that was not there before; NULL. */
static const char *
new_run(const json_t *before, const json_t *after, const json_t *schedule)
{
	size_t i;
	json_t *job;
	json_array_foreach ((json_t *)after, i, job) {
		const char *id = property_text(job, "InstanceID");
		if (is_run_of(job, schedule) && !find_by(before, "InstanceID", id))
			return id;
	}
	return NULL;
}

json_t *
remote_schedule_control(struct remote *remote, const json_t *arguments, GError **error)
{
	const char *action = property_text(arguments, "action");
	cairn_auto(site) before = look(remote, error);
	const json_t *job =
		before ? find(before, property_text(arguments, "schedule"), error) : NULL;
	const char *state = job ? requested_state(job, action, error) : NULL;
	if (!state || !request_state(remote, job, state, error))
		return NULL;
	cairn_auto(site) after = look(remote, error);
	const json_t *now = after ? find(after, property_text(job, "InstanceID"), error) : NULL;
	json_t *json = now ? view(after, now) : NULL;
	if (json && strcmp(action, "run") == 0)
		cairn_json_set_string(json, "job", new_run(before->jobs, after->jobs, job));
	return json;
}

json_t *
remote_schedule_delete(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) job =
		remote_find_schedule(remote, property_text(arguments, "schedule"), error);
	const json_t *keys = json_object_get(job, "keys");
	return job && remote_delete(remote, CLASS_EXPORT_JOB, keys, error) ? json_object() : NULL;
}

/* Before its points: no other run begins meanwhile. */
gboolean
remote_delete_schedules(struct remote *remote, const char *group, GError **error)
{
	cairn_auto(site) site = look(remote, error);
	size_t i;
	json_t *job;
	if (!site)
		return FALSE;
	json_array_foreach (site->schedules, i, job) {
		const char *of = property_text(job, "CollectionId");
		const json_t *keys = json_object_get(reference_of(job), "keys");
		if (of && g_ascii_strcasecmp(of, group) == 0 &&
		    !remote_delete(remote, CLASS_EXPORT_JOB, keys, error))
			return FALSE;
	}
	return TRUE;
}
