/* Machines as last seen; see machines.h. */
#include "cairnd/machines.h"

#include "base/json.h"

static void
vm_entry_free(struct vm_entry *entry)
{
	hv_vm_free(entry->vm);
	g_free(entry->uri);
	g_free(entry);
}

GHashTable *
machines_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)vm_entry_free);
}

/* ---- what clients see of them ---- */

static gboolean
same_disk(const struct hv_disk *a, const struct hv_disk *b)
{
	return g_strcmp0(a->target, b->target) == 0 && g_strcmp0(a->path, b->path) == 0 &&
	       g_strcmp0(a->format, b->format) == 0 && a->size == b->size &&
	       a->trackable == b->trackable && g_strcmp0(a->reason, b->reason) == 0;
}

static gboolean
same_vm(const struct hv_vm *a, const struct hv_vm *b)
{
	if (g_strcmp0(a->name, b->name) != 0 || a->state != b->state || a->agent != b->agent ||
	    g_strcmp0(a->busy, b->busy) != 0 || a->disks->len != b->disks->len)
		return FALSE;
	for (guint i = 0; i < a->disks->len; i++)
		if (!same_disk(a->disks->pdata[i], b->disks->pdata[i]))
			return FALSE;
	return TRUE;
}

static void
tell(const struct host *host, const struct vm_entry *entry, gboolean removed)
{
	json_t *data = json_object();
	cairn_json_set_string(data, "id", entry->vm->uuid);
	cairn_json_set_string(data, "name", entry->vm->name);
	if (removed)
		cairn_json_set_bool(data, "removed", TRUE);
	host->world->event(host->world->user, "VM_CHANGED", data);
}

/* ---- one answer ---- */

/* Takes the entry of @uuid out, if it is this host's and older than the answer. */
static struct vm_entry *
take_old(GHashTable *machines, const struct host *host, const char *uuid, gint64 since)
{
	struct vm_entry *entry = g_hash_table_lookup(machines, uuid);
	if (!entry || entry->since > since || g_strcmp0(entry->uri, host->uri) != 0)
		return NULL;
	g_hash_table_steal(machines, uuid);
	return entry;
}

/* Those that the answer is about; the table of what is returned owns them. */
static GHashTable *
take_all_old(GHashTable *machines, const struct host *host, const GPtrArray *vms,
	     const GPtrArray *gone, gint64 since)
{
	GHashTable *old = machines_new();
	g_autoptr(GPtrArray) uuids = g_ptr_array_new();
	if (gone) {
		for (guint i = 0; i < vms->len; i++)
			g_ptr_array_add(uuids, ((struct hv_vm *)vms->pdata[i])->uuid);
		for (guint i = 0; i < gone->len; i++)
			g_ptr_array_add(uuids, gone->pdata[i]);
	} else {
		GHashTableIter iter;
		gpointer uuid;
		g_hash_table_iter_init(&iter, machines);
		while (g_hash_table_iter_next(&iter, &uuid, NULL))
			g_ptr_array_add(uuids, uuid);
	}
	for (guint i = 0; i < uuids->len; i++) {
		struct vm_entry *entry = take_old(machines, host, uuids->pdata[i], since);
		if (entry)
			g_hash_table_insert(old, entry->vm->uuid, entry);
	}
	return old;
}

/* A machine may be defined on two hosts (a migration leaves that): where it runs is where it is.
 * Another entry of this host was seen later. */
static gboolean
keeps(const struct vm_entry *other, const struct host *host)
{
	return other->vm->state != HV_SHUTOFF || g_strcmp0(other->uri, host->uri) == 0;
}

/* Puts @vm into its place, and it into @told if clients would see a difference. FALSE: another host
 * has it. */
static gboolean
put(GHashTable *machines, const struct host *host, struct hv_vm *vm, gint64 since,
    const GHashTable *old, GPtrArray *told)
{
	const struct vm_entry *other = g_hash_table_lookup(machines, vm->uuid);
	if (other && keeps(other, host)) {
		gboolean elsewhere = g_strcmp0(other->uri, host->uri) != 0;
		hv_vm_free(vm);
		return !elsewhere;
	}
	const struct vm_entry *before =
		other ? other : g_hash_table_lookup((GHashTable *)old, vm->uuid);
	struct vm_entry *entry = g_new0(struct vm_entry, 1);
	entry->vm = vm;
	entry->uri = g_strdup(host->uri);
	entry->since = since;
	if (!before || g_strcmp0(before->uri, host->uri) != 0 || !same_vm(before->vm, vm))
		g_ptr_array_add(told, entry);
	g_hash_table_replace(machines, vm->uuid, entry);
	return TRUE;
}

gboolean
machines_remember(GHashTable *machines, const struct host *host, GPtrArray *vms,
		  const GPtrArray *gone, gint64 since)
{
	g_autoptr(GHashTable) old = take_all_old(machines, host, vms, gone, since);
	g_autoptr(GPtrArray) told = g_ptr_array_new();
	GHashTableIter iter;
	gpointer uuid, entry;
	gboolean clear = TRUE;
	while (vms->len > 0)
		clear &= put(machines, host, g_ptr_array_steal_index(vms, vms->len - 1), since, old,
			     told);
	for (guint i = 0; i < told->len; i++)
		tell(host, told->pdata[i], FALSE);
	g_hash_table_iter_init(&iter, old);
	while (g_hash_table_iter_next(&iter, &uuid, &entry))
		if (!g_hash_table_contains(machines, uuid))
			tell(host, entry, TRUE);
	return clear;
}
