/* Runs a window: its orders go to threads, their replies come back through a queue, and the clock
 * of the deadline is this thread's wait. Nothing here waits for the daemon's loop, its store or its
 * disk. */
#include "cairnd/world.h"

struct deed {
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
	deed->to = g_get_real_time();
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
	deed->from = g_get_real_time();
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
		deed->to = g_get_real_time();
	g_async_queue_push(deed->replies, deed);
}

static void
give_orders(GThreadPool *threads, const struct barrier_member *members, GAsyncQueue *replies,
	    GArray *orders)
{
	for (guint i = 0; i < orders->len; i++) {
		struct deed *deed = g_new0(struct deed, 1);
		deed->order = g_array_index(orders, struct window_order, i);
		deed->member = &members[deed->order.member];
		deed->replies = replies;
		g_thread_pool_push(threads, deed, NULL);
	}
	g_array_unref(orders);
}

static struct deed *
next_reply(const struct window *window, GAsyncQueue *replies)
{
	if (window->deadline == 0)
		return g_async_queue_pop(replies);
	gint64 left = window->deadline - g_get_real_time();
	/* A clock that was set back must not make guests wait longer than the limit. */
	left = CLAMP(left, 1, MAX(window->freeze_limit, window->pause_limit));
	return g_async_queue_timeout_pop(replies, (guint64)left);
}

void
barrier_run(struct window *window, const struct barrier_member *members)
{
	GAsyncQueue *replies = g_async_queue_new();
	/* One thread for each machine, and room for a late call beside its undo. */
	GThreadPool *threads =
		g_thread_pool_new(do_deed, NULL, (gint)window->members->len * 2, FALSE, NULL);
	give_orders(threads, members, replies, window_start(window, g_get_real_time()));
	while (window->phase != WINDOW_END) {
		struct deed *deed = next_reply(window, replies);
		if (!deed) {
			give_orders(threads, members, replies,
				    window_expire(window, g_get_real_time()));
			continue;
		}
		if (deed->error)
			g_info("%s of %s: %s", window_deed_name(deed->order.deed),
			       deed->member->spec->vm, deed->error->message);
		give_orders(threads, members, replies,
			    window_reply(window, &deed->order, deed->error, deed->frozen,
					 deed->from, deed->to));
		g_clear_error(&deed->error);
		g_free(deed);
	}
	g_thread_pool_free(threads, FALSE, TRUE);
	g_async_queue_unref(replies);
}
