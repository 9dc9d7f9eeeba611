/* cairn job history and cairn job remove: jobs that have ended, long ago too. */
#include "cli/history.h"

#include "cli/field.h"
#include "cli/language.h"
#include "cli/progress.h"
#include "cli/watch.h"

#include <glib/gi18n.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MAX     1000000
#define PAGE_MAX      1000 /* jobs in one answer */

static struct {
	char *group, *schedule, *since, *until, *state, *limit;
} opt;

static gboolean
get_arguments(json_t *arguments, guint64 *ret_limit, GError **error)
{
	if (!cli_set_count(arguments, "limit", opt.limit, LIMIT_MAX, error) ||
	    !cli_set_when(arguments, "since", opt.since, FALSE, error) ||
	    !cli_set_when(arguments, "until", opt.until, FALSE, error))
		return FALSE;
	cli_set_text(arguments, "group", opt.group);
	cli_set_text(arguments, "schedule", opt.schedule);
	cli_set_text(arguments, "state", opt.state);
	const json_t *limit = json_object_get(arguments, "limit");
	*ret_limit = limit ? (guint64)json_integer_value(limit) : LIMIT_DEFAULT;
	return *ret_limit > 0 || cli_usage_error(error, _("--%s: %s"), "limit", _("at least 1"));
}

/* Pages until there are so many; *@ret_more: there are others; *@ret_damaged: some of those that
 * were passed over could not be read. */
static json_t *
fetch(struct cli *cli, json_t *arguments, guint64 limit, gboolean *ret_more, gboolean *ret_damaged,
      GError **error)
{
	g_autoptr(json_t) jobs = json_array();
	*ret_damaged = FALSE;
	const json_t *next = NULL;
	do {
		guint64 left = limit - json_array_size(jobs);
		cairn_json_set_uint(arguments, "limit", MIN(left, PAGE_MAX));
		g_autoptr(json_t) page =
			cli_call(cli, "job-history", json_incref(arguments), error);
		if (!page)
			return NULL;
		json_array_extend(jobs, json_object_get(page, "jobs"));
		next = json_object_get(page, "next");
		json_object_set(arguments, "before", (json_t *)next);
		*ret_more = json_is_integer(next);
		*ret_damaged |= json_integer_value(json_object_get(page, "damaged")) > 0;
	} while (*ret_more && json_array_size(jobs) < limit);
	return g_steal_pointer(&jobs);
}

static void
print_jobs(const json_t *jobs)
{
	static const char *const headers[] = {
		N_(">JOB"),  N_("WHAT"),  N_("STATE"), N_("SUBMITTED"),
		N_("ENDED"), N_("ERROR"), NULL};
	cairn_auto(table) table = table_new(headers);
	size_t i;
	json_t *job;
	json_array_foreach ((json_t *)jobs, i, job) {
		table_take(table, field_job(job));
		table_take(table, progress_title(job));
		table_add_style(table, job_state_style(job), field_word(job, "state-name"));
		table_take(table, field_time(job, "submitted"));
		table_take(table, field_time(job, "ended"));
		table_take(table, cli_translate(field_text(job, "error")));
	}
	cli_print_table(table, 0);
}

int
job_history(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) arguments = json_object();
	guint64 limit;
	gboolean more, damaged;
	if (!get_arguments(arguments, &limit, error))
		return CLI_USAGE;
	g_autoptr(json_t) jobs = fetch(cli, arguments, limit, &more, &damaged, error);
	if (!jobs)
		return CLI_FAILED;
	if (cli->json) {
		cli_print_json(jobs);
		return CLI_OK;
	}
	print_jobs(jobs);
	if (damaged)
		cli_note(cli, "%s", _("some jobs are damaged and not shown: see cairnd's log"));
	if (json_array_size(jobs) == 0)
		cli_note(cli, "%s", _("no jobs"));
	else if (more)
		cli_note(cli, "%s", _("there may be older ones: -n shows more"));
	return CLI_OK;
}

int
job_remove(struct cli *cli, char *const *args, GError **error)
{
	json_t *arguments = json_pack("{s:s}", "job", args[0]);
	g_autoptr(json_t) answer = cli_call(cli, "job-remove", arguments, error);
	if (!answer)
		return CLI_FAILED;
	if (cli->json)
		cli_print_json(answer);
	else
		cli_note(cli, _("job %s was removed; the history keeps it"), args[0]);
	return CLI_OK;
}

const GOptionEntry history_options[] = {
	{"group", 'g', 0, G_OPTION_ARG_STRING, &opt.group,
	 N_("Only jobs of this group, which may be gone"), "GROUP"},
	{"schedule", 0, 0, G_OPTION_ARG_STRING, &opt.schedule, N_("Only runs of this schedule"),
	 "SCHEDULE"},
	{"since", 0, 0, G_OPTION_ARG_STRING, &opt.since,
	 N_("Only jobs asked for since then, e.g. 2026-11-28, yesterday or 7d"), "TIME"},
	{"until", 0, 0, G_OPTION_ARG_STRING, &opt.until, N_("Only jobs asked for until then"),
	 "TIME"},
	{"state", 0, 0, G_OPTION_ARG_STRING, &opt.state, N_("Only jobs that ended so"),
	 "completed|warnings|failed|terminated|killed"},
	{"limit", 'n', 0, G_OPTION_ARG_STRING, &opt.limit, N_("At most so many; default 50"), "N"},
	G_OPTION_ENTRY_NULL,
};
