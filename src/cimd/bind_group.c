/* Groups of machines. */
#include "cimd/model_private.h"

static const struct bind_property group_rows[] = {
	{"CollectionID", bind_json, "id"},
	{"ElementName", bind_json, "name"},
	{"Caption", bind_constant, "Group of virtual machines"},
	{"Description", bind_constant,
	 "Virtual machines whose reference points are taken at one instant"},
	{"ReplicationState", bind_constant, "0"},
	{"ReplicationMode", bind_constant, "0"},
	{"FailedOverReplicationType", bind_constant, "0"},
	{0},
};

const struct bind_class bind_group = {"Msvm_VirtualSystemCollection", {group_rows}};

struct cim_instance *
bind_group_instance(const struct model *model, const json_t *group)
{
	return bind_build(&bind_group, &(struct bind_source){.model = model, .json = group});
}

static void
list_groups(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	const GPtrArray *groups = mirror_groups(model->mirror);
	for (guint i = 0; i < groups->len; i++) {
		struct object object = {.type = OBJECT_GROUP, .group = groups->pdata[i]};
		g_array_append_val(ret, object);
	}
}

static gboolean
find_group(const struct model *model, const struct cim_path *path, struct object *ret)
{
	const struct mirror_group *group =
		mirror_group(model->mirror, object_key(path, "CollectionID"));
	*ret = (struct object){.type = OBJECT_GROUP, .group = group};
	return group != NULL;
}

static struct cim_instance *
group_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	struct cim_instance *instance = object->group->instance;
	return instance ? cim_instance_ref(instance) : NULL;
}

const struct object_driver group_driver = {
	.classes = {"Msvm_VirtualSystemCollection"},
	.list = list_groups,
	.key = "CollectionID",
	.find = find_group,
	.instance = group_instance,
};
