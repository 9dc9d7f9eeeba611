/* Filters, destinations and subscriptions that CIM-XML clients make (DSP1054): instances in the
 * interop namespace, each seen by its user alone. They do not outlive the program. */
#include "cimd/events_private.h"

#include "base/guid.h"
#include "base/timefmt.h"
#include "cim/status.h"
#include "wire/cimxml.h"

#include <string.h>

#define FILTER	     "CIM_IndicationFilter"
#define DESTINATION  "CIM_ListenerDestination"
#define LISTENER     "CIM_ListenerDestinationCIMXML"
#define SUBSCRIPTION "CIM_IndicationSubscription"

/* CIM_AbstractIndicationSubscription's value maps */
#define ON_FATAL_ERROR_REMOVE 4
#define STATE_ENABLED	      2
#define REPEAT_NONE	      2
#define PROTOCOL_CIMXML	      2
#define PERSISTENCE_TRANSIENT 3
#define NAME_MAX_BYTES	      1024 /* of a key that a client chooses */
#define QUERY_MAX_BYTES	      8192 /* it is asked at each change */
#define DURATION_MAX_SEC      (366 * 24 * 3600)

void
entry_free(struct entry *entry)
{
	g_free(entry->user);
	cim_instance_unref(entry->instance);
	g_free(entry);
}

struct cim_path *
entry_path(const struct entry *entry)
{
	return cim_instance_path(entry->instance, NULL, cim_namespace_name(CIM_NS_INTEROP));
}

struct entry *
registry_find(const struct events *events, const char *user, const struct cim_path *path)
{
	for (guint i = 0; i < events->entries->len; i++) {
		struct entry *entry = events->entries->pdata[i];
		cairn_auto(cim_path) own = entry_path(entry);
		if (strcmp(entry->user, user) == 0 && cim_path_equal(own, path))
			return entry;
	}
	return NULL;
}

gboolean
events_owns_class(struct events *events, const struct cim_class *class)
{
	return cim_class_isa_name(class, FILTER) || cim_class_isa_name(class, DESTINATION) ||
	       cim_class_isa_name(class, "CIM_AbstractIndicationSubscription");
}

/* ---- sending ---- */

static const char *const export_headers[] = {
	"Content-Type: application/xml; charset=\"utf-8\"", "CIMExport: MethodRequest",
	"CIMExportMethod: ExportIndication", "CIMProtocolVersion: 1.0", NULL};

static void
compose(const struct subscription *subscription, GPtrArray *indications, GString *body)
{
	cimxml_write_indication(body, indications->pdata[0], subscription->sender.message_id);
}

/* A listener that answers at all has the event; one that says ERROR would say it again. */
static gboolean
accepted(const struct subscription *subscription, const GString *answer)
{
	if (strstr(answer->str, "<ERROR"))
		g_message("subscription %s of %s: the listener answers with an error",
			  subscription->id, subscription->user);
	return TRUE;
}

static const struct sender_kind cimxml = {export_headers, compose, accepted};

/* ---- making ---- */

static void
fill_in(struct cim_instance *instance, const char *name, const char *text)
{
	const char *given = cim_instance_string(instance, name);
	if (!given || !*given)
		cim_instance_set(instance, name, cim_string(text));
}

static void
fill_number(struct cim_instance *instance, const char *name, guint16 number)
{
	const struct cim_value *value = cim_instance_get(instance, name);
	if (value && !value->is_set)
		cim_instance_set(instance, name, cim_uint(CIM_UINT16, number));
}

/* The keys of filters and destinations (DSP1054 8.4: the server sets what the client leaves out).
 */
static gboolean
fill_keys(const struct events *events, struct cim_instance *instance, GError **error)
{
	g_autofree char *guid = cairn_guid_new();
	g_autofree char *name = g_strconcat("Cairn:", guid, NULL);
	fill_in(instance, "SystemCreationClassName", "Msvm_ComputerSystem");
	fill_in(instance, "SystemName", events->host);
	fill_in(instance, "CreationClassName", instance->class->name);
	fill_in(instance, "Name", name);
	for (guint i = 0; i < instance->class->key_count; i++) {
		const struct cim_value *key = &instance->values[instance->class->keys[i]];
		if (strlen(key->u.string) > NAME_MAX_BYTES)
			return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
					"a key is longer than %d bytes", NAME_MAX_BYTES);
	}
	return TRUE;
}

static struct query *
filter_query(const struct cim_instance *filter, GError **error)
{
	enum query_language language = QUERY_WQL;
	const char *text = cim_instance_string(filter, "Query");
	const char *name = cim_instance_string(filter, "QueryLanguage");
	if (!text) {
		cim_fail(error, CIM_ERR_INVALID_PARAMETER, "the filter has no Query");
		return NULL;
	}
	if (strlen(text) > QUERY_MAX_BYTES) {
		cim_fail(error, CIM_ERR_INVALID_PARAMETER, "the Query is longer than %d bytes",
			 QUERY_MAX_BYTES);
		return NULL;
	}
	if (name && *name && !query_language_find(name, &language)) {
		cim_fail(error, CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED,
			 "the query language \"%s\" is not known", name);
		return NULL;
	}
	return query_parse(language, text, error);
}

static gboolean
add_namespace(const char *name, guint *namespaces, GError **error)
{
	enum cim_namespace_id ns = cim_namespace_find(name, NULL);
	if (ns == CIM_NS_LAST)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"SourceNamespaces: there is no namespace \"%s\"", name);
	*namespaces |= 1u << ns;
	return TRUE;
}

/* Where nothing is said, the one in which things happen. */
static gboolean
filter_namespaces(const struct cim_instance *filter, guint *ret_namespaces, GError **error)
{
	guint namespaces = 0;
	const char *one = cim_instance_string(filter, "SourceNamespace");
	const struct cim_value *many = cim_instance_get(filter, "SourceNamespaces");
	for (guint i = 0; many && many->is_set && i < many->count; i++)
		if (many->u.items[i].is_set &&
		    !add_namespace(many->u.items[i].u.string, &namespaces, error))
			return FALSE;
	if (!namespaces && one && *one && !add_namespace(one, &namespaces, error))
		return FALSE;
	*ret_namespaces = namespaces ? namespaces : 1u << CIM_NS_VIRTUALIZATION;
	return TRUE;
}

/* Makes what @filter describes; not listed. */
static struct subscription *
subscription_of_filter(struct events *events, const char *user, const struct cim_instance *filter,
		       GError **error)
{
	cairn_auto(query) query = filter_query(filter, error);
	guint namespaces;
	if (!query || !filter_namespaces(filter, &namespaces, error))
		return NULL;
	struct subscription *made = subscription_new(events, user, namespaces, query, error);
	if (!made)
		return NULL;
	made->own_query = g_steal_pointer(&query);
	made->filter_name = g_strdup(cim_instance_string(filter, "Name"));
	return made;
}

static gboolean
prepare_filter(struct events *events, const char *user, struct entry *entry, GError **error)
{
	struct cim_instance *filter = entry->instance;
	if (!fill_keys(events, filter, error))
		return FALSE;
	fill_in(filter, "QueryLanguage", "WQL");
	cairn_auto(subscription) trial = subscription_of_filter(events, user, filter, error);
	return trial != NULL;
}

static char *
allowed_url(const struct events *events, const struct cim_instance *destination, GError **error)
{
	g_autoptr(GError) why = NULL;
	const char *url = cim_instance_string(destination, "Destination");
	char *allowed = url ? deliver_allow(events->deliver, url, &why) : NULL;
	if (!url)
		cim_fail(error, CIM_ERR_INVALID_PARAMETER, "there is no Destination");
	else if (!allowed)
		cim_fail(error, cim_status_of(why), "%s", why->message);
	return allowed;
}

static gboolean
prepare_destination(struct events *events, const char *user, struct entry *entry, GError **error)
{
	if (!fill_keys(events, entry->instance, error))
		return FALSE;
	fill_number(entry->instance, "Protocol", PROTOCOL_CIMXML);
	fill_number(entry->instance, "PersistenceType", PERSISTENCE_TRANSIENT);
	g_autofree char *url = allowed_url(events, entry->instance, error);
	return url != NULL;
}

/* ---- subscriptions ---- */

static struct entry *
end_of(const struct events *events, const char *user, const struct cim_instance *instance,
       const char *role, const char *class_name, GError **error)
{
	const struct cim_value *value = cim_instance_get(instance, role);
	struct entry *entry =
		value && value->is_set ? registry_find(events, user, value->u.path) : NULL;
	if (entry && cim_class_isa_name(entry->instance->class, class_name))
		return entry;
	cim_fail(error, CIM_ERR_INVALID_PARAMETER, "%s names no %s that is there", role,
		 class_name);
	return NULL;
}

static void
set_time(struct cim_instance *instance, const char *name)
{
	g_autofree char *now = cairn_time_cim(g_get_real_time());
	cim_instance_set(instance, name, cim_datetime(now));
}

static void
fill_subscription(struct cim_instance *instance, const struct entry *filter,
		  const struct entry *handler)
{
	cim_instance_set(instance, "Filter", cim_reference_take(entry_path(filter)));
	cim_instance_set(instance, "Handler", cim_reference_take(entry_path(handler)));
	cim_instance_set(instance, "OnFatalErrorPolicy",
			 cim_uint(CIM_UINT16, ON_FATAL_ERROR_REMOVE));
	cim_instance_set(instance, "SubscriptionState", cim_uint(CIM_UINT16, STATE_ENABLED));
	cim_instance_set(instance, "RepeatNotificationPolicy", cim_uint(CIM_UINT16, REPEAT_NONE));
	set_time(instance, "SubscriptionStartTime");
	set_time(instance, "TimeOfLastStateChange");
}

static void
set_export(struct subscription *subscription, char *url)
{
	struct sender *sender = &subscription->sender;
	sender->kind = &cimxml;
	sender->url = url;
	sender->batch = 1;
	sender->attempts = EVENTS_RETRY_ATTEMPTS;
	sender->pause_usec = (gint64)EVENTS_RETRY_SECONDS * G_USEC_PER_SEC;
	sender->pause_grows = TRUE;
}

void
registry_set_duration(struct entry *entry, guint64 duration_sec)
{
	struct subscription *subscription = entry->subscription;
	gint64 span = (gint64)MIN(duration_sec, DURATION_MAX_SEC) * G_USEC_PER_SEC;
	subscription->expires_at = duration_sec ? events_now(subscription->events) + span : 0;
	events_soon(subscription->events);
}

static gboolean
prepare_subscription(struct events *events, const char *user, struct entry *entry, GError **error)
{
	struct cim_instance *instance = entry->instance;
	struct entry *filter = end_of(events, user, instance, "Filter", FILTER, error);
	struct entry *handler =
		filter ? end_of(events, user, instance, "Handler", LISTENER, error) : NULL;
	if (!handler)
		return FALSE;
	if (!events_room(events, user))
		return cim_fail(error, CIM_ERR_SERVER_LIMITS_EXCEEDED,
				"there are too many subscriptions (at most %d of one user)",
				EVENTS_PER_USER_MAX);
	g_autofree char *url = allowed_url(events, handler->instance, error);
	if (!url)
		return FALSE;
	entry->subscription = subscription_of_filter(events, user, filter->instance, error);
	if (!entry->subscription)
		return FALSE;
	set_export(entry->subscription, g_steal_pointer(&url));
	fill_subscription(instance, filter, handler);
	return TRUE;
}

static void
begin(struct entry *entry)
{
	const struct cim_value *duration =
		cim_instance_get(entry->instance, "SubscriptionDuration");
	entry->subscription->entry = entry;
	subscription_begin(entry->subscription);
	if (duration && duration->is_set)
		registry_set_duration(entry, duration->u.uint);
}

/* ---- entries ---- */

static const struct {
	const char *class_name;
	gboolean (*prepare)(struct events *, const char *, struct entry *, GError **);
} makers[] = {
	{FILTER, prepare_filter},
	{LISTENER, prepare_destination},
	{SUBSCRIPTION, prepare_subscription},
};

static gboolean
prepare(struct events *events, const char *user, struct entry *entry, GError **error)
{
	const struct cim_class *class = entry->instance->class;
	for (guint i = 0; i < G_N_ELEMENTS(makers); i++)
		if (cim_class_isa_name(class, makers[i].class_name))
			return makers[i].prepare(events, user, entry, error);
	return cim_fail(error, CIM_ERR_NOT_SUPPORTED, "no instance of %s can be made", class->name);
}

static gboolean
has_room(const struct events *events, const char *user, GError **error)
{
	guint mine = 0;
	for (guint i = 0; i < events->entries->len; i++) {
		const struct entry *entry = events->entries->pdata[i];
		mine += strcmp(entry->user, user) == 0;
	}
	if (mine < EVENTS_ENTRIES_PER_USER && events->entries->len < EVENTS_ENTRIES_MAX)
		return TRUE;
	return cim_fail(error, CIM_ERR_SERVER_LIMITS_EXCEEDED,
			"there are too many filters, destinations and subscriptions (at most %d of "
			"one user)",
			EVENTS_ENTRIES_PER_USER);
}

static gboolean
is_new(const struct events *events, const struct entry *entry, GError **error)
{
	cairn_auto(cim_path) path = entry_path(entry);
	if (!registry_find(events, entry->user, path))
		return TRUE;
	g_autofree char *text = cim_path_print(path);
	return cim_fail(error, CIM_ERR_ALREADY_EXISTS, "%s exists already", text);
}

gboolean
registry_create(struct events *events, const char *user, const struct cim_instance *instance,
		struct entry **ret_entry, GError **error)
{
	if (!has_room(events, user, error))
		return FALSE;
	struct entry *entry = g_new0(struct entry, 1);
	entry->user = g_strdup(user);
	entry->instance = cim_instance_copy(instance);
	if (!prepare(events, user, entry, error) || !is_new(events, entry, error)) {
		subscription_free(entry->subscription);
		entry_free(entry);
		return FALSE;
	}
	g_ptr_array_add(events->entries, entry);
	if (entry->subscription)
		begin(entry);
	*ret_entry = entry;
	return TRUE;
}

/* Whether a subscription names @path. */
static gboolean
is_used(const struct events *events, const char *user, const struct cim_path *path)
{
	static const char *const roles[] = {"Filter", "Handler"};
	for (guint i = 0; i < 2 * events->entries->len; i++) {
		const struct entry *entry = events->entries->pdata[i / 2];
		const struct cim_value *end =
			entry->subscription ? cim_instance_get(entry->instance, roles[i % 2])
					    : NULL;
		if (end && strcmp(entry->user, user) == 0 && cim_path_equal(end->u.path, path))
			return TRUE;
	}
	return FALSE;
}

gboolean
registry_delete(struct events *events, struct entry *entry, GError **error)
{
	if (entry->subscription) {
		subscription_end(entry->subscription, NULL); /* and the entry */
		return TRUE;
	}
	cairn_auto(cim_path) path = entry_path(entry);
	if (is_used(events, entry->user, path))
		return cim_fail(error, CIM_ERR_FAILED, "a subscription still uses it");
	g_ptr_array_remove(events->entries, entry);
	return TRUE;
}

struct cim_instance *
registry_read(const struct entry *entry)
{
	const struct subscription *subscription = entry->subscription;
	if (!subscription || !subscription->expires_at)
		return cim_instance_ref(entry->instance);
	struct cim_instance *instance = cim_instance_copy(entry->instance);
	gint64 left = subscription->expires_at - events_now(subscription->events);
	cim_instance_set(instance, "SubscriptionTimeRemaining",
			 cim_uint(CIM_UINT64, (guint64)MAX(left, 0) / G_USEC_PER_SEC));
	return instance;
}
