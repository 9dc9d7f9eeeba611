/* Jobs that change, and who is told of them. */
#include "events_fixture.h"

#include <string.h>

static gint64 the_time;

static gint64
test_clock(void)
{
	return the_time;
}

struct world
world_new(void)
{
	struct world world = {.schema = cim_schema_new(CIM_BUILD_NEWEST, NULL),
			      .listener = http_listener_new()};
	char *destinations[] = {(char *)http_listener_url(world.listener), NULL};
	struct events_config config = {
		.schema = world.schema, .host = "HOST", .destinations = destinations};
	the_time = 1000 * SECOND;
	world.events = events_new(&config, NULL);
	g_assert_nonnull(world.events);
	world.events->clock = test_clock;
	return world;
}

void
world_free(struct world *world)
{
	events_free(world->events);
	http_listener_free(world->listener);
	cim_schema_free(world->schema);
}

void
world_settle(struct world *world)
{
	events_tick(world->events);
	while (g_main_context_iteration(NULL, FALSE))
		;
}

void
world_pass(struct world *world, gint64 usec)
{
	the_time += usec;
	world_settle(world);
}

struct cim_instance *
world_job(const struct world *world, const char *id, guint state)
{
	const struct cim_class *class =
		cim_schema_class(world->schema, CIM_NS_VIRTUALIZATION, "Msvm_ConcreteJob");
	struct cim_instance *job = cim_instance_new(class);
	cim_instance_set(job, "InstanceID", cim_string(id));
	cim_instance_set(job, "JobState", cim_uint(CIM_UINT16, state));
	return job;
}

void
world_change(struct world *world, const char *id, guint from, guint to)
{
	cairn_auto(cim_instance) before = from ? world_job(world, id, from) : NULL;
	cairn_auto(cim_instance) after = to ? world_job(world, id, to) : NULL;
	events_change(world->events, CIM_NS_VIRTUALIZATION, before, after);
}

/* ---- WS-Man ---- */

struct wsman_request
world_request(const char *query, enum wsman_delivery delivery)
{
	struct wsman_request request = {
		.action = WSMAN_SUBSCRIBE,
		.message_id = g_strdup("uuid:1"),
		.resource_uri = g_strdup("http://schemas.microsoft.com/wbem/wsman/1/wmi/root/"
					 "virtualization/v2/*"),
		.family = WSMAN_URI_WMI,
		.max_envelope = WSMAN_ENVELOPE_DEFAULT};
	request.action_uri = g_strdup("http://schemas.xmlsoap.org/ws/2004/08/eventing/Subscribe");
	request.op.ns = CIM_NS_VIRTUALIZATION;
	request.op.query = query_parse(QUERY_WQL, query, NULL);
	request.subscribe.delivery = delivery;
	g_assert_nonnull(request.op.query);
	return request;
}

gboolean
world_run(struct world *world, struct wsman_request *request, const char *user, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);
	gboolean ok = events_wsman(world->events, request, user, "http://host/wsman", out, error);
	g_assert_true(ok == (out->len > 0));
	wsman_request_clear(request);
	return ok;
}

struct subscription *
world_last(const struct world *world)
{
	return world->events->subscriptions->pdata[world->events->subscriptions->len - 1];
}

struct subscription *
world_subscribe(struct world *world, struct wsman_request request)
{
	g_autoptr(GError) error = NULL;
	world_run(world, &request, USER, &error);
	g_assert_no_error(error);
	return world_last(world);
}

guint
occurrences(const char *text, const char *word)
{
	guint count = 0;
	for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
		count++;
	return count;
}
