/* See engine_deeds.h. */
#include "engine_deeds.h"

#include "base/error.h"
#include "base/extents.h"
#include "base/json.h"

/* ---- guests ---- */

static struct guest *
find_guest(struct world *world, const char *id)
{
	for (guint i = 0; i < GUESTS; i++)
		if (g_strcmp0(world->guests[i].id, id) == 0)
			return &world->guests[i];
	return NULL;
}

static struct bitmap *
find_bitmap(struct guest *guest, const char *name)
{
	for (guint i = 0; i < guest->bitmaps->len; i++) {
		struct bitmap *bitmap = guest->bitmaps->pdata[i];
		if (strcmp(bitmap->name, name) == 0)
			return bitmap;
	}
	return NULL;
}

static char *
name_of(struct world *world, const char *point)
{
	return point_checkpoint_name(engine_instance(world->engine), point);
}

static void
set_text(char **text, const char *value)
{
	g_free(*text);
	*text = g_strdup(value);
}

static void
end_hold(struct guest *guest, const char *name)
{
	if (g_strcmp0(guest->backup, name) == 0)
		g_clear_pointer(&guest->backup, g_free);
	if (g_strcmp0(guest->served, name) == 0)
		g_clear_pointer(&guest->served, g_free);
	g_hash_table_remove(guest->scratch, name);
}

static void
forget(struct guest *guest, const char *name)
{
	struct bitmap *bitmap = find_bitmap(guest, name);
	if (bitmap)
		g_ptr_array_remove(guest->bitmaps, bitmap);
}

static void
resume(struct world *world, struct guest *guest)
{
	/* A machine that a person has paused, or that a window holds, is not ours to resume. */
	sim_check(world->sim, guest->running && guest->pausing == 0);
	guest->stopped = FALSE;
}

static void
thaw(struct world *world, struct guest *guest)
{
	sim_check(world->sim, guest->running && guest->pausing == 0);
	guest->frozen = FALSE;
}

/* ---- debts ---- */

guint
deed_pay(struct world *world, const struct debt *debt, gboolean fails)
{
	guint left = debt->flags;
	struct guest *guest = find_guest(world, debt->vm);
	g_autofree char *name = name_of(world, debt->point);
	for (guint flag = 1; flag <= DEBT_PARTIAL; flag <<= 1) {
		if (!(left & flag) || (fails && sim_chance(world->sim, 50)))
			continue;
		left &= ~flag;
		if (flag == DEBT_THAW)
			thaw(world, guest);
		else if (flag == DEBT_RESUME)
			resume(world, guest);
		else if (flag == DEBT_END)
			end_hold(guest, name);
		else if (flag == DEBT_UNSERVE && g_strcmp0(guest->served, name) == 0)
			g_clear_pointer(&guest->served, g_free);
		else if (flag == DEBT_FORGET)
			forget(guest, name);
		else if (flag == DEBT_PARTIAL) {
			sim_check(world->sim, point_is_staging_dir(debt->path));
			g_hash_table_remove(world->staging, debt->path);
		}
	}
	return left;
}

/* ---- a point ---- */

static void
do_prepare(struct world *world, struct op *op, gboolean fails, struct effect_reply *reply)
{
	const struct point_member *member = op->job->draft->members->pdata[op->effect.index];
	struct guest *guest = find_guest(world, member->id);
	g_autofree char *name = name_of(world, op->job->point);
	g_autofree char *prev = op->prev ? name_of(world, op->prev) : NULL;
	g_autofree char *ours = name_of(world, "");
	for (guint i = 0; i < op->debts->len; i++)
		deed_pay(world, op->debts->pdata[i], FALSE);
	for (guint i = guest->bitmaps->len; i-- > 0;) {
		struct bitmap *bitmap = guest->bitmaps->pdata[i];
		if (g_str_has_prefix(bitmap->name, ours) &&
		    !g_strv_contains((const char *const *)op->keep, bitmap->name))
			g_ptr_array_remove_index(guest->bitmaps, i);
	}
	if (fails && sim_chance(world->sim, 50))
		return;
	g_hash_table_add(guest->scratch, g_strdup(name));
	reply->member = point_member_copy(member);
	set_text(&reply->member->uri, "fake:///");
	set_text(&reply->member->state, guest->running ? "running"
					: guest->off   ? "shutoff"
						       : "paused");
	reply->member->agent = TRUE;
	g_ptr_array_set_size(reply->member->disks, 0);
	struct point_disk *disk = point_add_disk(reply->member, "vda");
	disk->size = BLOCKS * BLOCK_SIZE;
	disk->tracked = TRUE;
	disk->changes = prev && find_bitmap(guest, prev);
	disk->reason = disk->changes ? NULL : g_strdup("no bitmap");
}

void
deed_stand_still(struct world *world, struct op *op)
{
	op->stage = 1;
	for (guint i = 0; i < op->job->members->len; i++) {
		const struct job_member *member = op->job->members->pdata[i];
		struct guest *guest = find_guest(world, member->id);
		sim_check(world->sim, !guest->backup);
		if (!guest->running)
			continue;
		guest->frozen = guest->stopped = TRUE;
		guest->pausing++;
	}
}

void
deed_leave_window(struct world *world, struct op *op)
{
	for (guint i = 0; op->stage && i < op->job->members->len; i++) {
		const struct job_member *member = op->job->members->pdata[i];
		struct guest *guest = find_guest(world, member->id);
		if (guest->running)
			guest->pausing--;
	}
	op->stage = 0;
}

static void
begin(struct world *world, struct op *op, struct guest *guest, struct image *image)
{
	g_autofree char *name = name_of(world, op->job->point);
	for (guint i = 0; i < guest->bitmaps->len; i++) {
		const struct bitmap *old = guest->bitmaps->pdata[i];
		g_hash_table_insert(world->changes,
				    g_strdup_printf("%s/%s/%s", name, guest->id, old->name),
				    GUINT_TO_POINTER(old->dirty));
	}
	struct bitmap *bitmap = g_new0(struct bitmap, 1);
	bitmap->name = g_strdup(name);
	g_ptr_array_add(guest->bitmaps, bitmap);
	if (!guest->off)
		set_text(&guest->backup, name);
	memcpy(image->blocks[guest - world->guests], guest->blocks, sizeof(guest->blocks));
}

void
deed_begin_all(struct world *world, struct op *op)
{
	struct image *image = g_new0(struct image, 1);
	image->point = g_strdup(op->job->point);
	g_hash_table_insert(world->truth, g_strdup(op->job->point), image);
	for (guint i = 0; i < op->job->members->len; i++)
		begin(world, op,
		      find_guest(world, ((struct job_member *)op->job->members->pdata[i])->id),
		      image);
}

static void
do_window(struct world *world, struct op *op, gboolean fails, struct effect_reply *reply)
{
	gint64 now = world->sim->now;
	gboolean begun = !fails || sim_chance(world->sim, 50);
	if (begun)
		deed_begin_all(world, op);
	deed_leave_window(world, op);
	reply->window = window_new(op->job->consistency, TRUE, 1, 1);
	for (guint i = 0; i < op->job->members->len; i++) {
		const struct job_member *member = op->job->members->pdata[i];
		struct guest *guest = find_guest(world, member->id);
		struct window_member *part = window_add(reply->window, member->id, member->name);
		if (guest->running && !(fails && sim_chance(world->sim, 30)))
			resume(world, guest);
		if (guest->running && !(fails && sim_chance(world->sim, 30)))
			thaw(world, guest);
		part->begun = begun;
		part->paused = guest->running && guest->stopped;
		part->frozen = guest->running && guest->frozen;
		part->consistency = CONSISTENCY_APPLICATION;
		part->begun_at = now;
		part->stopped_at = part->resumed_at = guest->running ? now : 0;
	}
}

static void
do_extents(struct world *world, struct op *op, struct effect_reply *reply, GError **error)
{
	const struct point_member *member = op->job->draft->members->pdata[op->effect.index];
	const struct point_disk *disk = member->disks->pdata[0];
	struct guest *guest = find_guest(world, member->id);
	g_autofree char *name = name_of(world, op->job->point);
	g_autofree char *prev = op->prev ? name_of(world, op->prev) : NULL;
	g_autofree char *key = g_strdup_printf("%s/%s/%s", name, member->id, prev);
	if (!guest->off && g_strcmp0(guest->backup, name) != 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "the data is not held");
		return;
	}
	if (!disk->changes)
		return;
	gpointer dirty;
	sim_check(world->sim, g_hash_table_lookup_extended(world->changes, key, NULL, &dirty));
	cairn_auto(extents) extents = extents_new(disk->size);
	for (guint block = 0; block < BLOCKS; block++)
		if (GPOINTER_TO_UINT(dirty) & 1u << block)
			extents_add(extents, (guint64)block * BLOCK_SIZE, BLOCK_SIZE);
	guint64 *total = g_new(guint64, 1);
	*total = extents_total(extents);
	reply->extents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					       (GDestroyNotify)g_bytes_unref);
	reply->changed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert(reply->extents, g_strdup("vda"), extents_encode(extents));
	g_hash_table_insert(reply->changed, g_strdup("vda"), total);
}

static void
do_clean(struct world *world, struct op *op)
{
	g_autofree char *name = op->prev ? name_of(world, op->prev) : NULL;
	for (guint i = 0; name && i < GUESTS; i++)
		forget(&world->guests[i], name);
}

static void
do_undo(struct world *world, struct op *op, gboolean fails, struct effect_reply *reply)
{
	const struct job_member *member = op->job->members->pdata[op->effect.index];
	struct guest *guest = find_guest(world, member->id);
	g_autofree char *name = name_of(world, op->job->point);
	guint left = member->flags;
	if (left & MEMBER_PAUSED && !(fails && sim_chance(world->sim, 50))) {
		if (guest->running)
			resume(world, guest);
		left &= ~(guint)MEMBER_PAUSED;
	}
	if (left & MEMBER_FROZEN && !(fails && sim_chance(world->sim, 50))) {
		if (guest->running)
			thaw(world, guest);
		left &= ~(guint)MEMBER_FROZEN;
	}
	if (left & (MEMBER_PREPARED | MEMBER_BEGUN) && !(fails && sim_chance(world->sim, 50))) {
		end_hold(guest, name);
		forget(guest, name);
		left &= ~(guint)(MEMBER_PREPARED | MEMBER_BEGUN);
	}
	reply->flags_left = left;
}

/* ---- an export ---- */

static guint
folder_of(const struct job *job)
{
	return strcmp(job->directory, world_folder(0)) == 0 ? 0 : 1;
}

/* The newest of @group in @folder, or that of @point. */
static struct image *
find_export(struct world *world, guint folder, const char *group, const char *point)
{
	struct image *newest = NULL;
	for (guint i = 0; i < world->exports[folder]->len; i++) {
		struct image *image = world->exports[folder]->pdata[i];
		if (strcmp(image->group, group) != 0)
			continue;
		if (point ? strcmp(image->point, point) == 0
			  : !newest || image->number > newest->number)
			newest = image;
	}
	return newest;
}

static void
do_stage(struct world *world, struct op *op, struct effect_reply *reply, GError **error)
{
	const struct job *job = op->job;
	if (find_export(world, folder_of(job), job->group, job->point)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_EXISTS, "it is there already");
		return;
	}
	g_hash_table_add(world->staging, point_staging_dir(job->directory, job->group, job->point));
	if (!job->base)
		return;
	const struct image *base = find_export(world, folder_of(job), job->group,
					       strcmp(job->base, "auto") == 0 ? NULL : job->base);
	reply->base = base ? base->point : NULL;
	reply->base_reason = base ? NULL : "nothing there";
	reply->base_disks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < GUESTS; i++)
		g_hash_table_add(reply->base_disks, g_strdup_printf("%s/vda", world->guests[i].id));
}

/* The blocks that changed since the base, as a set of bits; @ret_below: the base's export. */
static guint
changed_blocks(struct world *world, struct op *op, const struct image **ret_below)
{
	const struct job_disk *disk = op->job->disks->pdata[op->effect.index];
	const struct point *point = engine_point_by_id(world->engine, op->job->point),
			   *base = engine_point_by_id(world->engine, op->base);
	char *reason = NULL;
	guint changed = 0;
	*ret_below = find_export(world, folder_of(op->job), op->job->group, op->base);
	sim_check(world->sim, point && base && *ret_below);
	g_autoptr(GPtrArray) sets =
		engine_change_sets(world->engine, point, base, disk->vm, disk->target, &reason);
	if (!sets)
		sim_fail(world->sim, "an increment without changes: %s", reason);
	g_autoptr(GBytes) bytes = change_sets_unite(sets, BLOCKS * BLOCK_SIZE, NULL);
	cairn_auto(extents) extents = extents_decode(bytes, NULL);
	for (guint i = 0; i < extents_count(extents); i++) {
		const struct extent *extent = extents_get(extents, i);
		for (guint64 at = 0; at < extent->length; at += BLOCK_SIZE)
			changed |= 1u << (extent->offset + at) / BLOCK_SIZE;
	}
	return changed;
}

/* What the increment leaves out comes from the base's export, as it does in a restore. */
static void
do_copy(struct world *world, struct op *op, struct effect_reply *reply, GError **error)
{
	const struct job_disk *disk = op->job->disks->pdata[op->effect.index];
	struct guest *guest = find_guest(world, disk->vm);
	const struct image *truth = g_hash_table_lookup(world->truth, op->job->point),
			   *below = truth;
	g_autofree char *name = name_of(world, op->job->point);
	guint n = (guint)(guest - world->guests), changed = 0;
	if (g_strcmp0(guest->off ? guest->served : guest->backup, name) != 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "the data is not held");
		return;
	}
	if (disk->incremental) {
		changed = changed_blocks(world, op, &below);
		world->increments++;
	}
	json_t *blocks = json_array();
	for (guint block = 0; block < BLOCKS; block++) {
		const struct image *from = changed & 1u << block ? truth : below;
		json_array_append_new(blocks, json_integer(from->blocks[n][block]));
	}
	reply->result = json_object();
	cairn_json_set(reply->result, "blocks", blocks);
}

/* The manifest is made from the results that the job keeps: they must be all there, and right. */
static void
do_finish(struct world *world, struct op *op, struct effect_reply *reply)
{
	const struct job *job = op->job;
	guint folder = folder_of(job);
	reply->files = json_object();
	if (find_export(world, folder, job->group, job->point))
		return; /* before a restart */
	const struct image *truth = g_hash_table_lookup(world->truth, job->point);
	struct image *image = g_new0(struct image, 1);
	image->point = g_strdup(job->point);
	image->group = g_strdup(job->group);
	image->number = g_ascii_strtoull(strrchr(job->point_name, '@') + 1, NULL, 10);
	for (guint i = 0; i < job->disks->len; i++) {
		const struct job_disk *disk = job->disks->pdata[i];
		guint n = (guint)(find_guest(world, disk->vm) - world->guests);
		const json_t *blocks = json_object_get(disk->result, "blocks");
		sim_check(world->sim, json_array_size(blocks) == BLOCKS);
		for (guint block = 0; block < BLOCKS; block++)
			image->blocks[n][block] =
				(guint32)json_integer_value(json_array_get(blocks, block));
	}
	sim_check(world->sim, memcmp(image->blocks, truth->blocks, sizeof(image->blocks)) == 0);
	g_ptr_array_add(world->exports[folder], image);
	g_autofree char *staging = point_staging_dir(job->directory, job->group, job->point);
	g_hash_table_remove(world->staging, staging);
	world->points_exported++;
}

static void
do_on_member(struct world *world, struct op *op)
{
	const struct job_member *member = op->job->members->pdata[op->effect.index];
	struct guest *guest = find_guest(world, member->id);
	g_autofree char *name = name_of(world, op->job->point);
	if (op->effect.type == EFFECT_SERVE && guest->off)
		set_text(&guest->served, name);
	else if (op->effect.type == EFFECT_RELEASE && op->job->release)
		end_hold(guest, name);
	else if (op->effect.type != EFFECT_SERVE && g_strcmp0(guest->served, name) == 0)
		g_clear_pointer(&guest->served, g_free);
}

static void
do_unstage(struct world *world, struct op *op)
{
	g_autofree char *staging =
		point_staging_dir(op->job->directory, op->job->group, op->job->point);
	if (op->job->outcome != JOB_TERMINATED)
		g_hash_table_remove(world->staging, staging);
}

static void
do_export(struct world *world, struct op *op, struct effect_reply *reply, GError **error)
{
	switch (op->effect.type) {
	case EFFECT_STAGE:
		do_stage(world, op, reply, error);
		break;
	case EFFECT_COPY:
		do_copy(world, op, reply, error);
		break;
	case EFFECT_FINISH:
		do_finish(world, op, reply);
		break;
	case EFFECT_UNSTAGE:
		do_unstage(world, op);
		break;
	default:
		do_on_member(world, op);
		break;
	}
}

void
deed_do(struct world *world, struct op *op, gboolean fails, struct effect_reply *reply,
	GError **error)
{
	/* Those that can stop half way do; the others are done, and say that they were not. */
	switch (op->effect.type) {
	case EFFECT_PREPARE:
		do_prepare(world, op, fails, reply);
		break;
	case EFFECT_WINDOW:
		do_window(world, op, fails, reply);
		break;
	case EFFECT_EXTENTS:
		do_extents(world, op, reply, error);
		break;
	case EFFECT_CLEAN:
		if (!fails || sim_chance(world->sim, 50))
			do_clean(world, op);
		break;
	case EFFECT_UNDO:
		do_undo(world, op, fails, reply);
		break;
	case EFFECT_RETAIN:
		deed_retain(world, op, fails, reply);
		break;
	default:
		if (!fails || sim_chance(world->sim, 50))
			do_export(world, op, reply, error);
		break;
	}
	if (fails && !(error && *error))
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "%s failed",
			    job_effect_name(op->effect.type));
}
