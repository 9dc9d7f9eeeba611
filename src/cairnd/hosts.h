/* The hosts: one connection each, and their machines as last seen. Loop thread only, but for
 * hosts_hypervisor(), hosts_count(), hosts_get() and host_hypervisor(), which workers call too. */
#pragma once

#include "cairnd/world.h"

struct host {
	struct world *world;
	char *uri;
	struct hypervisor
		*hv;	     /* use host_hypervisor(); NULL: not opened yet; never changes after */
	char *error;	     /* why it does not answer; NULL: it does */
	gboolean busy;	     /* it is being asked */
	gboolean unknown;    /* what it has of ours is to be compared with the store */
	GHashTable *touched; /* set of UUIDs: machines that something happened to */
	gboolean touching;   /* and they are being looked at */
};

struct vm_entry {
	struct hv_vm *vm;
	char *uri;
	gint64 since; /* when it was asked for, monotonic */
};

struct hosts *hosts_new(struct world *world, char *const *uris);
/* After all tasks have ended. */
void hosts_free(struct hosts *hosts);

guint hosts_count(const struct hosts *hosts);
const struct host *hosts_get(const struct hosts *hosts, guint i);
struct hypervisor *host_hypervisor(const struct host *host);
/* The connection of @uri; NULL. */
struct hypervisor *hosts_hypervisor(const struct hosts *hosts, const char *uri);
/* Machines as last seen, borrowed until the next look; NULL. */
const struct vm_entry *hosts_vm(const struct hosts *hosts, const char *uuid);
/* NOT_FOUND; INVALID when several have that name. */
const struct vm_entry *hosts_find_vm(const struct hosts *hosts, const char *uuid_or_name,
				     GError **error);
/* All (struct vm_entry), borrowed. */
GPtrArray *hosts_list_vms(const struct hosts *hosts);

/* Looks at all hosts, opening those that are not, and then calls @done on the loop: when all have
 * answered, or after ten seconds; a host that did not answer in time stays as last seen. Many who
 * ask at once share a look. */
typedef void (*hosts_looked_fn)(struct world *world, void *user);
void hosts_look(struct hosts *hosts, hosts_looked_fn done, void *user);
/* Something happened to a machine of @host: it is looked at soon, once for all that happens
 * meanwhile. This and every other look that finds a machine new, changed or gone is told as
 * VM_CHANGED. */
void hosts_vm_event(struct hosts *hosts, struct host *host, const char *vm);
/* A connection broke: what was ours may be gone. Looks, and reconciles with what is found. */
void hosts_doubt(struct hosts *hosts);
/* About once a second: hosts that did not answer are tried again. */
void hosts_tick(struct hosts *hosts);
