/* Listening and connecting; see listen.h. */
#include "control/listen.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG		64 /* connections that wait for accept(2) */
#define CONNECT_SECONDS 10 /* how long a client waits for a place among them */

static gboolean
set_address(struct sockaddr_un *address, const char *path)
{
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	return g_strlcpy(address->sun_path, path, sizeof address->sun_path) <
	       sizeof address->sun_path;
}

int
control_connect(const char *path)
{
	struct sockaddr_un address;
	if (!set_address(&address, path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* connect(2) on a Unix socket waits while the backlog is full, for SO_SNDTIMEO at most. */
	const struct timeval limit = {.tv_sec = CONNECT_SECONDS}, none = {0};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		int err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
	return fd;
}

/* Makes way for a new socket at @path. */
static gboolean
remove_stale(const char *path, GError **error)
{
	struct stat st;
	if (lstat(path, &st) < 0 && errno == ENOENT)
		return TRUE;
	if (!S_ISSOCK(st.st_mode)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_EXISTS,
			    "\"%s\" is there and is not a socket", path);
		return FALSE;
	}
	int fd = control_connect(path);
	if (fd >= 0 || errno != ECONNREFUSED) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY,
			    "another cairnd answers on \"%s\"", path);
		cairn_close_fd(&fd);
		return FALSE;
	}
	if (unlink(path) < 0 && errno != ENOENT) {
		cairn_set_errno(error, errno, "cannot remove the stale socket \"%s\"", path);
		return FALSE;
	}
	return TRUE;
}

/* Until listen(2) nobody can connect, so the order of the steps is safe. */
static gboolean
bind_and_listen(int fd, const char *path, guint mode, guint gid, GError **error)
{
	struct sockaddr_un address;
	set_address(&address, path);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		cairn_set_errno(error, errno, "cannot make the socket \"%s\"", path);
		return FALSE;
	}
	if ((gid != (guint)-1 && lchown(path, (uid_t)-1, gid) < 0) || chmod(path, mode) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		cairn_set_errno(error, errno, "cannot set up the socket \"%s\"", path);
		unlink(path);
		return FALSE;
	}
	return TRUE;
}

gboolean
control_listen(struct control_listener *ret_listener, const char *path, guint mode, guint gid,
	       GError **error)
{
	struct sockaddr_un address;
	struct stat st;
	if (!set_address(&address, path)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "the path of the socket \"%s\" is longer than %zu bytes", path,
			    sizeof address.sun_path - 1);
		return FALSE;
	}
	if (!remove_stale(path, error))
		return FALSE;
	CAIRN_AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot make the socket \"%s\"", path);
		return FALSE;
	}
	if (!bind_and_listen(fd, path, mode, gid, error))
		return FALSE;
	gboolean is_there = lstat(path, &st) == 0;
	ret_listener->device = is_there ? st.st_dev : 0;
	ret_listener->inode = is_there ? st.st_ino : 0;
	ret_listener->path = g_strdup(path);
	ret_listener->fd = fd;
	fd = -1;
	return TRUE;
}

void
control_listener_clear(struct control_listener *listener)
{
	struct stat st;
	if (listener->fd < 0)
		return;
	if (lstat(listener->path, &st) == 0 && st.st_dev == listener->device &&
	    st.st_ino == listener->inode)
		unlink(listener->path);
	cairn_close_fd(&listener->fd);
	g_clear_pointer(&listener->path, g_free);
}
