/* A running cairn-export, whatever it does: what it tells, how it is stopped, why it ended. Loop
 * thread only. */
#pragma once

#include "base/spawn.h"

#include <glib.h>

struct exporter {
	struct spawn *spawn; /* NULL: it has not begun, or has ended */
	gboolean stopped;    /* it was told to stop, or not to begin */
	gboolean killed;
	guint64 rate;	/* bytes a second that it was told; 0: no limit */
	gint64 stop_by; /* monotonic: when it is killed if it has not stopped */
	GError *error;	/* told by the child */
};

struct exporter_progress {
	guint64 done, total, rate; /* bytes; bytes a second */
};

void exporter_clear(struct exporter *exporter);
/* A line of the child (cairn-export(1), --progress). TRUE: it tells how far it is. */
gboolean exporter_line(struct exporter *exporter, const char *line,
		       struct exporter_progress *ret_progress);
/* Why it ended so, @stopped when it was stopped; NULL: well. Free with g_error_free(). */
GError *exporter_why(const struct exporter *exporter, int status, const char *last_error,
		     const char *stopped);
/* Ends it in good order, or @at_once; before it has begun it is only noted. */
void exporter_stop(struct exporter *exporter, gboolean at_once);
/* Kills one that does not stop when it is told to, because what it reads or writes hangs. */
void exporter_tick(struct exporter *exporter, gint64 now);
void exporter_tell_rate(struct exporter *exporter, guint64 rate);
