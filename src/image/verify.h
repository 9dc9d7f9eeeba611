/* Reads an export again, every byte of it, and tells what is not as the manifests say. It changes
 * nothing and needs neither the daemon nor its store. */
#pragma once

#include "base/auto.h"

#include <gio/gio.h>
#include <jansson.h>

/* Findings kept for one file; one more says how many were left out. */
#define VERIFY_MAX_FINDINGS_PER_FILE 100

enum verify_severity { VERIFY_WARNING, VERIFY_ERROR };

struct verify_finding {
	enum verify_severity severity;
	char *path;	/* of the file or folder, below the folder that was verified */
	char *what;	/* a sentence for a person, with the block or byte range */
	gint64 offset;	/* bytes into the disk (blocks) or file (metadata); -1: of the whole file */
	guint64 length; /* bytes from there; 0: unknown */
};

struct verify_report {
	guint64 points, images, files; /* that were read */
	guint64 bytes;		       /* read from disk images and small files */
	guint errors, warnings;	       /* all of them, also those not kept */
	gboolean qemu_img;	       /* `qemu-img check` ran on the images as well */
	GPtrArray *findings; /* struct verify_finding, in the order of the points and their files */
};

struct verify_progress {
	const char *path;    /* the file that was just begun or goes on */
	guint64 done, total; /* bytes of all files of this call */
};

/* Called from the thread that called verify_export(), about four times a second and at the end. */
typedef void (*verify_progress_fn)(const struct verify_progress *progress, void *data);

struct verify_options {
	guint threads;		     /* 0: one per processor, at most 8 */
	gboolean no_qemu_img;	     /* leave `qemu-img check` out even when it is installed */
	gboolean no_chain;	     /* do not read the points again that this one is based on */
	GCancellable *cancel;	     /* NULL: cannot be cancelled */
	verify_progress_fn progress; /* NULL: not told */
	void *progress_data;
};

/* Verifies all points below @dir: an export folder, one group's or one point's folder; with a point
 * also the points that it is based on. TRUE when everything could be looked at: whether it is sound
 * says (*ret_report)->errors. @options may be NULL. Errors: NOT_FOUND, CANCELLED, IO of @dir
 * itself. */
gboolean verify_export(const char *dir, const struct verify_options *options,
		       struct verify_report **ret_report, GError **error);
/* The one point in the folder @dir, which may have any name. */
gboolean verify_folder(const char *dir, const struct verify_options *options,
		       struct verify_report **ret_report, GError **error);
void verify_report_free(struct verify_report *report);
CAIRN_DEFINE_AUTO(verify_report, verify_report_free)

/* {"points","images","files","bytes","errors","warnings","qemu-img":bool,"findings":[{"severity":
 * "error"|"warning","path","what","offset":N|null,"length":N|null}]} */
json_t *verify_report_json(const struct verify_report *report);
