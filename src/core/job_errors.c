/* What went wrong with a job: kept in few words, told with all that the catalogue knows. */
#include "core/job.h"

#include "base/json.h"
#include "core/messages.h"

#include <string.h>

void
job_add_error(struct job *job, const GError *error, const char *vm, const char *disk)
{
	if (job->errors->len >= JOB_MESSAGES_MAX)
		return;
	struct job_error *item = g_new0(struct job_error, 1);
	item->code = cairn_error_code(error);
	item->message = g_strdup(error->message);
	item->vm = g_strdup(vm);
	item->disk = g_strdup(disk);
	g_ptr_array_add(job->errors, item);
}

static json_t *
error_to_json(const struct job_error *error)
{
	json_t *item = json_object();
	cairn_json_set_string(item, "class", cairn_error_class(error->code));
	cairn_json_set_uint(item, "code", cairn_error_job_code(error->code));
	cairn_json_set_string(item, "message", error->message);
	cairn_json_set_string(item, "vm", error->vm);
	cairn_json_set_string(item, "disk", error->disk);
	return item;
}

json_t *
job_errors_to_json(const struct job *job)
{
	json_t *errors = json_array();
	for (guint i = 0; i < job->errors->len; i++)
		json_array_append_new(errors, error_to_json(job->errors->pdata[i]));
	return errors;
}

/* ---- for people and CIM_Error ---- */

static void
set_remedy(json_t *json, const struct message_remedy *remedy)
{
	json_t *actions = json_array();
	for (guint i = 0; remedy->actions[i]; i++)
		json_array_append_new(actions, json_string(remedy->actions[i]));
	cairn_json_set_uint(json, "type", remedy->type);
	cairn_json_set_uint(json, "severity", remedy->severity);
	cairn_json_set_uint(json, "cause", remedy->cause);
	cairn_json_set_string(json, "cause-description", remedy->cause_text);
	cairn_json_set_string(json, "action", remedy->actions[0]);
	cairn_json_set(json, "actions", actions);
}

/* What it is about: a disk, a machine, or the job itself. */
static void
set_source(json_t *json, const struct job *job, const struct job_error *error)
{
	g_autofree char *disk =
		error->vm && error->disk ? point_disk_instance_id(error->vm, error->disk) : NULL;
	cairn_json_set_string(json, "source", disk ? disk : error->vm ? error->vm : job->id);
}

static json_t *
error_view(const struct job *job, const struct job_error *error)
{
	char id[MESSAGE_ID_LEN + 1];
	g_auto(GStrv) arguments = NULL;
	const struct message_row *row = message_find(error->code, error->message, &arguments);
	json_t *json = error_to_json(error);
	message_id(row, id);
	cairn_json_set_string(json, "message-id", id);
	cairn_json_set_strv(json, "arguments", arguments);
	set_remedy(json, message_remedy(row, error->code));
	set_source(json, job, error);
	return json;
}

json_t *
job_errors_view(const struct job *job)
{
	json_t *errors = json_array();
	for (guint i = 0; i < job->errors->len; i++)
		json_array_append_new(errors, error_view(job, job->errors->pdata[i]));
	return errors;
}
