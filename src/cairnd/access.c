/* Roles; see access.h. */
#include "cairnd/access.h"

#include "base/error.h"
#include "core/group.h"

#include <string.h>

#define ALL_GROUPS "*"

/* A user or "@GROUP", and what it may act on. */
struct entry {
	char *name;
	char **groups; /* NULL but for operators */
};

struct access {
	GPtrArray *roles[ROLE_ADMINISTRATOR + 1]; /* struct entry; by enum request_role */
	GPtrArray *unix_groups;			  /* char *, NULL-terminated */
	gboolean has_peers, has_front_end;
	guint own, front_end;
};

static void
entry_free(struct entry *entry)
{
	g_free(entry->name);
	g_strfreev(entry->groups);
	g_free(entry);
}

void
access_free(struct access *access)
{
	if (!access)
		return;
	for (guint i = 0; i < G_N_ELEMENTS(access->roles); i++)
		if (access->roles[i])
			g_ptr_array_unref(access->roles[i]);
	g_ptr_array_unref(access->unix_groups);
	g_free(access);
}

/* ---- the configuration ---- */

static gboolean
check_name(const char *key, const char *text, const char *name, GError **error)
{
	gboolean ok = g_utf8_validate(name, -1, NULL) && *name && strcmp(name, "@") != 0;
	for (const char *at = name; ok && *at; at = g_utf8_next_char(at))
		ok = *at != ':' && !g_unichar_iscntrl(g_utf8_get_char(at));
	return ok || cairn_fail(error, CAIRN_ERROR_INVALID,
				"%s: \"%s\" must be a user or, as @NAME, a group of the system%s",
				key, text, *name ? "" : ": the name is empty");
}

static gboolean
parse_groups(const char *key, const char *text, const char *list, char ***ret_groups,
	     GError **error)
{
	g_auto(GStrv) groups = g_strsplit(list, ",", ACCESS_NAMES_MAX + 1);
	if (g_strv_length(groups) > ACCESS_NAMES_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "%s: more than %d groups in one entry",
				  key, ACCESS_NAMES_MAX);
	for (char **group = groups; *group; group++)
		if (strcmp(g_strstrip(*group), ALL_GROUPS) != 0 &&
		    !group_name_check(*group, error)) {
			g_prefix_error(error, "%s: \"%s\": ", key, text);
			return FALSE;
		}
	*ret_groups = g_steal_pointer(&groups);
	return **ret_groups != NULL ||
	       cairn_fail(error, CAIRN_ERROR_INVALID, "%s: \"%s\" names no groups", key, text);
}

/* Operators are "NAME:GROUP,GROUP" or "NAME:*"; the others "NAME". */
static gboolean
parse_entry(struct access *access, enum request_role role, const char *text, GError **error)
{
	const char *key = request_role_name(role);
	const char *colon = role == ROLE_OPERATOR ? strrchr(text, ':') : NULL;
	struct entry *entry = g_new0(struct entry, 1);
	g_ptr_array_add(access->roles[role], entry);
	entry->name = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
	g_strstrip(entry->name);
	if (role == ROLE_OPERATOR && !colon)
		return cairn_fail(
			error, CAIRN_ERROR_INVALID,
			"%s: \"%s\" does not say for which groups: write \"%s:web,db\" or "
			"\"%s:*\"",
			key, text, text, text);
	if (!check_name(key, text, entry->name, error) ||
	    (colon && !parse_groups(key, text, colon + 1, &entry->groups, error)))
		return FALSE;
	if (entry->name[0] == '@' &&
	    !g_ptr_array_find_with_equal_func(access->unix_groups, entry->name + 1, g_str_equal,
					      NULL))
		g_ptr_array_add(access->unix_groups, g_strdup(entry->name + 1));
	return TRUE;
}

static gboolean
parse_role(struct access *access, enum request_role role, char *const *list, GError **error)
{
	access->roles[role] = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
	for (char *const *text = list; text && *text; text++) {
		if (access->roles[role]->len >= ACCESS_ENTRIES_MAX)
			return cairn_fail(error, CAIRN_ERROR_LIMIT, "%s: more than %d entries",
					  request_role_name(role), ACCESS_ENTRIES_MAX);
		if (!parse_entry(access, role, *text, error))
			return FALSE;
	}
	return TRUE;
}

struct access *
access_new(char *const *observers, char *const *operators, char *const *administrators,
	   GError **error)
{
	cairn_auto(access) access = g_new0(struct access, 1);
	access->unix_groups = g_ptr_array_new_with_free_func(g_free);
	if (!parse_role(access, ROLE_OBSERVER, observers, error) ||
	    !parse_role(access, ROLE_OPERATOR, operators, error) ||
	    !parse_role(access, ROLE_ADMINISTRATOR, administrators, error))
		return NULL;
	g_ptr_array_add(access->unix_groups, NULL);
	return g_steal_pointer(&access);
}

void
access_set_peers(struct access *access, guint own, gboolean has_front_end, guint front_end)
{
	access->has_peers = TRUE;
	access->own = own;
	access->has_front_end = has_front_end;
	access->front_end = front_end;
}

char *const *
access_unix_groups(const struct access *access)
{
	return (char *const *)access->unix_groups->pdata;
}

/* ---- users ---- */

static gboolean
entry_is_of(const struct entry *entry, const char *user, char *const *unix_groups)
{
	if (entry->name[0] != '@')
		return strcmp(entry->name, user) == 0;
	return unix_groups && g_strv_contains((const char *const *)unix_groups, entry->name + 1);
}

static gint
by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Groups of all the entries that are of the user; they add up. */
static char **
operated_groups(const struct access *access, const char *user, char *const *unix_groups)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	const GPtrArray *entries = access->roles[ROLE_OPERATOR];
	for (guint i = 0; i < entries->len; i++) {
		const struct entry *entry = entries->pdata[i];
		if (!entry_is_of(entry, user, unix_groups))
			continue;
		for (char **group = entry->groups; *group; group++)
			if (!g_ptr_array_find_with_equal_func(all, *group, g_str_equal, NULL))
				g_ptr_array_add(all, *group);
	}
	static char everything[] = ALL_GROUPS;
	if (g_ptr_array_find_with_equal_func(all, everything, g_str_equal, NULL)) {
		g_ptr_array_set_size(all, 0);
		g_ptr_array_add(all, everything);
	}
	g_ptr_array_sort(all, by_text);
	g_ptr_array_add(all, NULL);
	return g_strdupv((char **)all->pdata);
}

static gboolean
is_in_role(const struct access *access, enum request_role role, const char *user,
	   char *const *unix_groups)
{
	const GPtrArray *entries = access->roles[role];
	for (guint i = 0; i < entries->len; i++)
		if (entry_is_of(entries->pdata[i], user, unix_groups))
			return TRUE;
	return FALSE;
}

enum request_role
access_role(const struct access *access, const char *user, char *const *unix_groups,
	    char ***ret_groups)
{
	static const char *const all[] = {ALL_GROUPS, NULL}, *const none[] = {NULL};
	enum request_role role = ROLE_ADMINISTRATOR;
	while (role > ROLE_NONE && !is_in_role(access, role, user, unix_groups))
		role--;
	if (role == ROLE_OPERATOR)
		*ret_groups = operated_groups(access, user, unix_groups);
	else
		*ret_groups = g_strdupv((char **)(role == ROLE_ADMINISTRATOR ? all : none));
	return role;
}

static gboolean
may_act_on(char *const *groups, const char *group)
{
	const char *const *list = (const char *const *)groups;
	return g_strv_contains(list, ALL_GROUPS) || (group && g_strv_contains(list, group));
}

static gboolean
check_user(const struct access *access, const struct access_identity *who,
	   const struct request *request, const char *group, GError **error)
{
	g_auto(GStrv) groups = NULL;
	enum request_role has = access_role(access, who->as, who->unix_groups, &groups);
	gboolean by_group = request->role == ROLE_OPERATOR;
	if (has >= request->role && (!by_group || may_act_on(groups, group)))
		return TRUE;
	const char *key = request_role_name(request->role);
	g_autofree char *where =
		by_group && group ? g_strdup_printf(" for group \"%s\"", group) : g_strdup("");
	g_autofree char *entry = by_group ? g_strdup_printf("%s:%s", who->as, group ? group : "*")
					  : g_strdup(who->as);
	return cairn_fail(error, CAIRN_ERROR_DENIED,
			  "request \"%s\" needs the role %s%s, which user \"%s\" has not: add "
			  "\"%s\" to %s in [access] of cairn.conf",
			  request->name, key, where, who->as, entry, key);
}

/* ---- peers ---- */

static gboolean
is_owner(const struct access *access, guint uid)
{
	return access->has_peers && (uid == 0 || uid == access->own);
}

static gboolean
is_configured(const struct access *access, guint uid)
{
	return access->has_peers && access->has_front_end && uid == access->front_end;
}

gboolean
access_is_front_end(const struct access *access, guint uid)
{
	return uid != (guint)-1 && (is_owner(access, uid) || is_configured(access, uid));
}

static enum request_role
peer_role(const struct access *access, const struct access_identity *who)
{
	if (!access->has_peers || who->uid == (guint)-1)
		return ROLE_NONE;
	if (is_owner(access, who->uid))
		return ROLE_ADMINISTRATOR;
	if (who->front)
		return ROLE_NONE;
	return who->read_only ? ROLE_OBSERVER : ROLE_ADMINISTRATOR;
}

static gboolean
check_peer(const struct access *access, const struct access_identity *who,
	   const struct request *request, GError **error)
{
	if (!is_owner(access, who->uid) && is_configured(access, who->uid))
		return (request->flags & REQUEST_READ) ||
		       cairn_fail(error, CAIRN_ERROR_DENIED,
				  "request \"%s\" came from the front end without a user (\"as\"): "
				  "in its own name it may only read",
				  request->name);
	if (peer_role(access, who) >= request->role)
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_DENIED,
			  "request \"%s\" needs the role %s: use control.sock, as root or in its "
			  "group",
			  request->name, request_role_name(request->role));
}

gboolean
access_check(const struct access *access, const struct access_identity *who,
	     const struct request *request, const char *group, GError **error)
{
	g_assert(request->role > ROLE_NONE);
	if (!who->as)
		return check_peer(access, who, request, error);
	if (!access_is_front_end(access, who->uid))
		return cairn_fail(error, CAIRN_ERROR_DENIED,
				  "only the front end (front-end-user in [access] of cairn.conf) "
				  "may ask for another user (\"as\")");
	return check_user(access, who, request, group, error);
}
