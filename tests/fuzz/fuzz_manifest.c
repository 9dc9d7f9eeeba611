/* manifest_parse() on anything. */
#include "fuzz.h"

#include "image/manifest.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	manifest_free(manifest_parse((const char *)data, len, NULL));
	return 0;
}

/* The example of cairn-export-format(7). */
GPtrArray *
fuzz_seeds(void)
{
	GPtrArray *seeds = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	g_autofree char *page = NULL;
	g_assert_true(g_file_get_contents(CAIRN_SOURCE_ROOT "/man/cairn-export-format.7", &page,
					  NULL, NULL));
	const char *begin = strstr(page, "\n{\n"), *end = strstr(page, "\n}\n");
	g_assert_true(begin && end > begin);
	g_ptr_array_add(seeds, g_bytes_new(begin, (gsize)(end + 2 - begin)));
	return seeds;
}
