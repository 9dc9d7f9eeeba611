/* New jobs: they are checked, numbered and put into a transaction, which may hold more than them (a
 * schedule's run, the end of the job that they try again); after its commit they are the engine's.
 */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"

void
engine_batch_init(struct engine_batch *batch)
{
	batch->jobs = g_ptr_array_new_with_free_func((GDestroyNotify)job_free);
	batch->groups = g_ptr_array_new_with_free_func((GDestroyNotify)group_free);
}

void
engine_batch_clear(struct engine_batch *batch)
{
	g_clear_pointer(&batch->jobs, g_ptr_array_unref);
	g_clear_pointer(&batch->groups, g_ptr_array_unref);
}

static gboolean
check_job(struct engine *engine, const struct job *job, GError **error)
{
	if (engine_waiting(engine) >= ENGINE_WAITING_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT,
				  "%d jobs are waiting already: end some, or wait until they have "
				  "run",
				  ENGINE_WAITING_MAX);
	return engine_group(engine, job->group, error) != NULL;
}

/* Its point must be there to be exported. */
static gboolean
check_held(struct engine *engine, const struct job *job, GError **error)
{
	const struct point *point = engine_point_by_id(engine, job->point);
	if (job->kind != JOB_EXPORT || !point || point->held)
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_STATE,
			  "the data of point \"%s\" is not held any more (%s): take a new point, "
			  "or use `cairn backup`",
			  job->point_name,
			  point->release_reason ? point->release_reason : "released");
}

static void
number_job(struct engine *engine, struct engine_batch *batch, struct job *job)
{
	const struct group *group = engine_group(engine, job->group, NULL);
	job->number = engine->next_job + batch->jobs->len;
	job->submitted = engine_now(engine);
	g_free(job->group_name);
	job->group_name = g_strdup(group->name);
	g_ptr_array_add(batch->jobs, job);
}

static struct group *
changed_group(const struct engine *engine, struct engine_batch *batch, const char *id)
{
	for (guint i = 0; i < batch->groups->len; i++) {
		struct group *group = batch->groups->pdata[i];
		if (strcmp(group->id, id) == 0)
			return group;
	}
	struct group *changed = group_copy(engine_group_by_id(engine, id));
	g_ptr_array_add(batch->groups, changed);
	return changed;
}

/* Gives a new point its number: the group's next. */
static void
name_point(struct job *job, struct group *changed)
{
	job->point = job->point ? job->point : cairn_guid_new();
	g_free(job->point_name);
	job->point_name =
		g_strdup_printf("%s@%" G_GUINT64_FORMAT, changed->name, changed->next_number++);
}

gboolean
engine_batch_add(struct engine *engine, struct engine_batch *batch, struct store_txn *txn,
		 struct job *first, struct job *second, GError **error)
{
	if (!check_job(engine, first, error) || !check_held(engine, first, error) ||
	    (second && !check_job(engine, second, error))) {
		job_free(first);
		job_free(second);
		return FALSE;
	}
	g_autofree char *group_id = g_strdup(engine_group(engine, first->group, NULL)->id);
	number_job(engine, batch, first);
	if (first->kind == JOB_POINT_CREATE) {
		name_point(first, changed_group(engine, batch, group_id));
	}
	if (second) {
		number_job(engine, batch, second);
		second->point = g_strdup(first->point);
		second->point_name = g_strdup(first->point_name);
		second->after = g_strdup(first->id);
		second->backup = TRUE;
		second->consistency = first->consistency;
		second->barrier = first->barrier;
		second->hold_seconds = first->hold_seconds;
		engine_put_job(txn, second);
	}
	engine_put_job(txn, first);
	return TRUE;
}

void
engine_batch_put_groups(const struct engine_batch *batch, struct store_txn *txn)
{
	for (guint i = 0; i < batch->groups->len; i++)
		engine_put_group(txn, batch->groups->pdata[i]);
}

static void
announce(struct engine *engine, struct job *job)
{
	engine_add_run(engine, job);
	engine_event(engine, "JOB_CREATED", engine_job_view(engine, job));
}

void
engine_batch_adopt(struct engine *engine, struct engine_batch *batch)
{
	for (guint i = 0; i < batch->groups->len; i++) {
		const struct group *changed = batch->groups->pdata[i];
		engine_group_by_id(engine, changed->id)->next_number = changed->next_number;
	}
	engine->next_job += batch->jobs->len;
	while (batch->jobs->len > 0)
		announce(engine, g_ptr_array_steal_index(batch->jobs, 0));
}

static gboolean
submit(struct engine *engine, struct job *first, struct job *second, GError **error)
{
	struct engine_batch batch;
	engine_batch_init(&batch);
	cairn_auto(store_txn) txn = store_txn_new();
	gboolean ok = engine_batch_add(engine, &batch, txn, first, second, error);
	if (ok)
		engine_batch_put_groups(&batch, txn);
	ok = ok && store_commit(engine->store, txn, error);
	if (ok)
		engine_batch_adopt(engine, &batch);
	engine_batch_clear(&batch);
	if (ok)
		engine_schedule(engine);
	return ok;
}

struct job *
engine_submit(struct engine *engine, struct job *job, GError **error)
{
	g_autofree char *id = g_strdup(job->id);
	/* It may have been admitted, which puts a changed copy in its place. */
	return submit(engine, job, NULL, error) ? engine_run(engine, id)->job : NULL;
}

gboolean
engine_submit_pair(struct engine *engine, struct job *first, struct job *second, GError **error)
{
	return submit(engine, first, second, error);
}
