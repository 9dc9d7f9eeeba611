/* The effects of an export but for the copies: its folder, its base, its small files, its manifest.
 */
#include "cairnd/staging.h"
#include "cairnd/world.h"

#include "base/error.h"
#include "base/file.h"
#include "image/chain.h"
#include "image/export_list.h"
#include "image/manifest.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <stdlib.h>

#define EXPORT_MODE 0750 /* of folders: what is in guests' disks is not for everybody */

/* ---- folders ---- */

char *
export_final_dir(const char *directory, const char *group, const char *point)
{
	return g_build_filename(directory, group, point, NULL);
}

char *
export_staging_dir(const char *directory, const char *group, const char *point)
{
	return point_staging_dir(directory, group, point);
}

static gboolean
below(const char *path, const char *root)
{
	gsize len = strlen(root);
	return strncmp(path, root, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/' || strcmp(root, "/") == 0);
}

static gboolean
below_a_root(const struct config *config, const char *path)
{
	for (char **root = config->export_roots; root && *root; root++) {
		g_autofree char *real_root = realpath(*root, NULL);
		if (below(path, *root) || (real_root && below(path, real_root)))
			return TRUE;
	}
	return FALSE;
}

gboolean
export_dir_check(const struct config *config, const char *directory, GError **error)
{
	if (!g_path_is_absolute(directory) || strlen(directory) >= PATH_MAX) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "\"%s\" is not an absolute path", directory);
		return FALSE;
	}
	if (!config->export_roots || !*config->export_roots) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_DENIED,
			    "no folder is allowed for exports: set export-root in cairn.conf");
		return FALSE;
	}
	g_autofree char *real = realpath(directory, NULL);
	int missing = errno;
	g_autofree char *named = g_canonicalize_filename(directory, "/");
	/* whoever asks for a place outside does not learn whether it is there */
	if (!below_a_root(config, real ? real : named)) {
		g_autofree char *roots = g_strjoinv(", ", config->export_roots);
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_DENIED,
			    "\"%s\" is not below an export root (%s)", directory, roots);
		return FALSE;
	}
	if (!real) {
		cairn_set_errno(error, missing, "cannot export to \"%s\"", directory);
		return FALSE;
	}
	if (!g_file_test(real, G_FILE_TEST_IS_DIR)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "\"%s\" is not a folder",
			    directory);
		return FALSE;
	}
	return TRUE;
}

gboolean
export_stays_below(const struct config *config, const char *path, GError **error)
{
	g_autofree char *real = realpath(path, NULL);
	if (!real && errno == ENOENT && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
		return TRUE;
	if (real && below_a_root(config, real))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_DENIED,
		    "\"%s\" is a link that leads out of the export roots", path);
	return FALSE;
}

static gboolean
place_check(const struct config *config, const struct job *job, const char *staging, GError **error)
{
	g_autofree char *group = g_path_get_dirname(staging);
	return export_dir_check(config, job->directory, error) &&
	       export_stays_below(config, group, error) &&
	       export_stays_below(config, staging, error);
}

gboolean
export_make_dirs(const char *path, GError **error)
{
	if (g_mkdir_with_parents(path, EXPORT_MODE) == 0)
		return TRUE;
	cairn_set_errno(error, errno, "cannot create \"%s\"", path);
	return FALSE;
}

/* ---- stage ---- */

static const struct export_entry *
entry_of(const GPtrArray *list, const char *point)
{
	for (guint i = 0; i < list->len; i++) {
		const struct export_entry *entry = list->pdata[i];
		if (!entry->error && !entry->partial && g_strcmp0(entry->point_id, point) == 0)
			return entry;
	}
	return NULL;
}

/* Why nothing can be put on top of @entry: an increment whose chain does not reach a full export
 * cannot be restored, whatever it says itself. NULL: it can. */
static char *
why_no_base(const GPtrArray *list, const struct export_entry *entry)
{
	guint length = 2; /* with the new one */
	for (const struct export_entry *at = entry; at->base_id; length++) {
		const struct export_entry *below = entry_of(list, at->base_id);
		if (!below)
			return g_strdup_printf("the export of point %s, which the base needs, is "
					       "not in the folder",
					       at->base_id);
		if (length >= CHAIN_MAX)
			return g_strdup_printf("the base is the end of a chain of %u exports, "
					       "which may not be longer",
					       length);
		at = below;
	}
	return NULL;
}

static void
note_base(struct task *task, const GPtrArray *list, const struct export_entry *entry)
{
	g_autoptr(GError) error = NULL;
	task->base = g_strdup(entry->point_id);
	task->base_reason = why_no_base(list, entry);
	if (task->base_reason)
		return;
	cairn_auto(manifest) manifest = manifest_load(entry->path, TRUE, &error);
	if (!manifest) {
		task->base_reason =
			g_strdup_printf("the base's manifest cannot be used: %s", error->message);
		return;
	}
	task->reply.base_disks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < manifest->vms->len; i++) {
		const struct manifest_vm *vm = manifest->vms->pdata[i];
		for (guint j = 0; j < vm->disks->len; j++) {
			const struct manifest_disk *disk = vm->disks->pdata[j];
			if (disk->format == MANIFEST_QCOW2)
				g_hash_table_add(task->reply.base_disks,
						 g_strdup_printf("%s/%s", vm->id, disk->target));
		}
	}
}

static void
find_base(struct task *task)
{
	const struct job *job = task->job;
	g_autofree char *dir = g_build_filename(job->directory, job->group, NULL);
	g_autoptr(GError) error = NULL;
	const struct export_entry *entry = NULL;
	g_autoptr(GPtrArray) list = export_list(dir, NULL, &error);
	if (list && strcmp(job->base, "auto") == 0)
		entry = export_list_newest(list, job->group);
	else if (list)
		entry = export_list_find(list, job->group, job->base, &error);
	if (entry)
		note_base(task, list, entry);
	else if (strcmp(job->base, "auto") == 0)
		task->base_reason = g_strdup("no earlier export is in the folder");
	else
		task->base_reason =
			g_strdup_printf("the base is not exported in \"%s\"", job->directory);
}

static void
stage_work(struct task *task)
{
	const struct job *job = task->job;
	g_autofree char *final = export_final_dir(job->directory, job->group, job->point);
	g_autofree char *staging = export_staging_dir(job->directory, job->group, job->point);
	if (!place_check(task->world->config, job, staging, &task->error))
		return;
	if (g_file_test(final, G_FILE_TEST_EXISTS)) {
		g_set_error(
			&task->error, CAIRN_ERROR, CAIRN_ERROR_EXISTS,
			"\"%s\" is there already: point \"%s\" has been exported to this folder",
			final, job->point_name);
		return;
	}
	if (job->base)
		find_base(task);
	/* Its presence means that FINISH has written it. */
	g_autofree char *manifest = g_build_filename(staging, MANIFEST_NAME, NULL);
	if (!task->error && export_make_dirs(staging, &task->error) && g_unlink(manifest) < 0 &&
	    errno != ENOENT)
		cairn_set_errno(&task->error, errno, "cannot remove \"%s\"", manifest);
}

void
effect_stage(struct world *world, const struct job *job, const struct job_effect *effect)
{
	task_start(task_for(world, job, effect, stage_work));
}

/* ---- serve, unserve, release ---- */

static void
on_member(struct task *task,
	  gboolean (*call)(struct hypervisor *, const struct hv_point *, GError **))
{
	const struct job_member *job_member = task->job->members->pdata[task->member];
	const struct point_member *member =
		task->point ? point_find_member(task->point, job_member->id) : NULL;
	if (!member)
		return;
	struct hypervisor *hv = world_hypervisor(task->world, member->uri);
	if (!hv) {
		g_set_error(&task->error, CAIRN_ERROR, CAIRN_ERROR_PEER, "\"%s\" is not connected",
			    member->uri);
		return;
	}
	/* The changes were read when the point was made; the bitmaps of the one before are gone. */
	cairn_auto(hv_point) spec = world_spec(task->world, task->point, member, NULL);
	call(hv, spec, &task->error);
}

static void
serve_work(struct task *task)
{
	on_member(task, hypervisor_serve);
}

static void
unserve_work(struct task *task)
{
	on_member(task, hypervisor_unserve);
}

static void
release_work(struct task *task)
{
	on_member(task, task->job->release ? hypervisor_end : hypervisor_unserve);
}

void
effect_serve(struct world *world, const struct job *job, const struct job_effect *effect)
{
	task_start(task_for(world, job, effect, serve_work));
}

void
effect_unserve(struct world *world, const struct job *job, const struct job_effect *effect)
{
	task_start(task_for(world, job, effect, unserve_work));
}

void
effect_release(struct world *world, const struct job *job, const struct job_effect *effect)
{
	task_start(task_for(world, job, effect, release_work));
}

/* ---- unstage ---- */

static void
unstage_work(struct task *task)
{
	const struct job *job = task->job;
	g_autofree char *staging = export_staging_dir(job->directory, job->group, job->point);
	g_autofree char *group = g_build_filename(job->directory, job->group, NULL);
	/* What a terminated export has finished, the next one uses. */
	if (job->outcome == JOB_TERMINATED)
		return;
	if (cairn_remove_tree(staging, &task->error))
		g_rmdir(group); /* if it was made for this: it is empty then */
}

void
effect_unstage(struct world *world, const struct job *job, const struct job_effect *effect)
{
	task_start(task_for(world, job, effect, unstage_work));
}
