/* How a job moves: events in, effects out; pure. See the drawing in job_rows.c. */
#pragma once

#include "core/job.h"

/* What the world is asked to do. Each is idempotent, so that it can be asked again after a restart,
 * but for EFFECT_WINDOW, which a restart undoes. */
enum job_effect_type {
	EFFECT_NONE,
	EFFECT_PREPARE, /* member: scratch, XML; sets MEMBER_PREPARED */
	EFFECT_WINDOW,	/* job: freeze, pause, begin, resume, thaw all (window.h) */
	EFFECT_EXTENTS, /* member: read what changed since the previous point */
	EFFECT_CLEAN,	/* job: forget checkpoints that are no longer needed */
	EFFECT_UNDO,	/* member: by its flags */
	EFFECT_STAGE,	/* job: folders, configuration, runtime and guest state files */
	EFFECT_SERVE,	/* member: NBD server of a shut-off machine */
	EFFECT_COPY,	/* disk */
	EFFECT_CANCEL,	/* disk: orderly, or at once when the outcome is JOB_KILLED */
	EFFECT_SUSPEND, /* job: all its copies */
	EFFECT_RESUME,	/* job: the copies that were suspended; answered when they know */
	EFFECT_FINISH,	/* job: manifest, final name */
	EFFECT_RELEASE, /* member: let the held data go, if the job says so */
	EFFECT_UNSERVE, /* member */
	EFFECT_UNSTAGE, /* job: remove what an export left, unless it was terminated */
	EFFECT_RETAIN,	/* job: thin out the group's folder; EFFECT_CANCEL stops it */
	EFFECT_LAST,
};
const char *job_effect_name(enum job_effect_type type);

struct job_effect {
	enum job_effect_type type;
	guint index; /* of the member or disk; 0 for the job */
};

enum job_verb {
	VERB_SUSPEND,
	VERB_RESUME,
	VERB_TERMINATE,
	VERB_KILL,
	VERB_SERVICE, /* its copies end and no other begins, until it is resumed */
	VERB_LAST,
};
/* INVALID. */
gboolean job_verb_parse(const char *text, enum job_verb *ret_verb, GError **error);

/* What becomes of a job after its end, when whoever ends it says so. */
enum job_forget { FORGET_AS_SET, FORGET_AT_ONCE, FORGET_NEVER };

enum job_event_type {
	JOB_EVENT_ADMIT,   /* its turn has come; members and disks are filled in */
	JOB_EVENT_RESTART, /* the daemon started and found this job */
	JOB_EVENT_DONE,	   /* an effect ended: `effect`, `error` */
	JOB_EVENT_CONTROL, /* `verb`; checked with job_control_check before */
	JOB_EVENT_FAIL,	   /* the world broke it: `error`, `vm` */
};

struct job_event {
	enum job_event_type type;
	struct job_effect effect;
	enum job_verb verb;
	enum job_forget forget; /* with a verb that ends it */
	const GError *error;	/* NULL: success */
	const char *vm, *disk;	/* whom an error is about; may be NULL */
};

/* What must be stored together with the job's new state, in one transaction. */
enum job_commit { COMMIT_NONE, COMMIT_POINT, COMMIT_EXPORT, COMMIT_RETAIN };

struct job_step_result {
	GArray *effects; /* struct job_effect, to be done after the job is stored */
	gboolean store;	 /* the job changed so that a restart must know */
	enum job_commit commit;
};

/* Moves @job. @ret's array is made here; free it with job_step_result_clear(). @now: microseconds
 * since 1970. */
void job_step(struct job *job, const struct job_event *event, gint64 now,
	      struct job_step_result *ret);
void job_step_result_clear(struct job_step_result *result);

/* Whether @verb is legal now; STATE with the reason otherwise. */
gboolean job_control_check(const struct job *job, enum job_verb verb, GError **error);
/* Suspended or in service: it is not admitted and begins no copy. */
gboolean job_is_held(const struct job *job);
