/* What a handler sees of a request, and how long it lives. */
#include "cimd/http_private.h"

/* ---- headers ---- */

const char *
http_exchange_lookup(const struct http_exchange *x, const char *name)
{
	if (x->conn)
		return MHD_lookup_connection_value(x->conn->mhd, MHD_HEADER_KIND, name);
	if (!x->headers)
		return NULL;
	g_autofree char *lower = g_ascii_strdown(name, -1);
	return g_hash_table_lookup(x->headers, lower);
}

const char *
http_exchange_header(const struct http_exchange *x, const char *name)
{
	if (x->prefix) {
		g_autofree char *prefixed = g_strconcat(x->prefix, name, NULL);
		const char *value = http_exchange_lookup(x, prefixed);
		if (value)
			return value;
	}
	return http_exchange_lookup(x, name);
}

static enum MHD_Result
keep_header(void *headers, enum MHD_ValueKind kind, const char *name, const char *value)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	if (!g_hash_table_contains(headers, lower))
		g_hash_table_insert(headers, g_steal_pointer(&lower), g_strdup(value));
	return MHD_YES;
}

void
http_exchange_keep_headers(struct http_exchange *x)
{
	x->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	MHD_get_connection_values(x->conn->mhd, MHD_HEADER_KIND, keep_header, x->headers);
}

/* ---- exchanges ---- */

struct http_exchange *
http_exchange_ref(struct http_exchange *x)
{
	x->refs++;
	return x;
}

void
http_exchange_unref(struct http_exchange *x)
{
	if (--x->refs)
		return;
	g_free(x->path);
	g_free(x->prefix);
	g_free(x->peer);
	g_free(x->listener_url);
	g_free(x->content_type);
	g_free(x->token);
	g_clear_pointer(&x->headers, g_hash_table_unref);
	g_clear_pointer(&x->receiving, g_byte_array_unref);
	g_clear_pointer(&x->body, g_bytes_unref);
	g_clear_pointer(&x->response, MHD_destroy_response);
	identity_free(x->identity);
	g_free(x);
}

enum http_protocol
http_exchange_protocol(const struct http_exchange *x)
{
	return x->protocol;
}

const char *
http_exchange_path(const struct http_exchange *x)
{
	return x->path;
}

GBytes *
http_exchange_body(const struct http_exchange *x)
{
	return x->body;
}

const char *
http_exchange_content_type(const struct http_exchange *x)
{
	return x->content_type;
}

const struct identity *
http_exchange_identity(const struct http_exchange *x)
{
	return x->identity;
}

gboolean
http_exchange_anonymous_identify(const struct http_exchange *x)
{
	return x->anonymous;
}

const char *
http_exchange_peer(const struct http_exchange *x)
{
	return x->peer;
}

gboolean
http_exchange_tls(const struct http_exchange *x)
{
	return x->tls;
}

const char *
http_exchange_user_agent(const struct http_exchange *x)
{
	return http_exchange_lookup(x, "User-Agent");
}

const char *
http_exchange_listener(const struct http_exchange *x)
{
	return x->listener_url;
}

gboolean
http_exchange_takes_trailers(const struct http_exchange *x)
{
	return x->takes_trailers && !x->seal;
}

void
http_exchange_on_gone(struct http_exchange *x, void (*gone)(struct http_exchange *x, gpointer data),
		      gpointer data)
{
	x->gone = gone;
	x->gone_data = data;
}
