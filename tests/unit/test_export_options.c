/* The command line of cairn-export: numbers of bytes, and what may stand together. */
#include "base/error.h"
#include "export/options.h"

static void
test_bytes(void)
{
	static const struct {
		const char *text;
		guint64 bytes;
	} good[] = {{"0", 0},		{"1", 1},
		    {"10K", 10240},	{"3m", 3 << 20},
		    {"2G", 2ULL << 30}, {"8388607T", 8388607ULL << 40},
		    {"007", 7},		{"9223372036854775807", G_MAXINT64}};
	static const char *const bad[] = {"",
					  "K",
					  "-1",
					  "+1",
					  " 1",
					  "1 ",
					  "1KB",
					  "1P",
					  "1x",
					  "0x10",
					  "1.5G",
					  "8388608T",
					  "9223372036854775808",
					  "99999999999999999999"};
	guint64 bytes;
	for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
		g_assert_true(options_parse_bytes(good[i].text, &bytes));
		g_assert_cmpuint(bytes, ==, good[i].bytes);
	}
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_test_message("%s", bad[i]);
		g_assert_false(options_parse_bytes(bad[i], &bytes));
	}
}

static struct options *
parse(const char *line, GError **error)
{
	g_auto(GStrv) argv = NULL;
	int argc;
	g_assert_true(g_shell_parse_argv(line, &argc, &argv, NULL));
	/* GOption moves what it leaves to the front. */
	g_autofree char **moved = g_memdup2(argv, (gsize)(argc + 1) * sizeof *argv);
	return options_parse(argc, moved, error);
}

static void
test_all(void)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(options) options =
		parse("cairn-export --since a:b --parent p --backing ../p --compress zstd --digest "
		      "sha256 "
		      "--rate 5M --connections 3 --requests 7 --timeout 9 --result r --identity i "
		      "--progress --control 0 URI OUT",
		      &error);
	g_assert_no_error(error);
	const struct copy_options *copy = &options->copy;
	g_assert_cmpstr(copy->uri, ==, "URI");
	g_assert_cmpstr(copy->out, ==, "OUT");
	g_assert_cmpstr(copy->since, ==, "a:b");
	g_assert_cmpstr(copy->sink, ==, "qcow2");
	g_assert_cmpstr(copy->parent, ==, "p");
	g_assert_cmpstr(copy->backing, ==, "../p");
	g_assert_cmpstr(copy->result, ==, "r");
	g_assert_cmpstr(copy->identity, ==, "i");
	g_assert_true(copy->compress && options->progress && !options->map);
	g_assert_cmpint(copy->digest, ==, DIGEST_SHA256);
	g_assert_cmpuint(copy->rate, ==, 5 << 20);
	g_assert_cmpuint(copy->connections, ==, 3);
	g_assert_cmpuint(copy->requests, ==, 7);
	g_assert_cmpuint(copy->timeout, ==, 9);
	g_assert_cmpint(options->control_fd, ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/export/bytes", test_bytes);
	g_test_add_func("/export/all", test_all);
	return g_test_run();
}
