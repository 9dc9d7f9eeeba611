/* The control server and client, over real sockets in a folder of their own. The server runs in
 * this thread's loop; blocking clients run in other threads, raw ones here. */
#include "control/control.h"
#include "control/listen.h"
#include "control/requests.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 30000

struct fixture {
	char *dir, *path, *read_path;
	struct control_server *server;
	GPtrArray *waiting; /* struct control_call of "job-show", answered by the test */
	guint calls;
};

/* What the daemon would do, in small:
 *   query-version  answers at once with who asks
 *   subscribe      as the daemon
 *   group-list     answers with a large text
 *   job-show       waits in `waiting`
 *   group-delete   fails */
static void
handler(struct control_call *call, void *user_data)
{
	struct fixture *f = user_data;
	const char *name = call->request->name;
	f->calls++;
	if (strcmp(name, "subscribe") == 0) {
		g_autoptr(GError) error = NULL;
		g_auto(GStrv) names = NULL;
		if (cairn_json_get_strv_opt(call->arguments, "events", &names, &error) &&
		    control_call_subscribe(call, names, &error))
			control_call_return(call, json_object());
		else
			control_call_error(call, error);
	} else if (strcmp(name, "group-list") == 0) {
		g_autofree char *text = g_strnfill(300000, 'g');
		control_call_return(call, json_string(text));
	} else if (strcmp(name, "job-show") == 0) {
		g_ptr_array_add(f->waiting, call);
	} else if (strcmp(name, "group-delete") == 0) {
		g_autoptr(GError) error =
			g_error_new(CAIRN_ERROR, CAIRN_ERROR_STATE, "group \"web\" has points");
		control_call_error(call, error);
	} else {
		control_call_return(call, json_pack("{s:i,s:i,s:s,s:b}", "uid", call->peer.uid,
						    "pid", call->peer.pid, "user", call->peer.user,
						    "ro", call->peer.read_only));
	}
}

static void
set_up(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	f->dir = g_dir_make_tmp("cairn-control-XXXXXX", NULL);
	f->path = g_build_filename(f->dir, "control.sock", NULL);
	f->read_path = g_build_filename(f->dir, "control-ro.sock", NULL);
	f->waiting = g_ptr_array_new();
	f->server = control_server_new(f->dir, "cairn", handler, f, &error);
	g_assert_no_error(error);
}

static void
tear_down(struct fixture *f, gconstpointer unused)
{
	control_server_free(f->server);
	g_assert_false(g_file_test(f->path, G_FILE_TEST_EXISTS));
	g_assert_false(g_file_test(f->read_path, G_FILE_TEST_EXISTS));
	for (guint i = 0; i < f->waiting->len; i++) /* into the void */
		control_call_return(g_ptr_array_index(f->waiting, i), json_null());
	g_ptr_array_unref(f->waiting);
	g_assert_true(cairn_remove_tree(f->dir, NULL));
	g_free(f->dir);
	g_free(f->path);
	g_free(f->read_path);
}

/* ---- a raw client: a non-blocking socket and what came from it ---- */

struct raw {
	int fd;
	GString *got;
	gboolean ended;
};

static gboolean
on_deadline(void *data)
{
	*(gboolean *)data = TRUE;
	return G_SOURCE_CONTINUE;
}

static void
raw_read(struct raw *raw)
{
	static char chunk[1 << 20];
	ssize_t n;
	while (!raw->ended && (n = read(raw->fd, chunk, sizeof chunk)) != -1) {
		g_string_append_len(raw->got, chunk, n);
		raw->ended = n == 0;
	}
	if (!raw->ended && errno != EAGAIN)
		raw->ended = TRUE;
}

/* Runs the server until @count lines came or, with 0, the connection ended. */
static void
raw_wait(struct raw *raw, guint count)
{
	gboolean late = FALSE;
	guint source = g_timeout_add(DEADLINE_MS, on_deadline, &late);
	guint lines;
	for (;;) {
		lines = 0;
		raw_read(raw);
		for (const char *at = raw->got->str; count && (at = strchr(at, '\n')); at++)
			lines++;
		if (raw->ended || (count && lines >= count))
			break;
		g_assert_false(late);
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(100);
	}
	g_source_remove(source);
	g_assert_cmpuint(lines, >=, count);
}

/* Takes the first line off. */
static char *
raw_line(struct raw *raw)
{
	raw_wait(raw, 1);
	gsize len = strcspn(raw->got->str, "\n");
	char *line = g_strndup(raw->got->str, len);
	g_string_erase(raw->got, 0, (gssize)len + 1);
	return line;
}

static void
raw_expect(struct raw *raw, const char *words)
{
	g_autofree char *line = raw_line(raw);
	if (!strstr(line, words))
		g_error("\"%.300s\" does not say \"%s\"", line, words);
}

static void
raw_open(struct raw *raw, const char *path)
{
	raw->fd = control_connect(path);
	g_assert_cmpint(raw->fd, >=, 0);
	fcntl(raw->fd, F_SETFL, O_NONBLOCK);
	raw->got = g_string_new(NULL);
	raw->ended = FALSE;
}

static void
raw_greeted(struct raw *raw, const char *path)
{
	raw_open(raw, path);
	raw_expect(raw, "\"protocol\":1");
}

static void
raw_send(struct raw *raw, const char *text, gsize len)
{
	while (len > 0) {
		ssize_t n = send(raw->fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			g_main_context_iteration(NULL, FALSE);
			continue;
		}
		if (n < 0) /* the server has closed: what it said first is still there */
			return;
		text += n;
		len -= (gsize)n;
	}
}

static void
raw_say(struct raw *raw, const char *text)
{
	raw_send(raw, text, strlen(text));
}

static void
raw_close(struct raw *raw)
{
	close(raw->fd);
	g_string_free(raw->got, TRUE);
}

/* Runs the server until it has @count clients. */
static void
wait_clients(struct fixture *f, guint count)
{
	gboolean late = FALSE;
	guint source = g_timeout_add(DEADLINE_MS, on_deadline, &late);
	while (control_server_clients(f->server) != count) {
		g_assert_false(late);
		g_main_context_iteration(NULL, TRUE);
	}
	g_source_remove(source);
}

static void
wait_waiting(struct fixture *f, guint count)
{
	gboolean late = FALSE;
	guint source = g_timeout_add(DEADLINE_MS, on_deadline, &late);
	while (f->waiting->len < count) {
		g_assert_false(late);
		g_main_context_iteration(NULL, TRUE);
	}
	g_source_remove(source);
}

static void
answer(struct fixture *f, guint which, int value)
{
	struct control_call *call = g_ptr_array_remove_index(f->waiting, which);
	control_call_return(call, json_integer(value));
}

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

/* ---- the blocking client, in a thread ---- */

struct script {
	struct fixture *f;
	void (*run)(struct fixture *f);
	gint done;
};

static void *
script_thread(void *data)
{
	struct script *script = data;
	script->run(script->f);
	g_atomic_int_set(&script->done, 1);
	g_main_context_wakeup(NULL);
	return NULL;
}

static void
run_script(struct fixture *f, void (*run)(struct fixture *f))
{
	struct script script = {f, run, 0};
	gboolean late = FALSE;
	guint source = g_timeout_add(DEADLINE_MS, on_deadline, &late);
	GThread *thread = g_thread_new("client", script_thread, &script);
	while (!g_atomic_int_get(&script.done)) {
		g_assert_false(late);
		g_main_context_iteration(NULL, TRUE);
	}
	g_thread_join(thread);
	g_source_remove(source);
}

static void
script_calls(struct fixture *f)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(control_client) client = control_client_new(f->path, &error);
	g_assert_no_error(error);
	g_autoptr(json_t) version = control_client_call(client, "query-version", NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(json_integer_value(json_object_get(version, "pid")), ==, getpid());
	g_autoptr(json_t) arguments = json_pack("{s:s}", "group", "web");
	g_assert_null(control_client_call(client, "group-delete", arguments, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE);
	g_assert_cmpstr(error->message, ==, "group \"web\" has points");
	g_clear_error(&error);
	g_assert_null(control_client_call(client, "fly", NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
	g_clear_error(&error);
	g_autofree char *text = g_strnfill(CONTROL_FRAME_MAX, 'x');
	g_autoptr(json_t) huge = json_pack("{s:s}", "group", text);
	g_assert_null(control_client_call(client, "group-show", huge, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	g_autoptr(json_t) large = control_client_call(client, "group-list", NULL, NULL);
	g_assert_cmpuint(json_string_length(large), ==, 300000);
	g_assert_cmpint(control_client_fd(client), >=, 0);
}

static void
test_client(struct fixture *f, gconstpointer unused)
{
	run_script(f, script_calls);
}

static gboolean
on_tick(void *data)
{
	struct fixture *f = data;
	if (f->waiting->len == 0)
		return G_SOURCE_CONTINUE;
	for (int i = 0; i < 3; i++)
		control_server_event(f->server, "JOB_CHANGED", json_integer(i));
	answer(f, 0, 42);
	control_server_event(f->server, "JOB_CHANGED", json_integer(3));
	return G_SOURCE_REMOVE;
}

static void
script_events(struct fixture *f)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(control_client) client = control_client_new(f->read_path, &error);
	g_assert_no_error(error);
	g_autoptr(json_t) subscribed = control_client_call(client, "subscribe", NULL, &error);
	g_assert_true(json_is_object(subscribed));
	g_assert_no_error(error);
	g_assert_null(control_client_event(client, 0, &error));
	g_assert_null(control_client_event(client, 20, &error));
	g_assert_no_error(error);
	g_timeout_add(1, on_tick, f);
	g_autoptr(json_t) arguments = json_pack("{s:s}", "job", "1");
	g_autoptr(json_t) value = control_client_call(client, "job-show", arguments, &error);
	g_assert_no_error(error);
	g_assert_cmpint(json_integer_value(value), ==, 42);
	for (int i = 0; i < 4; i++) {
		g_autoptr(json_t) event = control_client_event(client, -1, &error);
		g_assert_no_error(error);
		g_assert_cmpint(json_integer_value(json_object_get(event, "data")), ==, i);
	}
}

static void
test_client_events(struct fixture *f, gconstpointer unused)
{
	run_script(f, script_events);
}

/* Eight clients at once, each with its own answers. */
static void
script_busy(struct fixture *f)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(control_client) client = control_client_new(f->path, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < 200; i++) {
		g_autoptr(json_t) value = control_client_call(
			client, i % 50 ? "query-version" : "group-list", NULL, &error);
		g_assert_no_error(error);
		g_assert_true(i % 50 ? json_is_object(value) : json_is_string(value));
	}
}

static void
test_many_clients(struct fixture *f, gconstpointer unused)
{
	struct script scripts[8];
	GThread *threads[8];
	gboolean late = FALSE;
	guint source = g_timeout_add(DEADLINE_MS, on_deadline, &late), done = 0;
	for (guint i = 0; i < 8; i++) {
		scripts[i] = (struct script){f, script_busy, 0};
		threads[i] = g_thread_new("client", script_thread, &scripts[i]);
	}
	while (done < 8) {
		g_assert_false(late);
		g_main_context_iteration(NULL, TRUE);
		done = 0;
		for (guint i = 0; i < 8; i++)
			done += (guint)g_atomic_int_get(&scripts[i].done);
	}
	for (guint i = 0; i < 8; i++)
		g_thread_join(threads[i]);
	g_source_remove(source);
	g_assert_cmpuint(f->calls, ==, 1600);
	wait_clients(f, 0);
}

static gboolean
stop_server(void *data)
{
	struct fixture *f = data;
	if (f->waiting->len == 0)
		return G_SOURCE_CONTINUE;
	g_clear_pointer(&f->server, control_server_free);
	return G_SOURCE_REMOVE;
}

static void
script_daemon_gone(struct fixture *f)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(control_client) client = control_client_new(f->path, &error);
	g_assert_no_error(error);
	g_timeout_add(1, stop_server, f);
	g_autoptr(json_t) arguments = json_pack("{s:s}", "job", "1");
	g_assert_null(control_client_call(client, "job-show", arguments, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER);
	g_clear_error(&error);
	g_assert_null(control_client_event(client, -1, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER);
	g_clear_error(&error);
	g_assert_null(control_client_call(client, "query-version", NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER);
	g_clear_error(&error);
	g_assert_null(control_client_new(f->path, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
}

static void
test_daemon_gone(struct fixture *f, gconstpointer unused)
{
	run_script(f, script_daemon_gone);
}

/* Something else behind the socket. */
static void
script_stranger(struct fixture *f)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(f->dir, "stranger", NULL);
	g_assert_null(control_client_new(path, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER);
}

static void
test_stranger(struct fixture *f, gconstpointer unused)
{
	struct control_listener listener = {.fd = -1};
	g_autofree char *path = g_build_filename(f->dir, "stranger", NULL);
	g_assert_true(control_listen(&listener, path, 0600, (guint)-1, NULL));
	GThread *thread;
	struct script script = {f, script_stranger, 0};
	thread = g_thread_new("client", script_thread, &script);
	int fd = -1;
	gint64 end = g_get_monotonic_time() + DEADLINE_MS * 1000;
	while (fd < 0 && g_get_monotonic_time() < end)
		fd = accept(listener.fd, NULL, NULL);
	g_assert_cmpint(send(fd, "SSH-2.0-OpenSSH\n", 16, MSG_NOSIGNAL), ==, 16);
	g_thread_join(thread);
	close(fd);
	control_listener_clear(&listener);
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
	add("filter", test_filter);
	add("slow-reader", test_slow_reader);
	add("large-answer-and-events", test_large_answer_and_events);
	add("answer-limit", test_answer_limit);
	add("second-server", test_second_server);
	g_test_add_func("/control/stale", test_stale);
	g_test_add_func("/control/long-path", test_long_path);
	add("client", test_client);
	add("client-events", test_client_events);
	add("many-clients", test_many_clients);
	add("daemon-gone", test_daemon_gone);
	add("stranger", test_stranger);
	return g_test_run();
}
