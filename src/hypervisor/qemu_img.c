/* Running qemu-img; see qemu_img.h. */
#include "hypervisor/qemu_img.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>
#include <sys/wait.h>

/* As libvirt's checkpoints: QEMU's default for clusters of 64 KiB. */
#define GRANULARITY "65536"
/* 65535 bitmaps are the format's limit; one needs about 150 bytes of text. */
#define INFO_MAX (16 * 1024 * 1024)

/* The last line of what a program said, without its own name. */
static char *
last_words(const char *text)
{
	g_autofree char *copy = g_strchomp(g_strdup(text ? text : ""));
	g_strdelimit(copy, "\n", ' ');
	const char *words = g_str_has_prefix(copy, "qemu-img: ") ? copy + 10 : copy;
	return g_strdup(*words ? words : "no reason given");
}

static gboolean
run(const char *const *argv, char **ret_output, GError **error)
{
	g_autofree char *output = NULL, *said = NULL;
	int status = 0;
	if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
			  &said, &status, error)) {
		g_prefix_error(error, "cannot run qemu-img: ");
		return FALSE;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		g_autofree char *why = last_words(said);
		gboolean locked = strstr(why, "lock") != NULL;
		g_set_error(error, CAIRN_ERROR, locked ? CAIRN_ERROR_BUSY : CAIRN_ERROR_IO,
			    "qemu-img %s: %s", argv[1], why);
		return FALSE;
	}
	if (ret_output)
		*ret_output = g_steal_pointer(&output);
	return TRUE;
}

gboolean
qemu_img_create(const char *path, guint64 size, GError **error)
{
	g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, size);
	const char *argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", path, bytes, NULL};
	return run(argv, NULL, error);
}

gboolean
qemu_img_bitmap_add(const char *path, const char *name, GError **error)
{
	const char *argv[] = {"qemu-img", "bitmap",    "--add", "-f", "qcow2",
			      "-g",	  GRANULARITY, path,	name, NULL};
	return run(argv, NULL, error);
}

gboolean
qemu_img_bitmap_remove(const char *path, const char *name, GError **error)
{
	const char *argv[] = {"qemu-img", "bitmap", "--remove", "-f", "qcow2", path, name, NULL};
	return run(argv, NULL, error);
}

static const json_t *
find_bitmap(const json_t *info, const char *name)
{
	const json_t *specific = json_object_get(info, "format-specific");
	const json_t *bitmaps = json_object_get(json_object_get(specific, "data"), "bitmaps");
	for (gsize i = 0; i < json_array_size(bitmaps); i++) {
		const json_t *bitmap = json_array_get(bitmaps, i);
		if (g_strcmp0(json_string_value(json_object_get(bitmap, "name")), name) == 0)
			return bitmap;
	}
	return NULL;
}

static gboolean
has_flag(const json_t *bitmap, const char *flag)
{
	const json_t *flags = json_object_get(bitmap, "flags");
	for (gsize i = 0; i < json_array_size(flags); i++)
		if (g_strcmp0(json_string_value(json_array_get(flags, i)), flag) == 0)
			return TRUE;
	return FALSE;
}

gboolean
qemu_img_bitmap_state(const char *path, const char *name, enum qemu_bitmap *ret_state,
		      GError **error)
{
	/* -U: our own read-only server may have it open. */
	const char *argv[] = {"qemu-img", "info", "-U", "-f", "qcow2", "--output=json", path, NULL};
	g_autofree char *text = NULL;
	if (!run(argv, &text, error))
		return FALSE;
	gsize len = strlen(text);
	g_autoptr(json_t) info = len <= INFO_MAX ? cairn_json_parse(text, len, error) : NULL;
	if (!info) {
		if (error && !*error)
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
				    "qemu-img tells too much about \"%s\"", path);
		return FALSE;
	}
	const json_t *bitmap = find_bitmap(info, name);
	*ret_state = !bitmap			  ? QEMU_BITMAP_ABSENT
		     : has_flag(bitmap, "in-use") ? QEMU_BITMAP_BROKEN
						  : QEMU_BITMAP_GOOD;
	return TRUE;
}
