/* Instances as text; what was read is printed and read again. */
#include "fuzz.h"
#include "wire/embedded.h"

#include <string.h>

static const char *const seeds[] = {
	"<INSTANCE CLASSNAME=\"Msvm_CollectionReferencePointSettingData\"><PROPERTY "
	"NAME=\"ConsistencyLevel\" TYPE=\"uint8\"><VALUE>1</VALUE></PROPERTY></INSTANCE>",
	"<?xml version=\"1.0\"?><!DOCTYPE CIM><CIM><DECLARATION><DECLGROUP><VALUE.OBJECT><INSTANCE "
	"CLASSNAME=\"Msvm_CollectionReferencePointExportSettingData\"><QUALIFIER NAME=\"a\"/>"
	"<PROPERTY.ARRAY NAME=\"VirtualMachinesToDisksToExport\"><VALUE.ARRAY><VALUE>"
	"<![CDATA[<INSTANCE CLASSNAME=\"Msvm_VirtualMachineToDisks\"/>]]></VALUE></VALUE.ARRAY>"
	"</PROPERTY.ARRAY></INSTANCE></VALUE.OBJECT></DECLGROUP></DECLARATION></CIM>",
	"<p:Msvm_CollectionReferencePointSettingData xmlns:p=\"urn:x/"
	"Msvm_CollectionReferencePointSettingData\"><p:ConsistencyLevel>2</p:ConsistencyLevel>"
	"</p:Msvm_CollectionReferencePointSettingData>",
	"instance of Msvm_CollectionReferencePointSettingData { ConsistencyLevel = 1; "
	"ElementName = \"a\\\"b\"; };",
	"<INSTANCE CLASSNAME=\"Msvm_AffectedJobElement\"><PROPERTY.REFERENCE "
	"NAME=\"AffectingElement\"><VALUE.REFERENCE>\\\\.\\root\\virtualization\\v2:"
	"Msvm_ConcreteJob.InstanceID=\"1\"</VALUE.REFERENCE></PROPERTY.REFERENCE></INSTANCE>",
};

GPtrArray *
fuzz_seeds(void)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(seeds); i++)
		g_ptr_array_add(list, g_bytes_new_static(seeds[i], strlen(seeds[i])));
	return list;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	static struct cim_schema *schema;
	g_autoptr(GError) error = NULL;
	if (!schema)
		schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	g_autofree char *text = g_strndup((const char *)data, len);
	cairn_auto(cim_instance) instance =
		embedded_parse(schema, CIM_NS_VIRTUALIZATION, text, &error);
	g_assert((instance != NULL) != (error != NULL));
	if (!instance)
		return 0;
	g_autoptr(GString) printed = g_string_new(NULL);
	embedded_print(instance, printed);
	cairn_auto(cim_instance) again =
		embedded_parse(schema, CIM_NS_VIRTUALIZATION, printed->str, &error);
	if (!again)
		g_error("printed instance is refused: %s\n%s", error->message, printed->str);
	return 0;
}
