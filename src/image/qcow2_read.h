/* Reads the qcow2 images that our writer makes (qcow2.h) and treats them as hostile: every offset
 * and length is checked against the size of the file before it is used. It refuses what our writer
 * never writes, with the reason: this is not a reader for the world's qcow2 files. */
#pragma once

#include "base/auto.h"

#include <glib.h>

/* Bytes that one compressed cluster can take in the file: what its L2 entry can say. */
#define QCOW2_STORED_MAX (256 * 512)
/* A zstd frame that asks for a larger window (8 MiB) is refused: memory is bounded. */
#define QCOW2_WINDOW_LOG_MAX 23

enum qcow2_kind { QCOW2_ABSENT, QCOW2_ZEROES, QCOW2_DATA, QCOW2_STORED };

/* What an L2 entry says, checked: @offset and @length lie in the file. */
struct qcow2_cluster {
	enum qcow2_kind kind;
	guint64 offset; /* DATA, STORED: bytes into the file */
	guint32 length; /* STORED: whole sectors from @offset; DATA: a cluster */
};

/* Only read after qcow2_open(), so threads may share it. */
struct qcow2_file {
	int fd; /* owned */
	guint64 file_size;
	guint64 size;	      /* of the guest's disk, bytes */
	char *backing;	      /* NULL: stands alone */
	char *backing_format; /* NULL when the header does not say */
	gboolean zstd;	      /* compressed clusters are zstd */
	guint64 l1_offset;
	guint32 l1_entries;
	guint64 *l1; /* file offsets of the L2 tables; 0: none */
	guint64 refcount_table_offset;
	guint32 refcount_table_clusters;
};

/* Takes over @fd in any case. Errors: INVALID with what is wrong, IO. */
struct qcow2_file *qcow2_open(int fd, GError **error);
void qcow2_close(struct qcow2_file *file);
CAIRN_DEFINE_AUTO(qcow2_file, qcow2_close)

/* Reads L2 table @index (< l1_entries) as it is on disk, QCOW2_CLUSTER bytes; all zeroes when the
 * L1 table has none. */
gboolean qcow2_read_l2(const struct qcow2_file *file, guint32 index, guint64 *table,
		       GError **error);

/* Decodes an entry as read by qcow2_read_l2(). */
gboolean qcow2_decode(const struct qcow2_file *file, guint64 raw_entry,
		      struct qcow2_cluster *ret_cluster, GError **error);

/* Reads exactly @len bytes at @offset; a file that ends before is IO. */
gboolean qcow2_pread(int fd, void *data, gsize len, guint64 offset, GError **error);

/* Unpacks one compressed cluster into QCOW2_CLUSTER bytes. One unpacker per thread. */
struct qcow2_unpacker;
struct qcow2_unpacker *qcow2_unpacker_new(void);
void qcow2_unpacker_free(struct qcow2_unpacker *unpacker);
gboolean qcow2_unpack(struct qcow2_unpacker *unpacker, const void *stored, gsize len,
		      void *contents, GError **error);
