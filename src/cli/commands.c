/* The rows of all themes, in the order of the manual. */
#include "cli/command.h"

#include "cli/themes.h"

#include <string.h>

static const struct command *const themes[] = {
	vm_commands,	 group_commands,   point_commands,    backup_commands,
	retain_commands, job_commands,	   schedule_commands, limits_commands,
	verify_commands, restore_commands, status_command,    help_commands,
};

const struct command *
command_at(guint n)
{
	for (guint theme = 0; theme < G_N_ELEMENTS(themes); theme++)
		for (const struct command *row = themes[theme]; row->noun; row++)
			if (n-- == 0)
				return row;
	return NULL;
}

const struct command *
command_find(const char *noun, const char *verb)
{
	const struct command *row;
	for (guint n = 0; (row = command_at(n)); n++)
		if (strcmp(row->noun, noun) == 0 && g_strcmp0(row->verb, verb) == 0)
			return row;
	return NULL;
}

const struct command *
command_find_noun(const char *noun)
{
	const struct command *row;
	for (guint n = 0; (row = command_at(n)); n++)
		if (strcmp(row->noun, noun) == 0)
			return row;
	return NULL;
}

char **
command_choices(const GOptionEntry *option)
{
	const char *words = option->arg_description;
	if (!words || !strchr(words, '|'))
		return NULL;
	for (const char *p = words; *p; p++)
		if (g_ascii_isupper(*p))
			return NULL;
	return g_strsplit(words, "|", -1);
}
