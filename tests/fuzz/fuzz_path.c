/* Object paths: what is understood comes back, from both of the forms that we write. */
#include "fuzz.h"

#include "cim/path.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	g_autofree char *text = g_strndup((const char *)data, len);
	cairn_auto(cim_path) path = cim_path_parse(text, NULL);
	if (!path)
		return 0;
	g_autofree char *printed = cim_path_print(path);
	g_autofree char *uri = cim_path_print_uri(path);
	/* A text at the limit may grow over it when it is written in full. */
	cairn_auto(cim_path) again = cim_path_parse(printed, NULL);
	cairn_auto(cim_path) from_uri = cim_path_parse(uri, NULL);
	g_assert(again ? cim_path_equal(path, again) : strlen(printed) > CIM_PATH_TEXT_MAX);
	g_assert(from_uri ? cim_path_equal(path, from_uri) : strlen(uri) > CIM_PATH_TEXT_MAX);
	return 0;
}

GPtrArray *
fuzz_seeds(void)
{
	static const char *const seeds[] = {
		"\\\\HOST\\root\\virtualization\\v2:Msvm_ConcreteJob.InstanceID=\"A-1\"",
		"//host:5989/root/cimv2:C.K=\"Microsoft:A\\\\B\\C\",L=-5,M=TRUE,N='x\"y'",
		"Msvm_X.A=\"\\\\\\\\H\\\\root:C.K=\\\"x\\\\\\\\y\\\"\",B=\"C.K=\\\"z\\\"\"",
		"C=@",
		"/:C=\"v\"",
		" root/cimv2:C . K = 0x10 , L = NULL",
	};
	GPtrArray *array = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(seeds); i++)
		g_ptr_array_add(array, g_bytes_new(seeds[i], strlen(seeds[i])));
	return array;
}
