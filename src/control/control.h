/* The control socket: JSON lines in the shape of QMP.
 *
 *   server greets   {"cairn":{"version":"0.1.0","protocol":1,"read-only":false}}
 *   client          {"execute":"point-list","arguments":{...},"id":ANY}
 *   a front end     {"execute":"point-list","as":{"user":NAME},"id":ANY}
 *   server          {"return":VALUE,"id":ANY}   or
 * {"error":{"class":"NotFound","desc":TEXT},"id":ANY} server, later
 * {"event":"JOB_CHANGED","data":{...},"timestamp":{"seconds":N,"microseconds":N}}
 *
 * control.sock is for root and the group `cairn`, control-ro.sock for everybody and reads only,
 * control-front.sock for a front end. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

#define CONTROL_PROTOCOL    1
#define CONTROL_FRAME_MAX   (1 << 20)  /* bytes of one line from a client */
#define CONTROL_REPLY_MAX   (64 << 20) /* bytes of one line from the server */
#define CONTROL_CLIENTS_MAX 256	       /* at most half on control-ro.sock, a quarter on -front */
#define CONTROL_BACKLOG_MAX (8 << 20)  /* unsent bytes of one client; then it is dropped */
#define CONTROL_USER_MAX    256	       /* bytes of a user's name in "as" */
#define CONTROL_PENDING_MAX \
	64 /* requests of one client that wait for an answer; then reading stops */

/* ---- server ---- */
struct control_server;

/* Who asks: from SO_PEERCRED. */
struct control_peer {
	guint uid, gid;
	gint pid;
	char *user;	    /* name of uid, or its number */
	gboolean read_only; /* it came through control-ro.sock */
	gboolean front;	    /* through control-front.sock */
};

/* One request under way. The handler answers it once, now or later, from the loop thread. */
struct control_call {
	const struct request *request;
	json_t *arguments; /* an object, checked against the table; borrowed */
	struct control_peer peer;
	/* The user in "as"; NULL: the peer speaks for itself. The handler decides whether this peer
	 * may name one. */
	const char *as;
};
/* The user that the call is for: the one of "as", else the peer's. */
const char *control_call_user(const struct control_call *call);
/* INVALID: empty, too long, or with control characters. */
gboolean control_user_check(const char *user, GError **error);
void control_call_return(struct control_call *call, json_t *value); /* takes @value over */
void control_call_error(struct control_call *call, const GError *error);

typedef void (*control_handler_fn)(struct control_call *call, void *user_data);

/* Listens on RUN_DIR/control.sock (mode 0660, group @group when it exists and we are root; @group
 * may be NULL) and RUN_DIR/control-ro.sock (0666). A stale socket file is replaced; one that
 * answers is BUSY ("another cairnd"). RUN_DIR must exist. Runs on the default main context; the
 * handler is called from there, never from within a function here. A reply to a client that went
 * away is dropped. */
struct control_server *control_server_new(const char *run_dir, const char *group,
					  control_handler_fn handler, void *user_data,
					  GError **error);
/* Also listens on RUN_DIR/control-front.sock (mode 0660, group @gid when we are root): a front end
 * gets in without being in the group that may do everything. */
gboolean control_server_open_front(struct control_server *server, const char *run_dir, guint gid,
				   GError **error);
/* Whether control.sock can be given to @group. */
gboolean control_group_exists(const char *group);
/* Closes all connections and removes the sockets; calls under way may still be answered. */
void control_server_free(struct control_server *server);
CAIRN_DEFINE_AUTO(control_server, control_server_free)
/* To all subscribed clients; takes @data over. @name is one of control_events. */
void control_server_event(struct control_server *server, const char *name, json_t *data);
/* The same; those that asked for properties get @properties too, as a member of @data of that name.
 * Takes both over; @properties may be NULL. */
void control_server_event_with(struct control_server *server, const char *name, json_t *data,
			       json_t *properties);
/* Whether a client subscribed to @name wants properties, which cost work to make. */
gboolean control_server_wants_properties(const struct control_server *server, const char *name);
/* Subscribes the client of @call to @names (NULL or empty: all), in place of what it had. INVALID:
 * an unknown name. */
gboolean control_call_subscribe(struct control_call *call, char *const *names, gboolean properties,
				GError **error);
guint control_server_clients(const struct control_server *server);

/* ---- client (blocking; used by the CLI and tests) ---- */
struct control_client;

/* Connects and reads the greeting. Errors say what to do: no daemon (NOT_FOUND), no right (DENIED).
 */
struct control_client *control_client_new(const char *socket_path, GError **error);
void control_client_free(struct control_client *client);
CAIRN_DEFINE_AUTO(control_client, control_client_free)
/* Sends one request (arguments may be NULL; not taken over) and waits for its answer; events that
 * come meanwhile are kept. Returns a new reference. An error of the server comes back with its
 * class as code. */
json_t *control_client_call(struct control_client *client, const char *request, json_t *arguments,
			    GError **error);
/* The next event, waiting at most @timeout_ms (-1: for ever). A new reference to the whole event
 * object; NULL without error on time-out and when a signal handler ran (^C); PEER when the daemon
 * went away. */
json_t *control_client_event(struct control_client *client, int timeout_ms, GError **error);
/* For callers that poll(2) by themselves (the CLI and ^C). Ask for an event with a time-out of 0
 * before polling: some may have come already. */
int control_client_fd(const struct control_client *client);
