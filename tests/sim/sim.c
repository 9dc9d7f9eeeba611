/* See sim.h. */
#include "sim.h"

static void
run_one(sim_fn fn, guint32 seed)
{
	struct sim sim = {.rand = g_rand_new_with_seed(seed), .seed = seed, .now = 1000000};
	fn(&sim);
	g_rand_free(sim.rand);
}

void
sim_run(sim_fn fn, guint runs)
{
	const char *given = g_getenv("SEED");
	guint64 seed;
	if (given && g_ascii_string_to_unsigned(given, 10, 0, G_MAXUINT32, &seed, NULL)) {
		run_one(fn, (guint32)seed);
		return;
	}
	guint32 first = g_random_int() % G_MAXINT32;
	g_test_message("%u runs from SEED=%u", runs, first);
	for (guint i = 0; i < runs; i++)
		run_one(fn, first + i);
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
