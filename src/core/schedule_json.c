/* The JSON of a schedule: for the store and for people. One table of plain fields serves both, and
 * the reading. */
#include "base/error.h"
#include "base/json.h"
#include "base/json_fields.h"
#include "base/timefmt.h"
#include "core/schedule.h"

#define AT(member) G_STRUCT_OFFSET(struct schedule, member)

static const struct json_field fields[] = {
	{"name", JSON_FIELD_TEXT, AT(name)},
	{"group", JSON_FIELD_TEXT, AT(group)},
	{"group-name", JSON_FIELD_TEXT, AT(group_name)},
	{"directory", JSON_FIELD_TEXT, AT(directory)},
	{"owner", JSON_FIELD_TEXT, AT(owner)},
	{"created", JSON_FIELD_TIME, AT(created)},
	{"run-times", JSON_FIELD_NUMBER, AT(run_times)},
	{"start", JSON_FIELD_TIME, AT(start)},
	{"start-once", JSON_FIELD_BOOLEAN, AT(start_once)},
	{"until", JSON_FIELD_TIME, AT(until)},
	{"full", JSON_FIELD_BOOLEAN, AT(full)},
	{"format", JSON_FIELD_TEXT, AT(format)},
	{"compress", JSON_FIELD_TEXT, AT(compress)},
	{"digest", JSON_FIELD_TEXT, AT(digest)},
	{"rate-limit", JSON_FIELD_NUMBER, AT(rate_limit)},
	{"priority", JSON_FIELD_NUMBER, AT(priority)},
	{"keep-us", JSON_FIELD_SPAN, AT(keep_us)},
	{"delete-on-completion", JSON_FIELD_BOOLEAN, AT(delete_on_completion)},
	{"notify", JSON_FIELD_TEXT, AT(notify)},
	{"suspend", JSON_FIELD_BOOLEAN, AT(suspend)},
	{"state-changed", JSON_FIELD_TIME, AT(state_changed)},
	{"runs", JSON_FIELD_NUMBER, AT(runs)},
	{"next", JSON_FIELD_TIME, AT(next)},
	{"last-due", JSON_FIELD_TIME, AT(last_due)},
	{"job", JSON_FIELD_TEXT, AT(job)},
	{"job-number", JSON_FIELD_NUMBER, AT(job_number)},
	{"last-ended", JSON_FIELD_TIME, AT(last_ended)},
	{"late-us", JSON_FIELD_SPAN, AT(late_us)},
	{"missed", JSON_FIELD_NUMBER, AT(missed)},
	{"error", JSON_FIELD_TEXT, AT(error)},
	{0},
};

/* ---- writing ---- */

static json_t *
to_json(const struct schedule *schedule, gboolean for_people)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "id", schedule->id);
	cairn_json_set_uint(json, "state", schedule->state);
	cairn_json_set_uint(json, "last-state", schedule->last_state);
	cairn_json_set_string(json, "consistency", consistency_name(schedule->consistency));
	json_fields_put(json, schedule, fields, for_people);
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
	if (!json_fields_get(json, schedule, fields, error) ||
	    !states_from_json(schedule, json, error) || !parts_from_json(schedule, json, error))
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
