/* MOF's words (DSP0004 Annex A): text to tokens with their lines. For mof_*.c only. */
#pragma once

#include <glib.h>

enum mof_token {
	MOF_END,
	MOF_NAME,
	MOF_STRING, /* one literal; those side by side are joined by mof_lex_string() */
	MOF_CHAR,
	MOF_NUMBER, /* as written: sign, 0x, trailing b, fraction */
	MOF_MARK,   /* { } [ ] ( ) , ; : = # $ */
};

struct mof_lexer {
	const char *name; /* of the text, for errors; borrowed */
	const char *at, *end;
	guint line, next_line; /* of the token, and where reading goes on; from 1 */
	enum mof_token kind;
	GString *text;	   /* of the token, with escapes resolved */
	const char *begin; /* of the token, in what was given to mof_lex_init() */
};

/* @text must stay. Reads the first token. INVALID for what is not UTF-8 or holds a NUL, LIMIT for
 * what is too long. */
gboolean mof_lex_init(struct mof_lexer *lex, const char *name, const char *text, gsize len,
		      GError **error);
void mof_lex_clear(struct mof_lexer *lex);
gboolean mof_lex_next(struct mof_lexer *lex, GError **error);

gboolean mof_lex_is(const struct mof_lexer *lex, char mark);
/* A name, in any case. */
gboolean mof_lex_is_word(const struct mof_lexer *lex, const char *word);
/* Sets @error: "NAME:LINE: WHAT was expected, found ..."; returns FALSE. */
gboolean mof_lex_wanted(const struct mof_lexer *lex, const char *what, GError **error);
/* Steps over @mark, which must be there. */
gboolean mof_lex_expect(struct mof_lexer *lex, char mark, GError **error);
/* Steps over @mark when it is there. */
gboolean mof_lex_maybe(struct mof_lexer *lex, char mark, gboolean *ret_there, GError **error);
/* A name, which is @what; free with g_free(). NULL when there is none. */
char *mof_lex_name(struct mof_lexer *lex, const char *what, GError **error);
/* String literals side by side, joined. */
char *mof_lex_string(struct mof_lexer *lex, GError **error);

/* One constant, or the elements of a list in braces. */
struct mof_constant {
	enum mof_token kind; /* MOF_NAME: TRUE, FALSE, NULL */
	char *text;
};

struct mof_constants {
	GArray *items; /* of struct mof_constant */
	gboolean is_array;
};

void mof_constants_clear(struct mof_constants *constants);
/* At the constant or at '{'; @ret_constants need not be initialised. LIMIT for too many. */
gboolean mof_lex_constants(struct mof_lexer *lex, struct mof_constants *ret_constants,
			   GError **error);
