/* Requests of WS-Management: golden files as clients send them, what is refused and how, cut off
 * input. */
#include "golden.h"
#include "wire/wsman.h"

#include <string.h>

static struct cim_schema *schema;

/* ---- requests as text ---- */

static void
put_text(GString *text, const char *name, const char *value)
{
	if (value)
		g_string_append_printf(text, "%s: %s\n", name, value);
}

static void
put_number(GString *text, const char *name, guint64 number)
{
	if (number)
		g_string_append_printf(text, "%s: %" G_GUINT64_FORMAT "\n", name, number);
}

static void
put_subscribe(GString *text, const struct wsman_subscribe *subscribe)
{
	g_string_append_printf(text, "delivery: %d\n", (int)subscribe->delivery);
	put_text(text, "notify", subscribe->notify_to);
	put_text(text, "parameters", subscribe->notify_parameters);
	put_text(text, "end", subscribe->end_to);
	put_number(text, "heartbeat", (guint64)subscribe->heartbeat_usec);
	put_number(text, "most items", subscribe->max_items);
	put_number(text, "bookmarks", (guint64)subscribe->bookmarks);
}

static const char *const action_names[] = {
	[WSMAN_NONE] = "none",
	[WSMAN_IDENTIFY] = "Identify",
	[WSMAN_GET] = "Get",
	[WSMAN_PUT] = "Put",
	[WSMAN_CREATE] = "Create",
	[WSMAN_DELETE] = "Delete",
	[WSMAN_INVOKE] = "Invoke",
	[WSMAN_ENUMERATE] = "Enumerate",
	[WSMAN_PULL] = "Pull",
	[WSMAN_RELEASE] = "Release",
	[WSMAN_SUBSCRIBE] = "Subscribe",
	[WSMAN_UNSUBSCRIBE] = "Unsubscribe",
	[WSMAN_RENEW] = "Renew",
	[WSMAN_GET_STATUS] = "GetStatus",
	[WSMAN_ACK] = "Ack",
};
static const char *const family_names[] = {
	[WSMAN_URI_DMTF] = "dmtf",
	[WSMAN_URI_WMI] = "wmi",
	[WSMAN_URI_ALL] = "all",
	[WSMAN_URI_CLASS] = "class",
	[WSMAN_URI_INTRINSIC] = "intrinsic",
};

static void
put_request(GString *text, const struct wsman_request *request)
{
	static const char *const modes[] = {"objects", "EPRs", "objects and EPRs"};
	g_string_append_printf(text, "action: %s\n", action_names[request->action]);
	put_text(text, "id", request->message_id);
	put_text(text, "uri", request->resource_uri);
	g_string_append_printf(text, "family: %s\n", family_names[request->family]);
	put_number(text, "envelope", request->max_envelope);
	put_number(text, "skip", (guint64)request->skip_oversized);
	put_number(text, "timeout", (guint64)request->timeout_usec);
	put_text(text, "locale", request->locale);
	put_number(text, "optimize", (guint64)request->optimize);
	put_number(text, "total", (guint64)request->wants_total);
	if (request->action == WSMAN_ENUMERATE)
		put_text(text, "mode", modes[request->mode]);
	put_number(text, "items", request->max_items);
	put_number(text, "characters", request->max_characters);
	put_number(text, "time", (guint64)request->max_time_usec);
	put_text(text, "context", request->context);
	put_number(text, "expires", (guint64)request->expires_usec);
	put_number(text, "expires at", (guint64)request->expires_at);
	put_text(text, "fragment", request->fragment);
	put_number(text, "fragment element", request->fragment_index);
	put_number(text, "fragment text", (guint64)request->fragment_text);
	put_text(text, "identifier", request->identifier);
	if (request->action == WSMAN_SUBSCRIBE)
		put_subscribe(text, &request->subscribe);
	put_number(text, "polymorphism", request->op.polymorphism);
	golden_put_op(text, &request->op);
}

/* The fault's own words, from "<s:Code>" to the detail. */
static void
put_fault(GString *text, const struct wsman_request *request, const GError *error)
{
	g_autoptr(GString) out = g_string_new(NULL);
	wsman_write_fault(out, request, "host", CIM_LANG_EN, error);
	const char *code = strstr(out->str, "<s:Code>"), *end = strstr(out->str, "</s:Fault>");
	g_assert_true(code && end);
	g_string_append_printf(text, "HTTP %u\n%.*s\n", wsman_fault_http_status(error),
			       (int)(end - code), code);
}

static void
put_outcome(GString *text, const char *data, gsize len)
{
	struct wsman_request request = {0};
	g_autoptr(GError) error = NULL;
	const gboolean ok = wsman_read(schema, CIM_NS_VIRTUALIZATION, data, len, &request, &error);
	g_assert_true(ok == (error == NULL));
	if (ok)
		put_request(text, &request);
	else
		put_fault(text, &request, error);
	wsman_request_clear(&request);
}

static void
test_golden(void)
{
	golden_compare_all("wsman", put_outcome);
}

static void
refuse(const char *data, gsize len)
{
	struct wsman_request request = {0};
	g_assert_false(wsman_read(schema, CIM_NS_VIRTUALIZATION, data, len, &request, NULL));
	wsman_request_clear(&request);
}

/* What is cut off is refused, wherever it was cut, and nothing leaks. */
static void
test_truncated(void)
{
	golden_truncate_all("wsman", refuse);
}

static gboolean
read_text(const char *text, const char *id)
{
	return wsman_read_ack(text, strlen(text), id);
}

#define ACK(action)                                                        \
	"<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" " \
	"xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/"                 \
	"addressing\"><s:Header><a:Action> " action                        \
	"</a:Action><a:RelatesTo>uuid:1</a:RelatesTo></s:Header><s:Body/></s:Envelope>"

static void
test_ack(void)
{
	g_assert_true(read_text(ACK("http://schemas.dmtf.org/wbem/wsman/1/wsman/Ack"), "uuid:1"));
	g_assert_true(
		read_text(ACK("http://schemas.xmlsoap.org/wbmem/wsman/1/wsman/Ack"), "uuid:1"));
	g_assert_false(read_text(ACK("http://schemas.dmtf.org/wbem/wsman/1/wsman/Ack"), "uuid:2"));
	g_assert_false(read_text(ACK("http://schemas.dmtf.org/wbem/wsman/1/wsman/No"), "uuid:1"));
	g_assert_false(read_text("", "uuid:1"));
	g_assert_false(read_text("<a/>", "uuid:1"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	g_test_add_func("/wsman/read/golden", test_golden);
	g_test_add_func("/wsman/read/truncated", test_truncated);
	g_test_add_func("/wsman/read/ack", test_ack);
	const int status = g_test_run();
	cim_schema_free(schema);
	return status;
}
