/* Whether the clock is to be believed when something is removed for its age, which cannot be
 * undone. A machine may begin with a clock that is years ahead, until the network sets it right. So
 * a clock that is more than a day from where it was seen last is doubted until it has gone on for a
 * day from there; over restarts too, for the store knows. What waits for a time, or is late, is not
 * asked here. */
#include "cairnd/engine_private.h"

#define CLOCK_ID       "clock"
#define CLOCK_NEAR     (24ll * 3600 * G_USEC_PER_SEC)
#define CLOCK_TRIAL    CLOCK_NEAR
#define CLOCK_INTERVAL (3600ll * G_USEC_PER_SEC) /* how much the store may not know of */
#define CLOCK_MAX      (G_MAXINT64 / 4)		 /* so that differences are numbers */

/*   known: near `sure`, which goes along
 *     | far away        ^ near `sure` again, or a day after `since`
 *     v                 |
 *   doubted: `since` is where that began; it begins again when the clock goes far from there too */
static void
look(struct engine_clock *clock, gint64 now)
{
	if (ABS(now - clock->sure) > CLOCK_NEAR) {
		if (!clock->since || now < clock->since || now > clock->seen + CLOCK_NEAR)
			clock->since = now;
		clock->seen = now;
		if (now - clock->since < CLOCK_TRIAL)
			return;
	}
	clock->sure = now;
	clock->since = clock->seen = 0;
}

static void
keep(struct engine *engine, gint64 now)
{
	struct engine_clock *clock = &engine->clock;
	cairn_auto(store_txn) txn = store_txn_new();
	json_t *json = json_object();
	cairn_json_set_uint(json, "sure", (guint64)clock->sure);
	cairn_json_set_uint(json, "since", (guint64)clock->since);
	cairn_json_set_uint(json, "seen", (guint64)clock->seen);
	engine_put_json(txn, KIND_META, CLOCK_ID, json);
	/* If the store cannot take it now, there is a next time. */
	if (store_commit(engine->store, txn, NULL))
		clock->kept_at = now;
}

void
engine_look_at_clock(struct engine *engine)
{
	struct engine_clock *clock = &engine->clock;
	gint64 now = CLAMP(engine_now(engine), 1, CLOCK_MAX), since = clock->since;
	look(clock, now);
	if (clock->since && !since)
		g_message("the clock is more than a day from where it was seen last: nothing is "
			  "removed for its age until it has gone on for a day");
	if (clock->since != since)
		engine->schedules_at = now; /* what has ended may go now, or not yet */
	if (clock->since != since || ABS(now - clock->kept_at) >= CLOCK_INTERVAL)
		keep(engine, now);
}

/* Without a body, or with a damaged one, all is 0. */
static void
read_clock(struct engine_clock *clock, GBytes *body)
{
	gsize len = 0;
	const char *text = body ? g_bytes_get_data(body, &len) : NULL;
	g_autoptr(json_t) json = text ? cairn_json_parse(text, len, NULL) : NULL;
	guint64 sure, since, seen;
	if (!json || !cairn_json_get_uint(json, "sure", CLOCK_MAX, &sure, NULL) ||
	    !cairn_json_get_uint(json, "since", CLOCK_MAX, &since, NULL) ||
	    !cairn_json_get_uint(json, "seen", CLOCK_MAX, &seen, NULL))
		return;
	clock->sure = (gint64)sure;
	clock->since = (gint64)since;
	clock->seen = (gint64)seen;
}

/* An older cairnd has not kept it: then the last that is known to have happened says it. */
void
engine_load_clock(struct engine *engine, gint64 newest)
{
	struct engine_clock *clock = &engine->clock;
	cairn_auto(store_object) object = store_get(engine->store, KIND_META, CLOCK_ID, NULL);
	read_clock(clock, object ? object->body : NULL);
	if (clock->sure == 0)
		clock->sure = newest > 0 && newest < CLOCK_MAX ? newest : engine_now(engine);
	engine_look_at_clock(engine);
}
