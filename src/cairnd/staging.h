/* The unfinished folder of an export: what an earlier try has finished in it, and what must go
 * before it gets its final name. */
#pragma once

#include "core/job.h"

#include <glib.h>
#include <jansson.h>

/* Where cairn-export writes the result of @image (a file of the folder): beside it, so that it is
 * there as long as the image is. */
char *staging_result(const char *image);

/* What it says; any thread, for it may be large. */
json_t *staging_read_result(const char *image, GError **error);

/* Whether @image is finished already, because the export was terminated later or the daemon died,
 * and is what @disk of @job wants with this @backing (or NULL). Else neither image nor result is
 * there any more. */
gboolean staging_finished(const char *image, const struct job *job, const struct job_disk *disk,
			  const char *backing);

/* Removes all but the images of @job's disks and their results: parts of other formats, disks not
 * wanted any more. The small files are written after it. */
gboolean staging_tidy(const char *staging, const struct job *job, GError **error);

/* When the manifest, which is made from the results, stands. */
gboolean staging_drop_results(const char *staging, const struct job *job, GError **error);
