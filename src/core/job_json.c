/* The JSON of a job: for the store (job_to_json, job_from_json) and for people (job_view). One
 * table of plain fields serves writing and reading. */
#include "base/error.h"
#include "base/json.h"
#include "base/json_fields.h"
#include "core/job.h"

#define AT(member) G_STRUCT_OFFSET(struct job, member)

static const struct json_field fields[] = {
	{"number", JSON_FIELD_NUMBER, AT(number)},
	{"group", JSON_FIELD_TEXT, AT(group)},
	{"group-name", JSON_FIELD_TEXT, AT(group_name)},
	{"point", JSON_FIELD_TEXT, AT(point)},
	{"point-name", JSON_FIELD_TEXT, AT(point_name)},
	{"base", JSON_FIELD_TEXT, AT(base)},
	{"base-point", JSON_FIELD_TEXT, AT(base_point)},
	{"after", JSON_FIELD_TEXT, AT(after)},
	{"owner", JSON_FIELD_TEXT, AT(owner)},
	{"priority", JSON_FIELD_NUMBER, AT(priority)},
	{"submitted", JSON_FIELD_TIME, AT(submitted)},
	{"started", JSON_FIELD_TIME, AT(started)},
	{"ended", JSON_FIELD_TIME, AT(ended)},
	{"state-changed", JSON_FIELD_TIME, AT(state_changed)},
	{"active-us", JSON_FIELD_TIME, AT(active_us)},
	{"active-since", JSON_FIELD_TIME, AT(active_since)},
	{"keep-us", JSON_FIELD_TIME, AT(keep_us)},
	{"delete-on-completion", JSON_FIELD_BOOLEAN, AT(delete_on_completion)},
	{"stays", JSON_FIELD_BOOLEAN, AT(stays)},
	{"schedule", JSON_FIELD_TEXT, AT(schedule)},
	{"due", JSON_FIELD_TIME, AT(due)},
	{"note", JSON_FIELD_TEXT, AT(note)},
	{"attempt", JSON_FIELD_NUMBER, AT(attempt)},
	{"retried-as", JSON_FIELD_TEXT, AT(retried_as)},
	{"backup", JSON_FIELD_BOOLEAN, AT(backup)},
	{"notify", JSON_FIELD_TEXT, AT(notify)},
	{"barrier", JSON_FIELD_BOOLEAN, AT(barrier)},
	{"hold-seconds", JSON_FIELD_NUMBER, AT(hold_seconds)},
	{"directory", JSON_FIELD_TEXT, AT(directory)},
	{"format", JSON_FIELD_TEXT, AT(format)},
	{"compress", JSON_FIELD_TEXT, AT(compress)},
	{"digest", JSON_FIELD_TEXT, AT(digest)},
	{"wanted", JSON_FIELD_STRINGS, AT(wanted)},
	{"rate-limit", JSON_FIELD_NUMBER, AT(rate_limit)},
	{"keep-held", JSON_FIELD_BOOLEAN, AT(keep_held)},
	{"release", JSON_FIELD_BOOLEAN, AT(release)},
	{"vm-ids", JSON_FIELD_STRINGS, AT(vm_ids)},
	{"exported-disks", JSON_FIELD_STRINGS, AT(exported_disks)},
	{"log-files", JSON_FIELD_STRINGS, AT(log_files)},
	{"config-files", JSON_FIELD_STRINGS, AT(config_files)},
	{"runtime-files", JSON_FIELD_STRINGS, AT(runtime_files)},
	{"state-files", JSON_FIELD_STRINGS, AT(state_files)},
	{0},
};

/* ---- writing ---- */

static json_t *
members_to_json(const struct job *job)
{
	json_t *members = json_array();
	for (guint i = 0; i < job->members->len; i++) {
		const struct job_member *member = job->members->pdata[i];
		json_t *item = json_object();
		cairn_json_set_string(item, "id", member->id);
		cairn_json_set_string(item, "name", member->name);
		cairn_json_set_uint(item, "flags", member->flags);
		cairn_json_set_uint(item, "status", member->status);
		json_array_append_new(members, item);
	}
	return members;
}

static json_t *
disks_to_json(const struct job *job)
{
	json_t *disks = json_array();
	for (guint i = 0; i < job->disks->len; i++) {
		const struct job_disk *disk = job->disks->pdata[i];
		json_t *item = json_object();
		cairn_json_set_string(item, "vm", disk->vm);
		cairn_json_set_string(item, "vm-name", disk->vm_name);
		cairn_json_set_string(item, "target", disk->target);
		cairn_json_set_bool(item, "incremental", disk->incremental);
		cairn_json_set_string(item, "reason", disk->reason);
		cairn_json_set_uint(item, "status", disk->status);
		cairn_json_set_uint(item, "done-bytes", disk->done_bytes);
		cairn_json_set_uint(item, "total-bytes", disk->total_bytes);
		if (disk->result)
			json_object_set(item, "result", disk->result);
		json_array_append_new(disks, item);
	}
	return disks;
}

static json_t *
warnings_to_json(const struct job *job)
{
	json_t *warnings = json_array();
	for (guint i = 0; i < job->warnings->len; i++) {
		g_autofree char *valid = g_utf8_make_valid(job->warnings->pdata[i], -1);
		json_array_append_new(warnings, json_string(valid));
	}
	return warnings;
}

json_t *
job_to_json(const struct job *job)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "id", job->id);
	cairn_json_set_string(json, "kind", job_kind_name(job->kind));
	cairn_json_set_uint(json, "state", job->state);
	cairn_json_set_string(json, "phase", job_phase_name(job->phase));
	cairn_json_set_uint(json, "outcome", job->outcome);
	cairn_json_set_uint(json, "status", job->status);
	cairn_json_set_string(json, "consistency", consistency_name(job->consistency));
	json_fields_put(json, job, fields, FALSE);
	cairn_json_set(json, "recovery", recovery_to_json(&job->recovery));
	cairn_json_set(json, "retention", retention_to_json(&job->retention));
	if (job->retained)
		json_object_set(json, "retained", job->retained);
	if (job->draft)
		cairn_json_set(json, "draft", point_to_json(job->draft));
	cairn_json_set(json, "members", members_to_json(job));
	cairn_json_set(json, "disks", disks_to_json(job));
	cairn_json_set(json, "errors", job_errors_to_json(job));
	cairn_json_set(json, "warnings", warnings_to_json(job));
	return json;
}

/* ---- reading ---- */

static gboolean
get_enum(const json_t *json, const char *key, guint max, guint *ret, GError **error)
{
	guint64 value;
	if (!cairn_json_get_uint_opt(json, key, max, 0, &value, error))
		return FALSE;
	*ret = (guint)value;
	return TRUE;
}

static gboolean
members_from_json(struct job *job, const json_t *members, GError **error)
{
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *item = json_array_get(members, i);
		const char *id, *name;
		guint status;
		if (!cairn_json_get_string(item, "id", &id, error) ||
		    !cairn_json_get_string(item, "name", &name, error))
			return FALSE;
		struct job_member *member = job_add_member(job, id, name);
		if (!get_enum(item, "flags", G_MAXUINT16, &member->flags, error) ||
		    !get_enum(item, "status", UNIT_FAILED, &status, error))
			return FALSE;
		member->status = (enum job_unit_status)status;
	}
	return TRUE;
}

static gboolean
disk_from_json(struct job *job, const json_t *item, GError **error)
{
	const char *vm, *vm_name, *target, *reason;
	const json_t *result;
	guint status;
	if (!cairn_json_get_string(item, "vm", &vm, error) ||
	    !cairn_json_get_string(item, "vm-name", &vm_name, error) ||
	    !cairn_json_get_string(item, "target", &target, error) ||
	    !cairn_json_get_string_opt(item, "reason", &reason, error) ||
	    !cairn_json_get_object_opt(item, "result", &result, error))
		return FALSE;
	struct job_disk *disk = job_add_disk(job, vm, vm_name, target);
	disk->reason = g_strdup(reason);
	disk->result = json_incref((json_t *)result);
	if (!get_enum(item, "status", UNIT_FAILED, &status, error) ||
	    !cairn_json_get_bool_opt(item, "incremental", FALSE, &disk->incremental, error) ||
	    !cairn_json_get_uint_opt(item, "done-bytes", JSON_MAX_UINT, 0, &disk->done_bytes,
				     error) ||
	    !cairn_json_get_uint_opt(item, "total-bytes", JSON_MAX_UINT, 0, &disk->total_bytes,
				     error))
		return FALSE;
	disk->status = (enum job_unit_status)status;
	return TRUE;
}

static gboolean
messages_from_json(struct job *job, const json_t *json, GError **error)
{
	const json_t *errors;
	if (!cairn_json_get_array_opt(json, "errors", &errors, error))
		return FALSE;
	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *item = json_array_get(errors, i);
		const char *class_name, *message, *vm, *disk;
		if (!cairn_json_get_string(item, "class", &class_name, error) ||
		    !cairn_json_get_string(item, "message", &message, error) ||
		    !cairn_json_get_string_opt(item, "vm", &vm, error) ||
		    !cairn_json_get_string_opt(item, "disk", &disk, error))
			return FALSE;
		g_autoptr(GError) one = g_error_new_literal(
			CAIRN_ERROR, cairn_error_from_class(class_name), message);
		job_add_error(job, one, vm, disk);
	}
	g_auto(GStrv) texts = NULL;
	if (!cairn_json_get_strv_opt(json, "warnings", &texts, error))
		return FALSE;
	for (char **text = texts; *text; text++)
		job_add_warning(job, *text);
	return TRUE;
}

static gboolean
phase_from_json(struct job *job, const json_t *json, GError **error)
{
	const char *name;
	if (!cairn_json_get_string(json, "phase", &name, error))
		return FALSE;
	for (guint i = 0; i < PHASE_LAST; i++)
		if (g_strcmp0(name, job_phase_name((enum job_phase)i)) == 0) {
			job->phase = (enum job_phase)i;
			return TRUE;
		}
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "unknown phase \"%s\"", name);
	return FALSE;
}

static gboolean
states_from_json(struct job *job, const json_t *json, GError **error)
{
	guint state, outcome, status;
	const char *consistency;
	if (!get_enum(json, "state", G_MAXUINT16, &state, error) ||
	    !get_enum(json, "outcome", G_MAXUINT16, &outcome, error) ||
	    !get_enum(json, "status", UNIT_FAILED, &status, error) ||
	    !cairn_json_get_string(json, "consistency", &consistency, error) ||
	    !consistency_parse(consistency, &job->consistency, error))
		return FALSE;
	if (!job_state_known((enum job_state)state) ||
	    (outcome != 0 && !job_state_final((enum job_state)outcome))) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "unknown job state %u or outcome %u", state, outcome);
		return FALSE;
	}
	job->state = (enum job_state)state;
	job->outcome = (enum job_state)outcome;
	job->status = (enum job_unit_status)status;
	return phase_from_json(job, json, error);
}

static gboolean
parts_from_json(struct job *job, const json_t *json, GError **error)
{
	const json_t *members, *disks, *draft, *recovery, *retention, *retained;
	if (!cairn_json_get_array_opt(json, "members", &members, error) ||
	    !cairn_json_get_array_opt(json, "disks", &disks, error) ||
	    !cairn_json_get_object_opt(json, "draft", &draft, error) ||
	    !cairn_json_get_object_opt(json, "recovery", &recovery, error) ||
	    !cairn_json_get_object_opt(json, "retention", &retention, error) ||
	    !recovery_from_json(recovery, &job->recovery, error) ||
	    !retention_from_json(retention, &job->retention, error) ||
	    !cairn_json_get_object_opt(json, "retained", &retained, error) ||
	    !job_retained_check(retained, error) || !members_from_json(job, members, error))
		return FALSE;
	job->retained = json_incref((json_t *)retained);
	for (size_t i = 0; i < json_array_size(disks); i++)
		if (!disk_from_json(job, json_array_get(disks, i), error))
			return FALSE;
	if (draft && !(job->draft = point_from_json(draft, error)))
		return FALSE;
	return messages_from_json(job, json, error);
}

struct job *
job_from_json(const json_t *json, GError **error)
{
	const char *id, *kind;
	if (!cairn_json_get_string(json, "id", &id, error) ||
	    !cairn_json_get_string(json, "kind", &kind, error))
		return NULL;
	enum job_kind known;
	if (!job_kind_parse(kind, &known, error))
		return NULL;
	cairn_auto(job) job = job_new(id, known);
	if (!json_fields_get(json, job, fields, error) || !states_from_json(job, json, error) ||
	    !parts_from_json(job, json, error))
		return NULL;
	if (!json_object_get(json, "active-us") && job->ended) /* of an older cairnd */
		job->active_us = MAX(0, job->ended - job->started);
	return g_steal_pointer(&job);
}

struct job *
job_copy(const struct job *job)
{
	g_autoptr(json_t) json = job_to_json(job);
	struct job *copy = job_from_json(json, NULL);
	g_assert(copy);
	copy->work_done = job->work_done;
	copy->work_total = job->work_total;
	copy->work_rate = job->work_rate;
	for (guint i = 0; i < job->disks->len; i++)
		((struct job_disk *)copy->disks->pdata[i])->rate =
			((struct job_disk *)job->disks->pdata[i])->rate;
	return copy;
}

/* ---- for people ---- */

static const char *
disk_state(const struct job_disk *disk)
{
	static const char *const names[] = {"waiting", "copying", "done", "failed"};
	return names[disk->status];
}

static json_t *
disk_view(const struct job_disk *disk, guint64 sums[3])
{
	json_t *item = json_object();
	/* A copy that was stopped has told its last rate, too. */
	guint64 rate = disk->status == UNIT_RUNNING ? disk->rate : 0;
	cairn_json_set_string(item, "vm", disk->vm);
	cairn_json_set_string(item, "vm-name", disk->vm_name);
	cairn_json_set_string(item, "target", disk->target);
	cairn_json_set_string(item, "kind", disk->incremental ? "incremental" : "full");
	cairn_json_set_string(item, "state", disk_state(disk));
	cairn_json_set_string(item, "reason", disk->reason);
	cairn_json_set_uint(item, "done-bytes", disk->done_bytes);
	cairn_json_set_uint(item, "total-bytes", disk->total_bytes);
	cairn_json_set_uint(item, "rate", rate);
	sums[0] += disk->done_bytes;
	sums[1] += disk->total_bytes;
	sums[2] += rate;
	return item;
}

static void
view_progress(json_t *json, const struct job *job)
{
	guint64 sums[3] = {job->work_done, job->work_total, job->work_rate};
	json_t *disks = json_array();
	for (guint i = 0; i < job->disks->len; i++)
		json_array_append_new(disks, disk_view(job->disks->pdata[i], sums));
	cairn_json_set_uint(json, "percent", job_percent(job));
	cairn_json_set_uint(json, "done-bytes", sums[0]);
	cairn_json_set_uint(json, "total-bytes", sums[1]);
	cairn_json_set_uint(json, "rate", sums[2]);
	cairn_json_set(json, "disks", disks);
}

static void
view_recovery(json_t *json, const struct job *job)
{
	const struct recovery *recovery = &job->recovery;
	cairn_json_set_time(json, "due", job->due);
	cairn_json_set_string(json, "retried-as", job->retried_as);
	cairn_json_set_string(json, "on-failure", recovery_action_name(recovery->action));
	cairn_json_set_uint(json, "retries", recovery->retries);
	cairn_json_set_string(json, "recovery", recovery->other);
	cairn_json_set_string(json, "notify", job->notify);
}

json_t *
job_view(const struct job *job, gint64 now)
{
	json_t *json = json_object();
	g_autofree char *status = job_status_text(job);
	const struct job_error *first = job->errors->len ? job->errors->pdata[0] : NULL;
	cairn_json_set_string(json, "id", job->id);
	cairn_json_set_uint(json, "number", job->number);
	cairn_json_set_string(json, "kind", job_kind_name(job->kind));
	cairn_json_set_uint(json, "state", job->state);
	cairn_json_set_string(json, "state-name", job_state_name(job->state));
	cairn_json_set_string(json, "phase", job_phase_name(job->phase));
	cairn_json_set_string(json, "status", status);
	cairn_json_set_string(json, "group", job->group);
	cairn_json_set_string(json, "group-name", job->group_name);
	cairn_json_set_string(json, "point", job->point);
	cairn_json_set_string(json, "point-name", job->point_name);
	cairn_json_set_string(json, "base", job->base_point);
	cairn_json_set_string(json, "directory", job->directory);
	cairn_json_set_string(json, "owner", job->owner);
	cairn_json_set_string(json, "schedule", job->schedule);
	cairn_json_set_string(json, "note", job->note);
	cairn_json_set_uint(json, "attempt", job->attempt);
	cairn_json_set_uint(json, "priority", job->priority);
	cairn_json_set_uint(json, "rate-limit", job->rate_limit);
	cairn_json_set_bool(json, "cancellable", job_cancellable(job));
	cairn_json_set_uint(json, "elapsed-us", (guint64)job_elapsed(job, now));
	cairn_json_set_time(json, "submitted", job->submitted);
	cairn_json_set_time(json, "started", job->started);
	cairn_json_set_time(json, "ended", job->ended);
	cairn_json_set_string(json, "error", first && job->outcome ? first->message : NULL);
	cairn_json_set(json, "warnings", warnings_to_json(job));
	view_recovery(json, job);
	if (job->kind == JOB_RETAIN) {
		cairn_json_set(json, "retention", retention_to_json(&job->retention));
		cairn_json_set(json, "retained",
			       job->retained ? json_incref(job->retained) : json_null());
	}
	view_progress(json, job);
	return json;
}
