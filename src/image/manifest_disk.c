/* One disk of a manifest: kind, image, digests. */
#include "image/manifest_fields.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

void
manifest_disk_free(struct manifest_disk *disk)
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
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "a run must be [first block, count]");
		struct manifest_run run = {(guint64)json_integer_value(first),
					   (guint64)json_integer_value(count), disk->n_digests};
		if (run.first < end || run.first > blocks || run.count > blocks - run.first)
			return cairn_fail(error, CAIRN_ERROR_INVALID,
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
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "\"digests\" must be the base64 of %" G_GUINT64_FORMAT " bytes",
				  bytes);
	disk->digests = g_base64_decode(base64, &ret_len);
	return ret_len == bytes
		       ? TRUE
		       : cairn_fail(error, CAIRN_ERROR_INVALID, "\"digests\" is not base64");
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
		       : cairn_fail(error, CAIRN_ERROR_INVALID,
				    "the digest algorithm \"%s\" is not known", name);
}

static gboolean
parse_blocks(const json_t *json, struct manifest_disk *disk, GError **error)
{
	const json_t *blocks, *runs;
	guint64 size;
	const char *base64;
	if (!manifest_object(json, "blocks", &blocks, error) ||
	    !cairn_json_get_uint(blocks, "size", G_MAXUINT32, &size, error) ||
	    !algorithm(blocks, &disk->algorithm, error) ||
	    !cairn_json_get_array_opt(blocks, "runs", &runs, error) ||
	    !cairn_json_get_string(blocks, "digests", &base64, error))
		return FALSE;
	if (size != DIGEST_BLOCK)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "blocks of %" G_GUINT64_FORMAT " bytes are not known", size);
	if (!runs)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "\"runs\" is missing");
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
			       : cairn_fail(error, CAIRN_ERROR_INVALID,
					    "\"metadata\" is missing for a qcow2 image");
	if (!algorithm(metadata, &disk->metadata_algorithm, error) ||
	    !manifest_text(metadata, "digest", MANIFEST_HEX_SHA256, &disk->metadata_digest, error))
		return FALSE;
	return strlen(disk->metadata_digest) == 2 * digest_length(disk->metadata_algorithm) &&
			       manifest_hex_ok(disk->metadata_digest)
		       ? TRUE
		       : cairn_fail(error, CAIRN_ERROR_INVALID,
				    "the metadata's \"digest\" must be lower-case hex");
}

/* An increment in qcow2 names its base; everything else stands alone. */
static gboolean
check_backing(const struct manifest_disk *disk, const char *base_id, GError **error)
{
	if (disk->incremental && !base_id)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "the disk is incremental but the point has no base");
	if (disk->format == MANIFEST_RAW || !disk->incremental)
		return disk->backing ? cairn_fail(error, CAIRN_ERROR_INVALID,
						  "\"backing\" must be null for this disk")
				     : TRUE;
	g_autofree char *prefix = g_strdup_printf("../../%s/", base_id);
	if (!disk->backing || !g_str_has_prefix(disk->backing, prefix) ||
	    !manifest_path_ok(disk->backing + strlen(prefix)))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "\"backing\" must be a file of the base, \"%s...\"", prefix);
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
	if (!manifest_word(json, "kind", kinds, &kind, error) ||
	    !manifest_word(json, "format", formats, &format, error) ||
	    !manifest_text_opt(json, "reason", MANIFEST_MAX_REASON, &disk->reason, error) ||
	    !manifest_text_opt(json, "backing", MANIFEST_MAX_PATH, &disk->backing, error) ||
	    !manifest_text_opt(json, "compression", MANIFEST_MAX_WORD, &disk->compression, error))
		return FALSE;
	disk->incremental = strcmp(kind, "incremental") == 0;
	disk->format = strcmp(format, "raw") == 0 ? MANIFEST_RAW : MANIFEST_QCOW2;
	return !disk->compression || g_strv_contains(methods, disk->compression)
		       ? TRUE
		       : cairn_fail(error, CAIRN_ERROR_INVALID,
				    "the compression \"%s\" is not known", disk->compression);
}

gboolean
manifest_parse_disk(const json_t *json, const struct manifest_vm *vm, const char *base_id,
		    GHashTable *seen, struct manifest_disk *disk, GError **error)
{
	const json_t *source;
	if (!manifest_text(json, "target", MANIFEST_MAX_TARGET, &disk->target, error))
		return FALSE;
	if (!target_ok(disk->target) || manifest_find_disk(vm, disk->target))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "\"target\" is \"%s\": not a disk's name, or there twice",
				  disk->target);
	return parse_disk_kind(json, disk, error) &&
	       manifest_text_opt(json, "id", MANIFEST_MAX_REASON, &disk->id, error) &&
	       manifest_vm_path(json, vm->id, seen, &disk->path, error) &&
	       cairn_json_get_object_opt(json, "source", &source, error) &&
	       (!source || manifest_text_opt(source, "path", MANIFEST_MAX_REASON,
					     &disk->source_path, error)) &&
	       cairn_json_get_uint(json, "size", MANIFEST_MAX_DISK_SIZE, &disk->size, error) &&
	       cairn_json_get_uint(json, "file-size", MANIFEST_MAX_FILE_SIZE, &disk->file_size,
				   error) &&
	       check_backing(disk, base_id, error) && parse_blocks(json, disk, error) &&
	       parse_metadata(json, disk, error);
}
