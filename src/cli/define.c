/* libvirt's two calls for a restored machine. */
#include "cli/define.h"

#include "base/error.h"
#include "base/file.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

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
		    last && last->message ? last->message : "libvirt failed");
	return FALSE;
}

struct define *
define_open(const char *uri, GError **error)
{
	virSetErrorFunc(NULL, ignore_error);
	virConnectPtr connection = virConnectOpen(uri);
	if (!connection) {
		fail(error, "connecting to libvirt");
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
		    "there is a machine of the same %s, \"%s\"; restore with --suffix to define "
		    "another one, or undefine it first",
		    what, virDomainGetName(domain));
	virDomainFree(domain);
	return TRUE;
}

gboolean
define_check_free(struct define *define, const char *name, const char *uuid, GError **error)
{
	if (exists(virDomainLookupByName(define->connection, name), "name", error))
		return FALSE;
	return !uuid ||
	       !exists(virDomainLookupByUUIDString(define->connection, uuid), "UUID", error);
}

gboolean
define_file(struct define *define, const char *path, GError **error)
{
	g_autofree char *xml = NULL;
	if (!cairn_file_read(path, XML_MAX, &xml, NULL, error))
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
