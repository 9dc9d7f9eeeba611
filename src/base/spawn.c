/* Child processes; see spawn.h. */
#include "base/spawn.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Read at most this much at one event, so that a child that floods us does not hold up the loop,
 * and at the end, when somebody else may still write to the same pipe. */
#define READ_AT_ONCE (1 << 20)

/* One of the child's two outputs. */
struct stream {
	struct spawn *spawn;
	int fd;
	guint source;
	GByteArray *rest;  /* an unfinished line */
	gboolean skipping; /* within a line that was too long */
	void (*got)(struct spawn *spawn, const char *line);
};

/* Alive: until `pidfd` says that the child ended, then reaped and told of. After spawn_free() of a
 * live child the struct stays, closed, until the same event. */
struct spawn {
	const struct spawn_handlers *handlers;
	void *user;
	pid_t pid;
	int pidfd;
	guint pidfd_source; /* 0: reaped */
	int control;
	struct stream output, errors;
	char *last_error;
	guint calls;	/* handlers running now */
	gboolean freed; /* spawn_free() was called */
};

/* ---- streams ---- */

static void
stream_close(struct stream *stream)
{
	if (stream->source)
		g_source_remove(stream->source);
	stream->source = 0;
	cairn_close_fd(&stream->fd);
	g_clear_pointer(&stream->rest, g_byte_array_unref);
}

/* The line ends here; @stream->rest has it all but for a terminating NUL. */
static void
end_line(struct stream *stream)
{
	gboolean skip = stream->skipping;
	stream->skipping = FALSE;
	if (!skip) {
		g_byte_array_append(stream->rest, (const guint8 *)"", 1);
		g_autofree char *line = g_strdup((const char *)stream->rest->data);
		g_byte_array_set_size(stream->rest, 0);
		stream->got(stream->spawn, line);
	}
}

static void
add_piece(struct stream *stream, const char *piece, gsize len)
{
	if (stream->skipping)
		return;
	if (stream->rest->len + len <= SPAWN_LINE_MAX) {
		g_byte_array_append(stream->rest, (const guint8 *)piece, (guint)len);
		return;
	}
	g_debug("spawn: process %d wrote a line over %d bytes; dropped", (int)stream->spawn->pid,
		SPAWN_LINE_MAX);
	g_byte_array_set_size(stream->rest, 0);
	stream->skipping = TRUE;
}

/* A handler may close the stream (spawn_free), which takes `rest` away. */
static void
split(struct stream *stream, const char *data, gsize len)
{
	while (len > 0 && stream->rest) {
		const char *newline = memchr(data, '\n', len);
		gsize piece = newline ? (gsize)(newline - data) : len;
		add_piece(stream, data, piece);
		if (newline)
			end_line(stream);
		piece += newline ? 1 : 0;
		data += piece;
		len -= piece;
	}
}

/* Reads what is there now; FALSE at the end of the stream. */
static gboolean
stream_read(struct stream *stream)
{
	char chunk[16384];
	for (gsize total = 0; total < READ_AT_ONCE && stream->fd >= 0;) {
		ssize_t n = read(stream->fd, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return TRUE;
		if (n <= 0)
			return FALSE;
		total += (gsize)n;
		split(stream, chunk, (gsize)n);
	}
	return TRUE;
}

static void
stream_finish(struct stream *stream)
{
	if (stream->rest && stream->rest->len > 0)
		end_line(stream);
	stream_close(stream);
}

static void
destroy(struct spawn *spawn)
{
	stream_close(&spawn->output);
	stream_close(&spawn->errors);
	cairn_close_fd(&spawn->control);
	cairn_close_fd(&spawn->pidfd);
	g_free(spawn->last_error);
	g_free(spawn);
}

/* Every way into the handlers is between these two, so that the struct outlives them. */
static void
enter(struct spawn *spawn)
{
	spawn->calls++;
}

static void
leave(struct spawn *spawn)
{
	if (--spawn->calls == 0 && spawn->freed && !spawn->pidfd_source)
		destroy(spawn);
}

static gboolean
on_readable(int fd, GIOCondition condition, void *data)
{
	struct stream *stream = data;
	struct spawn *spawn = stream->spawn;
	gboolean more;
	enter(spawn);
	more = stream_read(stream);
	if (!more)
		stream_finish(stream);
	leave(spawn);
	/* When it was closed in between, its source has been removed already. */
	return more;
}

static void
got_output(struct spawn *spawn, const char *line)
{
	if (!spawn->freed && spawn->handlers->line)
		spawn->handlers->line(line, spawn->user);
}

static void
got_error(struct spawn *spawn, const char *line)
{
	g_autofree char *cut = g_strndup(line, SPAWN_ERROR_MAX);
	g_strstrip(cut);
	if (!*cut)
		return;
	g_free(spawn->last_error);
	spawn->last_error = g_utf8_make_valid(cut, -1);
}

static void
stream_open(struct stream *stream, struct spawn *spawn, int fd,
	    void (*got)(struct spawn *spawn, const char *line))
{
	stream->spawn = spawn;
	stream->fd = fd;
	stream->got = got;
	stream->rest = g_byte_array_new();
	g_unix_set_fd_nonblocking(fd, TRUE, NULL);
	stream->source = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, stream);
}

/* ---- the end ---- */

static gboolean
on_ended(int fd, GIOCondition condition, void *data)
{
	struct spawn *spawn = data;
	int status = 0;
	pid_t reaped;
	while ((reaped = waitpid(spawn->pid, &status, WNOHANG)) < 0 && errno == EINTR)
		;
	if (reaped == 0)
		return G_SOURCE_CONTINUE;
	enter(spawn);
	spawn->pidfd_source = 0;
	/* All that the child wrote is in the pipes; a grandchild may keep them open for longer. */
	stream_read(&spawn->errors);
	stream_finish(&spawn->errors);
	stream_read(&spawn->output);
	stream_finish(&spawn->output);
	cairn_close_fd(&spawn->control);
	if (!spawn->freed && spawn->handlers->exited)
		spawn->handlers->exited(status, spawn->last_error, spawn->user);
	leave(spawn);
	return G_SOURCE_REMOVE;
}

void
spawn_signal(struct spawn *spawn, int sig)
{
	/* Through the pidfd: the number may belong to another process by now. */
	if (spawn->pidfd_source)
		pidfd_send_signal(spawn->pidfd, sig, NULL, 0);
}

void
spawn_signal_group(struct spawn *spawn, int sig)
{
	/* Not reaped yet: the number is still its own. */
	if (spawn->pidfd_source)
		kill(-spawn->pid, sig);
}

void
spawn_free(struct spawn *spawn)
{
	if (!spawn)
		return;
	g_assert(!spawn->freed);
	spawn->freed = TRUE;
	spawn_signal(spawn, SIGKILL);
	stream_close(&spawn->output);
	stream_close(&spawn->errors);
	cairn_close_fd(&spawn->control);
	if (spawn->calls == 0 && !spawn->pidfd_source)
		destroy(spawn);
}

/* ---- the start ---- */

/* What the child does between fork and exec. */
struct setup {
	pid_t parent;
	gboolean dies_with_parent;
};

/* Only async-signal-safe calls. */
static void
child_setup(void *data)
{
	const struct setup *setup = data;
	sigset_t none;
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!setup->dies_with_parent)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before, and is not heard of then. */
	if (getppid() != setup->parent)
		_exit(EXIT_FAILURE);
}

static gboolean
asks_for_control(char *const *argv)
{
	for (; *argv; argv++)
		if (strstr(*argv, "{control}"))
			return TRUE;
	return FALSE;
}

static char **
fill_in_control(char *const *argv)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_autofree char *number = g_strdup_printf("%d", SPAWN_CONTROL_FD);
	for (; *argv; argv++) {
		g_autoptr(GString) text = g_string_new(*argv);
		g_string_replace(text, "{control}", number, 0);
		g_strv_builder_add(builder, text->str);
	}
	return g_strv_builder_end(builder);
}

static int
code_of(const GError *error)
{
	if (error->domain != G_SPAWN_ERROR)
		return CAIRN_ERROR_IO;
	switch (error->code) {
	case G_SPAWN_ERROR_NOENT:
	case G_SPAWN_ERROR_NOTDIR:
		return CAIRN_ERROR_NOT_FOUND;
	case G_SPAWN_ERROR_ACCES:
	case G_SPAWN_ERROR_PERM:
		return CAIRN_ERROR_DENIED;
	case G_SPAWN_ERROR_FORK:
	case G_SPAWN_ERROR_NOMEM:
	case G_SPAWN_ERROR_MFILE:
	case G_SPAWN_ERROR_NFILE:
	case G_SPAWN_ERROR_TOO_BIG:
		return CAIRN_ERROR_LIMIT;
	default:
		return CAIRN_ERROR_IO;
	}
}

/* A file in memory, whole before the child begins: nobody has to write while it reads. */
static gboolean
open_input(const char *text, int *ret_fd, GError **error)
{
	CAIRN_AUTO_FD int fd = memfd_create("input", MFD_CLOEXEC);
	gsize len = strlen(text), done = 0;
	while (fd >= 0 && done < len) {
		ssize_t n = write(fd, text + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (gsize)n;
	}
	if (fd < 0 || done < len || lseek(fd, 0, SEEK_SET) < 0) {
		cairn_set_errno(error, errno, "cannot keep the input of a program");
		return FALSE;
	}
	*ret_fd = fd;
	fd = -1;
	return TRUE;
}

/* @control: the child's end of the pipe; -1: it gets none. */
static gboolean
start(struct spawn *spawn, char *const *argv, const struct spawn_input *input, int control,
      int *output, int *errors, GError **error)
{
	CAIRN_AUTO_FD int text = -1;
	if (input->text && !open_input(input->text, &text, error))
		return FALSE;
	g_auto(GStrv) filled = fill_in_control(argv);
	g_autoptr(GError) why = NULL;
	const int target = SPAWN_CONTROL_FD;
	struct setup setup = {.parent = getpid(), .dies_with_parent = control < 0};
	GPid pid;
	if (!g_spawn_async_with_pipes_and_fds(
		    NULL, (const char *const *)filled, (const char *const *)input->environment,
		    G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH | G_SPAWN_CLOEXEC_PIPES,
		    child_setup, &setup, text, -1, -1, &control, &target, control < 0 ? 0 : 1, &pid,
		    NULL, output, errors, &why)) {
		g_set_error(error, CAIRN_ERROR, code_of(why), "cannot start \"%s\": %s", argv[0],
			    why->message);
		return FALSE;
	}
	spawn->pid = pid;
	return TRUE;
}

struct spawn *
spawn_new(char *const *argv, const struct spawn_handlers *handlers, void *user, GError **error)
{
	const struct spawn_input nothing = {0};
	return spawn_new_with(argv, &nothing, handlers, user, error);
}

struct spawn *
spawn_new_with(char *const *argv, const struct spawn_input *input,
	       const struct spawn_handlers *handlers, void *user, GError **error)
{
	g_assert(argv && argv[0] && handlers);
	/* A socket pair, not pipe(2): writing to a child that is gone must not raise SIGPIPE. */
	int ends[2] = {-1, -1}, output, errors;
	if (asks_for_control(argv) &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		cairn_set_errno(error, errno, "cannot start \"%s\"", argv[0]);
		return NULL;
	}
	CAIRN_AUTO_FD int theirs = ends[0], ours = ends[1];
	struct spawn *spawn = g_new0(struct spawn, 1);
	spawn->handlers = handlers;
	spawn->user = user;
	spawn->pidfd = spawn->control = spawn->output.fd = spawn->errors.fd = -1;
	if (!start(spawn, argv, input, theirs, &output, &errors, error)) {
		g_free(spawn);
		return NULL;
	}
	if (ours >= 0)
		shutdown(ours, SHUT_RD);
	spawn->control = ours;
	ours = -1;
	stream_open(&spawn->output, spawn, output, got_output);
	stream_open(&spawn->errors, spawn, errors, got_error);
	spawn->pidfd = pidfd_open(spawn->pid, 0);
	if (spawn->pidfd < 0) {
		cairn_set_errno(error, errno, "cannot watch \"%s\"", argv[0]);
		kill(spawn->pid, SIGKILL);
		waitpid(spawn->pid, NULL, 0);
		destroy(spawn);
		return NULL;
	}
	spawn->pidfd_source = g_unix_fd_add(spawn->pidfd, G_IO_IN, on_ended, spawn);
	return spawn;
}

gboolean
spawn_send(struct spawn *spawn, const char *line)
{
	g_assert(!strchr(line, '\n'));
	g_autofree char *text = g_strconcat(line, "\n", NULL);
	gsize len = strlen(text);
	if (spawn->control < 0 || len > SPAWN_SEND_MAX)
		return FALSE;
	ssize_t n;
	do
		n = send(spawn->control, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	/* A part of a line would spoil the next one. */
	if (n > 0 && (gsize)n < len)
		cairn_close_fd(&spawn->control);
	return n == (ssize_t)len;
}

gint64
spawn_pid(const struct spawn *spawn)
{
	return spawn->pid;
}
