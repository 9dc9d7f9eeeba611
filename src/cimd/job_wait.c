/* Methods that answer when a job has come to a state, or when their time is over. What the mirror
 * is told wakes them; nothing is asked again and again. The job goes on whatever becomes of them.
 */
#include "cimd/methods.h"

#include "base/json.h"

#include <string.h>

struct job_wait {
	struct run *run;
	char *job;	 /* GUID */
	guint states;	 /* JOB_WAIT_STATE() */
	gint64 deadline; /* steady clock */
	guint timer;	 /* source; 0 before cairnd has answered */
};

#define STATE_WARNINGS 32768 /* JobState as cairnd has it */

static void
job_wait_free(void *data)
{
	struct job_wait *wait = data;
	g_ptr_array_remove_fast(wait->run->model->job_waits, wait);
	g_clear_handle_id(&wait->timer, g_source_remove);
	g_free(wait->job);
	g_free(wait);
}

void
job_wait_prepare(struct run *run, const char *job, guint states, gint64 usec)
{
	struct job_wait *wait = g_new0(struct job_wait, 1);
	wait->run = run;
	wait->job = g_strdup(job);
	wait->states = states;
	wait->deadline = g_get_monotonic_time() + usec;
	run->state = wait;
	run->free_state = job_wait_free;
}

/* Another end than the one asked for is a failure: somebody else was faster. */
static gboolean
is_over(const struct job_wait *wait, guint state, gboolean ended, enum method_code *ret_code)
{
	guint bit = state == STATE_WARNINGS   ? 1u
		    : state > 0 && state < 32 ? JOB_WAIT_STATE(state)
					      : 0;
	if (wait->states & bit)
		*ret_code = METHOD_OK;
	else if (ended)
		*ret_code = METHOD_FAILED;
	else
		return FALSE;
	return TRUE;
}

/* Gone from the mirror it has ended, and nobody knows how any more. */
static gboolean
is_over_now(const struct job_wait *wait, enum method_code *ret_code)
{
	const struct mirror_job *job = mirror_job(wait->run->model->mirror, wait->job);
	return is_over(wait, job ? job->state : 0, !job || job->ended, ret_code);
}

static gboolean
on_time_over(void *data)
{
	struct job_wait *wait = data;
	wait->timer = 0;
	run_return(wait->run, METHOD_TIMEOUT);
	return G_SOURCE_REMOVE;
}

void
job_wait_answer(struct run *run, const json_t *value, const GError *error)
{
	struct job_wait *wait = run->state;
	json_int_t state = json_integer_value(json_object_get(value, "state"));
	enum method_code code;
	if (error) {
		method_refuse(run, error);
		return;
	}
	/* What the answer says may have passed already. */
	if (is_over(wait, (guint)state, FALSE, &code) || is_over_now(wait, &code)) {
		run_return(run, code);
		return;
	}
	gint64 left = MAX(0, wait->deadline - g_get_monotonic_time());
	wait->timer = g_timeout_add((guint)((left + 999) / 1000), on_time_over, wait);
	g_ptr_array_add(run->model->job_waits, wait);
}

static const struct job_wait *
find_over(const struct model *model, const char *id, enum method_code *ret_code)
{
	for (guint i = 0; i < model->job_waits->len; i++) {
		const struct job_wait *wait = model->job_waits->pdata[i];
		if (strcmp(wait->job, id) == 0 && is_over_now(wait, ret_code))
			return wait;
	}
	return NULL;
}

/* Each that is woken leaves the list, and may end others. */
void
job_waits_told(struct model *model, const char *id)
{
	enum method_code code;
	const struct job_wait *wait;
	while ((wait = find_over(model, id, &code)))
		run_return(wait->run, code);
}
