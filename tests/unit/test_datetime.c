/* CIM datetimes: a table of texts, what they are worth, and both forms back. */
#include "base/error.h"
#include "cim/datetime.h"

#include <string.h>

#define SECOND G_GINT64_CONSTANT(1000000)
#define DAY    (G_GINT64_CONSTANT(86400) * SECOND)

/* xs NULL: cannot be said so. */
static const struct {
	const char *cim;
	gint64 usec;
	guint known;
	const char *xs;
} good[] = {
	{"19700101000000.000000+000", 0, 20, "1970-01-01T00:00:00Z"},
	{"20100714113511.900675+120", 1279100111900675, 20, "2010-07-14T11:35:11.900675+02:00"},
	{"19990929195959.000000-420", 938660399000000, 20, "1999-09-29T19:59:59-07:00"},
	{"20240229235959.999999+000", 1709251199999999, 20, "2024-02-29T23:59:59.999999Z"},
	{"19691231235959.999999+000", -1, 20, "1969-12-31T23:59:59.999999Z"},
	{"00010101000000.000000+000", -719162 * DAY, 20, "0001-01-01T00:00:00Z"},
	{"00000101000000.000000+000", -719528 * DAY, 20, NULL},
	{"99991231235959.999999+000", 2932897 * DAY - 1, 20, "9999-12-31T23:59:59.999999Z"},
	{"00000000000000.000000+000", G_MININT64, 20, NULL},
	{"99999999999999.999999+000", G_MAXINT64, 20, NULL},
	{"99999999999999.999999:000", G_MAXINT64, 20, NULL},
	{"20100714******.******+000", 14804 * DAY, 8, NULL},
	{"2010**********.******+060", 14610 * DAY - 3600 * SECOND, 4, NULL},
	{"20100714113511.9*****+000", 14804 * DAY + 41711900000, 15, NULL},
	{"19700101000000.000000+999", -999 * 60 * SECOND, 20, NULL},
	{"00000000000000.000000:000", 0, 20, "P0DT0H0M0S"},
	{"00000001020304.000000:000", DAY + 7384 * SECOND, 20, "P1DT2H3M4S"},
	{"00000000000500.000000:000", 300 * SECOND, 20, "P0DT0H5M0S"},
	{"00000000000000.061000:000", 61000, 20, NULL},
	{"99999999235959.999999:000", 100000000 * DAY - 1, 20, NULL},
	{"00000012******.******:000", 12 * DAY, 8, NULL},
};

static void
test_good(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autoptr(GError) error = NULL;
		struct cim_datetime time, again;
		char text[CIM_DATETIME_LEN + 1];
		g_assert_true(cim_datetime_parse(good[i].cim, &time, &error));
		g_assert_no_error(error);
		g_test_message("%s", good[i].cim);
		g_assert_cmpint(time.usec, ==, good[i].usec);
		g_assert_cmpuint(time.known, ==, good[i].known);
		g_assert_cmpint(time.is_interval, ==, good[i].cim[21] == ':');
		cim_datetime_print(&time, text);
		g_assert_cmpstr(text, ==, good[i].cim);
		g_autofree char *xs = cim_datetime_to_xs(&time);
		g_assert_cmpstr(xs, ==, good[i].xs);
		if (!xs)
			continue;
		g_assert_true(cim_datetime_from_xs(xs, &again, &error));
		g_assert_no_error(error);
		g_assert_cmpint(again.usec, ==, time.usec);
		g_assert_cmpint(again.offset, ==, time.offset);
		g_assert_cmpint(again.is_interval, ==, time.is_interval);
	}
}

static void
test_bad(void)
{
	static const char *const bad[] = {
		"",
		"20100714",
		"20100714113511.900675+1200",
		"20101314113511.900675+120",
		"20100231113511.900675+120",
		"19000229000000.000000+000",
		"20100714243511.900675+120",
		"20100714116011.900675+120",
		"2010071411351100900675+120",
		"20100714113511.900675 120",
		"20100714113511.900675+1*0",
		"201007141135**.9*****+120",
		"201007**113511.900675+120",
		"2010071***********.***+12",
		"201*07**113511.900675+120",
		"2010071*113511.900675+120",
		"00000001240000.000000:000",
		"00000001020304.000000:001",
		"********020000.000000-000",
	};
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		struct cim_datetime time;
		g_test_message("%s", bad[i]);
		g_assert_false(cim_datetime_parse(bad[i], &time, &error));
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
		g_assert_nonnull(strstr(error->message, bad[i]));
	}
}

/* cim NULL: refused. */
static const struct {
	const char *xs, *cim;
} from_xs[] = {
	{"2010-07-14T11:35:11.900675+02:00", "20100714113511.900675+120"},
	{"2010-07-14T11:35:11.9006759999Z", "20100714113511.900675+000"},
	{"2010-07-14t11:35:11z", "20100714113511.000000+000"},
	{"2010-07-14T11:35:11", "20100714113511.000000+000"},
	{"2010-07-14T24:00:00-05:30", "20100715000000.000000-330"},
	{"2010-07-14", "20100714******.******+000"},
	{"2010-07-14Z", "20100714******.******+000"},
	{"20100714113511.900675+120", "20100714113511.900675+120"},
	{"00000001020304.000000:000", "00000001020304.000000:000"},
	{"20100714113511.900675+***", "20100714113511.900675+000"},
	{"PT60.000S", "00000000000100.000000:000"},
	{"P1DT2H3M4S", "00000001020304.000000:000"},
	{"P0Y0M1D", "00000001000000.000000:000"},
	{"PT90M", "00000000013000.000000:000"},
	{"PT0.5S", "00000000000000.500000:000"},
	{"-PT0S", "00000000000000.000000:000"},
	{"P99999999DT23H59M59.999999S", "99999999235959.999999:000"},
	{"P100000000D", NULL},
	{"P1Y", NULL},
	{"P1M", NULL},
	{"-PT1S", NULL},
	{"P", NULL},
	{"PT", NULL},
	{"P1DT", NULL},
	{"P1", NULL},
	{"P1H", NULL},
	{"PT1S1M", NULL},
	{"PT1.5M", NULL},
	{"PT1.S", NULL},
	{"PT99999999999999999999S", NULL},
	{"2010-07-14T11:35", NULL},
	{"2010-07-14T11:35:60Z", NULL},
	{"2010-07-14T24:00:01Z", NULL},
	{"9999-12-31T24:00:00Z", NULL},
	{"2010-07-14T11:35:11+15:00", NULL},
	{"2010-07-14T11:35:11+02:00x", NULL},
	{"12010-07-14T11:35:11Z", NULL},
	{"-2010-07-14T11:35:11Z", NULL},
	{"tomorrow", NULL},
	{"", NULL},
};

static void
test_xs(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(from_xs); i++) {
		g_autoptr(GError) error = NULL;
		struct cim_datetime time;
		char text[CIM_DATETIME_LEN + 1];
		g_test_message("%s", from_xs[i].xs);
		gboolean ok = cim_datetime_from_xs(from_xs[i].xs, &time, &error);
		g_assert_cmpint(ok, ==, from_xs[i].cim != NULL);
		if (!ok) {
			g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
			continue;
		}
		cim_datetime_print(&time, text);
		g_assert_cmpstr(text, ==, from_xs[i].cim);
	}
}

static void
test_compare(void)
{
	struct cim_datetime a, b;
	g_assert_true(cim_datetime_parse("20100714113511.000000+120", &a, NULL));
	g_assert_true(cim_datetime_parse("20100714093511.000000+000", &b, NULL));
	g_assert_cmpint(cim_datetime_compare(&a, &b), ==, 0);
	g_assert_true(cim_datetime_parse("99999999999999.999999+000", &b, NULL));
	g_assert_cmpint(cim_datetime_compare(&a, &b), ==, -1);
	g_assert_cmpint(cim_datetime_compare(&b, &a), ==, 1);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/datetime/good", test_good);
	g_test_add_func("/datetime/bad", test_bad);
	g_test_add_func("/datetime/xs", test_xs);
	g_test_add_func("/datetime/compare", test_compare);
	return g_test_run();
}
