/* One operation from its beginning to its answer: is the mirror there, may the user, are the
 * machines fresh; then the table says who does it. */
#include "cimd/model_private.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

/* ---- the end of a run ---- */

static gboolean
is_asking(const struct run *run)
{
	return run->questions && run->questions->len > 0;
}

static void
run_free(struct run *run)
{
	g_ptr_array_remove_fast(run->model->runs, run);
	if (run->state && run->free_state)
		run->free_state(run->state);
	g_clear_pointer(&run->questions, g_ptr_array_unref);
	cim_reply_clear(&run->reply);
	g_free(run->user);
	g_free(run);
}

/* An answer of cairnd that is still to come keeps the run's memory. */
static void
run_drop(struct run *run)
{
	mirror_refresh_cancel(run->model->mirror, run);
	run->op = NULL;
	run->gone = TRUE;
	if (!is_asking(run))
		run_free(run);
}

void
run_end(struct run *run)
{
	g_assert(!run->over);
	run->over = TRUE;
	run->step = NULL;
	if (run->inside)
		return;
	struct cim_reply reply = run->reply;
	run->reply = (struct cim_reply){0};
	model_done_fn done = run->done;
	void *user_data = run->user_data;
	run_drop(run);
	done(&reply, user_data);
	cim_reply_clear(&reply);
}

void
run_fail(struct run *run, GError *error)
{
	cim_reply_clear(&run->reply);
	run->reply.error = error;
	run_end(run);
}

void
run_refuse(struct run *run, enum cim_status status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	GError *error = g_error_new_valist(CIM_ERROR, (int)status, format, args);
	va_end(args);
	run_fail(run, error);
}

void
run_return(struct run *run, guint64 code)
{
	run->reply.value = cim_uint(CIM_UINT32, code);
	run_end(run);
}

/* ---- asking cairnd ---- */

struct question {
	struct run *run;
	run_answer_fn answer;
	void (*apply)(struct mirror *mirror, const json_t *json);
};

/* What the answers of these requests are. cairnd tells the same as an event just before; it is
 * put in again where the event says less. */
static const struct {
	const char *request;
	void (*apply)(struct mirror *mirror, const json_t *json);
} answers[] = {
	{"group-create", mirror_apply_group},  {"group-add", mirror_apply_group},
	{"group-remove", mirror_apply_group},  {"group-rename", mirror_apply_group},
	{"point-release", mirror_apply_point}, {"vm-list", mirror_apply_vms},
};

static void
on_answer(const json_t *value, const GError *error, void *user_data)
{
	struct question *question = user_data;
	struct run *run = question->run;
	run_answer_fn answer = question->answer;
	if (value && question->apply)
		question->apply(run->model->mirror, value);
	g_ptr_array_remove_fast(run->questions, question);
	if (!run->gone)
		answer(run, value, error);
	else if (!is_asking(run))
		run_free(run);
}

static void
ask(struct run *run, const char *request, json_t *arguments, const char *as, run_answer_fn answer)
{
	struct question *question = g_new0(struct question, 1);
	*question = (struct question){.run = run, .answer = answer};
	for (guint i = 0; i < G_N_ELEMENTS(answers); i++)
		if (strcmp(answers[i].request, request) == 0)
			question->apply = answers[i].apply;
	if (!run->questions)
		run->questions = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(run->questions, question);
	control_link_call(mirror_link(run->model->mirror), request, arguments, as, on_answer,
			  question);
	json_decref(arguments);
}

void
run_request(struct run *run, const char *request, json_t *arguments, run_answer_fn answer)
{
	ask(run, request, arguments, run->user, answer);
}

void
run_read(struct run *run, const char *request, json_t *arguments, run_answer_fn answer)
{
	ask(run, request, arguments, NULL, answer);
}

/* ---- the way of a run ---- */

static void
run_not_supported(struct run *run)
{
	run_refuse(run, CIM_ERR_NOT_SUPPORTED,
		   "%s: the classes are fixed, and objects are made by "
		   "methods",
		   cim_op_name(run->kind));
}

static void
run_do(struct run *run)
{
	static void (*const operations[CIM_OP_LAST])(struct run * run) = {
		[CIM_OP_GET_CLASS] = run_get_class,
		[CIM_OP_ENUMERATE_CLASSES] = run_enumerate_classes,
		[CIM_OP_ENUMERATE_CLASS_NAMES] = run_enumerate_classes,
		[CIM_OP_GET_INSTANCE] = run_get_instance,
		[CIM_OP_ENUMERATE_INSTANCES] = run_enumerate,
		[CIM_OP_ENUMERATE_INSTANCE_NAMES] = run_enumerate,
		[CIM_OP_CREATE_INSTANCE] = run_create,
		[CIM_OP_MODIFY_INSTANCE] = run_modify,
		[CIM_OP_DELETE_INSTANCE] = run_delete,
		[CIM_OP_ASSOCIATORS] = run_associations,
		[CIM_OP_ASSOCIATOR_NAMES] = run_associations,
		[CIM_OP_REFERENCES] = run_associations,
		[CIM_OP_REFERENCE_NAMES] = run_associations,
		[CIM_OP_EXEC_QUERY] = run_query,
		[CIM_OP_GET_PROPERTY] = run_get_property,
		[CIM_OP_SET_PROPERTY] = run_set_property,
		[CIM_OP_ENUMERATE_QUALIFIERS] = run_qualifiers,
		[CIM_OP_GET_QUALIFIER] = run_qualifiers,
		[CIM_OP_INVOKE] = run_invoke,
	};
	run->step = NULL;
	if (operations[run->kind])
		operations[run->kind](run);
	else
		run_not_supported(run);
}

static void
on_fresh(void *user_data)
{
	run_do(user_data);
}

static void
run_freshen(struct run *run)
{
	run->step = NULL;
	if (!run->op) { /* model_admit() */
		run_end(run);
		return;
	}
	if (run->ns >= CIM_NS_LAST) {
		run_refuse(run, CIM_ERR_INVALID_NAMESPACE, "there is no namespace \"%s\"",
			   run->op->namespace_text ? run->op->namespace_text : "");
		return;
	}
	if (run_needs_vms(run) && !mirror_vms_fresh(run->model->mirror))
		mirror_refresh_vms(run->model->mirror, on_fresh, run);
	else
		run_do(run);
}

/* A run that comes while the mirror is filled waits; without cairnd nothing can be said. */
static void
run_start(struct run *run)
{
	const struct mirror *mirror = run->model->mirror;
	run->step = NULL;
	if (mirror_ready(mirror))
		run_check_access(run, run_freshen);
	else if (mirror_filling(mirror))
		run->step = run_start;
	else
		run_refuse(run, CIM_ERR_FAILED, "cairnd does not answer");
}

void
model_wake(struct model *model)
{
	g_autoptr(GPtrArray) waiting = g_ptr_array_new();
	for (guint i = 0; i < model->runs->len; i++)
		if (((struct run *)model->runs->pdata[i])->step == run_start)
			g_ptr_array_add(waiting, model->runs->pdata[i]);
	for (guint i = 0; i < waiting->len; i++) {
		struct run *run = waiting->pdata[i];
		/* one that ended may have cancelled another */
		if (g_ptr_array_find(model->runs, run, NULL) && run->step == run_start)
			run_start(run);
	}
}

/* @run begins: TRUE when it has ended, with the answer in *@ret_reply. */
static gboolean
begin(struct run *run, struct cim_reply *ret_reply)
{
	g_ptr_array_add(run->model->runs, run);
	run->inside = TRUE;
	run_start(run);
	run->inside = FALSE;
	if (!run->over)
		return FALSE;
	*ret_reply = run->reply;
	run->reply = (struct cim_reply){0};
	run_drop(run);
	return TRUE;
}

gboolean
model_run(struct model *model, const struct cim_op *op, const char *user,
	  struct cim_reply *ret_reply, model_done_fn done, void *user_data)
{
	g_assert(user && *user);
	struct run *run = g_new0(struct run, 1);
	*run = (struct run){
		.model = model,
		.op = op,
		.kind = op->kind == CIM_OP_OPEN ? op->opens : op->kind,
		.ns = op->ns,
		.user = g_strdup(user),
		.done = done,
		.user_data = user_data,
	};
	return begin(run, ret_reply);
}

gboolean
model_admit(struct model *model, const char *user, struct cim_reply *ret_reply, model_done_fn done,
	    void *user_data)
{
	g_assert(user && *user);
	struct run *run = g_new0(struct run, 1);
	*run = (struct run){
		.model = model, .user = g_strdup(user), .done = done, .user_data = user_data};
	return begin(run, ret_reply);
}

void
model_cancel(struct model *model, model_done_fn done, void *user_data)
{
	for (guint i = 0; i < model->runs->len; i++) {
		struct run *run = model->runs->pdata[i];
		if (run->gone || run->done != done || run->user_data != user_data)
			continue;
		run_drop(run);
		return;
	}
}

/* ---- the model ---- */

const struct cim_class *
model_class(const struct model *model, const char *name)
{
	const struct cim_class *class = NULL;
	for (guint ns = 0; ns < CIM_NS_LAST && !class; ns++)
		class = cim_schema_class(model->schema, ns, name);
	return class;
}

void
model_changed(struct model *model, struct cim_instance *before, struct cim_instance *after)
{
	guint namespaces = (after ? after : before)->class->namespaces;
	for (guint ns = 0; model->change && ns < CIM_NS_LAST; ns++)
		if (namespaces & (1u << ns))
			model->change(ns, before, after, model->user_data);
}

struct model *
model_new(const struct model_config *config, model_change_fn change, void *user_data)
{
	struct model *model = g_new0(struct model, 1);
	model->schema = config->schema;
	model->languages = config->languages;
	model->host = g_strdup(config->host);
	model->change = change;
	model->user_data = user_data;
	model->plans = g_hash_table_new_full(NULL, NULL, NULL, bind_plan_free);
	model->access = model_access_new();
	model->runs = g_ptr_array_new();
	model->job_waits = g_ptr_array_new();
	model->mirror = mirror_new(model, config->socket);
	return model;
}

void
model_free(struct model *model)
{
	if (!model)
		return;
	/* with the link the answers under way are dropped: runs need not wait for them */
	mirror_free(model->mirror);
	while (model->runs->len > 0)
		run_free(model->runs->pdata[0]);
	g_ptr_array_unref(model->runs);
	g_ptr_array_unref(model->job_waits);
	g_hash_table_unref(model->access);
	g_hash_table_unref(model->plans);
	g_free(model->host);
	g_free(model);
}

gboolean
model_ready(const struct model *model)
{
	return mirror_ready(model->mirror);
}
