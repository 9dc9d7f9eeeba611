/* The gate; see gate.h. Unix groups are looked up by a thread, because NSS may ask a server that is
 * gone, and kept for a short while, so that a client's requests do not each cost a look-up. */
#include "cairnd/gate.h"

#include "cairnd/access.h"
#include "cairnd/engine_schedules.h"
#include "cairnd/handlers.h"
#include "cairnd/identity.h"

#include "base/error.h"
#include "base/json.h"

#include <pwd.h>
#include <unistd.h>

#define KNOWN_MAX     1024 /* users */
#define KNOWN_SECONDS 30   /* how long a change of the groups of a user may go unseen */

typedef void (*gate_fn)(struct daemon *daemon, struct control_call *call, const char *user,
			char *const *unix_groups);

struct waiter {
	struct control_call *call;
	gate_fn then;
};

/* What is known of one user. */
struct known {
	char **groups;	 /* NULL: never looked up */
	gint64 until;	 /* monotonic */
	gboolean asking; /* a look-up is under way */
	GArray *waiting; /* struct waiter, in the order they came */
};

struct gate {
	struct access *access;
	GHashTable *users; /* name -> struct known */
	gboolean has_front_end;
	guint front_end_gid;
};

static void
known_free(gpointer data)
{
	struct known *known = data;
	g_strfreev(known->groups);
	g_array_unref(known->waiting);
	g_free(known);
}

void
gate_free(struct gate *gate)
{
	if (!gate)
		return;
	access_free(gate->access);
	g_hash_table_unref(gate->users);
	g_free(gate);
}

struct gate *
gate_new(const struct config *config, GError **error)
{
	struct access *access =
		access_new(config->observers, config->operators, config->administrators, error);
	if (!access)
		return NULL;
	const struct passwd *entry =
		*config->front_end_user ? getpwnam(config->front_end_user) : NULL;
	access_set_peers(access, geteuid(), entry != NULL, entry ? entry->pw_uid : 0);
	struct gate *gate = g_new0(struct gate, 1);
	gate->access = access;
	gate->users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, known_free);
	gate->has_front_end = entry != NULL;
	gate->front_end_gid = entry ? entry->pw_gid : 0;
	if (*config->front_end_user && !entry)
		g_info("there is no user \"%s\": no front end can come in", config->front_end_user);
	return gate;
}

gboolean
gate_front_end(const struct gate *gate, guint *ret_gid)
{
	*ret_gid = gate->front_end_gid;
	return gate->has_front_end;
}

/* ---- the groups of a user ---- */

struct lookup {
	struct daemon *daemon;
	char *user;
	char *const *wanted;
	char **found;
};

static void
lookup_free(gpointer data)
{
	struct lookup *lookup = data;
	g_free(lookup->user);
	g_strfreev(lookup->found);
	g_free(lookup);
}

static void
lookup_work(struct task *task)
{
	struct lookup *lookup = task->user;
	lookup->found = identity_unix_groups(lookup->user, lookup->wanted);
}

static void
lookup_done(struct task *task)
{
	struct lookup *lookup = task->user;
	struct known *known = g_hash_table_lookup(lookup->daemon->gate->users, lookup->user);
	g_autoptr(GArray) waiting = known->waiting;
	g_autofree char *user = g_strdup(lookup->user);
	g_strfreev(known->groups);
	known->groups = g_steal_pointer(&lookup->found);
	known->until = g_get_monotonic_time() + KNOWN_SECONDS * G_USEC_PER_SEC;
	known->asking = FALSE;
	known->waiting = g_array_new(FALSE, FALSE, sizeof(struct waiter));
	/* A handler may come back here and make room. */
	g_auto(GStrv) groups = g_strdupv(known->groups);
	for (guint i = 0; i < waiting->len; i++) {
		const struct waiter *waiter = &g_array_index(waiting, struct waiter, i);
		waiter->then(lookup->daemon, waiter->call, user, groups);
	}
}

static gboolean
is_idle(gpointer key, gpointer value, gpointer unused)
{
	return !((const struct known *)value)->asking;
}

static struct known *
get_known(struct gate *gate, const char *user)
{
	struct known *known = g_hash_table_lookup(gate->users, user);
	if (known)
		return known;
	if (g_hash_table_size(gate->users) >= KNOWN_MAX)
		g_hash_table_foreach_remove(gate->users, is_idle, NULL);
	known = g_new0(struct known, 1);
	known->waiting = g_array_new(FALSE, FALSE, sizeof(struct waiter));
	g_hash_table_insert(gate->users, g_strdup(user), known);
	return known;
}

static void
look_up(struct daemon *daemon, struct known *known, const char *user)
{
	struct task *task = task_new(daemon->world, lookup_work, lookup_done);
	struct lookup *lookup = g_new0(struct lookup, 1);
	*lookup = (struct lookup){daemon, g_strdup(user), access_unix_groups(daemon->gate->access),
				  NULL};
	task->user = lookup;
	task->user_free = lookup_free;
	task->urgent = TRUE;
	known->asking = TRUE;
	task_start(task);
}

/* Goes on with @then at once when the groups of @user are known, or do not matter. */
static void
with_groups(struct daemon *daemon, struct control_call *call, const char *user, gate_fn then)
{
	if (!*access_unix_groups(daemon->gate->access)) {
		then(daemon, call, user, NULL);
		return;
	}
	struct known *known = get_known(daemon->gate, user);
	if (!known->asking && known->groups && g_get_monotonic_time() < known->until) {
		g_auto(GStrv) groups = g_strdupv(known->groups);
		then(daemon, call, user, groups);
		return;
	}
	struct waiter waiter = {call, then};
	g_array_append_val(known->waiting, waiter);
	if (!known->asking)
		look_up(daemon, known, user);
}

/* ---- what a request acts on ---- */

/* The name of the group, NULL when it is gone; FALSE: what was named is not there. */
static gboolean
find_group(const struct daemon *daemon, const struct control_call *call, const char **ret_group,
	   GError **error)
{
	const char *group_name = arg_string(call, "group"), *point_name = arg_string(call, "point"),
		   *job_name = arg_string(call, "job"),
		   *schedule_name = arg_string(call, "schedule");
	const char *id = group_name;
	*ret_group = NULL;
	if (point_name) {
		const struct point *point = engine_point(daemon->engine, point_name, error);
		if (!point)
			return FALSE;
		id = point->group;
	} else if (job_name) {
		const struct job *job = engine_job(daemon->engine, job_name, error);
		if (!job)
			return FALSE;
		id = job->group;
	} else if (schedule_name) {
		const struct schedule *schedule =
			engine_schedule_find(daemon->engine, schedule_name, error);
		if (!schedule)
			return FALSE;
		id = schedule->group;
	}
	const struct group *group = engine_group(daemon->engine, id, group_name ? error : NULL);
	*ret_group = group ? group->name : NULL;
	return group || !group_name;
}

/* ---- the gate ---- */

/* What fails may run a schedule of another group: not without the rights to it. */
static gboolean
check_recovery(const struct daemon *daemon, const struct control_call *call,
	       const struct access_identity *who, GError **error)
{
	const char *name = arg_string(call, "recovery"), *action = arg_string(call, "on-failure");
	if (!call->as || !name || g_strcmp0(action, recovery_action_name(RECOVERY_OTHER)) == 0)
		return TRUE;
	const struct schedule *schedule = engine_schedule_find(daemon->engine, name, error);
	return schedule &&
	       access_check(daemon->gate->access, who, call->request, schedule->group_name, error);
}

static gboolean
check(const struct daemon *daemon, const struct control_call *call, char *const *unix_groups,
      GError **error)
{
	const struct access *access = daemon->gate->access;
	struct access_identity who = {.uid = call->peer.uid,
				      .read_only = call->peer.read_only,
				      .front = call->peer.front,
				      .as = call->as,
				      .unix_groups = unix_groups};
	g_autoptr(GError) missing = NULL;
	g_auto(GStrv) groups = NULL;
	const char *group = NULL;
	if (call->as && call->request->role == ROLE_OPERATOR &&
	    !find_group(daemon, call, &group, &missing) &&
	    access_is_front_end(access, call->peer.uid) &&
	    access_role(access, call->as, unix_groups, &groups) > ROLE_NONE) {
		/* Who may read may know. The handler must not look again: it could find what has
		 * come since, and nobody would have asked whose it is. */
		g_propagate_error(error, g_steal_pointer(&missing));
		return FALSE;
	}
	return access_check(access, &who, call->request, group, error) &&
	       check_recovery(daemon, call, &who, error);
}

static void
decide(struct daemon *daemon, struct control_call *call, const char *user, char *const *unix_groups)
{
	GError *error = NULL;
	if (check(daemon, call, unix_groups, &error)) {
		handlers_call(call, daemon);
		return;
	}
	g_debug("user \"%s\": %s", control_call_user(call), error->message);
	call_fail(call, error);
}

void
gate_call(struct control_call *call, void *user_data)
{
	struct daemon *daemon = user_data;
	/* A peer that may not name a user does not make us look one up. */
	if (call->as && access_is_front_end(daemon->gate->access, call->peer.uid))
		with_groups(daemon, call, call->as, decide);
	else
		decide(daemon, call, NULL, NULL);
}

static void
tell_access(struct daemon *daemon, struct control_call *call, const char *user,
	    char *const *unix_groups)
{
	g_auto(GStrv) groups = NULL;
	enum request_role role = access_role(daemon->gate->access, user, unix_groups, &groups);
	json_t *json = json_object();
	cairn_json_set_string(json, "user", user);
	cairn_json_set_string(json, "role", request_role_name(role));
	cairn_json_set_strv(json, "groups", groups);
	control_call_return(call, json);
}

void
handle_query_access(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	const char *user = arg_string(call, "user");
	if (control_user_check(user, &error))
		with_groups(daemon, call, user, tell_access);
	else
		call_fail(call, error);
}
