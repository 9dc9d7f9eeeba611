/* What auth_gss.c and crypt_gss.c share: a GSSAPI context of one connection. */
#pragma once

#include "cimd/auth_header.h"
#include "cimd/auth_private.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

struct gss_session {
	enum auth_scheme scheme;
	gss_ctx_id_t context;
	guint legs;
	gint64 started; /* monotonic */
	gboolean established, ntlm;
	OM_uint32 flags;
	char *principal; /* as the mechanism writes it */
	char *user;	 /* local; NULL: no match */
};

/* The mechanism's words for a failure; free with g_free(). */
char *gss_problem(OM_uint32 major, OM_uint32 minor);
