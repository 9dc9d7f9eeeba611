/* Golden files, and structs as text. */
#include "golden.h"

#include <string.h>

char *
golden_read(const char *name, gsize *ret_len)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(GOLDEN_ROOT, name, NULL);
	char *text = NULL;
	g_file_get_contents(path, &text, ret_len, &error);
	g_assert_no_error(error);
	return text;
}

void
golden_compare(const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(GOLDEN_ROOT, name, NULL);
	g_autoptr(GError) error = NULL;
	if (g_strcmp0(g_getenv("CAIRN_GOLDEN"), "write") == 0) {
		g_file_set_contents(path, text, -1, &error);
		g_assert_no_error(error);
		return;
	}
	g_autofree char *expected = golden_read(name, NULL);
	if (strcmp(expected, text) != 0)
		g_error("%s says\n%s\nbut it is\n%s", name, expected, text);
}

static int
by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *
golden_names(const char *folder, const char *suffix)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *path = g_build_filename(GOLDEN_ROOT, folder, NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	g_assert_nonnull(dir);
	for (const char *name; (name = g_dir_read_name(dir));)
		if (g_str_has_suffix(name, suffix))
			g_ptr_array_add(names, g_strndup(name, strlen(name) - strlen(suffix)));
	g_ptr_array_sort(names, by_name);
	g_assert_cmpuint(names->len, >, 0);
	return names;
}

void
golden_compare_all(const char *folder, void (*put)(GString *text, const char *data, gsize len))
{
	g_autoptr(GPtrArray) names = golden_names(folder, ".xml");
	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		g_autofree char *xml = g_strdup_printf("%s/%s.xml", folder, name);
		g_autofree char *txt = g_strdup_printf("%s/%s.txt", folder, name);
		g_autoptr(GString) text = g_string_new(NULL);
		gsize len;
		g_autofree char *data = golden_read(xml, &len);
		put(text, data, len);
		golden_compare(txt, text->str);
	}
}

void
golden_truncate_all(const char *folder, void (*read)(const char *data, gsize len))
{
	g_autoptr(GPtrArray) names = golden_names(folder, ".xml");
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *xml =
			g_strdup_printf("%s/%s.xml", folder, (char *)names->pdata[i]);
		gsize len;
		g_autofree char *data = golden_read(xml, &len);
		const char *end = g_strrstr(data, ">");
		for (gsize cut = 0; end && cut < (gsize)(end - data); cut++) {
			g_autofree char *exact = g_memdup2(data, cut);
			read(exact, cut);
		}
	}
}

/* ---- structs ---- */

void
golden_put_value(GString *text, const struct cim_value *value)
{
	if (!value->is_set) {
		g_string_append(text, "NULL");
	} else if (value->is_array) {
		g_string_append_c(text, '{');
		for (guint i = 0; i < value->count; i++) {
			g_string_append(text, i ? ", " : "");
			golden_put_value(text, &value->u.items[i]);
		}
		g_string_append_c(text, '}');
	} else if (value->is_embedded) {
		golden_put_instance(text, value->u.instance);
	} else {
		const gboolean quoted = value->type == CIM_STRING;
		g_string_append(text, quoted ? "\"" : "");
		cim_value_print(value, text);
		g_string_append(text, quoted ? "\"" : "");
	}
}

void
golden_put_instance(GString *text, const struct cim_instance *instance)
{
	g_string_append_printf(text, "%s {", instance->class->name);
	for (guint i = 0; i < instance->class->property_count; i++) {
		const struct cim_value *value = &instance->values[i];
		if (!value->is_set)
			continue;
		g_string_append_printf(text, " %s=", instance->class->properties[i].name);
		golden_put_value(text, value);
		g_string_append_c(text, ';');
	}
	g_string_append(text, " }");
}

static void
put_line(GString *text, const char *name, const char *value)
{
	if (value)
		g_string_append_printf(text, "%s: %s\n", name, value);
}

static void
put_number(GString *text, const char *name, guint number)
{
	if (number)
		g_string_append_printf(text, "%s: %u\n", name, number);
}

static void
put_path(GString *text, const struct cim_path *path)
{
	if (!path)
		return;
	g_string_append_printf(text, "object: %s/%s:%s%s", path->host ? path->host : "-",
			       path->namespace ? path->namespace : "-", path->class_name,
			       path->is_class ? " (class)" : "");
	for (guint i = 0; i < path->key_count; i++) {
		const struct cim_value *value = &path->keys[i].value;
		g_string_append_printf(text, " %s %s=", cim_type_name(value->type),
				       path->keys[i].name);
		golden_put_value(text, value);
	}
	g_string_append_c(text, '\n');
}

static void
put_arguments(GString *text, const GArray *arguments)
{
	for (guint i = 0; arguments && i < arguments->len; i++) {
		const struct cim_argument *argument =
			&g_array_index(arguments, struct cim_argument, i);
		g_string_append_printf(text,
				       "argument %s %s%s: ", cim_type_name(argument->value.type),
				       argument->name, argument->value.is_array ? "[]" : "");
		golden_put_value(text, &argument->value);
		g_string_append_c(text, '\n');
	}
}

static void
put_query(GString *text, const struct query *query)
{
	if (!query)
		return;
	put_line(text, "query of", query->class_name);
	g_string_append_printf(text, "query kind: %d%s\n", (int)query->kind,
			       query->where ? " where" : "");
}

static void
put_flags(GString *text, const struct cim_op *op)
{
	g_string_append_printf(
		text, "flags:%s%s%s%s%s%s\n", op->local_only ? " local" : "",
		op->deep_inheritance ? " deep" : "", op->include_qualifiers ? " qualifiers" : "",
		op->include_class_origin ? " origin" : "", op->continue_on_error ? " continue" : "",
		op->return_query_class ? " query-class" : "");
}

void
golden_put_op(GString *text, const struct cim_op *op)
{
	put_line(text, "operation", cim_op_name(op->kind));
	if (op->opens)
		put_line(text, "opens", cim_op_name(op->opens));
	put_line(text, "namespace", op->namespace_text);
	put_line(text, "language", op->language ? cim_language_tag(op->language) : NULL);
	put_line(text, "class", op->class_name);
	put_path(text, op->object);
	put_line(text, "method", op->method);
	put_line(text, "property", op->property_name);
	put_line(text, "association class", op->assoc_class);
	put_line(text, "result class", op->result_class);
	put_line(text, "role", op->role);
	put_line(text, "result role", op->result_role);
	put_line(text, "context", op->context);
	put_number(text, "objects", op->max_objects);
	put_number(text, "seconds", op->timeout_sec);
	put_query(text, op->query);
	for (const char *const *name = cim_property_list_names(op->list); name && *name; name++)
		put_line(text, "listed", *name);
	if (op->instance) {
		g_string_append(text, "instance: ");
		golden_put_instance(text, op->instance);
		g_string_append_c(text, '\n');
	}
	if (op->kind == CIM_OP_SET_PROPERTY) {
		g_string_append(text, "value: ");
		golden_put_value(text, &op->value);
		g_string_append_c(text, '\n');
	}
	put_arguments(text, op->arguments);
	put_flags(text, op);
}
