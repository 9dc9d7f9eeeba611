/* Runs a fuzz target without a fuzzer: `fuzz_NAME FILE...` replays files; without any it runs the
 * target's seeds, whole, cut off and with random changes; `fuzz_NAME --seeds DIR` writes them there
 * for libfuzzer_NAME to begin with. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS 3000 /* changed inputs; FUZZ_ROUNDS in the environment says another number */

static guint64
interesting(GRand *rand, gsize len)
{
	const guint64 values[] = {0,
				  1,
				  G_MAXUINT64,
				  (guint64)1 << 63,
				  (guint64)1 << 62,
				  len,
				  len - 1,
				  (guint64)1 << 32,
				  65536,
				  G_MAXINT64 - 511,
				  (guint64)1 << 63 | 65536,
				  (guint64)3 << 62};
	return values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))] +
	       (g_rand_int_range(rand, 0, 4) == 0 ? (guint64)g_rand_int_range(rand, -2, 3) * 512
						  : 0);
}

/* Half of the changes go to the first 128 bytes, where headers are, and to bytes that are not 0. */
static gsize
place(GRand *rand, const guint8 *data, gsize len)
{
	if (g_rand_int_range(rand, 0, 4) == 0)
		return (gsize)g_rand_int_range(rand, 0, (gint32)MIN(len, 128));
	gsize at = (gsize)g_rand_int_range(rand, 0, (gint32)len);
	if (g_rand_boolean(rand))
		return at;
	for (gsize i = 0; i < len; i++)
		if (data[(at + i) % len])
			return (at + i) % len;
	return at;
}

static void
change(GRand *rand, guint8 *data, gsize *len)
{
	gsize at = place(rand, data, *len);
	guint64 value = GUINT64_TO_BE(interesting(rand, *len));
	switch (g_rand_int_range(rand, 0, 6)) {
	case 0:
		data[at] ^= (guint8)(1 << g_rand_int_range(rand, 0, 8));
		break;
	case 1:
		data[at] = (guint8)g_rand_int(rand);
		break;
	case 2:
		*len = MAX(at, 1);
		break;
	case 3: {
		gsize from = place(rand, data, *len);
		memmove(data + at, data + from, MIN(*len - MAX(at, from), 64));
		break;
	}
	default:
		at &= ~(gsize)7;
		memcpy(data + at, &value, MIN(8, *len - at));
	}
}

static void
run_changed(const GPtrArray *seeds, GRand *rand, guint rounds)
{
	for (guint i = 0; i < rounds; i++) {
		GBytes *seed = g_ptr_array_index(
			seeds, (guint)g_rand_int_range(rand, 0, (gint32)seeds->len));
		gsize len = g_bytes_get_size(seed);
		g_autofree guint8 *data = g_memdup2(g_bytes_get_data(seed, NULL), len);
		for (gint n = g_rand_int_range(rand, 1, 4); n > 0 && len > 0; n--)
			change(rand, data, &len);
		/* A copy of its own length, so that a reader beyond it is caught. */
		g_autofree guint8 *exact = g_memdup2(data, len);
		LLVMFuzzerTestOneInput(exact, len);
	}
}

static int
run_files(char *const *paths)
{
	for (; *paths; paths++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *data = NULL;
		gsize len;
		if (!g_file_get_contents(*paths, &data, &len, &error)) {
			g_printerr("%s\n", error->message);
			return 1;
		}
		LLVMFuzzerTestOneInput((const guint8 *)data, len);
	}
	return 0;
}

static int
write_seeds(const char *dir)
{
	g_autoptr(GPtrArray) seeds = fuzz_seeds();
	for (guint i = 0; i < seeds->len; i++) {
		g_autofree char *path = g_strdup_printf("%s/seed%u", dir, i);
		g_autoptr(GError) error = NULL;
		gsize len;
		const char *data = g_bytes_get_data(g_ptr_array_index(seeds, i), &len);
		if (!g_file_set_contents(path, data, (gssize)len, &error)) {
			g_printerr("%s\n", error->message);
			return 1;
		}
	}
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
		return write_seeds(argv[2]);
	if (argc > 1)
		return run_files(argv + 1);
	const char *given = g_getenv("FUZZ_SEED"), *rounds = g_getenv("FUZZ_ROUNDS");
	guint32 seed = given ? (guint32)g_ascii_strtoull(given, NULL, 10) : g_random_int();
	g_printerr("FUZZ_SEED=%u\n", seed);
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	g_autoptr(GPtrArray) seeds = fuzz_seeds();
	for (guint i = 0; i < seeds->len; i++) {
		gsize len;
		const guint8 *data = g_bytes_get_data(g_ptr_array_index(seeds, i), &len);
		LLVMFuzzerTestOneInput(data, len);
	}
	LLVMFuzzerTestOneInput((const guint8 *)"", 0);
	run_changed(seeds, rand, rounds ? (guint)g_ascii_strtoull(rounds, NULL, 10) : ROUNDS);
	return 0;
}
