/* A point with the points it is based on, and one disk's images through them, newest on top. */
#pragma once

#include "base/auto.h"
#include "image/image.h"
#include "image/manifest.h"

#include <gio/gio.h>

/* A chain has at most this many points. Each open image costs a descriptor and 64 KiB. */
#define CHAIN_MAX 1024

struct chain_point {
	char *dir;
	struct manifest *manifest;
};

/* The points from @dir downwards, read when they are needed: a full disk never asks for the base.
 */
struct chain;
struct chain *chain_new(const char *dir, gboolean check_sums, GError **error);
void chain_free(struct chain *chain);
CAIRN_DEFINE_AUTO(chain, chain_free)

/* Point @depth, 0 being @dir's; borrowed. NOT_FOUND when a base is missing, IO when it is not the
 * one that the manifest above names. @depth may be one more than any asked for before. */
const struct chain_point *chain_get(struct chain *chain, guint depth, GError **error);

/* The disk in @base that @disk of @vm, whose point has that base, must be an increment of;
 * borrowed. INVALID says which link is broken. */
const struct manifest_disk *chain_base_disk(const struct manifest *base, const char *vm_id,
					    const struct manifest_disk *disk, GError **error);

/* One image of a disk's chain. */
struct layer {
	char *path;			  /* for messages */
	const struct manifest_disk *disk; /* the chain's */
	struct image *image;
	struct image_cursor *cursor;
	struct digest *digest; /* NULL: contents are not verified */
};

struct layers {
	GPtrArray *all;	 /* struct layer, newest first */
	guint8 *scratch; /* DIGEST_BLOCK bytes */
};

/* Opens the images that @target of VM @vm_id of @chain's first point needs, down to the one that
 * stands alone. With @verify the tables of every qcow2 image are compared with their digest now and
 * the blocks when they are read. The chain must outlive it. */
struct layers *layers_open(struct chain *chain, const char *vm_id, const char *target,
			   gboolean verify, GError **error);
/* Only the images of the chain's first @points points: what lies below is not opened. The last of
 * them may have a backing image then. */
struct layers *layers_open_top(struct chain *chain, guint points, const char *vm_id,
			       const char *target, gboolean verify, GError **error);
void layers_free(struct layers *layers);
CAIRN_DEFINE_AUTO(layers, layers_free)

/* Clusters of @block that have contents in some layer and are not hidden by a zero cluster above
 * it; an upper bound when the lowest image is raw. */
gboolean layers_map(struct layers *layers, guint64 block, guint16 *ret_data, GError **error);

/* The disk's contents: clusters in *@ret_data are in @buffer (DIGEST_BLOCK bytes), the others read
 * as zeroes. A block that differs from its digest is IO naming the file. */
gboolean layers_read(struct layers *layers, guint64 block, guint8 *buffer, guint16 *ret_data,
		     GError **error);

/* The same; *@ret_carried: the clusters that some layer carries. What is carried and not in
 * *@ret_data is a zero cluster, which hides what lies below. */
gboolean layers_read_carried(struct layers *layers, guint64 block, guint8 *buffer,
			     guint16 *ret_data, guint16 *ret_carried, GError **error);
