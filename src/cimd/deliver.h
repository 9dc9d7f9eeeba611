/* POST to listeners: where to may be told, how long it may take, how much may be answered. What is
 * sent and how often is not decided here. libcurl on the main loop; nothing blocks. */
#pragma once

#include "base/auto.h"
#include "http/url.h"

#include <glib.h>

#define DELIVER_URL_MAX		HTTP_URL_MAX
#define DELIVER_CONNECT_SECONDS 10	    /* to reach a listener */
#define DELIVER_SECONDS		30	    /* for one POST, all of it */
#define DELIVER_ANSWER_MAX	(256 << 10) /* bytes of a listener's answer */
#define DELIVER_CONNECTIONS_MAX 32
#define DELIVER_PER_HOST_MAX	8

struct deliver;

/* @destinations as in events_config; copied. INVALID names the one that is no scheme://host:port.
 * @tls_ca may be NULL or "". */
struct deliver *deliver_new(char *const *destinations, const char *tls_ca, GError **error);
/* Posts under way end without a word. */
void deliver_free(struct deliver *deliver);
CAIRN_DEFINE_AUTO(deliver, deliver_free)

/* The URL in our own spelling if the configuration allows its scheme, host and port; else NULL:
 * DENIED, or INVALID for what is not a plain http or https URL (user names, odd characters). Only
 * what came from here may be posted to. Free with g_free(). */
char *deliver_allow(const struct deliver *deliver, const char *url, GError **error);

struct deliver_post;

/* @status: of HTTP, or 0 with @error when there was none. @answer is borrowed. */
typedef void (*deliver_fn)(guint status, const GString *answer, const GError *error,
			   void *user_data);

/* @headers: "Name: value", NULL terminated. Takes @body over. @done is called once, later; the post
 * is gone then. Redirects are not followed: their status is told. */
struct deliver_post *deliver_post(struct deliver *deliver, const char *url,
				  const char *const *headers, GString *body, deliver_fn done,
				  void *user_data);
/* Ends a post: @done is not called. */
void deliver_cancel(struct deliver_post *post);
