/* The tables as C: data only. Whatever is the same is written once: every array goes through a pool
 * by its text, and what it points to has gone there before it. */
#include "mofc/mofc.h"

struct emitter {
	GString *out;
	GHashTable *pool; /* "TYPE|BODY" -> name of the array */
};

/* The name of an array of @type with @body, which is NULL when that is empty. */
static const char *
intern(struct emitter *emitter, const char *type, const char *body)
{
	if (!*body)
		return "NULL";
	g_autofree char *key = g_strconcat(type, "|", body, NULL);
	const char *name = g_hash_table_lookup(emitter->pool, key);
	if (!name) {
		char *made = g_strdup_printf("t%u", g_hash_table_size(emitter->pool));
		g_string_append_printf(emitter->out, "static const %s %s[] = {%s};\n", type, made,
				       body);
		g_hash_table_insert(emitter->pool, g_steal_pointer(&key), made);
		name = made;
	}
	return name;
}

/* Always three octal digits: what follows is never taken for one more. */
static void
append_text(GString *out, const char *text)
{
	if (!text) {
		g_string_append(out, "NULL");
		return;
	}
	g_string_append_c(out, '"');
	for (; *text; text++)
		if (g_ascii_isprint(*text) && *text != '"' && *text != '\\' && *text != '?')
			g_string_append_c(out, *text);
		else
			g_string_append_printf(out, "\\%03o", (guchar)*text);
	g_string_append_c(out, '"');
}

static const char *
intern_texts(struct emitter *emitter, const char *const *texts)
{
	g_autoptr(GString) body = g_string_new(NULL);
	if (!texts)
		return "NULL";
	for (; *texts; texts++) {
		append_text(body, *texts);
		g_string_append(body, ", ");
	}
	g_string_append(body, "NULL");
	return intern(emitter, "char *const", body->str);
}

static const char *
type_name(enum cim_type type)
{
	static const char *const names[CIM_TYPE_LAST] = {
		"CIM_TYPE_NONE", "CIM_BOOLEAN", "CIM_UINT8",	"CIM_UINT16",
		"CIM_UINT32",	 "CIM_UINT64",	"CIM_SINT8",	"CIM_SINT16",
		"CIM_SINT32",	 "CIM_SINT64",	"CIM_REAL32",	"CIM_REAL64",
		"CIM_CHAR16",	 "CIM_STRING",	"CIM_DATETIME", "CIM_REFERENCE",
	};
	return names[type];
}

static void
append_qualifier(struct emitter *emitter, const struct cim_qualifier *qualifier, GString *body)
{
	append_text(body, qualifier->name);
	g_string_prepend_c(body, '{');
	g_string_append_printf(body, ", %s, %d, %u, %d, {", type_name(qualifier->type),
			       qualifier->is_array, qualifier->flavors, qualifier->propagated);
	for (guint i = 0; i < CIM_LANG_LAST; i++)
		g_string_append_printf(body, "%s, ", intern_texts(emitter, qualifier->text[i]));
	g_string_append(body, "}}");
}

static const char *
intern_qualifiers(struct emitter *emitter, const struct cim_qualifier *list, guint count)
{
	g_autoptr(GString) body = g_string_new(NULL);
	for (guint i = 0; i < count; i++) {
		g_autoptr(GString) one = g_string_new(NULL);
		append_qualifier(emitter, &list[i], one);
		g_string_append_printf(body, "\n\t%s,", one->str);
	}
	return intern(emitter, "struct cim_qualifier", body->str);
}

static void
append_member(struct emitter *emitter, const struct cim_member *member, GString *body)
{
	const char *qualifiers =
		intern_qualifiers(emitter, member->qualifiers, member->qualifier_count);
	g_string_append(body, "\n\t{");
	append_text(body, member->name);
	g_string_append_printf(body, ", %s, %d, %u, %u, ", type_name(member->type),
			       member->is_array, member->array_size, member->flags);
	append_text(body, member->class_name);
	g_string_append(body, ", ");
	append_text(body, member->origin);
	g_string_append_printf(body, ", %s, %u, ", intern_texts(emitter, member->defaults),
			       member->since);
	append_text(body, member->unset);
	g_string_append_printf(body, ", %s, %u},", qualifiers, member->qualifier_count);
}

static const char *
intern_members(struct emitter *emitter, const struct cim_member *list, guint count)
{
	g_autoptr(GString) body = g_string_new(NULL);
	for (guint i = 0; i < count; i++)
		append_member(emitter, &list[i], body);
	return intern(emitter, "struct cim_member", body->str);
}

static void
append_method(struct emitter *emitter, const struct cim_method *method, GString *body)
{
	const char *parameters =
		intern_members(emitter, method->parameters, method->parameter_count);
	const char *qualifiers =
		intern_qualifiers(emitter, method->qualifiers, method->qualifier_count);
	g_string_append(body, "\n\t{");
	append_text(body, method->name);
	g_string_append_printf(body, ", %s, ", type_name(method->type));
	append_text(body, method->origin);
	g_string_append_printf(body, ", %d, %d, %u, %s, %u, %s, %u},", method->propagated,
			       method->is_static, method->since, parameters,
			       method->parameter_count, qualifiers, method->qualifier_count);
}

static const char *
intern_methods(struct emitter *emitter, const struct cim_method *list, guint count)
{
	g_autoptr(GString) body = g_string_new(NULL);
	for (guint i = 0; i < count; i++)
		append_method(emitter, &list[i], body);
	return intern(emitter, "struct cim_method", body->str);
}

static const char *
intern_keys(struct emitter *emitter, const struct cim_class *class)
{
	g_autoptr(GString) body = g_string_new(NULL);
	for (guint i = 0; i < class->key_count; i++)
		g_string_append_printf(body, "%u, ", class->keys[i]);
	return intern(emitter, "guint", body->str);
}

static void
append_class(struct emitter *emitter, const struct cim_class *class, GString *body)
{
	const char *properties = intern_members(emitter, class->properties, class->property_count);
	const char *methods = intern_methods(emitter, class->methods, class->method_count);
	const char *qualifiers =
		intern_qualifiers(emitter, class->qualifiers, class->qualifier_count);
	const char *keys = intern_keys(emitter, class);
	g_string_append(body, "\t{");
	append_text(body, class->name);
	if (class->super)
		g_string_append_printf(body, ", &classes[%u]", class->super->index);
	else
		g_string_append(body, ", NULL");
	g_string_append_printf(body, ", %u, %u, %u, %u, %s, %u, %s, %u, %s, %u, %s, %u},\n",
			       class->flags, class->namespaces, class->since, class->index,
			       properties, class->property_count, methods, class->method_count,
			       qualifiers, class->qualifier_count, keys, class->key_count);
}

void
mofc_emit(const struct cim_tables *tables, GString *text)
{
	struct emitter emitter = {.out = text};
	g_autoptr(GString) body = g_string_new(NULL);
	g_autoptr(GString) scopes = g_string_new(NULL);
	emitter.pool = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_string_append_printf(text,
			       "/* Made by mofc from schema/: do not edit. */\n"
			       "#include \"cim/tables.h\"\n\n"
			       "static const struct cim_class classes[%u];\n",
			       tables->class_count);
	for (guint i = 0; i < tables->class_count; i++)
		append_class(&emitter, &tables->classes[i], body);
	g_string_append_printf(text, "static const struct cim_class classes[%u] = {\n%s};\n",
			       tables->class_count, body->str);
	for (guint i = 0; i < tables->qualifier_count; i++) {
		append_text(scopes, tables->scopes[i]);
		g_string_append(scopes, ", ");
	}
	const char *list = intern_qualifiers(&emitter, tables->qualifiers, tables->qualifier_count);
	const char *places = intern(&emitter, "char *const", scopes->str);
	g_string_append_printf(text,
			       "const struct cim_tables cim_tables = {classes, %u, %s, %s, %u};\n",
			       tables->class_count, list, places, tables->qualifier_count);
	g_hash_table_unref(emitter.pool);
}
