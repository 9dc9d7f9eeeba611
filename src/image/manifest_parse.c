/* JSON to struct manifest. The text may come from anywhere: every member is checked here and
 * nowhere else. */
#include "image/manifest_fields.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "base/timefmt.h"

#include <string.h>

#define MAX_NUMBER ((guint64)1 << 53) /* of a point: exact in every JSON reader */

static void
file_free(struct manifest_file *file)
{
	if (!file)
		return;
	g_free(file->path);
	g_free(file->sha256);
	g_free(file);
}

static gboolean
parse_file(const json_t *json, const char *vm, GHashTable *seen, struct manifest_file **ret_file,
	   GError **error)
{
	struct manifest_file *file = *ret_file = g_new0(struct manifest_file, 1);
	if (!json_is_object(json))
		return cairn_fail(error, CAIRN_ERROR_INVALID, "a file must be an object");
	if (!manifest_vm_path(json, vm, seen, &file->path, error) ||
	    !cairn_json_get_uint(json, "size", MANIFEST_MAX_SMALL_FILE, &file->size, error) ||
	    !manifest_text(json, "sha256", MANIFEST_HEX_SHA256, &file->sha256, error))
		return FALSE;
	if (strlen(file->sha256) != MANIFEST_HEX_SHA256 || !manifest_hex_ok(file->sha256))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "\"sha256\" must be 64 lower-case hex digits");
	return TRUE;
}

static gboolean
parse_disks(const json_t *json, struct manifest_vm *vm, const char *base_id, GHashTable *seen,
	    GError **error)
{
	if (json_array_size(json) > MANIFEST_MAX_DISKS)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "more than %d disks",
				  MANIFEST_MAX_DISKS);
	for (size_t i = 0; i < json_array_size(json); i++) {
		struct manifest_disk *disk = g_new0(struct manifest_disk, 1);
		disk->runs = g_array_new(FALSE, FALSE, sizeof(struct manifest_run));
		gboolean ok = manifest_parse_disk(json_array_get(json, i), vm, base_id, seen, disk,
						  error);
		if (!ok)
			g_prefix_error(error, "disk \"%s\": ",
				       disk->target ? disk->target : "(without target)");
		g_ptr_array_add(vm->disks, disk);
		if (!ok)
			return FALSE;
	}
	return TRUE;
}

static gboolean
parse_guest_state(const json_t *json, struct manifest_vm *vm, GHashTable *seen, GError **error)
{
	if (json_array_size(json) > MANIFEST_MAX_GUEST_STATE)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "more than %d guest state files",
				  MANIFEST_MAX_GUEST_STATE);
	for (size_t i = 0; i < json_array_size(json); i++) {
		struct manifest_file *file = NULL;
		gboolean ok = parse_file(json_array_get(json, i), vm->id, seen, &file, error);
		g_ptr_array_add(vm->guest_state, file);
		if (!ok)
			return FALSE;
		/* What the path must begin with lets restore put it beside its own files. */
		if (!g_str_has_prefix(file->path + GUID_LEN + 1, MANIFEST_GUEST_STATE "/"))
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "\"%s\" is not below \"" MANIFEST_GUEST_STATE "\"",
					  file->path);
	}
	return TRUE;
}

static gboolean
parse_vm(const json_t *json, const char *base_id, GHashTable *seen, struct manifest_vm *vm,
	 GError **error)
{
	static const char *const states[] = {"running", "paused", "shutoff", NULL};
	static const char *const levels[] = {"application", "crash", NULL};
	const json_t *config, *runtime, *guest_state, *disks;
	if (!manifest_text(json, "name", MANIFEST_MAX_NAME, &vm->name, error) ||
	    !manifest_guid(json, "id", &vm->id, error) ||
	    !manifest_word(json, "state", states, &vm->state, error) ||
	    !manifest_word(json, "consistency", levels, &vm->consistency, error) ||
	    !manifest_object(json, "config", &config, error) ||
	    !cairn_json_get_object_opt(json, "runtime", &runtime, error) ||
	    !cairn_json_get_array_opt(json, "guest-state", &guest_state, error) ||
	    !cairn_json_get_array_opt(json, "disks", &disks, error))
		return FALSE;
	return parse_file(config, vm->id, seen, &vm->config, error) &&
	       (!runtime || parse_file(runtime, vm->id, seen, &vm->runtime, error)) &&
	       parse_guest_state(guest_state, vm, seen, error) &&
	       parse_disks(disks, vm, base_id, seen, error);
}

static void
vm_free(struct manifest_vm *vm)
{
	g_free(vm->id);
	g_free(vm->name);
	g_free(vm->state);
	g_free(vm->consistency);
	file_free(vm->config);
	file_free(vm->runtime);
	g_ptr_array_unref(vm->guest_state);
	g_ptr_array_unref(vm->disks);
	g_free(vm);
}

static struct manifest_vm *
vm_new(void)
{
	struct manifest_vm *vm = g_new0(struct manifest_vm, 1);
	vm->guest_state = g_ptr_array_new_with_free_func((GDestroyNotify)file_free);
	vm->disks = g_ptr_array_new_with_free_func((GDestroyNotify)manifest_disk_free);
	return vm;
}

static gboolean
parse_vms(const json_t *json, struct manifest *manifest, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!json || json_array_size(json) > MANIFEST_MAX_VMS)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "\"vms\" must be an array of at most %d", MANIFEST_MAX_VMS);
	for (size_t i = 0; i < json_array_size(json); i++) {
		struct manifest_vm *vm = vm_new();
		gboolean ok = parse_vm(json_array_get(json, i), manifest->base_id, seen, vm, error);
		if (ok && manifest_find_vm(manifest, vm->id))
			ok = cairn_fail(error, CAIRN_ERROR_INVALID, "the id %s is there twice",
					vm->id);
		if (!ok)
			g_prefix_error(error,
				       "VM \"%s\": ", vm->name ? vm->name : "(without name)");
		g_ptr_array_add(manifest->vms, vm);
		if (!ok)
			return FALSE;
	}
	return TRUE;
}

static gboolean
parse_format(const json_t *json, GError **error)
{
	const char *format;
	guint64 version;
	if (!cairn_json_get_string(json, "format", &format, error) ||
	    !cairn_json_get_uint(json, "version", G_MAXUINT32, &version, error))
		return FALSE;
	if (strcmp(format, MANIFEST_FORMAT) != 0)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "the format is \"%s\", not \"" MANIFEST_FORMAT "\"", format);
	if (version < 1 || version > MANIFEST_VERSION)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "version %" G_GUINT64_FORMAT " is newer than this program, which "
				  "reads up to version %d",
				  version, MANIFEST_VERSION);
	return TRUE;
}

static gboolean
parse_point(const json_t *json, struct manifest *manifest, GError **error)
{
	static const char *const levels[] = {"application", "crash", NULL};
	const json_t *group, *point, *base;
	if (!manifest_object(json, "group", &group, error) ||
	    !manifest_object(json, "point", &point, error) ||
	    !cairn_json_get_object_opt(json, "base", &base, error) ||
	    !manifest_guid(group, "id", &manifest->group_id, error) ||
	    !manifest_text(group, "name", MANIFEST_MAX_NAME, &manifest->group_name, error) ||
	    !manifest_guid(point, "id", &manifest->point_id, error) ||
	    !cairn_json_get_uint(point, "number", MAX_NUMBER, &manifest->point_number, error) ||
	    !manifest_text(point, "created", MANIFEST_MAX_WORD, &manifest->point_created, error) ||
	    !cairn_time_from_iso(manifest->point_created, &manifest->created_usec, error) ||
	    !manifest_word(point, "consistency", levels, &manifest->consistency, error))
		return FALSE;
	if (!base)
		return TRUE;
	if (!manifest_guid(base, "id", &manifest->base_id, error) ||
	    !cairn_json_get_uint(base, "number", MAX_NUMBER, &manifest->base_number, error))
		return FALSE;
	return strcmp(manifest->base_id, manifest->point_id) != 0
		       ? TRUE
		       : cairn_fail(error, CAIRN_ERROR_INVALID, "the point is its own base");
}

struct manifest *
manifest_from_json(const json_t *json, GError **error)
{
	cairn_auto(manifest) manifest = g_new0(struct manifest, 1);
	const json_t *vms;
	manifest->vms = g_ptr_array_new_with_free_func((GDestroyNotify)vm_free);
	if (!parse_format(json, error) || !parse_point(json, manifest, error) ||
	    !cairn_json_get_array_opt(json, "vms", &vms, error) ||
	    !parse_vms(vms, manifest, error)) {
		g_prefix_error(error, "manifest: ");
		return NULL;
	}
	return g_steal_pointer(&manifest);
}

void
manifest_free(struct manifest *manifest)
{
	if (!manifest)
		return;
	g_free(manifest->group_id);
	g_free(manifest->group_name);
	g_free(manifest->point_id);
	g_free(manifest->point_created);
	g_free(manifest->consistency);
	g_free(manifest->base_id);
	g_clear_pointer(&manifest->vms, g_ptr_array_unref);
	g_free(manifest);
}
