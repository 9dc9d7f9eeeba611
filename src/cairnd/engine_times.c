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

void
engine_shift_running(struct engine *engine, gint64 by)
{
	for (guint i = 0; i < engine->runs.running->len; i++) {
		struct job *job = ((struct run *)engine->runs.running->pdata[i])->job;
		if (job->active_since != 0)
			job->active_since = MAX(1, job->active_since + by);
	}
}
