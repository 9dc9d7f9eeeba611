/* The unfinished folder of an export: what an earlier try has finished in it, and what must go
 * before it gets its final name. */
#pragma once

#include "core/job.h"

#include <glib.h>
#include <jansson.h>

/* Where cairn-export writes the result of @image (a file of the folder): beside it, so that it is
 * there as long as the image is. */
char *staging_result(const char *image);

/* The result of an @image that is finished already, because the export was terminated later or the
 * daemon died, if it is what @disk of @job wants with this @backing (or NULL). Else NULL, and
 * neither image nor result is there any more. The caller owns it. */
json_t *staging_finished(const char *image, const struct job *job, const struct job_disk *disk,
			 const char *backing);

/* Removes all but the images of @job's disks: results, parts of other formats, disks not wanted any
 * more. The small files are written after it. */
gboolean staging_tidy(const char *staging, const struct job *job, GError **error);
