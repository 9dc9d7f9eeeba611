/* Machines and groups of another host. */
#include "cli/remote_private.h"

#include "base/error.h"

#include <string.h>

/* What views of groups and machines are made from; each an array of instances. */
struct inventory {
	json_t *groups, *links, *vms, *points;
};

static void
inventory_clear(struct inventory *inventory)
{
	json_decref(inventory->groups);
	json_decref(inventory->links);
	json_decref(inventory->vms);
	json_decref(inventory->points);
}
#define inventory_auto __attribute__((cleanup(inventory_clear))) struct inventory

static gboolean
inventory_load(struct remote *remote, struct inventory *inventory, GError **error)
{
	return (inventory->groups = remote_enumerate(remote, CLASS_GROUP, error)) &&
	       (inventory->links = remote_enumerate(remote, CLASS_GROUP_VM, error)) &&
	       (inventory->vms = remote_list_vms(remote, error)) &&
	       (inventory->points = remote_enumerate(remote, CLASS_POINT, error));
}

/* CIM_EnabledLogicalElement.EnabledState */
static const char *
state_name(const json_t *vm)
{
	switch (property_uint(vm, "EnabledState")) {
	case 2:
		return "running";
	case 3:
		return "shutoff";
	case 6: /* Enabled but Offline: saved */
	case 9: /* Quiesce */
		return "paused";
	default:
		return "unknown";
	}
}

static gboolean
links(const json_t *link, const char *group, const char *vm)
{
	const char *of = property_key(link, "Collection", "CollectionID");
	const char *member = property_key(link, "Member", "Name");
	return of && member && (!group || g_ascii_strcasecmp(of, group) == 0) &&
	       (!vm || g_ascii_strcasecmp(member, vm) == 0);
}

/* ---- groups ---- */

static json_t *
view_members(const struct inventory *inventory, const char *group)
{
	json_t *members = json_array();
	size_t i;
	json_t *link;
	json_array_foreach (inventory->links, i, link) {
		if (!links(link, group, NULL))
			continue;
		const char *id = property_key(link, "Member", "Name");
		const json_t *vm = find_by(inventory->vms, "Name", id);
		json_t *item = json_object();
		cairn_json_set_string(item, "id", id);
		cairn_json_set_string(item, "name", property_text(vm, "ElementName"));
		cairn_json_set_string(item, "state", vm ? state_name(vm) : "unknown");
		json_array_append_new(members, item);
	}
	return members;
}

static json_t *
view_group(const struct inventory *inventory, const json_t *group)
{
	const char *id = property_text(group, "CollectionID");
	const json_t *latest = NULL;
	json_t *json = json_object();
	guint64 count = 0;
	size_t i;
	json_t *point;
	json_array_foreach (inventory->points, i, point) {
		const char *of = property_text(point, "VirtualSystemCollectionId");
		if (!of || !id || g_ascii_strcasecmp(of, id) != 0)
			continue;
		count++;
		if (!latest || point_number(point) >= point_number(latest))
			latest = point;
	}
	cairn_json_set_string(json, "id", id);
	cairn_json_set_string(json, "name", property_text(group, "ElementName"));
	cairn_json_set(json, "members", view_members(inventory, id));
	cairn_json_set(json, "created", json_null());
	cairn_json_set_uint(json, "points", count);
	cairn_json_set_string(json, "latest", property_text(latest, "ElementName"));
	cairn_json_set(json, "held", json_null());
	return json;
}

json_t *
remote_group_list(struct remote *remote, const json_t *arguments, GError **error)
{
	inventory_auto inventory = {0};
	size_t i;
	json_t *group;
	if (!inventory_load(remote, &inventory, error))
		return NULL;
	json_t *list = json_array();
	json_array_foreach (inventory.groups, i, group)
		json_array_append_new(list, view_group(&inventory, group));
	return list;
}

/* As it is now, by its GUID. */
static json_t *
show_group(struct remote *remote, const char *id, GError **error)
{
	inventory_auto inventory = {0};
	if (!inventory_load(remote, &inventory, error))
		return NULL;
	const json_t *group = find_by(inventory.groups, "CollectionID", id);
	if (group)
		return view_group(&inventory, group);
	cairn_fail(error, CAIRN_ERROR_NOT_FOUND, "there is no group \"%s\"", id);
	return NULL;
}

static json_t *
find_group(struct remote *remote, const json_t *arguments, GError **error)
{
	return remote_find_group(remote, property_text(arguments, "group"), error);
}

json_t *
remote_group_show(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) group = find_group(remote, arguments, error);
	return group ? show_group(remote, property_text(group, "CollectionID"), error) : NULL;
}

/* A method of the service on one group, and on one machine unless @vm is NULL; both references. */
static gboolean
call_service(struct remote *remote, const char *method, const json_t *group, const json_t *vm,
	     const char *new_name, GError **error)
{
	const json_t *service = remote_service(remote, CLASS_GROUP_SERVICE, error);
	if (!service)
		return FALSE;
	g_autoptr(GString) parameters = g_string_new(NULL);
	if (vm)
		remote_parameter_object(parameters, "Member", vm);
	remote_parameter_object(parameters, "Collection", group);
	if (new_name)
		remote_parameter_text(parameters, "NewName", new_name);
	g_autoptr(json_t) output = remote_invoke(remote, service, method, parameters, error);
	return output != NULL;
}

/* @arguments: "vm" by name or UUID. */
static json_t *
change_member(struct remote *remote, const char *method, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) group = find_group(remote, arguments, error);
	g_autoptr(json_t) vm =
		group ? remote_find_vm(remote, property_text(arguments, "vm"), error) : NULL;
	if (!vm ||
	    !call_service(remote, method, reference_of(group), reference_of(vm), NULL, error))
		return NULL;
	return show_group(remote, property_text(group, "CollectionID"), error);
}

json_t *
remote_group_add(struct remote *remote, const json_t *arguments, GError **error)
{
	return change_member(remote, "AddMember", arguments, error);
}

json_t *
remote_group_remove(struct remote *remote, const json_t *arguments, GError **error)
{
	return change_member(remote, "RemoveMember", arguments, error);
}

json_t *
remote_group_rename(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) group = find_group(remote, arguments, error);
	if (!group || !call_service(remote, "RenameCollection", reference_of(group), NULL,
				    property_text(arguments, "name"), error))
		return NULL;
	return show_group(remote, property_text(group, "CollectionID"), error);
}

/* References to the machines, all found before anything is made. */
static json_t *
find_members(struct remote *remote, const json_t *names, GError **error)
{
	g_autoptr(json_t) members = json_array();
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		g_autoptr(json_t) vm = remote_find_vm(remote, name, error);
		if (!vm)
			return NULL;
		json_array_append(members, (json_t *)reference_of(vm));
	}
	return g_steal_pointer(&members);
}

/* A reference to the new group. */
static json_t *
define_group(struct remote *remote, const json_t *arguments, GError **error)
{
	const json_t *service = remote_service(remote, CLASS_GROUP_SERVICE, error);
	g_autoptr(GString) parameters = g_string_new(NULL);
	if (!service)
		return NULL;
	remote_parameter_text(parameters, "Name", property_text(arguments, "name"));
	if (property_text(arguments, "id"))
		remote_parameter_text(parameters, "Id", property_text(arguments, "id"));
	remote_parameter_text(parameters, "Type", "0"); /* of machines */
	g_autoptr(json_t) output =
		remote_invoke(remote, service, "DefineCollection", parameters, error);
	if (!output)
		return NULL;
	if (!property_key(output, "DefinedCollection", "CollectionID")) {
		cairn_fail(error, CAIRN_ERROR_IO, "DefineCollection does not name the new group");
		return NULL;
	}
	return json_incref(json_object_get(output, "DefinedCollection"));
}

/* All or nothing, as with cairnd. */
json_t *
remote_group_create(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) members =
		find_members(remote, json_object_get(arguments, "members"), error);
	g_autoptr(json_t) group = members ? define_group(remote, arguments, error) : NULL;
	if (!group)
		return NULL;
	for (size_t i = 0; i < json_array_size(members); i++) {
		if (call_service(remote, "AddMember", group, json_array_get(members, i), NULL,
				 error))
			continue;
		call_service(remote, "DestroyCollection", group, NULL, NULL, NULL);
		return NULL;
	}
	return show_group(remote, property_text(json_object_get(group, "keys"), "CollectionID"),
			  error);
}

static gboolean
destroy_points(struct remote *remote, const json_t *group, GError **error)
{
	g_autoptr(json_t) points = remote_enumerate(remote, CLASS_POINT, error);
	const char *id = property_text(group, "CollectionID");
	size_t i;
	json_t *point;
	if (!points)
		return FALSE;
	json_array_foreach (points, i, point) {
		const char *of = property_text(point, "VirtualSystemCollectionId");
		if (of && id && g_ascii_strcasecmp(of, id) == 0 &&
		    !remote_destroy_point(remote, point, error))
			return FALSE;
	}
	return TRUE;
}

json_t *
remote_group_delete(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) group = find_group(remote, arguments, error);
	if (!group)
		return NULL;
	const char *id = property_text(group, "CollectionID");
	if (json_is_true(json_object_get(arguments, "force")) && id &&
	    (!remote_delete_schedules(remote, id, error) || !destroy_points(remote, group, error)))
		return NULL;
	return call_service(remote, "DestroyCollection", reference_of(group), NULL, NULL, error)
		       ? json_object()
		       : NULL;
}

/* ---- machines ---- */

/* "Cairn:GUID\TARGET", "Microsoft:GUID\...": a disk's InstanceID names its machine. */
static gboolean
is_disk_of(const json_t *disk, const char *vm)
{
	const char *id = property_text(disk, "InstanceID");
	const char *colon = id ? strchr(id, ':') : NULL;
	const gsize len = strlen(vm);
	return colon && g_ascii_strncasecmp(colon + 1, vm, len) == 0 && colon[1 + len] == '\\';
}

static json_t *
view_disk(const json_t *disk)
{
	g_autoptr(json_t) resources = property_list(disk, "HostResource");
	json_t *json = json_object();
	cairn_json_set_string(json, "target", property_text(disk, "ElementName"));
	cairn_json_set_string(json, "path", json_string_value(json_array_get(resources, 0)));
	cairn_json_set(json, "format", json_null());
	cairn_json_set_uint(json, "size",
			    property_uint(disk, "VirtualQuantity") *
				    property_uint(disk, "VirtualResourceBlockSize"));
	cairn_json_set(json, "trackable", json_null());
	cairn_json_set(json, "reason", json_null());
	return json;
}

static json_t *
view_vm(const struct inventory *inventory, const json_t *all_disks, const json_t *vm)
{
	const char *id = property_text(vm, "Name");
	json_t *json = json_object(), *groups = json_array(), *disks = json_array();
	size_t i;
	json_t *item;
	json_array_foreach (inventory->links, i, item) {
		const json_t *group =
			links(item, NULL, id)
				? find_by(inventory->groups, "CollectionID",
					  property_key(item, "Collection", "CollectionID"))
				: NULL;
		if (property_text(group, "ElementName"))
			json_array_append(groups, json_object_get(group, "ElementName"));
	}
	json_array_foreach ((json_t *)all_disks, i, item)
		if (is_disk_of(item, id))
			json_array_append_new(disks, view_disk(item));
	cairn_json_set_string(json, "id", id);
	cairn_json_set_string(json, "name", property_text(vm, "ElementName"));
	cairn_json_set(json, "uri", json_null());
	cairn_json_set_string(json, "state", state_name(vm));
	cairn_json_set(json, "agent", json_null());
	cairn_json_set(json, "busy", json_null());
	cairn_json_set(json, "groups", groups);
	cairn_json_set(json, "disks", disks);
	return json;
}

json_t *
remote_vm_list(struct remote *remote, const json_t *arguments, GError **error)
{
	inventory_auto inventory = {0};
	size_t i;
	json_t *vm;
	if (!inventory_load(remote, &inventory, error))
		return NULL;
	g_autoptr(json_t) disks = remote_enumerate(remote, CLASS_DISK, error);
	json_t *list = disks ? json_array() : NULL;
	json_array_foreach (inventory.vms, i, vm)
		json_array_append_new(list, view_vm(&inventory, disks, vm));
	return list;
}
