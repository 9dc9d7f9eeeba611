/* Finished English texts in another language. Errors are made deep inside, and come from other
 * processes; nobody there knows who will read them. At the edge, a catalogue finds the pattern that
 * a text was made from and prints its translation with the same arguments. It reads gettext's .mo
 * files itself: a server answers in several languages at once, and a process has one locale. */
#pragma once

#include "base/auto.h"

#include <glib.h>

#define CATALOGUE_DOMAIN "cairn" /* of gettext: the .mo files are called so */

struct catalogue;

/* The folder of the .mo files: CAIRN_LOCALEDIR, those of the build for a program that is run from
 * its build, or where they are installed. Free with g_free(). */
char *catalogue_folder(void);

/* FOLDER/@language/LC_MESSAGES/cairn.mo; errors: of the file, and INVALID. */
struct catalogue *catalogue_load(const char *folder, const char *language, GError **error);
/* The same from memory, as msgfmt writes it in either byte order. */
struct catalogue *catalogue_parse(const char *data, gsize len, GError **error);
void catalogue_free(struct catalogue *catalogue);
CAIRN_DEFINE_AUTO(catalogue, catalogue_free)

/* Free with g_free(); NULL when nothing in @text has a translation. Where a text holds another one
 * after
 * ": ", each is translated that can be. May be called from any thread. */
char *catalogue_translate(const struct catalogue *catalogue, const char *text);
