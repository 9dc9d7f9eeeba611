/* Classes of the schema: each with all that it has from its ancestors. */
#include "mofc/mofc.h"

#include "base/error.h"
#include "cim/schema.h"

#include <string.h>

#define MEMBERS_MAX 512 /* properties, or methods, of one class with its ancestors' */

static struct cim_class *
find_class(const struct mofc *mofc, const char *name)
{
	g_autofree char *key = g_ascii_strdown(name, -1);
	return g_hash_table_lookup(mofc->classes, key);
}

/* ---- the class itself ---- */

static gboolean
set_namespaces(struct mofc *mofc, const struct mof_file *file, const struct mof_class *own,
	       struct cim_class *class, GError **error)
{
	const struct mof_qualifier *said = mofc_private(own->qualifiers, "Cairn_Namespaces");
	class->namespaces = said ? 0 : 1u << CIM_NS_VIRTUALIZATION | 1u << CIM_NS_CLUSTER;
	for (char **name = said ? said->values : NULL; name && *name; name++) {
		enum cim_namespace_id id = cim_namespace_find(*name, NULL);
		if (id == CIM_NS_LAST)
			return mofc_fail(error, file, said->line, "\"%s\" is no namespace of ours",
					 *name);
		class->namespaces |= 1u << id;
	}
	if (class->super && class->namespaces & ~class->super->namespaces)
		return mofc_fail(error, file, own->line,
				 "%s is in a namespace in which its superclass %s is not",
				 own->name, own->super);
	return TRUE;
}

static gboolean
has_qualifier(const struct mof_class *own, const char *name)
{
	return mofc_private(own->qualifiers, name) != NULL;
}

static enum mofc_scope
scope_of(const struct mof_class *own, const struct cim_class *super)
{
	guint flags = super ? super->flags : 0;
	if (flags & CIM_CLASS_ASSOCIATION || has_qualifier(own, "Association"))
		return MOFC_ASSOCIATION;
	if (flags & CIM_CLASS_INDICATION || has_qualifier(own, "Indication"))
		return MOFC_INDICATION;
	return MOFC_CLASS;
}

static gboolean
set_qualifiers(struct mofc *mofc, const struct mof_file *file, const struct mof_class *own,
	       struct cim_class *class, GError **error)
{
	const struct cim_class *super = class->super;
	struct mofc_list list, above = {0};
	if (super)
		above = (struct mofc_list){.items = (struct cim_qualifier *)super->qualifiers,
					   .count = super->qualifier_count};
	if (!mofc_qualifiers(mofc, file, own->qualifiers, scope_of(own, super), &above, &list,
			     error))
		return FALSE;
	class->qualifiers = list.items;
	class->qualifier_count = list.count;
	class->flags |= mofc_is_true(mofc, &list, "Abstract") ? CIM_CLASS_ABSTRACT : 0;
	class->flags |= mofc_is_true(mofc, &list, "Association") ? CIM_CLASS_ASSOCIATION : 0;
	class->flags |= mofc_is_true(mofc, &list, "Indication") ? CIM_CLASS_INDICATION : 0;
	return mofc_since(file, own->qualifiers, super ? super->since : 0, &class->since, error);
}

/* ---- members ---- */

static gboolean
no_room(const struct mofc_context *at, guint line, GError **error)
{
	return mofc_fail(error, at->file, line, "%s has more than %d members", at->class_name,
			 MEMBERS_MAX);
}

static gboolean
add_property(const struct mofc_context *at, const struct mof_member *own, struct cim_class *class,
	     struct cim_member *properties, GError **error)
{
	int place = cim_class_property(class, own->name);
	const struct cim_member *inherited = NULL;
	if (place < 0 && class->property_count == MEMBERS_MAX)
		return no_room(at, own->line, error);
	if (place >= 0) {
		inherited = &properties[place];
		if (inherited->origin == at->class_name)
			return mofc_fail(error, at->file, own->line, "%s.%s is there twice",
					 at->class_name, own->name);
		/* the ancestor's own list, in which nothing that is restricted has gone yet */
		inherited = &class->super->properties[place];
	} else {
		place = (int)class->property_count;
	}
	if (!mofc_property(at, own, inherited, &properties[place], error))
		return FALSE;
	class->property_count = MAX(class->property_count, (guint)place + 1);
	return TRUE;
}

static gboolean
add_properties(const struct mofc_context *at, const struct mof_class *own, struct cim_class *class,
	       GError **error)
{
	guint above = class->super ? class->super->property_count : 0;
	struct cim_member *properties =
		mofc_keep(at->mofc, (above + own->properties->len) * sizeof *properties);
	for (guint i = 0; i < above; i++)
		mofc_inherit_property(at->mofc, &class->super->properties[i], &properties[i]);
	class->properties = properties;
	class->property_count = above;
	for (guint i = 0; i < own->properties->len; i++)
		if (!add_property(at, g_ptr_array_index(own->properties, i), class, properties,
				  error))
			return FALSE;
	return TRUE;
}

static gboolean
add_method(const struct mofc_context *at, const struct mof_method *own, struct cim_class *class,
	   struct cim_method *methods, GError **error)
{
	const struct cim_method *found = cim_class_method(class, own->name), *inherited = NULL;
	guint place = class->method_count;
	if (!found && class->method_count == MEMBERS_MAX)
		return no_room(at, own->line, error);
	if (found) {
		if (found->origin == at->class_name)
			return mofc_fail(error, at->file, own->line, "%s.%s is there twice",
					 at->class_name, own->name);
		place = (guint)(found - methods);
		inherited = &class->super->methods[place];
	}
	if (!mofc_method(at, own, inherited, &methods[place], error))
		return FALSE;
	class->method_count = MAX(class->method_count, place + 1);
	return TRUE;
}

static gboolean
add_methods(const struct mofc_context *at, const struct mof_class *own, struct cim_class *class,
	    GError **error)
{
	guint above = class->super ? class->super->method_count : 0;
	struct cim_method *methods =
		mofc_keep(at->mofc, (above + own->methods->len) * sizeof *methods);
	for (guint i = 0; i < above; i++)
		mofc_inherit_method(at->mofc, &class->super->methods[i], &methods[i]);
	class->methods = methods;
	class->method_count = above;
	for (guint i = 0; i < own->methods->len; i++)
		if (!add_method(at, g_ptr_array_index(own->methods, i), class, methods, error))
			return FALSE;
	return TRUE;
}

static void
set_keys(struct mofc *mofc, struct cim_class *class)
{
	guint *keys = mofc_keep(mofc, class->property_count * sizeof *keys);
	for (guint i = 0; i < class->property_count; i++)
		if (class->properties[i].flags & CIM_MEMBER_KEY)
			keys[class->key_count++] = i;
	class->keys = keys;
}

/* Cairn_Unset_Properties{"Name: reason", ...} */
static gboolean
set_unset(const struct mofc_context *at, const struct mof_class *own, struct cim_class *class,
	  GError **error)
{
	const struct mof_qualifier *said = mofc_private(own->qualifiers, "Cairn_Unset_Properties");
	for (char **one = said ? said->values : NULL; one && *one; one++) {
		const char *colon = strstr(*one, ": ");
		g_autofree char *name = g_strndup(*one, colon ? (gsize)(colon - *one) : 0);
		int place = colon ? cim_class_property(class, name) : -1;
		if (!colon || !colon[2])
			return mofc_fail(error, at->file, said->line,
					 "\"NAME: REASON\" was expected, found \"%s\"", *one);
		if (place < 0)
			return mofc_fail(error, at->file, said->line, "%s has no property \"%s\"",
					 own->name, name);
		((struct cim_member *)&class->properties[place])->unset =
			mofc_keep_text(at->mofc, colon + 2);
	}
	return TRUE;
}

/* ---- all classes ---- */

static gboolean
add_class(struct mofc *mofc, const struct mof_file *file, const struct mof_class *own,
	  struct cim_class *class, GError **error)
{
	g_autofree char *key = g_ascii_strdown(own->name, -1);
	struct mofc_context at = {.mofc = mofc, .file = file};
	at.class_name = class->name = mofc_keep_text(mofc, own->name);
	if (g_hash_table_contains(mofc->classes, key))
		return mofc_fail(error, file, own->line, "the class %s is there twice", own->name);
	class->super = own->super ? find_class(mofc, own->super) : NULL;
	if (own->super && !class->super)
		return mofc_fail(error, file, own->line,
				 "%s: its superclass %s must come before it", own->name,
				 own->super);
	if (!set_namespaces(mofc, file, own, class, error) ||
	    !set_qualifiers(mofc, file, own, class, error) ||
	    !add_properties(&at, own, class, error) || !add_methods(&at, own, class, error) ||
	    !set_unset(&at, own, class, error))
		return FALSE;
	set_keys(mofc, class);
	g_hash_table_insert(mofc->classes, g_steal_pointer(&key), class);
	return TRUE;
}

static gboolean
check_reference(const struct mofc *mofc, const struct mof_file *file, const struct mof_class *own,
		const struct cim_member *member, GError **error)
{
	/* what a string carries may be of a class that cairn does not have: it is never made */
	if (member->type == CIM_REFERENCE && !find_class(mofc, member->class_name))
		return mofc_fail(error, file, own->line,
				 "%s: \"%s\" names a class \"%s\" that is not there", own->name,
				 member->name, member->class_name);
	return TRUE;
}

/* Classes that members name may come later; so this is asked last. */
static gboolean
check_class(const struct mofc *mofc, const struct mof_file *file, const struct mof_class *own,
	    GError **error)
{
	const struct cim_class *class = find_class(mofc, own->name);
	for (guint i = 0; i < class->property_count; i++)
		if (!check_reference(mofc, file, own, &class->properties[i], error))
			return FALSE;
	for (guint i = 0; i < class->method_count; i++)
		for (guint j = 0; j < class->methods[i].parameter_count; j++)
			if (!check_reference(mofc, file, own, &class->methods[i].parameters[j],
					     error))
				return FALSE;
	return TRUE;
}

static gboolean
resolve_classes(struct mofc *mofc, struct cim_tables *tables, GError **error)
{
	struct cim_class *classes;
	guint count = 0;
	for (guint i = 0; i < mofc->files->len; i++)
		count += ((struct mof_file *)g_ptr_array_index(mofc->files, i))->classes->len;
	classes = mofc_keep(mofc, count * sizeof *classes);
	tables->classes = classes;
	for (guint i = 0; i < mofc->files->len; i++) {
		const struct mof_file *file = g_ptr_array_index(mofc->files, i);
		for (guint j = 0; j < file->classes->len; j++) {
			struct cim_class *class = &classes[tables->class_count];
			class->index = tables->class_count++;
			if (!add_class(mofc, file, g_ptr_array_index(file->classes, j), class,
				       error))
				return FALSE;
		}
	}
	for (guint i = 0; i < mofc->files->len; i++) {
		const struct mof_file *file = g_ptr_array_index(mofc->files, i);
		for (guint j = 0; j < file->classes->len; j++)
			if (!check_class(mofc, file, g_ptr_array_index(file->classes, j), error))
				return FALSE;
	}
	return TRUE;
}

/* ---- declarations of qualifiers ---- */

static gboolean
declare_all(struct mofc *mofc, struct cim_tables *tables, GError **error)
{
	g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct cim_qualifier));
	g_autoptr(GPtrArray) scopes = g_ptr_array_new();
	for (guint i = 0; i < mofc->files->len; i++) {
		const struct mof_file *file = g_ptr_array_index(mofc->files, i);
		for (guint j = 0; j < file->qualifier_types->len; j++) {
			const struct mof_qualifier_type *type =
				g_ptr_array_index(file->qualifier_types, j);
			g_autofree char *key = g_ascii_strdown(type->name, -1);
			if (!mofc_declare(mofc, file, type, error))
				return FALSE;
			const struct mofc_declared *declared =
				g_hash_table_lookup(mofc->declared, key);
			if (g_str_has_prefix(key, "cairn_"))
				continue;
			g_array_append_val(list, declared->qualifier);
			g_ptr_array_add(scopes, (gpointer)declared->scope_text);
		}
	}
	tables->qualifier_count = list->len;
	gsize size = list->len * sizeof(struct cim_qualifier);
	tables->qualifiers = memcpy(mofc_keep(mofc, size), list->data, size);
	size = list->len * sizeof(char *);
	tables->scopes = memcpy(mofc_keep(mofc, size + 1), scopes->pdata, size);
	return TRUE;
}

gboolean
mofc_resolve(struct mofc *mofc, struct cim_tables *ret_tables, GError **error)
{
	struct cim_tables tables = {0};
	if (!declare_all(mofc, &tables, error) || !mofc_translate(mofc, error) ||
	    !resolve_classes(mofc, &tables, error))
		return FALSE;
	*ret_tables = tables;
	return TRUE;
}
