/* MOF's words: see mof_lex.h. No grammar here. */
#include "cim/mof_lex.h"

#include "base/error.h"
#include "cim/mof.h"

#include <string.h>

#define SHOWN_MAX 40 /* bytes of a token that an error shows */

static gboolean
fail_at(const struct mof_lexer *lex, guint line, GError **error, const char *what)
{
	return cairn_fail(error, CAIRN_ERROR_INVALID, "%s:%u: %s", lex->name, line, what);
}

gboolean
mof_lex_init(struct mof_lexer *lex, const char *name, const char *text, gsize len, GError **error)
{
	static const char bom[] = "\xef\xbb\xbf";
	*lex = (struct mof_lexer){.name = name, .at = text, .end = text + len, .next_line = 1};
	if (len > MOF_TEXT_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "%s: more than %d bytes of MOF", name,
				  MOF_TEXT_MAX);
	if (!g_utf8_validate_len(text, len, NULL))
		return cairn_fail(error, CAIRN_ERROR_INVALID, "%s: not UTF-8, or with a NUL in it",
				  name);
	if (len >= 3 && memcmp(text, bom, 3) == 0)
		lex->at += 3;
	lex->text = g_string_new(NULL);
	if (mof_lex_next(lex, error))
		return TRUE;
	mof_lex_clear(lex);
	return FALSE;
}

void
mof_lex_clear(struct mof_lexer *lex)
{
	if (lex->text)
		g_string_free(lex->text, TRUE);
	lex->text = NULL;
}

/* ---- between tokens ---- */

/* The byte @n after where we are, 0 beyond the end. */
static char
ahead(const struct mof_lexer *lex, gsize n)
{
	return (gsize)(lex->end - lex->at) > n ? lex->at[n] : '\0';
}

static gboolean
skip_comment(struct mof_lexer *lex, GError **error)
{
	guint line = lex->next_line;
	gboolean to_line_end = ahead(lex, 1) == '/';
	for (lex->at += 2; lex->at < lex->end; lex->at++) {
		if (*lex->at == '\n' && to_line_end)
			return TRUE;
		if (*lex->at == '\n')
			lex->next_line++;
		if (!to_line_end && *lex->at == '*' && ahead(lex, 1) == '/') {
			lex->at += 2;
			return TRUE;
		}
	}
	return to_line_end || fail_at(lex, line, error, "the comment that begins here has no end");
}

static gboolean
skip_blanks(struct mof_lexer *lex, GError **error)
{
	while (lex->at < lex->end) {
		if (*lex->at == '\n')
			lex->next_line++;
		if (g_ascii_isspace(*lex->at) || *lex->at == '\v') {
			lex->at++;
		} else if (*lex->at == '/' && (ahead(lex, 1) == '/' || ahead(lex, 1) == '*')) {
			if (!skip_comment(lex, error))
				return FALSE;
		} else {
			break;
		}
	}
	return TRUE;
}

/* ---- strings (DSP0004 A.1, 7.12.1) ---- */

/* After "\x": one to four hex digits. */
static gboolean
read_hex(struct mof_lexer *lex, guint *ret_code)
{
	guint code = 0, digits = 0;
	for (; digits < 4 && g_ascii_isxdigit(ahead(lex, 0)); digits++)
		code = code << 4 | (guint)g_ascii_xdigit_value(*lex->at++);
	*ret_code = code;
	return digits > 0;
}

/* The escapes are UTF-16: two of them may make one character. */
static gboolean
read_code(struct mof_lexer *lex, GError **error)
{
	guint code, low;
	if (!read_hex(lex, &code))
		return fail_at(lex, lex->next_line, error, "hex digits were expected after \\x");
	if (code >= 0xd800 && code < 0xdc00 && ahead(lex, 0) == '\\' &&
	    (ahead(lex, 1) | 0x20) == 'x') {
		lex->at += 2;
		if (!read_hex(lex, &low) || low < 0xdc00 || low > 0xdfff)
			return fail_at(lex, lex->next_line, error, "\\x is half a character");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	if (code == 0 || (code >= 0xd800 && code <= 0xdfff))
		return fail_at(lex, lex->next_line, error, "\\x is no character");
	g_string_append_unichar(lex->text, code);
	return TRUE;
}

static gboolean
read_escape(struct mof_lexer *lex, GError **error)
{
	static const char names[] = "btnfr\"'\\", bytes[] = "\b\t\n\f\r\"'\\";
	char name = ahead(lex, 0);
	const char *found = name ? strchr(names, name) : NULL;
	if (name)
		lex->at++;
	if ((name | 0x20) == 'x')
		return read_code(lex, error);
	if (!found)
		return fail_at(lex, lex->next_line, error,
			       "\\ with b, t, n, f, r, x, a quote or \\ was expected");
	g_string_append_c(lex->text, bytes[found - names]);
	return TRUE;
}

/* A line break inside is not in the grammar, but WMI's compiler takes it. */
static gboolean
read_quoted(struct mof_lexer *lex, char quote, GError **error)
{
	guint line = lex->next_line;
	for (lex->at++; lex->at < lex->end;) {
		char byte = *lex->at++;
		if (byte == quote)
			return TRUE;
		if (byte == '\\') {
			if (!read_escape(lex, error))
				return FALSE;
			continue;
		}
		if (byte == '\n')
			lex->next_line++;
		g_string_append_c(lex->text, byte);
	}
	return fail_at(lex, line, error, "the quote that begins here has no end");
}

static gboolean
read_char(struct mof_lexer *lex, GError **error)
{
	lex->kind = MOF_CHAR;
	if (!read_quoted(lex, '\'', error))
		return FALSE;
	return g_utf8_strlen(lex->text->str, -1) == 1 ||
	       fail_at(lex, lex->line, error, "one character was expected between ' and '");
}

/* ---- the others ---- */

static gboolean
is_name(char byte)
{
	return g_ascii_isalnum(byte) || byte == '_' || (guchar)byte >= 0x80;
}

static void
read_name(struct mof_lexer *lex)
{
	lex->kind = MOF_NAME;
	while (is_name(ahead(lex, 0)))
		g_string_append_c(lex->text, *lex->at++);
}

/* Only where it ends; what it is worth is cim_value_parse()'s to say. */
static void
read_number(struct mof_lexer *lex)
{
	gboolean hex = FALSE; /* where an e is a digit */
	lex->kind = MOF_NUMBER;
	do {
		char byte = *lex->at++;
		g_string_append_c(lex->text, byte);
		hex = hex || (byte | 0x20) == 'x';
		if ((byte | 0x20) == 'e' && !hex && (ahead(lex, 0) == '-' || ahead(lex, 0) == '+'))
			g_string_append_c(lex->text, *lex->at++);
	} while (g_ascii_isalnum(ahead(lex, 0)) || ahead(lex, 0) == '.');
}

static gboolean
begins_number(const struct mof_lexer *lex)
{
	char byte = *lex->at;
	if (byte == '-' || byte == '+')
		byte = ahead(lex, 1) == '.' ? ahead(lex, 2) : ahead(lex, 1);
	else if (byte == '.')
		byte = ahead(lex, 1);
	return g_ascii_isdigit(byte);
}

gboolean
mof_lex_next(struct mof_lexer *lex, GError **error)
{
	if (!skip_blanks(lex, error))
		return FALSE;
	lex->line = lex->next_line;
	lex->begin = lex->at;
	g_string_truncate(lex->text, 0);
	lex->kind = MOF_END;
	if (lex->at == lex->end)
		return TRUE;
	if (begins_number(lex)) {
		read_number(lex);
	} else if (is_name(*lex->at)) {
		read_name(lex);
	} else if (*lex->at == '"') {
		lex->kind = MOF_STRING;
		return read_quoted(lex, '"', error);
	} else if (*lex->at == '\'') {
		return read_char(lex, error);
	} else if (strchr("{}[](),;:=#$", *lex->at)) {
		lex->kind = MOF_MARK;
		g_string_append_c(lex->text, *lex->at++);
	} else {
		return fail_at(lex, lex->line, error, "a character that MOF does not have");
	}
	return TRUE;
}

/* ---- what the grammar asks ---- */

gboolean
mof_lex_is(const struct mof_lexer *lex, char mark)
{
	return lex->kind == MOF_MARK && lex->text->str[0] == mark;
}

gboolean
mof_lex_is_word(const struct mof_lexer *lex, const char *word)
{
	return lex->kind == MOF_NAME && g_ascii_strcasecmp(lex->text->str, word) == 0;
}

gboolean
mof_lex_wanted(const struct mof_lexer *lex, const char *what, GError **error)
{
	g_autofree char *cut = g_strndup(lex->text->str, MIN(lex->text->len, SHOWN_MAX));
	g_autofree char *shown = g_utf8_make_valid(cut, -1);
	if (lex->kind == MOF_END)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "%s:%u: %s was expected, found the end", lex->name, lex->line,
				  what);
	return cairn_fail(error, CAIRN_ERROR_INVALID, "%s:%u: %s was expected, found \"%s\"",
			  lex->name, lex->line, what, shown);
}

gboolean
mof_lex_expect(struct mof_lexer *lex, char mark, GError **error)
{
	const char what[] = {'\'', mark, '\'', '\0'};
	if (!mof_lex_is(lex, mark))
		return mof_lex_wanted(lex, what, error);
	return mof_lex_next(lex, error);
}

gboolean
mof_lex_maybe(struct mof_lexer *lex, char mark, gboolean *ret_there, GError **error)
{
	*ret_there = mof_lex_is(lex, mark);
	return !*ret_there || mof_lex_next(lex, error);
}

char *
mof_lex_name(struct mof_lexer *lex, const char *what, GError **error)
{
	if (lex->kind != MOF_NAME) {
		mof_lex_wanted(lex, what, error);
		return NULL;
	}
	g_autofree char *name = g_strndup(lex->text->str, lex->text->len);
	return mof_lex_next(lex, error) ? g_steal_pointer(&name) : NULL;
}

char *
mof_lex_string(struct mof_lexer *lex, GError **error)
{
	g_autoptr(GString) joined = g_string_new(NULL);
	if (lex->kind != MOF_STRING) {
		mof_lex_wanted(lex, "a string", error);
		return NULL;
	}
	while (lex->kind == MOF_STRING) {
		g_string_append_len(joined, lex->text->str, (gssize)lex->text->len);
		if (!mof_lex_next(lex, error))
			return NULL;
	}
	return g_string_free(g_steal_pointer(&joined), FALSE);
}

/* ---- constants ---- */

static void
clear_constant(gpointer data)
{
	struct mof_constant *constant = data;
	g_free(constant->text);
}

void
mof_constants_clear(struct mof_constants *constants)
{
	if (constants->items)
		g_array_unref(constants->items);
	*constants = (struct mof_constants){0};
}

static gboolean
is_constant_word(const struct mof_lexer *lex)
{
	return mof_lex_is_word(lex, "TRUE") || mof_lex_is_word(lex, "FALSE") ||
	       mof_lex_is_word(lex, "NULL");
}

static gboolean
read_constant(struct mof_lexer *lex, GArray *items, GError **error)
{
	struct mof_constant constant = {.kind = lex->kind};
	if (items->len >= CIM_ARRAY_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "%s:%u: more than %d elements",
				  lex->name, lex->line, CIM_ARRAY_MAX);
	if (lex->kind == MOF_STRING) {
		constant.text = mof_lex_string(lex, error);
		if (!constant.text)
			return FALSE;
		g_array_append_val(items, constant);
		return TRUE;
	}
	if (lex->kind != MOF_NUMBER && lex->kind != MOF_CHAR && !is_constant_word(lex))
		return mof_lex_wanted(lex, "a value", error);
	constant.text = lex->kind == MOF_NAME ? g_ascii_strup(lex->text->str, -1)
					      : g_strndup(lex->text->str, lex->text->len);
	g_array_append_val(items, constant);
	return mof_lex_next(lex, error);
}

static gboolean
read_list(struct mof_lexer *lex, GArray *items, GError **error)
{
	gboolean more;
	if (!mof_lex_expect(lex, '{', error))
		return FALSE;
	if (mof_lex_is(lex, '}'))
		return mof_lex_next(lex, error);
	do {
		if (!read_constant(lex, items, error) || !mof_lex_maybe(lex, ',', &more, error))
			return FALSE;
	} while (more);
	return mof_lex_expect(lex, '}', error);
}

gboolean
mof_lex_constants(struct mof_lexer *lex, struct mof_constants *ret_constants, GError **error)
{
	struct mof_constants constants = {
		.items = g_array_new(FALSE, FALSE, sizeof(struct mof_constant)),
		.is_array = mof_lex_is(lex, '{'),
	};
	g_array_set_clear_func(constants.items, clear_constant);
	gboolean ok = constants.is_array ? read_list(lex, constants.items, error)
					 : read_constant(lex, constants.items, error);
	if (ok)
		*ret_constants = constants;
	else
		mof_constants_clear(&constants);
	return ok;
}
