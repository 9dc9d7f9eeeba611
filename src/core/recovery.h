/* What to do when a job fails: CIM_Job.RecoveryAction and what belongs to it. Decisions only. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

#define RECOVERY_RETRIES_MAX	 100
#define RECOVERY_RETRIES_DEFAULT 3   /* where somebody asks for retries and says no number */
#define RECOVERY_OTHER_MAX	 256 /* bytes of a name */
/* Before the first retry; doubled for each further one. */
#define RECOVERY_DELAY_DEFAULT (60ll * G_USEC_PER_SEC)
#define RECOVERY_DELAY_MAX     (3600ll * G_USEC_PER_SEC)

/* CIM_Job.RecoveryAction */
enum recovery_action {
	RECOVERY_UNKNOWN = 0,
	RECOVERY_OTHER = 1,    /* the command named in `other` */
	RECOVERY_STOP = 2,     /* Do Not Continue */
	RECOVERY_CONTINUE = 3, /* Continue With Next Job */
	RECOVERY_RETRY = 4,    /* Re-run Job: at most `retries` times */
	RECOVERY_RUN_JOB = 5,  /* Run Recovery Job: the schedule named in `other` */
	RECOVERY_LAST,
};

struct recovery {
	enum recovery_action action;
	char *other;	 /* a command's name in cairn.conf, or a schedule's name or GUID; NULL */
	guint64 retries; /* RECOVERY_RETRY: how many at most */
	gint64 delay_us; /* RECOVERY_RETRY: before the first; 0: RECOVERY_DELAY_DEFAULT */
};

void recovery_clear(struct recovery *recovery);
void recovery_copy(struct recovery *to, const struct recovery *from); /* @to is overwritten */
/* "stop", "continue", "retry", "run-job", "command"; INVALID. */
gboolean recovery_action_parse(const char *text, enum recovery_action *ret, GError **error);
const char *recovery_action_name(enum recovery_action action);
json_t *recovery_to_json(const struct recovery *recovery);
/* @json NULL: RECOVERY_STOP. INVALID. */
gboolean recovery_from_json(const json_t *json, struct recovery *ret, GError **error);

/* How long to wait before retry @attempt (1: the first), doubling, at most RECOVERY_DELAY_MAX. */
gint64 recovery_delay(const struct recovery *recovery, guint64 attempt);

/* How a job has ended. */
enum recovery_end {
	RECOVERY_END_WELL,
	RECOVERY_END_FAILED,
	RECOVERY_END_ON_REQUEST, /* somebody stopped it, or what it needed */
};

enum recovery_deed {
	RECOVERY_DEED_NONE,
	RECOVERY_DEED_RETRY,	/* a new job, at `due` */
	RECOVERY_DEED_SCHEDULE, /* a run of the schedule `name` */
	RECOVERY_DEED_COMMAND,	/* the command `name` */
};

struct recovery_plan {
	enum recovery_deed deed;
	gint64 due;	  /* microseconds since 1970 */
	const char *name; /* borrowed from the recovery; NULL */
};

/* What is to be done after attempt @attempt (0: the first) has ended at @now. What a person has
 * stopped stays stopped. */
struct recovery_plan recovery_decide(const struct recovery *recovery, enum recovery_end end,
				     guint64 attempt, gint64 now);
