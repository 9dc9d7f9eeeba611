/* What the files http*.c share. http.c: listeners, connections and time; http_request.c: one
 * request until it is handed over; http_reply.c: answers. */
#pragma once

#include "cimd/auth_private.h"
#include "cimd/http.h"
#include "cimd/limits.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

/* libmicrohttpd's side: one for plain connections, one for TLS. After a reload the old one lives
 * until its last connection has ended. */
struct http_daemon {
	struct http_server *server;
	struct MHD_Daemon *mhd;
	GSource *source;
	gpointer tag; /* of the epoll descriptor in it */
	gboolean tls;
	guint connections;
	struct http_conn *headed; /* its head came, its body did not yet; or NULL */
	char *cert, *key, *ca;	  /* PEM text, for libmicrohttpd to look at */
};

struct http_listener {
	struct http_server *server;
	int fd;
	guint source;
	char *url;
	gboolean tls, loopback;
	char *path; /* of a Unix socket, to be removed; else NULL */
};

struct http_server {
	struct http_config config; /* texts are our own; zeroes are replaced by the defaults */
	struct auth *auth;
	http_handler_fn handler;
	gpointer user;
	struct http_daemon *plain, *tls;
	GPtrArray *retired;   /* struct http_daemon */
	GPtrArray *listeners; /* struct http_listener */
	GHashTable *conns;    /* struct http_conn, as a set */
	guint64 held;	      /* bytes of bodies, of all requests under way */
	GHashTable *peers;    /* struct http_conn's peer_key to the number of its connections */
	struct http_conn *adding;
	guint tick;
	guint pause; /* source that takes connections again after the machine ran out of something
		      */
	gboolean quiet;
};

/* One connection; libmicrohttpd's socket context. */
struct http_conn {
	struct http_server *server;
	struct http_daemon *daemon;
	struct http_listener *listener; /* NULL after quiesce */
	char *listener_url;
	struct MHD_Connection *mhd;
	int fd;
	char *peer, *peer_key;
	struct auth_channel channel; /* what authentication may look at */
	struct auth_session *session;
	gint64 deadline; /* monotonic; 0 while we work on the answer */
	gboolean closing;
	struct http_exchange *current;
};

enum http_stage {
	STAGE_BODY,	/* headers were good, the body comes */
	STAGE_SETTLING, /* who is it? */
	STAGE_HANDLER,	/* the handler has it */
	STAGE_ANSWERED, /* an answer is there and waits to be queued, or the client has gone */
	STAGE_SENDING,	/* libmicrohttpd has it */
};

struct http_exchange {
	guint refs;		/* one of libmicrohttpd, one of whoever still owes an answer */
	struct http_conn *conn; /* NULL: the client has gone */
	enum http_stage stage;
	gboolean in_handler; /* we are below http_access(): no need to resume */
	gboolean suspended;
	/* the request */
	enum http_protocol protocol;
	char *path, *prefix; /* prefix: "NN-" with M-POST */
	char *peer, *listener_url;
	GHashTable *headers; /* copies, once @conn has gone; else NULL */
	GByteArray *receiving;
	gboolean discard;     /* nobody will look at the body */
	gsize received, held; /* bytes; held: that count in the server's */
	GBytes *body;
	char *content_type;
	gboolean http10, tls, anonymous, takes_trailers, handshake;
	guint refuse; /* status decided at the headers, told after the body; 0: none */
	struct identity *identity;
	gboolean seal; /* the answer's body must be encrypted */
	gboolean tabs; /* as the request had them */
	char *token;   /* value of a WWW-Authenticate line for the answer */
	void (*gone)(struct http_exchange *x, gpointer data);
	gpointer gone_data;
	/* the answer */
	struct MHD_Response *response;
	guint status;
	gboolean close_after;
	struct http_stream *stream;
};

/* ---- http.c ---- */

/* The response is there or the client has: let libmicrohttpd look at the connection again. */
void http_conn_resume(struct http_conn *conn);
/* Ends the connection as soon as libmicrohttpd sees it; may be called anywhere. */
void http_conn_kill(struct http_conn *conn);
void http_conn_set_deadline(struct http_conn *conn, guint64 seconds);

/* ---- http_daemon.c ---- */

struct http_daemon *http_daemon_new(struct http_server *server, gboolean tls, GError **error);
void http_daemon_free(struct http_daemon *daemon);
/* Has it look at its connections in the next turn of the loop. */
void http_daemon_poke(struct http_daemon *daemon);
/* Has the kernel acknowledge the head that waits for its body; @next is the one that waits now. */
void http_daemon_acknowledge(struct http_daemon *daemon, struct http_conn *next);

/* ---- http_listen.c ---- */

struct http_listener *http_listener_new(struct http_server *server, const char *url,
					GError **error);
void http_listener_free(struct http_listener *listener);
void http_conn_free(struct http_conn *conn);
/* libmicrohttpd's call for each connection's begin and end. */
void http_notify_connection(void *user, struct MHD_Connection *mhd, void **context,
			    enum MHD_ConnectionNotificationCode code);

/* ---- http_request.c ---- */

void *http_request_line(void *user, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_access(void *user, struct MHD_Connection *mhd, const char *url,
			    const char *method, const char *version, const char *upload,
			    size_t *upload_size, void **context);
void http_completed(void *user, struct MHD_Connection *mhd, void **context,
		    enum MHD_RequestTerminationCode code);

/* ---- http_exchange.c ---- */

/* The header of exactly that name, or NULL. */
const char *http_exchange_lookup(const struct http_exchange *x, const char *name);
/* For somebody who still works on the answer and may look at the request: the client is going. */
void http_exchange_keep_headers(struct http_exchange *x);
struct http_exchange *http_exchange_ref(struct http_exchange *x);
void http_exchange_unref(struct http_exchange *x);

/* ---- http_reply.c ---- */

/* The answer of ourselves before the handler, with the reference that the handler would have had.
 */
void http_answer_401(struct http_exchange *x, const char *token, gboolean close_after);
/* Queues the answer that is there. */
enum MHD_Result http_reply_queue(struct http_exchange *x);
