/* A group: a named set of virtual machines (Msvm_VirtualSystemCollection). Data and its JSON only.
 */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

#define GROUP_NAME_MAX	  64  /* bytes */
#define GROUP_MEMBERS_MAX 256 /* machines; all are paused at once, so a bound is a kindness */

struct group_member {
	char *id;   /* UUID of the machine, upper case */
	char *name; /* as last seen, for people */
};

struct group {
	char *id; /* GUID */
	char *name;
	gint64 created;	     /* microseconds since 1970 */
	guint64 next_number; /* the number the next point gets; never used twice */
	GPtrArray *members;  /* struct group_member */
	guint64 version;     /* of the store object; not in the JSON */
};

struct group *group_new(const char *id, const char *name);
void group_free(struct group *group);
CAIRN_DEFINE_AUTO(group, group_free)

/* 1..64 of letters, digits, '.', '_', '-', not beginning with '.' or '-', and not a GUID. */
gboolean group_name_check(const char *name, GError **error);
struct group_member *group_find_member(const struct group *group, const char *vm_id);
/* EXISTS, LIMIT. */
gboolean group_add_member(struct group *group, const char *vm_id, const char *vm_name,
			  GError **error);
/* NOT_FOUND. */
gboolean group_remove_member(struct group *group, const char *vm_id, GError **error);

json_t *group_to_json(const struct group *group);
struct group *group_from_json(const json_t *json, GError **error);
/* A full copy, but for the version. */
struct group *group_copy(const struct group *group);
