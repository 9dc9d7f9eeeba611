/* Whose turn it is, in the engine: priorities and rounds, delays, limits that change while it runs,
 * the places for copies. */
#include "queue_fixture.h"

#include <string.h>

static struct job *
running_job(struct queue_fixture *fixture)
{
	g_autoptr(GPtrArray) jobs = engine_jobs(fixture->engine);
	for (guint i = 0; i < jobs->len; i++) {
		struct job *job = jobs->pdata[i];
		if (job->phase != PHASE_WAIT && job->phase != PHASE_ENDED)
			return job;
	}
	return NULL;
}

/* The numbers of the jobs as they run, one after the other. */
static char *
run_all(struct queue_fixture *fixture)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct job *job;
	while ((job = running_job(fixture))) {
		g_string_append_printf(text, "%s%llu", text->len ? " " : "",
				       (unsigned long long)job->number);
		g_assert_true(engine_control(fixture->engine, job, VERB_KILL, NULL));
		queue_answer_all(fixture, EFFECT_PREPARE);
		queue_answer_all(fixture, EFFECT_UNDO);
		queue_answer_all(fixture, EFFECT_STAGE);
		queue_answer_all(fixture, EFFECT_UNSTAGE);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- the order ---- */

static void
test_order(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	queue_submit_point(&fixture, 0, 100);
	queue_submit_point(&fixture, 0, 100);
	queue_submit_point(&fixture, 0, 100);
	queue_submit_point(&fixture, 1, 100);
	queue_submit_point(&fixture, 2, 5);
	queue_submit_point(&fixture, 1, 100);
	g_autofree char *order = run_all(&fixture);
	g_assert_cmpstr(order, ==, "1 5 4 2 6 3");
	queue_close_engine(&fixture);
}

static void
test_starving(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	queue_submit_point(&fixture, 0, 100);
	queue_submit_point(&fixture, 1, 999);
	fixture.now += QUEUE_HOUR - 1;
	queue_submit_point(&fixture, 2, 1);
	fixture.now += 1;
	queue_submit_point(&fixture, 3, 1);
	g_autofree char *order = run_all(&fixture);
	g_assert_cmpstr(order, ==, "1 2 3 4");
	queue_close_engine(&fixture);
}

static void
test_limits(void)
{
	struct queue_fixture fixture = {0};
	g_autoptr(GError) error = NULL;
	queue_open_engine(&fixture);
	for (guint i = 0; i < QUEUE_GROUPS; i++)
		queue_submit_point(&fixture, i, 100);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 1);
	queue_set_limit(&fixture, "max-jobs", 3);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 3);
	queue_set_limit(&fixture, "starve-after", 0);
	/* All of them or none. */
	g_autoptr(json_t) bad = json_pack("{s:i, s:i}", "max-jobs", 4, "max-copies", 257);
	g_assert_false(engine_limits_set(fixture.engine, bad, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "\"max-copies\" is from 1 to 256"));
	queue_halt(&fixture);
	queue_boot(&fixture);
	g_assert_cmpuint(engine_get_limits(fixture.engine)->max_jobs, ==, 3);
	g_assert_cmpuint(engine_get_limits(fixture.engine)->max_copies, ==, 4);
	g_assert_cmpuint(engine_get_limits(fixture.engine)->starve_seconds, ==, 0);
	queue_set_limit(&fixture, "max-jobs", -1);
	g_assert_cmpuint(engine_get_limits(fixture.engine)->max_jobs, ==, 1);
	g_autoptr(json_t) shown = engine_limits_view(fixture.engine);
	g_autofree char *text = cairn_json_dump(json_array_get(shown, 4));
	g_assert_cmpstr(text, ==,
			"{\"name\":\"starve-after\",\"value\":0,\"configured\":3600,\"set\":true}");
	queue_close_engine(&fixture);
}

/* ---- delays ---- */

static void
test_due(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	struct job *late = queue_new_job(0, JOB_POINT_CREATE);
	late->due = fixture.now + 2 * QUEUE_HOUR;
	g_autofree char *id = g_strdup(late->id);
	queue_submit(&fixture, late);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 0);
	/* Another of its group is faster, and so gets the number that comes first. */
	queue_submit_point(&fixture, 0, 100);
	queue_take_points(&fixture);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 0);
	fixture.now += 2 * QUEUE_HOUR - 1;
	engine_tick(fixture.engine);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 0);
	fixture.now += 1;
	engine_tick(fixture.engine);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 1);
	g_assert_cmpstr(queue_job_of(&fixture, id)->point_name, ==, "a@3");
	queue_take_points(&fixture);
	g_assert_cmpint(queue_job_of(&fixture, id)->state, ==, JOB_COMPLETED);
	const struct point *newest = engine_point(fixture.engine, "a@latest", NULL);
	g_assert_cmpuint(newest->number, ==, 3);
	g_assert_cmpstr(newest->prev, ==, engine_point(fixture.engine, "a@2", NULL)->id);
	queue_submit_point(&fixture, 0, 100);
	queue_take_points(&fixture);
	g_assert_cmpuint(engine_point(fixture.engine, "a@latest", NULL)->number, ==, 4);
	queue_close_engine(&fixture);
}

/* A retry that waits, a point with its export, holds back neither points nor exports. */
static void
test_due_pair(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	struct job *point = queue_new_job(0, JOB_POINT_CREATE),
		   *export = queue_new_job(0, JOB_EXPORT);
	g_autofree char *id = g_strdup(export->id);
	point->due = fixture.now + QUEUE_HOUR;
	g_assert_true(engine_submit_pair(fixture.engine, point, export, NULL));
	queue_submit_point(&fixture, 0, 100);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 1);
	queue_take_points(&fixture);
	const struct point *taken = engine_point(fixture.engine, "a@2", NULL);
	struct job *now = queue_new_job(0, JOB_EXPORT);
	now->point = g_strdup(taken->id);
	now->point_name = g_strdup("a@2");
	g_autofree char *running = g_strdup(now->id);
	queue_submit(&fixture, now);
	g_assert_cmpint(queue_job_of(&fixture, running)->phase, ==, PHASE_STAGE);
	/* The delayed point does not take the data from an export that was asked for before. */
	fixture.now += 2 * QUEUE_HOUR;
	engine_tick(fixture.engine);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 1);
	engine_control(fixture.engine, queue_job_of(&fixture, running), VERB_KILL, NULL);
	queue_answer_all(&fixture, EFFECT_STAGE);
	queue_answer_all(&fixture, EFFECT_UNSTAGE);
	queue_take_points(&fixture);
	g_assert_cmpint(queue_job_of(&fixture, id)->phase, ==, PHASE_STAGE);
	g_assert_cmpstr(queue_job_of(&fixture, id)->point_name, ==, "a@3");
	queue_halt(&fixture);
	queue_boot(&fixture); /* as it was stored */
	g_assert_cmpstr(queue_job_of(&fixture, id)->point_name, ==, "a@3");
	queue_close_engine(&fixture);
}

/* ---- copies ---- */

static guint
copies_of(const struct queue_fixture *fixture, const char *job)
{
	guint n = 0;
	for (guint i = 0; i < fixture->asked->len; i++) {
		const struct asked *asked = fixture->asked->pdata[i];
		n += asked->effect.type == EFFECT_COPY && strcmp(asked->job, job) == 0;
	}
	return n;
}

static void
test_copies(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	queue_set_limit(&fixture, "max-jobs", 4);
	queue_set_limit(&fixture, "max-copies", 2);
	g_autofree char *a = queue_begin_export(&fixture, 0, 100),
			*b = queue_begin_export(&fixture, 1, 100),
			*far = queue_begin_export(&fixture, 3, 200);
	g_assert_cmpuint(copies_of(&fixture, a), ==, 2);
	g_assert_cmpuint(copies_of(&fixture, b), ==, 0);
	/* The next place is of the job that has none, whatever the other still has to do. */
	queue_answer(&fixture, EFFECT_COPY, NULL);
	g_assert_cmpuint(copies_of(&fixture, a), ==, 1);
	g_assert_cmpuint(copies_of(&fixture, b), ==, 1);
	queue_set_limit(&fixture, "max-copies", 5);
	g_assert_cmpuint(copies_of(&fixture, a) + copies_of(&fixture, b), ==, 5);
	g_assert_cmpuint(copies_of(&fixture, far), ==, 0);
	queue_set_limit(&fixture, "max-copies", 100);
	g_assert_cmpuint(copies_of(&fixture, far), ==, 3);
	queue_close_engine(&fixture);
}

static void
test_copies_per_host(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	queue_set_limit(&fixture, "max-jobs", 4);
	queue_set_limit(&fixture, "max-copies", 100);
	queue_set_limit(&fixture, "copies-per-host", 2);
	g_autofree char *a = queue_begin_export(&fixture, 0, 100),
			*b = queue_begin_export(&fixture, 1, 100),
			*far = queue_begin_export(&fixture, 3, 200);
	g_assert_cmpuint(copies_of(&fixture, a) + copies_of(&fixture, b), ==, 2);
	g_assert_cmpuint(copies_of(&fixture, far), ==, 2);
	queue_set_limit(&fixture, "copies-per-host", -1);
	g_assert_cmpuint(queue_count(&fixture, EFFECT_COPY), ==, 9);
	queue_close_engine(&fixture);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine/order", test_order);
	g_test_add_func("/engine/starving", test_starving);
	g_test_add_func("/engine/limits", test_limits);
	g_test_add_func("/engine/due", test_due);
	g_test_add_func("/engine/due-pair", test_due_pair);
	g_test_add_func("/engine/copies", test_copies);
	g_test_add_func("/engine/copies-per-host", test_copies_per_host);
	return g_test_run();
}
