/* How a query compares two values, and LIKE. */
#include "cim/query_private.h"

#include "cim/path.h"

#include <string.h>

/* ---- text ---- */

/* The next character, or a byte of broken UTF-8 as something that equals no character. */
static gunichar
next_char(const char **at)
{
	guchar byte = (guchar) * *at;
	if (byte < 0x80) {
		(*at)++;
		return byte;
	}
	gunichar c = g_utf8_get_char_validated(*at, -1);
	if (c >= 0x80000000) {
		(*at)++;
		return 0x110000u | byte;
	}
	*at = g_utf8_next_char(*at);
	return c;
}

static gunichar
folded(gunichar c, gboolean fold)
{
	return fold && c < 0x110000 ? g_unichar_tolower(c) : c;
}

static int
compare_texts(const char *a, const char *b, gboolean fold)
{
	while (*a && *b) {
		gunichar x = folded(next_char(&a), fold), y = folded(next_char(&b), fold);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return (*a != 0) - (*b != 0);
}

/* [abc], [a-z], [^abc]; WMI's own pages write the range a=z. @at is behind '['; the end is ']'. */
static gboolean
in_set(const char *at, const char *end, gunichar c, gboolean fold)
{
	gboolean found = FALSE, negated = *at == '^' && at + 1 < end;
	at += negated;
	while (at < end) {
		gunichar low = folded(next_char(&at), fold), high = low;
		if (at + 1 < end && (*at == '-' || *at == '=')) {
			at++;
			high = folded(next_char(&at), fold);
		}
		found |= c >= low && c <= high;
	}
	return found != negated;
}

/* Takes one element of the pattern (not %) and says whether @c is it. An unclosed or empty [ is
 * itself. */
static gboolean
take_element(const char **pattern, gunichar c, gboolean fold)
{
	const char *at = *pattern;
	const char *end = *at == '[' && at[1] && at[1] != ']' ? strchr(at + 2, ']') : NULL;
	if (end) {
		*pattern = end + 1;
		return in_set(at + 1, end, folded(c, fold), fold);
	}
	gunichar wanted = next_char(pattern);
	return wanted == '_' || folded(wanted, fold) == folded(c, fold);
}

/* Only the last % is ever gone back to: what stood before it has found its first place, which is as
 * good as any other. */
gboolean
query_like(const char *text, const char *pattern, gboolean fold)
{
	const char *star = NULL, *back = NULL;
	while (*text) {
		if (*pattern == '%') {
			star = ++pattern;
			back = text;
			continue;
		}
		const char *rest = text, *behind = pattern;
		gunichar c = next_char(&rest);
		if (*pattern && take_element(&behind, c, fold)) {
			pattern = behind;
			text = rest;
		} else if (star) {
			next_char(&back);
			pattern = star;
			text = back;
		} else {
			return FALSE;
		}
	}
	while (*pattern == '%')
		pattern++;
	return !*pattern;
}

/* ---- numbers ---- */

static double
as_real(const struct cim_value *value)
{
	if (cim_type_is_real(value->type))
		return value->u.real;
	return cim_type_is_signed(value->type) ? (double)value->u.sint : (double)value->u.uint;
}

static gboolean
compare_reals(double a, double b, int *ret_order)
{
	*ret_order = (a > b) - (a < b);
	return a == a && b == b;
}

static gboolean
compare_numbers(const struct cim_value *a, const struct cim_value *b, int *ret_order)
{
	if (cim_type_is_real(a->type) || cim_type_is_real(b->type))
		return compare_reals(as_real(a), as_real(b), ret_order);
	gboolean a_minus = cim_type_is_signed(a->type) && a->u.sint < 0;
	gboolean b_minus = cim_type_is_signed(b->type) && b->u.sint < 0;
	if (a_minus != b_minus)
		*ret_order = a_minus ? -1 : 1;
	else if (a_minus)
		*ret_order = (a->u.sint > b->u.sint) - (a->u.sint < b->u.sint);
	else /* not negative: the same bits in both */
		*ret_order = (a->u.uint > b->u.uint) - (a->u.uint < b->u.uint);
	return TRUE;
}

/* WMI takes JobState = '7' too. */
static gboolean
number_of_text(const char *text, struct cim_value *ret_number)
{
	gboolean minus = *text == '-';
	enum cim_type type = strpbrk(text, ".eE") && !strpbrk(text, "xX") ? CIM_REAL64
			     : minus					  ? CIM_SINT64
									  : CIM_UINT64;
	return cim_value_parse(type, text, ret_number, NULL);
}

/* ---- one kind with another ---- */

struct side {
	const struct cim_value *value;
	const struct query_operand *from; /* of a literal: what its text also is */
};

static gboolean
is_text(const struct cim_value *value)
{
	return value->type == CIM_STRING && !value->is_embedded;
}

static gboolean
compare_times(const struct side *a, const struct side *b, int *ret_order)
{
	const struct side *sides[] = {a, b};
	struct cim_datetime times[2];
	for (guint i = 0; i < 2; i++) {
		if (sides[i]->from && sides[i]->from->is_time)
			times[i] = sides[i]->from->time;
		else if (!cim_datetime_parse(sides[i]->value->u.string, &times[i], NULL))
			return FALSE;
	}
	if (times[0].is_interval != times[1].is_interval)
		return FALSE;
	*ret_order = cim_datetime_compare(&times[0], &times[1]);
	return TRUE;
}

/* Only equal or not. */
static gboolean
compare_references(const struct side *a, const struct side *b, int *ret_order)
{
	const struct side *sides[] = {a, b};
	const struct cim_path *paths[2];
	cairn_auto(cim_path) made = NULL;
	for (guint i = 0; i < 2; i++) {
		const struct side *side = sides[i];
		if (side->value->type == CIM_REFERENCE)
			paths[i] = side->value->u.path;
		else if (side->from && side->from->segment_count == 0)
			paths[i] = side->from->path;
		else
			paths[i] = made = cim_path_parse(side->value->u.string, NULL);
	}
	if (!paths[0] || !paths[1])
		return FALSE;
	*ret_order = cim_path_equal(paths[0], paths[1]) ? 0 : 1;
	return TRUE;
}

static gboolean
boolean_of(const struct cim_value *value, gboolean *ret_boolean)
{
	struct cim_value parsed;
	if (value->type == CIM_BOOLEAN) {
		*ret_boolean = value->u.boolean != 0;
		return TRUE;
	}
	if (cim_type_is_number(value->type) && !cim_type_is_real(value->type)) {
		*ret_boolean = value->u.uint != 0;
		return value->u.uint <= 1;
	}
	if (!is_text(value) || !cim_value_parse(CIM_BOOLEAN, value->u.string, &parsed, NULL))
		return FALSE;
	*ret_boolean = parsed.u.boolean != 0;
	return TRUE;
}

static gboolean
compare_booleans(const struct cim_value *a, const struct cim_value *b, int *ret_order)
{
	gboolean x, y;
	if (!boolean_of(a, &x) || !boolean_of(b, &y))
		return FALSE;
	*ret_order = x - y;
	return TRUE;
}

/* A char16 is compared as text of one character, unless with a number. */
static const char *
text_of(const struct cim_value *value, char *buffer)
{
	if (value->type != CIM_CHAR16)
		return value->u.string;
	buffer[g_unichar_to_utf8((gunichar)value->u.uint, buffer)] = 0;
	return buffer;
}

static gboolean
compare_strings(const struct cim_value *a, const struct cim_value *b, gboolean fold, int *ret_order)
{
	char a_buffer[8], b_buffer[8];
	*ret_order = compare_texts(text_of(a, a_buffer), text_of(b, b_buffer), fold);
	return TRUE;
}

static gboolean
compare_with_number(const struct cim_value *a, const struct cim_value *b, int *ret_order)
{
	const struct cim_value *values[] = {a, b};
	struct cim_value numbers[2];
	for (guint i = 0; i < 2; i++) {
		numbers[i] = *values[i];
		if (values[i]->type == CIM_CHAR16)
			numbers[i].type = CIM_UINT16;
		else if (is_text(values[i]) && !number_of_text(values[i]->u.string, &numbers[i]))
			return FALSE;
	}
	return cim_type_is_number(numbers[0].type) && cim_type_is_number(numbers[1].type) &&
	       compare_numbers(&numbers[0], &numbers[1], ret_order);
}

static gboolean
either(const struct cim_value *a, const struct cim_value *b, enum cim_type type)
{
	return a->type == type || b->type == type;
}

static gboolean
textual(const struct cim_value *value)
{
	return is_text(value) || value->type == CIM_DATETIME || value->type == CIM_CHAR16;
}

gboolean
query_compare(enum query_language language, const struct cim_value *a,
	      const struct query_operand *a_from, const struct cim_value *b,
	      const struct query_operand *b_from, int *ret_order)
{
	const struct side x = {a, a_from}, y = {b, b_from};
	/* CQL converts nothing (DSP0202 5.4): text is text. */
	gboolean converts = language == QUERY_WQL;
	if (a->is_embedded || b->is_embedded)
		return FALSE;
	if (either(a, b, CIM_REFERENCE)) {
		gboolean fits = (a->type == CIM_REFERENCE || is_text(a)) &&
				(b->type == CIM_REFERENCE || is_text(b));
		return fits && compare_references(&x, &y, ret_order);
	}
	if (cim_type_is_number(a->type) && cim_type_is_number(b->type))
		return compare_numbers(a, b, ret_order);
	if (either(a, b, CIM_DATETIME))
		return textual(a) && textual(b) && !either(a, b, CIM_CHAR16) &&
		       compare_times(&x, &y, ret_order);
	if (textual(a) && textual(b))
		return compare_strings(a, b, converts, ret_order);
	if (either(a, b, CIM_BOOLEAN))
		return (converts || a->type == b->type) && compare_booleans(a, b, ret_order);
	return converts && compare_with_number(a, b, ret_order);
}
