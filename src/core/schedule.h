/* A schedule: a backup of a group into a folder at the times of a calendar; each run is a point job
 * and an export job of its own. Its states are those of CIM_ConcreteJob.JobState: it is itself
 * shown as a job that waits. Pure: see schedule_step(). */
#pragma once

#include "base/auto.h"
#include "core/calendar.h"
#include "core/job_step.h"
#include "core/recovery.h"
#include "core/retention.h"

#define SCHEDULE_NAME_MAX   64
#define SCHEDULES_MAX	    1000
#define SCHEDULE_RUNS_MAX   G_MAXUINT32 /* JobRunTimes is a uint32 */
#define SCHEDULE_UPCOMING   5
#define SCHEDULE_MISSED_MAX 10000
/* A run that begins less than this after its time is on time (one minute is the unit of
 * calendars). */
#define SCHEDULE_LATE_MIN (60ll * G_USEC_PER_SEC)

struct schedule {
	char *id; /* GUID: InstanceID */
	char *name;
	char *group, *group_name; /* GUID and name */
	char *directory;
	char *owner;
	gint64 created;

	struct calendar calendar;
	guint64 run_times;   /* JobRunTimes; 0: until `until`, or until stopped */
	gint64 start;	     /* ScheduledStartTime: not due before it; 0: from now on */
	gboolean start_once; /* no calendar was given: the (only) due time is `start` */
	gint64 until;	     /* UntilTime: not due after it; 0: no end */

	/* what each run asks for */
	enum consistency consistency;
	gboolean full;
	char *format, *compress, *digest;
	guint64 rate_limit, priority;
	gint64 keep_us;
	gboolean delete_on_completion;
	char *notify;
	struct recovery recovery;
	struct retention retention;

	enum job_state state; /* NEW: waits; RUNNING: a run is under way; SUSPENDED; COMPLETED: no
			       * more runs; EXCEPTION: stopped by RECOVERY_STOP after a failure;
			       * SHUTTING_DOWN: terminated, the run that is under way still ends;
			       * TERMINATED */
	gboolean suspend;     /* asked for while a run was under way */
	gint64 state_changed;
	guint64 runs;	 /* begun so far */
	gint64 next;	 /* due; 0: never again */
	gint64 last_due; /* of the newest run; 0: none yet */
	char *job;	 /* GUID of the export job of the newest run; NULL */
	guint64 job_number;
	enum job_state last_state; /* how the newest run that ended has ended; 0: none */
	gint64 last_ended;
	gint64 late_us; /* how late the newest run began; 0: on time */
	guint64 missed; /* due times that the newest run made up for, besides its own; counted up
			 * to SCHEDULE_MISSED_MAX */
	char *error;	/* why the newest run could not be started; NULL */
	guint64 version;
};

/* State NEW, no limit of runs, RECOVERY_CONTINUE, the defaults of a job; it waits for nothing until
 * SCHEDULE_CHANGED has been stepped. */
struct schedule *schedule_new(const char *id);
void schedule_free(struct schedule *schedule);
CAIRN_DEFINE_AUTO(schedule, schedule_free)
/* A full copy, but for the version. */
struct schedule *schedule_copy(const struct schedule *schedule);

/* Letters, digits, ".", "_", "-"; at most SCHEDULE_NAME_MAX; no GUID. INVALID. */
gboolean schedule_name_check(const char *name, GError **error);
/* What a person or a client has set: name, calendar, limits, and that they can belong together.
 * INVALID. */
gboolean schedule_check(const struct schedule *schedule, GError **error);
/* ScheduledStartTime and UntilTime as a client writes them, the 25 characters of CIM: a time stamp,
 * an interval from @now on, all zeroes for now, all nines for never (@ret 0). INVALID, LIMIT. */
gboolean schedule_time_parse(const char *text, gint64 now, gint64 *ret, GError **error);

/* What the store keeps. */
json_t *schedule_to_json(const struct schedule *schedule);
struct schedule *schedule_from_json(const json_t *json, GError **error);
/* What the control socket shows: all of it, "calendar-text", "state-name", "status", and
 * "upcoming": the next SCHEDULE_UPCOMING due times, when they are still meant to be run. */
json_t *schedule_view(const struct schedule *schedule, gint64 now, GTimeZone *local);
/* JobStatus, one line for people; free with g_free(). */
char *schedule_status_text(const struct schedule *schedule);
/* Why the newest run is not on time, for its job's note; NULL when it is. Free with g_free(). */
char *schedule_note(const struct schedule *schedule);
/* Up to @max due times after @now into @ret; how many. */
guint schedule_upcoming(const struct schedule *schedule, gint64 now, GTimeZone *local, gint64 *ret,
			guint max);

/* ---- how it moves; the drawing and the rules are in schedule_step.c ---- */

enum schedule_event_type {
	SCHEDULE_TICK,	      /* time has passed; at schedule_wake(), at the start of the daemon */
	SCHEDULE_RUN_STARTED, /* `job`, `number`: of the run, or of its next attempt */
	SCHEDULE_RUN_NOT_STARTED, /* `error`: instead of SCHEDULE_RUN_STARTED */
	SCHEDULE_RUN_ENDED,	  /* `outcome`: of its last attempt */
	SCHEDULE_RUN_NOW,	  /* asked for by a person; the times due stay as they are */
	SCHEDULE_SUSPEND,	  /* times due pass without a run */
	SCHEDULE_RESUME,	  /* from suspension, or from EXCEPTION */
	SCHEDULE_TERMINATE,	  /* no more runs; the one under way is stopped; `forget` */
	SCHEDULE_CHANGED,	  /* made, or its calendar or limits were edited */
	SCHEDULE_CLOCK_SET,	  /* the clock or the time zone was set */
	SCHEDULE_EVENT_LAST,
};
const char *schedule_event_name(enum schedule_event_type type);

struct schedule_event {
	enum schedule_event_type type;
	const char *job;
	guint64 number;
	const char *error;
	enum job_state outcome;
	enum job_forget forget;
};

/* What is to be done. A start is stored together with its jobs: step, make the jobs (or fail to),
 * step SCHEDULE_RUN_STARTED (or _NOT_STARTED), then store all in one transaction. */
struct schedule_effects {
	gboolean start;	   /* begin a run; late_us, missed and last_due of the schedule say which */
	gboolean by_hand;  /* it is due because a person asked */
	gboolean stop_run; /* terminate the run that is under way */
	gboolean store;	   /* it changed so that a restart must know */
};

/* Whether @type is legal in this state; STATE with the reason otherwise. */
gboolean schedule_control_check(const struct schedule *schedule, enum schedule_event_type type,
				GError **error);
/* Moves @schedule; an event that is not legal changes nothing. Not a tick alone may begin a run:
 * the end of the run before and an edit may as well. @now: microseconds since 1970.
 * @local: the zone of local time. */
void schedule_step(struct schedule *schedule, const struct schedule_event *event, gint64 now,
		   GTimeZone *local, struct schedule_effects *ret);
/* When the next SCHEDULE_TICK is wanted; 0: none is. */
gint64 schedule_wake(const struct schedule *schedule);
