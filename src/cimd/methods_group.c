/* Msvm_CollectionManagementService: groups of machines. cairnd does each at once, so no method here
 * starts a job. */
#include "cimd/methods.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"

#include <string.h>

/* DefineCollection.Type */
enum { TYPE_MACHINES = 0, TYPE_COLLECTIONS = 1 };

static void
answer_group(struct run *run, const json_t *value, const GError *error)
{
	struct object object = {.type = OBJECT_GROUP};
	if (error) {
		method_refuse(run, error);
		return;
	}
	mirror_apply_group(run->model->mirror, value);
	object.group =
		mirror_group(run->model->mirror, json_string_value(json_object_get(value, "id")));
	if (object.group && strcmp(run->op->method, "DefineCollection") == 0)
		method_add_object(run, "DefinedCollection", &object);
	run_return(run, METHOD_OK);
}

/* Hyper-V gives a default name too; ours must differ, because a person types it. */
static char *
default_name(const char *id)
{
	return g_strdup_printf("group-%.8s", id);
}

/* A GUID with or without braces, in upper case; a new one for NULL; NULL when it is none. */
static char *
group_id(const char *text)
{
	if (!text || !*text)
		return cairn_guid_new();
	g_autofree char *bare = g_strdup(text);
	g_strstrip(bare);
	gsize len = strlen(bare);
	if (len == GUID_LEN + 2 && bare[0] == '{' && bare[len - 1] == '}') {
		bare[len - 1] = '\0';
		return cairn_guid_normalize(bare + 1);
	}
	return cairn_guid_normalize(bare);
}

static void
define_collection(struct run *run, const struct object *object)
{
	const char *name = method_string(run, "Name");
	g_autofree char *id = group_id(method_string(run, "Id"));
	guint64 type;
	json_t *arguments;
	if (!id || !method_uint(run, "Type", &type) || type > TYPE_COLLECTIONS) {
		run_return(run, METHOD_INVALID_PARAMETER);
		return;
	}
	if (type == TYPE_COLLECTIONS) {
		run_return(run, METHOD_NOT_SUPPORTED);
		return;
	}
	g_autofree char *made = name && *name ? g_strdup(name) : default_name(id);
	arguments = method_arguments("name", made);
	cairn_json_set_string(arguments, "id", id);
	run_request(run, "group-create", arguments, answer_group);
}

static void
answer_destroyed(struct run *run, const json_t *value, const GError *error)
{
	if (!error)
		mirror_remove_group(run->model->mirror, run->state);
	method_answer_done(run, value, error);
}

static void
destroy_collection(struct run *run, const struct object *object)
{
	struct object group;
	if (!method_object(run, "Collection", OBJECT_GROUP, &group))
		return;
	run->state = g_strdup(group.group->id);
	run->free_state = g_free;
	run_request(run, "group-delete", method_arguments("group", group.group->id),
		    answer_destroyed);
}

static void
rename_collection(struct run *run, const struct object *object)
{
	const char *name = method_string(run, "NewName");
	struct object group;
	json_t *arguments;
	if (!method_object(run, "Collection", OBJECT_GROUP, &group))
		return;
	if (!name || !*name) {
		run_return(run, METHOD_INVALID_PARAMETER);
		return;
	}
	arguments = method_arguments("group", group.group->id);
	cairn_json_set_string(arguments, "name", name);
	run_request(run, "group-rename", arguments, answer_group);
}

static void
change_member(struct run *run, const char *request, const char *group, const char *vm)
{
	json_t *arguments = method_arguments("group", group);
	cairn_json_set_string(arguments, "vm", vm);
	run_request(run, request, arguments, answer_group);
}

static void
change_member_of(struct run *run, const char *request)
{
	struct object group, vm;
	if (method_object(run, "Member", OBJECT_VM, &vm) &&
	    method_object(run, "Collection", OBJECT_GROUP, &group))
		change_member(run, request, group.group->id, vm.vm->id);
}

static void
add_member(struct run *run, const struct object *object)
{
	change_member_of(run, "group-add");
}

static void
remove_member(struct run *run, const struct object *object)
{
	change_member_of(run, "group-remove");
}

/* "Succeeds even if the group is gone": nothing is left to do then. */
static void
remove_member_by_id(struct run *run, const struct object *object)
{
	const char *text = method_string(run, "CollectionId");
	g_autofree char *id = text && *text ? group_id(text) : NULL;
	struct object vm;
	if (!method_object(run, "Member", OBJECT_VM, &vm))
		return;
	if (!id)
		run_return(run, METHOD_INVALID_PARAMETER);
	else if (!mirror_group(run->model->mirror, id))
		run_return(run, METHOD_OK);
	else
		change_member(run, "group-remove", id, vm.vm->id);
}

#define SERVICE "Msvm_CollectionManagementService"

const struct method_binding methods_group[] = {
	{SERVICE, "DefineCollection", define_collection},
	{SERVICE, "DestroyCollection", destroy_collection},
	{SERVICE, "RenameCollection", rename_collection},
	{SERVICE, "AddMember", add_member},
	{SERVICE, "RemoveMember", remove_member},
	{SERVICE, "RemoveMemberById", remove_member_by_id},
	{NULL, NULL, NULL},
};
