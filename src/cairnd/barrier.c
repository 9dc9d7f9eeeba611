/* Runs a window: its orders go to threads, their replies come back through a queue, and the clock
 * of the deadline is this thread's wait. Nothing here waits for the daemon's loop, its store or its
 * disk. */
#include "cairnd/world.h"

/* Calls that one machine may have under way at once: a freeze and a begin that hang, and the resume
 * that comes after them all the same. */
#define CALLS 3

/* Microseconds since 1970, but steady: a clock that is set while guests stand still must neither
 * end their pause nor make it longer. */
struct steady {
	gint64 offset;
};

static gint64
now(const struct steady *steady)
{
	return g_get_monotonic_time() + steady->offset;
}

struct deed {
	const struct steady *clock;
	struct window_order order;
	const struct barrier_member *member;
	GAsyncQueue *replies;
	GError *error;
	guint frozen;
	gint64 from, to;
};

static void
begin_and_save(struct deed *deed)
{
	const struct barrier_member *member = deed->member;
	if (!hypervisor_begin(member->hv, member->spec, &deed->error))
		return;
	deed->to = now(deed->clock);
	if (!member->save_dir)
		return;
	g_auto(GStrv) files = NULL;
	hypervisor_save_state(member->hv, member->spec->vm, member->save_dir, &files, &deed->error);
}

static void
do_deed(gpointer data, gpointer user_data)
{
	struct deed *deed = data;
	struct hypervisor *hv = deed->member->hv;
	const char *vm = deed->member->spec->vm;
	deed->from = now(deed->clock);
	switch (deed->order.deed) {
	case DEED_FREEZE:
		hypervisor_freeze(hv, vm, &deed->frozen, &deed->error);
		break;
	case DEED_SUSPEND:
		hypervisor_suspend(hv, vm, &deed->error);
		break;
	case DEED_BEGIN:
		begin_and_save(deed);
		break;
	case DEED_RESUME:
		hypervisor_resume(hv, vm, &deed->error);
		break;
	case DEED_THAW:
		hypervisor_thaw(hv, vm, &deed->frozen, &deed->error);
		break;
	case DEED_LAST:
		g_assert_not_reached();
	}
	if (deed->to == 0)
		deed->to = now(deed->clock);
	g_async_queue_push(deed->replies, deed);
}

struct run {
	struct steady clock;
	GThreadPool *threads;
	const struct barrier_member *members;
	GAsyncQueue *replies;
};

static void
give_orders(const struct run *run, GArray *orders)
{
	for (guint i = 0; i < orders->len; i++) {
		struct deed *deed = g_new0(struct deed, 1);
		deed->clock = &run->clock;
		deed->order = g_array_index(orders, struct window_order, i);
		deed->member = &run->members[deed->order.member];
		deed->replies = run->replies;
		g_thread_pool_push(run->threads, deed, NULL);
	}
	g_array_unref(orders);
}

static struct deed *
next_reply(const struct run *run, const struct window *window)
{
	if (window->deadline == 0)
		return g_async_queue_pop(run->replies);
	gint64 left = MAX(1, window->deadline - now(&run->clock));
	return g_async_queue_timeout_pop(run->replies, (guint64)left);
}

static void
take_reply(const struct run *run, struct window *window, struct deed *deed)
{
	if (deed->error)
		g_info("%s of %s: %s", window_deed_name(deed->order.deed), deed->member->spec->vm,
		       deed->error->message);
	give_orders(run, window_reply(window, &deed->order, deed->error, deed->frozen, deed->from,
				      deed->to));
	g_clear_error(&deed->error);
	g_free(deed);
}

gboolean
barrier_run(struct window *window, const struct barrier_member *members, GError **error)
{
	struct run run = {.members = members};
	run.clock.offset = g_get_real_time() - g_get_monotonic_time();
	/* All threads are there before anybody is frozen: a pause is no time to run out of them. */
	run.threads =
		g_thread_pool_new(do_deed, NULL, (gint)window->members->len * CALLS, TRUE, error);
	if (!run.threads || (error && *error)) {
		if (run.threads)
			g_thread_pool_free(run.threads, TRUE, TRUE);
		g_prefix_error(error, "cannot make threads for the point: ");
		return FALSE;
	}
	run.replies = g_async_queue_new();
	give_orders(&run, window_start(window, now(&run.clock)));
	while (window->phase != WINDOW_END) {
		struct deed *deed = next_reply(&run, window);
		if (deed)
			take_reply(&run, window, deed);
		else
			give_orders(&run, window_expire(window, now(&run.clock)));
	}
	g_thread_pool_free(run.threads, FALSE, TRUE);
	g_async_queue_unref(run.replies);
	return TRUE;
}
