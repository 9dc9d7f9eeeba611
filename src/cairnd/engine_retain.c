/* What a retention means for the engine: the job that an export asks for, and the points that have
 * no export left. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"
#include "core/chain.h"

/* ---- the job ---- */

static struct job *
retention_after(const struct job *export)
{
	g_autofree char *id = cairn_guid_new();
	struct job *job = job_new(id, JOB_RETAIN);
	job->group = g_strdup(export->group);
	job->directory = g_strdup(export->directory);
	job->retention = export->retention;
	job->owner = g_strdup(export->owner);
	job->schedule = g_strdup(export->schedule);
	job->notify = g_strdup(export->notify);
	job->priority = export->priority;
	job->rate_limit = export->rate_limit;
	job->keep_us = export->keep_us;
	job->delete_on_completion = export->delete_on_completion;
	return job;
}

void
engine_commit_next_retention(struct engine *engine, const struct job *job,
			     struct engine_commit *out)
{
	g_autoptr(GError) error = NULL;
	if (!retention_is_set(&job->retention) || job->outcome != 0)
		return;
	if (!engine_batch_add(engine, &out->batch, out->txn, retention_after(job), NULL, &error))
		g_warning("old exports of job %" G_GUINT64_FORMAT
			  " stay until the next retention: %s",
			  job->number, error->message);
}

/* ---- the points ---- */

static GHashTable *
set_of(const json_t *ids)
{
	GHashTable *set = g_hash_table_new(g_str_hash, g_str_equal);
	size_t i;
	const json_t *id;
	json_array_foreach (ids, i, id)
		g_hash_table_add(set, (gpointer)json_string_value(id));
	return set;
}

static gboolean
has_removed(const json_t *result)
{
	return json_integer_value(json_object_get(result, "deleted")) > 0 ||
	       json_integer_value(json_object_get(result, "merged")) > 0;
}

/* How many exports the store knows in the folder besides the newest, if they are all gone, and not
 * by this retention: what is seen may be the bare folder that a file system was not mounted on. */
static guint
count_missing(const struct engine *engine, const struct job *job, const json_t *result)
{
	g_autoptr(GHashTable) there = set_of(json_object_get(result, "exports"));
	g_autoptr(GPtrArray) points = engine_points(engine, job->group, TRUE);
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	guint missing = 0;
	for (guint i = 0; i < points->len; i++)
		if (point_has_export(points->pdata[i], job->directory))
			g_ptr_array_add(known, points->pdata[i]);
	for (guint i = 0; i + 1 < known->len; i++)
		missing += !g_hash_table_contains(there, ((struct point *)known->pdata[i])->id);
	return missing + 1 == known->len && !has_removed(result) ? missing : 0;
}

/* Nobody can export it any more, and no export is an increment of it. */
static gboolean
is_useless(const struct engine *engine, const struct point *point)
{
	return point->exports->len == 0 && !point->hidden && !point->held && !*point->partials &&
	       !engine_job_using(engine, point);
}

/* @point has an export in the folder, as the store says, that is not there any more. */
static gboolean
has_lost(const struct job *job, GHashTable *there, struct point *point)
{
	return point->exports->len > 0 && !g_hash_table_contains(there, point->id) &&
	       point_remove_export(point, job->directory);
}

/* The copies of those that have lost an export, or are of no use without one, take the originals'
 * places in @points. The newest stays: its bitmaps tell the next point's changes. */
static void
drop_exports(const struct engine *engine, const struct job *job, GHashTable *there,
	     GPtrArray *points, struct engine_commit *out)
{
	const struct point *newest = chain_newest(points);
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i];
		cairn_auto(point) changed = point_copy(point);
		gboolean lost = has_lost(job, there, changed);
		gboolean useless = point != newest && is_useless(engine, changed);
		if (!lost && !useless)
			continue;
		changed->unstored = point->unstored;
		changed->hidden |= useless;
		points->pdata[i] = changed;
		g_ptr_array_add(out->points, g_steal_pointer(&changed));
	}
}

/* As after a deletion: hidden points that no older one needs are deleted. */
static void
drop_points(const struct engine *engine, const GPtrArray *points, struct engine_commit *out)
{
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i];
		if (!point->hidden || engine_job_using(engine, point))
			return;
		engine_drop_point(out->txn, point);
		engine_put_unstored(engine, out->txn, point);
		engine_hold_debts(point, out->debts, DEBT_END | DEBT_FORGET);
		engine_partial_debts(point, out->debts);
		g_ptr_array_add(out->gone, g_strdup(point->id));
	}
}

static gboolean
is_gone(const struct engine_commit *out, const char *point)
{
	return g_ptr_array_find_with_equal_func(out->gone, point, g_str_equal, NULL);
}

void
engine_commit_retention(const struct engine *engine, const struct job *job,
			const struct inbox_item *item, struct engine_commit *out)
{
	g_autoptr(GHashTable) there = set_of(json_object_get(item->result, "exports"));
	g_autoptr(GPtrArray) points = engine_points(engine, job->group, TRUE);
	if (!item->result || item->missing > 0)
		return;
	drop_exports(engine, job, there, points, out);
	if (out->points->len > 0)
		drop_points(engine, points, out);
	for (guint i = 0; i < out->points->len; i++) {
		const struct point *changed = out->points->pdata[i];
		if (is_gone(out, changed->id))
			continue;
		engine_put_point(out->txn, changed);
		engine_put_unstored(engine, out->txn, changed);
	}
}

void
engine_apply_retention(const struct engine *engine, struct job *job, struct inbox_item *item)
{
	json_t *summary = json_copy(item->result);
	size_t i;
	const json_t *text;
	json_object_del(summary, "exports");
	json_object_del(summary, "warnings");
	json_decref(job->retained);
	job->retained = summary;
	json_array_foreach (json_object_get(item->result, "warnings"), i, text)
		job_add_warning(job, json_string_value(text));
	item->missing = count_missing(engine, job, item->result);
	if (item->missing == 0)
		return;
	g_autofree char *warning = g_strdup_printf("no earlier export (%u are known) is in \"%s\" "
						   "any more; their points are kept until the "
						   "next retention: is its file system mounted?",
						   item->missing, job->directory);
	job_add_warning(job, warning);
}

static void
tell_deleted(struct engine *engine, const struct point *point)
{
	json_t *data = json_object();
	cairn_json_set_string(data, "id", point->id);
	cairn_json_set_string(data, "group", point->group);
	engine_event(engine, "POINT_DELETED", data);
}

void
engine_adopt_retention(struct engine *engine, struct engine_commit *out)
{
	while (out->points->len > 0) {
		struct point *changed = g_ptr_array_steal_index(out->points, 0);
		const struct point *old = engine_point_by_id(engine, changed->id);
		changed->unstored = FALSE;
		if (changed->hidden && old && !old->hidden)
			tell_deleted(engine, changed);
		engine_replace_point(engine, changed);
	}
	for (guint i = 0; i < out->gone->len; i++)
		g_ptr_array_remove(engine->points, engine_point_by_id(engine, out->gone->pdata[i]));
}
