/* The limit on speed; see rate.h. */
#include "image/rate.h"

#define MADE_UP_FOR (G_USEC_PER_SEC / 4)

void
rate_set(struct rate *rate, guint64 limit, gint64 now)
{
	rate->limit = limit;
	rate->free = now;
}

gint64
rate_take(struct rate *rate, guint64 bytes, gint64 now)
{
	if (rate->limit == 0)
		return 0;
	if (rate->free > now)
		return rate->free - now;
	double cost = (double)bytes * G_USEC_PER_SEC / (double)rate->limit;
	/* A day is longer than anyone waits, and keeps the sum below overflow. */
	cost = MIN(cost, 86400.0 * G_USEC_PER_SEC);
	rate->free = MAX(rate->free, now - MADE_UP_FOR) + (gint64)cost;
	return 0;
}
