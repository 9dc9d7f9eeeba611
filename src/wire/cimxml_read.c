/* The envelope of a CIM-XML request (DSP0201 5.2.6): what is not even a message is refused here,
 * with DSP0200's CIMError words. */
#include "wire/cimxml_private.h"

#include "base/error.h"

#include <string.h>

#define ECHO_MAX 4096 /* bytes of a message's ID and of a method's name */

void
cimxml_request_clear(struct cimxml_request *request)
{
	g_free(request->message_id);
	g_free(request->call);
	cim_op_clear(&request->op);
	*request = (struct cimxml_request){0};
}

struct reading {
	struct cimxml_request *request;
	struct cimxml_refusal *refusal;
	GError **error;
};

/* DSP0200 7.3 */
static gboolean
refuse(struct reading *reading, guint status, const char *cim_error, const char *what)
{
	*reading->refusal = (struct cimxml_refusal){status, cim_error};
	return cairn_fail(reading->error, CAIRN_ERROR_INVALID, "%s", what);
}

/* Versions that begin with @major ("2.") are ours. */
static gboolean
check_version(struct reading *reading, const struct xml_node *node, const char *attribute,
	      const char *major, const char *cim_error)
{
	const char *version = xml_attr(node, attribute);
	if (!version)
		return refuse(reading, 400, "request-not-valid", attribute);
	if (!g_str_has_prefix(version, major))
		return refuse(reading, 501, cim_error, attribute);
	return TRUE;
}

/* What comes back in the answer. */
static gboolean
is_short(const char *text)
{
	return text && strlen(text) <= ECHO_MAX;
}

static const struct xml_node *
read_message(struct reading *reading, const struct xml_node *root)
{
	const struct xml_node *message = xml_child(root, NULL, "MESSAGE");
	if (strcmp(root->name, "CIM") != 0 || !message || !is_short(xml_attr(message, "ID"))) {
		refuse(reading, 400, "request-not-valid", "no CIM element with a MESSAGE and ID");
		return NULL;
	}
	reading->request->message_id = g_strdup(xml_attr(message, "ID"));
	gboolean ok = check_version(reading, root, "CIMVERSION", "2.", "unsupported-cim-version") &&
		      check_version(reading, root, "DTDVERSION", "2.", "unsupported-dtd-version") &&
		      check_version(reading, message, "PROTOCOLVERSION", "1.",
				    "unsupported-protocol-version");
	return ok ? message : NULL;
}

static const struct xml_node *
read_simple(struct reading *reading, const struct xml_node *message)
{
	const struct xml_node *simple = xml_child(message, NULL, "SIMPLEREQ");
	const struct xml_node *call = simple ? xml_child(simple, NULL, "IMETHODCALL") : NULL;
	if (xml_child(message, NULL, "MULTIREQ")) {
		refuse(reading, 501, "multiple-requests-unsupported", "MULTIREQ is not supported");
		return NULL;
	}
	if (simple && !call) {
		call = xml_child(simple, NULL, "METHODCALL");
		reading->request->is_extrinsic = call != NULL;
	}
	if (!simple || !call || !is_short(xml_attr(call, "NAME"))) {
		refuse(reading, 400, simple ? "request-not-valid" : "unsupported-operation",
		       "no method call with a NAME in a SIMPLEREQ");
		return NULL;
	}
	reading->request->call = g_strdup(xml_attr(call, "NAME"));
	return call;
}

/* Of an IMETHODCALL, or of a METHODCALL's target. */
static const struct xml_node *
find_namespace(const struct xml_node *call, guint depth)
{
	const struct xml_node *found = xml_child(call, NULL, "LOCALNAMESPACEPATH");
	for (const struct xml_node *child = call->first; child && !found && depth;
	     child = child->next)
		if (g_str_has_suffix(child->name, "PATH"))
			found = find_namespace(child, depth - 1);
	return found;
}

static gboolean
read_namespace(const struct xml_node *call, struct cim_op *op, GError **error)
{
	const struct xml_node *node = find_namespace(call, 2);
	if (!node)
		return cim_fail(error, CIM_ERR_INVALID_NAMESPACE, "the call names no namespace");
	op->namespace_text = cimxml_read_namespace(node, error);
	if (!op->namespace_text)
		return FALSE;
	op->ns = cim_namespace_find(op->namespace_text, &op->language);
	if (op->ns == CIM_NS_LAST)
		return cim_fail(error, CIM_ERR_INVALID_NAMESPACE, "there is no namespace \"%s\"",
				op->namespace_text);
	return TRUE;
}

static gboolean
read_call(const struct cim_schema *schema, const struct xml_node *call,
	  struct cimxml_request *request, GError **error)
{
	const struct cimxml_operation *operation = NULL;
	struct cimxml_scope scope = {.schema = schema};
	if (!request->is_extrinsic) {
		operation = cimxml_operation_find(request->call);
		if (!operation)
			return cim_fail(error, CIM_ERR_NOT_SUPPORTED,
					"there is no operation \"%s\"", request->call);
	}
	if (!read_namespace(call, &request->op, error))
		return FALSE;
	scope.ns = request->op.ns;
	if (operation)
		return cimxml_read_params(&scope, call, operation, &request->op, error);
	return cimxml_read_method(&scope, call, &request->op, error);
}

gboolean
cimxml_read(const struct cim_schema *schema, const char *data, gsize len,
	    struct cimxml_request *ret_request, struct cimxml_refusal *ret_refusal, GError **error)
{
	struct reading reading = {ret_request, ret_refusal, error};
	*ret_request = (struct cimxml_request){0};
	*ret_refusal = (struct cimxml_refusal){0};
	g_autoptr(GError) problem = NULL;
	cairn_auto(xml_document) document = xml_parse(data, len, &problem);
	if (!document) {
		gboolean large = g_error_matches(problem, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
		*ret_refusal = (struct cimxml_refusal){400, large ? "request-not-valid"
								  : "request-not-well-formed"};
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	const struct xml_node *message = read_message(&reading, xml_root(document));
	const struct xml_node *call = message ? read_simple(&reading, message) : NULL;
	return call && read_call(schema, call, ret_request, error);
}
