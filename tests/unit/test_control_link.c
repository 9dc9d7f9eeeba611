/* The client of the control socket that lives in a main loop. */
#include "control_fixture.h"

#include "control/link.h"

#include "base/error.h"
#include "base/json.h"

struct answers {
	struct fixture *f;
	struct control_link *link;
	guint connected, lost, events, done, failed;
	int last_code;
	GString *order; /* what came, a letter each */
	gboolean free_in_answer;
};

static void
on_state(gboolean connected, void *user_data)
{
	struct answers *a = user_data;
	if (connected)
		a->connected++;
	else
		a->lost++;
	g_string_append_c(a->order, connected ? 'C' : 'L');
}

static void
on_event(const char *name, const json_t *event, void *user_data)
{
	struct answers *a = user_data;
	g_assert_cmpstr(name, ==, "JOB_CHANGED");
	g_assert_nonnull(json_object_get(event, "data"));
	a->events++;
	g_string_append_c(a->order, 'e');
}

static void
on_reply(const json_t *value, const GError *error, void *user_data)
{
	struct answers *a = user_data;
	g_assert_true((value != NULL) != (error != NULL));
	a->done++;
	a->failed += error != NULL;
	a->last_code = error ? error->code : -1;
	g_string_append_c(a->order, error ? 'f' : 'r');
	if (a->free_in_answer)
		g_clear_pointer(&a->link, control_link_free);
}

static void
wait_until(const guint *number, guint least)
{
	gboolean late = FALSE;
	guint source = g_timeout_add(DEADLINE_MS, on_deadline, &late);
	while (*number < least) {
		g_assert_false(late);
		g_main_context_iteration(NULL, TRUE);
	}
	g_source_remove(source);
}

static void
begin(struct answers *a, struct fixture *f)
{
	static const struct control_link_events events = {on_state, on_event};
	*a = (struct answers){.f = f, .order = g_string_new(NULL)};
	a->link = control_link_new(f->path, &events, a);
	g_assert_false(control_link_connected(a->link));
}

static void
end(struct answers *a)
{
	control_link_free(a->link);
	g_string_free(a->order, TRUE);
}

static void
test_calls(struct fixture *f, gconstpointer unused)
{
	struct answers a;
	begin(&a, f);
	/* too early: told later, not at once */
	control_link_call(a.link, "query-version", NULL, NULL, on_reply, &a);
	g_assert_cmpuint(a.done, ==, 0);
	wait_until(&a.connected, 1);
	wait_until(&a.done, 1);
	g_assert_cmpint(a.last_code, ==, CAIRN_ERROR_PEER);
	g_assert_true(control_link_connected(a.link));
	control_link_call(a.link, "query-version", NULL, NULL, on_reply, &a);
	control_link_call(a.link, "group-list", NULL, NULL, on_reply, &a);
	wait_until(&a.done, 3);
	g_assert_cmpuint(a.failed, ==, 1);
	g_autoptr(json_t) group = json_pack("{s:s}", "group", "web");
	control_link_call(a.link, "group-delete", group, NULL, on_reply, &a);
	wait_until(&a.done, 4);
	g_assert_cmpint(a.last_code, ==, CAIRN_ERROR_STATE);
	end(&a);
}

/* Answers in another order than the questions; events between them. */
static void
test_order(struct fixture *f, gconstpointer unused)
{
	struct answers a;
	begin(&a, f);
	wait_until(&a.connected, 1);
	control_link_call(a.link, "subscribe", NULL, NULL, on_reply, &a);
	wait_until(&a.done, 1);
	g_autoptr(json_t) job = json_pack("{s:s}", "job", "1");
	control_link_call(a.link, "job-show", job, NULL, on_reply, &a);
	wait_waiting(f, 1);
	control_link_call(a.link, "query-version", NULL, NULL, on_reply, &a);
	wait_until(&a.done, 2);
	control_server_event(f->server, "JOB_CHANGED", json_integer(1));
	answer(f, 0, 42);
	control_server_event(f->server, "JOB_CHANGED", json_integer(2));
	wait_until(&a.events, 2);
	g_assert_cmpstr(a.order->str, ==, "Crrere");
	end(&a);
}

/* Three hundred requests at once: more than the server starts at a time. */
static void
test_many(struct fixture *f, gconstpointer unused)
{
	struct answers a;
	begin(&a, f);
	wait_until(&a.connected, 1);
	for (guint i = 0; i < 300; i++)
		control_link_call(a.link, i % 100 ? "query-version" : "group-list", NULL, NULL,
				  on_reply, &a);
	wait_until(&a.done, 300);
	g_assert_cmpuint(a.failed, ==, 0);
	end(&a);
}

static void
test_limits(struct fixture *f, gconstpointer unused)
{
	struct answers a;
	begin(&a, f);
	wait_until(&a.connected, 1);
	g_autofree char *text = g_strnfill(CONTROL_FRAME_MAX, 'x');
	g_autoptr(json_t) huge = json_pack("{s:s}", "group", text);
	control_link_call(a.link, "group-show", huge, NULL, on_reply, &a);
	wait_until(&a.done, 1);
	g_assert_cmpint(a.last_code, ==, CAIRN_ERROR_LIMIT);
	g_autoptr(json_t) job = json_pack("{s:s}", "job", "1");
	for (guint i = 0; i <= LINK_CALLS_MAX; i++)
		control_link_call(a.link, "job-show", job, NULL, on_reply, &a);
	wait_until(&a.done, 2);
	g_assert_cmpint(a.last_code, ==, CAIRN_ERROR_BUSY);
	end(&a);
}

/* The daemon goes and comes again: what was asked is answered with PEER before that is told. */
static void
test_again(struct fixture *f, gconstpointer unused)
{
	struct answers a;
	begin(&a, f);
	wait_until(&a.connected, 1);
	g_autoptr(json_t) job = json_pack("{s:s}", "job", "1");
	control_link_call(a.link, "job-show", job, NULL, on_reply, &a);
	control_link_call(a.link, "job-show", job, NULL, on_reply, &a);
	wait_waiting(f, 2);
	g_clear_pointer(&f->server, control_server_free);
	wait_until(&a.lost, 1);
	g_assert_cmpstr(a.order->str, ==, "CffL");
	g_assert_cmpint(a.last_code, ==, CAIRN_ERROR_PEER);
	g_assert_false(control_link_connected(a.link));
	f->server = control_server_new(f->dir, "cairn", handler, f, NULL);
	g_assert_nonnull(f->server);
	wait_until(&a.connected, 2);
	control_link_call(a.link, "query-version", NULL, NULL, on_reply, &a);
	wait_until(&a.done, 3);
	g_assert_cmpuint(a.failed, ==, 2);
	end(&a);
}

/* The owner may end it from within an answer, with others under way. */
static void
test_free_inside(struct fixture *f, gconstpointer unused)
{
	struct answers a;
	begin(&a, f);
	wait_until(&a.connected, 1);
	a.free_in_answer = TRUE;
	for (guint i = 0; i < 3; i++)
		control_link_call(a.link, "query-version", NULL, NULL, on_reply, &a);
	wait_until(&a.done, 1);
	g_assert_null(a.link);
	wait_clients(f, 0);
	g_assert_cmpuint(a.done, ==, 1);
	end(&a);
	begin(&a, f);
	wait_until(&a.connected, 1);
	g_autoptr(json_t) job = json_pack("{s:s}", "job", "1");
	control_link_call(a.link, "job-show", job, NULL, on_reply, &a);
	control_link_call(a.link, "job-show", job, NULL, on_reply, &a);
	wait_waiting(f, 2);
	a.free_in_answer = TRUE;
	g_clear_pointer(&f->server, control_server_free);
	wait_until(&a.done, 1);
	g_assert_null(a.link);
	end(&a);
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/control-link/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("calls", test_calls);
	add("order", test_order);
	add("many", test_many);
	add("limits", test_limits);
	add("again", test_again);
	add("free-inside", test_free_inside);
	return g_test_run();
}
