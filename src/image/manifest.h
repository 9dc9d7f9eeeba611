/* manifest.json, the table of contents of one exported point: cairn-export-format(7) says what each
 * member means.  Parsing checks everything that can be told without opening another file, so that
 * verify and restore meet only paths that stay inside the folder and numbers that fit.
 *
 * MANIFEST_SUM lies beside it: one line of sha256sum(1) over manifest.json, so that a byte that
 * flips in the manifest itself is found too.  It is written first, the manifest last. */
#pragma once

#include "base/auto.h"
#include "image/digest.h"

#include <glib.h>
#include <jansson.h>

#define MANIFEST_NAME	 "manifest.json"
#define MANIFEST_SUM	 "manifest.sha256"
#define MANIFEST_FORMAT	 "cairn-export"
#define MANIFEST_VERSION 1
/* The folder in a VM's folder for its UEFI variables and TPM state. */
#define MANIFEST_GUEST_STATE "guest-state"

/* Limits of what is read; over them is LIMIT or INVALID.  The text is mostly base64 of digests: 8
 * bytes per MiB of disk with XXH3, so half a GiB carries about 48 TiB of disks. */
#define MANIFEST_MAX_BYTES	 ((gsize)512 << 20)
#define MANIFEST_MAX_VMS	 1024
#define MANIFEST_MAX_DISKS	 256 /* of one VM */
#define MANIFEST_MAX_GUEST_STATE 256 /* files of one VM */
#define MANIFEST_MAX_NAME	 255 /* bytes of a VM's or a group's name */
#define MANIFEST_MAX_TARGET	 64  /* bytes of a disk's target, e.g. "vda" */
#define MANIFEST_MAX_PATH	 1024
#define MANIFEST_MAX_DISK_SIZE	 ((guint64)64 << 40)
#define MANIFEST_MAX_FILE_SIZE	 ((guint64)128 << 40)
#define MANIFEST_MAX_SMALL_FILE	 ((guint64)1 << 30) /* config, runtime, guest state: each */

/* A file other than a disk's image.  @path is relative to the folder of the manifest. */
struct manifest_file {
	char *path;
	guint64 size;
	char *sha256; /* 64 lower-case hex digits */
};

enum manifest_format { MANIFEST_QCOW2, MANIFEST_RAW };

/* Blocks @first .. @first + @count - 1 have a digest each. */
struct manifest_run {
	guint64 first;
	guint64 count;
	guint64 before; /* digests of the runs before this one */
};

struct manifest_disk {
	char *target; /* "vda": unique in its VM */
	char *id;     /* disk instance: changes when another disk takes the target; may be NULL */
	char *path;
	enum manifest_format format;
	gboolean incremental;
	char *reason;	   /* why in full although a base was asked for; NULL */
	char *source_path; /* for people; NULL */
	guint64 size;	   /* bytes, as the guest sees it */
	guint64 file_size; /* bytes of the image file */
	char *backing;	   /* name in the qcow2 header, "../../POINT/VM/vda.qcow2"; NULL: none */
	char *compression; /* "zstd" or NULL */
	enum digest_algorithm algorithm; /* of the block digests */
	GArray *runs;	 /* struct manifest_run: ascending, apart, inside the disk */
	guint8 *digests; /* of all blocks of all runs, one after the other */
	guint64 n_digests;
	enum digest_algorithm metadata_algorithm;
	char *metadata_digest; /* lower-case hex; NULL: none (raw) */
};

struct manifest_vm {
	char *id; /* upper-case GUID */
	char *name;
	char *state; /* "running", "paused" or "shutoff" */
	char *consistency;
	struct manifest_file *config;  /* never NULL */
	struct manifest_file *runtime; /* NULL for a machine that was off */
	GPtrArray *guest_state;	       /* struct manifest_file */
	GPtrArray *disks;	       /* struct manifest_disk */
};

struct manifest {
	char *group_id, *group_name;
	char *point_id;
	guint64 point_number;
	char *point_created; /* ISO 8601 */
	gint64 created_usec; /* the same, microseconds since 1970 */
	char *consistency;   /* "application" or "crash" */
	char *base_id;	     /* NULL: no base */
	guint64 base_number;
	GPtrArray *vms; /* struct manifest_vm */
};

/* Parses and checks; free with manifest_free().  Unknown members are ignored; a higher version is
 * refused.  Errors: INVALID with the member, LIMIT. */
struct manifest *manifest_parse(const char *text, gsize len, GError **error);
struct manifest *manifest_from_json(const json_t *json, GError **error);
void manifest_free(struct manifest *manifest);
CAIRN_DEFINE_AUTO(manifest, manifest_free)

/* Reads DIR/manifest.json.  With @check_sum the line in MANIFEST_SUM must match, else IO. */
struct manifest *manifest_load(const char *dir, gboolean check_sum, GError **error);

/* True when @json is a manifest that every reader accepts. */
gboolean manifest_check(const json_t *json, GError **error);

/* Checks @json, then writes MANIFEST_SUM and last, atomically, MANIFEST_NAME into @dir. */
gboolean manifest_write(const char *dir, const json_t *json, GError **error);

/* {"path","size","sha256"} of the existing file @path below @dir (both as in the manifest): what
 * cairnd puts in as config, runtime and guest-state.  New reference, or NULL with the error. */
json_t *manifest_describe_file(const char *dir, const char *path, GError **error);

/* True when @path is relative, clean ("a/b", no "", ".", ".." or control characters) and short. */
gboolean manifest_path_ok(const char *path);

/* Borrowed; NULL when there is none. @vm is a GUID in upper case. */
const struct manifest_vm *manifest_find_vm(const struct manifest *manifest, const char *vm);
const struct manifest_disk *manifest_find_disk(const struct manifest_vm *vm, const char *target);

/* The name that an increment's header must give its base, "../../BASE/PATH"; g_free(). */
char *manifest_backing_name(const char *base_id, const struct manifest_disk *base_disk);
