/* Makes the folder of one export that takes over others: new images for the disks that need it,
 * everything else as it was, a manifest; then reads all of it again. */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "image/result.h"
#include "image/retain_run.h"
#include "image/sink.h"
#include "image/tree.h"
#include "image/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_MAX (G_USEC_PER_SEC / 4) /* until it is looked whether the rate has changed */

struct merge {
	struct retain *retain;
	const struct retain_entry *entry;
	const char *to;	     /* the new folder */
	struct chain *chain; /* of the point as it was */
	const struct chain_point *point;
	const struct chain_point *base; /* what it is based on afterwards; NULL: nothing */
	json_t *manifest;		/* the new one */
	guint64 written;
};

/* ---- files that stay as they are ---- */

/* The folders of @path below the new folder; each gets the old one's mode. */
static gboolean
make_folders(const struct merge *merge, const char *path, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(path);
	g_autofree char *from = g_build_filename(merge->point->dir, parent, NULL);
	g_autofree char *to = g_build_filename(merge->to, parent, NULL);
	struct stat st;
	if (strcmp(parent, ".") == 0 || g_file_test(to, G_FILE_TEST_IS_DIR))
		return TRUE;
	if (!make_folders(merge, parent, error))
		return FALSE;
	if (stat(from, &st) == 0 && mkdir(to, st.st_mode & 07777) == 0)
		return TRUE;
	cairn_set_errno(error, errno, "cannot make the folder \"%s\"", to);
	return FALSE;
}

static gboolean
copy_file(const struct merge *merge, const char *path, guint64 size, const char *to, GError **error)
{
	CAIRN_AUTO_FD int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot create \"%s\"", to);
		return FALSE;
	}
	if (!tree_copy(merge->point->dir, path, size, NULL, fd, merge->retain->options->cancel,
		       error))
		return FALSE;
	if (fsync(fd) == 0)
		return TRUE;
	cairn_set_errno(error, errno, "cannot sync \"%s\"", to);
	return FALSE;
}

/* A second name for the same file: exports are never changed, and the first name goes. A file
 * system that has no such names gets a copy, which is verified with the rest. */
static gboolean
keep_file(const struct merge *merge, const char *path, guint64 size, GError **error)
{
	g_autofree char *from = g_build_filename(merge->point->dir, path, NULL);
	g_autofree char *to = g_build_filename(merge->to, path, NULL);
	if (!make_folders(merge, path, error) || !retain_step(merge->retain, "link", error))
		return FALSE;
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0) == 0 ||
	       copy_file(merge, path, size, to, error);
}

static gboolean
keep_small(const struct merge *merge, const struct manifest_vm *vm, GError **error)
{
	if (!keep_file(merge, vm->config->path, vm->config->size, error))
		return FALSE;
	if (vm->runtime && !keep_file(merge, vm->runtime->path, vm->runtime->size, error))
		return FALSE;
	for (guint i = 0; i < vm->guest_state->len; i++) {
		const struct manifest_file *file = g_ptr_array_index(vm->guest_state, i);
		if (!keep_file(merge, file->path, file->size, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- images ---- */

/* Waits until @bytes more may be read. */
static void
pace(struct retain *retain, guint64 bytes)
{
	for (;;) {
		guint64 limit = retain->options->rate
					? __atomic_load_n(retain->options->rate, __ATOMIC_RELAXED)
					: 0;
		gint64 now = g_get_monotonic_time();
		if (limit != retain->rate.limit)
			rate_set(&retain->rate, limit, now);
		gint64 wait = rate_take(&retain->rate, bytes, now);
		if (wait == 0 || g_cancellable_is_cancelled(retain->options->cancel))
			return;
		g_usleep((gulong)MIN(wait, WAIT_MAX));
		retain_tell(retain, FALSE);
	}
}

static gboolean
merge_block(struct merge *merge, struct layers *layers, struct sink *sink,
	    struct sink_scratch *scratch, struct sink_block *block, struct result *result,
	    GError **error)
{
	struct retain *retain = merge->retain;
	guint16 carried_clusters;
	gboolean carried;
	if (!layers_read_carried(layers, block->index, block->buffer, &block->data,
				 &carried_clusters, error))
		return FALSE;
	block->zero = carried_clusters & (guint16)~block->data;
	guint64 bytes = (guint64)__builtin_popcount(block->data) * SINK_CLUSTER;
	pace(retain, bytes);
	retain->progress.done += bytes;
	retain_tell(retain, FALSE);
	result->read_bytes += bytes;
	if (!sink_prepare(sink, scratch, block, &carried, error))
		return FALSE;
	if (!carried)
		return TRUE;
	result_add(result, block->index, block->digest);
	return sink_place(sink, block, error) && sink_write(sink, block, error);
}

static gboolean
merge_blocks(struct merge *merge, struct layers *layers, struct sink *sink, struct result *result,
	     GError **error)
{
	cairn_auto(sink_scratch) scratch = sink_scratch_new(sink);
	guint64 blocks = result->size / SINK_BLOCK + (result->size % SINK_BLOCK != 0);
	guint8 *buffer = g_aligned_alloc(1, SINK_BLOCK, SINK_ALIGNMENT);
	g_autofree guint8 *packed = sink_compresses(sink) ? g_malloc(SINK_BLOCK) : NULL;
	gboolean ok = TRUE;
	for (guint64 index = 0; ok && index < blocks; index++) {
		struct sink_block block = {
			.index = (guint32)index, .buffer = buffer, .packed = packed};
		ok = retain_step(merge->retain, "block", error) &&
		     merge_block(merge, layers, sink, scratch, &block, result, error);
	}
	g_aligned_free(buffer);
	return ok;
}

static gboolean
write_image(struct merge *merge, struct layers *layers, const struct sink_options *options,
	    struct result *result, GError **error)
{
	cairn_auto(sink) sink = sink_open(options, error);
	gint64 began = g_get_monotonic_time();
	if (!sink || !merge_blocks(merge, layers, sink, result, error) ||
	    !retain_step(merge->retain, "finish", error) ||
	    !sink_finish(sink, &result->totals, error))
		return FALSE;
	result->seconds = (double)(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
	merge->written += result->totals.file_size;
	return TRUE;
}

/* What cairn-export tells of an image it made, over what the manifest had. A disk that is full now
 * although the export has a base keeps the reason of the image that it was full in. */
static void
describe(json_t *json, const struct result *result, const struct manifest_disk *lowest)
{
	g_autoptr(json_t) told = result_json(result);
	json_object_update(json, told);
	cairn_json_set_string(json, "reason", lowest->backing ? NULL : lowest->reason);
}

/* The image of the layers above the new base, or of all down to a full one. */
static gboolean
merge_disk(struct merge *merge, const struct manifest_vm *vm, const struct manifest_disk *disk,
	   json_t *json, GError **error)
{
	cairn_auto(layers) layers = layers_open_top(merge->chain, merge->entry->absorbs + 1, vm->id,
						    disk->target, TRUE, error);
	if (!layers)
		return FALSE;
	const struct layer *lowest = g_ptr_array_index(layers->all, layers->all->len - 1);
	const struct manifest_disk *below = NULL;
	if (lowest->disk->backing) {
		below = chain_base_disk(merge->base->manifest, vm->id, lowest->disk, error);
		if (!below)
			return FALSE;
	}
	cairn_auto(result) result = result_new(disk->algorithm);
	g_autofree char *path = g_build_filename(merge->to, disk->path, NULL);
	g_autofree char *parent =
		below ? g_build_filename(merge->base->dir, below->path, NULL) : NULL;
	g_autofree char *backing =
		below ? manifest_backing_name(merge->base->manifest->point_id, below) : NULL;
	struct sink_options options = {.format = "qcow2",
				       .path = path,
				       .size = disk->size,
				       .incremental = below != NULL,
				       .parent = parent,
				       .backing = backing,
				       .compress = disk->compression != NULL,
				       .digest = disk->algorithm};
	result->format = options.format;
	result->kind = below ? "incremental" : "full";
	result->backing = backing;
	result->compress = options.compress;
	result->size = disk->size;
	if (!make_folders(merge, disk->path, error) ||
	    !write_image(merge, layers, &options, result, error))
		return FALSE;
	describe(json, result, lowest->disk);
	return TRUE;
}

static gboolean
put_disk(struct merge *merge, const struct manifest_vm *vm, const struct manifest_disk *disk,
	 json_t *json, GError **error)
{
	if (disk->backing)
		return merge_disk(merge, vm, disk, json, error);
	if (!merge->base) /* a raw image is whole whatever it was called */
		cairn_json_set_string(json, "kind", "full");
	return keep_file(merge, disk->path, disk->file_size, error);
}

/* ---- the manifest ---- */

static json_t *
read_json(const char *dir, GError **error)
{
	g_autofree char *path = g_build_filename(dir, MANIFEST_NAME, NULL);
	g_autofree char *text = NULL;
	gsize len;
	if (!cairn_file_read(path, MANIFEST_MAX_BYTES, &text, &len, error))
		return NULL;
	return cairn_json_parse(text, len, error);
}

/* What is new in the manifest besides the disks. */
static void
set_base(const struct merge *merge)
{
	json_t *base = json_null(), *merged = json_object();
	const json_t *before = json_object_get(merge->manifest, "merged");
	guint64 count = 0;
	cairn_json_get_uint_opt(before, "exports", JSON_MAX_UINT, 0, &count, NULL);
	if (merge->base) {
		base = json_object();
		cairn_json_set_string(base, "id", merge->base->manifest->point_id);
		cairn_json_set_uint(base, "number", merge->base->manifest->point_number);
	}
	cairn_json_set(merge->manifest, "base", base);
	cairn_json_set_time(merged, "at", g_get_real_time());
	cairn_json_set_string(merged, "generator", "cairn " CAIRN_VERSION);
	cairn_json_set_uint(merged, "exports", count + merge->entry->absorbs);
	cairn_json_set(merge->manifest, "merged", merged);
}

/* The JSON has the order of the struct: it was parsed from it. */
static gboolean
put_vms(struct merge *merge, GError **error)
{
	const json_t *vms = json_object_get(merge->manifest, "vms");
	const GPtrArray *all = merge->point->manifest->vms;
	for (guint i = 0; i < all->len; i++) {
		const struct manifest_vm *vm = g_ptr_array_index(all, i);
		const json_t *disks = json_object_get(json_array_get(vms, i), "disks");
		if (!keep_small(merge, vm, error))
			return FALSE;
		for (guint k = 0; k < vm->disks->len; k++) {
			const struct manifest_disk *disk = g_ptr_array_index(vm->disks, k);
			if (put_disk(merge, vm, disk, json_array_get(disks, k), error))
				continue;
			g_prefix_error(error, "disk \"%s:%s\": ", vm->name, disk->target);
			return FALSE;
		}
	}
	return TRUE;
}

/* ---- durable and right ---- */

/* The folders that hold @path, up to the new folder itself. */
static gboolean
sync_folders(const struct merge *merge, const char *path, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(path);
	g_autofree char *full = g_build_filename(merge->to, parent, NULL);
	if (!cairn_fsync_dir(full, error))
		return FALSE;
	return strcmp(parent, ".") == 0 || sync_folders(merge, parent, error);
}

static gboolean
sync_all(const struct merge *merge, GError **error)
{
	const GPtrArray *vms = merge->point->manifest->vms;
	for (guint i = 0; i < vms->len; i++) {
		const struct manifest_vm *vm = g_ptr_array_index(vms, i);
		if (!sync_folders(merge, vm->config->path, error))
			return FALSE;
		for (guint k = 0; k < vm->guest_state->len; k++) {
			const struct manifest_file *file = g_ptr_array_index(vm->guest_state, k);
			if (!sync_folders(merge, file->path, error))
				return FALSE;
		}
		for (guint k = 0; k < vm->disks->len; k++) {
			const struct manifest_disk *disk = g_ptr_array_index(vm->disks, k);
			if (!sync_folders(merge, disk->path, error))
				return FALSE;
		}
	}
	return TRUE;
}

static void
on_verify_progress(const struct verify_progress *progress, void *data)
{
	struct merge *merge = data;
	struct retain *retain = merge->retain;
	retain->progress.done = retain->told_before + progress->done;
	retain_tell(retain, FALSE);
}

static gboolean
verify(struct merge *merge, GError **error)
{
	const struct verify_options options = {.no_qemu_img = TRUE,
					       .cancel = merge->retain->options->cancel,
					       .progress = on_verify_progress,
					       .progress_data = merge};
	struct verify_report *report = NULL;
	merge->retain->told_before = merge->retain->progress.done;
	if (!verify_folder(merge->to, &options, &report, error))
		return FALSE;
	gboolean ok = report->errors == 0;
	if (!ok) {
		const struct verify_finding *first = g_ptr_array_index(report->findings, 0);
		cairn_fail(error, CAIRN_ERROR_IO, "what was written is not what was read: %s: %s",
			   first->path, first->what);
	}
	verify_report_free(report);
	return ok;
}

static gboolean
make(struct merge *merge, GError **error)
{
	struct stat st;
	if (stat(merge->point->dir, &st) < 0 || mkdir(merge->to, st.st_mode & 07777) < 0) {
		cairn_set_errno(error, errno, "cannot make the folder \"%s\"", merge->to);
		return FALSE;
	}
	if (!put_vms(merge, error))
		return FALSE;
	set_base(merge);
	return retain_step(merge->retain, "manifest", error) &&
	       manifest_write(merge->to, merge->manifest, error) && sync_all(merge, error) &&
	       retain_step(merge->retain, "verify", error) && verify(merge, error);
}

static gboolean
open_points(struct merge *merge, GError **error)
{
	const struct retain_entry *entry = merge->entry;
	merge->chain = chain_new(entry->export->path, TRUE, error);
	if (!merge->chain)
		return FALSE;
	merge->point = chain_get(merge->chain, 0, error);
	for (guint depth = 1; entry->base && depth <= entry->absorbs + 1; depth++)
		if (!(merge->base = chain_get(merge->chain, depth, error)))
			return FALSE;
	merge->manifest = read_json(merge->point->dir, error);
	return merge->manifest != NULL;
}

gboolean
retain_merge(struct retain *retain, const struct retain_entry *entry, const char *to,
	     guint64 *ret_written, GError **error)
{
	struct merge merge = {.retain = retain, .entry = entry, .to = to};
	gboolean ok = open_points(&merge, error) && make(&merge, error);
	*ret_written = merge.written;
	chain_free(merge.chain);
	json_decref(merge.manifest);
	return ok;
}
