/* From exported images to whole disks; see restore.h. What was written is renamed only when it is
 * complete and durable, and removed again when something later fails. */
#include "image/restore_run.h"

#include "base/error.h"
#include "base/json.h"
#include "image/export_list.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define SPACE_MARGIN                                                                 \
	((guint64)16 << 20) /* left free: tables, small files, the file system's own \
			     */
#define SUFFIX_MAX 64

const char *const restore_formats[] = {[MANIFEST_QCOW2] = "qcow2", [MANIFEST_RAW] = "raw"};

static void
task_free(struct task *task)
{
	g_free(task->folder);
	g_free(task->path);
	g_free(task);
}

static void
file_free(struct restored_file *file)
{
	g_free(file->vm_id);
	g_free(file->vm_name);
	g_free(file->target);
	g_free(file->path);
	g_free(file);
}

void
restore_result_free(struct restore_result *result)
{
	if (!result)
		return;
	g_free(result->group_id);
	g_free(result->group_name);
	g_free(result->point_id);
	g_ptr_array_unref(result->files);
	g_free(result);
}

static void
restore_free(struct restore *restore)
{
	if (!restore)
		return;
	g_ptr_array_unref(restore->vms);
	g_ptr_array_unref(restore->folders);
	g_ptr_array_unref(restore->tasks);
	g_ptr_array_unref(restore->made);
	restore_result_free(restore->result);
	chain_free(restore->chain);
	g_free(restore->to);
	g_free(restore);
}
CAIRN_DEFINE_AUTO(restore, restore_free)

static gboolean
is_vm(const struct manifest_vm *vm, const char *name)
{
	return g_ascii_strcasecmp(vm->id, name) == 0 || strcmp(vm->name, name) == 0;
}

static gboolean
names_vm(char *const *names, const struct manifest_vm *vm)
{
	for (; names && *names; names++)
		if (is_vm(vm, *names))
			return TRUE;
	return FALSE;
}

/* "VM:vda"; a VM's name may have colons, a target has none. */
static gboolean
is_disk(const char *text, const struct manifest_vm *vm, const char *target)
{
	const char *colon = strrchr(text, ':');
	if (!colon)
		return FALSE;
	g_autofree char *name = g_strndup(text, (gsize)(colon - text));
	return is_vm(vm, name) && (!target || strcmp(colon + 1, target) == 0);
}

static gboolean
names_disk(char *const *disks, const struct manifest_vm *vm, const char *target)
{
	for (; disks && *disks; disks++)
		if (is_disk(*disks, vm, target))
			return TRUE;
	return FALSE;
}

static gboolean
not_found(GError **error, const char *what, const char *name)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND, "the point has no %s \"%s\"", what,
		    name);
	return FALSE;
}

/* Every filter must fit something: a typing error must not restore less than was meant. */
static gboolean
check_filters(const struct restore_options *options, const struct manifest *manifest,
	      GError **error)
{
	for (char *const *name = options->vms; name && *name; name++) {
		gboolean found = FALSE;
		for (guint i = 0; !found && i < manifest->vms->len; i++)
			found = is_vm(g_ptr_array_index(manifest->vms, i), *name);
		if (!found)
			return not_found(error, "VM", *name);
	}
	for (char *const *name = options->disks; name && *name; name++) {
		gboolean found = FALSE;
		for (guint i = 0; !found && i < manifest->vms->len; i++) {
			const struct manifest_vm *vm = g_ptr_array_index(manifest->vms, i);
			for (guint k = 0; !found && k < vm->disks->len; k++) {
				const struct manifest_disk *d = g_ptr_array_index(vm->disks, k);
				found = is_disk(*name, vm, d->target);
			}
		}
		if (!found)
			return not_found(error, "disk", *name);
	}
	return TRUE;
}

/* A VM's name as a folder's name. */
static char *
folder_name(const struct manifest_vm *vm)
{
	char *name = g_strdup(vm->name);
	for (char *c = name; *c; c++)
		if (*c == '/' || (guchar)*c < 0x20 || *c == 0x7f)
			*c = '_';
	if (name[0] == '.')
		name[0] = '_';
	return name;
}

/* Two VMs whose names lead to one folder get their GUID appended. */
static char *
choose_folder(const struct restore *restore, const struct manifest_vm *vm)
{
	g_autofree char *name = folder_name(vm);
	g_autofree char *path = g_build_filename(restore->to, name, NULL);
	if (!g_ptr_array_find_with_equal_func(restore->folders, path, g_str_equal, NULL))
		return g_steal_pointer(&path);
	g_autofree char *longer = g_strdup_printf("%s-%s", name, vm->id);
	return g_build_filename(restore->to, longer, NULL);
}

static void
choose_disks(struct restore *restore, const struct manifest_vm *vm, const char *folder)
{
	char *const *filter = restore->options->disks;
	const char *format = restore_formats[restore->options->format];
	for (guint i = 0; i < vm->disks->len; i++) {
		const struct manifest_disk *disk = g_ptr_array_index(vm->disks, i);
		if (filter && *filter && !names_disk(filter, vm, disk->target))
			continue;
		g_autofree char *name = g_strdup_printf("%s.%s", disk->target, format);
		struct task *task = g_new0(struct task, 1);
		task->vm = vm;
		task->disk = disk;
		task->folder = g_strdup(folder);
		task->path = g_build_filename(folder, name, NULL);
		g_ptr_array_add(restore->tasks, task);
	}
}

static gboolean
choose(struct restore *restore, GError **error)
{
	const struct restore_options *options = restore->options;
	const struct manifest *manifest = restore->point->manifest;
	if (!check_filters(options, manifest, error))
		return FALSE;
	for (guint i = 0; i < manifest->vms->len; i++) {
		const struct manifest_vm *vm = g_ptr_array_index(manifest->vms, i);
		gboolean all = !options->vms || !*options->vms;
		gboolean any_disk = !options->disks || !*options->disks;
		if ((!all && !names_vm(options->vms, vm)) ||
		    (!any_disk && !names_disk(options->disks, vm, NULL)))
			continue;
		char *folder = choose_folder(restore, vm);
		g_ptr_array_add(restore->vms, (void *)vm);
		g_ptr_array_add(restore->folders, folder);
		choose_disks(restore, vm, folder);
	}
	if (restore->vms->len > 0)
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
		    "the point has no VM or disk that was asked for");
	return FALSE;
}

gboolean
restore_must_not_exist(const char *path, GError **error)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_EXISTS, "\"%s\" exists and is not replaced",
		    path);
	return FALSE;
}

static gboolean
check_targets(const struct restore *restore, GError **error)
{
	static const char *const names[] = {RESTORE_CONFIG, RESTORE_ORIGINAL, MANIFEST_GUEST_STATE};
	for (guint i = 0; i < restore->tasks->len; i++) {
		const struct task *task = g_ptr_array_index(restore->tasks, i);
		if (!restore_must_not_exist(task->path, error))
			return FALSE;
	}
	for (guint i = 0; i < restore->folders->len; i++)
		for (guint k = 0; k < G_N_ELEMENTS(names); k++) {
			g_autofree char *path = g_build_filename(
				g_ptr_array_index(restore->folders, i), names[k], NULL);
			if (!restore_must_not_exist(path, error))
				return FALSE;
		}
	return TRUE;
}

gboolean
restore_cancelled(const struct restore *restore, GError **error)
{
	if (!g_cancellable_is_cancelled(restore->options->cancel))
		return FALSE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_CANCELLED, "the restore was cancelled");
	return TRUE;
}

struct layers *
restore_open_layers(const struct restore *restore, const struct task *task, gboolean verify,
		    GError **error)
{
	struct layers *layers =
		layers_open(restore->chain, task->vm->id, task->disk->target, verify, error);
	if (!layers)
		g_prefix_error(error, "VM \"%s\", disk \"%s\": ", task->vm->name,
			       task->disk->target);
	return layers;
}

guint64
restore_blocks(const struct task *task)
{
	return task->disk->size / DIGEST_BLOCK + (task->disk->size % DIGEST_BLOCK != 0);
}

/* Reads tables only: how much the disk really holds. It also finds a broken chain early. */
static gboolean
measure(struct restore *restore, struct task *task, GError **error)
{
	cairn_auto(layers) layers = restore_open_layers(restore, task, FALSE, error);
	if (!layers)
		return FALSE;
	for (guint64 block = 0; block < restore_blocks(task); block++) {
		guint16 data;
		if (restore_cancelled(restore, error) || !layers_map(layers, block, &data, error))
			return FALSE;
		task->bytes += (guint64)__builtin_popcount(data) * DIGEST_CLUSTER;
	}
	restore->progress.total += task->bytes;
	return TRUE;
}

/* The nearest folder above @path that exists tells the file system. */
static gboolean
check_space(const struct restore *restore, GError **error)
{
	g_autofree char *path = g_strdup(restore->to);
	struct statvfs fs;
	while (statvfs(path, &fs) < 0) {
		if (errno != ENOENT || strcmp(path, "/") == 0) {
			cairn_set_errno(error, errno, "cannot look at \"%s\"", path);
			return FALSE;
		}
		char *parent = g_path_get_dirname(path);
		g_free(path);
		path = parent;
	}
	guint64 available = (guint64)fs.f_bavail * fs.f_frsize;
	guint64 needed = restore->progress.total + SPACE_MARGIN;
	if (needed <= available)
		return TRUE;
	g_autofree char *need = g_format_size(needed), *have = g_format_size(available);
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT, "\"%s\" has %s free, but %s are needed",
		    restore->to, have, need);
	return FALSE;
}

static gboolean
look(struct restore *restore, GError **error)
{
	if (!check_targets(restore, error))
		return FALSE;
	for (guint i = 0; i < restore->tasks->len; i++)
		if (!measure(restore, g_ptr_array_index(restore->tasks, i), error))
			return FALSE;
	return check_space(restore, error);
}

static gboolean
find_point(struct restore *restore, GError **error)
{
	const struct restore_options *options = restore->options;
	g_autoptr(GPtrArray) list = export_list(options->dir, NULL, error);
	if (!list)
		return FALSE;
	const struct export_entry *entry = export_list_find(
		list, options->group, options->point ? options->point : "latest", error);
	if (!entry)
		return FALSE;
	restore->chain = chain_new(entry->path, !options->no_verify, error);
	if (!restore->chain)
		return FALSE;
	restore->point = chain_get(restore->chain, 0, error);
	const struct manifest *manifest = restore->point->manifest;
	restore->result->group_id = g_strdup(manifest->group_id);
	restore->result->group_name = g_strdup(manifest->group_name);
	restore->result->point_id = g_strdup(manifest->point_id);
	restore->result->point_number = manifest->point_number;
	return TRUE;
}

/* A chain has an open file for each point; the usual soft limit of 1024 is not meant for that. */
static void
allow_many_files(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 2 * CHAIN_MAX) {
		limit.rlim_cur = MIN((rlim_t)2 * CHAIN_MAX, limit.rlim_max);
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static gboolean
check_options(const struct restore_options *options, GError **error)
{
	const char *suffix = options->name_suffix;
	if (suffix && (!*suffix || strlen(suffix) > SUFFIX_MAX || strpbrk(suffix, "/\n"))) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "the suffix \"%s\" cannot be part of a VM's name", suffix);
		return FALSE;
	}
	return TRUE;
}

gboolean
restore_export(const struct restore_options *options, struct restore_result **ret_result,
	       GError **error)
{
	cairn_auto(restore) restore = g_new0(struct restore, 1);
	restore->options = options;
	restore->to = g_canonicalize_filename(options->to, NULL);
	restore->vms = g_ptr_array_new();
	restore->folders = g_ptr_array_new_with_free_func(g_free);
	restore->tasks = g_ptr_array_new_with_free_func((GDestroyNotify)task_free);
	restore->made = g_ptr_array_new_with_free_func(g_free);
	restore->result = g_new0(struct restore_result, 1);
	restore->result->files = g_ptr_array_new_with_free_func((GDestroyNotify)file_free);
	allow_many_files();
	if (!check_options(options, error) || !find_point(restore, error) ||
	    !choose(restore, error) || !look(restore, error))
		return FALSE;
	if (!restore_write(restore, error)) {
		restore_undo(restore);
		return FALSE;
	}
	*ret_result = g_steal_pointer(&restore->result);
	return TRUE;
}

static json_t *
named(const char *id, const char *name)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "id", id);
	cairn_json_set_string(json, "name", name);
	return json;
}

json_t *
restore_result_json(const struct restore_result *result)
{
	static const char *const kinds[] = {"disk", "config", "original-config", "guest-state"};
	json_t *json = json_object(), *point = json_object(), *files = json_array();
	cairn_json_set(json, "group", named(result->group_id, result->group_name));
	cairn_json_set_string(point, "id", result->point_id);
	cairn_json_set_uint(point, "number", result->point_number);
	cairn_json_set(json, "point", point);
	for (guint i = 0; i < result->files->len; i++) {
		const struct restored_file *file = g_ptr_array_index(result->files, i);
		json_t *item = json_object();
		cairn_json_set_string(item, "kind", kinds[file->kind]);
		cairn_json_set(item, "vm", named(file->vm_id, file->vm_name));
		cairn_json_set_string(item, "target", file->target);
		cairn_json_set_string(item, "path", file->path);
		cairn_json_set_uint(item, "size", file->size);
		json_array_append_new(files, item);
	}
	cairn_json_set(json, "files", files);
	return json;
}
