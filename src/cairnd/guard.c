/* Watches over held data: when it is lost, or when it takes so much space that the guests would
 * suffer, the point is let go. The export dies, never the guest. */
#include "cairnd/hosts.h"

#include "base/error.h"
#include "base/json.h"

#define LOOK_INTERVAL G_USEC_PER_SEC

/* ---- events of the hypervisors ---- */

struct posted {
	struct host *host;
	enum hv_event_type type;
	char *vm, *message;
};

static const char *
name_of(const struct world *world, const char *vm)
{
	const struct vm_entry *entry = hosts_vm(world->hosts, vm);
	return entry ? entry->vm->name : vm;
}

/* Whether a held point has @vm as a machine that was (not) off. */
static gboolean
holds(const struct world *world, const char *vm, gboolean off)
{
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, TRUE);
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i];
		const struct point_member *member = point_find_member(point, vm);
		if (point->held && member &&
		    (g_strcmp0(member->state, hv_state_name(HV_SHUTOFF)) == 0) == off)
			return TRUE;
	}
	return FALSE;
}

static void
lose(struct world *world, const struct posted *posted, int code, const char *what)
{
	g_autofree char *reason = g_strdup_printf(
		"machine \"%s\" %s%s%s", name_of(world, posted->vm), what,
		posted->message ? ": " : "", posted->message ? posted->message : "");
	if (engine_hold_lost(world->engine, posted->vm, code, reason))
		g_warning("%s", reason);
}

/* The export that reads the disks of @vm, which is off; NULL: none does any more. */
static const struct job *
reader_of(const struct world *world, const char *vm)
{
	g_autoptr(GPtrArray) jobs = engine_active_jobs(world->engine);
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = jobs->pdata[i];
		if (job->kind != JOB_EXPORT)
			continue;
		for (guint j = 0; j < job->members->len; j++) {
			const struct job_member *member = job->members->pdata[j];
			if (strcmp(member->id, vm) == 0 && (member->flags & MEMBER_SERVED))
				return job;
		}
	}
	return NULL;
}

static void
start_blocked(struct world *world, const struct posted *posted)
{
	const struct job *job = reader_of(world, posted->vm);
	json_t *data = json_object();
	cairn_json_set_string(data, "id", posted->vm);
	cairn_json_set_string(data, "name", name_of(world, posted->vm));
	cairn_json_set_string(data, "job", job ? job->id : NULL);
	cairn_json_set_string(data, "message", posted->message);
	g_warning("machine \"%s\" could not start: its disks are being exported",
		  name_of(world, posted->vm));
	world->event(world->user, "VM_START_BLOCKED", data);
}

static gboolean
on_posted(gpointer data)
{
	struct posted *posted = data;
	struct world *world = posted->host->world;
	if (world->stopping || !world->engine)
		goto out;
	switch (posted->type) {
	case HV_EVENT_STARTED:
		if (holds(world, posted->vm, TRUE))
			lose(world, posted, CAIRN_ERROR_STATE,
			     "was started, so its disks are no longer those of the point");
		break;
	case HV_EVENT_STOPPED:
		/* Also while a point is being made: the engine knows whether it matters. */
		if (!holds(world, posted->vm, TRUE))
			lose(world, posted, CAIRN_ERROR_STATE,
			     "was stopped while the data of its point was held");
		break;
	case HV_EVENT_BACKUP_ENDED:
		if (!holds(world, posted->vm, TRUE))
			lose(world, posted, CAIRN_ERROR_STATE,
			     "lost the data of its point: somebody ended its backup job");
		break;
	case HV_EVENT_SCRATCH_FULL:
		lose(world, posted, CAIRN_ERROR_LIMIT,
		     "wrote so much since the point that its data was let go (scratch-limit)");
		break;
	case HV_EVENT_START_BLOCKED:
		start_blocked(world, posted);
		break;
	case HV_EVENT_CHANGED:
		break;
	case HV_EVENT_DISCONNECTED:
		hosts_doubt(world->hosts);
		break;
	}
	if (posted->vm)
		hosts_vm_event(world->hosts, posted->host, posted->vm);
out:
	g_free(posted->vm);
	g_free(posted->message);
	g_free(posted);
	return G_SOURCE_REMOVE;
}

void
guard_event(const struct hv_event *event, void *user)
{
	struct posted *posted = g_new0(struct posted, 1);
	posted->host = user;
	posted->type = event->type;
	posted->vm = g_strdup(event->vm);
	posted->message = g_strdup(event->message);
	g_idle_add_full(G_PRIORITY_HIGH, on_posted, posted, NULL);
}

/* ---- space ---- */

struct usage {
	guint64 used, free;
};

static void
look_work(struct task *task)
{
	const struct point_member *member = task->point->members->pdata[task->member];
	struct hypervisor *hv = world_hypervisor(task->world, member->uri);
	cairn_auto(hv_point) spec = world_spec(task->world, task->point, member, NULL);
	struct usage *usage = task->user;
	if (hv)
		hypervisor_usage(hv, spec, &usage->used, &usage->free, &task->error);
	else
		usage->free = G_MAXUINT64;
}

/* Why the data of @member must be let go; NULL: it need not. */
static char *
too_much(const struct config *config, const struct point_member *member, const struct usage *usage)
{
	if (usage->free < config->scratch_reserve)
		return g_strdup_printf(
			"the space for scratch files is nearly full (%" G_GUINT64_FORMAT
			" MiB left, scratch-reserve is %" G_GUINT64_FORMAT
			" MiB): the data of machine \"%s\" was let go so that its guest goes on",
			usage->free >> 20, config->scratch_reserve >> 20, member->name);
	if (config->scratch_limit && usage->used > config->scratch_limit)
		return g_strdup_printf("the scratch files of machine \"%s\" are over "
				       "scratch-limit (%" G_GUINT64_FORMAT
				       " MiB): its data was let go",
				       member->name, config->scratch_limit >> 20);
	return NULL;
}

static void
look_done(struct task *task)
{
	struct world *world = task->world;
	const struct point_member *member = task->point->members->pdata[task->member];
	g_hash_table_remove(world->looked_at, member->id);
	/* Lost data is told by events; here it is only not there to be measured. */
	g_autofree char *reason = task->error ? NULL : too_much(world->config, member, task->user);
	if (reason && engine_hold_lost(world->engine, member->id, CAIRN_ERROR_LIMIT, reason))
		g_warning("%s", reason);
}

/* In a thread of its own: a host that hangs must not keep us from looking at the others, nor must
 * the work of jobs. */
static void
look_at(struct world *world, const struct point *point)
{
	for (guint i = 0; i < point->members->len; i++) {
		const struct point_member *member = point->members->pdata[i];
		if (g_strcmp0(member->state, hv_state_name(HV_SHUTOFF)) == 0 ||
		    !g_hash_table_add(world->looked_at, g_strdup(member->id)))
			continue;
		struct task *task = task_new(world, look_work, look_done);
		task->point = point_copy(point);
		task->member = i;
		task->user = g_new0(struct usage, 1);
		task->user_free = g_free;
		task->urgent = TRUE;
		task_start(task);
	}
}

void
guard_tick(struct world *world)
{
	gint64 now = g_get_monotonic_time();
	if (now < world->guard_at)
		return;
	world->guard_at = now + LOOK_INTERVAL;
	g_autoptr(GPtrArray) points = engine_points(world->engine, NULL, TRUE);
	for (guint i = 0; i < points->len; i++) {
		const struct point *point = points->pdata[i];
		if (point->held)
			look_at(world, point);
	}
	/* A point whose changes are being read holds data already. */
	g_autoptr(GPtrArray) jobs = engine_active_jobs(world->engine);
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = jobs->pdata[i];
		if (job->phase == PHASE_EXTENTS && job->draft)
			look_at(world, job->draft);
	}
}
