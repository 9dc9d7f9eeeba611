/* Rewrites a domain's XML for restored disks; see domain_xml.h.
 *
 * libvirt's format: https://libvirt.org/formatdomain.html, "Hard drives, floppy disks, CDROMs" and
 * "BIOS bootloader". The disk's data is in a plain file now, whatever it was before: a block
 * device, an NBD or Ceph volume, an encrypted image (an export holds what the guest sees). */
#include "image/domain_xml.h"

#include "base/error.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)
static void
text_free(xmlChar *text)
{
	xmlFree(text);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlChar, text_free)

static xmlDoc *
parse(const char *xml, gsize len, GError **error)
{
	/* No network, no entities put in: the file may come from anywhere. */
	int options =
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS;
	g_autoptr(xmlDoc) doc = NULL;
	if (len <= DOMAIN_XML_MAX)
		doc = xmlReadMemory(xml, (int)len, "config.xml", NULL, options);
	xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	if (root && strcmp((const char *)root->name, "domain") == 0)
		return g_steal_pointer(&doc);
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
		    "the machine's configuration is not a libvirt domain");
	return NULL;
}

static gboolean
is_named(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNode *
child(const xmlNode *parent, const char *name)
{
	for (xmlNode *node = parent ? parent->children : NULL; node; node = node->next)
		if (is_named(node, name))
			return node;
	return NULL;
}

static void
drop(xmlNode *node)
{
	if (!node)
		return;
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

static void
drop_children(xmlNode *parent, const char *name)
{
	for (xmlNode *node; (node = child(parent, name));)
		drop(node);
}

static void
set(xmlNode *node, const char *name, const char *value)
{
	xmlSetProp(node, (const xmlChar *)name, (const xmlChar *)value);
}

/* Escapes what xmlNodeSetContent() would take as markup. */
static void
set_text(xmlNode *node, const char *text)
{
	xmlNodeSetContent(node, NULL);
	xmlNodeAddContent(node, (const xmlChar *)text);
}

static gboolean
has(const xmlNode *node, const char *name, const char *value)
{
	g_autoptr(xmlChar) found = node ? xmlGetProp(node, (const xmlChar *)name) : NULL;
	return found && strcmp((const char *)found, value) == 0;
}

static xmlNode *
find_disk(const xmlNode *devices, const char *target)
{
	for (xmlNode *node = devices ? devices->children : NULL; node; node = node->next)
		if (is_named(node, "disk") && has(child(node, "target"), "dev", target))
			return node;
	return NULL;
}

static void
rewrite_disk(xmlNode *disk, const struct domain_xml_disk *restored)
{
	static const char *const gone[] = {"source",	 "backingStore", "mirror",
					   "encryption", "auth",	 "backenddomain"};
	for (guint i = 0; i < G_N_ELEMENTS(gone); i++)
		drop_children(disk, gone[i]);
	set(disk, "type", "file");
	/* SCSI pass-through of a whole LUN cannot be a file. */
	if (has(disk, "device", "lun"))
		set(disk, "device", "disk");
	xmlUnsetProp(disk, (const xmlChar *)"rawio");
	xmlUnsetProp(disk, (const xmlChar *)"sgio");
	xmlNode *driver = child(disk, "driver");
	if (!driver) {
		driver = xmlNewNode(NULL, (const xmlChar *)"driver");
		set(driver, "name", "qemu");
		if (disk->children)
			xmlAddPrevSibling(disk->children, driver);
		else
			xmlAddChild(disk, driver);
	}
	set(driver, "type", restored->format);
	drop_children(driver, "metadata_cache");
	xmlNode *source = xmlNewNode(NULL, (const xmlChar *)"source");
	set(source, "file", restored->path);
	xmlAddNextSibling(driver, source);
}

static void
rewrite_nvram(xmlNode *root, const char *path)
{
	xmlNode *nvram = child(child(root, "os"), "nvram");
	if (!nvram)
		return;
	drop_children(nvram, "source");
	xmlUnsetProp(nvram, (const xmlChar *)"type");
	set_text(nvram, path);
}

/* What makes libvirt take it for the same machine, or the network for the same host. */
static void
rewrite_identity(xmlNode *root, const char *suffix)
{
	xmlNode *name = child(root, "name");
	g_autoptr(xmlChar) old = name ? xmlNodeGetContent(name) : NULL;
	g_autofree char *renamed = g_strconcat(old ? (const char *)old : "", suffix, NULL);
	if (name)
		set_text(name, renamed);
	drop_children(root, "uuid");
	drop_children(root, "genid");
	xmlNode *system = child(child(root, "sysinfo"), "system");
	for (xmlNode *entry = system ? system->children : NULL, *next; entry; entry = next) {
		next = entry->next;
		if (is_named(entry, "entry") && has(entry, "name", "uuid"))
			drop(entry);
	}
	xmlNode *devices = child(root, "devices");
	for (xmlNode *node = devices ? devices->children : NULL; node; node = node->next)
		if (is_named(node, "interface"))
			drop_children(node, "mac");
}

static char *
to_text(xmlDoc *doc)
{
	xmlChar *text = NULL;
	int len = 0;
	xmlDocDumpFormatMemoryEnc(doc, &text, &len, "UTF-8", 1);
	g_assert(text);
	char *copy = g_strndup((const char *)text, (gsize)len);
	xmlFree(text);
	return copy;
}

char *
domain_xml_rewrite(const char *xml, gsize len, const struct domain_xml_changes *changes,
		   GError **error)
{
	g_autoptr(xmlDoc) doc = parse(xml, len, error);
	if (!doc)
		return NULL;
	xmlNode *root = xmlDocGetRootElement(doc);
	for (guint i = 0; i < changes->disks->len; i++) {
		const struct domain_xml_disk *restored = g_ptr_array_index(changes->disks, i);
		xmlNode *disk = find_disk(child(root, "devices"), restored->target);
		if (!disk) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
				    "the machine's configuration has no disk \"%s\"",
				    restored->target);
			return NULL;
		}
		rewrite_disk(disk, restored);
	}
	if (changes->nvram)
		rewrite_nvram(root, changes->nvram);
	if (changes->name_suffix)
		rewrite_identity(root, changes->name_suffix);
	return to_text(doc);
}

char *
domain_xml_nvram(const char *xml, gsize len)
{
	g_autoptr(xmlDoc) doc = parse(xml, len, NULL);
	xmlNode *nvram = doc ? child(child(xmlDocGetRootElement(doc), "os"), "nvram") : NULL;
	xmlNode *source = child(nvram, "source");
	g_autoptr(xmlChar) text = source  ? xmlGetProp(source, (const xmlChar *)"file")
				  : nvram ? xmlNodeGetContent(nvram)
					  : NULL;
	return text && *text ? g_strdup((const char *)text) : NULL;
}
