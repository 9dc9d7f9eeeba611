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
#define EVENTS_ENTRIES_MAX	   512 /* filters and destinations of all users */
#define EVENTS_ENTRIES_PER_USER	   64
#define EVENTS_PULL_MAX_SEC	   600 /* a Pull waits at most so long */
#define EVENTS_PULL_DEFAULT_SEC	   60  /* when the client says no OperationTimeout */
#define EVENTS_BATCH_MAX	   20  /* indications of one delivery in the mode Events */
/* A delivery that failed is tried again after the first pause, then after twice as long, ...; as
 * CIM_IndicationService says. A client's ConnectionRetry goes before, within the bounds below. */
#define EVENTS_RETRY_ATTEMPTS	  3
#define EVENTS_RETRY_SECONDS	  30
#define EVENTS_RETRY_ATTEMPTS_MAX 10
#define EVENTS_RETRY_SECONDS_MAX  300
#define EVENTS_HEARTBEAT_MIN_SEC  5

struct events;

struct events_config {
	const struct cim_schema *schema;
	const char *host;
	/* scheme://host:port of listeners that may be told; NULL terminated, empty: nobody */
	char *const *destinations;
	const char *tls_ca; /* to verify https listeners with; NULL: the system's */
};

/* INVALID names a destination that is no scheme://host:port. @config is copied but for the schema.
 */
struct events *events_new(const struct events_config *config, GError **error);
/* Pulls that wait are forgotten, subscribers told nothing: the loop ends with us. */
void events_free(struct events *events);
CAIRN_DEFINE_AUTO(events, events_free)

/* What model_change_fn tells: queues what matches. Never blocks, never calls out from within. Each
 * change is an event of its own, told at once, whatever WITHIN says. A full queue loses its oldest
 * event: that is logged with the count, and shows as a gap in SequenceNumber. */
void events_change(struct events *events, enum cim_namespace_id ns, struct cim_instance *before,
		   struct cim_instance *after);

/* Who has subscriptions, filters or destinations; NULL terminated, free with g_strfreev(). */
char **events_users(const struct events *events);
/* @user may not be told any more: all that is his ends, and nobody is told why. */
void events_end_user(struct events *events, const char *user);

/* ---- WS-Eventing: answers are appended to @out as whole envelopes ---- */
/* SUBSCRIBE, UNSUBSCRIBE, RENEW, GET_STATUS, and RELEASE of a pull subscription's context, which
 * ends it too. Errors are WSMAN_FAULT or CIM_ERROR. @address: of this service, as the client
 * reached it. A SUBSCRIBE that succeeds takes what is in @request over and leaves it cleared.
 * Subscriptions are their user's: another one's are not there. One whose client named no expiry
 * lives on as long as it is pulled. */
gboolean events_wsman(struct events *events, struct wsman_request *request, const char *user,
		      const char *address, GString *out, GError **error);
/* Whether @context is one of a pull subscription (and not of an enumeration). */
gboolean events_owns_context(struct events *events, const char *context);
typedef void (*events_pull_fn)(GString *body, const GError *error, void *user_data); /* borrowed */
/* A PULL that waits for events until a little before the request's time-out: @done once, later.
 * WSMAN_FAULT_TIMED_OUT when nothing came: the subscription stays. @request is borrowed until then.
 */
void events_pull(struct events *events, const struct wsman_request *request, const char *user,
		 events_pull_fn done, void *user_data);
void events_pull_cancel(struct events *events, events_pull_fn done, void *user_data);

/* ---- CIM-XML: CIM_IndicationFilter, CIM_ListenerDestinationCIMXML, CIM_IndicationSubscription in
 * the interop namespace are instances that clients make; they live here ---- */
gboolean events_owns_class(struct events *events, const struct cim_class *class);
/* CREATE, DELETE, GET, ENUMERATE(+NAMES), MODIFY of those classes; associations are REFERENCES and
 * ASSOCIATORS of CIM_IndicationSubscription. Answers at once. Each user sees only what is his; it
 * does not outlive the program. */
void events_run(struct events *events, const struct cim_op *op, const char *user,
		struct cim_reply *ret_reply);
