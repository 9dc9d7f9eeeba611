/* What a retention does to the folders of engine_world.h, and the end of every answer. */
#include "engine_deeds.h"

#include "base/json.h"

#include <string.h>

/* The oldest of a group's go until so many are left; what has gone does not come back when it then
 * fails. */
void
deed_retain(struct world *world, struct op *op, gboolean fails, struct effect_reply *reply)
{
	const struct job *job = op->job;
	guint folder = strcmp(job->directory, world_folder(0)) == 0 ? 0 : 1;
	GPtrArray *images = world->exports[folder];
	guint64 have = 0, deleted = 0;
	json_t *there = json_array();
	for (guint i = 0; i < images->len; i++)
		have += strcmp(((struct image *)images->pdata[i])->group, job->group) == 0;
	for (guint i = 0; i < images->len;) {
		const struct image *image = images->pdata[i];
		gboolean ours = strcmp(image->group, job->group) == 0;
		if (ours && have - deleted > job->retention.last && !fails) {
			g_ptr_array_remove_index(images, i);
			deleted++;
			fails |= world_fails(world);
			continue;
		}
		if (ours)
			json_array_append_new(there, json_string(image->point));
		i++;
	}
	reply->result = json_object();
	cairn_json_set_uint(reply->result, "deleted", deleted);
	cairn_json_set(reply->result, "exports", there);
}

void
deed_reply_clear(struct effect_reply *reply)
{
	point_member_free(reply->member);
	window_free(reply->window);
	g_clear_pointer(&reply->extents, g_hash_table_unref);
	g_clear_pointer(&reply->changed, g_hash_table_unref);
	g_clear_pointer(&reply->base_disks, g_hash_table_unref);
	json_decref(reply->result);
	json_decref(reply->files);
}
