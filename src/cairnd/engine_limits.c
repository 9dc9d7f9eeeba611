/* The limits of the queue: the configuration's, and over them what was set since, which the store
 * keeps. They hold from the next decision on: nothing that runs is ended for them. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "core/queue.h"

#define LIMITS_ID  "limits"
#define AT(member) G_STRUCT_OFFSET(struct engine_limits, member)

static const struct limit {
	const char *name;
	gsize offset; /* of a guint64 in struct engine_limits */
	guint64 min, max;
} limits[] = {
	{"max-jobs", AT(max_jobs), 1, QUEUE_JOBS_MAX},
	{"max-copies", AT(max_copies), 1, QUEUE_COPIES_MAX},
	{"copies-per-host", AT(copies_per_host), 0, QUEUE_COPIES_MAX},
	{"rate-per-host", AT(rate_per_host), 0, QUEUE_RATE_MAX},
	{"starve-after", AT(starve_seconds), 0, QUEUE_STARVE_MAX},
};

static const struct limit *
find(const char *name)
{
	for (guint i = 0; i < G_N_ELEMENTS(limits); i++)
		if (strcmp(limits[i].name, name) == 0)
			return &limits[i];
	return NULL;
}

/* A value as it was asked for, or as the store has it; null: none. */
static gboolean
check_value(const char *name, const json_t *value, GError **error)
{
	const struct limit *limit = find(name);
	if (!limit)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "there is no limit \"%s\"", name);
	if (json_is_null(value))
		return TRUE;
	json_int_t number = json_integer_value(value);
	if (json_is_integer(value) && number >= 0 && (guint64)number >= limit->min &&
	    (guint64)number <= limit->max)
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_INVALID, "limit \"%s\" is from %llu to %llu", name,
			  (unsigned long long)limit->min, (unsigned long long)limit->max);
}

/* What holds when @set is over the configuration's. */
static void
apply(struct engine *engine, const json_t *set)
{
	const char *name;
	json_t *value;
	engine->limits = engine->configured;
	json_object_foreach ((json_t *)set, name, value) {
		const struct limit *limit = find(name);
		*(guint64 *)((char *)&engine->limits + limit->offset) =
			(guint64)json_integer_value(value);
	}
}

static json_t *
merge(const struct engine *engine, const json_t *changes)
{
	json_t *set = json_copy(engine->limits_set);
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)changes, name, value) {
		if (json_is_null(value))
			json_object_del(set, name);
		else
			json_object_set(set, name, value);
	}
	return set;
}

gboolean
engine_limits_set(struct engine *engine, const json_t *changes, GError **error)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)changes, name, value)
		if (!check_value(name, value, error))
			return FALSE;
	g_autoptr(json_t) set = merge(engine, changes);
	cairn_auto(store_txn) txn = store_txn_new();
	engine_put_json(txn, KIND_META, LIMITS_ID, json_incref(set));
	if (!store_commit(engine->store, txn, error))
		return FALSE;
	json_decref(engine->limits_set);
	engine->limits_set = json_incref(set);
	apply(engine, set);
	engine_schedule(engine);
	return TRUE;
}

json_t *
engine_limits_view(const struct engine *engine)
{
	json_t *list = json_array();
	for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
		const struct limit *limit = &limits[i];
		json_t *json = json_object();
		cairn_json_set_string(json, "name", limit->name);
		cairn_json_set_uint(
			json, "value",
			*(const guint64 *)((const char *)&engine->limits + limit->offset));
		cairn_json_set_uint(
			json, "configured",
			*(const guint64 *)((const char *)&engine->configured + limit->offset));
		cairn_json_set_bool(json, "set",
				    json_object_get(engine->limits_set, limit->name) != NULL);
		json_array_append_new(list, json);
	}
	return list;
}

const struct engine_limits *
engine_get_limits(const struct engine *engine)
{
	return &engine->limits;
}

void
engine_set_limits(struct engine *engine, const struct engine_limits *configured)
{
	engine->configured = *configured;
	apply(engine, engine->limits_set);
	engine_schedule(engine);
}

/* What another version has set, and this one does not take, is left out: the daemon must start. */
static void
take(struct engine *engine, const json_t *stored)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)stored, name, value) {
		g_autoptr(GError) error = NULL;
		if (check_value(name, value, &error) && !json_is_null(value))
			json_object_set(engine->limits_set, name, value);
		else if (error)
			g_warning("a limit of the store is not used: %s", error->message);
	}
}

gboolean
engine_load_limits(struct engine *engine, GError **error)
{
	g_autoptr(GError) local = NULL;
	engine->limits_set = json_object();
	cairn_auto(store_object) object = store_get(engine->store, KIND_META, LIMITS_ID, &local);
	if (object) {
		gsize len;
		const char *text = g_bytes_get_data(object->body, &len);
		g_autoptr(json_t) stored = cairn_json_parse(text, len, error);
		if (!stored) {
			g_prefix_error(error, "store, %s \"%s\": ", object->kind, object->id);
			return FALSE;
		}
		take(engine, stored);
	} else if (!g_error_matches(local, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	apply(engine, engine->limits_set);
	return TRUE;
}
