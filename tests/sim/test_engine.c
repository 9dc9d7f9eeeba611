/* The engine with a memory store, a fake world and a fake clock: whole histories of points,
 * exports, verbs and losses, the daemon killed before and after every commit and at any effect.
 * After each recovery no guest is frozen or paused, nothing of ours is left that the store does not
 * know, and the next point and increment are right. */
#include "engine_history.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "store/store_mem.h"

#include <string.h>

static struct point *
random_point(struct world *world)
{
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, FALSE);
	return points->len ? points->pdata[sim_below(world->sim, points->len)] : NULL;
}

static void
remove_something(struct world *world)
{
	g_autoptr(GPtrArray) jobs = engine_jobs(world->engine);
	if (jobs->len > 0)
		engine_job_remove(world->engine, jobs->pdata[sim_below(world->sim, jobs->len)],
				  NULL);
}

static void
change_limits(struct world *world)
{
	g_autoptr(json_t) changes = json_pack(
		"{s:i, s:o, s:i}", "max-jobs", 1 + (int)sim_below(world->sim, 4), "copies-per-host",
		sim_chance(world->sim, 30) ? json_null() : json_integer(1), "starve-after",
		(int)sim_below(world->sim, 30));
	engine_limits_set(world->engine, changes, NULL);
}

/* A point, or a point and its export, that wait for their time. */
static void
delay_something(struct world *world, guint group, const char *folder)
{
	struct job *point = history_point_job(world, group);
	point->due = world->sim->now + sim_below(world->sim, 60) * G_USEC_PER_SEC;
	if (sim_chance(world->sim, 50))
		engine_submit(world->engine, point, NULL);
	else
		engine_submit_pair(world->engine, point,
				   history_export_job(world, point->group, NULL, folder), NULL);
}

static void
do_something(struct world *world)
{
	struct point *point = random_point(world);
	const char *folder = world_folder(sim_below(world->sim, FOLDERS));
	guint group = sim_chance(world->sim, 80) ? 0 : 1;
	switch (sim_below(world->sim, 14)) {
	case 0:
	case 1:
		engine_submit(world->engine, history_point_job(world, group), NULL);
		break;
	case 2:
	case 3:
		if (point)
			engine_submit(world->engine,
				      history_export_job(world, point->group, point, folder), NULL);
		break;
	case 4:
	case 5:
		history_back_up(world, group, folder, NULL, NULL);
		break;
	case 6:
		if (point)
			engine_point_release(world->engine, point, "asked for", NULL);
		break;
	case 7:
		if (point)
			engine_point_delete(world->engine, point, NULL);
		break;
	case 8:
		world_lose(world, &world->guests[sim_below(world->sim, GUESTS)]);
		break;
	case 9:
		change_limits(world);
		break;
	case 10:
		delay_something(world, group, folder);
		break;
	case 11:
		engine_submit(
			world->engine,
			history_retain_job(world, group, folder, 1 + sim_below(world->sim, 4)),
			NULL);
		break;
	case 12:
		remove_something(world);
		break;
	default:
		history_control_job(world);
		break;
	}
}

/* One job of a group at a time; the times of a job are those of its one life, however often the
 * daemon died; points are numbered as they were taken. */
static void
check_jobs(struct world *world, GHashTable *started)
{
	g_autoptr(GPtrArray) jobs = engine_jobs(world->engine);
	g_autoptr(GHashTable) busy = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < jobs->len; i++) {
		struct job *job = jobs->pdata[i];
		gint64 worked = job_elapsed(job, world->sim->now);
		if (job->phase != PHASE_WAIT && job->phase != PHASE_ENDED)
			sim_check(world->sim, g_hash_table_add(busy, job->group));
		sim_check(world->sim, !job->started || job->started >= job->due);
		sim_check(world->sim, worked >= 0 && worked <= world->sim->now - job->started);
		sim_check(world->sim, job->started || worked == 0);
		const gint64 *known = g_hash_table_lookup(started, job->id);
		sim_check(world->sim, !known || *known == job->started);
		if (!known && job->started)
			g_hash_table_insert(started, g_strdup(job->id),
					    g_memdup2(&job->started, sizeof job->started));
	}
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, TRUE);
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i];
		const struct point *prev = engine_point_by_id(world->engine, point->prev);
		sim_check(world->sim, !prev || prev->number < point->number);
	}
}

static void
live(struct history *history, guint actions)
{
	struct world *world = &history->world;
	struct sim *sim = world->sim;
	g_autoptr(GHashTable) started =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint round = 0; round < 100; round++) {
		guint dice = sim_below(sim, 100);
		if (dice < actions)
			do_something(world);
		else if (dice < actions + 10)
			history_pass_time(world);
		else if (dice < actions + 15)
			world_write(world);
		else
			world_answer(world);
		if (world->dead || (!history->kill_nth && sim_chance(sim, 4)))
			history_reboot(history);
		check_jobs(world, started);
	}
}

/* ---- tests ---- */

static guint jobs_moved; /* to the history of jobs */

static void
play_random(struct sim *sim)
{
	struct history history = {0};
	history_start(&history, sim);
	history.world.short_life = sim_chance(sim, 50);
	history.world.fail_chance = sim_chance(sim, 50) ? sim_below(sim, 30) : 0;
	history.store_fails = sim_chance(sim, 30) ? sim_below(sim, 30) : 0;
	live(&history, 5 + sim_below(sim, 20));
	history_finish(&history);
	jobs_moved += history.moved;
}

static void
test_random(void)
{
	if (sim_run(play_random, 300))
		g_assert_cmpuint(jobs_moved, >, 300);
}

/* Long enough that those that do not stay go to the history. */
static void
outlive_jobs(struct history *history)
{
	const gint64 until = history->world.sim->now + 40 * G_USEC_PER_SEC;
	while (history->world.sim->now < until) {
		history_pass_time(&history->world);
		if (history->world.dead)
			history_reboot(history);
	}
}

/* Two backups, until their jobs are in the history; the daemon is killed at each commit in turn. */
static void
play_each_commit(struct sim *sim)
{
	for (guint nth = 1, last = 1; nth <= last; nth++)
		for (guint before = 0; before < 2; before++) {
			struct history history = {.kill_before = before};
			history_start(&history, sim);
			history.world.short_life = TRUE;
			history.kill_nth = nth;
			for (guint i = 0; i < 2; i++) {
				history_back_up(&history.world, 0, world_folder(0), NULL, NULL);
				if (history.world.dead)
					history_reboot(&history);
				history_calm_down(&history);
				outlive_jobs(&history);
				world_write(&history.world);
			}
			last = MAX(last, MIN(history.commits, 80));
			history_finish(&history);
		}
}

static void
test_each_commit(void)
{
	sim_run(play_each_commit, 3);
}

/* ---- what nobody knows of ---- */

static void
plant(struct guest *guest, const char *name)
{
	struct bitmap *bitmap = g_new0(struct bitmap, 1);
	bitmap->name = g_strdup(name);
	g_ptr_array_add(guest->bitmaps, bitmap);
}

/* The store was brought back from an older copy: points that it does not know are still on the
 * machines. They go, and what is another daemon's or a person's stays. */
static void
play_leftovers(struct sim *sim)
{
	struct history history = {0};
	history_start(&history, sim);
	struct world *world = &history.world;
	struct guest *guest = &world->guests[0];
	g_autofree char *id = cairn_guid_new();
	g_autofree char *name = point_checkpoint_name(engine_instance(world->engine), id);
	g_autofree char *other = point_checkpoint_name("00000000", id);
	plant(guest, name);
	plant(guest, other);
	plant(guest, "nightly");
	guest->backup = g_strdup(name);
	history_reboot(&history);
	history_calm_down(&history);
	world_check(world);
	sim_check(sim, !guest->backup && guest->bitmaps->len == 2);
	sim_check(sim, strcmp(((struct bitmap *)guest->bitmaps->pdata[0])->name, other) == 0);
	/* The same, held by somebody else: not ours to end. */
	guest->backup = g_strdup(other);
	history_reboot(&history);
	history_calm_down(&history);
	sim_check(sim, g_strcmp0(guest->backup, other) == 0);
	g_clear_pointer(&guest->backup, g_free);
	history_finish(&history);
}

static void
test_leftovers(void)
{
	sim_run(play_leftovers, 20);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* A commit that fails is told as a warning, and here it is meant to. */
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	g_test_add_func("/engine/random", test_random);
	g_test_add_func("/engine/killed-at-each-commit", test_each_commit);
	g_test_add_func("/engine/leftovers", test_leftovers);
	return g_test_run();
}
