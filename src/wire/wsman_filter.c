/* Filters of Enumerate and Subscribe: queries, selectors, associations (DSP0226 8.3, DSP0227 6.4);
 * one table of dialects. */
#include "wire/wsman_private.h"

#include <string.h>

/* ---- WQL and CQL ---- */

/* The class of FROM counts; a URI that names another class contradicts it. */
static gboolean
take_query_class(struct wsman_reader *reader, const struct query *query, GError **error)
{
	struct cim_op *op = &reader->request->op;
	const struct cim_class *class = cim_schema_class(reader->schema, op->ns, query->class_name);
	if (!class)
		return cim_fail(error, CIM_ERR_INVALID_CLASS,
				"namespace \"%s\" has no class \"%s\"", op->namespace_text,
				query->class_name);
	if (reader->class && reader->class != class)
		return wsman_fail(error, WSMAN_FAULT_CANNOT_PROCESS_FILTER,
				  "the query is about class \"%s\", the resource URI about \"%s\"",
				  class->name, reader->class->name);
	if (!query_check(query, class, error))
		return FALSE;
	g_free(op->class_name);
	op->class_name = g_strdup(class->name);
	return TRUE;
}

static gboolean
take_query(struct wsman_reader *reader, enum query_language language, const char *text,
	   GError **error)
{
	struct wsman_request *request = reader->request;
	cairn_auto(query) query = query_parse(language, text, error);
	if (!query)
		return FALSE;
	request->op.kind = CIM_OP_NONE;
	if (request->action == WSMAN_ENUMERATE) {
		if (query->kind == QUERY_SELECT && !take_query_class(reader, query, error))
			return FALSE;
		request->op.kind = CIM_OP_EXEC_QUERY;
	}
	request->op.query = g_steal_pointer(&query);
	return TRUE;
}

/* ---- SelectorFilter: equality, all of them ---- */

static void
put_literal(GString *text, const struct cim_value *value)
{
	if (cim_type_is_number(value->type) || value->type == CIM_BOOLEAN) {
		cim_value_print(value, text);
		return;
	}
	g_autoptr(GString) plain = g_string_new(NULL);
	cim_value_print(value, plain);
	g_string_append_c(text, '\'');
	for (const char *c = plain->str; *c; c++) {
		if (*c == '\\' || *c == '\'')
			g_string_append_c(text, '\\');
		g_string_append_c(text, *c);
	}
	g_string_append_c(text, '\'');
}

static gboolean
add_condition(struct wsman_reader *reader, const struct xml_node *selector, GString *text,
	      GError **error)
{
	const char *name = xml_attr(selector, "Name");
	const int place = name ? cim_class_property(reader->class, name) : -1;
	struct cim_value value = {0};
	if (name && g_ascii_strcasecmp(name, "__cimnamespace") == 0)
		return TRUE;
	if (place < 0)
		return wsman_fail(error, WSMAN_FAULT_CANNOT_PROCESS_FILTER,
				  "class \"%s\" has no property \"%s\"", reader->class->name,
				  name ? name : "");
	const struct cim_member *member = &reader->class->properties[place];
	if (!wsman_read_value(reader, member, &selector, 1, &value, error))
		return FALSE;
	if (value.is_embedded) { /* an instance where the schema has a string */
		cim_value_clear(&value);
		return wsman_fail(error, WSMAN_FAULT_CANNOT_PROCESS_FILTER,
				  "\"%s\" cannot be compared with an instance", member->name);
	}
	if (value.is_set && !value.is_array) {
		g_string_append_printf(text,
				       "%s%s=", strstr(text->str, " WHERE ") ? " AND " : " WHERE ",
				       member->name);
		put_literal(text, &value);
	}
	cim_value_clear(&value);
	return TRUE;
}

static gboolean
read_selector_filter(struct wsman_reader *reader, const struct xml_node *filter, GError **error)
{
	const struct xml_node *set = wsman_child(filter, "SelectorSet");
	if (!set || !reader->class)
		return wsman_fail(error, WSMAN_FAULT_CANNOT_PROCESS_FILTER,
				  "a selector filter needs a class and a SelectorSet");
	g_autoptr(GString) text = g_string_new("SELECT * FROM ");
	g_string_append(text, reader->class->name);
	for (const struct xml_node *node = set->first; node; node = node->next)
		if (!add_condition(reader, node, text, error))
			return FALSE;
	return take_query(reader, QUERY_WQL, text->str, error);
}

/* ---- associations ---- */

static char *
optional_text(const struct xml_node *node, const char *name)
{
	const struct xml_node *child = wsman_child(node, name);
	g_autofree char *word = child ? wsman_word(child) : NULL;
	return word && *word ? g_steal_pointer(&word) : NULL;
}

/* IncludeResultProperty, once for each. */
static struct cim_property_list *
result_properties(const struct xml_node *node)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const struct xml_node *child = node->first;
	for (; child; child = child->next)
		if (g_ascii_strcasecmp(child->name, "IncludeResultProperty") == 0)
			g_ptr_array_add(names, wsman_word(child));
	if (!names->len)
		return NULL;
	g_ptr_array_add(names, NULL);
	return cim_property_list_new((char *const *)names->pdata);
}

static gboolean
read_object(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	struct cim_op *op = &reader->request->op;
	const struct xml_node *object = wsman_child(node, "Object");
	if (!object)
		return wsman_fail(error, WSMAN_FAULT_CANNOT_PROCESS_FILTER,
				  "an association filter needs an Object");
	op->object = wsman_read_epr(reader, object, 0, error);
	if (!op->object)
		return FALSE;
	const enum cim_namespace_id ns = cim_namespace_find(op->object->namespace, NULL);
	if (ns == CIM_NS_LAST)
		return cim_fail(error, CIM_ERR_INVALID_NAMESPACE, "there is no namespace \"%s\"",
				op->object->namespace);
	const struct cim_class *class =
		cim_schema_class(reader->schema, ns, op->object->class_name);
	if (!class)
		return cim_fail(error, CIM_ERR_INVALID_CLASS,
				"namespace \"%s\" has no class \"%s\"", op->object->namespace,
				op->object->class_name);
	op->ns = ns;
	g_free(op->namespace_text);
	op->namespace_text = g_strdup(op->object->namespace);
	return wsman_check_keys(class, op->object, error);
}

/* AssociatedInstances are what CIM calls Associators, AssociationInstances its References. Some
 * clients' options of that name mean the other one: what is sent counts. */
static gboolean
read_association_filter(struct wsman_reader *reader, const struct xml_node *filter, GError **error)
{
	struct cim_op *op = &reader->request->op;
	const struct xml_node *associated = wsman_child(filter, "AssociatedInstances");
	const struct xml_node *links = wsman_child(filter, "AssociationInstances");
	const struct xml_node *node = associated ? associated : links;
	if (!node || (associated && links))
		return wsman_fail(error, WSMAN_FAULT_CANNOT_PROCESS_FILTER,
				  "an association filter holds AssociatedInstances or "
				  "AssociationInstances");
	if (!read_object(reader, node, error))
		return FALSE;
	op->kind = associated ? CIM_OP_ASSOCIATORS : CIM_OP_REFERENCES;
	op->role = optional_text(node, "Role");
	op->result_class = optional_text(node, "ResultClassName");
	op->list = result_properties(node);
	if (associated) {
		op->assoc_class = optional_text(node, "AssociationClassName");
		op->result_role = optional_text(node, "ResultRole");
	}
	return TRUE;
}

/* ---- the table ---- */

static gboolean
read_query(struct wsman_reader *reader, const struct xml_node *filter, GError **error)
{
	enum query_language language = QUERY_WQL;
	const char *dialect = xml_attr(filter, "Dialect");
	g_autofree char *text = wsman_word(filter);
	query_language_find(dialect, &language);
	return take_query(reader, language, text, error);
}

static const struct {
	const char *dialect;
	gboolean (*read)(struct wsman_reader *reader, const struct xml_node *filter,
			 GError **error);
	gboolean for_events;
} dialects[] = {
	{"http://schemas.microsoft.com/wbem/wsman/1/WQL", read_query, TRUE},
	{"http://schemas.dmtf.org/wbem/cql/1/dsp0202.pdf", read_query, TRUE},
	{WSMAN_URI "/SelectorFilter", read_selector_filter, FALSE},
	{"http://schemas.dmtf.org/wbem/wsman/1/cimbinding/associationFilter",
	 read_association_filter, FALSE},
};

/* The only Filter below @node; *@ret_filter is NULL when there is none. */
static gboolean
find_filter(const struct xml_node *node, const struct xml_node **ret_filter, GError **error)
{
	const struct xml_node *found = NULL;
	for (const struct xml_node *child = node->first; child; child = child->next) {
		if (strcmp(child->name, "Filter") != 0)
			continue;
		if (found)
			return wsman_fail(error, WSMAN_FAULT_CANNOT_PROCESS_FILTER,
					  "there is more than one filter");
		found = child;
	}
	*ret_filter = found;
	return TRUE;
}

gboolean
wsman_read_filter(struct wsman_reader *reader, const struct xml_node *node, GError **error)
{
	const struct xml_node *filter = NULL;
	const gboolean events = reader->request->action == WSMAN_SUBSCRIBE;
	if (!find_filter(node, &filter, error))
		return FALSE;
	if (!filter)
		return TRUE;
	const char *dialect = xml_attr(filter, "Dialect");
	for (guint i = 0; dialect && i < G_N_ELEMENTS(dialects); i++)
		if (g_ascii_strcasecmp(dialects[i].dialect, dialect) == 0 &&
		    (!events || dialects[i].for_events))
			return dialects[i].read(reader, filter, error);
	return wsman_fail(error, events ? WSMAN_FAULT_EVENT_FILTER : WSMAN_FAULT_FILTER_DIALECT,
			  "filters in the dialect \"%s\" are not known",
			  dialect ? dialect : "XPath");
}
