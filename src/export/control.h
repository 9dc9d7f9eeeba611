/* Commands to what runs: lines on a file descriptor, and signals. */
#pragma once

#include <glib.h>

/* What obeys. suspend and resume may be NULL: it cannot. */
struct control_ops {
	void (*suspend)(void *target);
	void (*resume)(void *target);
	void (*set_rate)(void *target, guint64 rate);
	void (*cancel)(void *target);
};

struct control {
	int fd;	       /* -1: none, or at its end */
	int signal_fd; /* SIGTERM, SIGINT, SIGUSR1, SIGUSR2 */
	GString *line; /* what came of a line so far */
};

/* Before any thread is started: they inherit that the signals are blocked. */
void control_init(struct control *control, int fd);
void control_clear(struct control *control);
/* Something is to be read there. */
void control_read(struct control *control, const struct control_ops *ops, void *target);
void control_signal(struct control *control, const struct control_ops *ops, void *target);
