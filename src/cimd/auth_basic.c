/* Basic (RFC 7617): the helper is asked, and a password that was right is remembered for a while,
 * as a salted digest. Peers that were wrong wait first. */
#include "cimd/auth_header.h"
#include "cimd/auth_private.h"
#include "cimd/limits.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#define SALT_LEN   32
#define DIGEST_LEN 32 /* SHA-256 */

struct remembered {
	guint8 digest[DIGEST_LEN];
	char *user;
	gint64 until; /* monotonic; 0: free */
};

struct auth_basic {
	struct auth *auth;
	struct auth_helper *helper;
	guint8 salt[SALT_LEN];
	struct remembered cache[AUTH_CACHE_MAX];
	guint oldest;  /* the next to be overwritten */
	GQueue checks; /* struct check */
};

struct check {
	struct auth_basic *basic;
	struct auth_session *session;
	char *user, *password, *peer, *peer_key;
	guint timer;
	auth_done_fn done;
	gpointer data;
};

/* ---- what was right a moment ago ---- */

static void
digest(const struct auth_basic *basic, const struct auth_header *header,
       guint8 ret_digest[DIGEST_LEN])
{
	/* The NUL between the two keeps "ab"+"c" from being "a"+"bc". */
	gsize user = strlen(header->user) + 1, password = strlen(header->password);
	g_autofree char *text = g_malloc(user + password + 1);
	memcpy(text, header->user, user);
	memcpy(text + user, header->password, password + 1);
	gnutls_hmac_fast(GNUTLS_MAC_SHA256, basic->salt, SALT_LEN, text, user + password,
			 ret_digest);
	explicit_bzero(text, user + password);
}

static const char *
recall(const struct auth_basic *basic, const guint8 wanted[DIGEST_LEN])
{
	const char *user = NULL;
	gint64 now = g_get_monotonic_time();
	for (guint i = 0; i < AUTH_CACHE_MAX; i++) {
		const struct remembered *entry = &basic->cache[i];
		if (entry->until > now && gnutls_memcmp(entry->digest, wanted, DIGEST_LEN) == 0)
			user = entry->user;
	}
	return user;
}

static void
remember(struct auth_basic *basic, const guint8 right[DIGEST_LEN], const char *user)
{
	struct remembered *entry = &basic->cache[basic->oldest];
	basic->oldest = (basic->oldest + 1) % AUTH_CACHE_MAX;
	g_free(entry->user);
	memcpy(entry->digest, right, DIGEST_LEN);
	entry->user = g_strdup(user);
	entry->until = g_get_monotonic_time() + AUTH_CACHE_SECONDS * G_USEC_PER_SEC;
}

/* ---- one check ---- */

static void
check_free(struct check *check)
{
	g_queue_remove(&check->basic->checks, check);
	g_clear_handle_id(&check->timer, g_source_remove);
	auth_session_unref(check->session);
	explicit_bzero(check->password, strlen(check->password));
	g_free(check->password);
	g_free(check->user);
	g_free(check->peer);
	g_free(check->peer_key);
	g_free(check);
}

static void
log_failure(const struct check *check)
{
	/* User names are anything that a stranger types. */
	g_autofree char *user = g_strescape(check->user, NULL);
	g_message("login of \"%s\" from %s failed (basic)", user, check->peer);
}

static void
on_checked(const char *user, gpointer data)
{
	struct check *check = data;
	struct auth_basic *basic = check->basic;
	struct auth_result result = {0};
	if (user) {
		struct auth_header header = {.user = check->user, .password = check->password};
		guint8 right[DIGEST_LEN];
		digest(basic, &header, right);
		remember(basic, right, user);
		auth_slow_good(basic->auth->slow, check->peer_key);
		auth_accept(&result, user, "basic");
	} else {
		auth_slow_failed(basic->auth->slow, check->peer_key);
		log_failure(check);
	}
	check->done(&result, check->data);
	auth_result_clear(&result);
	check_free(check);
}

static gboolean
on_waited(gpointer user)
{
	struct check *check = user;
	check->timer = 0;
	auth_helper_check(check->basic->helper, check->user, check->password, check->peer,
			  on_checked, check);
	return G_SOURCE_REMOVE;
}

/* Whether too many of that peer's checks are delayed already. */
static gboolean
is_crowd(const struct auth_basic *basic, const char *peer_key)
{
	guint delayed = 0;
	for (const GList *link = basic->checks.head; link; link = link->next) {
		const struct check *check = link->data;
		delayed += check->timer && strcmp(check->peer_key, peer_key) == 0;
	}
	return delayed >= AUTH_WAITING_PEER_MAX;
}

enum auth_verdict
auth_basic_check(struct auth_session *session, struct auth_header *header,
		 struct auth_result *result, auth_done_fn done, gpointer data)
{
	struct auth_basic *basic = session->auth->basic;
	guint8 wanted[DIGEST_LEN];
	digest(basic, header, wanted);
	const char *user = recall(basic, wanted);
	if (user) {
		auth_accept(result, user, "basic");
		return AUTH_ACCEPTED;
	}
	guint delay = basic->checks.length < AUTH_WAITING_MAX
			      ? auth_slow_delay(basic->auth->slow, session->channel->peer_key)
			      : AUTH_DELAY_LONGEST_MS + 1;
	if (delay > AUTH_DELAY_LONGEST_MS ||
	    (delay && is_crowd(basic, session->channel->peer_key))) {
		g_message("login from %s refused: too many are waiting", session->channel->peer);
		return AUTH_REFUSED;
	}
	struct check *check = g_new0(struct check, 1);
	check->basic = basic;
	check->session = auth_session_ref(session);
	check->user = g_strdup(header->user);
	check->password = g_strdup(header->password);
	check->peer = g_strdup(session->channel->peer);
	check->peer_key = g_strdup(session->channel->peer_key);
	check->done = done;
	check->data = data;
	g_queue_push_tail(&basic->checks, check);
	if (delay)
		check->timer = g_timeout_add(delay, on_waited, check);
	else
		on_waited(check);
	return AUTH_PENDING;
}

/* ---- all of it ---- */

struct auth_basic *
auth_basic_new(struct auth *auth, struct auth_helper *helper)
{
	struct auth_basic *basic = g_new0(struct auth_basic, 1);
	basic->auth = auth;
	basic->helper = helper;
	g_queue_init(&basic->checks);
	/* Without randomness the digests would be guessable; it does not fail. */
	g_assert(gnutls_rnd(GNUTLS_RND_KEY, basic->salt, SALT_LEN) == 0);
	return basic;
}

/* A helper that was freed before has answered all. */
void
auth_basic_free(struct auth_basic *basic)
{
	if (!basic)
		return;
	while (basic->checks.head) {
		struct check *check = basic->checks.head->data;
		struct auth_result result = {0};
		if (!check->timer) /* one that is delayed has not been asked */
			auth_helper_forget(basic->helper, check);
		check->done(&result, check->data);
		check_free(check);
	}
	for (guint i = 0; i < AUTH_CACHE_MAX; i++)
		g_free(basic->cache[i].user);
	explicit_bzero(basic->salt, SALT_LEN);
	g_free(basic);
}
