/* Who may do what: every request of the table by every kind of peer and every role. */
#include "base/error.h"
#include "cairnd/access.h"
#include "cairnd/identity.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum { ROOT = 0, OWN = 900, FRONT = 901, OTHER = 1000, NOBODY = -1 };

static struct access *
make(gboolean has_front_end)
{
	static char *observers[] = {"olga", "@watchers", NULL};
	static char *operators[] = {
		"otto:web,db",		"otto:mail",	       "@movers:web", "omar:*", "olga:lab",
		"EXAMPLE\\ann lee:web", "kim@EXAMPLE.COM:web", NULL};
	static char *administrators[] = {"adam", "@bosses", NULL};
	g_autoptr(GError) error = NULL;
	struct access *access = access_new(observers, operators, administrators, &error);
	g_assert_no_error(error);
	access_set_peers(access, OWN, has_front_end, FRONT);
	return access;
}

/* ---- peers without "as" ---- */

enum may { NOTHING, READS, READS_AS_OBSERVER, EVERYTHING };

static gboolean
expected(enum may may, const struct request *request)
{
	switch (may) {
	case READS: /* a front end may also ask what its users may */
		return request->flags & REQUEST_READ;
	case READS_AS_OBSERVER:
		return request->role == ROLE_OBSERVER;
	case EVERYTHING:
		return TRUE;
	default:
		return FALSE;
	}
}

static void
expect(const struct access *access, const struct access_identity *who,
       const struct request *request, const char *group, gboolean allowed)
{
	g_autoptr(GError) error = NULL;
	gboolean got = access_check(access, who, request, group, &error);
	if (got != allowed)
		g_error("%s by uid %u%s as %s on group %s: %s", request->name, who->uid,
			who->read_only ? " (reading)" : "", who->as, group,
			got ? "allowed" : error->message);
	if (!allowed)
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_DENIED);
}

static void
test_peers(void)
{
	static const struct {
		int uid;
		enum { MAIN, READING, FRONT_DOOR } socket;
		gboolean has_front_end;
		enum may may;
	} rows[] = {
		{ROOT, MAIN, TRUE, EVERYTHING},
		{ROOT, READING, TRUE, EVERYTHING}, /* the server refuses changes there */
		{OWN, MAIN, TRUE, EVERYTHING},
		{OTHER, MAIN, TRUE, EVERYTHING}, /* of the socket's group */
		{OTHER, READING, TRUE, READS_AS_OBSERVER},
		{FRONT, MAIN, TRUE, READS}, /* of the socket's group too: does not count */
		{FRONT, READING, TRUE, READS},
		{FRONT, READING, FALSE, READS_AS_OBSERVER},
		{NOBODY, MAIN, TRUE, NOTHING},
		{NOBODY, READING, TRUE, NOTHING},
		{NOBODY, MAIN, FALSE, NOTHING},
		{ROOT, FRONT_DOOR, TRUE, EVERYTHING},
		{OWN, FRONT_DOOR, TRUE, EVERYTHING},
		{FRONT, FRONT_DOOR, TRUE, READS},
		{OTHER, FRONT_DOOR, TRUE, NOTHING}, /* its group is the front end's */
		{FRONT, FRONT_DOOR, FALSE, NOTHING},
	};
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		cairn_auto(access) access = make(rows[i].has_front_end);
		struct access_identity who = {.uid = (guint)rows[i].uid,
					      .read_only = rows[i].socket == READING,
					      .front = rows[i].socket == FRONT_DOOR};
		for (const struct request *request = requests; request->name; request++)
			expect(access, &who, request, "web", expected(rows[i].may, request));
	}
}

/* Before the peers are known nobody has a right. */
static void
test_no_peers(void)
{
	cairn_auto(access) access = access_new(NULL, NULL, NULL, NULL);
	for (guint i = 0; i < 2; i++) {
		struct access_identity who = {.uid = ROOT, .as = i ? "adam" : NULL};
		for (const struct request *request = requests; request->name; request++)
			expect(access, &who, request, "web", FALSE);
	}
}

/* ---- users of a front end ---- */

static const struct {
	const char *user;
	const char *in[3]; /* its Unix groups */
	enum request_role role;
	const char *groups; /* it may act on, joined */
} users[] = {
	{"olga", {NULL}, ROLE_OPERATOR, "lab"},
	{"wim", {"watchers"}, ROLE_OBSERVER, ""},
	{"otto", {NULL}, ROLE_OPERATOR, "db,mail,web"},
	{"mona", {"movers"}, ROLE_OPERATOR, "web"},
	{"otto", {"movers", "watchers"}, ROLE_OPERATOR, "db,mail,web"},
	{"omar", {NULL}, ROLE_OPERATOR, "*"},
	{"adam", {NULL}, ROLE_ADMINISTRATOR, "*"},
	{"bea", {"bosses", "watchers"}, ROLE_ADMINISTRATOR, "*"},
	{"EXAMPLE\\ann lee", {NULL}, ROLE_OPERATOR, "web"},
	{"kim@EXAMPLE.COM", {NULL}, ROLE_OPERATOR, "web"},
	{"root", {NULL}, ROLE_NONE, ""}, /* a name from outside is only a name */
	{"cairn-cimd", {"cairn"}, ROLE_NONE, ""},
	{"Adam", {NULL}, ROLE_NONE, ""},
	{"ada", {NULL}, ROLE_NONE, ""},
	{"adam ", {NULL}, ROLE_NONE, ""},
	{"@bosses", {NULL}, ROLE_NONE, ""},   /* a user who is called as the entry of a group */
	{"bosses", {NULL}, ROLE_NONE, ""},    /* or as the group */
	{"omar:*", {NULL}, ROLE_NONE, ""},    /* or as a whole entry */
	{"mallory", {"adam"}, ROLE_NONE, ""}, /* in a group that is called as a user */
	{"", {NULL}, ROLE_NONE, ""},
};

static void
test_roles(void)
{
	cairn_auto(access) access = make(TRUE);
	for (guint i = 0; i < G_N_ELEMENTS(users); i++) {
		g_auto(GStrv) groups = NULL;
		enum request_role role =
			access_role(access, users[i].user, (char *const *)users[i].in, &groups);
		g_autofree char *joined = g_strjoinv(",", groups);
		g_assert_cmpint(role, ==, users[i].role);
		g_assert_cmpstr(joined, ==, users[i].groups);
	}
}

static gboolean
may(guint user, const struct request *request, const char *group)
{
	g_auto(GStrv) groups = g_strsplit(users[user].groups, ",", -1);
	if (request->role != ROLE_OPERATOR)
		return users[user].role >= request->role;
	return users[user].role >= ROLE_OPERATOR &&
	       (strcmp(users[user].groups, "*") == 0 ||
		(group && g_strv_contains((const char *const *)groups, group)));
}

/* By every peer: the right to name a user is the peer's, the right to act is the user's alone. */
static void
test_users(void)
{
	static const int peers[] = {ROOT, OWN, FRONT, OTHER, NOBODY};
	/* The last is of a group that is gone. */
	static const char *const groups[] = {"web", "db", "lab", "none", NULL};
	cairn_auto(access) access = make(TRUE);
	for (guint p = 0; p < G_N_ELEMENTS(peers); p++) {
		gboolean trusted = peers[p] != OTHER && peers[p] != NOBODY;
		g_assert_cmpint(access_is_front_end(access, (guint)peers[p]), ==, trusted);
		for (guint u = 0; u < G_N_ELEMENTS(users); u++)
			for (guint g = 0; g < G_N_ELEMENTS(groups); g++)
				for (const struct request *it = requests; it->name; it++) {
					struct access_identity who = {
						.uid = (guint)peers[p],
						.as = users[u].user,
						.unix_groups = (char *const *)users[u].in};
					expect(access, &who, it, groups[g],
					       trusted && may(u, it, groups[g]));
				}
	}
	cairn_auto(access) without = make(FALSE);
	g_assert_false(access_is_front_end(without, FRONT));
	g_assert_true(access_is_front_end(without, OWN));
}

/* An operator's request names what it acts on, so that the group can be found. */
static void
test_table(void)
{
	for (const struct request *request = requests; request->name; request++) {
		gboolean found = FALSE;
		for (guint i = 0; i < REQUEST_ARGS_MAX && request->args[i].name; i++)
			found |= request->args[i].required &&
				 (strcmp(request->args[i].name, "group") == 0 ||
				  strcmp(request->args[i].name, "point") == 0 ||
				  strcmp(request->args[i].name, "job") == 0 ||
				  strcmp(request->args[i].name, "schedule") == 0);
		g_assert_cmpint(request->role, >, ROLE_NONE);
		g_assert_cmpint(request->role, <=, ROLE_ADMINISTRATOR);
		g_assert_true(found || request->role != ROLE_OPERATOR);
		/* What changes something is never an observer's. */
		g_assert_true(request->flags & REQUEST_READ || request->role > ROLE_OBSERVER);
	}
}

static void
says(const char *as, int uid, const char *name, const char *group, const char *words)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(access) access = make(TRUE);
	struct access_identity who = {.uid = (guint)uid, .as = as};
	g_assert_false(access_check(access, &who, request_find(name), group, &error));
	if (!strstr(error->message, words))
		g_error("\"%s\" does not say \"%s\"", error->message, words);
}

static void
test_words(void)
{
	says("eve", FRONT, "job-list", NULL, "needs the role observer, which user \"eve\" has not");
	says("eve", FRONT, "job-list", NULL, "add \"eve\" to observer in [access] of cairn.conf");
	says("olga", FRONT, "backup", "web", "needs the role operator for group \"web\"");
	says("olga", FRONT, "backup", "web", "add \"olga:web\" to operator in [access]");
	says("otto", FRONT, "group-delete", "web", "add \"otto\" to administrator in [access]");
	says(NULL, FRONT, "backup", "web", "without a user");
	says("adam", OTHER, "job-list", NULL, "front-end-user");
}

/* ---- the configuration ---- */

static void
refused(enum request_role role, const char *entry, const char *words)
{
	g_autoptr(GError) error = NULL;
	char *list[] = {(char *)entry, NULL};
	char **lists[] = {NULL, NULL, NULL, NULL};
	lists[role] = list;
	cairn_auto(access) access = access_new(lists[ROLE_OBSERVER], lists[ROLE_OPERATOR],
					       lists[ROLE_ADMINISTRATOR], &error);
	g_assert_null(access);
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	if (!strstr(error->message, words))
		g_error("\"%s\" does not say \"%s\"", error->message, words);
}

static void
test_entries(void)
{
	refused(ROLE_OBSERVER, "", "observer");
	refused(ROLE_OBSERVER, "@", "observer");
	refused(ROLE_OBSERVER, "bob:web", "observer");
	refused(ROLE_ADMINISTRATOR, "a\nb", "administrator");
	refused(ROLE_ADMINISTRATOR, "\xff", "administrator");
	refused(ROLE_OPERATOR, "bob", "write \"bob:web,db\" or \"bob:*\"");
	refused(ROLE_OPERATOR, "bob:", "operator");
	refused(ROLE_OPERATOR, ":web", "the name is empty");
	refused(ROLE_OPERATOR, "a:b:web", "operator");
	refused(ROLE_OPERATOR, "bob:we b", "we b");
	refused(ROLE_OPERATOR, "bob:web,", "operator");
	refused(ROLE_OPERATOR, "bob:.", "operator");
}

static void
test_limits(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (guint i = 0; i <= ACCESS_ENTRIES_MAX; i++)
		g_ptr_array_add(names, (gpointer) "bob");
	g_ptr_array_add(names, NULL);
	g_assert_null(access_new((char **)names->pdata, NULL, NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	g_clear_error(&error);
	g_autoptr(GString) entry = g_string_new("bob:web");
	for (guint i = 0; i < ACCESS_NAMES_MAX; i++)
		g_string_append(entry, ",web");
	char *list[] = {entry->str, NULL};
	g_assert_null(access_new(NULL, list, NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
}

/* ---- the system's groups ---- */

static void
test_identity(void)
{
	const struct passwd *user = getpwuid(getuid());
	const struct group *group = user ? getgrgid(user->pw_gid) : NULL;
	if (!group) {
		g_test_skip("this user or its group has no name");
		return;
	}
	g_autofree char *user_name = g_strdup(user->pw_name), *name = g_strdup(group->gr_name);
	char *wanted[] = {"no-such-group-of-cairn", name, NULL};
	g_auto(GStrv) found = identity_unix_groups(user_name, wanted);
	g_assert_cmpuint(g_strv_length(found), ==, 1);
	g_assert_cmpstr(found[0], ==, name);
	g_auto(GStrv) none = identity_unix_groups("no-such-user-of-cairn", wanted);
	g_assert_cmpuint(g_strv_length(none), ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/access/table", test_table);
	g_test_add_func("/access/peers", test_peers);
	g_test_add_func("/access/no-peers", test_no_peers);
	g_test_add_func("/access/roles", test_roles);
	g_test_add_func("/access/users", test_users);
	g_test_add_func("/access/words", test_words);
	g_test_add_func("/access/entries", test_entries);
	g_test_add_func("/access/limits", test_limits);
	g_test_add_func("/access/identity", test_identity);
	return g_test_run();
}
