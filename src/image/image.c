/* Blocks of one image; see image.h. */
#include "image/image.h"

#include "base/error.h"
#include "base/file.h"
#include "image/qcow2.h"
#include "image/qcow2_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct image_cursor {
	const struct image *image;
	guint64 *l2;	    /* the table of @l2_index; NULL for raw */
	gint64 l2_index;    /* -1: none read yet */
	guint8 *stored;	    /* QCOW2_STORED_MAX bytes, when the image is compressed */
	guint64 hole_begin; /* raw: the hole that was found last, to ask the kernel less often */
	guint64 hole_end;
	struct qcow2_unpacker *unpacker;
};

static const guint8 zeroes[DIGEST_CLUSTER];

static gboolean
check_file_size(struct image *image, const struct manifest_disk *disk, GError **error)
{
	struct stat st;
	if (fstat(image->fd, &st) < 0) {
		cairn_set_errno(error, errno, "cannot look at it");
		return FALSE;
	}
	image->file_size = (guint64)st.st_size;
	if (!S_ISREG(st.st_mode))
		return cairn_fail(error, CAIRN_ERROR_IO, "it is not a file");
	if (image->file_size != disk->file_size)
		return cairn_fail(error, CAIRN_ERROR_IO,
				  "it has %" G_GUINT64_FORMAT " bytes, but the manifest says "
				  "%" G_GUINT64_FORMAT,
				  image->file_size, disk->file_size);
	/* Less than a cluster may be filled up behind the disk's end. */
	if (disk->format == MANIFEST_RAW &&
	    (image->file_size < disk->size || image->file_size - disk->size >= DIGEST_CLUSTER))
		return cairn_fail(error, CAIRN_ERROR_IO,
				  "its size is not that of the disk, %" G_GUINT64_FORMAT,
				  disk->size);
	return TRUE;
}

static gboolean
check_qcow2(const struct qcow2_file *file, const struct manifest_disk *disk, GError **error)
{
	/* qcow2 counts in sectors: an odd disk is shown rounded up. */
	guint64 shown = (disk->size + QCOW2_SECTOR - 1) & ~(guint64)(QCOW2_SECTOR - 1);
	if (file->size != shown)
		return cairn_fail(error, CAIRN_ERROR_IO,
				  "its disk has %" G_GUINT64_FORMAT " bytes, but the manifest says "
				  "%" G_GUINT64_FORMAT,
				  file->size, shown);
	if (g_strcmp0(file->backing, disk->backing) != 0)
		return cairn_fail(error, CAIRN_ERROR_IO,
				  "its base is \"%s\", but the manifest says \"%s\"",
				  file->backing ? file->backing : "(none)",
				  disk->backing ? disk->backing : "(none)");
	if (file->zstd != (disk->compression != NULL))
		return cairn_fail(error, CAIRN_ERROR_IO,
				  "its compression is not what the manifest says");
	return TRUE;
}

struct image *
image_open(int fd, const struct manifest_disk *disk, GError **error)
{
	cairn_auto(image) image = g_new0(struct image, 1);
	image->fd = fd;
	image->format = disk->format;
	image->size = disk->size;
	if (!check_file_size(image, disk, error))
		return NULL;
	if (disk->format == MANIFEST_QCOW2) {
		image->fd = -1;
		image->qcow2 = qcow2_open(fd, error);
		if (!image->qcow2 || !check_qcow2(image->qcow2, disk, error))
			return NULL;
		image->fd = image->qcow2->fd;
	}
	posix_fadvise(image->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return g_steal_pointer(&image);
}

void
image_free(struct image *image)
{
	if (!image)
		return;
	if (!image->qcow2)
		cairn_close_fd(&image->fd);
	qcow2_close(image->qcow2);
	g_free(image);
}

guint64
image_blocks(const struct image *image)
{
	return image->size / DIGEST_BLOCK + (image->size % DIGEST_BLOCK != 0);
}

struct image_cursor *
image_cursor_new(const struct image *image)
{
	struct image_cursor *cursor = g_new0(struct image_cursor, 1);
	cursor->image = image;
	cursor->l2_index = -1;
	if (image->qcow2)
		cursor->l2 = g_malloc(QCOW2_CLUSTER);
	return cursor;
}

void
image_cursor_free(struct image_cursor *cursor)
{
	if (!cursor)
		return;
	g_free(cursor->l2);
	g_free(cursor->stored);
	qcow2_unpacker_free(cursor->unpacker);
	g_free(cursor);
}

/* Decodes the L2 entries of @block's clusters that lie on the disk; ABSENT beyond its end. */
static gboolean
decode_block(struct image_cursor *cursor, guint64 block, struct qcow2_cluster *clusters,
	     GError **error)
{
	const struct qcow2_file *file = cursor->image->qcow2;
	guint64 first = block * DIGEST_PER_BLOCK;
	gint64 index = (gint64)(first / QCOW2_L2_ENTRIES);
	guint64 end = file->size / QCOW2_CLUSTER + (file->size % QCOW2_CLUSTER != 0);
	if (cursor->l2_index != index) {
		cursor->l2_index = -1;
		if (!qcow2_read_l2(file, (guint32)index, cursor->l2, error))
			return FALSE;
		cursor->l2_index = index;
	}
	for (guint i = 0; i < DIGEST_PER_BLOCK; i++) {
		clusters[i].kind = QCOW2_ABSENT;
		if (first + i < end &&
		    !qcow2_decode(file, cursor->l2[(first + i) % QCOW2_L2_ENTRIES], &clusters[i],
				  error))
			return FALSE;
	}
	return TRUE;
}

/* Raw: the first byte at or after @offset that is not in a hole; the file's end when there is none.
 * A file system that knows no holes says that all is data. */
static guint64
next_data(struct image_cursor *cursor, guint64 offset)
{
	if (offset >= cursor->hole_begin && offset < cursor->hole_end)
		return cursor->hole_end;
	off_t found = lseek(cursor->image->fd, (off_t)offset, SEEK_DATA);
	guint64 data = found >= 0	? (guint64)found
		       : errno == ENXIO ? cursor->image->file_size
					: offset;
	if (data > offset) {
		cursor->hole_begin = offset;
		cursor->hole_end = data;
	}
	return data;
}

static guint16
map_raw(struct image_cursor *cursor, guint64 block)
{
	guint16 mask = 0;
	for (guint i = 0; i < DIGEST_PER_BLOCK; i++) {
		guint64 begin = block * DIGEST_BLOCK + (guint64)i * DIGEST_CLUSTER;
		if (begin >= cursor->image->file_size)
			break;
		if (next_data(cursor, begin) < begin + DIGEST_CLUSTER)
			mask |= (guint16)(1U << i);
	}
	return mask;
}

gboolean
image_map(struct image_cursor *cursor, guint64 block, guint16 *ret_carried, guint16 *ret_data,
	  GError **error)
{
	struct qcow2_cluster clusters[DIGEST_PER_BLOCK];
	if (!cursor->image->qcow2) {
		*ret_carried = *ret_data = map_raw(cursor, block);
		return TRUE;
	}
	if (!decode_block(cursor, block, clusters, error))
		return FALSE;
	guint16 carried = 0, data = 0;
	for (guint i = 0; i < DIGEST_PER_BLOCK; i++) {
		guint16 bit = (guint16)(1U << i);
		carried |= clusters[i].kind != QCOW2_ABSENT ? bit : 0;
		data |= clusters[i].kind == QCOW2_DATA || clusters[i].kind == QCOW2_STORED ? bit
											   : 0;
	}
	*ret_carried = carried;
	*ret_data = data;
	return TRUE;
}

/* Reads the run of plain data clusters that begins at @i and lies in one piece in the file: one
 * request instead of sixteen. Returns the cluster behind it, or 0 on failure. */
static guint
read_plain(const struct image *image, const struct qcow2_cluster *clusters, guint i, guint16 want,
	   guint8 *buffer, guint64 *bytes, GError **error)
{
	guint end = i + 1;
	while (end < DIGEST_PER_BLOCK && (want & 1U << end) && clusters[end].kind == QCOW2_DATA &&
	       clusters[end].offset == clusters[i].offset + (guint64)(end - i) * QCOW2_CLUSTER)
		end++;
	gsize len = (gsize)(end - i) * QCOW2_CLUSTER;
	if (!qcow2_pread(image->fd, buffer + (gsize)i * DIGEST_CLUSTER, len, clusters[i].offset,
			 error))
		return 0;
	*bytes += len;
	return end;
}

static gboolean
read_stored(struct image_cursor *cursor, const struct qcow2_cluster *cluster, guint8 *contents,
	    guint64 *bytes, GError **error)
{
	if (!cursor->stored) {
		cursor->stored = g_malloc(QCOW2_STORED_MAX);
		cursor->unpacker = qcow2_unpacker_new();
	}
	*bytes += cluster->length;
	return qcow2_pread(cursor->image->fd, cursor->stored, cluster->length, cluster->offset,
			   error) &&
	       qcow2_unpack(cursor->unpacker, cursor->stored, cluster->length, contents, error);
}

static gboolean
read_qcow2(struct image_cursor *cursor, guint64 block, guint16 want, guint8 *buffer,
	   struct digest *digest, struct image_block *ret, GError **error)
{
	struct qcow2_cluster clusters[DIGEST_PER_BLOCK];
	guint loaded = 0; /* plain clusters below this one are in the buffer */
	if (!decode_block(cursor, block, clusters, error))
		return FALSE;
	for (guint i = 0; i < DIGEST_PER_BLOCK; i++) {
		const struct qcow2_cluster *cluster = &clusters[i];
		guint8 *contents = buffer + (gsize)i * DIGEST_CLUSTER;
		gboolean stored = cluster->kind == QCOW2_STORED;
		gboolean plain = cluster->kind == QCOW2_DATA;
		if (cluster->kind == QCOW2_ABSENT)
			continue;
		ret->carried |= (guint16)(1U << i);
		ret->data |= stored || plain ? (guint16)(1U << i) : 0;
		if (!(want & 1U << i))
			continue;
		if (stored && !read_stored(cursor, cluster, contents, &ret->bytes, error))
			return FALSE;
		if (plain && i >= loaded &&
		    !(loaded = read_plain(cursor->image, clusters, i, want, buffer, &ret->bytes,
					  error)))
			return FALSE;
		if (digest)
			digest_block_cluster(digest, i, stored || plain ? contents : NULL,
					     stored ? cursor->stored : NULL, cluster->length);
	}
	return TRUE;
}

static gboolean
read_raw(struct image_cursor *cursor, guint64 block, guint16 want, guint8 *buffer,
	 struct digest *digest, struct image_block *ret, GError **error)
{
	guint16 mask = map_raw(cursor, block) & want;
	for (guint i = 0; i < DIGEST_PER_BLOCK; i++) {
		guint8 *contents = buffer + (gsize)i * DIGEST_CLUSTER;
		guint64 begin = block * DIGEST_BLOCK + (guint64)i * DIGEST_CLUSTER;
		if (!(mask & 1U << i))
			continue;
		gsize len = (gsize)MIN(DIGEST_CLUSTER, cursor->image->file_size - begin);
		if (!qcow2_pread(cursor->image->fd, contents, len, begin, error))
			return FALSE;
		memset(contents + len, 0, DIGEST_CLUSTER - len);
		ret->bytes += len;
		if (memcmp(contents, zeroes, DIGEST_CLUSTER) == 0)
			continue;
		ret->carried |= (guint16)(1U << i);
		if (digest)
			digest_block_cluster(digest, i, contents, NULL, 0);
	}
	ret->data = ret->carried;
	return TRUE;
}

gboolean
image_read(struct image_cursor *cursor, guint64 block, guint16 want, guint8 *buffer,
	   struct digest *digest, struct image_block *ret_block, GError **error)
{
	struct image_block result = {0};
	if (digest) {
		digest_block_begin(digest);
		want = G_MAXUINT16;
	}
	gboolean ok = cursor->image->qcow2
			      ? read_qcow2(cursor, block, want, buffer, digest, &result, error)
			      : read_raw(cursor, block, want, buffer, digest, &result, error);
	if (!ok) {
		g_prefix_error(error, "block %" G_GUINT64_FORMAT ": ", block);
		return FALSE;
	}
	if (digest)
		digest_block_end(digest, result.digest);
	*ret_block = result;
	return TRUE;
}

const guint8 *
image_expected_digest(const struct manifest_disk *disk, guint64 block)
{
	guint low = 0, high = disk->runs->len;
	while (low < high) { /* the first run that ends behind @block */
		guint middle = low + (high - low) / 2;
		const struct manifest_run *run =
			&g_array_index(disk->runs, struct manifest_run, middle);
		if (run->first + run->count <= block)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == disk->runs->len)
		return NULL;
	const struct manifest_run *run = &g_array_index(disk->runs, struct manifest_run, low);
	if (block < run->first)
		return NULL;
	return disk->digests + (run->before + block - run->first) * digest_length(disk->algorithm);
}

gboolean
image_metadata_matches(const struct manifest_disk *disk, const guint8 *digest)
{
	char hex[2 * DIGEST_MAX + 1] = "";
	for (gsize i = 0; i < digest_length(disk->metadata_algorithm); i++)
		g_snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return g_strcmp0(hex, disk->metadata_digest) == 0;
}
