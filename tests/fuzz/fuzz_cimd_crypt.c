/* Encrypted messages' envelope: the first line of the input is the Content-Type header. */
#include "fuzz.h"

#include "cimd/crypt.h"

#include <string.h>

#define SPNEGO "application/HTTP-SPNEGO-session-encrypted"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	const guint8 *end = len ? memchr(data, '\n', len) : NULL;
	gsize head = end ? (gsize)(end - data) : len;
	g_autofree char *type = g_strndup((const char *)data, head);
	gsize skip = MIN(head + 1, len);
	g_autoptr(GBytes) body = g_bytes_new(data + skip, len - skip);
	struct crypt_message message = {0};
	if (!crypt_parse(type, SPNEGO, body, &message, NULL))
		return 0;
	/* What it points at is there. */
	volatile guint8 sum = 0;
	for (gsize i = 0; i < message.signature_len; i++)
		sum ^= message.signature[i];
	for (gsize i = 0; i < message.data_len; i++)
		sum ^= message.data[i];
	g_assert(message.content_type && (sum || !sum));
	crypt_check_length(&message, body, NULL);
	crypt_message_clear(&message);
	return 0;
}

GPtrArray *
fuzz_seeds(void)
{
	GPtrArray *seeds = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	g_autofree char *type = crypt_content_type(SPNEGO);
	g_autoptr(GBytes) signature = g_bytes_new_static("0123456789abcdef", 16);
	g_autoptr(GBytes) text = g_bytes_new_static("some text that is encrypted", 27);
	for (guint tabs = 0; tabs < 2; tabs++) {
		g_autoptr(GBytes) message =
			crypt_write(SPNEGO, "application/soap+xml", 27, signature, text, tabs);
		gsize len;
		const char *bytes = g_bytes_get_data(message, &len);
		GString *seed = g_string_new(type);
		g_string_append_c(seed, '\n');
		g_string_append_len(seed, bytes, (gssize)len);
		g_ptr_array_add(seeds, g_string_free_to_bytes(seed));
	}
	return seeds;
}
