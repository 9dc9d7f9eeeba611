/* GetError and GetErrorEx of jobs: what cairnd tells of errors, as Msvm_Error. */
#include "cimd/methods.h"

#include "base/error.h"
#include "cimd/languages.h"
#include "wire/embedded.h"

#include <string.h>

#define SOURCE_OBJECT_PATH 2	   /* ErrorSourceFormat */
#define ERROR_TYPE_OTHER   1	   /* ErrorType */
#define OWNER		   "cairn" /* OwningEntity */

static const char *
text_of(const json_t *error, const char *key)
{
	return json_string_value(json_object_get(error, key));
}

/* In the language of the request; what the job itself stores stays English. */
static char *
translated(const struct run *run, const char *text)
{
	char *foreign = languages_translate(run->model->languages, run->op->language, text);
	return foreign ? foreign : g_strdup(text);
}

static void
set_text(struct run *run, struct cim_instance *instance, const char *name, const char *text)
{
	if (text)
		cim_instance_set(instance, name, cim_string_take(translated(run, text)));
}

static void
set_number(struct cim_instance *instance, const char *name, enum cim_type type, guint64 number)
{
	cim_instance_set(instance, name, cim_uint(type, number));
}

/* An array of texts; of words of ours only when @run is given, which is whose language they get. */
static void
set_list(const struct run *run, struct cim_instance *instance, const char *name, const json_t *list)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (text)
			g_ptr_array_add(texts, run ? translated(run, text) : g_strdup(text));
	}
	g_ptr_array_add(texts, NULL);
	if (texts->len > 1)
		cim_instance_set(instance, name, cim_string_array((char *const *)texts->pdata));
}

static const struct mirror_disk *
find_disk(const struct mirror_vm *vm, const char *target)
{
	for (guint i = 0; vm && target && i < vm->disks->len; i++) {
		const struct mirror_disk *disk = vm->disks->pdata[i];
		if (strcmp(disk->target, target) == 0)
			return disk;
	}
	return NULL;
}

/* The disk, the machine, or else the job; what is not there any more has no path. */
static struct cim_path *
source_path(const struct run *run, const json_t *error)
{
	const char *id = text_of(error, "vm");
	const struct mirror_vm *vm = id ? mirror_vm(run->model->mirror, id) : NULL;
	const struct mirror_disk *disk = find_disk(vm, text_of(error, "disk"));
	struct object object = {.type = disk ? OBJECT_DISK : OBJECT_VM, .vm = vm, .disk = disk};
	if (!vm && !object_find(run->model, run->ns, run->op->object, &object, NULL))
		return NULL;
	return object_path(run->model, run->ns, &object);
}

static void
set_source(const struct run *run, struct cim_instance *instance, const json_t *error)
{
	cairn_auto(cim_path) path = source_path(run, error);
	if (!path)
		return;
	cim_instance_set(instance, "ErrorSource", cim_string_take(cim_path_print(path)));
	set_number(instance, "ErrorSourceFormat", CIM_UINT16, SOURCE_OBJECT_PATH);
}

static void
set_kind(struct cim_instance *instance, const json_t *error)
{
	static const struct {
		const char *name, *key;
	} numbers[] = {
		{"ErrorType", "type"},
		{"PerceivedSeverity", "severity"},
		{"ProbableCause", "cause"},
	};
	const char *kind = text_of(error, "class");
	guint status = cairn_error_cim_status(cairn_error_from_class(kind));
	for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
		set_number(instance, numbers[i].name, CIM_UINT16,
			   (guint64)json_integer_value(json_object_get(error, numbers[i].key)));
	if (json_integer_value(json_object_get(error, "type")) == ERROR_TYPE_OTHER)
		cim_instance_set(instance, "OtherErrorType", cim_string(kind));
	set_number(instance, "CIMStatusCode", CIM_UINT32, status);
	cim_instance_set(instance, "CIMStatusCodeDescription",
			 cim_string(cim_status_name((enum cim_status)status)));
}

/* One error of job-errors in CIM-XML; NULL when the build has no such class. */
static char *
error_text(struct run *run, const json_t *error)
{
	const struct cim_class *class = model_class(run->model, "Msvm_Error");
	if (!class)
		return NULL;
	cairn_auto(cim_instance) instance = cim_instance_new(class);
	cim_instance_set_defaults(instance);
	cim_instance_set(instance, "OwningEntity", cim_string(OWNER));
	cim_instance_set(instance, "MessageID", cim_string(text_of(error, "message-id")));
	set_kind(instance, error);
	set_text(run, instance, "Message", text_of(error, "message"));
	set_list(NULL, instance, "MessageArguments", json_object_get(error, "arguments"));
	set_text(run, instance, "ProbableCauseDescription", text_of(error, "cause-description"));
	set_list(run, instance, "RecommendedActions", json_object_get(error, "actions"));
	set_source(run, instance, error);
	GString *text = g_string_new(NULL);
	embedded_print(instance, text);
	return g_string_free(text, FALSE);
}

/* ---- the methods ---- */

static void
answer_error(struct run *run, const json_t *value, const GError *error)
{
	if (error) {
		method_refuse(run, error);
		return;
	}
	char *text = json_array_size(value) ? error_text(run, json_array_get(value, 0)) : NULL;
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

/* While a job runs there is no error to tell, even if it is failing: the final state and the errors
 * change together. A schedule has the errors of its newest run. */
static void
ask_errors(struct run *run, const struct object *object, run_answer_fn answer)
{
	const struct mirror_job *job = object->job;
	const char *id = job->is_schedule ? job->last_run : job->ended ? job->id : NULL;
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
