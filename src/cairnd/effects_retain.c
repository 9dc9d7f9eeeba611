/* The effect of a retention: one cairn-export --retain, its commands, and what it tells at its end.
 */
#include "cairnd/exporter.h"
#include "cairnd/world.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <unistd.h>

#define RESULT_MAX ((gsize)256 << 20) /* bytes: EXPORT_LIST_MAX exports */

struct thinner {
	struct world *world;
	char *job;
	char *dir;    /* of the group; NULL: it is not known to be one yet */
	char *result; /* file in the folder of the daemon's run */
	struct exporter exporter;
};

static void
thinner_free(struct thinner *thinner)
{
	exporter_clear(&thinner->exporter);
	unlink(thinner->result);
	g_free(thinner->job);
	g_free(thinner->dir);
	g_free(thinner->result);
	g_free(thinner);
}

void
retain_free(struct world *world)
{
	while (world->thinners->len > 0)
		thinner_free(g_ptr_array_remove_index_fast(world->thinners, 0));
	g_ptr_array_unref(world->thinners);
}

static struct thinner *
find(const struct world *world, const char *job)
{
	for (guint i = 0; i < world->thinners->len; i++) {
		struct thinner *thinner = world->thinners->pdata[i];
		if (strcmp(thinner->job, job) == 0)
			return thinner;
	}
	return NULL;
}

static void
finish(struct thinner *thinner, const GError *error, json_t *result)
{
	struct world *world = thinner->world;
	const struct job_effect effect = {EFFECT_RETAIN, 0};
	const struct effect_reply reply = {.result = result};
	g_autofree char *id = g_strdup(thinner->job);
	g_autoptr(GError) told = error ? g_error_copy(error) : NULL;
	g_ptr_array_remove_fast(world->thinners, thinner);
	thinner_free(thinner);
	engine_done(world->engine, id, &effect, told, &reply);
}

/* ---- the end ---- */

/* A group's folder may hold a hundred thousand exports: read in a thread. */
struct reading {
	struct thinner *thinner; /* loop only */
	char *path;
	json_t *summary;
};

static void
reading_free(gpointer data)
{
	struct reading *reading = data;
	g_free(reading->path);
	json_decref(reading->summary);
	g_free(reading);
}

/* An unfinished export is no news: it is gone on with, or it is of a job that is known. */
static void
add_warning(json_t *warnings, const json_t *export)
{
	const char *reason = json_string_value(json_object_get(export, "reason"));
	const char *point =
		json_string_value(json_object_get(json_object_get(export, "point"), "id"));
	gboolean partial = json_is_true(json_object_get(export, "partial"));
	g_autofree char *text = g_strdup_printf("the export of point %s was left alone: %s",
						point ? point : "?", reason ? reason : "?");
	if (!partial && json_array_size(warnings) < JOB_MESSAGES_MAX)
		json_array_append_new(warnings, json_string(text));
}

/* The points that have an export now, and what a person should know. */
static void
list_exports(const json_t *result, json_t *summary)
{
	json_t *there = json_array(), *warnings = json_array();
	size_t i;
	const json_t *export;
	json_array_foreach (json_object_get(result, "exports"), i, export) {
		const char *action = json_string_value(json_object_get(export, "action"));
		if (g_strcmp0(action, "delete") == 0)
			continue;
		json_t *id = json_object_get(json_object_get(export, "point"), "id");
		if (id && !json_is_true(json_object_get(export, "partial")))
			json_array_append(there, id);
		if (g_strcmp0(action, "leave") == 0)
			add_warning(warnings, export);
	}
	cairn_json_set(summary, "exports", there);
	cairn_json_set(summary, "warnings", warnings);
}

static void
read_work(struct task *task)
{
	static const char *const numbers[] = {"kept", "merged",	       "deleted",
					      "left", "bytes-removed", "bytes-written"};
	struct reading *reading = task->user;
	g_autofree char *text = NULL;
	gsize len;
	if (!cairn_file_read(reading->path, RESULT_MAX, &text, &len, &task->error))
		return;
	g_autoptr(json_t) result = cairn_json_parse(text, len, &task->error);
	if (!result)
		return;
	reading->summary = json_object();
	for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
		guint64 value = 0;
		cairn_json_get_uint_opt(result, numbers[i], JSON_MAX_UINT, 0, &value, NULL);
		cairn_json_set_uint(reading->summary, numbers[i], value);
	}
	list_exports(result, reading->summary);
}

static void
read_done(struct task *task)
{
	const struct reading *reading = task->user;
	finish(reading->thinner, task->error, reading->summary);
}

static void
on_exited(int status, const char *last_error, void *user)
{
	struct thinner *thinner = user;
	g_autoptr(GError) error =
		exporter_why(&thinner->exporter, status, last_error, "the retention was stopped");
	if (error) {
		finish(thinner, error, NULL);
		return;
	}
	g_clear_pointer(&thinner->exporter.spawn, spawn_free);
	struct reading *reading = g_new0(struct reading, 1);
	*reading = (struct reading){.thinner = thinner, .path = g_strdup(thinner->result)};
	struct task *task = task_new(thinner->world, read_work, read_done);
	task->user = reading;
	task->user_free = reading_free;
	task->urgent = TRUE;
	task_start(task);
}

static void
on_line(const char *line, void *user)
{
	struct thinner *thinner = user;
	struct exporter_progress told;
	if (exporter_line(&thinner->exporter, line, &told))
		engine_progress(thinner->world->engine, thinner->job, 0, told.done, told.total,
				told.rate);
}

static const struct spawn_handlers handlers = {.line = on_line, .exited = on_exited};

/* ---- the beginning ---- */

char *
retain_dir(const struct config *config, const char *directory, const char *group, GError **error)
{
	g_autofree char *dir = g_build_filename(directory, group, NULL);
	if (!export_dir_check(config, directory, error) || !export_stays_below(config, dir, error))
		return NULL;
	if (access(dir, F_OK) < 0 && errno == ENOENT) {
		cairn_fail(error, CAIRN_ERROR_NOT_FOUND, "no export of this group is in \"%s\"",
			   directory);
		return NULL;
	}
	return g_steal_pointer(&dir);
}

static void
check_work(struct task *task)
{
	task->base = retain_dir(task->world->config, task->job->directory, task->job->group,
				&task->error);
}

static void
add_number(GPtrArray *argv, const char *option, guint64 value)
{
	if (value == 0)
		return;
	g_ptr_array_add(argv, g_strdup(option));
	g_ptr_array_add(argv, g_strdup_printf("%" G_GUINT64_FORMAT, value));
}

static GPtrArray *
arguments(const struct thinner *thinner, const struct job *job)
{
	const char *const fixed[] = {thinner->world->config->export_program,
				     "--progress",
				     "--control",
				     "{control}",
				     "--result",
				     thinner->result,
				     "--retain",
				     thinner->dir};
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < G_N_ELEMENTS(fixed); i++)
		g_ptr_array_add(argv, g_strdup(fixed[i]));
	add_number(argv, "--keep-last", job->retention.last);
	add_number(argv, "--keep-daily", job->retention.daily);
	add_number(argv, "--keep-weekly", job->retention.weekly);
	add_number(argv, "--keep-monthly", job->retention.monthly);
	add_number(argv, "--rate", job->rate_limit);
	g_ptr_array_add(argv, NULL);
	return argv;
}

static void
check_done(struct task *task)
{
	struct thinner *thinner = find(task->world, task->job_id);
	if (!task->error && thinner->exporter.stopped)
		cairn_fail(&task->error, CAIRN_ERROR_CANCELLED, "the retention was stopped");
	if (!task->error) {
		thinner->dir = g_steal_pointer(&task->base);
		g_autoptr(GPtrArray) argv = arguments(thinner, task->job);
		thinner->exporter.rate = task->job->rate_limit;
		thinner->exporter.spawn =
			spawn_new((char **)argv->pdata, &handlers, thinner, &task->error);
	}
	if (task->error)
		finish(thinner, task->error, NULL);
}

void
effect_retain(struct world *world, const struct job *job, const struct job_effect *effect)
{
	struct thinner *thinner = g_new0(struct thinner, 1);
	thinner->world = world;
	thinner->job = g_strdup(job->id);
	thinner->result = g_strdup_printf("%s/%s.retain", world->config->run_dir, job->id);
	g_ptr_array_add(world->thinners, thinner);
	struct task *task = task_for(world, job, effect, check_work);
	task->done = check_done;
	task->urgent = TRUE; /* a folder that hangs is no other's */
	task_start(task);
}

/* ---- telling it ---- */

gboolean
retain_cancel(struct world *world, const struct job *job)
{
	struct thinner *thinner = find(world, job->id);
	if (!thinner)
		return FALSE;
	exporter_stop(&thinner->exporter, job->outcome == JOB_KILLED);
	return TRUE;
}

void
retain_share(struct world *world)
{
	for (guint i = 0; i < world->thinners->len; i++) {
		struct thinner *thinner = world->thinners->pdata[i];
		const struct job *job = engine_job(world->engine, thinner->job, NULL);
		if (job && thinner->exporter.spawn)
			exporter_tell_rate(&thinner->exporter, job->rate_limit);
	}
}

void
retain_tick(struct world *world)
{
	gint64 now = g_get_monotonic_time();
	for (guint i = 0; i < world->thinners->len; i++)
		exporter_tick(&((struct thinner *)world->thinners->pdata[i])->exporter, now);
}
