/* How a job is, in CIM's words; see job_status.h. */
#include "core/job_status.h"

#include "base/json.h"

/* CIM_ManagedSystemElement.OperationalStatus */
enum {
	OK = 2,
	DEGRADED = 3,
	ERROR = 6,
	STARTING = 8,
	STOPPING = 9,
	STOPPED = 10,
	SERVICE = 11,
	COMPLETED = 17
};
/* HealthState: the least that is wrong, so that nobody is called at night for what somebody asked
 */
enum { HEALTH_OK = 5, HEALTH_WARNING = 10, HEALTH_MAJOR = 20 };
/* DetailedStatus */
enum { NO_MORE = 1, NON_RECOVERABLE = 4 };
/* OperatingStatus */
enum {
	SERVICING = 2,
	BEGINNING = 3,
	HALTED = 5,
	ABORTED = 6,
	DORMANT = 7,
	ENDED = 8,
	SHUTTING_DOWN = 13,
	WORKING = 16,
};
/* PrimaryStatus; CommunicationStatus */
enum { PRIMARY_OK = 1, PRIMARY_DEGRADED = 2, PRIMARY_ERROR = 3 };
enum { REACHED = 2 };

/* A job with warnings is degraded as soon as it has them. The first element of OperationalStatus is
 * how it is, the second what it does; 17 Completed stands after how it ended. */
/* clang-format off */
static const struct job_status rows[] = {
	{JOB_NEW, FALSE, {OK}, {"OK"}, "OK", HEALTH_OK, NO_MORE, DORMANT, PRIMARY_OK, REACHED},
	{JOB_STARTING, FALSE, {OK, STARTING}, {"OK", "Starting"}, "Starting", HEALTH_OK, NO_MORE, BEGINNING, PRIMARY_OK, REACHED},
	{JOB_STARTING, TRUE, {DEGRADED, STARTING}, {"Degraded", "Starting"}, "Starting", HEALTH_WARNING, NO_MORE, BEGINNING, PRIMARY_DEGRADED, REACHED},
	{JOB_RUNNING, FALSE, {OK}, {"OK"}, "OK", HEALTH_OK, NO_MORE, WORKING, PRIMARY_OK, REACHED},
	{JOB_RUNNING, TRUE, {DEGRADED}, {"Degraded"}, "Degraded", HEALTH_WARNING, NO_MORE, WORKING, PRIMARY_DEGRADED, REACHED},
	{JOB_SUSPENDED, FALSE, {OK, STOPPED}, {"OK", "Stopped"}, "Stopped", HEALTH_OK, NO_MORE, HALTED, PRIMARY_OK, REACHED},
	{JOB_SUSPENDED, TRUE, {DEGRADED, STOPPED}, {"Degraded", "Stopped"}, "Stopped", HEALTH_WARNING, NO_MORE, HALTED, PRIMARY_DEGRADED, REACHED},
	{JOB_SHUTTING_DOWN, FALSE, {OK, STOPPING}, {"OK", "Stopping"}, "Stopping", HEALTH_OK, NO_MORE, SHUTTING_DOWN, PRIMARY_OK, REACHED},
	{JOB_SHUTTING_DOWN, TRUE, {DEGRADED, STOPPING}, {"Degraded", "Stopping"}, "Stopping", HEALTH_WARNING, NO_MORE, SHUTTING_DOWN, PRIMARY_DEGRADED, REACHED},
	{JOB_COMPLETED, FALSE, {OK, COMPLETED}, {"OK", "Completed"}, "OK", HEALTH_OK, NO_MORE, ENDED, PRIMARY_OK, REACHED},
	{JOB_TERMINATED, FALSE, {ERROR, COMPLETED}, {"Error", "Completed"}, "Error", HEALTH_WARNING, NO_MORE, HALTED, PRIMARY_ERROR, REACHED},
	{JOB_KILLED, FALSE, {ERROR, COMPLETED}, {"Error", "Completed"}, "Error", HEALTH_WARNING, NO_MORE, ABORTED, PRIMARY_ERROR, REACHED},
	{JOB_EXCEPTION, FALSE, {ERROR, COMPLETED}, {"Error", "Completed"}, "Error", HEALTH_MAJOR, NON_RECOVERABLE, ENDED, PRIMARY_ERROR, REACHED},
	{JOB_SERVICE, FALSE, {OK, SERVICE}, {"OK", "In Service"}, "Service", HEALTH_OK, NO_MORE, SERVICING, PRIMARY_OK, REACHED},
	{JOB_SERVICE, TRUE, {DEGRADED, SERVICE}, {"Degraded", "In Service"}, "Service", HEALTH_WARNING, NO_MORE, SERVICING, PRIMARY_DEGRADED, REACHED},
	{JOB_COMPLETED_WARNINGS, FALSE, {DEGRADED, COMPLETED}, {"Degraded", "Completed"}, "Degraded", HEALTH_WARNING, NO_MORE, ENDED, PRIMARY_DEGRADED, REACHED},
};
/* clang-format on */

const struct job_status *
job_status_rows(guint *ret_n)
{
	*ret_n = G_N_ELEMENTS(rows);
	return rows;
}

const struct job_status *
job_status_of(enum job_state state, gboolean warned)
{
	const struct job_status *found = &rows[0];
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].state == state && (warned || !rows[i].warned))
			found = &rows[i]; /* the row for warnings stands behind the other */
	return found;
}

const struct job_status *
job_status(const struct job *job)
{
	return job_status_of(job->state, job->warnings->len > 0);
}

static void
add_status(json_t *status, json_t *texts, guint value, const char *text)
{
	json_array_append_new(status, json_integer(value));
	json_array_append_new(texts, json_string(text));
}

void
job_status_put(json_t *json, const struct job_status *row, char *const *more)
{
	json_t *status = json_array(), *texts = json_array();
	for (guint i = 0; i < JOB_STATUS_MAX && row->operational[i]; i++)
		add_status(status, texts, row->operational[i], row->descriptions[i]);
	for (; more && *more; more++)
		add_status(status, texts, row->operational[0], *more);
	cairn_json_set(json, "OperationalStatus", status);
	cairn_json_set(json, "StatusDescriptions", texts);
	cairn_json_set_string(json, "Status", row->word);
	cairn_json_set_uint(json, "HealthState", row->health);
	cairn_json_set_uint(json, "CommunicationStatus", row->communication);
	cairn_json_set_uint(json, "DetailedStatus", row->detailed);
	cairn_json_set_uint(json, "OperatingStatus", row->operating);
	cairn_json_set_uint(json, "PrimaryStatus", row->primary);
}
