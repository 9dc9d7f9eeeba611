/* The codec of the control socket: lines, golden envelopes, and what must be refused. */
#include "control/codec.h"
#include "control/control.h"
#include "control/requests.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

static void
assert_line(struct control_lines *lines, const char *expected)
{
	const char *line;
	gsize len;
	g_assert_true(control_lines_next(lines, &line, &len, NULL));
	if (!expected) {
		g_assert_null(line);
		return;
	}
	g_assert_nonnull(line);
	g_assert_cmpmem(line, len, expected, strlen(expected));
}

static void
test_lines(void)
{
	cairn_auto(control_lines) lines = control_lines_new(5);
	assert_line(lines, NULL);
	control_lines_add(lines, "ab", 2);
	assert_line(lines, NULL);
	control_lines_add(lines, "c\n\n12345\nde", 11);
	assert_line(lines, "abc");
	g_assert_cmpuint(control_lines_waiting(lines), ==, 9);
	assert_line(lines, "");
	assert_line(lines, "12345");
	assert_line(lines, NULL);
	control_lines_add(lines, "\n", 1);
	assert_line(lines, "de");
	assert_line(lines, NULL);
	g_assert_cmpuint(control_lines_waiting(lines), ==, 0);
}

static void
assert_too_long(const char *text)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(control_lines) lines = control_lines_new(5);
	const char *line;
	gsize len;
	control_lines_add(lines, text, strlen(text));
	g_assert_false(control_lines_next(lines, &line, &len, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	control_lines_add(lines, "ok\n", 3);
	assert_line(lines, NULL);
	g_assert_cmpuint(control_lines_waiting(lines), ==, 0);
}

static void
test_line_limit(void)
{
	assert_too_long("123456");
	assert_too_long("123456\n");
	assert_too_long("123456\n1\n");
}

/* However the bytes arrive, the lines are the same, and the cost is linear: this is millions of
 * lines in one buffer. */
static void
test_many_lines(void)
{
	cairn_auto(control_lines) lines = control_lines_new(10000);
	g_autofree char *text = g_strnfill(4 << 20, '\n');
	guint count = 0;
	const char *line;
	gsize len;
	control_lines_add(lines, text, 4 << 20);
	while (control_lines_next(lines, &line, &len, NULL) && line)
		if (++count % 1024 == 0)
			control_lines_add(lines, "x", 1);
	g_assert_cmpuint(count, ==, 4 << 20);
	g_assert_cmpuint(control_lines_waiting(lines), ==, 4096);
}

static void
decode_ok(const char *text, const char *name, const char *arguments, const char *id)
{
	g_autoptr(GError) error = NULL;
	struct control_request request;
	g_assert_true(control_request_decode(text, strlen(text), &request, &error));
	g_assert_no_error(error);
	g_autofree char *got_arguments =
		request.arguments ? cairn_json_dump(request.arguments) : NULL;
	g_autofree char *got_id = request.id ? cairn_json_dump(request.id) : NULL;
	g_assert_cmpstr(request.name, ==, name);
	g_assert_cmpstr(got_arguments, ==, arguments);
	g_assert_cmpstr(got_id, ==, id);
	control_request_clear(&request);
}

static void
decode_fails(const char *text, gsize len, const char *words, const char *id)
{
	g_autoptr(GError) error = NULL;
	struct control_request request;
	g_assert_false(control_request_decode(text, len, &request, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_autofree char *got_id = request.id ? cairn_json_dump(request.id) : NULL;
	g_assert_cmpstr(got_id, ==, id);
	if (!strstr(error->message, words))
		g_error("\"%s\" does not say \"%s\"", error->message, words);
	control_request_clear(&request);
}

static void
test_requests(void)
{
	decode_ok("{\"execute\":\"a\"}", "a", NULL, NULL);
	decode_ok(" {\"execute\":\"a\",\"id\":null}\r", "a", NULL, "null");
	decode_ok("{\"id\":{\"x\":[1]},\"arguments\":{\"p\":1},\"execute\":\"a-b\"}", "a-b",
		  "{\"p\":1}", "{\"x\":[1]}");
	decode_ok(
		"{\"execute\":\"a\",\"arguments\":null,\"id\":\"[[[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[["
		"[[[[[[[[[[[[[\"}",
		"a", NULL, "\"[[[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"");
}

static void
test_bad_requests(void)
{
	static const struct {
		const char *text, *words, *id;
	} bad[] = {
		{"hello", "not valid JSON", NULL},
		{"[]", "object is expected", NULL},
		{"7", "not valid JSON", NULL},
		{"{}", "\"execute\" is missing", NULL},
		{"{\"id\":7}", "\"execute\" is missing", "7"},
		{"{\"execute\":7,\"id\":8}", "\"execute\" must be a string", "8"},
		{"{\"execute\":\"a\",\"arguments\":[],\"id\":9}", "must be an object", "9"},
		{"{\"execute\":\"a\",\"exec\":1,\"id\":9}", "no member \"exec\"", "9"},
		{"{\"execute\":\"a\",\"execute\":\"b\"}", "duplicate", NULL},
		{"{\"execute\":\"a\\u0000b\"}", "is not allowed", NULL},
		{"{\"execute\":\"\xff\"}", "unable to decode byte", NULL},
		{"{\"execute\":\"a\",\"id\":99999999999999999999}", "too big", NULL},
		{"{\"execute\":\"a\"} {}", "end of file expected", NULL},
		{"{\"execute\":\"a\"", "not valid JSON", NULL},
	};
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		decode_fails(bad[i].text, strlen(bad[i].text), bad[i].words, bad[i].id);
	decode_fails("{\"execute\":\"a\0b\"}", 17, "not valid JSON", NULL);
	decode_fails("\0", 1, "not valid JSON", NULL);
}

static void
as_is(const char *text, const char *user)
{
	g_autoptr(GError) error = NULL;
	struct control_request request;
	g_assert_true(control_request_decode(text, strlen(text), &request, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(request.as, ==, user);
	control_request_clear(&request);
}

/* What is there and is no user is refused: it must not pass for a request without one. */
static void
test_as(void)
{
	static const char *const bad[] = {
		"null",
		"true",
		"[]",
		"{}",
		"\"bob\"",
		"{\"user\":7}",
		"{\"user\":[]}",
		"{\"user\":null}",
		"{\"name\":\"bob\"}",
	};
	as_is("{\"execute\":\"a\"}", NULL);
	as_is("{\"execute\":\"a\",\"as\":{\"user\":\"bob\"}}", "bob");
	as_is("{\"as\":{\"user\":\"D\\\\J\u00f6rg M\"},\"execute\":\"a\"}", "D\\J\303\266rg M");
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *text =
			g_strdup_printf("{\"execute\":\"a\",\"id\":1,\"as\":%s}", bad[i]);
		decode_fails(text, strlen(text), "\"as\" must be", "1");
	}
	g_autofree char *longest = g_strnfill(CONTROL_USER_MAX, 'x');
	g_autofree char *fits =
		g_strdup_printf("{\"execute\":\"a\",\"as\":{\"user\":\"%s\"}}", longest);
	g_autofree char *longer =
		g_strdup_printf("{\"execute\":\"a\",\"as\":{\"user\":\"%sx\"}}", longest);
	as_is(fits, longest);
#define AS(user) "{\"execute\":\"a\",\"as\":{\"user\":\"" user "\"}}"
	decode_fails(longer, strlen(longer), "1 to 256 bytes", NULL);
	decode_fails(AS(""), strlen(AS("")), "1 to 256 bytes", NULL);
	decode_fails(AS("a\\u0000"), strlen(AS("a\\u0000")), "is not allowed", NULL);
	decode_fails(AS("a\\nb"), strlen(AS("a\\nb")), "control characters", NULL);
	decode_fails(AS("a\\u007f"), strlen(AS("a\\u007f")), "control characters", NULL);
	decode_fails(AS("a\\u0085"), strlen(AS("a\\u0085")), "control characters", NULL);
	decode_fails(AS("a\xff"), strlen(AS("a\xff")), "unable to decode byte", NULL);
	const char *more = "{\"execute\":\"a\",\"as\":{\"user\":\"b\",\"role\":\"x\"}}";
	decode_fails(more, strlen(more), "\"as\" must be", NULL);
	const char *twice = "{\"execute\":\"a\",\"as\":{\"user\":\"b\"},\"as\":{\"user\":\"c\"}}";
	decode_fails(twice, strlen(twice), "duplicate", NULL);
}

static void
test_depth(void)
{
	g_autofree char *open = g_strnfill(CONTROL_DEPTH_MAX - 1, '[');
	g_autofree char *close = g_strnfill(CONTROL_DEPTH_MAX - 1, ']');
	g_autofree char *deepest = g_strdup_printf("{\"execute\":\"a\",\"id\":%s%s}", open, close);
	g_autofree char *deeper = g_strdup_printf("{\"execute\":\"a\",\"id\":[%s%s]}", open, close);
	g_autofree char *endless = g_strnfill(CONTROL_FRAME_MAX, '[');
	struct control_request request;
	g_assert_true(control_request_decode(deepest, strlen(deepest), &request, NULL));
	control_request_clear(&request);
	decode_fails(deeper, strlen(deeper), "deeper than 32", NULL);
	decode_fails(endless, CONTROL_FRAME_MAX, "deeper than 32", NULL);
}

static void
assert_text(char *text, const char *expected)
{
	g_assert_cmpstr(text, ==, expected);
	g_free(text);
}

static void
test_encode(void)
{
	g_autoptr(json_t) value = json_pack("{s:i}", "n", 1);
	g_autoptr(json_t) id = json_pack("[s]", "x");
	g_autoptr(GError) error =
		g_error_new(CAIRN_ERROR, CAIRN_ERROR_BUSY, "group \"web\"\nis busy \xff");
	g_autoptr(GError) foreign = g_error_new(G_FILE_ERROR, 1, "x");
	assert_text(control_encode_request("a", value, id),
		    "{\"execute\":\"a\",\"arguments\":{\"n\":1},\"id\":[\"x\"]}\n");
	assert_text(control_encode_request("a", NULL, NULL), "{\"execute\":\"a\"}\n");
	assert_text(control_encode_request_as("a", value, id, "bob"),
		    "{\"execute\":\"a\",\"arguments\":{\"n\":1},\"as\":{\"user\":\"bob\"},"
		    "\"id\":[\"x\"]}\n");
	assert_text(control_encode_request_as("a", NULL, NULL, NULL), "{\"execute\":\"a\"}\n");
	assert_text(control_encode_return(value, NULL), "{\"return\":{\"n\":1}}\n");
	assert_text(control_encode_return(value, id), "{\"return\":{\"n\":1},\"id\":[\"x\"]}\n");
	assert_text(control_encode_error(error, id),
		    "{\"error\":{\"class\":\"Busy\",\"desc\":\"group \\\"web\\\"\\nis busy "
		    "\xef\xbf\xbd\"},"
		    "\"id\":[\"x\"]}\n");
	assert_text(control_encode_error(foreign, NULL),
		    "{\"error\":{\"class\":\"IO\",\"desc\":\"x\"}}\n");
	assert_text(control_encode_event("JOB_CHANGED", value, G_GINT64_CONSTANT(1763720430000042)),
		    "{\"event\":\"JOB_CHANGED\",\"data\":{\"n\":1},\"timestamp\":{\"seconds\":"
		    "1763720430,\"microseconds\":42}}\n");
	assert_text(control_encode_greeting(TRUE), "{\"cairn\":{\"version\":\"" CAIRN_VERSION
						   "\",\"protocol\":1,\"read-only\":true}}\n");
}

static void
assert_message(const char *text, enum control_message_type expected)
{
	g_autoptr(GError) error = NULL;
	enum control_message_type type;
	g_autoptr(json_t) message = control_message_decode(text, strlen(text), &type, &error);
	g_assert_nonnull(message);
	g_assert_no_error(error);
	g_assert_cmpint(type, ==, expected);
}

static void
test_messages(void)
{
	g_autoptr(GError) error = NULL;
	enum control_message_type type;
	assert_message("{\"cairn\":{}}", CONTROL_GREETING);
	assert_message("{\"return\":null}", CONTROL_RETURN);
	assert_message("{\"error\":{}}", CONTROL_FAILURE);
	assert_message("{\"event\":\"X\"}", CONTROL_EVENT);
	g_assert_null(control_message_decode("{\"x\":1}", 7, &type, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER);
	g_clear_error(&error);
	g_assert_null(control_message_decode("SSH-2.0", 7, &type, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER);
	g_clear_error(&error);
	g_autoptr(json_t) message =
		json_pack("{s:{s:s,s:s}}", "error", "class", "Denied", "desc", "no");
	control_message_error(message, &error);
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_DENIED);
	g_assert_cmpstr(error->message, ==, "no");
	g_clear_error(&error);
	g_autoptr(json_t) broken = json_pack("{s:[]}", "error");
	control_message_error(broken, &error);
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_IO);
}

/* The table itself: names are words, no argument twice, events fit into the bits of a subscription.
 */
static void
test_tables(void)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; requests[i].name; i++) {
		const struct request *request = &requests[i];
		g_assert_true(g_hash_table_add(names, (char *)request->name));
		g_assert_true(request_find(request->name) == request);
		g_assert_nonnull(request->summary);
		g_assert_nonnull(request->returns);
		g_autoptr(GHashTable) args = g_hash_table_new(g_str_hash, g_str_equal);
		for (guint j = 0; j < REQUEST_ARGS_MAX && request->args[j].name; j++) {
			g_assert_nonnull(request->args[j].help);
			g_assert_true(g_hash_table_add(args, (char *)request->args[j].name));
		}
	}
	guint events = 0;
	while (control_events[events].name)
		events++;
	g_assert_cmpuint(events, >, 0);
	g_assert_cmpuint(events, <, 64);
	g_assert_null(request_find(NULL));
	g_assert_null(request_find(""));
}

static void
check_fails(const char *name, const char *arguments, const char *words)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) object = cairn_json_parse(arguments, strlen(arguments), NULL);
	g_assert_false(request_check(request_find(name), object, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	if (!strstr(error->message, words))
		g_error("\"%s\" does not say \"%s\"", error->message, words);
}

static void
test_check(void)
{
	g_autoptr(json_t) good =
		json_pack("{s:s,s:[s,s],s:n}", "name", "web", "members", "a", "b", "id");
	g_assert_true(request_check(request_find("group-create"), good, NULL));
	g_assert_true(request_check(request_find("vm-list"), NULL, NULL));
	check_fails("group-create", "{}", "needs the argument \"name\"");
	check_fails("group-create", "{\"name\":null}", "needs the argument \"name\"");
	check_fails("group-create", "{\"name\":1}", "\"name\" must be a string");
	check_fails("group-create", "{\"name\":\"a\",\"members\":\"b\"}", "array of strings");
	check_fails("group-create", "{\"name\":\"a\",\"members\":[1]}", "array of strings");
	check_fails("group-create", "{\"name\":\"a\",\"nam\":\"b\"}", "no argument \"nam\"");
	check_fails("job-set", "{\"job\":\"1\",\"rate\":-1}", "not negative");
	check_fails("job-set", "{\"job\":\"1\",\"rate\":1.5}", "whole number");
	check_fails("job-list", "{\"active\":1}", "true or false");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/control-codec/lines", test_lines);
	g_test_add_func("/control-codec/line-limit", test_line_limit);
	g_test_add_func("/control-codec/many-lines", test_many_lines);
	g_test_add_func("/control-codec/requests", test_requests);
	g_test_add_func("/control-codec/bad-requests", test_bad_requests);
	g_test_add_func("/control-codec/depth", test_depth);
	g_test_add_func("/control-codec/as", test_as);
	g_test_add_func("/control-codec/encode", test_encode);
	g_test_add_func("/control-codec/messages", test_messages);
	g_test_add_func("/control-codec/tables", test_tables);
	g_test_add_func("/control-codec/check", test_check);
	return g_test_run();
}
