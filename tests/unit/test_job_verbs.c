/* core: which verbs a job hears when, and what comes of them. */
#include "base/error.h"
#include "core/job_step.h"

#include <string.h>

/* ---- verbs ---- */

enum situation { FRESH, STARTED, PLAIN, SUSPENDED, SERVED, STOPPING, FAILING, SITUATIONS };

/* By hand, from what CIM_ConcreteJob.RequestStateChange promises and what each phase can do:
 * s suspend, r resume, t terminate, k kill, v service. Between the bars the states New, Starting,
 * Running, Suspended, Service, Shutting Down, and Running while it fails. */
static const char *const legal[PHASE_LAST] = {
	[PHASE_WAIT] = "stk|stk|stk|rtkv|rtk|k|k",
	[PHASE_PREPARE] = "tk|tk|tk|tk|tk|k|k",
	[PHASE_WINDOW] = "tk|tk|tk|tk|tk|k|k",
	[PHASE_EXTENTS] = "tk|tk|tk|tk|tk|k|k",
	[PHASE_CLEAN] = "||||||",
	[PHASE_UNDO] = "k|k|k|k|k|k|k",
	[PHASE_STAGE] = "tk|tk|tk|tk|tk|k|k",
	[PHASE_SERVE] = "tk|tk|tk|rtkv|rtk|k|k",
	[PHASE_COPY] = "stk|stkv|stkv|rtkv|rtk|k|k",
	[PHASE_STOP] = "k|k|k|k|k|k|k",
	[PHASE_FINISH] = "||||||",
	[PHASE_RELEASE] = "||||||",
	[PHASE_UNSERVE] = "||||||",
	[PHASE_UNSTAGE] = "||||||",
	[PHASE_RETAIN] = "tk|tk|tk|tk|tk|k|k",
	[PHASE_ENDED] = "||||||",
};
static const char letters[] = "srtkv";

static void
set_situation(struct job *job, enum situation situation)
{
	static const enum job_state states[] = {JOB_NEW,       JOB_STARTING, JOB_RUNNING,
						JOB_SUSPENDED, JOB_SERVICE,  JOB_SHUTTING_DOWN,
						JOB_RUNNING};
	job->state = states[situation];
	job->outcome = situation == STOPPING  ? JOB_TERMINATED
		       : situation == FAILING ? JOB_EXCEPTION
					      : 0;
}

static void
check_verb(enum job_phase phase, enum situation situation, enum job_verb verb, gboolean want)
{
	cairn_auto(job) job = job_new("j", JOB_EXPORT);
	g_autoptr(GError) error = NULL;
	job->phase = phase;
	set_situation(job, situation);
	gboolean got = job_control_check(job, verb, &error);
	if (want != got)
		g_error("%s, situation %u, verb %c: %d expected", job_phase_name(phase), situation,
			letters[verb], want);
	if (!got)
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE);
	if (verb == VERB_TERMINATE)
		g_assert_cmpint(job_cancellable(job), ==, want);
}

static void
test_verbs(void)
{
	g_assert_cmpuint(strlen(letters), ==, VERB_LAST);
	for (guint phase = 0; phase < PHASE_LAST; phase++) {
		g_auto(GStrv) heard = g_strsplit(legal[phase], "|", -1);
		g_assert_cmpuint(g_strv_length(heard), ==, SITUATIONS);
		for (guint situation = 0; situation < SITUATIONS; situation++)
			for (guint verb = 0; verb < VERB_LAST; verb++)
				check_verb((enum job_phase)phase, (enum situation)situation,
					   (enum job_verb)verb,
					   strchr(heard[situation], letters[verb]) != NULL);
	}
}

/* A final state hears nothing, whatever the phase says. */
static void
test_verbs_final(void)
{
	static const enum job_state states[] = {JOB_COMPLETED, JOB_TERMINATED, JOB_KILLED,
						JOB_EXCEPTION, JOB_COMPLETED_WARNINGS};
	for (guint i = 0; i < G_N_ELEMENTS(states); i++)
		for (guint phase = 0; phase < PHASE_LAST; phase++)
			for (guint verb = 0; verb < VERB_LAST; verb++) {
				cairn_auto(job) job = job_new("j", JOB_EXPORT);
				job->phase = (enum job_phase)phase;
				job->state = states[i];
				g_assert_false(job_control_check(job, (enum job_verb)verb, NULL));
			}
}

static void
test_verb_names(void)
{
	static const char *const names[] = {"suspend", "resume", "terminate", "kill", "service"};
	enum job_verb verb;
	g_autoptr(GError) error = NULL;
	for (guint i = 0; i < VERB_LAST; i++) {
		g_assert_true(job_verb_parse(names[i], &verb, NULL));
		g_assert_cmpuint(verb, ==, i);
	}
	g_assert_false(job_verb_parse("start", &verb, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
}

/* ---- what comes of a verb ---- */

static void
step(struct job *job, const struct job_event *event, const char *effects)
{
	struct job_step_result result;
	g_autoptr(GString) asked = g_string_new(NULL);
	job_step(job, event, 1000, &result);
	for (guint i = 0; i < result.effects->len; i++)
		g_string_append_printf(
			asked, "%s%s", i ? " " : "",
			job_effect_name(g_array_index(result.effects, struct job_effect, i).type));
	g_assert_cmpstr(asked->str, ==, effects);
	job_step_result_clear(&result);
}

static void
ask(struct job *job, enum job_verb verb, const char *effects, enum job_state state)
{
	struct job_event event = {.type = JOB_EVENT_CONTROL, .verb = verb};
	step(job, &event, effects);
	g_assert_cmpint(job->state, ==, state);
}

static void
answer(struct job *job, enum job_effect_type type, guint index, const char *effects,
       enum job_state state)
{
	struct job_event event = {.type = JOB_EVENT_DONE, .effect = {type, index}};
	step(job, &event, effects);
	g_assert_cmpint(job->state, ==, state);
}

static struct job *
copying_job(void)
{
	struct job *job = job_new("j", JOB_EXPORT);
	job->state = JOB_RUNNING;
	job->phase = PHASE_COPY;
	for (guint i = 0; i < 2; i++)
		job_add_disk(job, "vm-1", "db", i ? "vdb" : "vda")->status = UNIT_RUNNING;
	return job;
}

/* 4 -> 5 -> 11 -> 3 -> 4: the copies end, nothing else moves before it is resumed. */
static void
test_service(void)
{
	cairn_auto(job) job = copying_job();
	ask(job, VERB_SUSPEND, "suspend", JOB_SUSPENDED);
	ask(job, VERB_SERVICE, "resume", JOB_SERVICE); /* so that they come to their end */
	answer(job, EFFECT_RESUME, 0, "", JOB_SERVICE);
	answer(job, EFFECT_COPY, 0, "", JOB_SERVICE);
	answer(job, EFFECT_COPY, 1, "", JOB_SERVICE);
	g_assert_cmpint(job->phase, ==, PHASE_COPY);
	g_assert_true(job_is_held(job));
	ask(job, VERB_SUSPEND, "", JOB_SERVICE);
	ask(job, VERB_RESUME, "resume", JOB_STARTING);
	g_assert_cmpint(job->phase, ==, PHASE_COPY);
	answer(job, EFFECT_RESUME, 0, "finish", JOB_RUNNING);
	g_assert_cmpint(job->phase, ==, PHASE_FINISH);
}

static void
test_service_ends(void)
{
	cairn_auto(job) job = copying_job();
	ask(job, VERB_SERVICE, "", JOB_SERVICE);
	ask(job, VERB_TERMINATE, "cancel cancel", JOB_SHUTTING_DOWN);
	ask(job, VERB_RESUME, "", JOB_SHUTTING_DOWN);
	ask(job, VERB_KILL, "cancel cancel", JOB_SHUTTING_DOWN);
	g_assert_cmpint(job->outcome, ==, JOB_KILLED);
}

/* A failure ends it all the same: 11 -> 3 -> 10. */
static void
test_service_fails(void)
{
	cairn_auto(job) job = copying_job();
	g_autoptr(GError) error = g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_IO, "broken");
	struct job_event event = {
		.type = JOB_EVENT_DONE, .effect = {EFFECT_COPY, 0}, .error = error};
	ask(job, VERB_SERVICE, "", JOB_SERVICE);
	step(job, &event, "cancel");
	g_assert_cmpint(job->state, ==, JOB_STARTING);
	event.effect.index = 1;
	step(job, &event, "unstage");
	event.effect = (struct job_effect){EFFECT_UNSTAGE, 0};
	event.error = NULL;
	step(job, &event, "");
	g_assert_cmpint(job->state, ==, JOB_EXCEPTION);
}

static void
fail(struct job *job, guint disk, int code, const char *text)
{
	g_autoptr(GError) error = g_error_new_literal(CAIRN_ERROR, code, text);
	struct job_event event = {
		.type = JOB_EVENT_DONE, .effect = {EFFECT_COPY, disk}, .error = error};
	struct job_step_result result;
	job_step(job, &event, 1000, &result);
	job_step_result_clear(&result);
}

/* One error for each disk that failed, none for one that was stopped; the first is the one told. */
static void
test_errors(void)
{
	cairn_auto(job) job = copying_job();
	job_add_disk(job, "vm-2", "web", "vda")->status = UNIT_RUNNING;
	fail(job, 1, CAIRN_ERROR_IO, "broken");
	fail(job, 2, CAIRN_ERROR_CANCELLED, "the copy was stopped");
	fail(job, 0, CAIRN_ERROR_PEER, "lost");
	g_assert_cmpuint(job->errors->len, ==, 2);
	const struct job_error *first = job->errors->pdata[0], *second = job->errors->pdata[1];
	g_assert_cmpstr(first->message, ==, "broken");
	g_assert_cmpstr(first->vm, ==, "vm-1");
	g_assert_cmpstr(first->disk, ==, "vdb");
	g_assert_cmpstr(second->message, ==, "lost");
	g_assert_cmpstr(second->disk, ==, "vda");
	/* what comes of a kill is no news either */
	cairn_auto(job) killed = copying_job();
	ask(killed, VERB_KILL, "cancel cancel", JOB_SHUTTING_DOWN);
	fail(killed, 0, CAIRN_ERROR_PEER, "lost");
	g_assert_cmpuint(killed->errors->len, ==, 1);
}

/* Before its turn: 2 -> 5 -> 3 -> 4, and the time of waiting is no work. */
static void
test_waiting(void)
{
	cairn_auto(job) job = job_new("j", JOB_POINT_CREATE);
	struct job_event event = {.type = JOB_EVENT_ADMIT};
	job_add_member(job, "vm-1", "db");
	ask(job, VERB_SUSPEND, "", JOB_SUSPENDED);
	ask(job, VERB_SERVICE, "", JOB_SERVICE);
	ask(job, VERB_RESUME, "", JOB_STARTING);
	g_assert_cmpint(job->started, ==, 0);
	ask(job, VERB_SUSPEND, "", JOB_SUSPENDED);
	ask(job, VERB_RESUME, "", JOB_STARTING);
	step(job, &event, "prepare");
	g_assert_cmpint(job->state, ==, JOB_RUNNING);
	g_assert_cmpint(job->started, ==, 1000);
}

/* KillJob(DeleteOnKill). */
static void
test_forget(void)
{
	for (guint forget = FORGET_AS_SET; forget <= FORGET_NEVER; forget++) {
		cairn_auto(job) job = copying_job();
		struct job_event event = {.type = JOB_EVENT_CONTROL,
					  .verb = VERB_KILL,
					  .forget = (enum job_forget)forget};
		job->delete_on_completion = forget == FORGET_NEVER;
		step(job, &event, "cancel cancel");
		g_assert_cmpint(job->keep_us, ==, forget == FORGET_AT_ONCE ? 0 : JOB_KEEP_DEFAULT);
		g_assert_cmpint(job->delete_on_completion, ==, forget == FORGET_AT_ONCE);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/core/job/verbs", test_verbs);
	g_test_add_func("/core/job/verbs-final", test_verbs_final);
	g_test_add_func("/core/job/verb-names", test_verb_names);
	g_test_add_func("/core/job/service", test_service);
	g_test_add_func("/core/job/service-ends", test_service_ends);
	g_test_add_func("/core/job/service-fails", test_service_fails);
	g_test_add_func("/core/job/errors", test_errors);
	g_test_add_func("/core/job/waiting", test_waiting);
	g_test_add_func("/core/job/forget", test_forget);
	return g_test_run();
}
