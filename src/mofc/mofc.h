/* The compiler of the schema: MOF files to the tables of cim/class.h, and those to C, to text and
 * to a manual page. Only runs while cairn is built; everything is kept until mofc_free(). */
#pragma once

#include "base/auto.h"
#include "cim/mof.h"
#include "cim/tables.h"

#include <glib.h>

#define MOFC_INCLUDE_MAX 8 /* files in files */

struct mofc {
	GPtrArray *files;	 /* of mof_file: the schema's, in the order of declaration */
	GPtrArray *translations; /* of mof_file: the mfl files */
	GPtrArray *warnings;	 /* of char *: "FILE:LINE: ..." */
	GPtrArray *kept;	 /* what the tables point to */
	GHashTable *translated;	 /* mof_qualifier -> char **[CIM_LANG_LAST], borrowed texts */
	GHashTable *declared;	 /* lower-case name -> struct mofc_declared */
	GHashTable *classes;	 /* lower-case name -> struct cim_class */
};

struct mofc_declared {
	struct cim_qualifier qualifier; /* with the default value */
	guint scopes;			/* 1 << index in the table of scopes; all of "any" */
	const char *scope_text;		/* CIM-XML's words */
};

struct mofc *mofc_new(void);
void mofc_free(struct mofc *mofc);
CAIRN_DEFINE_AUTO(mofc, mofc_free)

/* ---- read.c ---- */
/* @path and what it includes (relative to it); an mfl file when it has a locale of ours. */
gboolean mofc_read(struct mofc *mofc, const char *path, GError **error);
/* The same of a text without includes. */
gboolean mofc_read_text(struct mofc *mofc, const char *name, const char *text, GError **error);

/* ---- translate.c ---- */
/* Ties the texts of the mfl files to the qualifiers they translate; what fits nothing is a
 * warning. */
gboolean mofc_translate(struct mofc *mofc, GError **error);

/* ---- resolve.c: inheritance; once all is read. The tables live as long as @mofc. ---- */
gboolean mofc_resolve(struct mofc *mofc, struct cim_tables *ret_tables, GError **error);

/* ---- qualifiers.c ---- */
enum mofc_scope {
	MOFC_CLASS,
	MOFC_ASSOCIATION,
	MOFC_INDICATION,
	MOFC_PROPERTY,
	MOFC_REFERENCE,
	MOFC_METHOD,
	MOFC_PARAMETER,
	MOFC_SCOPE_LAST,
};

struct mofc_list {
	struct cim_qualifier *items;
	guint count;
};

gboolean mofc_declare(struct mofc *mofc, const struct mof_file *file,
		      const struct mof_qualifier_type *type, GError **error);
/* @inherited (as the ancestor has them) with @own on top; cairn's private ones are left out. */
gboolean mofc_qualifiers(struct mofc *mofc, const struct mof_file *file, const GPtrArray *own,
			 enum mofc_scope scope, const struct mofc_list *inherited,
			 struct mofc_list *ret_list, GError **error);
/* Whether boolean @name holds: its value, or what its declaration says. */
gboolean mofc_is_true(const struct mofc *mofc, const struct mofc_list *list, const char *name);
/* The first text of @name, or NULL. */
const char *mofc_text(const struct mofc_list *list, const char *name);
/* The private qualifier @name of @own, or NULL. */
const struct mof_qualifier *mofc_private(const GPtrArray *own, const char *name);
/* @texts as values of @type, each in its one spelling. */
gboolean mofc_values(struct mofc *mofc, const char *where, enum cim_type type, char *const *texts,
		     const char *const **ret_values, GError **error);

/* ---- members.c ---- */
struct mofc_context {
	struct mofc *mofc;
	const struct mof_file *file;
	const char *class_name;
};

gboolean mofc_property(const struct mofc_context *at, const struct mof_member *own,
		       const struct cim_member *inherited, struct cim_member *ret_property,
		       GError **error);
gboolean mofc_method(const struct mofc_context *at, const struct mof_method *own,
		     const struct cim_method *inherited, struct cim_method *ret_method,
		     GError **error);
/* As @inherited shows in a subclass that does not mention it. */
void mofc_inherit_property(struct mofc *mofc, const struct cim_member *inherited,
			   struct cim_member *ret_property);
void mofc_inherit_method(struct mofc *mofc, const struct cim_method *inherited,
			 struct cim_method *ret_method);
/* The build of Cairn_Since, or @inherited when it is not said. */
gboolean mofc_since(const struct mof_file *file, const GPtrArray *own, guint inherited,
		    guint *ret_since, GError **error);

/* ---- emit.c, dump.c, man.c: append to @text ---- */
void mofc_emit(const struct cim_tables *tables, GString *text);
void mofc_dump(const struct cim_tables *tables, GString *text);
void mofc_man(const struct cim_tables *tables, GString *text);

/* ---- memory and words ---- */
gpointer mofc_keep(struct mofc *mofc, gsize size); /* zeroed */
const char *mofc_keep_text(struct mofc *mofc, const char *text);
gboolean mofc_fail(GError **error, const struct mof_file *file, guint line, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
void mofc_warn(struct mofc *mofc, const struct mof_file *file, guint line, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
