/* The connection, and what goes to stdout and stderr. */
#include "cli/cli.h"

#include "base/error.h"
#include "base/timefmt.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/language.h"
#include "cli/remote.h"
#include "cli/text.h"
#include "cli/when.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct control_client *
connect_read_only(const char *socket_path)
{
	g_autofree char *folder = g_path_get_dirname(socket_path);
	g_autofree char *path = g_build_filename(folder, CLI_SOCKET_RO, NULL);
	return control_client_new(path, NULL);
}

gboolean
cli_connect(struct cli *cli, GError **error)
{
	g_autoptr(GError) local = NULL;
	if (cli->client)
		return TRUE;
	if (cli->login)
		return cli->remote || (cli->remote = remote_new(cli->login, error));
	cli->client = control_client_new(cli->socket_path, &local);
	if (!cli->client && g_error_matches(local, CAIRN_ERROR, CAIRN_ERROR_DENIED) &&
	    cli->command->flags & COMMAND_READ)
		cli->client = connect_read_only(cli->socket_path);
	cli->unreachable = !cli->client;
	if (!cli->client)
		g_propagate_error(error, g_steal_pointer(&local));
	return cli->client != NULL;
}

void
cli_disconnect(struct cli *cli)
{
	remote_free(cli->remote);
	cli->remote = NULL;
	control_client_free(cli->client);
	cli->client = NULL;
}

gboolean
cli_lost(const struct cli *cli, const GError *error)
{
	return cli->unreachable || g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_PEER);
}

json_t *
cli_call(struct cli *cli, const char *request, json_t *arguments, GError **error)
{
	g_autoptr(json_t) owned = arguments;
	if (!cli_connect(cli, error))
		return NULL;
	if (cli->remote)
		return remote_call(cli->remote, request, owned, error);
	return control_client_call(cli->client, request, owned, error);
}

void
cli_print_json(const json_t *value)
{
	g_autofree char *text =
		isatty(STDOUT_FILENO) ? cairn_json_pretty(value) : cairn_json_dump(value);
	fputs(text, stdout);
	if (!g_str_has_suffix(text, "\n"))
		fputc('\n', stdout);
}

void
cli_print_table(const struct table *table, guint indent)
{
	g_autofree char *text = table_format(table, indent, cli_color(STDOUT_FILENO));
	fputs(text, stdout);
}

int
cli_list(struct cli *cli, const char *request, json_t *arguments, const char *const *headers,
	 void (*add_row)(struct table *table, const json_t *item), const char *nothing,
	 GError **error)
{
	g_autoptr(json_t) list = cli_call(cli, request, arguments, error);
	if (!list)
		return CLI_FAILED;
	if (cli->json) {
		cli_print_json(list);
		return CLI_OK;
	}
	cairn_auto(table) table = table_new(headers);
	for (size_t i = 0; i < json_array_size(list); i++)
		add_row(table, json_array_get(list, i));
	cli_print_table(table, 0);
	if (json_array_size(list) == 0)
		cli_note(cli, "%s", nothing);
	return CLI_OK;
}

/* Each line is cleaned by itself, so that newlines of ours stay and escapes of others do not. */
static void
print_clean(FILE *stream, const char *head, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i]; i++) {
		g_autofree char *line = text_clean(lines[i]);
		fprintf(stream, "%s%s\n", i == 0 ? head : "", line);
	}
}

void
cli_print(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	print_clean(stdout, "", text);
}

void
cli_note(const struct cli *cli, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	if (cli->quiet)
		return;
	fflush(stdout);
	print_clean(stderr, "", text);
}

void
cli_talk(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	fflush(stdout);
	print_clean(stderr, "", text);
}

void
cli_warn(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	fflush(stdout);
	print_clean(stderr, _("cairn: warning: "), text);
}

/* The client's own message says what is wrong; this says what to type. */
static const char *
hint_for(const struct cli *cli, const GError *error)
{
	if (!cli->unreachable || strcmp(cli->socket_path, CLI_SOCKET_DEFAULT) != 0)
		return NULL;
	if (g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND))
		return _("`systemctl start cairnd' starts the daemon; --socket or CAIRN_SOCKET "
			 "names "
			 "another socket");
	if (g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_DENIED))
		return _("`usermod -aG cairn USER' lets a user in from the next login on");
	return NULL;
}

void
cli_print_error(const struct cli *cli, const GError *error)
{
	const char *hint = hint_for(cli, error);
	fflush(stdout);
	g_autofree char *message = cli_translate(error->message);
	print_clean(stderr, "cairn: ", message);
	if (hint)
		fprintf(stderr, "%s%s\n", _("cairn: hint: "), hint);
}

gboolean
cli_color(int fd)
{
	const char *no_color = g_getenv("NO_COLOR");
	return isatty(fd) && !(no_color && *no_color) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
}

gboolean
cli_usage_error(GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
	return FALSE;
}

void
cli_set_text(json_t *arguments, const char *key, const char *text)
{
	if (text)
		cairn_json_set_string(arguments, key, text);
}

typedef gboolean (*parse_fn)(const char *text, guint64 max, guint64 *ret_value, GError **error);

static gboolean
set_number(json_t *arguments, const char *key, const char *text, parse_fn parse, guint64 max,
	   GError **error)
{
	g_autoptr(GError) local = NULL;
	guint64 value;
	if (!text)
		return TRUE;
	if (!parse(text, max, &value, &local))
		return cli_usage_error(error, _("--%s: %s"), key, local->message);
	cairn_json_set_uint(arguments, key, value);
	return TRUE;
}

gboolean
cli_set_size(json_t *arguments, const char *key, const char *text, GError **error)
{
	return set_number(arguments, key, text, parse_size, RATE_MAX, error);
}

gboolean
cli_set_span(json_t *arguments, const char *key, const char *text, GError **error)
{
	return set_number(arguments, key, text, parse_span, SPAN_MAX, error);
}

gboolean
cli_set_count(json_t *arguments, const char *key, const char *text, guint64 max, GError **error)
{
	return set_number(arguments, key, text, parse_count, max, error);
}

gboolean
cli_set_priority(json_t *arguments, const char *text, GError **error)
{
	return cli_set_count(arguments, "priority", text, PRIORITY_MAX, error);
}

gboolean
cli_set_when(json_t *arguments, const char *key, const char *text, gboolean later, GError **error)
{
	g_autoptr(GError) local = NULL;
	gint64 when;
	if (!text)
		return TRUE;
	if (!parse_when(text, g_get_real_time(), later, &when, &local))
		return cli_usage_error(error, _("--%s: %s"), key, local->message);
	g_autofree char *iso = cairn_time_iso(when);
	cairn_json_set_string(arguments, key, iso);
	return TRUE;
}

char *
cli_absolute(const char *path)
{
	return g_canonicalize_filename(path, NULL);
}
