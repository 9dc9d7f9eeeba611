/* What lies in an export folder: every group's points, also the incomplete and the broken ones. It
 * reads manifests only; whether the images are sound is verify.h's question. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

#define EXPORT_LIST_MAX 100000 /* points that are looked at; more is LIMIT */

enum export_level { EXPORT_ROOT, EXPORT_GROUP, EXPORT_POINT };

struct export_entry {
	char *group_id;	  /* upper-case GUID: the folder's name when the manifest cannot be read */
	char *group_name; /* NULL when unknown */
	char *point_id;
	guint64 number;
	gint64 created;	   /* of the point, microseconds since 1970; 0 when unknown */
	char *consistency; /* "application", "crash"; NULL when unknown */
	char *base_id;	   /* NULL: a full one */
	char *path;	   /* of the point's folder: the folder that was asked for, then the rest */
	guint64 bytes;	   /* of the files that the manifest names */
	gboolean partial;  /* ".POINT.partial": an export that runs now or was cut off */
	GError *error;	   /* why it cannot be used; NULL: it can */
};

void export_entry_free(struct export_entry *entry);

/* All points below @dir, which is an export folder, one group's folder or one point's folder.
 * Sorted by group id, then number, then time; entries that cannot be used come with their error.
 * Symbolic links and names that are not GUIDs are passed over. The array frees its entries.
 * NOT_FOUND when
 * @dir does not exist; an empty array when nothing is there. @ret_level may be NULL. */
GPtrArray *export_list(const char *dir, enum export_level *ret_level, GError **error);

/* The newest usable entry of @group (GUID) in @list, with the highest number, or NULL: the base of
 * the next incremental export. */
const struct export_entry *export_list_newest(const GPtrArray *list, const char *group);

/* The usable entry that @point names: a point's GUID, its number ("3"), "GROUP@3" or "latest";
 * @group (a group's name or GUID, or NULL) narrows it. NOT_FOUND, INVALID when several groups fit.
 */
const struct export_entry *export_list_find(const GPtrArray *list, const char *group,
					    const char *point, GError **error);

/* [{"group":{"id","name"},"point":{"id","number","created","consistency"},"base":GUID|null,"path","bytes",
 * "partial":bool,"error":text|null}] */
json_t *export_list_json(const GPtrArray *list);
