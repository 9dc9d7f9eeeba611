/* A job's end in words: from the object that cairnd gives to the subject and the text of a message.
 * Pure. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* One line: "export 12 of web@3 failed"; free with g_free(). */
char *notify_subject(const json_t *payload);
/* What a person needs to act on it, several lines; free with g_free(). */
char *notify_text(const json_t *payload, const char *host);
