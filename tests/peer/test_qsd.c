/* The server of images that are off: it answers, refuses what is locked, and ends with its parent,
 * however that ends. */
#include "base/error.h"
#include "hypervisor/qemu_img.h"
#include "hypervisor/qsd.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder;

static gboolean
connects(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	g_strlcpy(name.sun_path, path, sizeof name.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	gboolean ok = connect(fd, (struct sockaddr *)&name, sizeof name) == 0;
	close(fd);
	return ok;
}

static json_t *
listen_arguments(const char *path)
{
	return json_pack("{s:{s:s,s:{s:s}}}", "addr", "type", "unix", "data", "path", path);
}

/* In a child of the test: serves, says so and waits to be killed. */
static void
serve_and_wait(const char *path, int ready)
{
	struct qsd *qsd = qsd_start(NULL);
	if (!qsd || !qsd_command(qsd, "nbd-server-start", listen_arguments(path), NULL, NULL))
		_exit(1);
	if (write(ready, "x", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

/* Runs first: fork() is for programs without threads. */
static void
test_parent(const char *path)
{
	int ready[2];
	char byte;
	g_assert_cmpint(pipe(ready), ==, 0);
	pid_t child = fork();
	if (child == 0) {
		close(ready[0]);
		serve_and_wait(path, ready[1]);
	}
	close(ready[1]);
	g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
	g_assert_true(connects(path));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	gint64 deadline = g_get_monotonic_time() + 180 * G_USEC_PER_SEC;
	while (connects(path) && g_get_monotonic_time() < deadline)
		sched_yield();
	g_assert_false(connects(path));
	close(ready[0]);
	g_unlink(path);
}

static json_t *
open_arguments(const char *image, const char *name, gboolean read_only)
{
	return json_pack("{s:s,s:s,s:b,s:{s:s,s:s,s:b}}", "driver", "qcow2", "node-name", name,
			 "read-only", read_only, "file", "driver", "file", "filename", image,
			 "read-only", read_only);
}

static void
test_lock(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *image = g_build_filename(folder, "image.qcow2", NULL);
	qemu_img_create(image, 1 << 20, &error);
	g_assert_no_error(error);
	struct qsd *reader = qsd_start(&error), *writer = qsd_start(&error);
	g_assert_no_error(error);
	qsd_command(reader, "blockdev-add", open_arguments(image, "a", TRUE), NULL, &error);
	g_assert_no_error(error);
	g_assert_false(qsd_command(writer, "blockdev-add", open_arguments(image, "b", FALSE), NULL,
				   &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY);
	g_clear_error(&error);
	g_assert_false(qemu_img_bitmap_add(image, "cairn-x", &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_BUSY);
	g_clear_error(&error);
	g_assert_false(qsd_command(reader, "no-such-command", NULL, NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER);
	g_assert_true(qsd_alive(reader));
	qsd_free(reader);
	qsd_free(writer);
	qsd_free(NULL);
	g_unlink(image);
}

static void
test_bitmap(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *image = g_build_filename(folder, "image.qcow2", NULL);
	enum qemu_bitmap state;
	qemu_img_create(image, 1 << 20, &error);
	g_assert_no_error(error);
	g_assert_true(qemu_img_bitmap_add(image, "cairn-x", &error));
	g_assert_true(qemu_img_bitmap_state(image, "cairn-x", &state, &error));
	g_assert_cmpint(state, ==, QEMU_BITMAP_GOOD);
	g_assert_true(qemu_img_bitmap_remove(image, "cairn-x", &error));
	g_assert_true(qemu_img_bitmap_state(image, "cairn-x", &state, &error));
	g_assert_cmpint(state, ==, QEMU_BITMAP_ABSENT);
	g_assert_false(qemu_img_bitmap_state("/nowhere/image", "cairn-x", &state, &error));
	g_assert_nonnull(error);
	g_unlink(image);
}

int
main(int argc, char **argv)
{
	g_autofree char *program = g_find_program_in_path("qemu-storage-daemon");
	if (!program) {
		g_printerr("skipped: no qemu-storage-daemon\n");
		return 77;
	}
	folder = g_dir_make_tmp("cairn-qsd-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "socket", NULL);
	test_parent(path);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qsd/lock", test_lock);
	g_test_add_func("/qsd/bitmap", test_bitmap);
	int status = g_test_run();
	g_rmdir(folder);
	g_free(folder);
	return status;
}
