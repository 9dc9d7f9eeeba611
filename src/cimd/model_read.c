/* Reads: one instance, all of a class, what a query selects. */
#include "cimd/model_private.h"

#include <string.h>

const struct cim_class *
run_class(struct run *run, const char *name)
{
	const struct cim_class *class =
		name ? cim_schema_class(run->model->schema, run->ns, name) : NULL;
	if (!class)
		run_refuse(run, CIM_ERR_INVALID_CLASS, "there is no class \"%s\" in \"%s\"",
			   name ? name : "", cim_namespace_name(run->ns));
	return class;
}

/* ---- what an operation looks at ---- */

/* Whether objects of a type can be of @class or, unless @exact, below it. */
static gboolean
driver_fits(const struct run *run, const struct object_driver *driver,
	    const struct cim_class *class, gboolean exact)
{
	for (guint i = 0; driver->classes[i]; i++) {
		const struct cim_class *own =
			cim_schema_class(run->model->schema, run->ns, driver->classes[i]);
		if (own && (exact ? own == class : cim_class_isa(own, class)))
			return TRUE;
	}
	return FALSE;
}

static gboolean
class_needs_vms(const struct run *run, const char *name)
{
	const struct cim_class *class =
		name ? cim_schema_class(run->model->schema, run->ns, name) : NULL;
	for (guint i = OBJECT_NONE + 1; class && i < OBJECT_LAST; i++)
		if (object_driver(i)->needs_vms && driver_fits(run, object_driver(i), class, FALSE))
			return TRUE;
	for (const struct association *it = associations; class && it->class_name; it++)
		if (cim_class_isa_name(class, it->class_name) &&
		    (object_driver(it->types[0])->needs_vms ||
		     object_driver(it->types[1])->needs_vms))
			return TRUE;
	return FALSE;
}

static gboolean
arguments_need_vms(const struct run *run)
{
	const GArray *arguments = run->op->arguments;
	for (guint i = 0; arguments && i < arguments->len; i++) {
		const struct cim_value *value =
			&g_array_index(arguments, struct cim_argument, i).value;
		if (value->type == CIM_REFERENCE && value->is_set && !value->is_array &&
		    class_needs_vms(run, value->u.path->class_name))
			return TRUE;
	}
	return FALSE;
}

/* Asked before the object is looked for: one that cannot be found yet may be a machine's. */
static gboolean
associations_read_vms(const struct run *run, const struct cim_path *path, const char *assoc_class,
		      const char *reference_class)
{
	const struct cim_schema *schema = run->model->schema;
	struct association_ask ask = {.ns = run->ns};
	if (!path || path->is_class)
		return FALSE;
	if (class_needs_vms(run, path->class_name) ||
	    !object_find(run->model, run->ns, path, &ask.object, NULL))
		return TRUE;
	object_namespace(&ask.ns, path, NULL);
	if (assoc_class && *assoc_class)
		ask.assoc_class = cim_schema_class(schema, ask.ns, assoc_class);
	if (reference_class && *reference_class)
		ask.reference_class = cim_schema_class(schema, ask.ns, reference_class);
	return associations_need_vms(run->model, &ask);
}

gboolean
run_needs_vms(const struct run *run)
{
	const struct query *query = run->op->query;
	const struct cim_op *op = run->op;
	switch (run->kind) {
	case CIM_OP_GET_INSTANCE:
	case CIM_OP_GET_PROPERTY:
		return op->object && class_needs_vms(run, op->object->class_name);
	case CIM_OP_ENUMERATE_INSTANCES:
	case CIM_OP_ENUMERATE_INSTANCE_NAMES:
		return class_needs_vms(run, op->class_name);
	case CIM_OP_EXEC_QUERY:
		if (!query || query->kind == QUERY_SELECT)
			return query && class_needs_vms(run, query->class_name);
		return associations_read_vms(run, query->object, query->assoc_class,
					     query->kind == QUERY_REFERENCES ? query->result_class
									     : NULL);
	case CIM_OP_ASSOCIATORS:
	case CIM_OP_ASSOCIATOR_NAMES:
		return associations_read_vms(run, op->object, op->assoc_class, NULL);
	case CIM_OP_REFERENCES:
	case CIM_OP_REFERENCE_NAMES:
		return associations_read_vms(run, op->object, NULL, op->result_class);
	case CIM_OP_INVOKE:
		return (op->object && class_needs_vms(run, op->object->class_name)) ||
		       arguments_need_vms(run);
	default:
		return FALSE;
	}
}

/* ---- one instance ---- */

/* A new reference; NULL after ending the run. */
static struct cim_instance *
get_instance(struct run *run, const struct cim_path *path)
{
	GError *error = NULL;
	struct object object;
	enum cim_namespace_id ns = run->ns;
	if (!path) {
		run_refuse(run, CIM_ERR_INVALID_PARAMETER, "no object is named");
		return NULL;
	}
	if (!object_namespace(&ns, path, &error)) {
		run_fail(run, error);
		return NULL;
	}
	run->ns = ns;
	const struct cim_class *class = run_class(run, path->class_name);
	if (!class)
		return NULL;
	struct cim_instance *instance = NULL;
	if (class->flags & CIM_CLASS_ASSOCIATION)
		instance = associations_get(run->model, ns, class, path);
	else if (object_find(run->model, ns, path, &object, &error))
		instance = object_instance(run->model, ns, &object);
	if (!instance && !error) {
		g_autofree char *text = cim_path_print(path);
		cim_fail(&error, CIM_ERR_NOT_FOUND, "there is no object \"%s\"", text);
	}
	if (error)
		run_fail(run, error);
	return instance;
}

void
run_get_instance(struct run *run)
{
	struct cim_instance *instance = get_instance(run, run->op->object);
	if (!instance)
		return;
	run->reply.instance = instance;
	run_end(run);
}

void
run_get_property(struct run *run)
{
	cairn_auto(cim_instance) instance = get_instance(run, run->op->object);
	const char *name = run->op->property_name;
	if (!instance)
		return;
	const struct cim_value *value = name ? cim_instance_get(instance, name) : NULL;
	if (!value) {
		run_refuse(run, CIM_ERR_NO_SUCH_PROPERTY, "class \"%s\" has no property \"%s\"",
			   instance->class->name, name ? name : "");
		return;
	}
	cim_value_copy(value, &run->reply.value);
	run_end(run);
}

/* ---- many ---- */

static void
add_instance(const struct run *run, const struct object *object, const struct cim_class *class,
	     gboolean exact, GPtrArray *ret)
{
	struct cim_instance *instance = object_instance(run->model, run->ns, object);
	const struct query *query = run->op->query;
	if (instance &&
	    (exact ? instance->class == class : cim_class_isa(instance->class, class)) &&
	    (!query || query->kind != QUERY_SELECT || query_matches(query, instance)))
		g_ptr_array_add(ret, instance);
	else
		cim_instance_unref(instance);
}

/* The object that the query demands by its key, if it does: TRUE, and no other can match. */
static gboolean
find_demanded(const struct run *run, const struct object_driver *driver, GArray *ret)
{
	const struct query *query = run->op->query;
	struct object object;
	if (!query || query->kind != QUERY_SELECT || !driver->key || !driver->find)
		return FALSE;
	const struct cim_value *key = query_demands(query, driver->key);
	if (!key || key->type != CIM_STRING || !key->is_set || key->is_array)
		return FALSE;
	cairn_auto(cim_path) path = cim_path_new(NULL, driver->classes[0]);
	cim_path_add_string(path, driver->key, key->u.string);
	if (driver->find(run->model, path, &object))
		g_array_append_val(ret, object);
	return TRUE;
}

/* Nothing else is answered meanwhile, and what a query costs is up to who wrote it. */
static gboolean
takes_too_long(const struct query *query, gint64 begun)
{
	return query && query->where && g_get_monotonic_time() - begun > MODEL_QUERY_USEC;
}

/* @list is the answer; NULL: it took too long. */
static void
end_list(struct run *run, struct cim_list *list)
{
	if (!list) {
		run_refuse(run, CIM_ERR_SERVER_LIMITS_EXCEEDED,
			   "the query takes too long: ask for less at once");
		return;
	}
	run->reply.list = list;
	run_end(run);
}

/* NULL when it takes too long. */
static struct cim_list *
list_instances(const struct run *run, const struct cim_class *class, gboolean exact)
{
	const gint64 begun = g_get_monotonic_time();
	g_autoptr(GPtrArray) instances =
		g_ptr_array_new_with_free_func((GDestroyNotify)cim_instance_unref);
	g_autoptr(GArray) objects = g_array_new(FALSE, FALSE, sizeof(struct object));
	for (guint type = OBJECT_NONE + 1; type < OBJECT_LAST; type++) {
		const struct object_driver *driver = object_driver(type);
		if (!driver_fits(run, driver, class, exact))
			continue;
		g_array_set_size(objects, 0);
		if (!find_demanded(run, driver, objects))
			driver->list(run->model, run->ns, objects);
		for (guint i = 0; i < objects->len; i++) {
			add_instance(run, &g_array_index(objects, struct object, i), class, exact,
				     instances);
			if (takes_too_long(run->op->query, begun))
				return NULL;
		}
	}
	return cim_list_of(g_steal_pointer(&instances));
}

/* What of @list the query selects, NULL when it takes too long; takes @list over. */
static struct cim_list *
select_from(const struct query *query, struct cim_list *list)
{
	if (!query || query->kind != QUERY_SELECT)
		return list;
	const gint64 begun = g_get_monotonic_time();
	cairn_auto(cim_list) all = list;
	g_autoptr(GPtrArray) chosen =
		g_ptr_array_new_with_free_func((GDestroyNotify)cim_instance_unref);
	struct cim_instance *instance;
	while ((instance = cim_list_next(all))) {
		if (query_matches(query, instance))
			g_ptr_array_add(chosen, instance);
		else
			cim_instance_unref(instance);
		if (takes_too_long(query, begun))
			return NULL;
	}
	return cim_list_of(g_steal_pointer(&chosen));
}

static void
enumerate_class(struct run *run, const struct cim_class *class)
{
	gboolean exact = run->op->polymorphism == CIM_POLY_NONE;
	if (class->flags & CIM_CLASS_ASSOCIATION)
		end_list(run,
			 select_from(run->op->query,
				     associations_enumerate(run->model, run->ns, class, exact)));
	else
		end_list(run, list_instances(run, class, exact));
}

void
run_enumerate(struct run *run)
{
	const struct cim_class *class = run_class(run, run->op->class_name);
	GError *error = NULL;
	if (!class)
		return;
	if (run->op->query && !query_check(run->op->query, class, &error))
		run_fail(run, error);
	else
		enumerate_class(run, class);
}

/* ---- associations ---- */

gboolean
run_filter_class(struct run *run, const char *role, const char *name,
		 const struct cim_class **ret_class)
{
	if (!name || !*name)
		return TRUE;
	*ret_class = cim_schema_class(run->model->schema, run->ns, name);
	/* the profile's class is looked for from the other namespaces */
	if (!*ret_class)
		*ret_class = cim_schema_class(run->model->schema, CIM_NS_INTEROP, name);
	if (!*ret_class)
		run_refuse(run, CIM_ERR_INVALID_PARAMETER, "%s: there is no class \"%s\"", role,
			   name);
	return *ret_class != NULL;
}

struct filters {
	const struct cim_path *object;
	const char *assoc_class, *result_class, *role, *result_role;
	const char *qualifier, *assoc_qualifier;
	gboolean references, classes;
};

static const char *
or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* Whether @path names an association's instance. Nothing refers to one of those: it is enough that
 * it is there. */
static gboolean
is_reference(const struct run *run, const struct cim_path *path)
{
	enum cim_namespace_id ns = run->ns;
	const struct cim_class *class =
		object_namespace(&ns, path, NULL)
			? cim_schema_class(run->model->schema, ns, path->class_name)
			: NULL;
	return class && class->flags & CIM_CLASS_ASSOCIATION;
}

static void
end_reference(struct run *run, const struct cim_path *path)
{
	cairn_auto(cim_instance) instance = get_instance(run, path);
	if (!instance)
		return;
	run->reply.list = cim_list_of(g_ptr_array_new());
	run_end(run);
}

static void
associations_run(struct run *run, const struct filters *filters)
{
	struct association_ask ask = {
		.role = or_null(filters->role),
		.result_role = or_null(filters->result_role),
		.qualifier = filters->qualifier,
		.assoc_qualifier = filters->assoc_qualifier,
	};
	GError *error = NULL;
	if (is_reference(run, filters->object)) {
		end_reference(run, filters->object);
		return;
	}
	if (!object_find(run->model, run->ns, filters->object, &ask.object, &error)) {
		run_fail(run, error);
		return;
	}
	object_namespace(&run->ns, filters->object, NULL);
	ask.ns = run->ns;
	if (!run_filter_class(run, "AssocClass", filters->assoc_class, &ask.assoc_class) ||
	    !run_filter_class(run, "ResultClass", filters->result_class,
			      filters->references ? &ask.reference_class : &ask.result_class))
		return;
	struct cim_list *list = filters->references
					? associations_references(run->model, &ask)
					: cim_list_of(associations_others(run->model, &ask));
	end_list(run, select_from(run->op->query, list));
}

void
run_associations(struct run *run)
{
	const struct cim_op *op = run->op;
	struct filters filters = {
		.object = op->object,
		.assoc_class = op->assoc_class,
		.result_class = op->result_class,
		.role = op->role,
		.result_role = op->result_role,
		.references = run->kind == CIM_OP_REFERENCES || run->kind == CIM_OP_REFERENCE_NAMES,
	};
	const char *class_name = op->object ? op->object->class_name : op->class_name;
	const struct cim_class *class = run_class(run, class_name);
	if (!class)
		return;
	if (!op->object || op->object->is_class)
		run_class_associations(run, class);
	else
		associations_run(run, &filters);
}

/* ---- queries ---- */

static void
select_run(struct run *run, const struct query *query)
{
	const struct cim_class *class = run_class(run, query->class_name);
	GError *error = NULL;
	if (!class)
		return;
	if (class->flags & CIM_CLASS_INDICATION || cim_class_isa_name(class, "__Event"))
		run_refuse(run, CIM_ERR_NOT_SUPPORTED,
			   "events of \"%s\" are subscribed to, not read", class->name);
	else if (!query_check(query, class, &error))
		run_fail(run, error);
	else
		enumerate_class(run, class);
}

void
run_query(struct run *run)
{
	const struct query *query = run->op->query;
	if (!query) {
		run_refuse(run, CIM_ERR_INVALID_QUERY, "there is no query");
		return;
	}
	if (query->kind == QUERY_SELECT) {
		select_run(run, query);
		return;
	}
	struct filters filters = {
		.object = query->object,
		.assoc_class = query->assoc_class,
		.result_class = query->result_class,
		.role = query->role,
		.result_role = query->result_role,
		.qualifier = query->required_qualifier,
		.assoc_qualifier = query->required_assoc_qualifier,
		.references = query->kind == QUERY_REFERENCES,
	};
	const struct cim_class *class = run_class(run, query->object->class_name);
	if (!class)
		return;
	if (query->schema_only || query->class_defs_only || query->object->is_class)
		run_class_associations(run, class);
	else
		associations_run(run, &filters);
}
