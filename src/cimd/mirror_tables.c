/* cairnd's objects by id and in order; what fills the tables is in mirror_objects.c. */
#include "cimd/mirror_private.h"

#include <string.h>

/* ---- tables ---- */

static void
table_init(struct mirror_table *table, GCompareFunc compare, GDestroyNotify free_object)
{
	table->by_id = g_hash_table_new(g_str_hash, g_str_equal);
	table->ordered = g_ptr_array_new_with_free_func(free_object);
	table->compare = compare;
	table->free_object = free_object;
}

static void
table_clear(struct mirror_table *table)
{
	g_hash_table_unref(table->by_id);
	g_ptr_array_unref(table->ordered);
}

/* Where @object is, or would be. */
static guint
table_place(const struct mirror_table *table, const void *object)
{
	guint low = 0, high = table->ordered->len;
	while (low < high) {
		guint middle = low + (high - low) / 2;
		if (table->compare(table->ordered->pdata[middle], object) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void *
table_find(const struct mirror_table *table, const char *id)
{
	g_autofree char *key = id ? g_ascii_strup(id, -1) : NULL;
	return key ? g_hash_table_lookup(table->by_id, key) : NULL;
}

void
mirror_table_put(struct mirror_table *table, const char *id, void *object)
{
	void *old = g_hash_table_lookup(table->by_id, id);
	if (old && table->compare(old, object) == 0) {
		guint place = table_place(table, old);
		g_hash_table_replace(table->by_id, (char *)id, object);
		table->ordered->pdata[place] = object;
		table->free_object(old);
		return;
	}
	if (old) {
		g_hash_table_remove(table->by_id, id);
		g_ptr_array_remove_index(table->ordered, table_place(table, old));
	}
	g_ptr_array_insert(table->ordered, (gint)table_place(table, object), object);
	g_hash_table_insert(table->by_id, (char *)id, object);
}

void
mirror_table_remove(struct mirror_table *table, const char *id)
{
	void *object = g_hash_table_lookup(table->by_id, id);
	guint place = table_place(table, object);
	g_hash_table_remove(table->by_id, id);
	g_ptr_array_remove_index(table->ordered, place);
}

static gint
by_name(const char *a, const char *a_id, const char *b, const char *b_id)
{
	gint order = g_strcmp0(a, b);
	return order ? order : strcmp(a_id, b_id);
}

static gint
compare_groups(gconstpointer a, gconstpointer b)
{
	const struct mirror_group *x = a, *y = b;
	return by_name(x->name, x->id, y->name, y->id);
}

static gint
compare_vms(gconstpointer a, gconstpointer b)
{
	const struct mirror_vm *x = a, *y = b;
	return by_name(x->name, x->id, y->name, y->id);
}

static gint
compare_points(gconstpointer a, gconstpointer b)
{
	const struct mirror_point *x = a, *y = b;
	gint order = strcmp(x->group, y->group);
	if (order || x->number != y->number)
		return order ? order : x->number < y->number ? -1 : 1;
	return strcmp(x->id, y->id);
}

static gint
compare_jobs(gconstpointer a, gconstpointer b)
{
	const struct mirror_job *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* ---- freeing ---- */

static void
group_free(void *data)
{
	struct mirror_group *group = data;
	g_free(group->id);
	g_free(group->name);
	g_strfreev(group->members);
	cim_instance_unref(group->instance);
	g_free(group);
}

void
mirror_member_free(void *data)
{
	struct mirror_member *member = data;
	g_free(member->vm);
	cim_instance_unref(member->instance);
	g_free(member);
}

static void
point_free(void *data)
{
	struct mirror_point *point = data;
	g_free(point->id);
	g_free(point->group);
	g_free(point->name);
	g_ptr_array_unref(point->members);
	cim_instance_unref(point->instance);
	g_free(point);
}

static void
job_free(void *data)
{
	struct mirror_job *job = data;
	g_free(job->id);
	g_free(job->group);
	g_free(job->point);
	g_free(job->base);
	g_free(job->last_run);
	cim_instance_unref(job->instance);
	g_free(job);
}

void
mirror_disk_free(void *data)
{
	struct mirror_disk *disk = data;
	g_free(disk->target);
	cim_instance_unref(disk->drive);
	cim_instance_unref(disk->disk);
	g_free(disk);
}

static void
vm_free(void *data)
{
	struct mirror_vm *vm = data;
	g_free(vm->id);
	g_free(vm->name);
	json_decref(vm->json);
	g_ptr_array_unref(vm->disks);
	cim_instance_unref(vm->system);
	cim_instance_unref(vm->settings);
	g_free(vm);
}

void
mirror_tables_init(struct mirror *mirror)
{
	table_init(&mirror->groups, compare_groups, group_free);
	table_init(&mirror->points, compare_points, point_free);
	table_init(&mirror->jobs, compare_jobs, job_free);
	table_init(&mirror->vms, compare_vms, vm_free);
}

void
mirror_tables_clear(struct mirror *mirror)
{
	table_clear(&mirror->groups);
	table_clear(&mirror->points);
	table_clear(&mirror->jobs);
	table_clear(&mirror->vms);
}

/* ---- looking ---- */

struct mirror_group *
mirror_group(const struct mirror *mirror, const char *id)
{
	return table_find(&mirror->groups, id);
}

struct mirror_point *
mirror_point(const struct mirror *mirror, const char *id)
{
	return table_find(&mirror->points, id);
}

struct mirror_job *
mirror_job(const struct mirror *mirror, const char *id)
{
	return table_find(&mirror->jobs, id);
}

struct mirror_vm *
mirror_vm(const struct mirror *mirror, const char *id)
{
	return table_find(&mirror->vms, id);
}

const GPtrArray *
mirror_groups(const struct mirror *mirror)
{
	return mirror->groups.ordered;
}

const GPtrArray *
mirror_points(const struct mirror *mirror)
{
	return mirror->points.ordered;
}

const GPtrArray *
mirror_jobs(const struct mirror *mirror)
{
	return mirror->jobs.ordered;
}

const GPtrArray *
mirror_vms(const struct mirror *mirror)
{
	return mirror->vms.ordered;
}
