/* Bodies that carry an instance or arguments (DSP0226 7, DSP0227 9, DSP0230 8): elements are found
 * by local name, in any namespace and order. */
#include "wire/wsman_private.h"

#include <string.h>

/* @first and the later elements of its name, which need not be neighbours. */
static GPtrArray *
collect(const struct xml_node *first)
{
	GPtrArray *nodes = g_ptr_array_new();
	for (const struct xml_node *node = first; node; node = node->next)
		if (g_ascii_strcasecmp(node->name, first->name) == 0)
			g_ptr_array_add(nodes, (gpointer)node);
	return nodes;
}

static gboolean
read_member(const struct wsman_reader *reader, const struct cim_member *member,
	    const struct xml_node *first, struct cim_value *ret_value, GError **error)
{
	g_autoptr(GPtrArray) nodes = collect(first);
	return wsman_read_value(reader, member, (const struct xml_node *const *)nodes->pdata,
				nodes->len, ret_value, error);
}

struct cim_instance *
wsman_read_instance(const struct wsman_reader *reader, const struct cim_class *class,
		    const struct xml_node *node, gboolean strict, GPtrArray *ret_names,
		    GError **error)
{
	cairn_auto(cim_instance) instance = cim_instance_new(class);
	g_autofree guint8 *seen = g_new0(guint8, class->property_count + 1);
	for (const struct xml_node *child = node->first; child; child = child->next) {
		const int place = cim_class_property(class, child->name);
		struct cim_value value = {0};
		if (place < 0 && strict && !g_str_has_prefix(child->name, "__")) {
			cim_fail(error, CIM_ERR_NO_SUCH_PROPERTY,
				 "class \"%s\" has no property \"%s\"", class->name, child->name);
			return NULL;
		}
		if (place < 0 || seen[place])
			continue;
		seen[place] = 1;
		const struct cim_member *member = &class->properties[place];
		if (!read_member(reader, member, child, &value, error))
			return NULL;
		cim_value_clear(&instance->values[place]);
		instance->values[place] = value;
		if (ret_names)
			g_ptr_array_add(ret_names, (gpointer)member->name);
	}
	return g_steal_pointer(&instance);
}

/* ---- Put and Create ---- */

static gboolean
need_body(const struct wsman_reader *reader, const char *what, GError **error)
{
	return reader->body ? TRUE
			    : wsman_fail(error, WSMAN_FAULT_SCHEMA_VALIDATION, "the body has no %s",
					 what);
}

/* The body may be of a class below the one of the URI. */
static const struct cim_class *
body_class(const struct wsman_reader *reader)
{
	const struct cim_class *class =
		cim_schema_class(reader->schema, reader->request->op.ns, reader->body->name);
	return class && cim_class_isa(class, reader->class) ? class : reader->class;
}

static gboolean
same_key(const struct cim_value *a, const struct cim_value *b)
{
	if (a->type == CIM_STRING && b->type == CIM_STRING && !a->is_array && !b->is_array)
		return g_ascii_strcasecmp(a->u.string, b->u.string) == 0;
	if (a->type == CIM_REFERENCE && b->type == CIM_REFERENCE)
		return cim_path_equal(a->u.path, b->u.path);
	return cim_value_equal(a, b);
}

/* The selectors say which instance it is; the body must not say another (DSP0226 7.4). */
static gboolean
take_keys(const struct cim_path *object, struct cim_instance *instance, GError **error)
{
	const struct cim_class *class = instance->class;
	for (guint i = 0; i < class->key_count; i++) {
		struct cim_value *value = &instance->values[class->keys[i]];
		const char *name = class->properties[class->keys[i]].name;
		const struct cim_value *key = cim_path_key(object, name);
		if (!key)
			continue;
		if (value->is_set && !same_key(value, key))
			return wsman_fail(error, WSMAN_FAULT_INVALID_REPRESENTATION,
					  "the key \"%s\" cannot be changed", name);
		cim_value_clear(value);
		cim_value_copy(key, value);
	}
	return TRUE;
}

static gboolean
member_has(const struct cim_class *class, const char *name, guint flag)
{
	return class->properties[cim_class_property(class, name)].flags & flag;
}

/* Of all that the client sent, but for the keys, what can be written: a whole instance goes back
 * with the other values as they were when it was read, and a job's elapsed time has changed since.
 * When nothing of it can be written, all stays on the list, to be refused by name. */
static struct cim_property_list *
list_written(const struct cim_class *class, const GPtrArray *names)
{
	g_autoptr(GPtrArray) written = g_ptr_array_new();
	guint writable = 0;
	for (guint i = 0; i < names->len; i++)
		writable += member_has(class, names->pdata[i], CIM_MEMBER_WRITE);
	for (guint i = 0; i < names->len; i++)
		if (!member_has(class, names->pdata[i], CIM_MEMBER_KEY) &&
		    (!writable || member_has(class, names->pdata[i], CIM_MEMBER_WRITE)))
			g_ptr_array_add(written, names->pdata[i]);
	g_ptr_array_add(written, NULL);
	return cim_property_list_new((char *const *)written->pdata);
}

/* What a Put writes: the properties that the client says it changed, else what it sent. */
static void
set_written(struct wsman_reader *reader, const GPtrArray *names)
{
	struct cim_op *op = &reader->request->op;
	g_auto(GStrv) changed = wsman_option_list(reader, "__MIInstanceModifiedPropertiesList");
	op->list =
		changed ? cim_property_list_new(changed) : list_written(op->instance->class, names);
}

gboolean
wsman_read_put(struct wsman_reader *reader, GError **error)
{
	struct cim_op *op = &reader->request->op;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	op->kind = CIM_OP_MODIFY_INSTANCE;
	if (reader->fragment)
		return wsman_read_fragment(reader, error);
	if (!need_body(reader, "instance", error))
		return FALSE;
	op->instance =
		wsman_read_instance(reader, body_class(reader), reader->body, TRUE, names, error);
	if (!op->instance || !take_keys(op->object, op->instance, error))
		return FALSE;
	set_written(reader, names);
	return TRUE;
}

gboolean
wsman_read_create(struct wsman_reader *reader, GError **error)
{
	struct cim_op *op = &reader->request->op;
	op->kind = CIM_OP_CREATE_INSTANCE;
	if (!need_body(reader, "instance", error))
		return FALSE;
	op->instance =
		wsman_read_instance(reader, body_class(reader), reader->body, TRUE, NULL, error);
	return op->instance != NULL;
}

/* ---- methods ---- */

static gboolean
add_argument(struct wsman_reader *reader, const struct cim_member *parameter,
	     const struct xml_node *node, GError **error)
{
	struct cim_op *op = &reader->request->op;
	struct cim_argument argument = {NULL, {0}};
	if (!(parameter->flags & CIM_MEMBER_IN) || cim_op_argument(op, parameter->name))
		return TRUE;
	if (!read_member(reader, parameter, node, &argument.value, error))
		return FALSE;
	argument.name = g_strdup(parameter->name);
	g_array_append_val(op->arguments, argument);
	return TRUE;
}

/* An element that names another method's input belongs to another action. */
static gboolean
check_input(const struct wsman_reader *reader, const struct cim_method *method, GError **error)
{
	const char *name = reader->body->name;
	const gsize len = strlen(name) - (g_str_has_suffix(name, "_INPUT") ? strlen("_INPUT") : 0);
	if (!name[len] ||
	    (len == strlen(method->name) && g_ascii_strncasecmp(name, method->name, len) == 0))
		return TRUE;
	return wsman_fail(error, WSMAN_FAULT_ACTION_MISMATCH,
			  "the body is \"%s\" but the action is \"%s\"", name, method->name);
}

gboolean
wsman_read_arguments(struct wsman_reader *reader, const struct cim_method *method, GError **error)
{
	struct cim_op *op = &reader->request->op;
	op->arguments = g_array_new(FALSE, FALSE, sizeof(struct cim_argument));
	if (!reader->body)
		return TRUE;
	if (!check_input(reader, method, error))
		return FALSE;
	for (const struct xml_node *node = reader->body->first; node; node = node->next) {
		const struct cim_member *parameter = cim_method_parameter(method, node->name);
		if (!parameter)
			return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
					"method \"%s\" has no parameter \"%s\"", method->name,
					node->name);
		if (!add_argument(reader, parameter, node, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- fragments: DSP0226 7.7 ---- */

#define FRAGMENT_INDEX_MAX 65536

/* "[3]" */
static gboolean
read_index(const char **text, guint *ret_index)
{
	char *end;
	if (**text != '[')
		return TRUE;
	const guint64 index = g_ascii_strtoull(*text + 1, &end, 10);
	if (end == *text + 1 || *end != ']' || index < 1 || index > FRAGMENT_INDEX_MAX)
		return FALSE;
	*ret_index = (guint)index;
	*text = end + 1;
	return TRUE;
}

/* [prefix:]Name, Name[3], Name/text(), Name[3]/text(): "level 1" of XPath as Annex D has it. */
static gboolean
read_path(const char *text, struct wsman_request *request)
{
	text += strspn(text, "/.");
	gsize len = strcspn(text, ":[/");
	if (text[len] == ':') {
		text += len + 1;
		len = strcspn(text, "[/");
	}
	g_free(request->fragment);
	request->fragment = g_strndup(text, len);
	text += len;
	if (!len || !read_index(&text, &request->fragment_index))
		return FALSE;
	request->fragment_text = strcmp(text, "/text()") == 0;
	return request->fragment_text || !*text;
}

static gboolean
check_fragment_dialect(const struct xml_node *node, GError **error)
{
	const char *dialect = xml_attr(node, "Dialect");
	if (!dialect ||
	    g_ascii_strcasecmp(dialect, "http://www.w3.org/TR/1999/REC-xpath-19991116") == 0 ||
	    g_ascii_strcasecmp(dialect, WSMAN_URI "/XPath1.0") == 0)
		return TRUE;
	return wsman_fail(error, WSMAN_FAULT_FRAGMENT_DIALECT,
			  "fragments in the dialect \"%s\" are not known", dialect);
}

static gboolean
read_fragment_name(struct wsman_reader *reader, GError **error)
{
	struct wsman_request *request = reader->request;
	g_autofree char *word = wsman_word(reader->fragment);
	if (!check_fragment_dialect(reader->fragment, error))
		return FALSE;
	const int place = read_path(word, request)
				  ? cim_class_property(reader->class, request->fragment)
				  : -1;
	if (place < 0)
		return wsman_fail(error, WSMAN_FAULT_FRAGMENT_PATH,
				  "\"%s\" is no property of class \"%s\" or an element of one",
				  word, reader->class->name);
	g_free(request->fragment);
	request->fragment = g_strdup(reader->class->properties[place].name);
	char *const names[] = {request->fragment, NULL};
	request->op.list = cim_property_list_new(names);
	return TRUE;
}

/* The elements of the property below wsman:XmlFragment, or its text. */
static gboolean
read_fragment_value(struct wsman_reader *reader, GError **error)
{
	struct wsman_request *request = reader->request;
	const int place = cim_class_property(reader->class, request->fragment);
	const struct cim_member *member = &reader->class->properties[place];
	const struct xml_node *node = request->fragment_text
					      ? reader->body
					      : wsman_child(reader->body, request->fragment);
	struct cim_value value = {0};
	if (!node)
		return wsman_fail(error, WSMAN_FAULT_INVALID_REPRESENTATION,
				  "the fragment \"%s\" is not in the body", request->fragment);
	if (!(request->fragment_text ? wsman_read_value(reader, member, &node, 1, &value, error)
				     : read_member(reader, member, node, &value, error)))
		return FALSE;
	request->op.instance = cim_instance_new(reader->class);
	cim_value_clear(&request->op.instance->values[place]);
	request->op.instance->values[place] = value;
	return take_keys(request->op.object, request->op.instance, error);
}

gboolean
wsman_read_fragment(struct wsman_reader *reader, GError **error)
{
	struct wsman_request *request = reader->request;
	if (!read_fragment_name(reader, error))
		return FALSE;
	if (request->action == WSMAN_GET)
		return TRUE;
	if (request->fragment_index)
		return wsman_fail(error, WSMAN_FAULT_FRAGMENT,
				  "one element of an array cannot be written alone");
	return need_body(reader, "XmlFragment", error) && read_fragment_value(reader, error);
}
