/* Envelopes: a body with the namespaces it needs, and a header before it. All elements have a
 * prefix and all namespaces stand on the Envelope, for clients that look at the text (wsl). */
#include "wire/wsman_private.h"

#include "base/guid.h"

#include <string.h>

#define ENVELOPE_NAMESPACES                                                          \
	" xmlns:s=\"" NS_SOAP "\" xmlns:wsa=\"" NS_WSA "\" xmlns:wsman=\"" NS_WSMAN  \
	"\" xmlns:wsen=\"" NS_WSEN "\" xmlns:wxf=\"" NS_WXF "\" xmlns:wse=\"" NS_WSE \
	"\" xmlns:wsmb=\"" NS_WSMB "\" xmlns:cim=\"" NS_CIM "\" xmlns:xsi=\"" NS_XSI "\""
#define ENVELOPE_END "</s:Body></s:Envelope>"

void
wsman_put_element(GString *out, const char *tag, const char *text)
{
	g_string_append_c(out, '<');
	g_string_append(out, tag);
	g_string_append_c(out, '>');
	xml_escape(out, text, -1);
	g_string_append(out, "</");
	g_string_append(out, tag);
	g_string_append_c(out, '>');
}

/* ---- prefixes ---- */

/* "p:", "p1:" */
void
wsman_put_prefix(GString *out, guint prefix)
{
	g_string_append_c(out, 'p');
	if (prefix)
		g_string_append_printf(out, "%u", prefix);
	g_string_append_c(out, ':');
}

static guint
declare(struct wsman_writer *writer, const char *class_name)
{
	const guint prefix = writer->class_count++;
	writer->classes[prefix] = class_name;
	g_string_append(writer->declared, " xmlns:");
	wsman_put_prefix(writer->declared, prefix);
	g_string_truncate(writer->declared, writer->declared->len - 1);
	g_string_append(writer->declared, "=\"");
	wsman_put_class_uri(writer->declared, writer->request, NULL, class_name);
	g_string_append_c(writer->declared, '"');
	return prefix;
}

guint
wsman_prefix(struct wsman_writer *writer, const char *class_name)
{
	for (guint i = 0; i < writer->class_count; i++)
		if (writer->classes[i] == class_name || strcmp(writer->classes[i], class_name) == 0)
			return i;
	/* pages end before this many; one instance does not hold so many others */
	return writer->class_count < WSMAN_CLASSES_MAX ? declare(writer, class_name) : 0;
}

/* ---- envelopes ---- */

void
wsman_writer_begin(struct wsman_writer *writer, const struct wsman_request *request)
{
	*writer = (struct wsman_writer){.request = request,
					.out = g_string_sized_new(4096),
					.declared = g_string_new(NULL)};
}

void
wsman_writer_clear(struct wsman_writer *writer)
{
	if (writer->out)
		g_string_free(writer->out, TRUE);
	if (writer->declared)
		g_string_free(writer->declared, TRUE);
	writer->out = writer->declared = NULL;
}

/* Up to the end of the header's own elements. */
static void
put_head(GString *out, const struct wsman_writer *writer, const char *to, const char *action,
	 const char *message_id)
{
	g_string_append(out, "<s:Envelope" ENVELOPE_NAMESPACES);
	if (writer->declared)
		g_string_append_len(out, writer->declared->str, (gssize)writer->declared->len);
	g_string_append(out, " xml:lang=\"");
	g_string_append(out, cim_language_tag(writer->request->op.language));
	g_string_append(out, "\"><s:Header>");
	wsman_put_element(out, "wsa:To", to);
	wsman_put_element(out, "wsa:Action", action);
	wsman_put_element(out, "wsa:MessageID", message_id);
}

/* An empty RelatesTo would be worse than none (WinRM). */
static void
put_response_head(GString *out, const struct wsman_writer *writer, const char *action,
		  const char *extra)
{
	const struct wsman_request *request = writer->request;
	g_autofree char *guid = cairn_guid_new();
	g_autofree char *message_id = g_strconcat("uuid:", guid, NULL);
	put_head(out, writer, WSA_ANONYMOUS, action, message_id);
	if (request->message_id && *request->message_id)
		wsman_put_element(out, "wsa:RelatesTo", request->message_id);
	if (request->wants_total)
		g_string_append(out, "<wsman:TotalItemsCountEstimate xsi:nil=\"true\"/>");
	g_string_append(out, extra ? extra : "");
	g_string_append(out, "</s:Header><s:Body>");
}

gsize
wsman_writer_overhead(const struct wsman_writer *writer, const char *action, const char *extra)
{
	g_autoptr(GString) head = g_string_sized_new(2048);
	put_response_head(head, writer, action, extra);
	return head->len - writer->declared->len + strlen(ENVELOPE_END);
}

static void
finish(struct wsman_writer *writer, GString *out)
{
	g_string_append_len(out, writer->out->str, (gssize)writer->out->len);
	g_string_append(out, ENVELOPE_END);
	wsman_writer_clear(writer);
}

void
wsman_writer_end(struct wsman_writer *writer, GString *out, const char *action, const char *extra)
{
	put_response_head(out, writer, action, extra);
	finish(writer, out);
}

void
wsman_writer_send(struct wsman_writer *writer, GString *out, const char *to, const char *action,
		  const char *message_id, const char *extra)
{
	put_head(out, writer, to, action, message_id);
	g_string_append(out, extra ? extra : "");
	g_string_append(out, "</s:Header><s:Body>");
	finish(writer, out);
}

void
wsman_write_empty(GString *out, const struct wsman_request *request)
{
	struct wsman_writer writer;
	g_autofree char *action = wsman_response_action(request);
	wsman_writer_begin(&writer, request);
	wsman_writer_end(&writer, out, action, NULL);
}

/* No addressing headers: the question has none either (DSP0226 11). */
void
wsman_write_identify(GString *out, const struct wsman_request *request,
		     const struct wsman_identity *identity)
{
	g_string_append(out, "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:wsmid=\"" NS_WSMID
			     "\"><s:Header/><s:Body><wsmid:IdentifyResponse>");
	wsman_put_element(out, "wsmid:ProtocolVersion",
			  "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd");
	wsman_put_element(out, "wsmid:ProductVendor", identity->vendor ? identity->vendor : "");
	wsman_put_element(out, "wsmid:ProductVersion",
			  identity->version ? identity->version : "OS: 0.0.0 SP: 0.0 Stack: 1.0");
	g_string_append(out, "</wsmid:IdentifyResponse>" ENVELOPE_END);
}
