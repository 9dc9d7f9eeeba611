/* The HTTP and HTTPS listeners of cairn-cimd: who asks is settled here, bodies come whole and in
 * the clear, answers go out in one piece or as a stream. Nothing here knows SOAP or CIM.
 *
 * One thread, the default main context, owns all of it. */
#pragma once

#include "base/auto.h"

#include <glib.h>

/* ---- who asks ---- */

/* 0 is nobody, so that memory that was only zeroed has no rights (CVE-2021-38647). */
enum identity_state {
	IDENTITY_NONE = 0,
	IDENTITY_USER = 0x5573, /* authenticated, and mapped to a local user name */
};

struct identity {
	enum identity_state state;
	char *user; /* local user name; NULL for nobody */
	const char *
		how; /* "basic", "negotiate", "kerberos", "cert", "none", "unix"; NULL for nobody */
};

/* A new copy; free with identity_free(). NULL and nobody give nobody. */
struct identity *identity_copy(const struct identity *identity);
void identity_free(struct identity *identity);
CAIRN_DEFINE_AUTO(identity, identity_free)

/* ---- one request and its answer ---- */

struct http_exchange;

enum http_protocol {
	HTTP_WSMAN = 1, /* /wsman, /wsman-anon/identify */
	HTTP_CIMXML,	/* /cimom */
};

/* Everything is borrowed and lives until the answer is given. */
enum http_protocol http_exchange_protocol(const struct http_exchange *x);
/* Without query, as it was sent. */
const char *http_exchange_path(const struct http_exchange *x);
/* The first header of that name (any case), or NULL. With M-POST the "NN-" of the Man header goes
 * before CIMOperation and its kin; give the plain name. */
const char *http_exchange_header(const struct http_exchange *x, const char *name);
/* Decrypted; never NULL, may be empty. */
GBytes *http_exchange_body(const struct http_exchange *x);
/* The media type of the body, of what was inside when it was encrypted; NULL when there was none.
 */
const char *http_exchange_content_type(const struct http_exchange *x);
/* Never NULL. IDENTITY_NONE only when http_exchange_anonymous_identify() is true. */
const struct identity *http_exchange_identity(const struct http_exchange *x);
/* Asked without credentials for Identify: answer nothing but wsmid:Identify (and no versions). */
gboolean http_exchange_anonymous_identify(const struct http_exchange *x);
/* "127.0.0.1:40112", "[::1]:40112" or "unix:PID". */
const char *http_exchange_peer(const struct http_exchange *x);
gboolean http_exchange_tls(const struct http_exchange *x);
/* NULL when there is none. */
const char *http_exchange_user_agent(const struct http_exchange *x);
/* The URL of the listener, without path. */
const char *http_exchange_listener(const struct http_exchange *x);

/* Called at most once, later, from the loop, when the client has gone before the answer was given.
 * @x stays valid and still wants its answer, which goes nowhere: an owner that can stop its work
 * does so. @gone NULL takes it back. */
void http_exchange_on_gone(struct http_exchange *x,
			   void (*gone)(struct http_exchange *x, gpointer data), gpointer data);

/* ---- the answer: exactly one of these three, at once or later; @x is then no longer the caller's
 * ---- */

/* An array of these is ended by a NULL name; it and its texts are copied. Names and values must be
 * printable ASCII without line ends, or they are left out. */
struct http_header {
	const char *name, *value;
};

/* @headers and @content_type may be NULL. Takes a reference of its own on @body, NULL for none. */
void http_reply(struct http_exchange *x, guint status, const struct http_header *headers,
		const char *content_type, GBytes *body);

/* An answer before the protocol: no body. @cim_error is the value of a CIMError header (DSP0200
 * section 7.4), or NULL. */
void http_refuse(struct http_exchange *x, guint status, const char *cim_error);

#define HTTP_CHUNK (64 << 10) /* bytes to aim at in one call of a http_next_fn */

enum http_next {
	HTTP_MORE,   /* @chunk has bytes; call again when they are sent */
	HTTP_WAIT,   /* nothing now (@chunk is ignored): call again after http_stream_wake() */
	HTTP_END,    /* what is in @chunk is the last */
	HTTP_FAILED, /* the answer cannot be finished; @failure may be filled in */
};

/* What goes wrong in the middle: told in trailers to clients that take them (DSP0200 section
 * 7.4.2), to others the connection is cut so that they know. Texts are copied. */
struct http_failure {
	const char *cim_error;	 /* or NULL */
	guint status;		 /* CIM status code, 0 for none */
	const char *description; /* or NULL */
};

/* Appends the next piece to @chunk, which is empty. */
typedef enum http_next (*http_next_fn)(gpointer data, GString *chunk, struct http_failure *failure);

struct http_stream;

/* @next is called from the loop, never from within http_stream(), each time the client has taken
 * what there was; memory does not grow with the answer (but on a connection with message encryption
 * the whole of it is gathered first, up to HTTP_SEAL_MAX). @free_data is called once, also when the
 * client goes away in the middle. The result is valid until @free_data is called, and only good for
 * http_stream_wake(). */
struct http_stream *http_stream(struct http_exchange *x, guint status,
				const struct http_header *headers, const char *content_type,
				http_next_fn next, gpointer data, GDestroyNotify free_data);
/* After HTTP_WAIT: @next has something to say now. Harmless at other times. */
void http_stream_wake(struct http_stream *stream);

/* Whether a failure in a stream can be told in trailers (`TE: trailers`). */
gboolean http_exchange_takes_trailers(const struct http_exchange *x);

/* ---- the server ---- */

struct auth;

struct http_config {
	char **listen; /* http://ADDRESS:PORT, https://..., unix:PATH; port 0: the kernel's choice
			*/
	gboolean allow_http;		   /* http:// on addresses that are not loopback */
	char *tls_cert, *tls_key, *tls_ca; /* PEM files; "" or NULL: none */
	guint64 max_body;		   /* bytes; limits.h has what 0 stands for */
	guint64 max_connections, max_peer_connections;
	guint64 header_seconds, body_seconds, idle_seconds;
};

/* Whether one entry of `listen` can be understood, without opening anything. INVALID, DENIED. */
gboolean http_listen_check(const char *url, gboolean allow_http, GError **error);

/* Called once for each request that may be answered: authenticated, or asking for an anonymous
 * Identify. It may answer at once. */
typedef void (*http_handler_fn)(struct http_exchange *x, gpointer user);

struct http_server;

/* Binds all listeners and begins to answer when the loop runs. @config is copied; @auth (auth.h) is
 * borrowed and must outlive the server. INVALID for a URL that is not one or is not allowed, IO,
 * DENIED or EXISTS for one that cannot be had. */
struct http_server *http_server_new(const struct http_config *config, struct auth *auth,
				    http_handler_fn handler, gpointer user, GError **error);
/* Closes all connections; exchanges that are not answered yet stay valid and go nowhere. */
void http_server_free(struct http_server *server);
CAIRN_DEFINE_AUTO(http_server, http_server_free)

/* The i-th listener as a URL without path, with the real port; NULL behind the last. */
const char *http_server_url(const struct http_server *server, guint i);

/* Reads certificate, key and CA again; connections that are there go on with the old ones. On
 * failure all stays as it was. */
gboolean http_server_reload(struct http_server *server, GError **error);

/* Takes no new connections; those that are there end with their answers. */
void http_server_quiesce(struct http_server *server);
guint http_server_connections(const struct http_server *server);
