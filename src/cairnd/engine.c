/* The engine's frame: what it holds, its inbox, its clock. Jobs move in engine_jobs.c, wait in
 * engine_queue.c; groups and points are changed in engine_points.c. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "core/chain.h"

#define DEBT_RETRY	  (5 * G_USEC_PER_SEC)
#define PROGRESS_INTERVAL (G_USEC_PER_SEC / 4)

struct engine *
engine_new(struct store *store, const struct engine_limits *limits, const struct engine_io *io,
	   void *user, GError **error)
{
	cairn_auto(engine) engine = g_new0(struct engine, 1);
	engine->store = store;
	engine->configured = *limits;
	engine->queue = queue_new();
	engine->io = *io;
	engine->user = user;
	engine->next_job = 1;
	engine->groups = g_ptr_array_new_with_free_func((GDestroyNotify)group_free);
	engine->points = g_ptr_array_new_with_free_func((GDestroyNotify)point_free);
	engine->debts = g_ptr_array_new_with_free_func((GDestroyNotify)debt_free);
	engine_runs_init(&engine->runs);
	engine->errands = g_ptr_array_new_with_free_func((GDestroyNotify)errand_free);
	engine->schedules = g_ptr_array_new_with_free_func((GDestroyNotify)schedule_free);
	engine->zone = g_time_zone_new_local();
	engine->damaged = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_queue_init(&engine->inbox);
	if (!engine_load(engine, error))
		return NULL;
	return g_steal_pointer(&engine);
}

void
engine_free(struct engine *engine)
{
	if (!engine)
		return;
	g_ptr_array_unref(engine->groups);
	g_ptr_array_unref(engine->points);
	engine_runs_clear(&engine->runs);
	g_ptr_array_unref(engine->debts);
	g_ptr_array_unref(engine->errands);
	g_ptr_array_unref(engine->schedules);
	g_time_zone_unref(engine->zone);
	g_queue_clear_full(&engine->inbox, (GDestroyNotify)inbox_item_free);
	g_free(engine->instance);
	json_decref(engine->limits_set);
	queue_free(engine->queue);
	g_clear_pointer(&engine->away, g_hash_table_unref);
	g_hash_table_unref(engine->damaged);
	g_free(engine);
}

const char *
engine_instance(const struct engine *engine)
{
	return engine->instance;
}

gint64
engine_now(const struct engine *engine)
{
	return engine->io.now(engine->user);
}

void
engine_event(struct engine *engine, const char *name, json_t *data)
{
	engine->io.event(engine->user, name, data);
}

/* ---- what it holds ---- */

static gint
by_group_and_number(gconstpointer a, gconstpointer b)
{
	const struct point *const *x = a, *const *y = b;
	int order = strcmp((*x)->group, (*y)->group);
	if (order)
		return order;
	return (*x)->number < (*y)->number ? -1 : (*x)->number > (*y)->number;
}

void
engine_sort_points(struct engine *engine)
{
	g_ptr_array_sort(engine->points, by_group_and_number);
}

void
engine_add_point(struct engine *engine, struct point *point)
{
	g_ptr_array_add(engine->points, point);
	engine_sort_points(engine);
}

/* ---- the inbox: events are taken one after another, never inside one another ---- */

struct inbox_item *
inbox_item_new(const char *job, enum job_event_type type)
{
	struct inbox_item *item = g_new0(struct inbox_item, 1);
	item->job = g_strdup(job);
	item->event.type = type;
	return item;
}

void
inbox_item_free(struct inbox_item *item)
{
	g_free(item->job);
	g_clear_error(&item->error);
	g_free(item->vm);
	g_free(item->disk);
	point_member_free(item->member);
	g_clear_pointer(&item->window, g_ptr_array_unref);
	g_clear_pointer(&item->extents, g_hash_table_unref);
	g_clear_pointer(&item->changed, g_hash_table_unref);
	g_clear_pointer(&item->reasons, g_hash_table_unref);
	g_clear_pointer(&item->base_disks, g_hash_table_unref);
	g_free(item->base);
	g_free(item->base_reason);
	json_decref(item->result);
	json_decref(item->files);
	g_free(item);
}

void
engine_drain(struct engine *engine)
{
	if (engine->draining)
		return;
	engine->draining = TRUE;
	struct inbox_item *item;
	while ((item = g_queue_pop_head(&engine->inbox)))
		engine_step(engine, item);
	engine->draining = FALSE;
}

static void
set_event(struct inbox_item *item)
{
	item->event.error = item->error;
	item->event.vm = item->vm;
	item->event.disk = item->disk;
}

void
engine_post_first(struct engine *engine, struct inbox_item *item)
{
	struct run *run = engine_run(engine, item->job);
	if (!run || run->stalled.length == 0) {
		engine_post(engine, item);
		return;
	}
	set_event(item);
	const struct inbox_item *head = run->stalled.head->data;
	if (head->event.type == JOB_EVENT_RESTART)
		g_queue_insert_after(&run->stalled, run->stalled.head, item);
	else
		g_queue_push_head(&run->stalled, item);
}

void
engine_post(struct engine *engine, struct inbox_item *item)
{
	set_event(item);
	g_queue_push_tail(&engine->inbox, item);
	engine_drain(engine);
	/* Most events change nothing of who comes next, and the queue may be long. */
	if (engine->draining)
		return;
	if (engine->queue_changed)
		engine_schedule(engine);
	else
		engine_start_copies(engine);
}

/* ---- what the world tells ---- */

static void
window_fact_free(struct window_fact *fact)
{
	g_free(fact->vm);
	g_free(fact->reason);
	g_free(fact);
}

static void
copy_window(struct inbox_item *item, const struct window *window)
{
	gint64 first = 0, last = 0;
	item->window = g_ptr_array_new_with_free_func((GDestroyNotify)window_fact_free);
	for (guint i = 0; i < window->members->len; i++) {
		const struct window_member *member = window->members->pdata[i];
		struct window_fact *fact = g_new0(struct window_fact, 1);
		fact->vm = g_strdup(member->id);
		fact->reason = g_strdup(member->reason);
		fact->consistency = member->consistency;
		fact->frozen = member->frozen;
		fact->paused = member->paused;
		fact->begun = member->begun;
		fact->freeze_failed = member->freeze_failed;
		fact->stopped_at = member->stopped_at;
		fact->still_at = member->still_at;
		fact->begun_at = member->begun_at;
		fact->resumed_at = member->resumed_at;
		if (member->frozen_at)
			first = first ? MIN(first, member->frozen_at) : member->frozen_at;
		last = MAX(last, member->thawed_at);
		g_ptr_array_add(item->window, fact);
	}
	item->freeze_us = first && last > first ? last - first : 0;
}

static GHashTable *
ref_table(GHashTable *table)
{
	return table ? g_hash_table_ref(table) : NULL;
}

static void
copy_reply(struct inbox_item *item, const struct effect_reply *reply)
{
	item->has_reply = TRUE;
	item->member = reply->member ? point_member_copy(reply->member) : NULL;
	if (reply->window)
		copy_window(item, reply->window);
	item->extents = ref_table(reply->extents);
	item->changed = ref_table(reply->changed);
	item->reasons = ref_table(reply->reasons);
	item->base_disks = ref_table(reply->base_disks);
	item->base = g_strdup(reply->base);
	item->base_reason = g_strdup(reply->base_reason);
	item->flags_left = reply->flags_left;
	item->result = json_incref(reply->result);
	item->files = json_incref(reply->files);
}

void
engine_done(struct engine *engine, const char *job_id, const struct job_effect *effect,
	    const GError *error, const struct effect_reply *reply)
{
	struct run *run = engine_run(engine, job_id);
	if (!run)
		return;
	struct inbox_item *item = inbox_item_new(job_id, JOB_EVENT_DONE);
	item->event.effect = *effect;
	item->error = error ? g_error_copy(error) : NULL;
	if (effect->type == EFFECT_COPY)
		g_hash_table_remove(run->copying, GUINT_TO_POINTER(effect->index));
	if (reply)
		copy_reply(item, reply);
	engine_post(engine, item);
}

static gboolean
set_progress(struct job *job, guint disk, guint64 done, guint64 total, guint64 rate)
{
	struct job_disk *one = disk < job->disks->len ? job->disks->pdata[disk] : NULL;
	if (!one && job->kind != JOB_RETAIN)
		return FALSE;
	*(one ? &one->done_bytes : &job->work_done) = done;
	*(one ? &one->total_bytes : &job->work_total) = total;
	*(one ? &one->rate : &job->work_rate) = rate;
	return TRUE;
}

void
engine_progress(struct engine *engine, const char *job_id, guint disk, guint64 done, guint64 total,
		guint64 rate)
{
	struct run *run = engine_run(engine, job_id);
	if (!run || !set_progress(run->job, disk, done, total, rate))
		return;
	gint64 now = engine_now(engine);
	if (now - run->told < PROGRESS_INTERVAL)
		return;
	run->told = now;
	engine_event(engine, "JOB_PROGRESS", engine_job_view(engine, run->job));
}

void
engine_debt_paid(struct engine *engine, const char *debt_id, guint flags_left)
{
	for (guint i = 0; i < engine->debts->len; i++) {
		struct debt *debt = engine->debts->pdata[i];
		if (strcmp(debt->id, debt_id) != 0)
			continue;
		debt->paying = FALSE;
		debt->flags = flags_left;
		if (flags_left != 0)
			return;
		cairn_auto(store_txn) txn = store_txn_new();
		store_txn_delete(txn, KIND_DEBT, debt->id, STORE_ANY);
		/* If the store cannot forget it now, it is paid once more: that does no harm. */
		if (store_commit(engine->store, txn, NULL))
			g_ptr_array_remove_index(engine->debts, i);
		return;
	}
}

/* While a point is taken nobody else may resume or thaw its machines. Its PREPARE has paid what
 * they owed, so that this costs no time but until the window is over. */
static gboolean
is_being_taken(const struct engine *engine, const char *vm)
{
	const GPtrArray *running = engine->runs.running;
	for (guint i = 0; vm && i < running->len; i++) {
		const struct job *job = ((struct run *)running->pdata[i])->job;
		if ((job->phase == PHASE_PREPARE || job->phase == PHASE_WINDOW) && job->draft &&
		    point_find_member(job->draft, vm))
			return TRUE;
	}
	return FALSE;
}

static void
pay_debts(struct engine *engine, gint64 now)
{
	if (now < engine->debts_at)
		return;
	engine->debts_at = now + DEBT_RETRY;
	for (guint i = 0; i < engine->debts->len; i++) {
		struct debt *debt = engine->debts->pdata[i];
		if (debt->paying || is_being_taken(engine, debt->vm))
			continue;
		debt->paying = TRUE;
		debt->tries++;
		engine->io.pay(engine->user, debt);
	}
}

static void
expire_holds(struct engine *engine, gint64 now)
{
	for (guint i = 0; i < engine->points->len; i++) {
		struct point *point = engine->points->pdata[i];
		if (point->held && point->hold_until && now >= point->hold_until)
			engine_point_expire(engine, point, now);
	}
}

/* Events that the store could not take are tried again, in their order. */
static void
retry_stalled(struct engine *engine)
{
	for (guint i = 0; i < engine->runs.active->len; i++) {
		struct run *run = engine->runs.active->pdata[i];
		for (guint n = run->stalled.length; n > 0; n--) {
			struct inbox_item *item = g_queue_pop_head(&run->stalled);
			/* Whether it is still this job's turn is asked again. */
			if (item->event.type == JOB_EVENT_ADMIT)
				inbox_item_free(item);
			else
				g_queue_push_tail(&engine->inbox, item);
		}
	}
	engine_drain(engine);
}

void
engine_tick(struct engine *engine)
{
	gint64 now = engine_now(engine);
	engine_look_at_clock(engine);
	retry_stalled(engine);
	engine_store_released(engine);
	expire_holds(engine, now);
	engine_age(engine, now);
	engine_save_running(engine, now);
	engine_tick_schedules(engine, now);
	engine_schedule(engine);
	if (!engine->started)
		return;
	pay_debts(engine, now);
	engine_run_errands(engine, now);
}
