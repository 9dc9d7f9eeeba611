/* Where a copy goes: the one door to the formats (qcow2, raw). A disk comes as 1 MiB blocks in
 * ascending order; blocks that carry nothing are left out. Each goes through
 *
 *	sink_prepare()	any thread: finds zeroes, compresses, takes the digest
 *	sink_place()	one thread at a time, ascending: decides where in the file it goes
 *	sink_write()	any thread: writes it there
 *
 * and sink_finish() makes a complete, durable file of it. The file keeps the name it was opened
 *with; renaming it is the caller's. Errors: IO, LIMIT (no space), DENIED from the file. */
#pragma once

#include "base/auto.h"
#include "image/digest.h"

#include <glib.h>

#define SINK_CLUSTER   DIGEST_CLUSTER
#define SINK_BLOCK     DIGEST_BLOCK
#define SINK_PER_BLOCK DIGEST_PER_BLOCK
/* Buffers that begin at a multiple of it are written without the page cache. */
#define SINK_ALIGNMENT 4096

struct sink_options {
	const char *format; /* "qcow2" or "raw" */
	const char *path;   /* the file to write */
	gboolean resume; /* it exists and is gone on with: sink_place() the blocks it holds again,
			  * then sink_resume() */
	guint64 size;	 /* of the disk, bytes; qcow2 shows it rounded up to a sector */
	gboolean incremental; /* zeroes are carried, they hide what is in the backing file */
	const char *parent;   /* qcow2: the backing image, to be checked; raw: the image that blocks
			       * marked   `base` come from; NULL for none */
	const char *backing;  /* qcow2: the name to write for @parent; NULL for none */
	gboolean compress;    /* qcow2: zstd */
	enum digest_algorithm digest;
};

/* One block. Bit i of a mask is its i-th cluster. */
struct sink_block {
	guint32 index;
	guint16 data; /* clusters whose contents are in @buffer; sink_prepare() moves zeroes out */
	guint16 base; /* raw: clusters that are as in the parent; sink_prepare() reads them */
	guint16 zero; /* clusters that are known to be zero */
	guint8 *buffer; /* SINK_BLOCK bytes, cluster i at i * SINK_CLUSTER; may be NULL when neither
			 * @data nor @base is set */
	guint8 *packed; /* SINK_BLOCK bytes when sink_compresses(): room for compressed clusters */

	/* Set by sink_prepare(). */
	guint8 digest[DIGEST_MAX];
	guint8 sectors[SINK_PER_BLOCK]; /* of the compressed cluster, 0: it is stored plain */
	/* Set by sink_place(). */
	guint64 offsets[SINK_PER_BLOCK]; /* in the file, of the clusters in @data */
};

struct sink_totals {
	guint64 file_size;  /* bytes */
	guint64 data_bytes; /* clusters with contents, as the guest sees them */
	guint64 zero_bytes; /* clusters that say they are zero */
	gboolean has_metadata;
	guint8 metadata[DIGEST_MAX];
};

struct sink;
struct sink *sink_open(const struct sink_options *options, GError **error);
/* Leaves the file as it is. */
void sink_close(struct sink *sink);
CAIRN_DEFINE_AUTO(sink, sink_close)

gboolean sink_compresses(const struct sink *sink);

/* What a thread needs of its own to prepare blocks. */
struct sink_scratch;
struct sink_scratch *sink_scratch_new(const struct sink *sink);
void sink_scratch_free(struct sink_scratch *scratch);
CAIRN_DEFINE_AUTO(sink_scratch, sink_scratch_free)

/* FALSE in *@ret_carried: nothing is left of it, it is not placed. */
gboolean sink_prepare(struct sink *sink, struct sink_scratch *scratch, struct sink_block *block,
		      gboolean *ret_carried, GError **error);
gboolean sink_place(struct sink *sink, struct sink_block *block, GError **error);
gboolean sink_write(struct sink *sink, const struct sink_block *block, GError **error);

/* After the blocks before @index have been placed again: forgets what the file holds behind them.
 * INVALID when the file is shorter than it must be. */
gboolean sink_resume(struct sink *sink, guint32 index, GError **error);
/* What was written is durable when it returns TRUE. */
gboolean sink_sync(struct sink *sink, GError **error);
gboolean sink_finish(struct sink *sink, struct sink_totals *ret_totals, GError **error);

/* All three in turn, for one thread. */
gboolean sink_put(struct sink *sink, struct sink_scratch *scratch, struct sink_block *block,
		  GError **error);

/* The @len bytes are all zero. */
gboolean sink_is_zero(const void *data, gsize len);
