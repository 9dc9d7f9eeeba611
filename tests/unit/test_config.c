/* cairnd's configuration: defaults, file, options, limits, and that --check prints what it reads.
 */
#include "base/error.h"
#include "base/file.h"
#include "cairnd/config.h"

#include <glib/gstdio.h>

static struct config *
load(GError **error, const char *first, ...)
{
	GPtrArray *args = g_ptr_array_new();
	va_list list;
	g_ptr_array_add(args, (gpointer) "cairnd");
	va_start(list, first);
	for (const char *arg = first; arg; arg = va_arg(list, const char *))
		g_ptr_array_add(args, (gpointer)arg);
	va_end(list);
	int argc = (int)args->len;
	g_ptr_array_add(args, NULL);
	char **argv = (char **)g_ptr_array_free(args, FALSE);
	char **given = argv;
	struct config *config = config_load(&argc, &given, error);
	g_free(argv);
	return config;
}

static char *
write_file(const char *text)
{
	char *path = NULL;
	int fd = g_file_open_tmp("cairn-conf-XXXXXX", &path, NULL);
	g_assert_cmpint(fd, >=, 0);
	g_assert_true(cairn_write_all(fd, text, strlen(text), path, NULL));
	g_close(fd, NULL);
	return path;
}

static void
test_order(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *file =
		write_file("[daemon]\nstate-dir=/from-file\nconnect=qemu:///a;qemu+ssh://b/system\n"
			   "[point]\nhold-time=7\nscratch-reserve=2M\n");
	cairn_auto(config) config = load(&error, "--config", file, "--hold-time", "9",
					 "--export-root", "/x", "--export-root", "/y", NULL);
	g_assert_no_error(error);
	g_assert_cmpstr(config->state_dir, ==, "/from-file");
	g_assert_cmpstr(config->scratch_dir, ==, "/from-file/scratch");
	g_assert_cmpuint(g_strv_length(config->connect), ==, 2);
	g_assert_cmpuint(g_strv_length(config->export_roots), ==, 2);
	g_assert_cmpuint(config->hold_seconds, ==, 9);
	g_assert_cmpuint(config->scratch_reserve, ==, 2 << 20);
	g_assert_cmpuint(config->max_copies, ==, 4);
	g_unlink(file);
}

/* One file serves both programs. */
static void
test_front_end_group(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *file = write_file("[cimd]\nlisten=http://127.0.0.1:5985\n");
	cairn_auto(config) config = load(&error, "--config", file, NULL);
	g_assert_no_error(error);
	g_assert_nonnull(config);
	g_unlink(file);
}

static void
test_access(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *file = write_file("[access]\nfront-end-user=front\nobserver=ann;@readers\n"
					   "operator=bob:web,db;@movers:*\nadministrator=root\n");
	cairn_auto(config) config = load(&error, "--config", file, "--operator", "eve:web",
					 "--operator", "@ops:*", NULL);
	g_assert_no_error(error);
	g_assert_cmpstr(config->front_end_user, ==, "front");
	g_assert_cmpuint(g_strv_length(config->observers), ==, 2);
	g_assert_cmpuint(g_strv_length(config->operators), ==, 2);
	g_assert_cmpstr(config->operators[0], ==, "eve:web");
	g_assert_cmpstr(config->administrators[0], ==, "root");
	g_unlink(file);
	g_autofree char *empty = write_file("");
	cairn_auto(config) plain = load(&error, "--config", empty, NULL);
	g_assert_no_error(error);
	g_unlink(empty);
	g_assert_cmpstr(plain->front_end_user, ==, "cairn-cimd");
	g_assert_null(plain->observers);
	g_assert_null(plain->operators);
	g_assert_null(plain->administrators);
	g_assert_null(load(&error, "--operator", "eve", NULL));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "eve:*"));
	g_clear_error(&error);
	g_assert_null(load(&error, "--observer", "a:b", NULL));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
}

static void
refused(const char *text, const char *named)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *file = write_file(text);
	cairn_auto(config) config = load(&error, "--config", file, NULL);
	g_assert_null(config);
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, named));
	g_assert_nonnull(strstr(error->message, file));
	g_unlink(file);
}

static void
test_refused(void)
{
	refused("[point]\nhold-tyme=3\n", "hold-tyme");
	refused("[export]\nhold-time=3\n", "hold-time");
	refused("[jobs]\nmax-jobs=0\n", "max-jobs");
	refused("[jobs]\nmax-jobs=many\n", "max-jobs");
	refused("[jobs]\nmax-jobs=3x\n", "max-jobs");
	refused("[point]\nscratch-limit=-1\n", "scratch-limit");
	refused("[point]\nscratch-limit=99999999999T\n", "scratch-limit");
	g_autoptr(GError) error = NULL;
	g_assert_null(load(&error, "--connect", "test:///default", NULL));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "test:///default"));
	g_clear_error(&error);
	g_assert_null(load(&error, "--state-dir", "relative", NULL));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_null(load(&error, "--config", "/nowhere/at-all", NULL));
	g_assert_nonnull(error);
	g_clear_error(&error);
	g_assert_null(load(&error, "stray", NULL));
	g_assert_nonnull(strstr(error->message, "stray"));
}

static void
test_check_round_trip(void)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(config) config =
		load(&error, "--export-root", "/x", "--max-pause", "77", "--observer",
		     "DOMAIN\\ann", "--operator", "b:*", "--operator", "c:web,db", NULL);
	g_assert_no_error(error);
	g_autofree char *text = config_text(config);
	g_autofree char *file = write_file(text);
	cairn_auto(config) again = load(&error, "--config", file, NULL);
	g_assert_no_error(error);
	g_autofree char *text_again = config_text(again);
	g_assert_cmpstr(text, ==, text_again);
	g_assert_cmpuint(again->max_pause, ==, 77);
	g_assert_cmpstr(again->observers[0], ==, "DOMAIN\\ann");
	g_assert_cmpstr(again->operators[1], ==, "c:web,db");
	g_unlink(file);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config/front-end-group", test_front_end_group);
	g_test_add_func("/config/order", test_order);
	g_test_add_func("/config/access", test_access);
	g_test_add_func("/config/refused", test_refused);
	g_test_add_func("/config/check", test_check_round_trip);
	return g_test_run();
}
