/* Child processes. The child is this program itself, started as "test_spawn --child MODE ...". */
#include "base/spawn.h"

#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 120000

/* ---- the child ---- */

static int
child_echo(const char *fd_text)
{
	FILE *control = fdopen(atoi(fd_text), "r");
	char line[SPAWN_SEND_MAX];
	while (control && fgets(line, sizeof line, control)) {
		printf("got %s", line);
		fflush(stdout);
	}
	printf("end");
	return 0;
}

static int
child_fail(void)
{
	fprintf(stderr, "first\n\n  cannot read \"vda\": Input/output error\xff  \n   \n");
	printf("partial");
	return 3;
}

static int
child_flood(void)
{
	g_autofree char *longer = g_strnfill(SPAWN_LINE_MAX + 1, 'x');
	g_autofree char *longest = g_strnfill(SPAWN_LINE_MAX, 'y');
	for (guint i = 0; i < 20000; i++)
		printf("line %u\n", i);
	printf("%s\n%s\nlast\n", longer, longest);
	return 0;
}

/* Every descriptor it was given. */
static int
child_fds(void)
{
	for (int fd = 0; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD);
		if (flags >= 0)
			printf("%d ", fd);
	}
	printf("group %d", getpgrp() == getpid());
	return 0;
}

/* Leaves a process behind that keeps the pipes open. */
static int
child_grandchild(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		char c;
		while (read(SPAWN_CONTROL_FD, &c, 1) > 0)
			;
		_exit(0);
	}
	printf("left %d\n", (int)pid);
	return 0;
}

/* How much it was given on its standard input, and in which environment. */
static int
child_input(void)
{
	guint64 sum = 0;
	int c;
	while ((c = getchar()) != EOF)
		sum += (guint64)(c == 'x');
	printf("%u %s %s\n", (guint)sum, getenv("CAIRN_JOB"), getenv("SECRET") ? "leak" : "clean");
	return 0;
}

/* Does not end. */
static void G_GNUC_NORETURN
child_hang(void)
{
	printf("%d\n", (int)getpid());
	fflush(stdout);
	for (;;)
		pause();
}

/* Two processes that do not end. */
static void G_GNUC_NORETURN
child_pair(void)
{
	pid_t pid = fork();
	if (pid != 0) {
		printf("%d\n", (int)pid);
		fflush(stdout);
	}
	for (;;)
		pause();
}

static int
child_main(char **argv)
{
	if (strcmp(argv[0], "input") == 0)
		return child_input();
	if (strcmp(argv[0], "pair") == 0)
		child_pair();
	if (strcmp(argv[0], "hang") == 0)
		child_hang();
	if (strcmp(argv[0], "echo") == 0)
		return child_echo(argv[1]);
	if (strcmp(argv[0], "fail") == 0)
		return child_fail();
	if (strcmp(argv[0], "flood") == 0)
		return child_flood();
	if (strcmp(argv[0], "fds") == 0)
		return child_fds();
	return child_grandchild();
}

/* ---- the parent ---- */

struct watch {
	struct spawn *spawn;
	GPtrArray *lines;
	gboolean ended;
	int status;
	char *last_error;
	const char *free_at; /* free the child at this line, or at its exit when "exit" */
	gboolean timed_out;
};

static void
maybe_free(struct watch *watch, const char *now)
{
	if (g_strcmp0(watch->free_at, now) == 0)
		g_clear_pointer(&watch->spawn, spawn_free);
}

static void
on_line(const char *line, void *user)
{
	struct watch *watch = user;
	g_assert_nonnull(watch->spawn);
	g_ptr_array_add(watch->lines, g_strdup(line));
	maybe_free(watch, line);
}

static void
on_exited(int status, const char *last_error, void *user)
{
	struct watch *watch = user;
	g_assert_false(watch->ended);
	g_assert_nonnull(watch->spawn);
	watch->ended = TRUE;
	watch->status = status;
	watch->last_error = g_strdup(last_error);
	maybe_free(watch, "exit");
}

static const struct spawn_handlers handlers = {on_line, on_exited};

static gboolean
on_deadline(gpointer data)
{
	struct watch *watch = data;
	watch->timed_out = TRUE;
	return G_SOURCE_CONTINUE;
}

static gboolean
has_ended(struct watch *watch)
{
	return watch->ended;
}

static gboolean
has_line(struct watch *watch)
{
	return watch->lines->len > 0;
}

static gboolean
is_freed(struct watch *watch)
{
	return !watch->spawn;
}

static void
run_until(struct watch *watch, gboolean (*done)(struct watch *))
{
	guint source = g_timeout_add(DEADLINE_MS, on_deadline, watch);
	while (!done(watch) && !watch->timed_out)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(source);
	g_assert_false(watch->timed_out);
}

static void
begin_with(struct watch *watch, const char *mode, const char *arg, const struct spawn_input *input)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	char *argv[] = {self, (char *)"--child", (char *)mode, (char *)arg, NULL};
	memset(watch, 0, sizeof *watch);
	watch->lines = g_ptr_array_new_with_free_func(g_free);
	watch->spawn = input ? spawn_new_with(argv, input, &handlers, watch, &error)
			     : spawn_new(argv, &handlers, watch, &error);
	g_assert_no_error(error);
}

static void
begin(struct watch *watch, const char *mode, const char *arg)
{
	begin_with(watch, mode, arg, NULL);
}

static void
no_child_left(void)
{
	gint64 deadline = g_get_monotonic_time() + DEADLINE_MS * 1000;
	siginfo_t info;
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       g_get_monotonic_time() < deadline)
		g_main_context_iteration(NULL, FALSE);
	g_assert_cmpint(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), ==, -1);
}

static void
end(struct watch *watch)
{
	spawn_free(watch->spawn);
	g_ptr_array_unref(watch->lines);
	g_free(watch->last_error);
	no_child_left();
}

static const char *
line(struct watch *watch, guint at)
{
	return at < watch->lines->len ? g_ptr_array_index(watch->lines, at) : NULL;
}

static void
test_control(void)
{
	struct watch watch;
	begin(&watch, "echo", "{control}");
	g_assert_true(spawn_send(watch.spawn, "rate 5"));
	run_until(&watch, has_line);
	g_assert_cmpstr(line(&watch, 0), ==, "got rate 5");
	g_assert_cmpint(spawn_pid(watch.spawn), >, 0);
	spawn_signal(watch.spawn, SIGTERM);
	run_until(&watch, has_ended);
	g_assert_true(WIFSIGNALED(watch.status));
	g_assert_cmpint(WTERMSIG(watch.status), ==, SIGTERM);
	g_assert_null(watch.last_error);
	g_assert_false(spawn_send(watch.spawn, "late"));
	spawn_signal(watch.spawn, SIGKILL);
	end(&watch);
}

static void
test_failure(void)
{
	struct watch watch;
	begin(&watch, "fail", NULL);
	run_until(&watch, has_ended);
	g_assert_true(WIFEXITED(watch.status));
	g_assert_cmpint(WEXITSTATUS(watch.status), ==, 3);
	g_assert_cmpstr(watch.last_error, ==,
			"cannot read \"vda\": Input/output error\xef\xbf\xbd");
	g_assert_cmpuint(watch.lines->len, ==, 1);
	g_assert_cmpstr(line(&watch, 0), ==, "partial");
	end(&watch);
}

static void
test_flood(void)
{
	struct watch watch;
	begin(&watch, "flood", NULL);
	run_until(&watch, has_ended);
	g_assert_cmpuint(watch.lines->len, ==, 20002);
	g_assert_cmpstr(line(&watch, 19999), ==, "line 19999");
	g_assert_cmpuint(strlen(line(&watch, 20000)), ==, SPAWN_LINE_MAX);
	g_assert_cmpstr(line(&watch, 20001), ==, "last");
	end(&watch);
}

static void
test_descriptors(void)
{
	struct watch watch;
	CAIRN_AUTO_FD int leaky = g_open("/dev/null", O_RDONLY, 0); /* not O_CLOEXEC */
	begin(&watch, "fds", "{control}");
	run_until(&watch, has_ended);
	g_assert_cmpint(leaky, >=, 0);
	g_assert_cmpstr(line(&watch, 0), ==, "0 1 2 3 group 1");
	end(&watch);
	/* Who did not ask for the control pipe has none to hand on. */
	begin(&watch, "fds", NULL);
	g_assert_false(spawn_send(watch.spawn, "rate 5"));
	run_until(&watch, has_ended);
	g_assert_cmpstr(line(&watch, 0), ==, "0 1 2 group 1");
	end(&watch);
}

static void
test_grandchild(void)
{
	struct watch watch;
	begin(&watch, "grandchild", "{control}");
	run_until(&watch, has_ended);
	g_assert_cmpint(watch.status, ==, 0);
	g_assert_true(g_str_has_prefix(line(&watch, 0), "left "));
	/* Its control pipe is closed now; it comes to us, who are its next parent. */
	g_assert_cmpint(waitpid(atoi(line(&watch, 0) + 5), NULL, 0), >, 0);
	end(&watch);
}

/* More than a pipe holds, and nothing of our environment. */
static void
test_input(void)
{
	struct watch watch;
	g_autofree char *text = g_strnfill(1 << 20, 'x');
	char *environment[] = {(char *)"CAIRN_JOB=7", NULL};
	g_setenv("SECRET", "s", TRUE);
	begin_with(&watch, "input", NULL, &(struct spawn_input){text, environment});
	run_until(&watch, has_ended);
	g_assert_cmpstr(line(&watch, 0), ==, "1048576 7 clean");
	end(&watch);
	begin_with(&watch, "input", NULL, &(struct spawn_input){"", environment});
	run_until(&watch, has_ended);
	g_assert_cmpstr(line(&watch, 0), ==, "0 7 clean");
	end(&watch);
}

static void
test_group(void)
{
	struct watch watch;
	begin(&watch, "pair", NULL);
	run_until(&watch, has_line);
	spawn_signal_group(watch.spawn, SIGKILL);
	run_until(&watch, has_ended);
	g_assert_cmpint(WTERMSIG(watch.status), ==, SIGKILL);
	int status;
	g_assert_cmpint(waitpid(atoi(line(&watch, 0)), &status, 0), >, 0);
	g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
	spawn_signal_group(watch.spawn, SIGKILL);
	end(&watch);
}

static void
test_free(void)
{
	struct watch watch;
	begin(&watch, "echo", "{control}"); /* before anything happened */
	end(&watch);
	begin(&watch, "echo", "{control}"); /* within the line handler */
	watch.free_at = "got go";
	spawn_send(watch.spawn, "go");
	spawn_send(watch.spawn, "go");
	run_until(&watch, is_freed);
	end(&watch);
	g_assert_false(watch.ended);
	begin(&watch, "fail", NULL); /* within the last line */
	watch.free_at = "partial";
	run_until(&watch, is_freed);
	end(&watch);
	begin(&watch, "fail", NULL); /* within the exit handler */
	watch.free_at = "exit";
	run_until(&watch, is_freed);
	g_assert_true(watch.ended);
	end(&watch);
	spawn_free(NULL);
}

/* A child that does not read must not stop us. */
static void
test_not_reading(void)
{
	struct watch watch;
	g_autofree char *text = g_strnfill(SPAWN_SEND_MAX - 1, 'x');
	g_autofree char *longer = g_strnfill(SPAWN_SEND_MAX, 'x');
	guint sent = 0;
	begin(&watch, "echo", "0 {control}"); /* reads /dev/null instead, and ends */
	g_assert_false(spawn_send(watch.spawn, longer));
	while (sent < 100000 && spawn_send(watch.spawn, text))
		sent++;
	g_assert_cmpuint(sent, <, 100000);
	run_until(&watch, has_ended);
	g_assert_cmpstr(line(&watch, 0), ==, "end");
	end(&watch);
}

static void
test_cannot_start(void)
{
	g_autoptr(GError) error = NULL;
	char *missing[] = {(char *)"/no/such/program", NULL};
	char *folder[] = {(char *)"/tmp", NULL};
	g_assert_null(spawn_new(missing, &handlers, NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND);
	g_assert_nonnull(strstr(error->message, "cannot start \"/no/such/program\""));
	g_clear_error(&error);
	g_assert_null(spawn_new(folder, &handlers, NULL, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_DENIED);
	no_child_left();
}

/* How a child ends that prints a line and then waits, after kill -9 of its parent. */
static int
end_without_parent(const char *mode, const char *arg)
{
	int fds[2];
	char c;
	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct watch watch;
		begin(&watch, mode, arg);
		spawn_send(watch.spawn, "go");
		run_until(&watch, has_line);
		/* The child holds nothing of fds; a line of its own tells when it runs. */
		g_autofree char *text = g_strdup_printf("%d", (int)spawn_pid(watch.spawn));
		if (write(fds[1], text, strlen(text) + 1) > 0)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	char number[32] = "";
	close(fds[1]);
	/* We become the child's new parent, so that its end can be waited for. */
	g_assert_cmpint(read(fds[0], number, sizeof number - 1), >, 0);
	g_assert_cmpint(read(fds[0], &c, 1), ==, 0);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	int status;
	g_assert_cmpint(waitpid(atoi(number), &status, 0), ==, atoi(number));
	close(fds[0]);
	return status;
}

/* It sees the end of its control pipe, or the kernel ends it when it has none. */
static void
test_parent_dies(void)
{
	int status = end_without_parent("echo", "{control}");
	/* "end" could not be written, as nobody reads; it ended by itself or by SIGPIPE. */
	g_assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGPIPE);
	status = end_without_parent("hang", NULL);
	g_assert_true(WIFSIGNALED(status));
	g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
}

int
main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--child") == 0)
		return child_main(argv + 2);
	g_test_init(&argc, &argv, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	g_test_add_func("/spawn/control", test_control);
	g_test_add_func("/spawn/failure", test_failure);
	g_test_add_func("/spawn/flood", test_flood);
	g_test_add_func("/spawn/descriptors", test_descriptors);
	g_test_add_func("/spawn/grandchild", test_grandchild);
	g_test_add_func("/spawn/free", test_free);
	g_test_add_func("/spawn/input", test_input);
	g_test_add_func("/spawn/group", test_group);
	g_test_add_func("/spawn/not-reading", test_not_reading);
	g_test_add_func("/spawn/cannot-start", test_cannot_start);
	g_test_add_func("/spawn/parent-dies", test_parent_dies);
	return g_test_run();
}
