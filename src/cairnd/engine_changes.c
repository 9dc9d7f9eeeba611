/* What changed between two points: the stored sets are read here, on the loop, which owns the
 * store; putting a million ranges together takes a second, and is for a worker. */
#include "cairnd/engine_private.h"

#include "base/error.h"
#include "base/extents.h"
#include "core/chain.h"

GPtrArray *
engine_change_sets(struct engine *engine, const struct point *point, const struct point *base,
		   const char *vm, const char *target, char **ret_reason)
{
	g_autoptr(GPtrArray) points = engine_points(engine, point->group, TRUE);
	g_autoptr(GPtrArray) path = chain_changes(points, point, base, vm, target, ret_reason);
	if (!path)
		return NULL;
	g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < path->len; i++) {
		const struct point *at = path->pdata[i];
		g_autofree char *id = point_extents_id(at->id, vm, target);
		g_autoptr(GError) error = NULL;
		cairn_auto(store_object) object =
			store_get(engine->store, KIND_EXTENTS, id, &error);
		if (!object) {
			*ret_reason = g_strdup_printf("its stored changes cannot be read: %s",
						      error->message);
			return NULL;
		}
		g_ptr_array_add(sets, g_bytes_ref(object->body));
	}
	return g_steal_pointer(&sets);
}

GBytes *
change_sets_unite(const GPtrArray *sets, guint64 size, GError **error)
{
	cairn_auto(extents) sum = extents_new(size);
	for (guint i = 0; i < sets->len; i++) {
		cairn_auto(extents) part = extents_decode(sets->pdata[i], error);
		if (!part) {
			g_prefix_error(error, "the stored changes cannot be read: ");
			return NULL;
		}
		struct extents *both = extents_union(sum, part);
		extents_free(sum);
		sum = both;
	}
	return extents_encode(sum);
}
