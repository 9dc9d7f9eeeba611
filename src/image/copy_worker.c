/* The way of one block through the ring:
 *
 *	READING	its reads are in flight on the connection of one worker
 *	READ	any worker may take it (queue `ready`): zeroes, compression, digest
 *	PREPARED	waits until all before it are placed; EMPTY: nothing of it is kept
 *	PLACED	any worker writes it
 *	WRITTEN	waits until all before it are written; then the slot is free again
 *
 * No worker waits while it could work: it starts reads, prepares, places and writes what is at the
 * front, and sleeps in poll(2) for its connection or on the condition for the others. */
#include "base/error.h"
#include "image/copy_private.h"

#include <string.h>

enum issue {
	ISSUE_STARTED, /* a block is on its way */
	ISSUE_WAIT,    /* ring full, limit on speed, suspended */
	ISSUE_END,     /* there are no more blocks */
};

static void
on_read(void *opaque, gboolean ok)
{
	struct slot *slot = opaque;
	slot->pending--;
	if (!ok || slot->pending > 0)
		return;
	struct copy *copy = slot->copy;
	g_mutex_lock(&copy->lock);
	slot->state = SLOT_READ;
	g_queue_push_tail(&copy->ready, slot);
	g_cond_broadcast(&copy->changed);
	g_mutex_unlock(&copy->lock);
}

/* The next block with anything to do; those without are passed over. Lock held. */
static gboolean
next_block(struct copy *copy, struct plan_block *ret_block)
{
	for (; copy->next_block < plan_blocks(copy->plan); copy->next_block++) {
		*ret_block = plan_block(copy->plan, copy->next_block);
		if (ret_block->read || ret_block->zero || ret_block->base)
			return TRUE;
	}
	return FALSE;
}

/* Lock held. *@ret_wait: milliseconds after which it is worth asking again, or -1. */
static enum issue
take_slot(struct copy *copy, struct slot **ret_slot, int *ret_wait)
{
	struct plan_block plan;
	*ret_wait = -1;
	if (!next_block(copy, &plan))
		return ISSUE_END;
	if (copy->suspend || copy->head - copy->tail == copy->n_slots)
		return ISSUE_WAIT;
	guint64 bytes = plan_bytes(copy->plan, copy->next_block, plan.read | plan.base);
	gint64 wait = rate_take(&copy->rate, bytes, g_get_monotonic_time());
	if (wait > 0) {
		*ret_wait = (int)MIN(wait / 1000 + 1, G_MAXINT);
		return ISSUE_WAIT;
	}
	struct slot *slot = &copy->slots[copy->head++ % copy->n_slots];
	slot->state = SLOT_READING;
	slot->pending = 0;
	slot->bytes = bytes;
	slot->read = plan.read;
	slot->block.index = copy->next_block++;
	slot->block.data = plan.read;
	slot->block.zero = plan.zero;
	slot->block.base = plan.base;
	*ret_slot = slot;
	return ISSUE_STARTED;
}

/* Runs of neighbouring clusters become requests of the size that QEMU serves best. */
static gboolean
start_reads(struct source *source, struct slot *slot, GError **error)
{
	guint64 start = (guint64)slot->block.index * SINK_BLOCK;
	for (guint i = 0, n; i < SINK_PER_BLOCK; i += n) {
		n = 1;
		if (!(slot->read >> i & 1))
			continue;
		while (i + n < SINK_PER_BLOCK && (slot->read >> (i + n) & 1) &&
		       n < SOURCE_READ_MAX / SINK_CLUSTER)
			n++;
		guint64 at = start + (guint64)i * SINK_CLUSTER;
		gsize len = MIN((guint64)n * SINK_CLUSTER, source_size(source) - at);
		slot->pending++;
		if (!source_read(source, slot->block.buffer + (gsize)i * SINK_CLUSTER, len, at,
				 on_read, slot, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
issue(struct copy_worker *worker, int *ret_wait, GError **error)
{
	struct copy *copy = worker->copy;
	struct slot *slot = NULL;
	*ret_wait = -1;
	while (worker->source && source_in_flight(worker->source) < worker->requests) {
		g_mutex_lock(&copy->lock);
		enum issue got = take_slot(copy, &slot, ret_wait);
		if (got == ISSUE_STARTED && !slot->read) {
			slot->state = SLOT_READ;
			g_queue_push_tail(&copy->ready, slot);
		}
		g_mutex_unlock(&copy->lock);
		if (got != ISSUE_STARTED)
			return TRUE;
		if (!start_reads(worker->source, slot, error))
			return FALSE;
	}
	return TRUE;
}

static guint64
stored_bytes(const struct sink_block *block)
{
	guint64 bytes = (guint64)__builtin_popcount(block->base) * SINK_CLUSTER;
	for (guint i = 0; i < SINK_PER_BLOCK; i++)
		if (block->data >> i & 1)
			bytes += block->sectors[i] ? block->sectors[i] * 512U : SINK_CLUSTER;
	return bytes;
}

/* What the journal and the result must know of a block that is written. Lock held. */
static void
account(struct copy *copy, const struct slot *slot)
{
	const struct sink_block *block = &slot->block;
	copy->progress.done += slot->bytes;
	if (!(block->data || block->base || block->zero))
		return;
	copy->progress.written += stored_bytes(block);
	struct journal_record record;
	memset(&record, 0, sizeof record);
	record.index = block->index;
	record.data = block->data;
	record.base = block->base;
	record.zero = block->zero;
	memcpy(record.sectors, block->sectors, sizeof record.sectors);
	memcpy(record.digest, block->digest, digest_length(copy->options.digest));
	g_array_append_val(copy->unsaved, record);
	result_add(copy->result, block->index, block->digest);
}

/* Frees the slots at the back that are through. Lock held. */
static void
advance_tail(struct copy *copy)
{
	gboolean moved = FALSE;
	while (copy->tail < copy->placed) {
		struct slot *slot = &copy->slots[copy->tail % copy->n_slots];
		if (slot->state != SLOT_WRITTEN)
			break;
		account(copy, slot);
		copy->tail++;
		moved = TRUE;
	}
	if (moved)
		g_cond_broadcast(&copy->changed);
}

/* Takes the slot at the front when it is prepared, and places it. Lock held. */
static struct slot *
place_next(struct copy *copy, GError **error)
{
	while (copy->placed < copy->head) {
		struct slot *slot = &copy->slots[copy->placed % copy->n_slots];
		if (slot->state == SLOT_PREPARED) {
			copy->placed++;
			slot->state = SLOT_PLACED;
			return sink_place(copy->sink, &slot->block, error) ? slot : NULL;
		}
		if (slot->state != SLOT_EMPTY)
			break;
		copy->placed++;
		slot->state = SLOT_WRITTEN;
		advance_tail(copy);
	}
	return NULL;
}

/* Writes what can be written now. */
static gboolean
drain(struct copy *copy, GError **error)
{
	GError *failure = NULL;
	g_mutex_lock(&copy->lock);
	struct slot *slot;
	while (!copy->stop && (slot = place_next(copy, &failure))) {
		g_mutex_unlock(&copy->lock);
		gboolean ok = sink_write(copy->sink, &slot->block, &failure);
		g_mutex_lock(&copy->lock);
		if (!ok)
			break;
		slot->state = SLOT_WRITTEN;
		advance_tail(copy);
	}
	g_mutex_unlock(&copy->lock);
	if (!failure)
		return TRUE;
	g_propagate_error(error, failure);
	return FALSE;
}

static gboolean
prepare(struct copy *copy, struct sink_scratch *scratch, struct slot *slot, GError **error)
{
	gboolean carried;
	if (!sink_prepare(copy->sink, scratch, &slot->block, &carried, error))
		return FALSE;
	g_mutex_lock(&copy->lock);
	slot->state = carried ? SLOT_PREPARED : SLOT_EMPTY;
	g_mutex_unlock(&copy->lock);
	return drain(copy, error);
}

/* Sleeps until something of the copy changes. FALSE: there is nothing left to do. */
static gboolean
sleep_or_end(struct copy_worker *worker, int wait)
{
	struct copy *copy = worker->copy;
	gint64 until = g_get_monotonic_time() + (gint64)wait * 1000;
	g_mutex_lock(&copy->lock);
	gboolean more = !copy->stop && !copy_all_written(copy);
	/* Asked for again under the lock, so that no wake-up is lost. */
	struct plan_block plan;
	gboolean can_issue = worker->source && wait < 0 && next_block(copy, &plan) &&
			     !copy->suspend && copy->head - copy->tail < copy->n_slots;
	if (more && g_queue_is_empty(&copy->ready) && !can_issue) {
		if (wait < 0)
			g_cond_wait(&copy->changed, &copy->lock);
		else
			g_cond_wait_until(&copy->changed, &copy->lock, until);
	}
	if (!more)
		g_cond_broadcast(&copy->changed);
	g_mutex_unlock(&copy->lock);
	return more;
}

/* FALSE without an error: the end. */
static gboolean
work_once(struct copy_worker *worker, struct sink_scratch *scratch, GError **error)
{
	struct copy *copy = worker->copy;
	int wait;
	if (!issue(worker, &wait, error))
		return FALSE;
	g_mutex_lock(&copy->lock);
	gboolean stop = copy->stop;
	struct slot *slot = stop ? NULL : g_queue_pop_head(&copy->ready);
	g_mutex_unlock(&copy->lock);
	if (stop || (slot && !prepare(copy, scratch, slot, error)))
		return FALSE;
	if (worker->source && source_in_flight(worker->source) > 0)
		return source_step(worker->source, slot ? 0 : wait, error);
	return slot || sleep_or_end(worker, wait);
}

/* A further connection that fails leaves the work to the first: a server may take only one. */
static void
connect_worker(struct copy_worker *worker)
{
	const struct copy_options *options = &worker->copy->options;
	g_autoptr(GError) error = NULL;
	worker->source = source_open(options->uri, NULL, options->timeout * 1000,
				     worker->copy->stop_fd, &error);
	if (!worker->source)
		g_debug("a further connection: %s", error->message);
}

gpointer
copy_worker_run(gpointer data)
{
	struct copy_worker *worker = data;
	cairn_auto(sink_scratch) scratch = sink_scratch_new(worker->copy->sink);
	GError *error = NULL;
	if (!worker->source && worker->connect)
		connect_worker(worker);
	while (work_once(worker, scratch, &error))
		;
	source_close(worker->source);
	if (error)
		copy_fail(worker->copy, error);
	return NULL;
}

void
copy_slots_init(struct copy *copy)
{
	gsize each = sink_compresses(copy->sink) ? 2 * SINK_BLOCK : SINK_BLOCK;
	copy->n_slots = (guint)(COPY_RESIDENT_MAX / each);
	copy->slots = g_new0(struct slot, copy->n_slots);
	for (guint i = 0; i < copy->n_slots; i++) {
		struct slot *slot = &copy->slots[i];
		slot->copy = copy;
		slot->block.buffer = g_aligned_alloc(1, SINK_BLOCK, SINK_ALIGNMENT);
		if (sink_compresses(copy->sink))
			slot->block.packed = g_malloc(SINK_BLOCK);
	}
	g_queue_init(&copy->ready);
}

void
copy_slots_clear(struct copy *copy)
{
	for (guint i = 0; i < copy->n_slots; i++) {
		g_aligned_free(copy->slots[i].block.buffer);
		g_free(copy->slots[i].block.packed);
	}
	g_free(copy->slots);
	copy->n_slots = 0;
	g_queue_clear(&copy->ready);
}
