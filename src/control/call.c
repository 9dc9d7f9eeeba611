/* Requests of a client: checked against the table, handed to the handler, answered once. */
#include "control/conn.h"
#include "control/requests.h"

#include "base/error.h"

#include <string.h>

/* The handler sees the first member. */
struct call {
	struct control_call public;
	struct control_conn *conn; /* a reference: the answer may come after the client went */
	json_t *arguments, *id;
	char *as;
};

const char *
control_call_user(const struct control_call *call)
{
	return call->as ? call->as : call->peer.user;
}

static void
finish(struct call *call, char *text)
{
	struct control_conn *conn = call->conn;
	g_clear_pointer(&call->arguments, json_decref);
	g_clear_pointer(&call->id, json_decref);
	g_free(call->as);
	g_free(call);
	g_assert(conn->pending > 0);
	conn->pending--;
	control_conn_answer(conn, text);
	control_conn_unref(conn);
}

void
control_call_error(struct control_call *public, const GError *error)
{
	struct call *call = (struct call *)public;
	finish(call, control_encode_error(error, call->id));
}

void
control_call_return(struct control_call *public, json_t *value)
{
	struct call *call = (struct call *)public;
	g_assert(value);
	char *text = control_encode_return(value, call->id);
	json_decref(value);
	if (strlen(text) <= CONTROL_REPLY_MAX) {
		finish(call, text);
		return;
	}
	g_free(text);
	g_autoptr(GError) error =
		g_error_new(CAIRN_ERROR, CAIRN_ERROR_LIMIT,
			    "the answer is longer than %d bytes: ask for less", CONTROL_REPLY_MAX);
	control_call_error(public, error);
}

static gboolean
find_event(const char *name, guint64 *ret_bit, GError **error)
{
	for (guint i = 0; control_events[i].name; i++) {
		if (g_strcmp0(control_events[i].name, name) == 0) {
			*ret_bit = G_GUINT64_CONSTANT(1) << i;
			return TRUE;
		}
	}
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "no event \"%s\"", name);
	return FALSE;
}

gboolean
control_call_subscribe(struct control_call *public, char *const *names, gboolean properties,
		       GError **error)
{
	struct call *call = (struct call *)public;
	guint64 bits = 0, bit;
	for (guint i = 0; names && names[i]; i++) {
		if (!find_event(names[i], &bit, error))
			return FALSE;
		bits |= bit;
	}
	call->conn->subscribed = bits ? bits : G_MAXUINT64;
	call->conn->properties = properties;
	return TRUE;
}

/* What this client may not or cannot ask. */
static gboolean
check(const struct control_conn *conn, const struct control_request *asked,
      const struct request *request, GError **error)
{
	if (!request) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_NOT_FOUND, "no request \"%s\"",
			    asked->name);
		return FALSE;
	}
	if (conn->peer.read_only && !(request->flags & REQUEST_READ)) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_DENIED,
			    "request \"%s\" is not only for reading: use control.sock",
			    asked->name);
		return FALSE;
	}
	return request_check(request, asked->arguments, error);
}

static void
hand_over(struct control_conn *conn, const struct request *request, struct control_request *asked)
{
	struct call *call = g_new0(struct call, 1);
	call->conn = control_conn_ref(conn);
	call->id = g_steal_pointer(&asked->id);
	call->arguments = asked->arguments ? g_steal_pointer(&asked->arguments) : json_object();
	call->public.request = request;
	call->public.arguments = call->arguments;
	call->public.peer = conn->peer;
	call->public.as = call->as = g_steal_pointer(&asked->as);
	conn->pending++;
	conn->owner->handler(&call->public, conn->owner->user_data);
}

void
control_call_start(struct control_conn *conn, const char *line, gsize len)
{
	g_autoptr(GError) error = NULL;
	struct control_request asked;
	gboolean ok = control_request_decode(line, len, &asked, &error);
	const struct request *request = ok ? request_find(asked.name) : NULL;
	if (ok && check(conn, &asked, request, &error))
		hand_over(conn, request, &asked);
	else
		control_conn_answer(conn, control_encode_error(error, asked.id));
	control_request_clear(&asked);
}
