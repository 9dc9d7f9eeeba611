/* Who is let in, as a table: every way of asking, on every kind of listener, alone, after a good
 * request on the same connection and before one without credentials. Nothing may be inherited
 * (CVE-2021-38647). PAM's module is
 * libpam-wrapper's, and its accounts and NTLM's are files. */
#include "base/file.h"
#include "cimd/auth_header.h"
#include "cimd/limits.h"
#include "cimd_gss.h"

#include <glib/gstdio.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *folder;
static gboolean has_pam, has_ntlm;

static gboolean
has(gboolean it, const char *what)
{
	g_autofree char *why = g_strdup_printf("no %s", what);
	if (!it)
		g_test_skip(why);
	return it;
}

/* ---- the table ---- */

enum listener { ON_HTTP, ON_UNIX, LISTENERS };

static char *both[] = {(char *)"basic", (char *)"negotiate", NULL};
static char *basic_none[] = {(char *)"basic", (char *)"none", NULL};
static char *negotiate_none[] = {(char *)"negotiate", (char *)"none", NULL};
static char *only_none[] = {(char *)"none", NULL};
static char *only_cert[] = {(char *)"cert", NULL};

static const struct {
	const char *name;
	char **modes;
	gboolean http_basic;
} offers[] = {
	{"basic and negotiate", both, FALSE},
	{"with basic over http", both, TRUE},
	{"basic and none", basic_none, FALSE},
	{"negotiate and none", negotiate_none, FALSE},
	{"none", only_none, FALSE},
	{"cert", only_cert, FALSE},
};

#define RIGHT "YWxpY2U6c2VjcmV0" /* alice:secret */
#define WRONG "YWxpY2U6d3Jvbmc=" /* alice:wrong */
#define HALF \
	"TlRMTVNTUAABAAAAt4II4gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==" /* NTLM, the first of three */

static const struct {
	const char *name, *headers;
	gboolean right; /* a good password */
} asks[] = {
	{"nothing", "", FALSE},
	{"empty", "Authorization: \r\n", FALSE},
	{"blank", "Authorization:      \r\n", FALSE},
	{"right password", "Authorization: Basic " RIGHT "\r\n", TRUE},
	{"right password, scheme in lower case", "authorization: basic " RIGHT "\r\n", TRUE},
	{"wrong password", "Authorization: Basic " WRONG "\r\n", FALSE},
	{"basic alone", "Authorization: Basic\r\n", FALSE},
	{"basic, blank", "Authorization: Basic \r\n", FALSE},
	{"basic, no colon", "Authorization: Basic YWxpY2U=\r\n", FALSE},
	{"basic, no user", "Authorization: Basic OnNlY3JldA==\r\n", FALSE},
	{"basic, empty password", "Authorization: Basic YWxpY2U6\r\n", FALSE},
	{"basic, NUL behind it", "Authorization: Basic YWxpY2U6c2VjcmV0AA==\r\n", FALSE},
	{"basic, NUL in the user", "Authorization: Basic YWxpY2UAOnNlY3JldA==\r\n", FALSE},
	{"basic, root", "Authorization: Basic cm9vdDo=\r\n", FALSE},
	{"basic, not base64", "Authorization: Basic alice:secret\r\n", FALSE},
	{"basic, more behind it", "Authorization: Basic " RIGHT " x\r\n", FALSE},
	{"twice right", "Authorization: Basic " RIGHT "\r\nAuthorization: Basic " RIGHT "\r\n",
	 FALSE},
	{"right and wrong", "Authorization: Basic " RIGHT "\r\nAuthorization: Basic " WRONG "\r\n",
	 FALSE},
	{"another scheme", "Authorization: Bearer " RIGHT "\r\n", FALSE},
	{"digest", "Authorization: Digest username=\"alice\"\r\n", FALSE},
	{"negotiate alone", "Authorization: Negotiate\r\n", FALSE},
	{"negotiate, not base64", "Authorization: Negotiate ====\r\n", FALSE},
	{"negotiate, nonsense", "Authorization: Negotiate QUJDRA==\r\n", FALSE},
	{"negotiate, half", "Authorization: Negotiate " HALF "\r\n", FALSE},
	{"kerberos, nonsense", "Authorization: Kerberos QUJDRA==\r\n", FALSE},
	{"kerberos, half ntlm", "Authorization: Kerberos " HALF "\r\n", FALSE},
	{"certificate that is not there", "Authorization: " AUTH_MUTUAL "\r\n", FALSE},
	{"for a proxy", "Proxy-Authorization: Basic " RIGHT "\r\n", FALSE},
};

static const char *
ourselves(void)
{
	return getpwuid(geteuid())->pw_name;
}

static void
start(struct fixture *fixture, char **modes, gboolean http_basic)
{
	g_autoptr(GError) error = NULL;
	static char *map[] = {(char *)"WORK\\alice=alice", NULL};
	static char *listen[3];
	fixture_init(fixture);
	g_free(listen[1]);
	listen[0] = (char *)"http://127.0.0.1:0";
	listen[1] = g_strdup_printf("unix:%s/socket", folder);
	fixture->config.listen = listen;
	fixture->auth_config.modes = modes;
	fixture->auth_config.allow_http_basic = http_basic;
	fixture->auth_config.principal_map = map;
	g_autofree char *service = g_build_filename(folder, "pam", "cairn-test", NULL);
	if (g_strv_contains((const char *const *)modes, "basic"))
		fixture->helper = auth_helper_start(service, &error);
	g_assert_no_error(error);
	fixture_start(fixture);
}

/* What one request alone must get: a user, or NULL for 401. */
static const char *
wanted(guint offer, enum listener listener, guint ask)
{
	char **modes = offers[offer].modes;
	gboolean basic = modes[0] == both[0] && (listener == ON_UNIX || offers[offer].http_basic);
	gboolean none = g_strv_contains((const char *const *)modes, "none");
	gboolean silent = !g_str_has_prefix(asks[ask].headers, "Authorization") &&
			  !g_str_has_prefix(asks[ask].headers, "authorization");
	if (asks[ask].right && basic)
		return "alice";
	if (none && (silent || modes == only_none))
		return ourselves();
	return NULL;
}

/* Returns whether the connection stays. */
static gboolean
expect_user(int fd, const char *user)
{
	cairn_auto(reply) reply = client_reply(fd, NULL);
	if (user) {
		g_autofree char *text = g_strdup_printf(" user=%s ", user);
		g_assert_cmpuint(reply->status, ==, 200);
		g_assert_nonnull(strstr(reply->body->str, text));
	} else {
		g_assert_cmpuint(reply->status, ==, 401);
		g_assert_cmpuint(reply->body->len, ==, 0);
	}
	g_autofree char *close_too = reply_header(reply, "connection");
	return g_strcmp0(close_too, "close") != 0;
}

static int
again(struct fixture *fixture, enum listener listener, int fd, gboolean stays)
{
	if (stays)
		return fd;
	g_assert_true(client_ended(fd));
	close(fd);
	return client_connect(fixture, listener);
}

/* Before it a good request (or none), after it one that says nothing. */
static void
check_row(guint offer, enum listener listener, guint ask, guint before)
{
	struct fixture fixture;
	g_test_message("%s, on %s: %s after %s", offers[offer].name,
		       listener == ON_UNIX ? "unix" : "http", asks[ask].name, asks[before].name);
	start(&fixture, offers[offer].modes, offers[offer].http_basic);
	int fd = client_connect(&fixture, listener);
	client_post(fd, asks[before].headers, "x");
	gboolean stays = expect_user(fd, wanted(offer, listener, before));
	fd = again(&fixture, listener, fd, stays);
	client_post(fd, asks[ask].headers, "x");
	stays = expect_user(fd, wanted(offer, listener, ask));
	fd = again(&fixture, listener, fd, stays);
	client_post(fd, "", "x");
	expect_user(fd, wanted(offer, listener, 0));
	close(fd);
	fixture_clear(&fixture);
}

static gboolean
can_offer(guint offer)
{
	for (char **mode = offers[offer].modes; *mode; mode++)
		if ((!has_pam && strcmp(*mode, "basic") == 0) ||
		    (!has_ntlm && strcmp(*mode, "negotiate") == 0))
			return FALSE;
	return TRUE;
}

static void
test_matrix(void)
{
	const guint right = 3;
	g_assert_true(asks[right].right);
	for (guint offer = 0; offer < G_N_ELEMENTS(offers); offer++) {
		if (!can_offer(offer))
			continue;
		for (guint listener = 0; listener < LISTENERS; listener++)
			for (guint ask = 0; ask < G_N_ELEMENTS(asks); ask++) {
				check_row(offer, listener, ask, 0);
				check_row(offer, listener, ask, right);
			}
	}
}

static void
test_offers(void)
{
	struct fixture fixture;
	if (!has(has_pam && has_ntlm, "libpam-wrapper or gss-ntlmssp"))
		return;
	start(&fixture, both, FALSE);
	for (guint listener = 0; listener < LISTENERS; listener++) {
		int fd = client_connect(&fixture, listener);
		client_post(fd, "", "x");
		cairn_auto(reply) reply = client_reply(fd, NULL);
		g_assert_cmpuint(reply->status, ==, 401);
		g_assert_cmpuint(reply_count(reply, "www-authenticate: negotiate\r\n"), ==, 1);
		g_assert_cmpuint(reply_count(reply, "www-authenticate: kerberos\r\n"), ==, 1);
		g_assert_cmpuint(reply_count(reply, "www-authenticate: basic realm=\"wsman\"\r\n"),
				 ==, listener == ON_UNIX ? 1 : 0);
		g_assert_cmpuint(reply_count(reply, "content-length: 0\r\n"), ==, 1);
		close(fd);
	}
	fixture_clear(&fixture);
}

/* ---- passwords ---- */

static int
begin_login(struct fixture *fixture, const char *credentials)
{
	g_autofree char *header = g_strdup_printf("Authorization: Basic %s\r\n", credentials);
	int fd = client_connect(fixture, ON_HTTP);
	client_post(fd, header, "x");
	return fd;
}

static void
login(struct fixture *fixture, const char *credentials, guint status)
{
	int fd = begin_login(fixture, credentials);
	cairn_auto(reply) reply = client_reply(fd, NULL);
	g_assert_cmpuint(reply->status, ==, status);
	close(fd);
}

static void
test_slow(void)
{
	struct fixture fixture;
	if (!has(has_pam, "libpam-wrapper"))
		return;
	start(&fixture, basic_none, TRUE);
	login(&fixture, RIGHT, 200);
	/* The times are counted from the first failure, which is after this. */
	gint64 begin = g_get_monotonic_time();
	login(&fixture, WRONG, 401);
	login(&fixture, WRONG, 401);
	g_assert_cmpint(g_get_monotonic_time() - begin, >=, 240000);
	login(&fixture, WRONG, 401);
	g_assert_cmpint(g_get_monotonic_time() - begin, >=, 740000);
	/* What is remembered does not wait behind one that does, nor does anybody without a
	 * password. */
	int late = begin_login(&fixture, WRONG);
	fixture_settle();
	login(&fixture, RIGHT, 200);
	int fd = client_connect(&fixture, ON_HTTP);
	client_post(fd, "", "x");
	expect_user(fd, ourselves());
	g_assert_false(client_is_answered(late));
	close(fd);
	close(late);
	fixture_clear(&fixture);
}

/* Who tries many at once is refused at once from some number on, or nobody else could log in. */
static void
test_crowd(void)
{
	struct fixture fixture;
	enum { TOO_MANY = 4 };
	int fds[AUTH_WAITING_PEER_MAX + TOO_MANY];
	if (!has(has_pam, "libpam-wrapper"))
		return;
	start(&fixture, basic_none, TRUE);
	login(&fixture, WRONG, 401);
	for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = begin_login(&fixture, WRONG);
		fixture_settle();
	}
	/* One that is too much is answered before the last of those that wait have had their turn.
	 */
	expect_user(client_first_answered(fds + AUTH_WAITING_PEER_MAX, TOO_MANY), NULL);
	g_assert_false(client_is_answered(fds[AUTH_WAITING_PEER_MAX - 1]));
	for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	fixture_clear(&fixture);
}

/* The client goes away while its password is being looked at; the server ends then, too. */
static void
test_vanish(void)
{
	struct fixture fixture;
	if (!has(has_pam, "libpam-wrapper"))
		return;
	start(&fixture, basic_none, TRUE);
	for (guint i = 0; i < 4; i++) {
		int fd = client_connect(&fixture, ON_HTTP);
		client_post(fd, "Authorization: Basic " WRONG "\r\n", "x");
		fixture_settle();
		close(fd);
	}
	fixture_clear(&fixture);
}

/* ---- Negotiate ---- */

static struct gss_client *
new_client(enum gss_kind kind)
{
	return gss_client_new(kind, "WORK\\alice", "secret");
}

static void
test_ntlm(void)
{
	static const enum gss_kind kinds[] = {GSS_NTLM_RAW, GSS_NTLM};
	struct fixture fixture;
	if (!has(has_ntlm, "gss-ntlmssp"))
		return;
	start(&fixture, negotiate_none, FALSE);
	g_autofree char *large = g_strnfill(100000, 'l');
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		cairn_auto(gss_client) client = new_client(kinds[i]);
		int fd = client_connect(&fixture, ON_HTTP);
		cairn_auto(reply) last = gss_client_login(client, fd);
		g_assert_cmpuint(last->status, ==, 200);
		g_assert_cmpuint(last->body->len, ==, 0);
		for (guint n = 0; n < 4; n++) {
			gss_client_post(client, fd, n == 3 ? large : "hello", n % 2);
			cairn_auto(reply) reply = client_reply(fd, NULL);
			g_assert_cmpuint(reply->status, ==, 200);
			g_autofree char *text = gss_client_open(client, reply);
			g_assert_nonnull(strstr(text, "user=alice how=ntlm ["));
			g_assert_nonnull(strstr(text, n == 3 ? "[lllll" : "[hello]"));
			g_assert_cmpint(strstr(reply->body->str, "\r\n\tContent-Type") != NULL, ==,
					n % 2);
		}
		/* In the clear it is refused, and the connection with it. */
		client_post(fd, "", "plain");
		cairn_auto(reply) plain = client_reply(fd, NULL);
		g_assert_cmpuint(plain->status, ==, 403);
		g_assert_true(client_ended(fd));
		close(fd);
	}
	fixture_clear(&fixture);
}

/* Each way of asking on a connection that has a finished handshake: what it had is gone. */
static void
test_ntlm_dropped(void)
{
	if (!has(has_ntlm, "gss-ntlmssp"))
		return;
	for (guint ask = 1; ask < G_N_ELEMENTS(asks); ask++) {
		struct fixture fixture;
		if (!g_str_has_prefix(asks[ask].headers, "Authorization"))
			continue;
		g_test_message("%s", asks[ask].name);
		start(&fixture, negotiate_none + 0, FALSE);
		cairn_auto(gss_client) client = new_client(GSS_NTLM_RAW);
		int fd = client_connect(&fixture, ON_HTTP);
		cairn_auto(reply) last = gss_client_login(client, fd);
		g_assert_cmpuint(last->status, ==, 200);
		client_post(fd, asks[ask].headers, "x");
		gboolean stays = expect_user(fd, NULL);
		/* With the old key: nobody's message, so who says nothing is who he is anyway. */
		if (stays) {
			gss_client_post(client, fd, "hello", TRUE);
			cairn_auto(reply) reply = client_reply(fd, NULL);
			g_assert_null(strstr(reply->body->str, "user=alice"));
		}
		close(fd);
		fixture_clear(&fixture);
	}
}

static void
test_ntlm_wrong(void)
{
	struct fixture fixture;
	if (!has(has_ntlm, "gss-ntlmssp"))
		return;
	start(&fixture, negotiate_none, FALSE);
	cairn_auto(gss_client) wrong = gss_client_new(GSS_NTLM_RAW, "WORK\\alice", "other");
	int fd = client_connect(&fixture, ON_HTTP);
	cairn_auto(reply) refused = gss_client_login(wrong, fd);
	g_assert_cmpuint(refused->status, ==, 401);
	g_assert_true(client_ended(fd));
	close(fd);
	/* Bob's password is right, but he stands for nobody. */
	cairn_auto(gss_client) bob = gss_client_new(GSS_NTLM_RAW, "WORK\\bob", "secret");
	fd = client_connect(&fixture, ON_HTTP);
	cairn_auto(reply) unknown = gss_client_login(bob, fd);
	g_assert_cmpuint(unknown->status, ==, 401);
	g_assert_true(client_ended(fd));
	close(fd);
	fixture_clear(&fixture);
}

/* A changed bit, a message sent twice: the connection is over, nothing is handled. */
static void
test_ntlm_tampered(void)
{
	struct fixture fixture;
	if (!has(has_ntlm, "gss-ntlmssp"))
		return;
	start(&fixture, negotiate_none, FALSE);
	cairn_auto(gss_client) client = new_client(GSS_NTLM_RAW);
	cairn_auto(gss_client) other = new_client(GSS_NTLM_RAW);
	int fd = client_connect(&fixture, ON_HTTP), fd_other = client_connect(&fixture, ON_HTTP);
	cairn_auto(reply) last = gss_client_login(client, fd);
	cairn_auto(reply) last_other = gss_client_login(other, fd_other);
	g_assert_cmpuint(last->status, ==, 200);
	g_assert_cmpuint(last_other->status, ==, 200);
	guint before = fixture.handled;
	/* Another connection's key. */
	gss_client_post(client, fd_other, "hello", TRUE);
	cairn_auto(reply) reply = client_reply(fd_other, NULL);
	g_assert_cmpuint(reply->status, ==, 400);
	g_assert_true(client_ended(fd_other));
	g_assert_cmpuint(fixture.handled, ==, before);
	close(fd);
	close(fd_other);
	fixture_clear(&fixture);
}

/* ---- surroundings ---- */

static void
put(const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *parent = g_path_get_dirname(path);
	g_mkdir_with_parents(parent, 0700);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
set_path(const char *variable, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_setenv(variable, path, TRUE);
}

static void
make_surroundings(void)
{
	folder = g_dir_make_tmp("cairn-auth-XXXXXX", NULL);
	g_autofree char *pam = g_strdup_printf(
		"auth required %s passdb=%s/passwords\naccount required %s passdb=%s/passwords\n",
		PAM_MATRIX, folder, PAM_MATRIX, folder);
	put("pam/cairn-test", pam);
	put("passwords", "alice:secret:cairn-test\nbob:secret:cairn-test\n");
	put("ntlm", "WORK:alice:secret\nWORK:bob:secret\n");
	put("krb5.conf", "[libdefaults]\ndns_lookup_kdc = false\n");
	set_path("NTLM_USER_FILE", "ntlm");
	set_path("KRB5_CONFIG", "krb5.conf");
	set_path("KRB5_KTNAME", "no-keytab");
	has_pam = g_file_test(PAM_MATRIX, G_FILE_TEST_EXISTS);
	struct gss_client *client = new_client(GSS_NTLM_RAW);
	has_ntlm = client != NULL;
	gss_client_free(client);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	make_surroundings();
	g_test_add_func("/cimd_auth/matrix", test_matrix);
	g_test_add_func("/cimd_auth/offers", test_offers);
	g_test_add_func("/cimd_auth/slow", test_slow);
	g_test_add_func("/cimd_auth/crowd", test_crowd);
	g_test_add_func("/cimd_auth/vanish", test_vanish);
	g_test_add_func("/cimd_auth/ntlm", test_ntlm);
	g_test_add_func("/cimd_auth/ntlm-dropped", test_ntlm_dropped);
	g_test_add_func("/cimd_auth/ntlm-wrong", test_ntlm_wrong);
	g_test_add_func("/cimd_auth/ntlm-tampered", test_ntlm_tampered);
	int result = g_test_run();
	cairn_remove_tree(folder, NULL);
	g_free(folder);
	return result;
}
