/* A job: what was asked, how far it is, what must be undone. The struct and its JSON are here; how
 * it moves is in job_step.h. States and their numbers are CIM_ConcreteJob.JobState's (DSP0004
 * schema). */
#pragma once

#include "base/auto.h"
#include "core/point.h"
#include "core/recovery.h"
#include "core/retention.h"

#include <glib.h>
#include <jansson.h>

#define JOB_DISKS_MAX	     4096
#define JOB_MESSAGES_MAX     256 /* errors, and warnings, that one job keeps */
#define JOB_PRIORITY_DEFAULT 100
#define JOB_KEEP_DEFAULT     (5 * 60 * G_USEC_PER_SEC) /* TimeBeforeRemoval's default in the schema */

enum job_kind { JOB_POINT_CREATE, JOB_EXPORT, JOB_RETAIN, JOB_KIND_LAST };
const char *job_kind_name(enum job_kind kind);
/* INVALID. */
gboolean job_kind_parse(const char *name, enum job_kind *ret, GError **error);

enum job_state {
	JOB_NEW = 2,
	JOB_STARTING = 3,
	JOB_RUNNING = 4,
	JOB_SUSPENDED = 5,
	JOB_SHUTTING_DOWN = 6,
	JOB_COMPLETED = 7,
	JOB_TERMINATED = 8,
	JOB_KILLED = 9,
	JOB_EXCEPTION = 10,
	JOB_SERVICE = 11,
	JOB_QUERY_PENDING = 12,
	JOB_COMPLETED_WARNINGS = 32768,
};
const char *job_state_name(enum job_state state);
gboolean job_state_final(enum job_state state);
gboolean job_state_known(enum job_state state);

/* Where a job is; every wait is a phase. The drawing is in job_rows.c. */
enum job_phase {
	PHASE_WAIT,
	PHASE_PREPARE,
	PHASE_WINDOW,
	PHASE_EXTENTS,
	PHASE_CLEAN,
	PHASE_UNDO,
	PHASE_STAGE,
	PHASE_SERVE,
	PHASE_COPY,
	PHASE_STOP,
	PHASE_FINISH,
	PHASE_RELEASE,
	PHASE_UNSERVE,
	PHASE_UNSTAGE,
	PHASE_RETAIN,
	PHASE_ENDED,
	PHASE_LAST,
};
const char *job_phase_name(enum job_phase phase);

/* What has been done, or may have been done, to a machine and must be undone. Set before the deed.
 */
enum job_member_flags {
	MEMBER_PREPARED = 1 << 0, /* scratch files exist */
	MEMBER_FROZEN = 1 << 1,
	MEMBER_PAUSED = 1 << 2,
	MEMBER_BEGUN = 1 << 3,	/* backup job and checkpoint exist */
	MEMBER_SERVED = 1 << 4, /* an NBD server of ours runs for it */
};

/* How far one unit (the job itself, a member, a disk) is in the present phase. */
enum job_unit_status { UNIT_TODO, UNIT_RUNNING, UNIT_DONE, UNIT_FAILED };

struct job_member {
	char *id;
	char *name;
	guint flags;
	enum job_unit_status status;
};

struct job_disk {
	char *vm;
	char *vm_name;
	char *target;
	gboolean incremental;
	char *reason; /* why full although a base was asked; NULL */
	enum job_unit_status status;
	guint64 done_bytes, total_bytes; /* read so far, to read; 0 total: not known yet */
	guint64 rate;			 /* bytes a second now; not kept */
	json_t *result;			 /* of cairn-export, for the manifest; NULL until done */
};

struct job_error {
	int code; /* CAIRN_ERROR_... */
	char *message;
	char *vm;   /* UUID; NULL: the whole job */
	char *disk; /* target; NULL */
};

struct job {
	char *id; /* GUID: InstanceID */
	guint64 number;
	enum job_kind kind;
	enum job_state state;
	enum job_phase phase;
	enum job_state outcome;	     /* the final state decided on while undoing; 0: none yet */
	enum job_unit_status status; /* of the job as a unit */

	char *group, *group_name; /* GUID and name */
	char *point;		  /* GUID: to be taken, or exported */
	char *point_name;	  /* "web@3" */
	char *base;		  /* export: GUID, "auto", NULL: full */
	char *base_point;	  /* export: the base found; NULL: full */
	char *after;		  /* GUID of the job that must have ended well before; NULL */
	char *owner;		  /* user who asked */
	guint64 priority;	  /* lower first */
	gint64 submitted, started, ended, state_changed; /* microseconds since 1970; 0: not yet */
	gint64 active_us;    /* how long it worked: not suspended, not while the daemon was down */
	gint64 active_since; /* active_us is as of then; 0: it does not work now */
	gint64 keep_us;	     /* TimeBeforeRemoval */
	gboolean delete_on_completion;
	gboolean stays; /* it has ended and is kept until it is removed on request */

	char *schedule; /* GUID of the schedule whose run it is; NULL */
	gint64 due;	/* it does not begin before (ScheduledStartTime); 0: at once */
	char *note;	/* said in JobStatus: why it is late, which retry it is; NULL */
	struct recovery recovery;
	guint64 attempt;	    /* 0: the first; n: the n-th retry */
	char *retried_as;	    /* GUID of the job that tries it again; NULL */
	gboolean backup;	    /* export: its point was taken for it, and may be taken anew */
	char *notify;		    /* whom to tell of its end; NULL */
	struct retention retention; /* of its folder: export: once it has ended well; retain */
	json_t *retained; /* retain: what was done, see job_retain_text(); NULL: not yet */
	guint64 work_done, work_total, work_rate; /* retain: bytes, and a second; not kept */

	enum consistency consistency; /* point */
	gboolean barrier;
	guint64 hold_seconds;
	struct point
		*draft; /* point: what is being made; NULL before PREPARE and after the commit */

	char *directory; /* export */
	char *format, *compress, *digest;
	char **wanted; /* VM or VM:TARGET; empty: all */
	guint64 rate_limit;
	gboolean keep_held;
	gboolean release; /* this export lets the held data go when it ends */

	GPtrArray *members;  /* struct job_member */
	GPtrArray *disks;    /* struct job_disk */
	GPtrArray *errors;   /* struct job_error; the first is the one told */
	GPtrArray *warnings; /* char * */
	char **vm_ids, **exported_disks, **log_files, **config_files, **runtime_files,
		**state_files;
	guint64 version;
};

struct job *job_new(const char *id, enum job_kind kind);
void job_free(struct job *job);
CAIRN_DEFINE_AUTO(job, job_free)
struct job_member *job_add_member(struct job *job, const char *id, const char *name);
/* NULL: it is not a member. */
struct job_member *job_find_member(const struct job *job, const char *vm);
struct job_disk *job_add_disk(struct job *job, const char *vm, const char *vm_name,
			      const char *target);
/* Beyond JOB_MESSAGES_MAX they are dropped. Texts are copied; vm and disk may be NULL. */
void job_add_error(struct job *job, const GError *error, const char *vm, const char *disk);
void job_add_warning(struct job *job, const char *text);

/* 0..100, from bytes really moved. */
guint job_percent(const struct job *job);
gboolean job_cancellable(const struct job *job);
/* Microseconds of work until @now, or until the end: neither suspended nor without a daemon. */
gint64 job_elapsed(const struct job *job, gint64 now);
/* Counts the work until @now: before the job is stored, and when its state has changed. @away:
 * nobody worked until @now, as the daemon was away. */
void job_clock(struct job *job, gint64 now, gboolean away);

/* What the store keeps. */
json_t *job_to_json(const struct job *job);
struct job *job_from_json(const json_t *json, GError **error);
/* A full copy, but for the version; the copies' rates too. */
struct job *job_copy(const struct job *job);
/* A new job that asks for the same: the next attempt. What came of @job, its point and its times
 * are not taken over. */
struct job *job_again(const struct job *job, const char *id);
/* What the control socket shows (requests.c, "job"). */
json_t *job_view(const struct job *job, gint64 now);
/* All errors with what the catalogue (messages.h) knows of each (requests.c, "job-errors"). */
json_t *job_errors_view(const struct job *job);
/* What the store keeps of them. */
json_t *job_errors_to_json(const struct job *job);
/* "3 exports removed, 1 merged, 2.1 GiB freed": how a retention ended; free with g_free(). NULL: it
 * has not. */
char *job_retain_text(const struct job *job);
/* What @job->retained must be: {"kept","merged","deleted","left","bytes-removed","bytes-written"},
 * all numbers; NULL is right too. INVALID. */
gboolean job_retained_check(const json_t *json, GError **error);
/* One line for people: what it does now or how it ended; free with g_free(). JobStatus. */
char *job_status_text(const struct job *job);
