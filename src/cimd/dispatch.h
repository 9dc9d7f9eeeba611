/* From a request's bytes to its answer: which codec reads it, who does it, who writes it. */
#pragma once

#include "base/auto.h"
#include "cimd/events.h"
#include "cimd/http.h"
#include "cimd/languages.h"
#include "cimd/model.h"

#include <glib.h>

struct dispatch;

struct dispatch_config {
	const struct cim_schema *schema;
	struct model *model;
	struct events *events;
	const struct languages *languages; /* of errors; NULL: English */
	const char *host;		   /* in the object paths of answers */
	enum cim_namespace_id namespace;   /* for WS-Man requests that name none */
};

/* Everything in @config is borrowed and must outlive it. */
struct dispatch *dispatch_new(const struct dispatch_config *config);
/* Exchanges under way are answered first. */
void dispatch_free(struct dispatch *dispatch);
CAIRN_DEFINE_AUTO(dispatch, dispatch_free)

/* Ends the subscriptions of users who have no role any more. Called by itself every half minute. */
void dispatch_check_subscribers(struct dispatch *dispatch);

/* An http_handler_fn; @dispatch is the user data. */
void dispatch_handle(struct http_exchange *x, gpointer dispatch);
