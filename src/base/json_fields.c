/* See json_fields.h. */
#include "base/json_fields.h"

#include "base/json.h"

static void
put(json_t *json, const char *key, enum json_field_type type, gconstpointer at, gboolean for_people)
{
	switch (type) {
	case JSON_FIELD_TEXT:
		cairn_json_set_string(json, key, *(char *const *)at);
		break;
	case JSON_FIELD_NUMBER:
		cairn_json_set_uint(json, key, *(const guint64 *)at);
		break;
	case JSON_FIELD_TIME:
		if (for_people)
			cairn_json_set_time(json, key, *(const gint64 *)at);
		else
			cairn_json_set_uint(json, key, (guint64) * (const gint64 *)at);
		break;
	case JSON_FIELD_SPAN:
		cairn_json_set_uint(json, key, (guint64) * (const gint64 *)at);
		break;
	case JSON_FIELD_BOOLEAN:
		cairn_json_set_bool(json, key, *(const gboolean *)at);
		break;
	case JSON_FIELD_STRINGS:
		cairn_json_set_strv(json, key, *(char **const *)at);
		break;
	}
}

void
json_fields_put(json_t *json, gconstpointer object, const struct json_field *fields,
		gboolean for_people)
{
	for (; fields->key; fields++)
		put(json, fields->key, fields->type, (const char *)object + fields->offset,
		    for_people);
}

static gboolean
get(const json_t *json, const char *key, enum json_field_type type, gpointer at, GError **error)
{
	const char *text;
	guint64 number;
	switch (type) {
	case JSON_FIELD_TEXT:
		if (!cairn_json_get_string_opt(json, key, &text, error))
			return FALSE;
		*(char **)at = g_strdup(text);
		return TRUE;
	case JSON_FIELD_NUMBER:
		return cairn_json_get_uint_opt(json, key, JSON_MAX_UINT, 0, at, error);
	case JSON_FIELD_TIME:
	case JSON_FIELD_SPAN:
		if (!cairn_json_get_uint_opt(json, key, JSON_MAX_UINT, 0, &number, error))
			return FALSE;
		*(gint64 *)at = (gint64)number;
		return TRUE;
	case JSON_FIELD_BOOLEAN: /* what an older store does not say is as in a new object */
		return cairn_json_get_bool_opt(json, key, *(gboolean *)at, at, error);
	case JSON_FIELD_STRINGS:
		g_clear_pointer((char ***)at, g_strfreev);
		return cairn_json_get_strv_opt(json, key, at, error);
	}
	return FALSE;
}

gboolean
json_fields_get(const json_t *json, gpointer object, const struct json_field *fields,
		GError **error)
{
	for (; fields->key; fields++)
		if (!get(json, fields->key, fields->type, (char *)object + fields->offset, error))
			return FALSE;
	return TRUE;
}
