/* Queries of WQL and CQL: SELECT, ASSOCIATORS OF, REFERENCES OF. Their WHERE is query_where.c's,
 * the answer to whether something matches query_match.c's. */
#include "cim/query.h"

#include "base/error.h"
#include "cim/query_private.h"
#include "cim/status.h"

#include <string.h>

#define NAMES_MAX 1024 /* of a property list */

static const struct {
	const char *name;
	enum query_language language;
} languages[] = {
	{"WQL", QUERY_WQL},	 {"http://schemas.microsoft.com/wbem/wsman/1/WQL", QUERY_WQL},
	{"DMTF:CQL", QUERY_CQL}, {"CIM:CQL", QUERY_CQL},
	{"CQL", QUERY_CQL},	 {"http://schemas.dmtf.org/wbem/cql/1/dsp0202.pdf", QUERY_CQL},
};

gboolean
query_language_find(const char *name, enum query_language *ret_language)
{
	for (guint i = 0; i < G_N_ELEMENTS(languages); i++) {
		if (g_ascii_strcasecmp(languages[i].name, name) == 0) {
			*ret_language = languages[i].language;
			return TRUE;
		}
	}
	return FALSE;
}

void
query_free(struct query *query)
{
	if (!query)
		return;
	g_free(query->class_name);
	cim_property_list_free(query->list);
	query_node_free(query->where);
	cim_path_free(query->object);
	g_free(query->assoc_class);
	g_free(query->result_class);
	g_free(query->role);
	g_free(query->result_role);
	g_free(query->required_qualifier);
	g_free(query->required_assoc_qualifier);
	g_free(query);
}

/* ---- SELECT ---- */

/* One element of the list. Of A.B only A counts: an instance shows it whole. Class.* and * give
 * NULL. */
static gboolean
parse_listed(struct query_lexer *lexer, char **ret_first, char **ret_second, GError **error)
{
	g_autofree char *first = query_take_name(lexer, "* or the name of a property", error);
	g_autofree char *second = NULL;
	if (!first)
		return FALSE;
	if (query_at_mark(lexer, "(")) {
		g_autofree char *what = g_strdup_printf("%s(...) is not supported", first);
		return query_wrong(lexer, lexer->begin, what, error);
	}
	while (query_at_mark(lexer, ".") || query_at_mark(lexer, "::")) {
		if (!query_lexer_next(lexer, error))
			return FALSE;
		g_autofree char *name =
			query_at_mark(lexer, "*")
				? (query_lexer_next(lexer, error) ? g_strdup("*") : NULL)
				: query_take_name(lexer, "the name of a property", error);
		if (!name)
			return FALSE;
		if (!second)
			second = g_steal_pointer(&name);
	}
	*ret_first = g_steal_pointer(&first);
	*ret_second = g_steal_pointer(&second);
	return TRUE;
}

/* Names before FROM, each with what stood behind its dot: which of the two is meant is known only
 * when FROM has said the class. */
struct listed {
	GPtrArray *first, *second;
};

static gboolean
parse_list(struct query_lexer *lexer, struct listed *listed, GError **error)
{
	do {
		char *first = NULL, *second = NULL;
		if (listed->first->len > 0 && !query_lexer_next(lexer, error))
			return FALSE;
		if (!parse_listed(lexer, &first, &second, error))
			return FALSE;
		g_ptr_array_add(listed->first, first);
		g_ptr_array_add(listed->second, second);
		if (listed->first->len > NAMES_MAX)
			return cairn_fail(error, CAIRN_ERROR_LIMIT,
					  "the query lists more than %d properties", NAMES_MAX);
	} while (query_at_mark(lexer, ","));
	return TRUE;
}

static struct cim_property_list *
list_of(const struct listed *listed, const char *class_name)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (guint i = 0; i < listed->first->len; i++) {
		char *name = listed->first->pdata[i], *second = listed->second->pdata[i];
		if (second && g_ascii_strcasecmp(name, class_name) == 0)
			name = second;
		if (strcmp(name, "*") == 0)
			return NULL;
		g_ptr_array_add(names, name);
	}
	g_ptr_array_add(names, NULL);
	return names->len > 1 ? cim_property_list_new((char *const *)names->pdata) : NULL;
}

static gboolean
parse_within(struct query_lexer *lexer, gint64 *ret_usec, GError **error)
{
	const struct cim_value *number = &lexer->number;
	if (!query_lexer_next(lexer, error))
		return FALSE;
	double seconds = lexer->token != QUERY_TOKEN_NUMBER ? -1
			 : number->type == CIM_REAL64	    ? number->u.real
			 : number->type == CIM_UINT64	    ? (double)number->u.uint
							    : -1;
	if (!(seconds >= 0 && seconds <= QUERY_WITHIN_MAX))
		return query_expected(lexer, "seconds, at most a year", error);
	*ret_usec = (gint64)(seconds * G_USEC_PER_SEC);
	return query_lexer_next(lexer, error);
}

static gboolean
parse_select(struct query_lexer *lexer, struct query *query, const struct listed *listed,
	     GError **error)
{
	query->kind = QUERY_SELECT;
	if (query_at_mark(lexer, "*") ? !query_lexer_next(lexer, error)
				      : !parse_list(lexer, (struct listed *)listed, error))
		return FALSE;
	if (!query_take_word(lexer, "FROM", error))
		return FALSE;
	query->class_name = query_take_name(lexer, "the name of a class", error);
	if (!query->class_name)
		return FALSE;
	query->list = list_of(listed, query->class_name);
	if (query_at_word(lexer, "WITHIN") && !parse_within(lexer, &query->within_usec, error))
		return FALSE;
	if (lexer->token == QUERY_TOKEN_END)
		return TRUE;
	if (!query_take_word(lexer, "WHERE", error))
		return FALSE;
	query->where = query_where_parse(lexer, query->class_name, error);
	return query->where != NULL;
}

static gboolean
read_select(struct query_lexer *lexer, struct query *query, GError **error)
{
	g_autoptr(GPtrArray) first = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) second = g_ptr_array_new_with_free_func(g_free);
	struct listed listed = {first, second};
	return parse_select(lexer, query, &listed, error);
}

/* ---- ASSOCIATORS OF, REFERENCES OF ---- */

/* Either a text or a flag. */
struct keyword {
	const char *name;
	gsize text, flag; /* offsets in struct query; 0: not that kind */
	guint kinds;	  /* 1 << enum query_kind */
};
#define BOTH ((1 << QUERY_ASSOCIATORS) | (1 << QUERY_REFERENCES))

static const struct keyword keywords[] = {
	{"AssocClass", offsetof(struct query, assoc_class), 0, 1 << QUERY_ASSOCIATORS},
	{"ResultClass", offsetof(struct query, result_class), 0, BOTH},
	{"Role", offsetof(struct query, role), 0, BOTH},
	{"ResultRole", offsetof(struct query, result_role), 0, 1 << QUERY_ASSOCIATORS},
	{"RequiredQualifier", offsetof(struct query, required_qualifier), 0, BOTH},
	{"RequiredAssocQualifier", offsetof(struct query, required_assoc_qualifier), 0,
	 1 << QUERY_ASSOCIATORS},
	{"ClassDefsOnly", 0, offsetof(struct query, class_defs_only), BOTH},
	{"KeysOnly", 0, offsetof(struct query, keys_only), BOTH},
	{"SchemaOnly", 0, offsetof(struct query, schema_only), BOTH},
};

static const struct keyword *
find_keyword(const struct query_lexer *lexer, enum query_kind kind)
{
	for (guint i = 0; i < G_N_ELEMENTS(keywords); i++)
		if ((keywords[i].kinds & 1u << kind) && query_at_word(lexer, keywords[i].name))
			return &keywords[i];
	return NULL;
}

/* The name behind '='; in quotes too. */
static gboolean
parse_value(struct query_lexer *lexer, char **slot, GError **error)
{
	if (!query_take_mark(lexer, "=", error))
		return FALSE;
	if (lexer->token != QUERY_TOKEN_NAME && lexer->token != QUERY_TOKEN_STRING)
		return query_expected(lexer, "a name", error);
	*slot = g_steal_pointer(&lexer->text);
	return query_lexer_next(lexer, error);
}

static gboolean
parse_keyword(struct query_lexer *lexer, struct query *query, GError **error)
{
	const struct keyword *keyword = find_keyword(lexer, query->kind);
	if (!keyword)
		return query_expected(lexer,
				      query->kind == QUERY_ASSOCIATORS
					      ? "a keyword of ASSOCIATORS OF (AssocClass, "
						"ResultClass, Role, ResultRole, ...)"
					      : "a keyword of REFERENCES OF (ResultClass, Role, "
						"...)",
				      error);
	char **text = keyword->text ? G_STRUCT_MEMBER_P(query, keyword->text) : NULL;
	gboolean *flag = keyword->flag ? G_STRUCT_MEMBER_P(query, keyword->flag) : NULL;
	if (text ? *text != NULL : *flag)
		return query_expected(lexer, "each keyword once", error);
	if (!query_lexer_next(lexer, error))
		return FALSE;
	if (text)
		return parse_value(lexer, text, error);
	*flag = TRUE;
	return TRUE;
}

/* ClassDefsOnly and KeysOnly say what is wanted of each result: only one can be. */
static gboolean
check_flags(const struct query_lexer *lexer, const struct query *query, GError **error)
{
	if (query->class_defs_only + query->keys_only + query->schema_only > 1)
		return query_wrong(lexer, lexer->begin,
				   "expected one of ClassDefsOnly, KeysOnly, SchemaOnly", error);
	return TRUE;
}

static gboolean
read_associations(struct query_lexer *lexer, struct query *query, GError **error)
{
	if (!query_take_word(lexer, "OF", error))
		return FALSE;
	if (lexer->token != QUERY_TOKEN_PATH)
		return query_expected(lexer, "{PATH}", error);
	query->object = cim_path_parse(lexer->text, error);
	if (!query->object) {
		g_prefix_error(error, "the path in braces: ");
		return FALSE;
	}
	if (!query_lexer_next(lexer, error))
		return FALSE;
	if (lexer->token == QUERY_TOKEN_END)
		return TRUE;
	if (!query_take_word(lexer, "WHERE", error))
		return FALSE;
	do {
		if (!parse_keyword(lexer, query, error))
			return FALSE;
	} while (lexer->token != QUERY_TOKEN_END);
	return check_flags(lexer, query, error);
}

/* ---- both ---- */

static gboolean
read_query(struct query_lexer *lexer, struct query *query, GError **error)
{
	gboolean wql = lexer->language == QUERY_WQL;
	if (!query_lexer_next(lexer, error))
		return FALSE;
	if (query_at_word(lexer, "SELECT"))
		return query_lexer_next(lexer, error) && read_select(lexer, query, error);
	if (wql && query_at_word(lexer, "ASSOCIATORS"))
		query->kind = QUERY_ASSOCIATORS;
	else if (wql && query_at_word(lexer, "REFERENCES"))
		query->kind = QUERY_REFERENCES;
	else
		return query_expected(
			lexer, wql ? "SELECT, ASSOCIATORS OF or REFERENCES OF" : "SELECT", error);
	return query_lexer_next(lexer, error) && read_associations(lexer, query, error);
}

struct query *
query_parse(enum query_language language, const char *text, GError **error)
{
	if (strlen(text) > QUERY_TEXT_MAX) {
		cairn_fail(error, CAIRN_ERROR_LIMIT, "the query is longer than %d bytes",
			   QUERY_TEXT_MAX);
		return NULL;
	}
	if (!g_utf8_validate(text, -1, NULL)) {
		cim_fail(error, CIM_ERR_INVALID_QUERY, "the query is not UTF-8");
		return NULL;
	}
	struct query_lexer lexer = {.language = language, .start = text, .at = text};
	cairn_auto(query) query = g_new0(struct query, 1);
	query->language = language;
	gboolean ok = read_query(&lexer, query, error);
	if (ok && lexer.token != QUERY_TOKEN_END)
		ok = query_expected(&lexer, "AND, OR or the end of the query", error);
	query_lexer_clear(&lexer);
	return ok ? g_steal_pointer(&query) : NULL;
}
