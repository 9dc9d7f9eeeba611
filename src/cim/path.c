/* Object paths as structs; their text is path_text.c's. */
#include "cim/path.h"

#include "base/error.h"
#include "base/guid.h"

#include <string.h>

struct cim_path *
cim_path_new(const char *namespace, const char *class_name)
{
	struct cim_path *path = g_new0(struct cim_path, 1);
	path->namespace = g_strdup(namespace);
	path->class_name = g_strdup(class_name);
	return path;
}

void
cim_path_free(struct cim_path *path)
{
	if (!path)
		return;
	for (guint i = 0; i < path->key_count; i++) {
		g_free(path->keys[i].name);
		cim_value_clear(&path->keys[i].value);
	}
	g_free(path->keys);
	g_free(path->host);
	g_free(path->namespace);
	g_free(path->class_name);
	g_free(path);
}

struct cim_path *
cim_path_copy(const struct cim_path *path)
{
	struct cim_path *copy = cim_path_new(path->namespace, path->class_name);
	copy->host = g_strdup(path->host);
	copy->is_class = path->is_class;
	copy->key_count = path->key_count;
	copy->keys = g_new0(struct cim_key, path->key_count);
	for (guint i = 0; i < path->key_count; i++) {
		copy->keys[i].name = g_strdup(path->keys[i].name);
		cim_value_copy(&path->keys[i].value, &copy->keys[i].value);
	}
	return copy;
}

gboolean
cim_path_add_key(struct cim_path *path, const char *name, struct cim_value *value, GError **error)
{
	if (path->key_count >= CIM_KEYS_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "an object path has at most %d keys",
				  CIM_KEYS_MAX);
	if (cim_path_key(path, name))
		return cairn_fail(error, CAIRN_ERROR_EXISTS, "the key \"%s\" is there twice", name);
	path->keys = g_renew(struct cim_key, path->keys, path->key_count + 1);
	path->keys[path->key_count].name = g_strdup(name);
	path->keys[path->key_count].value = *value;
	path->key_count++;
	*value = (struct cim_value){0};
	return TRUE;
}

void
cim_path_add_string(struct cim_path *path, const char *name, const char *value)
{
	struct cim_value key = cim_string(value);
	gboolean added = cim_path_add_key(path, name, &key, NULL);
	g_assert(added);
}

const struct cim_value *
cim_path_key(const struct cim_path *path, const char *name)
{
	for (guint i = 0; i < path->key_count; i++)
		if (g_ascii_strcasecmp(path->keys[i].name, name) == 0)
			return &path->keys[i].value;
	return NULL;
}

const char *
cim_path_string(const struct cim_path *path, const char *name)
{
	const struct cim_value *value = cim_path_key(path, name);
	return value && value->type == CIM_STRING && value->is_set && !value->is_array &&
			       !value->is_embedded
		       ? value->u.string
		       : NULL;
}

/* ---- equality ---- */

/* GUIDs are compared without case: WMI shows them in upper case, libvirt in lower. */
static gboolean
equal_strings(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return TRUE;
	return g_ascii_strcasecmp(a, b) == 0 && cairn_guid_valid(a);
}

static gboolean
equal_values(const struct cim_value *a, const struct cim_value *b)
{
	g_autoptr(GString) text_a = NULL;
	g_autoptr(GString) text_b = NULL;
	if (!a->is_set || !b->is_set || a->is_array || b->is_array)
		return cim_value_equal(a, b);
	if (a->type == CIM_REFERENCE && b->type == CIM_REFERENCE)
		return cim_path_equal(a->u.path, b->u.path);
	if (a->type == CIM_STRING && b->type == CIM_STRING)
		return equal_strings(a->u.string, b->u.string);
	if (a->type == b->type)
		return cim_value_equal(a, b);
	/* 5 for "5", TRUE for "true": clients type keys by their looks */
	text_a = g_string_new(NULL);
	text_b = g_string_new(NULL);
	cim_value_print(a, text_a);
	cim_value_print(b, text_b);
	return g_ascii_strcasecmp(text_a->str, text_b->str) == 0;
}

/* Names of namespaces: any case, either slash. */
static gboolean
equal_namespaces(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		char x = *a == '\\' ? '/' : g_ascii_tolower(*a);
		char y = *b == '\\' ? '/' : g_ascii_tolower(*b);
		if (x != y)
			return FALSE;
	}
	return *a == *b;
}

gboolean
cim_path_equal(const struct cim_path *a, const struct cim_path *b)
{
	if (g_ascii_strcasecmp(a->class_name, b->class_name) != 0 || a->is_class != b->is_class ||
	    a->key_count != b->key_count)
		return FALSE;
	if (a->namespace && b->namespace && !equal_namespaces(a->namespace, b->namespace))
		return FALSE;
	for (guint i = 0; i < a->key_count; i++) {
		const struct cim_value *other = cim_path_key(b, a->keys[i].name);
		if (!other || !equal_values(&a->keys[i].value, other))
			return FALSE;
	}
	return TRUE;
}
