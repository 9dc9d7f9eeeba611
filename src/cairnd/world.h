/* The real world behind struct engine_io: hypervisors, worker threads, child processes and folders.
 * Loop thread only, but for the work functions of tasks, which get copies. */
#pragma once

#include "base/auto.h"
#include "cairnd/config.h"
#include "cairnd/engine.h"
#include "hypervisor/hypervisor.h"

#include <glib.h>

struct hosts;

struct world {
	const struct config *config;
	struct engine *engine; /* borrowed; set before anything is started */
	struct hosts *hosts;
	GThreadPool *pool;    /* struct task */
	GThreadPool *payers;  /* struct task: debts, which may be many and on hosts that hang */
	GThreadPool *urgent;  /* struct task: never wait for a place */
	GThreadPool *windows; /* struct task: EFFECT_WINDOW; ended in order whatever happens */
	GMutex lock;
	GCond ended;	     /* a task's work has */
	guint working;	     /* tasks whose work has not ended; under the lock */
	GPtrArray *copies;   /* struct copy */
	GPtrArray *errands;  /* struct errand_run */
	GPtrArray *thinners; /* struct thinner: retentions under way */
	/* For events to clients; takes the data over. */
	void (*event)(void *user, const char *name, json_t *data);
	void *user;
	gint64 guard_at;       /* when scratch space is looked at next */
	GHashTable *looked_at; /* set of UUIDs: a look at their scratch space is under way */
	gboolean stopping;
};

struct world *world_new(const struct config *config);
/* Kills the copies, waits for a window under way, and for other work, but not for ever: FALSE when
 * something hangs. Then the world must not be freed. */
gboolean world_stop(struct world *world);
void world_free(struct world *world);
CAIRN_DEFINE_AUTO(world, world_free)
/* Makes the folders. FALSE: one cannot be used. */
gboolean world_open(struct world *world, GError **error);
/* The engine's callbacks, with the world as user. */
extern const struct engine_io world_io;

/* The connection of @uri; NULL. */
struct hypervisor *world_hypervisor(const struct world *world, const char *uri);
/* ---- tasks: work in a thread, then done on the loop ---- */
struct task {
	struct world *world;
	void (*work)(struct task *task); /* worker thread: touches nothing but the task and
					    hypervisors */
	void (*done)(struct task *task); /* loop; NULL: engine_done() */
	/* in */
	char *job_id;
	struct job_effect effect;
	struct job *job;     /* a copy */
	struct point *point; /* a copy: the point, or the draft */
	struct point *prev;  /* a copy; NULL */
	guint member;	     /* index in point->members */
	GPtrArray *debts;    /* struct debt: to be paid first */
	char **keep;	     /* checkpoints that stay on the machine */
	gboolean urgent;     /* it never waits for a place */
	void *user;
	GDestroyNotify user_free;
	/* out */
	GError *error;
	struct effect_reply reply;
	struct point_member *found;
	struct window *window;
	char *base, *base_reason;
};
struct task *task_new(struct world *world, void (*work)(struct task *),
		      void (*done)(struct task *));
/* For an effect of @job: copies what effects need. */
struct task *task_for(struct world *world, const struct job *job, const struct job_effect *effect,
		      void (*work)(struct task *));
void task_start(struct task *task);
void task_free(struct task *task);

/* ---- names and places ---- */
/* What the hypervisor needs of one member; @prev may be NULL. Free with hv_point_free(). */
struct hv_point *world_spec(const struct world *world, const struct point *point,
			    const struct point_member *member, const struct point *prev);
char *world_point_dir(const struct world *world, const char *point, const char *vm);
/* RUN_DIR/nbd/..., short enough for a socket. */
char *world_socket(const struct world *world, const char *point, const char *vm);
/* NBD URI of one disk of the held data. */
char *world_nbd_uri(const char *socket, const char *target);

/* ---- effects_point.c ---- */
void effect_prepare(struct world *world, const struct job *job, const struct job_effect *effect);
void effect_window(struct world *world, const struct job *job, const struct job_effect *effect);
void effect_extents(struct world *world, const struct job *job, const struct job_effect *effect);
void effect_clean(struct world *world, const struct job *job, const struct job_effect *effect);
void effect_undo(struct world *world, const struct job *job, const struct job_effect *effect);
/* debts.c: any thread; which flags could not be paid, with the last reason in @error. */
guint debt_pay(struct world *world, const struct debt *debt, GError **error);
void debts_pay(void *user, const struct debt *debt);
/* ---- effects_export.c ---- */
void effect_stage(struct world *world, const struct job *job, const struct job_effect *effect);
void effect_serve(struct world *world, const struct job *job, const struct job_effect *effect);
void effect_finish(struct world *world, const struct job *job, const struct job_effect *effect);
void effect_release(struct world *world, const struct job *job, const struct job_effect *effect);
void effect_unserve(struct world *world, const struct job *job, const struct job_effect *effect);
void effect_unstage(struct world *world, const struct job *job, const struct job_effect *effect);
/* DIR/GROUP, DIR/GROUP/POINT and DIR/GROUP/.POINT.partial; free with g_free(). */
char *export_final_dir(const char *directory, const char *group, const char *point);
char *export_staging_dir(const char *directory, const char *group, const char *point);
/* Below an export root, with links and ".." resolved; INVALID, DENIED, NOT_FOUND. */
gboolean export_dir_check(const struct config *config, const char *directory, GError **error);
gboolean export_make_dirs(const char *path, GError **error);
/* A folder below a root, if it is there already, must not lead out of the roots by a link. */
gboolean export_stays_below(const struct config *config, const char *path, GError **error);
/* ---- copies.c ---- */
void copies_start(struct world *world, const struct job *job, guint disk);
void copies_cancel(struct world *world, const struct job *job, guint disk);
void copies_suspend(struct world *world, const struct job *job, gboolean suspend);
/* Divides what jobs and hosts may read a second among the running copies: after a limit changed. */
void copies_share(struct world *world);
/* About once a second. */
void copies_tick(struct world *world);
void copies_free(struct world *world);
/* ---- errands.c ---- */
void errands_init(struct world *world);
void errands_start(void *user, const struct errand *errand);
/* Kills what is under way; it is done again by the next start. */
void errands_free(struct world *world);
/* ---- effects_retain.c ---- */
void effect_retain(struct world *world, const struct job *job, const struct job_effect *effect);
/* Orderly, or at once when the outcome is JOB_KILLED. FALSE: no retention of this job runs. */
gboolean retain_cancel(struct world *world, const struct job *job);
/* Tells them the rates of their jobs; they take no part in a host's. */
void retain_share(struct world *world);
/* About once a second. */
void retain_tick(struct world *world);
void retain_free(struct world *world);
/* DIRECTORY/GROUP; free with g_free(). DENIED, INVALID, NOT_FOUND when it is not below a root. */
char *retain_dir(const struct config *config, const char *directory, const char *group,
		 GError **error);
/* ---- barrier.c ---- */
/* Runs the window in this thread, with others for the calls. FALSE: nothing was done to anybody.
 * The specs are parallel to the window's members; @save_dirs[i] non-NULL: copy the guest state
 * there inside the pause. */
struct barrier_member {
	struct hypervisor *hv;
	const struct hv_point *spec;
	const char *save_dir;
};
gboolean barrier_run(struct window *window, const struct barrier_member *members, GError **error);
/* ---- guard.c ---- */
void guard_tick(struct world *world);
void guard_event(const struct hv_event *event, void *host);
