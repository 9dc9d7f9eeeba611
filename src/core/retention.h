/* Which exports of a folder are kept. Decisions only; what is done about it is in
 * image/retain.h. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

#define RETENTION_KEEP_MAX 100000 /* of each kind */

/* An export is kept when any of these says so; all zero: everything is kept. */
struct retention {
	guint64 last;			/* the newest N */
	guint64 daily, weekly, monthly; /* the newest of each of the newest N days (ISO weeks,
					 * months) that have one; local time */
};

gboolean retention_is_set(const struct retention *retention);
json_t *retention_to_json(const struct retention *retention);
/* @json NULL: all zero. INVALID. */
gboolean retention_from_json(const json_t *json, struct retention *ret, GError **error);
