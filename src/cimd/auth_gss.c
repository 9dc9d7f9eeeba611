/* Negotiate and Kerberos (RFC 4559), Kerberos and NTLM under them, through GSSAPI. A handshake is
 * bound to its connection. Its steps may block (a key file, winbind), so threads do them; a request
 * waits meanwhile, so that nothing else touches the context. */
#include "cimd/auth_gss.h"

#include "cimd/limits.h"

#include "base/error.h"

#include <gssapi/gssapi_krb5.h>
#include <pwd.h>

#define THREADS	      4
#define PASSWD_BUFFER 16384

static gss_OID_desc oid_krb5 = {9, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc oid_ntlm = {10, (void *)"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"};
static gss_OID_desc oid_spnego = {6, (void *)"\x2b\x06\x01\x05\x05\x02"};

struct auth_gss {
	struct auth *auth;
	gss_cred_id_t credential;
	GThreadPool *pool;
	GHashTable *steps; /* struct step under way, as a set */
};

/* One leg. The thread reads and writes only this and the handshake, which is taken out of the
 * session until the leg is done. */
struct step {
	struct auth_gss *owner;
	struct auth_session *session;
	struct gss_session *gss;
	char *peer, *peer_key;
	guint8 *token;
	gsize token_len;
	auth_done_fn done;
	gpointer data;
	guint timer;
	GSource *source;
	/* filled in by the thread */
	gboolean failed;
	char *answer; /* base64, or NULL */
	char *problem;
};

char *
gss_problem(OM_uint32 major, OM_uint32 minor)
{
	const struct {
		OM_uint32 code;
		int type;
	} parts[] = {{major, GSS_C_GSS_CODE}, {minor, GSS_C_MECH_CODE}};
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
		OM_uint32 ignored, more = 0;
		gss_buffer_desc words = GSS_C_EMPTY_BUFFER;
		if (parts[i].code == 0 ||
		    gss_display_status(&ignored, parts[i].code, parts[i].type, GSS_C_NO_OID, &more,
				       &words) != GSS_S_COMPLETE)
			continue;
		g_string_append_printf(text, "%s%.*s", text->len ? ": " : "", (int)words.length,
				       (const char *)words.value);
		gss_release_buffer(&ignored, &words);
	}
	g_autofree char *raw = g_string_free(text, FALSE);
	return g_strescape(raw, NULL);
}

/* ---- a finished handshake ---- */

static gboolean
same_oid(gss_OID a, gss_OID b)
{
	return a && b && a->length == b->length && memcmp(a->elements, b->elements, a->length) == 0;
}

static char *
buffer_text(gss_buffer_t buffer)
{
	OM_uint32 minor;
	/* gss-ntlmssp counts the NUL at the end; one in the middle is not for us. */
	if (buffer->length > 0 && ((const char *)buffer->value)[buffer->length - 1] == '\0')
		buffer->length--;
	gboolean clean = buffer->length > 0 && buffer->length <= AUTH_USER_MAX &&
			 !memchr(buffer->value, '\0', buffer->length) &&
			 g_utf8_validate(buffer->value, (gssize)buffer->length, NULL);
	char *text = clean ? g_strndup(buffer->value, buffer->length) : NULL;
	gss_release_buffer(&minor, buffer);
	return text;
}

static gboolean
is_root(const char *user)
{
	char buffer[PASSWD_BUFFER];
	struct passwd entry, *found = NULL;
	int failed = getpwnam_r(user, &entry, buffer, sizeof buffer, &found);
	return failed || (found && found->pw_uid == 0);
}

/* By the table. Without a line in it, Kerberos' own rules may name a user; but never root, and
 * never for NTLM, whose names carry a domain that nobody has vouched for. */
static char *
local_user(const struct auth_map *map, const char *principal, gss_name_t name, gboolean ntlm)
{
	OM_uint32 minor;
	gss_buffer_desc buffer = GSS_C_EMPTY_BUFFER;
	const char *user = auth_map_find(map, principal);
	if (user || ntlm)
		return g_strdup(user);
	if (gss_localname(&minor, name, GSS_C_NO_OID, &buffer) != GSS_S_COMPLETE)
		return NULL;
	g_autofree char *found = buffer_text(&buffer);
	return found && !is_root(found) ? g_steal_pointer(&found) : NULL;
}

static void
look_at_name(struct step *step, gss_name_t name)
{
	struct gss_session *gss = step->gss;
	OM_uint32 minor, major;
	gss_OID mech = GSS_C_NO_OID;
	gss_buffer_desc buffer = GSS_C_EMPTY_BUFFER;
	/* Inside SPNEGO is another mechanism; that one's habits count. */
	major = gss_inquire_context(&minor, gss->context, NULL, NULL, NULL, &mech, &gss->flags,
				    NULL, NULL);
	if (major != GSS_S_COMPLETE || (gss->flags & GSS_C_ANON_FLAG) || !name ||
	    gss_display_name(&minor, name, &buffer, NULL) != GSS_S_COMPLETE)
		return;
	gss->ntlm = same_oid(mech, &oid_ntlm);
	gss->principal = buffer_text(&buffer);
	if (gss->principal)
		gss->user =
			local_user(step->owner->auth->principals, gss->principal, name, gss->ntlm);
}

/* ---- in a thread ---- */

static gboolean on_stepped(gpointer user);

static void
finish_later(struct step *step)
{
	GSource *source = g_idle_source_new();
	g_source_set_priority(source, G_PRIORITY_DEFAULT);
	g_source_set_callback(source, on_stepped, step, NULL);
	step->source = source;
	g_source_attach(source, NULL);
}

static void
run_step(gpointer data, gpointer user)
{
	struct step *step = data;
	struct gss_session *gss = step->gss;
	OM_uint32 minor, ignored;
	gss_buffer_desc in = {step->token_len, step->token}, out = GSS_C_EMPTY_BUFFER;
	gss_name_t name = GSS_C_NO_NAME;
	gss_cred_id_t delegated = GSS_C_NO_CREDENTIAL;
	OM_uint32 major = gss_accept_sec_context(&minor, &gss->context, step->owner->credential,
						 &in, GSS_C_NO_CHANNEL_BINDINGS, &name, NULL, &out,
						 &gss->flags, NULL, &delegated);
	step->failed = GSS_ERROR(major) != 0;
	if (step->failed)
		step->problem = gss_problem(major, minor);
	else if (out.length > 0)
		step->answer = g_base64_encode(out.value, out.length);
	if (major == GSS_S_COMPLETE) {
		look_at_name(step, name);
		gss->established = TRUE;
	}
	gss_release_buffer(&ignored, &out);
	gss_release_name(&ignored, &name);
	if (delegated != GSS_C_NO_CREDENTIAL)
		gss_release_cred(&ignored, &delegated);
	finish_later(step);
}

/* ---- back in the loop ---- */

static void
step_free(struct step *step)
{
	g_hash_table_remove(step->owner->steps, step);
	g_clear_handle_id(&step->timer, g_source_remove);
	gss_session_free(step->gss);
	auth_session_unref(step->session);
	g_free(step->peer);
	g_free(step->peer_key);
	g_free(step->token);
	g_free(step->answer);
	g_free(step->problem);
	g_free(step);
}

static const char *
why_refused(const struct step *step)
{
	const struct gss_session *gss = step->gss;
	const OM_uint32 needed = GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;
	gboolean clear = step->session->channel && !step->session->channel->tls;
	if (step->failed)
		return step->problem;
	if (!gss->established)
		return step->answer ? NULL : "the handshake stops";
	if (!gss->user)
		return "the name stands for no local user";
	if (clear && !step->owner->auth->allow_plain && (gss->flags & needed) != needed)
		return "messages on it would not be encrypted";
	return NULL;
}

static void
tell_refused(struct step *step, const char *why)
{
	const char *name = step->gss->principal ? step->gss->principal : "";
	g_autofree char *principal = g_strescape(name, NULL);
	g_message("login of \"%s\" from %s failed (%s): %s", principal, step->peer,
		  step->gss->scheme == SCHEME_KERBEROS ? "kerberos" : "negotiate", why);
	auth_slow_failed(step->owner->auth->slow, step->peer_key);
}

static gboolean
on_stepped(gpointer user)
{
	struct step *step = user;
	struct auth_session *session = step->session;
	struct auth_result result = {0};
	const char *why = why_refused(step);
	g_clear_pointer(&step->source, g_source_unref);
	if (why) {
		tell_refused(step, why);
		result.close_after = TRUE;
	} else {
		const char *scheme =
			step->gss->scheme == SCHEME_KERBEROS ? "Kerberos" : "Negotiate";
		result.verdict = AUTH_CONTINUE;
		if (step->gss->established) {
			auth_accept(&result, step->gss->user, gss_session_how(step->gss));
			result.handshake = TRUE;
			auth_slow_good(step->owner->auth->slow, step->peer_key);
		}
		if (step->answer)
			result.token = g_strconcat(scheme, " ", step->answer, NULL);
		session->gss = g_steal_pointer(&step->gss);
	}
	step->done(&result, step->data);
	auth_result_clear(&result);
	step_free(step);
	return G_SOURCE_REMOVE;
}

static gboolean
on_waited(gpointer user)
{
	struct step *step = user;
	step->timer = 0;
	g_thread_pool_push(step->owner->pool, step, NULL);
	return G_SOURCE_REMOVE;
}

static gboolean
may_go_on(const struct gss_session *gss, const struct auth_header *header)
{
	gint64 age = g_get_monotonic_time() - gss->started;
	return gss->scheme == header->scheme && gss->legs < AUTH_LEGS_MAX &&
	       age <= AUTH_HANDSHAKE_SECONDS * G_USEC_PER_SEC;
}

/* Whether too many of that peer's handshakes are delayed already. */
static gboolean
is_crowd(const struct auth_gss *gss, const char *peer_key)
{
	GHashTableIter iter;
	gpointer key;
	guint delayed = 0;
	g_hash_table_iter_init(&iter, gss->steps);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const struct step *step = key;
		delayed += step->timer && strcmp(step->peer_key, peer_key) == 0;
	}
	return delayed >= AUTH_WAITING_PEER_MAX;
}

enum auth_verdict
auth_gss_check(struct auth_session *session, struct auth_header *header, struct auth_result *result,
	       auth_done_fn done, gpointer data)
{
	struct auth_gss *owner = session->auth->gss;
	cairn_auto(gss_session) gss = g_steal_pointer(&session->gss);
	guint delay = 0;
	result->close_after = TRUE; /* when it is refused here */
	if (!gss) {
		gss = g_new0(struct gss_session, 1);
		gss->scheme = header->scheme;
		gss->started = g_get_monotonic_time();
		delay = auth_slow_delay(owner->auth->slow, session->channel->peer_key);
	}
	if (!may_go_on(gss, header) || delay > AUTH_DELAY_LONGEST_MS ||
	    g_hash_table_size(owner->steps) >= AUTH_WAITING_MAX ||
	    (delay && is_crowd(owner, session->channel->peer_key)))
		return AUTH_REFUSED;
	gss->legs++;
	struct step *step = g_new0(struct step, 1);
	step->owner = owner;
	step->session = auth_session_ref(session);
	step->gss = g_steal_pointer(&gss);
	step->peer = g_strdup(session->channel->peer);
	step->peer_key = g_strdup(session->channel->peer_key);
	step->token = g_steal_pointer(&header->token);
	step->token_len = header->token_len;
	step->done = done;
	step->data = data;
	g_hash_table_add(owner->steps, step);
	if (delay)
		step->timer = g_timeout_add(delay, on_waited, step);
	else
		on_waited(step);
	return AUTH_PENDING;
}

/* ---- the handshake of a connection ---- */

const char *
gss_session_user(const struct gss_session *session)
{
	return session->established ? session->user : NULL;
}

const char *
gss_session_how(const struct gss_session *session)
{
	return session->ntlm ? "ntlm" : "kerberos";
}

gboolean
gss_session_under_way(const struct gss_session *session)
{
	return !session->established;
}

void
gss_session_free(struct gss_session *session)
{
	OM_uint32 minor;
	if (!session)
		return;
	gss_delete_sec_context(&minor, &session->context, GSS_C_NO_BUFFER);
	g_free(session->principal);
	g_free(session->user);
	g_free(session);
}

/* ---- all of it ---- */

/* Any key of the key file, so that clients may ask for HTTP/host, WSMAN/host or host/host. */
static gboolean
acquire(struct auth_gss *gss, GError **error)
{
	gss_OID_desc mechs[] = {oid_krb5, oid_ntlm, oid_spnego};
	gss_OID_set_desc set = {G_N_ELEMENTS(mechs), mechs};
	OM_uint32 minor, major;
	major = gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &set, GSS_C_ACCEPT,
				 &gss->credential, NULL, NULL);
	if (major == GSS_S_COMPLETE)
		return TRUE;
	g_autofree char *problem = gss_problem(major, minor);
	return cairn_fail(error, CAIRN_ERROR_INVALID,
			  "auth: \"negotiate\" needs a keytab that can be read, or gss-ntlmssp: %s",
			  problem);
}

struct auth_gss *
auth_gss_new(struct auth *auth, const char *keytab, GError **error)
{
	struct auth_gss *gss = g_new0(struct auth_gss, 1);
	gss->auth = auth;
	gss->credential = GSS_C_NO_CREDENTIAL;
	gss->steps = g_hash_table_new(NULL, NULL);
	if (keytab && *keytab)
		krb5_gss_register_acceptor_identity(keytab);
	if (!acquire(gss, error)) {
		auth_gss_free(gss);
		return NULL;
	}
	gss->pool = g_thread_pool_new(run_step, gss, THREADS, FALSE, NULL);
	return gss;
}

void
auth_gss_free(struct auth_gss *gss)
{
	OM_uint32 minor;
	GHashTableIter iter;
	gpointer key;
	if (!gss)
		return;
	if (gss->pool)
		g_thread_pool_free(gss->pool, FALSE, TRUE);
	/* Nothing runs any more: what is left waits for its turn in the loop, or for its delay. */
	g_hash_table_iter_init(&iter, gss->steps);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		struct step *step = key;
		if (step->source)
			g_source_destroy(step->source);
		step->failed = TRUE;
		on_stepped(step);
		g_hash_table_iter_init(&iter, gss->steps);
	}
	g_hash_table_unref(gss->steps);
	if (gss->credential != GSS_C_NO_CREDENTIAL)
		gss_release_cred(&minor, &gss->credential);
	g_free(gss);
}
