/* One request from its first line until it is handed over: framing that can be trusted, limits, who
 * it is from, and the body in the clear. */
#include "cimd/crypt.h"
#include "cimd/http_private.h"

#define ANONYMOUS_BODY_MAX (16 << 10) /* an Identify is a few hundred bytes */

/* ---- headers ---- */

/* What libmicrohttpd leaves to us (RFC 9112 sections 6.1 and 6.3): a length said twice, or said
 * beside another framing, is somebody's attempt to be understood differently by two servers. */
struct head {
	guint count, lengths, encodings, authorizations;
	gboolean bad;
	guint64 length;
};

/* "Content-Length : 3" and lines that begin with a space come through the library as names. */
static gboolean
is_token(const char *name)
{
	for (const char *at = name; *at; at++)
		if (!g_ascii_isalnum(*at) && !strchr("!#$%&'*+-.^_`|~", *at))
			return FALSE;
	return *name != '\0';
}

static enum MHD_Result
look_at_header(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct head *head = user;
	head->count++;
	head->bad = head->bad || !is_token(name);
	if (g_ascii_strcasecmp(name, "Content-Length") == 0) {
		head->lengths++;
		if (!value ||
		    !g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT64, &head->length, NULL))
			head->bad = TRUE;
	} else if (g_ascii_strcasecmp(name, "Transfer-Encoding") == 0) {
		head->encodings++;
		if (!value || g_ascii_strcasecmp(value, "chunked") != 0)
			head->bad = TRUE;
	} else if (g_ascii_strcasecmp(name, "Authorization") == 0) {
		head->authorizations++;
	}
	return MHD_YES;
}

static void
look_at_head(struct MHD_Connection *mhd, struct head *head)
{
	MHD_get_connection_values(mhd, MHD_HEADER_KIND, look_at_header, head);
	if (head->lengths > 1 || head->encodings > 1 || (head->lengths && head->encodings))
		head->bad = TRUE;
}

/* `Man: "http://www.dmtf.org/cim/mapping/http/v1.0" ; ns=11` (DSP0200 section 7.3, RFC 2774). */
static char *
read_man(const char *man)
{
	const char *ns = man ? strstr(man, "ns=") : NULL;
	if (!ns || !strstr(man, "http://www.dmtf.org/cim/mapping/http/v1") ||
	    !g_ascii_isdigit(ns[3]) || !g_ascii_isdigit(ns[4]) || g_ascii_isdigit(ns[5]))
		return NULL;
	return g_strdup_printf("%c%c-", ns[3], ns[4]);
}

/* ---- the first look ---- */

static const struct {
	const char *path;
	enum http_protocol protocol;
	gboolean anonymous;
} paths[] = {
	{"/wsman", HTTP_WSMAN, FALSE},
	{"/wsman/", HTTP_WSMAN, FALSE},
	{"/cimom", HTTP_CIMXML, FALSE},
	{"/cimom/", HTTP_CIMXML, FALSE},
	{"/wsman-anon/identify", HTTP_WSMAN, TRUE},
	{"/wsman-anon/identify/", HTTP_WSMAN, TRUE},
};

static void
find_path(struct http_exchange *x)
{
	for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
		if (strcmp(x->path, paths[i].path) == 0) {
			x->protocol = paths[i].protocol;
			x->anonymous = paths[i].anonymous;
			return;
		}
	x->refuse = 404;
}

static void
find_method(struct http_exchange *x, const char *method)
{
	if (strcmp(method, "POST") == 0)
		return;
	if (strcmp(method, "M-POST") != 0)
		x->refuse = 405;
	else if (!(x->prefix = read_man(http_exchange_lookup(x, "Man"))))
		x->refuse = 510; /* Not Extended, RFC 2774 section 7 */
}

static gboolean
has_token(const char *list, const char *token)
{
	g_auto(GStrv) parts = g_strsplit(list ? list : "", ",", -1);
	for (char **part = parts; *part; part++)
		if (g_ascii_strcasecmp(g_strstrip(*part), token) == 0)
			return TRUE;
	return FALSE;
}

static struct http_exchange *
exchange_new(struct http_conn *conn, const char *url, const char *method, const char *version)
{
	struct http_exchange *x = g_new0(struct http_exchange, 1);
	x->refs = 1;
	x->conn = conn;
	x->path = g_strdup(url);
	x->peer = g_strdup(conn->peer);
	x->listener_url = g_strdup(conn->listener_url);
	x->tls = conn->channel.tls;
	x->identity = identity_copy(NULL);
	x->http10 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
	x->takes_trailers = !x->http10 && has_token(http_exchange_lookup(x, "TE"), "trailers");
	find_path(x);
	find_method(x, method);
	if (x->protocol == HTTP_WSMAN &&
	    g_ascii_strcasecmp(http_exchange_lookup(x, "WSMANIDENTIFY")
				       ? http_exchange_lookup(x, "WSMANIDENTIFY")
				       : "",
			       "unauthenticated") == 0)
		x->anonymous = TRUE;
	/* Who has proved a name on this connection is asked under that name. */
	if (auth_session_seals(conn->session))
		x->anonymous = FALSE;
	return x;
}

static gsize
body_max(const struct http_exchange *x)
{
	return x->anonymous ? ANONYMOUS_BODY_MAX : x->conn->server->config.max_body;
}

/* The status of a request that is not read to its end, or 0. */
static guint
look_first(struct http_exchange *x, const struct head *head)
{
	if (head->bad || (head->encodings && x->http10))
		return 400;
	if (head->count > HTTP_HEADERS_MAX)
		return 431;
	if (strlen(x->path) > HTTP_URL_MAX)
		return 414;
	const char *authorization = http_exchange_lookup(x, "Authorization");
	if (authorization && strlen(authorization) > AUTH_TOKEN_MAX + 64)
		return 431;
	return head->length > body_max(x) ? 413 : 0;
}

/* An answer in the middle of a request: libmicrohttpd closes after it. */
static enum MHD_Result
refuse_now(struct http_exchange *x, guint status)
{
	x->in_handler = TRUE;
	x->close_after = TRUE;
	http_refuse(http_exchange_ref(x), status, NULL);
	return http_reply_queue(x);
}

static enum MHD_Result
begin(struct http_exchange *x)
{
	struct http_conn *conn = x->conn;
	struct head head = {0};
	look_at_head(conn->mhd, &head);
	http_conn_set_deadline(conn, conn->server->config.body_seconds);
	guint status = look_first(x, &head);
	if (status)
		return refuse_now(x, status);
	x->discard = x->refuse ||
		     (!x->anonymous &&
		      !auth_session_claim(conn->session, http_exchange_lookup(x, "Authorization")));
	if (head.length)
		http_daemon_acknowledge(conn->daemon, conn);
	if (!x->discard && head.length)
		x->receiving =
			g_byte_array_sized_new((guint)MIN(head.length, HTTP_CONNECTION_MEMORY));
	return MHD_YES;
}

static void
let_go_by(struct http_exchange *x, guint status)
{
	x->refuse = status;
	x->close_after = x->discard = TRUE;
	g_clear_pointer(&x->receiving, g_byte_array_unref);
	x->conn->server->held -= x->held;
	x->held = 0;
}

/* In the middle of a body there is no place for an answer: what is too much is let go by, up to
 * the same again, and answered at its end. */
static enum MHD_Result
receive(struct http_exchange *x, const char *data, size_t *len)
{
	struct http_daemon *daemon = x->conn->daemon;
	struct http_server *server = x->conn->server;
	if (daemon->headed == x->conn)
		daemon->headed = NULL;
	x->received += *len;
	if (x->received > 2 * body_max(x))
		return MHD_NO;
	if (x->received > body_max(x))
		let_go_by(x, 413);
	else if (!x->discard && server->held + *len > HTTP_BODIES_MAX)
		let_go_by(x, 503);
	if (!x->discard) {
		x->held += *len;
		server->held += *len;
		if (!x->receiving)
			x->receiving = g_byte_array_new();
		g_byte_array_append(x->receiving, (const guint8 *)data, (guint)*len);
	}
	*len = 0;
	return MHD_YES;
}

/* ---- who it is, and what it says ---- */

static void
hand_over(struct http_exchange *x)
{
	struct http_server *server = x->conn->server;
	if (!x->content_type)
		x->content_type = g_strdup(http_exchange_lookup(x, "Content-Type"));
	x->stage = STAGE_HANDLER;
	server->handler(x, server->user);
}

static gboolean
unseal(struct http_exchange *x, GError **error)
{
	struct crypt_message message = {0};
	struct auth_session *session = x->conn->session;
	if (!crypt_parse(http_exchange_lookup(x, "Content-Type"),
			 auth_session_seal_protocol(session), x->body, &message, error))
		return FALSE;
	GBytes *plain = auth_session_unseal(session, message.signature, message.signature_len,
					    message.data, message.data_len, error);
	gboolean ok = plain && crypt_check_length(&message, plain, error);
	if (ok) {
		x->content_type = g_steal_pointer(&message.content_type);
		x->tabs = message.tabs;
		x->seal = TRUE;
		g_bytes_unref(x->body);
		x->body = g_bytes_ref(plain);
	}
	g_clear_pointer(&plain, g_bytes_unref);
	crypt_message_clear(&message);
	return ok;
}

static void
open_body(struct http_exchange *x)
{
	g_autoptr(GError) error = NULL;
	if (!auth_session_seals(x->conn->session)) {
		hand_over(x);
		return;
	}
	x->seal = x->tabs = TRUE;
	if (crypt_is_sealed(http_exchange_lookup(x, "Content-Type"))) {
		if (unseal(x, &error)) {
			hand_over(x);
			return;
		}
		g_message("%s: the encrypted request cannot be read: %s", x->peer, error->message);
		x->close_after = TRUE;
		http_refuse(x, 400, NULL);
	} else if (auth_session_plain_allowed(x->conn->session)) {
		x->seal = FALSE;
		hand_over(x);
	} else if (g_bytes_get_size(x->body) == 0) {
		hand_over(x);
	} else {
		g_message("%s: a request that is not encrypted is refused", x->peer);
		x->close_after = TRUE;
		http_refuse(x, 403, NULL);
	}
}

static void
settled(struct auth_result *result, gpointer user)
{
	struct http_exchange *x = user;
	gboolean body = x->body && g_bytes_get_size(x->body) > 0;
	if (!x->conn || x->conn->closing) { /* gone in the meantime */
		http_refuse(x, 503, NULL);
		return;
	}
	switch (result->verdict) {
	case AUTH_ACCEPTED:
		g_assert(result->identity && result->identity->state == IDENTITY_USER);
		identity_free(x->identity);
		x->identity = g_steal_pointer(&result->identity);
		x->token = g_steal_pointer(&result->token);
		if (result->handshake && !body)
			http_reply(x, 200, NULL, NULL, NULL);
		else
			open_body(x);
		break;
	case AUTH_CONTINUE:
	default:
		http_answer_401(x, result->token, result->close_after);
	}
}

static void
settle(struct http_exchange *x)
{
	struct http_conn *conn = x->conn;
	struct auth_result result = {0};
	struct head head = {0};
	x->stage = STAGE_SETTLING;
	if (x->refuse) {
		http_refuse(x, x->refuse, NULL);
	} else if (x->anonymous) {
		hand_over(x);
	} else {
		look_at_head(conn->mhd, &head);
		if (auth_session_check(conn->session, http_exchange_lookup(x, "Authorization"),
				       head.authorizations, &result, settled, x) != AUTH_PENDING)
			settled(&result, x);
		auth_result_clear(&result);
	}
}

static enum MHD_Result
finish(struct http_exchange *x)
{
	struct http_conn *conn = x->conn;
	http_conn_set_deadline(conn, 0);
	if (x->receiving)
		x->body = g_byte_array_free_to_bytes(g_steal_pointer(&x->receiving));
	else
		x->body = g_bytes_new_static("", 0);
	x->in_handler = TRUE;
	settle(http_exchange_ref(x));
	x->in_handler = FALSE;
	if (x->stage == STAGE_ANSWERED)
		return http_reply_queue(x);
	x->suspended = TRUE;
	MHD_suspend_connection(conn->mhd);
	return MHD_YES;
}

/* ---- libmicrohttpd's calls ---- */

static struct http_conn *
conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The first line is there: what follows must not dribble in. */
void *
http_request_line(void *user, const char *uri, struct MHD_Connection *mhd)
{
	struct http_conn *conn = conn_of(mhd);
	if (conn)
		http_conn_set_deadline(conn, conn->server->config.header_seconds);
	return NULL;
}

enum MHD_Result
http_access(void *user, struct MHD_Connection *mhd, const char *url, const char *method,
	    const char *version, const char *upload, size_t *upload_size, void **context)
{
	struct http_exchange *x = *context;
	if (!x) {
		x = *context = exchange_new(conn_of(mhd), url, method, version);
		x->conn->current = x;
		return begin(x);
	}
	if (*upload_size > 0)
		return receive(x, upload, upload_size);
	if (x->stage == STAGE_BODY)
		return finish(x);
	return x->stage == STAGE_ANSWERED ? http_reply_queue(x) : MHD_NO;
}

void
http_completed(void *user, struct MHD_Connection *mhd, void **context,
	       enum MHD_RequestTerminationCode code)
{
	struct http_exchange *x = *context;
	if (!x)
		return;
	struct http_conn *conn = x->conn;
	if (x->refs > 1)
		http_exchange_keep_headers(x);
	conn->server->held -= x->held;
	*context = NULL;
	x->conn = NULL;
	conn->current = NULL;
	http_conn_set_deadline(conn, conn->server->config.idle_seconds);
	if (conn->server->quiet)
		http_conn_kill(conn);
	http_exchange_unref(x);
}
