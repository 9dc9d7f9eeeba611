/* The commands of cairn.conf's [recovery]: "NAME:/absolute/path ARGUMENT...". A client names one
 * and gives no word of it. */
#pragma once

#include <glib.h>

#define COMMAND_NAME_MAX 64 /* letters, digits, '.', '_', '-' */

/* INVALID names the entry that cannot be used. @commands may be NULL. */
gboolean commands_check(char *const *commands, GError **error);
/* The argument vector of the one named, with quotes undone and nothing else: no shell reads it.
 * NOT_FOUND. Free with g_strfreev(). */
char **commands_find(char *const *commands, const char *name, GError **error);
