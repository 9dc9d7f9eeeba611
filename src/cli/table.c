/* Cells are kept row by row; widths are known only when all are there. */
#include "cli/table.h"

#include "cli/text.h"

#include <glib/gi18n.h>

#define GAP 2 /* blanks between columns */

struct cell {
	char *text;
	enum style style;
};

struct table {
	guint columns;
	gboolean sheet;
	gboolean *right; /* per column */
	GArray *cells;	 /* struct cell; the header first */
};

void
style_append(GString *out, enum style style, const char *text, gboolean color)
{
	static const char *const codes[] = {
		[STYLE_HEAD] = "1",  [STYLE_DIM] = "2",	 [STYLE_GOOD] = "32",
		[STYLE_WARN] = "33", [STYLE_BAD] = "31",
	};
	if (!color || style == STYLE_PLAIN || style >= G_N_ELEMENTS(codes))
		g_string_append(out, text);
	else
		g_string_append_printf(out, "\033[%sm%s\033[0m", codes[style], text);
}

static void
cell_clear(gpointer data)
{
	struct cell *cell = data;
	g_free(cell->text);
}

static struct table *
new_with_columns(guint columns)
{
	struct table *table = g_new0(struct table, 1);
	table->columns = columns;
	table->right = g_new0(gboolean, columns);
	table->cells = g_array_new(FALSE, FALSE, sizeof(struct cell));
	g_array_set_clear_func(table->cells, cell_clear);
	return table;
}

struct table *
table_new(const char *const *headers)
{
	struct table *table = new_with_columns(g_strv_length((char **)headers));
	for (guint i = 0; headers[i]; i++) {
		const char *header = gettext(headers[i]);
		table->right[i] = header[0] == '>';
		table_add_style(table, STYLE_HEAD, header + table->right[i]);
	}
	return table;
}

struct table *
table_new_sheet(void)
{
	struct table *table = new_with_columns(2);
	table->sheet = TRUE;
	return table;
}

void
table_free(struct table *table)
{
	if (!table)
		return;
	g_array_unref(table->cells);
	g_free(table->right);
	g_free(table);
}

void
table_add_style(struct table *table, enum style style, const char *text)
{
	struct cell cell = {text_clean(text && *text ? text : "-"), style};
	g_array_append_val(table->cells, cell);
}

void
table_add(struct table *table, const char *text)
{
	table_add_style(table, STYLE_PLAIN, text);
}

void
table_add_blank(struct table *table)
{
	struct cell cell = {g_strdup(""), STYLE_PLAIN};
	g_array_append_val(table->cells, cell);
}

void
table_take(struct table *table, char *text)
{
	table_add(table, text);
	g_free(text);
}

void
table_pair(struct table *table, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	table_add_style(table, STYLE_DIM, gettext(name));
	table_add(table, value);
}

void
table_pair_take(struct table *table, const char *name, char *value)
{
	table_pair(table, name, value);
	g_free(value);
}

static guint *
measure(const struct table *table)
{
	guint *widths = g_new0(guint, table->columns);
	for (guint i = 0; i < table->cells->len; i++) {
		const struct cell *cell = &g_array_index(table->cells, struct cell, i);
		guint column = i % table->columns;
		widths[column] = MAX(widths[column], text_width(cell->text));
	}
	return widths;
}

static void
append_cell(GString *out, const struct table *table, guint i, guint width, gboolean color)
{
	const struct cell *cell = &g_array_index(table->cells, struct cell, i);
	guint column = i % table->columns;
	gboolean last = column + 1 == table->columns;
	guint blanks = width - text_width(cell->text);
	if (column > 0)
		g_string_append_printf(out, "%*s", GAP, "");
	if (table->right[column])
		g_string_append_printf(out, "%*s", (int)blanks, "");
	style_append(out, cell->style, cell->text, color);
	if (last)
		g_string_append_c(out, '\n');
	else if (!table->right[column])
		g_string_append_printf(out, "%*s", (int)blanks, "");
}

char *
table_format(const struct table *table, guint indent, gboolean color)
{
	GString *out = g_string_new(NULL);
	if (!table->sheet && table->cells->len <= table->columns)
		return g_string_free(out, FALSE);
	g_autofree guint *widths = measure(table);
	for (guint i = 0; i < table->cells->len; i++) {
		if (i % table->columns == 0)
			g_string_append_printf(out, "%*s", (int)indent, "");
		append_cell(out, table, i, widths[i % table->columns], color);
	}
	return g_string_free(out, FALSE);
}
