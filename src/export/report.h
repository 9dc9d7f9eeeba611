/* What cairn-export says while it works: JSON lines for programs, one moving line on a terminal. */
#pragma once

#include "image/copy.h"

#include <glib.h>

#define REPORT_SAMPLES 8

struct report {
	gboolean json; /* lines; else text that rewrites itself */
	gboolean on;   /* progress is wanted */
	guint n;       /* samples taken, for the rate over the last two seconds */
	struct {
		gint64 time;
		guint64 done;
	} samples[REPORT_SAMPLES];
};

/* @machine: a program listens, whatever stdout is. */
void report_init(struct report *report, gboolean on, gboolean machine);
void report_progress(struct report *report, const struct copy_progress *progress, gint64 now);
void report_state(struct report *report, enum copy_state state);
/* The error for a person as the last line of stderr, and for a program on stdout. */
void report_error(struct report *report, const GError *error);
