/* Which looks at machines are told as VM_CHANGED: new, changed, gone, moved, and old news. */
#include "cairnd/machines.h"

#include "base/json.h"

#define ONE "11111111-1111-1111-1111-111111111111"
#define TWO "22222222-2222-2222-2222-222222222222"

struct fixture {
	struct world world;
	struct host a, b;
	GHashTable *machines;
	GString *told;
};

static void
on_event(void *user, const char *name, json_t *data)
{
	struct fixture *f = user;
	g_assert_cmpstr(name, ==, "VM_CHANGED");
	g_string_append_printf(f->told, "%s%c:%s ",
			       json_is_true(json_object_get(data, "removed")) ? "-" : "",
			       json_string_value(json_object_get(data, "id"))[0],
			       json_string_value(json_object_get(data, "name")));
	json_decref(data);
}

static void
set_up(struct fixture *f, gconstpointer unused)
{
	f->world.event = on_event;
	f->world.user = f;
	f->a = (struct host){.world = &f->world, .uri = (char *)"qemu:///a"};
	f->b = (struct host){.world = &f->world, .uri = (char *)"qemu:///b"};
	f->machines = machines_new();
	f->told = g_string_new(NULL);
}

static void
tear_down(struct fixture *f, gconstpointer unused)
{
	g_hash_table_unref(f->machines);
	g_string_free(f->told, TRUE);
}

static struct hv_vm *
vm(const char *uuid, const char *name, enum hv_state state)
{
	struct hv_vm *new = hv_vm_new();
	struct hv_disk *disk = hv_disk_new("vda");
	new->uuid = g_strdup(uuid);
	new->name = g_strdup(name);
	new->state = state;
	g_ptr_array_add(new->disks, disk);
	return new;
}

/* Machines up to NULL; @gone: one UUID that is not there, "" for none, NULL for a whole look. */
static gboolean
look(struct fixture *f, const struct host *host, gint64 since, const char *gone,
     struct hv_vm *first, ...)
{
	g_autoptr(GPtrArray) vms = g_ptr_array_new_with_free_func((GDestroyNotify)hv_vm_free);
	g_autoptr(GPtrArray) lost = g_ptr_array_new();
	va_list list;
	va_start(list, first);
	for (struct hv_vm *it = first; it; it = va_arg(list, struct hv_vm *))
		g_ptr_array_add(vms, it);
	va_end(list);
	if (gone && *gone)
		g_ptr_array_add(lost, (gpointer)gone);
	return machines_remember(f->machines, host, vms, gone ? lost : NULL, since);
}

static void
said(struct fixture *f, const char *words)
{
	g_assert_cmpstr(f->told->str, ==, words);
	g_string_truncate(f->told, 0);
}

static void
test_changes(struct fixture *f, gconstpointer unused)
{
	look(f, &f->a, 1, NULL, vm(ONE, "one", HV_RUNNING), vm(TWO, "two", HV_SHUTOFF), NULL);
	said(f, "2:two 1:one ");
	look(f, &f->a, 2, NULL, vm(ONE, "one", HV_RUNNING), vm(TWO, "two", HV_SHUTOFF), NULL);
	said(f, "");
	look(f, &f->a, 3, "", vm(ONE, "one", HV_PAUSED), NULL);
	said(f, "1:one ");
	look(f, &f->a, 4, "", vm(ONE, "uno", HV_PAUSED), NULL);
	said(f, "1:uno ");
	struct hv_vm *more = vm(ONE, "uno", HV_PAUSED);
	g_ptr_array_add(more->disks, hv_disk_new("vdb"));
	look(f, &f->a, 5, "", more, NULL);
	said(f, "1:uno ");
	more = vm(ONE, "uno", HV_PAUSED);
	g_ptr_array_add(more->disks, hv_disk_new("vdc"));
	more->agent = TRUE;
	look(f, &f->a, 6, NULL, more, vm(TWO, "two", HV_SHUTOFF), NULL);
	said(f, "1:uno ");
	look(f, &f->a, 7, TWO, NULL);
	said(f, "-2:two ");
	look(f, &f->a, 8, NULL, NULL);
	said(f, "-1:uno ");
	g_assert_cmpuint(g_hash_table_size(f->machines), ==, 0);
}

/* A whole look takes long; what was asked later and is known already stays. */
static void
test_old_news(struct fixture *f, gconstpointer unused)
{
	look(f, &f->a, 1, NULL, vm(ONE, "one", HV_RUNNING), NULL);
	look(f, &f->a, 5, "", vm(ONE, "one", HV_SHUTOFF), vm(TWO, "two", HV_RUNNING), NULL);
	said(f, "1:one 2:two 1:one ");
	g_assert_true(look(f, &f->a, 4, NULL, vm(ONE, "one", HV_RUNNING), NULL));
	said(f, "");
	look(f, &f->a, 4, TWO, NULL);
	said(f, "");
	look(f, &f->a, 6, NULL, vm(ONE, "one", HV_SHUTOFF), NULL);
	said(f, "-2:two ");
}

/* A machine moves from one host to another, and is told of in either order. */
static void
test_moves(struct fixture *f, gconstpointer unused)
{
	look(f, &f->a, 1, NULL, vm(ONE, "one", HV_RUNNING), NULL);
	said(f, "1:one ");
	g_assert_false(look(f, &f->b, 2, "", vm(ONE, "one", HV_RUNNING), NULL));
	said(f, "");
	g_assert_true(look(f, &f->a, 3, "", vm(ONE, "one", HV_SHUTOFF), NULL));
	said(f, "1:one ");
	g_assert_true(look(f, &f->b, 4, NULL, vm(ONE, "one", HV_RUNNING), NULL));
	said(f, "1:one ");
	g_assert_cmpstr(((struct vm_entry *)g_hash_table_lookup(f->machines, ONE))->uri, ==,
			"qemu:///b");
	g_assert_true(look(f, &f->a, 5, ONE, NULL));
	said(f, "");
	look(f, &f->b, 6, NULL, NULL);
	said(f, "-1:one ");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) g_test_add(path, struct fixture, NULL, set_up, fn, tear_down)
	ADD("/machines/changes", test_changes);
	ADD("/machines/old-news", test_old_news);
	ADD("/machines/moves", test_moves);
	return g_test_run();
}
