/* The manifest as a file: reading, writing durably, finding things in it; see manifest.h. */
#include "image/manifest.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUM_LINE_MAX 256
#define HASH_CHUNK   ((gsize)256 << 10)

struct manifest *
manifest_parse(const char *text, gsize len, GError **error)
{
	if (len > MANIFEST_MAX_BYTES) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "manifest: over %" G_GSIZE_FORMAT " bytes", MANIFEST_MAX_BYTES);
		return NULL;
	}
	g_autoptr(json_t) json = cairn_json_parse(text, len, error);
	return json ? manifest_from_json(json, error) : NULL;
}

gboolean
manifest_check(const json_t *json, GError **error)
{
	cairn_auto(manifest) manifest = manifest_from_json(json, error);
	return manifest != NULL;
}

static char *
sum_line(const char *text, gsize len)
{
	g_autofree char *sum =
		g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, len);
	return g_strdup_printf("%s  " MANIFEST_NAME "\n", sum);
}

static gboolean
check_sum_line(const char *dir, const char *text, gsize len, GError **error)
{
	g_autofree char *path = g_build_filename(dir, MANIFEST_SUM, NULL);
	g_autofree char *expected = sum_line(text, len), *found = NULL;
	gsize found_len;
	if (!cairn_file_read(path, SUM_LINE_MAX, &found, &found_len, error))
		return FALSE;
	if (found_len == strlen(expected) && memcmp(found, expected, found_len) == 0)
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_IO,
		    "\"%s/" MANIFEST_NAME "\" is not the file that \"" MANIFEST_SUM
		    "\" beside it was made of",
		    dir);
	return FALSE;
}

struct manifest *
manifest_load(const char *dir, gboolean check_sum, GError **error)
{
	g_autofree char *path = g_build_filename(dir, MANIFEST_NAME, NULL);
	g_autofree char *text = NULL;
	gsize len;
	if (!cairn_file_read(path, MANIFEST_MAX_BYTES, &text, &len, error))
		return NULL;
	if (check_sum && !check_sum_line(dir, text, len, error))
		return NULL;
	struct manifest *manifest = manifest_parse(text, len, error);
	if (!manifest)
		g_prefix_error(error, "\"%s\": ", path);
	return manifest;
}

gboolean
manifest_write(const char *dir, const json_t *json, GError **error)
{
	if (!manifest_check(json, error))
		return FALSE;
	g_autofree char *text = cairn_json_pretty(json);
	g_autofree char *line = sum_line(text, strlen(text));
	g_autofree char *path = g_build_filename(dir, MANIFEST_NAME, NULL);
	g_autofree char *sum_path = g_build_filename(dir, MANIFEST_SUM, NULL);
	return cairn_file_replace(sum_path, line, strlen(line), 0644, error) &&
	       cairn_file_replace(path, text, strlen(text), 0644, error);
}

static gboolean
hash_fd(int fd, GChecksum *checksum, guint64 *ret_size, GError **error)
{
	g_autofree guint8 *chunk = g_malloc(HASH_CHUNK);
	for (*ret_size = 0;;) {
		ssize_t n = read(fd, chunk, HASH_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cairn_set_errno(error, errno, "cannot read");
			return FALSE;
		}
		if (n == 0)
			return TRUE;
		*ret_size += (guint64)n;
		if (*ret_size > MANIFEST_MAX_SMALL_FILE) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
				    "over %" G_GUINT64_FORMAT " bytes", MANIFEST_MAX_SMALL_FILE);
			return FALSE;
		}
		g_checksum_update(checksum, chunk, n);
	}
}

json_t *
manifest_describe_file(const char *dir, const char *path, GError **error)
{
	g_autofree char *full = g_build_filename(dir, path, NULL);
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	guint64 size;
	if (!manifest_path_ok(path)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "\"%s\" is not a path inside an export", path);
		return NULL;
	}
	CAIRN_AUTO_FD int fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot open \"%s\"", full);
		return NULL;
	}
	if (!hash_fd(fd, checksum, &size, error)) {
		g_prefix_error(error, "\"%s\": ", full);
		return NULL;
	}
	json_t *json = json_object();
	cairn_json_set_string(json, "path", path);
	cairn_json_set_uint(json, "size", size);
	cairn_json_set_string(json, "sha256", g_checksum_get_string(checksum));
	return json;
}

const struct manifest_vm *
manifest_find_vm(const struct manifest *manifest, const char *vm)
{
	for (guint i = 0; i < manifest->vms->len; i++) {
		const struct manifest_vm *candidate = g_ptr_array_index(manifest->vms, i);
		if (g_strcmp0(candidate->id, vm) == 0)
			return candidate;
	}
	return NULL;
}

const struct manifest_disk *
manifest_find_disk(const struct manifest_vm *vm, const char *target)
{
	for (guint i = 0; i < vm->disks->len; i++) {
		const struct manifest_disk *candidate = g_ptr_array_index(vm->disks, i);
		if (g_strcmp0(candidate->target, target) == 0)
			return candidate;
	}
	return NULL;
}

char *
manifest_backing_name(const char *base_id, const struct manifest_disk *base_disk)
{
	return g_strdup_printf("../../%s/%s", base_id, base_disk->path);
}
