/* The window of a group point: freeze all -> pause all -> begin all -> resume all -> thaw all, each
 * a barrier over the group. Pure: it says which deeds to do next, is told how they ended, and
 * guarantees that on every way out each machine that was, or may have been, paused or frozen is
 * resumed and thawed. A thread of its own runs it (cairnd/barrier.c), so that neither the store's
 * disk nor another job can make guests wait. */
#pragma once

#include "base/auto.h"
#include "core/point.h"

#include <glib.h>

enum window_deed { DEED_FREEZE, DEED_SUSPEND, DEED_BEGIN, DEED_RESUME, DEED_THAW, DEED_LAST };
const char *window_deed_name(enum window_deed deed);

enum window_phase {
	WINDOW_MARK, /* begin on machines that are off: they stand still already */
	WINDOW_FREEZE,
	WINDOW_PAUSE,
	WINDOW_BEGIN,
	WINDOW_RESUME,
	WINDOW_THAW,
	WINDOW_END,
};

struct window_member {
	/* what it is */
	char *id, *name;
	gboolean running; /* its CPUs run: pause and resume it */
	gboolean off;	  /* no QEMU process: begin only marks it */
	gboolean agent;	  /* it can be frozen */
	/* what may have been done; cleared when undone */
	gboolean frozen, paused, begun;
	/* what is under way, by deed */
	gboolean pending[DEED_LAST];
	gboolean asked[DEED_LAST];
	/* what came of it */
	enum consistency consistency;
	char *reason;		/* why it is lower than asked */
	gboolean freeze_failed; /* an agent was there and did not do it */
	gint64 still_at;	/* its CPUs stood still at the latest */
	gint64 frozen_at, stopped_at, begun_at, resumed_at, thawed_at; /* microseconds since 1970 */
	GError *error;						       /* its first */
};

struct window {
	enum window_phase phase;
	enum consistency requested;
	gboolean barrier;    /* FALSE: one machine after another, no pause (for tests) */
	gint64 freeze_limit; /* microseconds for all freezes */
	gint64 pause_limit;  /* microseconds from the first suspend to the order to resume */
	gint64 deadline;     /* of the present phase, microseconds since 1970; 0: none */
	GPtrArray *members;  /* struct window_member */
	const GError *error; /* why it failed: borrowed from a member, or own_error */
	const char *error_vm;
	GError *own_error;
};

struct window_order {
	enum window_deed deed;
	guint member;
};

struct window *window_new(enum consistency requested, gboolean barrier, gint64 freeze_limit,
			  gint64 pause_limit);
void window_free(struct window *window);
CAIRN_DEFINE_AUTO(window, window_free)
struct window_member *window_add(struct window *window, const char *id, const char *name);

/* Each returns the orders to carry out now (GArray of struct window_order; free with
 * g_array_unref()). It is over when window->phase is WINDOW_END. */
GArray *window_start(struct window *window, gint64 now);
/* @deed on @member ended; it ran from @from to @to. @error NULL: success. @frozen: what a thaw
 * found still frozen (file systems). */
GArray *window_reply(struct window *window, const struct window_order *order, const GError *error,
		     guint frozen, gint64 from, gint64 to);
/* To be called when window->deadline has passed. */
GArray *window_expire(struct window *window, gint64 now);
