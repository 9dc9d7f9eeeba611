/* Authorization: SCHEME BASE64 (RFC 9110 section 11.6.2, RFC 7617, RFC 4559), strictly. */
#include "cimd/auth_header.h"

#include "cimd/limits.h"

#include <string.h>

static const struct {
	const char *name;
	enum auth_scheme scheme;
} schemes[] = {
	{"Basic", SCHEME_BASIC},
	{"Negotiate", SCHEME_NEGOTIATE},
	{"Kerberos", SCHEME_KERBEROS},
};

static gboolean
is_base64(const char *text, gsize len)
{
	gsize padding = 0;
	if (len == 0 || len % 4 != 0)
		return FALSE;
	while (padding < 2 && text[len - padding - 1] == '=')
		padding++;
	for (gsize i = 0; i < len - padding; i++)
		if (!g_ascii_isalnum(text[i]) && text[i] != '+' && text[i] != '/')
			return FALSE;
	return TRUE;
}

/* NULL when it is not base64 to the last letter, decodes to nothing or is too long. */
static guint8 *
decode(const char *text, gsize *ret_len)
{
	gsize len = strlen(text);
	if (len > AUTH_TOKEN_MAX || !is_base64(text, len))
		return NULL;
	gsize decoded_len;
	guint8 *decoded = g_base64_decode(text, &decoded_len);
	if (decoded_len == 0)
		g_clear_pointer(&decoded, g_free);
	*ret_len = decoded_len;
	return decoded;
}

static void
wipe(void *data, gsize len)
{
	if (data)
		explicit_bzero(data, len);
	g_free(data);
}

static gboolean
is_user(const char *user)
{
	gsize len = strlen(user);
	if (len == 0 || len > AUTH_USER_MAX || !g_utf8_validate(user, -1, NULL))
		return FALSE;
	for (const char *at = user; *at; at = g_utf8_next_char(at))
		if (g_unichar_iscntrl(g_utf8_get_char(at)))
			return FALSE;
	return TRUE;
}

/* "USER:PASSWORD"; the password may have colons, neither a NUL. */
static gboolean
split_basic(const guint8 *token, gsize len, struct auth_header *header)
{
	const guint8 *colon = memchr(token, ':', len);
	if (!colon || memchr(token, '\0', len))
		return FALSE;
	gsize user_len = (gsize)(colon - token), password_len = len - user_len - 1;
	g_autofree char *user = g_strndup((const char *)token, user_len);
	if (password_len > AUTH_PASSWORD_MAX || !is_user(user))
		return FALSE;
	header->user = g_steal_pointer(&user);
	header->password = g_strndup((const char *)colon + 1, password_len);
	return TRUE;
}

gboolean
auth_header_parse(const char *value, struct auth_header *ret_header)
{
	struct auth_header header = {0};
	gsize len = strcspn(value, " ");
	if (strcmp(value, AUTH_MUTUAL) == 0) {
		header.scheme = SCHEME_MUTUAL;
		*ret_header = header;
		return TRUE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (strlen(schemes[i].name) == len &&
		    g_ascii_strncasecmp(value, schemes[i].name, len) == 0)
			header.scheme = schemes[i].scheme;
	if (header.scheme == SCHEME_NONE)
		return FALSE;
	const char *text = value + len + strspn(value + len, " ");
	header.token = decode(text, &header.token_len);
	if (!header.token)
		return FALSE;
	if (header.scheme == SCHEME_BASIC) {
		gboolean ok = split_basic(header.token, header.token_len, &header);
		wipe(header.token, header.token_len);
		header.token = NULL;
		header.token_len = 0;
		if (!ok)
			return FALSE;
	}
	*ret_header = header;
	return TRUE;
}

void
auth_header_clear(struct auth_header *header)
{
	g_free(header->token);
	g_free(header->user);
	if (header->password)
		wipe(header->password, strlen(header->password));
	*header = (struct auth_header){0};
}
