/* The pure parts of a copy: what is planned, how fast it may go, what the journal remembers. */
#include "base/error.h"
#include "base/file.h"
#include "image/journal.h"
#include "image/plan.h"
#include "image/rate.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define CLUSTER DIGEST_CLUSTER

static void
test_plan_full(void)
{
	cairn_auto(plan) plan = plan_new(DIGEST_BLOCK + 1000, FALSE);
	g_assert_cmpuint(plan_blocks(plan), ==, 2);
	plan_allocated(plan, CLUSTER - 1, 2);
	plan_allocated(plan, DIGEST_BLOCK + 5, G_MAXUINT64);
	plan_dirty(plan, 0, G_MAXUINT64);
	struct plan_block block = plan_block(plan, 0);
	g_assert_cmphex(block.read, ==, 0x3);
	g_assert_cmphex(block.zero, ==, 0);
	g_assert_cmphex(plan_block(plan, 1).read, ==, 0x1);
	g_assert_cmpuint(plan_bytes(plan, 1, 1), ==, 1000);
	g_assert_cmpuint(plan_total(plan, 2), ==, 2 * CLUSTER + 1000);
}

/* What changed and is zero now is never dropped; what changed in part is read whole. */
static void
test_plan_increment(void)
{
	cairn_auto(plan) plan = plan_new(3 * DIGEST_BLOCK, TRUE);
	plan_allocated(plan, 0, 2 * CLUSTER);
	plan_allocated(plan, 5 * CLUSTER + 10, 1);
	plan_dirty(plan, CLUSTER, 3 * CLUSTER);
	plan_dirty(plan, 5 * CLUSTER, 512);
	plan_dirty(plan, 15 * CLUSTER, 18 * CLUSTER);
	struct plan_block block = plan_block(plan, 0);
	g_assert_cmphex(block.read, ==, 1 << 1 | 1 << 5);
	g_assert_cmphex(block.zero, ==, 1 << 2 | 1 << 3 | 1 << 15);
	g_assert_cmphex(plan_block(plan, 1).zero, ==, 0xffff);
	g_assert_cmphex(plan_block(plan, 2).zero, ==, 0x1);
	plan_base(plan, 0, DIGEST_BLOCK);
	block = plan_block(plan, 0);
	g_assert_cmphex(block.base, ==, 0x7fd1);
	g_assert_cmphex(plan_block(plan, 1).base, ==, 0);
	g_assert_cmpuint(plan_total(plan, 3), ==, 13 * CLUSTER);
}

/* A simulated second at a limit moves that second's bytes, give or take the made-up quarter. */
static void
test_rate(void)
{
	struct rate rate;
	guint64 moved = 0;
	gint64 now = 1000;
	rate_set(&rate, 0, now);
	g_assert_cmpint(rate_take(&rate, G_MAXUINT64, now), ==, 0);
	rate_set(&rate, 10 << 20, now);
	while (now < 1000 + 10 * G_USEC_PER_SEC) {
		gint64 wait = rate_take(&rate, 1 << 20, now);
		if (wait == 0)
			moved += 1 << 20;
		now += MAX(wait, 1);
	}
	g_assert_cmpuint(moved, >=, 99 << 20);
	g_assert_cmpuint(moved, <=, 104 << 20);
	/* After idling for long no more than a quarter of a second comes at once. */
	now += G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC;
	for (moved = 0; rate_take(&rate, 1 << 16, now) == 0;)
		moved += 1 << 16;
	g_assert_cmpuint(moved, <=, 3 << 20);
	rate_set(&rate, 1, now);
	g_assert_cmpint(rate_take(&rate, G_MAXUINT64, now), ==, 0);
	g_assert_cmpint(rate_take(&rate, 1, now), >, 0);
}

struct fixture {
	char *dir;
	char *path;
};

static void
setup(struct fixture *fixture, gconstpointer data)
{
	fixture->dir = g_dir_make_tmp("cairn-journal-XXXXXX", NULL);
	fixture->path = g_build_filename(fixture->dir, "state", NULL);
}

static void
teardown(struct fixture *fixture, gconstpointer data)
{
	g_assert_true(cairn_remove_tree(fixture->dir, NULL));
	g_free(fixture->dir);
	g_free(fixture->path);
}

static void
append(struct journal *journal, guint32 first, guint n, guint32 next)
{
	g_autoptr(GArray) records = g_array_new(FALSE, TRUE, sizeof(struct journal_record));
	for (guint i = 0; i < n; i++) {
		struct journal_record record;
		memset(&record, 0, sizeof record);
		record.index = first + i;
		record.data = 0xff;
		g_array_append_val(records, record);
	}
	g_assert_true(journal_append(journal, records, next, NULL));
}

/* Number of records and the block to go on from; -1: not usable. */
static int
load(const struct fixture *fixture, const char *identity, guint32 *ret_next)
{
	g_autoptr(GArray) records = NULL;
	cairn_auto(journal) journal = journal_open(fixture->path, NULL);
	g_assert_nonnull(journal);
	return journal_load(journal, identity, &records, ret_next) ? (int)records->len : -1;
}

static void
write_journal(const struct fixture *fixture)
{
	cairn_auto(journal) journal = journal_open(fixture->path, NULL);
	g_assert_true(journal_reset(journal, "me", NULL));
	append(journal, 0, 3, 7);
	append(journal, 7, 2, 9);
}

static void
test_journal(struct fixture *fixture, gconstpointer data)
{
	guint32 next = 0;
	g_assert_cmpint(load(fixture, "me", &next), ==, -1);
	write_journal(fixture);
	g_assert_cmpint(load(fixture, "you", &next), ==, -1);
	g_assert_cmpint(load(fixture, "me", &next), ==, 5);
	g_assert_cmpuint(next, ==, 9);
}

/* Cut at every byte: the first batch, both or none, never something between. */
static void
test_journal_torn(struct fixture *fixture, gconstpointer data)
{
	g_autofree char *text = NULL;
	gsize len;
	guint32 next = 0;
	write_journal(fixture);
	g_assert_true(g_file_get_contents(fixture->path, &text, &len, NULL));
	int before = 5;
	for (gsize cut = len; cut-- > 0;) {
		g_assert_true(g_file_set_contents(fixture->path, text, (gssize)cut, NULL));
		int n = load(fixture, "me", &next);
		g_assert_true(n == 3 || n == 0 || n == -1);
		g_assert_cmpint(n, <=, before);
		g_assert_true(n != 3 || next == 7);
		before = n;
	}
}

/* A changed byte never changes what is told, it only makes it less. */
static void
test_journal_flipped(struct fixture *fixture, gconstpointer data)
{
	g_autofree char *text = NULL;
	gsize len;
	guint32 next = 0;
	write_journal(fixture);
	g_assert_true(g_file_get_contents(fixture->path, &text, &len, NULL));
	for (gsize i = 0; i < len; i++) {
		text[i] ^= 0x10;
		g_assert_true(g_file_set_contents(fixture->path, text, (gssize)len, NULL));
		int n = load(fixture, "me", &next);
		g_assert_cmpint(n, <, 5);
		text[i] ^= 0x10;
	}
}

static void
test_journal_busy(struct fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(journal) first = journal_open(fixture->path, NULL);
	g_assert_nonnull(first);
	g_assert_null(journal_open(fixture->path, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY);
}

#define ADD(name, function) g_test_add(name, struct fixture, NULL, setup, function, teardown)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan/full", test_plan_full);
	g_test_add_func("/plan/increment", test_plan_increment);
	g_test_add_func("/rate", test_rate);
	ADD("/journal/load", test_journal);
	ADD("/journal/torn", test_journal_torn);
	ADD("/journal/flipped", test_journal_flipped);
	ADD("/journal/busy", test_journal_busy);
	return g_test_run();
}
