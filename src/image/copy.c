/* The thread that leads a copy: sets it up, starts the workers, writes the journal, finishes the
 * file; and the doors for the caller. */
#include "image/copy.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "image/copy_private.h"
#include "image/copy_setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* After a crash at most this much time of work is done again. */
#define SAVE_INTERVAL (4 * G_USEC_PER_SEC)

static void
notify(int fd)
{
	const guint64 one = 1;
	/* Can only fail when it is readable already. */
	if (write(fd, &one, sizeof one) < 0)
		return;
}

static void
set_state(struct copy *copy, enum copy_state state)
{
	copy->state = state;
	notify(copy->event_fd);
}

gboolean
copy_all_written(const struct copy *copy)
{
	return copy->next_block == plan_blocks(copy->plan) && copy->head == copy->tail;
}

static void
stop(struct copy *copy)
{
	copy->stop = TRUE;
	notify(copy->stop_fd);
	g_cond_broadcast(&copy->changed);
}

void
copy_fail(struct copy *copy, GError *error)
{
	g_mutex_lock(&copy->lock);
	if (!copy->error && !copy->stop)
		copy->error = g_steal_pointer(&error);
	stop(copy);
	g_mutex_unlock(&copy->lock);
	g_clear_error(&error);
}

/* Makes durable what was written, then says so in the journal. Only the leading thread. */
static gboolean
save(struct copy *copy, struct journal *journal, GError **error)
{
	g_mutex_lock(&copy->lock);
	g_autoptr(GArray) records = g_steal_pointer(&copy->unsaved);
	copy->unsaved = g_array_new(FALSE, FALSE, sizeof(struct journal_record));
	guint32 next = copy->head == copy->tail
			       ? copy->next_block
			       : copy->slots[copy->tail % copy->n_slots].block.index;
	g_mutex_unlock(&copy->lock);
	return sink_sync(copy->sink, error) && journal_append(journal, records, next, error);
}

/* One turn of the leading thread while the workers work; lock held, let go while saving. */
static gboolean
lead_once(struct copy *copy, struct journal *journal, gint64 *saved, GError **error)
{
	gboolean drained = copy->suspend && copy->head == copy->tail;
	gboolean due = g_get_monotonic_time() - *saved >= SAVE_INTERVAL && copy->unsaved->len > 0;
	if (due || (drained && copy->state == COPY_RUNNING)) {
		g_mutex_unlock(&copy->lock);
		gboolean ok = save(copy, journal, error);
		g_mutex_lock(&copy->lock);
		*saved = g_get_monotonic_time();
		if (ok && drained && copy->suspend)
			set_state(copy, COPY_SUSPENDED);
		return ok;
	}
	if (!copy->suspend && copy->state == COPY_SUSPENDED)
		set_state(copy, COPY_RUNNING);
	gint64 until = MAX(*saved, g_get_monotonic_time() - SAVE_INTERVAL) + SAVE_INTERVAL;
	if (copy->unsaved->len == 0)
		until = g_get_monotonic_time() + SAVE_INTERVAL;
	g_cond_wait_until(&copy->changed, &copy->lock, until);
	return TRUE;
}

static void
lead(struct copy *copy, struct journal *journal)
{
	gint64 saved = g_get_monotonic_time();
	GError *error = NULL;
	gboolean ok = TRUE;
	g_mutex_lock(&copy->lock);
	while (ok && !copy->stop && !copy_all_written(copy))
		ok = lead_once(copy, journal, &saved, &error);
	/* Ends connections that are still being made; the work is done. */
	if (ok)
		stop(copy);
	g_mutex_unlock(&copy->lock);
	if (!ok)
		copy_fail(copy, error);
}

/* So much to read is worth one more connection. */
#define BYTES_PER_WORKER (16ULL << 20)

/* Compression wants every processor, reading as many connections as were asked for. */
static guint
count_workers(const struct copy *copy)
{
	guint n = copy->options.connections;
	guint64 useful = 1 + (copy->progress.total - copy->progress.done) / BYTES_PER_WORKER;
	if (sink_compresses(copy->sink))
		n = MAX(n, g_get_num_processors());
	return (guint)MIN(n, useful);
}

static void
move_blocks(struct copy *copy, struct copy_setup *setup)
{
	guint n = count_workers(copy);
	g_autofree struct copy_worker *workers = g_new0(struct copy_worker, n);
	g_autofree GThread **threads = g_new0(GThread *, n);
	copy_slots_init(copy);
	for (guint i = 0; i < n; i++) {
		workers[i].copy = copy;
		workers[i].requests = MAX(1, copy->options.requests / copy->options.connections);
		workers[i].connect = i < copy->options.connections;
		if (i == 0)
			workers[i].source = g_steal_pointer(&setup->source);
		threads[i] = g_thread_new("copy", copy_worker_run, &workers[i]);
	}
	lead(copy, setup->journal);
	for (guint i = 0; i < n; i++)
		g_thread_join(threads[i]);
	if (copy->error)
		(void)save(copy, setup->journal, NULL); /* the first failure is the one told */
	copy_slots_clear(copy);
}

static gboolean
publish(struct copy *copy, const struct copy_setup *setup, GError **error)
{
	const struct copy_options *options = &copy->options;
	if (options->result) {
		g_autoptr(json_t) json = result_json(copy->result);
		g_autofree char *line = cairn_json_dump(json);
		g_autofree char *text = g_strconcat(line, "\n", NULL);
		if (!cairn_file_replace(options->result, text, strlen(text), 0600, error))
			return FALSE;
	}
	g_autofree char *folder = g_path_get_dirname(options->out);
	if (rename(setup->part, options->out) < 0) {
		cairn_set_errno(error, errno, "cannot rename \"%s\"", setup->part);
		return FALSE;
	}
	if (!cairn_fsync_dir(folder, error))
		return FALSE;
	(void)unlink(setup->state); /* of no use any more, and no harm */
	return TRUE;
}

static void
fill_result(struct copy *copy, gint64 began, guint64 size, guint32 resumed_at, guint64 skipped)
{
	struct result *result = copy->result;
	gboolean raw = g_strcmp0(copy->options.sink, "raw") == 0;
	result->format = raw ? "raw" : "qcow2";
	result->kind = copy->options.since && !raw ? "incremental" : "full";
	result->backing = copy->options.backing;
	result->compress = copy->options.compress;
	result->size = size;
	result->read_bytes = copy->progress.done - skipped;
	result->resumed_at = MIN((guint64)resumed_at * SINK_BLOCK, size);
	result->seconds = (double)(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
}

static void
start_from(struct copy *copy, struct copy_setup *setup)
{
	g_mutex_lock(&copy->lock);
	copy->plan = setup->plan;
	copy->sink = setup->sink;
	copy->result = setup->result;
	copy->next_block = setup->next_block;
	copy->progress.done = plan_total(setup->plan, setup->next_block);
	copy->progress.total = plan_total(setup->plan, plan_blocks(setup->plan));
	set_state(copy, COPY_RUNNING);
	g_mutex_unlock(&copy->lock);
}

static gboolean
run(struct copy *copy, struct copy_setup *setup, GError **error)
{
	gint64 began = g_get_monotonic_time();
	if (!copy_setup(&copy->options, copy->stop_fd, setup, error))
		return FALSE;
	guint64 size = source_size(setup->source), skipped;
	start_from(copy, setup);
	skipped = copy->progress.done;
	move_blocks(copy, setup);
	if (copy->error)
		return FALSE;
	if (!sink_finish(copy->sink, &copy->result->totals, error))
		return FALSE;
	fill_result(copy, began, size, setup->next_block, skipped);
	return publish(copy, setup, error);
}

static gpointer
copy_thread(gpointer data)
{
	struct copy *copy = data;
	struct copy_setup setup = {0};
	GError *error = NULL;
	gboolean ok = run(copy, &setup, &error);
	g_mutex_lock(&copy->lock);
	/* A stop that was asked for is told as such, not as what it broke. */
	if (!ok && !copy->error)
		copy->error = g_steal_pointer(&error);
	copy->plan = NULL;
	set_state(copy, COPY_FINISHED);
	g_mutex_unlock(&copy->lock);
	g_clear_error(&error);
	copy_setup_clear(&setup);
	return NULL;
}

struct copy *
copy_begin(const struct copy_options *options)
{
	struct copy *copy = g_new0(struct copy, 1);
	copy->options = *options;
	copy->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	copy->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	g_assert(copy->stop_fd >= 0 && copy->event_fd >= 0);
	g_mutex_init(&copy->lock);
	g_cond_init(&copy->changed);
	copy->unsaved = g_array_new(FALSE, FALSE, sizeof(struct journal_record));
	rate_set(&copy->rate, options->rate, g_get_monotonic_time());
	copy->thread = g_thread_new("lead", copy_thread, copy);
	return copy;
}

int
copy_event_fd(const struct copy *copy)
{
	return copy->event_fd;
}

void
copy_get_progress(struct copy *copy, struct copy_progress *ret_progress)
{
	g_mutex_lock(&copy->lock);
	*ret_progress = copy->progress;
	ret_progress->state = copy->state;
	g_mutex_unlock(&copy->lock);
}

static void
set_suspend(struct copy *copy, gboolean suspend)
{
	g_mutex_lock(&copy->lock);
	copy->suspend = suspend;
	g_cond_broadcast(&copy->changed);
	g_mutex_unlock(&copy->lock);
}

void
copy_suspend(struct copy *copy)
{
	set_suspend(copy, TRUE);
}

void
copy_resume(struct copy *copy)
{
	set_suspend(copy, FALSE);
}

void
copy_set_rate(struct copy *copy, guint64 limit)
{
	g_mutex_lock(&copy->lock);
	rate_set(&copy->rate, limit, g_get_monotonic_time());
	g_cond_broadcast(&copy->changed);
	g_mutex_unlock(&copy->lock);
}

void
copy_cancel(struct copy *copy)
{
	copy_fail(copy, g_error_new(CAIRN_ERROR, CAIRN_ERROR_CANCELLED, "the copy was cancelled"));
}

gboolean
copy_end(struct copy *copy, GError **error)
{
	g_thread_join(copy->thread);
	GError *failure = g_steal_pointer(&copy->error);
	close(copy->stop_fd);
	close(copy->event_fd);
	g_array_unref(copy->unsaved);
	g_mutex_clear(&copy->lock);
	g_cond_clear(&copy->changed);
	g_free(copy);
	if (!failure)
		return TRUE;
	g_propagate_error(error, failure);
	return FALSE;
}
