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
