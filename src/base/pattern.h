/* The reverse of printf: the arguments of a format taken back out of a finished text, and put into
 * the same format in another language. Formats are ours; texts may come from anywhere. */
#pragma once

#include "base/auto.h"

#include <glib.h>

#define PATTERN_ARGUMENTS_MAX 8

struct pattern;

/* A part of the matched text, borrowed. */
struct pattern_argument {
	const char *text;
	gsize len;
	/* It does not stand in quotes, as names do: words that may be translated too. */
	gboolean is_sentence;
};

/* @format as printf has it: %s, whole numbers without width, %%, and in a translation %2$s. NULL
 * when it holds anything else. */
struct pattern *pattern_new(const char *format);
void pattern_free(struct pattern *pattern);
CAIRN_DEFINE_AUTO(pattern, pattern_free)

guint pattern_arguments(const struct pattern *pattern);
/* Letters outside its arguments: how much a text has in common with it at least. */
guint pattern_letters(const struct pattern *pattern);
/* The text of a pattern without arguments. */
const char *pattern_literal(const struct pattern *pattern);
/* Whether @translation takes no more arguments than @pattern and of the same kinds. */
gboolean pattern_fits(const struct pattern *pattern, const struct pattern *translation);

/* Whether @text can have been made from @pattern; each argument is as short as it can be. The time
 * is that of one strstr() for each argument. */
gboolean pattern_match(const struct pattern *pattern, const char *text,
		       struct pattern_argument ret_arguments[PATTERN_ARGUMENTS_MAX]);
/* Free with g_free(). */
char *pattern_print(const struct pattern *pattern, const struct pattern_argument *arguments);
