/* GetError and GetErrorEx: the whole Msvm_Error, one for each error of the job, none while it runs.
 */
#include "model_fixture.h"

#include "base/error.h"
#include "base/json.h"
#include "core/job.h"
#include "wire/embedded.h"

#include <string.h>

#define V2	CIM_NS_VIRTUALIZATION
#define JOB	3 /* has ended */
#define FULL	"db:vda: cannot write \"/b/vda\": No space left on device"
#define STOPPED "the copy was stopped"

static struct cim_reply
invoke(struct fixture *f, guint number, const char *method)
{
	struct cim_op op = {.kind = CIM_OP_INVOKE, .ns = V2};
	op.object = cim_path_new(NULL, "Msvm_CollectionReferencePointExportJob");
	cim_path_add_string(op.object, "InstanceID", guid('j', number));
	op.method = g_strdup(method);
	return run_op(f, &op);
}

static const struct cim_value *
output(const struct cim_reply *reply, const char *name)
{
	for (guint i = 0; reply->arguments && i < reply->arguments->len; i++) {
		const struct cim_argument *argument =
			&g_array_index(reply->arguments, struct cim_argument, i);
		if (strcmp(argument->name, name) == 0)
			return &argument->value;
	}
	g_assert_not_reached();
}

static void
add_error(struct job *job, int code, const char *text, const char *vm, const char *disk)
{
	g_autoptr(GError) error = g_error_new_literal(CAIRN_ERROR, code, text);
	job_add_error(job, error, vm, disk);
}

/* As job-errors tells them: of a disk, of a machine that is gone, of the job. */
static void
make_errors(struct fixture *f)
{
	cairn_auto(job) job = job_new(guid('j', JOB), JOB_EXPORT);
	add_error(job, CAIRN_ERROR_LIMIT, FULL, guid('v', 1), "vda");
	add_error(job, CAIRN_ERROR_PEER, "\"qemu:///system\" is not connected", guid('v', 2), NULL);
	add_error(job, CAIRN_ERROR_CANCELLED, STOPPED, guid('x', 9), "vda");
	json_decref(f->errors);
	f->errors = job_errors_view(job);
}

static struct cim_instance *
parse(struct fixture *f, const struct cim_value *value)
{
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(value->type, ==, CIM_STRING);
	struct cim_instance *instance = embedded_parse(f->schema, V2, value->u.string, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(instance->class->name, ==, "Msvm_Error");
	return instance;
}

static void
check_first(const struct cim_instance *error)
{
	g_assert_cmpstr(cim_instance_string(error, "MessageID"), ==, "CAIRN0415");
	g_assert_cmpstr(cim_instance_string(error, "OwningEntity"), ==, "cairn");
	g_assert_cmpstr(cim_instance_string(error, "Message"), ==, FULL);
	g_assert_cmpuint(number_of(error, "ErrorType"), ==, 8);
	g_assert_cmpuint(number_of(error, "PerceivedSeverity"), ==, 5);
	g_assert_cmpuint(number_of(error, "ProbableCause"), ==, 50);
	g_assert_cmpuint(number_of(error, "CIMStatusCode"), ==,
			 cairn_error_cim_status(CAIRN_ERROR_LIMIT));
	g_assert_nonnull(cim_instance_string(error, "ProbableCauseDescription"));
	g_assert_nonnull(cim_instance_string(error, "CIMStatusCodeDescription"));
	g_assert_cmpuint(number_of(error, "ErrorSourceFormat"), ==, 2);
	g_assert_nonnull(strstr(cim_instance_string(error, "ErrorSource"),
				"Msvm_StorageAllocationSettingData.InstanceID="));
	const struct cim_value *arguments = cim_instance_get(error, "MessageArguments");
	g_assert_cmpuint(arguments->count, ==, 2);
	g_assert_cmpstr(arguments->u.items[0].u.string, ==, "/b/vda");
	const struct cim_value *actions = cim_instance_get(error, "RecommendedActions");
	g_assert_cmpuint(actions->count, >=, 1);
}

static void
test_error(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	make_errors(f);
	struct cim_reply reply = invoke(f, JOB, "GetError");
	g_assert_no_error(reply.error);
	g_assert_cmpuint(reply.value.u.uint, ==, 0);
	cairn_auto(cim_instance) error = parse(f, output(&reply, "Error"));
	check_first(error);
	cim_reply_clear(&reply);
}

static void
test_errors(struct fixture *f, gconstpointer unused)
{
	static const char *const sources[] = {"Msvm_StorageAllocationSettingData",
					      "Msvm_ComputerSystem",
					      "Msvm_CollectionReferencePointExportJob"};
	wait_ready(f, TRUE);
	make_errors(f);
	struct cim_reply reply = invoke(f, JOB, "GetErrorEx");
	g_assert_no_error(reply.error);
	const struct cim_value *errors = output(&reply, "Errors");
	g_assert_true(errors->is_array);
	g_assert_cmpuint(errors->count, ==, G_N_ELEMENTS(sources));
	for (guint i = 0; i < errors->count; i++) {
		cairn_auto(cim_instance) error = parse(f, &errors->u.items[i]);
		/* what is not there any more has no path: the job stands for it */
		g_assert_nonnull(strstr(cim_instance_string(error, "ErrorSource"), sources[i]));
		if (i == 0)
			check_first(error);
		if (number_of(error, "ErrorType") == 1)
			g_assert_nonnull(cim_instance_string(error, "OtherErrorType"));
	}
	cim_reply_clear(&reply);
}

/* After success, and while it runs, even if cairnd has errors of it already. */
static void
test_none(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	struct cim_reply reply = invoke(f, JOB, "GetError");
	g_assert_false(output(&reply, "Error")->is_set);
	cim_reply_clear(&reply);
	make_errors(f);
	reply = invoke(f, 4, "GetError");
	g_assert_cmpuint(reply.value.u.uint, ==, 0);
	g_assert_false(output(&reply, "Error")->is_set);
	cim_reply_clear(&reply);
	reply = invoke(f, 4, "GetErrorEx");
	g_assert_false(output(&reply, "Errors")->is_set);
	cim_reply_clear(&reply);
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/model-errors/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("error", test_error);
	add("errors", test_errors);
	add("none", test_none);
	return g_test_run();
}
