/* The bytes of one client. Nothing here waits: input is read while there is room for its answers,
 * output is kept within limits, and a client that stays behind is dropped.
 *
 *        input                                   output
 *   read -> lines -> control_call_start   answers, events -> queue -> send
 *   stops while: 64 calls are pending, or 1 MiB is unsent
 *                                          dropped: over 8 MiB of events unsent, or an answer
 *                                          while over 8 MiB of answers are unsent
 */
#include "control/conn.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <glib-unix.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_AT_ONCE	 (64 << 10) /* bytes, at one event */
#define REQUESTS_AT_ONCE 32	    /* then the other clients have a turn */
#define UNSENT_PAUSE	 (1 << 20)  /* bytes; with more unsent, no request is started */

struct piece {
	GBytes *bytes;
	gboolean is_event;
};

static void advance(struct control_conn *conn);

/* ---- life ---- */

static void
piece_free(void *data)
{
	struct piece *piece = data;
	g_bytes_unref(piece->bytes);
	g_free(piece);
}

struct control_conn *
control_conn_ref(struct control_conn *conn)
{
	conn->refs++;
	return conn;
}

void
control_conn_unref(struct control_conn *conn)
{
	if (--conn->refs > 0)
		return;
	g_assert(conn->fd < 0);
	control_lines_free(conn->lines);
	g_free(conn->peer.user);
	g_free(conn);
}

static void
remove_source(guint *source)
{
	if (*source)
		g_source_remove(*source);
	*source = 0;
}

void
control_conn_close(struct control_conn *conn)
{
	struct control_conn_owner *owner = g_steal_pointer(&conn->owner);
	if (conn->fd < 0)
		return;
	remove_source(&conn->source);
	remove_source(&conn->resume);
	cairn_close_fd(&conn->fd);
	g_queue_clear_full(&conn->output, piece_free);
	conn->unsent_answers = conn->unsent_events = 0;
	owner->closed(owner, conn);
}

/* A name for logs and jobs' owners; the number when the system has none. */
static char *
user_name(guint uid)
{
	char buffer[4096];
	struct passwd entry, *found = NULL;
	if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found)
		return g_strdup(found->pw_name);
	return g_strdup_printf("%u", uid);
}

static void
get_peer(int fd, struct control_peer *ret_peer)
{
	struct ucred credentials = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t len = sizeof credentials;
	/* Cannot fail on a connected Unix socket; if it does, the peer is nobody. */
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len);
	ret_peer->uid = credentials.uid;
	ret_peer->gid = credentials.gid;
	ret_peer->pid = credentials.pid;
	ret_peer->user = user_name(credentials.uid);
}

/* ---- watching ---- */

static gboolean
is_blocked(const struct control_conn *conn)
{
	return conn->pending >= CONTROL_PENDING_MAX ||
	       conn->unsent_answers + conn->unsent_events > UNSENT_PAUSE;
}

static gboolean on_ready(int fd, GIOCondition condition, void *data);

/* Waits for what can be dealt with now. With no condition it still hears of a hang-up. */
static void
update(struct control_conn *conn)
{
	guint wanted = 0;
	if (conn->fd < 0)
		return;
	if (!conn->ended && !conn->closing && !conn->resume && !is_blocked(conn))
		wanted |= G_IO_IN;
	if (conn->output.length > 0)
		wanted |= G_IO_OUT;
	if (conn->source && conn->watched == wanted)
		return;
	remove_source(&conn->source);
	conn->watched = wanted;
	conn->source = g_unix_fd_add(conn->fd, (GIOCondition)wanted, on_ready, conn);
}

static gboolean
on_resume(void *data)
{
	struct control_conn *conn = data;
	conn->resume = 0;
	advance(conn);
	return G_SOURCE_REMOVE;
}

/* Goes on later: a handler is never called from within an answer. */
static void
resume(struct control_conn *conn)
{
	if (conn->fd >= 0 && !conn->resume && !conn->advancing)
		conn->resume = g_idle_add_full(G_PRIORITY_DEFAULT, on_resume, conn, NULL);
}

/* ---- output ---- */

static void
count(struct control_conn *conn, const struct piece *piece, gsize size, gboolean is_added)
{
	gsize *counter = piece->is_event ? &conn->unsent_events : &conn->unsent_answers;
	*counter = is_added ? *counter + size : *counter - size;
}

/* Sends what the socket takes; FALSE when the client is gone. */
static gboolean
flush(struct control_conn *conn)
{
	struct piece *piece;
	while ((piece = g_queue_peek_head(&conn->output))) {
		gsize size;
		const char *data = g_bytes_get_data(piece->bytes, &size);
		ssize_t n = send(conn->fd, data + conn->sent, size - conn->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == ENOBUFS;
		count(conn, piece, (gsize)n, FALSE);
		conn->sent += (gsize)n;
		if (conn->sent == size) {
			conn->sent = 0;
			piece_free(g_queue_pop_head(&conn->output));
		}
	}
	return TRUE;
}

static void
queue(struct control_conn *conn, GBytes *bytes, gboolean is_event)
{
	struct piece *piece = g_new0(struct piece, 1);
	piece->bytes = g_bytes_ref(bytes);
	piece->is_event = is_event;
	g_queue_push_tail(&conn->output, piece);
	count(conn, piece, g_bytes_get_size(bytes), TRUE);
	if (!flush(conn))
		control_conn_close(conn);
	else if (conn->ended || control_lines_waiting(conn->lines) > 0)
		resume(conn);
	update(conn);
}

void
control_conn_answer(struct control_conn *conn, char *text)
{
	g_autoptr(GBytes) bytes = g_bytes_new_take(text, strlen(text));
	if (conn->fd < 0)
		return;
	if (conn->unsent_answers > CONTROL_BACKLOG_MAX) {
		g_debug("control: process %d does not read its answers; dropped", conn->peer.pid);
		control_conn_close(conn);
		return;
	}
	queue(conn, bytes, FALSE);
}

void
control_conn_event(struct control_conn *conn, GBytes *line)
{
	if (conn->fd < 0)
		return;
	if (conn->unsent_events + g_bytes_get_size(line) > CONTROL_BACKLOG_MAX) {
		g_debug("control: process %d does not read its events; dropped", conn->peer.pid);
		control_conn_close(conn);
		return;
	}
	queue(conn, line, TRUE);
}

/* ---- input ---- */

static void
read_some(struct control_conn *conn)
{
	char chunk[READ_AT_ONCE];
	ssize_t n = read(conn->fd, chunk, sizeof chunk);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		control_lines_add(conn->lines, chunk, (gsize)n);
		return;
	}
	conn->ended = TRUE;
	/* The end of the stream also ends the last line: `printf '{...}' | nc -U` gets an answer.
	 */
	if (control_lines_waiting(conn->lines) > 0)
		control_lines_add(conn->lines, "\n", 1);
}

static gboolean
is_blank(const char *line, gsize len)
{
	for (gsize i = 0; i < len; i++)
		if (!g_ascii_isspace(line[i]))
			return FALSE;
	return TRUE;
}

/* FALSE when there is no whole line. */
static gboolean
take_line(struct control_conn *conn)
{
	g_autoptr(GError) error = NULL;
	const char *line;
	gsize len;
	if (!control_lines_next(conn->lines, &line, &len, &error)) {
		control_conn_answer(conn, control_encode_error(error, NULL));
		conn->closing = TRUE;
		return FALSE;
	}
	if (!line)
		return FALSE;
	if (!is_blank(line, len))
		control_call_start(conn, line, len);
	return TRUE;
}

/* Whether nothing more can come of this client. One that sends no more but listens to events stays.
 */
static gboolean
is_done(const struct control_conn *conn)
{
	if (conn->output.length > 0)
		return FALSE;
	return conn->closing ||
	       (conn->ended && !conn->resume && conn->pending == 0 && !conn->subscribed);
}

/* Starts what can be started, then waits for more or closes. */
static void
advance(struct control_conn *conn)
{
	gboolean more = TRUE;
	control_conn_ref(conn);
	conn->advancing = TRUE;
	for (guint i = 0; i < REQUESTS_AT_ONCE && more; i++)
		more = conn->fd >= 0 && !conn->closing && !is_blocked(conn) && take_line(conn);
	conn->advancing = FALSE;
	if (more)
		resume(conn);
	if (conn->fd >= 0 && is_done(conn))
		control_conn_close(conn);
	update(conn);
	control_conn_unref(conn);
}

static gboolean
on_ready(int fd, GIOCondition condition, void *data)
{
	struct control_conn *conn = control_conn_ref(data);
	gboolean gone = condition & (G_IO_HUP | G_IO_ERR);
	if ((condition & G_IO_OUT) && !flush(conn))
		control_conn_close(conn);
	/* Gone: the last requests are still taken, but not those that would have to wait. */
	if (conn->fd >= 0 && gone && (conn->ended || conn->closing || is_blocked(conn)))
		control_conn_close(conn);
	if (conn->fd >= 0 && (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) && !conn->resume)
		read_some(conn);
	if (conn->fd >= 0)
		advance(conn);
	control_conn_unref(conn);
	return G_SOURCE_CONTINUE;
}

struct control_conn *
control_conn_new(int fd, gboolean read_only, struct control_conn_owner *owner)
{
	struct control_conn *conn = g_new0(struct control_conn, 1);
	conn->refs = 1;
	conn->owner = owner;
	conn->fd = fd;
	conn->lines = control_lines_new(CONTROL_FRAME_MAX);
	g_queue_init(&conn->output);
	get_peer(fd, &conn->peer);
	conn->peer.read_only = read_only;
	return conn;
}

void
control_conn_start(struct control_conn *conn)
{
	g_debug("control: process %d of user %s connected", conn->peer.pid, conn->peer.user);
	control_conn_answer(conn, control_encode_greeting(conn->peer.read_only));
}
