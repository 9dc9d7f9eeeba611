/* A client of Negotiate and of Microsoft's message encryption: GSSAPI's other end. */
#pragma once

#include "cimd_fixture.h"

enum gss_kind { GSS_NTLM_RAW, GSS_NTLM, GSS_KERBEROS, GSS_KERBEROS_RAW };

struct gss_client;

/* @user and @password may be NULL with Kerberos: what the environment has. NULL when there is no
 * such mechanism here. */
struct gss_client *gss_client_new(enum gss_kind kind, const char *user, const char *password);
void gss_client_free(struct gss_client *client);
CAIRN_DEFINE_AUTO(gss_client, gss_client_free)

/* The next Authorization header line for an answer's token (NULL at the beginning); NULL when the
 * client has all it needs. free with g_free(). */
char *gss_client_step(struct gss_client *client, const char *challenge);
/* Asks with an empty body until the server is content; returns the last answer. */
struct reply *gss_client_login(struct gss_client *client, int fd);

/* A POST with an encrypted body. */
void gss_client_post(struct gss_client *client, int fd, const char *body, gboolean tabs);
/* The text of an encrypted answer; fails the test when it is not one. free with g_free(). */
char *gss_client_open(struct gss_client *client, const struct reply *reply);
