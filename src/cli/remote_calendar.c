/* Making and changing schedules of another host: arguments of cairnd's requests as CIM_Job's
 * writable properties. What they have no place for is refused, here or in the table of remote.c. */
#include "cli/remote_private.h"

#include "base/error.h"
#include "base/timefmt.h"
#include "core/calendar.h"
#include "core/recovery.h"

#include <string.h>

/* ---- one argument ---- */

/* Of a value that is given; *@ret_text (to be freed) stays NULL when it says that there is none. */
typedef gboolean (*tell_fn)(const json_t *value, const char *argument, char **ret_text,
			    GError **error);

static gboolean
tell_text(const json_t *value, const char *argument, char **ret_text, GError **error)
{
	const char *text = json_string_value(value);
	*ret_text = *text ? g_strdup(text) : NULL;
	return TRUE;
}

static gboolean
tell_number(const json_t *value, const char *argument, char **ret_text, GError **error)
{
	*ret_text = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return TRUE;
}

/* RunDay and RunDayOfWeek: any is no value. */
static gboolean
tell_day(const json_t *value, const char *argument, char **ret_text, GError **error)
{
	return json_integer_value(value) == 0 || tell_number(value, argument, ret_text, error);
}

/* An absolute time, whatever zone it was typed in. */
static gboolean
tell_time(const json_t *value, const char *argument, char **ret_text, GError **error)
{
	const char *text = json_string_value(value);
	gint64 time;
	if (!*text)
		return TRUE;
	if (!cairn_time_from_iso(text, &time, error))
		return FALSE;
	*ret_text = cairn_time_cim(time);
	return TRUE;
}

static gboolean
tell_seconds(const json_t *value, const char *argument, char **ret_text, GError **error)
{
	gint64 seconds = MIN(json_integer_value(value), G_MAXINT64 / G_USEC_PER_SEC);
	*ret_text = cairn_interval_cim(seconds * G_USEC_PER_SEC);
	return TRUE;
}

/* HH:MM or HH:MM:SS as the time since midnight, of which zone LocalOrUtcTime says. */
static gboolean
tell_at(const json_t *value, const char *argument, char **ret_text, GError **error)
{
	const char *text = json_string_value(value);
	g_autofree char *whole = g_strdup_printf("%s%s", text, strlen(text) == 5 ? ":00" : "");
	g_autofree char *iso = g_strdup_printf("1970-01-01T%sZ", whole);
	gboolean fits = strlen(whole) == strlen("HH:MM:SS") && whole[2] == ':' && whole[5] == ':';
	gint64 time = 0;
	if (!fits || !cairn_time_from_iso(iso, &time, NULL) || time < 0 || time >= CALENDAR_DAY_US)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "argument \"at\" is a time of the day, HH:MM or HH:MM:SS");
	*ret_text = cairn_interval_cim(time);
	return TRUE;
}

static gboolean
tell_utc(const json_t *value, const char *argument, char **ret_text, GError **error)
{
	*ret_text = g_strdup(json_is_true(value) ? "2" : "1");
	return TRUE;
}

/* RunMonth and RunDayOfWeek name one each, or none for all; the first word counts as @first. */
static gboolean
tell_word(const json_t *list, const char *const *words, guint first, const char *argument,
	  char **ret_text, GError **error)
{
	const char *word = json_string_value(json_array_get(list, 0));
	guint i = 0;
	if (json_array_size(list) == 0)
		return TRUE;
	if (json_array_size(list) > 1)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "not possible with --host: the classes have place for one of "
				  "--%s; make a schedule for each, or run this on the host itself",
				  argument);
	while (words[i] && g_strcmp0(words[i], word) != 0)
		i++;
	if (!words[i])
		return cairn_fail(error, CAIRN_ERROR_INVALID, "argument \"%s\": no \"%s\"",
				  argument, word);
	*ret_text = g_strdup_printf("%u", first + i);
	return TRUE;
}

static gboolean
tell_month(const json_t *value, const char *argument, char **ret_text, GError **error)
{
	static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
					     "aug", "sep", "oct", "nov", "dec", NULL};
	return tell_word(value, months, 0, argument, ret_text, error);
}

static gboolean
tell_weekday(const json_t *value, const char *argument, char **ret_text, GError **error)
{
	static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
	return tell_word(value, days, 1, argument, ret_text, error);
}

static gboolean
tell_recovery(const json_t *value, const char *argument, char **ret_text, GError **error)
{
	enum recovery_action action;
	if (!recovery_action_parse(json_string_value(value), &action, error))
		return FALSE;
	*ret_text = g_strdup_printf("%d", (int)action);
	return TRUE;
}

/* ---- all of them ---- */

static const struct row {
	const char *argument, *property;
	tell_fn tell;
	gboolean is_calendar;
} rows[] = {
	{"name", "ElementName", tell_text, FALSE},
	{"directory", "ExportDirectory", tell_text, FALSE},
	{"at", "RunStartInterval", tell_at, TRUE},
	{"months", "RunMonth", tell_month, TRUE},
	{"day", "RunDay", tell_day, TRUE},
	{"weekdays", "RunDayOfWeek", tell_weekday, TRUE},
	{"day-of-week", "RunDayOfWeek", tell_day, TRUE},
	{"utc", "LocalOrUtcTime", tell_utc, FALSE},
	{"start", "ScheduledStartTime", tell_time, FALSE},
	{"until", "UntilTime", tell_time, FALSE},
	{"times", "JobRunTimes", tell_number, FALSE},
	{"priority", "Priority", tell_number, FALSE},
	{"keep-job", "TimeBeforeRemoval", tell_seconds, FALSE},
	{"on-failure", "RecoveryAction", tell_recovery, FALSE},
	{"recovery", "OtherRecoveryAction", tell_text, FALSE},
	{"notify", "Notify", tell_text, FALSE},
};

static const json_t *
given(const json_t *arguments, const struct row *row)
{
	const json_t *value = json_object_get(arguments, row->argument);
	return json_is_null(value) ? NULL : value;
}

static gboolean
is_given(const json_t *arguments, const char *name)
{
	const json_t *value = json_object_get(arguments, name);
	return value && !json_is_null(value);
}

/* RunDayOfWeek is one or the other; the name of what is to be run says nothing without
 * RecoveryAction (CIM_Job). */
static gboolean
check(const json_t *arguments, GError **error)
{
	static const char *const days[] = {"day", "day-of-week"};
	gboolean some = json_array_size(json_object_get(arguments, "weekdays")) > 0;
	for (guint i = 0; some && i < G_N_ELEMENTS(days); i++)
		if (is_given(arguments, days[i]))
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "not possible with --host: the classes have no place for "
					  "--weekdays beside --%s; leave one of them out",
					  days[i]);
	return !is_given(arguments, "recovery") || is_given(arguments, "on-failure") ||
	       cairn_fail(error, CAIRN_ERROR_INVALID,
			  "--recovery goes with --on-failure run-job or command");
}

/* What is given, as text or null by property; NULL and an error. */
static json_t *
properties(const json_t *arguments, GError **error)
{
	g_autoptr(json_t) json = json_object();
	if (!check(arguments, error))
		return NULL;
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		const json_t *value = given(arguments, &rows[i]);
		g_autofree char *text = NULL;
		if (!value)
			continue;
		if (!rows[i].tell(value, rows[i].argument, &text, error))
			return NULL;
		cairn_json_set_string(json, rows[i].property, text);
	}
	return g_steal_pointer(&json);
}

/* ---- the requests ---- */

static gboolean
has_calendar(const json_t *arguments)
{
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].is_calendar && given(arguments, &rows[i]))
			return TRUE;
	return FALSE;
}

/* A new instance says nothing of what has no value. "All weekdays" is a calendar: at midnight. */
static void
complete(json_t *values, const json_t *arguments, const json_t *group)
{
	const char *name;
	json_t *value;
	void *next;
	json_object_foreach_safe(values, next, name, value) if (json_is_null(value))
		json_object_del(values, name);
	json_object_set(values, "CollectionId", json_object_get(group, "CollectionID"));
	if (!json_object_get(values, "JobRunTimes"))
		cairn_json_set_string(values, "JobRunTimes", "0"); /* no limit */
	if (has_calendar(arguments) && !json_object_get(values, "RunStartInterval"))
		cairn_json_set_interval_cim(values, "RunStartInterval", 0);
}

json_t *
remote_schedule_create(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) values = properties(arguments, error);
	g_autoptr(json_t) group =
		values ? remote_find_group(remote, property_text(arguments, "group"), error) : NULL;
	if (!group)
		return NULL;
	complete(values, arguments, group);
	g_autoptr(json_t) made = remote_create(remote, CLASS_EXPORT_JOB, values, error);
	const char *id = property_text(json_object_get(made, "keys"), "InstanceID");
	if (made && !id)
		cairn_fail(error, CAIRN_ERROR_IO, "%s does not say what it made", remote->host);
	return id ? remote_schedule_view(remote, id, error) : NULL;
}

json_t *
remote_schedule_set(struct remote *remote, const json_t *arguments, GError **error)
{
	g_autoptr(json_t) values = properties(arguments, error);
	g_autoptr(json_t) job =
		values ? remote_find_schedule(remote, property_text(arguments, "schedule"), error)
		       : NULL;
	const json_t *keys = json_object_get(job, "keys");
	if (!job || !remote_put(remote, CLASS_EXPORT_JOB, keys, values, error))
		return NULL;
	return remote_schedule_view(remote, property_text(keys, "InstanceID"), error);
}
