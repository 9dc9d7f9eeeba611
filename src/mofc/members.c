/* Properties, methods and parameters of one class, on top of what they override. */
#include "mofc/mofc.h"

#include "base/error.h"

#include <string.h>

static struct mofc_list
list_of(const struct cim_qualifier *qualifiers, guint count)
{
	return (struct mofc_list){.items = (struct cim_qualifier *)qualifiers, .count = count};
}

/* ---- private qualifiers ---- */

gboolean
mofc_since(const struct mof_file *file, const GPtrArray *own, guint inherited, guint *ret_since,
	   GError **error)
{
	const struct mof_qualifier *since = mofc_private(own, "Cairn_Since");
	guint64 build = inherited;
	if (since &&
	    (!since->values || !since->values[0] ||
	     !g_ascii_string_to_unsigned(since->values[0], 10, 1, G_MAXUINT32, &build, NULL)))
		return mofc_fail(error, file, since->line, "the number of a build was expected");
	*ret_since = (guint)build;
	return TRUE;
}

/* ---- what a member is ---- */

static const struct {
	const char *name;
	guint flag;
	gboolean of_parameters;
} flags[] = {
	{"Key", CIM_MEMBER_KEY, FALSE},
	{"Write", CIM_MEMBER_WRITE, FALSE},
	{"Required", CIM_MEMBER_REQUIRED, FALSE},
	{"Required", CIM_MEMBER_REQUIRED, TRUE},
	{"EmbeddedObject", CIM_MEMBER_EMBEDDED_OBJECT, FALSE},
	{"EmbeddedObject", CIM_MEMBER_EMBEDDED_OBJECT, TRUE},
	{"In", CIM_MEMBER_IN, TRUE},
	{"Out", CIM_MEMBER_OUT, TRUE},
};

static void
set_flags(const struct mofc *mofc, const struct mofc_list *list, gboolean is_parameter,
	  struct cim_member *member)
{
	const char *embedded = mofc_text(list, "EmbeddedInstance");
	if (!embedded)
		embedded = mofc_text(list, "HyperVEmbeddedInstance");
	for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
		if (flags[i].of_parameters == is_parameter &&
		    mofc_is_true(mofc, list, flags[i].name))
			member->flags |= flags[i].flag;
	if (embedded && member->type == CIM_STRING) {
		member->flags |= CIM_MEMBER_EMBEDDED_INSTANCE;
		member->class_name = embedded;
	}
	member->qualifiers = list->items;
	member->qualifier_count = list->count;
}

static gboolean
set_type(const struct mofc_context *at, const struct mof_member *own, struct cim_member *member,
	 GError **error)
{
	member->type = own->is_reference ? CIM_REFERENCE : cim_type_from_name(own->type);
	if (!own->is_reference && (member->type == CIM_TYPE_NONE || member->type == CIM_REFERENCE))
		return mofc_fail(error, at->file, own->line, "\"%s\" is no type", own->type);
	if (own->is_reference)
		member->class_name = mofc_keep_text(at->mofc, own->type);
	member->name = mofc_keep_text(at->mofc, own->name);
	member->is_array = own->is_array;
	member->array_size = own->array_size;
	return TRUE;
}

static gboolean
set_defaults(const struct mofc_context *at, const struct mof_member *own, struct cim_member *member,
	     GError **error)
{
	g_autofree char *where = g_strdup_printf("%s:%u: %s", at->file->name, own->line, own->name);
	if (!own->defaults || (!*own->defaults && !own->default_is_array)) {
		if (own->defaults)
			member->defaults = NULL;
		return TRUE;
	}
	if (own->default_is_array != member->is_array)
		return mofc_fail(error, at->file, own->line, "the default value of %s must be %s",
				 own->name, member->is_array ? "a list" : "one value");
	return mofc_values(at->mofc, where, member->type, own->defaults, &member->defaults, error);
}

/* ---- properties ---- */

static gboolean
check_override(const struct mofc_context *at, const struct mof_member *own,
	       const struct mofc_list *list, const struct cim_member *member,
	       const struct cim_member *inherited, GError **error)
{
	const char *said = mofc_text(list, "Override");
	const char *dot = said ? strrchr(said, '.') : NULL;
	if (said && (!inherited || g_ascii_strcasecmp(dot ? dot + 1 : said, own->name) != 0))
		return mofc_fail(error, at->file, own->line, "%s.%s overrides \"%s\", which %s",
				 at->class_name, own->name, said,
				 inherited ? "has another name" : "no ancestor has");
	if (inherited &&
	    (inherited->type != member->type || inherited->is_array != member->is_array))
		return mofc_fail(error, at->file, own->line,
				 "%s.%s must have the type of what it overrides: %s%s",
				 at->class_name, own->name, cim_type_name(inherited->type),
				 inherited->is_array ? "[]" : "");
	return TRUE;
}

static gboolean
set_unset(const struct mofc_context *at, const struct mof_member *own, struct cim_member *member,
	  GError **error)
{
	const struct mof_qualifier *unset = mofc_private(own->qualifiers, "Cairn_Unset");
	if (!unset)
		return TRUE;
	if (!unset->values || (*unset->values && !**unset->values))
		return mofc_fail(error, at->file, unset->line,
				 "the reason why %s is never set was expected", own->name);
	/* NULL: set after all, though the ancestor's is not. */
	member->unset = mofc_keep_text(at->mofc, *unset->values);
	return TRUE;
}

gboolean
mofc_property(const struct mofc_context *at, const struct mof_member *own,
	      const struct cim_member *inherited, struct cim_member *ret_property, GError **error)
{
	struct cim_member made = {.origin = at->class_name};
	struct mofc_list list, above = {0};
	enum mofc_scope scope = own->is_reference ? MOFC_REFERENCE : MOFC_PROPERTY;
	if (inherited) {
		above = list_of(inherited->qualifiers, inherited->qualifier_count);
		made.defaults = inherited->defaults;
		made.unset = inherited->unset;
	}
	if (!set_type(at, own, &made, error) ||
	    !mofc_qualifiers(at->mofc, at->file, own->qualifiers, scope, &above, &list, error) ||
	    !check_override(at, own, &list, &made, inherited, error) ||
	    !set_defaults(at, own, &made, error) || !set_unset(at, own, &made, error) ||
	    !mofc_since(at->file, own->qualifiers, inherited ? inherited->since : 0, &made.since,
			error))
		return FALSE;
	set_flags(at->mofc, &list, FALSE, &made);
	*ret_property = made;
	return TRUE;
}

void
mofc_inherit_property(struct mofc *mofc, const struct cim_member *inherited,
		      struct cim_member *ret_property)
{
	struct mofc_list list, above = list_of(inherited->qualifiers, inherited->qualifier_count);
	gboolean ok = mofc_qualifiers(mofc, NULL, NULL, MOFC_PROPERTY, &above, &list, NULL);
	g_assert(ok);
	*ret_property = *inherited;
	ret_property->flags |= CIM_MEMBER_PROPAGATED;
	ret_property->qualifiers = list.items;
	ret_property->qualifier_count = list.count;
}

/* ---- methods ---- */

static const struct cim_member *
find_parameter(const struct cim_method *method, const char *name)
{
	return method ? cim_method_parameter(method, name) : NULL;
}

static gboolean
make_parameter(const struct mofc_context *at, const struct mof_member *own,
	       const struct cim_member *inherited, struct cim_member *ret_parameter, GError **error)
{
	struct cim_member made = {0};
	struct mofc_list list, above = {0};
	if (inherited)
		above = list_of(inherited->qualifiers, inherited->qualifier_count);
	if (!set_type(at, own, &made, error) ||
	    !mofc_qualifiers(at->mofc, at->file, own->qualifiers, MOFC_PARAMETER, &above, &list,
			     error) ||
	    !mofc_since(at->file, own->qualifiers, inherited ? inherited->since : 0, &made.since,
			error))
		return FALSE;
	set_flags(at->mofc, &list, TRUE, &made);
	*ret_parameter = made;
	return TRUE;
}

static gboolean
make_parameters(const struct mofc_context *at, const struct mof_method *own,
		const struct cim_method *inherited, struct cim_method *method, GError **error)
{
	guint count = own->parameters->len;
	struct cim_member *made = mofc_keep(at->mofc, count * sizeof *made);
	method->parameters = made;
	for (guint i = 0; i < count; i++) {
		const struct mof_member *one = g_ptr_array_index(own->parameters, i);
		if (cim_method_parameter(method, one->name))
			return mofc_fail(error, at->file, one->line, "%s.%s has %s twice",
					 at->class_name, own->name, one->name);
		if (!make_parameter(at, one, find_parameter(inherited, one->name), &made[i], error))
			return FALSE;
		method->parameter_count++;
	}
	return TRUE;
}

gboolean
mofc_method(const struct mofc_context *at, const struct mof_method *own,
	    const struct cim_method *inherited, struct cim_method *ret_method, GError **error)
{
	struct cim_method made = {.origin = at->class_name};
	struct mofc_list list, above = {0};
	if (inherited)
		above = list_of(inherited->qualifiers, inherited->qualifier_count);
	made.name = mofc_keep_text(at->mofc, own->name);
	made.type = cim_type_from_name(own->type);
	if (made.type == CIM_REFERENCE ||
	    (made.type == CIM_TYPE_NONE && g_ascii_strcasecmp(own->type, "void") != 0))
		return mofc_fail(error, at->file, own->line, "\"%s\" is no type", own->type);
	if (!mofc_qualifiers(at->mofc, at->file, own->qualifiers, MOFC_METHOD, &above, &list,
			     error) ||
	    !make_parameters(at, own, inherited, &made, error) ||
	    !mofc_since(at->file, own->qualifiers, inherited ? inherited->since : 0, &made.since,
			error))
		return FALSE;
	if (!inherited && mofc_text(&list, "Override"))
		return mofc_fail(error, at->file, own->line, "%s.%s overrides what no ancestor has",
				 at->class_name, own->name);
	made.is_static = mofc_is_true(at->mofc, &list, "Static");
	made.qualifiers = list.items;
	made.qualifier_count = list.count;
	*ret_method = made;
	return TRUE;
}

/* A parameter of an inherited method is inherited too. */
void
mofc_inherit_method(struct mofc *mofc, const struct cim_method *inherited,
		    struct cim_method *ret_method)
{
	struct mofc_list list, above = list_of(inherited->qualifiers, inherited->qualifier_count);
	struct cim_member *parameters =
		mofc_keep(mofc, inherited->parameter_count * sizeof *parameters);
	gboolean ok = mofc_qualifiers(mofc, NULL, NULL, MOFC_METHOD, &above, &list, NULL);
	g_assert(ok);
	for (guint i = 0; i < inherited->parameter_count; i++)
		mofc_inherit_property(mofc, &inherited->parameters[i], &parameters[i]);
	*ret_method = *inherited;
	ret_method->propagated = TRUE;
	ret_method->parameters = parameters;
	ret_method->qualifiers = list.items;
	ret_method->qualifier_count = list.count;
}
