/* The deeds of a retention, in an order in which each state of the folder is a good one.
 *
 *	merge P:	.P.merge is made and verified, all of it durable
 *			P <-> .P.merge exchanged in one step		P is the new one from here
 *			.P.merge, the old one, removed
 *	delete Q:	Q renamed to .Q.delete, and that removed
 *
 * A file system that cannot exchange gets two renames, P to .P.delete and .P.merge to P; between
 * them P is missing, and whoever looks for it then is told so. What a kill leaves: .P.merge beside
 *P is an unfinished or an old one and goes; .P.merge without P was verified and takes its name.
 * Exports that nobody needs go first, the ones above before the ones below; an export that another
 * one takes over goes when that one is durable. */
#include "image/retain.h"

#include "base/error.h"
#include "base/file.h"
#include "base/guid.h"
#include "base/json.h"
#include "image/retain_run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PROGRESS_USEC (G_USEC_PER_SEC / 4)

char *
retain_hidden(const char *dir, const char *point, const char *suffix)
{
	return g_strdup_printf("%s/.%s%s", dir, point, suffix);
}

void
retain_tell(struct retain *retain, gboolean now)
{
	gint64 time = g_get_monotonic_time();
	if (!retain->options->progress || (!now && time - retain->told < PROGRESS_USEC))
		return;
	retain->told = time;
	retain->progress.done = MIN(retain->progress.done, retain->progress.total);
	retain->options->progress(&retain->progress, retain->options->progress_data);
}

gboolean
retain_step(const struct retain *retain, const char *what, GError **error)
{
	const struct retain_options *options = retain->options;
	if (g_cancellable_is_cancelled(options->cancel))
		return cairn_fail(error, CAIRN_ERROR_CANCELLED, "the retention was stopped");
	return !options->step || options->step(what, options->step_data, error);
}

/* ---- one at a time ---- */

/* Holds the lock until the descriptor is closed. A file system that has no locks has only our
 * queue. */
static gboolean
lock_folder(const char *dir, int *ret_fd, GError **error)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot open \"%s\"", dir);
		return FALSE;
	}
	*ret_fd = fd;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_BUSY, "another retention works in \"%s\"", dir);
}

/* ---- what a kill left ---- */

/* The GUID in ".GUIDSUFFIX", or NULL. */
static char *
guid_in(const char *name, const char *suffix)
{
	if (name[0] != '.' || !g_str_has_suffix(name, suffix))
		return NULL;
	g_autofree char *guid = g_strndup(name + 1, strlen(name) - 1 - strlen(suffix));
	g_autofree char *upper = cairn_guid_normalize(guid);
	return g_strcmp0(guid, upper) == 0 ? g_steal_pointer(&guid) : NULL;
}

/* Points that have a hidden folder with @suffix. */
static GPtrArray *
hidden_points(const char *dir, const char *suffix, GError **error)
{
	GPtrArray *points = g_ptr_array_new_with_free_func(g_free);
	DIR *listing = opendir(dir);
	if (!listing) {
		cairn_set_errno(error, errno, "cannot list \"%s\"", dir);
		g_ptr_array_unref(points);
		return NULL;
	}
	const struct dirent *entry;
	while ((entry = readdir(listing))) {
		char *guid = guid_in(entry->d_name, suffix);
		if (guid)
			g_ptr_array_add(points, guid);
	}
	closedir(listing);
	return points;
}

static gboolean
recover_merge(const char *dir, const char *point, GError **error)
{
	g_autofree char *merged = retain_hidden(dir, point, RETAIN_MERGE_SUFFIX);
	g_autofree char *final = g_build_filename(dir, point, NULL);
	cairn_auto(manifest) manifest = NULL;
	if (!g_file_test(final, G_FILE_TEST_EXISTS))
		manifest = manifest_load(merged, TRUE, NULL);
	if (!manifest)
		return cairn_remove_tree(merged, error);
	if (rename(merged, final) == 0)
		return cairn_fsync_dir(dir, error);
	cairn_set_errno(error, errno, "cannot rename \"%s\" to \"%s\"", merged, final);
	return FALSE;
}

static gboolean
recover_delete(const char *dir, const char *point, GError **error)
{
	g_autofree char *deleted = retain_hidden(dir, point, RETAIN_DELETE_SUFFIX);
	return cairn_remove_tree(deleted, error);
}

static gboolean
recover_all(const char *dir, const char *suffix,
	    gboolean (*one)(const char *dir, const char *point, GError **error), GError **error)
{
	g_autoptr(GPtrArray) points = hidden_points(dir, suffix, error);
	for (guint i = 0; points && i < points->len; i++)
		if (!one(dir, g_ptr_array_index(points, i), error))
			return FALSE;
	return points != NULL;
}

static gboolean
recover_locked(const char *dir, GError **error)
{
	return recover_all(dir, RETAIN_MERGE_SUFFIX, recover_merge, error) &&
	       recover_all(dir, RETAIN_DELETE_SUFFIX, recover_delete, error);
}

gboolean
retain_recover(const char *dir, GError **error)
{
	CAIRN_AUTO_FD int fd = -1;
	return lock_folder(dir, &fd, error) && recover_locked(dir, error);
}

/* ---- merging ---- */

/* Two renames for a file system that cannot exchange. */
static gboolean
replace(const struct retain *retain, const char *merged, const char *final, const char *aside,
	GError **error)
{
	if (rename(final, aside) < 0) {
		cairn_set_errno(error, errno, "cannot rename \"%s\" to \"%s\"", final, aside);
		return FALSE;
	}
	if (!retain_step(retain, "rename", error)) {
		(void)rename(aside, final);
		return FALSE;
	}
	if (rename(merged, final) == 0)
		return TRUE;
	cairn_set_errno(error, errno, "cannot rename \"%s\" to \"%s\"", merged, final);
	(void)rename(aside, final);
	return FALSE;
}

/* @merged has what the point's folder @final is to be; afterwards the old one is at *@ret_old. */
static gboolean
exchange(const struct retain *retain, const char *merged, const char *final, const char *aside,
	 const char **ret_old, GError **error)
{
	gboolean can = !retain->options->no_exchange;
	if (can && renameat2(AT_FDCWD, merged, AT_FDCWD, final, RENAME_EXCHANGE) == 0) {
		*ret_old = merged;
		return TRUE;
	}
	if (can && errno != EINVAL && errno != ENOSYS) {
		cairn_set_errno(error, errno, "cannot exchange \"%s\" and \"%s\"", merged, final);
		return FALSE;
	}
	*ret_old = aside;
	return replace(retain, merged, final, aside, error);
}

static gboolean
put_in_place(struct retain *retain, const struct retain_entry *entry, const char *merged,
	     guint64 written, GError **error)
{
	const char *dir = retain->plan->dir, *point = entry->export->point_id, *old;
	g_autofree char *final = g_build_filename(dir, point, NULL);
	g_autofree char *aside = retain_hidden(dir, point, RETAIN_DELETE_SUFFIX);
	if (!retain_step(retain, "exchange", error) ||
	    !exchange(retain, merged, final, aside, &old, error))
		return FALSE;
	retain->result->merged++;
	retain->result->removed += entry->removed;
	retain->result->written += written;
	/* Before anything goes that the new one replaces. */
	return cairn_fsync_dir(dir, error) && retain_step(retain, "remove the old one", error) &&
	       cairn_remove_tree(old, error);
}

static gboolean
merge(struct retain *retain, const struct retain_entry *entry, GError **error)
{
	const char *dir = retain->plan->dir, *point = entry->export->point_id;
	g_autofree char *merged = retain_hidden(dir, point, RETAIN_MERGE_SUFFIX);
	guint64 written = 0;
	if (retain_step(retain, "merge", error) &&
	    retain_merge(retain, entry, merged, &written, error) &&
	    put_in_place(retain, entry, merged, written, error))
		return TRUE;
	g_prefix_error(error, "point %" G_GUINT64_FORMAT ": ", entry->export->number);
	/* Unfinished or the old one: not needed, as long as the point is there. */
	if (g_file_test(entry->export->path, G_FILE_TEST_EXISTS))
		cairn_remove_tree(merged, NULL);
	return FALSE;
}

/* ---- deleting ---- */

static gboolean
remove_export(struct retain *retain, const struct retain_entry *entry, GError **error)
{
	g_autofree char *aside =
		retain_hidden(retain->plan->dir, entry->export->point_id, RETAIN_DELETE_SUFFIX);
	if (!retain_step(retain, "delete", error))
		return FALSE;
	if (rename(entry->export->path, aside) < 0) {
		cairn_set_errno(error, errno, "cannot rename \"%s\" to \"%s\"", entry->export->path,
				aside);
		return FALSE;
	}
	if (!cairn_fsync_dir(retain->plan->dir, error) || !retain_step(retain, "remove", error) ||
	    !cairn_remove_tree(aside, error))
		return FALSE;
	retain->result->deleted++;
	retain->result->removed += entry->removed;
	return TRUE;
}

/* Those whose contents go to @heir (NULL: to nobody), newest first: what is based on another one
 * goes before it. */
static gboolean
delete_all(struct retain *retain, const struct export_entry *heir, GError **error)
{
	const GPtrArray *entries = retain->plan->entries;
	for (guint i = entries->len; i-- > 0;) {
		const struct retain_entry *entry = g_ptr_array_index(entries, i);
		if (entry->action == RETENTION_DELETE && entry->into == heir &&
		    !remove_export(retain, entry, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- the whole ---- */

/* A merge reads what it merges, and what it has made. */
static guint64
work_of(const struct retain_plan *plan)
{
	guint64 work = 0;
	for (guint i = 0; i < plan->entries->len; i++)
		work += 2 * ((struct retain_entry *)g_ptr_array_index(plan->entries, i))->written;
	return work;
}

static gboolean
run(struct retain *retain, GError **error)
{
	const GPtrArray *entries = retain->plan->entries;
	retain->progress.total = work_of(retain->plan);
	retain_tell(retain, TRUE);
	if (!delete_all(retain, NULL, error))
		return FALSE;
	guint64 done = 0;
	for (guint i = 0; i < entries->len; i++) {
		const struct retain_entry *entry = g_ptr_array_index(entries, i);
		if (entry->action != RETENTION_MERGE)
			continue;
		if (!merge(retain, entry, error) || !delete_all(retain, entry->export, error))
			return FALSE;
		done += 2 * entry->written;
		retain->progress.done = done; /* what was estimated is settled */
	}
	retain_tell(retain, TRUE);
	return TRUE;
}

gboolean
retain_run(const struct retain_plan *plan, const struct retain_options *options,
	   struct retain_result *ret_result, GError **error)
{
	static const struct retain_options defaults;
	struct retain retain = {
		.plan = plan, .options = options ? options : &defaults, .result = ret_result};
	CAIRN_AUTO_FD int fd = -1;
	*ret_result = (struct retain_result){0};
	return lock_folder(plan->dir, &fd, error) && recover_locked(plan->dir, error) &&
	       run(&retain, error);
}

json_t *
retain_result_json(const struct retain_plan *plan, const struct retain_result *result)
{
	json_t *json = retain_plan_json(plan);
	cairn_json_set_uint(json, "merged", result->merged);
	cairn_json_set_uint(json, "deleted", result->deleted);
	cairn_json_set_uint(json, "bytes-removed", result->removed);
	cairn_json_set_uint(json, "bytes-written", result->written);
	return json;
}
