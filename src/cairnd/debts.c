/* Paying debts: undoing by flags, in the order that hurts guests least. */
#include "cairnd/hosts.h"

#include "base/error.h"
#include "base/file.h"

#include <unistd.h>

/* A machine that is gone owes nothing. */
static gboolean
settled(gboolean ok, GError **local, GError **error)
{
	if (ok || g_error_matches(*local, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND)) {
		g_clear_error(local);
		return TRUE;
	}
	if (error && !*error)
		g_propagate_error(error, g_steal_pointer(local));
	g_clear_error(local);
	return FALSE;
}

static struct hv_point *
spec_of(struct world *world, const struct debt *debt)
{
	cairn_auto(point) point = point_new(debt->point, "");
	struct point_member *member = point_add_member(point, debt->vm, "");
	for (char **target = debt->targets; *target; target++)
		point_add_disk(member, *target);
	return world_spec(world, point, member, NULL);
}

static guint
pay_on(struct world *world, struct hypervisor *hv, const struct debt *debt, GError **error)
{
	cairn_auto(hv_point) spec = spec_of(world, debt);
	g_autoptr(GError) local = NULL;
	guint left = debt->flags;
	if (left & DEBT_RESUME && settled(hypervisor_resume(hv, debt->vm, &local), &local, error))
		left &= ~(guint)DEBT_RESUME;
	if (left & DEBT_THAW && settled(hypervisor_thaw(hv, debt->vm, NULL, &local), &local, error))
		left &= ~(guint)DEBT_THAW;
	if (left & DEBT_UNSERVE && settled(hypervisor_unserve(hv, spec, &local), &local, error))
		left &= ~(guint)DEBT_UNSERVE;
	if (left & DEBT_END && settled(hypervisor_end(hv, spec, &local), &local, error))
		left &= ~(guint)DEBT_END;
	if (left & DEBT_FORGET &&
	    settled(hypervisor_forget(hv, debt->vm, spec->name, &local), &local, error))
		left &= ~(guint)DEBT_FORGET;
	return left;
}

/* Where the machine is is not known: it was never found before the daemon was killed. */
static guint
pay_anywhere(struct world *world, const struct debt *debt, GError **error)
{
	guint left = 0;
	for (guint i = 0; i < hosts_count(world->hosts); i++) {
		struct hypervisor *hv = host_hypervisor(hosts_get(world->hosts, i));
		if (hv)
			left |= pay_on(world, hv, debt, error);
		else
			left = debt->flags;
	}
	return left;
}

static guint
pay_partial(const struct debt *debt, GError **error)
{
	/* The folder is the user's and holds other exports: never more than our part of it. */
	if (!point_is_staging_dir(debt->path))
		return 0;
	return cairn_remove_tree(debt->path, error) ? 0 : debt->flags;
}

guint
debt_pay(struct world *world, const struct debt *debt, GError **error)
{
	if (debt->flags & DEBT_PARTIAL)
		return pay_partial(debt, error);
	struct hypervisor *hv = debt->uri ? world_hypervisor(world, debt->uri) : NULL;
	if (debt->uri && !hv) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "\"%s\" is not connected",
			    debt->uri);
		return debt->flags;
	}
	guint left = hv ? pay_on(world, hv, debt, error) : pay_anywhere(world, debt, error);
	if (!(left & DEBT_FORGET) && debt->flags & DEBT_FORGET) {
		/* With its checkpoint goes what was saved of the machine at the point. */
		g_autofree char *dir = world_point_dir(world, debt->point, debt->vm);
		g_autofree char *parent = g_path_get_dirname(dir);
		cairn_remove_tree(dir, NULL);
		rmdir(parent);
	}
	return left;
}

/* ---- as a task ---- */

static void
pay_work(struct task *task)
{
	const struct debt *debt = task->debts->pdata[0];
	task->reply.flags_left = debt_pay(task->world, debt, &task->error);
}

static void
pay_done(struct task *task)
{
	const struct debt *debt = task->debts->pdata[0];
	if (task->error)
		g_info("cleaning up \"%s\" after point %s: %s", debt->vm ? debt->vm : debt->path,
		       debt->point, task->error->message);
	engine_debt_paid(task->world->engine, debt->id, task->reply.flags_left);
}

void
debts_pay(void *user, const struct debt *debt)
{
	struct task *task = task_new(user, pay_work, pay_done);
	task->debts = g_ptr_array_new_with_free_func((GDestroyNotify)debt_free);
	g_ptr_array_add(task->debts, debt_copy(debt));
	task_start(task);
}
