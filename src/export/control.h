/* Commands to a running copy: lines on a file descriptor, and signals. */
#pragma once

#include "image/copy.h"

#include <glib.h>

struct control {
	int fd;	       /* -1: none, or at its end */
	int signal_fd; /* SIGTERM, SIGINT, SIGUSR1, SIGUSR2 */
	GString *line; /* what came of a line so far */
};

/* Before any thread is started: they inherit that the signals are blocked. */
void control_init(struct control *control, int fd);
void control_clear(struct control *control);
/* Something is to be read there. */
void control_read(struct control *control, struct copy *copy);
void control_signal(struct control *control, struct copy *copy);
