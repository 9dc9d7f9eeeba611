/* Jobs: one event at a time is applied to a copy, what came of it is stored, and only then the copy
 * takes the job's place and its effects begin. If the store cannot take it, the event waits. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"

/* ---- what a reply says, into the copy ---- */

static void
apply_prepare(struct job *job, const struct inbox_item *item)
{
	if (!item->member || !job->draft || item->event.effect.index >= job->draft->members->len)
		return;
	/* The draft's members are in the order of the job's. The reply stays whole: if the store
	 * cannot take this step, it is taken again. */
	g_ptr_array_insert(job->draft->members, (gint)item->event.effect.index,
			   point_member_copy(item->member));
	g_ptr_array_remove_index(job->draft->members, item->event.effect.index + 1);
}

static void
set_flag(guint *flags, guint flag, gboolean on)
{
	*flags = on ? *flags | flag : *flags & ~flag;
}

static void
apply_window(struct job *job, const struct inbox_item *item)
{
	for (guint i = 0; item->window && i < item->window->len; i++) {
		const struct window_fact *fact = item->window->pdata[i];
		struct job_member *member = job_find_member(job, fact->vm);
		struct point_member *part = point_find_member(job->draft, fact->vm);
		if (!member || !part)
			continue;
		set_flag(&member->flags, MEMBER_FROZEN, fact->frozen);
		set_flag(&member->flags, MEMBER_PAUSED, fact->paused);
		set_flag(&member->flags, MEMBER_BEGUN, fact->begun);
		part->consistency = fact->consistency;
		g_free(part->reason);
		part->reason = g_strdup(fact->reason);
		part->stopped_at = fact->stopped_at;
		part->still_at = fact->still_at;
		part->begun_at = fact->begun_at;
		part->resumed_at = fact->resumed_at;
		if (fact->freeze_failed && job->consistency != CONSISTENCY_CRASH) {
			g_autofree char *text =
				g_strdup_printf("machine \"%s\" is only crash consistent: %s",
						member->name, fact->reason);
			job_add_warning(job, text);
		}
	}
	job->draft->freeze_us = item->freeze_us;
	point_summarize(job->draft);
}

static void
apply_extents(struct run *run, struct job *job, const struct inbox_item *item)
{
	struct point_member *part = job->draft->members->pdata[item->event.effect.index];
	for (guint i = 0; i < part->disks->len; i++) {
		struct point_disk *disk = part->disks->pdata[i];
		GBytes *bytes =
			item->extents ? g_hash_table_lookup(item->extents, disk->target) : NULL;
		const guint64 *sum =
			item->changed ? g_hash_table_lookup(item->changed, disk->target) : NULL;
		const char *reason =
			item->reasons ? g_hash_table_lookup(item->reasons, disk->target) : NULL;
		disk->changes = bytes && sum;
		disk->changed_bytes = disk->changes ? *sum : 0;
		if (reason) {
			g_free(disk->reason);
			disk->reason = g_strdup(reason);
		}
		if (disk->changes)
			g_hash_table_insert(run->extents,
					    g_strdup_printf("%s/%s", part->id, disk->target),
					    g_bytes_ref(bytes));
	}
}

static void
apply_copy(struct job *job, struct inbox_item *item)
{
	if (item->error || item->event.effect.index >= job->disks->len)
		return;
	struct job_disk *disk = job->disks->pdata[item->event.effect.index];
	json_decref(disk->result);
	disk->result = json_incref(item->result);
	disk->done_bytes = disk->total_bytes = MAX(disk->total_bytes, disk->done_bytes);
	disk->rate = 0;
}

static void
take_strings(char ***list, const json_t *files, const char *key)
{
	g_clear_pointer(list, g_strfreev);
	if (!cairn_json_get_strv_opt(files, key, list, NULL))
		*list = g_new0(char *, 1);
}

static void
apply_finish(struct job *job, const struct inbox_item *item)
{
	g_autoptr(GStrvBuilder) vms = g_strv_builder_new(), disks = g_strv_builder_new();
	const char *last = NULL;
	for (guint i = 0; i < job->disks->len; i++) {
		const struct job_disk *disk = job->disks->pdata[i];
		g_autofree char *id = point_disk_instance_id(disk->vm, disk->target);
		g_strv_builder_add(disks, id);
		if (g_strcmp0(last, disk->vm) != 0)
			g_strv_builder_add(vms, disk->vm);
		last = disk->vm;
	}
	g_strfreev(job->vm_ids);
	job->vm_ids = g_strv_builder_end(vms);
	g_strfreev(job->exported_disks);
	job->exported_disks = g_strv_builder_end(disks);
	take_strings(&job->log_files, item->files, "logs");
	take_strings(&job->config_files, item->files, "configs");
	take_strings(&job->runtime_files, item->files, "runtimes");
	take_strings(&job->state_files, item->files, "states");
}

/* A stage that went well is also where an export learns its disks; that may fail. */
static void
apply_stage(struct engine *engine, struct job *job, struct inbox_item *item)
{
	if (item->error || engine_plan_export(engine, job, item, &item->error))
		return;
	item->event.error = item->error;
}

static void
apply_reply(struct engine *engine, struct run *run, struct job *job, struct inbox_item *item)
{
	guint index = item->event.effect.index;
	switch (item->event.effect.type) {
	case EFFECT_PREPARE:
		apply_prepare(job, item);
		break;
	case EFFECT_WINDOW:
		if (job->draft)
			apply_window(job, item);
		break;
	case EFFECT_EXTENTS:
		if (!item->error && job->draft && index < job->draft->members->len)
			apply_extents(run, job, item);
		break;
	case EFFECT_UNDO:
		if (item->has_reply && index < job->members->len)
			((struct job_member *)job->members->pdata[index])->flags = item->flags_left;
		break;
	case EFFECT_STAGE:
		if (job->phase == PHASE_STAGE)
			apply_stage(engine, job, item);
		break;
	case EFFECT_COPY:
		apply_copy(job, item);
		break;
	case EFFECT_FINISH:
		if (item->files)
			apply_finish(job, item);
		/* The last of them lets the data go. */
		job->release = job->release && !engine_exported_by_other(engine, job);
		break;
	case EFFECT_RETAIN:
		if (!item->error && item->result)
			engine_apply_retention(engine, job, item);
		break;
	default:
		break;
	}
}

static gboolean
admit(struct engine *engine, struct job *job, GError **error)
{
	if (job->kind == JOB_POINT_CREATE)
		return engine_plan_point(engine, job, error);
	if (job->kind == JOB_RETAIN)
		return engine_group_by_id(engine, job->group) != NULL ||
		       cairn_fail(error, CAIRN_ERROR_NOT_FOUND,
				  "group \"%s\" is not there any more", job->group_name);
	const struct point *point = engine_point_by_id(engine, job->point);
	if (!point || point->hidden) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    "point \"%s\" is not there any more", job->point_name);
		return FALSE;
	}
	if (!point->held) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "the data of point \"%s\" is not held any more (%s): take a new point",
			    job->point_name,
			    point->release_reason ? point->release_reason : "released");
		return FALSE;
	}
	for (guint i = 0; i < point->members->len; i++) {
		const struct point_member *member = point->members->pdata[i];
		job_add_member(job, member->id, member->name);
	}
	return TRUE;
}

static void
apply_admit(struct engine *engine, struct job *job, struct inbox_item *item)
{
	g_autoptr(GError) error = NULL;
	if (admit(engine, job, &error))
		return;
	/* It never began: nothing is to be undone. */
	job_add_error(job, error, NULL, NULL);
	job->outcome = JOB_EXCEPTION;
	g_clear_pointer(&job->draft, point_free);
}

/* ---- one step ---- */

/* An answer that the engine gives itself. */
static void
answer(struct engine *engine, const struct run *run, const struct job_effect *effect,
       const char *failure)
{
	struct inbox_item *item = inbox_item_new(run->job->id, JOB_EVENT_DONE);
	item->event.effect = *effect;
	if (failure)
		item->error = g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_CANCELLED, failure);
	item->event.error = item->error;
	g_queue_push_tail(&engine->inbox, item);
}

static void
run_effects(struct engine *engine, struct run *run, const GArray *effects)
{
	for (guint i = 0; i < effects->len; i++) {
		const struct job_effect *effect = &g_array_index(effects, struct job_effect, i);
		struct job_effect copy = {EFFECT_COPY, effect->index};
		if (effect->type == EFFECT_COPY) {
			g_queue_push_tail(&run->copies, GUINT_TO_POINTER(effect->index));
			continue;
		}
		if (effect->type == EFFECT_CANCEL &&
		    g_queue_remove(&run->copies, GUINT_TO_POINTER(effect->index))) {
			answer(engine, run, &copy, "cancelled before it began");
			continue;
		}
		engine->io.effect(engine->user, run->job, effect);
		if (effect->type == EFFECT_RESUME)
			answer(engine, run, effect, NULL);
	}
}

static void
tell_changed(struct engine *engine, const struct job *job)
{
	engine_event(engine, "JOB_CHANGED", engine_job_view(engine, job));
}

static void
adopt_number(struct engine *engine, struct engine_commit *out)
{
	if (!out->group)
		return;
	engine_group_by_id(engine, out->group->id)->next_number = out->group->next_number;
	for (guint i = 0; i < out->renamed->len; i++) {
		struct job *copy = out->renamed->pdata[i];
		struct job *job = engine_run(engine, copy->id)->job;
		g_free(job->point_name);
		job->point_name = g_steal_pointer(&copy->point_name);
		tell_changed(engine, job);
	}
}

static void
publish(struct engine *engine, struct run *run, struct engine_commit *out)
{
	if (out->replaced)
		engine_replace_point(engine, g_steal_pointer(&out->replaced));
	if (out->point)
		engine_replace_point(engine, g_steal_pointer(&out->point));
	engine_adopt_debts(engine, out->debts);
	adopt_number(engine, out);
	engine_adopt_errands(engine, out->errands);
	tell_changed(engine, run->job);
	engine_batch_adopt(engine, &out->batch);
	engine_adopt_schedules(engine, out);
	engine_adopt_retention(engine, out);
}

static void
settle(struct engine *engine, struct run *run, struct job *job, struct job_step_result *step,
       struct engine_commit *out)
{
	if (step->commit == COMMIT_POINT)
		g_hash_table_remove_all(run->extents);
	engine_replace_job(engine, run, job);
	if (step->store)
		publish(engine, run, out);
	run_effects(engine, run, step->effects);
	if (job->phase == PHASE_ENDED)
		g_hash_table_remove_all(run->extents);
}

static gboolean
wants_store(const struct job_step_result *step, const struct inbox_item *item)
{
	return step->store || item->event.type == JOB_EVENT_ADMIT || item->has_reply ||
	       (item->event.type == JOB_EVENT_DONE && item->event.error);
}

void
engine_step(struct engine *engine, struct inbox_item *item)
{
	struct run *run = engine_run(engine, item->job);
	if (!run || (run->stalled.length > 0 && item != run->stalled.head->data)) {
		if (run)
			g_queue_push_tail(&run->stalled, item);
		else
			inbox_item_free(item);
		return;
	}
	cairn_auto(job) job = job_copy(run->job);
	if (item->event.type == JOB_EVENT_DONE)
		apply_reply(engine, run, job, item);
	if (item->event.type == JOB_EVENT_ADMIT)
		apply_admit(engine, job, item);
	struct job_step_result step;
	job_step(job, &item->event, engine_now(engine), &step);
	struct engine_commit out;
	engine_commit_init(&out);
	g_autoptr(GError) error = NULL;
	step.store = wants_store(&step, item);
	if (!step.store || engine_store_step(engine, run, job, item, &step, &out, &error)) {
		settle(engine, run, g_steal_pointer(&job), &step, &out);
		inbox_item_free(item);
	} else if (run->job->phase == PHASE_ENDED) {
		/* Nothing moves it any more, and the queues of ended jobs are not looked at. */
		inbox_item_free(item);
	} else {
		g_warning("cannot store job %" G_GUINT64_FORMAT ", will try again: %s",
			  run->job->number, error->message);
		g_queue_push_tail(&run->stalled, item);
	}
	engine_commit_clear(&out);
	job_step_result_clear(&step);
}

/* ---- requests ---- */

gboolean
engine_control_forget(struct engine *engine, struct job *job, enum job_verb verb,
		      enum job_forget forget, GError **error)
{
	if (forget != FORGET_AS_SET && verb != VERB_TERMINATE && verb != VERB_KILL)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "argument \"forget\" belongs to terminate and kill");
	if (!job_control_check(job, verb, error))
		return FALSE;
	g_autofree char *id = g_strdup(job->id);
	/* What is to be undone needs a job that goes on; the others can wait. */
	if (verb != VERB_SUSPEND && verb != VERB_RESUME)
		engine_restart_now(engine, id);
	struct inbox_item *item = inbox_item_new(id, JOB_EVENT_CONTROL);
	item->event.verb = verb;
	item->event.forget = forget;
	engine_post(engine, item);
	return TRUE;
}

gboolean
engine_control(struct engine *engine, struct job *job, enum job_verb verb, GError **error)
{
	return engine_control_forget(engine, job, verb, FORGET_AS_SET, error);
}

gboolean
engine_job_save(struct engine *engine, struct job *changed, struct schedule *wanted, GError **error)
{
	cairn_auto(job) job = changed;
	struct engine_commit out;
	engine_commit_init(&out);
	/* After the end it can keep a job, and cannot remove one (CIM_Job.DeleteOnCompletion). */
	if (job->phase == PHASE_ENDED && !job->delete_on_completion)
		job->stays = TRUE;
	job_clock(job, engine_now(engine), FALSE);
	engine_put_job(out.txn, job);
	gboolean ok = (!wanted || engine_commit_schedule_wanted(engine, &out, wanted, error)) &&
		      engine_commit_store(engine, &out, error);
	engine_commit_clear(&out);
	if (!ok)
		return FALSE;
	engine_replace_job(engine, engine_run(engine, job->id), job);
	tell_changed(engine, g_steal_pointer(&job));
	engine_schedule(engine);
	return TRUE;
}
