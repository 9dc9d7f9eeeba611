/* The libvirt domain XML of a restored machine: the same machine, on the restored files. */
#pragma once

#include <glib.h>

#define DOMAIN_XML_MAX ((gsize)16 << 20) /* bytes of one config.xml */

/* A disk that was restored: @target ("vda") is now the file @path in @format ("qcow2", "raw"). */
struct domain_xml_disk {
	const char *target, *path, *format;
};

struct domain_xml_changes {
	const GPtrArray *disks;	 /* struct domain_xml_disk; other disks stay as they are */
	const char *nvram;	 /* the restored UEFI variables; NULL: as it was */
	const char *name_suffix; /* not NULL: another name and identity (UUID, MACs, genid) */
};

/* The changed XML, freed with g_free(). INVALID when @xml is not a domain or lacks a disk. */
char *domain_xml_rewrite(const char *xml, gsize len, const struct domain_xml_changes *changes,
			 GError **error);

/* The path that the domain keeps its UEFI variables at, or NULL; g_free(). */
char *domain_xml_nvram(const char *xml, gsize len);
