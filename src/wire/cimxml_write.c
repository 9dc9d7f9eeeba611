/* Answers in CIM-XML (DSP0201 5.2.6, DSP0200 5.3): the envelope, and what goes into it by the
 * operation's shape. */
#include "wire/cimxml_private.h"

#include <string.h>

static const char prolog[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
			     "<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\"><MESSAGE ID=\"";

static const char *
response_element(const struct cimxml_writer *writer)
{
	return writer->request->is_extrinsic ? "METHODRESPONSE" : "IMETHODRESPONSE";
}

static void
put_head(struct cimxml_writer *writer)
{
	const struct cimxml_request *request = writer->request;
	GString *out = writer->out;
	g_string_append_len(out, prolog, sizeof prolog - 1);
	xml_escape_attr(out, request->message_id ? request->message_id : "", -1);
	cimxml_put(out, "\" PROTOCOLVERSION=\"1.0\"><SIMPLERSP><");
	g_string_append(out, response_element(writer));
	cimxml_put(out, " NAME=\"");
	xml_escape_attr(out, request->call ? request->call : "", -1);
	cimxml_put(out, "\">");
}

static void
put_tail(struct cimxml_writer *writer)
{
	g_string_append_printf(writer->out, "</%s></SIMPLERSP></MESSAGE></CIM>\n",
			       response_element(writer));
}

/* ---- errors ---- */

static void
put_error_property(GString *out, const char *name, const char *type, const char *value)
{
	g_string_append_printf(out, "<PROPERTY NAME=\"%s\" TYPE=\"%s\"><VALUE>", name, type);
	xml_escape(out, value, -1);
	cimxml_put(out, "</VALUE></PROPERTY>");
}

/* ErrorType 4 is a software error, PerceivedSeverity 5 a major one (CIM_Error). */
static void
put_error_instance(GString *out, const GError *error, const char *message, const char *code)
{
	const char *name = cim_status_name(cim_status_of(error));
	cimxml_put(out, "<INSTANCE CLASSNAME=\"CIM_Error\">");
	put_error_property(out, "ErrorType", "uint16", "4");
	put_error_property(out, "OwningEntity", "string", "cairn");
	put_error_property(out, "MessageID", "string", name);
	put_error_property(out, "Message", "string", message);
	put_error_property(out, "PerceivedSeverity", "uint16", "5");
	put_error_property(out, "CIMStatusCode", "uint32", code);
	put_error_property(out, "CIMStatusCodeDescription", "string", name);
	cimxml_put(out, "</INSTANCE>");
}

static void
put_error(struct cimxml_writer *writer, const GError *error)
{
	char code[16];
	g_autofree char *message = xml_message(error->message);
	g_snprintf(code, sizeof code, "%d", (int)cim_status_of(error));
	g_string_append_printf(writer->out, "<ERROR CODE=\"%s\" DESCRIPTION=\"", code);
	xml_escape_attr(writer->out, message, -1);
	cimxml_put(writer->out, "\">");
	if (writer->error_instances)
		put_error_instance(writer->out, error, message, code);
	cimxml_put(writer->out, "</ERROR>");
}

void
cimxml_write_error(struct cimxml_writer *writer, const GError *error)
{
	put_head(writer);
	put_error(writer, error);
	put_tail(writer);
}

/* ---- objects ---- */

static void
put_instance(struct cimxml_writer *writer, const struct cim_instance *instance)
{
	const struct cim_op *op = writer->opened ? writer->opened : &writer->request->op;
	cimxml_put_instance(writer->out, instance, op, writer->host, writer->schema,
			    &writer->selection);
}

static void
put_path(struct cimxml_writer *writer, const struct cim_instance *instance)
{
	const char *ns = cim_namespace_name(writer->request->op.ns);
	cimxml_put(writer->out, "<INSTANCEPATH>");
	cimxml_put_namespace_path(writer->out, writer->host, ns);
	cimxml_put_name_of(writer->out, instance, writer->host);
	cimxml_put(writer->out, "</INSTANCEPATH>");
}

static enum cimxml_shape
shape_of(const struct cimxml_writer *writer)
{
	const struct cimxml_operation *operation =
		writer->request->is_extrinsic ? NULL : cimxml_operation_find(writer->request->call);
	return operation ? operation->shape : CIMXML_VOID;
}

/* What stands around an object; its parts are told by letters: n INSTANCENAME, p INSTANCEPATH,
 * i INSTANCE. */
static const struct {
	const char *open, *parts, *close;
} shapes[] = {
	[CIMXML_INSTANCE] = {"", "i", ""},
	[CIMXML_NAME] = {"", "n", ""},
	[CIMXML_NAMED] = {"<VALUE.NAMEDINSTANCE>", "ni", "</VALUE.NAMEDINSTANCE>"},
	[CIMXML_OBJECT] = {"<VALUE.OBJECTWITHPATH>", "pi", "</VALUE.OBJECTWITHPATH>"},
	[CIMXML_OBJECT_PATH] = {"<OBJECTPATH>", "p", "</OBJECTPATH>"},
	[CIMXML_WITH_PATH] = {"<VALUE.INSTANCEWITHPATH>", "pi", "</VALUE.INSTANCEWITHPATH>"},
	[CIMXML_PATH] = {"", "p", ""},
};

static void
put_item(struct cimxml_writer *writer, enum cimxml_shape shape, const struct cim_instance *item)
{
	g_assert(shape < G_N_ELEMENTS(shapes) && shapes[shape].parts);
	g_string_append(writer->out, shapes[shape].open);
	for (const char *part = shapes[shape].parts; *part; part++)
		if (*part == 'i')
			put_instance(writer, item);
		else if (*part == 'n')
			cimxml_put_name_of(writer->out, item, writer->host);
		else
			put_path(writer, item);
	g_string_append(writer->out, shapes[shape].close);
}

void
cimxml_write_item(struct cimxml_writer *writer, const struct cim_instance *item)
{
	put_item(writer, shape_of(writer), item);
}

static void
put_class_path(struct cimxml_writer *writer, const struct cim_class *class)
{
	cimxml_put(writer->out, "<CLASSPATH>");
	cimxml_put_namespace_path(writer->out, writer->host,
				  cim_namespace_name(writer->request->op.ns));
	cimxml_put_class_name(writer->out, class);
	cimxml_put(writer->out, "</CLASSPATH>");
}

/* Class operations, and associations of a class (DSP0200 5.3.2.14: CLASSPATH and CLASS). */
static void
put_class(struct cimxml_writer *writer, enum cimxml_shape shape, const struct cim_class *class)
{
	GString *out = writer->out;
	if (shape == CIMXML_CLASS_NAME) {
		cimxml_put_class_name(out, class);
	} else if (shape == CIMXML_OBJECT_PATH) {
		cimxml_put(out, "<OBJECTPATH>");
		put_class_path(writer, class);
		cimxml_put(out, "</OBJECTPATH>");
	} else if (shape == CIMXML_OBJECT) {
		cimxml_put(out, "<VALUE.OBJECTWITHPATH>");
		put_class_path(writer, class);
		cimxml_write_class(out, class, &writer->request->op, FALSE);
		cimxml_put(out, "</VALUE.OBJECTWITHPATH>");
	} else {
		cimxml_write_class(out, class, &writer->request->op, FALSE);
	}
}

static void
put_qualifier_types(struct cimxml_writer *writer, const char *name)
{
	for (guint i = 0; i < cim_schema_qualifier_count(writer->schema); i++) {
		const char *scopes;
		const struct cim_qualifier *type =
			cim_schema_qualifier_at(writer->schema, i, &scopes);
		if (!name || g_ascii_strcasecmp(type->name, name) == 0)
			cimxml_put_qualifier_type(writer->out, type, scopes,
						  writer->request->op.language);
	}
}

/* ---- method calls ---- */

static const struct cim_method *
method_of(const struct cimxml_writer *writer)
{
	const struct cim_op *op = &writer->request->op;
	const char *name = op->object ? op->object->class_name : op->class_name;
	const struct cim_class *class =
		writer->schema && name ? cim_schema_class(writer->schema, op->ns, name) : NULL;
	return class && op->method ? cim_class_method(class, op->method) : NULL;
}

static void
put_argument(GString *out, const char *name, const struct cim_member *declared,
	     const struct cim_value *value, const char *host)
{
	cimxml_put(out, "<PARAMVALUE NAME=\"");
	g_string_append(out, name);
	cimxml_put(out, "\" PARAMTYPE=\"");
	g_string_append(out, cim_type_name(value->type));
	cimxml_put(out, "\"");
	if (value->type == CIM_STRING)
		cimxml_put_embedded(out, declared, value);
	cimxml_put(out, ">");
	cimxml_put_value(out, value, host);
	cimxml_put(out, "</PARAMVALUE>");
}

static void
put_method_reply(struct cimxml_writer *writer, const struct cim_reply *reply)
{
	GString *out = writer->out;
	const struct cim_method *method = method_of(writer);
	if (reply->value.is_set) {
		g_string_append_printf(out, "<RETURNVALUE PARAMTYPE=\"%s\">",
				       cim_type_name(reply->value.type));
		cimxml_put_value(out, &reply->value, writer->host);
		cimxml_put(out, "</RETURNVALUE>");
	}
	for (guint i = 0; reply->arguments && i < reply->arguments->len; i++) {
		const struct cim_argument *argument =
			&g_array_index(reply->arguments, struct cim_argument, i);
		if (!argument->value.is_set)
			continue; /* absent is NULL too, and wbemcli crashes without a value */
		const struct cim_member *declared =
			method ? cim_method_parameter(method, argument->name) : NULL;
		put_argument(out, argument->name, declared, &argument->value, writer->host);
	}
}

/* ---- begin and end ---- */

static void
put_result(struct cimxml_writer *writer, enum cimxml_shape shape, const struct cim_reply *reply)
{
	const struct cim_op *op = &writer->request->op;
	for (guint i = 0; op->kind != CIM_OP_OPEN && reply->classes && reply->classes[i]; i++)
		put_class(writer, shape, reply->classes[i]);
	if (reply->instance)
		put_item(writer, shape, reply->instance);
	if (shape == CIMXML_VALUE)
		cimxml_put_value(writer->out, &reply->value, writer->host);
	else if (shape == CIMXML_COUNT)
		g_string_append_printf(writer->out, "<VALUE>%" G_GUINT64_FORMAT "</VALUE>",
				       reply->total);
	else if (shape == CIMXML_QUALIFIER || shape == CIMXML_QUALIFIERS)
		put_qualifier_types(writer, op->property_name);
}

void
cimxml_write_begin(struct cimxml_writer *writer, const struct cim_reply *reply)
{
	enum cimxml_shape shape = shape_of(writer);
	put_head(writer);
	if (reply->error) {
		put_error(writer, reply->error);
	} else if (writer->request->is_extrinsic) {
		put_method_reply(writer, reply);
	} else if (shape != CIMXML_VOID) {
		cimxml_put(writer->out, "<IRETURNVALUE>");
		put_result(writer, shape, reply);
	}
}

/* Open and Pull (DSP0200 5.3.2.24). */
static void
put_pull_parameters(struct cimxml_writer *writer, const struct cim_reply *reply)
{
	const struct cim_op *op = &writer->request->op;
	GString *out = writer->out;
	struct cim_value end = cim_boolean(reply->end_of_sequence);
	struct cim_value context = {.type = CIM_STRING,
				    .is_set = reply->context && !reply->end_of_sequence,
				    .u.string = reply->context};
	if (op->return_query_class && reply->classes && reply->classes[0]) {
		cimxml_put(out, "<PARAMVALUE NAME=\"QueryResultClass\">");
		cimxml_write_class(out, reply->classes[0], op, FALSE);
		cimxml_put(out, "</PARAMVALUE>");
	}
	put_argument(out, "EndOfSequence", NULL, &end, NULL);
	put_argument(out, "EnumerationContext", NULL, &context, NULL);
}

void
cimxml_write_end(struct cimxml_writer *writer, const struct cim_reply *reply)
{
	enum cim_op_kind kind = writer->request->op.kind;
	if (!reply->error && !writer->request->is_extrinsic && shape_of(writer) != CIMXML_VOID)
		cimxml_put(writer->out, "</IRETURNVALUE>");
	if (!reply->error && (kind == CIM_OP_OPEN || kind == CIM_OP_PULL))
		put_pull_parameters(writer, reply);
	put_tail(writer);
}

void
cimxml_write_indication(GString *out, const struct cim_instance *indication, const char *message_id)
{
	g_string_append_len(out, prolog, sizeof prolog - 1);
	xml_escape_attr(out, message_id, -1);
	cimxml_put(out, "\" PROTOCOLVERSION=\"1.0\"><SIMPLEEXPREQ><EXPMETHODCALL "
			"NAME=\"ExportIndication\"><EXPPARAMVALUE NAME=\"NewIndication\">");
	cimxml_write_instance(out, indication, NULL);
	cimxml_put(out, "</EXPPARAMVALUE></EXPMETHODCALL></SIMPLEEXPREQ></MESSAGE></CIM>\n");
}
