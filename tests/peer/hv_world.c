/* The two worlds of the conformance script; see hv_world.h. */
#include "hv_world.h"

#include "base/file.h"
#include "hypervisor/fake.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define EXPECT_USEC (180 * G_USEC_PER_SEC)
#define DISK_SIZE   (64u << 20)
#define FAKE_URI    "fake:///conformance"

struct seen {
	enum hv_event_type type;
	char *vm;
};

static GMutex lock;
static GCond cond;
static GPtrArray *events; /* struct seen */

static void
seen_free(gpointer data)
{
	struct seen *seen = data;
	g_free(seen->vm);
	g_free(seen);
}

static void
on_event(const struct hv_event *event, void *user_data)
{
	struct seen *seen = g_new0(struct seen, 1);
	seen->type = event->type;
	seen->vm = g_strdup(event->vm);
	g_mutex_lock(&lock);
	g_ptr_array_add(events, seen);
	g_cond_signal(&cond);
	g_mutex_unlock(&lock);
}

static gboolean
take_event(enum hv_event_type type, const char *vm)
{
	for (guint i = 0; i < events->len; i++) {
		const struct seen *seen = events->pdata[i];
		if (seen->type == type && (!vm || g_strcmp0(vm, seen->vm) == 0)) {
			g_ptr_array_remove_index(events, i);
			return TRUE;
		}
	}
	return FALSE;
}

void
world_expect(struct world *world, enum hv_event_type type, guint n)
{
	gint64 deadline = g_get_monotonic_time() + EXPECT_USEC;
	const char *vm = n < G_N_ELEMENTS(world->vm) ? world->vm[n] : NULL;
	gboolean found;
	g_mutex_lock(&lock);
	while (!(found = take_event(type, vm)))
		if (!g_cond_wait_until(&cond, &lock, deadline))
			break;
	g_mutex_unlock(&lock);
	if (!found)
		g_error("event %d of machine %u did not come", type, n);
}

void
world_forget_events(void)
{
	g_mutex_lock(&lock);
	g_ptr_array_set_size(events, 0);
	g_mutex_unlock(&lock);
}

char *
world_run(gboolean may_fail, const char *program, ...)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autofree char *output = NULL, *said = NULL;
	g_autoptr(GError) error = NULL;
	int status = 0;
	va_list args;
	va_start(args, program);
	for (const char *arg = program; arg; arg = va_arg(args, const char *))
		g_ptr_array_add(argv, (char *)arg);
	va_end(args);
	g_ptr_array_add(argv, NULL);
	g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
		     &said, &status, &error);
	g_assert_no_error(error);
	if (status == 0)
		return g_steal_pointer(&output);
	if (!may_fail)
		g_error("%s %s: %s", program, (const char *)argv->pdata[1], said);
	return NULL;
}

static void
open_hypervisor(struct world *world, const char *uri)
{
	g_autoptr(GError) error = NULL;
	events = g_ptr_array_new_with_free_func(seen_free);
	world->hv = hypervisor_open(uri, &error);
	if (!world->hv)
		g_error("%s", error->message);
	hypervisor_set_events(world->hv, on_event, NULL);
}

/* The fake. */

static void
fake_world_start(struct world *world, guint n)
{
	fake_start(fake_host(FAKE_URI), world->vm[n]);
}

static void
fake_world_stop(struct world *world, guint n)
{
	fake_stop(fake_host(FAKE_URI), world->vm[n]);
}

static void
fake_world_crash(struct world *world, guint n)
{
	fake_crash(fake_host(FAKE_URI), world->vm[n]);
}

static void
fake_world_pause(struct world *world, guint n)
{
	fake_pause(fake_host(FAKE_URI), world->vm[n]);
}

static void
fake_world_write(struct world *world, guint n)
{
	fake_fill_scratch(fake_host(FAKE_URI), world->vm[n], 1 << 20);
}

static void
fake_foreign_begin(struct world *world, guint n)
{
	fake_set_busy(fake_host(FAKE_URI), world->vm[n], "a backup of another program runs");
}

static void
fake_foreign_end(struct world *world, guint n)
{
	fake_set_busy(fake_host(FAKE_URI), world->vm[n], NULL);
}

void
world_open_fake(struct world *world)
{
	struct fake *fake = fake_host(FAKE_URI);
	*world = (struct world){.uri = FAKE_URI,
				.start = fake_world_start,
				.stop = fake_world_stop,
				.crash = fake_world_crash,
				.pause = fake_world_pause,
				.unpause = fake_world_start,
				.write = fake_world_write,
				.foreign_begin = fake_foreign_begin,
				.foreign_end = fake_foreign_end};
	for (guint n = 0; n < G_N_ELEMENTS(world->vm); n++) {
		world->name[n] = g_strdup_printf("vm%u", n + 1);
		world->vm[n] = g_strdup(fake_add_vm(fake, world->name[n], HV_RUNNING, n < 2));
		fake_add_disk(fake, world->vm[n], "vda", DISK_SIZE, TRUE);
	}
	fake_add_disk(fake, world->vm[2], "vdc", DISK_SIZE, FALSE);
	world->dir = g_dir_make_tmp("cairn-hv-XXXXXX", NULL);
	open_hypervisor(world, world->uri);
}

/* The lab: its folder is in $LAB, and tools/lab is the way into its guests. */

static const char *lab_tool, *lab_dir;

static void
lab_virsh(struct world *world, gboolean may_fail, const char *verb, const char *name)
{
	g_free(world_run(may_fail, "virsh", "-q", "-c", world->uri, verb, name, NULL));
}

static void
lab_start(struct world *world, guint n)
{
	g_free(world_run(TRUE, lab_tool, "start-guest", lab_dir, world->name[n], NULL));
}

static void
lab_stop(struct world *world, guint n)
{
	lab_virsh(world, FALSE, "destroy", world->name[n]);
}

/* QEMU's process is told by the file that libvirt writes beside the domain's status. */
static void
lab_crash(struct world *world, guint n)
{
	g_autofree char *path =
		g_strdup_printf("%s/libvirt/run/qemu/%s.pid", lab_dir, world->name[n]);
	g_autofree char *text = NULL;
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	kill((pid_t)g_ascii_strtoll(text, NULL, 10), SIGKILL);
}

static void
lab_pause(struct world *world, guint n)
{
	lab_virsh(world, FALSE, "suspend", world->name[n]);
}

static void
lab_unpause(struct world *world, guint n)
{
	lab_virsh(world, FALSE, "resume", world->name[n]);
}

static void
lab_write(struct world *world, guint n)
{
	g_free(world_run(FALSE, lab_tool, "cmd", lab_dir, world->name[n],
			 "dd if=/dev/urandom of=/dev/vda2 bs=64k count=24 conv=fsync", NULL));
}

/* libvirtd looks for hooks when it starts. */
static void
install_hook(void)
{
	g_autofree char *folder = g_build_filename(lab_dir, "libvirt/etc/hooks", NULL);
	g_autofree char *path = g_build_filename(folder, "qemu", NULL);
	g_autofree char *text =
		g_strdup_printf("#!/bin/sh\nCAIRN_HELD_DIR=%s/held exec %s \"$@\"\n", lab_dir,
				g_getenv("CAIRN_LAB_HOOK"));
	g_mkdir_with_parents(folder, 0755);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_assert_cmpint(chmod(path, 0755), ==, 0);
}

static void
lab_restart(struct world *world)
{
	g_autofree char *pid_file = g_build_filename(lab_dir, "libvirt/libvirtd.pid", NULL);
	g_autofree char *config = g_build_filename(lab_dir, "libvirt/etc/libvirtd.conf", NULL);
	g_autofree char *text = NULL;
	g_assert_true(g_file_get_contents(pid_file, &text, NULL, NULL));
	kill((pid_t)g_ascii_strtoll(text, NULL, 10), SIGKILL);
	world_expect(world, HV_EVENT_DISCONNECTED, G_MAXUINT);
	install_hook();
	g_free(world_run(FALSE, "/usr/sbin/libvirtd", "-d", "--config", config, "--pid-file",
			 pid_file, NULL));
}

static char *
lab_start_error(struct world *world, guint n)
{
	g_autofree char *output = NULL;
	char *said = NULL;
	int status = 0;
	char *argv[] = {"virsh", "-q", "-c", (char *)world->uri, "start", world->name[n], NULL};
	g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
				   &said, &status, NULL));
	g_assert_cmpint(status, !=, 0);
	return said;
}

static void
lab_foreign_begin(struct world *world, guint n)
{
	g_autofree char *backup = g_build_filename(world->dir, "foreign.xml", NULL);
	g_autofree char *checkpoint = g_build_filename(world->dir, "foreign-checkpoint.xml", NULL);
	g_autofree char *scratch = g_build_filename(world->dir, "foreign.scratch", NULL);
	g_autofree char *xml = g_strdup_printf(
		"<domainbackup mode='pull'><server transport='unix' socket='%s/foreign.sock'/>"
		"<disks><disk name='vda' backup='yes' type='file'><scratch file='%s'/></disk>"
		"</disks></domainbackup>",
		world->dir, scratch);
	g_assert_true(g_file_set_contents(backup, xml, -1, NULL));
	g_assert_true(g_file_set_contents(
		checkpoint, "<domaincheckpoint><name>other-1</name></domaincheckpoint>", -1, NULL));
	g_free(world_run(FALSE, "virsh", "-q", "-c", world->uri, "backup-begin", world->name[n],
			 backup, checkpoint, NULL));
}

static void
lab_foreign_end(struct world *world, guint n)
{
	gint64 deadline = g_get_monotonic_time() + EXPECT_USEC;
	lab_virsh(world, FALSE, "domjobabort", world->name[n]);
	/* It is over when QEMU has ended its part, which is not waited for. */
	for (;;) {
		g_autofree char *info = world_run(FALSE, "virsh", "-q", "-c", world->uri,
						  "domjobinfo", world->name[n], NULL);
		if (strstr(info, "None"))
			break;
		g_assert_cmpint(g_get_monotonic_time(), <, deadline);
	}
	g_free(world_run(FALSE, "virsh", "-q", "-c", world->uri, "checkpoint-delete",
			 world->name[n], "other-1", NULL));
}

static void
lab_lose_metadata(struct world *world, guint n, const char *name)
{
	g_free(world_run(FALSE, "virsh", "-q", "-c", world->uri, "checkpoint-delete",
			 world->name[n], name, "--metadata", NULL));
}

/* libvirt keeps each in a file. */
static gint64
lab_checkpoints_changed(struct world *world, guint n)
{
	g_autofree char *folder =
		g_build_filename(lab_dir, "libvirt/lib/qemu/checkpoint", world->name[n], NULL);
	struct stat st;
	if (stat(folder, &st) < 0)
		return 0;
	return st.st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) + st.st_mtim.tv_nsec;
}

static char *
lab_image_info(struct world *world, guint n)
{
	g_autofree char *path =
		g_build_filename(lab_dir, "guests", world->name[n], "vda.qcow2", NULL);
	return world_run(FALSE, "qemu-img", "info", "-U", path, NULL);
}

static void
lab_attach_raw(struct world *world, guint n)
{
	g_autofree char *path = g_build_filename(world->dir, "vdc.raw", NULL);
	g_free(world_run(FALSE, "qemu-img", "create", "-q", "-f", "raw", path, "4M", NULL));
	g_free(world_run(FALSE, "virsh", "-q", "-c", world->uri, "attach-disk", world->name[n],
			 path, "vdc", "--subdriver", "raw", "--persistent", NULL));
}

void
world_open_lab(struct world *world, const char *lab)
{
	*world = (struct world){.real = TRUE,
				.uri = g_getenv("CAIRN_URI"),
				.start = lab_start,
				.stop = lab_stop,
				.crash = lab_crash,
				.pause = lab_pause,
				.unpause = lab_unpause,
				.write = lab_write,
				.restart = lab_restart,
				.start_error = lab_start_error,
				.foreign_begin = lab_foreign_begin,
				.foreign_end = lab_foreign_end,
				.lose_metadata = lab_lose_metadata,
				.checkpoints_changed = lab_checkpoints_changed,
				.image_info = lab_image_info};
	lab_dir = lab;
	lab_tool = g_getenv("CAIRN_LAB_TOOL");
	world->dir = g_build_filename(lab, "points", NULL);
	g_assert_cmpint(g_mkdir(world->dir, 0777), ==, 0);
	g_assert_cmpint(chmod(world->dir, 0777), ==, 0);
	g_autofree char *uri = g_strdup_printf("%s&cairn_held=%s/held", world->uri, lab_dir);
	open_hypervisor(world, uri);
	for (guint n = 0; n < G_N_ELEMENTS(world->vm); n++) {
		g_autoptr(GError) error = NULL;
		world->name[n] = g_strdup_printf("vm%u", n + 1);
		cairn_auto(hv_vm) vm = hypervisor_lookup(world->hv, world->name[n], &error);
		g_assert_no_error(error);
		world->vm[n] = g_strdup(vm->uuid);
	}
	lab_attach_raw(world, 2);
}

void
world_close(struct world *world)
{
	hypervisor_close(world->hv);
	cairn_remove_tree(world->dir, NULL);
	if (!world->real)
		fake_drop(FAKE_URI);
	g_free(world->dir);
	for (guint n = 0; n < G_N_ELEMENTS(world->vm); n++) {
		g_free(world->vm[n]);
		g_free(world->name[n]);
	}
	g_ptr_array_unref(events);
}
