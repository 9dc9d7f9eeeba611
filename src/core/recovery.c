/* See recovery.h. */
#include "core/recovery.h"

#include "base/error.h"
#include "base/json.h"

static const char *const names[RECOVERY_LAST] = {
	[RECOVERY_UNKNOWN] = "unknown", [RECOVERY_OTHER] = "command",
	[RECOVERY_STOP] = "stop",	[RECOVERY_CONTINUE] = "continue",
	[RECOVERY_RETRY] = "retry",	[RECOVERY_RUN_JOB] = "run-job",
};

void
recovery_clear(struct recovery *recovery)
{
	g_clear_pointer(&recovery->other, g_free);
}

void
recovery_copy(struct recovery *to, const struct recovery *from)
{
	*to = *from;
	to->other = g_strdup(from->other);
}

const char *
recovery_action_name(enum recovery_action action)
{
	return names[action];
}

gboolean
recovery_action_parse(const char *text, enum recovery_action *ret, GError **error)
{
	for (guint i = RECOVERY_OTHER; i < RECOVERY_LAST; i++)
		if (g_strcmp0(text, names[i]) == 0) {
			*ret = (enum recovery_action)i;
			return TRUE;
		}
	return cairn_fail(
		error, CAIRN_ERROR_INVALID,
		"\"%s\" is no recovery action: use stop, continue, retry, run-job or command",
		text);
}

json_t *
recovery_to_json(const struct recovery *recovery)
{
	json_t *json = json_object();
	cairn_json_set_uint(json, "action", recovery->action);
	cairn_json_set_string(json, "other", recovery->other);
	cairn_json_set_uint(json, "retries", recovery->retries);
	cairn_json_set_uint(json, "delay-us", (guint64)recovery->delay_us);
	return json;
}

gboolean
recovery_from_json(const json_t *json, struct recovery *ret, GError **error)
{
	guint64 action = RECOVERY_STOP, retries = 0, delay = 0;
	const char *other = NULL;
	if (json &&
	    (!cairn_json_get_uint_opt(json, "action", RECOVERY_LAST - 1, RECOVERY_STOP, &action,
				      error) ||
	     !cairn_json_get_string_opt(json, "other", &other, error) ||
	     !cairn_json_get_uint_opt(json, "retries", RECOVERY_RETRIES_MAX, 0, &retries, error) ||
	     !cairn_json_get_uint_opt(json, "delay-us", RECOVERY_DELAY_MAX, 0, &delay, error)))
		return FALSE;
	*ret = (struct recovery){(enum recovery_action)action, g_strdup(other), retries,
				 (gint64)delay};
	return TRUE;
}

gint64
recovery_delay(const struct recovery *recovery, guint64 attempt)
{
	gint64 delay = recovery->delay_us ? recovery->delay_us : RECOVERY_DELAY_DEFAULT;
	for (guint64 i = 1; i < attempt && delay < RECOVERY_DELAY_MAX; i++)
		delay *= 2;
	return MIN(delay, RECOVERY_DELAY_MAX);
}

struct recovery_plan
recovery_decide(const struct recovery *recovery, enum recovery_end end, guint64 attempt, gint64 now)
{
	static const enum recovery_deed deeds[RECOVERY_LAST] = {
		[RECOVERY_OTHER] = RECOVERY_DEED_COMMAND,
		[RECOVERY_RETRY] = RECOVERY_DEED_RETRY,
		[RECOVERY_RUN_JOB] = RECOVERY_DEED_SCHEDULE,
	};
	const struct recovery_plan none = {.deed = RECOVERY_DEED_NONE};
	enum recovery_deed deed = deeds[recovery->action];
	if (end != RECOVERY_END_FAILED)
		return none;
	if (deed == RECOVERY_DEED_RETRY)
		return attempt < recovery->retries
			       ? (struct recovery_plan){deed,
							now + recovery_delay(recovery, attempt + 1),
							NULL}
			       : none;
	return deed && recovery->other ? (struct recovery_plan){deed, 0, recovery->other} : none;
}
