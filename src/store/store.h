/* The store: small objects (kind, id, version, body) and one verb that changes several of them or
 * none: "if these versions hold, put and delete these". All state that must survive a power cut
 * lives here. Drivers: SQLite (store_sqlite.c) and memory (store_mem.c, for tests); both pass one
 * conformance test. Not thread-safe: the loop thread owns it. */
#pragma once

#include "base/auto.h"

#include <glib.h>

struct store;

/* Limits on what comes in; over them the answer is LIMIT. */
#define STORE_KIND_MAX 32	   /* bytes; [a-z][a-z0-9-]* */
#define STORE_ID_MAX   512	   /* bytes; any UTF-8 without control characters */
#define STORE_BODY_MAX (128 << 20) /* bytes; any bytes */

/* Kinds whose names begin so are many and seldom read: what is damaged of them in a large store is
 * found when it is read, not when the store is opened. */
#define STORE_COLD "history"

/* One object. In a change, `version` is what must hold now: 0 = must not exist, STORE_ANY = any or
 * none. The store counts versions from 1, one more at each put. */
#define STORE_ANY G_MAXUINT64
struct store_object {
	char *kind;
	char *id;
	guint64 version;
	GBytes *body;
};
void store_object_free(struct store_object *object);
CAIRN_DEFINE_AUTO(store_object, store_object_free)

/* A transaction under construction. All its versions are compared with the state before it; an
 * object may be expected and also be put or deleted, but be put or deleted only once. */
struct store_txn;
struct store_txn *store_txn_new(void);
void store_txn_free(struct store_txn *txn);
CAIRN_DEFINE_AUTO(store_txn, store_txn_free)
/* Only checks that @version holds. */
void store_txn_expect(struct store_txn *txn, const char *kind, const char *id, guint64 version);
/* @body is not taken over (a reference is kept). */
void store_txn_put(struct store_txn *txn, const char *kind, const char *id, guint64 version,
		   GBytes *body);
void store_txn_delete(struct store_txn *txn, const char *kind, const char *id, guint64 version);

/* Opens "sqlite:PATH" or "memory:". Errors: INVALID unknown driver, or a database of another
 * program; BUSY another cairnd uses it; STATE the schema is newer than this program; IO, LIMIT,
 * DENIED from the disk. The caller frees with store_close(). */
struct store *store_open(const char *uri, GError **error);
void store_close(struct store *store);
CAIRN_DEFINE_AUTO(store, store_close)

/* All or nothing, on the disk when it returns TRUE. BUSY and the object's name when a version does
 * not hold; IO or LIMIT (no space) otherwise, and then nothing has changed. */
gboolean store_commit(struct store *store, struct store_txn *txn, GError **error);

/* One object; NOT_FOUND. The caller frees it with store_object_free(). */
struct store_object *store_get(struct store *store, const char *kind, const char *id,
			       GError **error);

/* Objects of @kind with id > @after (NULL: from the start), in byte order of the id, at most @limit
 * (0: all). GPtrArray of struct store_object with its free function set. Empty is success. */
GPtrArray *store_list(struct store *store, const char *kind, const char *after, guint limit,
		      GError **error);
/* The same from the other end: objects with id < @before (NULL: from the last), the last first. */
GPtrArray *store_list_back(struct store *store, const char *kind, const char *before, guint limit,
			   GError **error);
