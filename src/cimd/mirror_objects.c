/* cairnd's objects by id: what it told is made into instances and compared with what was known. */
#include "cimd/mirror_private.h"

#include "base/json.h"
#include "base/timefmt.h"

#include <string.h>

/* ---- reading what cairnd says ---- */

static const char *
text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static guint64
number_of(const json_t *json, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(json, key));
	return value > 0 ? (guint64)value : 0;
}

static char *
id_of(const json_t *json, const char *key)
{
	const char *text = text_of(json, key);
	return text ? g_ascii_strup(text, -1) : NULL;
}

static gint64
time_of(const json_t *json, const char *key)
{
	const char *text = text_of(json, key);
	gint64 usec = 0;
	return text && cairn_time_from_iso(text, &usec, NULL) ? usec : 0;
}

/* ---- who changed ---- */

/* The first filling is not a change. */
static void
tell(struct mirror *mirror, struct cim_instance *before, struct cim_instance *after)
{
	if (!mirror->filled_once || (!before && !after))
		return;
	if (!before || !after || !cim_instance_equal(before, after))
		model_changed(mirror->model, before, after);
}

/* ---- groups ---- */

static char **
member_ids(const json_t *members)
{
	GStrvBuilder *builder = g_strv_builder_new();
	for (size_t i = 0; i < json_array_size(members); i++) {
		g_autofree char *id = id_of(json_array_get(members, i), "id");
		if (id)
			g_strv_builder_add(builder, id);
	}
	char **ids = g_strv_builder_end(builder);
	g_strv_builder_unref(builder);
	return ids;
}

/* A point is called after its group. */
static void
rename_points(struct mirror *mirror, const struct mirror_group *group)
{
	for (guint i = 0; i < mirror->points.ordered->len; i++) {
		struct mirror_point *point = mirror->points.ordered->pdata[i];
		if (strcmp(point->group, group->id) != 0)
			continue;
		g_free(point->name);
		point->name = g_strdup_printf("%s@%" G_GUINT64_FORMAT, group->name, point->number);
		cairn_auto(cim_instance) before = g_steal_pointer(&point->instance);
		if (!before)
			continue;
		point->instance = cim_instance_copy(before);
		cim_instance_set(point->instance, "ElementName", cim_string(point->name));
		tell(mirror, before, point->instance);
	}
}

void
mirror_apply_group(struct mirror *mirror, const json_t *json)
{
	const char *name = text_of(json, "name");
	if (!name || !text_of(json, "id") || !json_is_array(json_object_get(json, "members")))
		return;
	struct mirror_group *group = g_new0(struct mirror_group, 1);
	group->id = id_of(json, "id");
	group->name = g_strdup(name);
	group->members = member_ids(json_object_get(json, "members"));
	group->seen = mirror->fill;
	group->instance = bind_group_instance(mirror->model, json);
	struct mirror_group *old = mirror_group(mirror, group->id);
	gboolean renamed = old && strcmp(old->name, name) != 0;
	cairn_auto(cim_instance) before =
		old && old->instance ? cim_instance_ref(old->instance) : NULL;
	mirror_table_put(&mirror->groups, group->id, group);
	tell(mirror, before, group->instance);
	if (renamed)
		rename_points(mirror, group);
}

/* ---- points ---- */

static struct mirror_member *
find_member(const struct mirror_point *point, const char *vm)
{
	for (guint i = 0; point && i < point->members->len; i++) {
		struct mirror_member *member = point->members->pdata[i];
		if (strcmp(member->vm, vm) == 0)
			return member;
	}
	return NULL;
}

/* Machines show when they were exported last. */
static void
forget_systems(struct mirror *mirror, const struct mirror_point *point)
{
	for (guint i = 0; i < point->members->len; i++) {
		const struct mirror_member *member = point->members->pdata[i];
		struct mirror_vm *vm = mirror_vm(mirror, member->vm);
		if (vm)
			g_clear_pointer(&vm->system, cim_instance_unref);
	}
}

static gint64
last_export(const json_t *exports)
{
	gint64 last = 0;
	for (size_t i = 0; i < json_array_size(exports); i++)
		last = MAX(last, time_of(json_array_get(exports, i), "time"));
	return last;
}

static struct mirror_point *
read_point(const struct mirror *mirror, const json_t *json)
{
	struct mirror_point *point = g_new0(struct mirror_point, 1);
	const json_t *members = json_object_get(json, "members");
	point->id = id_of(json, "id");
	point->group = id_of(json, "group");
	point->name = g_strdup(text_of(json, "name"));
	point->number = number_of(json, "number");
	point->held = json_is_true(json_object_get(json, "held"));
	point->exported = last_export(json_object_get(json, "exports"));
	point->members = g_ptr_array_new_with_free_func(mirror_member_free);
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *item = json_array_get(members, i);
		if (!text_of(item, "id"))
			continue;
		struct mirror_member *member = g_new0(struct mirror_member, 1);
		member->vm = id_of(item, "id");
		member->instance = bind_member_instance(mirror->model, json, item);
		g_ptr_array_add(point->members, member);
	}
	point->instance = bind_point_instance(mirror->model, json);
	point->seen = mirror->fill;
	return point;
}

/* The parts of a point: those that went, came or changed. */
static void
tell_members(struct mirror *mirror, const struct mirror_point *before,
	     const struct mirror_point *after)
{
	for (guint i = 0; before && i < before->members->len; i++) {
		const struct mirror_member *old = before->members->pdata[i];
		if (!find_member(after, old->vm))
			tell(mirror, old->instance, NULL);
	}
	for (guint i = 0; after && i < after->members->len; i++) {
		const struct mirror_member *new = after->members->pdata[i];
		const struct mirror_member *old = find_member(before, new->vm);
		tell(mirror, old ? old->instance : NULL, new->instance);
	}
}

void
mirror_apply_point(struct mirror *mirror, const json_t *json)
{
	if (!text_of(json, "id") || !text_of(json, "group"))
		return;
	struct mirror_point *point = read_point(mirror, json);
	struct mirror_point *old = mirror_point(mirror, point->id);
	/* kept aside: what is told must be in its place already */
	struct mirror_point before = {0};
	if (old) {
		before = (struct mirror_point){
			.members = g_ptr_array_ref(old->members),
			.instance = old->instance ? cim_instance_ref(old->instance) : NULL,
		};
	}
	mirror_table_put(&mirror->points, point->id, point);
	forget_systems(mirror, point);
	tell(mirror, before.instance, point->instance);
	tell_members(mirror, old ? &before : NULL, point);
	g_clear_pointer(&before.members, g_ptr_array_unref);
	cim_instance_unref(before.instance);
}

void
mirror_remove_point(struct mirror *mirror, const char *id)
{
	struct mirror_point *point = mirror_point(mirror, id);
	if (!point)
		return;
	struct mirror_point before = {
		.members = g_ptr_array_ref(point->members),
		.instance = point->instance ? cim_instance_ref(point->instance) : NULL,
	};
	forget_systems(mirror, point);
	mirror_table_remove(&mirror->points, point->id);
	tell_members(mirror, &before, NULL);
	tell(mirror, before.instance, NULL);
	g_ptr_array_unref(before.members);
	cim_instance_unref(before.instance);
}

/* Its points are gone with it (GROUP_DELETED). */
void
mirror_remove_group(struct mirror *mirror, const char *id)
{
	struct mirror_group *group = mirror_group(mirror, id);
	if (!group)
		return;
	cairn_auto(cim_instance) before =
		group->instance ? cim_instance_ref(group->instance) : NULL;
	for (guint i = mirror->points.ordered->len; i-- > 0;) {
		const struct mirror_point *point = mirror->points.ordered->pdata[i];
		if (strcmp(point->group, group->id) == 0)
			mirror_remove_point(mirror, point->id);
	}
	mirror_table_remove(&mirror->groups, group->id);
	tell(mirror, before, NULL);
}

/* ---- jobs ---- */

static struct mirror_job *
read_job(const struct mirror *mirror, const json_t *json)
{
	struct mirror_job *job = g_new0(struct mirror_job, 1);
	job->id = id_of(json, "id");
	job->number = number_of(json, "number");
	job->is_export = g_strcmp0(text_of(json, "kind"), "export") == 0;
	job->is_schedule = g_strcmp0(text_of(json, "kind"), "schedule") == 0;
	job->last_run = job->is_schedule ? id_of(json, "job") : NULL;
	job->state = (guint)number_of(json, "state");
	job->ended = text_of(json, "ended") != NULL;
	job->group = id_of(json, "group");
	job->point = id_of(json, "point");
	job->base = id_of(json, "base");
	job->elapsed_usec = (gint64)number_of(json, "elapsed-us");
	job->told = g_get_monotonic_time();
	job->ticking = text_of(json, "started") && !job->ended;
	job->seen = mirror->fill;
	job->instance = bind_job_instance(mirror->model, json);
	return job;
}

void
mirror_apply_job(struct mirror *mirror, const json_t *json)
{
	if (!text_of(json, "id") || !json_is_object(json_object_get(json, "properties")))
		return;
	struct mirror_job *job = read_job(mirror, json);
	struct mirror_job *old = mirror_job(mirror, job->id);
	cairn_auto(cim_instance) before =
		old && old->instance ? cim_instance_ref(old->instance) : NULL;
	mirror_table_put(&mirror->jobs, job->id, job);
	g_autofree char *id = g_strdup(job->id);
	tell(mirror, before, job->instance);
	job_waits_told(mirror->model, id);
}

/* A schedule is shown as a job: what cairnd tells of it has the same members, but for its kind. */
void
mirror_apply_schedule(struct mirror *mirror, const json_t *json)
{
	g_autoptr(json_t) job = json_copy((json_t *)json);
	cairn_json_set_string(job, "kind", "schedule");
	json_object_del(job, "number"); /* of another row than the jobs' */
	mirror_apply_job(mirror, job);
}

void
mirror_remove_job(struct mirror *mirror, const char *id)
{
	struct mirror_job *job = mirror_job(mirror, id);
	if (!job)
		return;
	cairn_auto(cim_instance) before = job->instance ? cim_instance_ref(job->instance) : NULL;
	g_autofree char *gone = g_strdup(job->id);
	mirror_table_remove(&mirror->jobs, job->id);
	tell(mirror, before, NULL);
	job_waits_told(mirror->model, gone);
}

struct cim_instance *
mirror_job_instance(const struct mirror *mirror, const struct mirror_job *job)
{
	if (!job->instance || !job->ticking)
		return job->instance ? cim_instance_ref(job->instance) : NULL;
	struct cim_instance *now = cim_instance_copy(job->instance);
	g_autofree char *elapsed =
		cairn_interval_cim(job->elapsed_usec + g_get_monotonic_time() - job->told);
	cim_instance_set(now, "ElapsedTime", cim_datetime(elapsed));
	return now;
}

/* ---- machines ---- */

void
mirror_apply_vm(struct mirror *mirror, const json_t *json)
{
	g_autofree char *id = id_of(json, "id");
	const json_t *disks = json_object_get(json, "disks");
	if (!id || !text_of(json, "name"))
		return;
	struct mirror_vm *old = mirror_vm(mirror, id);
	if (old && json_equal(old->json, json)) {
		old->seen = mirror->fill;
		return;
	}
	struct mirror_vm *vm = g_new0(struct mirror_vm, 1);
	vm->id = g_steal_pointer(&id);
	vm->name = g_strdup(text_of(json, "name"));
	vm->json = json_incref((json_t *)json);
	vm->seen = mirror->fill;
	vm->disks = g_ptr_array_new_with_free_func(mirror_disk_free);
	for (size_t i = 0; i < json_array_size(disks); i++) {
		const char *target = text_of(json_array_get(disks, i), "target");
		struct mirror_disk *disk = target ? g_new0(struct mirror_disk, 1) : NULL;
		if (!disk)
			continue;
		disk->target = g_strdup(target);
		g_ptr_array_add(vm->disks, disk);
	}
	mirror_table_put(&mirror->vms, vm->id, vm);
}

void
mirror_remove_vm(struct mirror *mirror, const char *id)
{
	const struct mirror_vm *vm = mirror_vm(mirror, id);
	if (vm)
		mirror_table_remove(&mirror->vms, vm->id);
}

void
mirror_apply_vms(struct mirror *mirror, const json_t *list)
{
	g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *json = json_array_get(list, i);
		mirror_apply_vm(mirror, json);
		if (text_of(json, "id"))
			g_hash_table_add(told, id_of(json, "id"));
	}
	for (guint i = mirror->vms.ordered->len; i-- > 0;) {
		const struct mirror_vm *vm = mirror->vms.ordered->pdata[i];
		if (!g_hash_table_contains(told, vm->id))
			mirror_table_remove(&mirror->vms, vm->id);
	}
}

/* ---- after a filling ---- */

void
mirror_sweep(struct mirror *mirror)
{
	for (guint i = mirror->jobs.ordered->len; i-- > 0;) {
		const struct mirror_job *job = mirror->jobs.ordered->pdata[i];
		if (job->seen != mirror->fill)
			mirror_remove_job(mirror, job->id);
	}
	for (guint i = mirror->points.ordered->len; i-- > 0;) {
		const struct mirror_point *point = mirror->points.ordered->pdata[i];
		if (point->seen != mirror->fill)
			mirror_remove_point(mirror, point->id);
	}
	for (guint i = mirror->groups.ordered->len; i-- > 0;) {
		const struct mirror_group *group = mirror->groups.ordered->pdata[i];
		if (group->seen != mirror->fill)
			mirror_remove_group(mirror, group->id);
	}
}
