/* Handlers of the limits of the queue. */
#include "cairnd/handlers.h"

void
handle_limits_show(struct daemon *daemon, struct control_call *call)
{
	control_call_return(call, engine_limits_view(daemon->engine));
}

void
handle_limits_set(struct daemon *daemon, struct control_call *call)
{
	GError *error = NULL;
	if (!engine_limits_set(daemon->engine, call->arguments, &error)) {
		call_fail(call, error);
		return;
	}
	copies_share(daemon->world);
	control_call_return(call, engine_limits_view(daemon->engine));
}
