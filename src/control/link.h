/* The control socket's client for a program with a main loop: many calls under way, events as they
 * come, connected again when the daemon comes back. client.c is the blocking one. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

#define LINK_CALLS_MAX 4096 /* under way at once; one more is BUSY */

struct control_link;

/* @value is borrowed; NULL with @error. Exactly once per call, from the main loop, never from
 * within control_link_call(). */
typedef void (*control_link_reply_fn)(const json_t *value, const GError *error, void *user_data);

struct control_link_events {
	/* The connection stands and was greeted (TRUE), or is gone (FALSE): calls under way have
	 * been answered with PEER by then. */
	void (*state)(gboolean connected, void *user_data);
	/* @event is the whole event object; borrowed. */
	void (*event)(const char *name, const json_t *event, void *user_data);
};

/* Connects in the background, and again (growing pauses, at most 5 s) whenever it is lost. Calls
 * made while there is no connection fail with PEER, later as all answers. */
struct control_link *control_link_new(const char *socket_path,
				      const struct control_link_events *events, void *user_data);
/* Calls under way are dropped without their callbacks. */
void control_link_free(struct control_link *link);
CAIRN_DEFINE_AUTO(control_link, control_link_free)
gboolean control_link_connected(const struct control_link *link);
/* @arguments may be NULL and is not taken over. @as is whom the front end authenticated ("as" of
 * the request), or NULL for its own reads. */
void control_link_call(struct control_link *link, const char *request, json_t *arguments,
		       const char *as, control_link_reply_fn reply, void *user_data);
