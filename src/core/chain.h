/* Chains of points: which changes lie between two points of a group, and whose bitmaps are
 * still needed. Pure; works on the points of one group, oldest first. */
#pragma once

#include "core/point.h"

#include <glib.h>

/* The points whose stored changes together are what changed on one disk between @base and @point:
 * all after @base up to and with @point. NULL and *@ret_reason (free with g_free()) when the
 * changes are not known, so that the disk must be copied in full. Elements are borrowed. */
GPtrArray *chain_changes(const GPtrArray *points, const struct point *point,
			 const struct point *base, const char *vm, const char *target,
			 char **ret_reason);

/* The newest point of the group, hidden or not; NULL. Only its bitmaps must live in QEMU. */
struct point *chain_newest(const GPtrArray *points);
