/* A child process of the loop thread: its output as lines, its end as a callback, and if it asks
 * for it a pipe to tell it things. The write end of that pipe is held here, so the child sees its
 * end of file when this process dies, however it dies, and must stop then. A child without one is
 * another's program, which would hand it on to whatever it leaves in the background: the kernel
 * kills it when the loop thread is no more. So no child outlives us unseen, but for one that
 * changes its user (prctl(2), PR_SET_PDEATHSIG), as cairn-notify does, which has its own time-out.
 */
#pragma once

#include "base/auto.h"

#include <glib.h>

#define SPAWN_LINE_MAX	 (64 << 10) /* bytes; a longer line from the child is dropped */
#define SPAWN_ERROR_MAX	 1024	    /* bytes kept of the last line on its standard error */
#define SPAWN_SEND_MAX	 4096	    /* bytes of one line to the child, with its newline */
#define SPAWN_CONTROL_FD 3	    /* where the child finds the control pipe */

struct spawn;

struct spawn_handlers {
	/* One line of standard output, without its newline. May be NULL. */
	void (*line)(const char *line, void *user);
	/* Once, after the last line. @status is from waitpid(2); @last_error is the last line that
	 * was not empty on standard error, or NULL. May be NULL. */
	void (*exited)(int status, const char *last_error, void *user);
};

/* Starts @argv (found in PATH when it has no '/'); "{control}" inside an argument becomes the
 * number of the control descriptor, and only then there is one. Standard input is /dev/null, no
 * other descriptor is inherited, and the child has its own process group: ^C on our terminal does
 * not reach it. Called from a thread that lives as long as the process. @handlers must
 * live as long as the result; they are called from the default main context, never from within a
 * function here, and may call spawn_free(). Errors: NOT_FOUND, DENIED, LIMIT, naming the program.
 */
struct spawn *spawn_new(char *const *argv, const struct spawn_handlers *handlers, void *user,
			GError **error);

struct spawn_input {
	const char *text;	  /* on standard input; NULL: /dev/null */
	char *const *environment; /* "NAME=VALUE"; NULL: ours */
};

/* The same with what the child is given; @input is copied. */
struct spawn *spawn_new_with(char *const *argv, const struct spawn_input *input,
			     const struct spawn_handlers *handlers, void *user, GError **error);

/* Sends @line and a newline down the control pipe, without waiting. FALSE when the child has none,
 * has ended, closed it, or leaves so much unread that there is no room. */
gboolean spawn_send(struct spawn *spawn, const char *line);

/* No effect once the child has ended. */
void spawn_signal(struct spawn *spawn, int sig);

/* The child and all that it started and left in its process group. */
void spawn_signal_group(struct spawn *spawn, int sig);

gint64 spawn_pid(const struct spawn *spawn);

/* Kills the child if it lives, which the loop then waits for without any callback. NULL is fine. */
void spawn_free(struct spawn *spawn);
CAIRN_DEFINE_AUTO(spawn, spawn_free)
