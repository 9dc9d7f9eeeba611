/* What must be decided before a job can go on: the members of a new point, the disks of an export
 * and which of them can be increments. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "core/chain.h"

/* ---- points ---- */

guint64
engine_point_number(const struct job *job)
{
	return g_ascii_strtoull(strrchr(job->point_name, '@') + 1, NULL, 10);
}

void
engine_rename_point(struct job *job, const char *group, guint64 number)
{
	g_free(job->point_name);
	job->point_name = g_strdup_printf("%s@%llu", group, (unsigned long long)number);
}

static gboolean
held_elsewhere(struct engine *engine, const struct job *job, const struct group_member *member,
	       GError **error)
{
	for (guint i = 0; i < engine->points->len; i++) {
		const struct point *point = engine->points->pdata[i];
		if (!point->held || strcmp(point->group, job->group) == 0 ||
		    !point_find_member(point, member->id))
			continue;
		g_autofree char *name = engine_point_name(engine, point);
		g_set_error(
			error, CAIRN_ERROR, CAIRN_ERROR_BUSY,
			"machine \"%s\" holds the data of point \"%s\" of another group: export "
			"or release that one first",
			member->name, name);
		return TRUE;
	}
	return FALSE;
}

gboolean
engine_plan_point(struct engine *engine, struct job *job, GError **error)
{
	struct group *group = engine_group(engine, job->group, error);
	if (!group)
		return FALSE;
	if (group->members->len == 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "group \"%s\" has no members: add some with `cairn group add`",
			    group->name);
		return FALSE;
	}
	g_autoptr(GPtrArray) points = engine_points(engine, job->group, TRUE);
	const struct point *prev = chain_newest(points);
	/* Points are numbered as they are taken: it was delayed, and another one was faster. */
	if (prev && prev->number > engine_point_number(job))
		engine_rename_point(job, group->name, group->next_number);
	struct point *draft = job->draft = point_new(job->point, job->group);
	draft->number = engine_point_number(job);
	draft->prev = g_strdup(prev ? prev->id : NULL);
	draft->requested = job->consistency;
	draft->barrier = job->barrier;
	for (guint i = 0; i < group->members->len; i++) {
		const struct group_member *member = group->members->pdata[i];
		if (held_elsewhere(engine, job, member, error))
			return FALSE;
		point_add_member(draft, member->id, member->name);
		job_add_member(job, member->id, member->name);
	}
	return TRUE;
}

/* ---- exports ---- */

static gboolean
is_wanted(const struct job *job, const struct point_member *member, const struct point_disk *disk)
{
	if (!*job->wanted)
		return TRUE;
	for (char **wanted = job->wanted; *wanted; wanted++) {
		const char *colon = strrchr(*wanted, ':');
		gsize len = colon ? (gsize)(colon - *wanted) : strlen(*wanted);
		g_autofree char *vm = g_strndup(*wanted, len);
		if (strcmp(vm, member->name) != 0 && g_ascii_strcasecmp(vm, member->id) != 0)
			continue;
		if (!colon || strcmp(colon + 1, disk->target) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Each wanted name must hit something: a typo must not make a smaller backup. */
static gboolean
all_wanted_exist(const struct job *job, const struct point *point, GError **error)
{
	for (char **wanted = job->wanted; *wanted; wanted++) {
		struct job one = {.wanted = (char *[]){*wanted, NULL}};
		gboolean hit = FALSE;
		for (guint i = 0; i < point->members->len; i++) {
			const struct point_member *member = point->members->pdata[i];
			for (guint j = 0; j < member->disks->len; j++)
				hit |= is_wanted(&one, member, member->disks->pdata[j]);
		}
		if (hit)
			continue;
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    "point \"%s\" has no disk \"%s\" (VM or VM:TARGET)", job->point_name,
			    *wanted);
		return FALSE;
	}
	return TRUE;
}

static char *
why_full(struct engine *engine, const struct job *job, const struct inbox_item *item,
	 const struct point *point, const struct point *base, const struct point_member *member,
	 const struct point_disk *disk)
{
	if (!base)
		return g_strdup(item->base_reason);
	if (g_strcmp0(job->format, "raw") == 0)
		return g_strdup("raw images are always full");
	char *reason = NULL;
	g_autoptr(GPtrArray) sets =
		engine_change_sets(engine, point, base, member->id, disk->target, &reason);
	/* Only whether they are known counts here. */
	if (!sets)
		return reason;
	g_autofree char *key = g_strdup_printf("%s/%s", member->id, disk->target);
	if (!item->base_disks || !g_hash_table_contains(item->base_disks, key))
		return g_strdup("the base's export does not have this disk as qcow2");
	return NULL;
}

static void
plan_disk(struct engine *engine, struct job *job, const struct inbox_item *item,
	  const struct point *point, const struct point *base, const struct point_member *member,
	  const struct point_disk *disk)
{
	struct job_disk *planned = job_add_disk(job, member->id, member->name, disk->target);
	planned->reason = why_full(engine, job, item, point, base, member, disk);
	planned->incremental = base && !planned->reason;
	if (!planned->reason || !base)
		return;
	g_autofree char *text = g_strdup_printf("%s:%s is exported in full: %s", member->name,
						disk->target, planned->reason);
	job_add_warning(job, text);
}

/* The base that the folder and the store both know. An explicit one must be had, "auto" may not. */
static gboolean
find_base(struct engine *engine, struct job *job, const struct point *point,
	  const struct inbox_item *item, const struct point **ret_base, char **ret_reason,
	  GError **error)
{
	*ret_base = NULL;
	if (!job->base)
		return TRUE;
	const struct point *base = engine_point_by_id(engine, item->base);
	const char *why = NULL;
	if (!item->base || item->base_reason)
		why = item->base_reason;
	else if (!base)
		why = "the newest export in the folder is of a point that this cairnd does not "
		      "know";
	else if (strcmp(base->group, point->group) != 0)
		why = "the base is a point of another group";
	else if (base->number >= point->number)
		why = "the base is not older than the point";
	if (!why) {
		*ret_base = base;
		return TRUE;
	}
	*ret_reason = g_strdup(why);
	if (strcmp(job->base, "auto") == 0)
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "point \"%s\" cannot be exported as an increment: %s", job->point_name, why);
	return FALSE;
}

/* What was made in a folder that has nothing now is most often on a file system that is not
 * mounted: the export goes on, a full one here is better than none, but a person should look. */
static void
warn_of_empty_folder(const struct engine *engine, struct job *job, const struct point *point)
{
	g_autoptr(GPtrArray) points = engine_points(engine, point->group, TRUE);
	guint known = 0;
	for (guint i = 0; i < points->len; i++)
		known += points->pdata[i] != point &&
			 point_has_export(points->pdata[i], job->directory);
	if (known == 0)
		return;
	g_autofree char *text = g_strdup_printf("exported in full: none of the group's earlier "
						"exports (%u) is in \"%s\" any more; is "
						"its file system mounted?",
						known, job->directory);
	job_add_warning(job, text);
}

gboolean
engine_plan_export(struct engine *engine, struct job *job, const struct inbox_item *item,
		   GError **error)
{
	const struct point *point = engine_point_by_id(engine, job->point), *base;
	g_autofree char *reason = NULL;
	if (!point) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    "point \"%s\" is not there any more", job->point_name);
		return FALSE;
	}
	if (!find_base(engine, job, point, item, &base, &reason, error) ||
	    !all_wanted_exist(job, point, error))
		return FALSE;
	g_free(job->base_point);
	job->base_point = g_strdup(base ? base->id : NULL);
	g_ptr_array_set_size(job->disks, 0);
	gboolean all = TRUE;
	for (guint i = 0; i < point->members->len; i++) {
		const struct point_member *member = point->members->pdata[i];
		for (guint j = 0; j < member->disks->len; j++) {
			const struct point_disk *disk = member->disks->pdata[j];
			if (is_wanted(job, member, disk))
				plan_disk(engine, job, item, point, base, member, disk);
			else
				all = FALSE;
		}
	}
	/* "auto" with nothing there is the expected first backup; anything else is worth a word. */
	if (reason && item->base)
		job_add_warning(job, reason);
	else if (reason)
		warn_of_empty_folder(engine, job, point);
	job->release = all && !job->keep_held;
	return TRUE;
}
