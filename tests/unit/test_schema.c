/* The schema as built: classes by name and namespace, builds, namespaces' and languages' names. */
#include "base/error.h"
#include "cim/schema.h"

#include <string.h>

static const char export_job[] = "Msvm_CollectionReferencePointExportJob";

static void
test_find(void)
{
	cairn_auto(cim_schema) schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	for (guint i = 0; i < cim_schema_count(schema); i++) {
		const struct cim_class *class = cim_schema_at(schema, i);
		g_autofree char *upper = g_ascii_strup(class->name, -1);
		g_assert_cmpuint(class->index, ==, i);
		g_assert_true(!class->super || class->super->index < i);
		for (guint ns = 0; ns < CIM_NS_LAST; ns++)
			g_assert_true(cim_schema_class(schema, (enum cim_namespace_id)ns, upper) ==
				      (class->namespaces & 1u << ns ? class : NULL));
	}
	g_autofree char *long_name = g_strnfill(100000, 'A');
	g_assert_null(cim_schema_class(schema, CIM_NS_VIRTUALIZATION, long_name));
	g_assert_null(cim_schema_class(schema, CIM_NS_VIRTUALIZATION, ""));
	g_assert_null(cim_schema_class(schema, CIM_NS_VIRTUALIZATION, NULL));
	g_assert_null(cim_schema_class(schema, CIM_NS_LAST, export_job));
	g_assert_null(cim_schema_class(schema, CIM_NS_INTEROP, export_job));
}

/* Whatever a client walks down to is there: root, then each part. */
static void
test_walk(void)
{
	static const enum cim_namespace_id way[] = {CIM_NS_ROOT, CIM_NS_VIRTUALIZATION_ABOVE,
						    CIM_NS_VIRTUALIZATION, CIM_NS_CLUSTER_ABOVE,
						    CIM_NS_CLUSTER};
	cairn_auto(cim_schema) schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(way); i++)
		g_assert_nonnull(cim_schema_class(schema, way[i], "__NAMESPACE"));
}

static void
test_export_job(void)
{
	for (const guint *build = cim_builds; *build; build++) {
		cairn_auto(cim_schema) schema = cim_schema_new(*build, NULL);
		const struct cim_class *job =
			cim_schema_class(schema, CIM_NS_VIRTUALIZATION, export_job);
		g_assert_cmpuint(job->property_count, ==, *build == 14393 ? 49 : 50);
		g_assert_cmpuint(job->method_count, ==, 4);
		g_assert_cmpuint(job->key_count, ==, 1);
		g_assert_cmpstr(job->properties[job->keys[0]].name, ==, "InstanceID");
		g_assert_cmpint(cim_class_property(job, "ExportedGuestStateFilePaths") >= 0, ==,
				*build != 14393);
		g_assert_true(cim_class_isa_name(job, "CIM_ConcreteJob"));
	}
	g_autoptr(GError) error = NULL;
	g_assert_null(cim_schema_new(1, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
}

static void
test_declarations(void)
{
	cairn_auto(cim_schema) schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	gboolean key = FALSE;
	for (guint i = 0; i < cim_schema_qualifier_count(schema); i++) {
		const char *scopes;
		const struct cim_qualifier *qualifier = cim_schema_qualifier_at(schema, i, &scopes);
		g_assert_cmpstr(scopes, !=, "");
		if (strcmp(qualifier->name, "Key") != 0)
			continue;
		key = TRUE;
		g_assert_cmpstr(scopes, ==, "property reference");
		g_assert_cmpstr(qualifier->text[CIM_LANG_EN][0], ==, "FALSE");
	}
	g_assert_true(key);
}

static void
test_namespaces(void)
{
	static const struct {
		const char *name;
		enum cim_namespace_id id;
		enum cim_language language; /* LAST: none is said */
	} names[] = {
		{"root/virtualization/v2", CIM_NS_VIRTUALIZATION, CIM_LANG_LAST},
		{"ROOT\\Virtualization\\V2", CIM_NS_VIRTUALIZATION, CIM_LANG_LAST},
		{"//root//virtualization/v2/", CIM_NS_VIRTUALIZATION, CIM_LANG_LAST},
		{"root\\virtualization\\v2\\ms_40C", CIM_NS_VIRTUALIZATION, CIM_LANG_FR},
		{"root/virtualization/v2/MS_409", CIM_NS_VIRTUALIZATION, CIM_LANG_EN},
		{"root/virtualization/v2/MS_419", CIM_NS_VIRTUALIZATION, CIM_LANG_RU},
		{"root/hypervcluster/v2/MS_804", CIM_NS_CLUSTER, CIM_LANG_ZH},
		{"Root/HyperVCluster/v2/MS_404", CIM_NS_CLUSTER, CIM_LANG_ZH},
		{"root/virtualization/v2/MS_407", CIM_NS_VIRTUALIZATION, CIM_LANG_EN},
		{"root/virtualization/v2/MS_XYZ", CIM_NS_LAST, CIM_LANG_LAST},
		{"root/virtualization/v2/MS_", CIM_NS_LAST, CIM_LANG_LAST},
		{"interop", CIM_NS_INTEROP, CIM_LANG_LAST},
		{"root/interop", CIM_NS_INTEROP, CIM_LANG_LAST},
		{"root/cimv2", CIM_NS_CIMV2, CIM_LANG_LAST},
		{"root", CIM_NS_ROOT, CIM_LANG_LAST},
		{"root/virtualization", CIM_NS_VIRTUALIZATION_ABOVE, CIM_LANG_LAST},
		{"root/virtualization/v1", CIM_NS_LAST, CIM_LANG_LAST},
		{"", CIM_NS_LAST, CIM_LANG_LAST},
		{"/", CIM_NS_LAST, CIM_LANG_LAST},
		{NULL, CIM_NS_LAST, CIM_LANG_LAST},
	};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		enum cim_language language = CIM_LANG_LAST;
		g_test_message("%s", names[i].name);
		g_assert_cmpint(cim_namespace_find(names[i].name, &language), ==, names[i].id);
		g_assert_cmpint(language, ==, names[i].language);
	}
	for (guint i = 0; i < CIM_NS_LAST; i++)
		g_assert_cmpint(
			cim_namespace_find(cim_namespace_name((enum cim_namespace_id)i), NULL), ==,
			i);
}

static void
test_languages(void)
{
	static const struct {
		const char *list;
		enum cim_language language;
	} lists[] = {
		{"fr-CA, en;q=0.5", CIM_LANG_FR},
		{"en;q=0.5, fr-CA", CIM_LANG_FR},
		{"de, ru;q=0.2, zh;q=0.31, *;q=0.1", CIM_LANG_ZH},
		{"de-DE, *, fr;q=0.9", CIM_LANG_EN},
		{"fr;q=0, ru", CIM_LANG_RU},
		{"fr;q=0", CIM_LANG_EN},
		{"fr, ru", CIM_LANG_FR},
		{"ZH-Hans-CN", CIM_LANG_ZH},
		{"fr_FR.UTF-8", CIM_LANG_FR},
		{"frx", CIM_LANG_EN},
		{"f", CIM_LANG_EN},
		{"", CIM_LANG_EN},
		{",,;q=1", CIM_LANG_EN},
		{"ru;q=9999999999999", CIM_LANG_RU},
		{NULL, CIM_LANG_EN},
	};
	for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
		g_test_message("%s", lists[i].list);
		g_assert_cmpint(cim_language_find(lists[i].list), ==, lists[i].language);
	}
	for (guint i = 0; i < CIM_LANG_LAST; i++)
		g_assert_cmpint(cim_language_find(cim_language_tag((enum cim_language)i)), ==, i);
}

/* Every description says it in all languages. */
static void
test_translated(void)
{
	cairn_auto(cim_schema) schema = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	const struct cim_class *job = cim_schema_class(schema, CIM_NS_CLUSTER, export_job);
	for (guint i = 0; i < job->property_count; i++) {
		const struct cim_member *property = &job->properties[i];
		const struct cim_qualifier *text = cim_qualifier_find(
			property->qualifiers, property->qualifier_count, "Description");
		for (guint j = CIM_LANG_EN + 1; j < CIM_LANG_LAST; j++)
			g_assert_nonnull(text->text[j]);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/schema/find", test_find);
	g_test_add_func("/schema/walk", test_walk);
	g_test_add_func("/schema/export-job", test_export_job);
	g_test_add_func("/schema/declarations", test_declarations);
	g_test_add_func("/schema/namespaces", test_namespaces);
	g_test_add_func("/schema/languages", test_languages);
	g_test_add_func("/schema/translated", test_translated);
	return g_test_run();
}
