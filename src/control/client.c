/* The blocking client of the control socket; see control.h. */
#include "control/codec.h"
#include "control/control.h"
#include "control/listen.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A daemon that accepts and says nothing for so long is stuck. */
#define GREETING_MS 10000
/* Events kept while an answer is awaited. */
#define EVENTS_MAX 100000

struct control_client {
	int fd;
	struct control_lines *lines;
	GQueue events; /* json_t */
	gint64 last_id;
};

static void
free_json(void *value)
{
	json_decref(value);
}

void
control_client_free(struct control_client *client)
{
	if (!client)
		return;
	cairn_close_fd(&client->fd);
	control_lines_free(client->lines);
	g_queue_clear_full(&client->events, free_json);
	g_free(client);
}

static gboolean
set_gone(GError **error)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "cairnd closed the connection");
	return FALSE;
}

/* ---- receiving ---- */

enum wait { WAIT_FAILED, WAIT_READY, WAIT_TIMEOUT, WAIT_SIGNAL };

static enum wait
wait_readable(const struct control_client *client, int timeout_ms, GError **error)
{
	struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
	int n = poll(&poll_fd, 1, timeout_ms);
	if (n > 0)
		return WAIT_READY;
	if (n == 0)
		return WAIT_TIMEOUT;
	if (errno == EINTR)
		return WAIT_SIGNAL;
	cairn_set_errno(error, errno, "cannot wait for cairnd");
	return WAIT_FAILED;
}

static gboolean
read_some(struct control_client *client, GError **error)
{
	char chunk[65536];
	ssize_t n = read(client->fd, chunk, sizeof chunk);
	if (n < 0 && errno == EINTR)
		return TRUE;
	if (n <= 0)
		return set_gone(error);
	control_lines_add(client->lines, chunk, (gsize)n);
	return TRUE;
}

/* The next message that is here already; *@ret_message is NULL when there is none. */
static gboolean
take_message(struct control_client *client, json_t **ret_message,
	     enum control_message_type *ret_type, GError **error)
{
	const char *line;
	gsize len;
	*ret_message = NULL;
	if (!control_lines_next(client->lines, &line, &len, error))
		return FALSE;
	if (!line)
		return TRUE;
	*ret_message = control_message_decode(line, len, ret_type, error);
	return *ret_message != NULL;
}

/* Waits for a message; *@ret_message stays NULL on a time-out, and on a signal if @stop_at_signal.
 */
static gboolean
wait_message(struct control_client *client, int timeout_ms, gboolean stop_at_signal,
	     json_t **ret_message, enum control_message_type *ret_type, GError **error)
{
	gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
	for (;;) {
		if (!take_message(client, ret_message, ret_type, error))
			return FALSE;
		if (*ret_message)
			return TRUE;
		gint64 left = (end - g_get_monotonic_time() + 999) / 1000;
		enum wait wait = wait_readable(
			client, timeout_ms < 0 ? -1 : (int)CLAMP(left, 0, timeout_ms), error);
		if (wait == WAIT_FAILED)
			return FALSE;
		if (wait == WAIT_TIMEOUT || (wait == WAIT_SIGNAL && stop_at_signal))
			return TRUE;
		if (wait == WAIT_READY && !read_some(client, error))
			return FALSE;
	}
}

/* ---- connecting ---- */

static void
set_silent(GError **error, const char *path)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "cairnd on \"%s\" does not answer", path);
}

static void
set_connect_error(GError **error, int err, const char *path)
{
	if (err == ENOENT || err == ECONNREFUSED || err == ENOTDIR)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    "no cairnd answers on \"%s\": start it, or name its socket", path);
	else if (err == EACCES || err == EPERM)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_DENIED,
			    "no right to use \"%s\": be root or in the group \"cairn\"", path);
	else if (err == EAGAIN)
		set_silent(error, path);
	else
		cairn_set_errno(error, err, "cannot connect to \"%s\"", path);
}

static gboolean
read_greeting(struct control_client *client, const char *path, GError **error)
{
	enum control_message_type type;
	g_autoptr(json_t) message = NULL;
	if (!wait_message(client, GREETING_MS, FALSE, &message, &type, error))
		return FALSE;
	if (!message) {
		set_silent(error, path);
		return FALSE;
	}
	if (type == CONTROL_FAILURE) {
		control_message_error(message, error);
		return FALSE;
	}
	const json_t *about = json_object_get(message, "cairn");
	if (json_integer_value(json_object_get(about, "protocol")) != CONTROL_PROTOCOL) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER,
			    "what answers on \"%s\" does not speak protocol %d of cairnd", path,
			    CONTROL_PROTOCOL);
		return FALSE;
	}
	return TRUE;
}

struct control_client *
control_client_new(const char *socket_path, GError **error)
{
	int fd = control_connect(socket_path);
	if (fd < 0) {
		set_connect_error(error, errno, socket_path);
		return NULL;
	}
	cairn_auto(control_client) client = g_new0(struct control_client, 1);
	client->fd = fd;
	client->lines = control_lines_new(CONTROL_REPLY_MAX);
	g_queue_init(&client->events);
	if (!read_greeting(client, socket_path, error))
		return NULL;
	return g_steal_pointer(&client);
}

/* ---- requests ---- */

static gboolean
send_all(struct control_client *client, const char *text, gsize len, GError **error)
{
	while (len > 0) {
		ssize_t n = send(client->fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return set_gone(error);
		text += n;
		len -= (gsize)n;
	}
	return TRUE;
}

static gboolean
send_request(struct control_client *client, const char *request, json_t *arguments, GError **error)
{
	g_autoptr(json_t) id = json_integer(++client->last_id);
	g_autofree char *text = control_encode_request(request, arguments, id);
	gsize len = strlen(text);
	if (len > CONTROL_FRAME_MAX) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "the request is longer than %d bytes", CONTROL_FRAME_MAX);
		return FALSE;
	}
	return send_all(client, text, len, error);
}

static gboolean
keep_event(struct control_client *client, json_t *event, GError **error)
{
	if (g_queue_get_length(&client->events) >= EVENTS_MAX) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "more than %d events came and were not taken", EVENTS_MAX);
		return FALSE;
	}
	g_queue_push_tail(&client->events, json_incref(event));
	return TRUE;
}

/* An error without an id is about bytes of ours that the daemon could not read. */
static gboolean
is_ours(const struct control_client *client, const json_t *message)
{
	const json_t *id = json_object_get(message, "id");
	return !id || json_integer_value(id) == client->last_id;
}

json_t *
control_client_call(struct control_client *client, const char *request, json_t *arguments,
		    GError **error)
{
	if (!send_request(client, request, arguments, error))
		return NULL;
	for (;;) {
		enum control_message_type type;
		g_autoptr(json_t) message = NULL;
		if (!wait_message(client, -1, FALSE, &message, &type, error))
			return NULL;
		if (type == CONTROL_EVENT) {
			if (!keep_event(client, message, error))
				return NULL;
		} else if (type == CONTROL_RETURN && is_ours(client, message)) {
			return json_incref(json_object_get(message, "return"));
		} else if (type == CONTROL_FAILURE && is_ours(client, message)) {
			control_message_error(message, error);
			return NULL;
		}
	}
}

json_t *
control_client_event(struct control_client *client, int timeout_ms, GError **error)
{
	json_t *kept = g_queue_pop_head(&client->events);
	if (kept)
		return kept;
	for (;;) {
		enum control_message_type type;
		g_autoptr(json_t) message = NULL;
		if (!wait_message(client, timeout_ms, TRUE, &message, &type, error) || !message)
			return NULL;
		/* Anything else is the answer to a call that was given up. */
		if (type == CONTROL_EVENT)
			return g_steal_pointer(&message);
	}
}

int
control_client_fd(const struct control_client *client)
{
	return client->fd;
}
