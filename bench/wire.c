/* How fast the codecs are, alone: requests read per second, bytes written per second.
 * `ninja -C build bench/bench_wire && build/bench/bench_wire`; not a test. */
#include "wire/cimxml.h"
#include "wire/xml.h"

#include <stdio.h>
#include <string.h>

#define SECONDS 1.0 /* of each measurement */

static const char request_text[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n"
	"<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\"><MESSAGE ID=\"1001\" PROTOCOLVERSION=\"1.0\">"
	"<SIMPLEREQ><IMETHODCALL NAME=\"GetInstance\"><LOCALNAMESPACEPATH><NAMESPACE "
	"NAME=\"root\"/>"
	"<NAMESPACE NAME=\"virtualization\"/><NAMESPACE NAME=\"v2\"/></LOCALNAMESPACEPATH>"
	"<IPARAMVALUE NAME=\"InstanceName\"><INSTANCENAME CLASSNAME=\"Msvm_ConcreteJob\">"
	"<KEYBINDING NAME=\"InstanceID\"><KEYVALUE VALUETYPE=\"string\" TYPE=\"string\">"
	"7A9F1C0E-2B1D-4C55-9E7B-0123456789AB</KEYVALUE></KEYBINDING></INSTANCENAME></IPARAMVALUE>"
	"<IPARAMVALUE NAME=\"LocalOnly\"><VALUE>FALSE</VALUE></IPARAMVALUE>"
	"<IPARAMVALUE NAME=\"IncludeQualifiers\"><VALUE>FALSE</VALUE></IPARAMVALUE>"
	"<IPARAMVALUE NAME=\"IncludeClassOrigin\"><VALUE>FALSE</VALUE></IPARAMVALUE>"
	"<IPARAMVALUE NAME=\"PropertyList\"><VALUE.ARRAY><VALUE>InstanceID</VALUE>"
	"<VALUE>JobState</VALUE></VALUE.ARRAY></IPARAMVALUE>"
	"</IMETHODCALL></SIMPLEREQ></MESSAGE></CIM>\n";

static struct cim_schema *schema;

/* Each returns the bytes that it went through. */
static gsize
parse_once(void)
{
	cairn_auto(xml_document) document = xml_parse(request_text, sizeof request_text - 1, NULL);
	g_assert_nonnull(document);
	return sizeof request_text - 1;
}

static gsize
read_once(void)
{
	struct cimxml_request request;
	struct cimxml_refusal refusal;
	const gboolean ok = cimxml_read(schema, request_text, sizeof request_text - 1, &request,
					&refusal, NULL);
	g_assert_true(ok);
	cimxml_request_clear(&request);
	return sizeof request_text - 1;
}

/* A job of 50 properties, most of them set. */
static struct cim_instance *
make_job(void)
{
	const struct cim_class *class = cim_schema_class(schema, CIM_NS_VIRTUALIZATION,
							 "Msvm_CollectionReferencePointExportJob");
	struct cim_instance *job = cim_instance_new(class);
	for (guint i = 0; i < class->property_count; i++) {
		const struct cim_member *property = &class->properties[i];
		struct cim_value value = cim_null(property->type, property->is_array);
		if (property->type == CIM_STRING && !property->is_array)
			value = cim_string("7A9F1C0E-2B1D-4C55-9E7B-0123456789AB, a text");
		else if (property->type == CIM_UINT16 && property->is_array)
			value = cim_array(CIM_UINT16, 0);
		else if (cim_type_is_unsigned(property->type) && !property->is_array)
			value = cim_uint(property->type, 200);
		else if (property->type == CIM_DATETIME)
			value = cim_datetime("20260131235959.123456+060");
		cim_value_clear(&job->values[i]);
		job->values[i] = value;
	}
	return job;
}

/* A thousand of them in one answer, taken away in pieces as the server does. */
static gsize
write_once(void)
{
	static struct cim_instance *job;
	struct cimxml_request request = {
		.message_id = (char *)"1",
		.call = (char *)"EnumerateInstances",
		.op = {.kind = CIM_OP_ENUMERATE_INSTANCES, .deep_inheritance = TRUE}};
	g_autoptr(GString) out = g_string_sized_new(1 << 17);
	struct cimxml_writer writer = {
		.request = &request, .schema = schema, .host = "HOST1", .out = out};
	struct cim_reply reply = {0};
	gsize bytes = 0;
	if (!job)
		job = make_job();
	cimxml_write_begin(&writer, &reply);
	for (guint i = 0; i < 1000; i++) {
		cimxml_write_item(&writer, job);
		if (out->len > 1 << 16) {
			bytes += out->len;
			g_string_truncate(out, 0);
		}
	}
	cimxml_write_end(&writer, &reply);
	return bytes + out->len;
}

static void
measure(const char *name, gsize (*once)(void))
{
	g_autoptr(GTimer) timer = g_timer_new();
	gsize bytes = 0, rounds = 0;
	while (g_timer_elapsed(timer, NULL) < SECONDS) {
		bytes += once();
		rounds++;
	}
	const double seconds = g_timer_elapsed(timer, NULL);
	printf("%-24s %10.0f/s %9.2f us %8.1f MB/s\n", name, (double)rounds / seconds,
	       seconds * 1e6 / (double)rounds, (double)bytes / seconds / 1e6);
}

int
main(void)
{
	schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	measure("xml_parse, request", parse_once);
	measure("cimxml_read, GetInstance", read_once);
	measure("cimxml_write, 1000 jobs", write_once);
	cim_schema_free(schema);
	return 0;
}
