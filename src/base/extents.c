/* Set operations on byte ranges; see extents.h. */
#include "base/extents.h"

struct extents {
	guint64 size;
	GArray *ranges; /* struct extent */
};

#define RANGE(extents, i) g_array_index((extents)->ranges, struct extent, i)

struct extents *
extents_new(guint64 size)
{
	struct extents *extents = g_new0(struct extents, 1);
	extents->size = size;
	extents->ranges = g_array_new(FALSE, FALSE, sizeof(struct extent));
	return extents;
}

void
extents_free(struct extents *extents)
{
	if (!extents)
		return;
	g_array_unref(extents->ranges);
	g_free(extents);
}

guint64
extents_size(const struct extents *extents)
{
	return extents->size;
}

guint
extents_count(const struct extents *extents)
{
	return extents->ranges->len;
}

const struct extent *
extents_get(const struct extents *extents, guint i)
{
	g_assert(i < extents->ranges->len);
	return &RANGE(extents, i);
}

guint64
extents_total(const struct extents *extents)
{
	guint64 total = 0;
	for (guint i = 0; i < extents->ranges->len; i++)
		total += RANGE(extents, i).length;
	return total;
}

static guint64
end_of(const struct extent *range)
{
	return range->offset + range->length;
}

/* The first range that ends at @offset or later: the first that a range from there can touch. */
static guint
first_touching(const struct extents *extents, guint64 offset)
{
	guint low = 0, high = extents->ranges->len;
	while (low < high) {
		guint middle = low + (high - low) / 2;
		if (end_of(&RANGE(extents, middle)) < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
extents_add(struct extents *extents, guint64 offset, guint64 length)
{
	if (offset >= extents->size || length == 0)
		return;
	guint64 end = offset + MIN(length, extents->size - offset);
	guint first = first_touching(extents, offset), after = first;
	while (after < extents->ranges->len && RANGE(extents, after).offset <= end)
		after++;
	if (after > first) {
		offset = MIN(offset, RANGE(extents, first).offset);
		end = MAX(end, end_of(&RANGE(extents, after - 1)));
		RANGE(extents, first) = (struct extent){offset, end - offset};
		if (after - first > 1)
			g_array_remove_range(extents->ranges, first + 1, after - first - 1);
		return;
	}
	const struct extent range = {offset, end - offset};
	g_array_insert_val(extents->ranges, first, range);
	/* Half again before filling gaps, so that the cost of it is shared by many additions. */
	if (extents->ranges->len > EXTENTS_MAX + EXTENTS_MAX / 2)
		extents_coalesce(extents, EXTENTS_MAX);
}

/* Linear: always takes the range that begins first, so that every addition is at the end. */
struct extents *
extents_union(const struct extents *a, const struct extents *b)
{
	struct extents *both = extents_new(MAX(a->size, b->size));
	guint i = 0, j = 0;
	while (i < a->ranges->len || j < b->ranges->len) {
		gboolean from_a = j == b->ranges->len ||
				  (i < a->ranges->len && RANGE(a, i).offset < RANGE(b, j).offset);
		const struct extent *range = from_a ? &RANGE(a, i++) : &RANGE(b, j++);
		extents_add(both, range->offset, range->length);
	}
	return both;
}

struct extents *
extents_clip(const struct extents *extents, guint64 size)
{
	struct extents *clipped = extents_new(size);
	for (guint i = 0; i < extents->ranges->len; i++)
		extents_add(clipped, RANGE(extents, i).offset, RANGE(extents, i).length);
	return clipped;
}

struct extents *
extents_align(const struct extents *extents, guint64 block)
{
	struct extents *aligned = extents_new(extents->size);
	for (guint i = 0; i < extents->ranges->len; i++) {
		guint64 start = RANGE(extents, i).offset / block * block;
		guint64 last = end_of(&RANGE(extents, i)) - 1;
		guint64 rest = block - last % block; /* from the last byte to the block's end */
		guint64 end = rest > extents->size - last ? extents->size : last + rest;
		extents_add(aligned, start, end - start);
	}
	return aligned;
}

static gint
compare_gaps(gconstpointer a, gconstpointer b)
{
	guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;
	return x < y ? -1 : x > y;
}

/* The largest gap to fill, and how many gaps of exactly that length, so that @fill are filled. */
static guint64
gap_limit(const struct extents *extents, guint fill, guint *ret_equal)
{
	guint n = extents->ranges->len - 1;
	g_autoptr(GArray) gaps = g_array_sized_new(FALSE, FALSE, sizeof(guint64), n);
	for (guint i = 0; i < n; i++) {
		guint64 gap = RANGE(extents, i + 1).offset - end_of(&RANGE(extents, i));
		g_array_append_val(gaps, gap);
	}
	g_array_sort(gaps, compare_gaps);
	guint64 limit = g_array_index(gaps, guint64, fill - 1);
	guint smaller = 0;
	while (g_array_index(gaps, guint64, smaller) < limit)
		smaller++;
	*ret_equal = fill - smaller;
	return limit;
}

void
extents_coalesce(struct extents *extents, guint max)
{
	guint n = extents->ranges->len, equal;
	if (n <= max)
		return;
	guint64 limit = gap_limit(extents, n - max, &equal);
	guint kept = 0;
	for (guint i = 1; i < n; i++) {
		guint64 gap = RANGE(extents, i).offset - end_of(&RANGE(extents, kept));
		gboolean fill = gap < limit || (gap == limit && equal > 0);
		if (gap == limit && fill)
			equal--;
		if (fill)
			RANGE(extents, kept).length += gap + RANGE(extents, i).length;
		else
			RANGE(extents, ++kept) = RANGE(extents, i);
	}
	g_array_set_size(extents->ranges, kept + 1);
}
