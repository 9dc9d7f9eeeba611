/* Makes exports on disk for tests, with our own sinks and without any hypervisor: a group of two
 * VMs, "web one" with the disks vda and vdb and "db" with vda, whose contents are in memory to
 * compare with. */
#pragma once

#include "base/auto.h"
#include "image/digest.h"

#include <glib.h>
#include <jansson.h>

struct maker_options {
	const char *format; /* "qcow2" or "raw" */
	gboolean compress;
	enum digest_algorithm digest;
	guint64 size; /* of each disk, bytes */
	guint32 seed;
};

#define MAKER_DISKS 3

struct maker_point {
	char *id;
	char *path; /* of its folder */
	guint number;
	guint8 *disks[MAKER_DISKS]; /* contents at the point */
};

struct maker {
	struct maker_options options;
	char *dir; /* the export folder: a new temporary one */
	char *group_id;
	char *vm_ids[2];
	GRand *rand;
	guint8 *now[MAKER_DISKS];   /* contents now */
	guint8 *dirty[MAKER_DISKS]; /* a byte for each cluster, since the last point */
	GPtrArray *points;	    /* struct maker_point */
};

extern const char *const maker_vm_names[2];
extern const char *const maker_targets[MAKER_DISKS];
/* The VM of disk @disk: 0 or 1. */
guint maker_vm_of(guint disk);

struct maker *maker_new(const struct maker_options *options);
/* With a random seed that is told, and @points exports, each after a change: the first is full. */
struct maker *maker_chain(const char *format, gboolean compress, guint64 size, guint points);
/* Removes the folder as well. */
void maker_free(struct maker *maker);
CAIRN_DEFINE_AUTO(maker, maker_free)

/* A few random writes, zero-writes (a cluster or more) and partial zeroes on every disk. */
void maker_change(struct maker *maker);
/* Exports the point now: full when it is the first or @full. Borrowed. */
const struct maker_point *maker_export(struct maker *maker, gboolean full);

/* The path of a disk's image in the point, g_free(). */
char *maker_image(const struct maker *maker, const struct maker_point *point, guint disk);
/* The manifest as JSON, and back; what is put back gets a fresh checksum. */
json_t *maker_manifest(const struct maker_point *point);
void maker_put_manifest(const struct maker_point *point, const json_t *manifest);

/* Flips the lowest bit of one byte of a file. */
void maker_flip(const char *path, guint64 offset);
guint64 maker_file_size(const char *path);
