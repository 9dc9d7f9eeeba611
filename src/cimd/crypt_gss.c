/* What is inside an encrypted message: wrapping and unwrapping with the connection's context. */
#include "cimd/auth_gss.h"
#include "cimd/crypt.h"
#include "cimd/limits.h"

#include "base/error.h"

#define NTLM_SIGNATURE 16 /* [MS-NLMP] section 2.2.2.9 */

const char *
auth_session_seal_protocol(const struct auth_session *session)
{
	return session->gss->scheme == SCHEME_KERBEROS
		       ? "application/HTTP-Kerberos-session-encrypted"
		       : "application/HTTP-SPNEGO-session-encrypted";
}

static gboolean
fail(GError **error, OM_uint32 major, OM_uint32 minor)
{
	g_autofree char *problem = gss_problem(major, minor);
	return cairn_fail(error, CAIRN_ERROR_PEER, "%s", problem);
}

/* Signature and text together are one token of GSSAPI, for Kerberos too: the header says how far
 * the rest was turned (RFC 4121 section 4.2.5). */
GBytes *
auth_session_unseal(struct auth_session *session, const void *signature, gsize signature_len,
		    const void *data, gsize data_len, GError **error)
{
	OM_uint32 minor, ignored;
	int confidential = 0;
	gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
	g_autofree guint8 *token = g_malloc(signature_len + data_len);
	gss_buffer_desc in = {signature_len + data_len, token};
	memcpy(token, signature, signature_len);
	memcpy(token + signature_len, data, data_len);
	OM_uint32 major = gss_unwrap(&minor, session->gss->context, &in, &out, &confidential, NULL);
	if (major != GSS_S_COMPLETE) {
		gss_release_buffer(&ignored, &out);
		fail(error, major, minor);
		return NULL;
	}
	GBytes *plain = g_bytes_new(out.value, out.length);
	gss_release_buffer(&ignored, &out);
	if (!confidential) {
		g_bytes_unref(plain);
		cairn_fail(error, CAIRN_ERROR_DENIED, "it is signed but not encrypted");
		return NULL;
	}
	return plain;
}

/* gss-ntlmssp has no gss_wrap_iov(); its token is the signature and then the text. */
static gboolean
seal_ntlm(struct gss_session *gss, GBytes *plain, GBytes **ret_signature, GBytes **ret_data,
	  GError **error)
{
	OM_uint32 minor;
	int confidential = 0;
	gsize len;
	gss_buffer_desc in = {0}, out = GSS_C_EMPTY_BUFFER;
	in.value = (void *)g_bytes_get_data(plain, &len);
	in.length = len;
	OM_uint32 major =
		gss_wrap(&minor, gss->context, 1, GSS_C_QOP_DEFAULT, &in, &confidential, &out);
	if (major != GSS_S_COMPLETE)
		return fail(error, major, minor);
	gboolean ok = confidential && out.length > NTLM_SIGNATURE;
	if (ok) {
		*ret_signature = g_bytes_new(out.value, NTLM_SIGNATURE);
		*ret_data = g_bytes_new((guint8 *)out.value + NTLM_SIGNATURE,
					out.length - NTLM_SIGNATURE);
	}
	gss_release_buffer(&minor, &out);
	return ok || cairn_fail(error, CAIRN_ERROR_PEER, "the mechanism does not encrypt");
}

/* No buffer for a trailer: then it is turned into the header, as Windows has it. */
static gboolean
seal_krb5(struct gss_session *gss, GBytes *plain, GBytes **ret_signature, GBytes **ret_data,
	  GError **error)
{
	OM_uint32 minor;
	int confidential = 0;
	gsize len;
	const void *text = g_bytes_get_data(plain, &len);
	g_autofree guint8 *data = g_memdup2(text, len);
	gss_iov_buffer_desc iov[] = {
		{GSS_IOV_BUFFER_TYPE_HEADER | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, NULL}},
		{GSS_IOV_BUFFER_TYPE_DATA, {len, data}},
		{GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, NULL}},
	};
	OM_uint32 major = gss_wrap_iov(&minor, gss->context, 1, GSS_C_QOP_DEFAULT, &confidential,
				       iov, G_N_ELEMENTS(iov));
	if (major != GSS_S_COMPLETE)
		return fail(error, major, minor);
	if (confidential) {
		GByteArray *out = g_byte_array_sized_new((guint)(len + iov[2].buffer.length));
		g_byte_array_append(out, data, (guint)len);
		if (iov[2].buffer.length)
			g_byte_array_append(out, iov[2].buffer.value, (guint)iov[2].buffer.length);
		*ret_data = g_byte_array_free_to_bytes(out);
		*ret_signature = g_bytes_new(iov[0].buffer.value, iov[0].buffer.length);
	}
	gss_release_iov_buffer(&minor, iov, G_N_ELEMENTS(iov));
	return confidential ||
	       cairn_fail(error, CAIRN_ERROR_PEER, "the mechanism does not encrypt");
}

gboolean
auth_session_seal(struct auth_session *session, GBytes *plain, GBytes **ret_signature,
		  GBytes **ret_data, GError **error)
{
	return session->gss->ntlm ? seal_ntlm(session->gss, plain, ret_signature, ret_data, error)
				  : seal_krb5(session->gss, plain, ret_signature, ret_data, error);
}
