/* verify: a sound export is sound, and every kind of damage is found and named. */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "export_maker.h"
#include "image/manifest.h"
#include "image/verify.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DISK_SIZE (3 * 1048576 + 5 * 65536 + 512)
#define STEP	  4096
#define RANDOM	  60

static const struct verify_options quick = {.no_qemu_img = TRUE};

static struct verify_report *
verify(const char *dir)
{
	g_autoptr(GError) error = NULL;
	struct verify_report *report = NULL;
	g_assert_true(verify_export(dir, &quick, &report, &error));
	g_assert_no_error(error);
	return report;
}

static void
assert_sound(const char *dir)
{
	cairn_auto(verify_report) report = verify(dir);
	for (guint i = 0; i < report->findings->len; i++) {
		const struct verify_finding *f = g_ptr_array_index(report->findings, i);
		g_test_message("%s: %s", f->path, f->what);
	}
	g_assert_cmpuint(report->errors + report->warnings, ==, 0);
}

/* There is an error, and the file it was put in is named first or, for a link, at all. */
static void
assert_found(const char *dir, const char *path)
{
	cairn_auto(verify_report) report = verify(dir);
	gboolean named = FALSE;
	for (guint i = 0; i < report->findings->len; i++) {
		const struct verify_finding *f = g_ptr_array_index(report->findings, i);
		named |= f->severity == VERIFY_ERROR && g_str_has_suffix(path, f->path);
	}
	if (!named) {
		g_autofree char *text = json_dumps(verify_report_json(report), JSON_INDENT(1));
		g_test_message("%s is not named in %s", path, text);
	}
	g_assert_true(named);
}

static struct maker *
three_points(const char *format, gboolean compress, enum digest_algorithm digest)
{
	guint32 seed = g_test_rand_int();
	struct maker_options options = {format, compress, digest, DISK_SIZE, seed};
	g_test_message("seed %u", seed);
	struct maker *maker = maker_new(&options);
	for (guint i = 0; i < 3; i++) {
		maker_change(maker);
		maker_export(maker, FALSE);
	}
	return maker;
}

static const struct maker_point *
point_at(const struct maker *maker, guint i)
{
	return g_ptr_array_index(maker->points, i);
}

static void
flip_and_verify(const struct maker *maker, const char *path, guint64 offset)
{
	/* Only the point's own folder, as the damage is there. */
	g_autofree char *vm = g_path_get_dirname(path);
	g_autofree char *dir = g_path_get_dirname(vm);
	maker_flip(path, offset);
	cairn_auto(verify_report) report = NULL;
	struct verify_options options = {.no_qemu_img = TRUE, .no_chain = TRUE, .threads = 1};
	g_assert_true(verify_export(dir, &options, &report, NULL));
	if (report->errors == 0)
		g_test_message("a flip at byte %" G_GUINT64_FORMAT " of %s was not found", offset,
			       path);
	g_assert_cmpuint(report->errors, >, 0);
	const struct verify_finding *first = g_ptr_array_index(report->findings, 0);
	g_assert_true(g_str_has_suffix(path, first->path));
	maker_flip(path, offset);
}

static void
flip_image(const struct maker *maker, const char *path)
{
	guint64 size = maker_file_size(path);
	for (guint64 offset = 0; offset < size; offset += STEP)
		flip_and_verify(maker, path, offset);
	for (guint i = 0; i < RANDOM; i++)
		flip_and_verify(maker, path, (guint64)g_test_rand_int() % size);
	flip_and_verify(maker, path, size - 1);
}

static void
check_flips(const char *format, gboolean compress, enum digest_algorithm digest)
{
	cairn_auto(maker) maker = three_points(format, compress, digest);
	assert_sound(maker->dir);
	for (guint i = 0; i < 2; i++) {
		g_autofree char *path = maker_image(maker, point_at(maker, i), 0);
		flip_image(maker, path);
	}
	assert_sound(maker->dir);
}

static void
test_flip_qcow2(void)
{
	check_flips("qcow2", FALSE, DIGEST_XXH3);
}

static void
test_flip_compressed(void)
{
	check_flips("qcow2", TRUE, DIGEST_SHA256);
}

static void
test_flip_raw(void)
{
	check_flips("raw", FALSE, DIGEST_XXH3);
}

/* Every byte of every small file, the manifest and its checksum among them. */
static void
test_flip_small(void)
{
	struct maker_options options = {"qcow2", FALSE, DIGEST_XXH3, 200000, 1};
	cairn_auto(maker) maker = maker_new(&options);
	const struct maker_point *point = maker_export(maker, TRUE);
	const char *names[] = {MANIFEST_NAME, MANIFEST_SUM, "%/config.xml", "%/runtime.json",
			       "%/guest-state/one_VARS.fd"};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GString) name = g_string_new(names[i]);
		g_string_replace(name, "%", maker->vm_ids[0], 1);
		g_autofree char *path = g_build_filename(point->path, name->str, NULL);
		guint64 size = maker_file_size(path);
		for (guint64 offset = 0; offset < size; offset++) {
			maker_flip(path, offset);
			cairn_auto(verify_report) report = verify(point->path);
			g_assert_cmpuint(report->errors, >, 0);
			maker_flip(path, offset);
		}
	}
	assert_sound(maker->dir);
}

static void
test_truncated_and_missing(void)
{
	cairn_auto(maker) maker = three_points("qcow2", FALSE, DIGEST_XXH3);
	for (guint i = 0; i < 3; i++) {
		g_autofree char *path = maker_image(maker, point_at(maker, i), i);
		g_autofree char *aside = g_strconcat(maker->dir, "-aside", NULL);
		g_assert_cmpint(g_rename(path, aside), ==, 0);
		assert_found(maker->dir, path);
		g_autofree char *data = NULL;
		gsize len;
		g_assert_true(g_file_get_contents(aside, &data, &len, NULL));
		const gsize cuts[] = {0,     1,	      512,	   65535,  65536,
				      65537, len / 2, len - 65536, len - 1};
		for (guint k = 0; k < G_N_ELEMENTS(cuts); k++) {
			g_assert_true(g_file_set_contents(path, data, (gssize)cuts[k], NULL));
			assert_found(maker->dir, path);
		}
		g_autofree char *longer = g_malloc0(len + 1);
		memcpy(longer, data, len);
		g_assert_true(g_file_set_contents(path, longer, (gssize)len + 1, NULL));
		assert_found(maker->dir, path);
		g_assert_cmpint(g_rename(aside, path), ==, 0);
	}
	assert_sound(maker->dir);
}

static void
swap(const char *a, const char *b)
{
	g_assert_cmpint(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE), ==, 0);
}

static void
test_swapped(void)
{
	cairn_auto(maker) maker = three_points("raw", FALSE, DIGEST_XXH3);
	g_autofree char *a = maker_image(maker, point_at(maker, 0), 0);
	g_autofree char *b = maker_image(maker, point_at(maker, 0), 1);
	swap(a, b);
	assert_found(maker->dir, a);
	assert_found(maker->dir, b);
	swap(a, b);
	assert_sound(maker->dir);
	/* Two points' folders. */
	swap(point_at(maker, 0)->path, point_at(maker, 1)->path);
	cairn_auto(verify_report) report = verify(maker->dir);
	g_assert_cmpuint(report->errors, >=, 2);
}

static void
test_broken_chain(void)
{
	cairn_auto(maker) maker = three_points("qcow2", FALSE, DIGEST_XXH3);
	const struct maker_point *full = point_at(maker, 0), *top = point_at(maker, 2);
	g_autofree char *first = maker_image(maker, point_at(maker, 1), 0);
	g_autofree char *aside = g_strconcat(maker->dir, "-aside", NULL);
	g_assert_cmpint(g_rename(full->path, aside), ==, 0);
	assert_found(maker->dir, first);
	assert_found(top->path, first);
	g_assert_cmpint(g_rename(aside, full->path), ==, 0);
	assert_sound(top->path);
	/* The base has the disk with another size. */
	g_autoptr(json_t) json = maker_manifest(full);
	json_t *disk = json_array_get(
		json_object_get(json_array_get(json_object_get(json, "vms"), 0), "disks"), 0);
	json_object_set_new(disk, "id", json_string("another"));
	maker_put_manifest(full, json);
	assert_found(maker->dir, first);
}

static void
test_strays(void)
{
	cairn_auto(maker) maker = three_points("qcow2", FALSE, DIGEST_XXH3);
	g_autofree char *stray = g_build_filename(point_at(maker, 1)->path, "note.txt", NULL);
	g_autofree char *partial = g_strdup_printf("%s/%s/.%s.partial", maker->dir, maker->group_id,
						   "0A0A0A0A-0000-4000-8000-000000000000");
	g_assert_true(g_file_set_contents(stray, "x", 1, NULL));
	g_assert_cmpint(g_mkdir(partial, 0700), ==, 0);
	cairn_auto(verify_report) report = verify(maker->dir);
	g_assert_cmpuint(report->errors, ==, 0);
	g_assert_cmpuint(report->warnings, ==, 2);
	g_assert_cmpuint(report->points, ==, 3);
	g_assert_cmpuint(report->images, ==, 9);
	/* A link instead of an image is never followed. */
	g_autofree char *path = maker_image(maker, point_at(maker, 0), 0);
	g_autofree char *aside = g_strconcat(path, ".moved", NULL);
	g_assert_cmpint(g_rename(path, aside), ==, 0);
	g_assert_cmpint(symlink(aside, path), ==, 0);
	assert_found(maker->dir, path);
}

static void
test_missing_manifest(void)
{
	cairn_auto(maker) maker = three_points("qcow2", FALSE, DIGEST_XXH3);
	const struct maker_point *point = point_at(maker, 1);
	g_autofree char *path = g_build_filename(point->path, MANIFEST_NAME, NULL);
	g_assert_cmpint(g_unlink(path), ==, 0);
	assert_found(maker->dir, path);
	assert_found(point->path, path);
}

static void
count_progress(const struct verify_progress *progress, void *data)
{
	guint64 *last = data;
	g_assert_cmpuint(progress->done, >=, *last);
	g_assert_cmpuint(progress->done, <=, progress->total);
	*last = progress->done;
}

static void
test_progress_and_cancel(void)
{
	cairn_auto(maker) maker = three_points("qcow2", TRUE, DIGEST_XXH3);
	g_autoptr(GCancellable) cancel = g_cancellable_new();
	g_autoptr(GError) error = NULL;
	guint64 last = 0;
	struct verify_options options = {.no_qemu_img = TRUE,
					 .cancel = cancel,
					 .progress = count_progress,
					 .progress_data = &last};
	cairn_auto(verify_report) report = NULL;
	g_assert_true(verify_export(maker->dir, &options, &report, &error));
	g_assert_cmpuint(last, >, 0);
	g_autoptr(json_t) json = verify_report_json(report);
	g_assert_cmpint(json_integer_value(json_object_get(json, "images")), ==, 9);
	g_cancellable_cancel(cancel);
	cairn_auto(verify_report) none = NULL;
	g_assert_false(verify_export(maker->dir, &options, &none, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_CANCELLED);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/verify/flip/qcow2", test_flip_qcow2);
	g_test_add_func("/verify/flip/compressed", test_flip_compressed);
	g_test_add_func("/verify/flip/raw", test_flip_raw);
	g_test_add_func("/verify/flip/small", test_flip_small);
	g_test_add_func("/verify/truncated-and-missing", test_truncated_and_missing);
	g_test_add_func("/verify/swapped", test_swapped);
	g_test_add_func("/verify/broken-chain", test_broken_chain);
	g_test_add_func("/verify/strays", test_strays);
	g_test_add_func("/verify/missing-manifest", test_missing_manifest);
	g_test_add_func("/verify/progress-and-cancel", test_progress_and_cancel);
	return g_test_run();
}
