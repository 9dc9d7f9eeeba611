/* Members of the daemon's answers. */
#include "cli/field.h"

#include "cli/format.h"

#include <glib/gi18n.h>

const char *
field_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const char *
field_word(const json_t *object, const char *key)
{
	const char *word = field_text(object, key);
	return word && *word ? gettext(word) : word;
}

guint64
field_uint(const json_t *object, const char *key)
{
	double real = field_real(object, key);
	const json_t *value = json_object_get(object, key);
	if (json_is_integer(value))
		return json_integer_value(value) > 0 ? (guint64)json_integer_value(value) : 0;
	return real > 0 && real < 1e18 ? (guint64)real : 0;
}

double
field_real(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

gboolean
field_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

json_t *
field_array(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	return json_is_array(value) ? value : NULL;
}

json_t *
field_object(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	return json_is_object(value) ? value : NULL;
}

static char *
list_any(const json_t *list)
{
	GString *out = g_string_new(NULL);
	size_t i;
	json_t *item;
	json_array_foreach ((json_t *)list, i, item) {
		g_autofree char *text = value_any(item);
		g_string_append_printf(out, "%s%s", out->len ? ", " : "", text ? text : "-");
	}
	return g_string_free(out, FALSE);
}

char *
value_any(const json_t *value)
{
	static const char *const names[] = {"name", "desc", "message", "id"};
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return g_strdup(json_string_value(value));
	case JSON_INTEGER:
		return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	case JSON_REAL:
		return g_strdup_printf("%g", json_real_value(value));
	case JSON_TRUE:
		return g_strdup(_("yes"));
	case JSON_FALSE:
		return g_strdup(_("no"));
	case JSON_ARRAY:
		return list_any(value);
	case JSON_OBJECT:
		for (guint i = 0; i < G_N_ELEMENTS(names); i++)
			if (field_text(value, names[i]))
				return g_strdup(field_text(value, names[i]));
		return cairn_json_dump(value);
	default:
		return NULL;
	}
}

char *
field_any(const json_t *object, const char *key)
{
	return value_any(json_object_get(object, key));
}

char *
field_job(const json_t *job)
{
	char *number = field_any(job, "number");
	if (!number)
		number = field_any(job, "id");
	return number ? number : field_any(job, "job"); /* what was just accepted */
}

char *
field_time(const json_t *object, const char *key)
{
	const char *iso = field_text(object, key);
	return iso ? format_time(iso) : NULL;
}
