/* What of an unfinished file is complete and durable, so that the same copy started again goes on
 * from there. Batches of fixed-size records are appended, each with a checksum: a batch that was
 * torn by a crash, and all behind it, is as if never written. Read only by the machine that wrote
 * it, therefore in its own byte order. */
#pragma once

#include "base/auto.h"
#include "image/sink.h"

#include <glib.h>

/* What the sink must be told again about a block that it holds. */
struct journal_record {
	guint32 index;
	guint16 data;
	guint16 base;
	guint16 zero;
	guint8 sectors[SINK_PER_BLOCK];
	guint8 digest[DIGEST_MAX];
};

/* Limit of what is read: 64 TiB of blocks. */
#define JOURNAL_MAX_RECORDS (64U << 20)

struct journal;
/* Opens or creates the file and locks it until it is closed. BUSY: another process has it. */
struct journal *journal_open(const char *path, GError **error);
void journal_close(struct journal *journal);
CAIRN_DEFINE_AUTO(journal, journal_close)

/* Gives all records (GArray of struct journal_record) and the block before which all is done; FALSE
 * when the journal is empty, damaged at its head or of another copy than @identity. */
gboolean journal_load(struct journal *journal, const char *identity, GArray **ret_records,
		      guint32 *ret_next);
/* Empties it and begins the one of the copy that @identity describes; durable when it returns. */
gboolean journal_reset(struct journal *journal, const char *identity, GError **error);

/* Says durably that all blocks before @next are durable, and that @records (GArray of struct
 * journal_record) are the ones among them since the last call. */
gboolean journal_append(struct journal *journal, const GArray *records, guint32 next,
			GError **error);
