/* What the files auth*.c share, and what http*.c ask of them. */
#pragma once

#include "cimd/auth.h"
#include "cimd/http.h"

#include <sys/types.h>

/* How somebody is connected; does not change over the life of a connection. */
struct auth_channel {
	gboolean tls, loopback, unix_socket;
	gboolean has_uid;
	uid_t uid;	      /* SO_PEERCRED, of a Unix socket */
	const char *peer;     /* for the log; borrowed from the connection */
	const char *peer_key; /* whose failures are counted together */
	gpointer tls_session; /* gnutls_session_t, or NULL */
};

/* One connection's authentication: what was settled on it, and what is under way. */
struct auth_session;

enum auth_verdict {
	AUTH_REFUSED = 0, /* 401 and the list of schemes */
	AUTH_PENDING,	  /* the callback will be called, later */
	AUTH_CONTINUE,	  /* 401 and @token */
	AUTH_ACCEPTED,	  /* @identity */
};

struct auth_result {
	enum auth_verdict verdict;
	gboolean close_after;	   /* the connection has tried enough */
	gboolean handshake;	   /* this request's leg was the last one of a handshake */
	char *token;		   /* value of a WWW-Authenticate header, or NULL */
	struct identity *identity; /* NULL unless ACCEPTED */
};
void auth_result_clear(struct auth_result *result);

/* @result is only borrowed; what it holds may be stolen. */
typedef void (*auth_done_fn)(struct auth_result *result, gpointer data);

/* @channel is borrowed and must outlive the session's last request. */
struct auth_session *auth_session_new(struct auth *auth, const struct auth_channel *channel);
/* A request that is being checked is still told to its callback. */
void auth_session_free(struct auth_session *session);

/* Whether a request with that Authorization header (NULL: none) could be accepted at all: if not,
 * nobody will look at its body. */
gboolean auth_session_claim(const struct auth_session *session, const char *authorization);

/* Settles who makes a request. @count: the number of its Authorization headers; more than one is
 * refused. Fills in @result and returns its verdict; PENDING: @done is called later with another
 * result, exactly once. One request at a time. */
enum auth_verdict auth_session_check(struct auth_session *session, const char *authorization,
				     guint count, struct auth_result *result, auth_done_fn done,
				     gpointer data);

/* The values of the WWW-Authenticate lines for that channel, NULL at the end; borrowed. */
const char *const *auth_offers(const struct auth *auth, const struct auth_channel *channel);

/* Bodies on this connection are encrypted (Negotiate over plain HTTP). */
gboolean auth_session_seals(const struct auth_session *session);
/* The configuration lets plain bodies through all the same. */
gboolean auth_session_plain_allowed(const struct auth_session *session);
/* "application/HTTP-SPNEGO-session-encrypted" or ...-Kerberos-...; only when it seals. */
const char *auth_session_seal_protocol(const struct auth_session *session);
/* NULL with an error: the connection must be closed. DENIED when it was signed but not encrypted.
 */
GBytes *auth_session_unseal(struct auth_session *session, const void *signature,
			    gsize signature_len, const void *data, gsize data_len, GError **error);
gboolean auth_session_seal(struct auth_session *session, GBytes *plain, GBytes **ret_signature,
			   GBytes **ret_data, GError **error);

/* ---- between the files auth*.c ---- */

enum auth_mode {
	AUTH_BASIC = 1 << 0,
	AUTH_NEGOTIATE = 1 << 1,
	AUTH_CERT = 1 << 2,
	AUTH_NONE = 1 << 3,
};

struct auth_header;

struct auth {
	guint modes; /* enum auth_mode, or-ed */
	gboolean allow_http_basic, allow_plain;
	char *none_user;
	struct auth_basic *basic; /* NULL: not offered */
	struct auth_gss *gss;	  /* NULL: not offered */
	struct auth_slow *slow;
	struct auth_map *principals, *certs;
	/* WWW-Authenticate values on a connection that nobody can listen in on, and on others */
	const char *offers_private[5], *offers_clear[5];
};

struct auth_session {
	guint refs; /* one of the connection, one of a check under way */
	struct auth *auth;
	const struct auth_channel *channel; /* NULL: the connection has gone */
	struct gss_session *gss;	    /* a handshake, begun or finished; or NULL */
	char *cert_user;		    /* NULL: not looked at, or nobody */
	gboolean cert_looked;
};

struct auth_session *auth_session_ref(struct auth_session *session);
void auth_session_unref(struct auth_session *session);
void auth_accept(struct auth_result *result, const char *user, const char *how);

/* auth_map.c: names from outside to local users, as the configuration lists them. */
struct auth_map *auth_map_new(char *const *lines, const char *what, GError **error);
void auth_map_free(struct auth_map *map);
CAIRN_DEFINE_AUTO(auth_map, auth_map_free)
/* NULL when @name has no line; borrowed. */
const char *auth_map_find(const struct auth_map *map, const char *name);
gboolean auth_map_empty(const struct auth_map *map);

/* auth_slow.c: peers that failed have to wait. */
struct auth_slow *auth_slow_new(void);
void auth_slow_free(struct auth_slow *slow);
/* Milliseconds until that peer's next try may be looked at; the try is counted as begun. */
guint auth_slow_delay(struct auth_slow *slow, const char *peer);
void auth_slow_failed(struct auth_slow *slow, const char *peer);
void auth_slow_good(struct auth_slow *slow, const char *peer);

/* auth_basic.c: passwords. */
struct auth_basic *auth_basic_new(struct auth *auth, struct auth_helper *helper);
void auth_basic_free(struct auth_basic *basic);
enum auth_verdict auth_basic_check(struct auth_session *session, struct auth_header *header,
				   struct auth_result *result, auth_done_fn done, gpointer data);

/* auth_helper.c: @done gets the user's local name, or NULL when it was not the right password. It
 * is called later, exactly once. */
void auth_helper_check(struct auth_helper *helper, const char *user, const char *password,
		       const char *peer, void (*done)(const char *user, gpointer data),
		       gpointer data);

/* What was asked for with that @data is not answered any more. */
void auth_helper_forget(struct auth_helper *helper, gpointer data);

/* auth_cert.c: the local user that the client's certificate names, or NULL; free with g_free(). */
char *auth_cert_user(const struct auth_map *map, gpointer tls_session, const char *peer);

/* auth_gss.c: Negotiate and Kerberos. */
struct auth_gss *auth_gss_new(struct auth *auth, const char *keytab, GError **error);
void auth_gss_free(struct auth_gss *gss);
enum auth_verdict auth_gss_check(struct auth_session *session, struct auth_header *header,
				 struct auth_result *result, auth_done_fn done, gpointer data);
/* The local user of a finished handshake, or NULL. */
const char *gss_session_user(const struct gss_session *session);
const char *gss_session_how(const struct gss_session *session);
gboolean gss_session_under_way(const struct gss_session *session);
void gss_session_free(struct gss_session *session);
CAIRN_DEFINE_AUTO(gss_session, gss_session_free)
