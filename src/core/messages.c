/* From an error's text to its row of the catalogue. */
#include "core/messages.h"

#include "base/pattern.h"

#include <string.h>

#define PREFIXES_MAX 8 /* "db:vda: " and what else stands before an error's own words */
#define LETTERS_MIN  6 /* a pattern with fewer fits too much */

static const struct pattern *
pattern_of(guint index)
{
	static struct pattern **patterns;
	static gsize ready;
	if (g_once_init_enter(&ready)) {
		guint n;
		const struct message_row *rows = message_rows(&n);
		patterns = g_new0(struct pattern *, n);
		for (guint i = 0; i < n; i++) {
			if (!rows[i].pattern)
				continue;
			g_autofree char *format =
				g_strconcat(rows[i].pattern, rows[i].is_file ? ": %s" : "", NULL);
			patterns[i] = pattern_new(format);
			g_assert(patterns[i] && pattern_letters(patterns[i]) >= LETTERS_MIN);
		}
		g_once_init_leave(&ready, 1);
	}
	return patterns[index];
}

/* A pattern that begins with an argument must not take what stands before the error for it. */
static gboolean
takes_prefix(const struct pattern_argument *first, const char *text)
{
	return first->text == text && g_strstr_len(text, (gssize)first->len, ": ");
}

/* The row with most letters that @text can have been printed from; NULL. */
static const struct message_row *
find_row(const char *text, struct pattern_argument arguments[PATTERN_ARGUMENTS_MAX], guint *ret_n)
{
	guint n, letters = 0;
	const struct message_row *rows = message_rows(&n), *found = NULL;
	for (guint i = 0; i < n; i++) {
		const struct pattern *pattern = pattern_of(i);
		struct pattern_argument these[PATTERN_ARGUMENTS_MAX];
		if (!pattern || pattern_letters(pattern) <= letters ||
		    !pattern_match(pattern, text, these) ||
		    (pattern_arguments(pattern) > 0 && takes_prefix(these, text)))
			continue;
		memcpy(arguments, these, sizeof(these));
		letters = pattern_letters(pattern);
		*ret_n = pattern_arguments(pattern);
		found = &rows[i];
	}
	return found;
}

static const struct message_row *
fallback(int code)
{
	guint n;
	const struct message_row *rows = message_rows(&n);
	for (guint i = 0; i < n; i++)
		if (!rows[i].pattern && (int)rows[i].code == code)
			return &rows[i];
	return code == CAIRN_ERROR_IO ? rows : fallback(CAIRN_ERROR_IO);
}

static char **
copy_arguments(const struct pattern_argument *arguments, guint n)
{
	char **copy = g_new0(char *, n + 1);
	for (guint i = 0; i < n; i++)
		copy[i] = g_strndup(arguments[i].text, arguments[i].len);
	return copy;
}

const struct message_row *
message_find(int code, const char *text, char ***ret_arguments)
{
	struct pattern_argument arguments[PATTERN_ARGUMENTS_MAX];
	guint n = 0;
	const char *at = text;
	for (guint i = 0; at && i < PREFIXES_MAX; i++) {
		const struct message_row *row = find_row(at, arguments, &n);
		if (row) {
			*ret_arguments = copy_arguments(arguments, n);
			return row;
		}
		at = strstr(at, ": ");
		at = at ? at + 2 : NULL;
	}
	*ret_arguments = g_new0(char *, 1);
	return fallback(code);
}

void
message_id(const struct message_row *row, char *buffer)
{
	g_snprintf(buffer, MESSAGE_ID_LEN + 1, "CAIRN%04u", row->number % 10000);
}
