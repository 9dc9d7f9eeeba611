/* What simulations share: a random order that can be run again. Each test has always the same
 * seeds, so that it fails for a change and not for luck; SOAK=n in the environment runs n from a
 * random seed, SEED=n just that one; a failure names its seed. GUIDs too come from the seed. */
#pragma once

#include <glib.h>

struct sim {
	GRand *rand;
	guint32 seed;
	gint64 now; /* microseconds; never 0 */
};

typedef void (*sim_fn)(struct sim *sim);

/* Runs @fn @runs times, each with another seed, or as the environment says; with a sanitizer a
 * third of them, the first ones. TRUE: it was all of them, and what one seed may not see must have
 * been seen. */
gboolean sim_run(sim_fn fn, guint runs);
/* TRUE in @percent of the cases. */
gboolean sim_chance(struct sim *sim, guint percent);
guint sim_below(struct sim *sim, guint n);
/* With TRACE=1 in the environment, what happens is told: best with one SEED. */
void sim_trace(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Ends the test and tells the seed. */
#define sim_fail(sim, format, ...) g_error("SEED=%u: " format, (sim)->seed, __VA_ARGS__)
#define sim_check(sim, what)                                                             \
	do {                                                                             \
		if (!(what))                                                             \
			sim_fail(sim, "%s:%d: not true: %s", __FILE__, __LINE__, #what); \
	} while (0)
