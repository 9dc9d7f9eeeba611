/* Cells, cleaning, wrapping and the nearest word. */
#include "cli/text.h"

#include <string.h>

#define WORD_MAX 32 /* longer words have no near neighbour among ours */

static guint
cells_of(gunichar c)
{
	if (g_unichar_iszerowidth(c))
		return 0;
	return g_unichar_iswide(c) ? 2 : 1;
}

guint
text_width(const char *text)
{
	guint width = 0;
	for (const char *p = text; *p; p = g_utf8_next_char(p))
		width += cells_of(g_utf8_get_char(p));
	return width;
}

char *
text_clean(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
	GString *out = g_string_new(NULL);
	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		/* Format characters turn the direction of a line around; they are not shown. */
		gboolean bad = g_unichar_iscntrl(c) || g_unichar_type(c) == G_UNICODE_FORMAT;
		g_string_append_unichar(out, bad ? '?' : c);
	}
	return g_string_free(out, FALSE);
}

char *
text_fit(const char *text, guint cells)
{
	if (text_width(text) <= cells)
		return g_strdup(text);
	GString *out = g_string_new(NULL);
	guint used = 0;
	for (const char *p = text; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (used + cells_of(c) + 1 > cells)
			break;
		used += cells_of(c);
		g_string_append_unichar(out, c);
	}
	if (cells > 0)
		g_string_append(out, g_get_charset(NULL) ? "…" : ".");
	return g_string_free(out, FALSE);
}

void
text_pad(GString *out, const char *text, guint cells, gboolean right)
{
	guint width = text_width(text);
	guint blanks = width < cells ? cells - width : 0;
	if (!right)
		g_string_append(out, text);
	for (guint i = 0; i < blanks; i++)
		g_string_append_c(out, ' ');
	if (right)
		g_string_append(out, text);
}

static void
new_line(GString *out, guint indent)
{
	g_string_append_c(out, '\n');
	for (guint i = 0; i < indent; i++)
		g_string_append_c(out, ' ');
}

/* Closing marks stay on the line of what they close. */
static gboolean
is_closing(gunichar c)
{
	return c && g_utf8_strchr("\xe3\x80\x82\xef\xbc\x8c\xe3\x80\x81\xef\xbc\x9b\xef\xbc\x9a"
				  "\xef\xbc\x89\xef\xbc\x9f\xef\xbc\x81",
				  -1, c) != NULL;
}

/* The end of the piece at @text that must stay on one line: up to a blank, or one wide character,
 * which is how Chinese is broken, with what closes after it. */
static const char *
end_of_piece(const char *text)
{
	const char *p = text;
	while (*p && *p != ' ') {
		gboolean wide = g_unichar_iswide(g_utf8_get_char(p));
		p = g_utf8_next_char(p);
		gunichar next = g_utf8_get_char(p);
		if ((wide || g_unichar_iswide(next)) && !is_closing(next))
			break;
	}
	return p;
}

void
text_wrap(GString *out, const char *text, guint start, guint indent, guint width)
{
	guint column = start;
	gboolean first = TRUE;
	for (const char *p = text; *p;) {
		gboolean blank = *p == ' ' && !first;
		p += *p == ' ';
		const char *end = end_of_piece(p);
		g_autofree char *piece = g_strndup(p, (gsize)(end - p));
		guint cells = text_width(piece);
		if (!first && column + blank + cells > width) {
			new_line(out, indent);
			column = indent;
			blank = FALSE;
		}
		g_string_append_printf(out, "%s%s", blank ? " " : "", piece);
		column += blank + cells;
		first = FALSE;
		p = end;
	}
	g_string_append_c(out, '\n');
}

/* Levenshtein's distance where two neighbours that changed places count one. */
static guint
distance(const char *a, const char *b)
{
	gsize n = strlen(a), m = strlen(b);
	if (n > WORD_MAX || m > WORD_MAX)
		return G_MAXUINT;
	guint d[WORD_MAX + 1][WORD_MAX + 1];
	for (gsize i = 0; i <= n; i++)
		d[i][0] = i;
	for (gsize j = 0; j <= m; j++)
		d[0][j] = j;
	for (gsize i = 1; i <= n; i++) {
		for (gsize j = 1; j <= m; j++) {
			guint cost = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			cost = MIN(cost, MIN(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cost = MIN(cost, d[i - 2][j - 2] + 1);
			d[i][j] = cost;
		}
	}
	return d[n][m];
}

const char *
text_nearest(const char *word, const char *const *candidates)
{
	const char *best = NULL;
	guint best_distance = strlen(word) / 3 + 2; /* one wrong letter in three is a typo */
	for (guint i = 0; candidates[i]; i++) {
		if (*word && g_str_has_prefix(candidates[i], word))
			return candidates[i];
		guint far = distance(word, candidates[i]);
		if (far < best_distance) {
			best = candidates[i];
			best_distance = far;
		}
	}
	return best;
}
