/* A listening Unix socket in the file system: stale files replaced, modes and group set before
 * anybody can connect, and only our own file removed at the end. */
#pragma once

#include <glib.h>

struct control_listener {
	int fd; /* -1: not listening */
	char *path;
	guint64 device, inode; /* of the file we made */
};

/* @mode as for chmod(2); @gid (guint)-1 leaves the group. The descriptor is non-blocking. Errors:
 * BUSY something answers there; EXISTS a file that is no socket; LIMIT the path is too long; from
 * errno otherwise. */
gboolean control_listen(struct control_listener *ret_listener, const char *path, guint mode,
			guint gid, GError **error);
void control_listener_clear(struct control_listener *listener);

/* Connects to @path: a blocking descriptor, or -1 with errno: ENAMETOOLONG when it does not fit,
 * EAGAIN when nobody accepts for ten seconds. */
int control_connect(const char *path);
