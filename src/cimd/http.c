/* The server as a whole: its daemons, listeners and connections, and the deadlines of those. */
#include "cimd/http_private.h"

#include "base/error.h"

#include <poll.h>

#define TICK_MS 500 /* how exact deadlines are */

/* ---- identities ---- */

struct identity *
identity_copy(const struct identity *identity)
{
	struct identity *copy = g_new0(struct identity, 1);
	if (!identity || identity->state != IDENTITY_USER)
		return copy;
	copy->state = IDENTITY_USER;
	copy->user = g_strdup(identity->user);
	copy->how = identity->how;
	return copy;
}

void
identity_free(struct identity *identity)
{
	if (!identity)
		return;
	g_free(identity->user);
	g_free(identity);
}

/* ---- connections ---- */

void
http_conn_set_deadline(struct http_conn *conn, guint64 seconds)
{
	conn->deadline = seconds ? g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC : 0;
}

void
http_conn_kill(struct http_conn *conn)
{
	conn->closing = TRUE;
	shutdown(conn->fd, SHUT_RDWR);
	http_daemon_poke(conn->daemon);
}

void
http_conn_resume(struct http_conn *conn)
{
	MHD_resume_connection(conn->mhd);
	http_daemon_poke(conn->daemon);
}

static void
drop_retired(struct http_server *server)
{
	for (guint i = server->retired->len; i-- > 0;) {
		struct http_daemon *daemon = server->retired->pdata[i];
		if (daemon->connections == 0)
			g_ptr_array_remove_index_fast(server->retired, i);
	}
}

/* libmicrohttpd does not look at a connection whose answer it waits for. Who has shut its side down
 * has gone: clients of HTTP do not half-close. */
static void
look_for_gone(struct http_conn *conn)
{
	struct http_exchange *x = conn->current;
	struct pollfd state = {.fd = conn->fd, .events = POLLRDHUP};
	if (!x || !x->gone || x->stage != STAGE_HANDLER || poll(&state, 1, 0) <= 0)
		return;
	void (*gone)(struct http_exchange *, gpointer) = x->gone;
	x->gone = NULL;
	gone(x, x->gone_data);
}

static void
look_at_conn(struct http_conn *conn, gint64 now)
{
	look_for_gone(conn);
	if (conn->closing || !conn->deadline || conn->deadline > now)
		return;
	g_debug("http: %s took too long", conn->peer);
	http_conn_kill(conn);
}

static gboolean
on_tick(gpointer user)
{
	struct http_server *server = user;
	gint64 now = g_get_monotonic_time();
	/* Who is told that a client has gone may answer, which may end the connection. */
	g_autofree gpointer *conns = g_hash_table_get_keys_as_array(server->conns, NULL);
	for (gpointer *conn = conns; *conn; conn++)
		if (g_hash_table_contains(server->conns, *conn))
			look_at_conn(*conn, now);
	drop_retired(server);
	return G_SOURCE_CONTINUE;
}

/* ---- the server ---- */

static void
copy_config(struct http_config *to, const struct http_config *from)
{
	*to = *from;
	to->listen = g_strdupv(from->listen);
	to->tls_cert = g_strdup(from->tls_cert ? from->tls_cert : "");
	to->tls_key = g_strdup(from->tls_key ? from->tls_key : "");
	to->tls_ca = g_strdup(from->tls_ca ? from->tls_ca : "");
	const struct {
		guint64 *value, fallback;
	} defaults[] = {
		{&to->max_body, HTTP_BODY_MAX},
		{&to->max_connections, HTTP_CONNECTIONS_MAX},
		{&to->max_peer_connections, HTTP_PEER_CONNECTIONS_MAX},
		{&to->header_seconds, HTTP_HEADER_SECONDS},
		{&to->body_seconds, HTTP_BODY_SECONDS},
		{&to->idle_seconds, HTTP_IDLE_SECONDS},
	};
	for (guint i = 0; i < G_N_ELEMENTS(defaults); i++)
		if (*defaults[i].value == 0)
			*defaults[i].value = defaults[i].fallback;
}

static gboolean
needs_tls(const struct http_config *config)
{
	for (char **url = config->listen; url && *url; url++)
		if (g_str_has_prefix(*url, "https://"))
			return TRUE;
	return FALSE;
}

static gboolean
open_listeners(struct http_server *server, GError **error)
{
	for (char **url = server->config.listen; url && *url; url++) {
		struct http_listener *listener = http_listener_new(server, *url, error);
		if (!listener)
			return FALSE;
		g_ptr_array_add(server->listeners, listener);
	}
	if (server->listeners->len == 0)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "listen: there is no listener");
	return TRUE;
}

struct http_server *
http_server_new(const struct http_config *config, struct auth *auth, http_handler_fn handler,
		gpointer user, GError **error)
{
	cairn_auto(http_server) server = g_new0(struct http_server, 1);
	copy_config(&server->config, config);
	server->auth = auth;
	server->handler = handler;
	server->user = user;
	server->retired = g_ptr_array_new_with_free_func((GDestroyNotify)http_daemon_free);
	server->listeners = g_ptr_array_new_with_free_func((GDestroyNotify)http_listener_free);
	server->conns = g_hash_table_new(NULL, NULL);
	server->peers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	server->plain = http_daemon_new(server, FALSE, error);
	if (!server->plain)
		return NULL;
	if (needs_tls(config) && !(server->tls = http_daemon_new(server, TRUE, error)))
		return NULL;
	if (!open_listeners(server, error))
		return NULL;
	server->tick = g_timeout_add(TICK_MS, on_tick, server);
	return g_steal_pointer(&server);
}

/* libmicrohttpd does not stop while a connection is suspended. */
static void
resume_all(struct http_server *server)
{
	GHashTableIter iter;
	gpointer key;
	g_hash_table_iter_init(&iter, server->conns);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		struct http_conn *conn = key;
		conn->closing = TRUE;
		if (conn->current && conn->current->suspended) {
			conn->current->suspended = FALSE;
			MHD_resume_connection(conn->mhd);
		}
		shutdown(conn->fd, SHUT_RDWR);
	}
}

void
http_server_free(struct http_server *server)
{
	if (!server)
		return;
	g_clear_handle_id(&server->tick, g_source_remove);
	g_clear_handle_id(&server->pause, g_source_remove);
	g_ptr_array_unref(server->listeners);
	resume_all(server);
	http_daemon_free(server->plain);
	http_daemon_free(server->tls);
	g_ptr_array_unref(server->retired);
	g_hash_table_unref(server->conns);
	g_hash_table_unref(server->peers);
	g_strfreev(server->config.listen);
	g_free(server->config.tls_cert);
	g_free(server->config.tls_key);
	g_free(server->config.tls_ca);
	g_free(server);
}

const char *
http_server_url(const struct http_server *server, guint i)
{
	if (i >= server->listeners->len)
		return NULL;
	const struct http_listener *listener = server->listeners->pdata[i];
	return listener->url;
}

gboolean
http_server_reload(struct http_server *server, GError **error)
{
	if (!server->tls)
		return TRUE;
	struct http_daemon *daemon = http_daemon_new(server, TRUE, error);
	if (!daemon)
		return FALSE;
	g_ptr_array_add(server->retired, server->tls);
	server->tls = daemon;
	return TRUE;
}

void
http_server_quiesce(struct http_server *server)
{
	GHashTableIter iter;
	gpointer key;
	server->quiet = TRUE;
	g_clear_handle_id(&server->pause, g_source_remove);
	g_ptr_array_set_size(server->listeners, 0);
	g_hash_table_iter_init(&iter, server->conns);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		struct http_conn *conn = key;
		conn->listener = NULL;
		if (!conn->current)
			http_conn_kill(conn);
	}
}

guint
http_server_connections(const struct http_server *server)
{
	return g_hash_table_size(server->conns);
}
