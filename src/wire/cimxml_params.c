/* IPARAMVALUEs of an intrinsic operation to struct cim_op: each parameter has one reader and one
 * place; what depends on several of them comes when all are read. */
#include "wire/cimxml_params.h"

#include "base/error.h"

#include <stddef.h>
#include <string.h>

#define PROPERTY_LIST_MAX 4096 /* names */

struct call {
	const struct cimxml_scope *scope;
	const struct cimxml_operation *operation;
	guint seen; /* parameters that have a value, bits of enum cimxml_param */
	struct cim_op op;
	char *query_language, *query_text;
	const struct xml_node *new_value; /* its IPARAMVALUE */
	struct cim_property_list *said;	  /* properties that ModifiedInstance has */
};

typedef gboolean (*read_fn)(struct call *call, void *place, const struct xml_node *node,
			    GError **error);

static gboolean
unfit(const struct xml_node *node, const char *wanted, GError **error)
{
	return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "%s stands where %s is due", node->name,
			wanted);
}

static gboolean
read_string(struct call *call, void *place, const struct xml_node *node, GError **error)
{
	char **text = place;
	if (strcmp(node->name, "VALUE") != 0)
		return unfit(node, "VALUE", error);
	*text = g_strdup(node->text);
	return TRUE;
}

static gboolean
read_class_name(struct call *call, void *place, const struct xml_node *node, GError **error)
{
	char **text = place;
	const char *name = xml_attr(node, "NAME");
	if (strcmp(node->name, "CLASSNAME") != 0 || !name)
		return unfit(node, "CLASSNAME with a NAME", error);
	*text = g_strdup(name);
	return TRUE;
}

static gboolean
read_boolean(struct call *call, void *place, const struct xml_node *node, GError **error)
{
	struct cim_value value;
	gboolean *to = place;
	if (strcmp(node->name, "VALUE") != 0)
		return unfit(node, "VALUE", error);
	if (!cim_value_parse(CIM_BOOLEAN, node->text, &value, error))
		return FALSE;
	*to = value.u.boolean;
	return TRUE;
}

static gboolean
read_number(struct call *call, void *place, const struct xml_node *node, GError **error)
{
	struct cim_value value;
	guint *to = place;
	if (strcmp(node->name, "VALUE") != 0)
		return unfit(node, "VALUE", error);
	if (!cim_value_parse(CIM_UINT32, node->text, &value, error))
		return FALSE;
	*to = (guint)value.u.uint;
	return TRUE;
}

static gboolean
read_list(struct call *call, void *place, const struct xml_node *node, GError **error)
{
	struct cim_property_list **list = place;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	gboolean is_array = strcmp(node->name, "VALUE.ARRAY") == 0;
	if (!is_array && strcmp(node->name, "VALUE") != 0)
		return unfit(node, "VALUE.ARRAY", error);
	if (is_array)
		node = xml_child(node, NULL, "VALUE");
	for (; node && names->len <= PROPERTY_LIST_MAX; node = xml_sibling(node, NULL, "VALUE"))
		g_ptr_array_add(names, (char *)node->text);
	if (names->len > PROPERTY_LIST_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "a property list has at most %d names",
				  PROPERTY_LIST_MAX);
	g_ptr_array_add(names, NULL);
	*list = cim_property_list_new((char *const *)names->pdata);
	return TRUE;
}

static gboolean
read_object(struct call *call, void *place, const struct xml_node *node, GError **error)
{
	struct cim_path **path = place;
	*path = cimxml_read_path(call->scope, node, error);
	return *path != NULL;
}

static gboolean
read_instance_name(struct call *call, void *place, const struct xml_node *node, GError **error)
{
	struct cim_path **path = place;
	if (!read_object(call, place, node, error))
		return FALSE;
	return !(*path)->is_class || unfit(node, "INSTANCENAME", error);
}

static gboolean
read_new_instance(struct call *call, void *place, const struct xml_node *node, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	if (strcmp(node->name, "INSTANCE") != 0)
		return unfit(node, "INSTANCE", error);
	cairn_auto(cim_instance) given = cimxml_read_instance(call->scope, node, names, error);
	if (!given)
		return FALSE;
	/* Class defaults stand where the client says nothing (DSP0200 5.3.2.6); a NULL that it
	 * says stays one. */
	struct cim_instance *made = call->op.instance = cim_instance_new(given->class);
	cim_instance_set_defaults(made);
	for (guint i = 0; i < names->len; i++) {
		int at = cim_class_property(made->class, names->pdata[i]);
		cim_value_clear(&made->values[at]);
		made->values[at] = given->values[at];
		given->values[at] = (struct cim_value){0};
	}
	return TRUE;
}

/* VALUE.NAMEDINSTANCE. What the INSTANCE does not have is not written, also when PropertyList has
 * it: nobody loses a value that was not spoken of. */
static gboolean
read_modified(struct call *call, void *place, const struct xml_node *node, GError **error)
{
	struct cim_property_list **said = place;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	const struct xml_node *name = xml_child(node, NULL, "INSTANCENAME");
	const struct xml_node *instance = xml_child(node, NULL, "INSTANCE");
	if (!name || !instance)
		return unfit(node, "VALUE.NAMEDINSTANCE", error);
	call->op.object = cimxml_read_path(call->scope, name, error);
	if (!call->op.object)
		return FALSE;
	call->op.instance = cimxml_read_instance(call->scope, instance, names, error);
	if (!call->op.instance)
		return FALSE;
	g_ptr_array_add(names, NULL);
	*said = cim_property_list_new((char *const *)names->pdata);
	return TRUE;
}

static gboolean
read_node(struct call *call, void *place, const struct xml_node *node, GError **error)
{
	const struct xml_node **to = place;
	*to = node->parent;
	return TRUE;
}

#define AT(member) offsetof(struct call, member)

static const struct {
	const char *name;
	read_fn read;
	gsize place;
} params[PARAM_LAST] = {
	[PARAM_CLASS_NAME] = {"ClassName", read_class_name, AT(op.class_name)},
	[PARAM_INSTANCE_NAME] = {"InstanceName", read_instance_name, AT(op.object)},
	[PARAM_OBJECT_NAME] = {"ObjectName", read_object, AT(op.object)},
	[PARAM_PROPERTY_LIST] = {"PropertyList", read_list, AT(op.list)},
	[PARAM_LOCAL_ONLY] = {"LocalOnly", read_boolean, AT(op.local_only)},
	[PARAM_DEEP_INHERITANCE] = {"DeepInheritance", read_boolean, AT(op.deep_inheritance)},
	[PARAM_INCLUDE_QUALIFIERS] = {"IncludeQualifiers", read_boolean, AT(op.include_qualifiers)},
	[PARAM_INCLUDE_CLASS_ORIGIN] = {"IncludeClassOrigin", read_boolean,
					AT(op.include_class_origin)},
	[PARAM_ASSOC_CLASS] = {"AssocClass", read_class_name, AT(op.assoc_class)},
	[PARAM_RESULT_CLASS] = {"ResultClass", read_class_name, AT(op.result_class)},
	[PARAM_ROLE] = {"Role", read_string, AT(op.role)},
	[PARAM_RESULT_ROLE] = {"ResultRole", read_string, AT(op.result_role)},
	[PARAM_QUERY_LANGUAGE] = {"QueryLanguage", read_string, AT(query_language)},
	[PARAM_QUERY] = {"Query", read_string, AT(query_text)},
	[PARAM_FILTER_LANGUAGE] = {"FilterQueryLanguage", read_string, AT(query_language)},
	[PARAM_FILTER] = {"FilterQuery", read_string, AT(query_text)},
	[PARAM_TIMEOUT] = {"OperationTimeout", read_number, AT(op.timeout_sec)},
	[PARAM_CONTINUE] = {"ContinueOnError", read_boolean, AT(op.continue_on_error)},
	[PARAM_MAX_OBJECTS] = {"MaxObjectCount", read_number, AT(op.max_objects)},
	[PARAM_CONTEXT] = {"EnumerationContext", read_string, AT(op.context)},
	[PARAM_NEW_INSTANCE] = {"NewInstance", read_new_instance, 0},
	[PARAM_MODIFIED_INSTANCE] = {"ModifiedInstance", read_modified, AT(said)},
	[PARAM_PROPERTY_NAME] = {"PropertyName", read_string, AT(op.property_name)},
	[PARAM_NEW_VALUE] = {"NewValue", read_node, AT(new_value)},
	[PARAM_QUALIFIER_NAME] = {"QualifierName", read_string, AT(op.property_name)},
	[PARAM_QUERY_CLASS] = {"ReturnQueryResultClass", read_boolean, AT(op.return_query_class)},
};

static guint
find_param(const char *name)
{
	guint param = 0;
	while (param < PARAM_LAST && g_ascii_strcasecmp(params[param].name, name) != 0)
		param++;
	return param;
}

/* An IPARAMVALUE without a child is NULL: as if it were not there. */
static gboolean
read_param(struct call *call, const struct xml_node *node, guint *given, GError **error)
{
	const char *name = xml_attr(node, "NAME");
	guint param = name ? find_param(name) : PARAM_LAST;
	if (param == PARAM_LAST || !cimxml_operation_takes(call->operation, param))
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "%s has no parameter \"%s\"",
				call->operation->name, name ? name : "");
	if (*given >> param & 1)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"the parameter \"%s\" is there twice", name);
	*given |= 1U << param;
	if (!node->first)
		return TRUE;
	call->seen |= 1U << param;
	void *place = (char *)call + params[param].place;
	if (params[param].read(call, place, node->first, error))
		return TRUE;
	return cimxml_retag(error, CIM_ERR_INVALID_PARAMETER, "parameter", params[param].name);
}

static gboolean
check_needs(const struct call *call, GError **error)
{
	guint missing = call->operation->needs & ~call->seen;
	if (!missing)
		return TRUE;
	return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "%s needs the parameter \"%s\"",
			call->operation->name, params[g_bit_nth_lsf(missing, -1)].name);
}

/* ---- when all are read ---- */

static gboolean
find_class(const struct call *call, const char *name, const struct cim_class **ret_class,
	   GError **error)
{
	*ret_class = cim_schema_class(call->scope->schema, call->scope->ns, name);
	if (*ret_class)
		return TRUE;
	/* DSP0200 5.3.2.1: GetClass alone says NOT_FOUND */
	return cim_fail(error,
			call->operation->kind == CIM_OP_GET_CLASS ? CIM_ERR_NOT_FOUND
								  : CIM_ERR_INVALID_CLASS,
			"there is no class \"%s\" in %s", name,
			cim_namespace_name(call->scope->ns));
}

static gboolean
check_classes(const struct call *call, GError **error)
{
	const struct cim_class *class;
	const char *names[] = {call->op.class_name,
			       call->op.object ? call->op.object->class_name : NULL};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (names[i] && !find_class(call, names[i], &class, error))
			return FALSE;
	return TRUE;
}

/* A filter in DSP0212's language is a condition without SELECT. */
static char *
fql_as_cql(const struct call *call, GError **error)
{
	const char *class = call->op.class_name ? call->op.class_name : call->op.result_class;
	if (class)
		return g_strdup_printf("SELECT * FROM %s WHERE %s", class, call->query_text);
	cim_fail(error, CIM_ERR_FILTERED_ENUMERATION_NOT_SUPPORTED,
		 "a filter of associated objects needs a ResultClass");
	return NULL;
}

static gboolean
finish_query(struct call *call, GError **error)
{
	enum query_language language = QUERY_CQL;
	g_autofree char *made = NULL;
	if (!call->query_text && !call->query_language)
		return TRUE;
	if (!call->query_text || !call->query_language)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"a query and its language go together");
	if (g_ascii_strcasecmp(call->query_language, "DMTF:FQL") == 0 &&
	    call->operation->kind == CIM_OP_OPEN) {
		made = fql_as_cql(call, error);
		if (!made)
			return FALSE;
	} else if (!query_language_find(call->query_language, &language)) {
		return cim_fail(error, CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED,
				"the query language \"%s\" is not known", call->query_language);
	}
	call->op.query = query_parse(language, made ? made : call->query_text, error);
	return call->op.query != NULL;
}

static gboolean
unknown_property(const struct cim_class *class, const char *name, GError **error)
{
	return cim_fail(error, CIM_ERR_NO_SUCH_PROPERTY, "%s has no property \"%s\"", class->name,
			name);
}

/* GetProperty and SetProperty; a NewValue that is absent is NULL. */
static gboolean
finish_property(struct call *call, GError **error)
{
	const struct cim_class *class;
	if (!find_class(call, call->op.object->class_name, &class, error))
		return FALSE;
	int place = cim_class_property(class, call->op.property_name);
	if (place < 0)
		return unknown_property(class, call->op.property_name, error);
	const struct cim_member *property = &class->properties[place];
	call->op.value = cim_null(property->type, property->is_array);
	if (!call->new_value)
		return TRUE;
	if (cimxml_read_value(call->scope, call->new_value, property->type, property->is_array,
			      &call->op.value, error))
		return TRUE;
	return cimxml_retag(error, CIM_ERR_TYPE_MISMATCH, "property", property->name);
}

/* Those of PropertyList that the instance has; without a list all that it has but its keys. */
static gboolean
finish_modify(struct call *call, GError **error)
{
	const struct cim_class *class = call->op.instance->class;
	const char *const *listed = cim_property_list_names(call->op.list);
	g_autoptr(GPtrArray) written = g_ptr_array_new();
	if (g_ascii_strcasecmp(class->name, call->op.object->class_name) != 0)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"the instance is of class \"%s\", its name of \"%s\"", class->name,
				call->op.object->class_name);
	for (const char *const *name = listed ? listed : cim_property_list_names(call->said); *name;
	     name++) {
		int place = cim_class_property(class, *name);
		if (place < 0)
			return unknown_property(class, *name, error);
		if (listed ? cim_property_list_has(call->said, *name)
			   : !(class->properties[place].flags & CIM_MEMBER_KEY))
			g_ptr_array_add(written, (char *)*name);
	}
	g_ptr_array_add(written, NULL);
	struct cim_property_list *list = cim_property_list_new((char *const *)written->pdata);
	cim_property_list_free(call->op.list);
	call->op.list = list;
	return TRUE;
}

static gboolean
finish(struct call *call, GError **error)
{
	enum cim_op_kind kind = call->operation->kind;
	if (!check_needs(call, error) || !check_classes(call, error) || !finish_query(call, error))
		return FALSE;
	/* of instances it is deprecated and means nothing (DSP0200 5.3.2.2) */
	if (kind != CIM_OP_GET_CLASS && kind != CIM_OP_ENUMERATE_CLASSES)
		call->op.local_only = FALSE;
	if (kind == CIM_OP_GET_PROPERTY || kind == CIM_OP_SET_PROPERTY)
		return finish_property(call, error);
	return kind != CIM_OP_MODIFY_INSTANCE || finish_modify(call, error);
}

gboolean
cimxml_read_params(const struct cimxml_scope *scope, const struct xml_node *node,
		   const struct cimxml_operation *operation, struct cim_op *op, GError **error)
{
	struct call call = {.scope = scope, .operation = operation, .op = *op};
	guint given = 0;
	gboolean ok = TRUE;
	call.op.kind = operation->kind;
	call.op.opens = operation->opens;
	call.op.local_only = operation->yes >> PARAM_LOCAL_ONLY & 1;
	call.op.deep_inheritance = operation->yes >> PARAM_DEEP_INHERITANCE & 1;
	call.op.include_qualifiers = operation->yes >> PARAM_INCLUDE_QUALIFIERS & 1;
	gboolean fixed = operation->kind >= CIM_OP_CREATE_CLASS &&
			 operation->kind <= CIM_OP_DELETE_QUALIFIER;
	if (!fixed) {
		node = xml_child(node, NULL, "IPARAMVALUE");
		for (; node && ok; node = xml_sibling(node, NULL, "IPARAMVALUE"))
			ok = read_param(&call, node, &given, error);
		ok = ok && finish(&call, error);
	}
	cim_property_list_free(call.said);
	g_free(call.query_language);
	g_free(call.query_text);
	*op = call.op;
	return ok;
}
