/* Hosts, tasks, names and places. */
#include "cairnd/world.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

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
	g_clear_pointer(&task->seen, g_ptr_array_unref);
	g_clear_pointer(&task->trouble, g_ptr_array_unref);
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
	task->work(task);
	g_idle_add_full(G_PRIORITY_DEFAULT, task_done, task, NULL);
}

void
task_start(struct task *task)
{
	gboolean window = task->effect.type == EFFECT_WINDOW;
	g_thread_pool_push(window ? task->world->windows : task->world->pool, task, NULL);
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

/* ---- hosts ---- */

static void
vm_entry_free(struct vm_entry *entry)
{
	hv_vm_free(entry->vm);
	g_free(entry->uri);
	g_free(entry);
}

static void
host_free(struct host *host)
{
	hypervisor_close(host->hv);
	g_free(host->uri);
	g_free(host->error);
	g_free(host);
}

struct world *
world_new(const struct config *config)
{
	struct world *world = g_new0(struct world, 1);
	world->config = config;
	world->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)host_free);
	world->copies = g_ptr_array_new();
	world->vms =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)vm_entry_free);
	world->pool = g_thread_pool_new(task_work, NULL, (gint)config->workers, FALSE, NULL);
	world->windows = g_thread_pool_new(task_work, NULL, -1, FALSE, NULL);
	for (char **uri = config->connect; *uri; uri++) {
		struct host *host = g_new0(struct host, 1);
		host->uri = g_strdup(*uri);
		g_ptr_array_add(world->hosts, host);
	}
	return world;
}

void
world_free(struct world *world)
{
	if (!world)
		return;
	world->stopping = TRUE;
	copies_free(world);
	/* A window under way is waited for: it resumes and thaws. */
	g_thread_pool_free(world->windows, FALSE, TRUE);
	g_thread_pool_free(world->pool, TRUE, TRUE);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_ptr_array_unref(world->hosts);
	g_hash_table_unref(world->vms);
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

static void
open_host(struct world *world, struct host *host)
{
	g_autoptr(GError) error = NULL;
	struct hypervisor *hv = hypervisor_open(host->uri, &error);
	g_free(host->error);
	host->error = hv ? NULL : g_strdup(error->message);
	if (!hv) {
		g_warning("%s does not answer, will try again: %s", host->uri, error->message);
		return;
	}
	host->hv = hv;
	hypervisor_set_events(hv, guard_event, world);
}

gboolean
world_open(struct world *world, GError **error)
{
	g_autofree char *points = g_build_filename(world->config->state_dir, "points", NULL);
	/* QEMU runs as another user and must reach its sockets and scratch files: the folders on
	 * the way can be entered, what is secret in them cannot be read. */
	if (!make_dir(world->config->state_dir, 0711, error) || !make_dir(points, 0700, error) ||
	    !make_dir(world->config->run_dir, 0755, error) ||
	    !make_dir(world->config->scratch_dir, 0711, error))
		return FALSE;
	for (guint i = 0; i < world->hosts->len; i++)
		open_host(world, world->hosts->pdata[i]);
	return TRUE;
}

struct hypervisor *
world_hypervisor(const struct world *world, const char *uri)
{
	for (guint i = 0; i < world->hosts->len; i++) {
		const struct host *host = world->hosts->pdata[i];
		if (!uri || g_strcmp0(host->uri, uri) == 0)
			return host->hv;
	}
	return NULL;
}

const struct vm_entry *
world_vm(const struct world *world, const char *uuid_or_name)
{
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, world->vms);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct vm_entry *entry = value;
		if (g_ascii_strcasecmp(entry->vm->uuid, uuid_or_name) == 0 ||
		    strcmp(entry->vm->name, uuid_or_name) == 0)
			return entry;
	}
	return NULL;
}

/* ---- looking at all hosts ---- */

static void
refresh_work(struct task *task)
{
	task->seen = g_ptr_array_new_with_free_func((GDestroyNotify)vm_entry_free);
	task->trouble = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < task->world->hosts->len; i++) {
		const struct host *host = task->world->hosts->pdata[i];
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) vms = host->hv ? hypervisor_list(host->hv, &error) : NULL;
		g_ptr_array_add(task->trouble, g_strdup(error ? error->message : NULL));
		while (vms && vms->len > 0) {
			struct vm_entry *entry = g_new0(struct vm_entry, 1);
			entry->vm = g_ptr_array_steal_index(vms, vms->len - 1);
			entry->uri = g_strdup(host->uri);
			g_ptr_array_add(task->seen, entry);
		}
	}
}

static gboolean
from_uri(gpointer key, gpointer value, gpointer uri)
{
	return g_strcmp0(((const struct vm_entry *)value)->uri, uri) == 0;
}

/* What a host that did not answer has stays as last seen. */
static void
refresh_done(struct task *task)
{
	struct world *world = task->world;
	for (guint i = 0; i < world->hosts->len; i++) {
		struct host *host = world->hosts->pdata[i];
		g_free(host->error);
		host->error = g_strdup(host->hv ? task->trouble->pdata[i] : "not connected");
		if (!host->error)
			g_hash_table_foreach_remove(world->vms, from_uri, host->uri);
	}
	g_autoptr(GArray) found = g_array_new(FALSE, TRUE, sizeof(struct engine_found));
	while (task->seen->len > 0) {
		struct vm_entry *entry = g_ptr_array_steal_index(task->seen, task->seen->len - 1);
		struct engine_found one = {.uri = entry->uri,
					   .vm = entry->vm->uuid,
					   .off = entry->vm->state == HV_SHUTOFF,
					   .backup = entry->vm->backup,
					   .points = entry->vm->points};
		g_array_append_val(found, one);
		g_hash_table_replace(world->vms, entry->vm->uuid, entry);
	}
	((world_refreshed_fn)task->user_done)(world, (struct engine_found *)found->data, found->len,
					      task->user);
}

static struct task *
refresh_task(struct world *world, world_refreshed_fn done, void *user)
{
	struct task *task = task_new(world, refresh_work, refresh_done);
	task->user_done = (void (*)(void))done;
	task->user = user;
	for (guint i = 0; i < world->hosts->len; i++) {
		struct host *host = world->hosts->pdata[i];
		if (!host->hv)
			open_host(world, host);
	}
	return task;
}

void
world_refresh(struct world *world, world_refreshed_fn done, void *user)
{
	task_start(refresh_task(world, done, user));
}

void
world_refresh_now(struct world *world, world_refreshed_fn done, void *user)
{
	struct task *task = refresh_task(world, done, user);
	task->work(task);
	task->done(task);
	task_free(task);
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
		[EFFECT_UNSTAGE] = effect_unstage,
	};
	g_debug("job %" G_GUINT64_FORMAT ": %s %u", job->number, job_effect_name(effect->type),
		effect->index);
	if (effect->type == EFFECT_COPY)
		copies_start(world, job, effect->index);
	else if (effect->type == EFFECT_CANCEL)
		copies_cancel(world, job, effect->index);
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
	.event = io_event,
};
