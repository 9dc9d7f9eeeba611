/* The backup job that holds a point's data: begin, how much it needs, end. */
#include "hypervisor/libvirt.h"

#include "base/error.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* QEMU ends a job as soon as its requests are done. */
#define END_USEC (30 * G_USEC_PER_SEC)
/* The event tells; a lost one costs this much. */
#define LOOK_USEC (50 * 1000)

static void
add_server(GString *xml, const char *address)
{
	g_auto(GStrv) tcp = NULL;
	if (g_str_has_prefix(address, "tcp:"))
		tcp = g_strsplit(address, ":", 3);
	g_autofree char *text =
		tcp ? g_markup_printf_escaped("<server transport='tcp' name='%s' port='%s'/>",
					      tcp[1], tcp[2] ? tcp[2] : "")
		    : g_markup_printf_escaped("<server transport='unix' socket='%s'/>", address);
	g_string_append(xml, text);
}

static void
add_disk(GString *xml, const struct hv_point_disk *disk)
{
	g_autofree char *mode =
		disk->base ? g_markup_printf_escaped("backupmode='incremental' incremental='%s'",
						     disk->base)
			   : g_strdup("backupmode='full'");
	g_autofree char *text = g_markup_printf_escaped("<scratch file='%s'/>", disk->scratch);
	g_string_append_printf(xml,
			       "<disk name='%s' backup='yes' type='file' %s exportname='%s'>"
			       "<driver type='qcow2'/>%s</disk>",
			       disk->target, mode, disk->target, text);
}

static char *
backup_xml(const struct hv_point *point)
{
	g_autoptr(GString) xml = g_string_new("<domainbackup mode='pull'>");
	add_server(xml, point->socket);
	g_string_append(xml, "<disks>");
	for (guint i = 0; i < point->disks->len; i++)
		add_disk(xml, point->disks->pdata[i]);
	g_string_append(xml, "</disks></domainbackup>");
	return g_string_free(g_steal_pointer(&xml), FALSE);
}

static void
set_held(struct lv *lv, const char *vm, const char *name)
{
	g_mutex_lock(&lv->lock);
	struct lv_memory *memory = lv_memory(lv, vm);
	g_free(memory->held);
	memory->held = g_strdup(name);
	memory->ending = FALSE;
	g_mutex_unlock(&lv->lock);
}

/* On a remote host the checkpoint is made here, in the same transaction. */
static char *
remote_checkpoint(const struct hv_point *point)
{
	g_autoptr(GPtrArray) targets = g_ptr_array_new();
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		if (!disk->untracked)
			g_ptr_array_add(targets, disk->target);
	}
	g_ptr_array_add(targets, NULL);
	return targets->len > 1
		       ? lv_checkpoint_xml(point->name, 0, (const char *const *)targets->pdata)
		       : NULL;
}

static gboolean
begin_offline(struct lv *lv, virDomainPtr dom, const struct hv_point *point, const char *mark,
	      GError **error)
{
	enum hv_state state;
	if (!lv_state(dom, &state, error))
		return FALSE;
	if (state != HV_SHUTOFF) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "it was shut off when the point was prepared and runs now");
		return FALSE;
	}
	unlink(mark);
	g_mutex_lock(&lv->lock);
	struct lv_memory *memory = lv_memory(lv, point->vm);
	g_free(memory->off_since);
	memory->off_since = g_strdup(point->name);
	g_mutex_unlock(&lv->lock);
	return TRUE;
}

gboolean
lv_begin(void *self, const struct hv_point *point, GError **error)
{
	struct lv *lv = self;
	g_autoptr(virDomain) dom = lv_domain(lv, point->vm, error);
	if (!dom)
		return FALSE;
	g_autofree char *mark = lv_side_file(point, "prepared");
	g_autofree char *offline = lv_side_file(point, "offline");
	if (lv->local && access(offline, F_OK) == 0)
		return begin_offline(lv, dom, point, mark, error);
	g_autofree char *checkpoint = lv->local ? NULL : remote_checkpoint(point);
	g_autofree char *xml = backup_xml(point);
	guint flags = lv->local ? VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL : 0;
	/* Before the call: its end could come at once. */
	set_held(lv, point->vm, point->name);
	if (virDomainBackupBegin(dom, xml, checkpoint, flags) < 0) {
		lv_fail(error, "cannot hold the data");
		set_held(lv, point->vm, NULL);
		return FALSE;
	}
	unlink(mark);
	return TRUE;
}

/* Whether the job that runs now is the one of @point. */
static gboolean
job_is_ours(const char *xml, const struct hv_point *point)
{
	g_autofree char *name = lv_backup_name(xml);
	return g_strcmp0(name, point->name) == 0;
}

/* Waits until the job is gone, told by an event or by looking. */
static gboolean
wait_for_end(struct lv *lv, virDomainPtr dom, const struct hv_point *point, GError **error)
{
	gint64 deadline = g_get_monotonic_time() + END_USEC;
	for (;;) {
		gboolean failed;
		g_autofree char *xml = lv_backup_xml(dom, &failed, error);
		if (failed)
			return FALSE;
		if (!xml || !job_is_ours(xml, point))
			return TRUE;
		gint64 now = g_get_monotonic_time();
		if (now > deadline)
			break;
		g_mutex_lock(&lv->lock);
		g_cond_wait_until(&lv->changed, &lv->lock, now + LOOK_USEC);
		g_mutex_unlock(&lv->lock);
	}
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY,
		    "QEMU does not end the job that holds the data");
	return FALSE;
}

static gboolean
end_claimed(struct lv *lv, virDomainPtr dom, const struct hv_point *point, GError **error)
{
	gboolean failed;
	g_autofree char *xml = lv_backup_xml(dom, &failed, error);
	if (failed)
		return FALSE;
	if (!xml || !job_is_ours(xml, point))
		return TRUE;
	g_mutex_lock(&lv->lock);
	lv_memory(lv, point->vm)->ending = TRUE;
	g_mutex_unlock(&lv->lock);
	gboolean ok = virDomainAbortJob(dom) == 0;
	if (!ok)
		lv_fail(error, "cannot end the job that holds the data");
	g_autoptr(GError) why = NULL;
	if (ok)
		ok = wait_for_end(lv, dom, point, error);
	else if (wait_for_end(lv, dom, point, &why)) {
		/* It ended by itself meanwhile. */
		g_clear_error(error);
		ok = TRUE;
	}
	if (ok)
		set_held(lv, point->vm, NULL);
	return ok;
}

/* One at a time for a machine: what is owed may be paid twice at once, and the second would end the
 * job of the next point, which began after it had looked. */
static gboolean
end_job(struct lv *lv, virDomainPtr dom, const struct hv_point *point, GError **error)
{
	g_mutex_lock(&lv->lock);
	while (lv_memory(lv, point->vm)->claimed)
		g_cond_wait(&lv->changed, &lv->lock);
	lv_memory(lv, point->vm)->claimed = TRUE;
	g_mutex_unlock(&lv->lock);
	gboolean ok = end_claimed(lv, dom, point, error);
	g_mutex_lock(&lv->lock);
	lv_memory(lv, point->vm)->claimed = FALSE;
	g_cond_broadcast(&lv->changed);
	g_mutex_unlock(&lv->lock);
	return ok;
}

static void
remove_files(const struct hv_point *point)
{
	static const char *const suffixes[] = {"prepared", "offline"};
	for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *side = lv_side_file(point, suffixes[i]);
		unlink(side);
	}
	if (!g_str_has_prefix(point->socket, "tcp:"))
		unlink(point->socket);
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		unlink(disk->scratch);
		g_autofree char *folder = g_path_get_dirname(disk->scratch);
		g_autofree char *name = g_path_get_basename(folder);
		/* Others may still have files there; then it stays. */
		if (g_str_equal(name, point->name))
			rmdir(folder);
	}
}

static gboolean
end_once(struct lv *lv, virDomainPtr dom, const struct hv_point *point, GError **error)
{
	g_autofree char *mark = lv_side_file(point, "prepared");
	if (!end_job(lv, dom, point, error))
		return FALSE;
	return access(mark, F_OK) < 0 || lv_forget(lv, point->vm, point->name, error);
}

gboolean
lv_end(void *self, const struct hv_point *point, GError **error)
{
	struct lv *lv = self;
	if (!lv_unserve(lv, point, error))
		return FALSE;
	for (gboolean again = FALSE;; again = TRUE) {
		g_autoptr(GError) why = NULL;
		g_autoptr(virDomain) dom = lv_domain(lv, point->vm, &why);
		gboolean absent = g_error_matches(why, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
		if (absent || (dom && end_once(lv, dom, point, &why)))
			break;
		if (!dom || again || !lv_lost(dom)) {
			g_propagate_error(error, g_steal_pointer(&why));
			return FALSE;
		}
	}
	remove_files(point);
	g_mutex_lock(&lv->lock);
	lv_memory(lv, point->vm)->port = 0;
	g_mutex_unlock(&lv->lock);
	return TRUE;
}

static guint64
free_bytes(const struct hv_point *point)
{
	guint64 least = G_MAXUINT64;
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		g_autofree char *folder = g_path_get_dirname(disk->scratch);
		struct statvfs st;
		if (statvfs(folder, &st) == 0)
			least = MIN(least, (guint64)st.f_bavail * st.f_frsize);
	}
	return least == G_MAXUINT64 ? 0 : least;
}

gboolean
lv_usage(void *self, const struct hv_point *point, guint64 *ret_used, guint64 *ret_free,
	 GError **error)
{
	struct lv *lv = self;
	g_autoptr(virDomain) dom = lv_domain(lv, point->vm, error);
	if (!dom)
		return FALSE;
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, n = 0;
	unsigned long long used = 0;
	/* No job: a machine that is off needs no scratch file. */
	if (virDomainGetJobStats(dom, &type, &params, &n, 0) == 0)
		virTypedParamsGetULLong(params, n, VIR_DOMAIN_JOB_DISK_TEMP_USED, &used);
	virTypedParamsFree(params, n);
	*ret_used = used;
	*ret_free = lv->local ? free_bytes(point) : G_MAXUINT64;
	return TRUE;
}

static gboolean
watch_disk(struct lv *lv, virDomainPtr dom, const struct hv_point *point,
	   const struct hv_point_disk *disk, const char *xml, guint64 bytes, GError **error)
{
	g_autofree char *node = lv_backup_scratch_node(xml, disk->target);
	struct stat st;
	if (!node || virDomainSetBlockThreshold(dom, node, bytes, 0) < 0)
		return lv_fail(error, "cannot watch the scratch file of %s", disk->target);
	if (bytes > 0 && lv->local && stat(disk->scratch, &st) == 0 && (guint64)st.st_size > bytes)
		lv_events_full(lv, point->vm, disk->scratch);
	return TRUE;
}

gboolean
lv_watch(void *self, const struct hv_point *point, guint64 bytes, GError **error)
{
	struct lv *lv = self;
	g_autoptr(virDomain) dom = lv_domain(lv, point->vm, error);
	gboolean failed = FALSE;
	g_autofree char *xml = dom ? lv_backup_xml(dom, &failed, error) : NULL;
	if (!dom || failed)
		return FALSE;
	if (!xml || !job_is_ours(xml, point))
		return TRUE;
	set_held(lv, point->vm, point->name);
	for (guint i = 0; i < point->disks->len; i++)
		if (!watch_disk(lv, dom, point, point->disks->pdata[i], xml, bytes, error))
			return FALSE;
	return TRUE;
}
