/* MOF: words, grammar, every kind of mistake with its line, and instances as clients send them. */
#include "base/error.h"
#include "cim/mof.h"

#include <string.h>

static struct mof_file *
parse(const char *text)
{
	g_autoptr(GError) error = NULL;
	struct mof_file *file = mof_parse("t.mof", text, strlen(text), &error);
	g_assert_no_error(error);
	return file;
}

static void
test_declarations(void)
{
	cairn_auto(mof_file) file =
		parse("\xef\xbb\xbf"
		      "#pragma include(\"a\" \".mof\")\n#pragma locale (\"fr_FR\")\n"
		      "#pragma namespace(\"x\")\n"
		      "Qualifier Max : uint32 = NULL, Scope(property, any),\n"
		      "  Flavor(DisableOverride, Restricted, Translatable);\n"
		      "QUALIFIER Values: String[ ] = {\"a\"}, SCOPE(method);\n");
	g_assert_cmpstr(file->includes[0], ==, "a.mof");
	g_assert_null(file->includes[1]);
	g_assert_cmpstr(file->locale, ==, "fr_FR");
	g_assert_cmpuint(file->qualifier_types->len, ==, 2);
	const struct mof_qualifier_type *max = g_ptr_array_index(file->qualifier_types, 0);
	const struct mof_qualifier_type *values = g_ptr_array_index(file->qualifier_types, 1);
	g_assert_cmpuint(max->flavors, ==, CIM_FLAVOR_TRANSLATABLE);
	g_assert_cmpuint(max->line, ==, 4);
	g_assert_null(max->defaults[0]);
	g_assert_cmpstr(max->scopes[1], ==, "any");
	g_assert_true(values->is_array);
	g_assert_cmpstr(values->defaults[0], ==, "a");
	g_assert_cmpuint(values->flavors, ==, CIM_FLAVOR_OVERRIDABLE | CIM_FLAVOR_TOSUBCLASS);
}

static const char class_text[] =
	"[Abstract, Version(\"2\" \".\" /* x */ \"1\"), // y\n"
	" Locale(0x409) : ToInstance ToSubclass DisableOverride, Empty{}, Nothing(NULL)]\n"
	"class A : B {\n"
	"  [key, read: ToSubclass] String Name = \"a\\\"\\x41\\\\\\n\";\n"
	"  uint8 Bytes[3] = {1, 0x2, 101b};\n"
	"  C REF Other;\n"
	"  C ref Others[];\n"
	"  char16 Letter = '\\x4e2d';\n"
	"  real32 Real = -1.5E+3;\n"
	"  boolean Flag = false;\n"
	"  [Static] uint32 M([IN] string P, [Out, In(false)] D REF Q[]);\n"
	"  void N();\n"
	"};\n";

static const struct mof_member *
property(const struct mof_class *class, guint index)
{
	return g_ptr_array_index(class->properties, index);
}

static const struct mof_qualifier *
qualifier(const GPtrArray *list, guint index)
{
	return g_ptr_array_index(list, index);
}

static void
test_class(void)
{
	cairn_auto(mof_file) file = parse(class_text);
	const struct mof_class *class = g_ptr_array_index(file->classes, 0);
	g_assert_cmpstr(class->name, ==, "A");
	g_assert_cmpstr(class->super, ==, "B");
	g_assert_cmpuint(class->line, ==, 3);
	g_assert_null(qualifier(class->qualifiers, 0)->values);
	g_assert_cmpstr(qualifier(class->qualifiers, 1)->values[0], ==, "2.1");
	const struct mof_qualifier *locale = qualifier(class->qualifiers, 2);
	g_assert_cmpstr(locale->values[0], ==, "0x409");
	g_assert_cmpuint(locale->flavors, ==, CIM_FLAVOR_TOSUBCLASS);
	g_assert_cmpuint(locale->flavors_set, ==, CIM_FLAVOR_TOSUBCLASS | CIM_FLAVOR_OVERRIDABLE);
	g_assert_cmpuint(locale->line, ==, 2);
	g_assert_true(qualifier(class->qualifiers, 3)->is_array);
	g_assert_null(qualifier(class->qualifiers, 4)->values[0]);
	g_assert_false(qualifier(class->qualifiers, 4)->is_array);
	g_assert_cmpuint(class->properties->len, ==, 7);
	g_assert_cmpstr(property(class, 0)->defaults[0], ==, "a\"A\\\n");
	g_assert_cmpuint(property(class, 0)->line, ==, 4);
	g_assert_cmpuint(property(class, 1)->array_size, ==, 3);
	g_assert_cmpstr(property(class, 1)->defaults[2], ==, "101b");
	g_assert_true(property(class, 1)->default_is_array);
	g_assert_true(property(class, 2)->is_reference && !property(class, 2)->is_array);
	g_assert_cmpstr(property(class, 2)->type, ==, "C");
	g_assert_true(property(class, 3)->is_reference && property(class, 3)->is_array);
	g_assert_cmpstr(property(class, 4)->defaults[0], ==, "\xe4\xb8\xad");
	g_assert_cmpstr(property(class, 5)->defaults[0], ==, "-1.5E+3");
	g_assert_cmpstr(property(class, 6)->defaults[0], ==, "FALSE");
	const struct mof_method *method = g_ptr_array_index(class->methods, 0);
	const struct mof_member *parameter = g_ptr_array_index(method->parameters, 1);
	g_assert_cmpstr(method->name, ==, "M");
	g_assert_cmpuint(method->qualifiers->len, ==, 1);
	g_assert_true(parameter->is_reference && parameter->is_array);
	g_assert_cmpuint(parameter->qualifiers->len, ==, 2);
	method = g_ptr_array_index(class->methods, 1);
	g_assert_cmpstr(method->type, ==, "void");
	g_assert_cmpuint(method->parameters->len, ==, 0);
}

static void
test_mistakes(void)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"\nclass {", "t.mof:2: the name of a class was expected, found \"{\""},
		{"class A : {", "t.mof:1: the name of the superclass was expected, found \"{\""},
		{"class A\n{\nuint8 X\n};", "t.mof:4: ';' was expected, found \"}\""},
		{"class A {", "t.mof:1: a type was expected, found the end"},
		{"class A { };\n\nclas B {};", "t.mof:3: class, Qualifier or #pragma was expected"},
		{"class A { uint8 X[0]; };", "t.mof:1: a size of an array was expected"},
		{"class A { uint8 X[99999999]; };", "t.mof:1: a size of an array was expected"},
		{"class A { uint8 X = ; };", "t.mof:1: a value was expected, found \";\""},
		{"class A { uint8 X = Y; };", "t.mof:1: a value was expected, found \"Y\""},
		{"class A { uint8 X[] = {1,}; };", "t.mof:1: a value was expected, found \"}\""},
		{"class A { uint8 X[] = {NULL}; };", "t.mof:1: NULL has no place in a list"},
		{"class A { void M(uint8); };", "t.mof:1: a name was expected, found \")\""},
		{"[A : Odd] class A {};", "t.mof:1: a flavour was expected, found \"Odd\""},
		{"[A B] class A {};", "t.mof:1: ']' was expected, found \"B\""},
		{"[A(1] class A {};", "t.mof:1: ')' was expected, found \"]\""},
		{"[,] class A {};", "t.mof:1: a qualifier was expected"},
		{"#include", "t.mof:1: pragma was expected"},
		{"#pragma include(x)", "t.mof:1: a string was expected"},
		{"Qualifier A : string;", "t.mof:1: Scope(...) was expected"},
		{"Qualifier A : string, Fun(x);", "t.mof:1: Scope or Flavor was expected"},
		{"Qualifier A string;", "t.mof:1: ':' was expected"},
		{"\n/* x\n", "t.mof:2: the comment that begins here has no end"},
		{"\n\n[A(\"x\n)]", "t.mof:3: the quote that begins here has no end"},
		{"[A(\"\\q\")]", "t.mof:1: \\ with b, t, n"},
		{"[A(\"\\x\")]", "t.mof:1: hex digits were expected"},
		{"[A(\"\\x0\")]", "t.mof:1: \\x is no character"},
		{"[A(\"\\xd83d\")]", "t.mof:1: \\x is no character"},
		{"[A(\"\\xd83d\\x41\")]", "t.mof:1: \\x is half a character"},
		{"[A('ab')]", "t.mof:1: one character was expected"},
		{"class A @", "t.mof:1: a character that MOF does not have"},
		{"class \xff", "t.mof: not UTF-8"},
		{"instance of A {};", "t.mof:1: class, Qualifier or #pragma was expected"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_test_message("%u", i);
		g_assert_null(mof_parse("t.mof", bad[i].text, strlen(bad[i].text), &error));
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
		if (!g_str_has_prefix(error->message, bad[i].message))
			g_error("\"%s\" does not begin with \"%s\"", error->message,
				bad[i].message);
	}
}

static void
test_limits(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *blanks = g_strnfill(MOF_TEXT_MAX + 1, ' ');
	g_assert_null(mof_parse("t", blanks, MOF_TEXT_MAX + 1, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	g_clear_error(&error);
	g_autoptr(GString) many = g_string_new("class A { uint8 X[] = {0");
	for (guint i = 0; i < CIM_ARRAY_MAX; i++)
		g_string_append(many, ",0");
	g_string_append(many, "}; };");
	g_assert_null(mof_parse("t", many->str, many->len, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	/* a long number must not take long */
	g_autofree char *digits = g_strnfill(MOF_TEXT_MAX - 64, '1');
	g_autofree char *number = g_strdup_printf("class A { uint8 X = %s; };", digits);
	cairn_auto(mof_file) file = parse(number);
	g_assert_cmpuint(file->classes->len, ==, 1);
}

/* ---- instances ---- */

static struct cim_schema *newest;

static GPtrArray *
read_all(const char *text)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *all =
		mof_parse_instances(newest, CIM_NS_VIRTUALIZATION, text, strlen(text), &error);
	g_assert_no_error(error);
	return all;
}

static void
test_instances(void)
{
	g_autoptr(GPtrArray) all = read_all(
		"\ninstance of Msvm_CollectionReferencePointExportSettingData\n{\n"
		"\tBaseReferencePointCollection = \"\\\\\\\\H\\\\root:C.K=\\\"x\\\"\";\n"
		"\tVirtualMachinesToDisksToExport = {\"a\" \"b\", \"instance of X {};\"};\n"
		"\tUnknownHere = {1, TRUE, 'x'};\n\tCaption = NULL;\n};\n"
		"[Odd, K(\"]\")] instance of msvm_collectionreferencepointsettingdata as $x {\n"
		"  [Q] consistencylevel = 0x1;\n};");
	g_assert_cmpuint(all->len, ==, 2);
	const struct cim_instance *export = g_ptr_array_index(all, 0);
	const struct cim_instance *setting = g_ptr_array_index(all, 1);
	g_assert_cmpstr(export->class->name, ==, "Msvm_CollectionReferencePointExportSettingData");
	g_assert_cmpstr(cim_instance_string(export, "BaseReferencePointCollection"), ==,
			"\\\\H\\root:C.K=\"x\"");
	const struct cim_value *disks = cim_instance_get(export, "VirtualMachinesToDisksToExport");
	g_assert_cmpuint(disks->count, ==, 2);
	g_assert_cmpstr(disks->u.items[0].u.string, ==, "ab");
	g_assert_cmpstr(disks->u.items[1].u.string, ==, "instance of X {};");
	g_assert_false(cim_instance_get(export, "Caption")->is_set);
	const struct cim_value *level = cim_instance_get(setting, "ConsistencyLevel");
	g_assert_cmpuint(level->type, ==, CIM_UINT8);
	g_assert_cmpuint(level->u.uint, ==, 1);
}

/* WMI writes instances in instances without quotes, one alone without braces too. */
static void
test_embedded(void)
{
	static const char inner[] = "instance of Msvm_VirtualMachineToDisks "
				    "{ VirtualMachineId = \"A\"; DisksToExport = {\"d\"}; }";
	g_autofree char *list =
		g_strdup_printf("instance of Msvm_CollectionReferencePointExportSettingData {"
				"VirtualMachinesToDisksToExport = {%s, %s}; Other = {%s}; }",
				inner, inner, inner);
	g_autofree char *one =
		g_strdup_printf("instance of Msvm_CollectionReferencePointExportSettingData {"
				"VirtualMachinesToDisksToExport = %s; };",
				inner);
	const char *const texts[] = {list, one};
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GPtrArray) all = read_all(texts[i]);
		const struct cim_value *disks = cim_instance_get(g_ptr_array_index(all, 0),
								 "VirtualMachinesToDisksToExport");
		g_assert_true(disks->is_array);
		g_assert_cmpuint(disks->count, ==, 2 - i);
		g_assert_true(disks->u.items[0].is_embedded);
		g_assert_cmpstr(
			cim_instance_string(disks->u.items[0].u.instance, "VirtualMachineId"), ==,
			"A");
	}
}

static void
test_bad_instances(void)
{
	static const struct {
		const char *text;
		int code;
		const char *message;
	} bad[] = {
		{"", CAIRN_ERROR_INVALID, "MOF:1: \"instance of\" was expected"},
		{"instance Msvm_Error {};", CAIRN_ERROR_INVALID, "MOF:1: \"of\" was expected"},
		{"instance of\nNo_Such {};", CAIRN_ERROR_NOT_FOUND, "MOF:2: there is no class"},
		{"instance of CIM_Namespace {};", CAIRN_ERROR_NOT_FOUND, "MOF:1: there is no"},
		{"instance of Msvm_Error { ErrorType = 70000; };", CAIRN_ERROR_INVALID,
		 "MOF:1: ErrorType: \"70000\" is no uint16"},
		{"instance of Msvm_Error {\nMessage = 5; };", CAIRN_ERROR_INVALID,
		 "MOF:2: Message: a string was expected, found \"5\""},
		{"instance of Msvm_Error { ErrorType = {1, 2}; };", CAIRN_ERROR_INVALID,
		 "MOF:1: ErrorType: one value was expected, found 2"},
		{"instance of Msvm_Error { ErrorType = {}; };", CAIRN_ERROR_INVALID,
		 "MOF:1: ErrorType: one value was expected, found 0"},
		{"instance of Msvm_Error { ErrorType = 1 };", CAIRN_ERROR_INVALID,
		 "MOF:1: ';' was expected"},
		{"instance of Msvm_Error { Message = instance of Msvm_Error {}; };",
		 CAIRN_ERROR_INVALID, "MOF:1: Message holds no instances"},
		{"instance of Msvm_Error {} x", CAIRN_ERROR_INVALID, "MOF:1: ';' was expected"},
		{"[A instance of Msvm_Error {};", CAIRN_ERROR_INVALID, "MOF:1: ']' was expected"},
		{"[[[[", CAIRN_ERROR_INVALID, "MOF:1: ']' was expected"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_test_message("%u", i);
		g_assert_null(mof_parse_instances(newest, CIM_NS_VIRTUALIZATION, bad[i].text,
						  strlen(bad[i].text), &error));
		g_assert_error(error, CAIRN_ERROR, bad[i].code);
		if (!g_str_has_prefix(error->message, bad[i].message))
			g_error("\"%s\" does not begin with \"%s\"", error->message,
				bad[i].message);
	}
}

static void
test_deep_instances(void)
{
	g_autoptr(GString) deep = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	for (guint i = 0; i <= MOF_DEPTH_MAX; i++)
		g_string_append(deep, "instance of Msvm_Error { X = ");
	g_assert_null(
		mof_parse_instances(newest, CIM_NS_VIRTUALIZATION, deep->str, deep->len, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	newest = cim_schema_new(CIM_BUILD_NEWEST, NULL);
	g_test_add_func("/mof/declarations", test_declarations);
	g_test_add_func("/mof/class", test_class);
	g_test_add_func("/mof/mistakes", test_mistakes);
	g_test_add_func("/mof/limits", test_limits);
	g_test_add_func("/mof/instances", test_instances);
	g_test_add_func("/mof/embedded", test_embedded);
	g_test_add_func("/mof/bad-instances", test_bad_instances);
	g_test_add_func("/mof/deep-instances", test_deep_instances);
	int status = g_test_run();
	cim_schema_free(newest);
	return status;
}
