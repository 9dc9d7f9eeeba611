/* Operations on classes: the schema answers. */
#include "cimd/model_private.h"

#include <string.h>

static void
end_with_classes(struct run *run, GPtrArray *classes)
{
	g_ptr_array_add(classes, NULL);
	run->reply.classes = (const struct cim_class **)g_ptr_array_free(classes, FALSE);
	run_end(run);
}

void
run_get_class(struct run *run)
{
	const struct cim_op *op = run->op;
	const char *name = op->object ? op->object->class_name : op->class_name;
	const struct cim_class *class =
		name ? cim_schema_class(run->model->schema, run->ns, name) : NULL;
	if (!class) {
		run_refuse(run, CIM_ERR_NOT_FOUND, "there is no class \"%s\" in \"%s\"",
			   name ? name : "", cim_namespace_name(run->ns));
		return;
	}
	GPtrArray *classes = g_ptr_array_new();
	g_ptr_array_add(classes, (void *)class);
	end_with_classes(run, classes);
}

/* The nearest ancestor that the namespace shows. */
static const struct cim_class *
shown_super(const struct cim_class *class, enum cim_namespace_id ns)
{
	const struct cim_class *super = class->super;
	while (super && !(super->namespaces & (1u << ns)))
		super = super->super;
	return super;
}

void
run_enumerate_classes(struct run *run)
{
	const struct cim_op *op = run->op;
	const struct cim_class *top = NULL;
	if (op->class_name && *op->class_name && !(top = run_class(run, op->class_name)))
		return;
	GPtrArray *classes = g_ptr_array_new();
	for (guint i = 0; i < cim_schema_count(run->model->schema); i++) {
		const struct cim_class *class = cim_schema_at(run->model->schema, i);
		if (!(class->namespaces & (1u << run->ns)))
			continue;
		if (op->deep_inheritance ? class != top && (!top || cim_class_isa(class, top))
					 : shown_super(class, run->ns) == top)
			g_ptr_array_add(classes, (void *)class);
	}
	end_with_classes(run, classes);
}

/* The declarations are the schema's: the protocol's writer takes them from there. */
void
run_qualifiers(struct run *run)
{
	const char *name = run->op->property_name;
	guint count = cim_schema_qualifier_count(run->model->schema);
	if (run->kind == CIM_OP_ENUMERATE_QUALIFIERS) {
		run_end(run);
		return;
	}
	for (guint i = 0; name && i < count; i++) {
		const struct cim_qualifier *qualifier =
			cim_schema_qualifier_at(run->model->schema, i, NULL);
		if (g_ascii_strcasecmp(qualifier->name, name) == 0) {
			run_end(run);
			return;
		}
	}
	run_refuse(run, CIM_ERR_NOT_FOUND, "there is no qualifier \"%s\"", name ? name : "");
}

/* ---- associations of classes ---- */

struct class_ask {
	const struct run *run;
	const struct cim_class *class, *assoc_class, *result_class;
	const char *role, *result_role;
	gboolean references;
	GPtrArray *found;
};

static void
add_once(GPtrArray *classes, const struct cim_class *class)
{
	if (!g_ptr_array_find(classes, class, NULL))
		g_ptr_array_add(classes, (void *)class);
}

static gboolean
fits(const char *wanted, const char *name)
{
	return !wanted || !*wanted || g_ascii_strcasecmp(wanted, name) == 0;
}

/* The class at a reference's other end. */
static const struct cim_class *
end_class(const struct class_ask *ask, const struct cim_member *member)
{
	if (member->type != CIM_REFERENCE || !member->class_name)
		return NULL;
	return cim_schema_class(ask->run->model->schema, ask->run->ns, member->class_name);
}

static void
add_others(const struct class_ask *ask, const struct cim_class *association, guint from)
{
	for (guint i = 0; i < association->property_count; i++) {
		const struct cim_member *member = &association->properties[i];
		const struct cim_class *other = i == from ? NULL : end_class(ask, member);
		if (other && fits(ask->result_role, member->name) &&
		    (!ask->result_class || cim_class_isa(other, ask->result_class)))
			add_once(ask->found, other);
	}
}

static void
look_at(const struct class_ask *ask, const struct cim_class *association)
{
	for (guint i = 0; i < association->property_count; i++) {
		const struct cim_member *member = &association->properties[i];
		const struct cim_class *end = end_class(ask, member);
		if (!end || !cim_class_isa(ask->class, end) || !fits(ask->role, member->name))
			continue;
		if (!ask->references)
			add_others(ask, association, i);
		else if (!ask->result_class || cim_class_isa(association, ask->result_class))
			add_once(ask->found, association);
	}
}

void
run_class_associations(struct run *run, const struct cim_class *class)
{
	const struct cim_op *op = run->op;
	const struct query *query = run->kind == CIM_OP_EXEC_QUERY ? op->query : NULL;
	const struct cim_schema *schema = run->model->schema;
	const char *assoc_class = query ? query->assoc_class : op->assoc_class;
	const char *result_class = query ? query->result_class : op->result_class;
	struct class_ask ask = {
		.run = run,
		.class = class,
		.role = query ? query->role : op->role,
		.result_role = query ? query->result_role : op->result_role,
		.references = query ? query->kind == QUERY_REFERENCES
				    : run->kind == CIM_OP_REFERENCES ||
					      run->kind == CIM_OP_REFERENCE_NAMES,
	};
	if (!run_filter_class(run, "AssocClass", assoc_class, &ask.assoc_class) ||
	    !run_filter_class(run, "ResultClass", result_class, &ask.result_class))
		return;
	ask.found = g_ptr_array_new();
	for (guint i = 0; i < cim_schema_count(schema); i++) {
		const struct cim_class *it = cim_schema_at(schema, i);
		if ((it->flags & CIM_CLASS_ASSOCIATION) && (it->namespaces & (1u << run->ns)) &&
		    (!ask.assoc_class || cim_class_isa(it, ask.assoc_class)))
			look_at(&ask, it);
	}
	end_with_classes(run, ask.found);
}
