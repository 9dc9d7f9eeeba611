/* Values of properties and parameters between XML and CIM (DSP0230 6 and 7): what the schema says
 * decides the type, never what the element says of itself. */
#include "wire/wsman_private.h"

#include "cim/datetime.h"
#include "wire/embedded.h"

#include <math.h>
#include <string.h>

/* ---- reading ---- */

/* xsi is bound to other namespaces by some clients, and unbound by others. */
gboolean
wsman_is_nil(const struct xml_node *node)
{
	const char *nil = xml_attr(node, "nil");
	return nil && (g_ascii_strcasecmp(nil, "true") == 0 || strcmp(nil, "1") == 0);
}

/* cim:Date has no hours: the others are not known (DSP0230 6.2). */
static char *
date_text(const char *word)
{
	static const char form[] = "dddd-dd-dd";
	if (strlen(word) != strlen(form))
		return NULL;
	for (guint i = 0; form[i]; i++)
		if (form[i] == 'd' ? !g_ascii_isdigit(word[i]) : word[i] != form[i])
			return NULL;
	return g_strdup_printf("%.4s%.2s%.2s******.******+000", word, word + 5, word + 8);
}

/* cim:Datetime, cim:Interval, CIM_DateTime, cim:Date inside, or the text alone. */
static gboolean
read_datetime(const struct xml_node *node, struct cim_value *ret_value, GError **error)
{
	g_autofree char *word = wsman_word(node->first ? node->first : node);
	g_autofree char *date = node->first && g_ascii_strcasecmp(node->first->name, "Date") == 0
					? date_text(word)
					: NULL;
	return cim_value_parse(CIM_DATETIME, date ? date : word, ret_value, error);
}

static const struct cim_class *
find_class(const struct wsman_reader *reader, const char *name, gsize len)
{
	g_autofree char *text = g_strndup(name, len);
	return cim_schema_class(reader->schema, reader->request->op.ns, text);
}

/* "p1:Msvm_X_Type" */
static const struct cim_class *
class_of_type(const struct wsman_reader *reader, const struct xml_node *node)
{
	const char *type = xml_attr(node, "type");
	const char *colon = type ? strrchr(type, ':') : NULL;
	const char *name = colon ? colon + 1 : type;
	if (!name)
		return NULL;
	const gsize len = strlen(name) - (g_str_has_suffix(name, "_Type") ? strlen("_Type") : 0);
	return find_class(reader, name, len);
}

/* The namespace of the elements inside ends in the class. */
static const struct cim_class *
class_of_namespace(const struct wsman_reader *reader, const struct xml_node *node)
{
	const char *ns = node->first ? node->first->ns : NULL;
	const char *slash = ns ? strrchr(ns, '/') : NULL;
	return slash ? find_class(reader, slash + 1, strlen(slash + 1)) : NULL;
}

static const struct cim_class *
embedded_class(const struct wsman_reader *reader, const struct cim_member *member,
	       const struct xml_node *node)
{
	const struct cim_class *class = class_of_type(reader, node);
	if (!class)
		class = class_of_namespace(reader, node);
	if (!class && member->class_name)
		class = find_class(reader, member->class_name, strlen(member->class_name));
	return class;
}

/* <p:Setting><q:Msvm_X>...</q:Msvm_X></p:Setting>: the class once more as an element. */
static const struct xml_node *
unwrap(const struct wsman_reader *reader, const struct xml_node *node)
{
	const struct xml_node *inner = node->first;
	if (inner->next || xml_attr(node, "type") || !inner->first)
		return NULL;
	return find_class(reader, inner->name, strlen(inner->name)) ? inner : NULL;
}

/* Real elements where the schema has a string that carries an instance. */
static gboolean
read_embedded(const struct wsman_reader *reader, const struct cim_member *member,
	      const struct xml_node *node, struct cim_value *ret_value, GError **error)
{
	if (strcmp(node->first->name, "INSTANCE") == 0 || strcmp(node->first->name, "CIM") == 0) {
		g_autoptr(GString) text = g_string_new(NULL);
		xml_print(node->first, text);
		*ret_value = cim_string(text->str);
		return TRUE;
	}
	const struct xml_node *inner = unwrap(reader, node);
	const struct cim_class *class = inner ? find_class(reader, inner->name, strlen(inner->name))
					      : embedded_class(reader, member, node);
	if (!class)
		return cim_fail(error, CIM_ERR_INVALID_CLASS,
				"the class of the instance in \"%s\" is not known", member->name);
	struct cim_instance *instance =
		wsman_read_instance(reader, class, inner ? inner : node, FALSE, NULL, error);
	if (!instance)
		return FALSE;
	*ret_value = cim_embedded_take(instance);
	return TRUE;
}

static gboolean
read_scalar(const struct wsman_reader *reader, const struct cim_member *member,
	    const struct xml_node *node, struct cim_value *ret_value, GError **error)
{
	const guint embedded = CIM_MEMBER_EMBEDDED_INSTANCE | CIM_MEMBER_EMBEDDED_OBJECT;
	if (wsman_is_nil(node)) {
		*ret_value = cim_null(member->type, FALSE);
		return TRUE;
	}
	if (member->type == CIM_REFERENCE) {
		struct cim_path *path = wsman_read_epr(reader, node, 0, error);
		if (path)
			*ret_value = cim_reference_take(path);
		return path != NULL;
	}
	if (member->type == CIM_DATETIME)
		return read_datetime(node, ret_value, error);
	if (member->type == CIM_STRING) {
		if (node->first && (member->flags & embedded))
			return read_embedded(reader, member, node, ret_value, error);
		*ret_value = cim_string(node->text);
		return TRUE;
	}
	g_autofree char *word = wsman_word(node);
	return cim_value_parse(member->type, word, ret_value, error);
}

/* CIM's and our faults stay; what a parser says of a text becomes a type mismatch. */
static gboolean
blame(const struct cim_member *member, GError *wrong, GError **error)
{
	if (wrong->domain == CIM_ERROR || wrong->domain == WSMAN_FAULT) {
		g_propagate_prefixed_error(error, wrong, "\"%s\": ", member->name);
		return FALSE;
	}
	cim_fail(error, CIM_ERR_TYPE_MISMATCH, "\"%s\" is no %s: %s", member->name,
		 cim_type_name(member->type), wrong->message);
	g_error_free(wrong);
	return FALSE;
}

static gboolean
read_array(const struct wsman_reader *reader, const struct cim_member *member,
	   const struct xml_node *const *nodes, guint count, struct cim_value *ret_value,
	   GError **error)
{
	GError *wrong = NULL;
	if (count > CIM_ARRAY_MAX)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER,
				"\"%s\" has more than %d elements", member->name, CIM_ARRAY_MAX);
	struct cim_value array = cim_array(member->type, count);
	for (guint i = 0; i < count; i++) {
		if (!read_scalar(reader, member, nodes[i], &array.u.items[i], &wrong)) {
			cim_value_clear(&array);
			return blame(member, wrong, error);
		}
	}
	*ret_value = array;
	return TRUE;
}

gboolean
wsman_read_value(const struct wsman_reader *reader, const struct cim_member *member,
		 const struct xml_node *const *nodes, guint count, struct cim_value *ret_value,
		 GError **error)
{
	GError *wrong = NULL;
	if (member->is_array && count == 1 && wsman_is_nil(nodes[0])) {
		*ret_value = cim_null(member->type, TRUE);
		return TRUE;
	}
	if (member->is_array)
		return read_array(reader, member, nodes, count, ret_value, error);
	if (count > 1)
		return cim_fail(error, CIM_ERR_TYPE_MISMATCH, "\"%s\" is no array", member->name);
	return read_scalar(reader, member, nodes[0], ret_value, &wrong)
		       ? TRUE
		       : blame(member, wrong, error);
}

/* ---- writing ---- */

/* What xs:dateTime and xs:duration cannot say (asterisks) stays in CIM's form. */
static void
put_datetime(GString *out, const char *text)
{
	struct cim_datetime time;
	const gboolean good = cim_datetime_parse(text, &time, NULL);
	g_autofree char *xs = good ? cim_datetime_to_xs(&time) : NULL;
	if (!xs)
		wsman_put_element(out, "cim:CIM_DateTime", text);
	else
		wsman_put_element(out, time.is_interval ? "cim:Interval" : "cim:Datetime", xs);
}

static void
put_uint(GString *out, guint64 number)
{
	char digits[24];
	guint place = sizeof digits;
	do
		digits[--place] = (char)('0' + number % 10);
	while (number /= 10);
	g_string_append_len(out, digits + place, (gssize)(sizeof digits - place));
}

static void
put_real(GString *out, const struct cim_value *value)
{
	if (isnan(value->u.real))
		xml_put_text(out, "NaN");
	else if (isinf(value->u.real))
		xml_put_text(out, value->u.real < 0 ? "-INF" : "INF");
	else
		cim_value_print(value, out);
}

static void
put_embedded_text(GString *out, const struct cim_instance *instance)
{
	g_autoptr(GString) text = g_string_new(NULL);
	embedded_print(instance, text);
	xml_escape(out, text->str, (gssize)text->len);
}

static void
put_embedded_elements(struct wsman_writer *writer, const struct cim_instance *instance)
{
	const struct cim_class *class = instance->class;
	const guint prefix = wsman_prefix(writer, class->name);
	for (guint i = 0; i < class->property_count; i++)
		wsman_put_value(writer, prefix, class->properties[i].name, &instance->values[i]);
}

static gboolean
as_elements(const struct wsman_writer *writer, const struct cim_value *value)
{
	return value->is_embedded && (writer->elements || writer->request->family != WSMAN_URI_WMI);
}

void
wsman_put_content(struct wsman_writer *writer, const struct cim_value *value)
{
	GString *out = writer->out;
	if (value->is_embedded && as_elements(writer, value))
		put_embedded_elements(writer, value->u.instance);
	else if (value->is_embedded)
		put_embedded_text(out, value->u.instance);
	else if (value->type == CIM_STRING)
		xml_escape(out, value->u.string, -1);
	else if (value->type == CIM_BOOLEAN)
		xml_put_text(out, value->u.boolean ? "true" : "false");
	else if (cim_type_is_unsigned(value->type) || value->type == CIM_CHAR16)
		put_uint(out, value->u.uint);
	else if (value->type == CIM_DATETIME)
		put_datetime(out, value->u.string);
	else if (value->type == CIM_REFERENCE)
		wsman_put_epr(writer, value->u.path);
	else if (cim_type_is_real(value->type))
		put_real(out, value);
	else
		cim_value_print(value, out);
}

static void
put_start(struct wsman_writer *writer, guint prefix, const char *name)
{
	g_string_append_c(writer->out, '<');
	wsman_put_prefix(writer->out, prefix);
	xml_put_text(writer->out, name);
}

static void
put_scalar(struct wsman_writer *writer, guint prefix, const char *name,
	   const struct cim_value *value)
{
	GString *out = writer->out;
	put_start(writer, prefix, name);
	if (!value->is_set) {
		xml_put_text(out, " xsi:nil=\"true\"/>");
		return;
	}
	if (as_elements(writer, value)) {
		const char *class_name = value->u.instance->class->name;
		xml_put_text(out, " xsi:type=\"");
		wsman_put_prefix(out, wsman_prefix(writer, class_name));
		xml_put_text(out, class_name);
		xml_put_text(out, "_Type\"");
	}
	g_string_append_c(out, '>');
	wsman_put_content(writer, value);
	xml_put_text(out, "</");
	wsman_put_prefix(out, prefix);
	xml_put_text(out, name);
	g_string_append_c(out, '>');
}

void
wsman_put_value(struct wsman_writer *writer, guint prefix, const char *name,
		const struct cim_value *value)
{
	if (!value->is_set || !value->is_array) {
		put_scalar(writer, prefix, name, value);
		return;
	}
	for (guint i = 0; i < value->count; i++)
		put_scalar(writer, prefix, name, &value->u.items[i]);
}

void
wsman_put_instance(struct wsman_writer *writer, const struct cim_instance *instance,
		   const struct cim_class *as, const struct cim_property_list *list)
{
	GString *out = writer->out;
	const guint prefix = wsman_prefix(writer, as->name);
	put_start(writer, prefix, as->name);
	g_string_append_c(out, '>');
	for (guint i = 0; i < as->property_count; i++) {
		const char *name = as->properties[i].name;
		const struct cim_value *value =
			as == instance->class ? &instance->values[i]
					      : cim_instance_get(instance, name);
		if (value && (!list || cim_property_list_has(list, name)))
			wsman_put_value(writer, prefix, name, value);
	}
	xml_put_text(out, "</");
	wsman_put_prefix(out, prefix);
	xml_put_text(out, as->name);
	g_string_append_c(out, '>');
}
