/* Hardened reader of our qcow2 images; see qcow2_read.h. */
#include "image/qcow2_read.h"

#include "base/error.h"
#include "base/file.h"
#include "image/qcow2.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define HEADER_LENGTH_MIN 104 /* up to the compression type, which is optional */
#define BACKING_FMT_MAX	  16

gboolean
qcow2_pread(int fd, void *data, gsize len, guint64 offset, GError **error)
{
	guint8 *at = data;
	while (len > 0) {
		ssize_t n = pread(fd, at, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cairn_set_errno(error, errno, "cannot read at byte %" G_GUINT64_FORMAT,
					offset);
			return FALSE;
		}
		if (n == 0) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_IO,
				    "the file ends at byte %" G_GUINT64_FORMAT, offset);
			return FALSE;
		}
		at += n;
		offset += (guint64)n;
		len -= (gsize)n;
	}
	return TRUE;
}

/* True when [offset, offset + len) lies in the file behind the header. */
static gboolean
inside(const struct qcow2_file *file, guint64 offset, guint64 len)
{
	return offset >= QCOW2_CLUSTER && offset <= file->file_size &&
	       len <= file->file_size - offset;
}

static gboolean
table_inside(const struct qcow2_file *file, guint64 offset, guint64 len, const char *what,
	     GError **error)
{
	if (offset % QCOW2_CLUSTER == 0 && inside(file, offset, len))
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_INVALID,
			  "the %s at byte %" G_GUINT64_FORMAT " is not inside the file", what,
			  offset);
}

static gboolean
check_features(const struct qcow2_header *h, struct qcow2_file *file, guint32 header_length,
	       GError **error)
{
	guint64 incompatible = GUINT64_FROM_BE(h->incompatible);
	if (incompatible & ~QCOW2_INCOMPAT_COMPRESSION)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "it needs features (0x%" G_GINT64_MODIFIER "x) that an export "
				  "never has",
				  incompatible);
	if (h->crypt_method != 0 || h->snapshots != 0)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "it is encrypted or has internal snapshots");
	guint8 type = header_length > HEADER_LENGTH_MIN ? h->compression_type : 0;
	gboolean said = (incompatible & QCOW2_INCOMPAT_COMPRESSION) != 0;
	if (type > QCOW2_COMPRESSION_ZSTD || said != (type != QCOW2_COMPRESSION_ZLIB))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "its compression type %u is not known", type);
	file->zstd = type == QCOW2_COMPRESSION_ZSTD;
	return TRUE;
}

static gboolean
check_geometry(const struct qcow2_header *h, struct qcow2_file *file, GError **error)
{
	if (GUINT32_FROM_BE(h->magic) != QCOW2_MAGIC)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "it is not a qcow2 image");
	if (GUINT32_FROM_BE(h->version) != QCOW2_VERSION)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "it is qcow2 version %u, not 3",
				  GUINT32_FROM_BE(h->version));
	if (GUINT32_FROM_BE(h->cluster_bits) != QCOW2_CLUSTER_BITS ||
	    GUINT32_FROM_BE(h->refcount_order) != QCOW2_REFCOUNT_ORDER)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "its clusters are not of 64 KiB with 16-bit refcounts");
	file->size = GUINT64_FROM_BE(h->size);
	file->l1_entries = GUINT32_FROM_BE(h->l1_entries);
	file->l1_offset = GUINT64_FROM_BE(h->l1_offset);
	file->refcount_table_offset = GUINT64_FROM_BE(h->refcount_table_offset);
	file->refcount_table_clusters = GUINT32_FROM_BE(h->refcount_table_clusters);
	if (file->size > QCOW2_SIZE_MAX)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "its disk is over %llu TiB",
				  QCOW2_SIZE_MAX >> 40);
	guint64 needed = file->size / QCOW2_L2_BYTES + (file->size % QCOW2_L2_BYTES != 0);
	if (file->l1_entries < needed || file->l1_entries > MAX(needed, 1))
		return cairn_fail(
			error, CAIRN_ERROR_INVALID,
			"its L1 table has %u entries, but the disk needs %" G_GUINT64_FORMAT,
			file->l1_entries, needed);
	guint64 table = (guint64)file->refcount_table_clusters * QCOW2_CLUSTER;
	return table_inside(file, file->refcount_table_offset, table, "refcount table", error) &&
	       (file->l1_entries == 0 ||
		table_inside(file, file->l1_offset, (guint64)file->l1_entries * 8, "L1 table",
			     error));
}

/* Header extensions are in the first cluster, before the backing name. */
static gboolean
read_extensions(struct qcow2_file *file, const guint8 *cluster, guint32 at, guint32 end,
		GError **error)
{
	while (end - at >= 8) {
		guint32 type, len;
		memcpy(&type, cluster + at, 4);
		memcpy(&len, cluster + at + 4, 4);
		type = GUINT32_FROM_BE(type);
		len = GUINT32_FROM_BE(len);
		at += 8;
		if (type == QCOW2_EXT_END)
			return TRUE;
		if (len > end - at)
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "a header extension is longer than the header");
		if (type == QCOW2_EXT_BACKING_FMT && len <= BACKING_FMT_MAX &&
		    !file->backing_format)
			file->backing_format = g_strndup((const char *)cluster + at, len);
		guint32 padded = (len + 7) & ~7U;
		at += MIN(padded, end - at);
	}
	return TRUE;
}

static gboolean
read_names(struct qcow2_file *file, const struct qcow2_header *h, const guint8 *cluster,
	   guint32 header_length, GError **error)
{
	guint64 offset = GUINT64_FROM_BE(h->backing_offset);
	guint32 len = GUINT32_FROM_BE(h->backing_len), end = QCOW2_CLUSTER;
	if (offset != 0) {
		if (offset < header_length || offset > QCOW2_CLUSTER || len == 0 ||
		    len > QCOW2_BACKING_MAX || len > QCOW2_CLUSTER - offset ||
		    memchr(cluster + offset, 0, len))
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "the backing file name is not inside the header");
		file->backing = g_strndup((const char *)cluster + offset, len);
		end = (guint32)offset;
	}
	return read_extensions(file, cluster, header_length, end, error);
}

static gboolean
read_header(struct qcow2_file *file, GError **error)
{
	g_autofree guint8 *cluster = g_malloc(QCOW2_CLUSTER);
	struct qcow2_header h;
	if (file->file_size < QCOW2_CLUSTER)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "it is too short for a qcow2 image");
	if (!qcow2_pread(file->fd, cluster, QCOW2_CLUSTER, 0, error))
		return FALSE;
	memcpy(&h, cluster, sizeof h);
	if (!check_geometry(&h, file, error))
		return FALSE;
	guint32 header_length = GUINT32_FROM_BE(h.header_length);
	if (header_length < HEADER_LENGTH_MIN || header_length % 8 != 0 ||
	    header_length > QCOW2_CLUSTER)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "its header length %u is wrong",
				  header_length);
	return check_features(&h, file, header_length, error) &&
	       read_names(file, &h, cluster, header_length, error);
}

static gboolean
read_l1(struct qcow2_file *file, GError **error)
{
	gsize len = (gsize)file->l1_entries * 8;
	file->l1 = g_malloc0(len);
	if (!qcow2_pread(file->fd, file->l1, len, file->l1_offset, error))
		return FALSE;
	for (guint32 i = 0; i < file->l1_entries; i++) {
		guint64 entry = GUINT64_FROM_BE(file->l1[i]);
		if (entry == 0)
			continue;
		file->l1[i] = entry & QCOW2_OFFSET_MASK;
		if ((entry & ~QCOW2_OFFSET_MASK) != QCOW2_COPIED)
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "entry %u of the L1 table is damaged", i);
		if (!table_inside(file, file->l1[i], QCOW2_CLUSTER, "L2 table", error))
			return FALSE;
	}
	return TRUE;
}

struct qcow2_file *
qcow2_open(int fd, GError **error)
{
	cairn_auto(qcow2_file) file = g_new0(struct qcow2_file, 1);
	struct stat st;
	file->fd = fd;
	if (fstat(fd, &st) < 0) {
		cairn_set_errno(error, errno, "cannot look at it");
		return NULL;
	}
	file->file_size = (guint64)st.st_size;
	if (!read_header(file, error) || !read_l1(file, error))
		return NULL;
	return g_steal_pointer(&file);
}

void
qcow2_close(struct qcow2_file *file)
{
	if (!file)
		return;
	cairn_close_fd(&file->fd);
	g_free(file->backing);
	g_free(file->backing_format);
	g_free(file->l1);
	g_free(file);
}

gboolean
qcow2_read_l2(const struct qcow2_file *file, guint32 index, guint64 *table, GError **error)
{
	g_assert(index < file->l1_entries);
	if (file->l1[index] != 0)
		return qcow2_pread(file->fd, table, QCOW2_CLUSTER, file->l1[index], error);
	memset(table, 0, QCOW2_CLUSTER);
	return TRUE;
}

static gboolean
decode_stored(const struct qcow2_file *file, guint64 entry, struct qcow2_cluster *cluster,
	      GError **error)
{
	guint64 sectors = ((entry >> QCOW2_CSIZE_SHIFT) & QCOW2_CSIZE_MASK) + 1;
	cluster->kind = QCOW2_STORED;
	cluster->offset = entry & QCOW2_COFFSET_MASK;
	cluster->length = (guint32)(sectors * QCOW2_SECTOR);
	if (!file->zstd)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "a compressed cluster in an image without zstd");
	if ((entry & QCOW2_COPIED) || cluster->offset % QCOW2_SECTOR != 0 ||
	    !inside(file, cluster->offset, cluster->length))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "the entry of a compressed cluster is damaged");
	return TRUE;
}

gboolean
qcow2_decode(const struct qcow2_file *file, guint64 raw_entry, struct qcow2_cluster *ret_cluster,
	     GError **error)
{
	guint64 entry = GUINT64_FROM_BE(raw_entry);
	struct qcow2_cluster cluster = {.kind = QCOW2_ABSENT, .length = QCOW2_CLUSTER};
	if (entry & QCOW2_COMPRESSED) {
		if (!decode_stored(file, entry, &cluster, error))
			return FALSE;
	} else if (entry == QCOW2_ZERO) {
		cluster.kind = QCOW2_ZEROES;
	} else if (entry != 0) {
		cluster.kind = QCOW2_DATA;
		cluster.offset = entry & QCOW2_OFFSET_MASK;
		if ((entry & ~QCOW2_OFFSET_MASK) != QCOW2_COPIED)
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "an entry of an L2 table is damaged");
		if (!table_inside(file, cluster.offset, QCOW2_CLUSTER, "data", error))
			return FALSE;
	}
	*ret_cluster = cluster;
	return TRUE;
}

struct qcow2_unpacker {
	ZSTD_DCtx *context;
};

struct qcow2_unpacker *
qcow2_unpacker_new(void)
{
	struct qcow2_unpacker *unpacker = g_new0(struct qcow2_unpacker, 1);
	unpacker->context = ZSTD_createDCtx();
	g_assert(unpacker->context);
	ZSTD_DCtx_setParameter(unpacker->context, ZSTD_d_windowLogMax, QCOW2_WINDOW_LOG_MAX);
	return unpacker;
}

void
qcow2_unpacker_free(struct qcow2_unpacker *unpacker)
{
	if (!unpacker)
		return;
	ZSTD_freeDCtx(unpacker->context);
	g_free(unpacker);
}

/* The frame's own length is not stored: it ends where the decoder says, and the rest of the last
 * sector is padding. */
gboolean
qcow2_unpack(struct qcow2_unpacker *unpacker, const void *stored, gsize len, void *contents,
	     GError **error)
{
	ZSTD_inBuffer in = {stored, len, 0};
	ZSTD_outBuffer out = {contents, QCOW2_CLUSTER, 0};
	ZSTD_DCtx_reset(unpacker->context, ZSTD_reset_session_only);
	for (;;) {
		gsize in_before = in.pos, out_before = out.pos;
		gsize rc = ZSTD_decompressStream(unpacker->context, &out, &in);
		if (ZSTD_isError(rc))
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "a compressed cluster is damaged: %s",
					  ZSTD_getErrorName(rc));
		if (rc == 0)
			break;
		if (in.pos == in_before && out.pos == out_before)
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "a compressed cluster is cut off or too long");
	}
	if (out.pos != QCOW2_CLUSTER)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "a compressed cluster unpacks to %" G_GSIZE_FORMAT " bytes",
				  out.pos);
	return TRUE;
}
