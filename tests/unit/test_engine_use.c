/* Points and bases in use, and the times of jobs over a restart. */
#include "queue_fixture.h"

#include <string.h>

/* ---- in use ---- */

static void
is_busy(struct queue_fixture *fixture, const char *name)
{
	g_autoptr(GError) error = NULL;
	struct point *point = engine_point(fixture->engine, name, NULL);
	g_assert_false(engine_point_delete(fixture->engine, point, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY);
}

static void
test_in_use(void)
{
	struct queue_fixture fixture = {0};
	g_autoptr(GError) error = NULL;
	queue_open_engine(&fixture);
	g_autofree char *first = queue_begin_export(&fixture, 0, 100);
	is_busy(&fixture, "a@1");
	struct point *point = engine_point(fixture.engine, "a@1", NULL);
	g_assert_false(engine_point_release(fixture.engine, point, "asked for", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY);
	queue_end_export(&fixture);
	g_assert_cmpint(queue_job_of(&fixture, first)->state, ==, JOB_COMPLETED);
	queue_submit_point(&fixture, 0, 100);
	queue_take_points(&fixture);
	queue_submit_point(&fixture, 0, 100);
	queue_take_points(&fixture);
	/* One that waits for its turn and is to find its base itself: the newest in its folder. */
	struct job *job = queue_new_job(0, JOB_EXPORT);
	job->base = g_strdup("auto");
	job->point = g_strdup(engine_point(fixture.engine, "a@3", NULL)->id);
	job->point_name = g_strdup("a@3");
	job->due = fixture.now + QUEUE_HOUR;
	g_autofree char *id = g_strdup(job->id);
	queue_submit(&fixture, job);
	is_busy(&fixture, "a@1");
	is_busy(&fixture, "a@3");
	g_assert_true(engine_point_delete(fixture.engine, engine_point(fixture.engine, "a@2", NULL),
					  NULL));
	engine_control(fixture.engine, queue_job_of(&fixture, id), VERB_TERMINATE, NULL);
	g_assert_true(engine_point_delete(fixture.engine, engine_point(fixture.engine, "a@1", NULL),
					  NULL));
	queue_close_engine(&fixture);
}

/* Two exports of one point: the last one lets the data go. */
static void
test_last_releases(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	g_autofree char *first = queue_begin_export(&fixture, 0, 100),
			*second = queue_begin_export(&fixture, 0, 100);
	queue_end_export(&fixture);
	g_assert_cmpint(queue_job_of(&fixture, first)->state, ==, JOB_COMPLETED);
	g_assert_true(engine_point(fixture.engine, "a@1", NULL)->held);
	queue_answer_all(&fixture, EFFECT_STAGE);
	queue_answer_all(&fixture, EFFECT_SERVE);
	queue_end_export(&fixture);
	g_assert_cmpint(queue_job_of(&fixture, second)->state, ==, JOB_COMPLETED);
	g_assert_false(engine_point(fixture.engine, "a@1", NULL)->held);
	queue_close_engine(&fixture);
}

/* A job that is delayed past the hold time does not make guests pay for it. */
static void
test_expires(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	queue_submit_point(&fixture, 0, 100);
	queue_take_points(&fixture);
	struct point *point = engine_point(fixture.engine, "a@1", NULL);
	for (guint i = 0; i < 2; i++) {
		struct job *job = queue_new_job(0, JOB_EXPORT);
		job->point = g_strdup(point->id);
		job->point_name = g_strdup("a@1");
		job->due = fixture.now + (i ? 1 : 100) * QUEUE_HOUR;
		queue_submit(&fixture, job);
	}
	fixture.now = point->hold_until;
	engine_tick(fixture.engine);
	g_assert_true(engine_point(fixture.engine, "a@1", NULL)->held); /* one runs */
	queue_answer_all(&fixture, EFFECT_STAGE);
	queue_answer_all(&fixture, EFFECT_SERVE);
	engine_control(fixture.engine, engine_job(fixture.engine, "3", NULL), VERB_KILL, NULL);
	queue_answer_all(&fixture, EFFECT_COPY);
	queue_answer_all(&fixture, EFFECT_UNSERVE);
	queue_answer_all(&fixture, EFFECT_UNSTAGE);
	engine_tick(fixture.engine);
	g_assert_false(engine_point(fixture.engine, "a@1", NULL)->held);
	queue_close_engine(&fixture);
}

/* ---- times ---- */

static void
test_times(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	g_autofree char *id = queue_begin_export(&fixture, 0, 100);
	gint64 began = fixture.now;
	fixture.now += 100 * G_USEC_PER_SEC;
	engine_progress(fixture.engine, id, 0, 1000, 4000, 10);
	engine_tick(fixture.engine); /* stores it as it is */
	fixture.now += 10 * G_USEC_PER_SEC;
	guint commits = fixture.commits;
	engine_tick(fixture.engine);
	g_assert_cmpuint(fixture.commits, ==, commits); /* not all the time */
	queue_halt(&fixture);				/* killed: the last 10 seconds are lost */
	fixture.now += 5 * QUEUE_HOUR;
	queue_boot(&fixture);
	struct job *job = queue_job_of(&fixture, id);
	g_assert_cmpuint(((struct job_disk *)job->disks->pdata[0])->done_bytes, ==, 1000);
	engine_start(fixture.engine);
	fixture.now += 20 * G_USEC_PER_SEC;
	job = queue_job_of(&fixture, id);
	g_assert_cmpint(job->started, ==, began);
	g_assert_cmpint(job->state_changed, ==, began);
	g_assert_cmpint(job->state, ==, JOB_RUNNING);
	g_assert_cmpint(job_elapsed(job, fixture.now), ==, 120 * G_USEC_PER_SEC);
	/* The clock is set, and set back. */
	fixture.now += 10 * QUEUE_HOUR;
	engine_clock_set(fixture.engine, 10 * QUEUE_HOUR);
	g_assert_cmpint(job_elapsed(job, fixture.now), ==, 120 * G_USEC_PER_SEC);
	fixture.now -= 20 * QUEUE_HOUR;
	engine_clock_set(fixture.engine, -20 * QUEUE_HOUR);
	g_assert_cmpint(job_elapsed(job, fixture.now), ==, 120 * G_USEC_PER_SEC);
	queue_answer_all(&fixture, EFFECT_SERVE);
	engine_control(fixture.engine, queue_job_of(&fixture, id), VERB_SUSPEND, NULL);
	fixture.now += QUEUE_HOUR;
	engine_control(fixture.engine, queue_job_of(&fixture, id), VERB_RESUME, NULL);
	fixture.now += G_USEC_PER_SEC;
	queue_end_export(&fixture);
	job = queue_job_of(&fixture, id);
	g_assert_cmpint(job->state, ==, JOB_COMPLETED);
	g_assert_cmpint(job->ended, ==, fixture.now);
	g_assert_cmpint(job_elapsed(job, fixture.now + QUEUE_HOUR), ==, 121 * G_USEC_PER_SEC);
	queue_close_engine(&fixture);
}

/* ---- hosts that do not answer after a restart ---- */

static char *const far_away[] = {"qemu:///far", NULL};

/* An export from the far host whose daemon was killed while it copied. */
static char *
begin_again(struct queue_fixture *fixture)
{
	queue_open_engine(fixture);
	char *id = queue_begin_export(fixture, 3, 100);
	fixture->now += 10 * G_USEC_PER_SEC;
	queue_halt(fixture);
	fixture->now += QUEUE_HOUR;
	queue_boot(fixture);
	engine_hosts_away(fixture->engine, far_away);
	engine_start(fixture->engine);
	fixture->now += QUEUE_HOUR;
	engine_tick(fixture->engine);
	g_assert_cmpuint(fixture->asked->len, ==, 0);
	g_assert_cmpint(queue_job_of(fixture, id)->state, ==, JOB_RUNNING);
	return id;
}

static void
test_host_back(void)
{
	struct queue_fixture fixture = {0};
	g_autofree char *id = begin_again(&fixture);
	g_assert_cmpint(job_elapsed(queue_job_of(&fixture, id), fixture.now), <, QUEUE_HOUR);
	engine_host_back(fixture.engine, "qemu:///near");
	g_assert_cmpuint(queue_count(&fixture, EFFECT_SERVE), ==, 0);
	engine_host_back(fixture.engine, "qemu:///far");
	g_assert_cmpuint(queue_count(&fixture, EFFECT_SERVE), ==, 1);
	queue_answer_all(&fixture, EFFECT_SERVE);
	queue_end_export(&fixture);
	g_assert_cmpint(queue_job_of(&fixture, id)->state, ==, JOB_COMPLETED);
	queue_close_engine(&fixture);
}

/* One that waits for its turn waits for the host, too. */
static void
test_host_queue(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	queue_submit_point(&fixture, 3, 100);
	queue_take_points(&fixture);
	queue_submit_point(&fixture, 0, 100);
	g_autofree char *id = queue_begin_export(&fixture, 3, 100);
	queue_halt(&fixture);
	queue_boot(&fixture);
	engine_hosts_away(fixture.engine, far_away);
	engine_start(fixture.engine);
	queue_set_limit(&fixture, "max-jobs", 4);
	g_assert_cmpint(queue_job_of(&fixture, id)->phase, ==, PHASE_WAIT);
	engine_host_back(fixture.engine, "qemu:///far");
	g_assert_cmpint(queue_job_of(&fixture, id)->phase, ==, PHASE_STAGE);
	queue_close_engine(&fixture);
}

/* It can be suspended and ended meanwhile. */
static void
test_host_never_back(void)
{
	struct queue_fixture fixture = {0};
	g_autofree char *id = begin_again(&fixture);
	g_assert_true(
		engine_control(fixture.engine, queue_job_of(&fixture, id), VERB_SUSPEND, NULL));
	g_assert_true(
		engine_control(fixture.engine, queue_job_of(&fixture, id), VERB_RESUME, NULL));
	g_assert_cmpuint(queue_count(&fixture, EFFECT_SERVE), ==, 0);
	g_assert_true(
		engine_control(fixture.engine, queue_job_of(&fixture, id), VERB_TERMINATE, NULL));
	queue_answer_all(&fixture, EFFECT_SERVE);
	queue_answer_all(&fixture, EFFECT_UNSERVE);
	queue_answer_all(&fixture, EFFECT_UNSTAGE);
	g_assert_cmpint(queue_job_of(&fixture, id)->state, ==, JOB_TERMINATED);
	queue_close_engine(&fixture);
}

static void
test_host_back_without(void)
{
	struct queue_fixture fixture = {0};
	g_autofree char *id = begin_again(&fixture);
	const struct point *point = engine_point(fixture.engine, "d@1", NULL);
	const struct point_member *member = point->members->pdata[0];
	struct engine_found found = {.uri = "qemu:///far", .vm = member->id};
	engine_reconcile(fixture.engine, &found, 1);
	engine_host_back(fixture.engine, "qemu:///far");
	queue_answer_all(&fixture, EFFECT_SERVE);
	queue_answer_all(&fixture, EFFECT_UNSERVE);
	queue_answer_all(&fixture, EFFECT_UNSTAGE);
	const struct job *job = queue_job_of(&fixture, id);
	g_assert_cmpint(job->state, ==, JOB_EXCEPTION);
	const struct job_error *first = job->errors->pdata[0];
	g_assert_nonnull(strstr(first->message, "no longer holds the data"));
	queue_close_engine(&fixture);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine/in-use", test_in_use);
	g_test_add_func("/engine/last-releases", test_last_releases);
	g_test_add_func("/engine/expires", test_expires);
	g_test_add_func("/engine/times", test_times);
	g_test_add_func("/engine/host-back", test_host_back);
	g_test_add_func("/engine/host-queue", test_host_queue);
	g_test_add_func("/engine/host-never-back", test_host_never_back);
	g_test_add_func("/engine/host-back-without", test_host_back_without);
	return g_test_run();
}
