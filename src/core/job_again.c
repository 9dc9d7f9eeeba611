/* The next attempt of a job. */
#include "core/job.h"
#include "core/job_step.h"

#include "base/json.h"

/* What belongs to one attempt; everything else is what was asked for. */
static const char *const dropped[] = {
	"number",	"point",	 "point-name",	"base-point", "after",		"active-us",
	"active-since", "submitted",	 "started",	"ended",      "state-changed",	"due",
	"note",		"retried-as",	 "release",	"vm-ids",     "exported-disks", "log-files",
	"config-files", "runtime-files", "state-files", "draft",      "members",	"disks",
	"errors",	"warnings",	 "outcome",	"status",     "retained",
};

struct job *
job_again(const struct job *job, const char *id)
{
	g_autoptr(json_t) json = job_to_json(job);
	for (guint i = 0; i < G_N_ELEMENTS(dropped); i++)
		json_object_del(json, dropped[i]);
	cairn_json_set_string(json, "id", id);
	cairn_json_set_uint(json, "state", JOB_NEW);
	cairn_json_set_string(json, "phase", job_phase_name(PHASE_WAIT));
	cairn_json_set_uint(json, "attempt", job->attempt + 1);
	struct job *again = job_from_json(json, NULL);
	g_assert(again);
	return again;
}
