/* HTTP by libcurl: one connection, kept alive; certificates are checked, redirects and proxies are
 * not followed. Every failure becomes a sentence that says what to do. */
#include "cli/remote_private.h"

#include "base/error.h"
#include "http/safety.h"

#include <string.h>

#define DEFAULT_PATH "/wsman"
#define PORT_HTTP    5985
#define PORT_HTTPS   5986
/* Says that the user is whom the certificate names (DSP0226, C.3.2). */
#define MUTUAL_HEADER \
	"Authorization: http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

static gboolean
is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       g_str_has_prefix(host, "127.");
}

static gboolean
check_safe(GUri *uri, const struct remote_login *login, GError **error)
{
	if (g_strcmp0(g_uri_get_scheme(uri), "https") == 0)
		return TRUE;
	if (login->user || login->negotiate || login->cert)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "--host: a login needs https, for what is said can be read on "
				  "the way");
	return is_loopback(g_uri_get_host(uri)) ||
	       cairn_fail(error, CAIRN_ERROR_INVALID,
			  "--host: http goes to this machine only: use https://%s",
			  g_uri_get_host(uri));
}

/* Fills in the port and the path. */
static gboolean
set_url(struct remote *remote, const struct remote_login *login, GError **error)
{
	g_autoptr(GUri) uri = strlen(login->url) <= REMOTE_PATH_MAX
				      ? g_uri_parse(login->url, G_URI_FLAGS_NONE, NULL)
				      : NULL;
	const char *scheme = uri ? g_uri_get_scheme(uri) : "";
	const char *host = uri ? g_uri_get_host(uri) : NULL;
	const gboolean tls = strcmp(scheme, "https") == 0;
	if (!host || !*host || (!tls && strcmp(scheme, "http") != 0))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "--host: \"%s\" is no address such as https://HOST:5986",
				  login->url);
	if (g_uri_get_userinfo(uri))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "--host: no user in the address: use --user");
	if (!check_safe(uri, login, error))
		return FALSE;
	const char *path = g_uri_get_path(uri);
	const gboolean v6 = strchr(host, ':') != NULL;
	int port = g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : tls ? PORT_HTTPS : PORT_HTTP;
	remote->host = g_strdup_printf("%s%s%s:%d", v6 ? "[" : "", host, v6 ? "]" : "", port);
	remote->url = g_strdup_printf("%s://%s%s", scheme, remote->host,
				      *path && strcmp(path, "/") != 0 ? path : DEFAULT_PATH);
	return TRUE;
}

static size_t
take_answer(char *data, size_t size, size_t count, void *user)
{
	struct remote *remote = user;
	const size_t len = size * count;
	remote->over = len > REMOTE_ANSWER_MAX - remote->answer->len;
	if (remote->over)
		return 0;
	g_string_append_len(remote->answer, data, (gssize)len);
	return len;
}

static gboolean
set_login(struct remote *remote, const struct remote_login *login, GError **error)
{
	char *text = NULL;
	if (!remote_login_text(login, remote->host, &text, error))
		return FALSE;
	remote->has_login = text || login->negotiate || login->cert;
	if (login->negotiate) {
		/* An empty user is the one of the ticket. */
		curl_easy_setopt(remote->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_NEGOTIATE);
		curl_easy_setopt(remote->curl, CURLOPT_USERPWD, text ? text : ":");
	} else if (text) {
		curl_easy_setopt(remote->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(remote->curl, CURLOPT_USERPWD, text);
	}
	if (login->cert && !text && !login->negotiate)
		remote->headers = curl_slist_append(remote->headers, MUTUAL_HEADER);
	remote_wipe(text);
	return TRUE;
}

static void
set_certificate(struct remote *remote, const struct remote_login *login)
{
	CURL *curl = remote->curl;
	if (login->cert)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, login->cert);
	if (login->key)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, login->key);
}

gboolean
remote_http_setup(struct remote *remote, const struct remote_login *login, GError **error)
{
	if (!set_url(remote, login, error))
		return FALSE;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	CURL *curl = remote->curl = curl_easy_init();
	if (!curl)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "libcurl cannot be set up");
	remote->answer = g_string_new(NULL);
	remote->headers = curl_slist_append(NULL, "Content-Type: application/soap+xml;"
						  "charset=UTF-8");
	remote->headers = curl_slist_append(remote->headers, "Expect:");
	if (!set_login(remote, login, error))
		return FALSE;
	http_set_safety(curl, login->cacert, REMOTE_CONNECT_SEC, REMOTE_ANSWER_SEC);
	set_certificate(remote, login);
	curl_easy_setopt(curl, CURLOPT_URL, remote->url);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "cairn/" CAIRN_VERSION);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, remote->headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, remote->what);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, remote);
	return TRUE;
}

/* ---- sending ---- */

static const struct {
	CURLcode code;
	enum cairn_error_code kind;
	const char *says, *advice;
} failures[] = {
	{CURLE_COULDNT_RESOLVE_HOST, CAIRN_ERROR_PEER, "is not known", "is its name right?"},
	{CURLE_COULDNT_CONNECT, CAIRN_ERROR_PEER, "is not reachable",
	 "does cairn-cimd listen there?"},
	{CURLE_OPERATION_TIMEDOUT, CAIRN_ERROR_PEER, "does not answer",
	 "is cairn-cimd overloaded, or a firewall between?"},
	{CURLE_GOT_NOTHING, CAIRN_ERROR_PEER, "closed the connection",
	 "is it https where http was said, or the other way round?"},
	{CURLE_RECV_ERROR, CAIRN_ERROR_PEER, "closed the connection",
	 "is it https where http was said? Else try again"},
	{CURLE_SEND_ERROR, CAIRN_ERROR_PEER, "closed the connection",
	 "is it https where http was said? Else try again"},
	{CURLE_PARTIAL_FILE, CAIRN_ERROR_PEER, "closed the connection",
	 "is it https where http was said? Else try again"},
	{CURLE_PEER_FAILED_VERIFICATION, CAIRN_ERROR_DENIED,
	 "has a certificate that is not trusted", "--cacert names the file of who signed it"},
	{CURLE_SSL_CACERT_BADFILE, CAIRN_ERROR_INVALID, "cannot be checked",
	 "is the file of --cacert a certificate in PEM?"},
	{CURLE_SSL_CERTPROBLEM, CAIRN_ERROR_INVALID, "was not asked",
	 "are the files of --cert and --key in PEM, and do they belong together?"},
	{CURLE_SSL_CONNECT_ERROR, CAIRN_ERROR_DENIED, "does not agree on TLS",
	 "is this its https port, and does it want --cert?"},
};

static gboolean
fail_transport(const struct remote *remote, CURLcode code, GError **error)
{
	const char *what = *remote->what ? remote->what : curl_easy_strerror(code);
	if (remote->over)
		return cairn_fail(error, CAIRN_ERROR_LIMIT,
				  "%s answers with more than %d MiB, which is not read",
				  remote->host, REMOTE_ANSWER_MAX >> 20);
	for (guint i = 0; i < G_N_ELEMENTS(failures); i++)
		if (failures[i].code == code)
			return cairn_fail(error, failures[i].kind, "%s %s (%s): %s", remote->host,
					  failures[i].says, what, failures[i].advice);
	return cairn_fail(error, CAIRN_ERROR_IO, "%s: %s", remote->host, what);
}

static gboolean
fail_login(const struct remote *remote, GError **error)
{
	if (remote->has_login)
		return cairn_fail(error, CAIRN_ERROR_DENIED,
				  "%s does not accept the login: are user and password right?",
				  remote->host);
	return cairn_fail(error, CAIRN_ERROR_DENIED,
			  "%s wants a login: give --user NAME, --negotiate or --cert FILE",
			  remote->host);
}

static gboolean
check_status(const struct remote *remote, long status, GError **error)
{
	if (status == 401)
		return fail_login(remote, error);
	if (status == 403)
		return cairn_fail(error, CAIRN_ERROR_DENIED, "%s does not let this user in",
				  remote->host);
	if (status >= 300 && status < 400)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "%s sends to another address, which is not followed: give the "
				  "right one to --host",
				  remote->host);
	if (status == 404 || status == 405)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "%s has no WS-Management at %s: is it cairn-cimd?", remote->host,
				  remote->url);
	if (status == 503)
		return cairn_fail(error, CAIRN_ERROR_PEER, "%s is too busy: try again later",
				  remote->host);
	return remote->answer->len > 0 ||
	       cairn_fail(error, CAIRN_ERROR_IO, "%s answers with HTTP status %ld and nothing else",
			  remote->host, status);
}

gboolean
remote_http_post(struct remote *remote, const char *body, gsize len, GError **error)
{
	long status = 0;
	g_string_truncate(remote->answer, 0);
	remote->over = FALSE;
	remote->what[0] = '\0';
	curl_easy_setopt(remote->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(remote->curl, CURLOPT_POSTFIELDS, body);
	CURLcode code = curl_easy_perform(remote->curl);
	if (code != CURLE_OK)
		return fail_transport(remote, code, error);
	curl_easy_getinfo(remote->curl, CURLINFO_RESPONSE_CODE, &status);
	return check_status(remote, status, error);
}
