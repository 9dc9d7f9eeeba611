/* cairn retain, and the options that it shares. */
#include "cli/field.h"
#include "cli/format.h"
#include "cli/keep.h"
#include "cli/language.h"
#include "cli/themes.h"
#include "cli/wait.h"

#include <glib/gi18n.h>
#include <string.h>

#define KEEP_MAX 100000

static struct {
	struct keep_options keep;
	char *rate, *priority;
	gboolean dry_run, no_wait;
} opt;

gboolean
keep_set(json_t *arguments, const struct keep_options *keep, GError **error)
{
	/* By the option's name, for the error. */
	if (!cli_set_count(arguments, "keep", keep->last, KEEP_MAX, error))
		return FALSE;
	json_t *last = json_object_get(arguments, "keep");
	if (last)
		json_object_set(arguments, "keep-last", last);
	json_object_del(arguments, "keep");
	return cli_set_count(arguments, "keep-daily", keep->daily, KEEP_MAX, error) &&
	       cli_set_count(arguments, "keep-weekly", keep->weekly, KEEP_MAX, error) &&
	       cli_set_count(arguments, "keep-monthly", keep->monthly, KEEP_MAX, error);
}

/* ---- the plan ---- */

static const struct action {
	const char *name, *text;
	enum style style;
} actions[] = {
	{"keep", N_("keep"), STYLE_PLAIN},
	{"merge", N_("merge"), STYLE_GOOD},
	{"delete", N_("remove"), STYLE_WARN},
	{"leave", N_("leave alone"), STYLE_BAD},
};

static const struct action *
action_of(const json_t *export)
{
	const char *name = field_text(export, "action");
	for (guint i = 0; i < G_N_ELEMENTS(actions); i++)
		if (g_strcmp0(name, actions[i].name) == 0)
			return &actions[i];
	return &actions[0];
}

/* What becomes of it, in the words that say why. */
static char *
why(const json_t *export, const char *name)
{
	g_autofree char *reason = cli_translate(field_text(export, "reason"));
	const json_t *into = field_object(export, "into"), *base = field_object(export, "base");
	guint absorbs = (guint)field_uint(export, "absorbs");
	if (into)
		return g_strdup_printf(_("taken over by %llu"),
				       (unsigned long long)field_uint(into, "number"));
	if (strcmp(name, "merge") != 0)
		return g_steal_pointer(&reason);
	if (!base)
		return g_strdup_printf(_("%s; takes over %u and becomes a full export"), reason,
				       absorbs);
	return g_strdup_printf(_("%s; takes over %u, then based on %llu"), reason, absorbs,
			       (unsigned long long)field_uint(base, "number"));
}

static void
print_plan(const json_t *plan)
{
	static const char *const headers[] = {N_(">POINT"), N_("TAKEN"), N_(">SIZE"),
					      N_("ACTION"), N_("WHY"),	 NULL};
	cairn_auto(table) table = table_new(headers);
	size_t i;
	const json_t *export;
	json_array_foreach (field_array(plan, "exports"), i, export) {
		const json_t *point = field_object(export, "point");
		const struct action *action = action_of(export);
		/* An export that cannot be read has only the name of its folder. */
		gboolean known = field_uint(point, "number") > 0;
		table_take(table, field_any(point, known ? "number" : "id"));
		table_take(table, field_time(point, "created"));
		table_take(table, format_size(field_uint(export, "bytes")));
		table_add_style(table, action->style, _(action->text));
		table_take(table, why(export, action->name));
	}
	cli_print_table(table, 0);
}

static void
print_sum(const struct cli *cli, const json_t *plan)
{
	guint64 removed = field_uint(plan, "bytes-removed");
	guint64 written = field_uint(plan, "bytes-written");
	g_autofree char *of = format_size(removed), *most = format_size(written);
	cli_note(cli,
		 _("%llu kept, %llu of them merged, %llu removed, %llu left alone; %s would go, "
		   "at most %s be written"),
		 (unsigned long long)field_uint(plan, "kept"),
		 (unsigned long long)field_uint(plan, "merged"),
		 (unsigned long long)field_uint(plan, "deleted"),
		 (unsigned long long)field_uint(plan, "left"), of, most);
}

static int
show_plan(struct cli *cli, json_t *arguments, GError **error)
{
	cairn_json_set_bool(arguments, "dry-run", TRUE);
	g_autoptr(json_t) plan = cli_call(cli, "retain", json_incref(arguments), error);
	if (!plan)
		return CLI_FAILED;
	if (cli->json) {
		cli_print_json(plan);
		return CLI_OK;
	}
	print_plan(plan);
	print_sum(cli, plan);
	return CLI_OK;
}

/* ---- the job ---- */

static int
do_it(struct cli *cli, json_t *arguments, GError **error)
{
	g_autoptr(json_t) answer = cli_call(cli, "retain", json_incref(arguments), error);
	g_autoptr(json_t) jobs = NULL;
	if (!answer)
		return CLI_FAILED;
	if (opt.no_wait)
		return wait_not(cli, answer);
	int status = wait_for(cli, answer, &jobs, error);
	const json_t *job = json_array_get(jobs, 0);
	if (status != CLI_OK)
		return status;
	if (cli->json)
		cli_print_json(job);
	g_autofree char *status_text = cli_translate(field_text(job, "status"));
	if (!cli->json && !cli->quiet)
		cli_print("%s", status_text);
	return CLI_OK;
}

static int
run_retain(struct cli *cli, char *const *args, GError **error)
{
	const struct keep_options *keep = &opt.keep;
	g_autofree char *directory = cli_absolute(args[1]);
	g_autoptr(json_t) arguments =
		json_pack("{s:s, s:s}", "group", args[0], "directory", directory);
	if (!keep->last && !keep->daily && !keep->weekly && !keep->monthly)
		return cli_usage_error(error,
				       _("say what is kept: --keep, --keep-daily, --keep-weekly, "
					 "--keep-monthly")),
		       CLI_USAGE;
	if (!keep_set(arguments, keep, error) ||
	    !cli_set_size(arguments, "rate", opt.rate, error) ||
	    !cli_set_priority(arguments, opt.priority, error))
		return CLI_USAGE;
	return opt.dry_run ? show_plan(cli, arguments, error) : do_it(cli, arguments, error);
}

static const GOptionEntry options[] = {
	KEEP_OPTIONS(opt.keep, N_("Keep the newest N exports of the folder")),
	{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &opt.dry_run, N_("Only show what would be done"),
	 NULL},
	{"rate", 0, 0, G_OPTION_ARG_STRING, &opt.rate,
	 N_("Bytes a second for the whole job, e.g. 50M"), "SIZE"},
	{"priority", 0, 0, G_OPTION_ARG_STRING, &opt.priority, N_("Lower runs first; default 100"),
	 "N"},
	{"no-wait", 0, 0, G_OPTION_ARG_NONE, &opt.no_wait, N_("Print the job's number and return"),
	 NULL},
	G_OPTION_ENTRY_NULL,
};

const struct command retain_commands[] = {
	{"retain", NULL, "GROUP DIR", 2, 2, 0, N_("Keep some of a group's exports"),
	 N_("The newest is always kept. What a kept export needs of the others is merged into it "
	    "before they are removed."),
	 options, run_retain},
	{0},
};
