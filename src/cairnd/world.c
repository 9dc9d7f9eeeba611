/* Tasks, names and places. */
#include "cairnd/world.h"

#include "cairnd/hosts.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#define STOP_LIMIT (10 * G_USEC_PER_SEC)

/* ---- tasks ---- */

struct task *
task_new(struct world *world, void (*work)(struct task *), void (*done)(struct task *))
{
	struct task *task = g_new0(struct task, 1);
	task->world = world;
	task->work = work;
	task->done = done;
	return task;
}

struct task *
task_for(struct world *world, const struct job *job, const struct job_effect *effect,
	 void (*work)(struct task *))
{
	struct task *task = task_new(world, work, NULL);
	const struct point *point =
		job->draft ? job->draft : engine_point_by_id(world->engine, job->point);
	task->job_id = g_strdup(job->id);
	task->effect = *effect;
	task->job = job_copy(job);
	task->member = effect->index;
	/* Guests that wait for these must not wait for other jobs. */
	task->urgent = effect->type == EFFECT_UNDO;
	if (!point)
		return task;
	task->point = point_copy(point);
	const struct point *prev = engine_point_by_id(world->engine, point->prev);
	task->prev = prev ? point_copy(prev) : NULL;
	return task;
}

void
task_free(struct task *task)
{
	g_free(task->job_id);
	job_free(task->job);
	point_free(task->point);
	point_free(task->prev);
	g_clear_pointer(&task->debts, g_ptr_array_unref);
	g_strfreev(task->keep);
	g_clear_error(&task->error);
	point_member_free(task->found);
	window_free(task->window);
	if (task->user_free)
		task->user_free(task->user);
	g_clear_pointer(&task->reply.extents, g_hash_table_unref);
	g_clear_pointer(&task->reply.changed, g_hash_table_unref);
	g_clear_pointer(&task->reply.reasons, g_hash_table_unref);
	g_clear_pointer(&task->reply.base_disks, g_hash_table_unref);
	json_decref(task->reply.result);
	json_decref(task->reply.files);
	g_free(task->base);
	g_free(task->base_reason);
	g_free(task);
}

static gboolean
task_done(gpointer data)
{
	struct task *task = data;
	if (task->world->stopping) {
		/* What it did is found by the next start. */
	} else if (task->done) {
		task->done(task);
	} else {
		task->reply.member = task->found;
		task->reply.window = task->window;
		task->reply.base = task->base;
		task->reply.base_reason = task->base_reason;
		engine_done(task->world->engine, task->job_id, &task->effect, task->error,
			    &task->reply);
	}
	task_free(task);
	return G_SOURCE_REMOVE;
}

static void
task_work(gpointer data, gpointer user_data)
{
	struct task *task = data;
	struct world *world = task->world;
	task->work(task);
	g_idle_add_full(G_PRIORITY_DEFAULT, task_done, task, NULL);
	g_mutex_lock(&world->lock);
	world->working--;
	g_cond_signal(&world->ended);
	g_mutex_unlock(&world->lock);
}

void
task_start(struct task *task)
{
	struct world *world = task->world;
	GThreadPool *pool = world->pool;
	if (task->effect.type == EFFECT_WINDOW)
		pool = world->windows;
	else if (task->urgent)
		pool = world->urgent;
	else if (!task->job_id)
		pool = world->payers;
	if (world->stopping) {
		task_free(task); /* nobody works any more */
		return;
	}
	g_mutex_lock(&world->lock);
	world->working++;
	g_mutex_unlock(&world->lock);
	g_thread_pool_push(pool, task, NULL);
}

/* ---- names and places ---- */

char *
world_point_dir(const struct world *world, const char *point, const char *vm)
{
	return g_build_filename(world->config->state_dir, "points", point, vm, NULL);
}

char *
world_socket(const struct world *world, const char *point, const char *vm)
{
	/* sun_path has room for 107 bytes: eight digits of each are enough to tell them apart. */
	return g_strdup_printf("%s/nbd/%.8s-%.8s.sock", world->config->run_dir, point, vm);
}

char *
world_nbd_uri(const char *socket, const char *target)
{
	if (g_str_has_prefix(socket, "tcp:"))
		return g_strdup_printf("nbd://%s/%s", socket + 4, target);
	g_autofree char *escaped = g_uri_escape_string(socket, "/", FALSE);
	return g_strdup_printf("nbd+unix:///%s?socket=%s", target, escaped);
}

struct hv_point *
world_spec(const struct world *world, const struct point *point, const struct point_member *member,
	   const struct point *prev)
{
	const char *instance = engine_instance(world->engine);
	g_autofree char *name = point_checkpoint_name(instance, point->id);
	g_autofree char *base = prev ? point_checkpoint_name(instance, prev->id) : NULL;
	g_autofree char *path = world_socket(world, point->id, member->id);
	struct hv_point *spec =
		hv_point_new(member->id, name, member->socket ? member->socket : path);
	for (guint i = 0; i < member->disks->len; i++) {
		const struct point_disk *disk = member->disks->pdata[i];
		g_autofree char *scratch =
			g_strdup_printf("%s/%s.%.8s.%s.qcow2", world->config->scratch_dir, name,
					member->id, disk->target);
		struct hv_point_disk *one = hv_point_add(
			spec, disk->target, disk->changes ? base : NULL, scratch, disk->size);
		one->untracked = !disk->tracked;
	}
	return spec;
}

/* ---- opening and closing ---- */

struct world *
world_new(const struct config *config)
{
	struct world *world = g_new0(struct world, 1);
	world->config = config;
	world->hosts = hosts_new(world, config->connect);
	world->copies = g_ptr_array_new();
	errands_init(world);
	world->thinners = g_ptr_array_new();
	world->looked_at = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	world->pool = g_thread_pool_new(task_work, NULL, (gint)config->workers, FALSE, NULL);
	world->payers = g_thread_pool_new(task_work, NULL, (gint)config->workers, FALSE, NULL);
	world->urgent = g_thread_pool_new(task_work, NULL, -1, FALSE, NULL);
	world->windows = g_thread_pool_new(task_work, NULL, -1, FALSE, NULL);
	g_mutex_init(&world->lock);
	g_cond_init(&world->ended);
	return world;
}

gboolean
world_stop(struct world *world)
{
	gint64 deadline = g_get_monotonic_time() + STOP_LIMIT;
	world->stopping = TRUE;
	copies_free(world);
	errands_free(world);
	retain_free(world);
	/* A window under way is waited for: it resumes and thaws. */
	g_thread_pool_free(g_steal_pointer(&world->windows), FALSE, TRUE);
	g_mutex_lock(&world->lock);
	while (world->working > 0)
		if (!g_cond_wait_until(&world->ended, &world->lock, deadline))
			break;
	gboolean idle = world->working == 0;
	g_mutex_unlock(&world->lock);
	return idle;
}

void
world_free(struct world *world)
{
	if (!world)
		return;
	if (!world->stopping)
		world_stop(world);
	g_thread_pool_free(world->urgent, FALSE, TRUE);
	g_thread_pool_free(world->pool, FALSE, TRUE);
	g_thread_pool_free(world->payers, FALSE, TRUE);
	while (g_main_context_iteration(NULL, FALSE))
		;
	hosts_free(world->hosts);
	g_hash_table_unref(world->looked_at);
	g_mutex_clear(&world->lock);
	g_cond_clear(&world->ended);
	g_free(world);
}

static gboolean
make_dir(const char *path, guint mode, GError **error)
{
	if (g_mkdir_with_parents(path, 0755) == 0 && g_chmod(path, (int)mode) == 0)
		return TRUE;
	cairn_set_errno(error, errno, "cannot use the folder \"%s\"", path);
	return FALSE;
}

/* Now, and not when the first export fails. */
static gboolean
check_program(const char *path, GError **error)
{
	if (g_file_test(path, G_FILE_TEST_IS_EXECUTABLE) && !g_file_test(path, G_FILE_TEST_IS_DIR))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "export-program: \"%s\" is no program that can be started", path);
	return FALSE;
}

gboolean
world_open(struct world *world, GError **error)
{
	g_autofree char *points = g_build_filename(world->config->state_dir, "points", NULL);
	/* QEMU runs as another user and must reach its sockets and scratch files: the folders on
	 * the way can be entered, what is secret in them cannot be read. */
	return check_program(world->config->export_program, error) &&
	       make_dir(world->config->state_dir, 0711, error) && make_dir(points, 0700, error) &&
	       make_dir(world->config->run_dir, 0755, error) &&
	       make_dir(world->config->scratch_dir, 0711, error);
}

struct hypervisor *
world_hypervisor(const struct world *world, const char *uri)
{
	return hosts_hypervisor(world->hosts, uri);
}

/* ---- the engine's door ---- */

static gint64
io_now(void *user)
{
	return g_get_real_time();
}

static void
io_effect(void *user, const struct job *job, const struct job_effect *effect)
{
	struct world *world = user;
	static void (*const table[EFFECT_LAST])(struct world *, const struct job *,
						const struct job_effect *) = {
		[EFFECT_PREPARE] = effect_prepare, [EFFECT_WINDOW] = effect_window,
		[EFFECT_EXTENTS] = effect_extents, [EFFECT_CLEAN] = effect_clean,
		[EFFECT_UNDO] = effect_undo,	   [EFFECT_STAGE] = effect_stage,
		[EFFECT_SERVE] = effect_serve,	   [EFFECT_FINISH] = effect_finish,
		[EFFECT_RELEASE] = effect_release, [EFFECT_UNSERVE] = effect_unserve,
		[EFFECT_UNSTAGE] = effect_unstage, [EFFECT_RETAIN] = effect_retain,
	};
	g_debug("job %" G_GUINT64_FORMAT ": %s %u", job->number, job_effect_name(effect->type),
		effect->index);
	if (effect->type == EFFECT_COPY)
		copies_start(world, job, effect->index);
	else if (effect->type == EFFECT_CANCEL && !retain_cancel(world, job))
		copies_cancel(world, job, effect->index);
	else if (effect->type == EFFECT_CANCEL)
		return;
	else if (effect->type == EFFECT_SUSPEND || effect->type == EFFECT_RESUME)
		copies_suspend(world, job, effect->type == EFFECT_SUSPEND);
	else
		table[effect->type](world, job, effect);
}

static void
io_event(void *user, const char *name, json_t *data)
{
	struct world *world = user;
	if (world->event)
		world->event(world->user, name, data);
	else
		json_decref(data);
}

const struct engine_io world_io = {
	.now = io_now,
	.effect = io_effect,
	.pay = debts_pay,
	.errand = errands_start,
	.event = io_event,
};
