/* Progressive filling; see shares.h. */
#include "core/shares.h"

#include <string.h>

/* A limit that some copies share. */
struct limit {
	const char *name;
	gboolean host;
	guint64 left; /* to be given to those that have none yet */
	guint open;   /* how many those are */
};

static gboolean
belongs(const struct limit *limit, const struct share *share)
{
	return strcmp(limit->name, limit->host ? share->host : share->job) == 0;
}

static void
add(GArray *limits, const char *name, gboolean host, guint64 most)
{
	for (guint i = 0; i < limits->len; i++) {
		struct limit *limit = &g_array_index(limits, struct limit, i);
		if (limit->host == host && strcmp(limit->name, name) == 0) {
			limit->open++;
			return;
		}
	}
	struct limit limit = {name, host, most, 1};
	if (most != 0)
		g_array_append_val(limits, limit);
}

/* The limit that is reached first when all are raised alike; NULL: none is left. */
static struct limit *
tightest(const GArray *limits)
{
	struct limit *best = NULL;
	for (guint i = 0; i < limits->len; i++) {
		struct limit *limit = &g_array_index(limits, struct limit, i);
		if (limit->open > 0 &&
		    (!best || limit->left / limit->open < best->left / best->open))
			best = limit;
	}
	return best;
}

static void
settle(GArray *limits, struct share *share, guint64 rate)
{
	share->rate = rate;
	for (guint i = 0; i < limits->len; i++) {
		struct limit *limit = &g_array_index(limits, struct limit, i);
		if (!belongs(limit, share))
			continue;
		limit->left -= MIN(limit->left, rate);
		limit->open--;
	}
}

void
shares_divide(struct share *shares, guint n)
{
	g_autoptr(GArray) limits = g_array_new(FALSE, FALSE, sizeof(struct limit));
	struct limit *limit;
	for (guint i = 0; i < n; i++) {
		shares[i].rate = 0;
		add(limits, shares[i].job, FALSE, shares[i].job_limit);
		add(limits, shares[i].host, TRUE, shares[i].host_limit);
	}
	while ((limit = tightest(limits))) {
		guint64 rate = MAX(1, limit->left / limit->open);
		for (guint i = 0; i < n; i++)
			if (shares[i].rate == 0 && belongs(limit, &shares[i]))
				settle(limits, &shares[i], rate);
	}
}
