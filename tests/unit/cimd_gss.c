#include "cimd_gss.h"

#include "cimd/crypt.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <string.h>

static gss_OID_desc oid_krb5 = {9, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc oid_ntlm = {10, (void *)"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"};
static gss_OID_desc oid_spnego = {6, (void *)"\x2b\x06\x01\x05\x05\x02"};

/* For a leak sanitizer: gss-ntlmssp 1.2.0 loses memory with each credential and handshake. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:gssntlmssp\nleak:libcrypto\n";
}

struct gss_client {
	enum gss_kind kind;
	gss_cred_id_t credential;
	gss_name_t target;
	gss_ctx_id_t context;
	gboolean done;
};

static const char *
scheme(const struct gss_client *client)
{
	return client->kind == GSS_KERBEROS_RAW ? "Kerberos" : "Negotiate";
}

static const char *
protocol(const struct gss_client *client)
{
	return client->kind == GSS_KERBEROS_RAW ? "application/HTTP-Kerberos-session-encrypted"
						: "application/HTTP-SPNEGO-session-encrypted";
}

static gboolean
is_ntlm(const struct gss_client *client)
{
	return client->kind == GSS_NTLM_RAW || client->kind == GSS_NTLM;
}

static gss_name_t
import(const char *text, gss_OID type)
{
	OM_uint32 minor;
	gss_name_t name = GSS_C_NO_NAME;
	gss_buffer_desc buffer = {strlen(text), (void *)text};
	g_assert_cmpuint(gss_import_name(&minor, &buffer, type, &name), ==, GSS_S_COMPLETE);
	return name;
}

static gboolean
acquire(struct gss_client *client, const char *user, const char *password)
{
	OM_uint32 minor, major;
	gss_OID mech = is_ntlm(client) ? &oid_ntlm : &oid_krb5;
	gss_OID_set_desc mechs = {1, mech};
	gss_name_t name = user ? import(user, GSS_C_NT_USER_NAME) : GSS_C_NO_NAME;
	gss_buffer_desc secret = {password ? strlen(password) : 0, (void *)password};
	if (password)
		major = gss_acquire_cred_with_password(&minor, name, &secret, GSS_C_INDEFINITE,
						       &mechs, GSS_C_INITIATE, &client->credential,
						       NULL, NULL);
	else
		major = gss_acquire_cred(&minor, name, GSS_C_INDEFINITE, &mechs, GSS_C_INITIATE,
					 &client->credential, NULL, NULL);
	if (name)
		gss_release_name(&minor, &name);
	if (major != GSS_S_COMPLETE)
		return FALSE;
	/* SPNEGO must not offer anything else. */
	if (client->kind == GSS_NTLM || client->kind == GSS_KERBEROS) {
		gss_OID_set_desc only = {1, mech};
		gss_set_neg_mechs(&minor, client->credential, &only);
	}
	return TRUE;
}

struct gss_client *
gss_client_new(enum gss_kind kind, const char *user, const char *password)
{
	struct gss_client *client = g_new0(struct gss_client, 1);
	client->kind = kind;
	if (!acquire(client, user, password)) {
		gss_client_free(client);
		return NULL;
	}
	client->target = import("HTTP@localhost", GSS_C_NT_HOSTBASED_SERVICE);
	return client;
}

void
gss_client_free(struct gss_client *client)
{
	OM_uint32 minor;
	if (!client)
		return;
	gss_release_cred(&minor, &client->credential);
	gss_release_name(&minor, &client->target);
	gss_delete_sec_context(&minor, &client->context, GSS_C_NO_BUFFER);
	g_free(client);
}

static gss_OID
mech_of(const struct gss_client *client)
{
	switch (client->kind) {
	case GSS_NTLM_RAW:
		return &oid_ntlm;
	case GSS_KERBEROS_RAW:
		return &oid_krb5;
	default:
		return &oid_spnego;
	}
}

char *
gss_client_step(struct gss_client *client, const char *challenge)
{
	OM_uint32 minor;
	gsize len = 0;
	g_autofree guint8 *token = challenge ? g_base64_decode(challenge, &len) : NULL;
	gss_buffer_desc in = {len, token}, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 flags = GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_MUTUAL_FLAG |
			  GSS_C_SEQUENCE_FLAG | GSS_C_REPLAY_FLAG;
	OM_uint32 major = gss_init_sec_context(
		&minor, client->credential, &client->context, client->target, mech_of(client),
		flags, 0, GSS_C_NO_CHANNEL_BINDINGS, &in, NULL, &out, NULL, NULL);
	g_assert_false(GSS_ERROR(major));
	client->done = major == GSS_S_COMPLETE;
	if (out.length == 0)
		return NULL;
	g_autofree char *text = g_base64_encode(out.value, out.length);
	gss_release_buffer(&minor, &out);
	return g_strdup_printf("Authorization: %s %s\r\n", scheme(client), text);
}

/* The token in an answer, with the case it had: base64 does not live without. */
static char *
challenge_of(const struct reply *reply, const struct gss_client *client)
{
	g_autofree char *start = g_strdup_printf("\r\nWWW-Authenticate: %s ", scheme(client));
	const char *at = reply->raw_head ? strstr(reply->raw_head, start) : NULL;
	return at ? g_strndup(at + strlen(start), strcspn(at + strlen(start), "\r")) : NULL;
}

struct reply *
gss_client_login(struct gss_client *client, int fd)
{
	g_autofree char *challenge = NULL;
	struct reply *reply = NULL;
	for (;;) {
		g_autofree char *line = gss_client_step(client, challenge);
		if (!line)
			return reply;
		reply_free(reply);
		client_post(fd, line, "");
		reply = client_reply(fd, NULL);
		g_free(challenge);
		challenge = challenge_of(reply, client);
		if (!challenge || (reply->status != 401 && client->done))
			return reply;
	}
}

static void
wrap(struct gss_client *client, const char *body, GBytes **ret_signature, GBytes **ret_data)
{
	OM_uint32 minor;
	int confidential = 0;
	g_autofree char *text = g_strdup(body);
	gss_iov_buffer_desc iov[] = {
		{GSS_IOV_BUFFER_TYPE_HEADER | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, NULL}},
		{GSS_IOV_BUFFER_TYPE_DATA, {strlen(body), text}},
		{GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, NULL}},
	};
	gss_buffer_desc in = {strlen(body), text}, out;
	if (!is_ntlm(client)) {
		g_assert_cmpuint(gss_wrap_iov(&minor, client->context, 1, GSS_C_QOP_DEFAULT,
					      &confidential, iov, G_N_ELEMENTS(iov)),
				 ==, GSS_S_COMPLETE);
		*ret_signature = g_bytes_new(iov[0].buffer.value, iov[0].buffer.length);
		*ret_data = g_bytes_new(text, strlen(body));
		memset(text, 0, strlen(body));
		gss_release_iov_buffer(&minor, iov, G_N_ELEMENTS(iov));
		return;
	}
	g_assert_cmpuint(
		gss_wrap(&minor, client->context, 1, GSS_C_QOP_DEFAULT, &in, &confidential, &out),
		==, GSS_S_COMPLETE);
	*ret_signature = g_bytes_new(out.value, 16);
	*ret_data = g_bytes_new((char *)out.value + 16, out.length - 16);
	gss_release_buffer(&minor, &out);
}

void
gss_client_post(struct gss_client *client, int fd, const char *body, gboolean tabs)
{
	g_autoptr(GBytes) signature = NULL, data = NULL;
	wrap(client, body, &signature, &data);
	g_autofree char *type = crypt_content_type(protocol(client));
	g_autoptr(GBytes) message =
		crypt_write(protocol(client), "application/soap+xml;charset=UTF-8", strlen(body),
			    signature, data, tabs);
	gsize len;
	const char *bytes = g_bytes_get_data(message, &len);
	client_text(fd,
		    "POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n"
		    "Content-Length: %zu\r\n\r\n",
		    type, len);
	client_send(fd, bytes, len);
}

char *
gss_client_open(struct gss_client *client, const struct reply *reply)
{
	g_autoptr(GError) error = NULL;
	struct crypt_message message = {0};
	OM_uint32 minor;
	int confidential = 0;
	g_autoptr(GBytes) body = g_bytes_new(reply->body->str, reply->body->len);
	g_autofree char *type = crypt_content_type(protocol(client));
	g_assert_true(crypt_parse(type, protocol(client), body, &message, &error));
	g_assert_no_error(error);
	/* Signature and data follow each other in the body: one token. */
	gss_buffer_desc in = {message.signature_len + message.data_len, (void *)message.signature};
	gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
	g_assert_cmpuint(gss_unwrap(&minor, client->context, &in, &out, &confidential, NULL), ==,
			 GSS_S_COMPLETE);
	g_assert_true(confidential);
	g_assert_cmpuint(out.length, ==, message.length);
	char *text = g_strndup(out.value, out.length);
	gss_release_buffer(&minor, &out);
	crypt_message_clear(&message);
	return text;
}
