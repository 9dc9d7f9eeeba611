/* Help texts, at most 80 columns wide. */
#include "cli/help.h"

#include "cli/text.h"
#include "cli/themes.h"
#include "control/requests.h"

#include <glib/gi18n.h>
#include <string.h>

static char *
full_name(const struct command *command)
{
	return g_strconcat("cairn ", command->noun, command->verb ? " " : "",
			   command->verb ? command->verb : "", NULL);
}

static gboolean
has_options(const struct command *command)
{
	return command->options && command->options->long_name;
}

static void
append_rows(GString *out, const char *noun)
{
	const struct command *row;
	for (guint n = 0; (row = command_at(n)); n++) {
		if (noun && strcmp(row->noun, noun) != 0)
			continue;
		g_autofree char *name = full_name(row);
		g_autofree char *line = g_strconcat(name + strlen("cairn "),
						    *row->synopsis ? " " : "", row->synopsis, NULL);
		g_string_append_printf(out, "  %-33s ", line);
		if (text_width(line) > 33)
			g_string_append_printf(out, "\n%36s", "");
		text_wrap(out, gettext(row->summary), 36, 36, HELP_WIDTH);
	}
}

static void
append_option(GString *out, const GOptionEntry *option)
{
	g_autofree char *value =
		option->arg_description ? g_strconcat("=", option->arg_description, NULL) : NULL;
	char letter[5] = "    ";
	if (option->short_name)
		g_snprintf(letter, sizeof(letter), "-%c, ", option->short_name);
	g_autofree char *line =
		g_strdup_printf("  %s--%s%s", letter, option->long_name, value ? value : "");
	g_string_append_printf(out, "%-30s ", line);
	if (text_width(line) > 30)
		g_string_append_printf(out, "\n%31s", "");
	text_wrap(out, gettext(option->description), 31, 31, HELP_WIDTH);
}

static void
append_options(GString *out, const char *title, const GOptionEntry *options)
{
	g_string_append_c(out, '\n');
	g_string_append_printf(out, _("%s:"), title);
	g_string_append_c(out, '\n');
	for (; options->long_name; options++)
		append_option(out, options);
}

void
help_overview(FILE *stream)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_string_append_printf(out, "%s cairn [OPTION]... COMMAND [ARGUMENT]...\n\n", _("usage:"));
	text_wrap(out,
		  _("Points over groups of virtual machines, exported full or as differences."), 0,
		  0, HELP_WIDTH);
	g_string_append_printf(out, "\n%s\n", _("commands:"));
	append_rows(out, NULL);
	append_options(out, _("options of every command"), cli_global_options);
	g_string_append_printf(out, "\n%s\n",
			       _("`cairn COMMAND -h' tells more; cairn(1) tells all."));
	fputs(out->str, stream);
}

int
help_noun(const char *noun, gboolean asked)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_string_append_printf(out, "%s cairn %s VERB [ARGUMENT]...\n\n", _("usage:"), noun);
	append_rows(out, noun);
	g_string_append_c(out, '\n');
	g_string_append_printf(out, _("`cairn %s VERB -h' tells more."), noun);
	g_string_append_c(out, '\n');
	fputs(out->str, asked ? stdout : stderr);
	return asked ? CLI_OK : CLI_USAGE;
}

int
help_command(const struct command *command)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *name = full_name(command);
	g_string_append_printf(out, "%s %s%s%s%s\n\n", _("usage:"), name,
			       *command->synopsis ? " " : "", command->synopsis,
			       has_options(command) ? " [OPTION]..." : "");
	g_autofree char *summary = g_strdup_printf(_("%s."), gettext(command->summary));
	text_wrap(out, summary, 0, 0, HELP_WIDTH);
	if (command->details) {
		g_string_append_c(out, '\n');
		text_wrap(out, gettext(command->details), 0, 0, HELP_WIDTH);
	}
	if (has_options(command))
		append_options(out, _("options"), command->options);
	append_options(out, _("options of every command"), cli_global_options);
	fputs(out->str, stdout);
	return CLI_OK;
}

static json_t *
argument_json(const struct request_arg *arg)
{
	static const char *const types[] = {
		[ARG_STRING] = "string", [ARG_UINT] = "uint",	    [ARG_INT] = "int",
		[ARG_BOOL] = "bool",	 [ARG_STRINGS] = "strings",
	};
	return json_pack("{s:s, s:s, s:b, s:s}", "name", arg->name, "type", types[arg->type],
			 "required", arg->required, "help", arg->help);
}

/* The table as `query-requests` gives it, but from our own copy: help needs no daemon. */
static json_t *
requests_json(void)
{
	json_t *list = json_array();
	for (const struct request *row = requests; row->name; row++) {
		json_t *arguments = json_array();
		for (guint i = 0; i < REQUEST_ARGS_MAX && row->args[i].name; i++)
			json_array_append_new(arguments, argument_json(&row->args[i]));
		json_array_append_new(
			list, json_pack("{s:s, s:b, s:s, s:o, s:s}", "name", row->name, "read-only",
					(row->flags & REQUEST_READ) != 0, "summary", row->summary,
					"arguments", arguments, "returns", row->returns));
	}
	return list;
}

static void
append_request(GString *out, const struct request *row)
{
	g_string_append_printf(out, "%s%s\n    ", row->name,
			       row->flags & REQUEST_READ ? "  (read)" : "");
	text_wrap(out, row->summary, 4, 4, HELP_WIDTH);
	for (guint i = 0; i < REQUEST_ARGS_MAX && row->args[i].name; i++) {
		const struct request_arg *arg = &row->args[i];
		g_autofree char *text = g_strconcat(
			arg->name, arg->required ? ": " : " (optional): ", arg->help, NULL);
		g_string_append(out, "    ");
		text_wrap(out, text, 4, 8, HELP_WIDTH);
	}
	g_string_append(out, "    -> ");
	text_wrap(out, row->returns, 7, 7, HELP_WIDTH);
}

static int
print_requests(struct cli *cli)
{
	if (cli->json) {
		g_autoptr(json_t) list = requests_json();
		cli_print_json(list);
		return CLI_OK;
	}
	g_autoptr(GString) out = g_string_new(NULL);
	for (const struct request *row = requests; row->name; row++)
		append_request(out, row);
	g_string_append(out, "\nevents (see \"subscribe\"):\n");
	for (const struct control_event_word *event = control_events; event->name; event++) {
		g_string_append_printf(out, "%s\n    ", event->name);
		text_wrap(out, event->summary, 4, 4, HELP_WIDTH);
	}
	fputs(out->str, stdout);
	return CLI_OK;
}

static int
run_help(struct cli *cli, char *const *args, GError **error)
{
	if (!args[0]) {
		help_overview(stdout);
		return CLI_OK;
	}
	if (strcmp(args[0], "requests") == 0)
		return print_requests(cli);
	const struct command *row = command_find(args[0], args[1]);
	if (row)
		return help_command(row);
	if (command_find_noun(args[0]) && !args[1])
		return help_noun(args[0], TRUE);
	cli_usage_error(error, _("no command \"%s%s%s\""), args[0], args[1] ? " " : "",
			args[1] ? args[1] : "");
	return CLI_USAGE;
}

const struct command help_commands[] = {
	{"help", NULL, "[COMMAND... | requests]", 0, 2, COMMAND_LOCAL, N_("Help on a command"),
	 N_("`cairn help requests' lists the requests of the control socket with their arguments."),
	 NULL, run_help},
	{0},
};
