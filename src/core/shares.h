/* How fast each disk copy may go, when jobs and hosts have limits. Pure. */
#pragma once

#include <glib.h>

/* One running copy. The limits are the same in all shares of that job, or host. */
struct share {
	const char *job, *host; /* whom it belongs to */
	guint64 job_limit;	/* bytes a second, of all copies of the job; 0: none */
	guint64 host_limit;	/* of all copies from the host; 0: none */
	guint64 rate;		/* what comes out; 0: as fast as it can, else at least 1 */
};

/* All get the same, but for what a limit takes from some: that is divided among the others
 * ("max-min fair"). A limit is never exceeded, unless it is less than a byte for each, and what a
 * job leaves of its host's is not lost. */
void shares_divide(struct share *shares, guint n);
