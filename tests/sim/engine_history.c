/* See engine_history.h. */
#include "engine_history.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "store/store_mem.h"

#include <string.h>

/* The second has only the first machine of the first one. */
static const char *const groups[] = {"web", "db"};

/* ---- the daemon ---- */

static gboolean
on_commit(void *user, guint nth, gboolean before, GError **error)
{
	struct history *history = user;
	struct world *world = &history->world;
	history->commits += before;
	if (history->commits == history->kill_nth && before == history->kill_before)
		world->dead = TRUE;
	if (!world->dead && before && !world->peaceful &&
	    sim_chance(world->sim, history->store_fails)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT, "no space");
		return FALSE;
	}
	if (world->dead)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_IO, "killed");
	return !world->dead;
}

static void
boot(struct history *history)
{
	static const struct engine_limits limits = {
		.max_jobs = 3, .max_copies = 2, .hold_seconds = 3600};
	struct world *world = &history->world;
	g_autoptr(GError) error = NULL;
	history->store = store_open(history->name, &error);
	g_assert_no_error(error);
	world->engine = engine_new(history->store, &limits, &world_io, world, &error);
	g_assert_no_error(error);
	store_mem_set_hook(history->store, on_commit, history);
	world->away = !world->peaceful && sim_chance(world->sim, 20);
	if (world->away)
		engine_hosts_away(world->engine, (char *[]){"fake:///", NULL});
	else
		world_reconcile(world);
	engine_start(world->engine);
}

void
history_reboot(struct history *history)
{
	struct world *world = &history->world;
	history->kills++;
	world->dead = TRUE;
	world_kill(world);
	store_close(history->store);
	world->dead = FALSE;
	boot(history);
	history_check_jobs(history);
}

/* ---- where jobs are ---- */

static void
add_numbers(struct history *history, const char *kind, GHashTable *numbers)
{
	g_autoptr(GPtrArray) rows = store_list(history->store, kind, NULL, 0, NULL);
	for (guint i = 0; rows && i < rows->len; i++) {
		const struct store_object *row = rows->pdata[i];
		gsize len;
		const char *text = g_bytes_get_data(row->body, &len);
		g_autoptr(json_t) json = cairn_json_parse(text, len, NULL);
		cairn_auto(job) job = job_from_json(json, NULL);
		sim_check(history->world.sim, job != NULL);
		/* It is in no other place. */
		sim_check(history->world.sim,
			  g_hash_table_add(numbers, GSIZE_TO_POINTER(job->number)));
		if (strcmp(kind, "history") == 0) {
			cairn_auto(job) found =
				engine_history_job(history->world.engine, job->id, NULL);
			sim_check(history->world.sim, found && found->number == job->number);
		}
	}
}

void
history_check_jobs(struct history *history)
{
	struct sim *sim = history->world.sim;
	g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);
	add_numbers(history, "job", numbers);
	add_numbers(history, "history", numbers);
	for (gsize n = 1; n <= g_hash_table_size(numbers); n++)
		sim_check(sim, g_hash_table_contains(numbers, GSIZE_TO_POINTER(n)));
	g_autoptr(GPtrArray) old = store_list(history->store, "history", NULL, 0, NULL);
	g_autoptr(GPtrArray) ids = store_list(history->store, "history-id", NULL, 0, NULL);
	sim_check(sim, old->len == ids->len);
	history->moved = MAX(history->moved, old->len);
}

/* ---- what people do ---- */

static struct job *
new_job(struct world *world, enum job_kind kind)
{
	g_autofree char *id = cairn_guid_new();
	struct job *job = job_new(id, kind);
	job->consistency = CONSISTENCY_BEST;
	if (world->short_life) {
		job->keep_us = (gint64)sim_below(world->sim, 30) * G_USEC_PER_SEC;
		job->delete_on_completion = !sim_chance(world->sim, 10);
	}
	return job;
}

struct job *
history_point_job(struct world *world, guint group)
{
	struct job *job = new_job(world, JOB_POINT_CREATE);
	job->group = g_strdup(engine_group(world->engine, groups[group], NULL)->id);
	return job;
}

struct job *
history_export_job(struct world *world, const char *group, const struct point *point,
		   const char *folder)
{
	struct job *job = new_job(world, JOB_EXPORT);
	job->group = g_strdup(group);
	job->point = g_strdup(point ? point->id : NULL);
	job->point_name = point ? engine_point_name(world->engine, point) : NULL;
	job->directory = g_strdup(folder);
	job->base = g_strdup(sim_chance(world->sim, 80) ? "auto" : NULL);
	job->format = g_strdup("qcow2");
	job->keep_held = sim_chance(world->sim, 30);
	job->retention.last = sim_chance(world->sim, 30) ? 1 + sim_below(world->sim, 3) : 0;
	return job;
}

struct job *
history_retain_job(struct world *world, guint group, const char *folder, guint64 last)
{
	struct job *job = new_job(world, JOB_RETAIN);
	job->group = g_strdup(engine_group(world->engine, groups[group], NULL)->id);
	job->directory = g_strdup(folder);
	job->retention.last = last;
	return job;
}

gboolean
history_back_up(struct world *world, guint group, const char *folder, char **ret_id, GError **error)
{
	struct job *point = history_point_job(world, group);
	struct job *export = history_export_job(world, point->group, NULL, folder);
	if (ret_id)
		*ret_id = g_strdup(export->id);
	return engine_submit_pair(world->engine, point, export, error);
}

void
history_control_job(struct world *world)
{
	g_autoptr(GPtrArray) jobs = engine_jobs(world->engine);
	if (jobs->len > 0)
		engine_control(world->engine, jobs->pdata[sim_below(world->sim, jobs->len)],
			       (enum job_verb)sim_below(world->sim, VERB_LAST), NULL);
}

void
history_pass_time(struct world *world)
{
	world->sim->now += G_USEC_PER_SEC * (1 + sim_below(world->sim, 7));
	if (world->away && (world->peaceful || sim_chance(world->sim, 30))) {
		world->away = FALSE;
		world_reconcile(world);
		engine_host_back(world->engine, "fake:///");
	}
	engine_tick(world->engine);
}

/* ---- the end ---- */

static gboolean
is_idle(struct world *world)
{
	g_autoptr(GPtrArray) jobs = engine_jobs(world->engine);
	for (guint i = 0; i < jobs->len; i++)
		if (((struct job *)jobs->pdata[i])->phase != PHASE_ENDED)
			return FALSE;
	for (guint i = 0; i <= GUESTS; i++) {
		/* The last are those of folders. */
		const char *vm = i < GUESTS ? world->guests[i].id : NULL;
		g_autoptr(GPtrArray) debts = engine_debts_of(world->engine, vm);
		if (debts->len > 0)
			return FALSE;
	}
	return world->ops->len == 0 && engine_errands(world->engine) == 0 && !world->away;
}

/* Each call may put other jobs in place of those that were seen. */
static void
resume_one(struct world *world)
{
	g_autoptr(GPtrArray) jobs = engine_jobs(world->engine);
	for (guint i = 0; i < jobs->len; i++)
		if (job_is_held(jobs->pdata[i])) {
			engine_control(world->engine, jobs->pdata[i], VERB_RESUME, NULL);
			return;
		}
}

void
history_calm_down(struct history *history)
{
	struct world *world = &history->world;
	world->peaceful = TRUE;
	for (guint round = 0; !is_idle(world); round++) {
		sim_check(world->sim, round < 3000);
		resume_one(world);
		if (world->ops->len > 0)
			world_answer(world);
		else
			history_pass_time(world);
		if (world->dead)
			history_reboot(history);
	}
}

/* A copy of a job, wherever it is by now. */
static struct job *
find_job(struct world *world, const char *id)
{
	const struct job *job = engine_job(world->engine, id, NULL);
	return job ? job_copy(job) : engine_history_job(world->engine, id, NULL);
}

/* The next backup works and is right: what it exports is compared in the world. */
static void
backup_well(struct history *history, guint folder)
{
	struct world *world = &history->world;
	g_autofree char *id = NULL;
	g_autoptr(GError) error = NULL;
	guint before = world->points_exported;
	history_back_up(world, 0, world_folder(folder), &id, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < 10; i++)
		world_write(world);
	history_calm_down(history);
	cairn_auto(job) done = find_job(world, id);
	sim_check(world->sim, done != NULL);
	if (done->outcome)
		sim_fail(world->sim, "the next backup failed: %s",
			 ((struct job_error *)done->errors->pdata[0])->message);
	sim_check(world->sim, world->points_exported == before + 1);
	world_check(world);
}

/* One group's held point keeps its machines from the other's. */
static void
release_other(struct world *world)
{
	const struct group *other = engine_group(world->engine, groups[1], NULL);
	g_autoptr(GPtrArray) points = engine_points(world->engine, other->id, FALSE);
	for (guint i = 0; i < points->len; i++)
		sim_check(world->sim,
			  engine_point_release(world->engine, points->pdata[i], "asked", NULL));
}

/* ---- a history ---- */

void
history_start(struct history *history, struct sim *sim)
{
	static guint stores;
	struct world *world = &history->world;
	g_autoptr(GError) error = NULL;
	world_init(world, sim);
	history->name = g_strdup_printf("memory:%u", ++stores);
	boot(history);
	struct group *group = engine_group_create(world->engine, groups[0], NULL, &error);
	for (guint i = 0; i < GUESTS; i++)
		engine_group_add(world->engine, group, world->guests[i].id, "vm", &error);
	group = engine_group_create(world->engine, groups[1], NULL, &error);
	engine_group_add(world->engine, group, world->guests[0].id, "vm", &error);
	g_assert_no_error(error);
	history->commits = 0;
}

void
history_finish(struct history *history)
{
	struct world *world = &history->world;
	history_calm_down(history);
	world_check(world);
	history_check_jobs(history);
	history->kill_nth = 0;
	release_other(world);
	backup_well(history, 0);
	guint before = world->increments;
	backup_well(history, 0);
	/* The second one in a row can be an increment, and is, if it was asked for. */
	const struct point *last = engine_point(world->engine, "web@latest", NULL);
	sim_check(world->sim, last->exports->len == 1);
	cairn_auto(job) job =
		find_job(world, ((struct point_export *)last->exports->pdata[0])->job);
	sim_check(world->sim, !job->base || world->increments == before + GUESTS);
	world->dead = TRUE;
	world_kill(world);
	store_close(history->store);
	store_mem_forget(strchr(history->name, ':') + 1);
	g_free(history->name);
	world_clear(world);
}
