/* Block and metadata digests; the rules are in digest.h. */
#include "image/digest.h"

#include <string.h>
#include <xxhash.h>

static const struct {
	const char *name;
	gsize length;
} algorithms[DIGEST_LAST] = {
	[DIGEST_XXH3] = {"xxh3-64", 8},
	[DIGEST_SHA256] = {"sha256", 32},
};

struct digest {
	enum digest_algorithm algorithm;
	guint16 mask;
	XXH3_state_t *xxh3;
	GChecksum *checksum;
};

static const guint8 zeroes[DIGEST_CLUSTER];

const char *
digest_name(enum digest_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

gboolean
digest_from_name(const char *name, enum digest_algorithm *ret_algorithm)
{
	if (g_strcmp0(name, "xxh3") == 0)
		name = "xxh3-64";
	for (int i = 0; i < DIGEST_LAST; i++) {
		if (g_strcmp0(name, algorithms[i].name) != 0)
			continue;
		*ret_algorithm = (enum digest_algorithm)i;
		return TRUE;
	}
	return FALSE;
}

gsize
digest_length(enum digest_algorithm algorithm)
{
	return algorithms[algorithm].length;
}

static void
update(struct digest *digest, const void *data, gsize len)
{
	if (digest->xxh3)
		XXH3_64bits_update(digest->xxh3, data, len);
	else
		g_checksum_update(digest->checksum, data, (gssize)len);
}

static void
finish(struct digest *digest, guint8 *ret_digest)
{
	if (digest->xxh3) {
		XXH64_canonical_t canonical;
		XXH64_canonicalFromHash(&canonical, XXH3_64bits_digest(digest->xxh3));
		memcpy(ret_digest, canonical.digest, sizeof canonical.digest);
	} else {
		gsize len = DIGEST_MAX;
		g_checksum_get_digest(digest->checksum, ret_digest, &len);
	}
}

void
digest_bytes(enum digest_algorithm algorithm, const void *data, gsize len, guint8 *ret_digest)
{
	cairn_auto(digest) digest = digest_new(algorithm);
	digest_block_begin(digest);
	update(digest, data, len);
	finish(digest, ret_digest);
}

struct digest *
digest_new(enum digest_algorithm algorithm)
{
	struct digest *digest = g_new0(struct digest, 1);
	digest->algorithm = algorithm;
	if (algorithm == DIGEST_XXH3)
		digest->xxh3 = XXH3_createState();
	else
		digest->checksum = g_checksum_new(G_CHECKSUM_SHA256);
	return digest;
}

void
digest_free(struct digest *digest)
{
	if (!digest)
		return;
	if (digest->xxh3)
		XXH3_freeState(digest->xxh3);
	if (digest->checksum)
		g_checksum_free(digest->checksum);
	g_free(digest);
}

void
digest_block_begin(struct digest *digest)
{
	digest->mask = 0;
	if (digest->xxh3)
		XXH3_64bits_reset(digest->xxh3);
	else
		g_checksum_reset(digest->checksum);
}

void
digest_block_cluster(struct digest *digest, guint index, const void *contents, const void *stored,
		     gsize stored_len)
{
	g_assert(index < DIGEST_PER_BLOCK && digest->mask >> index == 0);
	digest->mask |= (guint16)(1U << index);
	update(digest, contents ? contents : zeroes, DIGEST_CLUSTER);
	if (stored)
		update(digest, stored, stored_len);
}

void
digest_block_end(struct digest *digest, guint8 *ret_digest)
{
	const guint8 mask[2] = {(guint8)digest->mask, (guint8)(digest->mask >> 8)};
	update(digest, mask, sizeof mask);
	finish(digest, ret_digest);
}
