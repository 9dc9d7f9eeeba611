/* What the files of the WS-Management codec share with each other; wsman.h is what others see. */
#pragma once

#include "wire/wsman.h"

#define NS_SOAP	   "http://www.w3.org/2003/05/soap-envelope"
#define NS_WSA	   "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define NS_WSMAN   "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define NS_WSEN	   "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define NS_WXF	   "http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define NS_WSE	   "http://schemas.xmlsoap.org/ws/2004/08/eventing"
#define NS_WSMB	   "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd"
#define NS_CIM	   "http://schemas.dmtf.org/wbem/wscim/1/common"
#define NS_XSI	   "http://www.w3.org/2001/XMLSchema-instance"
#define NS_MSFT	   "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
#define NS_WSMID   "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
#define NS_MSFAULT "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"

/* Actions of DSP0226 itself hang below this, dialects and fault details too. */
#define WSMAN_URI	"http://schemas.dmtf.org/wbem/wsman/1/wsman"
#define WSA_ANONYMOUS	NS_WSA "/role/anonymous"
#define WSMAN_BASE_DMTF "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
#define WSMAN_BASE_WMI	"http://schemas.microsoft.com/wbem/wsman/1/wmi/"

#define WSMAN_URI_TEXT_MAX 2048 /* bytes of a resource URI */
#define WSMAN_EPR_DEPTH	   8	/* end-point references in selectors of others */
#define WSMAN_CLASSES_MAX  64	/* namespaces of classes declared in one envelope */

/* ---- reading ---- */

/* A resource URI taken apart (DSP0227 5.3, MS-WSMV 2.2.2). Zero bytes are one without names. */
struct wsman_uri {
	enum wsman_uri_family family;
	char *ns;	  /* the namespace in the path; NULL unless WMI */
	char *class_name; /* NULL for an asterisk */
};
/* FALSE when it is none of the forms. The caller clears in both cases. */
gboolean wsman_uri_parse(const char *text, struct wsman_uri *ret_uri);
void wsman_uri_clear(struct wsman_uri *uri);

/* One request while it is read; everything but @request and the error belongs to the document. */
struct wsman_reader {
	const struct cim_schema *schema;
	enum cim_namespace_id default_ns;
	struct wsman_request *request;
	const struct xml_node *selectors; /* wsman:SelectorSet, or NULL */
	const struct xml_node *options;	  /* wsman:OptionSet, or NULL */
	const struct xml_node *fragment;  /* wsman:FragmentTransfer, or NULL */
	const struct xml_node *body;	  /* the first element of s:Body, or NULL */
	struct wsman_uri uri;
	const struct cim_class *class; /* what the URI names, or NULL */
	gboolean has_data_locale;
	GError *error; /* the first bad header: told when all are read */
};

/* The text of @node without white space around it; free with g_free(). */
char *wsman_word(const struct xml_node *node);
/* First child of that local name in any namespace and any case. */
const struct xml_node *wsman_child(const struct xml_node *node, const char *name);
/* xs:duration in microseconds; years count 365 days and months 30 (XML Schema part 2, 3.2.6). */
gboolean wsman_duration(const char *text, gint64 *ret_usec);
/* wsen:Expires and wse:Expires: a duration or a date. */
gboolean wsman_expires(const struct xml_node *node, struct wsman_request *request, GError **error);
/* A decimal number up to @max (more becomes @max); FALSE when it is not one. */
gboolean wsman_number(const struct xml_node *node, guint64 max, guint64 *ret_number);

enum wsman_action wsman_action_find(const char *uri);
gboolean wsman_read_header(struct wsman_reader *reader, const struct xml_node *header,
			   GError **error);
/* Fills uri, class and the names in op from ResourceURI and SelectorSet. */
gboolean wsman_read_target(struct wsman_reader *reader, GError **error);
/* Whether the option is there and true (any prefix before its name). */
gboolean wsman_option_true(const struct wsman_reader *reader, const char *name, gboolean absent);
/* Values of all options of that name, NULL terminated; NULL when there is none. */
char **wsman_option_list(const struct wsman_reader *reader, const char *name);

/* The value of the selector __cimnamespace; NULL when absent. Borrowed. */
const char *wsman_selector_namespace(const struct xml_node *set);
/* Adds the selectors of @set to @path, typed by the keys of @class (NULL: strings). */
gboolean wsman_read_selectors(const struct wsman_reader *reader, const struct xml_node *set,
			      const struct cim_class *class, struct cim_path *path, guint depth,
			      GError **error);
/* INSUFFICIENT_SELECTORS unless @path has all keys of @class. */
gboolean wsman_check_keys(const struct cim_class *class, const struct cim_path *path,
			  GError **error);
/* An end-point reference below @node, with or without the element wsa:EndpointReference around. */
struct cim_path *wsman_read_epr(const struct wsman_reader *reader, const struct xml_node *node,
				guint depth, GError **error);

gboolean wsman_is_nil(const struct xml_node *node);
/* All elements of one member, collected: a scalar, an array, or a NULL. */
gboolean wsman_read_value(const struct wsman_reader *reader, const struct cim_member *member,
			  const struct xml_node *const *nodes, guint count,
			  struct cim_value *ret_value, GError **error);
/* The properties below @node; @strict: one that the class does not have is NO_SUCH_PROPERTY.
 * @ret_names (may be NULL) gets the schema's names of those that are there. */
struct cim_instance *wsman_read_instance(const struct wsman_reader *reader,
					 const struct cim_class *class, const struct xml_node *node,
					 gboolean strict, GPtrArray *ret_names, GError **error);
gboolean wsman_read_arguments(struct wsman_reader *reader, const struct cim_method *method,
			      GError **error);
gboolean wsman_read_put(struct wsman_reader *reader, GError **error);
gboolean wsman_read_create(struct wsman_reader *reader, GError **error);
gboolean wsman_read_fragment(struct wsman_reader *reader, GError **error);

/* The selector ClassName and the options of class metadata. */
gboolean wsman_read_class_name(struct wsman_reader *reader, GError **error);
gboolean wsman_read_enumerate(struct wsman_reader *reader, GError **error);
gboolean wsman_read_pull(struct wsman_reader *reader, GError **error);
/* wsman:Filter or its older names below @node; nothing there is a success. */
gboolean wsman_read_filter(struct wsman_reader *reader, const struct xml_node *node,
			   GError **error);
gboolean wsman_read_subscribe(struct wsman_reader *reader, GError **error);

/* ---- writing ---- */

/* The body of an answer while it grows: namespaces of its classes are declared on the Envelope,
 * which is put before it at the end, so that class elements have no attributes (wslput). */
struct wsman_writer {
	const struct wsman_request *request;	/* whose URI family and namespace are used */
	GString *out;				/* the body */
	GString *declared;			/* xmlns attributes */
	const char *classes[WSMAN_CLASSES_MAX]; /* names; prefix p, p1, p2 ... */
	guint class_count;
	gboolean elements; /* embedded instances as elements also on wmi URIs */
};
/* @request is borrowed. wsman_writer_end() or wsman_writer_clear() frees the rest. */
void wsman_writer_begin(struct wsman_writer *writer, const struct wsman_request *request);
void wsman_writer_clear(struct wsman_writer *writer);
/* Appends the whole envelope to @out; @extra is XML for the header, or NULL. */
void wsman_writer_end(struct wsman_writer *writer, GString *out, const char *action,
		      const char *extra);
/* The same for a message that nobody asked for. */
void wsman_writer_send(struct wsman_writer *writer, GString *out, const char *to,
		       const char *action, const char *message_id, const char *extra);
/* Bytes that wsman_writer_end() adds to the body, without writer->declared. */
gsize wsman_writer_overhead(const struct wsman_writer *writer, const char *action,
			    const char *extra);

/* Escapes @text into an element without attributes: <TAG>text</TAG>. */
void wsman_put_element(GString *out, const char *tag, const char *text);
/* The resource URI of a class as this client spells it; @ns NULL: the request's namespace. */
void wsman_put_class_uri(GString *out, const struct wsman_request *request, const char *ns,
			 const char *class_name);
/* Declares the class's namespace; the number of its prefix. */
guint wsman_prefix(struct wsman_writer *writer, const char *class_name);
void wsman_put_prefix(GString *out, guint prefix);
/* Address and ReferenceParameters, without the element around them. */
void wsman_put_epr(struct wsman_writer *writer, const struct cim_path *path);
void wsman_put_instance_epr(struct wsman_writer *writer, const struct cim_instance *instance);
/* The elements of one property or parameter: none for an empty array. */
void wsman_put_value(struct wsman_writer *writer, guint prefix, const char *name,
		     const struct cim_value *value);
/* What stands inside such an element. */
void wsman_put_content(struct wsman_writer *writer, const struct cim_value *value);
/* @as: the class whose name and properties are shown; @list NULL: all. */
void wsman_put_instance(struct wsman_writer *writer, const struct cim_instance *instance,
			const struct cim_class *as, const struct cim_property_list *list);

/* The action of the answer: free with g_free(). */
char *wsman_response_action(const struct wsman_request *request);
