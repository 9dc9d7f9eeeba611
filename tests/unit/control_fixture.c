/* See control_fixture.h. */
#include "control_fixture.h"

#include "control/listen.h"
#include "control/requests.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
handler(struct control_call *call, void *user_data)
{
	struct fixture *f = user_data;
	const char *name = call->request->name;
	f->calls++;
	if (strcmp(name, "subscribe") == 0) {
		g_autoptr(GError) error = NULL;
		g_auto(GStrv) names = NULL;
		if (cairn_json_get_strv_opt(call->arguments, "events", &names, &error) &&
		    control_call_subscribe(
			    call, names,
			    json_is_true(json_object_get(call->arguments, "properties")), &error))
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

void
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

void
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

/* ---- the raw client ---- */

gboolean
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

void
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

char *
raw_line(struct raw *raw)
{
	raw_wait(raw, 1);
	gsize len = strcspn(raw->got->str, "\n");
	char *line = g_strndup(raw->got->str, len);
	g_string_erase(raw->got, 0, (gssize)len + 1);
	return line;
}

void
raw_expect(struct raw *raw, const char *words)
{
	g_autofree char *line = raw_line(raw);
	if (!strstr(line, words))
		g_error("\"%.300s\" does not say \"%s\"", line, words);
}

void
raw_open(struct raw *raw, const char *path)
{
	raw->fd = control_connect(path);
	g_assert_cmpint(raw->fd, >=, 0);
	fcntl(raw->fd, F_SETFL, O_NONBLOCK);
	raw->got = g_string_new(NULL);
	raw->ended = FALSE;
}

void
raw_greeted(struct raw *raw, const char *path)
{
	raw_open(raw, path);
	raw_expect(raw, "\"protocol\":1");
}

void
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

void
raw_say(struct raw *raw, const char *text)
{
	raw_send(raw, text, strlen(text));
}

void
raw_close(struct raw *raw)
{
	close(raw->fd);
	g_string_free(raw->got, TRUE);
}

void
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

void
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

void
answer(struct fixture *f, guint which, int value)
{
	struct control_call *call = g_ptr_array_remove_index(f->waiting, which);
	control_call_return(call, json_integer(value));
}
