/* Local work shown as if it were a job. */
#include "cli/local.h"

#include "cli/progress.h"
#include "cli/watch.h"

#include <glib/gi18n.h>
#include <signal.h>

#define RATE_USEC (G_USEC_PER_SEC / 4) /* between two samples of the rate */

static volatile sig_atomic_t interrupted;

struct local_work {
	struct progress *progress; /* NULL with --quiet */
	GCancellable *cancel;
	char *kind, *what;
	gint64 sampled; /* monotonic microseconds; 0: no sample */
	guint64 done;	/* at the sample */
	double rate;
};

static void
on_interrupt(int sig)
{
	interrupted = 1;
}

struct local_work *
local_work_begin(const struct cli *cli, const char *kind, const char *what)
{
	struct local_work *work = g_new0(struct local_work, 1);
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
	struct progress_env env;
	watch_progress_env(&env);
	if (!cli->quiet)
		work->progress = progress_new(&env);
	work->cancel = g_cancellable_new();
	work->kind = g_strdup(kind);
	work->what = g_strdup(what);
	interrupted = 0;
	sigaction(SIGINT, &action, NULL);
	return work;
}

static void
sample(struct local_work *work, guint64 done)
{
	gint64 now = g_get_monotonic_time();
	if (work->sampled && now - work->sampled < RATE_USEC)
		return;
	if (work->sampled && done >= work->done)
		work->rate = (double)(done - work->done) * G_USEC_PER_SEC / (now - work->sampled);
	work->sampled = now;
	work->done = done;
}

void
local_work_update(struct local_work *work, const char *where, guint64 done, guint64 total)
{
	if (interrupted)
		g_cancellable_cancel(work->cancel);
	sample(work, done);
	if (!work->progress)
		return;
	g_autoptr(json_t) job = json_object();
	cairn_json_set_string(job, "id", "local");
	cairn_json_set_string(job, "kind", work->kind);
	cairn_json_set_string(job, "point-name", work->what);
	cairn_json_set_uint(job, "state", JOB_RUNNING);
	cairn_json_set_string(job, "phase", N_("reading"));
	cairn_json_set_uint(job, "done-bytes", done);
	cairn_json_set_uint(job, "total-bytes", total);
	cairn_json_set_real(job, "rate", work->rate);
	progress_update(work->progress, job);
	progress_draw(work->progress);
}

GCancellable *
local_work_cancel(struct local_work *work)
{
	return work->cancel;
}

void
local_work_free(struct local_work *work)
{
	if (!work)
		return;
	signal(SIGINT, SIG_DFL);
	if (work->progress)
		progress_clear(work->progress);
	progress_free(work->progress);
	g_object_unref(work->cancel);
	g_free(work->kind);
	g_free(work->what);
	g_free(work);
}
