/* The object model's reads, and the mirror behind it, against a small cairnd. */
#include "model_fixture.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

#define V2 CIM_NS_VIRTUALIZATION

/* ---- what is there ---- */

static void
test_counts(struct fixture *f, gconstpointer unused)
{
	static const struct {
		enum cim_namespace_id ns;
		const char *class_name;
		guint count;
	} cases[] = {
		{V2, "Msvm_ComputerSystem", 4},
		{V2, "CIM_ComputerSystem", 4},
		{V2, "Msvm_VirtualSystemSettingData", 3},
		{V2, "Msvm_StorageAllocationSettingData", 6},
		{V2, "Msvm_ResourceAllocationSettingData", 6},
		{V2, "CIM_ResourceAllocationSettingData", 12},
		{V2, "Msvm_VirtualSystemCollection", 2},
		{V2, "Msvm_ReferencePointCollection", 2},
		{V2, "CIM_Collection", 4},
		{V2, "Msvm_VirtualSystemReferencePoint", 4},
		{V2, "Msvm_ConcreteJob", 2},
		{V2, "msvm_collectionreferencepointexportjob", 2},
		{V2, "CIM_ConcreteJob", 4},
		{V2, "CIM_Service", 5},
		{V2, "Msvm_ManagementCollection", 0},
		{V2, "Msvm_CollectionReferencePointSettingData", 0},
		{V2, "Msvm_RegisteredProfile", 1},
		{CIM_NS_CLUSTER, "CIM_Service", 4},
		{CIM_NS_CLUSTER, "CIM_ConcreteJob", 4},
		{CIM_NS_CLUSTER, "Msvm_ComputerSystem", 4},
		{CIM_NS_INTEROP, "CIM_Namespace", CIM_NS_LAST},
		{CIM_NS_INTEROP, "CIM_WBEMServerNamespace", CIM_NS_LAST},
		{CIM_NS_INTEROP, "CIM_ObjectManager", 1},
		{CIM_NS_INTEROP, "CIM_IndicationService", 1},
		{CIM_NS_INTEROP, "CIM_RegisteredProfile", 1},
	};
	wait_ready(f, TRUE);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct cim_reply reply = enumerate(f, cases[i].ns, cases[i].class_name);
		guint count = drain(&reply);
		if (count != cases[i].count)
			g_error("%s: %u, not %u", cases[i].class_name, count, cases[i].count);
	}
	struct cim_reply unknown = enumerate(f, V2, "Msvm_Nothing");
	assert_status(&unknown, CIM_ERR_INVALID_CLASS);
	struct cim_reply cluster =
		enumerate(f, CIM_NS_CLUSTER, "Msvm_StorageAllocationSettingData");
	assert_status(&cluster, CIM_ERR_INVALID_CLASS);
	struct cim_reply nowhere = enumerate(f, CIM_NS_LAST, "CIM_Service");
	assert_status(&nowhere, CIM_ERR_INVALID_NAMESPACE);
}

static void
test_polymorphism(struct fixture *f, gconstpointer unused)
{
	struct cim_op op = {
		.kind = CIM_OP_ENUMERATE_INSTANCES, .ns = V2, .polymorphism = CIM_POLY_NONE};
	wait_ready(f, TRUE);
	op.class_name = g_strdup("CIM_ConcreteJob");
	struct cim_reply reply = run_op(f, &op);
	g_assert_cmpuint(drain(&reply), ==, 0);
}

static void
test_namespaces(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GString) names = g_string_new(NULL);
	struct cim_instance *instance;
	wait_ready(f, TRUE);
	struct cim_reply reply = enumerate(f, CIM_NS_ROOT, "__Namespace");
	g_assert_no_error(reply.error);
	while ((instance = cim_list_next(reply.list))) {
		g_string_append_printf(names, "%s ", cim_instance_string(instance, "Name"));
		cim_instance_unref(instance);
	}
	cim_reply_clear(&reply);
	g_assert_nonnull(strstr(names->str, "virtualization "));
	g_assert_nonnull(strstr(names->str, "HyperVCluster "));
	g_assert_nonnull(strstr(names->str, "cimv2 "));
	g_assert_null(strstr(names->str, "virtualization virtualization"));
	reply = enumerate(f, V2, "__Namespace");
	g_assert_cmpuint(drain(&reply), ==, 0);
}

/* ---- one object ---- */

static void
test_job(struct fixture *f, gconstpointer unused)
{
	g_autofree char *path = path_of_job(3, TRUE), *lower = g_ascii_strdown(path, -1);
	wait_ready(f, TRUE);
	cairn_auto(cim_instance) job = get(f, V2, path);
	g_assert_nonnull(job);
	g_assert_cmpstr(cim_instance_string(job, "InstanceID"), ==, guid('j', 3));
	g_assert_cmpstr(cim_instance_string(job, "CollectionId"), ==, guid('g', 1));
	g_assert_cmpstr(cim_instance_string(job, "BaseReferencePointGroupId"), ==, guid('p', 1));
	g_assert_cmpuint(number_of(job, "JobState"), ==, 7);
	g_assert_cmpuint(cim_instance_get(job, "OperationalStatus")->count, ==, 2);
	g_assert_cmpstr(cim_instance_string(job, "ElapsedTime"), ==, "00000000000002.000000:000");
	g_assert_cmpstr(cim_instance_string(job, "TimeBeforeRemoval"), ==,
			"00000000000500.000000:000");
	/* the same object, whatever the path looks like */
	cairn_auto(cim_instance) again = get(f, V2, lower);
	g_assert_true(again == job);
	g_autofree char *cluster = g_strdup_printf(
		"//./root/HyperVCluster/v2:Msvm_CollectionReferencePointExportJob=\"%s\"",
		guid('j', 3));
	cairn_auto(cim_instance) other = get(f, V2, cluster);
	g_assert_true(other == job);
	/* but not by another class, nor by what it is not */
	g_autofree char *wrong = path_of_job(3, FALSE), *missing = path_of_job(99, TRUE);
	g_assert_null(get(f, V2, wrong));
	g_assert_null(get(f, V2, missing));
	g_assert_null(get(f, V2, "CIM_ConcreteJob.InstanceID=\"x\""));
}

static void
test_running_job(struct fixture *f, gconstpointer unused)
{
	g_autofree char *path = path_of_job(4, TRUE);
	wait_ready(f, TRUE);
	cairn_auto(cim_instance) first = get(f, V2, path);
	gint64 until = g_get_monotonic_time() + 2000;
	while (g_get_monotonic_time() < until) /* the clock, not an event, is what is waited for */
		;
	cairn_auto(cim_instance) second = get(f, V2, path);
	g_assert_cmpuint(number_of(first, "JobState"), ==, 4);
	g_assert_cmpstr(cim_instance_string(second, "ElapsedTime"), >,
			cim_instance_string(first, "ElapsedTime"));
}

/* A job that waits or starts reads as running: clients take anything else for the end. */
static void
test_states(struct fixture *f, gconstpointer unused)
{
	static const guint states[][2] = {{2, 4},   {3, 4},   {4, 4},  {5, 5},
					  {6, 4},   {7, 7},   {8, 8},  {9, 9},
					  {10, 10}, {11, 11}, {12, 4}, {32768, 32768}};
	g_autofree char *path = path_of_job(4, TRUE);
	wait_ready(f, TRUE);
	for (guint i = 0; i < G_N_ELEMENTS(states); i++) {
		tell(f, "JOB_CHANGED", make_job(4, TRUE, states[i][0], 1, 2, 0));
		cairn_auto(cim_instance) job = get(f, V2, path);
		g_assert_cmpuint(number_of(job, "JobState"), ==, states[i][1]);
	}
}

static void
test_points(struct fixture *f, gconstpointer unused)
{
	g_autofree char *point =
		g_strdup_printf("Msvm_ReferencePointCollection.VirtualSystemCollectionId=\"%s\","
				"CollectionID=\"%s\"",
				guid('g', 1), guid('p', 1));
	g_autofree char *half =
		g_strdup_printf("Msvm_ReferencePointCollection.CollectionID=\"%s\"", guid('p', 1));
	g_autofree char *member =
		g_strdup_printf("Msvm_VirtualSystemReferencePoint.InstanceID=\"Cairn:%s\\\\%s\","
				"VirtualSystemIdentifier=\"%s\"",
				guid('v', 1), guid('p', 1), guid('v', 1));
	wait_ready(f, TRUE);
	cairn_auto(cim_instance) one = get(f, V2, point);
	g_assert_nonnull(one);
	g_assert_cmpstr(cim_instance_string(one, "ElementName"), ==, "web@1");
	g_assert_cmpuint(number_of(one, "ConsistencyLevel"), ==, 1); /* crash, here */
	g_assert_cmpuint(number_of(one, "ReferencePointType"), ==, 2);
	g_assert_null(get(f, V2, half));
	cairn_auto(cim_instance) part = get(f, V2, member);
	g_assert_nonnull(part);
	g_assert_cmpuint(number_of(part, "ConsistencyLevel"), ==, 1); /* application, here */
	const struct cim_value *disks = cim_instance_get(part, "VirtualDiskIdentifiers");
	const struct cim_value *ids = cim_instance_get(part, "ResilientChangeTrackingIdentifiers");
	g_assert_cmpuint(disks->count, ==, 2);
	g_assert_cmpuint(ids->count, ==, 2);
	g_autofree char *argument = object_disk_argument(disks->u.items[0].u.string);
	g_autofree char *wanted = g_strdup_printf("%s:vda", guid('v', 1));
	g_assert_cmpstr(argument, ==, wanted);
	g_assert_true(
		g_regex_match_simple("^rctX:[0-9a-f]{8}(:[0-9a-f]{4}){3}:[0-9a-f]{12}:00000001$",
				     ids->u.items[0].u.string, 0, 0));
	g_assert_cmpstr(ids->u.items[0].u.string, !=, ids->u.items[1].u.string);
}

static void
test_machines(struct fixture *f, gconstpointer unused)
{
	g_autofree char *path = g_strdup_printf(
		"Msvm_ComputerSystem.CreationClassName=\"Msvm_ComputerSystem\",Name=\"%s\"",
		guid('v', 3));
	g_autofree char *disk = g_strdup_printf(
		"Msvm_StorageAllocationSettingData.InstanceID=\"Cairn:%s\\\\vdb\"", guid('v', 1));
	wait_ready(f, TRUE);
	cairn_auto(cim_instance) vm = get(f, V2, path);
	g_assert_nonnull(vm);
	g_assert_cmpuint(number_of(vm, "EnabledState"), ==, 3);
	g_assert_cmpstr(cim_instance_string(vm, "Caption"), ==, "Virtual Machine");
	g_assert_cmpstr(cim_instance_string(vm, "ElementName"), ==, "vm3");
	cairn_auto(cim_instance) host =
		get(f, V2,
		    "Msvm_ComputerSystem.CreationClassName=\"Msvm_ComputerSystem\",Name=\"host\"");
	g_assert_cmpstr(cim_instance_string(host, "Name"), ==, HOST);
	cairn_auto(cim_instance) storage = get(f, V2, disk);
	g_assert_nonnull(storage);
	g_assert_cmpstr(cim_instance_get(storage, "HostResource")->u.items[0].u.string, ==,
			"/images/vm1-vdb.qcow2");
	g_assert_cmpuint(number_of(storage, "VirtualQuantity"), ==, (1 << 30) / 512);
	cairn_auto(cim_instance) drive = get(f, V2, cim_instance_string(storage, "Parent"));
	g_assert_nonnull(drive);
	g_assert_cmpuint(number_of(drive, "ResourceType"), ==, 17);
}

/* ---- queries ---- */

static void
test_queries(struct fixture *f, gconstpointer unused)
{
	static const struct {
		const char *format;
		char kind;
		guint which, count;
	} cases[] = {
		{"SELECT * FROM Msvm_ConcreteJob WHERE InstanceID = '%s'", 'j', 1, 1},
		{"SELECT * FROM CIM_ConcreteJob WHERE InstanceID = '%s' AND JobState = 4", 'j', 4,
		 1},
		{"SELECT * FROM CIM_ConcreteJob WHERE InstanceID = '%s' AND JobState = 7", 'j', 4,
		 0},
		{"SELECT JobState FROM CIM_ConcreteJob WHERE JobState = 7 OR InstanceID = '%s'",
		 'j', 4, 4},
		{"SELECT * FROM Msvm_VirtualSystemReferencePoint WHERE VirtualSystemIdentifier = "
		 "'%s'",
		 'v', 1, 2},
		{"SELECT * FROM Msvm_ComputerSystem WHERE Name = '%s'", 'v', 2, 1},
		{"SELECT * FROM Msvm_ComputerSystem WHERE Name <> '%s'", 'v', 2, 3},
		{"SELECT * FROM Msvm_AffectedJobElement WHERE ElementEffects IS NOT NULL", 0, 0,
		 13},
	};
	wait_ready(f, TRUE);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(GStrv) parts = g_strsplit(cases[i].format, "%s", 2);
		g_autofree char *text =
			cases[i].kind ? g_strconcat(parts[0], guid(cases[i].kind, cases[i].which),
						    parts[1], NULL)
				      : g_strdup(cases[i].format);
		struct cim_reply reply = query(f, text);
		guint count = drain(&reply);
		if (count != cases[i].count)
			g_error("%s: %u, not %u", text, count, cases[i].count);
	}
	struct cim_reply reply = query(f, "SELECT * FROM Msvm_ConcreteJob WHERE Nothing = 1");
	assert_status(&reply, CIM_ERR_INVALID_QUERY);
	reply = query(f, "SELECT * FROM Nothing");
	assert_status(&reply, CIM_ERR_INVALID_CLASS);
}

/* ---- who may ---- */

static void
test_access(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	for (guint i = 0; i < 3; i++) {
		struct cim_op op = {.kind = CIM_OP_ENUMERATE_INSTANCES, .ns = V2};
		op.class_name = g_strdup("CIM_ConcreteJob");
		struct cim_reply reply = run_as(f, &op, "stranger");
		assert_status(&reply, CIM_ERR_ACCESS_DENIED);
	}
	g_assert_cmpuint(f->access_asked, ==, 1); /* remembered */
	struct cim_op class = {.kind = CIM_OP_GET_CLASS, .ns = V2};
	class.class_name = g_strdup("CIM_ConcreteJob");
	struct cim_reply reply = run_as(f, &class, "stranger");
	assert_status(&reply, CIM_ERR_ACCESS_DENIED);
	/* whoever is told no loses his subscriptions: a busy daemon is no such answer */
	struct cim_op again = {.kind = CIM_OP_GET_CLASS, .ns = V2};
	again.class_name = g_strdup("CIM_ConcreteJob");
	reply = run_as(f, &again, "unlucky");
	assert_status(&reply, CIM_ERR_FAILED);
}

/* ---- classes ---- */

static void
test_classes(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	struct cim_op op = {.kind = CIM_OP_GET_CLASS, .ns = V2};
	op.class_name = g_strdup("msvm_CONCRETEJOB");
	struct cim_reply reply = run_op(f, &op);
	g_assert_no_error(reply.error);
	g_assert_cmpstr(reply.classes[0]->name, ==, "Msvm_ConcreteJob");
	g_assert_null(reply.classes[1]);
	cim_reply_clear(&reply);
	op = (struct cim_op){.kind = CIM_OP_ENUMERATE_CLASSES, .ns = V2};
	op.class_name = g_strdup("CIM_ConcreteJob");
	reply = run_op(f, &op);
	guint count = 0;
	while (reply.classes[count])
		count++;
	g_assert_cmpuint(count, ==, 3);
	cim_reply_clear(&reply);
	op = (struct cim_op){.kind = CIM_OP_ENUMERATE_CLASS_NAMES, .ns = V2};
	op.deep_inheritance = TRUE;
	reply = run_op(f, &op);
	for (count = 0; reply.classes[count]; count++)
		g_assert_true(reply.classes[count]->namespaces & (1u << V2));
	g_assert_cmpuint(count, >, 60);
	cim_reply_clear(&reply);
	op = (struct cim_op){.kind = CIM_OP_CREATE_CLASS, .ns = V2};
	reply = run_op(f, &op);
	assert_status(&reply, CIM_ERR_NOT_SUPPORTED);
	op = (struct cim_op){.kind = CIM_OP_GET_CLASS, .ns = V2};
	op.class_name = g_strdup("Msvm_Nothing");
	reply = run_op(f, &op);
	assert_status(&reply, CIM_ERR_NOT_FOUND);
}

/* ---- older builds ---- */

static void
test_builds(struct fixture *f, gconstpointer unused)
{
	for (guint i = 0; cim_builds[i]; i++) {
		g_autofree char *path = path_of_job(3, TRUE);
		model_free(f->model);
		cim_schema_free(f->schema);
		start_model(f, cim_builds[i]);
		wait_ready(f, TRUE);
		cairn_auto(cim_instance) job = get(f, V2, path);
		g_assert_nonnull(job);
		g_assert_true((cim_instance_get(job, "ExportedGuestStateFilePaths") != NULL) ==
			      (cim_builds[i] > 14393));
		struct cim_reply reply = enumerate(f, V2, "CIM_ManagedElement");
		g_assert_cmpuint(drain(&reply), >, 30);
		reply = enumerate(f, V2, "CIM_Dependency");
		g_assert_cmpuint(drain(&reply), >, 10);
	}
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/model/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("counts", test_counts);
	add("polymorphism", test_polymorphism);
	add("namespaces", test_namespaces);
	add("job", test_job);
	add("running-job", test_running_job);
	add("states", test_states);
	add("points", test_points);
	add("machines", test_machines);
	add("queries", test_queries);
	add("access", test_access);
	add("classes", test_classes);
	add("builds", test_builds);
	return g_test_run();
}
