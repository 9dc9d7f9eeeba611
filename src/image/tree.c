/* Walking and opening below a folder; see tree.h. */
#include "image/tree.h"

#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((gsize)256 << 10)

static int
open_step(int dir_fd, const char *name, gboolean last)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
	/* O_NONBLOCK: opening a FIFO that somebody put there must not wait for a writer. */
	return openat(dir_fd, name, flags | (last ? O_NONBLOCK : O_DIRECTORY));
}

int
tree_open(const char *dir, const char *path, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	struct stat st;
	CAIRN_AUTO_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (char **part = parts; fd >= 0 && *part; part++) {
		int next = open_step(fd, *part, part[1] == NULL);
		int saved = errno;
		cairn_close_fd(&fd);
		errno = saved;
		fd = next;
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		cairn_set_errno(error, errno, "cannot open \"%s/%s\"", dir, path);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "\"%s/%s\" is not a file", dir,
			    path);
		return -1;
	}
	int owned = fd;
	fd = -1;
	return owned;
}

static gboolean list_folder(int fd, const char *prefix, guint depth, GPtrArray *paths,
			    GError **error);

static gboolean
list_entry(int dir_fd, const char *name, const char *prefix, guint depth, GPtrArray *paths,
	   GError **error)
{
	g_autofree char *path = *prefix ? g_build_filename(prefix, name, NULL) : g_strdup(name);
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return list_folder(fd, path, depth + 1, paths, error);
	g_ptr_array_add(paths, g_steal_pointer(&path));
	return TRUE;
}

/* Takes over @fd. */
static gboolean
list_folder(int fd, const char *prefix, guint depth, GPtrArray *paths, GError **error)
{
	DIR *dir = fdopendir(fd);
	if (!dir) {
		cairn_set_errno(error, errno, "cannot list \"%s\"", prefix);
		close(fd);
		return FALSE;
	}
	gboolean ok = TRUE;
	const struct dirent *entry;
	while (ok && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (depth >= TREE_MAX_DEPTH || paths->len >= TREE_MAX_FILES) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
				    "too many files or folders in \"%s\"", prefix);
			ok = FALSE;
		} else {
			ok = list_entry(fd, entry->d_name, prefix, depth, paths, error);
		}
	}
	closedir(dir);
	return ok;
}

static gint
compare_paths(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
tree_list(const char *dir, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot list \"%s\"", dir);
		return NULL;
	}
	if (!list_folder(fd, "", 0, paths, error))
		return NULL;
	g_ptr_array_sort(paths, compare_paths);
	return g_steal_pointer(&paths);
}

/* Reads to the end, but no more than one chunk over @size: a file that grew is wrong anyhow. */
static gboolean
pump(int from, int to, GChecksum *checksum, guint64 size, guint64 *ret_read, GCancellable *cancel,
     GError **error)
{
	g_autofree guint8 *chunk = g_malloc(CHUNK);
	for (*ret_read = 0; *ret_read <= size;) {
		if (g_cancellable_is_cancelled(cancel)) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_CANCELLED, "cancelled");
			return FALSE;
		}
		ssize_t n = read(from, chunk, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cairn_set_errno(error, errno, "cannot read it");
			return FALSE;
		}
		if (n == 0)
			break;
		*ret_read += (guint64)n;
		g_checksum_update(checksum, chunk, n);
		if (to >= 0 && !cairn_write_all(to, chunk, (gsize)n, "the copy", error))
			return FALSE;
	}
	return TRUE;
}

gboolean
tree_copy(const char *dir, const char *path, guint64 size, const char *sha256, int to_fd,
	  GCancellable *cancel, GError **error)
{
	CAIRN_AUTO_FD int fd = tree_open(dir, path, error);
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	guint64 have;
	if (fd < 0)
		return FALSE;
	if (!pump(fd, to_fd, checksum, size, &have, cancel, error)) {
		g_prefix_error(error, "\"%s/%s\": ", dir, path);
		return FALSE;
	}
	const char *problem = NULL;
	if (have != size)
		problem = "has not the size that the manifest says";
	else if (sha256 && strcmp(g_checksum_get_string(checksum), sha256) != 0)
		problem = "has not the SHA-256 digest that the manifest says: it was changed";
	if (problem)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_IO, "\"%s/%s\" %s", dir, path, problem);
	return !problem;
}
