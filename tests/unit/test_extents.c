/* Extents: the algebra against a map of single bytes with a printed seed; the codec against golden
 * bytes, cut and changed everywhere. */
#include "base/error.h"
#include "base/extents.h"

#include <string.h>

#define SIZE   512
#define ROUNDS 300

/* The slow reference: one byte of the map is one byte of the disk. */
static void
map_add(guint8 *map, guint64 size, guint64 offset, guint64 length)
{
	for (guint64 i = 0; i < size; i++)
		if (i >= offset && i - offset < length)
			map[i] = 1;
}

static void
assert_equal(const struct extents *extents, const guint8 *map, guint64 size)
{
	guint8 got[2 * SIZE] = {0};
	guint64 end = 0, total = 0;
	g_assert_cmpuint(extents_size(extents), ==, size);
	for (guint i = 0; i < extents_count(extents); i++) {
		const struct extent *range = extents_get(extents, i);
		g_assert_cmpuint(range->length, >, 0);
		g_assert_true(i == 0 || range->offset > end);
		end = range->offset + range->length;
		g_assert_cmpuint(end, <=, size);
		memset(got + range->offset, 1, range->length);
		total += range->length;
	}
	g_assert_cmpmem(got, size, map, size);
	g_assert_cmpuint(extents_total(extents), ==, total);
}

static struct extents *
random_extents(guint8 *map, guint64 size)
{
	struct extents *extents = extents_new(size);
	memset(map, 0, 2 * SIZE);
	for (gint n = g_test_rand_int_range(0, 30); n > 0; n--) {
		guint64 offset = (guint64)g_test_rand_int_range(0, SIZE + 20);
		guint64 length = (guint64)g_test_rand_int_range(0, 40);
		if (g_test_rand_int_range(0, 50) == 0)
			length = G_MAXUINT64 - 5;
		extents_add(extents, offset, length);
		map_add(map, size, offset, length);
	}
	return extents;
}

static void
test_algebra(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		guint8 a_map[2 * SIZE], b_map[2 * SIZE], both[2 * SIZE] = {0};
		guint64 b_size = (guint64)g_test_rand_int_range(1, 2 * SIZE);
		cairn_auto(extents) a = random_extents(a_map, SIZE);
		cairn_auto(extents) b = random_extents(b_map, b_size);
		assert_equal(a, a_map, SIZE);
		cairn_auto(extents) sum = extents_union(a, b);
		for (guint i = 0; i < 2 * SIZE; i++)
			both[i] = a_map[i] | b_map[i];
		assert_equal(sum, both, MAX(SIZE, b_size));
		cairn_auto(extents) clipped = extents_clip(a, 100);
		assert_equal(clipped, a_map, 100);
	}
}

static void
test_align(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		guint8 map[2 * SIZE], blocks[2 * SIZE] = {0};
		guint64 block = (guint64)g_test_rand_int_range(1, 70);
		cairn_auto(extents) extents = random_extents(map, SIZE);
		cairn_auto(extents) aligned = extents_align(extents, block);
		for (guint64 i = 0; i < SIZE; i++)
			for (guint64 k = i / block * block; map[i] && k < SIZE; k++)
				if (k < (i / block + 1) * block)
					blocks[k] = 1;
		assert_equal(aligned, blocks, SIZE);
	}
	cairn_auto(extents) huge = extents_new(G_MAXUINT64);
	extents_add(huge, G_MAXUINT64 - 3, 2);
	cairn_auto(extents) whole = extents_align(huge, 65536);
	g_assert_cmpuint(extents_total(whole), ==, 65535);
}

/* Nothing is lost, the count is kept, and no kept gap is smaller than a filled one. */
static void
test_coalesce(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		guint8 map[2 * SIZE], after[2 * SIZE] = {0};
		cairn_auto(extents) extents = random_extents(map, SIZE);
		cairn_auto(extents) before = extents_clip(extents, SIZE);
		guint max = (guint)g_test_rand_int_range(1, 12);
		extents_coalesce(extents, max);
		g_assert_cmpuint(extents_count(extents), ==, MIN(max, extents_count(before)));
		guint64 smallest = G_MAXUINT64, largest = 0;
		for (guint i = 0; i < extents_count(extents); i++) {
			const struct extent *range = extents_get(extents, i);
			memset(after + range->offset, 1, range->length);
		}
		for (guint i = 0; i + 1 < extents_count(before); i++) {
			const struct extent *one = extents_get(before, i);
			guint64 end = one->offset + one->length;
			guint64 gap = extents_get(before, i + 1)->offset - end;
			if (after[end])
				largest = MAX(largest, gap);
			else
				smallest = MIN(smallest, gap);
		}
		g_assert_cmpuint(largest, <=, smallest);
		for (guint i = 0; i < SIZE; i++)
			g_assert_cmpuint(after[i], >=, map[i]);
	}
}

static void
test_limit(void)
{
	cairn_auto(extents) extents = extents_new(G_MAXUINT64);
	for (guint64 i = 0; i < EXTENTS_MAX + EXTENTS_MAX / 2 + 1; i++)
		extents_add(extents, i * 200, 100);
	g_assert_cmpuint(extents_count(extents), ==, EXTENTS_MAX);
}

static const guint8 golden[] = {
	'c',  'a',  'i',  'r',	'n', 'e', 'x', 't', /* magic */
	1,    0,    0,	  0,			    /* version */
	0,    0,    0x10, 0,	0,   0,	  0,   0,   /* 1 MiB */
	2,    0,    0,	  0,			    /* ranges */
	0x00, 0x80, 0x80, 0x04,			    /* 0, 65536 */
	0x80, 0x80, 0x08, 0x01,			    /* 131072 further, 1 */
};

static void
test_golden(void)
{
	cairn_auto(extents) extents = extents_new(1 << 20);
	extents_add(extents, 196608, 1);
	extents_add(extents, 0, 65536);
	g_autoptr(GBytes) bytes = extents_encode(extents);
	gsize len;
	const guint8 *data = g_bytes_get_data(bytes, &len);
	g_assert_cmpuint(len, ==, sizeof golden + 32);
	g_assert_cmpmem(data, sizeof golden, golden, sizeof golden);
	g_autofree char *sum =
		g_compute_checksum_for_data(G_CHECKSUM_SHA256, golden, sizeof golden);
	for (guint i = 0; i < 32; i++) {
		g_autofree char *hex = g_strdup_printf("%02x", data[sizeof golden + i]);
		g_assert_true(strncmp(hex, sum + 2 * i, 2) == 0);
	}
}

static void
assert_refused(const guint8 *data, gsize len)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = g_bytes_new(data, len);
	g_assert_null(extents_decode(bytes, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
}

static void
test_codec(void)
{
	guint8 map[2 * SIZE];
	cairn_auto(extents) extents = random_extents(map, SIZE);
	extents_add(extents, 7, 3);
	g_autoptr(GBytes) bytes = extents_encode(extents);
	g_autoptr(GError) error = NULL;
	cairn_auto(extents) back = extents_decode(bytes, &error);
	g_assert_no_error(error);
	map_add(map, SIZE, 7, 3);
	assert_equal(back, map, SIZE);
	gsize len;
	const guint8 *data = g_bytes_get_data(bytes, &len);
	for (gsize cut = 0; cut < len; cut++)
		assert_refused(data, cut);
	g_autofree guint8 *copy = g_malloc(len + 1);
	memcpy(copy, data, len);
	assert_refused(copy, len + 1);
	for (gsize i = 0; i < len; i++) {
		copy[i] ^= 0x40;
		assert_refused(copy, len);
		copy[i] ^= 0x40;
	}
}

/* With a right checksum, so that the ranges themselves are judged. */
static gboolean
accepts(guint32 version, guint64 size, guint32 count, const guint8 *ranges, gsize len,
	int *ret_code)
{
	g_autoptr(GByteArray) array = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	guint8 sum[32];
	gsize sum_len = sizeof sum;
	version = GUINT32_TO_LE(version);
	size = GUINT64_TO_LE(size);
	count = GUINT32_TO_LE(count);
	g_byte_array_append(array, golden, 8);
	g_byte_array_append(array, (const guint8 *)&version, 4);
	g_byte_array_append(array, (const guint8 *)&size, 8);
	g_byte_array_append(array, (const guint8 *)&count, 4);
	g_byte_array_append(array, ranges, (guint)len);
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	g_checksum_update(checksum, array->data, array->len);
	g_checksum_get_digest(checksum, sum, &sum_len);
	g_byte_array_append(array, sum, sizeof sum);
	g_autoptr(GBytes) bytes = g_bytes_new(array->data, array->len);
	cairn_auto(extents) extents = extents_decode(bytes, &error);
	*ret_code = error ? error->code : -1;
	return extents != NULL;
}

static void
test_impossible(void)
{
	int code;
	static const guint8 max[] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
	static const guint8 over[] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
	g_assert_true(accepts(1, 10, 1, (const guint8 *)"\x09\x01", 2, &code));
	g_assert_false(
		accepts(1, 10, 1, (const guint8 *)"\x09\x02", 2, &code)); /* behind the end */
	g_assert_false(accepts(1, 10, 1, (const guint8 *)"\x0b\x01", 2, &code));
	g_assert_false(accepts(1, 10, 1, (const guint8 *)"\x01\x00", 2, &code));	 /* empty */
	g_assert_false(accepts(1, 10, 2, (const guint8 *)"\x01\x01\x00\x01", 4, &code)); /* touch */
	g_assert_false(accepts(1, 10, 1, (const guint8 *)"\x81\x00\x01", 3, &code)); /* long form */
	g_assert_false(accepts(1, 10, 2, (const guint8 *)"\x01\x01", 2, &code));     /* too few */
	g_assert_false(accepts(1, 10, 0, (const guint8 *)"\x01\x01", 2, &code));     /* too many */
	g_assert_false(accepts(1, 10, G_MAXUINT32, (const guint8 *)"\x01\x01", 2, &code));
	g_assert_true(accepts(1, G_MAXUINT64, 1, max, sizeof max, &code));
	g_assert_false(accepts(1, G_MAXUINT64, 1, over, sizeof over, &code));
	g_assert_cmpint(code, ==, CAIRN_ERROR_INVALID);
	g_assert_false(accepts(2, 10, 0, NULL, 0, &code));
	g_assert_cmpint(code, ==, CAIRN_ERROR_STATE);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL); /* prints the seed; --seed repeats it */
	g_test_add_func("/extents/algebra", test_algebra);
	g_test_add_func("/extents/align", test_align);
	g_test_add_func("/extents/coalesce", test_coalesce);
	g_test_add_func("/extents/limit", test_limit);
	g_test_add_func("/extents/golden", test_golden);
	g_test_add_func("/extents/codec", test_codec);
	g_test_add_func("/extents/impossible", test_impossible);
	return g_test_run();
}
