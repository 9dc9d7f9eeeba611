/* A clock that is wrong for a while: nothing is removed for its age by it, and what is really too
 * old goes all the same. The clock and the store are the test's. */
#include "cairnd/engine.h"
#include "cairnd/engine_schedules.h"

#include "base/error.h"
#include "base/guid.h"
#include "store/store_mem.h"

#include <string.h>

#define GROUP "11111111-2222-3333-4444-555555555555"
#define HOUR  (3600ll * G_USEC_PER_SEC)
#define DAY   (24 * HOUR)
#define YEAR  (365 * DAY)
#define KEPT  (30 * DAY) /* by the history */

struct fixture {
	char *uri;
	struct store *store;
	struct engine *engine;
	gint64 truth; /* the time, microseconds since 1970 */
	gint64 ahead; /* what the clock shows more than that */
};

static gint64
on_now(void *user)
{
	const struct fixture *f = user;
	return f->truth + f->ahead;
}

static void
on_effect(void *user, const struct job *job, const struct job_effect *effect)
{
}

static void
on_pay(void *user, const struct debt *debt)
{
}

static void
on_event(void *user, const char *name, json_t *data)
{
	json_decref(data);
}

static void
boot(struct fixture *f)
{
	static const struct engine_limits limits = {
		.max_jobs = 8, .max_copies = 4, .history_seconds = KEPT / G_USEC_PER_SEC};
	static const struct engine_io io = {
		.now = on_now, .effect = on_effect, .pay = on_pay, .event = on_event};
	g_autoptr(GError) error = NULL;
	f->store = store_open(f->uri, &error);
	g_assert_no_error(error);
	f->engine = engine_new(f->store, &limits, &io, f, &error);
	g_assert_no_error(error);
	engine_start(f->engine);
}

static void
halt(struct fixture *f)
{
	engine_free(f->engine);
	store_close(f->store);
}

/* The daemon is not running for so long, and begins with a clock that is @ahead. */
static void
reboot(struct fixture *f, gint64 off, gint64 ahead)
{
	halt(f);
	f->truth += off;
	f->ahead = ahead;
	boot(f);
}

static void
set_clock(struct fixture *f, gint64 ahead)
{
	gint64 by = ahead - f->ahead;
	f->ahead = ahead;
	engine_clock_set(f->engine, by);
	engine_tick(f->engine);
}

static void
pass(struct fixture *f, gint64 time)
{
	for (gint64 step; time > 0; time -= step) {
		step = MIN(time, HOUR);
		f->truth += step;
		engine_tick(f->engine);
	}
}

/* An export of a point that is not there, which ends as it begins. */
static void
end_one(struct fixture *f)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *id = cairn_guid_new();
	struct job *job = job_new(id, JOB_EXPORT);
	job->group = g_strdup(GROUP);
	job->point = g_strdup(GROUP);
	job->point_name = g_strdup("web@1");
	job->directory = g_strdup("/nowhere");
	job->format = g_strdup("qcow2");
	engine_submit(f->engine, job, &error);
	g_assert_no_error(error);
	pass(f, HOUR);
}

static guint
count(const struct fixture *f)
{
	g_autoptr(GPtrArray) rows = engine_history(f->engine, 0, 0, NULL);
	return rows->len;
}

/* The newest stays for its number, so there is another one. */
static void
set_up(struct fixture *f, gconstpointer unused)
{
	static guint stores;
	g_autoptr(GError) error = NULL;
	f->uri = g_strdup_printf("memory:clock-%u", ++stores);
	f->truth = 50 * YEAR;
	f->ahead = 0;
	boot(f);
	engine_group_create(f->engine, "web", GROUP, &error);
	g_assert_no_error(error);
	end_one(f);
	end_one(f);
	g_assert_cmpuint(count(f), ==, 2);
}

static void
tear_down(struct fixture *f, gconstpointer unused)
{
	halt(f);
	store_mem_forget(strchr(f->uri, ':') + 1);
	g_free(f->uri);
}

/* ---- the history ---- */

/* The machine's own clock is years ahead until the network has set it. */
static void
test_ahead_at_boot(struct fixture *f, gconstpointer unused)
{
	reboot(f, HOUR, 20 * YEAR);
	pass(f, 12 * HOUR);
	reboot(f, HOUR, 20 * YEAR); /* it is still wrong, and no better for having been seen */
	pass(f, 8 * HOUR);
	g_assert_cmpuint(count(f), ==, 2);
	set_clock(f, 0);
	pass(f, 2 * DAY);
	g_assert_cmpuint(count(f), ==, 2);
	pass(f, KEPT);
	g_assert_cmpuint(count(f), ==, 1);
}

static void
test_set_ahead(struct fixture *f, gconstpointer unused)
{
	pass(f, DAY);
	set_clock(f, 20 * YEAR);
	pass(f, 23 * HOUR);
	g_assert_cmpuint(count(f), ==, 2);
	set_clock(f, 0);
	pass(f, DAY);
	g_assert_cmpuint(count(f), ==, 2);
}

/* A machine without a clock of its own begins in 1970: that is no reason for doubt. */
static void
test_behind_at_boot(struct fixture *f, gconstpointer unused)
{
	pass(f, KEPT - 8 * HOUR);
	g_assert_cmpuint(count(f), ==, 2);
	for (guint i = 0; i < 3; i++) {
		reboot(f, HOUR, -f->truth - HOUR + 60 * G_USEC_PER_SEC);
		g_assert_cmpuint(count(f), ==, 2);
		pass(f, HOUR);
		set_clock(f, 0);
	}
	pass(f, HOUR);
	g_assert_cmpuint(count(f), ==, 1);
}

/* It was off for long, and the clock is right: what is too old goes a day later. */
static void
test_long_off(struct fixture *f, gconstpointer unused)
{
	reboot(f, 2 * KEPT, 0);
	pass(f, 10 * HOUR);
	reboot(f, 10 * HOUR, 0); /* a night more */
	pass(f, 2 * HOUR);
	g_assert_cmpuint(count(f), ==, 2);
	pass(f, 4 * HOUR);
	g_assert_cmpuint(count(f), ==, 1);
}

/* A short time off is no matter. */
static void
test_short_off(struct fixture *f, gconstpointer unused)
{
	pass(f, KEPT - 4 * HOUR);
	g_assert_cmpuint(count(f), ==, 2);
	reboot(f, 12 * HOUR, 0);
	pass(f, HOUR);
	g_assert_cmpuint(count(f), ==, 1);
}

/* A store of an older cairnd does not say where the clock was: its newest job does. A damaged note
 * is none. */
static void
test_older_store(struct fixture *f, gconstpointer unused)
{
	for (guint i = 0; i < 2; i++) {
		g_autoptr(GBytes) damaged = g_bytes_new("{", 1);
		cairn_auto(store_txn) txn = store_txn_new();
		if (i == 0)
			store_txn_delete(txn, "meta", "clock", STORE_ANY);
		else
			store_txn_put(txn, "meta", "clock", STORE_ANY, damaged);
		g_assert_true(store_commit(f->store, txn, NULL));
		reboot(f, 0, 20 * YEAR);
		pass(f, 12 * HOUR);
		g_assert_cmpuint(count(f), ==, 2);
		set_clock(f, 0);
	}
	pass(f, KEPT + DAY);
	g_assert_cmpuint(count(f), ==, 1);
}

/* ---- schedules ---- */

static gboolean
has_schedule(const struct fixture *f)
{
	return engine_schedules(f->engine)->len == 1;
}

static void
test_schedule(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *id = cairn_guid_new();
	struct schedule *schedule = schedule_new(id);
	schedule->name = g_strdup("nightly");
	schedule->group = g_strdup(GROUP);
	schedule->directory = g_strdup("/nowhere");
	schedule->until = f->truth + YEAR;
	schedule->keep_us = HOUR;
	schedule = engine_schedule_put(f->engine, schedule, &error);
	g_assert_no_error(error);
	set_clock(f, 20 * YEAR); /* after its end */
	g_assert_cmpint(schedule->state, ==, JOB_COMPLETED);
	pass(f, 12 * HOUR);
	g_assert_true(has_schedule(f));
	reboot(f, HOUR, 20 * YEAR);
	pass(f, 10 * HOUR);
	g_assert_true(has_schedule(f));
	/* Nobody puts it right: then that is the time. */
	pass(f, 2 * HOUR);
	g_assert_false(has_schedule(f));
}

/* ---- all of it at random, the same each time ---- */

#define SEEDS 10

static gint64
some(GRand *rand, gint from, gint to, gint64 unit)
{
	return g_rand_int_range(rand, from, to) * unit;
}

/* In one of the two ways. */
static void
change_clock(struct fixture *f, GRand *rand, gint64 ahead)
{
	if (g_rand_boolean(rand))
		reboot(f, some(rand, 0, 3, DAY), ahead);
	else
		set_clock(f, ahead);
}

/* The clock is wrong for less than a day, in any direction, over restarts. */
static void
go_wrong(struct fixture *f, GRand *rand)
{
	gint64 left = some(rand, 0, 23, HOUR);
	change_clock(f, rand, some(rand, -40 * 365, 200 * 365, DAY));
	while (left > 0) {
		gint64 part = some(rand, 1, 8, HOUR);
		part = MIN(part, left);
		if (g_rand_int_range(rand, 0, 3) == 0)
			reboot(f, part, f->ahead);
		else
			pass(f, part);
		left -= part;
	}
	change_clock(f, rand, 0);
}

static guint64
newest(const struct fixture *f)
{
	g_autoptr(GPtrArray) rows = engine_history(f->engine, 0, 1, NULL);
	return ((const struct history_row *)rows->pdata[0])->number;
}

static void
live(struct fixture *f, GRand *rand)
{
	for (guint round = 0; round < 10; round++) {
		gint64 begin = f->truth;
		end_one(f);
		g_autofree char *name = g_strdup_printf("%" G_GUINT64_FORMAT, newest(f));
		end_one(f); /* the newest stays in any case */
		while (f->truth < begin + KEPT - 9 * DAY) {
			go_wrong(f, rand);
			cairn_auto(job) job = engine_history_job(f->engine, name, NULL);
			g_assert_nonnull(job);
			pass(f, some(rand, 0, 40, HOUR));
		}
	}
	pass(f, KEPT + 2 * DAY);
	g_assert_cmpuint(count(f), ==, 1);
}

static void
test_random(struct fixture *f, gconstpointer unused)
{
	for (guint32 seed = 1; seed <= SEEDS; seed++) {
		g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
		g_test_message("seed %u", seed);
		live(f, rand);
	}
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/clock/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("ahead-at-boot", test_ahead_at_boot);
	add("set-ahead", test_set_ahead);
	add("behind-at-boot", test_behind_at_boot);
	add("long-off", test_long_off);
	add("short-off", test_short_off);
	add("older-store", test_older_store);
	add("schedule", test_schedule);
	add("random", test_random);
	return g_test_run();
}
