/* A job's table against a world that answers in any order, fails, loses the daemon and hears verbs:
 * the job always ends, undoes what it did, and commits once and only when it went well. */
#include "base/error.h"
#include "base/json.h"
#include "core/job_step.h"
#include "job_states.h"
#include "sim.h"

#define MEMBERS 3
#define DISKS	4
#define STEPS	60 /* of trouble; then it is left in peace and must end */

struct world {
	struct sim *sim;
	struct job *job;
	json_t *stored;
	GArray *running; /* struct job_effect, asked and not answered */
	/* what is really there */
	guint done[MEMBERS];	 /* enum job_member_flags */
	gboolean known[MEMBERS]; /* changes read, in memory */
	gboolean undo_failed[MEMBERS];
	guint copied[DISKS];
	gboolean restarted, manifest;
	guint commits;
	/* what goes wrong */
	guint asked, fail_nth, fail_chance;
	guint stores, stop_nth; /* the daemon is killed at the n-th store */
	gboolean stop_before;
	gboolean killed;
	enum job_verb verb;
	guint verb_at; /* in this round, counted from 1; 0: never */
	guint trouble; /* percent of steps with a verb, a lost machine or a restart */
};

static void step(struct world *world, const struct job_event *event);

/* ---- effects ---- */

/* What will be done is written down before: in the store, not only in memory. */
static void
check_flags_stored(struct world *world, const struct job_effect *effect)
{
	cairn_auto(job) stored = job_from_json(world->stored, NULL);
	guint flags = needed_flags(effect->type);
	sim_check(world->sim, stored && stored->phase == world->job->phase);
	for (guint i = 0; flags && i < stored->members->len; i++) {
		const struct job_member *member = stored->members->pdata[i];
		if (effect->type == EFFECT_WINDOW || i == effect->index)
			sim_check(world->sim, (member->flags & flags) == flags);
	}
}

static void
check_asked(struct world *world, const struct job_effect *effect)
{
	struct sim *sim = world->sim;
	for (guint i = 0; i < world->running->len; i++) {
		const struct job_effect *other =
			&g_array_index(world->running, struct job_effect, i);
		sim_check(sim, other->type != effect->type || other->index != effect->index);
		/* Nothing is undone while something is being done. */
		sim_check(sim, !is_undo(effect->type) || other->type == effect->type ||
				       other->type == EFFECT_RESUME);
	}
	if (effect->type == EFFECT_COPY) {
		sim_check(sim, world->copied[effect->index] == 0);
		sim_check(sim, !job_is_held(world->job) || world->restarted);
	}
	if (effect->type == EFFECT_FINISH)
		sim_check(sim, world->job->state == JOB_RUNNING);
	check_flags_stored(world, effect);
}

static void
forget_resume(struct world *world)
{
	for (guint i = world->running->len; i-- > 0;)
		if (g_array_index(world->running, struct job_effect, i).type == EFFECT_RESUME)
			g_array_remove_index(world->running, i);
}

static void
ask(struct world *world, const struct job_effect *effect)
{
	if (effect->type == EFFECT_SUSPEND || effect->type == EFFECT_CANCEL)
		return;			     /* the copy itself answers */
	if (effect->type == EFFECT_RESUME) { /* answered once, however often it was asked */
		forget_resume(world);
		g_array_append_val(world->running, *effect);
		return;
	}
	check_asked(world, effect);
	world->asked++;
	g_array_append_val(world->running, *effect);
}

/* What an effect leaves in the world; @well: all of it, otherwise any part. */
static void
leave(struct world *world, const struct job_effect *effect, gboolean well)
{
	struct sim *sim = world->sim;
	switch (effect->type) {
	case EFFECT_PREPARE:
		world->done[effect->index] |= MEMBER_PREPARED;
		break;
	case EFFECT_WINDOW:
		for (guint i = 0; i < MEMBERS; i++)
			world->done[i] |=
				well ? MEMBER_BEGUN : sim_below(sim, 8) * (guint)MEMBER_FROZEN;
		break;
	case EFFECT_UNDO:
		if (well)
			world->done[effect->index] &= MEMBER_SERVED;
		break;
	case EFFECT_SERVE:
		world->done[effect->index] |= MEMBER_SERVED;
		break;
	case EFFECT_UNSERVE:
	case EFFECT_RELEASE:
		if (well)
			world->done[effect->index] &= ~(guint)MEMBER_SERVED;
		break;
	default:
		world->manifest |= effect->type == EFFECT_FINISH && well;
		break;
	}
}

/* What the engine puts into the job from an answer, before the step. */
static void
apply(struct world *world, const struct job_effect *effect, gboolean well)
{
	struct job *job = world->job;
	if (effect->type == EFFECT_WINDOW)
		for (guint i = 0; i < MEMBERS; i++)
			((struct job_member *)job->members->pdata[i])->flags =
				MEMBER_PREPARED | world->done[i];
	if (effect->type == EFFECT_UNDO && well)
		((struct job_member *)job->members->pdata[effect->index])->flags = 0;
	if (effect->type == EFFECT_EXTENTS && well)
		world->known[effect->index] = TRUE;
	if (effect->type == EFFECT_STAGE && well && job->disks->len == 0)
		for (guint i = 0; i < DISKS; i++)
			job_add_disk(job, "vm", "vm", "vda");
	if (effect->type == EFFECT_COPY && well)
		world->copied[effect->index]++;
}

static void
answer(struct world *world, guint index)
{
	struct job_effect effect = g_array_index(world->running, struct job_effect, index);
	gboolean fails = world->fail_nth ? world->asked - world->running->len + 1 == world->fail_nth
					 : sim_chance(world->sim, world->fail_chance);
	g_autoptr(GError) error = NULL;
	/* A cancelled copy says so, unless it was ready before. */
	if (world->job->phase == PHASE_STOP && sim_chance(world->sim, 80))
		error = g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_CANCELLED, "cancelled");
	else if (fails)
		error = g_error_new(CAIRN_ERROR, CAIRN_ERROR_PEER, "%s failed",
				    job_effect_name(effect.type));
	g_array_remove_index_fast(world->running, index);
	leave(world, &effect, !error);
	if (error && is_undo(effect.type))
		world->undo_failed[effect.index] = TRUE;
	apply(world, &effect, !error);
	struct job_event event = {.type = JOB_EVENT_DONE, .effect = effect, .error = error};
	step(world, &event);
}

/* ---- the daemon ---- */

static void
restart(struct world *world)
{
	struct job_event event = {.type = JOB_EVENT_RESTART};
	g_autoptr(GError) error = NULL;
	/* Calls that were under way may have been carried out, or not, or half. */
	for (guint i = 0; i < world->running->len; i++) {
		const struct job_effect *effect =
			&g_array_index(world->running, struct job_effect, i);
		if (sim_chance(world->sim, 50))
			leave(world, effect, sim_chance(world->sim, 50));
	}
	g_array_set_size(world->running, 0);
	job_free(world->job);
	world->job = job_from_json(world->stored, &error);
	g_assert_no_error(error);
	memset(world->known, 0, sizeof(world->known));
	/* The disks that are done in the store are; the others are copied again. */
	for (guint i = 0; i < DISKS; i++)
		world->copied[i] =
			i < world->job->disks->len &&
			((struct job_disk *)world->job->disks->pdata[i])->status == UNIT_DONE;
	world->restarted = TRUE; /* the engine starts no copy of a job that is held */
	step(world, &event);
}

static void
check_commit(struct world *world, enum job_commit commit)
{
	struct sim *sim = world->sim;
	if (commit == COMMIT_NONE)
		return;
	world->commits++;
	sim_check(sim, world->commits == 1 && world->job->outcome == 0);
	sim_check(sim, (commit == COMMIT_POINT) == (world->job->kind == JOB_POINT_CREATE));
	for (guint i = 0; commit == COMMIT_POINT && i < MEMBERS; i++) {
		struct job_member *member = world->job->members->pdata[i];
		sim_check(sim, world->known[i] && world->done[i] & MEMBER_BEGUN);
		sim_check(sim, !(world->done[i] & (MEMBER_FROZEN | MEMBER_PAUSED)));
		/* It is a point now and nothing to be undone. */
		member->flags &= ~(guint)(MEMBER_BEGUN | MEMBER_PREPARED);
		world->done[i] = 0;
	}
	if (commit == COMMIT_EXPORT)
		sim_check(sim, world->manifest && job_state_final(world->job->state));
}

static void
step(struct world *world, const struct job_event *event)
{
	struct job_step_result result;
	enum job_phase before = world->job->phase;
	enum job_state outcome = world->job->outcome, state = world->job->state;
	job_step(world->job, event, ++world->sim->now, &result);
	check_states(world->sim, state, world->job->state);
	/* The first decision stays, but for a kill. */
	sim_check(world->sim,
		  outcome == 0 || world->job->outcome == outcome ||
			  (event->type == JOB_EVENT_CONTROL && event->verb == VERB_KILL));
	if (result.store || event->type == JOB_EVENT_ADMIT || event->type == JOB_EVENT_DONE) {
		world->stores++;
		gboolean stop = world->stores == world->stop_nth;
		if (stop && world->stop_before) {
			job_step_result_clear(&result);
			restart(world);
			return;
		}
		check_commit(world, result.commit);
		json_decref(world->stored);
		world->stored = job_to_json(world->job);
		if (stop)
			g_array_set_size(result.effects, 0);
		if (stop)
			restart(world);
	} else {
		sim_check(world->sim, result.effects->len == 0 && before == world->job->phase);
	}
	for (guint i = 0; i < result.effects->len; i++)
		ask(world, &g_array_index(result.effects, struct job_effect, i));
	job_step_result_clear(&result);
}

/* An event that must change nothing. */
static void
step_idle(struct world *world, const struct job_event *event)
{
	struct job_step_result result;
	g_autoptr(json_t) before = job_to_json(world->job);
	job_step(world->job, event, ++world->sim->now, &result);
	g_autoptr(json_t) after = job_to_json(world->job);
	sim_check(world->sim, json_equal(before, after) && result.effects->len == 0);
	job_step_result_clear(&result);
}

static void
control(struct world *world, enum job_verb verb)
{
	struct job_event event = {.type = JOB_EVENT_CONTROL, .verb = verb};
	if (!job_control_check(world->job, verb, NULL)) {
		step_idle(world, &event);
		return;
	}
	world->killed |= verb == VERB_KILL;
	step(world, &event);
}

/* An answer that comes twice or too late is nobody's. */
static void
answer_again(struct world *world)
{
	g_autoptr(GError) error = g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_IO, "late");
	struct job_event event = {.type = JOB_EVENT_DONE};
	event.effect.type = (enum job_effect_type)sim_below(world->sim, EFFECT_LAST);
	event.effect.index = sim_below(world->sim, DISKS + 1);
	event.error = sim_chance(world->sim, 50) ? error : NULL;
	for (guint i = 0; i < world->running->len; i++) {
		const struct job_effect *effect =
			&g_array_index(world->running, struct job_effect, i);
		if (effect->type == event.effect.type && effect->index == event.effect.index)
			return;
	}
	step_idle(world, &event);
}

static void
lose_machine(struct world *world)
{
	g_autoptr(GError) error =
		g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_STATE, "the machine stopped");
	struct job_event event = {.type = JOB_EVENT_FAIL, .error = error, .vm = "vm"};
	enum job_phase phase = world->job->phase;
	step(world, &event);
	/* Everything was copied: the machine is not needed any more. */
	sim_check(world->sim, phase != PHASE_FINISH || world->job->outcome == 0);
}

static void
make_trouble(struct world *world)
{
	switch (sim_below(world->sim, 6)) {
	case 0:
		restart(world);
		break;
	case 1:
		lose_machine(world);
		break;
	case 2:
		answer_again(world);
		break;
	default:
		control(world, (enum job_verb)sim_below(world->sim, VERB_LAST));
		break;
	}
}

/* ---- one job's life ---- */

static void
admit(struct world *world)
{
	struct job_event event = {.type = JOB_EVENT_ADMIT};
	while (world->job->members->len < MEMBERS)
		job_add_member(world->job, "vm", "vm");
	step(world, &event);
}

static void
live(struct world *world, guint round)
{
	struct job *job = world->job;
	if (round < STEPS && sim_chance(world->sim, world->trouble))
		make_trouble(world);
	else if (job_is_held(job) && sim_chance(world->sim, 30))
		control(world, VERB_RESUME);
	else if (job->phase == PHASE_WAIT && !job_is_held(job))
		admit(world);
	else if (world->running->len > 0)
		answer(world, sim_below(world->sim, world->running->len));
	else
		sim_check(world->sim, job_is_held(job));
}

static void
check_end(struct world *world)
{
	struct sim *sim = world->sim;
	const struct job *job = world->job;
	forget_resume(world);
	sim_check(sim, world->running->len == 0);
	sim_check(sim, job_state_final(job->state) && job->ended != 0);
	sim_check(sim, job->state_changed == job->ended);
	sim_check(sim, job->outcome ? job->state == job->outcome && job->errors->len > 0
				    : job->state == JOB_COMPLETED ||
					      job->state == JOB_COMPLETED_WARNINGS);
	sim_check(sim, world->commits == (job->outcome == 0));
	sim_check(sim, !world->killed || world->commits == 0);
	for (guint i = 0; i < job->members->len; i++) {
		const struct job_member *member = job->members->pdata[i];
		/* What could not be undone is flagged; the rest is gone. */
		sim_check(sim, (world->done[i] & ~member->flags) == 0);
		sim_check(sim, member->flags == 0 || world->undo_failed[i]);
	}
	/* The verbs and events that come too late change nothing. */
	g_autoptr(json_t) before = job_to_json(job);
	lose_machine(world);
	restart(world);
	g_autoptr(json_t) after = job_to_json(world->job);
	sim_check(sim, json_equal(before, after));
}

static void
play(struct world *world, enum job_kind kind)
{
	world->job = job_new("job", kind);
	world->stored = job_to_json(world->job);
	world->running = g_array_new(FALSE, FALSE, sizeof(struct job_effect));
	guint round = 0;
	while (world->job->phase != PHASE_ENDED) {
		sim_check(world->sim, round < 2000);
		if (++round == world->verb_at)
			control(world, world->verb);
		else
			live(world, round);
	}
	check_end(world);
	job_free(world->job);
	json_decref(world->stored);
	g_array_unref(world->running);
}

/* ---- tests ---- */

static void
play_random(struct sim *sim)
{
	struct world world = {.sim = sim, .trouble = sim_below(sim, 40)};
	world.fail_chance = sim_chance(sim, 50) ? sim_below(sim, 30) : 0;
	play(&world, (enum job_kind)sim_below(sim, JOB_KIND_LAST));
}

static void
test_random(void)
{
	sim_run(play_random, 4000);
}

static void
play_each_failure(struct sim *sim)
{
	for (guint kind = 0; kind < JOB_KIND_LAST; kind++)
		for (guint nth = 0, last = 1; nth <= last; nth++) {
			struct world world = {.sim = sim, .fail_nth = nth};
			play(&world, (enum job_kind)kind);
			sim_check(sim, nth != 0 || world.commits == 1);
			last = MAX(last, world.asked);
		}
}

static void
test_each_failure(void)
{
	sim_run(play_each_failure, 10);
}

/* The daemon is killed before and after each store, alone and with a failure besides. */
static void
play_each_restart(struct sim *sim)
{
	for (guint fail = 0; fail < 15; fail++)
		for (guint kind = 0; kind < JOB_KIND_LAST; kind++)
			for (guint nth = 1, last = 1; nth <= last; nth++)
				for (guint before = 0; before < 2; before++) {
					struct world world = {.sim = sim,
							      .fail_nth = fail,
							      .stop_nth = nth,
							      .stop_before = before};
					play(&world, (enum job_kind)kind);
					last = MAX(last, MIN(world.stores, 100));
				}
}

static void
test_each_restart(void)
{
	sim_run(play_each_restart, 3);
}

/* Each verb after each answer. */
static void
play_each_verb(struct sim *sim)
{
	for (guint verb = 0; verb < VERB_LAST; verb++)
		for (guint at = 1; at < 30; at++) {
			struct world world = {.sim = sim,
					      .verb = (enum job_verb)verb,
					      .verb_at = at / JOB_KIND_LAST + 1};
			play(&world, (enum job_kind)(at % JOB_KIND_LAST));
		}
}

static void
test_each_verb(void)
{
	sim_run(play_each_verb, 20);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/job/random", test_random);
	g_test_add_func("/job/each-effect-fails", test_each_failure);
	g_test_add_func("/job/each-store-restarts", test_each_restart);
	g_test_add_func("/job/each-verb", test_each_verb);
	return g_test_run();
}
