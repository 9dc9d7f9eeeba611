/* Files that survive a power cut: temporary name, fsync, rename, fsync of the folder. */
#pragma once

#include <glib.h>

/* Closes *@fd if it is not -1; for G_GNUC_CLEANUP use: `CAIRN_AUTO_FD int fd = -1;`. */
void cairn_close_fd(int *fd);
#define CAIRN_AUTO_FD __attribute__((cleanup(cairn_close_fd)))

/* Writes all of @len bytes, going on after short writes and EINTR. errno text in the error. */
gboolean cairn_write_all(int fd, const void *data, gsize len, const char *what, GError **error);

/* Replaces @name in the folder @dir_fd (AT_FDCWD: relative to the working folder) by @len bytes, or
 * leaves it as it was. @mode as for open(2). */
gboolean cairn_file_replace_at(int dir_fd, const char *name, const void *data, gsize len,
			       guint mode, GError **error);
gboolean cairn_file_replace(const char *path, const void *data, gsize len, guint mode,
			    GError **error);

/* Reads a whole file of at most @max bytes; LIMIT when it is larger. *@ret_data is NUL-terminated
 * and freed with g_free(); @ret_len may be NULL. */
gboolean cairn_file_read(const char *path, gsize max, char **ret_data, gsize *ret_len,
			 GError **error);

/* fsync(2) of the folder itself, so that a rename in it is durable. */
gboolean cairn_fsync_dir(const char *path, GError **error);

/* Removes @path and all below it without following symbolic links; absent is success. */
gboolean cairn_remove_tree(const char *path, GError **error);
