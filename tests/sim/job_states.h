/* What holds of every job, whatever happens to it. */
#pragma once

#include "core/job_step.h"
#include "sim.h"

/* Fails the test when one step must not lead from @before to @after. */
void check_states(struct sim *sim, enum job_state before, enum job_state after);
/* enum job_member_flags that stand in the store before such an effect is asked. */
guint needed_flags(enum job_effect_type type);
gboolean is_undo(enum job_effect_type type);
