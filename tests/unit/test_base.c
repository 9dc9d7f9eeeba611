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

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/base/error", test_error_tables);
	g_test_add_func("/base/json", test_json_getters);
	g_test_add_func("/base/time", test_time);
	g_test_add_func("/base/guid", test_guid);
	g_test_add_func("/base/file", test_file);
	return g_test_run();
}
