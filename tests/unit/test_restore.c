/* restore: what comes out is what the disks held at each point; nothing is replaced or left behind.
 */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "export_maker.h"
#include "image/domain_xml.h"
#include "image/export_list.h"
#include "image/image.h"
#include "image/restore.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define DISK_SIZE (4 * 1048576 + 3 * 65536 + 1024)
#define POINTS	  12

/* A folder that is not there yet. */
static char *
out_folder(const struct maker *maker)
{
	return g_strconcat(maker->dir, "/out", NULL);
}

static struct restore_result *
restore(const struct restore_options *options)
{
	g_autoptr(GError) error = NULL;
	struct restore_result *result = NULL;
	restore_export(options, &result, &error);
	g_assert_no_error(error);
	return result;
}

static void
assert_fails(const struct restore_options *options, int code)
{
	g_autoptr(GError) error = NULL;
	struct restore_result *result = NULL;
	g_assert_false(restore_export(options, &result, &error));
	g_assert_error(error, CAIRN_ERROR, code);
	g_assert_null(result);
}

static const struct restored_file *
find(const struct restore_result *result, enum restored_kind kind, const char *vm,
     const char *target)
{
	for (guint i = 0; i < result->files->len; i++) {
		const struct restored_file *file = g_ptr_array_index(result->files, i);
		if (file->kind == kind && strcmp(file->vm_name, vm) == 0 &&
		    g_strcmp0(file->target, target) == 0)
			return file;
	}
	return NULL;
}

/* Reads a restored image, raw or qcow2, with our own reader. */
static void
assert_contents(const char *path, enum manifest_format format, const guint8 *expected, guint64 size)
{
	g_autoptr(GError) error = NULL;
	struct manifest_disk disk = {
		.format = format, .size = size, .file_size = maker_file_size(path)};
	cairn_auto(image) image = image_open(open(path, O_RDONLY | O_CLOEXEC), &disk, &error);
	g_assert_no_error(error);
	cairn_auto(image_cursor) cursor = image_cursor_new(image);
	g_autofree guint8 *buffer = g_malloc(DIGEST_BLOCK);
	for (guint64 block = 0; block < image_blocks(image); block++) {
		struct image_block found;
		guint64 begin = block * DIGEST_BLOCK, len = MIN(DIGEST_BLOCK, size - begin);
		memset(buffer, 0, DIGEST_BLOCK);
		g_assert_true(image_read(cursor, block, G_MAXUINT16, buffer, NULL, &found, &error));
		g_assert_true(memcmp(buffer, expected + begin, len) == 0);
	}
}

static void
restore_and_compare(const struct maker *maker, const struct maker_point *point,
		    enum manifest_format format, gboolean no_verify)
{
	g_autofree char *out = out_folder(maker);
	struct restore_options options = {.dir = maker->dir,
					  .point = point->id,
					  .to = out,
					  .format = format,
					  .no_verify = no_verify};
	cairn_auto(restore_result) result = restore(&options);
	for (guint i = 0; i < MAKER_DISKS; i++) {
		const char *vm = maker_vm_names[maker_vm_of(i)];
		const struct restored_file *file =
			find(result, RESTORED_DISK, vm, maker_targets[i]);
		g_assert_nonnull(file);
		assert_contents(file->path, format, point->disks[i], maker->options.size);
	}
	g_assert_true(cairn_remove_tree(out, NULL));
}

static void
check_chain(const char *format, gboolean compress, guint64 size)
{
	cairn_auto(maker) maker = maker_chain(format, compress, size, POINTS);
	for (guint i = 0; i < POINTS; i++) {
		const struct maker_point *point = g_ptr_array_index(maker->points, i);
		restore_and_compare(maker, point, MANIFEST_RAW, FALSE);
		restore_and_compare(maker, point, MANIFEST_QCOW2, i % 2 == 0);
	}
}

static void
test_chain_qcow2(void)
{
	check_chain("qcow2", FALSE, DISK_SIZE);
}

static void
test_chain_compressed(void)
{
	check_chain("qcow2", TRUE, DISK_SIZE + 512);
}

static void
test_chain_raw(void)
{
	check_chain("raw", FALSE, 1048576 + 1001);
}

static void
test_full_in_between(void)
{
	cairn_auto(maker) maker = maker_chain("qcow2", FALSE, DISK_SIZE, 2);
	maker_change(maker);
	const struct maker_point *full = maker_export(maker, TRUE);
	maker_change(maker);
	const struct maker_point *top = maker_export(maker, FALSE);
	const struct maker_point *first = g_ptr_array_index(maker->points, 0);
	/* What lies below the full is not needed. */
	g_assert_true(cairn_remove_tree(first->path, NULL));
	restore_and_compare(maker, full, MANIFEST_RAW, FALSE);
	restore_and_compare(maker, top, MANIFEST_RAW, FALSE);
}

static void
test_choosing(void)
{
	cairn_auto(maker) maker = maker_chain("qcow2", FALSE, 300000, 3);
	g_autofree char *out = out_folder(maker);
	const char *const points[] = {"latest", "3", "shop@3", "shop@latest", NULL};
	const char *vms[] = {"db", NULL}, *disks[] = {"web one:vdb", NULL};
	const char *wrong_vms[] = {"db", "dbx", NULL}, *wrong_disks[] = {"db:vdb", NULL};
	struct restore_options options = {.dir = maker->dir, .to = out, .vms = (char **)vms};
	for (guint i = 0; i < G_N_ELEMENTS(points); i++) {
		options.point = points[i];
		cairn_auto(restore_result) result = restore(&options);
		g_assert_cmpuint(result->point_number, ==, 3);
		g_assert_cmpuint(result->files->len, ==, 3);
		g_assert_true(cairn_remove_tree(out, NULL));
	}
	options.vms = NULL;
	options.disks = (char **)disks;
	cairn_auto(restore_result) result = restore(&options);
	g_assert_nonnull(find(result, RESTORED_DISK, "web one", "vdb"));
	g_assert_null(find(result, RESTORED_DISK, "web one", "vda"));
	g_assert_null(find(result, RESTORED_CONFIG, "db", NULL));
	assert_fails(&options, CAIRN_ERROR_EXISTS);
	g_assert_true(cairn_remove_tree(out, NULL));
	options.disks = (char **)wrong_disks;
	assert_fails(&options, CAIRN_ERROR_NOT_FOUND);
	options.disks = NULL;
	options.vms = (char **)wrong_vms;
	assert_fails(&options, CAIRN_ERROR_NOT_FOUND);
	options.vms = NULL;
	options.point = "shop@4";
	assert_fails(&options, CAIRN_ERROR_NOT_FOUND);
	g_assert_false(g_file_test(out, G_FILE_TEST_EXISTS));
}

static void
test_damage_leaves_nothing(void)
{
	cairn_auto(maker) maker = maker_chain("qcow2", FALSE, DISK_SIZE, 3);
	g_autofree char *out = out_folder(maker), *deep = g_build_filename(out, "a/b", NULL);
	g_autofree char *image = maker_image(maker, g_ptr_array_index(maker->points, 0), 2);
	g_autofree char *base = maker_image(maker, g_ptr_array_index(maker->points, 1), 2);
	g_autoptr(GError) error = NULL;
	struct restore_options options = {.dir = maker->dir, .to = deep};
	struct restore_result *result = NULL;
	/* The first data cluster lies behind the header; the last disk is the one that is damaged.
	 */
	maker_flip(base, 65536 + 100);
	maker_flip(image, 65536 + 100);
	g_assert_false(restore_export(&options, &result, &error));
	/* With no data in the image a table lies there: then it is the file's form that is wrong.
	 */
	g_assert_true(g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_IO) ||
		      g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_INVALID));
	g_assert_true(strstr(error->message, base) || strstr(error->message, image));
	g_assert_false(g_file_test(out, G_FILE_TEST_EXISTS));
	maker_flip(image, 65536 + 100);
	maker_flip(base, 65536 + 100);
	restore_and_compare(maker, g_ptr_array_index(maker->points, 2), MANIFEST_RAW, FALSE);
	/* A file where a folder must go. */
	g_assert_true(g_file_set_contents(out, "", 0, NULL));
	assert_fails(&options, CAIRN_ERROR_NOT_FOUND);
	g_autoptr(GCancellable) cancel = g_cancellable_new();
	g_cancellable_cancel(cancel);
	options.cancel = cancel;
	options.to = maker->dir;
	assert_fails(&options, CAIRN_ERROR_CANCELLED);
}

static void
test_config(void)
{
	cairn_auto(maker) maker = maker_chain("qcow2", FALSE, 200000, 1);
	g_autofree char *out = out_folder(maker);
	struct restore_options options = {.dir = maker->dir, .to = out, .name_suffix = "-restored"};
	cairn_auto(restore_result) result = restore(&options);
	const struct restored_file *config = find(result, RESTORED_CONFIG, "web one", NULL);
	const struct restored_file *original =
		find(result, RESTORED_ORIGINAL_CONFIG, "web one", NULL);
	g_autofree char *xml = NULL, *old = NULL;
	g_assert_true(g_file_get_contents(config->path, &xml, NULL, NULL));
	g_assert_true(g_file_get_contents(original->path, &old, NULL, NULL));
	g_test_message("%s", xml);
	g_autofree char *vda = g_strdup_printf("<source file=\"%s/web one/vda.qcow2\"/>", out);
	g_autofree char *nvram = g_strdup_printf("%s/web one/guest-state/one_VARS.fd</nvram>", out);
	g_assert_nonnull(strstr(xml, vda));
	g_assert_nonnull(strstr(xml, nvram));
	g_assert_nonnull(strstr(xml, "<name>web one-restored</name>"));
	g_assert_null(strstr(xml, "/srv/a"));
	g_assert_null(strstr(xml, "protocol"));
	g_assert_null(strstr(xml, "<mac"));
	g_assert_null(strstr(xml, "<uuid"));
	g_assert_nonnull(strstr(xml, "cdrom"));
	g_assert_nonnull(strstr(old, "/srv/a&amp;b.qcow2"));
	g_autoptr(json_t) json = restore_result_json(result);
	g_assert_cmpuint(json_array_size(json_object_get(json, "files")), ==, result->files->len);
	g_autoptr(GError) error = NULL;
	struct domain_xml_changes none = {.disks = g_ptr_array_new()};
	g_assert_null(domain_xml_rewrite("<network/>", 10, &none, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_ptr_array_unref((GPtrArray *)none.disks);
}

static void
test_list(void)
{
	cairn_auto(maker) maker = maker_chain("qcow2", FALSE, 200000, 3);
	g_autoptr(GError) error = NULL;
	enum export_level level;
	g_autoptr(GPtrArray) all = export_list(maker->dir, &level, &error);
	g_assert_cmpint(level, ==, EXPORT_ROOT);
	g_assert_cmpuint(all->len, ==, 3);
	const struct export_entry *newest = export_list_newest(all, maker->group_id);
	const struct maker_point *last = g_ptr_array_index(maker->points, 2);
	g_assert_cmpstr(newest->point_id, ==, last->id);
	g_assert_cmpuint(newest->bytes, >, 0);
	g_autofree char *group = g_build_filename(maker->dir, maker->group_id, NULL);
	g_autoptr(GPtrArray) of_group = export_list(group, &level, &error);
	g_assert_cmpint(level, ==, EXPORT_GROUP);
	g_assert_cmpuint(of_group->len, ==, 3);
	g_autoptr(GPtrArray) one = export_list(last->path, &level, &error);
	g_assert_cmpint(level, ==, EXPORT_POINT);
	g_assert_cmpuint(one->len, ==, 1);
	/* A point that was carried elsewhere alone is still itself. */
	g_autofree char *usb = g_build_filename(maker->dir, "usb", NULL);
	const struct maker_point *first = g_ptr_array_index(maker->points, 0);
	g_assert_cmpint(g_rename(first->path, usb), ==, 0);
	g_autoptr(GPtrArray) moved = export_list(usb, &level, &error);
	const struct export_entry *entry = g_ptr_array_index(moved, 0);
	g_assert_cmpstr(entry->point_id, ==, first->id);
	g_autofree char *none = g_build_filename(maker->dir, "none", NULL);
	g_assert_null(export_list(none, NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
}

/* Two groups of one name: only the GUID tells them apart. */
static void
test_two_groups(void)
{
	cairn_auto(maker) maker = maker_chain("qcow2", FALSE, 200000, 2);
	cairn_auto(maker) other = maker_chain("raw", FALSE, 200000, 1);
	g_autofree char *from = g_build_filename(other->dir, other->group_id, NULL);
	g_autofree char *to = g_build_filename(maker->dir, other->group_id, NULL);
	g_autofree char *out = out_folder(maker);
	struct restore_options options = {.dir = maker->dir, .to = out, .point = "shop@1"};
	g_assert_cmpint(g_rename(from, to), ==, 0);
	assert_fails(&options, CAIRN_ERROR_INVALID);
	options.group = other->group_id;
	options.point = "1";
	cairn_auto(restore_result) result = restore(&options);
	g_assert_cmpstr(result->group_id, ==, other->group_id);
	g_assert_true(cairn_remove_tree(out, NULL));
	/* Only one group has a second point. */
	options.group = "shop";
	options.point = "2";
	cairn_auto(restore_result) second = restore(&options);
	g_assert_cmpstr(second->group_id, ==, maker->group_id);
	options.group = maker->group_id;
	options.point = "elsewhere@2";
	assert_fails(&options, CAIRN_ERROR_NOT_FOUND);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/restore/chain/qcow2", test_chain_qcow2);
	g_test_add_func("/restore/chain/compressed", test_chain_compressed);
	g_test_add_func("/restore/chain/raw", test_chain_raw);
	g_test_add_func("/restore/full-in-between", test_full_in_between);
	g_test_add_func("/restore/choosing", test_choosing);
	g_test_add_func("/restore/damage-leaves-nothing", test_damage_leaves_nothing);
	g_test_add_func("/restore/config", test_config);
	g_test_add_func("/restore/list", test_list);
	g_test_add_func("/restore/two-groups", test_two_groups);
	return g_test_run();
}
