/* The command line of cairn-export, checked. */
#pragma once

#include "base/auto.h"
#include "core/retention.h"
#include "image/copy.h"

#include <glib.h>

struct options {
	struct copy_options copy;
	gboolean map;
	const char *retain; /* a group's folder, to be thinned out; NULL: no */
	struct retention retention;
	gboolean dry_run;
	gboolean progress;
	gboolean version;
	int control_fd; /* -1: none */
	char **strings; /* owns what @copy points to */
};

/* A number of bytes with an optional K, M, G or T (powers of 1024). */
gboolean options_parse_bytes(const char *text, guint64 *ret_bytes);

/* NULL with a GOptionError or INVALID: wrong use. */
struct options *options_parse(int argc, char **argv, GError **error);
void options_free(struct options *options);
CAIRN_DEFINE_AUTO(options, options_free)
