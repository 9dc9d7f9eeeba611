/* The fake's other side: what tests set up, break and look at. */
#include "base/guid.h"
#include "hypervisor/fake_private.h"

#include <string.h>

static GMutex hosts_lock;
static GHashTable *hosts; /* URI -> struct fake */

void
fake_point_free(struct fake_point *point)
{
	g_free(point->name);
	g_ptr_array_unref(point->targets);
	g_free(point);
}

void
fake_planned_free(struct fake_planned *planned)
{
	g_free(planned->verb);
	g_free(planned->vm);
	g_free(planned);
}

static void
vm_free(struct fake_vm *vm)
{
	hv_vm_free(vm->facts);
	g_free(vm->prepared);
	g_free(vm->served);
	g_ptr_array_unref(vm->points);
	g_free(vm);
}

static struct fake *
host_new(void)
{
	struct fake *fake = g_new0(struct fake, 1);
	g_mutex_init(&fake->lock);
	g_cond_init(&fake->cond);
	fake->vms = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)vm_free);
	fake->sinks = g_ptr_array_new();
	fake->log = g_ptr_array_new_with_free_func(g_free);
	fake->plan = g_ptr_array_new_with_free_func((GDestroyNotify)fake_planned_free);
	fake->uuids = g_ptr_array_new_with_free_func(g_free);
	return fake;
}

static void
host_free(struct fake *fake)
{
	g_hash_table_unref(fake->vms);
	g_ptr_array_unref(fake->sinks);
	g_ptr_array_unref(fake->log);
	g_ptr_array_unref(fake->plan);
	g_ptr_array_unref(fake->uuids);
	g_mutex_clear(&fake->lock);
	g_cond_clear(&fake->cond);
	g_free(fake);
}

struct fake *
fake_host(const char *uri)
{
	g_mutex_lock(&hosts_lock);
	if (!hosts)
		hosts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      (GDestroyNotify)host_free);
	struct fake *fake = g_hash_table_lookup(hosts, uri);
	if (!fake) {
		fake = host_new();
		g_hash_table_insert(hosts, g_strdup(uri), fake);
		fake_add_from_uri(fake, uri);
	}
	g_mutex_unlock(&hosts_lock);
	return fake;
}

void
fake_drop(const char *uri)
{
	g_mutex_lock(&hosts_lock);
	if (hosts)
		g_hash_table_remove(hosts, uri);
	if (hosts && g_hash_table_size(hosts) == 0)
		g_clear_pointer(&hosts, g_hash_table_unref);
	g_mutex_unlock(&hosts_lock);
}

struct fake_vm *
fake_find(struct fake *fake, const char *vm)
{
	return g_hash_table_lookup(fake->vms, vm);
}

static struct fake_vm *
must_find(struct fake *fake, const char *uuid)
{
	struct fake_vm *vm = fake_find(fake, uuid);
	g_assert(vm);
	return vm;
}

struct fake_point *
fake_point_of(struct fake_vm *vm, const char *name)
{
	for (guint i = 0; i < vm->points->len; i++) {
		struct fake_point *point = vm->points->pdata[i];
		if (g_str_equal(point->name, name))
			return point;
	}
	return NULL;
}

void
fake_emit(struct fake *fake, enum hv_event_type type, const char *vm, const char *message)
{
	for (guint i = 0; i < fake->sinks->len; i++)
		hv_sink_emit(fake->sinks->pdata[i], type, vm, message);
}

const char *
fake_add_vm(struct fake *fake, const char *name, enum hv_state state, gboolean agent)
{
	g_autofree char *uuid = cairn_guid_new();
	return fake_add_vm_as(fake, uuid, name, state, agent);
}

const char *
fake_add_vm_as(struct fake *fake, const char *id, const char *name, enum hv_state state,
	       gboolean agent)
{
	struct fake_vm *vm = g_new0(struct fake_vm, 1);
	vm->facts = hv_vm_new();
	vm->facts->uuid = g_strdup(id);
	vm->facts->name = g_strdup(name);
	vm->facts->state = state;
	vm->facts->agent = agent;
	vm->points = g_ptr_array_new_with_free_func((GDestroyNotify)fake_point_free);
	char *uuid = g_strdup(vm->facts->uuid);
	g_mutex_lock(&fake->lock);
	g_ptr_array_add(fake->uuids, uuid);
	g_hash_table_insert(fake->vms, uuid, vm);
	g_mutex_unlock(&fake->lock);
	return uuid;
}

void
fake_add_disk(struct fake *fake, const char *uuid, const char *target, guint64 size,
	      gboolean trackable)
{
	g_mutex_lock(&fake->lock);
	struct fake_vm *vm = must_find(fake, uuid);
	struct hv_disk *disk = hv_disk_new(target);
	disk->path = g_strdup_printf("/fake/%s/%s", vm->facts->name, target);
	disk->format = g_strdup(trackable ? "qcow2" : "raw");
	disk->size = size;
	disk->trackable = trackable;
	disk->reason = trackable ? NULL : g_strdup("its format is raw");
	g_ptr_array_add(vm->facts->disks, disk);
	g_mutex_unlock(&fake->lock);
}

void
fake_remove_disk(struct fake *fake, const char *uuid, const char *target)
{
	g_mutex_lock(&fake->lock);
	GPtrArray *disks = must_find(fake, uuid)->facts->disks;
	for (guint i = disks->len; i > 0; i--)
		if (g_str_equal(((struct hv_disk *)disks->pdata[i - 1])->target, target))
			g_ptr_array_remove_index(disks, i - 1);
	g_mutex_unlock(&fake->lock);
}

void
fake_remove_vm(struct fake *fake, const char *uuid)
{
	g_mutex_lock(&fake->lock);
	g_hash_table_remove(fake->vms, uuid);
	g_mutex_unlock(&fake->lock);
}

void
fake_set_busy(struct fake *fake, const char *uuid, const char *why)
{
	g_mutex_lock(&fake->lock);
	struct fake_vm *vm = must_find(fake, uuid);
	g_free(vm->facts->busy);
	vm->facts->busy = g_strdup(why);
	g_mutex_unlock(&fake->lock);
}

/* A machine that is served does not start, as with the real image lock. */
void
fake_start(struct fake *fake, const char *uuid)
{
	g_mutex_lock(&fake->lock);
	struct fake_vm *vm = must_find(fake, uuid);
	if (vm->served) {
		fake_emit(fake, HV_EVENT_START_BLOCKED, uuid, "its images are being exported");
	} else {
		vm->facts->state = HV_RUNNING;
		fake_emit(fake, HV_EVENT_STARTED, uuid, NULL);
	}
	g_mutex_unlock(&fake->lock);
}

static void
stop(struct fake *fake, const char *uuid, gboolean crash)
{
	g_mutex_lock(&fake->lock);
	struct fake_vm *vm = must_find(fake, uuid);
	vm->facts->state = HV_SHUTOFF;
	vm->frozen = vm->suspended = FALSE;
	g_clear_pointer(&vm->facts->backup, g_free);
	vm->scratch = 0;
	for (guint i = 0; crash && i < vm->points->len; i++)
		((struct fake_point *)vm->points->pdata[i])->broken = TRUE;
	fake_emit(fake, HV_EVENT_STOPPED, uuid, crash ? "it crashed" : NULL);
	g_mutex_unlock(&fake->lock);
}

void
fake_stop(struct fake *fake, const char *uuid)
{
	stop(fake, uuid, FALSE);
}

void
fake_crash(struct fake *fake, const char *uuid)
{
	stop(fake, uuid, TRUE);
}

void
fake_pause(struct fake *fake, const char *uuid)
{
	g_mutex_lock(&fake->lock);
	struct fake_vm *vm = must_find(fake, uuid);
	vm->facts->state = HV_PAUSED;
	vm->suspended = FALSE;
	g_mutex_unlock(&fake->lock);
}

void
fake_thaw_itself(struct fake *fake, const char *uuid)
{
	g_mutex_lock(&fake->lock);
	must_find(fake, uuid)->frozen = FALSE;
	g_mutex_unlock(&fake->lock);
}

void
fake_end_job(struct fake *fake, const char *uuid)
{
	g_mutex_lock(&fake->lock);
	struct fake_vm *vm = must_find(fake, uuid);
	g_clear_pointer(&vm->facts->backup, g_free);
	fake_emit(fake, HV_EVENT_BACKUP_ENDED, uuid, "the job was ended by somebody else");
	g_mutex_unlock(&fake->lock);
}

void
fake_fill_scratch(struct fake *fake, const char *uuid, guint64 bytes)
{
	g_mutex_lock(&fake->lock);
	struct fake_vm *vm = must_find(fake, uuid);
	vm->scratch = bytes;
	if (vm->threshold && bytes > vm->threshold) {
		vm->threshold = 0; /* told once */
		fake_emit(fake, HV_EVENT_SCRATCH_FULL, uuid, "a scratch file is full");
	}
	g_mutex_unlock(&fake->lock);
}

void
fake_disconnect(struct fake *fake)
{
	g_mutex_lock(&fake->lock);
	fake_emit(fake, HV_EVENT_DISCONNECTED, NULL, "the connection broke");
	g_mutex_unlock(&fake->lock);
}

enum hv_state
fake_state(struct fake *fake, const char *uuid)
{
	g_mutex_lock(&fake->lock);
	enum hv_state state = must_find(fake, uuid)->facts->state;
	g_mutex_unlock(&fake->lock);
	return state;
}

gboolean
fake_frozen(struct fake *fake, const char *uuid)
{
	g_mutex_lock(&fake->lock);
	gboolean frozen = must_find(fake, uuid)->frozen;
	g_mutex_unlock(&fake->lock);
	return frozen;
}

const char *
fake_held(struct fake *fake, const char *uuid)
{
	g_mutex_lock(&fake->lock);
	const char *held = must_find(fake, uuid)->facts->backup;
	g_mutex_unlock(&fake->lock);
	return held;
}

gboolean
fake_has_point(struct fake *fake, const char *uuid, const char *name)
{
	g_mutex_lock(&fake->lock);
	gboolean has = fake_point_of(must_find(fake, uuid), name) != NULL;
	g_mutex_unlock(&fake->lock);
	return has;
}

char **
fake_log(struct fake *fake)
{
	g_autoptr(GPtrArray) copy = g_ptr_array_new();
	g_mutex_lock(&fake->lock);
	for (guint i = 0; i < fake->log->len; i++)
		g_ptr_array_add(copy, g_strdup(fake->log->pdata[i]));
	g_mutex_unlock(&fake->lock);
	g_ptr_array_add(copy, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&copy), FALSE);
}

guint
fake_calls(struct fake *fake, const char *verb)
{
	guint n = 0;
	g_mutex_lock(&fake->lock);
	for (guint i = 0; i < fake->log->len; i++) {
		const char *line = fake->log->pdata[i];
		gsize len = strcspn(line, " ");
		n += !verb || (strlen(verb) == len && strncmp(line, verb, len) == 0);
	}
	g_mutex_unlock(&fake->lock);
	return n;
}

static void
plan(struct fake *fake, guint countdown, const char *verb, const char *vm, guint times,
     enum fake_fault fault)
{
	struct fake_planned *planned = g_new0(struct fake_planned, 1);
	planned->countdown = countdown;
	planned->verb = g_strdup(verb);
	planned->vm = g_strdup(vm);
	planned->times = times;
	planned->fault = fault;
	g_mutex_lock(&fake->lock);
	g_ptr_array_add(fake->plan, planned);
	g_mutex_unlock(&fake->lock);
}

void
fake_fail_call(struct fake *fake, guint nth, enum fake_fault fault)
{
	g_assert(nth > 0);
	plan(fake, nth, NULL, NULL, 1, fault);
}

void
fake_fail_verb(struct fake *fake, const char *verb, const char *vm, guint times,
	       enum fake_fault fault)
{
	plan(fake, 0, verb, vm, times, fault);
}

void
fake_clear_faults(struct fake *fake)
{
	g_mutex_lock(&fake->lock);
	g_ptr_array_set_size(fake->plan, 0);
	g_mutex_unlock(&fake->lock);
}

static gboolean
strikes(struct fake_planned *planned, const char *verb, const char *vm)
{
	if (planned->times == 0 || (planned->countdown && --planned->countdown > 0))
		return FALSE;
	if ((planned->verb && !g_str_equal(planned->verb, verb)) ||
	    (planned->vm && !g_str_equal(planned->vm, vm)))
		return FALSE;
	planned->times--;
	return TRUE;
}

static void
hang(struct fake *fake)
{
	guint release = fake->releases;
	fake->hanging++;
	g_cond_broadcast(&fake->cond);
	while (fake->releases == release)
		g_cond_wait(&fake->cond, &fake->lock);
	fake->hanging--;
	g_cond_broadcast(&fake->cond);
}

gboolean
fake_enter(struct fake *fake, const char *verb, const char *vm, enum fake_fault *ret_fault)
{
	gboolean hit = FALSE;
	g_ptr_array_add(fake->log, g_strdup_printf("%s %s", verb, vm));
	for (guint i = 0; i < fake->plan->len; i++) {
		struct fake_planned *planned = fake->plan->pdata[i];
		if (strikes(planned, verb, vm) && !hit) {
			hit = TRUE;
			*ret_fault = planned->fault;
		}
	}
	if (hit && *ret_fault == FAKE_HANG)
		hang(fake);
	return hit;
}

gboolean
fake_wait_hanging(struct fake *fake, guint count, gint64 usec)
{
	gint64 deadline = g_get_monotonic_time() + usec;
	g_mutex_lock(&fake->lock);
	while (fake->hanging < count && g_cond_wait_until(&fake->cond, &fake->lock, deadline))
		;
	gboolean ok = fake->hanging >= count;
	g_mutex_unlock(&fake->lock);
	return ok;
}

void
fake_release(struct fake *fake)
{
	g_mutex_lock(&fake->lock);
	fake->releases++;
	g_cond_broadcast(&fake->cond);
	g_mutex_unlock(&fake->lock);
}

static void
look_at(const struct fake_vm *vm, gboolean may_hold, GString *text)
{
	const char *name = vm->facts->name;
	if (vm->frozen)
		g_string_append_printf(text, "\"%s\" is frozen\n", name);
	if (vm->suspended && vm->facts->state == HV_PAUSED)
		g_string_append_printf(text, "\"%s\" is paused\n", name);
	if (!may_hold && vm->facts->backup)
		g_string_append_printf(text, "\"%s\" holds %s\n", name, vm->facts->backup);
	if (!may_hold && vm->served)
		g_string_append_printf(text, "\"%s\" serves %s\n", name, vm->served);
	if (!may_hold && vm->prepared)
		g_string_append_printf(text, "\"%s\" has scratch files of %s\n", name,
				       vm->prepared);
	for (guint i = 0; i < vm->points->len; i++) {
		const struct fake_point *point = vm->points->pdata[i];
		if (!point->begun)
			g_string_append_printf(text, "\"%s\" has the useless checkpoint %s\n", name,
					       point->name);
	}
}

char *
fake_unclean(struct fake *fake, gboolean may_hold)
{
	g_autoptr(GString) text = g_string_new(NULL);
	GHashTableIter iter;
	gpointer value;
	g_mutex_lock(&fake->lock);
	g_hash_table_iter_init(&iter, fake->vms);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		look_at(value, may_hold, text);
	g_mutex_unlock(&fake->lock);
	return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

void
fake_assert_clean(struct fake *fake)
{
	g_autofree char *text = fake_unclean(fake, FALSE);
	if (text)
		g_error("left over on the fake host:\n%s", text);
}
