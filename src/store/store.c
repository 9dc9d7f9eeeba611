/* The front door of the store: checks what comes in, then calls the driver. See store.h. */
#include "store/store_driver.h"

#include "base/error.h"

#include <string.h>

struct store {
	const struct store_driver *driver;
	void *self;
	char *uri;
};

struct store_txn {
	GPtrArray *changes; /* struct store_change */
};

static const struct store_driver *const drivers[] = {&store_driver_sqlite, &store_driver_mem};

void
store_object_free(struct store_object *object)
{
	if (!object)
		return;
	g_free(object->kind);
	g_free(object->id);
	g_clear_pointer(&object->body, g_bytes_unref);
	g_free(object);
}

struct store_object *
store_object_new(const char *kind, const char *id, guint64 version, GBytes *body)
{
	struct store_object *object = g_new0(struct store_object, 1);
	object->kind = g_strdup(kind);
	object->id = g_strdup(id);
	object->version = version;
	object->body = body;
	return object;
}

/* ---- transactions ---- */

static void
change_free(void *data)
{
	struct store_change *change = data;
	g_free(change->kind);
	g_free(change->id);
	g_clear_pointer(&change->body, g_bytes_unref);
	g_free(change);
}

struct store_txn *
store_txn_new(void)
{
	struct store_txn *txn = g_new0(struct store_txn, 1);
	txn->changes = g_ptr_array_new_with_free_func(change_free);
	return txn;
}

void
store_txn_free(struct store_txn *txn)
{
	if (!txn)
		return;
	g_ptr_array_unref(txn->changes);
	g_free(txn);
}

static void
add_change(struct store_txn *txn, enum store_change_op op, const char *kind, const char *id,
	   guint64 version, GBytes *body)
{
	struct store_change *change = g_new0(struct store_change, 1);
	change->op = op;
	change->kind = g_strdup(kind);
	change->id = g_strdup(id);
	change->version = version;
	change->body = body ? g_bytes_ref(body) : NULL;
	g_ptr_array_add(txn->changes, change);
}

void
store_txn_expect(struct store_txn *txn, const char *kind, const char *id, guint64 version)
{
	add_change(txn, STORE_EXPECT, kind, id, version, NULL);
}

void
store_txn_put(struct store_txn *txn, const char *kind, const char *id, guint64 version,
	      GBytes *body)
{
	g_assert(body);
	add_change(txn, STORE_PUT, kind, id, version, body);
}

void
store_txn_delete(struct store_txn *txn, const char *kind, const char *id, guint64 version)
{
	add_change(txn, STORE_DELETE, kind, id, version, NULL);
}

/* ---- checks ---- */

/* Kinds are words of our own code, so a bad one is our mistake. */
static gboolean
kind_valid(const char *kind)
{
	gsize len = kind ? strlen(kind) : 0;
	if (len == 0 || len > STORE_KIND_MAX || !g_ascii_islower(kind[0]))
		return FALSE;
	for (const char *at = kind; *at; at++)
		if (!g_ascii_islower(*at) && !g_ascii_isdigit(*at) && *at != '-')
			return FALSE;
	return TRUE;
}

static gboolean
has_control_characters(const char *text)
{
	for (; *text; text = g_utf8_next_char(text))
		if (g_unichar_iscntrl(g_utf8_get_char(text)))
			return TRUE;
	return FALSE;
}

/* Ids may be what a user typed. */
static gboolean
check_id(const char *kind, const char *id, GError **error)
{
	g_assert(kind_valid(kind));
	g_assert(id);
	if (strlen(id) > STORE_ID_MAX) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "the id of a %s is longer than %d bytes", kind, STORE_ID_MAX);
		return FALSE;
	}
	if (!*id || !g_utf8_validate(id, -1, NULL) || has_control_characters(id)) {
		g_autofree char *shown = g_strescape(id, NULL);
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "\"%s\" cannot be the id of a %s: UTF-8 without control characters is "
			    "needed",
			    shown, kind);
		return FALSE;
	}
	return TRUE;
}

static gboolean
check_change(const struct store_change *change, GError **error)
{
	if (!check_id(change->kind, change->id, error))
		return FALSE;
	if (change->body && g_bytes_get_size(change->body) > STORE_BODY_MAX) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "%s \"%s\" is larger than %d bytes", change->kind, change->id,
			    STORE_BODY_MAX);
		return FALSE;
	}
	return TRUE;
}

/* An object is written once in a transaction: which of two bodies is meant cannot be known. */
static gboolean
check_changes(const GPtrArray *changes, GError **error)
{
	g_autoptr(GHashTable) written =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < changes->len; i++) {
		const struct store_change *change = g_ptr_array_index(changes, i);
		if (!check_change(change, error))
			return FALSE;
		if (change->op == STORE_EXPECT)
			continue;
		gboolean is_first =
			g_hash_table_add(written, g_strconcat(change->kind, "/", change->id, NULL));
		g_assert(is_first);
	}
	return TRUE;
}

gboolean
store_change_check(const struct store_change *change, guint64 found, GError **error)
{
	if (change->version == STORE_ANY || change->version == found)
		return TRUE;
	if (change->version == 0)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY, "%s \"%s\" is there already",
			    change->kind, change->id);
	else if (found == 0)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY, "%s \"%s\" was deleted meanwhile",
			    change->kind, change->id);
	else
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY,
			    "%s \"%s\" was changed meanwhile (version %" G_GUINT64_FORMAT
			    ", not %" G_GUINT64_FORMAT ")",
			    change->kind, change->id, found, change->version);
	return FALSE;
}

struct store_object *
store_not_found(const char *kind, const char *id, GError **error)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND, "no %s \"%s\"", kind, id);
	return NULL;
}

/* ---- the door ---- */

/* Says which store failed; what an object's absence or version means needs no path. */
static void
prefix_error(const struct store *store, GError **error)
{
	if (!error || !*error)
		return;
	int code = cairn_error_code(*error);
	if (code != CAIRN_ERROR_NOT_FOUND && code != CAIRN_ERROR_BUSY)
		g_prefix_error(error, "store \"%s\": ", store->uri);
}

static const struct store_driver *
find_driver(const char *uri, const char **ret_path)
{
	for (guint i = 0; i < G_N_ELEMENTS(drivers); i++) {
		gsize len = strlen(drivers[i]->scheme);
		if (strncmp(uri, drivers[i]->scheme, len) == 0 && uri[len] == ':') {
			*ret_path = uri + len + 1;
			return drivers[i];
		}
	}
	return NULL;
}

struct store *
store_open(const char *uri, GError **error)
{
	g_assert(uri);
	const char *path;
	const struct store_driver *driver = find_driver(uri, &path);
	if (!driver) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "store \"%s\": must be \"sqlite:PATH\" or \"memory:\"", uri);
		return NULL;
	}
	void *self = driver->open(path, error);
	if (!self) {
		g_prefix_error(error, "store \"%s\": ", uri);
		return NULL;
	}
	struct store *store = g_new0(struct store, 1);
	store->driver = driver;
	store->self = self;
	store->uri = g_strdup(uri);
	g_debug("store \"%s\": open", uri);
	return store;
}

void
store_close(struct store *store)
{
	if (!store)
		return;
	store->driver->close(store->self);
	g_debug("store \"%s\": closed", store->uri);
	g_free(store->uri);
	g_free(store);
}

void *
store_driver_self(struct store *store, const struct store_driver *driver)
{
	g_assert(store && store->driver == driver);
	return store->self;
}

gboolean
store_commit(struct store *store, struct store_txn *txn, GError **error)
{
	g_assert(store && txn);
	if (!check_changes(txn->changes, error))
		return FALSE;
	gboolean ok = store->driver->commit(store->self, txn->changes, error);
	if (!ok)
		prefix_error(store, error);
	g_debug("store \"%s\": commit of %u changes %s", store->uri, txn->changes->len,
		ok ? "done" : "failed");
	return ok;
}

struct store_object *
store_get(struct store *store, const char *kind, const char *id, GError **error)
{
	g_assert(store);
	if (!check_id(kind, id, error))
		return NULL;
	struct store_object *object = store->driver->get(store->self, kind, id, error);
	if (!object)
		prefix_error(store, error);
	return object;
}

static GPtrArray *
list(struct store *store, const char *kind, const char *from, gboolean back, guint limit,
     GError **error)
{
	g_assert(store && kind_valid(kind));
	if (from && !check_id(kind, from, error))
		return NULL;
	GPtrArray *objects = store->driver->list(store->self, kind, from, back, limit, error);
	if (!objects)
		prefix_error(store, error);
	return objects;
}

GPtrArray *
store_list(struct store *store, const char *kind, const char *after, guint limit, GError **error)
{
	return list(store, kind, after, FALSE, limit, error);
}

GPtrArray *
store_list_back(struct store *store, const char *kind, const char *before, guint limit,
		GError **error)
{
	return list(store, kind, before, TRUE, limit, error);
}
