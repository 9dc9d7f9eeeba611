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
	dispatch->exchanges = g_ptr_array_new();
	dispatch->tidy = g_timeout_add_seconds(TIDY_SECONDS, tidy, dispatch);
	return dispatch;
}

static void model_done(struct cim_reply *reply, gpointer data);

void
exchange_cancel(struct exchange *exchange)
{
	model_cancel(exchange->dispatch->config.model, model_done, exchange);
}

static void
end_exchange(struct exchange *exchange)
{
	exchange_cancel(exchange);
	http_refuse(exchange->x, 503, NULL);
	exchange_free(exchange);
}

void
dispatch_free(struct dispatch *dispatch)
{
	if (!dispatch)
		return;
	while (dispatch->exchanges->len)
		end_exchange(dispatch->exchanges->pdata[0]);
	g_source_remove(dispatch->tidy);
	contexts_free(dispatch->contexts);
	g_ptr_array_unref(dispatch->exchanges);
	g_free(dispatch->host);
	g_free(dispatch);
}

void
exchange_free(struct exchange *exchange)
{
	g_ptr_array_remove_fast(exchange->dispatch->exchanges, exchange);
	if (exchange->deadline)
		g_source_remove(exchange->deadline);
	if (exchange->cimxml) {
		cimxml_request_clear(exchange->cimxml);
		g_free(exchange->cimxml);
	}
	if (exchange->wsman) {
		wsman_request_clear(exchange->wsman);
		g_free(exchange->wsman);
	}
	cim_reply_clear(&exchange->reply);
	g_free(exchange);
}

static void
model_done(struct cim_reply *reply, gpointer data)
{
	struct exchange *exchange = data;
	exchange->reply = *reply;
	*reply = (struct cim_reply){0};
	exchange->answer(exchange);
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
exchange_run(struct exchange *exchange, const struct cim_op *op)
{
	struct dispatch *dispatch = exchange->dispatch;
	const struct cim_class *class = class_of(dispatch, op);
	if (class && is_about_instances(op) && events_owns_class(dispatch->config.events, class)) {
		events_run(dispatch->config.events, op, exchange->identity->user, &exchange->reply);
		exchange->answer(exchange);
		return;
	}
	if (model_run(dispatch->config.model, op, exchange->identity->user, &exchange->reply,
		      model_done, exchange))
		exchange->answer(exchange);
}

void
dispatch_handle(struct http_exchange *x, gpointer data)
{
	struct dispatch *dispatch = data;
	struct exchange *exchange = g_new0(struct exchange, 1);
	exchange->dispatch = dispatch;
	exchange->x = x;
	exchange->identity = http_exchange_identity(x);
	g_ptr_array_add(dispatch->exchanges, exchange);
	if (http_exchange_protocol(x) == HTTP_CIMXML)
		dispatch_cimxml(exchange);
	else
		dispatch_wsman(exchange);
}
