/* Filters, destinations and subscriptions of CIM-XML clients, as instances and at work. */
#include "events_fixture.h"

#include "cim/status.h"

#include <stdlib.h>
#include <string.h>

#define QUERY "SELECT * FROM CIM_InstModification WHERE SourceInstance ISA CIM_ConcreteJob"

static struct cim_instance *
make(const struct world *world, const char *class_name)
{
	const struct cim_class *class = cim_schema_class(world->schema, CIM_NS_INTEROP, class_name);
	g_assert_nonnull(class);
	g_assert_true(events_owns_class(world->events, class));
	return cim_instance_new(class);
}

static struct cim_instance *
make_filter(const struct world *world, const char *name)
{
	struct cim_instance *filter = make(world, "CIM_IndicationFilter");
	cim_instance_set(filter, "Name", cim_string(name));
	cim_instance_set(filter, "Query", cim_string(QUERY));
	cim_instance_set(filter, "QueryLanguage", cim_string("DMTF:CQL"));
	return filter;
}

static struct cim_instance *
make_destination(const struct world *world, const char *name, const char *url)
{
	struct cim_instance *destination = make(world, "CIM_ListenerDestinationCIMXML");
	cim_instance_set(destination, "Name", cim_string(name));
	cim_instance_set(destination, "Destination", cim_string(url));
	return destination;
}

static struct cim_instance *
make_subscription(const struct world *world, const struct cim_instance *filter,
		  const struct cim_instance *handler)
{
	struct cim_instance *subscription = make(world, "CIM_IndicationSubscription");
	/* As clients spell them: with a host, and the namespace. */
	cim_instance_set(subscription, "Filter",
			 cim_reference_take(cim_instance_path(filter, "elsewhere", "interop")));
	cim_instance_set(subscription, "Handler",
			 cim_reference_take(cim_instance_path(handler, NULL, "interop")));
	return subscription;
}

/* ---- operations ---- */

/* What it gives, or NULL and the status in *@ret_status. Takes @instance over. */
static struct cim_instance *
create_as(struct world *world, struct cim_instance *instance, const char *user,
	  enum cim_status *ret_status)
{
	struct cim_op op = {
		.kind = CIM_OP_CREATE_INSTANCE, .ns = CIM_NS_INTEROP, .instance = instance};
	struct cim_reply reply;
	events_run(world->events, &op, user, &reply);
	struct cim_instance *made = reply.instance ? cim_instance_ref(reply.instance) : NULL;
	*ret_status = cim_status_of(reply.error);
	g_assert_true(!made == (*ret_status != CIM_OK));
	cim_reply_clear(&reply);
	cim_instance_unref(instance);
	return made;
}

static struct cim_instance *
create(struct world *world, struct cim_instance *instance)
{
	enum cim_status status;
	struct cim_instance *made = create_as(world, instance, USER, &status);
	g_assert_cmpint(status, ==, CIM_OK);
	return made;
}

static void
assert_create_fails(struct world *world, struct cim_instance *instance, enum cim_status expected)
{
	enum cim_status status;
	g_assert_null(create_as(world, instance, USER, &status));
	g_assert_cmpint(status, ==, expected);
}

static enum cim_status
delete_as(struct world *world, const struct cim_instance *instance, const char *user)
{
	cairn_auto(cim_path) path = cim_instance_path(instance, NULL, "interop");
	struct cim_op op = {.kind = CIM_OP_DELETE_INSTANCE, .ns = CIM_NS_INTEROP, .object = path};
	struct cim_reply reply;
	events_run(world->events, &op, user, &reply);
	enum cim_status status = cim_status_of(reply.error);
	cim_reply_clear(&reply);
	return status;
}

/* How many instances @op lists. */
static guint
count(struct world *world, const struct cim_op *op, const char *user)
{
	struct cim_reply reply;
	guint found = 0;
	events_run(world->events, op, user, &reply);
	g_assert_no_error(reply.error);
	for (struct cim_instance *item; (item = cim_list_next(reply.list)); found++)
		cim_instance_unref(item);
	cim_reply_clear(&reply);
	return found;
}

static guint
count_class(struct world *world, const char *class_name, const char *user)
{
	struct cim_op op = {.kind = CIM_OP_ENUMERATE_INSTANCES,
			    .ns = CIM_NS_INTEROP,
			    .class_name = (char *)class_name};
	return count(world, &op, user);
}

/* A filter, a destination and what binds them. */
struct trio {
	struct cim_instance *filter, *destination, *subscription;
};

static struct trio
make_trio(struct world *world)
{
	struct trio trio;
	trio.filter = create(world, make_filter(world, "f"));
	trio.destination =
		create(world, make_destination(world, "d", http_listener_url(world->listener)));
	trio.subscription = create(world, make_subscription(world, trio.filter, trio.destination));
	return trio;
}

static void
trio_clear(struct trio *trio)
{
	cim_instance_unref(trio->filter);
	cim_instance_unref(trio->destination);
	cim_instance_unref(trio->subscription);
}

static void
test_keys(void)
{
	struct world world = world_new();
	struct cim_instance *filter = create(&world, make_filter(&world, NULL));
	g_assert_cmpstr(cim_instance_string(filter, "SystemName"), ==, "HOST");
	g_assert_cmpstr(cim_instance_string(filter, "CreationClassName"), ==,
			"CIM_IndicationFilter");
	g_assert_nonnull(cim_instance_string(filter, "SystemCreationClassName"));
	g_assert_true(g_str_has_prefix(cim_instance_string(filter, "Name"), "Cairn:"));
	cim_instance_unref(filter);
	world_free(&world);
}

static void
test_instances(void)
{
	struct world world = world_new();
	struct trio trio = make_trio(&world);
	g_assert_cmpuint(count_class(&world, "CIM_IndicationFilter", USER), ==, 1);
	g_assert_cmpuint(count_class(&world, "CIM_ListenerDestination", USER), ==, 1);
	g_assert_cmpuint(count_class(&world, "CIM_IndicationSubscription", USER), ==, 1);
	/* Others see nothing of it, and cannot end it. */
	g_assert_cmpuint(count_class(&world, "CIM_IndicationFilter", "berta"), ==, 0);
	g_assert_cmpint(delete_as(&world, trio.subscription, "berta"), ==, CIM_ERR_NOT_FOUND);
	/* What is used stays. */
	g_assert_cmpint(delete_as(&world, trio.filter, USER), ==, CIM_ERR_FAILED);
	g_assert_cmpint(delete_as(&world, trio.subscription, USER), ==, CIM_OK);
	g_assert_cmpuint(world.events->subscriptions->len, ==, 0);
	g_assert_cmpint(delete_as(&world, trio.filter, USER), ==, CIM_OK);
	g_assert_cmpint(delete_as(&world, trio.destination, USER), ==, CIM_OK);
	g_assert_cmpint(delete_as(&world, trio.destination, USER), ==, CIM_ERR_NOT_FOUND);
	trio_clear(&trio);
	world_free(&world);
}

static void
test_associations(void)
{
	struct world world = world_new();
	struct trio trio = make_trio(&world);
	cairn_auto(cim_path) path = cim_instance_path(trio.filter, NULL, "interop");
	struct cim_op op = {.kind = CIM_OP_ASSOCIATORS, .ns = CIM_NS_INTEROP, .object = path};
	g_assert_cmpuint(count(&world, &op, USER), ==, 1);
	op.assoc_class = (char *)"CIM_AbstractIndicationSubscription";
	op.result_class = (char *)"CIM_ListenerDestination";
	op.role = (char *)"filter";
	op.result_role = (char *)"Handler";
	g_assert_cmpuint(count(&world, &op, USER), ==, 1);
	op.role = (char *)"Handler";
	g_assert_cmpuint(count(&world, &op, USER), ==, 0);
	op = (struct cim_op){.kind = CIM_OP_REFERENCE_NAMES, .ns = CIM_NS_INTEROP, .object = path};
	g_assert_cmpuint(count(&world, &op, USER), ==, 1);
	op.result_class = (char *)"CIM_IndicationFilter";
	g_assert_cmpuint(count(&world, &op, USER), ==, 0);
	trio_clear(&trio);
	world_free(&world);
}

static void
test_refusals(void)
{
	struct world world = world_new();
	struct trio trio = make_trio(&world);
	const char *url = http_listener_url(world.listener);
	assert_create_fails(&world, make_filter(&world, "f"), CIM_ERR_ALREADY_EXISTS);
	struct cim_instance *filter = make_filter(&world, "g");
	cim_instance_set(filter, "Query", cim_string("SELECT * FORM X"));
	assert_create_fails(&world, filter, CIM_ERR_INVALID_QUERY);
	filter = make_filter(&world, "g");
	cim_instance_set(filter, "Query", cim_string("SELECT * FROM CIM_Job"));
	assert_create_fails(&world, filter, CIM_ERR_INVALID_QUERY);
	filter = make_filter(&world, "g");
	cim_instance_set(filter, "QueryLanguage", cim_string("SQL"));
	assert_create_fails(&world, filter, CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED);
	filter = make_filter(&world, "g");
	cim_instance_set(filter, "SourceNamespace", cim_string("root/nothing"));
	assert_create_fails(&world, filter, CIM_ERR_INVALID_PARAMETER);
	assert_create_fails(&world, make_destination(&world, "e", "http://127.0.0.1:1"),
			    CIM_ERR_ACCESS_DENIED);
	assert_create_fails(&world, make_destination(&world, "e", NULL), CIM_ERR_INVALID_PARAMETER);
	/* The ends the wrong way round. */
	assert_create_fails(&world, make_subscription(&world, trio.destination, trio.filter),
			    CIM_ERR_INVALID_PARAMETER);
	/* Another user's filter. */
	enum cim_status status;
	cairn_auto(cim_instance) other =
		create_as(&world, make_destination(&world, "d", url), "berta", &status);
	g_assert_null(create_as(&world, make_subscription(&world, trio.filter, trio.destination),
				"berta", &status));
	g_assert_cmpint(status, ==, CIM_ERR_INVALID_PARAMETER);
	g_clear_pointer(&other, cim_instance_unref);
	trio_clear(&trio);
	world_free(&world);
}

static void
test_limit(void)
{
	struct world world = world_new();
	for (guint i = 0; i < EVENTS_ENTRIES_PER_USER; i++)
		cim_instance_unref(create(&world, make_filter(&world, NULL)));
	assert_create_fails(&world, make_filter(&world, NULL), CIM_ERR_SERVER_LIMITS_EXCEEDED);
	world_free(&world);
}

static void
test_duration(void)
{
	struct world world = world_new();
	struct trio trio = make_trio(&world);
	struct cim_instance *changed = cim_instance_copy(trio.subscription);
	cim_instance_set(changed, "SubscriptionDuration", cim_uint(CIM_UINT64, 60));
	struct cim_op op = {
		.kind = CIM_OP_MODIFY_INSTANCE, .ns = CIM_NS_INTEROP, .instance = changed};
	struct cim_reply reply;
	events_run(world.events, &op, USER, &reply);
	g_assert_no_error(reply.error);
	cim_reply_clear(&reply);
	cim_instance_set(changed, "OnFatalErrorPolicy", cim_uint(CIM_UINT16, 2));
	events_run(world.events, &op, USER, &reply);
	g_assert_error(reply.error, CIM_ERROR, CIM_ERR_NOT_SUPPORTED);
	cim_reply_clear(&reply);
	cim_instance_unref(changed);
	world_pass(&world, 59 * SECOND);
	g_assert_cmpuint(count_class(&world, "CIM_IndicationSubscription", USER), ==, 1);
	world_pass(&world, SECOND);
	g_assert_cmpuint(count_class(&world, "CIM_IndicationSubscription", USER), ==, 0);
	g_assert_cmpuint(count_class(&world, "CIM_IndicationFilter", USER), ==, 1);
	trio_clear(&trio);
	world_free(&world);
}

static int
sequence_number(const char *request)
{
	const char *property = strstr(request, "NAME=\"SequenceNumber\"");
	const char *value = property ? strstr(property, "<VALUE>") : NULL;
	return value ? atoi(value + strlen("<VALUE>")) : -1;
}

static void
test_export(void)
{
	struct world world = world_new();
	struct trio trio = make_trio(&world);
	world_change(&world, "A", 4, 7);
	world_change(&world, "B", 4, 7);
	world_settle(&world);
	http_listener_wait(world.listener, 2);
	for (guint i = 0; i < 2; i++) {
		g_autofree char *request = http_listener_request(world.listener, i);
		g_assert_nonnull(strstr(request, "CIMExport: MethodRequest\n"));
		g_assert_nonnull(strstr(request, "CIMExportMethod: ExportIndication\n"));
		g_assert_nonnull(strstr(request, "EXPMETHODCALL NAME=\"ExportIndication\""));
		g_assert_nonnull(strstr(request, "INSTANCE CLASSNAME=\"CIM_InstModification\""));
		g_assert_cmpint(sequence_number(request), ==, (int)i);
	}
	const struct subscription *subscription = world_last(&world);
	while (subscription->sender.post)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpuint(subscription->queue.length, ==, 0);
	g_assert_cmpuint(subscription->sequence, ==, 2);
	trio_clear(&trio);
	world_free(&world);
}

/* A listener that is never there ends the subscription, and its instance with it. */
static void
test_gives_up(void)
{
	struct world world = world_new();
	struct trio trio = make_trio(&world);
	http_listener_will(world.listener, LISTENER_CUT);
	world_change(&world, "A", 4, 7);
	while (world.events->subscriptions->len) {
		const struct subscription *subscription = world_last(&world);
		world_pass(&world, EVENTS_RETRY_SECONDS_MAX * SECOND);
		if (world.events->subscriptions->len && subscription->sender.post)
			g_main_context_iteration(NULL, TRUE);
	}
	g_assert_cmpuint(count_class(&world, "CIM_IndicationSubscription", USER), ==, 0);
	trio_clear(&trio);
	world_free(&world);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/registry/keys", test_keys);
	g_test_add_func("/registry/instances", test_instances);
	g_test_add_func("/registry/associations", test_associations);
	g_test_add_func("/registry/refusals", test_refusals);
	g_test_add_func("/registry/limit", test_limit);
	g_test_add_func("/registry/duration", test_duration);
	g_test_add_func("/registry/export", test_export);
	g_test_add_func("/registry/gives-up", test_gives_up);
	return g_test_run();
}
