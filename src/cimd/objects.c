/* Objects by their types: the instance and the path of one, and the one that a path names. */
#include "cimd/model_private.h"

#include <string.h>

static const struct object_driver *const drivers[OBJECT_LAST] = {
	[OBJECT_HOST] = &host_driver,	      [OBJECT_VM] = &vm_driver,
	[OBJECT_SETTINGS] = &settings_driver, [OBJECT_DRIVE] = &drive_driver,
	[OBJECT_DISK] = &disk_driver,	      [OBJECT_GROUP] = &group_driver,
	[OBJECT_POINT] = &point_driver,	      [OBJECT_MEMBER] = &member_driver,
	[OBJECT_JOB] = &job_driver,	      [OBJECT_SERVICE] = &service_driver,
	[OBJECT_PROFILE] = &profile_driver,   [OBJECT_NAMESPACE] = &namespace_driver,
	[OBJECT_MANAGER] = &manager_driver,
};

const struct object_driver *
object_driver(enum object_type type)
{
	return drivers[type];
}

struct cim_instance *
object_instance(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	struct cim_instance *instance = drivers[object->type]->instance(model, ns, object);
	if (instance && !(instance->class->namespaces & (1u << ns)))
		g_clear_pointer(&instance, cim_instance_unref);
	return instance;
}

struct cim_path *
object_path(const struct model *model, enum cim_namespace_id ns, const struct object *object)
{
	cairn_auto(cim_instance) instance = object_instance(model, ns, object);
	return instance ? cim_instance_path(instance, model->host, cim_namespace_name(ns)) : NULL;
}

guint
object_hash(gconstpointer data)
{
	const struct object *object = data;
	const void *parts[] = {object->group, object->point, object->member,
			       object->job,   object->vm,    object->disk};
	guint hash = object->type * 31 + object->which;
	for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
		hash = hash * 31 + g_direct_hash(parts[i]);
	return hash;
}

gboolean
object_equal(gconstpointer a, gconstpointer b)
{
	const struct object *x = a, *y = b;
	return x->type == y->type && x->which == y->which && x->group == y->group &&
	       x->point == y->point && x->member == y->member && x->job == y->job &&
	       x->vm == y->vm && x->disk == y->disk;
}

/* ---- finding ---- */

const char *
object_key(const struct cim_path *path, const char *name)
{
	const char *text = cim_path_string(path, name);
	return !text && path->key_count == 1 ? cim_path_string(path, "") : text;
}

/* Values of keys are compared without case, as WMI does; 5 and "5" are the same. */
static gboolean
equal_keys(const struct cim_value *a, const struct cim_value *b)
{
	if (a->type == CIM_REFERENCE && b->type == CIM_REFERENCE && a->is_set && b->is_set)
		return cim_path_equal(a->u.path, b->u.path);
	if (!a->is_set || !b->is_set || a->is_array || b->is_array)
		return FALSE;
	if (a->type == CIM_STRING && b->type == CIM_STRING)
		return g_ascii_strcasecmp(a->u.string, b->u.string) == 0;
	g_autoptr(GString) x = g_string_new(NULL);
	g_autoptr(GString) y = g_string_new(NULL);
	cim_value_print(a, x);
	cim_value_print(b, y);
	return g_ascii_strcasecmp(x->str, y->str) == 0;
}

gboolean
object_has_keys(const struct cim_instance *instance, const struct cim_path *path)
{
	const struct cim_class *class = instance->class;
	if (path->key_count != class->key_count)
		return FALSE;
	for (guint i = 0; i < class->key_count; i++) {
		const struct cim_value *value = &instance->values[class->keys[i]];
		const struct cim_value *key =
			cim_path_key(path, class->properties[class->keys[i]].name);
		if (!key && path->key_count == 1)
			key = cim_path_key(path, "");
		if (!key || !equal_keys(value, key))
			return FALSE;
	}
	return TRUE;
}

/* Only the class itself is right in a path, none of its ancestors (DSP0207 5.2). */
static gboolean
is_it(const struct model *model, enum cim_namespace_id ns, const struct cim_class *class,
      const struct cim_path *path, const struct object *object)
{
	cairn_auto(cim_instance) instance = object_instance(model, ns, object);
	return instance && instance->class == class && object_has_keys(instance, path);
}

static gboolean
find_in_driver(const struct model *model, enum cim_namespace_id ns, const struct cim_class *class,
	       const struct cim_path *path, const struct object_driver *driver,
	       struct object *ret_object)
{
	if (driver->find)
		return driver->find(model, path, ret_object) &&
		       is_it(model, ns, class, path, ret_object);
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct object));
	driver->list(model, ns, all);
	for (guint i = 0; i < all->len; i++) {
		*ret_object = g_array_index(all, struct object, i);
		if (is_it(model, ns, class, path, ret_object))
			return TRUE;
	}
	return FALSE;
}

gboolean
object_driver_has(const struct object_driver *driver, const struct cim_class *class)
{
	for (guint i = 0; driver->classes[i]; i++)
		if (g_ascii_strcasecmp(driver->classes[i], class->name) == 0)
			return TRUE;
	return FALSE;
}

static gboolean
fail_not_found(const struct cim_path *path, GError **error)
{
	g_autofree char *text = cim_path_print(path);
	return cim_fail(error, CIM_ERR_NOT_FOUND, "there is no object \"%s\"", text);
}

gboolean
object_namespace(enum cim_namespace_id *ns, const struct cim_path *path, GError **error)
{
	enum cim_namespace_id named;
	if (!path->namespace || !*path->namespace)
		return TRUE;
	named = cim_namespace_find(path->namespace, NULL);
	if (named == CIM_NS_LAST)
		return cim_fail(error, CIM_ERR_INVALID_NAMESPACE, "there is no namespace \"%s\"",
				path->namespace);
	*ns = named;
	return TRUE;
}

gboolean
object_find(const struct model *model, enum cim_namespace_id ns, const struct cim_path *path,
	    struct object *ret_object, GError **error)
{
	if (!object_namespace(&ns, path, error))
		return FALSE;
	const struct cim_class *class = cim_schema_class(model->schema, ns, path->class_name);
	if (!class)
		return cim_fail(error, CIM_ERR_INVALID_CLASS, "there is no class \"%s\" in \"%s\"",
				path->class_name, cim_namespace_name(ns));
	struct object found;
	for (guint i = OBJECT_NONE + 1; i < OBJECT_LAST; i++) {
		if (!object_driver_has(drivers[i], class) ||
		    !find_in_driver(model, ns, class, path, drivers[i], &found))
			continue;
		*ret_object = found;
		return TRUE;
	}
	return fail_not_found(path, error);
}

char *
object_disk_argument(const char *instance_id)
{
	const char *id = instance_id;
	if (!id || g_ascii_strncasecmp(id, "Cairn:", 6) != 0)
		return NULL;
	const char *slash = strchr(id + 6, '\\');
	if (!slash || slash == id + 6 || !slash[1] || strchr(slash + 1, '\\'))
		return NULL;
	return g_strdup_printf("%.*s:%s", (int)(slash - id - 6), id + 6, slash + 1);
}
