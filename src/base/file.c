/* Durable files; see file.h. */
#include "base/file.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void
cairn_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

gboolean
cairn_write_all(int fd, const void *data, gsize len, const char *what, GError **error)
{
	const char *at = data;
	while (len > 0) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cairn_set_errno(error, errno, "cannot write \"%s\"", what);
			return FALSE;
		}
		at += n;
		len -= (gsize)n;
	}
	return TRUE;
}

static gboolean
fsync_dir_at(int dir_fd, const char *path, GError **error)
{
	CAIRN_AUTO_FD int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0) {
		cairn_set_errno(error, errno, "cannot sync the folder \"%s\"", path);
		return FALSE;
	}
	return TRUE;
}

gboolean
cairn_fsync_dir(const char *path, GError **error)
{
	return fsync_dir_at(AT_FDCWD, path, error);
}

static gboolean
write_temporary(int dir_fd, const char *temporary, const void *data, gsize len, guint mode,
		GError **error)
{
	CAIRN_AUTO_FD int fd = openat(dir_fd, temporary,
				      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot create \"%s\"", temporary);
		return FALSE;
	}
	if (!cairn_write_all(fd, data, len, temporary, error))
		return FALSE;
	if (fsync(fd) < 0) {
		cairn_set_errno(error, errno, "cannot sync \"%s\"", temporary);
		return FALSE;
	}
	return TRUE;
}

gboolean
cairn_file_replace_at(int dir_fd, const char *name, const void *data, gsize len, guint mode,
		      GError **error)
{
	g_autofree char *temporary = g_strdup_printf("%s.tmp", name);
	g_autofree char *folder = g_path_get_dirname(name);
	if (!write_temporary(dir_fd, temporary, data, len, mode, error)) {
		unlinkat(dir_fd, temporary, 0);
		return FALSE;
	}
	if (renameat(dir_fd, temporary, dir_fd, name) < 0) {
		cairn_set_errno(error, errno, "cannot rename \"%s\" to \"%s\"", temporary, name);
		unlinkat(dir_fd, temporary, 0);
		return FALSE;
	}
	return fsync_dir_at(dir_fd, folder, error);
}

gboolean
cairn_file_replace(const char *path, const void *data, gsize len, guint mode, GError **error)
{
	return cairn_file_replace_at(AT_FDCWD, path, data, len, mode, error);
}

gboolean
cairn_file_read(const char *path, gsize max, char **ret_data, gsize *ret_len, GError **error)
{
	CAIRN_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0) {
		cairn_set_errno(error, errno, "cannot read \"%s\"", path);
		return FALSE;
	}
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	guint8 chunk[16384];
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cairn_set_errno(error, errno, "cannot read \"%s\"", path);
			return FALSE;
		}
		if (n == 0)
			break;
		if (bytes->len + (gsize)n > max) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
				    "\"%s\" is larger than %" G_GSIZE_FORMAT " bytes", path, max);
			return FALSE;
		}
		g_byte_array_append(bytes, chunk, (guint)n);
	}
	if (ret_len)
		*ret_len = bytes->len;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	*ret_data = (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
	return TRUE;
}

static gboolean remove_at(int dir_fd, const char *name, GError **error);

static gboolean
empty_folder(int fd, GError **error)
{
	DIR *dir = fdopendir(fd);
	if (!dir) {
		cairn_set_errno(error, errno, "cannot list a folder");
		close(fd);
		return FALSE;
	}
	gboolean ok = TRUE;
	const struct dirent *entry;
	while (ok && (entry = readdir(dir)))
		if (g_strcmp0(entry->d_name, ".") != 0 && g_strcmp0(entry->d_name, "..") != 0)
			ok = remove_at(fd, entry->d_name, error);
	closedir(dir);
	return ok;
}

static gboolean
remove_at(int dir_fd, const char *name, GError **error)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return TRUE;
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot remove \"%s\"", name);
		return FALSE;
	}
	if (!empty_folder(fd, error))
		return FALSE;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0) {
		cairn_set_errno(error, errno, "cannot remove \"%s\"", name);
		return FALSE;
	}
	return TRUE;
}

gboolean
cairn_remove_tree(const char *path, GError **error)
{
	return remove_at(AT_FDCWD, path, error);
}
