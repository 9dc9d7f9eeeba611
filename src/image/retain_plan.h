/* What retention would do in the folder of one group: which exports stay, which go, which take over
 * what they need. It reads manifests only; retain.h does it. */
#pragma once

#include "base/auto.h"
#include "core/retention.h"
#include "image/export_list.h"

#include <glib.h>
#include <jansson.h>

struct retain_entry {
	const struct export_entry *export;
	enum retention_action action;
	const struct export_entry *base; /* MERGE: what it is based on afterwards; NULL: it becomes
					  * a full export */
	guint absorbs;			 /* MERGE: exports whose contents it takes over */
	const struct export_entry *into; /* DELETE: the one that takes over its contents; NULL */
	char *reason;			 /* why it stays or is left alone; NULL: nobody keeps it */
	guint64 removed; /* bytes of the files that go: its own, or those it replaces */
	guint64 written; /* MERGE: bytes to be written, at most */
};

struct retain_plan {
	char *dir;			   /* of the group, absolute */
	char *group_id, *group_name;	   /* name NULL: unknown */
	GPtrArray *list;		   /* struct export_entry; owns what the entries point to */
	GPtrArray *entries;		   /* struct retain_entry, by number */
	guint kept, merged, deleted, left; /* merged ones are kept too */
	guint64 removed, written;
};

/* @dir is one group's folder; @zone that of days, weeks and months. NOT_FOUND, INVALID when it is
 * not a group's folder. */
struct retain_plan *retain_plan_new(const char *dir, const struct retention *retention,
				    GTimeZone *zone, GError **error);
void retain_plan_free(struct retain_plan *plan);
CAIRN_DEFINE_AUTO(retain_plan, retain_plan_free)

/* {"group":{"id","name"},"kept","merged","deleted","left","bytes-removed","bytes-written","exports":
 * [{"point":{"id","number","created"},"action":"keep"|"merge"|"delete"|"leave","reason":text|null,"partial":bool,
 * "base","into":{"id","number","created"}|null,"absorbs":N,"bytes":N,"bytes-removed":N,
 * "bytes-written":N}]}: "base" is what a merged one is based on afterwards. */
json_t *retain_plan_json(const struct retain_plan *plan);
