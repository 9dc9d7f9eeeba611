/* The hypervisor's front door: checks what is asked, hands it to the driver, and puts the machine's
 * name before its errors. No policy here. */
#include "hypervisor/hypervisor.h"

#include "base/error.h"
#include "base/guid.h"
#include "hypervisor/driver.h"

#include <string.h>

/* sun_path is 108 bytes with its NUL (unix(7)). */
#define SOCKET_MAX     107
#define TARGET_MAX     32
#define NAME_MAX_LEN   128
#define DISKS_MAX      256
#define AGENT_MAX_SECS 3600
/* The largest disk that a qcow2 scratch of 64 KiB clusters can stand for is far above this. */
#define SIZE_MAX_BYTES (G_GUINT64_CONSTANT(1) << 56)

struct hv_sink {
	GMutex lock;
	hv_event_fn fn;
	void *user_data;
};

struct hypervisor {
	const struct hv_driver *driver;
	void *self;
	char *uri;
	struct hv_sink sink;
	GMutex lock;
	GHashTable *names; /* UUID -> name, for error texts */
};

static const struct hv_driver *const drivers[] = {&hv_driver_fake, &hv_driver_libvirt};

static const char *const state_names[] = {
	[HV_SHUTOFF] = "shutoff",
	[HV_RUNNING] = "running",
	[HV_PAUSED] = "paused",
	[HV_OTHER] = "other",
};

const char *
hv_state_name(enum hv_state state)
{
	g_assert(state >= HV_SHUTOFF && state <= HV_OTHER);
	return state_names[state];
}

struct hv_disk *
hv_disk_new(const char *target)
{
	struct hv_disk *disk = g_new0(struct hv_disk, 1);
	disk->target = g_strdup(target);
	return disk;
}

static void
hv_disk_free(struct hv_disk *disk)
{
	if (!disk)
		return;
	g_free(disk->target);
	g_free(disk->path);
	g_free(disk->format);
	g_free(disk->reason);
	g_free(disk);
}

struct hv_vm *
hv_vm_new(void)
{
	struct hv_vm *vm = g_new0(struct hv_vm, 1);
	vm->disks = g_ptr_array_new_with_free_func((GDestroyNotify)hv_disk_free);
	vm->points = g_ptr_array_new_with_free_func(g_free);
	return vm;
}

void
hv_vm_free(struct hv_vm *vm)
{
	if (!vm)
		return;
	g_free(vm->uuid);
	g_free(vm->name);
	g_free(vm->busy);
	g_free(vm->backup);
	g_ptr_array_unref(vm->disks);
	g_ptr_array_unref(vm->points);
	g_free(vm);
}

static void
hv_point_disk_free(struct hv_point_disk *disk)
{
	if (!disk)
		return;
	g_free(disk->target);
	g_free(disk->base);
	g_free(disk->scratch);
	g_free(disk);
}

struct hv_point *
hv_point_new(const char *vm, const char *name, const char *socket)
{
	struct hv_point *point = g_new0(struct hv_point, 1);
	point->vm = g_strdup(vm);
	point->name = g_strdup(name);
	point->socket = g_strdup(socket);
	point->disks = g_ptr_array_new_with_free_func((GDestroyNotify)hv_point_disk_free);
	return point;
}

struct hv_point_disk *
hv_point_add(struct hv_point *point, const char *target, const char *base, const char *scratch,
	     guint64 size)
{
	struct hv_point_disk *disk = g_new0(struct hv_point_disk, 1);
	disk->target = g_strdup(target);
	disk->base = g_strdup(base);
	disk->scratch = g_strdup(scratch);
	disk->size = size;
	g_ptr_array_add(point->disks, disk);
	return disk;
}

void
hv_point_free(struct hv_point *point)
{
	if (!point)
		return;
	g_free(point->vm);
	g_free(point->name);
	g_free(point->socket);
	if (point->disks)
		g_ptr_array_unref(point->disks);
	g_free(point);
}

void
hv_sink_emit(struct hv_sink *sink, enum hv_event_type type, const char *vm, const char *message)
{
	struct hv_event event = {.type = type, .vm = vm, .message = message};
	g_mutex_lock(&sink->lock);
	hv_event_fn fn = sink->fn;
	void *user_data = sink->user_data;
	if (fn)
		fn(&event, user_data);
	g_mutex_unlock(&sink->lock);
}

struct hypervisor *
hypervisor_open(const char *uri, GError **error)
{
	g_assert(uri);
	const struct hv_driver *driver = NULL;
	for (gsize i = 0; i < G_N_ELEMENTS(drivers) && !driver; i++)
		if (drivers[i]->takes(uri))
			driver = drivers[i];
	if (!driver) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "\"%s\" is not the URI of a hypervisor, e.g. qemu:///system", uri);
		return NULL;
	}
	struct hypervisor *hv = g_new0(struct hypervisor, 1);
	hv->driver = driver;
	hv->uri = g_strdup(uri);
	hv->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_mutex_init(&hv->lock);
	g_mutex_init(&hv->sink.lock);
	hv->self = driver->open(uri, &hv->sink, error);
	if (!hv->self) {
		hypervisor_close(hv);
		return NULL;
	}
	return hv;
}

void
hypervisor_close(struct hypervisor *hv)
{
	if (!hv)
		return;
	hypervisor_set_events(hv, NULL, NULL);
	if (hv->self)
		hv->driver->close(hv->self);
	g_hash_table_unref(hv->names);
	g_mutex_clear(&hv->lock);
	g_mutex_clear(&hv->sink.lock);
	g_free(hv->uri);
	g_free(hv);
}

const char *
hypervisor_uri(const struct hypervisor *hv)
{
	return hv->uri;
}

void
hypervisor_set_events(struct hypervisor *hv, hv_event_fn fn, void *user_data)
{
	g_mutex_lock(&hv->sink.lock);
	hv->sink.fn = fn;
	hv->sink.user_data = user_data;
	g_mutex_unlock(&hv->sink.lock);
}

static gboolean
invalid(GError **error, const char *what, const char *value)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "%s: \"%s\"", what,
		    value ? value : "");
	return FALSE;
}

static gboolean
check_vm(const char *vm, GError **error)
{
	if (!vm || !cairn_guid_valid(vm))
		return invalid(error, "not the UUID of a machine", vm);
	return TRUE;
}

static gboolean
plain_text(const char *text, gsize max, const char *also)
{
	if (!text || !*text || strlen(text) > max)
		return FALSE;
	for (const char *p = text; *p; p++)
		if (!g_ascii_isalnum(*p) && !strchr(also, *p))
			return FALSE;
	return TRUE;
}

static gboolean
check_name(const char *name, GError **error)
{
	if (!name || !g_str_has_prefix(name, HV_OURS) || !plain_text(name, NAME_MAX_LEN, "-_"))
		return invalid(error, "not the name of a checkpoint of ours", name);
	return TRUE;
}

static gboolean
check_target(const char *target, GError **error)
{
	if (!plain_text(target, TARGET_MAX, "-_"))
		return invalid(error, "not the name of a disk", target);
	return TRUE;
}

static gboolean
check_socket(const char *socket, GError **error)
{
	if (socket && g_str_has_prefix(socket, "tcp:"))
		return TRUE;
	if (!socket || !g_path_is_absolute(socket) || strlen(socket) > SOCKET_MAX)
		return invalid(error, "a socket's path is absolute and at most 107 bytes long",
			       socket);
	return TRUE;
}

/* A job of ours is known by the point's name in the path of its scratch files. */
static gboolean
named_after(const char *scratch, const char *name)
{
	g_autofree char *file = g_path_get_basename(scratch);
	g_autofree char *folder = g_path_get_dirname(scratch);
	g_autofree char *folder_name = g_path_get_basename(folder);
	return g_str_has_prefix(file, name) || g_str_equal(folder_name, name);
}

static gboolean
check_point_disk(const struct hv_point *point, const struct hv_point_disk *disk, GError **error)
{
	if (!check_target(disk->target, error))
		return FALSE;
	if (disk->base && !check_name(disk->base, error))
		return FALSE;
	if (!disk->scratch || !g_path_is_absolute(disk->scratch) ||
	    !named_after(disk->scratch, point->name))
		return invalid(error, "a scratch file's path is absolute and named after its point",
			       disk->scratch);
	if (disk->size > SIZE_MAX_BYTES)
		return invalid(error, "the disk is too large", disk->target);
	return TRUE;
}

/* @least disks: undoing a point that failed before its disks were known has none. */
static gboolean
check_parts(const struct hv_point *point, guint least, GError **error)
{
	g_assert(point && point->disks);
	if (!check_vm(point->vm, error) || !check_name(point->name, error) ||
	    !check_socket(point->socket, error))
		return FALSE;
	if (point->disks->len < least || point->disks->len > DISKS_MAX)
		return invalid(error, "a point has 1 to 256 disks", point->name);
	for (guint i = 0; i < point->disks->len; i++)
		if (!check_point_disk(point, point->disks->pdata[i], error))
			return FALSE;
	return TRUE;
}

static gboolean
check_point(const struct hv_point *point, GError **error)
{
	return check_parts(point, 1, error);
}

static void
remember_name(struct hypervisor *hv, const struct hv_vm *vm)
{
	g_mutex_lock(&hv->lock);
	g_hash_table_replace(hv->names, g_strdup(vm->uuid), g_strdup(vm->name));
	g_mutex_unlock(&hv->lock);
}

/* Ends every call about one machine: debug line, and the machine's name before the error. */
static gboolean
done(struct hypervisor *hv, const char *verb, const char *vm, gint64 since, gboolean ok,
     GError **error)
{
	g_debug("hypervisor %s: %s %s: %s in %" G_GINT64_FORMAT " us", hv->uri, verb, vm,
		ok ? "done" : "failed", g_get_monotonic_time() - since);
	if (!ok) {
		g_mutex_lock(&hv->lock);
		const char *name = g_hash_table_lookup(hv->names, vm);
		g_prefix_error(error, "\"%s\": ", name ? name : vm);
		g_mutex_unlock(&hv->lock);
	}
	return ok;
}

/* `return CALL(hv, verb, uuid, arguments after the driver's own)` */
#define CALL(hv, verb, vm, ...)                                                                  \
	done(hv, #verb, vm, g_get_monotonic_time(), (hv)->driver->verb((hv)->self, __VA_ARGS__), \
	     error)

GPtrArray *
hypervisor_list(struct hypervisor *hv, GError **error)
{
	GPtrArray *vms = hv->driver->list(hv->self, error);
	for (guint i = 0; vms && i < vms->len; i++)
		remember_name(hv, vms->pdata[i]);
	return vms;
}

struct hv_vm *
hypervisor_lookup(struct hypervisor *hv, const char *uuid_or_name, GError **error)
{
	g_assert(uuid_or_name);
	struct hv_vm *vm = hv->driver->lookup(hv->self, uuid_or_name, error);
	if (vm)
		remember_name(hv, vm);
	return vm;
}

char *
hypervisor_address(struct hypervisor *hv, const char *vm, const char *path, GError **error)
{
	if (!check_vm(vm, error) || !check_socket(path, error))
		return NULL;
	return hv->driver->address(hv->self, vm, path, error);
}

gboolean
hypervisor_prepare(struct hypervisor *hv, const struct hv_point *point, guint agent_timeout,
		   GError **error)
{
	if (!check_point(point, error))
		return FALSE;
	if (agent_timeout == 0 || agent_timeout > AGENT_MAX_SECS)
		return invalid(error, "the agent's time-out is 1 to 3600 seconds", NULL);
	return CALL(hv, prepare, point->vm, point, agent_timeout, error);
}

gboolean
hypervisor_freeze(struct hypervisor *hv, const char *vm, guint *ret_filesystems, GError **error)
{
	guint count = 0;
	if (!check_vm(vm, error) || !CALL(hv, freeze, vm, vm, &count, error))
		return FALSE;
	if (ret_filesystems)
		*ret_filesystems = count;
	return TRUE;
}

gboolean
hypervisor_thaw(struct hypervisor *hv, const char *vm, guint *ret_frozen, GError **error)
{
	guint count = 0;
	if (!check_vm(vm, error) || !CALL(hv, thaw, vm, vm, &count, error))
		return FALSE;
	if (ret_frozen)
		*ret_frozen = count;
	return TRUE;
}

gboolean
hypervisor_suspend(struct hypervisor *hv, const char *vm, GError **error)
{
	return check_vm(vm, error) && CALL(hv, suspend, vm, vm, error);
}

gboolean
hypervisor_resume(struct hypervisor *hv, const char *vm, GError **error)
{
	return check_vm(vm, error) && CALL(hv, resume, vm, vm, error);
}

gboolean
hypervisor_begin(struct hypervisor *hv, const struct hv_point *point, GError **error)
{
	return check_point(point, error) && CALL(hv, begin, point->vm, point, error);
}

gboolean
hypervisor_save_state(struct hypervisor *hv, const char *vm, const char *dir, char ***ret_files,
		      GError **error)
{
	g_assert(dir);
	char **files = NULL;
	if (!check_vm(vm, error) || !CALL(hv, save_state, vm, vm, dir, &files, error))
		return FALSE;
	if (ret_files)
		*ret_files = g_steal_pointer(&files);
	g_strfreev(files);
	return TRUE;
}

gboolean
hypervisor_serve(struct hypervisor *hv, const struct hv_point *point, GError **error)
{
	return check_point(point, error) && CALL(hv, serve, point->vm, point, error);
}

gboolean
hypervisor_unserve(struct hypervisor *hv, const struct hv_point *point, GError **error)
{
	return check_parts(point, 0, error) && CALL(hv, unserve, point->vm, point, error);
}

char *
hypervisor_changes_context(struct hypervisor *hv, const struct hv_point *point,
			   const struct hv_point_disk *disk)
{
	if (!disk->base)
		return NULL;
	return hv->driver->changes_context(hv->self, point, disk);
}

gboolean
hypervisor_usage(struct hypervisor *hv, const struct hv_point *point, guint64 *ret_used,
		 guint64 *ret_free, GError **error)
{
	guint64 used = 0, rest = 0;
	if (!check_point(point, error) || !CALL(hv, usage, point->vm, point, &used, &rest, error))
		return FALSE;
	if (ret_used)
		*ret_used = used;
	if (ret_free)
		*ret_free = rest;
	return TRUE;
}

gboolean
hypervisor_watch(struct hypervisor *hv, const struct hv_point *point, guint64 bytes, GError **error)
{
	return check_point(point, error) && CALL(hv, watch, point->vm, point, bytes, error);
}

gboolean
hypervisor_end(struct hypervisor *hv, const struct hv_point *point, GError **error)
{
	return check_parts(point, 0, error) && CALL(hv, end, point->vm, point, error);
}

gboolean
hypervisor_forget(struct hypervisor *hv, const char *vm, const char *name, GError **error)
{
	return check_vm(vm, error) && check_name(name, error) &&
	       CALL(hv, forget, vm, vm, name, error);
}

gboolean
hypervisor_check_base(struct hypervisor *hv, const char *vm, const char *name, const char *target,
		      char **ret_reason, GError **error)
{
	g_assert(ret_reason);
	char *reason = NULL;
	if (!check_vm(vm, error) || !check_name(name, error) || !check_target(target, error) ||
	    !CALL(hv, check_base, vm, vm, name, target, &reason, error))
		return FALSE;
	*ret_reason = reason;
	return TRUE;
}
