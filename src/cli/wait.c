/* After a request was accepted. */
#include "cli/wait.h"

#include "cli/field.h"
#include "cli/watch.h"

#include <glib/gi18n.h>

int
wait_for(struct cli *cli, const json_t *answer, json_t **ret_jobs, GError **error)
{
	const char *ids[3] = {NULL};
	guint count = 0;
	g_autoptr(json_t) jobs = NULL;
	size_t i;
	json_t *job;
	if (field_text(answer, "point-job"))
		ids[count++] = field_text(answer, "point-job");
	if (field_text(answer, "job"))
		ids[count++] = field_text(answer, "job");
	int status = watch_jobs(cli, ids, &jobs, error);
	if (status != CLI_OK)
		return status;
	json_array_foreach (jobs, i, job) {
		/* When the point failed, its export has nothing of its own to tell. */
		if (status == CLI_OK)
			status = watch_verdict(cli, job);
	}
	*ret_jobs = json_incref(jobs);
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
