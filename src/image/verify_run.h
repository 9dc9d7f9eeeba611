/* What one call of verify_export() knows: shared by the walk over points and files (verify.c) and
 * the reading of disk images (verify_disk.c), and by nobody else. Only the calling thread touches
 * it. */
#pragma once

#include "image/chain.h"
#include "image/verify.h"

struct verify {
	const struct verify_options *options;
	struct verify_report *report;
	char *root;	/* absolute: findings' paths are below it */
	char *qemu_img; /* NULL: not there or not wanted */
	struct verify_progress progress;
	guint64 done_before; /* bytes of the files that are behind us */
	gint64 told;	     /* monotonic time of the last progress */
};

/* Where the findings of one file go. */
struct verify_file {
	struct verify *verify;
	char *path; /* as the findings show it */
	guint kept, errors;
};

void verify_file_begin(struct verify_file *file, struct verify *verify, const char *dir,
		       const char *name);
/* Says how many findings were left out and frees what begin took. */
void verify_file_end(struct verify_file *file);

/* Over VERIFY_MAX_FINDINGS_PER_FILE they are only counted. @offset as in struct verify_finding. */
void verify_find(struct verify_file *file, enum verify_severity severity, gint64 offset,
		 guint64 length, const char *format, ...) G_GNUC_PRINTF(5, 6);

/* @done bytes of the file at hand were read; told at most four times a second unless @now. */
void verify_tell(struct verify *verify, const char *path, guint64 done, gboolean now);
gboolean verify_cancelled(const struct verify *verify, GError **error);

/* Everything about the image of @disk in the point's folder @dir but its place in a chain. */
gboolean verify_disk(struct verify *verify, const char *dir, const struct manifest_disk *disk,
		     GError **error);
