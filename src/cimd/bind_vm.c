/* The host, machines, and their settings down to the disks. */
#include "cimd/model_private.h"

#include "base/timefmt.h"

#include <string.h>

/* Msvm_StorageAllocationSettingData counts in blocks of this size. */
#define BLOCK_SIZE 512

/* ---- systems ---- */

/* libvirt's states as CIM_EnabledLogicalElement.EnabledState has them. */
static struct cim_value
enabled_state(const struct bind_source *source, const struct cim_member *member,
	      const char *argument)
{
	static const struct {
		const char *state;
		guint16 number;
	} states[] = {
		{"running", 2}, {"shutoff", 3}, {"paused", 9}, /* Quiesce */
	};
	const char *state = json_string_value(json_object_get(source->json, "state"));
	for (guint i = 0; i < G_N_ELEMENTS(states); i++)
		if (g_strcmp0(state, states[i].state) == 0)
			return cim_uint(CIM_UINT16, states[i].number);
	return cim_uint(CIM_UINT16, 0); /* Unknown */
}

/* Of the newest export of a point that the machine is in. */
static struct cim_value
last_backup(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	const GPtrArray *points = mirror_points(source->model->mirror);
	gint64 last = 0;
	for (guint i = 0; i < points->len; i++) {
		const struct mirror_point *point = points->pdata[i];
		for (guint j = 0; point->exported > last && j < point->members->len; j++) {
			const struct mirror_member *part = point->members->pdata[j];
			if (strcmp(part->vm, source->object->vm->id) == 0)
				last = point->exported;
		}
	}
	g_autofree char *text = last ? cairn_time_cim(last) : NULL;
	return text ? cim_datetime(text) : cim_null(CIM_DATETIME, FALSE);
}

static const struct bind_property system_rows[] = {
	{"CreationClassName", bind_class_name, NULL},
	{"ReplicationState", bind_constant, "0"},
	{"ReplicationHealth", bind_constant, "0"},
	{"ReplicationMode", bind_constant, "0"},
	{"FailedOverReplicationType", bind_constant, "0"},
	{"LastReplicationType", bind_constant, "0"},
	{"EnhancedSessionModeState", bind_constant, "3"},
	{0},
};

/* Clients tell machines from the host by Caption. */
static const struct bind_property vm_rows[] = {
	{"Name", bind_json, "id"},
	{"ElementName", bind_json, "name"},
	{"Caption", bind_constant, "Virtual Machine"},
	{"Description", bind_constant, "A virtual machine known to libvirt"},
	{"EnabledState", enabled_state, NULL},
	{"LastSuccessfulBackupTime", last_backup, NULL},
	{0},
};

static const struct bind_property host_rows[] = {
	{"Name", bind_host, NULL},
	{"ElementName", bind_host, NULL},
	{"Caption", bind_constant, "Hosting Computer System"},
	{"Description", bind_constant, "The host on which cairn runs"},
	{"LastSuccessfulBackupTime", bind_unset, "cairn exports machines, not the host"},
	{0},
};

/* vm_rows before bind_enabled, as both have EnabledState. */
const struct bind_class bind_system = {
	"Msvm_ComputerSystem",
	{vm_rows, system_rows, bind_well, bind_enabled},
};
const struct bind_class bind_host_system = {
	"Msvm_ComputerSystem",
	{host_rows, system_rows, bind_well, bind_enabled},
};

static void
list_host(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	struct object object = {.type = OBJECT_HOST};
	g_array_append_val(ret, object);
}

static struct cim_instance *
host_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	return bind_build(&bind_host_system, &(struct bind_source){.model = model});
}

const struct object_driver host_driver = {
	.classes = {"Msvm_ComputerSystem"},
	.list = list_host,
	.instance = host_instance,
};

/* ---- machines ---- */

static void
list_of_type(const struct model *model, enum object_type type, GArray *ret)
{
	const GPtrArray *vms = mirror_vms(model->mirror);
	for (guint i = 0; i < vms->len; i++) {
		struct object object = {.type = type, .vm = vms->pdata[i]};
		g_array_append_val(ret, object);
	}
}

static void
list_vms(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	list_of_type(model, OBJECT_VM, ret);
}

static gboolean
find_vm(const struct model *model, const struct cim_path *path, struct object *ret)
{
	const struct mirror_vm *vm = mirror_vm(model->mirror, object_key(path, "Name"));
	*ret = (struct object){.type = OBJECT_VM, .vm = vm};
	return vm != NULL;
}

/* Made when asked for: the list of machines is read again every second, and few look at it. */
static struct cim_instance *
lazily(struct cim_instance **cache, const struct bind_class *bind, const struct bind_source *source)
{
	if (!*cache)
		*cache = bind_build(bind, source);
	return *cache ? cim_instance_ref(*cache) : NULL;
}

static struct cim_instance *
vm_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	struct mirror_vm *vm = (struct mirror_vm *)object->vm;
	return lazily(&vm->system, &bind_system,
		      &(struct bind_source){.model = model, .object = object, .json = vm->json});
}

const struct object_driver vm_driver = {
	.classes = {"Msvm_ComputerSystem"},
	.needs_vms = TRUE,
	.list = list_vms,
	.key = "Name",
	.find = find_vm,
	.instance = vm_instance,
};

/* ---- their settings ---- */

static struct cim_value
settings_id(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	return cim_string_take(g_strdup_printf("Cairn:%s", source->object->vm->id));
}

static struct cim_value
all_trackable(const struct bind_source *source, const struct cim_member *member,
	      const char *argument)
{
	const json_t *disks = json_object_get(source->json, "disks");
	gboolean all = json_array_size(disks) > 0;
	for (size_t i = 0; i < json_array_size(disks); i++)
		all &= json_is_true(json_object_get(json_array_get(disks, i), "trackable"));
	return cim_boolean(all);
}

static const struct bind_property settings_rows[] = {
	{"InstanceID", settings_id, NULL},
	{"ElementName", bind_json, "name"},
	{"Caption", bind_constant, "Virtual Machine Settings"},
	{"Description", bind_constant, "The settings in force of a virtual machine"},
	{"VirtualSystemIdentifier", bind_json, "id"},
	{"VirtualSystemType", bind_constant, "Microsoft:Hyper-V:System:Realized"},
	{"ConfigurationID", bind_json, "id"},
	{"BIOSGUID", bind_json, "id"},
	{"IncrementalBackupEnabled", all_trackable, NULL},
	{0},
};

const struct bind_class bind_settings = {"Msvm_VirtualSystemSettingData", {settings_rows}};

static void
list_settings(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	list_of_type(model, OBJECT_SETTINGS, ret);
}

/* The machine of an InstanceID that begins with Cairn:GUID; *@ret_rest is what follows. */
static const struct mirror_vm *
vm_of_id(const struct model *model, const char *id, const char **ret_rest)
{
	if (!id || g_ascii_strncasecmp(id, "Cairn:", 6) != 0)
		return NULL;
	g_autofree char *guid = g_strndup(id + 6, strcspn(id + 6, "\\"));
	*ret_rest = id + 6 + strlen(guid);
	return mirror_vm(model->mirror, guid);
}

static gboolean
find_settings(const struct model *model, const struct cim_path *path, struct object *ret)
{
	const char *rest = "";
	const struct mirror_vm *vm = vm_of_id(model, object_key(path, "InstanceID"), &rest);
	*ret = (struct object){.type = OBJECT_SETTINGS, .vm = vm};
	return vm && !*rest;
}

static struct cim_instance *
settings_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	struct mirror_vm *vm = (struct mirror_vm *)object->vm;
	return lazily(&vm->settings, &bind_settings,
		      &(struct bind_source){.model = model, .object = object, .json = vm->json});
}

const struct object_driver settings_driver = {
	.classes = {"Msvm_VirtualSystemSettingData"},
	.needs_vms = TRUE,
	.list = list_settings,
	.key = "InstanceID",
	.find = find_settings,
	.instance = settings_instance,
};

/* ---- drives and disks ---- */

static struct cim_value
disk_id(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	return cim_string_take(g_strdup_printf("Cairn:%s\\%s%s", source->object->vm->id,
					       source->object->disk->target, argument));
}

static struct cim_value
host_resource(const struct bind_source *source, const struct cim_member *member,
	      const char *argument)
{
	const char *path = json_string_value(json_object_get(source->part, "path"));
	struct cim_value paths = cim_array(CIM_STRING, path ? 1 : 0);
	if (path)
		paths.u.items[0] = cim_string(path);
	return paths;
}

static struct cim_value
blocks(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	json_int_t size = json_integer_value(json_object_get(source->part, "size"));
	return cim_uint(CIM_UINT64, size > 0 ? (guint64)size / BLOCK_SIZE : 0);
}

/* The path of the drive that the disk is in; both classes live in one namespace only. */
static struct cim_value
parent(const struct bind_source *source, const struct cim_member *member, const char *argument)
{
	struct object drive = *source->object;
	drive.type = OBJECT_DRIVE;
	cairn_auto(cim_path) path = object_path(source->model, CIM_NS_VIRTUALIZATION, &drive);
	return path ? cim_string_take(cim_path_print(path)) : cim_null(CIM_STRING, FALSE);
}

static const struct bind_property drive_rows[] = {
	{"InstanceID", disk_id, "\\D"},
	{"ElementName", bind_part, "target"},
	{"Caption", bind_constant, "Disk drive"},
	{"Description", bind_constant, "The drive that a disk image is in"},
	{"ResourceType", bind_constant, "17"},
	{"ResourceSubType", bind_constant, "Microsoft:Hyper-V:Synthetic Disk Drive"},
	{"ConsumerVisibility", bind_constant, "3"},
	{"Address", bind_part, "target"},
	{"VirtualQuantityUnits", bind_constant, "count"},
	{0},
};

static const struct bind_property disk_rows[] = {
	{"InstanceID", disk_id, ""},
	{"ElementName", bind_part, "target"},
	{"Caption", bind_constant, "Disk"},
	{"Description", bind_constant, "The disk image of a virtual machine"},
	{"ResourceType", bind_constant, "31"},
	{"ResourceSubType", bind_constant, "Microsoft:Hyper-V:Virtual Hard Disk"},
	{"ConsumerVisibility", bind_constant, "3"},
	{"HostResource", host_resource, NULL},
	{"Parent", parent, NULL},
	{"Address", bind_part, "target"},
	{"VirtualQuantity", blocks, NULL},
	{"VirtualQuantityUnits", bind_constant, "count(fixed size block)"},
	{"VirtualResourceBlockSize", bind_constant, G_STRINGIFY(BLOCK_SIZE)},
	{"Access", bind_constant, "3"},
	{"SnapshotId", bind_constant, ""},
	{0},
};

const struct bind_class bind_drive = {"Msvm_ResourceAllocationSettingData", {drive_rows}};
const struct bind_class bind_disk = {"Msvm_StorageAllocationSettingData", {disk_rows}};

static void
list_parts(const struct model *model, enum object_type type, GArray *ret)
{
	const GPtrArray *vms = mirror_vms(model->mirror);
	for (guint i = 0; i < vms->len; i++) {
		const struct mirror_vm *vm = vms->pdata[i];
		for (guint j = 0; j < vm->disks->len; j++) {
			struct object object = {
				.type = type, .vm = vm, .disk = vm->disks->pdata[j]};
			g_array_append_val(ret, object);
		}
	}
}

static void
list_drives(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	list_parts(model, OBJECT_DRIVE, ret);
}

static void
list_disks(const struct model *model, enum cim_namespace_id ns, GArray *ret)
{
	list_parts(model, OBJECT_DISK, ret);
}

static gboolean
find_part(const struct model *model, const struct cim_path *path, enum object_type type,
	  const char *end, struct object *ret)
{
	const char *rest = "";
	const struct mirror_vm *vm = vm_of_id(model, object_key(path, "InstanceID"), &rest);
	for (guint i = 0; vm && i < vm->disks->len; i++) {
		const struct mirror_disk *disk = vm->disks->pdata[i];
		g_autofree char *wanted = g_strconcat("\\", disk->target, end, NULL);
		if (g_ascii_strcasecmp(rest, wanted) != 0)
			continue;
		*ret = (struct object){.type = type, .vm = vm, .disk = disk};
		return TRUE;
	}
	return FALSE;
}

static gboolean
find_drive(const struct model *model, const struct cim_path *path, struct object *ret)
{
	return find_part(model, path, OBJECT_DRIVE, "\\D", ret);
}

static gboolean
find_disk(const struct model *model, const struct cim_path *path, struct object *ret)
{
	return find_part(model, path, OBJECT_DISK, "", ret);
}

static const json_t *
disk_json(const struct object *object)
{
	const json_t *disks = json_object_get(object->vm->json, "disks");
	for (size_t i = 0; i < json_array_size(disks); i++) {
		const json_t *disk = json_array_get(disks, i);
		if (g_strcmp0(json_string_value(json_object_get(disk, "target")),
			      object->disk->target) == 0)
			return disk;
	}
	return NULL;
}

static struct cim_instance *
part_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	struct mirror_disk *disk = (struct mirror_disk *)object->disk;
	gboolean drive = object->type == OBJECT_DRIVE;
	return lazily(drive ? &disk->drive : &disk->disk, drive ? &bind_drive : &bind_disk,
		      &(struct bind_source){.model = model,
					    .object = object,
					    .json = object->vm->json,
					    .part = disk_json(object)});
}

const struct object_driver drive_driver = {
	.classes = {"Msvm_ResourceAllocationSettingData"},
	.needs_vms = TRUE,
	.list = list_drives,
	.key = "InstanceID",
	.find = find_drive,
	.instance = part_instance,
};
const struct object_driver disk_driver = {
	.classes = {"Msvm_StorageAllocationSettingData"},
	.needs_vms = TRUE,
	.list = list_disks,
	.key = "InstanceID",
	.find = find_disk,
	.instance = part_instance,
};
