/* What the store has that is damaged: the engine does not begin with a part of what it knows, and
 * says which object it is. Rows of the history are another matter (test_engine_history.c). */
#include "queue_fixture.h"

#include <string.h>

#define ID "11111111-2222-3333-4444-555555555555"

static const struct {
	const char *kind, *id, *body;
} objects[] = {
	{"group", ID, ""},
	{"group", ID, "{}"},
	{"point", ID, "{"},
	{"point", ID, "{}"},
	{"job", ID, "[]"},
	{"job", ID, "{\"id\":1}"},
	{"errand", ID, "{"},
	{"debt", ID, "null"},
	{"schedule", ID, "{\"id\":"},
	{"meta", "limits", "{"},
	{"meta", "instance", ""},
	{"meta", "instance", "1234567"},
	{"meta", "instance", "1234567x"},
	{"meta", "instance", "123456789"},
};

/* Without @body it is deleted. */
static void
put(struct queue_fixture *f, const char *kind, const char *id, GBytes *body)
{
	cairn_auto(store_txn) txn = store_txn_new();
	if (body)
		store_txn_put(txn, kind, id, STORE_ANY, body);
	else
		store_txn_delete(txn, kind, id, STORE_ANY);
	g_assert_true(store_commit(f->store, txn, NULL));
}

static void
check_refused(struct queue_fixture *f, const char *kind, const char *id)
{
	static const struct engine_limits limits = {.max_jobs = 1};
	static const struct engine_io io = {0};
	g_autoptr(GError) error = NULL;
	g_assert_null(engine_new(f->store, &limits, &io, f, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, kind));
	g_assert_nonnull(strstr(error->message, id));
}

static void
test_objects(void)
{
	struct queue_fixture f = {0};
	queue_open_engine(&f);
	for (guint i = 0; i < G_N_ELEMENTS(objects); i++) {
		const char *kind = objects[i].kind, *id = objects[i].id;
		g_autoptr(GBytes) body = g_bytes_new(objects[i].body, strlen(objects[i].body));
		cairn_auto(store_object) before = store_get(f.store, kind, id, NULL);
		put(&f, kind, id, body);
		check_refused(&f, kind, id);
		put(&f, kind, id, before ? before->body : NULL);
	}
	queue_halt(&f);
	queue_boot(&f); /* all is as it was */
	queue_close_engine(&f);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine-damage/objects", test_objects);
	return g_test_run();
}
