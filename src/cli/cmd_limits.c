/* cairn limits. */
#include "cli/field.h"
#include "cli/format.h"
#include "cli/themes.h"

#include <glib/gi18n.h>
#include <string.h>

#define JOBS_MAX   1000
#define COPIES_MAX 256
#define DEFAULT	   "default" /* the word for the configuration's value */

static struct {
	char *max_jobs, *max_copies, *copies_per_host, *rate_per_host, *starve_after;
} opt;

static char *
value_text(const char *name, guint64 value)
{
	gboolean span = strcmp(name, "starve-after") == 0;
	if (value == 0)
		return g_strdup(span ? _("never") : _("no limit"));
	if (span)
		return format_span((gint64)value * G_USEC_PER_SEC);
	if (strcmp(name, "rate-per-host") == 0)
		return format_rate((double)value);
	return g_strdup_printf("%llu", (unsigned long long)value);
}

static void
add_row(struct table *table, const json_t *limit)
{
	const char *name = field_text(limit, "name");
	table_add(table, name);
	table_take(table, value_text(name, field_uint(limit, "value")));
	table_take(table, value_text(name, field_uint(limit, "configured")));
}

static void
print_limits(struct cli *cli, const json_t *list)
{
	static const char *const headers[] = {N_("LIMIT"), N_("VALUE"), N_("CONFIGURED"), NULL};
	cairn_auto(table) table = table_new(headers);
	size_t i;
	json_t *limit;
	if (cli->json) {
		cli_print_json(list);
		return;
	}
	json_array_foreach (list, i, limit)
		add_row(table, limit);
	cli_print_table(table, 0);
}

static int
limits_show(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) list = cli_call(cli, "limits-show", NULL, error);
	if (!list)
		return CLI_FAILED;
	print_limits(cli, list);
	return CLI_OK;
}

/* Takes the word out of @text, so that the rest is a number. */
static void
set_default(json_t *arguments, const char *key, char **text)
{
	if (g_strcmp0(*text, DEFAULT) != 0)
		return;
	cairn_json_set(arguments, key, json_null());
	g_clear_pointer(text, g_free);
}

static int
limits_set(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) arguments = json_object();
	set_default(arguments, "max-jobs", &opt.max_jobs);
	set_default(arguments, "max-copies", &opt.max_copies);
	set_default(arguments, "copies-per-host", &opt.copies_per_host);
	set_default(arguments, "rate-per-host", &opt.rate_per_host);
	set_default(arguments, "starve-after", &opt.starve_after);
	if (!cli_set_count(arguments, "max-jobs", opt.max_jobs, JOBS_MAX, error) ||
	    !cli_set_count(arguments, "max-copies", opt.max_copies, COPIES_MAX, error) ||
	    !cli_set_count(arguments, "copies-per-host", opt.copies_per_host, COPIES_MAX, error) ||
	    !cli_set_size(arguments, "rate-per-host", opt.rate_per_host, error) ||
	    !cli_set_span(arguments, "starve-after", opt.starve_after, error))
		return CLI_USAGE;
	if (json_object_size(arguments) == 0) {
		cli_usage_error(error, _("nothing to set"));
		return CLI_USAGE;
	}
	g_autoptr(json_t) list = cli_call(cli, "limits-set", json_incref(arguments), error);
	if (!list)
		return CLI_FAILED;
	print_limits(cli, list);
	return CLI_OK;
}

static const GOptionEntry set_options[] = {
	{"max-jobs", 0, 0, G_OPTION_ARG_STRING, &opt.max_jobs, N_("Jobs running at once"), "N"},
	{"max-copies", 0, 0, G_OPTION_ARG_STRING, &opt.max_copies, N_("Disks copied at once"), "N"},
	{"copies-per-host", 0, 0, G_OPTION_ARG_STRING, &opt.copies_per_host,
	 N_("Of them from one host; 0: no limit"), "N"},
	{"rate-per-host", 0, 0, G_OPTION_ARG_STRING, &opt.rate_per_host,
	 N_("Bytes a second from one host; 0: no limit"), "SIZE"},
	{"starve-after", 0, 0, G_OPTION_ARG_STRING, &opt.starve_after,
	 N_("After so long a job goes first; 0: never"), "TIME"},
	G_OPTION_ENTRY_NULL,
};

const struct command limits_commands[] = {
	{"limits", "show", "", 0, 0, COMMAND_READ, N_("Show the limits of the queue"), NULL, NULL,
	 limits_show},
	{"limits", "set", "", 0, 0, 0, N_("Change limits of the queue"),
	 N_("They hold at once and after a restart too. \"default\" is the configuration's value."),
	 set_options, limits_set},
	{0},
};
