/* The writing half of a restore: disks through a sink, small files, the machine's XML. A file gets
 * its name only when it is complete and durable. */
#include "image/restore_run.h"

#include "base/error.h"
#include "base/file.h"
#include "base/guid.h"
#include "image/domain_xml.h"
#include "image/sink.h"
#include "image/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_SUFFIX   ".part"
#define PROGRESS_USEC (G_USEC_PER_SEC / 4)

static void
remember(struct restore *restore, const char *path)
{
	g_ptr_array_add(restore->made, g_strdup(path));
}

/* mkdir -p that remembers what it made. */
static gboolean
make_folder(struct restore *restore, const char *path, GError **error)
{
	if (mkdir(path, 0777) == 0) {
		g_autofree char *parent = g_path_get_dirname(path);
		remember(restore, path);
		return cairn_fsync_dir(parent, error);
	}
	if (errno == ENOENT) {
		g_autofree char *parent = g_path_get_dirname(path);
		return make_folder(restore, parent, error) && make_folder(restore, path, error);
	}
	if (errno == EEXIST && g_file_test(path, G_FILE_TEST_IS_DIR))
		return TRUE;
	cairn_set_errno(error, errno, "cannot make the folder \"%s\"", path);
	return FALSE;
}

/* Gives the finished file @part the name @path if nothing took that meanwhile. */
static gboolean
publish(struct restore *restore, const char *part, const char *path, GError **error)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int rc = renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE);
	if (rc < 0 && errno == EINVAL) /* a file system without that flag */
		rc = restore_must_not_exist(path, NULL) ? rename(part, path) : (errno = EEXIST, -1);
	if (rc < 0) {
		cairn_set_errno(error, errno, "cannot rename \"%s\" to \"%s\"", part, path);
		return FALSE;
	}
	remember(restore, path);
	return cairn_fsync_dir(folder, error);
}

static void
add_result(struct restore *restore, enum restored_kind kind, const struct manifest_vm *vm,
	   const char *target, const char *path, guint64 size)
{
	struct restored_file *file = g_new0(struct restored_file, 1);
	file->kind = kind;
	file->vm_id = g_strdup(vm->id);
	file->vm_name = g_strdup(vm->name);
	file->target = g_strdup(target);
	file->path = g_strdup(path);
	file->size = size;
	g_ptr_array_add(restore->result->files, file);
}

static void
tell(struct restore *restore, gboolean now)
{
	gint64 time = g_get_monotonic_time();
	if (!restore->options->progress || (!now && time - restore->told < PROGRESS_USEC))
		return;
	restore->told = time;
	restore->options->progress(&restore->progress, restore->options->progress_data);
}

static gboolean
copy_blocks(struct restore *restore, const struct task *task, struct layers *layers,
	    struct sink *sink, GError **error)
{
	g_autofree guint8 *buffer = g_malloc(DIGEST_BLOCK);
	cairn_auto(sink_scratch) scratch = sink_scratch_new(sink);
	for (guint64 block = 0; block < restore_blocks(task); block++) {
		struct sink_block out = {.index = (guint32)block, .buffer = buffer};
		if (restore_cancelled(restore, error) ||
		    !layers_read(layers, block, buffer, &out.data, error))
			return FALSE;
		restore->progress.done += (guint64)__builtin_popcount(out.data) * DIGEST_CLUSTER;
		if (out.data && !sink_put(sink, scratch, &out, error))
			return FALSE;
		tell(restore, FALSE);
	}
	return TRUE;
}

static gboolean
write_disk(struct restore *restore, const struct task *task, const char *part, GError **error)
{
	struct sink_options options = {.format = restore_formats[restore->options->format],
				       .path = part,
				       .size = task->disk->size,
				       .digest = DIGEST_XXH3};
	struct sink_totals totals;
	cairn_auto(layers) layers =
		restore_open_layers(restore, task, !restore->options->no_verify, error);
	cairn_auto(sink) sink = layers ? sink_open(&options, error) : NULL;
	return sink && copy_blocks(restore, task, layers, sink, error) &&
	       sink_finish(sink, &totals, error);
}

static gboolean
restore_disk(struct restore *restore, const struct task *task, GError **error)
{
	g_autofree char *part = g_strconcat(task->path, PART_SUFFIX, NULL);
	guint64 before = restore->progress.done;
	restore->progress.vm = task->vm->name;
	restore->progress.target = task->disk->target;
	tell(restore, TRUE);
	if (!restore_must_not_exist(part, error))
		return FALSE;
	remember(restore, part);
	if (!write_disk(restore, task, part, error) || !publish(restore, part, task->path, error))
		return FALSE;
	/* A raw base's map may count zeroes that the copy does not meet: the total stays exact. */
	restore->progress.done = before + task->bytes;
	add_result(restore, RESTORED_DISK, task->vm, task->disk->target, task->path,
		   task->disk->size);
	return TRUE;
}

/* Copies the small file @file of the export to @path, its digest compared. */
static gboolean
copy_small(struct restore *restore, const struct manifest_file *file, const char *path,
	   GError **error)
{
	g_autofree char *part = g_strconcat(path, PART_SUFFIX, NULL);
	CAIRN_AUTO_FD int fd =
		open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot create \"%s\"", part);
		return FALSE;
	}
	remember(restore, part);
	const char *sum = restore->options->no_verify ? NULL : file->sha256;
	if (!tree_copy(restore->point->dir, file->path, file->size, sum, fd,
		       restore->options->cancel, error))
		return FALSE;
	if (fsync(fd) < 0) {
		cairn_set_errno(error, errno, "cannot sync \"%s\"", part);
		return FALSE;
	}
	return publish(restore, part, path, error);
}

/* "guest-state/..." below the VM's folder in both places. *@ret_nvram: the copy of @nvram, the path
 * that the domain had; by the file's name, which may also be just "nvram...". */
static gboolean
restore_guest_state(struct restore *restore, const struct manifest_vm *vm, const char *folder,
		    const char *nvram, char **ret_nvram, GError **error)
{
	g_autofree char *nvram_name = nvram ? g_path_get_basename(nvram) : NULL;
	for (guint i = 0; i < vm->guest_state->len; i++) {
		const struct manifest_file *file = g_ptr_array_index(vm->guest_state, i);
		g_autofree char *path = g_build_filename(folder, file->path + GUID_LEN + 1, NULL);
		g_autofree char *parent = g_path_get_dirname(path);
		g_autofree char *name = g_path_get_basename(path);
		if (!make_folder(restore, parent, error) || !copy_small(restore, file, path, error))
			return FALSE;
		add_result(restore, RESTORED_GUEST_STATE, vm, NULL, path, file->size);
		if (nvram && !*ret_nvram &&
		    (strcmp(name, nvram_name) == 0 || g_str_has_prefix(name, "nvram")))
			*ret_nvram = g_strdup(path);
	}
	return TRUE;
}

static gboolean
write_config(struct restore *restore, const struct manifest_vm *vm, const char *folder,
	     const char *xml, gsize len, const char *nvram, GError **error)
{
	g_autofree char *path = g_build_filename(folder, RESTORE_CONFIG, NULL);
	g_autoptr(GPtrArray) disks = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < restore->tasks->len; i++) {
		const struct task *task = g_ptr_array_index(restore->tasks, i);
		if (task->vm != vm)
			continue;
		struct domain_xml_disk *disk = g_new0(struct domain_xml_disk, 1);
		disk->target = task->disk->target;
		disk->path = task->path;
		disk->format = restore_formats[restore->options->format];
		g_ptr_array_add(disks, disk);
	}
	struct domain_xml_changes changes = {disks, nvram, restore->options->name_suffix};
	g_autofree char *changed = domain_xml_rewrite(xml, len, &changes, error);
	if (!changed)
		return FALSE;
	remember(restore, path);
	if (!cairn_file_replace(path, changed, strlen(changed), 0600, error))
		return FALSE;
	add_result(restore, RESTORED_CONFIG, vm, NULL, path, strlen(changed));
	return TRUE;
}

static gboolean
restore_config(struct restore *restore, const struct manifest_vm *vm, const char *folder,
	       GError **error)
{
	g_autofree char *original = g_build_filename(folder, RESTORE_ORIGINAL, NULL);
	g_autofree char *xml = NULL, *nvram = NULL;
	gsize len;
	if (!copy_small(restore, vm->config, original, error) ||
	    !cairn_file_read(original, DOMAIN_XML_MAX, &xml, &len, error))
		return FALSE;
	add_result(restore, RESTORED_ORIGINAL_CONFIG, vm, NULL, original, len);
	g_autofree char *old_nvram = domain_xml_nvram(xml, len);
	if (!restore_guest_state(restore, vm, folder, old_nvram, &nvram, error) ||
	    !write_config(restore, vm, folder, xml, len, nvram, error)) {
		g_prefix_error(error, "VM \"%s\": ", vm->name);
		return FALSE;
	}
	return TRUE;
}

gboolean
restore_write(struct restore *restore, GError **error)
{
	for (guint i = 0; i < restore->folders->len; i++)
		if (!make_folder(restore, g_ptr_array_index(restore->folders, i), error))
			return FALSE;
	for (guint i = 0; i < restore->tasks->len; i++)
		if (!restore_disk(restore, g_ptr_array_index(restore->tasks, i), error))
			return FALSE;
	for (guint i = 0; i < restore->vms->len; i++)
		if (!restore_config(restore, g_ptr_array_index(restore->vms, i),
				    g_ptr_array_index(restore->folders, i), error))
			return FALSE;
	tell(restore, TRUE);
	return TRUE;
}

/* Newest first, so that folders are empty when their turn comes; what is not there any more or was
 * put in by somebody else stays. */
void
restore_undo(struct restore *restore)
{
	for (guint i = restore->made->len; i > 0; i--)
		(void)remove(g_ptr_array_index(restore->made, i - 1));
}
