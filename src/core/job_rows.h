/* The rows of the jobs' state table, for job_step.c alone; the drawing is in job_rows.c. */
#pragma once

#include "core/job_step.h"

enum job_unit { UNIT_JOB, UNIT_MEMBER, UNIT_DISK };

struct job_row {
	const char *name;
	enum job_effect_type effect;
	enum job_unit unit;
	guint need;   /* members without one of these flags are left out; 0: all take part */
	guint sets;   /* flags set before the effect */
	guint clears; /* and cleared after its success */
	enum job_phase next, fail;
	enum job_commit commit; /* when the phase ended well */
	gboolean undoing;	/* failures here are warnings, and no verb but kill is heard */
	gboolean restart_fails; /* it cannot be asked again after a restart */
	gboolean restart_all;	/* what its units answered is not stored before the phase ends */
};

extern const struct job_row job_rows[PHASE_LAST];
