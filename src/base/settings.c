/* Settings from defaults, a file and options, by one table. */
#include "base/settings.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

static gpointer
at(gpointer object, const struct setting *key)
{
	return (char *)object + key->offset;
}

static gboolean
is_list(const struct setting *key)
{
	return key->type == SETTING_LIST || key->type == SETTING_WORDS;
}

/* ---- one value ---- */

static gboolean
parse_number(const struct setting *key, const char *text, guint64 *ret, GError **error)
{
	static const char units[] = "KMGT";
	char *end = NULL;
	guint64 value = g_ascii_isdigit(text[0]) ? g_ascii_strtoull(text, &end, 10) : 0;
	gboolean ok = end && end != text && value != G_MAXUINT64;
	if (ok && key->type == SETTING_BYTES && *end) {
		const char *unit = strchr(units, g_ascii_toupper(*end));
		guint shift = unit ? 10 * (guint)(unit - units + 1) : 0;
		ok = unit && end[1] == '\0' && value <= (G_MAXUINT64 >> shift);
		value <<= shift;
	} else if (ok) {
		ok = *end == '\0';
	}
	if (!ok || value < key->min || value > key->max) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "%s: \"%s\" is not a number from %" G_GUINT64_FORMAT
			    " to %" G_GUINT64_FORMAT "%s",
			    key->name, text, key->min, key->max,
			    key->type == SETTING_BYTES ? " (K, M, G and T may follow)" : "");
		return FALSE;
	}
	*ret = value;
	return TRUE;
}

static gboolean
parse_switch(const struct setting *key, const char *text, gboolean *ret, GError **error)
{
	static const struct {
		const char *word;
		gboolean value;
	} words[] = {{"yes", TRUE}, {"no", FALSE}, {"true", TRUE}, {"false", FALSE}};
	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_ascii_strcasecmp(text, words[i].word) == 0) {
			*ret = words[i].value;
			return TRUE;
		}
	return cairn_fail(error, CAIRN_ERROR_INVALID, "%s: \"%s\" is not yes or no", key->name,
			  text);
}

static void
append(char ***list, const char *text)
{
	guint n = *list ? g_strv_length(*list) : 0;
	*list = g_renew(char *, *list, n + 2);
	(*list)[n] = g_strdup(text);
	(*list)[n + 1] = NULL;
}

static void
append_list(const struct setting *key, char ***list, const char *text)
{
	g_auto(GStrv) parts = g_strsplit_set(text, key->type == SETTING_WORDS ? ";," : ";", -1);
	for (char **part = parts; *part; part++)
		if (*g_strstrip(*part))
			append(list, *part);
}

/* @first: of this source, which replaces what an earlier one gave. */
static gboolean
set_value(gpointer object, const struct setting *key, const char *text, gboolean first,
	  GError **error)
{
	gpointer value = at(object, key);
	switch (key->type) {
	case SETTING_TEXT:
		g_free(*(char **)value);
		*(char **)value = g_strdup(text);
		return TRUE;
	case SETTING_LIST:
	case SETTING_WORDS:
		if (first)
			g_clear_pointer((char ***)value, g_strfreev);
		append_list(key, value, text);
		return TRUE;
	case SETTING_SWITCH:
		return parse_switch(key, text, value, error);
	default:
		return parse_number(key, text, value, error);
	}
}

/* ---- the file ---- */

static const struct setting *
find_key(const struct settings_program *program, const char *group, const char *name)
{
	for (const struct setting *key = program->table; key->name; key++)
		if (strcmp(key->name, name) == 0 && strcmp(key->group, group) == 0)
			return key;
	return NULL;
}

static gboolean
read_group(const struct settings_program *program, gpointer object, GKeyFile *file,
	   const char *group, GError **error)
{
	g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, error);
	if (!names)
		return FALSE;
	for (char **name = names; *name; name++) {
		const struct setting *key = find_key(program, group, *name);
		g_autofree char *text = g_key_file_get_string(file, group, *name, NULL);
		if (!key) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
				    "there is no key \"%s\" in [%s]", *name, group);
			return FALSE;
		}
		if (!set_value(object, key, text ? text : "", TRUE, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
read_file(const struct settings_program *program, gpointer object, const char *path, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
		g_prefix_error(error, "\"%s\": ", path);
		return FALSE;
	}
	gsize n;
	g_auto(GStrv) groups = g_key_file_get_groups(file, &n);
	for (gsize i = 0; i < n; i++) {
		if (g_strv_contains(program->others, groups[i]))
			continue;
		if (!read_group(program, object, file, groups[i], error)) {
			g_prefix_error(error, "\"%s\": ", path);
			return FALSE;
		}
	}
	return TRUE;
}

/* ---- the options ---- */

/* The options' entries have nowhere to put a closure, so the values are gathered here first. */
struct gathered {
	guint count;
	char ***values;	    /* of each key; NULL: not given */
	gboolean *switches; /* of each key */
	char **names;	    /* of the options, when they are not the key's */
	GOptionEntry *entries;
};

static gboolean
is_on(const struct setting *key)
{
	return strcmp(key->fallback, "yes") == 0;
}

static GOptionEntry
make_entry(const struct setting *key, struct gathered *gathered, guint i)
{
	GOptionEntry entry = {.long_name = key->name, .description = key->help};
	if (key->type != SETTING_SWITCH) {
		entry.arg = G_OPTION_ARG_STRING_ARRAY;
		entry.arg_data = &gathered->values[i];
		entry.arg_description = key->argument;
		return entry;
	}
	if (is_on(key))
		entry.long_name = gathered->names[i] = g_strconcat("no-", key->name, NULL);
	entry.arg = G_OPTION_ARG_NONE;
	entry.arg_data = &gathered->switches[i];
	return entry;
}

static void
gathered_init(struct gathered *gathered, const struct setting *table,
	      struct settings_common *common)
{
	const GOptionEntry others[] = {
		{"config", 0, 0, G_OPTION_ARG_FILENAME, &common->file,
		 "read this instead of " SETTINGS_FILE, "FILE"},
		{"check", 0, 0, G_OPTION_ARG_NONE, &common->check,
		 "say what was understood, and end", NULL},
		{"verbose", 'v', 0, G_OPTION_ARG_NONE, &common->verbose, "say what is done", NULL},
		{"version", 0, 0, G_OPTION_ARG_NONE, &common->version, "say the version, and end",
		 NULL},
	};
	for (gathered->count = 0; table[gathered->count].name;)
		gathered->count++;
	gathered->values = g_new0(char **, gathered->count + 1);
	gathered->switches = g_new0(gboolean, gathered->count + 1);
	gathered->names = g_new0(char *, gathered->count + 1);
	gathered->entries = g_new0(GOptionEntry, gathered->count + G_N_ELEMENTS(others) + 1);
	for (guint i = 0; i < gathered->count; i++)
		gathered->entries[i] = make_entry(&table[i], gathered, i);
	memcpy(gathered->entries + gathered->count, others, sizeof others);
}

static void
gathered_clear(struct gathered *gathered)
{
	for (guint i = 0; i < gathered->count; i++) {
		g_strfreev(gathered->values[i]);
		g_free(gathered->names[i]);
	}
	g_free(gathered->values);
	g_free(gathered->switches);
	g_free(gathered->names);
	g_free(gathered->entries);
}

static gboolean
parse_options(const struct settings_program *program, struct gathered *gathered, int *argc,
	      char ***argv, GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new(program->summary);
	g_option_context_add_main_entries(context, gathered->entries, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return FALSE;
	if (*argc > 1)
		return cairn_fail(error, CAIRN_ERROR_INVALID,
				  "unexpected argument \"%s\"; see %s --help", (*argv)[1],
				  program->name);
	return TRUE;
}

static gboolean
use_options(const struct setting *table, gpointer object, const struct gathered *gathered,
	    GError **error)
{
	for (guint i = 0; i < gathered->count; i++) {
		if (gathered->switches[i])
			*(gboolean *)at(object, &table[i]) = !is_on(&table[i]);
		for (char **value = gathered->values[i]; value && *value; value++)
			if (!set_value(object, &table[i], *value, value == gathered->values[i],
				       error)) {
				g_prefix_error(error, "--");
				return FALSE;
			}
	}
	return TRUE;
}

/* ---- all of it ---- */

static gboolean
use_all(const struct settings_program *program, gpointer object, struct settings_common *common,
	const struct gathered *gathered, GError **error)
{
	gboolean named = common->file != NULL;
	for (const struct setting *key = program->table; key->name; key++)
		if (!set_value(object, key, key->fallback, TRUE, error))
			return FALSE;
	if (!named)
		common->file = g_strdup(SETTINGS_FILE);
	/* Only the file that somebody named must be there. */
	if (named || g_file_test(common->file, G_FILE_TEST_EXISTS))
		if (!read_file(program, object, common->file, error))
			return FALSE;
	return use_options(program->table, object, gathered, error);
}

gboolean
settings_load(const struct settings_program *program, gpointer object,
	      struct settings_common *common, int *argc, char ***argv, GError **error)
{
	struct gathered gathered;
	gathered_init(&gathered, program->table, common);
	gboolean ok = parse_options(program, &gathered, argc, argv, error) &&
		      use_all(program, object, common, &gathered, error);
	gathered_clear(&gathered);
	return ok;
}

void
settings_clear(const struct setting *table, gpointer object)
{
	for (const struct setting *key = table; key->name; key++) {
		if (key->type == SETTING_TEXT)
			g_clear_pointer((char **)at(object, key), g_free);
		else if (is_list(key))
			g_clear_pointer((char ***)at(object, key), g_strfreev);
	}
}

static char *
value_text(const struct setting *key, gconstpointer object)
{
	gconstpointer value = (const char *)object + key->offset;
	if (key->type == SETTING_TEXT)
		return g_strdup(*(char *const *)value);
	if (key->type == SETTING_SWITCH)
		return g_strdup(*(const gboolean *)value ? "yes" : "no");
	if (is_list(key))
		return *(char **const *)value ? g_strjoinv(";", *(char **const *)value)
					      : g_strdup("");
	return g_strdup_printf("%" G_GUINT64_FORMAT, *(const guint64 *)value);
}

char *
settings_text(const struct setting *table, gconstpointer object)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const char *group = "";
	for (const struct setting *key = table; key->name; key++) {
		g_autofree char *value = value_text(key, object);
		if (strcmp(group, key->group) != 0)
			g_string_append_printf(text, "%s[%s]\n", *group ? "\n" : "", key->group);
		group = key->group;
		g_string_append_printf(text, "%s = %s\n", key->name, value);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

json_t *
settings_view(const struct setting *table, gconstpointer object)
{
	json_t *json = json_object();
	for (const struct setting *key = table; key->name; key++) {
		g_autofree char *value = value_text(key, object);
		cairn_json_set_string(json, key->name, value);
	}
	return json;
}
