/* The pure half of the CLI: numbers, cells, tables and bars, with a clock and a width of our own.
 */
#include "base/error.h"
#include "cli/field.h"
#include "cli/format.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/text.h"

#include <locale.h>
#include <string.h>

/* A macro, so that a failure tells its line. */
#define is(expression, want)                              \
	do {                                              \
		g_autofree char *got_text = (expression); \
		g_assert_cmpstr(got_text, ==, want);      \
	} while (0)

static void
test_sizes(void)
{
	is(format_size(0), "0 B");
	is(format_size(999), "999 B");
	is(format_size(1000), "1.0 KiB");
	is(format_size(1536), "1.5 KiB");
	is(format_size(1 << 20), "1.0 MiB");
	is(format_size((guint64)1023 << 20), "1.0 GiB");
	is(format_size((guint64)256 << 20), "256 MiB");
	is(format_size(G_MAXUINT64), "16.0 EiB");
	is(format_rate(0), "");
	is(format_rate(-1), "");
	is(format_rate(120.0 * 1024 * 1024), "120 MiB/s");
}

static void
test_spans(void)
{
	is(format_span(-5), "0 us");
	is(format_span(870), "870 us");
	is(format_span(43100), "43.1 ms");
	is(format_span(999000), "999 ms");
	is(format_span(3200000), "3.2 s");
	is(format_span(65 * G_USEC_PER_SEC), "1:05 min");
	is(format_span((gint64)7384 * G_USEC_PER_SEC), "2:03:04 h");
	is(format_span((gint64)100 * 3600 * G_USEC_PER_SEC), "4 d 4 h");
	is(format_countdown(32), "0:32");
	is(format_countdown(3723), "1:02:03");
	is(format_countdown(G_MAXUINT64), "--:--");
	is(format_time(NULL), "-");
	is(format_time("soon"), "soon");
	is(format_time("2026-11-21T10:20:30.5Z"), "2026-11-21 10:20:30");
}

static void
size_is(const char *text, guint64 want)
{
	guint64 got = 0;
	g_autoptr(GError) error = NULL;
	g_assert_true(parse_size(text, (guint64)1 << 50, &got, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(got, ==, want);
}

static void
test_parse(void)
{
	static const char *const bad[] = {"",	 "M",	"-1",  "0x10", "1e9",  "1.2.3", "1 M",
					  "50Q", "nan", "inf", "1,5",  "5MB1", ".5",	NULL};
	guint64 value = 77;
	size_is("0", 0);
	size_is("4096", 4096);
	size_is("50M", 50 << 20);
	size_is("50m", 50 << 20);
	size_is("10MiB", 10 << 20);
	size_is("1.5G", (guint64)3 << 29);
	size_is("1T", (guint64)1 << 40);
	for (guint i = 0; bad[i]; i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(parse_size(bad[i], G_MAXUINT64, &value, &error));
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	}
	g_autoptr(GError) error = NULL;
	g_assert_false(parse_size("99999T", (guint64)1 << 50, &value, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	g_assert_cmpuint(value, ==, 77);
	g_assert_true(parse_span("15m", 86400, &value, NULL));
	g_assert_cmpuint(value, ==, 900);
	g_assert_true(parse_span("2h", 86400, &value, NULL));
	g_assert_cmpuint(value, ==, 7200);
	g_assert_false(parse_span("2d", 86400, &value, NULL));
	g_assert_true(parse_count("100", 100, &value, NULL));
	g_assert_false(parse_count("101", 100, &value, NULL));
	g_assert_false(parse_count("1x", 100, &value, NULL));
}

static void
test_text(void)
{
	static const char *const words[] = {"create", "list", "show", "terminate", NULL};
	g_assert_cmpuint(text_width("abc"), ==, 3);
	g_assert_cmpuint(text_width("数据"), ==, 4);
	g_assert_cmpuint(text_width("e\xcc\x81"), ==, 1);
	is(text_clean("a\033[31m\n\xff"), "a?[31m?\xef\xbf\xbd");
	is(text_clean("a\xe2\x80\xaegnp"), "a?gnp"); /* U+202E turns the line around */
	is(text_clean(NULL), "");
	is(text_fit("abcdef", 6), "abcdef");
	is(text_fit("abcdef", 4), "abc…");
	is(text_fit("数据库", 4), "数…");
	is(text_fit("abc", 0), "");
	g_assert_cmpstr(text_nearest("lst", words), ==, "list");
	g_assert_cmpstr(text_nearest("craete", words), ==, "create");
	g_assert_cmpstr(text_nearest("term", words), ==, "terminate");
	g_assert_null(text_nearest("xyzzy", words));
	g_assert_null(text_nearest("", words));
	g_autoptr(GString) out = g_string_new("-> ");
	text_wrap(out, "one two three four", 3, 3, 12);
	g_assert_cmpstr(out->str, ==, "-> one two\n   three\n   four\n");
}

static void
test_table(void)
{
	static const char *const headers[] = {"NAME", ">SIZE", "NOTE", NULL};
	cairn_auto(table) table = table_new(headers);
	is(table_format(table, 0, FALSE), "");
	table_add(table, "数据");
	table_add(table, "1");
	table_add(table, NULL);
	table_add(table, "x");
	table_add(table, "1000000");
	table_add_style(table, STYLE_BAD, "bad\033");
	is(table_format(table, 0, FALSE), "NAME     SIZE  NOTE\n"
					  "数据        1  -\n"
					  "x     1000000  bad?\n");
	is(table_format(table, 1, TRUE), " \033[1mNAME\033[0m     \033[1mSIZE\033[0m  "
					 "\033[1mNOTE\033[0m\n"
					 " 数据        1  -\n"
					 " x     1000000  \033[31mbad?\033[0m\n");
	cairn_auto(table) sheet = table_new_sheet();
	table_pair(sheet, "a", "1");
	table_pair(sheet, "absent", NULL);
	table_pair_take(sheet, "long", g_strdup("2"));
	is(table_format(sheet, 0, FALSE), "a     1\nlong  2\n");
}

/* ---- progress ---- */

struct screen {
	GString *out;
	gint64 now;
	guint columns, rows;
};

static gint64
screen_clock(void *data)
{
	return ((struct screen *)data)->now;
}

static void
screen_size(void *data, guint *ret_columns, guint *ret_rows)
{
	const struct screen *screen = data;
	*ret_columns = screen->columns;
	*ret_rows = screen->rows;
}

static void
screen_write(void *data, const char *text)
{
	g_string_append(((struct screen *)data)->out, text);
}

static struct progress *
progress_on(struct screen *screen, gboolean terminal)
{
	struct progress_env env = {.terminal = terminal,
				   .clock = screen_clock,
				   .size = screen_size,
				   .write = screen_write,
				   .data = screen};
	screen->out = g_string_new(NULL);
	screen->now = 1000000;
	return progress_new(&env);
}

/* What was written since the last call. */
static void
wrote(struct screen *screen, const char *want)
{
	g_assert_cmpstr(screen->out->str, ==, want);
	g_string_truncate(screen->out, 0);
}

static void
update(struct progress *progress, const char *state_name, int state, guint64 done, guint64 total,
       double rate, guint disks)
{
	g_autoptr(json_t) list = json_array();
	for (guint i = 0; i < disks; i++) {
		g_autofree char *name = g_strdup_printf("vd%c", 'a' + i);
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:I, s:I, s:f}", "vm-name", "db",
						"target", name, "state", "waiting", "done-bytes",
						(json_int_t)(i == 0 ? done : 0), "total-bytes",
						(json_int_t)(i == 0 ? total : 0), "rate",
						i == 0 ? rate : 0.0));
	}
	g_autoptr(json_t) job = json_pack(
		"{s:s, s:i, s:s, s:s, s:i, s:s, s:s, s:I, s:I, s:f, s:O}", "id", "J", "number", 7,
		"kind", "export", "point-name", "web@3", "state", state, "state-name", state_name,
		"phase", "copying", "done-bytes", (json_int_t)done, "total-bytes",
		(json_int_t)total, "rate", rate, "disks", list);
	progress_update(progress, job);
}

static void
test_bar(void)
{
	struct progress_item item = {.label = "web@3",
				     .label_cells = 8,
				     .done = 64 << 20,
				     .total = 256 << 20,
				     .rate = 32 << 20};
	is(progress_line(&item, 100, FALSE),
	   "web@3    [=========>                            ]  25 %  64.0 MiB of  256 MiB  "
	   "32.0 MiB/s     0:06");
	is(progress_line(&item, 60, FALSE),
	   "web@3    [=====>                ]  25 %  32.0 MiB/s     0:06");
	is(progress_line(&item, 40, FALSE), "web@3    [===>          ]  25 %     0:06");
	is(progress_line(&item, 24, FALSE), "web@3    [=>     ]  25 %");
	is(progress_line(&item, 16, FALSE), "web@3     25 %");
	is(progress_line(&item, 40, TRUE), "web@3    [███▌          ]  25 %     0:06");
	item.rate = 0;
	is(progress_line(&item, 40, FALSE), "web@3    [===>          ]  25 %    --:--");
	item.note = "waiting for the store";
	is(progress_line(&item, 24, FALSE), "web@3    waiting for th…");
	for (guint width = 0; width < 130; width++) {
		item.note = NULL;
		item.label = "a label that is much too long 数据";
		item.label_cells = 32;
		g_autofree char *line = progress_line(&item, width, width % 2);
		g_assert_cmpuint(text_width(line), <=, MAX(width, 37));
	}
}

static void
test_progress_terminal(void)
{
	struct screen screen = {.columns = 50, .rows = 24};
	cairn_auto(progress) progress = progress_on(&screen, TRUE);
	update(progress, "waiting", 2, 0, 0, 0, 0);
	progress_draw(progress);
	wrote(&screen, "export web@3 waiting\033[K\n\033[J");
	update(progress, "running", 4, 64, 256, 32, 2);
	progress_draw(progress);
	wrote(&screen, "\033[1A\r"
		       "export web@3 [=>     ]  25 %      32 B/s     0:06\033[K\n"
		       "  db:vda     [=>     ]  25 %      32 B/s     0:06\033[K\n"
		       "  db:vdb     waiting\033[K\n\033[J");
	/* Narrower: the terminal has wrapped the lines of 48, 48 and 20 cells to 2, 2 and 1. */
	screen.columns = 30;
	progress_draw(progress);
	g_assert_true(g_str_has_prefix(screen.out->str, "\033[5A\r"));
	g_string_truncate(screen.out, 0);
	/* Lower: the disk that moves is shown, the others are counted. */
	screen.rows = 4;
	update(progress, "running", 4, 64, 256, 32, 9);
	progress_draw(progress);
	g_assert_nonnull(strstr(screen.out->str, "db:vda"));
	g_assert_nonnull(strstr(screen.out->str, "and 8 more disks"));
	g_assert_null(strstr(screen.out->str, "db:vdb"));
	g_string_truncate(screen.out, 0);
	progress_clear(progress);
	wrote(&screen, "\033[3A\r\033[J");
	progress_clear(progress);
	wrote(&screen, "");
	g_string_free(screen.out, TRUE);
}

/* A burst of another rate changes the time left little, a lasting one wholly. */
static void
test_progress_rate(void)
{
	struct screen screen = {.columns = 50, .rows = 24};
	cairn_auto(progress) progress = progress_on(&screen, TRUE);
	update(progress, "running", 4, 0, 1000, 10, 0);
	screen.now += 100000;
	update(progress, "running", 4, 0, 1000, 1000, 0);
	progress_draw(progress);
	g_assert_null(strstr(screen.out->str, "0:01"));
	for (guint i = 0; i < 300; i++) {
		screen.now += 100000;
		update(progress, "running", 4, 0, 1000, 1000, 0);
	}
	g_string_truncate(screen.out, 0);
	progress_draw(progress);
	g_assert_nonnull(strstr(screen.out->str, "0:01"));
	g_string_free(screen.out, TRUE);
}

static void
test_progress_plain(void)
{
	struct screen screen = {.columns = 50, .rows = 24};
	cairn_auto(progress) progress = progress_on(&screen, FALSE);
	update(progress, "waiting", 2, 0, 0, 0, 0);
	update(progress, "waiting", 2, 0, 0, 0, 0);
	wrote(&screen, "job 7 (export web@3): waiting\n");
	update(progress, "running", 4, 0, 200, 0, 1);
	wrote(&screen, "job 7 (export web@3): copying\n");
	update(progress, "running", 4, 19, 200, 10, 1);
	wrote(&screen, "");
	update(progress, "running", 4, 40, 200, 10, 1);
	wrote(&screen, "job 7 (export web@3): copying, 20 %, 40 B of 200 B, 10 B/s, 0:16 left\n");
	update(progress, "suspended", 5, 40, 200, 10, 1);
	wrote(&screen, "job 7 (export web@3): suspended\n");
	progress_draw(progress);
	progress_clear(progress);
	wrote(&screen, "");
	g_string_free(screen.out, TRUE);
}

static void
test_fields(void)
{
	static const char text[] =
		"{\"t\":\"x\",\"n\":-1,\"b\":true,\"l\":[{\"name\":\"a\"},2,null],\"z\":null}";
	g_autoptr(json_t) object = cairn_json_parse(text, strlen(text), NULL);
	g_assert_nonnull(object);
	g_assert_cmpuint(field_uint(object, "n"), ==, 0);
	g_assert_cmpuint(field_uint(object, "t"), ==, 0);
	g_assert_null(field_text(object, "n"));
	g_assert_null(field_text(NULL, "n"));
	is(field_any(object, "l"), "a, 2, -");
	is(field_any(object, "b"), "yes");
	g_assert_null(field_any(object, "z"));
	g_assert_null(field_any(object, "absent"));
}

int
main(int argc, char **argv)
{
	g_setenv("TZ", "UTC", TRUE);
	setlocale(LC_CTYPE, "C.UTF-8");
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cli/sizes", test_sizes);
	g_test_add_func("/cli/spans", test_spans);
	g_test_add_func("/cli/parse", test_parse);
	g_test_add_func("/cli/text", test_text);
	g_test_add_func("/cli/table", test_table);
	g_test_add_func("/cli/bar", test_bar);
	g_test_add_func("/cli/progress-terminal", test_progress_terminal);
	g_test_add_func("/cli/progress-rate", test_progress_rate);
	g_test_add_func("/cli/progress-plain", test_progress_plain);
	g_test_add_func("/cli/fields", test_fields);
	return g_test_run();
}
