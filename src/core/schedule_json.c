/* The JSON of a schedule: for the store and for people. One table of plain fields serves both, and
 * the reading. */
#include "base/error.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "core/schedule.h"

enum field_type { TEXT, NUMBER, TIME, SPAN, BOOLEAN };

static const struct field {
	const char *key;
	enum field_type type;
	gsize offset;
} fields[] = {
	{"name", TEXT, G_STRUCT_OFFSET(struct schedule, name)},
	{"group", TEXT, G_STRUCT_OFFSET(struct schedule, group)},
	{"group-name", TEXT, G_STRUCT_OFFSET(struct schedule, group_name)},
	{"directory", TEXT, G_STRUCT_OFFSET(struct schedule, directory)},
	{"owner", TEXT, G_STRUCT_OFFSET(struct schedule, owner)},
	{"created", TIME, G_STRUCT_OFFSET(struct schedule, created)},
	{"run-times", NUMBER, G_STRUCT_OFFSET(struct schedule, run_times)},
	{"start", TIME, G_STRUCT_OFFSET(struct schedule, start)},
	{"start-once", BOOLEAN, G_STRUCT_OFFSET(struct schedule, start_once)},
	{"until", TIME, G_STRUCT_OFFSET(struct schedule, until)},
	{"full", BOOLEAN, G_STRUCT_OFFSET(struct schedule, full)},
	{"format", TEXT, G_STRUCT_OFFSET(struct schedule, format)},
	{"compress", TEXT, G_STRUCT_OFFSET(struct schedule, compress)},
	{"digest", TEXT, G_STRUCT_OFFSET(struct schedule, digest)},
	{"rate-limit", NUMBER, G_STRUCT_OFFSET(struct schedule, rate_limit)},
	{"priority", NUMBER, G_STRUCT_OFFSET(struct schedule, priority)},
	{"keep-us", SPAN, G_STRUCT_OFFSET(struct schedule, keep_us)},
	{"delete-on-completion", BOOLEAN, G_STRUCT_OFFSET(struct schedule, delete_on_completion)},
	{"notify", TEXT, G_STRUCT_OFFSET(struct schedule, notify)},
	{"suspend", BOOLEAN, G_STRUCT_OFFSET(struct schedule, suspend)},
	{"state-changed", TIME, G_STRUCT_OFFSET(struct schedule, state_changed)},
	{"runs", NUMBER, G_STRUCT_OFFSET(struct schedule, runs)},
	{"next", TIME, G_STRUCT_OFFSET(struct schedule, next)},
	{"last-due", TIME, G_STRUCT_OFFSET(struct schedule, last_due)},
	{"job", TEXT, G_STRUCT_OFFSET(struct schedule, job)},
	{"job-number", NUMBER, G_STRUCT_OFFSET(struct schedule, job_number)},
	{"last-ended", TIME, G_STRUCT_OFFSET(struct schedule, last_ended)},
	{"late-us", SPAN, G_STRUCT_OFFSET(struct schedule, late_us)},
	{"missed", NUMBER, G_STRUCT_OFFSET(struct schedule, missed)},
	{"error", TEXT, G_STRUCT_OFFSET(struct schedule, error)},
};

/* ---- writing ---- */

/* @for_people: times as ISO 8601 and not as numbers. */
static void
put_field(json_t *json, const struct schedule *schedule, const struct field *field,
	  gboolean for_people)
{
	gconstpointer at = (const char *)schedule + field->offset;
	switch (field->type) {
	case TEXT:
		cairn_json_set_string(json, field->key, *(char *const *)at);
		break;
	case NUMBER:
		cairn_json_set_uint(json, field->key, *(const guint64 *)at);
		break;
	case TIME:
		if (for_people)
			cairn_json_set_time(json, field->key, *(const gint64 *)at);
		else
			cairn_json_set_uint(json, field->key, (guint64) * (const gint64 *)at);
		break;
	case SPAN:
		cairn_json_set_uint(json, field->key, (guint64) * (const gint64 *)at);
		break;
	case BOOLEAN:
		cairn_json_set_bool(json, field->key, *(const gboolean *)at);
		break;
	}
}

static json_t *
to_json(const struct schedule *schedule, gboolean for_people)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "id", schedule->id);
	cairn_json_set_uint(json, "state", schedule->state);
	cairn_json_set_uint(json, "last-state", schedule->last_state);
	cairn_json_set_string(json, "consistency", consistency_name(schedule->consistency));
	for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
		put_field(json, schedule, &fields[i], for_people);
	cairn_json_set(json, "calendar", calendar_to_json(&schedule->calendar));
	cairn_json_set(json, "recovery", recovery_to_json(&schedule->recovery));
	cairn_json_set(json, "retention", retention_to_json(&schedule->retention));
	return json;
}

json_t *
schedule_to_json(const struct schedule *schedule)
{
	return to_json(schedule, FALSE);
}

/* ---- reading ---- */

static gboolean
get_field(const json_t *json, struct schedule *schedule, const struct field *field, GError **error)
{
	gpointer at = (char *)schedule + field->offset;
	const char *text;
	guint64 number;
	switch (field->type) {
	case TEXT:
		if (!cairn_json_get_string_opt(json, field->key, &text, error))
			return FALSE;
		*(char **)at = g_strdup(text);
		return TRUE;
	case NUMBER:
		return cairn_json_get_uint_opt(json, field->key, JSON_MAX_UINT, 0, at, error);
	case TIME:
	case SPAN:
		if (!cairn_json_get_uint_opt(json, field->key, JSON_MAX_UINT, 0, &number, error))
			return FALSE;
		*(gint64 *)at = (gint64)number;
		return TRUE;
	case BOOLEAN:
		return cairn_json_get_bool_opt(json, field->key, FALSE, at, error);
	}
	return FALSE;
}

static gboolean
states_from_json(struct schedule *schedule, const json_t *json, GError **error)
{
	guint64 state, last;
	const char *consistency;
	if (!cairn_json_get_uint(json, "state", G_MAXUINT16, &state, error) ||
	    !cairn_json_get_uint_opt(json, "last-state", G_MAXUINT16, 0, &last, error) ||
	    !cairn_json_get_string(json, "consistency", &consistency, error) ||
	    !consistency_parse(consistency, &schedule->consistency, error))
		return FALSE;
	if (!job_state_known((enum job_state)state) ||
	    (last != 0 && !job_state_final((enum job_state)last)))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "unknown state %u of a schedule, or %u of its last run",
				  (guint)state, (guint)last);
	schedule->state = (enum job_state)state;
	schedule->last_state = (enum job_state)last;
	return TRUE;
}

static gboolean
parts_from_json(struct schedule *schedule, const json_t *json, GError **error)
{
	const json_t *calendar, *recovery, *retention;
	return cairn_json_get_object_opt(json, "calendar", &calendar, error) &&
	       cairn_json_get_object_opt(json, "recovery", &recovery, error) &&
	       cairn_json_get_object_opt(json, "retention", &retention, error) &&
	       calendar_from_json(calendar, &schedule->calendar, error) &&
	       recovery_from_json(recovery, &schedule->recovery, error) &&
	       retention_from_json(retention, &schedule->retention, error);
}

struct schedule *
schedule_from_json(const json_t *json, GError **error)
{
	const char *id;
	if (!cairn_json_get_string(json, "id", &id, error))
		return NULL;
	cairn_auto(schedule) schedule = schedule_new(id);
	for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
		if (!get_field(json, schedule, &fields[i], error))
			return NULL;
	if (!states_from_json(schedule, json, error) || !parts_from_json(schedule, json, error))
		return NULL;
	return g_steal_pointer(&schedule);
}

/* ---- for people ---- */

json_t *
schedule_view(const struct schedule *schedule, gint64 now, GTimeZone *local)
{
	json_t *json = to_json(schedule, TRUE), *upcoming = json_array();
	gint64 times[SCHEDULE_UPCOMING];
	guint n = schedule_upcoming(schedule, now, local, times, G_N_ELEMENTS(times));
	for (guint i = 0; i < n; i++) {
		g_autofree char *text = cairn_time_iso(times[i]);
		json_array_append_new(upcoming, json_string(text));
	}
	g_autofree char *calendar =
		schedule->start_once ? NULL : calendar_text(&schedule->calendar);
	g_autofree char *status = schedule_status_text(schedule);
	g_autofree char *note = schedule_note(schedule);
	cairn_json_set_string(json, "state-name", job_state_name(schedule->state));
	cairn_json_set_string(json, "last-state-name",
			      schedule->last_state ? job_state_name(schedule->last_state) : NULL);
	cairn_json_set_string(json, "recovery-name",
			      recovery_action_name(schedule->recovery.action));
	cairn_json_set_string(json, "calendar-text", calendar ? calendar : "once");
	cairn_json_set_string(json, "status", status);
	cairn_json_set_string(json, "note", note);
	cairn_json_set(json, "upcoming", upcoming);
	return json;
}
