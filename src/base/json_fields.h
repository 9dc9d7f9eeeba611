/* Structs whose plain members are JSON members: one table serves writing and reading. */
#pragma once

#include <glib.h>
#include <jansson.h>

enum json_field_type {
	JSON_FIELD_TEXT,    /* char *; NULL is null */
	JSON_FIELD_NUMBER,  /* guint64, at most JSON_MAX_UINT */
	JSON_FIELD_TIME,    /* gint64, microseconds since 1970; 0 is none */
	JSON_FIELD_SPAN,    /* gint64, microseconds */
	JSON_FIELD_BOOLEAN, /* gboolean */
	JSON_FIELD_STRINGS, /* char **, never NULL */
};

struct json_field {
	const char *key; /* NULL ends a table */
	enum json_field_type type;
	gsize offset;
};

/* Adds the members of @object to @json; @for_people: times in ISO 8601, not as numbers. */
void json_fields_put(json_t *json, gconstpointer object, const struct json_field *fields,
		     gboolean for_people);
/* Sets the members of @object, which is new: what @json does not say of a boolean stays as it is,
 * all else is NULL, 0 or empty then. INVALID names the key. */
gboolean json_fields_get(const json_t *json, gpointer object, const struct json_field *fields,
			 GError **error);
