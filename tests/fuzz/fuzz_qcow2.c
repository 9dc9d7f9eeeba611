/* The reader of qcow2 images and the walk over their tables, on anything. */
#include "fuzz.h"

#include "base/error.h"
#include "export_maker.h"
#include "image/image.h"
#include "image/qcow2_check.h"
#include "image/qcow2_read.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCKS_MAX 32 /* read from the beginning and from the end */

static void
ignore_problem(guint64 offset, guint64 length, const char *what, void *data)
{
}

static void
read_blocks(const struct image *image, guint64 begin, guint64 end)
{
	cairn_auto(image_cursor) cursor = image_cursor_new(image);
	cairn_auto(digest) digest = digest_new(DIGEST_XXH3);
	g_autofree guint8 *buffer = g_malloc(DIGEST_BLOCK);
	for (guint64 block = begin; block < end; block++) {
		struct image_block found;
		guint16 carried, data;
		image_map(cursor, block, &carried, &data, NULL);
		image_read(cursor, block, 0x5555, buffer, NULL, &found, NULL);
		image_read(cursor, block, 0, buffer, digest, &found, NULL);
	}
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	guint8 digest[DIGEST_MAX];
	g_assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	cairn_auto(qcow2_file) file = qcow2_open(fd, NULL);
	if (!file)
		return 0;
	qcow2_check(file, DIGEST_XXH3, ignore_problem, NULL, digest, NULL);
	struct image image = {.format = MANIFEST_QCOW2,
			      .size = file->size,
			      .file_size = file->file_size,
			      .fd = file->fd,
			      .qcow2 = file};
	guint64 blocks = image_blocks(&image);
	read_blocks(&image, 0, MIN(blocks, BLOCKS_MAX));
	if (blocks > BLOCKS_MAX)
		read_blocks(&image, blocks - BLOCKS_MAX, blocks);
	return 0;
}

/* Images of a full and an increment, plain and compressed. */
GPtrArray *
fuzz_seeds(void)
{
	GPtrArray *seeds = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < 4; i++) {
		struct maker_options options = {"qcow2", i % 2 == 1, DIGEST_XXH3, 400000, i};
		cairn_auto(maker) maker = maker_new(&options);
		for (guint n = 0; n <= i / 2; n++) {
			maker_change(maker);
			maker_export(maker, FALSE);
		}
		g_autofree char *path =
			maker_image(maker, g_ptr_array_index(maker->points, i / 2), 0);
		char *data;
		gsize len;
		g_assert_true(g_file_get_contents(path, &data, &len, NULL));
		g_ptr_array_add(seeds, g_bytes_new_take(data, len));
	}
	return seeds;
}
