/* Qualifiers of the schema: their declarations, and how those of an ancestor and one's own make one
 * list (DSP0004 5.6.3). */
#include "mofc/mofc.h"

#include "base/error.h"

#include <string.h>

static const char *const scope_names[MOFC_SCOPE_LAST] = {
	[MOFC_CLASS] = "class",		  [MOFC_ASSOCIATION] = "association",
	[MOFC_INDICATION] = "indication", [MOFC_PROPERTY] = "property",
	[MOFC_REFERENCE] = "reference",	  [MOFC_METHOD] = "method",
	[MOFC_PARAMETER] = "parameter",
};

static gboolean
is_private(const char *name)
{
	return g_ascii_strncasecmp(name, "Cairn_", 6) == 0;
}

/* ---- values ---- */

/* One spelling for all: numbers decimal, TRUE and FALSE. */
static const char *
one_value(struct mofc *mofc, enum cim_type type, const char *text, GError **error)
{
	struct cim_value value;
	g_autoptr(GString) printed = g_string_new(NULL);
	if (!cim_value_parse(type, text, &value, error))
		return NULL;
	cim_value_print(&value, printed);
	cim_value_clear(&value);
	return mofc_keep_text(mofc, printed->str);
}

gboolean
mofc_values(struct mofc *mofc, const char *where, enum cim_type type, char *const *texts,
	    const char *const **ret_values, GError **error)
{
	guint count = g_strv_length((char **)texts);
	const char **values = mofc_keep(mofc, (count + 1) * sizeof *values);
	for (guint i = 0; i < count; i++) {
		values[i] = one_value(mofc, type, texts[i], error);
		if (!values[i]) {
			g_prefix_error(error, "%s: ", where);
			return FALSE;
		}
	}
	*ret_values = values;
	return TRUE;
}

/* ---- declarations ---- */

static gboolean
read_scopes(const struct mof_file *file, const struct mof_qualifier_type *type,
	    struct mofc_declared *declared, GString *text, GError **error)
{
	for (char **word = type->scopes; *word; word++) {
		guint found = MOFC_SCOPE_LAST;
		gboolean any = g_ascii_strcasecmp(*word, "any") == 0;
		for (guint i = 0; i < MOFC_SCOPE_LAST; i++)
			if (any || g_ascii_strcasecmp(*word, scope_names[i]) == 0) {
				declared->scopes |= 1u << i;
				found = i;
			}
		if (found == MOFC_SCOPE_LAST)
			return mofc_fail(error, file, type->line, "\"%s\" is no scope", *word);
	}
	for (guint i = 0; i < MOFC_SCOPE_LAST; i++)
		if (declared->scopes & 1u << i)
			g_string_append_printf(text, "%s%s", text->len ? " " : "", scope_names[i]);
	return TRUE;
}

gboolean
mofc_declare(struct mofc *mofc, const struct mof_file *file, const struct mof_qualifier_type *type,
	     GError **error)
{
	struct mofc_declared *declared = mofc_keep(mofc, sizeof *declared);
	struct cim_qualifier *qualifier = &declared->qualifier;
	g_autoptr(GString) scopes = g_string_new(NULL);
	g_autofree char *where = g_strdup_printf("%s:%u", file->name, type->line);
	g_autofree char *key = g_ascii_strdown(type->name, -1);
	qualifier->name = mofc_keep_text(mofc, type->name);
	qualifier->type = cim_type_from_name(type->type);
	qualifier->is_array = type->is_array;
	qualifier->flavors = type->flavors;
	if (qualifier->type == CIM_TYPE_NONE || qualifier->type == CIM_REFERENCE)
		return mofc_fail(error, file, type->line, "\"%s\" is no type of a qualifier",
				 type->type);
	if (g_hash_table_contains(mofc->declared, key))
		return mofc_fail(error, file, type->line, "the qualifier \"%s\" is there twice",
				 type->name);
	if (!read_scopes(file, type, declared, scopes, error))
		return FALSE;
	declared->scope_text = mofc_keep_text(mofc, scopes->str);
	if (type->defaults && (*type->defaults || type->is_array) &&
	    !mofc_values(mofc, where, qualifier->type, type->defaults,
			 &qualifier->text[CIM_LANG_EN], error))
		return FALSE;
	g_hash_table_insert(mofc->declared, g_steal_pointer(&key), declared);
	return TRUE;
}

static const struct mofc_declared *
find_declared(const struct mofc *mofc, const char *name)
{
	g_autofree char *key = g_ascii_strdown(name, -1);
	return g_hash_table_lookup(mofc->declared, key);
}

/* ---- one's own ---- */

static gboolean
check_shape(const struct mof_file *file, const struct mof_qualifier *own,
	    const struct cim_qualifier *made, GError **error)
{
	if (own->values && *own->values && own->is_array != made->is_array)
		return mofc_fail(error, file, own->line, "%s takes %s", own->name,
				 made->is_array ? "a list in braces" : "one value in brackets");
	if (!own->values && made->type != CIM_BOOLEAN && !made->text[CIM_LANG_EN])
		return mofc_fail(error, file, own->line, "a value of %s was expected", own->name);
	return TRUE;
}

static gboolean
set_texts(struct mofc *mofc, const char *where, const struct mof_qualifier *own,
	  struct cim_qualifier *made, GError **error)
{
	static const char *const yes[] = {"TRUE", NULL};
	char ***translated = g_hash_table_lookup(mofc->translated, own);
	if (!own->values && made->type == CIM_BOOLEAN)
		made->text[CIM_LANG_EN] = yes;
	else if (own->values && !*own->values && !own->is_array)
		made->text[CIM_LANG_EN] = NULL;
	else if (own->values && !mofc_values(mofc, where, made->type, own->values,
					     &made->text[CIM_LANG_EN], error))
		return FALSE;
	for (guint i = CIM_LANG_EN + 1; translated && i < CIM_LANG_LAST; i++)
		if (translated[i] &&
		    !mofc_values(mofc, where, made->type, translated[i], &made->text[i], error))
			return FALSE;
	return TRUE;
}

static gboolean
make_own(struct mofc *mofc, const struct mof_file *file, const struct mof_qualifier *own,
	 enum mofc_scope scope, struct cim_qualifier *ret_made, GError **error)
{
	const struct mofc_declared *declared = find_declared(mofc, own->name);
	g_autofree char *where = g_strdup_printf("%s:%u: %s", file->name, own->line, own->name);
	if (!declared)
		return mofc_fail(error, file, own->line, "no qualifier \"%s\" is declared",
				 own->name);
	if (!(declared->scopes & 1u << scope))
		return mofc_fail(error, file, own->line, "%s has no place at a %s", own->name,
				 scope_names[scope]);
	*ret_made = declared->qualifier;
	ret_made->flavors = (ret_made->flavors & ~own->flavors_set) | own->flavors;
	return check_shape(file, own, ret_made, error) &&
	       set_texts(mofc, where, own, ret_made, error);
}

/* ---- lists ---- */

static gboolean
same_text(const char *const *a, const char *const *b)
{
	return a == b || (a && b && g_strv_equal(a, b));
}

/* Puts @made in the place of an inherited one of its name, or at the end. */
static gboolean
merge(const struct mof_file *file, const struct mof_qualifier *own,
      const struct cim_qualifier *made, struct mofc_list *list, GError **error)
{
	for (guint i = 0; i < list->count; i++) {
		struct cim_qualifier *there = &list->items[i];
		if (g_ascii_strcasecmp(there->name, made->name) != 0)
			continue;
		if (!there->propagated)
			return mofc_fail(error, file, own->line, "%s is there twice", own->name);
		if (!(there->flavors & CIM_FLAVOR_OVERRIDABLE) &&
		    !same_text(there->text[CIM_LANG_EN], made->text[CIM_LANG_EN]))
			return mofc_fail(error, file, own->line,
					 "%s cannot be changed: an ancestor says \"%s\"", own->name,
					 there->text[CIM_LANG_EN] ? there->text[CIM_LANG_EN][0]
								  : "NULL");
		*there = *made;
		return TRUE;
	}
	list->items[list->count++] = *made;
	return TRUE;
}

static guint
length(const struct mofc_list *list, const char *name)
{
	const struct cim_qualifier *found = cim_qualifier_find(list->items, list->count, name);
	const char *const *text = found ? found->text[CIM_LANG_EN] : NULL;
	return text ? g_strv_length((char **)text) : 0;
}

gboolean
mofc_qualifiers(struct mofc *mofc, const struct mof_file *file, const GPtrArray *own,
		enum mofc_scope scope, const struct mofc_list *inherited,
		struct mofc_list *ret_list, GError **error)
{
	guint room = (inherited ? inherited->count : 0) + (own ? own->len : 0);
	struct mofc_list list = {.items = mofc_keep(mofc, room * sizeof *list.items)};
	for (guint i = 0; inherited && i < inherited->count; i++)
		if (inherited->items[i].flavors & CIM_FLAVOR_TOSUBCLASS) {
			list.items[list.count] = inherited->items[i];
			list.items[list.count++].propagated = TRUE;
		}
	for (guint i = 0; own && i < own->len; i++) {
		const struct mof_qualifier *one = g_ptr_array_index(own, i);
		struct cim_qualifier made;
		if (!make_own(mofc, file, one, scope, &made, error) ||
		    (!is_private(one->name) && !merge(file, one, &made, &list, error)))
			return FALSE;
	}
	guint names = length(&list, "Values"), codes = length(&list, "ValueMap");
	if (names && codes && names != codes)
		return mofc_fail(error, file,
				 ((struct mof_qualifier *)g_ptr_array_index(own, 0))->line,
				 "ValueMap has %u elements, Values %u", codes, names);
	*ret_list = list;
	return TRUE;
}

gboolean
mofc_is_true(const struct mofc *mofc, const struct mofc_list *list, const char *name)
{
	const struct cim_qualifier *found = cim_qualifier_find(list->items, list->count, name);
	const struct mofc_declared *declared = found ? NULL : find_declared(mofc, name);
	const char *const *text = found	     ? found->text[CIM_LANG_EN]
				  : declared ? declared->qualifier.text[CIM_LANG_EN]
					     : NULL;
	return text && text[0] && strcmp(text[0], "TRUE") == 0;
}

const char *
mofc_text(const struct mofc_list *list, const char *name)
{
	const struct cim_qualifier *found = cim_qualifier_find(list->items, list->count, name);
	return found && found->text[CIM_LANG_EN] ? found->text[CIM_LANG_EN][0] : NULL;
}

const struct mof_qualifier *
mofc_private(const GPtrArray *own, const char *name)
{
	for (guint i = 0; i < own->len; i++) {
		const struct mof_qualifier *qualifier = g_ptr_array_index(own, i);
		if (g_ascii_strcasecmp(qualifier->name, name) == 0)
			return qualifier;
	}
	return NULL;
}
