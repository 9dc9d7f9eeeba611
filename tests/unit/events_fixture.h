/* A world for subscriptions: the schema, a listener, and a clock that the test turns. */
#pragma once

#include "cimd/events_private.h"
#include "http_listener.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define USER   "anna"
#define MODIFIED                                                                   \
	"SELECT * FROM __InstanceModificationEvent WITHIN 1 WHERE TargetInstance " \
	"ISA 'Msvm_ConcreteJob' AND PreviousInstance.JobState <> TargetInstance.JobState"

struct world {
	struct cim_schema *schema;
	struct events *events;
	struct http_listener *listener;
};

struct world world_new(void);
void world_free(struct world *world);
/* What is due by now, and what the loop has at hand. */
void world_settle(struct world *world);
/* The clock goes on, and what is due is done. */
void world_pass(struct world *world, gint64 usec);
/* A job of the virtualization namespace. */
struct cim_instance *world_job(const struct world *world, const char *id, guint state);
/* The job @id goes from one state to another; 0: it is not there. */
void world_change(struct world *world, const char *id, guint from, guint to);
struct wsman_request world_request(const char *query, enum wsman_delivery delivery);
/* Clears @request. */
gboolean world_run(struct world *world, struct wsman_request *request, const char *user,
		   GError **error);
struct subscription *world_last(const struct world *world);
/* For USER. The subscription is borrowed until it ends. */
struct subscription *world_subscribe(struct world *world, struct wsman_request request);
guint occurrences(const char *text, const char *word);
