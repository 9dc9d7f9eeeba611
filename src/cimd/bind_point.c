/* Reference points of groups, and each machine's part of one. The numbers of ConsistencyLevel are
 * the other way round in the two classes. */
#include "cimd/model_private.h"

#include <string.h>

/* @argument: the numbers for crash and application consistency. */
static struct cim_value
consistency(const json_t *json, const char *argument)
{
	const char *word = json_string_value(json_object_get(json, "consistency"));
	guint64 level = 0; /* Unknown */
	if (g_strcmp0(word, "crash") == 0)
		level = (guint64)(argument[0] - '0');
	else if (g_strcmp0(word, "application") == 0)
		level = (guint64)(argument[1] - '0');
	return cim_uint(CIM_UINT16, level);
}

static struct cim_value
point_consistency(const struct bind_source *source, const struct cim_member *member,
		  const char *argument)
{
	return consistency(source->json, argument);
}

static struct cim_value
member_consistency(const struct bind_source *source, const struct cim_member *member,
		   const char *argument)
{
	return consistency(source->part, argument);
}

/* Without the point's name, which changes with its group's. */
static struct cim_value
point_description(const struct bind_source *source, const struct cim_member *member,
		  const char *argument)
{
	const char *created = json_string_value(json_object_get(source->json, "created"));
	return cim_string_take(
		g_strdup_printf("Taken at %s", created ? created : "an unknown time"));
}

static const struct bind_property point_rows[] = {
	{"CollectionID", bind_json, "id"},
	{"VirtualSystemCollectionId", bind_json, "group"},
	{"ElementName", bind_json, "name"},
	{"Caption", bind_constant, "Reference point of a group"},
	{"Description", point_description, NULL},
	{"ReferencePointType", bind_constant, "2"},
	{"ConsistencyLevel", point_consistency, "12"},
	{"HasAssociatedLog", bind_constant, "FALSE"},
	{0},
};

const struct bind_class bind_point = {"Msvm_ReferencePointCollection", {point_rows}};

struct cim_instance *
bind_point_instance(const struct model *model, const json_t *point)
{
	return bind_build(&bind_point, &(struct bind_source){.model = model, .json = point});
}

/* ---- a machine's part ---- */

static struct cim_value
member_id(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	const char *vm = json_string_value(json_object_get(source->part, "id"));
	const char *point = json_string_value(json_object_get(source->json, "id"));
	return cim_string_take(g_strdup_printf("Cairn:%s\\%s", vm, point));
}

/* The form that clients know: a GUID with colons and a generation. It names this point and this
 * disk, is always the same, and means nothing else. */
static char *
tracking_id(const char *point, const char *disk)
{
	g_autofree char *name = g_strdup_printf("%s\\%s", point, disk);
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
	return g_strdup_printf("rctX:%.8s:%.4s:%.4s:%.4s:%.12s:00000001", sum, sum + 8, sum + 12,
			       sum + 16, sum + 20);
}

/* One for each disk, at the same index; @argument: whether of change tracking. Disks that cannot
 * be tracked are there too: clients ask for the export of what stands here. */
static struct cim_value
disk_ids(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	const json_t *disks = json_object_get(source->part, "disks");
	const char *point = json_string_value(json_object_get(source->json, "id"));
	struct cim_value ids = cim_array(CIM_STRING, (guint)json_array_size(disks));
	for (guint i = 0; i < ids.count; i++) {
		const char *id = json_string_value(json_object_get(json_array_get(disks, i), "id"));
		if (id && argument)
			ids.u.items[i] = cim_string_take(tracking_id(point, id));
		else if (id)
			ids.u.items[i] = cim_string(id);
	}
	return ids;
}

static const struct bind_property member_rows[] = {
	{"InstanceID", member_id, NULL},
	{"VirtualSystemIdentifier", bind_part, "id"},
	{"ElementName", bind_part, "name"},
	{"Caption", bind_constant, "Reference point of a virtual machine"},
	{"Description", point_description, NULL},
	{"ReferencePointType", bind_constant, "2"},
	{"ConsistencyLevel", member_consistency, "21"},
	{"HasAssociatedData", bind_constant, "FALSE"},
	{"VirtualDiskIdentifiers", disk_ids, NULL},
	{"ResilientChangeTrackingIdentifiers", disk_ids, "rct"},
	{0},
};

const struct bind_class bind_member = {"Msvm_VirtualSystemReferencePoint", {member_rows}};

struct cim_instance *
bind_member_instance(const struct model *model, const json_t *point, const json_t *member)
{
	return bind_build(&bind_member,
			  &(struct bind_source){.model = model, .json = point, .part = member});
}

/* ---- objects ---- */

static void
list_points(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	const GPtrArray *points = mirror_points(model->mirror);
	for (guint i = 0; i < points->len; i++) {
		struct object object = {.type = OBJECT_POINT, .point = points->pdata[i]};
		g_array_append_val(ret, object);
	}
}

static gboolean
find_point(const struct model *model, const struct cim_path *path, struct object *ret)
{
	const struct mirror_point *point =
		mirror_point(model->mirror, object_key(path, "CollectionID"));
	*ret = (struct object){.type = OBJECT_POINT, .point = point};
	return point != NULL;
}

static struct cim_instance *
point_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	struct cim_instance *instance = object->point->instance;
	return instance ? cim_instance_ref(instance) : NULL;
}

const struct object_driver point_driver = {
	.classes = {"Msvm_ReferencePointCollection"},
	.list = list_points,
	.key = "CollectionID",
	.find = find_point,
	.instance = point_instance,
};

static void
list_members(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	const GPtrArray *points = mirror_points(model->mirror);
	for (guint i = 0; i < points->len; i++) {
		const struct mirror_point *point = points->pdata[i];
		for (guint j = 0; j < point->members->len; j++) {
			struct object object = {
				.type = OBJECT_MEMBER,
				.point = point,
				.member = point->members->pdata[j],
			};
			g_array_append_val(ret, object);
		}
	}
}

/* "Cairn:VM\POINT" */
static gboolean
find_member(const struct model *model, const struct cim_path *path, struct object *ret)
{
	const char *id = object_key(path, "InstanceID");
	const char *slash =
		id && g_ascii_strncasecmp(id, "Cairn:", 6) == 0 ? strchr(id, '\\') : NULL;
	const struct mirror_point *point = slash ? mirror_point(model->mirror, slash + 1) : NULL;
	g_autofree char *vm = point ? g_strndup(id + 6, (gsize)(slash - id - 6)) : NULL;
	for (guint i = 0; point && i < point->members->len; i++) {
		const struct mirror_member *member = point->members->pdata[i];
		if (g_ascii_strcasecmp(member->vm, vm) != 0)
			continue;
		*ret = (struct object){.type = OBJECT_MEMBER, .point = point, .member = member};
		return TRUE;
	}
	return FALSE;
}

static struct cim_instance *
member_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	struct cim_instance *instance = object->member->instance;
	return instance ? cim_instance_ref(instance) : NULL;
}

const struct object_driver member_driver = {
	.classes = {"Msvm_VirtualSystemReferencePoint"},
	.list = list_members,
	.key = "InstanceID",
	.find = find_member,
	.instance = member_instance,
};
