/* From a method's call to the function that does it. The tables are those of methods_*.c. */
#include "cimd/methods.h"

#include <string.h>

const struct method_binding *const method_tables[] = {
	methods_group, methods_point, methods_job, methods_error, methods_other, NULL,
};

static const struct method_binding *
find_binding(const struct cim_class *class, const char *method)
{
	for (guint i = 0; method_tables[i]; i++)
		for (const struct method_binding *it = method_tables[i]; it->class_name; it++)
			if (g_ascii_strcasecmp(it->method, method) == 0 &&
			    cim_class_isa_name(class, it->class_name))
				return it;
	return NULL;
}

/* A service is one object: clients may name its class alone. */
static gboolean
find_target(const struct run *run, const struct cim_class *class, struct object *ret_object,
	    GError **error)
{
	const struct cim_path *path = run->op->object;
	if (path && !path->is_class)
		return object_find(run->model, run->ns, path, ret_object, error);
	g_autoptr(GArray) services = g_array_new(FALSE, FALSE, sizeof(struct object));
	object_driver(OBJECT_SERVICE)->list(run->model, run->ns, services);
	for (guint i = 0; i < services->len; i++) {
		*ret_object = g_array_index(services, struct object, i);
		cairn_auto(cim_instance) instance =
			object_instance(run->model, run->ns, ret_object);
		if (instance && instance->class == class)
			return TRUE;
	}
	return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
			"a method of class \"%s\" is called on an object, not on the class",
			class->name);
}

void
run_invoke(struct run *run)
{
	const struct cim_op *op = run->op;
	GError *error = NULL;
	if (op->object && !object_namespace(&run->ns, op->object, &error)) {
		run_fail(run, error);
		return;
	}
	const struct cim_class *class =
		run_class(run, op->object ? op->object->class_name : op->class_name);
	if (!class)
		return;
	const struct cim_method *method = op->method ? cim_class_method(class, op->method) : NULL;
	const struct method_binding *binding = method ? find_binding(class, method->name) : NULL;
	struct object object = {0};
	if (!method)
		run_refuse(run, CIM_ERR_METHOD_NOT_FOUND, "class \"%s\" has no method \"%s\"",
			   class->name, op->method ? op->method : "");
	else if (!method->is_static && !find_target(run, class, &object, &error))
		run_fail(run, error);
	else if (!binding)
		run_refuse(run, CIM_ERR_METHOD_NOT_AVAILABLE,
			   "cairn does not do \"%s\" of class \"%s\"", method->name, class->name);
	else
		binding->call(run, &object);
}
