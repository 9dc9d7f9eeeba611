/* Exchanges: begun here, handed to their protocol, and to whoever owns the class. */
#include "cimd/dispatch_private.h"

#define TIDY_SECONDS 30 /* how often contexts that nobody pulls are looked at */

static gint64
steady_clock(void)
{
	return g_get_monotonic_time();
}

/* ---- subscribers whose role was taken away ---- */

struct check {
	struct dispatch *dispatch;
	char *user;
};

static void
check_free(gpointer data)
{
	struct check *check = data;
	g_free(check->user);
	g_free(check);
}

/* Without cairnd nobody is told anything, and nobody is thrown out. */
static void
on_checked(struct cim_reply *reply, gpointer data)
{
	struct check *check = data;
	struct dispatch *dispatch = check->dispatch;
	if (g_error_matches(reply->error, CIM_ERROR, CIM_ERR_ACCESS_DENIED)) {
		g_message("the subscriptions of \"%s\" end: %s", check->user,
			  reply->error->message);
		events_end_user(dispatch->config.events, check->user);
	}
	cim_reply_clear(reply);
	g_ptr_array_remove_fast(dispatch->checks, check);
}

static void
check_user(struct dispatch *dispatch, const char *user)
{
	struct cim_reply reply = {0};
	struct check *check = g_new0(struct check, 1);
	*check = (struct check){dispatch, g_strdup(user)};
	g_ptr_array_add(dispatch->checks, check);
	if (model_admit(dispatch->config.model, user, &reply, on_checked, check))
		on_checked(&reply, check);
}

void
dispatch_check_subscribers(struct dispatch *dispatch)
{
	g_auto(GStrv) users = events_users(dispatch->config.events);
	if (dispatch->checks->len > 0) /* cairnd has not answered the last ones */
		return;
	for (char **user = users; *user; user++)
		check_user(dispatch, *user);
}

static gboolean
tidy(gpointer data)
{
	struct dispatch *dispatch = data;
	contexts_tidy(dispatch->contexts);
	dispatch_check_subscribers(dispatch);
	return G_SOURCE_CONTINUE;
}

/* ---- the dispatcher ---- */

struct dispatch *
dispatch_new(const struct dispatch_config *config)
{
	struct dispatch *dispatch = g_new0(struct dispatch, 1);
	dispatch->config = *config;
	dispatch->host = g_strdup(config->host);
	dispatch->config.host = dispatch->host;
	dispatch->contexts = contexts_new(steady_clock);
	dispatch->exchanges = g_ptr_array_new();
	dispatch->checks = g_ptr_array_new_with_free_func(check_free);
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
	for (guint i = 0; i < dispatch->checks->len; i++)
		model_cancel(dispatch->config.model, on_checked, dispatch->checks->pdata[i]);
	g_ptr_array_unref(dispatch->checks);
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

static void
on_admitted(struct exchange *exchange)
{
	if (exchange->reply.error)
		exchange->refused(exchange);
	else
		exchange->admitted(exchange);
}

void
exchange_admit(struct exchange *exchange, exchange_answer_fn admitted, exchange_answer_fn refused)
{
	exchange->admitted = admitted;
	exchange->refused = refused;
	exchange->answer = on_admitted;
	if (model_admit(exchange->dispatch->config.model, exchange->identity->user,
			&exchange->reply, model_done, exchange))
		on_admitted(exchange);
}

/* Filters and subscriptions: the events have no gate of their own. */
static void
run_events(struct exchange *exchange)
{
	exchange->answer = exchange->refused;
	events_run(exchange->dispatch->config.events, exchange->op, exchange->identity->user,
		   &exchange->reply);
	exchange->answer(exchange);
}

void
exchange_run(struct exchange *exchange, const struct cim_op *op)
{
	struct dispatch *dispatch = exchange->dispatch;
	const struct cim_class *class = class_of(dispatch, op);
	if (class && is_about_instances(op) && events_owns_class(dispatch->config.events, class)) {
		exchange->op = op;
		exchange_admit(exchange, run_events, exchange->answer);
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
