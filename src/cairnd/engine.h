/* The engine: all state of the daemon, and the only writer of the store. Requests and events of the
 * world come in as calls, effects go out through struct engine_io, so that a simulation can be the
 * world. It runs on the loop thread, never blocks but for the store's commit, and changes what it
 * has in memory only after the store has it. */
#pragma once

#include "base/auto.h"
#include "cairnd/debt.h"
#include "cairnd/errand.h"
#include "core/group.h"
#include "core/job_step.h"
#include "core/window.h"
#include "store/store.h"

#include <glib.h>

struct engine;
struct schedule;

#define ENGINE_WAITING_MAX 10000 /* jobs at once */

struct engine_limits {
	guint64 max_jobs;	 /* running at once */
	guint64 max_copies;	 /* disk copies at once, of all jobs */
	guint64 hold_seconds;	 /* how long a point's data is held by default; 0: no limit */
	guint64 copies_per_host; /* of max_copies, from one host; 0: no limit */
	guint64 rate_per_host;	 /* bytes a second, of all copies from one host; 0: no limit */
	guint64 starve_seconds;	 /* a job that has waited so long goes first; 0: never */
	guint64 history_seconds; /* how long after its end a job is in the history; 0: no limit */
	guint64 history_jobs;	 /* how many are there at most; 0: no limit */
};

struct engine_io {
	gint64 (*now)(void *user); /* microseconds since 1970 */
	/* Starts an effect; engine_done() answers it later, never from within. The job is valid
	 * only during the call. EFFECT_CANCEL, EFFECT_SUSPEND and EFFECT_RESUME act on running
	 * copies and have no answer: the engine itself gives that of EFFECT_RESUME. */
	void (*effect)(void *user, const struct job *job, const struct job_effect *effect);
	/* Starts to pay; engine_debt_paid() answers later. */
	void (*pay)(void *user, const struct debt *debt);
	/* For clients; takes @data over. */
	void (*event)(void *user, const char *name, json_t *data);
	/* Starts an errand; engine_errand_done() answers later, never from within. */
	void (*errand)(void *user, const struct errand *errand);
};

/* What came of an effect besides its error; which members are set depends on the effect. All is
 * copied. */
struct effect_reply {
	struct point_member *member; /* PREPARE: facts and disks of the machine */
	struct window *window;	     /* WINDOW: also when it failed */
	GHashTable *extents;	     /* EXTENTS: target -> GBytes of extents_encode() */
	GHashTable *changed;	     /* EXTENTS: target -> guint64 * (bytes) */
	GHashTable *reasons;	     /* EXTENTS: target -> why its changes are not known */
	const char *base;	     /* STAGE: GUID of the base found in the folder; NULL: none */
	const char *base_reason;     /* STAGE: why there is none, or why it cannot be one */
	GHashTable *base_disks; /* STAGE: set of "VM/TARGET" that the base's export has as qcow2 */
	guint flags_left;	/* UNDO: enum job_member_flags that could not be undone */
	json_t *result;		/* COPY: of cairn-export */
	json_t *files; /* FINISH: {"logs": [..], "configs", "runtimes", "states"}: absolute paths */
};

/* Opens the engine over @store (not taken over): reads everything, creates the instance id. Nothing
 * is started before engine_start(). */
struct engine *engine_new(struct store *store, const struct engine_limits *limits,
			  const struct engine_io *io, void *user, GError **error);
/* Goes on with the jobs found in the store and begins to pay debts. Call after engine_reconcile().
 */
void engine_start(struct engine *engine);
/* Before engine_start(): hosts that have not answered yet. An export from one of them goes on when
 * it does; until then nobody knows whether the data is still there. */
void engine_hosts_away(struct engine *engine, char *const *uris);
/* It has answered, and what it said was given to engine_reconcile(). */
void engine_host_back(struct engine *engine, const char *uri);
void engine_free(struct engine *engine);
CAIRN_DEFINE_AUTO(engine, engine_free)
const char *engine_instance(const struct engine *engine);
/* The configuration's; what was set with engine_limits_set() stays over them. */
void engine_set_limits(struct engine *engine, const struct engine_limits *configured);
/* What holds now. */
const struct engine_limits *engine_get_limits(const struct engine *engine);
/* [{name, value, configured, set}] */
json_t *engine_limits_view(const struct engine *engine);
/* Stores and applies @changes: name -> number, or null: the configuration's again. INVALID names
 * the limit and what it may be. */
gboolean engine_limits_set(struct engine *engine, const json_t *changes, GError **error);

/* ---- the world tells ---- */

/* @error NULL: success. @reply may be NULL. Answers for jobs that are no longer are dropped. */
void engine_done(struct engine *engine, const char *job_id, const struct job_effect *effect,
		 const GError *error, const struct effect_reply *reply);
void engine_progress(struct engine *engine, const char *job_id, guint disk, guint64 done,
		     guint64 total, guint64 rate);
/* @flags_left 0: paid. */
void engine_debt_paid(struct engine *engine, const char *debt_id, guint flags_left);
/* @error NULL: it is done; else it is tried again, or given up. */
void engine_errand_done(struct engine *engine, const char *errand_id, const GError *error);
/* The held data of the point that @vm is part of is lost or must be let go: why, for a person. All
 * members are released, and a job that exports it fails with @code. FALSE: nobody holds data of it.
 */
gboolean engine_hold_lost(struct engine *engine, const char *vm, int code, const char *reason);
/* The clock was set @by microseconds forward (or back): data is held as long as it would have been.
 */
void engine_clock_set(struct engine *engine, gint64 by);
/* About once a second: expiry, queue, debts, old jobs to the history, stalled stores. */
void engine_tick(struct engine *engine);

/* What one machine has of ours, as the hypervisor tells at start: @backup the name of the point
 * being held (NULL), @points the checkpoints' names. Makes debts of what nobody knows, and releases
 * points whose data is gone. @reached: the machine's host answered. */
struct engine_found {
	const char *uri, *vm;
	gboolean off; /* no QEMU process: a hold needs no backup job */
	const char *backup;
	GPtrArray *points; /* char * */
	gint64 since;	   /* when it was looked at, microseconds since 1970: what is held from
			    * later on was not seen yet. 0: now */
};
void engine_reconcile(struct engine *engine, const struct engine_found *found, guint n);
/* The checkpoints of ours that must stay on @vm; free with g_strfreev(). */
char **engine_checkpoints_of(const struct engine *engine, const char *vm);

/* Copies of the debts on @vm that are not paid (struct debt, free function set). */
GPtrArray *engine_debts_of(const struct engine *engine, const char *vm);

/* ---- requests ---- */

struct group *engine_group(const struct engine *engine, const char *name_or_id, GError **error);
GPtrArray *engine_groups(const struct engine *engine); /* borrowed array of struct group */
/* Each stores and then changes @group; on failure nothing has changed. */
struct group *engine_group_create(struct engine *engine, const char *name, const char *id,
				  GError **error);
gboolean engine_group_add(struct engine *engine, struct group *group, const char *vm_id,
			  const char *vm_name, GError **error);
gboolean engine_group_remove(struct engine *engine, struct group *group, const char *vm_id,
			     GError **error);
gboolean engine_group_rename(struct engine *engine, struct group *group, const char *name,
			     GError **error);
/* BUSY while jobs of it run; STATE while it has points, unless @force. */
gboolean engine_group_delete(struct engine *engine, struct group *group, gboolean force,
			     GError **error);

/* GROUP@NUMBER, GROUP@latest, or GUID. Hidden points are not found. */
struct point *engine_point(const struct engine *engine, const char *name, GError **error);
struct point *engine_point_by_id(const struct engine *engine, const char *id);
/* Points of @group (GUID; NULL: all), oldest first, with the hidden ones if @hidden; the elements
 * are borrowed. */
GPtrArray *engine_points(const struct engine *engine, const char *group, gboolean hidden);
gboolean engine_point_release(struct engine *engine, struct point *point, const char *reason,
			      GError **error);
gboolean engine_point_delete(struct engine *engine, struct point *point, GError **error);
/* The stored changes of one disk from @base to @point, as sets of extents_encode(), to be put
 * together with change_sets_unite(); NULL and *@ret_reason when they are not known. */
GPtrArray *engine_change_sets(struct engine *engine, const struct point *point,
			      const struct point *base, const char *vm, const char *target,
			      char **ret_reason);
/* One set for cairn-export, for a disk of @size bytes. Any thread. */
GBytes *change_sets_unite(const GPtrArray *sets, guint64 size, GError **error);

/* Jobs: fill in a struct job from job_new() (group, owner, priority and parameters) and hand it
 * over; the engine checks, numbers, stores and queues it. @job is taken over in any case. Returns a
 * borrowed pointer. */
struct job *engine_submit(struct engine *engine, struct job *job, GError **error);
/* Two jobs in one transaction: the second waits for the first. */
gboolean engine_submit_pair(struct engine *engine, struct job *first, struct job *second,
			    GError **error);
/* GUID or number. */
struct job *engine_job(const struct engine *engine, const char *name, GError **error);
/* All in memory, oldest first; borrowed elements. */
GPtrArray *engine_jobs(const struct engine *engine);
/* Of them those that have not ended. */
GPtrArray *engine_active_jobs(const struct engine *engine);
/* The same as engine_jobs() for who wants a few of many: indexes are valid until the next change.
 * engine_job_after(): of the first with a higher number, or the count. */
guint engine_job_count(const struct engine *engine);
struct job *engine_job_at(const struct engine *engine, guint index);
guint engine_job_after(const struct engine *engine, guint64 number);
/* Ended ones that have left memory. A copy, to be freed with job_free(); NOT_FOUND. */
struct job *engine_history_job(const struct engine *engine, const char *name, GError **error);
/* One of them; a row that is damaged has its number alone. */
struct history_row {
	guint64 number;
	struct job *job; /* NULL: it cannot be read */
};
/* Of them at most @limit with numbers below @before (0: from the newest on), newest first; struct
 * history_row with its free function set. */
GPtrArray *engine_history(const struct engine *engine, guint64 before, guint limit, GError **error);
/* To the history, before its time is over. STATE: it has not ended. */
gboolean engine_job_remove(struct engine *engine, struct job *job, GError **error);
gboolean engine_control(struct engine *engine, struct job *job, enum job_verb verb, GError **error);
/* The same; with VERB_TERMINATE and VERB_KILL it can be said whether the job is kept. */
gboolean engine_control_forget(struct engine *engine, struct job *job, enum job_verb verb,
			       enum job_forget forget, GError **error);
/* URI of the host from which a disk of an export is copied; "": not known. Borrowed. */
const char *engine_copy_host(const struct engine *engine, const struct job *job, guint disk);
/* Puts @changed, a copy of a job in which priority, rate_limit, due or what is done after its end
 * are others, in its place; with @wanted (NULL: none) as engine_schedule_put() in the same
 * transaction. Both are taken over in any case, and on failure nothing has changed. */
gboolean engine_job_save(struct engine *engine, struct job *changed, struct schedule *wanted,
			 GError **error);
/* What the control socket shows of a job: job_view(), and the name of its schedule. */
json_t *engine_job_view(const struct engine *engine, const struct job *job);

/* Errands that are not done yet. */
guint engine_errands(const struct engine *engine);

json_t *engine_point_view(const struct engine *engine, const struct point *point);
/* "web@3"; free with g_free(). */
char *engine_point_name(const struct engine *engine, const struct point *point);
guint engine_running(const struct engine *engine);
guint engine_waiting(const struct engine *engine);
