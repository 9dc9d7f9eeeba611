/* Datetimes in both forms: what is understood comes back as the same time. */
#include "fuzz.h"

#include "cim/datetime.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	g_autofree char *text = g_strndup((const char *)data, len);
	struct cim_datetime time, again;
	char printed[CIM_DATETIME_LEN + 1];
	if (!cim_datetime_from_xs(text, &time, NULL))
		return 0;
	cim_datetime_print(&time, printed);
	g_assert(strlen(printed) == CIM_DATETIME_LEN);
	gboolean ok = cim_datetime_parse(printed, &again, NULL);
	g_assert(ok && again.usec == time.usec && again.known == time.known);
	g_autofree char *xs = cim_datetime_to_xs(&time);
	if (xs) {
		ok = cim_datetime_from_xs(xs, &again, NULL);
		g_assert(ok && again.usec == time.usec && again.offset == time.offset);
	}
	return 0;
}

GPtrArray *
fuzz_seeds(void)
{
	static const char *const seeds[] = {
		"20100714113511.900675+120",	    "00000001020304.000000:000",
		"20100714******.******-000",	    "99999999999999.999999:000",
		"2010-07-14T11:35:11.900675+02:00", "2010-07-14Z",
		"P0Y0M99999999DT23H59M59.999999S",  "PT60.000S",
	};
	GPtrArray *array = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(seeds); i++)
		g_ptr_array_add(array, g_bytes_new(seeds[i], strlen(seeds[i])));
	return array;
}
