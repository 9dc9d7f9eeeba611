/* The digests that let an export be verified without restoring it. Two kinds, one algorithm:
 *
 * Block digest, one for each 1 MiB block of the guest's disk of which the image carries at least
 * one 64 KiB cluster. Its message is, for each carried cluster in ascending order, the 64 KiB of
 * contents (a zero cluster as zeroes; the tail after the end of the disk as zeroes) and, when the
 * cluster is stored compressed, then the stored bytes (whole sectors, with their padding); at the
 * end 16 bits, little-endian, of which bit i says that cluster i of the block is carried. In a
 * qcow2 image a cluster is carried when its L2 entry is not 0; in a raw image when it is not all
 * zero.
 *
 * Metadata digest, one for each qcow2 image: the digest over the concatenated digests of these
 * clusters, each taken over its 64 KiB: header; L1 table; L2 tables in the guest's order; refcount
 * table; refcount blocks in the order of the table. */
#pragma once

#include "base/auto.h"

#include <glib.h>

#define DIGEST_MAX	 32 /* bytes of the longest digest */
#define DIGEST_BLOCK	 (1U << 20)
#define DIGEST_CLUSTER	 (1U << 16)
#define DIGEST_PER_BLOCK (DIGEST_BLOCK / DIGEST_CLUSTER)

enum digest_algorithm {
	DIGEST_XXH3,   /* XXH3 with 64 bits, seed 0, in the canonical big-endian form */
	DIGEST_SHA256, /* FIPS 180-4 */
	DIGEST_LAST,
};

/* "xxh3-64" or "sha256". */
const char *digest_name(enum digest_algorithm algorithm);
/* Also takes "xxh3"; FALSE for another name. */
gboolean digest_from_name(const char *name, enum digest_algorithm *ret_algorithm);
/* Bytes of one digest: 8 or 32. */
gsize digest_length(enum digest_algorithm algorithm);

/* The digest of @len bytes; @ret_digest takes digest_length() bytes. */
void digest_bytes(enum digest_algorithm algorithm, const void *data, gsize len, guint8 *ret_digest);

/* A running block digest; one per thread, used again for every block. */
struct digest;
struct digest *digest_new(enum digest_algorithm algorithm);
void digest_free(struct digest *digest);
CAIRN_DEFINE_AUTO(digest, digest_free)

void digest_block_begin(struct digest *digest);
/* Cluster @index (0..15, ascending). @contents are DIGEST_CLUSTER bytes, NULL for zeroes; @stored
 * are the compressed bytes as they lie in the file, NULL for a cluster that is not compressed. */
void digest_block_cluster(struct digest *digest, guint index, const void *contents,
			  const void *stored, gsize stored_len);
/* @ret_digest takes digest_length() bytes. */
void digest_block_end(struct digest *digest, guint8 *ret_digest);
