/* RequestStateChange and KillJob: what reaches cairnd, which code comes back, and when. */
#include "model_fixture.h"

#include "base/json.h"
#include "cimd/methods.h"

#include <string.h>

#define V2  CIM_NS_VIRTUALIZATION
#define JOB 4 /* runs */

/* ---- a call under way ---- */

struct call {
	struct cim_op op;
	struct cim_reply reply;
	gboolean done;
};

static void
on_done(struct cim_reply *reply, void *user_data)
{
	struct call *call = user_data;
	call->reply = *reply;
	call->done = TRUE;
	*reply = (struct cim_reply){0};
}

static void
add_argument(struct call *call, const char *name, struct cim_value value)
{
	struct cim_argument argument = {.name = g_strdup(name), .value = value};
	g_array_append_val(call->op.arguments, argument);
}

static void
prepare(struct call *call, guint number, const char *method)
{
	*call = (struct call){.op = {.kind = CIM_OP_INVOKE, .ns = V2}};
	call->op.object = cim_path_new(NULL, number > 2 ? "Msvm_CollectionReferencePointExportJob"
							: "Msvm_ConcreteJob");
	cim_path_add_string(call->op.object, "InstanceID", guid('j', number));
	call->op.method = g_strdup(method);
	call->op.arguments = g_array_new(FALSE, FALSE, sizeof(struct cim_argument));
}

static void
begin_as(struct fixture *f, struct call *call, const char *user)
{
	if (model_run(f->model, &call->op, user, &call->reply, on_done, call))
		call->done = TRUE;
}

static void
begin(struct fixture *f, struct call *call, guint number, guint state, const char *timeout)
{
	prepare(call, number, "RequestStateChange");
	add_argument(call, "RequestedState", cim_uint(CIM_UINT16, state));
	if (timeout)
		add_argument(call, "TimeoutPeriod", cim_datetime(timeout));
	begin_as(f, call, "operator");
}

/* Its code. */
static guint64
end(struct call *call)
{
	while (!call->done)
		g_main_context_iteration(NULL, TRUE);
	g_assert_no_error(call->reply.error);
	guint64 code = call->reply.value.u.uint;
	cim_reply_clear(&call->reply);
	cim_op_clear(&call->op);
	return code;
}

static void
job_is(struct fixture *f, guint number, guint state)
{
	put(f->jobs, make_job(number, number > 2, state, 1, 2, 0));
	tell(f, "JOB_CHANGED", make_job(number, number > 2, state, 1, 2, 0));
}

/* The user's roles are known: from here on a call asks cairnd for nothing else. */
static void
get_ready(struct fixture *f)
{
	struct call call;
	wait_ready(f, TRUE);
	begin(f, &call, JOB, 0, NULL);
	g_assert_cmpuint(end(&call), ==, METHOD_INVALID_PARAMETER);
}

/* ---- RequestStateChange ---- */

static void
test_verbs(struct fixture *f, gconstpointer unused)
{
	static const char *const actions[] = {NULL,	   NULL,   "resume", "suspend",
					      "terminate", "kill", "service"};
	struct call call;
	get_ready(f);
	for (guint state = 2; state <= 6; state++) {
		begin(f, &call, JOB, state, state % 2 ? "00000000000000.000000:000" : NULL);
		g_assert_cmpuint(end(&call), ==, 0); /* at once */
		g_assert_cmpstr(f->last_request, ==, "job-control");
		g_assert_cmpstr(f->last_as, ==, "operator");
		g_assert_cmpstr(json_string_value(json_object_get(f->last_arguments, "action")), ==,
				actions[state]);
	}
}

static void
test_wrong_states(struct fixture *f, gconstpointer unused)
{
	static const guint states[] = {0, 1, 7, 8, 11, 12, 4096, 32767, 32768, 65535};
	struct call call;
	get_ready(f);
	for (guint i = 0; i < G_N_ELEMENTS(states); i++) {
		begin(f, &call, JOB, states[i], NULL);
		g_assert_cmpuint(end(&call), ==, METHOD_INVALID_PARAMETER);
	}
	prepare(&call, JOB, "RequestStateChange");
	begin_as(f, &call, "operator");
	g_assert_cmpuint(end(&call), ==, METHOD_INVALID_PARAMETER);
	/* a point in time is no interval */
	begin(f, &call, JOB, 3, "20261128100000.000000+000");
	g_assert_cmpuint(end(&call), ==, METHOD_INVALID_PARAMETER);
	g_assert_null(f->last_request);
}

static void
test_refused(struct fixture *f, gconstpointer unused)
{
	struct call call;
	get_ready(f);
	begin(f, &call, 3, 5, NULL); /* it has ended */
	g_assert_cmpuint(end(&call), ==, METHOD_INVALID_STATE);
	g_assert_null(f->last_request);
	for (guint i = 0; i < 2; i++) {
		prepare(&call, JOB, "RequestStateChange");
		add_argument(&call, "RequestedState", cim_uint(CIM_UINT16, 3));
		if (i)
			add_argument(&call, "TimeoutPeriod",
				     cim_datetime("00000000000100.000000:000"));
		begin_as(f, &call, "operator-refused");
		g_assert_cmpuint(end(&call), ==, METHOD_INVALID_STATE);
	}
}

/* ---- TimeoutPeriod ---- */

static const struct {
	guint requested;
	guint states[4]; /* of the job, one after another; the last brings the answer */
	guint64 code;
} cases[] = {
	{3, {4, 5}, 0},
	{6, {11}, 0},
	{4, {6, 8}, 0},
	{4, {6, 9}, METHOD_FAILED}, /* somebody killed it meanwhile */
	{5, {6, 9}, 0},
	{2, {3, 4}, 0},
	{2, {5, 3, 7}, 0}, /* it went on, and so fast that nobody saw it run */
	{2, {3, 32768}, 0},
	{2, {3, 10}, METHOD_FAILED},
	{3, {4, 7}, METHOD_FAILED},
};

static void
test_reached(struct fixture *f, gconstpointer unused)
{
	get_ready(f);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct call call;
		job_is(f, JOB, cases[i].requested == 2 ? 5 : 4);
		begin(f, &call, JOB, cases[i].requested, "00000000010000.000000:000");
		settle(f);
		for (guint n = 0; n < 4 && cases[i].states[n]; n++) {
			g_assert_false(call.done);
			job_is(f, JOB, cases[i].states[n]);
		}
		g_assert_true(call.done);
		g_assert_cmpuint(end(&call), ==, cases[i].code);
	}
}

/* The state is there before cairnd has answered. */
static void
test_reached_before(struct fixture *f, gconstpointer unused)
{
	struct call call;
	get_ready(f);
	job_is(f, JOB, 5);
	begin(f, &call, JOB, 3, "00000000010000.000000:000");
	settle(f);
	g_assert_true(call.done);
	g_assert_cmpuint(end(&call), ==, 0);
}

static void
test_time_over(struct fixture *f, gconstpointer unused)
{
	struct call call;
	get_ready(f);
	gint64 start = g_get_monotonic_time();
	begin(f, &call, JOB, 4, "00000000000000.050000:000");
	g_assert_cmpuint(end(&call), ==, METHOD_TIMEOUT);
	g_assert_cmpint(g_get_monotonic_time() - start, >=, 50000);
	g_assert_cmpuint(f->model->job_waits->len, ==, 0);
}

/* The client has gone: nobody is answered and nothing is left. */
static void
test_client_gone(struct fixture *f, gconstpointer unused)
{
	struct call call;
	get_ready(f);
	for (guint settled = 0; settled < 2; settled++) {
		begin(f, &call, JOB, 4, "00000000010000.000000:000");
		if (settled)
			settle(f);
		g_assert_cmpuint(f->model->job_waits->len, ==, settled);
		model_cancel(f->model, on_done, &call);
		settle(f);
		g_assert_cmpuint(f->model->job_waits->len, ==, 0);
		job_is(f, JOB, 8);
		g_assert_false(call.done);
		cim_op_clear(&call.op);
		job_is(f, JOB, 4);
	}
}

static void
test_removed(struct fixture *f, gconstpointer unused)
{
	struct call first, second;
	get_ready(f);
	begin(f, &first, JOB, 4, "00000000010000.000000:000");
	begin(f, &second, JOB, 3, "00000000010000.000000:000");
	settle(f);
	take_out(f->jobs, guid('j', JOB));
	tell(f, "JOB_REMOVED", json_pack("{s:s}", "id", guid('j', JOB)));
	g_assert_cmpuint(end(&first), ==, METHOD_FAILED);
	g_assert_cmpuint(end(&second), ==, METHOD_FAILED);
}

/* cairnd is started again meanwhile: the answer comes all the same. */
static void
test_daemon_again(struct fixture *f, gconstpointer unused)
{
	struct call call;
	get_ready(f);
	begin(f, &call, JOB, 4, "00000000010000.000000:000");
	settle(f);
	stop_daemon(f);
	wait_ready(f, FALSE);
	put(f->jobs, make_job(JOB, TRUE, 8, 1, 2, 0));
	start_daemon(f);
	g_assert_cmpuint(end(&call), ==, 0);
}

/* ---- schedules: shown as jobs, with requests of their own ---- */

#define SCHEDULE 9

static void
schedule_is(struct fixture *f, guint state)
{
	put(f->schedules, make_job(SCHEDULE, TRUE, state, 1, 2, 0));
	tell(f, "SCHEDULE_CHANGED", make_job(SCHEDULE, TRUE, state, 1, 2, 0));
}

static const struct {
	guint requested, before, after;
	const char *action;
} schedule_cases[] = {
	{2, 2, 4, "run"},	{2, 5, 2, "resume"},	{3, 2, 5, "suspend"},
	{4, 2, 8, "terminate"}, {5, 4, 7, "terminate"},
};

static void
test_schedule(struct fixture *f, gconstpointer unused)
{
	struct call call;
	get_ready(f);
	for (guint i = 0; i < G_N_ELEMENTS(schedule_cases); i++) {
		schedule_is(f, schedule_cases[i].before);
		begin(f, &call, SCHEDULE, schedule_cases[i].requested, "00000000010000.000000:000");
		while (f->model->job_waits->len == 0)
			g_main_context_iteration(NULL, TRUE);
		g_assert_false(call.done);
		g_assert_cmpstr(f->last_request, ==, "schedule-control");
		g_assert_cmpstr(json_string_value(json_object_get(f->last_arguments, "action")), ==,
				schedule_cases[i].action);
		schedule_is(f, schedule_cases[i].after);
		g_assert_cmpuint(end(&call), ==, 0);
	}
	schedule_is(f, 2);
	begin(f, &call, SCHEDULE, 6, NULL);
	g_assert_cmpuint(end(&call), ==, METHOD_NOT_SUPPORTED);
}

/* ---- KillJob ---- */

static void
kill_with(struct fixture *f, const char *user, guint number, const gboolean *forget, guint64 code)
{
	struct call call;
	prepare(&call, number, "KillJob");
	if (forget)
		add_argument(&call, "DeleteOnKill", cim_boolean(*forget));
	begin_as(f, &call, user);
	g_assert_cmpuint(end(&call), ==, code);
}

static void
test_kill(struct fixture *f, gconstpointer unused)
{
	const gboolean yes = TRUE, no = FALSE;
	get_ready(f);
	kill_with(f, "operator", JOB, NULL, 0);
	g_assert_cmpstr(f->last_request, ==, "job-control");
	g_assert_null(json_object_get(f->last_arguments, "forget"));
	kill_with(f, "operator", JOB, &yes, 0);
	g_assert_true(json_is_true(json_object_get(f->last_arguments, "forget")));
	kill_with(f, "operator", JOB, &no, 0);
	g_assert_true(json_is_false(json_object_get(f->last_arguments, "forget")));
	kill_with(f, "operator-refused", JOB, NULL, 4);
	schedule_is(f, 2);
	kill_with(f, "operator", SCHEDULE, &yes, 0);
	g_assert_cmpstr(f->last_request, ==, "schedule-control");
	g_assert_cmpstr(json_string_value(json_object_get(f->last_arguments, "action")), ==,
			"terminate");
	g_assert_true(json_is_true(json_object_get(f->last_arguments, "forget")));
	kill_with(f, "operator", SCHEDULE, &no, 0);
	g_assert_true(json_is_false(json_object_get(f->last_arguments, "forget")));
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/model-control/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("verbs", test_verbs);
	add("wrong-states", test_wrong_states);
	add("refused", test_refused);
	add("reached", test_reached);
	add("reached-before", test_reached_before);
	add("time-over", test_time_over);
	add("client-gone", test_client_gone);
	add("removed", test_removed);
	add("daemon-again", test_daemon_again);
	add("schedule", test_schedule);
	add("kill", test_kill);
	return g_test_run();
}
