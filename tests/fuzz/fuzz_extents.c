/* The codec of extents on anything: as it is, and with a right checksum behind it, so that the
 * ranges are reached. What is accepted must be a proper set and encode to the same bytes. */
#include "fuzz.h"

#include "base/extents.h"

#include <string.h>

#define SUM_LENGTH 32

static void
take(const guint8 *data, gsize len)
{
	g_autoptr(GBytes) bytes = g_bytes_new(data, len);
	cairn_auto(extents) extents = extents_decode(bytes, NULL);
	if (!extents)
		return;
	guint64 end = 0;
	for (guint i = 0; i < extents_count(extents); i++) {
		const struct extent *range = extents_get(extents, i);
		g_assert(range->length > 0 && (i == 0 || range->offset > end));
		g_assert(range->length <= extents_size(extents) - range->offset);
		end = range->offset + range->length;
	}
	g_autoptr(GBytes) again = extents_encode(extents);
	g_assert(g_bytes_equal(bytes, again));
	cairn_auto(extents) aligned = extents_align(extents, 65536);
	cairn_auto(extents) both = extents_union(extents, aligned);
	g_assert(extents_total(both) == extents_total(aligned));
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	g_autofree guint8 *summed = g_malloc(len + SUM_LENGTH);
	gsize body = len > SUM_LENGTH ? len - SUM_LENGTH : 0, sum_len = SUM_LENGTH;
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	take(data, len);
	if (body > 0)
		memcpy(summed, data, body);
	g_checksum_update(checksum, summed, (gssize)body);
	g_checksum_get_digest(checksum, summed + body, &sum_len);
	take(summed, body + SUM_LENGTH);
	return 0;
}

GPtrArray *
fuzz_seeds(void)
{
	static const struct extent ranges[] = {
		{0, 1}, {5, 100}, {65536, 65536}, {1ULL << 40, 3}, {1ULL << 62, 1ULL << 61}};
	GPtrArray *array = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	cairn_auto(extents) extents = extents_new(G_MAXUINT64);
	g_ptr_array_add(array, extents_encode(extents));
	for (guint i = 0; i < G_N_ELEMENTS(ranges); i++) {
		extents_add(extents, ranges[i].offset, ranges[i].length);
		g_ptr_array_add(array, extents_encode(extents));
	}
	return array;
}
