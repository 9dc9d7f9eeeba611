/* Aligned text tables, and the two-column sheets of the `show` commands. */
#pragma once

#include "base/auto.h"

#include <glib.h>

enum style {
	STYLE_PLAIN,
	STYLE_HEAD, /* bold */
	STYLE_DIM,
	STYLE_GOOD, /* green */
	STYLE_WARN, /* yellow */
	STYLE_BAD,  /* red */
};

/* Appends @text in @style; plain when @color is FALSE. */
void style_append(GString *out, enum style style, const char *text, gboolean color);

struct table;

/* Columns by their headers, NULL-terminated; a header that begins with '>' is aligned right. A
 * sheet has two columns and no header line. */
struct table *table_new(const char *const *headers);
struct table *table_new_sheet(void);
void table_free(struct table *table);
CAIRN_DEFINE_AUTO(table, table_free)

/* The next cell, cleaned of control characters; NULL and "" show as "-". A row ends by itself. */
void table_add(struct table *table, const char *text);
/* A cell without a text, of a row that goes on from the one before. */
void table_add_blank(struct table *table);
void table_add_style(struct table *table, enum style style, const char *text);
/* The same, and takes @text over. */
void table_take(struct table *table, char *text);
/* A row of a sheet; nothing when @value is NULL or "". */
void table_pair(struct table *table, const char *name, const char *value);
void table_pair_take(struct table *table, const char *name, char *value);

/* The lines, columns two blanks apart, nothing but a newline after the last cell. Free with
 * g_free(). An empty table has no header either. */
char *table_format(const struct table *table, guint indent, gboolean color);
