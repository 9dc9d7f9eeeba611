/* Which URLs may be posted to. A listener is reached by the text that is made here from the parts
 * that were checked, never by the client's own: two parsers that read a URL differently are how
 * such lists are got around. */
#include "cimd/deliver_private.h"

#include "base/error.h"

#include <string.h>

void
deliver_url_clear(struct deliver_url *url)
{
	g_free(url->origin);
	g_free(url->path);
	*url = (struct deliver_url){0};
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
deliver_url_parse(const char *text, struct deliver_url *ret_url, GError **error)
{
	gboolean https = g_ascii_strncasecmp(text, "https://", 8) == 0;
	g_autofree char *host = NULL;
	guint port;
	if (strlen(text) > DELIVER_URL_MAX)
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
deliver_allow(const struct deliver *deliver, const char *text, GError **error)
{
	struct deliver_url url = {0};
	char *allowed = NULL;
	if (!deliver_url_parse(text, &url, error))
		return NULL;
	if (g_strv_contains((const char *const *)deliver->origins, url.origin))
		allowed = g_strconcat(url.origin, url.path, NULL);
	else
		cairn_fail(error, CAIRN_ERROR_DENIED,
			   "the configuration allows no events to be sent to %s", url.origin);
	deliver_url_clear(&url);
	return allowed;
}

char **
deliver_origins(char *const *destinations, GError **error)
{
	g_autoptr(GPtrArray) origins = g_ptr_array_new_with_free_func(g_free);
	for (; destinations && *destinations; destinations++) {
		struct deliver_url url = {0};
		if (!deliver_url_parse(*destinations, &url, error))
			return NULL;
		gboolean bare = strcmp(url.path, "/") == 0;
		if (bare)
			g_ptr_array_add(origins, g_steal_pointer(&url.origin));
		deliver_url_clear(&url);
		if (!bare) {
			refuse(error, *destinations, "must be scheme://host:port");
			return NULL;
		}
	}
	g_ptr_array_add(origins, NULL);
	return (char **)g_ptr_array_steal(origins, NULL);
}
