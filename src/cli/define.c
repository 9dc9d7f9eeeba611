/* libvirt's two calls for a restored machine. */
#include "cli/define.h"

#include "base/error.h"
#include "base/file.h"

#include <glib/gi18n.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#define XML_MAX (8 << 20)

struct define {
	virConnectPtr connection;
};

static void
ignore_error(void *data, virErrorPtr error)
{
	/* libvirt prints to stderr by itself otherwise. */
}

static gboolean
fail(GError **error, const char *what)
{
	const virError *last = virGetLastError();
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER, "%s: %s", what,
		    last && last->message ? last->message : _("libvirt failed"));
	return FALSE;
}

struct define *
define_open(const char *uri, GError **error)
{
	virSetErrorFunc(NULL, ignore_error);
	virConnectPtr connection = virConnectOpen(uri);
	if (!connection) {
		fail(error, _("connecting to libvirt"));
		return NULL;
	}
	struct define *define = g_new0(struct define, 1);
	define->connection = connection;
	return define;
}

void
define_close(struct define *define)
{
	if (!define)
		return;
	virConnectClose(define->connection);
	g_free(define);
}

static gboolean
exists(virDomainPtr domain, const char *what, GError **error)
{
	if (!domain)
		return FALSE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_EXISTS,
		    _("there is a machine of the same %s, \"%s\"; restore with --suffix to define "
		      "another one, or undefine it first"),
		    what, virDomainGetName(domain));
	virDomainFree(domain);
	return TRUE;
}

gboolean
define_check_free(struct define *define, const char *name, const char *uuid, GError **error)
{
	if (exists(virDomainLookupByName(define->connection, name), _("name"), error))
		return FALSE;
	return !uuid ||
	       !exists(virDomainLookupByUUIDString(define->connection, uuid), "UUID", error);
}

/* ---- the disks of the configuration ---- */

static xmlNode *
next_named(xmlNode *node, const char *name)
{
	while (node &&
	       (node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, name) != 0))
		node = node->next;
	return node;
}

static xmlNode *
child(const xmlNode *node, const char *name)
{
	return node ? next_named(node->children, name) : NULL;
}

/* Free with g_free(); NULL when there is none. */
static char *
attribute(xmlNode *node, const char *name)
{
	xmlChar *text = node ? xmlGetProp(node, (const xmlChar *)name) : NULL;
	char *copy = g_strdup((const char *)text);
	xmlFree(text);
	return copy;
}

/* CD-ROMs and disks that are only read do no harm. */
static gboolean
check_disk(xmlNode *disk, char *const *restored, GError **error)
{
	g_autofree char *device = attribute(disk, "device");
	g_autofree char *file = attribute(child(disk, "source"), "file");
	g_autofree char *target = attribute(child(disk, "target"), "dev");
	gboolean is_disk = !device || strcmp(device, "disk") == 0 || strcmp(device, "lun") == 0;
	if (!is_disk || child(disk, "readonly") || !child(disk, "source"))
		return TRUE;
	if (file && g_strv_contains((const char *const *)restored, file))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_STATE,
		    _("its disk \"%s\" was not restored, and it would use the original one%s%s; "
		      "restore "
		      "all disks, or change config.xml and define it by hand"),
		    target ? target : "?", file ? ", " : "", file ? file : "");
	return FALSE;
}

static gboolean
check_disks(const char *xml, gsize len, char *const *restored, GError **error)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)len, "config.xml", NULL,
				    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlNode *devices = child(doc ? xmlDocGetRootElement(doc) : NULL, "devices");
	gboolean ok = TRUE;
	for (xmlNode *disk = child(devices, "disk"); disk && ok;
	     disk = next_named(disk->next, "disk"))
		ok = check_disk(disk, restored, error);
	xmlFreeDoc(doc);
	return ok;
}

gboolean
define_file(struct define *define, const char *path, char *const *restored, GError **error)
{
	g_autofree char *xml = NULL;
	gsize len;
	if (!cairn_file_read(path, XML_MAX, &xml, &len, error) ||
	    !check_disks(xml, len, restored, error))
		return FALSE;
	virDomainPtr domain =
		virDomainDefineXMLFlags(define->connection, xml, VIR_DOMAIN_DEFINE_VALIDATE);
	if (!domain)
		/* Written by another version of libvirt than this one's schema knows. */
		domain = virDomainDefineXML(define->connection, xml);
	if (!domain)
		return fail(error, path);
	virDomainFree(domain);
	return TRUE;
}
