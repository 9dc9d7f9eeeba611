/* Instances that clients send as MOF: `instance of X { P = V; ... };`, as WMI's GetText(0) writes
 * them. Values are typed by the class; qualifiers are read over. */
#include "cim/mof.h"

#include "base/error.h"
#include "cim/mof_lex.h"

#define INSTANCES_MAX 4096 /* in one text */

struct reader {
	struct mof_lexer lex;
	const struct cim_schema *schema;
	enum cim_namespace_id ns;
	guint depth;
};

static struct cim_instance *read_instance(struct reader *reader, GError **error);

/* ---- values ---- */

static gboolean
is_word(const struct mof_constant *constant, char first)
{
	return constant->kind == MOF_NAME && constant->text[0] == first;
}

static gboolean
set_scalar(const struct mof_constant *constant, const struct cim_member *member,
	   struct cim_value *ret_value, GError **error)
{
	gboolean quoted = constant->kind == MOF_STRING || constant->kind == MOF_CHAR;
	if (is_word(constant, 'N')) {
		*ret_value = cim_null(member->type, FALSE);
		return TRUE;
	}
	if (member->type == CIM_STRING && !quoted)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "a string was expected, found \"%s\"",
				  constant->text);
	return cim_value_parse(member->type, constant->text, ret_value, error);
}

static gboolean
set_array(const GArray *items, const struct cim_member *member, struct cim_value *ret_value,
	  GError **error)
{
	struct cim_value array = cim_array(member->type, items->len);
	for (guint i = 0; i < items->len; i++)
		if (!set_scalar(&g_array_index(items, struct mof_constant, i), member,
				&array.u.items[i], error)) {
			cim_value_clear(&array);
			return FALSE;
		}
	*ret_value = array;
	return TRUE;
}

/* One value where a list is due, and a list of one where a value is, are forgiven. */
static gboolean
set_constants(const struct mof_constants *constants, const struct cim_member *member,
	      struct cim_value *ret_value, GError **error)
{
	const struct mof_constant *first = &g_array_index(constants->items, struct mof_constant, 0);
	if (!constants->is_array && is_word(first, 'N')) { /* a list may be empty */
		*ret_value = cim_null(member->type, member->is_array);
		return TRUE;
	}
	if (member->is_array)
		return set_array(constants->items, member, ret_value, error);
	if (constants->items->len != 1)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "one value was expected, found %u",
				  constants->items->len);
	return set_scalar(first, member, ret_value, error);
}

static gboolean
read_constants(struct reader *reader, const struct cim_member *member, struct cim_value *ret_value,
	       GError **error)
{
	struct mof_constants constants;
	guint line = reader->lex.line;
	if (!mof_lex_constants(&reader->lex, &constants, error))
		return FALSE;
	gboolean ok = !member || set_constants(&constants, member, ret_value, error);
	if (!ok)
		g_prefix_error(error, "%s:%u: %s: ", reader->lex.name, line, member->name);
	mof_constants_clear(&constants);
	return ok;
}

/* ---- an instance in an instance: WMI writes it without quotes ---- */

static gboolean
read_embedded(struct reader *reader, struct cim_value *ret_value, GError **error)
{
	struct cim_instance *instance = read_instance(reader, error);
	if (instance)
		*ret_value = cim_embedded_take(instance);
	return instance != NULL;
}

/* After the '{'. */
static gboolean
read_embedded_list(struct reader *reader, struct cim_value *ret_value, GError **error)
{
	g_autoptr(GArray) items = g_array_new(FALSE, TRUE, sizeof(struct cim_value));
	g_array_set_clear_func(items, (GDestroyNotify)cim_value_clear);
	gboolean more = TRUE;
	while (more) {
		struct cim_value item = {0};
		if (items->len == INSTANCES_MAX)
			return cairn_fail(error, CAIRN_ERROR_LIMIT, "%s:%u: more than %d instances",
					  reader->lex.name, reader->lex.line, INSTANCES_MAX);
		if (!read_embedded(reader, &item, error))
			return FALSE;
		g_array_append_val(items, item);
		if (!mof_lex_maybe(&reader->lex, ',', &more, error))
			return FALSE;
	}
	if (!mof_lex_expect(&reader->lex, '}', error))
		return FALSE;
	*ret_value = cim_array(CIM_STRING, items->len);
	for (guint i = 0; i < items->len; i++) {
		ret_value->u.items[i] = g_array_index(items, struct cim_value, i);
		g_array_index(items, struct cim_value, i) = (struct cim_value){0};
	}
	return TRUE;
}

/* Whether instances stand here; if so in a list, its '{' is stepped over. */
static gboolean
at_embedded(struct reader *reader, gboolean *ret_embedded, gboolean *ret_list, GError **error)
{
	struct mof_lexer *lex = &reader->lex;
	const char *begin = lex->begin;
	guint line = lex->line;
	*ret_list = mof_lex_is(lex, '{');
	if (*ret_list && !mof_lex_next(lex, error))
		return FALSE;
	*ret_embedded = mof_lex_is_word(lex, "instance");
	if (*ret_embedded || !*ret_list)
		return TRUE;
	lex->at = begin;
	lex->next_line = line;
	return mof_lex_next(lex, error);
}

static gboolean
fit_embedded(const struct cim_member *member, struct cim_value *value, GError **error)
{
	guint embedded = CIM_MEMBER_EMBEDDED_INSTANCE | CIM_MEMBER_EMBEDDED_OBJECT;
	if (!(member->flags & embedded))
		return cairn_fail(error, CAIRN_ERROR_INVALID, "%s holds no instances",
				  member->name);
	return cim_value_coerce(value, CIM_STRING, member->is_array, error);
}

/* ---- instances ---- */

/* @member is NULL of a property that the class does not have: read over. */
static gboolean
read_value(struct reader *reader, const struct cim_member *member, struct cim_value *ret_value,
	   GError **error)
{
	gboolean embedded, list;
	guint line = reader->lex.line;
	*ret_value = (struct cim_value){0};
	if (!at_embedded(reader, &embedded, &list, error))
		return FALSE;
	if (!embedded)
		return read_constants(reader, member, ret_value, error);
	if (list ? !read_embedded_list(reader, ret_value, error)
		 : !read_embedded(reader, ret_value, error))
		return FALSE;
	if (!member || fit_embedded(member, ret_value, error))
		return TRUE;
	g_prefix_error(error, "%s:%u: ", reader->lex.name, line);
	cim_value_clear(ret_value);
	return FALSE;
}

/* "[...]", if there. What is in it is of no use here; strings may hold brackets, so tokens are
 * counted, not bytes. */
static gboolean
skip_qualifiers(struct mof_lexer *lex, GError **error)
{
	guint depth = 0;
	do {
		if (mof_lex_is(lex, '['))
			depth++;
		else if (depth && mof_lex_is(lex, ']'))
			depth--;
		else if (!depth)
			return TRUE;
		if (lex->kind == MOF_END)
			return mof_lex_wanted(lex, "']'", error);
		if (!mof_lex_next(lex, error))
			return FALSE;
	} while (depth);
	return TRUE;
}

static gboolean
read_property(struct reader *reader, struct cim_instance *instance, GError **error)
{
	struct cim_value value;
	if (!skip_qualifiers(&reader->lex, error))
		return FALSE;
	g_autofree char *name = mof_lex_name(&reader->lex, "a property", error);
	if (!name || !mof_lex_expect(&reader->lex, '=', error))
		return FALSE;
	int place = cim_class_property(instance->class, name);
	const struct cim_member *member = place < 0 ? NULL : &instance->class->properties[place];
	if (!read_value(reader, member, &value, error))
		return FALSE;
	if (member)
		cim_instance_set(instance, name, value);
	else
		cim_value_clear(&value);
	return mof_lex_expect(&reader->lex, ';', error);
}

static gboolean
read_properties(struct reader *reader, struct cim_instance *instance, GError **error)
{
	if (!mof_lex_expect(&reader->lex, '{', error))
		return FALSE;
	while (!mof_lex_is(&reader->lex, '}'))
		if (!read_property(reader, instance, error))
			return FALSE;
	return mof_lex_next(&reader->lex, error);
}

/* "as $alias", if there: nothing can refer to it. */
static gboolean
skip_alias(struct mof_lexer *lex, GError **error)
{
	if (!mof_lex_is_word(lex, "as"))
		return TRUE;
	if (!mof_lex_next(lex, error) || !mof_lex_expect(lex, '$', error))
		return FALSE;
	g_autofree char *alias = mof_lex_name(lex, "an alias", error);
	return alias != NULL;
}

static const struct cim_class *
read_class(struct reader *reader, GError **error)
{
	struct mof_lexer *lex = &reader->lex;
	guint line = lex->line;
	g_autofree char *name = mof_lex_name(lex, "the name of a class", error);
	const struct cim_class *class =
		name ? cim_schema_class(reader->schema, reader->ns, name) : NULL;
	if (name && !class)
		cairn_fail(error, CAIRN_ERROR_NOT_FOUND, "%s:%u: there is no class \"%s\"",
			   lex->name, line, name);
	return class;
}

/* At "instance"; up to the '}'. */
static struct cim_instance *
read_instance(struct reader *reader, GError **error)
{
	struct mof_lexer *lex = &reader->lex;
	if (reader->depth == MOF_DEPTH_MAX) {
		cairn_fail(error, CAIRN_ERROR_LIMIT, "%s:%u: instances in instances too deeply",
			   lex->name, lex->line);
		return NULL;
	}
	if (!mof_lex_is_word(lex, "instance")) {
		mof_lex_wanted(lex, "\"instance of\"", error);
		return NULL;
	}
	if (!mof_lex_next(lex, error))
		return NULL;
	if (!mof_lex_is_word(lex, "of")) {
		mof_lex_wanted(lex, "\"of\"", error);
		return NULL;
	}
	if (!mof_lex_next(lex, error))
		return NULL;
	const struct cim_class *class = read_class(reader, error);
	if (!class || !skip_alias(lex, error))
		return NULL;
	cairn_auto(cim_instance) instance = cim_instance_new(class);
	reader->depth++;
	gboolean ok = read_properties(reader, instance, error);
	reader->depth--;
	return ok ? g_steal_pointer(&instance) : NULL;
}

/* With its ';'; WMI's text of one instance may end without it. */
static gboolean
read_one(struct reader *reader, GPtrArray *instances, GError **error)
{
	if (instances->len == INSTANCES_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "%s:%u: more than %d instances",
				  reader->lex.name, reader->lex.line, INSTANCES_MAX);
	if (!skip_qualifiers(&reader->lex, error))
		return FALSE;
	struct cim_instance *instance = read_instance(reader, error);
	if (!instance)
		return FALSE;
	g_ptr_array_add(instances, instance);
	return reader->lex.kind == MOF_END || mof_lex_expect(&reader->lex, ';', error);
}

static void
unref_instance(gpointer data)
{
	cim_instance_unref(data);
}

GPtrArray *
mof_parse_instances(const struct cim_schema *schema, enum cim_namespace_id ns, const char *text,
		    gsize len, GError **error)
{
	struct reader reader = {.schema = schema, .ns = ns};
	if (!mof_lex_init(&reader.lex, "MOF", text, len, error))
		return NULL;
	g_autoptr(GPtrArray) instances = g_ptr_array_new_with_free_func(unref_instance);
	gboolean ok = TRUE;
	do
		ok = read_one(&reader, instances, error);
	while (ok && reader.lex.kind != MOF_END);
	mof_lex_clear(&reader.lex);
	return ok ? g_steal_pointer(&instances) : NULL;
}
