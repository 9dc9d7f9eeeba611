/* core: which stored changes lie between two points, and the numbers of a point. */
#include "core/chain.h"

/* A history under test, oldest first. */
struct history {
	GPtrArray *points;
};

static struct point *
add_point(struct history *history, guint64 size)
{
	g_autofree char *id = g_strdup_printf("point-%u", history->points->len + 1);
	struct point *prev = chain_newest(history->points);
	struct point *point = point_new(id, "group");
	point->number = history->points->len + 1;
	point->prev = g_strdup(prev ? prev->id : NULL);
	struct point_disk *disk = point_add_disk(point_add_member(point, "vm", "db"), "vda");
	disk->size = size;
	disk->tracked = TRUE;
	disk->changes = prev != NULL;
	g_ptr_array_add(history->points, point);
	return point;
}

static struct point_disk *
disk_of(struct point *point)
{
	return point_find_disk(point_find_member(point, "vm"), "vda");
}

static void
set_up(struct history *history, gconstpointer data)
{
	history->points = g_ptr_array_new_with_free_func((GDestroyNotify)point_free);
	for (guint i = 0; i < 6; i++)
		add_point(history, 1 << 20);
}

static void
tear_down(struct history *history, gconstpointer data)
{
	g_ptr_array_unref(history->points);
}

static void
check_path(struct history *history, guint point, guint base, const char *want)
{
	char *reason = NULL;
	g_autoptr(GPtrArray) path =
		chain_changes(history->points, history->points->pdata[point - 1],
			      history->points->pdata[base - 1], "vm", "vda", &reason);
	g_assert_null(reason);
	g_assert_nonnull(path);
	g_autoptr(GString) got = g_string_new(NULL);
	for (guint i = 0; i < path->len; i++)
		g_string_append_printf(got, "%u", (guint)((struct point *)path->pdata[i])->number);
	g_assert_cmpstr(got->str, ==, want);
}

static void
check_broken(struct history *history, guint point, guint base, const char *target, const char *word)
{
	char *reason = NULL;
	g_autoptr(GPtrArray) path =
		chain_changes(history->points, history->points->pdata[point - 1],
			      history->points->pdata[base - 1], "vm", target, &reason);
	g_assert_null(path);
	if (!reason || !strstr(reason, word))
		g_error("\"%s\" does not say \"%s\"", reason, word);
	g_free(reason);
}

static void
test_paths(struct history *history, gconstpointer data)
{
	check_path(history, 2, 1, "2");
	check_path(history, 6, 1, "65432");
	check_path(history, 4, 2, "43");
	check_path(history, 3, 3, "");
	/* Hidden ones still carry their changes. */
	((struct point *)history->points->pdata[2])->hidden = TRUE;
	check_path(history, 6, 1, "65432");
}

static void
test_broken(struct history *history, gconstpointer data)
{
	check_broken(history, 1, 6, "vda", "does not come before");
	check_broken(history, 6, 1, "vdb", "not part of");
	disk_of(history->points->pdata[3])->changes = FALSE;
	disk_of(history->points->pdata[3])->reason = g_strdup("bitmap lost");
	check_broken(history, 6, 1, "vda", "bitmap lost");
	check_path(history, 6, 4, "65"); /* what came after the gap is well */
	check_broken(history, 4, 3, "vda", "point 4");
	disk_of(history->points->pdata[1])->size = 1 << 19;
	check_broken(history, 3, 1, "vda", "resized");
	check_broken(history, 3, 2, "vda", "resized");
	check_broken(history, 2, 1, "vda", "resized");
}

/* The base was deleted from the store, or the prev links are damaged. */
static void
test_lost(struct history *history, gconstpointer data)
{
	struct point *stranger = point_new("stranger", "group");
	disk_of(history->points->pdata[0])->size = 1 << 20;
	point_add_disk(point_add_member(stranger, "vm", "db"), "vda")->size = 1 << 20;
	char *reason = NULL;
	g_autoptr(GPtrArray) path = chain_changes(history->points, history->points->pdata[5],
						  stranger, "vm", "vda", &reason);
	/* The first point has no changes, so this is where the walk ends. */
	g_assert_null(path);
	g_assert_nonnull(reason);
	g_free(reason);
	/* A circle ends. */
	struct point *first = history->points->pdata[0];
	first->prev = g_strdup("point-6");
	disk_of(first)->changes = TRUE;
	path = chain_changes(history->points, history->points->pdata[5], stranger, "vm", "vda",
			     &reason);
	g_assert_null(path);
	g_free(reason);
	point_free(stranger);
	/* A disk that left and came back has a gap. */
	g_ptr_array_set_size(point_find_member(history->points->pdata[2], "vm")->disks, 0);
	check_broken(history, 6, 2, "vda", "not part of point 3");
	g_ptr_array_set_size(((struct point *)history->points->pdata[2])->members, 0);
	check_broken(history, 6, 2, "vda", "not part of point 3");
}

static void
test_newest(struct history *history, gconstpointer data)
{
	struct point *last = history->points->pdata[5];
	last->hidden = TRUE;
	g_assert_true(chain_newest(history->points) == last);
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_assert_null(chain_newest(none));
}

/* ---- a point's numbers ---- */

static void
add_times(struct point *point, gint64 stopped, gint64 begun, gint64 resumed,
	  enum consistency consistency)
{
	struct point_member *member = point_add_member(point, "vm", "db");
	member->stopped_at = stopped;
	member->still_at = stopped ? stopped + 5 : 0;
	member->begun_at = begun;
	member->resumed_at = resumed;
	member->consistency = consistency;
}

static void
test_summary(void)
{
	cairn_auto(point) point = point_new("p", "g");
	point->barrier = TRUE;
	add_times(point, 100, 130, 150, CONSISTENCY_APPLICATION);
	add_times(point, 110, 120, 170, CONSISTENCY_APPLICATION);
	point_summarize(point);
	g_assert_cmpint(point->pause_us, ==, 70);
	g_assert_cmpint(point->skew_us, ==, 15);  /* 100: the first is told, 115: the last stands */
	g_assert_cmpint(point->created, ==, 115); /* the last CPU stands still */
	g_assert_cmpint(point->consistency, ==, CONSISTENCY_APPLICATION);
	add_times(point, 0, 90, 0, CONSISTENCY_CRASH); /* paused by a person */
	point_summarize(point);
	g_assert_cmpint(point->pause_us, ==, 70);
	g_assert_cmpint(point->consistency, ==, CONSISTENCY_CRASH);
	point->barrier = FALSE;
	point_summarize(point);
	g_assert_cmpint(point->skew_us, ==, 40);
	g_assert_cmpint(point->created, ==, 130);
	/* Nobody ran: no pause. */
	cairn_auto(point) off = point_new("p", "g");
	off->barrier = TRUE;
	add_times(off, 0, 200, 0, CONSISTENCY_APPLICATION);
	point_summarize(off);
	g_assert_cmpint(off->pause_us, ==, 0);
	g_assert_cmpint(off->created, ==, 200);
}

static void
test_names(void)
{
	g_autofree char *checkpoint = point_checkpoint_name("12345678", "GUID");
	g_assert_cmpstr(checkpoint, ==, "cairn-12345678-GUID");
	g_autofree char *extents = point_extents_id("P", "V", "vda");
	g_assert_cmpstr(extents, ==, "P/V/vda");
	g_autofree char *disk = point_disk_instance_id("V", "vda");
	g_assert_cmpstr(disk, ==, "Cairn:V\\vda");
	g_autofree char *staging = point_staging_dir("/exports", "G", "P");
	g_assert_cmpstr(staging, ==, "/exports/G/.P.partial");
	g_assert_true(point_is_staging_dir(staging));
	g_assert_false(point_is_staging_dir("/exports"));
	g_assert_false(point_is_staging_dir("/exports/G/P"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/core/chain/" name, struct history, NULL, set_up, fn, tear_down)
	ADD("paths", test_paths);
	ADD("broken", test_broken);
	ADD("lost", test_lost);
	ADD("newest", test_newest);
	g_test_add_func("/core/point/summary", test_summary);
	g_test_add_func("/core/point/names", test_names);
	return g_test_run();
}
