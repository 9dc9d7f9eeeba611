/* The SQLite driver: one file, one table, one transaction per commit, synced before it returns.
 *
 * The file is held exclusively from open to close (locking_mode EXCLUSIVE), so two daemons cannot
 * work on one state, and the WAL index lives in our memory: no -shm file. */
#include "store/store_driver.h"
#include "store/store_schema.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* A WAL file that once grew over a large body is cut back to this many bytes. */
#define WAL_KEEP (16 << 20)

enum statement {
	SELECT_VERSION,
	SELECT_BODY,
	SELECT_LIST,
	SELECT_BACK,
	PUT,
	DELETE,
	BEGIN,
	COMMIT,
	STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
	[SELECT_VERSION] = "SELECT version FROM object WHERE kind = ?1 AND id = ?2",
	[SELECT_BODY] = "SELECT id, version, body FROM object WHERE kind = ?1 AND id = ?2",
	[SELECT_LIST] = "SELECT id, version, body FROM object WHERE kind = ?1 AND id > ?2 "
			"ORDER BY id LIMIT ?3",
	[SELECT_BACK] = "SELECT id, version, body FROM object WHERE kind = ?1 AND id < ?2 "
			"ORDER BY id DESC LIMIT ?3",
	[PUT] = "INSERT INTO object (kind, id, version, body) VALUES (?1, ?2, 1, ?3) "
		"ON CONFLICT (kind, id) DO UPDATE SET version = version + 1, body = excluded.body",
	[DELETE] = "DELETE FROM object WHERE kind = ?1 AND id = ?2",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
};

struct sqlite {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
};

static void
sqlite_close(void *self)
{
	struct sqlite *sqlite = self;
	for (guint i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(sqlite->statements[i]);
	sqlite3_close(sqlite->db);
	g_free(sqlite);
}

/* Made by us, not by SQLite, for its mode. Only a file that did not exist is ever opened here: a
 * close(2) drops all POSIX locks of this process on the file, SQLite's too. */
static gboolean
create_file(const char *path, GError **error)
{
	CAIRN_AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return TRUE;
	if (fd < 0) {
		cairn_set_errno(error, errno, "cannot create the file");
		return FALSE;
	}
	g_autofree char *folder = g_path_get_dirname(path);
	return cairn_fsync_dir(folder, error);
}

/* Guests may be waiting: a larger file is not read as a whole when it is opened. */
#define CHECK_WHOLE_MAX (64 << 20) /* bytes */

/* Reads each row but the cold ones, by the index and to the last byte ('~' is behind every letter
 * of a kind). A page that is damaged ends it with an error. */
#define CHECK_HOT                                                                                 \
	"SELECT coalesce((SELECT kind || ' ' || id FROM object "                                  \
	"WHERE (kind < '" STORE_COLD "' OR kind >= '" STORE_COLD "~') AND (version < 1 "          \
	"OR typeof(version) <> 'integer' OR typeof(body) <> 'blob' OR substr(body, -1) IS NULL) " \
	"LIMIT 1), 'ok')"

static gboolean
is_large(sqlite3 *db, gboolean *ret_large, GError **error)
{
	gint64 pages, size;
	if (!store_sqlite_number(db, "PRAGMA page_count", &pages, error) ||
	    !store_sqlite_number(db, "PRAGMA page_size", &size, error))
		return FALSE;
	*ret_large = pages > CHECK_WHOLE_MAX / size;
	return TRUE;
}

/* Finds damage at the start, not in the middle of a job; @sql says "ok" when there is none. */
static gboolean
check(sqlite3 *db, const char *sql, GError **error)
{
	g_autofree char *result = NULL;
	if (!store_sqlite_text(db, sql, &result, error))
		return FALSE;
	if (g_strcmp0(result, "ok") == 0)
		return TRUE;
	g_strdelimit(result, "\n", ' ');
	return store_sqlite_damaged(result, error);
}

static gboolean
set_up(sqlite3 *db, GError **error)
{
	g_autofree char *mode = NULL;
	g_autofree char *limit = g_strdup_printf("PRAGMA journal_size_limit = %d", WAL_KEEP);
	gboolean large = FALSE;
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_busy_timeout(db, 0);
	/* The first read takes the lock for good: BUSY comes from there. */
	if (!store_sqlite_run(db,
			      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF; "
			      "PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON",
			      error) ||
	    !is_large(db, &large, error) ||
	    (!large && !check(db, "PRAGMA quick_check(1)", error)) ||
	    !store_sqlite_text(db, "PRAGMA journal_mode = WAL", &mode, error))
		return FALSE;
	if (g_strcmp0(mode, "wal") != 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_IO,
			    "the file cannot have a write-ahead log on this file system");
		return FALSE;
	}
	return store_sqlite_run(db, "PRAGMA synchronous = FULL", error) &&
	       store_sqlite_run(db, limit, error) &&
	       store_schema_upgrade(db, store_schema_steps, error) &&
	       (!large || check(db, CHECK_HOT, error));
}

static gboolean
prepare(struct sqlite *sqlite, GError **error)
{
	for (guint i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(sqlite->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &sqlite->statements[i], NULL) != SQLITE_OK)
			return store_sqlite_error(sqlite->db, "read the schema", error);
	return TRUE;
}

static gboolean
open_file(struct sqlite *sqlite, const char *path, GError **error)
{
	int rc = sqlite3_open_v2(path, &sqlite->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
					 SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
				 NULL);
	if (rc != SQLITE_OK)
		return store_sqlite_error(sqlite->db, "open the file", error);
	return set_up(sqlite->db, error) && prepare(sqlite, error);
}

static void *
sqlite_open(const char *path, GError **error)
{
	if (!*path) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "the path is missing");
		return NULL;
	}
	if (!create_file(path, error))
		return NULL;
	struct sqlite *sqlite = g_new0(struct sqlite, 1);
	if (!open_file(sqlite, path, error)) {
		sqlite_close(sqlite);
		return NULL;
	}
	return sqlite;
}

/* ---- statements ---- */

/* A statement with its two keys bound. A bind cannot fail but for memory. */
static sqlite3_stmt *
bind(struct sqlite *sqlite, enum statement which, const char *kind, const char *id)
{
	sqlite3_stmt *stmt = sqlite->statements[which];
	sqlite3_bind_text(stmt, 1, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, id, -1, SQLITE_STATIC);
	return stmt;
}

/* Ends a statement; what was bound to it is no longer borrowed. */
static void
finish(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

static gboolean
run(struct sqlite *sqlite, sqlite3_stmt *stmt, const char *what, GError **error)
{
	errno = 0; /* store_sqlite_error() may have to read it */
	gboolean ok = sqlite3_step(stmt) == SQLITE_DONE;
	if (!ok)
		store_sqlite_error(sqlite->db, what, error);
	finish(stmt);
	return ok;
}

static gboolean
get_version(struct sqlite *sqlite, const struct store_change *change, guint64 *ret_version,
	    GError **error)
{
	sqlite3_stmt *stmt = bind(sqlite, SELECT_VERSION, change->kind, change->id);
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret_version = (guint64)sqlite3_column_int64(stmt, 0);
	else if (rc == SQLITE_DONE)
		*ret_version = 0;
	else
		store_sqlite_error(sqlite->db, "read the file", error);
	finish(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

static gboolean
apply(struct sqlite *sqlite, const struct store_change *change, GError **error)
{
	if (change->op == STORE_EXPECT)
		return TRUE;
	sqlite3_stmt *stmt =
		bind(sqlite, change->op == STORE_PUT ? PUT : DELETE, change->kind, change->id);
	if (change->op == STORE_PUT) {
		gsize len;
		const void *data = g_bytes_get_data(change->body, &len);
		/* A NULL pointer would be bound as NULL, not as an empty blob. */
		sqlite3_bind_blob64(stmt, 3, data ? data : "", len, SQLITE_STATIC);
	}
	return run(sqlite, stmt, "write the file", error);
}

static gboolean
check_and_apply(struct sqlite *sqlite, const GPtrArray *changes, GError **error)
{
	for (guint i = 0; i < changes->len; i++) {
		const struct store_change *change = g_ptr_array_index(changes, i);
		guint64 found;
		if (!get_version(sqlite, change, &found, error) ||
		    !store_change_check(change, found, error))
			return FALSE;
	}
	for (guint i = 0; i < changes->len; i++)
		if (!apply(sqlite, g_ptr_array_index(changes, i), error))
			return FALSE;
	return TRUE;
}

static gboolean
sqlite_commit(void *self, const GPtrArray *changes, GError **error)
{
	struct sqlite *sqlite = self;
	if (!run(sqlite, sqlite->statements[BEGIN], "write the file", error))
		return FALSE;
	if (check_and_apply(sqlite, changes, error) &&
	    run(sqlite, sqlite->statements[COMMIT], "write the file", error))
		return TRUE;
	/* Some errors (no space, I/O) have rolled back by themselves (sqlite.org/lang_transaction).
	 */
	if (!sqlite3_get_autocommit(sqlite->db))
		sqlite3_exec(sqlite->db, "ROLLBACK", NULL, NULL, NULL);
	return FALSE;
}

static struct store_object *
row(sqlite3_stmt *stmt, const char *kind)
{
	const char *id = (const char *)sqlite3_column_text(stmt, 0);
	const void *body = sqlite3_column_blob(stmt, 2);
	return store_object_new(kind, id ? id : "", (guint64)sqlite3_column_int64(stmt, 1),
				g_bytes_new(body, (gsize)sqlite3_column_bytes(stmt, 2)));
}

static struct store_object *
sqlite_get(void *self, const char *kind, const char *id, GError **error)
{
	struct sqlite *sqlite = self;
	sqlite3_stmt *stmt = bind(sqlite, SELECT_BODY, kind, id);
	struct store_object *object = NULL;
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		object = row(stmt, kind);
	else if (rc == SQLITE_DONE)
		store_not_found(kind, id, error);
	else
		store_sqlite_error(sqlite->db, "read the file", error);
	finish(stmt);
	return object;
}

static GPtrArray *
sqlite_list(void *self, const char *kind, const char *from, gboolean back, guint limit,
	    GError **error)
{
	struct sqlite *sqlite = self;
	/* No id is empty, so "" stands before the first; a negative LIMIT is none. */
	sqlite3_stmt *stmt = bind(sqlite, back ? SELECT_BACK : SELECT_LIST, kind,
				  from	 ? from
				  : back ? STORE_ID_END
					 : "");
	sqlite3_bind_int64(stmt, 3, limit ? (sqlite3_int64)limit : -1);
	GPtrArray *objects = g_ptr_array_new_with_free_func((GDestroyNotify)store_object_free);
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		g_ptr_array_add(objects, row(stmt, kind));
	if (rc != SQLITE_DONE) {
		store_sqlite_error(sqlite->db, "read the file", error);
		g_clear_pointer(&objects, g_ptr_array_unref);
	}
	finish(stmt);
	return objects;
}

const struct store_driver store_driver_sqlite = {
	.scheme = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.commit = sqlite_commit,
	.get = sqlite_get,
	.list = sqlite_list,
};
