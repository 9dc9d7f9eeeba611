/* What every command has: the global options, the daemon, and the two ways to speak: stdout is
 * data, stderr is talk. */
#pragma once

#include "base/json.h"
#include "cli/table.h"
#include "control/control.h"

#include <glib.h>

#define CLI_SOCKET_DEFAULT "/run/cairn/control.sock"
#define CLI_SOCKET_RO	   "control-ro.sock"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_DETACHED = 130, /* ^C while waiting, as the shell would say */
};

struct command;
struct remote;
struct remote_login;

struct cli {
	const char *socket_path;
	const struct remote_login
		*login; /* of another host, which then is asked over CIM; or NULL */
	gboolean json, quiet;
	const struct command *command;
	struct control_client *client; /* connected at the first call */
	struct remote *remote;	       /* the same with @login */
	gboolean unreachable;	       /* the last try to connect failed */
};

/* Connects now when it is not (to another host: at the first call): a command that only reads goes
 * on over control-ro.sock when the first socket is denied. */
gboolean cli_connect(struct cli *cli, GError **error);
/* Drops the connection; the next call makes a new one. */
void cli_disconnect(struct cli *cli);

/* One request; takes @arguments (may be NULL) over. A new reference. */
json_t *cli_call(struct cli *cli, const char *request, json_t *arguments, GError **error);

/* Whether the daemon went away or is not there, so that trying again later may help. */
gboolean cli_lost(const struct cli *cli, const GError *error);

/* The value, pretty when stdout is a terminal and else on one line. */
void cli_print_json(const json_t *value);
void cli_print_table(const struct table *table, guint indent);
/* A request that answers with a list, one line each as @add_row makes it; @nothing is said when it
 * is empty. Takes @arguments over. An exit status. */
int cli_list(struct cli *cli, const char *request, json_t *arguments, const char *const *headers,
	     void (*add_row)(struct table *table, const json_t *item), const char *nothing,
	     GError **error);
/* A line of data. */
void cli_print(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Talk: a line on stderr unless --quiet. */
void cli_note(const struct cli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The same also with --quiet: what goes with an error. */
void cli_talk(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* "cairn: warning: ..." also with --quiet. */
void cli_warn(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* "cairn: TEXT" and, for what a person can do something about, a hint. */
void cli_print_error(const struct cli *cli, const GError *error);

/* Colours on this stream (1 or 2): a terminal, not NO_COLOR, not TERM=dumb. */
gboolean cli_color(int fd);

/* An option or argument that cannot be: exit status 2. Always FALSE. */
gboolean cli_usage_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Values of options; nothing happens when @text is NULL. They put the option's name before the
 * error and make it one of usage; on success the member @key of @arguments is set. */
gboolean cli_set_size(json_t *arguments, const char *key, const char *text, GError **error);
gboolean cli_set_span(json_t *arguments, const char *key, const char *text, GError **error);
gboolean cli_set_count(json_t *arguments, const char *key, const char *text, guint64 max,
		       GError **error);
gboolean cli_set_priority(json_t *arguments, const char *text, GError **error);
/* A point in time as parse_when() reads it; the member is ISO 8601. */
gboolean cli_set_when(json_t *arguments, const char *key, const char *text, gboolean later,
		      GError **error);
/* Sets the member unless @text is NULL. */
void cli_set_text(json_t *arguments, const char *key, const char *text);
/* @path made absolute without asking the file system; free with g_free(). */
char *cli_absolute(const char *path);
