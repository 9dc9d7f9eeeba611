/* Enumeration contexts: bounded, aged, each its owner's. */
#include "cimd/contexts.h"

#include <string.h>

static gint64 now;

static gint64
test_clock(void)
{
	return now;
}

static struct context *
add(struct contexts *contexts, const char *user, gint64 idle_sec, GError **error)
{
	struct cim_list *list = cim_list_of(g_ptr_array_new());
	char *opened = g_strdup("x");
	struct context *context =
		contexts_add(contexts, user, list, opened, g_free, idle_sec, error);
	if (!context) {
		cim_list_free(list);
		g_free(opened);
	}
	return context;
}

static void
test_owner(void)
{
	cairn_auto(contexts) contexts = contexts_new(test_clock);
	struct context *context = add(contexts, "ann", 0, NULL);
	g_autofree char *id = g_strdup(context->id);
	g_assert_cmpuint(strlen(id), ==, 32);
	g_assert_true(contexts_find(contexts, id, "ann", g_free) == context);
	g_assert_null(contexts_find(contexts, id, "bob", g_free));
	/* what one protocol opened is no business of the other */
	g_assert_null(contexts_find(contexts, id, "ann", (GDestroyNotify)g_strfreev));
	g_assert_null(contexts_find(contexts, "", "ann", g_free));
	contexts_remove(contexts, context);
	g_assert_null(contexts_find(contexts, id, "ann", g_free));
}

/* Each pull arms the time anew; what a client may ask for has an end. */
static void
test_age(void)
{
	cairn_auto(contexts) contexts = contexts_new(test_clock);
	g_autofree char *id = g_strdup(add(contexts, "ann", 10, NULL)->id);
	for (int i = 0; i < 5; i++) {
		now += 9 * G_USEC_PER_SEC;
		g_assert_nonnull(contexts_find(contexts, id, "ann", g_free));
	}
	now += 10 * G_USEC_PER_SEC;
	g_assert_null(contexts_find(contexts, id, "ann", g_free));
	g_assert_cmpuint(contexts_count(contexts), ==, 0);
	add(contexts, "ann", G_MAXINT32, NULL);
	now += (gint64)(CONTEXT_IDLE_MAX_SEC + 1) * G_USEC_PER_SEC;
	contexts_tidy(contexts);
	g_assert_cmpuint(contexts_count(contexts), ==, 0);
}

static void
test_limits(void)
{
	cairn_auto(contexts) contexts = contexts_new(test_clock);
	g_autoptr(GError) error = NULL;
	for (guint i = 0; i < CONTEXTS_MAX; i++) {
		g_autofree char *user = g_strdup_printf("u%u", i / CONTEXTS_PER_USER_MAX);
		g_assert_nonnull(add(contexts, user, 0, NULL));
		if (i == CONTEXTS_PER_USER_MAX - 1) {
			g_assert_null(add(contexts, user, 0, &error));
			g_assert_error(error, CIM_ERROR, CIM_ERR_SERVER_LIMITS_EXCEEDED);
			g_clear_error(&error);
		}
	}
	g_assert_null(add(contexts, "another", 0, &error));
	g_assert_error(error, CIM_ERROR, CIM_ERR_SERVER_LIMITS_EXCEEDED);
	/* age makes room */
	now += (gint64)(CONTEXT_IDLE_DEFAULT_SEC + 1) * G_USEC_PER_SEC;
	g_assert_nonnull(add(contexts, "another", 0, NULL));
	g_assert_cmpuint(contexts_count(contexts), ==, 1);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/contexts/owner", test_owner);
	g_test_add_func("/contexts/age", test_age);
	g_test_add_func("/contexts/limits", test_limits);
	return g_test_run();
}
