/* Points: what people ask about them, and how a point's data is let go. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/guid.h"
#include "core/chain.h"

/* ---- finding points ---- */

GPtrArray *
engine_points(const struct engine *engine, const char *group, gboolean hidden)
{
	GPtrArray *points = g_ptr_array_new();
	for (guint i = 0; i < engine->points->len; i++) {
		struct point *point = engine->points->pdata[i];
		if ((hidden || !point->hidden) && (!group || strcmp(point->group, group) == 0))
			g_ptr_array_add(points, point);
	}
	return points;
}

struct point *
engine_point_by_id(const struct engine *engine, const char *id)
{
	for (guint i = 0; id && i < engine->points->len; i++) {
		struct point *point = engine->points->pdata[i];
		if (strcmp(point->id, id) == 0)
			return point;
	}
	return NULL;
}

static struct point *
point_by_number(const struct engine *engine, const struct group *group, const char *number)
{
	g_autoptr(GPtrArray) points = engine_points(engine, group->id, FALSE);
	if (strcmp(number, "latest") == 0)
		return points->len ? points->pdata[points->len - 1] : NULL;
	guint64 wanted;
	if (!g_ascii_string_to_unsigned(number, 10, 1, G_MAXINT64, &wanted, NULL))
		return NULL;
	for (guint i = 0; i < points->len; i++)
		if (((struct point *)points->pdata[i])->number == wanted)
			return points->pdata[i];
	return NULL;
}

struct point *
engine_point(const struct engine *engine, const char *name, GError **error)
{
	g_autofree char *id = cairn_guid_normalize(name);
	struct point *point = engine_point_by_id(engine, id);
	const char *at = strrchr(name, '@');
	if (!id && at) {
		g_autofree char *group_name = g_strndup(name, (gsize)(at - name));
		struct group *group = engine_group(engine, group_name, error);
		if (!group)
			return NULL;
		point = point_by_number(engine, group, at + 1);
	}
	if (point && !point->hidden)
		return point;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
		    "there is no point \"%s\" (GROUP@NUMBER, GROUP@latest or a GUID)", name);
	return NULL;
}

struct point *
engine_held(const struct engine *engine, const char *group)
{
	for (guint i = 0; i < engine->points->len; i++) {
		struct point *point = engine->points->pdata[i];
		if (point->held && strcmp(point->group, group) == 0)
			return point;
	}
	return NULL;
}

char *
engine_point_name(const struct engine *engine, const struct point *point)
{
	const struct group *group = engine_group_by_id(engine, point->group);
	return g_strdup_printf("%s@%" G_GUINT64_FORMAT, group ? group->name : point->group,
			       point->number);
}

/* ---- letting go ---- */

void
engine_hold_debts(const struct point *point, GPtrArray *debts, guint flags)
{
	for (guint i = 0; i < point->members->len; i++)
		g_ptr_array_add(debts, debt_of_member(point, point->members->pdata[i], flags));
}

/* An unfinished export cannot be finished without the data. */
void
engine_partial_debts(const struct point *point, GPtrArray *debts)
{
	for (char **path = point->partials; *path; path++)
		g_ptr_array_add(debts, engine_partial_debt(point, *path));
}

struct debt *
engine_partial_debt(const struct point *point, const char *directory)
{
	struct debt *debt = debt_new(point->id, NULL, NULL, DEBT_PARTIAL);
	debt->path = point_staging_dir(directory, point->group, point->id);
	return debt;
}

/* Takes the elements over; they are stored already. */
void
engine_adopt_debts(struct engine *engine, GPtrArray *debts)
{
	while (debts->len > 0)
		g_ptr_array_add(engine->debts, g_ptr_array_steal_index(debts, debts->len - 1));
	engine->debts_at = 0;
}

void
engine_replace_point(struct engine *engine, struct point *changed)
{
	for (guint i = 0; i < engine->points->len; i++) {
		struct point *point = engine->points->pdata[i];
		if (strcmp(point->id, changed->id) != 0)
			continue;
		struct point old = *point;
		*point = *changed;
		*changed = old;
		point_free(changed);
		if (!point->hidden) /* for clients it is deleted */
			engine_point_event(engine, "POINT_CHANGED", point);
		return;
	}
	engine_add_point(engine, changed);
	engine_point_event(engine, "POINT_CREATED", changed);
}

struct point *
engine_released(const struct point *point, const char *reason, GPtrArray *debts)
{
	struct point *changed = point_copy(point);
	changed->held = FALSE;
	changed->hold_until = 0;
	g_free(changed->release_reason);
	changed->release_reason = g_strdup(reason);
	engine_hold_debts(point, debts, DEBT_END);
	engine_partial_debts(point, debts);
	g_strfreev(changed->partials);
	changed->partials = g_new0(char *, 1);
	return changed;
}

static gboolean
point_is_idle(const struct engine *engine, const struct point *point, GError **error)
{
	const struct job *job = engine_job_using(engine, point);
	if (!job)
		return TRUE;
	g_autofree char *name = engine_point_name(engine, point);
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY, "point \"%s\" is used by job %llu", name,
		    (unsigned long long)job->number);
	return FALSE;
}

static gboolean
release(struct engine *engine, struct point *point, const char *reason, GError **error)
{
	cairn_auto(store_txn) txn = store_txn_new();
	g_autoptr(GPtrArray) debts = g_ptr_array_new_with_free_func((GDestroyNotify)debt_free);
	cairn_auto(point) changed = engine_released(point, reason, debts);
	engine_put_point(txn, changed);
	engine_put_debts(txn, debts);
	if (!store_commit(engine->store, txn, error))
		return FALSE;
	engine_replace_point(engine, g_steal_pointer(&changed));
	engine_adopt_debts(engine, debts);
	return TRUE;
}

void
engine_point_expire(struct engine *engine, struct point *point, gint64 now)
{
	if (engine_may_expire(engine, point, now))
		release(engine, point, "its hold time was over", NULL);
}

gboolean
engine_point_release(struct engine *engine, struct point *point, const char *reason, GError **error)
{
	if (!point->held)
		return TRUE;
	return point_is_idle(engine, point, error) && release(engine, point, reason, error);
}

/* ---- deleting ---- */

/* Deleted points stay, hidden, while an older one is shown: the way from it to a newer point leads
 * over their changes, or, for the newest, over its bitmap. The others go. One that a job uses
 * counts as shown: an export reads the changes since its base at every copy, and the base may have
 * been deleted before the export began. It goes with a later deletion. */
static void
collect(const struct engine *engine, const GPtrArray *points, GPtrArray *gone)
{
	for (guint i = 0; i < points->len; i++) {
		struct point *point = points->pdata[i];
		if (!point->hidden || engine_job_using(engine, point))
			return;
		g_ptr_array_add(gone, point);
	}
}

static gboolean
commit_deletion(struct engine *engine, struct point *hidden, GPtrArray *gone, GError **error)
{
	cairn_auto(store_txn) txn = store_txn_new();
	g_autoptr(GPtrArray) debts = g_ptr_array_new_with_free_func((GDestroyNotify)debt_free);
	for (guint i = 0; i < gone->len; i++) {
		engine_drop_point(txn, gone->pdata[i]);
		engine_put_unstored(engine, txn, gone->pdata[i]);
		engine_hold_debts(gone->pdata[i], debts, DEBT_END | DEBT_FORGET);
		engine_partial_debts(gone->pdata[i], debts);
	}
	cairn_auto(point) changed = NULL;
	if (!g_ptr_array_find(gone, hidden, NULL)) {
		changed = engine_released(hidden, "deleted", debts);
		changed->hidden = TRUE;
		engine_put_point(txn, changed);
		engine_put_unstored(engine, txn, hidden);
	}
	engine_put_debts(txn, debts);
	if (!store_commit(engine->store, txn, error))
		return FALSE;
	if (changed)
		engine_replace_point(engine, g_steal_pointer(&changed));
	engine_adopt_debts(engine, debts);
	return TRUE;
}

gboolean
engine_point_delete(struct engine *engine, struct point *point, GError **error)
{
	if (!point_is_idle(engine, point, error))
		return FALSE;
	g_autoptr(GPtrArray) points = engine_points(engine, point->group, TRUE);
	g_autoptr(GPtrArray) gone = g_ptr_array_new();
	point->hidden = TRUE;
	collect(engine, points, gone);
	if (!commit_deletion(engine, point, gone, error)) {
		point->hidden = FALSE;
		return FALSE;
	}
	json_t *data = json_object();
	cairn_json_set_string(data, "id", point->id);
	cairn_json_set_string(data, "group", point->group);
	for (guint i = 0; i < gone->len; i++)
		g_ptr_array_remove(engine->points, gone->pdata[i]);
	engine_event(engine, "POINT_DELETED", data);
	return TRUE;
}

/* ---- lost data ---- */

static void
fail_job(struct engine *engine, const char *job, const char *vm, int code, const char *reason)
{
	struct inbox_item *item = inbox_item_new(job, JOB_EVENT_FAIL);
	item->error = g_error_new_literal(CAIRN_ERROR, code, reason);
	item->vm = g_strdup(vm);
	/* What it asked before the daemon's start nobody answers: it is undone only by one that has
	 * been restarted. */
	engine_restart_now(engine, job);
	engine_post_first(engine, item);
}

/* A machine that was off when it was prepared holds nothing that it could lose: that it was
 * stopped, or that the job of the point before ended, is told late. */
static gboolean
is_point_job_of(const struct job *job, const char *vm)
{
	const struct point_member *member = job->draft ? point_find_member(job->draft, vm) : NULL;
	return member && (job->phase == PHASE_WINDOW || job->phase == PHASE_EXTENTS) &&
	       g_strcmp0(member->state, "shutoff") != 0;
}

/* The store may have no space for it, on the very disk that is being filled: the hold ends all the
 * same, or the guests would suffer. The store still says that the data is held, until it can be
 * told; if the daemon is killed before, its next start finds out. */
static void
release_anyway(struct engine *engine, struct point *point, const char *reason)
{
	g_autoptr(GError) error = NULL;
	if (release(engine, point, reason, &error))
		return;
	g_warning("cannot store that data was let go: %s", error->message);
	g_autoptr(GPtrArray) debts = g_ptr_array_new_with_free_func((GDestroyNotify)debt_free);
	struct point *changed = engine_released(point, reason, debts);
	changed->unstored = TRUE;
	engine_replace_point(engine, changed);
	engine_adopt_debts(engine, debts);
}

void
engine_put_unstored(const struct engine *engine, struct store_txn *txn, const struct point *point)
{
	for (guint i = 0; point->unstored && i < engine->debts->len; i++) {
		const struct debt *debt = engine->debts->pdata[i];
		if (debt->flags != 0 && strcmp(debt->point, point->id) == 0)
			engine_put_json(txn, KIND_DEBT, debt->id, debt_to_json(debt));
	}
}

gboolean
engine_any_unstored(const struct engine *engine)
{
	for (guint i = 0; i < engine->points->len; i++)
		if (((const struct point *)engine->points->pdata[i])->unstored)
			return TRUE;
	return FALSE;
}

void
engine_store_released(struct engine *engine)
{
	for (guint i = 0; i < engine->points->len; i++) {
		struct point *point = engine->points->pdata[i];
		if (!point->unstored)
			continue;
		cairn_auto(store_txn) txn = store_txn_new();
		engine_put_point(txn, point);
		engine_put_unstored(engine, txn, point);
		if (!store_commit(engine->store, txn, NULL))
			return; /* next time */
		point->unstored = FALSE;
	}
}

gboolean
engine_hold_lost(struct engine *engine, const char *vm, int code, const char *reason)
{
	/* One that fails may let another begin, so they are known by their ids. */
	g_autoptr(GPtrArray) hit = g_ptr_array_new_with_free_func(g_free);
	gboolean mattered = FALSE;
	for (guint i = 0; i < engine->runs.active->len; i++) {
		const struct job *job = ((struct run *)engine->runs.active->pdata[i])->job;
		const struct point *point = engine_point_by_id(engine, job->point);
		if (is_point_job_of(job, vm) || (job->kind == JOB_EXPORT && point && point->held &&
						 point_find_member(point, vm)))
			g_ptr_array_add(hit, g_strdup(job->id));
	}
	/* The jobs first: they say why they failed, and not that the data is gone. */
	for (guint i = 0; i < hit->len; i++)
		fail_job(engine, hit->pdata[i], vm, code, reason);
	for (guint i = 0; i < engine->points->len; i++) {
		struct point *point = engine->points->pdata[i];
		if (!point->held || !point_find_member(point, vm))
			continue;
		mattered = TRUE;
		release_anyway(engine, point, reason);
	}
	return mattered || hit->len > 0;
}

/* ---- the clock ---- */

void
engine_clock_set(struct engine *engine, gint64 by)
{
	gint64 now = engine_now(engine);
	engine_shift_jobs(engine, by);
	engine->debts_at = 0; /* a guest must not wait until the clock is there again */
	cairn_auto(store_txn) txn = store_txn_new();
	g_autoptr(GPtrArray) changed = g_ptr_array_new();
	for (guint i = 0; i < engine->points->len; i++) {
		const struct point *point = engine->points->pdata[i];
		if (!point->held || !point->hold_until)
			continue;
		struct point *copy = point_copy(point);
		/* Never longer than it was asked for: the clock that was wrong may have been the
		 * one before a restart. */
		copy->hold_until = MIN(point->hold_until + by,
				       now + MAX(0, point->hold_until - point->created));
		engine_put_point(txn, copy);
		g_ptr_array_add(changed, copy);
	}
	gboolean ok = changed->len == 0 || store_commit(engine->store, txn, NULL);
	for (guint i = 0; i < changed->len; i++) {
		if (ok)
			engine_replace_point(engine, changed->pdata[i]);
		else
			point_free(changed->pdata[i]);
	}
	engine_errands_clock_set(engine, by);
	engine_schedules_clock_set(engine);
}

/* ---- for people ---- */

/* From the stored form: what a person needs besides, and times as text. */
json_t *
engine_point_view(const struct engine *engine, const struct point *point)
{
	json_t *json = point_to_json(point);
	const struct group *group = engine_group_by_id(engine, point->group);
	g_autofree char *name = engine_point_name(engine, point);
	cairn_json_set_string(json, "name", name);
	cairn_json_set_string(json, "group-name", group ? group->name : NULL);
	cairn_json_set_time(json, "created", point->created);
	cairn_json_set_time(json, "hold-until", point->hold_until);
	cairn_json_set_string(json, "base", point->prev);
	json_object_del(json, "prev");
	json_object_del(json, "hidden");
	json_t *members = json_object_get(json, "members");
	for (guint i = 0; i < point->members->len; i++) {
		const struct point_member *member = point->members->pdata[i];
		json_t *item = json_array_get(members, i);
		gint64 paused = member->stopped_at && member->resumed_at
					? member->resumed_at - member->stopped_at
					: 0;
		cairn_json_set_uint(item, "paused-us", (guint64)MAX(0, paused));
		json_t *disks = json_object_get(item, "disks");
		for (guint j = 0; j < member->disks->len; j++) {
			const struct point_disk *disk = member->disks->pdata[j];
			g_autofree char *id = point_disk_instance_id(member->id, disk->target);
			cairn_json_set_string(json_array_get(disks, j), "id", id);
			if (!disk->changes)
				cairn_json_set(json_array_get(disks, j), "changed-bytes",
					       json_null());
		}
	}
	json_t *exports = json_object_get(json, "exports");
	for (guint i = 0; i < point->exports->len; i++)
		cairn_json_set_time(json_array_get(exports, i), "time",
				    ((struct point_export *)point->exports->pdata[i])->time);
	return json;
}

void
engine_point_event(struct engine *engine, const char *name, const struct point *point)
{
	engine_event(engine, name, engine_point_view(engine, point));
}
