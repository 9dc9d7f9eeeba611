/* The days of schedules as people write them. */
#include "base/error.h"
#include "cli/days.h"

static void
check_list(char **(*read)(const char *, GError **), const char *text, const char *want)
{
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) list = read(text, &error);
	if (want) {
		g_assert_no_error(error);
		g_autofree char *got = g_strjoinv(",", list);
		g_assert_cmpstr(got, ==, want);
	} else {
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
		g_assert_null(list);
	}
}

static void
test_lists(void)
{
	check_list(days_weekdays, "mon-fri,sun", "sun,mon,tue,wed,thu,fri");
	check_list(days_weekdays, "Fri-mon", "sun,mon,fri,sat");
	check_list(days_weekdays, " tue , TUE", "tue");
	check_list(days_weekdays, "sun-sat", "sun,mon,tue,wed,thu,fri,sat");
	check_list(days_weekdays, "all", "");
	check_list(days_weekdays, "", "");
	check_list(days_months, "nov-feb,jul", "jan,feb,jul,nov,dec");
	check_list(days_months, "may", "may");
	static const char *const wrong[] = {"monday",  "mon-",	  "-mon", "mon,",
					    "mon-fr",  "1",	  ",",	  "mon-tue-wed",
					    "mon tue", "jan-feb", NULL};
	for (guint i = 0; wrong[i]; i++)
		check_list(days_weekdays, wrong[i], NULL);
	check_list(days_months, "13", NULL);
}

static void
test_days(void)
{
	static const struct {
		const char *text;
		gint64 of_week, of_month; /* 99: refused */
	} rows[] = {
		{"fri", 6, 99},	  {"+fri", 6, 99},  {"-fri", -6, 99}, {"sun", 1, 99},
		{"-sat", -7, 99}, {"any", 0, 0},    {"1", 99, 1},     {"31", 99, 31},
		{"-1", 99, -1},	  {"-31", 99, -31}, {"0", 99, 99},    {"32", 99, 99},
		{"", 99, 99},	  {"--1", 99, 99},  {"1.", 99, 99},
	};
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		gint64 day = 99;
		g_assert_cmpint(days_of_week(rows[i].text, &day, NULL), ==, rows[i].of_week != 99);
		g_assert_cmpint(day, ==, rows[i].of_week);
		day = 99;
		g_assert_cmpint(days_of_month(rows[i].text, &day, NULL), ==,
				rows[i].of_month != 99);
		g_assert_cmpint(day, ==, rows[i].of_month);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/days/lists", test_lists);
	g_test_add_func("/days/days", test_days);
	return g_test_run();
}
