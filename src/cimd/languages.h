/* The catalogues of all languages of CIM, for answers: each request is answered in its own. Only
 * texts for people are translated; what is stored, codes and names stay. */
#pragma once

#include "base/auto.h"
#include "cim/schema.h"

#include <glib.h>

struct languages;

/* Reads what is in @folder (catalogue_folder()); a language that is not there is answered in
 * English. */
struct languages *languages_new(const char *folder);
void languages_free(struct languages *languages);
CAIRN_DEFINE_AUTO(languages, languages_free)

/* Free with g_free(). NULL: it stays English, also without @languages (NULL). */
char *languages_translate(const struct languages *languages, enum cim_language language,
			  const char *text);
/* A copy of @error with its text in *@language where there is a translation, else in English, which
 * *@language then is. Free with g_error_free(). */
GError *languages_error(const struct languages *languages, const GError *error,
			enum cim_language *language);
