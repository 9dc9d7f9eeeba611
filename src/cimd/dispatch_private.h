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
	guint tidy;	 /* source */
	GPtrArray *runs; /* under way: owned by themselves, listed for the end */
};

struct run;
/* Writes the answer to run->reply; the run is over. */
typedef void (*run_answer_fn)(struct run *run);

/* One exchange that is being answered. */
struct run {
	struct dispatch *dispatch;
	struct http_exchange *x;
	const struct identity *identity; /* of @x */
	run_answer_fn answer;
	struct cim_reply reply;
	guint deadline; /* source, when the client set one; WS-Man's OperationTimeout */
	/* one of these, by the protocol */
	struct cimxml_request *cimxml;
	struct wsman_request *wsman;
	gboolean waits_for_events; /* an event pull is under way */
};

/* Does @op through the events' or the model's part, and run->answer() when it is done. */
void run_operation(struct run *run, const struct cim_op *op);
/* The operation under way is not waited for any more: run->answer() is not called. */
void run_cancel(struct run *run);
/* After the answer is given. */
void run_free(struct run *run);

void dispatch_cimxml(struct run *run);
void dispatch_wsman(struct run *run);
