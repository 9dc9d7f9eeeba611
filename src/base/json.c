/* Typed access to jansson values with errors that name the member. */
#include "base/json.h"

#include "base/error.h"
#include "base/timefmt.h"

json_t *
cairn_json_parse(const char *text, gsize len, GError **error)
{
	json_error_t where;
	json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!value) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "not valid JSON at line %d, column %d: %s", where.line, where.column,
			    where.text);
		return NULL;
	}
	if (!json_is_object(value)) {
		json_decref(value);
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "a JSON object is expected");
		return NULL;
	}
	return value;
}

/* jansson allocates with malloc; GLib's g_free() is free() since 2.46, so the text can be handed
 * on. */
char *
cairn_json_dump(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	g_assert(text);
	return text;
}

char *
cairn_json_pretty(const json_t *value)
{
	g_autofree char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
	g_assert(text);
	return g_strconcat(text, "\n", NULL);
}

static gboolean
wrong(GError **error, const char *key, const char *expected)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "\"%s\" must be %s", key, expected);
	return FALSE;
}

static gboolean
missing(GError **error, const char *key)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "\"%s\" is missing", key);
	return FALSE;
}

static const json_t *
member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return json_is_null(value) ? NULL : value;
}

gboolean
cairn_json_get_string_opt(const json_t *object, const char *key, const char **ret_value,
			  GError **error)
{
	const json_t *value = member(object, key);
	if (value && !json_is_string(value))
		return wrong(error, key, "a string");
	*ret_value = json_string_value(value);
	return TRUE;
}

gboolean
cairn_json_get_string(const json_t *object, const char *key, const char **ret_value, GError **error)
{
	if (!member(object, key))
		return missing(error, key);
	return cairn_json_get_string_opt(object, key, ret_value, error);
}

gboolean
cairn_json_get_uint_opt(const json_t *object, const char *key, guint64 max, guint64 fallback,
			guint64 *ret_value, GError **error)
{
	const json_t *value = member(object, key);
	if (!value) {
		*ret_value = fallback;
		return TRUE;
	}
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (guint64)json_integer_value(value) > max) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "\"%s\" must be a whole number from 0 to %" G_GUINT64_FORMAT, key, max);
		return FALSE;
	}
	*ret_value = (guint64)json_integer_value(value);
	return TRUE;
}

gboolean
cairn_json_get_uint(const json_t *object, const char *key, guint64 max, guint64 *ret_value,
		    GError **error)
{
	if (!member(object, key))
		return missing(error, key);
	return cairn_json_get_uint_opt(object, key, max, 0, ret_value, error);
}

gboolean
cairn_json_get_bool_opt(const json_t *object, const char *key, gboolean fallback,
			gboolean *ret_value, GError **error)
{
	const json_t *value = member(object, key);
	if (value && !json_is_boolean(value))
		return wrong(error, key, "true or false");
	*ret_value = value ? json_is_true(value) : fallback;
	return TRUE;
}

gboolean
cairn_json_get_array_opt(const json_t *object, const char *key, const json_t **ret_value,
			 GError **error)
{
	const json_t *value = member(object, key);
	if (value && !json_is_array(value))
		return wrong(error, key, "an array");
	*ret_value = value;
	return TRUE;
}

gboolean
cairn_json_get_object_opt(const json_t *object, const char *key, const json_t **ret_value,
			  GError **error)
{
	const json_t *value = member(object, key);
	if (value && !json_is_object(value))
		return wrong(error, key, "an object");
	*ret_value = value;
	return TRUE;
}

gboolean
cairn_json_get_strv_opt(const json_t *object, const char *key, char ***ret_value, GError **error)
{
	const json_t *array;
	if (!cairn_json_get_array_opt(object, key, &array, error))
		return FALSE;
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));
		if (!text)
			return wrong(error, key, "an array of strings");
		g_strv_builder_add(builder, text);
	}
	*ret_value = g_strv_builder_end(builder);
	return TRUE;
}

void
cairn_json_set(json_t *object, const char *key, json_t *value)
{
	int rc = json_object_set_new(object, key, value);
	g_assert(rc == 0);
}

void
cairn_json_set_string(json_t *object, const char *key, const char *value)
{
	/* Bytes that are not UTF-8 (a file name, a libvirt message) become U+FFFD: never lost
	 * whole. */
	g_autofree char *valid = value ? g_utf8_make_valid(value, -1) : NULL;
	cairn_json_set(object, key, valid ? json_string(valid) : json_null());
}

void
cairn_json_set_uint(json_t *object, const char *key, guint64 value)
{
	cairn_json_set(object, key, json_integer((json_int_t)MIN(value, JSON_MAX_UINT)));
}

void
cairn_json_set_time(json_t *object, const char *key, gint64 usec)
{
	g_autofree char *text = usec ? cairn_time_iso(usec) : NULL;
	cairn_json_set_string(object, key, text);
}

void
cairn_json_set_time_cim(json_t *object, const char *key, gint64 usec)
{
	g_autofree char *text = usec ? cairn_time_cim(usec) : NULL;
	cairn_json_set_string(object, key, text);
}

void
cairn_json_set_interval_cim(json_t *object, const char *key, gint64 usec)
{
	g_autofree char *text = cairn_interval_cim(usec);
	cairn_json_set_string(object, key, text);
}

void
cairn_json_set_bool(json_t *object, const char *key, gboolean value)
{
	cairn_json_set(object, key, json_boolean(value));
}

void
cairn_json_set_real(json_t *object, const char *key, double value)
{
	cairn_json_set(object, key, json_real(value));
}

void
cairn_json_set_strv(json_t *object, const char *key, char *const *value)
{
	json_t *array = json_array();
	for (; value && *value; value++) {
		g_autofree char *valid = g_utf8_make_valid(*value, -1);
		json_array_append_new(array, json_string(valid));
	}
	cairn_json_set(object, key, array);
}
