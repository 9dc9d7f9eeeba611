/* retain: what is kept can be restored whatever happens on the way, and the folder stays small. */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "image/manifest.h"
#include "retained.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- well ---- */

/* As a schedule runs it, for ever: the folder holds three exports, one of them full. */
static void
check_every_day(const char *format, gboolean compress)
{
	const struct retention retention = {.last = 3};
	cairn_auto(maker) maker = retained_make(format, compress, 0);
	for (guint i = 0; i < 12; i++) {
		maker_change(maker);
		maker_export(maker, FALSE);
		retained_run_well(maker, &retention);
		for (guint k = 0; k <= i; k++) {
			g_assert_cmpint(retained_exists(maker, k), ==, k + 3 > i);
			if (retained_exists(maker, k))
				retained_assert_restores(maker, k);
		}
		retained_assert_sound(maker, MIN(3, i + 1));
	}
	g_autoptr(json_t) manifest = maker_manifest(retained_point(maker, 9));
	g_assert_true(json_is_null(json_object_get(manifest, "base")));
	const json_t *merged = json_object_get(manifest, "merged");
	g_assert_cmpint(json_integer_value(json_object_get(merged, "exports")), ==, 1);
	g_assert_nonnull(json_object_get(merged, "at"));
}

static void
test_every_day_qcow2(void)
{
	check_every_day("qcow2", FALSE);
}

static void
test_every_day_compressed(void)
{
	check_every_day("qcow2", TRUE);
}

static void
test_every_day_raw(void)
{
	check_every_day("raw", FALSE);
}

/* Three a day over four days, one a day kept: what lies between two kept ones is merged into the
 * later one, which stays an increment. */
static void
check_in_the_middle(gboolean compress)
{
	const struct retention retention = {.daily = 3};
	cairn_auto(maker) maker = retained_make("qcow2", compress, 12);
	for (guint i = 0; i < 12; i++) {
		g_autofree char *created =
			g_strdup_printf("2026-11-%02uT%02u:00:00Z", i / 3 + 1, i % 3 * 8);
		retained_set_created(retained_point(maker, i), created);
	}
	retained_run_well(maker, &retention);
	retained_assert_sound(maker, 3);
	for (guint i = 5; i < 12; i += 3) {
		g_autoptr(json_t) manifest = maker_manifest(retained_point(maker, i));
		const json_t *base = json_object_get(manifest, "base");
		const char *id = json_string_value(json_object_get(base, "id"));
		g_assert_cmpstr(id, ==, i == 5 ? NULL : retained_point(maker, i - 3)->id);
		retained_assert_restores(maker, i);
	}
	retained_run_well(maker, &retention); /* nothing is left to do */
	retained_assert_sound(maker, 3);
}

static void
test_in_the_middle(void)
{
	check_in_the_middle(FALSE);
	check_in_the_middle(TRUE);
}

/* A full export in between: the chain before it goes as a whole, without a merge. */
static void
test_two_chains(void)
{
	const struct retention retention = {.last = 2};
	cairn_auto(maker) maker = retained_make("qcow2", FALSE, 3);
	maker_change(maker);
	maker_export(maker, TRUE);
	maker_change(maker);
	maker_export(maker, FALSE);
	cairn_auto(retain_plan) made = retained_plan(maker, &retention);
	g_assert_cmpuint(made->merged, ==, 0);
	g_assert_cmpuint(made->deleted, ==, 3);
	retained_run_well(maker, &retention);
	retained_assert_sound(maker, 2);
	retained_assert_restores(maker, 3);
	retained_assert_restores(maker, 4);
}

/* What is shown beforehand. */
static void
test_plan(void)
{
	const struct retention retention = {.last = 2};
	cairn_auto(maker) maker = retained_make("qcow2", FALSE, 4);
	cairn_auto(retain_plan) made = retained_plan(maker, &retention);
	g_autoptr(json_t) json = retain_plan_json(made);
	static const char *const actions[] = {"delete", "delete", "merge", "keep"};
	static const char *const reasons[] = {NULL, NULL, "last 2 of 2", "last 1 of 2"};
	for (guint i = 0; i < 4; i++) {
		const json_t *entry = json_array_get(json_object_get(json, "exports"), i);
		const json_t *into = json_object_get(entry, "into");
		g_assert_cmpstr(json_string_value(json_object_get(entry, "action")), ==,
				actions[i]);
		g_assert_cmpstr(json_string_value(json_object_get(entry, "reason")), ==,
				reasons[i]);
		if (i < 2)
			g_assert_cmpint(json_integer_value(json_object_get(into, "number")), ==, 3);
	}
	g_assert_cmpuint(made->kept, ==, 2);
	g_assert_cmpuint(made->merged, ==, 1);
	g_assert_cmpuint(made->deleted, ==, 2);
	g_assert_cmpuint(made->written, >, 0);
	g_assert_cmpuint(retained_names(maker), ==, 4);
	struct retain_result result;
	g_assert_true(retain_run(made, NULL, &result, NULL));
	/* What was estimated was no less than what was written. */
	g_assert_cmpuint(result.written, <=, made->written);
	g_assert_cmpuint(result.removed, ==, made->removed);
	g_assert_cmpuint(result.merged, ==, 1);
	g_assert_cmpuint(result.deleted, ==, 2);
}

struct told {
	guint calls;
	guint64 done, total;
};

static void
on_progress(const struct retain_progress *progress, void *data)
{
	struct told *told = data;
	g_assert_cmpuint(progress->done, >=, told->done);
	g_assert_cmpuint(progress->done, <=, progress->total);
	told->calls++;
	told->done = progress->done;
	told->total = progress->total;
}

static void
test_progress(void)
{
	const struct retention retention = {.last = 1};
	struct told told = {0};
	guint64 rate = 64 << 20;
	const struct retain_options options = {
		.progress = on_progress, .progress_data = &told, .rate = &rate};
	cairn_auto(maker) maker = retained_make("qcow2", TRUE, 3);
	g_assert_true(retained_run(maker, &retention, &options, NULL));
	g_assert_cmpuint(told.calls, >=, 2);
	g_assert_cmpuint(told.total, >, 0);
	g_assert_cmpuint(told.done, ==, told.total);
	retained_assert_sound(maker, 1);
}

/* ---- trouble in the folder ---- */

/* The full export is damaged where the kept one needs it: nothing is merged, nothing goes. */
static void
test_damaged_image(void)
{
	const struct retention retention = {.last = 2};
	g_autoptr(GError) error = NULL;
	cairn_auto(maker) maker = retained_make("qcow2", FALSE, 1);
	maker_export(maker, FALSE); /* nothing changed: all is read from the first */
	maker_export(maker, FALSE);
	g_autofree char *image = maker_image(maker, retained_point(maker, 0), 0);
	maker_flip(image, 65536 + 77);
	g_assert_false(retained_run(maker, &retention, NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_IO);
	g_assert_nonnull(strstr(error->message, "point 2: disk \"web one:vda\": "));
	g_assert_cmpuint(retained_names(maker), ==, 3);
	maker_flip(image, 65536 + 77);
	retained_run_well(maker, &retention);
	retained_assert_sound(maker, 2);
}

static const struct retain_entry *
entry_of(const struct retain_plan *made, const char *point)
{
	for (guint i = 0; i < made->entries->len; i++) {
		const struct retain_entry *entry = made->entries->pdata[i];
		if (strcmp(entry->export->point_id, point) == 0)
			return entry;
	}
	return NULL;
}

/* What cannot be read is left alone and named, and keeps nobody from being kept. */
static void
test_damaged_manifest(void)
{
	const struct retention retention = {.last = 2};
	cairn_auto(maker) maker = retained_make("qcow2", FALSE, 3);
	maker_export(maker, TRUE);
	maker_export(maker, FALSE);
	maker_export(maker, FALSE);
	g_autofree char *name =
		g_build_filename(retained_point(maker, 1)->path, "manifest.json", NULL);
	g_assert_true(g_file_set_contents(name, "{", -1, NULL));
	cairn_auto(retain_plan) made = retained_plan(maker, &retention);
	const struct retain_entry *damaged = entry_of(made, retained_point(maker, 1)->id);
	const struct retain_entry *above = entry_of(made, retained_point(maker, 2)->id);
	g_assert_cmpint(damaged->action, ==, RETENTION_LEAVE);
	g_assert_nonnull(damaged->reason);
	g_assert_cmpint(above->action, ==, RETENTION_LEAVE);
	g_assert_cmpuint(made->left, ==, 2);
	retained_run_well(maker, &retention);
	const gboolean expected[] = {FALSE, TRUE, TRUE, FALSE, TRUE, TRUE};
	for (guint i = 0; i < 6; i++)
		g_assert_cmpint(retained_exists(maker, i), ==, expected[i]);
	retained_assert_restores(maker, 4);
	retained_assert_restores(maker, 5);
}

/* One disk of the newest cannot be read through its base: it is left, and what it is based on stays
 * for its other disks. */
static void
test_broken_link(void)
{
	const struct retention retention = {.last = 1};
	cairn_auto(maker) maker = retained_make("qcow2", FALSE, 4);
	g_autoptr(json_t) manifest = maker_manifest(retained_point(maker, 2));
	json_t *disks =
		json_object_get(json_array_get(json_object_get(manifest, "vms"), 0), "disks");
	json_array_remove(disks, 1);
	maker_put_manifest(retained_point(maker, 2), manifest);
	cairn_auto(retain_plan) made = retained_plan(maker, &retention);
	const struct retain_entry *top = entry_of(made, retained_point(maker, 3)->id);
	g_assert_cmpint(top->action, ==, RETENTION_LEAVE);
	g_assert_nonnull(strstr(top->reason, "does not have this disk"));
	g_assert_cmpuint(made->deleted, ==, 0);
	g_assert_cmpuint(made->kept, ==, 3);
}

static void
test_foreign(void)
{
	const struct retention retention = {.last = 1};
	cairn_auto(maker) maker = retained_make("qcow2", FALSE, 2);
	g_autofree char *dir = retained_dir(maker);
	g_autofree char *readme = g_build_filename(dir, "README", NULL);
	g_autofree char *other = g_build_filename(dir, "lost+found", NULL);
	g_autofree char *partial =
		g_build_filename(dir, ".A3C0E8B2-6B6E-4F53-9D1A-2E5B8C7D6F10.partial", NULL);
	g_assert_true(g_file_set_contents(readme, "x", -1, NULL));
	g_assert_cmpint(g_mkdir(other, 0700), ==, 0);
	g_assert_cmpint(g_mkdir(partial, 0700), ==, 0);
	retained_run_well(maker, &retention);
	g_assert_true(g_file_test(readme, G_FILE_TEST_EXISTS));
	g_assert_true(g_file_test(other, G_FILE_TEST_EXISTS));
	g_assert_true(g_file_test(partial, G_FILE_TEST_EXISTS));
	retained_assert_restores(maker, 1);
	g_assert_cmpuint(retained_names(maker), ==, 4);
}

static void
test_wrong_folder(void)
{
	const struct retention retention = {.last = 1};
	g_autoptr(GError) error = NULL;
	g_autoptr(GTimeZone) zone = g_time_zone_new_utc();
	cairn_auto(maker) maker = retained_make("qcow2", FALSE, 2);
	g_assert_null(retain_plan_new(maker->dir, &retention, zone, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_null(retain_plan_new(retained_point(maker, 0)->path, &retention, zone, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_null(retain_plan_new("/no/such/folder", &retention, zone, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
}

static void
test_busy(void)
{
	const struct retention retention = {.last = 1};
	g_autoptr(GError) error = NULL;
	cairn_auto(maker) maker = retained_make("qcow2", FALSE, 2);
	g_autofree char *dir = retained_dir(maker);
	cairn_auto(retain_plan) made = retained_plan(maker, &retention);
	CAIRN_AUTO_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct retain_result result;
	g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);
	g_assert_false(retain_run(made, NULL, &result, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY);
	retained_assert_sound(maker, 2);
}

/* No image may become so large: as on a full disk, what was begun is removed again. */
static void
test_no_space(void)
{
	const struct retention retention = {.last = 1};
	const struct rlimit small = {.rlim_cur = 256 << 10, .rlim_max = RLIM_INFINITY};
	struct rlimit before;
	g_autoptr(GError) error = NULL;
	cairn_auto(maker) maker = retained_make("qcow2", FALSE, 4);
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
	gboolean ok = retained_run(maker, &retention, NULL, &error);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
	g_assert_false(ok);
	g_assert_cmpint(cairn_error_code(error), !=, CAIRN_ERROR_CANCELLED);
	g_assert_nonnull(strstr(error->message, "point 4: disk "));
	retained_assert_sound(maker, 4);
	for (guint i = 0; i < 4; i++)
		retained_assert_restores(maker, i);
}

int
main(int argc, char **argv)
{
	retained_init(&argc, &argv);
	g_test_add_func("/retain/every-day/qcow2", test_every_day_qcow2);
	g_test_add_func("/retain/every-day/compressed", test_every_day_compressed);
	g_test_add_func("/retain/every-day/raw", test_every_day_raw);
	g_test_add_func("/retain/in-the-middle", test_in_the_middle);
	g_test_add_func("/retain/two-chains", test_two_chains);
	g_test_add_func("/retain/plan", test_plan);
	g_test_add_func("/retain/progress", test_progress);
	g_test_add_func("/retain/damaged-image", test_damaged_image);
	g_test_add_func("/retain/damaged-manifest", test_damaged_manifest);
	g_test_add_func("/retain/broken-link", test_broken_link);
	g_test_add_func("/retain/foreign", test_foreign);
	g_test_add_func("/retain/wrong-folder", test_wrong_folder);
	g_test_add_func("/retain/busy", test_busy);
	g_test_add_func("/retain/no-space", test_no_space);
	return g_test_run();
}
