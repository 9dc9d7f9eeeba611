/* Enumeration contexts of both protocols (DSP0226 8, DSP0200 5.3.2.24): lists half read, bounded in
 * number and age, each for the user who opened it. */
#pragma once

#include "base/auto.h"
#include "wire/op.h"

#include <glib.h>

#define CONTEXTS_MAX		 1024
#define CONTEXTS_PER_USER_MAX	 256
#define CONTEXT_IDLE_DEFAULT_SEC 120  /* a client that says nothing; armed again by each pull */
#define CONTEXT_IDLE_MAX_SEC	 3600 /* what a client may ask for */

struct context {
	char *id; /* 128 random bits: nobody guesses another's */
	char *user;
	struct cim_list *list; /* what is left */
	gpointer opened;       /* the request that opened it: the protocol's own */
	gint64 idle_usec;      /* how long it may rest */
	/* contexts.c's own */
	GDestroyNotify free_opened;
	gint64 expires; /* monotonic */
};

struct contexts;
typedef gint64 (*contexts_clock_fn)(void); /* microseconds, steady */

struct contexts *contexts_new(contexts_clock_fn clock);
void contexts_free(struct contexts *contexts);
CAIRN_DEFINE_AUTO(contexts, contexts_free)
/* Takes @list and @opened over when it succeeds. @idle_sec 0: the default; more than the most is
 * the most. CIM_ERR_SERVER_LIMITS_EXCEEDED when the user or all have too many. */
struct context *contexts_add(struct contexts *contexts, const char *user, struct cim_list *list,
			     gpointer opened, GDestroyNotify free_opened, gint64 idle_sec,
			     GError **error);
/* NULL when there is none of that id for @user that was added with @free_opened (unknown, expired,
 * another's, another protocol's): they look the same from outside. Its rest begins anew. */
struct context *contexts_find(struct contexts *contexts, const char *id, const char *user,
			      GDestroyNotify free_opened);
void contexts_remove(struct contexts *contexts, struct context *context);
guint contexts_count(const struct contexts *contexts);
/* Drops what has expired; find and add do that too, this is for a timer. */
void contexts_tidy(struct contexts *contexts);
