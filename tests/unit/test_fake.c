/* The fake's faults: each does what fake.h says, so that a simulation can be trusted. */
#include "base/error.h"
#include "hypervisor/fake.h"

#define URI "fake:///faults"

struct world {
	struct fake *fake;
	struct hypervisor *hv;
	const char *vm;
	struct hv_point *point;
};

static void
set_up(struct world *world, gconstpointer unused)
{
	world->fake = fake_host(URI);
	world->vm = fake_add_vm(world->fake, "one", HV_RUNNING, TRUE);
	fake_add_disk(world->fake, world->vm, "vda", 1 << 20, TRUE);
	world->hv = hypervisor_open(URI, NULL);
	world->point = hv_point_new(world->vm, "cairn-1", "/tmp/socket");
	hv_point_add(world->point, "vda", NULL, "/tmp/cairn-1.vda", 1 << 20);
}

static void
tear_down(struct world *world, gconstpointer unused)
{
	hypervisor_close(world->hv);
	hv_point_free(world->point);
	fake_drop(URI);
}

static void
test_before_and_after(struct world *world, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	fake_fail_call(world->fake, 2, FAKE_FAIL);
	g_assert_true(hypervisor_freeze(world->hv, world->vm, NULL, &error));
	g_assert_false(hypervisor_thaw(world->hv, world->vm, NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER);
	g_assert_true(fake_frozen(world->fake, world->vm));
	g_clear_error(&error);
	fake_fail_verb(world->fake, "thaw", world->vm, 1, FAKE_FAIL_AFTER);
	g_assert_false(hypervisor_thaw(world->hv, world->vm, NULL, &error));
	g_assert_false(fake_frozen(world->fake, world->vm));
	g_assert_true(hypervisor_thaw(world->hv, world->vm, NULL, NULL));
	g_assert_cmpuint(fake_calls(world->fake, "thaw"), ==, 3);
	g_assert_cmpuint(fake_calls(world->fake, NULL), ==, 4);
}

static gpointer
suspend(gpointer data)
{
	struct world *world = data;
	return GINT_TO_POINTER(hypervisor_suspend(world->hv, world->vm, NULL));
}

static void
test_hang(struct world *world, gconstpointer unused)
{
	fake_fail_verb(world->fake, "suspend", NULL, 1, FAKE_HANG);
	GThread *thread = g_thread_new("suspend", suspend, world);
	g_assert_true(fake_wait_hanging(world->fake, 1, 120 * G_USEC_PER_SEC));
	/* Others go on meanwhile. */
	g_assert_true(hypervisor_freeze(world->hv, world->vm, NULL, NULL));
	fake_release(world->fake);
	g_assert_false(GPOINTER_TO_INT(g_thread_join(thread)));
	g_assert_cmpint(fake_state(world->fake, world->vm), ==, HV_RUNNING);
}

static void
expect_unclean(struct world *world, gboolean expected)
{
	g_autofree char *text = fake_unclean(world->fake, FALSE);
	g_assert_true((text != NULL) == expected);
}

/* Every half-done state is seen, and the host outlives its connection. */
static void
test_unclean(struct world *world, gconstpointer unused)
{
	expect_unclean(world, FALSE);
	g_assert_true(hypervisor_prepare(world->hv, world->point, 5, NULL));
	expect_unclean(world, TRUE);
	g_assert_true(hypervisor_end(world->hv, world->point, NULL));
	fake_assert_clean(world->fake);
	g_assert_true(hypervisor_suspend(world->hv, world->vm, NULL));
	expect_unclean(world, TRUE);
	hypervisor_close(world->hv);
	world->hv = hypervisor_open(URI, NULL);
	g_assert_true(hypervisor_resume(world->hv, world->vm, NULL));
	g_assert_true(hypervisor_prepare(world->hv, world->point, 5, NULL));
	g_assert_true(hypervisor_begin(world->hv, world->point, NULL));
	g_assert_cmpstr(fake_held(world->fake, world->vm), ==, "cairn-1");
	expect_unclean(world, TRUE);
	g_autofree char *held = fake_unclean(world->fake, TRUE);
	g_assert_cmpstr(held, ==, NULL);
	g_assert_true(hypervisor_end(world->hv, world->point, NULL));
	fake_assert_clean(world->fake);
	g_assert_true(fake_has_point(world->fake, world->vm, "cairn-1"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/fake/before-and-after", struct world, NULL, set_up, test_before_and_after,
		   tear_down);
	g_test_add("/fake/hang", struct world, NULL, set_up, test_hang, tear_down);
	g_test_add("/fake/unclean", struct world, NULL, set_up, test_unclean, tear_down);
	return g_test_run();
}
