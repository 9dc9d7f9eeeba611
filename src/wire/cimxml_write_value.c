/* Values, properties and instances in CIM-XML (DSP0201 5.2.2, 5.2.5). End tags are always written:
 * wbemcli stumbles over `<PROPERTY .../>`. */
#include "wire/cimxml_private.h"
#include "wire/embedded.h"

#include <string.h>

void
cimxml_put_text(GString *out, const struct cim_value *value)
{
	g_autoptr(GString) text = NULL;
	if (value->is_embedded || value->type == CIM_CHAR16 || value->type == CIM_REFERENCE) {
		text = g_string_new(NULL);
		if (value->is_embedded)
			embedded_print(value->u.instance, text);
		else
			cim_value_print(value, text);
		xml_escape(out, text->str, (gssize)text->len);
	} else if (value->type == CIM_STRING || value->type == CIM_DATETIME) {
		xml_escape(out, value->u.string, -1);
	} else {
		cim_value_print(value, out);
	}
}

static void
put_scalar(GString *out, const struct cim_value *value, const char *host)
{
	if (value->type == CIM_REFERENCE) {
		cimxml_put(out, "<VALUE.REFERENCE>");
		cimxml_put_path(out, value->u.path, host);
		cimxml_put(out, "</VALUE.REFERENCE>");
		return;
	}
	cimxml_put(out, "<VALUE>");
	cimxml_put_text(out, value);
	cimxml_put(out, "</VALUE>");
}

/* VALUE.NULL only among strings: pywbem takes it for an error among numbers. */
static void
put_array(GString *out, const struct cim_value *value, const char *host)
{
	gboolean refs = value->type == CIM_REFERENCE;
	gboolean may_be_null = value->type == CIM_STRING || value->type == CIM_DATETIME;
	xml_put_text(out, refs ? "<VALUE.REFARRAY>" : "<VALUE.ARRAY>");
	for (guint i = 0; i < value->count; i++)
		if (value->u.items[i].is_set)
			put_scalar(out, &value->u.items[i], host);
		else if (may_be_null)
			cimxml_put(out, "<VALUE.NULL></VALUE.NULL>");
	xml_put_text(out, refs ? "</VALUE.REFARRAY>" : "</VALUE.ARRAY>");
}

void
cimxml_put_value(GString *out, const struct cim_value *value, const char *host)
{
	if (value->is_set && value->is_array)
		put_array(out, value, host);
	else if (value->is_set)
		put_scalar(out, value, host);
}

void
cimxml_put_texts(GString *out, const char *const *texts, gboolean is_array)
{
	if (is_array)
		cimxml_put(out, "<VALUE.ARRAY>");
	for (; *texts; texts++) {
		cimxml_put(out, "<VALUE>");
		xml_escape(out, *texts, -1);
		cimxml_put(out, "</VALUE>");
	}
	if (is_array)
		cimxml_put(out, "</VALUE.ARRAY>");
}

/* ---- embedded objects ---- */

/* A client parses what is marked as an object: "" and free text must not be marked. */
static gboolean
looks_embedded(const struct cim_value *value)
{
	if (!value->is_set)
		return TRUE;
	if (!value->is_array)
		return value->is_embedded || *value->u.string == '<';
	for (guint i = 0; i < value->count; i++)
		if (!looks_embedded(&value->u.items[i]))
			return FALSE;
	return TRUE;
}

static gboolean
holds_instance(const struct cim_value *value)
{
	if (value->is_set && value->is_array)
		return value->count > 0 && value->u.items[0].is_embedded;
	return value->is_embedded;
}

void
cimxml_put_embedded(GString *out, const struct cim_member *member, const struct cim_value *value)
{
	const guint both = CIM_MEMBER_EMBEDDED_INSTANCE | CIM_MEMBER_EMBEDDED_OBJECT;
	gboolean declared = member && (member->flags & both) && member->type == CIM_STRING;
	if (value && !holds_instance(value) && !(declared && looks_embedded(value)))
		return;
	if (!value && !declared)
		return;
	if (declared && (member->flags & CIM_MEMBER_EMBEDDED_OBJECT))
		cimxml_put(out, " EmbeddedObject=\"object\"");
	else
		cimxml_put(out, " EmbeddedObject=\"instance\"");
}

/* ---- properties and instances ---- */

static void
put_origin(GString *out, const struct cim_member *property)
{
	cimxml_put(out, " CLASSORIGIN=\"");
	xml_put_text(out, property->origin);
	cimxml_put(out, "\"");
}

static void
put_reference(GString *out, const struct cim_member *property, const struct cim_value *value,
	      gboolean origin, const char *host)
{
	cimxml_put(out, "<PROPERTY.REFERENCE NAME=\"");
	xml_put_text(out, property->name);
	cimxml_put(out, "\"");
	if (property->class_name) {
		cimxml_put(out, " REFERENCECLASS=\"");
		xml_put_text(out, property->class_name);
		cimxml_put(out, "\"");
	}
	if (origin)
		put_origin(out, property);
	cimxml_put(out, ">");
	cimxml_put_value(out, value, host);
	cimxml_put(out, "</PROPERTY.REFERENCE>");
}

static void
put_opening(GString *out, const struct cim_member *property, const struct cim_value *value,
	    gboolean origin, enum cim_type type)
{
	cimxml_put(out, " NAME=\"");
	xml_put_text(out, property->name);
	cimxml_put(out, "\" TYPE=\"");
	xml_put_text(out, cim_type_name(type));
	cimxml_put(out, "\"");
	if (origin)
		put_origin(out, property);
	if (type == CIM_STRING && (property->flags || value->is_set))
		cimxml_put_embedded(out, property, value);
	cimxml_put(out, ">");
}

/* There is no PROPERTY.REFARRAY in the DTD: arrays of references travel as texts. */
static void
put_reference_array(GString *out, const struct cim_value *value)
{
	cimxml_put(out, "<VALUE.ARRAY>");
	for (guint i = 0; i < value->count; i++) {
		cimxml_put(out, "<VALUE>");
		if (value->u.items[i].is_set)
			cimxml_put_text(out, &value->u.items[i]);
		cimxml_put(out, "</VALUE>");
	}
	cimxml_put(out, "</VALUE.ARRAY>");
}

static void
put_property(GString *out, const struct cim_member *property, const struct cim_value *value,
	     gboolean origin, const char *host)
{
	gboolean is_reference = property->type == CIM_REFERENCE;
	if (is_reference && !property->is_array) {
		put_reference(out, property, value, origin, host);
	} else if (property->is_array) {
		cimxml_put(out, "<PROPERTY.ARRAY");
		put_opening(out, property, value, origin,
			    is_reference ? CIM_STRING : property->type);
		if (is_reference && value->is_set)
			put_reference_array(out, value);
		else
			cimxml_put_value(out, value, host);
		cimxml_put(out, "</PROPERTY.ARRAY>");
	} else {
		cimxml_put(out, "<PROPERTY");
		put_opening(out, property, value, origin, property->type);
		if (value->is_set)
			put_scalar(out, value, host);
		cimxml_put(out, "</PROPERTY>");
	}
}

/* ---- which properties ---- */

static gboolean
is_deep(const struct cim_op *op)
{
	gboolean enumerates = op->kind == CIM_OP_ENUMERATE_INSTANCES ||
			      (op->kind == CIM_OP_OPEN && op->opens == CIM_OP_ENUMERATE_INSTANCES);
	return !enumerates || op->deep_inheritance || !op->class_name;
}

/* PropertyList or the query's SELECT list; without DeepInheritance only what the class that was
 * asked for has (DSP0200 5.3.2.11). */
static void
select_properties(struct cimxml_selection *selection, const struct cim_class *class,
		  const struct cim_op *op, const struct cim_schema *schema)
{
	const struct cim_property_list *list = op ? op->list : NULL;
	const struct cim_class *asked = NULL;
	if (op && !list && op->query)
		list = op->query->list;
	if (op && schema && !is_deep(op))
		asked = cim_schema_class(schema, op->ns, op->class_name);
	memset(selection, 0, sizeof *selection);
	selection->class = class;
	for (guint i = 0; i < MIN(class->property_count, CIMXML_SELECTED_MAX); i++) {
		const char *name = class->properties[i].name;
		if (cim_property_list_has(list, name) &&
		    (!asked || asked == class || cim_class_property(asked, name) >= 0))
			selection->bits[i / 64] |= G_GUINT64_CONSTANT(1) << i % 64;
	}
}

static gboolean
is_selected(const struct cimxml_selection *selection, guint i)
{
	return i >= CIMXML_SELECTED_MAX || (selection->bits[i / 64] >> i % 64 & 1);
}

void
cimxml_put_instance(GString *out, const struct cim_instance *instance, const struct cim_op *op,
		    const char *host, const struct cim_schema *schema,
		    struct cimxml_selection *selection)
{
	const struct cim_class *class = instance->class;
	gboolean origin = op && op->include_class_origin;
	if (selection->class != class)
		select_properties(selection, class, op, schema);
	cimxml_put(out, "<INSTANCE CLASSNAME=\"");
	xml_put_text(out, class->name);
	cimxml_put(out, "\">");
	for (guint i = 0; i < class->property_count; i++)
		if (is_selected(selection, i))
			put_property(out, &class->properties[i], &instance->values[i], origin,
				     host);
	cimxml_put(out, "</INSTANCE>");
}

void
cimxml_write_instance(GString *out, const struct cim_instance *instance, const struct cim_op *op)
{
	struct cimxml_selection selection = {0};
	cimxml_put_instance(out, instance, op, NULL, NULL, &selection);
}
