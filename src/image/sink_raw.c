/* The raw format: every cluster at its own place, holes where it is zero. With a parent, what did
 * not change is copied from it (shared on file systems that can), which makes a synthetic full. */
#include "base/error.h"
#include "image/sink_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static gboolean
raw_open(struct sink *sink, GError **error)
{
	const struct sink_options *options = &sink->options;
	struct stat st;
	const char *problem = NULL;
	if (options->compress)
		problem = "a raw image cannot be compressed";
	else if (options->backing)
		problem = "a raw image has no backing image";
	else if (options->parent && fstat(sink->parent_fd, &st) == 0 &&
		 (guint64)st.st_size != options->size)
		problem = "the parent has another size than the disk";
	if (problem)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "%s", problem);
	return !problem;
}

static void
raw_close(struct sink *sink)
{
}

static guint16
raw_carried_zero(const struct sink *sink, guint16 zero)
{
	return 0;
}

static gboolean
raw_place(struct sink *sink, struct sink_block *block, GError **error)
{
	for (guint i = 0; i < SINK_PER_BLOCK; i++) {
		block->offsets[i] = (guint64)block->index * SINK_BLOCK + (guint64)i * SINK_CLUSTER;
		if ((block->data | block->base) >> i & 1)
			sink->end = MIN(block->offsets[i] + SINK_CLUSTER, sink->options.size);
	}
	return TRUE;
}

/* Falls back to the bytes in the buffer where the kernel cannot copy between these two files. */
static gboolean
copy_range(struct sink *sink, const guint8 *buffer, guint64 offset, gsize len, GError **error)
{
	off_t from = (off_t)offset, to = (off_t)offset;
	gsize done = 0;
	while (done < len) {
		ssize_t n = copy_file_range(sink->parent_fd, &from, sink->fd, &to, len - done, 0);
		if (n <= 0)
			break;
		done += (gsize)n;
	}
	struct iovec iov = {(void *)(buffer + done), len - done};
	return done == len || sink_write_at(sink, &iov, 1, offset + done, error);
}

/* Runs of neighbours of the same kind are written together. */
static gboolean
raw_write(struct sink *sink, const struct sink_block *block, GError **error)
{
	for (guint i = 0, n; i < SINK_PER_BLOCK; i += n) {
		gboolean data = block->data >> i & 1, base = block->base >> i & 1;
		for (n = 1; i + n < SINK_PER_BLOCK; n++)
			if ((block->data >> (i + n) & 1) != data ||
			    (block->base >> (i + n) & 1) != base)
				break;
		guint8 *from = block->buffer + (gsize)i * SINK_CLUSTER;
		gsize len = MIN((guint64)n * SINK_CLUSTER, sink->options.size - block->offsets[i]);
		struct iovec iov = {from, len};
		if (data && !sink_write_at(sink, &iov, 1, block->offsets[i], error))
			return FALSE;
		if (base && !copy_range(sink, from, block->offsets[i], len, error))
			return FALSE;
	}
	return TRUE;
}

static guint64
raw_kept(const struct sink *sink, guint32 index)
{
	return MIN((guint64)index * SINK_BLOCK, sink->options.size);
}

static gboolean
raw_finish(struct sink *sink, GError **error)
{
	sink->totals.file_size = sink->options.size;
	return TRUE;
}

const struct sink_driver sink_raw = {
	.name = "raw",
	.open = raw_open,
	.close = raw_close,
	.carried_zero = raw_carried_zero,
	.place = raw_place,
	.write = raw_write,
	.kept = raw_kept,
	.finish = raw_finish,
};
