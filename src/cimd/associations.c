/* The associations as a table: for each class its two roles, the types of objects at its ends, and
 * how to come from one end to the other. What a client may ask about them is in
 * associations_ask.c. */
#include "cimd/model_private.h"

#include <string.h>

static void
add(GArray *ret, struct object object)
{
	g_array_append_val(ret, object);
}

static void
add_all(const struct model *model, enum object_type type, GArray *ret)
{
	object_driver(type)->list(model, CIM_NS_VIRTUALIZATION, ret);
}

/* ---- groups and machines ---- */

static void
group_vms(const struct model *model, const struct object *object, GArray *ret)
{
	for (char **id = object->group->members; *id; id++) {
		const struct mirror_vm *vm = mirror_vm(model->mirror, *id);
		if (vm)
			add(ret, (struct object){.type = OBJECT_VM, .vm = vm});
	}
}

static void
vm_groups(const struct model *model, const struct object *object, GArray *ret)
{
	const GPtrArray *groups = mirror_groups(model->mirror);
	for (guint i = 0; i < groups->len; i++) {
		const struct mirror_group *group = groups->pdata[i];
		if (g_strv_contains((const char *const *)group->members, object->vm->id))
			add(ret, (struct object){.type = OBJECT_GROUP, .group = group});
	}
}

/* ---- points ---- */

static void
point_members(const struct model *model, const struct object *object, GArray *ret)
{
	for (guint i = 0; i < object->point->members->len; i++)
		add(ret, (struct object){.type = OBJECT_MEMBER,
					 .point = object->point,
					 .member = object->point->members->pdata[i]});
}

static void
member_point(const struct model *model, const struct object *object, GArray *ret)
{
	add(ret, (struct object){.type = OBJECT_POINT, .point = object->point});
}

static void
group_points(const struct model *model, const struct object *object, GArray *ret)
{
	const GPtrArray *points = mirror_points(model->mirror);
	for (guint i = 0; i < points->len; i++) {
		const struct mirror_point *point = points->pdata[i];
		if (strcmp(point->group, object->group->id) == 0)
			add(ret, (struct object){.type = OBJECT_POINT, .point = point});
	}
}

static void
point_group(const struct model *model, const struct object *object, GArray *ret)
{
	const struct mirror_group *group = mirror_group(model->mirror, object->point->group);
	if (group)
		add(ret, (struct object){.type = OBJECT_GROUP, .group = group});
}

static void
vm_members(const struct model *model, const struct object *object, GArray *ret)
{
	const GPtrArray *points = mirror_points(model->mirror);
	for (guint i = 0; i < points->len; i++) {
		const struct mirror_point *point = points->pdata[i];
		for (guint j = 0; j < point->members->len; j++) {
			const struct mirror_member *member = point->members->pdata[j];
			if (strcmp(member->vm, object->vm->id) == 0)
				add(ret, (struct object){.type = OBJECT_MEMBER,
							 .point = point,
							 .member = member});
		}
	}
}

static void
member_vm(const struct model *model, const struct object *object, GArray *ret)
{
	const struct mirror_vm *vm = mirror_vm(model->mirror, object->member->vm);
	if (vm)
		add(ret, (struct object){.type = OBJECT_VM, .vm = vm});
}

/* ---- jobs ---- */

/* CIM_AffectedJobElement.ElementEffects. A job has its group, point and base for itself; what it
 * makes, clients find by "Create". */
enum { EFFECT_EXCLUSIVE_USE = 2, EFFECT_CREATE = 5 };

static guint
job_effect(const struct pair *pair)
{
	const struct object *job = &pair->ends[1];
	gboolean makes = !job->job->is_export && pair->ends[0].type != OBJECT_GROUP;
	return makes ? EFFECT_CREATE : EFFECT_EXCLUSIVE_USE;
}

static void
fill_effects(guint detail, struct cim_instance *instance)
{
	struct cim_value effects = cim_array(CIM_UINT16, 1);
	effects.u.items[0] = cim_uint(CIM_UINT16, detail);
	cim_instance_set(instance, "ElementEffects", effects);
}

static void
jobs_where(const struct model *model, gboolean (*holds)(const struct mirror_job *, const char *),
	   const char *id, GArray *ret)
{
	const GPtrArray *jobs = mirror_jobs(model->mirror);
	for (guint i = 0; i < jobs->len; i++) {
		const struct mirror_job *job = jobs->pdata[i];
		if (holds(job, id))
			add(ret, (struct object){.type = OBJECT_JOB, .job = job});
	}
}

static gboolean
is_of_group(const struct mirror_job *job, const char *id)
{
	return g_strcmp0(job->group, id) == 0;
}

static gboolean
is_of_point(const struct mirror_job *job, const char *id)
{
	return g_strcmp0(job->point, id) == 0 || g_strcmp0(job->base, id) == 0;
}

static gboolean
makes_point(const struct mirror_job *job, const char *id)
{
	return !job->is_export && g_strcmp0(job->point, id) == 0;
}

static void
group_jobs(const struct model *model, const struct object *object, GArray *ret)
{
	jobs_where(model, is_of_group, object->group->id, ret);
}

static void
job_group(const struct model *model, const struct object *object, GArray *ret)
{
	const struct mirror_group *group = mirror_group(model->mirror, object->job->group);
	if (group)
		add(ret, (struct object){.type = OBJECT_GROUP, .group = group});
}

static void
point_jobs(const struct model *model, const struct object *object, GArray *ret)
{
	jobs_where(model, is_of_point, object->point->id, ret);
}

static void
job_points(const struct model *model, const struct object *object, GArray *ret)
{
	const struct mirror_job *job = object->job;
	const struct mirror_point *point = mirror_point(model->mirror, job->point);
	const struct mirror_point *base = mirror_point(model->mirror, job->base);
	if (point)
		add(ret, (struct object){.type = OBJECT_POINT, .point = point});
	if (base && base != point)
		add(ret, (struct object){.type = OBJECT_POINT, .point = base});
}

static void
member_jobs(const struct model *model, const struct object *object, GArray *ret)
{
	jobs_where(model, makes_point, object->point->id, ret);
}

static void
job_members(const struct model *model, const struct object *object, GArray *ret)
{
	const struct mirror_point *point = mirror_point(model->mirror, object->job->point);
	if (point && !object->job->is_export)
		point_members(model, &(struct object){.point = point}, ret);
}

static void
service_jobs(const struct model *model, const struct object *object, GArray *ret)
{
	if (object->which == SERVICE_POINTS)
		add_all(model, OBJECT_JOB, ret);
}

static void
job_service(const struct model *model, const struct object *object, GArray *ret)
{
	add(ret, (struct object){.type = OBJECT_SERVICE, .which = SERVICE_POINTS});
}

/* ---- the host, services and what they work on ---- */

static void
all_services(const struct model *model, const struct object *object, GArray *ret)
{
	add_all(model, OBJECT_SERVICE, ret);
}

static void
all_vms(const struct model *model, const struct object *object, GArray *ret)
{
	add_all(model, OBJECT_VM, ret);
}

static void
the_host(const struct model *model, const struct object *object, GArray *ret)
{
	add_all(model, OBJECT_HOST, ret);
}

static void
the_profile(const struct model *model, const struct object *object, GArray *ret)
{
	add_all(model, OBJECT_PROFILE, ret);
}

/* Which service works on objects of which type. */
static const struct {
	enum object_type type;
	guint service;
} works_on[] = {
	{OBJECT_VM, SERVICE_GROUPS},	{OBJECT_GROUP, SERVICE_GROUPS},
	{OBJECT_GROUP, SERVICE_POINTS}, {OBJECT_POINT, SERVICE_POINTS},
	{OBJECT_VM, SERVICE_MEMBERS},	{OBJECT_MEMBER, SERVICE_MEMBERS},
};

static void
services_for(const struct model *model, const struct object *object, GArray *ret)
{
	for (guint i = 0; i < G_N_ELEMENTS(works_on); i++)
		if (works_on[i].type == object->type)
			add(ret,
			    (struct object){.type = OBJECT_SERVICE, .which = works_on[i].service});
}

static void
list_if_worked_on(const struct model *model, const struct object *service, enum object_type type,
		  GArray *ret)
{
	for (guint i = 0; i < G_N_ELEMENTS(works_on); i++)
		if (works_on[i].type == type && works_on[i].service == service->which)
			add_all(model, type, ret);
}

static void
service_vms(const struct model *model, const struct object *object, GArray *ret)
{
	list_if_worked_on(model, object, OBJECT_VM, ret);
}

static void
service_groups(const struct model *model, const struct object *object, GArray *ret)
{
	list_if_worked_on(model, object, OBJECT_GROUP, ret);
}

static void
service_points(const struct model *model, const struct object *object, GArray *ret)
{
	list_if_worked_on(model, object, OBJECT_POINT, ret);
}

static void
service_members(const struct model *model, const struct object *object, GArray *ret)
{
	list_if_worked_on(model, object, OBJECT_MEMBER, ret);
}

static guint
manages(const struct pair *pair)
{
	return 5; /* CIM_ServiceAffectsElement.ElementEffects: Manages */
}

/* ---- settings ---- */

static void
vm_settings(const struct model *model, const struct object *object, GArray *ret)
{
	add(ret, (struct object){.type = OBJECT_SETTINGS, .vm = object->vm});
}

static void
settings_vm(const struct model *model, const struct object *object, GArray *ret)
{
	add(ret, (struct object){.type = OBJECT_VM, .vm = object->vm});
}

static void
add_parts(const struct mirror_vm *vm, enum object_type type, GArray *ret)
{
	for (guint i = 0; i < vm->disks->len; i++)
		add(ret, (struct object){.type = type, .vm = vm, .disk = vm->disks->pdata[i]});
}

static void
settings_drives(const struct model *model, const struct object *object, GArray *ret)
{
	add_parts(object->vm, OBJECT_DRIVE, ret);
}

static void
settings_disks(const struct model *model, const struct object *object, GArray *ret)
{
	add_parts(object->vm, OBJECT_DISK, ret);
}

/* The only settings there are: in force now and at the next start, and nobody's defaults. */
static void
fill_current(guint detail, struct cim_instance *instance)
{
	cim_instance_set(instance, "IsCurrent", cim_uint(CIM_UINT16, 1));
	cim_instance_set(instance, "IsNext", cim_uint(CIM_UINT16, 1));
	cim_instance_set(instance, "IsDefault", cim_uint(CIM_UINT16, 2));
}

/* ---- the table ---- */

#define COLLECTION .roles = {"Collection", "Member"}
#define DEPENDENCY .roles = {"Antecedent", "Dependent"}
#define AFFECTED   .roles = {"AffectedElement", "AffectingElement"}
#define OWNING	   .roles = {"OwningElement", "OwnedElement"}
#define COMPONENT  .roles = {"GroupComponent", "PartComponent"}
#define SETTING	   .roles = {"ManagedElement", "SettingData"}
#define CONFORMS   .roles = {"ConformantStandard", "ManagedElement"}

/* The class, its roles, the types at its ends, the way from the first to the second and back. */
#define ROW(class, both_roles, first, second, to_second, to_first)                     \
	.class_name = class, both_roles, .types = {first, second}, .right = to_second, \
	.left = to_first

const struct association associations[] = {
	{ROW("Msvm_CollectedVirtualSystems", COLLECTION, OBJECT_GROUP, OBJECT_VM, group_vms,
	     vm_groups)},
	{ROW("Msvm_MemberOfCollection", COLLECTION, OBJECT_GROUP, OBJECT_VM, group_vms, vm_groups)},
	{ROW("Msvm_CollectedReferencePoints", COLLECTION, OBJECT_POINT, OBJECT_MEMBER,
	     point_members, member_point)},
	{ROW("Msvm_ReferencePointOfVirtualSystemCollection", DEPENDENCY, OBJECT_GROUP, OBJECT_POINT,
	     group_points, point_group)},
	{ROW("Msvm_ReferencePointOfVirtualSystem", DEPENDENCY, OBJECT_VM, OBJECT_MEMBER, vm_members,
	     member_vm)},
	{ROW("Msvm_AffectedJobElement", AFFECTED, OBJECT_GROUP, OBJECT_JOB, group_jobs, job_group),
	 .detail = job_effect, .fill = fill_effects},
	{ROW("Msvm_AffectedJobElement", AFFECTED, OBJECT_POINT, OBJECT_JOB, point_jobs, job_points),
	 .detail = job_effect, .fill = fill_effects},
	{ROW("Msvm_AffectedJobElement", AFFECTED, OBJECT_MEMBER, OBJECT_JOB, member_jobs,
	     job_members),
	 .detail = job_effect, .fill = fill_effects},
	{ROW("Msvm_OwningJobElement", OWNING, OBJECT_SERVICE, OBJECT_JOB, service_jobs,
	     job_service)},
	{ROW("Msvm_HostedService", DEPENDENCY, OBJECT_HOST, OBJECT_SERVICE, all_services,
	     the_host)},
	{ROW("Msvm_HostedDependency", DEPENDENCY, OBJECT_HOST, OBJECT_VM, all_vms, the_host)},
	{ROW("Msvm_SystemComponent", COMPONENT, OBJECT_HOST, OBJECT_VM, all_vms, the_host)},
	{ROW("Msvm_ServiceAffectsElement", AFFECTED, OBJECT_VM, OBJECT_SERVICE, services_for,
	     service_vms),
	 .detail = manages, .fill = fill_effects},
	{ROW("Msvm_ServiceAffectsElement", AFFECTED, OBJECT_GROUP, OBJECT_SERVICE, services_for,
	     service_groups),
	 .detail = manages, .fill = fill_effects},
	{ROW("Msvm_ServiceAffectsElement", AFFECTED, OBJECT_POINT, OBJECT_SERVICE, services_for,
	     service_points),
	 .detail = manages, .fill = fill_effects},
	{ROW("Msvm_ServiceAffectsElement", AFFECTED, OBJECT_MEMBER, OBJECT_SERVICE, services_for,
	     service_members),
	 .detail = manages, .fill = fill_effects},
	{ROW("Msvm_SettingsDefineState", SETTING, OBJECT_VM, OBJECT_SETTINGS, vm_settings,
	     settings_vm)},
	{ROW("Msvm_ElementSettingData", SETTING, OBJECT_VM, OBJECT_SETTINGS, vm_settings,
	     settings_vm),
	 .fill = fill_current},
	{ROW("Msvm_VirtualSystemSettingDataComponent", COMPONENT, OBJECT_SETTINGS, OBJECT_DRIVE,
	     settings_drives, vm_settings)},
	{ROW("Msvm_VirtualSystemSettingDataComponent", COMPONENT, OBJECT_SETTINGS, OBJECT_DISK,
	     settings_disks, vm_settings)},
	{ROW("Msvm_ElementConformsToProfile", CONFORMS, OBJECT_PROFILE, OBJECT_HOST, the_host,
	     the_profile),
	 .left_is_interop = TRUE},
	{0},
};
