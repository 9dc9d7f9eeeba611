/* Whose turn it is, in the engine: priorities and rounds, delays, limits that change while it runs,
 * points and bases in use, and the times of jobs over a restart. */
#include "cairnd/engine.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "store/store_mem.h"

#include <string.h>

#define HOUR   ((gint64)3600 * G_USEC_PER_SEC)
#define GROUPS 4

struct asked {
	char *job;
	struct job_effect effect;
};

struct fixture {
	char *name; /* of the store */
	struct store *store;
	struct engine *engine;
	gint64 now;
	GPtrArray *asked; /* struct asked: effects, oldest first */
	guint commits;
};

static const char *const names[GROUPS] = {"a", "b", "c", "d"};

static gint64
on_now(void *user)
{
	return ((struct fixture *)user)->now;
}

static void
asked_free(gpointer data)
{
	struct asked *asked = data;
	g_free(asked->job);
	g_free(asked);
}

static void
on_effect(void *user, const struct job *job, const struct job_effect *effect)
{
	struct fixture *fixture = user;
	struct asked *asked = g_new0(struct asked, 1);
	*asked = (struct asked){g_strdup(job->id), *effect};
	g_ptr_array_add(fixture->asked, asked);
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

static gboolean
on_commit(void *user, guint nth, gboolean before, GError **error)
{
	((struct fixture *)user)->commits += before;
	return TRUE;
}

static char *
group_id(guint index)
{
	return g_strdup_printf("11111111-0000-4000-8000-00000000000%u", index);
}

static char *
vm_id(guint index)
{
	return g_strdup_printf("22222222-0000-4000-8000-00000000000%u", index);
}

static void
boot(struct fixture *fixture)
{
	static const struct engine_limits limits = {
		.max_jobs = 1, .max_copies = 4, .hold_seconds = 24 * 3600, .starve_seconds = 3600};
	static const struct engine_io io = {on_now, on_effect, on_pay, on_event};
	g_autoptr(GError) error = NULL;
	fixture->asked = g_ptr_array_new_with_free_func(asked_free);
	fixture->store = store_open(fixture->name, &error);
	g_assert_no_error(error);
	fixture->engine = engine_new(fixture->store, &limits, &io, fixture, &error);
	g_assert_no_error(error);
	store_mem_set_hook(fixture->store, on_commit, fixture);
}

static void
halt(struct fixture *fixture)
{
	engine_free(fixture->engine);
	store_close(fixture->store);
	g_ptr_array_unref(fixture->asked);
}

static void
open_engine(struct fixture *fixture)
{
	static guint count;
	fixture->name = g_strdup_printf("memory:queue%u", count++);
	fixture->now = 1000 * HOUR;
	boot(fixture);
	engine_start(fixture->engine);
	for (guint i = 0; i < GROUPS; i++) {
		g_autofree char *id = group_id(i), *vm = vm_id(i);
		struct group *group = engine_group_create(fixture->engine, names[i], id, NULL);
		g_assert_true(engine_group_add(fixture->engine, group, vm, vm, NULL));
	}
}

static void
close_engine(struct fixture *fixture)
{
	halt(fixture);
	store_mem_forget(strchr(fixture->name, 58) + 1);
	g_free(fixture->name);
}

static void
set_limit(struct fixture *fixture, const char *name, gint64 value)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) changes = json_object();
	json_object_set_new(changes, name, value < 0 ? json_null() : json_integer(value));
	engine_limits_set(fixture->engine, changes, &error);
	g_assert_no_error(error);
}

/* ---- jobs ---- */

static struct job *
job_of(struct fixture *fixture, const char *id)
{
	struct job *job = engine_job(fixture->engine, id, NULL);
	g_assert_nonnull(job);
	return job;
}

static struct job *
new_job(guint group, enum job_kind kind)
{
	g_autofree char *id = cairn_guid_new();
	struct job *job = job_new(id, kind);
	job->group = group_id(group);
	job->keep_us = 100000 * HOUR;
	job->format = g_strdup("qcow2");
	job->directory = g_strdup("/backup");
	return job;
}

static guint64
submit(struct fixture *fixture, struct job *job)
{
	g_autoptr(GError) error = NULL;
	job = engine_submit(fixture->engine, job, &error);
	g_assert_no_error(error);
	return job->number;
}

static guint64
submit_point(struct fixture *fixture, guint group, guint64 priority)
{
	struct job *job = new_job(group, JOB_POINT_CREATE);
	job->priority = priority;
	return submit(fixture, job);
}

/* Answers the oldest effect of @type with success; TRUE: there was one. */
static gboolean
answer(struct fixture *fixture, enum job_effect_type type, const struct effect_reply *reply)
{
	for (guint i = 0; i < fixture->asked->len; i++) {
		struct asked *asked = fixture->asked->pdata[i];
		if (asked->effect.type != type)
			continue;
		g_ptr_array_steal_index(fixture->asked, i);
		engine_done(fixture->engine, asked->job, &asked->effect, NULL, reply);
		asked_free(asked);
		return TRUE;
	}
	return FALSE;
}

static void
answer_all(struct fixture *fixture, enum job_effect_type type)
{
	struct effect_reply reply = {0};
	while (answer(fixture, type, &reply))
		;
}

static guint
count(const struct fixture *fixture, enum job_effect_type type)
{
	guint n = 0;
	for (guint i = 0; i < fixture->asked->len; i++)
		n += ((struct asked *)fixture->asked->pdata[i])->effect.type == type;
	return n;
}

/* The running point jobs end: PREPARE makes one disk, the window is said to have been good. */
static void
take_points(struct fixture *fixture)
{
	cairn_auto(window) window =
		window_new(CONSISTENCY_BEST, TRUE, G_USEC_PER_SEC, G_USEC_PER_SEC);
	for (guint i = fixture->asked->len; i-- > 0;) {
		struct asked *asked = fixture->asked->pdata[i];
		if (asked->effect.type != EFFECT_PREPARE)
			continue;
		const struct job *job = job_of(fixture, asked->job);
		const struct job_member *member = job->members->pdata[asked->effect.index];
		window_add(window, member->id, member->name)->begun = TRUE;
		cairn_auto(point) made = point_new("P", "G");
		struct point_member *part = point_add_member(made, member->id, member->name);
		part->state = g_strdup("running");
		part->uri = g_strdup(g_str_has_suffix(member->id, "3") ? "qemu:///far"
								       : "qemu:///near");
		for (guint n = 0; n < 3; n++) {
			g_autofree char *target = g_strdup_printf("vd%c", 'a' + (int)n);
			point_add_disk(part, target)->size = 65536;
		}
		struct effect_reply reply = {.member = part};
		g_ptr_array_steal_index(fixture->asked, i);
		engine_done(fixture->engine, asked->job, &asked->effect, NULL, &reply);
		asked_free(asked);
	}
	struct effect_reply good = {.window = window};
	answer(fixture, EFFECT_WINDOW, &good);
	answer_all(fixture, EFFECT_EXTENTS);
	answer_all(fixture, EFFECT_CLEAN);
}

static struct job *
running_job(struct fixture *fixture)
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
run_all(struct fixture *fixture)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct job *job;
	while ((job = running_job(fixture))) {
		g_string_append_printf(text, "%s%llu", text->len ? " " : "",
				       (unsigned long long)job->number);
		g_assert_true(engine_control(fixture->engine, job, VERB_KILL, NULL));
		answer_all(fixture, EFFECT_PREPARE);
		answer_all(fixture, EFFECT_UNDO);
		answer_all(fixture, EFFECT_STAGE);
		answer_all(fixture, EFFECT_UNSTAGE);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- the order ---- */

static void
test_order(void)
{
	struct fixture fixture = {0};
	open_engine(&fixture);
	submit_point(&fixture, 0, 100);
	submit_point(&fixture, 0, 100);
	submit_point(&fixture, 0, 100);
	submit_point(&fixture, 1, 100);
	submit_point(&fixture, 2, 5);
	submit_point(&fixture, 1, 100);
	g_autofree char *order = run_all(&fixture);
	g_assert_cmpstr(order, ==, "1 5 4 2 6 3");
	close_engine(&fixture);
}

static void
test_starving(void)
{
	struct fixture fixture = {0};
	open_engine(&fixture);
	submit_point(&fixture, 0, 100);
	submit_point(&fixture, 1, 999);
	fixture.now += HOUR - 1;
	submit_point(&fixture, 2, 1);
	fixture.now += 1;
	submit_point(&fixture, 3, 1);
	g_autofree char *order = run_all(&fixture);
	g_assert_cmpstr(order, ==, "1 2 3 4");
	close_engine(&fixture);
}

static void
test_limits(void)
{
	struct fixture fixture = {0};
	g_autoptr(GError) error = NULL;
	open_engine(&fixture);
	for (guint i = 0; i < GROUPS; i++)
		submit_point(&fixture, i, 100);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 1);
	set_limit(&fixture, "max-jobs", 3);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 3);
	set_limit(&fixture, "starve-after", 0);
	/* All of them or none. */
	g_autoptr(json_t) bad = json_pack("{s:i, s:i}", "max-jobs", 4, "max-copies", 257);
	g_assert_false(engine_limits_set(fixture.engine, bad, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "\"max-copies\" is from 1 to 256"));
	halt(&fixture);
	boot(&fixture);
	g_assert_cmpuint(engine_get_limits(fixture.engine)->max_jobs, ==, 3);
	g_assert_cmpuint(engine_get_limits(fixture.engine)->max_copies, ==, 4);
	g_assert_cmpuint(engine_get_limits(fixture.engine)->starve_seconds, ==, 0);
	set_limit(&fixture, "max-jobs", -1);
	g_assert_cmpuint(engine_get_limits(fixture.engine)->max_jobs, ==, 1);
	g_autoptr(json_t) shown = engine_limits_view(fixture.engine);
	g_autofree char *text = cairn_json_dump(json_array_get(shown, 4));
	g_assert_cmpstr(text, ==,
			"{\"name\":\"starve-after\",\"value\":0,\"configured\":3600,\"set\":true}");
	close_engine(&fixture);
}

/* ---- delays ---- */

static void
test_due(void)
{
	struct fixture fixture = {0};
	open_engine(&fixture);
	struct job *late = new_job(0, JOB_POINT_CREATE);
	late->due = fixture.now + 2 * HOUR;
	g_autofree char *id = g_strdup(late->id);
	submit(&fixture, late);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 0);
	/* Another of its group is faster, and so gets the number that comes first. */
	submit_point(&fixture, 0, 100);
	take_points(&fixture);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 0);
	fixture.now += 2 * HOUR - 1;
	engine_tick(fixture.engine);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 0);
	fixture.now += 1;
	engine_tick(fixture.engine);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 1);
	g_assert_cmpstr(job_of(&fixture, id)->point_name, ==, "a@3");
	take_points(&fixture);
	g_assert_cmpint(job_of(&fixture, id)->state, ==, JOB_COMPLETED);
	const struct point *newest = engine_point(fixture.engine, "a@latest", NULL);
	g_assert_cmpuint(newest->number, ==, 3);
	g_assert_cmpstr(newest->prev, ==, engine_point(fixture.engine, "a@2", NULL)->id);
	submit_point(&fixture, 0, 100);
	take_points(&fixture);
	g_assert_cmpuint(engine_point(fixture.engine, "a@latest", NULL)->number, ==, 4);
	close_engine(&fixture);
}

/* A retry that waits, a point with its export, holds back neither points nor exports. */
static void
test_due_pair(void)
{
	struct fixture fixture = {0};
	open_engine(&fixture);
	struct job *point = new_job(0, JOB_POINT_CREATE), *export = new_job(0, JOB_EXPORT);
	g_autofree char *id = g_strdup(export->id);
	point->due = fixture.now + HOUR;
	g_assert_true(engine_submit_pair(fixture.engine, point, export, NULL));
	submit_point(&fixture, 0, 100);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 1);
	take_points(&fixture);
	const struct point *taken = engine_point(fixture.engine, "a@2", NULL);
	struct job *now = new_job(0, JOB_EXPORT);
	now->point = g_strdup(taken->id);
	now->point_name = g_strdup("a@2");
	g_autofree char *running = g_strdup(now->id);
	submit(&fixture, now);
	g_assert_cmpint(job_of(&fixture, running)->phase, ==, PHASE_STAGE);
	/* The delayed point does not take the data from an export that was asked for before. */
	fixture.now += 2 * HOUR;
	engine_tick(fixture.engine);
	g_assert_cmpuint(engine_running(fixture.engine), ==, 1);
	engine_control(fixture.engine, job_of(&fixture, running), VERB_KILL, NULL);
	answer_all(&fixture, EFFECT_STAGE);
	answer_all(&fixture, EFFECT_UNSTAGE);
	take_points(&fixture);
	g_assert_cmpint(job_of(&fixture, id)->phase, ==, PHASE_STAGE);
	g_assert_cmpstr(job_of(&fixture, id)->point_name, ==, "a@3");
	halt(&fixture);
	boot(&fixture); /* as it was stored */
	g_assert_cmpstr(job_of(&fixture, id)->point_name, ==, "a@3");
	close_engine(&fixture);
}

/* ---- copies ---- */

static char *
begin_export(struct fixture *fixture, guint group, guint64 priority)
{
	g_autofree char *name = g_strdup_printf("%s@latest", names[group]);
	const struct point *point = engine_point(fixture->engine, name, NULL);
	if (!point) {
		submit_point(fixture, group, 100);
		take_points(fixture);
		point = engine_point(fixture->engine, name, NULL);
	}
	struct job *job = new_job(group, JOB_EXPORT);
	char *id = g_strdup(job->id);
	job->priority = priority;
	job->point = g_strdup(point->id);
	job->point_name = engine_point_name(fixture->engine, point);
	submit(fixture, job);
	answer_all(fixture, EFFECT_STAGE);
	answer_all(fixture, EFFECT_SERVE);
	return id;
}

static guint
copies_of(const struct fixture *fixture, const char *job)
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
	struct fixture fixture = {0};
	open_engine(&fixture);
	set_limit(&fixture, "max-jobs", 4);
	set_limit(&fixture, "max-copies", 2);
	g_autofree char *a = begin_export(&fixture, 0, 100), *b = begin_export(&fixture, 1, 100),
			*far = begin_export(&fixture, 3, 200);
	g_assert_cmpuint(copies_of(&fixture, a), ==, 2);
	g_assert_cmpuint(copies_of(&fixture, b), ==, 0);
	/* The next place is of the job that has none, whatever the other still has to do. */
	answer(&fixture, EFFECT_COPY, NULL);
	g_assert_cmpuint(copies_of(&fixture, a), ==, 1);
	g_assert_cmpuint(copies_of(&fixture, b), ==, 1);
	set_limit(&fixture, "max-copies", 5);
	g_assert_cmpuint(copies_of(&fixture, a) + copies_of(&fixture, b), ==, 5);
	g_assert_cmpuint(copies_of(&fixture, far), ==, 0);
	set_limit(&fixture, "max-copies", 100);
	g_assert_cmpuint(copies_of(&fixture, far), ==, 3);
	close_engine(&fixture);
}

static void
test_copies_per_host(void)
{
	struct fixture fixture = {0};
	open_engine(&fixture);
	set_limit(&fixture, "max-jobs", 4);
	set_limit(&fixture, "max-copies", 100);
	set_limit(&fixture, "copies-per-host", 2);
	g_autofree char *a = begin_export(&fixture, 0, 100), *b = begin_export(&fixture, 1, 100),
			*far = begin_export(&fixture, 3, 200);
	g_assert_cmpuint(copies_of(&fixture, a) + copies_of(&fixture, b), ==, 2);
	g_assert_cmpuint(copies_of(&fixture, far), ==, 2);
	set_limit(&fixture, "copies-per-host", -1);
	g_assert_cmpuint(count(&fixture, EFFECT_COPY), ==, 9);
	close_engine(&fixture);
}

/* ---- in use ---- */

static void
is_busy(struct fixture *fixture, const char *name)
{
	g_autoptr(GError) error = NULL;
	struct point *point = engine_point(fixture->engine, name, NULL);
	g_assert_false(engine_point_delete(fixture->engine, point, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY);
}

static void
end_export(struct fixture *fixture)
{
	answer_all(fixture, EFFECT_COPY);
	answer_all(fixture, EFFECT_FINISH);
	answer_all(fixture, EFFECT_RELEASE);
}

static void
test_in_use(void)
{
	struct fixture fixture = {0};
	g_autoptr(GError) error = NULL;
	open_engine(&fixture);
	g_autofree char *first = begin_export(&fixture, 0, 100);
	is_busy(&fixture, "a@1");
	struct point *point = engine_point(fixture.engine, "a@1", NULL);
	g_assert_false(engine_point_release(fixture.engine, point, "asked for", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY);
	end_export(&fixture);
	g_assert_cmpint(job_of(&fixture, first)->state, ==, JOB_COMPLETED);
	submit_point(&fixture, 0, 100);
	take_points(&fixture);
	submit_point(&fixture, 0, 100);
	take_points(&fixture);
	/* One that waits for its turn and is to find its base itself: the newest in its folder. */
	struct job *job = new_job(0, JOB_EXPORT);
	job->base = g_strdup("auto");
	job->point = g_strdup(engine_point(fixture.engine, "a@3", NULL)->id);
	job->point_name = g_strdup("a@3");
	job->due = fixture.now + HOUR;
	g_autofree char *id = g_strdup(job->id);
	submit(&fixture, job);
	is_busy(&fixture, "a@1");
	is_busy(&fixture, "a@3");
	g_assert_true(engine_point_delete(fixture.engine, engine_point(fixture.engine, "a@2", NULL),
					  NULL));
	engine_control(fixture.engine, job_of(&fixture, id), VERB_TERMINATE, NULL);
	g_assert_true(engine_point_delete(fixture.engine, engine_point(fixture.engine, "a@1", NULL),
					  NULL));
	close_engine(&fixture);
}

/* Two exports of one point: the last one lets the data go. */
static void
test_last_releases(void)
{
	struct fixture fixture = {0};
	open_engine(&fixture);
	g_autofree char *first = begin_export(&fixture, 0, 100),
			*second = begin_export(&fixture, 0, 100);
	end_export(&fixture);
	g_assert_cmpint(job_of(&fixture, first)->state, ==, JOB_COMPLETED);
	g_assert_true(engine_point(fixture.engine, "a@1", NULL)->held);
	answer_all(&fixture, EFFECT_STAGE);
	answer_all(&fixture, EFFECT_SERVE);
	end_export(&fixture);
	g_assert_cmpint(job_of(&fixture, second)->state, ==, JOB_COMPLETED);
	g_assert_false(engine_point(fixture.engine, "a@1", NULL)->held);
	close_engine(&fixture);
}

/* ---- times ---- */

static void
test_times(void)
{
	struct fixture fixture = {0};
	open_engine(&fixture);
	g_autofree char *id = begin_export(&fixture, 0, 100);
	gint64 began = fixture.now;
	fixture.now += 100 * G_USEC_PER_SEC;
	engine_progress(fixture.engine, id, 0, 1000, 4000, 10);
	engine_tick(fixture.engine); /* stores it as it is */
	fixture.now += 10 * G_USEC_PER_SEC;
	guint commits = fixture.commits;
	engine_tick(fixture.engine);
	g_assert_cmpuint(fixture.commits, ==, commits); /* not all the time */
	halt(&fixture);					/* killed: the last 10 seconds are lost */
	fixture.now += 5 * HOUR;
	boot(&fixture);
	struct job *job = job_of(&fixture, id);
	g_assert_cmpuint(((struct job_disk *)job->disks->pdata[0])->done_bytes, ==, 1000);
	engine_start(fixture.engine);
	fixture.now += 20 * G_USEC_PER_SEC;
	job = job_of(&fixture, id);
	g_assert_cmpint(job->started, ==, began);
	g_assert_cmpint(job->state_changed, ==, began);
	g_assert_cmpint(job->state, ==, JOB_RUNNING);
	g_assert_cmpint(job_elapsed(job, fixture.now), ==, 120 * G_USEC_PER_SEC);
	/* The clock is set, and set back. */
	fixture.now += 10 * HOUR;
	engine_clock_set(fixture.engine, 10 * HOUR);
	g_assert_cmpint(job_elapsed(job, fixture.now), ==, 120 * G_USEC_PER_SEC);
	fixture.now -= 20 * HOUR;
	engine_clock_set(fixture.engine, -20 * HOUR);
	g_assert_cmpint(job_elapsed(job, fixture.now), ==, 120 * G_USEC_PER_SEC);
	answer_all(&fixture, EFFECT_SERVE);
	engine_control(fixture.engine, job_of(&fixture, id), VERB_SUSPEND, NULL);
	fixture.now += HOUR;
	engine_control(fixture.engine, job_of(&fixture, id), VERB_RESUME, NULL);
	fixture.now += G_USEC_PER_SEC;
	end_export(&fixture);
	job = job_of(&fixture, id);
	g_assert_cmpint(job->state, ==, JOB_COMPLETED);
	g_assert_cmpint(job->ended, ==, fixture.now);
	g_assert_cmpint(job_elapsed(job, fixture.now + HOUR), ==, 121 * G_USEC_PER_SEC);
	close_engine(&fixture);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine/queue/order", test_order);
	g_test_add_func("/engine/queue/starving", test_starving);
	g_test_add_func("/engine/queue/limits", test_limits);
	g_test_add_func("/engine/queue/due", test_due);
	g_test_add_func("/engine/queue/due-pair", test_due_pair);
	g_test_add_func("/engine/queue/copies", test_copies);
	g_test_add_func("/engine/queue/copies-per-host", test_copies_per_host);
	g_test_add_func("/engine/queue/in-use", test_in_use);
	g_test_add_func("/engine/queue/last-releases", test_last_releases);
	g_test_add_func("/engine/queue/times", test_times);
	return g_test_run();
}
