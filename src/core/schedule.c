/* Schedules: the struct, what may be set, and what people read. How it moves is in schedule_step.c,
 * its JSON in schedule_json.c. */
#include "core/schedule.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "base/timefmt.h"

#include <string.h>

struct schedule *
schedule_new(const char *id)
{
	struct schedule *schedule = g_new0(struct schedule, 1);
	schedule->id = g_strdup(id);
	schedule->state = JOB_NEW;
	schedule->consistency = CONSISTENCY_BEST;
	schedule->priority = JOB_PRIORITY_DEFAULT;
	schedule->keep_us = JOB_KEEP_DEFAULT;
	schedule->delete_on_completion = TRUE;
	schedule->recovery.action = RECOVERY_CONTINUE;
	return schedule;
}

void
schedule_free(struct schedule *schedule)
{
	if (!schedule)
		return;
	g_free(schedule->id);
	g_free(schedule->name);
	g_free(schedule->group);
	g_free(schedule->group_name);
	g_free(schedule->directory);
	g_free(schedule->owner);
	g_free(schedule->format);
	g_free(schedule->compress);
	g_free(schedule->digest);
	g_free(schedule->notify);
	g_free(schedule->job);
	g_free(schedule->error);
	recovery_clear(&schedule->recovery);
	g_free(schedule);
}

struct schedule *
schedule_copy(const struct schedule *schedule)
{
	g_autoptr(json_t) json = schedule_to_json(schedule);
	struct schedule *copy = schedule_from_json(json, NULL);
	g_assert(copy);
	return copy;
}

/* ---- what may be set ---- */

gboolean
schedule_name_check(const char *name, GError **error)
{
	gsize len = name ? strlen(name) : 0;
	gboolean ok = len > 0 && len <= SCHEDULE_NAME_MAX && name[0] != '.' && name[0] != '-';
	for (const char *c = name; ok && *c; c++)
		ok = g_ascii_isalnum(*c) || strchr("._-", *c) != NULL;
	if (ok && !cairn_guid_valid(name))
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_INVALID,
			  "\"%s\" is no name for a schedule: use 1 to %d letters, digits, '.', '_' "
			  "and '-', beginning with a letter or digit",
			  name ? name : "", SCHEDULE_NAME_MAX);
}

static gboolean
check_time(const char *name, gint64 time, GError **error)
{
	if (time >= 0 && time <= CALENDAR_TIME_MAX)
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_INVALID, "%s must lie between 1970 and 9999", name);
}

gboolean
schedule_check(const struct schedule *schedule, GError **error)
{
	if (!schedule_name_check(schedule->name, error) ||
	    !check_time("the start of a schedule", schedule->start, error) ||
	    !check_time("the end of a schedule", schedule->until, error) ||
	    !calendar_check(&schedule->calendar, error))
		return FALSE;
	if (schedule->run_times > SCHEDULE_RUNS_MAX)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "a schedule has at most %u runs; 0 sets no limit",
				  SCHEDULE_RUNS_MAX);
	if (schedule->start_once && schedule->start == 0)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "a schedule without a calendar needs a time to start at");
	if (schedule->until != 0 && schedule->until < schedule->start)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "a schedule cannot end before it starts");
	return TRUE;
}

/* Whether all digits of both forms are @digit; what follows the sign is not looked at. */
static gboolean
all_digits_are(const char *text, char digit)
{
	if (strnlen(text, CAIRN_CIM_TIME_LEN + 1) != CAIRN_CIM_TIME_LEN)
		return FALSE;
	for (guint i = 0; i < CAIRN_CIM_TIME_LEN - 4; i++)
		if (text[i] != (i == 14 ? '.' : digit))
			return FALSE;
	return strchr("+-:", text[CAIRN_CIM_TIME_LEN - 4]) != NULL;
}

/* CIM_Job: "a date and time, or an interval relative to the time when the property is requested";
 * UntilTime of all nines is never, ScheduledStartTime of all zeroes is a job that runs already. */
gboolean
schedule_time_parse(const char *text, gint64 now, gint64 *ret, GError **error)
{
	gint64 time = 0;
	if (all_digits_are(text, '9')) {
		*ret = 0;
		return TRUE;
	}
	if (all_digits_are(text, '0')) {
		*ret = now;
		return TRUE;
	}
	gboolean is_interval = strnlen(text, CAIRN_CIM_TIME_LEN) == CAIRN_CIM_TIME_LEN &&
			       text[CAIRN_CIM_TIME_LEN - 4] == ':';
	if (is_interval ? !cairn_interval_from_cim(text, &time, error)
			: !cairn_time_from_cim(text, &time, error))
		return FALSE;
	if (time <= 0 || time > CALENDAR_TIME_MAX - (is_interval ? now : 0))
		return cairn_fail(error, CAIRN_ERROR_LIMIT,
				  "\"%s\" does not lie between 1970 and 9999", text);
	*ret = is_interval ? now + time : time;
	return TRUE;
}

/* ---- for people ---- */

/* "3 d 4 h", "8 h 3 min", "12 min": two units are enough. */
static char *
span_text(gint64 span)
{
	static const struct {
		gint64 seconds;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	gint64 seconds = span / G_USEC_PER_SEC;
	guint i = 0;
	while (i + 1 < G_N_ELEMENTS(units) && seconds < units[i].seconds)
		i++;
	int first = (int)(seconds / units[i].seconds);
	int second = i + 1 < G_N_ELEMENTS(units)
			     ? (int)(seconds % units[i].seconds / units[i + 1].seconds)
			     : 0;
	if (second == 0)
		return g_strdup_printf("%d %s", first, units[i].unit);
	return g_strdup_printf("%d %s %d %s", first, units[i].unit, second, units[i + 1].unit);
}

char *
schedule_note(const struct schedule *schedule)
{
	g_autofree char *late = schedule->late_us ? span_text(schedule->late_us) : NULL;
	if (schedule->missed == 0)
		return late ? g_strdup_printf("%s late", late) : NULL;
	return g_strdup_printf("%s%smakes up for %s%" G_GUINT64_FORMAT " earlier %s",
			       late ? late : "", late ? " late, " : "",
			       schedule->missed == SCHEDULE_MISSED_MAX ? "at least " : "",
			       schedule->missed, schedule->missed == 1 ? "run" : "runs");
}

static char *
running_text(const struct schedule *schedule)
{
	g_autofree char *note = schedule_note(schedule);
	g_autofree char *job = schedule->job_number ? g_strdup_printf(" as job %" G_GUINT64_FORMAT,
								      schedule->job_number)
						    : g_strdup("");
	return g_strdup_printf("run %" G_GUINT64_FORMAT " is under way%s%s%s%s", schedule->runs,
			       job, note ? ", " : "", note ? note : "",
			       schedule->suspend ? ", suspended after it" : "");
}

static char *
failed_text(const struct schedule *schedule)
{
	return g_strdup_printf("stopped, as run %" G_GUINT64_FORMAT " has failed%s%s",
			       schedule->runs, schedule->error ? ": " : "",
			       schedule->error ? schedule->error : "");
}

char *
schedule_status_text(const struct schedule *schedule)
{
	g_autofree char *next = schedule->next ? cairn_time_iso(schedule->next) : NULL;
	switch (schedule->state) {
	case JOB_NEW:
		return next ? g_strdup_printf("waits for %s", next) : g_strdup("waits");
	case JOB_RUNNING:
		return running_text(schedule);
	case JOB_EXCEPTION:
		return failed_text(schedule);
	case JOB_SHUTTING_DOWN:
		return g_strdup("terminated, its last run still ends");
	default:
		return g_strdup(job_state_name(schedule->state));
	}
}
