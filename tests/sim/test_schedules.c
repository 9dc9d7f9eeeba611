/* Schedules in the engine's simulation: time passes, people suspend, resume, edit and run them,
 * jobs and the store fail, the clock is set, and the daemon is killed before and after every
 * commit. There is never more than one run for a due time, none is lost while the daemon lives, a
 * run that has begun is known after any restart, and a run that failed leaves the base where it
 * was. */
#include "engine_history.h"

#include "base/guid.h"
#include "cairnd/engine_schedules.h"

#include <string.h>

#define SCHEDULES 2
#define EVERY	  (60 * G_USEC_PER_SEC)

/* What has been seen of one schedule. */
struct seen {
	char *id;
	guint64 runs;
	gint64 last_due;
	char *job;
};

struct play {
	struct history history;
	struct seen seen[SCHEDULES];
	GHashTable *exported; /* set of GUIDs of increments that were looked at */
	guint increments;
	gboolean clock_set;
};

static struct schedule *
make_schedule(struct world *world, guint index)
{
	g_autofree char *id = cairn_guid_new();
	struct schedule *schedule = schedule_new(id);
	schedule->group = g_strdup(engine_group(world->engine, index ? "db" : "web", NULL)->id);
	schedule->directory = g_strdup(world_folder(index));
	schedule->format = g_strdup("qcow2");
	schedule->consistency = CONSISTENCY_BEST;
	schedule->calendar.every_us = EVERY;
	schedule->calendar.utc = TRUE;
	schedule->keep_us = G_MAXINT64 / 2;
	if (sim_chance(world->sim, 50)) {
		schedule->recovery.action = RECOVERY_RETRY;
		schedule->recovery.retries = 2;
		schedule->recovery.delay_us = 5 * G_USEC_PER_SEC;
	}
	return engine_schedule_put(world->engine, schedule, NULL);
}

static void
begin(struct play *play, struct sim *sim)
{
	history_start(&play->history, sim);
	play->exported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < SCHEDULES; i++) {
		const struct schedule *schedule = make_schedule(&play->history.world, i);
		sim_check(sim, schedule && schedule->state == JOB_NEW && schedule->next);
		play->seen[i].id = g_strdup(schedule->id);
	}
	play->history.commits = 0;
}

static void
clear(struct play *play)
{
	for (guint i = 0; i < SCHEDULES; i++) {
		g_free(play->seen[i].id);
		g_free(play->seen[i].job);
	}
	g_hash_table_unref(play->exported);
}

/* ---- what must hold after each action ---- */

static void
look_at_runs(struct play *play, struct seen *seen, const struct schedule *schedule)
{
	struct sim *sim = play->history.world.sim;
	gboolean due = schedule->last_due != seen->last_due;
	sim_check(sim, schedule->runs >= seen->runs);
	sim_check(sim, !due || schedule->runs > seen->runs);
	sim_check(sim, schedule->last_due >= seen->last_due || play->clock_set);
	/* A run is a job that can be looked at, from the commit on in which it begins. */
	const struct job *job =
		schedule->job ? engine_job(play->history.world.engine, schedule->job, NULL) : NULL;
	sim_check(sim, schedule->state != JOB_RUNNING || job);
	sim_check(sim, !job || strcmp(job->schedule, schedule->id) == 0);
	sim_check(sim, schedule->runs == seen->runs || g_strcmp0(schedule->job, seen->job) != 0);
	sim_check(sim, schedule->state != JOB_RUNNING || job->phase != PHASE_ENDED);
	seen->runs = schedule->runs;
	seen->last_due = schedule->last_due;
	g_free(seen->job);
	seen->job = g_strdup(schedule->job);
}

/* Every pair of jobs belongs to a run that was counted, and no run has two, but for its further
 * attempts. */
static void
count_jobs(struct play *play, const struct schedule *schedule)
{
	guint64 exports = 0, points = 0;
	g_autoptr(GPtrArray) jobs = engine_jobs(play->history.world.engine);
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = jobs->pdata[i];
		if (g_strcmp0(job->schedule, schedule->id) != 0 || job->attempt > 0)
			continue;
		exports += job->kind == JOB_EXPORT;
		points += job->kind == JOB_POINT_CREATE;
	}
	sim_check(play->history.world.sim, exports == points && exports == schedule->runs);
}

/* The newest whole export of a group in a folder before that of @job; NULL. */
static const char *
newest_before(const struct world *world, guint folder, const struct job *job)
{
	const struct image *newest = NULL;
	guint64 number = g_ascii_strtoull(strrchr(job->point_name, '@') + 1, NULL, 10);
	for (guint i = 0; i < world->exports[folder]->len; i++) {
		const struct image *image = world->exports[folder]->pdata[i];
		if (strcmp(image->group, job->group) == 0 && image->number < number &&
		    (!newest || image->number > newest->number))
			newest = image;
	}
	return newest ? newest->point : NULL;
}

/* An increment is against the newest export that is whole: one that failed is no base. */
static void
look_at_ends(struct play *play, guint index)
{
	struct world *world = &play->history.world;
	g_autoptr(GPtrArray) jobs = engine_jobs(world->engine);
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = jobs->pdata[i];
		if (g_strcmp0(job->schedule, play->seen[index].id) != 0 ||
		    job->phase != PHASE_ENDED || job->outcome != 0 || !job->base_point ||
		    !g_hash_table_add(play->exported, g_strdup(job->id)))
			continue;
		play->increments++;
		sim_check(world->sim,
			  g_strcmp0(job->base_point, newest_before(world, index, job)) == 0);
	}
}

static void
look(struct play *play)
{
	for (guint i = 0; i < SCHEDULES; i++) {
		struct seen *seen = &play->seen[i];
		const struct schedule *schedule =
			engine_schedule_find(play->history.world.engine, seen->id, NULL);
		sim_check(play->history.world.sim, schedule != NULL);
		look_at_runs(play, seen, schedule);
		count_jobs(play, schedule);
		look_at_ends(play, i);
	}
}

/* While the daemon lives and its store works, what is due has begun at the next tick. */
static void
look_at_clock(struct play *play)
{
	struct world *world = &play->history.world;
	if (play->history.store_fails || world->dead)
		return;
	for (guint i = 0; i < SCHEDULES; i++) {
		const struct schedule *schedule =
			engine_schedule_find(world->engine, play->seen[i].id, NULL);
		sim_check(world->sim,
			  schedule->state != JOB_NEW || schedule->next > world->sim->now);
	}
}

/* ---- what happens ---- */

static void
ask_something(struct play *play)
{
	static const enum schedule_event_type types[] = {SCHEDULE_RUN_NOW, SCHEDULE_SUSPEND,
							 SCHEDULE_RESUME, SCHEDULE_RESUME};
	struct world *world = &play->history.world;
	const struct seen *seen = &play->seen[sim_below(world->sim, SCHEDULES)];
	struct schedule *schedule = engine_schedule_find(world->engine, seen->id, NULL);
	if (sim_chance(world->sim, 70)) {
		engine_schedule_control(world->engine, schedule,
					types[sim_below(world->sim, G_N_ELEMENTS(types))], NULL);
		return;
	}
	struct schedule *changed = schedule_copy(schedule);
	changed->calendar.start_us = sim_below(world->sim, 60) * G_USEC_PER_SEC;
	engine_schedule_put(world->engine, changed, NULL);
}

static void
set_clock(struct play *play)
{
	struct world *world = &play->history.world;
	gint64 by = ((gint64)sim_below(world->sim, 600) - 200) * G_USEC_PER_SEC;
	if (world->sim->now + by <= 0)
		return;
	play->clock_set = TRUE;
	world->sim->now += by;
	engine_clock_set(world->engine, by);
}

static void
act(struct play *play)
{
	struct world *world = &play->history.world;
	guint dice = sim_below(world->sim, 100);
	if (dice < 15)
		history_pass_time(world);
	else if (dice < 20)
		world_write(world);
	else if (dice < 24)
		ask_something(play);
	else if (dice < 26)
		history_control_job(world);
	else if (dice < 27)
		world_lose(world, &world->guests[sim_below(world->sim, GUESTS)]);
	else if (dice < 28)
		set_clock(play);
	else
		world_answer(world);
	if (dice < 15)
		look_at_clock(play);
}

static void
end_schedules(struct play *play)
{
	struct world *world = &play->history.world;
	for (guint i = 0; i < SCHEDULES; i++) {
		struct schedule *schedule =
			engine_schedule_find(world->engine, play->seen[i].id, NULL);
		if (schedule->state != JOB_COMPLETED)
			sim_check(world->sim, engine_schedule_control(world->engine, schedule,
								      SCHEDULE_TERMINATE, NULL));
	}
}

static void
finish(struct play *play)
{
	struct world *world = &play->history.world;
	world->peaceful = TRUE;
	play->history.kill_nth = 0;
	end_schedules(play);
	history_calm_down(&play->history);
	look(play);
	for (guint i = 0; i < SCHEDULES; i++) {
		const struct schedule *schedule =
			engine_schedule_find(world->engine, play->seen[i].id, NULL);
		sim_check(world->sim, job_state_final(schedule->state));
	}
	clear(play);
	history_finish(&play->history);
}

/* ---- tests ---- */

static void
play_random(struct sim *sim)
{
	struct play play = {0};
	begin(&play, sim);
	play.history.world.fail_chance = sim_chance(sim, 50) ? sim_below(sim, 30) : 0;
	play.history.store_fails = sim_chance(sim, 30) ? sim_below(sim, 30) : 0;
	for (guint round = 0; round < 300; round++) {
		act(&play);
		if (play.history.world.dead || sim_chance(sim, 3)) {
			/* Time passes while it is down. */
			if (sim_chance(sim, 50))
				sim->now += sim_below(sim, 200) * G_USEC_PER_SEC;
			history_reboot(&play.history);
		}
		look(&play);
	}
	finish(&play);
}

static void
test_random(void)
{
	sim_run(play_random, 150);
}

/* The second run is an increment of the first, whichever commit the daemon is killed at. */
static void
play_each_commit(struct sim *sim)
{
	guint increments = 0;
	for (guint nth = 1, last = 1; nth <= last; nth++)
		for (guint before = 0; before < 2; before++) {
			struct play play = {.history.kill_before = before};
			struct world *world = &play.history.world;
			begin(&play, sim);
			play.history.kill_nth = nth;
			for (guint round = 0; round < 50; round++) {
				history_pass_time(world);
				world_write(world);
				if (world->dead)
					history_reboot(&play.history);
				look(&play);
				for (guint i = 0; i < 20 && !world->dead && world->ops->len > 0;
				     i++)
					world_answer(world);
				if (world->dead)
					history_reboot(&play.history);
				look(&play);
			}
			last = MAX(last, MIN(play.history.commits, 80));
			increments += play.increments;
			finish(&play);
		}
	sim_check(sim, increments > 0);
}

static void
test_each_commit(void)
{
	sim_run(play_each_commit, 1);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* A commit that fails is told as a warning, and here it is meant to. */
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	g_test_add_func("/schedules/random", test_random);
	g_test_add_func("/schedules/killed-at-each-commit", test_each_commit);
	return g_test_run();
}
