/* Who is allowed to ask: the ways of authentication that the configuration offers. auth.c holds the
 * table of schemes, auth_*.c one way each. What a user may do is decided elsewhere. */
#pragma once

#include "base/auto.h"

#include <glib.h>

struct auth_config {
	char **modes;		   /* basic, negotiate, cert, none; at least one */
	gboolean allow_http_basic; /* passwords in the clear over http:// */
	gboolean allow_plain;	   /* plain bodies after Negotiate over http:// */
	char *pam_service;	   /* "" or NULL: cairn-cimd */
	char *none_user;      /* who everybody on loopback is with "none"; "" or NULL: ourselves */
	char *keytab;	      /* "" or NULL: the system's */
	char **principal_map; /* "PRINCIPAL=USER"; empty: gss_localname() decides */
	char **cert_map; /* "cn:NAME=USER", "dns:NAME=USER", "email:...", "upn:...", "uri:..." */
};

/* The process that keeps the rights PAM needs (auth_helper.c). */
struct auth_helper;

/* Forks it. To be called first thing in main(): before any thread, before rights are given up.
 * @service: the name of a file in /etc/pam.d, or the path of one elsewhere; "" or NULL: cairn-cimd.
 * The helper ends when we do. */
struct auth_helper *auth_helper_start(const char *service, GError **error);
/* Before or after the auth that uses it. */
void auth_helper_free(struct auth_helper *helper);
CAIRN_DEFINE_AUTO(auth_helper, auth_helper_free)

/* Whether auth_new() would understand it, without a key or a helper. INVALID. */
gboolean auth_config_check(const struct auth_config *config, GError **error);

struct auth;

/* @config is copied. @helper is borrowed, and may be NULL when "basic" is not offered. INVALID for
 * unknown modes and broken maps. */
struct auth *auth_new(const struct auth_config *config, struct auth_helper *helper, GError **error);
void auth_free(struct auth *auth);
CAIRN_DEFINE_AUTO(auth, auth_free)
