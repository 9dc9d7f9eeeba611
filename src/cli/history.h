/* The commands of cmd_history.c, which are rows of cmd_job.c's table. */
#pragma once

#include "cli/cli.h"
#include "cli/table.h"

/* cmd_job.c */
enum style job_state_style(const json_t *job);

extern const GOptionEntry history_options[];
int job_history(struct cli *cli, char *const *args, GError **error);
int job_remove(struct cli *cli, char *const *args, GError **error);
