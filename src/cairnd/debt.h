/* A debt: something of ours on one machine that must go and could not be, or need not be, removed
 * at once. Stored in the same transaction as the decision, paid as soon as possible, and tried
 * again until it is paid or the machine is gone. Thus nothing of ours is ever forgotten on a host.
 */
#pragma once

#include "base/auto.h"
#include "core/point.h"

#include <glib.h>
#include <jansson.h>

enum debt_flags {
	DEBT_THAW = 1 << 0,
	DEBT_RESUME = 1 << 1,
	DEBT_END = 1 << 2,     /* backup job, server, scratch files, socket */
	DEBT_UNSERVE = 1 << 3, /* server of a shut-off machine only */
	DEBT_FORGET = 1 << 4,  /* checkpoint and bitmaps */
	DEBT_PARTIAL = 1 << 5, /* a folder of an unfinished export: `path`; no machine */
};

struct debt {
	char *id;	/* GUID, of this debt */
	char *uri;	/* connection of the machine; NULL: any */
	char *vm;	/* UUID; NULL for DEBT_PARTIAL */
	char *point;	/* GUID of the point it comes from */
	char *path;	/* DEBT_PARTIAL */
	char **targets; /* disks that took part */
	guint flags;
	guint tries;	 /* not stored */
	gboolean paying; /* not stored */
};

struct debt *debt_new(const char *point, const char *vm, const char *uri, guint flags);
/* All of @member's targets. */
struct debt *debt_of_member(const struct point *point, const struct point_member *member,
			    guint flags);
struct debt *debt_copy(const struct debt *debt);
void debt_free(struct debt *debt);
CAIRN_DEFINE_AUTO(debt, debt_free)
json_t *debt_to_json(const struct debt *debt);
struct debt *debt_from_json(const json_t *json, GError **error);
