/* The walk over an export: points, their files, their chains; see verify.h. A thing that is wrong
 * is a finding and the walk goes on; only what keeps us from walking is an error. */
#include "image/verify.h"

#include "base/error.h"
#include "image/export_list.h"
#include "image/tree.h"
#include "image/verify_run.h"

#include <string.h>
#include <unistd.h>

static void
finding_free(struct verify_finding *finding)
{
	g_free(finding->path);
	g_free(finding->what);
	g_free(finding);
}

/* One finding about a whole file or folder. */
static void
find_one(struct verify *verify, enum verify_severity severity, const char *dir, const char *name,
	 const char *what)
{
	struct verify_file file;
	verify_file_begin(&file, verify, dir, name);
	verify_find(&file, severity, -1, 0, "%s", what);
	verify_file_end(&file);
}

static gboolean
verify_small(struct verify *verify, const char *dir, const struct manifest_file *file,
	     GError **error)
{
	g_autoptr(GError) problem = NULL;
	if (!file)
		return TRUE;
	if (tree_copy(dir, file->path, file->size, file->sha256, -1, verify->options->cancel,
		      &problem)) {
		verify->report->bytes += file->size;
	} else {
		if (verify_cancelled(verify, error))
			return FALSE;
		find_one(verify, VERIFY_ERROR, dir, file->path, problem->message);
	}
	verify->report->files++;
	verify->done_before += file->size;
	return TRUE;
}

/* The link from an increment to the image below it. That the header names what the manifest says,
 * image_open() compares; whether that is the base's image, this does. */
static void
verify_link(struct verify *verify, struct chain *chain, const struct manifest_vm *vm,
	    const struct manifest_disk *disk)
{
	g_autoptr(GError) problem = NULL;
	const struct chain_point *top = chain_get(chain, 0, NULL);
	const struct chain_point *base = chain_get(chain, 1, &problem);
	if (base) {
		const struct manifest_disk *below =
			chain_base_disk(base->manifest, vm->id, disk, &problem);
		int fd = below ? tree_open(base->dir, below->path, &problem) : -1;
		if (fd >= 0)
			close(fd);
		else if (below)
			g_prefix_error(&problem, "the chain is broken: ");
	}
	if (problem)
		find_one(verify, VERIFY_ERROR, top->dir, disk->path, problem->message);
}

static gboolean
verify_vm(struct verify *verify, struct chain *chain, const struct manifest_vm *vm, GError **error)
{
	const char *dir = chain_get(chain, 0, NULL)->dir;
	if (!verify_small(verify, dir, vm->config, error) ||
	    !verify_small(verify, dir, vm->runtime, error))
		return FALSE;
	for (guint i = 0; i < vm->guest_state->len; i++)
		if (!verify_small(verify, dir, g_ptr_array_index(vm->guest_state, i), error))
			return FALSE;
	for (guint i = 0; i < vm->disks->len; i++) {
		const struct manifest_disk *disk = g_ptr_array_index(vm->disks, i);
		if (disk->backing)
			verify_link(verify, chain, vm, disk);
		if (!verify_disk(verify, dir, disk, error))
			return FALSE;
	}
	return TRUE;
}

static void
add_name(GHashTable *names, const struct manifest_file *file)
{
	if (file)
		g_hash_table_add(names, file->path);
}

/* Files that the manifest does not name: nobody vouches for them. */
static void
verify_strays(struct verify *verify, const struct chain_point *point)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(GPtrArray) found = tree_list(point->dir, &problem);
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	if (!found) {
		find_one(verify, VERIFY_WARNING, point->dir, "", problem->message);
		return;
	}
	g_hash_table_add(names, (char *)MANIFEST_NAME);
	g_hash_table_add(names, (char *)MANIFEST_SUM);
	for (guint i = 0; i < point->manifest->vms->len; i++) {
		const struct manifest_vm *vm = g_ptr_array_index(point->manifest->vms, i);
		add_name(names, vm->config);
		add_name(names, vm->runtime);
		for (guint k = 0; k < vm->guest_state->len; k++)
			add_name(names, g_ptr_array_index(vm->guest_state, k));
		for (guint k = 0; k < vm->disks->len; k++)
			g_hash_table_add(
				names,
				((struct manifest_disk *)g_ptr_array_index(vm->disks, k))->path);
	}
	for (guint i = 0; i < found->len; i++)
		if (!g_hash_table_contains(names, g_ptr_array_index(found, i)))
			find_one(verify, VERIFY_WARNING, point->dir, g_ptr_array_index(found, i),
				 "the manifest does not name this file");
}

/* A manifest that differs from its checksum is told, and then still used to look at the rest: so
 * the report says whether the data is good. */
static struct chain *
open_point(struct verify *verify, const char *path)
{
	g_autoptr(GError) problem = NULL;
	struct chain *chain = chain_new(path, TRUE, &problem);
	if (chain)
		return chain;
	find_one(verify, VERIFY_ERROR, path, MANIFEST_NAME, problem->message);
	return chain_new(path, FALSE, NULL);
}

static gboolean
verify_point(struct verify *verify, const char *path, GError **error)
{
	cairn_auto(chain) chain = open_point(verify, path);
	verify->report->points++;
	if (!chain)
		return TRUE;
	const struct chain_point *point = chain_get(chain, 0, NULL);
	for (guint i = 0; i < point->manifest->vms->len; i++)
		if (!verify_vm(verify, chain, g_ptr_array_index(point->manifest->vms, i), error))
			return FALSE;
	verify_strays(verify, point);
	return TRUE;
}

static gboolean
verify_entry(struct verify *verify, const struct export_entry *entry, GError **error)
{
	if (entry->partial) {
		find_one(verify, VERIFY_WARNING, entry->path, "",
			 "an export that runs now or was cut off: it is not complete");
		return TRUE;
	}
	if (!entry->error)
		return verify_point(verify, entry->path, error);
	verify->report->points++;
	find_one(verify, VERIFY_ERROR, entry->path, MANIFEST_NAME, entry->error->message);
	return TRUE;
}

/* For one point: the folders of the points below it, as far as they can be found. What is missing
 * is told by the link that leads there. */
static gboolean
add_bases(GPtrArray *list, GError **error)
{
	for (guint i = 0; i < list->len && i < CHAIN_MAX; i++) {
		const struct export_entry *entry = g_ptr_array_index(list, i);
		if (entry->error || !entry->base_id)
			continue;
		g_autofree char *full = g_canonicalize_filename(entry->path, NULL);
		g_autofree char *group = g_path_get_dirname(full);
		g_autofree char *path = g_build_filename(group, entry->base_id, NULL);
		for (guint k = 0; k < list->len; k++) /* a ring ends here */
			if (strcmp(((struct export_entry *)g_ptr_array_index(list, k))->point_id,
				   entry->base_id) == 0)
				return TRUE;
		if (!g_file_test(path, G_FILE_TEST_IS_DIR))
			return TRUE;
		g_autoptr(GPtrArray) below = export_list(path, NULL, error);
		if (!below)
			return FALSE;
		g_ptr_array_extend_and_steal(list, g_steal_pointer(&below));
	}
	return TRUE;
}

static gboolean
verify_list(struct verify *verify, const GPtrArray *list, GError **error)
{
	for (guint i = 0; i < list->len; i++)
		verify->progress.total +=
			((struct export_entry *)g_ptr_array_index(list, i))->bytes;
	for (guint i = 0; i < list->len; i++)
		if (!verify_entry(verify, g_ptr_array_index(list, i), error))
			return FALSE;
	verify->done_before = verify->progress.total;
	verify_tell(verify, "", 0, TRUE);
	return TRUE;
}

static const struct verify_options defaults;

static gboolean
run(const char *dir, const struct verify_options *options, const GPtrArray *list,
    struct verify_report **ret_report, GError **error)
{
	struct verify verify = {.options = options};
	cairn_auto(verify_report) report = g_new0(struct verify_report, 1);
	report->findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);
	g_autofree char *root = g_canonicalize_filename(dir, NULL);
	g_autofree char *qemu_img =
		options->no_qemu_img ? NULL : g_find_program_in_path("qemu-img");
	verify.report = report;
	verify.root = root;
	verify.qemu_img = qemu_img;
	if (!verify_list(&verify, list, error))
		return FALSE;
	*ret_report = g_steal_pointer(&report);
	return TRUE;
}

gboolean
verify_export(const char *dir, const struct verify_options *options,
	      struct verify_report **ret_report, GError **error)
{
	enum export_level level;
	g_autoptr(GPtrArray) list = export_list(dir, &level, error);
	options = options ? options : &defaults;
	if (!list)
		return FALSE;
	if (level == EXPORT_POINT && !options->no_chain && !add_bases(list, error))
		return FALSE;
	return run(dir, options, list, ret_report, error);
}

gboolean
verify_folder(const char *dir, const struct verify_options *options,
	      struct verify_report **ret_report, GError **error)
{
	struct export_entry entry = {.path = (char *)dir};
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	g_ptr_array_add(list, &entry);
	return run(dir, options ? options : &defaults, list, ret_report, error);
}
