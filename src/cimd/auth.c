/* One request's way to a name, or to none: the schemes, what is offered where, and the rule that
 * nothing is inherited from a request before but a finished handshake on the same connection. */
#include "cimd/auth_header.h"
#include "cimd/auth_private.h"

#include "base/error.h"

#include <errno.h>
#include <pwd.h>
#include <unistd.h>

#define PASSWD_BUFFER 16384

static const struct {
	const char *name;
	enum auth_mode mode;
} mode_names[] = {
	{"basic", AUTH_BASIC},
	{"negotiate", AUTH_NEGOTIATE},
	{"cert", AUTH_CERT},
	{"none", AUTH_NONE},
};

/* In the order in which clients should look at them. */
static const struct {
	enum auth_mode mode;
	const char *offer;
} offers[] = {
	{AUTH_NEGOTIATE, "Negotiate"},
	{AUTH_NEGOTIATE, "Kerberos"},
	{AUTH_BASIC, "Basic realm=\"WSMAN\""},
	{AUTH_CERT, AUTH_MUTUAL},
};

/* ---- local users ---- */

/* NULL when the number has no name; free with g_free(). */
static char *
user_of(uid_t uid)
{
	char buffer[PASSWD_BUFFER];
	struct passwd entry, *found = NULL;
	int failed = getpwuid_r(uid, &entry, buffer, sizeof buffer, &found);
	return !failed && found ? g_strdup(found->pw_name) : NULL;
}

/* ---- the configuration ---- */

static gboolean
read_modes(guint *ret_modes, char *const *modes, GError **error)
{
	guint all = 0;
	for (; modes && *modes; modes++) {
		guint known = 0;
		for (guint i = 0; i < G_N_ELEMENTS(mode_names); i++)
			if (strcmp(*modes, mode_names[i].name) == 0)
				known = mode_names[i].mode;
		if (!known)
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "auth: \"%s\" is not basic, negotiate, cert or none",
					  *modes);
		all |= known;
	}
	if (!all)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "auth: nothing is offered");
	*ret_modes = all;
	return TRUE;
}

gboolean
auth_config_check(const struct auth_config *config, GError **error)
{
	guint modes;
	if (!read_modes(&modes, config->modes, error))
		return FALSE;
	cairn_auto(auth_map) principals = auth_map_new(config->principal_map, "map", error);
	cairn_auto(auth_map) certs =
		principals ? auth_map_new(config->cert_map, "cert-map", error) : NULL;
	return certs != NULL;
}

static void
make_offers(struct auth *auth)
{
	guint in_private = 0, in_clear = 0;
	for (guint i = 0; i < G_N_ELEMENTS(offers); i++) {
		if (!(auth->modes & offers[i].mode))
			continue;
		auth->offers_private[in_private++] = offers[i].offer;
		if (offers[i].mode == AUTH_NEGOTIATE ||
		    (offers[i].mode == AUTH_BASIC && auth->allow_http_basic))
			auth->offers_clear[in_clear++] = offers[i].offer;
	}
}

static gboolean
set_none_user(struct auth *auth, const char *user, GError **error)
{
	if (!(auth->modes & AUTH_NONE))
		return TRUE;
	auth->none_user = user && *user ? g_strdup(user) : user_of(geteuid());
	if (!auth->none_user)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "none-user: our own user has no name, so it must be set");
	return TRUE;
}

struct auth *
auth_new(const struct auth_config *config, struct auth_helper *helper, GError **error)
{
	cairn_auto(auth) auth = g_new0(struct auth, 1);
	auth->allow_http_basic = config->allow_http_basic;
	auth->allow_plain = config->allow_plain;
	auth->slow = auth_slow_new();
	if (!read_modes(&auth->modes, config->modes, error) ||
	    !set_none_user(auth, config->none_user, error))
		return NULL;
	auth->principals = auth_map_new(config->principal_map, "map", error);
	if (!auth->principals)
		return NULL;
	auth->certs = auth_map_new(config->cert_map, "cert-map", error);
	if (!auth->certs)
		return NULL;
	if (auth->modes & AUTH_BASIC) {
		g_return_val_if_fail(helper != NULL, NULL);
		auth->basic = auth_basic_new(auth, helper);
	}
	if (auth->modes & AUTH_NEGOTIATE) {
		auth->gss = auth_gss_new(auth, config->keytab, error);
		if (!auth->gss)
			return NULL;
	}
	make_offers(auth);
	return g_steal_pointer(&auth);
}

void
auth_free(struct auth *auth)
{
	if (!auth)
		return;
	auth_gss_free(auth->gss); /* finishes what is under way */
	auth_basic_free(auth->basic);
	auth_slow_free(auth->slow);
	auth_map_free(auth->principals);
	auth_map_free(auth->certs);
	g_free(auth->none_user);
	g_free(auth);
}

static gboolean
is_private(const struct auth_channel *channel)
{
	return channel->tls || channel->unix_socket;
}

const char *const *
auth_offers(const struct auth *auth, const struct auth_channel *channel)
{
	return is_private(channel) ? auth->offers_private : auth->offers_clear;
}

/* ---- results ---- */

void
auth_result_clear(struct auth_result *result)
{
	g_free(result->token);
	identity_free(result->identity);
	*result = (struct auth_result){0};
}

void
auth_accept(struct auth_result *result, const char *user, const char *how)
{
	struct identity identity = {IDENTITY_USER, (char *)user, how};
	g_assert(user && *user);
	result->verdict = AUTH_ACCEPTED;
	result->identity = identity_copy(&identity);
}

/* ---- sessions ---- */

struct auth_session *
auth_session_new(struct auth *auth, const struct auth_channel *channel)
{
	struct auth_session *session = g_new0(struct auth_session, 1);
	session->refs = 1;
	session->auth = auth;
	session->channel = channel;
	return session;
}

struct auth_session *
auth_session_ref(struct auth_session *session)
{
	session->refs++;
	return session;
}

void
auth_session_unref(struct auth_session *session)
{
	if (--session->refs)
		return;
	gss_session_free(session->gss);
	g_free(session->cert_user);
	g_free(session);
}

void
auth_session_free(struct auth_session *session)
{
	if (!session)
		return;
	session->channel = NULL;
	auth_session_unref(session);
}

static gboolean
none_applies(const struct auth_session *session)
{
	const struct auth_channel *channel = session->channel;
	return (session->auth->modes & AUTH_NONE) && (channel->loopback || channel->unix_socket);
}

/* Without a header, or with "none" alone on offer, where a header can only be a client's habit: who
 * somebody is by the place they ask from. */
static void
check_none(struct auth_session *session, struct auth_result *result)
{
	const struct auth_channel *channel = session->channel;
	if (!none_applies(session))
		return;
	if (!channel->unix_socket) {
		auth_accept(result, session->auth->none_user, "none");
		return;
	}
	g_autofree char *user = channel->has_uid ? user_of(channel->uid) : NULL;
	if (user)
		auth_accept(result, user, "unix");
}

static const char *
cert_user(struct auth_session *session)
{
	const struct auth_channel *channel = session->channel;
	if (!(session->auth->modes & AUTH_CERT) || !channel->tls_session)
		return NULL;
	if (!session->cert_looked)
		session->cert_user =
			auth_cert_user(session->auth->certs, channel->tls_session, channel->peer);
	session->cert_looked = TRUE;
	return session->cert_user;
}

static void
check_cert(struct auth_session *session, struct auth_result *result)
{
	const char *user = cert_user(session);
	if (user)
		auth_accept(result, user, "cert");
}

static void
check_without_header(struct auth_session *session, struct auth_result *result)
{
	const char *user = session->gss ? gss_session_user(session->gss) : NULL;
	if (user) {
		auth_accept(result, user, gss_session_how(session->gss));
		return;
	}
	/* A handshake that is not gone on with is over. */
	g_clear_pointer(&session->gss, gss_session_free);
	check_cert(session, result);
	if (result->verdict != AUTH_ACCEPTED)
		check_none(session, result);
}

static enum auth_verdict
check_header(struct auth_session *session, struct auth_header *header, struct auth_result *result,
	     auth_done_fn done, gpointer data)
{
	const struct auth *auth = session->auth;
	switch (header->scheme) {
	case SCHEME_BASIC:
		if (!auth->basic || (!is_private(session->channel) && !auth->allow_http_basic))
			return AUTH_REFUSED;
		return auth_basic_check(session, header, result, done, data);
	case SCHEME_NEGOTIATE:
	case SCHEME_KERBEROS:
		if (!auth->gss)
			return AUTH_REFUSED;
		return auth_gss_check(session, header, result, done, data);
	case SCHEME_MUTUAL:
		check_cert(session, result);
		return result->verdict;
	default:
		return AUTH_REFUSED;
	}
}

enum auth_verdict
auth_session_check(struct auth_session *session, const char *authorization, guint count,
		   struct auth_result *result, auth_done_fn done, gpointer data)
{
	struct auth_header header = {0};
	*result = (struct auth_result){0};
	if (session->auth->modes == AUTH_NONE) {
		check_none(session, result);
		return result->verdict;
	}
	if (!authorization && count == 0) {
		check_without_header(session, result);
		return result->verdict;
	}
	gboolean ok = authorization && count == 1 && auth_header_parse(authorization, &header);
	gboolean goes_on = ok && session->gss && gss_session_under_way(session->gss) &&
			   (header.scheme == SCHEME_NEGOTIATE || header.scheme == SCHEME_KERBEROS);
	/* Whoever begins anew has nothing left from before, whatever comes of it. */
	if (!goes_on)
		g_clear_pointer(&session->gss, gss_session_free);
	if (ok)
		result->verdict = check_header(session, &header, result, done, data);
	auth_header_clear(&header);
	return result->verdict;
}

gboolean
auth_session_claim(const struct auth_session *session, const char *authorization)
{
	return authorization || session->gss || none_applies(session) ||
	       ((session->auth->modes & AUTH_CERT) && session->channel->tls_session);
}

gboolean
auth_session_seals(const struct auth_session *session)
{
	return session->gss && gss_session_user(session->gss) && !session->channel->tls;
}

gboolean
auth_session_plain_allowed(const struct auth_session *session)
{
	return session->auth->allow_plain;
}
