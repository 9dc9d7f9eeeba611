/* See retention.h. */
#include "core/retention.h"

#include "base/error.h"
#include "base/json.h"

gboolean
retention_is_set(const struct retention *retention)
{
	return retention->last || retention->daily || retention->weekly || retention->monthly;
}

json_t *
retention_to_json(const struct retention *retention)
{
	json_t *json = json_object();
	cairn_json_set_uint(json, "last", retention->last);
	cairn_json_set_uint(json, "daily", retention->daily);
	cairn_json_set_uint(json, "weekly", retention->weekly);
	cairn_json_set_uint(json, "monthly", retention->monthly);
	return json;
}

gboolean
retention_from_json(const json_t *json, struct retention *ret, GError **error)
{
	*ret = (struct retention){0};
	return !json ||
	       (cairn_json_get_uint_opt(json, "last", RETENTION_KEEP_MAX, 0, &ret->last, error) &&
		cairn_json_get_uint_opt(json, "daily", RETENTION_KEEP_MAX, 0, &ret->daily, error) &&
		cairn_json_get_uint_opt(json, "weekly", RETENTION_KEEP_MAX, 0, &ret->weekly,
					error) &&
		cairn_json_get_uint_opt(json, "monthly", RETENTION_KEEP_MAX, 0, &ret->monthly,
					error));
}
