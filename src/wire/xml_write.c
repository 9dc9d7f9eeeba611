/* XML out: escaping, and trees as text again. */
#include "wire/xml.h"

#include <string.h>

#define XML_NS "http://www.w3.org/XML/1998/namespace" /* the prefix xml is always bound to it */

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* What is to be done with a byte. XML 1.0 section 2.2 has no control characters but tab, newline
 * and carriage return; a parser turns the last one into a newline unless it is a reference. */
enum { PLAIN, CONTROL, MARKUP, RETURN, ATTRIBUTE, HIGH };

#define EIGHT(x) x, x, x, x, x, x, x, x
#define HIGH64                                                                                     \
	EIGHT(HIGH), EIGHT(HIGH), EIGHT(HIGH), EIGHT(HIGH), EIGHT(HIGH), EIGHT(HIGH), EIGHT(HIGH), \
		EIGHT(HIGH)

static const guint8 classes[256] = {
	/* 0 */ EIGHT(CONTROL),
	/* 8 */ CONTROL,
	ATTRIBUTE,
	ATTRIBUTE,
	CONTROL,
	CONTROL,
	RETURN,
	CONTROL,
	CONTROL,
	/* 16 */ EIGHT(CONTROL),
	EIGHT(CONTROL),
	['"'] = ATTRIBUTE,
	['&'] = MARKUP,
	['<'] = MARKUP,
	['>'] = MARKUP,
	[128] = HIGH64,
	HIGH64,
};

/* Bytes of the character at @p that XML can carry, 0 when there is none. */
static gsize
good_character(const char *p, const char *end)
{
	gunichar c = g_utf8_get_char_validated(p, end - p);
	if (c == (gunichar)-1 || c == (gunichar)-2 || c == 0xfffe || c == 0xffff)
		return 0;
	return (gsize)(g_utf8_next_char(p) - p);
}

const char *
xml_find_bad(const char *text, gsize len)
{
	const char *end = text + len;
	while (text < end) {
		guint8 class = classes[(guint8)*text];
		gsize good = class == HIGH ? good_character(text, end) : class != CONTROL;
		if (!good)
			return text;
		text += good;
	}
	return NULL;
}

static const char *
reference_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		return replacement;
	}
}

static void
escape(GString *text, const char *value, gssize len, gboolean in_attribute)
{
	const char *p = value, *run = value;
	const char *end = value + (len < 0 ? strlen(value) : (gsize)len);
	while (p < end) {
		guint8 class = classes[(guint8)*p];
		if (class == PLAIN || (class == ATTRIBUTE && !in_attribute)) {
			p++;
			continue;
		}
		gsize good = class == HIGH ? good_character(p, end) : 0;
		if (good) {
			p += good;
			continue;
		}
		xml_put(text, run, (gsize)(p - run));
		xml_put_text(text, reference_of(*p));
		run = ++p;
	}
	xml_put(text, run, (gsize)(p - run));
}

void
xml_escape(GString *text, const char *value, gssize len)
{
	escape(text, value, len, FALSE);
}

void
xml_escape_attr(GString *text, const char *value, gssize len)
{
	escape(text, value, len, TRUE);
}

char *
xml_message(const char *text)
{
	gsize len = strlen(text);
	if (len <= XML_MESSAGE_MAX)
		return g_strdup(text);
	for (len = XML_MESSAGE_MAX; len > 0 && ((guint8)text[len] & 0xc0) == 0x80; len--)
		;
	return g_strndup(text, len);
}

/* ---- trees ---- */

static void
print_attribute(const struct xml_attribute *attribute, guint number, GString *text)
{
	if (!attribute->ns) {
		g_string_append_printf(text, " %s=\"", attribute->name);
	} else if (strcmp(attribute->ns, XML_NS) == 0) {
		g_string_append_printf(text, " xml:%s=\"", attribute->name);
	} else {
		g_string_append_printf(text, " xmlns:a%u=\"", number);
		xml_escape_attr(text, attribute->ns, -1);
		g_string_append_printf(text, "\" a%u:%s=\"", number, attribute->name);
	}
	xml_escape_attr(text, attribute->value, -1);
	g_string_append_c(text, '"');
}

/* @ns is the default namespace where it stands. Depth is that of a parsed tree: limited. */
static void
print_node(const struct xml_node *node, const char *ns, GString *text)
{
	g_string_append_printf(text, "<%s", node->name);
	if (g_strcmp0(node->ns, ns) != 0) {
		g_string_append(text, " xmlns=\"");
		xml_escape_attr(text, node->ns ? node->ns : "", -1);
		g_string_append_c(text, '"');
	}
	for (guint i = 0; i < node->attribute_count; i++)
		print_attribute(&node->attributes[i], i, text);
	g_string_append_c(text, '>');
	xml_escape(text, node->text, -1);
	for (const struct xml_node *child = node->first; child; child = child->next)
		print_node(child, node->ns, text);
	g_string_append_printf(text, "</%s>", node->name);
}

void
xml_print(const struct xml_node *node, GString *text)
{
	print_node(node, NULL, text);
}
