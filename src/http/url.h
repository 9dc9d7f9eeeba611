/* http and https URLs in one spelling: for lists of places that may be posted to. */
#pragma once

#include <glib.h>

#define HTTP_URL_MAX 2048 /* bytes */

struct http_url {
	char *origin; /* "http://host:80": scheme and host in lower case, the port always */
	char *path;   /* with the query; at least "/" */
};

/* RFC 3986 without users, fragments and odd characters. INVALID says what is wrong; then @ret_url
 * is untouched. Free its parts with http_url_clear(). */
gboolean http_url_parse(const char *text, struct http_url *ret_url, GError **error);
void http_url_clear(struct http_url *url);
/* The whole URL in our spelling; free with g_free(). */
char *http_url_text(const struct http_url *url);
/* The origins of a configuration's list, NULL terminated; INVALID names the one that is no
 * scheme://host:port. @places may be NULL. Free with g_strfreev(). */
char **http_url_origins(char *const *places, GError **error);
