/* What is done when a job has failed: every action, every end, every attempt. */
#include "base/error.h"
#include "base/json.h"
#include "core/recovery.h"

#define NOW	 (1000 * G_USEC_PER_SEC)
#define ATTEMPTS 4

static struct recovery
recovery_of(guint action, guint64 retries, gboolean named)
{
	return (struct recovery){(enum recovery_action)action, named ? (char *)"x" : NULL, retries,
				 10 * G_USEC_PER_SEC};
}

/* By hand, over every action, end, number of retries, attempt, with and without a name. */
static void
check(guint action, guint end, guint64 retries, guint64 attempt, gboolean named)
{
	struct recovery recovery = recovery_of(action, retries, named);
	struct recovery_plan plan =
		recovery_decide(&recovery, (enum recovery_end)end, attempt, NOW);
	enum recovery_deed want = RECOVERY_DEED_NONE;
	if (end == RECOVERY_END_FAILED && action == RECOVERY_RETRY && attempt < retries)
		want = RECOVERY_DEED_RETRY;
	if (end == RECOVERY_END_FAILED && action == RECOVERY_RUN_JOB && named)
		want = RECOVERY_DEED_SCHEDULE;
	if (end == RECOVERY_END_FAILED && action == RECOVERY_OTHER && named)
		want = RECOVERY_DEED_COMMAND;
	g_assert_cmpuint(plan.deed, ==, want);
	if (want == RECOVERY_DEED_RETRY)
		g_assert_cmpint(plan.due, ==, NOW + (10 << attempt) * G_USEC_PER_SEC);
	else
		g_assert_cmpint(plan.due, ==, 0);
	gboolean runs = want == RECOVERY_DEED_SCHEDULE || want == RECOVERY_DEED_COMMAND;
	g_assert_cmpstr(plan.name, ==, runs ? "x" : NULL);
}

static void
test_decide(void)
{
	for (guint action = 0; action < RECOVERY_LAST; action++)
		for (guint end = 0; end <= RECOVERY_END_ON_REQUEST; end++)
			for (guint64 retries = 0; retries < ATTEMPTS; retries++)
				for (guint64 attempt = 0; attempt <= ATTEMPTS; attempt++) {
					check(action, end, retries, attempt, FALSE);
					check(action, end, retries, attempt, TRUE);
				}
}

static void
test_delay(void)
{
	struct recovery recovery = {.action = RECOVERY_RETRY, .retries = RECOVERY_RETRIES_MAX};
	g_assert_cmpint(recovery_delay(&recovery, 1), ==, RECOVERY_DELAY_DEFAULT);
	g_assert_cmpint(recovery_delay(&recovery, 2), ==, 2 * RECOVERY_DELAY_DEFAULT);
	g_assert_cmpint(recovery_delay(&recovery, G_MAXUINT64), ==, RECOVERY_DELAY_MAX);
	gint64 last = 0;
	for (guint64 attempt = 1; attempt <= RECOVERY_RETRIES_MAX; attempt++) {
		gint64 delay = recovery_delay(&recovery, attempt);
		g_assert_cmpint(delay, >=, last);
		g_assert_cmpint(delay, <=, RECOVERY_DELAY_MAX);
		last = delay;
	}
	recovery.delay_us = RECOVERY_DELAY_MAX;
	g_assert_cmpint(recovery_delay(&recovery, 2), ==, RECOVERY_DELAY_MAX);
}

static void
test_words(void)
{
	enum recovery_action action;
	g_autoptr(GError) error = NULL;
	for (guint i = RECOVERY_OTHER; i < RECOVERY_LAST; i++) {
		g_assert_true(recovery_action_parse(recovery_action_name((enum recovery_action)i),
						    &action, NULL));
		g_assert_cmpuint(action, ==, i);
	}
	g_assert_false(recovery_action_parse("unknown", &action, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_assert_false(recovery_action_parse("", &action, NULL));
}

static void
test_json(void)
{
	struct recovery recovery = recovery_of(RECOVERY_OTHER, 7, TRUE), back = {0};
	g_autoptr(json_t) json = recovery_to_json(&recovery);
	g_assert_true(recovery_from_json(json, &back, NULL));
	g_assert_cmpuint(back.action, ==, RECOVERY_OTHER);
	g_assert_cmpstr(back.other, ==, "x");
	g_assert_cmpuint(back.retries, ==, 7);
	g_assert_cmpint(back.delay_us, ==, recovery.delay_us);
	recovery_clear(&back);
	g_assert_true(recovery_from_json(NULL, &back, NULL));
	g_assert_cmpuint(back.action, ==, RECOVERY_STOP);
	cairn_json_set_uint(json, "action", RECOVERY_LAST);
	g_assert_false(recovery_from_json(json, &back, NULL));
	cairn_json_set_uint(json, "action", 0);
	cairn_json_set_uint(json, "retries", RECOVERY_RETRIES_MAX + 1);
	g_assert_false(recovery_from_json(json, &back, NULL));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/recovery/decide", test_decide);
	g_test_add_func("/recovery/delay", test_delay);
	g_test_add_func("/recovery/words", test_words);
	g_test_add_func("/recovery/json", test_json);
	return g_test_run();
}
