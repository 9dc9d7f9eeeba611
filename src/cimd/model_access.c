/* Whether a user may look at all: cairnd knows the roles and is asked, and what it said is
 * remembered for a few seconds. What a user may do, cairnd decides at each request. */
#include "cimd/model_private.h"

#include "base/error.h"
#include "base/json.h"

struct access {
	gboolean allowed;
	gint64 until; /* steady clock */
};

GHashTable *
model_access_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void
go_on(struct run *run, gboolean allowed)
{
	run_step_fn then = run->step;
	run->step = NULL;
	if (allowed)
		then(run);
	else
		run_refuse(run, CIM_ERR_ACCESS_DENIED, "user \"%s\" has no role in cairn",
			   run->user);
}

static void
on_access(struct run *run, const json_t *value, const GError *error)
{
	GHashTable *known = run->model->access;
	/* That cairnd is away or busy says nothing of the user. */
	if (error && !g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_INVALID) &&
	    !g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_DENIED)) {
		run_fail(run, g_error_copy(error));
		return;
	}
	if (error) {
		run_refuse(run, CIM_ERR_ACCESS_DENIED, "the roles of user \"%s\" are not known: %s",
			   run->user, error->message);
		return;
	}
	struct access *access = g_new0(struct access, 1);
	access->allowed = json_is_string(json_object_get(value, "role"));
	access->until = g_get_monotonic_time() + MODEL_ACCESS_AGE_USEC;
	if (g_hash_table_size(known) >= MODEL_ACCESS_MAX)
		g_hash_table_remove_all(known);
	gboolean allowed = access->allowed;
	g_hash_table_replace(known, g_strdup(run->user), access);
	go_on(run, allowed);
}

void
run_check_access(struct run *run, run_step_fn then)
{
	const struct access *access = g_hash_table_lookup(run->model->access, run->user);
	run->step = then;
	if (access && access->until > g_get_monotonic_time()) {
		go_on(run, access->allowed);
		return;
	}
	json_t *arguments = json_object();
	cairn_json_set_string(arguments, "user", run->user);
	run_read(run, "query-access", arguments, on_access);
}
