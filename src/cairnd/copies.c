/* The running disk copies: one cairn-export each. */
#include "cairnd/exporter.h"
#include "cairnd/staging.h"
#include "cairnd/world.h"

#include "base/error.h"
#include "base/file.h"
#include "core/shares.h"
#include "image/manifest.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

struct copy {
	struct world *world;
	char *job, *host; /* URI of the host; "": not known */
	guint disk;
	char *image, *result; /* in the staging folder; the result stays until the export ends */
	char *backing;	      /* the base's name in the image; NULL: full */
	char *extents;
	struct exporter exporter;
	gboolean suspended;
};

static void
copy_free(struct copy *copy)
{
	exporter_clear(&copy->exporter);
	if (copy->extents)
		unlink(copy->extents);
	g_free(copy->job);
	g_free(copy->host);
	g_free(copy->image);
	g_free(copy->backing);
	g_free(copy->result);
	g_free(copy->extents);
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
	struct exporter_progress told;
	if (exporter_line(&copy->exporter, line, &told))
		engine_progress(copy->world->engine, copy->job, copy->disk, told.done, told.total,
				told.rate);
}

/* The result stays in its file, which the manifest is made from: it carries a digest for each MiB,
 * too much for a job that is stored at each of its steps. */
static void
finish(struct copy *copy, const GError *error)
{
	struct world *world = copy->world;
	struct job *job = engine_job(world->engine, copy->job, NULL);
	const struct job_disk *disk =
		job && copy->disk < job->disks->len ? job->disks->pdata[copy->disk] : NULL;
	struct job_effect effect = {EFFECT_COPY, copy->disk};
	g_autofree char *id = g_strdup(copy->job);
	g_autoptr(GError) told = error ? g_error_copy(error) : NULL;
	if (told && disk)
		g_prefix_error(&told, "%s:%s: ", disk->vm_name, disk->target);
	g_ptr_array_remove_fast(world->copies, copy);
	copy_free(copy);
	copies_share(world);
	engine_done(world->engine, id, &effect, told, NULL);
}

static void
on_exited(int status, const char *last_error, void *user)
{
	struct copy *copy = user;
	g_autoptr(GError) error =
		exporter_why(&copy->exporter, status, last_error, "the copy was stopped");
	if (!error && !g_file_test(copy->result, G_FILE_TEST_EXISTS))
		error = g_error_new(CAIRN_ERROR, CAIRN_ERROR_IO, "cairn-export left no \"%s\"",
				    copy->result);
	finish(copy, error);
}

static const struct spawn_handlers handlers = {.line = on_line, .exited = on_exited};

/* ---- starting ---- */

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

/* What it keeps to until it is told its share: it may have begun to read before it hears of that.
 */
static guint64
first_rate(const struct copy *copy, const struct job *job)
{
	guint64 host = engine_get_limits(copy->world->engine)->rate_per_host;
	return job->rate_limit && host ? MIN(job->rate_limit, host) : MAX(job->rate_limit, host);
}

static GPtrArray *
arguments(const struct copy *copy, const struct job *job, const struct point *point)
{
	const struct config *config = copy->world->config;
	const struct job_disk *disk = job->disks->pdata[copy->disk];
	const struct point_member *member = point_find_member(point, disk->vm);
	guint64 rate = first_rate(copy, job);
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
	if (rate)
		add(argv, "--rate", g_strdup_printf("%" G_GUINT64_FORMAT, rate));
	if (job->compress)
		add(argv, "--compress", g_strdup(job->compress));
	if (disk->incremental)
		add_base(argv, copy, job, disk);
	add(argv, NULL, world_nbd_uri(member->socket, disk->target));
	add(argv, NULL, g_strdup(copy->image));
	g_ptr_array_add(argv, NULL);
	return argv;
}

/* What has to be done before the child begins, where folders may hang and sums take long. */
struct preparation {
	struct copy *copy; /* loop only */
	char *image, *backing, *extents;
	GPtrArray *sets; /* GBytes: what changed; NULL: a full copy */
	guint64 size;	 /* of the disk */
	gboolean finished;
};

static void
preparation_free(gpointer data)
{
	struct preparation *preparation = data;
	g_free(preparation->image);
	g_free(preparation->backing);
	g_free(preparation->extents);
	g_clear_pointer(&preparation->sets, g_ptr_array_unref);
	g_free(preparation);
}

static gboolean
write_extents(const struct preparation *preparation, GError **error)
{
	g_autoptr(GBytes) bytes = change_sets_unite(preparation->sets, preparation->size, error);
	gsize len;
	const void *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;
	return bytes && cairn_file_replace(preparation->extents, data, len, 0600, error);
}

static void
prepare_work(struct task *task)
{
	struct preparation *preparation = task->user;
	const struct job_disk *disk = task->job->disks->pdata[task->member];
	g_autofree char *folder = g_path_get_dirname(preparation->image);
	if (!export_make_dirs(folder, &task->error))
		return;
	preparation->finished =
		staging_finished(preparation->image, task->job, disk, preparation->backing);
	if (!preparation->finished && preparation->sets)
		write_extents(preparation, &task->error);
}

static gboolean
launch(struct copy *copy, const struct job *job, GError **error)
{
	const struct engine *engine = copy->world->engine;
	const struct job_disk *disk = job->disks->pdata[copy->disk];
	const struct point *point = engine_point_by_id(engine, job->point);
	if (!point || !point_find_member(point, disk->vm)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    "point \"%s\" is not there any more", job->point_name);
		return FALSE;
	}
	g_autoptr(GPtrArray) argv = arguments(copy, job, point);
	copy->exporter.spawn = spawn_new((char **)argv->pdata, &handlers, copy, error);
	copy->suspended = job->state == JOB_SUSPENDED;
	if (copy->exporter.spawn && copy->suspended)
		spawn_send(copy->exporter.spawn, "suspend");
	return copy->exporter.spawn != NULL;
}

static void
prepare_done(struct task *task)
{
	const struct preparation *preparation = task->user;
	struct copy *copy = preparation->copy;
	const struct job *job = engine_job(task->world->engine, copy->job, NULL);
	if (!task->error && copy->exporter.stopped)
		cairn_fail(&task->error, CAIRN_ERROR_CANCELLED, "the copy was stopped");
	if (task->error || preparation->finished || !job || !launch(copy, job, &task->error))
		finish(copy, task->error);
	else
		copies_share(task->world);
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
	copy->host = g_strdup(engine_copy_host(world->engine, job, index));
	copy->disk = index;
	copy->image = g_build_filename(staging, disk->vm, name, NULL);
	copy->result = staging_result(copy->image);
	copy->extents = g_strdup_printf("%s/%s.%u.extents", world->config->run_dir, job->id, index);
	if (disk->incremental)
		copy->backing = g_strdup_printf("../../%s/%s/%s", job->base_point, disk->vm, name);
	return copy;
}

static void
find_changes(struct task *task, const struct job_disk *disk)
{
	struct preparation *preparation = task->user;
	struct engine *engine = task->world->engine;
	const struct point *point = engine_point_by_id(engine, task->job->point);
	const struct point *base = engine_point_by_id(engine, task->job->base_point);
	const struct point_member *member = point ? point_find_member(point, disk->vm) : NULL;
	g_autofree char *reason = NULL;
	if (member && base)
		preparation->sets =
			engine_change_sets(engine, point, base, disk->vm, disk->target, &reason);
	if (preparation->sets)
		preparation->size = point_find_disk(member, disk->target)->size;
	else
		g_set_error(&task->error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "what changed since the base is not known any more: %s",
			    reason ? reason : "a point is gone");
}

/* What is known to fail needs no thread, but an answer never comes from within the call. */
static void
no_work(struct task *task)
{
}

void
copies_start(struct world *world, const struct job *job, guint index)
{
	const struct job_disk *disk = job->disks->pdata[index];
	struct copy *copy = copy_new(world, job, index);
	struct preparation *preparation = g_new0(struct preparation, 1);
	struct task *task = task_new(world, prepare_work, prepare_done);
	g_ptr_array_add(world->copies, copy);
	preparation->copy = copy;
	preparation->image = g_strdup(copy->image);
	preparation->backing = g_strdup(copy->backing);
	preparation->extents = g_strdup(copy->extents);
	task->job = job_copy(job);
	task->member = index;
	task->user = preparation;
	task->user_free = preparation_free;
	task->urgent = TRUE; /* as many as copies, and one folder that hangs is no other's */
	if (disk->incremental)
		find_changes(task, disk);
	if (task->error)
		task->work = no_work;
	task_start(task);
}

/* ---- telling them ---- */

void
copies_cancel(struct world *world, const struct job *job, guint disk)
{
	struct copy *copy = find(world, job->id, disk);
	if (copy)
		exporter_stop(&copy->exporter, job->outcome == JOB_KILLED);
}

void
copies_tick(struct world *world)
{
	gint64 now = g_get_monotonic_time();
	for (guint i = 0; i < world->copies->len; i++)
		exporter_tick(&((struct copy *)world->copies->pdata[i])->exporter, now);
}

void
copies_suspend(struct world *world, const struct job *job, gboolean suspend)
{
	for (guint i = 0; i < world->copies->len; i++) {
		struct copy *copy = world->copies->pdata[i];
		if (strcmp(copy->job, job->id) != 0)
			continue;
		copy->suspended = suspend;
		if (copy->exporter.spawn)
			spawn_send(copy->exporter.spawn, suspend ? "suspend" : "resume");
	}
	copies_share(world);
}

void
copies_share(struct world *world)
{
	g_autofree struct share *shares = g_new0(struct share, world->copies->len);
	g_autofree struct copy **copies = g_new0(struct copy *, world->copies->len);
	guint n = 0;
	for (guint i = 0; i < world->copies->len; i++) {
		struct copy *copy = world->copies->pdata[i];
		const struct job *job = engine_job(world->engine, copy->job, NULL);
		if (!job || !copy->exporter.spawn || copy->exporter.stopped || copy->suspended)
			continue;
		shares[n] = (struct share){
			.job = copy->job,
			.host = copy->host,
			.job_limit = job->rate_limit,
			.host_limit = engine_get_limits(world->engine)->rate_per_host,
		};
		copies[n++] = copy;
	}
	shares_divide(shares, n);
	for (guint i = 0; i < n; i++)
		exporter_tell_rate(&copies[i]->exporter, shares[i].rate);
	retain_share(world);
}
