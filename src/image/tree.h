/* Files below a folder of an export, without ever following a symbolic link out of it. */
#pragma once

#include <gio/gio.h>

struct stat;

#define TREE_MAX_DEPTH 16     /* folders in folders */
#define TREE_MAX_FILES 100000 /* in one point's folder */

/* Opens the regular file @path ("a/b/c", manifest_path_ok()) below @dir for reading. No part of
 * @path may be a symbolic link. Returns the descriptor, or -1. */
int tree_open(const char *dir, const char *path, GError **error);

/* The paths of everything below @dir that is not a folder, relative, sorted; links are listed and
 * not followed. LIMIT over the maxima. */
GPtrArray *tree_list(const char *dir, GError **error);

/* Reads the file @path below @dir, which must have @size bytes and the SHA-256 @sha256 (hex), and
 * writes it to @to_fd unless that is -1. NULL for @sha256: it is not compared. */
gboolean tree_copy(const char *dir, const char *path, guint64 size, const char *sha256, int to_fd,
		   GCancellable *cancel, GError **error);
