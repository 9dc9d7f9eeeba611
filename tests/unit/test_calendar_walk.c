/* Random calendars against a slow reference: it walks ten years of a zone minute by minute, looks
 * at each label that the local clock shows for the first time or jumps over, and finds the days by
 * going forward from each month's RunDay. SEED=n gives other calendars. */
#include "core/calendar.h"

#define YEARS		   10
#define MINUTE		   (60ll * G_USEC_PER_SEC)
#define DAY_MINUTES	   1440
#define QUARTER		   15 /* minutes: no zone changes within one */
#define WARM_UP		   (3 * DAY_MINUTES)
#define MARGIN_DAYS	   40
#define CALENDARS_PER_ZONE 12
#define QUESTIONS	   300
#define CHAIN		   150

static const struct {
	const char *name;
	guint16 first_year;
} zones[] = {
	{"Europe/Berlin", 2020},
	{"America/New_York", 2020},
	{"Australia/Lord_Howe", 2018},
	{"Pacific/Apia", 2006},
	{"Africa/Casablanca", 2018},
	{"America/Havana", 2020},
	{"America/Caracas", 2010},  /* half an hour for good */
	{"Antarctica/Casey", 2008}, /* three hours, there and back */
	{"UTC", 2020},
};

/* What a zone's clock shows. */
struct table {
	const char *name;
	GTimeZone *zone;
	gint64 begin;	  /* minutes since 1970; the warm-up is before */
	guint minutes;	  /* of the ten years */
	gint16 *offsets;  /* minutes from UTC for each quarter of an hour from begin - WARM_UP */
	GArray *changes;  /* guint: minutes from begin at which the offset changes */
	gint64 first_day; /* of `days` */
	guint day_count;
};

static guint32 seed;

static gint64
day_number(GDateYear year, GDateMonth month, GDateDay day)
{
	GDate date, epoch;
	g_date_clear(&date, 1);
	g_date_clear(&epoch, 1);
	g_date_set_dmy(&date, day, month, year);
	g_date_set_dmy(&epoch, 1, G_DATE_JANUARY, 1970);
	return g_date_days_between(&epoch, &date);
}

static gint16
offset_at(GTimeZone *zone, gint64 minute)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(minute * 60);
	g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, zone);
	return (gint16)(g_date_time_get_utc_offset(local) / MINUTE);
}

static void
table_init(struct table *table, const char *name, GTimeZone *zone, guint16 year)
{
	gint64 first = day_number(year, G_DATE_JANUARY, 1);
	gint64 days = day_number(year + YEARS, G_DATE_JANUARY, 1) - first;
	*table = (struct table){.name = name, .zone = zone};
	table->begin = first * DAY_MINUTES;
	table->minutes = (guint)days * DAY_MINUTES;
	table->first_day = first - MARGIN_DAYS;
	table->day_count = (guint)days + 2 * MARGIN_DAYS;
	guint quarters = (table->minutes + WARM_UP) / QUARTER;
	table->offsets = g_new(gint16, quarters);
	table->changes = g_array_new(FALSE, FALSE, sizeof(guint));
	for (guint i = 0; i < quarters; i++) {
		gint64 minute = table->begin - WARM_UP + (gint64)i * QUARTER;
		table->offsets[i] = offset_at(zone, minute);
		guint at = i * QUARTER - WARM_UP;
		if (i * QUARTER >= WARM_UP && table->offsets[i] != table->offsets[i - 1])
			g_array_append_val(table->changes, at);
	}
}

static void
table_clear(struct table *table)
{
	g_free(table->offsets);
	g_array_unref(table->changes);
	g_time_zone_unref(table->zone);
}

/* ---- the reference ---- */

static void
mark(const struct table *table, guint8 *days, gint64 number)
{
	gint64 at = number - table->first_day;
	if (at >= 0 && at < table->day_count)
		days[at] = TRUE;
}

static guint
weekday(gint64 number)
{
	return (guint)(((number + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday; 0: Sunday */
}

/* The day of one month, and the one that RunDayOfWeek finds from there. */
static void
mark_month(const struct table *table, const struct calendar *calendar, guint8 *days, GDateYear year,
	   GDateMonth month)
{
	gint length = g_date_get_days_in_month(month, year);
	gint day = calendar->run_day < 0 ? length + 1 + calendar->run_day : calendar->run_day;
	gint wanted = calendar->run_day_of_week;
	if (calendar->months && !(calendar->months >> (month - 1) & 1))
		return;
	if (calendar->run_day == 0) {
		for (gint i = 1; i <= length; i++) {
			gint64 number = day_number(year, month, (GDateDay)i);
			if (!wanted || weekday(number) + 1 == (guint)ABS(wanted))
				mark(table, days, number);
		}
		return;
	}
	if (day < 1 || day > length)
		return;
	gint64 number = day_number(year, month, (GDateDay)day);
	while (wanted && weekday(number) + 1 != (guint)ABS(wanted))
		number += wanted > 0 ? 1 : -1;
	mark(table, days, number);
}

static guint8 *
matching_days(const struct table *table, const struct calendar *calendar)
{
	guint8 *days = g_new0(guint8, table->day_count);
	GDate date;
	g_date_clear(&date, 1);
	g_date_set_dmy(&date, 1, G_DATE_JANUARY, 1970);
	g_date_add_days(&date, (guint)table->first_day);
	GDateYear first = g_date_get_year(&date);
	for (GDateYear year = first; year <= first + YEARS + 2; year++)
		for (guint month = 1; month <= 12; month++)
			mark_month(table, calendar, days, year, (GDateMonth)month);
	for (guint i = 0; calendar->weekdays && i < table->day_count; i++)
		days[i] &= calendar->weekdays >> weekday(table->first_day + i) & 1;
	return days;
}

/* Minutes from table->begin at which it is due, guint. */
static GArray *
walk(const struct table *table, const struct calendar *calendar)
{
	GArray *due = g_array_new(FALSE, FALSE, sizeof(guint));
	g_autofree guint8 *days = matching_days(table, calendar);
	guint start = (guint)(calendar->start_us / MINUTE);
	guint every = calendar->every_us ? (guint)(calendar->every_us / MINUTE) : DAY_MINUTES;
	gint64 base = table->begin - table->first_day * DAY_MINUTES, reached = G_MININT64;
	for (gint64 i = -WARM_UP; i < table->minutes; i++) {
		gint64 label = base + i; /* minutes from table->first_day */
		gboolean is_due = FALSE;
		if (!calendar->utc)
			label += table->offsets[(i + WARM_UP) / QUARTER];
		for (gint64 l = reached == G_MININT64 ? label : reached + 1; l <= label; l++) {
			guint minute = (guint)(l % DAY_MINUTES);
			is_due |= days[l / DAY_MINUTES] && minute >= start &&
				  (minute - start) % every == 0;
		}
		reached = MAX(reached, label);
		guint at = (guint)i;
		if (is_due && i >= 0)
			g_array_append_val(due, at);
	}
	return due;
}

/* ---- questions ---- */

static gint64
time_at(const struct table *table, const GArray *due, guint i)
{
	return (table->begin + g_array_index(due, guint, i)) * MINUTE;
}

/* How many due times are not after @time. */
static guint
count_until(const struct table *table, const GArray *due, gint64 time)
{
	guint low = 0, high = due->len;
	while (low < high) {
		guint middle = (low + high) / 2;
		if (time_at(table, due, middle) <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
wrong(const struct table *table, const struct calendar *calendar, const char *what, gint64 time,
      gint64 got, gint64 wanted)
{
	g_autofree char *text = calendar_text(calendar);
	g_error("SEED=%u: %s in %s: %s %" G_GINT64_FORMAT ": %" G_GINT64_FORMAT
		" instead of %" G_GINT64_FORMAT,
		seed, text, table->name, what, time, got, wanted);
}

static void
ask(const struct table *table, const struct calendar *calendar, const GArray *due, gint64 time)
{
	gint64 begin = table->begin * MINUTE, end = (table->begin + table->minutes) * MINUTE;
	if (time < begin || time >= end)
		return;
	guint n = count_until(table, due, time);
	gint64 next = calendar_next(calendar, table->zone, time);
	gint64 last = calendar_last(calendar, table->zone, time);
	if (n < due->len ? next != time_at(table, due, n) : next != 0 && next < end)
		wrong(table, calendar, "next after", time, next,
		      n < due->len ? time_at(table, due, n) : 0);
	if (n > 0 ? last != time_at(table, due, n - 1) : last >= begin)
		wrong(table, calendar, "last until", time, last,
		      n > 0 ? time_at(table, due, n - 1) : 0);
}

static void
ask_all(const struct table *table, const struct calendar *calendar, const GArray *due, GRand *rand)
{
	for (guint i = 0; i < QUESTIONS; i++) {
		gint64 at = g_rand_int_range(rand, 0, (gint32)table->minutes);
		if (i % 2 && table->changes->len) /* half of them near a change */
			at = g_array_index(table->changes, guint,
					   g_rand_int_range(rand, 0, (gint32)table->changes->len)) +
			     g_rand_int_range(rand, -2 * DAY_MINUTES, 2 * DAY_MINUTES);
		gint64 time = (table->begin + at) * MINUTE;
		ask(table, calendar, due, time);
		ask(table, calendar, due, time - 1);
		ask(table, calendar, due, time + g_rand_int_range(rand, 1, (gint32)MINUTE));
	}
	guint first = due->len ? (guint)g_rand_int_range(rand, 0, (gint32)due->len) : 0;
	for (guint i = first; i < due->len && i < first + CHAIN; i++) {
		ask(table, calendar, due, time_at(table, due, i) - 1);
		ask(table, calendar, due, time_at(table, due, i));
	}
}

/* ---- calendars ---- */

static gint
pick(GRand *rand, guint percent, gint low, gint high)
{
	return g_rand_int_range(rand, 0, 100) < (gint)percent
		       ? g_rand_int_range(rand, low, high + 1)
		       : 0;
}

static void
random_calendar(GRand *rand, struct calendar *ret)
{
	static const guint16 spans[] = {1, 5, 7, 15, 20, 30, 45, 60, 90, 120, 360, 720, 1440};
	gint span = pick(rand, 40, 1, G_N_ELEMENTS(spans));
	*ret = (struct calendar){
		.months = (guint)pick(rand, 30, 1, 0xfff),
		.run_day = pick(rand, 50, -31, 31),
		.run_day_of_week = pick(rand, 50, -7, 7),
		.weekdays = (guint)pick(rand, 25, 1, 0x7f),
		.utc = pick(rand, 10, 1, 1),
	};
	/* most clocks change in the first hours of a day */
	ret->start_us = pick(rand, 100, 0, pick(rand, 60, 1, 1) ? 240 : DAY_MINUTES - 1) * MINUTE;
	if (span)
		ret->every_us = spans[span - 1] * MINUTE;
}

static void
test_zone(gconstpointer data)
{
	guint index = GPOINTER_TO_UINT(data);
	struct table table;
	GTimeZone *zone = g_time_zone_new_identifier(zones[index].name);
	if (!zone) {
		g_test_skip_printf("no time zone %s here", zones[index].name);
		return;
	}
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed + index);
	table_init(&table, zones[index].name, zone, zones[index].first_year);
	for (guint i = 0; i < CALENDARS_PER_ZONE; i++) {
		struct calendar calendar;
		random_calendar(rand, &calendar);
		g_autoptr(GArray) due = walk(&table, &calendar);
		if (calendar_check(&calendar, NULL))
			ask_all(&table, &calendar, due, rand);
		else
			g_assert_cmpuint(due->len, ==, 0);
	}
	table_clear(&table);
}

int
main(int argc, char **argv)
{
	const char *given = g_getenv("SEED");
	guint64 number = 1;
	g_test_init(&argc, &argv, NULL);
	if (given && !g_ascii_string_to_unsigned(given, 10, 0, G_MAXINT32, &number, NULL))
		return 2;
	seed = (guint32)number;
	for (guint i = 0; i < G_N_ELEMENTS(zones); i++) {
		g_autofree char *path = g_strconcat("/calendar-walk/", zones[i].name, NULL);
		g_test_add_data_func(path, GUINT_TO_POINTER(i), test_zone);
	}
	return g_test_run();
}
