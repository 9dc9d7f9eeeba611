/* Lenient readers of what the daemon answered: a member that is absent or of another type reads as
 * nothing, so that a newer daemon with another idea of a member still shows the rest. */
#pragma once

#include "base/json.h"

/* Borrowed; NULL when it is not a string. */
const char *field_text(const json_t *object, const char *key);
/* A word of the daemon, e.g. the name of a state, in the language of the user. */
const char *field_word(const json_t *object, const char *key);
guint64 field_uint(const json_t *object, const char *key);
double field_real(const json_t *object, const char *key);
gboolean field_bool(const json_t *object, const char *key);
/* Borrowed; NULL when it is not an array. */
json_t *field_array(const json_t *object, const char *key);
json_t *field_object(const json_t *object, const char *key);
/* Any value as one line for a person: text, numbers, "yes"/"no", the name of an object, a list with
 * commas; NULL for null. Free with g_free(). */
char *field_any(const json_t *object, const char *key);
char *value_any(const json_t *value);
/* What a job is called: its number, or its GUID when it has none. Free with g_free(). */
char *field_job(const json_t *job);
/* A member that holds an ISO 8601 time, as local time; NULL when it is null. Free with g_free(). */
char *field_time(const json_t *object, const char *key);
