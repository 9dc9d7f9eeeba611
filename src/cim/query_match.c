/* Whether an instance is what a query asks for, and what a query demands. */
#include "cim/query_private.h"

#include "cim/status.h"

#include <string.h>

/* SQL's three: a comparison with NULL is neither, and NOT of it is neither. */
enum truth { NO, YES, UNKNOWN };

static enum truth
truth_of(gboolean holds)
{
	return holds ? YES : NO;
}

/* ---- operands ---- */

/* What an operand is in an instance. */
struct found {
	const struct cim_value *value;	   /* NULL: there is no such property */
	const struct cim_instance *itself; /* of __THIS */
	struct cim_value name;		   /* what @value may point to; owns nothing */
};

static const struct cim_value null_value;

static void
found_name(struct found *found, const char *name)
{
	found->name = null_value;
	found->name.type = CIM_STRING;
	found->name.is_set = name != NULL;
	found->name.u.string = (char *)name;
	found->value = &found->name;
}

static const struct cim_class *
top_of(const struct cim_class *class)
{
	while (class->super)
		class = class->super;
	return class;
}

/* WMI's system properties that every instance has. FALSE: none of them. */
static gboolean
system_property(const struct cim_instance *instance, const char *name, struct found *found)
{
	const struct cim_class *class = instance->class;
	if (name[0] != '_' || name[1] != '_')
		return FALSE;
	if (g_ascii_strcasecmp(name, "__CLASS") == 0)
		found_name(found, class->name);
	else if (g_ascii_strcasecmp(name, "__SUPERCLASS") == 0)
		found_name(found, class->super ? class->super->name : NULL);
	else if (g_ascii_strcasecmp(name, "__DYNASTY") == 0)
		found_name(found, top_of(class)->name);
	else if (g_ascii_strcasecmp(name, "__THIS") == 0)
		found->itself = instance;
	else
		return FALSE;
	return TRUE;
}

static const struct cim_value *
element_of(const struct cim_value *value, int index)
{
	if (index < 0 || !value)
		return value;
	if (!value->is_array)
		return NULL;
	return value->is_set && (guint)index < value->count ? &value->u.items[index] : &null_value;
}

/* One step of A.B.C. A scope that the instance is not of gives NULL (DSP0202 5.4.1). */
static void
find_segment(const struct cim_instance *instance, const struct query_segment *segment,
	     struct found *found)
{
	found->value = NULL;
	found->itself = NULL;
	if (segment->scope && !cim_class_isa_name(instance->class, segment->scope)) {
		found->value = &null_value;
		return;
	}
	const struct cim_value *value = cim_instance_get(instance, segment->name);
	if (value)
		found->value = element_of(value, segment->index);
	else
		system_property(instance, segment->name, found);
}

static void
find(const struct query_operand *operand, const struct cim_instance *instance, struct found *found)
{
	found->itself = NULL;
	found->value = &operand->literal;
	for (guint i = 0; i < operand->segment_count; i++) {
		find_segment(instance, &operand->segments[i], found);
		const struct cim_value *value = found->value;
		if (i + 1 == operand->segment_count || !value)
			return;
		if (!value->is_set) /* what is in NULL is NULL */
			return;
		if (value->is_array || !value->is_embedded) {
			found->value = NULL;
			return;
		}
		instance = value->u.instance;
	}
}

/* ---- WHERE ---- */

static gboolean
is_null_literal(const struct query_operand *operand)
{
	return operand->segment_count == 0 && !operand->literal.is_set;
}

static enum truth
ordered(enum query_operator op, int order)
{
	switch (op) {
	case QUERY_EQUAL:
		return truth_of(order == 0);
	case QUERY_NOT_EQUAL:
		return truth_of(order != 0);
	case QUERY_LESS:
		return truth_of(order < 0);
	case QUERY_LESS_EQUAL:
		return truth_of(order <= 0);
	case QUERY_GREATER:
		return truth_of(order > 0);
	case QUERY_GREATER_EQUAL:
		return truth_of(order >= 0);
	default:
		g_assert_not_reached();
	}
}

/* = NULL and <> NULL; no other operator knows NULL. */
static enum truth
null_test(enum query_operator op, const struct found *found)
{
	if (!found->value || (op != QUERY_EQUAL && op != QUERY_NOT_EQUAL))
		return UNKNOWN;
	return truth_of((op == QUERY_EQUAL) == !found->value->is_set);
}

static enum truth
isa(const struct found *left, const char *class_name)
{
	const struct cim_instance *instance = left->itself;
	if (!instance && left->value && left->value->is_set && left->value->is_embedded &&
	    !left->value->is_array)
		instance = left->value->u.instance;
	return instance ? truth_of(cim_class_isa_name(instance->class, class_name)) : UNKNOWN;
}

static gboolean
comparable(const struct cim_value *value)
{
	return value && value->is_set && !value->is_array;
}

static enum truth
compare(const struct query *query, const struct query_node *node,
	const struct cim_instance *instance)
{
	struct found left, right;
	int order;
	find(&node->left, instance, &left);
	if (node->op == QUERY_ISA)
		return isa(&left, node->right.literal.u.string);
	find(&node->right, instance, &right);
	if (is_null_literal(&node->right))
		return null_test(node->op, &left);
	if (is_null_literal(&node->left))
		return null_test(node->op, &right);
	if (!comparable(left.value) || !comparable(right.value))
		return UNKNOWN;
	if (node->op == QUERY_LIKE) {
		gboolean text = (left.value->type == CIM_STRING && !left.value->is_embedded) ||
				left.value->type == CIM_DATETIME;
		return text ? truth_of(query_like(left.value->u.string, right.value->u.string,
						  query->language == QUERY_WQL))
			    : UNKNOWN;
	}
	if (!query_compare(query->language, left.value, &node->left, right.value, &node->right,
			   &order))
		return UNKNOWN;
	return ordered(node->op, order);
}

static enum truth evaluate(const struct query *query, const struct query_node *node,
			   const struct cim_instance *instance);

/* AND ends at the first NO, OR at the first YES; else UNKNOWN wins. */
static enum truth
chain(const struct query *query, const struct query_node *node, const struct cim_instance *instance)
{
	enum truth end = node->kind == QUERY_AND ? NO : YES, result = end == NO ? YES : NO;
	for (const struct query_node *child = node->first; child; child = child->next) {
		enum truth truth = evaluate(query, child, instance);
		if (truth == end)
			return end;
		if (truth == UNKNOWN)
			result = UNKNOWN;
	}
	return result;
}

/* As deep as the tree, which QUERY_DEPTH_MAX bounds. */
static enum truth
evaluate(const struct query *query, const struct query_node *node,
	 const struct cim_instance *instance)
{
	switch (node->kind) {
	case QUERY_COMPARISON:
		return compare(query, node, instance);
	case QUERY_NOT: {
		enum truth truth = evaluate(query, node->first, instance);
		return truth == UNKNOWN ? UNKNOWN : truth_of(truth == NO);
	}
	default:
		return chain(query, node, instance);
	}
}

gboolean
query_matches(const struct query *query, const struct cim_instance *instance)
{
	if (query->class_name && !cim_class_isa_name(instance->class, query->class_name))
		return FALSE;
	return !query->where || evaluate(query, query->where, instance) == YES;
}

/* ---- checks ---- */

static gboolean
no_property(const struct cim_class *class, const char *name, GError **error)
{
	return cim_fail(error, CIM_ERR_INVALID_QUERY, "the query: %s has no property \"%s\"",
			class->name, name);
}

/* Only the first name can be looked up: what an embedded instance is of is not known here. */
static gboolean
check_operand(const struct query_operand *operand, const struct cim_class *class, gboolean whole,
	      GError **error)
{
	static const char *const known[] = {"__CLASS", "__SUPERCLASS", "__DYNASTY", "__THIS", NULL};
	if (operand->segment_count == 0)
		return TRUE;
	const struct query_segment *segment = &operand->segments[0];
	for (guint i = 0; known[i]; i++)
		if (g_ascii_strcasecmp(known[i], segment->name) == 0)
			return TRUE;
	if (segment->scope && g_ascii_strcasecmp(segment->scope, class->name) != 0)
		return TRUE;
	int place = cim_class_property(class, segment->name);
	if (place < 0)
		return no_property(class, segment->name, error);
	if (class->properties[place].is_array && !whole && segment->index < 0)
		return cim_fail(error, CIM_ERR_INVALID_QUERY,
				"the query: \"%s\" of %s is an array and cannot be compared",
				segment->name, class->name);
	return TRUE;
}

static gboolean
check_node(const struct query_node *node, const struct cim_class *class, GError **error)
{
	for (const struct query_node *child = node->first; child; child = child->next)
		if (!check_node(child, class, error))
			return FALSE;
	if (node->kind != QUERY_COMPARISON)
		return TRUE;
	gboolean with_null = is_null_literal(&node->left) || is_null_literal(&node->right);
	return check_operand(&node->left, class, with_null, error) &&
	       check_operand(&node->right, class, with_null, error);
}

gboolean
query_check(const struct query *query, const struct cim_class *class, GError **error)
{
	for (const char *const *name = cim_property_list_names(query->list); name && *name; name++)
		if (!g_str_has_prefix(*name, "__") && cim_class_property(class, *name) < 0)
			return no_property(class, *name, error);
	return !query->where || check_node(query->where, class, error);
}

/* ---- demands ---- */

/* Whether @operand is the property that @name (A or A.B) says. */
static gboolean
is_named(const struct query_operand *operand, const char *name)
{
	for (guint i = 0; i < operand->segment_count; i++) {
		const struct query_segment *segment = &operand->segments[i];
		gsize len = strlen(segment->name);
		gboolean last = i + 1 == operand->segment_count;
		if (segment->scope || segment->index >= 0 ||
		    g_ascii_strncasecmp(name, segment->name, len) != 0 ||
		    name[len] != (last ? 0 : '.'))
			return FALSE;
		name += len + 1;
	}
	return operand->segment_count > 0;
}

/* Below AND, everything must hold. */
static const struct cim_value *
demands(const struct query_node *node, enum query_operator op, const char *property)
{
	if (node->kind == QUERY_AND) {
		for (const struct query_node *child = node->first; child; child = child->next) {
			const struct cim_value *value = demands(child, op, property);
			if (value)
				return value;
		}
		return NULL;
	}
	if (node->kind != QUERY_COMPARISON || node->op != op)
		return NULL;
	const struct query_operand *left = &node->left, *right = &node->right;
	if (left->segment_count == 0) {
		left = &node->right;
		right = &node->left;
	}
	if (right->segment_count > 0 || !right->literal.is_set || !is_named(left, property))
		return NULL;
	return &right->literal;
}

const struct cim_value *
query_demands(const struct query *query, const char *property)
{
	return query->where ? demands(query->where, QUERY_EQUAL, property) : NULL;
}

const char *
query_demands_isa(const struct query *query, const char *property)
{
	const struct cim_value *value =
		query->where ? demands(query->where, QUERY_ISA, property) : NULL;
	return value ? value->u.string : NULL;
}
