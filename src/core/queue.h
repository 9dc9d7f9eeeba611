/* Which waiting job is next, and which running one gets the next place for a disk copy. The rules
 * alone; the engine keeps the jobs.
 *
 * Of the jobs that may begin, first those that have waited too long, the longest wait first; then
 * the lower priority number; within one number the groups take turns; within a turn, who asked
 * first. */
#pragma once

#include "base/auto.h"
#include "core/job.h"

#include <glib.h>

/* What can be set of the limits; cairn.conf(5) and the request limits-set. */
#define QUEUE_JOBS_MAX	 1000
#define QUEUE_COPIES_MAX 256
#define QUEUE_RATE_MAX	 ((guint64)1 << 50)	/* bytes a second */
#define QUEUE_STARVE_MAX ((guint64)366 * 86400) /* seconds */

/* ---- jobs ---- */

/* Since when @job waits for its turn: it was asked for, due, or resumed, whichever was last. */
gint64 queue_since(const struct job *job);
/* It may not begin yet: nothing waits for it meanwhile. */
gboolean queue_delayed(const struct job *job, gint64 now);

/* Whose turn it has been, for each priority number. It is not kept over a restart: then a new round
 * begins. */
struct queue;
struct queue *queue_new(void);
void queue_free(struct queue *queue);
CAIRN_DEFINE_AUTO(queue, queue_free)
/* @job begins. */
void queue_took(struct queue *queue, const struct job *job);

struct queue_entry {
	const struct job *job;
	gpointer user; /* the caller's */
	gint64 since;
	gboolean starves; /* it has waited too long */
	gboolean served;  /* its group has had its turn in this round */
};
/* @starve_after: microseconds; 0: never. */
void queue_entry_init(struct queue_entry *ret, const struct queue *queue, const struct job *job,
		      gint64 now, gint64 starve_after);
/* For sorting: negative when @a (a struct queue_entry) is before @b. */
gint queue_entry_compare(gconstpointer a, gconstpointer b);

/* What some jobs of a group must wait for: a new point takes the place of the data that is held,
 * and points are numbered in the order in which they are taken; a retention may remove the base
 * that an export names. */
struct queue_order {
	guint64 first_point;	/* lowest number of its point jobs; 0: none */
	guint64 first_export;	/* of its exports that could begin; 0: none */
	gint64 first_submitted; /* when the oldest of those was asked for; 0: none */
	gboolean based;		/* one of them names its base */
};
/* Counts @job, which has not ended. @ready: it is not delayed, and the job that must come before it
 * has ended. */
void queue_order_add(struct queue_order *order, const struct job *job, gboolean ready);
/* Whether @job must not begin before another of its group. A point that was delayed has
 * its place among the others by the time at which it was due. */
gboolean queue_order_waits(const struct queue_order *order, const struct job *job);

/* ---- copies ---- */

struct queue_copies {
	const struct job *job;
	guint copying;	/* of its disks, now */
	gint64 since;	/* since when it copies none although it could; 0: it copies */
	gboolean ready; /* one of its disks could begin */
};
/* The index of the job that gets the next place; -1: none is ready. First one that has waited too
 * long without any, then the lower number, then the fewest copies, then the older job. */
gint queue_next_copy(const struct queue_copies *copies, guint n, gint64 now, gint64 starve_after);
