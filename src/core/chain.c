/* Chains of points; see chain.h. */
#include "core/chain.h"

static const struct point *
find(const GPtrArray *points, const char *id)
{
	for (guint i = 0; id && i < points->len; i++) {
		const struct point *point = points->pdata[i];
		if (g_strcmp0(point->id, id) == 0)
			return point;
	}
	return NULL;
}

static const struct point_disk *
disk_of(const struct point *point, const char *vm, const char *target)
{
	const struct point_member *member = point_find_member(point, vm);
	return member ? point_find_disk(member, target) : NULL;
}

/* Why the changes from the point before @at to @at do not help; NULL if they do. */
static char *
broken_at(const struct point *at, const struct point_disk *disk, guint64 size)
{
	if (!disk)
		return g_strdup_printf("the disk was not part of point %" G_GUINT64_FORMAT,
				       at->number);
	if (disk->size != size)
		return g_strdup_printf("the disk was resized (it had %" G_GUINT64_FORMAT
				       " bytes at point %" G_GUINT64_FORMAT ")",
				       disk->size, at->number);
	if (!disk->changes)
		return g_strdup_printf("changes up to point %" G_GUINT64_FORMAT
				       " are not known: %s",
				       at->number, disk->reason ? disk->reason : "no tracking");
	return NULL;
}

GPtrArray *
chain_changes(const GPtrArray *points, const struct point *point, const struct point *base,
	      const char *vm, const char *target, char **ret_reason)
{
	const struct point_disk *last = disk_of(point, vm, target),
				*first = disk_of(base, vm, target);
	if (!last || !first) {
		*ret_reason = g_strdup("the disk was not part of the base");
		return NULL;
	}
	if (base->number > point->number) {
		*ret_reason = g_strdup("the base does not come before this point");
		return NULL;
	}
	if (first->size != last->size) {
		*ret_reason = broken_at(base, first, last->size);
		return NULL;
	}
	g_autoptr(GPtrArray) path = g_ptr_array_new();
	for (const struct point *at = point; at != base; at = find(points, at->prev)) {
		if (!at || path->len > points->len) {
			*ret_reason = g_strdup("the base does not come before this point");
			return NULL;
		}
		char *reason = broken_at(at, disk_of(at, vm, target), last->size);
		if (reason) {
			*ret_reason = reason;
			return NULL;
		}
		g_ptr_array_add(path, (gpointer)at);
	}
	*ret_reason = NULL;
	return g_steal_pointer(&path);
}

struct point *
chain_newest(const GPtrArray *points)
{
	return points->len ? points->pdata[points->len - 1] : NULL;
}
