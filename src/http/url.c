/* Which parts an http or https URL has. What is posted to a listener is the text that is made here
 * from the parts that were checked, never the client's own: two parsers that read a URL differently
 * are how lists of allowed places are got around. */
#include "http/url.h"

#include "base/error.h"

#include <string.h>

void
http_url_clear(struct http_url *url)
{
	g_free(url->origin);
	g_free(url->path);
	*url = (struct http_url){0};
}

static gboolean
refuse(GError **error, const char *text, const char *why)
{
	g_autofree char *shown = g_strescape(text, NULL);
	return cairn_fail(error, CAIRN_ERROR_INVALID, "the address \"%.200s\" %s", shown, why);
}

/* RFC 3986 without what is not needed: no user, no escapes in the host, no fragment. */
static gboolean
split_host(const char **at, char **ret_host)
{
	const char *begin = *at, *end;
	gboolean literal = *begin == '[';
	if (literal) {
		for (end = begin + 1; g_ascii_isxdigit(*end) || *end == ':' || *end == '.'; end++)
			;
		if (*end != ']' || end == begin + 1)
			return FALSE;
		end++;
	} else {
		for (end = begin; g_ascii_isalnum(*end) || *end == '-' || *end == '.'; end++)
			;
		if (end == begin)
			return FALSE;
	}
	*ret_host = g_ascii_strdown(begin, end - begin);
	*at = end;
	return TRUE;
}

static gboolean
split_port(const char **at, guint fallback, guint *ret_port)
{
	guint64 port = 0;
	const char *digit = *at + 1;
	*ret_port = fallback;
	if (**at != ':')
		return TRUE;
	for (; g_ascii_isdigit(*digit) && port <= G_MAXUINT16; digit++)
		port = port * 10 + (guint64)(*digit - '0');
	*at = digit;
	*ret_port = (guint)port;
	return port > 0 && port <= G_MAXUINT16;
}

static gboolean
path_allowed(const char *path)
{
	static const char marks[] = "-._~!$&'()*+,;=:@/?%";
	if (*path && *path != '/')
		return FALSE;
	for (; *path; path++)
		if (!g_ascii_isalnum(*path) && !strchr(marks, *path))
			return FALSE;
	return TRUE;
}

gboolean
http_url_parse(const char *text, struct http_url *ret_url, GError **error)
{
	gboolean https = g_ascii_strncasecmp(text, "https://", 8) == 0;
	g_autofree char *host = NULL;
	guint port;
	if (strlen(text) > HTTP_URL_MAX)
		return refuse(error, text, "is too long");
	if (!https && g_ascii_strncasecmp(text, "http://", 7) != 0)
		return refuse(error, text, "does not begin with http:// or https://");
	const char *at = text + (https ? 8 : 7);
	if (!split_host(&at, &host))
		return refuse(error, text, "has no host name that can be used");
	if (!split_port(&at, https ? 443 : 80, &port))
		return refuse(error, text, "has no port that can be used");
	if (!path_allowed(at))
		return refuse(error, text, "has characters that are not allowed there");
	ret_url->origin = g_strdup_printf("%s://%s:%u", https ? "https" : "http", host, port);
	ret_url->path = g_strdup(*at ? at : "/");
	return TRUE;
}

char *
http_url_text(const struct http_url *url)
{
	return g_strconcat(url->origin, url->path, NULL);
}

char **
http_url_origins(char *const *places, GError **error)
{
	g_autoptr(GPtrArray) origins = g_ptr_array_new_with_free_func(g_free);
	for (; places && *places; places++) {
		struct http_url url = {0};
		if (!http_url_parse(*places, &url, error))
			return NULL;
		gboolean bare = strcmp(url.path, "/") == 0;
		if (bare)
			g_ptr_array_add(origins, g_steal_pointer(&url.origin));
		http_url_clear(&url);
		if (!bare) {
			refuse(error, *places, "must be scheme://host:port");
			return NULL;
		}
	}
	g_ptr_array_add(origins, NULL);
	return (char **)g_ptr_array_steal(origins, NULL);
}
