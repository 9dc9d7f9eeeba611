/* The fake's driver: each verb as a real host would do it; see fake.h. */
#include "base/error.h"
#include "hypervisor/fake_private.h"

#include <string.h>

struct fake_self {
	struct fake *fake;
	struct hv_sink *sink;
};

static gboolean
fail(GError **error, int code, const char *text)
{
	g_set_error(error, CAIRN_ERROR, code, "%s", text);
	return FALSE;
}

typedef gboolean (*verb_fn)(struct fake_vm *vm, const void *in, void *out, GError **error);

struct call {
	const char *verb, *uuid;
	verb_fn fn;
	const void *in;
	void *out;
	gboolean absent_is_fine;
};

/* Every verb: the plan of faults first, then the deed. */
static gboolean
act_locked(struct fake *fake, const struct call *call, GError **error)
{
	enum fake_fault fault;
	gboolean failing = fake_enter(fake, call->verb, call->uuid, &fault);
	if (failing && fault != FAKE_FAIL_AFTER)
		return fail(error, CAIRN_ERROR_PEER, "a planned fault");
	struct fake_vm *vm = fake_find(fake, call->uuid);
	if (!vm)
		return call->absent_is_fine ||
		       fail(error, CAIRN_ERROR_NOT_FOUND, "there is no such machine");
	if (!call->fn(vm, call->in, call->out, error))
		return FALSE;
	return !failing || fail(error, CAIRN_ERROR_PEER, "a planned fault after the deed");
}

static gboolean
act(void *self, const char *verb, const char *uuid, verb_fn fn, const void *in, void *out,
    gboolean absent_is_fine, GError **error)
{
	struct fake *fake = ((struct fake_self *)self)->fake;
	struct call call = {verb, uuid, fn, in, out, absent_is_fine};
	g_mutex_lock(&fake->lock);
	gboolean ok = act_locked(fake, &call, error);
	g_mutex_unlock(&fake->lock);
	return ok;
}

static gboolean
is_on(const struct fake_vm *vm)
{
	return vm->facts->state == HV_RUNNING || vm->facts->state == HV_PAUSED;
}

static struct hv_disk *
find_disk(const struct hv_vm *vm, const char *target)
{
	for (guint i = 0; i < vm->disks->len; i++) {
		struct hv_disk *disk = vm->disks->pdata[i];
		if (g_str_equal(disk->target, target))
			return disk;
	}
	return NULL;
}

static gboolean
do_prepare(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	const struct hv_point *point = in;
	if (vm->facts->busy || vm->facts->backup)
		return fail(error, CAIRN_ERROR_BUSY, "it is busy");
	if (vm->facts->state == HV_OTHER)
		return fail(error, CAIRN_ERROR_STATE, "it cannot take part now");
	if (fake_point_of(vm, point->name))
		return fail(error, CAIRN_ERROR_EXISTS, "the checkpoint exists");
	struct fake_point *made = g_new0(struct fake_point, 1);
	made->name = g_strdup(point->name);
	made->targets = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(vm->points, made);
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		const struct hv_disk *image = find_disk(vm->facts, disk->target);
		if (!image || (!image->trackable && !disk->untracked)) {
			g_ptr_array_remove(vm->points, made);
			return fail(error, CAIRN_ERROR_STATE, "no such disk, or not trackable");
		}
		if (!disk->untracked)
			g_ptr_array_add(made->targets, g_strdup(disk->target));
	}
	g_free(vm->prepared);
	vm->prepared = g_strdup(point->name);
	vm->offline = !is_on(vm);
	return TRUE;
}

static gboolean
do_freeze(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	if (vm->facts->state != HV_RUNNING || !vm->facts->agent)
		return fail(error, CAIRN_ERROR_STATE, "no guest agent answers");
	vm->frozen = TRUE;
	*(guint *)out = 1;
	return TRUE;
}

static gboolean
do_thaw(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	if (vm->facts->state == HV_PAUSED && vm->facts->agent)
		return fail(error, CAIRN_ERROR_STATE, "the machine is paused");
	*(guint *)out = vm->frozen;
	vm->frozen = FALSE;
	return TRUE;
}

static gboolean
do_suspend(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	if (vm->facts->state == HV_OTHER)
		return fail(error, CAIRN_ERROR_STATE, "it cannot be paused now");
	vm->suspended = vm->facts->state == HV_RUNNING;
	if (vm->suspended)
		vm->facts->state = HV_PAUSED;
	return TRUE;
}

static gboolean
do_resume(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	if (vm->suspended && vm->facts->state == HV_PAUSED)
		vm->facts->state = HV_RUNNING;
	vm->suspended = FALSE;
	return TRUE;
}

static gboolean
do_begin(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	const struct hv_point *point = in;
	struct fake_point *made = fake_point_of(vm, point->name);
	if (!made || g_strcmp0(vm->prepared, point->name) != 0)
		return fail(error, CAIRN_ERROR_STATE, "it was not prepared");
	if (vm->facts->busy || vm->facts->backup)
		return fail(error, CAIRN_ERROR_BUSY, "it is busy");
	if (vm->offline == is_on(vm))
		return fail(error, CAIRN_ERROR_STATE, "it was started or stopped since prepare");
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		struct fake_point *base = disk->base ? fake_point_of(vm, disk->base) : NULL;
		if (disk->base && (!base || base->broken))
			return fail(error, CAIRN_ERROR_STATE, "the base's bitmap is lost");
	}
	made->begun = TRUE;
	vm->facts->backup = is_on(vm) ? g_strdup(point->name) : NULL;
	return TRUE;
}

static gboolean
do_save_state(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	const char *dir = in;
	g_autofree char *path = g_build_filename(dir, "config.xml", NULL);
	g_autofree char *xml =
		g_markup_printf_escaped("<domain><name>%s</name><uuid>%s</uuid></domain>\n",
					vm->facts->name, vm->facts->uuid);
	if (!g_file_set_contents(path, xml, -1, error))
		return FALSE;
	*(char ***)out = g_new0(char *, 1);
	return TRUE;
}

static gboolean
do_serve(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	const struct hv_point *point = in;
	if (g_strcmp0(vm->facts->backup, point->name) == 0)
		return TRUE;
	struct fake_point *made = fake_point_of(vm, point->name);
	/* As long as it is off, its images are the data, whoever has forgotten what. */
	gboolean still = vm->outlives && !is_on(vm);
	if (!still &&
	    (is_on(vm) || !made || made->broken || g_strcmp0(vm->prepared, point->name) != 0))
		return fail(error, CAIRN_ERROR_STATE, "the data is gone");
	g_free(vm->served);
	vm->served = g_strdup(point->name);
	return TRUE;
}

static gboolean
do_unserve(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	const struct hv_point *point = in;
	if (g_strcmp0(vm->served, point->name) == 0)
		g_clear_pointer(&vm->served, g_free);
	return TRUE;
}

static gboolean
do_usage(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	const struct hv_point *point = in;
	*(guint64 *)out = g_strcmp0(vm->facts->backup, point->name) == 0 ? vm->scratch : 0;
	return TRUE;
}

static gboolean
do_watch(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	vm->threshold = *(const guint64 *)in;
	return TRUE;
}

static gboolean
do_end(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	const struct hv_point *point = in;
	do_unserve(vm, in, NULL, NULL);
	if (g_strcmp0(vm->facts->backup, point->name) == 0) {
		g_clear_pointer(&vm->facts->backup, g_free);
		vm->scratch = 0;
	}
	struct fake_point *made = fake_point_of(vm, point->name);
	if (made && !made->begun)
		g_ptr_array_remove(vm->points, made);
	if (g_strcmp0(vm->prepared, point->name) == 0)
		g_clear_pointer(&vm->prepared, g_free);
	return TRUE;
}

static gboolean
do_forget(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	struct fake_point *made = fake_point_of(vm, in);
	if (made && vm->served)
		return fail(error, CAIRN_ERROR_BUSY, "its images are being served");
	if (made)
		g_ptr_array_remove(vm->points, made);
	return TRUE;
}

struct base_query {
	const char *name, *target;
};

static gboolean
do_check_base(struct fake_vm *vm, const void *in, void *out, GError **error)
{
	const struct base_query *query = in;
	struct fake_point *made = fake_point_of(vm, query->name);
	char **ret_reason = out;
	if (!find_disk(vm->facts, query->target))
		*ret_reason = g_strdup("the disk is gone");
	else if (!made ||
		 !g_ptr_array_find_with_equal_func(made->targets, query->target, g_str_equal, NULL))
		*ret_reason = g_strdup("changes were not recorded on this disk since then");
	else if (made->broken)
		*ret_reason = g_strdup("its record of changes was lost when QEMU crashed");
	return TRUE;
}

static gboolean
fake_prepare(void *self, const struct hv_point *point, guint agent_timeout, GError **error)
{
	return act(self, "prepare", point->vm, do_prepare, point, NULL, FALSE, error);
}

static gboolean
fake_freeze(void *self, const char *vm, guint *ret_filesystems, GError **error)
{
	return act(self, "freeze", vm, do_freeze, NULL, ret_filesystems, FALSE, error);
}

static gboolean
fake_thaw(void *self, const char *vm, guint *ret_frozen, GError **error)
{
	return act(self, "thaw", vm, do_thaw, NULL, ret_frozen, TRUE, error);
}

static gboolean
fake_suspend(void *self, const char *vm, GError **error)
{
	return act(self, "suspend", vm, do_suspend, NULL, NULL, FALSE, error);
}

static gboolean
fake_resume(void *self, const char *vm, GError **error)
{
	return act(self, "resume", vm, do_resume, NULL, NULL, TRUE, error);
}

static gboolean
fake_begin(void *self, const struct hv_point *point, GError **error)
{
	return act(self, "begin", point->vm, do_begin, point, NULL, FALSE, error);
}

static gboolean
fake_save_state(void *self, const char *vm, const char *dir, char ***ret_files, GError **error)
{
	return act(self, "save_state", vm, do_save_state, dir, ret_files, FALSE, error);
}

static gboolean
fake_serve(void *self, const struct hv_point *point, GError **error)
{
	return act(self, "serve", point->vm, do_serve, point, NULL, FALSE, error);
}

static gboolean
fake_unserve(void *self, const struct hv_point *point, GError **error)
{
	return act(self, "unserve", point->vm, do_unserve, point, NULL, TRUE, error);
}

static char *
fake_changes_context(void *self, const struct hv_point *point, const struct hv_point_disk *disk)
{
	return disk->untracked ? NULL
			       : g_strconcat("qemu:dirty-bitmap:backup-", disk->target, NULL);
}

static gboolean
fake_usage(void *self, const struct hv_point *point, guint64 *ret_used, guint64 *ret_free,
	   GError **error)
{
	*ret_free = G_MAXUINT64;
	return act(self, "usage", point->vm, do_usage, point, ret_used, FALSE, error);
}

static gboolean
fake_watch(void *self, const struct hv_point *point, guint64 bytes, GError **error)
{
	return act(self, "watch", point->vm, do_watch, &bytes, NULL, FALSE, error);
}

static gboolean
fake_end(void *self, const struct hv_point *point, GError **error)
{
	return act(self, "end", point->vm, do_end, point, NULL, TRUE, error);
}

static gboolean
fake_forget(void *self, const char *vm, const char *name, GError **error)
{
	return act(self, "forget", vm, do_forget, name, NULL, TRUE, error);
}

static gboolean
fake_check_base(void *self, const char *vm, const char *name, const char *target, char **ret_reason,
		GError **error)
{
	struct base_query query = {.name = name, .target = target};
	return act(self, "check_base", vm, do_check_base, &query, ret_reason, FALSE, error);
}

static struct hv_vm *
describe(const struct fake_vm *vm)
{
	struct hv_vm *copy = hv_vm_new();
	const struct hv_vm *facts = vm->facts;
	copy->uuid = g_strdup(facts->uuid);
	copy->name = g_strdup(facts->name);
	copy->state = facts->state;
	copy->agent = facts->agent && facts->state == HV_RUNNING;
	copy->persistent = TRUE;
	copy->busy = g_strdup(facts->busy);
	copy->backup = g_strdup(facts->backup);
	for (guint i = 0; i < facts->disks->len; i++) {
		const struct hv_disk *from = facts->disks->pdata[i];
		struct hv_disk *disk = hv_disk_new(from->target);
		disk->path = g_strdup(from->path);
		disk->format = g_strdup(from->format);
		disk->reason = g_strdup(from->reason);
		disk->size = from->size;
		disk->trackable = from->trackable;
		g_ptr_array_add(copy->disks, disk);
	}
	for (guint i = 0; i < vm->points->len; i++) {
		const struct fake_point *point = vm->points->pdata[i];
		g_ptr_array_add(copy->points, g_strdup(point->name));
	}
	return copy;
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
	const struct hv_vm *one = *(const struct hv_vm *const *)a;
	const struct hv_vm *other = *(const struct hv_vm *const *)b;
	return g_strcmp0(one->name, other->name);
}

static GPtrArray *
fake_list(void *self, GError **error)
{
	struct fake *fake = ((struct fake_self *)self)->fake;
	GPtrArray *vms = g_ptr_array_new_with_free_func((GDestroyNotify)hv_vm_free);
	GHashTableIter iter;
	gpointer value;
	g_mutex_lock(&fake->lock);
	g_hash_table_iter_init(&iter, fake->vms);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		g_ptr_array_add(vms, describe(value));
	g_mutex_unlock(&fake->lock);
	g_ptr_array_sort(vms, by_name);
	return vms;
}

static struct hv_vm *
fake_lookup(void *self, const char *uuid_or_name, GError **error)
{
	g_autoptr(GPtrArray) vms = fake_list(self, error);
	for (guint i = 0; i < vms->len; i++) {
		struct hv_vm *vm = vms->pdata[i];
		if (g_ascii_strcasecmp(vm->uuid, uuid_or_name) == 0 ||
		    g_str_equal(vm->name, uuid_or_name)) {
			g_ptr_array_set_free_func(vms, NULL);
			g_ptr_array_remove_index(vms, i);
			g_ptr_array_set_free_func(vms, (GDestroyNotify)hv_vm_free);
			return vm;
		}
	}
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND, "there is no machine \"%s\"",
		    uuid_or_name);
	return NULL;
}

static char *
fake_address(void *self, const char *vm, const char *path, GError **error)
{
	return g_strdup(path);
}

static gboolean
takes(const char *uri)
{
	return g_str_has_prefix(uri, "fake:");
}

static void *
fake_open(const char *uri, struct hv_sink *sink, GError **error)
{
	struct fake_self *self = g_new0(struct fake_self, 1);
	self->fake = fake_host(uri);
	self->sink = sink;
	g_mutex_lock(&self->fake->lock);
	g_ptr_array_add(self->fake->sinks, sink);
	g_mutex_unlock(&self->fake->lock);
	return self;
}

static void
fake_close(void *data)
{
	struct fake_self *self = data;
	g_mutex_lock(&self->fake->lock);
	g_ptr_array_remove(self->fake->sinks, self->sink);
	g_mutex_unlock(&self->fake->lock);
	g_free(self);
}

const struct hv_driver hv_driver_fake = {
	.name = "fake",
	.takes = takes,
	.open = fake_open,
	.close = fake_close,
	.list = fake_list,
	.lookup = fake_lookup,
	.address = fake_address,
	.prepare = fake_prepare,
	.freeze = fake_freeze,
	.thaw = fake_thaw,
	.suspend = fake_suspend,
	.resume = fake_resume,
	.begin = fake_begin,
	.save_state = fake_save_state,
	.serve = fake_serve,
	.unserve = fake_unserve,
	.changes_context = fake_changes_context,
	.usage = fake_usage,
	.watch = fake_watch,
	.end = fake_end,
	.forget = fake_forget,
	.check_base = fake_check_base,
};
