/* What one call of restore_export() knows: shared by its two halves, choosing (restore.c) and
 * writing (restore_write.c), and by nobody else. */
#pragma once

#include "image/chain.h"
#include "image/restore.h"

#define RESTORE_CONFIG	 "config.xml"
#define RESTORE_ORIGINAL "config.original.xml"

struct task { /* one disk */
	const struct manifest_vm *vm;
	const struct manifest_disk *disk;
	char *folder;  /* OUT/<name> */
	char *path;    /* OUT/<name>/<target>.<format> */
	guint64 bytes; /* of contents */
};

struct restore {
	const struct restore_options *options;
	struct chain *chain;
	const struct chain_point *point;
	char *to;	    /* absolute */
	GPtrArray *vms;	    /* const struct manifest_vm: chosen */
	GPtrArray *folders; /* char *: of vms[i] */
	GPtrArray *tasks;   /* struct task */
	GPtrArray *made;    /* char *: files and folders that this call made, in order */
	struct restore_result *result;
	struct restore_progress progress;
	gint64 told; /* monotonic time of the last progress */
};

/* "qcow2" or "raw", by enum manifest_format. */
extern const char *const restore_formats[];

gboolean restore_cancelled(const struct restore *restore, GError **error);
gboolean restore_must_not_exist(const char *path, GError **error);
struct layers *restore_open_layers(const struct restore *restore, const struct task *task,
				   gboolean verify, GError **error);
guint64 restore_blocks(const struct task *task);

/* Writes everything that was chosen; on failure what it made is still there: see restore_undo(). */
gboolean restore_write(struct restore *restore, GError **error);
void restore_undo(struct restore *restore);
