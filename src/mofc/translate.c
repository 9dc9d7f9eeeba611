/* mfl files: classes again, with nothing but translated qualifiers at their members. */
#include "mofc/mofc.h"

#include "base/error.h"
#include "cim/schema.h"

/* One qualifier list of an mfl file, and the schema's that it translates. */
struct pair {
	const struct mof_file *file; /* the mfl */
	enum cim_language language;
	const char *what; /* "CLASS.MEMBER", for warnings */
};

static gboolean
is_neutral(const char *name)
{
	return g_ascii_strcasecmp(name, "Amendment") == 0 ||
	       g_ascii_strcasecmp(name, "Locale") == 0 || g_ascii_strcasecmp(name, "Abstract") == 0;
}

static void
translate_one(struct mofc *mofc, const struct pair *pair, const struct mof_qualifier *local,
	      const GPtrArray *english)
{
	const struct mof_qualifier *found = mofc_private(english, local->name);
	char ***texts = found ? g_hash_table_lookup(mofc->translated, found) : NULL;
	if (is_neutral(local->name))
		return;
	if (!found || !found->values || !local->values) {
		mofc_warn(mofc, pair->file, local->line, "%s has no %s in the schema to translate",
			  pair->what, local->name);
		return;
	}
	guint count = g_strv_length(found->values), here = g_strv_length(local->values);
	if (count != here) {
		mofc_warn(mofc, pair->file, local->line,
			  "%s of %s has %u elements, %u in the schema", local->name, pair->what,
			  here, count);
		return;
	}
	if (!texts) {
		texts = g_new0(char **, CIM_LANG_LAST);
		g_hash_table_insert(mofc->translated, (gpointer)found, texts);
	}
	texts[pair->language] = local->values;
}

static void
translate_list(struct mofc *mofc, const struct pair *pair, const GPtrArray *local,
	       const GPtrArray *english)
{
	for (guint i = 0; i < local->len; i++)
		translate_one(mofc, pair, g_ptr_array_index(local, i), english);
}

static const struct mof_member *
find_member(const GPtrArray *members, const char *name)
{
	for (guint i = 0; i < members->len; i++) {
		const struct mof_member *member = g_ptr_array_index(members, i);
		if (g_ascii_strcasecmp(member->name, name) == 0)
			return member;
	}
	return NULL;
}

/* @where: the class, or "CLASS.METHOD". */
static void
translate_members(struct mofc *mofc, struct pair pair, const char *where, const GPtrArray *local,
		  const GPtrArray *english)
{
	for (guint i = 0; i < local->len; i++) {
		const struct mof_member *member = g_ptr_array_index(local, i);
		const struct mof_member *found = find_member(english, member->name);
		g_autofree char *what = g_strdup_printf("%s.%s", where, member->name);
		pair.what = what;
		if (found)
			translate_list(mofc, &pair, member->qualifiers, found->qualifiers);
		else
			mofc_warn(mofc, pair.file, member->line, "%s is not in the schema", what);
	}
}

static const struct mof_method *
find_method(const GPtrArray *methods, const char *name)
{
	for (guint i = 0; i < methods->len; i++) {
		const struct mof_method *method = g_ptr_array_index(methods, i);
		if (g_ascii_strcasecmp(method->name, name) == 0)
			return method;
	}
	return NULL;
}

static void
translate_methods(struct mofc *mofc, struct pair pair, const struct mof_class *local,
		  const struct mof_class *english)
{
	for (guint i = 0; i < local->methods->len; i++) {
		const struct mof_method *method = g_ptr_array_index(local->methods, i);
		const struct mof_method *found = find_method(english->methods, method->name);
		g_autofree char *what = g_strdup_printf("%s.%s", local->name, method->name);
		pair.what = what;
		if (!found) {
			mofc_warn(mofc, pair.file, method->line, "%s is not in the schema", what);
			continue;
		}
		translate_list(mofc, &pair, method->qualifiers, found->qualifiers);
		translate_members(mofc, pair, what, method->parameters, found->parameters);
	}
}

static const struct mof_class *
find_class(const struct mofc *mofc, const char *name)
{
	for (guint i = 0; i < mofc->files->len; i++) {
		const struct mof_file *file = g_ptr_array_index(mofc->files, i);
		for (guint j = 0; j < file->classes->len; j++) {
			const struct mof_class *class = g_ptr_array_index(file->classes, j);
			if (g_ascii_strcasecmp(class->name, name) == 0)
				return class;
		}
	}
	return NULL;
}

static void
translate_class(struct mofc *mofc, struct pair pair, const struct mof_class *local)
{
	const struct mof_class *english = find_class(mofc, local->name);
	pair.what = local->name;
	if (!english) {
		mofc_warn(mofc, pair.file, local->line, "the class %s is not in the schema",
			  local->name);
		return;
	}
	translate_list(mofc, &pair, local->qualifiers, english->qualifiers);
	translate_members(mofc, pair, local->name, local->properties, english->properties);
	translate_methods(mofc, pair, local, english);
}

gboolean
mofc_translate(struct mofc *mofc, GError **error)
{
	for (guint i = 0; i < mofc->translations->len; i++) {
		const struct mof_file *file = g_ptr_array_index(mofc->translations, i);
		struct pair pair = {.file = file, .language = cim_language_find(file->locale)};
		if (pair.language == CIM_LANG_EN)
			return mofc_fail(error, file, 1, "\"%s\" is no language of ours",
					 file->locale);
		for (guint j = 0; j < file->classes->len; j++)
			translate_class(mofc, pair, g_ptr_array_index(file->classes, j));
	}
	return TRUE;
}
