/* The gate before the handlers: finds out who a request is for and asks access.c. */
#pragma once

#include "base/auto.h"
#include "cairnd/config.h"
#include "control/control.h"

struct daemon;
struct gate;

/* The peers are looked up here, so the front end's user must be there when the daemon starts. */
struct gate *gate_new(const struct config *config, GError **error);
void gate_free(struct gate *gate);
/* Whether there is a user for front ends, and its group. */
gboolean gate_front_end(const struct gate *gate, guint *ret_gid);
CAIRN_DEFINE_AUTO(gate, gate_free)

/* The server's handler: answers Denied, or hands over to handlers_call(), now or when the user's
 * groups are known. @user_data is the daemon, whose gate it uses. */
void gate_call(struct control_call *call, void *user_data);
void handle_query_access(struct daemon *daemon, struct control_call *call);
