/* How a retention ended, for people. */
#include "base/json.h"
#include "core/job.h"

gboolean
job_retained_check(const json_t *json, GError **error)
{
	static const char *const numbers[] = {"kept", "merged",	       "deleted",
					      "left", "bytes-removed", "bytes-written"};
	guint64 value;
	for (guint i = 0; json && i < G_N_ELEMENTS(numbers); i++)
		if (!cairn_json_get_uint_opt(json, numbers[i], JSON_MAX_UINT, 0, &value, error))
			return FALSE;
	return TRUE;
}

static guint64
number(const json_t *json, const char *key)
{
	guint64 value = 0;
	cairn_json_get_uint_opt(json, key, JSON_MAX_UINT, 0, &value, NULL);
	return value;
}

static char *
tell(guint64 deleted, guint64 merged, gboolean freed, const char *bytes)
{
	if (deleted == 1 && freed)
		return g_strdup_printf("1 export removed, %" G_GUINT64_FORMAT " merged, %s freed",
				       merged, bytes);
	if (freed)
		return g_strdup_printf("%" G_GUINT64_FORMAT " exports removed, %" G_GUINT64_FORMAT
				       " merged, %s freed",
				       deleted, merged, bytes);
	return g_strdup_printf("%" G_GUINT64_FORMAT " exports removed, %" G_GUINT64_FORMAT
			       " merged, %s more taken",
			       deleted, merged, bytes);
}

/* A merge writes a new file for the old ones: what it takes is not free. */
char *
job_retain_text(const struct job *job)
{
	if (job->kind != JOB_RETAIN || job->phase != PHASE_ENDED || job->outcome || !job->retained)
		return NULL;
	guint64 deleted = number(job->retained, "deleted"),
		merged = number(job->retained, "merged");
	guint64 removed = number(job->retained, "bytes-removed");
	guint64 written = number(job->retained, "bytes-written");
	gboolean freed = removed >= written;
	g_autofree char *bytes = g_format_size_full(freed ? removed - written : written - removed,
						    G_FORMAT_SIZE_IEC_UNITS);
	return deleted || merged ? tell(deleted, merged, freed, bytes)
				 : g_strdup("nothing to remove");
}
