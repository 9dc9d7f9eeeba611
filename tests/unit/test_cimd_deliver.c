/* Where events may go, and what becomes of one post. */
#include "cimd/deliver.h"

#include "base/error.h"
#include "http_listener.h"

#include <string.h>

static char *const allowed[] = {"http://127.0.0.1:5000", "https://Backup.example",
				"http://[::1]:80", NULL};

static const struct {
	const char *url, *result; /* NULL: refused */
	int code;
} urls[] = {
	{"http://127.0.0.1:5000", "http://127.0.0.1:5000/", 0},
	{"HTTP://127.0.0.1:05000/a?b=c%20d", "http://127.0.0.1:5000/a?b=c%20d", 0},
	{"https://BACKUP.example/x", "https://backup.example:443/x", 0},
	{"http://[::1]/", "http://[::1]:80/", 0},
	{"http://127.0.0.1:5001", NULL, CAIRN_ERROR_DENIED},
	{"https://127.0.0.1:5000", NULL, CAIRN_ERROR_DENIED},
	{"http://backup.example/", NULL, CAIRN_ERROR_DENIED},
	{"https://backup.example.:443/", NULL, CAIRN_ERROR_DENIED},
	{"https://backup.example.evil/", NULL, CAIRN_ERROR_DENIED},
	{"https://evil/backup.example", NULL, CAIRN_ERROR_DENIED},
	{"http://localhost:5000", NULL, CAIRN_ERROR_DENIED},
	{"http://127.1:5000", NULL, CAIRN_ERROR_DENIED},
	{"http://127.0.0.1:5000@evil/", NULL, CAIRN_ERROR_INVALID},
	{"http://user@127.0.0.1:5000/", NULL, CAIRN_ERROR_INVALID},
	{"http://user:pw@127.0.0.1:5000/", NULL, CAIRN_ERROR_INVALID},
	{"http://127.0.0.1:5000#@evil/", NULL, CAIRN_ERROR_INVALID},
	{"http://127.0.0.1:5000\\@evil/", NULL, CAIRN_ERROR_INVALID},
	{"http://127.0.0.1%2f:5000/", NULL, CAIRN_ERROR_INVALID},
	{"http://127.0.0.1:5000/ HTTP/1.1", NULL, CAIRN_ERROR_INVALID},
	{"http://127.0.0.1:5000/\r\nX: y", NULL, CAIRN_ERROR_INVALID},
	{"http://127.0.0.1:5000/#x", NULL, CAIRN_ERROR_INVALID},
	{"http://127.0.0.1:0/", NULL, CAIRN_ERROR_INVALID},
	{"http://127.0.0.1:65536/", NULL, CAIRN_ERROR_INVALID},
	{"http://127.0.0.1:99999999999999999999/", NULL, CAIRN_ERROR_INVALID},
	{"http://127.0.0.1:/", NULL, CAIRN_ERROR_INVALID},
	{"http://[::1%25lo]/", NULL, CAIRN_ERROR_INVALID},
	{"http://[]/", NULL, CAIRN_ERROR_INVALID},
	{"http:///x", NULL, CAIRN_ERROR_INVALID},
	{"http:127.0.0.1:5000/", NULL, CAIRN_ERROR_INVALID},
	{" http://127.0.0.1:5000/", NULL, CAIRN_ERROR_INVALID},
	{"file:///etc/passwd", NULL, CAIRN_ERROR_INVALID},
	{"gopher://127.0.0.1:5000/", NULL, CAIRN_ERROR_INVALID},
	{"http://b\xc3\xa4"
	 "ckup.example/",
	 NULL, CAIRN_ERROR_INVALID},
	{"", NULL, CAIRN_ERROR_INVALID},
};

static void
test_allow(void)
{
	cairn_auto(deliver) deliver = deliver_new(allowed, NULL, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(urls); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *result = deliver_allow(deliver, urls[i].url, &error);
		g_assert_cmpstr(result, ==, urls[i].result);
		if (!result)
			g_assert_error(error, CAIRN_ERROR, urls[i].code);
	}
	g_autofree char *path = g_strnfill(DELIVER_URL_MAX, 'a');
	g_autofree char *url = g_strconcat("http://127.0.0.1:5000/", path, NULL);
	g_assert_null(deliver_allow(deliver, url, NULL));
}

static void
test_configuration(void)
{
	static char *const wrong[][2] = {
		{"http://a:1/path", NULL}, {"http://u@a", NULL}, {"a:5000", NULL}, {"*", NULL}};
	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(deliver_new(wrong[i], NULL, &error));
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	}
	cairn_auto(deliver) nobody = deliver_new(NULL, NULL, NULL);
	g_assert_null(deliver_allow(nobody, "http://127.0.0.1/", NULL));
}

/* ---- posts ---- */
struct outcome {
	gboolean done;
	guint status;
	GError *error;
};

static void
on_done(guint status, const GString *answer, const GError *error, void *data)
{
	struct outcome *outcome = data;
	g_assert_false(outcome->done);
	outcome->done = TRUE;
	outcome->status = status;
	outcome->error = error ? g_error_copy(error) : NULL;
}

static void
post(struct deliver *deliver, const char *url, struct outcome *outcome)
{
	static const char *const headers[] = {"X-Test: yes", NULL};
	deliver_post(deliver, url, headers, g_string_new("hello"), on_done, outcome);
	g_assert_false(outcome->done); /* later, never from within */
	while (!outcome->done)
		g_main_context_iteration(NULL, TRUE);
}

static const struct {
	enum listener_answer answer;
	guint status; /* 0: an error */
} answers[] = {
	{LISTENER_OK, 200}, {LISTENER_BUSY, 503}, {LISTENER_REDIRECT, 302},
	{LISTENER_CUT, 0},  {LISTENER_FLOOD, 0},  {LISTENER_OK, 200},
};

static void
test_posts(void)
{
	cairn_auto(http_listener) listener = http_listener_new();
	char *destinations[] = {(char *)http_listener_url(listener), NULL};
	cairn_auto(deliver) deliver = deliver_new(destinations, NULL, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct outcome outcome = {0};
		http_listener_will(listener, answers[i].answer);
		post(deliver, http_listener_url(listener), &outcome);
		g_assert_cmpuint(outcome.status, ==, answers[i].status);
		g_assert_true(!outcome.error == (answers[i].status != 0));
		g_clear_error(&outcome.error);
	}
	/* A redirect was not followed; whether libcurl asks again on a connection that was cut is
	 * its own matter. */
	g_autofree char *first = http_listener_request(listener, 0);
	g_autofree char *last = http_listener_request(listener, http_listener_count(listener) - 1);
	g_assert_nonnull(strstr(first, "POST / HTTP/1.1\n"));
	g_assert_nonnull(strstr(first, "X-Test: yes\n"));
	g_assert_nonnull(strstr(first, "\n\nhello"));
	g_assert_null(strstr(first, "Expect"));
	g_assert_null(strstr(last, "elsewhere"));
}

static void
test_unreachable(void)
{
	char *destinations[2] = {NULL, NULL};
	cairn_auto(http_listener) gone = http_listener_new();
	g_autofree char *url = g_strdup(http_listener_url(gone));
	g_clear_pointer(&gone, http_listener_free);
	destinations[0] = url;
	cairn_auto(deliver) deliver = deliver_new(destinations, NULL, NULL);
	struct outcome outcome = {0};
	post(deliver, url, &outcome);
	g_assert_error(outcome.error, CAIRN_ERROR, CAIRN_ERROR_PEER);
	g_clear_error(&outcome.error);
}

static void
test_cancel(void)
{
	static const char *const headers[] = {NULL};
	cairn_auto(http_listener) listener = http_listener_new();
	char *destinations[] = {(char *)http_listener_url(listener), NULL};
	cairn_auto(deliver) deliver = deliver_new(destinations, NULL, NULL);
	struct outcome cancelled = {0}, outcome = {0};
	struct deliver_post *first = deliver_post(deliver, destinations[0], headers,
						  g_string_new("x"), on_done, &cancelled);
	deliver_cancel(first);
	post(deliver, destinations[0], &outcome);
	g_assert_false(cancelled.done);
	/* One that is under way ends with the rest. */
	deliver_post(deliver, destinations[0], headers, g_string_new("x"), on_done, &cancelled);
	g_clear_pointer(&deliver, deliver_free);
	g_assert_false(cancelled.done);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/deliver/allow", test_allow);
	g_test_add_func("/deliver/configuration", test_configuration);
	g_test_add_func("/deliver/posts", test_posts);
	g_test_add_func("/deliver/unreachable", test_unreachable);
	g_test_add_func("/deliver/cancel", test_cancel);
	return g_test_run();
}
