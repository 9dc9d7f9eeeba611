/* The write-once qcow2 writer: data and tables are only ever appended, the header comes last, so
 * that a file without it is no image. qcow2.h draws the layout. */
#include "base/error.h"
#include "image/qcow2.h"
#include "image/sink_driver.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCKS_PER_L2 ((guint32)(QCOW2_L2_BYTES / SINK_BLOCK))

struct writer {
	guint64 position;	/* end of what was placed, a multiple of a sector */
	guint32 l1_entries;	/* of the image */
	guint64 *l1;		/* big-endian, whole clusters */
	guint64 *l2;		/* big-endian, the table that is being filled */
	gint64 l2_index;	/* its place in the L1 table; -1: none */
	GByteArray *l2_digests; /* of the tables written, in the guest's order */
	GByteArray *refcounts;	/* compressing: of each cluster of the file; NULL: all are one */
	const char *backing_format;
};

static guint64
align(guint64 value, guint64 unit)
{
	return (value + unit - 1) / unit * unit;
}

static guint64
shown_size(const struct sink *sink)
{
	return align(sink->options.size, QCOW2_SECTOR);
}

/* The backing image must be as large as this one: else what lies behind its end reads as zeroes. */
static gboolean
check_parent(struct sink *sink, struct writer *writer, GError **error)
{
	struct qcow2_header header = {0};
	struct stat st;
	ssize_t n = pread(sink->parent_fd, &header, sizeof header, 0);
	if (n < 0 || fstat(sink->parent_fd, &st) < 0) {
		cairn_set_errno(error, errno, "cannot read the parent \"%s\"",
				sink->options.parent);
		return FALSE;
	}
	gboolean qcow2 = GUINT32_FROM_BE(header.magic) == QCOW2_MAGIC;
	guint64 size =
		qcow2 ? GUINT64_FROM_BE(header.size) : align((guint64)st.st_size, QCOW2_SECTOR);
	writer->backing_format = qcow2 ? "qcow2" : "raw";
	if (size == shown_size(sink))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "the parent \"%s\" is of a disk of %" G_GUINT64_FORMAT
		    " bytes, this one has %" G_GUINT64_FORMAT ": it must be exported in full",
		    sink->options.parent, size, sink->options.size);
	return FALSE;
}

static gboolean
qcow2_open(struct sink *sink, GError **error)
{
	struct writer *writer = g_new0(struct writer, 1);
	sink->state = writer;
	writer->position = QCOW2_CLUSTER;
	writer->l1_entries =
		(guint32)MAX(1, align(sink->options.size, QCOW2_L2_BYTES) / QCOW2_L2_BYTES);
	writer->l1 = g_malloc0(align(writer->l1_entries * sizeof(guint64), QCOW2_CLUSTER));
	writer->l2 = g_malloc0(QCOW2_CLUSTER);
	writer->l2_index = -1;
	writer->l2_digests = g_byte_array_new();
	writer->backing_format = "qcow2";
	if (sink->options.compress)
		writer->refcounts = g_byte_array_new();
	return sink->parent_fd < 0 || check_parent(sink, writer, error);
}

static void
qcow2_close(struct sink *sink)
{
	struct writer *writer = sink->state;
	if (!writer)
		return;
	g_free(writer->l1);
	g_free(writer->l2);
	g_byte_array_unref(writer->l2_digests);
	if (writer->refcounts)
		g_byte_array_unref(writer->refcounts);
	g_free(writer);
}

static guint16
qcow2_carried_zero(const struct sink *sink, guint16 zero)
{
	return sink->options.incremental ? zero : 0;
}

/* One more user of the clusters that @len bytes at @offset lie in; at most 128 share a cluster. */
static void
count(struct writer *writer, guint64 offset, guint64 len)
{
	if (!writer->refcounts)
		return;
	guint64 last = (offset + len - 1) / QCOW2_CLUSTER;
	guint known = writer->refcounts->len;
	if (last >= known) {
		g_byte_array_set_size(writer->refcounts, (guint)last + 1);
		memset(writer->refcounts->data + known, 0, (gsize)last + 1 - known);
	}
	for (guint64 cluster = offset / QCOW2_CLUSTER; cluster <= last; cluster++)
		writer->refcounts->data[cluster]++;
}

static guint64
append(struct writer *writer, guint64 len, guint64 alignment)
{
	guint64 offset = align(writer->position, alignment);
	count(writer, offset, len);
	writer->position = offset + len;
	return offset;
}

static gboolean
write_table(struct sink *sink, const void *data, gsize len, guint64 offset, GError **error)
{
	struct iovec iov = {(void *)data, len};
	return sink_write_at(sink, &iov, 1, offset, error);
}

/* Digests of each cluster of a table, appended to @list. */
static void
digest_table(const struct sink *sink, const void *data, gsize len, GByteArray *list)
{
	guint8 digest[DIGEST_MAX];
	for (gsize at = 0; at < len; at += QCOW2_CLUSTER) {
		digest_bytes(sink->options.digest, (const guint8 *)data + at, QCOW2_CLUSTER,
			     digest);
		g_byte_array_append(list, digest, (guint)digest_length(sink->options.digest));
	}
}

static gboolean
flush_l2(struct sink *sink, struct writer *writer, GError **error)
{
	if (writer->l2_index < 0)
		return TRUE;
	guint64 offset = append(writer, QCOW2_CLUSTER, QCOW2_CLUSTER);
	writer->l1[writer->l2_index] = GUINT64_TO_BE(offset | QCOW2_COPIED);
	writer->l2_index = -1;
	digest_table(sink, writer->l2, QCOW2_CLUSTER, writer->l2_digests);
	if (!write_table(sink, writer->l2, QCOW2_CLUSTER, offset, error))
		return FALSE;
	memset(writer->l2, 0, QCOW2_CLUSTER);
	return TRUE;
}

/* Finds the place of a cluster with contents; returns its L2 entry. */
static guint64
place_data(struct writer *writer, struct sink_block *block, guint i)
{
	guint64 sectors = block->sectors[i];
	if (sectors == 0) {
		block->offsets[i] = append(writer, QCOW2_CLUSTER, QCOW2_CLUSTER);
		return block->offsets[i] | QCOW2_COPIED;
	}
	block->offsets[i] = append(writer, sectors * QCOW2_SECTOR, QCOW2_SECTOR);
	return block->offsets[i] | QCOW2_COMPRESSED | (sectors - 1) << QCOW2_CSIZE_SHIFT;
}

static gboolean
qcow2_place(struct sink *sink, struct sink_block *block, GError **error)
{
	struct writer *writer = sink->state;
	guint32 l2_index = block->index / BLOCKS_PER_L2;
	if (writer->l2_index != l2_index && !flush_l2(sink, writer, error))
		return FALSE;
	writer->l2_index = l2_index;
	guint64 *entries = writer->l2 + block->index % BLOCKS_PER_L2 * SINK_PER_BLOCK;
	for (guint i = 0; i < SINK_PER_BLOCK; i++) {
		guint64 entry = 0;
		if (block->data >> i & 1)
			entry = place_data(writer, block, i);
		else if (block->zero >> i & 1)
			entry = QCOW2_ZERO;
		entries[i] = GUINT64_TO_BE(entry);
	}
	sink->end = writer->position;
	return TRUE;
}

/* Clusters that follow each other in the file go in one call, wherever they lie in memory. */
static gboolean
qcow2_write(struct sink *sink, const struct sink_block *block, GError **error)
{
	struct iovec iov[SINK_PER_BLOCK];
	const guint8 *packed = block->packed;
	guint64 start = 0, end = 0;
	int n = 0;
	for (guint i = 0; i < SINK_PER_BLOCK; i++) {
		if (!(block->data >> i & 1))
			continue;
		gsize stored = (gsize)block->sectors[i] * QCOW2_SECTOR;
		if (n > 0 && block->offsets[i] != end) {
			if (!sink_write_at(sink, iov, n, start, error))
				return FALSE;
			n = 0;
		}
		if (n == 0)
			start = end = block->offsets[i];
		iov[n].iov_base = stored ? (void *)packed : block->buffer + i * SINK_CLUSTER;
		iov[n].iov_len = stored ? stored : SINK_CLUSTER;
		end += iov[n++].iov_len;
		if (stored)
			packed += stored;
	}
	return n == 0 || sink_write_at(sink, iov, n, start, error);
}

static guint64
qcow2_kept(const struct sink *sink, guint32 index)
{
	const struct writer *writer = sink->state;
	return writer->position;
}

/* Where the tables at the end lie, in clusters. */
struct tail {
	guint64 l1, l1_clusters;
	guint64 blocks, n_blocks;
	guint64 table, table_clusters;
	guint64 end;
};

/* The refcount blocks count themselves and their table, so that their number is found by trying. */
static struct tail
plan_tail(const struct writer *writer)
{
	struct tail tail = {0};
	tail.l1 = align(writer->position, QCOW2_CLUSTER) / QCOW2_CLUSTER;
	tail.l1_clusters =
		align(writer->l1_entries * sizeof(guint64), QCOW2_CLUSTER) / QCOW2_CLUSTER;
	tail.blocks = tail.l1 + tail.l1_clusters;
	for (;;) {
		tail.table = tail.blocks + tail.n_blocks;
		tail.end = tail.table + tail.table_clusters;
		guint64 blocks = align(tail.end, QCOW2_REFBLOCK_ENTRIES) / QCOW2_REFBLOCK_ENTRIES;
		guint64 table = align(blocks * sizeof(guint64), QCOW2_CLUSTER) / QCOW2_CLUSTER;
		if (blocks == tail.n_blocks && table == tail.table_clusters)
			return tail;
		tail.n_blocks = blocks;
		tail.table_clusters = table;
	}
}

static void
fill_refcounts(const struct writer *writer, const struct tail *tail, guint64 index, guint16 *block)
{
	for (guint i = 0; i < QCOW2_REFBLOCK_ENTRIES; i++) {
		guint64 cluster = index * QCOW2_REFBLOCK_ENTRIES + i;
		guint16 refcount = cluster < tail->end;
		if (writer->refcounts && cluster > 0 && cluster < tail->l1)
			refcount = writer->refcounts->data[cluster];
		block[i] = GUINT16_TO_BE(refcount);
	}
}

static gboolean
write_refcounts(struct sink *sink, const struct tail *tail, GByteArray *digests, GError **error)
{
	g_autofree guint16 *block = g_malloc(QCOW2_CLUSTER);
	gsize table_len = tail->table_clusters * QCOW2_CLUSTER;
	g_autofree guint64 *table = g_malloc0(table_len);
	g_autoptr(GByteArray) block_digests = g_byte_array_new();
	for (guint64 i = 0; i < tail->n_blocks; i++) {
		guint64 offset = (tail->blocks + i) * QCOW2_CLUSTER;
		fill_refcounts(sink->state, tail, i, block);
		digest_table(sink, block, QCOW2_CLUSTER, block_digests);
		if (!write_table(sink, block, QCOW2_CLUSTER, offset, error))
			return FALSE;
		table[i] = GUINT64_TO_BE(offset);
	}
	digest_table(sink, table, table_len, digests);
	g_byte_array_append(digests, block_digests->data, block_digests->len);
	return write_table(sink, table, table_len, tail->table * QCOW2_CLUSTER, error);
}

static guint8 *
put_u32(guint8 *at, guint32 value)
{
	value = GUINT32_TO_BE(value);
	memcpy(at, &value, sizeof value);
	return at + sizeof value;
}

/* Header extensions and the backing name; @at is the end of the fixed part. */
static void
fill_backing(const struct sink *sink, guint8 *cluster, guint8 *at)
{
	const struct writer *writer = sink->state;
	struct qcow2_header *header = (struct qcow2_header *)cluster;
	const char *name = sink->options.backing;
	if (name) {
		gsize len = strlen(writer->backing_format);
		at = put_u32(at, QCOW2_EXT_BACKING_FMT);
		at = put_u32(at, (guint32)len);
		memcpy(at, writer->backing_format, len);
		at += align(len, 8);
	}
	at = put_u32(at, QCOW2_EXT_END);
	at = put_u32(at, 0);
	if (!name)
		return;
	header->backing_offset = GUINT64_TO_BE((guint64)(at - cluster));
	header->backing_len = GUINT32_TO_BE((guint32)strlen(name));
	memcpy(at, name, strlen(name));
}

static void
fill_header(const struct sink *sink, const struct tail *tail, guint8 *cluster)
{
	const struct writer *writer = sink->state;
	gboolean zstd = sink->options.compress;
	struct qcow2_header header = {
		.magic = GUINT32_TO_BE(QCOW2_MAGIC),
		.version = GUINT32_TO_BE(QCOW2_VERSION),
		.cluster_bits = GUINT32_TO_BE(QCOW2_CLUSTER_BITS),
		.size = GUINT64_TO_BE(shown_size(sink)),
		.l1_entries = GUINT32_TO_BE(writer->l1_entries),
		.l1_offset = GUINT64_TO_BE(tail->l1 * QCOW2_CLUSTER),
		.refcount_table_offset = GUINT64_TO_BE(tail->table * QCOW2_CLUSTER),
		.refcount_table_clusters = GUINT32_TO_BE((guint32)tail->table_clusters),
		.incompatible = GUINT64_TO_BE(zstd ? QCOW2_INCOMPAT_COMPRESSION : 0),
		.refcount_order = GUINT32_TO_BE(QCOW2_REFCOUNT_ORDER),
		.header_length = GUINT32_TO_BE(QCOW2_HEADER_LENGTH),
		.compression_type = zstd ? QCOW2_COMPRESSION_ZSTD : QCOW2_COMPRESSION_ZLIB,
	};
	memcpy(cluster, &header, sizeof header);
	fill_backing(sink, cluster, cluster + sizeof header);
}

/* The order of the metadata digest is that of digest.h, not that of the file. */
static gboolean
qcow2_finish(struct sink *sink, GError **error)
{
	struct writer *writer = sink->state;
	if (!flush_l2(sink, writer, error))
		return FALSE;
	struct tail tail = plan_tail(writer);
	g_autofree guint8 *header = g_malloc0(QCOW2_CLUSTER);
	g_autoptr(GByteArray) digests = g_byte_array_new();
	gsize l1_len = tail.l1_clusters * QCOW2_CLUSTER;
	fill_header(sink, &tail, header);
	digest_table(sink, header, QCOW2_CLUSTER, digests);
	digest_table(sink, writer->l1, l1_len, digests);
	g_byte_array_append(digests, writer->l2_digests->data, writer->l2_digests->len);
	if (!write_table(sink, writer->l1, l1_len, tail.l1 * QCOW2_CLUSTER, error) ||
	    !write_refcounts(sink, &tail, digests, error) ||
	    !write_table(sink, header, QCOW2_CLUSTER, 0, error))
		return FALSE;
	digest_bytes(sink->options.digest, digests->data, digests->len, sink->totals.metadata);
	sink->totals.has_metadata = TRUE;
	sink->totals.file_size = tail.end * QCOW2_CLUSTER;
	return TRUE;
}

const struct sink_driver sink_qcow2 = {
	.name = "qcow2",
	.open = qcow2_open,
	.close = qcow2_close,
	.carried_zero = qcow2_carried_zero,
	.place = qcow2_place,
	.write = qcow2_write,
	.kept = qcow2_kept,
	.finish = qcow2_finish,
};
