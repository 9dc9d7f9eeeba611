/* The options of commands that make jobs: what happens when one fails, and who is told of its end.
 */
#pragma once

#include "base/json.h"

#include <glib.h>

struct recovery_options {
	char *on_failure, *retries, *retry_delay, *recovery, *notify;
};

/* Rows of an option table, for a static struct recovery_options. The texts of --on-failure (with
 * its words) and --notify are given. */
/* clang-format off */
#define RECOVERY_OPTIONS(opt, failure, words, told) \
	{"on-failure", 0, 0, G_OPTION_ARG_STRING, &(opt).on_failure, failure, words}, \
	{"retries", 0, 0, G_OPTION_ARG_STRING, &(opt).retries, \
	 N_("With retry: run it again so many times; default 3"), "N"}, \
	{"retry-delay", 0, 0, G_OPTION_ARG_STRING, &(opt).retry_delay, \
	 N_("With retry: how long to wait first, doubled each time; default 1m"), "TIME"}, \
	{"recovery", 0, 0, G_OPTION_ARG_STRING, &(opt).recovery, \
	 N_("With run-job the schedule, with command its name in cairn.conf"), "NAME"}, \
	{"notify", 0, 0, G_OPTION_ARG_STRING, &(opt).notify, told, "TARGET"}
/* Of a job that is asked for now. */
#define JOB_RECOVERY_OPTIONS(opt) \
	RECOVERY_OPTIONS(opt, N_("What to do when it fails; default stop"), \
			 "stop|retry|run-job|command", \
			 N_("Tell this mail address, URL or journal:TAG of the end"))
/* clang-format on */

/* A usage error names the option. */
gboolean recovery_options_set(json_t *arguments, const struct recovery_options *opt,
			      GError **error);
