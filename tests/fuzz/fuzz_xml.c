/* The XML reader, and what it read printed and read again. */
#include "fuzz.h"
#include "wire/xml.h"

#include <string.h>

static const char *const seeds[] = {
	"<?xml version=\"1.0\" encoding=\"utf-8\"?><CIM CIMVERSION=\"2.0\"><MESSAGE "
	"ID=\"1\"/></CIM>",
	"<s:a xmlns:s='urn:s' s:b='&lt;&amp;&#233;'><![CDATA[<x>]]><!-- c --><b "
	"xml:lang='fr'/></s:a>",
	"\xef\xbb\xbf<a>\xd0\x96 &quot; text<b> </b></a>",
	"<!DOCTYPE a [<!ENTITY b '&c;&c;'><!ENTITY c 'd'>]><a>&b;</a>",
	"<a><b><c><d><e><f g='1' h='2' i='3'/></e></d></c></b></a>",
};

GPtrArray *
fuzz_seeds(void)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(seeds); i++)
		g_ptr_array_add(list, g_bytes_new_static(seeds[i], strlen(seeds[i])));
	g_ptr_array_add(list, g_bytes_new_static("\xff\xfe<\0a\0/\0>\0", 10));
	return list;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(xml_document) document = xml_parse((const char *)data, len, &error);
	g_assert((document != NULL) != (error != NULL));
	if (!document)
		return 0;
	g_autoptr(GString) text = g_string_new(NULL);
	xml_print(xml_root(document), text);
	cairn_auto(xml_document) again = xml_parse(text->str, text->len, &error);
	if (!again)
		g_error("printed XML is refused: %s", error->message);
	g_assert_cmpstr(xml_root(again)->name, ==, xml_root(document)->name);
	return 0;
}
