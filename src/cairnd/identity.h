/* Which of the system's groups a user is in. Blocks: the answer may come from a directory server.
 */
#pragma once

#include <glib.h>

#define IDENTITY_GROUPS_MAX 65536 /* of one user: the kernel's NGROUPS_MAX */

/* Those of @wanted that @user is in, also by its primary group; none when the system does not know
 * the user, as with some of Kerberos. Any thread. Free with g_strfreev(). */
char **identity_unix_groups(const char *user, char *const *wanted);
