/* The memory driver: for simulations and tests, with faults on demand. See store_mem.h. */
#include "store/store_mem.h"

#include "store/store_driver.h"

#include "base/error.h"

#include <string.h>

/* The objects of one name; stores and the table of names each hold a reference. */
struct shared {
	guint refs;
	GTree *objects; /* struct store_object as key and value, by kind and id */
};

struct mem {
	struct shared *shared;
	store_mem_hook_fn hook;
	void *hook_user;
	guint commits; /* since the hook was set */
};

/* name -> struct shared; loop thread only, like all of the store. */
static GHashTable *names;

static int
compare(const void *a, const void *b, void *user_data)
{
	const struct store_object *left = a, *right = b;
	int order = strcmp(left->kind, right->kind);
	return order ? order : strcmp(left->id, right->id);
}

static void
free_object(void *object)
{
	store_object_free(object);
}

static struct shared *
shared_new(void)
{
	struct shared *shared = g_new0(struct shared, 1);
	shared->refs = 1;
	shared->objects = g_tree_new_full(compare, NULL, NULL, free_object);
	return shared;
}

static void
shared_unref(void *data)
{
	struct shared *shared = data;
	if (--shared->refs > 0)
		return;
	g_tree_unref(shared->objects);
	g_free(shared);
}

static struct shared *
shared_get(const char *name)
{
	if (!*name)
		return shared_new();
	if (!names)
		names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, shared_unref);
	struct shared *shared = g_hash_table_lookup(names, name);
	if (!shared) {
		shared = shared_new();
		g_hash_table_insert(names, g_strdup(name), shared);
	}
	shared->refs++;
	return shared;
}

void
store_mem_forget(const char *name)
{
	if (!names)
		return;
	g_hash_table_remove(names, name);
	if (g_hash_table_size(names) == 0)
		g_clear_pointer(&names, g_hash_table_unref);
}

static void *
mem_open(const char *path, GError **error)
{
	struct mem *mem = g_new0(struct mem, 1);
	mem->shared = shared_get(path);
	return mem;
}

static void
mem_close(void *self)
{
	struct mem *mem = self;
	shared_unref(mem->shared);
	g_free(mem);
}

void
store_mem_set_hook(struct store *store, store_mem_hook_fn hook, void *user)
{
	struct mem *mem = store_driver_self(store, &store_driver_mem);
	mem->hook = hook;
	mem->hook_user = user;
	mem->commits = 0;
}

static struct store_object *
find(const struct mem *mem, const char *kind, const char *id)
{
	const struct store_object key = {.kind = (char *)kind, .id = (char *)id};
	return g_tree_lookup(mem->shared->objects, &key);
}

static void
apply(struct mem *mem, const struct store_change *change)
{
	struct store_object *old = find(mem, change->kind, change->id);
	if (change->op == STORE_PUT) {
		struct store_object *new =
			store_object_new(change->kind, change->id, old ? old->version + 1 : 1,
					 g_bytes_ref(change->body));
		g_tree_replace(mem->shared->objects, new, new);
	} else if (change->op == STORE_DELETE && old) {
		g_tree_remove(mem->shared->objects, old);
	}
}

static gboolean
call_hook(struct mem *mem, guint nth, gboolean before, GError **error)
{
	return !mem->hook || mem->hook(mem->hook_user, nth, before, error);
}

static gboolean
mem_commit(void *self, const GPtrArray *changes, GError **error)
{
	struct mem *mem = self;
	guint nth = ++mem->commits;
	if (!call_hook(mem, nth, TRUE, error))
		return FALSE;
	for (guint i = 0; i < changes->len; i++) {
		const struct store_change *change = g_ptr_array_index(changes, i);
		const struct store_object *found = find(mem, change->kind, change->id);
		if (!store_change_check(change, found ? found->version : 0, error))
			return FALSE;
	}
	for (guint i = 0; i < changes->len; i++)
		apply(mem, g_ptr_array_index(changes, i));
	return call_hook(mem, nth, FALSE, error);
}

static struct store_object *
copy(const struct store_object *object)
{
	return store_object_new(object->kind, object->id, object->version,
				g_bytes_ref(object->body));
}

static struct store_object *
mem_get(void *self, const char *kind, const char *id, GError **error)
{
	const struct store_object *found = find(self, kind, id);
	return found ? copy(found) : store_not_found(kind, id, error);
}

/* The first object that a list begins with; NULL when there is none. */
static GTreeNode *
list_start(const struct mem *mem, const char *kind, const char *from, gboolean back)
{
	/* No id is empty, so "" stands before the first. */
	const struct store_object start = {.kind = (char *)kind,
					   .id = (char *)(from	 ? from
							  : back ? STORE_ID_END
								 : "")};
	if (!back)
		return g_tree_upper_bound(mem->shared->objects, &start);
	GTreeNode *next = g_tree_lower_bound(mem->shared->objects, &start);
	return next ? g_tree_node_previous(next) : g_tree_node_last(mem->shared->objects);
}

static GPtrArray *
mem_list(void *self, const char *kind, const char *from, gboolean back, guint limit, GError **error)
{
	GPtrArray *objects = g_ptr_array_new_with_free_func(free_object);
	GTreeNode *node = list_start(self, kind, from, back);
	while (node && (limit == 0 || objects->len < limit)) {
		const struct store_object *object = g_tree_node_value(node);
		if (strcmp(object->kind, kind) != 0)
			break;
		g_ptr_array_add(objects, copy(object));
		node = back ? g_tree_node_previous(node) : g_tree_node_next(node);
	}
	return objects;
}

const struct store_driver store_driver_mem = {
	.scheme = "memory",
	.open = mem_open,
	.close = mem_close,
	.commit = mem_commit,
	.get = mem_get,
	.list = mem_list,
};
