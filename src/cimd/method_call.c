/* Arguments and return values of methods: what the methods_*.c share. */
#include "cimd/methods.h"

#include "base/error.h"
#include "base/json.h"
#include "wire/embedded.h"

#include <string.h>

/* ---- arguments ---- */

static const struct cim_value *
argument(const struct run *run, const char *name)
{
	const struct cim_value *value = cim_op_argument(run->op, name);
	return value && value->is_set ? value : NULL;
}

const char *
method_string(const struct run *run, const char *name)
{
	const struct cim_value *value = argument(run, name);
	gboolean plain =
		value && value->type == CIM_STRING && !value->is_array && !value->is_embedded;
	return plain ? value->u.string : NULL;
}

gboolean
method_uint(const struct run *run, const char *name, guint64 *ret_value)
{
	const struct cim_value *value = argument(run, name);
	if (!value || value->is_array || !cim_type_is_unsigned(value->type))
		return FALSE;
	*ret_value = value->u.uint;
	return TRUE;
}

static void
fail_parameter(struct run *run, const char *name, const char *what)
{
	GError *error = NULL;
	cim_fail(&error, CIM_ERR_INVALID_PARAMETER, "the parameter \"%s\" %s", name, what);
	run_fail(run, error);
}

gboolean
method_object(struct run *run, const char *name, enum object_type type, struct object *ret_object)
{
	const struct cim_value *value = argument(run, name);
	GError *error = NULL;
	if (!value || value->type != CIM_REFERENCE || value->is_array) {
		fail_parameter(run, name, "must name an object");
		return FALSE;
	}
	if (!object_find(run->model, run->ns, value->u.path, ret_object, &error)) {
		g_prefix_error(&error, "parameter \"%s\": ", name);
		run_fail(run, error);
		return FALSE;
	}
	if (ret_object->type == type)
		return TRUE;
	run_return(run, METHOD_INVALID_PARAMETER);
	return FALSE;
}

gboolean
method_expect_null(struct run *run, const char *name)
{
	if (!argument(run, name))
		return TRUE;
	fail_parameter(run, name, "must be NULL: it is where the result comes back");
	return FALSE;
}

struct cim_instance *
method_settings(const struct run *run, const struct cim_value *value, const char *class_name,
		guint *ret_code)
{
	cairn_auto(cim_instance) instance = NULL;
	*ret_code = METHOD_OK;
	if (!value || !value->is_set)
		return NULL;
	if (value->is_array || value->type != CIM_STRING) {
		*ret_code = METHOD_INVALID_PARAMETER;
		return NULL;
	}
	if (value->is_embedded) {
		instance = cim_instance_ref(value->u.instance);
	} else {
		g_autoptr(GError) error = NULL;
		g_autofree char *text = g_strstrip(g_strdup(value->u.string));
		if (*text == '\0')
			return NULL;
		instance = embedded_parse(run->model->schema, run->ns, text, &error);
		g_debug("settings: %s", error ? error->message : "read");
	}
	if (!instance)
		*ret_code = METHOD_INVALID_PARAMETER;
	else if (!cim_class_isa_name(instance->class, class_name))
		*ret_code = METHOD_WRONG_TYPE;
	return *ret_code == METHOD_OK ? g_steal_pointer(&instance) : NULL;
}

/* ---- answers ---- */

void
method_refuse(struct run *run, const GError *error)
{
	int code = cairn_error_code(error);
	if (error->domain != CAIRN_ERROR || code == CAIRN_ERROR_PEER) {
		run_fail(run, g_error_copy(error));
		return;
	}
	g_info("%s.%s for %s: %s", run->op->object ? run->op->object->class_name : "",
	       run->op->method, run->user, error->message);
	run_return(run, cairn_error_job_code(code));
}

void
method_answer_done(struct run *run, const json_t *value, const GError *error)
{
	if (error)
		method_refuse(run, error);
	else
		run_return(run, METHOD_OK);
}

void
method_add_object(struct run *run, const char *name, const struct object *object)
{
	struct cim_path *path = object_path(run->model, run->ns, object);
	cim_reply_add(&run->reply, name, cim_reference_take(path));
}

json_t *
method_arguments(const char *key, const char *value)
{
	json_t *arguments = json_object();
	cairn_json_set_string(arguments, key, value);
	return arguments;
}

static void
answer_shown(struct run *run, const json_t *value, const GError *error)
{
	struct object object = {.type = OBJECT_JOB};
	if (error) {
		method_refuse(run, error);
		return;
	}
	mirror_apply_job(run->model->mirror, value);
	object.job =
		mirror_job(run->model->mirror, json_string_value(json_object_get(value, "id")));
	if (!object.job) {
		GError *failure = NULL;
		cim_fail(&failure, CIM_ERR_FAILED, "the job was begun and cannot be shown");
		run_fail(run, failure);
		return;
	}
	method_add_object(run, "Job", &object);
	run_return(run, METHOD_STARTED);
}

/* The client must be able to read the job at once: it is in the mirror before the answer goes. */
void
method_answer_job(struct run *run, const json_t *value, const GError *error)
{
	const char *id = json_string_value(json_object_get(value, "job"));
	if (error)
		method_refuse(run, error);
	else
		run_read(run, "job-show", method_arguments("job", id), answer_shown);
}

void
method_not_supported(struct run *run, const struct object *object)
{
	run_return(run, METHOD_NOT_SUPPORTED);
}

/* ---- what no service of cairn does ---- */

/* A service runs as long as the daemon. The codes are CIM_Service's and CIM_EnabledLogicalElement's
 * own: 0 Completed with No Error, 1 Not Supported. */
static void
service_runs(struct run *run, const struct object *object)
{
	run_return(run, 0);
}

static void
service_stays(struct run *run, const struct object *object)
{
	run_return(run, 1);
}

const struct method_binding methods_other[] = {
	{"CIM_Service", "StartService", service_runs},
	{"CIM_Service", "StopService", service_stays},
	{"CIM_Service", "RequestStateChange", service_stays},
	{"Msvm_ComputerSystem", "RequestStateChange", method_not_supported},
	{NULL, NULL, NULL},
};
