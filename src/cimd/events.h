/* Subscriptions: which changes whom to tell, over WS-Eventing (pull, push) and CIM-XML indications.
 * Queues are bounded, deliveries go only where the configuration allows, and expire. */
#pragma once

#include "base/auto.h"
#include "wire/op.h"
#include "wire/wsman.h"

#include <glib.h>

#define EVENTS_SUBSCRIPTIONS_MAX   256
#define EVENTS_PER_USER_MAX	   32
#define EVENTS_QUEUE_MAX	   1024 /* indications of one subscription */
#define EVENTS_EXPIRES_MAX_SEC	   (24 * 3600)
#define EVENTS_EXPIRES_DEFAULT_SEC 3600

struct events;

struct events_config {
	const struct cim_schema *schema;
	const char *host;
	/* scheme://host:port of listeners that may be told; NULL terminated, empty: nobody */
	char *const *destinations;
	const char *tls_ca; /* to verify https listeners with; NULL: the system's */
};

struct events *events_new(const struct events_config *config, GError **error);
void events_free(struct events *events);
CAIRN_DEFINE_AUTO(events, events_free)

/* What model_change_fn tells: queues what matches. Never blocks, never calls out from within. */
void events_change(struct events *events, enum cim_namespace_id ns, struct cim_instance *before,
		   struct cim_instance *after);

/* ---- WS-Eventing: answers are appended to @out as whole envelopes ---- */
/* SUBSCRIBE, UNSUBSCRIBE, RENEW, GET_STATUS. Errors are WSMAN_FAULT or CIM_ERROR. @address: of this
 * service, as the client reached it. */
gboolean events_wsman(struct events *events, const struct wsman_request *request, const char *user,
		      const char *address, GString *out, GError **error);
/* Whether @context is one of a pull subscription (and not of an enumeration). */
gboolean events_owns_context(struct events *events, const char *context);
typedef void (*events_pull_fn)(GString *body, const GError *error, void *user_data); /* borrowed */
/* A PULL that waits for events until the request's time-out: @done once, later.
 * WSMAN_FAULT_TIMED_OUT when nothing came: the subscription stays. */
void events_pull(struct events *events, const struct wsman_request *request, const char *user,
		 events_pull_fn done, void *user_data);
void events_pull_cancel(struct events *events, events_pull_fn done, void *user_data);

/* ---- CIM-XML: CIM_IndicationFilter, CIM_ListenerDestinationCIMXML, CIM_IndicationSubscription in
 * the interop namespace are instances that clients make; they live here ---- */
gboolean events_owns_class(struct events *events, const struct cim_class *class);
/* CREATE, DELETE, GET, ENUMERATE(+NAMES), MODIFY of those classes; associations are REFERENCES and
 * ASSOCIATORS of CIM_IndicationSubscription. Answers at once. */
void events_run(struct events *events, const struct cim_op *op, const char *user,
		struct cim_reply *ret_reply);
