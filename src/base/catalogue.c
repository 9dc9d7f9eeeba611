/* The file (GNU gettext manual, "The Format of GNU MO Files"), and the search for a text's pattern.
 */
#include "base/catalogue.h"

#include "base/error.h"
#include "base/file.h"
#include "base/pattern.h"

#include <string.h>

#define MO_MAGIC	 0x950412deU
#define MO_MAGIC_SWAPPED 0xde120495U
#define MO_HEADER	 28
#define FILE_MAX	 (2 << 20)
#define MESSAGES_MAX	 8192
#define TEXT_MAX	 8192 /* bytes; longer texts stay as they are */
#define DEPTH_MAX	 3    /* texts in texts */
#define SPLITS_MAX	 4    /* ": " that are looked at */
#define LETTERS_MIN	 4    /* a pattern with fewer says nothing */

struct entry {
	struct pattern *from, *to;
	guint letters;
};

struct catalogue {
	GHashTable *fixed;    /* texts without arguments: char *, char * */
	GPtrArray *entries;   /* struct entry, the most telling first */
	struct pattern *join; /* how two texts are put together: "%s: %s" */
};

/* ---- the file ---- */

struct mo {
	const char *data;
	gsize len;
	gboolean swapped;
	guint count, originals, translations;
};

/* @at is inside the file. */
static guint
read_number(const struct mo *mo, gsize at)
{
	guint32 value;
	memcpy(&value, mo->data + at, sizeof(value));
	return mo->swapped ? GUINT32_SWAP_LE_BE(value) : value;
}

static gboolean
read_header(struct mo *mo, GError **error)
{
	guint32 magic = mo->len >= MO_HEADER ? read_number(mo, 0) : 0;
	if (magic != MO_MAGIC && magic != MO_MAGIC_SWAPPED)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "this is no message catalogue");
	mo->swapped = magic == MO_MAGIC_SWAPPED;
	mo->count = read_number(mo, 8);
	mo->originals = read_number(mo, 12);
	mo->translations = read_number(mo, 16);
	gsize table = (gsize)mo->count * 8;
	if (mo->count > MESSAGES_MAX || table > mo->len || mo->originals > mo->len - table ||
	    mo->translations > mo->len - table)
		return cairn_fail(error, CAIRN_ERROR_INVALID, "the message catalogue is cut off");
	return TRUE;
}

/* String @n of a table, which ends at a NUL; NULL when it is not ours to use: outside the file, too
 * long, with plural forms (a NUL in it) or a context. */
static const char *
read_text(const struct mo *mo, guint table, guint n)
{
	gsize len = read_number(mo, table + (gsize)n * 8);
	gsize at = read_number(mo, table + (gsize)n * 8 + 4);
	if (len == 0 || len > TEXT_MAX || at >= mo->len || len >= mo->len - at)
		return NULL;
	const char *text = mo->data + at;
	return memchr(text, '\0', len + 1) == text + len && !memchr(text, '\4', len) &&
			       g_utf8_validate(text, (gssize)len, NULL)
		       ? text
		       : NULL;
}

/* ---- the catalogue ---- */

static void
entry_free(gpointer data)
{
	struct entry *entry = data;
	pattern_free(entry->from);
	pattern_free(entry->to);
	g_free(entry);
}

/* A beginning for g_prefix_error(): the rest is its argument. */
static char *
whole_format(const char *text)
{
	return g_strconcat(text, g_str_has_suffix(text, ": ") ? "%s" : "", NULL);
}

static void
add(struct catalogue *catalogue, const char *original, const char *translation)
{
	gboolean is_prefix = g_str_has_suffix(original, ": ");
	g_autofree char *from_text = whole_format(original);
	g_autofree char *to_text =
		is_prefix ? g_strconcat(translation, "%s", NULL) : g_strdup(translation);
	cairn_auto(pattern) from = pattern_new(from_text);
	cairn_auto(pattern) to = from ? pattern_new(to_text) : NULL;
	if (!to || !pattern_fits(from, to))
		return;
	guint letters = pattern_letters(from);
	if (pattern_arguments(from) == 0) {
		g_hash_table_insert(catalogue->fixed, g_strdup(pattern_literal(from)),
				    g_strdup(pattern_literal(to)));
	} else if (strcmp(original, "%s: %s") == 0) {
		pattern_free(catalogue->join);
		catalogue->join = g_steal_pointer(&to);
	} else if (letters >= LETTERS_MIN) {
		struct entry *entry = g_new0(struct entry, 1);
		*entry = (struct entry){g_steal_pointer(&from), g_steal_pointer(&to), letters};
		g_ptr_array_add(catalogue->entries, entry);
	}
}

static gint
by_letters(gconstpointer a, gconstpointer b)
{
	const struct entry *x = *(const struct entry *const *)a;
	const struct entry *y = *(const struct entry *const *)b;
	return (x->letters < y->letters) - (x->letters > y->letters);
}

struct catalogue *
catalogue_parse(const char *data, gsize len, GError **error)
{
	struct mo mo = {.data = data, .len = len};
	if (!read_header(&mo, error))
		return NULL;
	struct catalogue *catalogue = g_new0(struct catalogue, 1);
	catalogue->fixed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	catalogue->entries = g_ptr_array_new_with_free_func(entry_free);
	catalogue->join = pattern_new("%s: %s");
	for (guint i = 0; i < mo.count; i++) {
		const char *original = read_text(&mo, mo.originals, i);
		const char *translation = read_text(&mo, mo.translations, i);
		if (original && translation)
			add(catalogue, original, translation);
	}
	g_ptr_array_sort(catalogue->entries, by_letters);
	return catalogue;
}

struct catalogue *
catalogue_load(const char *folder, const char *language, GError **error)
{
	g_autofree char *data = NULL;
	gsize len;
	g_autofree char *path =
		g_build_filename(folder, language, "LC_MESSAGES", CATALOGUE_DOMAIN ".mo", NULL);
	if (!cairn_file_read(path, FILE_MAX, &data, &len, error))
		return NULL;
	struct catalogue *catalogue = catalogue_parse(data, len, error);
	if (!catalogue)
		g_prefix_error(error, "%s: ", path);
	return catalogue;
}

void
catalogue_free(struct catalogue *catalogue)
{
	if (!catalogue)
		return;
	g_hash_table_unref(catalogue->fixed);
	g_ptr_array_unref(catalogue->entries);
	pattern_free(catalogue->join);
	g_free(catalogue);
}

/* Programs lie in BUILD/src/PART, catalogues in BUILD/po. */
static char *
build_folder(void)
{
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *part = program ? g_path_get_dirname(program) : NULL;
	g_autofree char *source = part ? g_path_get_dirname(part) : NULL;
	g_autofree char *build = source ? g_path_get_dirname(source) : NULL;
	return build && g_str_has_suffix(source, "/src") ? g_build_filename(build, "po", NULL)
							 : NULL;
}

char *
catalogue_folder(void)
{
	const char *env = g_getenv("CAIRN_LOCALEDIR");
	g_autofree char *build = build_folder();
	if (env && *env)
		return g_strdup(env);
	if (build && g_file_test(build, G_FILE_TEST_IS_DIR))
		return g_steal_pointer(&build);
	return g_strdup(CAIRN_LOCALEDIR);
}

/* ---- the search ---- */

static char *translate(const struct catalogue *catalogue, const char *text, guint depth);

/* The arguments that are sentences are translated in their turn. */
static char *
print(const struct catalogue *catalogue, const struct entry *entry,
      struct pattern_argument *arguments, guint depth)
{
	char *owned[PATTERN_ARGUMENTS_MAX] = {NULL};
	for (guint i = 0; i < pattern_arguments(entry->from); i++) {
		if (!arguments[i].is_sentence)
			continue;
		g_autofree char *part = g_strndup(arguments[i].text, arguments[i].len);
		owned[i] = translate(catalogue, part, depth + 1);
		if (owned[i])
			arguments[i] = (struct pattern_argument){owned[i], strlen(owned[i]), TRUE};
	}
	char *result = pattern_print(entry->to, arguments);
	for (guint i = 0; i < PATTERN_ARGUMENTS_MAX; i++)
		g_free(owned[i]);
	return result;
}

static char *
translate_whole(const struct catalogue *catalogue, const char *text, guint depth)
{
	struct pattern_argument arguments[PATTERN_ARGUMENTS_MAX];
	const char *fixed = g_hash_table_lookup(catalogue->fixed, text);
	if (fixed)
		return g_strdup(fixed);
	for (guint i = 0; i < catalogue->entries->len; i++) {
		const struct entry *entry = catalogue->entries->pdata[i];
		if (pattern_match(entry->from, text, arguments))
			return print(catalogue, entry, arguments, depth);
	}
	return NULL;
}

static char *
join(const struct catalogue *catalogue, const char *head, const char *tail)
{
	const struct pattern_argument arguments[] = {{head, strlen(head), TRUE},
						     {tail, strlen(tail), TRUE}};
	return pattern_print(catalogue->join, arguments);
}

/* "WHERE: WHAT" and "WHAT: WHY", as g_prefix_error() and cairn_set_errno() make them. */
static char *
translate_parts(const struct catalogue *catalogue, const char *text, guint depth)
{
	const char *colon = strstr(text, ": ");
	char *second = NULL; /* only what follows a colon could be translated */
	for (guint i = 0; colon && i < SPLITS_MAX; i++, colon = strstr(colon + 1, ": ")) {
		g_autofree char *head = g_strndup(text, (gsize)(colon - text));
		g_autofree char *first = translate_whole(catalogue, head, depth + 1);
		g_autofree char *rest =
			first || !second ? translate(catalogue, colon + 2, depth + 1) : NULL;
		if (first) {
			g_free(second);
			return join(catalogue, first, rest ? rest : colon + 2);
		}
		if (rest && !second)
			second = join(catalogue, head, rest);
	}
	return second;
}

static char *
translate(const struct catalogue *catalogue, const char *text, guint depth)
{
	if (depth > DEPTH_MAX || !*text)
		return NULL;
	char *whole = translate_whole(catalogue, text, depth);
	return whole ? whole : translate_parts(catalogue, text, depth);
}

char *
catalogue_translate(const struct catalogue *catalogue, const char *text)
{
	return strnlen(text, TEXT_MAX + 1) > TEXT_MAX ? NULL : translate(catalogue, text, 0);
}
