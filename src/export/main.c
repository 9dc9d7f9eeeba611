/* cairn-export: copies one disk from an NBD server into an image, or thins out a folder of exports.
 * Wiring only: image/copy.h copies, image/retain.h thins out. */
#include "base/error.h"
#include "export/control.h"
#include "export/options.h"
#include "export/report.h"
#include "export/retain.h"

#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* Exit statuses; cairn-export(1) lists them. */
enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_CANCELLED, EXIT_SOURCE, EXIT_TARGET };

#define TICK_MS 250

static int
exit_status(const GError *error)
{
	switch (cairn_error_code(error)) {
	case CAIRN_ERROR_CANCELLED:
		return EXIT_CANCELLED;
	case CAIRN_ERROR_PEER:
		return EXIT_SOURCE;
	case CAIRN_ERROR_IO:
	case CAIRN_ERROR_LIMIT:
	case CAIRN_ERROR_DENIED:
		return EXIT_TARGET;
	default:
		return EXIT_FAILED;
	}
}

static int
fail(struct report *report, GError *error)
{
	int status = exit_status(error);
	report_error(report, error);
	g_error_free(error);
	return status;
}

static void
on_suspend(void *target)
{
	copy_suspend(target);
}

static void
on_resume(void *target)
{
	copy_resume(target);
}

static void
on_rate(void *target, guint64 rate)
{
	copy_set_rate(target, rate);
}

static void
on_cancel(void *target)
{
	copy_cancel(target);
}

static const struct control_ops copy_ops = {on_suspend, on_resume, on_rate, on_cancel};

/* Waits for the next thing to say or do. */
static void
wait_for_news(struct control *control, struct copy *copy, gint64 until)
{
	gint64 left = MAX(0, (until - g_get_monotonic_time()) / 1000);
	struct pollfd fds[] = {
		{.fd = copy_event_fd(copy), .events = POLLIN},
		{.fd = control->signal_fd, .events = POLLIN},
		{.fd = control->fd, .events = POLLIN},
	};
	if (poll(fds, G_N_ELEMENTS(fds), (int)left) <= 0)
		return;
	guint64 count;
	if (fds[0].revents && read(fds[0].fd, &count, sizeof count) < 0)
		return;
	if (fds[1].revents)
		control_signal(control, &copy_ops, copy);
	if (fds[2].revents)
		control_read(control, &copy_ops, copy);
}

static void
watch(struct control *control, struct copy *copy, struct report *report)
{
	struct copy_progress progress = {0};
	enum copy_state told = COPY_RUNNING;
	gint64 tick = g_get_monotonic_time();
	while (progress.state != COPY_FINISHED) {
		wait_for_news(control, copy, tick);
		gint64 now = g_get_monotonic_time();
		copy_get_progress(copy, &progress);
		gboolean moves = progress.state == COPY_RUNNING || progress.state == COPY_SUSPENDED;
		if (moves && progress.state != told)
			report_state(report, told = progress.state);
		if (now < tick && progress.state != COPY_FINISHED)
			continue;
		tick = now + TICK_MS * 1000;
		if (progress.state != COPY_PREPARING)
			report_progress(report, &progress, now);
	}
}

static int
run_copy(const struct options *options, struct report *report)
{
	GError *error = NULL;
	struct control control;
	control_init(&control, options->control_fd);
	struct copy *copy = copy_begin(&options->copy);
	watch(&control, copy, report);
	gboolean ok = copy_end(copy, &error);
	control_clear(&control);
	return ok ? EXIT_OK : fail(report, error);
}

static int
run_map(const struct options *options, struct report *report)
{
	GError *error = NULL;
	const struct copy_options *copy = &options->copy;
	if (copy_map(copy->uri, copy->since, copy->out, copy->timeout, -1, &error))
		return EXIT_OK;
	return fail(report, error);
}

static int
run_retain(const struct options *options, struct report *report)
{
	GError *error = NULL;
	return retain_main(options, report, &error) ? EXIT_OK : fail(report, error);
}

int
main(int argc, char **argv)
{
	GError *error = NULL;
	setlocale(LC_CTYPE, ""); /* arguments and help are in the user's characters */
	cairn_auto(options) options = options_parse(argc, argv, &error);
	if (!options) {
		fprintf(stderr, "cairn-export: %s\n", error->message);
		g_error_free(error);
		return EXIT_USAGE;
	}
	if (options->version) {
		printf("cairn-export %s\n", CAIRN_VERSION);
		return EXIT_OK;
	}
	struct report report;
	report_init(&report, options->progress, options->control_fd >= 0);
	if (options->retain)
		return run_retain(options, &report);
	return options->map ? run_map(options, &report) : run_copy(options, &report);
}
