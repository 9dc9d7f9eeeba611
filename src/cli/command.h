/* The table of commands: dispatch, help, completion and the test of cairn(1) all read it. Each
 * theme keeps its rows beside their handlers; commands.c strings them together. */
#pragma once

#include <glib.h>

#include "cli/cli.h"

enum command_flags {
	COMMAND_READ = 1 << 0,	/* changes nothing: may go over control-ro.sock */
	COMMAND_LOCAL = 1 << 1, /* needs no daemon */
};

#define COMMAND_ARGS_ANY G_MAXUINT

struct command {
	const char *noun;
	const char *verb;     /* NULL: the noun is the whole command */
	const char *synopsis; /* its arguments, e.g. "GROUP VM..." ; completion knows the words */
	guint min_args, max_args;
	guint flags;
	const char *summary; /* one line without a full stop */
	const char *details; /* more sentences for -h; may be NULL */
	/* Own options. A description of the value such as "qcow2|raw" in lower case is the list of
	 * words that are taken; main.c checks it. NULL: none. */
	const GOptionEntry *options;
	/* Returns the exit status; 1 with @error set when it failed, G_OPTION_ERROR for usage. */
	int (*run)(struct cli *cli, char *const *args, GError **error);
};

/* Row @n, or NULL after the last. */
const struct command *command_at(guint n);
/* The command of this noun and verb (NULL: the noun alone). */
const struct command *command_find(const char *noun, const char *verb);
/* The first row of a noun, to ask whether it is known. */
const struct command *command_find_noun(const char *noun);

extern const GOptionEntry cli_global_options[];

/* The words of a value's description "a|b" in lower case; NULL when it is not a list of words. */
char **command_choices(const GOptionEntry *option);
