/* What the parts of the events share.
 *
 *   events.c             subscriptions, time, what a change gives to whom
 *   events_indication.c  before and after -> an indication's instance
 *   events_send.c        a queue -> posts to a listener, tries, acknowledgements
 *   events_pull.c        a queue -> answers of WS-Man pulls
 *   events_wsman.c       Subscribe, Renew, ...
 *   events_registry.c    the instances that CIM-XML clients make
 *   events_cimxml.c      operations on those
 *
 * Everything that takes time happens in events_tick(): the clock is a hook, and tests turn it.
 */
#pragma once

#include "cimd/deliver.h"
#include "cimd/events.h"

enum event_kind { EVENT_CREATION, EVENT_MODIFICATION, EVENT_DELETION, EVENT_KINDS };

struct entry;
struct subscription;

/* How one protocol sends; constant. */
struct sender_kind {
	const char *const *headers; /* of a POST; NULL terminated */
	/* @indications of the queue's head, or none: a heartbeat. */
	void (*compose)(const struct subscription *subscription, GPtrArray *indications,
			GString *body);
	/* Whether a listener's answer with a 2xx status takes what was sent. */
	gboolean (*accepted)(const struct subscription *subscription, const GString *answer);
};

/* A queue on its way to a listener.
 *
 *   idle --events--> posting --accepted--> idle
 *                       |  ^
 *                  failed  pause over
 *                       v  |
 *                     waiting --too often--> the subscription ends
 */
struct sender {
	const struct sender_kind *kind; /* NULL: nothing is sent, the client pulls */
	char *url, *end_url;		/* from deliver_allow(); end_url may be NULL */
	guint batch;			/* indications of one post at most */
	guint attempts;			/* after the first */
	gint64 pause_usec;
	gboolean pause_grows;
	gint64 heartbeat_usec, heartbeat_at; /* 0: none */
	struct deliver_post *post;
	char *message_id; /* of what is being sent, or sent again */
	guint in_flight;  /* of the queue's head, these are in it */
	guint failures;	  /* of it, in a row */
	gint64 retry_at;
};

struct subscription {
	struct events *events;
	char *id, *user;
	guint namespaces;	   /* 1 << enum cim_namespace_id */
	const struct query *query; /* of @request or @own_query */
	struct query *own_query;
	const struct cim_class *classes[EVENT_KINDS]; /* what each change becomes; NULL: nothing */
	const char *isa;   /* class that the query demands of the object, or NULL */
	gint64 expires_at; /* of the clock; 0: never */
	gboolean pull_renews;
	GQueue queue; /* of struct cim_instance */
	guint64 dropped, sequence;
	char *sequence_context;
	struct sender sender;
	/* WS-Man */
	struct wsman_request *request; /* the SUBSCRIBE; NULL: CIM-XML */
	char *context;		       /* pull mode */
	/* CIM-XML */
	struct entry *entry; /* its instance, borrowed */
	char *filter_name;
};

struct events {
	const struct cim_schema *schema;
	char *host;
	struct deliver *deliver;
	gint64 (*clock)(void); /* microseconds, from anywhere, never back */
	GPtrArray *subscriptions;
	GPtrArray *pulls;   /* of struct pull, waiting */
	GPtrArray *entries; /* of struct entry */
	guint idle, timer;  /* sources */
};

/* ---- events.c ---- */
gint64 events_now(const struct events *events);
/* Does what is due. */
void events_tick(struct events *events);
/* events_tick() from the loop, soon. */
void events_soon(struct events *events);
/* Whether one more of @user is within the limits. */
gboolean events_room(const struct events *events, const char *user);
/* A subscription that is not listed yet: @query is borrowed, @namespaces not 0. CIM_ERROR when the
 * query is about no events, or names what they do not have. */
struct subscription *subscription_new(struct events *events, const char *user, guint namespaces,
				      const struct query *query, GError **error);
void subscription_free(struct subscription *subscription);
CAIRN_DEFINE_AUTO(subscription, subscription_free)
/* Takes it over: from now on it gets events. */
void subscription_begin(struct subscription *subscription);
/* Unlists and frees it, and its instance. @why: wse:SubscriptionEnd's status to tell EndTo, or
 * NULL. */
void subscription_end(struct subscription *subscription, const char *why);

/* ---- events_indication.c ---- */
struct change {
	const struct events *events;
	enum cim_namespace_id ns;
	enum event_kind kind;
	struct cim_instance *before, *after; /* one may be NULL */
	struct cim_instance *made[2];	     /* indications of it, by family; made when asked for */
};
/* What each kind of change becomes for a query on @class; FALSE: no events are of that class. */
gboolean indication_classes(const struct cim_schema *schema, enum cim_namespace_id ns,
			    const struct cim_class *class,
			    const struct cim_class *ret_classes[EVENT_KINDS]);
/* Borrowed. */
const struct cim_instance *change_indication(struct change *change, const struct cim_class *class);
void change_clear(struct change *change);
/* The indication as @subscription gets it: with its own number, and only the properties that it
 * asked for. A new reference. */
struct cim_instance *indication_for(struct subscription *subscription,
				    const struct cim_instance *indication);

/* ---- events_send.c ---- */
void sender_clear(struct subscription *subscription);
void sender_pump(struct subscription *subscription, gint64 now);
/* When it wants to be pumped again without a new event; G_MAXINT64: never. */
gint64 sender_due(const struct subscription *subscription);

/* ---- events_pull.c ---- */
struct pull;
void pull_free(struct pull *pull);
void events_serve_pulls(struct events *events, gint64 now);
gint64 events_pulls_due(const struct events *events);
/* Those that wait for @subscription are told that it is gone. */
void events_end_pulls(struct events *events, const struct subscription *subscription);
struct subscription *events_by_context(const struct events *events, const char *context);

/* ---- events_wsman.c ---- */
/* wse:SubscriptionEnd to EndTo, once, without waiting. */
void events_tell_end(struct subscription *subscription, const char *why);

/* ---- events_registry.c ---- */
/* An instance that a client made. */
struct entry {
	char *user;
	struct cim_instance *instance;
	struct subscription *subscription; /* of CIM_IndicationSubscription, else NULL */
};
void entry_free(struct entry *entry);
/* NULL when @user has none of that path. */
struct entry *registry_find(const struct events *events, const char *user,
			    const struct cim_path *path);
/* Its path in the interop namespace. */
struct cim_path *entry_path(const struct entry *entry);
/* CREATE: *@ret_entry is listed. */
gboolean registry_create(struct events *events, const char *user,
			 const struct cim_instance *instance, struct entry **ret_entry,
			 GError **error);
gboolean registry_delete(struct events *events, struct entry *entry, GError **error);
/* What is read of it: the times that run are up to date. A new reference. */
struct cim_instance *registry_read(const struct entry *entry);
/* @duration_sec: from now on; 0: without end. */
void registry_set_duration(struct entry *entry, guint64 duration_sec);
