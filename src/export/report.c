/* Progress, states and errors of cairn-export; see report.h. */
#include "export/report.h"

#include "base/error.h"
#include "base/json.h"

#include <stdio.h>
#include <unistd.h>

void
report_init(struct report *report, gboolean on, gboolean machine)
{
	*report = (struct report){.on = on, .json = machine || !isatty(STDOUT_FILENO)};
}

/* Takes @object over. Nobody who listens is no reason to stop: the end of the control pipe is. */
static void
put_line(json_t *object)
{
	g_autofree char *text = cairn_json_dump(object);
	printf("%s\n", text);
	fflush(stdout);
	json_decref(object);
}

static guint64
rate_of(struct report *report, guint64 done, gint64 now)
{
	guint oldest = report->n < REPORT_SAMPLES ? 0 : report->n % REPORT_SAMPLES;
	guint64 rate = 0;
	if (report->n > 0 && now > report->samples[oldest].time)
		rate = (guint64)((double)(done - report->samples[oldest].done) * G_USEC_PER_SEC /
				 (double)(now - report->samples[oldest].time));
	report->samples[report->n % REPORT_SAMPLES].time = now;
	report->samples[report->n % REPORT_SAMPLES].done = done;
	report->n++;
	return rate;
}

static void
put_text(const struct copy_progress *progress, guint64 rate)
{
	g_autofree char *done = g_format_size_full(progress->done, G_FORMAT_SIZE_IEC_UNITS);
	g_autofree char *total = g_format_size_full(progress->total, G_FORMAT_SIZE_IEC_UNITS);
	g_autofree char *speed = g_format_size_full(rate, G_FORMAT_SIZE_IEC_UNITS);
	guint64 left = rate ? (progress->total - progress->done) / rate : 0;
	double percent =
		progress->total ? 100.0 * (double)progress->done / (double)progress->total : 100.0;
	gboolean end = progress->state == COPY_FINISHED;
	printf("\r\033[K%5.1f %%  %s of %s  %s/s  %" G_GUINT64_FORMAT ":%02u left%s", percent, done,
	       total, speed, left / 60, (guint)(left % 60), end ? "\n" : "");
	fflush(stdout);
}

void
report_progress(struct report *report, const struct copy_progress *progress, gint64 now)
{
	if (!report->on)
		return;
	guint64 rate = rate_of(report, progress->done, now);
	if (!report->json) {
		put_text(progress, rate);
		return;
	}
	json_t *numbers = json_object(), *line = json_object();
	cairn_json_set_uint(numbers, "done", progress->done);
	cairn_json_set_uint(numbers, "total", progress->total);
	cairn_json_set_uint(numbers, "written", progress->written);
	cairn_json_set_uint(numbers, "rate", rate);
	cairn_json_set(line, "progress", numbers);
	put_line(line);
}

void
report_state(struct report *report, enum copy_state state)
{
	if (!report->json)
		return;
	json_t *line = json_object();
	cairn_json_set_string(line, "state", state == COPY_SUSPENDED ? "suspended" : "running");
	put_line(line);
}

void
report_error(struct report *report, const GError *error)
{
	if (report->on && report->json) {
		json_t *fields = json_object(), *line = json_object();
		cairn_json_set_string(fields, "class", cairn_error_class(cairn_error_code(error)));
		cairn_json_set_string(fields, "desc", error->message);
		cairn_json_set(line, "error", fields);
		put_line(line);
	}
	fprintf(stderr, "cairn-export: %s\n", error->message);
}
