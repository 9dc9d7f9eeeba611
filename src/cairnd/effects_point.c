/* The effects of making a point: prepare, window, extents, clean, undo. */
#include "cairnd/hosts.h"

#include "base/error.h"
#include "base/extents.h"
#include "base/file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define EXTENTS_FILE_MAX (64 << 20)

static struct point_member *
task_member(struct task *task)
{
	return task->point->members->pdata[task->member];
}

/* ---- prepare ---- */

/* The machine, on whichever host has it. Defined on several, as a migration leaves it, it is where
 * its QEMU is: elsewhere its images would be read while they are written. */
static struct hv_vm *
find_vm(struct task *task, const struct point_member *member, const struct host **ret_host)
{
	const struct hosts *hosts = task->world->hosts;
	cairn_auto(hv_vm) found = NULL;
	for (guint i = 0; i < hosts_count(hosts); i++) {
		const struct host *host = hosts_get(hosts, i);
		struct hypervisor *hv = host_hypervisor(host);
		g_autoptr(GError) error = NULL;
		cairn_auto(hv_vm) vm = NULL;
		if (hv)
			vm = hypervisor_lookup(hv, member->id, &error);
		else
			g_set_error(&error, CAIRN_ERROR, CAIRN_ERROR_PEER,
				    "\"%s\" is not connected", host->uri);
		if (vm && (!found || found->state == HV_SHUTOFF)) {
			hv_vm_free(found);
			found = g_steal_pointer(&vm);
			*ret_host = host;
		}
		if (error && !task->error &&
		    !g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND))
			g_propagate_error(&task->error, g_steal_pointer(&error));
	}
	if (found) {
		g_clear_error(&task->error);
		return g_steal_pointer(&found);
	}
	if (!task->error)
		g_set_error(&task->error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND,
			    "machine \"%s\" is on none of the connected hosts", member->name);
	return NULL;
}

/* Leftovers of ours that no point needs any more go before anything new is made. */
static gboolean
remove_leftovers(struct task *task, struct hypervisor *hv, const struct hv_vm *vm)
{
	g_autofree char *prefix = point_checkpoint_name(engine_instance(task->world->engine), "");
	for (guint i = 0; task->debts && i < task->debts->len; i++)
		if (debt_pay(task->world, task->debts->pdata[i], &task->error) != 0)
			return FALSE;
	for (guint i = 0; i < vm->points->len; i++) {
		const char *name = vm->points->pdata[i];
		if (!g_str_has_prefix(name, prefix) ||
		    g_strv_contains((const char *const *)task->keep, name))
			continue;
		if (!hypervisor_forget(hv, vm->uuid, name, &task->error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
can_take_part(struct task *task, const struct hv_vm *vm)
{
	if (vm->state == HV_OTHER) {
		g_set_error(&task->error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "machine \"%s\" is being started, stopped or migrated: try again later",
			    vm->name);
		return FALSE;
	}
	if (vm->busy) {
		g_set_error(&task->error, CAIRN_ERROR, CAIRN_ERROR_BUSY,
			    "machine \"%s\" is busy: %s", vm->name, vm->busy);
		return FALSE;
	}
	if (vm->disks->len == 0) {
		g_set_error(&task->error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "machine \"%s\" has no disk to take a point of", vm->name);
		return FALSE;
	}
	return TRUE;
}

/* Whether the disk's changes since the previous point can be told; if not, why. */
static void
judge_disk(struct task *task, struct hypervisor *hv, const struct hv_vm *vm,
	   const struct hv_disk *disk, struct point_disk *out)
{
	const struct point_member *before =
		task->prev ? point_find_member(task->prev, vm->uuid) : NULL;
	const struct point_disk *old = before ? point_find_disk(before, disk->target) : NULL;
	out->tracked = disk->trackable;
	if (!disk->trackable) {
		out->reason = g_strdup(disk->reason);
		return;
	}
	if (!task->prev || !old) {
		out->reason = g_strdup(task->prev ? "the disk is new since the previous point"
						  : "the first point of the group");
		return;
	}
	if (!old->tracked || g_strcmp0(old->path, disk->path) != 0) {
		out->reason = g_strdup(
			old->tracked ? "the disk has another image since the previous point"
				     : "the disk was not tracked at the previous point");
		return;
	}
	if (old->size != disk->size) {
		out->reason = g_strdup_printf("the disk was resized from %" G_GUINT64_FORMAT
					      " to %" G_GUINT64_FORMAT " bytes",
					      old->size, disk->size);
		return;
	}
	g_autofree char *name =
		point_checkpoint_name(engine_instance(task->world->engine), task->prev->id);
	g_autoptr(GError) error = NULL;
	if (!hypervisor_check_base(hv, vm->uuid, name, disk->target, &out->reason, &error))
		out->reason = g_strdup(error->message);
	out->changes = out->reason == NULL;
}

static void
describe(struct task *task, const struct host *host, const struct hv_vm *vm)
{
	struct point_member *member = point_member_copy(task_member(task));
	g_free(member->name);
	g_free(member->uri);
	g_free(member->state);
	member->name = g_strdup(vm->name);
	member->uri = g_strdup(host->uri);
	member->state = g_strdup(hv_state_name(vm->state));
	member->guest_state = vm->has_nvram || vm->has_tpm;
	member->agent = vm->agent;
	g_ptr_array_set_size(member->disks, 0);
	for (guint i = 0; i < vm->disks->len && i < POINT_DISKS_MAX; i++) {
		const struct hv_disk *disk = vm->disks->pdata[i];
		struct point_disk *out = point_add_disk(member, disk->target);
		out->path = g_strdup(disk->path);
		out->format = g_strdup(disk->format);
		out->size = disk->size;
		judge_disk(task, host_hypervisor(host), vm, disk, out);
	}
	task->found = member;
}

static gboolean
prepare_here(struct task *task, struct hypervisor *hv)
{
	const struct world *world = task->world;
	struct point_member *member = task->found;
	g_autofree char *path = world_socket(world, task->point->id, member->id);
	g_autofree char *dir = world_point_dir(world, task->point->id, member->id);
	g_free(member->socket);
	member->socket = hypervisor_address(hv, member->id, path, &task->error);
	if (!member->socket)
		return FALSE;
	if (g_mkdir_with_parents(dir, 0700) < 0) {
		cairn_set_errno(&task->error, errno, "cannot create \"%s\"", dir);
		return FALSE;
	}
	cairn_auto(hv_point) spec = world_spec(world, task->point, member, task->prev);
	if (!hypervisor_prepare(hv, spec, (guint)world->config->freeze_timeout, &task->error))
		return FALSE;
	/* What the guest says of itself can be asked only now. UEFI variables and TPM state are
	 * copied again inside the pause. */
	g_auto(GStrv) files = NULL;
	return hypervisor_save_state(hv, member->id, dir, &files, &task->error);
}

static void
prepare_work(struct task *task)
{
	if (task->error)
		return;
	const struct host *host = NULL;
	cairn_auto(hv_vm) vm = find_vm(task, task_member(task), &host);
	struct hypervisor *hv = vm ? host_hypervisor(host) : NULL;
	if (!vm || !remove_leftovers(task, hv, vm))
		return;
	if (vm->busy) { /* a leftover of ours may have been what kept it busy */
		hv_vm_free(vm);
		vm = hypervisor_lookup(hv, task_member(task)->id, &task->error);
		if (!vm)
			return;
	}
	if (!can_take_part(task, vm))
		return;
	describe(task, host, vm);
	prepare_here(task, hv);
}

/* Why the host that had @vm when it last answered does not answer now; NULL: it does. Asking it
 * would only wait for libvirt to give up. */
static const char *
host_trouble(const struct world *world, const char *vm)
{
	const struct vm_entry *entry = hosts_vm(world->hosts, vm);
	for (guint i = 0; entry && i < hosts_count(world->hosts); i++) {
		const struct host *host = hosts_get(world->hosts, i);
		if (strcmp(host->uri, entry->uri) == 0)
			return host->error;
	}
	return NULL;
}

void
effect_prepare(struct world *world, const struct job *job, const struct job_effect *effect)
{
	struct task *task = task_for(world, job, effect, prepare_work);
	const struct point_member *member = task_member(task);
	task->debts = engine_debts_of(world->engine, member->id);
	task->keep = engine_checkpoints_of(world->engine, member->id);
	const char *trouble = host_trouble(world, member->id);
	if (trouble)
		g_set_error(&task->error, CAIRN_ERROR, CAIRN_ERROR_PEER,
			    "the host of machine \"%s\" does not answer: %s", member->name,
			    trouble);
	task_start(task);
}

/* ---- window ---- */

static void
window_work(struct task *task)
{
	const struct config *config = task->world->config;
	guint n = task->point->members->len;
	g_autofree struct barrier_member *members = g_new0(struct barrier_member, n);
	g_autoptr(GPtrArray) specs = g_ptr_array_new_with_free_func((GDestroyNotify)hv_point_free);
	g_autoptr(GPtrArray) dirs = g_ptr_array_new_with_free_func(g_free);
	task->window = window_new(task->job->consistency, task->job->barrier,
				  (gint64)config->freeze_timeout * G_USEC_PER_SEC,
				  (gint64)config->max_pause * 1000);
	for (guint i = 0; i < n; i++) {
		const struct point_member *member = task->point->members->pdata[i];
		struct window_member *part = window_add(task->window, member->id, member->name);
		part->running = g_strcmp0(member->state, hv_state_name(HV_RUNNING)) == 0;
		part->off = g_strcmp0(member->state, hv_state_name(HV_SHUTOFF)) == 0;
		part->agent = member->agent;
		g_ptr_array_add(specs, world_spec(task->world, task->point, member, task->prev));
		g_ptr_array_add(dirs, world_point_dir(task->world, task->point->id, member->id));
		members[i] = (struct barrier_member){
			.hv = world_hypervisor(task->world, member->uri),
			.spec = specs->pdata[i],
			.save_dir = member->guest_state ? dirs->pdata[i] : NULL,
		};
	}
	if (barrier_run(task->window, members, &task->error) && task->window->error)
		task->error = g_error_copy(task->window->error);
}

void
effect_window(struct world *world, const struct job *job, const struct job_effect *effect)
{
	task_start(task_for(world, job, effect, window_work));
}

/* ---- extents ---- */

/* cairn-export --map does the NBD: a server that misbehaves costs a child, not the daemon. */
static GBytes *
map_changes(struct task *task, const char *uri, const char *context, const char *out,
	    GError **error)
{
	const char *argv[] = {
		task->world->config->export_program, "--map", "--since", context, uri, out, NULL};
	g_autofree char *text = NULL, *data = NULL;
	gint status;
	gsize len;
	if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
			  &text, &status, error))
		return NULL;
	if (!g_spawn_check_wait_status(status, NULL)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "%s", g_strstrip(text));
		return NULL;
	}
	gboolean ok = cairn_file_read(out, EXTENTS_FILE_MAX, &data, &len, error);
	unlink(out);
	return ok ? g_bytes_new_take(g_steal_pointer(&data), len) : NULL;
}

static void
read_disk(struct task *task, struct hypervisor *hv, const struct hv_point *spec,
	  const struct hv_point_disk *disk)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *context = hypervisor_changes_context(hv, spec, disk);
	g_autofree char *uri = world_nbd_uri(spec->socket, disk->target);
	g_autofree char *out =
		g_strdup_printf("%s/%s.%.8s.%s.extents", task->world->config->run_dir, spec->name,
				spec->vm, disk->target);
	g_autoptr(GBytes) bytes = NULL;
	if (context)
		bytes = map_changes(task, uri, context, out, &error);
	else
		g_set_error(&error, CAIRN_ERROR, CAIRN_ERROR_PEER,
			    "the server does not offer them");
	cairn_auto(extents) extents = bytes ? extents_decode(bytes, &error) : NULL;
	if (!extents) {
		g_hash_table_insert(task->reply.reasons, g_strdup(disk->target),
				    g_strdup(error->message));
		return;
	}
	guint64 *total = g_new(guint64, 1);
	*total = extents_total(extents);
	g_hash_table_insert(task->reply.extents, g_strdup(disk->target), g_bytes_ref(bytes));
	g_hash_table_insert(task->reply.changed, g_strdup(disk->target), total);
}

static void
extents_work(struct task *task)
{
	struct point_member *member = task_member(task);
	struct hypervisor *hv = world_hypervisor(task->world, member->uri);
	cairn_auto(hv_point) spec = world_spec(task->world, task->point, member, task->prev);
	task->reply.extents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						    (GDestroyNotify)g_bytes_unref);
	task->reply.changed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	task->reply.reasons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (!hv) { /* after a restart a host may not be there */
		g_set_error(&task->error, CAIRN_ERROR, CAIRN_ERROR_PEER, "\"%s\" is not connected",
			    member->uri ? member->uri : "the host");
		return;
	}
	/* Also when nothing is to be read: it tells whether the data is really there. */
	if (!hypervisor_serve(hv, spec, &task->error))
		return;
	for (guint i = 0; i < spec->disks->len; i++) {
		const struct hv_point_disk *disk = spec->disks->pdata[i];
		if (disk->base)
			read_disk(task, hv, spec, disk);
	}
	g_autoptr(GError) ignored = NULL;
	if (!hypervisor_unserve(hv, spec, &task->error))
		return;
	if (task->world->config->scratch_limit > 0 &&
	    !hypervisor_watch(hv, spec, task->world->config->scratch_limit, &ignored))
		g_info("no threshold on \"%s\", its scratch files are looked at instead: %s",
		       member->name, ignored->message);
}

void
effect_extents(struct world *world, const struct job *job, const struct job_effect *effect)
{
	task_start(task_for(world, job, effect, extents_work));
}

/* ---- clean ---- */

static void
clean_work(struct task *task)
{
	if (!task->prev)
		return;
	g_autofree char *name =
		point_checkpoint_name(engine_instance(task->world->engine), task->prev->id);
	for (guint i = 0; i < task->prev->members->len; i++) {
		const struct point_member *member = task->prev->members->pdata[i];
		struct hypervisor *hv = world_hypervisor(task->world, member->uri);
		g_autoptr(GError) error = NULL;
		if (hv && hypervisor_forget(hv, member->id, name, &error))
			continue;
		if (g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND) || task->error)
			continue;
		task->error = error ? g_steal_pointer(&error)
				    : g_error_new(CAIRN_ERROR, CAIRN_ERROR_PEER,
						  "\"%s\" is not connected", member->uri);
	}
}

void
effect_clean(struct world *world, const struct job *job, const struct job_effect *effect)
{
	task_start(task_for(world, job, effect, clean_work));
}

/* ---- undo ---- */

static guint
member_flags_of(guint debt_flags, guint before)
{
	guint flags = 0;
	flags |= debt_flags & DEBT_THAW ? MEMBER_FROZEN : 0;
	flags |= debt_flags & DEBT_RESUME ? MEMBER_PAUSED : 0;
	flags |= debt_flags & DEBT_END ? MEMBER_PREPARED : 0;
	flags |= debt_flags & DEBT_FORGET ? MEMBER_BEGUN : 0;
	return flags & before;
}

/* What is undone here is what a debt would undo; the two are one. */
static void
undo_work(struct task *task)
{
	const struct job_member *job_member = task->job->members->pdata[task->member];
	const struct point_member *member = task_member(task);
	guint flags = 0;
	/* A machine that was paused by a person is not ours to resume. */
	gboolean running = g_strcmp0(member->state, hv_state_name(HV_RUNNING)) == 0;
	flags |= job_member->flags & MEMBER_FROZEN && running && member->agent ? DEBT_THAW : 0;
	flags |= job_member->flags & MEMBER_PAUSED && running ? DEBT_RESUME : 0;
	/* Preparing makes the checkpoint already: both go whatever was reached. */
	flags |= job_member->flags & (MEMBER_PREPARED | MEMBER_BEGUN) ? DEBT_END | DEBT_FORGET : 0;
	cairn_auto(debt) debt = debt_of_member(task->point, member, flags);
	guint left = debt_pay(task->world, debt, &task->error);
	task->reply.flags_left = member_flags_of(left, job_member->flags);
}

void
effect_undo(struct world *world, const struct job *job, const struct job_effect *effect)
{
	task_start(task_for(world, job, effect, undo_work));
}
