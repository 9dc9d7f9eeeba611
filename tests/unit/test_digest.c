/* Block digests: the message of digest.h, against values from the algorithms' own tools. */
#include "image/digest.h"

#include <string.h>

static void
hex_equal(const guint8 *digest, gsize len, const char *expected)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (gsize i = 0; i < len; i++)
		g_string_append_printf(text, "%02x", digest[i]);
	g_assert_cmpstr(text->str, ==, expected);
}

/* `printf abc | xxhsum -H3` and `sha256sum` say the same. */
static void
test_bytes(void)
{
	guint8 out[DIGEST_MAX];
	digest_bytes(DIGEST_XXH3, "abc", 3, out);
	hex_equal(out, 8, "78af5f94892f3950");
	digest_bytes(DIGEST_SHA256, "abc", 3, out);
	hex_equal(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* A block is the digest of one message that the test can put together itself. */
static void
test_block(gconstpointer data)
{
	enum digest_algorithm algorithm = (enum digest_algorithm)GPOINTER_TO_INT(data);
	g_autofree guint8 *message = g_malloc0(3 * DIGEST_CLUSTER + 512 + 2);
	memset(message, 'a', DIGEST_CLUSTER);
	memset(message + 2 * DIGEST_CLUSTER, 'c', DIGEST_CLUSTER + 512);
	message[3 * DIGEST_CLUSTER + 512] = 0x05; /* clusters 0, 2 and 15 */
	message[3 * DIGEST_CLUSTER + 513] = 0x80;
	guint8 expected[DIGEST_MAX], got[DIGEST_MAX];
	digest_bytes(algorithm, message, 3 * DIGEST_CLUSTER + 514, expected);
	cairn_auto(digest) digest = digest_new(algorithm);
	for (int round = 0; round < 2; round++) {
		digest_block_begin(digest);
		digest_block_cluster(digest, 0, message, NULL, 0);
		digest_block_cluster(digest, 2, NULL, NULL, 0);
		digest_block_cluster(digest, 15, message + 2 * DIGEST_CLUSTER,
				     message + 3 * DIGEST_CLUSTER, 512);
		digest_block_end(digest, got);
		g_assert_cmpmem(got, digest_length(algorithm), expected, digest_length(algorithm));
	}
}

static void
test_names(void)
{
	enum digest_algorithm algorithm = DIGEST_LAST;
	for (int i = 0; i < DIGEST_LAST; i++) {
		g_assert_true(digest_from_name(digest_name((enum digest_algorithm)i), &algorithm));
		g_assert_cmpint(algorithm, ==, i);
	}
	g_assert_true(digest_from_name("xxh3", &algorithm));
	g_assert_false(digest_from_name("md5", &algorithm));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/digest/bytes", test_bytes);
	g_test_add_data_func("/digest/block/xxh3", GINT_TO_POINTER(DIGEST_XXH3), test_block);
	g_test_add_data_func("/digest/block/sha256", GINT_TO_POINTER(DIGEST_SHA256), test_block);
	g_test_add_func("/digest/names", test_names);
	return g_test_run();
}
