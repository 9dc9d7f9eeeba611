/* WS-Man pulls of a subscription: they wait for events, and are answered from the loop. */
#include "cimd/events_private.h"

#include "cim/status.h"

#include <string.h>

/* An answer leaves so long before the client's own time-out, so that it is there in time. */
#define MARGIN_USEC G_USEC_PER_SEC

struct pull {
	const struct wsman_request *request;
	char *user;
	events_pull_fn done;
	void *user_data;
	gint64 deadline;
	GError *error; /* it has failed already */
};

void
pull_free(struct pull *pull)
{
	g_free(pull->user);
	g_clear_error(&pull->error);
	g_free(pull);
}

struct subscription *
events_by_context(const struct events *events, const char *context)
{
	for (guint i = 0; context && i < events->subscriptions->len; i++) {
		struct subscription *subscription = events->subscriptions->pdata[i];
		if (g_strcmp0(subscription->context, context) == 0)
			return subscription;
	}
	return NULL;
}

gboolean
events_owns_context(struct events *events, const char *context)
{
	return events_by_context(events, context) != NULL;
}

/* Another user's subscription is not there. */
static struct subscription *
subscription_of(const struct events *events, const struct pull *pull)
{
	struct subscription *subscription = events_by_context(events, pull->request->context);
	return subscription && strcmp(subscription->user, pull->user) == 0 ? subscription : NULL;
}

/* ---- a page of events ---- */

/* The queue as a list, without taking anything out; behind its end once more its last: to the
 * writer a subscription's list has no end. */
struct cursor {
	GQueue *queue;
	guint next;
};

static struct cim_instance *
cursor_next(void *data)
{
	struct cursor *cursor = data;
	guint place = MIN(cursor->next, cursor->queue->length - 1);
	if (cursor->next > cursor->queue->length)
		return NULL;
	cursor->next++;
	return cim_instance_ref(g_queue_peek_nth(cursor->queue, place));
}

static void
drop(struct subscription *subscription, guint count)
{
	while (count-- && subscription->queue.length)
		cim_instance_unref(g_queue_pop_head(&subscription->queue));
}

static void
tell_dropped(struct subscription *subscription)
{
	if (subscription->dropped)
		g_message("subscription %s of %s is pulled again: %" G_GUINT64_FORMAT
			  " events were dropped",
			  subscription->id, subscription->user, subscription->dropped);
	subscription->dropped = 0;
}

/* What is too large for the client would never fit: it is lost, and the client told so. */
static gboolean
write_page(struct subscription *subscription, const struct pull *pull, GString *body,
	   GError **error)
{
	static const struct cim_list_driver driver = {cursor_next, g_free};
	struct cursor *cursor = g_new0(struct cursor, 1);
	cursor->queue = &subscription->queue;
	cairn_auto(cim_list) list = cim_list_new(&driver, cursor);
	struct wsman_request page = *pull->request; /* borrows all */
	guint waiting = subscription->queue.length;
	gboolean end;
	page.max_items = page.max_items ? MIN(page.max_items, waiting) : waiting;
	gboolean ok = wsman_write_page(body, subscription->events->schema, subscription->request,
				       &page, list, subscription->context, &end, error);
	if (!ok) {
		drop(subscription, 1);
		return FALSE;
	}
	cim_list_peek(list); /* so that one more than was written has been taken from the queue */
	drop(subscription, cursor->next - 1);
	tell_dropped(subscription);
	return TRUE;
}

/* ---- waiting ---- */

static gboolean
is_ready(const struct events *events, const struct pull *pull, gint64 now)
{
	const struct subscription *subscription = subscription_of(events, pull);
	return pull->error || !subscription || subscription->queue.length || now >= pull->deadline;
}

static void
answer(struct events *events, struct pull *pull)
{
	struct subscription *subscription = subscription_of(events, pull);
	g_autoptr(GString) body = g_string_new(NULL);
	GError **error = &pull->error;
	if (*error)
		g_string_truncate(body, 0);
	else if (!subscription)
		wsman_fail(error, WSMAN_FAULT_INVALID_CONTEXT, "there is no such subscription");
	else if (subscription->queue.length)
		write_page(subscription, pull, body, error);
	else
		wsman_fail(error, WSMAN_FAULT_TIMED_OUT, "no event came in time");
	pull->done(*error ? NULL : body, *error, pull->user_data);
	pull_free(pull);
}

/* One after the other from the beginning: @done may cancel others, or ask for more. */
void
events_serve_pulls(struct events *events, gint64 now)
{
	guint i = 0;
	while (i < events->pulls->len) {
		if (!is_ready(events, events->pulls->pdata[i], now)) {
			i++;
			continue;
		}
		answer(events, g_ptr_array_steal_index(events->pulls, i));
		i = 0;
	}
}

gint64
events_pulls_due(const struct events *events)
{
	gint64 due = G_MAXINT64;
	for (guint i = 0; i < events->pulls->len; i++) {
		const struct pull *pull = events->pulls->pdata[i];
		due = MIN(due, pull->deadline);
	}
	return due;
}

void
events_end_pulls(struct events *events, const struct subscription *subscription)
{
	for (guint i = 0; subscription->context && i < events->pulls->len; i++) {
		struct pull *pull = events->pulls->pdata[i];
		if (!pull->error && strcmp(pull->request->context, subscription->context) == 0)
			wsman_fail(&pull->error, WSMAN_FAULT_INVALID_CONTEXT,
				   "the subscription has ended");
	}
}

static gint64
patience(const struct wsman_request *request)
{
	gint64 most = (gint64)EVENTS_PULL_MAX_SEC * G_USEC_PER_SEC;
	gint64 usec = request->timeout_usec;
	if (usec <= 0)
		usec = (gint64)EVENTS_PULL_DEFAULT_SEC * G_USEC_PER_SEC;
	usec -= MIN(MARGIN_USEC, usec / 10);
	if (request->max_time_usec > 0)
		usec = MIN(usec, request->max_time_usec);
	return MIN(usec, most);
}

static gboolean
is_pulled(const struct events *events, const struct wsman_request *request)
{
	for (guint i = 0; i < events->pulls->len; i++) {
		const struct pull *pull = events->pulls->pdata[i];
		if (!pull->error && g_strcmp0(pull->request->context, request->context) == 0)
			return TRUE;
	}
	return FALSE;
}

void
events_pull(struct events *events, const struct wsman_request *request, const char *user,
	    events_pull_fn done, void *user_data)
{
	gint64 now = events_now(events);
	struct pull *pull = g_new0(struct pull, 1);
	pull->request = request;
	pull->user = g_strdup(user);
	pull->done = done;
	pull->user_data = user_data;
	pull->deadline = now + patience(request);
	struct subscription *subscription = subscription_of(events, pull);
	if (subscription && is_pulled(events, request))
		wsman_fail(&pull->error, WSMAN_FAULT_CONCURRENCY,
			   "another Pull of this subscription is under way");
	else if (subscription && subscription->pull_renews)
		subscription->expires_at =
			now + (gint64)EVENTS_EXPIRES_DEFAULT_SEC * G_USEC_PER_SEC;
	g_ptr_array_add(events->pulls, pull);
	events_soon(events);
}

void
events_pull_cancel(struct events *events, events_pull_fn done, void *user_data)
{
	for (guint i = 0; i < events->pulls->len; i++) {
		const struct pull *pull = events->pulls->pdata[i];
		if (pull->done == done && pull->user_data == user_data) {
			g_ptr_array_remove_index(events->pulls, i);
			return;
		}
	}
}
