/* Checked members of the manifest: shared by its parser's two files, and by nobody else. */
#pragma once

#include "image/manifest.h"

#define MANIFEST_MAX_WORD   64	 /* bytes of a state, a consistency, a format */
#define MANIFEST_MAX_REASON 4096 /* bytes of a sentence */
#define MANIFEST_HEX_SHA256 64

/* A text of 1 to @max bytes without control characters, the caller's with g_free(); absent or null
 * is NULL for _opt. */
gboolean manifest_text(const json_t *json, const char *key, gsize max, char **ret_text,
		       GError **error);
gboolean manifest_text_opt(const json_t *json, const char *key, gsize max, char **ret_text,
			   GError **error);
/* One of @words. */
gboolean manifest_word(const json_t *json, const char *key, const char *const *words,
		       char **ret_text, GError **error);
/* A GUID in upper case. */
gboolean manifest_guid(const json_t *json, const char *key, char **ret_text, GError **error);
/* Borrowed. */
gboolean manifest_object(const json_t *json, const char *key, const json_t **ret_object,
			 GError **error);
/* "path": below the folder of VM @vm, and not in @seen, to which it is added. */
gboolean manifest_vm_path(const json_t *json, const char *vm, GHashTable *seen, char **ret_path,
			  GError **error);
gboolean manifest_hex_ok(const char *hex);

/* Fills @disk, an empty one of @vm whose target is not yet among its disks. @base_id may be NULL.
 */
gboolean manifest_parse_disk(const json_t *json, const struct manifest_vm *vm, const char *base_id,
			     GHashTable *seen, struct manifest_disk *disk, GError **error);
void manifest_disk_free(struct manifest_disk *disk);
