/* The engine with a memory store, a fake world and a fake clock: whole histories of points,
 * exports, verbs and losses, the daemon killed before and after every commit and at any effect.
 * After each recovery no guest is frozen or paused, nothing of ours is left that the store does not
 * know, and the next point and increment are right. */
#include "engine_world.h"

#include "base/error.h"
#include "base/guid.h"
#include "store/store_mem.h"

#include <string.h>

/* The second has only the first machine of the first one. */
static const char *const groups[] = {"web", "db"};

struct history {
	struct world world;
	struct store *store;
	char *name; /* of the store */
	guint commits;
	guint kill_nth; /* the daemon is killed at this commit; 0: never */
	gboolean kill_before;
	guint store_fails; /* percent of commits that fail for a moment */
	guint kills;
};

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
	static const struct engine_limits limits = {3, 2, 3600};
	struct world *world = &history->world;
	g_autoptr(GError) error = NULL;
	history->store = store_open(history->name, &error);
	g_assert_no_error(error);
	world->engine = engine_new(history->store, &limits, &world_io, world, &error);
	g_assert_no_error(error);
	store_mem_set_hook(history->store, on_commit, history);
	world_reconcile(world);
	engine_start(world->engine);
}

static void
reboot(struct history *history)
{
	struct world *world = &history->world;
	history->kills++;
	world->dead = TRUE;
	world_kill(world);
	store_close(history->store);
	world->dead = FALSE;
	boot(history);
}

/* ---- what people do ---- */

static struct job *
new_job(enum job_kind kind)
{
	g_autofree char *id = cairn_guid_new();
	struct job *job = job_new(id, kind);
	job->consistency = CONSISTENCY_BEST;
	return job;
}

static struct job *
point_job(struct world *world, guint group)
{
	struct job *job = new_job(JOB_POINT_CREATE);
	job->group = g_strdup(engine_group(world->engine, groups[group], NULL)->id);
	return job;
}

static struct job *
export_job(struct world *world, const char *group, const struct point *point, const char *folder)
{
	struct job *job = new_job(JOB_EXPORT);
	job->group = g_strdup(group);
	job->point = g_strdup(point ? point->id : NULL);
	job->point_name = point ? engine_point_name(world->engine, point) : NULL;
	job->directory = g_strdup(folder);
	job->base = g_strdup(sim_chance(world->sim, 80) ? "auto" : NULL);
	job->format = g_strdup("qcow2");
	job->keep_held = sim_chance(world->sim, 30);
	return job;
}

/* Takes a point and exports it. */
static gboolean
back_up(struct world *world, guint group, const char *folder, char **ret_id, GError **error)
{
	struct job *point = point_job(world, group);
	struct job *export = export_job(world, point->group, NULL, folder);
	if (ret_id)
		*ret_id = g_strdup(export->id);
	return engine_submit_pair(world->engine, point, export, error);
}

static struct point *
random_point(struct world *world)
{
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, FALSE);
	return points->len ? points->pdata[sim_below(world->sim, points->len)] : NULL;
}

static void
control_something(struct world *world)
{
	g_autoptr(GPtrArray) jobs = engine_jobs(world->engine);
	if (jobs->len > 0)
		engine_control(world->engine, jobs->pdata[sim_below(world->sim, jobs->len)],
			       (enum job_verb)sim_below(world->sim, VERB_LAST), NULL);
}

static void
do_something(struct world *world)
{
	struct point *point = random_point(world);
	const char *folder = world_folder(sim_below(world->sim, FOLDERS));
	guint group = sim_chance(world->sim, 80) ? 0 : 1;
	switch (sim_below(world->sim, 10)) {
	case 0:
	case 1:
		engine_submit(world->engine, point_job(world, group), NULL);
		break;
	case 2:
	case 3:
		if (point)
			engine_submit(world->engine, export_job(world, point->group, point, folder),
				      NULL);
		break;
	case 4:
	case 5:
		back_up(world, group, folder, NULL, NULL);
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
	default:
		control_something(world);
		break;
	}
}

static void
pass_time(struct world *world)
{
	world->sim->now += G_USEC_PER_SEC * (1 + sim_below(world->sim, 7));
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
	return world->ops->len == 0;
}

/* Each call may put other jobs in place of those that were seen. */
static void
resume_one(struct world *world)
{
	g_autoptr(GPtrArray) jobs = engine_jobs(world->engine);
	for (guint i = 0; i < jobs->len; i++)
		if (((struct job *)jobs->pdata[i])->state == JOB_SUSPENDED) {
			engine_control(world->engine, jobs->pdata[i], VERB_RESUME, NULL);
			return;
		}
}

/* People go away and nothing fails any more: all that was begun comes to an end. */
static void
calm_down(struct history *history)
{
	struct world *world = &history->world;
	world->peaceful = TRUE;
	for (guint round = 0; !is_idle(world); round++) {
		sim_check(world->sim, round < 3000);
		resume_one(world);
		if (world->ops->len > 0)
			world_answer(world);
		else
			pass_time(world);
		if (world->dead)
			reboot(history);
	}
}

/* The next backup works and is right: what it exports is compared in the world. */
static void
backup_well(struct history *history, guint folder)
{
	struct world *world = &history->world;
	g_autofree char *id = NULL;
	g_autoptr(GError) error = NULL;
	guint before = world->points_exported;
	back_up(world, 0, world_folder(folder), &id, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < 10; i++)
		world_write(world);
	calm_down(history);
	const struct job *done = engine_job(world->engine, id, NULL);
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

static void
start(struct history *history, struct sim *sim)
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

static void
finish(struct history *history)
{
	struct world *world = &history->world;
	calm_down(history);
	world_check(world);
	history->kill_nth = 0;
	release_other(world);
	backup_well(history, 0);
	guint before = world->increments;
	backup_well(history, 0);
	/* The second one in a row can be an increment, and is, if it was asked for. */
	const struct point *last = engine_point(world->engine, "web@latest", NULL);
	sim_check(world->sim, last->exports->len == 1);
	const struct job *job = engine_job(
		world->engine, ((struct point_export *)last->exports->pdata[0])->job, NULL);
	sim_check(world->sim, !job->base || world->increments == before + GUESTS);
	world->dead = TRUE;
	world_kill(world);
	store_close(history->store);
	store_mem_forget(strchr(history->name, ':') + 1);
	g_free(history->name);
	world_clear(world);
}

static void
live(struct history *history, guint actions)
{
	struct world *world = &history->world;
	struct sim *sim = world->sim;
	for (guint round = 0; round < 100; round++) {
		guint dice = sim_below(sim, 100);
		if (dice < actions)
			do_something(world);
		else if (dice < actions + 10)
			pass_time(world);
		else if (dice < actions + 15)
			world_write(world);
		else
			world_answer(world);
		if (world->dead || (!history->kill_nth && sim_chance(sim, 4)))
			reboot(history);
	}
}

/* ---- tests ---- */

static void
play_random(struct sim *sim)
{
	struct history history = {0};
	start(&history, sim);
	history.world.fail_chance = sim_chance(sim, 50) ? sim_below(sim, 30) : 0;
	history.store_fails = sim_chance(sim, 30) ? sim_below(sim, 30) : 0;
	live(&history, 5 + sim_below(sim, 20));
	finish(&history);
}

static void
test_random(void)
{
	sim_run(play_random, 300);
}

/* Two backups; the daemon is killed at each commit in turn. */
static void
play_each_commit(struct sim *sim)
{
	for (guint nth = 1, last = 1; nth <= last; nth++)
		for (guint before = 0; before < 2; before++) {
			struct history history = {.kill_before = before};
			start(&history, sim);
			history.kill_nth = nth;
			for (guint i = 0; i < 2; i++) {
				back_up(&history.world, 0, world_folder(0), NULL, NULL);
				if (history.world.dead)
					reboot(&history);
				calm_down(&history);
				world_write(&history.world);
			}
			last = MAX(last, MIN(history.commits, 80));
			finish(&history);
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
	start(&history, sim);
	struct world *world = &history.world;
	struct guest *guest = &world->guests[0];
	g_autofree char *id = cairn_guid_new();
	g_autofree char *name = point_checkpoint_name(engine_instance(world->engine), id);
	g_autofree char *other = point_checkpoint_name("00000000", id);
	plant(guest, name);
	plant(guest, other);
	plant(guest, "nightly");
	guest->backup = g_strdup(name);
	reboot(&history);
	calm_down(&history);
	world_check(world);
	sim_check(sim, !guest->backup && guest->bitmaps->len == 2);
	sim_check(sim, strcmp(((struct bitmap *)guest->bitmaps->pdata[0])->name, other) == 0);
	/* The same, held by somebody else: not ours to end. */
	guest->backup = g_strdup(other);
	reboot(&history);
	calm_down(&history);
	sim_check(sim, g_strcmp0(guest->backup, other) == 0);
	g_clear_pointer(&guest->backup, g_free);
	finish(&history);
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
