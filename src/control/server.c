/* The control server: its listening sockets, their clients, and events to those that asked. */
#include "control/conn.h"
#include "control/listen.h"
#include "control/requests.h"

#include "base/error.h"
#include "base/json.h"

#include <errno.h>
#include <glib-unix.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_AT_ONCE 16
/* Out of descriptors: accept(2) would fail at once for ever; try again after this many ms. */
#define ACCEPT_PAUSE_MS 1000

/* One of the sockets; the third is open only for a front end. */
struct door {
	struct control_server *server;
	struct control_listener listener;
	gboolean read_only, front;
	guint clients_max;
	guint clients;
	guint source; /* waits for clients, or for the end of a pause */
};

struct control_server {
	struct control_conn_owner owner; /* first: conn.c gives it back */
	struct door doors[3];
	GPtrArray *conns; /* struct control_conn, one reference each */
};

static void
on_closed(struct control_conn_owner *owner, struct control_conn *conn)
{
	struct control_server *server = (struct control_server *)owner;
	server->doors[conn->door].clients--;
	g_ptr_array_remove_fast(server->conns, conn);
}

static void
refuse(int fd)
{
	g_autoptr(GError) error = g_error_new(CAIRN_ERROR, CAIRN_ERROR_LIMIT,
					      "too many connections: close some and try again");
	g_autofree char *text = control_encode_error(error, NULL);
	ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	g_debug("control: refused a client, told it %zd bytes", n);
	close(fd);
}

static void
admit(struct door *door, int fd)
{
	if (door->clients >= door->clients_max || door->server->conns->len >= CONTROL_CLIENTS_MAX) {
		refuse(fd);
		return;
	}
	struct control_conn *conn = control_conn_new(fd, door->read_only, &door->server->owner);
	conn->door = (guint)(door - door->server->doors);
	conn->peer.front = door->front;
	door->clients++;
	g_ptr_array_add(door->server->conns, control_conn_ref(conn));
	control_conn_start(conn);
	control_conn_unref(conn);
}

static gboolean on_client(int fd, GIOCondition condition, void *data);

static void
wait_for_clients(struct door *door)
{
	door->source = g_unix_fd_add(door->listener.fd, G_IO_IN, on_client, door);
}

static gboolean
on_pause_over(void *data)
{
	wait_for_clients(data);
	return G_SOURCE_REMOVE;
}

static gboolean
on_client(int fd, GIOCondition condition, void *data)
{
	struct door *door = data;
	for (guint i = 0; i < ACCEPT_AT_ONCE; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client >= 0) {
			admit(door, client);
			continue;
		}
		if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
			return G_SOURCE_CONTINUE;
		g_debug("control: cannot accept a client: %s", g_strerror(errno));
		door->source = g_timeout_add(ACCEPT_PAUSE_MS, on_pause_over, door);
		return G_SOURCE_REMOVE;
	}
	return G_SOURCE_CONTINUE;
}

/* Only root may give a file to a group it is not in. */
static guint
find_group(const char *group)
{
	const struct group *entry = group && geteuid() == 0 ? getgrnam(group) : NULL;
	return entry ? entry->gr_gid : (guint)-1;
}

gboolean
control_group_exists(const char *group)
{
	return group && getgrnam(group) != NULL;
}

static gboolean
open_door(struct control_server *server, guint which, const char *run_dir, const char *name,
	  guint mode, guint gid, GError **error)
{
	struct door *door = &server->doors[which];
	g_autofree char *path = g_build_filename(run_dir, name, NULL);
	if (!control_listen(&door->listener, path, mode, gid, error))
		return FALSE;
	wait_for_clients(door);
	return TRUE;
}

struct control_server *
control_server_new(const char *run_dir, const char *group, control_handler_fn handler,
		   void *user_data, GError **error)
{
	g_assert(run_dir && handler);
	cairn_auto(control_server) server = g_new0(struct control_server, 1);
	server->owner.handler = handler;
	server->owner.user_data = user_data;
	server->owner.closed = on_closed;
	server->conns = g_ptr_array_new_with_free_func((GDestroyNotify)control_conn_unref);
	for (guint i = 0; i < G_N_ELEMENTS(server->doors); i++) {
		server->doors[i].server = server;
		server->doors[i].listener.fd = -1;
		server->doors[i].read_only = i == 1;
		server->doors[i].front = i == 2;
	}
	/* Everybody may come to the second door, so it cannot take all the places. */
	server->doors[0].clients_max = CONTROL_CLIENTS_MAX;
	server->doors[1].clients_max = CONTROL_CLIENTS_MAX / 2;
	server->doors[2].clients_max = CONTROL_CLIENTS_MAX / 4;
	if (!open_door(server, 0, run_dir, "control.sock", 0660, find_group(group), error) ||
	    !open_door(server, 1, run_dir, "control-ro.sock", 0666, (guint)-1, error))
		return NULL;
	return g_steal_pointer(&server);
}

gboolean
control_server_open_front(struct control_server *server, const char *run_dir, guint gid,
			  GError **error)
{
	return open_door(server, 2, run_dir, "control-front.sock", 0660,
			 geteuid() == 0 ? gid : (guint)-1, error);
}

void
control_server_free(struct control_server *server)
{
	if (!server)
		return;
	for (guint i = 0; i < G_N_ELEMENTS(server->doors); i++) {
		if (server->doors[i].source)
			g_source_remove(server->doors[i].source);
		control_listener_clear(&server->doors[i].listener);
	}
	while (server->conns->len > 0)
		control_conn_close(g_ptr_array_index(server->conns, server->conns->len - 1));
	g_ptr_array_unref(server->conns);
	g_free(server);
}

static guint64
event_bit(const char *name)
{
	for (guint i = 0; control_events[i].name; i++)
		if (g_strcmp0(control_events[i].name, name) == 0)
			return G_GUINT64_CONSTANT(1) << i;
	g_assert_not_reached();
}

gboolean
control_server_wants_properties(const struct control_server *server, const char *name)
{
	guint64 bit = event_bit(name);
	for (guint i = 0; i < server->conns->len; i++) {
		const struct control_conn *conn = g_ptr_array_index(server->conns, i);
		if (conn->properties && conn->subscribed & bit)
			return TRUE;
	}
	return FALSE;
}

/* The line that @conn gets, made when the first needs it: all get the same two. */
static GBytes *
line_for(const struct control_conn *conn, GBytes *lines[2], const char *name, json_t *data,
	 json_t *properties)
{
	guint which = conn->properties && properties;
	if (lines[which])
		return lines[which];
	g_autoptr(json_t) copy = which ? json_copy(data) : json_incref(data);
	if (which)
		cairn_json_set(copy, "properties", json_incref(properties));
	char *text = control_encode_event(name, copy, g_get_real_time());
	return lines[which] = g_bytes_new_take(text, strlen(text));
}

void
control_server_event_with(struct control_server *server, const char *name, json_t *data,
			  json_t *properties)
{
	guint64 bit = event_bit(name);
	GBytes *lines[2] = {NULL, NULL};
	/* A client that cannot be written to leaves the array within the loop. */
	g_autoptr(GPtrArray) conns =
		g_ptr_array_new_with_free_func((GDestroyNotify)control_conn_unref);
	for (guint i = 0; i < server->conns->len; i++)
		g_ptr_array_add(conns, control_conn_ref(g_ptr_array_index(server->conns, i)));
	for (guint i = 0; i < conns->len; i++) {
		struct control_conn *conn = g_ptr_array_index(conns, i);
		if (conn->subscribed & bit)
			control_conn_event(conn, line_for(conn, lines, name, data, properties));
	}
	g_clear_pointer(&lines[0], g_bytes_unref);
	g_clear_pointer(&lines[1], g_bytes_unref);
	json_decref(data);
	json_decref(properties);
}

void
control_server_event(struct control_server *server, const char *name, json_t *data)
{
	control_server_event_with(server, name, data, NULL);
}

guint
control_server_clients(const struct control_server *server)
{
	return server->conns->len;
}
