/* Instances. */
#include "cim/instance.h"

#include <string.h>

struct cim_instance *
cim_instance_new(const struct cim_class *class)
{
	struct cim_instance *instance = g_new0(struct cim_instance, 1);
	instance->refs = 1;
	instance->class = class;
	instance->values = g_new0(struct cim_value, class->property_count);
	for (guint i = 0; i < class->property_count; i++)
		instance->values[i] =
			cim_null(class->properties[i].type, class->properties[i].is_array);
	return instance;
}

struct cim_instance *
cim_instance_ref(struct cim_instance *instance)
{
	instance->refs++;
	return instance;
}

void
cim_instance_unref(struct cim_instance *instance)
{
	if (!instance || --instance->refs)
		return;
	for (guint i = 0; i < instance->class->property_count; i++)
		cim_value_clear(&instance->values[i]);
	g_free(instance->values);
	g_free(instance);
}

struct cim_instance *
cim_instance_copy(const struct cim_instance *instance)
{
	struct cim_instance *copy = cim_instance_new(instance->class);
	for (guint i = 0; i < instance->class->property_count; i++)
		cim_value_copy(&instance->values[i], &copy->values[i]);
	return copy;
}

gboolean
cim_instance_equal(const struct cim_instance *a, const struct cim_instance *b)
{
	if (a->class != b->class)
		return FALSE;
	for (guint i = 0; i < a->class->property_count; i++)
		if (!cim_value_equal(&a->values[i], &b->values[i]))
			return FALSE;
	return TRUE;
}

const struct cim_value *
cim_instance_get(const struct cim_instance *instance, const char *name)
{
	int place = cim_class_property(instance->class, name);
	return place < 0 ? NULL : &instance->values[place];
}

const char *
cim_instance_string(const struct cim_instance *instance, const char *name)
{
	const struct cim_value *value = cim_instance_get(instance, name);
	if (!value || !value->is_set || value->is_array || value->is_embedded)
		return NULL;
	return value->type == CIM_STRING || value->type == CIM_DATETIME ? value->u.string : NULL;
}

void
cim_instance_set(struct cim_instance *instance, const char *name, struct cim_value value)
{
	int place = cim_class_property(instance->class, name);
	if (place < 0) {
		cim_value_clear(&value);
		return;
	}
	const struct cim_member *property = &instance->class->properties[place];
	if (!value.is_set) {
		value.type = (guint8)property->type;
		value.is_array = property->is_array != 0;
	}
	g_assert(value.type == property->type && value.is_array == (property->is_array != 0));
	cim_value_clear(&instance->values[place]);
	instance->values[place] = value;
}

/* Defaults were checked when the schema was made. */
static struct cim_value
default_value(const struct cim_member *property)
{
	if (!property->is_array) {
		struct cim_value value;
		gboolean ok = cim_value_parse(property->type, property->defaults[0], &value, NULL);
		g_assert(ok);
		return value;
	}
	struct cim_value array =
		cim_array(property->type, g_strv_length((char **)property->defaults));
	for (guint i = 0; i < array.count; i++) {
		gboolean ok = cim_value_parse(property->type, property->defaults[i],
					      &array.u.items[i], NULL);
		g_assert(ok);
	}
	return array;
}

void
cim_instance_set_defaults(struct cim_instance *instance)
{
	for (guint i = 0; i < instance->class->property_count; i++) {
		const struct cim_member *property = &instance->class->properties[i];
		if (property->defaults)
			cim_instance_set(instance, property->name, default_value(property));
	}
}

struct cim_path *
cim_instance_path(const struct cim_instance *instance, const char *host, const char *namespace)
{
	const struct cim_class *class = instance->class;
	struct cim_path *path = cim_path_new(namespace, class->name);
	path->host = g_strdup(host);
	path->key_count = class->key_count;
	path->keys = g_new0(struct cim_key, class->key_count);
	for (guint i = 0; i < class->key_count; i++) {
		path->keys[i].name = g_strdup(class->properties[class->keys[i]].name);
		cim_value_copy(&instance->values[class->keys[i]], &path->keys[i].value);
	}
	return path;
}

/* ---- property lists ---- */

/* A client may name thousands, and each is asked for at each property of each instance. */
#define LIST_SEARCHED 8 /* names; more are looked up */

struct cim_property_list {
	char **names;
	GHashTable *set; /* of the same names; NULL: they are few */
};

static guint
hash_nocase(gconstpointer name)
{
	guint hash = 5381;
	for (const char *at = name; *at; at++)
		hash = hash * 33 + (guint8)g_ascii_tolower(*at);
	return hash;
}

static gboolean
equal_nocase(gconstpointer a, gconstpointer b)
{
	return g_ascii_strcasecmp(a, b) == 0;
}

struct cim_property_list *
cim_property_list_new(char *const *names)
{
	struct cim_property_list *list = g_new0(struct cim_property_list, 1);
	list->names = g_strdupv((char **)names);
	if (!list->names || g_strv_length(list->names) <= LIST_SEARCHED)
		return list;
	list->set = g_hash_table_new(hash_nocase, equal_nocase);
	for (char **name = list->names; *name; name++)
		g_hash_table_add(list->set, *name);
	return list;
}

void
cim_property_list_free(struct cim_property_list *list)
{
	if (!list)
		return;
	g_clear_pointer(&list->set, g_hash_table_unref);
	g_strfreev(list->names);
	g_free(list);
}

gboolean
cim_property_list_has(const struct cim_property_list *list, const char *name)
{
	if (list && list->set)
		return g_hash_table_contains(list->set, name);
	for (char **it = list ? list->names : NULL; it && *it; it++)
		if (g_ascii_strcasecmp(*it, name) == 0)
			return TRUE;
	return !list;
}

const char *const *
cim_property_list_names(const struct cim_property_list *list)
{
	return list ? (const char *const *)list->names : NULL;
}
