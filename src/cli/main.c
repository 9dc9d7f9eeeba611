/* cairn: from the words of the command line to one row of the table of commands. */
#include "base/error.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/language.h"
#include "cli/remote.h"
#include "cli/text.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

static struct {
	char *socket_path;
	char *host, *user, *password_file, *cacert, *cert, *key;
	gboolean negotiate, json, quiet, help, version;
} global;

static struct remote_login login;

const GOptionEntry cli_global_options[] = {
	{"socket", 's', 0, G_OPTION_ARG_FILENAME, &global.socket_path,
	 N_("Socket of the daemon (also CAIRN_SOCKET)"), "PATH"},
	{"host", 'H', 0, G_OPTION_ARG_STRING, &global.host,
	 N_("Ask the cairn-cimd of another host instead (also CAIRN_HOST), e.g. https://HOST:5986"),
	 "URL"},
	{"user", 0, 0, G_OPTION_ARG_STRING, &global.user,
	 N_("Who logs in there; the password is asked for, or CAIRN_PASSWORD"), "NAME"},
	{"password-file", 0, 0, G_OPTION_ARG_FILENAME, &global.password_file,
	 N_("Take the password from this file"), "PATH"},
	{"negotiate", 0, 0, G_OPTION_ARG_NONE, &global.negotiate,
	 N_("Log in there with Kerberos or NTLM"), NULL},
	{"cacert", 0, 0, G_OPTION_ARG_FILENAME, &global.cacert,
	 N_("Trust certificates signed by these; default: the system's"), "PATH"},
	{"cert", 0, 0, G_OPTION_ARG_FILENAME, &global.cert,
	 N_("Log in there with this certificate"), "PATH"},
	{"key", 0, 0, G_OPTION_ARG_FILENAME, &global.key,
	 N_("Its key, when it is in a file of its own"), "PATH"},
	{"json", 'j', 0, G_OPTION_ARG_NONE, &global.json,
	 N_("Print what the daemon answered, as JSON"), NULL},
	{"quiet", 'q', 0, G_OPTION_ARG_NONE, &global.quiet,
	 N_("No progress, no notes; new things by name only"), NULL},
	{"help", 'h', 0, G_OPTION_ARG_NONE, &global.help, N_("Show help"), NULL},
	{"version", 'V', 0, G_OPTION_ARG_NONE, &global.version, N_("Show the version"), NULL},
	G_OPTION_ENTRY_NULL,
};

static gboolean
parse(GOptionEntry const *own, gboolean posix, char ***argv, GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_strict_posix(context, posix);
	if (own)
		g_option_context_add_main_entries(context, own, NULL);
	g_option_context_add_main_entries(context, cli_global_options, NULL);
	return g_option_context_parse_strv(context, argv, error);
}

static gboolean
is_choice(const GOptionEntry *option, GError **error)
{
	g_auto(GStrv) choices = command_choices(option);
	const char *value = option->arg == G_OPTION_ARG_STRING ? *(char **)option->arg_data : NULL;
	if (!choices || !value || g_strv_contains((const char *const *)choices, value))
		return TRUE;
	const char *near = text_nearest(value, (const char *const *)choices);
	if (!near)
		return cli_usage_error(error, _("--%s takes %s, not \"%s\""), option->long_name,
				       option->arg_description, value);
	return cli_usage_error(error, _("--%s takes %s, not \"%s\"; did you mean \"%s\"?"),
			       option->long_name, option->arg_description, value, near);
}

static gboolean
check(const struct command *command, char **args, GError **error)
{
	guint count = g_strv_length(args);
	if (count < command->min_args)
		return cli_usage_error(error, _("needs %s"), command->synopsis);
	if (count > command->max_args)
		return cli_usage_error(error, _("\"%s\" is one argument too many"),
				       args[command->max_args]);
	/* An unset variable of a script, most of all: "" as a folder would be the current one. */
	for (guint i = 0; i < count; i++)
		if (!*args[i])
			return cli_usage_error(error, _("argument %u is empty: needs %s"), i + 1,
					       command->synopsis);
	for (const GOptionEntry *row = command->options; row && row->long_name; row++)
		if (!is_choice(row, error))
			return FALSE;
	return TRUE;
}

/* The words that could have stood in the place of the wrong one. */
static char **
known_words(const char *noun)
{
	GPtrArray *words = g_ptr_array_new();
	const struct command *row;
	for (guint n = 0; (row = command_at(n)); n++) {
		const char *word = noun ? row->verb : row->noun;
		if (word && (!noun || strcmp(row->noun, noun) == 0))
			g_ptr_array_add(words, (gpointer)word);
	}
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

static int
unknown(const char *noun, const char *word)
{
	g_autofree char **words = known_words(noun);
	const char *near = text_nearest(word, (const char *const *)words);
	g_autofree char *clean = text_clean(word);
	fprintf(stderr, _("cairn: unknown command \"%s%s%s\""), noun ? noun : "", noun ? " " : "",
		clean);
	if (near)
		fprintf(stderr, _("; did you mean \"cairn %s%s%s\"?"), noun ? noun : "",
			noun ? " " : "", near);
	fputc('\n', stderr);
	cli_talk(_("cairn: `cairn help%s%s' lists them"), noun ? " " : "", noun ? noun : "");
	return CLI_USAGE;
}

static int
fail(const struct cli *cli, const GError *error)
{
	cli_print_error(cli, error);
	if (error->domain != G_OPTION_ERROR)
		return CLI_FAILED;
	if (cli->command)
		cli_talk(_("cairn: `cairn %s%s%s -h' shows how it is used"), cli->command->noun,
			 cli->command->verb ? " " : "",
			 cli->command->verb ? cli->command->verb : "");
	return CLI_USAGE;
}

/* An empty CAIRN_HOST is none. An explicit --socket means this host. */
static gboolean
set_login(struct cli *cli, GError **error)
{
	const char *env = global.socket_path ? NULL : g_getenv("CAIRN_HOST");
	login = (struct remote_login){
		.url = global.host   ? global.host
		       : env && *env ? env
				     : NULL,
		.user = global.user,
		.password_file = global.password_file,
		.cacert = global.cacert,
		.cert = global.cert,
		.key = global.key,
		.negotiate = global.negotiate,
	};
	if (global.host && global.socket_path)
		return cli_usage_error(error, "--host and --socket exclude each other");
	if (login.url)
		cli->login = &login;
	return TRUE;
}

static int
run(struct cli *cli, char ***argv, guint skip)
{
	g_autoptr(GError) error = NULL;
	char **words = *argv;
	for (guint i = 1; i <= skip; i++)
		g_free(words[i]);
	memmove(words + 1, words + 1 + skip,
		sizeof(char *) * (g_strv_length(words + 1 + skip) + 1));
	if (!parse(cli->command->options, FALSE, argv, &error))
		return fail(cli, error);
	char **args = *argv + 1;
	if (args[0] && strcmp(args[0], "--") == 0)
		args++;
	if (global.help)
		return help_command(cli->command);
	if (!check(cli->command, args, &error) || !set_login(cli, &error))
		return fail(cli, error);
	const char *env = g_getenv("CAIRN_SOCKET");
	cli->socket_path = global.socket_path ? global.socket_path
			   : env && *env      ? env
					      : CLI_SOCKET_DEFAULT;
	cli->json = global.json;
	cli->quiet = global.quiet;
	int status = cli->command->run(cli, args, &error);
	return error ? fail(cli, error) : status;
}

static int
dispatch(struct cli *cli, char ***argv)
{
	g_autoptr(GError) error = NULL;
	if (!parse(NULL, TRUE, argv, &error))
		return fail(cli, error);
	const char *noun = (*argv)[1], *verb = noun ? (*argv)[2] : NULL;
	if (global.version) {
		printf("cairn %s\n", CAIRN_VERSION);
		return CLI_OK;
	}
	if (!noun) {
		help_overview(global.help ? stdout : stderr);
		return global.help ? CLI_OK : CLI_USAGE;
	}
	const struct command *row = command_find_noun(noun);
	if (!row)
		return unknown(NULL, noun);
	if (!row->verb) {
		cli->command = row;
		return run(cli, argv, 1);
	}
	if (!verb || *verb == '-')
		return help_noun(noun,
				 verb && (strcmp(verb, "-h") == 0 || strcmp(verb, "--help") == 0));
	cli->command = command_find(noun, verb);
	return cli->command ? run(cli, argv, 2) : unknown(noun, verb);
}

int
main(int argc, char **argv)
{
	cli_set_language();
	struct cli cli = {0};
	if (argc > 1 && strcmp(argv[1], "--complete") == 0)
		return complete_main(argv + 2);
	g_auto(GStrv) words = g_strdupv(argv);
	int status = dispatch(&cli, &words);
	cli_disconnect(&cli);
	cli_clear_language();
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_talk("%s", _("cairn: writing the output failed"));
		status = status ? status : CLI_FAILED;
	}
	return status;
}
