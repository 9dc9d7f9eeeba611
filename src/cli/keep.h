/* The options that say which exports of a folder are kept, of backup and retain. */
#pragma once

#include "cli/cli.h"

struct keep_options {
	char *last, *daily, *weekly, *monthly;
};

/* clang-format off */
#define KEEP_OPTIONS(keep) \
	{"keep", 0, 0, G_OPTION_ARG_STRING, &(keep).last, \
	 N_("Keep the newest N exports of the folder; without any --keep all"), "N"}, \
	{"keep-daily", 0, 0, G_OPTION_ARG_STRING, &(keep).daily, \
	 N_("And the newest of each of N days"), "N"}, \
	{"keep-weekly", 0, 0, G_OPTION_ARG_STRING, &(keep).weekly, \
	 N_("And the newest of each of N weeks"), "N"}, \
	{"keep-monthly", 0, 0, G_OPTION_ARG_STRING, &(keep).monthly, \
	 N_("And the newest of each of N months"), "N"}
/* clang-format on */

/* Sets the members of a request. */
gboolean keep_set(json_t *arguments, const struct keep_options *keep, GError **error);
