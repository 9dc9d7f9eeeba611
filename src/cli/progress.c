/* Several jobs at once. What was drawn is remembered line by line, so that it can be taken off
 * again also after the terminal became narrower and wrapped it. */
#include "cli/progress.h"

#include "cli/field.h"
#include "cli/format.h"
#include "cli/text.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#define SMOOTH_USEC (3 * G_USEC_PER_SEC) /* a change of rate is shown after about this time */
#define LABEL_MAX   32			 /* cells */
#define PLAIN_STEP  10			 /* percent between two plain lines */

struct shown_job {
	json_t *job;	  /* all that is known of it */
	gint64 seen;	  /* clock at the last sample of the rate; 0: none */
	double rate;	  /* smoothed, bytes a second */
	char *said_state; /* plain lines: what was said last */
	guint said_step;
};

struct progress {
	struct progress_env env;
	GPtrArray *jobs;    /* struct shown_job, in the order they came */
	GArray *drawn;	    /* guint: cells of each line on the screen */
	gboolean has_drawn; /* the cursor stands below the last line */
};

static void
shown_job_free(gpointer data)
{
	struct shown_job *shown = data;
	json_decref(shown->job);
	g_free(shown->said_state);
	g_free(shown);
}

struct progress *
progress_new(const struct progress_env *env)
{
	struct progress *progress = g_new0(struct progress, 1);
	progress->env = *env;
	progress->jobs = g_ptr_array_new_with_free_func(shown_job_free);
	progress->drawn = g_array_new(FALSE, FALSE, sizeof(guint));
	return progress;
}

void
progress_free(struct progress *progress)
{
	if (!progress)
		return;
	g_ptr_array_unref(progress->jobs);
	g_array_unref(progress->drawn);
	g_free(progress);
}

char *
progress_title(const json_t *job)
{
	const char *kind = field_text(job, "kind"), *what = field_text(job, "point-name");
	if (!what)
		what = field_text(job, "group-name");
	if (!what)
		what = field_text(job, "group");
	if (g_strcmp0(kind, "point-create") == 0)
		kind = N_("point");
	kind = kind && *kind ? gettext(kind) : _("job");
	if (json_object_get(job, "kind") && what)
		return g_strdup_printf("%s %s", kind, what);
	return g_strdup_printf("%s %" G_GUINT64_FORMAT, kind, field_uint(job, "number"));
}

static struct shown_job *
find_job(struct progress *progress, const json_t *job)
{
	const char *id = field_text(job, "id");
	for (guint i = 0; i < progress->jobs->len; i++) {
		struct shown_job *shown = progress->jobs->pdata[i];
		if (g_strcmp0(field_text(shown->job, "id"), id) == 0)
			return shown;
	}
	struct shown_job *shown = g_new0(struct shown_job, 1);
	shown->job = json_object();
	g_ptr_array_add(progress->jobs, shown);
	return shown;
}

/* An exponential mean whose weight follows the time between samples, so that the time left does
 * not jump however often events come. */
static void
smooth_rate(struct shown_job *shown, double rate, gint64 now)
{
	double weight = 1;
	if (shown->seen && shown->rate > 0)
		weight = 1 - exp(-(double)(now - shown->seen) / SMOOTH_USEC);
	shown->rate += (rate - shown->rate) * weight;
	shown->seen = now;
}

static guint64
state_of(const json_t *job)
{
	return field_uint(job, "state");
}

static char *
state_text(const json_t *job)
{
	const char *name = field_word(job, "state-name"), *phase = field_word(job, "phase");
	/* While a job runs, the phase says more than "running". */
	if (phase && *phase && state_of(job) == 4)
		return g_strdup(phase);
	return g_strdup(name ? name : _("waiting"));
}

/* Another host tells percents only. */
static gboolean
is_without_bytes(const json_t *job)
{
	return json_is_null(json_object_get(job, "total-bytes"));
}

static guint
step_of(const json_t *job)
{
	guint64 done = field_uint(job, "done-bytes"), total = field_uint(job, "total-bytes");
	if (is_without_bytes(job))
		return (guint)MIN(field_uint(job, "percent"), 100) / PLAIN_STEP;
	return total ? (guint)(100.0 * MIN(done, total) / total) / PLAIN_STEP : 0;
}

static void
say_plain(struct progress *progress, struct shown_job *shown)
{
	g_autofree char *state = state_text(shown->job);
	g_autofree char *title = progress_title(shown->job);
	guint step = step_of(shown->job);
	g_autoptr(GString) line = g_string_new(NULL);
	if (json_is_integer(json_object_get(shown->job, "number")))
		g_string_printf(line, _("job %llu (%s): %s"),
				(unsigned long long)field_uint(shown->job, "number"), title, state);
	else
		g_string_printf(line, _("%s: %s"), title, state);
	if (g_strcmp0(state, shown->said_state) == 0 && step <= shown->said_step)
		return;
	if (step > shown->said_step) {
		struct progress_item item = {.done = field_uint(shown->job, "done-bytes"),
					     .total = field_uint(shown->job, "total-bytes")};
		g_autofree char *done = format_size(item.done);
		g_autofree char *total = format_size(item.total);
		g_autofree char *rate = format_rate(shown->rate);
		g_string_append_printf(line, ", %u %%", step * PLAIN_STEP);
		if (!is_without_bytes(shown->job))
			g_string_append_printf(line, _(", %s of %s%s%s"), done, total,
					       *rate ? ", " : "", rate);
		if (shown->rate > 0 && item.total > item.done) {
			g_autofree char *left = format_countdown(
				(guint64)MIN(1e9, (item.total - item.done) / shown->rate + 0.5));
			g_string_append_printf(line, _(", %s left"), left);
		}
	}
	g_free(shown->said_state);
	shown->said_state = g_steal_pointer(&state);
	shown->said_step = MAX(step, shown->said_step);
	g_autofree char *clean = text_clean(line->str);
	progress->env.write(progress->env.data, clean);
	progress->env.write(progress->env.data, "\n");
}

void
progress_update(struct progress *progress, const json_t *job)
{
	struct shown_job *shown = find_job(progress, job);
	json_object_update(shown->job, (json_t *)job);
	if (json_object_get(job, "rate"))
		smooth_rate(shown, field_real(job, "rate"),
			    progress->env.clock(progress->env.data));
	if (!progress->env.terminal)
		say_plain(progress, shown);
}

/* ---- drawing ---- */

static char *
disk_label(const json_t *disk)
{
	const char *vm = field_text(disk, "vm-name"), *target = field_text(disk, "target");
	return g_strdup_printf("%s:%s", vm ? vm : "?", target ? target : "?");
}

static guint
label_cells(const struct progress *progress)
{
	guint cells = 8;
	for (guint i = 0; i < progress->jobs->len; i++) {
		const struct shown_job *shown = progress->jobs->pdata[i];
		g_autofree char *title = progress_title(shown->job);
		cells = MAX(cells, text_width(title));
		size_t n;
		json_t *disk;
		json_array_foreach (field_array(shown->job, "disks"), n, disk) {
			g_autofree char *label = disk_label(disk);
			cells = MAX(cells, text_width(label) + 2);
		}
	}
	return MIN(cells, LABEL_MAX);
}

static void
add_job_line(GPtrArray *lines, const struct progress *progress, const struct shown_job *shown,
	     guint cells, guint width)
{
	g_autofree char *title = progress_title(shown->job);
	g_autofree char *state = state_text(shown->job);
	struct progress_item item = {
		.label = title,
		.label_cells = cells,
		.done = field_uint(shown->job, "done-bytes"),
		.total = field_uint(shown->job, "total-bytes"),
		.rate = state_of(shown->job) == 4 ? shown->rate : 0,
	};
	if (is_without_bytes(shown->job) && state_of(shown->job) == 4) {
		g_free(state);
		item.note = state = g_strdup_printf("running, %" G_GUINT64_FORMAT " %%",
						    field_uint(shown->job, "percent"));
	} else if (item.done >= item.total || state_of(shown->job) != 4) {
		item.note = state;
	}
	g_ptr_array_add(lines, progress_line(&item, width, progress->env.utf8));
}

static void
add_disk_line(GPtrArray *lines, const struct progress *progress, const json_t *disk, guint cells,
	      guint width)
{
	g_autofree char *label = disk_label(disk);
	const char *state = field_word(disk, "state");
	struct progress_item item = {
		.label = label,
		.indent = 2,
		.label_cells = cells - 2,
		.done = field_uint(disk, "done-bytes"),
		.total = field_uint(disk, "total-bytes"),
		.rate = field_real(disk, "rate"),
	};
	if (item.total == 0)
		item.note = state ? state : _("waiting");
	g_ptr_array_add(lines, progress_line(&item, width, progress->env.utf8));
}

/* Disks that move come first when there is not room for all. */
static gboolean
moves(const json_t *disk)
{
	return field_real(disk, "rate") > 0;
}

static void
add_disks(GPtrArray *lines, const struct progress *progress, const json_t *disks, guint room,
	  guint cells, guint width)
{
	size_t i, count = json_array_size(disks);
	json_t *disk;
	guint shown = 0;
	gboolean all = count <= room;
	if (!all && room > 0)
		room--; /* for the line that counts the rest */
	json_array_foreach ((json_t *)disks, i, disk) {
		if (shown < room && (all || moves(disk))) {
			add_disk_line(lines, progress, disk, cells, width);
			shown++;
		}
	}
	if (!all) {
		g_autofree char *more =
			g_strdup_printf(_("  and %u more disks"), (guint)count - shown);
		g_ptr_array_add(lines, text_fit(more, width));
	}
}

static GPtrArray *
make_lines(const struct progress *progress, guint width, guint rows)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	guint cells = MIN(label_cells(progress), MAX(width / 2, 1));
	for (guint i = 0; i < progress->jobs->len && lines->len < rows; i++) {
		const struct shown_job *shown = progress->jobs->pdata[i];
		json_t *disks = field_array(shown->job, "disks");
		add_job_line(lines, progress, shown, cells, width);
		guint after = progress->jobs->len - i - 1; /* lines that later jobs need */
		if (json_array_size(disks) > 0 && cells > 4 && state_of(shown->job) == 4 &&
		    rows > lines->len + after)
			add_disks(lines, progress, disks, rows - lines->len - after, cells, width);
	}
	return lines;
}

/* To the first cell of what was drawn. */
static void
append_return(const struct progress *progress, GString *out, guint width)
{
	guint up = 0;
	for (guint i = 0; i < progress->drawn->len; i++) {
		guint cells = g_array_index(progress->drawn, guint, i);
		up += cells > width ? (cells + width - 1) / width : 1;
	}
	if (up > 0)
		g_string_append_printf(out, "\033[%uA", up);
	g_string_append_c(out, '\r');
}

void
progress_draw(struct progress *progress)
{
	guint width = 0, rows = 0;
	if (!progress->env.terminal)
		return;
	progress->env.size(progress->env.data, &width, &rows);
	/* The last column stays free: a line that fills it wraps on some terminals. */
	g_autoptr(GPtrArray) lines = make_lines(progress, MAX(width, 2) - 1, MAX(rows, 2) - 1);
	g_autoptr(GString) out = g_string_new(NULL);
	if (progress->has_drawn)
		append_return(progress, out, MAX(width, 2));
	g_array_set_size(progress->drawn, 0);
	for (guint i = 0; i < lines->len; i++) {
		guint cells = text_width(lines->pdata[i]);
		g_array_append_val(progress->drawn, cells);
		g_string_append_printf(out, "%s\033[K\n", (const char *)lines->pdata[i]);
	}
	g_string_append(out, "\033[J");
	progress->has_drawn = lines->len > 0;
	progress->env.write(progress->env.data, out->str);
}

void
progress_clear(struct progress *progress)
{
	guint width = 0, rows = 0;
	if (!progress->has_drawn)
		return;
	progress->env.size(progress->env.data, &width, &rows);
	g_autoptr(GString) out = g_string_new(NULL);
	append_return(progress, out, MAX(width, 2));
	g_string_append(out, "\033[J");
	progress->has_drawn = FALSE;
	progress->env.write(progress->env.data, out->str);
}
