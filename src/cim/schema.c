/* The classes of one build: the tables without what came later, found by name. */
#include "cim/schema.h"

#include "base/error.h"
#include "cim/tables.h"

#include <string.h>

#define CLASS_NAME_MAX 256 /* bytes; longer ones are none of ours */

const guint cim_builds[] = {26100, 22621, 20348, 19045, 17763, 14393, 0};

struct cim_schema {
	const struct cim_tables *tables;
	struct cim_class *classes;
	guint count;
	/* Open addressing, at most half full; 0: free, else index + 1. Nobody from outside can put
	 * a name in here, so the longest walk is that of our own names, whatever is asked for. */
	guint16 *slots;
	guint mask;
	GPtrArray *kept; /* filtered lists of members */
};

/* ---- the view ---- */

static gboolean
hides_member(const struct cim_member *list, guint count, guint build)
{
	for (guint i = 0; i < count; i++)
		if (list[i].since > build)
			return TRUE;
	return FALSE;
}

static gpointer
keep(struct cim_schema *schema, gsize count, gsize size)
{
	gpointer memory = g_malloc0_n(MAX(count, 1), size);
	g_ptr_array_add(schema->kept, memory);
	return memory;
}

/* The tables' own list where nothing is hidden: nearly always. */
static const struct cim_member *
view_members(struct cim_schema *schema, guint build, const struct cim_member *list, guint *count)
{
	guint shown = 0;
	if (!hides_member(list, *count, build))
		return list;
	struct cim_member *view = keep(schema, *count, sizeof *view);
	for (guint i = 0; i < *count; i++)
		if (list[i].since <= build)
			view[shown++] = list[i];
	*count = shown;
	return view;
}

static void
view_keys(struct cim_schema *schema, struct cim_class *class)
{
	guint *keys = keep(schema, class->property_count, sizeof *keys);
	class->key_count = 0;
	for (guint i = 0; i < class->property_count; i++)
		if (class->properties[i].flags & CIM_MEMBER_KEY)
			keys[class->key_count++] = i;
	class->keys = keys;
}

static gboolean
hides_method(const struct cim_class *class, guint build)
{
	for (guint i = 0; i < class->method_count; i++)
		if (class->methods[i].since > build ||
		    hides_member(class->methods[i].parameters, class->methods[i].parameter_count,
				 build))
			return TRUE;
	return FALSE;
}

static void
view_methods(struct cim_schema *schema, guint build, struct cim_class *class)
{
	guint shown = 0;
	if (!hides_method(class, build))
		return;
	struct cim_method *view = keep(schema, class->method_count, sizeof *view);
	for (guint i = 0; i < class->method_count; i++) {
		struct cim_method method = class->methods[i];
		if (method.since > build)
			continue;
		method.parameters =
			view_members(schema, build, method.parameters, &method.parameter_count);
		view[shown++] = method;
	}
	class->methods = view;
	class->method_count = shown;
}

static void
view_class(struct cim_schema *schema, guint build, struct cim_class *class)
{
	const struct cim_member *all = class->properties;
	class->properties = view_members(schema, build, all, &class->property_count);
	if (class->properties != all)
		view_keys(schema, class);
	view_methods(schema, build, class);
}

/* An ancestor never comes later than its descendants: mofc gives its build to them. */
static void
view_classes(struct cim_schema *schema, guint build)
{
	const struct cim_tables *tables = schema->tables;
	g_autofree guint *places = g_new0(guint, tables->class_count);
	schema->classes = g_new0(struct cim_class, tables->class_count);
	for (guint i = 0; i < tables->class_count; i++) {
		const struct cim_class *class = &tables->classes[i];
		if (class->since > build)
			continue;
		struct cim_class *view = &schema->classes[schema->count];
		*view = *class;
		if (class->super)
			view->super = &schema->classes[places[class->super->index]];
		view->index = places[i] = schema->count++;
		view_class(schema, build, view);
	}
}

/* ---- finding ---- */

/* FNV-1a of the name in lower case. */
static guint
hash_name(const char *name)
{
	guint32 hash = 2166136261u;
	for (; *name; name++)
		hash = (hash ^ (guchar)g_ascii_tolower(*name)) * 16777619u;
	return hash;
}

static void
fill_slots(struct cim_schema *schema)
{
	guint size = 4;
	g_assert(schema->count < G_MAXUINT16 / 2);
	while (size < 2 * schema->count)
		size *= 2;
	schema->mask = size - 1;
	schema->slots = g_new0(guint16, size);
	for (guint i = 0; i < schema->count; i++) {
		guint at = hash_name(schema->classes[i].name) & schema->mask;
		while (schema->slots[at])
			at = (at + 1) & schema->mask;
		schema->slots[at] = (guint16)(i + 1);
	}
}

const struct cim_class *
cim_schema_class(const struct cim_schema *schema, enum cim_namespace_id ns, const char *name)
{
	if (!name || (guint)ns >= CIM_NS_LAST || strnlen(name, CLASS_NAME_MAX + 1) > CLASS_NAME_MAX)
		return NULL;
	for (guint at = hash_name(name) & schema->mask; schema->slots[at];
	     at = (at + 1) & schema->mask) {
		const struct cim_class *class = &schema->classes[schema->slots[at] - 1];
		if (g_ascii_strcasecmp(class->name, name) == 0)
			return class->namespaces & 1u << ns ? class : NULL;
	}
	return NULL;
}

/* ---- the rest ---- */

static gboolean
check_build(guint build, GError **error)
{
	g_autoptr(GString) all = g_string_new(NULL);
	for (const guint *known = cim_builds; *known; known++) {
		if (*known == build)
			return TRUE;
		g_string_append_printf(all, "%s%u", all->len ? ", " : "", *known);
	}
	return cairn_fail(error, CAIRN_ERROR_INVALID, "%u is no build; there are %s", build,
			  all->str);
}

struct cim_schema *
cim_schema_of(const struct cim_tables *tables, guint build, GError **error)
{
	if (!check_build(build, error))
		return NULL;
	struct cim_schema *schema = g_new0(struct cim_schema, 1);
	schema->tables = tables;
	schema->kept = g_ptr_array_new_with_free_func(g_free);
	view_classes(schema, build);
	fill_slots(schema);
	return schema;
}

void
cim_schema_free(struct cim_schema *schema)
{
	if (!schema)
		return;
	g_ptr_array_unref(schema->kept);
	g_free(schema->slots);
	g_free(schema->classes);
	g_free(schema);
}

guint
cim_schema_count(const struct cim_schema *schema)
{
	return schema->count;
}

const struct cim_class *
cim_schema_at(const struct cim_schema *schema, guint index)
{
	g_assert(index < schema->count);
	return &schema->classes[index];
}

guint
cim_schema_qualifier_count(const struct cim_schema *schema)
{
	return schema->tables->qualifier_count;
}

const struct cim_qualifier *
cim_schema_qualifier_at(const struct cim_schema *schema, guint index, const char **ret_scopes)
{
	g_assert(index < schema->tables->qualifier_count);
	if (ret_scopes)
		*ret_scopes = schema->tables->scopes[index];
	return &schema->tables->qualifiers[index];
}
