/* JSON to struct manifest. The text may come from anywhere: every member is checked here and
 * nowhere else. */
#include "image/manifest.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "base/timefmt.h"

#include <string.h>

#define MAX_WORD   64	/* bytes of a state, a consistency, an algorithm */
#define MAX_REASON 4096 /* bytes of a sentence */
#define HEX_SHA256 64
#define MAX_NUMBER ((guint64)1 << 53) /* of a point: exact in every JSON reader */

static gboolean G_GNUC_PRINTF(2, 3) refuse(GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, text);
	return FALSE;
}

static gboolean
has_control(const char *text)
{
	for (; *text; text++)
		if ((guchar)*text < 0x20 || *text == 0x7f)
			return TRUE;
	return FALSE;
}

/* A text of 1 to @max bytes without control characters; absent is NULL. */
static gboolean
text_opt(const json_t *json, const char *key, gsize max, char **ret_text, GError **error)
{
	const char *text;
	if (!cairn_json_get_string_opt(json, key, &text, error))
		return FALSE;
	if (text && (!*text || strlen(text) > max || has_control(text)))
		return refuse(error, "\"%s\" must be 1 to %" G_GSIZE_FORMAT " printable bytes", key,
			      max);
	*ret_text = g_strdup(text);
	return TRUE;
}

static gboolean
text(const json_t *json, const char *key, gsize max, char **ret_text, GError **error)
{
	const char *any;
	return cairn_json_get_string(json, key, &any, error) &&
	       text_opt(json, key, max, ret_text, error);
}

static gboolean
one_of(const json_t *json, const char *key, const char *const *words, char **ret_text,
       GError **error)
{
	if (!text(json, key, MAX_WORD, ret_text, error))
		return FALSE;
	if (g_strv_contains(words, *ret_text))
		return TRUE;
	return refuse(error, "\"%s\" is \"%s\", which this program does not know", key, *ret_text);
}

static gboolean
guid(const json_t *json, const char *key, char **ret_text, GError **error)
{
	if (!text(json, key, GUID_LEN, ret_text, error))
		return FALSE;
	g_autofree char *upper = cairn_guid_normalize(*ret_text);
	if (upper && strcmp(upper, *ret_text) == 0)
		return TRUE;
	return refuse(error, "\"%s\" must be a GUID in upper case", key);
}

static gboolean
object(const json_t *json, const char *key, const json_t **ret_object, GError **error)
{
	if (!cairn_json_get_object_opt(json, key, ret_object, error))
		return FALSE;
	return *ret_object ? TRUE : refuse(error, "\"%s\" is missing", key);
}

gboolean
manifest_path_ok(const char *path)
{
	if (!path || !*path || strlen(path) > MANIFEST_MAX_PATH || has_control(path))
		return FALSE;
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	for (char **part = parts; *part; part++)
		if (!**part || strcmp(*part, ".") == 0 || strcmp(*part, "..") == 0 ||
		    strlen(*part) > NAME_MAX)
			return FALSE;
	return TRUE;
}

/* A path below the VM's own folder, given to nothing else in the manifest. */
static gboolean
path_of_vm(const json_t *json, const char *vm, GHashTable *seen, char **ret_path, GError **error)
{
	if (!text(json, "path", MANIFEST_MAX_PATH, ret_path, error))
		return FALSE;
	const char *path = *ret_path;
	if (!manifest_path_ok(path))
		return refuse(error, "the path \"%s\" leads out of the export or is not clean",
			      path);
	if (!g_str_has_prefix(path, vm) || path[strlen(vm)] != '/')
		return refuse(error, "the path \"%s\" is not below the VM's folder", path);
	if (!g_hash_table_add(seen, g_strdup(path)))
		return refuse(error, "the path \"%s\" is named twice", path);
	return TRUE;
}

static gboolean
hex_ok(const char *hex)
{
	return *hex && strlen(hex) % 2 == 0 && strspn(hex, "0123456789abcdef") == strlen(hex);
}

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
		return refuse(error, "a file must be an object");
	if (!path_of_vm(json, vm, seen, &file->path, error) ||
	    !cairn_json_get_uint(json, "size", MANIFEST_MAX_SMALL_FILE, &file->size, error) ||
	    !text(json, "sha256", HEX_SHA256, &file->sha256, error))
		return FALSE;
	if (strlen(file->sha256) != HEX_SHA256 || !hex_ok(file->sha256))
		return refuse(error, "\"sha256\" must be 64 lower-case hex digits");
	return TRUE;
}

static void
disk_free(struct manifest_disk *disk)
{
	if (!disk)
		return;
	g_free(disk->target);
	g_free(disk->id);
	g_free(disk->path);
	g_free(disk->reason);
	g_free(disk->source_path);
	g_free(disk->backing);
	g_free(disk->compression);
	g_clear_pointer(&disk->runs, g_array_unref);
	g_free(disk->digests);
	g_free(disk->metadata_digest);
	g_free(disk);
}

static gboolean
parse_runs(const json_t *json, struct manifest_disk *disk, GError **error)
{
	guint64 blocks = disk->size / DIGEST_BLOCK + (disk->size % DIGEST_BLOCK != 0);
	guint64 end = 0;
	for (size_t i = 0; i < json_array_size(json); i++) {
		const json_t *pair = json_array_get(json, i);
		const json_t *first = json_array_get(pair, 0), *count = json_array_get(pair, 1);
		if (json_array_size(pair) != 2 || !json_is_integer(first) ||
		    !json_is_integer(count) || json_integer_value(first) < 0 ||
		    json_integer_value(count) < 1)
			return refuse(error, "a run must be [first block, count]");
		struct manifest_run run = {(guint64)json_integer_value(first),
					   (guint64)json_integer_value(count), disk->n_digests};
		if (run.first < end || run.first > blocks || run.count > blocks - run.first)
			return refuse(error,
				      "the run [%" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT
				      "] is out of order or beyond the disk",
				      run.first, run.count);
		end = run.first + run.count;
		disk->n_digests += run.count;
		g_array_append_val(disk->runs, run);
	}
	return TRUE;
}

/* Strict where g_base64_decode() is lenient: the length must be that of exactly these digests. */
static gboolean
parse_digests(const char *base64, struct manifest_disk *disk, GError **error)
{
	guint64 bytes = disk->n_digests * digest_length(disk->algorithm); /* at most 2^26 * 32 */
	gsize len = strlen(base64), ret_len;
	gsize digits = strspn(base64, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789+/");
	if (len != (bytes + 2) / 3 * 4 || len - digits != (3 - bytes % 3) % 3 ||
	    strspn(base64 + digits, "=") != len - digits)
		return refuse(error,
			      "\"digests\" must be the base64 of %" G_GUINT64_FORMAT " bytes",
			      bytes);
	disk->digests = g_base64_decode(base64, &ret_len);
	return ret_len == bytes ? TRUE : refuse(error, "\"digests\" is not base64");
}

static gboolean
algorithm(const json_t *json, enum digest_algorithm *ret_algorithm, GError **error)
{
	const char *name;
	if (!cairn_json_get_string(json, "algorithm", &name, error))
		return FALSE;
	return digest_from_name(name, ret_algorithm) &&
			       strcmp(name, digest_name(*ret_algorithm)) == 0
		       ? TRUE
		       : refuse(error, "the digest algorithm \"%s\" is not known", name);
}

static gboolean
parse_blocks(const json_t *json, struct manifest_disk *disk, GError **error)
{
	const json_t *blocks, *runs;
	guint64 size;
	const char *base64;
	if (!object(json, "blocks", &blocks, error) ||
	    !cairn_json_get_uint(blocks, "size", G_MAXUINT32, &size, error) ||
	    !algorithm(blocks, &disk->algorithm, error) ||
	    !cairn_json_get_array_opt(blocks, "runs", &runs, error) ||
	    !cairn_json_get_string(blocks, "digests", &base64, error))
		return FALSE;
	if (size != DIGEST_BLOCK)
		return refuse(error, "blocks of %" G_GUINT64_FORMAT " bytes are not known", size);
	if (!runs)
		return refuse(error, "\"runs\" is missing");
	return parse_runs(runs, disk, error) && parse_digests(base64, disk, error);
}

static gboolean
parse_metadata(const json_t *json, struct manifest_disk *disk, GError **error)
{
	const json_t *metadata;
	if (!cairn_json_get_object_opt(json, "metadata", &metadata, error))
		return FALSE;
	if (!metadata)
		return disk->format == MANIFEST_RAW
			       ? TRUE
			       : refuse(error, "\"metadata\" is missing for a qcow2 image");
	if (!algorithm(metadata, &disk->metadata_algorithm, error) ||
	    !text(metadata, "digest", HEX_SHA256, &disk->metadata_digest, error))
		return FALSE;
	return strlen(disk->metadata_digest) == 2 * digest_length(disk->metadata_algorithm) &&
			       hex_ok(disk->metadata_digest)
		       ? TRUE
		       : refuse(error, "the metadata's \"digest\" must be lower-case hex");
}

/* An increment in qcow2 names its base; everything else stands alone. */
static gboolean
check_backing(const struct manifest_disk *disk, const char *base_id, GError **error)
{
	if (disk->incremental && !base_id)
		return refuse(error, "the disk is incremental but the point has no base");
	if (disk->format == MANIFEST_RAW || !disk->incremental)
		return disk->backing ? refuse(error, "\"backing\" must be null for this disk")
				     : TRUE;
	g_autofree char *prefix = g_strdup_printf("../../%s/", base_id);
	if (!disk->backing || !g_str_has_prefix(disk->backing, prefix) ||
	    !manifest_path_ok(disk->backing + strlen(prefix)))
		return refuse(error, "\"backing\" must be a file of the base, \"%s...\"", prefix);
	return TRUE;
}

static gboolean
target_ok(const char *target)
{
	return g_ascii_isalnum(*target) &&
	       strspn(target,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       strlen(target);
}

static gboolean
parse_disk_kind(const json_t *json, struct manifest_disk *disk, GError **error)
{
	static const char *const kinds[] = {"full", "incremental", NULL};
	static const char *const formats[] = {"qcow2", "raw", NULL};
	static const char *const methods[] = {"zstd", NULL};
	g_autofree char *kind = NULL, *format = NULL;
	if (!one_of(json, "kind", kinds, &kind, error) ||
	    !one_of(json, "format", formats, &format, error) ||
	    !text_opt(json, "reason", MAX_REASON, &disk->reason, error) ||
	    !text_opt(json, "backing", MANIFEST_MAX_PATH, &disk->backing, error) ||
	    !text_opt(json, "compression", MAX_WORD, &disk->compression, error))
		return FALSE;
	disk->incremental = strcmp(kind, "incremental") == 0;
	disk->format = strcmp(format, "raw") == 0 ? MANIFEST_RAW : MANIFEST_QCOW2;
	return !disk->compression || g_strv_contains(methods, disk->compression)
		       ? TRUE
		       : refuse(error, "the compression \"%s\" is not known", disk->compression);
}

static gboolean
parse_disk(const json_t *json, const struct manifest_vm *vm, const char *base_id, GHashTable *seen,
	   struct manifest_disk *disk, GError **error)
{
	const json_t *source;
	if (!text(json, "target", MANIFEST_MAX_TARGET, &disk->target, error))
		return FALSE;
	if (!target_ok(disk->target) || manifest_find_disk(vm, disk->target))
		return refuse(error, "\"target\" is \"%s\": not a disk's name, or there twice",
			      disk->target);
	return parse_disk_kind(json, disk, error) &&
	       text_opt(json, "id", MAX_REASON, &disk->id, error) &&
	       path_of_vm(json, vm->id, seen, &disk->path, error) &&
	       cairn_json_get_object_opt(json, "source", &source, error) &&
	       (!source || text_opt(source, "path", MAX_REASON, &disk->source_path, error)) &&
	       cairn_json_get_uint(json, "size", MANIFEST_MAX_DISK_SIZE, &disk->size, error) &&
	       cairn_json_get_uint(json, "file-size", MANIFEST_MAX_FILE_SIZE, &disk->file_size,
				   error) &&
	       check_backing(disk, base_id, error) && parse_blocks(json, disk, error) &&
	       parse_metadata(json, disk, error);
}

static gboolean
parse_disks(const json_t *json, struct manifest_vm *vm, const char *base_id, GHashTable *seen,
	    GError **error)
{
	if (json_array_size(json) > MANIFEST_MAX_DISKS)
		return refuse(error, "more than %d disks", MANIFEST_MAX_DISKS);
	for (size_t i = 0; i < json_array_size(json); i++) {
		struct manifest_disk *disk = g_new0(struct manifest_disk, 1);
		disk->runs = g_array_new(FALSE, FALSE, sizeof(struct manifest_run));
		gboolean ok = parse_disk(json_array_get(json, i), vm, base_id, seen, disk, error);
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
		return refuse(error, "more than %d guest state files", MANIFEST_MAX_GUEST_STATE);
	for (size_t i = 0; i < json_array_size(json); i++) {
		struct manifest_file *file = NULL;
		gboolean ok = parse_file(json_array_get(json, i), vm->id, seen, &file, error);
		g_ptr_array_add(vm->guest_state, file);
		if (!ok)
			return FALSE;
		/* What the path must begin with lets restore put it beside its own files. */
		if (!g_str_has_prefix(file->path + GUID_LEN + 1, MANIFEST_GUEST_STATE "/"))
			return refuse(error, "\"%s\" is not below \"" MANIFEST_GUEST_STATE "\"",
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
	if (!text(json, "name", MANIFEST_MAX_NAME, &vm->name, error) ||
	    !guid(json, "id", &vm->id, error) ||
	    !one_of(json, "state", states, &vm->state, error) ||
	    !one_of(json, "consistency", levels, &vm->consistency, error) ||
	    !object(json, "config", &config, error) ||
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
	vm->disks = g_ptr_array_new_with_free_func((GDestroyNotify)disk_free);
	return vm;
}

static gboolean
parse_vms(const json_t *json, struct manifest *manifest, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!json || json_array_size(json) > MANIFEST_MAX_VMS)
		return refuse(error, "\"vms\" must be an array of at most %d", MANIFEST_MAX_VMS);
	for (size_t i = 0; i < json_array_size(json); i++) {
		struct manifest_vm *vm = vm_new();
		gboolean ok = parse_vm(json_array_get(json, i), manifest->base_id, seen, vm, error);
		if (ok && manifest_find_vm(manifest, vm->id))
			ok = refuse(error, "the id %s is there twice", vm->id);
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
		return refuse(error, "the format is \"%s\", not \"" MANIFEST_FORMAT "\"", format);
	if (version < 1 || version > MANIFEST_VERSION)
		return refuse(error,
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
	if (!object(json, "group", &group, error) || !object(json, "point", &point, error) ||
	    !cairn_json_get_object_opt(json, "base", &base, error) ||
	    !guid(group, "id", &manifest->group_id, error) ||
	    !text(group, "name", MANIFEST_MAX_NAME, &manifest->group_name, error) ||
	    !guid(point, "id", &manifest->point_id, error) ||
	    !cairn_json_get_uint(point, "number", MAX_NUMBER, &manifest->point_number, error) ||
	    !text(point, "created", MAX_WORD, &manifest->point_created, error) ||
	    !cairn_time_from_iso(manifest->point_created, &manifest->created_usec, error) ||
	    !one_of(point, "consistency", levels, &manifest->consistency, error))
		return FALSE;
	if (!base)
		return TRUE;
	if (!guid(base, "id", &manifest->base_id, error) ||
	    !cairn_json_get_uint(base, "number", MAX_NUMBER, &manifest->base_number, error))
		return FALSE;
	return strcmp(manifest->base_id, manifest->point_id) != 0
		       ? TRUE
		       : refuse(error, "the point is its own base");
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
