/* What clients are told: the events of the engine and the world, made whole, so that a client that
 * mirrors what is here need not ask again after any of them. */
#include "cairnd/handlers.h"
#include "cairnd/hosts.h"

#include "base/json.h"
#include "cairnd/engine_schedules.h"
#include "core/job_cim.h"
#include "core/schedule_cim.h"

static json_t *
whole_group(const struct daemon *daemon, const char *id)
{
	const struct group *group = engine_group(daemon->engine, id, NULL);
	return group ? group_view(daemon, group) : NULL;
}

static json_t *
whole_vm(const struct daemon *daemon, const char *id)
{
	const struct vm_entry *entry = hosts_vm(daemon->world->hosts, id);
	return entry ? vm_view(daemon, entry) : NULL;
}

/* Those whose data only names something. */
static const struct {
	const char *name;
	json_t *(*view)(const struct daemon *daemon, const char *id);
} wholes[] = {
	{"GROUP_CHANGED", whole_group},
	{"VM_CHANGED", whole_vm},
};

/* NULL: it is not about a job or a schedule, or nobody wants them. */
static json_t *
job_properties(const struct daemon *daemon, const char *name, const char *id)
{
	gboolean of_schedule = strcmp(name, "SCHEDULE_CHANGED") == 0;
	if ((!of_schedule && !g_str_has_prefix(name, "JOB_")) ||
	    !control_server_wants_properties(daemon->server, name))
		return NULL;
	if (of_schedule) {
		const struct schedule *schedule = engine_schedule_by_id(daemon->engine, id);
		return schedule ? schedule_cim_properties(schedule) : NULL;
	}
	const struct job *job = engine_job(daemon->engine, id, NULL);
	return job ? job_cim_properties(job, engine_schedule_by_id(daemon->engine, job->schedule),
					g_get_real_time())
		   : NULL;
}

void
publish_event(struct daemon *daemon, const char *name, json_t *data)
{
	const char *id = json_string_value(json_object_get(data, "id"));
	json_t *properties = id ? job_properties(daemon, name, id) : NULL;
	for (guint i = 0; id && i < G_N_ELEMENTS(wholes); i++) {
		json_t *whole =
			strcmp(wholes[i].name, name) == 0 ? wholes[i].view(daemon, id) : NULL;
		if (!whole)
			continue;
		json_decref(data);
		data = whole;
		break; /* id was the data's */
	}
	control_server_event_with(daemon->server, name, data, properties);
}
