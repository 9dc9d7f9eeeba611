/* One disk image: its tables in this thread, then its blocks in several. The workers take the next
 * stretch of blocks from a counter; what they find is sorted and told by the calling thread. */
#include "image/verify_run.h"

#include "base/error.h"
#include "image/qcow2_check.h"
#include "image/tree.h"

#include <string.h>

#define STRETCH	    64 /* blocks that a worker takes at once */
#define THREADS_MAX 8
#define BAD_MAX	    65536 /* bad blocks remembered of one image; the rest is counted */
#define TELL_USEC   (G_USEC_PER_SEC / 4)

enum bad_kind { BAD_DIGEST, BAD_MISSING, BAD_UNLISTED, BAD_UNREADABLE };

struct bad_block {
	guint64 block;
	enum bad_kind kind;
};

struct reading {
	const struct image *image;
	const struct manifest_disk *disk;
	GCancellable *cancel;
	guint64 blocks;
	guint64 next; /* atomic, as is @bytes */
	guint64 bytes;
	GMutex lock;
	GCond finished;
	/* Under the lock: */
	guint running;
	GArray *bad; /* struct bad_block */
	guint64 not_kept;
	GError *first_error; /* why the first unreadable block could not be read */
	guint64 first_error_block;
};

static void
add_bad(struct reading *reading, guint64 block, enum bad_kind kind, GError *error)
{
	struct bad_block bad = {block, kind};
	g_mutex_lock(&reading->lock);
	if (reading->bad->len < BAD_MAX)
		g_array_append_val(reading->bad, bad);
	else
		reading->not_kept++;
	if (error && (!reading->first_error || block < reading->first_error_block)) {
		g_clear_error(&reading->first_error);
		reading->first_error = error;
		reading->first_error_block = block;
		error = NULL;
	}
	g_mutex_unlock(&reading->lock);
	g_clear_error(&error);
}

static void
read_block(struct reading *reading, struct image_cursor *cursor, struct digest *digest,
	   guint8 *buffer, guint64 block)
{
	GError *error = NULL;
	struct image_block found;
	const guint8 *expected = image_expected_digest(reading->disk, block);
	if (!image_read(cursor, block, G_MAXUINT16, buffer, digest, &found, &error)) {
		add_bad(reading, block, BAD_UNREADABLE, error);
		return;
	}
	__atomic_fetch_add(&reading->bytes, found.bytes, __ATOMIC_RELAXED);
	if (found.carried && !expected)
		add_bad(reading, block, BAD_UNLISTED, NULL);
	else if (!found.carried && expected)
		add_bad(reading, block, BAD_MISSING, NULL);
	else if (expected &&
		 memcmp(expected, found.digest, digest_length(reading->disk->algorithm)) != 0)
		add_bad(reading, block, BAD_DIGEST, NULL);
}

static gpointer
worker(gpointer data)
{
	struct reading *reading = data;
	cairn_auto(image_cursor) cursor = image_cursor_new(reading->image);
	cairn_auto(digest) digest = digest_new(reading->disk->algorithm);
	g_autofree guint8 *buffer = g_malloc(DIGEST_BLOCK);
	for (;;) {
		guint64 begin = __atomic_fetch_add(&reading->next, STRETCH, __ATOMIC_RELAXED);
		if (begin >= reading->blocks || g_cancellable_is_cancelled(reading->cancel))
			break;
		guint64 end = MIN(begin + STRETCH, reading->blocks);
		for (guint64 block = begin; block < end; block++)
			read_block(reading, cursor, digest, buffer, block);
	}
	g_mutex_lock(&reading->lock);
	reading->running--;
	g_cond_signal(&reading->finished);
	g_mutex_unlock(&reading->lock);
	return NULL;
}

static guint
thread_count(const struct verify *verify, guint64 blocks)
{
	guint wanted = verify->options->threads ? verify->options->threads : g_get_num_processors();
	guint64 useful = blocks / STRETCH + 1;
	return (guint)MIN(MIN(wanted, THREADS_MAX), useful);
}

/* Starts the workers, tells the progress while they run, joins them. */
static void
run_workers(struct verify *verify, const char *path, struct reading *reading)
{
	GThread *threads[THREADS_MAX];
	guint n = thread_count(verify, reading->blocks);
	reading->running = n;
	for (guint i = 0; i < n; i++)
		threads[i] = g_thread_new("verify", worker, reading);
	g_mutex_lock(&reading->lock);
	while (reading->running > 0) {
		gint64 until = g_get_monotonic_time() + TELL_USEC;
		if (g_cond_wait_until(&reading->finished, &reading->lock, until))
			continue;
		g_mutex_unlock(&reading->lock);
		guint64 bytes = __atomic_load_n(&reading->bytes, __ATOMIC_RELAXED);
		verify_tell(verify, path, MIN(bytes, reading->disk->file_size), TRUE);
		g_mutex_lock(&reading->lock);
	}
	g_mutex_unlock(&reading->lock);
	for (guint i = 0; i < n; i++)
		g_thread_join(threads[i]);
}

static gint
compare_bad(gconstpointer pa, gconstpointer pb)
{
	const struct bad_block *a = pa, *b = pb;
	return a->block < b->block ? -1 : a->block > b->block;
}

/* Neighbours with the same fault are one finding. */
static void
tell_bad(struct verify_file *file, struct reading *reading)
{
	static const char *const texts[] = {
		[BAD_DIGEST] = "differs from its digest",
		[BAD_MISSING] = "is missing in the image",
		[BAD_UNLISTED] = "is in the image, but the manifest has no digest of it",
		[BAD_UNREADABLE] = "cannot be read",
	};
	g_array_sort(reading->bad, compare_bad);
	for (guint i = 0, n; i < reading->bad->len; i += n) {
		const struct bad_block *bad = &g_array_index(reading->bad, struct bad_block, i);
		for (n = 1; i + n < reading->bad->len && bad[n].kind == bad->kind &&
			    bad[n].block == bad->block + n;)
			n++;
		guint64 begin = bad->block * DIGEST_BLOCK;
		guint64 end = MIN(begin + (guint64)n * DIGEST_BLOCK, reading->disk->size);
		g_autofree char *blocks =
			n == 1 ? g_strdup_printf("block %" G_GUINT64_FORMAT, bad->block)
			       : g_strdup_printf("each of the blocks %" G_GUINT64_FORMAT
						 " to %" G_GUINT64_FORMAT,
						 bad->block, bad->block + n - 1);
		verify_find(file, VERIFY_ERROR, (gint64)begin, end - begin,
			    "%s (bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
			    " of the disk) %s",
			    blocks, begin, end - 1, texts[bad->kind]);
	}
	if (reading->first_error)
		verify_find(file, VERIFY_ERROR, -1, 0, "%s", reading->first_error->message);
	if (reading->not_kept)
		verify_find(file, VERIFY_ERROR, -1, 0,
			    "%" G_GUINT64_FORMAT " more bad blocks are not listed",
			    reading->not_kept);
}

static gboolean
verify_blocks(struct verify_file *file, const struct image *image, const struct manifest_disk *disk,
	      GError **error)
{
	struct verify *verify = file->verify;
	struct reading reading = {.image = image,
				  .disk = disk,
				  .cancel = verify->options->cancel,
				  .blocks = image_blocks(image),
				  .bad = g_array_new(FALSE, FALSE, sizeof(struct bad_block))};
	g_mutex_init(&reading.lock);
	g_cond_init(&reading.finished);
	run_workers(verify, file->path, &reading);
	gboolean cancelled = verify_cancelled(verify, error);
	if (!cancelled)
		tell_bad(file, &reading);
	verify->report->bytes += reading.bytes;
	g_clear_error(&reading.first_error);
	g_array_unref(reading.bad);
	g_cond_clear(&reading.finished);
	g_mutex_clear(&reading.lock);
	return !cancelled;
}

static void
tell_problem(guint64 offset, guint64 length, const char *what, void *data)
{
	verify_find(data, VERIFY_ERROR, (gint64)offset, length,
		    "byte %" G_GUINT64_FORMAT " of the file: %s", offset, what);
}

static void
verify_tables(struct verify_file *file, const struct image *image, const struct manifest_disk *disk)
{
	g_autoptr(GError) error = NULL;
	guint8 digest[DIGEST_MAX];
	if (!qcow2_check(image->qcow2, disk->metadata_algorithm, tell_problem, file, digest,
			 &error))
		verify_find(file, VERIFY_ERROR, -1, 0, "its tables are damaged: %s",
			    error->message);
	else if (!image_metadata_matches(disk, digest))
		verify_find(file, VERIFY_ERROR, -1, 0, "its tables differ from their digest");
}

/* A second opinion. It runs only on images that passed our own checks: QEMU follows names in the
 * header, which ours have compared with the manifest. */
static void
run_qemu_img(struct verify_file *file, const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *out = NULL, *err = NULL;
	g_autoptr(GSubprocess) process = g_subprocess_new(
		G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error,
		file->verify->qemu_img, "check", "-q", "-U", "-f", "qcow2", path, NULL);
	if (!process || !g_subprocess_communicate_utf8(process, NULL, NULL, &out, &err, &error)) {
		verify_find(file, VERIFY_WARNING, -1, 0, "qemu-img check could not run: %s",
			    error->message);
		return;
	}
	file->verify->report->qemu_img = TRUE;
	if (g_subprocess_get_successful(process))
		return;
	const char *said = err && *err ? err : out;
	verify_find(file, VERIFY_ERROR, -1, 0, "qemu-img check: %s",
		    said && *said ? g_strstrip((char *)said) : "failed");
}

gboolean
verify_disk(struct verify *verify, const char *dir, const struct manifest_disk *disk,
	    GError **error)
{
	g_autoptr(GError) problem = NULL;
	struct verify_file file;
	gboolean ok = TRUE;
	verify_file_begin(&file, verify, dir, disk->path);
	verify_tell(verify, file.path, 0, FALSE);
	int fd = tree_open(dir, disk->path, &problem);
	cairn_auto(image) image = fd >= 0 ? image_open(fd, disk, &problem) : NULL;
	if (image) {
		g_autofree char *path = g_build_filename(dir, disk->path, NULL);
		if (image->qcow2)
			verify_tables(&file, image, disk);
		ok = verify_blocks(&file, image, disk, error);
		if (ok && image->qcow2 && verify->qemu_img && !file.errors)
			run_qemu_img(&file, path);
		verify->report->images++;
	} else {
		verify_find(&file, VERIFY_ERROR, -1, 0, "%s", problem->message);
	}
	verify_file_end(&file);
	verify->done_before += disk->file_size;
	return ok;
}
