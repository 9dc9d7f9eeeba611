/* retain: ended at every single step, by a kill, an error or a request. After each, what is kept
 * can be restored, and the next run finishes the job. */
#include "base/error.h"
#include "retained.h"

#include <sys/wait.h>
#include <unistd.h>

#define KILLED 77

/* With a sanitizer not every step, but every kind of them. */
#ifdef __SANITIZE_ADDRESS__
#define STRIDE 3
#else
#define STRIDE 1
#endif

struct bomb {
	guint left; /* steps until it goes off */
	gboolean kills;
	GCancellable *cancel; /* what it does instead */
};

static gboolean
on_step(const char *what, void *data, GError **error)
{
	struct bomb *bomb = data;
	if (bomb->left == 0 || --bomb->left > 0)
		return TRUE;
	if (bomb->kills)
		_exit(KILLED);
	if (bomb->cancel) {
		g_cancellable_cancel(bomb->cancel);
		return TRUE;
	}
	return cairn_fail(error, CAIRN_ERROR_IO, "step \"%s\" fails", what);
}

/* Two a day on two days, one a day kept: a merge to a full one, and one in the middle. */
#define BOMBED 4
static const struct retention bombed = {.daily = 2};
static const gboolean bombed_kept[BOMBED] = {FALSE, TRUE, FALSE, TRUE};

static struct maker *
make_bombed(void)
{
	struct maker *maker = maker_chain("qcow2", FALSE, 1048576 + 3 * 65536, BOMBED);
	for (guint i = 0; i < BOMBED; i++) {
		g_autofree char *created = g_strdup_printf("2026-11-%02uT0%u:00:00Z", i / 2 + 1, i);
		retained_set_created(retained_point(maker, i), created);
	}
	return maker;
}

/* In a process of its own: 0, 1 when it failed, KILLED. */
static int
run_in_child(const struct maker *maker, struct bomb *bomb, gboolean no_exchange)
{
	pid_t pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		const struct retain_options options = {
			.step = on_step, .step_data = bomb, .no_exchange = no_exchange};
		_exit(retained_run(maker, &bombed, &options, NULL) ? 0 : 1);
	}
	int status;
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What is kept is there and whole; between two renames only after the next start of a run. */
static void
assert_kept(const struct maker *maker, gboolean no_exchange)
{
	g_autofree char *dir = retained_dir(maker);
	if (no_exchange)
		g_assert_true(retain_recover(dir, NULL));
	for (guint i = 0; i < BOMBED; i++)
		if (bombed_kept[i])
			retained_assert_restores(maker, i);
}

static void
check_finished(const struct maker *maker)
{
	for (guint i = 0; i < BOMBED; i++)
		g_assert_cmpint(retained_exists(maker, i), ==, bombed_kept[i]);
	for (guint i = 0; i < BOMBED; i++)
		if (bombed_kept[i])
			retained_assert_restores(maker, i);
	retained_assert_sound(maker, 2);
}

static void
kill_at_every_step(gboolean no_exchange)
{
	int status = KILLED;
	guint n = no_exchange ? STRIDE : 1;
	for (; status == KILLED; n += STRIDE) {
		struct bomb bomb = {.left = n, .kills = TRUE};
		cairn_auto(maker) maker = make_bombed();
		status = run_in_child(maker, &bomb, no_exchange);
		assert_kept(maker, no_exchange);
		bomb.left = n; /* and once more */
		g_assert_cmpint(run_in_child(maker, &bomb, no_exchange), !=, 1);
		assert_kept(maker, no_exchange);
		retained_run_well(maker, &bombed);
		check_finished(maker);
	}
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpuint(n, >, 40);
}

static void
test_killed(void)
{
	kill_at_every_step(FALSE);
}

static void
test_killed_without_exchange(void)
{
	kill_at_every_step(TRUE);
}

static void
check_failed(guint n, gboolean cancels, gboolean no_exchange, gboolean *ret_more)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GCancellable) cancel = g_cancellable_new();
	struct bomb bomb = {.left = n, .cancel = cancels ? cancel : NULL};
	const struct retain_options options = {
		.step = on_step, .step_data = &bomb, .cancel = cancel, .no_exchange = no_exchange};
	cairn_auto(maker) maker = make_bombed();
	gboolean ok = retained_run(maker, &bombed, &options, &error);
	*ret_more = bomb.left == 0;
	g_assert_cmpint(ok, ==, error == NULL);
	if (!ok)
		g_assert_cmpint(error->code, ==, cancels ? CAIRN_ERROR_CANCELLED : CAIRN_ERROR_IO);
	for (guint i = 0; i < BOMBED; i++)
		if (bombed_kept[i])
			retained_assert_restores(maker, i);
	/* Nothing half-made is left by a run that could still clean up, but for what it was
	 * removing. */
	g_autofree char *dir = retained_dir(maker);
	for (guint i = 0; i < BOMBED; i++) {
		g_autofree char *half =
			g_strdup_printf("%s/.%s.merge", dir, retained_point(maker, i)->id);
		g_assert_false(g_file_test(half, G_FILE_TEST_EXISTS));
	}
	retained_run_well(maker, &bombed);
	check_finished(maker);
}

static void
test_failed(void)
{
	gboolean more = TRUE;
	for (guint n = 1; more; n += STRIDE)
		check_failed(n, FALSE, n % 2 == 0, &more);
}

static void
test_cancelled(void)
{
	gboolean more = TRUE;
	for (guint n = 1; more; n += STRIDE)
		check_failed(n, TRUE, n % 2 == 0, &more);
}

int
main(int argc, char **argv)
{
	retained_init(&argc, &argv);
	g_test_add_func("/retain-cut/killed", test_killed);
	g_test_add_func("/retain-cut/killed-without-exchange", test_killed_without_exchange);
	g_test_add_func("/retain-cut/failed", test_failed);
	g_test_add_func("/retain-cut/cancelled", test_cancelled);
	return g_test_run();
}
