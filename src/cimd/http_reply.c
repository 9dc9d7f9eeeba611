/* Answers: in one piece, as a stream, or a status alone. */
#include "cimd/crypt.h"
#include "cimd/http_private.h"

struct http_stream {
	struct http_exchange *x; /* NULL: libmicrohttpd has let it go */
	http_next_fn next;
	gpointer data;
	GDestroyNotify free_data;
	GString *chunk;
	gsize sent;
	gboolean ended, failed;
	gboolean waiting;
	gboolean trailers;
	struct MHD_Response *response; /* borrowed, for its trailers */
	/* when the whole of it is gathered first */
	guint idle;
	guint status;
	struct http_header *headers;
	char *content_type;
};

/* ---- headers ---- */

static gboolean
is_clean(const char *text, gboolean is_name)
{
	if (!text || (is_name && !*text))
		return FALSE;
	for (const char *at = text; *at; at++)
		if (!g_ascii_isprint(*at) || (is_name && (*at == ' ' || *at == ':')))
			return FALSE;
	return TRUE;
}

static void
add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (is_clean(name, TRUE) && is_clean(value, FALSE) && *value)
		MHD_add_response_header(response, name, value);
}

/* With M-POST the answer's CIM headers wear the request's prefix, and Ext, which has no value, says
 * that it was understood (RFC 2774 section 5.1); the library wants one of a byte. */
static void
add_headers(const struct http_exchange *x, struct MHD_Response *response,
	    const struct http_header *headers)
{
	if (x->prefix)
		MHD_add_response_header(response, "Ext", " ");
	for (; headers && headers->name; headers++) {
		gboolean ours = x->prefix && g_ascii_strncasecmp(headers->name, "CIM", 3) == 0;
		g_autofree char *name = g_strconcat(ours ? x->prefix : "", headers->name, NULL);
		add_header(response, name, headers->value);
	}
}

/* ---- handing it to libmicrohttpd ---- */

/* Takes over @response and the caller's reference. */
static void
answer(struct http_exchange *x, guint status, struct MHD_Response *response)
{
	g_assert(x->stage < STAGE_ANSWERED);
	x->stage = STAGE_ANSWERED;
	x->status = status;
	x->response = response;
	if (x->token && status != 401)
		add_header(response, "WWW-Authenticate", x->token);
	if (x->conn && (x->close_after || x->conn->server->quiet))
		MHD_add_response_header(response, "Connection", "close");
	if (x->conn && x->suspended) {
		x->suspended = FALSE;
		http_conn_resume(x->conn);
	}
	http_exchange_unref(x);
}

enum MHD_Result
http_reply_queue(struct http_exchange *x)
{
	x->stage = STAGE_SENDING;
	enum MHD_Result result = MHD_queue_response(x->conn->mhd, x->status, x->response);
	g_clear_pointer(&x->response, MHD_destroy_response);
	return result;
}

static struct MHD_Response *
empty_response(void)
{
	return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
}

static void
unref_bytes(void *bytes)
{
	g_bytes_unref(bytes);
}

/* Takes @body over. */
static struct MHD_Response *
bytes_response(GBytes *body)
{
	gsize len;
	const void *data = g_bytes_get_data(body, &len);
	if (len > 0)
		return MHD_create_response_from_buffer_with_free_callback_cls(len, (void *)data,
									      unref_bytes, body);
	g_bytes_unref(body);
	return empty_response();
}

/* Replaces *@body by the encrypted message. */
static gboolean
seal(struct http_exchange *x, const char *content_type, GBytes **body, GError **error)
{
	struct auth_session *session = x->conn->session;
	g_autoptr(GBytes) plain = g_steal_pointer(body);
	g_autoptr(GBytes) signature = NULL, data = NULL;
	if (!auth_session_seal(session, plain, &signature, &data, error))
		return FALSE;
	*body = crypt_write(auth_session_seal_protocol(session), content_type,
			    g_bytes_get_size(plain), signature, data, x->tabs);
	return TRUE;
}

static void
reply_sealed(struct http_exchange *x, guint status, const struct http_header *headers,
	     const char *content_type, GBytes *body)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *outer = crypt_content_type(auth_session_seal_protocol(x->conn->session));
	if (!seal(x, content_type, &body, &error)) {
		g_message("%s: the answer cannot be encrypted: %s", x->peer, error->message);
		x->close_after = TRUE;
		http_refuse(x, 500, NULL);
		return;
	}
	struct MHD_Response *response = bytes_response(body);
	add_headers(x, response, headers);
	add_header(response, "Content-Type", outer);
	answer(x, status, response);
}

void
http_reply(struct http_exchange *x, guint status, const struct http_header *headers,
	   const char *content_type, GBytes *body)
{
	gboolean has_body = body && g_bytes_get_size(body) > 0;
	if (has_body && x->seal && x->conn) {
		reply_sealed(x, status, headers, content_type, g_bytes_ref(body));
		return;
	}
	struct MHD_Response *response =
		has_body ? bytes_response(g_bytes_ref(body)) : empty_response();
	add_headers(x, response, headers);
	if (content_type && has_body)
		add_header(response, "Content-Type", content_type);
	answer(x, status, response);
}

void
http_refuse(struct http_exchange *x, guint status, const char *cim_error)
{
	const struct http_header headers[] = {
		{cim_error	 ? "CIMError"
		 : status == 405 ? "Allow"
				 : NULL,
		 cim_error ? cim_error : "POST, M-POST"},
		{NULL, NULL},
	};
	http_reply(x, status, headers, NULL, NULL);
}

void
http_answer_401(struct http_exchange *x, const char *token, gboolean close_after)
{
	struct MHD_Response *response = empty_response();
	if (token)
		add_header(response, "WWW-Authenticate", token);
	else
		for (const char *const *offer =
			     auth_offers(x->conn->server->auth, &x->conn->channel);
		     *offer; offer++)
			add_header(response, "WWW-Authenticate", *offer);
	x->close_after = x->close_after || close_after;
	answer(x, 401, response);
}

/* ---- streams ---- */

static void
stream_free(void *user)
{
	struct http_stream *stream = user;
	if (stream->idle)
		g_source_remove(stream->idle);
	if (stream->x) {
		stream->x->stream = NULL;
		http_exchange_unref(stream->x);
	}
	if (stream->free_data)
		stream->free_data(stream->data);
	g_string_free(stream->chunk, TRUE);
	for (struct http_header *header = stream->headers; header && header->name; header++) {
		g_free((char *)header->name);
		g_free((char *)header->value);
	}
	g_free(stream->headers);
	g_free(stream->content_type);
	g_free(stream);
}

static void
add_trailers(struct http_stream *stream, const struct http_failure *failure)
{
	g_autofree char *status = g_strdup_printf("%u", failure->status);
	g_autofree char *text =
		g_uri_escape_string(failure->description ? failure->description : "", " ", FALSE);
	const struct http_header trailers[] = {
		{"CIMError", failure->cim_error},
		{"CIMStatusCode", failure->status ? status : NULL},
		{"CIMStatusCodeDescription", *text ? text : NULL},
	};
	for (guint i = 0; i < G_N_ELEMENTS(trailers); i++)
		if (is_clean(trailers[i].value, FALSE))
			MHD_add_response_footer(stream->response, trailers[i].name,
						trailers[i].value);
}

static enum http_next
stream_step(struct http_stream *stream)
{
	struct http_failure failure = {0};
	enum http_next next = stream->next(stream->data, stream->chunk, &failure);
	stream->waiting = next == HTTP_WAIT;
	stream->ended = next == HTTP_END || next == HTTP_FAILED;
	stream->failed = next == HTTP_FAILED;
	if (stream->failed && stream->trailers) {
		add_trailers(stream, &failure);
		stream->failed = FALSE;
	}
	return next;
}

/* libmicrohttpd wants up to @max bytes. 0 with the connection suspended: not now. */
static ssize_t
stream_read(void *user, uint64_t at, char *buffer, size_t max)
{
	struct http_stream *stream = user;
	while (stream->sent == stream->chunk->len) {
		if (stream->ended)
			return stream->failed ? MHD_CONTENT_READER_END_WITH_ERROR
					      : MHD_CONTENT_READER_END_OF_STREAM;
		g_string_truncate(stream->chunk, 0);
		stream->sent = 0;
		if (stream_step(stream) == HTTP_WAIT) {
			g_string_truncate(stream->chunk, 0);
			stream->x->suspended = TRUE;
			MHD_suspend_connection(stream->x->conn->mhd);
			return 0;
		}
	}
	gsize n = MIN(max, stream->chunk->len - stream->sent);
	memcpy(buffer, stream->chunk->str + stream->sent, n);
	stream->sent += n;
	return (ssize_t)n;
}

/* The whole of it, for one message: @stream->chunk grows. */
static gboolean
gather(gpointer user)
{
	struct http_stream *stream = user;
	struct http_exchange *x = stream->x;
	enum http_next next = x->conn ? stream_step(stream) : HTTP_FAILED;
	if (next == HTTP_MORE && stream->chunk->len <= HTTP_SEAL_MAX)
		return G_SOURCE_CONTINUE;
	stream->idle = 0;
	if (next == HTTP_WAIT)
		return G_SOURCE_REMOVE;
	stream->x = NULL;
	if (next == HTTP_END && stream->chunk->len <= HTTP_SEAL_MAX) {
		g_autoptr(GBytes) body = g_bytes_new(stream->chunk->str, stream->chunk->len);
		http_reply(x, stream->status, stream->headers, stream->content_type, body);
	} else {
		http_refuse(x, 500, NULL);
	}
	stream_free(stream);
	return G_SOURCE_REMOVE;
}

void
http_stream_wake(struct http_stream *stream)
{
	struct http_exchange *x = stream->x;
	if (!stream->waiting)
		return;
	stream->waiting = FALSE;
	if (!stream->response) {
		stream->idle = g_idle_add(gather, stream);
	} else if (x->conn && x->suspended) {
		x->suspended = FALSE;
		http_conn_resume(x->conn);
	}
}

static struct http_header *
copy_headers(const struct http_header *headers)
{
	guint n = 0;
	while (headers && headers[n].name)
		n++;
	struct http_header *copy = g_new0(struct http_header, n + 1);
	for (guint i = 0; i < n; i++)
		copy[i] =
			(struct http_header){g_strdup(headers[i].name), g_strdup(headers[i].value)};
	return copy;
}

struct http_stream *
http_stream(struct http_exchange *x, guint status, const struct http_header *headers,
	    const char *content_type, http_next_fn next, gpointer data, GDestroyNotify free_data)
{
	struct http_stream *stream = g_new0(struct http_stream, 1);
	stream->x = x;
	stream->next = next;
	stream->data = data;
	stream->free_data = free_data;
	stream->chunk = g_string_new(NULL);
	if (x->seal || !x->conn) {
		stream->status = status;
		stream->headers = copy_headers(headers);
		stream->content_type = g_strdup(content_type);
		stream->idle = g_idle_add(gather, stream);
		return stream;
	}
	stream->trailers = http_exchange_takes_trailers(x);
	stream->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_CHUNK,
							     stream_read, stream, stream_free);
	add_headers(x, stream->response, headers);
	add_header(stream->response, "Content-Type", content_type ? content_type : "");
	if (stream->trailers)
		MHD_add_response_header(stream->response, "Trailer",
					"CIMError, CIMStatusCode, CIMStatusCodeDescription");
	x->stream = stream;
	answer(http_exchange_ref(x), status, stream->response);
	return stream;
}
