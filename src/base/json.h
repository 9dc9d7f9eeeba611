/* Reading jansson values that came from outside: each getter names the member that was wrong. */
#pragma once

#include <glib.h>
#include <jansson.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* Numbers travel as JSON integers, which jansson keeps as signed 64 bits. */
#define JSON_MAX_UINT ((guint64)G_MAXINT64)

/* Parses one JSON object of @len bytes. Returns a new reference, or NULL with INVALID and the
 * place. */
json_t *cairn_json_parse(const char *text, gsize len, GError **error);

/* One line of text without a newline; the caller frees it with g_free(). Keys stay in order. */
char *cairn_json_dump(const json_t *value);
/* The same with two-space indents and a final newline, for files that people read. */
char *cairn_json_pretty(const json_t *value);

/* Member getters. The value is borrowed from @object. An absent or null member is INVALID for the
 * plain form; the _opt form sets @ret_value to NULL, 0 or @fallback and succeeds. A member of the
 * wrong type, a string with NUL, a number below 0 or over @max is INVALID in both. */
gboolean cairn_json_get_string(const json_t *object, const char *key, const char **ret_value,
			       GError **error);
gboolean cairn_json_get_string_opt(const json_t *object, const char *key, const char **ret_value,
				   GError **error);
gboolean cairn_json_get_uint(const json_t *object, const char *key, guint64 max, guint64 *ret_value,
			     GError **error);
gboolean cairn_json_get_uint_opt(const json_t *object, const char *key, guint64 max,
				 guint64 fallback, guint64 *ret_value, GError **error);
gboolean cairn_json_get_bool_opt(const json_t *object, const char *key, gboolean fallback,
				 gboolean *ret_value, GError **error);
/* Arrays and objects are borrowed; _opt gives NULL when absent. */
gboolean cairn_json_get_array_opt(const json_t *object, const char *key, const json_t **ret_value,
				  GError **error);
gboolean cairn_json_get_object_opt(const json_t *object, const char *key, const json_t **ret_value,
				   GError **error);
/* A NULL-terminated copy of an array of strings (empty when absent); free with g_strfreev(). */
gboolean cairn_json_get_strv_opt(const json_t *object, const char *key, char ***ret_value,
				 GError **error);

/* Setters for objects we build; NULL text is stored as null. They cannot fail but for lack of
 * memory, which ends the program as everywhere in GLib. */
void cairn_json_set_string(json_t *object, const char *key, const char *value);
void cairn_json_set_uint(json_t *object, const char *key, guint64 value);
/* ISO 8601 of microseconds since 1970; 0, which is no time, is stored as null. */
void cairn_json_set_time(json_t *object, const char *key, gint64 usec);
/* The same in CIM's form (DSP0004 5.2.4), and a span of microseconds as its interval. */
void cairn_json_set_time_cim(json_t *object, const char *key, gint64 usec);
void cairn_json_set_interval_cim(json_t *object, const char *key, gint64 usec);
void cairn_json_set_bool(json_t *object, const char *key, gboolean value);
void cairn_json_set_real(json_t *object, const char *key, double value);
/* Takes over the reference @value. */
void cairn_json_set(json_t *object, const char *key, json_t *value);
void cairn_json_set_strv(json_t *object, const char *key, char *const *value);
