/* The layout of a qcow2 file and the digest of its tables; see qcow2_check.h. */
#include "image/qcow2_check.h"

#include "base/error.h"
#include "image/qcow2.h"

#include <string.h>

struct walk {
	const struct qcow2_file *file;
	enum digest_algorithm algorithm;
	qcow2_problem_fn problem;
	void *data;
	guint64 end;	     /* of the pieces seen so far, bytes into the file */
	gboolean lost;	     /* a piece was out of place: the places of the others mean nothing */
	GByteArray *digests; /* of the clusters of tables, in the order of digest.h */
	guint8 *cluster;     /* QCOW2_CLUSTER bytes of scratch */
};

static guint64
align_up(guint64 offset)
{
	return (offset + QCOW2_CLUSTER - 1) & ~(guint64)(QCOW2_CLUSTER - 1);
}

/* The bytes between two pieces are filling and must be zero. */
static gboolean
check_gap(struct walk *walk, guint64 begin, guint64 end, GError **error)
{
	gsize len = (gsize)(end - begin);
	if (len == 0)
		return TRUE;
	if (!qcow2_pread(walk->file->fd, walk->cluster, len, begin, error))
		return FALSE;
	for (gsize i = 0; i < len; i++) {
		if (walk->cluster[i] == 0)
			continue;
		walk->problem(begin + i, 1, "a filling byte is not zero", walk->data);
		break;
	}
	return TRUE;
}

/* The piece [@offset, @offset + @len) must come next: at the next sector when @packed, else at the
 * next cluster. */
static gboolean
claim(struct walk *walk, guint64 offset, guint64 len, gboolean packed, GError **error)
{
	guint64 expected = packed ? walk->end : align_up(walk->end);
	if (walk->lost)
		return TRUE;
	if (offset != expected) {
		walk->lost = TRUE;
		g_autofree char *what = g_strdup_printf(
			"the piece at byte %" G_GUINT64_FORMAT " should be at %" G_GUINT64_FORMAT
			": clusters are missing, stray or used twice",
			offset, expected);
		walk->problem(MIN(offset, expected), 0, what, walk->data);
		return TRUE;
	}
	guint64 begin = walk->end;
	walk->end = offset + len;
	return check_gap(walk, begin, offset, error);
}

static void
add_digest(struct walk *walk, const void *cluster)
{
	guint8 digest[DIGEST_MAX];
	digest_bytes(walk->algorithm, cluster, QCOW2_CLUSTER, digest);
	g_byte_array_append(walk->digests, digest, (guint)digest_length(walk->algorithm));
}

/* Adds the digests of the table's clusters; @offset was checked by qcow2_open() for @len. */
static gboolean
digest_table(struct walk *walk, guint64 offset, guint64 len, GError **error)
{
	for (guint64 at = 0; at < len; at += QCOW2_CLUSTER) {
		if (!qcow2_pread(walk->file->fd, walk->cluster, QCOW2_CLUSTER, offset + at, error))
			return FALSE;
		add_digest(walk, walk->cluster);
	}
	return TRUE;
}

static gboolean
walk_entries(struct walk *walk, guint32 index, const guint64 *table, GError **error)
{
	guint64 disk_end = align_up(walk->file->size) / QCOW2_CLUSTER;
	gboolean empty = TRUE;
	for (guint32 i = 0; i < QCOW2_L2_ENTRIES; i++) {
		struct qcow2_cluster cluster;
		if (!qcow2_decode(walk->file, table[i], &cluster, error))
			return FALSE;
		if (cluster.kind == QCOW2_ABSENT)
			continue;
		empty = FALSE;
		if ((guint64)index * QCOW2_L2_ENTRIES + i >= disk_end)
			walk->problem(walk->file->l1[index] + i * 8, 8,
				      "a cluster lies behind the end of the disk", walk->data);
		if (cluster.kind != QCOW2_ZEROES && !claim(walk, cluster.offset, cluster.length,
							   cluster.kind == QCOW2_STORED, error))
			return FALSE;
	}
	if (empty)
		walk->problem(walk->file->l1[index], QCOW2_CLUSTER, "an L2 table is empty",
			      walk->data);
	return TRUE;
}

static gboolean
walk_l2_tables(struct walk *walk, GError **error)
{
	g_autofree guint64 *table = g_malloc(QCOW2_CLUSTER);
	for (guint32 i = 0; i < walk->file->l1_entries; i++) {
		if (walk->file->l1[i] == 0)
			continue;
		if (!qcow2_read_l2(walk->file, i, table, error) ||
		    !walk_entries(walk, i, table, error) ||
		    !claim(walk, walk->file->l1[i], QCOW2_CLUSTER, FALSE, error)) {
			g_prefix_error(error, "L2 table %u: ", i);
			return FALSE;
		}
		add_digest(walk, table);
	}
	return TRUE;
}

/* The blocks come in the order of the refcount table, without a gap in the table. */
static gboolean
walk_refcount_blocks(struct walk *walk, GError **error)
{
	const struct qcow2_file *file = walk->file;
	g_autofree guint64 *table = g_malloc(QCOW2_CLUSTER);
	for (guint32 c = 0; c < file->refcount_table_clusters; c++) {
		guint64 at = file->refcount_table_offset + (guint64)c * QCOW2_CLUSTER;
		if (!qcow2_pread(file->fd, table, QCOW2_CLUSTER, at, error))
			return FALSE;
		for (guint32 i = 0; i < QCOW2_L2_ENTRIES; i++) {
			guint64 offset = GUINT64_FROM_BE(table[i]);
			if (offset == 0)
				continue;
			if (offset % QCOW2_CLUSTER != 0 || offset > file->file_size ||
			    file->file_size - offset < QCOW2_CLUSTER) {
				g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
					    "entry %u of the refcount table is damaged", i);
				return FALSE;
			}
			if (!claim(walk, offset, QCOW2_CLUSTER, FALSE, error) ||
			    !digest_table(walk, offset, QCOW2_CLUSTER, error))
				return FALSE;
		}
	}
	return TRUE;
}

/* Layout order and digest order differ (the L1 table is digested before the L2 tables but lies
 * behind them): digests are added as digest.h says, pieces claimed as they lie. */
static gboolean
walk_file(struct walk *walk, GError **error)
{
	const struct qcow2_file *file = walk->file;
	guint64 l1_len = align_up((guint64)file->l1_entries * 8);
	guint64 table_len = (guint64)file->refcount_table_clusters * QCOW2_CLUSTER;
	if (file->l1_entries > 0 && file->l1_offset + l1_len > file->file_size) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "the L1 table is cut off");
		return FALSE;
	}
	if (!digest_table(walk, 0, QCOW2_CLUSTER, error) ||
	    !digest_table(walk, file->l1_offset, l1_len, error) || !walk_l2_tables(walk, error) ||
	    (l1_len > 0 && !claim(walk, file->l1_offset, l1_len, FALSE, error)) ||
	    !digest_table(walk, file->refcount_table_offset, table_len, error) ||
	    !walk_refcount_blocks(walk, error) ||
	    !claim(walk, file->refcount_table_offset, table_len, FALSE, error))
		return FALSE;
	if (!walk->lost && walk->end != file->file_size)
		walk->problem(walk->end, file->file_size - walk->end, "bytes behind the last table",
			      walk->data);
	return TRUE;
}

gboolean
qcow2_check(const struct qcow2_file *file, enum digest_algorithm algorithm,
	    qcow2_problem_fn problem, void *data, guint8 *ret_digest, GError **error)
{
	g_autoptr(GByteArray) digests = g_byte_array_new();
	g_autofree guint8 *cluster = g_malloc(QCOW2_CLUSTER);
	struct walk walk = {.file = file,
			    .algorithm = algorithm,
			    .problem = problem,
			    .data = data,
			    .end = QCOW2_CLUSTER,
			    .digests = digests,
			    .cluster = cluster};
	if (!walk_file(&walk, error))
		return FALSE;
	digest_bytes(algorithm, digests->data, digests->len, ret_digest);
	return TRUE;
}
