/* Listening sockets, the connections that come in, and how many of them one peer may have. */
#include "base/error.h"
#include "base/file.h"
#include "cimd/http_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define SOCKET_MODE 0666 /* who may do what is settled by who they are */
#define PAUSE_MS    100	 /* when the machine has no descriptors left */
#define ACCEPTS	    64	 /* in one turn of the loop */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	} u;
	socklen_t len;
};

/* ---- URLs ---- */

static gboolean
parse_ip(const char *host, guint16 port, struct address *address)
{
	memset(address, 0, sizeof *address);
	if (inet_pton(AF_INET, host, &address->u.v4.sin_addr) == 1) {
		address->u.v4.sin_family = AF_INET;
		address->u.v4.sin_port = htons(port);
		address->len = sizeof address->u.v4;
		return TRUE;
	}
	if (inet_pton(AF_INET6, host, &address->u.v6.sin6_addr) != 1)
		return FALSE;
	address->u.v6.sin6_family = AF_INET6;
	address->u.v6.sin6_port = htons(port);
	address->len = sizeof address->u.v6;
	return TRUE;
}

static gboolean
is_loopback(const struct address *address)
{
	const struct in6_addr *v6 = &address->u.v6.sin6_addr;
	switch (address->u.any.sa_family) {
	case AF_INET:
		return (ntohl(address->u.v4.sin_addr.s_addr) >> 24) == 127;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(v6) ||
		       (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
	default:
		return FALSE;
	}
}

static gboolean
parse_host_port(const char *text, guint default_port, struct address *address)
{
	g_autofree char *host = g_strdup(text);
	char *slash = strchr(host, '/');
	if (slash && slash[1] != '\0')
		return FALSE;
	if (slash)
		*slash = '\0';
	guint64 port = default_port;
	char *colon = strrchr(host, ':');
	char *bracket = strrchr(host, ']');
	if (colon && (!bracket || colon > bracket)) {
		*colon = '\0';
		if (!g_ascii_string_to_unsigned(colon + 1, 10, 0, G_MAXUINT16, &port, NULL))
			return FALSE;
	}
	char *name = host;
	if (*host == '[') {
		gsize len = strlen(host);
		if (host[len - 1] != ']')
			return FALSE;
		host[len - 1] = '\0';
		name = host + 1;
	}
	return parse_ip(strcmp(name, "localhost") == 0 ? "127.0.0.1" : name, (guint16)port,
			address);
}

static gboolean
parse_unix(const char *path, struct address *address)
{
	memset(address, 0, sizeof *address);
	if (*path != '/' || strlen(path) >= sizeof address->u.local.sun_path)
		return FALSE;
	address->u.local.sun_family = AF_UNIX;
	g_strlcpy(address->u.local.sun_path, path, sizeof address->u.local.sun_path);
	address->len = sizeof address->u.local;
	return TRUE;
}

static gboolean
parse_url(struct http_listener *listener, const char *url, gboolean allow_http,
	  struct address *address, GError **error)
{
	gboolean ok;
	if (g_str_has_prefix(url, "unix:")) {
		ok = parse_unix(url + 5, address);
		listener->path = ok ? g_strdup(url + 5) : NULL;
	} else if (g_str_has_prefix(url, "https://")) {
		listener->tls = TRUE;
		ok = parse_host_port(url + 8, 5986, address);
	} else {
		ok = g_str_has_prefix(url, "http://") && parse_host_port(url + 7, 5985, address);
	}
	if (!ok)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "listen: \"%s\" is not http://ADDRESS:PORT, https://ADDRESS:PORT "
				  "or unix:/PATH",
				  url);
	listener->loopback = is_loopback(address);
	if (!listener->tls && !listener->path && !listener->loopback && !allow_http)
		return cairn_fail(
			error, CAIRN_ERROR_DENIED,
			"listen: \"%s\" is not on loopback: use https://, or set allow-http", url);
	return TRUE;
}

gboolean
http_listen_check(const char *url, gboolean allow_http, GError **error)
{
	struct http_listener listener = {.fd = -1};
	struct address address;
	gboolean ok = parse_url(&listener, url, allow_http, &address, error);
	g_free(listener.path);
	return ok;
}

/* ---- sockets ---- */

/* A socket that nobody listens on any more is in the way. */
static void
remove_stale(const struct address *address)
{
	CAIRN_AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, &address->u.any, address->len) < 0 && errno == ECONNREFUSED)
		g_unlink(address->u.local.sun_path);
}

static char *
address_text(const struct address *address)
{
	char host[INET6_ADDRSTRLEN];
	if (address->u.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &address->u.v4.sin_addr, host, sizeof host);
		return g_strdup_printf("%s:%u", host, ntohs(address->u.v4.sin_port));
	}
	inet_ntop(AF_INET6, &address->u.v6.sin6_addr, host, sizeof host);
	return g_strdup_printf("[%s]:%u", host, ntohs(address->u.v6.sin6_port));
}

static gboolean
bind_socket(struct http_listener *listener, const char *url, struct address *address,
	    GError **error)
{
	int one = 1, family = address->u.any.sa_family;
	listener->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd >= 0 && family == AF_UNIX)
		remove_stale(address);
	else if (listener->fd >= 0)
		setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	/* [::] would take the IPv4 port too, and 0.0.0.0 beside it could not be had. */
	if (listener->fd >= 0 && family == AF_INET6)
		setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (listener->fd < 0 || bind(listener->fd, &address->u.any, address->len) < 0 ||
	    listen(listener->fd, HTTP_BACKLOG) < 0) {
		cairn_set_errno(error, errno, "cannot listen on \"%s\"", url);
		g_clear_pointer(&listener->path, g_free); /* it is not ours */
		return FALSE;
	}
	if (listener->path) {
		chmod(listener->path, SOCKET_MODE);
		listener->url = g_strdup(url);
		return TRUE;
	}
	getsockname(listener->fd, &address->u.any, &address->len);
	g_autofree char *text = address_text(address);
	listener->url = g_strconcat(listener->tls ? "https://" : "http://", text, NULL);
	return TRUE;
}

/* Whose connections and failures are counted together: of IPv6 the /64, out of which one machine
 * has as many addresses as it likes (RFC 4291 section 2.5.1). */
static char *
network_text(const struct address *address)
{
	struct address network = *address;
	if (address->u.any.sa_family == AF_INET6)
		memset(network.u.v6.sin6_addr.s6_addr + 8, 0, 8);
	g_autofree char *text = address_text(&network);
	return g_strndup(text, (gsize)(strrchr(text, ':') - text));
}

/* ---- connections ---- */

static void
describe(struct http_conn *conn, const struct address *address)
{
	if (address->u.any.sa_family == AF_UNIX) {
		struct ucred peer = {0};
		socklen_t len = sizeof peer;
		conn->channel.unix_socket = TRUE;
		conn->channel.has_uid =
			getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;
		conn->channel.uid = peer.uid;
		conn->peer = g_strdup_printf("unix:%d", (int)peer.pid);
		conn->peer_key = g_strdup_printf("uid:%u", (guint)peer.uid);
		return;
	}
	conn->peer = address_text(address);
	conn->peer_key = network_text(address);
	/* The listener's address says where from; a connection to loopback comes from there. */
	conn->channel.loopback = conn->listener->loopback && is_loopback(address);
}

static guint
peer_count(const struct http_server *server, const char *key)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(server->peers, key));
}

static void
count_peer(struct http_server *server, const char *key, gint by)
{
	guint count = peer_count(server, key) + (guint)by;
	if (count)
		g_hash_table_replace(server->peers, g_strdup(key), GUINT_TO_POINTER(count));
	else
		g_hash_table_remove(server->peers, key);
}

static gboolean
has_room(const struct http_server *server, const char *key)
{
	return g_hash_table_size(server->conns) < server->config.max_connections &&
	       peer_count(server, key) < server->config.max_peer_connections;
}

static void
take(struct http_listener *listener, int fd, const struct address *address)
{
	struct http_server *server = listener->server;
	struct http_conn *conn = g_new0(struct http_conn, 1);
	conn->server = server;
	conn->listener = listener;
	conn->listener_url = g_strdup(listener->url);
	conn->fd = fd;
	conn->channel.tls = listener->tls;
	describe(conn, address);
	conn->channel.peer = conn->peer;
	conn->channel.peer_key = conn->peer_key;
	if (!has_room(server, conn->peer_key)) {
		g_debug("http: too many connections, %s is not taken", conn->peer);
		close(fd);
		conn->server = NULL;
		http_conn_free(conn);
		return;
	}
	int one = 1;
	if (!listener->path)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	conn->daemon = listener->tls ? server->tls : server->plain;
	conn->session = auth_session_new(server->auth, &conn->channel);
	count_peer(server, conn->peer_key, 1);
	g_hash_table_add(server->conns, conn);
	conn->daemon->connections++;
	http_conn_set_deadline(conn, server->config.header_seconds);
	server->adding = conn;
	/* It closes the descriptor on failure. */
	if (MHD_add_connection(conn->daemon->mhd, fd, &address->u.any, address->len) != MHD_YES &&
	    !conn->mhd)
		http_conn_free(conn);
	server->adding = NULL;
	http_daemon_poke(listener->tls ? server->tls : server->plain);
}

void
http_notify_connection(void *user, struct MHD_Connection *mhd, void **context,
		       enum MHD_ConnectionNotificationCode code)
{
	struct http_daemon *daemon = user;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		http_conn_free(*context);
		*context = NULL;
		return;
	}
	struct http_conn *conn = daemon->server->adding;
	const union MHD_ConnectionInfo *session =
		daemon->tls ? MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)
			    : NULL;
	conn->mhd = mhd;
	conn->channel.tls_session = session ? session->tls_session : NULL;
	*context = conn;
}

void
http_conn_free(struct http_conn *conn)
{
	if (!conn)
		return;
	if (conn->server) {
		g_hash_table_remove(conn->server->conns, conn);
		count_peer(conn->server, conn->peer_key, -1);
		conn->daemon->connections--;
		if (conn->daemon->headed == conn)
			conn->daemon->headed = NULL;
	}
	auth_session_free(conn->session);
	g_free(conn->peer);
	g_free(conn->peer_key);
	g_free(conn->listener_url);
	g_free(conn);
}

/* ---- taking them ---- */

static void watch(struct http_listener *listener);

static gboolean
on_pause_over(gpointer user)
{
	struct http_server *server = user;
	server->pause = 0;
	for (guint i = 0; i < server->listeners->len; i++)
		watch(server->listeners->pdata[i]);
	return G_SOURCE_REMOVE;
}

/* Out of descriptors or memory: the connection stays in the backlog, and we would spin. */
static void
pause_all(struct http_server *server)
{
	g_warning("no more connections can be taken: %s", g_strerror(errno));
	for (guint i = 0; i < server->listeners->len; i++) {
		struct http_listener *listener = server->listeners->pdata[i];
		if (listener->source)
			g_source_remove(listener->source);
		listener->source = 0;
	}
	if (!server->pause)
		server->pause = g_timeout_add(PAUSE_MS, on_pause_over, server);
}

static gboolean
on_connection(gint fd, GIOCondition condition, gpointer user)
{
	struct http_listener *listener = user;
	for (guint i = 0; i < ACCEPTS; i++) {
		struct address address = {.len = sizeof address.u};
		int client =
			accept4(fd, &address.u.any, &address.len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client >= 0) {
			/* An unbound peer has no address of its own. */
			if (listener->path)
				address.u.any.sa_family = AF_UNIX;
			take(listener, client, &address);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			pause_all(listener->server);
			return listener->source ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
	}
	return G_SOURCE_CONTINUE;
}

static void
watch(struct http_listener *listener)
{
	if (!listener->source)
		listener->source = g_unix_fd_add(listener->fd, G_IO_IN, on_connection, listener);
}

struct http_listener *
http_listener_new(struct http_server *server, const char *url, GError **error)
{
	struct http_listener *listener = g_new0(struct http_listener, 1);
	struct address address;
	listener->server = server;
	listener->fd = -1;
	if (!parse_url(listener, url, server->config.allow_http, &address, error) ||
	    !bind_socket(listener, url, &address, error)) {
		http_listener_free(listener);
		return NULL;
	}
	watch(listener);
	return listener;
}

void
http_listener_free(struct http_listener *listener)
{
	if (!listener)
		return;
	if (listener->source)
		g_source_remove(listener->source);
	cairn_close_fd(&listener->fd);
	if (listener->path && listener->url)
		g_unlink(listener->path);
	g_free(listener->path);
	g_free(listener->url);
	g_free(listener);
}
