/* Makes whole disks out of an exported point and the points it is based on, from the files alone.
 */
#pragma once

#include "base/auto.h"
#include "image/manifest.h"

#include <gio/gio.h>
#include <jansson.h>

struct restore_progress {
	const char *vm, *target; /* the disk that is being written */
	guint64 done, total;	 /* bytes of data of all disks; total is exact */
};

/* Called from the calling thread about four times a second and at the end. */
typedef void (*restore_progress_fn)(const struct restore_progress *progress, void *data);

struct restore_options {
	const char *dir;   /* an export folder, one group's or one point's folder */
	const char *group; /* name or GUID; NULL when @dir holds one group only or @point says it */
	const char *point; /* GUID, number, "NAME@N" or "latest"; NULL: "latest" */
	const char *to;	   /* OUT: created when it is not there */
	char *const *vms;  /* names or GUIDs; NULL or empty: all */
	char *const *disks; /* "VM:vda"; NULL or empty: all disks of @vms */
	enum manifest_format format;
	gboolean no_verify; /* do not compare block digests while reading */
	const char
		*name_suffix; /* the restored machines' names get it, and a new identity (no UUID
			       * and MAC addresses: libvirt makes new ones); NULL: as they were */
	GCancellable *cancel; /* NULL: cannot be cancelled */
	restore_progress_fn progress; /* NULL: not told */
	void *progress_data;
};

enum restored_kind {
	RESTORED_DISK,
	RESTORED_CONFIG,
	RESTORED_ORIGINAL_CONFIG,
	RESTORED_GUEST_STATE
};

struct restored_file {
	enum restored_kind kind;
	char *vm_id, *vm_name;
	char *target; /* of a disk; NULL */
	char *path;   /* absolute */
	guint64 size; /* of a disk as the guest sees it; else of the file */
};

struct restore_result {
	char *group_id, *group_name, *point_id;
	guint64 point_number;
	GPtrArray *files; /* struct restored_file; RESTORED_CONFIG is what virDomainDefineXML()
			     takes */
};

/* Restores OUT/<vm
 * name>/{<target>.qcow2|<target>.raw,config.xml,config.original.xml,guest-state/...}. Nothing that
 * exists is replaced (EXISTS). On any failure what this call made is removed again. A block that is
 * not what its digest says ends it with IO naming the file; too little space at OUT is LIMIT before
 * anything is written. */
gboolean restore_export(const struct restore_options *options, struct restore_result **ret_result,
			GError **error);
void restore_result_free(struct restore_result *result);
CAIRN_DEFINE_AUTO(restore_result, restore_result_free)

/* {"group":{"id","name"},"point":{"id","number"},"files":[{"kind":"disk"|"config"|
 * "original-config"|"guest-state","vm":{"id","name"},"target":text|null,"path","size"}]} */
json_t *restore_result_json(const struct restore_result *result);
