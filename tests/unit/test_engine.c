/* What the engine's simulation does not reach, or seldom: a clock that is set, a store that is full
 * while data must be let go, groups that share a machine, thousands of jobs that fail as they
 * begin, points that are deleted under an export. */
#include "cairnd/engine.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "store/store_mem.h"

#include <string.h>

#define GROUP "11111111-2222-3333-4444-555555555555"
#define OTHER "11111111-2222-3333-4444-666666666666"
#define POINT "AAAAAAAA-2222-3333-4444-555555555555"
#define BASE  "AAAAAAAA-2222-3333-4444-666666666666"
#define OLD   "AAAAAAAA-2222-3333-4444-777777777777"
#define VM    "BBBBBBBB-2222-3333-4444-555555555555"
#define HOUR  ((gint64)3600 * G_USEC_PER_SEC)
#define MANY  3000

struct fixture {
	struct store *store;
	struct engine *engine;
	gint64 now;
	guint prepared, paid, errands;
	char *last; /* job of the last PREPARE */
	gboolean full;
	gboolean older; /* two older points are there, the second is hidden */
	gboolean owes;	/* an errand whose next try is in a hundred years */
};

static gint64
on_now(void *user)
{
	return ((struct fixture *)user)->now;
}

static void
on_effect(void *user, const struct job *job, const struct job_effect *effect)
{
	struct fixture *fixture = user;
	if (effect->type != EFFECT_PREPARE)
		return;
	fixture->prepared++;
	g_free(fixture->last);
	fixture->last = g_strdup(job->id);
}

static void
on_pay(void *user, const struct debt *debt)
{
	((struct fixture *)user)->paid++;
}

static void
on_errand(void *user, const struct errand *errand)
{
	((struct fixture *)user)->errands++;
}

static void
on_event(void *user, const char *name, json_t *data)
{
	json_decref(data);
}

static gboolean
on_commit(void *user, guint nth, gboolean before, GError **error)
{
	const struct fixture *fixture = user;
	if (!fixture->full)
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT, "no space");
	return FALSE;
}

static void
put(struct store *store, const char *kind, const char *id, json_t *json)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = cairn_json_dump(json);
	g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
	cairn_auto(store_txn) txn = store_txn_new();
	store_txn_put(txn, kind, id, 0, body);
	store_commit(store, txn, &error);
	g_assert_no_error(error);
	json_decref(json);
}

static void
put_group(struct store *store, const char *id, const char *name)
{
	cairn_auto(group) group = group_new(id, name);
	g_assert_true(group_add_member(group, VM, "vm1", NULL));
	put(store, "group", id, group_to_json(group));
}

static void
put_older(struct store *store, const char *id, guint number, gboolean hidden)
{
	cairn_auto(point) point = point_new(id, GROUP);
	point->number = number;
	point->hidden = hidden;
	put(store, "point", id, point_to_json(point));
}

static void
open_engine(struct fixture *fixture, gboolean held)
{
	static const struct engine_limits limits = {
		.max_jobs = 8, .max_copies = 4, .hold_seconds = 3600};
	static const struct engine_io io = {on_now, on_effect, on_pay, on_event, on_errand};
	g_autoptr(GError) error = NULL;
	fixture->now = 100 * HOUR;
	fixture->store = store_open("memory:", &error);
	g_assert_no_error(error);
	put_group(fixture->store, GROUP, "web");
	put_group(fixture->store, OTHER, "other");
	cairn_auto(point) point = point_new(POINT, GROUP);
	point->number = 3;
	point->created = fixture->now;
	point->held = held;
	point->hold_until = held ? fixture->now + HOUR : 0;
	struct point_member *member = point_add_member(point, VM, "vm1");
	member->state = g_strdup("running");
	put(fixture->store, "point", POINT, point_to_json(point));
	if (fixture->older) {
		put_older(fixture->store, OLD, 1, FALSE);
		put_older(fixture->store, BASE, 2, TRUE);
	}
	if (fixture->owes) {
		cairn_auto(errand) errand = errand_new(ERRAND_NOTIFY, "journal:x", json_object());
		errand->next = fixture->now + 876600 * HOUR;
		put(fixture->store, "errand", errand->id, errand_to_json(errand));
	}
	fixture->engine = engine_new(fixture->store, &limits, &io, fixture, &error);
	g_assert_no_error(error);
	store_mem_set_hook(fixture->store, on_commit, fixture);
}

static void
close_engine(struct fixture *fixture)
{
	engine_free(fixture->engine);
	store_close(fixture->store);
	g_free(fixture->last);
}

static const struct point *
the_point(const struct fixture *fixture)
{
	return engine_point_by_id(fixture->engine, POINT);
}

static gboolean
stored_held(const struct fixture *fixture)
{
	cairn_auto(store_object) object = store_get(fixture->store, "point", POINT, NULL);
	gsize len;
	const char *text = g_bytes_get_data(object->body, &len);
	g_autoptr(json_t) json = cairn_json_parse(text, len, NULL);
	return json_is_true(json_object_get(json, "held"));
}

static void
test_clock(void)
{
	struct fixture fixture = {0};
	open_engine(&fixture, TRUE);
	engine_start(fixture.engine);
	fixture.now += HOUR / 2 + 10 * HOUR;
	engine_clock_set(fixture.engine, 10 * HOUR);
	engine_tick(fixture.engine);
	g_assert_true(the_point(&fixture)->held);
	fixture.now += HOUR / 2 - G_USEC_PER_SEC;
	engine_tick(fixture.engine);
	g_assert_true(the_point(&fixture)->held);
	fixture.now += G_USEC_PER_SEC;
	engine_tick(fixture.engine);
	g_assert_false(the_point(&fixture)->held);
	close_engine(&fixture);
}

/* A clock that was wrong by years before a restart does not hold data for years. */
static void
test_clock_years(void)
{
	struct fixture fixture = {0};
	open_engine(&fixture, TRUE);
	engine_start(fixture.engine);
	engine_clock_set(fixture.engine, 500000 * HOUR);
	g_assert_cmpint(the_point(&fixture)->hold_until, <=, fixture.now + HOUR);
	close_engine(&fixture);
}

static struct job *
new_job(enum job_kind kind, const char *group)
{
	g_autofree char *id = cairn_guid_new();
	struct job *job = job_new(id, kind);
	job->group = g_strdup(group);
	job->keep_us = HOUR;
	return job;
}

static void
test_full_store(void)
{
	struct fixture fixture = {0};
	open_engine(&fixture, TRUE);
	engine_start(fixture.engine);
	fixture.full = TRUE;
	g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*no space*");
	g_assert_true(engine_hold_lost(fixture.engine, VM, CAIRN_ERROR_LIMIT, "scratch"));
	g_test_assert_expected_messages();
	g_assert_false(the_point(&fixture)->held);
	engine_tick(fixture.engine);
	g_assert_cmpuint(fixture.paid, ==, 1); /* the guest goes on whatever the store says */
	g_assert_true(stored_held(&fixture));
	fixture.full = FALSE;
	/* What is owed of it must survive the daemon before others use the machine. */
	g_assert_nonnull(engine_submit(fixture.engine, new_job(JOB_POINT_CREATE, GROUP), NULL));
	g_assert_cmpuint(fixture.prepared, ==, 0);
	engine_tick(fixture.engine);
	g_assert_false(stored_held(&fixture));
	g_assert_cmpuint(fixture.prepared, ==, 1);
	g_assert_false(engine_hold_lost(fixture.engine, VM, CAIRN_ERROR_LIMIT, "scratch"));
	close_engine(&fixture);
}

/* A clock that is set back by years keeps nobody waiting for years: not a debt, not the next
 * attempt of a job, nor one that has ended and is to be forgotten. */
static void
test_clock_back(void)
{
	struct fixture fixture = {0};
	g_autoptr(GError) error = NULL;
	open_engine(&fixture, FALSE);
	engine_start(fixture.engine);
	struct job *job = new_job(JOB_POINT_CREATE, GROUP);
	job->recovery = (struct recovery){RECOVERY_RETRY, NULL, 3, HOUR / 2};
	g_assert_nonnull(engine_submit(fixture.engine, job, &error));
	g_autofree char *first = g_strdup(fixture.last);
	g_autoptr(GError) failed = g_error_new(CAIRN_ERROR, CAIRN_ERROR_PEER, "gone");
	struct job_effect effect = {EFFECT_PREPARE, 0};
	engine_done(fixture.engine, first, &effect, failed, NULL);
	struct effect_reply reply = {.flags_left = MEMBER_PREPARED};
	effect.type = EFFECT_UNDO;
	engine_done(fixture.engine, first, &effect, failed, &reply);
	g_assert_cmpint(engine_job(fixture.engine, first, NULL)->phase, ==, PHASE_ENDED);
	engine_tick(fixture.engine);
	g_assert_cmpuint(fixture.paid, ==, 1);
	g_autoptr(GPtrArray) debts = store_list(fixture.store, "debt", NULL, 0, &error);
	g_assert_cmpuint(debts->len, ==, 1);
	engine_debt_paid(fixture.engine, ((struct store_object *)debts->pdata[0])->id, DEBT_END);
	fixture.now -= 99 * HOUR;
	engine_clock_set(fixture.engine, -99 * HOUR);
	engine_tick(fixture.engine);
	g_assert_cmpuint(fixture.paid, ==, 2);
	g_assert_cmpuint(fixture.prepared, ==, 1);
	fixture.now += HOUR / 2;
	engine_tick(fixture.engine);
	g_assert_cmpuint(fixture.prepared, ==, 2); /* the next attempt */
	g_assert_nonnull(engine_job(fixture.engine, first, NULL));
	fixture.now += HOUR / 2;
	engine_tick(fixture.engine);
	g_assert_null(engine_job(fixture.engine, first, NULL));
	close_engine(&fixture);
}

/* Submits an export of the point; NULL when it is refused. */
static struct job *
submit_export(struct fixture *fixture, GError **error)
{
	struct job *job = new_job(JOB_EXPORT, GROUP);
	job->point = g_strdup(POINT);
	job->point_name = g_strdup("web@3");
	job->directory = g_strdup("/nowhere");
	job->format = g_strdup("qcow2");
	job->base = g_strdup("auto");
	return engine_submit(fixture->engine, job, error);
}

static void
done(struct fixture *fixture, const char *job, enum job_effect_type type, const char *base)
{
	struct job_effect effect = {type, 0};
	struct effect_reply reply = {.base = base, .base_reason = base ? NULL : "nothing there"};
	engine_done(fixture->engine, job, &effect, NULL, &reply);
}

/* The clock was ahead when it failed, and has been put right while the daemon was away. */
static void
test_errand_later(void)
{
	struct fixture fixture = {.owes = TRUE};
	open_engine(&fixture, FALSE);
	engine_start(fixture.engine);
	engine_tick(fixture.engine);
	g_assert_cmpuint(fixture.errands, ==, 1);
	close_engine(&fixture);
}

static void
end_retention(struct fixture *fixture, const GError *error)
{
	g_autoptr(GPtrArray) active = engine_active_jobs(fixture->engine);
	g_assert_cmpuint(active->len, ==, 1);
	const struct job *job = active->pdata[0];
	g_assert_cmpint(job->kind, ==, JOB_RETAIN);
	g_autofree char *id = g_strdup(job->id);
	struct job_effect effect = {EFFECT_RETAIN, 0};
	g_autoptr(json_t) result = json_pack("{s:[s]}", "exports", POINT);
	struct effect_reply reply = {.result = error ? NULL : result};
	engine_done(fixture->engine, id, &effect, error, &reply);
}

static void
export_and_retain(const GError *error, guint told)
{
	struct fixture fixture = {0};
	open_engine(&fixture, TRUE);
	engine_start(fixture.engine);
	struct job *job = submit_export(&fixture, NULL);
	g_autofree char *id = g_strdup(job->id);
	job->retention.last = 1;
	job->notify = g_strdup("journal:x");
	done(&fixture, id, EFFECT_STAGE, NULL);
	done(&fixture, id, EFFECT_SERVE, NULL);
	done(&fixture, id, EFFECT_FINISH, NULL);
	done(&fixture, id, EFFECT_RELEASE, NULL);
	g_assert_cmpuint(fixture.errands, ==, 1);
	end_retention(&fixture, error);
	g_assert_cmpuint(fixture.errands, ==, told);
	close_engine(&fixture);
}

/* Who is told of an export is told when what it asked for afterwards fails, and only then. */
static void
test_retention_told(void)
{
	g_autoptr(GError) failed = g_error_new(CAIRN_ERROR, CAIRN_ERROR_IO, "broken");
	export_and_retain(NULL, 1);
	export_and_retain(failed, 2);
}

/* Data that was let go when the store was full: what is owed of it is stored with the point, even
 * if it is the export's end that stores the point first. */
static void
test_full_store_then_exported(void)
{
	struct fixture fixture = {0};
	g_autoptr(GError) error = NULL;
	open_engine(&fixture, TRUE);
	engine_start(fixture.engine);
	const struct job *job = submit_export(&fixture, &error);
	g_assert_no_error(error);
	g_autofree char *id = g_strdup(job->id);
	done(&fixture, id, EFFECT_STAGE, NULL);
	done(&fixture, id, EFFECT_SERVE, NULL);
	done(&fixture, id, EFFECT_FINISH, NULL);
	g_assert_cmpint(engine_job(fixture.engine, id, NULL)->phase, ==, PHASE_RELEASE);
	fixture.full = TRUE;
	g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*no space*");
	g_assert_true(engine_hold_lost(fixture.engine, VM, CAIRN_ERROR_LIMIT, "scratch"));
	g_test_assert_expected_messages();
	fixture.full = FALSE;
	g_assert_true(stored_held(&fixture));
	done(&fixture, id, EFFECT_RELEASE, NULL);
	g_assert_false(stored_held(&fixture));
	g_autoptr(GPtrArray) debts = store_list(fixture.store, "debt", NULL, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(debts->len, ==, 1);
	close_engine(&fixture);
}

/* An export's base was deleted before it began, and stayed for an older point's sake. When that one
 * goes, the base stays until the export has ended. */
static void
test_deleted_base(void)
{
	struct fixture fixture = {.older = TRUE};
	g_autoptr(GError) error = NULL;
	open_engine(&fixture, TRUE);
	engine_start(fixture.engine);
	const struct job *job = submit_export(&fixture, &error);
	g_assert_no_error(error);
	g_autofree char *id = g_strdup(job->id);
	done(&fixture, id, EFFECT_STAGE, BASE);
	g_assert_cmpstr(engine_job(fixture.engine, id, NULL)->base_point, ==, BASE);
	struct point *old = engine_point_by_id(fixture.engine, OLD);
	g_assert_true(engine_point_delete(fixture.engine, old, &error));
	g_assert_null(engine_point_by_id(fixture.engine, OLD));
	g_assert_nonnull(engine_point_by_id(fixture.engine, BASE));
	done(&fixture, id, EFFECT_SERVE, NULL);
	done(&fixture, id, EFFECT_FINISH, NULL);
	done(&fixture, id, EFFECT_RELEASE, NULL);
	g_assert_cmpint(engine_job(fixture.engine, id, NULL)->phase, ==, PHASE_ENDED);
	struct point *point = engine_point_by_id(fixture.engine, POINT);
	g_assert_true(engine_point_delete(fixture.engine, point, &error));
	g_assert_null(engine_point_by_id(fixture.engine, BASE));
	close_engine(&fixture);
}

static void
test_shared_machine(void)
{
	struct fixture fixture = {0};
	g_autoptr(GError) error = NULL;
	open_engine(&fixture, FALSE);
	engine_start(fixture.engine);
	g_assert_nonnull(engine_submit(fixture.engine, new_job(JOB_POINT_CREATE, GROUP), &error));
	g_assert_nonnull(engine_submit(fixture.engine, new_job(JOB_POINT_CREATE, OTHER), &error));
	g_assert_cmpuint(fixture.prepared, ==, 1);
	g_autofree char *first = g_strdup(fixture.last);
	g_autoptr(GError) failed = g_error_new(CAIRN_ERROR, CAIRN_ERROR_PEER, "gone");
	struct job_effect effect = {EFFECT_PREPARE, 0};
	engine_done(fixture.engine, first, &effect, failed, NULL);
	g_assert_cmpuint(fixture.prepared, ==, 1); /* what it did is being undone */
	struct effect_reply reply = {0};
	effect.type = EFFECT_UNDO;
	engine_done(fixture.engine, first, &effect, NULL, &reply);
	g_assert_cmpuint(fixture.prepared, ==, 2);
	g_assert_cmpstr(fixture.last, !=, first);
	close_engine(&fixture);
}

/* While a point is taken one member is told to have stopped. */
static enum job_state
stopped_in_window(const char *state)
{
	struct fixture fixture = {0};
	g_autoptr(GError) error = NULL;
	open_engine(&fixture, FALSE);
	engine_start(fixture.engine);
	g_assert_nonnull(engine_submit(fixture.engine, new_job(JOB_POINT_CREATE, GROUP), &error));
	cairn_auto(point) point = point_new(POINT, GROUP);
	struct point_member *member = point_add_member(point, VM, "vm1");
	member->state = g_strdup(state);
	struct job_effect effect = {EFFECT_PREPARE, 0};
	struct effect_reply reply = {.member = member};
	engine_done(fixture.engine, fixture.last, &effect, NULL, &reply);
	const struct job *job = engine_job(fixture.engine, fixture.last, &error);
	g_assert_no_error(error);
	g_assert_cmpint(job->phase, ==, PHASE_WINDOW);
	engine_hold_lost(fixture.engine, VM, CAIRN_ERROR_STATE, "stopped");
	enum job_state outcome = engine_job(fixture.engine, fixture.last, NULL)->outcome;
	close_engine(&fixture);
	return outcome;
}

static void
test_stopped_in_window(void)
{
	g_assert_cmpint(stopped_in_window("running"), ==, JOB_EXCEPTION);
	g_assert_cmpint(stopped_in_window("shutoff"), ==, 0);
}

/* Exports of a point whose data goes while they wait: each fails as it begins. */
static void
test_many(void)
{
	struct fixture fixture = {0};
	g_autoptr(GError) error = NULL;
	open_engine(&fixture, TRUE);
	for (guint i = 0; i < MANY; i++) {
		g_assert_nonnull(submit_export(&fixture, &error));
	}
	g_assert_cmpuint(engine_waiting(fixture.engine), ==, MANY);
	engine_hold_lost(fixture.engine, VM, CAIRN_ERROR_STATE, "lost");
	engine_start(fixture.engine);
	g_assert_cmpuint(engine_waiting(fixture.engine), ==, 0);
	fixture.now += 2 * HOUR;
	for (guint i = 0; i < MANY / 200 + 1; i++)
		engine_tick(fixture.engine);
	g_autoptr(GPtrArray) jobs = engine_jobs(fixture.engine);
	g_assert_cmpuint(jobs->len, ==, 0);
	close_engine(&fixture);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine/clock", test_clock);
	g_test_add_func("/engine/clock-years", test_clock_years);
	g_test_add_func("/engine/clock-back", test_clock_back);
	g_test_add_func("/engine/errand-later", test_errand_later);
	g_test_add_func("/engine/retention-told", test_retention_told);
	g_test_add_func("/engine/full-store", test_full_store);
	g_test_add_func("/engine/full-store-then-exported", test_full_store_then_exported);
	g_test_add_func("/engine/deleted-base", test_deleted_base);
	g_test_add_func("/engine/shared-machine", test_shared_machine);
	g_test_add_func("/engine/stopped-in-window", test_stopped_in_window);
	g_test_add_func("/engine/many", test_many);
	return g_test_run();
}
