/* What is to be copied: two bits for each 64 KiB cluster of the disk, changed and not all zero,
 * which is 4 MiB for each TiB however fragmented it is. Extents are put in in any order and rounded
 * out to clusters, so that the merge of allocation and change bitmap is one pass over each. */
#pragma once

#include "base/auto.h"
#include "image/digest.h"

#include <glib.h>

struct plan;
/* @size of the disk in bytes. In an @incremental plan only what plan_dirty() named is copied. */
struct plan *plan_new(guint64 size, gboolean incremental);
void plan_free(struct plan *plan);
CAIRN_DEFINE_AUTO(plan, plan_free)

/* The range may hold something other than zeroes / may have changed since the base. */
void plan_allocated(struct plan *plan, guint64 offset, guint64 length);
void plan_dirty(struct plan *plan, guint64 offset, guint64 length);

/* The parent of a synthetic full may hold something here: copied from it when it did not change. */
void plan_base(struct plan *plan, guint64 offset, guint64 length);

/* Number of 1 MiB blocks, the last one maybe shorter. */
guint32 plan_blocks(const struct plan *plan);
/* The clusters of one block, bit i for cluster i. */
struct plan_block {
	guint16 read; /* over NBD */
	guint16 zero; /* incremental: changed and known to be zero now */
	guint16 base; /* from the parent */
};
struct plan_block plan_block(const struct plan *plan, guint32 index);
/* Bytes of the disk in the clusters in @mask of block @index: the last cluster of the disk may be
 * shorter. */
guint64 plan_bytes(const struct plan *plan, guint32 index, guint16 mask);
/* Bytes to be read, from either side, for the blocks before @end. */
guint64 plan_total(const struct plan *plan, guint32 end);
