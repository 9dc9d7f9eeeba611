/* Shared steps; see hv_steps.h. */
#include "hv_steps.h"

#include "base/guid.h"

#include <glib/gstdio.h>
#include <string.h>

struct hv_vm *
look(guint n)
{
	g_autoptr(GError) error = NULL;
	struct hv_vm *vm = hypervisor_lookup(world.hv, world.vm[n], &error);
	g_assert_no_error(error);
	return vm;
}

gboolean
knows(guint n, const char *name)
{
	cairn_auto(hv_vm) vm = look(n);
	return g_ptr_array_find_with_equal_func(vm->points, name, g_str_equal, NULL);
}

struct hv_point *
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

struct hv_point *
take(guint n, const char *base)
{
	struct hv_point *point = plan(n, base);
	OK(hypervisor_prepare(world.hv, point, AGENT_SECS, error));
	OK(hypervisor_suspend(world.hv, point->vm, error));
	OK(hypervisor_begin(world.hv, point, error));
	OK(hypervisor_resume(world.hv, point->vm, error));
	return point;
}

void
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

enum hv_state
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

char *
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

guint64
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
