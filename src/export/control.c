/* The control protocol of cairn-export(1): suspend, resume, rate N, cancel. */
#include "export/control.h"

#include "export/options.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A longer line is not one of ours. */
#define LINE_MAX_BYTES 128

void
control_init(struct control *control, int fd)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of write(2) */
	control->fd = fd;
	control->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	control->line = g_string_new(NULL);
	g_assert(control->signal_fd >= 0);
}

void
control_clear(struct control *control)
{
	close(control->signal_fd);
	g_string_free(control->line, TRUE);
}

static void
obey(const char *line, const struct control_ops *ops, void *target)
{
	guint64 rate;
	if (strcmp(line, "suspend") == 0 && ops->suspend)
		ops->suspend(target);
	else if (strcmp(line, "resume") == 0 && ops->resume)
		ops->resume(target);
	else if (strcmp(line, "cancel") == 0)
		ops->cancel(target);
	else if (g_str_has_prefix(line, "rate ") && options_parse_bytes(line + 5, &rate))
		ops->set_rate(target, rate);
	else
		fprintf(stderr, "cairn-export: no such command: \"%s\"\n", line);
}

void
control_read(struct control *control, const struct control_ops *ops, void *target)
{
	char buffer[LINE_MAX_BYTES];
	ssize_t n = read(control->fd, buffer, sizeof buffer);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		/* Who started us is gone. */
		control->fd = -1;
		ops->cancel(target);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (buffer[i] != '\n') {
			if (control->line->len < LINE_MAX_BYTES)
				g_string_append_c(control->line, buffer[i]);
			continue;
		}
		obey(control->line->str, ops, target);
		g_string_truncate(control->line, 0);
	}
}

void
control_signal(struct control *control, const struct control_ops *ops, void *target)
{
	struct signalfd_siginfo info;
	while (read(control->signal_fd, &info, sizeof info) == sizeof info) {
		gboolean suspend = info.ssi_signo == SIGUSR1, resume = info.ssi_signo == SIGUSR2;
		if (suspend && ops->suspend)
			ops->suspend(target);
		else if (resume && ops->resume)
			ops->resume(target);
		else if (!suspend && !resume)
			ops->cancel(target);
	}
}
