/* Answers of WS-Management: golden files for each shape, and every row of the fault table. */
#include "answer.h"
#include "base/error.h"

#include <string.h>
#include <time.h>

/* ---- answers but pages ---- */

static void
fill_job(struct cim_reply *reply)
{
	reply->instance = answer_job("J1");
}

static void
fill_link(struct cim_reply *reply)
{
	reply->instance = answer_instance("Msvm_AffectedJobElement");
	cim_instance_set(reply->instance, "AffectingElement",
			 cim_reference_take(answer_path("root/virtualization/v2", "J1")));
	cim_instance_set(reply->instance, "AffectedElement",
			 cim_reference_take(answer_path(NULL, "J2")));
}

static void
fill_filter(struct cim_reply *reply)
{
	reply->instance = cim_instance_new(
		cim_schema_class(answer_schema, CIM_NS_INTEROP, "CIM_IndicationFilter"));
	cim_instance_set(reply->instance, "Name", cim_string("f1"));
	cim_instance_set(reply->instance, "SystemName", cim_string("h"));
}

static void
fill_started(struct cim_reply *reply)
{
	cim_reply_add(reply, "ResultingReferencePointCollection", cim_null(CIM_REFERENCE, FALSE));
	cim_reply_add(reply, "Job", cim_reference_take(answer_path("root/interop", "J1")));
	reply->value = cim_uint(CIM_UINT32, 4096);
}

/* No method of ours answers so: elements on DMTF's URIs, text on Microsoft's. */
static void
fill_embedded(struct cim_reply *reply)
{
	struct cim_instance *setting = answer_instance("Msvm_CollectionReferencePointSettingData");
	cim_instance_set(setting, "ConsistencyLevel", cim_uint(CIM_UINT8, 1));
	cim_reply_add(reply, "Setting", cim_embedded_take(setting));
	cim_reply_add(reply, "Text", cim_string("<INSTANCE CLASSNAME=\"X\"></INSTANCE>"));
	reply->value = cim_uint(CIM_UINT32, 0);
}

static void
fill_class(struct cim_reply *reply)
{
	reply->classes = g_new0(const struct cim_class *, 2);
	reply->classes[0] = cim_schema_class(answer_schema, CIM_NS_VIRTUALIZATION,
					     "Msvm_VirtualMachineToDisks");
}

static void
fill_nothing(struct cim_reply *reply)
{
}

static const struct {
	const char *name, *request;
	void (*fill)(struct cim_reply *reply);
} answers[] = {
	{"get_mi", "get_mi", fill_job},
	{"get_wmi", "get_wmi", fill_job},
	{"get_wmi_case", "get_wmi_case", fill_job},
	{"get_vendor", "get_vendor", fill_job},
	{"get_empty_id", "get_empty_id", fill_job},
	{"get_link", "get_ref_key", fill_link},
	{"get_fragment", "get_fragment", fill_job},
	{"get_fragment_index", "get_fragment_index", fill_job},
	{"get_fragment_nothing", "get_fragment_index", fill_nothing},
	{"get_class", "get_class", fill_class},
	{"put", "put_mi", fill_job},
	{"put_nothing", "put_plain", fill_nothing},
	{"put_fragment", "put_fragment", fill_job},
	{"create", "create", fill_filter},
	{"delete", "delete", fill_nothing},
	{"invoke", "invoke_escaped", fill_started},
	{"invoke_dmtf", "invoke_elements", fill_started},
	{"invoke_embedded", "invoke_escaped", fill_embedded},
	{"invoke_embedded_dmtf", "invoke_elements", fill_embedded},
	{"invoke_nothing", "invoke_no_body", fill_nothing},
	{"wslecn_class", "wslecn_class", fill_class},
	{"wslecn_names", "wslecn_names", fill_class},
};

static void
test_answers(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct wsman_request request;
		struct cim_reply reply = {0};
		g_autoptr(GError) error = NULL;
		g_autoptr(GString) out = g_string_new(NULL);
		answer_request(answers[i].request, &request);
		answers[i].fill(&reply);
		wsman_write_reply(out, answer_schema, &request, &reply, &error);
		g_assert_no_error(error);
		answer_compare(answers[i].name, out->str);
		cim_reply_clear(&reply);
		wsman_request_clear(&request);
	}
}

static void
test_identify(void)
{
	static const struct wsman_identity known = {"cairn", "1.2"}, unknown = {NULL, NULL};
	struct wsman_request request;
	g_autoptr(GString) out = g_string_new(NULL), other = g_string_new(NULL);
	answer_request("identify", &request);
	wsman_write_identify(out, &request, &known);
	answer_compare("identify", out->str);
	wsman_write_identify(other, &request, &unknown);
	answer_compare("identify_anonymous", other->str);
	wsman_request_clear(&request);
}

static void
test_too_large(void)
{
	static const struct {
		const char *request;
		int code;
	} cases[] = {{"get_wmi", WSMAN_FAULT_ENCODING_LIMIT}, {"put_mi", WSMAN_FAULT_UNREPORTABLE}};
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct wsman_request request;
		struct cim_reply reply = {.instance = answer_job("J1")};
		g_autoptr(GError) error = NULL;
		g_autoptr(GString) out = g_string_new("before");
		answer_request(cases[i].request, &request);
		request.max_envelope = WSMAN_ENVELOPE_MIN;
		g_autofree char *text = g_strnfill(WSMAN_ENVELOPE_MIN, 'x');
		cim_instance_set(reply.instance, "Caption", cim_string(text));
		g_assert_false(wsman_write_reply(out, answer_schema, &request, &reply, &error));
		g_assert_error(error, WSMAN_FAULT, cases[i].code);
		g_assert_cmpstr(out->str, ==, "before");
		cim_reply_clear(&reply);
		wsman_request_clear(&request);
	}
}

/* ---- faults ---- */

static void
put_fault_line(GString *text, const GError *error)
{
	struct wsman_request request;
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GRegex) regex = g_regex_new(
		"<wsa:Action>(.*)</wsa:Action>.*<s:Code><s:Value>(.*)</s:Value>(?:<s:Subcode>"
		"<s:Value>(.*)</s:Value></s:Subcode>)?"
		"?</s:Code>.*<s:Detail>(?:<wsman:FaultDetail>"
		".*/(.*)</wsman:FaultDetail>)?"
		"?.*<p:CIMStatusCode>(.*)</p:CIMStatusCode>.* "
		"Code=\"(.*)\" Machine=\"h&amp;1\">",
		G_REGEX_UNGREEDY, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	answer_request("get_wmi", &request);
	wsman_write_fault(out, &request, "h&1", CIM_LANG_FR, error);
	answer_check(out->str);
	g_assert_true(g_regex_match(regex, out->str, 0, &match));
	g_string_append_printf(text, "%u", wsman_fault_http_status(error));
	for (gint i = 1; i <= 6; i++) {
		g_autofree char *part = g_match_info_fetch(match, i);
		g_string_append_printf(text, " %s", part && *part ? part : "-");
	}
	g_string_append_c(text, '\n');
	wsman_request_clear(&request);
}

static void
test_faults(void)
{
	static const struct {
		const char *name;
		guint count;
	} domains[] = {{"wsman", WSMAN_FAULT_LAST},
		       {"cim", CIM_ERR_SERVER_IS_SHUTTING_DOWN + 1},
		       {"cairn", CAIRN_ERROR_LAST}};
	const GQuark quarks[] = {WSMAN_FAULT, CIM_ERROR, CAIRN_ERROR};
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint d = 0; d < G_N_ELEMENTS(domains); d++) {
		for (guint code = d == 1; code < domains[d].count; code++) {
			g_autoptr(GError) error =
				g_error_new_literal(quarks[d], (gint)code, "it <failed>");
			g_string_append_printf(text, "%s %u: ", domains[d].name, code);
			put_fault_line(text, error);
		}
	}
	golden_compare("wsman_answers/faults.txt", text->str);
}

static void
test_not_understood(void)
{
	struct wsman_request request = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	gsize len;
	g_autofree char *data = golden_read("wsman/bad_must_understand.xml", &len);
	g_assert_false(
		wsman_read(answer_schema, CIM_NS_VIRTUALIZATION, data, len, &request, &error));
	wsman_write_fault(out, &request, "h", CIM_LANG_EN, error);
	answer_compare("fault_not_understood", out->str);
	wsman_request_clear(&request);
}

/* ---- speed: read a Get and write its answer ---- */

static void
test_speed(void)
{
	gsize len;
	g_autofree char *data = golden_read("wsman/get_mi.xml", &len);
	const guint turns = g_test_perf() ? 50000 : 200;
	struct cim_reply reply = {.instance = answer_job("J1")};
	const clock_t start = clock();
	for (guint i = 0; i < turns; i++) {
		struct wsman_request request = {0};
		g_autoptr(GString) out = g_string_sized_new(4096);
		wsman_read(answer_schema, CIM_NS_VIRTUALIZATION, data, len, &request, NULL);
		g_assert_true(wsman_write_reply(out, answer_schema, &request, &reply, NULL));
		wsman_request_clear(&request);
	}
	const double usec = (double)(clock() - start) / CLOCKS_PER_SEC / turns * 1e6;
	g_test_minimized_result(usec, "%.1f us of CPU for a Get", usec);
	cim_reply_clear(&reply);
}

int
main(int argc, char **argv)
{
	static const struct answer_test tests[] = {
		{"answers", test_answers},
		{"identify", test_identify},
		{"too-large", test_too_large},
		{"faults", test_faults},
		{"not-understood", test_not_understood},
		{"speed", test_speed},
		{NULL, NULL},
	};
	return answer_main(argc, argv, "write", tests);
}
