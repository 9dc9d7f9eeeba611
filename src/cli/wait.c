/* After a request was accepted. */
#include "cli/wait.h"

#include "cli/field.h"
#include "cli/watch.h"

#include <glib/gi18n.h>

/* How the jobs ended, which is told. */
static int
verdict(struct cli *cli, const json_t *jobs)
{
	int status = CLI_OK;
	size_t i;
	json_t *job;
	json_array_foreach (jobs, i, job) {
		/* When the point failed, its export has nothing of its own to tell. */
		if (status == CLI_OK)
			status = watch_verdict(cli, job);
	}
	return status;
}

/* The job that tries the last one again; NULL. */
static const char *
next_attempt(const json_t *jobs)
{
	return field_text(json_array_get(jobs, json_array_size(jobs) - 1), "retried-as");
}

int
wait_for(struct cli *cli, const json_t *answer, json_t **ret_jobs, GError **error)
{
	const char *ids[3] = {NULL};
	guint count = 0;
	g_autoptr(json_t) jobs = NULL;
	if (field_text(answer, "point-job"))
		ids[count++] = field_text(answer, "point-job");
	if (field_text(answer, "job"))
		ids[count++] = field_text(answer, "job");
	int status = watch_jobs(cli, ids, &jobs, error);
	if (status == CLI_OK)
		status = verdict(cli, jobs);
	while (status == CLI_FAILED && jobs && next_attempt(jobs)) {
		g_autofree char *next = g_strdup(next_attempt(jobs));
		const char *one[] = {next, NULL};
		g_autoptr(json_t) shown =
			cli_call(cli, "job-show", json_pack("{s:s}", "job", next), NULL);
		g_autofree char *number = shown ? field_job(shown) : g_strdup(next);
		cli_note(cli, _("it will be tried again as job %s"), number);
		g_clear_pointer(&jobs, json_decref);
		status = watch_jobs(cli, one, &jobs, error);
		if (status == CLI_OK)
			status = verdict(cli, jobs);
	}
	if (!jobs)
		return status;
	*ret_jobs = g_steal_pointer(&jobs);
	return status;
}

int
wait_not(struct cli *cli, const json_t *answer)
{
	g_autofree char *number = field_job(answer);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%s", number);
	cli_note(cli, _("job %s was accepted; `cairn job watch %s' shows it"), number, number);
	return CLI_OK;
}
