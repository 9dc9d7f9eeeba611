/* Object paths: every spelling that clients send, and both forms back. */
#include "base/error.h"
#include "cim/path.h"

#include <string.h>

/* uri NULL: not looked at. */
static const struct {
	const char *text, *printed, *uri;
} good[] = {
	{"Msvm_ConcreteJob.InstanceID=\"A\"", "Msvm_ConcreteJob.InstanceID=\"A\"",
	 "/:Msvm_ConcreteJob.InstanceID=\"A\""},
	{"\\\\HOST\\root\\virtualization\\v2:Msvm_ConcreteJob.InstanceID=\"A-1\"",
	 "\\\\HOST\\root\\virtualization\\v2:Msvm_ConcreteJob.InstanceID=\"A-1\"",
	 "//HOST/root/virtualization/v2:Msvm_ConcreteJob.InstanceID=\"A-1\""},
	{"//HOST/root/virtualization/v2:C.K=\"a\"", "\\\\HOST\\root\\virtualization\\v2:C.K=\"a\"",
	 "//HOST/root/virtualization/v2:C.K=\"a\""},
	{"\\\\.\\root/virtualization\\v2:C.K=\"a\"", "\\\\.\\root\\virtualization\\v2:C.K=\"a\"",
	 NULL},
	{"root/virtualization/v2:C.K='a'", "root\\virtualization\\v2:C.K=\"a\"",
	 "/"
	 "root/virtualization/v2:C.K=\"a\""},
	{"/"
	 "root/cimv2:C.K=\"a\"",
	 "root\\cimv2:C.K=\"a\"", NULL},
	{"/:C.K=\"a\"", "C.K=\"a\"", NULL},
	/* escaped once more than needed */
	{"\\\\\\\\HOST\\\\root\\\\virtualization\\\\v2:C.K=\"a\"",
	 "\\\\HOST\\root\\virtualization\\v2:C.K=\"a\"", NULL},
	{"//host:5989/root/cimv2:C.K=\"a\"", "\\\\host:5989\\root\\cimv2:C.K=\"a\"", NULL},
	/* keys in any order, with blanks */
	{" C.b = \"2\" , A=1, c=TRUE ", "C.A=1,b=\"2\",c=TRUE", NULL},
	{"C.K=-5,L=0x10,M=false", "C.K=-5,L=16,M=FALSE", NULL},
	/* backslashes doubled or not */
	{"C.K=\"Microsoft:A\\\\B\\\\0\"", "C.K=\"Microsoft:A\\\\B\\\\0\"", NULL},
	{"C.K=\"Microsoft:A\\B\\0\"", "C.K=\"Microsoft:A\\\\B\\\\0\"", NULL},
	{"C.K=\"say \\\"x\\\", y=z\"", "C.K=\"say \\\"x\\\", y=z\"", NULL},
	{"C.K=\"it's\",L='a\"b'", "C.K=\"it's\",L=\"a\\\"b\"", NULL},
	{"C.K=\"\"", "C.K=\"\"", NULL},
	{"C.K=\"\xc3\xa9 \xe4\xb8\xad\"", "C.K=\"\xc3\xa9 \xe4\xb8\xad\"", NULL},
	{"__Namespace.Name=\"v2\"", "__Namespace.Name=\"v2\"", NULL},
	{"C=\"v\"", "C=\"v\"", NULL},
	{"C=5", "C=5", NULL},
	{"C=@", "C", "/:C"},
	{"C", "C", "/:C"},
	{"root/cimv2:C", "root\\cimv2:C",
	 "/"
	 "root/cimv2:C"},
	{"C.K=NULL", "C.K=NULL", NULL},
	{"A.L=\"\\\\\\\\H\\\\root:C.K=\\\"x\\\\\\\\y\\\"\",M=\"C.K=\\\"z\\\"\"",
	 "A.L=\"\\\\\\\\H\\\\root:C.K=\\\"x\\\\\\\\y\\\"\",M=\"C.K=\\\"z\\\"\"",
	 "/:A.L=\"//H/root:C.K=\\\"x\\\\\\\\y\\\"\",M=\"/:C.K=\\\"z\\\"\""},
};

static void
test_good(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autoptr(GError) error = NULL;
		g_test_message("%s", good[i].text);
		cairn_auto(cim_path) path = cim_path_parse(good[i].text, &error);
		g_assert_no_error(error);
		g_autofree char *printed = cim_path_print(path);
		g_autofree char *uri = cim_path_print_uri(path);
		g_assert_cmpstr(printed, ==, good[i].printed);
		if (good[i].uri)
			g_assert_cmpstr(uri, ==, good[i].uri);
		cairn_auto(cim_path) again = cim_path_parse(printed, &error);
		cairn_auto(cim_path) from_uri = cim_path_parse(uri, &error);
		g_assert_no_error(error);
		g_assert_true(cim_path_equal(path, again));
		g_assert_true(cim_path_equal(path, from_uri));
	}
}

static void
test_parts(void)
{
	g_autoptr(GError) error = NULL;
	cairn_auto(cim_path) path = cim_path_parse(
		"\\\\HOST\\root\\virtualization\\v2:Msvm_AffectedJobElement."
		"AffectedElement=\"\\\\\\\\HOST\\\\root\\\\virtualization\\\\v2:C.A=\\\"1\\\"\","
		"Name=\"Microsoft:AB\\\\CD\",Number=7",
		&error);
	g_assert_no_error(error);
	g_assert_cmpstr(path->host, ==, "HOST");
	g_assert_cmpstr(path->namespace, ==, "root/virtualization/v2");
	g_assert_cmpstr(path->class_name, ==, "Msvm_AffectedJobElement");
	g_assert_cmpuint(path->key_count, ==, 3);
	g_assert_cmpstr(cim_path_string(path, "name"), ==, "Microsoft:AB\\CD");
	const struct cim_value *element = cim_path_key(path, "AFFECTEDELEMENT");
	g_assert_cmpuint(element->type, ==, CIM_REFERENCE);
	g_assert_cmpstr(element->u.path->host, ==, "HOST");
	g_assert_cmpstr(cim_path_string(element->u.path, "A"), ==, "1");
	g_assert_cmpuint(cim_path_key(path, "Number")->u.uint, ==, 7);
	cairn_auto(cim_path) only = cim_path_parse("C=@", NULL);
	g_assert_true(only->is_class && only->key_count == 0);
	cairn_auto(cim_path) unnamed = cim_path_parse("C=\"v\"", NULL);
	g_assert_cmpstr(cim_path_string(unnamed, ""), ==, "v");
}

static void
test_bad(void)
{
	static const struct {
		const char *text, *word;
	} bad[] = {
		{"", "class was expected at character 1"},
		{"C.", "name of a key was expected at character 3"},
		{"C.K", "'=' was expected at character 4"},
		{"C.K=", "character 5"},
		{"C.K=\"a", "closing quote was expected at character 7"},
		{"C.K=\"a\" x", "the end was expected at character 9"},
		{"C.K=\"a\",", "name of a key was expected at character 9"},
		{"C.K=\"\xc3\xa9\",,", "character 9"},
		{"C.K=abc", "character 5"},
		{"C.K=1.5", "character 6"},
		{"C.K=99999999999999999999", "character 5"},
		{"C.K=\"a\",k=\"b\"", "there twice"},
		{"\\\\HOST", "host and a namespace"},
		{"\\\\HOST\\root", "':'"},
		{"\\\\HOST\\:C.K=\"a\"", "namespace"},
		{"root/cimv2", "the end was expected at character 5"},
		{"a b:C.K=1", "a namespace was expected at character 2"},
		{"5C.K=\"a\"", "class was expected at character 1"},
		{"C.K=\"\xff\"", "UTF-8"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_test_message("%u", i);
		g_assert_null(cim_path_parse(bad[i].text, &error));
		g_assert_nonnull(error);
		if (!strstr(error->message, bad[i].word))
			g_error("\"%s\" does not say \"%s\"", error->message, bad[i].word);
	}
}

/* Paths in paths: as deep as CIM_PATH_DEPTH they are references, below that a string. */
static void
test_limits(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *long_value = g_strnfill(CIM_PATH_TEXT_MAX, 'a');
	g_autofree char *too_long = g_strdup_printf("C.K=\"%s\"", long_value);
	g_assert_null(cim_path_parse(too_long, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	g_clear_error(&error);
	g_autoptr(GString) many = g_string_new("C.");
	for (guint i = 0; i <= CIM_KEYS_MAX; i++)
		g_string_append_printf(many, "%sK%u=1", i ? "," : "", i);
	g_assert_null(cim_path_parse(many->str, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	struct cim_path *deep = cim_path_new(NULL, "C");
	cim_path_add_string(deep, "K", "v");
	for (guint i = 0; i < CIM_PATH_DEPTH + 1; i++) {
		struct cim_value value = cim_reference_take(deep);
		deep = cim_path_new(NULL, "C");
		g_assert_true(cim_path_add_key(deep, "K", &value, NULL));
	}
	g_autofree char *text = cim_path_print(deep);
	cim_path_free(deep);
	cairn_auto(cim_path) path = cim_path_parse(text, NULL);
	guint depth = 0;
	for (const struct cim_path *at = path; at->keys[0].value.type == CIM_REFERENCE; depth++)
		at = at->keys[0].value.u.path;
	g_assert_cmpuint(depth, ==, CIM_PATH_DEPTH - 1);
	g_autofree char *printed = cim_path_print(path);
	g_assert_cmpstr(printed, ==, text);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/path/good", test_good);
	g_test_add_func("/path/parts", test_parts);
	g_test_add_func("/path/bad", test_bad);
	g_test_add_func("/path/limits", test_limits);
	return g_test_run();
}
