/* The actions of WS-Management and its parts as one table; a method's action is in none of its
 * rows. */
#include "wire/wsman_private.h"

#include <string.h>

static const struct {
	const char *uri;
	enum wsman_action action;
} actions[] = {
	{NS_WXF "/Get", WSMAN_GET},
	{NS_WXF "/Put", WSMAN_PUT},
	{NS_WXF "/Create", WSMAN_CREATE},
	{NS_WXF "/Delete", WSMAN_DELETE},
	{NS_WSEN "/Enumerate", WSMAN_ENUMERATE},
	{NS_WSEN "/Pull", WSMAN_PULL},
	{NS_WSEN "/Release", WSMAN_RELEASE},
	{NS_WSE "/Subscribe", WSMAN_SUBSCRIBE},
	{NS_WSE "/Unsubscribe", WSMAN_UNSUBSCRIBE},
	{NS_WSE "/Renew", WSMAN_RENEW},
	{NS_WSE "/GetStatus", WSMAN_GET_STATUS},
	/* openwsman's own spellings of these two */
	{NS_WSE "/GetStaus", WSMAN_GET_STATUS},
	{"http://schemas.xmlsoap.org/wbmem/wsman/1/wsman/Ack", WSMAN_ACK},
	{WSMAN_URI "/Ack", WSMAN_ACK},
};

enum wsman_action
wsman_action_find(const char *uri)
{
	for (guint i = 0; i < G_N_ELEMENTS(actions); i++)
		if (strcmp(actions[i].uri, uri) == 0)
			return actions[i].action;
	return WSMAN_INVOKE;
}

char *
wsman_response_action(const struct wsman_request *request)
{
	return g_strconcat(request->action_uri ? request->action_uri : "", "Response", NULL);
}
