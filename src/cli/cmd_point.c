/* cairn point. */
#include "cli/field.h"
#include "cli/format.h"
#include "cli/language.h"
#include "cli/recovery.h"
#include "cli/summary.h"
#include "cli/themes.h"
#include "cli/wait.h"

#include <glib/gi18n.h>
#include <string.h>

static struct {
	char *consistency, *hold, *priority;
	gboolean no_barrier, no_wait;
	struct recovery_options recovery;
} opt;

static json_t *
point_arguments(const char *point)
{
	return json_pack("{s:s}", "point", point);
}

static int
point_create(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) arguments = json_pack("{s:s}", "group", args[0]);
	cli_set_text(arguments, "consistency", opt.consistency);
	if (opt.no_barrier)
		cairn_json_set_bool(arguments, "no-barrier", TRUE);
	if (!cli_set_span(arguments, "hold", opt.hold, error) ||
	    !cli_set_priority(arguments, opt.priority, error) ||
	    !recovery_options_set(arguments, &opt.recovery, error))
		return CLI_USAGE;
	g_autoptr(json_t) answer = cli_call(cli, "point-create", json_incref(arguments), error);
	if (!answer)
		return CLI_FAILED;
	if (opt.no_wait)
		return wait_not(cli, answer);
	g_autoptr(json_t) jobs = NULL;
	int status = wait_for(cli, answer, &jobs, error);
	if (status != CLI_OK)
		return status;
	/* Another host has no GUID for a point that did not stand yet. */
	const char *id = field_text(answer, "point") ? field_text(answer, "point")
						     : field_text(answer, "point-name");
	g_autoptr(json_t) point = cli_call(cli, "point-show", point_arguments(id), error);
	if (!point)
		return CLI_FAILED;
	if (cli->json)
		cli_print_json(point);
	else
		summary_point(cli, point);
	return CLI_OK;
}

static enum style
consistency_style(const json_t *point)
{
	const char *reached = field_text(point, "consistency");
	const char *asked = field_text(point, "requested");
	return g_strcmp0(reached, "crash") == 0 && g_strcmp0(asked, "crash") != 0 ? STYLE_WARN
										  : STYLE_PLAIN;
}

static void
add_row(struct table *table, const json_t *point)
{
	guint64 pause = field_uint(point, "pause-us");
	table_add(table, field_text(point, "name"));
	table_take(table, field_time(point, "created"));
	table_add_style(table, consistency_style(point), field_text(point, "consistency"));
	table_take(table, pause ? format_span((gint64)pause) : NULL);
	table_take(table, field_any(point, "held"));
	table_take(table, g_strdup_printf("%zu", json_array_size(field_array(point, "exports"))));
	table_add(table, field_text(point, "id"));
}

static int
point_list(struct cli *cli, char *const *args, GError **error)
{
	static const char *const headers[] = {N_("POINT"),  N_("CREATED"), N_("CONSISTENCY"),
					      N_(">PAUSE"), N_("HELD"),	   N_(">EXPORTS"),
					      N_("ID"),	    NULL};
	json_t *arguments = json_object();
	cli_set_text(arguments, "group", args[0]);
	return cli_list(cli, "point-list", arguments, headers, add_row,
			_("no points; `cairn point create GROUP' takes one"), error);
}

static void
add_disks(struct table *table, const json_t *member)
{
	size_t i;
	json_t *disk;
	json_array_foreach (field_array(member, "disks"), i, disk) {
		json_t *changed = json_object_get(disk, "changed-bytes");
		table_take(table, g_strdup_printf("%s:%s", field_text(member, "name"),
						  field_text(disk, "target")));
		table_take(table, json_is_integer(json_object_get(disk, "size"))
					  ? format_size(field_uint(disk, "size"))
					  : NULL);
		table_take(table, json_is_integer(changed)
					  ? format_size(field_uint(disk, "changed-bytes"))
					  : NULL);
		table_take(table, field_any(disk, "tracked"));
		table_take(table, cli_translate(field_text(disk, "reason")));
	}
}

static void
print_members(const json_t *point)
{
	static const char *const member_headers[] = {N_("MEMBER"),  N_("STATE"),  N_("CONSISTENCY"),
						     N_(">PAUSED"), N_("REASON"), NULL};
	static const char *const disk_headers[] = {N_("DISK"),	  N_(">SIZE"),	N_(">CHANGED"),
						   N_("TRACKED"), N_("REASON"), NULL};
	cairn_auto(table) members = table_new(member_headers);
	cairn_auto(table) disks = table_new(disk_headers);
	size_t i;
	json_t *member;
	json_array_foreach (field_array(point, "members"), i, member) {
		guint64 paused = field_uint(member, "paused-us");
		table_add(members, field_text(member, "name"));
		table_add(members, field_word(member, "state"));
		table_add(members, field_text(member, "consistency"));
		table_take(members, paused ? format_span((gint64)paused) : NULL);
		table_take(members, cli_translate(field_text(member, "reason")));
		add_disks(disks, member);
	}
	cli_print_table(members, 2);
	cli_print_table(disks, 2);
}

static void
print_exports(const json_t *point)
{
	static const char *const headers[] = {N_("EXPORTED"), N_("TO"), NULL};
	cairn_auto(table) table = table_new(headers);
	size_t i;
	json_t *item;
	json_array_foreach (field_array(point, "exports"), i, item) {
		table_take(table, field_time(item, "time"));
		table_add(table, field_text(item, "directory"));
	}
	cli_print_table(table, 2);
}

static int
point_show(struct cli *cli, char *const *args, GError **error)
{
	g_autoptr(json_t) point = cli_call(cli, "point-show", point_arguments(args[0]), error);
	if (!point)
		return CLI_FAILED;
	if (cli->json) {
		cli_print_json(point);
		return CLI_OK;
	}
	summary_point(cli, point);
	if (cli->quiet)
		return CLI_OK;
	print_members(point);
	print_exports(point);
	return CLI_OK;
}

static int
change(struct cli *cli, const char *request, const char *name, gboolean deletes, GError **error)
{
	g_autoptr(json_t) answer = cli_call(cli, request, point_arguments(name), error);
	if (!answer)
		return CLI_FAILED;
	if (cli->json)
		cli_print_json(answer);
	else
		cli_note(cli, deletes ? _("deleted point %s") : _("released point %s"), name);
	return CLI_OK;
}

static int
point_release(struct cli *cli, char *const *args, GError **error)
{
	return change(cli, "point-release", args[0], FALSE, error);
}

static int
point_delete(struct cli *cli, char *const *args, GError **error)
{
	return change(cli, "point-delete", args[0], TRUE, error);
}

static const GOptionEntry create_options[] = {
	{"consistency", 'c', 0, G_OPTION_ARG_STRING, &opt.consistency,
	 N_("application: fail if a member cannot be frozen; best (default): say crash then; "
	    "crash: "
	    "do not freeze"),
	 "application|best|crash"},
	{"hold", 0, 0, G_OPTION_ARG_STRING, &opt.hold, N_("How long to hold its data, e.g. 2h"),
	 "TIME"},
	{"no-barrier", 0, 0, G_OPTION_ARG_NONE, &opt.no_barrier,
	 N_("Do not pause the machines together: not one instant (for tests)"), NULL},
	{"priority", 0, 0, G_OPTION_ARG_STRING, &opt.priority, N_("Lower runs first; default 100"),
	 "N"},
	JOB_RECOVERY_OPTIONS(opt.recovery),
	{"no-wait", 0, 0, G_OPTION_ARG_NONE, &opt.no_wait, N_("Print the job's number and return"),
	 NULL},
	G_OPTION_ENTRY_NULL,
};

const struct command point_commands[] = {
	{"point", "create", "GROUP", 1, 1, 0, N_("Take a point of all members at one instant"),
	 N_("The machines go on at once; the point's data is held until it is exported, released, "
	    "replaced by the next point of the group, or its time is over."),
	 create_options, point_create},
	{"point", "list", "[GROUP]", 0, 1, COMMAND_READ, N_("List points, oldest first"), NULL,
	 NULL, point_list},
	{"point", "show", "POINT", 1, 1, COMMAND_READ, N_("Show a point, its members and exports"),
	 N_("A point is named GROUP@NUMBER, GROUP@latest or by its GUID."), NULL, point_show},
	{"point", "release", "POINT", 1, 1, 0, N_("Let the held data of a point go"),
	 N_("The point stays and can be the base of an export."), NULL, point_release},
	{"point", "delete", "POINT", 1, 1, 0, N_("Forget a point"), N_("Its exports stay."), NULL,
	 point_delete},
	{0},
};
