/* Operations, replies and lists: freeing, finding, iterating. */
#include "wire/op.h"

static const char *const op_names[CIM_OP_LAST] = {
	[CIM_OP_NONE] = "none",
	[CIM_OP_GET_CLASS] = "GetClass",
	[CIM_OP_ENUMERATE_CLASSES] = "EnumerateClasses",
	[CIM_OP_ENUMERATE_CLASS_NAMES] = "EnumerateClassNames",
	[CIM_OP_GET_INSTANCE] = "GetInstance",
	[CIM_OP_ENUMERATE_INSTANCES] = "EnumerateInstances",
	[CIM_OP_ENUMERATE_INSTANCE_NAMES] = "EnumerateInstanceNames",
	[CIM_OP_CREATE_INSTANCE] = "CreateInstance",
	[CIM_OP_MODIFY_INSTANCE] = "ModifyInstance",
	[CIM_OP_DELETE_INSTANCE] = "DeleteInstance",
	[CIM_OP_ASSOCIATORS] = "Associators",
	[CIM_OP_ASSOCIATOR_NAMES] = "AssociatorNames",
	[CIM_OP_REFERENCES] = "References",
	[CIM_OP_REFERENCE_NAMES] = "ReferenceNames",
	[CIM_OP_EXEC_QUERY] = "ExecQuery",
	[CIM_OP_GET_PROPERTY] = "GetProperty",
	[CIM_OP_SET_PROPERTY] = "SetProperty",
	[CIM_OP_ENUMERATE_QUALIFIERS] = "EnumerateQualifiers",
	[CIM_OP_GET_QUALIFIER] = "GetQualifier",
	[CIM_OP_CREATE_CLASS] = "CreateClass",
	[CIM_OP_MODIFY_CLASS] = "ModifyClass",
	[CIM_OP_DELETE_CLASS] = "DeleteClass",
	[CIM_OP_SET_QUALIFIER] = "SetQualifier",
	[CIM_OP_DELETE_QUALIFIER] = "DeleteQualifier",
	[CIM_OP_OPEN] = "Open",
	[CIM_OP_PULL] = "Pull",
	[CIM_OP_CLOSE] = "CloseEnumeration",
	[CIM_OP_ENUMERATION_COUNT] = "EnumerationCount",
	[CIM_OP_INVOKE] = "Invoke",
};

const char *
cim_op_name(enum cim_op_kind kind)
{
	g_assert((guint)kind < CIM_OP_LAST);
	return op_names[kind];
}

static void
clear_arguments(GArray **arguments)
{
	for (guint i = 0; *arguments && i < (*arguments)->len; i++) {
		struct cim_argument *argument = &g_array_index(*arguments, struct cim_argument, i);
		g_free(argument->name);
		cim_value_clear(&argument->value);
	}
	g_clear_pointer(arguments, g_array_unref);
}

void
cim_op_clear(struct cim_op *op)
{
	char *texts[] = {op->namespace_text, op->class_name, op->assoc_class,
			 op->result_class,   op->role,	     op->result_role,
			 op->property_name,  op->method,     op->context};
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	cim_path_free(op->object);
	cim_instance_unref(op->instance);
	cim_property_list_free(op->list);
	query_free(op->query);
	cim_value_clear(&op->value);
	clear_arguments(&op->arguments);
	*op = (struct cim_op){0};
}

const struct cim_value *
cim_op_argument(const struct cim_op *op, const char *name)
{
	for (guint i = 0; op->arguments && i < op->arguments->len; i++) {
		struct cim_argument *argument =
			&g_array_index(op->arguments, struct cim_argument, i);
		if (g_ascii_strcasecmp(argument->name, name) == 0)
			return &argument->value;
	}
	return NULL;
}

/* ---- lists ---- */

struct cim_list {
	const struct cim_list_driver *driver;
	void *data;
	struct cim_instance *peeked;
};

struct cim_list *
cim_list_new(const struct cim_list_driver *driver, void *data)
{
	struct cim_list *list = g_new0(struct cim_list, 1);
	list->driver = driver;
	list->data = data;
	return list;
}

struct array_list {
	GPtrArray *instances;
	guint next;
};

static struct cim_instance *
array_next(void *data)
{
	struct array_list *array = data;
	if (array->next >= array->instances->len)
		return NULL;
	return cim_instance_ref(array->instances->pdata[array->next++]);
}

static void
array_free(void *data)
{
	struct array_list *array = data;
	g_ptr_array_unref(array->instances);
	g_free(array);
}

struct cim_list *
cim_list_of(GPtrArray *instances)
{
	static const struct cim_list_driver driver = {array_next, array_free};
	struct array_list *array = g_new0(struct array_list, 1);
	array->instances = instances;
	return cim_list_new(&driver, array);
}

void
cim_list_free(struct cim_list *list)
{
	if (!list)
		return;
	cim_instance_unref(list->peeked);
	list->driver->free(list->data);
	g_free(list);
}

struct cim_instance *
cim_list_next(struct cim_list *list)
{
	return list->peeked ? g_steal_pointer(&list->peeked) : list->driver->next(list->data);
}

const struct cim_instance *
cim_list_peek(struct cim_list *list)
{
	if (!list->peeked)
		list->peeked = list->driver->next(list->data);
	return list->peeked;
}

/* ---- replies ---- */

void
cim_reply_clear(struct cim_reply *reply)
{
	g_clear_error(&reply->error);
	cim_list_free(reply->list);
	g_free(reply->classes);
	cim_instance_unref(reply->instance);
	cim_value_clear(&reply->value);
	clear_arguments(&reply->arguments);
	g_free(reply->context);
	*reply = (struct cim_reply){0};
}

void
cim_reply_add(struct cim_reply *reply, const char *name, struct cim_value value)
{
	struct cim_argument argument = {g_strdup(name), value};
	if (!reply->arguments)
		reply->arguments = g_array_new(FALSE, FALSE, sizeof argument);
	g_array_append_val(reply->arguments, argument);
}
