/* Msvm_CollectionReferencePointService: points are created and exported as jobs, destroyed and
 * released at once. The services for single machines and for snapshots are there to be found, and
 * say that they do nothing. */
#include "cimd/methods.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"

#include <string.h>

/* ReferencePointType of the collection service: cairn has the second kind, as change tracking is
 * QEMU's dirty bitmap. */
enum { TYPE_LOG = 1, TYPE_RCT = 2 };

/* ConsistencyLevel of the settings; reversed in the collection (hyperv-semantics section 2). */
enum { SETTINGS_APPLICATION = 1, SETTINGS_CRASH = 2 };

#define MACHINES_MAX 1024 /* elements of VirtualMachinesToDisksToExport */
#define DISKS_MAX    4096 /* of all machines of one export */

/* ---- CreateReferencePoint ---- */

/* NULL with METHOD_OK: as well as can be had, which is the daemon's default. */
static const char *
consistency_of(const struct cim_instance *settings, guint *ret_code)
{
	const struct cim_value *level =
		settings ? cim_instance_get(settings, "ConsistencyLevel") : NULL;
	if (!level || !level->is_set || level->u.uint == 0)
		return NULL;
	if (level->u.uint == SETTINGS_APPLICATION)
		return "application";
	if (level->u.uint == SETTINGS_CRASH)
		return "crash";
	*ret_code = METHOD_INVALID_PARAMETER;
	return NULL;
}

static guint
check_type(guint64 type)
{
	if (type == TYPE_RCT)
		return METHOD_OK;
	return type == TYPE_LOG ? METHOD_NOT_SUPPORTED : METHOD_INVALID_PARAMETER;
}

static void
create_point(struct run *run, const struct object *object)
{
	struct object group;
	guint64 type = 0;
	guint code;
	if (!method_object(run, "Collection", OBJECT_GROUP, &group) ||
	    !method_expect_null(run, "ResultingReferencePointCollection"))
		return;
	cairn_auto(cim_instance) settings =
		method_settings(run, cim_op_argument(run->op, "ReferencePointSettings"),
				"Msvm_CollectionReferencePointSettingData", &code);
	method_uint(run, "ReferencePointType", &type);
	const char *consistency = consistency_of(settings, &code);
	if (code == METHOD_OK)
		code = check_type(type);
	if (code != METHOD_OK) {
		run_return(run, code);
		return;
	}
	json_t *arguments = method_arguments("group", group.group->id);
	if (consistency)
		cairn_json_set_string(arguments, "consistency", consistency);
	run_request(run, "point-create", arguments, method_answer_job);
}

/* ---- DestroyReferencePoint, RemoveAssociatedData ---- */

static void
answer_destroyed(struct run *run, const json_t *value, const GError *error)
{
	if (!error)
		mirror_remove_point(run->model->mirror, run->state);
	method_answer_done(run, value, error);
}

static void
destroy_point(struct run *run, const struct object *object)
{
	struct object point;
	if (!method_object(run, "AffectedReferencePointCollection", OBJECT_POINT, &point))
		return;
	run->state = g_strdup(point.point->id);
	run->free_state = g_free;
	run_request(run, "point-delete", method_arguments("point", point.point->id),
		    answer_destroyed);
}

/* Released already is what was asked for. */
static void
answer_released(struct run *run, const json_t *value, const GError *error)
{
	if (error && g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_STATE)) {
		run_return(run, METHOD_OK);
		return;
	}
	if (!error)
		mirror_apply_point(run->model->mirror, value);
	method_answer_done(run, value, error);
}

/* What cairn holds of a point beyond its record is the view of its disks: that is let go; the point
 * stays as a base, as a point of Hyper-V's does. */
static void
remove_data(struct run *run, const struct object *object)
{
	struct object point;
	if (!method_object(run, "AffectedReferencePointCollection", OBJECT_POINT, &point))
		return;
	if (point.point->held)
		run_request(run, "point-release", method_arguments("point", point.point->id),
			    answer_released);
	else
		run_return(run, METHOD_OK);
}

/* ---- ExportReferencePoint ---- */

/* An extension: the newest that was exported to the folder, which no GUID can name. */
static gboolean
is_auto_base(const struct cim_path *path)
{
	const char *id = cim_path_string(path, "CollectionID");
	return path->class_name && id &&
	       g_ascii_strcasecmp(path->class_name, "Msvm_ReferencePointCollection") == 0 &&
	       strcmp(id, "Cairn:auto") == 0;
}

/* The base's GUID or "auto", NULL for a full export; FALSE with a code when the text names no
 * point. */
static gboolean
base_of(const struct run *run, const struct cim_instance *settings, char **ret_id, guint *ret_code)
{
	const char *text =
		settings ? cim_instance_string(settings, "BaseReferencePointCollection") : NULL;
	struct object object;
	*ret_id = NULL;
	if (!text || !*text)
		return TRUE;
	cairn_auto(cim_path) path = cim_path_parse(text, NULL);
	if (path && is_auto_base(path)) {
		*ret_id = g_strdup("auto");
		return TRUE;
	}
	if (path && object_find(run->model, run->ns, path, &object, NULL) &&
	    object.type == OBJECT_POINT) {
		*ret_id = g_strdup(object.point->id);
		return TRUE;
	}
	*ret_code = METHOD_INVALID_PARAMETER;
	return FALSE;
}

/* Of one Msvm_VirtualMachineToDisks: "VM:TARGET" for each disk, "VM" when it names none. */
static gboolean
add_machine(json_t *disks, const struct cim_instance *machine)
{
	const char *vm = cim_instance_string(machine, "VirtualMachineId");
	const struct cim_value *ids = cim_instance_get(machine, "DisksToExport");
	if (!vm || !cairn_guid_valid(vm))
		return FALSE;
	g_autofree char *upper = cairn_guid_normalize(vm);
	if (!ids || !ids->is_set || ids->count == 0) {
		json_array_append_new(disks, json_string(upper));
		return TRUE;
	}
	for (guint i = 0; i < ids->count; i++) {
		const struct cim_value *id = &ids->u.items[i];
		g_autofree char *disk = id->is_set ? object_disk_argument(id->u.string) : NULL;
		/* a disk of another machine than the one it stands under is a mistake */
		if (!disk || g_ascii_strncasecmp(disk, upper, GUID_LEN) != 0 ||
		    json_array_size(disks) >= DISKS_MAX)
			return FALSE;
		json_array_append_new(disks, json_string(disk));
	}
	return TRUE;
}

/* NULL with METHOD_OK: all disks of all machines. */
static json_t *
disks_of(const struct run *run, const struct cim_instance *settings, guint *ret_code)
{
	const struct cim_value *machines =
		settings ? cim_instance_get(settings, "VirtualMachinesToDisksToExport") : NULL;
	g_autoptr(json_t) disks = json_array();
	if (!machines || !machines->is_set || machines->count == 0)
		return NULL;
	*ret_code = machines->count > MACHINES_MAX ? METHOD_INVALID_PARAMETER : METHOD_OK;
	for (guint i = 0; *ret_code == METHOD_OK && i < machines->count; i++) {
		cairn_auto(cim_instance) machine = method_settings(
			run, &machines->u.items[i], "Msvm_VirtualMachineToDisks", ret_code);
		if (*ret_code == METHOD_OK && (!machine || !add_machine(disks, machine)))
			*ret_code = METHOD_INVALID_PARAMETER;
	}
	return *ret_code == METHOD_OK ? g_steal_pointer(&disks) : NULL;
}

/* The arguments of "export", or NULL with the code that refuses them. */
static json_t *
export_arguments(const struct run *run, const struct object *point, guint *ret_code)
{
	const char *directory = method_string(run, "ExportDirectory");
	g_autofree char *base = NULL;
	cairn_auto(cim_instance) settings =
		method_settings(run, cim_op_argument(run->op, "ExportSettingData"),
				"Msvm_CollectionReferencePointExportSettingData", ret_code);
	if (*ret_code != METHOD_OK || !base_of(run, settings, &base, ret_code))
		return NULL;
	json_t *disks = disks_of(run, settings, ret_code);
	if (*ret_code != METHOD_OK)
		return NULL;
	json_t *arguments = method_arguments("point", point->point->id);
	cairn_json_set_string(arguments, "directory", directory);
	if (base)
		cairn_json_set_string(arguments, "base", base);
	if (disks)
		cairn_json_set(arguments, "disks", disks);
	return arguments;
}

static void
export_point(struct run *run, const struct object *object)
{
	const char *directory = method_string(run, "ExportDirectory");
	struct object point;
	guint code = METHOD_INVALID_PARAMETER;
	if (!method_object(run, "ReferencePointCollection", OBJECT_POINT, &point))
		return;
	json_t *arguments = directory && *directory ? export_arguments(run, &point, &code) : NULL;
	if (arguments)
		run_request(run, "export", arguments, method_answer_job);
	else
		run_return(run, code);
}

#define COLLECTION "Msvm_CollectionReferencePointService"
#define MACHINE	   "Msvm_VirtualSystemReferencePointService"
#define SNAPSHOT   "Msvm_CollectionSnapshotService"

const struct method_binding methods_point[] = {
	{COLLECTION, "CreateReferencePoint", create_point},
	{COLLECTION, "DestroyReferencePoint", destroy_point},
	{COLLECTION, "RemoveAssociatedData", remove_data},
	{COLLECTION, "ExportReferencePoint", export_point},
	/* cairn's points are of groups: one machine is a group of one */
	{MACHINE, "CreateReferencePoint", method_not_supported},
	{MACHINE, "ExportReferencePoint", method_not_supported},
	{MACHINE, "DestroyReferencePoint", method_not_supported},
	{MACHINE, "RemoveAssociatedData", method_not_supported},
	{MACHINE, "ImportReferencePointMetadata", method_not_supported},
	/* a point is taken without a snapshot before it */
	{SNAPSHOT, "CreateSnapshot", method_not_supported},
	{SNAPSHOT, "DestroySnapshot", method_not_supported},
	{SNAPSHOT, "ExportSnapshot", method_not_supported},
	{SNAPSHOT, "ConvertToReferencePoint", method_not_supported},
	{SNAPSHOT, "ApplySnapshot", method_not_supported},
	{NULL, NULL, NULL},
};
