/* The tree of an XML document, made in one arena by libxml2's SAX2 callbacks. What goes out is
 * xml_write.c's. */
#include "wire/xml.h"

#include "base/error.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/SAX2.h>
#include <string.h>

#define XML_BYTES_MAX	 (64 << 20) /* of one document */
#define ARENA_BLOCK	 65536
#define ARENA_FIRST_MIN	 4096
#define ARENA_ALIGNMENT	 8
#define MESSAGE_TEXT_MAX 160 /* bytes of libxml2's words in an error */

struct block {
	struct block *before;
	gsize used, size;
	char bytes[];
};

struct xml_document {
	struct block *block;
	xmlDictPtr names; /* owns the names and URIs that nodes point to */
	struct xml_node *root;
};

/* ---- arena ---- */

static void
arena_grow(struct xml_document *document, gsize size)
{
	struct block *block = g_malloc(sizeof *block + size);
	block->before = document->block;
	block->used = 0;
	block->size = size;
	document->block = block;
}

static void *
arena_take(struct xml_document *document, gsize size)
{
	size = (size + ARENA_ALIGNMENT - 1) & ~(gsize)(ARENA_ALIGNMENT - 1);
	if (document->block->size - document->block->used < size)
		arena_grow(document, MAX(size, ARENA_BLOCK));
	void *taken = document->block->bytes + document->block->used;
	document->block->used += size;
	return taken;
}

static char *
arena_text(struct xml_document *document, const char *text, gsize len)
{
	char *copy = arena_take(document, len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void
xml_document_free(struct xml_document *document)
{
	if (!document)
		return;
	for (struct block *block = document->block, *before; block; block = before) {
		before = block->before;
		g_free(block);
	}
	if (document->names)
		xmlDictFree(document->names);
	g_free(document);
}

const struct xml_node *
xml_root(const struct xml_document *document)
{
	return document->root;
}

/* ---- before libxml2 sees it ---- */

static gboolean
broken(const char *data, const char *at, const char *what, GError **error)
{
	guint line = 1;
	for (const char *p = data; p < at; p++)
		line += *p == '\n';
	return cairn_fail(error, CAIRN_ERROR_INVALID, "XML line %u: %s", line, what);
}

/* Behind the comment, CDATA section or XML declaration at @p; NULL when it is none or has no end.
 */
static const char *
skip_special(const char *p, const char *end)
{
	static const char *const pairs[][2] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
	for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
		gsize opening = strlen(pairs[i][0]), closing = strlen(pairs[i][1]);
		if ((gsize)(end - p) < opening || memcmp(p, pairs[i][0], opening) != 0)
			continue;
		const char *close =
			memmem(p + opening, (gsize)(end - p) - opening, pairs[i][1], closing);
		return close ? close + closing : NULL;
	}
	return NULL;
}

/* Behind the tag at @p, and how many '=' it has outside of quotes; NULL when it has no end or a '<'
 * inside. */
static const char *
skip_tag(const char *p, const char *end, guint *ret_count)
{
	char quote = '\0';
	*ret_count = 0;
	for (p++; p < end && *p != '<'; p++) {
		if (quote)
			quote = *p == quote ? '\0' : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '>')
			return p + 1;
		else if (*p == '=')
			++*ret_count;
	}
	return NULL;
}

/* libxml2 compares each attribute of an element with all before it: 200,000 of them keep it busy
 * for ten seconds before it tells us. So they are counted first. What makes its lexer lose its way
 * and take a comment's content for tags is refused here, or attributes could hide from the count:
 * bad characters, a '<' in a tag, processing instructions (SOAP has none, nor CIM-XML). */
static gboolean
check_markup(const char *data, gsize len, GError **error)
{
	const char *p = xml_find_bad(data, len), *end = data + len;
	if (p)
		return broken(data, p, "a character that XML has not", error);
	for (p = data; p < end && (p = memchr(p, '<', (gsize)(end - p)));) {
		guint count = 0;
		const char *at = p;
		if (p + 9 <= end && memcmp(p, "<!DOCTYPE", 9) == 0)
			return broken(data, p, "a DOCTYPE is not accepted", error);
		if (p + 1 < end && (p[1] == '!' || (p[1] == '?' && p == data)))
			p = skip_special(p, end);
		else
			p = p + 1 < end && p[1] == '?' ? NULL : skip_tag(p, end, &count);
		if (!p || (at[1] == '?' && memchr(at + 1, '<', (gsize)(p - at) - 1)))
			return broken(data, at, "markup that is not accepted", error);
		if (count > XML_ATTRIBUTES_MAX)
			return cairn_fail(error, CAIRN_ERROR_LIMIT,
					  "an XML element has at most %d attributes",
					  XML_ATTRIBUTES_MAX);
	}
	return TRUE;
}

static char *
from_utf16(const char *data, gsize len, gboolean big, gsize *ret_len, GError **error)
{
	glong read = 0, written = 0;
	gsize count = len / 2;
	g_autofree gunichar2 *units = g_new(gunichar2, count + 1);
	memcpy(units, data, count * 2);
	for (gsize i = 0; i < count; i++)
		units[i] = big ? GUINT16_FROM_BE(units[i]) : GUINT16_FROM_LE(units[i]);
	char *text = g_utf16_to_utf8(units, (glong)count, &read, &written, NULL);
	if (!text || (gsize)read != count || len % 2) {
		g_free(text);
		cairn_fail(error, CAIRN_ERROR_INVALID, "the XML is broken UTF-16");
		return NULL;
	}
	*ret_len = (gsize)written;
	return text;
}

/* UTF-8 without byte order mark; points into @data, or to *@ret_made. The encoding that a
 * declaration names is not believed: text that came in a string names the one it had before. */
static const char *
to_utf8(const char *data, gsize *len, char **ret_made, GError **error)
{
	if (!data) /* an empty GBytes */
		data = "";
	gboolean little =
		*len >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "<\0", 2) == 0);
	gboolean big =
		*len >= 2 && (memcmp(data, "\xfe\xff", 2) == 0 || memcmp(data, "\0<", 2) == 0);
	if (little || big) {
		data = *ret_made = from_utf16(data, *len, big, len, error);
		if (!data)
			return NULL;
	}
	while (*len > 0 && data[*len - 1] == '\0') /* some clients count their NUL */
		--*len;
	if (*len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		data += 3;
		*len -= 3;
	}
	if (memchr(data, '\0', *len)) { /* libxml2 would take it for the end */
		cairn_fail(error, CAIRN_ERROR_INVALID, "the XML has a NUL byte");
		return NULL;
	}
	return data;
}

/* ---- building ---- */

struct open_element {
	struct xml_node *node, *last; /* last child */
	gsize text_start;
};

struct builder {
	xmlParserCtxtPtr parser;
	struct xml_document *document;
	struct open_element open[XML_DEPTH_MAX];
	guint depth, nodes;
	GString *text; /* of all open elements, one behind the other */
	GError *error;
};

G_GNUC_PRINTF(3, 4)
static void
stop(struct builder *builder, enum cairn_error_code code, const char *format, ...)
{
	va_list args;
	if (!builder->error) {
		va_start(args, format);
		g_autofree char *what = g_strdup_vprintf(format, args);
		va_end(args);
		cairn_fail(&builder->error, code, "XML line %d: %s",
			   xmlSAX2GetLineNumber(builder->parser), what);
	}
	xmlStopParser(builder->parser);
}

static gboolean
check_start(struct builder *builder, const char *name, int attributes)
{
	if (builder->error)
		return FALSE;
	if (builder->depth >= XML_DEPTH_MAX)
		stop(builder, CAIRN_ERROR_LIMIT, "elements are at most %d deep", XML_DEPTH_MAX);
	else if (++builder->nodes > XML_NODES_MAX)
		stop(builder, CAIRN_ERROR_LIMIT, "a document has at most %d elements",
		     XML_NODES_MAX);
	else if (attributes > XML_ATTRIBUTES_MAX)
		stop(builder, CAIRN_ERROR_LIMIT, "an element has at most %d attributes",
		     XML_ATTRIBUTES_MAX);
	else if (builder->parser->nsNr > 2 * XML_NAMESPACES_MAX) /* prefixes and URIs */
		stop(builder, CAIRN_ERROR_LIMIT, "at most %d namespaces are declared at once",
		     XML_NAMESPACES_MAX);
	else if (strlen(name) > XML_NAME_MAX)
		stop(builder, CAIRN_ERROR_LIMIT, "a name has at most %d bytes", XML_NAME_MAX);
	return !builder->error;
}

/* Without XML_PARSE_NOENT libxml2 gives each '&' of an attribute as "&#38;", for a second pass that
 * we do not make. */
static void
undo_ampersands(char *value)
{
	static const char written[] = "&#38;";
	char *to = strchr(value, '&');
	for (const char *from = to; from && *from;) {
		*to++ = *from;
		from += g_str_has_prefix(from, written) ? sizeof written - 1 : 1;
	}
	if (to)
		*to = '\0';
}

/* Five pointers each: local name, prefix, URI, first byte of the value, its end. */
static void
add_attributes(struct builder *builder, struct xml_node *node, guint count, const xmlChar **given)
{
	node->attribute_count = count;
	node->attributes = arena_take(builder->document, count * sizeof *node->attributes);
	for (guint i = 0; i < count; i++, given += 5) {
		char *value = arena_text(builder->document, (const char *)given[3],
					 (gsize)(given[4] - given[3]));
		undo_ampersands(value);
		node->attributes[i] = (struct xml_attribute){(const char *)given[0],
							     (const char *)given[2], value};
		if (strlen((const char *)given[0]) > XML_NAME_MAX)
			stop(builder, CAIRN_ERROR_LIMIT, "a name has at most %d bytes",
			     XML_NAME_MAX);
	}
}

static void
link_node(struct builder *builder, struct xml_node *node)
{
	struct open_element *parent = builder->depth ? &builder->open[builder->depth - 1] : NULL;
	if (!parent)
		builder->document->root = node;
	else if (parent->last)
		parent->last->next = node;
	else
		parent->node->first = node;
	if (parent) {
		parent->last = node;
		node->parent = parent->node;
	}
}

static void
on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	 int namespace_count, const xmlChar **namespaces, int attribute_count, int defaulted,
	 const xmlChar **attributes)
{
	struct builder *builder = data;
	if (!check_start(builder, (const char *)name, attribute_count))
		return;
	struct xml_node *node = arena_take(builder->document, sizeof *node);
	*node = (struct xml_node){.name = (const char *)name, .ns = (const char *)uri, .text = ""};
	add_attributes(builder, node, (guint)attribute_count, attributes);
	link_node(builder, node);
	builder->open[builder->depth++] =
		(struct open_element){.node = node, .text_start = builder->text->len};
}

static gboolean
is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

static void
on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct builder *builder = data;
	if (builder->error || builder->depth == 0)
		return;
	struct open_element *open = &builder->open[--builder->depth];
	const char *text = builder->text->str + open->text_start;
	gsize len = builder->text->len - open->text_start;
	/* Blanks between elements are layout. */
	if (len && !(open->node->first && is_blank(text)))
		open->node->text = arena_text(builder->document, text, len);
	g_string_truncate(builder->text, open->text_start);
}

static void
on_text(void *data, const xmlChar *text, int len)
{
	struct builder *builder = data;
	if (!builder->error && builder->depth)
		g_string_append_len(builder->text, (const char *)text, len);
}

static void
on_doctype(void *data, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	stop(data, CAIRN_ERROR_INVALID, "a DOCTYPE is not accepted");
}

/* Namespace errors (a prefix that was not declared) are forgiven: the name has no namespace then.
 */
static void
on_problem(void *data, xmlErrorPtr problem)
{
	struct builder *builder = data;
	if (builder->error || problem->level != XML_ERR_FATAL)
		return;
	g_autofree char *what = g_utf8_make_valid(
		problem->message, (gssize)strnlen(problem->message, MESSAGE_TEXT_MAX));
	cairn_fail(&builder->error, CAIRN_ERROR_INVALID, "XML line %d: %s", problem->line,
		   g_strstrip(what));
}

/* ---- the parser ---- */

/* XML_PARSE_HUGE: our own limits hold, not those of libxml2, which are meant for files. */
static xmlParserCtxtPtr
new_parser(const char *data, gsize len, struct builder *builder)
{
	static const xmlSAXHandler handler = {
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = on_doctype,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.cdataBlock = on_text,
		.serror = (xmlStructuredErrorFunc)on_problem,
	};
	static gsize once;
	if (g_once_init_enter(&once)) {
		xmlInitParser();
		g_once_init_leave(&once, 1);
	}
	xmlParserCtxtPtr parser = xmlCreateMemoryParserCtxt(data, (int)len);
	if (!parser)
		return NULL;
	*parser->sax = handler;
	parser->userData = builder;
	xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_IGNORE_ENC);
	return parser;
}

/* TRUE when the whole of it is well-formed and within the limits. */
static gboolean
build(struct builder *builder, GError **error)
{
	xmlParserCtxtPtr parser = builder->parser;
	builder->text = g_string_sized_new(512);
	xmlParseDocument(parser);
	gboolean ok = parser->wellFormed && !builder->error && builder->document->root;
	builder->document->names = parser->dict;
	xmlDictReference(parser->dict);
	if (parser->myDoc) /* never wanted, but made by some paths of errors */
		xmlFreeDoc(parser->myDoc);
	xmlFreeParserCtxt(parser);
	g_string_free(builder->text, TRUE);
	if (ok)
		return TRUE;
	if (builder->error)
		g_propagate_error(error, builder->error);
	else
		cairn_fail(error, CAIRN_ERROR_INVALID, "the XML is not well-formed");
	return FALSE;
}

struct xml_document *
xml_parse(const char *data, gsize len, GError **error)
{
	g_autofree char *made = NULL;
	if (len > XML_BYTES_MAX) {
		cairn_fail(error, CAIRN_ERROR_LIMIT, "an XML document has at most %d bytes",
			   XML_BYTES_MAX);
		return NULL;
	}
	if (len == 0) {
		cairn_fail(error, CAIRN_ERROR_INVALID, "the XML is empty");
		return NULL;
	}
	data = to_utf8(data, &len, &made, error);
	if (!data || !check_markup(data, len, error))
		return NULL;
	cairn_auto(xml_document) document = g_new0(struct xml_document, 1);
	arena_grow(document, CLAMP(len * 2, ARENA_FIRST_MIN, ARENA_BLOCK));
	struct builder builder = {.document = document};
	builder.parser = new_parser(data, len, &builder);
	if (!builder.parser) {
		cairn_fail(error, CAIRN_ERROR_INVALID, "the XML is empty");
		return NULL;
	}
	return build(&builder, error) ? g_steal_pointer(&document) : NULL;
}

/* ---- finding ---- */

static gboolean
ns_matches(const char *ns, const char *wanted)
{
	return !wanted || (ns && strcmp(ns, wanted) == 0);
}

static const struct xml_node *
find_from(const struct xml_node *node, const char *ns, const char *name)
{
	while (node && !(strcmp(node->name, name) == 0 && ns_matches(node->ns, ns)))
		node = node->next;
	return node;
}

const struct xml_node *
xml_child(const struct xml_node *node, const char *ns, const char *name)
{
	return find_from(node->first, ns, name);
}

const struct xml_node *
xml_sibling(const struct xml_node *node, const char *ns, const char *name)
{
	return find_from(node->next, ns, name);
}

const char *
xml_attr(const struct xml_node *node, const char *name)
{
	return xml_attr_ns(node, NULL, name);
}

const char *
xml_attr_ns(const struct xml_node *node, const char *ns, const char *name)
{
	for (guint i = 0; i < node->attribute_count; i++)
		if (strcmp(node->attributes[i].name, name) == 0 &&
		    ns_matches(node->attributes[i].ns, ns))
			return node->attributes[i].value;
	return NULL;
}
