/* `cairn help`, -h everywhere, and the words of bash completion: all from the table of commands. */
#pragma once

#include "cli/command.h"

#include <stdio.h>

#define HELP_WIDTH 80

/* All commands. */
void help_overview(FILE *stream);
/* The verbs of a noun; on stderr, and exit status 2, when they were not asked for. */
int help_noun(const char *noun, gboolean asked);
int help_command(const struct command *command);

/* Prints the words that can follow @words, the last of which (maybe "") is being typed. Names of
 * groups, points, machines and jobs are asked from the daemon; without one there are none. A last
 * line of ":files" means that file names fit here. */
int complete_main(char *const *words);
