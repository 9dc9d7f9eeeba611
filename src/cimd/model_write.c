/* Writes: properties that differ, and objects that cairnd can forget. What of a job can be written
 * is in write_job.c; all else is for methods. */
#include "cimd/model_private.h"

#include "base/error.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* ---- limits that the schema sets ---- */

static const char *
qualifier_text(const struct cim_member *member, const char *name)
{
	const struct cim_qualifier *qualifier =
		cim_qualifier_find(member->qualifiers, member->qualifier_count, name);
	const char *const *text = qualifier ? cim_qualifier_text(qualifier, CIM_LANG_EN) : NULL;
	return text ? text[0] : NULL;
}

static gint64
signed_of(const struct cim_value *value)
{
	if (cim_type_is_signed(value->type))
		return value->u.sint;
	return value->u.uint > G_MAXINT64 ? G_MAXINT64 : (gint64)value->u.uint;
}

static gboolean
check_number(const struct cim_member *member, const struct cim_value *value, GError **error)
{
	const char *min = qualifier_text(member, "MinValue");
	const char *max = qualifier_text(member, "MaxValue");
	gint64 number = signed_of(value);
	if (min && number < g_ascii_strtoll(min, NULL, 10))
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "%s must be at least %s",
				member->name, min);
	if (max && number > g_ascii_strtoll(max, NULL, 10))
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "%s must be at most %s",
				member->name, max);
	return TRUE;
}

gboolean
model_check_value(const struct cim_member *member, const struct cim_value *value, GError **error)
{
	if (!value->is_set)
		return member->flags & CIM_MEMBER_REQUIRED
			       ? cim_fail(error, CIM_ERR_INVALID_PARAMETER, "%s must have a value",
					  member->name)
			       : TRUE;
	if (value->is_array)
		return TRUE;
	if (cim_type_is_signed(value->type) || cim_type_is_unsigned(value->type))
		return check_number(member, value, error);
	const char *most = qualifier_text(member, "MaxLen");
	if (value->type == CIM_STRING && most && !value->is_embedded &&
	    g_utf8_strlen(value->u.string, -1) > g_ascii_strtoll(most, NULL, 10))
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"%s must have at most %s characters", member->name, most);
	return TRUE;
}

/* Each property that @list names (all, when it is NULL) and that differs. Without a list a client
 * sends back what it has read: what cannot be written, or is not there, is left alone. */
static gboolean
collect(const struct cim_instance *now, const struct cim_instance *wanted,
	const struct cim_property_list *list, json_t *arguments, GError **error)
{
	for (guint i = 0; i < now->class->property_count; i++) {
		const struct cim_member *member = &now->class->properties[i];
		const struct cim_value *value = cim_instance_get(wanted, member->name);
		gboolean writable = member->flags & CIM_MEMBER_WRITE;
		if (!value || !cim_property_list_has(list, member->name) ||
		    cim_value_equal(value, &now->values[i]))
			continue;
		if (!list && (!writable || !value->is_set))
			continue;
		if (!write_job_put(member, value, arguments, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
check_list(const struct cim_class *class, const struct cim_property_list *list, GError **error)
{
	const char *const *names = cim_property_list_names(list);
	for (guint i = 0; names && names[i]; i++)
		if (cim_class_property(class, names[i]) < 0)
			return cim_fail(error, CIM_ERR_NO_SUCH_PROPERTY,
					"class \"%s\" has no property \"%s\"", class->name,
					names[i]);
	return TRUE;
}

/* ---- writing ---- */

/* Errors of cairnd go to the client as they are. */
static void
on_written(struct run *run, const json_t *value, const GError *error)
{
	struct object object;
	if (error) {
		run_fail(run, g_error_copy(error));
		return;
	}
	if (run->op->object && object_find(run->model, run->ns, run->op->object, &object, NULL))
		run->reply.instance = object_instance(run->model, run->ns, &object);
	run_end(run);
}

/* The object that is to be written or removed; FALSE after ending the run. */
static gboolean
find_written(struct run *run, struct object *ret_object)
{
	GError *error = NULL;
	if (!run->op->object) {
		run_refuse(run, CIM_ERR_INVALID_PARAMETER, "no object is named");
		return FALSE;
	}
	if (object_find(run->model, run->ns, run->op->object, ret_object, &error)) {
		object_namespace(&run->ns, run->op->object, NULL);
		return TRUE;
	}
	run_fail(run, error);
	return FALSE;
}

static void
send_changes(struct run *run, const struct object *object, json_t *arguments)
{
	if (json_object_size(arguments) == 0) { /* nothing differs */
		json_decref(arguments);
		run->reply.instance = object_instance(run->model, run->ns, object);
		run_end(run);
		return;
	}
	gboolean schedule = object->job->is_schedule;
	if (schedule)
		write_job_of_schedule(arguments);
	cairn_json_set_string(arguments, schedule ? "schedule" : "job", object->job->id);
	run_request(run, schedule ? "schedule-set" : "job-set", arguments, on_written);
}

static void
write_changes(struct run *run, const struct cim_instance *wanted,
	      const struct cim_property_list *list)
{
	struct object object;
	GError *error = NULL;
	if (!find_written(run, &object))
		return;
	cairn_auto(cim_instance) now = object_instance(run->model, run->ns, &object);
	json_t *arguments = json_object();
	if (check_list(now->class, list, &error) && collect(now, wanted, list, arguments, &error)) {
		send_changes(run, &object, arguments);
		return;
	}
	json_decref(arguments);
	run_fail(run, error);
}

void
run_modify(struct run *run)
{
	if (run->op->instance)
		write_changes(run, run->op->instance, run->op->list);
	else
		run_refuse(run, CIM_ERR_INVALID_PARAMETER, "there is nothing to write");
}

void
run_set_property(struct run *run)
{
	const char *name = run->op->property_name ? run->op->property_name : "";
	const struct cim_class *class =
		run_class(run, run->op->object ? run->op->object->class_name : NULL);
	if (!class)
		return;
	int place = cim_class_property(class, name);
	if (place < 0) {
		run_refuse(run, CIM_ERR_NO_SUCH_PROPERTY, "class \"%s\" has no property \"%s\"",
			   class->name, name);
		return;
	}
	char *names[] = {(char *)name, NULL};
	struct cim_value value;
	cairn_auto(cim_property_list) list = cim_property_list_new(names);
	cairn_auto(cim_instance) wanted = cim_instance_new(class);
	cim_value_copy(&run->op->value, &value);
	GError *error = NULL;
	if (!cim_value_coerce(&value, class->properties[place].type,
			      class->properties[place].is_array, &error)) {
		cim_value_clear(&value);
		run_fail(run, error);
		return;
	}
	cim_instance_set(wanted, name, value);
	write_changes(run, wanted, list);
}

/* ---- removing ---- */

static void
on_job_removed(struct run *run, const json_t *value, const GError *error)
{
	if (error) {
		run_fail(run, g_error_copy(error));
		return;
	}
	/* cairnd's event may come later; for this client it is gone now */
	mirror_remove_job(run->model->mirror, run->state);
	run_end(run);
}

static void
delete_job(struct run *run, const struct object *object)
{
	if (object->job->is_schedule) {
		json_t *schedule = json_object();
		cairn_json_set_string(schedule, "schedule", object->job->id);
		run->state = g_strdup(object->job->id);
		run->free_state = g_free;
		run_request(run, "schedule-delete", schedule, on_job_removed);
		return;
	}
	if (!object->job->ended) {
		run_refuse(run, CIM_ERR_FAILED,
			   "the job has not ended: end it by RequestStateChange first");
		return;
	}
	json_t *arguments = json_object();
	cairn_json_set_string(arguments, "job", object->job->id);
	run->state = g_strdup(object->job->id);
	run->free_state = g_free;
	run_request(run, "job-remove", arguments, on_job_removed);
}

static void
on_point_removed(struct run *run, const json_t *value, const GError *error)
{
	if (!error)
		mirror_remove_point(run->model->mirror, run->state);
	if (error)
		run_fail(run, g_error_copy(error));
	else
		run_end(run);
}

static void
delete_point(struct run *run, const struct object *object)
{
	json_t *arguments = json_object();
	cairn_json_set_string(arguments, "point", object->point->id);
	run->state = g_strdup(object->point->id);
	run->free_state = g_free;
	run_request(run, "point-delete", arguments, on_point_removed);
}

static void
on_group_removed(struct run *run, const json_t *value, const GError *error)
{
	if (!error)
		mirror_remove_group(run->model->mirror, run->state);
	if (error)
		run_fail(run, g_error_copy(error));
	else
		run_end(run);
}

/* cairnd refuses it while the group has points. */
static void
delete_group(struct run *run, const struct object *object)
{
	json_t *arguments = json_object();
	cairn_json_set_string(arguments, "group", object->group->id);
	run->state = g_strdup(object->group->id);
	run->free_state = g_free;
	run_request(run, "group-delete", arguments, on_group_removed);
}

void
run_delete(struct run *run)
{
	struct object object;
	if (!find_written(run, &object))
		return;
	if (object.type == OBJECT_JOB)
		delete_job(run, &object);
	else if (object.type == OBJECT_POINT)
		delete_point(run, &object);
	else if (object.type == OBJECT_GROUP)
		delete_group(run, &object);
	else
		run_refuse(run, CIM_ERR_NOT_SUPPORTED, "objects of class \"%s\" cannot be removed",
			   run->op->object->class_name);
}
