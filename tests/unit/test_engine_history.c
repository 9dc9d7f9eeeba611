/* Life after the end: when ended jobs leave memory, what the history keeps of them and for how
 * long, and that a job is always in one of the two places. The simulation kills the daemon there.
 */
#include "cairnd/engine.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "store/store_mem.h"

#include <string.h>

#define GROUP  "11111111-2222-3333-4444-555555555555"
#define POINT  "AAAAAAAA-2222-3333-4444-555555555555"
#define MINUTE (60ll * G_USEC_PER_SEC)
#define DAY    (86400ll * G_USEC_PER_SEC)

struct fixture {
	char *uri;
	struct store *store;
	struct engine *engine;
	struct engine_limits limits;
	gint64 now;
	guint removed; /* JOB_REMOVED events */
	gboolean full;
};

static gint64
on_now(void *user)
{
	return ((struct fixture *)user)->now;
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
	((struct fixture *)user)->removed += strcmp(name, "JOB_REMOVED") == 0;
	json_decref(data);
}

static gboolean
on_commit(void *user, guint nth, gboolean before, GError **error)
{
	return !((struct fixture *)user)->full || cairn_fail(error, CAIRN_ERROR_LIMIT, "no space");
}

static void
open_engine(struct fixture *f)
{
	static const struct engine_io io = {
		.now = on_now, .effect = on_effect, .pay = on_pay, .event = on_event};
	g_autoptr(GError) error = NULL;
	f->store = store_open(f->uri, &error);
	g_assert_no_error(error);
	f->engine = engine_new(f->store, &f->limits, &io, f, &error);
	g_assert_no_error(error);
	store_mem_set_hook(f->store, on_commit, f);
	engine_start(f->engine);
}

static void
close_engine(struct fixture *f)
{
	engine_free(f->engine);
	store_close(f->store);
}

static void
reopen(struct fixture *f)
{
	close_engine(f);
	open_engine(f);
}

static void
set_up(struct fixture *f, gconstpointer unused)
{
	static guint stores;
	g_autoptr(GError) error = NULL;
	f->uri = g_strdup_printf("memory:history-%u", ++stores);
	f->now = 1000 * DAY;
	f->limits = (struct engine_limits){.max_jobs = 8, .max_copies = 4};
	open_engine(f);
	engine_group_create(f->engine, "web", GROUP, &error);
	g_assert_no_error(error);
}

static void
tear_down(struct fixture *f, gconstpointer unused)
{
	close_engine(f);
	store_mem_forget(strchr(f->uri, ':') + 1);
	g_free(f->uri);
}

static struct job *
new_job(gboolean stays)
{
	g_autofree char *id = cairn_guid_new();
	struct job *job = job_new(id, JOB_EXPORT);
	job->group = g_strdup(GROUP);
	job->point = g_strdup(POINT);
	job->point_name = g_strdup("web@1");
	job->directory = g_strdup("/nowhere");
	job->format = g_strdup("qcow2");
	job->delete_on_completion = !stays;
	return job;
}

/* An export of a point that is not there: it ends as it begins. */
static char *
end_one(struct fixture *f, gboolean stays)
{
	g_autoptr(GError) error = NULL;
	const struct job *job = engine_submit(f->engine, new_job(stays), &error);
	g_assert_no_error(error);
	g_assert_cmpint(job->state, ==, JOB_EXCEPTION);
	return g_strdup(job->id);
}

/* In steps: a clock that leaps is another matter. */
static void
pass(struct fixture *f, gint64 time)
{
	do {
		gint64 step = MIN(time, DAY / 2);
		f->now += step;
		time -= step;
		engine_tick(f->engine);
	} while (time > 0);
}

static gboolean
lives(const struct fixture *f, const char *name)
{
	return engine_job(f->engine, name, NULL) != NULL;
}

static gboolean
is_history(const struct fixture *f, const char *name)
{
	cairn_auto(job) job = engine_history_job(f->engine, name, NULL);
	return job != NULL;
}

/* ---- the time ---- */

static void
test_time(struct fixture *f, gconstpointer unused)
{
	g_autofree char *id = end_one(f, FALSE);
	pass(f, 5 * MINUTE - 1);
	g_assert_true(lives(f, id) && !is_history(f, id));
	pass(f, 1);
	g_assert_true(!lives(f, id) && is_history(f, id));
	g_assert_cmpuint(f->removed, ==, 1);
	reopen(f);
	g_assert_true(!lives(f, id) && is_history(f, id));
}

static void
test_changed_time(struct fixture *f, gconstpointer unused)
{
	g_autofree char *id = end_one(f, FALSE);
	g_autofree char *other = end_one(f, FALSE);
	struct job *job = job_copy(engine_job(f->engine, id, NULL));
	job->keep_us = DAY;
	g_assert_true(engine_job_save(f->engine, job, NULL, NULL));
	pass(f, 6 * MINUTE);
	g_assert_true(lives(f, id) && !lives(f, other));
	job = job_copy(engine_job(f->engine, id, NULL));
	job->keep_us = MINUTE;
	g_assert_true(engine_job_save(f->engine, job, NULL, NULL));
	pass(f, 0);
	g_assert_false(lives(f, id));
}

/* What the job was is what the history says, but for what its manifest has. */
static void
test_content(struct fixture *f, gconstpointer unused)
{
	g_autofree char *id = end_one(f, FALSE);
	const struct job *job = engine_job(f->engine, id, NULL);
	g_autoptr(json_t) before = job_view(job, f->now);
	g_autoptr(json_t) errors = job_errors_view(job);
	g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, job->number);
	pass(f, 5 * MINUTE);
	cairn_auto(job) found = engine_history_job(f->engine, id, NULL);
	g_autoptr(json_t) after = job_view(found, f->now);
	g_autoptr(json_t) same = job_errors_view(found);
	g_assert_true(json_equal(before, after));
	g_assert_true(json_equal(errors, same));
	g_assert_cmpuint(json_array_size(same), ==, 1);
	g_assert_true(is_history(f, number));
	g_assert_false(is_history(f, "99"));
	g_assert_false(is_history(f, POINT));
	g_assert_false(is_history(f, "no number"));
}

/* ---- those that stay ---- */

static void
test_stays(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *id = end_one(f, TRUE);
	pass(f, 100 * DAY);
	g_assert_true(lives(f, id));
	/* Set after the end it removes nothing. */
	struct job *job = job_copy(engine_job(f->engine, id, NULL));
	job->delete_on_completion = TRUE;
	g_assert_true(engine_job_save(f->engine, job, NULL, NULL));
	pass(f, 100 * DAY);
	g_assert_true(lives(f, id));
	reopen(f);
	pass(f, DAY);
	g_assert_true(lives(f, id));
	g_assert_true(engine_job_remove(f->engine, engine_job(f->engine, id, NULL), &error));
	g_assert_true(!lives(f, id) && is_history(f, id));
	g_assert_cmpuint(f->removed, ==, 1);
}

static void
test_stays_from_now_on(struct fixture *f, gconstpointer unused)
{
	g_autofree char *id = end_one(f, FALSE);
	struct job *job = job_copy(engine_job(f->engine, id, NULL));
	job->delete_on_completion = FALSE;
	g_assert_true(engine_job_save(f->engine, job, NULL, NULL));
	pass(f, DAY);
	g_assert_true(lives(f, id));
}

static void
test_remove(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	struct engine_limits none = {.max_jobs = 0};
	engine_set_limits(f->engine, &none);
	struct job *job = engine_submit(f->engine, new_job(FALSE), NULL);
	g_assert_false(engine_job_remove(f->engine, job, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE);
	g_clear_error(&error);
	engine_set_limits(f->engine, &f->limits);
	f->full = TRUE;
	job = engine_job(f->engine, "1", NULL);
	g_assert_cmpint(job->phase, ==, PHASE_ENDED);
	g_assert_false(engine_job_remove(f->engine, job, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	pass(f, DAY);
	g_assert_true(lives(f, "1") && !is_history(f, "1"));
	f->full = FALSE;
	pass(f, 0);
	g_assert_true(!lives(f, "1") && is_history(f, "1"));
}

/* Whoever ends a job can say what becomes of it: it goes at once, or stays. */
static void
test_killed(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	struct engine_limits none = {.max_jobs = 0};
	engine_set_limits(f->engine, &none);
	engine_submit(f->engine, new_job(TRUE), NULL);
	engine_submit(f->engine, new_job(FALSE), NULL);
	struct job *first = engine_job(f->engine, "1", NULL);
	g_assert_false(
		engine_control_forget(f->engine, first, VERB_SUSPEND, FORGET_AT_ONCE, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_assert_true(engine_control_forget(f->engine, first, VERB_KILL, FORGET_AT_ONCE, NULL));
	g_assert_true(engine_control_forget(f->engine, engine_job(f->engine, "2", NULL), VERB_KILL,
					    FORGET_NEVER, NULL));
	pass(f, 0);
	g_assert_true(!lives(f, "1") && is_history(f, "1"));
	pass(f, DAY);
	g_assert_true(lives(f, "2"));
}

/* ---- many ---- */

static void
test_too_many(struct fixture *f, gconstpointer unused)
{
	const guint stay = 5000, more = 7; /* STAYING_MAX */
	for (guint i = 0; i < stay + more; i++) {
		g_free(end_one(f, TRUE));
		f->now++;
	}
	g_assert_cmpuint(engine_job_count(f->engine), ==, stay + more);
	pass(f, 0);
	g_assert_cmpuint(engine_job_count(f->engine), ==, stay);
	g_assert_true(is_history(f, "7") && lives(f, "8"));
}

static void
test_pages(struct fixture *f, gconstpointer unused)
{
	for (guint i = 0; i < 25; i++)
		g_free(end_one(f, FALSE));
	pass(f, DAY);
	guint64 before = 0, seen = 0, next = 25;
	for (;;) {
		g_autoptr(GPtrArray) jobs = engine_history(f->engine, before, 10, NULL);
		for (guint i = 0; i < jobs->len; i++, seen++) {
			before = ((const struct history_row *)jobs->pdata[i])->number;
			g_assert_cmpuint(before, ==, next--);
		}
		if (jobs->len < 10)
			break;
	}
	g_assert_cmpuint(seen, ==, 25);
}

/* ---- forgetting ---- */

static void
test_forget_old(struct fixture *f, gconstpointer unused)
{
	f->limits.history_seconds = 30 * 86400;
	reopen(f);
	g_autofree char *old = end_one(f, FALSE);
	pass(f, 20 * DAY);
	g_autofree char *young = end_one(f, FALSE);
	pass(f, 9 * DAY);
	g_assert_true(is_history(f, old) && is_history(f, young));
	pass(f, 2 * DAY);
	g_assert_true(!is_history(f, old) && !is_history(f, "1") && is_history(f, young));
	/* Numbers go on after the newest, however old it is. */
	pass(f, 1000 * DAY);
	g_assert_true(is_history(f, young));
	reopen(f);
	g_autofree char *next = end_one(f, FALSE);
	g_assert_cmpuint(engine_job(f->engine, next, NULL)->number, ==, 3);
	pass(f, MINUTE * 11);
	g_assert_false(is_history(f, young));
}

/* Puts @body in the place of a row of the history. */
static void
damage(struct fixture *f, guint number, const char *body)
{
	g_autofree char *id = g_strdup_printf("%020u", number);
	g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));
	cairn_auto(store_txn) txn = store_txn_new();
	store_txn_put(txn, "history", id, STORE_ANY, bytes);
	g_assert_true(store_commit(f->store, txn, NULL));
}

static guint
count_rows(const struct fixture *f, const char *kind)
{
	g_autoptr(GPtrArray) rows = store_list(f->store, kind, NULL, 0, NULL);
	return rows->len;
}

/* A damaged row is not shown, hides no other, and goes when the next one goes. */
static void
test_forget_damaged(struct fixture *f, gconstpointer unused)
{
	static const struct {
		guint number;
		const char *body;
	} damaged[] = {{6, "{}"}, {3, "{\"id\":7,\"ended\":\"x\"}"}, {2, "[1]"}, {1, ""}};
	f->limits.history_seconds = 30 * 86400;
	reopen(f);
	for (guint i = 0; i < 6; i++)
		g_free(end_one(f, FALSE));
	pass(f, DAY / 2);
	for (guint i = 0; i < G_N_ELEMENTS(damaged); i++) {
		g_autofree char *told =
			g_strdup_printf("*cannot be shown: *\"%020u\": *", damaged[i].number);
		damage(f, damaged[i].number, damaged[i].body);
		g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, told);
	}
	for (guint i = 0; i < 2; i++) {
		g_autoptr(GPtrArray) rows = engine_history(f->engine, 0, 0, NULL);
		g_assert_cmpuint(rows->len, ==, 6);
		for (guint j = 0; j < rows->len; j++) {
			const struct history_row *row = rows->pdata[j];
			g_assert_cmpuint(row->number, ==, 6 - j);
			g_assert_cmpint(row->job != NULL, ==, j == 1 || j == 2);
		}
	}
	g_test_assert_expected_messages();
	pass(f, 29 * DAY);
	g_assert_cmpuint(count_rows(f, "history"), ==, 6);
	pass(f, 2 * DAY);
	/* The newest stays for its number, whatever it is. */
	g_assert_cmpuint(count_rows(f, "history"), ==, 1);
}

/* What ended after now, by a clock that was ahead, keeps nobody else. */
static void
test_forget_future(struct fixture *f, gconstpointer unused)
{
	f->limits.history_seconds = 30 * 86400;
	reopen(f);
	f->now += 5000 * DAY;
	g_free(end_one(f, FALSE));
	pass(f, 10 * MINUTE);
	f->now -= 5000 * DAY;
	g_free(end_one(f, FALSE));
	g_free(end_one(f, FALSE));
	pass(f, 25 * DAY);
	g_assert_cmpuint(count_rows(f, "history"), ==, 3);
	pass(f, 10 * DAY);
	g_assert_cmpuint(count_rows(f, "history"), ==, 1);
	g_assert_cmpuint(count_rows(f, "history-id"), ==, 1);
}

static void
test_forget_many(struct fixture *f, gconstpointer unused)
{
	f->limits.history_jobs = 1000;
	reopen(f);
	for (guint i = 0; i < 1500; i++)
		g_free(end_one(f, FALSE));
	pass(f, DAY);
	for (guint i = 0; i < 10; i++)
		pass(f, G_USEC_PER_SEC);
	g_autoptr(GPtrArray) moved = engine_history(f->engine, 0, 0, NULL);
	g_assert_cmpuint(moved->len, >=, 1000);
	pass(f, 11 * MINUTE);
	for (guint i = 0; i < 5; i++)
		pass(f, G_USEC_PER_SEC);
	g_autoptr(GPtrArray) left = engine_history(f->engine, 0, 0, NULL);
	g_assert_cmpuint(left->len, ==, 1000);
}

/* An older store does not say what it does not know. */
static void
test_older_store(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(job) job = new_job(TRUE);
	g_autoptr(json_t) json = job_to_json(job);
	json_object_del(json, "delete-on-completion");
	json_object_del(json, "stays");
	cairn_auto(job) read = job_from_json(json, &error);
	g_assert_no_error(error);
	g_assert_true(read->delete_on_completion && !read->stays);
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/history/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("time", test_time);
	add("changed-time", test_changed_time);
	add("content", test_content);
	add("stays", test_stays);
	add("stays-from-now-on", test_stays_from_now_on);
	add("remove", test_remove);
	add("killed", test_killed);
	add("too-many", test_too_many);
	add("pages", test_pages);
	add("forget-old", test_forget_old);
	add("forget-damaged", test_forget_damaged);
	add("forget-future", test_forget_future);
	add("forget-many", test_forget_many);
	add("older-store", test_older_store);
	return g_test_run();
}
