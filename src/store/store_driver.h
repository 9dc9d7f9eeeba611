/* What a store driver is: called by store.c alone, which has checked ranges before. */
#pragma once

#include "store/store.h"

enum store_change_op { STORE_EXPECT, STORE_PUT, STORE_DELETE };

struct store_change {
	enum store_change_op op;
	char *kind;
	char *id;
	guint64 version; /* as in struct store_object */
	GBytes *body;	 /* STORE_PUT only */
};

struct store_driver {
	const char *scheme; /* the part of the URI before ':' */
	void *(*open)(const char *path, GError **error);
	void (*close)(void *self);
	/* All versions are compared with the state before the first change. */
	gboolean (*commit)(void *self, const GPtrArray *changes, GError **error);
	struct store_object *(*get)(void *self, const char *kind, const char *id, GError **error);
	/* @from: id after which the list begins, or before which when @back; NULL: at the end. */
	GPtrArray *(*list)(void *self, const char *kind, const char *from, gboolean back,
			   guint limit, GError **error);
};

/* Stands after every id: no UTF-8 has this byte. */
#define STORE_ID_END "\xff"

extern const struct store_driver store_driver_sqlite, store_driver_mem;

/* For drivers, so that both say the same. */

/* Whether @change may go on when the object has version @found (0: it does not exist); else BUSY.
 */
gboolean store_change_check(const struct store_change *change, guint64 found, GError **error);
/* Sets NOT_FOUND; returns NULL. */
struct store_object *store_not_found(const char *kind, const char *id, GError **error);
/* Takes @body over; copies the rest. */
struct store_object *store_object_new(const char *kind, const char *id, guint64 version,
				      GBytes *body);

/* The driver's own object of @store, whose driver must be @driver. */
void *store_driver_self(struct store *store, const struct store_driver *driver);
