/* Peers whose passwords or tokens were wrong wait before the next is looked at, longer each time.
 * Nobody is locked out, and nothing blocks: the caller waits with a timer. */
#include "cimd/auth_private.h"
#include "cimd/limits.h"

struct peer {
	guint failures;
	gint64 not_before, last; /* monotonic */
};

struct auth_slow {
	GHashTable *peers; /* key to struct peer */
};

struct auth_slow *
auth_slow_new(void)
{
	struct auth_slow *slow = g_new0(struct auth_slow, 1);
	slow->peers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return slow;
}

void
auth_slow_free(struct auth_slow *slow)
{
	if (!slow)
		return;
	g_hash_table_unref(slow->peers);
	g_free(slow);
}

static gboolean
is_old(gpointer key, gpointer value, gpointer now)
{
	const struct peer *peer = value;
	return peer->last + AUTH_DELAY_SECONDS * G_USEC_PER_SEC < *(gint64 *)now;
}

static gint64
step(const struct peer *peer)
{
	guint doublings = MIN(peer->failures - 1, 10);
	gint64 ms = MIN((gint64)AUTH_DELAY_FIRST_MS << doublings, AUTH_DELAY_MAX_MS);
	return ms * 1000;
}

guint
auth_slow_delay(struct auth_slow *slow, const char *key)
{
	gint64 now = g_get_monotonic_time();
	struct peer *peer = g_hash_table_lookup(slow->peers, key);
	if (!peer || is_old(NULL, peer, &now))
		return 0;
	gint64 at = MAX(now, peer->not_before);
	/* Tries that come at once are looked at one after the other. */
	peer->not_before = at + step(peer);
	peer->last = at;
	return (guint)((at - now + 999) / 1000);
}

void
auth_slow_failed(struct auth_slow *slow, const char *key)
{
	gint64 now = g_get_monotonic_time();
	struct peer *peer = g_hash_table_lookup(slow->peers, key);
	if (!peer) {
		if (g_hash_table_size(slow->peers) >= AUTH_DELAY_PEERS)
			g_hash_table_foreach_remove(slow->peers, is_old, &now);
		/* Full of fresh failures: the oldest is no better than the newest. */
		if (g_hash_table_size(slow->peers) >= AUTH_DELAY_PEERS)
			return;
		peer = g_new0(struct peer, 1);
		g_hash_table_insert(slow->peers, g_strdup(key), peer);
	}
	if (is_old(NULL, peer, &now))
		peer->failures = 0;
	peer->failures++;
	peer->last = MAX(now, peer->last);
	peer->not_before = MAX(peer->not_before, now + step(peer));
}

void
auth_slow_good(struct auth_slow *slow, const char *key)
{
	g_hash_table_remove(slow->peers, key);
}
