/* GetError and GetErrorEx of jobs: what cairnd tells of errors as Msvm_Error. */
#include "cimd/methods.h"

#include "base/error.h"
#include "cimd/languages.h"
#include "wire/embedded.h"

/* CIM_Error.ErrorType and a cause (ProbableCause) for each class of our errors. */
static const struct {
	guint type, cause, status;
	const char *action;
} kinds[CAIRN_ERROR_LAST] = {
	[CAIRN_ERROR_INVALID] = {1, 8, 4, "Correct the request and try again."},
	[CAIRN_ERROR_NOT_FOUND] = {9, 73, 6, "Check that the object still exists."},
	[CAIRN_ERROR_EXISTS] = {1, 79, 11, "Use another name or remove what is there."},
	[CAIRN_ERROR_STATE] = {4, 129, 1, "Wait until the object is in another state."},
	[CAIRN_ERROR_BUSY] = {9, 72, 1, "Try again when the other operation has ended."},
	[CAIRN_ERROR_DENIED] = {7, 65, 2, "Ask the administrator for the right to do this."},
	[CAIRN_ERROR_LIMIT] = {8, 50, 1, "Make room and try again."},
	[CAIRN_ERROR_PEER] = {2, 7, 1, "Look at the virtual machine and its host."},
	[CAIRN_ERROR_IO] = {5, 24, 1, "Look at the storage of the host."},
	[CAIRN_ERROR_CANCELLED] = {1, 1, 1, "Start the job again if it was not meant to end."},
};

#define SEVERITY_MAJOR	   5
#define SOURCE_OBJECT_PATH 2
#define ARGUMENTS_MAX	   3

static struct cim_value
string_array_of(const char *a, const char *b, const char *c)
{
	const char *texts[ARGUMENTS_MAX + 1] = {NULL};
	guint n = 0;
	if (a)
		texts[n++] = a;
	if (b)
		texts[n++] = b;
	if (c)
		texts[n] = c;
	return cim_string_array((char *const *)texts);
}

static void
set_source(struct run *run, struct cim_instance *instance, const char *vm)
{
	struct object object = {.type = OBJECT_VM};
	object.vm = vm ? mirror_vm(run->model->mirror, vm) : NULL;
	cairn_auto(cim_path) path = object.vm ? object_path(run->model, run->ns, &object) : NULL;
	if (!path)
		return;
	cim_instance_set(instance, "ErrorSource", cim_string_take(cim_path_print(path)));
	cim_instance_set(instance, "ErrorSourceFormat", cim_uint(CIM_UINT16, SOURCE_OBJECT_PATH));
}

/* In the language of the request; what the job itself stores stays English. */
static struct cim_value
told(const struct run *run, const char *text)
{
	char *translated = languages_translate(run->model->languages, run->op->language, text);
	return translated ? cim_string_take(translated) : cim_string(text);
}

static struct cim_value
told_array(const struct run *run, const char *text)
{
	g_autofree char *translated =
		languages_translate(run->model->languages, run->op->language, text);
	return string_array_of(translated ? translated : text, NULL, NULL);
}

/* One error of job-errors as Msvm_Error in CIM-XML text; NULL when the build has no such class. */
static char *
error_text(struct run *run, const json_t *error)
{
	const char *kind = json_string_value(json_object_get(error, "class"));
	const char *vm = json_string_value(json_object_get(error, "vm"));
	const char *disk = json_string_value(json_object_get(error, "disk"));
	const char *action = json_string_value(json_object_get(error, "action"));
	int code = cairn_error_from_class(kind);
	const struct cim_class *class = model_class(run->model, "Msvm_Error");
	if (!class)
		return NULL;
	cairn_auto(cim_instance) instance = cim_instance_new(class);
	cim_instance_set_defaults(instance);
	cim_instance_set(instance, "ErrorType", cim_uint(CIM_UINT16, kinds[code].type));
	if (kinds[code].type == 1) /* Other */
		cim_instance_set(instance, "OtherErrorType", cim_string(kind));
	cim_instance_set(instance, "OwningEntity", cim_string("cairn"));
	cim_instance_set(instance, "MessageID",
			 cim_string_take(g_strconcat("CAIRN:", cairn_error_class(code), NULL)));
	cim_instance_set(instance, "Message",
			 told(run, json_string_value(json_object_get(error, "message"))));
	cim_instance_set(instance, "MessageArguments", string_array_of(vm, disk, NULL));
	cim_instance_set(instance, "PerceivedSeverity", cim_uint(CIM_UINT16, SEVERITY_MAJOR));
	cim_instance_set(instance, "ProbableCause", cim_uint(CIM_UINT16, kinds[code].cause));
	cim_instance_set(instance, "RecommendedActions",
			 told_array(run, action ? action : kinds[code].action));
	cim_instance_set(instance, "CIMStatusCode", cim_uint(CIM_UINT32, kinds[code].status));
	set_source(run, instance, vm);
	GString *text = g_string_new(NULL);
	embedded_print(instance, text);
	return g_string_free(text, FALSE);
}

static void
answer_error(struct run *run, const json_t *value, const GError *error)
{
	char *text = NULL;
	if (error) {
		method_refuse(run, error);
		return;
	}
	if (json_array_size(value))
		text = error_text(run, json_array_get(value, 0));
	cim_reply_add(&run->reply, "Error", cim_string_take(text));
	run_return(run, METHOD_OK);
}

static void
answer_errors(struct run *run, const json_t *value, const GError *error)
{
	if (error) {
		method_refuse(run, error);
		return;
	}
	guint count = (guint)json_array_size(value);
	struct cim_value errors = count ? cim_array(CIM_STRING, count) : cim_null(CIM_STRING, TRUE);
	for (guint i = 0; i < count; i++)
		errors.u.items[i] = cim_string_take(error_text(run, json_array_get(value, i)));
	cim_reply_add(&run->reply, "Errors", errors);
	run_return(run, METHOD_OK);
}

/* A schedule has the errors of its newest run. */
static void
ask_errors(struct run *run, const struct object *object, run_answer_fn answer)
{
	const struct mirror_job *job = object->job;
	const char *id = job->is_schedule ? job->last_run : job->id;
	if (id)
		run_read(run, "job-errors", method_arguments("job", id), answer);
	else
		answer(run, NULL, NULL);
}

static void
get_error(struct run *run, const struct object *object)
{
	ask_errors(run, object, answer_error);
}

static void
get_errors(struct run *run, const struct object *object)
{
	ask_errors(run, object, answer_errors);
}

const struct method_binding methods_error[] = {
	{"CIM_ConcreteJob", "GetError", get_error},
	{"CIM_ConcreteJob", "GetErrorEx", get_errors},
	{NULL, NULL, NULL},
};
