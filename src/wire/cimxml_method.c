/* METHODCALL to struct cim_op: arguments get the types that the method declares, whatever the
 * client says of them (wbemcli says nothing). */
#include "wire/cimxml_private.h"

#include "base/error.h"

#include <string.h>

static const char *const targets[] = {"LOCALINSTANCEPATH", "LOCALCLASSPATH", "INSTANCEPATH",
				      "CLASSPATH"};

static const struct xml_node *
find_target(const struct xml_node *call)
{
	const struct xml_node *target = NULL;
	for (guint i = 0; !target && i < G_N_ELEMENTS(targets); i++)
		target = xml_child(call, NULL, targets[i]);
	return target;
}

static gboolean
read_target(const struct cimxml_scope *scope, const struct xml_node *call, struct cim_op *op,
	    GError **error)
{
	const struct xml_node *target = find_target(call);
	if (!target)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"the call names no object and no class");
	cairn_auto(cim_path) path = cimxml_read_path(scope, target, error);
	if (!path)
		return cimxml_retag(error, CIM_ERR_INVALID_PARAMETER, "method", op->method);
	if (path->is_class)
		op->class_name = g_strdup(path->class_name);
	else
		op->object = g_steal_pointer(&path);
	return TRUE;
}

static const struct cim_method *
find_method(const struct cimxml_scope *scope, const struct cim_op *op, GError **error)
{
	const char *name = op->object ? op->object->class_name : op->class_name;
	const struct cim_class *class = cim_schema_class(scope->schema, scope->ns, name);
	const struct cim_method *method = class ? cim_class_method(class, op->method) : NULL;
	if (!class)
		cim_fail(error, CIM_ERR_INVALID_CLASS, "there is no class \"%s\" in %s", name,
			 cim_namespace_name(scope->ns));
	else if (!method)
		cim_fail(error, CIM_ERR_METHOD_NOT_FOUND, "%s has no method \"%s\"", class->name,
			 op->method);
	return method;
}

static gboolean
read_argument(const struct cimxml_scope *scope, const struct cim_method *method,
	      const struct xml_node *node, struct cim_op *op, GError **error)
{
	const char *name = xml_attr(node, "NAME");
	const struct cim_member *parameter = name ? cim_method_parameter(method, name) : NULL;
	struct cim_argument argument;
	if (!parameter)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "%s has no parameter \"%s\"",
				method->name, name ? name : "");
	if (cim_op_argument(op, parameter->name))
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"the parameter \"%s\" is there twice", parameter->name);
	if (!(parameter->flags & CIM_MEMBER_IN)) /* an out parameter's NULL, sent along */
		return TRUE;
	if (!cimxml_read_value(scope, node, parameter->type, parameter->is_array, &argument.value,
			       error))
		return cimxml_retag(error, CIM_ERR_INVALID_PARAMETER, "parameter", parameter->name);
	argument.name = g_strdup(parameter->name);
	g_array_append_val(op->arguments, argument);
	return TRUE;
}

gboolean
cimxml_read_method(const struct cimxml_scope *scope, const struct xml_node *call, struct cim_op *op,
		   GError **error)
{
	op->kind = CIM_OP_INVOKE;
	op->method = g_strdup(xml_attr(call, "NAME"));
	if (!read_target(scope, call, op, error))
		return FALSE;
	const struct cim_method *method = find_method(scope, op, error);
	if (!method)
		return FALSE;
	op->arguments = g_array_new(FALSE, FALSE, sizeof(struct cim_argument));
	for (const struct xml_node *node = xml_child(call, NULL, "PARAMVALUE"); node;
	     node = xml_sibling(node, NULL, "PARAMVALUE"))
		if (!read_argument(scope, method, node, op, error))
			return FALSE;
	return TRUE;
}
