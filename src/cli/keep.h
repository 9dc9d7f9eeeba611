/* The options that say which exports of a folder are kept, of backup and retain. */
#pragma once

#include "cli/cli.h"

struct keep_options {
	char *last, *daily, *weekly, *monthly;
};

/* clang-format off */
#define KEEP_OPTIONS(keep, newest) \
	{"keep", 0, 0, G_OPTION_ARG_STRING, &(keep).last, newest, "N"}, \
	{"keep-daily", 0, 0, G_OPTION_ARG_STRING, &(keep).daily, \
	 N_("And the newest of each of N days"), "N"}, \
	{"keep-weekly", 0, 0, G_OPTION_ARG_STRING, &(keep).weekly, \
	 N_("And the newest of each of N weeks"), "N"}, \
	{"keep-monthly", 0, 0, G_OPTION_ARG_STRING, &(keep).monthly, \
	 N_("And the newest of each of N months"), "N"}
/* What makes exports need not remove any. */
#define KEEP_OR_ALL N_("Keep the newest N exports of the folder; without any --keep all")
/* clang-format on */

/* Sets the members of a request. */
gboolean keep_set(json_t *arguments, const struct keep_options *keep, GError **error);
