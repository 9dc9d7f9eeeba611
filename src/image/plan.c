/* Two bit maps over clusters; see plan.h. */
#include "image/plan.h"

struct plan {
	guint64 size;
	gboolean incremental;
	guint32 blocks;
	guint16 *allocated; /* one word for each block */
	guint16 *dirty;
	guint16 *base; /* NULL: no parent */
};

struct plan *
plan_new(guint64 size, gboolean incremental)
{
	struct plan *plan = g_new0(struct plan, 1);
	plan->size = size;
	plan->incremental = incremental;
	plan->blocks = (guint32)((size + DIGEST_BLOCK - 1) / DIGEST_BLOCK);
	plan->allocated = g_new0(guint16, plan->blocks);
	plan->dirty = g_new0(guint16, plan->blocks);
	return plan;
}

void
plan_free(struct plan *plan)
{
	if (!plan)
		return;
	g_free(plan->allocated);
	g_free(plan->dirty);
	g_free(plan->base);
	g_free(plan);
}

static void
mark(guint16 *map, guint64 size, guint64 offset, guint64 length)
{
	if (offset >= size || length == 0)
		return;
	guint64 first = offset / DIGEST_CLUSTER;
	guint64 last = (offset + MIN(length, size - offset) - 1) / DIGEST_CLUSTER;
	for (guint64 cluster = first; cluster <= last;) {
		guint from = cluster % DIGEST_PER_BLOCK;
		guint n = (guint)MIN(last - cluster + 1, DIGEST_PER_BLOCK - from);
		map[cluster / DIGEST_PER_BLOCK] |= (guint16)(((1U << n) - 1) << from);
		cluster += n;
	}
}

void
plan_allocated(struct plan *plan, guint64 offset, guint64 length)
{
	mark(plan->allocated, plan->size, offset, length);
}

void
plan_dirty(struct plan *plan, guint64 offset, guint64 length)
{
	mark(plan->dirty, plan->size, offset, length);
}

guint32
plan_blocks(const struct plan *plan)
{
	return plan->blocks;
}

void
plan_base(struct plan *plan, guint64 offset, guint64 length)
{
	if (!plan->base)
		plan->base = g_new0(guint16, plan->blocks);
	mark(plan->base, plan->size, offset, length);
}

/* A cluster that changed only in part is read whole, so that the rest of it is right too. */
struct plan_block
plan_block(const struct plan *plan, guint32 index)
{
	guint16 allocated = plan->allocated[index], dirty = plan->dirty[index];
	if (!plan->incremental)
		return (struct plan_block){.read = allocated};
	return (struct plan_block){
		.read = dirty & allocated,
		.zero = dirty & (guint16)~allocated,
		.base = plan->base ? plan->base[index] & (guint16)~dirty : 0,
	};
}

guint64
plan_bytes(const struct plan *plan, guint32 index, guint16 mask)
{
	guint64 bytes = (guint64)__builtin_popcount(mask) * DIGEST_CLUSTER;
	guint64 last = plan->size / DIGEST_CLUSTER, rest = plan->size % DIGEST_CLUSTER;
	if (rest && last / DIGEST_PER_BLOCK == index && (mask >> last % DIGEST_PER_BLOCK & 1))
		bytes -= DIGEST_CLUSTER - rest;
	return bytes;
}

guint64
plan_total(const struct plan *plan, guint32 end)
{
	guint64 total = 0;
	for (guint32 i = 0; i < end; i++) {
		struct plan_block block = plan_block(plan, i);
		total += plan_bytes(plan, i, block.read | block.base);
	}
	return total;
}
