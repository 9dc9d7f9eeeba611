/* One image of an export, qcow2 or raw, read block by block (1 MiB of the guest's disk). It knows
 * nothing of other images: chains are chain.h's. */
#pragma once

#include "base/auto.h"
#include "image/digest.h"
#include "image/manifest.h"

struct qcow2_file;

/* Only read after image_open(), so threads may share it; each thread has its own cursor. */
struct image {
	enum manifest_format format;
	guint64 size; /* of the guest's disk, bytes */
	guint64 file_size;
	int fd;			  /* raw: owned; qcow2: the file's */
	struct qcow2_file *qcow2; /* NULL for raw */
};

/* Opens the image that @disk describes from @fd, which it takes over in any case, and compares what
 * the file says of itself with the manifest: sizes, backing name, compression. Errors: INVALID or
 * IO with what is wrong, without the path. */
struct image *image_open(int fd, const struct manifest_disk *disk, GError **error);
void image_free(struct image *image);
CAIRN_DEFINE_AUTO(image, image_free)

/* Blocks of the guest's disk. */
guint64 image_blocks(const struct image *image);

struct image_cursor;
struct image_cursor *image_cursor_new(const struct image *image);
void image_cursor_free(struct image_cursor *cursor);
CAIRN_DEFINE_AUTO(image_cursor, image_cursor_free)

/* Clusters of @block that the image carries, as bits, and which of those hold data (the others are
 * zero clusters). Reads tables only; of a raw image every cluster that is not a hole counts. */
gboolean image_map(struct image_cursor *cursor, guint64 block, guint16 *ret_carried,
		   guint16 *ret_data, GError **error);

struct image_block {
	guint16 carried; /* raw: clusters that are not all zero */
	guint16 data;	 /* those of @carried that have contents; the rest reads as zeroes */
	guint8 digest[DIGEST_MAX]; /* only with a digest, only if @carried */
	guint64 bytes;		   /* read from the file */
};

/* Reads @block: contents of its data clusters go to their place in @buffer (DIGEST_BLOCK bytes),
 * the rest of it is not touched. Without @digest only the clusters in @want are read; with it all,
 * since the digest is over all of them. @offset in the error's text is the guest's. */
gboolean image_read(struct image_cursor *cursor, guint64 block, guint16 want, guint8 *buffer,
		    struct digest *digest, struct image_block *ret_block, GError **error);

/* The digest that the manifest has for @block, or NULL when it lists none; borrowed. */
const guint8 *image_expected_digest(const struct manifest_disk *disk, guint64 block);

/* Whether @digest (DIGEST_MAX bytes) is the metadata digest that the manifest has. */
gboolean image_metadata_matches(const struct manifest_disk *disk, const guint8 *digest);
