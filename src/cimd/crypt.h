/* Microsoft's message encryption over HTTP, the envelope only: multipart/encrypted bodies of two
 * parts, as [MS-WSMV] section 2.2.9.1 describes them and clients write them. Whose key it is,
 * auth.h knows; nothing is encrypted here. */
#pragma once

#include <glib.h>

#define CRYPT_SIGNATURE_MAX 4096 /* bytes; Kerberos has about 60, NTLM 16 */

struct crypt_message {
	char *content_type; /* of what is inside; free with crypt_message_clear() */
	guint64 length;	    /* what it says the plain text has, in bytes */
	gboolean tabs;	    /* its header lines begin with a tab */
	/* borrowed from the body */
	const guint8 *signature, *data;
	gsize signature_len, data_len;
};

/* Whether a Content-Type header (or NULL) is that of an encrypted message, of whatever protocol. */
gboolean crypt_is_sealed(const char *content_type);

/* Takes @body apart. INVALID when it is not exactly one message of @protocol
 * ("application/HTTP-SPNEGO-session-encrypted", ...), as the header @content_type announces. */
gboolean crypt_parse(const char *content_type, const char *protocol, GBytes *body,
		     struct crypt_message *ret_message, GError **error);
void crypt_message_clear(struct crypt_message *message);
/* INVALID when the decrypted text has not the length that the message said. */
gboolean crypt_check_length(const struct crypt_message *message, GBytes *plain, GError **error);

/* The reverse; @content_type NULL: application/octet-stream. */
GBytes *crypt_write(const char *protocol, const char *content_type, gsize length, GBytes *signature,
		    GBytes *data, gboolean tabs);
/* The Content-Type header that goes with it; free with g_free(). */
char *crypt_content_type(const char *protocol);
