/* The CIM view of schedules: an export job that waits for its time, and the calendar that the jobs
 * of its runs show. What CIM_Job cannot say (several months or weekdays, every hour) is NULL there
 * and stands in the description. */
#include "core/schedule_cim.h"

#include "base/error.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "core/job_status.h"

#define NEVER	     "99999999999999.999999+000" /* all nines */
#define LOCAL_TIME   1
#define UTC_TIME     2
#define CIM_RUNS_MAX G_MAXUINT32

/* RunMonth counts from 0. */
static void
set_month(json_t *json, guint months)
{
	gboolean one = months != 0 && (months & (months - 1)) == 0;
	cairn_json_set(json, "RunMonth",
		       one ? json_integer(g_bit_nth_lsf(months, -1)) : json_null());
}

/* One day of the week that stands alone reads as RunDayOfWeek without RunDay does. */
static int
day_of_week(const struct calendar *calendar)
{
	guint days = calendar->weekdays;
	gboolean one = days != 0 && (days & (days - 1)) == 0;
	if (calendar->run_day_of_week != 0 || calendar->run_day != 0 || !one)
		return calendar->run_day_of_week;
	return g_bit_nth_lsf(days, -1) + 1;
}

void
schedule_cim_calendar(json_t *json, const struct schedule *schedule)
{
	const struct calendar *calendar = &schedule->calendar;
	int weekday = day_of_week(calendar);
	gboolean dated = !schedule->start_once;
	/* Without a calendar no limit is needed: it is one run. */
	guint64 times = dated || schedule->run_times ? schedule->run_times : 1;
	set_month(json, dated ? calendar->months : 0);
	cairn_json_set(json, "RunDay",
		       dated && calendar->run_day ? json_integer(calendar->run_day) : json_null());
	cairn_json_set(json, "RunDayOfWeek",
		       dated && (weekday || calendar->run_day) ? json_integer(weekday)
							       : json_null());
	if (dated)
		cairn_json_set_interval_cim(json, "RunStartInterval", calendar->start_us);
	else
		cairn_json_set(json, "RunStartInterval", json_null());
	cairn_json_set_uint(json, "LocalOrUtcTime", calendar->utc ? UTC_TIME : LOCAL_TIME);
	cairn_json_set_uint(json, "JobRunTimes", MIN(times, CIM_RUNS_MAX));
	cairn_json_set_time_cim(json, "UntilTime", schedule->until);
	if (!schedule->until)
		cairn_json_set_string(json, "UntilTime", NEVER);
}

static void
set_element(json_t *json, const struct schedule *schedule)
{
	g_autofree char *when = schedule->start_once ? cairn_time_iso(schedule->start)
						     : calendar_text(&schedule->calendar);
	g_autofree char *text =
		g_strdup_printf("Backup of group %s: %s", schedule->group_name, when);
	cairn_json_set_string(json, "InstanceID", schedule->id);
	cairn_json_set_string(json, "Caption", "Scheduled export");
	cairn_json_set_string(json, "Description", text);
	cairn_json_set_string(json, "ElementName", schedule->name);
	cairn_json_set_string(json, "Name", "schedule");
	cairn_json_set_time_cim(json, "InstallDate", schedule->created);
}

/* A schedule has no work of its own: what its runs did is told by their jobs. */
static void
set_work(json_t *json, const struct schedule *schedule)
{
	static const char *const unset[] = {"StartTime",
					    "ReferencePointGroupId",
					    "BaseReferencePointGroupId",
					    "VirtualMachineId",
					    "ExportedDisks",
					    "ExportedLogFilePaths",
					    "ExportedConfigFilePaths",
					    "ExportedRuntimeFilePaths",
					    "ExportedGuestStateFilePaths"};
	for (guint i = 0; i < G_N_ELEMENTS(unset); i++)
		cairn_json_set(json, unset[i], json_null());
	cairn_json_set_interval_cim(json, "ElapsedTime", 0);
	cairn_json_set_uint(json, "PercentComplete", 0);
	cairn_json_set_string(json, "CollectionId", schedule->group);
	cairn_json_set_string(json, "ExportDirectory", schedule->directory);
}

/* A failure stops the schedule, or is a warning of the next runs. */
static void
set_status(json_t *json, const struct schedule *schedule, const char *text)
{
	gboolean stopped = schedule->state == JOB_EXCEPTION;
	const char *why = stopped ? text : NULL;
	gboolean warned = schedule->last_state == JOB_EXCEPTION;
	job_status_put(json, job_status_of(schedule->state, warned), NULL);
	cairn_json_set_uint(json, "ErrorCode",
			    stopped ? cairn_error_job_code(CAIRN_ERROR_STATE) : 0);
	cairn_json_set_string(json, "ErrorDescription", why);
	cairn_json_set_string(json, "ErrorSummaryDescription", why);
}

static void
set_state(json_t *json, const struct schedule *schedule)
{
	g_autofree char *text = schedule_status_text(schedule);
	set_status(json, schedule, text);
	cairn_json_set_string(json, "JobStatus", text);
	cairn_json_set_uint(json, "JobState", schedule->state);
	if (schedule->state_changed)
		cairn_json_set_time_cim(json, "TimeOfLastStateChange", schedule->state_changed);
	else /* "if the state never changed": the zero interval */
		cairn_json_set_interval_cim(json, "TimeOfLastStateChange", 0);
	cairn_json_set_bool(json, "Cancellable",
			    schedule_control_check(schedule, SCHEDULE_TERMINATE, NULL));
}

static void
set_settings(json_t *json, const struct schedule *schedule)
{
	const struct recovery *recovery = &schedule->recovery;
	cairn_json_set_time_cim(json, "TimeSubmitted", schedule->created);
	cairn_json_set_time_cim(json, "ScheduledStartTime", schedule->next);
	cairn_json_set_string(json, "Owner", schedule->owner);
	cairn_json_set_string(json, "Notify", schedule->notify);
	cairn_json_set_uint(json, "Priority", MIN(schedule->priority, G_MAXUINT32));
	cairn_json_set_bool(json, "DeleteOnCompletion", schedule->delete_on_completion);
	cairn_json_set_interval_cim(json, "TimeBeforeRemoval", schedule->keep_us);
	cairn_json_set_uint(json, "RecoveryAction", recovery->action);
	cairn_json_set_string(json, "OtherRecoveryAction", recovery->other);
}

json_t *
schedule_cim_properties(const struct schedule *schedule)
{
	json_t *json = json_object();
	set_element(json, schedule);
	set_state(json, schedule);
	set_settings(json, schedule);
	schedule_cim_calendar(json, schedule);
	set_work(json, schedule);
	return json;
}
