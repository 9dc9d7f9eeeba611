/* What holds of every job: its states, and what its effects do. */
#include "job_states.h"

#define BIT(state) (1u << JOB_##state)

/* Which states one step may lead to, by hand from CIM_ConcreteJob's: a state that is left in the
 * same step is not seen (New, Starting, Running: the first step of a job), and every job can be
 * ended. Bit 0 is JOB_COMPLETED_WARNINGS. */
void
check_states(struct sim *sim, enum job_state before, enum job_state after)
{
	const guint failed = BIT(TERMINATED) | BIT(KILLED) | BIT(EXCEPTION);
	const guint next[] = {
		[JOB_NEW] = BIT(RUNNING) | BIT(SUSPENDED) | failed,
		[JOB_STARTING] =
			BIT(RUNNING) | BIT(SUSPENDED) | BIT(SERVICE) | BIT(SHUTTING_DOWN) | failed,
		[JOB_RUNNING] = BIT(SUSPENDED) | BIT(SERVICE) | BIT(SHUTTING_DOWN) |
				BIT(COMPLETED) | 1u | failed,
		[JOB_SUSPENDED] = BIT(STARTING) | BIT(SERVICE) | BIT(SHUTTING_DOWN) | failed,
		[JOB_SHUTTING_DOWN] = BIT(TERMINATED) | BIT(KILLED),
		[JOB_SERVICE] = BIT(STARTING) | BIT(SHUTTING_DOWN) | failed,
	};
	guint bit = after == JOB_COMPLETED_WARNINGS ? 1u : 1u << after;
	sim_check(sim, before == after || (before < G_N_ELEMENTS(next) && next[before] & bit));
}

guint
needed_flags(enum job_effect_type type)
{
	switch (type) {
	case EFFECT_PREPARE:
		return MEMBER_PREPARED;
	case EFFECT_WINDOW:
		return MEMBER_FROZEN | MEMBER_PAUSED | MEMBER_BEGUN;
	case EFFECT_SERVE:
		return MEMBER_SERVED;
	default:
		return 0;
	}
}

gboolean
is_undo(enum job_effect_type type)
{
	return type == EFFECT_UNDO || type == EFFECT_UNSERVE || type == EFFECT_RELEASE;
}
