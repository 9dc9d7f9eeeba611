/* The jobs in memory and the orders in which they are looked for: by GUID, by number, those that
 * have not ended, those that run, and the ended ones by the time they leave. Nothing walks over all
 * of them: there may be thousands that have ended, and thousands that wait. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"

static void
run_free(struct run *run)
{
	job_free(run->job);
	g_hash_table_unref(run->extents);
	g_hash_table_unref(run->copying);
	g_queue_clear(&run->copies);
	g_queue_clear_full(&run->stalled, (GDestroyNotify)inbox_item_free);
	g_free(run);
}

void
engine_runs_init(struct engine_runs *runs)
{
	runs->all = g_ptr_array_new_with_free_func((GDestroyNotify)run_free);
	runs->active = g_ptr_array_new();
	runs->running = g_ptr_array_new();
	runs->by_id = g_hash_table_new(g_str_hash, g_str_equal);
	runs->leaving = g_sequence_new(NULL);
	runs->staying = g_sequence_new(NULL);
}

void
engine_runs_clear(struct engine_runs *runs)
{
	g_sequence_free(runs->leaving);
	g_sequence_free(runs->staying);
	g_hash_table_unref(runs->by_id);
	g_ptr_array_unref(runs->running);
	g_ptr_array_unref(runs->active);
	g_ptr_array_unref(runs->all);
}

/* ---- arrays by number ---- */

/* The index of the first with @number or a higher one. */
static guint
find_number(const GPtrArray *array, guint64 number)
{
	guint low = 0, high = array->len;
	while (low < high) {
		guint middle = low + (high - low) / 2;
		if (((const struct run *)array->pdata[middle])->job->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* TRUE: @array has changed. */
static gboolean
set_present(GPtrArray *array, struct run *run, gboolean present)
{
	guint at = find_number(array, run->job->number);
	gboolean found = at < array->len && array->pdata[at] == run;
	if (found == present)
		return FALSE;
	if (present)
		g_ptr_array_insert(array, (gint)at, run);
	else
		g_ptr_array_remove_index(array, at);
	return TRUE;
}

/* ---- ended ones by the time they leave ---- */

static gint
by_leaving(gconstpointer a, gconstpointer b, gpointer user)
{
	const struct run *x = a, *y = b;
	if (x->leaves != y->leaves)
		return x->leaves < y->leaves ? -1 : 1;
	return x->job->number < y->job->number ? -1 : x->job->number > y->job->number;
}

static void
forget_end(struct run *run)
{
	g_clear_pointer(&run->ended, g_sequence_remove);
}

/* One that stays is removed on request, or when there are too many: the one that ended first. If
 * the clock was ahead then, its time begins now. */
static void
note_end(struct engine_runs *runs, struct run *run, gint64 now)
{
	const struct job *job = run->job;
	forget_end(run);
	run->leaves = MIN(job->ended, now) + (job->stays ? 0 : job->keep_us);
	run->ended = g_sequence_insert_sorted(job->stays ? runs->staying : runs->leaving, run,
					      by_leaving, NULL);
}

/* ---- changes ---- */

struct run *
engine_run(const struct engine *engine, const char *job_id)
{
	return job_id ? g_hash_table_lookup(engine->runs.by_id, job_id) : NULL;
}

void
engine_place_run(struct engine *engine, struct run *run)
{
	struct engine_runs *runs = &engine->runs;
	gboolean active = run->job->phase != PHASE_ENDED;
	gboolean running = active && run->job->phase != PHASE_WAIT;
	gboolean moved = set_present(runs->active, run, active);
	moved |= set_present(runs->running, run, running);
	if (active)
		forget_end(run);
	else
		note_end(runs, run, engine_now(engine));
	engine->queue_changed |= moved;
}

struct run *
engine_add_run(struct engine *engine, struct job *job)
{
	struct run *run = g_new0(struct run, 1);
	run->job = job;
	run->extents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					     (GDestroyNotify)g_bytes_unref);
	run->copying = g_hash_table_new(NULL, NULL);
	g_queue_init(&run->copies);
	g_queue_init(&run->stalled);
	set_present(engine->runs.all, run, TRUE);
	g_hash_table_insert(engine->runs.by_id, job->id, run);
	engine_place_run(engine, run);
	return run;
}

void
engine_replace_job(struct engine *engine, struct run *run, struct job *job)
{
	/* A point that is made no more lets its machines go; one that is suspended or not may be
	 * passed over or not. */
	engine->queue_changed |= (run->job->draft && !job->draft) || run->job->state != job->state;
	g_hash_table_remove(engine->runs.by_id, run->job->id);
	job_free(run->job);
	run->job = job;
	g_hash_table_insert(engine->runs.by_id, job->id, run);
	engine_place_run(engine, run);
}

void
engine_remove_run(struct engine *engine, struct run *run)
{
	struct engine_runs *runs = &engine->runs;
	forget_end(run);
	engine->queue_changed |= set_present(runs->active, run, FALSE);
	set_present(runs->running, run, FALSE);
	g_hash_table_remove(runs->by_id, run->job->id);
	set_present(runs->all, run, FALSE);
}

/* ---- looking ---- */

guint
engine_running(const struct engine *engine)
{
	return engine->runs.running->len;
}

guint
engine_waiting(const struct engine *engine)
{
	return engine->runs.active->len - engine->runs.running->len;
}

struct job *
engine_job(const struct engine *engine, const char *name, GError **error)
{
	const GPtrArray *all = engine->runs.all;
	g_autofree char *id = cairn_guid_normalize(name);
	guint64 number = 0;
	if (id) {
		const struct run *run = engine_run(engine, id);
		if (run)
			return run->job;
	} else if (g_ascii_string_to_unsigned(name, 10, 1, G_MAXINT64, &number, NULL)) {
		guint at = find_number(all, number);
		const struct run *run = at < all->len ? all->pdata[at] : NULL;
		if (run && run->job->number == number)
			return run->job;
	}
	g_set_error(
		error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
		"there is no job \"%s\" (a number or a GUID; ended jobs are kept for a while only)",
		name);
	return NULL;
}

json_t *
engine_job_view(const struct engine *engine, const struct job *job)
{
	const struct schedule *schedule = engine_schedule_by_id(engine, job->schedule);
	json_t *json = job_view(job, engine_now(engine));
	cairn_json_set_string(json, "schedule-name", schedule ? schedule->name : NULL);
	return json;
}

static GPtrArray *
jobs_of(const GPtrArray *runs)
{
	GPtrArray *jobs = g_ptr_array_sized_new(runs->len);
	for (guint i = 0; i < runs->len; i++)
		g_ptr_array_add(jobs, ((struct run *)runs->pdata[i])->job);
	return jobs;
}

GPtrArray *
engine_jobs(const struct engine *engine)
{
	return jobs_of(engine->runs.all);
}

GPtrArray *
engine_active_jobs(const struct engine *engine)
{
	return jobs_of(engine->runs.active);
}

guint
engine_job_count(const struct engine *engine)
{
	return engine->runs.all->len;
}

struct job *
engine_job_at(const struct engine *engine, guint index)
{
	return ((struct run *)engine->runs.all->pdata[index])->job;
}

guint
engine_job_after(const struct engine *engine, guint64 number)
{
	return find_number(engine->runs.all, number + (number < G_MAXUINT64));
}
