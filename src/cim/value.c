/* Values: making, copying, comparing, freeing. Their text is value_text.c's. */
#include "cim/value.h"

#include "cim/instance.h"
#include "cim/path.h"

#include <string.h>

static gboolean
has_string(const struct cim_value *value)
{
	return value->type == CIM_STRING || value->type == CIM_DATETIME;
}

static void
clear_scalar(struct cim_value *value)
{
	if (value->is_embedded)
		cim_instance_unref(value->u.instance);
	else if (has_string(value))
		g_free(value->u.string);
	else if (value->type == CIM_REFERENCE)
		cim_path_free(value->u.path);
}

void
cim_value_clear(struct cim_value *value)
{
	if (value->is_set && value->is_array) {
		for (guint i = 0; i < value->count; i++)
			if (value->u.items[i].is_set)
				clear_scalar(&value->u.items[i]);
		g_free(value->u.items);
	} else if (value->is_set) {
		clear_scalar(value);
	}
	*value = (struct cim_value){0};
}

static void
copy_scalar(const struct cim_value *value, struct cim_value *ret_copy)
{
	*ret_copy = *value;
	if (!value->is_set)
		return;
	if (value->is_embedded)
		ret_copy->u.instance = cim_instance_ref(value->u.instance);
	else if (has_string(value))
		ret_copy->u.string = g_strdup(value->u.string);
	else if (value->type == CIM_REFERENCE)
		ret_copy->u.path = cim_path_copy(value->u.path);
}

void
cim_value_copy(const struct cim_value *value, struct cim_value *ret_copy)
{
	if (!value->is_array || !value->is_set) {
		copy_scalar(value, ret_copy);
		return;
	}
	*ret_copy = *value;
	ret_copy->u.items = g_new0(struct cim_value, value->count);
	for (guint i = 0; i < value->count; i++)
		copy_scalar(&value->u.items[i], &ret_copy->u.items[i]);
}

static gboolean
equal_scalars(const struct cim_value *a, const struct cim_value *b)
{
	if (a->is_embedded)
		return cim_instance_equal(a->u.instance, b->u.instance);
	if (has_string(a))
		return strcmp(a->u.string, b->u.string) == 0;
	switch (a->type) {
	case CIM_REFERENCE:
		return cim_path_equal(a->u.path, b->u.path);
	case CIM_BOOLEAN:
		return !a->u.boolean == !b->u.boolean;
	case CIM_REAL32:
	case CIM_REAL64:
		return memcmp(&a->u.real, &b->u.real, sizeof a->u.real) == 0;
	default:
		return a->u.uint == b->u.uint;
	}
}

gboolean
cim_value_equal(const struct cim_value *a, const struct cim_value *b)
{
	if (a->is_set != b->is_set || a->is_array != b->is_array || a->type != b->type)
		return FALSE;
	if (!a->is_set)
		return TRUE;
	if (!a->is_array)
		return a->is_embedded == b->is_embedded && equal_scalars(a, b);
	if (a->count != b->count)
		return FALSE;
	for (guint i = 0; i < a->count; i++)
		if (!cim_value_equal(&a->u.items[i], &b->u.items[i]))
			return FALSE;
	return TRUE;
}

/* ---- makers ---- */

struct cim_value
cim_null(enum cim_type type, gboolean is_array)
{
	return (struct cim_value){.type = (guint8)type, .is_array = is_array != 0};
}

struct cim_value
cim_boolean(gboolean value)
{
	return (struct cim_value){.type = CIM_BOOLEAN, .is_set = 1, .u.boolean = value != 0};
}

struct cim_value
cim_uint(enum cim_type type, guint64 value)
{
	g_assert(cim_type_is_unsigned(type) || type == CIM_CHAR16);
	return (struct cim_value){.type = (guint8)type, .is_set = 1, .u.uint = value};
}

struct cim_value
cim_sint(enum cim_type type, gint64 value)
{
	g_assert(cim_type_is_signed(type));
	return (struct cim_value){.type = (guint8)type, .is_set = 1, .u.sint = value};
}

struct cim_value
cim_real(enum cim_type type, double value)
{
	g_assert(cim_type_is_real(type));
	return (struct cim_value){.type = (guint8)type, .is_set = 1, .u.real = value};
}

struct cim_value
cim_string_take(char *value)
{
	return (struct cim_value){.type = CIM_STRING, .is_set = value != NULL, .u.string = value};
}

struct cim_value
cim_string(const char *value)
{
	return cim_string_take(g_strdup(value));
}

struct cim_value
cim_datetime(const char *value)
{
	struct cim_value result = cim_string(value);
	result.type = CIM_DATETIME;
	return result;
}

struct cim_value
cim_reference_take(struct cim_path *path)
{
	return (struct cim_value){.type = CIM_REFERENCE, .is_set = path != NULL, .u.path = path};
}

struct cim_value
cim_embedded_take(struct cim_instance *instance)
{
	return (struct cim_value){.type = CIM_STRING,
				  .is_set = instance != NULL,
				  .is_embedded = instance != NULL,
				  .u.instance = instance};
}

struct cim_value
cim_array(enum cim_type type, guint count)
{
	struct cim_value array = cim_null(type, TRUE);
	array.is_set = 1;
	array.count = count;
	array.u.items = g_new0(struct cim_value, count);
	for (guint i = 0; i < count; i++)
		array.u.items[i].type = (guint8)type;
	return array;
}

struct cim_value
cim_string_array(char *const *strv)
{
	guint count = strv ? g_strv_length((char **)strv) : 0;
	struct cim_value array = cim_array(CIM_STRING, count);
	for (guint i = 0; i < count; i++)
		array.u.items[i] = cim_string(strv[i]);
	return array;
}
