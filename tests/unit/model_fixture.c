/* See model_fixture.h. */
#include "model_fixture.h"

#include "control/listen.h"
#include "control/requests.h"

#include "base/error.h"
#include "base/file.h"
#include "base/guid.h"
#include "base/json.h"
#include "core/job_cim.h"

#include <string.h>

/* ---- the daemon ---- */

static const char *
argument(const struct control_call *call, const char *name)
{
	return json_string_value(json_object_get(call->arguments, name));
}

static void
answer_list(struct control_call *call, json_t *list)
{
	control_call_return(call, json_deep_copy(list));
}

static void
answer_jobs(struct fixture *f, struct control_call *call)
{
	json_int_t after = json_integer_value(json_object_get(call->arguments, "after"));
	json_int_t limit = json_integer_value(json_object_get(call->arguments, "limit"));
	json_t *list = json_array();
	f->job_lists++;
	for (size_t i = 0; i < json_array_size(f->jobs) && json_array_size(list) < (size_t)limit;
	     i++) {
		json_t *job = json_array_get(f->jobs, i);
		if (json_integer_value(json_object_get(job, "number")) > after)
			json_array_append(list, job);
	}
	control_call_return(call, list);
}

static void
answer_access(struct fixture *f, struct control_call *call)
{
	const char *user = argument(call, "user");
	gboolean known = g_str_has_prefix(user, "op") || g_str_has_prefix(user, "ob");
	f->access_asked++;
	if (strcmp(user, "unlucky") == 0) {
		g_autoptr(GError) error = g_error_new(CAIRN_ERROR, CAIRN_ERROR_BUSY, "not now");
		control_call_error(call, error);
		return;
	}
	control_call_return(call, json_pack("{s:s,s:s?,s:[s]}", "user", user, "role",
					    known ? "operator" : NULL, "groups", "*"));
}

static gboolean
answer_read(struct fixture *f, struct control_call *call)
{
	const char *name = call->request->name;
	if (strcmp(name, "subscribe") == 0) {
		control_call_subscribe(call, NULL, TRUE, NULL);
		control_call_return(call, json_object());
	} else if (strcmp(name, "group-list") == 0 && f->fail_groups) {
		g_autoptr(GError) error = g_error_new(CAIRN_ERROR, CAIRN_ERROR_PEER, "not now");
		f->fail_groups = FALSE;
		control_call_error(call, error);
	} else if (strcmp(name, "group-list") == 0) {
		answer_list(call, f->groups);
	} else if (strcmp(name, "point-list") == 0) {
		answer_list(call, f->points);
	} else if (strcmp(name, "job-list") == 0) {
		answer_jobs(f, call);
	} else if (strcmp(name, "schedule-list") == 0) {
		answer_list(call, f->schedules);
	} else if (strcmp(name, "vm-list") == 0 && f->hold_vms) {
		f->vm_lists++;
		g_ptr_array_add(f->held, call);
	} else if (strcmp(name, "vm-list") == 0) {
		f->vm_lists++;
		answer_list(call, f->vms);
	} else if (strcmp(name, "job-errors") == 0) {
		control_call_return(call, f->errors ? json_incref(f->errors) : json_array());
	} else if (strcmp(name, "query-access") == 0) {
		answer_access(f, call);
	} else {
		return FALSE;
	}
	return TRUE;
}

/* What is asked of the daemon is noted and, when it names a job "refused", refused. */
static void
on_call(struct control_call *call, void *user_data)
{
	struct fixture *f = user_data;
	if (answer_read(f, call))
		return;
	g_free(f->last_request);
	g_free(f->last_as);
	json_decref(f->last_arguments);
	f->last_request = g_strdup(call->request->name);
	f->last_as = g_strdup(call->as);
	f->last_arguments = json_deep_copy(call->arguments);
	if (g_strcmp0(call->as, "operator-refused") == 0) {
		g_autoptr(GError) error =
			g_error_new(CAIRN_ERROR, CAIRN_ERROR_STATE, "not in this state");
		control_call_error(call, error);
	} else {
		control_call_return(call, json_object());
	}
}

void
start_daemon(struct fixture *f)
{
	g_autoptr(GError) error = NULL;
	f->server = control_server_new(f->dir, NULL, on_call, f, &error);
	g_assert_no_error(error);
}

void
stop_daemon(struct fixture *f)
{
	g_clear_pointer(&f->server, control_server_free);
}

/* ---- the model ---- */

static void
note(struct fixture *f, struct cim_instance **kept, struct cim_instance *instance)
{
	cim_instance_unref(*kept);
	*kept = instance ? cim_instance_ref(instance) : NULL;
}

static void
on_change(enum cim_namespace_id ns, struct cim_instance *before, struct cim_instance *after,
	  void *user_data)
{
	struct fixture *f = user_data;
	const struct cim_class *class = (after ? after : before)->class;
	if (ns != CIM_NS_VIRTUALIZATION)
		return;
	g_string_append_printf(f->told, "%c%s ", !before ? '+' : after ? '~' : '-', class->name);
	note(f, &f->before, before);
	note(f, &f->after, after);
}

static gboolean
on_deadline(void *data)
{
	*(gboolean *)data = TRUE;
	return G_SOURCE_CONTINUE;
}

void
wait_ready(struct fixture *f, gboolean ready)
{
	gboolean late = FALSE;
	guint source = g_timeout_add(DEADLINE_MS, on_deadline, &late);
	while (model_ready(f->model) != ready) {
		g_assert_false(late);
		g_main_context_iteration(NULL, TRUE);
	}
	g_source_remove(source);
}

static void
on_settled(const json_t *value, const GError *error, void *user_data)
{
	*(gboolean *)user_data = TRUE;
}

/* Answers and events come in order: when this one is there, all before it are. */
void
settle(struct fixture *f)
{
	gboolean done = FALSE, late = FALSE;
	guint source = g_timeout_add(DEADLINE_MS, on_deadline, &late);
	control_link_call(mirror_link(f->model->mirror), "query-version", NULL, NULL, on_settled,
			  &done);
	while (!done) {
		g_assert_false(late);
		g_main_context_iteration(NULL, TRUE);
	}
	g_source_remove(source);
}

void
start_model(struct fixture *f, guint build)
{
	g_autoptr(GError) error = NULL;
	f->schema = cim_schema_new(build, &error);
	g_assert_no_error(error);
	struct model_config config = {.schema = f->schema, .socket = f->socket, .host = HOST};
	f->model = model_new(&config, on_change, f);
}

void
set_up(struct fixture *f, gconstpointer unused)
{
	f->dir = g_dir_make_tmp("cairn-model-XXXXXX", NULL);
	f->socket = g_build_filename(f->dir, "control.sock", NULL);
	f->held = g_ptr_array_new();
	f->told = g_string_new(NULL);
	f->groups = json_array();
	f->points = json_array();
	f->jobs = json_array();
	f->vms = json_array();
	f->schedules = json_array();
	for (guint i = 1; i <= 3; i++)
		put(f->vms, make_vm(i, i == 3 ? "shutoff" : "running", 2));
	put(f->groups, make_group(1, "web", 1, 2));
	put(f->groups, make_group(2, "empty", 0, 0));
	put(f->points, make_point(1, 1, "web", 1, 2));
	put(f->points, make_point(2, 1, "web", 1, 2));
	put(f->jobs, make_job(1, FALSE, 7, 1, 1, 0));
	put(f->jobs, make_job(2, FALSE, 7, 1, 2, 0));
	put(f->jobs, make_job(3, TRUE, 7, 1, 2, 1));
	put(f->jobs, make_job(4, TRUE, 4, 1, 2, 0));
	start_daemon(f);
	start_model(f, CIM_BUILD_NEWEST);
}

void
tear_down(struct fixture *f, gconstpointer unused)
{
	model_free(f->model);
	note(f, &f->before, NULL); /* instances point into the schema */
	note(f, &f->after, NULL);
	cim_schema_free(f->schema);
	control_server_free(f->server);
	for (guint i = 0; i < f->held->len; i++) /* into the void */
		control_call_return(f->held->pdata[i], json_array());
	g_ptr_array_unref(f->held);
	json_decref(f->groups);
	json_decref(f->points);
	json_decref(f->jobs);
	json_decref(f->vms);
	json_decref(f->schedules);
	json_decref(f->errors);
	json_decref(f->last_arguments);
	g_free(f->last_request);
	g_free(f->last_as);
	g_string_free(f->told, TRUE);
	g_assert_true(cairn_remove_tree(f->dir, NULL));
	g_free(f->socket);
	g_free(f->dir);
}

/* ---- objects ---- */

const char *
guid(char kind, guint number)
{
	static char texts[64][GUID_LEN + 1]; /* in turns */
	static guint next;
	char *text = texts[next++ % G_N_ELEMENTS(texts)];
	g_snprintf(text, GUID_LEN + 1, "%08X-0000-4000-8000-%012X", (guint)kind, number);
	return text;
}

json_t *
make_vm(guint number, const char *state, guint disks)
{
	static const char *const targets[] = {"vda", "vdb", "vdc"};
	g_autofree char *name = g_strdup_printf("vm%u", number);
	json_t *vm = json_pack("{s:s,s:s,s:s,s:s,s:b,s:n,s:[],s:[]}", "id", guid('v', number),
			       "name", name, "uri", "test:///default", "state", state, "agent", 1,
			       "busy", "groups", "disks");
	for (guint i = 0; i < disks; i++) {
		g_autofree char *path = g_strdup_printf("/images/%s-%s.qcow2", name, targets[i]);
		json_array_append_new(json_object_get(vm, "disks"),
				      json_pack("{s:s,s:s,s:s,s:I,s:b,s:n}", "target", targets[i],
						"path", path, "format", "qcow2", "size",
						(json_int_t)1 << 30, "trackable", i == 0,
						"reason"));
	}
	return vm;
}

json_t *
make_group(guint number, const char *name, guint first_vm, guint vms)
{
	json_t *members = json_array();
	for (guint i = 0; i < vms; i++) {
		g_autofree char *vm = g_strdup_printf("vm%u", first_vm + i);
		json_array_append_new(members,
				      json_pack("{s:s,s:s,s:s}", "id", guid('v', first_vm + i),
						"name", vm, "state", "running"));
	}
	return json_pack("{s:s,s:s,s:s,s:o,s:i,s:n,s:b}", "id", guid('g', number), "name", name,
			 "created", "2026-11-21T10:20:30.000000Z", "members", members, "points", 0,
			 "latest", "held", 0);
}

static json_t *
make_member(guint vm)
{
	g_autofree char *name = g_strdup_printf("vm%u", vm);
	json_t *disks = json_array();
	for (guint i = 0; i < 2; i++) {
		g_autofree char *id = g_strdup_printf("Cairn:%s\\vd%c", guid('v', vm), 'a' + i);
		g_autofree char *target = g_strdup_printf("vd%c", 'a' + i);
		json_array_append_new(disks, json_pack("{s:s,s:s,s:s,s:I,s:b}", "target", target,
						       "id", id, "path", "/images/x", "size",
						       (json_int_t)1 << 30, "tracked", i == 0));
	}
	return json_pack("{s:s,s:s,s:s,s:s,s:o}", "id", guid('v', vm), "name", name, "state",
			 "running", "consistency", vm % 2 ? "application" : "crash", "disks",
			 disks);
}

json_t *
make_point(guint number, guint group_number, const char *group_name, guint first_vm, guint vms)
{
	g_autofree char *name = g_strdup_printf("%s@%u", group_name, number);
	json_t *members = json_array();
	for (guint i = 0; i < vms; i++)
		json_array_append_new(members, make_member(first_vm + i));
	return json_pack("{s:s,s:s,s:s,s:s,s:i,s:s,s:s,s:b,s:[],s:o}", "id", guid('p', number),
			 "name", name, "group", guid('g', group_number), "group-name", group_name,
			 "number", number, "created", "2026-11-21T10:20:30.123456Z", "consistency",
			 "crash", "held", 1, "exports", "members", members);
}

json_t *
make_job(guint number, gboolean is_export, guint state, guint group_number, guint point, guint base)
{
	cairn_auto(job) job = job_new(guid('j', number), is_export ? JOB_EXPORT : JOB_POINT_CREATE);
	gint64 start = G_GINT64_CONSTANT(1764322200000000);
	job->number = number;
	job->state = (enum job_state)state;
	job->phase = job_state_final(job->state) ? PHASE_ENDED : PHASE_COPY;
	job->group = g_strdup(guid('g', group_number));
	job->group_name = g_strdup("web");
	job->point = g_strdup(guid('p', point));
	job->point_name = g_strdup_printf("web@%u", point);
	job->base_point = base ? g_strdup(guid('p', base)) : NULL;
	job->owner = g_strdup("root");
	job->directory = is_export ? g_strdup("/exports") : NULL;
	job->submitted = job->state_changed = start;
	job->started = state == JOB_NEW ? 0 : start + G_USEC_PER_SEC;
	job->ended = job->phase == PHASE_ENDED ? start + 3 * G_USEC_PER_SEC : 0;
	job->active_us = job->ended ? job->ended - job->started : 0;
	job->active_since = job->ended ? 0 : job->started;
	gint64 now = start + 2 * G_USEC_PER_SEC;
	json_t *json = job_view(job, now);
	cairn_json_set(json, "properties", job_cim_properties(job, NULL, now));
	return json;
}

static size_t
place_of(const json_t *array, const char *id)
{
	size_t i = 0;
	while (i < json_array_size(array) &&
	       strcmp(json_string_value(json_object_get(json_array_get(array, i), "id")), id) != 0)
		i++;
	return i;
}

void
put(json_t *array, json_t *object)
{
	size_t place = place_of(array, json_string_value(json_object_get(object, "id")));
	if (place < json_array_size(array))
		json_array_set_new(array, place, object);
	else
		json_array_append_new(array, object);
}

void
take_out(json_t *array, const char *id)
{
	json_array_remove(array, place_of(array, id));
}

void
tell(struct fixture *f, const char *event, json_t *data)
{
	control_server_event(f->server, event, data);
	settle(f);
}

/* ---- operations ---- */

struct waiting {
	struct cim_reply reply;
	gboolean done;
};

static void
on_done(struct cim_reply *reply, void *user_data)
{
	struct waiting *waiting = user_data;
	waiting->reply = *reply;
	waiting->done = TRUE;
	*reply = (struct cim_reply){0};
}

struct cim_reply
run_as(struct fixture *f, struct cim_op *op, const char *user)
{
	struct waiting waiting = {0};
	gboolean late = FALSE;
	guint source = g_timeout_add(DEADLINE_MS, on_deadline, &late);
	if (model_run(f->model, op, user, &waiting.reply, on_done, &waiting))
		waiting.done = TRUE;
	while (!waiting.done) {
		g_assert_false(late);
		g_main_context_iteration(NULL, TRUE);
	}
	g_source_remove(source);
	cim_op_clear(op);
	return waiting.reply;
}

struct cim_reply
run_op(struct fixture *f, struct cim_op *op)
{
	return run_as(f, op, "operator");
}

guint
drain(struct cim_reply *reply)
{
	guint count = 0;
	struct cim_instance *instance;
	g_assert_no_error(reply->error);
	while ((instance = cim_list_next(reply->list))) {
		cim_instance_unref(instance);
		count++;
	}
	cim_reply_clear(reply);
	return count;
}

struct cim_instance *
get(struct fixture *f, enum cim_namespace_id ns, const char *path)
{
	g_autoptr(GError) error = NULL;
	struct cim_op op = {.kind = CIM_OP_GET_INSTANCE, .ns = ns};
	op.object = cim_path_parse(path, &error);
	g_assert_no_error(error);
	struct cim_reply reply = run_op(f, &op);
	struct cim_instance *instance = g_steal_pointer(&reply.instance);
	cim_reply_clear(&reply);
	return instance;
}

struct cim_reply
enumerate(struct fixture *f, enum cim_namespace_id ns, const char *class_name)
{
	struct cim_op op = {.kind = CIM_OP_ENUMERATE_INSTANCES, .ns = ns};
	op.class_name = g_strdup(class_name);
	return run_op(f, &op);
}

struct cim_reply
query(struct fixture *f, const char *text)
{
	g_autoptr(GError) error = NULL;
	struct cim_op op = {.kind = CIM_OP_EXEC_QUERY, .ns = CIM_NS_VIRTUALIZATION};
	op.query = query_parse(QUERY_WQL, text, &error);
	g_assert_no_error(error);
	return run_op(f, &op);
}

char *
path_of_job(guint number, gboolean is_export)
{
	return g_strdup_printf("\\\\HOST\\root\\virtualization\\v2:%s.InstanceID=\"%s\"",
			       is_export ? "Msvm_CollectionReferencePointExportJob"
					 : "Msvm_ConcreteJob",
			       guid('j', number));
}

guint64
number_of(const struct cim_instance *instance, const char *name)
{
	const struct cim_value *value = cim_instance_get(instance, name);
	g_assert_true(value && value->is_set);
	return value->u.uint;
}

void
assert_status(struct cim_reply *reply, enum cim_status status)
{
	g_assert_nonnull(reply->error);
	g_assert_cmpstr(cim_status_name(cim_status_of(reply->error)), ==, cim_status_name(status));
	cim_reply_clear(reply);
}
