/* What a client may ask about associations: what stands opposite of an object, by which classes
 * and in which roles (DSP0200 5.3.2.14 to 17); all pairs of a class; one pair by its path. */
#include "cimd/model_private.h"

#include <string.h>

/* ---- references as instances, made while they are read ---- */

struct reference {
	const struct association *association;
	struct cim_instance *ends[2];
	guint detail;
};

struct references {
	const struct model *model;
	enum cim_namespace_id ns;
	GArray *items; /* struct reference */
	guint next;
};

static void
reference_clear(void *data)
{
	struct reference *reference = data;
	cim_instance_unref(reference->ends[0]);
	cim_instance_unref(reference->ends[1]);
}

static enum cim_namespace_id
end_namespace(const struct association *association, guint end, enum cim_namespace_id ns)
{
	return association->left_is_interop && end == 0 ? CIM_NS_INTEROP : ns;
}

static struct cim_instance *
reference_instance(const struct model *model, enum cim_namespace_id ns,
		   const struct reference *reference)
{
	const struct association *association = reference->association;
	const struct cim_class *class =
		cim_schema_class(model->schema, ns, association->class_name);
	struct cim_instance *instance = cim_instance_new(class);
	for (guint i = 0; i < 2; i++) {
		enum cim_namespace_id at = end_namespace(association, i, ns);
		struct cim_path *path =
			cim_instance_path(reference->ends[i], model->host, cim_namespace_name(at));
		cim_instance_set(instance, association->roles[i], cim_reference_take(path));
	}
	if (association->fill)
		association->fill(reference->detail, instance);
	return instance;
}

/* Both ends must be seen in the namespace; FALSE: there is no such reference. */
static gboolean
reference_init(const struct model *model, enum cim_namespace_id ns, const struct pair *pair,
	       struct reference *ret)
{
	const struct association *association = pair->association;
	*ret = (struct reference){.association = association};
	for (guint i = 0; i < 2; i++)
		ret->ends[i] =
			object_instance(model, end_namespace(association, i, ns), &pair->ends[i]);
	if (association->detail)
		ret->detail = association->detail(pair);
	if (ret->ends[0] && ret->ends[1])
		return TRUE;
	reference_clear(ret);
	return FALSE;
}

static struct cim_instance *
references_next(void *data)
{
	struct references *references = data;
	if (references->next >= references->items->len)
		return NULL;
	return reference_instance(
		references->model, references->ns,
		&g_array_index(references->items, struct reference, references->next++));
}

static void
references_free(void *data)
{
	struct references *references = data;
	g_array_unref(references->items);
	g_free(references);
}

static struct references *
references_new(const struct model *model, enum cim_namespace_id ns)
{
	struct references *references = g_new0(struct references, 1);
	references->model = model;
	references->ns = ns;
	references->items = g_array_new(FALSE, FALSE, sizeof(struct reference));
	g_array_set_clear_func(references->items, reference_clear);
	return references;
}

static void
references_add(struct references *references, const struct pair *pair)
{
	struct reference reference;
	if (reference_init(references->model, references->ns, pair, &reference))
		g_array_append_val(references->items, reference);
}

static struct cim_list *
references_list(struct references *references)
{
	static const struct cim_list_driver driver = {references_next, references_free};
	return cim_list_new(&driver, references);
}

/* ---- all of a class ---- */

static void
add_all_pairs(struct references *references, const struct association *association)
{
	const struct model *model = references->model;
	g_autoptr(GArray) lefts = g_array_new(FALSE, FALSE, sizeof(struct object));
	g_autoptr(GArray) rights = g_array_new(FALSE, FALSE, sizeof(struct object));
	object_driver(association->types[0])->list(model, references->ns, lefts);
	for (guint i = 0; i < lefts->len; i++) {
		struct pair pair = {.association = association};
		pair.ends[0] = g_array_index(lefts, struct object, i);
		g_array_set_size(rights, 0);
		association->right(model, &pair.ends[0], rights);
		for (guint j = 0; j < rights->len; j++) {
			pair.ends[1] = g_array_index(rights, struct object, j);
			references_add(references, &pair);
		}
	}
}

struct cim_list *
associations_enumerate(const struct model *model, enum cim_namespace_id ns,
		       const struct cim_class *class, gboolean exact)
{
	struct references *references = references_new(model, ns);
	for (const struct association *it = associations; it->class_name; it++) {
		const struct cim_class *of = cim_schema_class(model->schema, ns, it->class_name);
		if (of && (exact ? of == class : cim_class_isa(of, class)))
			add_all_pairs(references, it);
	}
	return references_list(references);
}

/* ---- one by its path ---- */

static gboolean
end_of_path(const struct model *model, enum cim_namespace_id ns, const struct cim_path *path,
	    const char *role, struct object *ret)
{
	const struct cim_value *key = cim_path_key(path, role);
	cairn_auto(cim_path) parsed = NULL;
	if (!key || !key->is_set || key->is_array)
		return FALSE;
	if (key->type == CIM_REFERENCE)
		return object_find(model, ns, key->u.path, ret, NULL);
	if (key->type == CIM_STRING && !key->is_embedded)
		parsed = cim_path_parse(key->u.string, NULL);
	return parsed && object_find(model, ns, parsed, ret, NULL);
}

static gboolean
is_pair(const struct model *model, const struct pair *pair)
{
	g_autoptr(GArray) rights = g_array_new(FALSE, FALSE, sizeof(struct object));
	if (pair->ends[0].type != pair->association->types[0] ||
	    pair->ends[1].type != pair->association->types[1])
		return FALSE;
	pair->association->right(model, &pair->ends[0], rights);
	for (guint i = 0; i < rights->len; i++)
		if (object_equal(&g_array_index(rights, struct object, i), &pair->ends[1]))
			return TRUE;
	return FALSE;
}

struct cim_instance *
associations_get(const struct model *model, enum cim_namespace_id ns, const struct cim_class *class,
		 const struct cim_path *path)
{
	for (const struct association *it = associations; it->class_name; it++) {
		struct pair pair = {.association = it};
		struct reference reference;
		if (g_ascii_strcasecmp(it->class_name, class->name) != 0 ||
		    !end_of_path(model, end_namespace(it, 0, ns), path, it->roles[0],
				 &pair.ends[0]) ||
		    !end_of_path(model, ns, path, it->roles[1], &pair.ends[1]) ||
		    !is_pair(model, &pair) || !reference_init(model, ns, &pair, &reference))
			continue;
		struct cim_instance *instance = reference_instance(model, ns, &reference);
		reference_clear(&reference);
		return instance;
	}
	return NULL;
}

/* ---- opposite of an object ---- */

static gboolean
fits_role(const char *wanted, const char *role)
{
	return !wanted || g_ascii_strcasecmp(wanted, role) == 0;
}

static gboolean
has_qualifier(const struct cim_class *class, const char *name)
{
	return !name || cim_qualifier_find(class->qualifiers, class->qualifier_count, name);
}

/* Whether @association can be gone along from its end @from. */
static gboolean
fits(const struct model *model, const struct association_ask *ask,
     const struct association *association, guint from)
{
	const struct cim_class *class =
		cim_schema_class(model->schema, ask->ns, association->class_name);
	return class && association->types[from] == ask->object.type &&
	       (!ask->assoc_class || cim_class_isa(class, ask->assoc_class)) &&
	       (!ask->reference_class || cim_class_isa(class, ask->reference_class)) &&
	       fits_role(ask->role, association->roles[from]) &&
	       fits_role(ask->result_role, association->roles[1 - from]) &&
	       has_qualifier(class, ask->assoc_qualifier);
}

gboolean
associations_need_vms(const struct model *model, const struct association_ask *ask)
{
	for (const struct association *it = associations; it->class_name; it++)
		for (guint from = 0; from < 2; from++)
			if (fits(model, ask, it, from) &&
			    object_driver(it->types[1 - from])->needs_vms)
				return TRUE;
	return FALSE;
}

typedef void (*pair_fn)(const struct pair *pair, guint from, void *user_data);

static void
each_pair(const struct model *model, const struct association_ask *ask, pair_fn each,
	  void *user_data)
{
	g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(struct object));
	for (const struct association *it = associations; it->class_name; it++) {
		for (guint from = 0; from < 2; from++) {
			if (!fits(model, ask, it, from))
				continue;
			struct pair pair = {.association = it};
			pair.ends[from] = ask->object;
			g_array_set_size(others, 0);
			(from == 0 ? it->right : it->left)(model, &ask->object, others);
			for (guint i = 0; i < others->len; i++) {
				pair.ends[1 - from] = g_array_index(others, struct object, i);
				each(&pair, from, user_data);
			}
		}
	}
}

static void
add_reference(const struct pair *pair, guint from, void *user_data)
{
	references_add(user_data, pair);
}

struct cim_list *
associations_references(const struct model *model, const struct association_ask *ask)
{
	struct references *references = references_new(model, ask->ns);
	each_pair(model, ask, add_reference, references);
	return references_list(references);
}

/* The same object can be reached by several associations, and is told once. */
struct others {
	const struct model *model;
	const struct association_ask *ask;
	GHashTable *known; /* struct object */
	GPtrArray *instances;
};

static void
add_other(const struct pair *pair, guint from, void *user_data)
{
	struct others *others = user_data;
	const struct object *object = &pair->ends[1 - from];
	if (g_hash_table_contains(others->known, object))
		return;
	g_hash_table_add(others->known, g_memdup2(object, sizeof *object));
	struct cim_instance *instance = object_instance(
		others->model, end_namespace(pair->association, 1 - from, others->ask->ns), object);
	if (instance &&
	    (!others->ask->result_class ||
	     cim_class_isa(instance->class, others->ask->result_class)) &&
	    has_qualifier(instance->class, others->ask->qualifier))
		g_ptr_array_add(others->instances, instance);
	else
		cim_instance_unref(instance);
}

GPtrArray *
associations_others(const struct model *model, const struct association_ask *ask)
{
	struct others others = {
		.model = model,
		.ask = ask,
		.known = g_hash_table_new_full(object_hash, object_equal, g_free, NULL),
		.instances = g_ptr_array_new_with_free_func((GDestroyNotify)cim_instance_unref),
	};
	each_pair(model, ask, add_other, &others);
	g_hash_table_unref(others.known);
	return others.instances;
}
