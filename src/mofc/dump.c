/* The tables as text for people and for tests: one line for each class and member. */
#include "mofc/mofc.h"

#include "cim/schema.h"

static void
dump_qualifiers(const struct cim_qualifier *list, guint count, GString *text)
{
	for (guint i = 0; i < count; i++) {
		const char *const *values = list[i].text[CIM_LANG_EN];
		g_autofree char *joined = values ? g_strjoinv("|", (char **)values) : NULL;
		guint languages = 0;
		for (guint j = CIM_LANG_EN + 1; j < CIM_LANG_LAST; j++)
			languages += list[i].text[j] != NULL;
		g_string_append_printf(text, " %s%s=%s", list[i].propagated ? "^" : "",
				       list[i].name, joined ? joined : "NULL");
		if (languages)
			g_string_append_printf(text, "(+%u)", languages);
	}
	g_string_append_c(text, '\n');
}

static void
dump_flags(guint flags, GString *text)
{
	static const char *const names[] = {"key",    "write", "required", "instance",
					    "object", "in",    "out",	   "inherited"};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (flags & 1u << i)
			g_string_append_printf(text, " %s", names[i]);
}

static void
dump_member(const struct cim_member *member, const char *indent, GString *text)
{
	g_string_append_printf(text, "%s%s", indent, cim_type_name(member->type));
	if (member->class_name)
		g_string_append_printf(text, "<%s>", member->class_name);
	g_string_append_printf(text, " %s%s", member->name, member->is_array ? "[]" : "");
	if (member->defaults) {
		g_autofree char *joined = g_strjoinv("|", (char **)member->defaults);
		g_string_append_printf(text, " = %s", joined);
	}
	dump_flags(member->flags, text);
	if (member->origin)
		g_string_append_printf(text, " from %s", member->origin);
	if (member->since)
		g_string_append_printf(text, " since %u", member->since);
	if (member->unset)
		g_string_append_printf(text, " unset \"%s\"", member->unset);
	g_string_append(text, ":");
	dump_qualifiers(member->qualifiers, member->qualifier_count, text);
}

static void
dump_method(const struct cim_method *method, GString *text)
{
	g_string_append_printf(text, "\t%s %s()%s%s from %s",
			       method->type ? cim_type_name(method->type) : "void", method->name,
			       method->is_static ? " static" : "",
			       method->propagated ? " inherited" : "", method->origin);
	if (method->since)
		g_string_append_printf(text, " since %u", method->since);
	g_string_append(text, ":");
	dump_qualifiers(method->qualifiers, method->qualifier_count, text);
	for (guint i = 0; i < method->parameter_count; i++)
		dump_member(&method->parameters[i], "\t\t", text);
}

static void
dump_class(const struct cim_class *class, GString *text)
{
	static const char *const flags[] = {"abstract", "association", "indication"};
	g_string_append_printf(text, "class %s", class->name);
	if (class->super)
		g_string_append_printf(text, " : %s", class->super->name);
	for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
		if (class->flags & 1u << i)
			g_string_append_printf(text, " %s", flags[i]);
	for (guint i = 0; i < CIM_NS_LAST; i++)
		if (class->namespaces & 1u << i)
			g_string_append_printf(text, " %s",
					       cim_namespace_name((enum cim_namespace_id)i));
	if (class->since)
		g_string_append_printf(text, " since %u", class->since);
	g_string_append(text, ":");
	dump_qualifiers(class->qualifiers, class->qualifier_count, text);
	for (guint i = 0; i < class->property_count; i++)
		dump_member(&class->properties[i], "\t", text);
	for (guint i = 0; i < class->method_count; i++)
		dump_method(&class->methods[i], text);
}

void
mofc_dump(const struct cim_tables *tables, GString *text)
{
	for (guint i = 0; i < tables->class_count; i++)
		dump_class(&tables->classes[i], text);
}
