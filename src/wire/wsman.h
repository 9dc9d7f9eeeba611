/* WS-Management (DSP0226, DSP0227, DSP0230, Microsoft's dialect): envelope bytes to a struct, and
 * answers and faults to bytes. */
#pragma once

#include "wire/op.h"
#include "wire/xml.h"

#include <glib.h>

#define WSMAN_ENVELOPE_MIN     8192   /* bytes; less is a fault (DSP0226 6.2) */
#define WSMAN_ENVELOPE_DEFAULT 512000 /* when the client says nothing: what WinRM uses */
#define WSMAN_ENVELOPE_MAX     (4 << 20)
#define WSMAN_SELECTORS_MAX    64
#define WSMAN_OPTIONS_MAX      64
#define WSMAN_ITEMS_DEFAULT    1 /* MaxElements when it is not said (DSP0226 8.3) */

enum wsman_action {
	WSMAN_NONE,
	WSMAN_IDENTIFY,
	WSMAN_GET,
	WSMAN_PUT,
	WSMAN_CREATE,
	WSMAN_DELETE,
	WSMAN_INVOKE,
	WSMAN_ENUMERATE,
	WSMAN_PULL,
	WSMAN_RELEASE,
	WSMAN_SUBSCRIBE,
	WSMAN_UNSUBSCRIBE,
	WSMAN_RENEW,
	WSMAN_GET_STATUS,
	WSMAN_ACK,
};

enum wsman_mode { WSMAN_OBJECTS, WSMAN_EPRS, WSMAN_OBJECTS_AND_EPRS };

/* How the client spells the namespace: answers use the same. */
enum wsman_uri_family {
	WSMAN_URI_DMTF,	     /* .../wbem/wscim/1/cim-schema/2/CLASS and a __cimnamespace selector */
	WSMAN_URI_WMI,	     /* .../wbem/wsman/1/wmi/root/virtualization/v2/CLASS */
	WSMAN_URI_ALL,	     /* .../wbem/wscim/1/ and an asterisk */
	WSMAN_URI_CLASS,     /* .../wbem/cim-xml/2/cim-schema/2/...: class metadata */
	WSMAN_URI_INTRINSIC, /* openwsman's GetClass extension */
};

enum wsman_delivery { WSMAN_PUSH, WSMAN_PUSH_WITH_ACK, WSMAN_EVENTS, WSMAN_PULL_MODE };

struct wsman_subscribe {
	enum wsman_delivery delivery;
	char *notify_to;	 /* address; NULL in pull mode */
	char *notify_parameters; /* reference parameters to send back as headers: XML text, or NULL
				  */
	char *end_to;		 /* or NULL */
	char *end_parameters;	 /* as notify_parameters, of EndTo */
	gint64 heartbeat_usec;	 /* 0: none */
	guint max_items;	 /* of one delivery; 0: not said */
	guint retry_total;	 /* wsman:ConnectionRetry; 0: not said */
	gint64 retry_usec;
	gboolean bookmarks;
};

struct wsman_request {
	enum wsman_action action;
	char *action_uri, *message_id, *resource_uri, *to;
	enum wsman_uri_family family;
	gboolean anonymous_reply; /* ReplyTo is absent or anonymous: anything else is a fault */
	guint64 max_envelope;	  /* bytes of the answer */
	gboolean skip_oversized;  /* Policy="Skip": an item that does not fit is left out */
	char *not_understood, *not_understood_ns; /* the header of WSMAN_FAULT_MUST_UNDERSTAND */
	gint64 timeout_usec;			  /* OperationTimeout; 0: not said */
	char *locale;				  /* or NULL */
	gboolean from_winrm; /* set by the caller from User-Agent before reading: 25-character or
			      * xs datetimes, see protocol.md's facts */
	/* Enumerate, Pull, Release */
	gboolean optimize, wants_total;
	enum wsman_mode mode;
	guint max_items;
	guint64 max_characters; /* 0: not said */
	gint64 max_time_usec;
	char *context;
	gint64 expires_usec; /* Enumerate, Subscribe, Renew: length from now; 0: not said */
	gint64 expires_at;   /* the same as a date, microseconds since 1970; 0: not said */
	/* Get and Put of a fragment: property, element from 1 (0: all), text() only */
	char *fragment;
	guint fragment_index;
	gboolean fragment_text;
	struct wsman_subscribe subscribe;
	char *identifier; /* of a subscription */
	struct cim_op
		op; /* NONE for IDENTIFY, PULL, RELEASE and eventing; a filter is in op.query */
};

void wsman_request_clear(struct wsman_request *request);
/* On failure @ret_request holds what is known for the fault; the caller clears it in both cases.
 * @error is of WSMAN_FAULT, CIM_ERROR or CAIRN_ERROR. @default_ns is used where nobody says one. */
gboolean wsman_read(const struct cim_schema *schema, enum cim_namespace_id default_ns,
		    const char *data, gsize len, struct wsman_request *ret_request, GError **error);

/* ---- faults: one table (DSP0226 14.6) ---- */
#define WSMAN_FAULT (wsman_fault_quark())
GQuark wsman_fault_quark(void);

enum wsman_fault_code {
	WSMAN_FAULT_ACCESS_DENIED,
	WSMAN_FAULT_ACTION_NOT_SUPPORTED,
	WSMAN_FAULT_ALREADY_EXISTS,
	WSMAN_FAULT_CANNOT_PROCESS_FILTER,
	WSMAN_FAULT_CONCURRENCY,
	WSMAN_FAULT_DELIVERY_MODE,
	WSMAN_FAULT_DESTINATION_UNREACHABLE,
	WSMAN_FAULT_INVALID_RESOURCE_URI, /* DestinationUnreachable with that detail */
	WSMAN_FAULT_ENCODING_LIMIT_MIN,	  /* MaxEnvelopeSize below 8192 */
	WSMAN_FAULT_ENCODING_LIMIT,	  /* one object does not fit */
	WSMAN_FAULT_FILTER_DIALECT,
	WSMAN_FAULT_FILTERING_NOT_SUPPORTED,
	WSMAN_FAULT_FRAGMENT_DIALECT,
	WSMAN_FAULT_INTERNAL,
	WSMAN_FAULT_INVALID_CONTEXT,
	WSMAN_FAULT_INVALID_EXPIRATION,
	WSMAN_FAULT_INVALID_HEADER,  /* wsa:InvalidMessageInformationHeader */
	WSMAN_FAULT_INVALID_MESSAGE, /* wse: unknown subscription */
	WSMAN_FAULT_INVALID_OPTIONS,
	WSMAN_FAULT_INVALID_PARAMETER,
	WSMAN_FAULT_INVALID_REPRESENTATION,
	WSMAN_FAULT_INSUFFICIENT_SELECTORS,
	WSMAN_FAULT_UNEXPECTED_SELECTORS,
	WSMAN_FAULT_SELECTOR_TYPE,
	WSMAN_FAULT_DUPLICATE_SELECTORS,
	WSMAN_FAULT_HEADER_REQUIRED, /* wsa:MessageInformationHeaderRequired */
	WSMAN_FAULT_MUST_UNDERSTAND,
	WSMAN_FAULT_POLYMORPHISM,
	WSMAN_FAULT_QUOTA,
	WSMAN_FAULT_SCHEMA_VALIDATION,
	WSMAN_FAULT_TIMED_OUT,
	WSMAN_FAULT_INVALID_TIMEOUT,
	WSMAN_FAULT_UNSUPPORTED_FEATURE,
	WSMAN_FAULT_VERSION_MISMATCH,
	/* the same subcodes with other details (DSP0226 14.6 and Annex E) */
	WSMAN_FAULT_ADDRESSING_MODE,  /* UnsupportedFeature: a ReplyTo of its own */
	WSMAN_FAULT_ENUMERATION_MODE, /* UnsupportedFeature */
	WSMAN_FAULT_BOOKMARKS,	      /* UnsupportedFeature */
	WSMAN_FAULT_LOCALE,	      /* UnsupportedFeature */
	WSMAN_FAULT_FRAGMENT,	      /* UnsupportedFeature: FragmentLevelAccess */
	WSMAN_FAULT_FRAGMENT_PATH,    /* wsman:CannotProcessFilter */
	WSMAN_FAULT_ACTION_MISMATCH,  /* ActionNotSupported: the body is another action's */
	WSMAN_FAULT_UNREPORTABLE,     /* EncodingLimit: done, and the answer does not fit */
	WSMAN_FAULT_EVENT_EXPIRATION, /* wse:InvalidExpirationTime */
	WSMAN_FAULT_EVENT_FILTER,     /* wse:FilteringRequestedUnavailable */
	WSMAN_FAULT_LAST,
};

gboolean wsman_fail(GError **error, enum wsman_fault_code code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
/* 400 for the client's mistakes, 500 for ours: `wsl` repeats a request that gets 500. */
guint wsman_fault_http_status(const GError *error);
/* A whole envelope; @request may be half read. Carries a CIM_Error instance and f:WSManFault. */
void wsman_write_fault(GString *out, const struct wsman_request *request, const char *host,
		       enum cim_language language, const GError *error);

/* ---- answers: whole envelopes, appended to @out ---- */
struct wsman_identity {
	const char *vendor, *version; /* NULL for a caller that did not say who it is */
};
void wsman_write_identify(GString *out, const struct wsman_request *request,
			  const struct wsman_identity *identity);
/* GET, PUT, CREATE, DELETE, INVOKE, class metadata: all that is not an enumeration. FALSE with
 * WSMAN_FAULT_ENCODING_LIMIT when it is larger than the client takes; nothing is appended then. */
gboolean wsman_write_reply(GString *out, const struct cim_schema *schema,
			   const struct wsman_request *request, const struct cim_reply *reply,
			   GError **error);
/* One page of ENUMERATE or PULL: as many of @list as the client takes. @enumerate is the request
 * that opened it (mode, URI family), @request the one that is answered (the same for ENUMERATE).
 * @context is what goes on, used unless the list ends here; *@ret_end tells that. FALSE with
 * WSMAN_FAULT_ENCODING_LIMIT when not even one item fits (it stays in the list). */
gboolean wsman_write_page(GString *out, const struct cim_schema *schema,
			  const struct wsman_request *enumerate,
			  const struct wsman_request *request, struct cim_list *list,
			  const char *context, gboolean *ret_end, GError **error);
/* The same for ENUMERATE_CLASSES: @classes is NULL terminated, *@position the first that is not
 * told yet; it moves on. Class metadata of a GET is wsman_write_reply()'s. */
gboolean wsman_write_class_page(GString *out, const struct wsman_request *enumerate,
				const struct wsman_request *request,
				const struct cim_class *const *classes, guint *position,
				const char *context, gboolean *ret_end, GError **error);
/* RELEASE, UNSUBSCRIBE: an empty body. */
void wsman_write_empty(GString *out, const struct wsman_request *request);
/* SUBSCRIBE and RENEW, GET_STATUS. @context NULL unless pull mode. */
void wsman_write_subscribed(GString *out, const struct wsman_request *request, const char *address,
			    const char *identifier, gint64 expires_usec, const char *context);

/* ---- events that we send (push modes) ---- */
/* Of @subscription (the SUBSCRIBE request): one or more indications in one envelope; @message_id is
 * fresh; ack is asked for in the modes that have it. */
void wsman_write_event(GString *out, const struct cim_schema *schema,
		       const struct wsman_request *subscription, GPtrArray *indications,
		       const char *message_id);
void wsman_write_heartbeat(GString *out, const struct wsman_request *subscription,
			   const char *message_id);
/* wse:SubscriptionEnd for EndTo; @status is the last part of the URI: "DeliveryFailure",
 * "SourceShuttingDown", "SourceCanceling". */
void wsman_write_subscription_end(GString *out, const struct wsman_request *subscription,
				  const char *identifier, const char *status,
				  const char *message_id);
/* Whether an answer to a push acknowledges @message_id. */
gboolean wsman_read_ack(const char *data, gsize len, const char *message_id);
