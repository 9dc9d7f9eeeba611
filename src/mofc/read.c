/* Files of the schema into one struct mofc, and that struct's life. */
#include "mofc/mofc.h"

#include "base/error.h"

#include <string.h>

static void
free_file(gpointer data)
{
	mof_file_free(data);
}

struct mofc *
mofc_new(void)
{
	struct mofc *mofc = g_new0(struct mofc, 1);
	mofc->files = g_ptr_array_new_with_free_func(free_file);
	mofc->translations = g_ptr_array_new_with_free_func(free_file);
	mofc->warnings = g_ptr_array_new_with_free_func(g_free);
	mofc->kept = g_ptr_array_new_with_free_func(g_free);
	mofc->translated = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	mofc->declared = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	mofc->classes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return mofc;
}

void
mofc_free(struct mofc *mofc)
{
	if (!mofc)
		return;
	g_ptr_array_unref(mofc->files);
	g_ptr_array_unref(mofc->translations);
	g_ptr_array_unref(mofc->warnings);
	g_ptr_array_unref(mofc->kept);
	g_hash_table_unref(mofc->translated);
	g_hash_table_unref(mofc->declared);
	g_hash_table_unref(mofc->classes);
	g_free(mofc);
}

gpointer
mofc_keep(struct mofc *mofc, gsize size)
{
	gpointer memory = g_malloc0(MAX(size, 1));
	g_ptr_array_add(mofc->kept, memory);
	return memory;
}

const char *
mofc_keep_text(struct mofc *mofc, const char *text)
{
	char *copy = g_strdup(text);
	if (copy)
		g_ptr_array_add(mofc->kept, copy);
	return copy;
}

gboolean
mofc_fail(GError **error, const struct mof_file *file, guint line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	return cairn_fail(error, CAIRN_ERROR_INVALID, "%s:%u: %s", file->name, line, text);
}

void
mofc_warn(struct mofc *mofc, const struct mof_file *file, guint line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(mofc->warnings, g_strdup_printf("%s:%u: %s", file->name, line, text));
}

/* ---- reading ---- */

static void
add_file(struct mofc *mofc, struct mof_file *file)
{
	g_ptr_array_add(file->locale ? mofc->translations : mofc->files, file);
}

gboolean
mofc_read_text(struct mofc *mofc, const char *name, const char *text, GError **error)
{
	struct mof_file *file = mof_parse(name, text, strlen(text), error);
	if (file)
		add_file(mofc, file);
	return file != NULL;
}

/* Included files first: their classes are the ancestors of the file's own. */
static gboolean
read_file(struct mofc *mofc, const char *path, guint depth, GError **error)
{
	g_autofree char *text = NULL;
	gsize len;
	if (depth > MOFC_INCLUDE_MAX)
		return cairn_fail(error, CAIRN_ERROR_LIMIT, "%s: files include files too deeply",
				  path);
	if (!g_file_get_contents(path, &text, &len, error))
		return FALSE;
	cairn_auto(mof_file) file = mof_parse(path, text, len, error);
	if (!file)
		return FALSE;
	g_autofree char *folder = g_path_get_dirname(path);
	for (char **include = file->includes; *include; include++) {
		g_autofree char *included = g_build_filename(folder, *include, NULL);
		if (!read_file(mofc, included, depth + 1, error))
			return FALSE;
	}
	add_file(mofc, g_steal_pointer(&file));
	return TRUE;
}

gboolean
mofc_read(struct mofc *mofc, const char *path, GError **error)
{
	return read_file(mofc, path, 0, error);
}
