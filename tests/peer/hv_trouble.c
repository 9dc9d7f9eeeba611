/* The conformance script, second part: machines that are off, what crashes or goes away, remote
 * hosts. */
#include "hv_steps.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
	/* There is one port, and each machine has one at most. */
	g_autofree char *again = hypervisor_address(world.hv, point->vm, "/x", &why);
	g_assert_cmpstr(again, ==, address);
	FAILS(CAIRN_ERROR_LIMIT, hypervisor_address(world.hv, world.vm[1], "/x", error));
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

/* One that nobody listens on, below those that the kernel gives to others. */
static int
free_port(void)
{
	for (int port = g_test_rand_int_range(20000, 30000);; port++) {
		struct sockaddr_in address = {.sin_family = AF_INET,
					      .sin_port = htons((guint16)port),
					      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		gboolean ok = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
		close(fd);
		if (ok)
			return port;
	}
}

static void
test_remote(void)
{
	if (!world.real) {
		g_test_skip("the fake is never remote");
		return;
	}
	int port = free_port();
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
	/* For a bitmap that is not there nothing is done that others could see. */
	gint64 changed = world.checkpoints_changed(&world, 0);
	g_assert_cmpint(changed, !=, 0);
	OK(hypervisor_forget(world.hv, world.vm[0], "cairn-gone", error));
	g_assert_cmpint(world.checkpoints_changed(&world, 0), ==, changed);
}

/* Of a bitmap that was lost in a crash nothing is left in the image. */
static void
give_up_broken(struct hv_point *point)
{
	g_autofree char *name = g_strdup(point->name);
	g_autofree char *before = world.real ? world.image_info(&world, 1) : NULL;
	g_assert_true(!before || strstr(before, name));
	give_up(point);
	g_autofree char *after = world.real ? world.image_info(&world, 1) : NULL;
	g_assert_true(!after || !strstr(after, name));
}

static void
test_crash(void)
{
	struct hv_point *before = take(1, NULL);
	OK(hypervisor_end(world.hv, before, error));
	/* QEMU writes its bitmap into the image when it ends, and marks it when it starts. */
	world_forget_events();
	world.stop(&world, 1);
	world_expect(&world, HV_EVENT_STOPPED, 1);
	world.start(&world, 1);
	world_expect(&world, HV_EVENT_STARTED, 1);
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
	give_up_broken(before);
	give_up(point);
	/* Nothing is in the way of a new beginning. */
	give_up(take(1, NULL));
}

static gpointer
end_in_thread(gpointer point)
{
	OK(hypervisor_end(world.hv, point, error));
	return NULL;
}

/* A debt that is paid twice at once leaves the next point alone. */
static void
test_end_twice(void)
{
	for (guint i = 0; i < 3; i++) {
		struct hv_point *point = take(1, NULL);
		g_autofree char *socket = g_steal_pointer(&point->socket);
		point->socket = g_strconcat(socket, "-", NULL); /* not the next one's */
		GThread *thread = g_thread_new("end", end_in_thread, point);
		OK(hypervisor_end(world.hv, point, error));
		struct hv_point *next = take(1, NULL);
		g_thread_join(thread);
		cairn_auto(hv_vm) vm = look(1);
		g_assert_cmpstr(vm->backup, ==, next->name);
		give_up(next);
		give_up(point);
	}
}

void
add_trouble_tests(void)
{
	g_test_add_func("/hypervisor/off", test_off);
	g_test_add_func("/hypervisor/off-changed", test_off_changed);
	g_test_add_func("/hypervisor/restart", test_restart);
	g_test_add_func("/hypervisor/hook", test_hook);
	g_test_add_func("/hypervisor/remote", test_remote);
	g_test_add_func("/hypervisor/lost-metadata", test_lost_metadata);
	g_test_add_func("/hypervisor/crash", test_crash);
	g_test_add_func("/hypervisor/end-twice", test_end_twice);
}
