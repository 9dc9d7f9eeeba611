/* Which disk copy comes next: the places for copies are divided among the running jobs, and among
 * the hosts. core/queue.h has the rule. */
#include "cairnd/engine_private.h"

struct places {
	GPtrArray *runs;   /* those whose copies may run */
	GHashTable *hosts; /* URI -> number of copies from there */
	guint64 taken;
};

const char *
engine_copy_host(const struct engine *engine, const struct job *job, guint disk)
{
	const struct point *point = engine_point_by_id(engine, job->point);
	const struct job_disk *one = disk < job->disks->len ? job->disks->pdata[disk] : NULL;
	const struct point_member *member = point && one ? point_find_member(point, one->vm) : NULL;
	return member && member->uri ? member->uri : "";
}

static guint
copies_of_host(const struct engine *engine, const struct places *places, const struct job *job,
	       guint disk)
{
	const char *host = engine_copy_host(engine, job, disk);
	return GPOINTER_TO_UINT(g_hash_table_lookup(places->hosts, host));
}

static void
take(const struct engine *engine, struct places *places, const struct job *job, guint disk)
{
	places->taken++;
	if (engine->limits.copies_per_host == 0)
		return;
	guint n = copies_of_host(engine, places, job, disk);
	g_hash_table_insert(places->hosts, (gpointer)engine_copy_host(engine, job, disk),
			    GUINT_TO_POINTER(n + 1));
}

/* A suspended job keeps its copies, but not others from copying. */
static void
places_find(struct places *places, const struct engine *engine)
{
	places->runs = g_ptr_array_new();
	places->hosts = g_hash_table_new(g_str_hash, g_str_equal);
	places->taken = 0;
	const GPtrArray *running = engine->runs.running;
	for (guint i = 0; i < running->len; i++) {
		struct run *run = running->pdata[i];
		if (run->copies.length + g_hash_table_size(run->copying) == 0 ||
		    run->job->state == JOB_SUSPENDED)
			continue;
		g_ptr_array_add(places->runs, run);
		GHashTableIter iter;
		gpointer disk;
		g_hash_table_iter_init(&iter, run->copying);
		while (g_hash_table_iter_next(&iter, &disk, NULL))
			take(engine, places, run->job, GPOINTER_TO_UINT(disk));
	}
}

static void
places_clear(struct places *places)
{
	g_ptr_array_unref(places->runs);
	g_hash_table_unref(places->hosts);
}

/* The first of the waiting disks whose host has a place. */
static GList *
next_disk(const struct engine *engine, const struct places *places, const struct run *run)
{
	guint64 most = engine->limits.copies_per_host;
	for (GList *item = run->copies.head; item; item = item->next) {
		guint disk = GPOINTER_TO_UINT(item->data);
		if (most == 0 || copies_of_host(engine, places, run->job, disk) < most)
			return item;
	}
	return NULL;
}

/* Since when it could copy and does not. */
static void
note_waiting(struct run *run, gint64 now)
{
	if (run->copies.length == 0 || g_hash_table_size(run->copying) > 0 || job_is_held(run->job))
		run->copies_since = 0;
	else if (run->copies_since == 0)
		run->copies_since = now;
}

static struct run *
next_run(const struct engine *engine, const struct places *places, gint64 now)
{
	gint64 starve_after = (gint64)engine->limits.starve_seconds * G_USEC_PER_SEC;
	g_autofree struct queue_copies *list = g_new0(struct queue_copies, places->runs->len);
	for (guint i = 0; i < places->runs->len; i++) {
		struct run *run = places->runs->pdata[i];
		note_waiting(run, now);
		list[i] = (struct queue_copies){
			.job = run->job,
			.copying = g_hash_table_size(run->copying),
			.since = run->copies_since,
			/* in service its copies end and no other begins */
			.ready = !job_is_held(run->job) && next_disk(engine, places, run) != NULL,
		};
	}
	gint next = queue_next_copy(list, places->runs->len, now, starve_after);
	return next < 0 ? NULL : places->runs->pdata[next];
}

void
engine_start_copies(struct engine *engine)
{
	struct places places;
	struct run *run;
	gint64 now = engine_now(engine);
	places_find(&places, engine);
	while ((run = next_run(engine, &places, now)) && places.taken < engine->limits.max_copies) {
		GList *item = next_disk(engine, &places, run);
		struct job_effect effect = {EFFECT_COPY, GPOINTER_TO_UINT(item->data)};
		g_queue_delete_link(&run->copies, item);
		g_hash_table_add(run->copying, GUINT_TO_POINTER(effect.index));
		take(engine, &places, run->job, effect.index);
		engine->io.effect(engine->user, run->job, &effect);
	}
	places_clear(&places);
}
