/* The window of a group point against a world of guests that freeze, stop, hang and fail: whatever
 * happens, no guest is left paused or frozen that is not flagged, the barrier holds, and nothing is
 * told better than it was. */
#include "base/error.h"
#include "core/window.h"
#include "sim.h"

#define MEMBERS_MAX  5
#define FREEZE_LIMIT (10 * G_USEC_PER_SEC)
#define PAUSE_LIMIT  (2 * G_USEC_PER_SEC)

struct guest {
	/* as it was at the start */
	gboolean running, off, agent;
	/* as it is */
	gboolean stopped, frozen, begun, frozen_at_begin;
	gint64 stopped_at, resumed_at;
	/* what the window was told of */
	gboolean suspend_told, begin_told;
};

/* A deed that was ordered and is not answered. */
struct deed {
	struct window_order order;
	gint64 from;
	gboolean hangs;	    /* until a deadline has passed */
	gboolean fails;	    /* the answer is an error */
	gboolean done;	    /* it has had its effect */
	gboolean no_effect; /* it fails without having had one */
};

struct world {
	struct sim *sim;
	struct window *window;
	struct guest guests[MEMBERS_MAX];
	guint members;
	GArray *deeds;	   /* struct deed */
	guint ordered;	   /* so far */
	guint fail_nth;	   /* of the deeds in the order they are asked; 0: by chance */
	guint fail_chance; /* percent */
	guint hang_chance;
	gboolean hard_failure; /* a deed failed that must fail the window */
};

/* ---- the guests ---- */

static void
take_effect(struct world *world, struct deed *deed)
{
	struct guest *guest = &world->guests[deed->order.member];
	if (deed->done || deed->no_effect)
		return;
	deed->done = TRUE;
	switch (deed->order.deed) {
	case DEED_FREEZE:
		guest->frozen = TRUE;
		break;
	case DEED_SUSPEND:
		guest->stopped = TRUE;
		guest->stopped_at = world->sim->now;
		break;
	case DEED_BEGIN:
		guest->begun = TRUE;
		guest->frozen_at_begin = guest->frozen;
		break;
	case DEED_RESUME:
		guest->stopped = FALSE;
		guest->resumed_at = world->sim->now;
		break;
	default:
		break; /* a thaw tells what it found, so it acts when it answers */
	}
}

/* ---- what the window may order ---- */

static void
check_order(struct world *world, const struct window_order *order)
{
	const struct guest *guest = &world->guests[order->member];
	const struct window *window = world->window;
	struct sim *sim = world->sim;
	for (guint i = 0; i < world->deeds->len; i++) {
		const struct deed *other = &g_array_index(world->deeds, struct deed, i);
		sim_check(sim,
			  other->order.member != order->member || other->order.deed != order->deed);
		/* Without the barrier one machine comes after another. */
		if (!window->barrier && !guest->off && order->deed == DEED_BEGIN)
			sim_check(sim, other->order.deed != DEED_BEGIN);
	}
	switch (order->deed) {
	case DEED_FREEZE:
		sim_check(sim, guest->running && guest->agent);
		sim_check(sim, window->requested != CONSISTENCY_CRASH);
		break;
	case DEED_SUSPEND:
		sim_check(sim, guest->running && window->barrier);
		break;
	case DEED_BEGIN:
		for (guint i = 0; window->barrier && !guest->off && i < world->members; i++)
			sim_check(sim, !world->guests[i].running || world->guests[i].suspend_told);
		break;
	case DEED_RESUME:
		sim_check(sim, guest->running);
		for (guint i = 0; !window->error && i < world->members; i++)
			sim_check(sim, world->guests[i].begin_told);
		break;
	default:
		sim_check(sim, guest->running);
		break;
	}
}

/* A freeze may fail, and so may the thaw of who was never told to be frozen. */
static gboolean
failure_is_hard(const struct world *world, const struct window_order *order)
{
	const struct window_member *member = world->window->members->pdata[order->member];
	if (order->deed == DEED_THAW)
		return !member->freeze_failed;
	return order->deed != DEED_FREEZE;
}

static void
take_orders(struct world *world, GArray *orders)
{
	struct sim *sim = world->sim;
	for (guint i = 0; i < orders->len; i++) {
		struct deed deed = {.order = g_array_index(orders, struct window_order, i)};
		check_order(world, &deed.order);
		world->ordered++;
		deed.from = sim->now;
		deed.fails = world->fail_nth ? world->ordered == world->fail_nth
					     : sim_chance(sim, world->fail_chance);
		deed.no_effect = deed.fails && sim_chance(sim, 50);
		deed.hangs = sim_chance(sim, world->hang_chance);
		/* Some act at once and answer late, some act when they answer. */
		if (sim_chance(sim, 50))
			take_effect(world, &deed);
		g_array_append_val(world->deeds, deed);
	}
	g_array_unref(orders);
}

/* ---- time ---- */

static void
answer(struct world *world, guint index)
{
	struct deed deed = g_array_index(world->deeds, struct deed, index);
	struct guest *guest = &world->guests[deed.order.member];
	g_autoptr(GError) error = NULL;
	guint frozen = 0;
	world->sim->now += 1 + sim_below(world->sim, 5000);
	take_effect(world, &deed);
	if (deed.order.deed == DEED_THAW && !deed.fails) {
		frozen = guest->frozen;
		guest->frozen = FALSE;
	}
	g_array_remove_index_fast(world->deeds, index);
	if (deed.fails) {
		error = g_error_new(CAIRN_ERROR, CAIRN_ERROR_PEER, "%s failed",
				    window_deed_name(deed.order.deed));
		world->hard_failure |= failure_is_hard(world, &deed.order);
	} else {
		guest->suspend_told |= deed.order.deed == DEED_SUSPEND;
		guest->begin_told |= deed.order.deed == DEED_BEGIN;
	}
	take_orders(world, window_reply(world->window, &deed.order, error, frozen, deed.from,
					world->sim->now));
}

static void
expire(struct world *world)
{
	world->sim->now = MAX(world->sim->now, world->window->deadline) + 1;
	gboolean paused = world->window->phase >= WINDOW_PAUSE;
	take_orders(world, window_expire(world->window, world->sim->now));
	sim_check(world->sim, world->window->deadline != 0 || world->window->error || !paused);
	sim_check(world->sim, !paused || world->window->error);
}

/* Everyone whose CPUs we stopped and who can be resumed is being resumed once it has failed. */
static void
check_no_waiting(struct world *world)
{
	for (guint i = 0; world->window->error && i < world->members; i++) {
		const struct window_member *member = world->window->members->pdata[i];
		if (member->paused && !member->pending[DEED_SUSPEND])
			sim_check(world->sim, member->asked[DEED_RESUME]);
	}
}

/* A guest may thaw by itself (Windows does after ten seconds, or a person does it). */
static void
thaw_by_itself(struct world *world)
{
	struct guest *guest = &world->guests[sim_below(world->sim, world->members)];
	if (!guest->stopped)
		guest->frozen = FALSE;
}

static void
one_step(struct world *world)
{
	struct sim *sim = world->sim;
	g_autofree guint *ready = g_new(guint, world->deeds->len + 1);
	guint n = 0;
	for (guint i = 0; i < world->deeds->len; i++)
		if (!g_array_index(world->deeds, struct deed, i).hangs)
			ready[n++] = i;
	if (world->window->deadline && sim->now > world->window->deadline)
		expire(world);
	else if (n > 0)
		answer(world, ready[sim_below(sim, n)]);
	else if (world->window->deadline)
		expire(world);
	else
		answer(world, sim_below(sim, world->deeds->len)); /* libvirt gave it up at last */
	if (sim_chance(sim, 1))
		thaw_by_itself(world);
	check_no_waiting(world);
}

/* ---- the end ---- */

static void
check_guest(struct world *world, guint index)
{
	struct sim *sim = world->sim;
	const struct guest *guest = &world->guests[index];
	const struct window_member *member = world->window->members->pdata[index];
	for (guint deed = 0; deed < DEED_LAST; deed++)
		sim_check(sim, !member->pending[deed]);
	if (guest->running)
		sim_check(sim, !guest->stopped || (member->paused && member->asked[DEED_RESUME]));
	else
		sim_check(sim, !member->paused && !member->frozen);
	sim_check(sim, !guest->frozen || (member->frozen && member->asked[DEED_THAW]));
	sim_check(sim, !guest->begun || member->begun);
	if (!world->window->error && member->consistency == CONSISTENCY_APPLICATION)
		sim_check(sim, guest->off || guest->frozen_at_begin);
	sim_check(sim, member->consistency != CONSISTENCY_BEST);
	if (!world->window->error && world->window->requested != CONSISTENCY_CRASH &&
	    member->consistency == CONSISTENCY_CRASH)
		sim_check(sim, member->reason != NULL);
	if (member->stopped_at && guest->stopped_at)
		sim_check(sim, member->stopped_at <= guest->stopped_at);
	if (member->resumed_at)
		sim_check(sim, member->resumed_at >= guest->resumed_at);
}

static void
check_end(struct world *world)
{
	struct sim *sim = world->sim;
	const struct window *window = world->window;
	sim_check(sim, world->deeds->len == 0);
	for (guint i = 0; i < world->members; i++)
		check_guest(world, i);
	sim_check(sim, !world->hard_failure || window->error);
	if (window->error)
		return;
	for (guint i = 0; i < world->members; i++) {
		const struct guest *guest = &world->guests[i];
		const struct window_member *member = window->members->pdata[i];
		sim_check(sim, guest->begin_told && member->begun_at != 0);
		/* Who was asked to freeze and did not say so may still be owed the thaw. */
		sim_check(sim, !member->paused);
		sim_check(sim, member->freeze_failed || (!member->frozen && !guest->frozen));
		if (window->requested == CONSISTENCY_APPLICATION)
			sim_check(sim, member->consistency == CONSISTENCY_APPLICATION);
		if (window->barrier && guest->running)
			sim_check(sim, member->stopped_at && member->resumed_at);
	}
}

static void
play(struct world *world)
{
	world->deeds = g_array_new(FALSE, FALSE, sizeof(struct deed));
	for (guint i = 0; i < world->members; i++) {
		const struct guest *guest = &world->guests[i];
		struct window_member *member = window_add(world->window, "id", "vm");
		member->running = guest->running;
		member->off = guest->off;
		member->agent = guest->agent;
	}
	take_orders(world, window_start(world->window, world->sim->now));
	for (guint steps = 0; world->window->phase != WINDOW_END; steps++) {
		sim_check(world->sim, world->deeds->len > 0 && steps < 1000);
		one_step(world);
	}
	check_end(world);
	g_array_unref(world->deeds);
	window_free(world->window);
}

/* ---- tests ---- */

static void
set_guest(struct guest *guest, guint kind)
{
	guest->off = kind == 0;
	guest->running = kind > 1; /* 1: paused by a person */
	guest->agent = kind > 2;
	guest->stopped = kind == 1;
}

static void
play_random(struct sim *sim)
{
	struct world world = {.sim = sim, .members = 1 + sim_below(sim, MEMBERS_MAX)};
	for (guint i = 0; i < world.members; i++)
		set_guest(&world.guests[i], sim_below(sim, 6));
	world.fail_chance = sim_chance(sim, 50) ? sim_below(sim, 40) : 0;
	world.hang_chance = sim_chance(sim, 50) ? sim_below(sim, 40) : 0;
	world.window = window_new((enum consistency)sim_below(sim, 3), sim_chance(sim, 75),
				  FREEZE_LIMIT, PAUSE_LIMIT);
	play(&world);
}

static void
test_random(void)
{
	sim_run(play_random, 20000);
}

/* Each group of kinds, consistency and barrier: first without a failure, which must succeed if it
 * can, then with the n-th deed failing, for every n. */
static void
play_each(struct sim *sim)
{
	static const guint groups[][3] = {{3, 3, 3}, {0, 1, 3}, {3, 2, 0}, {0, 0, 0}, {1, 1, 1}};
	for (guint group = 0; group < G_N_ELEMENTS(groups); group++)
		for (guint consistency = 0; consistency < 3; consistency++)
			for (guint barrier = 0; barrier < 2; barrier++)
				for (guint nth = 0, last = 1; nth <= last; nth++) {
					struct world world = {.sim = sim, .members = 3};
					for (guint i = 0; i < 3; i++)
						set_guest(&world.guests[i], groups[group][i]);
					world.fail_nth = nth;
					world.window =
						window_new((enum consistency)consistency, barrier,
							   FREEZE_LIMIT, PAUSE_LIMIT);
					play(&world);
					last = MAX(last, world.ordered);
				}
}

static void
test_each(void)
{
	sim_run(play_each, 20);
}

/* A limit of the pause is for guests that are paused, and for nobody else. */
static void
test_no_hurry(void)
{
	cairn_auto(window) window = window_new(CONSISTENCY_CRASH, FALSE, FREEZE_LIMIT, PAUSE_LIMIT);
	window_add(window, "a", "a")->running = TRUE;
	g_autoptr(GArray) orders = window_start(window, 1000);
	g_assert_cmpint(window->phase, ==, WINDOW_BEGIN);
	g_assert_cmpint(window->deadline, ==, 0);
	g_assert_cmpuint(orders->len, ==, 1);
}

/* Guests that froze are thawed as soon as one could not be, and not when the last has answered. */
static void
test_fails_fast(void)
{
	cairn_auto(window) window =
		window_new(CONSISTENCY_APPLICATION, TRUE, FREEZE_LIMIT, PAUSE_LIMIT);
	for (guint i = 0; i < 3; i++) {
		struct window_member *member = window_add(window, "id", "vm");
		member->running = member->agent = TRUE;
	}
	g_autoptr(GError) error = g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_PEER, "no");
	g_array_unref(window_start(window, 1000));
	g_array_unref(
		window_reply(window, &(struct window_order){DEED_FREEZE, 0}, NULL, 1, 1000, 1100));
	g_autoptr(GArray) orders =
		window_reply(window, &(struct window_order){DEED_FREEZE, 1}, error, 0, 1000, 1200);
	g_assert_cmpint(window->phase, ==, WINDOW_THAW);
	g_assert_cmpuint(orders->len, ==, 2);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/window/random", test_random);
	g_test_add_func("/window/each-deed-fails", test_each);
	g_test_add_func("/window/no-hurry", test_no_hurry);
	g_test_add_func("/window/fails-fast", test_fails_fast);
	return g_test_run();
}
