/* Lines and envelopes of the control socket; see codec.h. */
#include "control/codec.h"

#include "control/control.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

/* ---- lines ---- */

struct control_lines {
	GByteArray *bytes;
	gsize max;
	gsize start;   /* where the next line begins */
	gsize scanned; /* no newline in [start, scanned) */
	gboolean broken;
};

struct control_lines *
control_lines_new(gsize max)
{
	struct control_lines *lines = g_new0(struct control_lines, 1);
	lines->bytes = g_byte_array_new();
	lines->max = max;
	return lines;
}

void
control_lines_free(struct control_lines *lines)
{
	if (!lines)
		return;
	g_byte_array_unref(lines->bytes);
	g_free(lines);
}

/* Moves what is left to the front, but only when at least half of the bytes are done with: the cost
 * stays linear however many lines there are. */
static void
compact(struct control_lines *lines)
{
	if (lines->start == 0 || lines->start < lines->bytes->len / 2)
		return;
	g_byte_array_remove_range(lines->bytes, 0, (guint)lines->start);
	lines->scanned -= lines->start;
	lines->start = 0;
}

void
control_lines_add(struct control_lines *lines, const void *data, gsize len)
{
	compact(lines);
	if (!lines->broken)
		g_byte_array_append(lines->bytes, data, (guint)len);
}

static gboolean
too_long(struct control_lines *lines, GError **error)
{
	lines->broken = TRUE;
	lines->start = lines->scanned = 0;
	g_byte_array_set_size(lines->bytes, 0);
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT,
		    "a line is longer than %" G_GSIZE_FORMAT " bytes", lines->max);
	return FALSE;
}

gboolean
control_lines_next(struct control_lines *lines, const char **ret_line, gsize *ret_len,
		   GError **error)
{
	*ret_line = NULL;
	*ret_len = 0;
	if (lines->broken)
		return TRUE;
	gsize left = lines->bytes->len - lines->scanned;
	const guint8 *from = left ? lines->bytes->data + lines->scanned : NULL;
	const guint8 *newline = left ? memchr(from, '\n', left) : NULL;
	gsize end = newline ? (gsize)(newline - lines->bytes->data) : lines->bytes->len;
	if (end - lines->start > lines->max)
		return too_long(lines, error);
	if (!newline) {
		lines->scanned = end;
		return TRUE;
	}
	*ret_line = (const char *)lines->bytes->data + lines->start;
	*ret_len = end - lines->start;
	lines->start = lines->scanned = end + 1;
	return TRUE;
}

gsize
control_lines_waiting(const struct control_lines *lines)
{
	return lines->bytes->len - lines->start;
}

/* ---- decoding ---- */

/* jansson stops at 2048 levels, which costs a deep recursion here and wherever the value is walked.
 */
static gboolean
check_depth(const char *line, gsize len, GError **error)
{
	guint depth = 0;
	gboolean in_string = FALSE;
	for (gsize i = 0; i < len; i++) {
		char c = line[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{'))
			depth++;
		else if (!in_string && (c == ']' || c == '}') && depth > 0)
			depth--;
		if (depth > CONTROL_DEPTH_MAX) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
				    "brackets deeper than %d levels", CONTROL_DEPTH_MAX);
			return FALSE;
		}
	}
	return TRUE;
}

void
control_request_clear(struct control_request *request)
{
	g_clear_pointer(&request->name, g_free);
	g_clear_pointer(&request->arguments, json_decref);
	g_clear_pointer(&request->id, json_decref);
	g_clear_pointer(&request->as, g_free);
}

static gboolean
check_members(const json_t *object, GError **error)
{
	static const char *const known[] = {"execute", "arguments", "id", "as", NULL};
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)object, key, value)
		if (!g_strv_contains(known, key))
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "a request has no member \"%s\": \"execute\", "
					  "\"arguments\", \"id\" and \"as\" are known",
					  key);
	return TRUE;
}

/* A name goes into jobs, logs and CIM properties: no control characters. jansson refuses NUL and
 * what is not UTF-8. */
gboolean
control_user_check(const char *user, GError **error)
{
	gsize len = strlen(user);
	if (len == 0 || len > CONTROL_USER_MAX)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "the name of a user must have 1 to %d bytes", CONTROL_USER_MAX);
	for (const char *at = user; *at; at = g_utf8_next_char(at))
		if (g_unichar_iscntrl(g_utf8_get_char(at)))
			return cairn_fail(error, CAIRN_ERROR_INVALID,
					  "the name of the user has control characters");
	return TRUE;
}

static gboolean
get_as(const json_t *object, char **ret_user, GError **error)
{
	const json_t *as = json_object_get(object, "as");
	const char *user = json_string_value(json_object_get(as, "user"));
	if (!as)
		return TRUE;
	if (!user || json_object_size(as) != 1)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "\"as\" must be {\"user\": NAME}");
	if (!control_user_check(user, error))
		return FALSE;
	*ret_user = g_strdup(user);
	return TRUE;
}

gboolean
control_request_decode(const char *line, gsize len, struct control_request *ret_request,
		       GError **error)
{
	const char *name;
	const json_t *arguments;
	memset(ret_request, 0, sizeof *ret_request);
	if (!check_depth(line, len, error))
		return FALSE;
	g_autoptr(json_t) object = cairn_json_parse(line, len, error);
	if (!object)
		return FALSE;
	ret_request->id = json_incref(json_object_get(object, "id"));
	if (!check_members(object, error) || !get_as(object, &ret_request->as, error) ||
	    !cairn_json_get_string(object, "execute", &name, error) ||
	    !cairn_json_get_object_opt(object, "arguments", &arguments, error))
		return FALSE;
	ret_request->name = g_strdup(name);
	ret_request->arguments = json_incref((json_t *)arguments);
	return TRUE;
}

json_t *
control_message_decode(const char *line, gsize len, enum control_message_type *ret_type,
		       GError **error)
{
	static const char *const members[] = {
		[CONTROL_GREETING] = "cairn",
		[CONTROL_RETURN] = "return",
		[CONTROL_FAILURE] = "error",
		[CONTROL_EVENT] = "event",
	};
	g_autoptr(GError) why = NULL;
	g_autoptr(json_t) object = cairn_json_parse(line, len, &why);
	for (guint i = 0; object && i < G_N_ELEMENTS(members); i++) {
		if (json_object_get(object, members[i])) {
			*ret_type = (enum control_message_type)i;
			return g_steal_pointer(&object);
		}
	}
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_PEER,
		    "the daemon's answer is not understood: %s",
		    why ? why->message : "no known member");
	return NULL;
}

void
control_message_error(const json_t *message, GError **error)
{
	const json_t *failure = json_object_get(message, "error");
	const char *class_name = json_string_value(json_object_get(failure, "class"));
	const char *desc = json_string_value(json_object_get(failure, "desc"));
	g_set_error_literal(error, CAIRN_ERROR, cairn_error_from_class(class_name),
			    desc ? desc : "the daemon gave no reason");
}

/* ---- encoding ---- */

/* Takes @object over. */
static char *
to_line(json_t *object)
{
	g_autofree char *text = cairn_json_dump(object);
	json_decref(object);
	return g_strconcat(text, "\n", NULL);
}

static void
set_id(json_t *object, json_t *id)
{
	if (id)
		cairn_json_set(object, "id", json_incref(id));
}

char *
control_encode_request(const char *name, json_t *arguments, json_t *id)
{
	return control_encode_request_as(name, arguments, id, NULL);
}

char *
control_encode_request_as(const char *name, json_t *arguments, json_t *id, const char *user)
{
	json_t *object = json_object();
	cairn_json_set_string(object, "execute", name);
	if (arguments)
		cairn_json_set(object, "arguments", json_incref(arguments));
	if (user) {
		json_t *as = json_object();
		cairn_json_set_string(as, "user", user);
		cairn_json_set(object, "as", as);
	}
	set_id(object, id);
	return to_line(object);
}

char *
control_encode_greeting(gboolean read_only)
{
	json_t *object = json_object(), *about = json_object();
	cairn_json_set_string(about, "version", CAIRN_VERSION);
	cairn_json_set_uint(about, "protocol", CONTROL_PROTOCOL);
	cairn_json_set_bool(about, "read-only", read_only);
	cairn_json_set(object, "cairn", about);
	return to_line(object);
}

char *
control_encode_return(json_t *value, json_t *id)
{
	json_t *object = json_object();
	cairn_json_set(object, "return", json_incref(value));
	set_id(object, id);
	return to_line(object);
}

char *
control_encode_error(const GError *error, json_t *id)
{
	json_t *object = json_object(), *failure = json_object();
	cairn_json_set_string(failure, "class", cairn_error_class(cairn_error_code(error)));
	cairn_json_set_string(failure, "desc", error->message);
	cairn_json_set(object, "error", failure);
	set_id(object, id);
	return to_line(object);
}

char *
control_encode_event(const char *name, json_t *data, gint64 usec)
{
	json_t *object = json_object(), *when = json_object();
	cairn_json_set_uint(when, "seconds", (guint64)(usec / G_USEC_PER_SEC));
	cairn_json_set_uint(when, "microseconds", (guint64)(usec % G_USEC_PER_SEC));
	cairn_json_set_string(object, "event", name);
	cairn_json_set(object, "data", json_incref(data));
	cairn_json_set(object, "timestamp", when);
	return to_line(object);
}
