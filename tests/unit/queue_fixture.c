/* See queue_fixture.h. */
#include "queue_fixture.h"

#include "store/store_mem.h"

#include <string.h>

static const char *const names[QUEUE_GROUPS] = {"a", "b", "c", "d"};

static gint64
on_now(void *user)
{
	return ((struct queue_fixture *)user)->now;
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
	struct queue_fixture *fixture = user;
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
	((struct queue_fixture *)user)->commits += before;
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

void
queue_boot(struct queue_fixture *fixture)
{
	static const struct engine_limits limits = {
		.max_jobs = 1, .max_copies = 4, .hold_seconds = 24 * 3600, .starve_seconds = 3600};
	static const struct engine_io io = {
		.now = on_now, .effect = on_effect, .pay = on_pay, .event = on_event};
	g_autoptr(GError) error = NULL;
	fixture->asked = g_ptr_array_new_with_free_func(asked_free);
	fixture->store = store_open(fixture->name, &error);
	g_assert_no_error(error);
	fixture->engine = engine_new(fixture->store, &limits, &io, fixture, &error);
	g_assert_no_error(error);
	store_mem_set_hook(fixture->store, on_commit, fixture);
}

void
queue_halt(struct queue_fixture *fixture)
{
	engine_free(fixture->engine);
	store_close(fixture->store);
	g_ptr_array_unref(fixture->asked);
}

void
queue_open_engine(struct queue_fixture *fixture)
{
	static guint count;
	fixture->name = g_strdup_printf("memory:queue%u", count++);
	fixture->now = 1000 * QUEUE_HOUR;
	queue_boot(fixture);
	engine_start(fixture->engine);
	for (guint i = 0; i < QUEUE_GROUPS; i++) {
		g_autofree char *id = group_id(i), *vm = vm_id(i);
		struct group *group = engine_group_create(fixture->engine, names[i], id, NULL);
		g_assert_true(engine_group_add(fixture->engine, group, vm, vm, NULL));
	}
}

void
queue_close_engine(struct queue_fixture *fixture)
{
	queue_halt(fixture);
	store_mem_forget(strchr(fixture->name, 58) + 1);
	g_free(fixture->name);
}

void
queue_set_limit(struct queue_fixture *fixture, const char *name, gint64 value)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) changes = json_object();
	json_object_set_new(changes, name, value < 0 ? json_null() : json_integer(value));
	engine_limits_set(fixture->engine, changes, &error);
	g_assert_no_error(error);
}

/* ---- jobs ---- */

struct job *
queue_job_of(struct queue_fixture *fixture, const char *id)
{
	struct job *job = engine_job(fixture->engine, id, NULL);
	g_assert_nonnull(job);
	return job;
}

struct job *
queue_new_job(guint group, enum job_kind kind)
{
	g_autofree char *id = cairn_guid_new();
	struct job *job = job_new(id, kind);
	job->group = group_id(group);
	job->keep_us = 100000 * QUEUE_HOUR;
	job->format = g_strdup("qcow2");
	job->directory = g_strdup("/backup");
	return job;
}

guint64
queue_submit(struct queue_fixture *fixture, struct job *job)
{
	g_autoptr(GError) error = NULL;
	job = engine_submit(fixture->engine, job, &error);
	g_assert_no_error(error);
	return job->number;
}

guint64
queue_submit_point(struct queue_fixture *fixture, guint group, guint64 priority)
{
	struct job *job = queue_new_job(group, JOB_POINT_CREATE);
	job->priority = priority;
	return queue_submit(fixture, job);
}

gboolean
queue_answer(struct queue_fixture *fixture, enum job_effect_type type,
	     const struct effect_reply *reply)
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

void
queue_answer_all(struct queue_fixture *fixture, enum job_effect_type type)
{
	struct effect_reply reply = {0};
	while (queue_answer(fixture, type, &reply))
		;
}

guint
queue_count(const struct queue_fixture *fixture, enum job_effect_type type)
{
	guint n = 0;
	for (guint i = 0; i < fixture->asked->len; i++)
		n += ((struct asked *)fixture->asked->pdata[i])->effect.type == type;
	return n;
}

/* The running point jobs end: PREPARE makes one disk, the window is said to have been good. */
void
queue_take_points(struct queue_fixture *fixture)
{
	cairn_auto(window) window =
		window_new(CONSISTENCY_BEST, TRUE, G_USEC_PER_SEC, G_USEC_PER_SEC);
	for (guint i = fixture->asked->len; i-- > 0;) {
		struct asked *asked = fixture->asked->pdata[i];
		if (asked->effect.type != EFFECT_PREPARE)
			continue;
		const struct job *job = queue_job_of(fixture, asked->job);
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
	queue_answer(fixture, EFFECT_WINDOW, &good);
	queue_answer_all(fixture, EFFECT_EXTENTS);
	queue_answer_all(fixture, EFFECT_CLEAN);
}

char *
queue_begin_export(struct queue_fixture *fixture, guint group, guint64 priority)
{
	g_autofree char *name = g_strdup_printf("%s@latest", names[group]);
	const struct point *point = engine_point(fixture->engine, name, NULL);
	if (!point) {
		queue_submit_point(fixture, group, 100);
		queue_take_points(fixture);
		point = engine_point(fixture->engine, name, NULL);
	}
	struct job *job = queue_new_job(group, JOB_EXPORT);
	char *id = g_strdup(job->id);
	job->priority = priority;
	job->point = g_strdup(point->id);
	job->point_name = engine_point_name(fixture->engine, point);
	queue_submit(fixture, job);
	queue_answer_all(fixture, EFFECT_STAGE);
	queue_answer_all(fixture, EFFECT_SERVE);
	return id;
}

void
queue_end_export(struct queue_fixture *fixture)
{
	queue_answer_all(fixture, EFFECT_COPY);
	queue_answer_all(fixture, EFFECT_FINISH);
	queue_answer_all(fixture, EFFECT_RELEASE);
}
