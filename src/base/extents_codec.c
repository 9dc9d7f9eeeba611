/* Extents as bytes, all numbers little-endian:
 *
 *	8	"cairnext"
 *	u32	version: 1
 *	u64	size of the disk in bytes
 *	u32	number of ranges
 *	for each range two LEB128 numbers: bytes since the end of the range before (not 0, but for
 *the first), length in bytes (not 0) 32	SHA-256 of all before
 *
 * One set has exactly one form. */
#include "base/error.h"
#include "base/extents.h"

#include <string.h>

#define MAGIC	      "cairnext"
#define MAGIC_LENGTH  8
#define VERSION	      1
#define HEADER_LENGTH (MAGIC_LENGTH + 4 + 8 + 4)
#define SUM_LENGTH    32

/* What extents_encode() never passes: extents_add() lets a set grow by half before it fills gaps.
 */
#define COUNT_MAX (EXTENTS_MAX + EXTENTS_MAX / 2)

static void
put_int(GByteArray *bytes, guint64 value, guint len)
{
	value = GUINT64_TO_LE(value);
	g_byte_array_append(bytes, (const guint8 *)&value, len);
}

static void
put_leb128(GByteArray *bytes, guint64 value)
{
	do {
		guint8 byte = (guint8)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		g_byte_array_append(bytes, &byte, 1);
		value >>= 7;
	} while (value);
}

static void
sum(const guint8 *data, gsize len, guint8 *ret_sum)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize sum_len = SUM_LENGTH;
	g_checksum_update(checksum, data, (gssize)len);
	g_checksum_get_digest(checksum, ret_sum, &sum_len);
}

GBytes *
extents_encode(const struct extents *extents)
{
	GByteArray *bytes = g_byte_array_new();
	guint n = extents_count(extents);
	g_byte_array_append(bytes, (const guint8 *)MAGIC, MAGIC_LENGTH);
	put_int(bytes, VERSION, 4);
	put_int(bytes, extents_size(extents), 8);
	put_int(bytes, n, 4);
	guint64 at = 0;
	for (guint i = 0; i < n; i++) {
		const struct extent *range = extents_get(extents, i);
		put_leb128(bytes, range->offset - at);
		put_leb128(bytes, range->length);
		at = range->offset + range->length;
	}
	guint8 digest[SUM_LENGTH];
	sum(bytes->data, bytes->len, digest);
	g_byte_array_append(bytes, digest, SUM_LENGTH);
	return g_byte_array_free_to_bytes(bytes);
}

struct reader {
	const guint8 *at;
	const guint8 *end;
};

static guint64
get_int(struct reader *reader, guint len)
{
	guint64 value = 0;
	g_assert((gsize)(reader->end - reader->at) >= len);
	memcpy(&value, reader->at, len);
	reader->at += len;
	return GUINT64_FROM_LE(value);
}

/* FALSE at the end of the bytes, for more than 64 bits and for a longer form than needed. */
static gboolean
get_leb128(struct reader *reader, guint64 *ret_value)
{
	guint64 value = 0;
	for (guint shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
		guint8 byte = *reader->at++;
		if (shift == 63 && byte > 1)
			return FALSE;
		value |= (guint64)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		*ret_value = value;
		return byte != 0 || shift == 0;
	}
	return FALSE;
}

static gboolean
get_range(struct reader *reader, guint64 at, guint64 size, struct extent *ret_range)
{
	guint64 gap, length;
	if (!get_leb128(reader, &gap) || !get_leb128(reader, &length))
		return FALSE;
	if (gap > size - at || length == 0 || length > size - at - gap || (gap == 0 && at > 0))
		return FALSE;
	*ret_range = (struct extent){at + gap, length};
	return TRUE;
}

static struct extents *
get_ranges(struct reader *reader)
{
	cairn_auto(extents) extents = extents_new(get_int(reader, 8));
	guint64 count = get_int(reader, 4), at = 0;
	if (count > COUNT_MAX)
		return NULL;
	for (guint64 i = 0; i < count; i++) {
		struct extent range;
		if (!get_range(reader, at, extents_size(extents), &range))
			return NULL;
		extents_add(extents, range.offset, range.length);
		at = range.offset + range.length;
	}
	return reader->at == reader->end ? g_steal_pointer(&extents) : NULL;
}

struct extents *
extents_decode(GBytes *bytes, GError **error)
{
	gsize len;
	const guint8 *data = g_bytes_get_data(bytes, &len);
	guint8 digest[SUM_LENGTH];
	if (len < HEADER_LENGTH + SUM_LENGTH || memcmp(data, MAGIC, MAGIC_LENGTH) != 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "not a set of extents");
		return NULL;
	}
	struct reader reader = {data + MAGIC_LENGTH, data + len - SUM_LENGTH};
	sum(data, len - SUM_LENGTH, digest);
	if (memcmp(digest, reader.end, SUM_LENGTH) != 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "the set of extents is damaged: its checksum is wrong");
		return NULL;
	}
	guint64 version = get_int(&reader, 4);
	if (version != VERSION) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "the set of extents has version %" G_GUINT64_FORMAT
			    ", this program knows %d",
			    version, VERSION);
		return NULL;
	}
	struct extents *extents = get_ranges(&reader);
	if (!extents)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "the set of extents is damaged: a range is not possible");
	return extents;
}
