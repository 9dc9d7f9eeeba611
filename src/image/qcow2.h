/* The qcow2 version 3 format as far as our images use it (QEMU docs/interop/qcow2.txt). Our writer
 * makes these files in one direction, so that a reader can ask for more than qcow2 does:
 *
 *   cluster 0        header, header extensions, backing file name, zeroes (written last)
 *   then, for each 512 MiB of the guest's disk that carries a cluster, in ascending order:
 *                    its data, in the order of the guest's addresses; its L2 table
 *   then             the L1 table, the refcount blocks, the refcount table, end of the file
 *
 * Plain data and tables begin at a cluster. A compressed cluster (zstd) begins at a sector and is
 * filled with zeroes to a whole number of sectors, which is exactly what its L2 entry says; the gap
 * up to the next thing that begins at a cluster is less than a cluster and zero. So every byte of
 * the file is content, table or known zero. All numbers are big-endian. */
#pragma once

#include <glib.h>

#define QCOW2_MAGIC	       0x514649fbU
#define QCOW2_VERSION	       3
#define QCOW2_CLUSTER_BITS     16
#define QCOW2_CLUSTER	       (1U << QCOW2_CLUSTER_BITS)
#define QCOW2_SECTOR	       512U
#define QCOW2_L2_ENTRIES       (QCOW2_CLUSTER / 8)
#define QCOW2_L2_BYTES	       ((guint64)QCOW2_L2_ENTRIES * QCOW2_CLUSTER) /* 512 MiB of the guest */
#define QCOW2_REFCOUNT_ORDER   4					   /* 16 bits each */
#define QCOW2_REFBLOCK_ENTRIES (QCOW2_CLUSTER / 2)

/* Bits of the header's incompatible features. */
#define QCOW2_INCOMPAT_COMPRESSION (1ULL << 3)

/* Values of the header's compression_type. */
#define QCOW2_COMPRESSION_ZLIB 0
#define QCOW2_COMPRESSION_ZSTD 1

/* Header extensions: u32 type, u32 length, the bytes, filled up to 8. */
#define QCOW2_EXT_END	      0x00000000U
#define QCOW2_EXT_BACKING_FMT 0xe2792acaU

/* QEMU refuses longer names. */
#define QCOW2_BACKING_MAX 1023

/* L1 and L2 entries. */
#define QCOW2_COPIED	  (1ULL << 63) /* refcount is exactly one */
#define QCOW2_COMPRESSED  (1ULL << 62) /* L2 only */
#define QCOW2_ZERO	  (1ULL << 0)  /* L2 only: reads as zeroes */
#define QCOW2_OFFSET_MASK 0x00fffffffffffe00ULL

/* A compressed entry: offset in the low 62 - (CLUSTER_BITS - 8) = 54 bits, above it the number of
 * further 512-byte sectors after the one the offset is in. */
#define QCOW2_CSIZE_SHIFT  (62 - (QCOW2_CLUSTER_BITS - 8))
#define QCOW2_CSIZE_MASK   ((1ULL << (QCOW2_CLUSTER_BITS - 8)) - 1)
#define QCOW2_COFFSET_MASK ((1ULL << QCOW2_CSIZE_SHIFT) - 1)

/* The header on disk; the backing name follows the extensions and has no NUL. */
struct qcow2_header {
	guint32 magic;
	guint32 version;
	guint64 backing_offset; /* 0: none */
	guint32 backing_len;
	guint32 cluster_bits;
	guint64 size; /* of the guest's disk, bytes */
	guint32 crypt_method;
	guint32 l1_entries;
	guint64 l1_offset;
	guint64 refcount_table_offset;
	guint32 refcount_table_clusters;
	guint32 snapshots;
	guint64 snapshots_offset;
	guint64 incompatible;
	guint64 compatible;
	guint64 autoclear;
	guint32 refcount_order;
	guint32 header_length; /* QCOW2_HEADER_LENGTH */
	guint8 compression_type;
	guint8 padding[7];
} __attribute__((packed));

#define QCOW2_HEADER_LENGTH 112
G_STATIC_ASSERT(sizeof(struct qcow2_header) == QCOW2_HEADER_LENGTH);

/* Limits of what we write and read: 64 TiB of guest disk are 131072 L1 entries. */
#define QCOW2_SIZE_MAX (64ULL << 40)
#define QCOW2_L1_MAX   ((guint32)(QCOW2_SIZE_MAX / QCOW2_L2_BYTES))
