/* Progress of jobs: bars that are redrawn in place on a terminal, plain lines elsewhere. It reads
 * no clock and writes nowhere by itself: both are given, so that a test can play them. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

/* One line of a bar. */
struct progress_item {
	const char *label;
	guint indent;	     /* blanks before the label */
	guint label_cells;   /* the label is padded or cut to this */
	guint64 done, total; /* bytes; total 0: unknown */
	double rate;	     /* bytes a second; 0: does not move */
	const char *note;    /* stands in the place of bar and numbers; NULL */
};

/* The line in at most @width cells: label, bar, percent, sizes, rate, time left; what is least
 * needed goes first when it is narrow. Free with g_free(). */
char *progress_line(const struct progress_item *item, guint width, gboolean utf8);

struct progress_env {
	gboolean terminal, utf8;
	gint64 (*clock)(void *data); /* microseconds, monotonic */
	void (*size)(void *data, guint *ret_columns, guint *ret_rows);
	void (*write)(void *data, const char *text);
	void *data;
};

struct progress *progress_new(const struct progress_env *env);
void progress_free(struct progress *progress);
CAIRN_DEFINE_AUTO(progress, progress_free)

/* What is newly known of a job ("JOB_CHANGED" or "JOB_PROGRESS" data, or job-show); told apart by
 * "id". Elsewhere than on a terminal this prints a line when state or phase changed, or another ten
 * percent are done. */
void progress_update(struct progress *progress, const json_t *job);
/* Draws the bars anew; nothing elsewhere than on a terminal. */
void progress_draw(struct progress *progress);
/* Takes the bars off the screen, before other text and at the end. */
void progress_clear(struct progress *progress);

/* "export of web@3" or "job 7": what the job is about. Free with g_free(). */
char *progress_title(const json_t *job);
