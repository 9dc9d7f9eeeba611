/* The machines as last seen, and what is told when a look finds one new, changed or gone. Loop
 * thread only. */
#pragma once

#include "cairnd/hosts.h"

/* Upper-case UUID -> struct vm_entry. */
GHashTable *machines_new(void);
/* What @host said when it was asked at @since (monotonic): @vms (struct hv_vm) are taken out of the
 * array. @gone NULL: these are all it has; else these UUIDs are not there, and nothing is known of
 * others. What was seen later than @since stays. Each machine that is not as it was is told as
 * VM_CHANGED: {id}, or {id, name, removed}. FALSE: a machine still counts as running on another
 * host, which should be asked. */
gboolean machines_remember(GHashTable *machines, const struct host *host, GPtrArray *vms,
			   const GPtrArray *gone, gint64 since);
