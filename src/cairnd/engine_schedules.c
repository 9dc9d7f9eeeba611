/* Schedules: the list, the clock, and what people ask. Each event is a step on a copy, stored with
 * the jobs of the run that comes of it (engine_schedule_runs.c), and only then put in place. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"

#define RETRY_AFTER   (5 * G_USEC_PER_SEC)  /* when the store could not take a step */
#define ZONE_INTERVAL (60 * G_USEC_PER_SEC) /* how long another time zone may go unseen */
#define DUE_AT_ONCE   20		    /* in one tick: each is a commit or two */

/* ---- the list ---- */

GPtrArray *
engine_schedules(const struct engine *engine)
{
	return engine->schedules;
}

static struct schedule *
by_name(const struct engine *engine, const char *name)
{
	for (guint i = 0; i < engine->schedules->len; i++) {
		struct schedule *schedule = engine->schedules->pdata[i];
		if (strcmp(schedule->name, name) == 0)
			return schedule;
	}
	return NULL;
}

struct schedule *
engine_schedule_by_id(const struct engine *engine, const char *id)
{
	for (guint i = 0; id && i < engine->schedules->len; i++) {
		struct schedule *schedule = engine->schedules->pdata[i];
		if (strcmp(schedule->id, id) == 0)
			return schedule;
	}
	return NULL;
}

struct schedule *
engine_schedule_find(const struct engine *engine, const char *name, GError **error)
{
	g_autofree char *id = cairn_guid_normalize(name);
	struct schedule *schedule = id ? engine_schedule_by_id(engine, id) : by_name(engine, name);
	if (!schedule)
		cairn_fail(error, CAIRN_ERROR_NOT_FOUND,
			   "there is no schedule \"%s\": `cairn schedule list` shows them", name);
	return schedule;
}

/* As they are now, borrowed: a step may change their order, or take one out. */
static GPtrArray *
all_of(const struct engine *engine)
{
	GPtrArray *all = g_ptr_array_new();
	g_ptr_array_extend(all, engine->schedules, NULL, NULL);
	return all;
}

gboolean
engine_schedule_leads_to(const struct engine *engine, const struct schedule *schedule,
			 const char *id)
{
	for (guint i = 0; schedule && i <= SCHEDULES_MAX; i++) {
		if (g_strcmp0(schedule->id, id) == 0)
			return TRUE;
		if (schedule->recovery.action != RECOVERY_RUN_JOB || !schedule->recovery.other)
			return FALSE;
		schedule = engine_schedule_find(engine, schedule->recovery.other, NULL);
	}
	return schedule != NULL;
}

GPtrArray *
engine_schedules_of(const struct engine *engine, const char *group)
{
	GPtrArray *found = g_ptr_array_new();
	for (guint i = 0; i < engine->schedules->len; i++) {
		struct schedule *schedule = engine->schedules->pdata[i];
		if (strcmp(schedule->group, group) == 0)
			g_ptr_array_add(found, schedule);
	}
	return found;
}

json_t *
engine_schedule_view(const struct engine *engine, const struct schedule *schedule)
{
	json_t *json = schedule_view(schedule, engine_now(engine), engine->zone);
	const struct schedule *other =
		schedule->recovery.action == RECOVERY_RUN_JOB
			? engine_schedule_by_id(engine, schedule->recovery.other)
			: NULL;
	cairn_json_set_string(json, "recovery-schedule", other ? other->name : NULL);
	return json;
}

static void
tell(struct engine *engine, const struct schedule *schedule)
{
	engine_event(engine, "SCHEDULE_CHANGED", engine_schedule_view(engine, schedule));
}

static gint
order_names(gconstpointer a, gconstpointer b)
{
	return strcmp((*(struct schedule *const *)a)->name, (*(struct schedule *const *)b)->name);
}

/* When one that has ended is forgotten, as a job is (TimeBeforeRemoval); 0: never. */
static gint64
removal(const struct schedule *schedule)
{
	return job_state_final(schedule->state) && schedule->state != JOB_EXCEPTION &&
			       schedule->delete_on_completion
		       ? schedule->state_changed + schedule->keep_us
		       : 0;
}

/* When the clock has to look at it again; 0: never. */
static gint64
wake_of(const struct engine *engine, const struct schedule *schedule)
{
	gint64 end = removal(schedule);
	if (end)
		return engine->clock.since ? 0 : end;
	return schedule_wake(schedule);
}

static void
find_next(struct engine *engine)
{
	engine->schedules_at = 0;
	for (guint i = 0; i < engine->schedules->len; i++) {
		gint64 wake = wake_of(engine, engine->schedules->pdata[i]);
		if (wake && (!engine->schedules_at || wake < engine->schedules_at))
			engine->schedules_at = wake;
	}
}

/* The caller may hold the pointer, so the contents change places. */
static void
put_in_place(struct engine *engine, struct schedule *schedule, struct schedule *changed)
{
	struct schedule old = *schedule;
	*schedule = *changed;
	*changed = old;
	tell(engine, schedule);
}

static void
add_new(struct engine *engine, struct schedule *schedule)
{
	g_ptr_array_add(engine->schedules, schedule);
	tell(engine, schedule);
}

void
engine_adopt_schedules(struct engine *engine, struct engine_commit *out)
{
	if (out->schedules->len == 0)
		return;
	for (guint i = 0; i < out->schedules->len; i++) {
		struct schedule *changed = out->schedules->pdata[i];
		struct schedule *schedule = engine_schedule_by_id(engine, changed->id);
		if (schedule)
			put_in_place(engine, schedule, changed);
		else
			add_new(engine, g_ptr_array_steal_index(out->schedules, i--));
	}
	g_ptr_array_sort(engine->schedules, order_names);
	find_next(engine);
}

/* ---- one event ---- */

/* It is asked to stop; if it has just ended, that is as good. */
static void
stop_job(struct engine *engine, const char *id)
{
	const struct run *run = engine_run(engine, id);
	if (run && run->job->phase != PHASE_ENDED)
		engine_control(engine, run->job, VERB_TERMINATE, NULL);
}

static void
stop_run(struct engine *engine, const struct schedule *schedule)
{
	const struct run *run = engine_run(engine, schedule->job);
	g_autofree char *export = g_strdup(schedule->job);
	g_autofree char *point = g_strdup(run ? run->job->after : NULL);
	stop_job(engine, export);
	stop_job(engine, point);
}

gboolean
engine_commit_store(struct engine *engine, struct engine_commit *out, GError **error)
{
	engine_batch_put_groups(&out->batch, out->txn);
	if (!store_commit(engine->store, out->txn, error))
		return FALSE;
	engine_batch_adopt(engine, &out->batch);
	engine_adopt_schedules(engine, out);
	return TRUE;
}

/* Stores @changed, a copy, which is taken over, after it has heard @event. */
static gboolean
commit(struct engine *engine, struct schedule *changed, const struct schedule_event *event,
       struct schedule_effects *ret_effects, GError **error)
{
	struct engine_commit out;
	engine_commit_init(&out);
	engine_commit_schedule_step(engine, &out, changed, event, ret_effects);
	gboolean changes = ret_effects->store || ret_effects->start;
	gboolean ok = !changes || engine_commit_store(engine, &out, error);
	engine_commit_clear(&out);
	return ok;
}

static gboolean
step(struct engine *engine, struct schedule *schedule, const struct schedule_event *event,
     GError **error)
{
	struct schedule_effects effects;
	if (!commit(engine, schedule_copy(schedule), event, &effects, error))
		return FALSE;
	if (effects.stop_run)
		stop_run(engine, schedule);
	return TRUE;
}

/* ---- the clock ---- */

/* One that has ended hears nothing any more, and is forgotten in time. */
static gboolean
hear(struct engine *engine, struct schedule *schedule, enum schedule_event_type type,
     GError **error)
{
	const struct schedule_event event = {.type = type};
	return removal(schedule) ? engine_schedule_delete(engine, schedule, error)
				 : step(engine, schedule, &event, error);
}

/* Those that are due, or all others, hear @type without a person who asked: a store that is full is
 * tried again. Many may be due at once: the rest waits for the next tick. */
static void
step_all(struct engine *engine, enum schedule_event_type type, gboolean due)
{
	gint64 now = engine_now(engine), retry = 0;
	g_autoptr(GPtrArray) all = all_of(engine);
	for (guint i = 0, n = 0; i < all->len && (!due || n < DUE_AT_ONCE); i++) {
		struct schedule *schedule = all->pdata[i];
		gint64 wake = wake_of(engine, schedule);
		g_autoptr(GError) error = NULL;
		if ((wake && wake <= now) != due || (!due && removal(schedule)))
			continue;
		n++;
		if (hear(engine, schedule, type, &error))
			continue;
		g_warning("cannot store schedule \"%s\", will try again: %s", schedule->name,
			  error->message);
		retry = now + RETRY_AFTER;
	}
	find_next(engine);
	if (retry)
		engine->schedules_at = retry;
	engine_schedule(engine);
}

/* Whether the administrator has chosen another one. */
static gboolean
zone_has_changed(struct engine *engine, gint64 now)
{
	if (ABS(engine->zone_at - now) < ZONE_INTERVAL)
		return FALSE;
	g_autoptr(GTimeZone) zone = g_time_zone_new_local();
	engine->zone_at = now;
	if (strcmp(g_time_zone_get_identifier(zone), g_time_zone_get_identifier(engine->zone)) == 0)
		return FALSE;
	g_time_zone_unref(engine->zone);
	engine->zone = g_steal_pointer(&zone);
	return TRUE;
}

void
engine_tick_schedules(struct engine *engine, gint64 now)
{
	if (!engine->started || engine->schedules->len == 0)
		return;
	if (zone_has_changed(engine, now))
		step_all(engine, SCHEDULE_CLOCK_SET, FALSE);
	if (engine->schedules_at && now >= engine->schedules_at)
		step_all(engine, SCHEDULE_TICK, TRUE);
}

void
engine_schedules_clock_set(struct engine *engine)
{
	if (engine->started)
		step_all(engine, SCHEDULE_CLOCK_SET, FALSE);
}

/* A job's end and what its schedule makes of it are one transaction; that one has ended unheard can
 * only be when the store was put together by hand. */
static void
hear_of_run(struct engine *engine, struct schedule *schedule)
{
	const struct run *run = engine_run(engine, schedule->job);
	if ((schedule->state != JOB_RUNNING && schedule->state != JOB_SHUTTING_DOWN) ||
	    (run && run->job->phase != PHASE_ENDED))
		return;
	struct schedule_event event = {.type = SCHEDULE_RUN_ENDED,
				       .outcome = run ? run->job->state : JOB_EXCEPTION};
	struct schedule_effects effects;
	commit(engine, schedule_copy(schedule), &event, &effects, NULL);
}

void
engine_start_schedules(struct engine *engine)
{
	g_autoptr(GPtrArray) all = all_of(engine);
	for (guint i = 0; i < all->len; i++)
		hear_of_run(engine, all->pdata[i]);
	step_all(engine, SCHEDULE_TICK, FALSE);
}

/* ---- loading ---- */

gboolean
engine_load_schedule(struct engine *engine, const json_t *json, GError **error)
{
	struct schedule *schedule = schedule_from_json(json, error);
	if (!schedule)
		return FALSE;
	const struct group *group = engine_group_by_id(engine, schedule->group);
	if (group) {
		g_free(schedule->group_name);
		schedule->group_name = g_strdup(group->name);
	}
	g_ptr_array_add(engine->schedules, schedule);
	g_ptr_array_sort(engine->schedules, order_names);
	return TRUE;
}

/* ---- requests ---- */

gboolean
engine_schedule_control_forget(struct engine *engine, struct schedule *schedule,
			       enum schedule_event_type type, enum job_forget forget,
			       GError **error)
{
	const struct schedule_event event = {.type = type, .forget = forget};
	if (forget != FORGET_AS_SET && type != SCHEDULE_TERMINATE)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "argument \"forget\" belongs to terminate");
	if (!schedule_control_check(schedule, type, error) ||
	    !step(engine, schedule, &event, error))
		return FALSE;
	engine_schedule(engine);
	return TRUE;
}

gboolean
engine_schedule_control(struct engine *engine, struct schedule *schedule,
			enum schedule_event_type type, GError **error)
{
	return engine_schedule_control_forget(engine, schedule, type, FORGET_AS_SET, error);
}

static void
forget(struct engine *engine, struct schedule *schedule)
{
	json_t *data = json_object();
	cairn_json_set_string(data, "id", schedule->id);
	cairn_json_set_string(data, "name", schedule->name);
	cairn_json_set_string(data, "group", schedule->group);
	engine_event(engine, "SCHEDULE_DELETED", data);
	g_ptr_array_remove(engine->schedules, schedule);
}

gboolean
engine_schedule_delete(struct engine *engine, struct schedule *schedule, GError **error)
{
	cairn_auto(store_txn) txn = store_txn_new();
	store_txn_delete(txn, KIND_SCHEDULE, schedule->id, STORE_ANY);
	if (!store_commit(engine->store, txn, error))
		return FALSE;
	forget(engine, schedule);
	find_next(engine);
	return TRUE;
}

void
engine_rename_schedules(struct engine *engine, const struct group *group)
{
	g_autoptr(GPtrArray) schedules = engine_schedules_of(engine, group->id);
	for (guint i = 0; i < schedules->len; i++) {
		struct schedule *schedule = schedules->pdata[i];
		g_free(schedule->group_name);
		schedule->group_name = g_strdup(group->name);
		tell(engine, schedule);
	}
}

void
engine_drop_schedules(struct engine *engine, GPtrArray *schedules)
{
	for (guint i = 0; i < schedules->len; i++)
		forget(engine, schedules->pdata[i]);
	find_next(engine);
}
