/* cairn vm, cairn status. */
#include "cli/field.h"
#include "cli/format.h"
#include "cli/language.h"
#include "cli/themes.h"

#include <glib/gi18n.h>
#include <string.h>

static enum style
state_style(const char *state)
{
	if (g_strcmp0(state, "running") == 0)
		return STYLE_GOOD;
	return g_strcmp0(state, "crashed") == 0 ? STYLE_BAD : STYLE_PLAIN;
}

/* "vda 256 MiB, vdb 10.0 GiB*": the star leads to the notes below the table. */
static char *
disks_text(const json_t *vm)
{
	g_autoptr(GString) out = g_string_new(NULL);
	size_t i;
	json_t *disk;
	json_array_foreach (field_array(vm, "disks"), i, disk) {
		g_autofree char *size = format_size(field_uint(disk, "size"));
		json_t *trackable = json_object_get(disk, "trackable");
		g_string_append_printf(out, "%s%s %s%s", out->len ? ", " : "",
				       field_text(disk, "target"), size,
				       json_is_false(trackable) ? "*" : "");
	}
	return g_strdup(out->str);
}

static void
note_untrackable(const struct cli *cli, const json_t *vm)
{
	size_t i;
	json_t *disk;
	json_array_foreach (field_array(vm, "disks"), i, disk) {
		const char *reason = field_text(disk, "reason");
		if (!json_is_false(json_object_get(disk, "trackable")))
			continue;
		g_autofree char *why = cli_translate(reason);
		cli_note(cli, _("* %s:%s is exported in full each time: %s"),
			 field_text(vm, "name"), field_text(disk, "target"),
			 why ? why : _("it cannot be tracked"));
	}
}

static int
vm_list(struct cli *cli, char *const *args, GError **error)
{
	static const char *const headers[] = {N_("NAME"), N_("STATE"), N_("AGENT"), N_("GROUPS"),
					      N_("BUSY"), N_("DISKS"), NULL};
	g_autoptr(json_t) list = cli_call(cli, "vm-list", NULL, error);
	size_t i;
	json_t *vm;
	if (!list)
		return CLI_FAILED;
	if (cli->json) {
		cli_print_json(list);
		return CLI_OK;
	}
	cairn_auto(table) table = table_new(headers);
	json_array_foreach (list, i, vm) {
		const char *state = field_text(vm, "state");
		table_add(table, field_text(vm, "name"));
		table_add_style(table, state_style(state), field_word(vm, "state"));
		table_take(table, field_any(vm, "agent"));
		table_take(table, field_any(vm, "groups"));
		table_take(table, cli_translate(field_text(vm, "busy")));
		table_take(table, disks_text(vm));
	}
	cli_print_table(table, 0);
	json_array_foreach (list, i, vm)
		note_untrackable(cli, vm);
	if (json_array_size(list) == 0)
		cli_note(cli, _("no virtual machines"));
	return CLI_OK;
}

const struct command vm_commands[] = {
	{"vm", "list", "", 0, 0, COMMAND_READ, N_("List the virtual machines"),
	 N_("Shows every machine of the daemon's connections, whether its guest agent answers "
	    "(needed for application consistency), and its disks. A disk marked with a star cannot "
	    "be tracked and is exported in full each time."),
	 NULL, vm_list},
	{0},
};

static void
print_connections(const json_t *status)
{
	cairn_auto(table) sheet = table_new_sheet();
	size_t i;
	json_t *item;
	json_array_foreach (field_array(status, "connections"), i, item) {
		gboolean up = field_bool(item, "connected");
		g_autofree char *error = cli_translate(field_text(item, "error"));
		g_autofree char *down = error ? g_strdup_printf(_("not connected: %s"), error)
					      : g_strdup(_("not connected"));
		table_add(sheet, field_text(item, "uri"));
		table_add_style(sheet, up ? STYLE_GOOD : STYLE_BAD, up ? _("connected") : down);
	}
	cli_print_table(sheet, 2);
}

/* The names of settings stand in cairn.conf: they have no translation. */
static void
add_setting(struct table *sheet, const char *key, const json_t *value)
{
	g_autofree char *text = value_any(value);
	if (text && *text) {
		table_add_style(sheet, STYLE_DIM, key);
		table_add(sheet, text);
	}
}

static int
run_status(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) status = cli_call(cli, "query-status", NULL, error);
	const char *key;
	json_t *value;
	if (!status)
		return CLI_FAILED;
	if (cli->json) {
		cli_print_json(status);
		return CLI_OK;
	}
	json_t *jobs = field_object(status, "jobs");
	cairn_auto(table) sheet = table_new_sheet();
	table_pair_take(sheet, N_("cairnd"), field_any(status, "version"));
	if (json_is_integer(json_object_get(status, "uptime-us")))
		table_pair_take(sheet, N_("running for"),
				format_span((gint64)field_uint(status, "uptime-us")));
	table_pair_take(sheet, N_("groups"), field_any(status, "groups"));
	table_pair_take(sheet, N_("points"), field_any(status, "points"));
	table_pair_take(sheet, N_("points held"), field_any(status, "held-points"));
	table_pair_take(sheet, N_("jobs"),
			g_strdup_printf(_("%llu waiting, %llu running, %llu finished"),
					(unsigned long long)field_uint(jobs, "waiting"),
					(unsigned long long)field_uint(jobs, "running"),
					(unsigned long long)field_uint(jobs, "finished")));
	cli_print_table(sheet, 0);
	cli_print("%s", _("connections"));
	print_connections(status);
	cli_print("%s", _("configuration"));
	cairn_auto(table) config = table_new_sheet();
	json_object_foreach (field_object(status, "config"), key, value)
		add_setting(config, key, value);
	cli_print_table(config, 2);
	return CLI_OK;
}

static int
run_access(struct cli *cli, char *const *args, GError **error)
{
	json_t *arguments = json_pack("{s:s}", "user", args[0]);
	if (!arguments) {
		cli_usage_error(error, _("the name of the user is not UTF-8"));
		return CLI_USAGE;
	}
	g_autoptr(json_t) access = cli_call(cli, "query-access", arguments, error);
	if (!access)
		return CLI_FAILED;
	if (cli->json) {
		cli_print_json(access);
		return CLI_OK;
	}
	cairn_auto(table) sheet = table_new_sheet();
	const char *role = field_text(access, "role");
	table_pair(sheet, N_("user"), field_text(access, "user"));
	table_pair(sheet, N_("role"), role ? role : _("none"));
	table_pair_take(sheet, N_("acts on groups"), field_any(access, "groups"));
	cli_print_table(sheet, 0);
	return CLI_OK;
}

const struct command status_command[] = {
	{"status", NULL, "", 0, 0, COMMAND_READ, N_("What the daemon is doing"), NULL, NULL,
	 run_status},
	{"access", NULL, "USER", 1, 1, 0, N_("What a user may do over the CIM front end"),
	 N_("The roles are in cairn.conf; users of this host who may use the daemon's sockets are "
	    "not meant."),
	 NULL, run_access},
	{0},
};
