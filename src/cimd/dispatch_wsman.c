/* WS-Management exchanges: whole envelopes, pages of enumerations, and event pulls that wait. */
#include "cimd/dispatch_private.h"

#include <string.h>

#define CONTENT_TYPE "application/soap+xml;charset=UTF-8"
#define VENDOR	     "cairn"
#define WINRM_AGENT  "Microsoft WinRM Client"

static void
reply_text(struct run *run, guint status, GString *text)
{
	g_autoptr(GBytes) body = g_string_free_to_bytes(text);
	http_reply(run->x, status, NULL, CONTENT_TYPE, body);
	run_free(run);
}

static void
answer_fault(struct run *run, const GError *error)
{
	GString *out = g_string_new(NULL);
	wsman_write_fault(out, run->wsman, run->dispatch->config.host, run->wsman->op.language,
			  error);
	reply_text(run, wsman_fault_http_status(error), out);
}

/* ---- everything that is no enumeration ---- */

static void
answer(struct run *run)
{
	g_autoptr(GError) error = NULL;
	GString *out;
	if (run->reply.error) {
		answer_fault(run, run->reply.error);
		return;
	}
	out = g_string_sized_new(4096);
	if (wsman_write_reply(out, run->dispatch->config.schema, run->wsman, &run->reply, &error)) {
		reply_text(run, 200, out);
		return;
	}
	g_string_free(out, TRUE);
	answer_fault(run, error);
}

static void
answer_identify(struct run *run)
{
	/* whoever did not say who he is learns no version */
	gboolean known = run->identity->state == IDENTITY_USER;
	struct wsman_identity identity = {known ? VENDOR : NULL, known ? CAIRN_VERSION : NULL};
	GString *out = g_string_new(NULL);
	wsman_write_identify(out, run->wsman, &identity);
	reply_text(run, 200, out);
}

/* ---- enumerations (DSP0226 8) ---- */

static void
opened_free(gpointer data)
{
	struct wsman_request *opened = data;
	wsman_request_clear(opened);
	g_free(opened);
}

/* A page that cannot be made. An Enumerate leaves nothing behind; a Pull leaves the item in its
 * context: the client may come back with a larger envelope. */
static void
fail_page(struct run *run, struct context *context, const GError *error)
{
	if (context->opened == run->wsman) {
		context->free_opened = NULL;
		contexts_remove(run->dispatch->contexts, context);
	}
	answer_fault(run, error);
}

/* One page for @run out of @context, which goes when its list ends. The request of an Enumerate
 * belongs to the context. */
static void
answer_page(struct run *run, struct context *context)
{
	g_autoptr(GError) error = NULL;
	GString *out = g_string_sized_new(4096);
	gboolean end = FALSE;
	if (!wsman_write_page(out, run->dispatch->config.schema, context->opened, run->wsman,
			      context->list, context->id, &end, &error)) {
		g_string_free(out, TRUE);
		fail_page(run, context, error);
		return;
	}
	if (context->opened == run->wsman)
		run->wsman = NULL;
	if (end)
		contexts_remove(run->dispatch->contexts, context);
	reply_text(run, 200, out);
}

static gint64
idle_seconds(const struct wsman_request *request)
{
	gint64 usec = request->expires_usec;
	if (!usec && request->expires_at)
		usec = request->expires_at - g_get_real_time();
	return MAX(usec, 0) / G_USEC_PER_SEC;
}

/* GET_CLASS enumerations answer with classes, which need no context: a page of them is whole. */
static void
answer_enumerate(struct run *run)
{
	g_autoptr(GError) error = NULL;
	struct context *context;
	if (run->reply.error || run->reply.classes) {
		answer(run);
		return;
	}
	if (!run->reply.list)
		run->reply.list = cim_list_of(g_ptr_array_new());
	context = contexts_add(run->dispatch->contexts, run->identity->user, run->reply.list,
			       run->wsman, opened_free, idle_seconds(run->wsman), &error);
	if (!context) {
		answer_fault(run, error);
		return;
	}
	run->reply.list = NULL;
	answer_page(run, context);
}

static void
fail_context(struct run *run)
{
	g_autoptr(GError) error = NULL;
	wsman_fail(&error, WSMAN_FAULT_INVALID_CONTEXT,
		   "there is no such enumeration context: it ended, expired or is another user's");
	answer_fault(run, error);
}

static struct context *
find_context(struct run *run)
{
	const char *id = run->wsman->context;
	return id ? contexts_find(run->dispatch->contexts, id, run->identity->user) : NULL;
}

/* ---- events ---- */

static void
events_pulled(GString *body, const GError *error, void *data)
{
	struct run *run = data;
	run->waits_for_events = FALSE;
	http_exchange_on_gone(run->x, NULL, NULL);
	if (error)
		answer_fault(run, error);
	else
		reply_text(run, 200, g_string_new_len(body->str, (gssize)body->len));
}

/* What would have been told goes back to the subscription. */
static void
puller_gone(struct http_exchange *x, gpointer data)
{
	struct run *run = data;
	events_pull_cancel(run->dispatch->config.events, events_pulled, run);
	http_refuse(x, 503, NULL);
	run_free(run);
}

static void
dispatch_pull(struct run *run)
{
	struct events *events = run->dispatch->config.events;
	struct context *context;
	if (run->wsman->context && events_owns_context(events, run->wsman->context)) {
		run->waits_for_events = TRUE;
		http_exchange_on_gone(run->x, puller_gone, run);
		events_pull(events, run->wsman, run->identity->user, events_pulled, run);
		return;
	}
	context = find_context(run);
	if (context)
		answer_page(run, context);
	else
		fail_context(run);
}

static void dispatch_eventing(struct run *run);

/* A pull subscription's context is given back like an enumeration's. */
static void
dispatch_release(struct run *run)
{
	struct context *context = find_context(run);
	GString *out;
	if (run->wsman->context &&
	    events_owns_context(run->dispatch->config.events, run->wsman->context)) {
		dispatch_eventing(run);
		return;
	}
	if (!context) {
		fail_context(run);
		return;
	}
	contexts_remove(run->dispatch->contexts, context);
	out = g_string_new(NULL);
	wsman_write_empty(out, run->wsman);
	reply_text(run, 200, out);
}

static void
dispatch_eventing(struct run *run)
{
	g_autoptr(GError) error = NULL;
	GString *out = g_string_new(NULL);
	g_autofree char *address = g_strconcat(http_exchange_listener(run->x), "/wsman", NULL);
	if (events_wsman(run->dispatch->config.events, run->wsman, run->identity->user, address,
			 out, &error)) {
		reply_text(run, 200, out);
		return;
	}
	g_string_free(out, TRUE);
	answer_fault(run, error);
}

/* ---- which action goes where ---- */

static void
dispatch_operation(struct run *run)
{
	run->answer = answer;
	run_operation(run, &run->wsman->op);
}

static void
dispatch_enumerate(struct run *run)
{
	run->answer = answer_enumerate;
	run_operation(run, &run->wsman->op);
}

static void
refuse_ack(struct run *run)
{
	g_autoptr(GError) error = NULL;
	wsman_fail(&error, WSMAN_FAULT_ACTION_NOT_SUPPORTED,
		   "an Ack is the answer to an event and is not sent by itself");
	answer_fault(run, error);
}

static void (*const actions[])(struct run *run) = {
	[WSMAN_IDENTIFY] = answer_identify,	 [WSMAN_GET] = dispatch_operation,
	[WSMAN_PUT] = dispatch_operation,	 [WSMAN_CREATE] = dispatch_operation,
	[WSMAN_DELETE] = dispatch_operation,	 [WSMAN_INVOKE] = dispatch_operation,
	[WSMAN_ENUMERATE] = dispatch_enumerate,	 [WSMAN_PULL] = dispatch_pull,
	[WSMAN_RELEASE] = dispatch_release,	 [WSMAN_SUBSCRIBE] = dispatch_eventing,
	[WSMAN_UNSUBSCRIBE] = dispatch_eventing, [WSMAN_RENEW] = dispatch_eventing,
	[WSMAN_GET_STATUS] = dispatch_eventing,	 [WSMAN_ACK] = refuse_ack,
};

static gboolean
may_go_on(struct run *run)
{
	return run->identity->state == IDENTITY_USER ||
	       (run->wsman->action == WSMAN_IDENTIFY && http_exchange_anonymous_identify(run->x));
}

/* ---- OperationTimeout (DSP0226 6.1) ---- */

/* The work in cairnd goes on; only the waiting ends. */
static gboolean
too_late(gpointer data)
{
	struct run *run = data;
	g_autoptr(GError) error = NULL;
	run->deadline = 0;
	run_cancel(run);
	wsman_fail(&error, WSMAN_FAULT_TIMED_OUT,
		   "not finished within the OperationTimeout of %.3f s; what was begun goes on",
		   (double)run->wsman->timeout_usec / G_USEC_PER_SEC);
	answer_fault(run, error);
	return G_SOURCE_REMOVE;
}

static void
set_deadline(struct run *run)
{
	gint64 usec = run->wsman->timeout_usec;
	gboolean waits = run->wsman->action == WSMAN_PULL; /* has its own way to be late */
	if (usec > 0 && !waits)
		run->deadline = g_timeout_add((guint)MIN(usec / 1000, G_MAXINT), too_late, run);
}

void
dispatch_wsman(struct run *run)
{
	g_autoptr(GError) error = NULL;
	const char *agent = http_exchange_user_agent(run->x);
	gsize len;
	const char *data = g_bytes_get_data(http_exchange_body(run->x), &len);
	run->wsman = g_new0(struct wsman_request, 1);
	run->wsman->from_winrm = agent && strstr(agent, WINRM_AGENT);
	gboolean ok = wsman_read(run->dispatch->config.schema, run->dispatch->config.namespace,
				 data, len, run->wsman, &error);
	if (!may_go_on(run)) {
		http_refuse(run->x, 401, NULL);
		run_free(run);
	} else if (!ok) {
		answer_fault(run, error);
	} else {
		set_deadline(run);
		actions[run->wsman->action](run);
	}
}
