/* What must hold in the world of engine_world.h when all is quiet. */
#include "engine_world.h"

#include <string.h>

static const struct point *
holder(struct world *world, const char *name)
{
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, TRUE);
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i];
		g_autofree char *own =
			point_checkpoint_name(engine_instance(world->engine), point->id);
		if (point->held && g_strcmp0(own, name) == 0)
			return point;
	}
	return NULL;
}

static void
check_guest(struct world *world, const struct guest *guest)
{
	struct sim *sim = world->sim;
	sim_check(sim, !guest->frozen && guest->pausing == 0);
	/* Who was paused by a person still is. */
	sim_check(sim, guest->off || guest->stopped != guest->running);
	sim_check(sim, guest->served == NULL);
	sim_check(sim, !guest->backup || holder(world, guest->backup));
	GHashTableIter iter;
	gpointer name;
	g_hash_table_iter_init(&iter, guest->scratch);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		sim_check(sim, holder(world, name));
	g_auto(GStrv) keep = engine_checkpoints_of(world->engine, guest->id);
	g_autofree char *ours = point_checkpoint_name(engine_instance(world->engine), "");
	for (guint i = 0; i < guest->bitmaps->len; i++) {
		const struct bitmap *bitmap = guest->bitmaps->pdata[i];
		sim_check(sim, !g_str_has_prefix(bitmap->name, ours) ||
				       g_strv_contains((const char *const *)keep, bitmap->name));
	}
}

static void
check_held(struct world *world)
{
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, TRUE);
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i];
		for (guint j = 0; point->held && j < GUESTS; j++)
			sim_check(world->sim,
				  world->guests[j].off ||
					  !point_find_member(point, world->guests[j].id) ||
					  holder(world, world->guests[j].backup) == point);
	}
}

static void
check_staging(struct world *world)
{
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, TRUE);
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i];
		for (char **folder = point->partials; *folder; folder++)
			g_hash_table_add(known,
					 point_staging_dir(*folder, point->group, point->id));
	}
	GHashTableIter iter;
	gpointer path;
	g_hash_table_iter_init(&iter, world->staging);
	while (g_hash_table_iter_next(&iter, &path, NULL))
		sim_check(world->sim, g_hash_table_contains(known, path));
}

/* What a point says is known of its changes can be had. */
static void
check_changes(struct world *world)
{
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, TRUE);
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i],
				   *prev = engine_point_by_id(world->engine, point->prev);
		for (guint j = 0; prev && j < point->members->len; j++) {
			const struct point_member *member = point->members->pdata[j];
			const struct point_disk *disk = member->disks->pdata[0];
			char *reason = NULL;
			g_autoptr(GPtrArray) sets = engine_change_sets(
				world->engine, point, prev, member->id, disk->target, &reason);
			sim_check(world->sim, !disk->changes || sets);
			g_free(reason);
		}
	}
}

void
world_check(struct world *world)
{
	check_changes(world);
	for (guint i = 0; i < GUESTS; i++)
		check_guest(world, &world->guests[i]);
	check_held(world);
	check_staging(world);
}
