/* cairn-export --retain; see retain.h. */
#include "export/retain.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "export/control.h"
#include "image/retain.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS	   250
#define BUSY_LIMIT (10 * G_USEC_PER_SEC) /* how long another one is waited for */

struct work {
	const struct options *options;
	GCancellable *cancel;
	guint64 rate;	     /* atomic, as are the two below */
	guint64 done, total; /* bytes */
	gint finished;
	json_t *result; /* the thread's until it has finished, as is the error */
	GError *error;
};

/* ---- the thread ---- */

static void
on_progress(const struct retain_progress *progress, void *data)
{
	struct work *work = data;
	__atomic_store_n(&work->done, progress->done, __ATOMIC_RELAXED);
	__atomic_store_n(&work->total, progress->total, __ATOMIC_RELAXED);
}

static gboolean
do_it(struct work *work, const struct retain_plan *plan, GError **error)
{
	struct retain_result result;
	const struct retain_options options = {.cancel = work->cancel,
					       .rate = &work->rate,
					       .progress = on_progress,
					       .progress_data = work};
	if (!retain_run(plan, &options, &result, error))
		return FALSE;
	work->result = retain_result_json(plan, &result);
	return TRUE;
}

static gboolean
plan_and_do(struct work *work, GError **error)
{
	const struct options *options = work->options;
	g_autoptr(GTimeZone) zone = g_time_zone_new_local();
	if (!options->dry_run && !retain_recover(options->retain, error))
		return FALSE;
	cairn_auto(retain_plan) plan =
		retain_plan_new(options->retain, &options->retention, zone, error);
	if (!plan)
		return FALSE;
	if (!options->dry_run)
		return do_it(work, plan, error);
	work->result = retain_plan_json(plan);
	return TRUE;
}

/* One that was told to stop, or whose parent is gone, may still be removing what it had begun. */
static gpointer
worker(gpointer data)
{
	struct work *work = data;
	gint64 until = g_get_monotonic_time() + BUSY_LIMIT;
	while (!plan_and_do(work, &work->error) &&
	       g_error_matches(work->error, CAIRN_ERROR, CAIRN_ERROR_BUSY) &&
	       g_get_monotonic_time() < until && !g_cancellable_is_cancelled(work->cancel)) {
		g_clear_error(&work->error);
		g_usleep(TICK_MS * 1000);
	}
	g_atomic_int_set(&work->finished, TRUE);
	return NULL;
}

/* ---- this one ---- */

static void
on_rate(void *target, guint64 rate)
{
	__atomic_store_n(&((struct work *)target)->rate, rate, __ATOMIC_RELAXED);
}

static void
on_cancel(void *target)
{
	g_cancellable_cancel(((struct work *)target)->cancel);
}

static const struct control_ops ops = {.set_rate = on_rate, .cancel = on_cancel};

/* A command, a signal, or a quarter of a second. */
static void
wait_for_news(struct control *control, struct work *work)
{
	struct pollfd fds[] = {
		{.fd = control->signal_fd, .events = POLLIN},
		{.fd = control->fd, .events = POLLIN},
	};
	if (poll(fds, G_N_ELEMENTS(fds), TICK_MS) <= 0)
		return;
	if (fds[0].revents)
		control_signal(control, &ops, work);
	if (fds[1].revents)
		control_read(control, &ops, work);
}

static void
tell(struct report *report, const struct work *work, enum copy_state state)
{
	struct copy_progress progress = {
		.state = state,
		.done = __atomic_load_n(&work->done, __ATOMIC_RELAXED),
		.total = __atomic_load_n(&work->total, __ATOMIC_RELAXED),
	};
	if (progress.total)
		report_progress(report, &progress, g_get_monotonic_time());
}

/* Among lines of progress it is a line as well. */
static gboolean
put_result(const struct options *options, json_t *result, GError **error)
{
	g_autoptr(json_t) line = json_object();
	cairn_json_set(line, "retain", json_incref(result));
	gboolean as_line = options->progress && !options->copy.result;
	g_autofree char *text = as_line ? cairn_json_dump(line) : cairn_json_pretty(result);
	if (options->copy.result)
		return cairn_file_replace(options->copy.result, text, strlen(text), 0600, error);
	printf("%s%s", text, as_line ? "\n" : "");
	return TRUE;
}

gboolean
retain_main(const struct options *options, struct report *report, GError **error)
{
	struct work work = {.options = options, .rate = options->copy.rate};
	struct control control;
	control_init(&control, options->control_fd);
	g_autoptr(GCancellable) cancel = g_cancellable_new();
	work.cancel = cancel;
	GThread *thread = g_thread_new("retain", worker, &work);
	while (!g_atomic_int_get(&work.finished)) {
		wait_for_news(&control, &work);
		tell(report, &work, COPY_RUNNING);
	}
	g_thread_join(thread);
	control_clear(&control);
	if (work.error) {
		g_propagate_error(error, work.error);
		return FALSE;
	}
	tell(report, &work, COPY_FINISHED);
	g_autoptr(json_t) result = work.result;
	return put_result(options, result, error);
}
