/* The bytes of the control socket: lines, and the envelope around requests, answers and events
 * (control.h shows it). Pure: no sockets, no clock, no table of requests. */
#pragma once

#include "base/auto.h"

#include <glib.h>
#include <jansson.h>

/* Depth of brackets in a request; ours need 2, and what a client puts into "id" is its own. */
#define CONTROL_DEPTH_MAX 32

/* ---- lines ---- */

/* Cuts a stream of bytes into lines of at most a given length. */
struct control_lines;
struct control_lines *control_lines_new(gsize max);
void control_lines_free(struct control_lines *lines);
CAIRN_DEFINE_AUTO(control_lines, control_lines_free)
void control_lines_add(struct control_lines *lines, const void *data, gsize len);
/* The next whole line, without its newline, valid until the next call here; *@ret_line is NULL when
 * there is none yet. LIMIT when a line is too long, whole or not; then nothing follows any more. */
gboolean control_lines_next(struct control_lines *lines, const char **ret_line, gsize *ret_len,
			    GError **error);
/* Bytes that wait for the rest of their line or to be taken. */
gsize control_lines_waiting(const struct control_lines *lines);

/* ---- messages from a client ---- */

struct control_request {
	char *name;	   /* "execute" */
	json_t *arguments; /* an object or NULL */
	json_t *id;	   /* anything or NULL */
	char *as;	   /* the user that a front end speaks for; NULL: "as" is not there */
};
void control_request_clear(struct control_request *request);

/* INVALID when @line is not a request, or has an "as" that is not exactly one user: what is there
 * and cannot be read is never taken for what is absent. @ret_request->id is set also then, if the
 * line has one, so that the answer can carry it; the caller clears @ret_request in both cases. */
gboolean control_request_decode(const char *line, gsize len, struct control_request *ret_request,
				GError **error);

/* ---- messages from the server ---- */

enum control_message_type { CONTROL_GREETING, CONTROL_RETURN, CONTROL_FAILURE, CONTROL_EVENT };

/* PEER when @line is none of these. The whole object is a new reference; @ret_type says which
 * member to look at: "cairn", "return", "error", "event". */
json_t *control_message_decode(const char *line, gsize len, enum control_message_type *ret_type,
			       GError **error);
/* The "error" member of @message as an error of our domain, with the server's words. */
void control_message_error(const json_t *message, GError **error);

/* ---- building lines: text with its newline, freed with g_free() ---- */

/* @arguments and @id may be NULL; nothing is taken over. */
char *control_encode_request(const char *name, json_t *arguments, json_t *id);
/* The same for @user, as front ends ask; NULL: without one. */
char *control_encode_request_as(const char *name, json_t *arguments, json_t *id, const char *user);
char *control_encode_greeting(gboolean read_only);
char *control_encode_return(json_t *value, json_t *id);
char *control_encode_error(const GError *error, json_t *id);
/* @usec: microseconds since 1970 UTC. */
char *control_encode_event(const char *name, json_t *data, gint64 usec);
