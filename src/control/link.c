/* The client of the control socket for a program with a main loop; see link.h. One connection, no
 * thread: what cannot be sent waits, what comes is handed on in the order of its coming. */
#include "control/link.h"

#include "control/codec.h"
#include "control/control.h"
#include "control/listen.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_AT_ONCE   (256 << 10) /* bytes; then other sources have their turn */
#define GREETING_MS    10000	   /* a daemon that accepts and says nothing so long is stuck */
#define PAUSE_FIRST_MS 100	   /* before connecting again; doubled each time */
#define PAUSE_MAX_MS   5000

struct control_link {
	guint refs; /* the owner's, and that of a function that calls out */
	gboolean closed;
	char *path;
	struct control_link_events events;
	void *user_data;
	int fd;
	gboolean greeted;
	guint source, timer, failing; /* watch of fd; to connect or give up; answers PEER */
	GIOCondition watched;
	guint pause_ms;
	struct control_lines *lines;
	GQueue output;	   /* GBytes */
	gsize sent;	   /* bytes of the first of them */
	GHashTable *calls; /* id -> struct link_call */
	GQueue failed;	   /* struct link_call, to be answered with their error */
	gint64 last_id;
};

struct link_call {
	gint64 id;
	control_link_reply_fn reply;
	void *user_data;
	GError *error;
};

static void
call_free(void *data)
{
	struct link_call *call = data;
	g_clear_error(&call->error);
	g_free(call);
}

static void
remove_source(guint *source)
{
	if (*source)
		g_source_remove(*source);
	*source = 0;
}

static void
clear_output(struct control_link *link)
{
	g_queue_clear_full(&link->output, (GDestroyNotify)g_bytes_unref);
	link->sent = 0;
}

static void
link_unref(struct control_link *link)
{
	if (--link->refs > 0)
		return;
	control_lines_free(link->lines);
	g_hash_table_unref(link->calls);
	g_free(link->path);
	g_free(link);
}

/* ---- answers ---- */

static gboolean
on_failing(void *data)
{
	struct control_link *link = data;
	link->failing = 0;
	link->refs++;
	/* Those that are added by a callback have their turn later. */
	for (guint left = link->failed.length; left > 0 && !link->closed; left--) {
		struct link_call *call = g_queue_pop_head(&link->failed);
		call->reply(NULL, call->error, call->user_data);
		call_free(call);
	}
	if (!link->closed && link->failed.length > 0 && !link->failing)
		link->failing = g_idle_add(on_failing, link);
	link_unref(link);
	return G_SOURCE_REMOVE;
}

/* Takes @call over. */
static void
fail_later(struct control_link *link, struct link_call *call, int code, const char *text)
{
	call->error = g_error_new_literal(CAIRN_ERROR, code, text);
	g_queue_push_tail(&link->failed, call);
	if (!link->failing)
		link->failing = g_idle_add(on_failing, link);
}

static gint
by_id(gconstpointer a, gconstpointer b)
{
	const struct link_call *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* In the order in which they were asked. */
static void
fail_all(struct control_link *link)
{
	GList *calls = g_list_sort(g_hash_table_get_values(link->calls), by_id);
	g_hash_table_steal_all(link->calls);
	while (calls && !link->closed) {
		struct link_call *call = calls->data;
		g_autoptr(GError) error = g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_PEER,
							      "cairnd closed the connection");
		calls = g_list_delete_link(calls, calls);
		call->reply(NULL, error, call->user_data);
		call_free(call);
	}
	g_list_free_full(calls, call_free);
}

/* ---- the connection ---- */

static gboolean on_connect(void *data);

static void
connect_later(struct control_link *link, guint pause_ms)
{
	remove_source(&link->timer);
	link->timer = g_timeout_add(pause_ms, on_connect, link);
}

static void
disconnect(struct control_link *link)
{
	gboolean was = link->greeted;
	remove_source(&link->source);
	cairn_close_fd(&link->fd);
	clear_output(link);
	g_clear_pointer(&link->lines, control_lines_free);
	link->greeted = FALSE;
	connect_later(link, link->pause_ms);
	link->pause_ms = MIN(2 * link->pause_ms, PAUSE_MAX_MS);
	link->refs++;
	fail_all(link);
	if (was && !link->closed)
		link->events.state(FALSE, link->user_data);
	link_unref(link);
}

static gboolean
flush(struct control_link *link)
{
	GBytes *bytes;
	while ((bytes = g_queue_peek_head(&link->output))) {
		gsize size;
		const char *data = g_bytes_get_data(bytes, &size);
		ssize_t n = send(link->fd, data + link->sent, size - link->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == ENOBUFS;
		link->sent += (gsize)n;
		if (link->sent == size) {
			link->sent = 0;
			g_bytes_unref(g_queue_pop_head(&link->output));
		}
	}
	return TRUE;
}

static gboolean on_ready(int fd, GIOCondition condition, void *data);

static void
watch(struct control_link *link)
{
	GIOCondition wanted = link->output.length > 0 ? G_IO_IN | G_IO_OUT : G_IO_IN;
	if (link->fd < 0 || (link->source && link->watched == wanted))
		return;
	remove_source(&link->source);
	link->watched = wanted;
	link->source = g_unix_fd_add(link->fd, wanted, on_ready, link);
}

/* ---- what comes ---- */

static gboolean
take_greeting(struct control_link *link, const json_t *message, enum control_message_type type)
{
	const json_t *about = json_object_get(message, "cairn");
	if (type != CONTROL_GREETING ||
	    json_integer_value(json_object_get(about, "protocol")) != CONTROL_PROTOCOL) {
		g_debug("control: what answers on \"%s\" does not speak protocol %d of cairnd",
			link->path, CONTROL_PROTOCOL);
		return FALSE;
	}
	remove_source(&link->timer);
	link->greeted = TRUE;
	link->pause_ms = PAUSE_FIRST_MS;
	link->events.state(TRUE, link->user_data);
	return TRUE;
}

static void
take_answer(struct control_link *link, const json_t *message, enum control_message_type type)
{
	gint64 id = json_integer_value(json_object_get(message, "id"));
	struct link_call *call = g_hash_table_lookup(link->calls, &id);
	g_autoptr(GError) error = NULL;
	if (!call)
		return;
	g_hash_table_steal(link->calls, &id);
	if (type == CONTROL_FAILURE)
		control_message_error(message, &error);
	call->reply(error ? NULL : json_object_get(message, "return"), error, call->user_data);
	call_free(call);
}

/* FALSE when what is on the other side is not cairnd. */
static gboolean
take_message(struct control_link *link, const char *line, gsize len)
{
	enum control_message_type type;
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) message = control_message_decode(line, len, &type, &error);
	if (!message) {
		g_debug("control: %s", error->message);
		return FALSE;
	}
	if (!link->greeted)
		return take_greeting(link, message, type);
	if (type == CONTROL_EVENT)
		link->events.event(json_string_value(json_object_get(message, "event")), message,
				   link->user_data);
	else if (type == CONTROL_RETURN || type == CONTROL_FAILURE)
		take_answer(link, message, type);
	return TRUE;
}

/* A callback may have lost or dropped the connection: then there are no lines any more. */
static gboolean
take_lines(struct control_link *link)
{
	while (!link->closed && link->fd >= 0) {
		const char *line;
		gsize len;
		if (!control_lines_next(link->lines, &line, &len, NULL))
			return FALSE;
		if (!line)
			return TRUE;
		if (!take_message(link, line, len))
			return FALSE;
	}
	return TRUE;
}

static gboolean
read_some(struct control_link *link)
{
	g_autofree char *chunk = g_malloc(READ_AT_ONCE);
	ssize_t n = recv(link->fd, chunk, READ_AT_ONCE, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return FALSE;
	control_lines_add(link->lines, chunk, (gsize)n);
	return take_lines(link);
}

static gboolean
on_ready(int fd, GIOCondition condition, void *data)
{
	struct control_link *link = data;
	gboolean ok = TRUE;
	link->refs++;
	if (condition & G_IO_OUT)
		ok = flush(link);
	if (ok && (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)))
		ok = read_some(link);
	if (!link->closed && link->fd == fd && !ok)
		disconnect(link);
	if (!link->closed)
		watch(link);
	link_unref(link);
	return G_SOURCE_CONTINUE;
}

static gboolean
on_silent(void *data)
{
	struct control_link *link = data;
	link->timer = 0;
	g_debug("control: cairnd on \"%s\" does not answer", link->path);
	disconnect(link);
	return G_SOURCE_REMOVE;
}

static gboolean
on_connect(void *data)
{
	struct control_link *link = data;
	link->timer = 0;
	link->fd = control_connect(link->path);
	if (link->fd < 0) {
		g_debug("control: no connection to \"%s\": %s", link->path, g_strerror(errno));
		connect_later(link, link->pause_ms);
		link->pause_ms = MIN(2 * link->pause_ms, PAUSE_MAX_MS);
		return G_SOURCE_REMOVE;
	}
	link->lines = control_lines_new(CONTROL_REPLY_MAX);
	link->timer = g_timeout_add(GREETING_MS, on_silent, link);
	watch(link);
	return G_SOURCE_REMOVE;
}

/* ---- for the owner ---- */

struct control_link *
control_link_new(const char *socket_path, const struct control_link_events *events, void *user_data)
{
	struct control_link *link = g_new0(struct control_link, 1);
	link->refs = 1;
	link->path = g_strdup(socket_path);
	link->events = *events;
	link->user_data = user_data;
	link->fd = -1;
	link->pause_ms = PAUSE_FIRST_MS;
	link->calls = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, call_free);
	g_queue_init(&link->output);
	g_queue_init(&link->failed);
	connect_later(link, 0);
	return link;
}

void
control_link_free(struct control_link *link)
{
	if (!link)
		return;
	link->closed = TRUE;
	remove_source(&link->source);
	remove_source(&link->timer);
	remove_source(&link->failing);
	cairn_close_fd(&link->fd);
	clear_output(link);
	g_queue_clear_full(&link->failed, call_free);
	g_hash_table_remove_all(link->calls);
	link_unref(link);
}

gboolean
control_link_connected(const struct control_link *link)
{
	return link->greeted;
}

/* ---- calls ---- */

static char *
encode(gint64 id, const char *request, json_t *arguments, const char *as)
{
	g_autoptr(json_t) number = json_integer(id);
	return control_encode_request_as(request, arguments, number, as);
}

static void
send_later(struct control_link *link, struct link_call *call, char *text)
{
	g_hash_table_insert(link->calls, &call->id, call);
	g_queue_push_tail(&link->output, g_bytes_new_take(text, strlen(text)));
	/* What the socket does not take, or a socket that is gone, is seen by the watch. */
	flush(link);
	watch(link);
}

void
control_link_call(struct control_link *link, const char *request, json_t *arguments, const char *as,
		  control_link_reply_fn reply, void *user_data)
{
	struct link_call *call = g_new0(struct link_call, 1);
	*call = (struct link_call){++link->last_id, reply, user_data, NULL};
	if (!link->greeted) {
		fail_later(link, call, CAIRN_ERROR_PEER, "cairnd does not answer");
		return;
	}
	if (g_hash_table_size(link->calls) >= LINK_CALLS_MAX) {
		fail_later(link, call, CAIRN_ERROR_BUSY, "too many requests are under way");
		return;
	}
	char *text = encode(call->id, request, arguments, as);
	if (strlen(text) <= CONTROL_FRAME_MAX) {
		send_later(link, call, text);
		return;
	}
	g_free(text);
	fail_later(link, call, CAIRN_ERROR_LIMIT, "the request is too long for cairnd");
}
