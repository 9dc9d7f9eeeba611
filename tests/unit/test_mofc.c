/* The schema's compiler: inheritance of qualifiers with their flavours, overrides, builds, private
 * qualifiers, translations, and what it refuses. */
#include "base/error.h"
#include "cim/schema.h"
#include "mofc/mofc.h"

#include <string.h>

static const char qualifiers[] =
	"Qualifier Abstract : boolean = false, Scope(class, association), Flavor(Restricted);\n"
	"Qualifier Association : boolean = false, Scope(association), Flavor(DisableOverride);\n"
	"Qualifier Key : boolean = false, Scope(property, reference), Flavor(DisableOverride);\n"
	"Qualifier Description : string = NULL, Scope(any), Flavor(Translatable);\n"
	"Qualifier MaxLen : uint32 = NULL, Scope(property);\n"
	"Qualifier Version : string = NULL, Scope(class), Flavor(Restricted);\n"
	"Qualifier In : boolean = true, Scope(parameter), Flavor(DisableOverride);\n"
	"Qualifier Out : boolean = false, Scope(parameter), Flavor(DisableOverride);\n"
	"Qualifier Values : string[], Scope(property), Flavor(Translatable);\n"
	"Qualifier ValueMap : string[], Scope(property);\n"
	"Qualifier Override : string = NULL, Scope(property, method), Flavor(Restricted);\n"
	"Qualifier EmbeddedInstance : string = NULL, Scope(property);\n"
	"Qualifier Cairn_Since : string = NULL, Scope(any), Flavor(Restricted);\n"
	"Qualifier Cairn_Unset : string = NULL, Scope(property);\n"
	"Qualifier Cairn_Unset_Properties : string[], Scope(class);\n"
	"Qualifier Cairn_Namespaces : string[], Scope(class), Flavor(Restricted);\n";

static const char classes[] =
	"[Abstract, Version(\"1\"), Description(\"a\")]\n"
	"class A {\n"
	"  [Key, MaxLen(0x40), Description(\"id\")] string Id;\n"
	"  [Values{\"x\", \"y\"}, ValueMap{\"0\", \"1\"}] uint16 State = 010;\n"
	"  [Cairn_Unset(\"not kept\")] string Note;\n"
	"  [Description(\"does\")] uint32 Do([Description(\"what\")] string What,\n"
	"    [In(false), Out] A REF Done);\n"
	"};\n"
	"[Description(\"b\"), Cairn_Unset_Properties{\"State: always there\"}]\n"
	"class B : A {\n"
	"  [Override(\"A.Id\"), MaxLen(8)] string Id;\n"
	"  [Cairn_Since(\"16299\")] string Late[];\n"
	"  [EmbeddedInstance(\"A\")] string Inner;\n"
	"};\n"
	"[Cairn_Since(\"20348\"), Cairn_Namespaces{\"root/virtualization/v2\"}]\n"
	"class C : B {\n"
	"  [Override(\"A.Do\"), Cairn_Since(\"22621\")] uint32 Do(string What);\n"
	"  [Override(\"Note\"), Cairn_Unset(NULL)] string Note;\n"
	"};\n";

static struct mofc *
compile(const char *text, const char *mfl, struct cim_tables *ret_tables, GError **error)
{
	cairn_auto(mofc) mofc = mofc_new();
	if (!mofc_read_text(mofc, "q.mof", qualifiers, error) ||
	    !mofc_read_text(mofc, "t.mof", text, error) ||
	    (mfl && !mofc_read_text(mofc, "t.mfl", mfl, error)) ||
	    !mofc_resolve(mofc, ret_tables, error))
		return NULL;
	return g_steal_pointer(&mofc);
}

static const struct cim_qualifier *
find(const struct cim_member *member, const char *name)
{
	return cim_qualifier_find(member->qualifiers, member->qualifier_count, name);
}

static void
test_inheritance(void)
{
	g_autoptr(GError) error = NULL;
	struct cim_tables tables;
	cairn_auto(mofc) mofc = compile(classes, NULL, &tables, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(mofc->warnings->len, ==, 0);
	g_assert_cmpuint(tables.class_count, ==, 3);
	const struct cim_class *a = &tables.classes[0], *b = &tables.classes[1];
	const struct cim_class *c = &tables.classes[2];
	g_assert_true(c->super == b && b->super == a && !a->super);
	g_assert_cmpuint(a->flags, ==, CIM_CLASS_ABSTRACT);
	g_assert_cmpuint(b->flags, ==, 0);
	/* restricted ones stay where they are, translatable ones are inherited */
	g_assert_nonnull(cim_qualifier_find(a->qualifiers, a->qualifier_count, "version"));
	g_assert_null(cim_qualifier_find(b->qualifiers, b->qualifier_count, "Version"));
	const struct cim_qualifier *text =
		cim_qualifier_find(c->qualifiers, c->qualifier_count, "Description");
	g_assert_cmpstr(text->text[CIM_LANG_EN][0], ==, "b");
	g_assert_true(text->propagated);
	/* an override keeps its place, its key and what it does not say anew */
	g_assert_cmpuint(b->property_count, ==, 5);
	const struct cim_member *id = &b->properties[0];
	g_assert_cmpstr(id->origin, ==, "B");
	g_assert_cmpuint(id->flags, ==, CIM_MEMBER_KEY);
	g_assert_true(find(id, "Key")->propagated);
	g_assert_false(find(id, "MaxLen")->propagated);
	g_assert_cmpstr(find(id, "MaxLen")->text[CIM_LANG_EN][0], ==, "8");
	g_assert_cmpstr(find(&a->properties[0], "MaxLen")->text[CIM_LANG_EN][0], ==, "64");
	g_assert_nonnull(find(id, "Override"));
	g_assert_null(find(&c->properties[0], "Override"));
	g_assert_cmpuint(c->properties[0].flags, ==, CIM_MEMBER_KEY | CIM_MEMBER_PROPAGATED);
	g_assert_cmpuint(c->key_count, ==, 1);
	g_assert_cmpuint(c->keys[0], ==, 0);
	g_assert_cmpstr(a->properties[1].defaults[0], ==, "8");
	g_assert_cmpuint(b->properties[4].flags, ==, CIM_MEMBER_EMBEDDED_INSTANCE);
	g_assert_cmpstr(b->properties[4].class_name, ==, "A");
}

static void
test_private(void)
{
	struct cim_tables tables;
	cairn_auto(mofc) mofc = compile(classes, NULL, &tables, NULL);
	g_assert_nonnull(mofc);
	const struct cim_class *a = &tables.classes[0], *b = &tables.classes[1];
	const struct cim_class *c = &tables.classes[2];
	g_assert_cmpstr(a->properties[2].unset, ==, "not kept");
	g_assert_null(find(&a->properties[2], "Cairn_Unset"));
	g_assert_null(a->properties[1].unset);
	g_assert_cmpstr(b->properties[1].unset, ==, "always there");
	g_assert_cmpstr(c->properties[1].unset, ==, "always there");
	g_assert_null(c->properties[2].unset);
	g_assert_cmpuint(b->properties[3].since, ==, 16299);
	g_assert_cmpuint(c->since, ==, 20348);
	g_assert_cmpuint(a->namespaces, ==, 1 << CIM_NS_VIRTUALIZATION | 1 << CIM_NS_CLUSTER);
	g_assert_cmpuint(c->namespaces, ==, 1 << CIM_NS_VIRTUALIZATION);
	for (guint i = 0; i < tables.qualifier_count; i++)
		g_assert_false(g_str_has_prefix(tables.qualifiers[i].name, "Cairn_"));
	g_assert_cmpstr(tables.scopes[2], ==, "property reference");
}

static void
test_methods(void)
{
	struct cim_tables tables;
	cairn_auto(mofc) mofc = compile(classes, NULL, &tables, NULL);
	g_assert_nonnull(mofc);
	const struct cim_method *mine = cim_class_method(&tables.classes[0], "do");
	const struct cim_method *inherited = cim_class_method(&tables.classes[1], "Do");
	const struct cim_method *overriding = cim_class_method(&tables.classes[2], "Do");
	g_assert_cmpuint(mine->parameters[0].flags, ==, CIM_MEMBER_IN);
	g_assert_cmpuint(mine->parameters[1].flags, ==, CIM_MEMBER_OUT);
	g_assert_cmpuint(mine->parameters[1].type, ==, CIM_REFERENCE);
	g_assert_cmpstr(mine->parameters[1].class_name, ==, "A");
	g_assert_false(mine->propagated);
	g_assert_true(inherited->propagated);
	g_assert_cmpstr(inherited->origin, ==, "A");
	g_assert_false(overriding->propagated);
	g_assert_cmpuint(overriding->parameter_count, ==, 1);
	g_assert_true(find(&overriding->parameters[0], "Description")->propagated);
}

/* The member of a build that came later is not there; nor is the class, and places move. */
static void
test_builds(void)
{
	g_autoptr(GError) error = NULL;
	struct cim_tables tables;
	cairn_auto(mofc) mofc = compile(classes, NULL, &tables, NULL);
	g_assert_nonnull(mofc);
	cairn_auto(cim_schema) old = cim_schema_of(&tables, 14393, NULL);
	cairn_auto(cim_schema) middle = cim_schema_of(&tables, 20348, NULL);
	const struct cim_class *b = cim_schema_class(old, CIM_NS_CLUSTER, "b");
	g_assert_cmpuint(cim_schema_count(old), ==, 2);
	g_assert_cmpint(cim_class_property(b, "Late"), ==, -1);
	g_assert_cmpint(cim_class_property(b, "Inner"), ==, 3);
	g_assert_true(b->super == cim_schema_class(old, CIM_NS_CLUSTER, "A"));
	g_assert_null(cim_schema_class(old, CIM_NS_VIRTUALIZATION, "C"));
	const struct cim_class *c = cim_schema_class(middle, CIM_NS_VIRTUALIZATION, "C");
	g_assert_cmpint(cim_class_property(c, "Late"), ==, 3);
	g_assert_null(cim_class_method(c, "Do"));
	g_assert_null(cim_schema_class(middle, CIM_NS_CLUSTER, "C"));
	g_assert_null(cim_schema_of(&tables, 12345, &error));
	g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "26100, 22621"));
}

/* ---- translations ---- */

static void
test_languages(void)
{
	g_autoptr(GError) error = NULL;
	struct cim_tables tables;
	cairn_auto(mofc) mofc = compile(classes,
					"#pragma locale(\"fr_FR\")\n"
					"[Amendment, Description(\"un a\")] class A {\n"
					" [Description(\"clef\") : Amended] string Id;\n"
					" [Values{\"ics\", \"igrec\"}] uint16 State;\n"
					" uint32 Do([Description(\"quoi\")] string What);\n};\n",
					&tables, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(mofc->warnings->len, ==, 0);
	const struct cim_class *a = &tables.classes[0], *b = &tables.classes[1];
	const struct cim_qualifier *values = find(&b->properties[1], "Values");
	g_assert_cmpstr(cim_qualifier_text(values, CIM_LANG_FR)[1], ==, "igrec");
	g_assert_cmpstr(cim_qualifier_text(values, CIM_LANG_RU)[1], ==, "y");
	g_assert_cmpstr(find(&b->properties[0], "Description")->text[CIM_LANG_FR][0], ==, "clef");
	g_assert_cmpstr(find(&a->methods[0].parameters[0], "Description")->text[CIM_LANG_FR][0], ==,
			"quoi");
	/* b has its own English text, which a's French one does not translate */
	const struct cim_qualifier *text =
		cim_qualifier_find(b->qualifiers, b->qualifier_count, "Description");
	g_assert_null(text->text[CIM_LANG_FR]);
}

static void
test_warnings(void)
{
	static const char *const expected[] = {
		"t.mfl:2: Values of A.State has 1 elements, 2 in the schema",
		"t.mfl:3: A.Nothing is not in the schema",
		"t.mfl:4: A.Dont is not in the schema",
		"t.mfl:5: A.Note has no Description in the schema to translate",
		"t.mfl:7: the class Z is not in the schema",
	};
	struct cim_tables tables;
	cairn_auto(mofc) mofc = compile(classes,
					"#pragma locale(\"ru_RU\")\n[Amendment] class A { "
					"[Values{\"x\"}] uint16 State;\n string Nothing;\n"
					" uint32 Dont();\n[Description(\"x\")] string Note;\n};\n"
					"class Z {};",
					&tables, NULL);
	/* properties first, then methods */
	g_assert_cmpuint(mofc->warnings->len, ==, G_N_ELEMENTS(expected));
	for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
		g_assert_true(g_ptr_array_find_with_equal_func(mofc->warnings, expected[i],
							       g_str_equal, NULL));
}

/* ---- mistakes ---- */

static void
test_mistakes(void)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"class B : A {};", "t.mof:1: B: its superclass A must come before it"},
		{"class A {};\nclass a {};", "t.mof:2: the class a is there twice"},
		{"class A {\n[Odd] string X; };", "t.mof:2: no qualifier \"Odd\" is declared"},
		{"[Key] class A {};", "t.mof:1: Key has no place at a class"},
		{"class A { [Key, key] string X; };", "t.mof:1: key is there twice"},
		{"class A { string X;\nuint8 x; };", "t.mof:2: A.x is there twice"},
		{"class A { string8 X; };", "t.mof:1: \"string8\" is no type"},
		{"class A { reference X; };", "t.mof:1: \"reference\" is no type"},
		{"class A { uint8 X = 256; };", "t.mof:1: X: \"256\" is no uint8"},
		{"class A { uint8 X[] = 2; };", "t.mof:1: the default value of X must be a list"},
		{"class A { B REF X; };", "t.mof:1: A: \"X\" names a class \"B\""},
		{"class A { [MaxLen] string X; };", "t.mof:1: a value of MaxLen was expected"},
		{"class A { [MaxLen(\"x\")] string X; };", "t.mof:1: MaxLen: \"x\" is no uint32"},
		{"class A { [Values(\"x\")] uint8 X; };", "t.mof:1: Values takes a list"},
		{"class A { [MaxLen{1}] string X; };", "t.mof:1: MaxLen takes one value"},
		{"class A { [Values{\"x\"}, ValueMap{\"0\", \"1\"}] uint8 X; };",
		 "t.mof:1: ValueMap has 2 elements, Values 1"},
		{"class A { [Key] string X; };\nclass B : A { [Override(\"X\"), Key(false)]\n"
		 "string X; };",
		 "t.mof:2: Key cannot be changed: an ancestor says \"TRUE\""},
		{"class A { string X; };\nclass B : A { [Override(\"X\")] uint8 X; };",
		 "t.mof:2: B.X must have the type of what it overrides: string"},
		{"class A { [Override(\"Y\")] string X; };",
		 "t.mof:1: A.X overrides \"Y\", which no ancestor has"},
		{"class A { [Override(\"M\")] void M(); };",
		 "t.mof:1: A.M overrides what no ancestor has"},
		{"class A { void M(string P, uint8 p); };", "t.mof:1: A.M has p twice"},
		{"class A { void M(); void m(); };", "t.mof:1: A.m is there twice"},
		{"[Cairn_Namespaces{\"root/x\"}] class A {};",
		 "t.mof:1: \"root/x\" is no namespace of ours"},
		{"class A {};\n[Cairn_Namespaces{\"interop\"}] class B : A {};",
		 "t.mof:2: B is in a namespace in which its superclass A is not"},
		{"[Cairn_Since(\"x\")] class A {};", "t.mof:1: the number of a build was expected"},
		{"[Cairn_Unset_Properties{\"X: y\"}] class A {};",
		 "t.mof:1: A has no property \"X\""},
		{"[Cairn_Unset_Properties{\"X\"}] class A { string X; };",
		 "t.mof:1: \"NAME: REASON\" was expected, found \"X\""},
		{"class A { [Cairn_Unset(\"\")] string X; };",
		 "t.mof:1: the reason why X is never set was expected"},
		{"Qualifier Key : boolean, Scope(any);", "t.mof:1: the qualifier \"Key\" is there"},
		{"Qualifier K : boolean, Scope(no);", "t.mof:1: \"no\" is no scope"},
		{"Qualifier K : odd, Scope(any);", "t.mof:1: \"odd\" is no type of a qualifier"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		struct cim_tables tables;
		g_test_message("%u", i);
		g_assert_null(compile(bad[i].text, NULL, &tables, &error));
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID);
		if (!g_str_has_prefix(error->message, bad[i].message))
			g_error("\"%s\" does not begin with \"%s\"", error->message,
				bad[i].message);
	}
}

static void
test_output(void)
{
	struct cim_tables tables;
	cairn_auto(mofc) mofc = compile(classes, NULL, &tables, NULL);
	g_assert_nonnull(mofc);
	g_autoptr(GString) c = g_string_new(NULL);
	g_autoptr(GString) dump = g_string_new(NULL);
	g_autoptr(GString) man = g_string_new(NULL);
	mofc_emit(&tables, c);
	mofc_dump(&tables, dump);
	mofc_man(&tables, man);
	g_assert_nonnull(strstr(c->str, "const struct cim_tables cim_tables = {classes, 3, "));
	g_assert_nonnull(strstr(dump->str, "\tstring Late[] from B since 16299:\n"));
	g_assert_nonnull(strstr(dump->str, "\tstring Id key from B: ^Key=TRUE MaxLen=8 "
					   "^Description=id Override=A.Id\n"));
	g_assert_nonnull(strstr(man->str, ".Ss B\nb\nInherits from A.\n"));
	g_assert_nonnull(strstr(man->str, "Values: 0 x, 1 y."));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mofc/inheritance", test_inheritance);
	g_test_add_func("/mofc/private", test_private);
	g_test_add_func("/mofc/methods", test_methods);
	g_test_add_func("/mofc/builds", test_builds);
	g_test_add_func("/mofc/languages", test_languages);
	g_test_add_func("/mofc/warnings", test_warnings);
	g_test_add_func("/mofc/mistakes", test_mistakes);
	g_test_add_func("/mofc/output", test_output);
	return g_test_run();
}
