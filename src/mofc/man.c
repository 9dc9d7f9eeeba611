/* The tables as the manual page cairn-cim(7), in mdoc: each class with what it declares itself, and
 * what of its inheritance is never set. */
#include "mofc/mofc.h"

#include "cim/schema.h"

#include <string.h>

#define LINE_WIDTH 78

/* ---- words ---- */

static void
append_word(GString *text, const char *word, gsize len)
{
	for (gsize i = 0; i < len; i++)
		if (word[i] == '\\')
			g_string_append(text, "\\e");
		else
			g_string_append_c(text, word[i]);
}

/* Text in lines; none begins with what roff takes for a request, and a sentence ends its line. */
static void
append_text(GString *text, const char *words)
{
	gsize width = 0;
	while (*words) {
		gsize len = strcspn(words, " \n");
		if (width && width + 1 + len > LINE_WIDTH) {
			g_string_append_c(text, '\n');
			width = 0;
		}
		if (width) {
			g_string_append_c(text, ' ');
			width++;
		} else if (*words == '.' || *words == '\'') {
			g_string_append(text, "\\&");
		}
		append_word(text, words, len);
		width += len;
		if (len && words[len - 1] == '.' && words[len])
			width = LINE_WIDTH;
		words += len;
		words += strspn(words, " \n");
	}
	g_string_append_c(text, '\n');
}

static const char *
description(const struct cim_qualifier *list, guint count)
{
	const struct cim_qualifier *found = cim_qualifier_find(list, count, "Description");
	return found && found->text[CIM_LANG_EN] ? found->text[CIM_LANG_EN][0] : NULL;
}

static const char *const *
texts_of(const struct cim_qualifier *list, guint count, const char *name)
{
	const struct cim_qualifier *found = cim_qualifier_find(list, count, name);
	return found ? found->text[CIM_LANG_EN] : NULL;
}

static void
append_description(GString *text, const struct cim_qualifier *list, guint count)
{
	const char *said = description(list, count);
	if (said)
		append_text(text, said);
}

/* "0 Unknown, 2 OK." */
static void
append_values(GString *text, const struct cim_qualifier *list, guint count)
{
	const char *const *codes = texts_of(list, count, "ValueMap");
	const char *const *names = texts_of(list, count, "Values");
	g_autoptr(GString) line = g_string_new(NULL);
	if (!codes)
		return;
	for (guint i = 0; codes[i]; i++) {
		g_string_append_printf(line, "%s%s", i ? ", " : "Values: ", codes[i]);
		if (names && strcmp(names[i], codes[i]) != 0)
			g_string_append_printf(line, " %s", names[i]);
	}
	g_string_append_c(line, '.');
	append_text(text, line->str);
}

/* ---- members ---- */

static void
append_type(GString *text, const struct cim_member *member)
{
	static const struct {
		guint flag;
		const char *word;
	} words[] = {
		{CIM_MEMBER_KEY, "key"},	   {CIM_MEMBER_WRITE, "writable"},
		{CIM_MEMBER_REQUIRED, "required"}, {CIM_MEMBER_IN, "in"},
		{CIM_MEMBER_OUT, "out"},	   {CIM_MEMBER_EMBEDDED_OBJECT, "an instance"}};
	g_autoptr(GString) line = g_string_new("(");
	if (member->type == CIM_REFERENCE)
		g_string_append_printf(line, "path of a %s", member->class_name);
	else
		g_string_append(line, cim_type_name(member->type));
	g_string_append(line, member->is_array ? "[]" : "");
	if (member->type != CIM_REFERENCE && member->class_name)
		g_string_append_printf(line, ", an instance of %s", member->class_name);
	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (member->flags & words[i].flag)
			g_string_append_printf(line, ", %s", words[i].word);
	if (member->since)
		g_string_append_printf(line, ", from build %u on", member->since);
	g_string_append_c(line, ')');
	append_text(text, line->str);
}

static void
append_unset(GString *text, const struct cim_member *member)
{
	g_autofree char *line = g_strdup_printf("Never set: %s.", member->unset);
	append_text(text, line);
}

static void
append_member(GString *text, const struct cim_member *member)
{
	g_string_append_printf(text, ".It Va %s\n", member->name);
	append_type(text, member);
	append_description(text, member->qualifiers, member->qualifier_count);
	append_values(text, member->qualifiers, member->qualifier_count);
	if (member->unset)
		append_unset(text, member);
}

static void
append_method(GString *text, const struct cim_method *method)
{
	g_string_append_printf(text, ".It Fn %s\n", method->name);
	append_description(text, method->qualifiers, method->qualifier_count);
	append_values(text, method->qualifiers, method->qualifier_count);
	if (!method->parameter_count)
		return;
	g_string_append(text, ".Bl -tag -width Ds -compact\n");
	for (guint i = 0; i < method->parameter_count; i++)
		append_member(text, &method->parameters[i]);
	g_string_append(text, ".El\n");
}

/* ---- classes ---- */

static guint
count_own(const struct cim_class *class)
{
	guint own = 0;
	for (guint i = 0; i < class->property_count; i++)
		own += !(class->properties[i].flags & CIM_MEMBER_PROPAGATED);
	for (guint i = 0; i < class->method_count; i++)
		own += !class->methods[i].propagated;
	return own;
}

static void
append_own(GString *text, const struct cim_class *class)
{
	if (!count_own(class))
		return;
	g_string_append(text, ".Bl -tag -width Ds\n");
	for (guint i = 0; i < class->property_count; i++)
		if (!(class->properties[i].flags & CIM_MEMBER_PROPAGATED))
			append_member(text, &class->properties[i]);
	for (guint i = 0; i < class->method_count; i++)
		if (!class->methods[i].propagated)
			append_method(text, &class->methods[i]);
	g_string_append(text, ".El\n");
}

/* Not again what the superclass's list has said. */
static gboolean
newly_unset(const struct cim_class *class, guint i)
{
	const struct cim_member *member = &class->properties[i];
	return member->unset && member->flags & CIM_MEMBER_PROPAGATED &&
	       g_strcmp0(class->super->properties[i].unset, member->unset) != 0;
}

static void
append_inherited_unset(GString *text, const struct cim_class *class)
{
	gboolean begun = FALSE;
	for (guint i = 0; i < class->property_count; i++) {
		if (!newly_unset(class, i))
			continue;
		if (!begun)
			g_string_append(text, ".Pp\nOf what it inherits, these are never set:\n"
					      ".Bl -tag -width Ds -compact\n");
		begun = TRUE;
		g_string_append_printf(text, ".It Va %s\n", class->properties[i].name);
		append_text(text, class->properties[i].unset);
	}
	if (begun)
		g_string_append(text, ".El\n");
}

static void
append_head(GString *text, const struct cim_class *class)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_string_append_printf(text, ".Ss %s\n", class->name);
	append_description(text, class->qualifiers, class->qualifier_count);
	if (class->flags & CIM_CLASS_ASSOCIATION)
		g_string_append(line, "An association. ");
	if (class->flags & CIM_CLASS_INDICATION)
		g_string_append(line, "An indication. ");
	if (class->super)
		g_string_append_printf(line, "Inherits from %s. ", class->super->name);
	if (class->since)
		g_string_append_printf(line, "There from build %u on. ", class->since);
	g_string_append(line, "In ");
	const char *between = "";
	for (guint i = 0; i < CIM_NS_LAST; i++)
		if (class->namespaces & 1u << i) {
			g_string_append_printf(line, "%s%s", between,
					       cim_namespace_name((enum cim_namespace_id)i));
			between = ", ";
		}
	g_string_append_c(line, '.');
	append_text(text, line->str);
}

static void
append_classes(GString *text, const struct cim_tables *tables, gboolean is_abstract)
{
	for (guint i = 0; i < tables->class_count; i++) {
		const struct cim_class *class = &tables->classes[i];
		if (((class->flags & CIM_CLASS_ABSTRACT) != 0) != is_abstract)
			continue;
		append_head(text, class);
		append_own(text, class);
		append_inherited_unset(text, class);
	}
}

void
mofc_man(const struct cim_tables *tables, GString *text)
{
	g_string_append(
		text,
		".\\\" Made by mofc from schema/: do not edit.\n"
		".Dd November 28, 2026\n.Dt CAIRN-CIM 7\n.Os\n.Sh NAME\n.Nm cairn-cim\n"
		".Nd the management classes that cairn shows\n.Sh DESCRIPTION\n"
		"These are the classes of\n.Xr cairn-cimd 8 ,\n"
		"with what each property means here.\n"
		"Names, types and values are those of Hyper-V's management classes and of the\n"
		"common information model; a property that is not set reads NULL.\n"
		"A class has all that its ancestors have; it is described where it is declared.\n"
		"Text after\n.Dq Values:\n"
		"gives each number with its name; ranges are written with two points.\n"
		".Sh CLASSES\n");
	append_classes(text, tables, FALSE);
	g_string_append(text, ".Sh ANCESTORS\nNo object is of one of these classes alone.\n");
	append_classes(text, tables, TRUE);
	g_string_append(text, ".Sh SEE ALSO\n.Xr cairn 1 ,\n.Xr cairn-job 7 ,\n.Xr cairn-cimd 8 "
			      ",\n.Xr cairnd 8\n");
}
