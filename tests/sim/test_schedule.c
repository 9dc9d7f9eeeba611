/* A schedule against a world of clocks that jump, daemons that die and runs of any length: never
 * two runs at once, each due time is run once at most, what is owed is made up for by one run,
 * nothing is forgotten while it is active. The model keeps a list of all due times that are owed.
 */
#include "base/json.h"
#include "core/schedule.h"
#include "sim.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    CALENDAR_DAY_US
#define BEGIN  (1767225600 * SECOND) /* 2026-01-01 */
#define STEPS  150

struct world {
	struct sim *sim;
	GTimeZone *zone;
	struct schedule *schedule; /* NULL: the daemon is down */
	json_t *stored;
	gint64 wall;	/* what the clock says */
	gint64 run_end; /* on sim->now, which no one sets; 0: no run is under way */
	gboolean is_dirty;
	char *job; /* of the run */
	guint jobs;
	/* the model */
	GArray *owed; /* gint64, ascending */
	guint64 runs;
	gint64 last; /* due time that was run last */
};

/* ---- the model ---- */

static gint64
raw_next(const struct world *world, const struct schedule *schedule, gint64 time)
{
	gint64 due = schedule->start_once ? (schedule->start > time ? schedule->start : 0)
					  : calendar_next(&schedule->calendar, world->zone,
							  MAX(time, schedule->start - 1));
	return schedule->until && due > schedule->until ? 0 : due;
}

/* What was run is not due again, unless more than that lies between the clock and it. */
static gint64
model_next(const struct world *world, const struct schedule *schedule, gint64 time)
{
	gint64 due = raw_next(world, schedule, time);
	if (schedule->run_times && world->runs >= schedule->run_times)
		return 0;
	if (due == 0 || due > world->last)
		return due;
	gint64 second = raw_next(world, schedule, due);
	return second && second <= world->last ? due : second;
}

static gboolean
is_active(const struct schedule *schedule)
{
	return (schedule->state == JOB_NEW || schedule->state == JOB_RUNNING) && !schedule->suspend;
}

static void
forget_owed(struct world *world)
{
	g_array_set_size(world->owed, 0);
}

static void
owe_until(struct world *world, const struct schedule *schedule, gint64 end)
{
	gint64 due = world->owed->len ? raw_next(world, schedule, world->wall)
				      : model_next(world, schedule, world->wall);
	if (!is_active(schedule) || (schedule->run_times && world->runs >= schedule->run_times))
		return;
	for (; due && due <= end; due = raw_next(world, schedule, due))
		g_array_append_val(world->owed, due);
}

static gint64
newest_owed(const struct world *world)
{
	return world->owed->len ? g_array_index(world->owed, gint64, world->owed->len - 1) : 0;
}

/* A daemon that is down reads the clock when it comes back. */
static void
set_wall(struct world *world, gint64 wall)
{
	if (world->schedule && wall >= world->wall)
		owe_until(world, world->schedule, wall);
	while (world->owed->len && newest_owed(world) > wall)
		g_array_set_size(world->owed, world->owed->len - 1);
	world->wall = wall;
}

/* After it was down: all from the time on that it waited for. */
static void
owe_again(struct world *world)
{
	const struct schedule *schedule = world->schedule;
	forget_owed(world);
	if (!is_active(schedule) || schedule->next == 0)
		return;
	for (gint64 due = schedule->next; due && due <= world->wall;
	     due = raw_next(world, schedule, due))
		g_array_append_val(world->owed, due);
}

/* ---- checks ---- */

static void
check_start(struct world *world, const struct schedule_effects *effects)
{
	struct sim *sim = world->sim;
	const struct schedule *schedule = world->schedule;
	sim_check(sim, world->run_end == 0);
	sim_check(sim, schedule->state == JOB_RUNNING && schedule->runs == world->runs + 1);
	sim_check(sim, !schedule->run_times || schedule->runs <= schedule->run_times);
	if (effects->by_hand) {
		sim_check(sim, schedule->late_us == 0 && schedule->missed == 0);
		return;
	}
	sim_check(sim, world->owed->len > 0 && !schedule->suspend);
	gint64 due = newest_owed(world), late = world->wall - due;
	sim_check(sim, schedule->last_due == due && schedule->missed == world->owed->len - 1);
	sim_check(sim, schedule->late_us == (late < SCHEDULE_LATE_MIN ? 0 : late));
	sim_check(sim,
		  !schedule->until || world->wall <= schedule->until || late < SCHEDULE_LATE_MIN);
}

static void
check_state(struct world *world)
{
	struct sim *sim = world->sim;
	const struct schedule *schedule = world->schedule;
	gboolean has_run = schedule->state == JOB_RUNNING || schedule->state == JOB_SHUTTING_DOWN;
	gint64 next = model_next(world, schedule, world->wall), first = 0;
	guint upcoming = schedule_upcoming(schedule, world->wall, world->zone, &first, 1);
	sim_check(sim, has_run == (world->run_end != 0));
	sim_check(sim, schedule->runs == world->runs);
	switch (schedule->state) {
	case JOB_NEW:
		sim_check(sim, world->owed->len == 0);
		sim_check(sim, next != 0 && schedule->next == next);
		sim_check(sim, upcoming == 1 && first == next);
		break;
	case JOB_RUNNING:
		if (world->owed->len)
			next = g_array_index(world->owed, gint64, 0);
		sim_check(sim, schedule->next == next);
		break;
	case JOB_SUSPENDED:
		sim_check(sim, next != 0 && schedule->next == next && upcoming == 0);
		break;
	case JOB_COMPLETED: /* for good, even if the clock is put back before `until` */
		sim_check(sim, next == 0 || schedule->state_changed != world->wall);
		sim_check(sim, upcoming == 0);
		break;
	default:
		sim_check(sim, schedule->next == 0 && upcoming == 0);
		break;
	}
}

/* ---- the daemon ---- */

static void
store(struct world *world)
{
	json_decref(world->stored);
	world->stored = schedule_to_json(world->schedule);
}

static void
die(struct world *world)
{
	sim_trace("%" G_GINT64_FORMAT " the daemon dies", world->wall);
	schedule_free(world->schedule);
	world->schedule = NULL;
}

static void take_start(struct world *world, const struct schedule_effects *effects);

/* What is given up: because a person or a failure stops the schedule, or because its end has come.
 */
static void
follow(struct world *world, enum schedule_event_type type)
{
	struct sim *sim = world->sim;
	const struct schedule *schedule = world->schedule;
	if (schedule->state == JOB_COMPLETED && world->owed->len && type != SCHEDULE_SUSPEND)
		sim_check(sim, schedule->until && world->wall > schedule->until &&
				       world->wall - newest_owed(world) >= SCHEDULE_LATE_MIN);
	if (schedule->state == JOB_EXCEPTION)
		sim_check(sim, schedule->recovery.action == RECOVERY_STOP &&
				       schedule->last_state == JOB_EXCEPTION);
	if (!is_active(schedule) || type == SCHEDULE_RESUME)
		forget_owed(world);
}

static void
step(struct world *world, struct schedule_event event)
{
	struct schedule_effects effects;
	schedule_step(world->schedule, &event, world->wall, world->zone, &effects);
	sim_trace("%" G_GINT64_FORMAT " %s: %s, next %" G_GINT64_FORMAT, world->wall,
		  schedule_event_name(event.type), job_state_name(world->schedule->state),
		  world->schedule->next);
	world->is_dirty |= effects.store;
	if (effects.stop_run)
		world->run_end = world->sim->now + 1 + sim_below(world->sim, 100);
	if (effects.start)
		take_start(world, &effects);
	else
		follow(world, event.type);
}

/* The model follows; then the run gets its job, or not. */
static void
take_start(struct world *world, const struct schedule_effects *effects)
{
	struct sim *sim = world->sim;
	struct schedule *schedule = world->schedule;
	check_start(world, effects);
	world->runs++;
	if (!effects->by_hand) {
		world->last = schedule->last_due;
		forget_owed(world);
	}
	if (schedule->run_times && world->runs >= schedule->run_times)
		forget_owed(world);
	if (sim_chance(sim, 5)) {
		step(world,
		     (struct schedule_event){.type = SCHEDULE_RUN_NOT_STARTED, .error = "no"});
		return;
	}
	gint64 unit = (sim_chance(sim, 20) ? DAY : HOUR) / 100;
	world->run_end = sim->now + unit * (1 + sim_below(sim, 150));
	g_free(world->job);
	world->job = g_strdup_printf("job-%u", ++world->jobs);
	step(world, (struct schedule_event){.type = SCHEDULE_RUN_STARTED,
					    .job = world->job,
					    .number = world->jobs});
}

/* One event as the engine handles it: the step and what follows from it are stored at once, or the
 * daemon dies before and nothing of it has been. FALSE: it died. */
static gboolean
deliver(struct world *world, struct schedule_event event)
{
	if (sim_chance(world->sim, 3)) {
		struct schedule_effects effects;
		schedule_step(world->schedule, &event, world->wall, world->zone, &effects);
		die(world);
		return FALSE;
	}
	world->is_dirty = FALSE;
	step(world, event);
	if (world->is_dirty)
		store(world);
	check_state(world);
	g_autoptr(json_t) now = schedule_to_json(world->schedule);
	sim_check(world->sim, json_equal(now, world->stored)); /* a restart knows all */
	return TRUE;
}

static void
tick(struct world *world, enum schedule_event_type type)
{
	deliver(world, (struct schedule_event){.type = type});
}

static void
end_run(struct world *world)
{
	static const enum job_state outcomes[] = {JOB_COMPLETED, JOB_COMPLETED_WARNINGS,
						  JOB_EXCEPTION, JOB_TERMINATED,
						  JOB_EXCEPTION, JOB_KILLED};
	gint64 run_end = world->run_end;
	g_autofree char *job = g_strdup(world->job);
	world->run_end = 0;
	if (!deliver(world,
		     (struct schedule_event){
			     .type = SCHEDULE_RUN_ENDED,
			     .job = job,
			     .outcome = outcomes[sim_below(world->sim, G_N_ELEMENTS(outcomes))]}))
		world->run_end = run_end; /* it will be told again */
}

static void
rise(struct world *world)
{
	world->schedule = schedule_from_json(world->stored, NULL);
	sim_trace("%" G_GINT64_FORMAT " the daemon comes up", world->wall);
	owe_again(world);
	if (world->run_end && world->run_end <= world->sim->now)
		end_run(world);
	if (world->schedule)
		tick(world, SCHEDULE_TICK);
}

/* ---- time and people ---- */

static void
pass(struct world *world, gint64 span)
{
	world->sim->now += span;
	set_wall(world, world->wall + span);
}

/* Lets @span go by with all ticks and ends in it. */
static void
live(struct world *world, gint64 span)
{
	struct sim *sim = world->sim;
	gint64 end = sim->now + span;
	while (world->schedule && sim->now < end) {
		gint64 wake = schedule_wake(world->schedule);
		gint64 step = end - sim->now;
		if (wake)
			step = MIN(step, MAX(0, wake - world->wall) + sim_below(sim, 2000000));
		if (world->run_end && world->run_end <= sim->now + step) {
			pass(world, MAX(0, world->run_end - sim->now));
			end_run(world);
		} else {
			pass(world, step);
			tick(world, SCHEDULE_TICK);
		}
	}
	if (sim->now < end)
		pass(world, end - sim->now);
}

static void
jump(struct world *world)
{
	struct sim *sim = world->sim;
	static const gint64 units[] = {MINUTE, HOUR, DAY};
	gint64 span = units[sim_below(sim, 3)] / 10 * (1 + sim_below(sim, 100));
	if (sim_chance(sim, 50))
		span = MAX(-span, BEGIN - world->wall);
	sim_trace("%" G_GINT64_FORMAT " the clock jumps by %" G_GINT64_FORMAT, world->wall, span);
	set_wall(world, world->wall + span);
	if (world->schedule)
		tick(world, sim_chance(sim, 50) ? SCHEDULE_TICK : SCHEDULE_CLOCK_SET);
}

static void
ask(struct world *world)
{
	static const enum schedule_event_type types[] = {SCHEDULE_RUN_NOW, SCHEDULE_SUSPEND,
							 SCHEDULE_RESUME, SCHEDULE_RESUME,
							 SCHEDULE_CHANGED};
	enum schedule_event_type type = types[sim_below(world->sim, G_N_ELEMENTS(types))];
	if (sim_chance(world->sim, 2))
		type = SCHEDULE_TERMINATE;
	if (!schedule_control_check(world->schedule, type, NULL))
		return;
	if (type == SCHEDULE_CHANGED && world->schedule->run_times && sim_chance(world->sim, 50)) {
		world->schedule->run_times++;
		store(world);
	}
	deliver(world, (struct schedule_event){.type = type});
}

/* ---- histories ---- */

static void
make_schedule(struct world *world)
{
	static const gint64 spans[] = {0, 0, 10 * MINUTE, HOUR, 6 * HOUR};
	struct sim *sim = world->sim;
	struct schedule *schedule = world->schedule = schedule_new("S");
	schedule->name = g_strdup("s");
	schedule->calendar.start_us = sim_below(sim, 240) * MINUTE;
	schedule->calendar.every_us = spans[sim_below(sim, G_N_ELEMENTS(spans))];
	schedule->calendar.weekdays = sim_chance(sim, 30) ? 1 + sim_below(sim, 0x7f) : 0;
	schedule->calendar.utc = sim_chance(sim, 10);
	schedule->run_times = sim_chance(sim, 40) ? 1 + sim_below(sim, 20) : 0;
	schedule->start = sim_chance(sim, 20) ? world->wall + sim_below(sim, 100) * HOUR : 0;
	schedule->start_once = schedule->start && sim_chance(sim, 30);
	if (sim_chance(sim, 20))
		schedule->until = MAX(schedule->start, world->wall) + sim_below(sim, 500) * HOUR;
	if (sim_chance(sim, 30))
		schedule->recovery.action = RECOVERY_STOP;
}

static void
history(struct sim *sim)
{
	static const char *const zones[] = {"Europe/Berlin", "Australia/Lord_Howe", "UTC"};
	struct world world = {.sim = sim, .owed = g_array_new(FALSE, FALSE, sizeof(gint64))};
	world.zone = g_time_zone_new_identifier(zones[sim_below(sim, G_N_ELEMENTS(zones))]);
	if (!world.zone)
		world.zone = g_time_zone_new_utc();
	world.wall = BEGIN + sim_below(sim, 330) * DAY + sim_below(sim, 86400) * SECOND;
	make_schedule(&world);
	if (world.schedule->start_once && world.schedule->start <= world.wall)
		g_array_append_val(world.owed, world.schedule->start);
	step(&world, (struct schedule_event){.type = SCHEDULE_CHANGED});
	store(&world);
	check_state(&world);
	for (guint i = 0; i < STEPS; i++) {
		static const gint64 units[] = {SECOND, MINUTE, HOUR, HOUR, DAY / 10};
		gint64 span = units[sim_below(sim, G_N_ELEMENTS(units))] * sim_below(sim, 30);
		if (!world.schedule && sim_chance(sim, 70))
			rise(&world);
		if (sim_chance(sim, 8))
			jump(&world);
		if (sim_chance(sim, 10)) /* the timer is slow */
			pass(&world, HOUR);
		if (world.schedule && sim_chance(sim, 20))
			ask(&world);
		if (world.schedule && sim_chance(sim, 5))
			die(&world);
		live(&world, span);
	}
	schedule_free(world.schedule);
	json_decref(world.stored);
	g_array_unref(world.owed);
	g_time_zone_unref(world.zone);
	g_free(world.job);
}

static void
test_histories(void)
{
	sim_run(history, 500);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sim/schedule", test_histories);
	return g_test_run();
}
