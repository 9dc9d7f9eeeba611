/* What the memory driver offers to simulations beyond store.h: faults, and a restart without a
 * disk. Stores opened on the same "memory:NAME" share their objects, which stay when all are
 * closed; "memory:" without a name is private and gone when closed. */
#pragma once

#include "store/store.h"

/* Called before (@before) and after each commit of @store; @nth counts commits from 1 since the
 * hook was set and is the same in both calls. FALSE with @error set makes store_commit() fail with
 * it: before, nothing has changed (the disk was full, or the machine stopped just before the
 * write); after, the change stands (it stopped just after). A commit whose versions do not hold
 * counts too and has no call after it. */
typedef gboolean (*store_mem_hook_fn)(void *user, guint nth, gboolean before, GError **error);

/* @store must be a "memory:" store; NULL takes the hook away. */
void store_mem_set_hook(struct store *store, store_mem_hook_fn hook, void *user);

/* Drops the objects of "memory:NAME". Stores still open on it keep what they see. */
void store_mem_forget(const char *name);
