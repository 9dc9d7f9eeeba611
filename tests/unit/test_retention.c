/* core: which exports are kept and what becomes of the others; tables by hand, and a slow reference
 * that knows nothing of depths and orders. */
#include "core/retention.h"

#include <string.h>

#define HOUR (3600ll * G_USEC_PER_SEC)
#define DAY  (24 * HOUR)

static gint64
at(const char *text)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL);
	return g_date_time_to_unix(time) * G_USEC_PER_SEC;
}

/* ---- which are kept ---- */

struct pick_case {
	const char *name;
	struct retention retention;
	const char *zone;
	const char *exports[12][2]; /* time, and why it is kept; NULL: it is not */
};

static const struct pick_case pick_cases[] = {
	{"nothing is set",
	 {0},
	 "UTC",
	 {{"2026-11-01T02:00:00Z", "no rule is set"}, {"2026-11-02T02:00:00Z", "no rule is set"}}},
	{"last",
	 {.last = 2},
	 "UTC",
	 {{"2026-11-01T02:00:00Z", NULL},
	  {"2026-11-02T02:00:00Z", "last 2 of 2"},
	  {"2026-11-03T02:00:00Z", "last 1 of 2"}}},
	{"fewer than are wanted", {.last = 10}, "UTC", {{"2026-11-01T02:00:00Z", "last 1 of 10"}}},
	{"the newest of each day",
	 {.daily = 2},
	 "UTC",
	 {{"2026-11-01T02:00:00Z", NULL},
	  {"2026-11-02T02:00:00Z", NULL},
	  {"2026-11-02T23:59:59Z", "daily 2026-11-02"},
	  {"2026-11-03T00:00:00Z", NULL},
	  {"2026-11-03T05:00:00Z", "daily 2026-11-03"}}},
	{"days without one do not count",
	 {.daily = 3},
	 "UTC",
	 {{"2026-09-30T02:00:00Z", NULL},
	  {"2026-10-01T02:00:00Z", "daily 2026-10-01"},
	  {"2026-11-02T02:00:00Z", "daily 2026-11-02"},
	  {"2026-11-09T02:00:00Z", "daily 2026-11-09"}}},
	{"days of the zone",
	 {.daily = 2},
	 "+05:30",
	 {{"2026-11-01T18:29:59Z", "daily 2026-11-01"},
	  {"2026-11-01T18:30:00Z", NULL},
	  {"2026-11-02T18:29:59Z", "daily 2026-11-02"}}},
	{"ISO weeks over the turn of a year",
	 {.weekly = 3},
	 "UTC",
	 {{"2026-12-20T02:00:00Z", "weekly 2026-W51"},
	  {"2026-12-27T02:00:00Z", "weekly 2026-W52"},
	  {"2026-12-28T02:00:00Z", NULL}, /* a Monday: week 53 goes to the 3rd of January */
	  {"2027-01-03T02:00:00Z", "weekly 2026-W53"}}},
	{"months",
	 {.monthly = 2},
	 "UTC",
	 {{"2026-12-31T23:59:59Z", NULL},
	  {"2027-01-31T02:00:00Z", "monthly 2027-01"},
	  {"2027-02-01T02:00:00Z", NULL},
	  {"2027-02-02T02:00:00Z", "monthly 2027-02"}}},
	{"all together, and the newest of all",
	 {.last = 1, .daily = 2, .weekly = 2, .monthly = 1},
	 "UTC",
	 {{"2026-11-13T02:00:00Z", NULL},
	  {"2026-11-20T02:00:00Z", "weekly 2026-W47"},
	  {"2026-11-26T02:00:00Z", NULL},
	  {"2026-11-27T02:00:00Z", "daily 2026-11-27"},
	  {"2026-11-28T02:00:00Z",
	   "last 1 of 1, daily 2026-11-28, weekly 2026-W48, monthly 2026-11"}}},
};

static void
test_pick(gconstpointer data)
{
	const struct pick_case *test = data;
	g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(test->zone);
	struct retention_mark marks[12];
	gint64 times[12];
	guint n = 0;
	for (; n < 12 && test->exports[n][0]; n++)
		times[n] = at(test->exports[n][0]);
	retention_pick(&test->retention, zone, times, n, marks);
	for (guint i = 0; i < n; i++) {
		g_autofree char *reason =
			retention_reason(&test->retention, zone, times[i], &marks[i]);
		g_assert_cmpstr(reason, ==, test->exports[i][1]);
	}
}

/* A day that the clock makes 25 hours long is one day, as is one of 23. */
static void
test_daylight_saving(void)
{
	const struct retention retention = {.daily = 3};
	g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("Europe/Berlin");
	if (!zone) {
		g_test_skip("this system does not know Europe/Berlin");
		return;
	}
	const gint64 times[] = {at("2026-10-24T21:59:59Z"), at("2026-10-24T22:00:00Z"),
				at("2026-10-25T22:59:59Z"), at("2026-10-25T23:00:00Z")};
	const gboolean kept[] = {TRUE, FALSE, TRUE, TRUE};
	struct retention_mark marks[4];
	retention_pick(&retention, zone, times, 4, marks);
	for (guint i = 0; i < 4; i++)
		g_assert_cmpint(marks[i].keepers != 0, ==, kept[i]);
}

/* Without a rule of its own the newest is kept all the same. */
static void
test_newest(void)
{
	struct retention retention = {.monthly = 1};
	g_autoptr(GTimeZone) zone = g_time_zone_new_utc();
	const gint64 times[] = {5, 5, 5};
	struct retention_mark marks[3];
	retention_pick(&retention, zone, times, 3, marks);
	g_assert_cmpuint(marks[0].keepers, ==, 0);
	g_assert_cmpuint(marks[1].keepers, ==, 0);
	g_assert_cmpuint(marks[2].keepers, ==, RETENTION_NEWEST | RETENTION_MONTHLY);
	marks[2].keepers = RETENTION_NEWEST;
	g_autofree char *reason = retention_reason(&retention, zone, 5, &marks[2]);
	g_assert_cmpstr(reason, ==, "newest");
	retention_pick(&retention, zone, NULL, 0, NULL); /* an empty folder */
}

/* The slow way: an export is kept for days if fewer than N days that have exports are newer, and no
 * export of its day is. Times are in UTC, where a day is a number. */
static gboolean
slow_daily(const gint64 *times, guint n, guint i, guint64 count)
{
	guint64 newer = 0;
	for (guint k = i + 1; k < n; k++) {
		if (times[k] / DAY == times[i] / DAY)
			return FALSE;
		newer += k + 1 == n || times[k + 1] / DAY != times[k] / DAY;
	}
	return newer < count;
}

static void
test_pick_property(void)
{
	g_autoptr(GTimeZone) zone = g_time_zone_new_utc();
	for (guint round = 0; round < 500; round++) {
		struct retention_mark marks[40];
		gint64 times[40], now = at("2026-01-01T00:00:00Z");
		guint n = (guint)g_test_rand_int_range(1, 40);
		struct retention retention = {.last = (guint64)g_test_rand_int_range(0, 5),
					      .daily = (guint64)g_test_rand_int_range(1, 9)};
		for (guint i = 0; i < n; i++)
			times[i] = now += g_test_rand_int_range(0, 30) * HOUR;
		retention_pick(&retention, zone, times, n, marks);
		for (guint i = 0; i < n; i++) {
			guint keepers = i + 1 == n ? RETENTION_NEWEST : 0;
			keepers |= n - i <= retention.last ? RETENTION_LAST : 0;
			keepers |= slow_daily(times, n, i, retention.daily) ? RETENTION_DAILY : 0;
			g_assert_cmpuint(marks[i].keepers, ==, keepers);
		}
	}
}

/* ---- what becomes of each ---- */

#define NO    RETENTION_NO_BASE
#define MISS  RETENTION_MISSING_BASE
#define CASES 8

struct decide_case {
	const char *name;
	guint n;
	guint bases[CASES];
	const char *kept;    /* a letter for each: k, or - */
	const char *actions; /* k, m (merge), d, l (leave), n (needed), N (needed and merged) */
	guint after[CASES];  /* bases afterwards of those that stay */
};

static const struct decide_case decide_cases[] = {
	{"all kept", 3, {NO, 0, 1}, "kkk", "kkk", {NO, 0, 1}},
	{"one merge a day", 4, {NO, 0, 1, 2}, "-kkk", "dmkk", {0, NO, 1, 2}},
	{"several at once", 5, {NO, 0, 1, 2, 3}, "---kk", "dddmk", {0, 0, 0, NO, 3}},
	{"in the middle", 5, {NO, 0, 1, 2, 3}, "k--kk", "kddmk", {NO, 0, 0, 0, 3}},
	{"only the newest", 3, {NO, 0, 1}, "--k", "ddm", {0, 0, NO}},
	{"an old chain goes", 4, {NO, 0, NO, 2}, "--kk", "ddkk", {0, 0, NO, 2}},
	{"its end stays", 4, {NO, 0, NO, 2}, "-kkk", "dmkk", {0, NO, NO, 2}},
	{"two on one", 3, {NO, 0, 0}, "-kk", "nkk", {NO, 0, 0}},
	{"two on one, one goes", 3, {NO, 0, 0}, "--k", "ddm", {0, 0, NO}},
	{"a fork above what goes", 4, {NO, 0, 1, 1}, "--kk", "dNkk", {0, NO, 1, 1}},
	{"a fork of what goes", 5, {NO, 0, 0, 1, 2}, "---kk", "nddmm", {NO, 0, 0, 0, 0}},
	{"a base is missing", 4, {MISS, 0, NO, 2}, "kk-k", "lldm", {0, 0, 0, NO}},
	{"a ring", 3, {1, 0, NO}, "k-k", "llk", {0, 0, NO}},
	{"numbers do not tell", 3, {1, 2, NO}, "k--", "mdd", {NO, 0, 0}},
};

static void
test_decide(gconstpointer data)
{
	const struct decide_case *test = data;
	struct retention_step steps[CASES];
	gboolean kept[CASES];
	for (guint i = 0; i < test->n; i++)
		kept[i] = test->kept[i] == 'k';
	retention_decide(test->bases, kept, test->n, steps);
	for (guint i = 0; i < test->n; i++) {
		static const char letters[] = {'k', 'm', 'd', 'l'};
		char letter = letters[steps[i].action];
		if (steps[i].needed_by)
			letter = letter == 'm' ? 'N' : 'n';
		g_assert_cmpint(letter, ==, test->actions[i]);
		if (!strchr("dl", letter))
			g_assert_cmpuint(steps[i].base, ==, test->after[i]);
	}
}

/* What an export shows, as the set of the exports whose clusters it is made of. */
static guint64
contents(const guint *bases, guint i)
{
	guint64 set = 0;
	for (; i != NO; i = bases[i])
		set |= 1ull << i;
	return set;
}

/* The same after the deeds: a merge gives it what lies between it and its new base. */
static guint64
contents_after(const guint *bases, const struct retention_step *steps, guint i)
{
	guint64 set = 0;
	for (; i != NO; i = steps[i].base) {
		g_assert_cmpint(steps[i].action, !=, RETENTION_DELETE);
		set |= 1ull << i;
		if (steps[i].action != RETENTION_MERGE)
			continue;
		for (guint k = bases[i]; k != steps[i].base; k = bases[k])
			set |= 1ull << k;
	}
	return set;
}

static void
check_steps(const guint *bases, const gboolean *kept, guint n, const struct retention_step *steps)
{
	guint users[64] = {0}, again[64];
	for (guint i = 0; i < n; i++) {
		gboolean stays = steps[i].action != RETENTION_DELETE;
		g_assert_true(stays || !kept[i]);
		if (stays) {
			g_assert_cmpuint(contents(bases, i), ==, contents_after(bases, steps, i));
			if (steps[i].base != NO)
				users[steps[i].base]++;
		} else if (steps[i].user != NO) { /* its heir merges it in */
			g_assert_cmpint(steps[steps[i].user].action, ==, RETENTION_MERGE);
			g_assert_true(contents(bases, steps[i].user) >> i & 1);
		}
		again[i] = steps[i].base;
	}
	/* Nothing stays for nothing. */
	for (guint i = 0; i < n; i++)
		if (steps[i].action != RETENTION_DELETE && !kept[i])
			g_assert_cmpuint(users[i], >=, 2);
	/* A second run has nothing to merge. */
	struct retention_step second[64];
	gboolean still[64];
	for (guint i = 0; i < n; i++)
		still[i] = kept[i] && steps[i].action != RETENTION_DELETE;
	for (guint i = 0; i < n; i++)
		again[i] = steps[i].action == RETENTION_DELETE ? NO : again[i];
	retention_decide(again, still, n, second);
	for (guint i = 0; i < n; i++)
		if (steps[i].action != RETENTION_DELETE)
			g_assert_cmpint(second[i].action, ==, RETENTION_KEEP);
}

static void
test_decide_property(void)
{
	for (guint round = 0; round < 2000; round++) {
		struct retention_step steps[64];
		guint bases[64], n = (guint)g_test_rand_int_range(1, 40);
		gboolean kept[64];
		for (guint i = 0; i < n; i++) {
			gboolean full = i == 0 || g_test_rand_int_range(0, 8) == 0;
			gboolean fork = g_test_rand_int_range(0, 5) == 0;
			bases[i] = full	  ? NO
				   : fork ? (guint)g_test_rand_int_range(0, (gint)i)
					  : i - 1;
			kept[i] = g_test_rand_bit();
		}
		retention_decide(bases, kept, n, steps);
		check_steps(bases, kept, n, steps);
	}
}

/* As many as a folder may hold, in chains as long as they may be. */
static void
test_many(void)
{
	guint n = 100000;
	g_autofree guint *bases = g_new(guint, n);
	g_autofree gboolean *kept = g_new0(gboolean, n), *usable = g_new0(gboolean, n);
	g_autofree struct retention_step *steps = g_new(struct retention_step, n);
	for (guint i = 0; i < n; i++)
		bases[i] = i % 1000 ? i - 1 : NO;
	kept[n - 1] = TRUE;
	retention_usable(bases, n, usable);
	retention_decide(bases, kept, n, steps);
	for (guint i = 0; i + 1 < n; i++) {
		g_assert_true(usable[i]);
		g_assert_cmpint(steps[i].action, ==, RETENTION_DELETE);
	}
	g_assert_cmpint(steps[n - 1].action, ==, RETENTION_MERGE);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(pick_cases); i++) {
		g_autofree char *path = g_strdup_printf("/retention/pick/%s", pick_cases[i].name);
		g_test_add_data_func(path, &pick_cases[i], test_pick);
	}
	g_test_add_func("/retention/pick/daylight-saving", test_daylight_saving);
	g_test_add_func("/retention/pick/newest", test_newest);
	g_test_add_func("/retention/pick/property", test_pick_property);
	for (guint i = 0; i < G_N_ELEMENTS(decide_cases); i++) {
		g_autofree char *path =
			g_strdup_printf("/retention/decide/%s", decide_cases[i].name);
		g_test_add_data_func(path, &decide_cases[i], test_decide);
	}
	g_test_add_func("/retention/decide/property", test_decide_property);
	g_test_add_func("/retention/decide/many", test_many);
	return g_test_run();
}
