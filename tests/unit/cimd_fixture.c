#include "cimd_fixture.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEADLINE (120 * G_USEC_PER_SEC)

/* ---- the server ---- */

static void
tell(struct http_exchange *x)
{
	const struct identity *identity = http_exchange_identity(x);
	gsize len;
	const char *body = g_bytes_get_data(http_exchange_body(x), &len);
	g_autofree char *text = g_strdup_printf(
		"%s %s user=%s how=%s%s%s [%.*s]",
		http_exchange_protocol(x) == HTTP_WSMAN ? "wsman" : "cimxml", http_exchange_path(x),
		identity->user ? identity->user : "-", identity->how ? identity->how : "-",
		http_exchange_anonymous_identify(x) ? " anonymous" : "",
		http_exchange_tls(x) ? " tls" : "", (int)len, body ? body : "");
	g_assert_cmpint(identity->state, ==, identity->user ? IDENTITY_USER : IDENTITY_NONE);
	g_autoptr(GBytes) answer = g_bytes_new(text, strlen(text));
	http_reply(x, 200, NULL, "text/plain", answer);
}

static void
on_request(struct http_exchange *x, gpointer user)
{
	struct fixture *fixture = user;
	fixture->handled++;
	if (fixture->handler)
		fixture->handler(x, fixture);
	else
		tell(x);
}

void
fixture_init(struct fixture *fixture)
{
	static char *listen[] = {(char *)"http://127.0.0.1:0", NULL};
	static char *modes[] = {(char *)"none", NULL};
	*fixture = (struct fixture){0};
	fixture->config.listen = listen;
	fixture->auth_config.modes = modes;
	fixture->held = g_ptr_array_new();
}

void
fixture_start(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	fixture->auth = auth_new(&fixture->auth_config, fixture->helper, &error);
	g_assert_no_error(error);
	fixture->server =
		http_server_new(&fixture->config, fixture->auth, on_request, fixture, &error);
	g_assert_no_error(error);
}

void
fixture_clear(struct fixture *fixture)
{
	http_server_free(fixture->server);
	auth_helper_free(fixture->helper);
	auth_free(fixture->auth);
	fixture_settle();
	g_ptr_array_unref(fixture->held);
}

/* ---- turning the loop ---- */

void
fixture_settle(void)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static gboolean
on_deadline(gpointer user)
{
	g_error("nothing happens");
	return G_SOURCE_REMOVE;
}

static void
turn(void)
{
	guint deadline = g_timeout_add((guint)(DEADLINE / 1000), on_deadline, NULL);
	g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
}

void
fixture_wait(const guint *value, guint wanted)
{
	while (*value != wanted)
		turn();
}

void
fixture_wait_connections(struct fixture *fixture, guint wanted)
{
	gint64 end = g_get_monotonic_time() + DEADLINE;
	while (http_server_connections(fixture->server) != wanted) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		turn();
	}
}

static gboolean
on_ready(gint fd, GIOCondition condition, gpointer ready)
{
	*(gboolean *)ready = TRUE;
	return G_SOURCE_REMOVE;
}

static void
wait_for(int fd, GIOCondition condition)
{
	gboolean ready = FALSE;
	GSource *source = g_unix_fd_source_new(fd, condition);
	g_source_set_callback(source, G_SOURCE_FUNC(on_ready), &ready, NULL);
	g_source_attach(source, NULL);
	while (!ready)
		turn();
	g_source_destroy(source);
	g_source_unref(source);
}

/* ---- the client ---- */

static int
connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	return fd;
}

int
client_connect(struct fixture *fixture, guint listener)
{
	const char *url = http_server_url(fixture->server, listener);
	if (g_str_has_prefix(url, "unix:"))
		return connect_unix(url + 5);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((guint16)atoi(strrchr(url, ':') + 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

void
client_send(int fd, const void *data, gsize len)
{
	const char *at = data;
	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			wait_for(fd, G_IO_OUT);
			continue;
		}
		if (n < 0)
			return; /* the server has ended it: the answer tells */
		at += n;
		len -= (gsize)n;
	}
}

void
client_text(int fd, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	g_autofree char *text = g_strdup_vprintf(format, list);
	va_end(list);
	client_send(fd, text, strlen(text));
}

void
client_post(int fd, const char *headers, const char *body)
{
	client_text(fd, "POST /wsman HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s",
		    headers, strlen(body), body);
}

gsize
client_read(int fd, void *buffer, gsize max)
{
	gsize len = 0;
	while (len < max) {
		ssize_t n = recv(fd, (char *)buffer + len, max - len, 0);
		if (n < 0 && errno == EAGAIN) {
			wait_for(fd, G_IO_IN | G_IO_HUP);
			continue;
		}
		if (n <= 0)
			break;
		len += (gsize)n;
	}
	return len;
}

gboolean
client_ended(int fd)
{
	char byte;
	return client_read(fd, &byte, 1) == 0;
}

gboolean
client_is_answered(int fd)
{
	char byte;
	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

int
client_first_answered(const int *fds, guint n)
{
	for (;;) {
		for (guint i = 0; i < n; i++)
			if (client_is_answered(fds[i]))
				return fds[i];
		turn();
	}
}

void
client_drain(int fd)
{
	char buffer[4096];
	while (client_read(fd, buffer, sizeof buffer) > 0)
		;
}

/* ---- answers ---- */

static gboolean
fill(int fd, GString *in)
{
	char buffer[65536];
	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof buffer, 0);
		if (n > 0) {
			g_string_append_len(in, buffer, n);
			return TRUE;
		}
		if (n == 0 || errno != EAGAIN)
			return FALSE;
		wait_for(fd, G_IO_IN | G_IO_HUP);
	}
}

/* The text up to and with @end, taken out of @in; NULL when the connection ended before. */
static char *
take_until(int fd, GString *in, const char *end)
{
	char *found;
	while (!(found = g_strstr_len(in->str, (gssize)in->len, end)))
		if (!fill(fd, in))
			return NULL;
	gsize len = (gsize)(found - in->str) + strlen(end);
	char *text = g_strndup(in->str, len);
	g_string_erase(in, 0, (gssize)len);
	return text;
}

static gboolean
take_bytes(int fd, GString *in, GString *to, gsize len)
{
	while (in->len < len)
		if (!fill(fd, in))
			return FALSE;
	g_string_append_len(to, in->str, (gssize)len);
	g_string_erase(in, 0, (gssize)len);
	return TRUE;
}

static gboolean
take_chunks(int fd, GString *in, struct reply *reply)
{
	for (;;) {
		g_autofree char *line = take_until(fd, in, "\r\n");
		gsize len = line ? g_ascii_strtoull(line, NULL, 16) : 0;
		if (!line)
			return FALSE;
		if (len == 0)
			break;
		if (!take_bytes(fd, in, reply->body, len))
			return FALSE;
		g_autofree char *end = take_until(fd, in, "\r\n");
		g_assert_cmpstr(end, ==, "\r\n");
	}
	GString *trailers = g_string_new(NULL);
	for (;;) {
		g_autofree char *line = take_until(fd, in, "\r\n");
		if (!line || strcmp(line, "\r\n") == 0)
			break;
		g_string_append(trailers, line);
	}
	g_string_ascii_down(trailers);
	reply->trailers = g_string_free(trailers, FALSE);
	return TRUE;
}

char *
reply_header(const struct reply *reply, const char *name)
{
	g_autofree char *start = g_strdup_printf("\r\n%s: ", name);
	const char *at = reply->head ? strstr(reply->head, start) : NULL;
	if (!at)
		return NULL;
	at += strlen(start);
	return g_strndup(at, strcspn(at, "\r"));
}

guint
reply_count(const struct reply *reply, const char *line_start)
{
	g_autofree char *start = g_strdup_printf("\r\n%s", line_start);
	guint count = 0;
	for (const char *at = reply->head; (at = strstr(at, start)); at++)
		count++;
	return count;
}

static void
take_body(int fd, GString *in, struct reply *reply)
{
	g_autofree char *length = reply_header(reply, "content-length");
	g_autofree char *encoding = reply_header(reply, "transfer-encoding");
	if (g_strcmp0(encoding, "chunked") == 0) {
		reply->cut = !take_chunks(fd, in, reply);
	} else if (length) {
		reply->cut = !take_bytes(fd, in, reply->body, g_ascii_strtoull(length, NULL, 10));
	} else {
		while (fill(fd, in))
			;
		take_bytes(fd, in, reply->body, in->len);
	}
}

struct reply *
client_reply(int fd, GString *rest)
{
	struct reply *reply = g_new0(struct reply, 1);
	GString *in = rest ? rest : g_string_new(NULL);
	reply->body = g_string_new(NULL);
	g_autofree char *head = take_until(fd, in, "\r\n\r\n");
	if (head) {
		g_assert_true(g_str_has_prefix(head, "HTTP/1.1 ") ||
			      g_str_has_prefix(head, "HTTP/1.0 "));
		reply->status = (guint)atoi(head + 9);
		reply->head = g_ascii_strdown(head, -1);
		reply->raw_head = g_strdup(head);
		if (reply->status != 100)
			take_body(fd, in, reply);
	}
	if (!rest) {
		g_assert_cmpuint(in->len, ==, 0);
		g_string_free(in, TRUE);
	}
	return reply;
}

void
reply_free(struct reply *reply)
{
	if (!reply)
		return;
	g_free(reply->head);
	g_free(reply->raw_head);
	g_free(reply->trailers);
	g_string_free(reply->body, TRUE);
	g_free(reply);
}
