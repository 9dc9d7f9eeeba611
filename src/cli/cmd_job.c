/* cairn job. */
#include "cli/field.h"
#include "cli/format.h"
#include "cli/history.h"
#include "cli/language.h"
#include "cli/progress.h"
#include "cli/summary.h"
#include "cli/themes.h"
#include "cli/wait.h"
#include "cli/watch.h"

#include <glib/gi18n.h>
#include <string.h>

#define LIMIT_MAX 10000 /* jobs in one answer */

static struct {
	char *group, *limit, *priority, *rate, *keep;
	gboolean active, properties, stay, no_stay;
} opt;

static json_t *
job_arguments(const char *job)
{
	return json_pack("{s:s}", "job", job);
}

enum style
job_state_style(const json_t *job)
{
	switch (field_uint(job, "state")) {
	case JOB_COMPLETED:
		return STYLE_GOOD;
	case JOB_SUSPENDED:
	case JOB_SERVICE:
	case JOB_TERMINATED:
	case JOB_KILLED:
	case JOB_WARNINGS:
		return STYLE_WARN;
	case JOB_EXCEPTION:
		return STYLE_BAD;
	default:
		return STYLE_PLAIN;
	}
}

static char *
percent_text(const json_t *job)
{
	double percent = field_real(job, "percent");
	return g_strdup_printf("%u %%", percent > 0 ? (guint)MIN(percent, 100.0) : 0);
}

static void
add_row(struct table *table, const json_t *job)
{
	table_take(table, field_job(job));
	table_take(table, progress_title(job));
	table_add_style(table, job_state_style(job), field_word(job, "state-name"));
	table_take(table, percent_text(job));
	table_take(table, json_is_integer(json_object_get(job, "total-bytes"))
				  ? format_size(field_uint(job, "total-bytes"))
				  : NULL);
	table_take(table, field_time(job, "submitted"));
	table_take(table, field_time(job, "ended"));
}

static int
job_list(struct cli *cli, char *const *args, GError **error)
{
	static const char *const headers[] = {N_(">JOB"),  N_("WHAT"),	 N_("STATE"),
					      N_(">DONE"), N_(">BYTES"), N_("SUBMITTED"),
					      N_("ENDED"), NULL};
	g_autoptr(json_t) arguments = json_object();
	if (!cli_set_count(arguments, "limit", opt.limit, LIMIT_MAX, error))
		return CLI_USAGE;
	cli_set_text(arguments, "group", opt.group);
	if (opt.active)
		cairn_json_set_bool(arguments, "active", TRUE);
	return cli_list(cli, "job-list", json_incref(arguments), headers, add_row, _("no jobs"),
			error);
}

static void
print_disks(const json_t *job)
{
	static const char *const headers[] = {N_("DISK"),   N_("KIND"),	 N_("STATE"), N_(">DONE"),
					      N_(">TOTAL"), N_(">RATE"), N_("NOTE"),  NULL};
	cairn_auto(table) table = table_new(headers);
	size_t i;
	json_t *disk;
	json_array_foreach (field_array(job, "disks"), i, disk) {
		table_take(table, g_strdup_printf("%s:%s", field_text(disk, "vm-name"),
						  field_text(disk, "target")));
		table_add(table, field_word(disk, "kind"));
		table_add(table, field_word(disk, "state"));
		table_take(table, format_size(field_uint(disk, "done-bytes")));
		table_take(table, format_size(field_uint(disk, "total-bytes")));
		table_take(table, format_rate(field_real(disk, "rate")));
		table_take(table, cli_translate(field_text(disk, "reason")));
	}
	cli_print_table(table, 2);
}

/* What few jobs have. */
static void
print_rare(struct table *sheet, const json_t *job)
{
	static const char *const texts[] = {N_("retried-as"), N_("notify")};
	const char *schedule = field_text(job, "schedule-name");
	if (!schedule) /* gone */
		schedule = field_text(job, "schedule");
	if (schedule)
		table_pair(sheet, N_("schedule"), schedule);
	if (field_text(job, "due"))
		table_pair_take(sheet, N_("due"), field_time(job, "due"));
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		if (field_text(job, texts[i]))
			table_pair(sheet, texts[i], field_text(job, texts[i]));
}

static void
print_job(const json_t *job)
{
	static const char *const plain[] = {N_("point-name"), N_("base"), N_("directory"),
					    N_("owner"), N_("priority")};
	static const char *const told[] = {N_("status"), N_("error"), N_("warnings")};
	static const char *const times[] = {N_("submitted"), N_("started"), N_("ended")};
	cairn_auto(table) sheet = table_new_sheet();
	table_pair_take(sheet, N_("job"), field_job(job));
	table_pair(sheet, N_("id"), field_text(job, "id"));
	table_pair_take(sheet, N_("what"), progress_title(job));
	table_pair(sheet, N_("state"), field_word(job, "state-name"));
	table_pair_take(sheet, N_("done"), percent_text(job));
	table_pair_take(sheet, N_("rate"), format_rate(field_real(job, "rate")));
	for (guint i = 0; i < G_N_ELEMENTS(times); i++)
		table_pair_take(sheet, times[i], field_time(job, times[i]));
	table_pair(sheet, N_("phase"), field_word(job, "phase"));
	for (guint i = 0; i < G_N_ELEMENTS(plain); i++)
		table_pair_take(sheet, plain[i], field_any(job, plain[i]));
	print_rare(sheet, job);
	for (guint i = 0; i < G_N_ELEMENTS(told); i++) {
		g_autofree char *text = field_any(job, told[i]);
		table_pair_take(sheet, told[i], cli_translate(text));
	}
	cli_print_table(sheet, 0);
	print_disks(job);
}

static void
print_properties(const json_t *job)
{
	cairn_auto(table) sheet = table_new_sheet();
	const char *key;
	json_t *value;
	json_object_foreach (field_object(job, "properties"), key, value) {
		g_autofree char *text = value_any(value);
		/* ErrorDescription has an error on each line. */
		g_auto(GStrv) lines = g_strsplit(text ? text : "-", "\n", -1);
		table_add_style(sheet, STYLE_DIM, key);
		table_take(sheet, g_strjoinv("; ", lines));
	}
	cli_print_table(sheet, 0);
}

static int
job_show(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) job = cli_call(cli, "job-show", job_arguments(args[0]), error);
	if (!job)
		return CLI_FAILED;
	if (cli->json)
		cli_print_json(job);
	else if (opt.properties)
		print_properties(job);
	else
		print_job(job);
	return CLI_OK;
}

static int
job_watch(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) jobs = NULL;
	g_autoptr(json_t) answer = job_arguments(args[0]);
	int status = wait_for(cli, answer, &jobs, error);
	const json_t *job = json_array_get(jobs, 0);
	if (job && cli->json)
		cli_print_json(job);
	else if (job && status == CLI_OK && field_text(job, "directory"))
		summary_export(cli, job, NULL);
	else if (job && status == CLI_OK) {
		g_autofree char *title = progress_title(job);
		g_autofree char *name = field_job(job);
		cli_note(cli, _("job %s (%s): %s"), name, title, field_word(job, "state-name"));
	}
	return status;
}

/* The first ends the row, each further one has a row for itself. */
static void
add_actions(struct table *table, const json_t *actions)
{
	for (size_t i = 0; i < MAX(json_array_size(actions), 1); i++) {
		for (guint empty = 0; i > 0 && empty < 4; empty++)
			table_add_blank(table);
		table_take(table, cli_translate(json_string_value(json_array_get(actions, i))));
	}
}

static int
job_errors(struct cli *cli, char *const *args, GError **error)
{
	static const char *const headers[] = {N_("ID"),	     N_(">CODE"),      N_("WHERE"),
					      N_("MESSAGE"), N_("WHAT TO DO"), NULL};
	g_autoptr(json_t) list = cli_call(cli, "job-errors", job_arguments(args[0]), error);
	size_t i;
	json_t *item;
	if (!list)
		return CLI_FAILED;
	if (cli->json) {
		cli_print_json(list);
		return CLI_OK;
	}
	g_autoptr(json_t) job = cli_call(cli, "job-show", job_arguments(args[0]), NULL);
	cairn_auto(table) table = table_new(headers);
	json_array_foreach (list, i, item) {
		const json_t *actions = field_array(item, "actions");
		table_add(table, field_text(item, "message-id"));
		table_take(table, field_any(item, "code"));
		table_take(table, watch_where(item, job));
		table_take(table, cli_translate(field_text(item, "message")));
		add_actions(table, actions);
	}
	cli_print_table(table, 0);
	if (json_array_size(list) == 0)
		cli_note(cli, _("job %s has no errors"), args[0]);
	return CLI_OK;
}

/* suspend, resume, terminate, kill, service: the verb of the command is the word of the request. */
static int
job_control(struct cli *cli, char *const *args, GError **error)
{
	const char *action = cli->command->verb;
	json_t *arguments = json_pack("{s:s, s:s}", "job", args[0], "action", action);
	g_autoptr(json_t) job = cli_call(cli, "job-control", arguments, error);
	if (!job)
		return CLI_FAILED;
	const char *state = field_word(job, "state-name");
	if (cli->json)
		cli_print_json(job);
	else
		cli_note(cli, _("job %s: %s"), args[0], state ? state : action);
	return CLI_OK;
}

static int
job_set(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) arguments = job_arguments(args[0]);
	if (!cli_set_priority(arguments, opt.priority, error) ||
	    !cli_set_size(arguments, "rate", opt.rate, error) ||
	    !cli_set_span(arguments, "keep", opt.keep, error))
		return CLI_USAGE;
	if (opt.stay && opt.no_stay) {
		cli_usage_error(error, _("--stay and --no-stay exclude each other"));
		return CLI_USAGE;
	}
	if (opt.stay || opt.no_stay)
		cairn_json_set_bool(arguments, "delete-on-completion", opt.no_stay);
	if (json_object_size(arguments) == 1) {
		cli_usage_error(error, _("nothing to set"));
		return CLI_USAGE;
	}
	g_autoptr(json_t) job = cli_call(cli, "job-set", json_incref(arguments), error);
	if (!job)
		return CLI_FAILED;
	if (cli->json)
		cli_print_json(job);
	else
		cli_note(cli, _("job %s was changed"), args[0]);
	return CLI_OK;
}

static const GOptionEntry list_options[] = {
	{"active", 'a', 0, G_OPTION_ARG_NONE, &opt.active, N_("Only jobs that have not ended"),
	 NULL},
	{"group", 'g', 0, G_OPTION_ARG_STRING, &opt.group, N_("Only jobs of this group"), "GROUP"},
	{"limit", 'n', 0, G_OPTION_ARG_STRING, &opt.limit, N_("Only the newest, e.g. 20"), "N"},
	G_OPTION_ENTRY_NULL,
};

static const GOptionEntry show_options[] = {
	{"properties", 'p', 0, G_OPTION_ARG_NONE, &opt.properties,
	 N_("Show every property of its CIM class"), NULL},
	G_OPTION_ENTRY_NULL,
};

static const GOptionEntry set_options[] = {
	{"priority", 0, 0, G_OPTION_ARG_STRING, &opt.priority, N_("Lower runs first"), "N"},
	{"rate", 0, 0, G_OPTION_ARG_STRING, &opt.rate, N_("Bytes a second, e.g. 50M; 0: no limit"),
	 "SIZE"},
	{"keep", 0, 0, G_OPTION_ARG_STRING, &opt.keep,
	 N_("How long to keep it after its end, e.g. 1d"), "TIME"},
	{"stay", 0, 0, G_OPTION_ARG_NONE, &opt.stay,
	 N_("Keep it after its end until it is removed by `cairn job remove'"), NULL},
	{"no-stay", 0, 0, G_OPTION_ARG_NONE, &opt.no_stay,
	 N_("Remove it when its time is over, after all"), NULL},
	G_OPTION_ENTRY_NULL,
};

const struct command job_commands[] = {
	{"job", "list", "", 0, 0, COMMAND_READ, N_("List jobs, newest last"), NULL, list_options,
	 job_list},
	{"job", "show", "JOB", 1, 1, COMMAND_READ, N_("Show a job"),
	 N_("A job is named by its number or its GUID."), show_options, job_show},
	{"job", "history", "", 0, 0, COMMAND_READ, N_("List ended jobs, also of long ago"),
	 N_("The newest come first."), history_options, job_history},
	{"job", "watch", "JOB", 1, 1, COMMAND_READ, N_("Show a job's progress until it ends"),
	 N_("^C stops showing it; the job goes on. The exit status is the job's."), NULL,
	 job_watch},
	{"job", "suspend", "JOB", 1, 1, 0, N_("Stop copying for a while"),
	 N_("What was written stays, and the point's data stays held."), NULL, job_control},
	{"job", "resume", "JOB", 1, 1, 0, N_("Go on with a suspended job"),
	 N_("One in service goes on too."), NULL, job_control},
	{"job", "terminate", "JOB", 1, 1, 0, N_("End a job in good order"),
	 N_("The finished part is kept: the same export started again goes on from it."), NULL,
	 job_control},
	{"job", "kill", "JOB", 1, 1, 0, N_("End a job at once"),
	 N_("No process and no part of it is left."), NULL, job_control},
	{"job", "service", "JOB", 1, 1, 0, N_("Let its copies end and hold it"),
	 N_("No other copy begins before it is resumed, and the point's data stays held: time to "
	    "look at the host."),
	 NULL, job_control},
	{"job", "errors", "JOB", 1, 1, COMMAND_READ, N_("All errors of a job and what to do"), NULL,
	 NULL, job_errors},
	{"job", "set", "JOB", 1, 1, 0, N_("Change priority, rate or time of keeping"), NULL,
	 set_options, job_set},
	{"job", "remove", "JOB", 1, 1, 0, N_("Remove an ended job before its time"),
	 N_("The history keeps it."), NULL, job_remove},
	{0},
};
