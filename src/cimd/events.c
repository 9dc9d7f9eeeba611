/* Who is told about a change. How it is told is events_pull.c's and events_send.c's matter. */
#include "cimd/events_private.h"

#include "base/error.h"
#include "base/guid.h"
#include "cim/status.h"

#include <string.h>

/* ---- time ---- */

gint64
events_now(const struct events *events)
{
	return events->clock();
}

static void
expire(struct events *events, gint64 now)
{
	for (guint i = events->subscriptions->len; i-- > 0;) {
		struct subscription *subscription = events->subscriptions->pdata[i];
		if (subscription->expires_at && subscription->expires_at <= now)
			subscription_end(subscription, NULL);
	}
}

static gint64
next_due(const struct events *events)
{
	gint64 due = events_pulls_due(events);
	for (guint i = 0; i < events->subscriptions->len; i++) {
		const struct subscription *subscription = events->subscriptions->pdata[i];
		due = MIN(due, sender_due(subscription));
		if (subscription->expires_at)
			due = MIN(due, subscription->expires_at);
	}
	return due;
}

static gboolean
on_timer(gpointer data)
{
	struct events *events = data;
	events->timer = 0;
	events_tick(events);
	return G_SOURCE_REMOVE;
}

static void
arm(struct events *events, gint64 now)
{
	gint64 due = next_due(events);
	if (events->timer)
		g_source_remove(events->timer);
	events->timer = 0;
	if (due == G_MAXINT64)
		return;
	/* Not before it is due, and not later than an int of milliseconds. */
	gint64 milliseconds = CLAMP((due - now) / 1000 + 1, 1, G_MAXINT);
	events->timer = g_timeout_add((guint)milliseconds, on_timer, events);
}

void
events_tick(struct events *events)
{
	gint64 now = events_now(events);
	expire(events, now);
	events_serve_pulls(events, now);
	for (guint i = 0; i < events->subscriptions->len; i++)
		sender_pump(events->subscriptions->pdata[i], now);
	arm(events, now);
}

static gboolean
on_idle(gpointer data)
{
	struct events *events = data;
	events->idle = 0;
	events_tick(events);
	return G_SOURCE_REMOVE;
}

void
events_soon(struct events *events)
{
	if (!events->idle)
		events->idle = g_idle_add_full(G_PRIORITY_DEFAULT, on_idle, events, NULL);
}

/* ---- subscriptions ---- */

gboolean
events_room(const struct events *events, const char *user)
{
	guint mine = 0;
	for (guint i = 0; i < events->subscriptions->len; i++) {
		const struct subscription *subscription = events->subscriptions->pdata[i];
		mine += strcmp(subscription->user, user) == 0;
	}
	return events->subscriptions->len < EVENTS_SUBSCRIPTIONS_MAX && mine < EVENTS_PER_USER_MAX;
}

static gboolean
settle_classes(struct subscription *subscription, enum cim_namespace_id ns, GError **error)
{
	const struct query *query = subscription->query;
	const struct cim_schema *schema = subscription->events->schema;
	const struct cim_class *class = cim_schema_class(schema, ns, query->class_name);
	if (!class)
		return cim_fail(error, CIM_ERR_INVALID_QUERY, "%s has no class \"%s\"",
				cim_namespace_name(ns), query->class_name);
	if (!indication_classes(schema, ns, class, subscription->classes))
		return cim_fail(error, CIM_ERR_INVALID_QUERY,
				"no events of the class \"%s\" are ever sent", class->name);
	return query_check(query, class, error);
}

static enum cim_namespace_id
first_of(guint namespaces)
{
	guint ns = 0;
	while (!(namespaces & 1u << ns))
		ns++;
	return (enum cim_namespace_id)ns;
}

struct subscription *
subscription_new(struct events *events, const char *user, guint namespaces,
		 const struct query *query, GError **error)
{
	cairn_auto(subscription) subscription = g_new0(struct subscription, 1);
	subscription->events = events;
	subscription->id = cairn_guid_new();
	subscription->user = g_strdup(user);
	subscription->namespaces = namespaces;
	subscription->query = query;
	if (query->kind != QUERY_SELECT) {
		cim_fail(error, CIM_ERR_INVALID_QUERY, "events are chosen with SELECT");
		return NULL;
	}
	/* The classes of events are the same wherever there are any. */
	if (!settle_classes(subscription, first_of(namespaces), error))
		return NULL;
	subscription->isa = query_demands_isa(query, "TargetInstance");
	if (!subscription->isa)
		subscription->isa = query_demands_isa(query, "SourceInstance");
	subscription->sequence_context = g_strdup_printf("%s:%s", events->host, subscription->id);
	return g_steal_pointer(&subscription);
}

static void
unref_instance(gpointer instance)
{
	cim_instance_unref(instance);
}

void
subscription_free(struct subscription *subscription)
{
	if (!subscription)
		return;
	sender_clear(subscription);
	g_queue_clear_full(&subscription->queue, unref_instance);
	if (subscription->request) {
		wsman_request_clear(subscription->request);
		g_free(subscription->request);
	}
	query_free(subscription->own_query);
	g_free(subscription->id);
	g_free(subscription->user);
	g_free(subscription->sequence_context);
	g_free(subscription->context);
	g_free(subscription->filter_name);
	g_free(subscription);
}

void
subscription_begin(struct subscription *subscription)
{
	struct events *events = subscription->events;
	g_ptr_array_add(events->subscriptions, subscription);
	events_soon(events);
}

void
subscription_end(struct subscription *subscription, const char *why)
{
	struct events *events = subscription->events;
	g_ptr_array_remove(events->subscriptions, subscription);
	if (why)
		events_tell_end(subscription, why);
	if (subscription->entry)
		g_ptr_array_remove(events->entries, subscription->entry);
	events_end_pulls(events, subscription);
	subscription_free(subscription);
	events_soon(events);
}

/* ---- users ---- */

static void
add_user(GPtrArray *users, const char *user)
{
	if (!g_ptr_array_find_with_equal_func(users, user, g_str_equal, NULL))
		g_ptr_array_add(users, g_strdup(user));
}

char **
events_users(const struct events *events)
{
	g_autoptr(GPtrArray) users = g_ptr_array_new();
	for (guint i = 0; i < events->subscriptions->len; i++)
		add_user(users, ((struct subscription *)events->subscriptions->pdata[i])->user);
	for (guint i = 0; i < events->entries->len; i++)
		add_user(users, ((struct entry *)events->entries->pdata[i])->user);
	g_ptr_array_add(users, NULL);
	return (char **)g_ptr_array_steal(users, NULL);
}

void
events_end_user(struct events *events, const char *user)
{
	for (guint i = events->subscriptions->len; i-- > 0;) {
		struct subscription *subscription = events->subscriptions->pdata[i];
		if (strcmp(subscription->user, user) == 0)
			subscription_end(subscription, NULL);
	}
	for (guint i = events->entries->len; i-- > 0;) {
		const struct entry *entry = events->entries->pdata[i];
		if (strcmp(entry->user, user) == 0)
			g_ptr_array_remove_index(events->entries, i);
	}
}

/* ---- changes ---- */

/* What is on its way to a listener stays. */
static void
make_room(struct subscription *subscription)
{
	if (subscription->queue.length < EVENTS_QUEUE_MAX)
		return;
	cim_instance_unref(g_queue_pop_nth(&subscription->queue, subscription->sender.in_flight));
	/* Once at the beginning of a loss; how much was lost is said when the next one is taken. */
	if (subscription->dropped++ == 0)
		g_message("subscription %s of %s takes no events: the oldest are dropped",
			  subscription->id, subscription->user);
}

static void
offer(struct subscription *subscription, struct change *change)
{
	const struct cim_class *class = subscription->classes[change->kind];
	const struct cim_instance *object = change->after ? change->after : change->before;
	if (!class || !(subscription->namespaces & 1u << change->ns))
		return;
	if (subscription->isa && !cim_class_isa_name(object->class, subscription->isa))
		return;
	const struct cim_instance *indication = change_indication(change, class);
	if (!query_matches(subscription->query, indication))
		return;
	make_room(subscription);
	g_queue_push_tail(&subscription->queue, indication_for(subscription, indication));
	events_soon(subscription->events);
}

void
events_change(struct events *events, enum cim_namespace_id ns, struct cim_instance *before,
	      struct cim_instance *after)
{
	g_assert(before || after);
	struct change change = {.events = events,
				.ns = ns,
				.kind = !before	 ? EVENT_CREATION
					: !after ? EVENT_DELETION
						 : EVENT_MODIFICATION,
				.before = before,
				.after = after};
	for (guint i = 0; i < events->subscriptions->len; i++)
		offer(events->subscriptions->pdata[i], &change);
	change_clear(&change);
}

/* ---- all of it ---- */

struct events *
events_new(const struct events_config *config, GError **error)
{
	struct deliver *deliver = deliver_new(config->destinations, config->tls_ca, error);
	if (!deliver)
		return NULL;
	struct events *events = g_new0(struct events, 1);
	events->schema = config->schema;
	events->host = g_strdup(config->host);
	events->deliver = deliver;
	events->clock = g_get_monotonic_time;
	events->subscriptions = g_ptr_array_new();
	events->pulls = g_ptr_array_new_with_free_func((GDestroyNotify)pull_free);
	events->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
	return events;
}

void
events_free(struct events *events)
{
	if (!events)
		return;
	g_ptr_array_unref(events->pulls);
	g_ptr_array_set_free_func(events->subscriptions, (GDestroyNotify)subscription_free);
	g_ptr_array_unref(events->subscriptions);
	g_ptr_array_unref(events->entries);
	deliver_free(events->deliver);
	if (events->idle)
		g_source_remove(events->idle);
	if (events->timer)
		g_source_remove(events->timer);
	g_free(events->host);
	g_free(events);
}
