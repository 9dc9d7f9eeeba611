/* Which jobs need a point, or what it holds: it cannot be destroyed before they have ended. */
#include "cairnd/engine_private.h"

static gboolean
exported_to(const struct point *point, const char *directory)
{
	for (guint i = 0; i < point->exports->len; i++) {
		const struct point_export *export = point->exports->pdata[i];
		if (strcmp(export->directory, directory) == 0)
			return TRUE;
	}
	return FALSE;
}

/* An export that is to find its base in the folder has not looked yet: it will take the newest one
 * there. Without it the export would be a full one, which is no harm, but may take a day. */
static gboolean
may_be_base(const struct engine *engine, const struct job *job, const struct point *point)
{
	if (job->phase != PHASE_WAIT && job->phase != PHASE_STAGE)
		return FALSE;
	if (g_strcmp0(job->base, "auto") != 0 || strcmp(job->group, point->group) != 0 ||
	    !exported_to(point, job->directory))
		return FALSE;
	const struct point *exported = engine_point_by_id(engine, job->point);
	for (guint i = 0; i < engine->points->len; i++) {
		const struct point *other = engine->points->pdata[i];
		if (strcmp(other->group, point->group) == 0 && other->number > point->number &&
		    (!exported || other->number < exported->number) &&
		    exported_to(other, job->directory))
			return FALSE;
	}
	return !exported || point->number < exported->number;
}

static gboolean
uses(const struct engine *engine, const struct job *job, const struct point *point)
{
	if (g_strcmp0(job->point, point->id) == 0 || g_strcmp0(job->base_point, point->id) == 0 ||
	    g_strcmp0(job->base, point->id) == 0 || may_be_base(engine, job, point))
		return TRUE;
	/* Its bitmaps tell what changed up to the point that is being made. */
	return job->draft && g_strcmp0(job->draft->prev, point->id) == 0;
}

const struct job *
engine_job_using(const struct engine *engine, const struct point *point)
{
	const GPtrArray *active = engine->runs.active;
	for (guint i = 0; i < active->len; i++) {
		const struct job *job = ((struct run *)active->pdata[i])->job;
		if (uses(engine, job, point))
			return job;
	}
	return NULL;
}

gboolean
engine_may_expire(const struct engine *engine, const struct point *point, gint64 now)
{
	const GPtrArray *active = engine->runs.active;
	for (guint i = 0; i < active->len; i++) {
		const struct job *job = ((struct run *)active->pdata[i])->job;
		if (uses(engine, job, point) && !queue_delayed(job, now))
			return FALSE;
	}
	return TRUE;
}

gboolean
engine_exported_by_other(const struct engine *engine, const struct job *job)
{
	const GPtrArray *active = engine->runs.active;
	for (guint i = 0; i < active->len; i++) {
		const struct job *other = ((struct run *)active->pdata[i])->job;
		if (other->kind == JOB_EXPORT && strcmp(other->id, job->id) != 0 &&
		    g_strcmp0(other->point, job->point) == 0)
			return TRUE;
	}
	return FALSE;
}
