/* The Authorization header, taken apart. A codec: it decides nothing. */
#pragma once

#include <glib.h>

enum auth_scheme {
	SCHEME_NONE = 0, /* not understood */
	SCHEME_BASIC,
	SCHEME_NEGOTIATE,
	SCHEME_KERBEROS,
	SCHEME_MUTUAL, /* "the certificate of this TLS connection says it" */
};

#define AUTH_MUTUAL "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

struct auth_header {
	enum auth_scheme scheme;
	guint8 *token; /* decoded, not empty; of NEGOTIATE and KERBEROS */
	gsize token_len;
	char *user, *password; /* of BASIC */
};

/* FALSE when it is broken, too long, or of no scheme of ours; then @ret_header is not touched. */
gboolean auth_header_parse(const char *value, struct auth_header *ret_header);
/* Wipes the password. */
void auth_header_clear(struct auth_header *header);
