/* Which job comes next. One job of a group runs at a time; core/queue.h has the order of the
 * others. Which disk copy comes next is in engine_places.c. */
#include "cairnd/engine_private.h"

#include "base/error.h"

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
	GHashTable *order; /* group GUID -> struct queue_order *: what its next point waits for */
	GHashTable *taken; /* set of UUIDs of machines in a point that is being made */
	guint running;
	gboolean unstored; /* the store does not know yet that the data of a point was let go */
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

/* The job that must come before has ended, well or not, or is forgotten. */
static gboolean
is_next(const struct engine *engine, const struct job *job)
{
	const struct run *before = engine_run(engine, job->after);
	return !before || before->job->phase == PHASE_ENDED;
}

static void
add_order(struct way *way, const struct engine *engine, const struct job *job, gint64 now)
{
	struct queue_order *order = g_hash_table_lookup(way->order, job->group);
	if (!order) {
		order = g_new0(struct queue_order, 1);
		g_hash_table_insert(way->order, g_strdup(job->group), order);
	}
	queue_order_add(order, job, !queue_delayed(job, now) && is_next(engine, job));
}

static void
way_find(struct way *way, const struct engine *engine, gint64 now)
{
	way->busy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	way->order = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	way->taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	way->running = 0;
	const GPtrArray *active = engine->runs.active;
	for (guint i = 0; i < active->len; i++) {
		const struct job *job = ((struct run *)active->pdata[i])->job;
		add_running(way, job);
		add_order(way, engine, job, now);
	}
	way->unstored = engine_any_unstored(engine);
}

static void
way_clear(struct way *way)
{
	g_hash_table_unref(way->busy);
	g_hash_table_unref(way->order);
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
	const struct queue_order *order = g_hash_table_lookup(way->order, job->group);
	if ((order && queue_order_waits(order, job)) || engine_missing_host(engine, job))
		return TRUE;
	/* A daemon that is killed now would take that data for held until the host tells otherwise,
	 * and a point that goes on before would find the old backup jobs on its machines. */
	return job->kind == JOB_POINT_CREATE &&
	       (way->unstored || shares_machine(engine, way, job) || is_resuming(engine, job));
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

/* Those that may begin as far as they themselves are concerned, in the order of their turns. */
static GArray *
find_waiting(const struct engine *engine, gint64 now)
{
	gint64 starve_after = (gint64)engine->limits.starve_seconds * G_USEC_PER_SEC;
	GArray *waiting = g_array_new(FALSE, FALSE, sizeof(struct queue_entry));
	const GPtrArray *active = engine->runs.active;
	for (guint i = 0; i < active->len; i++) {
		struct run *run = active->pdata[i];
		if (run->job->phase != PHASE_WAIT || job_is_held(run->job) ||
		    run->stalled.length > 0 || queue_delayed(run->job, now))
			continue;
		struct queue_entry entry;
		queue_entry_init(&entry, engine->queue, run->job, now, starve_after);
		entry.user = run;
		g_array_append_val(waiting, entry);
	}
	g_array_sort(waiting, queue_entry_compare);
	return waiting;
}

static void
try_to_begin(struct engine *engine, struct way *way, struct run *run)
{
	if (run->job->phase != PHASE_WAIT || must_wait(engine, way, run->job) ||
	    !came_after(engine, run->job))
		return;
	engine_post(engine, inbox_item_new(run->job->id, JOB_EVENT_ADMIT));
	if (run->job->phase != PHASE_WAIT)
		queue_took(engine->queue, run->job);
	add_running(way, run->job);
}

static void
schedule_once(struct engine *engine)
{
	struct way way;
	gint64 now = engine_now(engine);
	way_find(&way, engine, now);
	if (way.running < engine->limits.max_jobs) {
		g_autoptr(GArray) waiting = find_waiting(engine, now);
		for (guint i = 0; i < waiting->len && way.running < engine->limits.max_jobs; i++)
			try_to_begin(engine, &way,
				     g_array_index(waiting, struct queue_entry, i).user);
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
