/* Values and instances of CIM-XML (DSP0201 5.2.2, 5.2.5) to our structs, typed by the schema. */
#include "wire/cimxml_private.h"

#include "base/error.h"

#include <string.h>

gboolean
cimxml_retag(GError **error, enum cim_status status, const char *what, const char *name)
{
	if (error && *error && (*error)->domain != CIM_ERROR) {
		(*error)->domain = CIM_ERROR;
		(*error)->code = (int)status;
	}
	g_prefix_error(error, "%s \"%s\": ", what, name);
	return FALSE;
}

/* VALUE.OBJECT is WMI's (its DTD 2.0): an instance as elements, not as text. */
enum form { NOTHING, SCALAR, REFERENCE, OBJECT, ARRAY };

static enum form
form_of(const struct xml_node *node)
{
	static const struct {
		const char *name;
		enum form form;
	} forms[] = {
		{"VALUE", SCALAR},
		{"VALUE.ARRAY", ARRAY},
		{"VALUE.REFERENCE", REFERENCE},
		{"VALUE.REFARRAY", ARRAY},
		{"VALUE.OBJECTARRAY", ARRAY},
		{"VALUE.OBJECT", OBJECT},
	};
	for (guint i = 0; i < G_N_ELEMENTS(forms); i++)
		if (strcmp(node->name, forms[i].name) == 0)
			return forms[i].form;
	return NOTHING;
}

/* Text of a VALUE; elements that stand there unescaped (CLASS or INSTANCE of an embedded object, as
 * old servers wrote them) become text again. */
static gboolean
read_text(const struct xml_node *node, enum cim_type type, struct cim_value *ret_value,
	  GError **error)
{
	if (node->first && type == CIM_STRING) {
		GString *text = g_string_new(NULL);
		xml_print(node->first, text);
		*ret_value = cim_string_take(g_string_free(text, FALSE));
		return TRUE;
	}
	if (strlen(node->text) > CIM_STRING_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "a string has at most %d bytes",
				  CIM_STRING_MAX);
	return cim_value_parse(type, node->text, ret_value, error);
}

static gboolean
read_scalar(const struct cimxml_scope *scope, const struct xml_node *node, enum cim_type type,
	    struct cim_value *ret_value, GError **error)
{
	struct cim_path *path;
	switch (form_of(node)) {
	case SCALAR:
		/* MI writes a NULL of any type so */
		if (scope->lenient && type != CIM_STRING && *node->text == '\0') {
			*ret_value = cim_null(type, FALSE);
			return TRUE;
		}
		return read_text(node, type, ret_value, error);
	case OBJECT:
		return read_text(node, CIM_STRING, ret_value, error);
	case REFERENCE:
		path = cimxml_read_path(scope, node, error);
		if (path)
			*ret_value = cim_reference_take(path);
		return path != NULL;
	default: /* VALUE.NULL, and what nobody sends */
		*ret_value = cim_null(type, FALSE);
		return TRUE;
	}
}

static gboolean
read_array(const struct cimxml_scope *scope, const struct xml_node *node, enum cim_type type,
	   struct cim_value *ret_value, GError **error)
{
	guint count = 0, at = 0;
	for (const struct xml_node *item = node->first; item; item = item->next)
		count++;
	if (count > CIM_ARRAY_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "an array has at most %d elements",
				  CIM_ARRAY_MAX);
	struct cim_value array = cim_array(type, count);
	for (const struct xml_node *item = node->first; item; item = item->next) {
		struct cim_value *to = &array.u.items[at++];
		gboolean ok = read_scalar(scope, item, type, to, error);
		if (ok && to->type != type)
			ok = cim_value_coerce(to, type, FALSE, error);
		if (!ok) {
			cim_value_clear(&array);
			return FALSE;
		}
	}
	*ret_value = array;
	return TRUE;
}

gboolean
cimxml_read_value(const struct cimxml_scope *scope, const struct xml_node *holder,
		  enum cim_type type, gboolean is_array, struct cim_value *ret_value,
		  GError **error)
{
	struct cim_value value;
	const struct xml_node *node = holder->first;
	while (node && form_of(node) == NOTHING)
		node = node->next;
	if (!node) {
		*ret_value = cim_null(type, is_array);
		return TRUE;
	}
	gboolean array = form_of(node) == ARRAY;
	if (!(array ? read_array : read_scalar)(scope, node, type, &value, error))
		return FALSE;
	if ((value.type != type || array != (is_array != 0)) &&
	    !cim_value_coerce(&value, type, is_array, error)) {
		cim_value_clear(&value);
		return FALSE;
	}
	*ret_value = value;
	return TRUE;
}

/* ---- instances ---- */

/* Place of @name; clients mostly send properties in the class's order, so @hint is tried first. */
static int
find_property(const struct cim_class *class, const char *name, guint hint)
{
	if (hint < class->property_count && strcmp(class->properties[hint].name, name) == 0)
		return (int)hint;
	return cim_class_property(class, name);
}

static gboolean
read_property(const struct cimxml_scope *scope, const struct xml_node *node,
	      struct cim_instance *instance, guint *hint, GPtrArray *names, GError **error)
{
	const struct cim_class *class = instance->class;
	const char *name = xml_attr(node, "NAME");
	int place = name ? find_property(class, name, *hint) : -1;
	if (place < 0 && scope->lenient)
		return TRUE;
	if (place < 0)
		return cim_fail(error, name ? CIM_ERR_NO_SUCH_PROPERTY : CIM_ERR_INVALID_PARAMETER,
				"%s has no property \"%s\"", class->name, name ? name : "");
	const struct cim_member *property = &class->properties[place];
	struct cim_value value;
	if (!cimxml_read_value(scope, node, property->type, property->is_array, &value, error))
		return cimxml_retag(error, CIM_ERR_TYPE_MISMATCH, "property", property->name);
	cim_value_clear(&instance->values[place]);
	instance->values[place] = value;
	*hint = (guint)place + 1;
	if (names)
		g_ptr_array_add(names, (char *)property->name);
	return TRUE;
}

struct cim_instance *
cimxml_read_instance(const struct cimxml_scope *scope, const struct xml_node *node,
		     GPtrArray *names, GError **error)
{
	const char *name = xml_attr(node, "CLASSNAME");
	const struct cim_class *class =
		name ? cim_schema_class(scope->schema, scope->ns, name) : NULL;
	if (!class) {
		cim_fail(error, name ? CIM_ERR_INVALID_CLASS : CIM_ERR_INVALID_PARAMETER,
			 "there is no class \"%s\" in %s", name ? name : "",
			 cim_namespace_name(scope->ns));
		return NULL;
	}
	cairn_auto(cim_instance) instance = cim_instance_new(class);
	guint hint = 0;
	for (node = node->first; node; node = node->next)
		if (g_str_has_prefix(node->name, "PROPERTY") &&
		    !read_property(scope, node, instance, &hint, names, error))
			return NULL;
	return g_steal_pointer(&instance);
}
