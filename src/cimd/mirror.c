/* cairnd's objects as the front end knows them: filled at each connection, exact after each event.
 * Answers and events come in one stream in the order in which they were true, so the mirror is
 * never older than what a client was told. */
#include "cimd/mirror_private.h"

#include "base/json.h"

#include <string.h>

#define FILL_RETRY_MS 1000

struct vm_waiter {
	void (*done)(void *user_data);
	void *user_data;
};

static void begin_fill(struct mirror *mirror);

/* ---- machines ---- */

gboolean
mirror_vms_fresh(const struct mirror *mirror)
{
	return mirror->vms_at && g_get_monotonic_time() - mirror->vms_at < MODEL_VM_AGE_USEC;
}

/* One that is woken may cancel others. */
static void
wake_waiters(struct mirror *mirror)
{
	for (guint left = mirror->waiters->len; left > 0 && mirror->waiters->len > 0; left--) {
		struct vm_waiter waiter = g_array_index(mirror->waiters, struct vm_waiter, 0);
		g_array_remove_index(mirror->waiters, 0);
		waiter.done(waiter.user_data);
	}
}

/* They are as old as the question: what changed while they were gathered may not be in them. */
static void
on_vms(const json_t *value, const GError *error, void *user_data)
{
	struct mirror *mirror = user_data;
	gint64 asked = mirror->vms_asked;
	mirror->vms_asked = 0;
	if (error) {
		g_debug("model: the machines are not told: %s", error->message);
	} else {
		mirror_apply_vms(mirror, value);
		mirror->vms_at = mirror->vms_changed ? 0 : asked;
	}
	wake_waiters(mirror);
}

void
mirror_refresh_vms(struct mirror *mirror, void (*done)(void *user_data), void *user_data)
{
	struct vm_waiter waiter = {done, user_data};
	g_array_append_val(mirror->waiters, waiter);
	if (mirror->vms_asked)
		return;
	mirror->vms_asked = g_get_monotonic_time();
	mirror->vms_changed = FALSE;
	control_link_call(mirror->link, "vm-list", NULL, NULL, on_vms, mirror);
}

void
mirror_refresh_cancel(struct mirror *mirror, void *user_data)
{
	for (guint i = mirror->waiters->len; i-- > 0;)
		if (g_array_index(mirror->waiters, struct vm_waiter, i).user_data == user_data)
			g_array_remove_index(mirror->waiters, i);
}

/* ---- events ---- */

static void
on_job(const json_t *value, const GError *error, void *user_data)
{
	if (!error)
		mirror_apply_job(user_data, value);
}

static void
job_event(struct mirror *mirror, const json_t *data)
{
	if (json_object_get(data, "properties")) {
		mirror_apply_job(mirror, data);
		return;
	}
	g_autoptr(json_t) arguments = json_object();
	cairn_json_set(arguments, "job", json_incref(json_object_get(data, "id")));
	control_link_call(mirror->link, "job-show", arguments, NULL, on_job, mirror);
}

static void
on_group(const json_t *value, const GError *error, void *user_data)
{
	if (!error)
		mirror_apply_group(user_data, value);
}

static void
group_event(struct mirror *mirror, const json_t *data)
{
	if (json_object_get(data, "members")) {
		mirror_apply_group(mirror, data);
		return;
	}
	g_autoptr(json_t) arguments = json_object();
	cairn_json_set(arguments, "group", json_incref(json_object_get(data, "id")));
	control_link_call(mirror->link, "group-show", arguments, NULL, on_group, mirror);
}

static const char *
event_id(const json_t *data)
{
	return json_string_value(json_object_get(data, "id"));
}

static void
job_removed(struct mirror *mirror, const json_t *data)
{
	mirror_remove_job(mirror, event_id(data));
}

static void
point_deleted(struct mirror *mirror, const json_t *data)
{
	mirror_remove_point(mirror, event_id(data));
}

static void
group_deleted(struct mirror *mirror, const json_t *data)
{
	mirror_remove_group(mirror, event_id(data));
}

/* The whole machine, or that it is gone; anything else only says that something changed. */
static void
vm_changed(struct mirror *mirror, const json_t *data)
{
	if (json_is_true(json_object_get(data, "removed"))) {
		mirror_remove_vm(mirror, event_id(data));
	} else if (json_object_get(data, "disks")) {
		mirror_apply_vm(mirror, data);
	} else {
		mirror->vms_at = 0;
		mirror->vms_changed = TRUE;
	}
}

static void
on_event(const char *name, const json_t *event, void *user_data)
{
	static const struct {
		const char *name;
		void (*apply)(struct mirror *mirror, const json_t *data);
	} events[] = {
		{"JOB_CREATED", job_event},
		{"JOB_CHANGED", job_event},
		{"JOB_PROGRESS", job_event},
		{"JOB_REMOVED", job_removed},
		{"SCHEDULE_CHANGED", mirror_apply_schedule},
		{"SCHEDULE_DELETED", job_removed},
		{"POINT_CREATED", mirror_apply_point},
		{"POINT_CHANGED", mirror_apply_point},
		{"POINT_DELETED", point_deleted},
		{"GROUP_CHANGED", group_event},
		{"GROUP_DELETED", group_deleted},
		{"VM_CHANGED", vm_changed},
	};
	for (guint i = 0; i < G_N_ELEMENTS(events); i++)
		if (g_strcmp0(name, events[i].name) == 0)
			events[i].apply(user_data, json_object_get(event, "data"));
}

/* ---- filling ---- */

static gboolean
on_retry(void *data)
{
	struct mirror *mirror = data;
	mirror->retry = 0;
	begin_fill(mirror);
	return G_SOURCE_REMOVE;
}

static void
fill_failed(struct mirror *mirror, const GError *error)
{
	g_debug("model: what cairnd has cannot be read: %s", error->message);
	if (mirror->filling && !mirror->retry)
		mirror->retry = g_timeout_add(FILL_RETRY_MS, on_retry, mirror);
}

/* One answer of the filling came. */
static void
fill_step(struct mirror *mirror, const GError *error)
{
	mirror->awaited--;
	if (error) {
		fill_failed(mirror, error);
		return;
	}
	if (mirror->awaited > 0 || mirror->retry || !mirror->filling)
		return;
	mirror->filling = FALSE;
	mirror->ready = TRUE;
	mirror_sweep(mirror);
	mirror->filled_once = TRUE;
	model_wake(mirror->model);
}

static void
fill_call(struct mirror *mirror, const char *request, json_t *arguments,
	  control_link_reply_fn reply)
{
	mirror->awaited++;
	control_link_call(mirror->link, request, arguments, NULL, reply, mirror);
	json_decref(arguments);
}

static void
on_fill_groups(const json_t *value, const GError *error, void *user_data)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		mirror_apply_group(user_data, json_array_get(value, i));
	fill_step(user_data, error);
}

static void
on_fill_points(const json_t *value, const GError *error, void *user_data)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		mirror_apply_point(user_data, json_array_get(value, i));
	fill_step(user_data, error);
}

static void on_fill_jobs(const json_t *value, const GError *error, void *user_data);

static void
ask_jobs(struct mirror *mirror, guint64 after)
{
	json_t *arguments = json_object();
	cairn_json_set_uint(arguments, "after", after);
	cairn_json_set_uint(arguments, "limit", MODEL_JOB_PAGE);
	cairn_json_set_bool(arguments, "properties", TRUE);
	fill_call(mirror, "job-list", arguments, on_fill_jobs);
}

static void
on_fill_jobs(const json_t *value, const GError *error, void *user_data)
{
	size_t count = json_array_size(value);
	json_int_t last = 0;
	for (size_t i = 0; i < count; i++) {
		const json_t *job = json_array_get(value, i);
		mirror_apply_job(user_data, job);
		last = MAX(last, json_integer_value(json_object_get(job, "number")));
	}
	/* last is 0 only where numbers are missing: no reason to ask for ever */
	if (count >= MODEL_JOB_PAGE && last > 0)
		ask_jobs(user_data, (guint64)last);
	fill_step(user_data, error);
}

static void
on_fill_schedules(const json_t *value, const GError *error, void *user_data)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		mirror_apply_schedule(user_data, json_array_get(value, i));
	fill_step(user_data, error);
}

static json_t *
with_properties(void)
{
	json_t *arguments = json_object();
	cairn_json_set_bool(arguments, "properties", TRUE);
	return arguments;
}

/* Machines that cannot be told are none; groups and jobs can be seen all the same. */
static void
on_fill_vms(void *user_data)
{
	fill_step(user_data, NULL);
}

static void
on_subscribed(const json_t *value, const GError *error, void *user_data)
{
	fill_step(user_data, error);
}

/* From the subscription on nothing is missed; what comes before a list's answer is in the list. */
static void
begin_fill(struct mirror *mirror)
{
	mirror->fill++;
	mirror->filling = TRUE;
	fill_call(mirror, "subscribe", with_properties(), on_subscribed);
	fill_call(mirror, "group-list", NULL, on_fill_groups);
	fill_call(mirror, "point-list", NULL, on_fill_points);
	ask_jobs(mirror, 0);
	fill_call(mirror, "schedule-list", with_properties(), on_fill_schedules);
	mirror->awaited++;
	mirror_refresh_vms(mirror, on_fill_vms, mirror);
}

static void
on_state(gboolean connected, void *user_data)
{
	struct mirror *mirror = user_data;
	g_clear_handle_id(&mirror->retry, g_source_remove);
	mirror->ready = FALSE;
	mirror->filling = FALSE;
	mirror->vms_at = 0;
	/* it may come back with other roles */
	g_hash_table_remove_all(mirror->model->access);
	if (connected)
		begin_fill(mirror);
	else
		model_wake(mirror->model);
}

/* ---- for the model ---- */

struct mirror *
mirror_new(struct model *model, const char *socket)
{
	static const struct control_link_events events = {on_state, on_event};
	struct mirror *mirror = g_new0(struct mirror, 1);
	mirror->model = model;
	mirror->waiters = g_array_new(FALSE, FALSE, sizeof(struct vm_waiter));
	mirror_tables_init(mirror);
	mirror->link = control_link_new(socket, &events, mirror);
	return mirror;
}

void
mirror_free(struct mirror *mirror)
{
	if (!mirror)
		return;
	g_clear_handle_id(&mirror->retry, g_source_remove);
	control_link_free(mirror->link);
	g_array_unref(mirror->waiters);
	mirror_tables_clear(mirror);
	g_free(mirror);
}

gboolean
mirror_ready(const struct mirror *mirror)
{
	return mirror->ready;
}

gboolean
mirror_filling(const struct mirror *mirror)
{
	return mirror->filling;
}

struct control_link *
mirror_link(const struct mirror *mirror)
{
	return mirror->link;
}
