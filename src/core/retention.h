/* Which exports of a folder are kept. Decisions only; what is done about it is in
 * image/retain.h. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

#define RETENTION_KEEP_MAX 100000 /* of each kind */

/* An export is kept when any of these says so; all zero: everything is kept. */
struct retention {
	guint64 last;			/* the newest N */
	guint64 daily, weekly, monthly; /* the newest of each of the newest N days (ISO weeks,
					 * months) that have one; local time */
};

gboolean retention_is_set(const struct retention *retention);
json_t *retention_to_json(const struct retention *retention);
/* @json NULL: all zero. INVALID. */
gboolean retention_from_json(const json_t *json, struct retention *ret, GError **error);

/* ---- which are kept ---- */

/* Who keeps an export. */
enum retention_keeper {
	RETENTION_NEWEST = 1 << 0, /* always: the next export is an increment of it */
	RETENTION_LAST = 1 << 1,
	RETENTION_DAILY = 1 << 2,
	RETENTION_WEEKLY = 1 << 3,
	RETENTION_MONTHLY = 1 << 4,
	RETENTION_EVERYTHING = 1 << 5, /* no rule is set */
};

struct retention_mark {
	guint keepers; /* 0: nobody keeps it */
	guint place;   /* 1: the newest */
};

/* Marks @n exports (@ret has room for them). @times: when their points were taken, microseconds
 * since 1970, in the order of their numbers; the last one is the newest. @zone is that of
 * days, weeks and months. */
void retention_pick(const struct retention *retention, GTimeZone *zone, const gint64 *times,
		    guint n, struct retention_mark *ret);
/* "last 3 of 10, weekly 2026-W48": why it is kept; free with g_free(). NULL: it is not. */
char *retention_reason(const struct retention *retention, GTimeZone *zone, gint64 time,
		       const struct retention_mark *mark);

/* ---- what becomes of each ---- */

#define RETENTION_NO_BASE      G_MAXUINT       /* a full export */
#define RETENTION_MISSING_BASE (G_MAXUINT - 1) /* it cannot be used without what is not there */
/* Exports below one; what has more cannot be read. */
#define RETENTION_DEPTH_MAX 1024

enum retention_action {
	RETENTION_KEEP,	  /* as it is */
	RETENTION_MERGE,  /* kept; takes over what it needs of the exports between it and `base` */
	RETENTION_DELETE, /* once nobody reads it: `user` says who does until then */
	RETENTION_LEAVE,  /* its chain is broken: nothing is known that could be done */
};

struct retention_step {
	enum retention_action action;
	guint base; /* index of what it is based on afterwards, or RETENTION_NO_BASE */
	guint user; /* DELETE: the export that takes over its contents; else, and if there is none,
		     * RETENTION_NO_BASE */
	guint needed_by; /* KEEP, MERGE: nobody keeps it, but so many exports that stay are based on
			  * it: taking it over would copy it into each. 0 otherwise */
	guint depth;	 /* exports below it, before anything is done */
};

/* Which of @n exports can be restored: their chain ends at a full one. @bases[i] is the index of
 * the export that i is an increment of, or one of the two above. */
void retention_usable(const guint *bases, guint n, gboolean *ret);
/* @kept[i]: somebody keeps it. What cannot be used is left, whatever @kept says. */
void retention_decide(const guint *bases, const gboolean *kept, guint n,
		      struct retention_step *ret);
