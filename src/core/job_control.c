/* What people may ask of a job, and when; what comes of it is in job_step.c. The states and what
 * leads from one to the next are CIM_ConcreteJob's (JobState, RequestStateChange). Terminate and
 * kill are heard in every state that is not final: there a job that only waits can be ended too. */
#include "core/job_step.h"

#include "base/error.h"

#define STATE(name) (1u << JOB_##name)
#define PHASE(name) (1u << PHASE_##name)

static const char *const names[VERB_LAST] = {
	[VERB_SUSPEND] = "suspend", [VERB_RESUME] = "resume",	[VERB_TERMINATE] = "terminate",
	[VERB_KILL] = "kill",	    [VERB_SERVICE] = "service",
};

#define ANY_STATE \
	(STATE(NEW) | STATE(STARTING) | STATE(RUNNING) | STATE(SUSPENDED) | STATE(SERVICE))
/* What can be stopped in good order; afterwards it is undone, or done. */
#define STOPPABLE                                                                       \
	(PHASE(WAIT) | PHASE(PREPARE) | PHASE(WINDOW) | PHASE(EXTENTS) | PHASE(STAGE) | \
	 PHASE(SERVE) | PHASE(COPY) | PHASE(RETAIN))

/* Which states and phases hear a verb. No row: refused. A job that is suspended or in service is in
 * SERVE for a moment when the daemon has started again. */
static const struct rule {
	enum job_verb verb;
	guint states, phases; /* bits (1 << state), (1 << phase) */
	gboolean stopping;    /* also when its end is decided */
} rules[] = {
	{VERB_SUSPEND, STATE(NEW) | STATE(STARTING) | STATE(RUNNING), PHASE(WAIT) | PHASE(COPY),
	 FALSE},
	{VERB_RESUME, STATE(SUSPENDED) | STATE(SERVICE), PHASE(WAIT) | PHASE(SERVE) | PHASE(COPY),
	 FALSE},
	{VERB_SERVICE, STATE(STARTING) | STATE(RUNNING), PHASE(COPY), FALSE},
	{VERB_SERVICE, STATE(SUSPENDED), PHASE(WAIT) | PHASE(SERVE) | PHASE(COPY), FALSE},
	{VERB_TERMINATE, ANY_STATE, STOPPABLE, FALSE},
	{VERB_KILL, ANY_STATE | STATE(SHUTTING_DOWN), STOPPABLE | PHASE(STOP) | PHASE(UNDO), TRUE},
};

gboolean
job_verb_parse(const char *text, enum job_verb *ret_verb, GError **error)
{
	for (guint i = 0; i < VERB_LAST; i++)
		if (g_strcmp0(text, names[i]) == 0) {
			*ret_verb = (enum job_verb)i;
			return TRUE;
		}
	return cairn_fail(error, CAIRN_ERROR_INVALID,
			  "\"%s\" is no action on a job: use suspend, resume, terminate, kill or "
			  "service",
			  text);
}

/* Why not, for a person: what stands most in the way. */
static char *
reason(const struct job *job, enum job_verb verb)
{
	if (job->phase == PHASE_ENDED)
		return g_strdup("it has ended");
	if (job->outcome != 0)
		return g_strdup(verb == VERB_TERMINATE ? "it is stopping already"
						       : "it is stopping");
	if (job->state == JOB_SERVICE && (verb == VERB_SUSPEND || verb == VERB_SERVICE))
		return g_strdup("it is in service");
	if (job->state == JOB_SUSPENDED && verb == VERB_SUSPEND)
		return g_strdup("it is suspended already");
	if (verb == VERB_RESUME && job->state != JOB_SUSPENDED && job->state != JOB_SERVICE)
		return g_strdup("it is not suspended");
	return g_strdup_printf("it is %s", job_phase_name(job->phase));
}

gboolean
job_control_check(const struct job *job, enum job_verb verb, GError **error)
{
	guint phase = 1u << job->phase;
	guint state = job_state_final(job->state) ? 0 : 1u << job->state;
	for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
		if (rules[i].verb == verb && rules[i].phases & phase && rules[i].states & state &&
		    (rules[i].stopping || job->outcome == 0))
			return TRUE;
	g_autofree char *why = reason(job, verb);
	return cairn_fail(error, CAIRN_ERROR_STATE, "job %llu cannot %s: %s",
			  (unsigned long long)job->number, names[verb], why);
}

gboolean
job_is_held(const struct job *job)
{
	return job->state == JOB_SUSPENDED || job->state == JOB_SERVICE;
}
