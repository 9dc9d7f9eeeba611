/* Answers: at once and later, streams, and clients that go away at any byte of them. */
#include "cimd_fixture.h"

#include <string.h>
#include <unistd.h>

/* ---- answered later ---- */

static void
hold(struct http_exchange *x, struct fixture *fixture)
{
	g_ptr_array_add(fixture->held, x);
}

static void
answer_held(struct fixture *fixture, guint i, const char *text)
{
	struct http_exchange *x = fixture->held->pdata[i];
	g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
	http_reply(x, 200, NULL, "text/plain", body);
}

static void
test_later(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.handler = hold;
	fixture_start(&fixture);
	int a = client_connect(&fixture, 0), b = client_connect(&fixture, 0);
	client_post(a, "X-Mine: 1\r\n", "a");
	fixture_wait(&fixture.held->len, 1);
	client_post(b, "", "b");
	fixture_wait(&fixture.held->len, 2);
	g_assert_cmpstr(http_exchange_header(fixture.held->pdata[0], "x-mine"), ==, "1");
	/* The second first. */
	answer_held(&fixture, 1, "for b");
	answer_held(&fixture, 0, "for a");
	cairn_auto(reply) to_b = client_reply(b, NULL);
	cairn_auto(reply) to_a = client_reply(a, NULL);
	g_assert_cmpstr(to_a->body->str, ==, "for a");
	g_assert_cmpstr(to_b->body->str, ==, "for b");
	close(a);
	close(b);
	fixture_clear(&fixture);
}

static void
on_gone(struct http_exchange *x, gpointer user)
{
	struct fixture *fixture = user;
	fixture->gone++;
}

static void
hold_watching(struct http_exchange *x, struct fixture *fixture)
{
	http_exchange_on_gone(x, on_gone, fixture);
	hold(x, fixture);
}

/* Told once; and the answer may be given all the same. */
static void
test_gone(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.handler = hold_watching;
	fixture_start(&fixture);
	int fd = client_connect(&fixture, 0);
	client_post(fd, "X-Mine: 1\r\n", "body");
	fixture_wait(&fixture.held->len, 1);
	close(fd);
	fixture_wait(&fixture.gone, 1);
	struct http_exchange *x = fixture.held->pdata[0];
	g_assert_cmpstr(http_exchange_header(x, "X-Mine"), ==, "1");
	g_assert_cmpuint(g_bytes_get_size(http_exchange_body(x)), ==, 4);
	answer_held(&fixture, 0, "late");
	fixture_wait_connections(&fixture, 0);
	g_assert_cmpuint(fixture.gone, ==, 1);
	fixture_clear(&fixture);
}

/* The server ends while somebody still works on answers. */
static void
test_outlived(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.handler = hold;
	fixture_start(&fixture);
	int fd = client_connect(&fixture, 0);
	client_post(fd, "X-Mine: 1\r\n", "body");
	fixture_wait(&fixture.held->len, 1);
	http_server_free(g_steal_pointer(&fixture.server));
	struct http_exchange *x = fixture.held->pdata[0];
	g_assert_cmpstr(http_exchange_header(x, "x-MINE"), ==, "1");
	g_assert_cmpuint(g_bytes_get_size(http_exchange_body(x)), ==, 4);
	answer_held(&fixture, 0, "late");
	g_assert_true(client_ended(fd));
	close(fd);
	fixture_clear(&fixture);
}

static void
test_quiesce(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.handler = hold;
	fixture_start(&fixture);
	int busy = client_connect(&fixture, 0), idle = client_connect(&fixture, 0);
	client_post(busy, "", "body");
	fixture_wait(&fixture.held->len, 1);
	fixture_wait_connections(&fixture, 2);
	http_server_quiesce(fixture.server);
	g_assert_null(http_server_url(fixture.server, 0));
	g_assert_true(client_ended(idle));
	answer_held(&fixture, 0, "the last");
	cairn_auto(reply) reply = client_reply(busy, NULL);
	g_assert_cmpstr(reply->body->str, ==, "the last");
	g_assert_cmpuint(reply_count(reply, "connection: close"), ==, 1);
	fixture_wait_connections(&fixture, 0);
	close(busy);
	close(idle);
	fixture_clear(&fixture);
}

/* ---- streams ---- */

enum end { END_WELL, END_FAILED, END_WAITING };

struct source {
	struct fixture *fixture;
	struct http_stream *stream;
	guint chunks, size; /* left; bytes of each */
	enum end end;
	guint waited;
};

static struct source *last_source;
static guint chunks, size;
static enum end end;

static void
source_free(gpointer user)
{
	struct source *source = user;
	source->fixture->freed++;
	last_source = NULL;
	g_free(source);
}

static enum http_next
source_next(gpointer user, GString *chunk, struct http_failure *failure)
{
	struct source *source = user;
	if (source->end == END_WAITING && !source->waited++)
		return HTTP_WAIT;
	if (source->end == END_FAILED && source->chunks == 1) {
		*failure = (struct http_failure){"internal", 1, "it broke: \xc3\xa9"};
		return HTTP_FAILED;
	}
	for (guint i = 0; i < source->size; i++)
		g_string_append_c(chunk, (char)('a' + (chunk->len % 26)));
	source->waited = 0;
	return --source->chunks ? HTTP_MORE : HTTP_END;
}

static void
answer_stream(struct http_exchange *x, struct fixture *fixture)
{
	struct source *source = g_new0(struct source, 1);
	*source = (struct source){fixture, NULL, chunks, size, end, 0};
	last_source = source;
	source->stream = http_stream(x, 200, NULL, "text/plain", source_next, source, source_free);
}

static void
start_streaming(struct fixture *fixture, guint count, guint bytes, enum end how)
{
	chunks = count;
	size = bytes;
	end = how;
	fixture_init(fixture);
	fixture->handler = answer_stream;
	fixture_start(fixture);
}

static void
test_stream(void)
{
	struct fixture fixture;
	start_streaming(&fixture, 20, 100000, END_WELL);
	int fd = client_connect(&fixture, 0);
	for (guint i = 0; i < 2; i++) {
		client_post(fd, "", "");
		cairn_auto(reply) reply = client_reply(fd, NULL);
		g_assert_false(reply->cut);
		g_assert_cmpuint(reply->body->len, ==, 20 * 100000);
		g_assert_cmpuint(reply_count(reply, "transfer-encoding: chunked"), ==, 1);
	}
	fixture_wait(&fixture.freed, 2);
	/* HTTP/1.0 knows the end by the end of the connection. */
	client_text(fd, "POST /wsman HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
	cairn_auto(reply) old = client_reply(fd, NULL);
	g_assert_cmpuint(old->body->len, ==, 20 * 100000);
	g_assert_cmpuint(reply_count(old, "transfer-encoding"), ==, 0);
	close(fd);
	fixture_clear(&fixture);
}

static void
test_stream_failed(void)
{
	struct fixture fixture;
	start_streaming(&fixture, 3, 1000, END_FAILED);
	int fd = client_connect(&fixture, 0);
	client_post(fd, "TE: trailers\r\nConnection: keep-alive, TE\r\n", "");
	cairn_auto(reply) told = client_reply(fd, NULL);
	g_assert_false(told->cut);
	g_assert_cmpuint(told->body->len, ==, 2000);
	g_assert_nonnull(strstr(told->trailers, "cimerror: internal\r\n"));
	g_assert_nonnull(strstr(told->trailers, "cimstatuscode: 1\r\n"));
	g_assert_nonnull(
		strstr(told->trailers, "cimstatuscodedescription: it broke%3a %c3%a9\r\n"));
	client_post(fd, "", "");
	cairn_auto(reply) cut = client_reply(fd, NULL);
	g_assert_true(cut->cut);
	close(fd);
	fixture_clear(&fixture);
	g_assert_cmpuint(fixture.freed, ==, 2);
}

static gboolean
on_wake(gpointer user)
{
	if (last_source)
		http_stream_wake(last_source->stream);
	return G_SOURCE_CONTINUE;
}

static void
test_stream_waits(void)
{
	struct fixture fixture;
	start_streaming(&fixture, 5, 1000, END_WAITING);
	guint timer = g_timeout_add(1, on_wake, NULL);
	int fd = client_connect(&fixture, 0);
	client_post(fd, "", "");
	cairn_auto(reply) reply = client_reply(fd, NULL);
	g_assert_cmpuint(reply->body->len, ==, 5000);
	g_source_remove(timer);
	/* One that nobody wakes any more is freed with the server. */
	client_post(fd, "", "");
	fixture_wait(&fixture.handled, 2);
	fixture_settle();
	fixture_clear(&fixture);
	g_assert_cmpuint(fixture.freed, ==, 2);
	close(fd);
}

/* ---- clients that go away ---- */

static void
go_away_after(struct fixture *fixture, gsize bytes)
{
	g_autofree char *buffer = g_malloc(bytes + 1);
	int fd = client_connect(fixture, 0);
	client_post(fd, "", "hello");
	gsize got = client_read(fd, buffer, bytes);
	g_assert_cmpuint(got, ==, bytes);
	close(fd);
}

static void
test_vanish(void)
{
	struct fixture fixture;
	start_streaming(&fixture, 3, 50, END_WELL);
	/* The whole answer is about 300 bytes; the last chunk's end does not come with a byte more.
	 */
	for (gsize bytes = 0; bytes < 250; bytes++)
		go_away_after(&fixture, bytes);
	fixture_wait_connections(&fixture, 0);
	fixture_clear(&fixture);
	g_assert_cmpuint(fixture.freed, ==, fixture.handled);
	start_streaming(&fixture, 1000, 65536, END_WELL);
	for (gsize bytes = 1; bytes < 2000000; bytes *= 7)
		go_away_after(&fixture, bytes);
	fixture_wait_connections(&fixture, 0);
	fixture_clear(&fixture);
	g_assert_cmpuint(fixture.freed, ==, fixture.handled);
}

/* In the middle of asking. */
static void
test_vanish_asking(void)
{
	static const char request[] =
		"POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.handler = hold;
	fixture_start(&fixture);
	for (gsize bytes = 0; bytes < sizeof request - 1; bytes++) {
		int fd = client_connect(&fixture, 0);
		client_send(fd, request, bytes);
		fixture_settle();
		close(fd);
	}
	fixture_wait_connections(&fixture, 0);
	g_assert_cmpuint(fixture.handled, ==, 0);
	fixture_clear(&fixture);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cimd_reply/later", test_later);
	g_test_add_func("/cimd_reply/gone", test_gone);
	g_test_add_func("/cimd_reply/outlived", test_outlived);
	g_test_add_func("/cimd_reply/quiesce", test_quiesce);
	g_test_add_func("/cimd_reply/stream", test_stream);
	g_test_add_func("/cimd_reply/stream-failed", test_stream_failed);
	g_test_add_func("/cimd_reply/stream-waits", test_stream_waits);
	g_test_add_func("/cimd_reply/vanish", test_vanish);
	g_test_add_func("/cimd_reply/vanish-asking", test_vanish_asking);
	return g_test_run();
}
