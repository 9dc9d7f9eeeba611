/* What the parts of the query parser share: tokens, and the tree that WHERE becomes. */
#pragma once

#include "cim/datetime.h"
#include "cim/query.h"

#define QUERY_SEGMENTS_MAX 16	    /* names of one A.B.C */
#define QUERY_LIKE_MAX	   4096	    /* bytes of one pattern: matching takes text times pattern */
#define QUERY_WITHIN_MAX   31536000 /* seconds: a year */

/* ---- tokens (query_lex.c) ---- */
enum query_token {
	QUERY_TOKEN_END,
	QUERY_TOKEN_NAME,
	QUERY_TOKEN_STRING,
	QUERY_TOKEN_NUMBER,
	QUERY_TOKEN_MARK, /* = <> != < <= > >= :: ( ) , . * [ ] */
	QUERY_TOKEN_PATH, /* {...} */
};

struct query_lexer {
	enum query_language language;
	const char *start, *at; /* @at: behind the token */
	/* The token that is looked at. */
	enum query_token token;
	const char *begin; /* where it begins in the text */
	char *text;	   /* name, string without quotes and escapes, path, mark */
	struct cim_value number;
};

/* Goes to the next token. CIM_ERR_INVALID_QUERY for what is none. */
gboolean query_lexer_next(struct query_lexer *lexer, GError **error);
void query_lexer_clear(struct query_lexer *lexer);
gboolean query_at_word(const struct query_lexer *lexer, const char *word);
gboolean query_at_mark(const struct query_lexer *lexer, const char *mark);
/* "at character 12: expected ..., found ..."; returns FALSE. */
gboolean query_expected(const struct query_lexer *lexer, const char *what, GError **error);
/* The same in other words, for @at. */
gboolean query_wrong(const struct query_lexer *lexer, const char *at, const char *what,
		     GError **error);
/* Takes the mark or the word, or says that it was expected. */
gboolean query_take_mark(struct query_lexer *lexer, const char *mark, GError **error);
gboolean query_take_word(struct query_lexer *lexer, const char *word, GError **error);
/* The name that stands there; NULL with the error that @what was expected. */
char *query_take_name(struct query_lexer *lexer, const char *what, GError **error);

/* ---- WHERE (query_where.c) ---- */
enum query_node_kind { QUERY_AND, QUERY_OR, QUERY_NOT, QUERY_COMPARISON };

enum query_operator {
	QUERY_EQUAL,
	QUERY_NOT_EQUAL,
	QUERY_LESS,
	QUERY_LESS_EQUAL,
	QUERY_GREATER,
	QUERY_GREATER_EQUAL,
	QUERY_LIKE,
	QUERY_ISA,
};

/* One name of A.Scope::B[2]. */
struct query_segment {
	char *scope; /* class that the name is looked up in (CQL), or NULL */
	char *name;
	int index; /* into an array (CQL), or -1 */
};

/* A property (segment_count > 0) or a literal. */
struct query_operand {
	struct query_segment *segments;
	guint segment_count;
	struct cim_value literal; /* string, boolean, uint64, sint64, real64, or NULL */
	/* What a string literal also is, read once. */
	gboolean is_time;
	struct cim_datetime time;
	struct cim_path *path; /* or NULL */
};

/* AND and OR have any number of children, so that a long chain is not a deep tree: depth is at most
 * three for each of QUERY_DEPTH_MAX. */
struct query_node {
	enum query_node_kind kind;
	struct query_node *first, *next;
	enum query_operator op;
	struct query_operand left, right; /* ISA: right is a string */
};

struct query_node *query_where_parse(struct query_lexer *lexer, const char *class_name,
				     GError **error);
/* With its siblings. */
void query_node_free(struct query_node *node);
CAIRN_DEFINE_AUTO(query_node, query_node_free)

/* ---- matching (query_compare.c) ---- */
/* -1, 0, 1 in *@ret_order; FALSE when the two cannot be compared. Neither is NULL or an array. */
gboolean query_compare(enum query_language language, const struct cim_value *a,
		       const struct query_operand *a_from, const struct cim_value *b,
		       const struct query_operand *b_from, int *ret_order);
/* LIKE with % _ [abc] [a-z] [^x]; time is at most text times pattern. @fold: without case. */
gboolean query_like(const char *text, const char *pattern, gboolean fold);
