/* Jobs: cairnd tells the properties of the export job's class by their own names (job-show); here
 * stands what the other job class adds, and what clients must not see. */
#include "cimd/model_private.h"

/* CIM_ConcreteJob.JobState */
enum {
	STATE_RUNNING = 4,
	STATE_SUSPENDED = 5,
	STATE_COMPLETED = 7,
	STATE_EXCEPTION = 10,
	STATE_SERVICE = 11,
};
#define STATE_WARNINGS 32768 /* completed with warnings, in the vendor's range */

static struct cim_value
told(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	return bind_value(json_object_get(source->part, member->name), member);
}

/* Most clients poll while the state is 4 and take anything else for the end: a job that waits, is
 * being started or is being stopped reads as running. */
static struct cim_value
job_state(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	json_int_t state = json_integer_value(json_object_get(source->part, member->name));
	const char *kind = json_string_value(json_object_get(source->json, "kind"));
	if (g_strcmp0(kind, "schedule") == 0) /* nobody polls one to its end: New is what it is */
		return cim_uint(CIM_UINT16, (guint64)state);
	gboolean final =
		(state >= STATE_COMPLETED && state <= STATE_EXCEPTION) || state == STATE_WARNINGS;
	gboolean held = state == STATE_SUSPENDED || state == STATE_SERVICE;
	return cim_uint(CIM_UINT16, final || held ? (guint64)state : STATE_RUNNING);
}

static const struct bind_property job_rows[] = {
	{"InstanceID", told, NULL},
	{"Caption", told, NULL},
	{"Description", told, NULL},
	{"ElementName", told, NULL},
	{"InstallDate", told, NULL},
	{"Name", told, NULL},
	{"OperationalStatus", told, NULL},
	{"StatusDescriptions", told, NULL},
	{"Status", told, NULL},
	{"HealthState", told, NULL},
	{"CommunicationStatus", told, NULL},
	{"DetailedStatus", told, NULL},
	{"OperatingStatus", told, NULL},
	{"PrimaryStatus", told, NULL},
	{"JobStatus", told, NULL},
	{"TimeSubmitted", told, NULL},
	{"ScheduledStartTime", told, NULL},
	{"StartTime", told, NULL},
	{"ElapsedTime", told, NULL},
	{"JobRunTimes", told, NULL},
	{"RunMonth", told, NULL},
	{"RunDay", told, NULL},
	{"RunDayOfWeek", told, NULL},
	{"RunStartInterval", told, NULL},
	{"LocalOrUtcTime", told, NULL},
	{"UntilTime", told, NULL},
	{"Notify", told, NULL},
	{"Owner", told, NULL},
	{"Priority", told, NULL},
	{"PercentComplete", told, NULL},
	{"DeleteOnCompletion", told, NULL},
	{"ErrorCode", told, NULL},
	{"ErrorDescription", told, NULL},
	{"RecoveryAction", told, NULL},
	{"OtherRecoveryAction", told, NULL},
	{"JobState", job_state, NULL},
	{"TimeOfLastStateChange", told, NULL},
	{"TimeBeforeRemoval", told, NULL},
	{"Cancellable", told, NULL},
	{"ErrorSummaryDescription", told, NULL},
	{0},
};

static const struct bind_property export_rows[] = {
	{"CollectionId", told, NULL},
	{"ReferencePointGroupId", told, NULL},
	{"BaseReferencePointGroupId", told, NULL},
	{"VirtualMachineId", told, NULL},
	{"ExportDirectory", told, NULL},
	{"ExportedDisks", told, NULL},
	{"ExportedLogFilePaths", told, NULL},
	{"ExportedConfigFilePaths", told, NULL},
	{"ExportedRuntimeFilePaths", told, NULL},
	{"ExportedGuestStateFilePaths", told, NULL},
	{0},
};

/* 205: a reference point of a collection is made; 204: data of one is removed. */
static struct cim_value
job_type(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	const char *kind = json_string_value(json_object_get(source->json, "kind"));
	return cim_uint(CIM_UINT16, g_strcmp0(kind, "retain") == 0 ? 204 : 205);
}

static const struct bind_property concrete_rows[] = {
	{"JobType", job_type, NULL},
	{0},
};

const struct bind_class bind_export_job = {
	"Msvm_CollectionReferencePointExportJob",
	{job_rows, export_rows},
};
const struct bind_class bind_concrete_job = {
	"Msvm_ConcreteJob",
	{job_rows, concrete_rows},
};

struct cim_instance *
bind_job_instance(const struct model *model, const json_t *job)
{
	const char *kind = json_string_value(json_object_get(job, "kind"));
	struct bind_source source = {
		.model = model,
		.json = job,
		.part = json_object_get(job, "properties"),
	};
	gboolean export = g_strcmp0(kind, "export") == 0 || g_strcmp0(kind, "schedule") == 0;
	return bind_build(export ? &bind_export_job : &bind_concrete_job, &source);
}

static void
list_jobs(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	const GPtrArray *jobs = mirror_jobs(model->mirror);
	for (guint i = 0; i < jobs->len; i++) {
		struct object object = {.type = OBJECT_JOB, .job = jobs->pdata[i]};
		g_array_append_val(ret, object);
	}
}

static gboolean
find_job(const struct model *model, const struct cim_path *path, struct object *ret)
{
	const char *id = object_key(path, "InstanceID");
	const struct mirror_job *job = mirror_job(model->mirror, id);
	*ret = (struct object){.type = OBJECT_JOB, .job = job};
	return job != NULL;
}

static struct cim_instance *
job_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	return mirror_job_instance(model->mirror, object->job);
}

const struct object_driver job_driver = {
	.classes = {"Msvm_CollectionReferencePointExportJob", "Msvm_ConcreteJob"},
	.list = list_jobs,
	.key = "InstanceID",
	.find = find_job,
	.instance = job_instance,
};
