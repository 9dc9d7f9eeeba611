/* What a client says of a schedule, over what it is: one reader for making and for changing. */
#include "cairnd/handlers.h"

#include "base/error.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cairnd/engine_schedules.h"

#define CIM_TIME_LENGTH 25				      /* DSP0004 section 5.2.4 */
#define EVERY_MIN	(CALENDAR_EVERY_MIN / G_USEC_PER_SEC) /* seconds */
#define EVERY_MAX	(86400 - 1)

/* ---- the calendar ---- */

/* "02:00", "02:00:30"; no leap second is due. */
static gboolean
read_at(const struct control_call *call, struct calendar *calendar, GError **error)
{
	const char *text = arg_string(call, "at");
	guint part[3] = {0}, n = 0;
	if (!text)
		return TRUE;
	for (const char *p = text; n < G_N_ELEMENTS(part); p++) {
		if (!g_ascii_isdigit(p[0]) || !g_ascii_isdigit(p[1]))
			break;
		part[n++] = (guint)(10 * g_ascii_digit_value(p[0]) + g_ascii_digit_value(p[1]));
		p += 2;
		if (*p == '\0') {
			text = NULL; /* all of it was read */
			break;
		}
		if (*p != ':')
			break;
	}
	if (text || n < 2 || part[0] > 23 || part[1] > 59 || part[2] > 59)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "argument \"at\" is a time of the day, HH:MM or HH:MM:SS");
	calendar->start_us = ((gint64)part[0] * 3600 + part[1] * 60 + part[2]) * G_USEC_PER_SEC;
	return TRUE;
}

/* In seconds; 0: once a day. */
static gboolean
read_every(const struct control_call *call, struct calendar *calendar, GError **error)
{
	guint64 seconds = arg_uint(call, "every", 0);
	if (!arg_given(call, "every"))
		return TRUE;
	if (seconds != 0 && (seconds < EVERY_MIN || seconds > EVERY_MAX))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "argument \"%s\" is from %llu to %llu", "every",
				  (unsigned long long)EVERY_MIN, (unsigned long long)EVERY_MAX);
	calendar->every_us = (gint64)seconds * G_USEC_PER_SEC;
	return TRUE;
}

/* A set of words as bits, in the order of @words. */
static gboolean
read_set(const struct control_call *call, const char *name, const char *const *words, guint *set,
	 GError **error)
{
	g_auto(GStrv) given = NULL;
	guint bits = 0;
	if (!arg_given(call, name))
		return TRUE;
	if (!cairn_json_get_strv_opt(call->arguments, name, &given, error))
		return FALSE;
	for (guint i = 0; given[i]; i++) {
		guint bit = 0;
		while (words[bit] && strcmp(words[bit], given[i]) != 0)
			bit++;
		if (!words[bit]) {
			g_autofree char *list = g_strjoinv(", ", (char **)words);
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "argument \"%s\" is a list of: %s", name, list);
		}
		bits |= 1u << bit;
	}
	*set = bits;
	return TRUE;
}

static gboolean
read_number(const struct control_call *call, const char *name, gint max, gint *value,
	    GError **error)
{
	gint64 given = arg_int(call, name, *value);
	if (given < -max || given > max)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "argument \"%s\" is from %d to %d",
				  name, -max, max);
	*value = (gint)given;
	return TRUE;
}

static gboolean
read_calendar(const struct control_call *call, struct calendar *calendar, GError **error)
{
	static const char *const weekdays[] = {"sun", "mon", "tue", "wed",
					       "thu", "fri", "sat", NULL};
	static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
					     "aug", "sep", "oct", "nov", "dec", NULL};
	if (!read_at(call, calendar, error) || !read_every(call, calendar, error) ||
	    !read_set(call, "weekdays", weekdays, &calendar->weekdays, error) ||
	    !read_set(call, "months", months, &calendar->months, error) ||
	    !read_number(call, "day", 31, &calendar->run_day, error) ||
	    !read_number(call, "day-of-week", 7, &calendar->run_day_of_week, error))
		return FALSE;
	if (arg_given(call, "utc"))
		calendar->utc = arg_bool(call, "utc");
	return TRUE;
}

/* ---- from when, until when, how often ---- */

gboolean
arg_time(const struct control_call *call, const char *name, gint64 *time, GError **error)
{
	const char *text = arg_string(call, name);
	gboolean ok = TRUE;
	if (!text)
		return TRUE;
	if (!*text)
		*time = 0;
	else if (strlen(text) == CIM_TIME_LENGTH && strchr(text, '.') == text + 14)
		ok = schedule_time_parse(text, g_get_real_time(), time, error);
	else
		ok = cairn_time_from_iso(text, time, error);
	if (ok && (*time < 0 || *time > CALENDAR_TIME_MAX))
		ok = cairn_fail(error, CAIRN_ERROR_INVALID,
				"\"%s\" does not lie between 1970 and 9999", text);
	if (!ok)
		g_prefix_error(error, "argument \"%s\": ", name);
	return ok;
}

gboolean
arg_calendar_given(const struct control_call *call)
{
	static const char *const names[] = {"at",     "every", "weekdays",
					    "months", "day",   "day-of-week"};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (arg_given(call, names[i]))
			return TRUE;
	return FALSE;
}

/* A start alone is one run, until a calendar is given. */
static gboolean
read_limits(const struct control_call *call, struct schedule *schedule, GError **error)
{
	gboolean is_new = !schedule->created;
	if (!arg_time(call, "start", &schedule->start, error) ||
	    !arg_time(call, "until", &schedule->until, error) ||
	    !arg_limited(call, "times", SCHEDULE_RUNS_MAX, error))
		return FALSE;
	schedule->run_times = arg_uint(call, "times", schedule->run_times);
	if (arg_calendar_given(call))
		schedule->start_once = FALSE;
	else if (is_new)
		schedule->start_once = schedule->start != 0;
	return arg_calendar_given(call) || !is_new || schedule->start_once ||
	       cairn_fail(error, CAIRN_ERROR_INVALID,
			  "when is not said: give \"at\", \"every\", days or \"start\"");
}

/* ---- what each run does ---- */

static gboolean
read_job(const struct control_call *call, struct schedule *schedule, GError **error)
{
	const char *consistency = arg_string(call, "consistency");
	if ((consistency && !consistency_parse(consistency, &schedule->consistency, error)) ||
	    !arg_images(call, &schedule->format, &schedule->compress, &schedule->digest, error) ||
	    !arg_limited(call, "rate", RATE_MAX, error) ||
	    !arg_limited(call, "priority", PRIORITY_MAX, error) ||
	    !arg_limited(call, "keep-job", KEEP_MAX, error))
		return FALSE;
	schedule->rate_limit = arg_uint(call, "rate", schedule->rate_limit);
	schedule->priority = arg_uint(call, "priority", schedule->priority);
	if (arg_given(call, "full"))
		schedule->full = arg_bool(call, "full");
	if (arg_given(call, "keep-job"))
		schedule->keep_us = (gint64)arg_uint(call, "keep-job", 0) * G_USEC_PER_SEC;
	if (arg_given(call, "delete-on-completion"))
		schedule->delete_on_completion = arg_bool(call, "delete-on-completion");
	return TRUE;
}

static gboolean
check_circle(const struct daemon *daemon, const struct schedule *schedule, GError **error)
{
	const struct recovery *recovery = &schedule->recovery;
	const struct schedule *next =
		recovery->action == RECOVERY_RUN_JOB
			? engine_schedule_find(daemon->engine, recovery->other, NULL)
			: NULL;
	return !engine_schedule_leads_to(daemon->engine, next, schedule->id) ||
	       cairn_fail(
		       error, CAIRN_ERROR_INVALID,
		       "schedule \"%s\" would be run by its own failure: use on-failure \"retry\"",
		       schedule->name);
}

static gboolean
recovery_given(const struct control_call *call)
{
	static const char *const names[] = {"on-failure", "retries", "retry-delay", "recovery"};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (arg_given(call, names[i]))
			return TRUE;
	return FALSE;
}

static void
take_recovery(const struct control_call *call, struct recovery *recovery, struct recovery *given)
{
	/* "retries" alone leaves the delay, and the other way round. */
	if (given->action == RECOVERY_RETRY && recovery->action == RECOVERY_RETRY) {
		if (!arg_given(call, "retries"))
			given->retries = recovery->retries;
		if (!arg_given(call, "retry-delay"))
			given->delay_us = recovery->delay_us;
	}
	recovery_clear(recovery);
	*recovery = *given;
}

static gboolean
read_recovery(struct daemon *daemon, const struct control_call *call, struct schedule *schedule,
	      GError **error)
{
	if (recovery_given(call)) {
		struct recovery given = {.action = schedule->recovery.action};
		if (!arg_recovery(daemon, call, &given, error))
			return FALSE;
		take_recovery(call, &schedule->recovery, &given);
	}
	return arg_notify(daemon, call, &schedule->notify, error) &&
	       check_circle(daemon, schedule, error);
}

gboolean
schedule_arguments(struct daemon *daemon, const struct control_call *call,
		   struct schedule *schedule, GError **error)
{
	const char *name = arg_string(call, "name"), *directory = arg_string(call, "directory");
	if (name) {
		g_free(schedule->name);
		schedule->name = g_strdup(name);
	}
	if (directory) {
		g_free(schedule->directory);
		schedule->directory = g_strdup(directory);
	}
	return read_calendar(call, &schedule->calendar, error) &&
	       read_limits(call, schedule, error) && read_job(call, schedule, error) &&
	       arg_retention(call, &schedule->retention, error) &&
	       read_recovery(daemon, call, schedule, error);
}
