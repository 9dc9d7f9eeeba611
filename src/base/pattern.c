/* A format is kept as literals with arguments between them; see pattern.h. */
#include "base/pattern.h"

#include <string.h>

struct hole {
	gboolean is_number;
	gboolean is_sentence;
	guint argument; /* which one goes here */
};

/* literals[0] holes[0] literals[1] ... holes[count - 1] literals[count] */
struct pattern {
	guint count;
	struct hole holes[PATTERN_ARGUMENTS_MAX];
	char *literals[PATTERN_ARGUMENTS_MAX + 1];
};

/* "2$" of "%2$s"; 0 when there is none. */
static guint
read_position(const char **at)
{
	const char *p = *at;
	if (p[0] < '1' || p[0] > '9' || p[1] != '$')
		return 0;
	*at += 2;
	return (guint)(p[0] - '0');
}

/* What follows '%'; FALSE for a conversion that cannot be taken back. */
static gboolean
read_hole(struct pattern *pattern, const char **at)
{
	if (pattern->count == PATTERN_ARGUMENTS_MAX)
		return FALSE;
	struct hole *hole = &pattern->holes[pattern->count];
	guint position = read_position(at);
	hole->argument = position ? position - 1 : pattern->count;
	if (hole->argument >= PATTERN_ARGUMENTS_MAX)
		return FALSE;
	gsize modifiers = strspn(*at, "lzh");
	*at += modifiers;
	hole->is_number = strchr("diu", **at) != NULL;
	if (!**at || (!hole->is_number && (**at != 's' || modifiers)))
		return FALSE;
	(*at)++;
	pattern->count++;
	return TRUE;
}

static void
mark_sentences(struct pattern *pattern)
{
	for (guint i = 0; i < pattern->count; i++)
		pattern->holes[i].is_sentence = !pattern->holes[i].is_number &&
						!g_str_has_suffix(pattern->literals[i], "\"");
}

struct pattern *
pattern_new(const char *format)
{
	cairn_auto(pattern) pattern = g_new0(struct pattern, 1);
	g_autoptr(GString) literal = g_string_new(NULL);
	for (const char *at = format; *at;) {
		gsize plain = strcspn(at, "%");
		g_string_append_len(literal, at, (gssize)plain);
		at += plain;
		if (!*at)
			break;
		at++;
		if (*at == '%') {
			g_string_append_c(literal, *at++);
			continue;
		}
		guint here = pattern->count;
		if (!read_hole(pattern, &at))
			return NULL;
		pattern->literals[here] = g_strdup(literal->str);
		g_string_truncate(literal, 0);
	}
	pattern->literals[pattern->count] = g_strdup(literal->str);
	mark_sentences(pattern);
	return g_steal_pointer(&pattern);
}

void
pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	for (guint i = 0; i < G_N_ELEMENTS(pattern->literals); i++)
		g_free(pattern->literals[i]);
	g_free(pattern);
}

guint
pattern_arguments(const struct pattern *pattern)
{
	return pattern->count;
}

guint
pattern_letters(const struct pattern *pattern)
{
	guint letters = 0;
	for (guint i = 0; i <= pattern->count; i++)
		for (const char *p = pattern->literals[i]; *p; p++)
			letters += g_ascii_isalpha(*p);
	return letters;
}

const char *
pattern_literal(const struct pattern *pattern)
{
	return pattern->literals[0];
}

gboolean
pattern_fits(const struct pattern *pattern, const struct pattern *translation)
{
	for (guint i = 0; i < translation->count; i++) {
		const struct hole *hole = &translation->holes[i];
		if (hole->argument >= pattern->count ||
		    hole->is_number != pattern->holes[hole->argument].is_number)
			return FALSE;
	}
	return TRUE;
}

/* ---- matching ---- */

static gsize
number_length(const char *text)
{
	gsize sign = text[0] == '-';
	gsize digits = strspn(text + sign, "0123456789");
	return digits ? sign + digits : 0;
}

/* Where @literal goes on after the argument at @at, or NULL. */
static const char *
end_of_argument(const struct hole *hole, const char *at, const char *literal, gboolean is_last)
{
	gsize len = strlen(at), tail = strlen(literal);
	const char *end;
	if (hole->is_number) {
		gsize digits = number_length(at);
		end = digits && g_str_has_prefix(at + digits, literal) ? at + digits : NULL;
		return end && is_last && end[tail] ? NULL : end;
	}
	if (!is_last)
		return strstr(at, literal);
	return len >= tail && strcmp(at + len - tail, literal) == 0 ? at + len - tail : NULL;
}

gboolean
pattern_match(const struct pattern *pattern, const char *text,
	      struct pattern_argument ret_arguments[PATTERN_ARGUMENTS_MAX])
{
	const char *at = text + strlen(pattern->literals[0]);
	if (!g_str_has_prefix(text, pattern->literals[0]))
		return FALSE;
	for (guint i = 0; i < pattern->count; i++) {
		const char *literal = pattern->literals[i + 1];
		const struct hole *hole = &pattern->holes[i];
		const char *end = end_of_argument(hole, at, literal, i + 1 == pattern->count);
		if (!end)
			return FALSE;
		ret_arguments[i] =
			(struct pattern_argument){at, (gsize)(end - at), hole->is_sentence};
		at = end + strlen(literal);
	}
	return *at == '\0';
}

char *
pattern_print(const struct pattern *pattern, const struct pattern_argument *arguments)
{
	GString *out = g_string_new(pattern->literals[0]);
	for (guint i = 0; i < pattern->count; i++) {
		const struct pattern_argument *argument = &arguments[pattern->holes[i].argument];
		g_string_append_len(out, argument->text, (gssize)argument->len);
		g_string_append(out, pattern->literals[i + 1]);
	}
	return g_string_free(out, FALSE);
}
