/* One catalogue for each language, read once: later the process reaches no files. */
#include "cimd/languages.h"

#include "base/catalogue.h"

/* As the folders of gettext are called; NULL: the sources' own language. */
static const char *const names[CIM_LANG_LAST] = {
	[CIM_LANG_FR] = "fr",
	[CIM_LANG_RU] = "ru",
	[CIM_LANG_ZH] = "zh_CN",
};

struct languages {
	struct catalogue *catalogues[CIM_LANG_LAST]; /* NULL: not there */
};

struct languages *
languages_new(const char *folder)
{
	struct languages *languages = g_new0(struct languages, 1);
	for (guint i = 0; i < CIM_LANG_LAST; i++) {
		g_autoptr(GError) error = NULL;
		if (names[i])
			languages->catalogues[i] = catalogue_load(folder, names[i], &error);
		if (error)
			g_debug("no texts in %s: %s", names[i], error->message);
	}
	return languages;
}

void
languages_free(struct languages *languages)
{
	if (!languages)
		return;
	for (guint i = 0; i < CIM_LANG_LAST; i++)
		catalogue_free(languages->catalogues[i]);
	g_free(languages);
}

char *
languages_translate(const struct languages *languages, enum cim_language language, const char *text)
{
	const struct catalogue *catalogue = languages ? languages->catalogues[language] : NULL;
	return catalogue && text ? catalogue_translate(catalogue, text) : NULL;
}

GError *
languages_error(const struct languages *languages, const GError *error, enum cim_language *language)
{
	GError *copy = g_error_copy(error);
	char *text = languages_translate(languages, *language, error->message);
	if (text) {
		g_free(copy->message);
		copy->message = text;
	} else {
		*language = CIM_LANG_EN;
	}
	return copy;
}
