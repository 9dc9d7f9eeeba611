/* WHERE of a SELECT: text to a tree. Whether it holds is query_match.c's matter. */
#include "cim/query_private.h"

#include "base/error.h"
#include "cim/status.h"

#include <string.h>

struct parser {
	struct query_lexer *lexer;
	const char *class_name; /* of FROM: X.Prop is Prop */
	guint nodes, depth;
};

static void
operand_clear(struct query_operand *operand)
{
	for (guint i = 0; i < operand->segment_count; i++) {
		g_free(operand->segments[i].scope);
		g_free(operand->segments[i].name);
	}
	g_free(operand->segments);
	cim_value_clear(&operand->literal);
	cim_path_free(operand->path);
}

void
query_node_free(struct query_node *node)
{
	while (node) {
		struct query_node *next = node->next;
		query_node_free(node->first);
		operand_clear(&node->left);
		operand_clear(&node->right);
		g_free(node);
		node = next;
	}
}

static struct query_node *
node_new(struct parser *parser, enum query_node_kind kind, GError **error)
{
	if (++parser->nodes > QUERY_NODES_MAX) {
		cairn_fail(error, CAIRN_ERROR_LIMIT,
			   "the query has more than %d comparisons and operators", QUERY_NODES_MAX);
		return NULL;
	}
	struct query_node *node = g_new0(struct query_node, 1);
	node->kind = kind;
	return node;
}

static gboolean
deeper(struct parser *parser, GError **error)
{
	if (++parser->depth <= QUERY_DEPTH_MAX)
		return TRUE;
	return cairn_fail(error, CAIRN_ERROR_LIMIT,
			  "the query has more than %d brackets or NOTs in one another",
			  QUERY_DEPTH_MAX);
}

/* A string literal is compared with datetimes and references too: what it says as one is found out
 * once. */
static void
read_string(struct query_operand *operand, const char *text)
{
	operand->is_time =
		strlen(text) == CIM_DATETIME_LEN && cim_datetime_parse(text, &operand->time, NULL);
	if (!operand->is_time && strchr(text, '='))
		operand->path = cim_path_parse(text, NULL);
	operand->literal = cim_string(text);
}

/* The value of a word that is one, in any case. */
static gboolean
word_literal(const struct query_lexer *lexer, struct cim_value *ret_value)
{
	if (query_at_word(lexer, "NULL"))
		*ret_value = cim_null(CIM_TYPE_NONE, FALSE);
	else if (query_at_word(lexer, "TRUE") || query_at_word(lexer, "FALSE"))
		*ret_value = cim_boolean(query_at_word(lexer, "TRUE"));
	else
		return FALSE;
	return TRUE;
}

static gboolean
parse_index(struct query_lexer *lexer, int *ret_index, GError **error)
{
	const struct cim_value *number = &lexer->number;
	if (lexer->language != QUERY_CQL)
		return query_wrong(lexer, lexer->begin, "WQL has no elements of arrays", error);
	if (!query_lexer_next(lexer, error))
		return FALSE;
	if (lexer->token != QUERY_TOKEN_NUMBER || number->type != CIM_UINT64 ||
	    number->u.uint >= CIM_ARRAY_MAX)
		return query_expected(lexer, "the place of an element, from 0", error);
	int index = (int)number->u.uint;
	if (!query_lexer_next(lexer, error) || !query_take_mark(lexer, "]", error))
		return FALSE;
	*ret_index = index;
	return TRUE;
}

/* Name, Scope::Name or Name[2]. */
static gboolean
parse_segment(struct query_lexer *lexer, struct query_segment *ret_segment, GError **error)
{
	g_autofree char *scope = NULL;
	g_autofree char *name = query_take_name(lexer, "the name of a property", error);
	int index = -1;
	if (!name)
		return FALSE;
	if (query_at_mark(lexer, "::")) {
		scope = g_steal_pointer(&name);
		if (!query_lexer_next(lexer, error) ||
		    !(name = query_take_name(lexer, "the name of a property", error)))
			return FALSE;
	}
	if (query_at_mark(lexer, "[") && !parse_index(lexer, &index, error))
		return FALSE;
	ret_segment->scope = g_steal_pointer(&scope);
	ret_segment->name = g_steal_pointer(&name);
	ret_segment->index = index;
	return TRUE;
}

static gboolean
add_segment(struct query_lexer *lexer, struct query_operand *operand, GError **error)
{
	if (operand->segment_count == QUERY_SEGMENTS_MAX)
		return query_expected(lexer, "a shorter name", error);
	operand->segments =
		g_renew(struct query_segment, operand->segments, operand->segment_count + 1);
	if (!parse_segment(lexer, &operand->segments[operand->segment_count], error))
		return FALSE;
	operand->segment_count++;
	return TRUE;
}

/* Of "Class.Prop" where Class is FROM's, only Prop stays. */
static void
drop_class(struct query_operand *operand, const char *class_name)
{
	struct query_segment *first = &operand->segments[0];
	if (operand->segment_count < 2 || first->scope || first->index >= 0 ||
	    g_ascii_strcasecmp(first->name, class_name) != 0)
		return;
	g_free(first->name);
	operand->segment_count--;
	memmove(first, first + 1, operand->segment_count * sizeof *first);
}

static gboolean
parse_property(struct parser *parser, struct query_operand *operand, GError **error)
{
	struct query_lexer *lexer = parser->lexer;
	if (!add_segment(lexer, operand, error))
		return FALSE;
	if (query_at_mark(lexer, "("))
		return query_wrong(lexer, lexer->begin, "functions are not supported", error);
	while (query_at_mark(lexer, "."))
		if (!query_lexer_next(lexer, error) || !add_segment(lexer, operand, error))
			return FALSE;
	drop_class(operand, parser->class_name);
	return TRUE;
}

static gboolean
parse_operand(struct parser *parser, struct query_operand *operand, GError **error)
{
	struct query_lexer *lexer = parser->lexer;
	switch (lexer->token) {
	case QUERY_TOKEN_STRING:
		read_string(operand, lexer->text);
		return query_lexer_next(lexer, error);
	case QUERY_TOKEN_NUMBER:
		operand->literal = lexer->number;
		return query_lexer_next(lexer, error);
	case QUERY_TOKEN_NAME:
		if (word_literal(lexer, &operand->literal))
			return query_lexer_next(lexer, error);
		return parse_property(parser, operand, error);
	default:
		return query_expected(lexer, "a property or a value", error);
	}
}

static const struct {
	const char *mark;
	enum query_operator op;
} operators[] = {
	{"=", QUERY_EQUAL},	     {"<>", QUERY_NOT_EQUAL},  {"!=", QUERY_NOT_EQUAL},
	{"<", QUERY_LESS},	     {"<=", QUERY_LESS_EQUAL}, {">", QUERY_GREATER},
	{">=", QUERY_GREATER_EQUAL},
};

static gboolean
parse_operator(struct query_lexer *lexer, enum query_operator *ret_op, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(operators); i++) {
		if (query_at_mark(lexer, operators[i].mark)) {
			*ret_op = operators[i].op;
			return query_lexer_next(lexer, error);
		}
	}
	return query_expected(lexer, "a comparison (= <> < <= > >= LIKE ISA IS)", error);
}

/* IS NULL, IS NOT NULL: the same as = NULL, <> NULL. */
static gboolean
parse_is(struct query_lexer *lexer, struct query_node *node, GError **error)
{
	if (!query_lexer_next(lexer, error))
		return FALSE;
	node->op = query_at_word(lexer, "NOT") ? QUERY_NOT_EQUAL : QUERY_EQUAL;
	if (node->op == QUERY_NOT_EQUAL && !query_lexer_next(lexer, error))
		return FALSE;
	return query_take_word(lexer, "NULL", error);
}

/* WQL puts the class into quotes, CQL does not; both are taken in both. */
static gboolean
parse_isa(struct query_lexer *lexer, struct query_node *node, GError **error)
{
	if (!query_lexer_next(lexer, error))
		return FALSE;
	node->op = QUERY_ISA;
	if (node->left.segment_count == 0 ||
	    (lexer->token != QUERY_TOKEN_NAME && lexer->token != QUERY_TOKEN_STRING))
		return query_expected(lexer, "PROPERTY ISA and the name of a class", error);
	node->right.literal = cim_string(lexer->text);
	return query_lexer_next(lexer, error);
}

static gboolean
parse_like(struct query_lexer *lexer, struct query_node *node, GError **error)
{
	if (!query_lexer_next(lexer, error))
		return FALSE;
	node->op = QUERY_LIKE;
	if (lexer->token != QUERY_TOKEN_STRING)
		return query_expected(lexer, "a pattern in quotes", error);
	if (strlen(lexer->text) > QUERY_LIKE_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT,
				  "a pattern of LIKE is longer than %d bytes", QUERY_LIKE_MAX);
	node->right.literal = cim_string(lexer->text);
	return query_lexer_next(lexer, error);
}

static gboolean
parse_rest(struct parser *parser, struct query_node *node, GError **error)
{
	struct query_lexer *lexer = parser->lexer;
	if (query_at_word(lexer, "IS"))
		return parse_is(lexer, node, error);
	if (query_at_word(lexer, "ISA"))
		return parse_isa(lexer, node, error);
	if (query_at_word(lexer, "LIKE"))
		return parse_like(lexer, node, error);
	return parse_operator(lexer, &node->op, error) &&
	       parse_operand(parser, &node->right, error);
}

static struct query_node *
negate(struct parser *parser, struct query_node *inner, GError **error)
{
	struct query_node *node = node_new(parser, QUERY_NOT, error);
	if (node)
		node->first = inner;
	else
		query_node_free(inner);
	return node;
}

static struct query_node *
parse_comparison(struct parser *parser, GError **error)
{
	struct query_lexer *lexer = parser->lexer;
	cairn_auto(query_node) node = node_new(parser, QUERY_COMPARISON, error);
	if (!node || !parse_operand(parser, &node->left, error))
		return NULL;
	gboolean is_not = query_at_word(lexer, "NOT");
	if (is_not && (!query_lexer_next(lexer, error) ||
		       !(query_at_word(lexer, "LIKE") || query_expected(lexer, "LIKE", error))))
		return NULL;
	if (!parse_rest(parser, node, error))
		return NULL;
	return is_not ? negate(parser, g_steal_pointer(&node), error) : g_steal_pointer(&node);
}

static struct query_node *parse_any(struct parser *parser, GError **error);

static struct query_node *
parse_one(struct parser *parser, GError **error)
{
	struct query_lexer *lexer = parser->lexer;
	gboolean is_not = query_at_word(lexer, "NOT");
	if (!is_not && !query_at_mark(lexer, "("))
		return parse_comparison(parser, error);
	if (!deeper(parser, error) || !query_lexer_next(lexer, error))
		return NULL;
	cairn_auto(query_node) inner = is_not ? parse_one(parser, error) : parse_any(parser, error);
	if (!inner || (!is_not && !query_take_mark(lexer, ")", error)))
		return NULL;
	parser->depth--;
	return is_not ? negate(parser, g_steal_pointer(&inner), error) : g_steal_pointer(&inner);
}

/* One or more of @part with @word between; a node of @kind when there are more. */
static struct query_node *
parse_chain(struct parser *parser, const char *word, enum query_node_kind kind,
	    struct query_node *(*part)(struct parser *, GError **), GError **error)
{
	cairn_auto(query_node) first = part(parser, error);
	if (!first || !query_at_word(parser->lexer, word))
		return g_steal_pointer(&first);
	cairn_auto(query_node) node = node_new(parser, kind, error);
	if (!node)
		return NULL;
	node->first = g_steal_pointer(&first);
	struct query_node **end = &node->first->next;
	while (query_at_word(parser->lexer, word)) {
		if (!query_lexer_next(parser->lexer, error) || !(*end = part(parser, error)))
			return NULL;
		end = &(*end)->next;
	}
	return g_steal_pointer(&node);
}

static struct query_node *
parse_all(struct parser *parser, GError **error)
{
	return parse_chain(parser, "AND", QUERY_AND, parse_one, error);
}

static struct query_node *
parse_any(struct parser *parser, GError **error)
{
	return parse_chain(parser, "OR", QUERY_OR, parse_all, error);
}

struct query_node *
query_where_parse(struct query_lexer *lexer, const char *class_name, GError **error)
{
	struct parser parser = {.lexer = lexer, .class_name = class_name};
	return parse_any(&parser, error);
}
