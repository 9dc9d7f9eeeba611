/* See commands.h. */
#include "cairnd/commands.h"

#include "base/error.h"

#include <string.h>

static gboolean
name_fine(const char *text, gsize len)
{
	for (gsize i = 0; i < len; i++)
		if (!g_ascii_isalnum(text[i]) && !strchr("._-", text[i]))
			return FALSE;
	return len > 0 && len <= COMMAND_NAME_MAX;
}

static char **
split(const char *command, GError **error)
{
	const char *colon = strchr(command, ':');
	char **argv = NULL;
	if (colon && name_fine(command, (gsize)(colon - command)) && colon[1] &&
	    g_shell_parse_argv(colon + 1, NULL, &argv, NULL) && g_path_is_absolute(argv[0]))
		return argv;
	g_strfreev(argv);
	cairn_fail(error, CAIRN_ERROR_INVALID,
		   "command: \"%s\" is not NAME:/absolute/path ARGUMENT...", command);
	return NULL;
}

gboolean
commands_check(char *const *commands, GError **error)
{
	for (; commands && *commands; commands++) {
		g_auto(GStrv) argv = split(*commands, error);
		if (!argv)
			return FALSE;
	}
	return TRUE;
}

char **
commands_find(char *const *commands, const char *name, GError **error)
{
	gsize len = strlen(name);
	for (; commands && *commands; commands++)
		if (strncmp(*commands, name, len) == 0 && (*commands)[len] == ':')
			return split(*commands, error);
	cairn_fail(error, CAIRN_ERROR_NOT_FOUND,
		   "there is no command \"%s\" in [recovery] of the configuration", name);
	return NULL;
}
