/* From answers to JSON and errors: bodies, faults, return values, and the text of properties. */
#include "cli/remote_private.h"

#include "base/error.h"
#include "cim/datetime.h"

#include <string.h>

#define NS_SOAP	   "http://www.w3.org/2003/05/soap-envelope"
#define DEPTH_MAX  8	/* references in keys of references */
#define REASON_MAX 2000 /* bytes of a fault's text that are shown */

/* ---- faults ---- */

/* The first element of this name at any depth below. */
static const struct xml_node *
find_below(const struct xml_node *node, const char *name)
{
	for (const struct xml_node *child = node->first; child; child = child->next) {
		const struct xml_node *found =
			strcmp(child->name, name) == 0 ? child : find_below(child, name);
		if (found)
			return found;
	}
	return NULL;
}

static char *
text_below(const struct xml_node *node, const char *name)
{
	const struct xml_node *found = node ? find_below(node, name) : NULL;
	return g_strstrip(g_strndup(found ? found->text : "", REASON_MAX));
}

/* CIM statuses (DSP0200) and subcodes (DSP0226) that say more than "failed". */
static const struct {
	const char *word;
	enum cairn_error_code code;
} fault_codes[] = {
	{"2", CAIRN_ERROR_DENIED},
	{"4", CAIRN_ERROR_INVALID},
	{"5", CAIRN_ERROR_NOT_FOUND},
	{"6", CAIRN_ERROR_NOT_FOUND},
	{"7", CAIRN_ERROR_INVALID},
	{"11", CAIRN_ERROR_EXISTS},
	{"17", CAIRN_ERROR_INVALID},
	{"27", CAIRN_ERROR_LIMIT},
	{"AccessDenied", CAIRN_ERROR_DENIED},
	{"AlreadyExists", CAIRN_ERROR_EXISTS},
	{"DestinationUnreachable", CAIRN_ERROR_NOT_FOUND},
	{"InvalidParameter", CAIRN_ERROR_INVALID},
	{"InvalidSelectors", CAIRN_ERROR_INVALID},
	{"QuotaLimit", CAIRN_ERROR_LIMIT},
	{"TimedOut", CAIRN_ERROR_PEER},
};

static enum cairn_error_code
fault_code(const char *status, const char *subcode)
{
	for (guint i = 0; i < G_N_ELEMENTS(fault_codes); i++)
		if (strcmp(fault_codes[i].word, status) == 0 ||
		    strcmp(fault_codes[i].word, subcode) == 0)
			return fault_codes[i].code;
	return CAIRN_ERROR_IO;
}

static void
fail_fault(const struct remote *remote, const struct xml_node *fault, GError **error)
{
	const struct xml_node *code = xml_child(fault, NULL, "Code");
	const struct xml_node *sub = code ? xml_child(code, NULL, "Subcode") : NULL;
	g_autofree char *value = text_below(sub ? sub : code, "Value");
	g_autofree char *reason = text_below(xml_child(fault, NULL, "Reason"), "Text");
	g_autofree char *status = text_below(xml_child(fault, NULL, "Detail"), "CIMStatusCode");
	const char *colon = strrchr(value, ':');
	const char *subcode = colon ? colon + 1 : value;
	cairn_fail(error, fault_code(status, subcode), "%s: %s (%s%s)", remote->host,
		   *reason ? reason : "the operation failed", *status ? "CIM status " : "",
		   *status ? status : subcode);
}

const struct xml_node *
remote_read_body(const struct remote *remote, const struct xml_document *document, GError **error)
{
	const struct xml_node *root = xml_root(document);
	const struct xml_node *body =
		strcmp(root->name, "Envelope") == 0 ? xml_child(root, NS_SOAP, "Body") : NULL;
	const struct xml_node *fault = body ? xml_child(body, NS_SOAP, "Fault") : NULL;
	if (!body)
		cairn_fail(error, CAIRN_ERROR_IO, "%s does not answer in SOAP 1.2: is %s right?",
			   remote->host, remote->url);
	else if (fault)
		fail_fault(remote, fault, error);
	return fault ? NULL : body;
}

/* ---- return values (hyperv-semantics: 0, 4096, and 32768 on) ---- */

static const struct {
	guint64 value;
	enum cairn_error_code code;
	const char *says;
} return_values[] = {
	{4097, CAIRN_ERROR_STATE, "cannot be in this state"},
	{4098, CAIRN_ERROR_INVALID, "takes no time-out"},
	{32768, CAIRN_ERROR_IO, "failed"},
	{32769, CAIRN_ERROR_DENIED, "is not allowed for this user, or not on this folder"},
	{32770, CAIRN_ERROR_INVALID, "is not supported there"},
	{32773, CAIRN_ERROR_INVALID, "was refused: a name or parameter cannot be, or is taken"},
	{32774, CAIRN_ERROR_BUSY, "must wait: it is in use by something else"},
	{32775, CAIRN_ERROR_STATE, "cannot be in this state"},
	{32776, CAIRN_ERROR_INVALID, "was refused: of another type"},
	{32778, CAIRN_ERROR_LIMIT, "is over a limit, or out of space"},
	{32779, CAIRN_ERROR_NOT_FOUND, "names something that is not there"},
};

gboolean
remote_return_check(const char *method, const char *value, GError **error)
{
	guint64 code = 0;
	if (!value || !g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT32, &code, NULL))
		return cairn_fail(error, CAIRN_ERROR_IO, "%s: no return value in the answer",
				  method);
	if (code == 0 || code == 4096)
		return TRUE;
	for (guint i = 0; i < G_N_ELEMENTS(return_values); i++)
		if (return_values[i].value == code)
			return cairn_fail(error, return_values[i].code,
					  "%s %s (return value %s; the log of cairn-cimd there "
					  "says more)",
					  method, return_values[i].says, value);
	return cairn_fail(error, CAIRN_ERROR_IO, "%s failed (return value %s)", method, value);
}

/* ---- instances ---- */

static json_t *read_reference(const struct xml_node *node, guint depth);

static json_t *
read_selectors(const struct xml_node *set, guint depth)
{
	json_t *keys = json_object();
	for (const struct xml_node *it = set ? set->first : NULL; it; it = it->next) {
		const char *name = xml_attr(it, "Name");
		json_t *reference = it->first ? read_reference(it, depth + 1) : NULL;
		if (!name || g_ascii_strcasecmp(name, "__cimnamespace") == 0)
			json_decref(reference);
		else
			json_object_set_new(keys, name,
					    reference ? reference : json_string(it->text));
	}
	return keys;
}

static json_t *
read_reference(const struct xml_node *node, guint depth)
{
	const struct xml_node *inner = xml_child(node, NULL, "EndpointReference");
	const struct xml_node *parameters =
		xml_child(inner ? inner : node, NULL, "ReferenceParameters");
	const struct xml_node *uri = parameters ? xml_child(parameters, NULL, "ResourceURI") : NULL;
	if (!uri || depth > DEPTH_MAX)
		return NULL;
	g_autofree char *text = g_strstrip(g_strdup(uri->text));
	const char *slash = strrchr(text, '/');
	return json_pack("{s:s, s:o}", "class", slash ? slash + 1 : text, "keys",
			 read_selectors(xml_child(parameters, NULL, "SelectorSet"), depth));
}

json_t *
remote_read_reference(const struct xml_node *node)
{
	return read_reference(node, 0);
}

/* <cim:Datetime>, <cim:Interval>, <CIM_DateTime>: in CIM's form. */
static json_t *
read_inner(const struct xml_node *inner)
{
	char text[CIM_DATETIME_LEN + 1];
	struct cim_datetime time;
	g_autofree char *word = g_strstrip(g_strdup(inner->text));
	if (!cim_datetime_from_xs(word, &time, NULL))
		return json_string(word);
	cim_datetime_print(&time, text);
	return json_string(text);
}

static json_t *
read_value(const struct xml_node *node)
{
	const char *nil = xml_attr(node, "nil");
	if (nil && (g_ascii_strcasecmp(nil, "true") == 0 || strcmp(nil, "1") == 0))
		return json_null();
	json_t *reference = node->first ? read_reference(node, 0) : NULL;
	if (reference)
		return reference;
	return node->first ? read_inner(node->first) : json_string(node->text);
}

/* An element that comes again makes an array. */
json_t *
remote_read_instance(const struct xml_node *node)
{
	json_t *instance = json_pack("{s:s}", "__CLASS", node->name);
	for (const struct xml_node *child = node->first; child; child = child->next) {
		json_t *before = json_object_get(instance, child->name);
		json_t *value = read_value(child);
		if (json_is_array(before))
			json_array_append_new(before, value);
		else if (before)
			json_object_set_new(instance, child->name,
					    json_pack("[O,o]", before, value));
		else
			json_object_set_new(instance, child->name, value);
	}
	return instance;
}

json_t *
remote_read_item(const struct xml_node *node)
{
	const struct xml_node *object = node->first, *epr = object ? object->next : NULL;
	json_t *reference =
		epr && strcmp(epr->name, "EndpointReference") == 0 ? read_reference(epr, 0) : NULL;
	if (!reference)
		return NULL;
	json_t *instance = remote_read_instance(object);
	json_object_set_new(instance, "__REF", reference);
	return instance;
}

/* ---- properties ---- */

const char *
property_text(const json_t *instance, const char *name)
{
	return json_string_value(json_object_get(instance, name));
}

guint64
property_uint(const json_t *instance, const char *name)
{
	const char *text = property_text(instance, name);
	guint64 value = 0;
	return text && g_ascii_string_to_unsigned(text, 10, 0, JSON_MAX_UINT, &value, NULL) ? value
											    : 0;
}

gint64
property_time(const json_t *instance, const char *name)
{
	const char *text = property_text(instance, name);
	struct cim_datetime time;
	return text && cim_datetime_from_xs(text, &time, NULL) ? time.usec : 0;
}

json_t *
property_list(const json_t *instance, const char *name)
{
	json_t *value = json_object_get(instance, name);
	if (json_is_array(value))
		return json_deep_copy(value);
	json_t *list = json_array();
	if (value && !json_is_null(value))
		json_array_append(list, value);
	return list;
}

const char *
property_key(const json_t *instance, const char *name, const char *key)
{
	return property_text(json_object_get(json_object_get(instance, name), "keys"), key);
}
