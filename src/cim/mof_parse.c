/* MOF's grammar (DSP0004 Annex A) and WMI's spelling of it: declarations to structs, nothing
 * resolved. Instances are mof_instance.c's. */
#include "cim/mof.h"

#include "base/error.h"
#include "cim/mof_lex.h"

static void
free_qualifier(gpointer data)
{
	struct mof_qualifier *qualifier = data;
	g_free(qualifier->name);
	g_strfreev(qualifier->values);
	g_free(qualifier);
}

static void
free_member(gpointer data)
{
	struct mof_member *member = data;
	g_free(member->name);
	g_free(member->type);
	g_strfreev(member->defaults);
	g_clear_pointer(&member->qualifiers, g_ptr_array_unref);
	g_free(member);
}

static void
free_method(gpointer data)
{
	struct mof_method *method = data;
	g_free(method->name);
	g_free(method->type);
	g_clear_pointer(&method->parameters, g_ptr_array_unref);
	g_clear_pointer(&method->qualifiers, g_ptr_array_unref);
	g_free(method);
}

static void
free_class(gpointer data)
{
	struct mof_class *class = data;
	g_free(class->name);
	g_free(class->super);
	g_clear_pointer(&class->qualifiers, g_ptr_array_unref);
	g_clear_pointer(&class->properties, g_ptr_array_unref);
	g_clear_pointer(&class->methods, g_ptr_array_unref);
	g_free(class);
}

static void
free_qualifier_type(gpointer data)
{
	struct mof_qualifier_type *type = data;
	g_free(type->name);
	g_free(type->type);
	g_strfreev(type->defaults);
	g_strfreev(type->scopes);
	g_free(type);
}

void
mof_file_free(struct mof_file *file)
{
	if (!file)
		return;
	g_free(file->name);
	g_ptr_array_unref(file->qualifier_types);
	g_ptr_array_unref(file->classes);
	g_strfreev(file->includes);
	g_free(file->locale);
	g_free(file);
}

/* ---- values ---- */

/* Texts of what stands at @lex; a NULL is a list without elements. */
static gboolean
parse_values(struct mof_lexer *lex, char ***ret_values, gboolean *ret_is_array, GError **error)
{
	struct mof_constants constants;
	guint line = lex->line;
	if (!mof_lex_constants(lex, &constants, error))
		return FALSE;
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	gboolean has_null = FALSE;
	for (guint i = 0; i < constants.items->len; i++) {
		struct mof_constant *item = &g_array_index(constants.items, struct mof_constant, i);
		if (item->kind == MOF_NAME && *item->text == 'N')
			has_null = TRUE;
		else
			g_ptr_array_add(texts, g_steal_pointer(&item->text));
	}
	gboolean is_array = constants.is_array;
	mof_constants_clear(&constants);
	if (has_null && is_array)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "%s:%u: NULL has no place in a list here", lex->name, line);
	g_ptr_array_add(texts, NULL);
	*ret_values = (char **)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
	*ret_is_array = is_array;
	return TRUE;
}

/* "[3]" or "[]", if there. */
static gboolean
parse_array(struct mof_lexer *lex, gboolean *ret_is_array, guint *ret_size, GError **error)
{
	guint64 size = 0;
	if (!mof_lex_maybe(lex, '[', ret_is_array, error))
		return FALSE;
	if (!*ret_is_array)
		return TRUE;
	if (lex->kind == MOF_NUMBER) {
		if (!g_ascii_string_to_unsigned(lex->text->str, 10, 1, CIM_ARRAY_MAX, &size, NULL))
			return mof_lex_wanted(lex, "a size of an array", error);
		if (!mof_lex_next(lex, error))
			return FALSE;
	}
	*ret_size = (guint)size;
	return mof_lex_expect(lex, ']', error);
}

/* ---- qualifiers ---- */

static const struct flavor {
	const char *name;
	guint bit, value;
} flavors[] = {
	{"EnableOverride", CIM_FLAVOR_OVERRIDABLE, CIM_FLAVOR_OVERRIDABLE},
	{"DisableOverride", CIM_FLAVOR_OVERRIDABLE, 0},
	{"ToSubclass", CIM_FLAVOR_TOSUBCLASS, CIM_FLAVOR_TOSUBCLASS},
	{"Restricted", CIM_FLAVOR_TOSUBCLASS, 0},
	{"Translatable", CIM_FLAVOR_TRANSLATABLE, CIM_FLAVOR_TRANSLATABLE},
	{"Amended", CIM_FLAVOR_TRANSLATABLE, CIM_FLAVOR_TRANSLATABLE}, /* WMI's word for it */
	{"ToInstance", 0, 0}, /* WMI's; qualifiers of instances are deprecated everywhere */
	{"NotToInstance", 0, 0},
};

static gboolean
parse_flavor(struct mof_lexer *lex, guint *flags, guint *set, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(flavors); i++)
		if (mof_lex_is_word(lex, flavors[i].name)) {
			*flags = (*flags & ~flavors[i].bit) | flavors[i].value;
			*set |= flavors[i].bit;
			return mof_lex_next(lex, error);
		}
	return mof_lex_wanted(lex, "a flavour", error);
}

static gboolean
parse_qualifier_value(struct mof_lexer *lex, struct mof_qualifier *qualifier, GError **error)
{
	gboolean bracket, colon;
	if (!mof_lex_maybe(lex, '(', &bracket, error))
		return FALSE;
	if (bracket || mof_lex_is(lex, '{')) {
		if (!parse_values(lex, &qualifier->values, &qualifier->is_array, error))
			return FALSE;
		if (bracket && !mof_lex_expect(lex, ')', error))
			return FALSE;
	}
	if (!mof_lex_maybe(lex, ':', &colon, error))
		return FALSE;
	if (!colon)
		return TRUE;
	do {
		if (!parse_flavor(lex, &qualifier->flavors, &qualifier->flavors_set, error))
			return FALSE;
	} while (lex->kind == MOF_NAME);
	return TRUE;
}

/* "[A, B(1) : ToSubclass, C{"x"}]", if there; adds to @list. */
static gboolean
parse_qualifiers(struct mof_lexer *lex, GPtrArray *list, GError **error)
{
	gboolean more;
	if (!mof_lex_maybe(lex, '[', &more, error))
		return FALSE;
	if (!more)
		return TRUE;
	do {
		struct mof_qualifier *qualifier = g_new0(struct mof_qualifier, 1);
		g_ptr_array_add(list, qualifier);
		qualifier->line = lex->line;
		qualifier->name = mof_lex_name(lex, "a qualifier", error);
		if (!qualifier->name || !parse_qualifier_value(lex, qualifier, error) ||
		    !mof_lex_maybe(lex, ',', &more, error))
			return FALSE;
	} while (more);
	return mof_lex_expect(lex, ']', error);
}

/* "(a, b)" as names; the words are checked by who uses them. */
static char **
parse_words(struct mof_lexer *lex, const char *what, GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	gboolean more;
	if (!mof_lex_expect(lex, '(', error))
		return NULL;
	do {
		char *word = mof_lex_name(lex, what, error);
		if (!word)
			return NULL;
		g_ptr_array_add(words, word);
		if (!mof_lex_maybe(lex, ',', &more, error))
			return NULL;
	} while (more);
	if (!mof_lex_expect(lex, ')', error))
		return NULL;
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

static gboolean
parse_type_flavors(struct mof_lexer *lex, struct mof_qualifier_type *type, GError **error)
{
	gboolean more;
	guint set = 0;
	if (!mof_lex_expect(lex, '(', error))
		return FALSE;
	do {
		if (!parse_flavor(lex, &type->flavors, &set, error) ||
		    !mof_lex_maybe(lex, ',', &more, error))
			return FALSE;
	} while (more);
	return mof_lex_expect(lex, ')', error);
}

/* ", Scope(...), Flavor(...)" up to the ';'. */
static gboolean
parse_type_rest(struct mof_lexer *lex, struct mof_qualifier_type *type, GError **error)
{
	gboolean more;
	for (;;) {
		if (!mof_lex_maybe(lex, ',', &more, error))
			return FALSE;
		if (!more)
			break;
		if (mof_lex_is_word(lex, "Scope") && !type->scopes) {
			if (!mof_lex_next(lex, error))
				return FALSE;
			type->scopes = parse_words(lex, "a scope", error);
			if (!type->scopes)
				return FALSE;
		} else if (!mof_lex_is_word(lex, "Flavor")) {
			return mof_lex_wanted(lex, "Scope or Flavor", error);
		} else if (!mof_lex_next(lex, error) || !parse_type_flavors(lex, type, error)) {
			return FALSE;
		}
	}
	if (!type->scopes)
		return mof_lex_wanted(lex, "Scope(...)", error);
	return mof_lex_expect(lex, ';', error);
}

/* After "Qualifier". */
static gboolean
parse_qualifier_type(struct mof_lexer *lex, struct mof_file *file, GError **error)
{
	struct mof_qualifier_type *type = g_new0(struct mof_qualifier_type, 1);
	gboolean has_default, default_is_array;
	guint size;
	g_ptr_array_add(file->qualifier_types, type);
	type->line = lex->line;
	type->flavors = CIM_FLAVOR_OVERRIDABLE | CIM_FLAVOR_TOSUBCLASS; /* DSP0004 5.6.2 */
	type->name = mof_lex_name(lex, "the name of a qualifier", error);
	if (!type->name || !mof_lex_expect(lex, ':', error))
		return FALSE;
	type->type = mof_lex_name(lex, "a type", error);
	if (!type->type || !parse_array(lex, &type->is_array, &size, error) ||
	    !mof_lex_maybe(lex, '=', &has_default, error))
		return FALSE;
	if (has_default && !parse_values(lex, &type->defaults, &default_is_array, error))
		return FALSE;
	return parse_type_rest(lex, type, error);
}

/* ---- classes ---- */

static struct mof_member *
new_member(struct mof_lexer *lex)
{
	struct mof_member *member = g_new0(struct mof_member, 1);
	member->qualifiers = g_ptr_array_new_with_free_func(free_qualifier);
	member->line = lex->line;
	return member;
}

/* "TYPE NAME" or "CLASS REF NAME". */
static gboolean
parse_type_and_name(struct mof_lexer *lex, char **ret_type, gboolean *ret_is_reference,
		    char **ret_name, GError **error)
{
	*ret_type = mof_lex_name(lex, "a type", error);
	if (!*ret_type)
		return FALSE;
	*ret_is_reference = mof_lex_is_word(lex, "REF");
	if (*ret_is_reference && !mof_lex_next(lex, error))
		return FALSE;
	*ret_name = mof_lex_name(lex, "a name", error);
	return *ret_name != NULL;
}

static gboolean
parse_parameter(struct mof_lexer *lex, GPtrArray *parameters, GError **error)
{
	struct mof_member *parameter = new_member(lex);
	g_ptr_array_add(parameters, parameter);
	if (!parse_qualifiers(lex, parameter->qualifiers, error))
		return FALSE;
	parameter->line = lex->line;
	return parse_type_and_name(lex, &parameter->type, &parameter->is_reference,
				   &parameter->name, error) &&
	       parse_array(lex, &parameter->is_array, &parameter->array_size, error);
}

/* After "(". */
static gboolean
parse_parameters(struct mof_lexer *lex, GPtrArray *parameters, GError **error)
{
	gboolean more = !mof_lex_is(lex, ')');
	while (more)
		if (!parse_parameter(lex, parameters, error) ||
		    !mof_lex_maybe(lex, ',', &more, error))
			return FALSE;
	return mof_lex_expect(lex, ')', error) && mof_lex_expect(lex, ';', error);
}

/* What was read as a member up to '(' is a method. */
static gboolean
parse_method_rest(struct mof_lexer *lex, struct mof_member *member, struct mof_class *class,
		  GError **error)
{
	struct mof_method *method = g_new0(struct mof_method, 1);
	method->line = member->line;
	method->name = g_steal_pointer(&member->name);
	method->type = g_steal_pointer(&member->type);
	method->qualifiers = g_steal_pointer(&member->qualifiers);
	method->parameters = g_ptr_array_new_with_free_func(free_member);
	g_ptr_array_add(class->methods, method);
	return parse_parameters(lex, method->parameters, error);
}

static gboolean
parse_property_rest(struct mof_lexer *lex, struct mof_member *member, GError **error)
{
	gboolean has_default;
	if (!parse_array(lex, &member->is_array, &member->array_size, error) ||
	    !mof_lex_maybe(lex, '=', &has_default, error))
		return FALSE;
	if (has_default && !parse_values(lex, &member->defaults, &member->default_is_array, error))
		return FALSE;
	return mof_lex_expect(lex, ';', error);
}

static gboolean
parse_feature(struct mof_lexer *lex, struct mof_class *class, GError **error)
{
	struct mof_member *member = new_member(lex);
	gboolean is_method = FALSE;
	gboolean ok = parse_qualifiers(lex, member->qualifiers, error);
	member->line = lex->line;
	ok = ok &&
	     parse_type_and_name(lex, &member->type, &member->is_reference, &member->name, error);
	if (ok && !member->is_reference && !mof_lex_maybe(lex, '(', &is_method, error))
		ok = FALSE;
	if (ok && is_method) {
		ok = parse_method_rest(lex, member, class, error);
		free_member(member);
		return ok;
	}
	g_ptr_array_add(class->properties, member);
	return ok && parse_property_rest(lex, member, error);
}

static gboolean
parse_class_head(struct mof_lexer *lex, struct mof_class *class, GError **error)
{
	gboolean has_super;
	class->name = mof_lex_name(lex, "the name of a class", error);
	if (!class->name || !mof_lex_maybe(lex, ':', &has_super, error))
		return FALSE;
	if (has_super)
		class->super = mof_lex_name(lex, "the name of the superclass", error);
	return !has_super || class->super;
}

/* At "class"; takes @qualifiers over. */
static gboolean
parse_class(struct mof_lexer *lex, struct mof_file *file, GPtrArray *qualifiers, GError **error)
{
	struct mof_class *class = g_new0(struct mof_class, 1);
	g_ptr_array_add(file->classes, class);
	class->qualifiers = qualifiers;
	class->properties = g_ptr_array_new_with_free_func(free_member);
	class->methods = g_ptr_array_new_with_free_func(free_method);
	class->line = lex->line;
	if (!mof_lex_next(lex, error) || !parse_class_head(lex, class, error) ||
	    !mof_lex_expect(lex, '{', error))
		return FALSE;
	while (!mof_lex_is(lex, '}'))
		if (!parse_feature(lex, class, error))
			return FALSE;
	return mof_lex_next(lex, error) && mof_lex_expect(lex, ';', error);
}

/* ---- the file ---- */

/* After '#'. Pragmas that we do not know are skipped, as A.1 says. */
static gboolean
parse_pragma(struct mof_lexer *lex, struct mof_file *file, GPtrArray *includes, GError **error)
{
	if (!mof_lex_is_word(lex, "pragma"))
		return mof_lex_wanted(lex, "pragma", error);
	if (!mof_lex_next(lex, error))
		return FALSE;
	g_autofree char *name = mof_lex_name(lex, "the name of a pragma", error);
	if (!name || !mof_lex_expect(lex, '(', error))
		return FALSE;
	g_autofree char *text = mof_lex_string(lex, error);
	if (!text)
		return FALSE;
	if (g_ascii_strcasecmp(name, "include") == 0) {
		g_ptr_array_add(includes, g_steal_pointer(&text));
	} else if (g_ascii_strcasecmp(name, "locale") == 0) {
		g_free(file->locale);
		file->locale = g_steal_pointer(&text);
	}
	return mof_lex_expect(lex, ')', error);
}

static gboolean
parse_production(struct mof_lexer *lex, struct mof_file *file, GPtrArray *includes, GError **error)
{
	gboolean there;
	if (!mof_lex_maybe(lex, '#', &there, error))
		return FALSE;
	if (there)
		return parse_pragma(lex, file, includes, error);
	if (mof_lex_is_word(lex, "Qualifier"))
		return mof_lex_next(lex, error) && parse_qualifier_type(lex, file, error);
	g_autoptr(GPtrArray) qualifiers = g_ptr_array_new_with_free_func(free_qualifier);
	if (!parse_qualifiers(lex, qualifiers, error))
		return FALSE;
	if (!mof_lex_is_word(lex, "class"))
		return mof_lex_wanted(lex, "class, Qualifier or #pragma", error);
	return parse_class(lex, file, g_steal_pointer(&qualifiers), error);
}

struct mof_file *
mof_parse(const char *name, const char *text, gsize len, GError **error)
{
	struct mof_lexer lex;
	if (!mof_lex_init(&lex, name, text, len, error))
		return NULL;
	g_autoptr(GPtrArray) includes = g_ptr_array_new_with_free_func(g_free);
	cairn_auto(mof_file) file = g_new0(struct mof_file, 1);
	file->name = g_strdup(name);
	file->qualifier_types = g_ptr_array_new_with_free_func(free_qualifier_type);
	file->classes = g_ptr_array_new_with_free_func(free_class);
	gboolean ok = TRUE;
	while (ok && lex.kind != MOF_END)
		ok = parse_production(&lex, file, includes, error);
	mof_lex_clear(&lex);
	if (!ok)
		return NULL;
	g_ptr_array_add(includes, NULL);
	file->includes = (char **)g_ptr_array_free(g_steal_pointer(&includes), FALSE);
	return g_steal_pointer(&file);
}
