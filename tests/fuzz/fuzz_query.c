/* The query parser on anything: the first byte says the language. What parses is matched against an
 * instance and asked what it demands. */
#include "fuzz.h"

#include "cim/query.h"

#include <string.h>

static const struct cim_member members[] = {
	{.name = "Name", .type = CIM_STRING},
	{.name = "State", .type = CIM_UINT16},
	{.name = "Time", .type = CIM_DATETIME},
	{.name = "Tags", .type = CIM_STRING, .is_array = TRUE},
	{.name = "Owner", .type = CIM_REFERENCE},
	{.name = "TargetInstance", .type = CIM_STRING, .flags = CIM_MEMBER_EMBEDDED_OBJECT},
};
static const struct cim_class class = {
	.name = "X", .properties = members, .property_count = G_N_ELEMENTS(members)};

static struct cim_instance *
make_instance(gboolean inner)
{
	static char *const tags[] = {"a", NULL};
	struct cim_instance *instance = cim_instance_new(&class);
	cim_instance_set(instance, "Name", cim_string("Été [50%]"));
	cim_instance_set(instance, "State", cim_uint(CIM_UINT16, 7));
	cim_instance_set(instance, "Time", cim_datetime("20261121102030.123456+060"));
	cim_instance_set(instance, "Tags", cim_string_array(tags));
	cim_instance_set(instance, "Owner", cim_reference_take(cim_path_new("root", "Y")));
	if (inner)
		cim_instance_set(instance, "TargetInstance",
				 cim_embedded_take(make_instance(FALSE)));
	return instance;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
	if (len == 0)
		return 0;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = g_strndup((const char *)data + 1, len - 1);
	cairn_auto(query) query = query_parse(data[0] % 2 ? QUERY_WQL : QUERY_CQL, text, &error);
	g_assert(!query == !!error);
	if (!query)
		return 0;
	cairn_auto(cim_instance) instance = make_instance(TRUE);
	/* Whatever class it names. */
	g_clear_pointer(&query->class_name, g_free);
	query_matches(query, instance);
	query_check(query, &class, NULL);
	query_demands(query, "TargetInstance.State");
	query_demands_isa(query, "TargetInstance");
	return 0;
}

GPtrArray *
fuzz_seeds(void)
{
	static const char *const seeds[] = {
		"1SELECT * FROM X",
		"1select Name,X.State , __PATH from X where Name like '%[^a-z]_[50=9]%' or not "
		"(State<>7 and State >= -1.5e3)",
		"1SELECT * FROM __InstanceModificationEvent WITHIN 1.5 WHERE TargetInstance ISA "
		"'X' AND TargetInstance.Name = \"a\\\\b\\\"\" AND TargetInstance.State != State",
		"1SELECT * FROM X WHERE Time > '20261121102030.123456+000' AND Owner = "
		"'\\\\\\\\.\\\\root:Y.A=\"b\"' AND Tags IS NOT NULL OR NULL = Name",
		"0SELECT X.* FROM X WHERE TargetInstance ISA X AND TargetInstance.X::State = 0x7 "
		"AND Tags[0] = 'a\\x41\\n'",
		"1ASSOCIATORS OF {\\\\H\\root\\v2:A.B=\"c}\\\"\",D=5,E=TRUE} WHERE "
		"AssocClass=A ResultClass = B Role=C ResultRole='D' RequiredQualifier=E "
		"RequiredAssocQualifier=F KeysOnly",
		"1REFERENCES OF {A.B='c'} WHERE ResultClass=A Role = B SchemaOnly",
		"1SELECT * FROM X WHERE ((((NOT NOT ((State=1) AND __CLASS='X'))))) AND 1=TRUE",
	};
	GPtrArray *array = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	for (guint i = 0; i < G_N_ELEMENTS(seeds); i++)
		g_ptr_array_add(array, g_bytes_new(seeds[i], strlen(seeds[i])));
	return array;
}
