/* Checkpoints: libvirt's metadata and QEMU's bitmaps, which can each exist without the other. */
#include "hypervisor/libvirt.h"

#include "base/error.h"
#include "hypervisor/qemu_img.h"

#include <libvirt/virterror.h>
#include <string.h>

/* @created: seconds since 1970, needed to redefine; 0: now, by libvirt. */
char *
lv_checkpoint_xml(const char *name, gint64 created, const char *const *targets)
{
	g_autoptr(GString) xml = g_string_new("<domaincheckpoint>");
	g_string_append_printf(xml, "<name>%s</name>", name);
	if (created)
		g_string_append_printf(xml, "<creationTime>%" G_GINT64_FORMAT "</creationTime>",
				       created);
	g_string_append(xml, "<disks>");
	for (const char *const *target = targets; *target; target++)
		g_string_append_printf(xml, "<disk name='%s' checkpoint='bitmap'/>", *target);
	g_string_append(xml, "</disks></domaincheckpoint>");
	return g_string_free(g_steal_pointer(&xml), FALSE);
}

static gboolean
create(virDomainPtr dom, const char *name, const char *const *targets, guint flags)
{
	gint64 created = flags ? g_get_real_time() / G_USEC_PER_SEC : 0;
	g_autofree char *xml = lv_checkpoint_xml(name, created, targets);
	g_autoptr(virDomainCheckpoint) made = virDomainCheckpointCreateXML(dom, xml, flags);
	return made != NULL;
}

gboolean
lv_checkpoint_create(virDomainPtr dom, const struct hv_point *point, gboolean redefine,
		     GError **error)
{
	g_autoptr(GPtrArray) targets = g_ptr_array_new();
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		if (!disk->untracked)
			g_ptr_array_add(targets, disk->target);
	}
	g_ptr_array_add(targets, NULL);
	return create(dom, point->name, (const char *const *)targets->pdata,
		      redefine ? VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE : 0) ||
	       lv_fail(error, "cannot make the checkpoint");
}

static gboolean
forget_metadata(virDomainPtr dom, const char *name, GError **error)
{
	g_autoptr(virDomainCheckpoint) point = virDomainCheckpointLookupByName(dom, name, 0);
	if (!point)
		return lv_error_is(VIR_ERR_NO_DOMAIN_CHECKPOINT) ||
		       lv_fail(error, "cannot look for the checkpoint \"%s\"", name);
	return virDomainCheckpointDelete(point, VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY) == 0 ||
	       lv_fail(error, "cannot delete the checkpoint \"%s\"", name);
}

/* A bitmap that is no good to libvirt is one of those that QEMU found in the image when it opened
 * it, and stays there. Where the image cannot be read there may be one. */
static gboolean
may_be_broken(struct lv *lv, const struct hv_disk *disk, const char *name)
{
	enum qemu_bitmap state;
	return !lv->local || !disk->path ||
	       !qemu_img_bitmap_state(disk->path, name, &state, NULL) ||
	       state != QEMU_BITMAP_ABSENT;
}

/* libvirt removes bitmaps only with their checkpoint, and only if each of its disks has one. So
 * each disk with the bitmap gets a checkpoint of its own for a moment. It can be seen, so one
 * without the bitmap gets none: the first try fails and defines nothing. */
static gboolean
forget_leftover(struct lv *lv, virDomainPtr dom, const char *name, const struct hv_disk *disk,
		GError **error)
{
	const char *targets[] = {disk->target, NULL};
	if (!create(dom, name, targets,
		    VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE |
			    VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE)) {
		if (lv_error_is(VIR_ERR_CHECKPOINT_INCONSISTENT) && !may_be_broken(lv, disk, name))
			return TRUE;
		if (!create(dom, name, targets, VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE))
			return lv_fail(error, "cannot look for the bitmap \"%s\" of %s", name,
				       disk->target);
	}
	g_autoptr(virDomainCheckpoint) point = virDomainCheckpointLookupByName(dom, name, 0);
	if (point && virDomainCheckpointDelete(point, 0) == 0)
		return TRUE;
	return forget_metadata(dom, name, error);
}

static gboolean
forget_running(struct lv *lv, virDomainPtr dom, const char *name, GError **error)
{
	g_autoptr(virDomainCheckpoint) point = virDomainCheckpointLookupByName(dom, name, 0);
	if (point && virDomainCheckpointDelete(point, 0) == 0)
		return TRUE;
	if (!forget_metadata(dom, name, error))
		return FALSE;
	cairn_auto(hv_vm) vm = lv_describe(lv, dom, error);
	if (!vm)
		return FALSE;
	for (guint i = 0; i < vm->disks->len; i++) {
		const struct hv_disk *disk = vm->disks->pdata[i];
		if (disk->trackable && !forget_leftover(lv, dom, name, disk, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
forget_offline(struct lv *lv, virDomainPtr dom, const char *uuid, const char *name, GError **error)
{
	cairn_auto(hv_vm) vm = lv_describe(lv, dom, error);
	if (!vm)
		return FALSE;
	for (guint i = 0; lv->local && i < vm->disks->len; i++) {
		const struct hv_disk *disk = vm->disks->pdata[i];
		enum qemu_bitmap state = QEMU_BITMAP_ABSENT;
		if (!disk->trackable)
			continue;
		if (!qemu_img_bitmap_state(disk->path, name, &state, error))
			return FALSE;
		if (state == QEMU_BITMAP_ABSENT)
			continue;
		if (lv_serving(lv, uuid)) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY,
				    "its images are being exported; \"%s\" can be forgotten later",
				    name);
			return FALSE;
		}
		if (!qemu_img_bitmap_remove(disk->path, name, error))
			return FALSE;
	}
	return forget_metadata(dom, name, error);
}

gboolean
lv_forget(void *self, const char *vm, const char *name, GError **error)
{
	struct lv *lv = self;
	for (gboolean again = FALSE;; again = TRUE) {
		g_autoptr(GError) why = NULL;
		g_autoptr(virDomain) dom = lv_domain(lv, vm, &why);
		if (g_error_matches(why, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND))
			return TRUE;
		gboolean ok = dom &&
			      (virDomainIsActive(dom) == 0 ? forget_offline(lv, dom, vm, name, &why)
							   : forget_running(lv, dom, name, &why));
		if (ok)
			return TRUE;
		if (!dom || again || !lv_lost(dom)) {
			g_propagate_error(error, g_steal_pointer(&why));
			return FALSE;
		}
	}
}

/* The checkpoint's XML, with the metadata made again from the bitmaps when libvirt has lost it (a
 * machine that was undefined and defined again). NULL without an error: there is no bitmap either.
 */
static gboolean
adopt(virDomainPtr dom, const struct hv_vm *vm, const char *name, GError **error)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	for (guint i = 0; i < vm->disks->len; i++) {
		const struct hv_disk *disk = vm->disks->pdata[i];
		const char *alone[] = {disk->target, NULL};
		if (!disk->trackable)
			continue;
		if (create(dom, name, alone,
			   VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE |
				   VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE))
			g_ptr_array_add(found, disk->target);
		if (!forget_metadata(dom, name, error))
			return FALSE;
	}
	if (found->len == 0)
		return TRUE;
	g_ptr_array_add(found, NULL);
	return create(dom, name, (const char *const *)found->pdata,
		      VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE) ||
	       lv_fail(error, "cannot define the checkpoint \"%s\" again", name);
}

/* libvirt gives a size to those disks of a checkpoint whose bitmap is there and whole. */
static gboolean
check_running(virDomainPtr dom, const struct hv_vm *vm, const char *name, const char *target,
	      char **ret_reason, GError **error)
{
	g_autoptr(virDomainCheckpoint) point = virDomainCheckpointLookupByName(dom, name, 0);
	if (!point && lv_error_is(VIR_ERR_NO_DOMAIN_CHECKPOINT)) {
		if (!adopt(dom, vm, name, error))
			return FALSE;
		point = virDomainCheckpointLookupByName(dom, name, 0);
	}
	if (!point && !lv_error_is(VIR_ERR_NO_DOMAIN_CHECKPOINT))
		return lv_fail(error, "cannot look for the checkpoint \"%s\"", name);
	g_autofree char *xml = point ? virDomainCheckpointGetXMLDesc(
					       point, VIR_DOMAIN_CHECKPOINT_XML_SIZE |
							      VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN)
				     : NULL;
	if (point && !xml)
		return lv_fail(error, "cannot look at the checkpoint \"%s\"", name);
	switch (xml ? lv_checkpoint_disk(xml, target) : LV_DISK_ABSENT) {
	case LV_DISK_WHOLE:
		break;
	case LV_DISK_BROKEN:
		*ret_reason = g_strdup("its record of changes was lost when QEMU crashed, or the "
				       "image was replaced");
		break;
	case LV_DISK_ABSENT:
		*ret_reason = g_strdup("changes were not recorded on this disk since then");
		break;
	}
	return TRUE;
}

/* With the machine off; lost metadata is made again when it runs. */
static gboolean
check_offline(struct lv *lv, virDomainPtr dom, const struct hv_vm *vm, const char *name,
	      const struct hv_disk *disk, char **ret_reason, GError **error)
{
	enum qemu_bitmap state = QEMU_BITMAP_ABSENT;
	if (!lv->local) {
		*ret_reason = g_strdup("the machine is shut off on a remote host");
		return TRUE;
	}
	if (!qemu_img_bitmap_state(disk->path, name, &state, error))
		return FALSE;
	if (state == QEMU_BITMAP_ABSENT)
		*ret_reason = g_strdup("its record of changes is gone, or the image was replaced");
	else if (state == QEMU_BITMAP_BROKEN)
		*ret_reason = g_strdup("its record of changes was lost when QEMU crashed");
	return TRUE;
}

gboolean
lv_check_base(void *self, const char *uuid, const char *name, const char *target, char **ret_reason,
	      GError **error)
{
	struct lv *lv = self;
	g_autoptr(virDomain) dom = lv_domain(lv, uuid, error);
	cairn_auto(hv_vm) vm = dom ? lv_describe(lv, dom, error) : NULL;
	if (!vm)
		return FALSE;
	const struct hv_disk *disk = lv_find_disk(vm, target);
	if (!disk || !disk->trackable) {
		*ret_reason = disk ? g_strdup(disk->reason) : g_strdup("the disk is gone");
		return TRUE;
	}
	if (vm->state == HV_SHUTOFF)
		return check_offline(lv, dom, vm, name, disk, ret_reason, error);
	return check_running(dom, vm, name, target, ret_reason, error);
}
