/* A subscription's queue on its way to a listener: one post at a time, so that the order stays;
 * tried again with pauses, given up at a limit. */
#include "cimd/events_private.h"

#include "base/guid.h"

static void
unref_instance(gpointer instance)
{
	cim_instance_unref(instance);
}

void
sender_clear(struct subscription *subscription)
{
	struct sender *sender = &subscription->sender;
	deliver_cancel(sender->post);
	g_free(sender->url);
	g_free(sender->end_url);
	g_free(sender->message_id);
	*sender = (struct sender){0};
}

gint64
sender_due(const struct subscription *subscription)
{
	const struct sender *sender = &subscription->sender;
	if (!sender->kind || sender->post)
		return G_MAXINT64;
	if (sender->retry_at)
		return sender->retry_at;
	/* A queue that waits for nothing is pumped by who filled it. */
	return sender->heartbeat_at ? sender->heartbeat_at : G_MAXINT64;
}

/* ---- what came of a post ---- */

static void
taken(struct subscription *subscription, gint64 now)
{
	struct sender *sender = &subscription->sender;
	for (; sender->in_flight; sender->in_flight--)
		cim_instance_unref(g_queue_pop_head(&subscription->queue));
	g_clear_pointer(&sender->message_id, g_free);
	sender->failures = 0;
	sender->retry_at = 0;
	if (sender->heartbeat_usec)
		sender->heartbeat_at = now + sender->heartbeat_usec;
	if (subscription->dropped)
		g_message("subscription %s of %s takes events again: %" G_GUINT64_FORMAT
			  " were dropped",
			  subscription->id, subscription->user, subscription->dropped);
	subscription->dropped = 0;
}

static gint64
pause_of(const struct sender *sender)
{
	gint64 pause = sender->pause_usec;
	for (guint i = 1; sender->pause_grows && i < sender->failures; i++)
		pause = MIN(pause * 2, (gint64)EVENTS_RETRY_SECONDS_MAX * G_USEC_PER_SEC);
	return pause;
}

static void
refused(struct subscription *subscription, gint64 now, const char *why)
{
	struct sender *sender = &subscription->sender;
	if (++sender->failures > sender->attempts) {
		g_message("subscription %s of %s ends: %s does not take events: %s",
			  subscription->id, subscription->user, sender->url, why);
		subscription_end(subscription, "DeliveryFailure");
		return;
	}
	g_message("subscription %s of %s: %s does not take events (%u of %u): %s", subscription->id,
		  subscription->user, sender->url, sender->failures, sender->attempts + 1, why);
	sender->retry_at = now + pause_of(sender);
}

static void
on_posted(guint status, const GString *answer, const GError *error, void *data)
{
	struct subscription *subscription = data;
	struct events *events = subscription->events;
	struct sender *sender = &subscription->sender;
	gint64 now = events_now(events);
	sender->post = NULL;
	if (error) {
		refused(subscription, now, error->message);
	} else if (status < 200 || status > 299) {
		g_autofree char *why = g_strdup_printf("HTTP status %u", status);
		refused(subscription, now, why);
	} else if (!sender->kind->accepted(subscription, answer)) {
		refused(subscription, now, "the answer is no acknowledgement");
	} else {
		taken(subscription, now);
	}
	events_soon(events);
}

/* ---- posting ---- */

static void
post(struct subscription *subscription)
{
	struct sender *sender = &subscription->sender;
	g_autoptr(GPtrArray) indications = g_ptr_array_new_with_free_func(unref_instance);
	for (guint i = 0; i < sender->in_flight; i++)
		g_ptr_array_add(indications,
				cim_instance_ref(g_queue_peek_nth(&subscription->queue, i)));
	if (!sender->message_id) {
		g_autofree char *guid = cairn_guid_new();
		sender->message_id = g_strconcat("uuid:", guid, NULL);
	}
	GString *body = g_string_new(NULL);
	sender->kind->compose(subscription, indications, body);
	sender->post = deliver_post(subscription->events->deliver, sender->url,
				    sender->kind->headers, body, on_posted, subscription);
}

/* What is sent again is the same, under the same id: a listener can tell. */
void
sender_pump(struct subscription *subscription, gint64 now)
{
	struct sender *sender = &subscription->sender;
	gboolean again = sender->retry_at != 0;
	if (!sender->kind || sender->post || (again && now < sender->retry_at))
		return;
	gboolean beat = sender->heartbeat_at && now >= sender->heartbeat_at;
	if (!again && subscription->queue.length == 0 && !beat)
		return;
	if (!again)
		sender->in_flight = MIN(subscription->queue.length, sender->batch);
	sender->retry_at = 0;
	post(subscription);
}
