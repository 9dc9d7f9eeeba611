/* Jobs: struct, names, derived numbers. The JSON forms are in job_json.c. */
#include "core/job.h"

#include "base/error.h"
#include "core/job_step.h"

static const struct {
	enum job_state state;
	const char *name;
	gboolean final;
} states[] = {
	{JOB_NEW, "new", FALSE},
	{JOB_STARTING, "starting", FALSE},
	{JOB_RUNNING, "running", FALSE},
	{JOB_SUSPENDED, "suspended", FALSE},
	{JOB_SHUTTING_DOWN, "shutting down", FALSE},
	{JOB_COMPLETED, "completed", TRUE},
	{JOB_TERMINATED, "terminated", TRUE},
	{JOB_KILLED, "killed", TRUE},
	{JOB_EXCEPTION, "exception", TRUE},
	{JOB_SERVICE, "service", FALSE},
	{JOB_QUERY_PENDING, "query pending", FALSE},
	{JOB_COMPLETED_WARNINGS, "completed with warnings", TRUE},
};

const char *
job_state_name(enum job_state state)
{
	for (guint i = 0; i < G_N_ELEMENTS(states); i++)
		if (states[i].state == state)
			return states[i].name;
	return "unknown";
}

gboolean
job_state_final(enum job_state state)
{
	for (guint i = 0; i < G_N_ELEMENTS(states); i++)
		if (states[i].state == state)
			return states[i].final;
	return FALSE;
}

gboolean
job_state_known(enum job_state state)
{
	for (guint i = 0; i < G_N_ELEMENTS(states); i++)
		if (states[i].state == state)
			return TRUE;
	return FALSE;
}

static const char *const kinds[JOB_KIND_LAST] = {
	[JOB_POINT_CREATE] = "point-create",
	[JOB_EXPORT] = "export",
	[JOB_RETAIN] = "retain",
};

const char *
job_kind_name(enum job_kind kind)
{
	return kinds[kind];
}

gboolean
job_kind_parse(const char *name, enum job_kind *ret, GError **error)
{
	for (guint i = 0; i < JOB_KIND_LAST; i++)
		if (strcmp(name, kinds[i]) == 0) {
			*ret = (enum job_kind)i;
			return TRUE;
		}
	return cairn_fail(error, CAIRN_ERROR_INVALID, "unknown kind of job \"%s\"", name);
}

static void
member_free(struct job_member *member)
{
	g_free(member->id);
	g_free(member->name);
	g_free(member);
}

static void
disk_free(struct job_disk *disk)
{
	g_free(disk->vm);
	g_free(disk->vm_name);
	g_free(disk->target);
	g_free(disk->reason);
	json_decref(disk->result);
	g_free(disk);
}

static void
error_free(struct job_error *error)
{
	g_free(error->message);
	g_free(error->vm);
	g_free(error->disk);
	g_free(error);
}

struct job *
job_new(const char *id, enum job_kind kind)
{
	struct job *job = g_new0(struct job, 1);
	job->id = g_strdup(id);
	job->kind = kind;
	job->state = JOB_NEW;
	job->phase = PHASE_WAIT;
	job->priority = JOB_PRIORITY_DEFAULT;
	job->keep_us = JOB_KEEP_DEFAULT;
	job->delete_on_completion = TRUE;
	job->recovery.action = RECOVERY_STOP;
	job->barrier = TRUE;
	job->wanted = g_new0(char *, 1);
	job->members = g_ptr_array_new_with_free_func((GDestroyNotify)member_free);
	job->disks = g_ptr_array_new_with_free_func((GDestroyNotify)disk_free);
	job->errors = g_ptr_array_new_with_free_func((GDestroyNotify)error_free);
	job->warnings = g_ptr_array_new_with_free_func(g_free);
	return job;
}

static void
free_texts(struct job *job)
{
	g_free(job->id);
	g_free(job->group);
	g_free(job->group_name);
	g_free(job->point);
	g_free(job->point_name);
	g_free(job->base);
	g_free(job->base_point);
	g_free(job->after);
	g_free(job->owner);
	g_free(job->directory);
	g_free(job->format);
	g_free(job->compress);
	g_free(job->digest);
	g_free(job->schedule);
	g_free(job->note);
	g_free(job->retried_as);
	g_free(job->notify);
	recovery_clear(&job->recovery);
}

void
job_free(struct job *job)
{
	if (!job)
		return;
	free_texts(job);
	point_free(job->draft);
	g_strfreev(job->wanted);
	json_decref(job->retained);
	g_ptr_array_unref(job->members);
	g_ptr_array_unref(job->disks);
	g_ptr_array_unref(job->errors);
	g_ptr_array_unref(job->warnings);
	g_strfreev(job->vm_ids);
	g_strfreev(job->exported_disks);
	g_strfreev(job->log_files);
	g_strfreev(job->config_files);
	g_strfreev(job->runtime_files);
	g_strfreev(job->state_files);
	g_free(job);
}

struct job_member *
job_add_member(struct job *job, const char *id, const char *name)
{
	struct job_member *member = g_new0(struct job_member, 1);
	member->id = g_strdup(id);
	member->name = g_strdup(name);
	g_ptr_array_add(job->members, member);
	return member;
}

struct job_member *
job_find_member(const struct job *job, const char *vm)
{
	for (guint i = 0; i < job->members->len; i++) {
		struct job_member *member = job->members->pdata[i];
		if (strcmp(member->id, vm) == 0)
			return member;
	}
	return NULL;
}

struct job_disk *
job_add_disk(struct job *job, const char *vm, const char *vm_name, const char *target)
{
	struct job_disk *disk = g_new0(struct job_disk, 1);
	disk->vm = g_strdup(vm);
	disk->vm_name = g_strdup(vm_name);
	disk->target = g_strdup(target);
	g_ptr_array_add(job->disks, disk);
	return disk;
}

void
job_add_warning(struct job *job, const char *text)
{
	if (job->warnings->len < JOB_MESSAGES_MAX)
		g_ptr_array_add(job->warnings, g_strdup(text));
}

static guint
copy_percent(const struct job *job)
{
	guint64 done = job->work_done, total = job->work_total;
	for (guint i = 0; i < job->disks->len; i++) {
		const struct job_disk *disk = job->disks->pdata[i];
		if (disk->total_bytes == 0 && disk->status != UNIT_DONE)
			return 0; /* not all are known: no guess */
		done += disk->done_bytes;
		total += disk->total_bytes;
	}
	return total == 0 ? 0 : (guint)MIN(99, (double)done * 100 / (double)total);
}

guint
job_percent(const struct job *job)
{
	static const guint8 steps[PHASE_LAST] = {
		[PHASE_WINDOW] = 25, [PHASE_EXTENTS] = 50, [PHASE_CLEAN] = 90,
		[PHASE_FINISH] = 99, [PHASE_RELEASE] = 99,
	};
	if (job->phase == PHASE_ENDED && job->outcome == 0)
		return 100;
	return MAX(copy_percent(job), steps[job->phase]);
}

gboolean
job_cancellable(const struct job *job)
{
	return job_control_check(job, VERB_TERMINATE, NULL);
}

gint64
job_elapsed(const struct job *job, gint64 now)
{
	return job->active_us + (job->active_since ? MAX(0, now - job->active_since) : 0);
}

/* CIM_Job.ElapsedTime: "the time interval that the Job has been executing". */
static gboolean
is_working(const struct job *job)
{
	/* one that was resumed before its turn came still waits */
	return (job->state == JOB_STARTING && job->phase != PHASE_WAIT) ||
	       job->state == JOB_RUNNING || job->state == JOB_SHUTTING_DOWN;
}

void
job_clock(struct job *job, gint64 now, gboolean away)
{
	if (!away)
		job->active_us = job_elapsed(job, now);
	job->active_since = is_working(job) ? now : 0;
}

static const char *
state_text(const struct job *job)
{
	const struct job_error *first = job->errors->len ? job->errors->pdata[0] : NULL;
	if (job->phase == PHASE_ENDED)
		return first && job->outcome != 0 ? first->message : job_state_name(job->state);
	if (job_is_held(job))
		return job->state == JOB_SUSPENDED ? "suspended" : "in service";
	return job_phase_name(job->phase);
}

char *
job_status_text(const struct job *job)
{
	g_autofree char *retained = job_retain_text(job);
	const char *text = retained ? retained : state_text(job);
	return job->note ? g_strdup_printf("%s; %s", text, job->note) : g_strdup(text);
}
