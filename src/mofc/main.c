/* mofc [--strict] [--output FILE [--depfile FILE]] [--dump | --man] SCHEMA.mof [FILE.mfl]...: the
 * schema as C, as text, or as the manual page cairn-cim(7). */
#include "mofc/mofc.h"

struct options {
	gboolean strict, dump, man;
	char *output, *depfile;
	char **files;
};

static gboolean
parse_options(int *argc, char ***argv, struct options *options, GError **error)
{
	const GOptionEntry entries[] = {
		{"strict", 0, 0, G_OPTION_ARG_NONE, &options->strict, "warnings are errors", NULL},
		{"dump", 0, 0, G_OPTION_ARG_NONE, &options->dump, "the classes as text", NULL},
		{"man", 0, 0, G_OPTION_ARG_NONE, &options->man, "the manual page", NULL},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, "instead of stdout",
		 "FILE"},
		{"depfile", 0, 0, G_OPTION_ARG_FILENAME, &options->depfile,
		 "what was read, for make or ninja", "FILE"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL,
		 "SCHEMA.mof [FILE.mfl]..."},
		G_OPTION_ENTRY_NULL};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_option_context_add_main_entries(context, entries, NULL);
	return g_option_context_parse(context, argc, argv, error);
}

static gboolean
compile(struct mofc *mofc, const struct options *options, GString *text, GError **error)
{
	struct cim_tables tables;
	for (char **file = options->files; *file; file++)
		if (!mofc_read(mofc, *file, error))
			return FALSE;
	if (!mofc_resolve(mofc, &tables, error))
		return FALSE;
	if (options->dump)
		mofc_dump(&tables, text);
	else if (options->man)
		mofc_man(&tables, text);
	else
		mofc_emit(&tables, text);
	return TRUE;
}

static gboolean
write_depfile(const struct mofc *mofc, const struct options *options, GError **error)
{
	g_autoptr(GString) text = g_string_new(options->output);
	g_string_append_c(text, ':');
	for (guint i = 0; i < mofc->files->len + mofc->translations->len; i++) {
		const struct mof_file *file =
			i < mofc->files->len
				? g_ptr_array_index(mofc->files, i)
				: g_ptr_array_index(mofc->translations, i - mofc->files->len);
		g_string_append_printf(text, " %s", file->name);
	}
	g_string_append_c(text, '\n');
	return g_file_set_contents(options->depfile, text->str, (gssize)text->len, error);
}

static int
run(const struct options *options)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	cairn_auto(mofc) mofc = mofc_new();
	gboolean ok = compile(mofc, options, text, &error);
	for (guint i = 0; i < mofc->warnings->len; i++)
		g_printerr("mofc: %s\n", (char *)g_ptr_array_index(mofc->warnings, i));
	if (ok && options->output)
		ok = g_file_set_contents(options->output, text->str, (gssize)text->len, &error);
	else if (ok)
		g_print("%s", text->str);
	if (ok && options->output && options->depfile)
		ok = write_depfile(mofc, options, &error);
	if (!ok)
		g_printerr("mofc: %s\n", error->message);
	return ok && !(options->strict && mofc->warnings->len) ? 0 : 1;
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	struct options options = {0};
	int status = 2;
	if (!parse_options(&argc, &argv, &options, &error))
		g_printerr("mofc: %s\n", error->message);
	else if (!options.files)
		g_printerr("mofc: a file was expected\n");
	else
		status = run(&options);
	g_strfreev(options.files);
	g_free(options.output);
	g_free(options.depfile);
	return status;
}
