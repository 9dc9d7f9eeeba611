/* See sim.h. */
#include "sim.h"

#define FIRST_SEED 1

/* Under a sanitizer a history takes six times as long. */
#ifdef __SANITIZE_ADDRESS__
#define SHARE 3
#else
#define SHARE 1
#endif

static GRand *guids;

/* In place of GLib's, for the whole program: the store lists its objects by their GUIDs, so that a
 * seed tells all only if it tells these too. Their numbers are not those of the history: how many
 * are made must not change what happens next. */
char *
g_uuid_string_random(void)
{
	guint32 words[4];
	g_assert(guids);
	for (guint i = 0; i < 4; i++)
		words[i] = g_rand_int(guids);
	return g_strdup_printf("%08x-%04x-4%03x-8%03x-%04x%08x", words[0], words[1] >> 16,
			       words[1] & 0xfff, words[2] >> 20, words[2] & 0xffff, words[3]);
}

static void
run_one(sim_fn fn, guint32 seed)
{
	struct sim sim = {.rand = g_rand_new_with_seed(seed), .seed = seed, .now = 1000000};
	guids = g_rand_new_with_seed(~seed);
	fn(&sim);
	g_clear_pointer(&guids, g_rand_free);
	g_rand_free(sim.rand);
}

/* FALSE: it is not set. A word that is no number must not look like a test that passed. */
static gboolean
number_from_environment(const char *name, guint32 *ret_number)
{
	const char *text = g_getenv(name);
	guint64 number;
	g_autoptr(GError) error = NULL;
	if (!text)
		return FALSE;
	if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &number, &error))
		g_error("%s: %s", name, error->message);
	*ret_number = (guint32)number;
	return TRUE;
}

gboolean
sim_run(sim_fn fn, guint runs)
{
	guint32 seed, soak, first = FIRST_SEED, wanted = (runs + SHARE - 1) / SHARE;
	gboolean by_chance = number_from_environment("SOAK", &soak);
	if (number_from_environment("SEED", &seed)) {
		run_one(fn, seed);
		return FALSE;
	}
	if (by_chance) {
		wanted = soak;
		first = g_random_int();
	}
	g_test_message("%u runs from SEED=%u", wanted, first);
	for (guint i = 0; i < wanted; i++)
		run_one(fn, first + i);
	return !by_chance && wanted == runs;
}

gboolean
sim_chance(struct sim *sim, guint percent)
{
	return sim_below(sim, 100) < percent;
}

guint
sim_below(struct sim *sim, guint n)
{
	return (guint)g_rand_int_range(sim->rand, 0, (gint32)n);
}

void
sim_trace(const char *format, ...)
{
	static int on = -1;
	if (on < 0)
		on = g_getenv("TRACE") != NULL;
	if (!on)
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_printerr("%s\n", text);
}
