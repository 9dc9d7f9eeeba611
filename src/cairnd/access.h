/* Who may do what: the roles of cairn.conf and one decision over them. Pure: who a peer is, the
 * server says; which Unix groups a user is in, identity.c finds out.
 *
 *   peer                               "as"    acts with the rights of
 *   root, cairnd's own user            none    an administrator
 *   another, on control.sock           none    an administrator: the file's mode let it in
 *   another, on control-ro.sock        none    an observer
 *   another, on control-front.sock     none    nobody
 *   the front end's user               none    nobody: it may read, whichever socket it uses
 *   root, cairnd's own, the front end  USER    USER, by the table of roles only
 *   another                            USER    nobody: it is refused
 *
 * No row gives a right because something is absent: the front end's missing "as" takes rights away
 * (CVE-2021-38647 was the opposite). */
#pragma once

#include "base/auto.h"
#include "control/requests.h"

#include <glib.h>

#define ACCESS_ENTRIES_MAX 1024 /* of one role */
#define ACCESS_NAMES_MAX   1024 /* groups of one entry */

struct access;

/* The lists of the three keys in [access]. INVALID names the key and the entry. */
struct access *access_new(char *const *observers, char *const *operators,
			  char *const *administrators, GError **error);
void access_free(struct access *access);
CAIRN_DEFINE_AUTO(access, access_free)
/* @front_end: uid of the front end's user, if @has_front_end. Without this call, nobody. */
void access_set_peers(struct access *access, guint own, gboolean has_front_end, guint front_end);
/* The Unix groups that have a role: only these need to be looked up. Borrowed, NULL-terminated. */
char *const *access_unix_groups(const struct access *access);

struct access_identity {
	guint uid;		  /* of the peer; (guint)-1: not known */
	gboolean read_only;	  /* it came through control-ro.sock */
	gboolean front;		  /* it came through control-front.sock */
	const char *as;		  /* user that it speaks for; NULL */
	char *const *unix_groups; /* of `as`, out of access_unix_groups(); NULL: none */
};

/* Whether the peer may name a user in "as". */
gboolean access_is_front_end(const struct access *access, guint uid);

/* Whether @request may be made; @group is the name of the cairn group that it acts on, NULL: it
 * acts on none, or on one that is gone. DENIED says which role is missing and how to give it. */
gboolean access_check(const struct access *access, const struct access_identity *who,
		      const struct request *request, const char *group, GError **error);

/* What @user, in @unix_groups, has: the highest role, and the groups it may act on (["*"]: all),
 * sorted; free with g_strfreev(). */
enum request_role access_role(const struct access *access, const char *user,
			      char *const *unix_groups, char ***ret_groups);
