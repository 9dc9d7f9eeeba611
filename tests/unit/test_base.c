/* base: errors, JSON getters, GUIDs, time, durable files. */
#include "base/error.h"
#include "base/file.h"
#include "base/guid.h"
#include "base/json.h"
#include "base/timefmt.h"

#include <errno.h>
#include <glib/gstdio.h>

static void
test_error_tables(void)
{
	for (int code = 0; code < CAIRN_ERROR_LAST; code++) {
		g_assert_cmpint(cairn_error_from_class(cairn_error_class(code)), ==, code);
		g_assert_cmpint(cairn_error_job_code(code), >=, 32768);
		g_assert_cmpint(cairn_error_job_code(code), <=, 32779);
	}
	g_assert_cmpint(cairn_error_from_class("nonsense"), ==, CAIRN_ERROR_IO);
	g_assert_cmpint(cairn_error_from_errno(ENOSPC), ==, CAIRN_ERROR_LIMIT);
}

static void
test_json_getters(void)
{
	g_autoptr(GError) error = NULL;
	const char *text = "{\"s\":\"x\",\"n\":7,\"b\":true,\"a\":[\"p\",\"q\"],\"z\":null}";
	g_autoptr(json_t) object = cairn_json_parse(text, strlen(text), &error);
	g_assert_no_error(error);
	const char *s;
	guint64 n;
	g_assert_true(cairn_json_get_string(object, "s", &s, NULL));
	g_assert_cmpstr(s, ==, "x");
	g_assert_true(cairn_json_get_uint(object, "n", 7, &n, NULL));
	g_assert_false(cairn_json_get_uint(object, "n", 6, &n, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_false(cairn_json_get_string(object, "z", &s, &error));
	g_assert_cmpstr(error->message, ==, "\"z\" is missing");
	g_auto(GStrv) list = NULL;
	g_assert_true(cairn_json_get_strv_opt(object, "a", &list, NULL));
	g_assert_cmpuint(g_strv_length(list), ==, 2);
	g_clear_error(&error);
	g_assert_null(cairn_json_parse("[1]", 3, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
}

static void
test_time(void)
{
	gint64 usec = G_GINT64_CONSTANT(1763720430123456), back;
	g_autofree char *iso = cairn_time_iso(usec);
	g_assert_cmpstr(iso, ==, "2025-11-21T10:20:30.123456Z");
	g_assert_true(cairn_time_from_iso(iso, &back, NULL));
	g_assert_cmpint(back, ==, usec);
	g_autofree char *cim = cairn_time_cim(usec);
	g_assert_cmpstr(cim, ==, "20251121102030.123456+000");
	g_autofree char *span = cairn_interval_cim(5 * 60 * G_USEC_PER_SEC);
	g_assert_cmpstr(span, ==, "00000000000500.000000:000");
}

static void
test_guid(void)
{
	g_autofree char *guid = cairn_guid_new();
	g_autofree char *lower = g_ascii_strdown(guid, -1);
	g_autofree char *again = cairn_guid_normalize(lower);
	g_assert_cmpstr(guid, ==, again);
	g_assert_null(cairn_guid_normalize("web"));
}

static void
test_file(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_dir_make_tmp("cairn-base-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "f", NULL);
	g_autofree char *data = NULL;
	g_assert_true(cairn_file_replace(path, "one", 3, 0600, &error));
	g_assert_true(cairn_file_replace(path, "two!", 4, 0600, &error));
	g_assert_true(cairn_file_read(path, 4, &data, NULL, &error));
	g_assert_cmpstr(data, ==, "two!");
	g_clear_pointer(&data, g_free);
	g_assert_false(cairn_file_read(path, 3, &data, NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	g_clear_error(&error);
	g_assert_true(cairn_remove_tree(dir, &error));
	g_assert_true(cairn_remove_tree(dir, &error));
	g_assert_false(g_file_test(dir, G_FILE_TEST_EXISTS));
}

static const struct {
	const char *text;
	gint64 usec; /* -1: INVALID */
	gboolean is_interval;
} cim_times[] = {
	{"20251121102030.123456+000", 1763720430123456, FALSE},
	{"20251121112030.123456+060", 1763720430123456, FALSE},
	{"20251121055030.123456-270", 1763720430123456, FALSE},
	{"20251121102030.12****+000", 1763720430120000, FALSE},
	{"202511211020**.******+000", 1763720400000000, FALSE},
	{"20251121******.******+000", 1763683200000000, FALSE},
	{"2025**********.******+000", 1735689600000000, FALSE},
	{"20240229000000.000000+000", 1709164800000000, FALSE},
	{"20250229000000.000000+000", -1, FALSE},
	{"**************.******+000", -1, FALSE},
	{"2025112*******.******+000", -1, FALSE}, /* half a field */
	{"20251121****30.123456+000", -1, FALSE}, /* unknown before known */
	{"20251121240000.000000+000", -1, FALSE},
	{"20251121106000.000000+000", -1, FALSE},
	{"20251121102060.000000+000", -1, FALSE},
	{"20251321102030.000000+000", -1, FALSE},
	{"00000000000000.000000+000", -1, FALSE},
	{"99999999999999.999999+999", -1, FALSE},
	{"20251121102030.123456:000", -1, FALSE},
	{"20251121102030,123456+000", -1, FALSE},
	{"20251121102030.123456+0x0", -1, FALSE},
	{"20251121102030.123456+00", -1, FALSE},
	{"20251121102030.123456+0000", -1, FALSE},
	{"2025112110203x.123456+000", -1, FALSE},
	{"", -1, FALSE},
	{"00000000000500.000000:000", 300000000, TRUE},
	{"00000001020304.000005:000", 93784000005, TRUE},
	{"00000002******.******:000", 172800000000, TRUE},
	{"********000000.000000:000", -1, TRUE},
	{"99999999235959.999999:000", 8639999999999999999, TRUE},
	{"00000000240000.000000:000", -1, TRUE},
	{"00000000006000.000000:000", -1, TRUE},
	{"00000000000060.000000:000", -1, TRUE},
	{"00000000000500.000000:001", -1, TRUE},
	{"00000000000500.000000+000", -1, TRUE},
	{"-0000000000500.000000:000", -1, TRUE},
};

static void
test_cim_times(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(cim_times); i++) {
		gint64 usec = 0;
		g_autoptr(GError) error = NULL;
		gboolean ok = cim_times[i].is_interval
				      ? cairn_interval_from_cim(cim_times[i].text, &usec, &error)
				      : cairn_time_from_cim(cim_times[i].text, &usec, &error);
		if (ok != (cim_times[i].usec >= 0) || (ok && usec != cim_times[i].usec))
			g_error("%s: %" G_GINT64_FORMAT, cim_times[i].text, usec);
		if (!ok)
			g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/base/error", test_error_tables);
	g_test_add_func("/base/json", test_json_getters);
	g_test_add_func("/base/time", test_time);
	g_test_add_func("/base/cim-times", test_cim_times);
	g_test_add_func("/base/guid", test_guid);
	g_test_add_func("/base/file", test_file);
	return g_test_run();
}
