/* Does what a retention plan says: merges exports into the ones that need them, removes the others.
 * Whenever it ends, also by a kill or a power cut, every export that is kept can be restored, and
 * the next run goes on: see the drawing in retain.c. It needs neither the daemon nor its store. */
#pragma once

#include "image/retain_plan.h"

#include <gio/gio.h>

struct retain_progress {
	guint64 done, total; /* bytes to be read for merging and verifying; 0: nothing is merged */
};

/* Called from the calling thread about four times a second and at the end. */
typedef void (*retain_progress_fn)(const struct retain_progress *progress, void *data);

struct retain_options {
	GCancellable *cancel;	     /* NULL: cannot be cancelled */
	const guint64 *rate;	     /* bytes of images read per second for merging, 0: no limit;
				      * read with __atomic_load_n(), it may change; NULL: none */
	retain_progress_fn progress; /* NULL: not told */
	void *progress_data;
	/* For tests: called before each thing that is done; FALSE with an error: as if it had
	 * failed. NULL: none. */
	gboolean (*step)(const char *what, void *data, GError **error);
	void *step_data;
	gboolean no_exchange; /* for tests: as on a file system that cannot exchange two names */
};

/* What was done, as far as it got. */
struct retain_result {
	guint merged, deleted;
	guint64 removed, written; /* bytes of files */
};

/* @plan must have been made just before. BUSY when another retention works in the folder; IO when
 * an export turns out to be damaged, LIMIT when there is no space, CANCELLED: what was begun is
 * removed again, what was finished stays. *@ret_result is set in any case. */
gboolean retain_run(const struct retain_plan *plan, const struct retain_options *options,
		    struct retain_result *ret_result, GError **error);

/* Finishes or removes what a run that was killed left in the group's folder @dir; also the first
 * thing that retain_run() does, but the plan must be made after it. BUSY. */
gboolean retain_recover(const char *dir, GError **error);

/* The plan's JSON with what was really done as "merged", "deleted", "bytes-removed",
 * "bytes-written". */
json_t *retain_result_json(const struct retain_plan *plan, const struct retain_result *result);
