/* Checked members of the manifest; see manifest_fields.h. */
#include "image/manifest_fields.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"

#include <limits.h>
#include <string.h>

static gboolean
has_control(const char *text)
{
	for (; *text; text++)
		if ((guchar)*text < 0x20 || *text == 0x7f)
			return TRUE;
	return FALSE;
}

gboolean
manifest_text_opt(const json_t *json, const char *key, gsize max, char **ret_text, GError **error)
{
	const char *text;
	if (!cairn_json_get_string_opt(json, key, &text, error))
		return FALSE;
	if (text && (!*text || strlen(text) > max || has_control(text)))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "\"%s\" must be 1 to %" G_GSIZE_FORMAT " printable bytes", key,
				  max);
	*ret_text = g_strdup(text);
	return TRUE;
}

gboolean
manifest_text(const json_t *json, const char *key, gsize max, char **ret_text, GError **error)
{
	const char *any;
	return cairn_json_get_string(json, key, &any, error) &&
	       manifest_text_opt(json, key, max, ret_text, error);
}

gboolean
manifest_word(const json_t *json, const char *key, const char *const *words, char **ret_text,
	      GError **error)
{
	if (!manifest_text(json, key, MANIFEST_MAX_WORD, ret_text, error))
		return FALSE;
	if (g_strv_contains(words, *ret_text))
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_INVALID,
			  "\"%s\" is \"%s\", which this program does not know", key, *ret_text);
}

gboolean
manifest_guid(const json_t *json, const char *key, char **ret_text, GError **error)
{
	if (!manifest_text(json, key, GUID_LEN, ret_text, error))
		return FALSE;
	g_autofree char *upper = cairn_guid_normalize(*ret_text);
	if (upper && strcmp(upper, *ret_text) == 0)
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_INVALID, "\"%s\" must be a GUID in upper case", key);
}

gboolean
manifest_object(const json_t *json, const char *key, const json_t **ret_object, GError **error)
{
	if (!cairn_json_get_object_opt(json, key, ret_object, error))
		return FALSE;
	return *ret_object ? TRUE
			   : cairn_fail(error, CAIRN_ERROR_INVALID, "\"%s\" is missing", key);
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

gboolean
manifest_vm_path(const json_t *json, const char *vm, GHashTable *seen, char **ret_path,
		 GError **error)
{
	if (!manifest_text(json, "path", MANIFEST_MAX_PATH, ret_path, error))
		return FALSE;
	const char *path = *ret_path;
	if (!manifest_path_ok(path))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "the path \"%s\" leads out of the export or is not clean", path);
	if (!g_str_has_prefix(path, vm) || path[strlen(vm)] != '/')
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "the path \"%s\" is not below the VM's folder", path);
	if (!g_hash_table_add(seen, g_strdup(path)))
		return cairn_fail(error, CAIRN_ERROR_INVALID, "the path \"%s\" is named twice",
				  path);
	return TRUE;
}

gboolean
manifest_hex_ok(const char *hex)
{
	return *hex && strlen(hex) % 2 == 0 && strspn(hex, "0123456789abcdef") == strlen(hex);
}
