/* CIM-XML requests, and the error answers to them. */
#include "fuzz.h"
#include "wire/cimxml.h"

#include <string.h>

#define NS                                                                                   \
	"<LOCALNAMESPACEPATH><NAMESPACE NAME=\"root\"/><NAMESPACE NAME=\"virtualization\"/>" \
	"<NAMESPACE NAME=\"v2\"/></LOCALNAMESPACEPATH>"
#define JOB                                                                             \
	"<INSTANCENAME CLASSNAME=\"Msvm_ConcreteJob\"><KEYBINDING NAME=\"InstanceID\">" \
	"<KEYVALUE VALUETYPE=\"string\" TYPE=\"string\">1</KEYVALUE></KEYBINDING></INSTANCENAME>"

static const char *const calls[] = {
	"<IMETHODCALL NAME=\"GetInstance\">" NS "<IPARAMVALUE NAME=\"InstanceName\">" JOB
	"</IPARAMVALUE><IPARAMVALUE NAME=\"PropertyList\"><VALUE.ARRAY><VALUE>JobState</VALUE>"
	"</VALUE.ARRAY></IPARAMVALUE></IMETHODCALL>",
	"<IMETHODCALL NAME=\"OpenEnumerateInstances\">" NS "<IPARAMVALUE NAME=\"ClassName\">"
	"<CLASSNAME NAME=\"CIM_Job\"/></IPARAMVALUE><IPARAMVALUE NAME=\"FilterQuery\">"
	"<VALUE>JobState = 4</VALUE></IPARAMVALUE><IPARAMVALUE NAME=\"FilterQueryLanguage\">"
	"<VALUE>DMTF:FQL</VALUE></IPARAMVALUE></IMETHODCALL>",
	"<IMETHODCALL NAME=\"ModifyInstance\">" NS "<IPARAMVALUE NAME=\"ModifiedInstance\">"
	"<VALUE.NAMEDINSTANCE>" JOB "<INSTANCE CLASSNAME=\"Msvm_ConcreteJob\">"
	"<PROPERTY NAME=\"JobRunTimes\" TYPE=\"uint32\"><VALUE>0x12</VALUE></PROPERTY>"
	"<PROPERTY.ARRAY NAME=\"OperationalStatus\" TYPE=\"uint16\"><VALUE.ARRAY><VALUE>2</VALUE>"
	"<VALUE.NULL/></VALUE.ARRAY></PROPERTY.ARRAY><PROPERTY NAME=\"StartTime\" "
	"TYPE=\"datetime\"><VALUE>20260101000000.000000+000</VALUE></PROPERTY></INSTANCE>"
	"</VALUE.NAMEDINSTANCE></IPARAMVALUE></IMETHODCALL>",
	"<METHODCALL NAME=\"ExportReferencePoint\"><LOCALCLASSPATH>" NS
	"<CLASSNAME NAME=\"Msvm_CollectionReferencePointService\"/></LOCALCLASSPATH>"
	"<PARAMVALUE NAME=\"ReferencePointCollection\" PARAMTYPE=\"reference\"><VALUE.REFERENCE>"
	"<INSTANCEPATH><NAMESPACEPATH><HOST>h</HOST>" NS "</NAMESPACEPATH>" JOB
	"</INSTANCEPATH></VALUE.REFERENCE></PARAMVALUE><PARAMVALUE NAME=\"ExportDirectory\">"
	"<VALUE>/a</VALUE></PARAMVALUE></METHODCALL>",
};

GPtrArray *
fuzz_seeds(void)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
		char *text = g_strdup_printf("<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\">"
					     "<MESSAGE ID=\"1\" PROTOCOLVERSION=\"1.0\"><SIMPLEREQ>"
					     "%s</SIMPLEREQ></MESSAGE></CIM>",
					     calls[i]);
		g_ptr_array_add(list, g_bytes_new_take(text, strlen(text)));
	}
	return list;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	static struct cim_schema *schema;
	struct cimxml_request request;
	struct cimxml_refusal refusal;
	g_autoptr(GError) error = NULL;
	if (!schema)
		schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	const gboolean ok =
		cimxml_read(schema, (const char *)data, len, &request, &refusal, &error);
	g_assert(ok == (error == NULL));
	if (!ok && !refusal.http_status) {
		g_autoptr(GString) out = g_string_new(NULL);
		struct cimxml_writer writer = {.request = &request, .schema = schema, .out = out};
		cimxml_write_error(&writer, error);
		g_assert_nonnull(strstr(out->str, "</CIM>"));
	}
	cimxml_request_clear(&request);
	return 0;
}
