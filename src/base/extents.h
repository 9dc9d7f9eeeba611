/* Sets of byte ranges of one disk: which parts changed between two points, or carry data. Always
 * sorted, without overlaps and without ranges that touch, all inside the size of the disk. Being
 * told too much is safe everywhere they are used (more is copied), being told too little never is.
 */
#pragma once

#include "base/auto.h"

#include <glib.h>

/* Over this many ranges the smallest gaps are filled, so that a set stays below 16 MiB in memory
 * and about as much encoded. */
#define EXTENTS_MAX (1U << 20)

struct extent {
	guint64 offset; /* bytes */
	guint64 length; /* bytes, never 0 */
};

struct extents;
struct extents *extents_new(guint64 size);
void extents_free(struct extents *extents);
CAIRN_DEFINE_AUTO(extents, extents_free)

/* Size of the disk in bytes. */
guint64 extents_size(const struct extents *extents);
guint extents_count(const struct extents *extents);
/* The @i-th range, in ascending order; valid until the set changes. */
const struct extent *extents_get(const struct extents *extents, guint i);
/* Sum of the lengths in bytes. */
guint64 extents_total(const struct extents *extents);

/* Adds a range, in any order, over others or not; what lies outside of the disk is cut off. Fast
 * when ranges come in ascending order. */
void extents_add(struct extents *extents, guint64 offset, guint64 length);
/* A new set with what is in either, for a disk of the larger size. */
struct extents *extents_union(const struct extents *a, const struct extents *b);
/* A new set for a disk of @size: what lies behind is cut off. */
struct extents *extents_clip(const struct extents *extents, guint64 size);
/* A new set of whole blocks of @block bytes (not 0) that cover the ranges. */
struct extents *extents_align(const struct extents *extents, guint64 block);
/* Fills the smallest gaps until at most @max (not 0) ranges are left. */
void extents_coalesce(struct extents *extents, guint max);

/* The set as bytes that can be kept: extents_codec.c says how. */
GBytes *extents_encode(const struct extents *extents);
/* INVALID when the bytes are not exactly what extents_encode() makes (cut, changed, longer); STATE
 * for a later version of the format. */
struct extents *extents_decode(GBytes *bytes, GError **error);
