/* What the engine's files share. */
#pragma once

#include "cairnd/engine.h"
#include "cairnd/engine_schedules.h"

#include "base/json.h"
#include "core/queue.h"

#define KIND_META     "meta"
#define KIND_GROUP    "group"
#define KIND_POINT    "point"
#define KIND_EXTENTS  "extents"
#define KIND_JOB      "job"
#define KIND_DEBT     "debt"
#define KIND_ERRAND   "errand"
#define KIND_SCHEDULE "schedule"

/* One event for a job, kept until the store has taken what came of it. */
struct inbox_item {
	char *job;
	struct job_event event; /* error, vm, disk point to the copies below */
	GError *error;
	char *vm, *disk;
	/* copies of a reply */
	struct point_member *member;
	GPtrArray *window; /* struct window_fact */
	gboolean barrier_kept;
	gint64 freeze_us;
	GHashTable *extents, *changed, *reasons, *base_disks;
	char *base, *base_reason;
	guint flags_left;
	gboolean has_reply;
	json_t *result, *files;
	guint missing; /* RETAIN: exports that are gone and that nobody removed, as applied */
};

struct window_fact {
	char *vm, *reason;
	enum consistency consistency;
	gboolean frozen, paused, begun, freeze_failed;
	gint64 stopped_at, still_at, begun_at, resumed_at;
};

/* A job and what is not stored of it. */
struct run {
	struct job *job;
	GHashTable *extents; /* "VM/TARGET" -> GBytes; until the point is committed */
	GQueue copies;	     /* indexes of disks whose copy waits for a place: GUINT_TO_POINTER */
	GHashTable *copying; /* set of indexes of disks being copied */
	GQueue stalled;	     /* struct inbox_item that the store could not take */
	gint64 told;	     /* when the last progress event was sent */
	gint64 copies_since; /* since when disks wait and none is copied; 0: not so */
	gboolean waits_for_host; /* after a restart: nothing of it is under way */
	GSequenceIter *ended;	 /* its place in the queue of those that have ended; NULL */
	gint64 leaves;		 /* orders that queue: when it may leave, microseconds since 1970 */
};

/* The jobs in memory, in each order in which they are looked for (engine_runs.c). */
struct engine_runs {
	GPtrArray *all;	    /* struct run, by number */
	GPtrArray *active;  /* of them those that have not ended, by number; borrowed */
	GPtrArray *running; /* of these those that do not wait, by number */
	GHashTable *by_id;  /* job GUID -> struct run */
	GSequence *leaving; /* ended ones, by the time of their removal */
	GSequence
		*staying; /* ended ones that stay until they are removed on request, by their end */
};

/* Times in microseconds since 1970; see engine_clock.c. */
struct engine_clock {
	gint64 sure; /* where it was seen and believed last */
	gint64 since,
		seen;	/* it is doubted: since where, and where it was seen last; 0: it is not */
	gint64 kept_at; /* when the store was told */
};

struct engine {
	struct store *store;
	struct engine_clock clock;
	struct engine_limits limits, configured;
	json_t *limits_set; /* name -> number: over the configuration's */
	struct queue *queue;
	struct engine_io io;
	void *user;
	char *instance;
	GPtrArray *groups;  /* struct group */
	GPtrArray *points;  /* struct point, by group and number */
	GPtrArray *debts;   /* struct debt */
	GPtrArray *errands; /* struct errand */
	struct engine_runs runs;
	guint64 next_job;
	GQueue inbox; /* struct inbox_item */
	gboolean draining;
	gboolean scheduling, schedule_again;
	gboolean queue_changed; /* another job may begin now */
	gboolean started;
	gint64 debts_at;      /* when they are tried again */
	gint64 forget_at;     /* when the history is looked at again */
	GHashTable *damaged;  /* set of ids of its rows that were told to be unreadable */
	GHashTable *away;     /* set of URIs: hosts that have not answered since the start; NULL */
	gint64 saved_at;      /* when the running jobs were stored as they are */
	GPtrArray *schedules; /* struct schedule, by name */
	gint64 schedules_at;  /* when the next of them has something to do; 0: never */
	GTimeZone *zone;      /* of local time */
	gint64 started_at;
	gint64 zone_at; /* when it is looked at again */
};

gint64 engine_now(const struct engine *engine);
void engine_event(struct engine *engine, const char *name, json_t *data);

/* engine_runs.c */
void engine_runs_init(struct engine_runs *runs);
void engine_runs_clear(struct engine_runs *runs);
struct run *engine_run(const struct engine *engine, const char *job_id);
/* Takes @job over, which has a number that no other has. */
struct run *engine_add_run(struct engine *engine, struct job *job);
/* Puts @job, which is taken over, in the place of the run's. */
void engine_replace_job(struct engine *engine, struct run *run, struct job *job);
/* After a change of the run's job: its phase, its end, how long it is kept. */
void engine_place_run(struct engine *engine, struct run *run);
void engine_remove_run(struct engine *engine, struct run *run);

/* engine_clock.c */
/* @newest: of what the store knows to have happened; 0: it does not know. */
void engine_load_clock(struct engine *engine, gint64 newest);
/* While engine->clock.since is not 0, nothing is removed for its age. */
void engine_look_at_clock(struct engine *engine);

/* engine_history.c */
/* Moves ended jobs whose time is over to the history, and forgets what is too old there. */
void engine_age(struct engine *engine, gint64 now);
/* Numbers go on after the newest. *@ret_newest: when that ended; 0: it is not known. */
gboolean engine_history_load(struct engine *engine, gint64 *ret_newest, GError **error);

/* engine.c */
void engine_post(struct engine *engine, struct inbox_item *item);
/* Takes the events of the inbox, if nobody is about it. */
void engine_drain(struct engine *engine);
/* Before the events of its job that wait for the store: a point must not be made of data that is
 * lost. */
void engine_post_first(struct engine *engine, struct inbox_item *item);
void inbox_item_free(struct inbox_item *item);
struct inbox_item *inbox_item_new(const char *job, enum job_event_type type);
/* Takes ownership. */
void engine_add_point(struct engine *engine, struct point *point);
void engine_sort_points(struct engine *engine);

/* engine_store.c: objects into transactions. The versions in memory are raised by engine_commit_*.
 */
void engine_put_json(struct store_txn *txn, const char *kind, const char *id, json_t *json);
void engine_put_group(struct store_txn *txn, const struct group *group);
void engine_put_point(struct store_txn *txn, const struct point *point);
void engine_put_job(struct store_txn *txn, const struct job *job);
void engine_put_schedule(struct store_txn *txn, const struct schedule *schedule);
void engine_put_debts(struct store_txn *txn, const GPtrArray *debts);
/* Deletes the point with its extents. */
void engine_drop_point(struct store_txn *txn, const struct point *point);
gboolean engine_load(struct engine *engine, GError **error);

/* engine_groups.c */
struct group *engine_group_by_id(const struct engine *engine, const char *id);

/* engine_points.c */
/* What is owed of @point when its data was let go while the store had no space: the debts are not
 * stored either, and must be in the first transaction that stores or deletes the point. */
void engine_put_unstored(const struct engine *engine, struct store_txn *txn,
			 const struct point *point);
/* Lets the data of @point go, whose time is over, unless a job needs it now. */
void engine_point_expire(struct engine *engine, struct point *point, gint64 now);
/* Whether the store does not know of data that was let go when it had no space. */
gboolean engine_any_unstored(const struct engine *engine);
/* Tells the store of it. */
void engine_store_released(struct engine *engine);
/* Debts that end the hold of @point on all members; appended to @debts. */
void engine_hold_debts(const struct point *point, GPtrArray *debts, guint flags);
/* Debts for the unfinished exports of @point, or for the one in @directory. */
void engine_partial_debts(const struct point *point, GPtrArray *debts);
struct debt *engine_partial_debt(const struct point *point, const char *directory);
void engine_adopt_debts(struct engine *engine, GPtrArray *debts);
/* The point of @group whose data is held; NULL. */
struct point *engine_held(const struct engine *engine, const char *group);
void engine_replace_point(struct engine *engine, struct point *point);
/* A copy of @point whose data is let go, to be stored with the debts appended to @debts and put in
 * place with engine_replace_point(). */
struct point *engine_released(const struct point *point, const char *reason, GPtrArray *debts);
void engine_point_event(struct engine *engine, const char *name, const struct point *point);

/* engine_jobs.c */
void engine_step(struct engine *engine, struct inbox_item *item);
/* engine_submit.c: new jobs as a part of a transaction */
struct engine_batch {
	GPtrArray *jobs;   /* struct job */
	GPtrArray *groups; /* struct group: copies that gave a point its number */
};
void engine_batch_init(struct engine_batch *batch);
void engine_batch_clear(struct engine_batch *batch);
/* Checks and numbers the jobs and puts them into @txn; @second (may be NULL) exports the point that
 * @first takes. Both are taken over in any case. On failure nothing of them is in @txn. */
gboolean engine_batch_add(struct engine *engine, struct engine_batch *batch, struct store_txn *txn,
			  struct job *first, struct job *second, GError **error);
/* Before @txn is committed, once: the groups that gave numbers to points. */
void engine_batch_put_groups(const struct engine_batch *batch, struct store_txn *txn);
/* After @txn was committed: the jobs are the engine's and clients are told. The caller calls
 * engine_schedule() when it is done. */
void engine_batch_adopt(struct engine *engine, struct engine_batch *batch);

/* engine_commit.c: what is stored with a job's step and put in place after it */
struct engine_commit {
	struct store_txn *txn;
	GPtrArray *debts;
	struct point *point;	   /* to be put in place */
	struct point *replaced;	   /* another one: the hold that the new point ends */
	struct group *group;	   /* a copy whose next number counts */
	GPtrArray *renamed;	   /* struct job: copies of those whose point has another name */
	struct engine_batch batch; /* new jobs that come of it */
	GPtrArray *schedules;	   /* struct schedule: changed copies */
	GPtrArray *errands;	   /* struct errand: new ones */
	GPtrArray *points;	   /* struct point: changed copies, after a retention */
	GPtrArray *gone;	   /* char *: GUIDs of those that are deleted */
};
void engine_commit_init(struct engine_commit *out);
void engine_commit_clear(struct engine_commit *out);
gboolean engine_store_step(struct engine *engine, struct run *run, struct job *job,
			   const struct inbox_item *item, const struct job_step_result *step,
			   struct engine_commit *out, GError **error);

/* engine_schedules.c */
gboolean engine_load_schedule(struct engine *engine, const json_t *json, GError **error);
/* Their runs that ended unheard, and what was due meanwhile. */
void engine_start_schedules(struct engine *engine);
void engine_tick_schedules(struct engine *engine, gint64 now);
void engine_schedules_clock_set(struct engine *engine);
/* After the commit: the copies of @out are put in place and told to clients. */
void engine_adopt_schedules(struct engine *engine, struct engine_commit *out);
/* The schedules of a group, borrowed. */
GPtrArray *engine_schedules_of(const struct engine *engine, const char *group);
/* After the group got another name, or after it was deleted with its schedules. */
void engine_rename_schedules(struct engine *engine, const struct group *group);
void engine_drop_schedules(struct engine *engine, GPtrArray *schedules);

/* engine_schedule_runs.c */
/* A part of the transaction of @out: the schedule GUID hears @event; a run that comes of it is in
 * @out's batch. Nothing when there is no such schedule. */
void engine_commit_schedule(struct engine *engine, struct engine_commit *out, const char *id,
			    const struct schedule_event *event);
/* The same when @job has ended: the schedule whose run it was hears of it, or of the next attempt
 * if there is one in @out's batch already. */
void engine_commit_run_ended(struct engine *engine, struct engine_commit *out,
			     const struct job *job);
/* The same for @schedule, a new one or a copy, which is taken over. */
void engine_commit_schedule_step(struct engine *engine, struct engine_commit *out,
				 struct schedule *schedule, const struct schedule_event *event,
				 struct schedule_effects *ret_effects);
/* Stores schedules and the jobs of their runs, and puts them in place. */
gboolean engine_commit_store(struct engine *engine, struct engine_commit *out, GError **error);
/* As engine_schedule_put(), but only into the transaction. */
gboolean engine_commit_schedule_wanted(struct engine *engine, struct engine_commit *out,
				       struct schedule *wanted, GError **error);

/* engine_recovery.c */
/* In the transaction in which @job ends: its next attempt in @out's batch, and whatever else
 * follows from its end. Changes @job; it comes before engine_commit_run_ended(). */
void engine_commit_recovery(struct engine *engine, struct job *job, struct engine_commit *out);

/* engine_errands.c */
gboolean engine_load_errand(struct engine *engine, const json_t *json, GError **error);
/* A part of the transaction of @out; takes @errand over. Above a limit it is dropped. */
void engine_commit_errand(struct engine *engine, struct engine_commit *out, const struct job *job,
			  struct errand *errand);
/* After the commit. */
void engine_adopt_errands(struct engine *engine, GPtrArray *errands);
/* Starts those whose time has come. */
void engine_run_errands(struct engine *engine, gint64 now);
void engine_errands_clock_set(struct engine *engine, gint64 by);
/* engine_retain.c */
/* Parts of the transaction of @out: a retention was done in @job's folder, where now the exports of
 * the points in @item's result are; and the one that @job, an export that ended well, asks for. */
void engine_commit_retention(const struct engine *engine, const struct job *job,
			     const struct inbox_item *item, struct engine_commit *out);
void engine_commit_next_retention(struct engine *engine, const struct job *job,
				  struct engine_commit *out);
/* After the commit. */
void engine_adopt_retention(struct engine *engine, struct engine_commit *out);
/* What a retention tells of itself, into its job. */
void engine_apply_retention(const struct engine *engine, struct job *job, struct inbox_item *item);

/* engine_queue.c */
void engine_schedule(struct engine *engine);
/* engine_places.c */
void engine_start_copies(struct engine *engine);
/* engine_use.c */
/* The job that needs @point, as what it exports or as its base; NULL. */
const struct job *engine_job_using(const struct engine *engine, const struct point *point);
/* Whether the data of @point, whose time is over, is let go: a job that is delayed past that time
 * does not hold it, or guests would write to scratch files for as long. */
gboolean engine_may_expire(const struct engine *engine, const struct point *point, gint64 now);
/* Whether another job, too, waits for the data that @job exports. */
gboolean engine_exported_by_other(const struct engine *engine, const struct job *job);
/* engine_limits.c */
gboolean engine_load_limits(struct engine *engine, GError **error);
/* engine_restart.c */
/* The host that an export needs from here on and that has not answered since the start; NULL. */
const char *engine_missing_host(const struct engine *engine, const struct job *job);
/* A job that waits for its host goes on without it. */
void engine_restart_now(struct engine *engine, const char *job);
/* engine_times.c */
/* Stores the running jobs as they are, every few seconds. */
void engine_save_running(struct engine *engine, gint64 now);
/* The clock was set: nobody has worked longer for it, or shorter, nor is tried again or forgotten
 * earlier or later. */
void engine_shift_jobs(struct engine *engine, gint64 by);
/* engine_plan.c: what must be known before a job can go on; changes @job only. */
gboolean engine_plan_point(struct engine *engine, struct job *job, GError **error);
/* Of the point that a point job is to take, by its name. */
guint64 engine_point_number(const struct job *job);
void engine_rename_point(struct job *job, const char *group, guint64 number);
gboolean engine_plan_export(struct engine *engine, struct job *job, const struct inbox_item *item,
			    GError **error);
