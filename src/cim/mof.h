/* MOF (DSP0004 Annex A): one parser, used by src/mofc for the schema at build time and at run time
 * for `instance of X { ... };` that clients send as text. */
#pragma once

#include "base/auto.h"
#include "cim/instance.h"
#include "cim/schema.h"

#include <glib.h>

#define MOF_TEXT_MAX  (4 << 20) /* bytes */
#define MOF_DEPTH_MAX 16	/* braces in braces */

/* ---- what was read: names and texts, nothing resolved ---- */
struct mof_qualifier {
	char *name;
	char **values; /* texts; NULL: only the name stood there; without elements: NULL was said */
	gboolean is_array;
	guint flavors, flavors_set; /* CIM_FLAVOR_*, and which of them were said */
	guint line;
};

struct mof_member {
	char *name, *type; /* "uint16", or the class of a reference */
	gboolean is_reference, is_array;
	guint array_size;
	char **defaults; /* NULL: none said */
	gboolean default_is_array;
	GPtrArray *qualifiers; /* of mof_qualifier */
	guint line;
};

struct mof_method {
	char *name, *type;
	GPtrArray *parameters; /* of mof_member */
	GPtrArray *qualifiers;
	guint line;
};

struct mof_class {
	char *name, *super;
	GPtrArray *qualifiers, *properties, *methods;
	guint line;
};

struct mof_qualifier_type {
	char *name, *type;
	gboolean is_array;
	char **defaults;
	char **scopes;
	guint flavors;
	guint line;
};

struct mof_file {
	char *name; /* as given, for errors */
	GPtrArray *qualifier_types, *classes;
	char **includes; /* of #pragma include, in order */
	char *locale;	 /* of #pragma locale, or NULL */
};

void mof_file_free(struct mof_file *file);
CAIRN_DEFINE_AUTO(mof_file, mof_file_free)
/* INVALID with @name, line and what was expected. */
struct mof_file *mof_parse(const char *name, const char *text, gsize len, GError **error);

/* Instances of client text: `instance of X { P = V; ... };` one or more. Values are typed by the
 * class; unknown properties are ignored, an unknown class is NOT_FOUND. @ret_instances: of
 * struct cim_instance. Nested instances in string values stay text. */
GPtrArray *mof_parse_instances(const struct cim_schema *schema, enum cim_namespace_id ns,
			       const char *text, gsize len, GError **error);
