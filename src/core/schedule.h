/* A schedule: a backup of a group into a folder at the times of a calendar; each run is a point job
 * and an export job of its own. Its states are those of CIM_ConcreteJob.JobState: it is itself
 * shown as a job that waits. Pure: see schedule_step(). */
#pragma once

#include "core/calendar.h"
#include "core/job.h"
#include "core/recovery.h"
#include "core/retention.h"

#define SCHEDULE_NAME_MAX 64
#define SCHEDULES_MAX	  1000
#define SCHEDULE_RUNS_MAX G_MAXUINT32 /* JobRunTimes is a uint32 */

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
			       * more runs; EXCEPTION: stopped by RECOVERY_STOP after a failure */
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
	guint64 missed; /* due times that the newest run made up for, besides its own */
	guint64 version;
};
