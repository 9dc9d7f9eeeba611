/* libmicrohttpd in our loop: it gets connections that http_listen.c took, never a socket to listen
 * on, and its epoll descriptor is one source of the main context. */
#include "base/error.h"
#include "base/file.h"
#include "cimd/http_private.h"

#include <netinet/tcp.h>
#include <unistd.h>

#define PEM_MAX (1 << 20) /* bytes of a certificate, key or CA file */
/* TLS 1.2 and later, no anonymous, no PSK, nothing without forward secrecy. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:%SERVER_PRECEDENCE"

/* A client that sends head and body apart and leaves Nagle's algorithm on keeps the body until the
 * head is acknowledged, which the kernel would put off for 40 ms (RFC 1122 section 4.2.3.2). Mostly
 * the body is there already when libmicrohttpd has looked, and the system call is saved. */
void
http_daemon_acknowledge(struct http_daemon *daemon, struct http_conn *next)
{
	const int one = 1;
	if (daemon->headed && !daemon->headed->channel.unix_socket)
		setsockopt(daemon->headed->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
	daemon->headed = next;
}

struct mhd_source {
	GSource base;
	struct http_daemon *daemon;
};

static gboolean
source_prepare(GSource *base, gint *timeout)
{
	struct http_daemon *daemon = ((struct mhd_source *)base)->daemon;
	MHD_UNSIGNED_LONG_LONG ms;
	*timeout = -1;
	if (MHD_get_timeout(daemon->mhd, &ms) == MHD_YES)
		*timeout = (gint)MIN(ms, 60000);
	return *timeout == 0;
}

static gboolean
source_check(GSource *base)
{
	struct http_daemon *daemon = ((struct mhd_source *)base)->daemon;
	MHD_UNSIGNED_LONG_LONG ms;
	if (g_source_query_unix_fd(base, daemon->tag))
		return TRUE;
	return MHD_get_timeout(daemon->mhd, &ms) == MHD_YES && ms == 0;
}

static gboolean
source_dispatch(GSource *base, GSourceFunc callback, gpointer user)
{
	struct http_daemon *daemon = ((struct mhd_source *)base)->daemon;
	g_source_set_ready_time(base, -1);
	MHD_run(daemon->mhd);
	http_daemon_acknowledge(daemon, NULL);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
	.prepare = source_prepare, .check = source_check, .dispatch = source_dispatch};

static void
attach(struct http_daemon *daemon)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(daemon->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	daemon->source = g_source_new(&source_funcs, sizeof(struct mhd_source));
	((struct mhd_source *)daemon->source)->daemon = daemon;
	daemon->tag = g_source_add_unix_fd(daemon->source, info->epoll_fd, G_IO_IN);
	g_source_set_static_name(daemon->source, "http");
	/* Loops are not nested here; GLib would guard against it with three system calls a turn. */
	g_source_set_can_recurse(daemon->source, TRUE);
	g_source_attach(daemon->source, NULL);
}

void
http_daemon_poke(struct http_daemon *daemon)
{
	g_source_set_ready_time(daemon->source, 0);
}

/* Peers can cause these at will, so they are not for everybody's log. */
static void G_GNUC_PRINTF(2, 0) log_mhd(void *user, const char *format, va_list arguments)
{
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	g_debug("http: %s", g_strchomp(text));
}

/* A '%' stays one: the paths we know have none, and a NUL must not cut a path short. */
static size_t
keep_escapes(void *user, struct MHD_Connection *mhd, char *text)
{
	return strlen(text);
}

static gboolean
read_pem(const char *path, const char *what, char **ret_text, GError **error)
{
	if (!path || !*path)
		return TRUE;
	if (cairn_file_read(path, PEM_MAX, ret_text, NULL, error))
		return TRUE;
	g_prefix_error(error, "%s: ", what);
	return FALSE;
}

static gboolean
read_files(struct http_daemon *daemon, GError **error)
{
	const struct http_config *config = &daemon->server->config;
	if (!*config->tls_cert || !*config->tls_key)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "https:// needs tls-cert and tls-key");
	return read_pem(config->tls_cert, "tls-cert", &daemon->cert, error) &&
	       read_pem(config->tls_key, "tls-key", &daemon->key, error) &&
	       read_pem(config->tls_ca, "tls-ca", &daemon->ca, error);
}

static struct MHD_Daemon *
start(struct http_daemon *daemon)
{
	struct http_server *server = daemon->server;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, daemon->cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, daemon->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES},
		{daemon->ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, daemon->ca},
		{MHD_OPTION_END, 0, NULL},
	};
	if (!daemon->tls)
		tls[0].option = MHD_OPTION_END;
	/* With NO_LISTEN_SOCKET connections come by MHD_add_connection() alone. */
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
			     MHD_USE_ERROR_LOG | (daemon->tls ? MHD_USE_TLS : 0);
	return MHD_start_daemon(
		flags, 0, NULL, NULL, http_access, server, MHD_OPTION_EXTERNAL_LOGGER, log_mhd,
		NULL, MHD_OPTION_ARRAY, tls, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)server->config.max_connections + 1, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)server->config.idle_seconds, MHD_OPTION_NOTIFY_CONNECTION,
		http_notify_connection, daemon, MHD_OPTION_NOTIFY_COMPLETED, http_completed, server,
		MHD_OPTION_URI_LOG_CALLBACK, http_request_line, server,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

struct http_daemon *
http_daemon_new(struct http_server *server, gboolean tls, GError **error)
{
	struct http_daemon *daemon = g_new0(struct http_daemon, 1);
	daemon->server = server;
	daemon->tls = tls;
	if (!tls || read_files(daemon, error)) {
		daemon->mhd = start(daemon);
		if (!daemon->mhd)
			cairn_fail(error, tls ? CAIRN_ERROR_INVALID : CAIRN_ERROR_LIMIT,
				   tls ? "tls-cert, tls-key or tls-ca cannot be used"
				       : "the HTTP library does not start");
	}
	if (!daemon->mhd) {
		http_daemon_free(daemon);
		return NULL;
	}
	attach(daemon);
	return daemon;
}

void
http_daemon_free(struct http_daemon *daemon)
{
	if (!daemon)
		return;
	if (daemon->source) {
		g_source_destroy(daemon->source);
		g_source_unref(daemon->source);
	}
	if (daemon->mhd)
		MHD_stop_daemon(daemon->mhd);
	g_free(daemon->cert);
	if (daemon->key)
		explicit_bzero(daemon->key, strlen(daemon->key));
	g_free(daemon->key);
	g_free(daemon->ca);
	g_free(daemon);
}
