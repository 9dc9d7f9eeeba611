/* WS-Man subscriptions whose events are pushed: acknowledgements, tries, giving up, heartbeats. */
#include "events_fixture.h"

#include <string.h>

static struct subscription *
subscribe_push(struct world *world, enum wsman_delivery delivery)
{
	struct wsman_request request = world_request(MODIFIED, delivery);
	request.subscribe.notify_to =
		g_strconcat(http_listener_url(world->listener), "/sink", NULL);
	request.subscribe.notify_parameters =
		g_strdup("<x:Cookie xmlns:x=\"urn:x\">biscuit</x:Cookie>");
	request.subscribe.end_to = g_strconcat(http_listener_url(world->listener), "/end", NULL);
	return world_subscribe(world, request);
}

/* Until the answer to what is under way has come. */
static void
wait_idle(const struct world *world, const struct subscription *subscription)
{
	while (subscription->sender.post)
		g_main_context_iteration(NULL, TRUE);
	events_tick(world->events);
}

static void
test_push(void)
{
	struct world world = world_new();
	struct subscription *subscription = subscribe_push(&world, WSMAN_PUSH);
	world_change(&world, "A", 4, 7);
	world_change(&world, "B", 4, 7);
	g_assert_null(subscription->sender.post); /* never from within */
	world_settle(&world);
	http_listener_wait(world.listener, 2);
	wait_idle(&world, subscription);
	g_assert_cmpuint(subscription->queue.length, ==, 0);
	g_autofree char *first = http_listener_request(world.listener, 0);
	g_autofree char *second = http_listener_request(world.listener, 1);
	g_assert_nonnull(strstr(first, "POST /sink HTTP/1.1\n"));
	g_assert_nonnull(strstr(first, "application/soap+xml"));
	g_assert_nonnull(strstr(first, "biscuit"));
	g_assert_nonnull(strstr(first, ">A<"));
	g_assert_nonnull(strstr(second, ">B<"));
	world_free(&world);
}

static char *
message_id(struct world *world, guint index)
{
	g_autofree char *request = http_listener_request(world->listener, index);
	char *begin = strstr(request, "MessageID>");
	g_assert_nonnull(begin);
	return g_strndup(begin, strcspn(begin, "<"));
}

static void
test_retry(void)
{
	struct world world = world_new();
	struct subscription *subscription = subscribe_push(&world, WSMAN_PUSH_WITH_ACK);
	http_listener_will(world.listener, LISTENER_BUSY);
	http_listener_will(world.listener, LISTENER_OK); /* no acknowledgement */
	http_listener_will(world.listener, LISTENER_ACK);
	world_change(&world, "A", 4, 7);
	world_settle(&world);
	for (guint i = 1; i <= 2; i++) {
		http_listener_wait(world.listener, i);
		wait_idle(&world, subscription);
		g_assert_cmpuint(subscription->sender.failures, ==, i);
		g_assert_cmpuint(subscription->queue.length, ==, 1);
		world_pass(&world, (EVENTS_RETRY_SECONDS - 1) * i * SECOND);
		g_assert_cmpuint(http_listener_count(world.listener), ==, i);
		world_pass(&world, i * SECOND);
	}
	http_listener_wait(world.listener, 3);
	wait_idle(&world, subscription);
	g_assert_cmpuint(subscription->queue.length, ==, 0);
	g_assert_cmpuint(subscription->sender.failures, ==, 0);
	g_autofree char *one = message_id(&world, 0), *other = message_id(&world, 2);
	g_assert_cmpstr(one, ==, other);
	world_free(&world);
}

static void
test_gives_up(void)
{
	struct world world = world_new();
	struct subscription *subscription = subscribe_push(&world, WSMAN_PUSH);
	http_listener_will(world.listener, LISTENER_REDIRECT);
	world_change(&world, "A", 4, 7);
	world_settle(&world);
	for (guint i = 1; i <= EVENTS_RETRY_ATTEMPTS; i++) {
		http_listener_wait(world.listener, i);
		wait_idle(&world, subscription);
		world_pass(&world, EVENTS_RETRY_SECONDS_MAX * SECOND);
	}
	/* The last try, and then SubscriptionEnd. */
	http_listener_wait(world.listener, EVENTS_RETRY_ATTEMPTS + 2);
	g_assert_cmpuint(world.events->subscriptions->len, ==, 0);
	g_autofree char *end = http_listener_request(world.listener, EVENTS_RETRY_ATTEMPTS + 1);
	g_assert_nonnull(strstr(end, "POST /end HTTP/1.1\n"));
	g_assert_nonnull(strstr(end, "eventing/DeliveryFailure"));
	world_free(&world);
}

static void
test_batches(void)
{
	struct world world = world_new();
	struct subscription *subscription = subscribe_push(&world, WSMAN_EVENTS);
	http_listener_will(world.listener, LISTENER_ACK);
	for (guint i = 0; i < EVENTS_BATCH_MAX + 5; i++)
		world_change(&world, "A", 4, 7);
	world_settle(&world);
	http_listener_wait(world.listener, 2);
	wait_idle(&world, subscription);
	g_assert_cmpuint(subscription->queue.length, ==, 0);
	g_autofree char *first = http_listener_request(world.listener, 0);
	g_autofree char *second = http_listener_request(world.listener, 1);
	g_assert_cmpuint(occurrences(first, "<wsman:Event "), ==, EVENTS_BATCH_MAX);
	g_assert_cmpuint(occurrences(second, "<wsman:Event "), ==, 5);
	world_free(&world);
}

static void
test_heartbeats(void)
{
	struct world world = world_new();
	struct wsman_request request = world_request(MODIFIED, WSMAN_PUSH);
	request.subscribe.notify_to = g_strdup(http_listener_url(world.listener));
	request.subscribe.heartbeat_usec = 60 * SECOND;
	struct subscription *subscription = world_subscribe(&world, request);
	world_pass(&world, 59 * SECOND);
	world_change(&world, "A", 4, 7); /* an event is as good */
	world_settle(&world);
	http_listener_wait(world.listener, 1);
	wait_idle(&world, subscription);
	world_pass(&world, 59 * SECOND);
	g_assert_cmpuint(http_listener_count(world.listener), ==, 1);
	world_pass(&world, 1 * SECOND);
	http_listener_wait(world.listener, 2);
	wait_idle(&world, subscription);
	g_autofree char *beat = http_listener_request(world.listener, 1);
	g_assert_nonnull(strstr(beat, "wsman/Heartbeat<"));
	world_free(&world);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/push/push", test_push);
	g_test_add_func("/push/retry", test_retry);
	g_test_add_func("/push/gives-up", test_gives_up);
	g_test_add_func("/push/batches", test_batches);
	g_test_add_func("/push/heartbeats", test_heartbeats);
	return g_test_run();
}
