/* Waiting for jobs, and telling how they ended. */
#pragma once

#include "cli/cli.h"

/* Job states of CIM_ConcreteJob (DSP1103) as far as the CLI cares, and Hyper-V's own. */
enum job_state {
	JOB_RUNNING = 4,
	JOB_SUSPENDED = 5,
	JOB_COMPLETED = 7,
	JOB_TERMINATED = 8,
	JOB_KILLED = 9,
	JOB_EXCEPTION = 10,
	JOB_SERVICE = 11,
	JOB_WARNINGS = 32768,
};
gboolean job_ended(const json_t *job);
gboolean job_succeeded(const json_t *job);

/* Shows progress until all jobs named by the NULL-terminated @ids have ended. *@ret_jobs gets an
 * array of them as job-show gave them last, in the order of @ids; on CLI_DETACHED (the person
 * pressed ^C, the jobs go on and a hint was given) it stays unset. CLI_FAILED with @error set. When
 * the daemon goes away it is waited for: its jobs go on where they were. */
int watch_jobs(struct cli *cli, const char *const *ids, json_t **ret_jobs, GError **error);

/* All errors of a job that did not succeed, with what to do about each, on stderr; warnings of one
 * that did. Returns CLI_OK when it succeeded, else CLI_FAILED. */
int watch_verdict(struct cli *cli, const json_t *job);

/* "db:vda" of an entry of job-errors: its machine's name is among the job's disks, else its UUID
 * must do. NULL when it is about the whole job. Free with g_free(). */
char *watch_where(const json_t *problem, const json_t *job);

/* The environment of a progress on stderr. */
struct progress_env;
void watch_progress_env(struct progress_env *ret_env);
