/* A reference point of a group (Msvm_ReferencePointCollection) with one part per machine
 * (Msvm_VirtualSystemReferencePoint). Data and its JSON only; point GUIDs name everything outside:
 * checkpoint, bitmap and backup job are called after them. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

#define POINT_NAME_PREFIX "cairn-"
#define POINT_DISKS_MAX	  64 /* of one machine */

enum consistency {
	CONSISTENCY_CRASH,
	CONSISTENCY_APPLICATION,
	CONSISTENCY_BEST, /* only as a request: application where it can be had */
};
const char *consistency_name(enum consistency consistency);
/* INVALID. */
gboolean consistency_parse(const char *text, enum consistency *ret_value, GError **error);

struct point_disk {
	char *target;
	char *path; /* of the image on the host; for people and the manifest */
	char *format;
	guint64 size;	       /* bytes */
	gboolean tracked;      /* a bitmap of this point is (was) on it */
	gboolean changes;      /* extents changed since the previous point are in the store */
	guint64 changed_bytes; /* their sum, if `changes` */
	char *reason;	       /* why there are no changes or no tracking; NULL */
};

struct point_member {
	char *id; /* UUID */
	char *name;
	char *state;		      /* "running", "paused", "shutoff": at the point */
	char *uri;		      /* connection it was found at */
	enum consistency consistency; /* reached */
	char *reason;		      /* why it is lower than asked; NULL */
	gint64 stopped_at;	      /* its CPUs stood still; 0: it was not running */
	gint64 still_at;	      /* ... at the latest from here */
	gint64 begun_at;	      /* its data is held from here */
	gint64 resumed_at;
	gboolean agent;	      /* a guest agent answered when it was prepared */
	gboolean guest_state; /* it has UEFI variables or a TPM: saved inside the pause */
	char *socket;	      /* where its held data is served: a path or "tcp:HOST:PORT" */
	GPtrArray *disks;     /* struct point_disk */
};

struct point_export {
	char *directory;
	char *job; /* GUID */
	gint64 time;
};

struct point {
	char *id;
	char *group;
	guint64 number;
	gint64 created; /* the instant */
	char *prev;	/* the point before it in the group, whose bitmaps gave the changes; NULL */
	gboolean hidden; /* deleted by a person, kept because its changes or bitmap are needed */
	enum consistency requested, consistency;
	gboolean barrier; /* all members stood still together */
	gint64 pause_us;  /* first CPU stopped .. last CPU resumed */
	gint64 skew_us;	  /* within this time all members came to a standstill, or were begun */
	gint64 freeze_us; /* first freeze asked .. last thaw answered; 0: none */
	gboolean held;
	gint64 hold_until; /* 0: no limit */
	char *release_reason;
	GPtrArray *members; /* struct point_member */
	GPtrArray *exports; /* struct point_export */
	char **partials;    /* export folders with a resumable part of this point */
	gboolean unstored;  /* not stored: the store could not take the last change */
	guint64 version;
};

struct point *point_new(const char *id, const char *group);
void point_free(struct point *point);
CAIRN_DEFINE_AUTO(point, point_free)
struct point_member *point_add_member(struct point *point, const char *id, const char *name);
struct point_disk *point_add_disk(struct point_member *member, const char *target);
void point_add_export(struct point *point, const char *directory, const char *job, gint64 time);
gboolean point_has_export(const struct point *point, const char *directory);
/* The export in @directory is not there any more; FALSE: none was known. */
gboolean point_remove_export(struct point *point, const char *directory);
void point_set_partial(struct point *point, const char *directory, gboolean there);

struct point_member *point_find_member(const struct point *point, const char *vm_id);
struct point_disk *point_find_disk(const struct point_member *member, const char *target);

/* POINT_NAME_PREFIX INSTANCE "-" GUID; free with g_free(). @instance names this store, so that two
 * daemons on one host never take each other's checkpoints for leftovers. */
char *point_checkpoint_name(const char *instance, const char *point_id);
/* The store's id of one disk's changes: "POINT/VM/TARGET"; free with g_free(). */
char *point_extents_id(const char *point_id, const char *vm_id, const char *target);
/* Where an export of @point in @directory lies until it is whole: DIRECTORY/GROUP/.POINT.partial;
 * free with g_free(). */
char *point_staging_dir(const char *directory, const char *group, const char *point);
gboolean point_is_staging_dir(const char *path);
/* "Cairn:VM\TARGET", the disk's instance id in ExportedDisks; free with g_free(). */
char *point_disk_instance_id(const char *vm_id, const char *target);

/* pause, skew and consistency from the members' facts. */
void point_summarize(struct point *point);

json_t *point_to_json(const struct point *point);
struct point *point_from_json(const json_t *json, GError **error);
/* Full copies, but for the version. */
struct point *point_copy(const struct point *point);
struct point_member *point_member_copy(const struct point_member *member);
void point_member_free(struct point_member *member);
