/* The settings and where they come from. */
#include "cairnd/config.h"

#include "cairnd/access.h"

#include "base/error.h"
#include "base/json.h"

#define CONFIG_FILE	"/etc/cairn/cairn.conf"
#define CONFIG_FILE_MAX (1 << 20)
#define SECONDS_MAX	(366ull * 86400)

#define AT(member) G_STRUCT_OFFSET(struct config, member)

/* clang-format off */
const struct config_key config_keys[] = {
	{"state-dir", "daemon", CONFIG_TEXT, AT(state_dir), 0, 0, "/var/lib/cairn", "DIR",
	 "store, and what is kept of each point"},
	{"run-dir", "daemon", CONFIG_TEXT, AT(run_dir), 0, 0, "/run/cairn", "DIR",
	 "sockets"},
	{"socket-group", "daemon", CONFIG_TEXT, AT(socket_group), 0, 0, "cairn", "GROUP",
	 "group that may use control.sock"},
	{"connect", "daemon", CONFIG_LIST, AT(connect), 0, 0, "qemu:///system", "URI",
	 "libvirt connection; may be repeated"},
	{"front-end-user", "access", CONFIG_TEXT, AT(front_end_user), 0, 0, "cairn-cimd", "USER",
	 "may ask for the users of the roles"},
	{"observer", "access", CONFIG_LIST, AT(observers), 0, 0, "", "NAME",
	 "user or @GROUP that may read; may be repeated"},
	{"operator", "access", CONFIG_LIST, AT(operators), 0, 0, "", "NAME:GROUPS",
	 "may act on groups A,B or *; may be repeated"},
	{"administrator", "access", CONFIG_LIST, AT(administrators), 0, 0, "", "NAME",
	 "may do everything; may be repeated"},
	{"export-root", "export", CONFIG_LIST, AT(export_roots), 0, 0, "", "DIR",
	 "exports go below it only; may be repeated"},
	{"export-program", "export", CONFIG_TEXT, AT(export_program), 0, 0, "", "FILE",
	 "default: cairn-export beside cairnd"},
	{"connections", "export", CONFIG_NUMBER, AT(connections), 1, 16, "2", "N",
	 "NBD connections of one disk copy"},
	{"max-copies", "export", CONFIG_NUMBER, AT(max_copies), 1, 256, "4", "N",
	 "disks copied at once, of all jobs"},
	{"max-jobs", "jobs", CONFIG_NUMBER, AT(max_jobs), 1, 1000, "8", "N",
	 "jobs running at once"},
	{"keep-jobs", "jobs", CONFIG_SECONDS, AT(keep_jobs), 300, SECONDS_MAX, "604800", "SECONDS",
	 "how long an ended job is kept"},
	{"workers", "jobs", CONFIG_NUMBER, AT(workers), 1, 256, "8", "N",
	 "threads for calls that block"},
	{"hold-time", "point", CONFIG_SECONDS, AT(hold_seconds), 0, SECONDS_MAX, "86400", "SECONDS",
	 "how long a point's data is held; 0: no limit"},
	{"freeze-timeout", "point", CONFIG_SECONDS, AT(freeze_timeout), 1, 60, "8", "SECONDS",
	 "for the freeze of all members"},
	{"max-pause", "point", CONFIG_NUMBER, AT(max_pause), 10, 60000, "5000", "MS",
	 "longest pause, then the point fails"},
	{"scratch-dir", "point", CONFIG_TEXT, AT(scratch_dir), 0, 0, "", "DIR",
	 "scratch files; default: STATE-DIR/scratch"},
	{"scratch-limit", "point", CONFIG_BYTES, AT(scratch_limit), 0, G_MAXINT64, "0", "BYTES",
	 "scratch files of one machine"},
	{"scratch-reserve", "point", CONFIG_BYTES, AT(scratch_reserve), 0, G_MAXINT64, "1G", "BYTES",
	 "space that held points leave free"},
	{0},
};
/* clang-format on */

/* ---- one value ---- */

static gboolean
parse_number(const struct config_key *key, const char *text, guint64 *ret, GError **error)
{
	static const char units[] = "KMGT";
	char *end = NULL;
	guint64 value = g_ascii_isdigit(text[0]) ? g_ascii_strtoull(text, &end, 10) : 0;
	gboolean ok = end && end != text && value != G_MAXUINT64;
	if (ok && key->type == CONFIG_BYTES && *end) {
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
			    key->type == CONFIG_BYTES ? " (K, M, G and T may follow)" : "");
		return FALSE;
	}
	*ret = value;
	return TRUE;
}

static void
append(char ***list, const char *text)
{
	guint n = *list ? g_strv_length(*list) : 0;
	*list = g_renew(char *, *list, n + 2);
	(*list)[n] = g_strdup(text);
	(*list)[n + 1] = NULL;
}

/* @first: of this source, which replaces what an earlier one gave. */
static gboolean
set_value(struct config *config, const struct config_key *key, const char *text, gboolean first,
	  GError **error)
{
	gpointer at = (char *)config + key->offset;
	switch (key->type) {
	case CONFIG_TEXT:
		g_free(*(char **)at);
		*(char **)at = g_strdup(text);
		return TRUE;
	case CONFIG_LIST:
		if (first)
			g_clear_pointer((char ***)at, g_strfreev);
		append(at, text);
		return TRUE;
	default:
		return parse_number(key, text, at, error);
	}
}

static gboolean
set_list(struct config *config, const struct config_key *key, const char *text, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ";", -1);
	gboolean first = TRUE;
	g_clear_pointer((char ***)((char *)config + key->offset), g_strfreev);
	for (char **part = parts; *part; part++) {
		if (*g_strstrip(*part) == '\0')
			continue;
		if (!set_value(config, key, *part, first, error))
			return FALSE;
		first = FALSE;
	}
	return TRUE;
}

static gboolean
set_text(struct config *config, const struct config_key *key, const char *text, GError **error)
{
	return key->type == CONFIG_LIST ? set_list(config, key, text, error)
					: set_value(config, key, text, TRUE, error);
}

/* ---- the file ---- */

static const struct config_key *
find_key(const char *group, const char *name)
{
	for (const struct config_key *key = config_keys; key->name; key++)
		if (strcmp(key->name, name) == 0 && strcmp(key->group, group) == 0)
			return key;
	return NULL;
}

static gboolean
read_group(struct config *config, GKeyFile *file, const char *group, GError **error)
{
	g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, error);
	if (!names)
		return FALSE;
	for (char **name = names; *name; name++) {
		const struct config_key *key = find_key(group, *name);
		g_autofree char *text = g_key_file_get_string(file, group, *name, NULL);
		if (!key) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
				    "there is no key \"%s\" in [%s]", *name, group);
			return FALSE;
		}
		if (!set_text(config, key, text ? text : "", error))
			return FALSE;
	}
	return TRUE;
}

/* One file serves both programs: this group is cairn-cimd's, which checks it. */
#define FRONT_END_GROUP "cimd"

static gboolean
read_file(struct config *config, const char *path, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
		g_prefix_error(error, "\"%s\": ", path);
		return FALSE;
	}
	gsize n;
	g_auto(GStrv) groups = g_key_file_get_groups(file, &n);
	for (gsize i = 0; i < n; i++)
		if (strcmp(groups[i], FRONT_END_GROUP) != 0 &&
		    !read_group(config, file, groups[i], error)) {
			g_prefix_error(error, "\"%s\": ", path);
			return FALSE;
		}
	return TRUE;
}

/* ---- the options ---- */

#define KEYS G_N_ELEMENTS(config_keys)

/* The options' entries have nowhere to put a closure, so the values are gathered here first. */
struct gathered {
	char **values[G_N_ELEMENTS(config_keys)];
	gboolean check, version, verbose;
	char *file;
};

static void
make_entries(GOptionEntry *entries, struct gathered *gathered)
{
	guint n = 0;
	for (const struct config_key *key = config_keys; key->name; key++, n++)
		entries[n] = (GOptionEntry){key->name,
					    0,
					    0,
					    G_OPTION_ARG_STRING_ARRAY,
					    &gathered->values[n],
					    key->help,
					    key->argument};
	entries[n++] = (GOptionEntry){"config",
				      0,
				      0,
				      G_OPTION_ARG_FILENAME,
				      &gathered->file,
				      "read this instead of " CONFIG_FILE,
				      "FILE"};
	entries[n++] = (GOptionEntry){"check",
				      0,
				      0,
				      G_OPTION_ARG_NONE,
				      &gathered->check,
				      "say what was understood, and end",
				      NULL};
	entries[n++] = (GOptionEntry){
		"verbose", 'v', 0, G_OPTION_ARG_NONE, &gathered->verbose, "say what is done", NULL};
	entries[n++] = (GOptionEntry){
		"version", 0, 0, G_OPTION_ARG_NONE, &gathered->version, "say the version, and end",
		NULL};
	entries[n] = (GOptionEntry){0};
}

static gboolean
parse_options(struct gathered *gathered, int *argc, char ***argv, GError **error)
{
	GOptionEntry entries[KEYS + 5];
	make_entries(entries, gathered);
	g_autoptr(GOptionContext) context = g_option_context_new("- the daemon of cairn");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return FALSE;
	if (*argc > 1) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "unexpected argument \"%s\"; see cairnd --help", (*argv)[1]);
		return FALSE;
	}
	return TRUE;
}

static gboolean
use_options(struct config *config, const struct gathered *gathered, GError **error)
{
	for (guint i = 0; config_keys[i].name; i++)
		for (char **value = gathered->values[i]; value && *value; value++)
			if (!set_value(config, &config_keys[i], *value,
				       value == gathered->values[i], error)) {
				g_prefix_error(error, "--");
				return FALSE;
			}
	return TRUE;
}

/* ---- all of it ---- */

static void
complete(struct config *config)
{
	if (!*config->scratch_dir) {
		g_free(config->scratch_dir);
		config->scratch_dir = g_build_filename(config->state_dir, "scratch", NULL);
	}
	if (!*config->export_program) {
		g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
		g_autofree char *dir = self ? g_path_get_dirname(self) : g_strdup(".");
		g_free(config->export_program);
		config->export_program = g_build_filename(dir, "cairn-export", NULL);
		if (!g_file_test(config->export_program, G_FILE_TEST_IS_EXECUTABLE)) {
			/* In the build tree every program has its folder; installed, sbin has a
			 * bin. */
			g_autofree char *other =
				g_build_filename(dir, "..", "export", "cairn-export", NULL);
			g_autofree char *bin =
				g_build_filename(dir, "..", "bin", "cairn-export", NULL);
			const char *found =
				g_file_test(other, G_FILE_TEST_IS_EXECUTABLE) ? other : bin;
			g_free(config->export_program);
			config->export_program = g_strdup(found);
		}
	}
}

static gboolean
absolute(const char *key, const char *path, GError **error)
{
	if (g_path_is_absolute(path))
		return TRUE;
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "%s: \"%s\" is not an absolute path",
		    key, path);
	return FALSE;
}

static gboolean
check_config(const struct config *config, GError **error)
{
	for (char **root = config->export_roots; root && *root; root++)
		if (!absolute("export-root", *root, error))
			return FALSE;
	for (char **uri = config->connect; uri && *uri; uri++)
		if (!g_str_has_prefix(*uri, "qemu:") && !g_str_has_prefix(*uri, "qemu+") &&
		    !g_str_has_prefix(*uri, "fake:")) {
			g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
				    "connect: \"%s\" is not a libvirt URI of QEMU (qemu:///system, "
				    "qemu+ssh://HOST/system, ...)",
				    *uri);
			return FALSE;
		}
	if (!config->connect || !*config->connect) {
		g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID,
			    "connect: no libvirt connection is given");
		return FALSE;
	}
	cairn_auto(access) access =
		access_new(config->observers, config->operators, config->administrators, error);
	return access && absolute("state-dir", config->state_dir, error) &&
	       absolute("run-dir", config->run_dir, error) &&
	       absolute("scratch-dir", config->scratch_dir, error);
}

static gboolean
gather(struct config *config, const struct gathered *gathered, GError **error)
{
	for (const struct config_key *key = config_keys; key->name; key++)
		if (!set_text(config, key, key->fallback, error))
			return FALSE;
	config->check = gathered->check;
	config->version = gathered->version;
	config->verbose = gathered->verbose;
	config->file = g_strdup(gathered->file ? gathered->file : CONFIG_FILE);
	/* Only the file that somebody named must be there. */
	if (gathered->file || g_file_test(CONFIG_FILE, G_FILE_TEST_EXISTS))
		if (!read_file(config, config->file, error))
			return FALSE;
	if (!use_options(config, gathered, error))
		return FALSE;
	complete(config);
	return check_config(config, error);
}

struct config *
config_load(int *argc, char ***argv, GError **error)
{
	struct gathered gathered = {0};
	cairn_auto(config) config = g_new0(struct config, 1);
	gboolean ok =
		parse_options(&gathered, argc, argv, error) && gather(config, &gathered, error);
	for (guint i = 0; i < KEYS; i++)
		g_strfreev(gathered.values[i]);
	g_free(gathered.file);
	return ok ? g_steal_pointer(&config) : NULL;
}

void
config_free(struct config *config)
{
	if (!config)
		return;
	for (const struct config_key *key = config_keys; key->name; key++) {
		gpointer at = (char *)config + key->offset;
		if (key->type == CONFIG_TEXT)
			g_free(*(char **)at);
		else if (key->type == CONFIG_LIST)
			g_strfreev(*(char ***)at);
	}
	g_free(config->file);
	g_free(config);
}

static char *
value_text(const struct config *config, const struct config_key *key)
{
	gconstpointer at = (const char *)config + key->offset;
	if (key->type == CONFIG_TEXT)
		return g_strdup(*(char *const *)at);
	if (key->type == CONFIG_LIST)
		return *(char **const *)at ? g_strjoinv(";", *(char **const *)at) : g_strdup("");
	return g_strdup_printf("%" G_GUINT64_FORMAT, *(const guint64 *)at);
}

char *
config_text(const struct config *config)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const char *group = "";
	for (const struct config_key *key = config_keys; key->name; key++) {
		g_autofree char *plain = value_text(config, key);
		g_auto(GStrv) parts = g_strsplit(plain, "\\", -1);
		g_autofree char *value = g_strjoinv("\\\\", parts); /* as GKeyFile wants it */
		if (strcmp(group, key->group) != 0)
			g_string_append_printf(text, "%s[%s]\n", *group ? "\n" : "", key->group);
		group = key->group;
		g_string_append_printf(text, "%s = %s\n", key->name, value);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

json_t *
config_view(const struct config *config)
{
	json_t *json = json_object();
	for (const struct config_key *key = config_keys; key->name; key++) {
		g_autofree char *value = value_text(config, key);
		cairn_json_set_string(json, key->name, value);
	}
	return json;
}
