/* Groups: what people ask about them. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"

GPtrArray *
engine_groups(const struct engine *engine)
{
	return engine->groups;
}

struct group *
engine_group_by_id(const struct engine *engine, const char *id)
{
	for (guint i = 0; id && i < engine->groups->len; i++) {
		struct group *group = engine->groups->pdata[i];
		if (strcmp(group->id, id) == 0)
			return group;
	}
	return NULL;
}

static struct group *
group_by_name(const struct engine *engine, const char *name)
{
	for (guint i = 0; i < engine->groups->len; i++) {
		struct group *group = engine->groups->pdata[i];
		if (strcmp(group->name, name) == 0)
			return group;
	}
	return NULL;
}

struct group *
engine_group(const struct engine *engine, const char *name_or_id, GError **error)
{
	g_autofree char *id = cairn_guid_normalize(name_or_id);
	struct group *group =
		id ? engine_group_by_id(engine, id) : group_by_name(engine, name_or_id);
	if (!group)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND, "there is no group \"%s\"",
			    name_or_id);
	return group;
}

static json_t *
group_data(const struct group *group)
{
	json_t *data = json_object();
	cairn_json_set_string(data, "id", group->id);
	cairn_json_set_string(data, "name", group->name);
	return data;
}

/* Stores @changed, then puts it in the place of @group (NULL: a new one). */
static gboolean
store_group(struct engine *engine, struct group *group, struct group *changed, GError **error)
{
	cairn_auto(store_txn) txn = store_txn_new();
	engine_put_group(txn, changed);
	if (!store_commit(engine->store, txn, error)) {
		group_free(changed);
		return FALSE;
	}
	if (group) {
		/* The caller holds the pointer, so the contents change places. */
		struct group old = *group;
		*group = *changed;
		*changed = old;
		group_free(changed);
	} else {
		g_ptr_array_add(engine->groups, changed);
	}
	engine_event(engine, "GROUP_CHANGED", group_data(group ? group : changed));
	return TRUE;
}

static gboolean
name_is_free(const struct engine *engine, const char *name, GError **error)
{
	if (!group_name_check(name, error))
		return FALSE;
	if (!group_by_name(engine, name))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_EXISTS, "there is a group \"%s\" already",
		    name);
	return FALSE;
}

struct group *
engine_group_create(struct engine *engine, const char *name, const char *id, GError **error)
{
	g_autofree char *guid = id ? cairn_guid_normalize(id) : cairn_guid_new();
	if (!guid) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "\"%s\" is not a GUID", id);
		return NULL;
	}
	if (!name_is_free(engine, name, error))
		return NULL;
	if (engine_group_by_id(engine, guid)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_EXISTS,
			    "there is a group with the id %s already", guid);
		return NULL;
	}
	struct group *group = group_new(guid, name);
	group->created = engine_now(engine);
	return store_group(engine, NULL, group, error) ? group : NULL;
}

gboolean
engine_group_add(struct engine *engine, struct group *group, const char *vm_id, const char *vm_name,
		 GError **error)
{
	cairn_auto(group) changed = group_copy(group);
	if (!group_add_member(changed, vm_id, vm_name, error))
		return FALSE;
	return store_group(engine, group, g_steal_pointer(&changed), error);
}

gboolean
engine_group_remove(struct engine *engine, struct group *group, const char *vm_id, GError **error)
{
	cairn_auto(group) changed = group_copy(group);
	if (!group_remove_member(changed, vm_id, error))
		return FALSE;
	return store_group(engine, group, g_steal_pointer(&changed), error);
}

gboolean
engine_group_rename(struct engine *engine, struct group *group, const char *name, GError **error)
{
	if (!name_is_free(engine, name, error))
		return FALSE;
	struct group *changed = group_copy(group);
	g_free(changed->name);
	changed->name = g_strdup(name);
	if (!store_group(engine, group, changed, error))
		return FALSE;
	engine_rename_schedules(engine, group);
	return TRUE;
}

static gboolean
group_is_idle(const struct engine *engine, const struct group *group, GError **error)
{
	const GPtrArray *active = engine->runs.active;
	for (guint i = 0; i < active->len; i++) {
		const struct job *job = ((struct run *)active->pdata[i])->job;
		if (strcmp(job->group, group->id) != 0)
			continue;
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY,
			    "job %llu of group \"%s\" has not ended",
			    (unsigned long long)job->number, group->name);
		return FALSE;
	}
	return TRUE;
}

/* Without force a group with points or schedules stays. */
static gboolean
group_is_bare(const struct engine *engine, const struct group *group, GError **error)
{
	g_autoptr(GPtrArray) points = engine_points(engine, group->id, FALSE);
	g_autoptr(GPtrArray) schedules = engine_schedules_of(engine, group->id);
	if (points->len > 0)
		return cairn_fail(error, CAIRN_ERROR_STATE,
				  "group \"%s\" has %u points; delete them first, or force it",
				  group->name, points->len);
	return schedules->len == 0 ||
	       cairn_fail(error, CAIRN_ERROR_STATE,
			  "group \"%s\" has %u schedules; delete them first, or force it",
			  group->name, schedules->len);
}

gboolean
engine_group_delete(struct engine *engine, struct group *group, gboolean force, GError **error)
{
	if (!group_is_idle(engine, group, error) ||
	    (!force && !group_is_bare(engine, group, error)))
		return FALSE;
	g_autoptr(GPtrArray) schedules = engine_schedules_of(engine, group->id);
	g_autoptr(GPtrArray) all = engine_points(engine, group->id, TRUE);
	g_autoptr(GPtrArray) debts = g_ptr_array_new_with_free_func((GDestroyNotify)debt_free);
	cairn_auto(store_txn) txn = store_txn_new();
	for (guint i = 0; i < all->len; i++) {
		engine_drop_point(txn, all->pdata[i]);
		engine_put_unstored(engine, txn, all->pdata[i]);
		engine_hold_debts(all->pdata[i], debts, DEBT_END | DEBT_FORGET);
		engine_partial_debts(all->pdata[i], debts);
	}
	for (guint i = 0; i < schedules->len; i++)
		store_txn_delete(txn, KIND_SCHEDULE, ((struct schedule *)schedules->pdata[i])->id,
				 STORE_ANY);
	store_txn_delete(txn, KIND_GROUP, group->id, STORE_ANY);
	engine_put_debts(txn, debts);
	if (!store_commit(engine->store, txn, error))
		return FALSE;
	engine_drop_schedules(engine, schedules);
	engine_event(engine, "GROUP_DELETED", group_data(group));
	for (guint i = 0; i < all->len; i++)
		g_ptr_array_remove(engine->points, all->pdata[i]);
	g_ptr_array_remove(engine->groups, group);
	engine_adopt_debts(engine, debts);
	return TRUE;
}
