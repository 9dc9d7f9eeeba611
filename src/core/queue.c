/* The rules of the queue; see queue.h. */
#include "core/queue.h"

#include <string.h>

#define TURNS_MAX 10000 /* remembered; beyond it a new round begins for all */

/* ---- jobs ---- */

gint64
queue_since(const struct job *job)
{
	/* A job that waits changes its state only when it is suspended and resumed. */
	return MAX(MAX(job->submitted, job->due), job->state_changed);
}

gboolean
queue_delayed(const struct job *job, gint64 now)
{
	return job->phase == PHASE_WAIT && job->due > now;
}

/* Numbers are turns of their own: what is urgent does not end a round of what is not. */
struct turn {
	guint64 priority;
	char *group;
};

struct queue {
	GHashTable *served; /* set of struct turn: who has had it in this round */
};

static guint
turn_hash(gconstpointer key)
{
	const struct turn *turn = key;
	return g_str_hash(turn->group) ^ g_int64_hash(&turn->priority);
}

static gboolean
turn_equal(gconstpointer a, gconstpointer b)
{
	const struct turn *x = a, *y = b;
	return x->priority == y->priority && strcmp(x->group, y->group) == 0;
}

static void
turn_free(gpointer data)
{
	struct turn *turn = data;
	g_free(turn->group);
	g_free(turn);
}

struct queue *
queue_new(void)
{
	struct queue *queue = g_new0(struct queue, 1);
	queue->served = g_hash_table_new_full(turn_hash, turn_equal, turn_free, NULL);
	return queue;
}

void
queue_free(struct queue *queue)
{
	if (!queue)
		return;
	g_hash_table_unref(queue->served);
	g_free(queue);
}

static gboolean
has_priority(gpointer key, gpointer value, gpointer priority)
{
	return ((const struct turn *)key)->priority == *(const guint64 *)priority;
}

void
queue_took(struct queue *queue, const struct job *job)
{
	struct turn key = {job->priority, job->group};
	/* A second turn, and nobody else wanted one: the next round. */
	if (g_hash_table_contains(queue->served, &key))
		g_hash_table_foreach_remove(queue->served, has_priority, &key.priority);
	if (g_hash_table_size(queue->served) >= TURNS_MAX)
		g_hash_table_remove_all(queue->served);
	struct turn *turn = g_new0(struct turn, 1);
	*turn = (struct turn){job->priority, g_strdup(job->group)};
	g_hash_table_add(queue->served, turn);
}

static gboolean
too_long(gint64 since, gint64 now, gint64 starve_after)
{
	return starve_after > 0 && now - since >= starve_after;
}

void
queue_entry_init(struct queue_entry *ret, const struct queue *queue, const struct job *job,
		 gint64 now, gint64 starve_after)
{
	struct turn key = {job->priority, job->group};
	gint64 since = queue_since(job);
	*ret = (struct queue_entry){
		.job = job,
		.since = since,
		.starves = too_long(since, now, starve_after),
		.served = g_hash_table_contains(queue->served, &key),
	};
}

static gint
compare(gint64 a, gint64 b)
{
	return a < b ? -1 : a > b;
}

static gint
by_number(const struct job *a, const struct job *b)
{
	return a->number < b->number ? -1 : a->number > b->number;
}

gint
queue_entry_compare(gconstpointer a, gconstpointer b)
{
	const struct queue_entry *x = a, *y = b;
	gint order = compare(y->starves, x->starves);
	if (order == 0 && x->starves)
		order = compare(x->since, y->since);
	if (order == 0 && !x->starves)
		order = x->job->priority < y->job->priority ? -1
							    : x->job->priority > y->job->priority;
	if (order == 0 && !x->starves)
		order = compare(x->served, y->served);
	return order ? order : by_number(x->job, y->job);
}

/* ---- the order within a group ---- */

static guint64
lower(guint64 a, guint64 b)
{
	return a ? MIN(a, b) : b;
}

void
queue_order_add(struct queue_order *order, const struct job *job, gboolean ready)
{
	if (job->kind == JOB_POINT_CREATE && job->due == 0)
		order->first_point = lower(order->first_point, job->number);
	if (job->kind != JOB_EXPORT || !ready)
		return;
	order->based |= job->base && strcmp(job->base, "auto") != 0;
	order->first_export = lower(order->first_export, job->number);
	order->first_submitted = order->first_submitted
					 ? MIN(order->first_submitted, queue_since(job))
					 : queue_since(job);
}

gboolean
queue_order_waits(const struct queue_order *order, const struct job *job)
{
	if (job->kind == JOB_RETAIN)
		return order->based;
	if (job->kind != JOB_POINT_CREATE)
		return FALSE;
	/* Only exports that need nothing but their turn can hold it back: two points that wait for
	 * each other's exports would do so for ever. */
	if (job->due != 0)
		return order->first_submitted != 0 && order->first_submitted < job->due;
	return (order->first_point && order->first_point < job->number) ||
	       (order->first_export && order->first_export < job->number);
}

/* ---- copies ---- */

static gint
copies_compare(const struct queue_copies *a, const struct queue_copies *b, gint64 now,
	       gint64 starve_after)
{
	gboolean x = a->since && too_long(a->since, now, starve_after),
		 y = b->since && too_long(b->since, now, starve_after);
	gint order = compare(y, x);
	if (order == 0 && x)
		order = compare(a->since, b->since);
	if (order == 0)
		order = a->job->priority < b->job->priority ? -1
							    : a->job->priority > b->job->priority;
	if (order == 0)
		order = compare(a->copying, b->copying);
	return order ? order : by_number(a->job, b->job);
}

gint
queue_next_copy(const struct queue_copies *copies, guint n, gint64 now, gint64 starve_after)
{
	gint best = -1;
	for (guint i = 0; i < n; i++)
		if (copies[i].ready &&
		    (best < 0 || copies_compare(&copies[i], &copies[best], now, starve_after) < 0))
			best = (gint)i;
	return best;
}
