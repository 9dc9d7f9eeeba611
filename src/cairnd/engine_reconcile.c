/* What the hypervisors have of ours against what the store knows: what nobody knows becomes a debt,
 * a hold that is gone releases its point. What is not ours is never looked at. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"
#include "core/chain.h"

/* The point's GUID in a checkpoint name of this store; NULL when it is another's. */
static char *
point_of_name(const struct engine *engine, const char *name)
{
	g_autofree char *prefix = point_checkpoint_name(engine->instance, "");
	if (!name || !g_str_has_prefix(name, prefix))
		return NULL;
	return cairn_guid_normalize(name + strlen(prefix));
}

static const struct job *
active_job_making(const struct engine *engine, const char *point)
{
	const GPtrArray *running = engine->runs.running;
	for (guint i = 0; i < running->len; i++) {
		const struct job *job = ((struct run *)running->pdata[i])->job;
		if (job->kind == JOB_POINT_CREATE && strcmp(job->point, point) == 0)
			return job;
	}
	return NULL;
}

static gboolean
is_owed(const struct engine *engine, const char *vm, const char *point, guint flags)
{
	for (guint i = 0; i < engine->debts->len; i++) {
		const struct debt *debt = engine->debts->pdata[i];
		if (g_strcmp0(debt->vm, vm) == 0 && strcmp(debt->point, point) == 0 &&
		    (debt->flags & flags) == flags)
			return TRUE;
	}
	return FALSE;
}

static void
add_name(GStrvBuilder *names, const struct engine *engine, const char *point)
{
	g_autofree char *name = point_checkpoint_name(engine->instance, point);
	g_strv_builder_add(names, name);
}

char **
engine_checkpoints_of(const struct engine *engine, const char *vm)
{
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	for (guint i = 0; i < engine->groups->len; i++) {
		const struct group *group = engine->groups->pdata[i];
		g_autoptr(GPtrArray) points = engine_points(engine, group->id, TRUE);
		const struct point *newest = chain_newest(points);
		if (newest && point_find_member(newest, vm))
			add_name(names, engine, newest->id);
	}
	const GPtrArray *running = engine->runs.running;
	for (guint i = 0; i < running->len; i++) {
		const struct job *job = ((struct run *)running->pdata[i])->job;
		if (job->draft && point_find_member(job->draft, vm))
			add_name(names, engine, job->draft->id);
	}
	return g_strv_builder_end(names);
}

GPtrArray *
engine_debts_of(const struct engine *engine, const char *vm)
{
	GPtrArray *debts = g_ptr_array_new_with_free_func((GDestroyNotify)debt_free);
	for (guint i = 0; i < engine->debts->len; i++)
		if (g_strcmp0(((struct debt *)engine->debts->pdata[i])->vm, vm) == 0)
			g_ptr_array_add(debts, debt_copy(engine->debts->pdata[i]));
	return debts;
}

static void
owe(struct engine *engine, const struct engine_found *found, const char *point, guint flags)
{
	if (is_owed(engine, found->vm, point, flags))
		return;
	struct debt *debt = debt_new(point, found->vm, found->uri, flags);
	cairn_auto(store_txn) txn = store_txn_new();
	engine_put_json(txn, KIND_DEBT, debt->id, debt_to_json(debt));
	/* If the store cannot take it, the next reconcile finds it again. */
	store_commit(engine->store, txn, NULL);
	g_ptr_array_add(engine->debts, debt);
	engine->debts_at = 0;
}

static void
check_backup(struct engine *engine, const struct engine_found *found)
{
	g_autofree char *id = point_of_name(engine, found->backup);
	if (!id)
		return;
	const struct point *point = engine_point_by_id(engine, id);
	if ((point && point->held) || active_job_making(engine, id))
		return;
	owe(engine, found, id, DEBT_END);
}

static void
check_points(struct engine *engine, const struct engine_found *found)
{
	g_auto(GStrv) keep = engine_checkpoints_of(engine, found->vm);
	for (guint i = 0; found->points && i < found->points->len; i++) {
		const char *name = found->points->pdata[i];
		g_autofree char *id = point_of_name(engine, name);
		if (!id || g_strv_contains((const char *const *)keep, name))
			continue;
		/* The point before the newest may be waiting for a CLEAN that a job still does. */
		owe(engine, found, id, DEBT_FORGET);
	}
}

/* A machine may be defined on several hosts: what counts is where the point was taken. */
static const struct engine_found *
find(const struct engine_found *found, guint n, const struct point_member *member)
{
	const struct engine_found *elsewhere = NULL;
	for (guint i = 0; i < n; i++) {
		if (strcmp(found[i].vm, member->id) != 0)
			continue;
		if (!member->uri || g_strcmp0(found[i].uri, member->uri) == 0)
			return &found[i];
		elsewhere = &found[i];
	}
	/* On another host it is told of only when it runs there: then it has moved. */
	return elsewhere && !elsewhere->off ? elsewhere : NULL;
}

/* Is the data that @member was to hold still there? */
static gboolean
still_held(const struct engine *engine, const struct point *point,
	   const struct point_member *member, const struct engine_found *found)
{
	if (found->since && member->begun_at >= found->since)
		return TRUE; /* it began while the host was being looked at */
	if (g_strcmp0(member->state, "shutoff") == 0)
		return found->off;
	g_autofree char *name = point_checkpoint_name(engine->instance, point->id);
	return g_strcmp0(found->backup, name) == 0;
}

static void
check_holds(struct engine *engine, const struct engine_found *found, guint n)
{
	g_autoptr(GPtrArray) points = engine_points(engine, NULL, TRUE);
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i];
		for (guint j = 0; point->held && j < point->members->len; j++) {
			const struct point_member *member = point->members->pdata[j];
			const struct engine_found *one = find(found, n, member);
			if (!one || still_held(engine, point, member, one))
				continue;
			g_autofree char *why =
				g_strdup_printf("machine \"%s\" no longer holds the data: it was "
						"stopped, started or "
						"its backup job ended while cairnd did not watch",
						member->name);
			g_autofree char *vm = g_strdup(member->id);
			engine_hold_lost(engine, vm, CAIRN_ERROR_STATE, why);
			break;
		}
	}
}

void
engine_reconcile(struct engine *engine, const struct engine_found *found, guint n)
{
	for (guint i = 0; i < n; i++) {
		check_backup(engine, &found[i]);
		check_points(engine, &found[i]);
	}
	check_holds(engine, found, n);
}
