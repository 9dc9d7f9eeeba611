/* MOF as clients send it (instances), and as the schema's compiler reads it (declarations). */
#include "fuzz.h"

#include "cim/mof.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	static struct cim_schema *schema; /* kept: making it costs more than a run */
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) other = NULL;
	if (!schema)
		schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	g_autoptr(GPtrArray) instances =
		mof_parse_instances(schema, CIM_NS_VIRTUALIZATION, (const char *)data, len, &error);
	g_assert(!instances == !!error);
	g_assert(!instances || instances->len > 0);
	cairn_auto(mof_file) file = mof_parse("fuzz", (const char *)data, len, &other);
	g_assert(!file == !!other);
	return 0;
}

GPtrArray *
fuzz_seeds(void)
{
	static const char *const seeds[] = {
		"instance of Msvm_CollectionReferencePointExportSettingData {\n"
		" BaseReferencePointCollection = \"\\\\\\\\H\\\\r:C.K=\\\"x\\\"\";\n"
		" VirtualMachinesToDisksToExport = {instance of Msvm_VirtualMachineToDisks {\n"
		" VirtualMachineId = \"\\x41\" \"b\"; DisksToExport = {\"d\", NULL}; }, "
		"\"t\"};\n};",
		"[Q(\"]\")] instance of Msvm_Error as $a { ErrorType = 0x10; Message = NULL; };",
		"#pragma include(\"x\")\nQualifier A : uint32[] = {1, 101b}, Scope(any), "
		"Flavor(Translatable);\n[A{1, -2} : ToSubclass, Key] class B : C { // x\n"
		" [Read] real32 R = -1.5e3; /* y */ char16 c[2] = {'a', '\\x4e2d'};\n"
		" B REF Other; void M([In] uint8 P[], B ref Q);\n};",
	};
	GPtrArray *array = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(seeds); i++)
		g_ptr_array_add(array, g_bytes_new(seeds[i], strlen(seeds[i])));
	return array;
}
