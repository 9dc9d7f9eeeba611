/* Errands: which are done now, and what becomes of those that failed. */
#include "cairnd/engine_private.h"

#define ERRANDS_MAX	10000 /* kept at once; a further one is dropped */
#define ERRANDS_AT_ONCE 8
#define NOTE_MAX	2048 /* bytes of a job's note */

static void
put_errand(struct store_txn *txn, const struct errand *errand)
{
	engine_put_json(txn, KIND_ERRAND, errand->id, errand_to_json(errand));
}

gboolean
engine_load_errand(struct engine *engine, const json_t *json, GError **error)
{
	struct errand *errand = errand_from_json(json, error);
	if (!errand)
		return FALSE;
	/* The clock may have been set back since. */
	if (errand->next - engine_now(engine) > ERRAND_WAIT_MAX)
		errand->next = 0;
	g_ptr_array_add(engine->errands, errand);
	return TRUE;
}

void
engine_commit_errand(struct engine *engine, struct engine_commit *out, const struct job *job,
		     struct errand *errand)
{
	cairn_auto(errand) owned = errand;
	if (engine->errands->len + out->errands->len >= ERRANDS_MAX) {
		g_warning("job %llu: \"%s\" is not told or run, %d others are waiting",
			  (unsigned long long)job->number, errand->target, ERRANDS_MAX);
		return;
	}
	errand->job = g_strdup(job->id);
	errand->job_number = job->number;
	errand->created = errand->next = engine_now(engine);
	put_errand(out->txn, errand);
	g_ptr_array_add(out->errands, g_steal_pointer(&owned));
}

guint
engine_errands(const struct engine *engine)
{
	return engine->errands->len;
}

void
engine_run_errands(struct engine *engine, gint64 now)
{
	guint running = 0;
	for (guint i = 0; i < engine->errands->len; i++)
		running += ((const struct errand *)engine->errands->pdata[i])->running != FALSE;
	for (guint i = 0; i < engine->errands->len && running < ERRANDS_AT_ONCE; i++) {
		struct errand *errand = engine->errands->pdata[i];
		if (errand->running || now < errand->next)
			continue;
		errand->running = TRUE;
		running++;
		engine->io.errand(engine->user, errand);
	}
}

void
engine_adopt_errands(struct engine *engine, GPtrArray *errands)
{
	if (errands->len == 0)
		return;
	while (errands->len > 0)
		g_ptr_array_add(engine->errands, g_ptr_array_steal_index(errands, 0));
	if (engine->started)
		engine_run_errands(engine, engine_now(engine));
}

void
engine_errands_clock_set(struct engine *engine, gint64 by)
{
	for (guint i = 0; i < engine->errands->len; i++)
		((struct errand *)engine->errands->pdata[i])->next += by;
}

/* ---- how they end ---- */

/* If the job is still there, whoever looks at it is told. */
static void
note_dropped(struct engine *engine, const struct errand *errand, const char *why)
{
	struct run *run = engine_run(engine, errand->job);
	if (!run || run->job->phase != PHASE_ENDED)
		return;
	struct job *changed = job_copy(run->job);
	g_autofree char *old = g_steal_pointer(&changed->note);
	g_autofree char *text =
		g_strdup_printf("%s%s%s \"%s\" failed: %s", old ? old : "", old ? "; " : "",
				errand_type_name(errand->type), errand->target, why);
	g_autofree char *cut = g_strndup(text, NOTE_MAX);
	changed->note = g_utf8_make_valid(cut, -1);
	/* If the store cannot take it, it is in the log. */
	engine_job_save(engine, changed, NULL, NULL);
}

/* If the store cannot forget it, it is done once more after a restart. */
static void
forget(struct engine *engine, struct errand *errand)
{
	cairn_auto(store_txn) txn = store_txn_new();
	store_txn_delete(txn, KIND_ERRAND, errand->id, STORE_ANY);
	store_commit(engine->store, txn, NULL);
	g_ptr_array_remove(engine->errands, errand);
}

static void
failed(struct engine *engine, struct errand *errand, const GError *error)
{
	if (!errand_failed(errand, engine_now(engine))) {
		g_warning("job %llu: %s \"%s\" failed %d times, and is given up: %s",
			  (unsigned long long)errand->job_number, errand_type_name(errand->type),
			  errand->target, ERRAND_TRIES, error->message);
		note_dropped(engine, errand, error->message);
		forget(engine, errand);
		return;
	}
	g_message("job %llu: %s \"%s\" failed, and is tried again later: %s",
		  (unsigned long long)errand->job_number, errand_type_name(errand->type),
		  errand->target, error->message);
	cairn_auto(store_txn) txn = store_txn_new();
	put_errand(txn, errand);
	/* If the store cannot count it, it may be tried more often. */
	store_commit(engine->store, txn, NULL);
}

void
engine_errand_done(struct engine *engine, const char *id, const GError *error)
{
	for (guint i = 0; i < engine->errands->len; i++) {
		struct errand *errand = engine->errands->pdata[i];
		if (strcmp(errand->id, id) != 0)
			continue;
		errand->running = FALSE;
		if (error)
			failed(engine, errand, error);
		else
			forget(engine, errand);
		return;
	}
}
