/* What a job is told to do when it fails, and whom it tells: arguments that several requests have.
 */
#include "cairnd/handlers.h"

#include "base/error.h"
#include "http/url.h"
#include "cairnd/commands.h"
#include "cairnd/engine_schedules.h"
#include "notify/target.h"

static gboolean
recovery_check(const struct daemon *daemon, const struct recovery *recovery, GError **error)
{
	gboolean named = recovery->action == RECOVERY_OTHER || recovery->action == RECOVERY_RUN_JOB;
	if (named && (!recovery->other || !*recovery->other))
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "\"%s\" on failure needs the name of what is to be run",
				  recovery_action_name(recovery->action));
	if (!named && recovery->other)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "\"%s\" on failure runs nothing that has a name",
				  recovery_action_name(recovery->action));
	if (named && strlen(recovery->other) > RECOVERY_OTHER_MAX)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "the name of what is to be run is longer than %d bytes",
				  RECOVERY_OTHER_MAX);
	if (recovery->action == RECOVERY_OTHER) {
		g_auto(GStrv) argv =
			commands_find(daemon->config->commands, recovery->other, error);
		return argv != NULL;
	}
	return TRUE;
}

static gboolean
check_notify(const struct daemon *daemon, const char *notify, GError **error)
{
	g_auto(GStrv) origins = http_url_origins(daemon->config->notify_urls, error);
	if (!origins)
		return FALSE;
	cairn_auto(notify_target) target = notify_target_parse(notify, origins, error);
	return target != NULL;
}

gboolean
arg_notify(const struct daemon *daemon, const struct control_call *call, char **notify,
	   GError **error)
{
	const char *text = arg_string(call, "notify");
	if (!text)
		return TRUE;
	if (*text && !check_notify(daemon, text, error))
		return FALSE;
	g_free(*notify);
	*notify = *text ? g_strdup(text) : NULL;
	return TRUE;
}

static gboolean
number_below(const struct control_call *call, const char *name, guint64 least, guint64 most,
	     guint64 fallback, guint64 *ret, GError **error)
{
	guint64 value = arg_uint(call, name, fallback);
	if (value < least || value > most)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "argument \"%s\" is from %llu to %llu", name,
				  (unsigned long long)least, (unsigned long long)most);
	*ret = value;
	return TRUE;
}

static gboolean
retry_arguments(const struct control_call *call, struct recovery *recovery, GError **error)
{
	static const char *const names[] = {"retries", "retry-delay"};
	guint64 seconds = 0;
	if (recovery->action == RECOVERY_RETRY) {
		if (!number_below(call, "retries", 1, RECOVERY_RETRIES_MAX,
				  RECOVERY_RETRIES_DEFAULT, &recovery->retries, error) ||
		    !number_below(call, "retry-delay", 1, RECOVERY_DELAY_MAX / G_USEC_PER_SEC,
				  RECOVERY_DELAY_DEFAULT / G_USEC_PER_SEC, &seconds, error))
			return FALSE;
		recovery->delay_us = (gint64)seconds * G_USEC_PER_SEC;
		return TRUE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (json_is_integer(json_object_get(call->arguments, names[i])))
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "argument \"%s\" goes with on-failure \"retry\" only",
					  names[i]);
	return TRUE;
}

gboolean
arg_recovery(struct daemon *daemon, const struct control_call *call, struct recovery *ret,
	     GError **error)
{
	struct recovery recovery = {.action = ret->action};
	const char *action = arg_string(call, "on-failure");
	if (action && !recovery_action_parse(action, &recovery.action, error))
		return FALSE;
	recovery.other = (char *)arg_string(call, "recovery");
	if (!retry_arguments(call, &recovery, error) || !recovery_check(daemon, &recovery, error))
		return FALSE;
	/* By its GUID: another one of the same name later is not what was meant, nor asked of
	 * the gate. */
	if (recovery.action == RECOVERY_RUN_JOB) {
		const struct schedule *schedule =
			engine_schedule_find(daemon->engine, recovery.other, error);
		if (!schedule)
			return FALSE;
		recovery.other = schedule->id;
	}
	recovery_copy(ret, &recovery);
	return TRUE;
}
