/* The engine's objects in the store: one JSON body each, but for extents, which are bytes. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"

#define INSTANCE_LEN 8

void
engine_put_json(struct store_txn *txn, const char *kind, const char *id, json_t *json)
{
	char *text = cairn_json_dump(json);
	g_autoptr(GBytes) body = g_bytes_new_take(text, strlen(text));
	/* One writer owns the store (the driver locks it), so what holds now need not be said. */
	store_txn_put(txn, kind, id, STORE_ANY, body);
	json_decref(json);
}

void
engine_put_group(struct store_txn *txn, const struct group *group)
{
	engine_put_json(txn, KIND_GROUP, group->id, group_to_json(group));
}

void
engine_put_point(struct store_txn *txn, const struct point *point)
{
	engine_put_json(txn, KIND_POINT, point->id, point_to_json(point));
}

void
engine_put_job(struct store_txn *txn, const struct job *job)
{
	engine_put_json(txn, KIND_JOB, job->id, job_to_json(job));
}

void
engine_put_schedule(struct store_txn *txn, const struct schedule *schedule)
{
	engine_put_json(txn, KIND_SCHEDULE, schedule->id, schedule_to_json(schedule));
}

void
engine_put_debts(struct store_txn *txn, const GPtrArray *debts)
{
	for (guint i = 0; i < debts->len; i++) {
		const struct debt *debt = debts->pdata[i];
		engine_put_json(txn, KIND_DEBT, debt->id, debt_to_json(debt));
	}
}

void
engine_drop_point(struct store_txn *txn, const struct point *point)
{
	for (guint i = 0; i < point->members->len; i++) {
		const struct point_member *member = point->members->pdata[i];
		for (guint j = 0; j < member->disks->len; j++) {
			const struct point_disk *disk = member->disks->pdata[j];
			g_autofree char *id = point_extents_id(point->id, member->id, disk->target);
			store_txn_delete(txn, KIND_EXTENTS, id, STORE_ANY);
		}
	}
	store_txn_delete(txn, KIND_POINT, point->id, STORE_ANY);
}

/* ---- loading ---- */

typedef gboolean (*load_fn)(struct engine *engine, const json_t *json, GError **error);

static gboolean
load_kind(struct engine *engine, const char *kind, load_fn load, GError **error)
{
	g_autoptr(GPtrArray) objects = store_list(engine->store, kind, NULL, 0, error);
	if (!objects)
		return FALSE;
	for (guint i = 0; i < objects->len; i++) {
		const struct store_object *object = objects->pdata[i];
		gsize len;
		const char *text = g_bytes_get_data(object->body, &len);
		g_autoptr(json_t) json = cairn_json_parse(text, len, error);
		if (!json || !load(engine, json, error)) {
			g_prefix_error(error, "store, %s \"%s\": ", kind, object->id);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean
load_group(struct engine *engine, const json_t *json, GError **error)
{
	struct group *group = group_from_json(json, error);
	if (group)
		g_ptr_array_add(engine->groups, group);
	return group != NULL;
}

static gboolean
load_point(struct engine *engine, const json_t *json, GError **error)
{
	struct point *point = point_from_json(json, error);
	if (point)
		g_ptr_array_add(engine->points, point);
	return point != NULL;
}

static gboolean
load_job(struct engine *engine, const json_t *json, GError **error)
{
	struct job *job = job_from_json(json, error);
	if (!job)
		return FALSE;
	guint at = engine_job_after(engine, job->number);
	if (at > 0 && engine_job_at(engine, at - 1)->number == job->number) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "another job has number %" G_GUINT64_FORMAT " too", job->number);
		job_free(job);
		return FALSE;
	}
	engine->next_job = MAX(engine->next_job, job->number + 1);
	job->active_since = 0; /* the daemon was away since */
	engine_add_run(engine, job);
	return TRUE;
}

static gboolean
load_debt(struct engine *engine, const json_t *json, GError **error)
{
	struct debt *debt = debt_from_json(json, error);
	if (debt)
		g_ptr_array_add(engine->debts, debt);
	return debt != NULL;
}

/* With another one the data that is held would seem to be gone, and the checkpoints a stranger's.
 */
static gboolean
read_instance(struct engine *engine, const struct store_object *object, GError **error)
{
	gsize len, digits = 0;
	const char *text = g_bytes_get_data(object->body, &len);
	while (digits < len && g_ascii_isxdigit(text[digits]))
		digits++;
	engine->instance = g_strndup(text, len);
	return (len == INSTANCE_LEN && digits == len) ||
	       cairn_fail(error, CAIRN_ERROR_INVALID,
			  "store, %s \"%s\": it is damaged: %d hex digits are expected",
			  object->kind, object->id, INSTANCE_LEN);
}

/* Hex digits that tell this store from any other on the same hosts. */
static gboolean
load_instance(struct engine *engine, GError **error)
{
	g_autoptr(GError) local = NULL;
	cairn_auto(store_object) object = store_get(engine->store, KIND_META, "instance", &local);
	if (object)
		return read_instance(engine, object, error);
	if (!g_error_matches(local, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	g_autofree char *guid = cairn_guid_new();
	engine->instance = g_strndup(guid, INSTANCE_LEN);
	g_autoptr(GBytes) body = g_bytes_new(engine->instance, INSTANCE_LEN);
	cairn_auto(store_txn) txn = store_txn_new();
	store_txn_put(txn, KIND_META, "instance", 0, body);
	return store_commit(engine->store, txn, error);
}

gboolean
engine_load(struct engine *engine, GError **error)
{
	if (!load_instance(engine, error) || !engine_load_limits(engine, error) ||
	    !load_kind(engine, KIND_GROUP, load_group, error) ||
	    !load_kind(engine, KIND_POINT, load_point, error) ||
	    !load_kind(engine, KIND_JOB, load_job, error) ||
	    !load_kind(engine, KIND_ERRAND, engine_load_errand, error) ||
	    !load_kind(engine, KIND_DEBT, load_debt, error) ||
	    !load_kind(engine, KIND_SCHEDULE, engine_load_schedule, error))
		return FALSE;
	engine_sort_points(engine);
	gint64 newest;
	if (!engine_history_load(engine, &newest, error))
		return FALSE;
	engine_load_clock(engine, newest);
	return TRUE;
}
