/* The schema of the SQLite store as a list of steps, and the code that takes an older file through
 * them. The version of a file is its user_version: the number of steps it has seen. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

/* "Crn1": says to file(1) and to us whose database this is. */
#define STORE_SCHEMA_APPLICATION 0x43726e31

/* Steps are only ever added at the end; the array ends at NULL. */
extern const char *const store_schema_steps[];

/* Brings @db to the version of @steps, each step in its own transaction: a step that fails leaves
 * the version before it. INVALID: a database of another program; STATE: newer than @steps; else as
 * store_sqlite_error(). */
gboolean store_schema_upgrade(sqlite3 *db, const char *const *steps, GError **error);

/* Turns the last error of @db into ours: BUSY another process has it, LIMIT no space or memory,
 * DENIED, IO for damage and the rest, with what to do. Call it right after the failure: it may read
 * errno. Returns FALSE. */
gboolean store_sqlite_error(sqlite3 *db, const char *what, GError **error);

/* Sets IO for a file that is not what SQLite wrote, with what to do about it. Returns FALSE. */
gboolean store_sqlite_damaged(const char *how, GError **error);

/* Runs @sql, which has no parameters and whose rows do not matter. */
gboolean store_sqlite_run(sqlite3 *db, const char *sql, GError **error);
/* The first column of the first row of @sql as a number or a text (free with g_free()). */
gboolean store_sqlite_number(sqlite3 *db, const char *sql, gint64 *ret_value, GError **error);
gboolean store_sqlite_text(sqlite3 *db, const char *sql, char **ret_value, GError **error);
