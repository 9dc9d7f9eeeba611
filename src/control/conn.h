/* One client of the control server: bytes in, bytes out, and the requests under way. Private to
 * this folder; conn.c moves the bytes, call.c makes requests of them. */
#pragma once

#include "control/codec.h"
#include "control/control.h"

struct control_conn;

/* Who made the connection; NULL in a closed one. */
struct control_conn_owner {
	control_handler_fn handler;
	void *user_data;
	/* The connection is closed; the owner gives its reference up. */
	void (*closed)(struct control_conn_owner *owner, struct control_conn *conn);
};

struct control_conn {
	guint refs;
	struct control_conn_owner *owner;
	struct control_peer peer;
	guint door;			     /* of the server, that it came through */
	int fd;				     /* -1: closed */
	guint source, watched;		     /* the source and the conditions it waits for */
	guint resume;			     /* an idle source that goes on with buffered lines */
	struct control_lines *lines;	     /* from the client */
	gboolean ended;			     /* the client will send no more */
	gboolean closing;		     /* a broken frame: close when all is sent */
	gboolean advancing;		     /* requests are being started now */
	guint pending;			     /* requests without an answer yet */
	GQueue output;			     /* struct piece, see conn.c */
	gsize sent;			     /* bytes of the first of them */
	gsize unsent_answers, unsent_events; /* bytes */
	guint64 subscribed;		     /* bits in the order of control_events */
	gboolean properties;		     /* its events have them */
};

/* Takes @fd over (a connected socket). The caller owns one reference. */
struct control_conn *control_conn_new(int fd, gboolean read_only, struct control_conn_owner *owner);
/* Greets and begins to read. */
void control_conn_start(struct control_conn *conn);
struct control_conn *control_conn_ref(struct control_conn *conn);
void control_conn_unref(struct control_conn *conn);

/* Closes at once; what was not sent is lost. Calls under way may still be answered, into the void.
 */
void control_conn_close(struct control_conn *conn);

/* Sends one line, now or when the client reads; takes @text over. A client too far behind is
 * closed. The caller must hold a reference. */
void control_conn_answer(struct control_conn *conn, char *text);
void control_conn_event(struct control_conn *conn, GBytes *line);

/* ---- call.c ---- */

/* One line of the client, that is not blank. */
void control_call_start(struct control_conn *conn, const char *line, gsize len);
