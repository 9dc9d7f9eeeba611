/* Points and images from an increment down to its full; see chain.h. */
#include "image/chain.h"

#include "base/error.h"
#include "image/qcow2_check.h"
#include "image/tree.h"

#include <string.h>

struct chain {
	GPtrArray *points; /* struct chain_point */
	gboolean check_sums;
};

static void
point_free(struct chain_point *point)
{
	g_free(point->dir);
	manifest_free(point->manifest);
	g_free(point);
}

static gboolean
chain_load(struct chain *chain, const char *dir, GError **error)
{
	struct manifest *manifest = manifest_load(dir, chain->check_sums, error);
	if (!manifest)
		return FALSE;
	struct chain_point *point = g_new0(struct chain_point, 1);
	point->dir = g_canonicalize_filename(dir, NULL);
	point->manifest = manifest;
	g_ptr_array_add(chain->points, point);
	return TRUE;
}

struct chain *
chain_new(const char *dir, gboolean check_sums, GError **error)
{
	cairn_auto(chain) chain = g_new0(struct chain, 1);
	chain->points = g_ptr_array_new_with_free_func((GDestroyNotify)point_free);
	chain->check_sums = check_sums;
	return chain_load(chain, dir, error) ? g_steal_pointer(&chain) : NULL;
}

void
chain_free(struct chain *chain)
{
	if (!chain)
		return;
	g_ptr_array_unref(chain->points);
	g_free(chain);
}

/* The base lies beside the point under its GUID. A ring of bases would end at CHAIN_MAX; it is told
 * earlier, since the GUID is in the chain already. */
static gboolean
check_base(const struct chain *chain, const struct manifest *manifest, const char *base_id,
	   GError **error)
{
	const struct chain_point *top = g_ptr_array_index(chain->points, 0);
	const char *problem = NULL;
	if (strcmp(manifest->point_id, base_id) != 0)
		problem = "is another point";
	else if (strcmp(manifest->group_id, top->manifest->group_id) != 0)
		problem = "belongs to another group";
	for (guint i = 0; !problem && i + 1 < chain->points->len; i++) {
		const struct chain_point *above = g_ptr_array_index(chain->points, i);
		if (strcmp(above->manifest->point_id, base_id) == 0)
			problem = "is based on itself";
	}
	if (problem)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_IO,
			    "the chain is broken: what is in the folder of the base %s %s", base_id,
			    problem);
	return !problem;
}

static gboolean
load_next(struct chain *chain, GError **error)
{
	const struct chain_point *above = g_ptr_array_index(chain->points, chain->points->len - 1);
	const char *base_id = above->manifest->base_id;
	if (!base_id || chain->points->len >= CHAIN_MAX) {
		g_set_error(error, CAIRN_ERROR, base_id ? CAIRN_ERROR_LIMIT : CAIRN_ERROR_NOT_FOUND,
			    base_id ? "the chain has more than %u points"
				    : "the chain is broken: the point at depth %u has no base",
			    chain->points->len);
		return FALSE;
	}
	g_autofree char *group = g_path_get_dirname(above->dir);
	g_autofree char *dir = g_build_filename(group, base_id, NULL);
	if (!chain_load(chain, dir, error)) {
		g_prefix_error(error, "the chain is broken: the base %s of point %s: ", base_id,
			       above->manifest->point_id);
		return FALSE;
	}
	const struct chain_point *base = g_ptr_array_index(chain->points, chain->points->len - 1);
	if (check_base(chain, base->manifest, base_id, error))
		return TRUE;
	g_ptr_array_remove_index(chain->points, chain->points->len - 1);
	return FALSE;
}

const struct chain_point *
chain_get(struct chain *chain, guint depth, GError **error)
{
	while (depth >= chain->points->len)
		if (!load_next(chain, error))
			return NULL;
	return g_ptr_array_index(chain->points, depth);
}

const struct manifest_disk *
chain_base_disk(const struct manifest *base, const char *vm_id, const struct manifest_disk *disk,
		GError **error)
{
	const struct manifest_vm *vm = manifest_find_vm(base, vm_id);
	const struct manifest_disk *below = vm ? manifest_find_disk(vm, disk->target) : NULL;
	g_autofree char *backing = below ? manifest_backing_name(base->point_id, below) : NULL;
	const char *problem = NULL;
	if (!below)
		problem = "does not have this disk";
	else if (strcmp(backing, disk->backing) != 0)
		problem = "keeps this disk in another file";
	else if (below->size != disk->size)
		problem = "has this disk with another size";
	else if (below->id && disk->id && strcmp(below->id, disk->id) != 0)
		problem = "has another disk at this target";
	if (!problem)
		return below;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "the chain is broken: the base %s %s (the image names \"%s\")", base->point_id,
		    problem, disk->backing);
	return NULL;
}

static void
layer_free(struct layer *layer)
{
	g_free(layer->path);
	image_cursor_free(layer->cursor);
	image_free(layer->image);
	digest_free(layer->digest);
	g_free(layer);
}

struct table_problem {
	char *what;
};

static void
first_problem(guint64 offset, guint64 length, const char *what, void *data)
{
	struct table_problem *problem = data;
	if (!problem->what)
		problem->what = g_strdup_printf("byte %" G_GUINT64_FORMAT ": %s", offset, what);
}

static gboolean
verify_tables(const struct layer *layer, GError **error)
{
	struct table_problem problem = {NULL};
	guint8 digest[DIGEST_MAX];
	if (!layer->image->qcow2)
		return TRUE;
	if (!qcow2_check(layer->image->qcow2, layer->disk->metadata_algorithm, first_problem,
			 &problem, digest, error))
		return FALSE;
	g_autofree char *what = problem.what;
	if (!what && !image_metadata_matches(layer->disk, digest))
		what = g_strdup("its tables differ from their digest");
	if (what)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_IO, "it is damaged: %s", what);
	return !what;
}

static gboolean
open_layer(struct layers *layers, const struct chain_point *point, const struct manifest_disk *disk,
	   gboolean verify, GError **error)
{
	struct layer *layer = g_new0(struct layer, 1);
	layer->path = g_build_filename(point->dir, disk->path, NULL);
	layer->disk = disk;
	g_ptr_array_add(layers->all, layer);
	int fd = tree_open(point->dir, disk->path, error);
	if (fd < 0)
		return FALSE;
	layer->image = image_open(fd, disk, error);
	if (!layer->image || (verify && !verify_tables(layer, error))) {
		g_prefix_error(error, "\"%s\": ", layer->path);
		return FALSE;
	}
	layer->cursor = image_cursor_new(layer->image);
	layer->digest = verify ? digest_new(disk->algorithm) : NULL;
	return TRUE;
}

struct layers *
layers_open_top(struct chain *chain, guint points, const char *vm_id, const char *target,
		gboolean verify, GError **error)
{
	cairn_auto(layers) layers = g_new0(struct layers, 1);
	layers->all = g_ptr_array_new_with_free_func((GDestroyNotify)layer_free);
	layers->scratch = g_malloc(DIGEST_BLOCK);
	const struct chain_point *point = chain_get(chain, 0, error);
	const struct manifest_vm *vm = manifest_find_vm(point->manifest, vm_id);
	const struct manifest_disk *disk = vm ? manifest_find_disk(vm, target) : NULL;
	for (guint depth = 1; disk; depth++) {
		if (!open_layer(layers, point, disk, verify, error))
			return NULL;
		if (!disk->backing || depth == points)
			return g_steal_pointer(&layers);
		point = chain_get(chain, depth, error);
		if (!point)
			return NULL;
		disk = chain_base_disk(point->manifest, vm_id, disk, error);
		if (!disk)
			return NULL;
	}
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND, "the point has no disk \"%s\"",
		    target);
	return NULL;
}

struct layers *
layers_open(struct chain *chain, const char *vm_id, const char *target, gboolean verify,
	    GError **error)
{
	return layers_open_top(chain, CHAIN_MAX, vm_id, target, verify, error);
}

void
layers_free(struct layers *layers)
{
	if (!layers)
		return;
	g_ptr_array_unref(layers->all);
	g_free(layers->scratch);
	g_free(layers);
}

gboolean
layers_map(struct layers *layers, guint64 block, guint16 *ret_data, GError **error)
{
	guint16 remaining = G_MAXUINT16, all_data = 0;
	for (guint i = 0; remaining && i < layers->all->len; i++) {
		const struct layer *layer = g_ptr_array_index(layers->all, i);
		guint16 carried, data;
		if (!image_map(layer->cursor, block, &carried, &data, error)) {
			g_prefix_error(error, "\"%s\": ", layer->path);
			return FALSE;
		}
		all_data |= data & remaining;
		remaining &= (guint16)~carried;
	}
	*ret_data = all_data;
	return TRUE;
}

static gboolean
check_block(const struct layer *layer, guint64 block, const struct image_block *found,
	    GError **error)
{
	const guint8 *expected = image_expected_digest(layer->disk, block);
	gsize len = digest_length(layer->disk->algorithm);
	gboolean same =
		found->carried ? expected && memcmp(expected, found->digest, len) == 0 : !expected;
	if (!same)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_IO,
			    "block %llu (%u bytes from %llu of the disk) differs from its digest",
			    (unsigned long long)block, DIGEST_BLOCK,
			    (unsigned long long)block * DIGEST_BLOCK);
	return same;
}

static void
copy_clusters(guint8 *to, const guint8 *from, guint16 mask)
{
	for (guint i = 0; i < DIGEST_PER_BLOCK; i++)
		if (mask & 1U << i)
			memcpy(to + (gsize)i * DIGEST_CLUSTER, from + (gsize)i * DIGEST_CLUSTER,
			       DIGEST_CLUSTER);
}

/* Whether the block must be read for what it gives or, in a raw image, where a hole may be lost
 * data, to be sure that it gives nothing. In qcow2 the tables' digest has told that already. */
static gboolean
must_read(const struct layer *layer, guint64 block, guint16 carried, guint16 remaining)
{
	if (carried & remaining)
		return TRUE;
	return layer->digest && !layer->image->qcow2 &&
	       (carried || image_expected_digest(layer->disk, block));
}

/* Takes what @layer has of the @remaining clusters. The first layer that gives something reads into
 * @buffer itself; later ones, whose other clusters are hidden, go through the scratch. */
static gboolean
read_layer(struct layers *layers, const struct layer *layer, guint64 block, guint8 *buffer,
	   guint16 *remaining, guint16 *data, GError **error)
{
	guint16 carried, with_data;
	struct image_block found;
	guint8 *to = *data ? layers->scratch : buffer;
	if (!image_map(layer->cursor, block, &carried, &with_data, error))
		return FALSE;
	if (!must_read(layer, block, carried, *remaining))
		return TRUE;
	if (!image_read(layer->cursor, block, with_data & *remaining, to, layer->digest, &found,
			error))
		return FALSE;
	if (layer->digest && !check_block(layer, block, &found, error))
		return FALSE;
	guint16 taken = found.data & *remaining;
	if (to != buffer)
		copy_clusters(buffer, to, taken);
	*data |= taken;
	*remaining &= (guint16)~carried;
	return TRUE;
}

gboolean
layers_read_carried(struct layers *layers, guint64 block, guint8 *buffer, guint16 *ret_data,
		    guint16 *ret_carried, GError **error)
{
	guint16 remaining = G_MAXUINT16, data = 0;
	for (guint i = 0; remaining && i < layers->all->len; i++) {
		const struct layer *layer = g_ptr_array_index(layers->all, i);
		if (!read_layer(layers, layer, block, buffer, &remaining, &data, error)) {
			g_prefix_error(error, "\"%s\": ", layer->path);
			return FALSE;
		}
	}
	*ret_data = data;
	*ret_carried = (guint16)~remaining;
	return TRUE;
}

gboolean
layers_read(struct layers *layers, guint64 block, guint8 *buffer, guint16 *ret_data, GError **error)
{
	guint16 carried;
	return layers_read_carried(layers, block, buffer, ret_data, &carried, error);
}
