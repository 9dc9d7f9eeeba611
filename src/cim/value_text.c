/* Text to values and back, and values to other types. */
#include "base/error.h"
#include "cim/datetime.h"
#include "cim/path.h"
#include "cim/value.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define NUMBER_TEXT_MAX 80 /* characters of a number: a binary uint64 with sign and blanks */

static void
print_real(const struct cim_value *value, GString *text)
{
	char buffer[G_ASCII_DTOSTR_BUF_SIZE];
	if (isnan(value->u.real))
		g_string_append(text, "NaN");
	else if (isinf(value->u.real))
		g_string_append(text, value->u.real > 0 ? "INF" : "-INF");
	else
		g_string_append(text, g_ascii_formatd(buffer, sizeof buffer,
						      value->type == CIM_REAL32 ? "%.9g" : "%.17g",
						      value->u.real));
}

static void
print_uint(guint64 number, GString *text)
{
	char digits[24];
	guint at = sizeof digits;
	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10));
	g_string_append_len(text, digits + at, (gssize)(sizeof digits - at));
}

static void
print_sint(gint64 number, GString *text)
{
	if (number < 0)
		g_string_append_c(text, '-');
	print_uint(number < 0 ? -(guint64)number : (guint64)number, text);
}

static void
print_path(const struct cim_path *path, GString *text)
{
	g_autofree char *printed = cim_path_print(path);
	g_string_append(text, printed);
}

void
cim_value_print(const struct cim_value *value, GString *text)
{
	g_assert(value->is_set && !value->is_array && !value->is_embedded);
	if (value->type == CIM_STRING || value->type == CIM_DATETIME)
		g_string_append(text, value->u.string);
	else if (value->type == CIM_BOOLEAN)
		g_string_append(text, value->u.boolean ? "TRUE" : "FALSE");
	else if (value->type == CIM_CHAR16)
		g_string_append_unichar(text, (gunichar)value->u.uint);
	else if (cim_type_is_unsigned(value->type))
		print_uint(value->u.uint, text);
	else if (cim_type_is_signed(value->type))
		print_sint(value->u.sint, text);
	else if (cim_type_is_real(value->type))
		print_real(value, text);
	else
		print_path(value->u.path, text);
}

/* ---- parsing ---- */

static gboolean
not_one(enum cim_type type, const char *text, GError **error)
{
	g_autofree char *shown = g_utf8_make_valid(text, MIN(strlen(text), NUMBER_TEXT_MAX));
	return cairn_fail(error, CAIRN_ERROR_INVALID, "\"%s\" is no %s", shown,
			  cim_type_name(type));
}

static gboolean
parse_boolean(const char *text, struct cim_value *ret_value)
{
	static const char *const words[] = {"false", "true", "0", "1"};
	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_ascii_strcasecmp(text, words[i]) == 0) {
			*ret_value = cim_boolean(i & 1);
			return TRUE;
		}
	return FALSE;
}

/* Digits after the sign: decimal, 0x hex, binary that ends in b, octal that begins with 0 (DSP0004
 * A.1). A leading zero of a text like "08" is no octal number: decimal then, as clients pad. */
static gboolean
parse_digits(const char *digits, guint64 *ret_number)
{
	gsize len = strlen(digits);
	guint base = 10;
	char *end = NULL;
	if (len == 0 || len > NUMBER_TEXT_MAX || !g_ascii_isxdigit(*digits))
		return FALSE;
	if (digits[0] == '0' && (digits[1] | 0x20) == 'x') {
		if (!g_ascii_isxdigit(digits[2]))
			return FALSE;
		base = 16;
	} else if ((digits[len - 1] | 0x20) == 'b' && strspn(digits, "01") == len - 1) {
		base = 2;
	} else if (digits[0] == '0' && len > 1 && strspn(digits, "01234567") == len) {
		base = 8;
	}
	errno = 0;
	*ret_number = g_ascii_strtoull(digits, &end, base);
	/* the b of a binary number is where its digits end */
	return errno == 0 && (base == 2 ? end == digits + len - 1 : *end == '\0');
}

static guint
bits_of(enum cim_type type)
{
	static const guint8 bits[CIM_TYPE_LAST] = {
		[CIM_UINT8] = 8,   [CIM_UINT16] = 16, [CIM_UINT32] = 32,
		[CIM_UINT64] = 64, [CIM_SINT8] = 8,   [CIM_SINT16] = 16,
		[CIM_SINT32] = 32, [CIM_SINT64] = 64, [CIM_CHAR16] = 16,
	};
	return bits[type];
}

static gboolean
fits_unsigned(enum cim_type type, guint64 number)
{
	return bits_of(type) == 64 || number >> bits_of(type) == 0;
}

static gboolean
fits_signed(enum cim_type type, gboolean negative, guint64 magnitude)
{
	guint64 top = G_GUINT64_CONSTANT(1) << (bits_of(type) - 1);
	return magnitude < top || (negative && magnitude == top);
}

static gboolean
parse_integer(enum cim_type type, const char *text, struct cim_value *ret_value)
{
	gboolean negative = *text == '-';
	guint64 number;
	if (!parse_digits(text + (*text == '-' || *text == '+'), &number))
		return FALSE;
	if (cim_type_is_signed(type)) {
		if (!fits_signed(type, negative, number))
			return FALSE;
		*ret_value = cim_sint(type, (gint64)(negative ? -number : number));
		return TRUE;
	}
	if (!fits_unsigned(type, number) || (negative && number))
		return FALSE;
	*ret_value = cim_uint(type, number);
	return TRUE;
}

/* One character, as DSP0201 has it, or its number, as DSP0230 does. */
static gboolean
parse_char16(const char *text, struct cim_value *ret_value)
{
	if (*text && g_utf8_validate(text, -1, NULL) && *g_utf8_next_char(text) == '\0') {
		gunichar character = g_utf8_get_char(text);
		if (character > G_MAXUINT16)
			return FALSE;
		*ret_value = cim_uint(CIM_CHAR16, character);
		return TRUE;
	}
	return parse_integer(CIM_CHAR16, text, ret_value);
}

static gboolean
parse_real(enum cim_type type, const char *text, struct cim_value *ret_value)
{
	char *end = NULL;
	if (strlen(text) > NUMBER_TEXT_MAX || *text == '\0' || g_ascii_isspace(*text))
		return FALSE;
	double number = g_ascii_strtod(text, &end);
	if (*end)
		return FALSE;
	*ret_value = cim_real(type, type == CIM_REAL32 ? (double)(float)number : number);
	return TRUE;
}

static gboolean
parse_datetime(const char *text, struct cim_value *ret_value, GError **error)
{
	struct cim_datetime time;
	char buffer[CIM_DATETIME_LEN + 1];
	if (!cim_datetime_from_xs(text, &time, error))
		return FALSE;
	cim_datetime_print(&time, buffer);
	*ret_value = cim_datetime(buffer);
	return TRUE;
}

static gboolean
parse_path(const char *text, struct cim_value *ret_value, GError **error)
{
	struct cim_path *path = cim_path_parse(text, error);
	if (path)
		*ret_value = cim_reference_take(path);
	return path != NULL;
}

gboolean
cim_value_parse(enum cim_type type, const char *text, struct cim_value *ret_value, GError **error)
{
	gboolean ok;
	if (type == CIM_STRING) {
		*ret_value = cim_string(text);
		return TRUE;
	}
	g_autofree char *word = g_strstrip(g_strdup(text));
	if (type == CIM_DATETIME)
		return parse_datetime(word, ret_value, error);
	if (type == CIM_REFERENCE)
		return parse_path(word, ret_value, error);
	if (type == CIM_BOOLEAN)
		ok = parse_boolean(word, ret_value);
	else if (type == CIM_CHAR16)
		ok = parse_char16(*word ? word : text, ret_value);
	else if (cim_type_is_real(type))
		ok = parse_real(type, word, ret_value);
	else
		ok = bits_of(type) && parse_integer(type, word, ret_value);
	return ok || not_one(type, word, error);
}

/* ---- coercion ---- */

static gboolean
coerce_scalar(struct cim_value *value, enum cim_type type, GError **error)
{
	struct cim_value made;
	if (!value->is_set || value->type == type) {
		value->type = (guint8)type;
		return TRUE;
	}
	if (value->is_embedded)
		return not_one(type, "an instance", error);
	g_autoptr(GString) text = g_string_new(NULL);
	cim_value_print(value, text);
	if (!cim_value_parse(type, text->str, &made, error))
		return FALSE;
	cim_value_clear(value);
	*value = made;
	return TRUE;
}

/* To an array of one, or from it. */
static gboolean
coerce_shape(struct cim_value *value, gboolean is_array, GError **error)
{
	if (!value->is_set || value->is_array == (is_array != 0)) {
		value->is_array = is_array != 0;
		return TRUE;
	}
	if (is_array) {
		struct cim_value array = cim_array(value->type, 1);
		array.u.items[0] = *value;
		*value = array;
		return TRUE;
	}
	if (value->count != 1)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "an array of %u values stands where one value is due",
				  value->count);
	struct cim_value *items = value->u.items;
	*value = items[0];
	g_free(items);
	return TRUE;
}

gboolean
cim_value_coerce(struct cim_value *value, enum cim_type type, gboolean is_array, GError **error)
{
	struct cim_value copy;
	cim_value_copy(value, &copy);
	gboolean ok = TRUE;
	if (copy.is_array && copy.is_set) {
		for (guint i = 0; ok && i < copy.count; i++)
			ok = coerce_scalar(&copy.u.items[i], type, error);
		copy.type = (guint8)type;
	} else {
		ok = coerce_scalar(&copy, type, error);
	}
	ok = ok && coerce_shape(&copy, is_array, error);
	if (!ok) {
		cim_value_clear(&copy);
		return FALSE;
	}
	cim_value_clear(value);
	*value = copy;
	return TRUE;
}
