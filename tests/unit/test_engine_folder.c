/* An export folder whose earlier exports are gone, though no retention has removed them. */
#include "queue_fixture.h"

#include <string.h>

#define FOLDER "/backup" /* of queue_new_job() */

/* Takes the next point of the group "a" and exports it; the folder is said to hold nothing. Returns
 * the job's GUID; free with g_free(). */
static char *
back_up(struct queue_fixture *fixture, gboolean retain)
{
	static const struct effect_reply empty = {.base_reason = "nothing there"};
	queue_submit_point(fixture, 0, 100);
	queue_take_points(fixture);
	const struct point *point = engine_point(fixture->engine, "a@latest", NULL);
	struct job *job = queue_new_job(0, JOB_EXPORT);
	job->base = g_strdup("auto");
	job->point = g_strdup(point->id);
	job->point_name = engine_point_name(fixture->engine, point);
	job->retention.last = retain ? 1 : 0;
	char *id = g_strdup(job->id);
	queue_submit(fixture, job);
	g_assert_true(queue_answer(fixture, EFFECT_STAGE, &empty));
	queue_answer_all(fixture, EFFECT_SERVE);
	queue_end_export(fixture);
	return id;
}

/* The retention that the last export asked for: @deleted exports went, the newest is there. Returns
 * the job's GUID; free with g_free(). */
static char *
retain(struct queue_fixture *fixture, guint deleted)
{
	const struct point *newest = engine_point(fixture->engine, "a@latest", NULL);
	g_autoptr(GPtrArray) active = engine_active_jobs(fixture->engine);
	g_assert_cmpuint(active->len, ==, 1);
	g_autoptr(json_t) result =
		json_pack("{s:[s],s:i}", "exports", newest->id, "deleted", (int)deleted);
	struct effect_reply reply = {.result = result};
	char *id = g_strdup(((struct job *)active->pdata[0])->id);
	g_assert_true(queue_answer(fixture, EFFECT_RETAIN, &reply));
	return id;
}

static gboolean
asks_for_the_mount(struct queue_fixture *fixture, const char *id)
{
	const struct job *job = queue_job_of(fixture, id);
	for (guint i = 0; i < job->warnings->len; i++)
		if (strstr(job->warnings->pdata[i], "\"" FOLDER "\"") &&
		    strstr(job->warnings->pdata[i], "mounted?"))
			return TRUE;
	return FALSE;
}

/* It is said, and the points stay for the day when the file system is there again. */
static void
test_not_mounted(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	g_autofree char *first = back_up(&fixture, FALSE), *second = back_up(&fixture, FALSE),
			*third = back_up(&fixture, TRUE), *retention = retain(&fixture, 0);
	g_assert_false(asks_for_the_mount(&fixture, first));
	g_assert_true(asks_for_the_mount(&fixture, second));
	g_assert_true(asks_for_the_mount(&fixture, third));
	g_assert_true(asks_for_the_mount(&fixture, retention));
	g_assert_cmpint(queue_job_of(&fixture, retention)->state, ==, JOB_COMPLETED_WARNINGS);
	g_assert_nonnull(engine_point(fixture.engine, "a@1", NULL));
	g_assert_nonnull(engine_point(fixture.engine, "a@2", NULL));
	queue_close_engine(&fixture);
}

static void
test_removed(void)
{
	struct queue_fixture fixture = {0};
	queue_open_engine(&fixture);
	g_autofree char *first = back_up(&fixture, FALSE), *second = back_up(&fixture, TRUE),
			*retention = retain(&fixture, 1);
	g_assert_false(asks_for_the_mount(&fixture, first));
	g_assert_true(asks_for_the_mount(&fixture, second));
	g_assert_false(asks_for_the_mount(&fixture, retention));
	g_assert_null(engine_point(fixture.engine, "a@1", NULL));
	g_assert_nonnull(engine_point(fixture.engine, "a@2", NULL));
	queue_close_engine(&fixture);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine-folder/not-mounted", test_not_mounted);
	g_test_add_func("/engine-folder/removed", test_removed);
	return g_test_run();
}
