/* Options of cairn-export; cairn-export(1) says what each means. */
#include "export/options.h"

#include "base/error.h"

#include <fcntl.h>
#include <string.h>

/* QEMU serves one export from one thread: two connections keep it busy, more only cost. */
#define DEFAULT_CONNECTIONS 2
#define DEFAULT_REQUESTS    16 /* more does not fit the caches: 1.4 s became 1.2 s for 2 GiB */
#define DEFAULT_TIMEOUT	    60 /* seconds */

struct values {
	char *since, *sink, *parent, *backing, *compress, *digest, *rate, *result, *identity;
	char *retain;
	gint64 last, daily, weekly, monthly;
	int connections, requests, timeout, control;
	gboolean map, progress, version, dry_run;
	char **rest;
};

static gboolean
wrong(GError **error, const char *text)
{
	g_set_error(error, CAIRN_ERROR, CAIRN_ERROR_INVALID, "%s", text);
	return FALSE;
}

gboolean
options_parse_bytes(const char *text, guint64 *ret_bytes)
{
	static const char units[] = "KMGT";
	char *end;
	if (!g_ascii_isdigit(text[0]))
		return FALSE;
	guint64 value = g_ascii_strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;
	if (*end && (!unit || end[1]))
		return FALSE;
	guint shift = unit ? 10 * (guint)(unit - units + 1) : 0;
	if (value > (G_MAXUINT64 >> 1) >> shift)
		return FALSE;
	*ret_bytes = value << shift;
	return TRUE;
}

static GOptionContext *
make_context(struct values *v)
{
	const GOptionEntry entries[] = {
		{"since", 0, 0, G_OPTION_ARG_FILENAME, &v->since,
		 "Copy only what changed: NBD context or extents file", "SINCE"},
		{"sink", 0, 0, G_OPTION_ARG_STRING, &v->sink, "qcow2 (default) or raw", "FORMAT"},
		{"parent", 0, 0, G_OPTION_ARG_FILENAME, &v->parent, "Image of the base", "FILE"},
		{"backing", 0, 0, G_OPTION_ARG_FILENAME, &v->backing,
		 "Name of the parent in the qcow2 header", "NAME"},
		{"compress", 0, 0, G_OPTION_ARG_STRING, &v->compress, "Compress clusters", "zstd"},
		{"digest", 0, 0, G_OPTION_ARG_STRING, &v->digest, "xxh3 (default) or sha256",
		 "NAME"},
		{"rate", 0, 0, G_OPTION_ARG_STRING, &v->rate, "Read at most so much a second",
		 "BYTES"},
		{"connections", 0, 0, G_OPTION_ARG_INT, &v->connections, "To the server (2)", "N"},
		{"requests", 0, 0, G_OPTION_ARG_INT, &v->requests, "In flight, in all (16)", "N"},
		{"timeout", 0, 0, G_OPTION_ARG_INT, &v->timeout, "For each answer (60)", "SECONDS"},
		{"result", 0, 0, G_OPTION_ARG_FILENAME, &v->result, "Write what was made, as JSON",
		 "FILE"},
		{"identity", 0, 0, G_OPTION_ARG_STRING, &v->identity,
		 "Go on only with a copy of the same", "TEXT"},
		{"progress", 0, 0, G_OPTION_ARG_NONE, &v->progress, "Tell how far it is", NULL},
		{"control", 0, 0, G_OPTION_ARG_INT, &v->control, "Take commands from there", "FD"},
		{"map", 0, 0, G_OPTION_ARG_NONE, &v->map, "Write an extents file instead", NULL},
		{"retain", 0, 0, G_OPTION_ARG_FILENAME, &v->retain,
		 "Instead: keep some of the exports in a group's folder", "DIR"},
		{"keep-last", 0, 0, G_OPTION_ARG_INT64, &v->last, "The newest N", "N"},
		{"keep-daily", 0, 0, G_OPTION_ARG_INT64, &v->daily, "The newest of N days", "N"},
		{"keep-weekly", 0, 0, G_OPTION_ARG_INT64, &v->weekly, "The newest of N weeks", "N"},
		{"keep-monthly", 0, 0, G_OPTION_ARG_INT64, &v->monthly, "The newest of N months",
		 "N"},
		{"dry-run", 0, 0, G_OPTION_ARG_NONE, &v->dry_run, "Only say what would be done",
		 NULL},
		{"version", 0, 0, G_OPTION_ARG_NONE, &v->version, "Print the version", NULL},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &v->rest, NULL, NULL},
		G_OPTION_ENTRY_NULL,
	};
	GOptionContext *context = g_option_context_new("URI OUT");
	g_option_context_set_summary(context, "Copy one disk from an NBD server into an image.");
	g_option_context_add_main_entries(context, entries, NULL);
	return context;
}

static gboolean
check_numbers(const struct values *v, GError **error)
{
	if (v->connections < 1 || v->connections > COPY_CONNECTIONS_MAX)
		return wrong(error, "--connections must be from 1 to 16");
	if (v->requests < 1 || v->requests > COPY_REQUESTS_MAX)
		return wrong(error, "--requests must be from 1 to 256");
	if (v->timeout < 1 || v->timeout > COPY_TIMEOUT_MAX)
		return wrong(error, "--timeout must be from 1 to 86400 seconds");
	if (v->control != -1 && fcntl(v->control, F_GETFD) < 0)
		return wrong(error, "--control must be an open file descriptor");
	return TRUE;
}

static gboolean
check_retain(const struct values *v, GError **error)
{
	const gint64 counts[] = {v->last, v->daily, v->weekly, v->monthly};
	if (v->rest || v->map || v->since || v->sink || v->parent || v->backing || v->compress ||
	    v->digest || v->identity)
		return wrong(error, "--retain goes with --keep-..., --dry-run, --rate, --result, "
				    "--progress and --control only");
	for (guint i = 0; i < G_N_ELEMENTS(counts); i++)
		if (counts[i] < 0 || counts[i] > RETENTION_KEEP_MAX)
			return wrong(error, "--keep-... must be from 0 to 100000");
	if (!v->last && !v->daily && !v->weekly && !v->monthly)
		return wrong(error, "--retain needs one of --keep-last, --keep-daily, "
				    "--keep-weekly and --keep-monthly");
	return TRUE;
}

/* What belongs together. */
static gboolean
check_together(const struct values *v, GError **error)
{
	gboolean raw = g_strcmp0(v->sink, "raw") == 0;
	if (v->retain)
		return check_retain(v, error);
	if (v->last || v->daily || v->weekly || v->monthly || v->dry_run)
		return wrong(error, "--keep-... and --dry-run are for --retain");
	if (!v->rest || g_strv_length(v->rest) != 2)
		return wrong(error, "URI and OUT are needed");
	if (v->map)
		return TRUE;
	if (!raw && v->sink && g_strcmp0(v->sink, "qcow2") != 0)
		return wrong(error, "--sink must be qcow2 or raw");
	if (v->compress && g_strcmp0(v->compress, "zstd") != 0)
		return wrong(error, "--compress must be zstd");
	if (raw && (v->compress || v->backing))
		return wrong(error, "--compress and --backing are for --sink qcow2");
	if (!v->since && (v->parent || v->backing))
		return wrong(error, "--parent and --backing need --since");
	if (raw && v->since && !v->parent)
		return wrong(error, "--sink raw with --since needs --parent");
	if (!raw && v->since && !v->backing)
		return wrong(error, "--sink qcow2 with --since needs --backing");
	return TRUE;
}

static gboolean
take_values(const struct values *v, struct options *options, GError **error)
{
	struct copy_options *copy = &options->copy;
	if (v->rate && !options_parse_bytes(v->rate, &copy->rate))
		return wrong(error,
			     "--rate must be a number of bytes, with K, M, G or T behind it");
	if (!digest_from_name(v->digest ? v->digest : "xxh3", &copy->digest))
		return wrong(error, "--digest must be xxh3 or sha256");
	copy->uri = v->retain ? NULL : v->rest[0];
	copy->out = v->retain ? NULL : v->rest[1];
	copy->since = v->since;
	copy->sink = v->sink ? v->sink : "qcow2";
	copy->parent = v->parent;
	copy->backing = v->backing;
	copy->result = v->result;
	copy->identity = v->identity;
	copy->compress = v->compress != NULL;
	copy->connections = (guint)v->connections;
	copy->requests = (guint)v->requests;
	copy->timeout = (guint)v->timeout;
	options->map = v->map;
	options->retain = v->retain;
	options->retention = (struct retention){(guint64)v->last, (guint64)v->daily,
						(guint64)v->weekly, (guint64)v->monthly};
	options->dry_run = v->dry_run;
	options->progress = v->progress;
	options->control_fd = v->control;
	return TRUE;
}

/* Moves all strings into one array that the options own. */
static void
own_strings(struct values *v, struct options *options)
{
	char *const owned[] = {v->since,  v->sink, v->parent, v->backing,  v->compress,
			       v->digest, v->rate, v->result, v->identity, v->retain};
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	for (guint i = 0; i < G_N_ELEMENTS(owned); i++)
		if (owned[i])
			g_ptr_array_add(all, owned[i]);
	for (guint i = 0; v->rest && v->rest[i]; i++)
		g_ptr_array_add(all, v->rest[i]);
	g_free(v->rest);
	g_ptr_array_add(all, NULL);
	options->strings = (char **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

struct options *
options_parse(int argc, char **argv, GError **error)
{
	struct values v = {.connections = DEFAULT_CONNECTIONS,
			   .requests = DEFAULT_REQUESTS,
			   .timeout = DEFAULT_TIMEOUT,
			   .control = -1};
	cairn_auto(options) options = g_new0(struct options, 1);
	g_autoptr(GOptionContext) context = make_context(&v);
	gboolean ok = g_option_context_parse(context, &argc, &argv, error);
	options->version = v.version;
	if (ok && !v.version)
		ok = check_numbers(&v, error) && check_together(&v, error) &&
		     take_values(&v, options, error);
	own_strings(&v, options);
	return ok ? g_steal_pointer(&options) : NULL;
}

void
options_free(struct options *options)
{
	if (!options)
		return;
	g_strfreev(options->strings);
	g_free(options);
}
