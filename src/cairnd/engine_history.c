/* Life after the end: an ended job stays in memory for its time, then it is one row of the history
 * in the store, and some years later that row goes too. A job is always in one of the two: it moves
 * in one transaction. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"

#define KIND_HISTORY	STORE_COLD /* id: history_id() of the number; body: the job, shortened */
#define KIND_HISTORY_ID STORE_COLD "-id" /* id: the job's GUID; body: its number */

/* Ended jobs in memory; of more those go whose time is over first. */
#define LEAVING_MAX 10000
/* Those that stay until they are removed on request; of more the one that ended first goes. */
#define STAYING_MAX 5000
/* One commit is for so many; the rest waits for the next tick: guests may be waiting too. */
#define MOVE_AT_ONCE	200
#define FORGET_AT_ONCE	500
#define FORGET_INTERVAL (10 * 60 * G_USEC_PER_SEC)

/* Twenty digits: the order of the ids is that of the numbers. */
static char *
history_id(guint64 number)
{
	return g_strdup_printf("%020" G_GUINT64_FORMAT, number);
}

/* ---- into the history ---- */

/* What job_from_json() fills in by itself. */
static gboolean
says_nothing(const json_t *value)
{
	return json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0) ||
	       (json_is_integer(value) && json_integer_value(value) == 0);
}

static void
shorten(json_t *json)
{
	const char *key;
	json_t *value;
	void *next;
	size_t i;
	json_t *disk;
	json_array_foreach (json_object_get(json, "disks"), i, disk) {
		/* It was for the manifest, which has it. */
		json_object_del(disk, "result");
		json_object_foreach_safe(disk, next, key, value) if (says_nothing(value))
			json_object_del(disk, key);
	}
	json_object_foreach_safe(json, next, key, value) if (says_nothing(value))
		json_object_del(json, key);
}

static void
put_history(struct store_txn *txn, const struct job *job)
{
	g_autofree char *id = history_id(job->number);
	g_autoptr(GBytes) number = g_bytes_new(id, strlen(id));
	json_t *json = job_to_json(job);
	shorten(json);
	engine_put_json(txn, KIND_HISTORY, id, json);
	store_txn_put(txn, KIND_HISTORY_ID, job->id, STORE_ANY, number);
	store_txn_delete(txn, KIND_JOB, job->id, STORE_ANY);
}

static void
job_removed(struct engine *engine, struct run *run)
{
	json_t *data = json_object();
	cairn_json_set_string(data, "id", run->job->id);
	cairn_json_set_uint(data, "number", run->job->number);
	engine_event(engine, "JOB_REMOVED", data);
	engine_remove_run(engine, run);
}

static gboolean
move_runs(struct engine *engine, const GPtrArray *runs, GError **error)
{
	cairn_auto(store_txn) txn = store_txn_new();
	for (guint i = 0; i < runs->len; i++)
		put_history(txn, ((const struct run *)runs->pdata[i])->job);
	if (!store_commit(engine->store, txn, error))
		return FALSE;
	for (guint i = 0; i < runs->len; i++)
		job_removed(engine, runs->pdata[i]);
	return TRUE;
}

gboolean
engine_job_remove(struct engine *engine, struct job *job, GError **error)
{
	if (job->phase != PHASE_ENDED)
		return cairn_fail(error, CAIRN_ERROR_STATE,
				  "job %llu has not ended: terminate it first",
				  (unsigned long long)job->number);
	g_autoptr(GPtrArray) one = g_ptr_array_new();
	g_ptr_array_add(one, engine_run(engine, job->id));
	return move_runs(engine, one, error);
}

/* GUIDs of the jobs that waiting ones come after: how these ended decides what becomes of those. */
static GHashTable *
waited_for(const struct engine *engine)
{
	GHashTable *ids = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < engine->runs.active->len; i++) {
		const struct job *job = ((struct run *)engine->runs.active->pdata[i])->job;
		if (job->phase == PHASE_WAIT && job->after)
			g_hash_table_add(ids, job->after);
	}
	return ids;
}

static void
take_due(GSequence *queue, gint64 until, guint max, const GHashTable *needed, GPtrArray *due)
{
	guint len = (guint)g_sequence_get_length(queue), extra = len > max ? len - max : 0, n = 0;
	GSequenceIter *at = g_sequence_get_begin_iter(queue);
	for (; !g_sequence_iter_is_end(at) && due->len < MOVE_AT_ONCE;
	     at = g_sequence_iter_next(at), n++) {
		struct run *run = g_sequence_get(at);
		if (n >= extra && run->leaves > until)
			return;
		if (!g_hash_table_contains((GHashTable *)needed, run->job->id))
			g_ptr_array_add(due, run);
	}
}

static gboolean
has_due(GSequence *queue, gint64 until, guint max)
{
	GSequenceIter *at = g_sequence_get_begin_iter(queue);
	return !g_sequence_iter_is_end(at) &&
	       (((const struct run *)g_sequence_get(at))->leaves <= until ||
		g_sequence_get_length(queue) > (gint)max);
}

static void
move_ended(struct engine *engine, gint64 now)
{
	struct engine_runs *runs = &engine->runs;
	if (!has_due(runs->leaving, now, LEAVING_MAX) &&
	    !has_due(runs->staying, G_MININT64, STAYING_MAX))
		return;
	g_autoptr(GHashTable) needed = waited_for(engine);
	g_autoptr(GPtrArray) due = g_ptr_array_new();
	g_autoptr(GError) error = NULL;
	take_due(runs->leaving, now, LEAVING_MAX, needed, due);
	take_due(runs->staying, G_MININT64, STAYING_MAX, needed, due);
	/* If the store cannot take them, they are tried again at the next tick. */
	if (due->len > 0 && !move_runs(engine, due, &error))
		g_debug("ended jobs are kept in memory: %s", error->message);
}

/* ---- out of the history ---- */

static json_t *
row_json(const struct store_object *row, GError **error)
{
	gsize len;
	const char *text = g_bytes_get_data(row->body, &len);
	return cairn_json_parse(text, len, error);
}

static guint64
row_number(const struct store_object *row)
{
	return g_ascii_strtoull(row->id, NULL, 10);
}

enum age {
	AGE_KEPT,
	AGE_OVER,
	AGE_UNKNOWN, /* as old as the next row: it does not say when its job ended, or it was after
			now, by a clock that was ahead */
};

/* The newest stays in any case: numbers go on after it. */
static enum age
age_of(const struct engine *engine, const json_t *json, guint64 number, gint64 now)
{
	const struct engine_limits *limits = &engine->limits;
	gint64 span = (gint64)limits->history_seconds * G_USEC_PER_SEC;
	gint64 ended = json_integer_value(json_object_get(json, "ended"));
	if (number + 1 >= engine->next_job)
		return AGE_KEPT;
	if (limits->history_jobs > 0 && engine->next_job - number > limits->history_jobs)
		return AGE_OVER;
	if (ended <= 0 || ended > now)
		return AGE_UNKNOWN;
	return span > 0 && !engine->clock.since && now - ended > span ? AGE_OVER : AGE_KEPT;
}

/* How many of @rows, from the first on, are too old. Oldest numbers first, until one is young
 * enough: what ended much later than others of its time keeps those a little longer. */
static guint
count_old(const struct engine *engine, const GPtrArray *rows, gint64 now)
{
	guint old = 0, i = 0;
	enum age age = AGE_UNKNOWN;
	for (; i < rows->len && age != AGE_KEPT; i++) {
		g_autoptr(json_t) json = row_json(rows->pdata[i], NULL);
		age = age_of(engine, json, row_number(rows->pdata[i]), now);
		if (age == AGE_OVER)
			old = i + 1;
	}
	return old;
}

/* The row's id by the job's GUID; free with g_free(). */
static char *
find_guid(const struct engine *engine, const char *guid)
{
	cairn_auto(store_object) row = store_get(engine->store, KIND_HISTORY_ID, guid, NULL);
	gsize len = 0;
	const char *text = row ? g_bytes_get_data(row->body, &len) : NULL;
	return g_strndup(text, len);
}

static void
forget_row(struct engine *engine, struct store_txn *txn, const struct store_object *row)
{
	g_autoptr(json_t) json = row_json(row, NULL);
	const char *text = json_string_value(json_object_get(json, "id"));
	g_autofree char *guid = text ? cairn_guid_normalize(text) : NULL;
	g_autofree char *id = guid ? find_guid(engine, guid) : NULL;
	store_txn_delete(txn, KIND_HISTORY, row->id, STORE_ANY);
	/* A damaged one may not say it, and leaves that behind, which finds nothing any more. */
	if (g_strcmp0(id, row->id) == 0)
		store_txn_delete(txn, KIND_HISTORY_ID, guid, STORE_ANY);
	g_hash_table_remove(engine->damaged, row->id);
}

static void
forget_old(struct engine *engine, gint64 now)
{
	if (now < engine->forget_at && engine->forget_at - now <= FORGET_INTERVAL)
		return;
	engine->forget_at = now + FORGET_INTERVAL;
	g_autoptr(GPtrArray) rows =
		store_list(engine->store, KIND_HISTORY, NULL, FORGET_AT_ONCE, NULL);
	cairn_auto(store_txn) txn = store_txn_new();
	guint n = rows ? count_old(engine, rows, now) : 0;
	for (guint i = 0; i < n; i++)
		forget_row(engine, txn, rows->pdata[i]);
	if (n > 0 && store_commit(engine->store, txn, NULL) && n == FORGET_AT_ONCE)
		engine->forget_at = now; /* there are more */
}

void
engine_age(struct engine *engine, gint64 now)
{
	move_ended(engine, now);
	forget_old(engine, now);
}

/* ---- looking ---- */

/* NULL: it is damaged, which is told once. */
static struct job *
row_job(const struct engine *engine, const struct store_object *row, GError **error)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(json_t) json = row_json(row, &why);
	struct job *job = json ? job_from_json(json, &why) : NULL;
	if (job)
		return job;
	g_prefix_error(&why, "store, history \"%s\": ", row->id);
	if (g_hash_table_add(engine->damaged, g_strdup(row->id)))
		g_warning("a job of the past cannot be shown: %s", why->message);
	g_propagate_error(error, g_steal_pointer(&why));
	return NULL;
}

static void
row_free(void *data)
{
	struct history_row *row = data;
	job_free(row->job);
	g_free(row);
}

/* The id of the row of the job that a person names. */
static char *
find_id(const struct engine *engine, const char *name)
{
	g_autofree char *guid = cairn_guid_normalize(name);
	guint64 number = 0;
	if (!guid)
		return g_ascii_string_to_unsigned(name, 10, 1, G_MAXINT64, &number, NULL)
			       ? history_id(number)
			       : NULL;
	return find_guid(engine, guid);
}

struct job *
engine_history_job(const struct engine *engine, const char *name, GError **error)
{
	g_autofree char *id = find_id(engine, name);
	cairn_auto(store_object) row =
		id && *id ? store_get(engine->store, KIND_HISTORY, id, NULL) : NULL;
	if (row)
		return row_job(engine, row, error);
	cairn_fail(error, CAIRN_ERROR_NOT_FOUND, "there is no job \"%s\" (a number or a GUID)",
		   name);
	return NULL;
}

GPtrArray *
engine_history(const struct engine *engine, guint64 before, guint limit, GError **error)
{
	g_autofree char *from = before ? history_id(before) : NULL;
	g_autoptr(GPtrArray) rows =
		store_list_back(engine->store, KIND_HISTORY, from, limit, error);
	if (!rows)
		return NULL;
	GPtrArray *found = g_ptr_array_new_with_free_func(row_free);
	for (guint i = 0; i < rows->len; i++) {
		struct history_row *row = g_new0(struct history_row, 1);
		row->number = row_number(rows->pdata[i]);
		row->job = row_job(engine, rows->pdata[i], NULL);
		g_ptr_array_add(found, row);
	}
	return found;
}

gboolean
engine_history_load(struct engine *engine, gint64 *ret_newest, GError **error)
{
	g_autoptr(GPtrArray) newest = store_list_back(engine->store, KIND_HISTORY, NULL, 1, error);
	if (!newest)
		return FALSE;
	*ret_newest = 0;
	if (newest->len > 0) {
		const struct store_object *row = newest->pdata[0];
		g_autoptr(json_t) json = row_json(row, NULL);
		engine->next_job = MAX(engine->next_job, row_number(row) + 1);
		*ret_newest = json_integer_value(json_object_get(json, "ended"));
	}
	return TRUE;
}
