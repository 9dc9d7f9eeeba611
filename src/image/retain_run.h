/* What one call of retain_run() knows: shared by the order of the deeds (retain.c) and the merge of
 * one export (retain_merge.c), and by nobody else. */
#pragma once

#include "image/chain.h"
#include "image/rate.h"
#include "image/retain.h"

/* ".POINT.merge": the new folder of a point, until it is complete; afterwards the old one. */
#define RETAIN_MERGE_SUFFIX ".merge"
/* ".POINT.delete": an export that is being removed. */
#define RETAIN_DELETE_SUFFIX ".delete"

struct retain {
	const struct retain_plan *plan;
	const struct retain_options *options;
	struct retain_result *result;
	struct retain_progress progress;
	guint64 told_before; /* `done` when the verifying of an export began */
	gint64 told;	     /* monotonic time of the last progress */
	struct rate rate;
};

/* DIR/.POINT.SUFFIX; free with g_free(). */
char *retain_hidden(const char *dir, const char *point, const char *suffix);
/* Before each deed: FALSE when it was cancelled, or a test says so. */
gboolean retain_step(const struct retain *retain, const char *what, GError **error);
void retain_tell(struct retain *retain, gboolean now);

/* Makes the folder @to with all that @entry's export is to be, and verifies it. What is there on
 * failure is the caller's to remove. *@ret_written: bytes of the images that were made. */
gboolean retain_merge(struct retain *retain, const struct retain_entry *entry, const char *to,
		      guint64 *ret_written, GError **error);
