/* Handlers of schedules. */
#include "cairnd/handlers.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "cairnd/engine_schedules.h"
#include "core/schedule_cim.h"

static void
answer(const struct daemon *daemon, struct control_call *call, const struct schedule *schedule)
{
	control_call_return(call, engine_schedule_view(daemon->engine, schedule));
}

static struct schedule *
arg_schedule(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct schedule *schedule =
		engine_schedule_find(daemon->engine, arg_string(call, "schedule"), &error);
	if (!schedule)
		call_fail(call, error);
	return schedule;
}

/* ---- making and changing ---- */

static struct schedule *
new_schedule(struct daemon *daemon, const struct control_call *call, GError **error)
{
	const struct group *group = engine_group(daemon->engine, arg_string(call, "group"), error);
	if (!group)
		return NULL;
	g_autofree char *id = cairn_guid_new();
	cairn_auto(schedule) schedule = schedule_new(id);
	schedule->group = g_strdup(group->id);
	schedule->owner = g_strdup(control_call_user(call));
	schedule->keep_us = (gint64)daemon->config->keep_jobs * G_USEC_PER_SEC;
	schedule->consistency = CONSISTENCY_BEST;
	return schedule_arguments(daemon, call, schedule, error) ? g_steal_pointer(&schedule)
								 : NULL;
}

static void
create_checked(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct schedule *schedule = new_schedule(daemon, call, &error);
	if (schedule)
		schedule = engine_schedule_put(daemon->engine, schedule, &error);
	if (schedule)
		answer(daemon, call, schedule);
	else
		call_fail(call, error);
}

void
handle_schedule_create(struct daemon *daemon, struct control_call *call)
{
	after_folder_check(daemon, call, create_checked);
}

static void
set_checked(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct schedule *schedule = arg_schedule(daemon, call);
	if (!schedule)
		return;
	cairn_auto(schedule) changed = schedule_copy(schedule);
	if (schedule_arguments(daemon, call, changed, &error) &&
	    engine_schedule_put(daemon->engine, g_steal_pointer(&changed), &error))
		answer(daemon, call, schedule);
	else
		call_fail(call, error);
}

void
handle_schedule_set(struct daemon *daemon, struct control_call *call)
{
	if (arg_given(call, "directory"))
		after_folder_check(daemon, call, set_checked);
	else
		set_checked(daemon, call);
}

void
handle_schedule_control(struct daemon *daemon, struct control_call *call)
{
	static const struct {
		const char *word;
		enum schedule_event_type type;
	} actions[] = {
		{"run", SCHEDULE_RUN_NOW},
		{"suspend", SCHEDULE_SUSPEND},
		{"resume", SCHEDULE_RESUME},
		{"terminate", SCHEDULE_TERMINATE},
	};
	GError *error = NULL;
	guint i = 0;
	const char *word = arg_string(call, "action");
	while (i < G_N_ELEMENTS(actions) && strcmp(actions[i].word, word) != 0)
		i++;
	if (i == G_N_ELEMENTS(actions)) {
		cairn_fail(&error, CAIRN_ERROR_INVALID,
			   "\"%s\" is no action: use run, suspend, resume or terminate", word);
		call_fail(call, error);
		return;
	}
	struct schedule *schedule = arg_schedule(daemon, call);
	if (!schedule)
		return;
	if (engine_schedule_control_forget(daemon->engine, schedule, actions[i].type,
					   arg_forget(call), &error))
		answer(daemon, call, schedule);
	else
		call_fail(call, error);
}

void
handle_schedule_delete(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	struct schedule *schedule = arg_schedule(daemon, call);
	if (!schedule)
		return;
	if (engine_schedule_delete(daemon->engine, schedule, &error))
		control_call_return(call, json_object());
	else
		call_fail(call, error);
}

/* ---- looking ---- */

void
handle_schedule_list(struct daemon *daemon, struct control_call *call)
{
	const struct group *group = NULL;
	if (arg_given(call, "group") && !(group = arg_group(daemon, call)))
		return;
	json_t *list = json_array();
	const GPtrArray *schedules = engine_schedules(daemon->engine);
	for (guint i = 0; i < schedules->len; i++) {
		const struct schedule *schedule = schedules->pdata[i];
		if (group && strcmp(schedule->group, group->id) != 0)
			continue;
		json_t *view = engine_schedule_view(daemon->engine, schedule);
		if (arg_bool(call, "properties"))
			cairn_json_set(view, "properties", schedule_cim_properties(schedule));
		json_array_append_new(list, view);
	}
	control_call_return(call, list);
}

void
handle_schedule_show(struct daemon *daemon, struct control_call *call)
{
	const struct schedule *schedule = arg_schedule(daemon, call);
	if (schedule)
		answer(daemon, call, schedule);
}
