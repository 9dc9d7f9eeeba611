/* Retention in the engine: the folder and the store stay small, whenever the daemon is killed, and
 * the next increment is right, which finish checks. */
#include "engine_history.h"

#include <string.h>

#define LAST 2

static guint
shown_points(struct world *world)
{
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, FALSE);
	return points->len;
}

/* Only what is needed for the next increment, and what is in the folder. */
static void
check_small(struct world *world)
{
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, TRUE);
	sim_check(world->sim, world->exports[0]->len <= LAST);
	sim_check(world->sim, shown_points(world) <= LAST);
	sim_check(world->sim, points->len <= LAST);
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i];
		gboolean there = FALSE;
		for (guint k = 0; k < world->exports[0]->len; k++)
			there |= strcmp(((struct image *)world->exports[0]->pdata[k])->point,
					point->id) == 0;
		sim_check(world->sim, there == (point->exports->len == 1));
	}
}

static gboolean
back_up(struct history *history)
{
	struct world *world = &history->world;
	struct job *point = history_point_job(world, 0);
	struct job *export = history_export_job(world, point->group, NULL, world_folder(0));
	export->keep_held = FALSE;
	export->retention.last = LAST;
	return engine_submit_pair(world->engine, point, export, NULL);
}

/* Five backups; the daemon is killed at each commit in turn. */
static void
play_each_commit(struct sim *sim)
{
	for (guint nth = 1, last = 1; nth <= last; nth++)
		for (guint before = 0; before < 2; before++) {
			struct history history = {.kill_before = before};
			history_start(&history, sim);
			history.kill_nth = nth;
			for (guint i = 0; i < 5; i++) {
				back_up(&history);
				if (history.world.dead)
					history_reboot(&history);
				history_calm_down(&history);
				world_write(&history.world);
			}
			last = MAX(last, MIN(history.commits, 120));
			/* What was lost with the kill is made up for by the next ones. */
			for (guint i = 0; i < LAST; i++) {
				back_up(&history);
				history_calm_down(&history);
			}
			check_small(&history.world);
			history_finish(&history);
		}
}

static void
test_each_commit(void)
{
	sim_run(play_each_commit, 2);
}

/* The retention follows in the transaction of the export's end: it is there after any restart. */
static void
play_follows(struct sim *sim)
{
	struct history history = {0};
	history_start(&history, sim);
	for (guint i = 0; i < 2 * LAST; i++) {
		back_up(&history);
		history_calm_down(&history);
	}
	guint retained = 0;
	g_autoptr(GPtrArray) jobs = engine_jobs(history.world.engine);
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = jobs->pdata[i];
		if (job->kind != JOB_RETAIN)
			continue;
		g_autofree char *text = job_status_text(job);
		sim_check(sim, job->state == JOB_COMPLETED && job->retained);
		sim_check(sim,
			  strstr(text, retained < LAST ? "nothing to remove" : "1 export removed"));
		retained++;
	}
	sim_check(sim, retained == 2 * LAST);
	check_small(&history.world);
	history_finish(&history);
}

static void
test_follows(void)
{
	sim_run(play_follows, 20);
}

/* A point that somebody else's folder has an export of, or whose data is held, stays. */
static void
play_stays(struct sim *sim)
{
	struct history history = {0};
	history_start(&history, sim);
	struct world *world = &history.world;
	history_back_up(world, 0, world_folder(1), NULL, NULL);
	history_calm_down(&history);
	guint before = shown_points(world);
	for (guint i = 0; i < 2 * LAST; i++) {
		back_up(&history);
		history_calm_down(&history);
	}
	sim_check(sim, world->exports[1]->len == 1);
	sim_check(sim, shown_points(world) == before + LAST);
	history_finish(&history);
}

static void
test_stays(void)
{
	sim_run(play_stays, 20);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* A commit that fails is told as a warning, and here it is meant to. */
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	g_test_add_func("/retention/each-commit", test_each_commit);
	g_test_add_func("/retention/follows", test_follows);
	g_test_add_func("/retention/stays", test_stays);
	return g_test_run();
}
