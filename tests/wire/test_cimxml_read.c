/* Requests of CIM-XML: golden files as clients send them, refusals, cut off input. */
#include "base/error.h"
#include "golden.h"
#include "wire/cimxml.h"

#include <string.h>

static struct cim_schema *schema;

static void
put_outcome(GString *text, const char *data, gsize len)
{
	struct cimxml_request request;
	struct cimxml_refusal refusal;
	g_autoptr(GError) error = NULL;
	gboolean ok = cimxml_read(schema, data, len, &request, &refusal, &error);
	g_assert(ok == (error == NULL));
	g_assert(!(ok && refusal.http_status));
	if (request.call)
		g_string_append_printf(text, "message %s: %s%s\n", request.message_id, request.call,
				       request.is_extrinsic ? " (method)" : "");
	if (refusal.http_status)
		g_string_append_printf(text, "refused: %u %s\n", refusal.http_status,
				       refusal.cim_error);
	else if (error)
		g_string_append_printf(text, "%s: %s\n", cim_status_name(cim_status_of(error)),
				       error->message);
	else
		golden_put_op(text, &request.op);
	cimxml_request_clear(&request);
}

static void
test_golden(void)
{
	golden_compare_all("cimxml", put_outcome);
}

static void
refuse(const char *data, gsize len)
{
	struct cimxml_request request;
	struct cimxml_refusal refusal;
	g_assert_false(cimxml_read(schema, data, len, &request, &refusal, NULL));
	g_assert_cmpuint(refusal.http_status, ==, 400);
	cimxml_request_clear(&request);
}

/* What is cut off is refused, wherever it was cut, and nothing leaks. */
static void
test_truncated(void)
{
	golden_truncate_all("cimxml", refuse);
}

/* ---- errors, one a line ---- */

#define CALL(name, params)                                                                         \
	"<IMETHODCALL NAME=\"" name "\"><LOCALNAMESPACEPATH><NAMESPACE NAME=\"root\"/>"            \
	"<NAMESPACE NAME=\"virtualization\"/><NAMESPACE NAME=\"v2\"/></LOCALNAMESPACEPATH>" params \
	"</IMETHODCALL>"
#define METHOD(params)                                                                           \
	"<METHODCALL NAME=\"ExportReferencePoint\"><LOCALCLASSPATH><LOCALNAMESPACEPATH>"         \
	"<NAMESPACE NAME=\"root\"/><NAMESPACE NAME=\"virtualization\"/><NAMESPACE NAME=\"v2\"/>" \
	"</LOCALNAMESPACEPATH><CLASSNAME NAME=\"Msvm_CollectionReferencePointService\"/>"        \
	"</LOCALCLASSPATH>" params "</METHODCALL>"
#define PARAM(name, value) "<IPARAMVALUE NAME=\"" name "\">" value "</IPARAMVALUE>"
#define JOB(value)                                                                            \
	"<INSTANCENAME CLASSNAME=\"Msvm_ConcreteJob\"><KEYBINDING NAME=\"InstanceID\">" value \
	"</KEYBINDING></INSTANCENAME>"
#define INSTANCE(properties)                                                                \
	"<INSTANCE CLASSNAME=\"Msvm_CollectionReferencePointSettingData\">" properties "</" \
	"INSTANCE>"

static const struct {
	const char *call;
	enum cim_status status;
} errors[] = {
	{CALL("Frobnicate", ""), CIM_ERR_NOT_SUPPORTED},
	{CALL("GetInstance", ""), CIM_ERR_INVALID_PARAMETER},
	{CALL("GetInstance", PARAM("InstanceName", "")), CIM_ERR_INVALID_PARAMETER},
	{CALL("GetInstance", PARAM("Nonsense", "<VALUE>1</VALUE>")), CIM_ERR_INVALID_PARAMETER},
	{CALL("GetInstance", PARAM("InstanceName", "<VALUE>1</VALUE>")), CIM_ERR_INVALID_PARAMETER},
	{CALL("GetInstance", PARAM("InstanceName", "<CLASSNAME NAME=\"Msvm_ConcreteJob\"/>")),
	 CIM_ERR_INVALID_PARAMETER},
	{CALL("GetInstance", PARAM("InstanceName", "<INSTANCENAME CLASSNAME=\"No_Such\"/>")),
	 CIM_ERR_INVALID_CLASS},
	{CALL("GetInstance", PARAM("InstanceName", JOB("<KEYVALUE TYPE=\"uint8\">x</KEYVALUE>"))),
	 CIM_ERR_INVALID_PARAMETER},
	{CALL("GetInstance", PARAM("LocalOnly", "<VALUE>maybe</VALUE>")),
	 CIM_ERR_INVALID_PARAMETER},
	{CALL("GetInstance", PARAM("LocalOnly", "") PARAM("LocalOnly", "")),
	 CIM_ERR_INVALID_PARAMETER},
	{CALL("GetClass", PARAM("ClassName", "<CLASSNAME NAME=\"No_Such\"/>")), CIM_ERR_NOT_FOUND},
	{CALL("EnumerateClasses", PARAM("ClassName", "<CLASSNAME NAME=\"No_Such\"/>")),
	 CIM_ERR_INVALID_CLASS},
	{CALL("EnumerateInstances", PARAM("ClassName", "<CLASSNAME NAME=\"No_Such\"/>")),
	 CIM_ERR_INVALID_CLASS},
	{CALL("CreateInstance",
	      PARAM("NewInstance",
		    INSTANCE("<PROPERTY NAME=\"Nope\" TYPE=\"string\"></PROPERTY>"))),
	 CIM_ERR_NO_SUCH_PROPERTY},
	{CALL("CreateInstance",
	      PARAM("NewInstance", INSTANCE("<PROPERTY NAME=\"ConsistencyLevel\" TYPE=\"uint8\">"
					    "<VALUE>300</VALUE></PROPERTY>"))),
	 CIM_ERR_TYPE_MISMATCH},
	{CALL("ExecQuery", PARAM("Query", "<VALUE>SELECT * FROM X</VALUE>")
				   PARAM("QueryLanguage", "<VALUE>SQL</VALUE>")),
	 CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED},
	{CALL("ExecQuery", PARAM("Query", "<VALUE>SELECT nonsense</VALUE>")
				   PARAM("QueryLanguage", "<VALUE>WQL</VALUE>")),
	 CIM_ERR_INVALID_QUERY},
	{CALL("OpenEnumerateInstances",
	      PARAM("ClassName", "<CLASSNAME NAME=\"Msvm_ConcreteJob\"/>")
		      PARAM("FilterQuery", "<VALUE>JobState = 4</VALUE>")),
	 CIM_ERR_INVALID_PARAMETER},
	{CALL("PullInstances", PARAM("EnumerationContext", "<VALUE>1</VALUE>")),
	 CIM_ERR_INVALID_PARAMETER},
	{CALL("PullInstances", PARAM("MaxObjectCount", "<VALUE>-1</VALUE>")),
	 CIM_ERR_INVALID_PARAMETER},
	{CALL("GetProperty", PARAM("InstanceName", JOB("<KEYVALUE>1</KEYVALUE>"))
				     PARAM("PropertyName", "<VALUE>Nope</VALUE>")),
	 CIM_ERR_NO_SUCH_PROPERTY},
	{METHOD("<PARAMVALUE NAME=\"Nope\"/>"), CIM_ERR_INVALID_PARAMETER},
	{METHOD("<PARAMVALUE "
		"NAME=\"ReferencePointCollection\"><VALUE>a:b:c=d</VALUE></PARAMVALUE>"),
	 CIM_ERR_INVALID_PARAMETER},
	{METHOD("<PARAMVALUE NAME=\"ExportDirectory\"/><PARAMVALUE NAME=\"exportdirectory\"/>"),
	 CIM_ERR_INVALID_PARAMETER},
	{"<METHODCALL NAME=\"X\"/>", CIM_ERR_INVALID_NAMESPACE},
	{"<METHODCALL NAME=\"X\"><LOCALNAMESPACEPATH><NAMESPACE NAME=\"root\"/>"
	 "</LOCALNAMESPACEPATH></METHODCALL>",
	 CIM_ERR_INVALID_PARAMETER},
	{"<METHODCALL NAME=\"X\"><LOCALCLASSPATH><LOCALNAMESPACEPATH><NAMESPACE NAME=\"interop\"/>"
	 "</LOCALNAMESPACEPATH><CLASSNAME NAME=\"CIM_Namespace\"/></LOCALCLASSPATH></METHODCALL>",
	 CIM_ERR_METHOD_NOT_FOUND},
	{"<METHODCALL NAME=\"X\"><LOCALCLASSPATH><LOCALNAMESPACEPATH><NAMESPACE NAME=\"interop\"/>"
	 "</LOCALNAMESPACEPATH><CLASSNAME NAME=\"No_Such\"/></LOCALCLASSPATH></METHODCALL>",
	 CIM_ERR_INVALID_CLASS},
	{"<IMETHODCALL NAME=\"EnumerateClassNames\"><LOCALNAMESPACEPATH><NAMESPACE "
	 "NAME=\"nowhere\"/>"
	 "</LOCALNAMESPACEPATH></IMETHODCALL>",
	 CIM_ERR_INVALID_NAMESPACE},
	{"<IMETHODCALL NAME=\"EnumerateClassNames\"><LOCALNAMESPACEPATH/></IMETHODCALL>",
	 CIM_ERR_INVALID_NAMESPACE},
};

static void
test_errors(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(errors); i++) {
		struct cimxml_request request;
		struct cimxml_refusal refusal;
		g_autoptr(GError) error = NULL;
		g_autofree char *text = g_strdup_printf(
			"<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\"><MESSAGE ID=\"7\" "
			"PROTOCOLVERSION=\"1.0\"><SIMPLEREQ>%s</SIMPLEREQ></MESSAGE></CIM>",
			errors[i].call);
		g_assert_false(cimxml_read(schema, text, strlen(text), &request, &refusal, &error));
		g_assert_cmpuint(refusal.http_status, ==, 0);
		if (cim_status_of(error) != errors[i].status)
			g_error("%s: %d, \"%s\"", errors[i].call, cim_status_of(error),
				error->message);
		g_assert_cmpstr(request.message_id, ==, "7");
		cimxml_request_clear(&request);
	}
}

/* DSP0200 7.3: what is not a message that we take. */
static void
test_refused(void)
{
	static const struct {
		const char *text;
		guint status;
		const char *cim_error;
	} cases[] = {
		{"nonsense", 400, "request-not-well-formed"},
		{"<a/>", 400, "request-not-valid"},
		{"<CIM CIMVERSION='2.0' DTDVERSION='2.0'><MESSAGE ID='1'/></CIM>", 400,
		 "request-not-valid"},
		{"<CIM CIMVERSION='3.0' DTDVERSION='2.0'><MESSAGE ID='1' PROTOCOLVERSION='1.0'/>"
		 "</CIM>",
		 501, "unsupported-cim-version"},
		{"<CIM CIMVERSION='2.0' DTDVERSION='1.0'><MESSAGE ID='1' PROTOCOLVERSION='1.0'/>"
		 "</CIM>",
		 501, "unsupported-dtd-version"},
		{"<CIM CIMVERSION='2.0' DTDVERSION='2.0'><MESSAGE ID='1' PROTOCOLVERSION='2.0'/>"
		 "</CIM>",
		 501, "unsupported-protocol-version"},
		{"<CIM CIMVERSION='2.0' DTDVERSION='2.0'><MESSAGE ID='1' PROTOCOLVERSION='1.0'>"
		 "<MULTIREQ/></MESSAGE></CIM>",
		 501, "multiple-requests-unsupported"},
		{"<CIM CIMVERSION='2.0' DTDVERSION='2.0'><MESSAGE ID='1' PROTOCOLVERSION='1.0'>"
		 "<SIMPLEEXPREQ/></MESSAGE></CIM>",
		 400, "unsupported-operation"},
		{"<CIM CIMVERSION='2.0' DTDVERSION='2.0'><MESSAGE ID='1' PROTOCOLVERSION='1.0'>"
		 "<SIMPLEREQ><IMETHODCALL/></SIMPLEREQ></MESSAGE></CIM>",
		 400, "request-not-valid"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct cimxml_request request;
		struct cimxml_refusal refusal;
		g_autoptr(GError) error = NULL;
		g_assert_false(cimxml_read(schema, cases[i].text, strlen(cases[i].text), &request,
					   &refusal, &error));
		g_assert_nonnull(error);
		g_assert_cmpuint(refusal.http_status, ==, cases[i].status);
		g_assert_cmpstr(refusal.cim_error, ==, cases[i].cim_error);
		cimxml_request_clear(&request);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	g_test_add_func("/cimxml/read/golden", test_golden);
	g_test_add_func("/cimxml/read/truncated", test_truncated);
	g_test_add_func("/cimxml/read/errors", test_errors);
	g_test_add_func("/cimxml/read/refused", test_refused);
	int status = g_test_run();
	cim_schema_free(schema);
	return status;
}
