/* See engine_world.h. What an effect does to guests and folders is in engine_deeds.c. */
#include "engine_deeds.h"

#include "base/error.h"

static const char *const ids[GUESTS] = {"11111111-0000-0000-0000-000000000001",
					"11111111-0000-0000-0000-000000000002",
					"11111111-0000-0000-0000-000000000003"};

static void
bitmap_free(struct bitmap *bitmap)
{
	g_free(bitmap->name);
	g_free(bitmap);
}

void
image_free(struct image *image)
{
	g_free(image->point);
	g_free(image->group);
	g_free(image);
}

static void
op_free(struct op *op)
{
	g_free(op->job_id);
	job_free(op->job);
	debt_free(op->debt);
	errand_free(op->errand);
	g_clear_pointer(&op->debts, g_ptr_array_unref);
	g_strfreev(op->keep);
	g_free(op->prev);
	g_free(op->base);
	g_free(op);
}

void
world_init(struct world *world, struct sim *sim)
{
	*world = (struct world){.sim = sim};
	for (guint i = 0; i < GUESTS; i++) {
		struct guest *guest = &world->guests[i];
		guest->id = ids[i];
		/* The first runs, so that there is something to do. */
		guint kind = i == 0 ? 2 : sim_below(sim, 6);
		guest->off = kind == 0;
		guest->stopped = kind == 1;
		guest->running = kind > 1;
		guest->bitmaps = g_ptr_array_new_with_free_func((GDestroyNotify)bitmap_free);
		guest->scratch = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	}
	world->truth =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)image_free);
	world->changes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	world->staging = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	world->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	world->refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	world->ops = g_ptr_array_new_with_free_func((GDestroyNotify)op_free);
	for (guint i = 0; i < FOLDERS; i++)
		world->exports[i] = g_ptr_array_new_with_free_func((GDestroyNotify)image_free);
}

void
world_clear(struct world *world)
{
	for (guint i = 0; i < GUESTS; i++) {
		g_ptr_array_unref(world->guests[i].bitmaps);
		g_hash_table_unref(world->guests[i].scratch);
		g_free(world->guests[i].backup);
		g_free(world->guests[i].served);
	}
	g_hash_table_unref(world->truth);
	g_hash_table_unref(world->changes);
	g_hash_table_unref(world->staging);
	g_ptr_array_unref(world->ops);
	g_hash_table_unref(world->told);
	g_hash_table_unref(world->refused);
	for (guint i = 0; i < FOLDERS; i++)
		g_ptr_array_unref(world->exports[i]);
}

const char *
world_folder(guint index)
{
	static const char *const folders[FOLDERS] = {"/exports/a", "/exports/b"};
	return folders[index];
}

void
world_write(struct world *world)
{
	struct guest *guest = &world->guests[sim_below(world->sim, GUESTS)];
	guint block = sim_below(world->sim, BLOCKS);
	if (!guest->running || guest->stopped)
		return;
	guest->blocks[block] = ++world->writes;
	for (guint i = 0; i < guest->bitmaps->len; i++)
		((struct bitmap *)guest->bitmaps->pdata[i])->dirty |= 1u << block;
}

/* ---- what the engine asks ---- */

static gint64
io_now(void *user)
{
	return ((struct world *)user)->sim->now;
}

/* Suspended copies stand still; cancelled ones end soon. */
static void
tell_copies(struct world *world, const char *job, const struct job_effect *effect)
{
	for (guint i = 0; i < world->ops->len; i++) {
		struct op *op = world->ops->pdata[i];
		if (!op->job || strcmp(op->job_id, job) != 0 ||
		    (op->effect.type != EFFECT_COPY && op->effect.type != EFFECT_RETAIN))
			continue;
		if (effect->type == EFFECT_CANCEL && op->effect.index == effect->index)
			op->cancelled = TRUE;
		else if (effect->type != EFFECT_CANCEL)
			op->suspended = effect->type == EFFECT_SUSPEND;
	}
}

static void
check_twice(struct world *world, const struct job *job, const struct job_effect *effect)
{
	for (guint i = 0; i < world->ops->len; i++) {
		const struct op *op = world->ops->pdata[i];
		sim_check(world->sim, !op->job || strcmp(op->job_id, job->id) != 0 ||
					      op->effect.type != effect->type ||
					      op->effect.index != effect->index);
		/* One job of a group at a time. */
		sim_check(world->sim, !op->job || strcmp(op->job_id, job->id) == 0 ||
					      strcmp(op->job->group, job->group) != 0);
	}
}

static void
io_effect(void *user, const struct job *job, const struct job_effect *effect)
{
	struct world *world = user;
	if (world->dead)
		return;
	if (effect->type == EFFECT_CANCEL || effect->type == EFFECT_SUSPEND ||
	    effect->type == EFFECT_RESUME) {
		tell_copies(world, job->id, effect);
		return;
	}
	check_twice(world, job, effect);
	sim_trace("job %u asks %s %u", (guint)job->number, job_effect_name(effect->type),
		  effect->index);
	struct op *op = g_new0(struct op, 1);
	op->job_id = g_strdup(job->id);
	op->job = job_copy(job);
	op->effect = *effect;
	const struct point *point =
		job->draft ? job->draft : engine_point_by_id(world->engine, job->point);
	op->prev = g_strdup(point ? point->prev : NULL);
	op->base = g_strdup(job->base_point);
	if (effect->type == EFFECT_PREPARE) {
		const struct point_member *member = job->draft->members->pdata[effect->index];
		op->debts = engine_debts_of(world->engine, member->id);
		op->keep = engine_checkpoints_of(world->engine, member->id);
	}
	g_ptr_array_add(world->ops, op);
}

static void
io_pay(void *user, const struct debt *debt)
{
	struct world *world = user;
	if (world->dead)
		return;
	struct op *op = g_new0(struct op, 1);
	op->debt = debt_copy(debt);
	g_ptr_array_add(world->ops, op);
}

/* One errand is never under way twice. */
static void
io_errand(void *user, const struct errand *errand)
{
	struct world *world = user;
	if (world->dead)
		return;
	for (guint i = 0; i < world->ops->len; i++) {
		const struct op *op = world->ops->pdata[i];
		sim_check(world->sim, !op->errand || strcmp(op->errand->id, errand->id) != 0);
	}
	struct op *op = g_new0(struct op, 1);
	op->errand = errand_new(errand->type, errand->target, NULL);
	g_free(op->errand->id);
	op->errand->id = g_strdup(errand->id);
	op->errand->job = g_strdup(errand->job);
	g_ptr_array_add(world->ops, op);
}

static void
io_event(void *user, const char *name, json_t *data)
{
	g_autofree char *text = json_dumps(data, JSON_COMPACT);
	sim_trace("event %s %s", name, text);
	json_decref(data);
}

const struct engine_io world_io = {io_now, io_effect, io_pay, io_event, io_errand};

/* ---- what the world answers ---- */

static void
answer_debt(struct world *world, struct op *op)
{
	guint left = deed_pay(world, op->debt, world_fails(world));
	sim_trace("debt of %s on %s: %x, left %x", op->debt->point, op->debt->vm, op->debt->flags,
		  left);
	engine_debt_paid(world->engine, op->debt->id, left);
}

static char *
errand_key(const char *job, enum errand_type type)
{
	return g_strdup_printf("%s %s", errand_type_name(type), job);
}

static void
count_errand(GHashTable *table, const struct errand *errand)
{
	char *key = errand_key(errand->job, errand->type);
	guint n = GPOINTER_TO_UINT(g_hash_table_lookup(table, key));
	g_hash_table_insert(table, key, GUINT_TO_POINTER(n + 1));
}

guint
world_told(const struct world *world, const char *job, enum errand_type type, gboolean refused)
{
	g_autofree char *key = errand_key(job, type);
	return GPOINTER_TO_UINT(g_hash_table_lookup(refused ? world->refused : world->told, key));
}

static void
answer_errand(struct world *world, struct op *op)
{
	g_autoptr(GError) error = NULL;
	if (world_fails(world))
		error = g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_PEER, "refused");
	count_errand(error ? world->refused : world->told, op->errand);
	sim_trace("errand %s of %s: %s", op->errand->target, op->errand->job,
		  error ? error->message : "done");
	engine_errand_done(world->engine, op->errand->id, error);
}

static void
answer_effect(struct world *world, struct op *op)
{
	struct effect_reply reply = {0};
	g_autoptr(GError) error = NULL;
	gboolean fails = world_fails(world);
	if (op->cancelled && sim_chance(world->sim, 80))
		error = g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_CANCELLED, "cancelled");
	else
		deed_do(world, op, fails, &reply, &error);
	sim_trace("job %u: %s %u: %s", (guint)op->job->number, job_effect_name(op->effect.type),
		  op->effect.index, error ? error->message : "done");
	engine_done(world->engine, op->job_id, &op->effect, error, &reply);
	deed_reply_clear(&reply);
}

gboolean
world_fails(struct world *world)
{
	return !world->peaceful && sim_chance(world->sim, world->fail_chance);
}

void
world_answer(struct world *world)
{
	g_autofree guint *ready = g_new(guint, world->ops->len + 1);
	guint n = 0;
	for (guint i = 0; i < world->ops->len; i++)
		if (!((struct op *)world->ops->pdata[i])->suspended ||
		    ((struct op *)world->ops->pdata[i])->cancelled)
			ready[n++] = i;
	if (n == 0)
		return;
	guint index = ready[sim_below(world->sim, n)];
	struct op *op = world->ops->pdata[index];
	if (op->job && op->effect.type == EFFECT_WINDOW && op->stage == 0) {
		deed_stand_still(world, op);
		return;
	}
	g_ptr_array_steal_index_fast(world->ops, index);
	if (op->debt)
		answer_debt(world, op);
	else if (op->errand)
		answer_errand(world, op);
	else
		answer_effect(world, op);
	op_free(op);
}

void
world_kill(struct world *world)
{
	sim_trace("killed");
	while (world->ops->len > 0) {
		struct op *op = g_ptr_array_steal_index(world->ops, world->ops->len - 1);
		struct effect_reply reply = {0};
		g_autoptr(GError) error = NULL;
		guint fate = sim_below(world->sim, 3);
		if (op->errand) {
			if (fate > 0)
				count_errand(world->told, op->errand);
		} else if (op->debt) {
			if (fate > 0)
				deed_pay(world, op->debt, fate == 1);
		} else if (op->effect.type == EFFECT_WINDOW) {
			/* Killed with guests paused, or in the middle of anything else. */
			if (op->stage == 0 && fate > 0)
				deed_stand_still(world, op);
			if (fate == 2)
				deed_begin_all(world, op);
			deed_leave_window(world, op);
		} else if (fate > 0 && op->effect.type != EFFECT_COPY) {
			deed_do(world, op, fate == 1, &reply, &error);
		}
		deed_reply_clear(&reply);
		op_free(op);
	}
	/* The servers of machines that are off are children of the daemon. */
	for (guint i = 0; i < GUESTS; i++)
		g_clear_pointer(&world->guests[i].served, g_free);
	engine_free(world->engine);
	world->engine = NULL;
}

void
world_reconcile(struct world *world)
{
	struct engine_found found[GUESTS];
	for (guint i = 0; i < GUESTS; i++) {
		const struct guest *guest = &world->guests[i];
		found[i] = (struct engine_found){.uri = "fake:///",
						 .vm = guest->id,
						 .off = guest->off,
						 .backup = guest->backup,
						 .points = g_ptr_array_new()};
		for (guint j = 0; j < guest->bitmaps->len; j++)
			g_ptr_array_add(found[i].points,
					((struct bitmap *)guest->bitmaps->pdata[j])->name);
	}
	engine_reconcile(world->engine, found, GUESTS);
	for (guint i = 0; i < GUESTS; i++)
		g_ptr_array_unref(found[i].points);
}

void
world_lose(struct world *world, struct guest *guest)
{
	if (!guest->backup)
		return;
	sim_trace("%s loses its data", guest->id);
	g_clear_pointer(&guest->backup, g_free);
	engine_hold_lost(world->engine, guest->id, CAIRN_ERROR_STATE, "its data was lost");
}
