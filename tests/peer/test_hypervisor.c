/* The conformance script of the hypervisor drivers: the same steps over the fake and over real
 * guests. `test_hypervisor` runs it over the fake; `test_hypervisor --lab DIR` over a lab
 * (hypervisor.py). */
#include "base/guid.h"
#include "hv_steps.h"
#include "hypervisor/fake.h"

#include <glib/gstdio.h>
#include <string.h>

struct world world;

static void
test_list(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) vms = hypervisor_list(world.hv, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(vms->len, ==, 3);
	cairn_auto(hv_vm) vm = hypervisor_lookup(world.hv, world.name[2], &error);
	g_assert_no_error(error);
	g_assert_cmpstr(vm->uuid, ==, world.vm[2]);
	g_assert_cmpint(vm->state, ==, HV_RUNNING);
	g_assert_false(vm->agent);
	g_assert_cmpuint(vm->disks->len, ==, 2);
	const struct hv_disk *first = vm->disks->pdata[0], *raw = vm->disks->pdata[1];
	g_assert_true(first->trackable && !first->reason && first->size > 0);
	g_assert_false(raw->trackable);
	g_assert_nonnull(raw->reason);
	cairn_auto(hv_vm) with_agent = look(0);
	g_assert_true(with_agent->agent);
	g_assert_null(hypervisor_lookup(world.hv, "nobody", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
}

static void
test_door(void)
{
	cairn_auto(hv_point) point = plan(0, NULL);
	FAILS(CAIRN_ERROR_INVALID, hypervisor_forget(world.hv, world.vm[0], "other-1", error));
	FAILS(CAIRN_ERROR_INVALID, hypervisor_suspend(world.hv, "x", error));
	g_free(point->name);
	point->name = g_strdup("foreign");
	FAILS(CAIRN_ERROR_INVALID, hypervisor_end(world.hv, point, error));
	cairn_auto(hv_point) bare = hv_point_new(world.vm[0], "cairn-1", "/nowhere/socket");
	FAILS(CAIRN_ERROR_INVALID, hypervisor_begin(world.hv, bare, error));
	OK(hypervisor_end(world.hv, bare, error));
	g_autofree char *nobody = cairn_guid_new();
	FAILS(CAIRN_ERROR_NOT_FOUND, hypervisor_suspend(world.hv, nobody, error));
	OK(hypervisor_resume(world.hv, nobody, error));
	OK(hypervisor_thaw(world.hv, nobody, NULL, error));
	OK(hypervisor_forget(world.hv, nobody, "cairn-1", error));
}

static void
test_freeze(void)
{
	guint frozen = 0;
	FAILS(CAIRN_ERROR_STATE, hypervisor_freeze(world.hv, world.vm[2], NULL, error));
	OK(hypervisor_freeze(world.hv, world.vm[0], &frozen, error));
	g_assert_cmpuint(frozen, >, 0);
	frozen = 0;
	OK(hypervisor_thaw(world.hv, world.vm[0], &frozen, error));
	g_assert_cmpuint(frozen, >, 0);
	OK(hypervisor_thaw(world.hv, world.vm[0], &frozen, error));
	g_assert_cmpuint(frozen, ==, 0);
	OK(hypervisor_thaw(world.hv, world.vm[2], NULL, error));
}

static void
same_data(struct hv_point *const *points, guint n)
{
	char *before[2] = {NULL, NULL};
	for (guint i = 0; i < n; i++)
		before[i] = digest(points[i], "vda");
	for (guint i = 0; i < n; i++)
		world.write(&world, i);
	for (guint i = 0; i < n; i++) {
		g_autofree char *after = digest(points[i], "vda");
		g_assert_cmpstr(before[i], ==, after);
		g_free(before[i]);
	}
}

static void
test_group(void)
{
	struct hv_point *points[2] = {plan(0, NULL), plan(1, NULL)};
	g_autofree char *saved = g_strdup_printf("%s/saved", world.dir);
	g_auto(GStrv) files = NULL;
	g_mkdir(saved, 0700);
	for (guint i = 0; i < 2; i++)
		OK(hypervisor_prepare(world.hv, points[i], AGENT_SECS, error));
	for (guint i = 0; i < 2; i++)
		OK(hypervisor_freeze(world.hv, world.vm[i], NULL, error));
	for (guint i = 0; i < 2; i++)
		OK(hypervisor_suspend(world.hv, world.vm[i], error));
	g_assert_cmpint(state(0), ==, HV_PAUSED);
	for (guint i = 0; i < 2; i++)
		OK(hypervisor_begin(world.hv, points[i], error));
	OK(hypervisor_save_state(world.hv, world.vm[0], saved, &files, error));
	for (guint i = 0; i < 2; i++)
		OK(hypervisor_resume(world.hv, world.vm[i], error));
	for (guint i = 0; i < 2; i++)
		OK(hypervisor_thaw(world.hv, world.vm[i], NULL, error));
	for (guint i = 0; i < 2; i++)
		OK(hypervisor_serve(world.hv, points[i], error));
	g_assert_cmpint(state(0), ==, HV_RUNNING);
	cairn_auto(hv_vm) vm = look(0);
	g_assert_cmpstr(vm->backup, ==, points[0]->name);
	g_assert_null(vm->busy);
	g_autofree char *config = g_build_filename(saved, "config.xml", NULL);
	g_assert_true(g_file_test(config, G_FILE_TEST_EXISTS));
	if (world.real) {
		g_autofree char *nvram = g_build_filename(saved, "nvram.fd", NULL);
		g_assert_true(g_file_test(nvram, G_FILE_TEST_EXISTS));
		g_assert_true(g_strv_contains((const char *const *)files, "nvram.fd"));
		g_assert_cmpuint(g_strv_length(files), >, 1); /* and the TPM's */
		same_data(points, 2);
	}
	for (guint i = 0; i < 2; i++)
		give_up(points[i]);
	if (!world.real)
		fake_assert_clean(fake_host(world.uri));
}

static void
test_increment(void)
{
	struct hv_point *first = take(0, NULL);
	guint64 used = 0, rest = 0;
	world.write(&world, 0);
	OK(hypervisor_usage(world.hv, first, &used, &rest, error));
	g_assert_cmpuint(used, >, 0);
	g_assert_cmpuint(rest, >, 0);
	OK(hypervisor_end(world.hv, first, error));
	g_autofree char *reason = NULL;
	OK(hypervisor_check_base(world.hv, first->vm, first->name, "vda", &reason, error));
	g_assert_cmpstr(reason, ==, NULL);
	OK(hypervisor_check_base(world.hv, first->vm, "cairn-nothing", "vda", &reason, error));
	g_assert_nonnull(reason);
	struct hv_point *second = take(0, first->name);
	OK(hypervisor_serve(world.hv, second, error));
	if (world.real) {
		guint64 bytes = changed_bytes(second);
		g_assert_cmpuint(bytes, >=, 24 * 65536);
		g_assert_cmpuint(bytes, <, 16 << 20);
	}
	/* The base may go while the increment is being read. */
	give_up(first);
	give_up(second);
	g_assert_cmpint(state(0), ==, HV_RUNNING);
}

static void
test_undo_prepare(void)
{
	struct hv_point *point = plan(0, NULL);
	OK(hypervisor_prepare(world.hv, point, AGENT_SECS, error));
	g_assert_true(knows(0, point->name));
	OK(hypervisor_end(world.hv, point, error));
	g_assert_false(knows(0, point->name));
	give_up(point);
	struct hv_point *bad = plan(0, "cairn-nothing");
	OK(hypervisor_prepare(world.hv, bad, AGENT_SECS, error));
	g_autoptr(GError) why = NULL;
	g_assert_false(hypervisor_begin(world.hv, bad, &why));
	g_assert_nonnull(why);
	OK(hypervisor_end(world.hv, bad, error));
	g_assert_false(knows(0, bad->name));
	give_up(bad);
}

static void
test_paused(void)
{
	world.pause(&world, 2);
	struct hv_point *point = take(2, NULL);
	g_assert_cmpint(state(2), ==, HV_PAUSED);
	OK(hypervisor_resume(world.hv, point->vm, error));
	g_assert_cmpint(state(2), ==, HV_PAUSED);
	OK(hypervisor_serve(world.hv, point, error));
	if (world.real) {
		g_free(digest(point, "vda"));
		g_free(digest(point, "vdc"));
	}
	give_up(point);
	world.unpause(&world, 2);
	g_assert_cmpint(state(2), ==, HV_RUNNING);
}

static void
test_foreign(void)
{
	struct hv_point *point = plan(1, NULL);
	world.foreign_begin(&world, 1);
	cairn_auto(hv_vm) vm = look(1);
	g_assert_nonnull(vm->busy);
	g_assert_null(vm->backup);
	FAILS(CAIRN_ERROR_BUSY, hypervisor_prepare(world.hv, point, AGENT_SECS, error));
	give_up(point);
	world.foreign_end(&world, 1);
}

static void
test_scratch(void)
{
	struct hv_point *point = take(1, NULL);
	OK(hypervisor_watch(world.hv, point, 768 << 10, error));
	world.write(&world, 1);
	world_expect(&world, HV_EVENT_SCRATCH_FULL, 1);
	give_up(point);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (argc == 3 && g_str_equal(argv[1], "--lab"))
		world_open_lab(&world, argv[2]);
	else
		world_open_fake(&world);
	g_test_add_func("/hypervisor/list", test_list);
	g_test_add_func("/hypervisor/door", test_door);
	g_test_add_func("/hypervisor/freeze", test_freeze);
	g_test_add_func("/hypervisor/group", test_group);
	g_test_add_func("/hypervisor/increment", test_increment);
	g_test_add_func("/hypervisor/undo-prepare", test_undo_prepare);
	g_test_add_func("/hypervisor/paused", test_paused);
	g_test_add_func("/hypervisor/foreign", test_foreign);
	g_test_add_func("/hypervisor/scratch", test_scratch);
	add_trouble_tests();
	int status = g_test_run();
	world_close(&world);
	return status;
}
