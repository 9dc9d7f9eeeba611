/* Exports under a retention; see retained.h. */
#include "retained.h"

#include "base/json.h"
#include "image/chain.h"
#include "image/verify.h"

#include <string.h>
#include <unistd.h>

void
retained_init(int *argc, char ***argv)
{
	/* Some thousand calls of fsync(2): in memory, where there is such a place. The peer tests
	 * have a disk. */
	if (access("/dev/shm", W_OK) == 0)
		g_setenv("TMPDIR", "/dev/shm", FALSE);
	g_test_init(argc, argv, NULL);
}

struct maker *
retained_make(const char *format, gboolean compress, guint points)
{
	return maker_chain(format, compress, RETAINED_SIZE, points);
}

const struct maker_point *
retained_point(const struct maker *maker, guint i)
{
	return g_ptr_array_index(maker->points, i);
}

char *
retained_dir(const struct maker *maker)
{
	return g_build_filename(maker->dir, maker->group_id, NULL);
}

gboolean
retained_exists(const struct maker *maker, guint i)
{
	return g_file_test(retained_point(maker, i)->path, G_FILE_TEST_IS_DIR);
}

/* Names in the group's folder, hidden ones too. */
guint
retained_names(const struct maker *maker)
{
	g_autofree char *dir = retained_dir(maker);
	g_autoptr(GDir) listing = g_dir_open(dir, 0, NULL);
	guint n = 0;
	while (g_dir_read_name(listing))
		n++;
	return n;
}

struct retain_plan *
retained_plan(const struct maker *maker, const struct retention *retention)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GTimeZone) zone = g_time_zone_new_utc();
	g_autofree char *dir = retained_dir(maker);
	struct retain_plan *made = retain_plan_new(dir, retention, zone, &error);
	g_assert_no_error(error);
	return made;
}

gboolean
retained_run(const struct maker *maker, const struct retention *retention,
	     const struct retain_options *options, GError **error)
{
	g_autofree char *dir = retained_dir(maker);
	struct retain_result result;
	g_assert_true(retain_recover(dir, NULL));
	cairn_auto(retain_plan) made = retained_plan(maker, retention);
	return retain_run(made, options, &result, error);
}

void
retained_run_well(const struct maker *maker, const struct retention *retention)
{
	g_autoptr(GError) error = NULL;
	retained_run(maker, retention, NULL, &error);
	g_assert_no_error(error);
}

/* As restore reads it, every digest compared. */
static void
assert_disk(const struct maker *maker, const struct maker_point *point, guint disk)
{
	g_autoptr(GError) error = NULL;
	guint64 size = maker->options.size;
	cairn_auto(chain) chain = chain_new(point->path, TRUE, &error);
	g_assert_no_error(error);
	cairn_auto(layers) layers = layers_open(chain, maker->vm_ids[maker_vm_of(disk)],
						maker_targets[disk], TRUE, &error);
	g_assert_no_error(error);
	g_autofree guint8 *buffer = g_malloc(DIGEST_BLOCK), *whole = g_malloc(DIGEST_BLOCK);
	for (guint64 begin = 0; begin < size; begin += DIGEST_BLOCK) {
		guint16 data;
		g_assert_true(layers_read(layers, begin / DIGEST_BLOCK, buffer, &data, &error));
		memset(whole, 0, DIGEST_BLOCK);
		for (guint i = 0; i < DIGEST_PER_BLOCK; i++)
			if (data >> i & 1)
				memcpy(whole + i * DIGEST_CLUSTER, buffer + i * DIGEST_CLUSTER,
				       DIGEST_CLUSTER);
		g_assert_true(memcmp(whole, point->disks[disk] + begin,
				     MIN(DIGEST_BLOCK, size - begin)) == 0);
	}
}

void
retained_assert_restores(const struct maker *maker, guint i)
{
	for (guint disk = 0; disk < MAKER_DISKS; disk++)
		assert_disk(maker, retained_point(maker, i), disk);
}

/* Everything there is sound, and nothing else is there. */
void
retained_assert_sound(const struct maker *maker, guint points)
{
	g_autoptr(GError) error = NULL;
	struct verify_report *report = NULL;
	g_autofree char *dir = retained_dir(maker);
	const struct verify_options options = {.no_qemu_img = TRUE};
	verify_export(dir, &options, &report, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < report->findings->len; i++) {
		const struct verify_finding *finding = report->findings->pdata[i];
		g_test_message("%s: %s", finding->path, finding->what);
	}
	g_assert_cmpuint(report->errors, ==, 0);
	g_assert_cmpuint(report->warnings, ==, 0);
	verify_report_free(report);
	g_assert_cmpuint(retained_names(maker), ==, points);
}

void
retained_set_created(const struct maker_point *point, const char *created)
{
	g_autoptr(json_t) manifest = maker_manifest(point);
	cairn_json_set_string(json_object_get(manifest, "point"), "created", created);
	maker_put_manifest(point, manifest);
}
