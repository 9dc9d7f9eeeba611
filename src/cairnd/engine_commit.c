/* What is stored in one transaction with a job's step: the point it made or exported, what is let
 * go for it, and what is owed after it. */
#include "cairnd/engine_private.h"

void
engine_commit_init(struct engine_commit *out)
{
	*out = (struct engine_commit){
		.txn = store_txn_new(),
		.debts = g_ptr_array_new_with_free_func((GDestroyNotify)debt_free),
		.schedules = g_ptr_array_new_with_free_func((GDestroyNotify)schedule_free),
		.errands = g_ptr_array_new_with_free_func((GDestroyNotify)errand_free),
		.points = g_ptr_array_new_with_free_func((GDestroyNotify)point_free),
		.gone = g_ptr_array_new_with_free_func(g_free)};
	engine_batch_init(&out->batch);
}

void
engine_commit_clear(struct engine_commit *out)
{
	store_txn_free(out->txn);
	g_ptr_array_unref(out->debts);
	point_free(out->point);
	point_free(out->replaced);
	group_free(out->group);
	g_clear_pointer(&out->renamed, g_ptr_array_unref);
	engine_batch_clear(&out->batch);
	g_ptr_array_unref(out->schedules);
	g_ptr_array_unref(out->errands);
	g_ptr_array_unref(out->points);
	g_ptr_array_unref(out->gone);
}

static void
commit_point(struct engine *engine, struct run *run, struct job *job, struct engine_commit *out)
{
	struct point *point = g_steal_pointer(&job->draft);
	gint64 seconds =
		(gint64)(job->hold_seconds ? job->hold_seconds : engine->limits.hold_seconds);
	point->held = TRUE;
	point->hold_until = seconds ? engine_now(engine) + seconds * G_USEC_PER_SEC : 0;
	engine_put_point(out->txn, point);
	GHashTableIter iter;
	gpointer key, bytes;
	g_hash_table_iter_init(&iter, run->extents);
	while (g_hash_table_iter_next(&iter, &key, &bytes)) {
		g_autofree char *id = g_strdup_printf("%s/%s", point->id, (char *)key);
		store_txn_put(out->txn, KIND_EXTENTS, id, STORE_ANY, bytes);
	}
	/* From here it is a held point, and not something to undo. */
	for (guint i = 0; i < job->members->len; i++)
		((struct job_member *)job->members->pdata[i])->flags &=
			~(guint)(MEMBER_PREPARED | MEMBER_BEGUN);
	out->point = point;
}

/* The members whose RELEASE went well owe nothing any more. */
static void
drop_paid(struct job *job, GPtrArray *debts)
{
	for (guint i = debts->len; i-- > 0;) {
		const struct debt *debt = debts->pdata[i];
		const struct job_member *member = debt->vm ? job_find_member(job, debt->vm) : NULL;
		if (member && member->status != UNIT_FAILED)
			g_ptr_array_remove_index(debts, i);
	}
}

static void
commit_export(struct engine *engine, struct job *job, struct engine_commit *out)
{
	const struct point *point = engine_point_by_id(engine, job->point);
	if (!point)
		return;
	/* What was unfinished in this folder is finished; elsewhere it is owed if the data goes. */
	struct point *changed = point_copy(point);
	point_set_partial(changed, job->directory, FALSE);
	if (job->release && point->held) {
		cairn_auto(point) before = changed;
		changed = engine_released(before, "exported", out->debts);
		drop_paid(job, out->debts);
	}
	point_add_export(changed, job->directory, job->id, engine_now(engine));
	engine_put_point(out->txn, changed);
	engine_put_unstored(engine, out->txn, point);
	out->point = changed;
}

/* A terminated export leaves its finished parts for the next one, and another one may fail to
 * remove its own; the point remembers where. */
static void
commit_terminated(struct engine *engine, struct job *job, struct engine_commit *out)
{
	const struct point *point = engine_point_by_id(engine, job->point);
	/* Without members it was never admitted, and what is in the folder is not of this job. */
	if (!point || job->members->len == 0)
		return;
	gboolean left = job->outcome == JOB_TERMINATED || job->status == UNIT_FAILED;
	if (!point->held) {
		/* Nothing can go on from it. */
		if (left)
			g_ptr_array_add(out->debts, engine_partial_debt(point, job->directory));
		return;
	}
	out->point = point_copy(point);
	point_set_partial(out->point, job->directory, left);
	engine_put_point(out->txn, out->point);
}

static guint
debt_flags_of(guint member_flags)
{
	guint flags = 0;
	flags |= member_flags & MEMBER_FROZEN ? DEBT_THAW : 0;
	flags |= member_flags & MEMBER_PAUSED ? DEBT_RESUME : 0;
	flags |= member_flags & (MEMBER_PREPARED | MEMBER_BEGUN) ? DEBT_END : 0;
	flags |= member_flags & MEMBER_BEGUN ? DEBT_FORGET : 0;
	flags |= member_flags & MEMBER_SERVED ? DEBT_UNSERVE : 0;
	return flags;
}

/* What could not be undone is owed. */
static void
commit_debts(struct engine *engine, struct job *job, struct engine_commit *out)
{
	const struct point *point =
		job->draft ? job->draft : engine_point_by_id(engine, job->point);
	for (guint i = 0; i < job->members->len; i++) {
		struct job_member *member = job->members->pdata[i];
		guint flags = debt_flags_of(member->flags);
		const struct point_member *part =
			point ? point_find_member(point, member->id) : NULL;
		/* A machine that a person had paused is not ours to resume. */
		if (part && g_strcmp0(part->state, "running") != 0)
			flags &= ~(guint)(DEBT_THAW | DEBT_RESUME);
		member->flags = 0;
		if (flags == 0)
			continue;
		g_ptr_array_add(out->debts, part ? debt_of_member(point, part, flags)
						 : debt_new(job->point, member->id, NULL, flags));
	}
}

/* The bitmaps of the point before are not needed any more; CLEAN could not remove them now. */
static void
commit_clean_failed(struct engine *engine, const struct job *job, struct engine_commit *out)
{
	const struct point *point = engine_point_by_id(engine, job->point);
	const struct point *prev = point ? engine_point_by_id(engine, point->prev) : NULL;
	if (prev)
		engine_hold_debts(prev, out->debts, DEBT_FORGET);
}

/* A new point takes the place of the one whose data is held: one backup job per machine. */
static void
commit_replace(struct engine *engine, struct job *job, struct engine_commit *out)
{
	const struct point *held = engine_held(engine, job->group);
	if (!held)
		return;
	g_autofree char *why = g_strdup_printf("replaced by point %s", job->point_name);
	out->replaced = engine_released(held, why, out->debts);
	engine_put_point(out->txn, out->replaced);
}

/* A point that was delayed has got a later number than it was promised: its export is told. */
static void
commit_number(struct engine *engine, const struct job *job, struct engine_commit *out)
{
	guint64 number = engine_point_number(job);
	const struct group *group = engine_group_by_id(engine, job->group);
	if (number < group->next_number)
		return;
	out->group = group_copy(group);
	out->group->next_number = number + 1;
	engine_put_group(out->txn, out->group);
	out->renamed = g_ptr_array_new_with_free_func((GDestroyNotify)job_free);
	const GPtrArray *active = engine->runs.active;
	for (guint i = 0; i < active->len; i++) {
		const struct job *next = ((struct run *)active->pdata[i])->job;
		if (next->phase != PHASE_WAIT || g_strcmp0(next->after, job->id) != 0)
			continue;
		struct job *copy = job_copy(next);
		engine_rename_point(copy, group->name, number);
		engine_put_job(out->txn, copy);
		g_ptr_array_add(out->renamed, copy);
	}
}

gboolean
engine_store_step(struct engine *engine, struct run *run, struct job *job,
		  const struct inbox_item *item, const struct job_step_result *step,
		  struct engine_commit *out, GError **error)
{
	if (item->event.type == JOB_EVENT_ADMIT && job->kind == JOB_POINT_CREATE && !job->outcome) {
		commit_replace(engine, job, out);
		commit_number(engine, job, out);
	}
	if (step->commit == COMMIT_POINT)
		commit_point(engine, run, job, out);
	if (step->commit == COMMIT_EXPORT) {
		commit_export(engine, job, out);
		engine_commit_next_retention(engine, job, out);
	}
	if (step->commit == COMMIT_RETAIN)
		engine_commit_retention(engine, job, item, out);
	if (item->event.type == JOB_EVENT_DONE && item->event.effect.type == EFFECT_CLEAN &&
	    item->error)
		commit_clean_failed(engine, job, out);
	if (job->phase == PHASE_ENDED) {
		/* What is asked for later removes nothing (CIM_Job.DeleteOnCompletion). */
		job->stays = !job->delete_on_completion;
		if (job->kind == JOB_EXPORT && job->outcome != 0)
			commit_terminated(engine, job, out);
		commit_debts(engine, job, out);
		engine_commit_recovery(engine, job, out);
		engine_commit_run_ended(engine, out, job);
	}
	job_clock(job, engine_now(engine), FALSE);
	engine_put_job(out->txn, job);
	engine_put_debts(out->txn, out->debts);
	engine_batch_put_groups(&out->batch, out->txn);
	return store_commit(engine->store, out->txn, error);
}
