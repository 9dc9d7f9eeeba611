/* The Authorization header. */
#include "fuzz.h"

#include "cimd/auth_header.h"
#include "cimd/limits.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	g_autofree char *value = g_strndup((const char *)data, len);
	struct auth_header header = {0};
	if (!auth_header_parse(value, &header))
		return 0;
	g_assert(header.scheme != SCHEME_NONE);
	if (header.scheme == SCHEME_BASIC)
		g_assert(*header.user && strlen(header.user) <= AUTH_USER_MAX &&
			 strlen(header.password) <= AUTH_PASSWORD_MAX && !header.token);
	else if (header.scheme != SCHEME_MUTUAL)
		g_assert(header.token && header.token_len > 0);
	auth_header_clear(&header);
	return 0;
}

GPtrArray *
fuzz_seeds(void)
{
	static const char *const values[] = {
		"Basic YWxpY2U6c2VjcmV0",
		"Negotiate TlRMTVNTUAABAAAAt4II4gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"Kerberos YIIC",
		AUTH_MUTUAL,
	};
	GPtrArray *seeds = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(values); i++)
		g_ptr_array_add(seeds, g_bytes_new(values[i], strlen(values[i])));
	return seeds;
}
