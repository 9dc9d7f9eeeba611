/* One event moves a job along its rows; see job_rows.c. Nothing is undone while something is still
 * being done, and the flags of a row are set, and stored, before its effects are asked for. */
#include "core/job_step.h"

#include "base/error.h"
#include "core/job_rows.h"

/* ---- units ---- */

static guint
unit_count(const struct job *job, enum job_unit unit)
{
	switch (unit) {
	case UNIT_MEMBER:
		return job->members->len;
	case UNIT_DISK:
		return job->disks->len;
	default:
		return 1;
	}
}

static enum job_unit_status *
unit_status(struct job *job, enum job_unit unit, guint index)
{
	switch (unit) {
	case UNIT_MEMBER:
		return &((struct job_member *)job->members->pdata[index])->status;
	case UNIT_DISK:
		return &((struct job_disk *)job->disks->pdata[index])->status;
	default:
		return &job->status;
	}
}

static gboolean
any_status(struct job *job, enum job_unit unit, enum job_unit_status status)
{
	for (guint i = 0; i < unit_count(job, unit); i++)
		if (*unit_status(job, unit, i) == status)
			return TRUE;
	return FALSE;
}

/* ---- output ---- */

static void
emit(struct job_step_result *ret, enum job_effect_type type, guint index)
{
	struct job_effect effect = {type, index};
	g_array_append_val(ret->effects, effect);
}

static void
set_state(struct job *job, enum job_state state, gint64 now, struct job_step_result *ret)
{
	if (job->state == state)
		return;
	job->state = state;
	job->state_changed = now;
	job_clock(job, now, FALSE);
	ret->store = TRUE;
}

/* Remembers how the job will end. The first decision stays, but for a kill, which also ends an undo
 * that does not get anywhere. */
static void
decide(struct job *job, enum job_state outcome, gint64 now, struct job_step_result *ret)
{
	if (job->outcome == 0 || outcome == JOB_KILLED)
		job->outcome = outcome;
	if (job->outcome != JOB_EXCEPTION)
		set_state(job, JOB_SHUTTING_DOWN, now, ret);
	else if (job_is_held(job))
		set_state(job, JOB_STARTING, now, ret); /* so that its copies can be stopped */
	ret->store = TRUE;
}

/* ---- phases ---- */

static void
end_job(struct job *job, gint64 now, struct job_step_result *ret)
{
	enum job_state state = job->outcome;
	if (state == 0)
		state = job->warnings->len > 0 ? JOB_COMPLETED_WARNINGS : JOB_COMPLETED;
	job->ended = now;
	set_state(job, state, now, ret);
}

/* A copy that is finished stays finished: on the way to STOP only running copies are units. */
static gboolean
takes_part(struct job *job, const struct job_row *row, guint index)
{
	if (row->unit == UNIT_MEMBER && row->need != 0) {
		const struct job_member *member = job->members->pdata[index];
		return (member->flags & row->need) != 0;
	}
	if (row->effect == EFFECT_COPY)
		return *unit_status(job, UNIT_DISK, index) != UNIT_DONE;
	if (row->effect == EFFECT_CANCEL)
		return *unit_status(job, UNIT_DISK, index) == UNIT_RUNNING;
	return TRUE;
}

static void
set_flags(struct job *job, const struct job_row *row, guint index)
{
	if (row->sets == 0)
		return;
	for (guint i = 0; i < job->members->len; i++) {
		struct job_member *member = job->members->pdata[i];
		if (row->unit == UNIT_JOB || i == index)
			member->flags |= row->sets;
	}
}

/* Asks the effects of the units that are still to do. */
static void
ask_units(struct job *job, const struct job_row *row, struct job_step_result *ret)
{
	for (guint i = 0; i < unit_count(job, row->unit); i++) {
		enum job_unit_status *status = unit_status(job, row->unit, i);
		if (!takes_part(job, row, i)) {
			if (row->effect != EFFECT_CANCEL)
				*status = UNIT_DONE;
			continue;
		}
		if (row->effect != EFFECT_CANCEL && *status != UNIT_TODO)
			continue;
		set_flags(job, row, i);
		*status = UNIT_RUNNING;
		emit(ret, row->effect, i);
	}
}

static void
enter(struct job *job, enum job_phase phase, gint64 now, struct job_step_result *ret)
{
	const struct job_row *row = &job_rows[phase];
	job->phase = phase;
	ret->store = TRUE;
	if (phase == PHASE_ENDED) {
		end_job(job, now, ret);
		return;
	}
	if (row->effect != EFFECT_CANCEL && row->effect != EFFECT_COPY)
		for (guint i = 0; i < unit_count(job, row->unit); i++)
			*unit_status(job, row->unit, i) = UNIT_TODO;
	ask_units(job, row, ret);
}

/* Goes on while the present phase has nothing running. */
static void
advance(struct job *job, gint64 now, struct job_step_result *ret)
{
	while (job->phase != PHASE_ENDED && job->phase != PHASE_WAIT) {
		const struct job_row *row = &job_rows[job->phase];
		if (any_status(job, row->unit, UNIT_RUNNING))
			return;
		/* The last copies may have ended just then: it goes on when it is resumed. */
		if (job->phase == PHASE_COPY && (job_is_held(job) || job->state == JOB_STARTING))
			return;
		gboolean failed = !row->undoing &&
				  (job->outcome != 0 || any_status(job, row->unit, UNIT_FAILED));
		/* The final state and what belongs to it are stored in one transaction. */
		if (!failed && row->commit != COMMIT_NONE)
			ret->commit = row->commit;
		enter(job, failed ? row->fail : row->next, now, ret);
	}
}

/* ---- events ---- */

static void
admit(struct job *job, gint64 now, struct job_step_result *ret)
{
	job->started = now;
	set_state(job, JOB_RUNNING, now, ret);
	if (job->outcome != 0) { /* planning failed */
		enter(job, PHASE_ENDED, now, ret);
		return;
	}
	static const enum job_phase first[JOB_KIND_LAST] = {
		[JOB_POINT_CREATE] = PHASE_PREPARE,
		[JOB_EXPORT] = PHASE_STAGE,
		[JOB_RETAIN] = PHASE_RETAIN,
	};
	enter(job, first[job->kind], now, ret);
	advance(job, now, ret);
}

/* FALSE: nobody asked, or it has answered already. */
static gboolean
unit_ended(struct job *job, const struct job_event *event, struct job_step_result *ret)
{
	const struct job_row *row = &job_rows[job->phase];
	/* While copies are being stopped, it is the copies that answer. */
	enum job_effect_type expected = row->effect == EFFECT_CANCEL ? EFFECT_COPY : row->effect;
	if (event->effect.type != expected || event->effect.index >= unit_count(job, row->unit))
		return FALSE;
	enum job_unit_status *status = unit_status(job, row->unit, event->effect.index);
	if (*status != UNIT_RUNNING)
		return FALSE;
	*status = event->error ? UNIT_FAILED : UNIT_DONE;
	if (!event->error && row->unit == UNIT_MEMBER) {
		struct job_member *member = job->members->pdata[event->effect.index];
		member->flags &= ~row->clears;
	}
	if (!event->error && row->unit == UNIT_DISK)
		ret->store = TRUE;
	return TRUE;
}

/* Of the member or the disk whose unit it is, unless the event says whose. */
static void
add_error(struct job *job, const struct job_event *event)
{
	const char *vm = event->vm, *disk = event->disk;
	enum job_unit unit = job_rows[job->phase].unit;
	if (!vm && unit == UNIT_MEMBER) {
		vm = ((const struct job_member *)job->members->pdata[event->effect.index])->id;
	} else if (!vm && unit == UNIT_DISK) {
		const struct job_disk *one = job->disks->pdata[event->effect.index];
		vm = one->vm;
		disk = one->target;
	}
	job_add_error(job, event->error, vm, disk);
}

static void
unit_failed(struct job *job, const struct job_event *event, gint64 now, struct job_step_result *ret)
{
	const struct job_row *row = &job_rows[job->phase];
	gboolean cancelled = g_error_matches(event->error, CAIRN_ERROR, CAIRN_ERROR_CANCELLED);
	/* A copy that ends because it was told to is no news, one that fails at that time is. */
	if (row->undoing && event->effect.type == EFFECT_COPY) {
		if (job->outcome == JOB_EXCEPTION && !cancelled)
			add_error(job, event);
		return;
	}
	if (row->undoing) {
		g_autofree char *text = g_strdup_printf("%s: %s", row->name, event->error->message);
		job_add_warning(job, text);
		return;
	}
	if (job->outcome == 0 || !cancelled)
		add_error(job, event);
	decide(job, JOB_EXCEPTION, now, ret);
	if (job->phase == PHASE_COPY)
		enter(job, PHASE_STOP, now, ret);
}

/* The copies know that they go on. Something else may have been asked of it since. */
static void
resumed(struct job *job, gint64 now, struct job_step_result *ret)
{
	if (job->state != JOB_STARTING || job->phase == PHASE_WAIT || job->outcome != 0)
		return;
	set_state(job, JOB_RUNNING, now, ret);
	advance(job, now, ret);
}

static void
done(struct job *job, const struct job_event *event, gint64 now, struct job_step_result *ret)
{
	if (event->effect.type == EFFECT_RESUME && event->effect.index == 0) {
		resumed(job, now, ret);
		return;
	}
	if (!unit_ended(job, event, ret))
		return;
	if (event->error)
		unit_failed(job, event, now, ret);
	advance(job, now, ret);
}

static void
fail(struct job *job, const struct job_event *event, gint64 now, struct job_step_result *ret)
{
	/* After COPY nothing of the world is needed any more. */
	if (job->phase == PHASE_FINISH || job_rows[job->phase].undoing)
		return;
	job_add_error(job, event->error, event->vm, event->disk);
	decide(job, JOB_EXCEPTION, now, ret);
	if (job->phase == PHASE_WAIT)
		enter(job, PHASE_ENDED, now, ret);
	else if (job->phase == PHASE_COPY)
		enter(job, PHASE_STOP, now, ret);
	advance(job, now, ret);
}

static void
stop(struct job *job, enum job_state outcome, gint64 now, struct job_step_result *ret)
{
	g_autoptr(GError) why = g_error_new(CAIRN_ERROR, CAIRN_ERROR_CANCELLED, "%s on request",
					    outcome == JOB_KILLED ? "killed" : "terminated");
	if (job->outcome == 0)
		job_add_error(job, why, NULL, NULL);
	decide(job, outcome, now, ret);
	if (job->phase == PHASE_WAIT)
		enter(job, PHASE_ENDED, now, ret);
	else if (job->phase == PHASE_COPY || job->phase == PHASE_STOP)
		enter(job, PHASE_STOP, now, ret);
	else if (job->phase == PHASE_RETAIN)
		emit(ret, EFFECT_CANCEL, 0);
	advance(job, now, ret);
}

/* What was suspended goes on: as a whole, or so that its copies come to an end. */
static void
go_on(struct job *job, enum job_state state, gint64 now, struct job_step_result *ret)
{
	gboolean was_suspended = job_is_held(job);
	set_state(job, state, now, ret);
	if (was_suspended && job->phase != PHASE_WAIT)
		emit(ret, EFFECT_RESUME, 0);
}

static void
control(struct job *job, const struct job_event *event, gint64 now, struct job_step_result *ret)
{
	/* It was legal when it was asked for, but other events may have come before it. */
	if (!job_control_check(job, event->verb, NULL))
		return;
	if (event->forget != FORGET_AS_SET) {
		job->delete_on_completion = event->forget == FORGET_AT_ONCE;
		job->keep_us = event->forget == FORGET_AT_ONCE ? 0 : job->keep_us;
		ret->store = TRUE;
	}
	switch (event->verb) {
	case VERB_SUSPEND:
		set_state(job, JOB_SUSPENDED, now, ret);
		if (job->phase == PHASE_COPY)
			emit(ret, EFFECT_SUSPEND, 0);
		break;
	case VERB_RESUME:
		go_on(job, JOB_STARTING, now, ret);
		break;
	case VERB_SERVICE:
		go_on(job, JOB_SERVICE, now, ret);
		break;
	case VERB_TERMINATE:
		stop(job, JOB_TERMINATED, now, ret);
		break;
	case VERB_KILL:
		stop(job, JOB_KILLED, now, ret);
		break;
	case VERB_LAST:
		g_assert_not_reached();
	}
}

/* What was running when the daemon went away is asked again, or undone. */
static void
restart(struct job *job, gint64 now, struct job_step_result *ret)
{
	const struct job_row *row = &job_rows[job->phase];
	if (job->phase == PHASE_WAIT || job->phase == PHASE_ENDED)
		return;
	job_clock(job, now, TRUE);
	if (job->state == JOB_STARTING && job->outcome == 0)
		set_state(job, JOB_RUNNING, now, ret);
	for (guint i = 0; i < unit_count(job, row->unit); i++) {
		enum job_unit_status *status = unit_status(job, row->unit, i);
		if (*status == UNIT_RUNNING || row->restart_all)
			*status = row->effect == EFFECT_CANCEL ? UNIT_FAILED : UNIT_TODO;
	}
	if (row->restart_fails) {
		g_autoptr(GError) why =
			g_error_new(CAIRN_ERROR, CAIRN_ERROR_STATE,
				    "cairnd was stopped while it was %s", row->name);
		job_add_error(job, why, NULL, NULL);
		decide(job, JOB_EXCEPTION, now, ret);
		enter(job, row->fail, now, ret);
	} else if (!row->undoing && job->outcome != 0) {
		enter(job, row->fail, now, ret);
	} else if (job->phase == PHASE_COPY) {
		/* The servers of shut-off machines ended with the daemon. */
		enter(job, PHASE_SERVE, now, ret);
	} else {
		ret->store = TRUE;
		ask_units(job, row, ret);
	}
	advance(job, now, ret);
}

void
job_step(struct job *job, const struct job_event *event, gint64 now, struct job_step_result *ret)
{
	*ret = (struct job_step_result){
		.effects = g_array_new(FALSE, FALSE, sizeof(struct job_effect))};
	if (job->phase == PHASE_ENDED)
		return;
	switch (event->type) {
	case JOB_EVENT_ADMIT:
		admit(job, now, ret);
		break;
	case JOB_EVENT_RESTART:
		restart(job, now, ret);
		break;
	case JOB_EVENT_DONE:
		done(job, event, now, ret);
		break;
	case JOB_EVENT_CONTROL:
		control(job, event, now, ret);
		break;
	case JOB_EVENT_FAIL:
		fail(job, event, now, ret);
		break;
	}
}

void
job_step_result_clear(struct job_step_result *result)
{
	g_clear_pointer(&result->effects, g_array_unref);
}
