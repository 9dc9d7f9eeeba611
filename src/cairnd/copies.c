/* The running disk copies: one cairn-export each. */
#include "cairnd/staging.h"
#include "cairnd/world.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/spawn.h"
#include "image/manifest.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESULT_MAX     (512 << 20) /* bytes: it carries a digest for each MiB */
#define EXIT_CANCELLED 3

struct copy {
	struct world *world;
	char *job;
	guint disk;
	char *image, *result; /* in the staging folder; the result stays until the export ends */
	char *backing;	      /* the base's name in the image; NULL: full */
	char *extents;
	struct spawn *spawn;
	gboolean killed;
	GError *error;	  /* told by the child */
	GError *early;	  /* it could not even begin */
	json_t *finished; /* ... or an earlier try had finished it */
};

static void
copy_free(struct copy *copy)
{
	spawn_free(copy->spawn);
	if (copy->extents)
		unlink(copy->extents);
	g_free(copy->job);
	g_free(copy->image);
	g_free(copy->backing);
	g_free(copy->result);
	g_free(copy->extents);
	g_clear_error(&copy->error);
	g_clear_error(&copy->early);
	json_decref(copy->finished);
	g_free(copy);
}

void
copies_free(struct world *world)
{
	while (world->copies->len > 0)
		copy_free(g_ptr_array_remove_index_fast(world->copies, 0));
	g_ptr_array_unref(world->copies);
}

static struct copy *
find(const struct world *world, const char *job, guint disk)
{
	for (guint i = 0; i < world->copies->len; i++) {
		struct copy *copy = world->copies->pdata[i];
		if (copy->disk == disk && strcmp(copy->job, job) == 0)
			return copy;
	}
	return NULL;
}

/* ---- what the child says ---- */

static void
on_line(const char *line, void *user)
{
	struct copy *copy = user;
	g_autoptr(json_t) json = cairn_json_parse(line, strlen(line), NULL);
	const json_t *progress = json_object_get(json, "progress");
	const json_t *error = json_object_get(json, "error");
	guint64 done, total, rate;
	if (progress && cairn_json_get_uint(progress, "done", JSON_MAX_UINT, &done, NULL) &&
	    cairn_json_get_uint(progress, "total", JSON_MAX_UINT, &total, NULL) &&
	    cairn_json_get_uint(progress, "rate", JSON_MAX_UINT, &rate, NULL))
		engine_progress(copy->world->engine, copy->job, copy->disk, done, total, rate);
	const char *class_name = json_string_value(json_object_get(error, "class"));
	const char *desc = json_string_value(json_object_get(error, "desc"));
	if (class_name && desc && !copy->error)
		copy->error =
			g_error_new_literal(CAIRN_ERROR, cairn_error_from_class(class_name), desc);
}

static GError *
why_it_ended(const struct copy *copy, int status, const char *last_error)
{
	if (copy->killed || (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CANCELLED))
		return g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_CANCELLED,
					   "the copy was stopped");
	if (copy->error)
		return g_error_copy(copy->error);
	if (WIFSIGNALED(status))
		return g_error_new(CAIRN_ERROR, CAIRN_ERROR_IO,
				   "cairn-export was ended by signal %d", WTERMSIG(status));
	return g_error_new(CAIRN_ERROR, CAIRN_ERROR_IO, "cairn-export failed: %s",
			   last_error ? last_error : "it gave no reason");
}

static json_t *
read_result(const struct copy *copy, GError **error)
{
	g_autofree char *text = NULL;
	gsize len;
	if (!cairn_file_read(copy->result, RESULT_MAX, &text, &len, error))
		return NULL;
	return cairn_json_parse(text, len, error);
}

static void
finish(struct copy *copy, const GError *error, json_t *result)
{
	struct world *world = copy->world;
	struct job *job = engine_job(world->engine, copy->job, NULL);
	const struct job_disk *disk =
		job && copy->disk < job->disks->len ? job->disks->pdata[copy->disk] : NULL;
	struct effect_reply reply = {.result = result};
	struct job_effect effect = {EFFECT_COPY, copy->disk};
	g_autofree char *id = g_strdup(copy->job);
	g_autoptr(GError) told = error ? g_error_copy(error) : NULL;
	if (told && disk)
		g_prefix_error(&told, "%s:%s: ", disk->vm_name, disk->target);
	g_ptr_array_remove_fast(world->copies, copy);
	copy_free(copy);
	if (job)
		copies_set_rate(world, id, job->rate_limit);
	engine_done(world->engine, id, &effect, told, &reply);
}

static void
on_exited(int status, const char *last_error, void *user)
{
	struct copy *copy = user;
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) result = NULL;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		result = read_result(copy, &error);
	else
		error = why_it_ended(copy, status, last_error);
	finish(copy, error, result);
}

static const struct spawn_handlers handlers = {.line = on_line, .exited = on_exited};

/* ---- starting ---- */

static gboolean
write_extents(struct copy *copy, const struct point *point, const struct point *base,
	      const struct job_disk *disk, GError **error)
{
	g_autofree char *reason = NULL;
	g_autoptr(GBytes) bytes =
		engine_changes(copy->world->engine, point, base, disk->vm, disk->target, &reason);
	if (!bytes) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "what changed since the base is not known any more: %s", reason);
		return FALSE;
	}
	gsize len;
	const void *data = g_bytes_get_data(bytes, &len);
	return cairn_file_replace(copy->extents, data, len, 0600, error);
}

static void
add(GPtrArray *argv, const char *option, char *value)
{
	if (option)
		g_ptr_array_add(argv, g_strdup(option));
	g_ptr_array_add(argv, value);
}

static void
add_base(GPtrArray *argv, const struct copy *copy, const struct job *job,
	 const struct job_disk *disk)
{
	g_autofree char *base = export_final_dir(job->directory, job->group, job->base_point);
	g_autofree char *name = g_strdup_printf("%s.qcow2", disk->target);
	add(argv, "--since", g_strdup(copy->extents));
	add(argv, "--parent", g_build_filename(base, disk->vm, name, NULL));
	add(argv, "--backing", g_strdup(copy->backing));
}

static GPtrArray *
arguments(const struct copy *copy, const struct job *job, const struct point *point)
{
	const struct config *config = copy->world->config;
	const struct job_disk *disk = job->disks->pdata[copy->disk];
	const struct point_member *member = point_find_member(point, disk->vm);
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	add(argv, NULL, g_strdup(config->export_program));
	add(argv, NULL, g_strdup("--progress"));
	add(argv, "--control", g_strdup("{control}"));
	add(argv, "--result", g_strdup(copy->result));
	/* What a part belongs to: the socket may be another after a restart. */
	add(argv, "--identity", point_extents_id(job->point, disk->vm, disk->target));
	add(argv, "--sink", g_strdup(job->format));
	add(argv, "--digest", g_strdup(job->digest));
	add(argv, "--connections", g_strdup_printf("%" G_GUINT64_FORMAT, config->connections));
	if (job->compress)
		add(argv, "--compress", g_strdup(job->compress));
	if (disk->incremental)
		add_base(argv, copy, job, disk);
	add(argv, NULL, world_nbd_uri(member->socket, disk->target));
	add(argv, NULL, g_strdup(copy->image));
	g_ptr_array_add(argv, NULL);
	return argv;
}

static gboolean
launch(struct copy *copy, const struct job *job, GError **error)
{
	const struct engine *engine = copy->world->engine;
	const struct job_disk *disk = job->disks->pdata[copy->disk];
	const struct point *point = engine_point_by_id(engine, job->point);
	const struct point *base = engine_point_by_id(engine, job->base_point);
	if (!point || !point_find_member(point, disk->vm)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    "point \"%s\" is not there any more", job->point_name);
		return FALSE;
	}
	if (disk->incremental && !write_extents(copy, point, base, disk, error))
		return FALSE;
	g_autofree char *folder = g_path_get_dirname(copy->image);
	if (!export_make_dirs(folder, error))
		return FALSE;
	g_autoptr(GPtrArray) argv = arguments(copy, job, point);
	copy->spawn = spawn_new((char **)argv->pdata, &handlers, copy, error);
	return copy->spawn != NULL;
}

static gboolean
end_early(gpointer data)
{
	struct copy *copy = data;
	g_autoptr(GError) error = g_steal_pointer(&copy->early);
	g_autoptr(json_t) finished = g_steal_pointer(&copy->finished);
	if (!copy->world->stopping)
		finish(copy, error, finished);
	return G_SOURCE_REMOVE;
}

static struct copy *
copy_new(struct world *world, const struct job *job, guint index)
{
	const struct job_disk *disk = job->disks->pdata[index];
	g_autofree char *staging = export_staging_dir(job->directory, job->group, job->point);
	g_autofree char *name = g_strdup_printf("%s.%s", disk->target, job->format);
	struct copy *copy = g_new0(struct copy, 1);
	copy->world = world;
	copy->job = g_strdup(job->id);
	copy->disk = index;
	copy->image = g_build_filename(staging, disk->vm, name, NULL);
	copy->result = staging_result(copy->image);
	copy->extents = g_strdup_printf("%s/%s.%u.extents", world->config->run_dir, job->id, index);
	if (disk->incremental)
		copy->backing = g_strdup_printf("../../%s/%s/%s", job->base_point, disk->vm, name);
	return copy;
}

void
copies_start(struct world *world, const struct job *job, guint disk)
{
	struct copy *copy = copy_new(world, job, disk);
	g_ptr_array_add(world->copies, copy);
	copy->finished = staging_finished(copy->image, job, job->disks->pdata[disk], copy->backing);
	/* An answer never comes from within the call. */
	if (copy->finished || !launch(copy, job, &copy->early))
		g_idle_add(end_early, copy);
	else
		copies_set_rate(world, job->id, job->rate_limit);
}

/* ---- telling them ---- */

void
copies_cancel(struct world *world, const struct job *job, guint disk)
{
	struct copy *copy = find(world, job->id, disk);
	if (!copy || !copy->spawn)
		return;
	if (job->outcome == JOB_KILLED || !spawn_send(copy->spawn, "cancel")) {
		copy->killed = TRUE;
		spawn_signal(copy->spawn, SIGKILL);
	}
}

void
copies_suspend(struct world *world, const struct job *job, gboolean suspend)
{
	for (guint i = 0; i < world->copies->len; i++) {
		struct copy *copy = world->copies->pdata[i];
		if (copy->spawn && strcmp(copy->job, job->id) == 0)
			spawn_send(copy->spawn, suspend ? "suspend" : "resume");
	}
}

void
copies_set_rate(struct world *world, const char *job_id, guint64 job_rate)
{
	guint n = 0;
	for (guint i = 0; i < world->copies->len; i++)
		n += strcmp(((struct copy *)world->copies->pdata[i])->job, job_id) == 0;
	for (guint i = 0; i < world->copies->len; i++) {
		struct copy *copy = world->copies->pdata[i];
		if (!copy->spawn || strcmp(copy->job, job_id) != 0)
			continue;
		g_autofree char *line = g_strdup_printf("rate %" G_GUINT64_FORMAT,
							job_rate ? MAX(1, job_rate / n) : 0);
		spawn_send(copy->spawn, line);
	}
}
