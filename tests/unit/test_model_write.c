/* Writes of the object model: what reaches cairnd, in whose name, and what does not. */
#include "model_fixture.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

#define V2 CIM_NS_VIRTUALIZATION

static struct cim_path *
job_path(guint number)
{
	struct cim_path *path = cim_path_new(
		NULL, number > 2 ? "Msvm_CollectionReferencePointExportJob" : "Msvm_ConcreteJob");
	cim_path_add_string(path, "InstanceID", guid('j', number));
	return path;
}

static guint64
sent(const struct fixture *f, const char *name)
{
	return (guint64)json_integer_value(json_object_get(f->last_arguments, name));
}

/* ModifyInstance of one property of job 4; @listed: as the property list says. */
static struct cim_reply
modify(struct fixture *f, const char *name, struct cim_value value, gboolean listed,
       const char *user)
{
	char *names[] = {(char *)name, NULL};
	struct cim_op op = {.kind = CIM_OP_MODIFY_INSTANCE, .ns = V2};
	const struct cim_class *class =
		model_class(f->model, "Msvm_CollectionReferencePointExportJob");
	op.object = job_path(4);
	op.instance = cim_instance_new(class);
	op.list = listed ? cim_property_list_new(names) : NULL;
	cim_instance_set(op.instance, name, value);
	return run_as(f, &op, user);
}

static void
test_modify(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	struct cim_reply reply = modify(f, "Priority", cim_uint(CIM_UINT32, 7), TRUE, "operator");
	g_assert_no_error(reply.error);
	g_assert_nonnull(reply.instance);
	cim_reply_clear(&reply);
	g_assert_cmpstr(f->last_request, ==, "job-set");
	g_assert_cmpstr(f->last_as, ==, "operator");
	g_assert_cmpuint(sent(f, "priority"), ==, 7);
	g_assert_cmpstr(json_string_value(json_object_get(f->last_arguments, "job")), ==,
			guid('j', 4));
	reply = modify(f, "TimeBeforeRemoval", cim_datetime("00000000000130.000001:000"), FALSE,
		       "operator2");
	g_assert_no_error(reply.error);
	cim_reply_clear(&reply);
	g_assert_cmpuint(sent(f, "keep"), ==, 91);
	g_assert_cmpstr(f->last_as, ==, "operator2");
}

/* Each property of the calendar as schedule-set and job-set take it. */
static void
test_modify_calendar(struct fixture *f, gconstpointer unused)
{
	const struct {
		const char *property, *argument, *wanted;
		struct cim_value value;
	} cases[] = {
		{"RunMonth", "months", "[\"dec\"]", cim_uint(CIM_UINT8, 11)},
		{"RunDay", "day", "-1", cim_sint(CIM_SINT8, -1)},
		{"RunDayOfWeek", "day-of-week", "-6", cim_sint(CIM_SINT8, -6)},
		{"RunStartInterval", "at", "\"02:03:04\"",
		 cim_datetime("00000000020304.000000:000")},
		{"LocalOrUtcTime", "utc", "true", cim_uint(CIM_UINT16, 2)},
		{"JobRunTimes", "times", "0", cim_uint(CIM_UINT32, 0)},
		{"UntilTime", "until", "\"20301231000000.000000+060\"",
		 cim_datetime("20301231000000.000000+060")},
		{"UntilTime", "until", "\"\"", cim_null(CIM_DATETIME, FALSE)},
		{"ScheduledStartTime", "start", "\"00000000010000.000000:000\"",
		 cim_datetime("00000000010000.000000:000")},
		{"Notify", "notify", "\"ops@example.org\"", cim_string("ops@example.org")},
		{"DeleteOnCompletion", "delete-on-completion", "false", cim_boolean(FALSE)},
	};
	wait_ready(f, TRUE);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct cim_reply reply =
			modify(f, cases[i].property, cases[i].value, TRUE, "operator");
		g_assert_no_error(reply.error);
		cim_reply_clear(&reply);
		g_autofree char *sent_text =
			json_dumps(json_object_get(f->last_arguments, cases[i].argument),
				   JSON_ENCODE_ANY | JSON_COMPACT);
		g_assert_cmpstr(sent_text, ==, cases[i].wanted);
		g_assert_cmpstr(f->last_request, ==, "job-set");
	}
}

static void
test_modify_nothing(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	struct cim_reply reply = modify(f, "Priority", cim_uint(CIM_UINT32, 100), TRUE, "operator");
	g_assert_no_error(reply.error);
	cim_reply_clear(&reply);
	/* a whole instance, as it was read a little earlier: nothing of it is a change */
	reply = modify(f, "ElapsedTime", cim_datetime("00000000000001.000000:000"), FALSE,
		       "operator");
	g_assert_no_error(reply.error);
	cim_reply_clear(&reply);
	g_assert_null(f->last_request);
}

static void
test_modify_refused(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	struct cim_reply reply = modify(f, "JobStatus", cim_string("well"), TRUE, "operator");
	assert_status(&reply, CIM_ERR_NOT_SUPPORTED);
	reply = modify(f, "RunMonth", cim_uint(CIM_UINT8, 12), TRUE, "operator");
	assert_status(&reply, CIM_ERR_INVALID_PARAMETER);
	reply = modify(f, "RunDayOfWeek", cim_sint(CIM_SINT8, -8), TRUE, "operator");
	assert_status(&reply, CIM_ERR_INVALID_PARAMETER);
	reply = modify(f, "LocalOrUtcTime", cim_uint(CIM_UINT16, 3), TRUE, "operator");
	assert_status(&reply, CIM_ERR_INVALID_PARAMETER);
	reply = modify(f, "RunStartInterval", cim_datetime("00000001000000.000000:000"), TRUE,
		       "operator");
	assert_status(&reply, CIM_ERR_INVALID_PARAMETER);
	reply = modify(f, "DeleteOnCompletion", cim_null(CIM_BOOLEAN, FALSE), TRUE, "operator");
	assert_status(&reply, CIM_ERR_INVALID_PARAMETER);
	reply = modify(f, "RunDay", cim_sint(CIM_SINT8, 32), TRUE, "operator");
	assert_status(&reply, CIM_ERR_INVALID_PARAMETER);
	reply = modify(f, "TimeBeforeRemoval", cim_null(CIM_DATETIME, FALSE), TRUE, "operator");
	assert_status(&reply, CIM_ERR_INVALID_PARAMETER);
	reply = modify(f, "TimeBeforeRemoval", cim_datetime("20261121102030.000000+000"), TRUE,
		       "operator");
	assert_status(&reply, CIM_ERR_INVALID_PARAMETER);
	g_assert_null(f->last_request);
	reply = modify(f, "Priority", cim_uint(CIM_UINT32, 7), TRUE, "operator-refused");
	g_assert_error(reply.error, CAIRN_ERROR, CAIRN_ERROR_STATE);
	cim_reply_clear(&reply);
}

static void
test_modify_wrong(struct fixture *f, gconstpointer unused)
{
	char *names[] = {"Nothing", NULL};
	wait_ready(f, TRUE);
	struct cim_op op = {.kind = CIM_OP_MODIFY_INSTANCE, .ns = V2};
	op.object = job_path(4);
	op.instance = cim_instance_new(model_class(f->model, "Msvm_ConcreteJob"));
	op.list = cim_property_list_new(names);
	struct cim_reply reply = run_op(f, &op);
	assert_status(&reply, CIM_ERR_NO_SUCH_PROPERTY);
	op = (struct cim_op){.kind = CIM_OP_MODIFY_INSTANCE, .ns = V2};
	op.object = job_path(44);
	op.instance = cim_instance_new(model_class(f->model, "Msvm_ConcreteJob"));
	reply = run_op(f, &op);
	assert_status(&reply, CIM_ERR_NOT_FOUND);
}

static void
test_property(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	struct cim_op op = {.kind = CIM_OP_GET_PROPERTY, .ns = V2};
	op.object = job_path(4);
	op.property_name = g_strdup("priority");
	struct cim_reply reply = run_op(f, &op);
	g_assert_no_error(reply.error);
	g_assert_cmpuint(reply.value.u.uint, ==, 100);
	cim_reply_clear(&reply);
	op = (struct cim_op){.kind = CIM_OP_SET_PROPERTY, .ns = V2};
	op.object = job_path(4);
	op.property_name = g_strdup("Priority");
	op.value = cim_string("12"); /* a client that sent no type */
	reply = run_op(f, &op);
	g_assert_no_error(reply.error);
	cim_reply_clear(&reply);
	g_assert_cmpuint(sent(f, "priority"), ==, 12);
	op = (struct cim_op){.kind = CIM_OP_SET_PROPERTY, .ns = V2};
	op.object = job_path(4);
	op.property_name = g_strdup("Nothing");
	reply = run_op(f, &op);
	assert_status(&reply, CIM_ERR_NO_SUCH_PROPERTY);
}

/* ---- removing ---- */

static struct cim_reply
remove_path(struct fixture *f, struct cim_path *path)
{
	struct cim_op op = {.kind = CIM_OP_DELETE_INSTANCE, .ns = V2};
	op.object = path;
	return run_op(f, &op);
}

static void
test_delete(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	struct cim_reply reply = remove_path(f, job_path(4));
	assert_status(&reply, CIM_ERR_FAILED); /* it runs */
	g_assert_null(f->last_request);
	reply = remove_path(f, job_path(3));
	g_assert_no_error(reply.error);
	g_assert_cmpstr(f->last_request, ==, "job-remove");
	g_assert_null(mirror_job(f->model->mirror, guid('j', 3)));
	reply = remove_path(f, cim_path_parse("Msvm_Nothing.A=\"1\"", NULL));
	assert_status(&reply, CIM_ERR_INVALID_CLASS);
	g_autofree char *point = g_strdup_printf("Msvm_ReferencePointCollection.CollectionID=\"%"
						 "s\",VirtualSystemCollectionId=\"%s\"",
						 guid('p', 1), guid('g', 1));
	reply = remove_path(f, cim_path_parse(point, NULL));
	g_assert_no_error(reply.error);
	g_assert_cmpstr(f->last_request, ==, "point-delete");
	g_assert_null(mirror_point(f->model->mirror, guid('p', 1)));
	g_autofree char *group =
		g_strdup_printf("Msvm_VirtualSystemCollection.CollectionID=\"%s\"", guid('g', 2));
	reply = remove_path(f, cim_path_parse(group, NULL));
	g_assert_no_error(reply.error);
	g_assert_cmpstr(f->last_request, ==, "group-delete");
	g_assert_null(mirror_group(f->model->mirror, guid('g', 2)));
}

static void
test_not_supported(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	g_autofree char *vm = g_strdup_printf(
		"Msvm_ComputerSystem.CreationClassName=\"Msvm_ComputerSystem\",Name=\"%s\"",
		guid('v', 1));
	struct cim_reply reply = remove_path(f, cim_path_parse(vm, NULL));
	assert_status(&reply, CIM_ERR_NOT_SUPPORTED);
	struct cim_op op = {.kind = CIM_OP_CREATE_INSTANCE, .ns = V2};
	op.instance = cim_instance_new(model_class(f->model, "Msvm_VirtualSystemCollection"));
	reply = run_op(f, &op);
	assert_status(&reply, CIM_ERR_NOT_SUPPORTED);
	g_assert_null(f->last_request);
}

/* ---- calls ---- */

static struct cim_reply
invoke(struct fixture *f, struct cim_path *path, const char *method)
{
	struct cim_op op = {.kind = CIM_OP_INVOKE, .ns = V2};
	op.object = path;
	op.method = g_strdup(method);
	return run_op(f, &op);
}

static void
test_invoke(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	struct cim_reply reply = invoke(f, job_path(4), "Fly");
	assert_status(&reply, CIM_ERR_METHOD_NOT_FOUND);
	reply = invoke(f, job_path(44), "RequestStateChange");
	assert_status(&reply, CIM_ERR_NOT_FOUND);
	struct cim_path *class = cim_path_new(NULL, "Msvm_ConcreteJob");
	class->is_class = TRUE;
	reply = invoke(f, class, "RequestStateChange");
	assert_status(&reply, CIM_ERR_INVALID_PARAMETER);
	reply = invoke(f, cim_path_new("root/nowhere", "Msvm_ConcreteJob"), "GetError");
	assert_status(&reply, CIM_ERR_INVALID_NAMESPACE);
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/model-write/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("modify", test_modify);
	add("modify-calendar", test_modify_calendar);
	add("modify-nothing", test_modify_nothing);
	add("modify-refused", test_modify_refused);
	add("modify-wrong", test_modify_wrong);
	add("property", test_property);
	add("delete", test_delete);
	add("not-supported", test_not_supported);
	add("invoke", test_invoke);
	return g_test_run();
}
