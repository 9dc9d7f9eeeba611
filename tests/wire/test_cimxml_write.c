/* Answers of CIM-XML: golden files for each shape, what strict clients demand of all of them, and
 * random instances that come back as they went. */
#include "base/error.h"
#include "golden.h"
#include "wire/cimxml.h"
#include "wire/embedded.h"
#include "wire/xml.h"

#include <string.h>

static struct cim_schema *schema;

/* ---- random values ---- */

static char *
random_text(GRand *rand)
{
	static const char *const pieces[] = {"a",   " ",	   "<",	       "&amp;",
					     "]]>", "\"",	   "\t",       "\n",
					     "\r",  "'",	   "\xc3\xa9", "\xf0\x9f\x99\x82",
					     "&",   "plain words", "\\",       "<INSTANCE/>"};
	GString *text = g_string_new(NULL);
	for (gint n = g_rand_int_range(rand, 0, 6); n > 0; n--)
		g_string_append(text, pieces[g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces))]);
	return g_string_free(text, FALSE);
}

static struct cim_path *
random_path(GRand *rand)
{
	struct cim_path *path = cim_path_new(g_rand_boolean(rand) ? "root/virtualization/v2" : NULL,
					     "Msvm_ConcreteJob");
	if (path->namespace && g_rand_boolean(rand))
		path->host = g_strdup("HOST1");
	for (gint n = g_rand_int_range(rand, 1, 4); n > 0; n--) {
		g_autofree char *name = g_strdup_printf("Key%d", n);
		g_autofree char *text = random_text(rand);
		cim_path_add_string(path, name, text);
	}
	return path;
}

static guint64
random_number(GRand *rand, guint bits)
{
	guint64 number = (guint64)g_rand_int(rand) << 32 | g_rand_int(rand);
	return number >> (64 - bits) >> g_rand_int_range(rand, 0, (gint32)bits);
}

static struct cim_value
random_scalar(GRand *rand, enum cim_type type)
{
	static const guint8 bits[CIM_TYPE_LAST] = {
		[CIM_UINT8] = 8, [CIM_UINT16] = 16, [CIM_UINT32] = 32, [CIM_UINT64] = 64,
		[CIM_SINT8] = 8, [CIM_SINT16] = 16, [CIM_SINT32] = 32, [CIM_SINT64] = 64};
	static const char *const times[] = {"20260131235959.123456+060",
					    "00000003121500.000000:000",
					    "20260131******.******+000"};
	if (type == CIM_BOOLEAN)
		return cim_boolean(g_rand_boolean(rand));
	if (cim_type_is_unsigned(type))
		return cim_uint(type, random_number(rand, bits[type]));
	if (cim_type_is_signed(type))
		return cim_sint(type, (gint64)random_number(rand, bits[type] - 1) *
					      (g_rand_boolean(rand) ? 1 : -1));
	if (type == CIM_REAL32)
		return cim_real(type, (double)(float)(g_rand_double(rand) * 1e9 - 5e8));
	if (type == CIM_REAL64)
		return cim_real(type, 1 / (g_rand_double(rand) - 0.5));
	if (type == CIM_CHAR16)
		return cim_uint(type, (guint64)g_rand_int_range(rand, ' ', 0xd800));
	if (type == CIM_DATETIME)
		return cim_datetime(times[g_rand_int_range(rand, 0, G_N_ELEMENTS(times))]);
	if (type == CIM_REFERENCE)
		return cim_reference_take(random_path(rand));
	return cim_string_take(random_text(rand));
}

static struct cim_value
random_value(GRand *rand, const struct cim_member *property)
{
	if (g_rand_int_range(rand, 0, 4) == 0)
		return cim_null(property->type, property->is_array);
	if (!property->is_array)
		return random_scalar(rand, property->type);
	struct cim_value array = cim_array(property->type, (guint)g_rand_int_range(rand, 0, 5));
	for (guint i = 0; i < array.count; i++)
		if (property->type != CIM_STRING || g_rand_int_range(rand, 0, 5))
			array.u.items[i] = random_scalar(rand, property->type);
	return array;
}

static struct cim_instance *
random_instance(GRand *rand, const struct cim_class *class)
{
	struct cim_instance *instance = cim_instance_new(class);
	for (guint i = 0; i < class->property_count; i++) {
		cim_value_clear(&instance->values[i]);
		instance->values[i] = random_value(rand, &class->properties[i]);
	}
	return instance;
}

static enum cim_namespace_id
some_namespace(const struct cim_class *class)
{
	return (enum cim_namespace_id)g_bit_nth_lsf(class->namespaces, -1);
}

/* Every class there is, many times. */
static void
test_round_trip(void)
{
	guint32 seed = g_test_rand_int_range(0, G_MAXINT32);
	g_test_message("seed %u", seed);
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	for (guint i = 0; i < cim_schema_count(schema) * 10; i++) {
		const struct cim_class *class = cim_schema_at(schema, i % cim_schema_count(schema));
		cairn_auto(cim_instance) sent = random_instance(rand, class);
		g_autoptr(GString) text = g_string_new(NULL);
		g_autoptr(GError) error = NULL;
		if (!class->namespaces)
			continue;
		embedded_print(sent, text);
		cairn_auto(cim_instance) got =
			embedded_parse(schema, some_namespace(class), text->str, &error);
		if (!got)
			g_error("%s\n%s", error->message, text->str);
		g_assert_true(got->class == class);
		for (guint p = 0; p < class->property_count; p++)
			if (!cim_value_equal(&sent->values[p], &got->values[p]))
				g_error("%s.%s differs in\n%s", class->name,
					class->properties[p].name, text->str);
	}
}

/* ---- answers ---- */

static struct cim_instance *
small_instance(void)
{
	char *const names[] = {"a<b", NULL};
	struct cim_instance *filter =
		cim_instance_new(cim_schema_class(schema, CIM_NS_INTEROP, "CIM_IndicationFilter"));
	cim_instance_set(filter, "Name", cim_string("f & g"));
	cim_instance_set(filter, "CreationClassName", cim_string("CIM_IndicationFilter"));
	cim_instance_set(filter, "SourceNamespaces", cim_string_array(names));
	cim_instance_set(filter, "IndividualSubscriptionSupported", cim_boolean(TRUE));
	return filter;
}

static struct cim_reply
make_reply(const struct cimxml_request *request)
{
	struct cim_reply reply = {0};
	const struct cim_class *class = cim_schema_class(schema, CIM_NS_INTEROP, "__Namespace");
	switch (request->op.kind) {
	case CIM_OP_GET_INSTANCE:
	case CIM_OP_CREATE_INSTANCE:
		reply.instance = small_instance();
		break;
	case CIM_OP_GET_CLASS:
	case CIM_OP_ENUMERATE_CLASSES:
	case CIM_OP_ENUMERATE_CLASS_NAMES:
		reply.classes = g_new0(const struct cim_class *, 2);
		reply.classes[0] = class;
		break;
	case CIM_OP_GET_PROPERTY:
		reply.value = cim_uint(CIM_UINT16, 4);
		break;
	case CIM_OP_ENUMERATION_COUNT:
		reply.total = 42;
		break;
	case CIM_OP_OPEN:
	case CIM_OP_PULL:
		reply.context = g_strdup("c-2");
		break;
	case CIM_OP_INVOKE:
		reply.value = cim_uint(CIM_UINT32, 4096);
		cim_reply_add(&reply, "Job",
			      cim_reference_take(cim_path_parse(
				      "\\\\HOST1\\root\\virtualization\\v2:Msvm_ConcreteJob."
				      "InstanceID=\"1\"",
				      NULL)));
		cim_reply_add(&reply, "Error", cim_embedded_take(small_instance()));
		cim_reply_add(&reply, "Text", cim_null(CIM_STRING, TRUE));
		break;
	default:
		break;
	}
	return reply;
}

static gboolean
is_listed(const struct cim_op *op)
{
	return op->kind == CIM_OP_OPEN || op->kind == CIM_OP_PULL ||
	       op->kind == CIM_OP_ENUMERATE_INSTANCES ||
	       op->kind == CIM_OP_ENUMERATE_INSTANCE_NAMES ||
	       (op->kind >= CIM_OP_ASSOCIATORS && op->kind <= CIM_OP_EXEC_QUERY);
}

static void
write_answer(const struct cimxml_request *request, GString *out)
{
	struct cimxml_writer writer = {
		.request = request, .schema = schema, .host = "HOST1", .out = out};
	struct cim_reply reply = make_reply(request);
	cairn_auto(cim_instance) item = small_instance();
	const gboolean of_class = request->op.object && request->op.object->is_class;
	if (of_class) {
		reply.classes = g_new0(const struct cim_class *, 2);
		reply.classes[0] = cim_schema_class(schema, CIM_NS_INTEROP, "__SystemClass");
	}
	cimxml_write_begin(&writer, &reply);
	for (guint i = 0; !of_class && is_listed(&request->op) && i < 2; i++)
		cimxml_write_item(&writer, item);
	cimxml_write_end(&writer, &reply);
	cim_reply_clear(&reply);
}

/* wbemcli: no self-closing tags; pywbem: no IRETURNVALUE where nothing is returned. */
static void
check_strict(const struct cimxml_request *request, const GString *out)
{
	static const enum cim_op_kind empty[] = {
		CIM_OP_MODIFY_INSTANCE, CIM_OP_DELETE_INSTANCE,	 CIM_OP_SET_PROPERTY,
		CIM_OP_CLOSE,		CIM_OP_CREATE_CLASS,	 CIM_OP_MODIFY_CLASS,
		CIM_OP_DELETE_CLASS,	CIM_OP_DELETE_QUALIFIER, CIM_OP_SET_QUALIFIER};
	g_autoptr(GError) error = NULL;
	gboolean is_empty = request->is_extrinsic;
	cairn_auto(xml_document) document = xml_parse(out->str, out->len, &error);
	if (!document)
		g_error("%s\n%s", error->message, out->str);
	for (guint i = 0; i < G_N_ELEMENTS(empty); i++)
		is_empty = is_empty || request->op.kind == empty[i];
	g_assert_null(strstr(out->str, "/>"));
	g_assert_true((strstr(out->str, "<IRETURNVALUE>") == NULL) == is_empty);
	g_assert_true((strstr(out->str, "\"EndOfSequence\"") != NULL) ==
		      (request->op.kind == CIM_OP_OPEN || request->op.kind == CIM_OP_PULL));
	const struct xml_node *message = xml_child(xml_root(document), NULL, "MESSAGE");
	g_assert_cmpstr(xml_attr(message, "ID"), ==, request->message_id);
}

static void
test_answers(void)
{
	g_autoptr(GPtrArray) names = golden_names("cimxml", ".xml");
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *xml = g_strdup_printf("cimxml/%s.xml", (char *)names->pdata[i]);
		g_autofree char *answer =
			g_strdup_printf("cimxml/%s.answer", (char *)names->pdata[i]);
		struct cimxml_request request;
		struct cimxml_refusal refusal;
		g_autoptr(GString) out = g_string_new(NULL);
		gsize len;
		g_autofree char *data = golden_read(xml, &len);
		g_assert_true(cimxml_read(schema, data, len, &request, &refusal, NULL));
		write_answer(&request, out);
		check_strict(&request, out);
		if (request.op.kind != CIM_OP_ENUMERATE_QUALIFIERS) {
			/* a line for an element, so that differences can be read */
			g_string_replace(out, "><", ">\n<", 0);
			golden_compare(answer, out->str);
		}
		cimxml_request_clear(&request);
	}
}

static void
test_error(void)
{
	struct cimxml_request request = {.message_id = (char *)"\"<1>",
					 .call = (char *)"GetInstance"};
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GString) same = g_string_new(NULL);
	struct cimxml_writer writer = {.request = &request, .out = out};
	struct cim_reply reply = {0};
	cairn_fail(&reply.error, CAIRN_ERROR_NOT_FOUND, "there is no \"<job>\" & co");
	cimxml_write_error(&writer, reply.error);
	writer.out = same;
	cimxml_write_begin(&writer, &reply);
	cimxml_write_end(&writer, &reply);
	g_assert_cmpstr(out->str, ==, same->str);
	g_assert_null(strstr(out->str, "/>"));
	cairn_auto(xml_document) document = xml_parse(out->str, out->len, NULL);
	const struct xml_node *node = xml_child(xml_root(document), NULL, "MESSAGE");
	g_assert_cmpstr(xml_attr(node, "ID"), ==, "\"<1>");
	node = xml_child(xml_child(node, NULL, "SIMPLERSP"), NULL, "IMETHODRESPONSE");
	g_assert_cmpstr(xml_attr(node, "NAME"), ==, "GetInstance");
	node = xml_child(node, NULL, "ERROR");
	g_assert_cmpstr(xml_attr(node, "CODE"), ==, "6");
	g_assert_cmpstr(xml_attr(node, "DESCRIPTION"), ==, "there is no \"<job>\" & co");
	g_assert_null(node->first);
	g_string_truncate(same, 0);
	writer.error_instances = TRUE;
	cimxml_write_error(&writer, reply.error);
	g_assert_nonnull(strstr(same->str, "co\"><INSTANCE CLASSNAME=\"CIM_Error\">"));
	cairn_auto(xml_document) again = xml_parse(same->str, same->len, NULL);
	g_assert_nonnull(again);
	cim_reply_clear(&reply);
}

/* What the class that was asked for does not have is left out without DeepInheritance. */
static void
test_shallow(void)
{
	const struct cim_class *class =
		cim_schema_class(schema, CIM_NS_VIRTUALIZATION, "Msvm_ConcreteJob");
	cairn_auto(cim_instance) job = cim_instance_new(class);
	struct cimxml_request request = {
		.call = (char *)"EnumerateInstances",
		.op = {.kind = CIM_OP_ENUMERATE_INSTANCES, .class_name = (char *)"CIM_Job"}};
	for (guint deep = 0; deep < 2; deep++) {
		g_autoptr(GString) out = g_string_new(NULL);
		struct cimxml_writer writer = {.request = &request, .schema = schema, .out = out};
		request.op.deep_inheritance = deep != 0;
		cimxml_write_item(&writer, job);
		g_assert_nonnull(strstr(out->str, "NAME=\"JobRunTimes\""));
		g_assert_true((strstr(out->str, "NAME=\"JobState\"") != NULL) == (deep != 0));
	}
}

/* Embedded text is escaped once for each level; arrays of numbers have no VALUE.NULL. */
static void
test_values(void)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct cimxml_request request = {.is_extrinsic = TRUE, .call = (char *)"X"};
	struct cimxml_writer writer = {.request = &request, .schema = schema, .out = out};
	struct cim_reply reply = {.value = cim_real(CIM_REAL64, 0.1)};
	struct cim_value numbers = cim_array(CIM_UINT8, 3);
	numbers.u.items[1] = cim_uint(CIM_UINT8, 7);
	cim_reply_add(&reply, "Numbers", numbers);
	cim_reply_add(&reply, "Strings", cim_array(CIM_STRING, 1));
	cim_reply_add(&reply, "Embedded", cim_embedded_take(small_instance()));
	cim_reply_add(&reply, "Char", cim_uint(CIM_CHAR16, '<'));
	struct cim_value paths = cim_array(CIM_REFERENCE, 1);
	paths.u.items[0] = cim_reference_take(cim_path_parse("ns:C.K=\"v\"", NULL));
	cim_reply_add(&reply, "Paths", paths);
	cimxml_write_begin(&writer, &reply);
	cimxml_write_end(&writer, &reply);
	static const char *const expected[] = {
		"PARAMTYPE=\"real64\"><VALUE>0.10000000000000001</VALUE>",
		"PARAMTYPE=\"uint8\"><VALUE.ARRAY><VALUE>7</VALUE></VALUE.ARRAY>",
		"<VALUE.ARRAY><VALUE.NULL></VALUE.NULL></VALUE.ARRAY>",
		"PARAMTYPE=\"string\" EmbeddedObject=\"instance\"><VALUE>&lt;INSTANCE ",
		"f &amp;amp; g",
		"PARAMTYPE=\"char16\"><VALUE>&lt;</VALUE>",
		"<VALUE.REFARRAY><VALUE.REFERENCE><LOCALINSTANCEPATH>",
	};
	for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
		if (!strstr(out->str, expected[i]))
			g_error("no %s in\n%s", expected[i], out->str);
	cim_reply_clear(&reply);
}

static void
test_indication(void)
{
	g_autoptr(GString) out = g_string_new(NULL);
	cairn_auto(cim_instance) indication = cim_instance_new(
		cim_schema_class(schema, CIM_NS_VIRTUALIZATION, "CIM_InstModification"));
	cim_instance_set(indication, "SourceInstance", cim_embedded_take(small_instance()));
	cimxml_write_indication(out, indication, "17");
	g_assert_null(strstr(out->str, "/>"));
	cairn_auto(xml_document) document = xml_parse(out->str, out->len, NULL);
	const struct xml_node *node = xml_root(document);
	static const char *const path[] = {"MESSAGE", "SIMPLEEXPREQ", "EXPMETHODCALL",
					   "EXPPARAMVALUE", "INSTANCE"};
	for (guint i = 0; i < G_N_ELEMENTS(path); i++) {
		node = xml_child(node, NULL, path[i]);
		g_assert_nonnull(node);
	}
	g_assert_cmpstr(xml_attr(node, "CLASSNAME"), ==, "CIM_InstModification");
	g_assert_nonnull(strstr(out->str, "EmbeddedObject=\"object\"><VALUE>&lt;INSTANCE"));
}

/* Every class and qualifier of every build is written well-formed, in every language. */
static void
test_classes(void)
{
	for (guint i = 0; i < cim_schema_count(schema); i++) {
		struct cim_op op = {.include_qualifiers = TRUE,
				    .include_class_origin = TRUE,
				    .language = (enum cim_language)(i % CIM_LANG_LAST)};
		g_autoptr(GString) out = g_string_new(NULL);
		g_autoptr(GError) error = NULL;
		cimxml_write_class(out, cim_schema_at(schema, i), &op, TRUE);
		cairn_auto(xml_document) document = xml_parse(out->str, out->len, &error);
		if (!document)
			g_error("%s\n%s", error->message, out->str);
		g_assert_null(strstr(out->str, "/>"));
		g_assert_null(strstr(out->str, "\xef\xbf\xbd"));
		g_assert_nonnull(xml_attr(xml_root(document), "DERIVATION"));
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	g_test_add_func("/cimxml/write/round-trip", test_round_trip);
	g_test_add_func("/cimxml/write/answers", test_answers);
	g_test_add_func("/cimxml/write/error", test_error);
	g_test_add_func("/cimxml/write/shallow", test_shallow);
	g_test_add_func("/cimxml/write/values", test_values);
	g_test_add_func("/cimxml/write/indication", test_indication);
	g_test_add_func("/cimxml/write/classes", test_classes);
	int status = g_test_run();
	cim_schema_free(schema);
	return status;
}
