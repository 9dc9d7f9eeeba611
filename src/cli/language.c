/* The language of the user: gettext for our own texts, a catalogue for those of the daemon and of
 * libraries, which come finished and in English. */
#include "cli/language.h"

#include "base/catalogue.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <string.h>

static struct catalogue *catalogue;

/* As the header of the translation that gettext chose says, e.g. "fr"; NULL when it chose none. */
static char *
chosen_language(void)
{
	static const char no_text[] = ""; /* its translation is the header */
	const char *header = gettext(no_text);
	const char *line = strstr(header, "\nLanguage: ");
	if (!line)
		return NULL;
	line += strlen("\nLanguage: ");
	g_autofree char *name = g_strndup(line, strcspn(line, "\n"));
	return *name && !strchr(name, '/') ? g_steal_pointer(&name) : NULL;
}

void
cli_set_language(void)
{
	g_autofree char *folder = catalogue_folder();
	/* Not LC_NUMERIC: numbers have a point everywhere. */
	setlocale(LC_CTYPE, "");
	setlocale(LC_MESSAGES, "");
	bindtextdomain(CATALOGUE_DOMAIN, folder);
	bind_textdomain_codeset(CATALOGUE_DOMAIN, "UTF-8");
	textdomain(CATALOGUE_DOMAIN);
	g_autofree char *language = chosen_language();
	g_autoptr(GError) error = NULL;
	catalogue = language ? catalogue_load(folder, language, &error) : NULL;
	if (error)
		g_debug("errors stay in English: %s", error->message);
}

void
cli_clear_language(void)
{
	catalogue_free(g_steal_pointer(&catalogue));
}

char *
cli_translate(const char *text)
{
	char *translated = catalogue && text ? catalogue_translate(catalogue, text) : NULL;
	return translated ? translated : g_strdup(text);
}
