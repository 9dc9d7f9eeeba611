/* Serving a point's data. A running machine's backup job does it; images of a machine that is shut
 * off get a qemu-storage-daemon of ours, whose lock on them keeps the machine from starting.
 * Whether the machine ran since the point is told by the point's own bitmap, which is empty as long
 * as nothing was written; of images without bitmaps, by the file's identity and time. */
#include "hypervisor/libvirt.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "hypervisor/qsd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REMEMBERED_MAX (1024 * 1024)

struct lv_server {
	struct qsd *qsd;
	char *point;  /* its name */
	char *socket; /* a path */
	char *marker; /* for the hook; NULL */
};

void
lv_server_free(struct lv_server *server)
{
	if (!server)
		return;
	qsd_free(server->qsd);
	if (server->socket)
		unlink(server->socket);
	if (server->marker)
		unlink(server->marker);
	g_free(server->point);
	g_free(server->socket);
	g_free(server->marker);
	g_free(server);
}

gboolean
lv_serving(struct lv *lv, const char *vm)
{
	g_mutex_lock(&lv->lock);
	const struct lv_server *server = g_hash_table_lookup(lv->servers, vm);
	gboolean serving = server && qsd_alive(server->qsd);
	g_mutex_unlock(&lv->lock);
	return serving;
}

static gboolean
serves(struct lv *lv, const struct hv_point *point)
{
	g_mutex_lock(&lv->lock);
	const struct lv_server *server = g_hash_table_lookup(lv->servers, point->vm);
	gboolean same = server && g_str_equal(server->point, point->name) && qsd_alive(server->qsd);
	g_mutex_unlock(&lv->lock);
	return same;
}

/* What tells that an image without bitmaps was not written. A block device keeps no time of its
 * last write: it is known only as long as this process has seen that the machine did not start. */
static json_t *
identity(const struct stat *st)
{
	json_t *id = json_object();
	cairn_json_set_bool(id, "block", S_ISBLK(st->st_mode));
	cairn_json_set_uint(id, "device", (guint64)st->st_dev);
	cairn_json_set_uint(id, "inode", (guint64)st->st_ino);
	cairn_json_set_uint(id, "size", (guint64)st->st_size);
	cairn_json_set_uint(id, "modified", (guint64)st->st_mtim.tv_sec);
	cairn_json_set_uint(id, "modified-ns", (guint64)st->st_mtim.tv_nsec);
	return id;
}

static json_t *
identity_of(const char *path, GError **error)
{
	struct stat st;
	if (stat(path, &st) == 0)
		return identity(&st);
	cairn_set_errno(error, errno, "cannot look at \"%s\"", path);
	return NULL;
}

gboolean
lv_offline_remember(const struct hv_point *point, const struct hv_vm *vm, GError **error)
{
	g_autoptr(json_t) all = json_object();
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		json_t *one = json_object();
		cairn_json_set(all, disk->target, one);
		const char *path = lv_find_disk(vm, disk->target)->path;
		cairn_json_set_string(one, "path", path);
		if (!disk->untracked)
			continue;
		json_t *id = identity_of(path, error);
		if (!id)
			return FALSE;
		cairn_json_set(one, "identity", id);
	}
	g_autofree char *text = cairn_json_pretty(all);
	g_autofree char *path = lv_side_file(point, "offline");
	return cairn_file_replace(path, text, strlen(text), 0600, error);
}

static gboolean
changed(const char *target, GError **error)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
		    "the disk %s was written to since the point: the machine ran", target);
	return FALSE;
}

static gboolean
check_identity(struct lv *lv, const struct hv_point *point, const char *target, const char *path,
	       const json_t *before, GError **error)
{
	g_autoptr(json_t) now = identity_of(path, error);
	if (!now)
		return FALSE;
	if (!json_equal(now, before))
		return changed(target, error);
	if (!json_is_true(json_object_get(now, "block")))
		return TRUE;
	g_mutex_lock(&lv->lock);
	gboolean off = g_strcmp0(lv_memory(lv, point->vm)->off_since, point->name) == 0;
	g_mutex_unlock(&lv->lock);
	if (!off)
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "nothing tells any more whether the block device of %s was written to "
			    "since the point",
			    target);
	return off;
}

static json_t *
block_node(const char *driver, const char *prefix, const char *target)
{
	g_autofree char *name = g_strconcat(prefix, target, NULL);
	json_t *node = json_object();
	cairn_json_set_string(node, "driver", driver);
	cairn_json_set_string(node, "node-name", name);
	cairn_json_set_bool(node, "read-only", TRUE);
	return node;
}

/* Nodes "f-vda" (the file, locked) and "d-vda" (what it means). */
static gboolean
open_image(struct qsd *qsd, const struct hv_point_disk *disk, const char *path, GError **error)
{
	struct stat st;
	gboolean block = stat(path, &st) == 0 && S_ISBLK(st.st_mode);
	json_t *file = block_node(block ? "host_device" : "file", "f-", disk->target);
	cairn_json_set_string(file, "filename", path);
	cairn_json_set_string(file, "locking", "on");
	if (!qsd_command(qsd, "blockdev-add", file, NULL, error))
		return FALSE;
	json_t *format = block_node(disk->untracked ? "raw" : "qcow2", "d-", disk->target);
	g_autofree char *below = g_strconcat("f-", disk->target, NULL);
	cairn_json_set_string(format, "file", below);
	return qsd_command(qsd, "blockdev-add", format, NULL, error);
}

static const json_t *
find_bitmap(const json_t *nodes, const char *target, const char *name)
{
	g_autofree char *node_name = g_strconcat("d-", target, NULL);
	for (gsize i = 0; i < json_array_size(nodes); i++) {
		const json_t *node = json_array_get(nodes, i);
		const json_t *bitmaps = json_object_get(node, "dirty-bitmaps");
		if (g_strcmp0(json_string_value(json_object_get(node, "node-name")), node_name) !=
		    0)
			continue;
		for (gsize k = 0; k < json_array_size(bitmaps); k++) {
			const json_t *bitmap = json_array_get(bitmaps, k);
			const json_t *its_name = json_object_get(bitmap, "name");
			if (g_strcmp0(json_string_value(its_name), name) == 0)
				return bitmap;
		}
	}
	return NULL;
}

static gboolean
check_bitmaps(const json_t *nodes, const struct hv_point *point, const struct hv_point_disk *disk,
	      GError **error)
{
	const json_t *own = find_bitmap(nodes, disk->target, point->name);
	if (!own || json_is_true(json_object_get(own, "inconsistent")) ||
	    json_integer_value(json_object_get(own, "count")) != 0)
		return changed(disk->target, error);
	const json_t *base = disk->base ? find_bitmap(nodes, disk->target, disk->base) : NULL;
	if (disk->base && (!base || json_is_true(json_object_get(base, "inconsistent")))) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "the record of changes since \"%s\" on %s is lost", disk->base,
			    disk->target);
		return FALSE;
	}
	return TRUE;
}

static gboolean
export_disk(struct qsd *qsd, const struct hv_point_disk *disk, GError **error)
{
	g_autofree char *node = g_strconcat("d-", disk->target, NULL);
	json_t *arguments = json_object();
	cairn_json_set_string(arguments, "type", "nbd");
	cairn_json_set_string(arguments, "id", disk->target);
	cairn_json_set_string(arguments, "node-name", node);
	cairn_json_set_string(arguments, "name", disk->target);
	cairn_json_set_bool(arguments, "writable", FALSE);
	if (disk->base && !disk->untracked)
		cairn_json_set(arguments, "bitmaps", json_pack("[s]", disk->base));
	return qsd_command(qsd, "block-export-add", arguments, NULL, error);
}

static gboolean
listen_at(struct qsd *qsd, const char *socket, GError **error)
{
	unlink(socket);
	json_t *arguments =
		json_pack("{s:{s:s,s:{s:s}}}", "addr", "type", "unix", "data", "path", socket);
	return qsd_command(qsd, "nbd-server-start", arguments, NULL, error);
}

/* Opens, and so locks, first; then nothing can change between the check and the copy. */
static gboolean
fill_server(struct lv *lv, struct qsd *qsd, const struct hv_point *point, const json_t *remembered,
	    GError **error)
{
	g_autoptr(json_t) nodes = NULL;
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		const json_t *one = json_object_get(remembered, disk->target);
		const char *path;
		if (!cairn_json_get_string(one, "path", &path, error) ||
		    !open_image(qsd, disk, path, error))
			return FALSE;
		if (disk->untracked && !check_identity(lv, point, disk->target, path,
						       json_object_get(one, "identity"), error))
			return FALSE;
	}
	json_t *flat = json_pack("{s:b}", "flat", 1);
	if (!qsd_command(qsd, "query-named-block-nodes", flat, &nodes, error) ||
	    !listen_at(qsd, point->socket, error))
		return FALSE;
	for (guint i = 0; i < point->disks->len; i++) {
		const struct hv_point_disk *disk = point->disks->pdata[i];
		if (!disk->untracked && !check_bitmaps(nodes, point, disk, error))
			return FALSE;
		if (!export_disk(qsd, disk, error))
			return FALSE;
	}
	return TRUE;
}

/* The hook that refuses starts reads this; packaging/libvirt-hook-qemu. Doing without it is no
 * failure: QEMU's lock still refuses, with worse words. */
static char *
write_marker(struct lv *lv, const struct hv_point *point)
{
	if (!lv->held_dir || g_mkdir_with_parents(lv->held_dir, 0755) < 0)
		return NULL;
	g_autofree char *marker = g_strdup_printf("%s/%s", lv->held_dir, point->vm);
	g_autofree char *text = g_strdup_printf(
		"its disks are being exported by cairn (point %s); wait for the end of the job "
		"(\"cairn job list\") or release the point\n",
		point->name + strlen(HV_OURS));
	if (!cairn_file_replace(marker, text, strlen(text), 0644, NULL))
		return NULL;
	return g_steal_pointer(&marker);
}

static gboolean
still_off(virDomainPtr dom, GError **error)
{
	enum hv_state state;
	if (!lv_state(dom, &state, error))
		return FALSE;
	if (state == HV_SHUTOFF)
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
		    "it was started after the point: the data is gone");
	return FALSE;
}

static gboolean
serve_offline(struct lv *lv, virDomainPtr dom, const struct hv_point *point, const char *memory,
	      GError **error)
{
	g_autofree char *text = NULL;
	gsize len;
	if (serves(lv, point))
		return TRUE;
	if (!still_off(dom, error) || !cairn_file_read(memory, REMEMBERED_MAX, &text, &len, error))
		return FALSE;
	g_autoptr(json_t) remembered = cairn_json_parse(text, len, error);
	struct qsd *qsd = remembered ? qsd_start(error) : NULL;
	if (!qsd)
		return FALSE;
	if (!fill_server(lv, qsd, point, remembered, error)) {
		qsd_free(qsd);
		unlink(point->socket);
		return FALSE;
	}
	struct lv_server *server = g_new0(struct lv_server, 1);
	server->qsd = qsd;
	server->point = g_strdup(point->name);
	server->socket = g_strdup(point->socket);
	server->marker = write_marker(lv, point);
	g_mutex_lock(&lv->lock);
	g_hash_table_replace(lv->servers, g_strdup(point->vm), server);
	lv_events_look(lv, TRUE);
	g_mutex_unlock(&lv->lock);
	return TRUE;
}

static gboolean
serve_running(struct lv *lv, virDomainPtr dom, const struct hv_point *point, GError **error)
{
	gboolean failed;
	g_autofree char *xml = lv_backup_xml(dom, &failed, error);
	if (failed)
		return FALSE;
	g_autofree char *name = xml ? lv_backup_name(xml) : NULL;
	if (g_strcmp0(name, point->name) != 0) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
			    "the data is gone: the job that held it has ended");
		return FALSE;
	}
	g_mutex_lock(&lv->lock);
	struct lv_memory *memory = lv_memory(lv, point->vm);
	g_free(memory->held);
	memory->held = g_strdup(point->name);
	g_mutex_unlock(&lv->lock);
	return TRUE;
}

gboolean
lv_serve(void *self, const struct hv_point *point, GError **error)
{
	struct lv *lv = self;
	g_autoptr(virDomain) dom = lv_domain(lv, point->vm, error);
	if (!dom)
		return FALSE;
	g_autofree char *memory = lv_side_file(point, "offline");
	if (lv->local && access(memory, F_OK) == 0)
		return serve_offline(lv, dom, point, memory, error);
	return serve_running(lv, dom, point, error);
}

gboolean
lv_unserve(void *self, const struct hv_point *point, GError **error)
{
	struct lv *lv = self;
	struct lv_server *server = NULL;
	g_mutex_lock(&lv->lock);
	struct lv_server *found = g_hash_table_lookup(lv->servers, point->vm);
	if (found && g_str_equal(found->point, point->name)) {
		g_autofree char *key = NULL;
		g_hash_table_steal_extended(lv->servers, point->vm, (gpointer *)&key,
					    (gpointer *)&server);
	}
	if (g_hash_table_size(lv->servers) == 0)
		lv_events_look(lv, FALSE);
	g_mutex_unlock(&lv->lock);
	lv_server_free(server);
	return TRUE;
}

char *
lv_changes_context(void *self, const struct hv_point *point, const struct hv_point_disk *disk)
{
	g_autofree char *memory = lv_side_file(point, "offline");
	struct lv *lv = self;
	if (disk->untracked)
		return NULL;
	/* A server of ours offers the base's own bitmap; a backup job merges it into one of that
	 * name. */
	if (lv->local && access(memory, F_OK) == 0)
		return g_strconcat("qemu:dirty-bitmap:", disk->base, NULL);
	return g_strconcat("qemu:dirty-bitmap:backup-", disk->target, NULL);
}

/* The hook leaves "UUID.refused" when it refused a start. */
void
lv_servers_look(struct lv *lv)
{
	g_autoptr(GPtrArray) refused = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer vm, value;
	g_mutex_lock(&lv->lock);
	g_hash_table_iter_init(&iter, lv->servers);
	while (g_hash_table_iter_next(&iter, &vm, &value)) {
		const struct lv_server *server = value;
		g_autofree char *sign =
			g_strconcat(server->marker ? server->marker : "", ".refused", NULL);
		if (server->marker && unlink(sign) == 0)
			g_ptr_array_add(refused, g_strdup(vm));
	}
	g_mutex_unlock(&lv->lock);
	for (guint i = 0; i < refused->len; i++)
		hv_sink_emit(lv->sink, HV_EVENT_START_BLOCKED, refused->pdata[i],
			     "a start was refused because its images are being exported");
}
