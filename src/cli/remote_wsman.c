/* The operations of WS-Management (DSP0226, DSP0227) with Microsoft's resource URIs, as envelopes
 * for remote_http_post(). */
#include "cli/remote_private.h"

#include "base/error.h"
#include "base/guid.h"

#include <string.h>

#define NS_SOAP	   "http://www.w3.org/2003/05/soap-envelope"
#define NS_WSA	   "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define NS_WSMAN   "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define NS_WSEN	   "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define NS_XSI	   "http://www.w3.org/2001/XMLSchema-instance"
#define NS_WSMID   "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
#define TRANSFER   "http://schemas.xmlsoap.org/ws/2004/09/transfer/"
#define ANONYMOUS  NS_WSA "/role/anonymous"
#define CLASS_BASE "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/"

static void
put(GString *out, const char *name, const char *attributes, const char *value)
{
	g_string_append_printf(out, "<%s%s>", name, attributes);
	xml_escape(out, value, -1);
	g_string_append_printf(out, "</%s>", name);
}

static void put_reference(GString *out, const json_t *reference);

static void
put_selectors(GString *out, const json_t *keys)
{
	const char *key;
	json_t *value;
	if (json_object_size(keys) == 0)
		return;
	g_string_append(out, "<w:SelectorSet>");
	json_object_foreach ((json_t *)keys, key, value) {
		g_string_append(out, "<w:Selector Name=\"");
		xml_escape_attr(out, key, -1);
		g_string_append(out, "\">");
		if (json_is_string(value)) {
			xml_escape(out, json_string_value(value), -1);
		} else {
			g_string_append(out, "<a:EndpointReference>");
			put_reference(out, value);
			g_string_append(out, "</a:EndpointReference>");
		}
		g_string_append(out, "</w:Selector>");
	}
	g_string_append(out, "</w:SelectorSet>");
}

static void
put_reference(GString *out, const json_t *reference)
{
	const char *class_name = json_string_value(json_object_get(reference, "class"));
	g_autofree char *uri = g_strconcat(CLASS_BASE, class_name, NULL);
	g_string_append(out, "<a:Address>" ANONYMOUS "</a:Address><a:ReferenceParameters>");
	put(out, "w:ResourceURI", "", uri);
	put_selectors(out, json_object_get(reference, "keys"));
	g_string_append(out, "</a:ReferenceParameters>");
}

static GString *
begin(const struct remote *remote, const char *action, const char *class_name, const json_t *keys)
{
	static const char must[] = " s:mustUnderstand=\"true\"";
	GString *out = g_string_new("<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_WSA
				    "\" xmlns:w=\"" NS_WSMAN "\" xmlns:n=\"" NS_WSEN
				    "\" xmlns:xsi=\"" NS_XSI "\"><s:Header>");
	g_autofree char *uri = g_strconcat(CLASS_BASE, class_name, NULL);
	g_autofree char *guid = cairn_guid_new();
	g_autofree char *id = g_strconcat("uuid:", guid, NULL);
	put(out, "a:To", "", remote->url);
	put(out, "w:ResourceURI", must, uri);
	g_string_append_printf(out, "<a:ReplyTo><a:Address%s>" ANONYMOUS "</a:Address></a:ReplyTo>",
			       must);
	put(out, "a:Action", must, action);
	put(out, "a:MessageID", "", id);
	put(out, "w:MaxEnvelopeSize", must, REMOTE_ENVELOPE);
	put(out, "w:OperationTimeout", "", REMOTE_TIMEOUT);
	put_selectors(out, keys);
	g_string_append(out, "</s:Header><s:Body>");
	return out;
}

/* Ends the envelope @out, which it frees, sends it and reads the answer; *@ret_body is in the
 * document. */
static struct xml_document *
exchange(struct remote *remote, GString *out, const struct xml_node **ret_body, GError **error)
{
	g_string_append(out, "</s:Body></s:Envelope>");
	gboolean ok = remote_http_post(remote, out->str, out->len, error);
	g_string_free(out, TRUE);
	if (!ok)
		return NULL;
	g_autoptr(GError) local = NULL;
	struct xml_document *document = xml_parse(remote->answer->str, remote->answer->len, &local);
	if (!document) {
		cairn_fail(error, CAIRN_ERROR_IO, "%s does not answer in SOAP (%s): is %s right?",
			   remote->host, local->message, remote->url);
		return NULL;
	}
	*ret_body = remote_read_body(remote, document, error);
	if (*ret_body)
		return document;
	xml_document_free(document);
	return NULL;
}

/* The first element of the body as an instance. */
static json_t *
send_for_instance(struct remote *remote, GString *out, GError **error)
{
	const struct xml_node *body;
	cairn_auto(xml_document) document = exchange(remote, out, &body, error);
	if (!document)
		return NULL;
	return body->first ? remote_read_instance(body->first) : json_object();
}

json_t *
remote_identify(struct remote *remote, GError **error)
{
	GString *out = g_string_new("<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:i=\"" NS_WSMID
				    "\"><s:Header/><s:Body><i:Identify/>");
	return send_for_instance(remote, out, error);
}

json_t *
remote_get(struct remote *remote, const char *class_name, const json_t *keys, GError **error)
{
	return send_for_instance(remote, begin(remote, TRANSFER "Get", class_name, keys), error);
}

static void
put_class_start(GString *out, const char *element, const char *class_name)
{
	g_string_append_printf(out, "<c:%s xmlns:c=\"" CLASS_BASE, element);
	xml_escape_attr(out, class_name, -1);
	g_string_append(out, "\">");
}

/* The properties of an instance; null is told too. */
static void
put_instance(GString *out, const char *class_name, const json_t *values)
{
	const char *name;
	json_t *value;
	put_class_start(out, class_name, class_name);
	json_object_foreach ((json_t *)values, name, value)
		if (json_is_string(value))
			remote_parameter_text(out, name, json_string_value(value));
		else
			g_string_append_printf(out, "<c:%s xsi:nil=\"true\"/>", name);
	g_string_append_printf(out, "</c:%s>", class_name);
}

gboolean
remote_put(struct remote *remote, const char *class_name, const json_t *keys, const json_t *changes,
	   GError **error)
{
	GString *out = begin(remote, TRANSFER "Put", class_name, keys);
	put_instance(out, class_name, changes);
	g_autoptr(json_t) answer = send_for_instance(remote, out, error);
	return answer != NULL;
}

/* DSP0226 7.6: the answer is wxf:ResourceCreated, an end-point reference. */
json_t *
remote_create(struct remote *remote, const char *class_name, const json_t *values, GError **error)
{
	const struct xml_node *body;
	GString *out = begin(remote, TRANSFER "Create", class_name, NULL);
	put_instance(out, class_name, values);
	cairn_auto(xml_document) document = exchange(remote, out, &body, error);
	if (!document)
		return NULL;
	json_t *made = body->first ? remote_read_reference(body->first) : NULL;
	if (!made)
		cairn_fail(error, CAIRN_ERROR_IO, "%s does not say what it made", remote->host);
	return made;
}

gboolean
remote_delete(struct remote *remote, const char *class_name, const json_t *keys, GError **error)
{
	g_autoptr(json_t) answer = send_for_instance(
		remote, begin(remote, TRANSFER "Delete", class_name, keys), error);
	return answer != NULL;
}

/* ---- Enumerate and Pull ---- */

/* Adds the items of a page; @ret_context (to be freed) is NULL after the last. */
static gboolean
take_page(const struct remote *remote, const struct xml_node *body, json_t *list,
	  char **ret_context, GError **error)
{
	const struct xml_node *answer = body->first;
	const struct xml_node *items = answer ? xml_child(answer, NULL, "Items") : NULL;
	const struct xml_node *context =
		answer ? xml_child(answer, NS_WSEN, "EnumerationContext") : NULL;
	for (const struct xml_node *item = items ? items->first : NULL; item; item = item->next) {
		json_t *instance = remote_read_item(item);
		if (!instance)
			return cairn_fail(error, CAIRN_ERROR_IO,
					  "%s lists objects without saying which they are",
					  remote->host);
		json_array_append_new(list, instance);
	}
	if (json_array_size(list) > REMOTE_ITEMS_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "%s has more than %d objects of a kind",
				  remote->host, REMOTE_ITEMS_MAX);
	gboolean last = !answer || !context || xml_child(answer, NULL, "EndOfSequence");
	*ret_context = last ? NULL : g_strstrip(g_strdup(context->text));
	if (*ret_context && !**ret_context)
		g_clear_pointer(ret_context, g_free);
	return TRUE;
}

static gboolean
send_for_page(struct remote *remote, GString *out, json_t *list, char **ret_context, GError **error)
{
	const struct xml_node *body;
	cairn_auto(xml_document) document = exchange(remote, out, &body, error);
	return document && take_page(remote, body, list, ret_context, error);
}

static GString *
pull(const struct remote *remote, const char *class_name, const char *context)
{
	GString *out = begin(remote, NS_WSEN "/Pull", class_name, NULL);
	g_string_append(out, "<n:Pull>");
	put(out, "n:EnumerationContext", "", context);
	put(out, "n:MaxElements", "", G_STRINGIFY(REMOTE_PAGE));
	g_string_append(out, "</n:Pull>");
	return out;
}

json_t *
remote_enumerate(struct remote *remote, const char *class_name, GError **error)
{
	g_autoptr(json_t) list = json_array();
	g_autofree char *context = NULL;
	GString *out = begin(remote, NS_WSEN "/Enumerate", class_name, NULL);
	g_string_append(out, "<n:Enumerate><w:OptimizeEnumeration/>");
	put(out, "w:MaxElements", "", G_STRINGIFY(REMOTE_PAGE));
	put(out, "w:EnumerationMode", "", "EnumerateObjectAndEPR");
	g_string_append(out, "</n:Enumerate>");
	if (!send_for_page(remote, out, list, &context, error))
		return NULL;
	for (guint page = 1; context; page++) {
		out = pull(remote, class_name, context);
		g_clear_pointer(&context, g_free);
		if (!send_for_page(remote, out, list, &context, error))
			return NULL;
		if (page >= REMOTE_PAGES_MAX) {
			cairn_fail(error, CAIRN_ERROR_LIMIT, "%s never ends its list",
				   remote->host);
			return NULL;
		}
	}
	return g_steal_pointer(&list);
}

/* ---- methods ---- */

void
remote_parameter_text(GString *parameters, const char *name, const char *value)
{
	g_string_append_printf(parameters, "<c:%s>", name);
	xml_escape(parameters, value, -1);
	g_string_append_printf(parameters, "</c:%s>", name);
}

void
remote_parameter_object(GString *parameters, const char *name, const json_t *reference)
{
	g_string_append_printf(parameters, "<c:%s>", name);
	put_reference(parameters, reference);
	g_string_append_printf(parameters, "</c:%s>", name);
}

json_t *
remote_invoke(struct remote *remote, const json_t *object, const char *method,
	      const GString *parameters, GError **error)
{
	const char *class_name = json_string_value(json_object_get(object, "class"));
	g_autofree char *action = g_strconcat(CLASS_BASE, class_name, "/", method, NULL);
	g_autofree char *element = g_strconcat(method, "_INPUT", NULL);
	GString *out = begin(remote, action, class_name, json_object_get(object, "keys"));
	put_class_start(out, element, class_name);
	g_string_append(out, parameters ? parameters->str : "");
	g_string_append_printf(out, "</c:%s>", element);
	g_autoptr(json_t) output = send_for_instance(remote, out, error);
	if (!output || !remote_return_check(method, property_text(output, "ReturnValue"), error))
		return NULL;
	return g_steal_pointer(&output);
}
