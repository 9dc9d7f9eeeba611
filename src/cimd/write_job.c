/* What of a job clients may write, and making a schedule: CIM_Job's writable properties as
 * arguments of cairnd's requests. cairnd decides what comes of them. */
#include "cimd/model_private.h"

#include "base/json.h"
#include "cim/datetime.h"

#include <string.h>

#define EXPORT_JOB    "Msvm_CollectionReferencePointExportJob"
#define SECONDS_A_DAY 86400

/* @value is set, and checked against the schema. */
typedef gboolean (*put_fn)(const struct cim_value *value, const char *argument, json_t *arguments,
			   GError **error);

static gboolean
put_number(const struct cim_value *value, const char *argument, json_t *arguments, GError **error)
{
	json_int_t number = cim_type_is_signed(value->type) ? (json_int_t)value->u.sint
							    : (json_int_t)value->u.uint;
	cairn_json_set(arguments, argument, json_integer(number));
	return TRUE;
}

static gboolean
put_boolean(const struct cim_value *value, const char *argument, json_t *arguments, GError **error)
{
	cairn_json_set_bool(arguments, argument, value->u.boolean);
	return TRUE;
}

/* Datetimes too: cairnd reads the form of CIM, as some of them are relative to its now. */
static gboolean
put_text(const struct cim_value *value, const char *argument, json_t *arguments, GError **error)
{
	cairn_json_set_string(arguments, argument, value->u.string);
	return TRUE;
}

/* cairnd counts in seconds: a part of one is a whole one. */
static gboolean
put_seconds(const struct cim_value *value, const char *argument, json_t *arguments, GError **error)
{
	struct cim_datetime time;
	if (!cim_datetime_parse(value->u.string, &time, error))
		return FALSE;
	if (!time.is_interval || time.usec < 0)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"TimeBeforeRemoval must be an interval");
	cairn_json_set_uint(arguments, argument,
			    (guint64)((time.usec + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC));
	return TRUE;
}

/* RunMonth counts from 0; the value map was looked at. */
static gboolean
put_month(const struct cim_value *value, const char *argument, json_t *arguments, GError **error)
{
	static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
					     "jul", "aug", "sep", "oct", "nov", "dec"};
	if (value->u.uint >= G_N_ELEMENTS(months))
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "RunMonth is at most 11");
	cairn_json_set(arguments, argument, json_pack("[s]", months[value->u.uint]));
	return TRUE;
}

/* RunStartInterval: since midnight. */
static gboolean
put_time_of_day(const struct cim_value *value, const char *argument, json_t *arguments,
		GError **error)
{
	struct cim_datetime time;
	if (!cim_datetime_parse(value->u.string, &time, error))
		return FALSE;
	gint64 seconds = time.usec / G_USEC_PER_SEC;
	if (!time.is_interval || seconds < 0 || seconds >= SECONDS_A_DAY)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"RunStartInterval must be an interval of less than a day");
	g_autofree char *text = g_strdup_printf("%02d:%02d:%02d", (int)(seconds / 3600),
						(int)(seconds / 60 % 60), (int)(seconds % 60));
	cairn_json_set_string(arguments, argument, text);
	return TRUE;
}

/* LocalOrUtcTime */
static gboolean
put_utc(const struct cim_value *value, const char *argument, json_t *arguments, GError **error)
{
	cairn_json_set_bool(arguments, argument, value->u.uint == 2);
	return TRUE;
}

/* `nothing`: what NULL means, as JSON text; NULL: it must have a value. */
static const struct settable {
	const char *property, *argument;
	put_fn put;
	const char *nothing;
} settable[] = {
	{"ScheduledStartTime", "start", put_text, "\"\""},
	{"JobRunTimes", "times", put_number, "1"},
	{"RunMonth", "months", put_month, "[]"},
	{"RunDay", "day", put_number, "0"},
	{"RunDayOfWeek", "day-of-week", put_number, "0"},
	{"RunStartInterval", "at", put_time_of_day, "\"00:00\""},
	{"LocalOrUtcTime", "utc", put_utc, "false"},
	{"UntilTime", "until", put_text, "\"\""},
	{"Notify", "notify", put_text, "\"\""},
	{"Priority", "priority", put_number, NULL},
	{"DeleteOnCompletion", "delete-on-completion", put_boolean, NULL},
	{"TimeBeforeRemoval", "keep", put_seconds, NULL},
};

static const struct settable *
find_settable(const char *property)
{
	for (guint i = 0; i < G_N_ELEMENTS(settable); i++)
		if (g_ascii_strcasecmp(settable[i].property, property) == 0)
			return &settable[i];
	return NULL;
}

/* ---- what the schema says of values ---- */

static const char *const *
value_map(const struct cim_member *member)
{
	const struct cim_qualifier *map =
		cim_qualifier_find(member->qualifiers, member->qualifier_count, "ValueMap");
	return map ? cim_qualifier_text(map, CIM_LANG_EN) : NULL;
}

/* Numbers that a map names; its ranges are others' reserve. */
static gboolean
check_map(const struct cim_member *member, const struct cim_value *value, GError **error)
{
	const char *const *map = value_map(member);
	g_autoptr(GString) text = g_string_new(NULL);
	cim_value_print(value, text);
	if (!map || g_strv_contains(map, text->str))
		return TRUE;
	g_autofree char *list = g_strjoinv(", ", (char **)map);
	return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "%s is one of: %s", member->name, list);
}

gboolean
write_job_put(const struct cim_member *member, const struct cim_value *value, json_t *arguments,
	      GError **error)
{
	const struct settable *row = find_settable(member->name);
	if (!(member->flags & CIM_MEMBER_WRITE) || !row)
		return cim_fail(error, CIM_ERR_NOT_SUPPORTED, "%s cannot be written", member->name);
	if (!model_check_value(member, value, error))
		return FALSE;
	if (value->is_set)
		return check_map(member, value, error) &&
		       row->put(value, row->argument, arguments, error);
	if (!row->nothing)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "%s must have a value",
				member->name);
	cairn_json_set(arguments, row->argument, json_loads(row->nothing, JSON_DECODE_ANY, NULL));
	return TRUE;
}

void
write_job_of_schedule(json_t *arguments)
{
	json_t *keep = json_object_get(arguments, "keep");
	if (!keep)
		return;
	json_object_set(arguments, "keep-job", keep);
	json_object_del(arguments, "keep");
}

/* ---- making a schedule ---- */

static const char *
text_of(const struct cim_instance *instance, const char *name)
{
	const struct cim_value *value = cim_instance_get(instance, name);
	return value && value->is_set && value->type == CIM_STRING ? value->u.string : NULL;
}

/* CIM_Job.RecoveryAction, which is written once: when the job is made. */
static gboolean
put_recovery(const struct cim_instance *wanted, json_t *arguments, GError **error)
{
	static const char *const actions[] = {NULL,	  "command", "stop",
					      "continue", "retry",   "run-job"};
	const struct cim_value *action = cim_instance_get(wanted, "RecoveryAction");
	if (!action || !action->is_set || action->u.uint == 0)
		return TRUE;
	if (action->u.uint >= G_N_ELEMENTS(actions))
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "RecoveryAction is at most 5");
	cairn_json_set_string(arguments, "on-failure", actions[action->u.uint]);
	cairn_json_set_string(arguments, "recovery", text_of(wanted, "OtherRecoveryAction"));
	return TRUE;
}

static gboolean
put_all(const struct cim_instance *wanted, json_t *arguments, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(settable); i++) {
		int place = cim_class_property(wanted->class, settable[i].property);
		const struct cim_value *value = cim_instance_get(wanted, settable[i].property);
		if (place >= 0 && value && value->is_set &&
		    !write_job_put(&wanted->class->properties[place], value, arguments, error))
			return FALSE;
	}
	return put_recovery(wanted, arguments, error);
}

static gboolean
schedule_arguments(const struct model *model, const struct cim_instance *wanted, json_t *arguments,
		   GError **error)
{
	const char *group = text_of(wanted, "CollectionId");
	const char *directory = text_of(wanted, "ExportDirectory");
	if (!group || !mirror_group(model->mirror, group))
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"CollectionId must be the InstanceID of a collection");
	if (!directory)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"ExportDirectory must have a value");
	cairn_json_set_string(arguments, "group", group);
	cairn_json_set_string(arguments, "directory", directory);
	cairn_json_set_string(arguments, "name", text_of(wanted, "ElementName"));
	if (!put_all(wanted, arguments, error))
		return FALSE;
	if (!json_object_get(arguments, "times"))
		cairn_json_set_uint(arguments, "times", 1); /* JobRunTimes' default */
	write_job_of_schedule(arguments);
	return TRUE;
}

/* The event that tells of it came before the answer: the mirror has it. */
static void
on_created(struct run *run, const json_t *value, const GError *error)
{
	const char *id = json_string_value(json_object_get(value, "id"));
	struct object object = {.type = OBJECT_JOB};
	if (error) {
		run_fail(run, g_error_copy(error));
		return;
	}
	object.job = mirror_job(run->model->mirror, id);
	if (object.job)
		run->reply.instance = object_instance(run->model, run->ns, &object);
	if (run->reply.instance)
		run_end(run);
	else
		run_refuse(run, CIM_ERR_FAILED, "the schedule was made, but is gone already");
}

void
run_create(struct run *run)
{
	GError *error = NULL;
	const struct cim_instance *wanted = run->op->instance;
	if (!wanted || g_ascii_strcasecmp(wanted->class->name, EXPORT_JOB) != 0) {
		run_refuse(run, CIM_ERR_NOT_SUPPORTED,
			   "objects of class \"%s\" are made by methods",
			   wanted ? wanted->class->name : "");
		return;
	}
	json_t *arguments = json_object();
	if (schedule_arguments(run->model, wanted, arguments, &error)) {
		run_request(run, "schedule-create", arguments, on_created);
		return;
	}
	json_decref(arguments);
	run_fail(run, error);
}
