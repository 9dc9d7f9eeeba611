/* WS-Management requests: what is read is answered with a page, an instance or a fault. */
#include "fuzz.h"
#include "wire/wsman.h"

#include <string.h>

#define S	 "xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
#define A	 "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
#define W	 "xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" "
#define N	 "xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" "
#define E	 "xmlns:e=\"http://schemas.xmlsoap.org/ws/2004/08/eventing\""
#define WMI	 "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/"
#define TRANSFER "http://schemas.xmlsoap.org/ws/2004/09/transfer/"
#define SERVICE	 WMI "Msvm_CollectionReferencePointService"
#define KEY	 "<w:SelectorSet><w:Selector Name=\"InstanceID\">J1</w:Selector></w:SelectorSet>"
#define HEAD(action, uri)                                                             \
	"<a:Action>" action "</a:Action><a:MessageID>uuid:1</a:MessageID>"            \
	"<w:ResourceURI s:mustUnderstand=\"true\">" uri "</w:ResourceURI>"            \
	"<w:MaxEnvelopeSize>16384</w:MaxEnvelopeSize><w:OperationTimeout>PT1M30.5S</" \
	"w:OperationTimeout>"
#define EPR                                                                                 \
	"<a:ReferenceParameters><w:ResourceURI>" WMI "Msvm_ConcreteJob</w:ResourceURI>" KEY \
	"</a:ReferenceParameters>"

static const struct {
	const char *header, *body;
} seeds[] = {
	{HEAD(TRANSFER "Get", WMI "Msvm_ConcreteJob") KEY
	 "<w:FragmentTransfer>OperationalStatus[2]/text()</w:FragmentTransfer>",
	 ""},
	{HEAD(TRANSFER "Put", WMI "Msvm_ConcreteJob") KEY,
	 "<Msvm_ConcreteJob><JobState>4</JobState><OperationalStatus>1</OperationalStatus>"
	 "<StartTime><Datetime>2010-07-14T11:35:11.900675+02:00</Datetime></StartTime>"
	 "<Caption i:nil=\"true\" xmlns:i=\"i\"/></Msvm_ConcreteJob>"},
	{HEAD(TRANSFER "Get",
	      "http://schemas.dmtf.org/wbem/cim-xml/2/cim-schema/2/*") "<w:SelectorSet><w:Selector "
								       "Name=\"ClassName\">CIM_Job<"
								       "/w:Selector></"
								       "w:SelectorSet>",
	 ""},
	{HEAD(SERVICE "/ExportReferencePoint", SERVICE),
	 "<ExportReferencePoint_INPUT><ReferencePointCollection>" EPR
	 "</ReferencePointCollection><ExportSettingData><BaseReferencePointCollection>x"
	 "</BaseReferencePointCollection></ExportSettingData></ExportReferencePoint_INPUT>"},
	{HEAD("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate", WMI "*"),
	 "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>9</w:MaxElements><w:EnumerationMode>"
	 "EnumerateObjectAndEPR</w:EnumerationMode><w:Filter Dialect=\""
	 "http://schemas.microsoft.com/wbem/wsman/1/WQL\">select InstanceID from Msvm_ConcreteJob "
	 "where JobState = 4</w:Filter></n:Enumerate>"},
	{HEAD("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate",
	      "http://schemas.dmtf.org/wbem/wscim/1/*"),
	 "<n:Enumerate><w:Filter Dialect=\"http://schemas.dmtf.org/wbem/wsman/1/cimbinding/"
	 "associationFilter\"><AssociatedInstances><Object>" EPR "</Object><Role>x</Role>"
	 "<IncludeResultProperty>y</IncludeResultProperty></AssociatedInstances></w:Filter>"
	 "</n:Enumerate>"},
	{HEAD("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull", "x"),
	 "<n:Pull><n:EnumerationContext>c</n:EnumerationContext><n:MaxElements>3</n:MaxElements>"
	 "<n:MaxCharacters>5000</n:MaxCharacters></n:Pull>"},
	{HEAD("http://schemas.xmlsoap.org/ws/2004/08/eventing/Subscribe", WMI "*"),
	 "<e:Subscribe><e:Delivery Mode=\"http://schemas.dmtf.org/wbem/wsman/1/wsman/Events\">"
	 "<e:NotifyTo><a:Address>http://h/</a:Address><a:ReferenceParameters><k>1</k>"
	 "</a:ReferenceParameters></e:NotifyTo></e:Delivery><e:Expires>2030-01-01T00:00:00Z"
	 "</e:Expires><w:Filter Dialect=\"http://schemas.microsoft.com/wbem/wsman/1/WQL\">SELECT * "
	 "FROM CIM_InstModification</w:Filter></e:Subscribe>"},
};

GPtrArray *
fuzz_seeds(void)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
		char *text = g_strdup_printf("<s:Envelope " S A W N E "><s:Header>%s</s:Header>"
					     "<s:Body>%s</s:Body></s:Envelope>",
					     seeds[i].header, seeds[i].body);
		g_ptr_array_add(list, g_bytes_new_take(text, strlen(text)));
	}
	return list;
}

static struct cim_schema *schema;

static struct cim_instance *
make_job(void)
{
	struct cim_instance *job = cim_instance_new(
		cim_schema_class(schema, CIM_NS_VIRTUALIZATION, "Msvm_ConcreteJob"));
	cim_instance_set(job, "InstanceID", cim_string("J1"));
	return job;
}

static void
write_page(GString *out, const struct wsman_request *request)
{
	gboolean end;
	GPtrArray *jobs = g_ptr_array_new_with_free_func((GDestroyNotify)cim_instance_unref);
	for (guint i = 0; i < 5; i++)
		g_ptr_array_add(jobs, make_job());
	cairn_auto(cim_list) list = cim_list_of(jobs);
	wsman_write_page(out, schema, request, request, list, "context", &end, NULL);
}

/* Whatever was asked for gets a job. */
static void
answer(GString *out, const struct wsman_request *request)
{
	struct cim_reply reply = {.instance = make_job()};
	if (request->action == WSMAN_ENUMERATE || request->action == WSMAN_PULL)
		write_page(out, request);
	else if (request->action == WSMAN_SUBSCRIBE)
		wsman_write_heartbeat(out, request, "uuid:1");
	else
		wsman_write_reply(out, schema, request, &reply, NULL);
	if (request->action != WSMAN_SUBSCRIBE)
		g_assert_cmpuint(out->len, <=, request->max_envelope);
	cim_reply_clear(&reply);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	struct wsman_request request = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	if (!schema)
		schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	const gboolean ok = wsman_read(schema, CIM_NS_VIRTUALIZATION, (const char *)data, len,
				       &request, &error);
	g_assert(ok == (error == NULL));
	if (ok)
		answer(out, &request);
	else
		wsman_write_fault(out, &request, "h", request.op.language, error);
	wsman_read_ack((const char *)data, len, "uuid:1");
	wsman_request_clear(&request);
	return 0;
}
