/* The SQLite store's schema, its upgrade, and SQLite's errors in our words. */
#include "store/store_schema.h"

#include "base/error.h"

#include <errno.h>

/* object: the rows of store.h. The primary key is an index of its own, not WITHOUT ROWID, because
 * bodies are far larger than a key (sqlite.org/withoutrowid.html, section 4); BINARY, the default
 * collation, is the byte order that store_list() promises. */
const char *const store_schema_steps[] = {
	"CREATE TABLE object ("
	" kind TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" version INTEGER NOT NULL CHECK (version > 0),"
	" body BLOB NOT NULL,"
	" PRIMARY KEY (kind, id))",
	NULL,
};

static int
error_code(int rc, int err)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return CAIRN_ERROR_BUSY;
	case SQLITE_FULL:
	case SQLITE_NOMEM:
	case SQLITE_TOOBIG:
		return CAIRN_ERROR_LIMIT;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return CAIRN_ERROR_DENIED;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return err ? cairn_error_from_errno(err) : CAIRN_ERROR_IO;
	default:
		return CAIRN_ERROR_IO;
	}
}

gboolean
store_sqlite_damaged(const char *how, GError **error)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_IO,
		    "the file is damaged (%s): stop cairnd, move the file and the one ending in "
		    "\"-wal\" away and put a good copy in their place, or start without; exports "
		    "are not touched by this",
		    how);
	return FALSE;
}

gboolean
store_sqlite_error(sqlite3 *db, const char *what, GError **error)
{
	int last_errno = errno, rc = sqlite3_extended_errcode(db), err = sqlite3_system_errno(db);
	/* SQLite 3.40 forgets the errno of a COMMIT that could not write; the thread still has it.
	 */
	if (err == 0 && (rc & 0xff) == SQLITE_IOERR)
		err = last_errno;
	int code = error_code(rc, err);
	if (code == CAIRN_ERROR_BUSY)
		g_set_error(error, CAIRN_ERROR, code, "another cairnd uses it");
	else if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
		store_sqlite_damaged(sqlite3_errmsg(db), error);
	else if (code == CAIRN_ERROR_LIMIT && (rc & 0xff) != SQLITE_NOMEM)
		g_set_error(error, CAIRN_ERROR, code, "cannot %s: no space left for the file",
			    what);
	else
		g_set_error(error, CAIRN_ERROR, code, "cannot %s: %s%s%s", what, sqlite3_errmsg(db),
			    err ? ": " : "", err ? g_strerror(err) : "");
	return FALSE;
}

gboolean
store_sqlite_run(sqlite3 *db, const char *sql, GError **error)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_sqlite_error(db, "use the file", error);
	return TRUE;
}

gboolean
store_sqlite_text(sqlite3 *db, const char *sql, char **ret_value, GError **error)
{
	sqlite3_stmt *stmt = NULL;
	gboolean ok = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
		      sqlite3_step(stmt) == SQLITE_ROW;
	if (ok)
		*ret_value = g_strdup((const char *)sqlite3_column_text(stmt, 0));
	else
		store_sqlite_error(db, "read the file", error);
	sqlite3_finalize(stmt);
	return ok;
}

gboolean
store_sqlite_number(sqlite3 *db, const char *sql, gint64 *ret_value, GError **error)
{
	g_autofree char *text = NULL;
	if (!store_sqlite_text(db, sql, &text, error))
		return FALSE;
	*ret_value = text ? g_ascii_strtoll(text, NULL, 10) : 0;
	return TRUE;
}

static gboolean
run_step(sqlite3 *db, const char *step, guint version, GError **error)
{
	g_autofree char *sql = g_strdup_printf("BEGIN IMMEDIATE; %s; PRAGMA application_id = %d; "
					       "PRAGMA user_version = %u; COMMIT",
					       step, STORE_SCHEMA_APPLICATION, version);
	if (store_sqlite_run(db, sql, error))
		return TRUE;
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return FALSE;
}

/* A new file is empty; a foreign one has tables and another program's number. */
static gboolean
check_owner(sqlite3 *db, GError **error)
{
	gint64 application, tables;
	if (!store_sqlite_number(db, "PRAGMA application_id", &application, error) ||
	    !store_sqlite_number(db, "SELECT count(*) FROM sqlite_schema", &tables, error))
		return FALSE;
	if (application == STORE_SCHEMA_APPLICATION || (application == 0 && tables == 0))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "the file is the database of another program");
	return FALSE;
}

gboolean
store_schema_upgrade(sqlite3 *db, const char *const *steps, GError **error)
{
	gint64 version;
	guint newest = g_strv_length((char **)steps);
	if (!check_owner(db, error) ||
	    !store_sqlite_number(db, "PRAGMA user_version", &version, error))
		return FALSE;
	if (version < 0 || version > newest) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "its schema has version %" G_GINT64_FORMAT
			    ", and this program knows up to %u: use a newer cairnd",
			    version, newest);
		return FALSE;
	}
	for (guint at = (guint)version; at < newest; at++) {
		if (!run_step(db, steps[at], at + 1, error)) {
			g_prefix_error(error, "upgrade of the schema to version %u: ", at + 1);
			return FALSE;
		}
	}
	return TRUE;
}
