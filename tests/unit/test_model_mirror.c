/* The mirror of what cairnd has: filled, changed, lost and filled again, and large. */
#include "model_fixture.h"

#include <string.h>

#define V2 CIM_NS_VIRTUALIZATION

/* Whether machines that were told then may be asked for again: the machine that runs this is busy.
 */
static gboolean
is_old(gint64 told)
{
	return g_get_monotonic_time() - told >= MODEL_VM_AGE_USEC;
}

/* Machines are asked for again when they are older than a second, once for all who wait. */
static void
test_refresh(struct fixture *f, gconstpointer unused)
{
	gint64 begin = g_get_monotonic_time();
	wait_ready(f, TRUE);
	guint before = f->vm_lists;
	struct cim_reply reply = enumerate(f, V2, "Msvm_ComputerSystem");
	g_assert_cmpuint(drain(&reply), ==, 4);
	reply = enumerate(f, V2, "CIM_ConcreteJob");
	drain(&reply);
	g_assert_true(f->vm_lists == before || is_old(begin));
	before = f->vm_lists;
	control_server_event(f->server, "VM_CHANGED", json_object());
	settle(f);
	put(f->vms, make_vm(4, "paused", 0));
	begin = g_get_monotonic_time();
	reply = enumerate(f, V2, "Msvm_ComputerSystem");
	g_assert_cmpuint(drain(&reply), ==, 5);
	g_assert_cmpuint(f->vm_lists, ==, before + 1);
	/* told whole, it need not be asked for */
	before = f->vm_lists;
	put(f->vms, make_vm(5, "running", 1));
	take_out(f->vms, guid('v', 4));
	tell(f, "VM_CHANGED", make_vm(5, "running", 1));
	tell(f, "VM_CHANGED",
	     json_pack("{s:s,s:s,s:b}", "id", guid('v', 4), "name", "vm4", "removed", 1));
	g_autofree char *path = g_strdup_printf(
		"Msvm_StorageAllocationSettingData.InstanceID=\"Cairn:%s\\\\vda\"", guid('v', 5));
	cairn_auto(cim_instance) disk = get(f, V2, path);
	g_assert_nonnull(disk);
	g_assert_null(mirror_vm(f->model->mirror, guid('v', 4)));
	g_assert_true(f->vm_lists == before || is_old(begin));
}

/* ---- changes ---- */

static void
expect_told(struct fixture *f, const char *text)
{
	g_assert_cmpstr(f->told->str, ==, text);
	g_string_truncate(f->told, 0);
}

static void
test_changes(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	expect_told(f, "");
	tell(f, "JOB_CREATED", make_job(5, TRUE, 2, 1, 2, 1));
	expect_told(f, "+Msvm_CollectionReferencePointExportJob ");
	tell(f, "JOB_CHANGED", make_job(5, TRUE, 2, 1, 2, 1));
	expect_told(f, ""); /* nothing differs */
	tell(f, "JOB_CHANGED", make_job(5, TRUE, 7, 1, 2, 1));
	expect_told(f, "~Msvm_CollectionReferencePointExportJob ");
	g_assert_cmpuint(number_of(f->before, "JobState"), ==, 4);
	g_assert_cmpuint(number_of(f->after, "JobState"), ==, 7);
	tell(f, "JOB_REMOVED", json_pack("{s:s,s:i}", "id", guid('j', 5), "number", 5));
	expect_told(f, "-Msvm_CollectionReferencePointExportJob ");
	tell(f, "POINT_CREATED", make_point(3, 1, "web", 1, 2));
	expect_told(f, "+Msvm_ReferencePointCollection +Msvm_VirtualSystemReferencePoint "
		       "+Msvm_VirtualSystemReferencePoint ");
	tell(f, "POINT_DELETED", json_pack("{s:s}", "id", guid('p', 3)));
	expect_told(f, "-Msvm_VirtualSystemReferencePoint -Msvm_VirtualSystemReferencePoint "
		       "-Msvm_ReferencePointCollection ");
	tell(f, "GROUP_CHANGED", make_group(1, "shop", 1, 1));
	expect_told(f, "~Msvm_VirtualSystemCollection ~Msvm_ReferencePointCollection "
		       "~Msvm_ReferencePointCollection ");
	g_assert_cmpstr(cim_instance_string(f->after, "ElementName"), ==, "shop@2");
	tell(f, "GROUP_DELETED", json_pack("{s:s,s:s}", "id", guid('g', 2), "name", "empty"));
	expect_told(f, "-Msvm_VirtualSystemCollection ");
	tell(f, "GROUP_DELETED", json_pack("{s:s,s:s}", "id", guid('g', 1), "name", "shop"));
	g_assert_true(g_str_has_suffix(f->told->str, "-Msvm_VirtualSystemCollection "));
	g_assert_cmpuint(mirror_points(f->model->mirror)->len, ==, 0);
}

/* The daemon goes, changes, and comes again: what differs is told. */
static void
test_again(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	stop_daemon(f);
	wait_ready(f, FALSE);
	struct cim_reply reply = enumerate(f, V2, "CIM_ConcreteJob");
	assert_status(&reply, CIM_ERR_FAILED);
	put(f->jobs, make_job(4, TRUE, 10, 1, 2, 0));
	take_out(f->jobs, guid('j', 1));
	take_out(f->points, guid('p', 1));
	put(f->groups, make_group(3, "new", 3, 1));
	f->fail_groups = TRUE; /* and the first time it does not work */
	start_daemon(f);
	wait_ready(f, TRUE);
	g_assert_nonnull(strstr(f->told->str, "~Msvm_CollectionReferencePointExportJob "));
	g_assert_nonnull(strstr(f->told->str, "-Msvm_ConcreteJob "));
	g_assert_nonnull(strstr(f->told->str, "+Msvm_VirtualSystemCollection "));
	g_assert_nonnull(strstr(f->told->str, "-Msvm_ReferencePointCollection "));
	reply = enumerate(f, V2, "CIM_ConcreteJob");
	g_assert_cmpuint(drain(&reply), ==, 3);
}

/* A run that comes while the mirror is being filled is answered when it is. */
static void
test_early(struct fixture *f, gconstpointer unused)
{
	while (!mirror_filling(f->model->mirror))
		g_main_context_iteration(NULL, TRUE);
	g_assert_false(model_ready(f->model));
	struct cim_reply reply = enumerate(f, V2, "CIM_ConcreteJob");
	g_assert_cmpuint(drain(&reply), ==, 4);
}

static void
never(struct cim_reply *reply, void *user_data)
{
	g_assert_not_reached();
}

/* A client that goes away while machines, or cairnd, are waited for. */
static void
test_cancel(struct fixture *f, gconstpointer unused)
{
	struct cim_reply reply = {0};
	struct cim_op op = {.kind = CIM_OP_ENUMERATE_INSTANCES, .ns = V2};
	wait_ready(f, TRUE);
	op.class_name = g_strdup("Msvm_ComputerSystem");
	g_assert_false(model_run(f->model, &op, "observer2", &reply, never, f)); /* roles */
	model_cancel(f->model, never, f);
	settle(f);
	f->hold_vms = TRUE;
	control_server_event(f->server, "VM_CHANGED", json_object());
	settle(f);
	struct cim_reply jobs = enumerate(f, V2, "CIM_ConcreteJob");
	g_assert_cmpuint(drain(&jobs), ==, 4);
	g_assert_false(model_run(f->model, &op, "operator", &reply, never, f));
	model_cancel(f->model, never, f);
	settle(f);
	g_assert_cmpuint(f->held->len, ==, 1);
	control_call_return(g_ptr_array_remove_index(f->held, 0), json_array());
	settle(f);
	cim_op_clear(&op);
}

/* ---- whatever comes ---- */

/* Changes what the daemon has; tells it, unless nobody is there to tell. */
static void
change(struct fixture *f, json_t *array, const char *event, json_t *object)
{
	put(array, object);
	if (f->server)
		control_server_event(f->server, event, json_incref(object));
}

static void
forget(struct fixture *f, json_t *array, const char *event, const char *id)
{
	gboolean there = FALSE;
	for (size_t i = 0; i < json_array_size(array); i++)
		there |= strcmp(json_string_value(json_object_get(json_array_get(array, i), "id")),
				id) == 0;
	if (!there)
		return;
	take_out(array, id);
	if (f->server)
		control_server_event(f->server, event, json_pack("{s:s}", "id", id));
}

static void
change_something(struct fixture *f)
{
	static const guint states[] = {2, 3, 4, 5, 7, 8, 10};
	guint which = (guint)g_test_rand_int_range(5, 25);
	guint state = states[g_test_rand_int_range(0, G_N_ELEMENTS(states))];
	switch (g_test_rand_int_range(0, 6)) {
	case 0:
	case 1:
		change(f, f->jobs, "JOB_CHANGED",
		       make_job(which, which % 2, state, 1, 1 + which % 3, 0));
		break;
	case 2:
		forget(f, f->jobs, "JOB_REMOVED", guid('j', which));
		break;
	case 3:
		change(f, f->points, "POINT_CHANGED", make_point(which, 1, "web", 1, state % 3));
		break;
	case 4:
		forget(f, f->points, "POINT_DELETED", guid('p', which));
		break;
	default:
		change(f, f->groups, "GROUP_CHANGED",
		       make_group(which, state % 2 ? "odd" : "even", 1, state % 3));
	}
}

static void
assert_same(const struct fixture *f)
{
	const struct mirror *mirror = f->model->mirror;
	g_assert_cmpuint(mirror_jobs(mirror)->len, ==, json_array_size(f->jobs));
	g_assert_cmpuint(mirror_points(mirror)->len, ==, json_array_size(f->points));
	g_assert_cmpuint(mirror_groups(mirror)->len, ==, json_array_size(f->groups));
	for (size_t i = 0; i < json_array_size(f->jobs); i++) {
		const json_t *json = json_array_get(f->jobs, i);
		const struct mirror_job *job =
			mirror_job(mirror, json_string_value(json_object_get(json, "id")));
		cairn_auto(cim_instance) wanted = bind_job_instance(f->model, json);
		g_assert_nonnull(job);
		g_assert_true(job->instance->class == wanted->class);
		for (guint j = 0; j < wanted->class->property_count; j++)
			g_assert_true(
				cim_value_equal(&job->instance->values[j], &wanted->values[j]));
	}
	for (size_t i = 0; i < json_array_size(f->points); i++) {
		const json_t *json = json_array_get(f->points, i);
		const struct mirror_point *point =
			mirror_point(mirror, json_string_value(json_object_get(json, "id")));
		g_assert_nonnull(point);
		g_assert_cmpuint(point->members->len, ==,
				 json_array_size(json_object_get(json, "members")));
	}
}

/* Those who are told of changes know as many as there are. */
static int
balance(const struct fixture *f, const char *class_name)
{
	g_auto(GStrv) words = g_strsplit(f->told->str, " ", -1);
	int sum = 0;
	for (char **word = words; *word; word++)
		if (strcmp(*word, "") != 0 && strcmp(*word + 1, class_name) == 0)
			sum += **word == '+' ? 1 : **word == '-' ? -1 : 0;
	return sum;
}

static void
test_random(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	int points = (int)json_array_size(f->points), groups = (int)json_array_size(f->groups);
	for (guint round = 0; round < 10; round++) {
		for (guint i = 0; i < 60; i++)
			change_something(f);
		settle(f);
		assert_same(f);
		stop_daemon(f);
		wait_ready(f, FALSE);
		for (guint i = 0; i < 20; i++)
			change_something(f);
		start_daemon(f);
		while (!mirror_filling(f->model->mirror))
			g_main_context_iteration(NULL, TRUE);
		for (guint i = 0; i < 20; i++) /* while it is read again */
			change_something(f);
		wait_ready(f, TRUE);
		settle(f);
		assert_same(f);
	}
	g_assert_cmpint(points + balance(f, "Msvm_ReferencePointCollection"), ==,
			json_array_size(f->points));
	g_assert_cmpint(groups + balance(f, "Msvm_VirtualSystemCollection"), ==,
			json_array_size(f->groups));
}

/* ---- many ---- */

static void
test_ten_thousand(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	stop_daemon(f);
	wait_ready(f, FALSE);
	json_array_clear(f->jobs);
	for (guint i = 1; i <= 10000; i++)
		json_array_append_new(f->jobs, make_job(i, i % 2, 7, 1, 2, 0));
	f->job_lists = 0;
	start_daemon(f);
	g_test_timer_start();
	wait_ready(f, TRUE);
	g_test_message("filled in %.3f s", g_test_timer_elapsed());
	g_assert_cmpuint(f->job_lists, ==, 10000 / MODEL_JOB_PAGE + 1);
	struct cim_reply reply = enumerate(f, V2, "CIM_ConcreteJob");
	g_assert_cmpuint(drain(&reply), ==, 10000);
	g_autofree char *path = path_of_job(5001, TRUE);
	g_test_timer_start();
	for (guint i = 0; i < 10000; i++) {
		cairn_auto(cim_instance) job = get(f, V2, path);
		g_assert_nonnull(job);
	}
	g_test_message("10000 GetInstance in %.3f s", g_test_timer_elapsed());
	g_test_timer_start();
	reply = query(f, "SELECT * FROM CIM_ConcreteJob WHERE Priority = 100 AND JobState = 7");
	g_assert_cmpuint(drain(&reply), ==, 10000);
	g_test_message("a query over 10000 in %.3f s", g_test_timer_elapsed());
	g_test_timer_start();
	reply = query(f, "SELECT * FROM Msvm_OwningJobElement");
	g_assert_cmpuint(drain(&reply), ==, 10000);
	g_test_message("10000 references in %.3f s", g_test_timer_elapsed());
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/model-mirror/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("refresh", test_refresh);
	add("changes", test_changes);
	add("again", test_again);
	add("early", test_early);
	add("cancel", test_cancel);
	add("random", test_random);
	add("ten-thousand", test_ten_thousand);
	return g_test_run();
}
