/* Exchanges: begun here, handed to their protocol, and to whoever owns the class. */
#include "cimd/dispatch_private.h"

#define TIDY_SECONDS 30 /* how often contexts that nobody pulls are looked at */

static gint64
steady_clock(void)
{
	return g_get_monotonic_time();
}

static gboolean
tidy(gpointer data)
{
	struct dispatch *dispatch = data;
	contexts_tidy(dispatch->contexts);
	return G_SOURCE_CONTINUE;
}

struct dispatch *
dispatch_new(const struct dispatch_config *config)
{
	struct dispatch *dispatch = g_new0(struct dispatch, 1);
	dispatch->config = *config;
	dispatch->host = g_strdup(config->host);
	dispatch->config.host = dispatch->host;
	dispatch->contexts = contexts_new(steady_clock);
	dispatch->runs = g_ptr_array_new();
	dispatch->tidy = g_timeout_add_seconds(TIDY_SECONDS, tidy, dispatch);
	return dispatch;
}

static void model_done(struct cim_reply *reply, gpointer data);

void
run_cancel(struct run *run)
{
	model_cancel(run->dispatch->config.model, model_done, run);
}

static void
end_run(struct run *run)
{
	run_cancel(run);
	http_refuse(run->x, 503, NULL);
	run_free(run);
}

void
dispatch_free(struct dispatch *dispatch)
{
	if (!dispatch)
		return;
	while (dispatch->runs->len)
		end_run(dispatch->runs->pdata[0]);
	g_source_remove(dispatch->tidy);
	contexts_free(dispatch->contexts);
	g_ptr_array_unref(dispatch->runs);
	g_free(dispatch->host);
	g_free(dispatch);
}

void
run_free(struct run *run)
{
	g_ptr_array_remove_fast(run->dispatch->runs, run);
	if (run->deadline)
		g_source_remove(run->deadline);
	if (run->cimxml) {
		cimxml_request_clear(run->cimxml);
		g_free(run->cimxml);
	}
	if (run->wsman) {
		wsman_request_clear(run->wsman);
		g_free(run->wsman);
	}
	cim_reply_clear(&run->reply);
	g_free(run);
}

static void
model_done(struct cim_reply *reply, gpointer data)
{
	struct run *run = data;
	run->reply = *reply;
	*reply = (struct cim_reply){0};
	run->answer(run);
}

/* The class that decides who does @op: of the object, the instance, or the name. */
static const struct cim_class *
class_of(const struct dispatch *dispatch, const struct cim_op *op)
{
	const char *name = op->object ? op->object->class_name : op->class_name;
	if (op->instance)
		return op->instance->class;
	return name ? cim_schema_class(dispatch->config.schema, op->ns, name) : NULL;
}

static gboolean
is_about_instances(const struct cim_op *op)
{
	return op->kind >= CIM_OP_GET_INSTANCE && op->kind <= CIM_OP_REFERENCE_NAMES;
}

void
run_operation(struct run *run, const struct cim_op *op)
{
	struct dispatch *dispatch = run->dispatch;
	const struct cim_class *class = class_of(dispatch, op);
	if (class && is_about_instances(op) && events_owns_class(dispatch->config.events, class)) {
		events_run(dispatch->config.events, op, run->identity->user, &run->reply);
		run->answer(run);
		return;
	}
	if (model_run(dispatch->config.model, op, run->identity->user, &run->reply, model_done,
		      run))
		run->answer(run);
}

void
dispatch_handle(struct http_exchange *x, gpointer data)
{
	struct dispatch *dispatch = data;
	struct run *run = g_new0(struct run, 1);
	run->dispatch = dispatch;
	run->x = x;
	run->identity = http_exchange_identity(x);
	g_ptr_array_add(dispatch->runs, run);
	if (http_exchange_protocol(x) == HTTP_CIMXML)
		dispatch_cimxml(run);
	else
		dispatch_wsman(run);
}
