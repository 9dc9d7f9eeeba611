/* The end of an export: its small files, its manifest, its final name. */
#include "cairnd/staging.h"
#include "cairnd/world.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "image/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>

#define STATE_FILE_MAX (256 << 20)

/* ---- small files ---- */

static gboolean
copy_file(const char *from, const char *to, GError **error)
{
	g_autofree char *data = NULL;
	gsize len;
	return cairn_file_read(from, STATE_FILE_MAX, &data, &len, error) &&
	       cairn_file_replace(to, data, len, 0640, error);
}

/* Copies all files below @from to @to and adds their descriptions to @files; names are checked by
 * manifest_describe_file(). */
static gboolean
copy_tree(const char *staging, const char *from, const char *to, json_t *files, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(from, 0, error);
	g_autofree char *full = g_build_filename(staging, to, NULL);
	if (!dir || !export_make_dirs(full, error))
		return FALSE;
	const char *name;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *source = g_build_filename(from, name, NULL);
		g_autofree char *path = g_build_filename(to, name, NULL);
		g_autofree char *target = g_build_filename(staging, path, NULL);
		if (g_file_test(source, G_FILE_TEST_IS_DIR)) {
			if (!copy_tree(staging, source, path, files, error))
				return FALSE;
			continue;
		}
		if (!copy_file(source, target, error))
			return FALSE;
		json_t *file = manifest_describe_file(staging, path, error);
		if (!file)
			return FALSE;
		json_array_append_new(files, file);
	}
	return TRUE;
}

/* What was saved of a machine at the point, but for what runtime.json and config.xml tell: its
 * guest state. */
static gboolean
write_guest_state(const char *staging, const char *saved, const char *vm, json_t *files,
		  GError **error)
{
	static const char *const described[] = {"config.xml", "live.xml", "guest.json", NULL};
	g_autoptr(GDir) dir = g_dir_open(saved, 0, error);
	const char *name;
	if (!dir)
		return FALSE;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *source = g_build_filename(saved, name, NULL);
		g_autofree char *folder = g_build_filename(vm, "guest-state", NULL);
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_autofree char *target = g_build_filename(staging, path, NULL);
		g_autofree char *made = g_build_filename(staging, folder, NULL);
		if (g_strv_contains(described, name))
			continue;
		if (g_file_test(source, G_FILE_TEST_IS_DIR)) {
			if (!copy_tree(staging, source, path, files, error))
				return FALSE;
			continue;
		}
		if (!export_make_dirs(made, error) || !copy_file(source, target, error))
			return FALSE;
		json_t *file = manifest_describe_file(staging, path, error);
		if (!file)
			return FALSE;
		json_array_append_new(files, file);
	}
	return TRUE;
}

static json_t *
read_guest_facts(const char *saved)
{
	g_autofree char *path = g_build_filename(saved, "guest.json", NULL);
	g_autofree char *text = NULL;
	gsize len;
	return cairn_file_read(path, STATE_FILE_MAX, &text, &len, NULL)
		       ? cairn_json_parse(text, len, NULL)
		       : NULL;
}

/* runtime.json: what the machine was at the point, besides its disks. */
static gboolean
write_runtime(const struct point_member *member, const char *saved, const char *path,
	      GError **error)
{
	g_autofree char *live_path = g_build_filename(saved, "live.xml", NULL);
	g_autofree char *live = NULL;
	if (g_file_test(live_path, G_FILE_TEST_EXISTS) &&
	    !cairn_file_read(live_path, STATE_FILE_MAX, &live, NULL, error))
		return FALSE;
	g_autoptr(json_t) guest = read_guest_facts(saved);
	g_autoptr(json_t) json = json_object();
	cairn_json_set_string(json, "format", "cairn-runtime");
	cairn_json_set_uint(json, "version", 1);
	cairn_json_set_string(json, "vm", member->id);
	cairn_json_set_string(json, "name", member->name);
	cairn_json_set_string(json, "state", member->state);
	cairn_json_set_bool(json, "agent", member->agent);
	cairn_json_set_string(json, "consistency", consistency_name(member->consistency));
	cairn_json_set_time(json, "stopped", member->stopped_at);
	cairn_json_set_time(json, "held-from", member->begun_at);
	cairn_json_set_time(json, "resumed", member->resumed_at);
	cairn_json_set(json, "guest", guest ? json_incref(guest) : json_null());
	cairn_json_set_string(json, "live-xml", live);
	g_autofree char *text = cairn_json_pretty(json);
	return cairn_file_replace(path, text, strlen(text), 0640, error);
}

/* ---- manifest ---- */

static json_t *
describe_disk(const char *staging, const struct point_member *member, const struct job *job,
	      const struct job_disk *planned, GError **error)
{
	const struct point_disk *disk = point_find_disk(member, planned->target);
	g_autofree char *id = point_disk_instance_id(member->id, disk->target);
	g_autofree char *path = g_strdup_printf("%s/%s.%s", member->id, disk->target, job->format);
	g_autofree char *image = g_build_filename(staging, path, NULL);
	/* All that cairn-export told, and over it what it does not know. */
	json_t *json = staging_read_result(image, error);
	if (!json)
		return NULL;
	json_t *source = json_object();
	cairn_json_set_string(json, "target", disk->target);
	cairn_json_set_string(json, "id", id);
	cairn_json_set_string(json, "path", path);
	cairn_json_set_string(json, "kind", planned->incremental ? "incremental" : "full");
	cairn_json_set_string(json, "reason", planned->reason);
	cairn_json_set_string(source, "path", disk->path);
	cairn_json_set_string(source, "format", disk->format);
	cairn_json_set(json, "source", source);
	return json;
}

static json_t *
describe_disks(struct task *task, const char *staging, const struct point_member *member)
{
	g_autoptr(json_t) disks = json_array();
	for (guint i = 0; i < task->job->disks->len; i++) {
		const struct job_disk *planned = task->job->disks->pdata[i];
		if (strcmp(planned->vm, member->id) != 0)
			continue;
		json_t *disk = describe_disk(staging, member, task->job, planned, &task->error);
		if (!disk)
			return NULL;
		json_array_append_new(disks, disk);
	}
	return g_steal_pointer(&disks);
}

static json_t *
write_vm(struct task *task, const char *staging, const struct point_member *member)
{
	g_autofree char *saved = world_point_dir(task->world, task->point->id, member->id);
	g_autofree char *folder = g_build_filename(staging, member->id, NULL);
	g_autofree char *from = g_build_filename(saved, "config.xml", NULL);
	g_autofree char *config = g_build_filename(member->id, "config.xml", NULL);
	g_autofree char *config_to = g_build_filename(staging, config, NULL);
	g_autofree char *runtime = g_build_filename(member->id, "runtime.json", NULL);
	g_autofree char *runtime_to = g_build_filename(staging, runtime, NULL);
	g_autoptr(json_t) state = json_array(), vm = json_object();
	if (!export_make_dirs(folder, &task->error) || !copy_file(from, config_to, &task->error) ||
	    !write_runtime(member, saved, runtime_to, &task->error) ||
	    !write_guest_state(staging, saved, member->id, state, &task->error))
		return NULL;
	g_autoptr(json_t) disks = describe_disks(task, staging, member);
	g_autoptr(json_t) config_file =
		disks ? manifest_describe_file(staging, config, &task->error) : NULL;
	g_autoptr(json_t) runtime_file =
		config_file ? manifest_describe_file(staging, runtime, &task->error) : NULL;
	if (!runtime_file)
		return NULL;
	cairn_json_set_string(vm, "id", member->id);
	cairn_json_set_string(vm, "name", member->name);
	cairn_json_set_string(vm, "state", member->state);
	cairn_json_set_string(vm, "consistency", consistency_name(member->consistency));
	cairn_json_set_string(vm, "consistency-reason", member->reason);
	cairn_json_set(vm, "config", g_steal_pointer(&config_file));
	cairn_json_set(vm, "runtime", g_steal_pointer(&runtime_file));
	cairn_json_set(vm, "guest-state", g_steal_pointer(&state));
	cairn_json_set(vm, "disks", g_steal_pointer(&disks));
	return g_steal_pointer(&vm);
}

static gboolean
has_disks(const struct job *job, const struct point_member *member)
{
	for (guint i = 0; i < job->disks->len; i++)
		if (strcmp(((struct job_disk *)job->disks->pdata[i])->vm, member->id) == 0)
			return TRUE;
	return FALSE;
}

static json_t *
describe_point(const struct task *task)
{
	const struct point *point = task->point;
	json_t *json = json_object();
	cairn_json_set_string(json, "id", point->id);
	cairn_json_set_uint(json, "number", point->number);
	cairn_json_set_time(json, "created", point->created);
	cairn_json_set_string(json, "consistency", consistency_name(point->consistency));
	cairn_json_set_string(json, "requested", consistency_name(point->requested));
	cairn_json_set_bool(json, "barrier", point->barrier);
	cairn_json_set_uint(json, "pause-us", (guint64)point->pause_us);
	cairn_json_set_uint(json, "skew-us", (guint64)point->skew_us);
	return json;
}

static json_t *
build_manifest(struct task *task, const char *staging)
{
	const struct job *job = task->job;
	g_autoptr(json_t) json = json_object();
	json_t *group = json_object(), *vms = json_array();
	cairn_json_set_string(json, "format", MANIFEST_FORMAT);
	cairn_json_set_uint(json, "version", MANIFEST_VERSION);
	cairn_json_set_time(json, "created", g_get_real_time());
	cairn_json_set_string(json, "generator", "cairn " CAIRN_VERSION);
	cairn_json_set_string(group, "id", job->group);
	cairn_json_set_string(group, "name", job->group_name);
	cairn_json_set(json, "group", group);
	cairn_json_set(json, "point", describe_point(task));
	cairn_json_set(json, "base", json_null());
	cairn_json_set(json, "vms", vms);
	if (task->reply.result) { /* the base, found on the loop */
		json_object_set(json, "base", task->reply.result);
	}
	for (guint i = 0; i < task->point->members->len; i++) {
		const struct point_member *member = task->point->members->pdata[i];
		if (!has_disks(job, member))
			continue;
		json_t *vm = write_vm(task, staging, member);
		if (!vm)
			return NULL;
		json_array_append_new(vms, vm);
	}
	return g_steal_pointer(&json);
}

/* ---- finish ---- */

static void
add_path(json_t *list, const char *final, const json_t *file)
{
	const char *path = json_string_value(json_object_get(file, "path"));
	g_autofree char *full = path ? g_build_filename(final, path, NULL) : NULL;
	if (full)
		json_array_append_new(list, json_string(full));
}

static json_t *
list_files(const char *final, const json_t *manifest)
{
	json_t *logs = json_array(), *configs = json_array(), *runtimes = json_array(),
	       *states = json_array(), *files = json_object();
	size_t i, j;
	json_t *vm, *item;
	json_array_foreach (json_object_get(manifest, "vms"), i, vm) {
		add_path(configs, final, json_object_get(vm, "config"));
		add_path(runtimes, final, json_object_get(vm, "runtime"));
		json_array_foreach (json_object_get(vm, "guest-state"), j, item)
			add_path(states, final, item);
		json_array_foreach (json_object_get(vm, "disks"), j, item)
			add_path(logs, final, item);
	}
	cairn_json_set(files, "logs", logs);
	cairn_json_set(files, "configs", configs);
	cairn_json_set(files, "runtimes", runtimes);
	cairn_json_set(files, "states", states);
	return files;
}

/* The manifest in @dir if it is of this point; NULL. */
static json_t *
read_manifest(const struct task *task, const char *dir)
{
	g_autofree char *path = g_build_filename(dir, MANIFEST_NAME, NULL);
	g_autofree char *text = NULL;
	gsize len;
	if (!cairn_file_read(path, MANIFEST_MAX_BYTES, &text, &len, NULL))
		return NULL;
	g_autoptr(json_t) manifest = cairn_json_parse(text, len, NULL);
	const char *id =
		json_string_value(json_object_get(json_object_get(manifest, "point"), "id"));
	return g_strcmp0(id, task->point->id) == 0 ? g_steal_pointer(&manifest) : NULL;
}

/* All but the name. The daemon may have died after the manifest was written; STAGE leaves none of
 * an earlier job. */
static json_t *
complete(struct task *task, const char *staging)
{
	g_autoptr(json_t) manifest = read_manifest(task, staging);
	if (!manifest) {
		if (!staging_tidy(staging, task->job, &task->error))
			return NULL;
		manifest = build_manifest(task, staging);
		if (!manifest || !manifest_write(staging, manifest, &task->error))
			return NULL;
	}
	if (!staging_drop_results(staging, task->job, &task->error))
		return NULL;
	return g_steal_pointer(&manifest);
}

static gboolean
publish(const char *staging, const char *final, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(final);
	if (!cairn_fsync_dir(staging, error))
		return FALSE;
	if (renameat2(AT_FDCWD, staging, AT_FDCWD, final, RENAME_NOREPLACE) < 0) {
		/* Not every file system knows the flag. */
		if (errno != EINVAL || g_file_test(final, G_FILE_TEST_EXISTS) ||
		    rename(staging, final) < 0) {
			cairn_set_errno(error, errno, "cannot rename \"%s\" to \"%s\"", staging,
					final);
			return FALSE;
		}
	}
	return cairn_fsync_dir(parent, error);
}

static void
finish_work(struct task *task)
{
	const struct job *job = task->job;
	g_autofree char *staging = export_staging_dir(job->directory, job->group, job->point);
	g_autofree char *final = export_final_dir(job->directory, job->group, job->point);
	if (!task->point) {
		g_set_error(&task->error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    "point \"%s\" is not there any more", job->point_name);
		return;
	}
	g_autoptr(json_t) manifest = NULL;
	if (g_file_test(staging, G_FILE_TEST_EXISTS)) {
		manifest = complete(task, staging);
		if (!manifest || !publish(staging, final, &task->error))
			return;
	} else {
		/* The daemon died between the rename and the store: what stands under the final
		 * name is ours. */
		manifest = read_manifest(task, final);
		if (!manifest) {
			g_set_error(&task->error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
				    "\"%s\" is not there any more", staging);
			return;
		}
	}
	task->reply.files = list_files(final, manifest);
}

void
effect_finish(struct world *world, const struct job *job, const struct job_effect *effect)
{
	struct task *task = task_for(world, job, effect, finish_work);
	const struct point *base = engine_point_by_id(world->engine, job->base_point);
	if (base) {
		task->reply.result = json_object();
		cairn_json_set_string(task->reply.result, "id", base->id);
		cairn_json_set_uint(task->reply.result, "number", base->number);
	}
	task_start(task);
}
