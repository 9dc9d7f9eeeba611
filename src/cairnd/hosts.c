/* The connections to the hypervisors: opened, looked at and looked at again, each host in a thread
 * of its own, so that one that hangs delays neither the daemon nor the others. */
#include "cairnd/hosts.h"

#include "cairnd/machines.h"

#include "base/error.h"

#define LOOK_LIMIT (10 * 1000) /* milliseconds that a look waits for a host */
#define LOOK_AGAIN (10 * G_USEC_PER_SEC)
/* A point pauses and resumes its machines; and what a person does comes in several events. */
#define TOUCH_MSEC 500

struct waiter {
	hosts_looked_fn done;
	void *user;
};

struct hosts {
	struct world *world;
	GPtrArray *all;	 /* struct host */
	GHashTable *vms; /* UUID -> struct vm_entry: as last seen */
	GArray *waiting; /* struct waiter: for the look that begins next */
	GArray *served;	 /* struct waiter: for the present one */
	gboolean looking;
	guint timer;	/* ends the present look; 0: none */
	guint soon;	/* begins a look at touched machines; 0: none */
	gint64 look_at; /* monotonic: when a host that did not answer is tried again */
};

static void
host_free(struct host *host)
{
	hypervisor_close(host->hv);
	g_free(host->uri);
	g_free(host->error);
	g_hash_table_unref(host->touched);
	g_free(host);
}

struct hosts *
hosts_new(struct world *world, char *const *uris)
{
	struct hosts *hosts = g_new0(struct hosts, 1);
	hosts->world = world;
	hosts->all = g_ptr_array_new_with_free_func((GDestroyNotify)host_free);
	hosts->vms = machines_new();
	hosts->waiting = g_array_new(FALSE, FALSE, sizeof(struct waiter));
	hosts->served = g_array_new(FALSE, FALSE, sizeof(struct waiter));
	for (char *const *uri = uris; *uri; uri++) {
		struct host *host = g_new0(struct host, 1);
		host->world = world;
		host->uri = g_strdup(*uri);
		host->touched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		host->error = g_strdup("not connected yet");
		host->unknown = TRUE;
		g_ptr_array_add(hosts->all, host);
	}
	return hosts;
}

void
hosts_free(struct hosts *hosts)
{
	if (!hosts)
		return;
	if (hosts->timer)
		g_source_remove(hosts->timer);
	if (hosts->soon)
		g_source_remove(hosts->soon);
	g_ptr_array_unref(hosts->all);
	g_hash_table_unref(hosts->vms);
	g_array_unref(hosts->waiting);
	g_array_unref(hosts->served);
	g_free(hosts);
}

/* ---- finding ---- */

guint
hosts_count(const struct hosts *hosts)
{
	return hosts->all->len;
}

const struct host *
hosts_get(const struct hosts *hosts, guint i)
{
	return hosts->all->pdata[i];
}

struct hypervisor *
host_hypervisor(const struct host *host)
{
	return g_atomic_pointer_get(&((struct host *)host)->hv);
}

struct hypervisor *
hosts_hypervisor(const struct hosts *hosts, const char *uri)
{
	for (guint i = 0; i < hosts->all->len; i++) {
		const struct host *host = hosts->all->pdata[i];
		if (g_strcmp0(host->uri, uri) == 0)
			return host_hypervisor(host);
	}
	return NULL;
}

const struct vm_entry *
hosts_vm(const struct hosts *hosts, const char *uuid)
{
	g_autofree char *upper = g_ascii_strup(uuid, -1);
	return g_hash_table_lookup(hosts->vms, upper);
}

const struct vm_entry *
hosts_find_vm(const struct hosts *hosts, const char *uuid_or_name, GError **error)
{
	const struct vm_entry *found = hosts_vm(hosts, uuid_or_name);
	GHashTableIter iter;
	gpointer value;
	guint hits = 0;
	if (found)
		return found;
	g_hash_table_iter_init(&iter, hosts->vms);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct vm_entry *entry = value;
		if (strcmp(entry->vm->name, uuid_or_name) != 0)
			continue;
		found = entry;
		hits++;
	}
	if (hits == 1)
		return found;
	if (hits > 1)
		g_set_error(
			error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			"%u machines are called \"%s\": say which by its UUID (`cairn vm list`)",
			hits, uuid_or_name);
	else
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    "there is no machine \"%s\" on the connected hosts (`cairn vm list`)",
			    uuid_or_name);
	return NULL;
}

GPtrArray *
hosts_list_vms(const struct hosts *hosts)
{
	GPtrArray *entries = g_ptr_array_new();
	GHashTableIter iter;
	gpointer entry;
	g_hash_table_iter_init(&iter, hosts->vms);
	while (g_hash_table_iter_next(&iter, NULL, &entry))
		g_ptr_array_add(entries, entry);
	return entries;
}

/* ---- one host's answer ---- */

struct look {
	struct host *host;
	GPtrArray *vms; /* struct hv_vm; NULL: it did not answer */
	gint64 since;	/* when it was asked, microseconds since 1970 */
	gint64 asked;	/* the same, monotonic */
};

static void
look_free(gpointer data)
{
	struct look *look = data;
	g_clear_pointer(&look->vms, g_ptr_array_unref);
	g_free(look);
}

static struct hypervisor *
open_host(struct world *world, struct host *host, GError **error)
{
	struct hypervisor *hv = hypervisor_open(host->uri, error);
	if (!hv)
		return NULL;
	hypervisor_set_events(hv, guard_event, host);
	g_atomic_pointer_set(&host->hv, hv);
	return hv;
}

static void
look_work(struct task *task)
{
	struct look *look = task->user;
	struct hypervisor *hv = host_hypervisor(look->host);
	if (!hv)
		hv = open_host(task->world, look->host, &task->error);
	look->since = g_get_real_time();
	look->asked = g_get_monotonic_time();
	look->vms = hv ? hypervisor_list(hv, &task->error) : NULL;
}

static void
reconcile(struct hosts *hosts, const struct host *host, const struct look *look)
{
	g_autoptr(GArray) found = g_array_new(FALSE, TRUE, sizeof(struct engine_found));
	for (guint i = 0; i < look->vms->len; i++) {
		const struct hv_vm *vm = look->vms->pdata[i];
		struct engine_found one = {.uri = host->uri,
					   .vm = vm->uuid,
					   .off = vm->state == HV_SHUTOFF,
					   .backup = vm->backup,
					   .points = vm->points,
					   .since = look->since};
		g_array_append_val(found, one);
	}
	engine_reconcile(hosts->world->engine, (struct engine_found *)found->data, found->len);
}

static void
note_error(struct host *host, const GError *error)
{
	if (!error && host->error)
		g_message("%s answers", host->uri);
	if (error && !host->error)
		g_warning("%s does not answer, will try again: %s", host->uri, error->message);
	g_free(host->error);
	host->error = error ? g_strdup(error->message) : NULL;
	host->unknown |= error != NULL;
}

static gboolean
anyone_busy(const struct hosts *hosts)
{
	for (guint i = 0; i < hosts->all->len; i++)
		if (((const struct host *)hosts->all->pdata[i])->busy)
			return TRUE;
	return FALSE;
}

static void look_over(struct hosts *hosts);

static void
look_done(struct task *task)
{
	struct look *look = task->user;
	struct hosts *hosts = task->world->hosts;
	struct host *host = look->host;
	host->busy = FALSE;
	note_error(host, task->error);
	if (look->vms) {
		/* What happened while nobody watched. */
		if (host->unknown)
			reconcile(hosts, host, look);
		engine_host_back(hosts->world->engine, host->uri);
		host->unknown = FALSE;
		machines_remember(hosts->vms, host, look->vms, NULL, look->asked);
	}
	if (hosts->looking && !anyone_busy(hosts))
		look_over(hosts);
}

/* ---- a look at all hosts ---- */

static void look_begin(struct hosts *hosts);

static void
look_over(struct hosts *hosts)
{
	g_autoptr(GArray) served = hosts->served;
	if (hosts->timer)
		g_source_remove(hosts->timer);
	hosts->timer = 0;
	hosts->looking = FALSE;
	hosts->served = g_array_new(FALSE, FALSE, sizeof(struct waiter));
	if (hosts->world->stopping)
		return; /* the clients that wait are gone, or will be */
	for (guint i = 0; i < served->len; i++) {
		const struct waiter *waiter = &g_array_index(served, struct waiter, i);
		waiter->done(hosts->world, waiter->user);
	}
	if (hosts->waiting->len > 0 && !hosts->looking)
		look_begin(hosts);
}

static gboolean
on_limit(gpointer data)
{
	struct hosts *hosts = data;
	hosts->timer = 0;
	for (guint i = 0; i < hosts->all->len; i++) {
		struct host *host = hosts->all->pdata[i];
		g_autoptr(GError) error =
			host->busy ? g_error_new_literal(CAIRN_ERROR, CAIRN_ERROR_PEER,
							 "no answer for 10 seconds")
				   : NULL;
		if (error)
			note_error(host, error);
	}
	look_over(hosts);
	return G_SOURCE_REMOVE;
}

static gboolean
on_nobody(gpointer data)
{
	struct hosts *hosts = data;
	hosts->timer = 0;
	look_over(hosts);
	return G_SOURCE_REMOVE;
}

static void
look_begin(struct hosts *hosts)
{
	struct world *world = hosts->world;
	GArray *served = hosts->served;
	gboolean asked = FALSE;
	hosts->served = hosts->waiting;
	hosts->waiting = served;
	hosts->looking = TRUE;
	hosts->look_at = g_get_monotonic_time() + LOOK_AGAIN;
	for (guint i = 0; i < hosts->all->len; i++) {
		struct host *host = hosts->all->pdata[i];
		if (host->busy) /* it has not answered the look before: one thread is enough */
			continue;
		struct task *task = task_new(world, look_work, look_done);
		struct look *look = g_new0(struct look, 1);
		look->host = host;
		task->user = look;
		task->user_free = look_free;
		task->urgent = TRUE;
		host->busy = asked = TRUE;
		task_start(task);
	}
	hosts->timer =
		asked ? g_timeout_add(LOOK_LIMIT, on_limit, hosts) : g_idle_add(on_nobody, hosts);
}

void
hosts_look(struct hosts *hosts, hosts_looked_fn done, void *user)
{
	struct waiter waiter = {done, user};
	g_array_append_val(hosts->waiting, waiter);
	if (!hosts->looking)
		look_begin(hosts);
}

/* ---- a look at some machines ---- */

static void
nothing(struct world *world, void *user)
{
}

struct touch {
	struct host *host;
	GHashTable *uuids;
	GPtrArray *vms;	 /* struct hv_vm: those that are there */
	GPtrArray *gone; /* char *: those that are not */
	gint64 asked;	 /* monotonic */
};

static void
touch_free(gpointer data)
{
	struct touch *touch = data;
	g_hash_table_unref(touch->uuids);
	g_ptr_array_unref(touch->vms);
	g_ptr_array_unref(touch->gone);
	g_free(touch);
}

static void
touch_work(struct task *task)
{
	struct touch *touch = task->user;
	struct hypervisor *hv = host_hypervisor(touch->host);
	GHashTableIter iter;
	gpointer uuid;
	g_hash_table_iter_init(&iter, touch->uuids);
	while (hv && g_hash_table_iter_next(&iter, &uuid, NULL)) {
		g_autoptr(GError) error = NULL;
		struct hv_vm *vm = hypervisor_lookup(hv, uuid, &error);
		if (vm)
			g_ptr_array_add(touch->vms, vm);
		else if (g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND))
			g_ptr_array_add(touch->gone, g_strdup(uuid));
	}
}

static void touch_later(struct hosts *hosts);

static void
touch_done(struct task *task)
{
	struct touch *touch = task->user;
	struct hosts *hosts = task->world->hosts;
	touch->host->touching = FALSE;
	/* A machine that moves is told of by both hosts, in any order. */
	if (!machines_remember(hosts->vms, touch->host, touch->vms, touch->gone, touch->asked))
		hosts_look(hosts, nothing, NULL);
	if (g_hash_table_size(touch->host->touched) > 0)
		touch_later(hosts);
}

static void
touch_begin(struct host *host)
{
	struct task *task = task_new(host->world, touch_work, touch_done);
	struct touch *touch = g_new0(struct touch, 1);
	touch->host = host;
	touch->uuids = host->touched;
	touch->vms = g_ptr_array_new_with_free_func((GDestroyNotify)hv_vm_free);
	touch->gone = g_ptr_array_new_with_free_func(g_free);
	touch->asked = g_get_monotonic_time();
	host->touched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	host->touching = TRUE;
	task->user = touch;
	task->user_free = touch_free;
	task->urgent = TRUE;
	task_start(task);
}

static gboolean
on_soon(gpointer data)
{
	struct hosts *hosts = data;
	hosts->soon = 0;
	for (guint i = 0; i < hosts->all->len; i++) {
		struct host *host = hosts->all->pdata[i];
		if (!host->touching && g_hash_table_size(host->touched) > 0)
			touch_begin(host);
	}
	return G_SOURCE_REMOVE;
}

static void
touch_later(struct hosts *hosts)
{
	if (!hosts->soon && !hosts->world->stopping)
		hosts->soon = g_timeout_add(TOUCH_MSEC, on_soon, hosts);
}

void
hosts_vm_event(struct hosts *hosts, struct host *host, const char *vm)
{
	g_hash_table_add(host->touched, g_strdup(vm));
	touch_later(hosts);
}

void
hosts_doubt(struct hosts *hosts)
{
	for (guint i = 0; i < hosts->all->len; i++)
		((struct host *)hosts->all->pdata[i])->unknown = TRUE;
	hosts_look(hosts, nothing, NULL);
}

void
hosts_tick(struct hosts *hosts)
{
	if (hosts->looking || g_get_monotonic_time() < hosts->look_at)
		return;
	for (guint i = 0; i < hosts->all->len; i++)
		if (((const struct host *)hosts->all->pdata[i])->unknown) {
			hosts_look(hosts, nothing, NULL);
			return;
		}
}
