/* Walks an export folder for its points; see export_list.h. */
#include "image/export_list.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "image/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PARTIAL_SUFFIX ".partial"

void
export_entry_free(struct export_entry *entry)
{
	if (!entry)
		return;
	g_free(entry->group_id);
	g_free(entry->group_name);
	g_free(entry->point_id);
	g_free(entry->consistency);
	g_free(entry->base_id);
	g_free(entry->path);
	g_clear_error(&entry->error);
	g_free(entry);
}

/* GUIDs in lower case are somebody else's folders: ours are written in upper case. */
static gboolean
is_guid(const char *name)
{
	g_autofree char *upper = cairn_guid_normalize(name);
	return upper && strcmp(upper, name) == 0;
}

/* The GUID in ".GUID.partial", or NULL. */
static char *
partial_guid(const char *name)
{
	if (name[0] != '.' || !g_str_has_suffix(name, PARTIAL_SUFFIX))
		return NULL;
	g_autofree char *guid = g_strndup(name + 1, strlen(name) - 1 - strlen(PARTIAL_SUFFIX));
	return is_guid(guid) ? g_steal_pointer(&guid) : NULL;
}

static gboolean
is_folder(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static gboolean
has_manifest(const char *path)
{
	g_autofree char *manifest = g_build_filename(path, MANIFEST_NAME, NULL);
	struct stat st;
	return lstat(manifest, &st) == 0;
}

/* Names of folders in @path that are GUIDs or, with @partial, ".GUID.partial". */
static GPtrArray *
folders(const char *path, gboolean partial, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	DIR *dir = opendir(path);
	if (!dir) {
		cairn_set_errno(error, errno, "cannot list \"%s\"", path);
		return NULL;
	}
	const struct dirent *entry;
	while ((entry = readdir(dir)) && names->len <= EXPORT_LIST_MAX) {
		g_autofree char *guid = partial ? partial_guid(entry->d_name) : NULL;
		g_autofree char *full = g_build_filename(path, entry->d_name, NULL);
		if ((guid || is_guid(entry->d_name)) && is_folder(full))
			g_ptr_array_add(names, g_strdup(entry->d_name));
	}
	closedir(dir);
	return g_steal_pointer(&names);
}

static gboolean
any_has_manifest(const char *path, const GPtrArray *names)
{
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *child = g_build_filename(path, g_ptr_array_index(names, i), NULL);
		if (has_manifest(child))
			return TRUE;
	}
	return FALSE;
}

/* Tells the three kinds of folder apart, also when manifests are missing: that is what verify is
 * there to find. Only the names decide then; @path has no manifest itself. */
static enum export_level
guess_level(const char *path, const GPtrArray *names)
{
	g_autofree char *full = g_canonicalize_filename(path, NULL);
	g_autofree char *name = g_path_get_basename(full);
	g_autofree char *parent_path = g_path_get_dirname(full);
	g_autofree char *parent = g_path_get_basename(parent_path);
	if (any_has_manifest(path, names))
		return EXPORT_GROUP;
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *child = g_build_filename(path, g_ptr_array_index(names, i), NULL);
		g_autoptr(GPtrArray) below = folders(child, FALSE, NULL);
		if (below && any_has_manifest(child, below))
			return EXPORT_ROOT;
	}
	g_autofree char *guid = partial_guid(name);
	if ((guid || is_guid(name)) && is_guid(parent))
		return EXPORT_POINT;
	return is_guid(name) ? EXPORT_GROUP : EXPORT_ROOT;
}

/* A folder that was copied elsewhere under another name ("/mnt/usb") takes the manifest's word; a
 * GUID that differs is a mix-up. */
static gboolean
adopt_id(char **id, const char *manifest_id)
{
	if (is_guid(*id))
		return strcmp(*id, manifest_id) == 0;
	g_free(*id);
	*id = g_strdup(manifest_id);
	return TRUE;
}

static guint64
total_bytes(const struct manifest *manifest)
{
	guint64 bytes = 0;
	for (guint i = 0; i < manifest->vms->len; i++) {
		const struct manifest_vm *vm = g_ptr_array_index(manifest->vms, i);
		bytes += vm->config->size + (vm->runtime ? vm->runtime->size : 0);
		for (guint k = 0; k < vm->guest_state->len; k++)
			bytes += ((struct manifest_file *)g_ptr_array_index(vm->guest_state, k))
					 ->size;
		for (guint k = 0; k < vm->disks->len; k++)
			bytes += ((struct manifest_disk *)g_ptr_array_index(vm->disks, k))
					 ->file_size;
	}
	return bytes;
}

static void
fill_entry(struct export_entry *entry, const struct manifest *manifest)
{
	if (!adopt_id(&entry->group_id, manifest->group_id) ||
	    !adopt_id(&entry->point_id, manifest->point_id)) {
		g_set_error(&entry->error, CAIRN_ERROR, CAIRN_ERROR_IO,
			    "\"%s\" holds the manifest of point %s of group %s", entry->path,
			    manifest->point_id, manifest->group_id);
		return;
	}
	entry->group_name = g_strdup(manifest->group_name);
	entry->number = manifest->point_number;
	entry->created = manifest->created_usec;
	entry->consistency = g_strdup(manifest->consistency);
	entry->base_id = g_strdup(manifest->base_id);
	entry->bytes = total_bytes(manifest);
}

static void
add_point(GPtrArray *list, const char *path, const char *name, const char *group_id)
{
	struct export_entry *entry = g_new0(struct export_entry, 1);
	g_autofree char *guid = partial_guid(name);
	entry->partial = guid != NULL;
	entry->point_id = g_strdup(guid ? guid : name);
	entry->group_id = g_strdup(group_id);
	entry->path = g_strdup(path);
	g_ptr_array_add(list, entry);
	if (entry->partial) {
		g_set_error(&entry->error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "the export is not complete");
		return;
	}
	cairn_auto(manifest) manifest = manifest_load(path, FALSE, &entry->error);
	if (manifest)
		fill_entry(entry, manifest);
}

static gboolean
add_group(GPtrArray *list, const char *path, const char *group_id, GError **error)
{
	g_autoptr(GPtrArray) names = folders(path, TRUE, error);
	if (!names)
		return FALSE;
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *child = g_build_filename(path, name, NULL);
		if (list->len >= EXPORT_LIST_MAX) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
				    "more than %d points in \"%s\"", EXPORT_LIST_MAX, path);
			return FALSE;
		}
		add_point(list, child, name, group_id);
	}
	return TRUE;
}

static gboolean
add_root(GPtrArray *list, const char *path, const GPtrArray *names, GError **error)
{
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *child = g_build_filename(path, name, NULL);
		if (!add_group(list, child, name, error))
			return FALSE;
	}
	return TRUE;
}

static gint
compare_entries(gconstpointer pa, gconstpointer pb)
{
	const struct export_entry *a = *(struct export_entry *const *)pa;
	const struct export_entry *b = *(struct export_entry *const *)pb;
	int by_group = strcmp(a->group_id, b->group_id);
	if (by_group != 0)
		return by_group;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	if (a->created != b->created)
		return a->created < b->created ? -1 : 1;
	return strcmp(a->path, b->path);
}

static char *
group_id_of_path(const char *path, gboolean is_point)
{
	g_autofree char *full = g_canonicalize_filename(path, NULL);
	g_autofree char *parent = g_path_get_dirname(full);
	return g_path_get_basename(is_point ? parent : full);
}

GPtrArray *
export_list(const char *dir, enum export_level *ret_level, GError **error)
{
	g_autoptr(GPtrArray) list =
		g_ptr_array_new_with_free_func((GDestroyNotify)export_entry_free);
	g_autoptr(GPtrArray) names = folders(dir, FALSE, error);
	if (!names)
		return NULL;
	enum export_level level = has_manifest(dir) ? EXPORT_POINT : guess_level(dir, names);
	g_autofree char *group_id = group_id_of_path(dir, level == EXPORT_POINT);
	g_autofree char *full = g_canonicalize_filename(dir, NULL);
	g_autofree char *name = g_path_get_basename(full);
	gboolean ok = TRUE;
	if (level == EXPORT_POINT)
		add_point(list, dir, name, group_id);
	else if (level == EXPORT_GROUP)
		ok = add_group(list, dir, group_id, error);
	else
		ok = add_root(list, dir, names, error);
	if (!ok)
		return NULL;
	g_ptr_array_sort(list, compare_entries);
	if (ret_level)
		*ret_level = level;
	return g_steal_pointer(&list);
}

const struct export_entry *
export_list_newest(const GPtrArray *list, const char *group)
{
	const struct export_entry *newest = NULL;
	for (guint i = 0; i < list->len; i++) {
		const struct export_entry *entry = g_ptr_array_index(list, i);
		if (!entry->error && strcmp(entry->group_id, group) == 0)
			newest = entry; /* sorted by number */
	}
	return newest;
}

static gboolean
is_group(const struct export_entry *entry, const char *group)
{
	return !group || g_ascii_strcasecmp(entry->group_id, group) == 0 ||
	       g_strcmp0(entry->group_name, group) == 0;
}

static gboolean
is_point(const struct export_entry *entry, const char *point)
{
	guint64 number;
	return g_ascii_strcasecmp(entry->point_id, point) == 0 || strcmp(point, "latest") == 0 ||
	       (g_ascii_string_to_unsigned(point, 10, 0, G_MAXINT64, &number, NULL) &&
		entry->number == number);
}

/* The last of @list that fits: the newest for "latest". Two groups that fit are INVALID. */
static const struct export_entry *
find(const GPtrArray *list, const char *group, const char *point, GError **error)
{
	const struct export_entry *found = NULL, *broken = NULL;
	for (guint i = 0; i < list->len; i++) {
		const struct export_entry *entry = g_ptr_array_index(list, i);
		if (!is_group(entry, group) || !is_point(entry, point))
			continue;
		if (entry->error) {
			broken = entry;
			continue;
		}
		if (found && strcmp(found->group_id, entry->group_id) != 0) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
				    "several groups have a point \"%s\" here: name the group, by "
				    "its GUID if the names are equal",
				    point);
			return NULL;
		}
		found = entry;
	}
	if (found)
		return found;
	if (broken)
		g_propagate_error(error, g_error_copy(broken->error));
	else
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    "no export of a point \"%s\"%s%s is here", point,
			    group ? " of the group " : "", group ? group : "");
	return NULL;
}

const struct export_entry *
export_list_find(const GPtrArray *list, const char *group, const char *point, GError **error)
{
	const char *at = strrchr(point, '@');
	if (!at)
		return find(list, group, point, error);
	g_autofree char *named = g_strndup(point, (gsize)(at - point));
	const struct export_entry *entry = find(list, named, at + 1, error);
	if (!entry || is_group(entry, group))
		return entry;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "\"%s\" is not a point of the group \"%s\"", point, group);
	return NULL;
}

static json_t *
named(const char *id, const char *name)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "id", id);
	cairn_json_set_string(json, "name", name);
	return json;
}

static json_t *
point_json(const struct export_entry *entry)
{
	json_t *json = json_object();
	g_autofree char *created = entry->created ? cairn_time_iso(entry->created) : NULL;
	cairn_json_set_string(json, "id", entry->point_id);
	cairn_json_set_uint(json, "number", entry->number);
	cairn_json_set_string(json, "created", created);
	cairn_json_set_string(json, "consistency", entry->consistency);
	return json;
}

json_t *
export_list_json(const GPtrArray *list)
{
	json_t *array = json_array();
	for (guint i = 0; i < list->len; i++) {
		const struct export_entry *entry = g_ptr_array_index(list, i);
		json_t *json = json_object();
		cairn_json_set(json, "group", named(entry->group_id, entry->group_name));
		cairn_json_set(json, "point", point_json(entry));
		cairn_json_set_string(json, "base", entry->base_id);
		cairn_json_set_string(json, "path", entry->path);
		cairn_json_set_uint(json, "bytes", entry->bytes);
		cairn_json_set_bool(json, "partial", entry->partial);
		cairn_json_set_string(json, "error", entry->error ? entry->error->message : NULL);
		json_array_append_new(array, json);
	}
	return array;
}
