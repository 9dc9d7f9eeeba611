/* WS-Man subscriptions: who may make them, how they are pulled, when they end. */
#include "events_fixture.h"

#include "cim/status.h"

#include <string.h>

static struct subscription *
subscribe_pull(struct world *world, const char *query)
{
	return world_subscribe(world, world_request(query, WSMAN_PULL_MODE));
}

static void
assert_refused(struct world *world, struct wsman_request request, GQuark domain, int code)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(world_run(world, &request, USER, &error));
	g_assert_error(error, domain, code);
}

struct pulled {
	struct wsman_request request;
	guint count;
	char *body;
	GError *error;
};

static void
on_pulled(GString *body, const GError *error, void *data)
{
	struct pulled *pulled = data;
	pulled->count++;
	pulled->body = body ? g_strdup(body->str) : NULL;
	pulled->error = error ? g_error_copy(error) : NULL;
}

static void
pull(struct world *world, struct pulled *pulled, const char *context, const char *user)
{
	*pulled = (struct pulled){0};
	pulled->request = (struct wsman_request){.action = WSMAN_PULL,
						 .timeout_usec = 10 * SECOND,
						 .max_items = 20,
						 .max_envelope = WSMAN_ENVELOPE_DEFAULT};
	pulled->request.action_uri =
		g_strdup("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull");
	pulled->request.message_id = g_strdup("uuid:2");
	pulled->request.context = g_strdup(context);
	events_pull(world->events, &pulled->request, user, on_pulled, pulled);
	g_assert_cmpuint(pulled->count, ==, 0); /* later, never at once */
}

static void
pulled_clear(struct pulled *pulled)
{
	wsman_request_clear(&pulled->request);
	g_free(pulled->body);
	g_clear_error(&pulled->error);
}

static void
test_pull_waits(void)
{
	struct world world = world_new();
	struct pulled pulled;
	g_autofree char *context = g_strdup(subscribe_pull(&world, MODIFIED)->context);
	g_assert_true(events_owns_context(world.events, context));
	g_assert_false(events_owns_context(world.events, "uuid:x"));
	pull(&world, &pulled, context, USER);
	world_settle(&world);
	world_change(&world, "A", 4, 4); /* not what is asked for */
	world_change(&world, "A", 0, 4);
	world_change(&world, "A", 4, 0);
	world_settle(&world);
	g_assert_cmpuint(pulled.count, ==, 0);
	world_change(&world, "A", 4, 7);
	g_assert_cmpuint(pulled.count, ==, 0); /* never from within */
	world_settle(&world);
	g_assert_cmpuint(pulled.count, ==, 1);
	g_assert_no_error(pulled.error);
	g_assert_nonnull(strstr(pulled.body, "__InstanceModificationEvent"));
	g_assert_nonnull(strstr(pulled.body, "PreviousInstance"));
	g_assert_nonnull(strstr(pulled.body, context));
	g_assert_null(strstr(pulled.body, "EndOfSequence"));
	pulled_clear(&pulled);
	world_free(&world);
}

static void
test_pull_times_out(void)
{
	struct world world = world_new();
	struct pulled pulled;
	const char *context = subscribe_pull(&world, MODIFIED)->context;
	pull(&world, &pulled, context, USER);
	world_pass(&world, 8 * SECOND);
	g_assert_cmpuint(pulled.count, ==, 0);
	world_pass(&world, 1 * SECOND); /* a second before the client's own time-out */
	g_assert_cmpuint(pulled.count, ==, 1);
	g_assert_error(pulled.error, WSMAN_FAULT, WSMAN_FAULT_TIMED_OUT);
	pulled_clear(&pulled);
	/* The subscription is still there. */
	world_change(&world, "A", 4, 7);
	pull(&world, &pulled, context, USER);
	world_settle(&world);
	g_assert_no_error(pulled.error);
	pulled_clear(&pulled);
	world_free(&world);
}

static void
test_pull_pages(void)
{
	struct world world = world_new();
	struct pulled pulled;
	const char *context = subscribe_pull(&world, MODIFIED)->context;
	for (guint i = 0; i < 5; i++) {
		g_autofree char *id = g_strdup_printf("job-%u", i);
		world_change(&world, id, 4, 7);
	}
	for (guint i = 0; i < 3; i++) {
		pull(&world, &pulled, context, USER);
		pulled.request.max_items = 2;
		world_settle(&world);
		g_assert_no_error(pulled.error);
		g_autofree char *first = g_strdup_printf(">job-%u<", 2 * i);
		g_autofree char *other = g_strdup_printf(">job-%u<", 2 * i + 1);
		g_autofree char *after = g_strdup_printf(">job-%u<", 2 * i + 2);
		g_assert_cmpuint(occurrences(pulled.body, first), ==, 2); /* and as it was */
		g_assert_cmpuint(occurrences(pulled.body, other), ==, i < 2 ? 2 : 0);
		g_assert_null(strstr(pulled.body, after));
		g_assert_null(strstr(pulled.body, "EndOfSequence"));
		pulled_clear(&pulled);
	}
	g_assert_cmpuint(world_last(&world)->queue.length, ==, 0);
	world_free(&world);
}

static void
test_pull_refusals(void)
{
	struct world world = world_new();
	struct pulled first, second, other;
	const char *context = subscribe_pull(&world, MODIFIED)->context;
	pull(&world, &first, context, USER);
	pull(&world, &second, context, USER);
	pull(&world, &other, context, "berta");
	world_settle(&world);
	g_assert_cmpuint(first.count, ==, 0);
	g_assert_error(second.error, WSMAN_FAULT, WSMAN_FAULT_CONCURRENCY);
	g_assert_error(other.error, WSMAN_FAULT, WSMAN_FAULT_INVALID_CONTEXT);
	events_pull_cancel(world.events, on_pulled, &first);
	world_change(&world, "A", 4, 7);
	world_settle(&world);
	g_assert_cmpuint(first.count, ==, 0);
	g_assert_cmpuint(world_last(&world)->queue.length, ==, 1); /* nothing is lost */
	pulled_clear(&first);
	pulled_clear(&second);
	pulled_clear(&other);
	world_free(&world);
}

static void
test_queue_is_bounded(void)
{
	struct world world = world_new();
	struct subscription *subscription = subscribe_pull(&world, MODIFIED);
	for (guint i = 0; i < EVENTS_QUEUE_MAX + 3; i++) {
		g_autofree char *id = g_strdup_printf("job-%u", i);
		world_change(&world, id, 4, 7);
	}
	g_assert_cmpuint(subscription->queue.length, ==, EVENTS_QUEUE_MAX);
	g_assert_cmpuint(subscription->dropped, ==, 3);
	struct pulled pulled;
	pull(&world, &pulled, subscription->context, USER);
	world_settle(&world);
	g_assert_nonnull(strstr(pulled.body, ">job-3<"));
	g_assert_null(strstr(pulled.body, ">job-2<"));
	g_assert_cmpuint(subscription->dropped, ==, 0);
	pulled_clear(&pulled);
	world_free(&world);
}

static struct wsman_request
about(const struct subscription *subscription, enum wsman_action action)
{
	struct wsman_request request = {.action = action, .max_envelope = WSMAN_ENVELOPE_DEFAULT};
	request.action_uri = g_strdup("http://schemas.xmlsoap.org/ws/2004/08/eventing/Renew");
	request.message_id = g_strdup("uuid:3");
	request.identifier = g_strdup(subscription->id);
	return request;
}

static void
test_expiry(void)
{
	struct world world = world_new();
	struct wsman_request request = world_request(MODIFIED, WSMAN_PULL_MODE);
	struct pulled pulled;
	request.expires_usec = 100 * SECOND;
	struct subscription *subscription = world_subscribe(&world, request);
	world_pass(&world, 99 * SECOND);
	struct wsman_request renew = about(subscription, WSMAN_RENEW);
	renew.expires_usec = 50 * SECOND;
	g_assert_true(world_run(&world, &renew, USER, NULL));
	world_pass(&world, 48 * SECOND);
	struct wsman_request status = about(subscription, WSMAN_GET_STATUS);
	g_assert_true(world_run(&world, &status, USER, NULL));
	pull(&world, &pulled, subscription->context, USER);
	world_pass(&world, 3 * SECOND);
	g_assert_cmpuint(world.events->subscriptions->len, ==, 0);
	g_assert_error(pulled.error, WSMAN_FAULT, WSMAN_FAULT_INVALID_CONTEXT);
	pulled_clear(&pulled);
	/* Without an expiry of the client's, pulling keeps it alive. */
	subscription = subscribe_pull(&world, MODIFIED);
	world_pass(&world, (EVENTS_EXPIRES_DEFAULT_SEC - 1) * SECOND);
	pull(&world, &pulled, subscription->context, USER);
	world_pass(&world, 10 * SECOND);
	g_assert_cmpuint(world.events->subscriptions->len, ==, 1);
	world_pass(&world, EVENTS_EXPIRES_DEFAULT_SEC * SECOND);
	g_assert_cmpuint(world.events->subscriptions->len, ==, 0);
	pulled_clear(&pulled);
	world_free(&world);
}

static void
test_unsubscribe(void)
{
	struct world world = world_new();
	struct subscription *subscription = subscribe_pull(&world, MODIFIED);
	struct pulled pulled;
	struct wsman_request other = about(subscription, WSMAN_UNSUBSCRIBE);
	g_autoptr(GError) error = NULL;
	g_assert_false(world_run(&world, &other, "berta", &error));
	g_assert_error(error, WSMAN_FAULT, WSMAN_FAULT_INVALID_MESSAGE);
	pull(&world, &pulled, subscription->context, USER);
	struct wsman_request mine = about(subscription, WSMAN_UNSUBSCRIBE);
	g_assert_true(world_run(&world, &mine, USER, NULL));
	world_settle(&world);
	g_assert_error(pulled.error, WSMAN_FAULT, WSMAN_FAULT_INVALID_CONTEXT);
	pulled_clear(&pulled);
	/* Release of the context is the other way. */
	subscription = subscribe_pull(&world, MODIFIED);
	struct wsman_request release = about(subscription, WSMAN_RELEASE);
	release.context = g_strdup(subscription->context);
	g_assert_true(world_run(&world, &release, USER, NULL));
	g_assert_cmpuint(world.events->subscriptions->len, ==, 0);
	world_free(&world);
}

static void
test_subscribe_refusals(void)
{
	struct world world = world_new();
	struct wsman_request request = world_request(MODIFIED, WSMAN_PULL_MODE);
	request.subscribe.bookmarks = TRUE;
	assert_refused(&world, request, WSMAN_FAULT, WSMAN_FAULT_BOOKMARKS);
	request = world_request(MODIFIED, WSMAN_PULL_MODE);
	request.expires_at = 1;
	assert_refused(&world, request, WSMAN_FAULT, WSMAN_FAULT_EVENT_EXPIRATION);
	request = world_request("SELECT * FROM Msvm_ConcreteJob", WSMAN_PULL_MODE);
	assert_refused(&world, request, CIM_ERROR, CIM_ERR_INVALID_QUERY);
	request = world_request("SELECT * FROM Nothing", WSMAN_PULL_MODE);
	assert_refused(&world, request, CIM_ERROR, CIM_ERR_INVALID_QUERY);
	request = world_request("SELECT * FROM __InstanceCreationEvent WHERE Nothing = 5",
				WSMAN_PULL_MODE);
	assert_refused(&world, request, CIM_ERROR, CIM_ERR_INVALID_QUERY);
	request = world_request(MODIFIED, WSMAN_PUSH);
	assert_refused(&world, request, WSMAN_FAULT, WSMAN_FAULT_INVALID_MESSAGE);
	request = world_request(MODIFIED, WSMAN_PUSH);
	request.subscribe.notify_to = g_strdup("http://127.0.0.1:1/");
	assert_refused(&world, request, WSMAN_FAULT, WSMAN_FAULT_ACCESS_DENIED);
	request = world_request(MODIFIED, WSMAN_PULL_MODE);
	request.subscribe.end_to = g_strdup("http://127.0.0.1:1/");
	assert_refused(&world, request, WSMAN_FAULT, WSMAN_FAULT_ACCESS_DENIED);
	for (guint i = 0; i < EVENTS_PER_USER_MAX; i++)
		subscribe_pull(&world, MODIFIED);
	request = world_request(MODIFIED, WSMAN_PULL_MODE);
	assert_refused(&world, request, WSMAN_FAULT, WSMAN_FAULT_QUOTA);
	request = world_request(MODIFIED, WSMAN_PULL_MODE);
	g_assert_true(world_run(&world, &request, "berta", NULL));
	world_free(&world);
}

static void
test_kinds(void)
{
	static const struct {
		const char *query;
		guint creation, modification, deletion;
	} cases[] = {
		{"SELECT * FROM __InstanceOperationEvent", 1, 1, 1},
		{"SELECT * FROM __InstanceCreationEvent", 1, 0, 0},
		{"SELECT TargetInstance FROM __InstanceDeletionEvent WHERE TargetInstance.JobState "
		 "= 7",
		 0, 0, 1},
		{"SELECT * FROM CIM_InstIndication WHERE SourceInstance ISA 'CIM_Job'", 1, 1, 1},
		{"SELECT * FROM CIM_InstModification WHERE SourceInstance.JobState = 7", 0, 1, 0},
		{"SELECT * FROM CIM_InstDeletion WHERE SourceInstance ISA 'CIM_Collection'", 0, 0,
		 0},
	};
	struct world world = world_new();
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct subscription *made = subscribe_pull(&world, cases[i].query);
		world_change(&world, "A", 0, 4);
		g_assert_cmpuint(made->queue.length, ==, cases[i].creation);
		world_change(&world, "A", 4, 7);
		g_assert_cmpuint(made->queue.length, ==, cases[i].creation + cases[i].modification);
		world_change(&world, "A", 7, 0);
		g_assert_cmpuint(made->queue.length, ==,
				 cases[i].creation + cases[i].modification + cases[i].deletion);
	}
	/* Another namespace's changes are not told. */
	struct cim_instance *job = world_job(&world, "B", 4);
	guint before = world_last(&world)->queue.length;
	events_change(world.events, CIM_NS_CLUSTER, NULL, job);
	cim_instance_unref(job);
	g_assert_cmpuint(world_last(&world)->queue.length, ==, before);
	world_free(&world);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/events/pull-waits", test_pull_waits);
	g_test_add_func("/events/pull-times-out", test_pull_times_out);
	g_test_add_func("/events/pull-pages", test_pull_pages);
	g_test_add_func("/events/pull-refusals", test_pull_refusals);
	g_test_add_func("/events/queue-is-bounded", test_queue_is_bounded);
	g_test_add_func("/events/expiry", test_expiry);
	g_test_add_func("/events/unsubscribe", test_unsubscribe);
	g_test_add_func("/events/subscribe-refusals", test_subscribe_refusals);
	g_test_add_func("/events/kinds", test_kinds);
	return g_test_run();
}
