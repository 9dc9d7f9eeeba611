/* Tables of names: "NAME=USER", a line each. */
#include "cimd/auth_private.h"
#include "cimd/limits.h"

#include "base/error.h"

struct auth_map {
	GHashTable *users; /* name to user */
};

static gboolean
add_line(struct auth_map *map, const char *line, const char *what, GError **error)
{
	/* The last '=': names of certificates may have some. */
	const char *equals = strrchr(line, '=');
	g_autofree char *name = equals ? g_strndup(line, (gsize)(equals - line)) : NULL;
	g_autofree char *user = equals ? g_strdup(equals + 1) : NULL;
	if (!equals || !*g_strstrip(name) || !*g_strstrip(user) || strlen(user) > AUTH_USER_MAX)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "%s: \"%s\" is not NAME=USER", what,
				  line);
	if (g_hash_table_contains(map->users, name))
		return cairn_fail(error, CAIRN_ERROR_INVALID, "%s: \"%s\" is there twice", what,
				  name);
	g_hash_table_insert(map->users, g_steal_pointer(&name), g_steal_pointer(&user));
	return TRUE;
}

struct auth_map *
auth_map_new(char *const *lines, const char *what, GError **error)
{
	cairn_auto(auth_map) map = g_new0(struct auth_map, 1);
	map->users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (; lines && *lines; lines++) {
		if (!add_line(map, *lines, what, error))
			return NULL;
		if (g_hash_table_size(map->users) > AUTH_MAP_MAX) {
			cairn_fail(error, CAIRN_ERROR_LIMIT, "%s: more than %d lines", what,
				   AUTH_MAP_MAX);
			return NULL;
		}
	}
	return g_steal_pointer(&map);
}

void
auth_map_free(struct auth_map *map)
{
	if (!map)
		return;
	g_hash_table_unref(map->users);
	g_free(map);
}

const char *
auth_map_find(const struct auth_map *map, const char *name)
{
	return g_hash_table_lookup(map->users, name);
}

gboolean
auth_map_empty(const struct auth_map *map)
{
	return g_hash_table_size(map->users) == 0;
}
