/* XML in: a small tree with limits, made by libxml2's SAX2 parser. No DOCTYPE, no entities but the
 * five and numeric ones (XML bombs, CVE-2003-1564), UTF-8 or UTF-16 with a byte order mark. XML
 * out: escaping into a GString. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <string.h>

#define XML_DEPTH_MAX	   64
#define XML_ATTRIBUTES_MAX 64	  /* of one element */
#define XML_NAMESPACES_MAX 256	  /* declared by an element and those around it */
#define XML_NODES_MAX	   200000 /* elements of one document */
#define XML_NAME_MAX	   256	  /* bytes of a name */

struct xml_attribute {
	const char *name; /* local */
	const char *ns;	  /* URI, or NULL */
	const char *value;
};

struct xml_node {
	const char *name;			/* local */
	const char *ns;				/* URI, or NULL */
	struct xml_node *parent, *first, *next; /* elements only */
	struct xml_attribute *attributes;
	guint attribute_count;
	const char
		*text; /* all character data and CDATA of the element itself, joined; never NULL */
};

struct xml_document;
/* INVALID says line and what is wrong; LIMIT what is too large. @data need not end in NUL. */
struct xml_document *xml_parse(const char *data, gsize len, GError **error);
void xml_document_free(struct xml_document *document);
CAIRN_DEFINE_AUTO(xml_document, xml_document_free)
const struct xml_node *xml_root(const struct xml_document *document);

/* NULL when absent. @ns NULL: any namespace. Element and attribute names are exact. */
const struct xml_node *xml_child(const struct xml_node *node, const char *ns, const char *name);
const struct xml_node *xml_sibling(const struct xml_node *node, const char *ns, const char *name);
const char *xml_attr(const struct xml_node *node, const char *name);
const char *xml_attr_ns(const struct xml_node *node, const char *ns, const char *name);
/* The node and all below it as text again (for messages that carry XML on), appended to @text. */
void xml_print(const struct xml_node *node, GString *text);

/* g_string_append_len() without a call while there is room: answers are made of many small pieces.
 */
static inline void
xml_put(GString *text, const char *piece, gsize len)
{
	if (text->len + len >= text->allocated_len) {
		g_string_append_len(text, piece, (gssize)len);
		return;
	}
	memcpy(text->str + text->len, piece, len);
	text->len += len;
	text->str[text->len] = '\0';
}

static inline void
xml_put_text(GString *text, const char *piece)
{
	xml_put(text, piece, strlen(piece));
}

#define XML_MESSAGE_MAX 4096 /* bytes of an error's words in an answer */
/* An error's words, cut where they are too long: they quote what a client sent, which an answer
 * would repeat three times, each '&' five bytes long. Free with g_free(). */
char *xml_message(const char *text);

/* The first character that XML 1.0 cannot carry (section 2.2), or NULL. */
const char *xml_find_bad(const char *text, gsize len);
/* Character data; what XML 1.0 cannot carry (control characters, broken UTF-8) becomes U+FFFD. */
void xml_escape(GString *text, const char *value, gssize len);
/* The same for attribute values: also quotes, tabs and newlines. */
void xml_escape_attr(GString *text, const char *value, gssize len);
