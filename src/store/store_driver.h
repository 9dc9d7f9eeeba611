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
	gboolean (*commit)(void *self, const GPtrArray *changes, GError **error);
	struct store_object *(*get)(void *self, const char *kind, const char *id, GError **error);
	GPtrArray *(*list)(void *self, const char *kind, const char *after, guint limit,
			   GError **error);
};

extern const struct store_driver store_driver_sqlite, store_driver_mem;
