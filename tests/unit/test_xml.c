/* The XML reader's limits and tolerance, and escaping. */
#include "base/error.h"
#include "wire/xml.h"

#include <string.h>

static struct xml_document *
parse(const char *text)
{
	g_autoptr(GError) error = NULL;
	struct xml_document *document = xml_parse(text, strlen(text), &error);
	g_assert_no_error(error);
	return document;
}

static void
refused(const char *data, gsize len, int code, const char *word)
{
	g_autoptr(GError) error = NULL;
	struct xml_document *document = xml_parse(data, len, &error);
	g_assert_null(document);
	g_assert_error(error, CAIRN_ERROR, code);
	if (word && !strstr(error->message, word))
		g_error("\"%s\" does not say \"%s\"", error->message, word);
}

static void
test_tree(void)
{
	cairn_auto(xml_document) document =
		parse("<?xml version='1.0' encoding='iso-8859-1'?>\n<!-- a -->\n"
		      "<s:a xmlns:s='urn:s' xmlns='urn:d' x='1' s:x='2 &lt;&amp;&#38;amp;&quot;'>\n"
		      "  <b>one<c/> two<![CDATA[ <three> ]]></b>\n  <b s:k=''>\xc3\xa9&#233;</b>\n"
		      "</s:a>");
	const struct xml_node *a = xml_root(document);
	g_assert_cmpstr(a->name, ==, "a");
	g_assert_cmpstr(a->ns, ==, "urn:s");
	g_assert_cmpstr(a->text, ==, "");
	g_assert_cmpstr(xml_attr(a, "x"), ==, "1");
	g_assert_cmpstr(xml_attr_ns(a, "urn:s", "x"), ==, "2 <&&amp;\"");
	g_assert_null(xml_attr(a, "y"));
	const struct xml_node *b = xml_child(a, "urn:d", "b");
	g_assert_cmpstr(b->text, ==, "one two <three> ");
	g_assert_true(b->parent == a);
	g_assert_cmpstr(xml_child(b, NULL, "c")->text, ==, "");
	b = xml_sibling(b, NULL, "b");
	g_assert_cmpstr(b->text, ==, "\xc3\xa9\xc3\xa9");
	g_assert_cmpstr(xml_attr(b, "k"), ==, "");
	g_assert_null(xml_sibling(b, NULL, "b"));
	g_assert_null(xml_child(a, "urn:s", "b"));
}

static void
test_utf16(void)
{
	const char text[] = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>\xd0\x96</a>";
	glong count;
	g_autofree gunichar2 *units = g_utf8_to_utf16(text, -1, NULL, &count, NULL);
	for (guint mode = 0; mode < 4; mode++) {
		g_autoptr(GByteArray) bytes = g_byte_array_new();
		const guint8 mark[] = {mode & 1 ? 0xfe : 0xff, mode & 1 ? 0xff : 0xfe};
		if (mode & 2)
			g_byte_array_append(bytes, mark, 2);
		for (glong i = 0; i < count; i++) {
			guint8 low = units[i] & 0xff, high = units[i] >> 8;
			g_byte_array_append(bytes, mode & 1 ? &high : &low, 1);
			g_byte_array_append(bytes, mode & 1 ? &low : &high, 1);
		}
		cairn_auto(xml_document) document =
			xml_parse((const char *)bytes->data, bytes->len, NULL);
		g_assert_nonnull(document);
		g_assert_cmpstr(xml_root(document)->text, ==, "\xd0\x96");
		refused((const char *)bytes->data, bytes->len - 1, CAIRN_ERROR_INVALID, "UTF-16");
	}
}

static void
test_refused(void)
{
	static const struct {
		const char *text, *word;
	} cases[] = {
		{"", NULL},
		{" ", NULL},
		{"<a>", "line 1"},
		{"<a></b>", NULL},
		{"<a/><b/>", NULL},
		{"<a>\n\n&undeclared;</a>", "line 3"},
		{"<a x='1' x='2'/>", NULL},
		{"<a>\xff</a>", NULL},
		{"<a>&#1;</a>", NULL},
		{"<a>\x01</a>", NULL},
		{"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "DOCTYPE"},
		{"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "DOCTYPE"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		refused(cases[i].text, strlen(cases[i].text), CAIRN_ERROR_INVALID, cases[i].word);
	refused("<a>\0</a>", 8, CAIRN_ERROR_INVALID, "NUL");
	cairn_auto(xml_document) document = xml_parse("<a/>\0", 5, NULL);
	g_assert_nonnull(document);
}

/* '%' in @piece is a number that counts. */
static char *
repeated(const char *before, const char *piece, guint count, const char *after)
{
	GString *text = g_string_new(before);
	for (guint i = 0; i < count; i++)
		for (const char *p = piece; *p; p++)
			if (*p == '%')
				g_string_append_printf(text, "%u", i);
			else
				g_string_append_c(text, *p);
	g_string_append(text, after);
	return g_string_free(text, FALSE);
}

static void
test_limits(void)
{
	g_autofree char *deep = repeated("", "<a>", XML_DEPTH_MAX + 1, "");
	g_autofree char *deeper = repeated("", "<a>", 1000000, "");
	g_autofree char *wide = repeated("<a>", "<b/>", XML_NODES_MAX, "</a>");
	g_autofree char *attributes = repeated("<a", " b%=''", 200000, "/>");
	g_autofree char *namespaces = repeated("<a", " xmlns:b%='u'", 200000, "/>");
	g_autofree char *name = repeated("<a", "a", XML_NAME_MAX, "/>");
	g_autofree char *attribute_name = repeated("<a ", "a", XML_NAME_MAX + 1, "='1'/>");
	char *const bad[] = {deep, deeper, wide, attributes, namespaces, name, attribute_name};
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		refused(bad[i], strlen(bad[i]), CAIRN_ERROR_LIMIT, NULL);

	g_autofree char *many = repeated("<a", " b%='='", XML_ATTRIBUTES_MAX, "/>");
	cairn_auto(xml_document) document = parse(many);
	g_assert_cmpuint(xml_root(document)->attribute_count, ==, XML_ATTRIBUTES_MAX);
	g_autofree char *text = repeated("<a>", "= <![CDATA[<b c=']]><!--<-->", 100, "</a>");
	cairn_auto(xml_document) mixed = parse(text);
	g_assert_nonnull(strstr(xml_root(mixed)->text, "<b c='= <b"));
}

/* Attributes that a lexer which lost its way takes for some: each is refused at once, without the
 * ten seconds that libxml2 needs to compare them. */
static void
test_hidden(void)
{
	static const char *const before[] = {"<r><a x=\"<b",
					     "<r><!-- \x01 <b",
					     "<r><!-- \xef\xbf\xbf <b",
					     "<r><!-- \xff <b",
					     "<r><![CDATA[ \xef\xbf\xbe <b",
					     "<r><?a \x01 <b",
					     "<r><?1 <b",
					     "<r><?xml <b",
					     "<?xml <b",
					     "<r><!x <b",
					     "<r><1 <b",
					     "<r>&1 <b",
					     "<r></x <b",
					     "<r>]]> <b"};
	for (guint i = 0; i < G_N_ELEMENTS(before); i++) {
		g_autofree char *text = repeated(before[i], " b%=''", 200000, "/> --> ]]> ?></r>");
		cairn_auto(xml_document) document = xml_parse(text, strlen(text), NULL);
		g_assert_null(document);
	}
	g_autofree char *deep = repeated("", "<a xmlns:a%=''>", XML_DEPTH_MAX, "");
	refused(deep, strlen(deep), CAIRN_ERROR_INVALID, NULL);
	GString *wide = g_string_new(NULL);
	for (guint i = 0; i < XML_NAMESPACES_MAX / 50 + 1; i++) {
		g_autofree char *element = repeated("<a", " xmlns:b%='u'", 50, ">");
		g_string_append(wide, element);
	}
	g_autofree char *namespaces = g_string_free(wide, FALSE);
	refused(namespaces, strlen(namespaces), CAIRN_ERROR_LIMIT, "namespaces");
}

static void
test_truncated(void)
{
	const char text[] =
		"<?xml version='1.0'?><a b='c&amp;'><![CDATA[x]]><!-- y -->\xc3\xa9</a>";
	for (gsize len = 0; len < sizeof text - 1; len++) {
		g_autofree char *exact = g_memdup2(text, len);
		cairn_auto(xml_document) document = xml_parse(exact, len, NULL);
		g_assert_null(document);
	}
}

static void
test_escape(void)
{
	static const struct {
		const char *value, *content, *attribute;
	} cases[] = {
		{"", "", ""},
		{"plain", "plain", "plain"},
		{"a<b>&\"'", "a&lt;b&gt;&amp;\"'", "a&lt;b&gt;&amp;&quot;'"},
		{"\t\n\r", "\t\n&#13;", "&#9;&#10;&#13;"},
		{"\x01x\x1f", "\xef\xbf\xbdx\xef\xbf\xbd", "\xef\xbf\xbdx\xef\xbf\xbd"},
		{"\xc3\xa9\xf0\x9f\x99\x82", "\xc3\xa9\xf0\x9f\x99\x82",
		 "\xc3\xa9\xf0\x9f\x99\x82"},
		{"\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) content = g_string_new(NULL);
		g_autoptr(GString) attribute = g_string_new(NULL);
		xml_escape(content, cases[i].value, -1);
		xml_escape_attr(attribute, cases[i].value, -1);
		g_assert_cmpstr(content->str, ==, cases[i].content);
		g_assert_cmpstr(attribute->str, ==, cases[i].attribute);
	}
	g_autoptr(GString) part = g_string_new(NULL);
	xml_escape(part, "a\0b\xc3\xa9", 4); /* cuts the last character */
	g_assert_cmpstr(part->str, ==,
			"a\xef\xbf\xbd"
			"b\xef\xbf\xbd");
}

static void
test_print(void)
{
	cairn_auto(xml_document) document =
		parse("<p:a xmlns:p='urn:p' xmlns:q='urn:q' q:r='&quot;' xml:lang='fr'><b>&lt;</b>"
		      "<p:c/></p:a>");
	g_autoptr(GString) text = g_string_new(NULL);
	xml_print(xml_root(document), text);
	cairn_auto(xml_document) again = parse(text->str);
	const struct xml_node *a = xml_root(again);
	g_assert_cmpstr(a->ns, ==, "urn:p");
	g_assert_cmpstr(xml_attr_ns(a, "urn:q", "r"), ==, "\"");
	g_assert_cmpstr(xml_attr(a, "lang"), ==, "fr");
	g_assert_null(xml_child(a, NULL, "b")->ns);
	g_assert_cmpstr(xml_child(a, NULL, "b")->text, ==, "<");
	g_assert_cmpstr(xml_child(a, "urn:p", "c")->text, ==, "");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/xml/tree", test_tree);
	g_test_add_func("/xml/utf16", test_utf16);
	g_test_add_func("/xml/refused", test_refused);
	g_test_add_func("/xml/limits", test_limits);
	g_test_add_func("/xml/hidden", test_hidden);
	g_test_add_func("/xml/truncated", test_truncated);
	g_test_add_func("/xml/escape", test_escape);
	g_test_add_func("/xml/print", test_print);
	return g_test_run();
}
