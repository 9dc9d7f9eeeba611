/* The one table of requests: the server checks calls against it, the client and the CLI send what
 * it lists, `cairn help requests` prints it, and a test compares it with cairnd(8). It holds words,
 * no behaviour: cairnd binds each name to a handler. */
#pragma once

#include <glib.h>
#include <jansson.h>

enum request_arg_type {
	ARG_STRING,
	ARG_UINT,
	ARG_INT, /* may be negative */
	ARG_BOOL,
	ARG_STRINGS, /* array of strings */
};

struct request_arg {
	const char *name;
	enum request_arg_type type;
	gboolean required;
	const char *help; /* one line, for the manual and the help */
};

#define REQUEST_ARGS_MAX 48

enum request_flags {
	REQUEST_READ = 1 << 0, /* changes nothing: allowed on control-ro.sock, and to a front end in
				* its own name */
};

/* Who may ask, each including those before: observers read everything, operators act on the groups
 * that they are given, administrators do all. cairnd/access.c decides. */
enum request_role {
	ROLE_NONE, /* of a user without rights; no request asks for so little */
	ROLE_OBSERVER,
	ROLE_OPERATOR,
	ROLE_ADMINISTRATOR,
};
/* NULL for ROLE_NONE. */
const char *request_role_name(enum request_role role);

struct request {
	const char *name;
	guint flags;
	enum request_role role; /* at least */
	const char *summary;
	struct request_arg args[REQUEST_ARGS_MAX]; /* ends at a NULL name */
	const char *returns;			   /* one line: what "return" holds */
};

/* The table, ended by a NULL name. */
extern const struct request requests[];

const struct request *request_find(const char *name);

/* Checks @arguments (may be NULL) against the table: unknown members, missing ones and wrong types
 * are INVALID and named. */
gboolean request_check(const struct request *request, const json_t *arguments, GError **error);

struct control_event_word {
	const char *name;
	const char *summary;
};
/* The events that cairnd sends to clients that asked with "subscribe"; ended by a NULL name. */
extern const struct control_event_word control_events[];
