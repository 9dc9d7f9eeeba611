/* Operations on filters, destinations and subscriptions, which are instances like any other. */
#include "cimd/events_private.h"

#include "cim/status.h"

#include <string.h>

static void
unref_instance(gpointer instance)
{
	cim_instance_unref(instance);
}

static gboolean
get_entry(struct events *events, const struct cim_path *path, const char *user,
	  struct entry **ret_entry, GError **error)
{
	struct entry *entry = path ? registry_find(events, user, path) : NULL;
	if (!entry)
		return cim_fail(error, CIM_ERR_NOT_FOUND, "there is no such instance");
	*ret_entry = entry;
	return TRUE;
}

static gboolean
run_get(struct events *events, const struct cim_op *op, const char *user, struct cim_reply *reply,
	GError **error)
{
	struct entry *entry = NULL;
	if (!get_entry(events, op->object, user, &entry, error))
		return FALSE;
	reply->instance = registry_read(entry);
	return TRUE;
}

static gboolean
run_create(struct events *events, const struct cim_op *op, const char *user,
	   struct cim_reply *reply, GError **error)
{
	struct entry *entry = NULL;
	if (!registry_create(events, user, op->instance, &entry, error))
		return FALSE;
	reply->instance = cim_instance_ref(entry->instance);
	return TRUE;
}

static gboolean
run_delete(struct events *events, const struct cim_op *op, const char *user,
	   struct cim_reply *reply, GError **error)
{
	struct entry *entry = NULL;
	return get_entry(events, op->object, user, &entry, error) &&
	       registry_delete(events, entry, error);
}

static gboolean
run_enumerate(struct events *events, const struct cim_op *op, const char *user,
	      struct cim_reply *reply, GError **error)
{
	GPtrArray *found = g_ptr_array_new_with_free_func(unref_instance);
	for (guint i = 0; i < events->entries->len; i++) {
		const struct entry *entry = events->entries->pdata[i];
		if (strcmp(entry->user, user) == 0 &&
		    cim_class_isa_name(entry->instance->class, op->class_name))
			g_ptr_array_add(found, registry_read(entry));
	}
	reply->list = cim_list_of(found);
	return TRUE;
}

/* ---- ModifyInstance ---- */

/* Whether the client wants @place changed to something else. */
static gboolean
is_change(const struct cim_op *op, const struct cim_instance *old, guint place)
{
	const struct cim_member *property = &op->instance->class->properties[place];
	if (!cim_property_list_has(op->list, property->name))
		return FALSE;
	/* Without a list, what is not said is left alone. */
	if (!op->list && !op->instance->values[place].is_set)
		return FALSE;
	return !cim_value_equal(&op->instance->values[place], &old->values[place]);
}

/* References are spelled in many ways; keys were compared when the instance was found. */
static gboolean
check_change(const struct cim_member *property, GError **error)
{
	if (property->flags & (CIM_MEMBER_WRITE | CIM_MEMBER_KEY))
		return TRUE;
	return cim_fail(error, CIM_ERR_NOT_SUPPORTED, "\"%s\" cannot be changed", property->name);
}

static gboolean
run_modify(struct events *events, const struct cim_op *op, const char *user,
	   struct cim_reply *reply, GError **error)
{
	struct entry *entry = NULL;
	const struct cim_class *class = op->instance->class;
	cairn_auto(cim_path) path = cim_instance_path(op->instance, NULL, NULL);
	if (!get_entry(events, op->object ? op->object : path, user, &entry, error))
		return FALSE;
	if (class != entry->instance->class)
		return cim_fail(error, CIM_ERR_INVALID_PARAMETER, "the instance is no %s",
				entry->instance->class->name);
	cairn_auto(cim_instance) changed = cim_instance_copy(entry->instance);
	for (guint i = 0; i < class->property_count; i++) {
		const struct cim_member *property = &class->properties[i];
		struct cim_value value;
		if (!is_change(op, entry->instance, i))
			continue;
		if (!check_change(property, error))
			return FALSE;
		if (!(property->flags & CIM_MEMBER_WRITE))
			continue;
		cim_value_copy(&op->instance->values[i], &value);
		cim_instance_set(changed, property->name, value);
	}
	cim_instance_unref(entry->instance);
	entry->instance = g_steal_pointer(&changed);
	const struct cim_value *duration =
		cim_instance_get(entry->instance, "SubscriptionDuration");
	if (entry->subscription && duration)
		registry_set_duration(entry, duration->is_set ? duration->u.uint : 0);
	reply->instance = registry_read(entry);
	return TRUE;
}

/* ---- associations: a subscription has two ends ---- */

static const char *const roles[] = {"Filter", "Handler"};

static gboolean
role_fits(const char *wanted, const char *role)
{
	return !wanted || g_ascii_strcasecmp(wanted, role) == 0;
}

static gboolean
class_fits(const char *wanted, const struct cim_instance *instance)
{
	return !wanted || cim_class_isa_name(instance->class, wanted);
}

/* Which end of @entry the object is; -1: none. */
static int
end_place(const struct entry *entry, const struct cim_path *object)
{
	for (int i = 0; i < (int)G_N_ELEMENTS(roles); i++) {
		const struct cim_value *end = cim_instance_get(entry->instance, roles[i]);
		if (cim_path_equal(end->u.path, object))
			return i;
	}
	return -1;
}

static void
add_associated(struct events *events, const struct cim_op *op, const struct entry *entry, int other,
	       GPtrArray *found)
{
	const struct cim_value *end = cim_instance_get(entry->instance, roles[other]);
	const struct entry *target = registry_find(events, entry->user, end->u.path);
	if (target && class_fits(op->assoc_class, entry->instance) &&
	    class_fits(op->result_class, target->instance) &&
	    role_fits(op->result_role, roles[other]) &&
	    !g_ptr_array_find(found, target->instance, NULL))
		g_ptr_array_add(found, registry_read(target));
}

static gboolean
run_associations(struct events *events, const struct cim_op *op, const char *user,
		 struct cim_reply *reply, GError **error)
{
	gboolean references = op->kind == CIM_OP_REFERENCES || op->kind == CIM_OP_REFERENCE_NAMES;
	struct entry *object = NULL;
	if (!get_entry(events, op->object, user, &object, error))
		return FALSE;
	cairn_auto(cim_path) path = entry_path(object);
	GPtrArray *found = g_ptr_array_new_with_free_func(unref_instance);
	for (guint i = 0; i < events->entries->len; i++) {
		const struct entry *entry = events->entries->pdata[i];
		int place = entry->subscription && strcmp(entry->user, user) == 0
				    ? end_place(entry, path)
				    : -1;
		if (place < 0 || !role_fits(op->role, roles[place]))
			continue;
		if (!references)
			add_associated(events, op, entry, 1 - place, found);
		else if (class_fits(op->result_class, entry->instance))
			g_ptr_array_add(found, registry_read(entry));
	}
	reply->list = cim_list_of(found);
	return TRUE;
}

/* ---- which does what ---- */

static const struct {
	enum cim_op_kind kind;
	gboolean (*run)(struct events *, const struct cim_op *, const char *, struct cim_reply *,
			GError **);
} runs[] = {
	{CIM_OP_GET_INSTANCE, run_get},
	{CIM_OP_CREATE_INSTANCE, run_create},
	{CIM_OP_DELETE_INSTANCE, run_delete},
	{CIM_OP_MODIFY_INSTANCE, run_modify},
	{CIM_OP_ENUMERATE_INSTANCES, run_enumerate},
	{CIM_OP_ENUMERATE_INSTANCE_NAMES, run_enumerate},
	{CIM_OP_ASSOCIATORS, run_associations},
	{CIM_OP_ASSOCIATOR_NAMES, run_associations},
	{CIM_OP_REFERENCES, run_associations},
	{CIM_OP_REFERENCE_NAMES, run_associations},
};

void
events_run(struct events *events, const struct cim_op *op, const char *user,
	   struct cim_reply *ret_reply)
{
	*ret_reply = (struct cim_reply){0};
	for (guint i = 0; i < G_N_ELEMENTS(runs); i++) {
		if (runs[i].kind == op->kind) {
			runs[i].run(events, op, user, ret_reply, &ret_reply->error);
			return;
		}
	}
	cim_fail(&ret_reply->error, CIM_ERR_NOT_SUPPORTED, "%s is not supported here",
		 cim_op_name(op->kind));
}
