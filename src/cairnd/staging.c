#include "cairnd/staging.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define RESULT_MAX (512 << 20) /* bytes: it carries a digest for each MiB */

char *
staging_result(const char *image)
{
	return g_strconcat(image, ".result", NULL);
}

static gboolean
has_text(const json_t *object, const char *key, const char *want)
{
	const json_t *value = json_object_get(object, key);
	return want ? g_strcmp0(json_string_value(value), want) == 0 : json_is_null(value);
}

/* The point is the same, as the folder is named after it; the rest the request says. */
static gboolean
is_wanted(const json_t *result, const char *image, const struct job *job,
	  const struct job_disk *disk, const char *backing)
{
	/* The request's word and the result's name of it. */
	gboolean sha256 = g_strcmp0(job->digest, "sha256") == 0;
	GStatBuf info;
	guint64 size;
	return g_stat(image, &info) == 0 &&
	       cairn_json_get_uint(result, "file-size", JSON_MAX_UINT, &size, NULL) &&
	       (guint64)info.st_size == size && has_text(result, "format", job->format) &&
	       has_text(result, "kind", disk->incremental ? "incremental" : "full") &&
	       has_text(result, "backing", backing) &&
	       has_text(result, "compression", job->compress) &&
	       has_text(json_object_get(result, "blocks"), "algorithm",
			sha256 ? "sha256" : "xxh3-64");
}

json_t *
staging_read_result(const char *image, GError **error)
{
	g_autofree char *path = staging_result(image);
	g_autofree char *text = NULL;
	gsize len;
	if (!cairn_file_read(path, RESULT_MAX, &text, &len, error))
		return NULL;
	return cairn_json_parse(text, len, error);
}

gboolean
staging_finished(const char *image, const struct job *job, const struct job_disk *disk,
		 const char *backing)
{
	g_autofree char *path = staging_result(image);
	if (!g_file_test(image, G_FILE_TEST_EXISTS))
		return FALSE;
	g_autoptr(json_t) result = staging_read_result(image, NULL);
	if (result && is_wanted(result, image, job, disk, backing))
		return TRUE;
	(void)unlink(image);
	(void)unlink(path);
	return FALSE;
}

/* An image of @job, or its result. */
static gboolean
is_image(const struct job *job, const char *vm, const char *name)
{
	for (guint i = 0; i < job->disks->len; i++) {
		const struct job_disk *disk = job->disks->pdata[i];
		g_autofree char *image = g_strdup_printf("%s.%s", disk->target, job->format);
		g_autofree char *result = staging_result(image);
		if (strcmp(disk->vm, vm) == 0 &&
		    (strcmp(image, name) == 0 || strcmp(result, name) == 0))
			return TRUE;
	}
	return FALSE;
}

static gboolean
tidy_vm(const char *folder, const struct job *job, const char *vm, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
	const char *name;
	if (!dir)
		return FALSE;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (!is_image(job, vm, name) && !cairn_remove_tree(path, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
has_disk_of(const struct job *job, const char *vm)
{
	for (guint i = 0; i < job->disks->len; i++)
		if (strcmp(((struct job_disk *)job->disks->pdata[i])->vm, vm) == 0)
			return TRUE;
	return FALSE;
}

gboolean
staging_tidy(const char *staging, const struct job *job, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(staging, 0, error);
	const char *name;
	if (!dir)
		return FALSE;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(staging, name, NULL);
		gboolean ok = has_disk_of(job, name) ? tidy_vm(path, job, name, error)
						     : cairn_remove_tree(path, error);
		if (!ok)
			return FALSE;
	}
	return TRUE;
}

gboolean
staging_drop_results(const char *staging, const struct job *job, GError **error)
{
	for (guint i = 0; i < job->disks->len; i++) {
		const struct job_disk *disk = job->disks->pdata[i];
		g_autofree char *name = g_strdup_printf("%s.%s", disk->target, job->format);
		g_autofree char *image = g_build_filename(staging, disk->vm, name, NULL);
		g_autofree char *path = staging_result(image);
		if (unlink(path) < 0 && errno != ENOENT) {
			cairn_set_errno(error, errno, "cannot remove \"%s\"", path);
			return FALSE;
		}
	}
	return TRUE;
}
