/* The door to the formats, and what they share: zeroes, compression, digests, writing. */
#include "image/sink.h"

#include "base/error.h"
#include "image/qcow2.h"
#include "image/sink_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Level 1 compresses about three times as fast as the default and a few per cent worse. */
#define COMPRESSION_LEVEL 1

static const struct sink_driver *const drivers[] = {&sink_qcow2, &sink_raw};

static const struct sink_driver *
find_driver(const char *format)
{
	for (guint i = 0; i < G_N_ELEMENTS(drivers); i++)
		if (g_strcmp0(drivers[i]->name, format) == 0)
			return drivers[i];
	return NULL;
}

static gboolean
check_options(const struct sink_options *options, GError **error)
{
	const char *problem = NULL;
	if (!find_driver(options->format))
		problem = "the format must be qcow2 or raw";
	else if (options->size > QCOW2_SIZE_MAX)
		problem = "the disk is larger than 64 TiB";
	else if (options->backing && strlen(options->backing) > QCOW2_BACKING_MAX)
		problem = "the name of the backing image is longer than 1023 bytes";
	if (problem)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "%s", problem);
	return !problem;
}

static gboolean
open_files(struct sink *sink, GError **error)
{
	const struct sink_options *options = &sink->options;
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	if (!options->resume)
		flags |= O_CREAT | O_TRUNC;
	sink->fd = open(options->path, flags, 0600);
	if (sink->fd < 0) {
		cairn_set_errno(error, errno, "cannot open \"%s\"", options->path);
		return FALSE;
	}
	/* Not every file system can: then it stays -1. */
	sink->direct_fd = open(options->path, O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW);
	sink->direct = sink->direct_fd >= 0;
	if (!options->parent)
		return TRUE;
	sink->parent_fd = open(options->parent, O_RDONLY | O_CLOEXEC);
	if (sink->parent_fd < 0) {
		cairn_set_errno(error, errno, "cannot open the parent \"%s\"", options->parent);
		return FALSE;
	}
	return TRUE;
}

struct sink *
sink_open(const struct sink_options *options, GError **error)
{
	if (!check_options(options, error))
		return NULL;
	cairn_auto(sink) sink = g_new0(struct sink, 1);
	sink->driver = find_driver(options->format);
	sink->options = *options;
	sink->options.format = sink->driver->name;
	sink->options.path = g_strdup(options->path);
	sink->options.parent = g_strdup(options->parent);
	sink->options.backing = g_strdup(options->backing);
	sink->fd = sink->direct_fd = sink->parent_fd = -1;
	if (!open_files(sink, error) || !sink->driver->open(sink, error))
		return NULL;
	return g_steal_pointer(&sink);
}

void
sink_close(struct sink *sink)
{
	if (!sink)
		return;
	sink->driver->close(sink);
	if (sink->fd >= 0)
		close(sink->fd);
	if (sink->direct_fd >= 0)
		close(sink->direct_fd);
	if (sink->parent_fd >= 0)
		close(sink->parent_fd);
	g_free((char *)sink->options.path);
	g_free((char *)sink->options.parent);
	g_free((char *)sink->options.backing);
	g_free(sink);
}

gboolean
sink_compresses(const struct sink *sink)
{
	return sink->options.compress;
}

struct sink_scratch *
sink_scratch_new(const struct sink *sink)
{
	struct sink_scratch *scratch = g_new0(struct sink_scratch, 1);
	scratch->digest = digest_new(sink->options.digest);
	if (sink->options.compress)
		scratch->zstd = ZSTD_createCCtx();
	return scratch;
}

void
sink_scratch_free(struct sink_scratch *scratch)
{
	if (!scratch)
		return;
	digest_free(scratch->digest);
	ZSTD_freeCCtx(scratch->zstd);
	g_free(scratch);
}

gboolean
sink_is_zero(const void *data, gsize len)
{
	const char *bytes = data;
	for (gsize i = 0; i < MIN(len, 16); i++)
		if (bytes[i])
			return FALSE;
	return len <= 16 || memcmp(bytes, bytes + 16, len - 16) == 0;
}

/* Bytes of the disk in cluster @i of block @index: fewer at the end of the disk, or none. */
static gsize
cluster_bytes(const struct sink *sink, guint32 index, guint i)
{
	guint64 offset = (guint64)index * SINK_BLOCK + (guint64)i * SINK_CLUSTER;
	return offset < sink->options.size ? MIN(SINK_CLUSTER, sink->options.size - offset) : 0;
}

/* Clusters that are as in the parent are read from it: their contents go into the digest. */
static gboolean
read_base(struct sink *sink, struct sink_block *block, guint i, GError **error)
{
	gsize len = cluster_bytes(sink, block->index, i), have = 0;
	guint8 *to = block->buffer + i * SINK_CLUSTER;
	guint64 from = (guint64)block->index * SINK_BLOCK + (guint64)i * SINK_CLUSTER;
	while (have < len) {
		ssize_t n = pread(sink->parent_fd, to + have, len - have, (off_t)(from + have));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			cairn_set_errno(error, n < 0 ? errno : EIO, "cannot read \"%s\"",
					sink->options.parent);
			return FALSE;
		}
		have += (gsize)n;
	}
	return TRUE;
}

/* Makes whole clusters of what is there and finds those that are all zero. */
static gboolean
settle_clusters(struct sink *sink, struct sink_block *block, GError **error)
{
	guint16 zero = block->zero;
	for (guint i = 0; i < SINK_PER_BLOCK; i++) {
		guint16 bit = (guint16)(1U << i);
		if (!((block->data | block->base) & bit))
			continue;
		if ((block->base & bit) && !read_base(sink, block, i, error))
			return FALSE;
		guint8 *at = block->buffer + i * SINK_CLUSTER;
		gsize len = cluster_bytes(sink, block->index, i);
		memset(at + len, 0, SINK_CLUSTER - len);
		if (sink_is_zero(at, SINK_CLUSTER))
			zero |= bit;
	}
	block->data &= (guint16)~zero;
	block->base &= (guint16)~zero;
	block->zero = sink->driver->carried_zero(sink, zero);
	return TRUE;
}

/* A cluster that does not get smaller by a sector is stored plain. */
static void
compress_clusters(struct sink_scratch *scratch, struct sink_block *block)
{
	guint8 *to = block->packed;
	for (guint i = 0; i < SINK_PER_BLOCK; i++) {
		if (!(block->data >> i & 1))
			continue;
		gsize len = ZSTD_compressCCtx(scratch->zstd, to, SINK_CLUSTER - QCOW2_SECTOR,
					      block->buffer + i * SINK_CLUSTER, SINK_CLUSTER,
					      COMPRESSION_LEVEL);
		if (ZSTD_isError(len))
			continue;
		gsize sectors = (len + QCOW2_SECTOR - 1) / QCOW2_SECTOR;
		memset(to + len, 0, sectors * QCOW2_SECTOR - len);
		block->sectors[i] = (guint8)sectors;
		to += sectors * QCOW2_SECTOR;
	}
}

static void
take_digest(struct digest *digest, struct sink_block *block)
{
	const guint8 *stored = block->packed;
	digest_block_begin(digest);
	for (guint i = 0; i < SINK_PER_BLOCK; i++) {
		gsize len = (gsize)block->sectors[i] * QCOW2_SECTOR;
		if (block->zero >> i & 1)
			digest_block_cluster(digest, i, NULL, NULL, 0);
		else if ((block->data | block->base) >> i & 1)
			digest_block_cluster(digest, i, block->buffer + i * SINK_CLUSTER,
					     len ? stored : NULL, len);
		if (len)
			stored += len;
	}
	digest_block_end(digest, block->digest);
}

gboolean
sink_prepare(struct sink *sink, struct sink_scratch *scratch, struct sink_block *block,
	     gboolean *ret_carried, GError **error)
{
	memset(block->sectors, 0, sizeof block->sectors);
	if (!settle_clusters(sink, block, error))
		return FALSE;
	*ret_carried = block->data || block->base || block->zero;
	if (!*ret_carried)
		return TRUE;
	if (sink->options.compress)
		compress_clusters(scratch, block);
	take_digest(scratch->digest, block);
	return TRUE;
}

gboolean
sink_place(struct sink *sink, struct sink_block *block, GError **error)
{
	g_assert(block->index >= sink->next);
	sink->next = (guint64)block->index + 1;
	sink->totals.data_bytes +=
		(guint64)__builtin_popcount(block->data | block->base) * SINK_CLUSTER;
	sink->totals.zero_bytes += (guint64)__builtin_popcount(block->zero) * SINK_CLUSTER;
	return sink->driver->place(sink, block, error);
}

gboolean
sink_write(struct sink *sink, const struct sink_block *block, GError **error)
{
	return sink->driver->write(sink, block, error);
}

gboolean
sink_put(struct sink *sink, struct sink_scratch *scratch, struct sink_block *block, GError **error)
{
	gboolean carried;
	if (!sink_prepare(sink, scratch, block, &carried, error))
		return FALSE;
	return !carried || (sink_place(sink, block, error) && sink_write(sink, block, error));
}

static gboolean
failed(const struct sink *sink, GError **error)
{
	cairn_set_errno(error, errno, "cannot write \"%s\"", sink->options.path);
	return FALSE;
}

gboolean
sink_resume(struct sink *sink, guint32 index, GError **error)
{
	guint64 kept = sink->driver->kept(sink, index);
	struct stat st;
	if (fstat(sink->fd, &st) < 0)
		return failed(sink, error);
	if ((guint64)st.st_size < sink->end) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "\"%s\" is too short",
			    sink->options.path);
		return FALSE;
	}
	return ftruncate(sink->fd, (off_t)kept) == 0 || failed(sink, error);
}

gboolean
sink_sync(struct sink *sink, GError **error)
{
	return fdatasync(sink->fd) == 0 || failed(sink, error);
}

gboolean
sink_finish(struct sink *sink, struct sink_totals *ret_totals, GError **error)
{
	if (!sink->driver->finish(sink, error))
		return FALSE;
	if (ftruncate(sink->fd, (off_t)sink->totals.file_size) < 0 || fsync(sink->fd) < 0)
		return failed(sink, error);
	*ret_totals = sink->totals;
	return TRUE;
}

/* What direct I/O asks of every disk that is in use. */
static gboolean
is_aligned(const struct iovec *iov, int n, guint64 offset)
{
	guint64 bits = offset;
	for (int i = 0; i < n; i++)
		bits |= (guint64)(gsize)iov[i].iov_base | iov[i].iov_len;
	return bits % SINK_ALIGNMENT == 0;
}

/* Past the page cache where that can be done: the copy is read by nobody soon, and must not push
 * out what the guests and the NBD server need. It also costs half the processor time. */
static ssize_t
write_some(struct sink *sink, const struct iovec *iov, int n, guint64 offset)
{
	if (g_atomic_int_get(&sink->direct) && is_aligned(iov, n, offset)) {
		ssize_t done = pwritev(sink->direct_fd, iov, n, (off_t)offset);
		if (done >= 0 || errno != EINVAL)
			return done;
		g_atomic_int_set(&sink->direct, FALSE);
	}
	ssize_t done = pwritev(sink->fd, iov, n, (off_t)offset);
	/* Begins to write to the disk, so that the fsync at the end finds little to do. Only
	 * advice. */
	if (done > 0)
		(void)sync_file_range(sink->fd, (off_t)offset, done, SYNC_FILE_RANGE_WRITE);
	return done;
}

gboolean
sink_write_at(struct sink *sink, struct iovec *iov, int n, guint64 offset, GError **error)
{
	while (n > 0) {
		ssize_t done = write_some(sink, iov, n, offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return failed(sink, error);
		offset += (guint64)done;
		for (; n > 0 && (gsize)done >= iov->iov_len; iov++, n--)
			done -= (ssize_t)iov->iov_len;
		if (n > 0) {
			iov->iov_base = (guint8 *)iov->iov_base + done;
			iov->iov_len -= (gsize)done;
		}
	}
	return TRUE;
}
