/* What follows failures, in the engine's simulation: jobs that fail are tried again, schedules that
 * help are run, people are told and commands are run, while jobs, the store and the errands fail
 * and the daemon is killed before and after every commit. No failure is followed twice and none is
 * forgotten; what was stopped on request stays stopped; everybody is told of the last attempt,
 * and of no other. */
#include "engine_history.h"

#include "base/error.h"
#include "base/guid.h"
#include "cairnd/engine_schedules.h"

#include <string.h>

#define KEEP (1000 * 86400ll * G_USEC_PER_SEC) /* ended jobs stay to be looked at */

struct play {
	struct history history;
	guint retries, helped, told;
};

/* ---- what must hold at any time ---- */

static gboolean
has_warning(const struct job *job, const char *words)
{
	for (guint i = 0; i < job->warnings->len; i++)
		if (strstr(job->warnings->pdata[i], words))
			return TRUE;
	return FALSE;
}

static gboolean
stopped_on_request(const struct job *job)
{
	const struct job_error *first = job->errors->len ? job->errors->pdata[0] : NULL;
	return job->outcome != JOB_EXCEPTION || (first && first->code == CAIRN_ERROR_CANCELLED);
}

/* The job that tries again is there, asks for the same, and is the only one. */
static void
check_next(struct world *world, const struct job *job, GHashTable *tries)
{
	struct sim *sim = world->sim;
	const struct job *next = engine_job(world->engine, job->retried_as, NULL);
	sim_check(sim, job->phase == PHASE_ENDED && !stopped_on_request(job));
	sim_check(sim, job->recovery.action == RECOVERY_RETRY);
	sim_check(sim, next && next->kind == job->kind);
	sim_check(sim, next->attempt == job->attempt + 1);
	sim_check(sim, next->attempt <= job->recovery.retries);
	sim_check(sim, next->recovery.retries == job->recovery.retries);
	sim_check(sim, next->due == job->ended + recovery_delay(&job->recovery, next->attempt));
	sim_check(sim, next->started == 0 || next->started >= next->due ||
			       (next->outcome && stopped_on_request(next)));
	sim_check(sim, g_strcmp0(next->directory, job->directory) == 0);
	sim_check(sim, g_strcmp0(next->notify, job->notify) == 0);
	sim_check(sim, g_strcmp0(next->schedule, job->schedule) == 0);
	sim_check(sim, strcmp(next->group, job->group) == 0);
	sim_check(sim, next->note && g_str_has_prefix(next->note, "retry "));
	sim_check(sim, g_hash_table_add(tries, g_strdup(job->retried_as)));
}

/* A failure that may be tried again is, or says why not. */
static void
check_failure(struct world *world, const struct job *job)
{
	gboolean may = job->recovery.action == RECOVERY_RETRY &&
		       job->attempt < job->recovery.retries && !stopped_on_request(job);
	sim_check(world->sim, !may || job->retried_as || has_warning(job, "not tried again"));
}

/* Its run goes on until the last attempt has ended. */
static void
check_schedule(struct world *world, const char *name)
{
	const struct schedule *schedule = engine_schedule_find(world->engine, name, NULL);
	const struct job *job =
		schedule->job ? engine_job(world->engine, schedule->job, NULL) : NULL;
	sim_check(world->sim, !job || !job->retried_as);
	sim_check(world->sim,
		  (schedule->state == JOB_RUNNING) == (job && job->phase != PHASE_ENDED));
}

static gboolean
carries(const struct job *job)
{
	return job->kind == JOB_EXPORT || job->recovery.action == RECOVERY_RETRY;
}

static void
look(struct play *play)
{
	struct world *world = &play->history.world;
	g_autoptr(GHashTable) tries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) jobs = engine_jobs(world->engine);
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = jobs->pdata[i];
		if (job->retried_as)
			check_next(world, job, tries);
		if (job->phase == PHASE_ENDED)
			check_failure(world, job);
	}
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = jobs->pdata[i];
		/* An attempt that nobody has asked for; the point of a pair comes with its export.
		 */
		sim_check(world->sim, job->attempt == 0 || !carries(job) ||
					      g_hash_table_contains(tries, job->id));
	}
	play->retries = MAX(play->retries, g_hash_table_size(tries));
	check_schedule(world, "help");
	check_schedule(world, "nightly");
}

/* At the end everybody has been told, or refused to hear. */
static void
check_told(struct play *play, const struct job *job, enum errand_type type, gboolean want)
{
	struct world *world = &play->history.world;
	guint done = world_told(world, job->id, type, FALSE);
	gboolean given_up = world_told(world, job->id, type, TRUE) >= ERRAND_TRIES;
	sim_check(world->sim, want ? done > 0 || given_up : done == 0);
	/* Twice only if the daemon, or its store, was gone in between. */
	sim_check(world->sim, done <= 1 + play->history.kills);
	play->told += done > 0;
}

static void
look_at_errands(struct play *play)
{
	g_autoptr(GPtrArray) jobs = engine_jobs(play->history.world.engine);
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = jobs->pdata[i];
		gboolean quiet = job->kind == JOB_RETAIN && job->outcome == 0;
		check_told(play, job, ERRAND_NOTIFY, job->notify && !job->retried_as && !quiet);
		check_told(play, job, ERRAND_COMMAND,
			   job->recovery.action == RECOVERY_OTHER && job->outcome != 0 &&
				   !stopped_on_request(job));
	}
}

/* ---- what happens ---- */

static void
set_recovery(struct world *world, struct job *job)
{
	static const enum recovery_action actions[] = {RECOVERY_STOP,	 RECOVERY_OTHER,
						       RECOVERY_RUN_JOB, RECOVERY_RETRY,
						       RECOVERY_RETRY,	 RECOVERY_RETRY};
	struct recovery *recovery = &job->recovery;
	recovery->action = actions[sim_below(world->sim, G_N_ELEMENTS(actions))];
	recovery->retries = sim_below(world->sim, 4);
	recovery->delay_us = (1 + sim_below(world->sim, 20)) * G_USEC_PER_SEC;
	if (recovery->action == RECOVERY_OTHER || recovery->action == RECOVERY_RUN_JOB)
		recovery->other = g_strdup("help");
	job->notify = sim_chance(world->sim, 70) ? g_strdup("journal:ops") : NULL;
	job->keep_us = KEEP;
}

static void
begin_job(struct world *world, guint kind)
{
	guint group = sim_chance(world->sim, 80) ? 0 : 1;
	const char *folder = world_folder(sim_below(world->sim, FOLDERS));
	struct job *first = history_point_job(world, group), *second = NULL;
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, FALSE);
	first->keep_us = KEEP;
	if (kind == 0)
		second = history_export_job(world, first->group, NULL, folder);
	if (second) {
		set_recovery(world, second);
		engine_submit_pair(world->engine, first, second, NULL);
		return;
	}
	if (kind == 1 && points->len > 0) {
		const struct point *point = points->pdata[points->len - 1];
		job_free(first);
		first = history_export_job(world, point->group, point, folder);
	}
	set_recovery(world, first);
	engine_submit(world->engine, first, NULL);
}

/* Due once a year: it runs when it is asked to. */
static struct schedule *
make_schedule(struct world *world, const char *name, const char *group,
	      const struct recovery *recovery)
{
	g_autofree char *id = cairn_guid_new();
	struct schedule *schedule = schedule_new(id);
	schedule->name = g_strdup(name);
	schedule->group = g_strdup(engine_group(world->engine, group, NULL)->id);
	schedule->directory = g_strdup(world_folder(1));
	schedule->format = g_strdup("qcow2");
	schedule->consistency = CONSISTENCY_BEST;
	schedule->calendar.months = 1;
	schedule->calendar.run_day = 1;
	schedule->calendar.utc = TRUE;
	schedule->keep_us = KEEP;
	schedule->notify = g_strdup("journal:ops");
	recovery_clear(&schedule->recovery);
	recovery_copy(&schedule->recovery, recovery);
	schedule = engine_schedule_put(world->engine, schedule, NULL);
	g_assert_nonnull(schedule);
	return schedule;
}

static void
make_schedules(struct world *world)
{
	static const struct recovery none = {.action = RECOVERY_CONTINUE},
				     again = {.action = RECOVERY_RETRY,
					      .retries = 2,
					      .delay_us = 5 * G_USEC_PER_SEC};
	make_schedule(world, "help", "db", &none);
	make_schedule(world, "nightly", "web", &again);
}

static void
run_schedule(struct world *world, const char *name)
{
	engine_schedule_control(world->engine, engine_schedule_find(world->engine, name, NULL),
				SCHEDULE_RUN_NOW, NULL);
}

static void
act(struct play *play)
{
	struct world *world = &play->history.world;
	guint dice = sim_below(world->sim, 100);
	if (dice < 6)
		begin_job(world, sim_below(world->sim, 3));
	else if (dice < 7)
		run_schedule(world, "nightly");
	else if (dice < 20)
		history_pass_time(world);
	else if (dice < 24)
		world_write(world);
	else if (dice < 26)
		history_control_job(world);
	else if (dice < 28)
		world_lose(world, &world->guests[sim_below(world->sim, GUESTS)]);
	else
		world_answer(world);
}

static void
start(struct play *play, struct sim *sim)
{
	history_start(&play->history, sim);
	make_schedules(&play->history.world);
	play->history.commits = 0;
}

static void
finish(struct play *play)
{
	struct world *world = &play->history.world;
	history_calm_down(&play->history);
	look(play);
	look_at_errands(play);
	const struct schedule *help = engine_schedule_find(world->engine, "help", NULL);
	play->helped += (guint)help->runs;
	history_finish(&play->history);
}

/* ---- tests ---- */

static guint seen_retries, seen_help, seen_told;

static void
remember(const struct play *play)
{
	seen_retries += play->retries;
	seen_help += play->helped;
	seen_told += play->told;
}

static void
play_random(struct sim *sim)
{
	struct play play = {0};
	start(&play, sim);
	play.history.world.fail_chance = sim_below(sim, 40);
	play.history.store_fails = sim_chance(sim, 30) ? sim_below(sim, 30) : 0;
	for (guint round = 0; round < 300; round++) {
		act(&play);
		if (play.history.world.dead || sim_chance(sim, 2))
			history_reboot(&play.history);
		look(&play);
	}
	finish(&play);
	remember(&play);
}

static void
test_random(void)
{
	seen_retries = seen_help = seen_told = 0;
	gboolean all = sim_run(play_random, 100);
	g_test_message("%u retries, %u runs of the schedule, %u told", seen_retries, seen_help,
		       seen_told);
	if (all)
		g_assert_true(seen_retries > 100 && seen_help > 20 && seen_told > 250);
}

/* A backup whose first attempts fail; the daemon is killed at each commit in turn. */
static void
play_once(struct play *play, guint nth)
{
	struct world *world = &play->history.world;
	world->fail_chance = 25;
	play->history.kill_nth = nth;
	struct job *point = history_point_job(world, 0);
	struct job *export = history_export_job(world, point->group, NULL, world_folder(0));
	point->keep_us = export->keep_us = KEEP;
	export->recovery.action = RECOVERY_RETRY;
	export->recovery.retries = 3;
	export->recovery.delay_us = G_USEC_PER_SEC;
	export->notify = g_strdup("journal:ops");
	engine_submit_pair(world->engine, point, export, NULL);
	for (guint round = 0; round < 200; round++) {
		if (world->dead)
			history_reboot(&play->history);
		look(play);
		if (world->ops->len > 0)
			world_answer(world);
		else
			history_pass_time(world);
	}
	if (world->dead)
		history_reboot(&play->history);
}

static void
play_each_commit(struct sim *sim)
{
	for (guint nth = 1, last = 1; nth <= last; nth++)
		for (guint before = 0; before < 2; before++) {
			struct play play = {.history.kill_before = before};
			start(&play, sim);
			play_once(&play, nth);
			last = MAX(last, MIN(play.history.commits, 80));
			finish(&play);
			remember(&play);
		}
}

static void
test_each_commit(void)
{
	seen_retries = 0;
	sim_run(play_each_commit, 2);
	g_test_message("%u retries", seen_retries);
}

/* Schedules that are each other's recovery would run for ever: none is run, and the job says so. */
static void
play_circle(struct sim *sim)
{
	static struct recovery to_b = {.action = RECOVERY_RUN_JOB, .other = (char *)"b"},
			       to_a = {.action = RECOVERY_RUN_JOB, .other = (char *)"a"};
	struct play play = {0};
	struct world *world = &play.history.world;
	start(&play, sim);
	const struct schedule *a = make_schedule(world, "a", "web", &to_b),
			      *b = make_schedule(world, "b", "web", &to_a);
	world->fail_chance = 40;
	run_schedule(world, "a");
	for (guint round = 0; round < 300; round++) {
		if (world->ops->len > 0)
			world_answer(world);
		else
			history_pass_time(world);
	}
	const struct job *job = engine_job(world->engine, a->job, NULL);
	gboolean failed = job->outcome == JOB_EXCEPTION && !stopped_on_request(job);
	sim_check(sim, a->runs == 1 && b->runs == 0);
	sim_check(sim, failed == has_warning(job, "the recovery job was not run"));
	seen_help += failed;
	finish(&play);
}

static void
test_circle(void)
{
	seen_help = 0;
	if (sim_run(play_circle, 20))
		g_assert_cmpuint(seen_help, >, 5);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* A commit that fails is told as a warning, and here it is meant to. */
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	g_test_add_func("/recovery/random", test_random);
	g_test_add_func("/recovery/circle", test_circle);
	g_test_add_func("/recovery/killed-at-each-commit", test_each_commit);
	return g_test_run();
}
