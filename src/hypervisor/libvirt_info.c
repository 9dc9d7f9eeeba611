/* What libvirt says about machines: their XML read into struct hv_vm, and the XML of backup jobs.
 */
#include "hypervisor/libvirt.h"

#include "base/error.h"
#include "base/file.h"
#include "base/guid.h"

#include <fcntl.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>
#include <unistd.h>

/* A domain's XML is a few kilobytes; this is for one that went mad. */
#define XML_MAX (8 * 1024 * 1024)

struct xml {
	xmlDocPtr doc;
	xmlXPathContextPtr path;
};

static gboolean
xml_open(struct xml *xml, const char *text)
{
	gsize len = strlen(text);
	xml->path = NULL;
	xml->doc =
		len <= XML_MAX
			? xmlReadMemory(text, (int)len, NULL, NULL,
					XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)
			: NULL;
	if (xml->doc)
		xml->path = xmlXPathNewContext(xml->doc);
	return xml->path != NULL;
}

static void
xml_close(struct xml *xml)
{
	xmlXPathFreeContext(xml->path);
	xmlFreeDoc(xml->doc);
}

/* The text of the first node of @expression below @node (NULL: the document), or NULL. */
static char *
xml_text(struct xml *xml, xmlNodePtr node, const char *expression)
{
	xml->path->node = node ? node : xmlDocGetRootElement(xml->doc);
	xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)expression, xml->path);
	char *text = NULL;
	if (found && found->nodesetval && found->nodesetval->nodeNr > 0) {
		xmlChar *content = xmlNodeGetContent(found->nodesetval->nodeTab[0]);
		text = g_strdup((const char *)content);
		xmlFree(content);
	}
	xmlXPathFreeObject(found);
	return text;
}

static gboolean
xml_has(struct xml *xml, xmlNodePtr node, const char *expression)
{
	g_autofree char *text = xml_text(xml, node, expression);
	return text != NULL;
}

/* Calls @fn for each node of @expression. */
static void
xml_each(struct xml *xml, const char *expression,
	 void (*fn)(struct xml *xml, xmlNodePtr node, void *user_data), void *user_data)
{
	xml->path->node = xmlDocGetRootElement(xml->doc);
	xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)expression, xml->path);
	for (int i = 0; found && found->nodesetval && i < found->nodesetval->nodeNr; i++)
		fn(xml, found->nodesetval->nodeTab[i], user_data);
	xmlXPathFreeObject(found);
}

/* Version 3 of qcow2 ("compat 1.1") has bitmaps. The header's version is a big-endian number at
 * byte 4 (QEMU docs/interop/qcow2.txt). A file we may not read is not our business: QEMU will say.
 */
static gboolean
is_old_qcow2(const char *path)
{
	guint8 head[8];
	CAIRN_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || pread(fd, head, sizeof head, 0) != sizeof head)
		return FALSE;
	return memcmp(head, "QFI\xfb", 4) == 0 && head[7] < 3;
}

static char *
why_untracked(const struct lv *lv, const struct hv_disk *disk, const char *type)
{
	if (g_strcmp0(disk->format, "qcow2") != 0)
		return g_strdup_printf("its format is %s; only qcow2 records changes",
				       disk->format ? disk->format : "unknown");
	if (!disk->path)
		return g_strdup_printf("it is a %s disk; only files and block devices are tracked",
				       type);
	if (lv->local && is_old_qcow2(disk->path))
		return g_strdup("it is qcow2 of version 2: \"qemu-img amend -o compat=1.1\" helps");
	return NULL;
}

struct disk_reader {
	struct lv *lv;
	virDomainPtr dom;
	struct hv_vm *vm;
};

static void
read_disk(struct xml *xml, xmlNodePtr node, void *user_data)
{
	struct disk_reader *reader = user_data;
	if (xml_has(xml, node, "readonly") || xml_has(xml, node, "transient"))
		return;
	g_autofree char *target = xml_text(xml, node, "target/@dev");
	g_autofree char *type = xml_text(xml, node, "@type");
	if (!target || !type)
		return;
	struct hv_disk *disk = hv_disk_new(target);
	disk->format = xml_text(xml, node, "driver/@type");
	disk->path =
		xml_text(xml, node, g_str_equal(type, "block") ? "source/@dev" : "source/@file");
	virDomainBlockInfo info;
	if (virDomainGetBlockInfo(reader->dom, target, &info, 0) == 0)
		disk->size = info.capacity;
	disk->reason = why_untracked(reader->lv, disk, type);
	disk->trackable = disk->reason == NULL;
	g_ptr_array_add(reader->vm->disks, disk);
}

struct hv_disk *
lv_find_disk(const struct hv_vm *vm, const char *target)
{
	for (guint i = 0; i < vm->disks->len; i++) {
		struct hv_disk *disk = vm->disks->pdata[i];
		if (g_str_equal(disk->target, target))
			return disk;
	}
	return NULL;
}

static gboolean
takes_part_paused(int reason)
{
	return reason == VIR_DOMAIN_PAUSED_USER || reason == VIR_DOMAIN_PAUSED_IOERROR ||
	       reason == VIR_DOMAIN_PAUSED_WATCHDOG || reason == VIR_DOMAIN_PAUSED_UNKNOWN;
}

gboolean
lv_state(virDomainPtr dom, enum hv_state *ret_state, GError **error)
{
	int state, reason;
	if (virDomainGetState(dom, &state, &reason, 0) < 0)
		return lv_fail(error, "cannot ask for the state");
	*ret_state = HV_OTHER;
	if (state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED)
		*ret_state = HV_RUNNING;
	else if (state == VIR_DOMAIN_PAUSED && takes_part_paused(reason))
		*ret_state = HV_PAUSED;
	else if (state == VIR_DOMAIN_SHUTOFF)
		*ret_state = HV_SHUTOFF;
	else if (state == VIR_DOMAIN_CRASHED && virDomainIsActive(dom) == 0)
		*ret_state = HV_SHUTOFF;
	return TRUE;
}

char *
lv_backup_xml(virDomainPtr dom, gboolean *ret_failed, GError **error)
{
	*ret_failed = FALSE;
	char *text = virDomainBackupGetXMLDesc(dom, 0);
	if (text)
		return text;
	if (!lv_error_is(VIR_ERR_NO_DOMAIN_BACKUP) && !lv_error_is(VIR_ERR_NO_DOMAIN) &&
	    virDomainIsActive(dom) != 0) {
		*ret_failed = TRUE;
		lv_fail(error, "cannot ask for the backup job");
	}
	return NULL;
}

/* "cairn-...GUID" of "cairn-...GUID.vda.qcow2"; a folder that only begins like ours is none. */
static char *
name_in_part(const char *part)
{
	gsize len = strcspn(part, ".");
	if (!g_str_has_prefix(part, HV_OURS) || len < strlen(HV_OURS) + GUID_LEN)
		return NULL;
	g_autofree char *name = g_strndup(part, len);
	return cairn_guid_valid(name + len - GUID_LEN) ? g_steal_pointer(&name) : NULL;
}

/* Of the file or of its folder, as hypervisor.h has it. */
static char *
name_in_path(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *file = g_path_get_basename(path);
	g_autofree char *parent = g_path_get_basename(folder);
	char *name = name_in_part(file);
	return name ? name : name_in_part(parent);
}

char *
lv_backup_name(const char *text)
{
	struct xml xml;
	char *name = NULL;
	if (xml_open(&xml, text)) {
		g_autofree char *path = xml_text(&xml, NULL, "disks/disk/scratch/@file");
		name = path ? name_in_path(path) : NULL;
	}
	xml_close(&xml);
	return name;
}

char *
lv_backup_scratch_node(const char *text, const char *target)
{
	struct xml xml;
	char *node = NULL;
	if (xml_open(&xml, text)) {
		g_autofree char *where = g_strdup_printf("disks/disk[@name='%s']/@index", target);
		g_autofree char *index = xml_text(&xml, NULL, where);
		node = index ? g_strdup_printf("%s[%s]", target, index) : NULL;
	}
	xml_close(&xml);
	return node;
}

void
lv_backup_ports(const char *text, GHashTable *ports)
{
	struct xml xml;
	if (xml_open(&xml, text)) {
		g_autofree char *port = xml_text(&xml, NULL, "server[@transport='tcp']/@port");
		guint64 number = 0;
		if (port && g_ascii_string_to_unsigned(port, 10, 1, 65535, &number, NULL))
			g_hash_table_add(ports, GUINT_TO_POINTER((guint)number));
	}
	xml_close(&xml);
}

char *
lv_nvram_path(const char *text)
{
	struct xml xml;
	char *path = NULL;
	if (xml_open(&xml, text)) {
		path = xml_text(&xml, NULL, "os/nvram/source/@file");
		if (!path)
			path = xml_text(&xml, NULL, "os/nvram[not(source)]");
	}
	xml_close(&xml);
	return path;
}

gboolean
lv_has_tpm(const char *text)
{
	struct xml xml;
	gboolean has = xml_open(&xml, text) &&
		       xml_has(&xml, NULL, "devices/tpm/backend[@type='emulator']");
	xml_close(&xml);
	return has;
}

enum lv_disk
lv_checkpoint_disk(const char *text, const char *target)
{
	struct xml xml;
	enum lv_disk found = LV_DISK_ABSENT;
	if (xml_open(&xml, text)) {
		g_autofree char *where =
			g_strdup_printf("disks/disk[@name='%s' and @checkpoint='bitmap']", target);
		g_autofree char *size = g_strconcat(where, "/@size", NULL);
		if (xml_has(&xml, NULL, where))
			found = xml_has(&xml, NULL, size) ? LV_DISK_WHOLE : LV_DISK_BROKEN;
	}
	xml_close(&xml);
	return found;
}

static const char *const operations[] = {
	[VIR_DOMAIN_JOB_OPERATION_UNKNOWN] = "another job",
	[VIR_DOMAIN_JOB_OPERATION_START] = "it is being started",
	[VIR_DOMAIN_JOB_OPERATION_SAVE] = "it is being saved",
	[VIR_DOMAIN_JOB_OPERATION_RESTORE] = "it is being restored",
	[VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN] = "it is being migrated in",
	[VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT] = "it is being migrated away",
	[VIR_DOMAIN_JOB_OPERATION_SNAPSHOT] = "a snapshot is being made",
	[VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT] = "a snapshot is being reverted to",
	[VIR_DOMAIN_JOB_OPERATION_DUMP] = "its memory is being dumped",
	[VIR_DOMAIN_JOB_OPERATION_BACKUP] = "a backup of another program runs",
};

/* Statistics of a running migration would ask QEMU; the type alone does not. */
static char *
other_job(virDomainPtr dom)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, n = 0, operation = 0;
	if (virDomainGetJobStats(dom, &type, &params, &n, 0) < 0 || type == VIR_DOMAIN_JOB_NONE) {
		virTypedParamsFree(params, n);
		return NULL;
	}
	virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation);
	virTypedParamsFree(params, n);
	if (operation < 0 || operation >= (int)G_N_ELEMENTS(operations))
		operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
	return g_strdup(operations[operation]);
}

static void
describe_job(struct lv *lv, virDomainPtr dom, struct hv_vm *vm)
{
	gboolean failed;
	g_autofree char *xml = lv_backup_xml(dom, &failed, NULL);
	vm->backup = xml ? lv_backup_name(xml) : NULL;
	if (!vm->backup)
		vm->busy = xml ? g_strdup(operations[VIR_DOMAIN_JOB_OPERATION_BACKUP])
			       : other_job(dom);
	g_mutex_lock(&lv->lock);
	struct lv_memory *memory = lv_memory(lv, vm->uuid);
	g_free(memory->held);
	memory->held = g_strdup(vm->backup);
	g_mutex_unlock(&lv->lock);
}

static gboolean
describe_points(virDomainPtr dom, struct hv_vm *vm, GError **error)
{
	virDomainCheckpointPtr *all = NULL;
	int n = virDomainListAllCheckpoints(dom, &all, 0);
	if (n < 0)
		return lv_fail(error, "cannot list the checkpoints");
	for (int i = 0; i < n; i++) {
		const char *name = virDomainCheckpointGetName(all[i]);
		if (g_str_has_prefix(name, HV_OURS))
			g_ptr_array_add(vm->points, g_strdup(name));
		virDomainCheckpointFree(all[i]);
	}
	free(all);
	return TRUE;
}

/* What the XML says; FALSE when it cannot be read. */
static gboolean
describe_xml(struct lv *lv, virDomainPtr dom, struct hv_vm *vm, const char *text)
{
	struct xml xml;
	gboolean ok = xml_open(&xml, text);
	if (ok) {
		struct disk_reader reader = {.lv = lv, .dom = dom, .vm = vm};
		vm->has_nvram = xml_has(&xml, NULL, "os/nvram");
		vm->has_tpm = xml_has(&xml, NULL, "devices/tpm/backend[@type='emulator']");
		g_autofree char *agent =
			xml_text(&xml, NULL,
				 "devices/channel/target[@name='org.qemu.guest_agent.0']/@state");
		vm->agent = g_strcmp0(agent, "connected") == 0;
		xml_each(&xml, "devices/disk[not(@device) or @device='disk']", read_disk, &reader);
	}
	xml_close(&xml);
	return ok;
}

struct hv_vm *
lv_describe(struct lv *lv, virDomainPtr dom, GError **error)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	g_autofree char *text = virDomainGetXMLDesc(dom, 0);
	if (!text || virDomainGetUUIDString(dom, uuid) < 0) {
		lv_fail(error, "cannot read the machine's XML");
		return NULL;
	}
	cairn_auto(hv_vm) vm = hv_vm_new();
	vm->uuid = g_ascii_strup(uuid, -1);
	vm->name = g_strdup(virDomainGetName(dom));
	vm->persistent = virDomainIsPersistent(dom) == 1;
	if (!lv_state(dom, &vm->state, error) || !describe_points(dom, vm, error))
		return NULL;
	if (!describe_xml(lv, dom, vm, text)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER,
			    "the XML of \"%s\" cannot be understood", vm->name);
		return NULL;
	}
	if (vm->state != HV_SHUTOFF)
		describe_job(lv, dom, vm);
	return g_steal_pointer(&vm);
}

GPtrArray *
lv_list(void *self, GError **error)
{
	struct lv *lv = self;
	virConnectPtr conn = lv_connection(lv, 0, error);
	if (!conn)
		return NULL;
	virDomainPtr *doms = NULL;
	int n = virConnectListAllDomains(conn, &doms, 0);
	if (n < 0)
		lv_fail(error, "cannot list the machines");
	GPtrArray *vms = n < 0 ? NULL : g_ptr_array_new_with_free_func((GDestroyNotify)hv_vm_free);
	for (int i = 0; i < n; i++) {
		g_autoptr(GError) why = NULL;
		struct hv_vm *vm = lv_describe(lv, doms[i], &why);
		/* One that was just undefined is not there; it does not spoil the list. */
		if (vm)
			g_ptr_array_add(vms, vm);
		else
			g_debug("libvirt: left out of the list: %s", why->message);
		virDomainFree(doms[i]);
	}
	free(doms);
	virConnectClose(conn);
	return vms;
}

struct hv_vm *
lv_lookup(void *self, const char *uuid_or_name, GError **error)
{
	struct lv *lv = self;
	virConnectPtr conn = lv_connection(lv, 0, error);
	if (!conn)
		return NULL;
	virDomainPtr dom = NULL;
	if (cairn_guid_valid(uuid_or_name))
		dom = virDomainLookupByUUIDString(conn, uuid_or_name);
	if (!dom)
		dom = virDomainLookupByName(conn, uuid_or_name);
	struct hv_vm *vm = NULL;
	if (dom)
		vm = lv_describe(lv, dom, error);
	else
		lv_fail(error, "there is no machine \"%s\"", uuid_or_name);
	if (dom)
		virDomainFree(dom);
	virConnectClose(conn);
	return vm;
}
