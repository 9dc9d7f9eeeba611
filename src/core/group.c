/* Groups. */
#include "core/group.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"

static void
member_free(struct group_member *member)
{
	g_free(member->id);
	g_free(member->name);
	g_free(member);
}

struct group *
group_new(const char *id, const char *name)
{
	struct group *group = g_new0(struct group, 1);
	group->id = g_strdup(id);
	group->name = g_strdup(name);
	group->next_number = 1;
	group->members = g_ptr_array_new_with_free_func((GDestroyNotify)member_free);
	return group;
}

void
group_free(struct group *group)
{
	if (!group)
		return;
	g_free(group->id);
	g_free(group->name);
	g_ptr_array_unref(group->members);
	g_free(group);
}

gboolean
group_name_check(const char *name, GError **error)
{
	gsize len = strlen(name);
	gboolean ok = len > 0 && len <= GROUP_NAME_MAX && name[0] != '.' && name[0] != '-';
	for (const char *c = name; ok && *c; c++)
		ok = g_ascii_isalnum(*c) || strchr("._-", *c) != NULL;
	if (ok && !cairn_guid_valid(name))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "\"%s\" is no name for a group: use 1 to %d letters, digits, '.', '_' and '-', "
		    "beginning with a letter or digit",
		    name, GROUP_NAME_MAX);
	return FALSE;
}

struct group_member *
group_find_member(const struct group *group, const char *vm_id)
{
	for (guint i = 0; i < group->members->len; i++) {
		struct group_member *member = group->members->pdata[i];
		if (g_strcmp0(member->id, vm_id) == 0)
			return member;
	}
	return NULL;
}

gboolean
group_add_member(struct group *group, const char *vm_id, const char *vm_name, GError **error)
{
	if (group_find_member(group, vm_id)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_EXISTS,
			    "machine \"%s\" is in group \"%s\" already", vm_name, group->name);
		return FALSE;
	}
	if (group->members->len >= GROUP_MEMBERS_MAX) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "group \"%s\" has %d members, which is the limit", group->name,
			    GROUP_MEMBERS_MAX);
		return FALSE;
	}
	struct group_member *member = g_new0(struct group_member, 1);
	member->id = g_strdup(vm_id);
	member->name = g_strdup(vm_name);
	g_ptr_array_add(group->members, member);
	return TRUE;
}

gboolean
group_remove_member(struct group *group, const char *vm_id, GError **error)
{
	struct group_member *member = group_find_member(group, vm_id);
	if (member)
		return g_ptr_array_remove(group->members, member);
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND, "no machine \"%s\" in group \"%s\"",
		    vm_id, group->name);
	return FALSE;
}

json_t *
group_to_json(const struct group *group)
{
	json_t *json = json_object(), *members = json_array();
	cairn_json_set_string(json, "id", group->id);
	cairn_json_set_string(json, "name", group->name);
	cairn_json_set_uint(json, "created", (guint64)group->created);
	cairn_json_set_uint(json, "next-number", group->next_number);
	for (guint i = 0; i < group->members->len; i++) {
		const struct group_member *member = group->members->pdata[i];
		json_t *item = json_object();
		cairn_json_set_string(item, "id", member->id);
		cairn_json_set_string(item, "name", member->name);
		json_array_append_new(members, item);
	}
	cairn_json_set(json, "members", members);
	return json;
}

static gboolean
members_from_json(struct group *group, const json_t *members, GError **error)
{
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *item = json_array_get(members, i);
		const char *id, *name;
		if (!cairn_json_get_string(item, "id", &id, error) ||
		    !cairn_json_get_string(item, "name", &name, error) ||
		    !group_add_member(group, id, name, error))
			return FALSE;
	}
	return TRUE;
}

struct group *
group_from_json(const json_t *json, GError **error)
{
	const char *id, *name;
	guint64 created, next;
	const json_t *members;
	if (!cairn_json_get_string(json, "id", &id, error) ||
	    !cairn_json_get_string(json, "name", &name, error) ||
	    !cairn_json_get_uint(json, "created", JSON_MAX_UINT, &created, error) ||
	    !cairn_json_get_uint(json, "next-number", JSON_MAX_UINT, &next, error) ||
	    !cairn_json_get_array_opt(json, "members", &members, error))
		return NULL;
	cairn_auto(group) group = group_new(id, name);
	group->created = (gint64)created;
	group->next_number = next;
	if (!members_from_json(group, members, error))
		return NULL;
	return g_steal_pointer(&group);
}

struct group *
group_copy(const struct group *group)
{
	g_autoptr(json_t) json = group_to_json(group);
	struct group *copy = group_from_json(json, NULL);
	g_assert(copy);
	return copy;
}
