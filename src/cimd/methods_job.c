/* Control of jobs: RequestStateChange, KillJob. */
#include "cimd/methods.h"

#include "base/error.h"
#include "base/json.h"
#include "cim/datetime.h"

/* ---- RequestStateChange (CIM_ConcreteJob) ---- */

/* RequestedState; what follows is DMTF's (7..32767) and vendors' (32768..65535) reserve. */
enum { REQUEST_START = 2, REQUEST_SUSPEND, REQUEST_TERMINATE, REQUEST_KILL, REQUEST_SERVICE };

static const struct {
	const char *action;
	guint state; /* JobState that is waited for */
} requests[] = {
	[REQUEST_START] = {"resume", JOB_WAIT_RUNNING},
	[REQUEST_SUSPEND] = {"suspend", 5},
	[REQUEST_TERMINATE] = {"terminate", 8},
	[REQUEST_KILL] = {"kill", 9},
	[REQUEST_SERVICE] = {"service", 11},
};

#define JOB_STATE_NEW 2

/* TimeoutPeriod: NULL and a zero interval mean no limit, and then the answer does not wait for the
 * new state; a point in time is no interval. FALSE: it is wrong. */
static gboolean
get_timeout(const struct run *run, gint64 *ret_usec)
{
	const struct cim_value *value = cim_op_argument(run->op, "TimeoutPeriod");
	struct cim_datetime time;
	*ret_usec = 0;
	if (!value || !value->is_set)
		return TRUE;
	if (value->type != CIM_DATETIME || !cim_datetime_parse(value->u.string, &time, NULL) ||
	    !time.is_interval)
		return FALSE;
	*ret_usec = (gint64)MIN(time.usec, JOB_WAIT_MAX_USEC);
	return TRUE;
}

static void
control(struct run *run, const struct object *object, json_t *arguments, run_answer_fn answer)
{
	cairn_json_set_string(arguments, "job", object->job->id);
	run_request(run, "job-control", arguments, answer);
}

/* A schedule that waits is started by a run now. It has no work of its own to be killed or looked
 * at: to end it ends its runs. */
static void
control_schedule(struct run *run, const struct object *object, guint state, run_answer_fn answer)
{
	gboolean waits = object->job->state == JOB_STATE_NEW;
	const char *const actions[] = {
		[REQUEST_START] = waits ? "run" : "resume",
		[REQUEST_SUSPEND] = "suspend",
		[REQUEST_TERMINATE] = "terminate",
		[REQUEST_KILL] = "terminate",
	};
	if (state >= G_N_ELEMENTS(actions)) {
		run_return(run, METHOD_NOT_SUPPORTED);
		return;
	}
	json_t *arguments = method_arguments("action", actions[state]);
	cairn_json_set_string(arguments, "schedule", object->job->id);
	run_request(run, "schedule-control", arguments, answer);
}

static void
request_state_change(struct run *run, const struct object *object)
{
	guint64 state = 0;
	gint64 timeout;
	method_uint(run, "RequestedState", &state);
	if (!get_timeout(run, &timeout) || state < REQUEST_START || state > REQUEST_SERVICE) {
		run_return(run, METHOD_INVALID_PARAMETER);
		return;
	}
	if (object->job->ended) {
		run_return(run, METHOD_INVALID_STATE);
		return;
	}
	if (object->job->is_schedule) {
		control_schedule(run, object, (guint)state, method_answer_done);
		return;
	}
	if (timeout)
		job_wait_prepare(run, object->job->id, requests[state].state, timeout);
	control(run, object, method_arguments("action", requests[state].action),
		timeout ? job_wait_answer : method_answer_done);
}

/* ---- KillJob (CIM_Job, deprecated): codes of its own ---- */

enum kill_code { KILL_SUCCESS = 0, KILL_FAILED = 4, KILL_DENIED = 6, KILL_NOT_FOUND = 7 };

static enum kill_code
kill_code(const GError *error)
{
	switch (cairn_error_code(error)) {
	case CAIRN_ERROR_DENIED:
		return KILL_DENIED;
	case CAIRN_ERROR_NOT_FOUND:
		return KILL_NOT_FOUND;
	default:
		return KILL_FAILED;
	}
}

static void
answer_killed(struct run *run, const json_t *value, const GError *error)
{
	if (error && cairn_error_code(error) == CAIRN_ERROR_PEER)
		method_refuse(run, error);
	else
		run_return(run, error ? kill_code(error) : KILL_SUCCESS);
}

/* DeleteOnKill goes before DeleteOnCompletion: the job is gone as soon as it has ended, or stays.
 */
static void
kill_job(struct run *run, const struct object *object)
{
	const struct cim_value *forget = cim_op_argument(run->op, "DeleteOnKill");
	if (object->job->is_schedule) {
		control_schedule(run, object, REQUEST_KILL, answer_killed);
		return;
	}
	json_t *arguments = method_arguments("action", "kill");
	if (forget && forget->is_set && forget->type == CIM_BOOLEAN && !forget->is_array)
		cairn_json_set_bool(arguments, "forget", forget->u.boolean);
	control(run, object, arguments, answer_killed);
}

const struct method_binding methods_job[] = {
	{"CIM_ConcreteJob", "RequestStateChange", request_state_change},
	{"CIM_Job", "KillJob", kill_job},
	{NULL, NULL, NULL},
};
