/* Handlers of machines and groups. */
#include "cairnd/handlers.h"

#include "cairnd/hosts.h"

#include "base/error.h"
#include "base/json.h"
#include "base/timefmt.h"

/* ---- what depends on the hosts is asked of them first ---- */

struct waiting {
	struct daemon *daemon;
	struct control_call *call;
	void (*then)(struct daemon *daemon, struct control_call *call);
};

static void
refreshed(struct world *world, void *user)
{
	struct waiting *waiting = user;
	waiting->then(waiting->daemon, waiting->call);
	g_free(waiting);
}

static void
after_refresh(struct daemon *daemon, struct control_call *call,
	      void (*then)(struct daemon *, struct control_call *))
{
	struct waiting *waiting = g_new0(struct waiting, 1);
	*waiting = (struct waiting){daemon, call, then};
	hosts_look(daemon->world->hosts, refreshed, waiting);
}

/* ---- machines ---- */

static json_t *
describe_hv_disk(const struct hv_disk *disk)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "target", disk->target);
	cairn_json_set_string(json, "path", disk->path);
	cairn_json_set_string(json, "format", disk->format);
	cairn_json_set_uint(json, "size", disk->size);
	cairn_json_set_bool(json, "trackable", disk->trackable);
	cairn_json_set_string(json, "reason", disk->reason);
	return json;
}

json_t *
vm_view(const struct daemon *daemon, const struct vm_entry *entry)
{
	json_t *json = json_object(), *groups = json_array(), *disks = json_array();
	const GPtrArray *all = engine_groups(daemon->engine);
	for (guint i = 0; i < all->len; i++) {
		const struct group *group = all->pdata[i];
		if (group_find_member(group, entry->vm->uuid))
			json_array_append_new(groups, json_string(group->name));
	}
	for (guint i = 0; i < entry->vm->disks->len; i++)
		json_array_append_new(disks, describe_hv_disk(entry->vm->disks->pdata[i]));
	cairn_json_set_string(json, "id", entry->vm->uuid);
	cairn_json_set_string(json, "name", entry->vm->name);
	cairn_json_set_string(json, "uri", entry->uri);
	cairn_json_set_string(json, "state", hv_state_name(entry->vm->state));
	cairn_json_set_bool(json, "agent", entry->vm->agent);
	cairn_json_set_string(json, "busy", entry->vm->busy);
	cairn_json_set(json, "groups", groups);
	cairn_json_set(json, "disks", disks);
	return json;
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
	const struct vm_entry *const *x = a, *const *y = b;
	return strcmp((*x)->vm->name, (*y)->vm->name);
}

static void
vm_list(struct daemon *daemon, struct control_call *call)
{
	json_t *list = json_array();
	g_autoptr(GPtrArray) entries = hosts_list_vms(daemon->world->hosts);
	g_ptr_array_sort(entries, by_name);
	for (guint i = 0; i < entries->len; i++)
		json_array_append_new(list, vm_view(daemon, entries->pdata[i]));
	control_call_return(call, list);
}

void
handle_vm_list(struct daemon *daemon, struct control_call *call)
{
	after_refresh(daemon, call, vm_list);
}

/* ---- groups ---- */

json_t *
group_view(const struct daemon *daemon, const struct group *group)
{
	json_t *json = group_to_json(group);
	g_autoptr(GPtrArray) points = engine_points(daemon->engine, group->id, FALSE);
	const struct point *latest = points->len ? points->pdata[points->len - 1] : NULL;
	g_autofree char *created = cairn_time_iso(group->created);
	g_autofree char *name = latest ? engine_point_name(daemon->engine, latest) : NULL;
	gboolean held = FALSE;
	json_t *members = json_object_get(json, "members");
	for (guint i = 0; i < group->members->len; i++) {
		const struct group_member *member = group->members->pdata[i];
		const struct vm_entry *entry = hosts_vm(daemon->world->hosts, member->id);
		cairn_json_set_string(json_array_get(members, i), "state",
				      entry ? hv_state_name(entry->vm->state) : "unknown");
	}
	for (guint i = 0; i < points->len; i++)
		held |= ((struct point *)points->pdata[i])->held;
	json_object_del(json, "next-number");
	cairn_json_set_string(json, "created", created);
	cairn_json_set_uint(json, "points", points->len);
	cairn_json_set_string(json, "latest", name);
	cairn_json_set_bool(json, "held", held);
	return json;
}

static void
group_list(struct daemon *daemon, struct control_call *call)
{
	json_t *list = json_array();
	const GPtrArray *groups = engine_groups(daemon->engine);
	for (guint i = 0; i < groups->len; i++)
		json_array_append_new(list, group_view(daemon, groups->pdata[i]));
	control_call_return(call, list);
}

void
handle_group_list(struct daemon *daemon, struct control_call *call)
{
	after_refresh(daemon, call, group_list);
}

struct group *
arg_group(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct group *group = engine_group(daemon->engine, arg_string(call, "group"), &error);
	if (!group)
		call_fail(call, error);
	return group;
}

static void
group_show(struct daemon *daemon, struct control_call *call)
{
	struct group *group = arg_group(daemon, call);
	if (group)
		control_call_return(call, group_view(daemon, group));
}

void
handle_group_show(struct daemon *daemon, struct control_call *call)
{
	after_refresh(daemon, call, group_show);
}

static gboolean
add_members(struct daemon *daemon, struct group *group, char **names, GError **error)
{
	for (char **name = names; *name; name++) {
		const struct vm_entry *entry = hosts_find_vm(daemon->world->hosts, *name, error);
		if (!entry || !engine_group_add(daemon->engine, group, entry->vm->uuid,
						entry->vm->name, error))
			return FALSE;
	}
	return TRUE;
}

static void
group_create(struct daemon *daemon, struct control_call *call)
{
	g_auto(GStrv) members = NULL;
	GError *error = NULL;
	if (!cairn_json_get_strv_opt(call->arguments, "members", &members, &error)) {
		call_fail(call, error);
		return;
	}
	for (char **name = members; *name; name++)
		if (!hosts_find_vm(daemon->world->hosts, *name, &error)) {
			call_fail(call, error);
			return;
		}
	struct group *group = engine_group_create(daemon->engine, arg_string(call, "name"),
						  arg_string(call, "id"), &error);
	if (group && add_members(daemon, group, members, &error)) {
		control_call_return(call, group_view(daemon, group));
		return;
	}
	if (group) /* all or nothing */
		engine_group_delete(daemon->engine, group, TRUE, NULL);
	call_fail(call, error);
}

void
handle_group_create(struct daemon *daemon, struct control_call *call)
{
	after_refresh(daemon, call, group_create);
}

static void
group_add(struct daemon *daemon, struct control_call *call)
{
	struct group *group = arg_group(daemon, call);
	GError *error = NULL;
	if (!group)
		return;
	const struct vm_entry *entry =
		hosts_find_vm(daemon->world->hosts, arg_string(call, "vm"), &error);
	if (entry &&
	    engine_group_add(daemon->engine, group, entry->vm->uuid, entry->vm->name, &error))
		control_call_return(call, group_view(daemon, group));
	else
		call_fail(call, error);
}

void
handle_group_add(struct daemon *daemon, struct control_call *call)
{
	after_refresh(daemon, call, group_add);
}

/* By the name it has in the group too: the machine may be gone from its host. */
static const char *
member_id(const struct daemon *daemon, const struct group *group, const char *name)
{
	for (guint i = 0; i < group->members->len; i++) {
		const struct group_member *member = group->members->pdata[i];
		if (strcmp(member->name, name) == 0 || g_ascii_strcasecmp(member->id, name) == 0)
			return member->id;
	}
	const struct vm_entry *entry = hosts_find_vm(daemon->world->hosts, name, NULL);
	return entry ? entry->vm->uuid : name;
}

void
handle_group_remove(struct daemon *daemon, struct control_call *call)
{
	struct group *group = arg_group(daemon, call);
	GError *error = NULL;
	if (!group)
		return;
	g_autofree char *id = g_strdup(member_id(daemon, group, arg_string(call, "vm")));
	if (engine_group_remove(daemon->engine, group, id, &error))
		control_call_return(call, group_view(daemon, group));
	else
		call_fail(call, error);
}

void
handle_group_rename(struct daemon *daemon, struct control_call *call)
{
	struct group *group = arg_group(daemon, call);
	GError *error = NULL;
	if (!group)
		return;
	if (engine_group_rename(daemon->engine, group, arg_string(call, "name"), &error))
		control_call_return(call, group_view(daemon, group));
	else
		call_fail(call, error);
}

void
handle_group_delete(struct daemon *daemon, struct control_call *call)
{
	struct group *group = arg_group(daemon, call);
	GError *error = NULL;
	if (!group)
		return;
	if (engine_group_delete(daemon->engine, group, arg_bool(call, "force"), &error))
		control_call_return(call, json_object());
	else
		call_fail(call, error);
}
