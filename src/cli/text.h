/* Text on a terminal: cells, not bytes.  What comes from outside (names of machines, messages of
 * peers) may hold control characters; text_clean() is on the way of all of it. */
#pragma once

#include <glib.h>

/* Cells that @text takes: wide characters count two, combining ones none. */
guint text_width(const char *text);

/* @text as valid UTF-8 with control characters (and so terminal escapes) replaced by '?'; NULL
 * reads as "". Free with g_free(). */
char *text_clean(const char *text);

/* @text cut to at most @cells, with an ellipsis when something was cut. Free with g_free(). */
char *text_fit(const char *text, guint cells);

/* Appends @text and blanks up to @cells; @right puts the blanks first. Never cuts. */
void text_pad(GString *out, const char *text, guint cells, gboolean right);

/* Appends @text broken at blanks and beside wide characters so that no line passes @width; every
 * line after the first begins with @indent blanks. A word that is longer stands alone. Ends with a
 * newline. */
void text_wrap(GString *out, const char *text, guint start, guint indent, guint width);

/* The candidate nearest to @word, or NULL when none is near enough to be meant. */
const char *text_nearest(const char *word, const char *const *candidates);
