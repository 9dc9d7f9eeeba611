/* The control server, seen through raw sockets. */
#include "control_fixture.h"

#include "control/listen.h"

#include "base/error.h"
#include "base/file.h"

#include <glib/gstdio.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- requests ---- */

static void
test_requests(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	raw_greeted(&raw, f->path);
	raw_say(&raw, "{\"execute\":\"query-version\",\"id\":1}\n");
	raw_expect(&raw, "\"id\":1}");
	raw_say(&raw,
		"{\"execute\":\"group-delete\",\"arguments\":{\"group\":\"web\"},\"id\":\"x\"}\n");
	raw_expect(&raw,
		   "{\"error\":{\"class\":\"State\",\"desc\":\"group \\\"web\\\" has points\"},"
		   "\"id\":\"x\"}");
	raw_say(&raw, "{\"execute\":\"fly\",\"id\":[2]}\n");
	raw_expect(&raw, "{\"error\":{\"class\":\"NotFound\",\"desc\":\"no request \\\"fly\\\"\"},"
			 "\"id\":[2]}");
	raw_say(&raw, "{\"execute\":\"vm-list\",\"arguments\":{\"x\":1}}\n");
	raw_expect(&raw, "has no argument \\\"x\\\"\"}}");
	raw_say(&raw, "{\"execute\":\"job-show\"}\n");
	raw_expect(&raw, "needs the argument \\\"job\\\"");
	g_assert_cmpuint(f->calls, ==, 2);
	raw_close(&raw);
	wait_clients(f, 0);
}

static void
test_garbage(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	g_autofree char *deep = g_strnfill(100000, '[');
	g_autofree guint8 *noise = g_malloc(5000);
	raw_greeted(&raw, f->path);
	raw_say(&raw, "GET / HTTP/1.1\r\n\r\n  \n");
	raw_expect(&raw, "\"class\":\"Invalid\"");
	raw_send(&raw, "{\"execute\":\"a\0\"}\n", 17);
	raw_expect(&raw, "\"class\":\"Invalid\"");
	raw_say(&raw, "{\"execute\":\"query-version\",\"id\":");
	raw_say(&raw, deep);
	raw_say(&raw, "\n");
	raw_expect(&raw, "brackets deeper than");
	for (guint i = 0; i < 5000; i++) {
		noise[i] = (guint8)g_test_rand_int();
		noise[i] = noise[i] == '\n' ? 0 : noise[i];
	}
	raw_send(&raw, (char *)noise, 5000);
	raw_say(&raw, "\n");
	raw_expect(&raw, "\"class\":\"Invalid\"");
	raw_say(&raw, "{\"execute\":\"query-version\",\"id\":5}\n");
	raw_expect(&raw, "\"id\":5");
	raw_close(&raw);
}

static void
test_frame_limit(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	g_autofree char *spaces = g_strnfill(CONTROL_FRAME_MAX - 30, ' ');
	g_autofree char *most = g_strdup_printf("{\"execute\":\"query-version\"%.*s}\n",
						CONTROL_FRAME_MAX - 27, spaces);
	g_assert_cmpuint(strlen(most), >=, CONTROL_FRAME_MAX - 20);
	raw_greeted(&raw, f->path);
	raw_say(&raw, most);
	raw_expect(&raw, "\"return\"");
	raw_say(&raw, spaces);
	raw_say(&raw, most);
	raw_expect(&raw, "{\"error\":{\"class\":\"Limit\",\"desc\":\"a line is longer than 1048576 "
			 "bytes\"}}");
	raw_wait(&raw, 0);
	raw_close(&raw);
	wait_clients(f, 0);
}

static void
test_read_only(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	GStatBuf st;
	g_stat(f->path, &st);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0660);
	g_stat(f->read_path, &st);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0666);
	raw_open(&raw, f->read_path);
	raw_expect(&raw, "\"read-only\":true");
	raw_say(&raw,
		"{\"execute\":\"group-delete\",\"arguments\":{\"group\":\"web\"},\"id\":1}\n");
	raw_expect(&raw, "{\"error\":{\"class\":\"Denied\"");
	raw_say(&raw, "{\"execute\":\"query-version\",\"id\":1}\n");
	raw_expect(&raw, "\"ro\":true");
	g_assert_cmpuint(f->calls, ==, 1);
	raw_close(&raw);
}

static void
test_credentials(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	raw_greeted(&raw, f->path);
	raw_say(&raw, "{\"execute\":\"query-version\"}\n");
	g_autofree char *line = raw_line(&raw);
	g_autofree char *expected =
		g_strdup_printf("{\"return\":{\"uid\":%d,\"pid\":%d,\"user\":\"%s\",\"ro\":false}}",
				(int)getuid(), (int)getpid(), g_get_user_name());
	g_assert_cmpstr(line, ==, expected);
	raw_close(&raw);
}

/* ---- many requests ---- */

static void
test_out_of_order(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	raw_greeted(&raw, f->path);
	raw_say(&raw, "{\"execute\":\"job-show\",\"arguments\":{\"job\":\"a\"},\"id\":1}\n"
		      "{\"execute\":\"job-show\",\"arguments\":{\"job\":\"b\"},\"id\":2}\n"
		      "{\"execute\":\"query-version\",\"id\":3}\n");
	raw_expect(&raw, "\"id\":3");
	g_assert_cmpuint(f->waiting->len, ==, 2);
	answer(f, 1, 20);
	raw_expect(&raw, "{\"return\":20,\"id\":2}");
	answer(f, 0, 10);
	raw_expect(&raw, "{\"return\":10,\"id\":1}");
	raw_close(&raw);
}

/* Over the limit of pending requests nothing is read; each answer lets one more in. */
static void
test_pending_limit(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	const guint total = CONTROL_PENDING_MAX + 10;
	raw_greeted(&raw, f->path);
	for (guint i = 0; i < total; i++) {
		g_autofree char *text = g_strdup_printf(
			"{\"execute\":\"job-show\",\"arguments\":{\"job\":\"x\"},\"id\":%u}\n", i);
		raw_say(&raw, text);
	}
	wait_waiting(f, CONTROL_PENDING_MAX);
	for (guint i = 0; i < 20; i++)
		g_main_context_iteration(NULL, FALSE);
	g_assert_cmpuint(f->waiting->len, ==, CONTROL_PENDING_MAX);
	answer(f, 0, 0);
	/* The next is started later, not from within the answer. */
	g_assert_cmpuint(f->waiting->len, ==, CONTROL_PENDING_MAX - 1);
	wait_waiting(f, CONTROL_PENDING_MAX);
	for (guint answered = 1; answered < total; answered++) {
		wait_waiting(f, 1);
		answer(f, 0, (int)answered);
	}
	for (guint i = 0; i < total; i++) {
		g_autofree char *expected = g_strdup_printf("{\"return\":%u,\"id\":%u}", i, i);
		raw_expect(&raw, expected);
	}
	raw_close(&raw);
}

/* Answers of 300 kB, asked for 200 times and not read: the server stops asking itself. */
static void
test_unread_answers(struct fixture *f, gconstpointer unused)
{
	struct raw slow, other;
	const guint total = 200;
	raw_greeted(&slow, f->path);
	raw_greeted(&other, f->path);
	for (guint i = 0; i < total; i++)
		raw_say(&slow, "{\"execute\":\"group-list\"}\n");
	for (guint i = 0; i < 20; i++) {
		raw_say(&other, "{\"execute\":\"query-version\",\"id\":7}\n");
		raw_expect(&other, "\"id\":7");
	}
	g_assert_cmpuint(f->calls - 20, <, 10);
	g_assert_cmpuint(control_server_clients(f->server), ==, 2);
	/* And when it reads, all answers are there. */
	raw_wait(&slow, total);
	g_assert_cmpuint(f->calls, ==, total + 20);
	raw_close(&slow);
	raw_close(&other);
}

/* ---- ends ---- */

static void
test_half_closed(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	raw_greeted(&raw, f->path);
	raw_say(&raw, "{\"execute\":\"job-show\",\"arguments\":{\"job\":\"a\"},\"id\":1}\n"
		      "{\"execute\":\"query-version\",\"id\":2}"); /* no newline */
	shutdown(raw.fd, SHUT_WR);
	raw_expect(&raw, "\"id\":2");
	g_assert_cmpuint(f->waiting->len, ==, 1);
	answer(f, 0, 5);
	raw_expect(&raw, "{\"return\":5,\"id\":1}");
	raw_wait(&raw, 0);
	g_assert_cmpuint(control_server_clients(f->server), ==, 0);
	raw_close(&raw);
}

static void
test_half_closed_subscriber(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	raw_greeted(&raw, f->path);
	raw_say(&raw, "{\"execute\":\"subscribe\"}\n");
	shutdown(raw.fd, SHUT_WR);
	raw_expect(&raw, "{\"return\":{}}");
	control_server_event(f->server, "JOB_CHANGED", json_object());
	raw_expect(&raw, "JOB_CHANGED");
	raw_close(&raw);
	wait_clients(f, 0);
}

/* Gone before its answer. */
static void
test_gone(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	raw_greeted(&raw, f->path);
	raw_say(&raw, "{\"execute\":\"job-show\",\"arguments\":{\"job\":\"a\"},\"id\":1}\n");
	wait_waiting(f, 1);
	raw_close(&raw);
	wait_clients(f, 0);
	answer(f, 0, 1);
	/* And one that does not even wait for the greeting; the next one comes after it. */
	raw_open(&raw, f->path);
	raw_say(&raw, "{\"execute\":\"query-version\"}\n");
	raw_close(&raw);
	raw_greeted(&raw, f->path);
	raw_close(&raw);
	wait_clients(f, 0);
}

static void
test_too_many(struct fixture *f, gconstpointer unused)
{
	struct raw raws[CONTROL_CLIENTS_MAX / 2], more, first;
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = MIN(limit.rlim_max, 2048);
	setrlimit(RLIMIT_NOFILE, &limit);
	for (guint i = 0; i < G_N_ELEMENTS(raws); i++)
		raw_greeted(&raws[i], f->read_path);
	raw_open(&more, f->read_path);
	raw_expect(&more, "{\"error\":{\"class\":\"Limit\",\"desc\":\"too many connections");
	raw_wait(&more, 0);
	raw_close(&more);
	/* The other socket still has places. */
	raw_greeted(&first, f->path);
	raw_close(&first);
	raw_close(&raws[0]);
	wait_clients(f, G_N_ELEMENTS(raws) - 1);
	raw_greeted(&raws[0], f->read_path);
	for (guint i = 0; i < G_N_ELEMENTS(raws); i++)
		raw_close(&raws[i]);
	wait_clients(f, 0);
}

/* Out of descriptors: the loop must not spin on the client that cannot be accepted, and must come
 * back to it. */
static void
test_no_descriptors(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	struct rlimit before, none;
	guint turns = 0;
	raw_open(&raw, f->path);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)raw.fd + 1; /* the lowest free number is above it */
	setrlimit(RLIMIT_NOFILE, &none);
	while (turns < 100 && g_main_context_iteration(NULL, FALSE))
		turns++;
	setrlimit(RLIMIT_NOFILE, &before);
	g_assert_cmpuint(turns, <, 100);
	g_assert_cmpuint(control_server_clients(f->server), ==, 0);
	raw_expect(&raw, "\"protocol\":1");
	raw_close(&raw);
}

/* ---- events ---- */

static void
test_filter(struct fixture *f, gconstpointer unused)
{
	struct raw all, some, none;
	raw_greeted(&all, f->path);
	raw_greeted(&some, f->read_path);
	raw_greeted(&none, f->path);
	raw_say(&all, "{\"execute\":\"subscribe\",\"arguments\":{\"events\":[]}}\n");
	raw_expect(&all, "return");
	raw_say(&some, "{\"execute\":\"subscribe\",\"arguments\":{\"events\":[\"JOB_MADE\"]}}\n");
	raw_expect(&some, "no event \\\"JOB_MADE\\\"");
	raw_say(&some, "{\"execute\":\"subscribe\",\"arguments\":{\"events\":[\"JOB_REMOVED\","
		       "\"POINT_CREATED\"]}}\n");
	raw_expect(&some, "return");
	control_server_event(f->server, "JOB_CHANGED", json_pack("{s:i}", "n", 1));
	control_server_event(f->server, "POINT_CREATED", json_pack("{s:i}", "n", 2));
	raw_say(&none, "{\"execute\":\"query-version\"}\n");
	raw_expect(&all,
		   "{\"event\":\"JOB_CHANGED\",\"data\":{\"n\":1},\"timestamp\":{\"seconds\":");
	raw_expect(&all, "POINT_CREATED");
	raw_expect(&some, "POINT_CREATED");
	raw_expect(&none, "return");
	raw_close(&all);
	raw_close(&some);
	raw_close(&none);
}

/* Only who asked for properties gets them, and a later subscription replaces an earlier one. */
static void
test_properties(struct fixture *f, gconstpointer unused)
{
	struct raw plain, full;
	raw_greeted(&plain, f->path);
	raw_greeted(&full, f->path);
	g_assert_false(control_server_wants_properties(f->server, "JOB_CHANGED"));
	raw_say(&plain, "{\"execute\":\"subscribe\"}\n");
	raw_expect(&plain, "return");
	raw_say(&full, "{\"execute\":\"subscribe\",\"arguments\":{\"properties\":true,"
		       "\"events\":[\"JOB_CHANGED\",\"JOB_REMOVED\"]}}\n");
	raw_expect(&full, "return");
	g_assert_true(control_server_wants_properties(f->server, "JOB_CHANGED"));
	g_assert_false(control_server_wants_properties(f->server, "JOB_PROGRESS"));
	control_server_event_with(f->server, "JOB_CHANGED", json_pack("{s:i}", "n", 1),
				  json_pack("{s:s}", "Name", "x"));
	raw_expect(&plain, "\"data\":{\"n\":1},");
	raw_expect(&full, "\"data\":{\"n\":1,\"properties\":{\"Name\":\"x\"}},");
	control_server_event(f->server, "JOB_REMOVED", json_pack("{s:i}", "n", 2));
	raw_expect(&plain, "\"data\":{\"n\":2},");
	raw_expect(&full, "\"data\":{\"n\":2},");
	raw_say(&full, "{\"execute\":\"subscribe\"}\n");
	raw_expect(&full, "return");
	g_assert_false(control_server_wants_properties(f->server, "JOB_CHANGED"));
	raw_close(&plain);
	raw_close(&full);
}

/* A subscriber that reads nothing gets megabytes of events while another client is served: memory
 * stays bounded, the slow one is dropped, and nothing waits for it. */
static void
test_slow_reader(struct fixture *f, gconstpointer unused)
{
	struct raw slow, other;
	g_autofree char *text = g_strnfill(10000, 'e');
	raw_greeted(&slow, f->path);
	raw_greeted(&other, f->path);
	raw_say(&slow, "{\"execute\":\"subscribe\"}\n");
	raw_expect(&slow, "return");
	gsize before = mallinfo2().uordblks + mallinfo2().hblkhd, most = 0;
	for (guint i = 0; i < 5000; i++) { /* 50 MB */
		control_server_event(f->server, "JOB_PROGRESS", json_string(text));
		most = MAX(most, mallinfo2().uordblks + mallinfo2().hblkhd);
		if (i % 500 == 0) {
			raw_say(&other, "{\"execute\":\"query-version\",\"id\":9}\n");
			raw_expect(&other, "\"id\":9");
		}
	}
	g_test_message("at most %zu bytes more", most - MIN(before, most));
	g_assert_cmpuint(most, <, before + CONTROL_BACKLOG_MAX + (4 << 20));
	g_assert_cmpuint(control_server_clients(f->server), ==, 1);
	raw_wait(&slow, 0);
	raw_close(&slow);
	raw_close(&other);
}

/* A large answer on its way does not make events drop a client that reads. */
static void
test_large_answer_and_events(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	g_autofree char *text = g_strnfill(20 << 20, 'a');
	raw_greeted(&raw, f->path);
	raw_say(&raw, "{\"execute\":\"subscribe\"}\n");
	raw_expect(&raw, "return");
	raw_say(&raw, "{\"execute\":\"job-show\",\"arguments\":{\"job\":\"a\"}}\n");
	wait_waiting(f, 1);
	control_call_return(g_ptr_array_remove_index(f->waiting, 0), json_string(text));
	control_server_event(f->server, "JOB_CHANGED", json_object());
	raw_wait(&raw, 2);
	raw_expect(&raw, "return");
	raw_expect(&raw, "JOB_CHANGED");
	raw_close(&raw);
}

static void
test_answer_limit(struct fixture *f, gconstpointer unused)
{
	struct raw raw;
	g_autofree char *text = g_strnfill(CONTROL_REPLY_MAX, 'a');
	raw_greeted(&raw, f->path);
	raw_say(&raw, "{\"execute\":\"job-show\",\"arguments\":{\"job\":\"a\"},\"id\":1}\n");
	wait_waiting(f, 1);
	control_call_return(g_ptr_array_remove_index(f->waiting, 0), json_string(text));
	raw_expect(&raw, "{\"error\":{\"class\":\"Limit\",\"desc\":\"the answer is longer");
	raw_close(&raw);
}

/* ---- the files ---- */

static void
test_second_server(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	struct raw raw;
	g_assert_null(control_server_new(f->dir, NULL, handler, f, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY);
	g_assert_nonnull(strstr(error->message, "another cairnd"));
	raw_greeted(&raw, f->path); /* the first is not disturbed, but for one visitor */
	raw_close(&raw);
}

static void
test_stale(void)
{
	g_autoptr(GError) error = NULL;
	struct fixture f = {0};
	struct control_listener stale = {.fd = -1};
	f.dir = g_dir_make_tmp("cairn-control-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(f.dir, "control.sock", NULL);
	g_autofree char *read_path = g_build_filename(f.dir, "control-ro.sock", NULL);
	g_assert_true(control_listen(&stale, path, 0600, (guint)-1, NULL));
	close(stale.fd); /* as after kill -9: the file stays */
	g_free(stale.path);
	struct control_server *server = control_server_new(f.dir, NULL, handler, &f, &error);
	g_assert_no_error(error);
	/* A file that is another's by now is left alone. */
	g_assert_cmpint(g_unlink(read_path), ==, 0);
	g_assert_true(g_file_set_contents(read_path, "x", 1, NULL));
	control_server_free(server);
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	g_assert_true(g_file_test(read_path, G_FILE_TEST_EXISTS));
	g_assert_null(control_server_new(f.dir, NULL, handler, &f, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_EXISTS);
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	g_clear_error(&error);
	g_assert_true(cairn_remove_tree(f.dir, NULL));
	g_assert_null(control_server_new(f.dir, NULL, handler, &f, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
	g_free(f.dir);
}

static void
test_long_path(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_strnfill(120, 'd');
	g_assert_null(control_server_new(dir, NULL, handler, NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/control/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("requests", test_requests);
	add("garbage", test_garbage);
	add("frame-limit", test_frame_limit);
	add("read-only", test_read_only);
	add("credentials", test_credentials);
	add("out-of-order", test_out_of_order);
	add("pending-limit", test_pending_limit);
	add("unread-answers", test_unread_answers);
	add("half-closed", test_half_closed);
	add("half-closed-subscriber", test_half_closed_subscriber);
	add("gone", test_gone);
	add("too-many", test_too_many);
	add("no-descriptors", test_no_descriptors);
	add("filter", test_filter);
	add("slow-reader", test_slow_reader);
	add("large-answer-and-events", test_large_answer_and_events);
	add("properties", test_properties);
	add("answer-limit", test_answer_limit);
	add("second-server", test_second_server);
	g_test_add_func("/control/stale", test_stale);
	g_test_add_func("/control/long-path", test_long_path);
	return g_test_run();
}
