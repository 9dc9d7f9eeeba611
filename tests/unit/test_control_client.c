/* The blocking client of the control socket, in threads of its own. */
#include "control_fixture.h"

#include "control/listen.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
	g_autofree char *path = g_strdup_printf("/control-client/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("client", test_client);
	add("client-events", test_client_events);
	add("many-clients", test_many_clients);
	add("daemon-gone", test_daemon_gone);
	add("stranger", test_stranger);
	return g_test_run();
}
