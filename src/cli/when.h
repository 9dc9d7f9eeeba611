/* Points in time as people type them. */
#pragma once

#include <glib.h>

/* "2026-11-28", "2026-11-28 02:00", "02:00:30" (today), "today", "yesterday", "tomorrow", all in
 * local time; ISO 8601 with a zone; or "3d": so long before @now, after it when @later. @now and
 * the result are microseconds since 1970. INVALID. */
gboolean parse_when(const char *text, gint64 now, gboolean later, gint64 *ret_usec, GError **error);
