/* Freeze, thaw, suspend, resume: the guest's own steps of a point. */
#include "hypervisor/libvirt.h"

#include "base/error.h"

#include <libvirt/virterror.h>

gboolean
lv_freeze(void *self, const char *vm, guint *ret_filesystems, GError **error)
{
	g_autoptr(virDomain) dom = lv_domain(self, vm, error);
	enum hv_state state;
	if (!dom || !lv_state(dom, &state, error))
		return FALSE;
	if (state != HV_RUNNING) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "cannot freeze the file systems: the machine is not running");
		return FALSE;
	}
	int n = virDomainFSFreeze(dom, NULL, 0, 0);
	if (n < 0) {
		/* libvirt says the same for "no agent" and "no answer"; core treats them apart. */
		gboolean absent = lv_error_is(VIR_ERR_ARGUMENT_UNSUPPORTED) ||
				  lv_error_is(VIR_ERR_CONFIG_UNSUPPORTED);
		lv_fail(error, "cannot freeze the file systems");
		if (error && *error && !absent && (*error)->code == CAIRN_ERROR_BUSY)
			(*error)->code = CAIRN_ERROR_PEER;
		return FALSE;
	}
	*ret_filesystems = (guint)n;
	return TRUE;
}

/* A machine that is off, or has no agent channel at all, has nothing frozen. */
static gboolean
nothing_to_thaw(virDomainPtr dom)
{
	enum hv_state state;
	if (lv_error_is(VIR_ERR_ARGUMENT_UNSUPPORTED) || lv_error_is(VIR_ERR_CONFIG_UNSUPPORTED))
		return TRUE;
	return lv_state(dom, &state, NULL) && state == HV_SHUTOFF;
}

gboolean
lv_thaw(void *self, const char *vm, guint *ret_frozen, GError **error)
{
	for (gboolean again = FALSE;; again = TRUE) {
		g_autoptr(GError) why = NULL;
		g_autoptr(virDomain) dom = lv_domain(self, vm, &why);
		if (!dom && g_error_matches(why, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND))
			return TRUE;
		if (!dom) {
			g_propagate_error(error, g_steal_pointer(&why));
			return FALSE;
		}
		int n = virDomainFSThaw(dom, NULL, 0, 0);
		if (n >= 0) {
			*ret_frozen = (guint)n;
			return TRUE;
		}
		lv_fail(&why, "cannot thaw the file systems");
		if (nothing_to_thaw(dom))
			return TRUE;
		if (again || !lv_lost(dom)) {
			g_propagate_error(error, g_steal_pointer(&why));
			return FALSE;
		}
	}
}

static void
set_left_alone(struct lv *lv, const char *vm, gboolean value)
{
	g_mutex_lock(&lv->lock);
	lv_memory(lv, vm)->left_alone = value;
	g_mutex_unlock(&lv->lock);
}

gboolean
lv_suspend(void *self, const char *vm, GError **error)
{
	struct lv *lv = self;
	g_autoptr(virDomain) dom = lv_domain(lv, vm, error);
	enum hv_state state;
	if (!dom || !lv_state(dom, &state, error))
		return FALSE;
	set_left_alone(lv, vm, state != HV_RUNNING);
	if (state == HV_SHUTOFF || state == HV_PAUSED)
		return TRUE;
	if (state == HV_OTHER) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "cannot pause the machine now: it is starting, stopping or moving");
		return FALSE;
	}
	return virDomainSuspend(dom) == 0 || lv_fail(error, "cannot pause the machine");
}

static gboolean
resume_once(struct lv *lv, const char *vm, virDomainPtr dom, GError **error)
{
	enum hv_state state;
	if (!lv_state(dom, &state, error))
		return FALSE;
	g_mutex_lock(&lv->lock);
	gboolean alone = lv_memory(lv, vm)->left_alone;
	g_mutex_unlock(&lv->lock);
	if (state != HV_PAUSED || alone)
		return TRUE;
	if (virDomainResume(dom) == 0)
		return TRUE;
	lv_fail(error, "cannot resume the machine");
	/* It may have been resumed, or killed, by somebody in between. */
	if (lv_state(dom, &state, NULL) && state != HV_PAUSED) {
		g_clear_error(error);
		return TRUE;
	}
	return FALSE;
}

gboolean
lv_resume(void *self, const char *vm, GError **error)
{
	for (gboolean again = FALSE;; again = TRUE) {
		g_autoptr(GError) why = NULL;
		g_autoptr(virDomain) dom = lv_domain(self, vm, &why);
		if (!dom && g_error_matches(why, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND))
			return TRUE;
		if (dom && resume_once(self, vm, dom, &why))
			return TRUE;
		if (!dom || again || !lv_lost(dom)) {
			g_propagate_error(error, g_steal_pointer(&why));
			return FALSE;
		}
	}
}
