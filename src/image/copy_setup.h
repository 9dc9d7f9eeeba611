/* What a copy needs before it starts; only copy*.c. */
#pragma once

#include "image/copy_private.h"

struct copy_setup {
	struct source *source;
	struct extents *since; /* from a file; NULL: none or from the server */
	char *since_sum;       /* SHA-256 of that file */
	struct plan *plan;
	char *part;  /* OUT.part */
	char *state; /* OUT.part.state */
	struct journal *journal;
	struct sink *sink;
	struct result *result;
	guint32 next_block; /* blocks before are in the file */
};

gboolean copy_setup(const struct copy_options *options, int stop_fd, struct copy_setup *setup,
		    GError **error);
/* Also of a half-made one. */
void copy_setup_clear(struct copy_setup *setup);
