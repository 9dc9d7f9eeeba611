/* A listener for tests: takes POSTs in threads of its own and answers as it was told. */
#pragma once

#include "base/auto.h"

#include <glib.h>

enum listener_answer {
	LISTENER_OK,	   /* 200 and nothing */
	LISTENER_ACK,	   /* wsman:Ack of the request's MessageID */
	LISTENER_BUSY,	   /* 503 */
	LISTENER_REDIRECT, /* 302 to itself */
	LISTENER_CUT,	   /* closes without an answer */
	LISTENER_FLOOD,	   /* more than a client wants to read */
};

struct http_listener;

struct http_listener *http_listener_new(void);
void http_listener_free(struct http_listener *listener);
CAIRN_DEFINE_AUTO(http_listener, http_listener_free)
/* "http://127.0.0.1:PORT" */
const char *http_listener_url(const struct http_listener *listener);
/* How the next requests are answered, one each; those after them as the last. */
void http_listener_will(struct http_listener *listener, enum listener_answer answer);
/* Runs the main loop until @count requests are in (at most ten seconds: then it aborts). */
void http_listener_wait(struct http_listener *listener, guint count);
guint http_listener_count(struct http_listener *listener);
/* Headers and body of one, as they came; a copy. */
char *http_listener_request(struct http_listener *listener, guint index);
