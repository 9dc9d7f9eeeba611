/* The tables of the object model: every property of every class that has instances is bound, or it
 * is said why not; every association leads back to where it came from. */
#include "model_fixture.h"

#include <string.h>

#define V2 CIM_NS_VIRTUALIZATION

/* ---- bindings ---- */

static const struct bind_class *const job_classes[] = {&bind_export_job, &bind_concrete_job};

static void
check_class(const struct model *model, const struct bind_class *bind, guint *wrong)
{
	const struct cim_class *class = model_class(model, bind->name);
	if (!class)
		return;
	for (guint i = 0; i < class->property_count; i++) {
		const struct cim_member *member = &class->properties[i];
		const struct bind_property *row = bind_find(bind, member->name);
		gboolean said = row && (row->get != bind_unset || row->argument);
		if (said || member->unset)
			continue;
		g_test_message("%s.%s is not bound, and nothing says why", class->name,
			       member->name);
		++*wrong;
	}
}

/* Rows that no class has would be mistakes of spelling. */
static void
check_rows(const struct model *model, const struct bind_class *bind, guint *wrong)
{
	const struct cim_class *class = model_class(model, bind->name);
	for (guint i = 0; i < BIND_PARTS && bind->parts[i]; i++) {
		for (const struct bind_property *row = bind->parts[i]; class && row->name; row++) {
			if (cim_class_property(class, row->name) >= 0)
				continue;
			g_test_message("%s has no property %s", class->name, row->name);
			++*wrong;
		}
	}
}

/* What the schema says is never set is not set, and what is bound to a constant is. */
static void
check_instance(const struct cim_instance *instance, const struct bind_class *bind, guint *wrong)
{
	for (guint i = 0; i < instance->class->property_count; i++) {
		const struct cim_member *member = &instance->class->properties[i];
		const struct bind_property *row = bind_find(bind, member->name);
		gboolean constant = row && (row->get == bind_constant || row->get == bind_host ||
					    row->get == bind_class_name);
		if (instance->values[i].is_set ? !member->unset : !constant)
			continue;
		g_test_message("%s.%s: %s", instance->class->name, member->name,
			       instance->values[i].is_set ? "set, although the schema says why not"
							  : "not set");
		++*wrong;
	}
}

static const struct bind_class *
bind_of(const struct cim_class *class)
{
	for (guint i = 0; bind_classes[i]; i++)
		if (strcmp(bind_classes[i]->name, class->name) == 0)
			return bind_classes[i];
	return NULL;
}

static void
test_bound(struct fixture *f, gconstpointer unused)
{
	guint wrong = 0;
	g_assert_true(bind_of(model_class(f->model, job_classes[0]->name)) == job_classes[0]);
	for (guint i = 0; bind_classes[i]; i++) {
		g_assert_nonnull(model_class(f->model, bind_classes[i]->name));
		check_class(f->model, bind_classes[i], &wrong);
		check_rows(f->model, bind_classes[i], &wrong);
	}
	g_assert_cmpuint(wrong, ==, 0);
}

/* Every class of a driver has a binding, and its instances are as the tables say. */
static void
test_instances(struct fixture *f, gconstpointer unused)
{
	guint wrong = 0;
	wait_ready(f, TRUE);
	g_autoptr(GArray) objects = g_array_new(FALSE, FALSE, sizeof(struct object));
	for (guint ns = 0; ns < CIM_NS_LAST; ns++)
		for (guint type = OBJECT_NONE + 1; type < OBJECT_LAST; type++) {
			g_array_set_size(objects, 0);
			object_driver(type)->list(f->model, ns, objects);
			for (guint i = 0; i < objects->len; i++) {
				const struct object *object =
					&g_array_index(objects, struct object, i);
				cairn_auto(cim_instance) instance =
					object_instance(f->model, ns, object);
				if (instance && type != OBJECT_HOST)
					check_instance(instance, bind_of(instance->class), &wrong);
			}
		}
	g_assert_cmpuint(wrong, ==, 0);
}

/* Classes that can have instances have a driver, or never have any here. */
static void
test_served(struct fixture *f, gconstpointer unused)
{
	static const char *const empty[] = {
		/* made by clients, or inside calls only */
		"Msvm_CollectionReferencePointSettingData",
		"Msvm_CollectionReferencePointExportSettingData", "Msvm_VirtualMachineToDisks",
		"Msvm_VirtualSystemReferencePointSettingData",
		"Msvm_VirtualSystemReferencePointExportSettingData",
		"Msvm_CollectionSnapshotExportSettingData", "Msvm_VirtualSystemSnapshotSettingData",
		"Msvm_Error", "CIM_IndicationFilter", "CIM_ListenerDestinationCIMXML",
		"CIM_RegisteredProfile",
		/* cairn has none: groups hold machines, points are not snapshots, groups are
		 * exported
		 */
		"Msvm_ManagementCollection", "Msvm_SnapshotCollection",
		"Msvm_VirtualSystemReferencePointExportJob", NULL};
	guint wrong = 0;
	for (guint i = 0; i < cim_schema_count(f->schema); i++) {
		const struct cim_class *class = cim_schema_at(f->schema, i);
		gboolean served = g_strv_contains(empty, class->name);
		if (class->flags &
		    (CIM_CLASS_ABSTRACT | CIM_CLASS_ASSOCIATION | CIM_CLASS_INDICATION))
			continue;
		if (cim_class_isa_name(class, "__Event"))
			continue;
		for (guint type = OBJECT_NONE + 1; type < OBJECT_LAST; type++)
			served |= object_driver_has(object_driver(type), class);
		if (served)
			continue;
		g_test_message("nothing serves class %s", class->name);
		wrong++;
	}
	g_assert_cmpuint(wrong, ==, 0);
}

/* Every object is found again by its own path, in each namespace that shows it. */
static void
test_paths(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	g_autoptr(GArray) objects = g_array_new(FALSE, FALSE, sizeof(struct object));
	guint found = 0;
	for (guint ns = 0; ns < CIM_NS_LAST; ns++)
		for (guint type = OBJECT_NONE + 1; type < OBJECT_LAST; type++) {
			g_array_set_size(objects, 0);
			object_driver(type)->list(f->model, ns, objects);
			for (guint i = 0; i < objects->len; i++) {
				const struct object *object =
					&g_array_index(objects, struct object, i);
				g_autoptr(GError) error = NULL;
				struct object same;
				cairn_auto(cim_path) path = object_path(f->model, ns, object);
				if (!path)
					continue;
				g_autofree char *text = cim_path_print(path);
				cairn_auto(cim_path) parsed = cim_path_parse(text, &error);
				g_assert_no_error(error);
				object_find(f->model, CIM_NS_INTEROP, parsed, &same, &error);
				g_assert_no_error(error);
				g_assert_true(object_equal(object, &same));
				found++;
			}
		}
	g_assert_cmpuint(found, >, 60);
}

/* ---- associations ---- */

static gboolean
has(const GArray *objects, const struct object *object)
{
	for (guint i = 0; i < objects->len; i++)
		if (object_equal(&g_array_index(objects, struct object, i), object))
			return TRUE;
	return FALSE;
}

/* From every object of one end over and back again. */
static guint
check_way(const struct model *model, const struct association *association, guint from)
{
	g_autoptr(GArray) starts = g_array_new(FALSE, FALSE, sizeof(struct object));
	guint pairs = 0;
	object_driver(association->types[from])->list(model, V2, starts);
	for (guint i = 0; i < starts->len; i++) {
		const struct object *start = &g_array_index(starts, struct object, i);
		g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(struct object));
		(from == 0 ? association->right : association->left)(model, start, others);
		for (guint j = 0; j < others->len; j++) {
			const struct object *other = &g_array_index(others, struct object, j);
			g_autoptr(GArray) back = g_array_new(FALSE, FALSE, sizeof(struct object));
			g_assert_cmpint(other->type, ==, association->types[1 - from]);
			(from == 0 ? association->left : association->right)(model, other, back);
			if (!has(back, start))
				g_error("%s: no way back", association->class_name);
			pairs++;
		}
	}
	return pairs;
}

static void
test_both_ways(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	for (const struct association *it = associations; it->class_name; it++) {
		const struct cim_class *class = model_class(f->model, it->class_name);
		g_assert_nonnull(class);
		g_assert_cmpint(cim_class_property(class, it->roles[0]), >=, 0);
		g_assert_cmpint(cim_class_property(class, it->roles[1]), >=, 0);
		guint there = check_way(f->model, it, 0), back = check_way(f->model, it, 1);
		g_assert_cmpuint(there, ==, back);
		g_assert_cmpuint(there, >, 0);
	}
}

/* Ends are of the classes that the schema allows, references are found by their own paths, and
 * every property is set or said to be unset. */
static void
test_references(struct fixture *f, gconstpointer unused)
{
	static const enum cim_namespace_id namespaces[] = {V2, CIM_NS_CLUSTER};
	wait_ready(f, TRUE);
	for (guint n = 0; n < G_N_ELEMENTS(namespaces); n++)
		for (const struct association *it = associations; it->class_name; it++) {
			struct cim_instance *reference;
			if (!cim_schema_class(f->schema, namespaces[n], it->class_name))
				continue;
			struct cim_reply reply = enumerate(f, namespaces[n], it->class_name);
			g_assert_no_error(reply.error);
			while ((reference = cim_list_next(reply.list))) {
				for (guint i = 0; i < reference->class->property_count; i++)
					if (!reference->values[i].is_set &&
					    !reference->class->properties[i].unset)
						g_error("%s.%s is not set", it->class_name,
							reference->class->properties[i].name);
				cairn_auto(cim_path) path = cim_instance_path(
					reference, HOST, cim_namespace_name(namespaces[n]));
				g_autofree char *text = cim_path_print(path);
				cairn_auto(cim_instance) same = get(f, namespaces[n], text);
				if (!same)
					g_error("%s is not found", text);
				cim_instance_unref(reference);
			}
			cim_reply_clear(&reply);
		}
}

/* ---- asking ---- */

struct ask_case {
	const char *path; /* %s: a GUID */
	char kind;
	guint which;
	const char *assoc_class, *result_class, *role, *result_role;
	guint associators, references; /* references: ResultClass is assoc_class */
};

static const struct ask_case ask_cases[] = {
	{"Msvm_ConcreteJob.InstanceID=\"%s\"", 'j', 1, "Msvm_AffectedJobElement",
	 "Msvm_ReferencePointCollection", NULL, NULL, 1, 4},
	{"Msvm_ConcreteJob.InstanceID=\"%s\"", 'j', 1, "CIM_AffectedJobElement", "CIM_Collection",
	 NULL, NULL, 2, 4},
	{"Msvm_ConcreteJob.InstanceID=\"%s\"", 'j', 1, NULL, "Msvm_VirtualSystemReferencePoint",
	 NULL, NULL, 2, 5},
	{"Msvm_ConcreteJob.InstanceID=\"%s\"", 'j', 1, NULL, NULL, "AffectedElement", NULL, 0, 0},
	{"Msvm_ConcreteJob.InstanceID=\"%s\"", 'j', 1, NULL, NULL, "affectingelement",
	 "AFFECTEDELEMENT", 4, 4},
	{"Msvm_CollectionReferencePointExportJob.InstanceID=\"%s\"", 'j', 3,
	 "Msvm_AffectedJobElement", NULL, NULL, NULL, 3, 3},
	{"Msvm_CollectionReferencePointExportJob.InstanceID=\"%s\"", 'j', 3, "CIM_OwningJobElement",
	 NULL, NULL, NULL, 1, 1},
	{"Msvm_VirtualSystemCollection.CollectionID=\"%s\"", 'g', 1, NULL, "Msvm_ComputerSystem",
	 NULL, NULL, 2, 10},
	{"Msvm_VirtualSystemCollection.CollectionID=\"%s\"", 'g', 1, "CIM_Dependency", NULL, NULL,
	 NULL, 2, 2},
	{"Msvm_VirtualSystemCollection.CollectionID=\"%s\"", 'g', 2, NULL, "CIM_ManagedElement",
	 NULL, NULL, 2, 2},
	{"Msvm_ComputerSystem.CreationClassName=\"Msvm_ComputerSystem\",Name=\"%s\"", 'v', 1,
	 "Msvm_ReferencePointOfVirtualSystem", NULL, "Antecedent", "Dependent", 2, 2},
	{"Msvm_ComputerSystem.CreationClassName=\"Msvm_ComputerSystem\",Name=\"%s\"", 'v', 1,
	 "Msvm_SettingsDefineState", NULL, NULL, NULL, 1, 1},
	{"Msvm_VirtualSystemSettingData.InstanceID=\"Cairn:%s\"", 'v', 1,
	 "Msvm_VirtualSystemSettingDataComponent", "Msvm_StorageAllocationSettingData", NULL, NULL,
	 2, 4},
};

static struct cim_op
ask_op(const struct ask_case *it, enum cim_op_kind kind)
{
	struct cim_op op = {.kind = kind, .ns = V2};
	g_auto(GStrv) parts = g_strsplit(it->path, "%s", 2);
	g_autofree char *path = g_strconcat(parts[0], guid(it->kind, it->which), parts[1], NULL);
	op.object = cim_path_parse(path, NULL);
	g_assert_nonnull(op.object);
	op.role = g_strdup(it->role);
	op.result_role = g_strdup(it->result_role);
	return op;
}

static void
test_ask(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	for (guint i = 0; i < G_N_ELEMENTS(ask_cases); i++) {
		const struct ask_case *it = &ask_cases[i];
		struct cim_op op = ask_op(it, CIM_OP_ASSOCIATORS);
		op.assoc_class = g_strdup(it->assoc_class);
		op.result_class = g_strdup(it->result_class);
		struct cim_reply reply = run_op(f, &op);
		guint others = drain(&reply);
		op = ask_op(it, CIM_OP_REFERENCE_NAMES);
		op.result_class = g_strdup(it->assoc_class);
		reply = run_op(f, &op);
		guint references = drain(&reply);
		if (others != it->associators || references != it->references)
			g_error("case %u: %u and %u, not %u and %u", i, others, references,
				it->associators, it->references);
	}
}

static void
test_ask_wrong(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	struct cim_op op = ask_op(&ask_cases[0], CIM_OP_ASSOCIATORS);
	op.assoc_class = g_strdup("Msvm_Nothing");
	struct cim_reply reply = run_op(f, &op);
	g_assert_cmpint(cim_status_of(reply.error), ==, CIM_ERR_INVALID_PARAMETER);
	cim_reply_clear(&reply);
	struct ask_case missing = ask_cases[0];
	missing.which = 77;
	op = ask_op(&missing, CIM_OP_REFERENCES);
	reply = run_op(f, &op);
	g_assert_cmpint(cim_status_of(reply.error), ==, CIM_ERR_NOT_FOUND);
	cim_reply_clear(&reply);
}

static void
test_ask_queries(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	g_autofree char *first = g_strdup_printf(
		"ASSOCIATORS OF {Msvm_ConcreteJob.InstanceID='%s'} WHERE AssocClass = "
		"CIM_AffectedJobElement ResultClass = Msvm_ReferencePointCollection",
		guid('j', 1));
	struct cim_reply reply = query(f, first);
	g_assert_cmpuint(drain(&reply), ==, 1);
	g_autofree char *second = g_strdup_printf(
		"REFERENCES OF {\\\\.\\root\\virtualization\\v2:Msvm_ComputerSystem."
		"CreationClassName=\"Msvm_ComputerSystem\",Name=\"%s\"} WHERE ResultClass = "
		"Msvm_ReferencePointOfVirtualSystem",
		guid('v', 2));
	reply = query(f, second);
	g_assert_no_error(reply.error);
	const struct cim_instance *reference = cim_list_peek(reply.list);
	const struct cim_value *dependent = cim_instance_get(reference, "Dependent");
	cairn_auto(cim_instance) point = NULL;
	g_autofree char *path = cim_path_print(dependent->u.path);
	g_assert_true(g_str_has_prefix(path, "\\\\HOST\\root\\virtualization\\v2:"));
	point = get(f, V2, path);
	g_assert_nonnull(point);
	cim_reply_clear(&reply);
}

/* Who follows a job to its group and points does not make cairnd ask the hosts. */
static void
test_ask_cheaply(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	guint before = f->vm_lists;
	control_server_event(f->server, "VM_CHANGED", json_object());
	settle(f);
	struct cim_op op = ask_op(&ask_cases[0], CIM_OP_ASSOCIATORS);
	struct cim_reply reply = run_op(f, &op);
	g_assert_cmpuint(drain(&reply), ==, 5);
	g_assert_cmpuint(f->vm_lists, ==, before);
	op = ask_op(&ask_cases[7], CIM_OP_ASSOCIATORS);
	reply = run_op(f, &op);
	g_assert_cmpuint(drain(&reply), >, 2);
	g_assert_cmpuint(f->vm_lists, ==, before + 1);
}

/* Effects: what a job made, and what it had for itself. */
static void
test_effects(struct fixture *f, gconstpointer unused)
{
	struct cim_instance *reference;
	guint created = 0, used = 0;
	wait_ready(f, TRUE);
	struct cim_reply reply = enumerate(f, CIM_NS_CLUSTER, "CIM_AffectedJobElement");
	g_assert_no_error(reply.error);
	while ((reference = cim_list_next(reply.list))) {
		const struct cim_value *effects = cim_instance_get(reference, "ElementEffects");
		g_assert_cmpuint(effects->count, ==, 1);
		if (effects->u.items[0].u.uint == 5)
			created++;
		else
			used++;
		cim_instance_unref(reference);
	}
	cim_reply_clear(&reply);
	g_assert_cmpuint(created, ==, 6); /* two points with two machines each */
	g_assert_cmpuint(used, ==, 7);	  /* a group each, one and two points */
}

static void
test_ask_classes(struct fixture *f, gconstpointer unused)
{
	wait_ready(f, TRUE);
	struct cim_op op = {.kind = CIM_OP_REFERENCES, .ns = V2};
	op.class_name = g_strdup("Msvm_ConcreteJob");
	struct cim_reply reply = run_op(f, &op);
	gboolean owning = FALSE;
	g_assert_no_error(reply.error);
	for (guint i = 0; reply.classes[i]; i++)
		owning |= strcmp(reply.classes[i]->name, "Msvm_OwningJobElement") == 0;
	g_assert_true(owning);
	cim_reply_clear(&reply);
	op = (struct cim_op){.kind = CIM_OP_ASSOCIATORS, .ns = V2};
	op.class_name = g_strdup("Msvm_ReferencePointCollection");
	op.assoc_class = g_strdup("Msvm_CollectedReferencePoints");
	reply = run_op(f, &op);
	g_assert_no_error(reply.error);
	g_assert_cmpstr(reply.classes[0]->name, ==, "Msvm_VirtualSystemReferencePoint");
	g_assert_null(reply.classes[1]);
	cim_reply_clear(&reply);
	op = (struct cim_op){.kind = CIM_OP_ASSOCIATORS, .ns = V2};
	op.class_name = g_strdup("Msvm_ReferencePointCollection");
	op.assoc_class = g_strdup("Msvm_Nothing");
	reply = run_op(f, &op);
	g_assert_cmpint(cim_status_of(reply.error), ==, CIM_ERR_INVALID_PARAMETER);
	cim_reply_clear(&reply);
}

static void
add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strdup_printf("/model-tables/%s", name);
	g_test_add(path, struct fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("bound", test_bound);
	add("instances", test_instances);
	add("served", test_served);
	add("paths", test_paths);
	add("both-ways", test_both_ways);
	add("references", test_references);
	add("ask", test_ask);
	add("ask-wrong", test_ask_wrong);
	add("ask-queries", test_ask_queries);
	add("ask-cheaply", test_ask_cheaply);
	add("effects", test_effects);
	add("ask-classes", test_ask_classes);
	return g_test_run();
}
