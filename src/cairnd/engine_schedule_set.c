/* Making and changing schedules: what is asked for is looked at before anything is stored. */
#include "cairnd/engine_private.h"

#include "base/error.h"

#define NAMES_MAX (SCHEDULES_MAX + 1) /* tried for one without a name */

static gboolean
name_is_free(const struct engine *engine, const struct schedule *schedule, GError **error)
{
	const struct schedule *other = engine_schedule_find(engine, schedule->name, NULL);
	return !other || strcmp(other->id, schedule->id) == 0 ||
	       cairn_fail(error, CAIRN_ERROR_EXISTS, "there is a schedule \"%s\" already",
			  schedule->name);
}

/* "web", "web-2", ... */
static void
choose_name(const struct engine *engine, struct schedule *schedule, const struct group *group)
{
	for (guint i = 1; !schedule->name && i <= NAMES_MAX; i++) {
		g_autofree char *tail = i > 1 ? g_strdup_printf("-%u", i) : g_strdup("");
		gsize room = SCHEDULE_NAME_MAX - strlen(tail);
		g_autofree char *name = g_strdup_printf("%.*s%s", (int)room, group->name, tail);
		if (!engine_schedule_find(engine, name, NULL))
			schedule->name = g_steal_pointer(&name);
	}
}

static gboolean
check_new(struct engine *engine, struct schedule *schedule, GError **error)
{
	const struct group *group = engine_group(engine, schedule->group, error);
	if (!group)
		return FALSE;
	if (engine->schedules->len >= SCHEDULES_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT,
				  "there are %d schedules already: delete some", SCHEDULES_MAX);
	choose_name(engine, schedule, group);
	g_free(schedule->group_name);
	schedule->group_name = g_strdup(group->name);
	schedule->created = schedule->state_changed = engine_now(engine);
	return schedule_check(schedule, error) && name_is_free(engine, schedule, error);
}

/* A schedule that never runs is a mistake. */
static gboolean
will_run(const struct engine *engine, const struct schedule *schedule, GError **error)
{
	const struct schedule_event event = {.type = SCHEDULE_CHANGED};
	struct schedule_effects effects;
	cairn_auto(schedule) then = schedule_copy(schedule);
	schedule_step(then, &event, engine_now(engine), engine->zone, &effects);
	/* a job that runs already is the first run of a new one */
	gboolean again = then->state == JOB_RUNNING && then->next != 0;
	return effects.start || then->state == JOB_NEW || again ||
	       cairn_fail(error, CAIRN_ERROR_INVALID,
			  "schedule \"%s\" would never run: it ends before it is due",
			  schedule->name);
}

/* Nor is one edited away: it would be forgotten soon after, as one that has done its work. */
static gboolean
runs_on(const struct engine *engine, const struct schedule *schedule,
	const struct schedule *changed, GError **error)
{
	const struct schedule_event event = {.type = SCHEDULE_CHANGED};
	struct schedule_effects effects;
	cairn_auto(schedule) then = schedule_copy(changed);
	schedule_step(then, &event, engine_now(engine), engine->zone, &effects);
	return schedule->next == 0 || then->next != 0 || effects.start ||
	       cairn_fail(error, CAIRN_ERROR_INVALID,
			  "schedule \"%s\" would never run again: to end it, terminate it",
			  schedule->name);
}

/* @wanted is new, or another form of @now. */
static gboolean
check_wanted(struct engine *engine, const struct schedule *now, struct schedule *wanted,
	     GError **error)
{
	if (!now)
		return check_new(engine, wanted, error) && will_run(engine, wanted, error);
	return schedule_control_check(now, SCHEDULE_CHANGED, error) &&
	       schedule_check(wanted, error) && name_is_free(engine, wanted, error) &&
	       runs_on(engine, now, wanted, error);
}

gboolean
engine_commit_schedule_wanted(struct engine *engine, struct engine_commit *out,
			      struct schedule *wanted, GError **error)
{
	const struct schedule_event event = {.type = SCHEDULE_CHANGED};
	struct schedule_effects effects;
	if (!check_wanted(engine, engine_schedule_by_id(engine, wanted->id), wanted, error)) {
		schedule_free(wanted);
		return FALSE;
	}
	engine_commit_schedule_step(engine, out, wanted, &event, &effects);
	return TRUE;
}

struct schedule *
engine_schedule_put(struct engine *engine, struct schedule *wanted, GError **error)
{
	g_autofree char *id = g_strdup(wanted->id);
	struct engine_commit out;
	engine_commit_init(&out);
	gboolean ok = engine_commit_schedule_wanted(engine, &out, wanted, error) &&
		      engine_commit_store(engine, &out, error);
	engine_commit_clear(&out);
	if (!ok)
		return NULL;
	engine_schedule(engine);
	return engine_schedule_by_id(engine, id);
}
