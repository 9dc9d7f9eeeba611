/* The words of a query. It knows WQL's and CQL's spelling, not their grammar. */
#include "cim/query_private.h"

#include "cim/status.h"

#include <errno.h>
#include <string.h>

#define FOUND_MAX 40 /* bytes of the token that an error shows */

void
query_lexer_clear(struct query_lexer *lexer)
{
	g_clear_pointer(&lexer->text, g_free);
}

gboolean
query_wrong(const struct query_lexer *lexer, const char *at, const char *what, GError **error)
{
	glong character = g_utf8_pointer_to_offset(lexer->start, at) + 1;
	return cim_fail(error, CIM_ERR_INVALID_QUERY, "query, character %ld: %s", character, what);
}

gboolean
query_expected(const struct query_lexer *lexer, const char *what, GError **error)
{
	g_autofree char *message = NULL;
	if (lexer->token == QUERY_TOKEN_END) {
		message = g_strdup_printf("expected %s, but the query ends", what);
	} else {
		gsize len = MIN((gsize)(lexer->at - lexer->begin), FOUND_MAX);
		g_autofree char *cut = g_strndup(lexer->begin, len);
		g_autofree char *found = g_utf8_make_valid(cut, -1);
		message = g_strdup_printf("expected %s, found '%s'", what, found);
	}
	return query_wrong(lexer, lexer->begin, message, error);
}

gboolean
query_at_word(const struct query_lexer *lexer, const char *word)
{
	return lexer->token == QUERY_TOKEN_NAME && g_ascii_strcasecmp(lexer->text, word) == 0;
}

gboolean
query_at_mark(const struct query_lexer *lexer, const char *mark)
{
	return lexer->token == QUERY_TOKEN_MARK && strcmp(lexer->text, mark) == 0;
}

gboolean
query_take_mark(struct query_lexer *lexer, const char *mark, GError **error)
{
	if (query_at_mark(lexer, mark))
		return query_lexer_next(lexer, error);
	g_autofree char *what = g_strdup_printf("'%s'", mark);
	return query_expected(lexer, what, error);
}

gboolean
query_take_word(struct query_lexer *lexer, const char *word, GError **error)
{
	if (query_at_word(lexer, word))
		return query_lexer_next(lexer, error);
	return query_expected(lexer, word, error);
}

char *
query_take_name(struct query_lexer *lexer, const char *what, GError **error)
{
	if (lexer->token != QUERY_TOKEN_NAME) {
		query_expected(lexer, what, error);
		return NULL;
	}
	g_autofree char *name = g_steal_pointer(&lexer->text);
	return query_lexer_next(lexer, error) ? g_steal_pointer(&name) : NULL;
}

/* DSP0004 A.1: letters, digits, underscore and what is beyond ASCII. */
static gboolean
name_byte(char byte, gboolean first)
{
	return g_ascii_isalpha(byte) || byte == '_' || (guchar)byte >= 0x80 ||
	       (!first && g_ascii_isdigit(byte));
}

/* \x and up to four hex digits (DSP0202 5.2.2). */
static const char *
hex_escape(const char *at, GString *text)
{
	gunichar c = 0;
	guint digits = 0;
	for (; digits < 4 && g_ascii_isxdigit(at[digits]); digits++)
		c = c * 16 + (gunichar)g_ascii_xdigit_value(at[digits]);
	g_string_append_unichar(text, g_unichar_validate(c) && c ? c : 0xfffd);
	return at + digits;
}

/* Behind a backslash. WQL knows \\, \' and \"; what else follows one stays with it, because clients
 * send ids with a backslash inside as they are. */
static const char *
unescape(enum query_language language, const char *at, GString *text)
{
	static const char from[] = "btnfr", to[] = "\b\t\n\f\r";
	if (*at == '\\' || *at == '\'' || *at == '"') {
		g_string_append_c(text, *at);
		return at + 1;
	}
	const char *found = *at && language == QUERY_CQL ? strchr(from, *at) : NULL;
	if (found) {
		g_string_append_c(text, to[found - from]);
		return at + 1;
	}
	if (language == QUERY_CQL && (*at == 'x' || *at == 'X') && g_ascii_isxdigit(at[1]))
		return hex_escape(at + 1, text);
	g_string_append_c(text, '\\');
	return at;
}

static gboolean
lex_string(struct query_lexer *lexer, GError **error)
{
	char quote = *lexer->begin;
	const char *at = lexer->begin + 1;
	if (quote == '"' && lexer->language == QUERY_CQL)
		return query_wrong(lexer, at - 1, "CQL puts strings into '...'", error);
	g_autoptr(GString) text = g_string_new(NULL);
	while (*at && *at != quote) {
		if (*at == '\\')
			at = unescape(lexer->language, at + 1, text);
		else
			g_string_append_c(text, *at++);
	}
	if (!*at)
		return query_wrong(lexer, lexer->begin, "the string does not end", error);
	lexer->at = at + 1;
	lexer->token = QUERY_TOKEN_STRING;
	lexer->text = g_strdup(text->str);
	return TRUE;
}

/* {...}: a brace in the quotes of a key ends nothing. */
static gboolean
lex_path(struct query_lexer *lexer, GError **error)
{
	char quote = 0;
	const char *at = lexer->begin + 1;
	for (; *at && (quote || *at != '}'); at++) {
		if (quote && *at == '\\' && at[1])
			at++;
		else if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? 0 : *at;
	}
	if (!*at)
		return query_wrong(lexer, lexer->begin, "expected '}' at the end of the path",
				   error);
	g_autofree char *raw = g_strndup(lexer->begin + 1, (gsize)(at - lexer->begin - 1));
	lexer->at = at + 1;
	lexer->token = QUERY_TOKEN_PATH;
	lexer->text = g_strdup(g_strstrip(raw));
	return TRUE;
}

static const char *
skip_digits(const char *at)
{
	while (g_ascii_isdigit(*at))
		at++;
	return at;
}

static const char *
number_end(const char *at, gboolean *ret_real)
{
	*ret_real = FALSE;
	at += *at == '-' || *at == '+';
	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
		for (at += 2; g_ascii_isxdigit(*at); at++)
			;
		return at;
	}
	at = skip_digits(at);
	if (*at == '.' && g_ascii_isdigit(at[1])) {
		*ret_real = TRUE;
		at = skip_digits(at + 1);
	}
	const char *exponent = at + 1 + (*at && (at[1] == '-' || at[1] == '+'));
	if ((*at == 'e' || *at == 'E') && g_ascii_isdigit(*exponent)) {
		*ret_real = TRUE;
		at = skip_digits(exponent);
	}
	return at;
}

static gboolean
whole_number(const char *text, struct cim_value *ret_value)
{
	gboolean minus = text[0] == '-';
	const char *digits = text + (minus || text[0] == '+');
	guint base = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
	guint64 value;
	if (!g_ascii_string_to_unsigned(base == 16 ? digits + 2 : digits, base, 0, G_MAXUINT64,
					&value, NULL))
		return FALSE;
	if (minus && value > (guint64)G_MAXINT64 + 1)
		return FALSE;
	*ret_value =
		minus ? cim_sint(CIM_SINT64, (gint64)(0 - value)) : cim_uint(CIM_UINT64, value);
	return TRUE;
}

static gboolean
lex_number(struct query_lexer *lexer, GError **error)
{
	gboolean real;
	lexer->at = number_end(lexer->begin, &real);
	if (name_byte(*lexer->at, FALSE))
		return query_wrong(lexer, lexer->at, "expected the end of the number", error);
	g_autofree char *text = g_strndup(lexer->begin, (gsize)(lexer->at - lexer->begin));
	lexer->token = QUERY_TOKEN_NUMBER;
	if (real)
		lexer->number = cim_real(CIM_REAL64, g_ascii_strtod(text, NULL));
	else if (!whole_number(text, &lexer->number))
		return query_wrong(lexer, lexer->begin, "expected a number of 64 bits", error);
	return TRUE;
}

static gboolean
lex_name(struct query_lexer *lexer)
{
	const char *at = lexer->begin + 1;
	while (name_byte(*at, FALSE))
		at++;
	lexer->at = at;
	lexer->token = QUERY_TOKEN_NAME;
	lexer->text = g_strndup(lexer->begin, (gsize)(at - lexer->begin));
	return TRUE;
}

static gboolean
lex_mark(struct query_lexer *lexer, GError **error)
{
	/* Longer ones first. */
	static const char *const marks[] = {"<>", "<=", ">=", "!=", "::", "=", "<", ">",
					    "(",  ")",	",",  ".",  "*",  "[", "]"};
	for (guint i = 0; i < G_N_ELEMENTS(marks); i++) {
		if (!g_str_has_prefix(lexer->begin, marks[i]))
			continue;
		lexer->at = lexer->begin + strlen(marks[i]);
		lexer->token = QUERY_TOKEN_MARK;
		lexer->text = g_strdup(marks[i]);
		return TRUE;
	}
	return query_wrong(lexer, lexer->begin, "no query has this character here", error);
}

gboolean
query_lexer_next(struct query_lexer *lexer, GError **error)
{
	query_lexer_clear(lexer);
	const char *at = lexer->at;
	while (g_ascii_isspace(*at))
		at++;
	lexer->begin = lexer->at = at;
	if (!*at) {
		lexer->token = QUERY_TOKEN_END;
		return TRUE;
	}
	gboolean sign = (*at == '-' || *at == '+') && g_ascii_isdigit(at[1]);
	if (sign || g_ascii_isdigit(*at))
		return lex_number(lexer, error);
	if (*at == '\'' || *at == '"')
		return lex_string(lexer, error);
	if (*at == '{')
		return lex_path(lexer, error);
	return name_byte(*at, TRUE) ? lex_name(lexer) : lex_mark(lexer, error);
}
