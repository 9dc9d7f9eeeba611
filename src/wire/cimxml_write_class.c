/* Classes and qualifier declarations in CIM-XML (DSP0201 5.2.1). */
#include "wire/cimxml_private.h"

#include <string.h>

static void
put_name(GString *out, const char *attribute, const char *name)
{
	g_string_append(out, attribute);
	g_string_append(out, name);
	cimxml_put(out, "\"");
}

static void
put_flag(GString *out, const char *attribute, gboolean yes)
{
	put_name(out, attribute, yes ? "true" : "false");
}

/* ---- qualifiers ---- */

static void
put_flavors(GString *out, const struct cim_qualifier *qualifier)
{
	put_flag(out, " OVERRIDABLE=\"", qualifier->flavors & CIM_FLAVOR_OVERRIDABLE);
	put_flag(out, " TOSUBCLASS=\"", qualifier->flavors & CIM_FLAVOR_TOSUBCLASS);
	put_flag(out, " TRANSLATABLE=\"", qualifier->flavors & CIM_FLAVOR_TRANSLATABLE);
}

static void
put_qualifier(GString *out, const struct cim_qualifier *qualifier, enum cim_language language)
{
	const char *const *text = cim_qualifier_text(qualifier, language);
	put_name(out, "<QUALIFIER NAME=\"", qualifier->name);
	put_name(out, " TYPE=\"", cim_type_name(qualifier->type));
	put_flag(out, " PROPAGATED=\"", qualifier->propagated);
	put_flavors(out, qualifier);
	cimxml_put(out, ">");
	if (text)
		cimxml_put_texts(out, text, qualifier->is_array);
	cimxml_put(out, "</QUALIFIER>");
}

/* @local: only those that the class says itself. */
static void
put_qualifiers(GString *out, const struct cim_qualifier *list, guint count, const struct cim_op *op,
	       gboolean local)
{
	for (guint i = 0; op->include_qualifiers && i < count; i++)
		if (!local || !list[i].propagated)
			put_qualifier(out, &list[i], op->language);
}

void
cimxml_put_qualifier_type(GString *out, const struct cim_qualifier *qualifier, const char *scopes,
			  enum cim_language language)
{
	static const char *const all[] = {"CLASS",  "ASSOCIATION", "REFERENCE", "PROPERTY",
					  "METHOD", "PARAMETER",   "INDICATION"};
	g_auto(GStrv) words = g_strsplit(scopes ? scopes : "any", " ", -1);
	const char *const *text = cim_qualifier_text(qualifier, language);
	put_name(out, "<QUALIFIER.DECLARATION NAME=\"", qualifier->name);
	put_name(out, " TYPE=\"", cim_type_name(qualifier->type));
	put_flag(out, " ISARRAY=\"", qualifier->is_array);
	put_flavors(out, qualifier);
	cimxml_put(out, "><SCOPE");
	for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
		gboolean in = FALSE;
		for (char **word = words; *word && !in; word++)
			in = g_ascii_strcasecmp(*word, all[i]) == 0 ||
			     g_ascii_strcasecmp(*word, "any") == 0;
		g_string_append_printf(out, " %s=\"%s\"", all[i], in ? "true" : "false");
	}
	cimxml_put(out, "></SCOPE>");
	if (text)
		cimxml_put_texts(out, text, qualifier->is_array);
	cimxml_put(out, "</QUALIFIER.DECLARATION>");
}

/* ---- members ---- */

static const char *
element_of(const struct cim_member *member, gboolean is_parameter)
{
	static const char *const names[2][4] = {
		{"PROPERTY", "PROPERTY.ARRAY", "PROPERTY.REFERENCE", "PROPERTY.ARRAY"},
		{"PARAMETER", "PARAMETER.ARRAY", "PARAMETER.REFERENCE", "PARAMETER.REFARRAY"}};
	return names[is_parameter != 0]
		    [(member->type == CIM_REFERENCE) * 2 + (member->is_array != 0)];
}

/* The type where it is said: references have a class instead; for arrays of references a property
 * has no element, they are texts. */
static void
put_type(GString *out, const struct cim_member *member, gboolean is_parameter)
{
	if (member->type != CIM_REFERENCE)
		put_name(out, " TYPE=\"", cim_type_name(member->type));
	else if (member->is_array && !is_parameter)
		put_name(out, " TYPE=\"", "string");
	else if (member->class_name)
		put_name(out, " REFERENCECLASS=\"", member->class_name);
	if (member->is_array && member->array_size)
		g_string_append_printf(out, " ARRAYSIZE=\"%u\"", member->array_size);
}

static void
put_property(GString *out, const struct cim_member *property, const struct cim_op *op)
{
	const char *element = element_of(property, FALSE);
	g_string_append_printf(out, "<%s NAME=\"%s\"", element, property->name);
	put_type(out, property, FALSE);
	if (op->include_class_origin)
		put_name(out, " CLASSORIGIN=\"", property->origin);
	put_flag(out, " PROPAGATED=\"", property->flags & CIM_MEMBER_PROPAGATED);
	cimxml_put_embedded(out, property, NULL);
	cimxml_put(out, ">");
	put_qualifiers(out, property->qualifiers, property->qualifier_count, op, FALSE);
	if (property->defaults)
		cimxml_put_texts(out, property->defaults, property->is_array);
	g_string_append_printf(out, "</%s>", element);
}

static void
put_parameter(GString *out, const struct cim_member *parameter, const struct cim_op *op)
{
	const char *element = element_of(parameter, TRUE);
	g_string_append_printf(out, "<%s NAME=\"%s\"", element, parameter->name);
	put_type(out, parameter, TRUE);
	cimxml_put(out, ">");
	put_qualifiers(out, parameter->qualifiers, parameter->qualifier_count, op, FALSE);
	g_string_append_printf(out, "</%s>", element);
}

static void
put_method(GString *out, const struct cim_method *method, const struct cim_op *op)
{
	put_name(out, "<METHOD NAME=\"", method->name);
	if (method->type != CIM_TYPE_NONE)
		put_name(out, " TYPE=\"", cim_type_name(method->type));
	if (op->include_class_origin)
		put_name(out, " CLASSORIGIN=\"", method->origin);
	put_flag(out, " PROPAGATED=\"", method->propagated);
	cimxml_put(out, ">");
	put_qualifiers(out, method->qualifiers, method->qualifier_count, op, FALSE);
	for (guint i = 0; i < method->parameter_count; i++)
		put_parameter(out, &method->parameters[i], op);
	cimxml_put(out, "</METHOD>");
}

/* ---- classes ---- */

static void
put_derivation(GString *out, const struct cim_class *class)
{
	cimxml_put(out, " DERIVATION=\"");
	for (const struct cim_class *up = class->super; up; up = up->super)
		g_string_append_printf(out, "%s%s", up == class->super ? "" : ",", up->name);
	cimxml_put(out, "\"");
}

void
cimxml_write_class(GString *out, const struct cim_class *class, const struct cim_op *op,
		   gboolean with_derivation)
{
	put_name(out, "<CLASS NAME=\"", class->name);
	if (class->super)
		put_name(out, " SUPERCLASS=\"", class->super->name);
	if (with_derivation)
		put_derivation(out, class);
	cimxml_put(out, ">");
	put_qualifiers(out, class->qualifiers, class->qualifier_count, op, op->local_only);
	for (guint i = 0; i < class->property_count; i++) {
		const struct cim_member *property = &class->properties[i];
		gboolean inherited = property->flags & CIM_MEMBER_PROPAGATED;
		if (!(op->local_only && inherited) &&
		    cim_property_list_has(op->list, property->name))
			put_property(out, property, op);
	}
	for (guint i = 0; i < class->method_count; i++)
		if (!(op->local_only && class->methods[i].propagated))
			put_method(out, &class->methods[i], op);
	cimxml_put(out, "</CLASS>");
}

void
cimxml_put_class_name(GString *out, const struct cim_class *class)
{
	put_name(out, "<CLASSNAME NAME=\"", class->name);
	cimxml_put(out, "></CLASSNAME>");
}
