/* What the threads of one copy share; only copy*.c. */
#pragma once

#include "base/extents.h"
#include "image/copy.h"
#include "image/journal.h"
#include "image/plan.h"
#include "image/rate.h"
#include "image/result.h"
#include "image/sink.h"
#include "image/source.h"

/* One block on its way, see copy_worker.c. */
enum slot_state { SLOT_READING, SLOT_READ, SLOT_PREPARED, SLOT_EMPTY, SLOT_PLACED, SLOT_WRITTEN };

struct slot {
	struct copy *copy;
	enum slot_state state;
	guint pending; /* reads in flight; only the reading thread */
	guint64 bytes; /* of the plan, for the progress */
	guint16 read;  /* clusters to read over NBD */
	struct sink_block block;
};

/* Slots are a ring: those from @tail to @head - 1 are in use, in the order of the disk. */
struct copy {
	struct copy_options options;
	int stop_fd;  /* readable: every thread ends what it does */
	int event_fd; /* for the caller */
	GThread *thread;

	GMutex lock; /* all below */
	GCond changed;
	enum copy_state state;
	GError *error; /* the first */
	gboolean stop;
	gboolean suspend;
	struct rate rate;
	struct copy_progress progress;

	struct plan *plan;
	struct sink *sink;
	struct slot *slots;
	guint n_slots;
	guint64 head, placed, tail;
	guint32 next_block; /* the next that has no slot yet */
	GQueue ready;	    /* slots that have been read */
	GArray *unsaved;    /* struct journal_record that the journal does not know yet */
	struct result *result;
};

/* The first failure is the one that is told; all threads stop. Takes @error over. */
void copy_fail(struct copy *copy, GError *error);
/* With the lock held. */
gboolean copy_all_written(const struct copy *copy);

/* Ring and buffers; clear after the threads ended. */
void copy_slots_init(struct copy *copy);
void copy_slots_clear(struct copy *copy);
/* Thread: moves blocks until all are written or the copy stops. Takes @source over; when it is NULL
 * it makes a connection if @connect says so, and without one it helps with what others read. */
struct copy_worker {
	struct copy *copy;
	struct source *source;
	gboolean connect;
	guint requests;
};
gpointer copy_worker_run(gpointer worker);
