/* An envelope becomes a struct wsman_request: SOAP's frame, the headers, then one function for each
 * action. */
#include "wire/wsman_private.h"

#include <string.h>

void
wsman_request_clear(struct wsman_request *request)
{
	char *texts[] = {request->action_uri,	  request->message_id,
			 request->resource_uri,	  request->to,
			 request->locale,	  request->context,
			 request->fragment,	  request->identifier,
			 request->not_understood, request->not_understood_ns};
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	g_free(request->subscribe.notify_to);
	g_free(request->subscribe.notify_parameters);
	g_free(request->subscribe.end_to);
	g_free(request->subscribe.end_parameters);
	cim_op_clear(&request->op);
	*request = (struct wsman_request){0};
}

/* ---- what the selectors name ---- */

/* Services are there once: clients may leave all their keys out. */
static gboolean
may_lack_keys(const struct wsman_reader *reader, const struct cim_path *path)
{
	return path->key_count == 0 && cim_class_isa_name(reader->class, "CIM_Service");
}

static gboolean
read_object(struct wsman_reader *reader, gboolean is_static, GError **error)
{
	struct cim_op *op = &reader->request->op;
	if (!reader->class)
		return wsman_fail(error, WSMAN_FAULT_INVALID_RESOURCE_URI,
				  "the resource URI \"%s\" names no class",
				  reader->request->resource_uri);
	op->object = cim_path_new(cim_namespace_name(op->ns), reader->class->name);
	if (!wsman_read_selectors(reader, reader->selectors, reader->class, op->object, 0, error))
		return FALSE;
	if (is_static && op->object->key_count == 0) {
		g_clear_pointer(&op->object, cim_path_free);
		return TRUE;
	}
	return may_lack_keys(reader, op->object) ||
	       wsman_check_keys(reader->class, op->object, error);
}

/* ---- class metadata ---- */

gboolean
wsman_read_class_name(struct wsman_reader *reader, GError **error)
{
	struct cim_op *op = &reader->request->op;
	const struct xml_node *selector = reader->selectors ? reader->selectors->first : NULL;
	for (; selector; selector = selector->next) {
		if (g_ascii_strcasecmp(xml_attr(selector, "Name") ? xml_attr(selector, "Name") : "",
				       "ClassName") != 0)
			continue;
		g_free(op->class_name);
		op->class_name = wsman_word(selector);
	}
	if (op->class_name && (!*op->class_name || strcmp(op->class_name, "*") == 0))
		g_clear_pointer(&op->class_name, g_free);
	op->include_qualifiers = wsman_option_true(reader, "IncludeQualifiers", FALSE);
	op->local_only = !wsman_option_true(reader, "IncludeInheritedElements", TRUE);
	op->include_class_origin =
		wsman_option_true(reader, "IncludeClassOrigin", reader->request->from_winrm);
	op->deep_inheritance = TRUE;
	if (!op->class_name)
		return TRUE;
	reader->class = cim_schema_class(reader->schema, op->ns, op->class_name);
	return reader->class ? TRUE
			     : cim_fail(error, CIM_ERR_INVALID_CLASS,
					"namespace \"%s\" has no class \"%s\"", op->namespace_text,
					op->class_name);
}

static gboolean
read_get_class(struct wsman_reader *reader, GError **error)
{
	reader->request->op.kind = CIM_OP_GET_CLASS;
	if (!wsman_read_class_name(reader, error))
		return FALSE;
	return reader->class ? TRUE
			     : wsman_fail(error, WSMAN_FAULT_INSUFFICIENT_SELECTORS,
					  "the selector \"ClassName\" is missing");
}

/* openwsman's way of asking for classes. */
static const struct {
	const char *method;
	enum cim_op_kind kind;
	gboolean with_class;
} intrinsics[] = {
	{"GetClass", CIM_OP_GET_CLASS, TRUE},
	{"EnumerateClassNames", CIM_OP_ENUMERATE_CLASS_NAMES, FALSE},
};

static gboolean
read_intrinsic(struct wsman_reader *reader, GError **error)
{
	struct cim_op *op = &reader->request->op;
	for (guint i = 0; i < G_N_ELEMENTS(intrinsics); i++) {
		if (strcmp(intrinsics[i].method, op->method) != 0 ||
		    (intrinsics[i].with_class && !reader->class))
			continue;
		op->kind = intrinsics[i].kind;
		op->deep_inheritance = TRUE;
		return TRUE;
	}
	return cim_fail(error, CIM_ERR_METHOD_NOT_FOUND, "there is no action \"%s\"", op->method);
}

/* ---- one function for each action ---- */

static gboolean
read_get(struct wsman_reader *reader, GError **error)
{
	if (!wsman_read_target(reader, error))
		return FALSE;
	if (reader->uri.family == WSMAN_URI_CLASS)
		return read_get_class(reader, error);
	reader->request->op.kind = CIM_OP_GET_INSTANCE;
	if (!read_object(reader, FALSE, error))
		return FALSE;
	return !reader->fragment || wsman_read_fragment(reader, error);
}

static gboolean
read_put(struct wsman_reader *reader, GError **error)
{
	return wsman_read_target(reader, error) && read_object(reader, FALSE, error) &&
	       wsman_read_put(reader, error);
}

static gboolean
read_create(struct wsman_reader *reader, GError **error)
{
	if (!wsman_read_target(reader, error))
		return FALSE;
	if (!reader->class)
		return wsman_fail(error, WSMAN_FAULT_INVALID_RESOURCE_URI,
				  "the resource URI \"%s\" names no class",
				  reader->request->resource_uri);
	return wsman_read_create(reader, error);
}

static gboolean
read_delete(struct wsman_reader *reader, GError **error)
{
	reader->request->op.kind = CIM_OP_DELETE_INSTANCE;
	return wsman_read_target(reader, error) && read_object(reader, FALSE, error);
}

static gboolean
read_invoke(struct wsman_reader *reader, GError **error)
{
	struct wsman_request *request = reader->request;
	const char *slash = strrchr(request->action_uri, '/');
	if (!slash || !slash[1] || !request->resource_uri)
		return wsman_fail(error, WSMAN_FAULT_ACTION_NOT_SUPPORTED,
				  "there is no action \"%s\"", request->action_uri);
	request->op.method = g_strdup(slash + 1);
	if (!wsman_read_target(reader, error))
		return FALSE;
	if (reader->uri.family == WSMAN_URI_INTRINSIC)
		return read_intrinsic(reader, error);
	const struct cim_method *method =
		reader->class ? cim_class_method(reader->class, request->op.method) : NULL;
	if (!method)
		return cim_fail(error, CIM_ERR_METHOD_NOT_FOUND,
				"class \"%s\" has no method \"%s\"",
				reader->class ? reader->class->name : "*", request->op.method);
	request->op.kind = CIM_OP_INVOKE;
	g_free(request->op.method);
	request->op.method = g_strdup(method->name);
	return read_object(reader, method->is_static, error) &&
	       wsman_read_arguments(reader, method, error);
}

static gboolean
read_manage(struct wsman_reader *reader, GError **error)
{
	const struct xml_node *expires = reader->body ? wsman_child(reader->body, "Expires") : NULL;
	if (!reader->request->identifier || !*reader->request->identifier)
		return wsman_fail(error, WSMAN_FAULT_INVALID_MESSAGE,
				  "the request names no subscription");
	return !expires || reader->request->action != WSMAN_RENEW ||
	       wsman_expires(expires, reader->request, error);
}

static gboolean
read_nothing(struct wsman_reader *reader, GError **error)
{
	return TRUE;
}

/* @fragments: the header FragmentTransfer is obeyed; ignoring it would write all else. */
static const struct {
	gboolean (*read)(struct wsman_reader *reader, GError **error);
	gboolean fragments;
} readers[] = {
	[WSMAN_GET] = {read_get, TRUE},
	[WSMAN_PUT] = {read_put, TRUE},
	[WSMAN_CREATE] = {read_create, FALSE},
	[WSMAN_DELETE] = {read_delete, FALSE},
	[WSMAN_INVOKE] = {read_invoke, FALSE},
	[WSMAN_ENUMERATE] = {wsman_read_enumerate, FALSE},
	[WSMAN_PULL] = {wsman_read_pull, FALSE},
	[WSMAN_RELEASE] = {wsman_read_pull, FALSE},
	[WSMAN_SUBSCRIBE] = {wsman_read_subscribe, FALSE},
	[WSMAN_UNSUBSCRIBE] = {read_manage, FALSE},
	[WSMAN_RENEW] = {read_manage, FALSE},
	[WSMAN_GET_STATUS] = {read_manage, FALSE},
	[WSMAN_ACK] = {read_nothing, FALSE},
};

static gboolean
read_action(struct wsman_reader *reader, GError **error)
{
	struct wsman_request *request = reader->request;
	if (!request->action_uri || !*request->action_uri)
		return wsman_fail(error, WSMAN_FAULT_HEADER_REQUIRED,
				  "the header Action is missing");
	request->action = wsman_action_find(request->action_uri);
	g_assert((guint)request->action < G_N_ELEMENTS(readers) && readers[request->action].read);
	if (reader->fragment && !readers[request->action].fragments)
		return wsman_fail(error, WSMAN_FAULT_FRAGMENT,
				  "only Get and Put are for fragments");
	return readers[request->action].read(reader, error);
}

/* ---- SOAP's frame ---- */

static gboolean
check_envelope(const struct xml_node *root, GError **error)
{
	if (strcmp(root->name, "Envelope") != 0)
		return wsman_fail(error, WSMAN_FAULT_SCHEMA_VALIDATION,
				  "the document is no SOAP envelope");
	if (g_strcmp0(root->ns, NS_SOAP) != 0)
		return wsman_fail(error, WSMAN_FAULT_VERSION_MISMATCH,
				  "the envelope is not of SOAP 1.2");
	return TRUE;
}

static gboolean
read_envelope(struct wsman_reader *reader, const struct xml_node *root, GError **error)
{
	struct wsman_request *request = reader->request;
	const struct xml_node *body = xml_child(root, NS_SOAP, "Body");
	reader->body = body ? body->first : NULL;
	if (!check_envelope(root, error))
		return FALSE;
	if (!wsman_read_header(reader, xml_child(root, NS_SOAP, "Header"), error))
		return FALSE;
	if (reader->body && strcmp(reader->body->name, "Identify") == 0 &&
	    g_strcmp0(reader->body->ns, NS_WSMID) == 0) {
		request->action = WSMAN_IDENTIFY;
		return TRUE;
	}
	if (!body)
		return wsman_fail(error, WSMAN_FAULT_SCHEMA_VALIDATION, "the envelope has no Body");
	return read_action(reader, error);
}

gboolean
wsman_read(const struct cim_schema *schema, enum cim_namespace_id default_ns, const char *data,
	   gsize len, struct wsman_request *ret_request, GError **error)
{
	g_autoptr(GError) wrong = NULL;
	const gboolean from_winrm = ret_request->from_winrm;
	*ret_request = (struct wsman_request){.from_winrm = from_winrm,
					      .anonymous_reply = TRUE,
					      .max_envelope = WSMAN_ENVELOPE_DEFAULT};
	ret_request->op.ns = default_ns;
	cairn_auto(xml_document) document = xml_parse(data, len, &wrong);
	if (!document)
		return wsman_fail(error, WSMAN_FAULT_SCHEMA_VALIDATION, "%s", wrong->message);
	struct wsman_reader reader = {
		.schema = schema, .default_ns = default_ns, .request = ret_request};
	const gboolean good = read_envelope(&reader, xml_root(document), error);
	wsman_uri_clear(&reader.uri);
	g_clear_error(&reader.error);
	return good;
}
