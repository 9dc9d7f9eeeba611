/* The reader against images that lie: each header field and each table entry in turn. */
#include "base/error.h"
#include "export_maker.h"
#include "image/qcow2.h"
#include "image/qcow2_check.h"
#include "image/qcow2_read.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DISK_SIZE 700000

struct fixture {
	struct maker *maker;
	guint8 *data;
	gsize len;
};

static void
set_up(struct fixture *fixture, gconstpointer compress)
{
	struct maker_options options = {"qcow2", compress != NULL, DIGEST_XXH3, DISK_SIZE, 5};
	fixture->maker = maker_new(&options);
	maker_change(fixture->maker);
	maker_export(fixture->maker, FALSE);
	maker_change(fixture->maker);
	const struct maker_point *point = maker_export(fixture->maker, FALSE);
	g_autofree char *path = maker_image(fixture->maker, point, 0);
	g_assert_true(g_file_get_contents(path, (char **)&fixture->data, &fixture->len, NULL));
}

static void
tear_down(struct fixture *fixture, gconstpointer compress)
{
	maker_free(fixture->maker);
	g_free(fixture->data);
}

static struct qcow2_file *
open_bytes(const guint8 *data, gsize len, GError **error)
{
	int fd = memfd_create("qcow2", MFD_CLOEXEC);
	g_assert_cmpint(write(fd, data, len), ==, (gssize)len);
	return qcow2_open(fd, error);
}

static void
test_header(struct fixture *fixture, gconstpointer compress)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(qcow2_file) file = open_bytes(fixture->data, fixture->len, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(file->size, ==, (DISK_SIZE + 511) / 512 * 512);
	g_assert_true(g_str_has_prefix(file->backing, "../../"));
	g_assert_cmpstr(file->backing_format, ==, "qcow2");
	g_assert_cmpint(file->zstd, ==, compress != NULL);
	g_assert_cmpuint(file->l1_entries, ==, 1);
}

#define FIELD(name, value)                                                 \
	{                                                                  \
#name, offsetof(struct qcow2_header, name),                \
			sizeof(((struct qcow2_header *)NULL)->name), value \
	}

static void
test_bad_fields(struct fixture *fixture, gconstpointer compress)
{
	const struct {
		const char *name;
		gsize offset, size;
		guint64 value;
	} fields[] = {
		FIELD(magic, 0),
		FIELD(version, 2),
		FIELD(version, 4),
		FIELD(backing_offset, 1),
		FIELD(backing_offset, 65536),
		FIELD(backing_offset, G_MAXUINT64),
		FIELD(backing_len, 1024),
		FIELD(backing_len, 0),
		FIELD(backing_len, G_MAXUINT32),
		FIELD(cluster_bits, 9),
		FIELD(cluster_bits, 63),
		FIELD(size, G_MAXUINT64),
		FIELD(size, (guint64)65 << 40),
		FIELD(size, QCOW2_L2_BYTES + 1), /* needs two L1 entries */
		FIELD(crypt_method, 2),
		FIELD(l1_entries, 0),
		FIELD(l1_entries, G_MAXUINT32),
		FIELD(l1_offset, 0),
		FIELD(l1_offset, 8),
		FIELD(l1_offset, G_MAXUINT64 - 65535),
		FIELD(l1_offset, (guint64)1 << 40),
		FIELD(refcount_table_offset, 0),
		FIELD(refcount_table_offset, 65537),
		FIELD(refcount_table_clusters, G_MAXUINT32),
		FIELD(snapshots, 1),
		FIELD(incompatible, 1),
		FIELD(incompatible, 2),
		FIELD(incompatible, 4),
		FIELD(incompatible, 16),
		FIELD(incompatible, compress ? 0 : QCOW2_INCOMPAT_COMPRESSION),
		FIELD(refcount_order, 6),
		FIELD(header_length, 0),
		FIELD(header_length, 72),
		FIELD(header_length, G_MAXUINT32 - 7),
		FIELD(compression_type, 2),
	};
	for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
		g_autofree guint8 *data = g_memdup2(fixture->data, fixture->len);
		g_autoptr(GError) error = NULL;
		guint64 value = GUINT64_TO_BE(fields[i].value);
		memcpy(data + fields[i].offset, (guint8 *)&value + 8 - fields[i].size,
		       fields[i].size);
		g_assert_null(open_bytes(data, fixture->len, &error));
		g_test_message("%s: %s", fields[i].name, error->message);
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	}
}

static void
test_bad_entries(struct fixture *fixture, gconstpointer compress)
{
	const guint64 entries[] = {
		2,
		65536,					 /* without the bit that it is its own */
		QCOW2_COPIED,				 /* the header */
		QCOW2_COPIED | 512,			 /* not at a cluster */
		QCOW2_COPIED | 1 | 65536,		 /* zero, with a place of its own */
		QCOW2_COPIED | (guint64)1 << 60 | 65536, /* a reserved bit */
		QCOW2_COPIED | (guint64)1 << 40,
		QCOW2_COPIED | QCOW2_OFFSET_MASK,
		QCOW2_COMPRESSED,
		QCOW2_COMPRESSED | QCOW2_COPIED | 65536,
		QCOW2_COMPRESSED | 65537,
		QCOW2_COMPRESSED | QCOW2_COFFSET_MASK,
		G_MAXUINT64,
	};
	cairn_auto(qcow2_file) file = open_bytes(fixture->data, fixture->len, NULL);
	struct qcow2_cluster cluster;
	for (guint i = 0; i < G_N_ELEMENTS(entries); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(qcow2_decode(file, GUINT64_TO_BE(entries[i]), &cluster, &error));
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	}
	g_assert_true(qcow2_decode(file, 0, &cluster, NULL));
	g_assert_cmpint(cluster.kind, ==, QCOW2_ABSENT);
	g_assert_true(qcow2_decode(file, GUINT64_TO_BE(QCOW2_ZERO), &cluster, NULL));
	g_assert_cmpint(cluster.kind, ==, QCOW2_ZEROES);
	guint64 stored = QCOW2_COMPRESSED | (guint64)1 << QCOW2_CSIZE_SHIFT | 65536;
	g_assert_cmpint(qcow2_decode(file, GUINT64_TO_BE(stored), &cluster, NULL), ==,
			compress != NULL);
	if (compress) {
		g_assert_cmpint(cluster.kind, ==, QCOW2_STORED);
		g_assert_cmpuint(cluster.length, ==, 1024);
	}
}

static void
count_problem(guint64 offset, guint64 length, const char *what, void *data)
{
	++*(guint *)data;
}

/* A file cut at any sector is refused or found by the walk. */
static void
test_cut(struct fixture *fixture, gconstpointer compress)
{
	for (gsize len = 0; len < fixture->len; len += 512) {
		cairn_auto(qcow2_file) file = open_bytes(fixture->data, len, NULL);
		guint problems = 0;
		guint8 digest[DIGEST_MAX];
		if (file)
			g_assert_true(!qcow2_check(file, DIGEST_XXH3, count_problem, &problems,
						   digest, NULL) ||
				      problems > 0);
	}
}

static void
test_stray_cluster(struct fixture *fixture, gconstpointer compress)
{
	g_autofree guint8 *data = g_malloc0(fixture->len + QCOW2_CLUSTER);
	memcpy(data, fixture->data, fixture->len);
	cairn_auto(qcow2_file) file = open_bytes(data, fixture->len + QCOW2_CLUSTER, NULL);
	guint problems = 0;
	guint8 digest[DIGEST_MAX];
	g_assert_true(qcow2_check(file, DIGEST_XXH3, count_problem, &problems, digest, NULL));
	g_assert_cmpuint(problems, ==, 1);
}

/* Frames that are cut off, too long, too short, or ask for too much memory. */
static void
test_unpack(void)
{
	struct qcow2_unpacker *unpacker = qcow2_unpacker_new();
	g_autofree guint8 *out = g_malloc(QCOW2_CLUSTER);
	/* RFC 8878 3.1.1: magic, descriptor, window descriptor (1 GiB), a last RLE block of 1 byte.
	 */
	const guint8 huge[512] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x0b, 0x00, 0x00, 'x'};
	const guint8 tiny[512] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x01, 0x0b, 0x00, 0x00, 'x'};
	const guint8 none[512] = {0};
	const guint8 *const inputs[] = {huge, tiny, none};
	for (guint i = 0; i < G_N_ELEMENTS(inputs); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(qcow2_unpack(unpacker, inputs[i], 512, out, &error));
		g_test_message("%s", error->message);
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
		g_assert_false(qcow2_unpack(unpacker, inputs[i], 5, out, NULL));
	}
	qcow2_unpacker_free(unpacker);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	static const struct {
		const char *name;
		void (*run)(struct fixture *, gconstpointer);
	} tests[] = {{"header", test_header},
		     {"bad-fields", test_bad_fields},
		     {"bad-entries", test_bad_entries},
		     {"cut", test_cut},
		     {"stray-cluster", test_stray_cluster}};
	for (guint i = 0; i < 2 * G_N_ELEMENTS(tests); i++) {
		const char *kind = i % 2 ? "compressed" : NULL;
		g_autofree char *path = g_strdup_printf("/qcow2-read/%s/%s", kind ? kind : "plain",
							tests[i / 2].name);
		g_test_add(path, struct fixture, kind, set_up, tests[i / 2].run, tear_down);
	}
	g_test_add_func("/qcow2-read/unpack", test_unpack);
	return g_test_run();
}
