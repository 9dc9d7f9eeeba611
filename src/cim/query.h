/* WQL, and the basics of CQL (DSP0202): SELECT with a property list and WHERE, ASSOCIATORS OF and
 * REFERENCES OF with their keywords, event queries. Text to struct, and whether an instance
 * matches. */
#pragma once

#include "base/auto.h"
#include "cim/instance.h"

#include <glib.h>

#define QUERY_TEXT_MAX	65536 /* bytes */
#define QUERY_NODES_MAX 4096  /* comparisons and operators of one query */
#define QUERY_DEPTH_MAX 64    /* brackets in brackets */

enum query_kind { QUERY_SELECT, QUERY_ASSOCIATORS, QUERY_REFERENCES };
enum query_language { QUERY_WQL, QUERY_CQL };

struct query_node; /* of WHERE; query.c's own */

struct query {
	enum query_kind kind;
	enum query_language language;
	/* SELECT */
	char *class_name;
	struct cim_property_list *list; /* NULL: all (*) */
	struct query_node *where;	/* NULL: all */
	gint64 within_usec;		/* WITHIN of an event query; 0: not said */
	/* ASSOCIATORS OF {object} and REFERENCES OF {object} WHERE ... */
	struct cim_path *object;
	char *assoc_class, *result_class, *role, *result_role; /* NULL: not said */
	char *required_qualifier, *required_assoc_qualifier;
	gboolean class_defs_only, keys_only, schema_only;
};

void query_free(struct query *query);
CAIRN_DEFINE_AUTO(query, query_free)

/* "WQL", "DMTF:CQL", "CIM:CQL" and the two WS-Man dialect URIs, any case; FALSE: another one. */
gboolean query_language_find(const char *name, enum query_language *ret_language);
/* CIM_ERR_INVALID_QUERY says at which character and what was expected; LIMIT what is too large. */
struct query *query_parse(enum query_language language, const char *text, GError **error);
/* Whether @instance is one of query->class_name (or below) and WHERE holds. Strings compare without
 * case in WQL; a comparison with NULL or of a property that is not there is false, as in WMI, and
 * so is NOT of it. Names like TargetInstance.JobState look into embedded instances; __CLASS,
 * __SUPERCLASS and __DYNASTY are names of classes, __THIS (before ISA) is the instance itself.
 * Arrays are only compared with NULL (in CQL also element by element: Name[0]). */
gboolean query_matches(const struct query *query, const struct cim_instance *instance);
/* Checks names against @class: CIM_ERR_INVALID_QUERY for one that it does not have, and for an
 * array that is compared as a whole. */
gboolean query_check(const struct query *query, const struct cim_class *class, GError **error);
/* The value that WHERE demands of @property with '=' in every match ("A = 'x' AND ..."), or NULL:
 * lets a caller find by key. Borrowed. */
const struct cim_value *query_demands(const struct query *query, const char *property);
/* The class that WHERE demands of @property with ISA, or NULL. */
const char *query_demands_isa(const struct query *query, const char *property);
