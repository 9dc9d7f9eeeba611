/* From names to objects: people say "web", "web@3" or a GUID, CIM has keys. */
#include "cli/remote_private.h"

#include "base/error.h"
#include "base/guid.h"

#include <string.h>

json_t *
reference_new(const char *class_name, const char *key, const char *value)
{
	return json_pack("{s:s, s:{s:s}}", "class", class_name, "keys", key, value);
}

const json_t *
reference_of(const json_t *instance)
{
	return json_object_get(instance, "__REF");
}

static int
by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Backslashes and quotes are escaped (DSP0004 8.2). */
static void
put_key(GString *out, const char *name, const char *value)
{
	g_string_append_printf(out, "%s=\"", name);
	for (; value && *value; value++) {
		if (*value == '\\' || *value == '"')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *value);
	}
	g_string_append_c(out, '"');
}

/* Keys in the order of their names, as WMI prints them. */
char *
reference_path(const json_t *reference)
{
	const json_t *keys = json_object_get(reference, "keys");
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GString) out = g_string_new(NULL);
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)keys, name, value)
		g_ptr_array_add(names, (gpointer)name);
	g_ptr_array_sort(names, by_name);
	g_string_append_printf(out, "\\\\.\\root\\virtualization\\v2:%s.",
			       property_text(reference, "class"));
	for (guint i = 0; i < names->len; i++) {
		g_string_append(out, i ? "," : "");
		put_key(out, names->pdata[i], property_text(keys, names->pdata[i]));
	}
	return g_strdup(out->str);
}

const json_t *
remote_service(struct remote *remote, const char *class_name, GError **error)
{
	json_t *known = g_hash_table_lookup(remote->services, class_name);
	if (known)
		return known;
	g_autoptr(json_t) list = remote_enumerate(remote, class_name, error);
	if (!list)
		return NULL;
	if (json_array_size(list) != 1) {
		cairn_fail(error, CAIRN_ERROR_NOT_FOUND, "%s has no service \"%s\"", remote->host,
			   class_name);
		return NULL;
	}
	known = json_incref((json_t *)reference_of(json_array_get(list, 0)));
	g_hash_table_insert(remote->services, g_strdup(class_name), known);
	return known;
}

const json_t *
find_by(const json_t *list, const char *name, const char *value)
{
	size_t i;
	json_t *item;
	json_array_foreach ((json_t *)list, i, item) {
		const char *text = property_text(item, name);
		if (!text || !value)
			continue;
		if (cairn_guid_valid(value) ? g_ascii_strcasecmp(text, value) == 0
					    : strcmp(text, value) == 0)
			return item;
	}
	return NULL;
}

/* The name comes first, as with cairnd. */
static json_t *
find_named(const json_t *list, const char *key, const char *name, const char *kind, GError **error)
{
	const json_t *found = find_by(list, "ElementName", name);
	if (!found && cairn_guid_valid(name))
		found = find_by(list, key, name);
	if (!found)
		cairn_fail(error, CAIRN_ERROR_NOT_FOUND, "there is no %s \"%s\"", kind, name);
	return json_incref((json_t *)found);
}

json_t *
remote_find_group(struct remote *remote, const char *name, GError **error)
{
	g_autoptr(json_t) list = remote_enumerate(remote, CLASS_GROUP, error);
	return list ? find_named(list, "CollectionID", name, "group", error) : NULL;
}

json_t *
remote_list_vms(struct remote *remote, GError **error)
{
	g_autoptr(json_t) list = remote_enumerate(remote, CLASS_VM, error);
	json_t *vms = list ? json_array() : NULL;
	size_t i;
	json_t *item;
	json_array_foreach (list, i, item)
		if (property_text(item, "Name") && cairn_guid_valid(property_text(item, "Name")))
			json_array_append(vms, item);
	return vms;
}

json_t *
remote_find_vm(struct remote *remote, const char *name, GError **error)
{
	g_autoptr(json_t) list = remote_list_vms(remote, error);
	return list ? find_named(list, "Name", name, "virtual machine", error) : NULL;
}

guint64
point_number(const json_t *point)
{
	const char *name = property_text(point, "ElementName");
	const char *at = name ? strrchr(name, '@') : NULL;
	guint64 number = 0;
	return at && g_ascii_string_to_unsigned(at + 1, 10, 1, JSON_MAX_UINT, &number, NULL)
		       ? number
		       : 0;
}

/* GROUP@latest; @group is its GUID. */
static const json_t *
find_latest(const json_t *points, const char *group)
{
	const json_t *latest = NULL;
	size_t i;
	json_t *item;
	json_array_foreach ((json_t *)points, i, item) {
		const char *of = property_text(item, "VirtualSystemCollectionId");
		if (of && g_ascii_strcasecmp(of, group) == 0 &&
		    (!latest || point_number(item) >= point_number(latest)))
			latest = item;
	}
	return latest;
}

static const json_t *
find_numbered(const json_t *points, const char *group, guint64 number)
{
	size_t i;
	json_t *item;
	json_array_foreach ((json_t *)points, i, item) {
		const char *of = property_text(item, "VirtualSystemCollectionId");
		if (of && g_ascii_strcasecmp(of, group) == 0 && point_number(item) == number)
			return item;
	}
	return NULL;
}

/* GROUP@NUMBER and GROUP@latest, where GROUP may be a GUID too. */
static const json_t *
find_in_group(struct remote *remote, const json_t *points, const char *name, GError **error)
{
	const char *at = strrchr(name, '@');
	guint64 number = 0;
	if (!at || at == name)
		return NULL;
	g_autofree char *head = g_strndup(name, (gsize)(at - name));
	g_autoptr(json_t) group = remote_find_group(remote, head, error);
	if (!group)
		return NULL;
	const char *id = property_text(group, "CollectionID");
	if (strcmp(at + 1, "latest") == 0)
		return find_latest(points, id);
	return g_ascii_string_to_unsigned(at + 1, 10, 1, JSON_MAX_UINT, &number, NULL)
		       ? find_numbered(points, id, number)
		       : NULL;
}

json_t *
remote_find_point(struct remote *remote, const char *name, GError **error)
{
	g_autoptr(json_t) points = remote_enumerate(remote, CLASS_POINT, error);
	g_autoptr(GError) local = NULL;
	if (!points)
		return NULL;
	const json_t *found = find_by(points, "ElementName", name);
	if (!found && cairn_guid_valid(name))
		found = find_by(points, "CollectionID", name);
	if (!found)
		found = find_in_group(remote, points, name, &local);
	if (local)
		g_propagate_error(error, g_steal_pointer(&local));
	else if (!found)
		cairn_fail(error, CAIRN_ERROR_NOT_FOUND,
			   "there is no point \"%s\" (GROUP@NUMBER, GROUP@latest or a GUID)", name);
	return json_incref((json_t *)found);
}
