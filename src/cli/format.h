/* Sizes, spans and times for people, and the reverse with limits.  All strings returned are freed
 * with g_free(). */
#pragma once

#include <glib.h>

#define RATE_MAX     ((guint64)1 << 50) /* bytes a second */
#define PRIORITY_MAX 1000000
#define SPAN_MAX     ((guint64)366 * 86400) /* seconds */

/* Bytes with three digits: "0 B", "1.5 KiB", "256 MiB". */
char *format_size(guint64 bytes);
/* Bytes a second: "120 MiB/s"; "" when not positive. */
char *format_rate(double rate);
/* A measured span: "870 us", "43.1 ms", "3.2 s", "1:05 min", "2:03:04 h", "3 d 4 h". */
char *format_span(gint64 usec);
/* Seconds of a count-down: "0:32", "1:02:03"; "--:--" over 99 hours. */
char *format_countdown(guint64 seconds);
/* ISO 8601 text as local time, "2026-11-21 11:20:30"; @iso itself when it is something else, "-"
 * when it is NULL. */
char *format_time(const char *iso);

/* "50M", "1.5G", "4096", "10MiB": bytes, suffixes are powers of 1024. INVALID names @text; LIMIT
 * when over @max. */
gboolean parse_size(const char *text, guint64 max, guint64 *ret_bytes, GError **error);
/* "90", "90s", "15m", "2h", "3d": seconds. */
gboolean parse_span(const char *text, guint64 max, guint64 *ret_seconds, GError **error);
/* A whole number of decimal digits. */
gboolean parse_count(const char *text, guint64 max, guint64 *ret_count, GError **error);
