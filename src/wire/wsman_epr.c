/* Selectors and end-point references: object paths in WS-Management's clothes (DSP0226 5.4.2,
 * DSP0227 6). */
#include "wire/wsman_private.h"

#include "base/error.h"

#include <string.h>

#define NAMESPACE_SELECTOR "__cimnamespace"

static const char *
selector_name(const struct xml_node *selector)
{
	const char *name = xml_attr(selector, "Name");
	return name ? name : "";
}

const char *
wsman_selector_namespace(const struct xml_node *set)
{
	const struct xml_node *selector = set ? set->first : NULL;
	for (; selector; selector = selector->next)
		if (g_ascii_strcasecmp(selector_name(selector), NAMESPACE_SELECTOR) == 0)
			return selector->text;
	return NULL;
}

/* ---- reading ---- */

static gboolean
read_key_text(const struct xml_node *selector, enum cim_type type, struct cim_value *ret_value,
	      GError **error)
{
	g_autofree char *word = wsman_word(selector);
	g_autoptr(GError) wrong = NULL;
	if (type == CIM_STRING) {
		*ret_value = cim_string(selector->text);
		return TRUE;
	}
	if (cim_value_parse(type, word, ret_value, &wrong))
		return TRUE;
	return wsman_fail(error, WSMAN_FAULT_SELECTOR_TYPE, "the selector \"%s\" is no %s: %s",
			  selector_name(selector), cim_type_name(type), wrong->message);
}

/* The type of the key that @selector names: strings when the class is not known. */
static gboolean
key_type(const struct cim_class *class, const struct xml_node *selector, enum cim_type *ret_type,
	 GError **error)
{
	const char *name = selector_name(selector);
	int place = class ? cim_class_property(class, name) : -1;
	if (!class) {
		*ret_type = wsman_child(selector, "EndpointReference") ? CIM_REFERENCE : CIM_STRING;
		return TRUE;
	}
	if (place < 0 || !(class->properties[place].flags & CIM_MEMBER_KEY))
		return wsman_fail(error, WSMAN_FAULT_UNEXPECTED_SELECTORS,
				  "\"%s\" is no key of class \"%s\"", name, class->name);
	*ret_type = class->properties[place].type;
	return TRUE;
}

static gboolean
read_key(const struct wsman_reader *reader, const struct cim_class *class,
	 const struct xml_node *selector, guint depth, struct cim_value *ret_value, GError **error)
{
	enum cim_type type = CIM_STRING;
	if (!key_type(class, selector, &type, error))
		return FALSE;
	if (type != CIM_REFERENCE)
		return read_key_text(selector, type, ret_value, error);
	struct cim_path *path = wsman_read_epr(reader, selector, depth + 1, error);
	if (!path)
		return FALSE;
	*ret_value = cim_reference_take(path);
	return TRUE;
}

static gboolean
add_key(struct cim_path *path, const struct xml_node *selector, struct cim_value *value,
	GError **error)
{
	g_autoptr(GError) wrong = NULL;
	if (cim_path_add_key(path, selector_name(selector), value, &wrong))
		return TRUE;
	cim_value_clear(value);
	return wsman_fail(error,
			  cairn_error_code(wrong) == CAIRN_ERROR_EXISTS
				  ? WSMAN_FAULT_DUPLICATE_SELECTORS
				  : WSMAN_FAULT_UNEXPECTED_SELECTORS,
			  "the selector \"%s\": %s", selector_name(selector), wrong->message);
}

gboolean
wsman_read_selectors(const struct wsman_reader *reader, const struct xml_node *set,
		     const struct cim_class *class, struct cim_path *path, guint depth,
		     GError **error)
{
	const struct xml_node *selector = set ? set->first : NULL;
	for (; selector; selector = selector->next) {
		struct cim_value value = {0};
		if (g_ascii_strcasecmp(selector_name(selector), NAMESPACE_SELECTOR) == 0)
			continue;
		if (!read_key(reader, class, selector, depth, &value, error) ||
		    !add_key(path, selector, &value, error))
			return FALSE;
	}
	return TRUE;
}

gboolean
wsman_check_keys(const struct cim_class *class, const struct cim_path *path, GError **error)
{
	for (guint i = 0; i < class->key_count; i++) {
		const char *name = class->properties[class->keys[i]].name;
		if (!cim_path_key(path, name))
			return wsman_fail(error, WSMAN_FAULT_INSUFFICIENT_SELECTORS,
					  "the key \"%s\" of class \"%s\" is missing", name,
					  class->name);
	}
	return TRUE;
}

/* An object path as text where a reference was expected: what scripts send. */
static struct cim_path *
path_from_text(const struct xml_node *node, GError **error)
{
	g_autofree char *word = wsman_word(node);
	g_autoptr(GError) wrong = NULL;
	struct cim_path *path = *word ? cim_path_parse(word, &wrong) : NULL;
	if (!path)
		cim_fail(error, CIM_ERR_TYPE_MISMATCH, "\"%s\" holds no end-point reference%s%s",
			 node->name, wrong ? ": " : "", wrong ? wrong->message : "");
	return path;
}

/* The namespace in the URI, else the selector's, else the request's; as the schema spells it. */
static const char *
namespace_of(const struct wsman_reader *reader, const struct wsman_uri *uri,
	     const struct xml_node *set, enum cim_namespace_id *ret_id)
{
	const char *selector = wsman_selector_namespace(set);
	const char *ns = uri->ns ? uri->ns : selector;
	if (!ns || !*ns)
		ns = reader->request->op.namespace_text;
	*ret_id = cim_namespace_find(ns, NULL);
	return *ret_id == CIM_NS_LAST ? ns : cim_namespace_name(*ret_id);
}

static struct cim_path *
path_from_parameters(const struct wsman_reader *reader, const struct xml_node *parameters,
		     guint depth, GError **error)
{
	const struct xml_node *uri_node = wsman_child(parameters, "ResourceURI");
	const struct xml_node *set = wsman_child(parameters, "SelectorSet");
	g_autofree char *text = uri_node ? wsman_word(uri_node) : g_strdup("");
	const struct cim_class *class = NULL;
	enum cim_namespace_id id = CIM_NS_LAST;
	struct wsman_uri uri;
	cairn_auto(cim_path) path = NULL;
	if (wsman_uri_parse(text, &uri) && uri.class_name)
		path = cim_path_new(namespace_of(reader, &uri, set, &id), uri.class_name);
	wsman_uri_clear(&uri);
	if (!path) {
		cim_fail(error, CIM_ERR_INVALID_PARAMETER,
			 "the resource URI \"%s\" of an end-point reference names no class", text);
		return NULL;
	}
	if (id != CIM_NS_LAST)
		class = cim_schema_class(reader->schema, id, path->class_name);
	if (!wsman_read_selectors(reader, set, class, path, depth, error))
		return NULL;
	return g_steal_pointer(&path);
}

struct cim_path *
wsman_read_epr(const struct wsman_reader *reader, const struct xml_node *node, guint depth,
	       GError **error)
{
	if (depth > WSMAN_EPR_DEPTH) {
		wsman_fail(error, WSMAN_FAULT_SCHEMA_VALIDATION,
			   "end-point references are nested more than %d deep", WSMAN_EPR_DEPTH);
		return NULL;
	}
	const struct xml_node *wrapped = wsman_child(node, "EndpointReference");
	const struct xml_node *epr = wrapped ? wrapped : node;
	const struct xml_node *parameters = wsman_child(epr, "ReferenceParameters");
	if (!parameters)
		parameters = wsman_child(epr, "ReferenceProperties");
	if (!parameters)
		return path_from_text(epr, error);
	return path_from_parameters(reader, parameters, depth, error);
}

/* ---- writing ---- */

static void
begin_epr(struct wsman_writer *writer, const char *ns, const char *class_name)
{
	const struct wsman_request *request = writer->request;
	g_string_append(writer->out, "<wsa:Address>" WSA_ANONYMOUS
				     "</wsa:Address><wsa:ReferenceParameters><wsman:ResourceURI>");
	wsman_put_class_uri(writer->out, request, ns, class_name);
	g_string_append(writer->out, "</wsman:ResourceURI><wsman:SelectorSet><wsman:Selector "
				     "Name=\"" NAMESPACE_SELECTOR "\">");
	if (!ns)
		ns = request->op.namespace_text ? request->op.namespace_text
						: cim_namespace_name(request->op.ns);
	xml_escape(writer->out, ns, -1);
	g_string_append(writer->out, "</wsman:Selector>");
}

static void
end_epr(struct wsman_writer *writer)
{
	g_string_append(writer->out, "</wsman:SelectorSet></wsa:ReferenceParameters>");
}

static void
put_selector(struct wsman_writer *writer, const char *name, const struct cim_value *value)
{
	if (!value->is_set || value->is_array)
		return;
	g_string_append(writer->out, "<wsman:Selector Name=\"");
	xml_escape_attr(writer->out, name, -1);
	g_string_append(writer->out, "\">");
	if (value->type == CIM_REFERENCE) {
		g_string_append(writer->out, "<wsa:EndpointReference>");
		wsman_put_epr(writer, value->u.path);
		g_string_append(writer->out, "</wsa:EndpointReference>");
	} else if (value->type == CIM_DATETIME) {
		xml_escape(writer->out, value->u.string, -1);
	} else {
		wsman_put_content(writer, value);
	}
	g_string_append(writer->out, "</wsman:Selector>");
}

void
wsman_put_epr(struct wsman_writer *writer, const struct cim_path *path)
{
	begin_epr(writer, path->namespace, path->class_name);
	for (guint i = 0; i < path->key_count; i++)
		put_selector(writer, path->keys[i].name, &path->keys[i].value);
	end_epr(writer);
}

void
wsman_put_instance_epr(struct wsman_writer *writer, const struct cim_instance *instance)
{
	const struct cim_class *class = instance->class;
	begin_epr(writer, NULL, class->name);
	for (guint i = 0; i < class->key_count; i++)
		put_selector(writer, class->properties[class->keys[i]].name,
			     &instance->values[class->keys[i]]);
	end_epr(writer);
}
