/* The store: one conformance script, run over each driver. */
#include "store/store_mem.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

/* A store of one kind in a place of its own. */
struct fixture {
	char *dir;
	char *uri;
	struct store *store;
};

static void
reopen(struct fixture *f)
{
	g_autoptr(GError) error = NULL;
	g_clear_pointer(&f->store, store_close);
	f->store = store_open(f->uri, &error);
	g_assert_no_error(error);
	g_assert_nonnull(f->store);
}

static void
set_up(struct fixture *f, gconstpointer scheme)
{
	f->dir = g_dir_make_tmp("cairn-store-XXXXXX", NULL);
	f->uri = g_strdup_printf("%s:%s/store.db", (const char *)scheme, f->dir);
	reopen(f);
}

static void
tear_down(struct fixture *f, gconstpointer scheme)
{
	store_close(f->store);
	store_mem_forget(strchr(f->uri, ':') + 1);
	g_assert_true(cairn_remove_tree(f->dir, NULL));
	g_free(f->dir);
	g_free(f->uri);
}

static GBytes *
text_body(const char *text)
{
	return g_bytes_new(text, strlen(text));
}

static void
put(struct store_txn *txn, const char *id, guint64 version, const char *text)
{
	g_autoptr(GBytes) body = text_body(text);
	store_txn_put(txn, "thing", id, version, body);
}

static void
commit_ok(struct fixture *f, struct store_txn *txn)
{
	g_autoptr(GError) error = NULL;
	gboolean ok = store_commit(f->store, txn, &error);
	g_assert_no_error(error);
	g_assert_true(ok);
}

static void
commit_fails(struct fixture *f, struct store_txn *txn, int code, const char *message)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(store_commit(f->store, txn, &error));
	g_assert_error(error, CAIRN_ERROR, code);
	if (message)
		g_assert_cmpstr(error->message, ==, message);
}

static void
put_now(struct fixture *f, const char *id, const char *text)
{
	cairn_auto(store_txn) txn = store_txn_new();
	put(txn, id, STORE_ANY, text);
	commit_ok(f, txn);
}

/* @text NULL: the object must not be there. */
static void
assert_object(struct fixture *f, const char *id, guint64 version, const char *text)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(store_object) object = store_get(f->store, "thing", id, &error);
	if (!text) {
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
		g_assert_null(object);
		return;
	}
	g_assert_no_error(error);
	g_assert_cmpstr(object->kind, ==, "thing");
	g_assert_cmpstr(object->id, ==, id);
	g_assert_cmpuint(object->version, ==, version);
	gsize len;
	const void *data = g_bytes_get_data(object->body, &len);
	g_assert_cmpmem(data, len, text, strlen(text));
}

static void
test_versions(struct fixture *f, gconstpointer scheme)
{
	for (guint version = 0; version < 3; version++) {
		cairn_auto(store_txn) txn = store_txn_new();
		put(txn, "a", version, "body");
		commit_ok(f, txn);
		assert_object(f, "a", version + 1, "body");
	}
	cairn_auto(store_txn) old = store_txn_new();
	put(old, "a", 2, "lost");
	commit_fails(f, old, CAIRN_ERROR_BUSY,
		     "thing \"a\" was changed meanwhile (version 3, not 2)");
	cairn_auto(store_txn) again = store_txn_new();
	put(again, "a", 0, "lost");
	commit_fails(f, again, CAIRN_ERROR_BUSY, "thing \"a\" is there already");
	cairn_auto(store_txn) gone = store_txn_new();
	store_txn_delete(gone, "thing", "b", 1);
	commit_fails(f, gone, CAIRN_ERROR_BUSY, "thing \"b\" was deleted meanwhile");
	assert_object(f, "a", 3, "body");
	reopen(f);
	assert_object(f, "a", 3, "body");
}

static void
test_delete(struct fixture *f, gconstpointer scheme)
{
	put_now(f, "a", "1");
	cairn_auto(store_txn) txn = store_txn_new();
	store_txn_delete(txn, "thing", "a", 1);
	store_txn_delete(txn, "thing", "never", STORE_ANY);
	store_txn_delete(txn, "thing", "never2", 0);
	commit_ok(f, txn);
	assert_object(f, "a", 0, NULL);
	put_now(f, "a", "2");
	assert_object(f, "a", 1, "2");
}

static void
test_any(struct fixture *f, gconstpointer scheme)
{
	put_now(f, "a", "1");
	put_now(f, "a", "2");
	assert_object(f, "a", 2, "2");
	cairn_auto(store_txn) txn = store_txn_new();
	store_txn_expect(txn, "thing", "a", STORE_ANY);
	store_txn_expect(txn, "thing", "b", STORE_ANY);
	store_txn_delete(txn, "thing", "a", STORE_ANY);
	commit_ok(f, txn);
	assert_object(f, "a", 0, NULL);
}

static void
test_all_or_nothing(struct fixture *f, gconstpointer scheme)
{
	put_now(f, "a", "1");
	put_now(f, "b", "1");
	put_now(f, "c", "1");
	cairn_auto(store_txn) txn = store_txn_new();
	put(txn, "a", 1, "2");
	store_txn_delete(txn, "thing", "b", 1);
	put(txn, "new", 0, "2");
	store_txn_expect(txn, "thing", "c", 7);
	commit_fails(f, txn, CAIRN_ERROR_BUSY, NULL);
	assert_object(f, "a", 1, "1");
	assert_object(f, "b", 1, "1");
	assert_object(f, "new", 0, NULL);
	put_now(f, "d", "1");
	reopen(f);
	assert_object(f, "a", 1, "1");
	assert_object(f, "d", 1, "1");
}

/* Versions are those before the transaction, also of objects that it changes. */
static void
test_expect(struct fixture *f, gconstpointer scheme)
{
	put_now(f, "a", "1");
	cairn_auto(store_txn) txn = store_txn_new();
	put(txn, "a", 1, "2");
	store_txn_expect(txn, "thing", "a", 1);
	store_txn_expect(txn, "thing", "b", 0);
	put(txn, "b", 0, "1");
	commit_ok(f, txn);
	assert_object(f, "a", 2, "2");
	cairn_auto(store_txn) empty = store_txn_new();
	commit_ok(f, empty);
}

static void
assert_objects(GPtrArray *objects, const char *expected)
{
	g_assert_nonnull(objects);
	g_autoptr(GString) ids = g_string_new(NULL);
	for (guint i = 0; i < objects->len; i++)
		g_string_append_printf(ids, "%s ", ((struct store_object *)objects->pdata[i])->id);
	g_assert_cmpstr(ids->str, ==, expected);
}

static void
assert_list(struct fixture *f, const char *after, guint limit, const char *expected)
{
	g_autoptr(GPtrArray) objects = store_list(f->store, "thing", after, limit, NULL);
	assert_objects(objects, expected);
}

static void
assert_list_back(struct fixture *f, const char *before, guint limit, const char *expected)
{
	g_autoptr(GPtrArray) objects = store_list_back(f->store, "thing", before, limit, NULL);
	assert_objects(objects, expected);
}

static void
test_list(struct fixture *f, gconstpointer scheme)
{
	static const char *const ids[] = {"b", "a", "B", "ä", "a/1", "aa", "10", "9", "日本"};
	assert_list(f, NULL, 0, "");
	g_autoptr(GBytes) other = text_body("other");
	cairn_auto(store_txn) txn = store_txn_new();
	for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
		put(txn, ids[i], 0, ids[i]);
	store_txn_put(txn, "thin", "x", 0, other);
	store_txn_put(txn, "thing-2", "x", 0, other);
	store_txn_put(txn, "zebra", "x", 0, other);
	commit_ok(f, txn);
	assert_list(f, NULL, 0, "10 9 B a a/1 aa b ä 日本 ");
	assert_list(f, NULL, 3, "10 9 B ");
	assert_list(f, "B", 3, "a a/1 aa ");
	assert_list(f, "C", 3, "a a/1 aa ");
	assert_list(f, "aa", 0, "b ä 日本 ");
	assert_list(f, "日本", 0, "");
	g_autoptr(GPtrArray) none = store_list(f->store, "none", NULL, 0, NULL);
	g_assert_cmpuint(none->len, ==, 0);
	assert_list_back(f, NULL, 0, "日本 ä b aa a/1 a B 9 10 ");
	assert_list_back(f, NULL, 3, "日本 ä b ");
	assert_list_back(f, "a", 2, "B 9 ");
	assert_list_back(f, "C", 2, "B 9 ");
	assert_list_back(f, "9", 0, "10 ");
	assert_list_back(f, "10", 0, "");
	put_now(f, "\xf4\x8f\xbf\xbf", "the last there can be");
	assert_list_back(f, NULL, 2, "\xf4\x8f\xbf\xbf 日本 ");
	g_autoptr(GPtrArray) last = store_list_back(f->store, "zebra", NULL, 1, NULL);
	g_assert_cmpuint(last->len, ==, 1);
	g_autoptr(GPtrArray) nothing = store_list_back(f->store, "zz", NULL, 1, NULL);
	g_assert_cmpuint(nothing->len, ==, 0);
}

static void
test_bodies(struct fixture *f, gconstpointer scheme)
{
	gsize big = 3 << 20;
	guint8 *data = g_malloc(big);
	for (gsize i = 0; i < big; i++)
		data[i] = (guint8)(i * 7 + (i >> 8));
	g_autoptr(GBytes) large = g_bytes_new_take(data, big);
	g_autoptr(GBytes) zero = g_bytes_new_static("a\0b\xff\n", 5);
	g_autoptr(GBytes) empty = g_bytes_new(NULL, 0);
	cairn_auto(store_txn) txn = store_txn_new();
	store_txn_put(txn, "body", "large", 0, large);
	store_txn_put(txn, "body", "zero", 0, zero);
	store_txn_put(txn, "body", "empty", 0, empty);
	commit_ok(f, txn);
	reopen(f);
	cairn_auto(store_object) got_large = store_get(f->store, "body", "large", NULL);
	cairn_auto(store_object) got_zero = store_get(f->store, "body", "zero", NULL);
	cairn_auto(store_object) got_empty = store_get(f->store, "body", "empty", NULL);
	g_assert_true(g_bytes_equal(got_large->body, large));
	g_assert_true(g_bytes_equal(got_zero->body, zero));
	g_assert_cmpuint(g_bytes_get_size(got_empty->body), ==, 0);
}

static void
id_fails(struct fixture *f, const char *id, int code)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(store_get(f->store, "thing", id, &error));
	g_assert_error(error, CAIRN_ERROR, code);
	g_clear_error(&error);
	g_assert_true(g_utf8_validate(id, -1, NULL) || code == CAIRN_ERROR_INVALID);
	cairn_auto(store_txn) txn = store_txn_new();
	put(txn, "before", STORE_ANY, "x");
	put(txn, id, STORE_ANY, "x");
	commit_fails(f, txn, code, NULL);
	assert_object(f, "before", 0, NULL);
}

static void
test_limits(struct fixture *f, gconstpointer scheme)
{
	g_autofree char *longest = g_strnfill(STORE_ID_MAX, 'x');
	g_autofree char *too_long = g_strnfill(STORE_ID_MAX + 1, 'x');
	put_now(f, longest, "fits");
	assert_object(f, longest, 1, "fits");
	id_fails(f, too_long, CAIRN_ERROR_LIMIT);
	id_fails(f, "", CAIRN_ERROR_INVALID);
	id_fails(f, "a\nb", CAIRN_ERROR_INVALID);
	id_fails(f, "a\x7f", CAIRN_ERROR_INVALID);
	id_fails(f, "\xff\xfe", CAIRN_ERROR_INVALID);
	g_autoptr(GBytes) huge =
		g_bytes_new_take(g_malloc0((gsize)STORE_BODY_MAX + 1), (gsize)STORE_BODY_MAX + 1);
	cairn_auto(store_txn) txn = store_txn_new();
	store_txn_put(txn, "thing", "huge", 0, huge);
	commit_fails(f, txn, CAIRN_ERROR_LIMIT, NULL);
	assert_object(f, "huge", 0, NULL);
}

static void
test_put_twice(void)
{
	if (g_test_subprocess()) {
		cairn_auto(store) store = store_open("memory:", NULL);
		cairn_auto(store_txn) txn = store_txn_new();
		put(txn, "a", STORE_ANY, "1");
		put(txn, "a", STORE_ANY, "2");
		store_commit(store, txn, NULL);
		return;
	}
	g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
	g_test_trap_assert_failed();
}

static void
test_unknown_driver(void)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(store_open("mysql:x", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_null(store_open("sqlite", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
}

/* ---- what the memory driver offers to simulations ---- */

struct fault {
	guint at;
	gboolean before;
};

static gboolean
fail_nth(void *user, guint nth, gboolean before, GError **error)
{
	const struct fault *fault = user;
	if (nth != fault->at || before != fault->before)
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_IO, "power cut");
	return FALSE;
}

static void
test_mem_hook(void)
{
	struct fixture f = {.uri = (char *)"memory:test-hook"};
	struct fault fault = {2, TRUE};
	reopen(&f);
	store_mem_set_hook(f.store, fail_nth, &fault);
	cairn_auto(store_txn) txn = store_txn_new();
	put(txn, "a", STORE_ANY, "x");
	commit_ok(&f, txn);
	commit_fails(&f, txn, CAIRN_ERROR_IO, "store \"memory:test-hook\": power cut");
	assert_object(&f, "a", 1, "x");
	fault = (struct fault){1, FALSE};
	store_mem_set_hook(f.store, fail_nth, &fault);
	commit_fails(&f, txn, CAIRN_ERROR_IO, NULL);
	assert_object(&f, "a", 2, "x");
	reopen(&f); /* a restart: the data stays, the hook is gone */
	assert_object(&f, "a", 2, "x");
	cairn_auto(store) second = store_open(f.uri, NULL);
	g_assert_true(store_commit(second, txn, NULL));
	assert_object(&f, "a", 3, "x");
	store_mem_forget("test-hook");
	reopen(&f);
	assert_object(&f, "a", 0, NULL);
	store_close(f.store);
	store_mem_forget("test-hook");
}

static void
add(const char *scheme, const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/store/%s/%s", scheme, name);
	g_test_add(path, struct fixture, scheme, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	static const char *const schemes[] = {"sqlite", "memory"};
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(schemes); i++) {
		add(schemes[i], "versions", test_versions);
		add(schemes[i], "delete", test_delete);
		add(schemes[i], "any", test_any);
		add(schemes[i], "all-or-nothing", test_all_or_nothing);
		add(schemes[i], "expect", test_expect);
		add(schemes[i], "list", test_list);
		add(schemes[i], "bodies", test_bodies);
		add(schemes[i], "limits", test_limits);
	}
	g_test_add_func("/store/put-twice", test_put_twice);
	g_test_add_func("/store/unknown-driver", test_unknown_driver);
	g_test_add_func("/store/memory/hook", test_mem_hook);
	return g_test_run();
}
