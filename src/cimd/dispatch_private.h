/* What dispatch.c and its two protocols share. */
#pragma once

#include "cimd/contexts.h"
#include "cimd/dispatch.h"
#include "wire/cimxml.h"
#include "wire/wsman.h"

struct dispatch {
	struct dispatch_config config;
	char *host;
	struct contexts *contexts;
	guint tidy;	      /* source */
	GPtrArray *exchanges; /* under way: owned by themselves, listed for the end */
	GPtrArray *checks;    /* of subscribers' roles under way: struct check of dispatch.c */
};

struct exchange;
/* Writes the answer to exchange->reply; the exchange is over. */
typedef void (*exchange_answer_fn)(struct exchange *exchange);

/* One exchange that is being answered. */
struct exchange {
	struct dispatch *dispatch;
	struct http_exchange *x;
	const struct identity *identity; /* of @x */
	exchange_answer_fn answer;
	exchange_answer_fn admitted, refused; /* after exchange_admit() */
	const struct cim_op *op;	      /* of the events' part, while its user is looked at */
	struct cim_reply reply;
	guint deadline; /* source, when the client set one; WS-Man's OperationTimeout */
	/* one of these, by the protocol */
	struct cimxml_request *cimxml;
	struct wsman_request *wsman;
};

/* Does @op through the events' or the model's part, and exchange->answer() when it is done. */
void exchange_run(struct exchange *exchange, const struct cim_op *op);
/* Whether the user still has a role: @admitted goes on, now or later; @refused has an error to
 * answer, which is CIM_ERR_ACCESS_DENIED unless cairnd does not say. For what is not asked of the
 * model, which looks by itself. */
void exchange_admit(struct exchange *exchange, exchange_answer_fn admitted,
		    exchange_answer_fn refused);
/* The operation under way is not waited for any more: exchange->answer() is not called. */
void exchange_cancel(struct exchange *exchange);
/* After the answer is given. */
void exchange_free(struct exchange *exchange);

void dispatch_cimxml(struct exchange *exchange);
void dispatch_wsman(struct exchange *exchange);
