/* How an engine begins: the jobs that ran when the daemon ended go on, as soon as it can be known
 * whether the data that they need is still there. */
#include "cairnd/engine_private.h"

/* Exports need the hosts of their point; whatever else runs tries, and owes what it cannot undo. */
const char *
engine_missing_host(const struct engine *engine, const struct job *job)
{
	if (job->kind != JOB_EXPORT || !engine->away || g_hash_table_size(engine->away) == 0)
		return NULL;
	if (job->phase != PHASE_WAIT && job->phase != PHASE_STAGE && job->phase != PHASE_SERVE &&
	    job->phase != PHASE_COPY)
		return NULL;
	const struct point *point = engine_point_by_id(engine, job->point);
	if (!point)
		return NULL;
	for (guint i = 0; i < point->members->len; i++) {
		const struct point_member *member = point->members->pdata[i];
		if (member->uri && g_hash_table_contains(engine->away, member->uri))
			return member->uri;
	}
	return NULL;
}

static void
restart(struct engine *engine, struct run *run)
{
	run->waits_for_host = FALSE;
	g_queue_push_tail(&engine->inbox, inbox_item_new(run->job->id, JOB_EVENT_RESTART));
}

void
engine_hosts_away(struct engine *engine, char *const *uris)
{
	if (!engine->away)
		engine->away = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (; *uris; uris++)
		g_hash_table_add(engine->away, g_strdup(*uris));
}

void
engine_host_back(struct engine *engine, const char *uri)
{
	if (!engine->away || !g_hash_table_remove(engine->away, uri) || !engine->started)
		return;
	for (guint i = 0; i < engine->runs.running->len; i++) {
		struct run *run = engine->runs.running->pdata[i];
		if (run->waits_for_host && !engine_missing_host(engine, run->job))
			restart(engine, run);
	}
	engine_drain(engine);
	engine_schedule(engine);
}

/* Somebody wants something of a job that waits for its host: it goes on without. */
void
engine_restart_now(struct engine *engine, const char *job)
{
	struct run *run = engine_run(engine, job);
	if (!run || !run->waits_for_host)
		return;
	restart(engine, run);
	engine_drain(engine);
}

void
engine_start(struct engine *engine)
{
	engine->started = TRUE;
	engine->started_at = engine_now(engine);
	for (guint i = 0; i < engine->runs.running->len; i++) {
		struct run *run = engine->runs.running->pdata[i];
		const char *host = engine_missing_host(engine, run->job);
		run->waits_for_host = host != NULL;
		if (host)
			g_message("job %" G_GUINT64_FORMAT " goes on when %s answers",
				  run->job->number, host);
		else
			restart(engine, run);
	}
	engine_drain(engine);
	engine_start_schedules(engine);
	engine_tick(engine);
}
