/* What point create, export, backup and job watch have in common once a job was accepted. */
#pragma once

#include "cli/cli.h"

/* Waits for the jobs of @answer ("job", and first "point-job" when there is one), tells how each
 * ended on stderr. CLI_OK when all succeeded; *@ret_jobs is the array of the ended jobs, set on
 * CLI_OK and when a job failed. */
int wait_for(struct cli *cli, const json_t *answer, json_t **ret_jobs, GError **error);

/* With --no-wait: the answer as JSON, or the job's number and how to watch it. */
int wait_not(struct cli *cli, const json_t *answer);
