/* WS-Eventing (W3C member submission of 2004, DSP0226 section 10): Subscribe, Renew, GetStatus,
 * Unsubscribe; and how its push modes send. */
#include "cimd/events_private.h"

#include "base/error.h"
#include "base/guid.h"
#include "cim/status.h"

#include <string.h>

/* ---- sending ---- */

static const char *const soap_headers[] = {"Content-Type: application/soap+xml;charset=UTF-8",
					   NULL};

static void
compose(const struct subscription *subscription, GPtrArray *indications, GString *body)
{
	const char *message_id = subscription->sender.message_id;
	if (indications->len > 0)
		wsman_write_event(body, subscription->events->schema, subscription->request,
				  indications, message_id);
	else
		wsman_write_heartbeat(body, subscription->request, message_id);
}

static gboolean
take_anything(const struct subscription *subscription, const GString *answer)
{
	return TRUE;
}

static gboolean
take_ack(const struct subscription *subscription, const GString *answer)
{
	return wsman_read_ack(answer->str, answer->len, subscription->sender.message_id);
}

static const struct sender_kind plain = {soap_headers, compose, take_anything};
static const struct sender_kind acknowledged = {soap_headers, compose, take_ack};

/* Nobody waits for what becomes of it. */
static void
end_told(guint status, const GString *answer, const GError *error, void *data)
{
}

void
events_tell_end(struct subscription *subscription, const char *why)
{
	const char *url = subscription->sender.end_url;
	if (!url)
		return;
	g_autofree char *guid = cairn_guid_new();
	g_autofree char *message_id = g_strconcat("uuid:", guid, NULL);
	GString *body = g_string_new(NULL);
	wsman_write_subscription_end(body, subscription->request, subscription->id, why,
				     message_id);
	deliver_post(subscription->events->deliver, url, soap_headers, body, end_told, NULL);
}

/* ---- Subscribe ---- */

static void
set_retries(struct sender *sender, const struct wsman_subscribe *subscribe)
{
	sender->attempts = EVENTS_RETRY_ATTEMPTS;
	sender->pause_usec = (gint64)EVENTS_RETRY_SECONDS * G_USEC_PER_SEC;
	sender->pause_grows = TRUE;
	if (subscribe->retry_total)
		sender->attempts = MIN(subscribe->retry_total, EVENTS_RETRY_ATTEMPTS_MAX);
	if (subscribe->retry_usec > 0) {
		sender->pause_usec = CLAMP(subscribe->retry_usec, G_USEC_PER_SEC,
					   (gint64)EVENTS_RETRY_SECONDS_MAX * G_USEC_PER_SEC);
		sender->pause_grows = FALSE;
	}
}

static gboolean
allow(const struct events *events, const char *url, char **ret_url, GError **error)
{
	g_autoptr(GError) why = NULL;
	char *allowed = deliver_allow(events->deliver, url, &why);
	if (!allowed)
		return wsman_fail(error,
				  g_error_matches(why, CAIRN_ERROR, CAIRN_ERROR_DENIED)
					  ? WSMAN_FAULT_ACCESS_DENIED
					  : WSMAN_FAULT_INVALID_MESSAGE,
				  "%s", why->message);
	*ret_url = allowed;
	return TRUE;
}

static gboolean
set_sender(struct subscription *subscription, const struct wsman_subscribe *subscribe,
	   GError **error)
{
	const struct events *events = subscription->events;
	struct sender *sender = &subscription->sender;
	if (subscribe->end_to && *subscribe->end_to &&
	    !g_str_has_suffix(subscribe->end_to, "/role/anonymous") &&
	    !allow(events, subscribe->end_to, &sender->end_url, error))
		return FALSE;
	if (subscribe->delivery == WSMAN_PULL_MODE) {
		g_autofree char *guid = cairn_guid_new();
		subscription->context = g_strconcat("uuid:", guid, NULL);
		return TRUE;
	}
	if (!subscribe->notify_to)
		return wsman_fail(error, WSMAN_FAULT_INVALID_MESSAGE,
				  "NotifyTo is needed in this delivery mode");
	if (!allow(events, subscribe->notify_to, &sender->url, error))
		return FALSE;
	gboolean batches = subscribe->delivery == WSMAN_EVENTS;
	guint batch = subscribe->max_items ? subscribe->max_items : EVENTS_BATCH_MAX;
	sender->kind = subscribe->delivery == WSMAN_PUSH ? &plain : &acknowledged;
	sender->batch = batches ? MIN(batch, EVENTS_BATCH_MAX) : 1;
	set_retries(sender, subscribe);
	if (subscribe->heartbeat_usec > 0) {
		sender->heartbeat_usec =
			CLAMP(subscribe->heartbeat_usec, EVENTS_HEARTBEAT_MIN_SEC * G_USEC_PER_SEC,
			      (gint64)EVENTS_EXPIRES_MAX_SEC * G_USEC_PER_SEC);
		sender->heartbeat_at = events_now(events) + sender->heartbeat_usec;
	}
	return TRUE;
}

/* Less than asked may be granted (WS-Eventing 3.1), more not. */
static gboolean
grant(struct subscription *subscription, const struct wsman_request *request, GError **error)
{
	gint64 most = (gint64)EVENTS_EXPIRES_MAX_SEC * G_USEC_PER_SEC;
	gint64 span = request->expires_usec;
	if (request->expires_at)
		span = request->expires_at - g_get_real_time();
	if (span < 0 || (request->expires_at && span == 0))
		return wsman_fail(error, WSMAN_FAULT_EVENT_EXPIRATION, "the expiry is in the past");
	subscription->pull_renews = span == 0 && subscription->context;
	if (span == 0)
		span = (gint64)EVENTS_EXPIRES_DEFAULT_SEC * G_USEC_PER_SEC;
	subscription->expires_at = events_now(subscription->events) + MIN(span, most);
	return TRUE;
}

static gint64
left(const struct subscription *subscription)
{
	return MAX(subscription->expires_at - events_now(subscription->events), 0);
}

static struct subscription *
make(struct events *events, const struct wsman_request *request, const char *user, GError **error)
{
	const struct query *query = request->op.query;
	if (!query) {
		wsman_fail(error, WSMAN_FAULT_CANNOT_PROCESS_FILTER,
			   "a subscription needs a filter");
		return NULL;
	}
	if (request->subscribe.bookmarks) {
		wsman_fail(error, WSMAN_FAULT_BOOKMARKS, "there are no bookmarks");
		return NULL;
	}
	if (!events_room(events, user)) {
		wsman_fail(error, WSMAN_FAULT_QUOTA,
			   "there are too many subscriptions (at most %d of one user, %d in all)",
			   EVENTS_PER_USER_MAX, EVENTS_SUBSCRIPTIONS_MAX);
		return NULL;
	}
	cairn_auto(subscription) subscription =
		subscription_new(events, user, 1u << request->op.ns, query, error);
	if (!subscription || !set_sender(subscription, &request->subscribe, error) ||
	    !grant(subscription, request, error))
		return NULL;
	return g_steal_pointer(&subscription);
}

static gboolean
subscribe(struct events *events, struct wsman_request *request, const char *user,
	  const char *address, GString *out, GError **error)
{
	struct subscription *subscription = make(events, request, user, error);
	if (!subscription)
		return FALSE;
	wsman_write_subscribed(out, request, address, subscription->id, left(subscription),
			       subscription->context);
	subscription->request = g_new(struct wsman_request, 1);
	*subscription->request = *request;
	*request = (struct wsman_request){0};
	subscription_begin(subscription);
	return TRUE;
}

/* ---- the others ---- */

static gboolean
is_meant(const struct subscription *subscription, const struct wsman_request *request,
	 const char *user)
{
	if (!subscription->request || strcmp(subscription->user, user) != 0)
		return FALSE;
	if (request->action == WSMAN_RELEASE)
		return g_strcmp0(subscription->context, request->context) == 0;
	return request->identifier &&
	       g_ascii_strcasecmp(subscription->id, request->identifier) == 0;
}

static struct subscription *
find(const struct events *events, const struct wsman_request *request, const char *user,
     GError **error)
{
	for (guint i = 0; i < events->subscriptions->len; i++)
		if (is_meant(events->subscriptions->pdata[i], request, user))
			return events->subscriptions->pdata[i];
	wsman_fail(error,
		   request->action == WSMAN_RELEASE ? WSMAN_FAULT_INVALID_CONTEXT
						    : WSMAN_FAULT_INVALID_MESSAGE,
		   "there is no such subscription");
	return NULL;
}

gboolean
events_wsman(struct events *events, struct wsman_request *request, const char *user,
	     const char *address, GString *out, GError **error)
{
	if (request->action == WSMAN_SUBSCRIBE)
		return subscribe(events, request, user, address, out, error);
	struct subscription *subscription = find(events, request, user, error);
	if (!subscription)
		return FALSE;
	if (request->action == WSMAN_UNSUBSCRIBE || request->action == WSMAN_RELEASE) {
		subscription_end(subscription, NULL);
		wsman_write_empty(out, request);
		return TRUE;
	}
	if (request->action == WSMAN_RENEW && !grant(subscription, request, error))
		return FALSE;
	wsman_write_subscribed(out, request, address, subscription->id, left(subscription), NULL);
	events_soon(events);
	return TRUE;
}
