/* WQL and CQL: what parses, what is refused and where, what matches. */
#include "cim/query.h"

#include "base/error.h"
#include "cim/status.h"
#include "query_cases.h"

#include <string.h>

/* ---- a small world ---- */
#define COUNT(array) G_N_ELEMENTS(array)

static const struct cim_member job_members[] = {
	{.name = "InstanceID", .type = CIM_STRING, .flags = CIM_MEMBER_KEY},
	{.name = "Name", .type = CIM_STRING},
	{.name = "JobState", .type = CIM_UINT16},
	{.name = "Balance", .type = CIM_SINT32},
	{.name = "Rate", .type = CIM_REAL64},
	{.name = "Done", .type = CIM_BOOLEAN},
	{.name = "Letter", .type = CIM_CHAR16},
	{.name = "StartTime", .type = CIM_DATETIME},
	{.name = "ElapsedTime", .type = CIM_DATETIME},
	{.name = "Tags", .type = CIM_STRING, .is_array = TRUE},
	{.name = "Owner", .type = CIM_REFERENCE},
	{.name = "Empty", .type = CIM_STRING},
};
static const struct cim_class element = {.name = "CIM_Element"};
static const struct cim_class job = {
	.name = "CIM_ConcreteJob",
	.super = &element,
	.properties = job_members,
	.property_count = COUNT(job_members),
};
static const struct cim_class special = {
	.name = "Msvm_ConcreteJob",
	.super = &job,
	.properties = job_members,
	.property_count = COUNT(job_members),
};
static const struct cim_member event_members[] = {
	{.name = "TargetInstance", .type = CIM_STRING, .flags = CIM_MEMBER_EMBEDDED_OBJECT},
	{.name = "PreviousInstance", .type = CIM_STRING, .flags = CIM_MEMBER_EMBEDDED_OBJECT},
};
static const struct cim_class event = {
	.name = "__InstanceModificationEvent",
	.properties = event_members,
	.property_count = COUNT(event_members),
};

static struct cim_instance *
make_job(const struct cim_class *class, guint state)
{
	static char *const tags[] = {"red", "green", NULL};
	struct cim_instance *made = cim_instance_new(class);
	cim_instance_set(made, "InstanceID", cim_string("Microsoft:AB\\12"));
	cim_instance_set(made, "Name", cim_string("Été 50% [x]"));
	cim_instance_set(made, "JobState", cim_uint(CIM_UINT16, state));
	cim_instance_set(made, "Balance", cim_sint(CIM_SINT32, -7));
	cim_instance_set(made, "Rate", cim_real(CIM_REAL64, 1.5));
	cim_instance_set(made, "Done", cim_boolean(TRUE));
	cim_instance_set(made, "Letter", cim_uint(CIM_CHAR16, 'q'));
	cim_instance_set(made, "StartTime", cim_datetime("20261121102030.123456+060"));
	cim_instance_set(made, "ElapsedTime", cim_datetime("00000000000130.000000:000"));
	cim_instance_set(made, "Tags", cim_string_array(tags));
	struct cim_path *owner = cim_path_new("root/virtualization/v2", "Msvm_Service");
	cim_path_add_string(owner, "Name", "svc");
	cim_instance_set(made, "Owner", cim_reference_take(owner));
	return made;
}

static struct cim_instance *
make_event(void)
{
	struct cim_instance *made = cim_instance_new(&event);
	cim_instance_set(made, "TargetInstance", cim_embedded_take(make_job(&special, 7)));
	cim_instance_set(made, "PreviousInstance", cim_embedded_take(make_job(&special, 4)));
	return made;
}

static struct query *
parse(enum query_language language, const char *text)
{
	g_autoptr(GError) error = NULL;
	struct query *query = query_parse(language, text, &error);
	if (!query)
		g_error("%s: %s", text, error->message);
	return query;
}

/* ---- WHERE ---- */
static void
test_where(void)
{
	cairn_auto(cim_instance) instance = make_job(&special, 7);
	for (guint i = 0; i < 2 * COUNT(job_cases); i++) {
		const char *where = job_cases[i / 2].where;
		int expected = i % 2 ? job_cases[i / 2].cql : job_cases[i / 2].wql;
		g_autofree char *text =
			g_strdup_printf("SELECT * FROM CIM_ConcreteJob WHERE %s", where);
		g_autoptr(GError) error = NULL;
		cairn_auto(query) query = query_parse(i % 2 ? QUERY_CQL : QUERY_WQL, text, &error);
		int got = query ? query_matches(query, instance) : -1;
		if (got != expected)
			g_error("%s: %s: %d", i % 2 ? "CQL" : "WQL", where, got);
		if (error)
			g_assert_error(error, CIM_ERROR, CIM_ERR_INVALID_QUERY);
	}
}

static void
test_from(void)
{
	cairn_auto(cim_instance) general = make_job(&job, 7);
	cairn_auto(cim_instance) derived = make_job(&special, 7);
	cairn_auto(query) super = parse(QUERY_WQL, "select * from cim_concretejob");
	cairn_auto(query) sub = parse(QUERY_WQL, "SELECT * FROM Msvm_ConcreteJob");
	g_assert_true(query_matches(super, general) && query_matches(super, derived));
	g_assert_true(!query_matches(sub, general) && query_matches(sub, derived));
}

/* ---- events ---- */
static const struct {
	enum query_language language;
	const char *where;
	gboolean matches;
} event_cases[] = {
	{QUERY_WQL, "TargetInstance ISA 'Msvm_ConcreteJob'", TRUE},
	{QUERY_WQL, "TargetInstance isa \"cim_element\"", TRUE},
	{QUERY_WQL, "TargetInstance ISA 'Msvm_Other'", FALSE},
	{QUERY_WQL, "NOT TargetInstance ISA 'Msvm_Other'", TRUE},
	{QUERY_WQL,
	 "TargetInstance ISA 'Msvm_ConcreteJob' AND TargetInstance.InstanceID = "
	 "'microsoft:ab\\\\12' AND PreviousInstance.JobState <> TargetInstance.JobState",
	 TRUE},
	{QUERY_WQL, "PreviousInstance.JobState = TargetInstance.JobState", FALSE},
	{QUERY_WQL, "TargetInstance.__CLASS = 'Msvm_ConcreteJob'", TRUE},
	{QUERY_WQL, "TargetInstance.Empty IS NULL", TRUE},
	{QUERY_WQL, "TargetInstance.Name.More IS NULL", FALSE},
	{QUERY_WQL, "TargetInstance = 'x'", FALSE},
	{QUERY_CQL, "TargetInstance ISA CIM_ConcreteJob", TRUE},
	{QUERY_CQL,
	 "TargetInstance.CIM_ConcreteJob::JobState = 7 AND "
	 "PreviousInstance.CIM_ConcreteJob::JobState <> 7",
	 TRUE},
	{QUERY_CQL, "__InstanceModificationEvent.TargetInstance.JobState = 7", TRUE},
	{QUERY_CQL, "TargetInstance.Msvm_Other::JobState = 7", FALSE},
};

static void
test_events(void)
{
	cairn_auto(cim_instance) instance = make_event();
	for (guint i = 0; i < COUNT(event_cases); i++) {
		g_autofree char *text =
			g_strdup_printf("SELECT * FROM __InstanceModificationEvent WITHIN 1 "
					"WHERE %s",
					event_cases[i].where);
		cairn_auto(query) query = parse(event_cases[i].language, text);
		if (query_matches(query, instance) != event_cases[i].matches)
			g_error("%s", text);
		g_assert_cmpint(query->within_usec, ==, G_USEC_PER_SEC);
	}
	cairn_auto(query) half = parse(QUERY_WQL, "SELECT * FROM X WITHIN 0.5 WHERE A=1");
	g_assert_cmpint(half->within_usec, ==, G_USEC_PER_SEC / 2);
	g_assert_null(query_parse(QUERY_WQL, "SELECT * FROM X WITHIN -1", NULL));
	g_assert_null(query_parse(QUERY_WQL, "SELECT * FROM X WITHIN 1e30", NULL));
}

/* ---- lists ---- */
static const struct {
	const char *text, *names; /* NULL: all; "-": refused */
} list_cases[] = {
	{"SELECT * FROM X", NULL},
	{"  select Name , JobState\nfrom X  ", "Name JobState"},
	{"SELECT __PATH, X.Name FROM X", "__PATH Name"},
	{"SELECT X.* FROM X", NULL},
	{"SELECT TargetInstance.JobState, A FROM X", "TargetInstance A"},
	{"SELECT Name, FROM X", "-"},
	{"SELECT FROM X", "-"},
	{"SELECT *", "-"},
	{"SELECT *, Name FROM X", "-"},
	{"SELECT COUNT(*) FROM X", "-"},
	{"SELECT * FROM X, Y", "-"},
	{"SELECT * FROM X WHERE", "-"},
	{"SELECT * FROM 'X'", "-"},
	{"DELETE FROM X", "-"},
	{"", "-"},
};

static void
test_lists(void)
{
	for (guint i = 0; i < COUNT(list_cases); i++) {
		cairn_auto(query) query = query_parse(QUERY_WQL, list_cases[i].text, NULL);
		if (g_strcmp0(list_cases[i].names, "-") == 0) {
			g_assert_null(query);
			continue;
		}
		g_assert_nonnull(query);
		const char *const *names = cim_property_list_names(query->list);
		g_autofree char *joined = names ? g_strjoinv(" ", (char **)names) : NULL;
		g_assert_cmpstr(joined, ==, list_cases[i].names);
		g_assert_cmpstr(query->class_name, ==, "X");
	}
}

/* ---- associations ---- */
static void
test_associators(void)
{
	cairn_auto(query) query = parse(
		QUERY_WQL, "ASSOCIATORS OF {\\\\HOST\\root\\virtualization\\v2:Msvm_ConcreteJob."
			   "InstanceID=\"a}b\"} WHERE AssocClass=CIM_AffectedJobElement "
			   "ResultClass = Msvm_ReferencePointCollection Role=AffectingElement "
			   "ResultRole = 'AffectedElement' RequiredQualifier=Key "
			   "RequiredAssocQualifier=Association KeysOnly");
	g_assert_cmpint(query->kind, ==, QUERY_ASSOCIATORS);
	g_assert_cmpstr(query->object->class_name, ==, "Msvm_ConcreteJob");
	g_assert_cmpstr(cim_path_string(query->object, "InstanceID"), ==, "a}b");
	g_assert_cmpstr(query->assoc_class, ==, "CIM_AffectedJobElement");
	g_assert_cmpstr(query->result_class, ==, "Msvm_ReferencePointCollection");
	g_assert_cmpstr(query->role, ==, "AffectingElement");
	g_assert_cmpstr(query->result_role, ==, "AffectedElement");
	g_assert_cmpstr(query->required_qualifier, ==, "Key");
	g_assert_cmpstr(query->required_assoc_qualifier, ==, "Association");
	g_assert_true(query->keys_only && !query->class_defs_only && !query->schema_only);
}

static void
test_references(void)
{
	cairn_auto(query) query = parse(
		QUERY_WQL, "references of{Msvm_ComputerSystem.CreationClassName='Msvm_"
			   "ComputerSystem',Name='X'}where resultclass=A role=B classdefsonly");
	g_assert_cmpint(query->kind, ==, QUERY_REFERENCES);
	g_assert_cmpstr(query->result_class, ==, "A");
	g_assert_cmpstr(query->role, ==, "B");
	g_assert_true(query->class_defs_only);
	cairn_auto(query) bare = parse(QUERY_WQL, "REFERENCES OF {X.Y=\"1\"}");
	g_assert_null(bare->result_class);
}

static const char *const bad_associations[] = {
	"ASSOCIATORS {X.Y=1}",
	"ASSOCIATORS OF X.Y=1",
	"ASSOCIATORS OF {X.Y=\"1\"",
	"ASSOCIATORS OF {X.Y=\"1}",
	"ASSOCIATORS OF {X.Y=} WHERE Role=A",
	"ASSOCIATORS OF {X.Y=1} WHERE",
	"ASSOCIATORS OF {X.Y=1} WHERE Role",
	"ASSOCIATORS OF {X.Y=1} WHERE Role=",
	"ASSOCIATORS OF {X.Y=1} WHERE Role=A Role=B",
	"ASSOCIATORS OF {X.Y=1} WHERE Role=A AND ResultRole=B",
	"ASSOCIATORS OF {X.Y=1} WHERE ClassDefsOnly KeysOnly",
	"REFERENCES OF {X.Y=1} WHERE AssocClass=A",
	"REFERENCES OF {X.Y=1} WHERE ResultRole=A",
};

static void
test_bad_associations(void)
{
	for (guint i = 0; i < COUNT(bad_associations); i++)
		if (query_parse(QUERY_WQL, bad_associations[i], NULL))
			g_error("%s", bad_associations[i]);
	g_assert_null(query_parse(QUERY_CQL, "ASSOCIATORS OF {X.Y=1}", NULL));
}

/* ---- errors and limits ---- */
static const struct {
	const char *text, *message;
} error_cases[] = {
	{"SELECT * FORM X", "query, character 10: expected FROM, found 'FORM'"},
	{"SELECT * FROM X WHERE Été = = 5",
	 "query, character 29: expected a property or a value, found '='"},
	{"SELECT * FROM X WHERE a = 'é", "query, character 27: the string does not end"},
	{"SELECT * FROM X WHERE a = 5 b",
	 "query, character 29: expected AND, OR or the end of the query, found 'b'"},
	{"SELECT * FROM X WHERE a", "query, character 24: expected a comparison (= <> < <= > >= "
				    "LIKE ISA IS), but the query ends"},
	{"SELECT COUNT(*) FROM X", "query, character 13: COUNT(...) is not supported"},
};

static void
test_errors(void)
{
	for (guint i = 0; i < COUNT(error_cases); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(query_parse(QUERY_WQL, error_cases[i].text, &error));
		g_assert_error(error, CIM_ERROR, CIM_ERR_INVALID_QUERY);
		g_assert_cmpstr(error->message, ==, error_cases[i].message);
	}
	g_autoptr(GError) error = NULL;
	g_assert_null(query_parse(QUERY_WQL, "SELECT * FROM \xff", &error));
	g_assert_error(error, CIM_ERROR, CIM_ERR_INVALID_QUERY);
}

/* @count times @piece between @before and @after. */
static struct query *
repeated(const char *before, const char *piece, guint count, const char *after, GError **error)
{
	g_autoptr(GString) text = g_string_new(before);
	while (count--)
		g_string_append(text, piece);
	g_string_append(text, after);
	return query_parse(QUERY_WQL, text->str, error);
}

static void
test_limits(void)
{
	static const struct {
		const char *before, *piece, *after;
		guint most;
	} cases[] = {
		{"SELECT * FROM X WHERE ", "(", "a=1", 0},
		{"SELECT * FROM X WHERE ", "NOT ", "a=1", QUERY_DEPTH_MAX},
		{"SELECT * FROM X WHERE a=1", " OR a=1", "", QUERY_NODES_MAX - 2},
		{"SELECT * FROM X WHERE a=1", " ", "", QUERY_TEXT_MAX - 25},
	};
	for (guint i = 0; i < COUNT(cases); i++) {
		g_autoptr(GError) error = NULL;
		guint most = cases[i].most ? cases[i].most : QUERY_DEPTH_MAX;
		cairn_auto(query) fits = cases[i].most ? repeated(cases[i].before, cases[i].piece,
								  most, cases[i].after, NULL)
						       : NULL;
		g_assert_true(fits || !cases[i].most);
		g_assert_null(repeated(cases[i].before, cases[i].piece, most + 1, cases[i].after,
				       &error));
		g_assert_error(error, CAIRN_ERROR, CAIRN_ERROR_LIMIT);
	}
}

/* What would take years by trying every way of every %. */
static void
test_like_time(void)
{
	cairn_auto(cim_instance) instance = cim_instance_new(&job);
	g_autofree char *name = g_strnfill(100000, 'a');
	cim_instance_set(instance, "Name", cim_string(name));
	g_autoptr(GString) text = g_string_new("SELECT * FROM CIM_ConcreteJob WHERE Name LIKE '");
	for (guint i = 0; i < 200; i++)
		g_string_append(text, "%a_[a-b]");
	g_string_append(text, "b'");
	cairn_auto(query) query = parse(QUERY_WQL, text->str);
	g_assert_false(query_matches(query, instance));
}

/* ---- check and demands ---- */
static void
test_check(void)
{
	static const struct {
		const char *text;
		gboolean ok;
	} cases[] = {
		{"SELECT * FROM X", TRUE},
		{"SELECT name, __PATH FROM X WHERE JOBSTATE = 7", TRUE},
		{"SELECT Nothing FROM X", FALSE},
		{"SELECT * FROM X WHERE Name = 'x' OR NOT (Nothing = 5)", FALSE},
		{"SELECT * FROM X WHERE 5 = Nothing", FALSE},
		{"SELECT * FROM X WHERE Tags = 'red'", FALSE},
		{"SELECT * FROM X WHERE Tags IS NULL", TRUE},
		{"SELECT * FROM X WHERE __CLASS = 'x' AND __THIS ISA 'y'", TRUE},
		{"SELECT * FROM X WHERE __GENUS = 2", FALSE},
		{"SELECT * FROM X WHERE Msvm_Other::Nothing = 2", TRUE},
	};
	for (guint i = 0; i < COUNT(cases); i++) {
		g_autoptr(GError) error = NULL;
		cairn_auto(query) query = parse(QUERY_WQL, cases[i].text);
		if (query_check(query, &job, &error) != cases[i].ok)
			g_error("%s", cases[i].text);
		if (error)
			g_assert_error(error, CIM_ERROR, CIM_ERR_INVALID_QUERY);
	}
}

static const char *
demanded(const char *where, const char *property)
{
	g_autofree char *text = g_strdup_printf("SELECT * FROM X WHERE %s", where);
	cairn_auto(query) query = parse(QUERY_WQL, text);
	const struct cim_value *value = query_demands(query, property);
	return value ? g_intern_string(value->u.string) : NULL;
}

static void
test_demands(void)
{
	g_assert_cmpstr(demanded("Name = 'x'", "name"), ==, "x");
	g_assert_cmpstr(demanded("'x' = Name AND JobState > 5", "Name"), ==, "x");
	g_assert_cmpstr(demanded("a > 5 AND (b = 'y' AND Name = 'x')", "Name"), ==, "x");
	g_assert_cmpstr(demanded("A.Name = 'x'", "A.Name"), ==, "x");
	g_assert_cmpstr(demanded("A.Name = 'x'", "Name"), ==, NULL);
	g_assert_cmpstr(demanded("A.Name = 'x'", "A"), ==, NULL);
	g_assert_cmpstr(demanded("Name = 'x' OR a = 5", "Name"), ==, NULL);
	g_assert_cmpstr(demanded("NOT Name = 'x'", "Name"), ==, NULL);
	g_assert_cmpstr(demanded("Name <> 'x'", "Name"), ==, NULL);
	g_assert_cmpstr(demanded("Name = NULL", "Name"), ==, NULL);
	g_assert_cmpstr(demanded("Name = Other", "Name"), ==, NULL);
	cairn_auto(query) query = parse(QUERY_WQL, "SELECT * FROM X WHERE T ISA 'Y' AND T.A = 5");
	g_assert_cmpstr(query_demands_isa(query, "t"), ==, "Y");
	g_assert_null(query_demands_isa(query, "A"));
}

static void
test_languages(void)
{
	enum query_language language;
	g_assert_true(query_language_find("wql", &language) && language == QUERY_WQL);
	g_assert_true(query_language_find("DMTF:CQL", &language) && language == QUERY_CQL);
	g_assert_true(
		query_language_find("http://schemas.microsoft.com/wbem/wsman/1/wql", &language) &&
		language == QUERY_WQL);
	g_assert_true(
		query_language_find("http://schemas.dmtf.org/wbem/cql/1/dsp0202.pdf", &language) &&
		language == QUERY_CQL);
	g_assert_false(query_language_find("SQL", &language));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/query/where", test_where);
	g_test_add_func("/query/from", test_from);
	g_test_add_func("/query/events", test_events);
	g_test_add_func("/query/lists", test_lists);
	g_test_add_func("/query/associators", test_associators);
	g_test_add_func("/query/references", test_references);
	g_test_add_func("/query/bad-associations", test_bad_associations);
	g_test_add_func("/query/errors", test_errors);
	g_test_add_func("/query/limits", test_limits);
	g_test_add_func("/query/like-time", test_like_time);
	g_test_add_func("/query/check", test_check);
	g_test_add_func("/query/demands", test_demands);
	g_test_add_func("/query/languages", test_languages);
	return g_test_run();
}
