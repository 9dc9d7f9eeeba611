/* GThreadedSocketService with as much HTTP as a POST needs. */
#include "http_listener.h"

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_SECONDS 120

struct http_listener {
	GSocketService *service;
	char *url;
	GMutex mutex;
	GPtrArray *requests; /* texts */
	GQueue answers;	     /* of enum listener_answer */
	enum listener_answer last;
};

/* ---- one connection, in a thread ---- */

/* Headers and body of the next request, or NULL at the end. */
static char *
read_request(GDataInputStream *input)
{
	GString *text = g_string_new(NULL);
	gsize length = 0;
	for (;;) {
		g_autofree char *line = g_data_input_stream_read_line(input, NULL, NULL, NULL);
		if (!line) {
			g_string_free(text, TRUE);
			return NULL;
		}
		if (g_ascii_strncasecmp(line, "Content-Length:", 15) == 0)
			length = (gsize)strtoull(line + 15, NULL, 10);
		g_string_append_printf(text, "%s\n", line);
		if (!*line)
			break;
	}
	g_autofree char *body = g_malloc0(length + 1);
	g_input_stream_read_all(G_INPUT_STREAM(input), body, length, NULL, NULL, NULL);
	g_string_append(text, body);
	return g_string_free(text, FALSE);
}

static enum listener_answer
take(struct http_listener *listener, const char *request)
{
	g_mutex_lock(&listener->mutex);
	if (listener->answers.length)
		listener->last = GPOINTER_TO_INT(g_queue_pop_head(&listener->answers));
	enum listener_answer answer = listener->last;
	g_ptr_array_add(listener->requests, g_strdup(request));
	g_mutex_unlock(&listener->mutex);
	g_main_context_wakeup(NULL);
	return answer;
}

static char *
between(const char *text, const char *before, const char *after)
{
	const char *begin = strstr(text, before);
	const char *end = begin ? strstr(begin + strlen(before), after) : NULL;
	return end ? g_strndup(begin + strlen(before), (gsize)(end - begin) - strlen(before))
		   : g_strdup("");
}

static char *
ack_of(const char *request)
{
	g_autofree char *id = between(request, "MessageID>", "<");
	return g_strdup_printf(
		"<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
		"xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\"><s:Header>"
		"<a:Action>http://schemas.dmtf.org/wbem/wsman/1/wsman/Ack</a:Action>"
		"<a:RelatesTo>%s</a:RelatesTo></s:Header><s:Body/></s:Envelope>",
		id);
}

/* FALSE: the connection is to be closed. */
static gboolean
respond(struct http_listener *listener, GOutputStream *output, const char *request)
{
	enum listener_answer answer = take(listener, request);
	g_autofree char *body = answer == LISTENER_ACK	   ? ack_of(request)
				: answer == LISTENER_FLOOD ? g_strnfill(1 << 20, 'x')
							   : g_strdup("");
	const char *status = answer == LISTENER_BUSY	   ? "503 Busy"
			     : answer == LISTENER_REDIRECT ? "302 Found"
							   : "200 OK";
	if (answer == LISTENER_CUT)
		return FALSE;
	g_autofree char *text = g_strdup_printf(
		"HTTP/1.1 %s\r\nLocation: %s/elsewhere\r\nContent-Length: %zu\r\n\r\n%s", status,
		listener->url, strlen(body), body);
	return g_output_stream_write_all(output, text, strlen(text), NULL, NULL, NULL);
}

static gboolean
on_connection(GThreadedSocketService *service, GSocketConnection *connection, GObject *source,
	      gpointer data)
{
	GInputStream *raw = g_io_stream_get_input_stream(G_IO_STREAM(connection));
	GOutputStream *output = g_io_stream_get_output_stream(G_IO_STREAM(connection));
	g_autoptr(GDataInputStream) input = g_data_input_stream_new(raw);
	g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(input), FALSE);
	g_data_input_stream_set_newline_type(input, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
	gboolean more = TRUE;
	while (more) {
		g_autofree char *request = read_request(input);
		more = request && respond(data, output, request);
	}
	return TRUE;
}

/* ---- the test's side ---- */

/* When the last thread that serves a connection is done. */
static void
listener_gone(gpointer data, GClosure *closure)
{
	struct http_listener *listener = data;
	g_ptr_array_unref(listener->requests);
	g_queue_clear(&listener->answers);
	g_mutex_clear(&listener->mutex);
	g_free(listener->url);
	g_free(listener);
}

struct http_listener *
http_listener_new(void)
{
	struct http_listener *listener = g_new0(struct http_listener, 1);
	g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
	g_autoptr(GSocketAddress) address = g_inet_socket_address_new(loopback, 0);
	g_autoptr(GSocketAddress) bound = NULL;
	listener->service = g_threaded_socket_service_new(16);
	listener->requests = g_ptr_array_new_with_free_func(g_free);
	g_mutex_init(&listener->mutex);
	g_assert_true(g_socket_listener_add_address(G_SOCKET_LISTENER(listener->service), address,
						    G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
						    NULL, &bound, NULL));
	listener->url =
		g_strdup_printf("http://127.0.0.1:%u",
				g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound)));
	g_signal_connect_data(listener->service, "run", G_CALLBACK(on_connection), listener,
			      listener_gone, 0);
	g_socket_service_start(listener->service);
	return listener;
}

void
http_listener_free(struct http_listener *listener)
{
	GSocketService *service = listener->service;
	g_socket_service_stop(service);
	g_socket_listener_close(G_SOCKET_LISTENER(service));
	g_object_unref(service);
}

const char *
http_listener_url(const struct http_listener *listener)
{
	return listener->url;
}

void
http_listener_will(struct http_listener *listener, enum listener_answer answer)
{
	g_mutex_lock(&listener->mutex);
	g_queue_push_tail(&listener->answers, GINT_TO_POINTER(answer));
	g_mutex_unlock(&listener->mutex);
}

guint
http_listener_count(struct http_listener *listener)
{
	g_mutex_lock(&listener->mutex);
	guint count = listener->requests->len;
	g_mutex_unlock(&listener->mutex);
	return count;
}

static gboolean
on_late(gpointer data)
{
	g_error("no request came within %d seconds", DEADLINE_SECONDS);
	return G_SOURCE_REMOVE;
}

void
http_listener_wait(struct http_listener *listener, guint count)
{
	guint late = g_timeout_add_seconds(DEADLINE_SECONDS, on_late, NULL);
	while (http_listener_count(listener) < count)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(late);
}

char *
http_listener_request(struct http_listener *listener, guint index)
{
	g_mutex_lock(&listener->mutex);
	char *request = g_strdup(listener->requests->pdata[index]);
	g_mutex_unlock(&listener->mutex);
	return request;
}
