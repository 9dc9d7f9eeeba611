/* The daemon of another host: the requests of the control socket, made out of WS-Management
 * operations on Hyper-V's classes. What the classes do not carry is null in answers, and an INVALID
 * error when it is asked for. Nothing here keeps state but the connection. */
#pragma once

#include "base/auto.h"
#include "base/json.h"

#include <glib.h>

#define REMOTE_ITEMS_MAX 100000 /* objects of one class */

/* Who and where; NULL: not given. Borrowed. */
struct remote_login {
	const char *url;	   /* https://HOST[:PORT][/PATH], or http: on loopback only */
	const char *user;	   /* NAME or NAME:PASSWORD */
	const char *password_file; /* its first line */
	const char *cacert;	   /* PEM; else the system's */
	const char *cert, *key;	   /* PEM, of the client */
	gboolean negotiate;	   /* Kerberos or NTLM */
};

struct remote;

/* Does not connect yet. Asks for the password on the terminal when there is a user and neither
 * @login nor CAIRN_PASSWORD has one. INVALID: what cannot be. */
struct remote *remote_new(const struct remote_login *login, GError **error);
void remote_free(struct remote *remote);
CAIRN_DEFINE_AUTO(remote, remote_free)

/* As control_client_call(): @arguments (may be NULL) stays the caller's, a new reference comes
 * back. A request that takes several operations stops at the first that fails. PEER: the host does
 * not answer, so that trying again may help. */
json_t *remote_call(struct remote *remote, const char *request, const json_t *arguments,
		    GError **error);
