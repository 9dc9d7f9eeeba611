/* Enumeration contexts. */
#include "cimd/contexts.h"

#include <string.h>
#include <sys/random.h>

struct contexts {
	GHashTable *by_id; /* owns the contexts */
	contexts_clock_fn clock;
};

static void
context_free(gpointer data)
{
	struct context *context = data;
	cim_list_free(context->list);
	if (context->free_opened)
		context->free_opened(context->opened);
	g_free(context->id);
	g_free(context->user);
	g_free(context);
}

struct contexts *
contexts_new(contexts_clock_fn clock)
{
	struct contexts *contexts = g_new0(struct contexts, 1);
	contexts->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, context_free);
	contexts->clock = clock;
	return contexts;
}

void
contexts_free(struct contexts *contexts)
{
	if (!contexts)
		return;
	g_hash_table_unref(contexts->by_id);
	g_free(contexts);
}

static gboolean
has_expired(gpointer key, gpointer value, gpointer now)
{
	const struct context *context = value;
	return context->expires <= *(const gint64 *)now;
}

void
contexts_tidy(struct contexts *contexts)
{
	gint64 now = contexts->clock();
	g_hash_table_foreach_remove(contexts->by_id, has_expired, &now);
}

static guint
count_of(const struct contexts *contexts, const char *user)
{
	GHashTableIter iter;
	gpointer value;
	guint count = 0;
	g_hash_table_iter_init(&iter, contexts->by_id);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		count += strcmp(((struct context *)value)->user, user) == 0;
	return count;
}

static gboolean
has_room(struct contexts *contexts, const char *user, GError **error)
{
	contexts_tidy(contexts);
	if (contexts_count(contexts) >= CONTEXTS_MAX)
		return cim_fail(error, CIM_ERR_SERVER_LIMITS_EXCEEDED,
				"%u enumerations are open, which is the most: pull them to their "
				"end or close them",
				CONTEXTS_MAX);
	if (count_of(contexts, user) >= CONTEXTS_PER_USER_MAX)
		return cim_fail(error, CIM_ERR_SERVER_LIMITS_EXCEEDED,
				"the user \"%s\" has %u enumerations open, which is the most: "
				"pull them to their end or close them",
				user, CONTEXTS_PER_USER_MAX);
	return TRUE;
}

static char *
new_id(void)
{
	guint64 random[2];
	ssize_t got = getrandom(random, sizeof random, 0);
	g_assert(got == sizeof random); /* so few bytes come whole or the kernel has none */
	return g_strdup_printf("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", random[0],
			       random[1]);
}

struct context *
contexts_add(struct contexts *contexts, const char *user, struct cim_list *list, gpointer opened,
	     GDestroyNotify free_opened, gint64 idle_sec, GError **error)
{
	struct context *context;
	if (!has_room(contexts, user, error))
		return NULL;
	context = g_new0(struct context, 1);
	context->id = new_id();
	context->user = g_strdup(user);
	context->list = list;
	context->opened = opened;
	context->free_opened = free_opened;
	if (idle_sec <= 0)
		idle_sec = CONTEXT_IDLE_DEFAULT_SEC;
	context->idle_usec = MIN(idle_sec, CONTEXT_IDLE_MAX_SEC) * G_USEC_PER_SEC;
	context->expires = contexts->clock() + context->idle_usec;
	g_hash_table_insert(contexts->by_id, context->id, context);
	return context;
}

struct context *
contexts_find(struct contexts *contexts, const char *id, const char *user,
	      GDestroyNotify free_opened)
{
	struct context *context;
	contexts_tidy(contexts);
	context = g_hash_table_lookup(contexts->by_id, id);
	if (!context || context->free_opened != free_opened || strcmp(context->user, user) != 0)
		return NULL;
	context->expires = contexts->clock() + context->idle_usec;
	return context;
}

void
contexts_remove(struct contexts *contexts, struct context *context)
{
	g_hash_table_remove(contexts->by_id, context->id);
}

guint
contexts_count(const struct contexts *contexts)
{
	return g_hash_table_size(contexts->by_id);
}
