/* What people may ask of a job, and when; what comes of it is in job_step.c. */
#include "core/job_step.h"

#include "base/error.h"

/* Which phases hear a verb. Not listed: refused. */
static const struct {
	const char *name;
	guint phases; /* bit (1 << phase) */
} verbs[VERB_LAST] = {
	[VERB_SUSPEND] = {"suspend", 1 << PHASE_WAIT | 1 << PHASE_COPY},
	[VERB_RESUME] = {"resume", 1 << PHASE_WAIT | 1 << PHASE_COPY},
	[VERB_TERMINATE] = {"terminate", 1 << PHASE_WAIT | 1 << PHASE_PREPARE | 1 << PHASE_WINDOW |
						 1 << PHASE_EXTENTS | 1 << PHASE_STAGE |
						 1 << PHASE_SERVE | 1 << PHASE_COPY},
	[VERB_KILL] = {"kill", 1 << PHASE_WAIT | 1 << PHASE_PREPARE | 1 << PHASE_WINDOW |
				       1 << PHASE_EXTENTS | 1 << PHASE_STAGE | 1 << PHASE_SERVE |
				       1 << PHASE_COPY | 1 << PHASE_STOP | 1 << PHASE_UNDO},
};

gboolean
job_verb_parse(const char *text, enum job_verb *ret_verb, GError **error)
{
	for (guint i = 0; i < VERB_LAST; i++)
		if (g_strcmp0(text, verbs[i].name) == 0) {
			*ret_verb = (enum job_verb)i;
			return TRUE;
		}
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "\"%s\" is no action on a job: use suspend, resume, terminate or kill", text);
	return FALSE;
}

static gboolean
refuse(GError **error, const struct job *job, enum job_verb verb, const char *why)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE, "job %llu cannot %s: %s",
		    (unsigned long long)job->number, verbs[verb].name, why);
	return FALSE;
}

gboolean
job_control_check(const struct job *job, enum job_verb verb, GError **error)
{
	if (job->phase == PHASE_ENDED)
		return refuse(error, job, verb, "it has ended");
	if (!(verbs[verb].phases & (1u << job->phase))) {
		g_autofree char *why = g_strdup_printf("it is %s", job_phase_name(job->phase));
		return refuse(error, job, verb, why);
	}
	if (verb == VERB_SUSPEND && job->state == JOB_SUSPENDED)
		return refuse(error, job, verb, "it is suspended already");
	if (verb == VERB_RESUME && job->state != JOB_SUSPENDED)
		return refuse(error, job, verb, "it is not suspended");
	if (verb == VERB_TERMINATE && job->outcome != 0)
		return refuse(error, job, verb, "it is stopping already");
	if (verb == VERB_SUSPEND && job->outcome != 0)
		return refuse(error, job, verb, "it is stopping");
	return TRUE;
}
