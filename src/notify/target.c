/* See target.h. */
#include "notify/target.h"

#include "base/error.h"
#include "http/url.h"

#include <string.h>

void
notify_target_free(struct notify_target *target)
{
	if (!target)
		return;
	g_free(target->value);
	g_free(target);
}

static gboolean
refuse(GError **error, const char *text, const char *why)
{
	g_autofree char *shown = g_strescape(text, NULL);
	return cairn_fail(error, CAIRN_ERROR_INVALID, "cannot notify \"%.200s\": %s", shown, why);
}

static gboolean
all_of(const char *text, gsize len, const char *marks)
{
	for (gsize i = 0; i < len; i++)
		if (!g_ascii_isalnum(text[i]) && !strchr(marks, text[i]))
			return FALSE;
	return len > 0;
}

/* Dots neither at the ends nor beside each other. */
static gboolean
dots_fine(const char *text, gsize len)
{
	for (gsize i = 0; i < len; i++)
		if (text[i] == '.' && (i == 0 || i == len - 1 || text[i + 1] == '.'))
			return FALSE;
	return TRUE;
}

/* RFC 5322's dot-atom "@" dot-atom, in ASCII, without what mailers gave a meaning of their own
 * (pipes, files, routes); quoted names, comments and lists are how more than one address, or a
 * header, gets in. A name alone is a user of this host. */
static gboolean
address_fine(const char *text)
{
	const char *at = strchr(text, '@');
	gsize local = at ? (gsize)(at - text) : strlen(text), all = strlen(text);
	const char *host = at ? at + 1 : NULL;
	return all <= NOTIFY_ADDRESS_MAX && local <= NOTIFY_LOCAL_MAX && *text != '-' &&
	       all_of(text, local, "#&'+-=_~.") && dots_fine(text, local) &&
	       (!host || (all_of(host, strlen(host), "-.") && dots_fine(host, strlen(host))));
}

static gboolean
parse_post(const char *text, char *const *origins, char **ret_value, GError **error)
{
	struct http_url url = {0};
	if (!http_url_parse(text, &url, error))
		return FALSE;
	gboolean ok = origins && g_strv_contains((const char *const *)origins, url.origin);
	if (ok)
		*ret_value = http_url_text(&url);
	else
		cairn_fail(error, CAIRN_ERROR_DENIED,
			   "the configuration does not allow to notify %s: add it to \"url\" in "
			   "[notify]",
			   url.origin);
	http_url_clear(&url);
	return ok;
}

static gboolean
parse(const char *text, char *const *origins, enum notify_kind *ret_kind, char **ret_value,
      GError **error)
{
	const char *rest;
	if (strlen(text) > NOTIFY_MAX)
		return refuse(error, text, "it is too long");
	if (g_ascii_strncasecmp(text, "http:", 5) == 0 ||
	    g_ascii_strncasecmp(text, "https:", 6) == 0) {
		*ret_kind = NOTIFY_POST;
		return parse_post(text, origins, ret_value, error);
	}
	if (g_ascii_strncasecmp(text, "journal:", 8) == 0) {
		rest = text + 8;
		if (strlen(rest) > NOTIFY_TAG_MAX || !all_of(rest, strlen(rest), "._-"))
			return refuse(error, text,
				      "a journal's tag has 1 to 64 letters, digits, '.', '_', '-'");
		*ret_kind = NOTIFY_JOURNAL;
		*ret_value = g_strdup(rest);
		return TRUE;
	}
	gboolean prefixed = g_ascii_strncasecmp(text, "mailto:", 7) == 0;
	rest = prefixed ? text + 7 : text;
	if (!prefixed && !strchr(text, '@'))
		return refuse(error, text,
			      "use an address, mailto:ADDRESS, http://..., https://... or "
			      "journal:TAG");
	if (!address_fine(rest))
		return refuse(error, text, "it is no plain mail address");
	*ret_kind = NOTIFY_MAIL;
	*ret_value = g_strdup(rest);
	return TRUE;
}

struct notify_target *
notify_target_parse(const char *text, char *const *origins, GError **error)
{
	cairn_auto(notify_target) target = g_new0(struct notify_target, 1);
	if (!parse(text, origins, &target->kind, &target->value, error))
		return NULL;
	return g_steal_pointer(&target);
}
