/* The services: one object each, hosted by the host; their methods are in methods_*.c. */
#include "cimd/model_private.h"

static const struct bind_property service_rows[] = {
	{"Name", bind_class_name, NULL},
	{"SystemCreationClassName", bind_constant, "Msvm_ComputerSystem"},
	{"SystemName", bind_host, NULL},
	{"CreationClassName", bind_class_name, NULL},
	{"StartMode", bind_constant, "Automatic"},
	{"Started", bind_constant, "TRUE"},
	{0},
};

static const struct bind_property group_rows[] = {
	{"Caption", bind_constant, "Group management"},
	{"ElementName", bind_constant, "Group management"},
	{"Description", bind_constant, "Makes, renames and removes groups of virtual machines"},
	{0},
};

static const struct bind_property point_rows[] = {
	{"Caption", bind_constant, "Reference points of groups"},
	{"ElementName", bind_constant, "Reference points of groups"},
	{"Description", bind_constant, "Takes, exports and removes reference points of groups"},
	{0},
};

static const struct bind_property member_rows[] = {
	{"Caption", bind_constant, "Reference points of machines"},
	{"ElementName", bind_constant, "Reference points of machines"},
	{"Description", bind_constant, "Reference points of single virtual machines"},
	{0},
};

static const struct bind_property group_snapshot_rows[] = {
	{"Caption", bind_constant, "Snapshots of groups"},
	{"ElementName", bind_constant, "Snapshots of groups"},
	{"Description", bind_constant, "Snapshots of groups, as the way to reference points"},
	{0},
};

static const struct bind_property snapshot_rows[] = {
	{"Caption", bind_constant, "Snapshots of machines"},
	{"ElementName", bind_constant, "Snapshots of machines"},
	{"Description", bind_constant, "Snapshots of single virtual machines"},
	{0},
};

#define SERVICE(variable, class_name, rows)             \
	const struct bind_class variable = {class_name, \
					    {rows, service_rows, bind_well, bind_enabled}}
SERVICE(bind_group_service, "Msvm_CollectionManagementService", group_rows);
SERVICE(bind_point_service, "Msvm_CollectionReferencePointService", point_rows);
SERVICE(bind_member_service, "Msvm_VirtualSystemReferencePointService", member_rows);
SERVICE(bind_group_snapshot_service, "Msvm_CollectionSnapshotService", group_snapshot_rows);
SERVICE(bind_snapshot_service, "Msvm_VirtualSystemSnapshotService", snapshot_rows);

/* Order: enum service_id. */
static const struct bind_class *const services[] = {
	&bind_group_service,	      &bind_point_service,    &bind_member_service,
	&bind_group_snapshot_service, &bind_snapshot_service,
};

static void
list_services(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	for (guint i = 0; i < G_N_ELEMENTS(services); i++) {
		struct object object = {.type = OBJECT_SERVICE, .which = i};
		g_array_append_val(ret, object);
	}
}

static struct cim_instance *
service_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	return bind_build(services[object->which], &(struct bind_source){.model = model});
}

const struct object_driver service_driver = {
	.classes =
		{
			"Msvm_CollectionManagementService",
			"Msvm_CollectionReferencePointService",
			"Msvm_VirtualSystemReferencePointService",
			"Msvm_CollectionSnapshotService",
			"Msvm_VirtualSystemSnapshotService",
		},
	.list = list_services,
	.instance = service_instance,
};
