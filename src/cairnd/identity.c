/* Users and groups of the system; see identity.h. */
#include "cairnd/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#define ENTRY_MAX (1 << 20) /* bytes of one entry of the databases: a group lists its members */

static gboolean
find_user(const char *user, gid_t *ret_gid)
{
	for (gsize size = 4096; size <= ENTRY_MAX; size *= 4) {
		g_autofree char *buffer = g_malloc(size);
		struct passwd entry, *found = NULL;
		int err = getpwnam_r(user, &entry, buffer, size, &found);
		if (found)
			*ret_gid = entry.pw_gid;
		if (err != ERANGE)
			return found != NULL;
	}
	return FALSE;
}

static gboolean
find_group(const char *name, gid_t *ret_gid)
{
	for (gsize size = 4096; size <= ENTRY_MAX; size *= 4) {
		g_autofree char *buffer = g_malloc(size);
		struct group entry, *found = NULL;
		int err = getgrnam_r(name, &entry, buffer, size, &found);
		if (found)
			*ret_gid = entry.gr_gid;
		if (err != ERANGE)
			return found != NULL;
	}
	return FALSE;
}

/* Of gid_t; NULL when there are too many. */
static GArray *
groups_of(const char *user, gid_t primary)
{
	g_autoptr(GArray) gids = g_array_new(FALSE, TRUE, sizeof(gid_t));
	for (int size = 64, n; size <= IDENTITY_GROUPS_MAX; size *= 2) {
		g_array_set_size(gids, (guint)size);
		n = size;
		if (getgrouplist(user, primary, (gid_t *)gids->data, &n) >= 0) {
			g_array_set_size(gids, (guint)n);
			return g_steal_pointer(&gids);
		}
	}
	return NULL;
}

static gboolean
contains(const GArray *gids, gid_t gid)
{
	for (guint i = 0; i < gids->len; i++)
		if (g_array_index(gids, gid_t, i) == gid)
			return TRUE;
	return FALSE;
}

char **
identity_unix_groups(const char *user, char *const *wanted)
{
	g_autoptr(GStrvBuilder) found = g_strv_builder_new();
	gid_t gid;
	g_autoptr(GArray) gids = find_user(user, &gid) ? groups_of(user, gid) : NULL;
	for (char *const *name = wanted; gids && *name; name++)
		if (find_group(*name, &gid) && contains(gids, gid))
			g_strv_builder_add(found, *name);
	return g_strv_builder_end(found);
}
