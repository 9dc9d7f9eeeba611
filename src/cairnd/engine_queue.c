/* Which job and which disk copy comes next. One job of a group runs at a time; lower priority
 * numbers come first, then lower job numbers; a point waits for all jobs of its group that were
 * asked for before it: it replaces the data that exports need, and points are numbered in the order
 * in which they are taken. */
#include "cairnd/engine_private.h"

#include "base/error.h"

static gint
by_priority(gconstpointer a, gconstpointer b)
{
	const struct job *x = (*(struct run *const *)a)->job, *y = (*(struct run *const *)b)->job;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static gboolean
is_running(const struct job *job)
{
	return job->phase != PHASE_WAIT && job->phase != PHASE_ENDED;
}

/* A machine of @job's group that is being resumed or thawed just now could run again in the middle
 * of the pause. */
static gboolean
is_resuming(const struct engine *engine, const struct job *job)
{
	const struct group *group = engine_group_by_id(engine, job->group);
	for (guint i = 0; group && i < engine->debts->len; i++) {
		const struct debt *debt = engine->debts->pdata[i];
		if (debt->paying && debt->flags & (DEBT_THAW | DEBT_RESUME) &&
		    group_find_member(group, debt->vm))
			return TRUE;
	}
	return FALSE;
}

/* What the jobs that have not ended stand in the way of, found in one pass over
 * them. */
struct way {
	GHashTable *busy;  /* set of group GUIDs that have a running job */
	GHashTable *first; /* group GUID -> guint64 *: its lowest job number */
	GHashTable *taken; /* set of UUIDs of machines in a point that is being made */
	guint running;
};

static void
take_machines(GHashTable *taken, const struct point *draft)
{
	for (guint i = 0; draft && i < draft->members->len; i++)
		g_hash_table_add(taken,
				 g_strdup(((struct point_member *)draft->members->pdata[i])->id));
}

static void
add_running(struct way *way, const struct job *job)
{
	if (!is_running(job))
		return;
	way->running++;
	g_hash_table_add(way->busy, g_strdup(job->group));
	take_machines(way->taken, job->draft);
}

static void
way_find(struct way *way, const struct engine *engine)
{
	way->busy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	way->first = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	way->taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	way->running = 0;
	const GPtrArray *active = engine->runs.active;
	for (guint i = 0; i < active->len; i++) {
		const struct job *job = ((struct run *)active->pdata[i])->job;
		add_running(way, job);
		guint64 *first = g_hash_table_lookup(way->first, job->group);
		if (first) {
			*first = MIN(*first, job->number);
			continue;
		}
		first = g_new(guint64, 1);
		*first = job->number;
		g_hash_table_insert(way->first, g_strdup(job->group), first);
	}
}

static void
way_clear(struct way *way)
{
	g_hash_table_unref(way->busy);
	g_hash_table_unref(way->first);
	g_hash_table_unref(way->taken);
}

/* Two groups may share machines: one window would resume what the other has paused. */
static gboolean
shares_machine(const struct engine *engine, const struct way *way, const struct job *job)
{
	const struct group *group = engine_group_by_id(engine, job->group);
	for (guint i = 0; group && i < group->members->len; i++)
		if (g_hash_table_contains(way->taken,
					  ((struct group_member *)group->members->pdata[i])->id))
			return TRUE;
	return FALSE;
}

static gboolean
must_wait(const struct engine *engine, const struct way *way, const struct job *job)
{
	if (g_hash_table_contains(way->busy, job->group))
		return TRUE;
	if (job->kind != JOB_POINT_CREATE)
		return FALSE;
	const guint64 *first = g_hash_table_lookup(way->first, job->group);
	return (first && *first < job->number) || shares_machine(engine, way, job) ||
	       is_resuming(engine, job);
}

/* The job that must come before: TRUE when it has ended well. A failed one fails this one. */
static gboolean
came_after(struct engine *engine, struct job *job)
{
	if (!job->after)
		return TRUE;
	const struct run *before = engine_run(engine, job->after);
	const struct job *first = before ? before->job : NULL;
	if (first && first->phase != PHASE_ENDED)
		return FALSE;
	if (!first || first->outcome == 0)
		return TRUE; /* removed after its end: the point's own state decides */
	struct inbox_item *item = inbox_item_new(job->id, JOB_EVENT_FAIL);
	g_autofree char *why = job_status_text(first);
	item->error = g_error_new(CAIRN_ERROR, CAIRN_ERROR_CANCELLED,
				  "the point was not taken (job %llu): %s",
				  (unsigned long long)first->number, why);
	const struct job_error *cause = first->errors->len ? first->errors->pdata[0] : NULL;
	if (cause)
		item->error->code = cause->code;
	engine_post(engine, item);
	return FALSE;
}

static GPtrArray *
sorted_runs(const struct engine *engine, gboolean waiting)
{
	GPtrArray *runs = g_ptr_array_new();
	const GPtrArray *from = waiting ? engine->runs.active : engine->runs.running;
	for (guint i = 0; i < from->len; i++) {
		struct run *run = from->pdata[i];
		if (is_running(run->job) != waiting)
			g_ptr_array_add(runs, run);
	}
	g_ptr_array_sort(runs, by_priority);
	return runs;
}

static void
schedule_once(struct engine *engine)
{
	struct way way;
	way_find(&way, engine);
	g_autoptr(GPtrArray) waiting = sorted_runs(engine, TRUE);
	for (guint i = 0; i < waiting->len && way.running < engine->limits.max_jobs; i++) {
		struct run *run = waiting->pdata[i];
		if (run->job->state == JOB_SUSPENDED || run->stalled.length > 0 ||
		    run->job->phase != PHASE_WAIT || must_wait(engine, &way, run->job) ||
		    !came_after(engine, run->job))
			continue;
		engine_post(engine, inbox_item_new(run->job->id, JOB_EVENT_ADMIT));
		add_running(&way, run->job);
	}
	way_clear(&way);
}

void
engine_schedule(struct engine *engine)
{
	if (!engine->started || engine->draining)
		return;
	/* A job that ends as soon as it begins asks for the next: not from within, there may be
	 * thousands. */
	engine->schedule_again = TRUE;
	if (engine->scheduling)
		return;
	engine->scheduling = TRUE;
	while (engine->schedule_again) {
		engine->schedule_again = FALSE;
		engine->queue_changed = FALSE;
		schedule_once(engine);
	}
	engine->scheduling = FALSE;
	engine_start_copies(engine);
}

void
engine_start_copies(struct engine *engine)
{
	guint running = 0;
	g_autoptr(GPtrArray) runs = sorted_runs(engine, FALSE);
	/* A suspended job keeps its copies, but not others from copying. */
	for (guint i = 0; i < runs->len; i++) {
		const struct run *run = runs->pdata[i];
		if (run->job->state != JOB_SUSPENDED)
			running += g_hash_table_size(run->copying);
	}
	for (guint i = 0; i < runs->len; i++) {
		struct run *run = runs->pdata[i];
		while (running < engine->limits.max_copies && run->copies.length > 0 &&
		       run->job->state != JOB_SUSPENDED) {
			guint index = GPOINTER_TO_UINT(g_queue_pop_head(&run->copies));
			g_hash_table_add(run->copying, GUINT_TO_POINTER(index));
			running++;
			struct job_effect effect = {EFFECT_COPY, index};
			engine->io.effect(engine->user, run->job, &effect);
		}
	}
}
