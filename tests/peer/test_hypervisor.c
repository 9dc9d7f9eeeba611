/* The conformance script of the hypervisor drivers: the same steps over the fake and over real
 * guests. `test_hypervisor` runs it over the fake; `test_hypervisor --lab DIR` over a lab
 * (hypervisor.py). */
#include "base/error.h"
#include "base/guid.h"
#include "hv_world.h"
#include "hypervisor/fake.h"

#include <glib/gstdio.h>
#include <string.h>

#define AGENT_SECS 10

static struct world world;

#define OK(call)                                                                     \
	do {                                                                         \
		g_autoptr(GError) e_ = NULL;                                         \
		GError **error = &e_;                                                \
		if (!(call))                                                         \
			g_error("%s: %s", #call, e_ ? e_->message : "no error set"); \
	} while (0)

#define FAILS(wanted, call)                              \
	do {                                             \
		g_autoptr(GError) e_ = NULL;             \
		GError **error = &e_;                    \
		g_assert_false(call);                    \
		g_assert_error(e_, CAIRN_ERROR, wanted); \
	} while (0)

static struct hv_vm *
look(guint n)
{
	g_autoptr(GError) error = NULL;
	struct hv_vm *vm = hypervisor_lookup(world.hv, world.vm[n], &error);
	g_assert_no_error(error);
	return vm;
}

static gboolean
knows(guint n, const char *name)
{
	cairn_auto(hv_vm) vm = look(n);
	return g_ptr_array_find_with_equal_func(vm->points, name, g_str_equal, NULL);
}

/* A point of all disks of machine @n against @base (or NULL), not begun. */
static struct hv_point *
plan(guint n, const char *base)
{
	cairn_auto(hv_vm) vm = look(n);
	g_autofree char *guid = cairn_guid_new();
	g_autofree char *name = g_strconcat(HV_OURS, guid, NULL);
	g_autofree char *socket = g_strdup_printf("%s/%u.sock", world.dir, n);
	struct hv_point *point = hv_point_new(world.vm[n], name, socket);
	for (guint i = 0; i < vm->disks->len; i++) {
		const struct hv_disk *disk = vm->disks->pdata[i];
		g_autofree char *scratch =
			g_strdup_printf("%s/%s/%u.%s", world.dir, name, n, disk->target);
		hv_point_add(point, disk->target, disk->trackable ? base : NULL, scratch,
			     disk->size)
			->untracked = !disk->trackable;
	}
	return point;
}

static struct hv_point *
take(guint n, const char *base)
{
	struct hv_point *point = plan(n, base);
	OK(hypervisor_prepare(world.hv, point, AGENT_SECS, error));
	OK(hypervisor_suspend(world.hv, point->vm, error));
	OK(hypervisor_begin(world.hv, point, error));
	OK(hypervisor_resume(world.hv, point->vm, error));
	return point;
}

static void
give_up(struct hv_point *point)
{
	for (int twice = 0; twice < 2; twice++) {
		OK(hypervisor_end(world.hv, point, error));
		OK(hypervisor_forget(world.hv, point->vm, point->name, error));
	}
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		g_assert_false(g_file_test(disk->scratch, G_FILE_TEST_EXISTS));
	}
	g_assert_false(g_file_test(point->socket, G_FILE_TEST_EXISTS));
	hv_point_free(point);
}

static enum hv_state
state(guint n)
{
	cairn_auto(hv_vm) vm = look(n);
	return vm->state;
}

static char *
nbd_uri(const struct hv_point *point, const char *target)
{
	if (g_str_has_prefix(point->socket, "tcp:"))
		return g_strdup_printf("nbd://%s/%s", point->socket + strlen("tcp:"), target);
	return g_strdup_printf("nbd+unix:///%s?socket=%s", target, point->socket);
}

/* The digest of a disk of the held data, read over NBD. */
static char *
digest(const struct hv_point *point, const char *target)
{
	g_autofree char *uri = nbd_uri(point, target);
	g_autofree char *copy = g_strdup_printf("%s/copy", world.dir);
	g_unlink(copy);
	g_free(world_run(FALSE, "nbdcopy", uri, copy, NULL));
	char *sum = world_run(FALSE, "sha256sum", copy, NULL);
	g_unlink(copy);
	return sum;
}

/* Bytes that changed since the base, as the server tells them. */
static guint64
changed_bytes(const struct hv_point *point)
{
	const struct hv_point_disk *disk = point->disks->pdata[0];
	g_autofree char *context = hypervisor_changes_context(world.hv, point, disk);
	g_autofree char *map = g_strconcat("--map=", context, NULL);
	g_autofree char *uri = nbd_uri(point, disk->target);
	g_autofree char *text = world_run(FALSE, "nbdinfo", "--totals", map, uri, NULL);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (strstr(*line, "dirty"))
			return g_ascii_strtoull(g_strchug(*line), NULL, 10);
	return 0;
}

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

/* The second point of a machine that is off, after it ran: full and incremental, and what its start
 * does. */
static void
test_off(void)
{
	struct hv_point *base = take(2, NULL);
	OK(hypervisor_end(world.hv, base, error));
	world.write(&world, 2);
	world.stop(&world, 2);
	world_expect(&world, HV_EVENT_STOPPED, 2);
	g_autofree char *reason = NULL;
	OK(hypervisor_check_base(world.hv, base->vm, base->name, "vda", &reason, error));
	g_assert_cmpstr(reason, ==, NULL);
	struct hv_point *point = take(2, base->name);
	g_assert_cmpint(state(2), ==, HV_SHUTOFF);
	for (int twice = 0; twice < 2; twice++)
		OK(hypervisor_serve(world.hv, point, error));
	FAILS(CAIRN_ERROR_BUSY, hypervisor_forget(world.hv, base->vm, base->name, error));
	if (world.real) {
		g_free(digest(point, "vda"));
		g_free(digest(point, "vdc"));
		g_assert_cmpuint(changed_bytes(point), >=, 24 * 65536);
	}
	world.start(&world, 2);
	world_expect(&world, HV_EVENT_START_BLOCKED, 2);
	g_assert_cmpint(state(2), ==, HV_SHUTOFF);
	OK(hypervisor_unserve(world.hv, point, error));
	OK(hypervisor_serve(world.hv, point, error));
	OK(hypervisor_unserve(world.hv, point, error));
	world_forget_events();
	world.start(&world, 2);
	world_expect(&world, HV_EVENT_STARTED, 2);
	g_assert_cmpint(state(2), ==, HV_RUNNING);
	FAILS(CAIRN_ERROR_STATE, hypervisor_serve(world.hv, point, error));
	/* Its bitmap lives on and is a good base. */
	OK(hypervisor_end(world.hv, point, error));
	OK(hypervisor_check_base(world.hv, point->vm, point->name, "vda", &reason, error));
	g_assert_cmpstr(reason, ==, NULL);
	give_up(take(2, point->name));
	give_up(base);
	give_up(point);
}

/* Started and written to while nobody served. */
static void
test_off_changed(void)
{
	world.stop(&world, 2);
	world_expect(&world, HV_EVENT_STOPPED, 2);
	struct hv_point *point = take(2, NULL);
	world_forget_events();
	world.start(&world, 2);
	world_expect(&world, HV_EVENT_STARTED, 2);
	world.write(&world, 2);
	world.stop(&world, 2);
	world_expect(&world, HV_EVENT_STOPPED, 2);
	if (world.real)
		FAILS(CAIRN_ERROR_STATE, hypervisor_serve(world.hv, point, error));
	give_up(point);
	world.start(&world, 2);
	world_expect(&world, HV_EVENT_STARTED, 2);
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
test_restart(void)
{
	if (!world.restart) {
		g_test_skip("the fake has no daemon");
		return;
	}
	struct hv_point *point = take(0, NULL);
	world.restart(&world);
	OK(hypervisor_serve(world.hv, point, error));
	g_free(digest(point, "vda"));
	g_autofree char *reason = NULL;
	OK(hypervisor_check_base(world.hv, point->vm, point->name, "vda", &reason, error));
	g_assert_cmpstr(reason, ==, NULL);
	/* Events come again, too. */
	OK(hypervisor_watch(world.hv, point, 1, error));
	world_expect(&world, HV_EVENT_SCRATCH_FULL, 0);
	give_up(point);
}

/* With the hook of packaging/ the refusal names us. After /restart, which installs it. */
static void
test_hook(void)
{
	if (!world.start_error) {
		g_test_skip("the fake has no hooks");
		return;
	}
	world.stop(&world, 2);
	world_expect(&world, HV_EVENT_STOPPED, 2);
	struct hv_point *point = take(2, NULL);
	OK(hypervisor_serve(world.hv, point, error));
	world_forget_events();
	g_autofree char *said = world.start_error(&world, 2);
	g_assert_nonnull(strstr(said, "cairn"));
	g_assert_nonnull(strstr(said, point->name + strlen(HV_OURS)));
	world_expect(&world, HV_EVENT_START_BLOCKED, 2);
	give_up(point);
	world.start(&world, 2);
	world_expect(&world, HV_EVENT_STARTED, 2);
}

/* A point whose data comes over TCP and whose scratch files libvirt makes, in a folder that is
 * there. */
static struct hv_point *
plan_remote(const char *base)
{
	g_autoptr(GError) why = NULL;
	struct hv_point *point = plan(0, base);
	char *address = hypervisor_address(world.hv, point->vm, point->socket, &why);
	g_assert_no_error(why);
	g_free(point->socket);
	point->socket = address;
	for (guint i = 0; i < point->disks->len; i++) {
		struct hv_point_disk *disk = point->disks->pdata[i];
		g_free(disk->scratch);
		disk->scratch = g_strdup_printf("%s/%s.%s", world.dir, point->name, disk->target);
	}
	/* There is one port. */
	FAILS(CAIRN_ERROR_LIMIT, hypervisor_address(world.hv, point->vm, "/x", error));
	return point;
}

static void
hold_remote(struct hv_point *point)
{
	OK(hypervisor_prepare(world.hv, point, AGENT_SECS, error));
	OK(hypervisor_begin(world.hv, point, error));
	OK(hypervisor_serve(world.hv, point, error));
	g_autofree char *before = digest(point, "vda");
	world.write(&world, 0);
	g_autofree char *after = digest(point, "vda");
	g_assert_cmpstr(before, ==, after);
	OK(hypervisor_end(world.hv, point, error));
	g_assert_true(knows(0, point->name));
}

static void
test_remote(void)
{
	if (!world.real) {
		g_test_skip("the fake is never remote");
		return;
	}
	int port = g_test_rand_int_range(20000, 30000);
	g_autofree char *uri =
		g_strdup_printf("%s&cairn_nbd=127.0.0.1:%d-%d", world.uri, port, port);
	g_autoptr(GError) why = NULL;
	struct hypervisor *local = world.hv;
	world.hv = hypervisor_open(uri, &why);
	g_assert_no_error(why);
	struct hv_point *first = plan_remote(NULL);
	hold_remote(first);
	struct hv_point *second = plan_remote(first->name);
	hold_remote(second);
	give_up(first);
	give_up(second);
	hypervisor_close(world.hv);
	world.hv = local;
}

static void
test_lost_metadata(void)
{
	if (!world.lose_metadata) {
		g_test_skip("the fake keeps no metadata apart");
		return;
	}
	struct hv_point *point = take(0, NULL);
	OK(hypervisor_end(world.hv, point, error));
	world.lose_metadata(&world, 0, point->name);
	g_assert_false(knows(0, point->name));
	g_autofree char *reason = NULL;
	OK(hypervisor_check_base(world.hv, point->vm, point->name, "vda", &reason, error));
	g_assert_cmpstr(reason, ==, NULL);
	g_assert_true(knows(0, point->name));
	give_up(take(0, point->name));
	world.lose_metadata(&world, 0, point->name);
	give_up(point);
	/* The bitmap is gone with it: the name is free again. */
	OK(hypervisor_check_base(world.hv, world.vm[0], "cairn-gone", "vda", &reason, error));
	g_assert_nonnull(reason);
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

static void
test_crash(void)
{
	struct hv_point *before = take(1, NULL);
	OK(hypervisor_end(world.hv, before, error));
	struct hv_point *point = take(1, before->name);
	world_forget_events();
	world.crash(&world, 1);
	world_expect(&world, HV_EVENT_STOPPED, 1);
	g_autofree char *reason = NULL;
	OK(hypervisor_check_base(world.hv, point->vm, before->name, "vda", &reason, error));
	g_assert_nonnull(reason);
	OK(hypervisor_end(world.hv, point, error));
	world.start(&world, 1);
	world_expect(&world, HV_EVENT_STARTED, 1);
	g_clear_pointer(&reason, g_free);
	OK(hypervisor_check_base(world.hv, point->vm, before->name, "vda", &reason, error));
	g_assert_nonnull(reason);
	give_up(before);
	give_up(point);
	/* Nothing is in the way of a new beginning. */
	give_up(take(1, NULL));
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
	g_test_add_func("/hypervisor/off", test_off);
	g_test_add_func("/hypervisor/off-changed", test_off_changed);
	g_test_add_func("/hypervisor/foreign", test_foreign);
	g_test_add_func("/hypervisor/restart", test_restart);
	g_test_add_func("/hypervisor/hook", test_hook);
	g_test_add_func("/hypervisor/remote", test_remote);
	g_test_add_func("/hypervisor/lost-metadata", test_lost_metadata);
	g_test_add_func("/hypervisor/scratch", test_scratch);
	g_test_add_func("/hypervisor/crash", test_crash);
	int status = g_test_run();
	world_close(&world);
	return status;
}
