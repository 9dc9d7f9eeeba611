/* The SQLite driver and what only a disk can do: power cuts, damage, no space, two daemons,
 * upgrades. */
#include "store/store.h"
#include "store/store_schema.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char *dir;
	char *path;
	char *uri;
};

static void
set_up(struct fixture *f, gconstpointer unused)
{
	f->dir = g_dir_make_tmp("cairn-sqlite-XXXXXX", NULL);
	f->path = g_build_filename(f->dir, "store.db", NULL);
	f->uri = g_strconcat("sqlite:", f->path, NULL);
}

static void
tear_down(struct fixture *f, gconstpointer unused)
{
	g_assert_true(cairn_remove_tree(f->dir, NULL));
	g_free(f->dir);
	g_free(f->path);
	g_free(f->uri);
}

static struct store *
open_ok(const char *uri)
{
	g_autoptr(GError) error = NULL;
	struct store *store = store_open(uri, &error);
	g_assert_no_error(error);
	return store;
}

static void
open_fails(const char *uri, int code, const char *text)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(store_open(uri, &error));
	g_assert_error(error, CAIRN_ERROR, code);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, uri));
	g_assert_nonnull(strstr(error->message, text));
}

/* Two objects that always hold the same number, so that half a transaction shows. */
static gboolean
put_pair(struct store *store, guint n, gsize padding, GError **error)
{
	g_autofree char *text = g_strdup_printf("%u", n);
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_byte_array_append(bytes, (const guint8 *)text, (guint)strlen(text) + 1);
	g_byte_array_set_size(bytes, bytes->len + (guint)padding);
	g_autoptr(GBytes) body = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
	cairn_auto(store_txn) txn = store_txn_new();
	store_txn_put(txn, "pair", "left", STORE_ANY, body);
	store_txn_put(txn, "pair", "right", STORE_ANY, body);
	return store_commit(store, txn, error);
}

static guint
get_number(struct store *store, const char *id)
{
	cairn_auto(store_object) object = store_get(store, "pair", id, NULL);
	return object ? (guint)atoi(g_bytes_get_data(object->body, NULL)) : 0;
}

static guint
get_pair(struct store *store)
{
	guint left = get_number(store, "left"), right = get_number(store, "right");
	g_assert_cmpuint(left, ==, right);
	return left;
}

/* ---- kill -9 ---- */

static void
commit_forever(const char *uri, int fd)
{
	struct store *store = store_open(uri, NULL);
	guint n = store ? get_pair(store) : 0;
	while (store && put_pair(store, ++n, 5000, NULL))
		if (write(fd, &n, sizeof n) != sizeof n)
			break;
	_exit(1);
}

/* Kills a child that commits when it has told of at least @at commits; returns the last it told of.
 */
static guint
kill_after(const char *uri, guint at)
{
	int fds[2];
	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	pid_t pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		close(fds[0]);
		commit_forever(uri, fds[1]);
	}
	close(fds[1]);
	guint last = 0, n;
	for (guint seen = 0; seen < at && read(fds[0], &n, sizeof n) == sizeof n; seen++)
		last = n;
	kill(pid, SIGKILL);
	while (read(fds[0], &n, sizeof n) == sizeof n)
		last = n;
	close(fds[0]);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	return last;
}

static void
test_kill(struct fixture *f, gconstpointer unused)
{
	for (guint round = 0; round < 12; round++) {
		guint told = kill_after(f->uri, (guint)g_test_rand_int_range(1, 40));
		cairn_auto(store) store = open_ok(f->uri);
		guint found = get_pair(store);
		g_assert_cmpuint(told, >, 0);
		g_assert_cmpuint(found, >=, told);
		g_assert_cmpuint(found, <=, told + 1);
	}
}

/* ---- openers ---- */

static void
test_second_opener(struct fixture *f, gconstpointer unused)
{
	int fds[2];
	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	cairn_auto(store) store = open_ok(f->uri);
	open_fails(f->uri, CAIRN_ERROR_BUSY, "another cairnd uses it");
	pid_t pid = fork();
	if (pid == 0) {
		g_autoptr(GError) error = NULL;
		struct store *second = store_open(f->uri, &error);
		_exit(!second && cairn_error_code(error) == CAIRN_ERROR_BUSY ? 0 : 1);
	}
	int status;
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	/* The first is not disturbed by those that tried. */
	g_assert_true(put_pair(store, 7, 0, NULL));
	open_fails(f->uri, CAIRN_ERROR_BUSY, "another cairnd uses it");
	g_clear_pointer(&store, store_close);
	store = open_ok(f->uri);
	g_assert_cmpuint(get_pair(store), ==, 7);
	close(fds[0]);
	close(fds[1]);
}

static void
test_places(struct fixture *f, gconstpointer unused)
{
	g_autofree char *missing = g_strdup_printf("sqlite:%s/no/such/store.db", f->dir);
	g_autofree char *folder = g_strdup_printf("sqlite:%s", f->dir);
	open_fails(missing, CAIRN_ERROR_NOT_FOUND, "No such file");
	open_fails(folder, CAIRN_ERROR_INVALID, "Is a directory");
	open_fails("sqlite:", CAIRN_ERROR_INVALID, "path");
	store_close(open_ok(f->uri));
	GStatBuf st;
	g_assert_cmpint(g_stat(f->path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
}

/* ---- schema ---- */

static void
sql(const char *path, const char *text)
{
	sqlite3 *db;
	char *message = NULL;
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	sqlite3_exec(db, text, NULL, NULL, &message);
	g_assert_cmpstr(message, ==, NULL);
	g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
}

static char *
sql_text(const char *path, const char *text)
{
	sqlite3 *db;
	char *result = NULL;
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_true(store_sqlite_text(db, text, &result, NULL));
	g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
	return result;
}

/* What version 1 wrote, word for word: every later program must open it. */
static const char version_1[] =
	"CREATE TABLE object ( kind TEXT NOT NULL, id TEXT NOT NULL,"
	" version INTEGER NOT NULL CHECK (version > 0), body BLOB NOT NULL,"
	" PRIMARY KEY (kind, id));"
	"INSERT INTO object VALUES ('pair', 'left', 3, CAST('41' AS BLOB) || x'00'),"
	" ('pair', 'right', 3, CAST('41' AS BLOB) || x'00');"
	"PRAGMA application_id = 1131572785; PRAGMA user_version = 1";

static void
test_version_1(struct fixture *f, gconstpointer unused)
{
	sql(f->path, version_1);
	cairn_auto(store) store = open_ok(f->uri);
	g_assert_cmpuint(get_pair(store), ==, 41);
	g_assert_true(put_pair(store, 42, 0, NULL));
	cairn_auto(store_object) left = store_get(store, "pair", "left", NULL);
	g_assert_cmpuint(left->version, ==, 4);
}

static void
test_newer_schema(struct fixture *f, gconstpointer unused)
{
	store_close(open_ok(f->uri));
	sql(f->path, "PRAGMA user_version = 99");
	open_fails(f->uri, CAIRN_ERROR_STATE, "use a newer cairnd");
	g_autofree char *version = sql_text(f->path, "PRAGMA user_version");
	g_assert_cmpstr(version, ==, "99");
}

static void
test_foreign(struct fixture *f, gconstpointer unused)
{
	sql(f->path, "CREATE TABLE photos (name)");
	open_fails(f->uri, CAIRN_ERROR_INVALID, "another program");
	g_autofree char *tables = sql_text(f->path, "SELECT group_concat(name) FROM sqlite_schema");
	g_assert_cmpstr(tables, ==, "photos");
}

/* Future steps on a file of version 1: done in order, and one that fails changes nothing. */
static void
test_upgrade(struct fixture *f, gconstpointer unused)
{
	const char *const good[] = {store_schema_steps[0],
				    "ALTER TABLE object ADD COLUMN second TEXT DEFAULT 'two'",
				    "UPDATE object SET second = 'three' WHERE id = 'left'", NULL};
	const char *const bad[] = {good[0], good[1], good[2],
				   "DELETE FROM object; INSERT INTO nowhere VALUES (1)", NULL};
	g_autoptr(GError) error = NULL;
	sqlite3 *db;
	sql(f->path, version_1);
	g_assert_cmpint(sqlite3_open(f->path, &db), ==, SQLITE_OK);
	g_assert_false(store_schema_upgrade(db, bad, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_IO);
	g_assert_nonnull(strstr(error->message, "upgrade of the schema to version 4"));
	g_assert_true(store_schema_upgrade(db, good, NULL));
	sqlite3_close(db);
	g_autofree char *version = sql_text(f->path, "PRAGMA user_version");
	g_autofree char *rows = sql_text(f->path, "SELECT group_concat(id || '=' || second) FROM "
						  "(SELECT * FROM object ORDER BY id)");
	g_assert_cmpstr(version, ==, "3");
	g_assert_cmpstr(rows, ==, "left=three,right=two");
}

/* ---- damage ---- */

static void
fill(const char *uri)
{
	cairn_auto(store) store = open_ok(uri);
	for (guint n = 1; n < 20; n++)
		g_assert_true(put_pair(store, n, 40000, NULL));
}

static void
test_truncated(struct fixture *f, gconstpointer unused)
{
	fill(f->uri);
	GStatBuf st;
	g_assert_cmpint(g_stat(f->path, &st), ==, 0);
	g_assert_cmpint(truncate(f->path, st.st_size / 2), ==, 0);
	open_fails(f->uri, CAIRN_ERROR_IO, "damaged");
}

static void
test_garbage(struct fixture *f, gconstpointer unused)
{
	char *noise = g_strnfill(8192, 'n');
	g_assert_true(g_file_set_contents(f->path, noise, 8192, NULL));
	open_fails(f->uri, CAIRN_ERROR_IO, "damaged");
	g_free(noise);
}

static void
test_overwritten_page(struct fixture *f, gconstpointer unused)
{
	fill(f->uri);
	g_autofree char *noise = g_strnfill(4096, 'n');
	CAIRN_AUTO_FD int fd = g_open(f->path, O_WRONLY | O_CLOEXEC, 0);
	g_assert_cmpint(pwrite(fd, noise, 4096, 4096), ==, 4096);
	open_fails(f->uri, CAIRN_ERROR_IO, "damaged");
}

/* A row whose body is @half bytes of nothing, @text and as many again; then the page with the text
 * is overwritten, and with it where the rest of the body is. */
static void
put_damaged(const char *path, const char *kind, guint half, const char *text)
{
	g_autofree char *insert = g_strdup_printf("INSERT INTO object VALUES ('%s', 'x', 1, "
						  "CAST(zeroblob(%u) || '%s' || zeroblob(%u) "
						  "AS BLOB))",
						  kind, half, text, half);
	sql(path, insert);
	CAIRN_AUTO_FD int fd = g_open(path, O_RDWR | O_CLOEXEC, 0);
	g_autofree char *page = g_malloc(4096);
	g_autofree char *noise = g_strnfill(4096, 'n');
	gint64 at = 0;
	while (pread(fd, page, 4096, at) == 4096 && !memmem(page, 4096, text, strlen(text)))
		at += 4096;
	g_assert_cmpint(pwrite(fd, noise, 4096, at), ==, 4096);
}

/* A large store is opened without reading its history, however damaged that is; what the daemon
 * works with is read to the end. */
static void
test_large(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	fill(f->uri);
	put_damaged(f->path, "history", 35 << 20, "the middle of a row");
	cairn_auto(store) store = open_ok(f->uri);
	g_assert_cmpuint(get_pair(store), ==, 19);
	g_assert_null(store_get(store, "history", "x", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_IO);
	g_assert_nonnull(strstr(error->message, "damaged"));
	g_assert_true(put_pair(store, 20, 0, NULL));
	g_clear_pointer(&store, store_close);
	put_damaged(f->path, "point", 9000, "the middle of a point");
	open_fails(f->uri, CAIRN_ERROR_IO, "damaged");
}

/* Of a small one all is looked at. */
static void
test_small(struct fixture *f, gconstpointer unused)
{
	fill(f->uri);
	put_damaged(f->path, "history", 9000, "the middle of a row");
	open_fails(f->uri, CAIRN_ERROR_IO, "damaged");
}

/* ---- no space ---- */

/* Commits until it fails; nothing of the failed commit may be seen, and after @make_space it goes
 * on. */
static void
fill_up(const char *uri, void (*make_space)(const char *), const char *arg)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(store) store = open_ok(uri);
	guint n = 1;
	while (n < 1000 && put_pair(store, n, 50000 * n, &error))
		n++;
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	g_assert_nonnull(strstr(error->message, uri));
	g_assert_cmpuint(n, >, 1);
	g_assert_cmpuint(get_pair(store), ==, n - 1);
	make_space(arg);
	g_assert_true(put_pair(store, n, 10, NULL));
	g_clear_pointer(&store, store_close);
	store = open_ok(uri);
	g_assert_cmpuint(get_pair(store), ==, n);
}

static void
lift_limit(const char *unused)
{
	struct rlimit limit;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void
test_file_size_limit(struct fixture *f, gconstpointer unused)
{
	if (!g_test_subprocess()) {
		g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
		g_test_trap_assert_passed();
		return;
	}
	struct rlimit limit;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 2 << 20;
	setrlimit(RLIMIT_FSIZE, &limit);
	fill_up(f->uri, lift_limit, NULL);
}

/* A file system of 2 MiB that only this process sees. */
static gboolean
mount_small(const char *dir)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("cairn-test", dir, "tmpfs", 0, "size=2m") == 0;
}

static void
remove_ballast(const char *path)
{
	g_assert_cmpint(g_unlink(path), ==, 0);
}

static void
test_full_disk(struct fixture *f, gconstpointer unused)
{
	if (!g_test_subprocess()) {
		if (geteuid() != 0) {
			g_test_skip("only root can mount a small file system");
			return;
		}
		g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
		g_test_trap_assert_passed();
		return;
	}
	if (!mount_small(f->dir)) {
		g_printerr("cannot mount: %s\n", g_strerror(errno));
		return;
	}
	g_autofree char *ballast = g_build_filename(f->dir, "ballast", NULL);
	g_autofree char *bytes = g_malloc0(512 << 10);
	g_assert_true(g_file_set_contents(ballast, bytes, 512 << 10, NULL));
	fill_up(f->uri, remove_ballast, ballast);
	g_assert_cmpint(umount2(f->dir, MNT_DETACH), ==, 0);
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/store-sqlite/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("kill", test_kill);
	add("second-opener", test_second_opener);
	add("places", test_places);
	add("version-1", test_version_1);
	add("newer-schema", test_newer_schema);
	add("foreign", test_foreign);
	add("upgrade", test_upgrade);
	add("truncated", test_truncated);
	add("garbage", test_garbage);
	add("overwritten-page", test_overwritten_page);
	add("large", test_large);
	add("small", test_small);
	add("file-size-limit", test_file_size_limit);
	add("full-disk", test_full_disk);
	return g_test_run();
}
