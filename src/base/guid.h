/* GUIDs as this program writes them: upper case, with hyphens, 36 characters. */
#pragma once

#include <glib.h>

#define GUID_LEN 36

/* A new random GUID; free with g_free(). */
char *cairn_guid_new(void);

/* True when @text is a GUID in either case. */
gboolean cairn_guid_valid(const char *text);

/* The upper-case form of @text, or NULL when it is not a GUID; free with g_free(). */
char *cairn_guid_normalize(const char *text);
