/* Words for bash completion: from the table of commands, and names from the daemon. */
#include "cli/command.h"
#include "cli/field.h"
#include "cli/help.h"

#include <string.h>

#define FILES_FIT ":files"

static const struct command read_only = {
	.noun = "", .synopsis = "", .flags = COMMAND_READ, .summary = ""};

/* The word that is being typed. Of "--base=web" the head is "--base=": it is typed already, but
 * belongs to the word. */
struct typed {
	char *head;
	const char *text;
};

static void
offer(const char *word, const struct typed *typed)
{
	if (word && g_str_has_prefix(word, typed->text))
		cli_print("%s%s", typed->head, word);
}

static void
offer_names(const char *request, const char *key, const struct typed *typed)
{
	const char *env = g_getenv("CAIRN_SOCKET"), *host = g_getenv("CAIRN_HOST");
	if (host && *host) /* a key press asks no other host */
		return;
	struct cli cli = {.socket_path = env && *env ? env : CLI_SOCKET_DEFAULT,
			  .command = &read_only};
	g_autoptr(json_t) list = cli_call(&cli, request, NULL, NULL);
	size_t i;
	json_t *item;
	json_array_foreach (list, i, item) {
		g_autofree char *name = field_any(item, key);
		offer(name, typed);
	}
	cli_disconnect(&cli);
}

static void
offer_commands(const char *noun, const struct typed *typed)
{
	const struct command *row;
	const char *last = NULL;
	for (guint n = 0; (row = command_at(n)); n++) {
		const char *word = noun ? row->verb : row->noun;
		if ((noun && strcmp(row->noun, noun) != 0) || g_strcmp0(word, last) == 0)
			continue;
		offer(word, typed);
		last = word;
	}
}

/* @kind is a word of a synopsis or the description of an option's value, in capitals. */
static void
offer_kind(const char *kind, const struct typed *typed)
{
	static const struct {
		const char *kind, *request, *key;
	} sources[] = {
		{"GROUP", "group-list", "name"},
		{"POINT", "point-list", "name"},
		{"VM", "vm-list", "name"},
		{"JOB", "job-list", "number"},
		{"SCHEDULE", "schedule-list", "name"},
	};
	g_autofree char *name = g_strdup(kind);
	g_strcanon(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", ' ');
	g_strstrip(name);
	*strchrnul(name, ' ') = '\0';
	if (strcmp(name, "DIR") == 0 || strcmp(name, "PATH") == 0 || strcmp(name, "OUT") == 0)
		cli_print(FILES_FIT);
	if (strcmp(name, "COMMAND") == 0)
		offer_commands(NULL, typed);
	for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
		if (strcmp(name, sources[i].kind) == 0)
			offer_names(sources[i].request, sources[i].key, typed);
}

static void
offer_options(const GOptionEntry *options, const struct typed *typed)
{
	for (; options && options->long_name; options++) {
		g_autofree char *word = g_strconcat("--", options->long_name, NULL);
		offer(word, typed);
	}
}

static const GOptionEntry *
find_option(const GOptionEntry *options, const char *word)
{
	for (; options && options->long_name; options++)
		if (g_str_has_prefix(word, "--") ? strcmp(word + 2, options->long_name) == 0
						 : word[0] == '-' && word[1] && !word[2] &&
							   word[1] == options->short_name)
			return options;
	return NULL;
}

/* The option @word of @command that takes its value from the next word; or NULL. */
static const GOptionEntry *
valued_option(const struct command *command, const char *word)
{
	const GOptionEntry *option = command ? find_option(command->options, word) : NULL;
	if (!option)
		option = find_option(cli_global_options, word);
	return option && option->arg != G_OPTION_ARG_NONE ? option : NULL;
}

static void
offer_value(const GOptionEntry *option, const struct typed *typed)
{
	g_auto(GStrv) choices = command_choices(option);
	for (guint i = 0; choices && choices[i]; i++)
		offer(choices[i], typed);
	if (!choices && option->arg_description)
		offer_kind(option->arg_description, typed);
}

/* The synopsis' word of argument @n; the last one stands for all that follow when it has "...". */
static void
offer_argument(const struct command *command, guint n, const struct typed *typed)
{
	g_auto(GStrv) kinds = g_strsplit(command->synopsis, " ", -1);
	guint count = g_strv_length(kinds);
	if (strchr(command->synopsis, '|')) { /* "[COMMAND... | requests]": one of them */
		for (guint i = 0; n == 0 && i < count; i++) {
			g_strdelimit(kinds[i], "]", '\0');
			offer_kind(kinds[i], typed);
			if (g_ascii_islower(kinds[i][0]))
				offer(kinds[i], typed);
		}
		return;
	}
	if (n >= count && count > 0 && strstr(kinds[count - 1], "..."))
		n = count - 1;
	if (n < count)
		offer_kind(kinds[n], typed);
}

/* Where the line stands before the word that is being typed. */
struct line {
	const struct command *command;
	const char *noun;
	const GOptionEntry *waits; /* an option that still wants its value */
	guint arguments;
};

static void
line_take(struct line *line, const char *word)
{
	if (line->waits) {
		line->waits = NULL;
	} else if (word[0] == '-') {
		line->waits = valued_option(line->command, word);
	} else if (!line->noun) {
		line->noun = word;
		line->command = command_find(word, NULL);
	} else if (!line->command) {
		line->command = command_find(line->noun, word);
	} else {
		line->arguments++;
	}
}

/* "--base=web" is the option, which then waits for its value, and "web". */
static struct typed
take_apart(struct line *line, const char *word)
{
	const char *equals = g_str_has_prefix(word, "--") ? strchr(word, '=') : NULL;
	struct typed typed = {g_strndup(word, equals ? equals + 1 - word : 0),
			      equals ? equals + 1 : word};
	g_autofree char *option = g_strndup(word, equals ? equals - word : 0);
	if (equals)
		line->waits = valued_option(line->command, option);
	return typed;
}

int
complete_main(char *const *words)
{
	struct line line = {0};
	for (; words[0] && words[1]; words++)
		line_take(&line, words[0]);
	struct typed typed = take_apart(&line, words[0] ? words[0] : "");
	if (line.waits) {
		offer_value(line.waits, &typed);
	} else if (typed.text[0] == '-') {
		offer_options(line.command ? line.command->options : NULL, &typed);
		offer_options(cli_global_options, &typed);
	} else if (!line.command) {
		offer_commands(line.noun, &typed);
	} else {
		offer_argument(line.command, line.arguments, &typed);
	}
	g_free(typed.head);
	return CLI_OK;
}
