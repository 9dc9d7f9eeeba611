/* What is done before guests are paused: addresses, folders, scratch files, the checkpoint. */
#include "hypervisor/libvirt.h"

#include "base/error.h"
#include "base/file.h"
#include "hypervisor/qemu_img.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who can connect to the socket reads the disks, so only QEMU's user and root may. */
#define FOLDER_MODE 0700

char *
lv_side_file(const struct hv_point *point, const char *suffix)
{
	/* Undoing a point that never came to have disks finds nothing beside its socket either. */
	const struct hv_point_disk *disk = point->disks->len ? point->disks->pdata[0] : NULL;
	g_autofree char *folder = g_path_get_dirname(disk ? disk->scratch : point->socket);
	return g_strdup_printf("%s/%s.%s.%s", folder, point->name, point->vm, suffix);
}

/* Ports of jobs that run, of this and earlier lives of the daemon. */
static void
ports_in_use(struct lv *lv, virConnectPtr conn, GHashTable *ports)
{
	virDomainPtr *doms = NULL;
	int n = virConnectListAllDomains(conn, &doms, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	for (int i = 0; i < n; i++) {
		gboolean failed;
		g_autofree char *xml = lv_backup_xml(doms[i], &failed, NULL);
		if (xml)
			lv_backup_ports(xml, ports);
		virDomainFree(doms[i]);
	}
	free(doms);
}

/* Call with lv->lock held. */
static gboolean
given_to_other(struct lv *lv, guint port, const struct lv_memory *except)
{
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, lv->memories);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (value != except && ((const struct lv_memory *)value)->port == port)
			return TRUE;
	return FALSE;
}

/* A machine has one port at most beside that of its running job, so that none is lost when a point
 * is undone without its address. */
static char *
tcp_address(struct lv *lv, const char *vm, GError **error)
{
	virConnectPtr conn = lv_connection(lv, 0, error);
	if (!conn)
		return NULL;
	g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
	ports_in_use(lv, conn, used);
	virConnectClose(conn);
	char *address = NULL;
	g_mutex_lock(&lv->lock);
	struct lv_memory *memory = lv_memory(lv, vm);
	for (guint port = lv->nbd_first; port <= lv->nbd_last && !address; port++) {
		if (g_hash_table_contains(used, GUINT_TO_POINTER(port)) ||
		    given_to_other(lv, port, memory))
			continue;
		memory->port = port;
		address = g_strdup_printf("tcp:%s:%u", lv->nbd_host, port);
	}
	g_mutex_unlock(&lv->lock);
	if (!address)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "no TCP port is free between %u and %u", lv->nbd_first, lv->nbd_last);
	return address;
}

char *
lv_address(void *self, const char *vm, const char *path, GError **error)
{
	struct lv *lv = self;
	if (lv->local)
		return g_strdup(path);
	if (lv->nbd_host)
		return tcp_address(lv, vm, error);
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "the data of a remote host is read over TCP: add "
		    "\"cairn_nbd=HOST:FIRSTPORT-LASTPORT\" to the URI \"%s\"",
		    lv->uri);
	return NULL;
}

static gboolean
give_to_qemu(struct lv *lv, const char *path, GError **error)
{
	if (geteuid() != 0 || lv->uid == (uid_t)-1 || lchown(path, lv->uid, lv->gid) == 0)
		return TRUE;
	cairn_set_errno(error, errno, "cannot give \"%s\" to QEMU's user", path);
	return FALSE;
}

/* QEMU must be able to walk to its files; POSIX ACLs may allow more than we see, so only plain
 * modes without an ACL (which shows as "+", here: the xattr) are judged. */
static gboolean
reachable(struct lv *lv, const char *folder, GError **error)
{
	struct stat st;
	if (geteuid() != 0 || lv->uid == (uid_t)-1 || lv->uid == 0)
		return TRUE;
	for (g_autofree char *at = g_strdup(folder); !g_str_equal(at, "/");) {
		if (stat(at, &st) < 0) {
			cairn_set_errno(error, errno, "cannot look at \"%s\"", at);
			return FALSE;
		}
		gboolean enters = (st.st_mode & S_IXOTH) ||
				  (st.st_uid == lv->uid && (st.st_mode & S_IXUSR)) ||
				  (st.st_mode & S_IXGRP);
		if (!enters) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_DENIED,
				    "QEMU's user (%u) cannot enter the folder \"%s\"", lv->uid, at);
			return FALSE;
		}
		char *up = g_path_get_dirname(at);
		g_free(at);
		at = up;
	}
	return TRUE;
}

static gboolean
make_missing_folder(struct lv *lv, const char *folder, GError **error)
{
	if (access(folder, F_OK) == 0)
		return TRUE;
	if (g_mkdir_with_parents(folder, FOLDER_MODE) < 0) {
		cairn_set_errno(error, errno, "cannot make the folder \"%s\"", folder);
		return FALSE;
	}
	return give_to_qemu(lv, folder, error);
}

/* One at a time: another member of the group must not find the folder before it is QEMU's. */
static gboolean
make_folder(struct lv *lv, const char *file, GError **error)
{
	static GMutex mutex;
	g_autofree char *folder = g_path_get_dirname(file);
	g_mutex_lock(&mutex);
	gboolean ok = make_missing_folder(lv, folder, error);
	g_mutex_unlock(&mutex);
	return ok && reachable(lv, folder, error);
}

static gboolean
make_scratch(struct lv *lv, const struct hv_point_disk *disk, const struct hv_disk *image,
	     GError **error)
{
	guint64 size = image->size ? image->size : disk->size;
	unlink(disk->scratch);
	return make_folder(lv, disk->scratch, error) &&
	       qemu_img_create(disk->scratch, size, error) &&
	       give_to_qemu(lv, disk->scratch, error);
}

/* The pause flushes the images; what the host has to write is better written now. */
static void
sync_image(const struct hv_disk *image)
{
	if (!image->path)
		return;
	CAIRN_AUTO_FD int fd = open(image->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		syncfs(fd);
}

/* While "NAME.VM.prepared" is there, the checkpoint belongs to nobody yet and end removes it. */
static gboolean
mark_prepared(const struct hv_point *point, GError **error)
{
	g_autofree char *mark = lv_side_file(point, "prepared");
	return cairn_file_replace(mark, "", 0, 0600, error);
}

static gboolean
any_tracked(const struct hv_point *point)
{
	for (guint i = 0; i < point->disks->len; i++)
		if (!((const struct hv_point_disk *)point->disks->pdata[i])->untracked)
			return TRUE;
	return FALSE;
}

static gboolean
prepare_running(struct lv *lv, virDomainPtr dom, const struct hv_point *point,
		const struct hv_vm *vm, GError **error)
{
	if (!g_str_has_prefix(point->socket, "tcp:") && !make_folder(lv, point->socket, error))
		return FALSE;
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		const struct hv_disk *image = lv_find_disk(vm, disk->target);
		if (!make_scratch(lv, disk, image, error))
			return FALSE;
		sync_image(image);
	}
	if (!any_tracked(point))
		return TRUE;
	return mark_prepared(point, error) && lv_checkpoint_create(dom, point, FALSE, error);
}

/* Nothing runs, so the bitmap may as well begin now; it stays empty until the machine does. */
static gboolean
prepare_offline(struct lv *lv, virDomainPtr dom, const struct hv_point *point,
		const struct hv_vm *vm, GError **error)
{
	const struct hv_point_disk *first = point->disks->pdata[0];
	if (!make_folder(lv, first->scratch, error) || !make_folder(lv, point->socket, error) ||
	    !mark_prepared(point, error))
		return FALSE;
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		const struct hv_disk *image = lv_find_disk(vm, disk->target);
		if (!image->path) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
				    "the disk %s is no file of this host: it can be read only "
				    "while the machine runs",
				    disk->target);
			return FALSE;
		}
		if (!disk->untracked && !qemu_img_bitmap_add(image->path, point->name, error))
			return FALSE;
	}
	if (any_tracked(point) && !lv_checkpoint_create(dom, point, TRUE, error))
		return FALSE;
	return lv_offline_remember(point, vm, error);
}

static gboolean
may_take_part(struct lv *lv, const struct hv_point *point, const struct hv_vm *vm, GError **error)
{
	if (vm->busy || vm->backup) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY, "it is busy: %s%s",
			    vm->busy ? vm->busy : "it holds the data of ",
			    vm->busy ? "" : vm->backup);
		return FALSE;
	}
	const char *why = NULL;
	if (vm->state == HV_OTHER)
		why = "it is starting, stopping or moving";
	else if (vm->state == HV_SHUTOFF && !lv->local)
		why = "it is shut off, and images of a remote host can be read only while it runs";
	if (why) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE, "it cannot take part: %s", why);
		return FALSE;
	}
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		if (!lv_find_disk(vm, disk->target)) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND, "it has no disk %s",
				    disk->target);
			return FALSE;
		}
	}
	return TRUE;
}

gboolean
lv_prepare(void *self, const struct hv_point *point, guint agent_timeout, GError **error)
{
	struct lv *lv = self;
	g_autoptr(virDomain) dom = lv_domain(lv, point->vm, error);
	cairn_auto(hv_vm) vm = dom ? lv_describe(lv, dom, error) : NULL;
	if (!vm || !may_take_part(lv, point, vm, error))
		return FALSE;
	if (vm->state == HV_SHUTOFF)
		return prepare_offline(lv, dom, point, vm, error);
	/* Without an agent there is nothing to set, and freeze will say so. The time-out stays:
	 * libvirt cannot tell what it was before. */
	virDomainAgentSetResponseTimeout(dom, (int)agent_timeout, 0);
	/* On a remote host libvirt makes the scratch files, and the checkpoint is made by begin. */
	return !lv->local || prepare_running(lv, dom, point, vm, error);
}
