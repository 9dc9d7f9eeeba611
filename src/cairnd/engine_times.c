/* What is kept of running jobs between their steps, so that a daemon that dies loses little of what
 * they show: how long they have worked, how many bytes they have moved. */
#include "cairnd/engine_private.h"

#define SAVE_INTERVAL (15 * G_USEC_PER_SEC)

void
engine_save_running(struct engine *engine, gint64 now)
{
	/* A clock that was set back does not keep it from being done. */
	if (now - engine->saved_at < SAVE_INTERVAL && now >= engine->saved_at)
		return;
	engine->saved_at = now;
	cairn_auto(store_txn) txn = store_txn_new();
	gboolean any = FALSE;
	for (guint i = 0; i < engine->runs.running->len; i++) {
		struct job *job = ((struct run *)engine->runs.running->pdata[i])->job;
		if (job->active_since == 0)
			continue;
		job_clock(job, now, FALSE);
		engine_put_job(txn, job);
		any = TRUE;
	}
	/* If the store cannot take it now, there is a next time. */
	if (any)
		store_commit(engine->store, txn, NULL);
}

/* ---- the clock was set ---- */

static void
shift_running(struct engine *engine, gint64 by)
{
	for (guint i = 0; i < engine->runs.running->len; i++) {
		struct run *run = engine->runs.running->pdata[i];
		if (run->job->active_since != 0)
			run->job->active_since = MAX(1, run->job->active_since + by);
		if (run->copies_since != 0)
			run->copies_since = MAX(1, run->copies_since + by);
		run->told = 0;
	}
}

/* The next attempt waits as long as it was to; a time that a person has given is that time. */
static void
shift_retries(struct engine *engine, gint64 by)
{
	cairn_auto(store_txn) txn = store_txn_new();
	gboolean any = FALSE;
	for (guint i = 0; i < engine->runs.active->len; i++) {
		struct job *job = ((struct run *)engine->runs.active->pdata[i])->job;
		if (job->phase != PHASE_WAIT || job->attempt == 0 || job->due == 0)
			continue;
		job->due = MAX(1, job->due + by);
		engine_put_job(txn, job);
		any = TRUE;
	}
	/* If the store cannot take it, it is so until the daemon ends. */
	if (any)
		store_commit(engine->store, txn, NULL);
}

/* All of them by the same: their order stays. */
static void
shift_ended(struct engine *engine, gint64 by)
{
	GSequenceIter *at = g_sequence_get_begin_iter(engine->runs.leaving);
	for (; !g_sequence_iter_is_end(at); at = g_sequence_iter_next(at))
		((struct run *)g_sequence_get(at))->leaves += by;
}

void
engine_shift_jobs(struct engine *engine, gint64 by)
{
	shift_running(engine, by);
	shift_retries(engine, by);
	shift_ended(engine, by);
}
