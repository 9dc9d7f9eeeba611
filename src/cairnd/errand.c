/* See errand.h. */
#include "cairnd/errand.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"

static const char *const names[ERRAND_LAST] = {
	[ERRAND_NOTIFY] = "notify",
	[ERRAND_COMMAND] = "command",
};

/* Seconds after the first, second, ... try. */
static const guint waits[ERRAND_TRIES - 1] = {60, 240, 900, 2400};

const char *
errand_type_name(enum errand_type type)
{
	return names[type];
}

struct errand *
errand_new(enum errand_type type, const char *target, json_t *payload)
{
	struct errand *errand = g_new0(struct errand, 1);
	errand->id = cairn_guid_new();
	errand->type = type;
	errand->target = g_strdup(target);
	errand->payload = payload;
	return errand;
}

void
errand_free(struct errand *errand)
{
	if (!errand)
		return;
	g_free(errand->id);
	g_free(errand->target);
	g_free(errand->job);
	json_decref(errand->payload);
	g_free(errand);
}

json_t *
errand_to_json(const struct errand *errand)
{
	json_t *json = json_object();
	cairn_json_set_string(json, "id", errand->id);
	cairn_json_set_string(json, "type", names[errand->type]);
	cairn_json_set_string(json, "target", errand->target);
	cairn_json_set_string(json, "job", errand->job);
	cairn_json_set_uint(json, "job-number", errand->job_number);
	cairn_json_set(json, "payload", json_incref(errand->payload));
	cairn_json_set_uint(json, "created", (guint64)errand->created);
	cairn_json_set_uint(json, "tries", errand->tries);
	cairn_json_set_uint(json, "next", (guint64)errand->next);
	return json;
}

static gboolean
parse_type(const char *name, enum errand_type *ret, GError **error)
{
	for (guint i = 0; i < ERRAND_LAST; i++)
		if (g_strcmp0(name, names[i]) == 0) {
			*ret = (enum errand_type)i;
			return TRUE;
		}
	return cairn_fail(error, CAIRN_ERROR_INVALID, "unknown type of errand \"%s\"", name);
}

static gboolean
numbers_from_json(const json_t *json, struct errand *errand, GError **error)
{
	guint64 created, next;
	if (!cairn_json_get_uint_opt(json, "job-number", JSON_MAX_UINT, 0, &errand->job_number,
				     error) ||
	    !cairn_json_get_uint_opt(json, "tries", ERRAND_TRIES, 0, &errand->tries, error) ||
	    !cairn_json_get_uint_opt(json, "created", JSON_MAX_UINT, 0, &created, error) ||
	    !cairn_json_get_uint_opt(json, "next", JSON_MAX_UINT, 0, &next, error))
		return FALSE;
	errand->created = (gint64)created;
	errand->next = (gint64)next;
	return TRUE;
}

struct errand *
errand_from_json(const json_t *json, GError **error)
{
	const char *id, *type_name, *target, *job;
	const json_t *payload;
	enum errand_type type = ERRAND_NOTIFY;
	if (!cairn_json_get_string(json, "id", &id, error) ||
	    !cairn_json_get_string(json, "type", &type_name, error) ||
	    !parse_type(type_name, &type, error) ||
	    !cairn_json_get_string(json, "target", &target, error) ||
	    !cairn_json_get_string_opt(json, "job", &job, error) ||
	    !cairn_json_get_object_opt(json, "payload", &payload, error))
		return NULL;
	cairn_auto(errand) errand =
		errand_new(type, target, payload ? json_incref((json_t *)payload) : json_object());
	g_free(errand->id);
	errand->id = g_strdup(id);
	errand->job = g_strdup(job);
	return numbers_from_json(json, errand, error) ? g_steal_pointer(&errand) : NULL;
}

gboolean
errand_failed(struct errand *errand, gint64 now)
{
	if (++errand->tries >= ERRAND_TRIES)
		return FALSE;
	errand->next = now + waits[errand->tries - 1] * G_USEC_PER_SEC;
	return TRUE;
}
