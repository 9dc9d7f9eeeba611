/* Names and paths of CIM-XML (DSP0201 5.2.3, 5.2.4) to struct cim_path. */
#include "wire/cimxml_private.h"

#include "base/error.h"

#include <string.h>

#define NAMESPACE_PARTS_MAX 32

char *
cimxml_read_namespace(const struct xml_node *node, GError **error)
{
	GString *text = g_string_new(NULL);
	guint parts = 0;
	for (node = xml_child(node, NULL, "NAMESPACE"); node && parts <= NAMESPACE_PARTS_MAX;
	     node = xml_sibling(node, NULL, "NAMESPACE"), parts++) {
		const char *name = xml_attr(node, "NAME");
		if (text->len)
			g_string_append_c(text, '/');
		g_string_append(text, name ? name : "");
	}
	if (text->len && parts <= NAMESPACE_PARTS_MAX)
		return g_string_free(text, FALSE);
	g_string_free(text, TRUE);
	cim_fail(error, CIM_ERR_INVALID_NAMESPACE, "a namespace has 1 to %d NAMESPACE elements",
		 NAMESPACE_PARTS_MAX);
	return NULL;
}

/* ---- keys ---- */

/* DSP0201 5.2.4.8: VALUETYPE is only a rough sort, TYPE is left out by many. */
static enum cim_type
key_type(const struct xml_node *node)
{
	enum cim_type type = cim_type_from_name(xml_attr(node, "TYPE"));
	const char *sort = xml_attr(node, "VALUETYPE");
	if (type != CIM_TYPE_NONE && type != CIM_REFERENCE)
		return type;
	if (!sort || g_ascii_strcasecmp(sort, "string") == 0)
		return CIM_STRING;
	if (g_ascii_strcasecmp(sort, "boolean") == 0)
		return CIM_BOOLEAN;
	if (strchr(node->text, '.') || (strpbrk(node->text, "eE") && !strpbrk(node->text, "xX")))
		return CIM_REAL64;
	return strchr(node->text, '-') ? CIM_SINT64 : CIM_UINT64;
}

static struct cim_path *read_path(const struct cimxml_scope *scope, const struct xml_node *node,
				  guint depth, GError **error);

static gboolean
add_key(const struct cimxml_scope *scope, struct cim_path *path, const char *name,
	const struct xml_node *node, guint depth, GError **error)
{
	struct cim_value value = {0};
	if (strcmp(node->name, "VALUE.REFERENCE") == 0) {
		value = cim_reference_take(read_path(scope, node, depth + 1, error));
		if (!value.is_set)
			return FALSE;
	} else if (!cim_value_parse(key_type(node), node->text, &value, error)) {
		return FALSE;
	}
	if (cim_path_add_key(path, name, &value, error))
		return TRUE;
	cim_value_clear(&value);
	return FALSE;
}

/* The one key of a class, for a KEYVALUE that names none; "" when that is not known. */
static const char *
only_key(const struct cimxml_scope *scope, const char *class_name)
{
	const struct cim_class *class = cim_schema_class(scope->schema, scope->ns, class_name);
	return class && class->key_count == 1 ? class->properties[class->keys[0]].name : "";
}

static const struct xml_node *
key_value(const struct xml_node *binding)
{
	const struct xml_node *value = xml_child(binding, NULL, "KEYVALUE");
	return value ? value : xml_child(binding, NULL, "VALUE.REFERENCE");
}

static gboolean
read_key(const struct cimxml_scope *scope, struct cim_path *path, const struct xml_node *node,
	 guint depth, GError **error)
{
	const char *name = xml_attr(node, "NAME");
	if (strcmp(node->name, "KEYBINDING") != 0)
		return add_key(scope, path, only_key(scope, path->class_name), node, depth, error);
	node = key_value(node);
	if (!name || !node)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "a KEYBINDING of \"%s\" has no %s",
				  path->class_name, name ? "value" : "NAME");
	return add_key(scope, path, name, node, depth, error);
}

static gboolean
read_keys(const struct cimxml_scope *scope, struct cim_path *path, const struct xml_node *node,
	  guint depth, GError **error)
{
	for (node = node->first; node; node = node->next) {
		gboolean is_key = strcmp(node->name, "KEYBINDING") == 0 ||
				  strcmp(node->name, "KEYVALUE") == 0 ||
				  strcmp(node->name, "VALUE.REFERENCE") == 0;
		if (is_key && !read_key(scope, path, node, depth, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- paths ---- */

/* CLASSNAME or INSTANCENAME */
static struct cim_path *
read_name(const struct cimxml_scope *scope, const struct xml_node *node, guint depth,
	  GError **error)
{
	gboolean is_class = strcmp(node->name, "CLASSNAME") == 0;
	const char *name = xml_attr(node, is_class ? "NAME" : "CLASSNAME");
	if (!name || !*name) {
		cairn_fail(error, CAIRN_ERROR_INVALID, "%s has no name of a class", node->name);
		return NULL;
	}
	cairn_auto(cim_path) path = cim_path_new(NULL, name);
	path->is_class = is_class;
	if (!is_class && !read_keys(scope, path, node, depth, error))
		return NULL;
	return g_steal_pointer(&path);
}

static const struct xml_node *
name_below(const struct xml_node *node)
{
	const struct xml_node *name = xml_child(node, NULL, "INSTANCENAME");
	return name ? name : xml_child(node, NULL, "CLASSNAME");
}

/* HOST and namespace of INSTANCEPATH, LOCALINSTANCEPATH, CLASSPATH, LOCALCLASSPATH. */
static gboolean
read_place(struct cim_path *path, const struct xml_node *node, GError **error)
{
	const struct xml_node *full = xml_child(node, NULL, "NAMESPACEPATH");
	const struct xml_node *host = full ? xml_child(full, NULL, "HOST") : NULL;
	const struct xml_node *local = xml_child(full ? full : node, NULL, "LOCALNAMESPACEPATH");
	if (host && *host->text)
		path->host = g_strstrip(g_strdup(host->text));
	if (local)
		path->namespace = cimxml_read_namespace(local, error);
	return !local || path->namespace;
}

static struct cim_path *
read_path(const struct cimxml_scope *scope, const struct xml_node *node, guint depth,
	  GError **error)
{
	if (depth > CIM_PATH_DEPTH) {
		cairn_fail(error, CAIRN_ERROR_LIMIT, "references are at most %d deep in keys",
			   CIM_PATH_DEPTH);
		return NULL;
	}
	if (strcmp(node->name, "VALUE.REFERENCE") == 0 || strcmp(node->name, "OBJECTPATH") == 0) {
		if (!node->first)
			return cim_path_parse(node->text, error); /* as WMI's texts have it */
		node = node->first;
	}
	if (strcmp(node->name, "INSTANCENAME") == 0 || strcmp(node->name, "CLASSNAME") == 0)
		return read_name(scope, node, depth, error);
	const struct xml_node *name = name_below(node);
	if (!g_str_has_suffix(node->name, "PATH") || !name) {
		cairn_fail(error, CAIRN_ERROR_INVALID, "%s is no object path", node->name);
		return NULL;
	}
	cairn_auto(cim_path) path = read_name(scope, name, depth, error);
	return path && read_place(path, node, error) ? g_steal_pointer(&path) : NULL;
}

struct cim_path *
cimxml_read_path(const struct cimxml_scope *scope, const struct xml_node *node, GError **error)
{
	return read_path(scope, node, 0, error);
}
