/* The listeners on raw sockets: framing, limits, deadlines, answers, clients that go away. */
#include "base/error.h"
#include "cimd/limits.h"
#include "cimd_fixture.h"

#include <string.h>
#include <unistd.h>

#define POST "POST /wsman HTTP/1.1\r\nHost: x\r\n"

static void
expect(int fd, guint status, const char *body)
{
	cairn_auto(reply) reply = client_reply(fd, NULL);
	g_assert_cmpuint(reply->status, ==, status);
	if (body)
		g_assert_nonnull(strstr(reply->body->str, body));
}

static void
test_keep_alive(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture_start(&fixture);
	int fd = client_connect(&fixture, 0);
	for (guint i = 0; i < 3; i++) {
		client_post(fd, "", "hello");
		expect(fd, 200, "how=none [hello]");
	}
	client_text(fd,
		    "POST /cimom/?PSVersion=5 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	expect(fd, 200, "cimxml /cimom/ user=");
	/* Two at once: answered in their order. */
	client_text(fd, POST "Content-Length: 1\r\n\r\na" POST "Content-Length: 1\r\n\r\nb");
	GString *rest = g_string_new(NULL);
	for (guint i = 0; i < 2; i++) {
		cairn_auto(reply) reply = client_reply(fd, rest);
		g_assert_nonnull(strstr(reply->body->str, i ? "[b]" : "[a]"));
	}
	g_string_free(rest, TRUE);
	g_assert_cmpuint(http_server_connections(fixture.server), ==, 1);
	close(fd);
	fixture_wait_connections(&fixture, 0);
	fixture_clear(&fixture);
}

/* Every byte in a segment of its own. */
static void
test_segments(void)
{
	static const char *const requests[] = {
		POST "Content-Length: 5\r\n\r\nhello",
		POST
		"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: x\r\n\r\n",
	};
	struct fixture fixture;
	fixture_init(&fixture);
	fixture_start(&fixture);
	int fd = client_connect(&fixture, 0);
	for (guint i = 0; i < G_N_ELEMENTS(requests); i++) {
		for (const char *at = requests[i]; *at; at++) {
			client_send(fd, at, 1);
			fixture_settle();
		}
		expect(fd, 200, "[hello]");
	}
	close(fd);
	fixture_clear(&fixture);
}

static void
test_continue(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture_start(&fixture);
	int fd = client_connect(&fixture, 0);
	client_text(fd, POST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
	expect(fd, 100, NULL);
	client_text(fd, "hello");
	expect(fd, 200, "[hello]");
	/* Refused before anything of it is sent. */
	client_text(fd, POST "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
	expect(fd, 413, NULL);
	g_assert_true(client_ended(fd));
	close(fd);
	fixture_clear(&fixture);
}

#define TE "Transfer-Encoding: "
#define CL "Content-Length: "

static const struct {
	const char *name, *request;
	guint status;
	gboolean stays; /* the connection is good for another request */
} refused[] = {
	{"get", "GET /wsman HTTP/1.1\r\nHost: x\r\n\r\n", 405, TRUE},
	{"put", "PUT /wsman HTTP/1.1\r\nHost: x\r\n" CL "3\r\n\r\nabc", 405, TRUE},
	{"no such path", "POST /other HTTP/1.1\r\nHost: x\r\n" CL "3\r\n\r\nabc", 404, TRUE},
	{"path with escape", "POST /wsman%00 HTTP/1.1\r\nHost: x\r\n" CL "0\r\n\r\n", 404, TRUE},
	{"m-post without man", "M-POST /cimom HTTP/1.1\r\nHost: x\r\n" CL "0\r\n\r\n", 510, TRUE},
	{"two lengths", POST CL "3\r\n" CL "4\r\n\r\nabcd", 400, FALSE},
	{"same length twice", POST CL "3\r\n" CL "3\r\n\r\nabc", 400, FALSE},
	{"length and chunked", POST CL "3\r\n" TE "chunked\r\n\r\n0\r\n\r\n", 400, FALSE},
	{"chunked twice", POST TE "chunked\r\n" TE "chunked\r\n\r\n0\r\n\r\n", 400, FALSE},
	{"another encoding", POST TE "gzip, chunked\r\n\r\n0\r\n\r\n", 400, FALSE},
	{"encoding unknown", POST TE "identity\r\n\r\n", 400, FALSE},
	{"space before colon", POST "Content-Length : 3\r\n\r\nabc", 400, FALSE},
	{"folded line", POST CL "3\r\n X: y\r\n\r\nabc", 400, FALSE},
	{"negative length", POST CL "-1\r\n\r\n", 400, FALSE},
	{"length with sign", POST CL "+3\r\n\r\nabc", 400, FALSE},
	{"length in hex", POST CL "0x3\r\n\r\nabc", 400, FALSE},
	{"length list", POST CL "3, 3\r\n\r\nabc", 400, FALSE},
	{"no length value", POST CL "\r\n\r\n", 400, FALSE},
	{"huge length", POST CL "99999999999\r\n\r\n", 413, FALSE},
	{"length over 64 bits", POST CL "99999999999999999999999\r\n\r\n", 413, FALSE},
	{"no host", "POST /wsman HTTP/1.1\r\n" CL "0\r\n\r\n", 400, FALSE},
	{"chunk size bad", POST TE "chunked\r\n\r\nzz\r\n\r\n", 400, FALSE},
	{"chunk size huge", POST TE "chunked\r\n\r\nffffffffffffffffff\r\n", 413, FALSE},
	{"chunk without end", POST TE "chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n", 400, FALSE},
};

static void
test_refused(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture_start(&fixture);
	for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
		int fd = client_connect(&fixture, 0);
		client_text(fd, "%s", refused[i].request);
		/* libmicrohttpd 0.9.75 writes the head of its own refusals twice. */
		GString *rest = g_string_new(NULL);
		cairn_auto(reply) reply = client_reply(fd, rest);
		g_assert_true(rest->len == 0 || !refused[i].stays);
		g_string_free(rest, TRUE);
		g_test_message("%s: %u", refused[i].name, reply->status);
		/* What libmicrohttpd itself calls too large is as clear. */
		if (refused[i].status == 413)
			g_assert_true(reply->status == 413 || reply->status == 400);
		else
			g_assert_cmpuint(reply->status, ==, refused[i].status);
		if (refused[i].status == 405)
			g_assert_cmpuint(reply_count(reply, "allow: post, m-post"), ==, 1);
		if (refused[i].stays) {
			client_post(fd, "", "again");
			expect(fd, 200, "[again]");
		} else {
			client_drain(fd);
		}
		close(fd);
	}
	fixture_wait_connections(&fixture, 0);
	fixture_clear(&fixture);
}

/* Lines that are no HTTP at all: any refusal is good, but it must come, and the end with it. */
static void
test_garbage(void)
{
	static const char *const lines[] = {
		"\r\n\r\n\r\nPOST\r\n\r\n",
		"POST /wsman\r\n\r\n",
		"POST  /wsman HTTP/9.9\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		POST "No colon here\r\n\r\n",
		POST "Content-Length : 3\r\nX: y\r\n\r\nabc",
	};
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.config.header_seconds = fixture.config.body_seconds = 1;
	fixture_start(&fixture);
	for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
		int fd = client_connect(&fixture, 0);
		client_text(fd, "%s", lines[i]);
		GString *rest = g_string_new(NULL);
		cairn_auto(reply) reply = client_reply(fd, rest);
		g_string_free(rest, TRUE);
		g_test_message("%u: %u", i, reply->status);
		g_assert_true(reply->status == 0 || reply->status >= 400);
		client_drain(fd);
		close(fd);
	}
	g_assert_cmpuint(fixture.handled, ==, 0);
	fixture_clear(&fixture);
}

static void
test_sizes(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.config.max_body = 100000;
	fixture_start(&fixture);
	g_autofree char *body = g_strnfill(100000, 'b');
	g_autofree char *ticket = g_strnfill(65536, 'A');
	g_autofree char *header = g_strdup_printf("Authorization: Negotiate %s\r\n", ticket);
	int fd = client_connect(&fixture, 0);
	/* A Kerberos ticket with a PAC in it passes, with the largest body. */
	client_post(fd, header, body);
	expect(fd, 200, "[bbbb");
	client_text(fd, POST TE "chunked\r\n\r\n186a1\r\n%sb\r\n0\r\n\r\n", body);
	expect(fd, 413, NULL);
	g_assert_true(client_ended(fd));
	close(fd);
	/* Much too much is not read to its end. */
	fd = client_connect(&fixture, 0);
	client_text(fd, POST TE "chunked\r\n\r\nffffff\r\n%s%s%s", body, body, body);
	g_assert_true(client_ended(fd));
	close(fd);
	fixture_clear(&fixture);
}

static void
test_many_headers(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture_start(&fixture);
	GString *headers = g_string_new(NULL);
	for (guint i = 0; i <= HTTP_HEADERS_MAX; i++)
		g_string_append_printf(headers, "X-%u: y\r\n", i);
	int fd = client_connect(&fixture, 0);
	client_post(fd, headers->str, "");
	expect(fd, 431, NULL);
	g_assert_true(client_ended(fd));
	close(fd);
	g_autofree char *fill = g_strnfill(300000, 'A');
	fd = client_connect(&fixture, 0);
	client_text(fd, POST "X: %s\r\n\r\n", fill);
	expect(fd, 431, NULL);
	close(fd);
	fd = client_connect(&fixture, 0);
	client_text(fd, "POST /%.*s HTTP/1.1\r\nHost: x\r\n\r\n", 4000, fill);
	expect(fd, 414, NULL);
	close(fd);
	g_string_free(headers, TRUE);
	fixture_clear(&fixture);
}

static void
test_deadlines(void)
{
	static const char *const begun[] = {
		"",
		"POST /ws",
		POST,
		POST "Content-Length: 10\r\n\r\nhalf",
	};
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.config.header_seconds = fixture.config.body_seconds = 1;
	fixture.config.idle_seconds = 5;
	fixture_start(&fixture);
	int fds[G_N_ELEMENTS(begun) + 1];
	for (guint i = 0; i < G_N_ELEMENTS(begun); i++) {
		fds[i] = client_connect(&fixture, 0);
		client_text(fds[i], "%s", begun[i]);
	}
	/* One that was answered may idle longer, but not for ever. */
	int idle = client_connect(&fixture, 0);
	client_post(idle, "", "");
	expect(idle, 200, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(begun); i++) {
		cairn_auto(reply) reply = client_reply(fds[i], NULL);
		g_assert_true(reply->status == 0 || reply->status == 408 || reply->status == 400);
		close(fds[i]);
	}
	g_assert_cmpuint(http_server_connections(fixture.server), ==, 1);
	g_assert_true(client_ended(idle));
	close(idle);
	fixture_clear(&fixture);
}

static void
test_peers(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.config.max_peer_connections = 3;
	fixture_start(&fixture);
	int fds[4];
	for (guint i = 0; i < 3; i++) {
		fds[i] = client_connect(&fixture, 0);
		client_post(fds[i], "", "");
		expect(fds[i], 200, NULL);
	}
	fds[3] = client_connect(&fixture, 0);
	g_assert_true(client_ended(fds[3]));
	close(fds[3]);
	close(fds[0]);
	fixture_wait_connections(&fixture, 2);
	fds[0] = client_connect(&fixture, 0);
	client_post(fds[0], "", "");
	expect(fds[0], 200, NULL);
	for (guint i = 0; i < 3; i++)
		close(fds[i]);
	fixture_clear(&fixture);
}

static void
answer_mpost(struct http_exchange *x, struct fixture *fixture)
{
	const struct http_header headers[] = {{"CIMOperation", "MethodResponse"},
					      {"Bad\r\nName", "x"},
					      {"X-Bad", "a\r\nInjected: b"},
					      {NULL, NULL}};
	g_assert_cmpstr(http_exchange_header(x, "CIMOperation"), ==, "MethodCall");
	g_assert_cmpstr(http_exchange_header(x, "cimmethod"), ==, "GetClass");
	g_assert_cmpstr(http_exchange_content_type(x), ==, "application/xml");
	g_assert_cmpstr(http_exchange_user_agent(x), ==, "test");
	http_reply(x, 200, headers, NULL, NULL);
}

static void
test_mpost(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.handler = answer_mpost;
	fixture_start(&fixture);
	int fd = client_connect(&fixture, 0);
	client_text(fd, "M-POST /cimom HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\n"
			"Man: http://www.dmtf.org/cim/mapping/http/v1.0;ns=11\r\n"
			"11-CIMOperation: MethodCall\r\n11-CIMMethod: GetClass\r\n"
			"Content-Type: application/xml\r\nContent-Length: 0\r\n\r\n");
	cairn_auto(reply) reply = client_reply(fd, NULL);
	g_assert_cmpuint(reply->status, ==, 200);
	g_assert_cmpuint(reply_count(reply, "11-cimoperation: methodresponse"), ==, 1);
	g_assert_cmpuint(reply_count(reply, "ext:"), ==, 1);
	g_assert_null(strstr(reply->head, "bad"));
	g_assert_null(strstr(reply->head, "injected"));
	close(fd);
	fixture_clear(&fixture);
}

static void
test_identify(void)
{
	static char *modes[] = {(char *)"cert", NULL};
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.auth_config.modes = modes;
	fixture_start(&fixture);
	int fd = client_connect(&fixture, 0);
	client_post(fd, "WSMANIDENTIFY: unauthenticated\r\n", "x");
	expect(fd, 200, "user=- how=- anonymous [x]");
	client_text(fd,
		    "POST /wsman-anon/identify HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	expect(fd, 200, "user=- how=- anonymous []");
	/* Only there, and only so. */
	client_text(fd, "POST /cimom HTTP/1.1\r\nHost: x\r\nWSMANIDENTIFY: unauthenticated\r\n"
			"Content-Length: 0\r\n\r\n");
	expect(fd, 401, NULL);
	client_post(fd, "WSMANIDENTIFY: yes\r\n", "x");
	expect(fd, 401, NULL);
	g_autofree char *large = g_strnfill(20000, 'x');
	client_post(fd, "WSMANIDENTIFY: unauthenticated\r\n", large);
	expect(fd, 413, NULL);
	close(fd);
	fixture_clear(&fixture);
}

static void
expect_denied(const char *url, gboolean allow_http, int code)
{
	g_autoptr(GError) error = NULL;
	struct fixture fixture;
	char *listen[] = {(char *)url, NULL};
	fixture_init(&fixture);
	fixture_start(&fixture);
	fixture.config.listen = listen;
	fixture.config.allow_http = allow_http;
	struct http_server *server =
		http_server_new(&fixture.config, fixture.auth, NULL, NULL, &error);
	if (code < 0)
		g_assert_no_error(error);
	else
		g_assert_error(error, CAIRN_ERROR, code);
	http_server_free(server);
	fixture_clear(&fixture);
}

static void
test_listen(void)
{
	expect_denied("http://0.0.0.0:0", FALSE, CAIRN_ERROR_DENIED);
	expect_denied("http://[::]:0", FALSE, CAIRN_ERROR_DENIED);
	expect_denied("http://0.0.0.0:0", TRUE, -1);
	expect_denied("http://127.0.0.1:0/", FALSE, -1);
	expect_denied("http://localhost:0", FALSE, -1);
	expect_denied("http://127.0.0.1:0/wsman", FALSE, CAIRN_ERROR_INVALID);
	expect_denied("http://127.0.0.1:99999", FALSE, CAIRN_ERROR_INVALID);
	expect_denied("http://example.org:1", FALSE, CAIRN_ERROR_INVALID);
	expect_denied("ftp://127.0.0.1", FALSE, CAIRN_ERROR_INVALID);
	expect_denied("unix:relative", FALSE, CAIRN_ERROR_INVALID);
	expect_denied("https://127.0.0.1:0", FALSE, CAIRN_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cimd_http/keep-alive", test_keep_alive);
	g_test_add_func("/cimd_http/segments", test_segments);
	g_test_add_func("/cimd_http/continue", test_continue);
	g_test_add_func("/cimd_http/refused", test_refused);
	g_test_add_func("/cimd_http/garbage", test_garbage);
	g_test_add_func("/cimd_http/sizes", test_sizes);
	g_test_add_func("/cimd_http/many-headers", test_many_headers);
	g_test_add_func("/cimd_http/deadlines", test_deadlines);
	g_test_add_func("/cimd_http/peers", test_peers);
	g_test_add_func("/cimd_http/m-post", test_mpost);
	g_test_add_func("/cimd_http/identify", test_identify);
	g_test_add_func("/cimd_http/listen", test_listen);
	return g_test_run();
}
