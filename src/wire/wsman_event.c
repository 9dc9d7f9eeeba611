/* WS-Eventing and DSP0226 section 10: Subscribe in, events and heartbeats out, acknowledgements
 * in. Who is told, when, and how often is not decided here. */
#include "wire/wsman_private.h"

#include <string.h>

#define ACTION_EVENT	 WSMAN_URI "/Event"
#define ACTION_EVENTS	 WSMAN_URI "/Events"
#define ACTION_HEARTBEAT WSMAN_URI "/Heartbeat"
#define ACTION_END	 NS_WSE "/SubscriptionEnd"

/* ---- Subscribe ---- */

static const struct {
	const char *uri;
	enum wsman_delivery delivery;
} deliveries[] = {
	{NS_WSE "/DeliveryModes/Push", WSMAN_PUSH},
	{WSMAN_URI "/PushWithAck", WSMAN_PUSH_WITH_ACK},
	{WSMAN_URI "/Events", WSMAN_EVENTS},
	{WSMAN_URI "/Pull", WSMAN_PULL_MODE},
};

static gboolean
read_mode(const struct xml_node *delivery, struct wsman_subscribe *subscribe, GError **error)
{
	const char *mode = xml_attr(delivery, "Mode");
	for (guint i = 0; mode && i < G_N_ELEMENTS(deliveries); i++) {
		if (strcmp(deliveries[i].uri, mode) == 0) {
			subscribe->delivery = deliveries[i].delivery;
			return TRUE;
		}
	}
	return !mode || !*mode ? TRUE /* Push is the default */
			       : wsman_fail(error, WSMAN_FAULT_DELIVERY_MODE,
					    "the delivery mode \"%s\" is not known", mode);
}

static char *
read_address(const struct xml_node *epr)
{
	const struct xml_node *wrapped = wsman_child(epr, "EndpointReference");
	const struct xml_node *address = wsman_child(wrapped ? wrapped : epr, "Address");
	g_autofree char *word = address ? wsman_word(address) : NULL;
	return word && *word ? g_steal_pointer(&word) : NULL;
}

/* They come back as headers of each event, as they are. */
static char *
read_parameters(const struct xml_node *epr)
{
	const struct xml_node *parameters = wsman_child(epr, "ReferenceParameters");
	if (!parameters)
		parameters = wsman_child(epr, "ReferenceProperties");
	if (!parameters || !parameters->first)
		return NULL;
	GString *text = g_string_new(NULL);
	for (const struct xml_node *node = parameters->first; node; node = node->next)
		xml_print(node, text);
	return g_string_free(text, FALSE);
}

static gboolean
read_notify_to(const struct xml_node *delivery, struct wsman_subscribe *subscribe, GError **error)
{
	const struct xml_node *node = wsman_child(delivery, "NotifyTo");
	if (subscribe->delivery == WSMAN_PULL_MODE)
		return TRUE;
	if (node) {
		subscribe->notify_to = read_address(node);
		subscribe->notify_parameters = read_parameters(node);
	}
	return subscribe->notify_to ? TRUE
				    : wsman_fail(error, WSMAN_FAULT_INVALID_MESSAGE,
						 "the subscription has no address to notify");
}

/* openwsman's client puts it inside wsman:Auth. */
static gboolean
read_heartbeat(const struct xml_node *delivery, struct wsman_subscribe *subscribe, GError **error)
{
	const struct xml_node *node = wsman_child(delivery, "Heartbeats");
	if (!node)
		node = wsman_child(wsman_child(delivery, "Auth"), "Heartbeats");
	g_autofree char *word = node ? wsman_word(node) : NULL;
	if (!word || wsman_duration(word, &subscribe->heartbeat_usec))
		return TRUE;
	return wsman_fail(error, WSMAN_FAULT_INVALID_MESSAGE, "Heartbeats is no duration: \"%s\"",
			  word);
}

/* How often and at what intervals a delivery that failed is tried again (DSP0226 10.2.6). What is
 * not understood is left to us, as what is not said. */
static void
read_retry(const struct xml_node *delivery, struct wsman_subscribe *subscribe)
{
	const struct xml_node *node = wsman_child(delivery, "ConnectionRetry");
	g_autofree char *word = node ? wsman_word(node) : NULL;
	const char *total = node ? xml_attr(node, "Total") : NULL;
	guint64 number;
	if (!word || !wsman_duration(word, &subscribe->retry_usec))
		return;
	if (total && g_ascii_string_to_unsigned(total, 10, 1, G_MAXUINT, &number, NULL))
		subscribe->retry_total = (guint)number;
}

static gboolean
read_delivery(const struct xml_node *body, struct wsman_subscribe *subscribe, GError **error)
{
	guint64 items = 0;
	const struct xml_node *delivery = wsman_child(body, "Delivery");
	if (!delivery)
		return wsman_fail(error, WSMAN_FAULT_INVALID_MESSAGE,
				  "the subscription has no Delivery");
	const struct xml_node *max = wsman_child(delivery, "MaxElements");
	if (max && wsman_number(max, G_MAXUINT, &items))
		subscribe->max_items = (guint)items;
	read_retry(delivery, subscribe);
	return read_mode(delivery, subscribe, error) &&
	       read_notify_to(delivery, subscribe, error) &&
	       read_heartbeat(delivery, subscribe, error);
}

/* Nothing is kept for those who come back later. */
static gboolean
read_bookmarks(const struct xml_node *body, struct wsman_subscribe *subscribe, GError **error)
{
	subscribe->bookmarks = wsman_child(body, "SendBookmarks") != NULL;
	return !wsman_child(body, "Bookmark")
		       ? TRUE
		       : wsman_fail(error, WSMAN_FAULT_BOOKMARKS, "there are no bookmarks");
}

/* Without a filter the class says what is wanted. */
static gboolean
settle_filter(struct wsman_reader *reader, GError **error)
{
	struct cim_op *op = &reader->request->op;
	if (op->query)
		return TRUE;
	if (!reader->class)
		return wsman_fail(error, WSMAN_FAULT_INVALID_MESSAGE,
				  "the subscription needs a filter or a class");
	g_autofree char *text = g_strconcat("SELECT * FROM ", reader->class->name, NULL);
	op->query = query_parse(QUERY_WQL, text, error);
	return op->query != NULL;
}

gboolean
wsman_read_subscribe(struct wsman_reader *reader, GError **error)
{
	struct wsman_request *request = reader->request;
	const struct xml_node *body = reader->body;
	if (!body || strcmp(body->name, "Subscribe") != 0)
		return wsman_fail(error, WSMAN_FAULT_INVALID_MESSAGE, "the body is no Subscribe");
	const struct xml_node *end_to = wsman_child(body, "EndTo");
	const struct xml_node *expires = wsman_child(body, "Expires");
	if (end_to) {
		request->subscribe.end_to = read_address(end_to);
		request->subscribe.end_parameters = read_parameters(end_to);
	}
	if (!wsman_read_target(reader, error) || !read_delivery(body, &request->subscribe, error) ||
	    !read_bookmarks(body, &request->subscribe, error))
		return FALSE;
	if (expires && !wsman_expires(expires, request, error))
		return FALSE;
	return wsman_read_filter(reader, body, error) && settle_filter(reader, error);
}

/* ---- answers ---- */

static const char *
body_name(enum wsman_action action)
{
	return action == WSMAN_SUBSCRIBE ? "Subscribe"
	       : action == WSMAN_RENEW	 ? "Renew"
					 : "GetStatus";
}

static void
put_manager(GString *out, const struct wsman_request *request, const char *address,
	    const char *identifier)
{
	g_string_append(out, "<wse:SubscriptionManager>");
	wsman_put_element(out, "wsa:Address", address);
	g_string_append(out, "<wsa:ReferenceParameters>");
	if (request->resource_uri)
		wsman_put_element(out, "wsman:ResourceURI", request->resource_uri);
	wsman_put_element(out, "wse:Identifier", identifier);
	g_string_append(out, "</wsa:ReferenceParameters></wse:SubscriptionManager>");
}

static void
put_expires(GString *out, gint64 usec)
{
	g_string_append_printf(
		out, "<wse:Expires>PT%" G_GINT64_FORMAT ".%03" G_GINT64_FORMAT "S</wse:Expires>",
		usec / G_USEC_PER_SEC, usec % G_USEC_PER_SEC / 1000);
}

void
wsman_write_subscribed(GString *out, const struct wsman_request *request, const char *address,
		       const char *identifier, gint64 expires_usec, const char *context)
{
	const char *name = body_name(request->action);
	struct wsman_writer writer;
	g_autofree char *action = wsman_response_action(request);
	wsman_writer_begin(&writer, request);
	g_string_append_printf(writer.out, "<wse:%sResponse>", name);
	if (request->action == WSMAN_SUBSCRIBE)
		put_manager(writer.out, request, address, identifier);
	put_expires(writer.out, expires_usec);
	if (context)
		wsman_put_element(writer.out, "wsen:EnumerationContext", context);
	g_string_append_printf(writer.out, "</wse:%sResponse>", name);
	wsman_writer_end(&writer, out, action, NULL);
}

/* ---- what we send ---- */

static gboolean
wants_ack(const struct wsman_request *subscription)
{
	return subscription->subscribe.delivery == WSMAN_PUSH_WITH_ACK ||
	       subscription->subscribe.delivery == WSMAN_EVENTS;
}

/* A request of ours: ReplyTo, and the listener's own parameters. */
static void
send_event(struct wsman_writer *writer, GString *out, const char *action, const char *message_id)
{
	const struct wsman_request *subscription = writer->request;
	const struct wsman_subscribe *subscribe = &subscription->subscribe;
	g_autoptr(GString) extra = g_string_new("<wsa:ReplyTo><wsa:Address>" WSA_ANONYMOUS
						"</wsa:Address></wsa:ReplyTo>");
	if (subscribe->notify_parameters)
		g_string_append(extra, subscribe->notify_parameters);
	if (wants_ack(subscription))
		g_string_append(extra, "<wsman:AckRequested/>");
	wsman_writer_send(writer, out, subscribe->notify_to ? subscribe->notify_to : "", action,
			  message_id, extra->str);
}

/* In batches each event says its action. */
static void
put_batched(struct wsman_writer *writer, const struct cim_instance *indication)
{
	g_string_append(writer->out, "<wsman:Event Action=\"" ACTION_EVENT "\">");
	wsman_put_instance(writer, indication, indication->class, NULL);
	g_string_append(writer->out, "</wsman:Event>");
}

void
wsman_write_event(GString *out, const struct cim_schema *schema,
		  const struct wsman_request *subscription, GPtrArray *indications,
		  const char *message_id)
{
	const gboolean batch = subscription->subscribe.delivery == WSMAN_EVENTS;
	struct wsman_writer writer;
	wsman_writer_begin(&writer, subscription);
	writer.elements = TRUE;
	if (batch)
		g_string_append(writer.out, "<wsman:Events>");
	for (guint i = 0; i < indications->len; i++) {
		const struct cim_instance *indication = indications->pdata[i];
		if (batch)
			put_batched(&writer, indication);
		else
			wsman_put_instance(&writer, indication, indication->class, NULL);
	}
	if (batch)
		g_string_append(writer.out, "</wsman:Events>");
	send_event(&writer, out, batch ? ACTION_EVENTS : ACTION_EVENT, message_id);
}

void
wsman_write_heartbeat(GString *out, const struct wsman_request *subscription,
		      const char *message_id)
{
	const gboolean batch = subscription->subscribe.delivery == WSMAN_EVENTS;
	struct wsman_writer writer;
	wsman_writer_begin(&writer, subscription);
	if (batch)
		g_string_append(writer.out, "<wsman:Events><wsman:Event Action=\"" ACTION_HEARTBEAT
					    "\"/></wsman:Events>");
	send_event(&writer, out, batch ? ACTION_EVENTS : ACTION_HEARTBEAT, message_id);
}

void
wsman_write_subscription_end(GString *out, const struct wsman_request *subscription,
			     const char *identifier, const char *status, const char *message_id)
{
	const struct wsman_subscribe *subscribe = &subscription->subscribe;
	struct wsman_writer writer;
	wsman_writer_begin(&writer, subscription);
	g_string_append(writer.out, "<wse:SubscriptionEnd><wse:SubscriptionManager>");
	wsman_put_element(writer.out, "wsa:Address", WSA_ANONYMOUS);
	g_string_append(writer.out, "<wsa:ReferenceParameters>");
	wsman_put_element(writer.out, "wse:Identifier", identifier);
	g_string_append(writer.out, "</wsa:ReferenceParameters></wse:SubscriptionManager>");
	g_string_append_printf(writer.out, "<wse:Status>" NS_WSE "/%s</wse:Status>", status);
	g_string_append(writer.out, "</wse:SubscriptionEnd>");
	wsman_writer_send(&writer, out, subscribe->end_to ? subscribe->end_to : "", ACTION_END,
			  message_id, subscribe->end_parameters ? subscribe->end_parameters : "");
}

static gboolean
is_ack(const struct xml_node *header, const char *message_id)
{
	const struct xml_node *action = wsman_child(header, "Action");
	const struct xml_node *relates = wsman_child(header, "RelatesTo");
	g_autofree char *uri = action ? wsman_word(action) : g_strdup("");
	g_autofree char *id = relates ? wsman_word(relates) : g_strdup("");
	return wsman_action_find(uri) == WSMAN_ACK && strcmp(id, message_id) == 0;
}

gboolean
wsman_read_ack(const char *data, gsize len, const char *message_id)
{
	cairn_auto(xml_document) document = xml_parse(data, len, NULL);
	const struct xml_node *root = document ? xml_root(document) : NULL;
	return root && strcmp(root->name, "Envelope") == 0 &&
	       is_ack(wsman_child(root, "Header"), message_id);
}
