/* WS-Management exchanges: whole envelopes, pages of enumerations, and event pulls that wait. */
#include "cimd/dispatch_private.h"
#include "cimd/limits.h"

#include <string.h>

#define CONTENT_TYPE "application/soap+xml;charset=UTF-8"
#define VENDOR	     "cairn"
#define WINRM_AGENT  "Microsoft WinRM Client"

static void
reply_text(struct exchange *exchange, guint status, GString *text)
{
	g_autoptr(GBytes) body = g_string_free_to_bytes(text);
	http_reply(exchange->x, status, NULL, CONTENT_TYPE, body);
	exchange_free(exchange);
}

static void
answer_fault(struct exchange *exchange, const GError *error)
{
	GString *out = g_string_new(NULL);
	enum cim_language language = exchange->wsman->op.language;
	g_autoptr(GError) translated =
		languages_error(exchange->dispatch->config.languages, error, &language);
	wsman_write_fault(out, exchange->wsman, exchange->dispatch->config.host, language,
			  translated);
	reply_text(exchange, wsman_fault_http_status(error), out);
}

/* ---- everything that is no enumeration ---- */

static void
answer(struct exchange *exchange)
{
	g_autoptr(GError) error = NULL;
	GString *out;
	if (exchange->reply.error) {
		answer_fault(exchange, exchange->reply.error);
		return;
	}
	out = g_string_sized_new(4096);
	if (wsman_write_reply(out, exchange->dispatch->config.schema, exchange->wsman,
			      &exchange->reply, &error)) {
		reply_text(exchange, 200, out);
		return;
	}
	g_string_free(out, TRUE);
	answer_fault(exchange, error);
}

static void
answer_identify(struct exchange *exchange)
{
	/* whoever did not say who he is learns no version */
	gboolean known = exchange->identity->state == IDENTITY_USER;
	struct wsman_identity identity = {known ? VENDOR : NULL, known ? CAIRN_VERSION : NULL};
	GString *out = g_string_new(NULL);
	wsman_write_identify(out, exchange->wsman, &identity);
	reply_text(exchange, 200, out);
}

/* ---- enumerations (DSP0226 8) ---- */

/* What a context remembers: the Enumerate, and classes where it asked for them. */
struct opened {
	struct wsman_request *request;
	const struct cim_class **classes; /* NULL: instances, which are the context's list */
	guint position;			  /* in classes */
};

static void
request_free(struct wsman_request *request)
{
	if (!request)
		return;
	wsman_request_clear(request);
	g_free(request);
}

static void
opened_free(gpointer data)
{
	struct opened *opened = data;
	request_free(opened->request);
	g_free(opened->classes);
	g_free(opened);
}

/* Appends one page for @exchange out of @context. */
static gboolean
write_page(struct exchange *exchange, struct context *context, GString *out, gboolean *ret_end,
	   GError **error)
{
	struct opened *opened = context->opened;
	const struct wsman_request *enumerate = opened->request ? opened->request : exchange->wsman;
	if (opened->classes)
		return wsman_write_class_page(out, enumerate, exchange->wsman, opened->classes,
					      &opened->position, context->id, ret_end, error);
	return wsman_write_page(out, exchange->dispatch->config.schema, enumerate, exchange->wsman,
				context->list, context->id, ret_end, error);
}

/* A page that cannot be made leaves the item in its context: the client may come back with a larger
 * envelope. An Enumerate that fails leaves nothing: nobody has heard of its context. */
static void
answer_page(struct exchange *exchange, struct context *context)
{
	g_autoptr(GError) error = NULL;
	GString *out = g_string_sized_new(4096);
	struct opened *opened = context->opened;
	gboolean end = FALSE;
	gboolean ok = write_page(exchange, context, out, &end, &error);
	if (end || (!ok && !opened->request))
		contexts_remove(exchange->dispatch->contexts, context);
	else if (!opened->request) /* the Enumerate is told: its request is the context's now */
		opened->request = g_steal_pointer(&exchange->wsman);
	if (ok) {
		reply_text(exchange, 200, out);
		return;
	}
	g_string_free(out, TRUE);
	answer_fault(exchange, error);
}

static gint64
idle_seconds(const struct wsman_request *request)
{
	gint64 usec = request->expires_usec;
	if (!usec && request->expires_at)
		usec = request->expires_at - g_get_real_time();
	return MAX(usec, 0) / G_USEC_PER_SEC;
}

static void
answer_enumerate(struct exchange *exchange)
{
	g_autoptr(GError) error = NULL;
	struct context *context;
	struct opened *opened;
	if (exchange->reply.error) {
		answer_fault(exchange, exchange->reply.error);
		return;
	}
	opened = g_new0(struct opened, 1);
	opened->classes = g_steal_pointer(&exchange->reply.classes);
	if (!exchange->reply.list)
		exchange->reply.list = cim_list_of(g_ptr_array_new());
	context = contexts_add(exchange->dispatch->contexts, exchange->identity->user,
			       exchange->reply.list, opened, opened_free,
			       idle_seconds(exchange->wsman), &error);
	if (!context) {
		opened_free(opened);
		answer_fault(exchange, error);
		return;
	}
	exchange->reply.list = NULL;
	answer_page(exchange, context);
}

static void
fail_context(struct exchange *exchange)
{
	g_autoptr(GError) error = NULL;
	wsman_fail(&error, WSMAN_FAULT_INVALID_CONTEXT,
		   "there is no such enumeration context: it ended, expired or is another user's");
	answer_fault(exchange, error);
}

static struct context *
find_context(struct exchange *exchange)
{
	const char *id = exchange->wsman->context;
	return id ? contexts_find(exchange->dispatch->contexts, id, exchange->identity->user,
				  opened_free)
		  : NULL;
}

/* ---- events ---- */

static void
events_pulled(GString *body, const GError *error, void *data)
{
	struct exchange *exchange = data;
	http_exchange_on_gone(exchange->x, NULL, NULL);
	if (error)
		answer_fault(exchange, error);
	else
		reply_text(exchange, 200, g_string_new_len(body->str, (gssize)body->len));
}

/* What would have been told goes back to the subscription. */
static void
puller_gone(struct http_exchange *x, gpointer data)
{
	struct exchange *exchange = data;
	events_pull_cancel(exchange->dispatch->config.events, events_pulled, exchange);
	http_refuse(x, 503, NULL);
	exchange_free(exchange);
}

static void
pull(struct exchange *exchange)
{
	struct events *events = exchange->dispatch->config.events;
	struct context *context;
	if (exchange->wsman->context && events_owns_context(events, exchange->wsman->context)) {
		http_exchange_on_gone(exchange->x, puller_gone, exchange);
		events_pull(events, exchange->wsman, exchange->identity->user, events_pulled,
			    exchange);
		return;
	}
	context = find_context(exchange);
	if (context)
		answer_page(exchange, context);
	else
		fail_context(exchange);
}

/* Who has lost his role gets no more of what he opened; that cairnd is away for a moment must not
 * end a subscription. */
static void
pull_refused(struct exchange *exchange)
{
	if (g_error_matches(exchange->reply.error, CIM_ERROR, CIM_ERR_ACCESS_DENIED)) {
		answer(exchange);
		return;
	}
	g_clear_error(&exchange->reply.error);
	pull(exchange);
}

static void
dispatch_pull(struct exchange *exchange)
{
	exchange_admit(exchange, pull, pull_refused);
}

static void dispatch_eventing(struct exchange *exchange);

/* A pull subscription's context is given back like an enumeration's. */
static void
dispatch_release(struct exchange *exchange)
{
	struct context *context = find_context(exchange);
	GString *out;
	if (exchange->wsman->context &&
	    events_owns_context(exchange->dispatch->config.events, exchange->wsman->context)) {
		dispatch_eventing(exchange);
		return;
	}
	if (!context) {
		fail_context(exchange);
		return;
	}
	contexts_remove(exchange->dispatch->contexts, context);
	out = g_string_new(NULL);
	wsman_write_empty(out, exchange->wsman);
	reply_text(exchange, 200, out);
}

static void
dispatch_eventing(struct exchange *exchange)
{
	g_autoptr(GError) error = NULL;
	GString *out = g_string_new(NULL);
	g_autofree char *address = g_strconcat(http_exchange_listener(exchange->x), "/wsman", NULL);
	if (events_wsman(exchange->dispatch->config.events, exchange->wsman,
			 exchange->identity->user, address, out, &error)) {
		reply_text(exchange, 200, out);
		return;
	}
	g_string_free(out, TRUE);
	answer_fault(exchange, error);
}

static void
dispatch_subscribe(struct exchange *exchange)
{
	exchange_admit(exchange, dispatch_eventing, answer);
}

/* ---- which action goes where ---- */

static void
dispatch_operation(struct exchange *exchange)
{
	exchange->answer = answer;
	exchange_run(exchange, &exchange->wsman->op);
}

static void
dispatch_enumerate(struct exchange *exchange)
{
	exchange->answer = answer_enumerate;
	exchange_run(exchange, &exchange->wsman->op);
}

static void
refuse_ack(struct exchange *exchange)
{
	g_autoptr(GError) error = NULL;
	wsman_fail(&error, WSMAN_FAULT_ACTION_NOT_SUPPORTED,
		   "an Ack is the answer to an event and is not sent by itself");
	answer_fault(exchange, error);
}

static void (*const actions[])(struct exchange *exchange) = {
	[WSMAN_IDENTIFY] = answer_identify,	 [WSMAN_GET] = dispatch_operation,
	[WSMAN_PUT] = dispatch_operation,	 [WSMAN_CREATE] = dispatch_operation,
	[WSMAN_DELETE] = dispatch_operation,	 [WSMAN_INVOKE] = dispatch_operation,
	[WSMAN_ENUMERATE] = dispatch_enumerate,	 [WSMAN_PULL] = dispatch_pull,
	[WSMAN_RELEASE] = dispatch_release,	 [WSMAN_SUBSCRIBE] = dispatch_subscribe,
	[WSMAN_UNSUBSCRIBE] = dispatch_eventing, [WSMAN_RENEW] = dispatch_subscribe,
	[WSMAN_GET_STATUS] = dispatch_eventing,	 [WSMAN_ACK] = refuse_ack,
};

static gboolean
may_go_on(struct exchange *exchange)
{
	return exchange->identity->state == IDENTITY_USER ||
	       (exchange->wsman->action == WSMAN_IDENTIFY &&
		http_exchange_anonymous_identify(exchange->x));
}

/* ---- OperationTimeout (DSP0226 6.1) ---- */

/* The work in cairnd goes on; only the waiting ends. */
static gboolean
too_late(gpointer data)
{
	struct exchange *exchange = data;
	g_autoptr(GError) error = NULL;
	exchange->deadline = 0;
	exchange_cancel(exchange);
	g_autofree char *seconds =
		g_strdup_printf("%.3f", (double)exchange->wsman->timeout_usec / G_USEC_PER_SEC);
	wsman_fail(&error, WSMAN_FAULT_TIMED_OUT,
		   "not finished within the OperationTimeout of %s s; what was begun goes on",
		   seconds);
	answer_fault(exchange, error);
	return G_SOURCE_REMOVE;
}

static void
set_deadline(struct exchange *exchange)
{
	gint64 usec = exchange->wsman->timeout_usec;
	gboolean waits = exchange->wsman->action == WSMAN_PULL; /* has its own way to be late */
	if (usec > 0 && !waits)
		exchange->deadline =
			g_timeout_add((guint)MIN(usec / 1000, G_MAXINT), too_late, exchange);
}

/* What is kept when it is answered must be small. */
static gboolean
check_kept(const struct exchange *exchange, gsize len, GError **error)
{
	static const struct {
		enum wsman_action action;
		gsize max;
	} kept[] = {
		{WSMAN_ENUMERATE, KEPT_ENUMERATION_MAX},
		{WSMAN_SUBSCRIBE, KEPT_SUBSCRIPTION_MAX},
	};
	for (guint i = 0; i < G_N_ELEMENTS(kept); i++)
		if (kept[i].action == exchange->wsman->action && len > kept[i].max)
			return wsman_fail(error, WSMAN_FAULT_QUOTA,
					  "the request has more than %zu bytes", kept[i].max);
	return TRUE;
}

/* The headers of WS-Management go before the one of HTTP, and so does a namespace MS_40C. */
static void
choose_language(struct exchange *exchange)
{
	struct wsman_request *request = exchange->wsman;
	const char *wanted = http_exchange_header(exchange->x, "Accept-Language");
	if (wanted && !request->locale && request->op.language == CIM_LANG_EN)
		request->op.language = cim_language_find(wanted);
}

void
dispatch_wsman(struct exchange *exchange)
{
	g_autoptr(GError) error = NULL;
	const char *agent = http_exchange_user_agent(exchange->x);
	gsize len;
	const char *data = g_bytes_get_data(http_exchange_body(exchange->x), &len);
	exchange->wsman = g_new0(struct wsman_request, 1);
	exchange->wsman->from_winrm = agent && strstr(agent, WINRM_AGENT);
	gboolean ok =
		wsman_read(exchange->dispatch->config.schema, exchange->dispatch->config.namespace,
			   data, len, exchange->wsman, &error) &&
		check_kept(exchange, len, &error);
	choose_language(exchange);
	if (!may_go_on(exchange)) {
		http_refuse(exchange->x, 401, NULL);
		exchange_free(exchange);
	} else if (!ok) {
		answer_fault(exchange, error);
	} else {
		set_deadline(exchange);
		actions[exchange->wsman->action](exchange);
	}
}
