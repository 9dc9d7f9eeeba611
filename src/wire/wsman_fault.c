/* Faults: one table of codes, and the CIM statuses that become them (DSP0226 14.6, DSP0227 11,
 * MS-WSMV for the numbers that Windows clients read). */
#include "wire/wsman_private.h"

#include "base/error.h"

#include <string.h>

/* clang-format off */
G_DEFINE_QUARK(wsman-fault-quark, wsman_fault)
/* clang-format on */

enum blame { SENDER, RECEIVER, MUST_UNDERSTAND, VERSION };

static const char *const blame_codes[] = {
	[SENDER] = "s:Sender",
	[RECEIVER] = "s:Receiver",
	[MUST_UNDERSTAND] = "s:MustUnderstand",
	[VERSION] = "s:VersionMismatch",
};

struct fault {
	enum blame blame;
	const char *subcode; /* with our prefix; NULL: none */
	const char *detail;  /* last part of wsman:FaultDetail; NULL: none */
	enum cim_status status;
	guint32 windows; /* f:WSManFault Code: winerror.h, wsmerror.h */
};

static const struct fault faults[WSMAN_FAULT_LAST] = {
	[WSMAN_FAULT_ACCESS_DENIED] = {SENDER, "wsman:AccessDenied", NULL, CIM_ERR_ACCESS_DENIED,
				       5U},
	[WSMAN_FAULT_ACTION_NOT_SUPPORTED] = {SENDER, "wsa:ActionNotSupported", NULL,
					      CIM_ERR_METHOD_NOT_FOUND, 2150858771U},
	[WSMAN_FAULT_ALREADY_EXISTS] = {SENDER, "wsman:AlreadyExists", NULL, CIM_ERR_ALREADY_EXISTS,
					2150858803U},
	[WSMAN_FAULT_CANNOT_PROCESS_FILTER] = {SENDER, "wsen:CannotProcessFilter", NULL,
					       CIM_ERR_INVALID_QUERY, 2150858778U},
	[WSMAN_FAULT_CONCURRENCY] = {SENDER, "wsman:Concurrency", NULL, CIM_ERR_FAILED,
				     2150858802U},
	[WSMAN_FAULT_DELIVERY_MODE] = {SENDER, "wse:DeliveryModeRequestedUnavailable", NULL,
				       CIM_ERR_NOT_SUPPORTED, 2150858782U},
	[WSMAN_FAULT_DESTINATION_UNREACHABLE] = {SENDER, "wsa:DestinationUnreachable", NULL,
						 CIM_ERR_NOT_FOUND, 2150858752U},
	[WSMAN_FAULT_INVALID_RESOURCE_URI] = {SENDER, "wsa:DestinationUnreachable",
					      "InvalidResourceURI", CIM_ERR_INVALID_CLASS,
					      2150858811U},
	[WSMAN_FAULT_ENCODING_LIMIT_MIN] = {SENDER, "wsman:EncodingLimit", "MinimumEnvelopeLimit",
					    CIM_ERR_INVALID_PARAMETER, 2150858878U},
	[WSMAN_FAULT_ENCODING_LIMIT] = {SENDER, "wsman:EncodingLimit", "MaxEnvelopeSize",
					CIM_ERR_FAILED, 2150858824U},
	[WSMAN_FAULT_FILTER_DIALECT] = {SENDER, "wsen:FilterDialectRequestedUnavailable", NULL,
					CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED, 2150858777U},
	[WSMAN_FAULT_FILTERING_NOT_SUPPORTED] = {SENDER, "wsen:FilteringNotSupported", NULL,
						 CIM_ERR_FILTERED_ENUMERATION_NOT_SUPPORTED,
						 2150858776U},
	[WSMAN_FAULT_FRAGMENT_DIALECT] = {SENDER, "wsman:FragmentDialectNotSupported", NULL,
					  CIM_ERR_NOT_SUPPORTED, 2150858896U},
	[WSMAN_FAULT_INTERNAL] = {RECEIVER, "wsman:InternalError", NULL, CIM_ERR_FAILED, 1359U},
	[WSMAN_FAULT_INVALID_CONTEXT] = {SENDER, "wsen:InvalidEnumerationContext", NULL,
					 CIM_ERR_INVALID_ENUMERATION_CONTEXT, 2150858779U},
	[WSMAN_FAULT_INVALID_EXPIRATION] = {SENDER, "wsen:InvalidExpirationTime", NULL,
					    CIM_ERR_INVALID_PARAMETER, 2150858774U},
	[WSMAN_FAULT_INVALID_HEADER] = {SENDER, "wsa:InvalidMessageInformationHeader", NULL,
					CIM_ERR_INVALID_PARAMETER, 2150858767U},
	[WSMAN_FAULT_INVALID_MESSAGE] = {SENDER, "wse:InvalidMessage", NULL,
					 CIM_ERR_INVALID_PARAMETER, 2150858789U},
	[WSMAN_FAULT_INVALID_OPTIONS] = {SENDER, "wsman:InvalidOptions", "NotSupported",
					 CIM_ERR_INVALID_PARAMETER, 2150858809U},
	[WSMAN_FAULT_INVALID_PARAMETER] = {SENDER, "wsman:InvalidParameter", "InvalidValue",
					   CIM_ERR_INVALID_PARAMETER, 2150858810U},
	[WSMAN_FAULT_INVALID_REPRESENTATION] = {SENDER, "wxf:InvalidRepresentation",
						"InvalidValues", CIM_ERR_INVALID_PARAMETER,
						2150858773U},
	[WSMAN_FAULT_INSUFFICIENT_SELECTORS] = {SENDER, "wsman:InvalidSelectors",
						"InsufficientSelectors", CIM_ERR_INVALID_PARAMETER,
						2150858842U},
	[WSMAN_FAULT_UNEXPECTED_SELECTORS] = {SENDER, "wsman:InvalidSelectors",
					      "UnexpectedSelectors", CIM_ERR_INVALID_PARAMETER,
					      2150858843U},
	[WSMAN_FAULT_SELECTOR_TYPE] = {SENDER, "wsman:InvalidSelectors", "TypeMismatch",
				       CIM_ERR_INVALID_PARAMETER, 2150858844U},
	[WSMAN_FAULT_DUPLICATE_SELECTORS] = {SENDER, "wsman:InvalidSelectors", "DuplicateSelectors",
					     CIM_ERR_INVALID_PARAMETER, 2150858847U},
	[WSMAN_FAULT_HEADER_REQUIRED] = {SENDER, "wsa:MessageInformationHeaderRequired", NULL,
					 CIM_ERR_INVALID_PARAMETER, 2150858769U},
	[WSMAN_FAULT_MUST_UNDERSTAND] = {MUST_UNDERSTAND, NULL, NULL, CIM_ERR_NOT_SUPPORTED,
					 2150858768U},
	[WSMAN_FAULT_POLYMORPHISM] = {SENDER, "wsmb:PolymorphismModeNotSupported", NULL,
				      CIM_ERR_NOT_SUPPORTED, 2150859063U},
	[WSMAN_FAULT_QUOTA] = {SENDER, "wsman:QuotaLimit", NULL, CIM_ERR_SERVER_LIMITS_EXCEEDED,
			       2150858815U},
	[WSMAN_FAULT_SCHEMA_VALIDATION] = {SENDER, "wsman:SchemaValidationError", NULL,
					   CIM_ERR_INVALID_PARAMETER, 2150858817U},
	[WSMAN_FAULT_TIMED_OUT] = {RECEIVER, "wsman:TimedOut", NULL, CIM_ERR_FAILED, 2150858793U},
	[WSMAN_FAULT_INVALID_TIMEOUT] = {SENDER, "wsa:InvalidMessageInformationHeader",
					 "InvalidTimeout", CIM_ERR_INVALID_PARAMETER, 2150858881U},
	[WSMAN_FAULT_UNSUPPORTED_FEATURE] = {SENDER, "wsman:UnsupportedFeature", NULL,
					     CIM_ERR_NOT_SUPPORTED, 2150858818U},
	[WSMAN_FAULT_VERSION_MISMATCH] = {VERSION, NULL, NULL, CIM_ERR_INVALID_PARAMETER,
					  2150858765U},
	[WSMAN_FAULT_ADDRESSING_MODE] = {SENDER, "wsman:UnsupportedFeature", "AddressingMode",
					 CIM_ERR_NOT_SUPPORTED, 2150858870U},
	[WSMAN_FAULT_ENUMERATION_MODE] = {SENDER, "wsman:UnsupportedFeature", "EnumerationMode",
					  CIM_ERR_NOT_SUPPORTED, 2150858886U},
	[WSMAN_FAULT_BOOKMARKS] = {SENDER, "wsman:UnsupportedFeature", "Bookmarks",
				   CIM_ERR_NOT_SUPPORTED, 2150858859U},
	[WSMAN_FAULT_LOCALE] = {SENDER, "wsman:UnsupportedFeature", "Locale", CIM_ERR_NOT_SUPPORTED,
				2150858887U},
	[WSMAN_FAULT_FRAGMENT] = {SENDER, "wsman:UnsupportedFeature", "FragmentLevelAccess",
				  CIM_ERR_NOT_SUPPORTED, 2150858871U},
	[WSMAN_FAULT_FRAGMENT_PATH] = {SENDER, "wsman:CannotProcessFilter", NULL,
				       CIM_ERR_INVALID_PARAMETER, 2150858899U},
	[WSMAN_FAULT_ACTION_MISMATCH] = {SENDER, "wsa:ActionNotSupported", "ActionMismatch",
					 CIM_ERR_INVALID_PARAMETER, 2150858801U},
	[WSMAN_FAULT_UNREPORTABLE] = {SENDER, "wsman:EncodingLimit", "UnreportableSuccess",
				      CIM_ERR_FAILED, 2150858829U},
	[WSMAN_FAULT_EVENT_EXPIRATION] = {SENDER, "wse:InvalidExpirationTime", NULL,
					  CIM_ERR_INVALID_PARAMETER, 2150858783U},
	[WSMAN_FAULT_EVENT_FILTER] = {SENDER, "wse:FilteringRequestedUnavailable", NULL,
				      CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED, 2150858786U},
};

/* A subcode's prefix decides the action of the fault. */
static const struct {
	const char *prefix, *action;
} families[] = {
	{"wsa:", NS_WSA "/fault"},
	{"wsen:", NS_WSEN "/fault"},
	{"wxf:", NS_WXF "/fault"},
	{"wse:", NS_WSE "/fault"},
	{"wsmb:", "http://schemas.dmtf.org/wbem/wsman/1/cimbinding/fault"},
	{"wsman:", WSMAN_URI "/fault"},
};

static const struct {
	enum cim_status status;
	enum wsman_fault_code code;
} statuses[] = {
	{CIM_ERR_ACCESS_DENIED, WSMAN_FAULT_ACCESS_DENIED},
	{CIM_ERR_INVALID_NAMESPACE, WSMAN_FAULT_INVALID_RESOURCE_URI},
	{CIM_ERR_INVALID_PARAMETER, WSMAN_FAULT_INVALID_PARAMETER},
	{CIM_ERR_INVALID_CLASS, WSMAN_FAULT_INVALID_RESOURCE_URI},
	{CIM_ERR_NOT_FOUND, WSMAN_FAULT_DESTINATION_UNREACHABLE},
	{CIM_ERR_NOT_SUPPORTED, WSMAN_FAULT_UNSUPPORTED_FEATURE},
	{CIM_ERR_ALREADY_EXISTS, WSMAN_FAULT_ALREADY_EXISTS},
	{CIM_ERR_NO_SUCH_PROPERTY, WSMAN_FAULT_INVALID_PARAMETER},
	{CIM_ERR_TYPE_MISMATCH, WSMAN_FAULT_INVALID_PARAMETER},
	{CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED, WSMAN_FAULT_FILTER_DIALECT},
	{CIM_ERR_INVALID_QUERY, WSMAN_FAULT_CANNOT_PROCESS_FILTER},
	{CIM_ERR_METHOD_NOT_FOUND, WSMAN_FAULT_ACTION_NOT_SUPPORTED},
	{CIM_ERR_INVALID_ENUMERATION_CONTEXT, WSMAN_FAULT_INVALID_CONTEXT},
	{CIM_ERR_INVALID_OPERATION_TIMEOUT, WSMAN_FAULT_INVALID_TIMEOUT},
	{CIM_ERR_PULL_HAS_BEEN_ABANDONED, WSMAN_FAULT_INVALID_CONTEXT},
	{CIM_ERR_FILTERED_ENUMERATION_NOT_SUPPORTED, WSMAN_FAULT_FILTERING_NOT_SUPPORTED},
	{CIM_ERR_CONTINUATION_ON_ERROR_NOT_SUPPORTED, WSMAN_FAULT_UNSUPPORTED_FEATURE},
	{CIM_ERR_SERVER_LIMITS_EXCEEDED, WSMAN_FAULT_QUOTA},
};

/* What in the body of a Put or Create is wrong is the representation's fault. */
static gboolean
is_representation(const struct wsman_request *request, enum cim_status status)
{
	return request && (request->action == WSMAN_PUT || request->action == WSMAN_CREATE) &&
	       (status == CIM_ERR_NO_SUCH_PROPERTY || status == CIM_ERR_TYPE_MISMATCH);
}

static enum wsman_fault_code
code_of_status(const struct wsman_request *request, enum cim_status status)
{
	if (is_representation(request, status))
		return WSMAN_FAULT_INVALID_REPRESENTATION;
	for (guint i = 0; i < G_N_ELEMENTS(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].code;
	return WSMAN_FAULT_INTERNAL;
}

static enum wsman_fault_code
code_of(const struct wsman_request *request, const GError *error)
{
	if (error->domain == WSMAN_FAULT && error->code >= 0 && error->code < WSMAN_FAULT_LAST)
		return (enum wsman_fault_code)error->code;
	if (g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT))
		return WSMAN_FAULT_QUOTA;
	if (g_error_matches(error, CAIRN_ERROR, CAIRN_ERROR_BUSY))
		return WSMAN_FAULT_CONCURRENCY;
	return code_of_status(request, cim_status_of(error));
}

static enum cim_status
status_of(const GError *error)
{
	return error->domain == WSMAN_FAULT ? faults[code_of(NULL, error)].status
					    : cim_status_of(error);
}

gboolean
wsman_fail(GError **error, enum wsman_fault_code code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, WSMAN_FAULT, (int)code, text);
	return FALSE;
}

guint
wsman_fault_http_status(const GError *error)
{
	return faults[code_of(NULL, error)].blame == RECEIVER ? 500 : 400;
}

/* ---- writing ---- */

static const char *
fault_action(const struct fault *fault)
{
	for (guint i = 0; fault->subcode && i < G_N_ELEMENTS(families); i++)
		if (g_str_has_prefix(fault->subcode, families[i].prefix))
			return families[i].action;
	return NS_WSA "/fault";
}

/* The header that was not understood, by name (SOAP 1.2 part 1, 5.4.8). */
static char *
not_understood_header(const struct wsman_request *request, const struct fault *fault)
{
	if (fault->blame != MUST_UNDERSTAND || !request->not_understood)
		return NULL;
	GString *header = g_string_new("<s:NotUnderstood qname=\"");
	g_string_append(header, request->not_understood_ns ? "h:" : "");
	xml_escape_attr(header, request->not_understood, -1);
	if (request->not_understood_ns) {
		g_string_append(header, "\" xmlns:h=\"");
		xml_escape_attr(header, request->not_understood_ns, -1);
	}
	g_string_append(header, "\"/>");
	return g_string_free(header, FALSE);
}

static void
put_code(GString *out, const struct fault *fault)
{
	g_string_append(out, "<s:Code>");
	wsman_put_element(out, "s:Value", blame_codes[fault->blame]);
	if (fault->subcode) {
		g_string_append(out, "<s:Subcode>");
		wsman_put_element(out, "s:Value", fault->subcode);
		g_string_append(out, "</s:Subcode>");
	}
	g_string_append(out, "</s:Code>");
}

static void
put_reason(GString *out, enum cim_language language, const char *message)
{
	g_string_append_printf(out, "<s:Reason><s:Text xml:lang=\"%s\">",
			       cim_language_tag(language));
	xml_escape(out, message, -1);
	g_string_append(out, "</s:Text></s:Reason>");
}

/* DSP0227 11.1 */
static void
put_cim_error(GString *out, enum cim_status status, const char *message)
{
	g_autofree char *code = g_strdup_printf("%d", (int)status);
	g_string_append(out, "<p:CIM_Error xmlns:p=\"" WSMAN_BASE_DMTF
			     "CIM_Error\" wsmb:IsCIM_Error=\"true\">");
	wsman_put_element(out, "p:CIMStatusCode", code);
	wsman_put_element(out, "p:CIMStatusCodeDescription", cim_status_name(status));
	wsman_put_element(out, "p:ErrorType", status == CIM_ERR_FAILED ? "4" : "2");
	wsman_put_element(out, "p:Message", message);
	wsman_put_element(out, "p:MessageID", cim_status_name(status));
	wsman_put_element(out, "p:OwningEntity", "cairn");
	wsman_put_element(out, "p:PerceivedSeverity", "5");
	g_string_append(out, "</p:CIM_Error>");
}

static void
put_windows(GString *out, guint32 code, const char *host, const char *message)
{
	g_string_append_printf(out,
			       "<f:WSManFault xmlns:f=\"" NS_MSFAULT "\" Code=\"%" G_GUINT32_FORMAT
			       "\" Machine=\"",
			       code);
	xml_escape_attr(out, host ? host : "", -1);
	g_string_append(out, "\">");
	wsman_put_element(out, "f:Message", message);
	g_string_append(out, "</f:WSManFault>");
}

static void
put_detail(GString *out, const struct fault *fault, const char *host, const GError *error,
	   const char *message)
{
	g_string_append(out, "<s:Detail>");
	if (fault->detail) {
		g_string_append(out, "<wsman:FaultDetail>" WSMAN_URI "/faultDetail/");
		g_string_append(out, fault->detail);
		g_string_append(out, "</wsman:FaultDetail>");
	}
	put_cim_error(out, status_of(error), message);
	put_windows(out, fault->windows, host, message);
	g_string_append(out, "</s:Detail>");
}

void
wsman_write_fault(GString *out, const struct wsman_request *request, const char *host,
		  enum cim_language language, const GError *error)
{
	const struct fault *fault = &faults[code_of(request, error)];
	struct wsman_writer writer;
	g_autofree char *extra = not_understood_header(request, fault);
	g_autofree char *message = xml_message(error->message);
	wsman_writer_begin(&writer, request);
	g_string_append(writer.out, "<s:Fault>");
	put_code(writer.out, fault);
	put_reason(writer.out, language, message);
	put_detail(writer.out, fault, host, error, message);
	g_string_append(writer.out, "</s:Fault>");
	wsman_writer_end(&writer, out, fault_action(fault), extra);
}
