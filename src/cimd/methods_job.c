/* Control of jobs: RequestStateChange, KillJob. */
#include "cimd/methods.h"

#include "base/error.h"
#include "base/json.h"
#include "cim/datetime.h"

/* ---- RequestStateChange (CIM_ConcreteJob) ---- */

/* RequestedState; what follows is DMTF's (7..32767) and vendors' (32768..65535) reserve. */
enum { REQUEST_START = 2, REQUEST_SUSPEND, REQUEST_TERMINATE, REQUEST_KILL, REQUEST_SERVICE };

struct request {
	const char *action; /* NULL: cairn does not do it */
	guint states;	    /* JobStates that are waited for */
};

/* A job that was to go on and came to a good end has gone on. */
static const struct request job_requests[] = {
	[REQUEST_START] = {"resume", JOB_WAIT_STATE(4) | JOB_WAIT_WELL},
	[REQUEST_SUSPEND] = {"suspend", JOB_WAIT_STATE(5)},
	[REQUEST_TERMINATE] = {"terminate", JOB_WAIT_STATE(8)},
	[REQUEST_KILL] = {"kill", JOB_WAIT_STATE(9)},
	[REQUEST_SERVICE] = {"service", JOB_WAIT_STATE(11)},
};

/* A schedule has no work of its own to be killed or looked at: to end it ends its runs. */
static const struct request schedule_requests[] = {
	[REQUEST_START] = {"resume", JOB_WAIT_STATE(2) | JOB_WAIT_STATE(4) | JOB_WAIT_WELL},
	[REQUEST_SUSPEND] = {"suspend", JOB_WAIT_STATE(5)},
	[REQUEST_TERMINATE] = {"terminate", JOB_WAIT_END},
	[REQUEST_KILL] = {"terminate", JOB_WAIT_END},
	[REQUEST_SERVICE] = {NULL, 0},
};

/* One that waits is started by a run now. */
static const struct request run_now = {"run", JOB_WAIT_STATE(4) | JOB_WAIT_WELL};

#define JOB_STATE_NEW 2

static const struct request *
find_request(const struct object *object, guint64 state)
{
	if (!object->job->is_schedule)
		return &job_requests[state];
	if (state == REQUEST_START && object->job->state == JOB_STATE_NEW)
		return &run_now;
	return &schedule_requests[state];
}

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

/* Takes @arguments over. */
static void
control(struct run *run, const struct object *object, json_t *arguments, run_answer_fn answer)
{
	gboolean is_schedule = object->job->is_schedule;
	cairn_json_set_string(arguments, is_schedule ? "schedule" : "job", object->job->id);
	run_request(run, is_schedule ? "schedule-control" : "job-control", arguments, answer);
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
	const struct request *request = find_request(object, state);
	if (!request->action) {
		run_return(run, METHOD_NOT_SUPPORTED);
		return;
	}
	if (timeout)
		job_wait_prepare(run, object->job->id, request->states, timeout);
	control(run, object, method_arguments("action", request->action),
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
	json_t *arguments =
		method_arguments("action", object->job->is_schedule ? "terminate" : "kill");
	if (forget && forget->is_set && forget->type == CIM_BOOLEAN && !forget->is_array)
		cairn_json_set_bool(arguments, "forget", forget->u.boolean);
	control(run, object, arguments, answer_killed);
}

const struct method_binding methods_job[] = {
	{"CIM_ConcreteJob", "RequestStateChange", request_state_change},
	{"CIM_Job", "KillJob", kill_job},
	{NULL, NULL, NULL},
};
