/* The CIM view of a job; the comments name the rule behind each value that is not plain. */
#include "core/job_cim.h"

#include "base/error.h"
#include "base/json.h"
#include "core/job_status.h"
#include "core/schedule_cim.h"

static gboolean
failed(const struct job *job)
{
	return job->phase == PHASE_ENDED && job->outcome != 0;
}

static void
set_element(json_t *json, const struct job *job)
{
	static const struct {
		const char *caption, *description;
	} texts[JOB_KIND_LAST] = {
		[JOB_POINT_CREATE] = {"Create reference point", "Creation of reference point"},
		[JOB_EXPORT] = {"Export reference point", "Export of reference point"},
		[JOB_RETAIN] = {"Remove old exports", "Removal of old exports of"},
	};
	const char *what = job->kind == JOB_RETAIN ? job->group_name : job->point_name;
	g_autofree char *description = g_strdup_printf("%s %s", texts[job->kind].description, what);
	cairn_json_set_string(json, "InstanceID", job->id);
	cairn_json_set_string(json, "Caption", texts[job->kind].caption);
	cairn_json_set_string(json, "Description", description);
	cairn_json_set_string(json, "ElementName", description);
	cairn_json_set_string(json, "Name", job_kind_name(job->kind));
	cairn_json_set_time_cim(json, "InstallDate", job->submitted);
}

/* In full although a base was asked for; a job that has ended otherwise did not come to do it. */
static gboolean
is_worth_telling(const struct job *job, const struct job_disk *disk)
{
	return disk->reason && (job->phase != PHASE_ENDED || disk->status == UNIT_DONE);
}

/* What a person should know of a good end: the warnings, and why disks were copied in full. */
static void
set_status(json_t *json, const struct job *job)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	for (guint i = 0; i < job->warnings->len; i++)
		g_strv_builder_add(builder, job->warnings->pdata[i]);
	for (guint i = 0; i < job->disks->len; i++) {
		const struct job_disk *disk = job->disks->pdata[i];
		g_autofree char *text = g_strdup_printf("%s:%s exported in full: %s", disk->vm_name,
							disk->target, disk->reason);
		if (is_worth_telling(job, disk))
			g_strv_builder_add(builder, text);
	}
	g_auto(GStrv) more = g_strv_builder_end(builder);
	job_status_put(json, job_status(job), more);
	g_autofree char *text = job_status_text(job);
	cairn_json_set_string(json, "JobStatus", text);
}

/* Without a schedule a job runs once. */
static void
set_calendar(json_t *json, const struct job *job, const struct schedule *schedule)
{
	struct schedule once = {.run_times = 1, .start_once = TRUE};
	schedule_cim_calendar(json, schedule ? schedule : &once);
	cairn_json_set_time_cim(json, "ScheduledStartTime", job->due ? job->due : job->submitted);
}

static void
set_job(json_t *json, const struct job *job, const struct schedule *schedule, gint64 now)
{
	cairn_json_set_time_cim(json, "TimeSubmitted", job->submitted);
	cairn_json_set_time_cim(json, "StartTime", job->started);
	cairn_json_set_interval_cim(json, "ElapsedTime", job_elapsed(job, now));
	set_calendar(json, job, schedule);
	cairn_json_set_string(json, "Owner", job->owner);
	cairn_json_set_uint(json, "Priority", MIN(job->priority, G_MAXUINT32)); /* uint32 */
	cairn_json_set_uint(json, "PercentComplete", job_percent(job));
	cairn_json_set_bool(json, "DeleteOnCompletion", job->delete_on_completion);
	cairn_json_set_uint(json, "RecoveryAction", job->recovery.action);
	cairn_json_set_string(json, "OtherRecoveryAction", job->recovery.other);
	cairn_json_set_string(json, "Notify", job->notify);
	cairn_json_set_uint(json, "JobState", job->state);
	if (job->state_changed)
		cairn_json_set_time_cim(json, "TimeOfLastStateChange", job->state_changed);
	else /* "if the state never changed": the zero interval */
		cairn_json_set_interval_cim(json, "TimeOfLastStateChange", 0);
	cairn_json_set_interval_cim(json, "TimeBeforeRemoval", job->keep_us);
	cairn_json_set_bool(json, "Cancellable", job_cancellable(job));
}

static char *
all_errors(const struct job *job)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0; i < job->errors->len; i++) {
		const struct job_error *error = job->errors->pdata[i];
		g_string_append_printf(text, "%s%s", i ? "\n" : "", error->message);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* While it runs there is no error to tell, even if it is failing: the final state, the error and
 * the lists change together. */
static void
set_error(json_t *json, const struct job *job)
{
	const struct job_error *first = job->errors->len ? job->errors->pdata[0] : NULL;
	if (!failed(job) || !first) {
		cairn_json_set_uint(json, "ErrorCode", 0);
		cairn_json_set(json, "ErrorDescription", json_null());
		cairn_json_set(json, "ErrorSummaryDescription", json_null());
		return;
	}
	g_autofree char *all = all_errors(job);
	cairn_json_set_uint(json, "ErrorCode", cairn_error_job_code(first->code));
	cairn_json_set_string(json, "ErrorDescription", all);
	cairn_json_set_string(json, "ErrorSummaryDescription", first->message);
}

/* The files have their final names a little before the job has its final state: until then they are
 * not told, as they may still be undone. */
static void
set_results(json_t *json, const struct job *job)
{
	gboolean over = job->phase == PHASE_ENDED;
	cairn_json_set_strv(json, "VirtualMachineId", over ? job->vm_ids : NULL);
	cairn_json_set_strv(json, "ExportedDisks", over ? job->exported_disks : NULL);
	cairn_json_set_strv(json, "ExportedLogFilePaths", over ? job->log_files : NULL);
	cairn_json_set_strv(json, "ExportedConfigFilePaths", over ? job->config_files : NULL);
	cairn_json_set_strv(json, "ExportedRuntimeFilePaths", over ? job->runtime_files : NULL);
	cairn_json_set_strv(json, "ExportedGuestStateFilePaths", over ? job->state_files : NULL);
}

json_t *
job_cim_properties(const struct job *job, const struct schedule *schedule, gint64 now)
{
	json_t *json = json_object();
	set_element(json, job);
	set_status(json, job);
	set_job(json, job, schedule, now);
	set_error(json, job);
	cairn_json_set_string(json, "CollectionId", job->group);
	cairn_json_set_string(json, "ReferencePointGroupId", job->point);
	cairn_json_set_string(json, "BaseReferencePointGroupId", job->base_point);
	cairn_json_set_string(json, "ExportDirectory", job->directory);
	set_results(json, job);
	return json;
}
